"""Published: pooled results of other reviews beside this review's, one panel per measure.

A panel never mixes measures. Before-and-after pools of one arm are open circles and say so; what
does not fit together carries a letter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evidence.appraisal import beside_ours
from evidence.figures import page
from evidence.figures.figure import Content, Spec, figure_kind, pick
from evidence.figures.scale import Scale, tick_text
from evidence.pooling import Synthesis, analysis_rows, favours_words, outcome_effects
from evidence.review import Review
from evidence.wording import Row, in_words, interval, signed

SIZE = 14
USUAL = ("vs_placebo", "vs_control")  # said once, in the heading
CONTRASTS = {"vs_any": "any control", "vs_active": "active drugs", "pre_post": "○ before-after"}
HEADINGS = {
    "mean_difference": "Mean difference{usual}, points of the scale",
    "standardised_mean_difference": "Standardised mean difference{usual}",
}
TOO_WIDE = 5.0  # an interval so many median widths wide does not set the scale
HEAD, FOOT, ROW, GAP = 0.30, 0.62, 0.30, 0.12  # inches: heading, axis, largest row, columns
NOTES = 0.36  # share of the width beside the first panel


def panel_scale(table: pd.DataFrame) -> Scale:
    """An axis that holds every effect, our intervals, and all others but those far wider."""
    low, high = (table[end].to_numpy(float) for end in ("ci_low", "ci_high"))
    widths = high - low
    kept = (widths <= TOO_WIDE * np.nanmedian(widths)) | (table["review"] == "").to_numpy()
    effects, room = table["effect"].to_numpy(float), 0.25 * np.nanmedian(widths)
    values = [[0.0], low[kept], high[kept], effects[~kept] - room, effects[~kept] + room, effects]
    first, last = np.nanmin(np.concatenate(values)), np.nanmax(np.concatenate(values))
    pad = 0.05 * (last - first or 1.0)
    return Scale(first - pad, last + pad, is_ratio=False, digits=2)


def panel(table: pd.DataFrame, ax: Axes, *, places: tuple[float, float, float],
          sides: tuple[str, str]) -> Axes:
    """Draw pooled results of one measure, top row first.

    Parameters
    ----------
    table : DataFrame
        As `appraisal.published.beside_ours` returns it, with columns ``name`` and ``details``.
    ax : Axes
    places : tuple of float
        Where names and details begin and numbers end, as fractions of the figure.
    sides : tuple of str
        What the left and the right side of zero mean.

    Returns
    -------
    Axes
    """
    scale = panel_scale(table)
    points = 72 * ax.figure.get_figwidth()
    *offsets, last = ((place - ax.get_position().x0) * points for place in places)
    for y, row in enumerate(table.to_dict("records")):
        ours = not row["review"]
        colour = page.VERMILION if ours else page.BLUE
        marker = "D" if ours else "o" if row["contrast"] == "pre_post" else "s"
        low, high = (min(max(row[e], scale.low), scale.high) for e in ("ci_low", "ci_high"))
        ax.plot([low, high], [y, y], color=colour, lw=2)
        ax.plot(row["effect"], y, marker, ms=9, color=colour, mew=2,
                mfc="white" if row["contrast"] == "pre_post" else colour)
        for end, sign in (("ci_low", "<"), ("ci_high", ">")):
            if not scale.inside(row[end]):
                ax.plot(scale.low if sign == "<" else scale.high, y, sign, color=colour, ms=9,
                        clip_on=False)
        for offset, words in zip(offsets, (row["name"], row["details"]), strict=True):
            ax.annotate(words, (0, y), xycoords=("axes fraction", "data"), xytext=(offset, 0),
                        textcoords="offset points", size=SIZE, va="center_baseline",
                        weight="bold" if ours else "normal")
        ax.annotate(_values(row), (0, y), xycoords=("axes fraction", "data"), xytext=(last, 0),
                    textcoords="offset points", size=SIZE, va="center_baseline", ha="right")
    ax.axvline(0, color=page.INK, lw=1, zorder=0)
    ax.set(xlim=(scale.low, scale.high), ylim=(len(table) - 0.4, -0.6), yticks=[])
    ax.spines["left"].set_visible(False)
    ticks = scale.ticks(5)
    ax.set_xticks(ticks, [tick_text(value) for value in ticks])
    for shift, words, side in ((-8, f"← {sides[0]}", "right"), (8, f"{sides[1]} →", "left")):
        ax.annotate(words, (0, 0), xycoords=("data", "axes fraction"), xytext=(shift, -24),
                    textcoords="offset points", ha=side, va="top", size=SIZE)
    return ax


def _values(row: Mapping) -> str:
    text = f"{row['effect']:.2f} ({interval(row['ci_low'], row['ci_high'])})"
    return text.replace("-", "−")


@figure_kind(
    "published", tables=("published_pooled",), ids=1,
    columns={
        "discrepancies": "id subject studies values_reported",
        "published_pooled": (
            "pooled_id review outcome condition contrast k n "
            "effect_measure effect ci_low ci_high p_value verification"
        ),
        "studies": "condition",
    },
)
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """Selected analyses, rows of published_pooled.csv and, as notes, of discrepancies.csv."""
    ours = [analyses[name].synthesis for name in spec.select if name in analyses]
    notes = review.table("discrepancies")
    notes = notes.set_index("id") if len(notes) else notes
    notes = notes.loc[[name for name in spec.select if name in notes.index]]
    named = [name for name in spec.select if name not in analyses and name not in notes.index]
    rows = pick(review.table("published_pooled").set_index("pooled_id", drop=False), named)
    table = beside_ours(rows, ours)
    letters = dict(zip(notes.index, "abcdefgh", strict=False))
    table["marks"] = [_marks(row, notes, letters) for row in table.to_dict("records")]
    table["other_condition"] = _other_conditions(review, table, rows["condition"])
    table["name"] = [_name(review, row) for row in table.to_dict("records")]
    table["details"] = [_details(row) for row in table.to_dict("records")]
    first = table["effect_measure"].iloc[0]
    shared, apart = table[table["effect_measure"] == first], table[table["effect_measure"] != first]
    odd = table[~table["p_fits"]]
    missing = _without_sd(review, ours[0])
    facts = {
        "published": {row["id"]: Row(row) for row in table.to_dict("records")},
        "n_published": len(rows), "n_odd": len(odd),
        "n_unstated": int(table["k"].isna().sum()),
        "without_sd": missing, "n_without_sd": len(missing),
        "notes": [
            f"({letters[name]}) {_words(review, row, shared)}{_implied(odd, letters[name])}"
            for name, row in notes.iterrows()
        ],
    }
    why = (f"None of ours here: {in_words(len(missing))} of {in_words(ours[0].k)} trials give no "
           "SD of this outcome." if missing else "")

    def draw(figure: Figure) -> None:
        _draw(figure, review, [part for part in (shared, apart) if len(part)], why,
              facts["notes"], ours[0].higher_is)

    summary = "; ".join(
        f"{row['name']}, {row['details']}: {_values(row)}" for row in table.to_dict("records")
    ) + ". " + " ".join(facts["notes"])
    method = (ours[0].method_line.rstrip(".").replace("Random", "Ours: random", 1)
              + ". Published pools as printed; k ? = not stated")
    sources = tuple(dict.fromkeys(rows["review"]))
    numbers = table.drop(columns=["name", "details", "other_condition"])
    return Content(facts, numbers, method, summary, "Forest plot in two panels", sources,
                   ("published_pooled", "discrepancies", "outcomes", "studies", "analyses"), draw)


def _other_conditions(review: Review, table: pd.DataFrame, conditions: pd.Series) -> list[str]:
    """Condition of each row that is not about the one of most rows, else nothing."""
    codes = table["id"].map(conditions)
    usual = codes.mode().iloc[0]
    studies = review.table("studies").drop_duplicates("condition").set_index("condition")
    labels = studies.get("condition_label", pd.Series(dtype=str))
    names = []
    for code in codes:
        label = str(labels.get(code, str(code).replace("_", " "))).split(",")[0]
        names.append("" if pd.isna(code) or code == usual else label[:1].lower() + label[1:])
    return names


def _marks(row: Mapping, notes: pd.DataFrame, letters: Mapping[str, str]) -> str:
    """Letters of the notes about a row's review; one about a p value only where it does not fit."""
    marks = []
    for name, note in notes.iterrows():
        about = row["review"] in str(note["studies"]).split(";")
        alone = ";" not in str(note["studies"])
        if row["review"] and about and not (alone and row["p_fits"]):
            marks.append(letters[name])
    return " ".join(marks)


