"""The talk: which slides, in which order, and what a speaker says to each.

A row of ``data/slides.csv`` is a slide. A review without that table gets an order that makes sense
for any topic: the question, the answer, the figures, what it rests on; the rest as an appendix.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from evidence.figures import Figure, catalogue
from evidence.review import Problem, Review, ReviewError, keys
from evidence.wording import Facts, MissingValueError, answers, fill

MINUTES = (5, 10, 20)  # of a talk; what only the longest shows is the appendix
MAIN, WHOLE = MINUTES[1:]
TABLES = ("certainty", "harms", "verdicts", "limits")
OPENING, REST = 6, 12  # slides of the two shorter talks where data/slides.csv does not say
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z“])")


@dataclass(frozen=True, slots=True)
class Slide:
    """One slide of the plan, a row of slides.csv.

    Attributes
    ----------
    name : str
    kind : str
        question, answer, figure, certainty, harms, verdicts, limits or lines.
    figure : str
        Of figures.csv, where the kind is figure.
    select : tuple of str
        Rows of the table that the slide shows, else all of them; an audience of answers.csv for
        lines.
    talk : int
        Minutes of the shortest talk that shows it.
    label : str
        Words of the link that leads to it.
    title, say, asked : str
        Templates; where one is empty, the words of what is shown stand in its place.
    more : tuple of str
        Slides of the appendix to which it leads.
    row : int or None
        Line of slides.csv.
    """

    name: str
    kind: str
    figure: str = ""
    select: tuple[str, ...] = ()
    talk: int = WHOLE
    label: str = ""
    title: str = ""
    say: str = ""
    asked: str = ""
    more: tuple[str, ...] = ()
    row: int | None = None


@dataclass(frozen=True)
class Talk:
    """The slides of a review and the words to them.

    Parameters
    ----------
    review : Review
    analyses : mapping
        Results of `evidence.pooling.Analyses`.
    figures : mapping of str to Figure
        By name.
    """

    review: Review
    analyses: Mapping[str, Any]
    figures: Mapping[str, Figure]

    @cached_property
    def facts(self) -> Facts:
        """What a template of slides.csv may name, besides the facts of its figure."""
        return Facts(self.review, self.analyses)

    @cached_property
    def slides(self) -> list[Slide]:
        """Every slide in order, the appendix last; figures without data are left out.

        Figures that slides.csv does not name stand at the end of the appendix.
        """
        listed = self._listed() or self._sensible()
        named = {slide.figure for slide in listed}
        listed += [Slide(name, "figure", name) for name in self.figures if name not in named]
        shown = [s for s in listed if s.kind != "figure" or s.figure in self.figures]
        return sorted(shown, key=lambda slide: slide.talk > MAIN)

    def of(self, minutes: int) -> list[Slide]:
        """The slides of a talk of 5, 10 or 20 minutes."""
        return [slide for slide in self.slides if slide.talk <= minutes]

    def words(self, slide: Slide, column: str, otherwise: str) -> str:
        """A text of a slide with its values filled in; `otherwise` where slides.csv gives none.

        Raises
        ------
        ReviewError
            When the template asks for a value that is not there.
        """
        template = getattr(slide, column)
        if not template:
            return otherwise
        own = self.figures[slide.figure].content.facts if slide.kind == "figure" else {}
        try:
            return fill(template, ChainMap(dict(own), self.facts))
        except MissingValueError as error:
            raise ReviewError([Problem("data/slides.csv", slide.row, column, slide.name, str(error),
                                       "mend the template or the table it reads")]) from None

    def _listed(self) -> list[Slide]:
        table = self.review.table("slides")
        text = table.astype("str").where(table.notna(), "")
        return [
            Slide(
                row["slide"], row["kind"], row.get("figure", ""), tuple(keys(row.get("select"))),
                int(row.get("talk") or WHOLE), row.get("label", ""), row.get("title", ""),
                row.get("say", ""), row.get("asked", ""), tuple(keys(row.get("more"))),
                int(index) + 2,
            )
            for index, row in text.iterrows()
        ]  # fmt: skip

    def _sensible(self) -> list[Slide]:
        """Question, answer and figures, as many as the shorter talks hold; tables behind them."""
        has_page = any(figure.spec.kind == "answer" for figure in self.figures.values())
        has_answer = bool(answers.audiences(self.review)) and not has_page
        main = [Slide("question", "question"), *[Slide("answer", "answer")] * has_answer]
        main += [Slide(name, "figure", name) for name in self.figures]
        main = [replace(slide, talk=5 if number < OPENING else 10 if number < REST else WHOLE)
                for number, slide in enumerate(main)]  # fmt: skip
        return [*main, *(Slide(kind, kind) for kind in TABLES)]


def spoken(title: str, text: str) -> tuple[str, str]:
    """What to say and what to answer, made of a message and the text below a figure: the message
    with the first two sentences, and the two after them."""
    sentences = SENTENCE.split(text.strip()) if text.strip() else []
    return " ".join([f"{title.rstrip('.')}.", *sentences[:2]]), " ".join(sentences[2:4])


def drawable(review: Review, analyses: Mapping[str, Any]) -> dict[str, Figure]:
    """The figures of a review by name, without those that have nothing to show."""
    built = (catalogue.build(review, analyses, name) for name in catalogue.specs(review))
    return {figure.name: figure for figure in built if not figure.table.empty}
