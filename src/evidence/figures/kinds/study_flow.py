"""Flow of records: from what the review knows to what it pools, and why records leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from evidence.appraisal import Step, study_flow
from evidence.figures import page
from evidence.figures.figure import Content, Spec, figure_kind
from evidence.review import Review

WIDTH, HEIGHT = 12.27, 5.1  # inches of the region
MAIN, SIDE, NOTE = (0.0, 3.75), (4.25, 8.95), (9.35, 12.27)  # left and right end of the columns
LINE, PAD = 0.22, 0.08


def draw_flow(figure: Figure, steps: Sequence[Step], note: str, ax: Axes) -> Axes:
    """Draw the steps on the left, what leaves beside them, and a note at the right.

    Parameters
    ----------
    figure : Figure
        Measures the texts.
    steps : sequence of Step
    note : str
        How the records were found.
    ax : Axes
        Its limits become inches of the region.

    Returns
    -------
    Axes
    """
    ax.set(xlim=(0, WIDTH), ylim=(0, HEIGHT))
    ax.axis("off")
    sides = [_side_lines(figure, step) for step in steps]
    mains = [_wrapped(figure, f"{step.label}: {step.n}", MAIN, "bold") for step in steps]
    heights = [
        LINE * max(len(main), len(side)) + 2 * PAD
        for main, side in zip(mains, sides, strict=True)
    ]
    gap = (HEIGHT - fsum(heights)) / max(len(steps) - 1, 1)
    top = HEIGHT
    for number, (main, side, height) in enumerate(zip(mains, sides, heights, strict=True)):
        middle = top - height / 2
        is_last = number == len(steps) - 1
        _box(ax, MAIN, top, height, main, page.BLUE, "#EAF3F9" if is_last else "white", "bold")
        if side:
            _box(ax, SIDE, top, height, side, page.GREY, "white", "normal")
            _arrow(ax, (MAIN[1], middle), (SIDE[0], middle))
        if not is_last:
            x = (MAIN[0] + MAIN[1]) / 2
            _arrow(ax, (x, top - height), (x, top - height - gap))
        top -= height + gap
    if note:
        lines = _wrapped(figure, note, NOTE)
        ax.text(NOTE[0], HEIGHT, "How records were found", size=14, weight="bold", va="top")
        ax.text(NOTE[0], HEIGHT - 0.32, "\n".join(lines), size=14, va="top", linespacing=1.2)
    return ax


def _side_lines(figure: Figure, step: Step) -> list[str]:
    if not step.left_out:
        return []
    total = sum(count for _, count in step.left_out)
    reasons = "; ".join(f"{reason} {count}" for reason, count in step.left_out)
    return _wrapped(figure, f"Leave here: {total} ({reasons})", SIDE)


def _wrapped(figure: Figure, text: str, column: tuple[float, float],
             weight: str = "normal") -> list[str]:
    width = (column[1] - column[0] - 2 * PAD - 0.05) / 13.333
    return page.wrap(figure, text, width, 14, weight=weight).split("\n")


def _box(ax: Axes, column: tuple[float, float], top: float, height: float, lines: list[str],
         edge: str, face: str, weight: str) -> None:
    left, right = column
    ax.add_patch(Rectangle((left + 0.01, top - height), right - left, height, facecolor=face,
                           edgecolor=edge, lw=1.6, clip_on=False))
    text = "\n".join(lines)
    ax.text(left + PAD, top - height / 2, text, size=14, weight=weight, va="center",
            linespacing=page.spacing(text, 1.1))


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.annotate("", end, start, arrowprops={
        "arrowstyle": "-|>", "color": page.GREY, "lw": 1.6, "shrinkA": 0, "shrinkB": 0,
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
    steps = study_flow(review, analyses)
    table = pd.DataFrame([
        (step.label, step.n, reason, count)
        for step in steps for reason, count in (step.left_out or (("", 0),))
    ], columns=["step", "records", "leave because", "number"])
    reasons = dict(pair for step in steps for pair in step.left_out)
    facts = {
        "n_records": steps[0].n, "n_primary": steps[1].n, "n_results": steps[2].n,
        "n_reports": steps[3].n, "n_trials": steps[4].n, "n_used": steps[5].n,
        "reasons": reasons,
    }

    def draw(figure: Figure) -> Axes:
        return draw_flow(figure, steps, review.item("search"), figure.add_axes(page.BODY))

    summary = " ".join(f"{step.label}: {step.n}." for step in steps)
    method = ("Counted from the records in studies.csv; what was read and not recorded is not "
              "counted, so this is not the flow of a database search")
    return Content(facts, table, method, summary, "Flow diagram", (),
                   ("studies", "outcomes", "analyses"), draw)
