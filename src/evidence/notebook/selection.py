"""Choosing studies and results of a review: what the exploring notebook's controls ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from evidence.appraisal import summary_of_findings
from evidence.pooling import analysis_rows
from evidence.review import (
    LEVELS,
    Review,
    design,
    is_true,
    made_once,
    people,
    primary_studies,
    with_results,
    word,
)
from evidence.wording import interval, p_value, plural, signed

NOT_STATED = "not stated"
ANALYSED = {"itt": "everybody randomised", "complete_case": "complete cases",
            "per_protocol": "per protocol", "unknown": "people analysed not stated"}
MEASURED = ("mean_difference", "standardised_mean_difference", "median_difference",
            "percent_change", "percent_point_difference")
READ = ("contrast", "domain", "instrument", "effect_measure", "effect", "verification")
SEPARATOR = " · "  # between the parts of a label
EVENTS = ("risk_ratio", "odds_ratio", "risk_difference")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which studies and results are wanted; an empty field asks for nothing.

    Attributes
    ----------
    conditions : tuple of str
        Groups of conditions, as `conditions` names them.
    designs : tuple of str
        Codes of designs.
    first_year, last_year : int or None
        Years of publication or registration, both included; a study without a year passes only
        when neither is given.
    placebo : bool or None
        True for studies with the control of the review, False for those without.
    verification : tuple of str
        Levels. A study passes when its own record or one of its results was read that way, and
        only such results are shown.
    """

    conditions: tuple[str, ...] = ()
    designs: tuple[str, ...] = ()
    first_year: int | None = None
    last_year: int | None = None
    placebo: bool | None = None
    verification: tuple[str, ...] = ()

    def words(self, review: Review) -> str:
        """The filter as a reader would say it; "everything" when it asks for nothing."""
        parts = [*self.conditions, *(design(code).short for code in self.designs)]
        if self.placebo is not None:
            parts.append(f"{review.control} only" if self.placebo else f"without {review.control}")
        if self.first_year or self.last_year:
            parts.append(f"{self.first_year or '…'} to {self.last_year or '…'}")
        parts += [f"{level} values" for level in self.verification]
        return "; ".join(parts) or "everything"


@made_once
def grouped(review: Review) -> pd.DataFrame:
    """Rows of studies.csv with ``group`` (of conditions) and ``year`` (Int64).

    Columns ``condition`` and ``design`` are there, empty when the review has none.
    """
    studies = _with(review.table("studies"), ("condition", "design"))
    mapping = review.labels("condition_groups", "condition", "condition_group")
    years = [review.bibliography[key].year for key in studies["study"]]
    return studies.assign(
        group=[mapping.get(code, code.replace("_", " "))
               for code in studies["condition"].astype("str").fillna(NOT_STATED)],
        year=pd.array([int(year) if year.isdigit() else None for year in years], dtype="Int64"),
    )


def conditions(review: Review) -> dict[str, str]:
    """Groups of conditions with, in words, how many studies and which conditions they hold."""
    studies = grouped(review)
    if "condition_label" not in studies:
        studies["condition_label"] = studies["condition"].astype("str").str.replace("_", " ")
    found = {}
    for group, block in studies.groupby("group"):
        labels = block.drop_duplicates("condition")["condition_label"].dropna()
        others = [label for label in labels if label != group]
        found[str(group)] = f"{group} ({len(block)})" + (f": {'; '.join(others)}" if others else "")
    return found


def choose(review: Review, wanted: Filter) -> pd.DataFrame:
    """Rows of studies.csv (with ``group`` and ``year``) that pass, the latest first."""
    studies = grouped(review)
    keep = pd.Series(True, index=studies.index)
    if wanted.conditions:
        keep &= studies["group"].isin(wanted.conditions)
    if wanted.designs:
        keep &= studies["design"].isin(wanted.designs)
    if wanted.placebo is not None:
        control = studies.get("placebo_controlled", pd.Series(False, studies.index))
        keep &= (control == wanted.placebo).fillna(False).astype(bool)
    if wanted.first_year:
        keep &= (studies["year"] >= wanted.first_year).fillna(False)
    if wanted.last_year:
        keep &= (studies["year"] <= wanted.last_year).fillna(False)
    if wanted.verification:
        outcomes = _with(review.table("outcomes"), ("verification",))
        read = set(outcomes.loc[outcomes["verification"].isin(wanted.verification), "study"])
        own = studies.get("verification", pd.Series("", studies.index))
        keep &= own.isin(wanted.verification) | studies["study"].isin(read)
    return studies[keep].sort_values("year", ascending=False, kind="stable", na_position="last")


