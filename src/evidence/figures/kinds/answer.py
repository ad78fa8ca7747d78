"""The answer on one page: what is known of each topic, the studies behind the first, what to say.

Tiles, words at the foot and beside the chart stand in ``data/answers.csv``; certainty, people and
trials follow from ``data/certainty.csv``. All of it is text, lines and marks on one frame without
axis, so that slides can hold it as native shapes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from evidence.appraisal import AGAIN, LEVELS, certainty_table, level_number
from evidence.figures import marks, page
from evidence.figures.figure import Content, Spec, figure_kind, pick, sources_of
from evidence.figures.scale import Scale, effect_scale, tick_text
from evidence.pooling import Pool, analysis_rows
from evidence.review import NoDataError, Review
from evidence.wording import Facts, answers, in_words, plural, with_interval

MOST = 5  # studies that the chart has room for; of more it shows the pool alone
TILES = 2.78  # inches that the tiles take of the height
GAP, PAD = 0.18, 0.16  # inches between boxes, inside a box
NUMBER = 32  # points
SIZES = (20, 19, 18, 17, 16, 15, 14)  # points of text that has to fit
TIGHT = 0.98  # share of a width that lines may fill
NARROW, STACKED = 5.2, 0.64  # inches of the chart on a telephone, of one row there
NOTHING = "No study can be drawn."
LINE = 1.2  # height of a line in font sizes


@figure_kind(
    "answer", tables=("answers", "analyses"), ids=1,
    columns={"answers": "line part title verdict", "analyses": "analysis", "studies": "study"},
)
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """Tiles from the short lines of answers.csv, a chart of the selected analysis."""
    facts = Facts(review, analyses)
    tiles = answers.tiles(review, facts)
    if not tiles:
        raise NoDataError("no short line of data/answers.csv has a title")
    rated = _rated(review, analyses)
    pool = pick(analyses, spec.select[:1])[0]
    chart = _charted(review, pool)
    asides = answers.notes(review, facts, answers.ASIDE)
    foot = answers.notes(review, facts, answers.FOOT)
    table = pd.DataFrame([_row(tile, rated) for tile in tiles])

    def draw(figure: Figure) -> Axes:
        ax = page.body(figure)
        box = ax.get_window_extent()
        sheet = _Sheet(ax, box.width / figure.dpi, box.height / figure.dpi)
        each = (sheet.width - GAP * (len(tiles) - 1)) / len(tiles)
        size = next((size for size in SIZES if all(
            len(page.broken(text, TIGHT * (each - 2 * PAD), size, "bold")) <= 2
            for text in table["verdict"])), SIZES[-1])
        for number, row in enumerate(table.itertuples(index=False)):
            _tile(sheet, number * (each + GAP), each, row, size)
        low = sheet.height - TILES - GAP
        split = 0.65 * sheet.width if foot else sheet.width
        _chart(sheet, split, low, chart, asides)
        _foot(sheet, split + 2 * GAP, low, foot)
        return ax

    ids = [row.outcome_id for row in pool.studies]
    judged = [key for tile in tiles if tile.outcome in rated.index
              for key in rated.loc[tile.outcome, "studies"]]
    sources = sources_of(analysis_rows(review).loc[ids]) if ids else ()
    tables = ("answers", "certainty", "analyses", "outcomes", "harms", "studies")
    return Content(
        {"n_tiles": len(tiles)}, table, pool.method_line.rstrip("."), _summary(table, pool, foot),
        "Answer page", tuple(dict.fromkeys([*sources, *judged])),
        tuple(name for name in tables if name in review.tables), draw,
        phone=partial(_phone, chart=chart),
    )


def _rated(review: Review, analyses: Mapping[str, Any]) -> pd.DataFrame:
    table = certainty_table(review, analyses)
    return table.set_index("outcome") if len(table) else table


def _row(tile: answers.Tile, rated: pd.DataFrame) -> dict[str, Any]:
    """A tile with its certainty, people and trials; empty where nothing rates it."""
    known = rated.loc[tile.outcome] if tile.outcome in rated.index else {}
    return {
        "title": tile.title, "verdict": tile.verdict, "certainty": known.get("certainty", ""),
        "number": tile.number, "interval": tile.interval, "says": tile.says,
        "trials": known.get("trials"), "people": known.get("participants"),
    }


def people_words(row: Any) -> str:
    """People and trials of a tile in words."""
    if pd.isna(row.trials):
        return ""
    if not row.trials:
        return "no trial with a result"
    trials = f"{row.trials} {plural(row.trials, 'trial')}"
    return f"{row.people} people, {trials}" if pd.notna(row.people) else trials


class _Sheet:
    """Draws at inches from the lower left of a frame without axis."""

    def __init__(self, ax: Axes, width: float, height: float):
        self.ax, self.width, self.height = ax, width, height
        ax.set(xlim=(0, width), ylim=(0, height))
        page.without_axis(ax)

    def text(self, x: float, y: float, text: str, size: float = page.TICKS, **style) -> None:
        style = {"va": "center_baseline", "color": page.INK} | style
        self.ax.text(x, y, text, size=size, **style)

    def block(self, x: float, top: float, width: float, text: str, lines: int,
              sizes: Sequence[float], **style) -> float:
        """Write `text` below `top` in the largest size at which it needs no more than `lines`;
        return where it ends.

        Raises
        ------
        TooLongError
            When it is too long at every size.
        """
        weight = style.get("weight", "normal")
        for size in sizes:
            broken = page.broken(text, TIGHT * width, size, weight)
            widest = max(page.inches(line, size, weight) for line in broken)
            if len(broken) <= lines and widest <= width:
                break
        else:
            raise page.TooLongError(
                f"'{text}' needs {len(broken)} lines of {widest:.1f} inches at {size} pt, "
                f"{lines} of {width:.1f} are free")
        pitch = LINE * size / 72
        for number, line in enumerate(broken):
            self.text(x, top - (number + 0.5) * pitch, line, size, **style)
        return top - len(broken) * pitch

    def box(self, x: float, y: float, width: float, height: float) -> None:
        self.ax.add_patch(Rectangle((x, y), width, height, facecolor=page.WASH, edgecolor="none",
                                    zorder=0))


def _signs(sheet: _Sheet, right: float, y: float, certainty: str) -> float:
    """The signs of GRADE, drawn as shapes, with the word; they end at `right`, and where they begin
    is returned. What has to be judged again has none."""
    sheet.text(right, y, certainty, ha="right")
    start = right - page.inches(certainty, page.TICKS) - 0.1
    if certainty == AGAIN:
        return start
    level = level_number(certainty)
    for place in range(len(LEVELS)):
        x = start - (len(LEVELS) - place - 0.5) * 0.25
        is_on = place < level
        sheet.ax.plot(x, y, "o", ms=14, mfc=page.INK if is_on else "white", mec=page.INK, mew=1.4)
        if is_on:
            sheet.ax.plot(x, y, "+", ms=9, mec="white", mew=1.8)
    return start - len(LEVELS) * 0.25


def _tile(sheet: _Sheet, left: float, width: float, row: Any, size: float) -> None:
    """One topic; `size` is that of its verdict."""
    top, x, inner = sheet.height, left + PAD, width - 2 * PAD
    sheet.box(left, top - TILES, width, TILES)
    sheet.ax.plot([left, left + width], [top, top], color=page.MESSAGE, lw=4,
                  solid_capstyle="butt")
    start = left + width - PAD
    if row.certainty:
        start = _signs(sheet, start, top - 0.31, row.certainty)
    sheet.block(x, top - 0.16, start - 0.05 - x, row.title, 1, SIZES[2:], weight="bold",
                color=page.MESSAGE)
    sheet.block(x, top - 0.55, inner, row.verdict, 2, (size,), weight="bold")
    if row.number:
        wide = page.inches(row.interval, page.TEXT) + 0.12 if row.interval else 0
        points = next((points for points in range(NUMBER, page.TEXT, -1)
                       if page.inches(row.number, points, "bold") + wide <= inner), page.TEXT)
        style = {"color": page.MESSAGE, "va": "baseline"}
        sheet.text(x, top - 1.64, row.number, points, weight="bold", **style)
        sheet.text(x + page.inches(row.number, points, "bold") + 0.12, top - 1.64, row.interval,
                   page.TEXT, **style)
    sheet.block(x, top - 1.77, inner, row.says, 2, SIZES[4:])
    sheet.text(x, top - TILES + 0.2, people_words(row), color=page.GREY)


def _chart(sheet: _Sheet, width: float, top: float, chart: _Chart,
           asides: Sequence[tuple[str, str]]) -> None:
    """Studies and pool of one analysis on an axis, and what must be kept apart from them."""
    low = 0.0
    for title, text in asides:
        words = f"{title}: {text}" if title else text
        lines = page.broken(words, TIGHT * (width - 2 * PAD), page.TICKS)
        high = 0.14 + len(lines) * LINE * page.TICKS / 72
        sheet.box(0, low, width, high)
        sheet.block(PAD, low + high - 0.07, width - 2 * PAD, words, 2, SIZES[4:],
                    style="italic")
        low += high + 0.1
    y = sheet.block(0, top, width, chart.pool.title, 1, SIZES[2:], weight="bold")
    rows, names, numbers = chart.rows, chart.names, chart.numbers
    if not rows:
        sheet.block(0, y - 0.1, width, NOTHING, 1, (page.TICKS,))
        return
    left = max(page.inches(name, page.TICKS, "bold") for name in names) + 0.15
    right = width - max(page.inches(text, page.TICKS, "bold") for text in numbers) - 0.15
    bottom, top = low + 0.32, y - 0.04
    pitch = min((top - bottom) / len(rows), 0.36)
    for number, row in enumerate(rows):
        middle = top - (number + 0.5) * pitch
        weight = "bold" if row is chart.pool else "normal"
        with marks.named(names[number], sheet.ax):
            sheet.text(0, middle, names[number], weight=weight)
            sheet.text(width, middle, numbers[number], ha="right", weight=weight)
            _mark(sheet, chart, (left, right), middle, number)
    _axis(sheet, chart.scale, (left, right), bottom, top)
    if any(chart.sides):
        sheet.text(left - 0.1, bottom - 0.17, f"← {chart.sides[0]}", ha="right")
        sheet.text(right + 0.1, bottom - 0.17, f"{chart.sides[1]} →", ha="left")


def _phone(figure: Figure, chart: _Chart) -> Axes:
    """The chart for a telephone: words above their marks, the axis over the whole width."""
    title = page.broken(chart.pool.title, TIGHT * NARROW, page.TEXT, "bold")
    head = len(title) * LINE * page.TEXT / 72
    height = head + STACKED * max(1, len(chart.rows)) + 0.62
    figure.set_size_inches(NARROW + 0.2, height + 0.1)
    wide, high = figure.get_size_inches()
    ax = figure.add_axes((0.1 / wide, 0.05 / high, NARROW / wide, height / high))
    sheet = _Sheet(ax, NARROW, height)
    top = sheet.block(0, height, NARROW, chart.pool.title, len(title), (page.TEXT,), weight="bold")
    if not chart.rows:
        sheet.block(0, top, NARROW, NOTHING, 1, (page.TICKS,))
        return ax
    ends = (0.1, NARROW - 0.1)
    for number, row in enumerate(chart.rows):
        y = top - number * STACKED
        weight = "bold" if row is chart.pool else "normal"
        room = NARROW - page.inches(chart.numbers[number], page.TICKS, weight) - 0.1
        style = {"weight": weight, "bbox": page.COVER}  # across the line of no difference
        sheet.block(0, y - 0.06, room, chart.names[number], 1, SIZES[4:], **style)
        sheet.text(NARROW, y - 0.19, chart.numbers[number], ha="right", **style)
        _mark(sheet, chart, ends, y - 0.46, number)
    bottom = top - len(chart.rows) * STACKED
    _axis(sheet, chart.scale, ends, bottom, top - 0.32)
    if any(chart.sides):
        sheet.text(0, bottom - 0.45, f"← {chart.sides[0]}", ha="left")
        sheet.text(NARROW, bottom - 0.45, f"{chart.sides[1]} →", ha="right")
    return ax


@dataclass(frozen=True, slots=True)
class _Chart:
    """Rows of the chart, top to bottom, with what is written beside each, and their scale."""

    pool: Pool
    rows: tuple[Any, ...]
    names: tuple[str, ...]
    numbers: tuple[str, ...]
    limits: tuple[tuple[float, float], ...]
    scale: Scale
    sides: tuple[str, str]


def _charted(review: Review, pool: Pool) -> _Chart:
    """The chart of an analysis: its studies as far as there is room, and its pool."""
    shown = pool.studies if pool.k <= MOST else ()
    rows = (*shown, *([pool] if pool.can_pool else []))
    effects = [row.estimate if row is pool else row.effect for row in rows]
    limits = tuple((row.ci_low, row.ci_high) for row in rows)
    scale = effect_scale(effects, limits, [pool.null_value], is_ratio=pool.is_ratio)
    return _Chart(
        pool, rows, tuple(_name(review, row) for row in rows),
        tuple(f"{scale.number(value)} {scale.interval(*ends)}"
              for value, ends in zip(effects, limits, strict=True)),
        limits, scale, pool.sides(review.intervention, review.control),
    )


def _name(review: Review, row: Any) -> str:
    people = "" if row.n is None else f" ({row.n})"
    if isinstance(row, Pool):
        return f"{in_words(row.k).capitalize()} {plural(row.k, 'trial')} pooled{people}"
    return f"{review.bibliography.cite(row.study)}{people}"


def _mark(sheet: _Sheet, chart: _Chart, ends: tuple[float, float], y: float, number: int) -> None:
    def x(value: float) -> float:
        return ends[0] + min(max(scale.place(value), 0.0), 1.0) * (ends[1] - ends[0])

    row, scale, (low, high) = chart.rows[number], chart.scale, chart.limits[number]
    colour = page.MESSAGE if row is chart.pool else page.CONTEXT
    for value, end, sign in ((low, ends[0], -1), (high, ends[1], 1)):
        if not scale.inside(value):
            marks.head(sheet.ax, end, y, sign, colour)
    if row is chart.pool:
        marks.diamond(sheet.ax, x(low), x(row.estimate), x(high), y, 0.12)
        return
    sheet.ax.plot([x(low), x(high)], [y, y], color=colour, lw=2.2, zorder=2,
                  solid_capstyle="butt")
    style = marks.trial(crossover=row.crossover, colour=page.INK)
    sheet.ax.plot(x(row.effect), y, zorder=3, **style)


def _axis(sheet: _Sheet, scale: Scale, ends: tuple[float, float], y: float, top: float) -> None:
    def x(value: float) -> float:
        return ends[0] + scale.place(value) * (ends[1] - ends[0])

    if scale.inside(scale.null):
        sheet.ax.plot([x(scale.null)] * 2, [y, top], color=page.INK, lw=1, zorder=1)
    sheet.ax.plot(ends, [y, y], color=page.GREY, lw=0.8)
    for value in scale.ticks(5):
        sheet.ax.plot([x(value)] * 2, [y - 0.05, y], color=page.GREY, lw=0.8)
        sheet.text(x(value), y - 0.17, tick_text(value), 14, ha="center", color=page.GREY)


def _foot(sheet: _Sheet, left: float, top: float, foot: Sequence[tuple[str, str]]) -> None:
    """What to say to a patient, what all of it rests on, in the largest size that fits."""
    width, between = sheet.width - left, 0.16
    for size in SIZES[2:]:
        pitch = LINE * size / 72
        texts = [page.broken(text, TIGHT * width, size) for _, text in foot]
        rows = sum(map(len, texts)) + sum(bool(title) for title, _ in foot)
        if rows * pitch + between * (len(foot) - 1) <= top:
            break
    else:
        raise page.TooLongError(f"'{foot[-1][1]}' does not fit at {size} pt")
    for (title, text), lines in zip(foot, texts, strict=True):
        if title:
            top = sheet.block(left, top, width, title, 1, (size,), weight="bold",
                              color=page.MESSAGE)
        top = sheet.block(left, top, width, text, len(lines), (size,)) - between


def _summary(table: pd.DataFrame, pool: Pool, foot: Sequence[tuple[str, str]]) -> str:
    """Every tile and the chart in words."""
    parts = []
    for row in table.itertuples(index=False):
        known = f"certainty {row.certainty}" if row.certainty in LEVELS else row.certainty
        told = [f"{row.number} {row.says}".strip(), row.interval, people_words(row), known]
        parts.append(f"{row.title}: {row.verdict.rstrip('.')} "
                     f"({'; '.join(part.rstrip('.') for part in told if part)}).")
    each = "; ".join(pool.each) if pool.k <= MOST else f"{pool.k} studies"
    pooled = (f"; pooled {with_interval(pool.estimate, pool.ci_low, pool.ci_high)}"
              if pool.can_pool else "")
    parts.append(f"{pool.title}: {each}{pooled}.")
    parts += [f"{title}: {text}" for title, text in foot]
    return " ".join(parts)
