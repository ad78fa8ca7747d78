"""All that a build would stumble over, found without drawing, running or writing anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any

import evidence.chapters  # noqa: F401  (registers its figures and facts)
from evidence.figures import Spec, catalogue
from evidence.review import Problem, Review, ReviewError
from evidence.wording import Facts, MissingValueError, answers, fill


def stumbles(review: Review, analyses: Mapping[str, Any]) -> list[Problem]:
    """Problems of figures.csv and answers.csv: kinds, ids and what their templates name.

    Parameters
    ----------
    review : Review
    analyses : mapping
        Results of `evidence.pooling.run_analyses`.
    """
    facts = Facts(review, analyses)
    problems: list[Problem] = []
    for name, spec in catalogue.specs(review).items():
        try:
            catalogue.build(review, analyses, name)
        except ReviewError as error:
            problems += error.problems
            problems += _templates(spec, facts, {problem.column for problem in error.problems})
    for audience in answers.audiences(review):
        try:
            answers.lines(review, facts, audience)
        except ReviewError as error:
            problems += error.problems
    return problems


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
