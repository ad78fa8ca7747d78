"""Changes: percentage change from baseline with and without a control, and the difference.

Changes within one arm and differences between arms never share an axis: the left panel holds what
happened in each arm (circles), the right panel the difference between arms (diamonds).
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evidence.figures import page
from evidence.figures.figure import Content, Spec, figure_kind, pick, sources_of
from evidence.figures.forest.kind import DERIVED
from evidence.pooling import favours_words
from evidence.review import Review, design
from evidence.wording import Row, interval, plural, signed

EFFECT = ("effect", "effect_ci_low", "effect_ci_high")
DOMAIN_COLOURS = (page.BLUE, page.PURPLE)
NEAR_ZERO = -9.0  # per cent; a number right of a mark beyond it reaches the line of zero
NO_INTERVAL = "no interval given as a percentage"
METHOD = ("Changes as printed, else mean change / mean baseline; diamonds: simple subtractions; "
          "“reported”: the trial’s own difference, 95 % interval; nothing is pooled")
COVER = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # text across the line of zero


def percent_changes(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Change of each arm in per cent of its own baseline, and the difference.

    Parameters
    ----------
    outcomes : DataFrame
        Rows of outcomes.csv.

    Returns
    -------
    DataFrame
        Columns outcome_id, study, domain, week, n, intervention, control, difference, low, high,
        effect, effect_low, effect_high, derived. Changes are per cent of the baseline mean
        (negative = fall): as printed (`…_change_pct`), else change / baseline × 100. The
        difference is intervention minus control in percentage points; `low` and `high` are its
        interval, `effect…` the mean difference with its interval in points of the scale, as far as
        the row gives them. NaN where a figure is not there.
    """
    changes = {}
    for arm in ("intervention", "control"):
        printed = _numbers(outcomes, f"{arm}_change_pct")
        computed = 100 * _numbers(outcomes, f"{arm}_change") / _numbers(
            outcomes, f"{arm}_baseline_mean"
        )
        changes[arm] = printed.where(printed.notna(), computed)
    difference = changes["intervention"] - changes["control"]
    effect, low, high = (_numbers(outcomes, name) for name in EFFECT)
    measure = outcomes["effect_measure"]
    in_percent = (measure == "percent_point_difference") & ((effect - difference).abs() < 0.05)
    in_points = (measure == "mean_difference") & low.notna() & high.notna()
    arms = outcomes[["intervention_n", "control_n"]].astype("Float64")
    paired = outcomes["contrast"] == "crossover_paired"
    return pd.DataFrame({
        "outcome_id": outcomes["outcome_id"],
        "study": outcomes["study"],
        "domain": outcomes["domain"],
        "week": outcomes["week"],
        "n": arms.max(axis=1).where(paired, arms.sum(axis=1, min_count=1)).astype("Int64"),
        "intervention": changes["intervention"],
        "control": changes["control"],
        "difference": difference,
        "low": low.where(in_percent),
        "high": high.where(in_percent),
        "effect": effect.where(in_points),
        "effect_low": low.where(in_points),
        "effect_high": high.where(in_points),
        "derived": in_percent & low.notna() & (outcomes["verification"] == "derived"),
    }).reset_index(drop=True)


def difference_words(row: pd.Series) -> tuple[str, str]:
    """The difference of a row, with its interval where there is one, and what else is known: the
    mean difference in points of the scale, else that there is no interval."""
    text = signed(f"{row['difference']:+.1f}")
    if pd.notna(row["low"]) and pd.notna(row["high"]):
        return f"{text} ({interval(row['low'], row['high'], 1)}){DERIVED * row['derived']}", ""
    if pd.isna(row["effect"]):
        return text, NO_INTERVAL
    own, limits = f"{row['effect']:+.2f}", interval(row["effect_low"], row["effect_high"])
    return text, f"reported: {signed(own)} points ({limits})"


def method(table: pd.DataFrame) -> str:
    """Method line of changes and their differences."""
    derived = f".{DERIVED} Derived, not printed by the source"
    return METHOD + derived * bool(table["derived"].any())


def _numbers(table: pd.DataFrame, column: str) -> pd.Series:
    if column not in table:
        return pd.Series(np.nan, index=table.index)
    return table[column].astype("float64")


