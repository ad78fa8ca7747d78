"""Forest plot of one pool, or of several stacked ones, on a single canvas.

Everything is placed in inches on the canvas: columns of text, the effect axis between them. Widths
come from the typeface, so that text neither overlaps nor leaves the canvas. In the end the `Axes`
covers the effect axis alone, with effects as its data, so that a reader can draw on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.transforms import Affine2D

from evidence.figures import marks as drawing
from evidence.figures.forest import grid as forest_grid
from evidence.figures.forest.grid import CONTINUED, GAP, INDENT, Grid, weight
from evidence.figures.forest.rows import (
    Column,
    Row,
    forest_columns,
    forest_notes,
    forest_rows,
    forest_scale,
    of_one_measure,
)
from evidence.figures.page import (
    BODY,
    CONTEXT,
    COVER,
    GREY,
    INK,
    MESSAGE,
    TEXT,
    body,
    inches,
    without_axis,
)
from evidence.figures.page import style as page_style
from evidence.figures.scale import Scale, tick_text
from evidence.pooling import Pool

SLIDE = (13.333, 7.5)
WIDTHS = {"notebook": 12.0, "print": 7.2}
LARGEST = {"slide": TEXT, "notebook": 13.0, "print": 8.5}
SMALLEST = {"slide": 12.0, "notebook": 10.0, "print": 8.0}
MARGIN = 0.03
PRINTED, GROWN = 12.4, 15.0  # inches and points of a page that may grow
TALLEST = {"notebook": 600.0, "print": 17.0}  # inches: a notebook scrolls


def forest(
    syntheses: Pool | Sequence[Pool],
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
    events: Mapping[str, tuple[str, str]] | None = None,
    rules: bool = False,
) -> Axes:
    """Draw studies, pooled effect and prediction interval.

    Parameters
    ----------
    syntheses : Pool or sequence of Pool
        Several pools of one measure are stacked; the axis and the rows left out are those of the
        first.
    ax : Axes, optional
        Canvas to fill. Without it a figure is made: a page for ``slide``, as high as it needs to be
        for ``notebook`` and ``print``.
    layout : str
        slide, notebook or print: sizes of page and text.
    intervention_label, control_label : str
        Names of the arms in "favours …" and over counts of events.
    study_labels, design_labels, marks : mapping, optional
        From study to its name, from design code to a word, from study to a suffix of its name.
    pool_labels : sequence of str, optional
        Names of the pools; "Pooled" or their titles by default.
    effect_label : str, optional
        Heading of the effect axis; the measure in words by default.
    events : mapping, optional
        From outcome to "events of people" in both arms: two columns instead of n.
    rules : bool
        Whether the interval rules stand below the pool.

    Returns
    -------
    Axes
        It covers the rows beside the effect axis: x are effects on the display scale (logarithmic
        for ratios), y are inches from the lower end of the canvas. ``ax.axvline(-1)`` marks an
        effect in all rows.

    Raises
    ------
    ValueError
        When the layout is unknown, no pool is given, or pools of several measures are mixed.
    """
    pools = (syntheses,) if isinstance(syntheses, Pool) else tuple(syntheses)
    if layout not in LARGEST:
        raise ValueError(f"unknown layout {layout}: use one of {', '.join(LARGEST)}")
    if not pools:
        raise ValueError("a forest plot needs a pool")
    of_one_measure(pools)
    names = pool_labels or _pool_names(pools)
    scale = forest_scale(pools)
    rows = forest_rows(
        pools,
        scale,
        study_labels=study_labels or {},
        design_labels=design_labels or {},
        marks=marks or {},
        pool_labels=names,
        events=events or {},
        with_rules=rules,
    )
    columns = forest_columns(rows, effect_label or pools[0].measure_words,
                             (intervention_label, control_label))
    sides = pools[0].sides(intervention_label, control_label)
    return draw_forest(
        rows, columns, [scale] if any(pool.k for pool in pools) else [], ax, layout=layout,
        notes=forest_notes(pools, names), sides=sides,
    )  # fmt: skip


def draw_forest(
    rows: Sequence[Row], columns: Sequence[Column], scales: Scale | Sequence[Scale],
    ax: Axes | None = None, *, layout: str = "slide", notes: Sequence[str] = (),
    sides: tuple[str, str] = ("", ""),
) -> Axes:
    """Draw rows of text and effects, whatever they are of.

    Parameters
    ----------
    rows : sequence of Row
        Top to bottom.
    columns : sequence of Column
        Left to right; the axis stands between those left and those right of it.
    scales : Scale or sequence of Scale
        Of the effects: of the rows up to the first of kind axis, of those up to the next, and so
        on. Without a scale no axis is drawn.
    ax : Axes, optional
        Canvas to fill; without it one is made, as in `forest`.
    layout : str
        slide, notebook or print.
    notes : sequence of str
        Lines below the axis.
    sides : tuple of str
        What the left and the right side of no difference mean.

    Returns
    -------
    Axes
    """
    texts = (rows, columns, notes)
    sizes = {"largest": LARGEST[layout], "smallest": SMALLEST[layout]}
    if ax is not None or layout == "slide":
        ax = ax or _canvas(layout)
        box = ax.get_window_extent()
        width, height = box.width / ax.figure.dpi, box.height / ax.figure.dpi
        grid = forest_grid.fit(*texts, width=width, height=height, **sizes)
    else:
        ax = _canvas(layout)
        width = WIDTHS[layout] * (1 - 2 * MARGIN)
        grid = forest_grid.grow(*texts, width=width, size=LARGEST[layout])
        ax.figure.set_size_inches(WIDTHS[layout], grid.height / (1 - 2 * MARGIN))
    without_axis(ax)
    pen = _Pen(ax, grid, [scales] if isinstance(scales, Scale) else list(scales))
    bottom, top = _draw_rows(pen, rows, columns)
    if pen.scale:
        _draw_sides(pen, bottom, sides)
    _draw_notes(pen, bottom)
    if pen.scale:
        pen.open(bottom, top)
    return ax


def paged_forest(rows: Sequence[Row], columns: Sequence[Column], scales: Sequence[Scale], *,
                 notes: Sequence[str] = (), sides: tuple[str, str] = ("", ""),
                 style: str = "slide") -> list[Callable[[Figure], Axes]]:
    """Drawings of a forest on the pages of a style, one for each page.

    On slides a page has the size of the slide; in print it grows first, and a notebook shows one
    page (up to `TALLEST` inches).

    Parameters
    ----------
    rows, columns, scales, notes, sides
        As `draw_forest` takes them; several scales stand on one page.
    style : str
        Among `evidence.figures.page.STYLES`.
    """
    height = TALLEST.get(style, BODY[3] * SLIDE[1])
    width = BODY[2] * (SLIDE[0] if style == "slide" else PRINTED)
    smallest = SMALLEST["slide"] if style == "slide" else GROWN
    with page_style("slide"):
        parts = [list(rows)] if len(scales) > 1 else forest_grid.pages(
            rows, columns, notes, width=width, height=height, smallest=smallest)

    def drawing_of(part: list[Row], is_last: bool) -> Callable[[Figure], Axes]:
        own = notes if is_last else ()

        def draw(figure: Figure) -> Axes:
            if style != "slide":
                grid = forest_grid.fit(part, columns, own, width=width, height=BODY[3] * SLIDE[1],
                                       largest=LARGEST["slide"], smallest=smallest)
                figure.set_figheight(max(SLIDE[1], grid.height + SLIDE[1] * (1 - BODY[3])))
            return draw_forest(part, columns, scales, body(figure), notes=own, sides=sides)

        return draw

    return [drawing_of(part, part is parts[-1]) for part in parts]


def _pool_names(pools: Sequence[Pool]) -> list[str]:
    if len(pools) == 1:
        return ["Pooled"]
    return [pool.title or pool.name or f"Pool {i}" for i, pool in enumerate(pools, 1)]


def _canvas(layout: str) -> Axes:
    figure = Figure(figsize=SLIDE if layout == "slide" else (WIDTHS[layout], 4))
    FigureCanvasAgg(figure)
    inner = (MARGIN, MARGIN, 1 - 2 * MARGIN, 1 - 2 * MARGIN)
    return figure.add_axes(BODY if layout == "slide" else inner)


class _Pen:
    """Draws at inches on the canvas and at effects on the axis."""

    def __init__(self, ax: Axes, grid: Grid, scales: list[Scale]):
        self.ax, self.grid, self.scales = ax, grid, scales
        self.left, self.right = grid.columns["plot"]
        self.thick = max(grid.size / 18, 0.5)
        figure = ax.figure
        self.canvas = ax.get_position()
        corner = figure.transSubfigure.transform(self.canvas.p0) / figure.dpi
        width, height = figure.get_figure(root=True).get_size_inches()
        share = Affine2D().translate(*corner).scale(1 / width, 1 / height)
        self.transform = share + figure.transFigure  # follows a cut of the page to what is drawn
        self.place = {"transform": self.transform, "clip_on": False}

    @property
    def scale(self) -> Scale | None:
        """That of the rows drawn now."""
        return self.scales[0] if self.scales else None

    def open(self, bottom: float, top: float) -> None:
        """Leave the effect axis, between two heights in inches, to whoever draws on it next."""
        x0, y0, wide, high = self.canvas.bounds
        wide, high = wide / self.grid.width, high / self.grid.height
        self.ax.set_position((x0 + self.left * wide, y0 + bottom * high,
                              (self.right - self.left) * wide, (top - bottom) * high))
        self.ax.set(xscale="log" if self.scale.is_ratio else "linear", ylim=(bottom, top),
                    xlim=(self.scale.low, self.scale.high))

    def plot(self, x: Sequence[float], y: Sequence[float], *style, **more) -> None:
        self.ax.plot(x, y, *style, **self.place, **more)

    def x(self, value: float) -> float:
        """Inches from the left of an effect, not beyond the ends of the axis."""
        share = min(max(self.scale.place(value), 0.0), 1.0)
        return self.left + share * (self.right - self.left)

    def text(self, x: float, y: float, text: str, **style) -> None:
        style = {"size": self.grid.size, "va": "center_baseline", "color": INK} | style
        self.ax.text(x, y, text, **self.place, **style)

    def block(self, x: float, y: float, lines: Sequence[str], **style) -> None:
        """Lines of one text, as high above `y` as below it."""
        if len(lines) > 1:
            close = min(1.15, self.grid.line / (1.2 * self.grid.em))
            style |= {"va": "center", "linespacing": close}
        if lines:
            self.text(x, y, "\n".join(lines), **style)

    def cell(self, column: Column, y: float, text: str, **style) -> None:
        """Text in a column: words from its left end, numbers to its right end."""
        if text:
            left, right = self.grid.columns[column.name]
            is_text = column.is_text
            self.text(left if is_text else right, y, text, ha="left" if is_text else "right",
                      **style)

    def line(self, low: float, high: float, y: float, colour: str, width: float) -> None:
        """An interval; an end beyond the axis becomes an arrow."""
        if np.isfinite([low, high]).all():
            ends = [self.x(low), self.x(high)]
            self.plot(ends, [y, y], color=colour, lw=width * self.thick, zorder=2,
                         solid_capstyle="butt")
            self.heads(low, high, y, colour)

    def heads(self, low: float, high: float, y: float, colour: str) -> None:
        """Arrows where an interval goes on beyond the axis."""
        for value, end, sign in ((low, self.left, -1), (high, self.right, 1)):
            if not (np.isnan(value) or self.scale.inside(value)):
                drawing.head(self.ax, end, y, sign, colour, 7 * self.thick, self.transform)


def _draw_rows(pen: _Pen, rows: Sequence[Row],
               columns: Sequence[Column]) -> tuple[float, float]:
    """Headings and rows from the top; the heights of the last axis and of its first row."""
    grid = pen.grid
    head = 1.25 * grid.em
    y = grid.height - grid.head_lines * grid.line
    pen.text(0.0, y + 0.5 * grid.line, grid.headings["label"][0], weight="bold")
    for column in columns:
        for number, words in enumerate(reversed(grid.headings[column.name])):
            pen.cell(column, y + 0.5 * grid.line + number * head, words, weight="bold")
    pen.plot([0, grid.width], [y - 0.1 * grid.line] * 2, color=GREY, lw=0.8)
    y = top = y - 0.25 * grid.line
    group = ""
    for row, label, span in zip(rows, grid.labels, grid.spans, strict=True):
        if row.kind == "axis":
            _draw_axis(pen, y - 0.15 * grid.line, top)
            pen.scales.pop(0)
            y = top = y - row.height * grid.line
            continue
        height = grid.line * row.height * max(1, len(label), len(span))
        group = row.label.removesuffix(CONTINUED) if row.kind == "heading" else group
        name = ", ".join(dict.fromkeys(filter(None, (group, row.label))))
        with drawing.named(name if row.label else "", pen.ax):
            _draw_row(pen, row, columns, label, span, y - height / 2)
        y -= height
    bottom = y - 0.15 * grid.line
    if pen.scale:
        _draw_axis(pen, bottom, top)
    return bottom, top


def _draw_row(pen: _Pen, row: Row, columns: Sequence[Column], label: Sequence[str],
              span: Sequence[str], y: float) -> None:
    grid = pen.grid
    quiet = row.kind in ("left_out", "prediction") or (row.kind == "rule" and not row.bold)
    shade = MESSAGE if row.focus else GREY if quiet else INK
    style = {"color": shade, "weight": weight(row)}
    cover = {"bbox": COVER} if row.kind == "heading" else {}
    pen.block(row.indented * INDENT * grid.em, y, label, **style, **cover)
    pen.block(grid.columns["label"][1] + GAP * grid.em, y, span, bbox=COVER, **style)
    for column in columns:
        pen.cell(column, y, row.cells.get(column.name, ""), **style)
    if row.kind == "study":
        pen.line(row.low, row.high, y, MESSAGE if row.focus else CONTEXT, 2.0)
        _square(pen, row, y)
    elif row.kind in ("pool", "subtotal"):
        half = (0.5 if row.focus else 0.34) * grid.line
        colour = MESSAGE if row.focus else INK
        drawing.diamond(pen.ax, pen.x(row.low), pen.x(row.point), pen.x(row.high), y, half, colour,
                        filled=row.kind == "pool", transform=pen.transform)
        pen.heads(row.low, row.high, y, colour)
    elif row.kind == "prediction":
        pen.line(row.low, row.high, y, MESSAGE, 1.6)
        for value in (row.low, row.high):
            if pen.scale.inside(value):
                pen.plot([pen.x(value)] * 2, [y - 0.16 * grid.line, y + 0.16 * grid.line],
                            color=MESSAGE, lw=1.6 * pen.thick, zorder=2)
    elif row.kind == "rule":
        pen.line(row.low, row.high, y, INK if row.bold else GREY, 3.2 if row.bold else 1.6)
        pen.plot([pen.x(row.point)], [y], "|", color=INK, ms=0.6 * grid.size, zorder=3)


def _square(pen: _Pen, row: Row, y: float) -> None:
    """A square whose area is the weight; open for a crossover trial."""
    if not np.isfinite(row.point):
        return
    side = max(0.62 * pen.grid.line * np.sqrt(row.share), 0.2 * pen.grid.line)
    shade = MESSAGE if row.focus else INK
    pen.ax.add_patch(Rectangle(
        (pen.x(row.point) - side / 2, y - side / 2), side, side, edgecolor=shade,
        facecolor="white" if row.crossover else shade, lw=2.0 * pen.thick, zorder=4,
        **pen.place,
    ))


def _draw_axis(pen: _Pen, y: float, top: float) -> None:
    """Axis with its ticks, and the line of no difference from it up to `top`."""
    grid, null = pen.grid, pen.scale.null
    if pen.scale.inside(null):
        pen.plot([pen.x(null)] * 2, [y, top], color=INK, lw=1.0, zorder=1)
    pen.plot([pen.left, pen.right], [y, y], color=INK, lw=1.0)
    for value in _ticks_that_fit(pen):
        x = pen.x(value)
        pen.plot([x, x], [y, y - 0.15 * grid.line], color=INK, lw=1.0)
        pen.text(x, y - 0.7 * grid.line, tick_text(value), ha="center")


def _draw_sides(pen: _Pen, y: float, sides: tuple[str, str]) -> None:
    """What both sides of the line mean, below the axis."""
    grid, null = pen.grid, pen.scale.null if pen.scale.has_null else pen.scale.middle
    if not any(sides):
        return
    left, right = f"← {sides[0]}", f"{sides[1]} →"
    wide_left, wide_right = inches(left, grid.size), inches(right, grid.size)
    gap = 0.6 * grid.em
    start = min(max(pen.x(null) + gap, wide_left + 2 * gap), grid.width - wide_right)
    end = min(max(pen.x(null) - gap, wide_left), start - 2 * gap)
    below = y - 1.8 * grid.line
    pen.text(end, below, left, ha="right")
    pen.text(start, below, right, ha="left")


def _draw_notes(pen: _Pen, y: float) -> None:
    """What an open square is, heterogeneity and the like, below the axis."""
    grid = pen.grid
    line = min(grid.line, 1.35 * grid.em)
    at = y - 2.9 * grid.line
    if grid.has_key:
        pen.plot([forest_grid.KEY_LEFT * grid.em], [at + 0.03 * grid.em],
                    **drawing.trial(crossover=True, colour=INK, size=0.7 * grid.size))
        pen.text(forest_grid.KEY_TEXT * grid.em, at, forest_grid.KEY, color=GREY)
        at -= line
    for number, words in enumerate(grid.notes):
        pen.text(0.0, at - number * line, words, color=GREY)


def _ticks_that_fit(pen: _Pen) -> list[float]:
    for most in range(8, 1, -1):
        ticks = pen.scale.ticks(most)
        half = [inches(tick_text(value), pen.grid.size) / 2 for value in ticks]
        places = [pen.x(value) for value in ticks]
        needed = np.add(half[:-1], half[1:]) + 0.6 * pen.grid.em
        if np.all(np.diff(places) >= needed):
            return ticks
    return [pen.scale.null] * pen.scale.inside(pen.scale.null)
