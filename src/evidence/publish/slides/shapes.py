"""Building blocks of slides: text, pictures and tables whose size is known before they are drawn.

All lengths are inches from the upper left.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import matplotlib
import numpy as np
from fontTools.afmLib import AFM
from fontTools.agl import toUnicode
from lxml import etree
from pptx import Presentation
from pptx.enum.lang import MSO_LANGUAGE_ID
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.oxml.ns import qn
from pptx.util import Emu, Inches

from evidence.figures import page
from evidence.publish.slides import markup
from evidence.storage import zipped
from evidence.wording import NUMBER

WIDTH, HEIGHT = 12192000 / 914400, 7.5
LEFT, RIGHT = page.LEFT * WIDTH, page.RIGHT * WIDTH
SMALLEST = 14  # points
SAFETY, UNKNOWN = 1.01, 0.7  # factor of widths; width of a letter that the font lacks
LINE = 1.2  # height of a line in font sizes
HEAD, FOOT = 0.025 * HEIGHT, 0.982 * HEIGHT  # top of the message, bottom of the foot
HEAD_GAP, BODY_GAP = 0.03, 0.08  # above the subtitle, above the body
NUMBER_FIELD = "{B6F15528-21DE-4FAA-801E-634DDDAF4B2B}"  # PowerPoint's own for slide numbers
TITLE_ONLY = 5  # place of the layout in python-pptx's own template
FONT = "Arial"
FIXED_SPACE, FIXED_HYPHEN = "\u00a0", "\u2011"  # where no line may end
CELL_PAD = (0.08, 0.045)  # inches: left and right, top and bottom
PLAIN = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"  # PowerPoint's "No Style, No Grid"
SIZES = (24, 22, 20, 18, 17, 16, 15, SMALLEST)  # points that a table may have
GAP = 0.1  # inches between a table and the foot
WIDEST_GAP = 0.8  # inches added to a column where there is room
LINK = "#E3EEF6"
CHIP = 0.3  # height of a link to another slide


@dataclass(frozen=True, slots=True)
class Box:
    """A place on the slide in inches."""

    left: float
    top: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        return self.top + self.height

    @property
    def emu(self) -> tuple[Emu, Emu, Emu, Emu]:
        return tuple(Inches(part) for part in (self.left, self.top, self.width, self.height))


@functools.cache
def _advances(bold: bool) -> dict[str, float]:
    """Width of each letter in font sizes: those of Helvetica, which Arial has too."""
    name = f"Helvetica{'-Bold' if bold else ''}.afm"
    font = AFM(Path(matplotlib.get_data_path(), "fonts", "pdfcorefonts", name))
    widths = {toUnicode(glyph): font[glyph][1] / 1000 for glyph in font.chars()}
    fixed = {FIXED_SPACE: widths[" "], FIXED_HYPHEN: widths["-"]}
    return defaultdict(lambda: UNKNOWN, widths | fixed)


@functools.cache
def _length(text: str, bold: bool) -> float:
    """Width of one line in font sizes."""
    return sum(map(_advances(bold).__getitem__, text))


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Width of one line in inches."""
    return SAFETY * size / 72 * _length(text, bold)


def lines(text: str, width: float, size: float, bold: bool = False) -> list[str]:
    """`text` broken at spaces and line ends as it will stand in `width` inches.

    A word that is wider than the box is broken anywhere.
    """
    done = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            longer = f"{line} {word}".strip()
            if line and text_width(longer, size, bold) > width:
                done.append(line)
                longer = word
            while text_width(longer, size, bold) > width and len(longer) > 1:
                fits = next(n for n in range(len(longer), 0, -1)
                            if n == 1 or text_width(longer[:n], size, bold) <= width)  # fmt: skip
                done.append(longer[:fits])
                longer = longer[fits:]
            line = longer
        done.append(line)
    return done


def text_height(text: str, width: float, size: float, bold: bool = False) -> float:
    """Height of wrapped text in inches."""
    return len(lines(text, width, size, bold)) * LINE * size / 72


def new_show():
    """An empty 16:9 presentation: layouts as wide as the slide, Arial, titles left and bold."""
    show = Presentation()
    stretch = WIDTH * 914400 / show.slide_width
    show.slide_width, show.slide_height = Inches(WIDTH), Inches(HEIGHT)
    master = show.slide_master
    for part in (master, *master.slide_layouts):
        for shape in part.placeholders:
            if shape._element.spPr.xfrm is not None:
                shape.left, shape.width = round(shape.left * stretch), round(shape.width * stretch)
    first = master._element.find(f".//{qn('p:titleStyle')}/{qn('a:lvl1pPr')}")
    first.set("algn", "l")
    first.find(qn("a:defRPr")).set("sz", str(page.TITLE_SIZE * 100))
    first.find(qn("a:defRPr")).set("b", "1")
    return show


