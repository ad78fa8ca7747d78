"""Exposure: which effects lie within the plasma level that a dose is expected to give.

A binding constant or a concentration from the laboratory is compared with a plasma level; what
reaches the tissue is another matter, which these tables do not hold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from evidence.review import Review

VERDICTS = {
    "reached": "reached",
    "overlaps": "range begins within reach",
    "above": "not reached",
    "no_effect": "no effect seen",
}


@dataclass(frozen=True, slots=True)
class Level:
    """A plasma level in nM: expected value with its lower and upper bound."""

    item_id: str
    label: str
    analyte: str
    system: str
    low: float
    value: float
    high: float
    key: str


def level(review: Review, item_id: str) -> Level:
    """A row of concentrations.csv as a plasma level; missing bounds are the value itself.

    Raises
    ------
    KeyError
        When there is no such row.
    ValueError
        When it is not a plasma level.
    """
    table = review.table("concentrations").set_index("item_id")
    row = table.loc[item_id]
    if row["kind"] != "plasma_level":
        raise ValueError(f"{item_id} is no plasma level")
    value = float(row["value_nm"])
    low, high = (value if pd.isna(row[end]) else float(row[end]) for end in ("low_nm", "high_nm"))
    return Level(item_id, row["label"], row["analyte"], row["system"], low, value, high, row["key"])


def reach(review: Review, levels: Sequence[Level]) -> pd.DataFrame:
    """Effects against plasma levels, in the order of concentration_rows.csv.

    Parameters
    ----------
    review : Review
    levels : sequence of Level
        The first is the level of the medicine; an effect of another analyte is set against the
        level of its own analyte where one is given, else against the first.

    Returns
    -------
    DataFrame
        Columns effect, stands_for, analyte, system, effect_seen, low, high (nM, over all items of
        the row), value (nM: the lowest point value; for a range its lower end; where no effect was
        seen the highest concentration tested), times_peak (value / expected level), times_top
        (lowest effective concentration / upper bound of the level), verdict (a key of
        `VERDICTS`), was_read (some item was read in its own paper), items, keys.

    Notes
    -----
    `verdict` gives the effect the benefit of the doubt: it is judged at the lowest effective
    concentration against the upper bound of the level.
    """
    layout = review.table("concentration_rows")
    items = layout.merge(review.table("concentrations"), on="item_id", validate="1:1")
    rows = [_row(effect, block, levels) for effect, block in items.groupby("effect", sort=False)]
    return pd.DataFrame(rows)


def _row(effect: str, items: pd.DataFrame, levels: Sequence[Level]) -> dict[str, object]:
    first = items.iloc[0]
    own = next((a for a in levels if a.analyte == first["analyte"]), levels[0])
    points = items["value_nm"].dropna()
    ends = items[["low_nm", "value_nm", "high_nm"]]
    low, high = float(ends.min().min()), float(ends.max().max())
    seen = bool(items["effect_seen"].all())
    value = (float(points.min()) if len(points) and points.min() < _lowest_range(items) else low)
    if not seen:
        value = high
    times_top = low / own.high
    is_range = low < high and not len(points)
    verdict = (
        "no_effect" if not seen else "above" if times_top > 1
        else "overlaps" if is_range and high > own.high else "reached"
    )
    return {
        "effect": effect,
        "stands_for": first["stands_for"],
        "analyte": first["analyte"],
        "system": "; ".join(dict.fromkeys(items["system"])),
        "effect_seen": seen,
        "low": low,
        "high": high,
        "value": value,
        "times_peak": value / own.value,
        "times_top": times_top if seen else math.nan,
        "verdict": verdict,
        "was_read": bool((items["verification"] == "primary").any()),
        "items": tuple(items["item_id"]),
        "keys": ";".join(dict.fromkeys(items["key"])),
    }


def _lowest_range(items: pd.DataFrame) -> float:
    """Lower end of the lowest range that has no point value; infinite without one."""
    ranges = items.loc[items["value_nm"].isna(), "low_nm"]
    return float(ranges.min()) if len(ranges) else math.inf


def rounded(value: float, digits: int = 2) -> float:
    """A value rounded to some significant digits, for ratios that are only known roughly."""
    if value == 0 or not math.isfinite(value):
        return value
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))


def occupancy(review: Review, receptor: str, highest_dose: float) -> pd.DataFrame:
    """Measured receptor blockade (per cent) after single doses up to `highest_dose` mg."""
    table = review.table("occupancy")
    keep = (
        (table["receptor"] == receptor) & (table["dose_mg"] <= highest_dose)
        & (table["regimen"] == "single") & table["occupancy_percent"].notna()
    )
    return table[keep].reset_index(drop=True)
