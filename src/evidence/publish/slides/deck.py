"""The slides: every figure with its message, tables as tables, notes to speak from.

Figures that consist of texts, lines and marks alone, such as forest plots, become native shapes;
the others are pictures. Equal input gives equal bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from io import BytesIO

from matplotlib.figure import Figure as Canvas
from matplotlib.transforms import Bbox
from pptx.enum.shapes import MSO_SHAPE

from evidence.figures import Figure, page
from evidence.pooling import Analyses
from evidence.publish.slides.native import add_native, native_artists
from evidence.publish.slides.shapes import (
    FOOT,
    HEIGHT,
    LEFT,
    RIGHT,
    SMALLEST,
    WIDTH,
    Box,
    add_notes,
    add_picture,
    add_text,
    colour,
    describe,
    foot_top,
    head_height,
    new_show,
    new_slide,
    pack,
    place_title,
    text_height,
    unstyle,
)
from evidence.publish.slides.tables import (
    Sheet,
    add_sheet,
    answer_sheet,
    limits_sheet,
    summary_sheets,
)
from evidence.review import Reference, Review

PICTURE_DPI = 200
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z“])")
QUESTION_SIZE, NAME_SIZE = 36, 20  # points, on the title slide
BETWEEN = 0.09  # inches between two references
DISCLAIMER = "A description of evidence, not medical advice"


def deck(review: Review, exhibits: Iterable[Figure], answer: Sequence[str] = ()) -> bytes:
    """The slides of a review as the bytes of a PowerPoint file.

    Parameters
    ----------
    review : Review
    exhibits : iterable of Figure
        One slide each, in this order.
    answer : sequence of str
        Lines of the answer, with ``[@key]`` citations; without them there is no such slide.

    Returns
    -------
    bytes
        Title, answer, one slide per figure, summary tables, limits, references. Each slide has
        speaker notes; pictures, groups and tables have alt text.
    """
    show = new_show()
    _add_title(show, review)
    first = [answer_sheet(review, answer)] if answer else []
    sheets = list(summary_sheets(review, Analyses(review)))
    keys = [key for sheet in (*first, *sheets) for key in sheet.sources]
    for sheet in first:
        _add_sheet(show, review, sheet)
    for exhibit in exhibits:
        _add_exhibit(show, review, exhibit)
        keys += exhibit.sources
    for sheet in sheets:
        _add_sheet(show, review, sheet)
    add_sheet(show, limits_sheet(review))
    _add_references(show, review.bibliography.listing(keys))
    return pack(show, _name(review), review.item("question"))


def speaker_notes(review: Review, exhibit: Figure) -> str:
    """What to say: the message and the first sentence of the caption; then all that backs it."""
    first, *rest = SENTENCE.split(exhibit.caption)
    parts = [f"{exhibit.title.rstrip('.')}. {first}".strip()]
    if rest:
        parts.append("If asked: " + " ".join(rest))
    parts.append(f"Method: {exhibit.method.rstrip('.')}.")
    return "\n\n".join(parts) + _reference_notes(review, exhibit.sources)


def _reference_notes(review: Review, keys: Iterable[str]) -> str:
    listed = review.bibliography.listing(keys)
    if not listed:
        return ""
    return "\n\nReferences:\n" + "\n".join(f"{item.vancouver} {item.link}".strip()
                                           for item in listed)  # fmt: skip


def _name(review: Review) -> str:
    return review.item("title", review.root.name)


def _add_title(show, review: Review) -> None:
    slide = new_slide(show, "")
    question = review.item("question", _name(review))
    bar = slide.shapes.add_shape(
        MSO_SHAPE.RECTANGLE, *Box(LEFT, 1.6, 0.09, HEIGHT - 3.2).emu
    )
    bar.fill.solid()
    bar.fill.fore_color.rgb = colour(page.BLUE)
    bar.line.fill.background()
    unstyle(bar)
    describe(bar, "Bar", "Decoration")
    left, width = LEFT + 0.4, RIGHT - LEFT - 0.9
    height = text_height(question, width, QUESTION_SIZE, True)
    box = Box(left, 1.7, width, height)
    place_title(slide, box, question, QUESTION_SIZE)
    date = review.item("data_date")
    words = [_name(review)] if review.item("question") else []
    words += [f"Data of {date}"] if date else []
    text = "\n".join([*words, DISCLAIMER])
    height = text_height(text, width, NAME_SIZE)
    add_text(slide.shapes, Box(left, box.bottom + 0.5, width, height), text, NAME_SIZE,
             name="About", ink=page.GREY)  # fmt: skip
    add_notes(slide, f"{question}\n\nThe slides follow the review “{_name(review)}”; every number "
                     f"comes from its tables. {DISCLAIMER}.")  # fmt: skip


def _add_sheet(show, review: Review, sheet: Sheet) -> None:
    notes = sheet.notes + _reference_notes(review, sheet.sources)
    add_sheet(show, replace(sheet, notes=notes))


def _add_exhibit(show, review: Review, exhibit: Figure) -> None:
    pages = exhibit.figures("slide", framed=False)
    for number, figure in enumerate(pages, 1):
        which = f" ({number} of {len(pages)})" if len(pages) > 1 else ""
        _add_page(show, review, exhibit, figure, exhibit.subtitle + which)


def _add_page(show, review: Review, exhibit: Figure, figure: Canvas, subtitle: str) -> None:
    slide = new_slide(show, exhibit.title, subtitle, exhibit.footer)
    artists = native_artists(figure)
    if artists is None:
        png, box = _picture(figure, head_height(exhibit.title, subtitle),
                            foot_top(exhibit.footer))  # fmt: skip
        add_picture(slide, png, box, "Figure", exhibit.alt)
    else:
        describe(add_native(slide.shapes, figure, artists), "Figure", exhibit.alt)
    add_notes(slide, speaker_notes(review, exhibit))


def _picture(figure: Canvas, top: float, bottom: float) -> tuple[bytes, Box]:
    """The drawn part of a page over its full width, at its own place between header and foot."""
    drawn = figure.get_tightbbox(figure.canvas.get_renderer())
    low, high = max(drawn.y0 - 0.02, 0.0), min(drawn.y1 + 0.02, HEIGHT)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=PICTURE_DPI, metadata={"Software": None},
                   bbox_inches=Bbox([[0, low], [figure.get_figwidth(), high]]))  # fmt: skip
    scale = min(1.0, (bottom - top) / (high - low))
    width, height = WIDTH * scale, (high - low) * scale
    start = min(max(HEIGHT - high, top), bottom - height)
    return buffer.getvalue(), Box((WIDTH - width) / 2, start, width, height)


def _add_references(show, references: Sequence[Reference]) -> None:
    """References in Vancouver style, as many to a slide as fit."""
    if not references:
        return
    width, top = RIGHT - LEFT, head_height("References")
    heights = [text_height(_entry(item), width, SMALLEST) + BETWEEN for item in references]
    pages: list[list[tuple[Reference, float]]] = [[]]
    used = 0.0
    for item, height in zip(references, heights, strict=True):
        if pages[-1] and used + height > FOOT - top:
            pages.append([])
            used = 0.0
        pages[-1].append((item, height))
        used += height
    for number, items in enumerate(pages, 1):
        title = f"References ({number}/{len(pages)})" if len(pages) > 1 else "References"
        slide, y = new_slide(show, title), top
        for item, height in items:
            box = Box(LEFT, y, width, height - BETWEEN)
            add_text(slide.shapes, box, item.vancouver + (" " if item.link else ""),
                     SMALLEST, name=item.label, link=item.link)  # fmt: skip
            y += height
        add_notes(slide, "References of the slides, in Vancouver style.")


def _entry(item: Reference) -> str:
    return f"{item.vancouver} {item.link}".strip()
