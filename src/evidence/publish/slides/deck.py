"""The slides: one message each, charts as shapes, tables as tables, notes to speak from.

Equal input gives equal bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pptx.util import Inches

from evidence.figures import Figure, page
from evidence.publish.slides import markup
from evidence.publish.slides.native import Drawing
from evidence.publish.slides.shapes import (
    BODY_GAP,
    GAP,
    HEIGHT,
    LEFT,
    RIGHT,
    Box,
    add_chips,
    add_notes,
    add_table,
    add_text,
    chips_width,
    foot_top,
    head_height,
    lines,
    new_show,
    new_slide,
    pack,
    place_title,
    table_layout,
    text_height,
)
from evidence.publish.slides.sheets import SHEETS, Sheet, answer_lines, cited
from evidence.publish.slides.talk import MAIN, TABLES, WHOLE, Slide, Talk, drawable, spoken
from evidence.review import CITATION, Bibliography, Review

FOOT_LINES = 2
QUESTION_SIZE, NAME_SIZE = 36, 20  # points, on the title slide
SAID_SIZES = range(32, 15, -1)  # points of sentences to take home
BETWEEN = 0.35  # inches between two of them
DISCLAIMER = "A description of evidence, not medical advice"
BACK, ON, FURTHER = "‹ Back", " ›", "Appendix"


def talk_deck(review: Review, analyses: Mapping[str, Any], minutes: int = WHOLE) -> bytes:
    """The slides of a talk as the bytes of a PowerPoint file.

    Parameters
    ----------
    review : Review
    analyses : mapping
        Results of `evidence.pooling.Analyses`.
    minutes : int
        5 or 10 for the slides that are shown in such a talk, 20 for these and the appendix, to
        which links lead and from which they lead back.

    Returns
    -------
    bytes
        Each slide has speaker notes: what to say, what to answer, the method; those of the last
        one list the references. Pictures, groups and tables have alt text.
    """
    return deck(talk_plan(review, analyses, minutes))


def talk_plan(review: Review, analyses: Mapping[str, Any], minutes: int = WHOLE) -> Plan:
    """All that the slides of a talk are made of; as `talk_deck`."""
    talk = Talk(review, analyses, drawable(review, analyses))
    return _planned(talk, talk.of(minutes))


def figure_deck(
    review: Review, analyses: Mapping[str, Any], figures: Iterable[Figure], *,
    with_tables: bool = False,
) -> bytes:  # fmt: skip
    """One slide for each figure and, where asked for, the summary tables; else as `talk_deck`."""
    talk = Talk(review, analyses, {figure.name: figure for figure in figures})
    figures = [Slide(name, "figure", name, talk=MAIN) for name in talk.figures]
    tables = [Slide(kind, kind, talk=MAIN) for kind in TABLES] if with_tables else []
    return deck(_planned(talk, [*figures, *tables]))


@dataclass(frozen=True, slots=True)
class Page:
    """A slide of the plan and what stands on it.

    Attributes
    ----------
    slide : Slide
    shown : Figure, Sheet or tuple of str
        The chart, the table or the sentences; of the first slide none.
    title, say, asked : str
        Words of slides.csv with their values; where one is empty, those of what is shown stand in
        its place.
    """

    slide: Slide
    shown: Figure | Sheet | tuple[str, ...]
    title: str
    say: str
    asked: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All that slides are made of, before one is drawn: equal plans make equal slides.

    Attributes
    ----------
    name, question, date : str
        Of the review; the last two may be empty.
    slides : tuple of Slide
        Those that were asked for, also without anything to show.
    pages : tuple of Page
        Those that show something.
    bibliography : Bibliography
    """

    name: str
    question: str
    date: str
    slides: tuple[Slide, ...]
    pages: tuple[Page, ...]
    bibliography: Bibliography


def _planned(talk: Talk, slides: Sequence[Slide]) -> Plan:
    review = talk.review
    shown = [(slide, _shown(talk, slide)) for slide in slides]
    pages = tuple(
        Page(slide, what, *(talk.words(slide, column, "") for column in ("title", "say", "asked")))
        for slide, what in shown if what or slide.kind == "question"
    )
    return Plan(review.item("title", review.root.name), review.item("question"),
                review.item("data_date"), tuple(slides), pages, review.bibliography)


