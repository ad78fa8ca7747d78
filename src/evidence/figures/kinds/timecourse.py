"""Time course: one trial over time, means of the arms (left) and their differences (right)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evidence.figures import page
from evidence.figures.figure import Content, Spec, figure_kind, pick, sources_of
from evidence.pooling import favours_words, outcome_effects
from evidence.review import Z95, Review
from evidence.wording import in_words, interval, signed, with_interval

SIZE = page.TEXT
ARMS = (("intervention", page.MESSAGE, "o", "-"), ("control", page.GREY, "s", "--"))


def course_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Means of both arms and their difference at each time, baseline first.

    Parameters
    ----------
    rows : DataFrame
        Rows of outcomes.csv of one trial and one instrument, one per time.

    Returns
    -------
    DataFrame
        Columns week, intervention, control, difference, ci_low, ci_high: the reported limits,
        else those of the standard error. The baseline is that of the first row that gives one
        and has no difference.
    """
    effects = outcome_effects(rows.assign(poolable=True, participants_of=rows["outcome_id"]), "MD")
    half = Z95 * np.sqrt(effects["vi"])
    low, high = (rows[f"effect_ci_{end}"].reset_index(drop=True) for end in ("low", "high"))
    table = pd.DataFrame({
        "week": rows["week"].to_numpy(float),
        "intervention": rows["intervention_mean"].to_numpy(float),
        "control": rows["control_mean"].to_numpy(float),
        "difference": effects["yi"], "ci_low": low.fillna(effects["yi"] - half),
        "ci_high": high.fillna(effects["yi"] + half),
    })
    start = rows[["intervention_baseline_mean", "control_baseline_mean"]].dropna()
    if len(start):
        first = {"week": 0.0, "intervention": start.iloc[0, 0], "control": start.iloc[0, 1]}
        table = pd.concat([pd.DataFrame([first]), table], ignore_index=True)
    return table.sort_values("week", ignore_index=True)


def arms(table: pd.DataFrame, ax: Axes, scale: tuple[float, float], labels: Mapping) -> Axes:
    """Means of the arms over time on the whole scale of the instrument."""
    for arm, colour, marker, line in ARMS:
        ax.plot(table["week"], table[arm], color=colour, marker=marker, ls=line, ms=10)
        below = table[arm].iloc[-1] < table[["intervention", "control"]].iloc[-1].max()
        ax.annotate(labels[arm], (table["week"].iloc[-1], table[arm].iloc[-1]), size=SIZE,
                    color=colour, weight="bold", xytext=(0, -16 if below else 16), ha="right",
                    textcoords="offset points", va="top" if below else "bottom")
    ax.set_ylim(*scale)
    ax.set_xticks(table["week"])
    ax.set_xlabel("Week")
    return ax


def differences(table: pd.DataFrame, ax: Axes, sides: tuple[str, str]) -> Axes:
    """Differences between the arms with their 95 % intervals."""
    shown = table.dropna(subset=["difference"])
    ax.axhline(0, color=page.INK, lw=1)
    ax.errorbar(
        shown["week"], shown["difference"], fmt="D", color=page.MESSAGE, ms=11, lw=2, capsize=0,
        yerr=[shown["difference"] - shown["ci_low"], shown["ci_high"] - shown["difference"]],
    )  # fmt: skip
    span = 1.8 * float(np.abs(shown[["ci_low", "ci_high"]].to_numpy()).max())
    ax.set_ylim(-span, span)
    weeks = shown["week"]
    pad = 0.2 * (weeks.max() - weeks.min() or 10)
    ax.set_xlim(weeks.min() - pad, weeks.max() + pad)
    ax.set_xticks(weeks)
    ax.set_xlabel("Week")
    for _, row in shown.iterrows():
        words = f"{row['difference']:+.2f}\n[{interval(row['ci_low'], row['ci_high'])}]"
        ax.annotate(words.replace("-", "−"), (row["week"], row["ci_high"]), xytext=(0, 5),
                    textcoords="offset points", ha="center", va="bottom", size=page.TICKS,
                    linespacing=1.1)
    ax.yaxis.set_major_formatter(lambda value, _: signed(f"{value:g}"))
    for y, words, place in ((0.98, f"↑ {sides[1]}", "top"), (0.02, f"↓ {sides[0]}", "bottom")):
        ax.text(0.02, y, words, transform=ax.transAxes, ha="left", va=place, size=SIZE)
    return ax


@figure_kind(
    "timecourse", tables=("outcomes",), ids=1,
    columns={
        "outcomes": (
            "outcome_id study instrument higher_is week intervention_n "
            "intervention_baseline_mean intervention_mean control_n "
            "control_baseline_mean control_mean effect_ci_low effect_ci_high"
        ),
    },
)
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """The selected outcomes, which must be of one trial and one instrument."""
    outcomes = review.table("outcomes").set_index("outcome_id", drop=False)
    rows = pick(outcomes, spec.select)
    if len(rows[["study", "instrument"]].drop_duplicates()) > 1:
        raise ValueError("they are of several trials or instruments")
    table = course_table(rows)
    first = rows.iloc[0]
    people = first["intervention_n"] + first["control_n"]
    shown = table.dropna(subset=["difference"])
    excluding = (shown["ci_low"] > 0) | (shown["ci_high"] < 0)
    facts = {
        "trial": review.bibliography.cite(first["study"]),
        "instrument": first["instrument"],
        "n_times": len(shown),
        "n_excluding": int(excluding.sum()),
        "excluding": in_words(int(excluding.sum())) if excluding.any() else "none",
        "lowest": shown["difference"].min(),
        "highest": shown["difference"].max(),
        "weeks": [f"{week:g}" for week in shown["week"]],
        "n_people": None if pd.isna(people) else int(people),
    }
    labels = {"intervention": review.intervention, "control": review.control}
    sides = favours_words(first["higher_is"], review.intervention, review.control)

    def draw(figure: Figure) -> tuple[Axes, Axes]:
        x, bottom, width, height = page.BODY
        bottom, height = bottom + 0.09, height - 0.14
        left = figure.add_axes((x + 0.03, bottom, 0.27, height))
        right = figure.add_axes((x + 0.37, bottom, width - 0.37, height))
        arms(table, left, (first["scale_low"], first["scale_high"]), labels)
        differences(table, right, sides)
        left.set_title(f"Mean of each arm, {first['instrument']}", size=SIZE, loc="left",
                       weight="bold")
        right.set_title(f"Difference, {' minus '.join(labels.values())}", size=SIZE, loc="left",
                        weight="bold")
        return left, right

    parts = [
        f"week {row['week']:g}: difference "
        f"{with_interval(row['difference'], row['ci_low'], row['ci_high'], '+')}"
        for _, row in shown.iterrows()
    ]
    method = "One trial; 95 % intervals as reported; each visit looks at the same people again"
    return Content(facts, table, method, "; ".join(parts).replace(" -", " −") + ".",
                   "Time course", sources_of(rows), ("outcomes", "studies"), draw)
