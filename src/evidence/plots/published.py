"""Published: pooled results of other reviews beside this review's, one panel per measure.

A panel never mixes measures. Before-and-after pools of one arm are open circles and say so; what
does not fit together carries a letter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evidence.analysis import analysis_rows
from evidence.effects import outcome_effects
from evidence.exhibits import Content, Spec
from evidence.facts import Row
from evidence.plots import page
from evidence.plots.scale import effect_scale, tick_text
from evidence.prose import in_words, interval, signed
from evidence.published import beside_ours
from evidence.results import Synthesis
from evidence.review import Review

SIZE = 14
LEFT_SHARE = 0.44
CONTRASTS = {
    "vs_placebo": "{control}", "vs_any": "any control", "vs_active": "active drugs",
    "pre_post": "○ before-after",
}


def panel(table: pd.DataFrame, ax: Axes, labels: list[str]) -> Axes:
    """Draw pooled results of one measure, top row first.

    Parameters
    ----------
    table : DataFrame
        As `evidence.published.beside_ours` returns it.
    ax : Axes
    labels : list of str
        Text of each row, one or two lines, left of the axes.

    Returns
    -------
    Axes
    """
    limits = table[["ci_low", "ci_high"]].to_numpy(float)
    scale = effect_scale(table["effect"].tolist(), [tuple(pair) for pair in limits], [0.0],
                         is_ratio=False)
    for y, (row, label) in enumerate(zip(table.to_dict("records"), labels, strict=True)):
        ours = not row["review"]
        colour = page.VERMILION if ours else page.BLUE
        marker = "D" if ours else "o" if row["contrast"] == "pre_post" else "s"
        low, high = (min(max(row[e], scale.low), scale.high) for e in ("ci_low", "ci_high"))
        ax.plot([low, high], [y, y], color=colour, lw=2)
        ax.plot(row["effect"], y, marker, ms=10, color=colour, mew=2,
                mfc="white" if row["contrast"] == "pre_post" else colour)
        for end, sign in (("ci_low", "<"), ("ci_high", ">")):
            if not scale.inside(row[end]):
                ax.plot(scale.low if sign == "<" else scale.high, y, sign, color=colour, ms=9)
        ax.annotate(label, (0, y), xycoords=("axes fraction", "data"), xytext=(-10, 0), size=SIZE,
                    textcoords="offset points", ha="right", va="center", linespacing=1.0,
                    weight="bold" if ours else "normal")
        words = f"{row['effect']:.2f}\n{interval(row['ci_low'], row['ci_high'])}"
        ax.annotate(words.replace("-", "−"), (1, y), xycoords=("axes fraction", "data"), size=SIZE,
                    xytext=(10, 0), textcoords="offset points", ha="left", va="center",
                    linespacing=1.0)
    ax.axvline(0, color=page.INK, lw=1, zorder=0)
    ax.set(xlim=(scale.low, scale.high), ylim=(len(table) - 0.4, -0.6), yticks=[])
    ax.spines["left"].set_visible(False)
    ticks = scale.ticks(4)
    ax.set_xticks(ticks, [tick_text(value) for value in ticks])
    return ax


def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """Selected analyses, rows of published_pooled.csv and, as notes, of discrepancies.csv."""
    ours = [analyses[name].synthesis for name in spec.select if name in analyses]
    notes = review.table("discrepancies")
    notes = notes.set_index("id") if len(notes) else notes
    notes = notes.loc[[name for name in spec.select if name in notes.index]]
    named = [name for name in spec.select if name not in analyses and name not in notes.index]
    rows = review.table("published_pooled").set_index("pooled_id", drop=False).loc[named]
    table = beside_ours(rows, ours)
    letters = dict(zip(notes.index, "abcdefgh", strict=False))
    table["marks"] = [_marks(row, notes, letters) for row in table.to_dict("records")]
    conditions = table["id"].map(rows["condition"])
    usual = conditions.mode().iloc[0]
    named = conditions.where(conditions.notna() & (conditions != usual), "")
    table["other_condition"] = named.str.replace("_", " ")
    table["label"] = [_label(review, row) for row in table.to_dict("records")]
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
            f"({letters[name]}) {_words(review, row)}{_implied(odd, letters[name])}"
            for name, row in notes.iterrows()
        ],
    }
    only = (f"Right: published ones only, since {in_words(len(missing))} of this review’s "
            f"{in_words(ours[0].k)} trials give no SD of this outcome.")

    def draw(figure: Figure) -> None:
        _draw(figure, review, shared, apart, [*facts["notes"], only])

    summary = "; ".join(
        f"{row['label'].replace(chr(10), ' ')}: {row['effect']:.2f} "
        f"({interval(row['ci_low'], row['ci_high'])})" for row in table.to_dict("records")
    ).replace(" -", " −") + ". " + " ".join(facts["notes"])
    method = (ours[0].method_line.rstrip(".").replace("Random", "Ours: random", 1)
              + ". Published pools as printed; k ? = not stated")
    sources = tuple(dict.fromkeys(rows["review"]))
    return Content(facts, table.drop(columns=["label", "other_condition"]), method, summary,
                   "Forest plot in two panels", sources,
                   ("published_pooled", "discrepancies", "outcomes", "studies", "analyses"), draw)


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


def _label(review: Review, row: Mapping) -> str:
    count = "k ?" if pd.isna(row["k"]) else f"k = {row['k']}"
    if not row["review"]:
        return f"This review\n{count}"
    marks = f" ({', '.join(row['marks'].split())})" if row["marks"] else ""
    contrast = CONTRASTS.get(row["contrast"], row["contrast"]).format(control=review.control)
    other = f", {row['other_condition']}" if row["other_condition"] else ""
    return f"{review.bibliography.cite(row['review'])}{marks}\n{count}, {contrast}{other}"


def _words(review: Review, note: pd.Series) -> str:
    """What a discrepancy says, keys turned into citations."""
    text = str(note["values_reported"])
    for key in str(note["studies"]).split(";"):
        text = text.replace(key, review.bibliography.cite(key))
    return signed(text.replace(" -", " −").replace("(-", "(−"))


def _draw(figure: Figure, review: Review, shared, apart, notes: list[str]) -> None:
    x, bottom, _, height = page.BODY
    top = bottom + height
    step = (height - 0.13) / max(len(apart), 1)
    style = {"size": SIZE + 1, "weight": "bold", "va": "top"}
    figure.text(x, top, "Mean difference, points of the scale", **style)
    figure.text(x + LEFT_SHARE, top, "Standardised mean difference", **style)
    tall = 1.1 * step * len(shared)
    left = figure.add_axes((x + 0.19, top - 0.055 - tall, 0.115, tall))
    panel(shared, left, shared["label"].tolist())
    right = figure.add_axes((x + LEFT_SHARE + 0.278, bottom + 0.075, 0.082, step * len(apart)))
    panel(apart, right, apart["label"].tolist())
    for axes in (left, right):
        axes.annotate(f"← favours {review.intervention}   favours {review.control} →", (0, 0),
                      xycoords=("data", "axes fraction"), xytext=(0, -26), ha="center", va="top",
                      textcoords="offset points", size=SIZE)
    y = top - 0.055 - tall - 0.105
    for text in notes:
        y = page.write(figure, x, y, text, size=SIZE, lines=6, width=LEFT_SHARE - 0.03) - 0.01
