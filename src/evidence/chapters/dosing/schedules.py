"""Dosing schedules: that of the audited text beside those of trials, and how long trials lasted."""

from __future__ import annotations

import pandas as pd

from evidence.review import Review, counts_own, design, noted, primary_studies, with_results


def text_schedule(review: Review) -> str:
    """The schedule of the audited text: the one whose rows name no source."""
    table = review.table("seed_dosing")
    sourced = table.groupby("schedule", sort=False)["source"].apply(lambda s: s.notna().any())
    return next((name for name, has in sourced.items() if not has), "")


def comparison(review: Review) -> pd.DataFrame:
    """Each part of the text's schedule, and the trials whose schedule has it as well.

    Returns
    -------
    DataFrame
        Columns part, kind, weeks (of the text), cited (bool: the text names a source for it),
        trials (schedules of trials that give this dose, or measure, within those weeks, with the
        weeks of the dose), source (their keys). A trial that gives the dose outside those weeks
        only is not counted.
    """
    table = review.table("seed_dosing").sort_values(["schedule", "step"], kind="stable")
    is_dose = table["kind"] == "dose"
    table["until"] = table[is_dose].groupby("schedule")["start_week_min"].shift(-1)
    own = table[table["schedule"] == text_schedule(review)]
    others = table[table["schedule"] != text_schedule(review)]
    rows = []
    for _, part in own.iterrows():
        low, high = part["start_week_min"], part["start_week_max"]
        same = others[(others["kind"] == part["kind"]) & (others["start_week_min"] <= high)]
        if part["kind"] == "dose":
            same = same[(same["dose_mg"] == part["dose_mg"])
                        & ~(same["until"] <= low)]
        else:
            same = same[same["start_week_min"] >= low]
        rows.append({
            "part": part["label"], "kind": part["kind"],
            "weeks": f"{low:g}" if low == high else f"{low:g} to {high:g}",
            "cited": pd.notna(part["source"]),
            "trials": "; ".join(_given(row) for _, row in same.iterrows()),
            "source": ";".join(dict.fromkeys(same["source"])),
        })
    return pd.DataFrame(rows)


def _given(row: pd.Series) -> str:
    """A schedule and, for a dose, the weeks in which it gives it."""
    name = str(row["schedule"]).upper()
    if row["kind"] != "dose":
        return name
    end = f" to {row['until']:g}" if pd.notna(row["until"]) else " on"
    return f"{name}, week {row['start_week_min']:g}{end}"


def as_read(review: Review) -> pd.DataFrame:
    """Steps and milestones of every schedule as they were read.

    Returns
    -------
    DataFrame
        Columns schedule (words), kind, label, weeks, source, source_where, verification.
    """
    table = review.table("seed_dosing")
    own = text_schedule(review)
    weeks = [
        f"{low:g}" if low == high else f"{low:g} to {high:g}"
        for low, high in zip(table["start_week_min"], table["start_week_max"], strict=True)
    ]
    names = ["the article" if name == own else name.upper() for name in table["schedule"]]
    return table.assign(schedule=names, weeks=weeks)[
        ["schedule", "kind", "label", "weeks", "source", "source_where", "verification"]
    ]


def doses(review: Review, schedule: str) -> pd.DataFrame:
    """Doses of a schedule: columns dose_mg, earliest, latest (week in which the dose starts), cited
    (a source is named)."""
    table = review.table("seed_dosing")
    table = table[(table["schedule"] == schedule) & (table["kind"] == "dose")].sort_values("step")
    return pd.DataFrame({
        "dose_mg": table["dose_mg"].astype(float),
        "earliest": table["start_week_min"].astype(float),
        "latest": table["start_week_max"].astype(float),
        "cited": table["source"].notna(),
    }).reset_index(drop=True)


def milestones(review: Review, schedule: str) -> pd.DataFrame:
    """Milestones of a schedule: columns label, earliest, latest (weeks), cited."""
    table = review.table("seed_dosing")
    table = table[(table["schedule"] == schedule) & (table["kind"] == "milestone")]
    return pd.DataFrame({
        "label": table["label"],
        "earliest": table["start_week_min"].astype(float),
        "latest": table["start_week_max"].astype(float),
        "cited": table["source"].notna(),
    }).reset_index(drop=True)


@noted
def trial_lengths(review: Review) -> pd.DataFrame:
    """Randomised placebo-controlled trials with results, longest first.

    Papers that report the people of another trial are left out.

    Returns
    -------
    DataFrame
        Columns study, design, kind (design in words), condition_label, weeks (on treatment; one
        period of a crossover trial; NaN when it is not known).
    """
    trials = with_results(primary_studies(review.table("studies")))
    keep = trials["randomised"].fillna(False) & trials["placebo_controlled"].fillna(False)
    trials = trials[keep.astype(bool)]
    trials = trials[counts_own(trials)]
    table = pd.DataFrame({
        "study": trials["study"], "design": trials["design"],
        "kind": [design(code).short for code in trials["design"]],
        "condition_label": trials["condition_label"],
        "weeks": trials["duration_weeks"].astype(float),
    })
    return table.sort_values(["weeks", "study"], ascending=[False, True],
                             na_position="last").reset_index(drop=True)


@noted
def dosing_records(review: Review) -> pd.DataFrame:
    """Records that the claims about dosing rest on, with the dose that each describes.

    Returns
    -------
    DataFrame
        Columns study, kind (design in words), condition_label, dose_note, duration_weeks,
        conclusion, limitations, in the order of studies.csv.
    """
    claims = review.table("claims")
    cells = claims.loc[claims["claim_type"] == "dosing", ["cited_key", "best_evidence_keys"]]
    wanted = {part.strip() for cell in cells.to_numpy().ravel() if pd.notna(cell)
              for part in str(cell).split(";")}
    studies = review.table("studies")
    studies = studies[studies["study"].isin(wanted)].reset_index(drop=True)
    studies["kind"] = [design(code).short for code in studies["design"]]
    return studies[["study", "kind", "condition_label", "dose_note", "duration_weeks",
                    "conclusion", "limitations"]]
