"""What a build will need beyond sound tables, tried without writing: figures, answers, README."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import evidence.chapters  # noqa: F401  (registers its figures and facts)
from evidence.figures import catalogue
from evidence.project.runner import read_notebook
from evidence.review import Problem, Review, ReviewError
from evidence.storage import notebook_paths
from evidence.wording import Facts, answers


def rehearse(review: Review, analyses: Mapping[str, Any]) -> None:
    """Compute and draw every figure, fill every template, read README and notebooks.

    Raises
    ------
    ReviewError
        With all that would stop a build, except what a cell of a notebook does when it runs.
    """
    problems: dict[Problem, None] = {}
    for step in _steps(review, analyses):
        try:
            step()
        except ReviewError as error:
            problems |= dict.fromkeys(error.problems)
    if problems:
        raise ReviewError(problems)


def _steps(review: Review, analyses: Mapping[str, Any]) -> Iterator[Callable[[], object]]:
    for name in catalogue.specs(review):
        yield lambda name=name: catalogue.build(review, analyses, name).figure()
    facts = Facts(review, analyses)
    for audience in answers.audiences(review):
        yield lambda audience=audience: answers.lines(review, facts, audience)
    yield lambda: answers.updated_readme(review.root / "README.md", [], review)
    for path in notebook_paths(review.root):
        yield lambda path=path: read_notebook(path)

