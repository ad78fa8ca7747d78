"""Gap map: conditions against outcomes, with the cells that nobody has studied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from evidence.appraisal import MARKERS, gap_map, unread_markers, waiting
from evidence.figures import page
from evidence.figures.figure import Content, Spec, figure_kind
from evidence.review import Review

WIDTH, HEIGHT = 12.27, 5.16  # inches of the region
HEAD, LABEL = 0.88, 2.165
LARGEST = 0.155  # inches, radius of the largest disc
DISC_AT = 0.22  # inches, how far left of the middle a disc stands
WAITING = "Trials waiting"
REGISTERED, UNREAD = "^", "v"  # trials without results; markers planned of which none was readable


def draw_map(figure: Figure, cells: pd.DataFrame, marks: pd.DataFrame, ax: Axes) -> Axes:
    """Draw the map.

    Parameters
    ----------
    figure : Figure
        Measures the texts.
    cells : DataFrame
        As `evidence.appraisal.gaps.gap_map` returns it.
    marks : DataFrame
        Columns condition_group, domain_group, n: trials without a readable result.
    ax : Axes
        Its limits become inches of the region.

    Returns
    -------
    Axes
    """
    ax.set(xlim=(0, WIDTH), ylim=(0, HEIGHT))
    ax.axis("off")
    conditions = list(dict.fromkeys(cells["condition_group"]))
    domains = [*dict.fromkeys(cells["domain_group"]), WAITING]
    people = cells.groupby("domain_group")["participants"].max().to_dict()
    edges = _edges(figure, domains, people)
    pitch = (HEIGHT - HEAD) / len(conditions)
    tops = {name: HEIGHT - HEAD - pitch * row for row, name in enumerate(conditions)}
    for name, left, right in zip(domains, edges[:-1], edges[1:], strict=True):
        words = page.wrap(figure, name, 1.01 * (right - left) / 13.333, 14)
        ax.text((left + right) / 2, HEIGHT - HEAD + 0.06, words, size=14,
                ha="center", va="bottom", linespacing=page.spacing(words, 0.95))
    for name, top in tops.items():
        words = page.wrap(figure, name, LABEL / 13.333, 14)
        ax.text(LABEL - 0.08, top - pitch / 2, words, size=14, ha="right", va="center",
                linespacing=page.spacing(words, 0.88))
    places = {name: (left, right) for name, left, right in
              zip(domains, edges[:-1], edges[1:], strict=True)}
    counts = {(row.condition_group, row.domain_group): row.n for row in marks.itertuples()}
    largest = max(int(cells["participants"].max()), 1)
    for row in cells.itertuples():
        box = (*places[row.domain_group], tops[row.condition_group], pitch)
        _cell(ax, box, row, counts.get((row.condition_group, row.domain_group), 0), largest)
    for name in conditions:
        if (name, WAITING) in counts:
            _triangle(ax, *places[WAITING], tops[name] - pitch / 2, counts[name, WAITING],
                      REGISTERED)
    return ax


def _edges(figure: Figure, domains: list[str], people: Mapping[str, int]) -> np.ndarray:
    """Left and right ends of the columns in inches: as wide as the longest word of the heading and
    a disc with the largest number of `people` need."""
    def inches(text: str) -> float:
        return page.text_width(figure, text, 14) * 13.333

    needed = np.array([
        max(*(inches(word) + 0.04 for word in name.split()),
            2 * (LARGEST + 0.08 + inches(str(people.get(name, ""))) - DISC_AT))
        for name in domains
    ])
    spare = max(WIDTH - LABEL - needed.sum(), 0) / len(domains)
    return LABEL + np.concatenate([[0], np.cumsum(needed + spare)])


def _cell(ax: Axes, box: tuple[float, float, float, float], row: Any, unread: int,
          largest: int) -> None:
    left, right, top, pitch = box
    middle, y = (left + right) / 2, top - pitch / 2
    is_empty = row.kind == "empty"
    ax.add_patch(Rectangle(
        (left + 0.02, top - pitch + 0.02), right - left - 0.04, pitch - 0.04,
        facecolor="white" if is_empty else "#F4F4F4", edgecolor=page.PALE, lw=0.8,
        hatch="////" if is_empty else None,
    ))
    x = middle - DISC_AT if row.kind == "placebo" or unread else middle
    points = 2 * 72 * LARGEST
    if row.kind == "placebo":
        ax.plot([x], [y], "o", ms=max(points * np.sqrt(row.participants / largest), 4),
                mfc=page.BLUE, mec=page.BLUE)
        ax.text(x + LARGEST + 0.04, y, f"{row.participants}", size=14, va="center")
    elif row.kind == "other":
        ax.plot([x], [y], "o", ms=11, mfc="white", mec=page.GREY, mew=2)
    if unread:
        _triangle(ax, left, right, y, unread, UNREAD, shift=0.12 if row.kind != "empty" else 0)


def _triangle(ax: Axes, left: float, right: float, y: float, count: int, marker: str,
              shift: float = 0) -> None:
    x = (left + right) / 2 + shift
    ax.text(x + 0.12, y, str(count), size=14, va="center", bbox={
        "facecolor": "white", "edgecolor": "none", "pad": 0.5,
    })
    ax.plot([x], [y], marker, ms=11, mfc="white", mec=page.ACCENT, mew=2)


def _marks(review: Review) -> pd.DataFrame:
    to_come = waiting(review)
    unread = unread_markers(review)
    counted = [
        frame.groupby("condition_group").size().rename("n").reset_index().assign(domain_group=name)
        for frame, name in ((to_come[to_come["placebo"]], WAITING), (unread, MARKERS))
        if len(frame)
    ]
    columns = ["condition_group", "domain_group", "n"]
    return pd.concat(counted)[columns] if counted else pd.DataFrame(columns=columns)


@figure_kind(
    "gap_map", tables=("studies",),
    columns={
        "biomarkers": "study",
        "harms": "study",
        "outcomes": "study",
        "studies": "study",
    },
)
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """All condition groups and all outcome groups of a review."""
    cells, marks = gap_map(review), _marks(review)
    to_come = waiting(review)
    markers = cells[cells["domain_group"] == MARKERS]
    largest = cells.sort_values("participants").iloc[-1]
    facts = {
        "n_cells": len(cells), "n_empty": int((cells["kind"] == "empty").sum()),
        "n_other": int((cells["kind"] == "other").sum()),
        "n_placebo": int((cells["kind"] == "placebo").sum()),
        "n_conditions": cells["condition_group"].nunique(),
        "n_domains": cells["domain_group"].nunique(),
        "n_marker_conditions": int((markers["trials"] > 0).sum()),
        "n_marker_rings": int((markers["kind"] == "other").sum()),
        "n_unread": len(unread_markers(review)),
        "n_waiting": int(to_come["placebo"].sum()),
        "largest_condition": largest["condition_group"],
        "largest_domain": largest["domain_group"],
        "largest_people": int(largest["participants"]),
    }

    def draw(figure: Figure) -> Axes:
        x, bottom, width, _ = page.BODY
        ax = figure.add_axes((x, bottom - 0.02, width, HEIGHT / 7.5))
        return draw_map(figure, cells, marks, ax)

    summary = (
        f"{facts['n_placebo']} of {len(cells)} cells hold a placebo-controlled trial with results, "
        f"{facts['n_other']} only studies without one, {facts['n_empty']} nothing. Most people: "
        f"{largest['condition_group']}, {largest['domain_group']}, {largest['participants']}."
    )
    method = "A disc: a trial measured it, though it may print no difference; people once per cell"
    studies = review.table("studies")
    sources = tuple(studies.loc[studies["study"].isin(to_come["study"]), "study"])
    tables = ("studies", "outcomes", "biomarkers", "harms", "condition_groups", "domain_groups")
    return Content(facts, cells, method, summary, "Map of evidence and gaps", sources,
                   tuple(name for name in tables if name in review.tables), draw)
