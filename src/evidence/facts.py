"""What a sentence may refer to: rows of the tables by their ids, analyses, and a census."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from evidence.review.review import Review
from evidence.review.studies import (
    LABORATORY,
    LEVELS,
    _true,
    counts_own,
    people,
    primary_studies,
    with_results,
)


class Row:
    """One row of a table; its cells are attributes."""

    __slots__ = ("_cells",)

    def __init__(self, cells: Mapping[str, Any]):
        self._cells = cells

    def __getattr__(self, name: str) -> Any:
        try:
            return self._cells[name]
        except KeyError:
            raise AttributeError(f"no column '{name}'") from None


class Records(Mapping[str, Row]):
    """A table whose rows are reached by their key."""

    def __init__(self, table: pd.DataFrame, key: str):
        self._rows = {str(row[key]): Row(row.to_dict()) for _, row in table.iterrows()}

    def __getitem__(self, key: str) -> Row:
        return self._rows[key]

    def __iter__(self):
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


@dataclass(frozen=True, slots=True)
class Census:
    """The size and the state of the evidence.

    Attributes
    ----------
    records : int
        Rows of studies.csv.
    studies : int
        Primary studies: records that are neither reviews nor labels.
    randomised, placebo_controlled : int
        Randomised trials with results, and those of them with a placebo.
    participants, placebo_participants : int
        People in primary studies and in randomised placebo-controlled trials with results,
        counted once (see `evidence.review.studies`): people analysed where that is known, else
        people randomised.
    values : DataFrame
        Rows by table and verification level.
    unverified_fields : int
        References with a field that nobody has checked.
    """

    records: int
    studies: int
    randomised: int
    placebo_controlled: int
    participants: int
    placebo_participants: int
    values: pd.DataFrame
    unverified_fields: int

    @property
    def total_values(self) -> int:
        return int(self.values.to_numpy().sum())

    @property
    def level(self) -> Row:
        """Rows by verification level over all tables."""
        return Row({name: int(count) for name, count in self.values.sum().items()})


def census(review: Review) -> Census:
    """Count studies, people and values of a review."""
    studies = review.table("studies")
    primary = primary_studies(studies)
    trials = with_results(primary)
    trials = trials[_true(trials, "randomised")]
    placebo = trials[_true(trials, "placebo_controlled")]
    values = {}
    for name in review.tables:
        table = review.table(name)
        if "verification" in table and not name.startswith("bias"):
            counts = table["verification"].value_counts()
            values[name] = [int(counts.get(level, 0)) for level in LEVELS]
    return Census(
        len(studies), len(primary), int(counts_own(trials).sum()),
        int(counts_own(placebo).sum()),
        int(people(primary).sum()), int(people(placebo).sum()),
        pd.DataFrame.from_dict(values, orient="index", columns=list(LEVELS)),
        sum(bool(review.bibliography[key].unverified) for key in review.bibliography),
    )


def controlled_markers(markers: pd.DataFrame) -> pd.DataFrame:
    """Rows of biomarkers.csv with a readable result against a concurrent control."""
    keep = _true(markers, "controlled") & _true(markers, "result_available")
    return markers[keep]


Makers = Mapping[str, Callable[[], Any]]
_OFFERS: list[Callable[[Review, Mapping[str, Any]], Makers]] = []


def offers(function: Callable[[Review, Mapping[str, Any]], Makers]):
    """Register what a room can tell: `function` takes review and analyses and returns what makes
    each fact, by its name. Use as a decorator."""
    _OFFERS.append(function)
    return function


class Facts(Mapping[str, Any]):
    """Everything a template may name, read when it is named.

    Each table with a one-column key gives its rows by id; besides there are ``review`` (items of
    review.csv), ``intervention`` and ``control`` (labels), ``analyses`` (syntheses by id) and what
    other rooms offer (see `offers`), such as ``census`` and ``rated``.

    Parameters
    ----------
    review : Review
    analyses : mapping
        Results of `evidence.analysis.run_analyses`, or `evidence.analysis.Analyses`.
    without : iterable of str
        Offered facts that cannot be named.
    """

    def __init__(self, review: Review, analyses: Mapping[str, Any], without: Iterable[str] = ()):
        keys = {name: review.dictionary.primary_key(name) for name in review.tables}
        self._makers: dict[str, Callable[[], Any]] = {
            name: partial(_records, review, name, key[0])
            for name, key in keys.items() if len(key) == 1
        }
        self._makers |= {
            "review": lambda: Row(review.labels("review", "item", "value")),
            "intervention": lambda: review.intervention,
            "control": lambda: review.control,
            "analyses": lambda: {name: run.synthesis for name, run in analyses.items()},
        }
        for offer in _OFFERS:
            self._makers |= offer(review, analyses)
        for name in without:
            self._makers.pop(name, None)
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


def _records(review: Review, name: str, key: str) -> Records:
    return Records(review.table(name), key)


MARKER_COUNTS = {  # controlled, result_available; None: either
    "n_markers": (None, None), "n_markers_read": (None, True),
    "n_markers_controlled": (True, True), "n_markers_unread": (True, False),
}


def _count_markers(review: Review, controlled: bool | None, readable: bool | None) -> int:
    markers = _laboratory(review)
    keep = pd.Series(True, markers.index)
    for column, wanted in (("controlled", controlled), ("result_available", readable)):
        if wanted is not None:
            keep &= _true(markers, column) == wanted
    return int(keep.sum())


def _laboratory(review: Review) -> pd.DataFrame:
    markers = review.table("biomarkers")
    if "marker_class" not in markers:
        return markers.iloc[:0]
    return markers[markers["marker_class"].isin(LABORATORY)]


@offers
def offer_markers(review: Review, analyses: Mapping[str, Any]) -> Makers:
    """Four counts of laboratory markers of inflammation: ``n_markers``, ``n_markers_read`` (with a
    readable result), ``n_markers_controlled`` (with a readable result against a control),
    ``n_markers_unread`` (planned or measured with a control, no result could be read)."""
    if "biomarkers" not in review.tables:
        return {}
    return {name: partial(_count_markers, review, *flags) for name, flags in MARKER_COUNTS.items()}


@offers
def offer_census(review: Review, analyses: Mapping[str, Any]) -> Makers:
    """``census``: the size and the state of the evidence."""
    return {"census": lambda: census(review)}


PICO = {
    "question": "Question", "population": "Population", "intervention": "Intervention",
    "control": "Comparison", "outcomes": "Outcomes",
}


def pico(review: Review) -> pd.DataFrame:
    """The question taken apart: population, intervention, comparison, outcomes."""
    rows = [(title, review.item(item)) for item, title in PICO.items() if review.item(item)]
    return pd.DataFrame(rows, columns=["Part", "In this review"])


def remarks(review: Review) -> pd.DataFrame:
    """What the checks remark on the tables (references aside).

    Returns
    -------
    DataFrame
        Columns file, row (its id where the table has one), column, value, remark.
    """
    paths = {f"data/{table['path']}": name for name, table in review.dictionary.tables.items()}
    found = []
    for problem in review.warnings:
        if problem.file in paths:
            name = paths[problem.file]
            key = review.dictionary.primary_key(name)
            frame = review.table(name)
            row = (frame.loc[problem.row - 2, key[0]]
                   if len(key) == 1 and problem.row and problem.row - 2 in frame.index
                   else problem.row)
            found.append([problem.file, row, problem.column, problem.value, problem.rule])
    return pd.DataFrame(found, columns=["file", "row", "column", "value", "remark"])


def awaiting(review: Review) -> pd.DataFrame:
    """What awaits review: unverified values, unread fields, missing identifiers, trials to come."""
    studies = review.table("studies")
    values = census(review)
    rules = [warning.rule for warning in review.warnings]
    rows = [
        ("Tabulated rows nobody has verified", values.level.unverified),
        ("References with a field nobody has checked", values.unverified_fields),
        ("References without doi, PubMed id, registration or address",
         sum("doi" in rule for rule in rules)),
    ]
    if "status" in studies:
        rows.append(("Registered studies without results",
                     int((studies["status"] != "published").sum())))
    return pd.DataFrame(rows, columns=["Awaiting review", "Number"])
