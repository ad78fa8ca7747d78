"""The review of this repository with its results and figures, each made once in a process."""

from dataclasses import replace
from functools import cache

import evidence.chapters  # noqa: F401  (registers its figures and facts)
from conftest import REPOSITORY
from evidence.figures import catalogue
from evidence.pooling import Analyses
from evidence.review import load_review
from evidence.review.review import Tables

REVIEW = load_review(REPOSITORY)
ANALYSES = Analyses(REVIEW)  # worked out when one is asked for
NAMES = list(catalogue.specs(REVIEW))


@cache
def built(name):
    """A figure of the catalogue."""
    return catalogue.build(REVIEW, ANALYSES, name)


@cache
def page(name, style="slide"):
    """The first page of a figure, to look at and not to change."""
    return built(name).figure(style)


def with_tables(review, **tables):
    """A review with other tables in place of some; what was made of the rest stays as it is."""
    changed = Tables({**review.tables, **tables})
    changed.made |= {key: made for key, made in review.tables.made.items()
                     if not made[1].all & set(tables)}
    return replace(review, tables=changed)