def changes(
    table: pd.DataFrame, left: Axes, right: Axes, *, bands: pd.DataFrame | None = None,
    intervention: str = "intervention", control: str = "control",
) -> tuple[Axes, Axes]:
    """Draw changes within arms (left) and differences between arms (right), one row a study.

    Parameters
    ----------
    table : DataFrame
        As `percent_changes` returns it, top row first, with a column `higher_is_worse` (bool).
    left, right : Axes
    bands : DataFrame, optional
        Thresholds: columns threshold_kind, value, value_high, in per cent fall.
    intervention, control : str
        Labels of the arms.

    Returns
    -------
    tuple of Axes
    """
    rows = np.arange(len(table))[::-1]
    domains = list(dict.fromkeys(table["domain"]))
    lowest = min(-69.0, float(np.nanmin(table[["intervention", "control"]].to_numpy())) - 8)
    _draw_bands(left, bands, lowest)
    for y, (_, row) in zip(rows, table.iterrows(), strict=True):
        colour = DOMAIN_COLOURS[domains.index(row["domain"]) % 2]
        has_control = pd.notna(row["control"])
        if has_control:
            left.plot(row[["intervention", "control"]], [y, y], color=page.GREY, lw=2, zorder=2)
            left.scatter(row["control"], y, s=170, marker="o", facecolor="white", edgecolor=colour,
                         linewidth=2, zorder=3)
        if pd.notna(row["intervention"]):
            left.scatter(row["intervention"], y, s=170, marker="o", color=colour, zorder=4)
        label_changes(left, row[["intervention", "control"]].dropna().tolist(), y)
        if pd.notna(row["difference"]):
            _difference(right, row, y)
        else:
            right.text(0, y, "no control,\nno difference", ha="center", va="center", size=14,
                       color=page.GREY, style="italic", zorder=4, bbox=COVER)
    for ax in (left, right):
        ax.set_ylim(-0.85, len(table) - 0.4)
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        ax.axvline(0, color=page.INK, lw=1, zorder=1)
        ax.xaxis.set_major_formatter(lambda value, _: signed(f"{value:g}"))
    left.set_xlim(lowest, max(5.0, 1.1 * float(np.nanmax(
        table[["intervention", "control"]].to_numpy(float)))))
    left.set_xlabel("Change within the arm, % of its baseline")
    left.text(0.0, 1.015, f"Within arms:  ●  {intervention}    ○  {control}",
              transform=left.transAxes, size=14, weight="bold", va="bottom")
    reach = difference_reach(table)
    right.set_xlim(-reach, reach)
    right.set_xlabel("Difference, percentage points")
    right.text(0.5, 1.015, f"Between arms:  ◆  {intervention} minus {control}",
               transform=right.transAxes, ha="center", size=14, weight="bold", va="bottom")
    if table["higher_is_worse"].all():
        sides = favours_words("worse", intervention, control)
        for x, text, side in ((-0.035, f"← {sides[0]}", "right"), (0.035, f"{sides[1]} →", "left")):
            right.text(x * reach, -0.82, text, ha=side, va="bottom", size=14, color=page.GREY)
    return left, right


def difference_reach(table: pd.DataFrame) -> float:
    """How far an axis of differences runs to both sides of zero."""
    ends = table[["low", "high"]].to_numpy(float)
    return max(15.0, 1.25 * float(np.nanmax(np.abs(table["difference"].to_numpy()), initial=0)),
               1.1 * float(np.nanmax(np.abs(ends), initial=0)))


def _difference(ax: Axes, row: pd.Series, y: float) -> None:
    """Diamond, interval where there is one, and what else is known below it."""
    words, below = difference_words(row)
    ax.plot(row[["low", "high"]].astype(float), [y, y], color=page.VERMILION, lw=2, zorder=2)
    ax.scatter(row["difference"], y, s=190, marker="D", color=page.VERMILION, zorder=3)
    ax.annotate(words, (row["difference"], y), xytext=(0, 10), textcoords="offset points",
                ha="center", va="bottom", size=14, bbox=COVER)
    ax.annotate(below, (0, y), xytext=(0, -13), textcoords="offset points", ha="center", va="top",
                size=14, color=page.GREY, bbox=COVER if below else None)


def label_changes(ax: Axes, values: list[float], y: float) -> None:
    """Numbers beside the marks; above its mark where one would be struck by the line of zero."""
    for value in values:
        is_left = value == min(values)
        if not is_left and value > NEAR_ZERO:
            place, sides = (0, 7), {"ha": "center", "va": "bottom"}
        else:
            place = (-11 if is_left else 11, 0)
            sides = {"ha": "right" if is_left else "left", "va": "center"}
        ax.annotate(signed(f"{value:.1f}"), (value, y), xytext=place, size=14,
                    textcoords="offset points", **sides)


