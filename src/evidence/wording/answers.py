"""The answer in a few lines: the same numbers in the words of each audience.

``data/answers.csv`` has one row per line and one column per audience; each cell is a template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evidence.review import Problem, Review, ReviewError, decoded, with_citations
from evidence.wording.prose import MissingValueError, fill, harmless

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
    done = []
    for index, template in table[audience].dropna().items():
        try:
            done.append(fill(template, facts))
        except MissingValueError as error:
            raise ReviewError([Problem("data/answers.csv", int(index) + 2, audience, "", str(error),
                                       "mend the template or the table it reads")]) from None
    return done


def with_answer(readme: str, answer: list[str], review: Review) -> str:
    """The README with its answer block replaced; unchanged when it has no such block."""
    cited = [with_citations(harmless(line), review.bibliography.cite) for line in answer]
    numbered = [f"{number}. {line}" for number, line in enumerate(cited, 1)] or [NO_ANSWER]
    block = "\n".join([BEGIN, *numbered, END])
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    return pattern.sub(lambda _: block, readme)


def updated_readme(path: Path, answer: list[str], review: Review) -> str | None:
    """Text of the README with the answer of today; None when there is no README.

    Raises
    ------
    ReviewError
        When the README is not UTF-8 text.
    """
    if not path.exists():
        return None
    text = decoded(path.read_bytes(), path.name).replace("\r\n", "\n")
    return with_answer(text, answer, review)
