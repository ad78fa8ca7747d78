"""The answer: a few short sentences, the same numbers in the words of each audience, then more.

``data/answers.csv`` has one row per line and one column per audience; each cell is a template. The
column ``part`` says where a line stands; a review without that column has details only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from evidence.review import (
    CITATION,
    Problem,
    Review,
    ReviewError,
    decoded,
    with_citations,
    without_citations,
)
from evidence.storage import read_bytes
from evidence.wording.prose import MissingValueError, fill, harmless

T = TypeVar("T")
SHORT, DETAIL, FOOT, ASIDE = "short", "detail", "foot", "aside"
TILE = ("title", "outcome", "verdict", "number", "interval", "says")
LONGEST, LONGEST_VERDICT = 20, 10  # words of a short sentence, of a verdict
TOO_LONG = 5000  # signs of one line
MORE = "In more detail."
NO_ANSWER = "*No answer yet: data/answers.csv has no line.*"
INSTEAD = "*No answer has been written yet (`data/answers.csv`). What the analyses give:*"
BEGIN, END = "<!-- answer: begin -->", "<!-- answer: end -->"
WORD, VALUE = re.compile(r"\S*\w\S*"), re.compile(r"\{[^{}]*\}")  # a value counts as one word


@dataclass(frozen=True, slots=True)
class Tile:
    """What the answer page shows of one topic.

    Attributes
    ----------
    title, verdict : str
        The topic, and what is known of it in ten words or fewer.
    outcome : str
        Row of certainty.csv that rates it.
    number, interval, says : str
        The one number that matters, its interval (empty where it has none), and what it counts.
    """

    title: str
    outcome: str
    verdict: str
    number: str
    interval: str
    says: str


def audiences(review: Review) -> list[str]:
    """Audiences that data/answers.csv has words for."""
    return [column for column in review.table("answers").columns
            if column not in ("line", "part", *TILE)]


def sentences(review: Review, facts: Mapping[str, Any], audience: str) -> list[str]:
    """The short sentences for one audience, each under its title; none where there are only
    details.

    Raises
    ------
    ReviewError
        When the audience has no column, a line asks for a value that is not there, or a sentence
        has more than twenty words, each value counted as one: a value that grows stops no build.
    """
    def said(row: Mapping[str, Any]) -> str:
        text = _filled(facts, row, _known(review, audience), LONGEST)
        title = _filled(facts, row, "title") if text else ""
        return f"**{title}.** {text}" if title else text

    return list(filter(None, _each(review, SHORT, said)))


def lines(review: Review, facts: Mapping[str, Any], audience: str) -> list[str]:
    """The details for one audience, numbers filled in; empty cells are passed over.

    Raises
    ------
    ReviewError
        When the audience has no column, or a line asks for a value that is not there.
    """
    return list(filter(None, _each(
        review, DETAIL, lambda row: _filled(facts, row, _known(review, audience)))))


def spoken(review: Review, facts: Mapping[str, Any]) -> list[str]:
    """What is said first, in plain words for the first audience: the short sentences, else the
    details."""
    audience = next(iter(audiences(review)), "")
    said = sentences(review, facts, audience) or lines(review, facts, audience)
    return [without_citations(line) for line in said]


def text(review: Review, facts: Mapping[str, Any], audience: str) -> str:
    """The answer for one audience as Markdown: the short sentences one by one, then the details
    as a paragraph; details alone are numbered. Citations stand as ``[@key]``."""
    short, more = sentences(review, facts, audience), lines(review, facts, audience)
    numbered = "\n".join(
        f"{number}. {harmless(line)}" for number, line in enumerate(short or more, 1))
    if not short or not more:
        return numbered
    return f"{numbered}\n\n*{MORE}* {' '.join(harmless(line) for line in more)}"


def instead(lines: Sequence[str]) -> str:
    """What stands in the place of an answer that nobody has written, as Markdown: results in
    brief; empty where there are none."""
    return "\n".join([INSTEAD, "", *(f"- {harmless(line)}" for line in lines)]) if lines else ""


def tiles(review: Review, facts: Mapping[str, Any]) -> list[Tile]:
    """The topics of the answer page: short lines that have a title.

    Raises
    ------
    ReviewError
        When a template asks for a value that is not there, or a verdict has more than ten words.
    """
    limits = {"verdict": LONGEST_VERDICT}
    made = _each(review, SHORT, lambda row: Tile(**{
        name: _filled(facts, row, name, limits.get(name)) for name in TILE}))
    return [tile for tile in made if tile.title]


def notes(review: Review, facts: Mapping[str, Any], part: str) -> list[tuple[str, str]]:
    """Title and text of the lines at the foot of the answer page or beside its chart.

    Parameters
    ----------
    part : str
        `FOOT` or `ASIDE`; of each line the first audience that has words counts.
    """
    def said(row: Mapping[str, Any]) -> tuple[str, str]:
        texts = (_filled(facts, row, audience) for audience in audiences(review))
        return _filled(facts, row, "title"), next(filter(None, texts), "")

    return _each(review, part, said)


def _each(review: Review, part: str, make: Callable[[Mapping[str, Any]], T]) -> list[T]:
    """What `make` makes of each row of one part, which has its line of the file as ``row``.

    Raises
    ------
    ReviewError
        With the problems of all rows.
    """
    table = review.table("answers")
    parts = table["part"].fillna(DETAIL) if "part" in table else pd.Series(DETAIL, table.index)
    made, problems = [], []
    for index, row in table[parts == part].iterrows():
        try:
            made.append(make({"row": int(index) + 2, **row}))
        except ReviewError as error:
            problems += error.problems
    if problems:
        raise ReviewError(problems)
    return made


def _known(review: Review, audience: str) -> str:
    if audience not in audiences(review) and not review.table("answers").empty:
        raise ReviewError([Problem("data/answers.csv", 1, audience, audience, "is no audience",
                                   f"choose one of {', '.join(audiences(review))}")])
    return audience


def _filled(facts: Mapping[str, Any], row: Mapping[str, Any], column: str,
            longest: int | None = None) -> str:
    template = row.get(column)
    if template is None or pd.isna(template):
        return ""
    try:
        filled = fill(str(template), facts)
    except MissingValueError as error:
        raise ReviewError([Problem("data/answers.csv", row["row"], column, "", str(error),
                                   "mend the template or the table it reads")]) from None
    if len(filled) > TOO_LONG:
        raise ReviewError([Problem("data/answers.csv", row["row"], column, "",
                                   f"has {len(filled):,} signs, {TOO_LONG:,} are allowed",
                                   "mend the template or the table it reads")])
    count = len(WORD.findall(VALUE.sub("1", CITATION.sub("", str(template)))))
    if longest and count > longest:
        raise ReviewError([Problem("data/answers.csv", row["row"], column, filled,
                                   f"has {count} words", f"say it in {longest}")])
    return filled


def with_answer(readme: str, answer: str, review: Review) -> str:
    """The README with its answer block replaced; unchanged when it has no such block.

    Raises
    ------
    ReviewError
        When a mark of the block is missing, stands twice or in the wrong order: what lies between
        two marks is replaced, and that must not be anything else.
    """
    problem = _mark_problem(readme)
    if problem:
        raise ReviewError([problem])
    cited = with_citations(answer, review.bibliography.cite) or NO_ANSWER
    block = "\n".join([BEGIN, cited, END])
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    return pattern.sub(lambda _: block, readme)


def _mark_problem(readme: str) -> Problem | None:
    """What is wrong with the marks around the answer; nothing where there is no mark, or a pair."""
    marks = [(line, mark) for line, text in enumerate(readme.split("\n"), 1)
             for mark in re.findall(f"{re.escape(BEGIN)}|{re.escape(END)}", text)]
    if [mark for _, mark in marks] in ([], [BEGIN, END]):
        return None
    for place, (line, mark) in enumerate(marks):
        before = place and marks[place - 1][1]
        if mark == before or place > 1:
            return Problem("README.md", line, "", mark, "stands twice", "delete one of the two")
        if mark == END and before != BEGIN:
            return Problem("README.md", line, "", mark, f"has no mark {BEGIN} before it",
                           "write that mark above the answer, or delete this one")
    line, mark = marks[-1]
    return Problem("README.md", line, "", mark, f"has no mark {END} after it",
                   "write that mark below the answer, or delete this one")


def updated_readme(path: Path, answer: str, review: Review) -> str | None:
    """Text of the README with the answer of today; None when there is no README.

    Raises
    ------
    ReviewError
        When the README is not UTF-8 text, or its marks do not fit.
    """
    if not path.exists():
        return None
    text = decoded(read_bytes(path), path.name).replace("\r\n", "\n")
    return with_answer(text, answer, review)
