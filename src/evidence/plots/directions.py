"""Directions: what single trials of further conditions report, by the side they point to."""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evidence.designs import design
from evidence.exhibits import Content, Spec
from evidence.plots import page
from evidence.prose import interval, p_value, signed
from evidence.review import Review

SIZE = 14
GAP = 0.4  # between rows, in lines
COLUMNS = {  # heading, left end and width as fractions of the body
    "condition": ("Condition", 0.0, 0.215), "trial": ("Trial, n, design", 0.23, 0.32),
    "outcome": ("Outcome", 0.565, 0.16), "result": ("Reported", 0.765, 0.235),
}
MARK_AT = 0.745
MARKS = {  # marker, filled, colour
    "intervention": ("<", True, page.BLUE), "control": (">", True, page.VERMILION),
    "neither": ("o", False, page.INK), "unclear": ("s", False, page.GREY),
}
UNITS = {"percent_point_difference": " points", "risk_ratio": "", "mean_difference": ""}


def direction_table(review: Review, outcomes: pd.DataFrame) -> pd.DataFrame:
    """What each outcome says, in words.

    Returns
    -------
    DataFrame
        Columns condition, study, trial, outcome, side (intervention, control, neither, unclear),
        result, n (Int64), design, verification.
    """
    studies = review.table("studies").set_index("study")
    rows = []
    for _, row in outcomes.iterrows():
        study = studies.loc[row["study"]]
        people = _people(row, study)
        count = "" if pd.isna(people) else f", n = {people:.0f}"
        if row["verification"] == "unverified" and row["source"] != row["study"]:
            count = f" in {review.bibliography.cite(row['source'])}{count}"
        words = design(study["design"]).short.removesuffix(" trial")
        rows.append({
            "condition": study["condition_label"].removesuffix(", adults"),
            "study": row["study"],
            "trial": f"{review.bibliography.cite(row['study'])}{count}, {words}",
            "outcome": row["domain"].replace("_", " "), "side": _side(row),
            "result": _result(row, study), "n": people, "design": study["design"],
            "verification": row["verification"],
        })
    return pd.DataFrame(rows).astype({"n": "Int64"})


def _people(row: pd.Series, study: pd.Series) -> float:
    arms = [row["intervention_n"], row["control_n"]]
    if not pd.isna(arms).any():
        return max(arms) if row["contrast"] == "crossover_paired" else sum(arms)
    for name in ("n_analysed", "n_randomised"):
        if not pd.isna(study[name]):
            return study[name]
    return pd.NA


def _side(row: pd.Series) -> str:
    """The side a controlled contrast points to, whatever its interval."""
    favours = str(row["favours"])
    if favours in ("control", "neither"):
        return favours
    return "unclear" if favours in ("not_applicable", "nan") else "intervention"


def _result(row: pd.Series, study: pd.Series) -> str:
    """Effect, interval or p value as printed, and what limits the comparison."""
    parts = []
    if pd.notna(row["effect"]):
        unit = UNITS.get(row["effect_measure"], "")
        ratio = str(row["effect_measure"]).endswith("ratio")
        parts.append(f"ratio {row['effect']:g}" if ratio else f"{row['effect']:+g}{unit}")
    if pd.notna(row["effect_ci_low"]):
        digits = 2
        parts[-1] += f" ({interval(row['effect_ci_low'], row['effect_ci_high'], digits)})"
    elif pd.notna(row["p_value"]):
        sign = "<" if row["p_relation"] == "<" else "="
        text = p_value(row["p_value"])
        parts.append(f"p {text}" if text.startswith("below") else f"p {sign} {row['p_value']:g}")
    if row["verification"] == "unverified":
        parts.append("unverified, not pooled")
    elif not study["placebo_controlled"]:
        stated = str(study["comparator"])
        named = stated not in ("nan", "none", "not_stated")
        parts.append(f"against {stated.replace('_', ' ')}" if named else "control not stated")
    elif not parts:
        parts.append("no number")
    return signed(", ".join(parts))


def directions(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw the rows as wrapped text with one mark each, a rule above each new condition."""
    figure, width = ax.figure, ax.get_position().width
    cells = [
        {name: page.wrap(figure, str(row[name]), place[2] * width, SIZE)
         for name, place in COLUMNS.items()}
        for row in table.to_dict("records")
    ]
    heights = [GAP + max(text.count("\n") + 1 for text in row.values()) for row in cells]
    ax.set(xlim=(0, 1), ylim=(fsum(heights), -1.5))
    ax.set_axis_off()
    for heading, x, _ in COLUMNS.values():
        ax.text(x, -0.8, heading, size=SIZE, weight="bold", va="center")
    top, before = 0.0, ""
    for row, texts, height in zip(table.to_dict("records"), cells, heights, strict=True):
        quiet = row["verification"] == "unverified"
        if row["condition"] != before:
            ax.plot([0, 1], [top, top], color=page.GREY if not before else page.PALE, lw=0.8)
        y = top + height / 2
        marker, filled, shade = MARKS[row["side"]]
        ax.plot(MARK_AT, y, marker, ms=11, mew=2, mec=shade,
                mfc=shade if filled and not quiet else "white")
        for name, (_, x, _) in COLUMNS.items():
            if name != "condition" or row["condition"] != before:
                ax.text(x, y, texts[name], size=SIZE, va="center", linespacing=1.0,
                        color=page.GREY if quiet else page.INK,
                        style="italic" if quiet else "normal")
        top, before = top + height, row["condition"]
    return ax


def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """Selected outcomes in the order of the selection."""
    outcomes = review.table("outcomes").set_index("outcome_id", drop=False)
    chosen = outcomes.loc[list(spec.select)]
    table = direction_table(review, chosen)
    known = table[table["verification"] != "unverified"]
    sides = known["side"].value_counts()
    facts = {
        "n_rows": len(table), "n_trials": table["study"].nunique(),
        "n_conditions": table["condition"].nunique(), "n_known": len(known),
        "n_unverified": len(table) - len(known),
        **{f"n_{side}": int(sides.get(side, 0)) for side in MARKS},
    }
    key = (f"◀ favours {review.intervention}   ▶ favours {review.control}   ○ no difference   "
           "□ direction not readable   open mark, italics: unverified")

    def draw(figure: Figure) -> Axes:
        x, bottom, width, height = page.BODY
        ax = figure.add_axes((x, bottom + 0.05, width, height - 0.05))
        figure.text(x, bottom + 0.012, key, size=SIZE, color=page.GREY, va="bottom")
        return directions(table, ax)

    words = {"intervention": f"favours {review.intervention}", "neither": "no difference",
             "control": f"favours {review.control}", "unclear": "direction not readable"}
    summary = "; ".join(
        f"{row['condition']}, {row['trial']}, {row['outcome']}: {words[row['side']]}, "
        f"{row['result']}" for row in table.to_dict("records")
    ) + "."
    method = "Side of the reported contrast, whatever its interval; nothing is pooled"
    sources = tuple(dict.fromkeys(chosen["source"])) if "source" in chosen else ()
    return Content(facts, table, method, summary, "Effect-direction table", sources,
                   ("outcomes", "studies"), draw)