def _implied(odd: pd.DataFrame, letter: str) -> str:
    """What the interval of a marked row says about its p value."""
    about = [p for p, marks in zip(odd["implied_p"], odd["marks"], strict=True) if letter in marks]
    return f"; this interval goes with {about[0]:.2f}" if about else ""


def _without_sd(review: Review, pool: Synthesis) -> list[str]:
    """Trials of a pool whose row cannot be standardised."""
    rows = analysis_rows(review).loc[[row.outcome_id for row in pool.studies]]
    effects = outcome_effects(rows, "SMD")
    return [review.bibliography.cite(s) for s in effects.loc[~effects["included"], "study"]]


def _name(review: Review, row: Mapping) -> str:
    if not row["review"]:
        return "This review"
    marks = f" ({', '.join(row['marks'].split())})" if row["marks"] else ""
    return f"{review.bibliography.cite(row['review'])}{marks}"


def _details(row: Mapping) -> str:
    """Number of trials and what tells the row from others: contrast or analysis, condition."""
    parts = ["k ?" if pd.isna(row["k"]) else f"k = {row['k']}"]
    if row["contrast"] not in USUAL:
        parts.append(CONTRASTS.get(row["contrast"], str(row["contrast"]).replace("_", " ")))
    elif row["review"] and ", " in row["outcome"]:
        parts.append(row["outcome"].split(", ", 1)[1])
    return ", ".join([*parts, *[row["other_condition"]] * bool(row["other_condition"])])


