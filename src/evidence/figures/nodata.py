"""What a figure needs and a review does not have, in words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from matplotlib.figure import Figure

from evidence.figures import page
from evidence.review.problems import NoDataError
from evidence.review.review import Review
from evidence.wording.prose import joined, plural

TITLE = "No data for this figure"


def require(review: Review, tables: Iterable[str]) -> None:
    """Raise NoDataError when the review lacks one of `tables`, or one of them has no row."""
    lacking = [f"data/{name}.csv" for name in tables if review.table(name).empty]
    if lacking:
        raise NoDataError(f"the review has no rows in {joined(lacking)}")


def missing_columns(review: Review, error: KeyError) -> str:
    """Columns that a failed look-up asked for and that the tables do not have, as a sentence.

    Empty when the error names no column of the data dictionary that is absent: then it is about
    something else.
    """
    asked = set(re.findall(r"\w+", str(error)))
    lacking = [
        f"{column} in data/{name}.csv"
        for name in review.dictionary.tables if name in review.tables
        for column in review.dictionary.fields(name)
        if column in asked and column not in review.tables[name]
    ]
    noun = plural(len(lacking), "column")
    return f"the review has no {noun} {joined(lacking)}" if lacking else ""


def draw(figure: Figure) -> None:
    """Write that there is nothing to draw, in the middle of the page."""
    left, bottom, width, height = page.BODY
    figure.text(left + width / 2, bottom + height / 2, "No data", size=32, color=page.GREY,
                ha="center", va="center")
