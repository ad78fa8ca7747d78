"""Sizes of a forest plot: how large its text may be and where its columns stand, in inches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from evidence.figures.forest.rows import Row

PITCH, TIGHT = 2.2, 1.19  # height of a line in font sizes: greatest, least
LOOSE = 1.55  # where the figure may be as high as it likes
SMALLEST = 3.0  # points
WIDE_PLOT, LEAST_PLOT = 0.35, 0.27  # least share of the width for the axis: large, small text
LARGE = 0.8  # of the largest text allowed
WIDEST_LABEL, NARROW_LABEL = 0.32, 0.2  # share for the first column; longer names are wrapped
GAP = 1.0  # between columns, in font sizes
HEADINGS = {"label": "Study", "design": "Design", "n": "n", "effect": "", "weight": "Weight"}
EFFECT_HEADING = "Effect [95 % interval]"
FOOT_LINES = 2.4  # ticks and favours-words
NOTE_GAP = 0.2
KEY = "crossover"  # what an open square is
KEY_TEXT, KEY_GAP = 1.3, 2.0  # where the words of the key start, and what follows it, in font sizes


class Ruler:
    """Widths of texts in inches, each measured once by the renderer."""

    def __init__(self, figure: Figure):
        self._probe = figure.text(0, 0, "", size=20)
        self._dpi = figure.dpi
        self._known: dict[tuple[str, str], float] = {}

    def __call__(self, text: str, size: float, weight: str = "normal") -> float:
        if (text, weight) not in self._known:
            self._probe.set(text=text, weight=weight)
            self._known[text, weight] = self._probe.get_window_extent().width / self._dpi
        return 1.02 * self._known[text, weight] * size / 20

    def wrap(self, text: str, width: float, size: float, weight: str = "normal") -> list[str]:
        """`text` in lines no wider than `width`, broken at spaces."""
        lines = [""]
        for word in text.split():
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and self(longer, size, weight) > width:
                lines.append(word)
            else:
                lines[-1] = longer
        return lines

    def even(self, text: str, width: float, size: float, weight: str = "normal") -> list[str]:
        """`text` wrapped into as few lines, none of them longer than need be."""
        lines = self.wrap(text, width, size, weight)
        while len(lines) > 1:
            longest = max(self(line, size, weight) for line in lines)
            shorter = self.wrap(text, longest - 1e-6, size, weight)
            if len(shorter) > len(lines) or shorter == lines:
                break
            lines = shorter
        return lines

    def close(self) -> None:
        """Take the measuring text off the figure."""
        self._probe.remove()


@dataclass(frozen=True, slots=True)
class Grid:
    """Font size in points; everything else in inches from the lower left corner.

    ``columns`` holds left and right end of each column that has text, and of ``plot``.
    ``labels`` and ``spans`` hold the wrapped lines of each row.
    """

    size: float
    line: float
    width: float
    height: float
    columns: Mapping[str, tuple[float, float]]
    heading: Sequence[str]
    labels: Sequence[Sequence[str]]
    spans: Sequence[Sequence[str]]
    notes: Sequence[str]
    note_start: float
    are_notes_below: bool
    has_key: bool
    lines: float

    @property
    def em(self) -> float:
        """The font size in inches."""
        return self.size / 72


def fit_grid(
    ruler: Ruler, rows: Sequence[Row], heading: str, notes: Sequence[str], *,
    width: float, height: float, largest: float,
) -> Grid:  # fmt: skip
    """The largest text, up to `largest` points, with which all rows fit into width and height.

    Long names are wrapped where that makes the axis wide enough.
    """
    size = largest
    while True:
        whole, wrapped = (
            _grid(ruler, rows, heading, notes, width, size, label * width)
            for label in (WIDEST_LABEL, NARROW_LABEL)
        )
        wide = WIDE_PLOT * width
        least = wide if size > LARGE * largest else LEAST_PLOT * width
        for grid, needed in ((whole, wide), (wrapped, wide), (whole, least)):
            left, right = grid["columns"]["plot"]
            is_high = grid["lines"] * TIGHT * size / 72 > height
            if size <= SMALLEST or not (is_high or right - left < needed):
                line = min(height / grid["lines"], PITCH * size / 72)
                return Grid(size=size, line=line, width=width, height=height, **grid)
        size *= 0.98


def grow_grid(
    ruler: Ruler,
    rows: Sequence[Row],
    heading: str,
    notes: Sequence[str],
    *,
    width: float,
    size: float,
) -> Grid:
    """A grid of that width, as high as the rows need at a comfortable line height."""
    grid = fit_grid(ruler, rows, heading, notes, width=width, height=float("inf"), largest=size)
    line = LOOSE * grid.em
    parts = {name: getattr(grid, name) for name in Grid.__slots__}
    return Grid(**parts | {"line": line, "height": grid.lines * line})


def _grid(ruler, rows, heading, notes, width: float, size: float, widest: float) -> dict:
    em = size / 72
    labels = [_label_lines(ruler, row, widest, size) for row in rows]
    columns = _columns(ruler, rows, labels, width, size)
    start, (left, right) = columns["label"][1] + GAP * em, columns["plot"]
    spans = [ruler.wrap(row.span, width - start, size) if row.span else [] for row in rows]
    titles = ruler.wrap(heading, max(right - left, em), size, "bold")
    has_key = any(row.crossover for row in rows)
    note_start = (KEY_TEXT + KEY_GAP) * em + ruler(KEY, size) if has_key else 0.0
    room = left - 2 * em - note_start
    are_below = len(notes) > 1 or any(ruler(note, size) > room for note in notes)
    notes = [part for note in notes for part in ruler.wrap(note, width, size)]
    lines = len(titles) + 0.4 + FOOT_LINES + are_below * (len(notes) + NOTE_GAP)
    lines += sum(
        row.height * max(1, len(label), len(span))
        for row, label, span in zip(rows, labels, spans, strict=True)
    )
    return {
        "columns": columns, "heading": titles, "labels": labels, "spans": spans, "notes": notes,
        "note_start": 0.0 if are_below else note_start, "are_notes_below": are_below,
        "has_key": has_key, "lines": lines,
    }  # fmt: skip


def _columns(ruler: Ruler, rows, labels, width: float, size: float) -> dict:
    """Left and right end of each column that has text, and of the plot between them."""
    gap = GAP * size / 72
    names, wide = (
        [width for row, width in _widths(ruler, rows, labels, size) if row.is_wide is is_wide]
        for is_wide in (False, True)
    )
    widths = {"label": max([ruler("Study", size, "bold"), *names])}
    for name in ("design", "n", "effect", "weight"):
        cells = [
            ruler(getattr(row, name), size, weight(row)) for row in rows if getattr(row, name)
        ]
        title = EFFECT_HEADING if name == "effect" else HEADINGS[name]
        widths[name] = max([*cells, ruler(title, size, "bold")]) if cells else 0.0
    taken = [widths[name] for name in ("label", "design", "n") if widths[name]]
    widths["label"] += max(0.0, max(wide, default=0.0) - sum(taken) - gap * (len(taken) - 1))
    columns, x, end = {}, 0.0, width
    for name in ("label", "design", "n"):
        if widths[name]:
            columns[name] = (x, x + widths[name])
            x += widths[name] + gap
    for name in ("weight", "effect"):
        if widths[name]:
            columns[name] = (end - widths[name], end)
            end -= widths[name] + gap
    return columns | {"plot": (x, end)}


def weight(row: Row) -> str:
    """Weight of the letters of a row."""
    return "bold" if row.is_bold else "normal"


def _label_lines(ruler: Ruler, row: Row, widest: float, size: float) -> list[str]:
    if not row.label:
        return []
    return [row.label] if row.is_wide else ruler.even(row.label, widest, size, weight(row))


def _widths(ruler: Ruler, rows, labels, size: float) -> list[tuple[Row, float]]:
    return [
        (row, ruler(text, size, weight(row)))
        for row, lines in zip(rows, labels, strict=True)
        for text in lines
    ]
