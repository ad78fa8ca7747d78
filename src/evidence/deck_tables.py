"""Tables on slides: native, editable, divided over as many slides as they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pptx.enum.text import MSO_ANCHOR
from pptx.oxml.ns import qn
from pptx.util import Inches, Pt

from evidence.deck_shapes import (
    CELL_PAD,
    LEFT,
    LINE,
    RIGHT,
    SIDES,
    SMALLEST,
    Box,
    add_notes,
    colour,
    describe,
    foot_top,
    head_height,
    lines,
    new_slide,
    text_width,
    write_runs,
)
from evidence.figures import page
from evidence.wording.html import NUMBER

PLAIN = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"  # PowerPoint's "No Style, No Grid"
SIZES = (20, 18, 17, 16, 15, SMALLEST)
GAP = 0.1  # inches above the foot
WIDEST_GAP = 0.8  # inches added to a column where there is room


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with what is said about it.

    Attributes
    ----------
    title, subtitle : str
        The message, and what stands in the table.
    headings : tuple of str
    rows : tuple of tuple of str
        Text of each cell; ``**bold**`` is bold.
    notes : str
        Speaker notes.
    foot : str
        Method and sources.
    sources : tuple of str
        Keys of the references behind it.
    """

    title: str
    subtitle: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: str
    foot: str = ""
    sources: tuple[str, ...] = ()


def add_sheet(show, sheet: Sheet) -> None:
    """Add a table on as few slides as 14 points allow, with text as large as these allow."""
    free = foot_top(sheet.foot) - head_height(f"{sheet.title} (00/00)", sheet.subtitle) - GAP
    layouts = [_layout(sheet, size, free) for size in SIZES]
    fewest = min(len(parts) for *_, parts in layouts)
    size, widths, heights, parts = next(found for found in layouts if len(found[3]) == fewest)
    for number, part in enumerate(parts, 1):
        title = f"{sheet.title} ({number}/{len(parts)})" if len(parts) > 1 else sheet.title
        slide = new_slide(show, title, sheet.subtitle, sheet.foot)
        top = head_height(title, sheet.subtitle)
        rows = [sheet.headings, *(sheet.rows[i] for i in part)]
        _add_table(slide, rows, widths, [heights[0], *(heights[i + 1] for i in part)], size, top,
                   title, sheet)
        add_notes(slide, sheet.notes)


def _layout(sheet: Sheet, size: float, free: float):
    """Size, widths of columns, heights of rows (the heading first) and rows slide by slide."""
    widths = _widths(sheet, size)
    heights = [_height(row, widths, size) for row in (sheet.headings, *sheet.rows)]
    return size, widths, heights, _parts(heights[1:], free - heights[0])


def _parts(heights: Sequence[float], free: float) -> list[list[int]]:
    """Row numbers slide by slide, as even as they can be on the fewest slides."""
    fewest = _split(heights, free)
    for share in np.arange(0.3, 1.0, 0.02):
        parts = _split(heights, share * free)
        if len(parts) == len(fewest) and all(
            sum(heights[number] for number in part) <= free for part in parts
        ):
            return parts
    return fewest


def _split(heights: Sequence[float], free: float) -> list[list[int]]:
    parts: list[list[int]] = [[]]
    used = 0.0
    for number, height in enumerate(heights):
        if parts[-1] and used + height > free:
            parts.append([])
            used = 0.0
        parts[-1].append(number)
        used += height
    return parts


def _widths(sheet: Sheet, size: float) -> list[float]:
    """Columns as wide as their text; those too wide for the slide share what the others leave.

    A column of much text gets more than one of little, in proportion to the root of its length.
    """
    columns = list(zip(sheet.headings, *sheet.rows, strict=True))
    cells = [
        [text_width(_plain(cell), size, number == 0 or "**" in cell) + 2 * CELL_PAD[0] + 0.02
         for number, cell in enumerate(column)]
        for column in columns
    ]  # fmt: skip
    wishes, roots = [max(column) for column in cells], [sum(column) ** 0.5 for column in cells]
    free = RIGHT - LEFT
    if sum(wishes) <= free:
        spare = min((free - sum(wishes)) / len(wishes), WIDEST_GAP)
        return [wish + spare for wish in wishes]
    widths: dict[int, float] = {}
    while True:
        waiting = [place for place in range(len(wishes)) if place not in widths]
        total = sum(roots[place] for place in waiting)
        shares = {place: free * roots[place] / total for place in waiting}
        content = [place for place in waiting if wishes[place] <= shares[place]]
        if not content:
            return [(widths | shares)[place] for place in range(len(wishes))]
        widths |= {place: wishes[place] for place in content}
        free -= sum(wishes[place] for place in content)


def _plain(cell: str) -> str:
    return cell.replace("**", "")


def _height(row: Sequence[str], widths: Sequence[float], size: float) -> float:
    most = max(
        len(lines(_plain(cell), width - 2 * CELL_PAD[0], size, "**" in cell))
        for cell, width in zip(row, widths, strict=True)
    )
    return most * LINE * size / 72 + 2 * CELL_PAD[1]


def _add_table(slide, rows, widths, heights, size, top, title, sheet: Sheet) -> None:
    box = Box(LEFT, top, sum(widths), sum(heights))
    frame = slide.shapes.add_table(len(rows), len(widths), *box.emu)
    describe(frame, "Table", f"Table: {title.rstrip('.')}. {sheet.subtitle}".strip())
    table = frame.table
    style = table._tbl.tblPr
    style.find(qn("a:tableStyleId")).text = PLAIN
    style.set("bandRow", "0")
    for number, width in enumerate(widths):
        table.columns[number].width = Inches(width)
    for number, height in enumerate(heights):
        table.rows[number].height = Inches(height)
    sides = [
        "right" if all(NUMBER.fullmatch(_plain(cell)) for cell in column) else "left"
        for column in zip(*rows[1:], strict=True)
    ]
    for y, row in enumerate(rows):
        for x, text in enumerate(row):
            _fill(table.cell(y, x), text, size, sides[x], is_head=y == 0)


def _fill(cell, text: str, size: float, side: str, is_head: bool) -> None:
    cell.margin_left = cell.margin_right = Inches(CELL_PAD[0])
    cell.margin_top = cell.margin_bottom = Inches(CELL_PAD[1])
    cell.vertical_anchor = MSO_ANCHOR.MIDDLE if is_head else MSO_ANCHOR.TOP
    frame = cell.text_frame
    frame.word_wrap = True
    for number, line in enumerate(text.split("\n")):
        paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
        paragraph.alignment = SIDES[side]
        write_runs(paragraph, line, size, bold=is_head, ink="#FFFFFF" if is_head else page.INK)
    if is_head:
        cell.fill.solid()
        cell.fill.fore_color.rgb = colour(page.BLUE)
    else:
        cell.fill.background()
    _underline(cell)


def _underline(cell) -> None:
    """A thin grey line below a cell."""
    properties = cell._tc.get_or_add_tcPr()
    line = properties.makeelement(qn("a:lnB"), {"w": str(Pt(0.75))})
    fill = line.makeelement(qn("a:solidFill"), {})
    fill.append(fill.makeelement(qn("a:srgbClr"), {"val": page.PALE.removeprefix("#")}))
    line.append(fill)
    properties.insert(0, line)