def _shown(talk: Talk, slide: Slide) -> Figure | Sheet | tuple[str, ...] | None:
    """What stands on a slide; nothing where the review has nothing for it."""
    if slide.kind == "figure":
        return talk.figures[slide.figure]
    if slide.kind in SHEETS:
        return SHEETS[slide.kind](talk.review, talk.analyses, slide.select)
    lines = answer_lines(talk.review, talk.analyses, slide.select) if slide.kind == "lines" else ()
    return tuple(lines)


def deck(plan: Plan) -> bytes:
    """The slides of a plan as the bytes of a PowerPoint file."""
    return _Deck(plan).made()


class _Deck:
    """Slides as they are added; `first` holds the first one of each name."""

    def __init__(self, plan: Plan):
        self.plan = plan
        self.links = _links(plan.slides)
        self.show = new_show()
        self.first: dict[str, Any] = {}
        self.keys: list[str] = []

    def made(self) -> bytes:
        add = {"figure": self.figure, "question": self.question, "lines": self.lines}
        for planned in self.plan.pages:
            add.get(planned.slide.kind, self.sheet)(planned)
        for name, targets in self.links.items():
            if name in self.first:
                add_chips(self.first[name], [(label, self.first[target]) for target, label
                                             in targets.items() if target in self.first])
        self.references()
        return pack(self.show, self.plan.name, self.plan.question)

    def figure(self, planned: Page) -> None:
        slide, figure = planned.slide, planned.shown
        title = planned.title or figure.title
        say, asked = spoken(title, figure.caption)
        canvases = figure.figures("slide", framed=False)
        with page.style("slide", figure.texts):
            for number, canvas in enumerate(canvases, 1):
                name = f"{title} ({number}/{len(canvases)})" if len(canvases) > 1 else title
                drawing, top = Drawing(canvas), head_height(name, figure.subtitle)
                low, high = drawing.reach
                for most in range(FOOT_LINES, -1, -1):
                    foot = self.foot(slide, figure.method, figure.sources, most)
                    bottom = foot_top(foot, self.aside(slide)) - GAP
                    if high - low <= bottom - top:
                        break
                page_ = self.page(slide, name, figure.subtitle, foot)
                group = drawing.add(page_.shapes, figure.alt)
                group.top = max(min(group.top, Inches(bottom) - group.height),
                                Inches(top - BODY_GAP))
                self.notes(page_, planned, say, asked, figure.method)
        self.keys += figure.sources

    def sheet(self, planned: Page) -> None:
        slide, sheet = planned.slide, planned.shown
        title = planned.title or sheet.title
        top = head_height(f"{title} (00/00)", sheet.subtitle)
        foot = self.foot(slide, sheet.method, sheet.sources)
        free = foot_top(foot, self.aside(slide)) - top - GAP
        size, widths, heights, parts = table_layout(sheet.headings, sheet.rows, free)
        for number, part in enumerate(parts, 1):
            name = f"{title} ({number}/{len(parts)})" if len(parts) > 1 else title
            page_ = self.page(slide, name, sheet.subtitle, foot)
            rows = [sheet.headings, *(sheet.rows[i] for i in part)]
            add_table(page_, rows, widths, [heights[0], *(heights[i + 1] for i in part)], size,
                      head_height(name, sheet.subtitle),
                      f"Table: {name.rstrip('.')}. {sheet.subtitle}".strip())  # fmt: skip
            self.notes(page_, planned, sheet.say, sheet.asked, sheet.method)
        self.keys += sheet.sources

    def question(self, planned: Page) -> None:
        """The title slide."""
        name, date = self.plan.name, self.plan.date
        asked = self.plan.question or name
        page_ = new_slide(self.show, "")
        self.first[planned.slide.name] = page_
        _add_bar(page_, Box(LEFT, 1.6, 0.09, HEIGHT - 3.2))
        left, width = LEFT + 0.4, RIGHT - LEFT - 0.9
        height = text_height(asked, width, QUESTION_SIZE, True)
        box = Box(left, 1.7, width, height)
        place_title(page_, box, asked, QUESTION_SIZE)
        words = [name] if self.plan.question else []
        words += [f"Data of {date}"] if date else []
        text = "\n".join([*words, DISCLAIMER])
        height = text_height(text, width, NAME_SIZE)
        add_text(page_.shapes, Box(left, box.bottom + 0.5, width, height), text, NAME_SIZE,
                 name="About", ink=page.GREY)  # fmt: skip
        say = f"{asked} Every number on these slides comes from the tables of the review."
        self.notes(page_, planned, say, f"{DISCLAIMER}.", "")

    def lines(self, planned: Page) -> None:
        """The answer for one audience as sentences to take home, as large as they fit."""
        slide, said = planned.slide, planned.shown
        title = planned.title or "To take home"
        page_ = self.page(slide, title, "", DISCLAIMER + ".")
        texts = [re.sub(rf"\s?{CITATION.pattern}", "", line) for line in said]
        top, bottom = head_height(title) + 0.2, foot_top(DISCLAIMER, self.aside(slide)) - GAP
        width = RIGHT - LEFT - 0.4
        size, heights = next(
            (size, heights) for size in SAID_SIZES
            if sum(heights := [text_height(text.replace("**", ""), width - 0.1, size)
                                   for text in texts])
            + BETWEEN * (len(texts) - 1) <= bottom - top or size == SAID_SIZES[-1]
        )
        gap = min((bottom - top - sum(heights)) / len(texts), 2 * BETWEEN)
        for number, (text, height) in enumerate(zip(texts, heights, strict=True), 1):
            _add_bar(page_, Box(LEFT, top, 0.07, height))
            add_text(page_.shapes, Box(LEFT + 0.3, top, width, height), text, size,
                     name=f"Sentence {number}")  # fmt: skip
            top += height + gap
        self.notes(page_, planned, " ".join(texts[:3]).replace("**", ""), "", "")
        self.keys += cited(said)

    def page(self, slide: Slide, title: str, subtitle: str, foot: str):
        """A new slide of the deck."""
        made = new_slide(self.show, title, subtitle, foot, self.aside(slide))
        self.first.setdefault(slide.name, made)
        return made

    def foot(self, slide: Slide, method: str, sources: Sequence[str],
             most: int = FOOT_LINES) -> str:
        """Method and short citations, as many as `most` lines hold, the others as a number."""
        width = RIGHT - LEFT - self.aside(slide)
        cited_ = [self.plan.bibliography.cite(key) for key in dict.fromkeys(sources)]
        start = f"{method.rstrip('.')}." if method else ""
        if not most:
            return ""
        for count in range(len(cited_), -1, -1):
            rest = len(cited_) - count
            named = "; ".join(cited_[:count])
            if rest:
                named += f" and {rest} more" if count else f"{rest} in the notes of the last slide"
            text = f"{start} Sources: {named}." if cited_ else start
            if len(lines(text.strip(), width, page.FOOTER_SIZE)) <= most:
                return text.strip()
        return start

    def aside(self, slide: Slide) -> float:
        """Width that the links of a slide take from its foot."""
        return chips_width(list(self.links.get(slide.name, {}).values()))

    def notes(self, page_, planned: Page, say: str, asked: str, method: str) -> None:
        """What to say, what to answer, and the method; slides.csv goes before the words of what is
        shown."""
        add_notes(page_, [
            ("Say:", planned.say or say),
            ("If asked:", planned.asked or asked),
            ("Method:", method and f"{method.rstrip('.')}."),
        ])  # fmt: skip

    def references(self) -> None:
        """The references of all slides in the notes of the last one."""
        listed = self.plan.bibliography.listing(self.keys)
        if not listed:
            return
        frame = list(self.show.slides)[-1].notes_slide.notes_text_frame
        for text in ("", "Sources of these slides:",
                     *(f"{item.vancouver} {item.link}".strip() for item in listed)):  # fmt: skip
            frame.add_paragraph().text = text


def _links(slides: Sequence[Slide]) -> dict[str, dict[str, str]]:
    """Where each slide leads, with the words: to its slides of the appendix, and back.

    A slide of the appendix that none leads to leads back to the last of the talk; that one leads to
    the first of them.
    """
    main = [slide for slide in slides if slide.talk <= MAIN]
    rest = {slide.name: slide for slide in slides if slide.talk > MAIN}
    if not main or not rest:
        return {}
    links: dict[str, dict[str, str]] = {}
    for slide in main:
        for name in (name for name in slide.more if name in rest):
            links.setdefault(slide.name, {})[name] = (rest[name].label or "More") + ON
            links.setdefault(name, {slide.name: BACK})
    links.setdefault(main[-1].name, {}).setdefault(next(iter(rest)), FURTHER + ON)
    for name in rest:
        links.setdefault(name, {main[-1].name: BACK})
    return links


def _add_bar(slide, box: Box) -> None:
    named = markup.identity(slide.shapes._next_shape_id, "Bar", "Decoration")
    markup.add(slide.shapes, markup.block(named, box.emu, "rect", page.BLUE))

