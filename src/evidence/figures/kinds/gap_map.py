"""Gap map: conditions against outcomes, with the cells that nobody has studied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from evidence.appraisal import MARKERS, compared, gap_map, unread_markers, waiting
from evidence.figures import page
from evidence.figures.figure import Content, Spec, figure_kind
from evidence.figures.marks import key
from evidence.review import Review

LABEL, KEY = 3.15, 0.42  # inches: names, key below
LARGEST, NUMBER = 0.15, 0.1  # inches: radius of the largest disc, space before its number
WAITING = "Trials without results"
FOCUS = "#E3EFF7"
DISC = {"marker": "o", "color": page.MESSAGE, "ls": "none"}
RING = {"marker": "o", "ms": 12, "mfc": "white", "mec": page.CONTEXT, "mew": 2, "ls": "none"}
UNREAD = {"marker": "v", "ms": 12, "mfc": "white", "mec": page.ACCENT, "mew": 2, "ls": "none"}
REGISTERED = UNREAD | {"marker": "^"}


def draw_map(cells: pd.DataFrame, marks: pd.DataFrame, ax: Axes, focus: Sequence[str] = ()) -> Axes:
    """Draw the map.

    Parameters
    ----------
    cells : DataFrame
        As `evidence.appraisal.gap_map` returns it.
    marks : DataFrame
        Columns condition_group, domain_group, n: trials without a readable result.
    ax : Axes
        Its limits become inches of the region.
    focus : sequence of str
        Columns that stand on a coloured ground.

    Returns
    -------
    Axes
    """
    width, height = page.in_inches(ax)
    conditions = list(dict.fromkeys(cells["condition_group"]))
    domains = list(dict.fromkeys(cells["domain_group"]))
    has_waiting = (marks["domain_group"] == WAITING).any()
    names = domains + [WAITING] * bool(has_waiting)
    step = (width - LABEL) / len(names)
    heads = {name: page.evenly(name, step - 0.1, page.TICKS, "bold") for name in names}
    head = (max(map(len, heads.values())) * 1.06 * page.TICKS) / 72 + 0.12
    pitch = (height - head) / len(conditions)
    size = min(page.TEXT, 72 * pitch / 1.35)
    lefts = {name: LABEL + step * number for number, name in enumerate(names)}
    tops = {name: height - head - pitch * number for number, name in enumerate(conditions)}
    for name, left in lefts.items():
        is_focus = name in focus
        if is_focus:
            ax.add_patch(Rectangle((left, 0), step, height, facecolor=FOCUS, lw=0, zorder=0))
        words = "\n".join(heads[name])
        ax.text(left + step / 2, height - head + 0.08, words, size=page.TICKS, ha="center",
                va="bottom", linespacing=page.spacing(words, 1.0),
                weight="bold" if is_focus else "normal",
                color=page.MESSAGE if is_focus else page.INK)
    for name, top in tops.items():
        ax.plot([0, width], [top, top], color=page.PALE, lw=0.8, zorder=0.5)
        ax.text(0, top - pitch / 2, name, size=min(size, size * LABEL / (
            page.inches(name, size) + 0.1)), va="center_baseline")
    counts = {(row.condition_group, row.domain_group): row.n for row in marks.itertuples()}
    largest = max(int(cells["participants"].max()), 1)
    for row in cells.itertuples():
        place = lefts[row.domain_group] + step / 2, tops[row.condition_group] - pitch / 2
        _cell(ax, place, row, counts.get((row.condition_group, row.domain_group), 0), largest,
              min(LARGEST, 0.42 * pitch), size)
    for name in conditions:
        if has_waiting and (name, WAITING) in counts:
            _counted(ax, lefts[WAITING] + step / 2, tops[name] - pitch / 2, counts[name, WAITING],
                     REGISTERED, size)
    return ax


def _cell(ax: Axes, place: tuple[float, float], row: Any, unread: int, largest: int,
          radius: float, size: float) -> None:
    x, y = place
    shift = 0.3 if unread and row.kind != "empty" else 0.0
    if row.kind == "placebo":
        at = x - shift - 0.12
        ax.plot(at, y, ms=max(144 * radius * np.sqrt(row.participants / largest), 4), **DISC)
        ax.text(at + radius + 0.06, y, f"{row.participants}", size=size, va="center_baseline")
    elif row.kind == "other":
        ax.plot(x - shift, y, **RING)
    if unread:
        _counted(ax, x + shift, y, unread, UNREAD, size)


def _counted(ax: Axes, x: float, y: float, count: int, mark: Mapping[str, Any],
             size: float) -> None:
    """A mark with a number beside it."""
    ax.plot(x - 0.12, y, **mark)
    ax.text(x + 0.04, y, str(count), size=size, va="center_baseline", color=page.ACCENT)


def _marks(review: Review) -> pd.DataFrame:
    to_come = waiting(review)
    unread = unread_markers(review)
    counted = [
        frame.groupby("condition_group").size().rename("n").reset_index().assign(domain_group=name)
        for frame, name in ((to_come[to_come["compared"]], WAITING), (unread, MARKERS))
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
    """All conditions of a review; `spec` may select the groups of outcomes that are shown."""
    cells, marks = gap_map(review), _marks(review)
    shown = [name for name in spec.select if name in set(cells["domain_group"])]
    if shown:
        cells = cells[cells["domain_group"].isin(shown)].reset_index(drop=True)
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
        "n_waiting": int(to_come["compared"].sum()),
        "largest_condition": largest["condition_group"],
        "largest_domain": largest["domain_group"],
        "largest_people": int(largest["participants"]),
    }

    entries = _entries(cells, marks, compared(review)[1])

    def draw(figure: Figure) -> Axes:
        x, bottom, width, height = page.BODY
        down = KEY / page.HEIGHT
        ax = figure.add_axes((x, bottom + down, width, height - down))
        draw_map(cells, marks, ax, spec.emphasis)
        key(figure, x, bottom + down - 0.022, entries)
        return ax

    summary = (
        f"{facts['n_placebo']} of {len(cells)} cells hold a placebo-controlled trial with results, "
        f"{facts['n_other']} only studies without one, {facts['n_empty']} nothing. Most people: "
        f"{largest['condition_group']}, {largest['domain_group']}, {largest['participants']}."
    )
    method = "A disc: a trial measured it, though it may print no difference; people once a cell"
    studies = review.table("studies")
    sources = tuple(studies.loc[studies["study"].isin(to_come["study"]), "study"])
    tables = ("studies", "outcomes", "biomarkers", "harms", "condition_groups", "domain_groups")
    return Content(facts, cells, method, summary, "Map of evidence and gaps", sources,
                   tuple(name for name in tables if name in review.tables), draw)


def _entries(cells: pd.DataFrame, marks: pd.DataFrame, trials: str) -> list[tuple]:
    """What the marks mean, of those that are drawn."""
    kinds, groups = set(cells["kind"]), set(marks["domain_group"])
    entries = [
        (DISC | {"ms": 12}, "people in " + trials.replace("randomised placebo", "placebo"),
         "placebo" in kinds),
        (RING, "no such control", "other" in kinds),
        (UNREAD, "marker planned, none readable", bool(groups - {WAITING})),
        (REGISTERED, "no results yet", WAITING in groups),
    ]
    return [(mark, words) for mark, words, is_drawn in entries if is_drawn]