def head_height(title: str, subtitle: str = "") -> float:
    """Where the body of a slide with that message begins."""
    height = HEAD + text_height(title, RIGHT - LEFT, page.TITLE_SIZE, True) + HEAD_GAP
    if subtitle:
        height += text_height(subtitle, RIGHT - LEFT, page.SUBTITLE_SIZE)
    return height + BODY_GAP


def foot_top(text: str, aside: float = 0.0) -> float:
    """Where the foot of a slide begins; `aside` is the width that its links take."""
    height = text_height(text, RIGHT - LEFT - aside, page.FOOTER_SIZE) if text else 0
    return FOOT - max(height, CHIP if aside else 0)


def new_slide(show, title: str, subtitle: str = "", foot: str = "", aside: float = 0.0):
    """A slide with its message on top, and method and sources at its foot."""
    slide = show.slides.add_slide(show.slide_layouts[TITLE_ONLY])
    if len(show.slides) > 1:
        _add_number(slide, len(show.slides))
    width = RIGHT - LEFT
    box = Box(LEFT, HEAD, width, text_height(title, width, page.TITLE_SIZE, True))
    place_title(slide, box, title, page.TITLE_SIZE)
    if subtitle:
        height = text_height(subtitle, width, page.SUBTITLE_SIZE)
        box = Box(LEFT, box.bottom + HEAD_GAP, width, height)
        add_text(slide.shapes, box, subtitle, page.SUBTITLE_SIZE, name="Subtitle", ink=page.GREY)
    if foot:
        foot = re.sub(r"(?<=\d)-(?=\d)", FIXED_HYPHEN, foot)
        height = text_height(foot, width - aside, page.FOOTER_SIZE)
        box = Box(LEFT, FOOT - height, width - aside, height)
        add_text(slide.shapes, box, foot, page.FOOTER_SIZE, name="Method and sources",
                 ink=page.GREY)  # fmt: skip
    return slide


def chips_width(labels: Sequence[str]) -> float:
    """Width of links at the right end of the foot, with the gap before them."""
    return sum(text_width(label, SMALLEST) + 0.34 for label in labels) + 0.1 * bool(labels)


def add_chips(slide, targets: Sequence[tuple[str, object]]) -> None:
    """Links to other slides at the right end of the foot: their words and the slides."""
    right = RIGHT
    for label, target in reversed(targets):
        width = text_width(label, SMALLEST) + 0.24
        box = Box(right - width, FOOT - CHIP, width, CHIP)
        named = markup.identity(slide.shapes._next_shape_id, f"Link: {label}",
                                f"Link to the slide: {target.shapes.title.text}")
        words = markup.paragraph(label, SMALLEST, ink=page.BLUE, side="center")
        shape = markup.add(slide.shapes, markup.block(named, box.emu, "roundRect", LINK, words))
        shape.click_action.target_slide = target
        right -= width + 0.1


def _add_number(slide, number: int) -> None:
    """The number of a slide in the margin; it follows when slides are moved."""
    box = Box(RIGHT + 0.03, FOOT - 0.24, WIDTH - RIGHT - 0.06, 0.24)
    shape = add_text(slide.shapes, box, str(number), SMALLEST, name="Slide number", ink=page.GREY,
                     side="center")
    run = shape.text_frame.paragraphs[0].runs[0]._r
    run.tag = qn("a:fld")
    run.set("id", NUMBER_FIELD)
    run.set("type", "slidenum")


def place_title(slide, box: Box, text: str, size: float) -> None:
    """Write the title of a slide into a box."""
    holder = slide.shapes.title
    holder.left, holder.top, holder.width, holder.height = box.emu
    paragraph = markup.paragraph(text, size, bold=True)
    body = markup.body([paragraph], f'wrap="square" anchor="t" {markup.INSETS}')
    holder._element.replace(holder._element.txBody, markup.parsed(body))


def add_text(shapes, box: Box, text: str, size: float, *, name: str, **style):
    """A text box of exactly that size; `style` as in `markup.paragraph`."""
    named = markup.identity(shapes._next_shape_id, name)
    paragraphs = [markup.paragraph(line, size, **style) for line in text.split("\n")]
    return markup.add(shapes, markup.text_box(named, box.emu, paragraphs))


