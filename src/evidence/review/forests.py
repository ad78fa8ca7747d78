"""Figures that follow from analyses: a primary analysis has its forest without a row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

NOTEBOOK = "02_analyses"
MESSAGE, SUBTITLE, CAPTION = "{headline}", "{subject}", "{reading}"  # facts of a forest page
BESIDE = ("funnel", "bubble")  # kinds that stand beside a forest, not in its place


def forest_rows(
    figures: Iterable[Mapping[str, str]], analyses: Iterable[Mapping[str, str]]
) -> list[dict[str, str]]:
    """Rows of figures.csv for the primary analyses that no figure selects.

    Parameters
    ----------
    figures, analyses : iterable of mapping
        Rows of the two tables as text. An analysis without a role is a primary one.

    Returns
    -------
    list of dict
        ``figure, kind, notebook, select, message, subtitle, caption``, in the order of the
        analyses.

    Examples
    --------
    >>> [row["figure"] for row in forest_rows([], [{"analysis": "Pain, week 6"}])]
    ['pain_week_6_forest']
    """
    taken, shown = set(), set()
    for row in figures:
        taken.add(row.get("figure") or "")
        if row.get("kind") not in BESIDE:
            shown |= {part.strip() for part in (row.get("select") or "").split(";")}
    made = []
    for row in analyses:
        name = (row.get("analysis") or "").strip()
        if not name or name in shown or (row.get("role") or "primary") != "primary":
            continue
        base = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "analysis"
        figure, number = f"{base}_forest", 2
        while figure in taken:
            figure, number = f"{base}_{number}_forest", number + 1
        taken.add(figure)
        made.append({
            "figure": figure, "kind": "forest_page", "notebook": NOTEBOOK, "select": name,
            "message": MESSAGE, "subtitle": SUBTITLE, "caption": CAPTION,
        })  # fmt: skip
    return made
