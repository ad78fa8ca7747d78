"""Flow of records: from what the review knows to what it pools, and why records leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from evidence.appraisal import Step, search_steps, study_flow
from evidence.figures import page
from evidence.figures.figure import Content, Spec, figure_kind
from evidence.review import Review

MAIN, SIDE = (0.0, 4.6), 5.1  # inches: ends of the first column, start of the second
PAD, LINE, GAP = 0.1, 1.18, 0.12  # inches, font sizes, least inches between boxes
FILL = "#E3EFF7"


def draw_flow(steps: Sequence[Step], ax: Axes) -> Axes:
    """Draw the steps on the left and what leaves beside them.

    Parameters
    ----------
    steps : sequence of Step
    ax : Axes
        Its limits become inches of the region.

    Returns
    -------
    Axes
    """
    width, height = page.in_inches(ax)
    size, beside = page.TEXT, (SIDE, width)
    while True:
        mains = [_broken(f"{step.label}: {step.n}", MAIN, size, "bold") for step in steps]
        sides = [_side_lines(step, beside, size) for step in steps]
        heights = [LINE * size / 72 * max(len(main), len(side)) + 2 * PAD
                   for main, side in zip(mains, sides, strict=True)]
        spare = height - fsum(heights)
        if spare >= GAP * (len(steps) - 1) or size <= page.SMALLEST:
            break
        size -= 0.5
    gap, top = spare / max(len(steps) - 1, 1), height
    for number, (main, side, tall) in enumerate(zip(mains, sides, heights, strict=True)):
        is_last = number == len(steps) - 1
        _box(ax, MAIN, top, tall, main, page.MESSAGE, FILL if is_last else "white", "bold", size)
        if side:
            middle = top - tall / 2
            _box(ax, beside, top, tall, side, page.CONTEXT, "white", "normal", size)
            _arrow(ax, (MAIN[1], middle), (SIDE, middle))
        if not is_last:
            x = (MAIN[0] + MAIN[1]) / 2
            _arrow(ax, (x, top - tall), (x, top - tall - gap))
        top -= tall + gap
    return ax


def _side_lines(step: Step, column: tuple[float, float], size: float) -> list[str]:
    if not step.left_out:
        return []
    total = sum(count for _, count in step.left_out)
    reasons = "; ".join(f"{reason} {count}" for reason, count in step.left_out)
    return _broken(f"Leave here: {total} ({reasons})", column, size)


def _broken(text: str, column: tuple[float, float], size: float,
            weight: str = "normal") -> list[str]:
    return page.broken(text, column[1] - column[0] - 3 * PAD, size, weight)


def _box(ax: Axes, column: tuple[float, float], top: float, height: float, lines: list[str],
         edge: str, face: str, weight: str, size: float) -> None:
    left, right = column
    ax.add_patch(Rectangle((left + 0.01, top - height), right - left - 0.02, height, lw=1.6,
                           facecolor=face, edgecolor=edge, clip_on=False))
    text = "\n".join(lines)
    ax.text(left + PAD, top - height / 2, text, size=size, weight=weight, va="center",
            linespacing=page.spacing(text, 1.08))


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.annotate("", end, start, arrowprops={
        "arrowstyle": "-|>", "color": page.CONTEXT, "lw": 1.6, "shrinkA": 0, "shrinkB": 0,
    })


@figure_kind(
    "study_flow", tables=("studies",),
    columns={
        "analyses": "analysis",
        "studies": "study",
    },
)
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """All records of a review; `spec` selects nothing."""
    known, before = study_flow(review, analyses), search_steps(review)
    steps = (*before, *known)
    table = pd.DataFrame([
        (step.label, step.n, reason, count)
        for step in steps for reason, count in (step.left_out or (("", 0),))
    ], columns=["step", "records", "leave because", "number"])
    reasons = dict(pair for step in steps for pair in step.left_out)
    facts = {
        "n_records": known[0].n, "n_primary": known[1].n, "n_results": known[2].n,
        "n_reports": known[3].n, "n_trials": known[4].n, "n_used": known[5].n,
        "n_identified": before[0].n if before else known[0].n, "reasons": reasons,
    }

    def draw(figure: Figure) -> Axes:
        page.grow(figure, 0.9 * len(steps))
        return draw_flow(steps, page.body(figure))

    summary = " ".join(f"{step.label}: {step.n}." for step in steps)
    method = ("After PRISMA: counts of the search, then the records in studies.csv" if before else
              "Counted from the records in studies.csv; this is not the flow of a database search")
    tables = ("studies", "outcomes", "analyses", *["search_flow"] * bool(before))
    return Content(facts, table, method, summary, "Flow diagram", (), tables, draw)