def add_notes(slide, parts: Sequence[tuple[str, str]]) -> None:
    """Speaker notes: paragraphs, each with the bold words that it begins with; empty ones are
    left out."""
    frame = slide.notes_slide.notes_text_frame
    written = [(lead, text) for lead, text in parts if text]
    for number, (lead, text) in enumerate(written):
        paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
        for words, is_bold in ((lead and f"{lead} ", True), (text, False)):
            if words:
                run = paragraph.add_run()
                run.text, run.font.bold = words, is_bold
                run.font.language_id = MSO_LANGUAGE_ID.ENGLISH_UK


def table_layout(
    headings: Sequence[str], rows: Sequence[Sequence[str]], free: float
) -> tuple[float, list[float], list[float], list[list[int]]]:
    """How a table stands on as few slides as 14 points allow, its text as large as these allow.

    Parameters
    ----------
    headings, rows : sequence of str, of sequence of str
        Text of the cells; ``**bold**`` is bold.
    free : float
        Height for the table on each slide.

    Returns
    -------
    tuple
        Points of the text, widths of the columns, heights of the rows (the heading first), and the
        numbers of the rows slide by slide.
    """
    layouts = [_layout(headings, rows, size, free) for size in SIZES]
    fewest = min(len(parts) for *_, parts in layouts)
    return next(found for found in layouts if len(found[3]) == fewest)


def _layout(headings, rows, size: float, free: float):
    widths = _widths([headings, *rows], size)
    heights = [_height(row, widths, size) for row in (headings, *rows)]
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


def _widths(rows: Sequence[Sequence[str]], size: float) -> list[float]:
    """Columns as wide as their text; those too wide for the slide share what the others leave.

    A column of much text gets more than one of little, in proportion to the root of its length.
    """
    columns = list(zip(*rows, strict=True))
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


def add_table(
    slide, rows: Sequence[Sequence[str]], widths: Sequence[float], heights: Sequence[float],
    size: float, top: float, alt: str,
) -> None:
    """A table, its first row the heading, from `top` on."""
    wide, high = ([Inches(length) for length in lengths] for lengths in (widths, heights))
    sides = [
        "right" if all(NUMBER.fullmatch(_plain(cell)) for cell in column) else "left"
        for column in zip(*rows[1:], strict=True)
    ]
    pads = Inches(CELL_PAD[0]), Inches(CELL_PAD[1])
    written = []
    for y, (row, height) in enumerate(zip(rows, high, strict=True)):
        ink, ground = ("#FFFFFF", page.BLUE) if y == 0 else (page.INK, None)
        cells = [
            markup.cell([markup.paragraph(line, size, bold=y == 0, ink=ink, side=side)
                         for line in text.split("\n")],
                        pads, "t" if y else "ctr", ground, page.PALE)
            for text, side in zip(row, sides, strict=True)
        ]  # fmt: skip
        written.append(markup.row(height, cells))
    named = markup.identity(slide.shapes._next_shape_id, "Table", alt)
    box = Inches(LEFT), Inches(top), sum(wide), sum(high)
    markup.add(slide.shapes, markup.table(named, box, PLAIN, wide, written))


def pack(show, title: str, subject: str) -> bytes:
    """The presentation as a file with the same bytes on every run.

    Dates, authors and the thumbnail of the template are left out; parts carry no time of their own.
    """
    package = show.part.package
    for key, relation in list(package._rels.items()):
        if relation.reltype == RELATIONSHIP_TYPE.THUMBNAIL:
            package._rels.pop(key)
    core = show.core_properties
    for child in list(core._element):
        core._element.remove(child)
    core.title, core.subject, core.language = title[:255], subject[:255], "en-GB"
    raw = BytesIO()
    show.save(raw)
    with ZipFile(raw) as parts:
        return zipped({name: _in_arial(name, parts.read(name)) for name in parts.namelist()})


def _in_arial(name: str, content: bytes) -> bytes:
    """The theme with Arial for headings and text."""
    if not name.startswith("ppt/theme/"):
        return content
    theme = etree.fromstring(content)
    for kind in ("majorFont", "minorFont"):
        for font in theme.iter(qn(f"a:{kind}")):
            font.find(qn("a:latin")).set("typeface", FONT)
    return etree.tostring(theme, xml_declaration=True, encoding="UTF-8", standalone=True)