def summary(review: Review, wanted: Filter) -> str:
    """How many studies pass, how many of them have results, and how many people they studied."""
    records = choose(review, wanted)
    studies = primary_studies(records)
    count, done = len(studies), len(with_results(studies))
    others = len(records) - count
    more = f" Besides: reviews and other records, {others}." if others else ""
    return (f"{count} primary {plural(count, 'study', 'studies')} ({wanted.words(review)}), {done} "
            f"with results; {int(people(studies).sum()):,} people where their number is known, "
            f"counted once.{more}")


def known(review: Review, analyses: Mapping[str, Any], wanted: Filter) -> list[str]:
    """What is known of each chosen condition: its first outcome of the Summary of Findings."""
    if not wanted.conditions:
        return []
    table = summary_of_findings(review, analyses)
    rows = table[table["condition_group"].isin(wanted.conditions)] if len(table) else table
    return [f"{row['outcome']}: {row['meaning']} Certainty: {row['certainty']}."
            for row in rows.drop_duplicates("condition_group").to_dict("records")]


def study_table(studies: pd.DataFrame) -> pd.DataFrame:
    """What a reader is shown of chosen studies; people that another study counts are left out."""
    table = pd.DataFrame({
        "study": studies["study"],
        "condition": studies.get("condition_label", studies["condition"]),
        "design": [design(code).words for code in studies["design"]],
        "people": people(studies).replace(0, pd.NA),
    })
    for column in ("comparator", "status", "conclusion", "verification"):
        if column in studies:
            table[column] = studies[column]
    return table.reset_index(drop=True)


def results(review: Review, wanted: Filter) -> pd.DataFrame:
    """Rows of `measurable` of the chosen studies without harms: compared and surest first."""
    rows = measurable(review)
    rows = rows[~rows["is_harm"] & rows["study"].isin(choose(review, wanted)["study"])]
    if wanted.verification:
        rows = rows[rows["verification"].isin(wanted.verification)]
    order = pd.DataFrame({
        "alone": rows["contrast"] == "within_arm",
        "level": rows["verification"].map({level: i for i, level in enumerate(LEVELS)}),
    })
    return rows.loc[order.sort_values(["alone", "level"], kind="stable").index]


def result_table(rows: pd.DataFrame) -> pd.DataFrame:
    """What a reader is shown of results: both arms, difference, p value, how it was read."""
    shown = rows.assign(
        effect=[_effect(row) for row in rows.to_dict("records")],
        effect_measure=rows["effect_measure"].where(rows["effect_measure"] != "none"),
    )
    if "p_value" in rows:
        shown["p_value"] = [p_value(p) if pd.notna(p) else pd.NA for p in rows["p_value"]]
    columns = (
        "study", "instrument", "week", "contrast", "intervention_n", "intervention_pct",
        "intervention_change", "control_n", "control_pct", "control_change", "effect_measure",
        "effect", "p_value", "verification",
    )  # fmt: skip
    table = shown[[name for name in columns if name in shown]].reset_index(drop=True)
    empty = [name for name in table if name != "study" and table[name].isna().all()]
    return table.drop(columns=empty).infer_objects()


def _effect(row: dict) -> object:
    """An effect with its limits in words; empty where none is given."""
    low, high = row.get("effect_ci_low"), row.get("effect_ci_high")
    if pd.isna(row["effect"]):
        return pd.NA
    limits = f" ({interval(low, high)})" if pd.notna(low) and pd.notna(high) else ""
    return signed(f"{row['effect']:.2f}".rstrip("0").rstrip(".")) + limits


