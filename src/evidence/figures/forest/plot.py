"""Forest plot of one synthesis, or of several stacked ones, on a single canvas.

Everything is placed in inches on one `Axes` without frame: columns of text, the effect axis between
them. Widths come from the renderer, so that text neither overlaps nor leaves the canvas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from evidence.figures.forest import grid as forest_grid
from evidence.figures.forest.grid import (
    EFFECT_HEADING,
    GAP,
    HEADINGS,
    NOTE_GAP,
    Grid,
    Ruler,
    weight,
)
from evidence.figures.forest.rows import CROWD, Row, forest_notes, forest_rows, forest_scale
from evidence.figures.page import BLUE, BODY, GREY, INK, ORANGE
from evidence.figures.scale import Scale, tick_text
from evidence.pooling import MEASURE_WORDS, Synthesis, favours_words

SLIDE = (13.333, 7.5)
WIDTHS = {"notebook": 12.0, "print": 7.2}
LARGEST = {"slide": 18.0, "notebook": 13.0, "print": 8.5}
MARGIN = 0.03
COVER = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}  # text across the null line


def forest(
    syntheses: Synthesis | Sequence[Synthesis],
    ax: Axes | None = None,
    *,
    layout: str = "slide",
    intervention_label: str = "intervention",
    control_label: str = "control",
    study_labels: Mapping[str, str] | None = None,
    design_labels: Mapping[str, str] | None = None,
    marks: Mapping[str, str] | None = None,
    pool_labels: Sequence[str] | None = None,
    effect_label: str | None = None,
) -> Axes:
    """Draw studies, pooled effect, prediction interval and the three interval rules.

    Parameters
    ----------
    syntheses : Synthesis or sequence of Synthesis
        Several pools of one measure are stacked; the axis, the interval strip and the rows left
        out are those of the first.
    ax : Axes, optional
        Canvas to fill. Without it a figure is made: a page for ``slide``, as high as it needs to be
        for ``notebook`` and ``print``.
    layout : str
        slide, notebook or print: sizes of page and text.
    intervention_label, control_label : str
        Names of the arms in "favours …".
    study_labels, design_labels, marks : mapping, optional
        From study to its name, from design code to a word, from study to a suffix of its name.
    pool_labels : sequence of str, optional
        Names of the pools; "Pooled" or their titles by default.
    effect_label : str, optional
        Heading of the effect axis; the measure in words by default.

    Returns
    -------
    Axes
        Data coordinates are inches from the lower left corner of the canvas.

    Raises
    ------
    ValueError
        When the layout is unknown, no pool is given, or pools of several measures are mixed.
    """
    pools = (syntheses,) if isinstance(syntheses, Synthesis) else tuple(syntheses)
    if layout not in LARGEST:
        raise ValueError(f"unknown layout {layout}: use one of {', '.join(LARGEST)}")
    if len({pool.measure for pool in pools}) != 1:
        raise ValueError("a forest plot shows pools of one measure")
    is_fixed = ax is not None or layout == "slide"
    names = pool_labels or _pool_names(pools)
    crowded = is_fixed and max(pool.k for pool in pools) > CROWD
    scale = forest_scale(pools)
    rows = forest_rows(
        pools,
        scale,
        study_labels=study_labels or {},
        design_labels=design_labels or {},
        marks=marks or {},
        pool_labels=names,
        crowded=crowded,
    )
    notes = forest_notes(pools, names, crowded=crowded)
    ax = ax or _canvas(layout)
    ruler = Ruler(ax.figure)
    texts = (ruler, rows, effect_label or MEASURE_WORDS[pools[0].measure], notes)
    if is_fixed:
        box = ax.get_window_extent()
        width, height = box.width / ax.figure.dpi, box.height / ax.figure.dpi
        grid = forest_grid.fit_grid(*texts, width=width, height=height, largest=LARGEST[layout])
    else:
        width = WIDTHS[layout] * (1 - 2 * MARGIN)
        grid = forest_grid.grow_grid(*texts, width=width, size=LARGEST[layout])
        ax.figure.set_size_inches(WIDTHS[layout], grid.height / (1 - 2 * MARGIN))
    ax.set(xlim=(0, grid.width), ylim=(0, grid.height))
    ax.set_axis_off()
    pen = _Pen(ax, grid, scale)
    bottom = _draw_rows(pen, rows, pools[0])
    if any(pool.k for pool in pools):
        sides = favours_words(pools[0].higher_is, intervention_label, control_label)
        _draw_axis(pen, ruler, bottom, sides, pools[0].null_value)
    _draw_notes(pen, bottom)
    ruler.close()
    return ax


def _pool_names(pools: Sequence[Synthesis]) -> list[str]:
    if len(pools) == 1:
        return ["Pooled"]
    return [pool.title or pool.analysis or f"Pool {i}" for i, pool in enumerate(pools, 1)]


def _canvas(layout: str) -> Axes:
    figure = Figure(figsize=SLIDE if layout == "slide" else (WIDTHS[layout], 4))
    FigureCanvasAgg(figure)
    inner = (MARGIN, MARGIN, 1 - 2 * MARGIN, 1 - 2 * MARGIN)
    return figure.add_axes(BODY if layout == "slide" else inner)


class _Pen:
    """Draws at inches on the canvas and at effects on the axis."""

    def __init__(self, ax: Axes, grid: Grid, scale: Scale):
        self.ax, self.grid, self.scale = ax, grid, scale
        self.left, self.right = grid.columns["plot"]

    def x(self, value: float) -> float:
        """Inches from the left of an effect, not beyond the ends of the axis."""
        share = min(max(self.scale.place(value), 0.0), 1.0)
        return self.left + share * (self.right - self.left)

    def text(self, x: float, y: float, text: str, **style) -> None:
        style = {"size": self.grid.size, "va": "center_baseline", "color": INK} | style
        self.ax.text(x, y, text, **style)

    def block(self, x: float, y: float, lines: Sequence[str], **style) -> None:
        """Lines of one text, as high above `y` as below it."""
        if len(lines) > 1:
            close = min(1.15, self.grid.line / (1.2 * self.grid.em))
            style |= {"va": "center", "linespacing": close}
        if lines:
            self.text(x, y, "\n".join(lines), **style)

    def cell(self, column: str, y: float, text: str, **style) -> None:
        """Text in a column: names and designs from its left end, numbers to its right end."""
        if text and column in self.grid.columns:
            left, right = self.grid.columns[column]
            is_name = column in ("label", "design")
            self.text(
                left if is_name else right, y, text, ha="left" if is_name else "right", **style
            )

    def line(self, low: float, high: float, y: float, colour: str, width: float) -> None:
        """An interval; an end beyond the axis becomes an arrow."""
        if not np.isfinite([low, high]).all():
            return
        width *= max(self.grid.size / 14, 0.5)
        self.ax.plot([self.x(low), self.x(high)], [y, y], color=colour, lw=width, zorder=2,
                     solid_capstyle="butt")  # fmt: skip
        tip = min(0.35 * self.grid.em, 0.5 * self.grid.line)
        for value, end, sign in ((low, self.left, -1), (high, self.right, 1)):
            if not self.scale.inside(value):
                corners = [
                    (end + sign * tip, y),
                    (end - sign * tip, y + tip),
                    (end - sign * tip, y - tip),
                ]
                self.ax.add_patch(Polygon(corners, color=colour, lw=0, zorder=3))

    def square(self, row: Row, y: float, height: float) -> None:
        """A square whose area is the weight; open for a crossover trial."""
        side = max(0.72 * height * np.sqrt(row.share), 0.2 * height)
        place = (self.x(row.point) - side / 2, y - side / 2)
        face = "white" if row.crossover else BLUE
        edge = 2.0 * max(self.grid.size / 14, 0.4)
        self.ax.add_patch(
            Rectangle(place, side, side, facecolor=face, edgecolor=BLUE, lw=edge, zorder=4)
        )

    def diamond(self, row: Row, y: float) -> None:
        half = 0.36 * self.grid.line
        low, middle, high = self.x(row.low), self.x(row.point), self.x(row.high)
        corners = [(low, y), (middle, y + half), (high, y), (middle, y - half)]
        self.ax.add_patch(Polygon(corners, facecolor=INK, edgecolor=INK, lw=0.5, zorder=4))

    def bar(self, row: Row, y: float) -> None:
        half = 0.16 * self.grid.line
        low, high = self.x(row.low), self.x(row.high)
        self.ax.add_patch(
            Rectangle((low, y - half), high - low, 2 * half, facecolor=ORANGE, lw=0, zorder=3)
        )
        self.line(row.low, row.high, y, ORANGE, 1.5)


def _draw_rows(pen: _Pen, rows: Sequence[Row], pool: Synthesis) -> float:
    """Heading and rows from the top; the height at which the effect axis lies is returned."""
    grid = pen.grid
    y = grid.height - len(grid.heading) * grid.line
    for number, words in enumerate(grid.heading):
        middle = grid.height - (number + 0.5) * grid.line
        pen.text((pen.left + pen.right) / 2, middle, words, ha="center", weight="bold")
    for name, title in (HEADINGS | {"effect": EFFECT_HEADING}).items():
        pen.cell(name, y + grid.line / 2, title, weight="bold")
    pen.ax.plot([0, grid.width], [y - 0.1 * grid.line] * 2, color=GREY, lw=0.8)
    y = top = y - 0.25 * grid.line
    for row, label, span in zip(rows, grid.labels, grid.spans, strict=True):
        height = grid.line * row.height * max(1, len(label), len(span))
        _draw_row(pen, row, label, span, y - height / 2)
        y -= height
    bottom = y - 0.15 * grid.line
    null = pool.null_value if pool.k else np.nan
    for value, style in ((null, "-"), (pool.estimate if pool.can_pool else np.nan, ":")):
        if np.isfinite(value):
            pen.ax.plot([pen.x(value)] * 2, [bottom, top], color=GREY, lw=1.0, ls=style, zorder=1)
    return bottom


def _draw_row(pen: _Pen, row: Row, label: Sequence[str], span: Sequence[str], y: float) -> None:
    grid = pen.grid
    quiet = row.kind in ("left_out", "prediction", "caption", "rule")
    style = {"color": INK if row.is_bold or not quiet else GREY, "weight": weight(row)}
    pen.block(0.0, y, label, **style)
    pen.block(grid.columns["label"][1] + GAP * grid.em, y, span, bbox=COVER, **style)
    for column in ("design", "n", "effect", "weight"):
        pen.cell(column, y, getattr(row, column), **style)
    if row.kind == "study":
        pen.line(row.low, row.high, y, BLUE, 1.8 * min(1.0, 2 * row.height))
        pen.square(row, y, grid.line * max(row.height, 0.5))
    elif row.kind == "pool":
        pen.diamond(row, y)
    elif row.kind == "prediction":
        pen.bar(row, y)
    elif row.kind == "rule":
        pen.line(
            row.low, row.high, y, INK if row.is_default else GREY, 3.2 if row.is_default else 1.6
        )
        pen.ax.plot([pen.x(row.point)], [y], "|", color=INK, ms=0.6 * grid.size, zorder=3)


def _draw_axis(pen: _Pen, ruler: Ruler, y: float, sides: tuple[str, str], null: float) -> None:
    """Axis, ticks, and what its sides mean."""
    grid = pen.grid
    pen.ax.plot([pen.left, pen.right], [y, y], color=INK, lw=1.0)
    ticks = _ticks_that_fit(pen, ruler)
    for value in ticks:
        x = pen.x(value)
        pen.ax.plot([x, x], [y, y - 0.15 * grid.line], color=INK, lw=1.0)
        pen.text(x, y - 0.65 * grid.line, tick_text(value), ha="center")
    left, right = f"← {sides[0]}", f"{sides[1]} →"
    wide_left, wide_right = ruler(left, grid.size), ruler(right, grid.size)
    gap = 0.7 * grid.em
    start = min(max(pen.x(null) + gap, wide_left + 2 * gap), grid.width - wide_right)
    end = min(max(pen.x(null) - gap, wide_left), start - 2 * gap)
    below = y - 1.65 * grid.line
    pen.text(end, below, left, ha="right")
    pen.text(start, below, right, ha="left")


def _draw_notes(pen: _Pen, y: float) -> None:
    """Key, heterogeneity and the like, left of the ticks where it fits, else below."""
    grid = pen.grid
    if grid.has_key:
        middle = y - 0.65 * grid.line
        pen.ax.plot([0.45 * grid.em], [middle + 0.03 * grid.em], "s", ms=0.8 * grid.size,
                    mfc="white", mec=BLUE, mew=2.0 * max(grid.size / 14, 0.4))  # fmt: skip
        pen.text(forest_grid.KEY_TEXT * grid.em, middle, forest_grid.KEY)
    first = y - (2.65 + NOTE_GAP if grid.are_notes_below else 0.65) * grid.line
    for number, words in enumerate(grid.notes):
        pen.text(grid.note_start, first - number * grid.line, words, color=GREY)


def _ticks_that_fit(pen: _Pen, ruler: Ruler) -> list[float]:
    for most in range(8, 1, -1):
        ticks = pen.scale.ticks(most)
        half = [ruler(tick_text(value), pen.grid.size) / 2 for value in ticks]
        places = [pen.x(value) for value in ticks]
        needed = np.add(half[:-1], half[1:]) + 0.6 * pen.grid.em
        if np.all(np.diff(places) >= needed):
            return ticks
    return [null for null in (1.0 if pen.scale.is_ratio else 0.0,) if pen.scale.inside(null)]
