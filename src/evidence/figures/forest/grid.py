"""Sizes of a forest plot: how large its text may be and where its columns stand, in inches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import ceil

from evidence.figures.forest.rows import Column, Row
from evidence.figures.page import broken, evenly, inches

PITCH, TIGHT = 1.9, 1.22  # height of a line in font sizes: greatest, least
LOOSE = 1.55  # where the figure may be as high as it likes
WIDE_PLOT, LEAST_PLOT = 0.33, 0.26  # least share of the width for the axis: large, small text
LARGE = 0.8  # of the largest text allowed
WIDEST_LABEL, NARROW_LABEL = 0.34, 0.2  # share for the first column; longer names are wrapped
GAP, INDENT = 1.0, 0.8  # between columns, of a label set in, in font sizes
FOOT_LINES = 2.9  # ticks and names of the sides
FIRST = "Study"
LEAST_LINES = 3.0  # of rows on a page, however small it is
CONTINUED = " (continued)"  # after the heading of a group that began on the page before
KEY = "crossover trial"  # what an open square is
KEY_LEFT, KEY_TEXT = 0.45, 1.1  # where its square and its words stand, in font sizes


@dataclass(frozen=True, slots=True)
class Grid:
    """Font size in points; everything else in inches from the lower left corner.

    ``columns`` holds left and right end of each column that has text, of ``label`` and of ``plot``.
    ``labels``, ``spans`` and ``headings`` hold wrapped lines, ``notes`` one line each.
    """

    size: float
    line: float
    width: float
    height: float
    columns: Mapping[str, tuple[float, float]]
    headings: Mapping[str, Sequence[str]]
    labels: Sequence[Sequence[str]]
    spans: Sequence[Sequence[str]]
    notes: Sequence[str]
    has_key: bool
    lines: float

    @property
    def em(self) -> float:
        """The font size in inches."""
        return self.size / 72

    @property
    def head_lines(self) -> float:
        """How many lines the headings take."""
        return _head_lines(self.headings)


def fit(
    rows: Sequence[Row], columns: Sequence[Column], notes: Sequence[str], *, width: float,
    height: float, largest: float, smallest: float,
) -> Grid:
    """The largest text, from `smallest` to `largest` points, with which all rows fit.

    Long names are wrapped where that makes the axis wide enough. With the smallest text rows may
    need more than the height: then the grid is as high as they need.
    """
    size = largest
    while True:
        make = partial(_grid, rows, columns, notes, width, size)
        whole, wrapped = make(WIDEST_LABEL * width), make(NARROW_LABEL * width)
        wide = WIDE_PLOT * width
        least = wide if size > LARGE * largest else LEAST_PLOT * width
        for grid, needed in ((whole, wide), (wrapped, wide), (whole, least), (wrapped, least)):
            left, right = grid["columns"]["plot"]
            high = grid["lines"] * TIGHT * size / 72
            if right - left >= needed and high <= height:
                line = min(height / grid["lines"], PITCH * size / 72)
                return Grid(size=size, line=line, width=width, height=height, **grid)
        if size <= smallest:
            high = max(height, high)
            line = min(high / wrapped["lines"], PITCH * size / 72)
            return Grid(size=size, line=line, width=width, height=high, **wrapped)
        size = max(0.98 * size, smallest)


def grow(rows: Sequence[Row], columns: Sequence[Column], notes: Sequence[str], *, width: float,
         size: float) -> Grid:
    """A grid of that width, as high as the rows need at a comfortable line height."""
    grid = fit(rows, columns, notes, width=width, height=float("inf"), largest=size,
               smallest=0.75 * size)
    line = LOOSE * grid.em
    parts = {name: getattr(grid, name) for name in Grid.__slots__}
    return Grid(**parts | {"line": line, "height": grid.lines * line})


def pages(rows: Sequence[Row], columns: Sequence[Column], notes: Sequence[str], *, width: float,
          height: float, smallest: float) -> list[list[Row]]:
    """The rows of each page, so that a page of that size holds them with the smallest text.

    A heading stays with the row below it, a pool with a row above it; a page that begins inside a
    group repeats its heading. As few pages as will do, all about as full.
    """
    grid = fit(rows, columns, notes, width=width, height=height, largest=smallest,
               smallest=smallest)
    heights = [row.height * max(1, len(label), len(span))
               for row, label, span in zip(rows, grid.labels, grid.spans, strict=True)]
    room = max(height / (TIGHT * smallest / 72) - (grid.lines - sum(heights)), LEAST_LINES)
    if sum(heights) <= room:
        return [list(rows)]
    units = _whole_groups(_units(rows, heights), room / 3)
    count = len(_filled(units, room))
    limits = (sum(heights) / count + 0.5 * step for step in range(ceil(2 * room)))
    return next((found for limit in limits if limit < room
                 and len(found := _filled(units, limit)) == count), _filled(units, room))


def _units(rows: Sequence[Row], heights: Sequence[float]) -> list[tuple[list[Row], float]]:
    """Rows that stay together, with their height: headings with what follows, studies with what
    is pooled below them."""
    units: list[tuple[list[Row], float]] = []
    opening = ("gap", "heading")
    for number, (row, tall) in enumerate(zip(rows, heights, strict=True)):
        ahead = next((later.kind for later in rows[number:] if later.kind != "gap"), "")
        begins = ahead in ("study", "heading", "left_out")
        if not units or (begins and any(held.kind not in opening for held in units[-1][0])):
            units.append(([], 0.0))
        held, used = units[-1]
        units[-1] = ([*held, row], used + tall)
    return units


def _whole_groups(units: Sequence[tuple[list[Row], float]],
                  most: float) -> list[tuple[list[Row], float]]:
    """The units of a group as one, where it takes no more than `most` lines."""
    groups: list[list[tuple[list[Row], float]]] = []
    for unit in units:
        if not groups or not unit[0][0].indented:
            groups.append([])
        groups[-1].append(unit)
    whole = [([row for held, _ in group for row in held], sum(tall for _, tall in group))
             for group in groups]
    return [unit for group, one in zip(groups, whole, strict=True)
            for unit in ([one] if one[1] <= most else group)]


def _filled(units: Sequence[tuple[list[Row], float]], limit: float) -> list[list[Row]]:
    """Pages of `limit` lines at most, each of one unit at least."""
    found: list[list[Row]] = [[]]
    used, group = 0.0, None
    for unit, tall in units:
        if found[-1] and used + tall > limit:
            inside = group is not None and unit[0].indented
            again = [replace(group, label=group.label + CONTINUED)] if inside else []
            while unit[0].kind == "gap":
                unit = unit[1:]
            found.append(again)
            used = float(len(again))
        found[-1].extend(unit)
        used += tall
        group = next((row for row in reversed(unit) if row.kind == "heading"), group)
    return found


def _grid(rows, columns, notes, width: float, size: float, widest: float) -> dict:
    em = size / 72
    labels = [_label_lines(row, widest, size) for row in rows]
    headings = {column.name: _heading(column) for column in columns} | {"label": [FIRST]}
    places = _columns(rows, columns, headings, labels, width, size)
    start = places["label"][1] + GAP * em
    spans = [broken(row.span, width - start, size) if row.span else [] for row in rows]
    has_key = any(row.crossover for row in rows)
    notes = [part for note in notes for part in broken(note, width, size)]
    lines = _head_lines(headings) + 0.4 + FOOT_LINES + has_key * 1.1 + len(notes) * 1.05
    lines += sum(
        row.height * max(1, len(label), len(span))
        for row, label, span in zip(rows, labels, spans, strict=True)
    )
    return {"columns": places, "headings": headings, "labels": labels, "spans": spans,
            "notes": notes, "has_key": has_key, "lines": lines}


def _head_lines(headings: Mapping[str, Sequence[str]]) -> float:
    """Height of the headings: further lines of one stand close to the first."""
    return 1.0 + 0.85 * (max(map(len, headings.values())) - 1)


def _heading(column: Column) -> list[str]:
    """The heading of a column; that of the effects puts its interval on a line of its own."""
    measure, bracket, rest = column.heading.partition(" [")
    return [measure, bracket.strip() + rest] if bracket else [column.heading]


def _columns(rows, columns, headings, labels, width: float, size: float) -> dict:
    """Left and right end of each column, and of the plot between them."""
    gap = GAP * size / 72
    names, wide = (
        [wide for row, wide in _widths(rows, labels, size) if row.is_wide is is_wide]
        for is_wide in (False, True)
    )
    widths = {"label": max([inches(FIRST, size, "bold"), *names])}
    for column in columns:
        cells = [inches(row.cells.get(column.name, ""), size, weight(row)) for row in rows]
        titles = [inches(line, size, "bold") for line in headings[column.name]]
        widths[column.name] = max([*cells, *titles])
    left = ["label", *(column.name for column in columns if not column.is_right)]
    taken = sum(widths[name] for name in left) + gap * (len(left) - 1)
    widths["label"] += max(0.0, max(wide, default=0.0) - taken)
    places, x, end = {}, 0.0, width
    for name in left:
        places[name] = (x, x + widths[name])
        x += widths[name] + gap
    for column in reversed([column for column in columns if column.is_right]):
        places[column.name] = (end - widths[column.name], end)
        end -= widths[column.name] + gap
    return places | {"plot": (x, end)}


def weight(row: Row) -> str:
    """Weight of the letters of a row."""
    return "bold" if row.bold or row.kind == "heading" else "normal"


def _label_lines(row: Row, widest: float, size: float) -> list[str]:
    if not row.label:
        return []
    return [row.label] if row.is_wide else evenly(row.label, widest, size, weight(row))


def _widths(rows, labels, size: float) -> list[tuple[Row, float]]:
    return [
        (row, inches(text, size, weight(row)) + row.indented * INDENT * size / 72)
        for row, lines in zip(rows, labels, strict=True) if row.kind != "heading"
        for text in lines
    ]
