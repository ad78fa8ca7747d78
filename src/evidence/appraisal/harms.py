"""Harms: shares with their intervals where counts are known, and what was reported without them."""

from __future__ import annotations

from math import sqrt

import pandas as pd

from evidence.review import ARMS, Z95, Review, design, noted


def share_interval(events: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share, in per cent (Wilson 1927, without a correction).

    Parameters
    ----------
    events, n : int
        People with the event, and people in the arm.

    Examples
    --------
    >>> low, high = share_interval(41, 49)
    >>> f"{low:.1f} to {high:.1f}"
    '71.0 to 91.5'
    """
    share, square = events / n, Z95**2
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = Z95 * sqrt(share * (1 - share) / n + square / (4 * n**2)) / (1 + square / n)
    return 100 * max(middle - half, 0.0), 100 * min(middle + half, 1.0)


@noted
def counted(review: Review) -> pd.DataFrame:
    """Harms with the number of people who had them and the size of the arm, in one arm at least.

    Counts of events and case reports are left out: the first are no shares of people, the second
    no samples.

    Returns
    -------
    DataFrame
        Columns study, event, event_class, design, then for each arm events, n, share (%), low and
        high (limits of the 95 % interval, %), then verification and note.
    """
    table = _with_design(review)
    usable = _has_counts(table, "intervention") | _has_counts(table, "control")
    table = table[usable & (table["design"] != "case_report")]
    shown = table[["harm_id", "study", "event", "event_class"]].reset_index(drop=True)
    shown["design"] = [design(code).short for code in table["design"]]
    for arm in ARMS:
        known = _has_counts(table, arm)
        events, n = table[f"{arm}_events"].where(known), table[f"{arm}_n"].where(known)
        limits = [
            share_interval(a, b) if has else (None, None)
            for a, b, has in zip(events, n, known, strict=True)
        ]
        shown[f"{arm}_events"], shown[f"{arm}_n"] = events.to_numpy(), n.to_numpy()
        shown[f"{arm}_share"] = (100 * events / n).astype("Float64").to_numpy()
        for column, place in (("low", 0), ("high", 1)):
            shown[f"{arm}_{column}"] = pd.array([pair[place] for pair in limits], dtype="Float64")
    for column in ("verification", "note"):
        shown[column] = table[column].to_numpy()
    return shown


@noted
def counted_text(review: Review, controlled: bool) -> pd.DataFrame:
    """`counted` as a reader sees it: "41 of 49: 83.7 % (71 to 91)" for each arm.

    Parameters
    ----------
    controlled : bool
        Rows with counts on control, else rows with counts on the intervention alone.
    """
    table = counted(review)
    table = table[table["control_n"].notna() == controlled].reset_index(drop=True)
    shown = table[["study", "event", "design"]].copy()
    for arm in ARMS if controlled else ("intervention",):
        shown[arm] = [_share_text(row, arm) for _, row in table.iterrows()]
    return shown.assign(verification=table["verification"], note=table["note"])


def _share_text(row: pd.Series, arm: str) -> str | None:
    events, n, share, low, high = (
        row[f"{arm}_{part}"] for part in ("events", "n", "share", "low", "high")
    )
    if pd.isna(n):
        return None
    return f"{events:.0f} of {n:.0f}: {share:.1f} % ({low:.0f} to {high:.0f})"


@noted
def uncounted(review: Review) -> pd.DataFrame:
    """Harms without people and arm size: percentages, events, statements and single cases.

    Returns
    -------
    DataFrame
        Columns study, event, event_class, design, intervention_pct, control_pct (%), unit,
        verification, note.
    """
    table = _with_design(review)
    table = table[~table["harm_id"].isin(counted(review)["harm_id"])].reset_index(drop=True)
    case = table["design"] == "case_report"
    table["design"] = [design(code).short for code in table["design"]]
    for arm in ARMS:
        table[f"{arm}_pct"] = table[f"{arm}_pct"].mask(case)
    return table[["study", "event", "event_class", "design", "intervention_pct", "control_pct",
                  "unit", "verification", "note"]]


@noted
def published(review: Review) -> pd.DataFrame:
    """Pooled harms that reviews have printed, as they printed them."""
    table = review.table("published_pooled")
    table = table[table["domain"] == "harm"].reset_index(drop=True)
    return table[["review", "outcome", "condition", "contrast", "k", "n", "effect_measure",
                  "effect", "ci_low", "ci_high", "model", "verification", "source_where", "note"]]


@noted
def _with_design(review: Review) -> pd.DataFrame:
    designs = review.table("studies").set_index("study")["design"]
    table = review.table("harms")
    return table.assign(design=table["study"].map(designs))


def _has_counts(table: pd.DataFrame, arm: str) -> pd.Series:
    people = table["unit"] == "participants"
    return people & table[f"{arm}_events"].notna() & table[f"{arm}_n"].notna()
