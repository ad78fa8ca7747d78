"""What a figure needs and a review does not have, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from matplotlib.figure import Figure

from evidence.figures import page
from evidence.review import NoDataError, Review
from evidence.wording import joined, plural

TITLE = "No data for this figure"


def require(review: Review, tables: Iterable[str]) -> None:
    """Raise NoDataError when the review lacks one of `tables`, or one of them has no row."""
    lacking = [f"data/{name}.csv" for name in tables if review.table(name).empty]
    if lacking:
        raise NoDataError(f"the review has no rows in {joined(lacking)}")


def require_columns(review: Review, columns: Mapping[str, str]) -> None:
    """Raise NoDataError when a table that the review holds lacks one of its `columns`."""
    lacking = {
        name: [column for column in wanted.split() if column not in review.tables[name]]
        for name, wanted in columns.items() if name in review.tables
    }
    said = [f"{plural(len(names), 'column')} {_few(names)} in data/{table}.csv"
            for table, names in lacking.items() if names]
    if said:
        raise NoDataError(f"the review has no {joined(said)}")


def _few(names: list[str], most: int = 3) -> str:
    """The first of some names, and how many more there are."""
    more = len(names) - most
    return joined([*names[:most], f"{more} more"] if more > 1 else names)


def draw(figure: Figure) -> None:
    """Write that there is nothing to draw, in the middle of the page."""
    left, bottom, width, height = page.BODY
    figure.text(left + width / 2, bottom + height / 2, "No data", size=32, color=page.GREY,
                ha="center", va="center")