def _draw_bands(ax: Axes, bands: pd.DataFrame | None, lowest: float) -> None:
    if bands is None or bands.empty:
        return
    marks = bands.sort_values("value")
    starts = [-value for value in marks["value"]]
    ends = [
        max(lowest, -high if pd.notna(high) else following)
        for high, following in zip(marks["value_high"], [*starts[1:], lowest], strict=True)
    ]
    for depth, (start, end, kind) in enumerate(
        zip(starts, ends, marks["threshold_kind"], strict=True)
    ):
        ax.axvspan(end, start, color=page.GREEN, alpha=0.08 + 0.07 * depth, lw=0, zorder=0)
        ax.annotate(kind, ((start + end) / 2, 0.0), xycoords=("data", "axes fraction"),
                    xytext=(0, 4), textcoords="offset points", ha="center", va="bottom",
                    size=14, color="#00573F")


@figure_kind(
    "changes", tables=("outcomes",), ids=1,
    columns={
        "instruments": "instrument_id",
        "outcomes": (
            "outcome_id study domain higher_is week contrast intervention_n "
            "control_n effect_measure verification"
        ),
        "studies": "study design",
    },
)
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """Changes of the selected outcomes, in the order of the selection."""
    outcomes = review.table("outcomes").set_index("outcome_id", drop=False)
    chosen = pick(outcomes, spec.select)
    table = percent_changes(chosen)
    table["higher_is_worse"] = (chosen["higher_is"] == "worse").to_numpy()
    studies = review.table("studies").set_index("study")
    labels = [_row_label(review, studies, row) for _, row in table.iterrows()]
    instruments = review.table("instruments")
    bands = (
        pick(instruments.set_index("instrument_id"), spec.thresholds)
        if spec.thresholds else None
    )
    marked = () if bands is None or "source" not in bands else tuple(
        dict.fromkeys(bands["source"].dropna()))
    compared = table.dropna(subset=["difference"])
    facts = {
        "rows": {row["outcome_id"]: Row(row.to_dict()) for _, row in table.iterrows()},
        "n_compared": len(compared),
        "n_uncontrolled": len(table) - len(compared),
        "lowest_difference": compared["difference"].min(),
        "highest_difference": compared["difference"].max(),
        "people_compared": int(compared["n"].sum()),
        "threshold_sources": [review.bibliography.cite(key) for key in marked],
    }

    def draw(figure: Figure) -> tuple[Axes, Axes]:
        x, bottom, width, height = page.BODY
        bottom, height = bottom + 0.055, height - 0.10
        left = figure.add_axes((x + 0.205, bottom, 0.375, height))
        right = figure.add_axes((x + 0.605, bottom, width - 0.605, height))
        changes(table, left, right, bands=bands, intervention=review.intervention,
                control=review.control)
        for y, label in zip(range(len(table))[::-1], labels, strict=True):
            left.annotate(label, (0, y), xycoords=("axes fraction", "data"), xytext=(-8, 0),
                          textcoords="offset points", ha="right", va="center", size=14,
                          linespacing=page.spacing(label, 1.05))
        return left, right

    parts = [
        f"{review.bibliography.cite(row['study'])}, {row['domain'].replace('_', ' ')}: "
        + (f"{row['intervention']:.1f} % on {review.intervention}"
           if pd.notna(row["intervention"]) else "no figure")
        + (f", {row['control']:.1f} % on {review.control}, difference "
           f"{', '.join(filter(None, difference_words(row)))}"
           if pd.notna(row["difference"]) else ", no control")
        for _, row in table.iterrows()
    ]
    sources = sources_of(chosen)
    return Content(facts, table, method(table), signed("; ".join(parts).replace(" -", " −")) + ".",
                   "Dot plot", tuple(dict.fromkeys([*sources, *marked])),
                   ("outcomes", "studies", "instruments"), draw)


def _row_label(review: Review, studies: pd.DataFrame, row: pd.Series) -> str:
    words = design(studies.loc[row["study"], "design"]).short
    domain = row["domain"].replace("_", " ")
    people = "" if pd.isna(row["n"]) else f", n = {row['n']}"
    weeks = "" if pd.isna(row["week"]) else f", {row['week']:g} {plural(row['week'], 'week')}"
    head = review.bibliography.cite(row["study"])
    return "\n".join([head, f"{domain}{people}", *textwrap.wrap(f"{words}{weeks}", 30)])
