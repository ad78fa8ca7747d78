"""The state of a review: what is unverified, unusable, waiting or old, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pandas as pd

from evidence.appraisal import (
    AGAIN,
    HIGH,
    NO_ERROR,
    WITHIN,
    census,
    certainty_table,
    disagreements,
    judgements,
    rating_disagreements,
    root_people,
    unpooled,
    waiting,
)
from evidence.review import BIBLIOGRAPHY, LEVELS, Review
from evidence.wording import plural

ACTIONS = 3


def reference_remarks(review: Review) -> list[str]:
    """What the checks remark on references, one line each."""
    return [str(warning) for warning in review.warnings if warning.file == BIBLIOGRAPHY]


def review_status(review: Review, analyses: Mapping[str, Any]) -> list[str]:
    """The state of a review as lines of text; the last ones are the most useful next actions."""
    return [
        *_values(review), "", *_unused(review, analyses), "", *_registered(review), "",
        *_age(review), *_remarks(review), "", "Next:",
        *(f"  {number}. {words}" for number, words in enumerate(actions(review, analyses), 1)),
    ]  # fmt: skip


def actions(review: Review, analyses: Mapping[str, Any], count: int = ACTIONS) -> list[str]:
    """What would help most, first things first.

    Judgements that the data have overtaken come first, then the methods of pooled results that
    could not be judged (by weight), trials without a usable number (by people), registered trials
    (by planned people) and unverified rows; one of each kind before a second of any.
    """
    kinds = [
        _judge_again(review, analyses), _read_methods(review, analyses),
        _read_results(review, analyses), _look_for_results(review), _verify(review),
    ]  # fmt: skip
    found: list[str] = []
    while len(found) < count:
        turn = [words for words in (next(kind, None) for kind in kinds) if words]
        if not turn:
            break
        found += turn
    return found[:count] or ["nothing is waiting"]


def _values(review: Review) -> Iterator[str]:
    counts = census(review).values  # noqa: PD011
    yield "Values by verification level:"
    for name, row in counts.iterrows():
        yield f"  {name}: " + ", ".join(f"{int(row[level])} {level}" for level in LEVELS)
    totals = counts.sum()
    yield "  all: " + ", ".join(f"{int(totals[level])} {level}" for level in LEVELS)


def _unused(review: Review, analyses: Mapping[str, Any]) -> Iterator[str]:
    table = unpooled(review, analyses)
    noun = plural(len(table), "placebo-controlled record")
    yield f"{len(table)} {noun} with results in no analysis:"
    for row in table.itertuples():
        yield f"  {row.study}: {row.reason}"
    known = root_people(review)
    used = {row.study for item in analyses.values() for row in item.studies}
    known = known[known["has_results"].astype(bool) & ~known["placebo"].astype(bool)]
    others = len(known.index.difference(list(used)))
    yield (f"  and {others} {plural(others, 'study', 'studies')} without a randomised placebo, "
           "left out of every pool")


def _registered(review: Review) -> Iterator[str]:
    table = waiting(review)
    yield f"{len(table)} registered {plural(len(table), 'study', 'studies')} without results:"
    for row in table.itertuples():
        planned = "" if pd.isna(row.n_planned) else f", {row.n_planned} planned"
        number = "no number" if pd.isna(row.registry_id) else row.registry_id
        yield f"  {row.study}: {row.condition}, {number}, {row.status}{planned}"
    words = review.item("completion_dates")
    if len(table) and words:
        yield f"  Completion dates: {words[0].lower()}{words[1:]}"


def _age(review: Review) -> Iterator[str]:
    stated = review.item("data_date")
    try:
        days = (date.today() - date.fromisoformat(stated)).days
    except ValueError:
        yield "Age of the data: review.csv names no data_date"
        return
    if days >= 0:
        yield f"Age of the data: {days} {plural(days, 'day')} ({stated})"
    else:
        yield f"Age of the data: dated in the future ({stated})"


def _remarks(review: Review) -> Iterator[str]:
    """Remarks on the tables; of those on references the number, unless they are all there is."""
    own = [warning for warning in review.warnings if warning.file != BIBLIOGRAPHY]
    count = len(review.warnings)
    yield f"{count} {plural(count, 'remark')} on tables and references" + (":" if count else "")
    yield from (f"  {warning}" for warning in own)
    if count > len(own):
        yield f"  {count - len(own)} on {BIBLIOGRAPHY}: evidence status --references"


def _judge_again(review: Review, analyses: Mapping[str, Any]) -> Iterator[str]:
    for problem in [*disagreements(review), *rating_disagreements(review, analyses)]:
        yield f"Mend {problem}"
    table = certainty_table(review, analyses)
    if len(table):
        for label in table.loc[table["certainty"] == AGAIN, "label"]:
            yield f"Judge the certainty again, its trials have changed: {label}"


def _read_methods(review: Review, analyses: Mapping[str, Any]) -> Iterator[str]:
    table = judgements(review)
    unread = table[(table["domain"] == "overall") & (table["judgement"] == HIGH)
                   & table["unread"].astype(bool)]
    weights: dict[str, float] = {}
    for item in analyses.values():
        for row in item.studies:
            weights[row.outcome_id] = max(weights.get(row.outcome_id, 0), row.n or 0)
    for row in sorted(unread.itertuples(), key=lambda row: -weights.get(row.outcome_id, 0)):
        yield f"Read the methods of {row.study}: its risk of bias is high for want of information"


def _read_results(review: Review, analyses: Mapping[str, Any]) -> Iterator[str]:
    table = unpooled(review, analyses)
    table = table[table["reason"].isin((NO_ERROR, WITHIN))].join(root_people(review), on="study")
    for row in table.sort_values("people", ascending=False, na_position="last").itertuples():
        people = "" if pd.isna(row.people) else f" ({row.people} people)"
        yield f"Find the tables of {row.study}{people}: {row.reason}"


def _look_for_results(review: Review) -> Iterator[str]:
    table = waiting(review)
    for row in table.sort_values("n_planned", ascending=False, na_position="last").itertuples():
        if not pd.isna(row.n_planned):
            yield (f"Look for results of {row.study} ({row.registry_id}, {row.n_planned} planned, "
                   f"{row.status})")


def _verify(review: Review) -> Iterator[str]:
    values = census(review).values  # noqa: PD011
    if len(values):
        for name, count in values["unverified"].sort_values(ascending=False).items():
            if count:
                yield f"Verify {count} unverified {plural(count, 'row')} of {name}"