@made_once
def measurable(review: Review) -> pd.DataFrame:
    """Every row that an analysis may name, with what it can be put beside.

    Returns
    -------
    DataFrame
        Rows of `analyses.analysis_rows`, indexed by id, with ``is_harm``, ``family``
        (outcome and scale in words: rows of one family may share an axis), ``measure`` (MD or RR,
        the one that fits its numbers) and ``label``. Columns `READ` are there, empty when the
        review has none.
    """
    rows = _with(analysis_rows(review), READ)
    harms = review.table("harms")
    is_harm = rows.index.isin(harms.get("harm_id", []))
    rows["is_harm"] = is_harm
    rows["measure"] = _is_count(rows).map({True: "RR", False: "MD"})
    domains = review.dictionary.words("outcomes", "domain")
    rows["family"] = [_family(row, domains) for row in rows.to_dict("records")]
    rows["label"] = _told_apart([_label(review, row) for row in rows.to_dict("records")], rows)
    return rows


def _told_apart(labels: list[str], rows: pd.DataFrame) -> pd.Series:
    """Equal labels with what differs: who was analysed, the size of the error, else a number."""
    found = pd.Series(labels, index=rows.index, dtype=object)
    for column, words in (("analysis_set", lambda cell: ANALYSED.get(cell, str(cell))),
                          ("effect_se", lambda cell: f"standard error {cell:.3g}")):
        same = found.duplicated(keep=False)
        if column in rows and same.any():
            told = rows.loc[same, column].map(words, na_action="ignore")
            found[same] = [f"{label}{SEPARATOR}{more}" if pd.notna(more) else label
                           for label, more in zip(found[same], told, strict=True)]
    count = found.groupby(found).cumcount()
    return found.where(count == 0, found + SEPARATOR + (count + 1).astype(str))


def _with(table: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    """The table with empty columns in the place of those that it lacks."""
    return table.reindex(columns=[*table, *(name for name in columns if name not in table)])


def _is_count(rows: pd.DataFrame) -> pd.Series:
    """Rows that count people with an event; a bare row follows the others of its domain."""
    counts = rows["is_harm"].copy()
    for column in ("intervention_events", "intervention_pct"):
        if column in rows:
            counts |= rows[column].notna()
    if "effect_measure" in rows:
        counts |= rows["effect_measure"].isin(EVENTS)
        bare = ~rows["effect_measure"].isin(MEASURED) & ~counts
        if "scale_high" in rows:
            bare &= rows["scale_high"].isna()
        counts |= bare & rows["domain"].isin(rows.loc[counts, "domain"].dropna())
    return counts


def _family(row: dict, domains: Mapping[str, str]) -> str:
    if row["is_harm"]:
        return f"harm: {word(row, 'event', NOT_STATED)}"
    domain = word(row, "domain", NOT_STATED)
    domain = domains.get(domain, domain.replace("_", " "))
    low, high = row.get("scale_low"), row.get("scale_high")
    if row["measure"] == "RR":
        return domain
    if pd.notna(low) and pd.notna(high):
        return f"{domain} ({low:g} to {high:g})"
    return f"{domain} ({row['instrument']})" if pd.notna(row.get("instrument")) else domain


def _label(review: Review, row: dict) -> str:
    parts = [review.bibliography.cite(row["study"])]
    what = row.get("event") if row["is_harm"] else row.get("instrument")
    parts += [str(what)] if pd.notna(what) else []
    parts += [f"week {row['week']:g}"] if pd.notna(row.get("week")) else []
    parts += [str(row["estimand"])] if pd.notna(row.get("estimand")) else []
    if row.get("contrast") == "within_arm":
        parts.append("one arm, no control")
    if row.get("verification") == "unverified":
        parts.append("unverified")
    return SEPARATOR.join(parts)


def families(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Comparisons between arms by family, those with most rows fit for pooling first.

    Rows that stand in for another row of the same trial (``pool_role`` sensitivity) are left out.
    """
    compared = rows[rows["contrast"] != "within_arm"]
    if "pool_role" in rows:
        compared = compared[~compared["pool_role"].isin(["sensitivity"])]
    found = {str(name): block for name, block in compared.groupby("family", sort=False)}
    fit = {name: int(is_true(block, "poolable").sum())
           for name, block in found.items()}
    return {name: found[name] for name in sorted(found, key=lambda name: -fit[name])}


def levels(review: Review) -> list[str]:
    """Levels of verification among studies and outcomes, the surest first."""
    present = set()
    for name in ("studies", "outcomes"):
        table = review.table(name)
        present |= set(table["verification"].dropna()) if "verification" in table else set()
    return [level for level in LEVELS if level in present]
