"""The answer in a few lines: the same numbers in the words of each audience.

``data/answers.csv`` has one row per line and one column per audience; each cell is a template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evidence.review import Problem, Review, ReviewError, decoded, with_citations
from evidence.storage import read_bytes
from evidence.wording.prose import MissingValueError, fill, harmless

LONGEST = 5000  # signs of one line
NO_ANSWER = "*No answer yet: data/answers.csv has no line.*"
BEGIN, END = "<!-- answer: begin -->", "<!-- answer: end -->"


def audiences(review: Review) -> list[str]:
    """Audiences that data/answers.csv has words for."""
    return [column for column in review.table("answers").columns if column != "line"]


def lines(review: Review, facts: Mapping[str, Any], audience: str) -> list[str]:
    """The lines for one audience, numbers filled in; empty cells are passed over.

    Raises
    ------
    ReviewError
        When the audience has no column, or a line asks for a value that is not there.
    """
    table = review.table("answers")
    if table.empty:
        return []
    if audience not in audiences(review):
        raise ReviewError([Problem("data/answers.csv", 1, audience, audience, "is no audience",
                                   f"choose one of {', '.join(audiences(review))}")])
    done, problems = [], []
    for index, template in table[audience].dropna().items():
        try:
            done.append(fill(template, facts))
            if len(done[-1]) > LONGEST:
                raise MissingValueError(f"has {len(done[-1]):,} signs, {LONGEST:,} are allowed")
        except MissingValueError as error:
            problems.append(Problem("data/answers.csv", int(index) + 2, audience, "", str(error),
                                    "mend the template or the table it reads"))
    if problems:
        raise ReviewError(problems)
    return done


def with_answer(readme: str, answer: list[str], review: Review) -> str:
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
    cited = [with_citations(harmless(line), review.bibliography.cite) for line in answer]
    numbered = [f"{number}. {line}" for number, line in enumerate(cited, 1)] or [NO_ANSWER]
    block = "\n".join([BEGIN, *numbered, END])
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


def updated_readme(path: Path, answer: list[str], review: Review) -> str | None:
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
