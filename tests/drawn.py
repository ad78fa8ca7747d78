"""The review of this repository with its results and figures, each made once in a process."""

from functools import cache

import evidence.chapters  # noqa: F401  (registers its figures and facts)
from conftest import REPOSITORY
from evidence.figures import catalogue
from evidence.pooling import Analyses
from evidence.review import load_review

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
