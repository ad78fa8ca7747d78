"""Exhibits: one object for a figure, its message, its table, its method line and its alt text.

Which figures exist, what they select and how their message reads stands in ``data/figures.csv``;
how a kind of figure computes and draws stands in ``evidence.figures.<kind>``.
"""

from __future__ import annotations

import importlib
from collections import ChainMap
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from evidence.figures import nodata
from evidence.figures.exhibit import NAME, Content, Exhibit, Spec, _impossible, _refused, footer
from evidence.review.columns import keys
from evidence.review.problems import NoDataError, Problem, ReviewError
from evidence.review.review import Review
from evidence.wording.facts import Facts
from evidence.wording.prose import MissingValueError, fill


def specs(review: Review) -> dict[str, Spec]:
    """Figures of the review by name, in the order of figures.csv."""
    table = review.table("figures")
    if table.empty:
        return {}
    text = table.astype("str").where(table.notna(), "")
    return {
        row["figure"]: Spec(
            row["figure"], row["kind"], row.get("notebook", ""), tuple(keys(row.get("select"))),
            tuple(keys(row.get("thresholds"))), row["message"], row.get("subtitle", ""),
            row.get("caption", ""), int(index) + 2,
        )
        for index, row in text.iterrows()
    }


def build(review: Review, analyses: Mapping[str, Any], name: str) -> Exhibit:
    """Compute one exhibit.

    Raises
    ------
    ReviewError
        When figures.csv asks for something that is not there, with its row. An absent table or
        column is no mistake: the exhibit then says that there are no data.
    """
    known = specs(review)
    if name not in known:
        raise ReviewError([Problem("data/figures.csv", None, "figure", name, "is not a figure",
                                   f"use one of {', '.join(known)}")])
    spec = known[name]
    if not NAME.fullmatch(name):
        raise _refused(spec, "figure", name, "is not a plain name", "use a-z, 0-9, _ and -")
    if spec.kind not in KINDS:
        raise _refused(spec, "kind", spec.kind, "is not a kind of figure",
                       f"use one of {', '.join(KINDS)}")
    if len(spec.select) < KINDS[spec.kind].selects:
        raise _refused(spec, "select", "; ".join(spec.select), "names too few",
                       f"a figure of kind {spec.kind} needs {KINDS[spec.kind].selects} or more ids")
    try:
        return _computed(review, analyses, spec)
    except ReviewError:
        raise
    except NoDataError as error:
        return _without_data(review, spec, str(error))
    except KeyError as error:
        lacking = nodata.missing_columns(review, error)
        if lacking and error.args[0] not in (*spec.select, *spec.thresholds):
            return _without_data(review, spec, lacking)
        unknown = [part for part in spec.select if part in str(error)] or [str(error.args[0])]
        raise _refused(spec, "select", "; ".join(unknown), "is not there",
                       "mend the id, or add its row") from None
    except Exception as error:
        raise _impossible(spec, error) from error


def _computed(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Exhibit:
    nodata.require(review, KINDS[spec.kind].tables)
    if spec.thresholds:
        nodata.require(review, ["instruments"])
    content = importlib.import_module(f"evidence.figures.{spec.kind}").content(review, analyses, spec)
    facts = ChainMap(dict(content.facts), Facts(review, analyses))
    title, subtitle, caption = (
        _filled(spec, column, facts) for column in ("message", "subtitle", "caption")
    )
    alt = " ".join([f"{content.what}: {subtitle.rstrip('.')}.", content.summary,
                    f"{title.rstrip('.')}."])
    return Exhibit(spec.name, spec.notebook, title, subtitle, caption, alt,
                   footer(review, content), content, spec)


def _filled(spec: Spec, column: str, facts: Mapping[str, Any]) -> str:
    try:
        return fill(getattr(spec, column), facts)
    except MissingValueError as error:
        raise _refused(spec, column, "", str(error),
                       "mend the template or the table it reads") from None


def _without_data(review: Review, spec: Spec, reason: str) -> Exhibit:
    """A page that says what is missing; an absent table is no mistake."""
    content = Content({}, pd.DataFrame(), "Nothing was computed", "Nothing is drawn.", "Empty page",
                      (), (), nodata.draw)
    subtitle = f"{reason[:1].upper()}{reason[1:]}."
    alt = f"{content.what}: {subtitle} {content.summary}"
    return Exhibit(spec.name, spec.notebook, nodata.TITLE, subtitle, subtitle, alt,
                   footer(review, content), content, spec)


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
