"""Directions: what single trials of further conditions report, each interval on its own scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import ndtri

from evidence.figures import page
from evidence.figures.figure import Content, Spec, figure_kind, pick, sources_of
from evidence.figures.marks import head, key
from evidence.review import Z95, Review, design
from evidence.wording import in_words, interval, p_value, signed, together

SIDES = ("intervention", "control", "neither", "unclear")
UNITS = {"percent_point_difference": " percentage points"}
CONTROL_UNKNOWN = "control not stated"
REACH = 3.0  # half-widths of an interval from the line of no difference to the end of the axis
PLOT, RESULT = (0.40, 0.66), 0.685  # ends of the axis and start of the results, shares of the body
LINE = 1.22  # of a text, in font sizes
LARGEST, SMALLEST, GROWN = 18.0, 12.0, 16.0  # points; the last where the page may grow
KEY = 0.3  # inches
CONCLUSIVE = {"marker": "s", "ms": 11, "color": page.MESSAGE, "ls": "none"}
OPEN = CONCLUSIVE | {"color": page.CONTEXT}
COMPUTED = {"color": page.CONTEXT, "lw": 2.5, "ls": (0, (2, 1.2))}


def direction_table(review: Review, outcomes: pd.DataFrame) -> pd.DataFrame:
    """What each outcome says, in words.

    Returns
    -------
    DataFrame
        Columns condition, study, trial, outcome, side (intervention, control, neither, unclear),
        result, n (Int64), design, verification; middle (the estimate in half-widths of its
        interval, negative where it favours the intervention; NaN without an interval), computed
        (whether the interval comes from the p value), conclusive (whether it excludes no
        difference).
    """
    studies = review.table("studies").set_index("study")
    rows = []
    for _, row in outcomes.iterrows():
        study = studies.loc[row["study"]]
        people = _people(row, study)
        where = "" if pd.isna(people) else f", {together(f'n = {people:.0f}')}"
        words = design(study["design"]).short.removesuffix(" trial")
        middle, computed = standing(row)
        side = _side(review, row)
        rows.append({
            "condition": study["condition_label"].removesuffix(", adults"),
            "study": row["study"],
            "trial": f"{review.bibliography.cite(row['study'])}{where}, {words}",
            "outcome": row["domain"].replace("_", " "), "side": side,
            "result": _result(row, study), "n": people, "design": study["design"],
            "verification": row["verification"],
            "middle": np.nan if side == "unclear" else middle, "computed": computed,
            "conclusive": abs(middle) > 1 and side != "unclear",
        })
    return pd.DataFrame(rows).astype({"n": "Int64"})


def standing(row: pd.Series) -> tuple[float, bool]:
    """Where an estimate stands, in half-widths of its 95 % interval, and whether that width comes
    from its p value.

    Ratios are taken as logarithms. Negative means in favour of the intervention, whichever end of
    the scale is the good one; NaN where there is neither an interval nor an exact p value.
    """
    is_ratio = str(row["effect_measure"]).endswith("ratio")
    effect, low, high = (
        float(np.log(row[name]) if is_ratio else row[name]) if pd.notna(row[name]) else np.nan
        for name in ("effect", "effect_ci_low", "effect_ci_high")
    )
    sign = -1.0 if row["higher_is"] == "better" else 1.0
    if high > low:
        return sign * effect / ((high - low) / 2), False
    exact = pd.notna(row["p_value"]) and row["p_relation"] == "="
    if exact and effect:
        z = -ndtri(row["p_value"] / 2)
        return sign * np.sign(effect) * float(z) / Z95, True
    return np.nan, False


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
    if not _has_placebo(study):
        named = _comparator(study)
        parts.append(f"against {named}" if named else CONTROL_UNKNOWN)
    elif not parts:
        parts.append("no number")
    return signed(", ".join(parts))


def directions(table: pd.DataFrame, ax: Axes, sides: tuple[str, str], note: str = "") -> Axes:
    """Draw each row as two lines of text, its interval and its result.

    Every interval has the same length, so that only its place beside the line of no difference
    tells rows apart; one that excludes it is drawn in the colour of the message.

    Parameters
    ----------
    table : DataFrame
        Rows of `direction_table` with an interval, top first.
    ax : Axes
        Its limits become inches of the region.
    sides : tuple of str
        What the left and the right side of the line mean.
    note : str
        Text below the rows.

    Returns
    -------
    Axes
    """
    width, height = page.in_inches(ax)
    size, (cells, notes) = LARGEST, _cells(table, note, width, LARGEST)
    while size > SMALLEST and _height(cells, notes, size) > height:
        size -= 0.5
        cells, notes = _cells(table, note, width, size)
    em = size / 72
    pad = min(0.9 * em, max(0.3 * em, (height - _height(cells, notes, size, 0.0)) / len(cells)))
    left, right = (share * width for share in PLOT)
    null, unit = (left + right) / 2, (right - left) / 2 / REACH
    y = height
    for row, (name, trial, result) in zip(table.to_dict("records"), cells, strict=True):
        tall = _lines(name, trial, result) * LINE * em + pad
        middle = y - tall / 2
        text = {"size": size, "va": "center", "linespacing": 1.05}
        ax.plot([0, width], [y, y], color=page.PALE, lw=0.8)
        shade = page.MESSAGE if row["conclusive"] else page.INK
        top = middle + (len(name) + len(trial)) * LINE * em / 2
        ax.text(0, top, "\n".join(name), size=size, va="top", weight="bold", color=shade,
                linespacing=1.05)
        ax.text(0, top - len(name) * LINE * em, "\n".join(trial), size=size, va="top",
                color=page.GREY, linespacing=1.05)
        ax.text(RESULT * width, middle, "\n".join(result), color=shade, **text)
        _interval(ax, row, middle, null, unit, (left, right))
        y -= tall
    ax.plot([null, null], [y, height], color=page.INK, lw=1, zorder=1)
    ax.plot([left, right], [y, y], color=page.INK, lw=1)
    for x, text, side in ((null - 0.5 * em, f"← {sides[0]}", "right"),
                          (null + 0.5 * em, f"{sides[1]} →", "left")):
        ax.text(x, y - 0.35 * em, text, size=size, ha=side, va="top")
    ax.text(0, y - 2.3 * em, "\n".join(notes), size=size, va="top", color=page.GREY,
            linespacing=1.05)
    return ax


def _cells(table: pd.DataFrame, note: str, width: float, size: float) -> tuple[list, list]:
    """Wrapped texts of the rows and of the note."""
    name, result = PLOT[0] * width - 0.15, (1 - RESULT) * width
    rows = [
        (page.broken(f"{row['condition']}: {row['outcome']}", name, size, "bold"),
         page.broken(row["trial"], name, size), page.broken(row["result"], result, size))
        for row in table.to_dict("records")
    ]
    return rows, page.broken(note, width, size) if note else []


def _lines(name: list, trial: list, result: list) -> int:
    return max(len(name) + len(trial), len(result))


def _height(cells: list, notes: list, size: float, pad: float = 0.3) -> float:
    """Inches that rows, axis and note need."""
    lines = sum(_lines(*cell) * LINE + pad for cell in cells) + LINE * len(notes) + 2.6
    return lines * size / 72


def _interval(ax: Axes, row: Mapping[str, Any], y: float, null: float, unit: float,
              ends: tuple[float, float]) -> None:
    look = CONCLUSIVE if row["conclusive"] else OPEN
    low, middle, high = (null + unit * (row["middle"] + step) for step in (-1, 0, 1))
    ax.plot(np.clip([low, high], *ends), [y, y], color=look["color"], lw=2.5, zorder=2,
            ls=COMPUTED["ls"] if row["computed"] else "-")
    for value, end, sign in ((low, ends[0], -1), (high, ends[1], 1)):
        if not ends[0] <= value <= ends[1]:
            head(ax, end, y, sign, look["color"])
    if ends[0] <= middle <= ends[1]:
        ax.plot(middle, y, zorder=3, **look)


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
    drawn = known[known["middle"].notna()]
    sides_ = known["side"].value_counts()
    trials = table.groupby("condition")["study"].nunique().agg(["min", "max"]).tolist()
    facts = {
        "trials_each": (" or " if trials[1] - trials[0] < 2 else " to ").join(
            in_words(count) for count in dict.fromkeys(trials)),
        "largest": int(table["n"].max()),
        "n_rows": len(table), "n_trials": table["study"].nunique(),
        "n_conditions": table["condition"].nunique(), "n_known": len(known),
        "n_drawn": len(drawn), "n_conclusive": int(drawn["conclusive"].sum()),
        "n_unverified": len(table) - len(known),
        **{f"n_{side}": int(sides_.get(side, 0)) for side in SIDES},
    }
    silent = known[known["middle"].isna()]
    note = "No interval to place: " + "; ".join(
        f"{row['condition']} ({row['trial'].split(', ')[0]}"
        + ", direction not stated" * (row["side"] == "unclear" and row["result"][:2] != "no") + ")"
        for row in silent.to_dict("records")) + "." if len(silent) else ""
    sides = f"favours {review.intervention}", f"favours {review.control}"

    def draw(figure: Figure) -> Axes:
        wide = page.BODY[2] * figure.get_figwidth()
        page.grow(figure, _height(*_cells(drawn, note, wide, GROWN), GROWN) + KEY)
        x, bottom, width, height = page.region(figure)
        ax = figure.add_axes((x, bottom, width, height - KEY / figure.get_figheight()))
        directions(drawn, ax, sides, note)
        entries = [(CONCLUSIVE, "excludes no difference"), (OPEN, "includes it")]
        if drawn["computed"].any():
            entries.append((COMPUTED, "interval from the p value"))
        key(figure, x, bottom + height, entries)
        return ax

    summary = "; ".join(
        f"{row['condition']}, {row['trial']}, {row['outcome']}: {row['result']}, "
        + ("excludes no difference" if row["conclusive"] else "includes no difference"
           if pd.notna(row["middle"]) else "no interval")
        for row in known.to_dict("records")
    ) + "."
    method = "Each 95 % interval drawn on its own scale, all equally long; nothing is pooled"
    return Content(facts, table, method, summary, "Intervals, each on its own scale",
                   sources_of(chosen), ("outcomes", "studies"), draw)
