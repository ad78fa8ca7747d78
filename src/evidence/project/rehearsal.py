"""What a build will need beyond sound tables, tried without writing: figures, answers, README."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from string import Formatter
from typing import Any

import evidence.chapters  # noqa: F401  (registers its figures and facts)
from evidence.figures import Spec, catalogue
from evidence.project.runner import read_notebook
from evidence.review import Problem, Review, ReviewError
from evidence.storage import notebook_paths
from evidence.wording import Facts, MissingValueError, answers, fill


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
    facts = Facts(review, analyses)
    for spec in catalogue.specs(review).values():
        yield lambda spec=spec: _figure(review, analyses, spec, facts)
    for audience in answers.audiences(review):
        yield lambda audience=audience: answers.text(review, facts, audience)
    yield lambda: answers.updated_readme(review.root / "README.md", "", review)
    for path in notebook_paths(review.root):
        yield lambda path=path: read_notebook(path)


def _figure(review: Review, analyses: Mapping[str, Any], spec: Spec, facts: Facts) -> None:
    """Draw one figure; of one that cannot be made, the templates are tried by themselves."""
    try:
        catalogue.build(review, analyses, spec.name).figures()
    except ReviewError as error:
        known = {problem.column for problem in error.problems}
        raise ReviewError([*error.problems, *_templates(spec, facts, known)]) from None


def _templates(spec: Spec, facts: Facts, known: set[str]) -> Iterator[Problem]:
    """Mistakes in the templates of a figure that cannot be made, as far as they can be told."""
    for column in ("message", "subtitle", "caption"):
        text = getattr(spec, column)
        if column in known:
            continue
        try:
            fields = [field for _, field, _, _ in Formatter().parse(text) if field]
        except ValueError:
            fields = []
        for field in fields:
            if field.split(".")[0].split("[")[0] not in facts:
                continue  # a fact of the kind of figure, or of none
            try:
                fill(f"{{{field}}}", facts)
            except MissingValueError as error:
                yield Problem("data/figures.csv", spec.row, column, f"{{{field}}}", str(error),
                              "mend the template or the table it reads")
