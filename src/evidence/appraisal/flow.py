"""How the records that a review knows become the trials that it pools, and where they leave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from evidence.appraisal.gaps import STATUS_WORDS, compared
from evidence.pooling import analysis_rows
from evidence.review import (
    Review,
    counts_own,
    design,
    is_placebo_trial,
    is_true,
    noted,
    primary_studies,
    with_results,
)

NO_ROW = "no outcome in the tables"
WITHIN = "only changes within an arm"
UNVERIFIED = "only unverified numbers"
NO_ERROR = "no usable error or counts"
UNUSED = "usable, but in no analysis"


@dataclass(frozen=True, slots=True)
class Step:
    """Records left at one step, and how many left before the next, by reason."""

    label: str
    studies: tuple[str, ...]
    left_out: tuple[tuple[str, int], ...]
    counted: int | None = None

    @property
    def n(self) -> int:
        """Records of this step: those named, or those counted where nobody names them."""
        return len(self.studies) if self.counted is None else self.counted


SEARCH = (  # step of search_flow.csv, words, the step that says what leaves after it
    ("identified", "Records identified", "removed"),
    ("screened", "Records screened", "excluded"),
    ("assessed", "Full texts assessed", "excluded_full_text"),
)


def search_steps(review: Review) -> tuple[Step, ...]:
    """The steps before the records of studies.csv, where search_flow.csv counts them."""
    table = review.table("search_flow")
    if table.empty:
        return ()
    steps = []
    for code, words, leaving in SEARCH:
        here, left = (table[table["step"] == name] for name in (code, leaving))
        if here.empty:
            continue
        sources, reasons = (
            tuple((str(what), int(n)) for what, n in zip(rows["what"], rows["n"], strict=True))
            for rows in (here, left)
        )
        named = "; ".join(f"{what} {n}" for what, n in sources)
        label = words + f" ({named})" * (len(sources) > 1)
        steps.append(Step(label, (), reasons, int(here["n"].sum())))
    return tuple(steps)


def study_flow(review: Review, analyses: Mapping[str, Any]) -> tuple[Step, ...]:
    """Steps from all records of studies.csv to the trials of the analyses.

    The numbers leaving a step and those of the next step add up to the step.
    """
    studies = review.table("studies").set_index("study", drop=False)
    primary = primary_studies(studies)
    used = [row.study for pool in analyses.values() for row in pool.studies]
    results = primary[primary.index.isin(with_results(primary).index) | primary.index.isin(used)]
    mask, words = compared(review, used)
    placebo = results[mask[results.index]]
    own = placebo[counts_own(placebo)]
    reasons = _reasons(review, used, own)
    pooled = own[~own.index.isin(reasons["study"])]
    status = primary.get("status", pd.Series("published", primary.index)).map(
        lambda code: STATUS_WORDS.get(code, str(code))
    )
    return (
        Step("Records that this review knows", tuple(studies.index), _counts(
            design(code).words for code in studies.drop(primary.index).get("design", ())
        )),
        Step("Primary studies", tuple(primary.index), _counts(
            status.drop(results.index)
        )),
        Step("Primary studies with results", tuple(results.index), _counts(
            _not_placebo(row) for row in results.drop(placebo.index).to_dict("records")
        )),
        Step(f"Reports of {words}", tuple(placebo.index), _counts(
            "further report of a trial counted already" for _ in placebo.index.drop(own.index)
        )),
        Step(f"{words[:1].upper()}{words[1:]}", tuple(own.index), _counts(
            reasons.loc[reasons["study"].isin(own.index), "reason"]
        )),
        Step(f"{words.split()[-1].capitalize()} in at least one analysis", tuple(pooled.index), ()),
    )  # fmt: skip


@noted
def unpooled(review: Review, analyses: Mapping[str, Any]) -> pd.DataFrame:
    """Randomised placebo-controlled trials with results that no analysis uses, and why.

    Returns
    -------
    DataFrame
        Columns study, reason (one of the constants of this module).
    """
    studies = with_results(primary_studies(review.table("studies")))
    studies = studies[is_placebo_trial(studies)]
    used = [row.study for item in analyses.values() for row in item.studies]
    return _reasons(review, used, studies)


def _reasons(review: Review, used: Iterable[str], studies: pd.DataFrame) -> pd.DataFrame:
    """Why those of `studies` that no analysis uses are in none."""
    rows, used = analysis_rows(review), set(used)
    found = [
        (study, _reason(rows[(rows["study"] == study) & _is_outcome(review, rows)]))
        for study in studies["study"] if study not in used
    ]
    return pd.DataFrame(found, columns=["study", "reason"])


def _is_outcome(review: Review, rows: pd.DataFrame) -> pd.Series:
    return rows["outcome_id"].isin(review.table("outcomes")["outcome_id"])


def _reason(rows: pd.DataFrame) -> str:
    if rows.empty:
        return NO_ROW
    between = _other_than(rows, "contrast", "within_arm")
    if between.empty:
        return WITHIN
    verified = _other_than(between, "verification", "unverified")
    if verified.empty:
        return UNVERIFIED
    return UNUSED if is_true(verified, "poolable").any() else NO_ERROR


def _not_placebo(row: Mapping[str, Any]) -> str:
    randomised = row.get("randomised")
    if pd.notna(randomised) and randomised:
        return "randomised, no placebo"
    if "randomised" in row and pd.isna(randomised):
        return "randomisation not stated"
    return design(row.get("design")).words


def _other_than(rows: pd.DataFrame, column: str, value: str) -> pd.DataFrame:
    return rows[rows[column] != value] if column in rows else rows


def _counts(reasons) -> tuple[tuple[str, int], ...]:
    counted = pd.Series(list(reasons), dtype=object).value_counts()
    order = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return tuple((str(reason), int(count)) for reason, count in order)
