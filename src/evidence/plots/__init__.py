"""One module per kind of figure; `KINDS` lists those that figures.csv may name."""

from __future__ import annotations

from typing import NamedTuple


class Needs(NamedTuple):
    """What a kind of figure cannot do without.

    Attributes
    ----------
    tables : tuple of str
        Without one of them, or with an empty one, there is nothing to show.
    selects : int
        How many ids its column ``select`` names at least.
    """

    tables: tuple[str, ...]
    selects: int = 0


KINDS = {
    "landscape": Needs(("studies",)),
    "changes": Needs(("outcomes",), 1),
    "forest_page": Needs(("analyses",), 1),
    "multiverse": Needs(("analyses", "specifications"), 1),
    "event_forest": Needs(("analyses",), 1),
    "timecourse": Needs(("outcomes",), 1),
    "claims_audit": Needs(("claims",)),
    "timeline": Needs(("claims", "seed_dosing")),
    "threshold": Needs(("analyses", "instruments"), 1),
    "mechanism_map": Needs(("mechanism_edges", "mechanism_groups")),
    "published": Needs(("published_pooled",), 1),
    "ladder": Needs(("outcomes",), 1),
    "directions": Needs(("outcomes",), 1),
    "risk_of_bias": Needs(("bias_answers",)),
    "gap_map": Needs(("studies",)),
    "study_flow": Needs(("studies",)),
    "information_size": Needs(("certainty",)),
    "new_trial": Needs(("analyses",), 1),
    "concentrations": Needs(("concentrations", "concentration_rows"), 1),
    "analytes": Needs(("biomarkers",), 2),
    "markers": Needs(("biomarkers",)),
}
