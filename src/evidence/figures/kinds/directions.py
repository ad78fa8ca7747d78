"""Directions: what single trials of further conditions report, by the side they point to."""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evidence.figures import page
from evidence.figures.figure import Content, Spec, figure_kind, pick, sources_of
from evidence.review import Review, design
from evidence.wording import in_words, interval, p_value, signed, together

SIZE = 14
GAP, HEAD = 0.42, 1.5  # between rows and above them, in lines
COLUMNS = {  # heading, left end and width as fractions of the body
    "condition": ("Condition", 0.0, 0.175), "trial": ("Trial, n, design", 0.187, 0.318),
    "outcome": ("Outcome", 0.517, 0.143), "result": ("", 0.709, 0.291),
}
MARK_AT, MARK_HEADING = 0.679, "Direction and result"
DOUBT = "?"  # beside the mark of a trial whose control is not stated
MARKS = {  # marker, filled, colour
    "intervention": ("<", True, page.BLUE), "control": (">", True, page.VERMILION),
    "neither": ("o", False, page.INK), "unclear": ("s", False, page.GREY),
}
UNITS = {"percent_point_difference": " percentage points"}
CONTROL_UNKNOWN = "control not stated"


def direction_table(review: Review, outcomes: pd.DataFrame) -> pd.DataFrame:
    """What each outcome says, in words.

    Returns
    -------
    DataFrame
        Columns condition, study, trial, again (the trial where it stands in the row above
        already), outcome, side (intervention, control, neither, unclear), result, control_stated
        (bool), n (Int64), design, verification.
    """
    studies = review.table("studies").set_index("study")
    rows = []
    for _, row in outcomes.iterrows():
        study = studies.loc[row["study"]]
        people = _people(row, study)
        where = "" if pd.isna(people) else f", {together(f'n = {people:.0f}')}"
        if row["verification"] == "unverified" and row["source"] != row["study"]:
            where = f" in {review.bibliography.cite(row['source'])}{where}"
        words = design(study["design"]).short.removesuffix(" trial")
        rows.append({
            "condition": study["condition_label"].removesuffix(", adults"),
            "study": row["study"],
            "trial": f"{review.bibliography.cite(row['study'])}{where}, {words}",
            "again": f"the same{where}",
            "outcome": row["domain"].replace("_", " "), "side": _side(review, row),
            "result": _result(row, study),
            "control_stated": _has_placebo(study) or _comparator(study) != "",
            "n": people, "design": study["design"],
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


def _has_placebo(study: pd.Series) -> bool:
    """Whether a placebo is stated; an empty cell is not."""
    return pd.notna(study["placebo_controlled"]) and bool(study["placebo_controlled"])


def _comparator(study: pd.Series) -> str:
    """What the control is, in words; empty where that is not stated."""
    stated = str(study["comparator"])
    return "" if stated in ("nan", "none", "not_stated") else stated.replace("_", " ")


def _side(review: Review, row: pd.Series) -> str:
    """The side a controlled contrast points to, whatever its p value and interval."""
    favours = str(row["favours"]).casefold()
    if favours in ("intervention", review.intervention.casefold()):
        return "intervention"
    if favours in ("control", review.control.casefold()):
        return "control"
    return "neither" if favours == "neither" else "unclear"


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
        text = f"p {text}" if text.startswith("below") else f"p {sign} {row['p_value']:g}"
        parts.append(together(text))
    if row["verification"] == "unverified":
        parts.insert(0, "unverified")
    elif not _has_placebo(study):
        named = _comparator(study)
        parts.append(f"against {named}" if named else CONTROL_UNKNOWN)
    elif not parts:
        parts.append("no number")
    return signed(", ".join(parts))


def directions(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw the rows as wrapped text with one mark each, a rule above each new condition.

    A mark of a trial whose control is not stated has a question mark beside it.
    """
    figure, width = ax.figure, ax.get_position().width
    cells = [
        {name: page.wrap(figure, str(row[name]), place[2] * width, SIZE)
         for name, place in COLUMNS.items()}
        for row in _without_repeats(table).to_dict("records")
    ]
    heights = [GAP + max(text.count("\n") + 1 for text in row.values()) for row in cells]
    ax.set(xlim=(0, 1), ylim=(fsum(heights), -HEAD))
    ax.set_axis_off()
    headings = [*((words, x) for words, x, _ in COLUMNS.values()), (MARK_HEADING, MARK_AT - 0.01)]
    for heading, x in headings:
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
        if not row["control_stated"]:
            ax.text(MARK_AT + 0.011, y, DOUBT, size=SIZE, weight="bold", va="center",
                    color=page.ACCENT)
        for name, (_, x, _) in COLUMNS.items():
            ax.text(x, y, texts[name], size=SIZE, va="center",
                    linespacing=page.spacing(texts[name], 1.0),
                    color=page.GREY if quiet else page.INK, style="italic" if quiet else "normal")
        top, before = top + height, row["condition"]
    return ax


def _without_repeats(table: pd.DataFrame) -> pd.DataFrame:
    """The table with conditions and trials only where they change."""
    above = table.shift()
    trial = table["trial"].where(table["study"] != above["study"], table["again"])
    return table.assign(
        condition=table["condition"].where(table["condition"] != above["condition"], ""),
        trial=trial.where(table["trial"] != above["trial"], ""),
    )


@figure_kind(
    "directions", tables=("outcomes",), ids=1,
    columns={
        "outcomes": (
            "outcome_id study domain contrast intervention_n control_n "
            "effect_measure effect effect_ci_low effect_ci_high p_value "
            "p_relation favours verification source"
        ),
        "studies": (
            "study design condition_label n_randomised n_analysed comparator "
            "placebo_controlled"
        ),
    },
)
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """Selected outcomes in the order of the selection."""
    outcomes = review.table("outcomes").set_index("outcome_id", drop=False)
    chosen = pick(outcomes, spec.select)
    table = direction_table(review, chosen)
    known = table[table["verification"] != "unverified"]
    sides = known["side"].value_counts()
    trials = table.groupby("condition")["study"].nunique().agg(["min", "max"]).tolist()
    facts = {
        "trials_each": (" or " if trials[1] - trials[0] < 2 else " to ").join(
            in_words(count) for count in dict.fromkeys(trials)),
        "largest": int(table["n"].max()),
        "n_rows": len(table), "n_trials": table["study"].nunique(),
        "n_conditions": table["condition"].nunique(), "n_known": len(known),
        "n_unverified": len(table) - len(known),
        **{f"n_{side}": int(sides.get(side, 0)) for side in MARKS},
    }
    estimates = chosen.loc[(table["side"] == "neither").to_numpy(), "effect"]
    neither = "authors say no difference" + ", no estimate" * bool(estimates.isna().all())

    def draw(figure: Figure) -> Axes:
        x, bottom, width, height = page.BODY
        down = 0.036
        ax = figure.add_axes((x, bottom + 0.064 - down, width, height - 0.059 + down))
        for number, line in enumerate(_key(review, table, neither)):
            figure.text(x, bottom + 0.05 - down - 0.033 * number, line, size=SIZE,
                        color=page.GREY, va="top")
        return directions(table, ax)

    words = {"intervention": f"favours {review.intervention}", "neither": neither,
             "control": f"favours {review.control}", "unclear": "direction not readable"}
    summary = "; ".join(
        f"{row['condition']}, {row['trial']}, {row['outcome']}: {words[row['side']]}, "
        f"{row['result']}" for row in table.to_dict("records")
    ) + "."
    method = ("Side of the reported contrast, whatever its size, p value and interval; nothing is "
              "pooled")
    return Content(facts, table, method, summary, "Effect-direction table", sources_of(chosen),
                   ("outcomes", "studies"), draw)


def _key(review: Review, table: pd.DataFrame, neither: str) -> tuple[str, str]:
    """What marks and italics mean, in two lines; only of what is drawn."""
    sides = set(table["side"])
    arrows = (f"Arrow: side of the estimate only, whatever its p:   ◀ favours "
              f"{review.intervention}   ▶ favours {review.control}")
    doubt = f"   {DOUBT} {CONTROL_UNKNOWN}" * (not table["control_stated"].all())
    others = [
        f"○ {neither}" * ("neither" in sides),
        "□ direction not readable" * ("unclear" in sides),
        "open arrow, italics: unverified" * bool((table["verification"] == "unverified").any()),
    ]
    return arrows + doubt, "   ".join(words for words in others if words)
