"""Census."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from evidence.review import (
    LEVELS,
    Review,
    counts_own,
    is_true,
    made_once,
    people,
    primary_studies,
    roots,
    warnings_of,
    with_results,
)
from evidence.wording import Makers, Row, offers


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
    not_stated : int
        Studies with results against a placebo that do not say whether people were randomised: they
        count as neither.
    without_contrast : int
        Randomised placebo-controlled trials with results of which no number (effect, p value or
        counts) for a comparison of the randomised groups could be read.
    unknown : int
        Primary studies of whose people nobody says how many they are.
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
    not_stated: int
    without_contrast: int
    unknown: int
    participants: int
    placebo_participants: int
    values: pd.DataFrame
    unverified_fields: int

    @property
    def total_values(self) -> int:
        return int(self.values.to_numpy().sum())

    @property
    def people(self) -> str:
        """People in primary studies, in words that hold where some or all counts are unknown."""
        if self.unknown and not self.participants:
            return "an unknown number of people"
        least = "at least " if self.unknown else ""
        return f"{least}{self.participants:,} people"

    @property
    def level(self) -> Row:
        """Rows by verification level over all tables."""
        return Row({name: int(count) for name, count in self.values.sum().items()})


@made_once
def census(review: Review) -> Census:
    """Count studies, people and values of a review."""
    studies = review.table("studies")
    primary = primary_studies(studies)
    trials = with_results(primary)
    unstated = trials[is_true(trials, "placebo_controlled") & _empty(trials, "randomised")]
    trials = trials[is_true(trials, "randomised")]
    placebo = trials[is_true(trials, "placebo_controlled")]
    values = {}
    for name in review.tables:
        table = review.table(name)
        if "verification" in table and not name.startswith("bias"):
            counts = table["verification"].value_counts()
            values[name] = [int(counts.get(level, 0)) for level in LEVELS]
    return Census(
        len(studies), len(primary), int(counts_own(trials).sum()),
        int(counts_own(placebo).sum()), int(counts_own(unstated).sum()),
        int((~roots(placebo).isin(_compared(review))).groupby(roots(placebo)).all().sum()),
        int(people(primary).isna().sum()), int(people(primary).sum()),
        int(people(placebo).sum()),
        pd.DataFrame.from_dict(values, orient="index", columns=list(LEVELS)),
        sum(bool(review.bibliography[key].unverified) for key in review.bibliography),
    )


def _empty(table: pd.DataFrame, column: str) -> pd.Series:
    return table[column].isna() if column in table else pd.Series(False, index=table.index)


def _compared(review: Review) -> set[str]:
    """Studies with a number for a comparison of groups in outcomes.csv that somebody verified."""
    outcomes = review.table("outcomes")
    if outcomes.empty:
        return set()
    keep = pd.Series(True, outcomes.index)
    for column, value in (("contrast", "within_arm"), ("verification", "unverified")):
        if column in outcomes:
            keep &= outcomes[column] != value
    counts = outcomes.reindex(columns=["intervention_events", "control_events"]).notna().all(axis=1)
    numbers = outcomes.reindex(columns=["effect", "p_value"]).notna().any(axis=1) | counts
    return set(outcomes.loc[keep & numbers, "study"])


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


@made_once
def remarks(review: Review) -> pd.DataFrame:
    """What the checks remark on the tables (references aside).

    Returns
    -------
    DataFrame
        Columns file, row (its id where the table has one), column, value, remark.
    """
    paths = {f"data/{table['path']}": name for name, table in review.dictionary.tables.items()}
    found = []
    for problem in warnings_of(review):
        if problem.file in paths:
            name = paths[problem.file]
            key = review.dictionary.primary_key(name)
            frame = review.table(name)
            row = (frame.loc[problem.row - 2, key[0]]
                   if len(key) == 1 and problem.row and problem.row - 2 in frame.index
                   else problem.row)
            found.append([problem.file, row, problem.column, problem.value, problem.rule])
    return pd.DataFrame(found, columns=["file", "row", "column", "value", "remark"])


@made_once
def awaiting(review: Review) -> pd.DataFrame:
    """What awaits review: unverified values, unread fields, missing identifiers, trials to come."""
    studies = review.table("studies")
    values = census(review)
    rules = [warning.rule for warning in warnings_of(review)]
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