def _words(review: Review, note: pd.Series, panel: pd.DataFrame) -> str:
    """What a discrepancy says, keys turned into citations; its subject alone where the rows of one
    panel show the values."""
    keys = str(note["studies"]).split(";")
    if len(keys) > 1 and set(keys) <= set(panel["review"]):
        return str(note["subject"])
    text = str(note["values_reported"])
    for key in keys:
        text = text.replace(key, review.bibliography.cite(key))
    return signed(text.replace(" -", " −").replace("(-", "(−"))


def _draw(figure: Figure, review: Review, panels: list[pd.DataFrame], why: str,
          notes: list[str], higher_is: str) -> None:
    """Panels one above the other; the notes stand beside the first, which is short."""
    x, bottom, width, height = page.BODY
    inch_x, inch_y = (1 / size for size in figure.get_size_inches())
    top, bottom = bottom + height, bottom - 0.1 * inch_y
    free = (top - bottom) / inch_y - len(panels) * (HEAD + FOOT)
    row = min(ROW, free / sum(len(table) for table in panels))
    sides = favours_words(higher_is, review.intervention, review.control)
    y = top
    for number, table in enumerate(panels):
        right = x + width * (1 - NOTES) - 2 * GAP * inch_x if number == 0 else x + width
        figure.text(x, y, _heading(review, table), size=SIZE + 1, weight="bold", va="top")
        starts = x, x + _widest(figure, table, table["name"]) + GAP * inch_x
        begin = starts[1] + _widest(figure, table, table["details"]) + 2 * GAP * inch_x
        end = right - _widest(figure, table, table.apply(_values, axis=1)) - 2 * GAP * inch_x
        tall = len(table) * row * inch_y
        y -= HEAD * inch_y + tall
        panel(table, figure.add_axes((begin, y, end - begin, tall)), places=(*starts, right),
              sides=sides)
        y -= FOOT * inch_y
    if len(panels) > 1:
        figure.text(x, y + 0.04 * inch_y, why, size=SIZE, color=page.GREY, va="bottom")
    place = x + width * (1 - NOTES)
    for text in notes:
        top = page.write(figure, place, top, text, size=SIZE, lines=6, width=width * NOTES) - 0.008


def _heading(review: Review, table: pd.DataFrame) -> str:
    """Measure of a panel, and what most of its rows compare with."""
    usual = table["contrast"].isin(USUAL)
    words = "" if not usual.any() else f" from {review.control}" if usual.all() else (
        f", from {review.control} unless named")
    measure = table["effect_measure"].iloc[0]
    plain = str(measure).replace("_", " ").capitalize() + "{usual}"
    return HEADINGS.get(measure, plain).format(usual=words)


def _widest(figure: Figure, table: pd.DataFrame, texts: pd.Series) -> float:
    weights = ["normal" if review else "bold" for review in table["review"]]
    return max(page.text_width(figure, text, SIZE, weight)
               for text, weight in zip(texts, weights, strict=True))
