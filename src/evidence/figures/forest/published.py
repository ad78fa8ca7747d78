"""Published: pooled results of other reviews beside this review's, one axis for each measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from evidence.appraisal import beside_ours
from evidence.figures.figure import Content, Spec, figure_kind, pick
from evidence.figures.forest.plot import paged_forest
from evidence.figures.forest.rows import Row, forest_columns
from evidence.figures.scale import Scale, effect_scale
from evidence.pooling import Pool, analysis_rows, favours_words, outcome_effects
from evidence.review import RATIO_KINDS, Review
from evidence.wording import Row as Fact
from evidence.wording import signed

USUAL = ("vs_placebo", "vs_control")  # said once, in the heading
CONTRASTS = {"vs_any": "any control", "vs_active": "active drugs", "pre_post": "before-after"}
MEASURES = {
    "mean_difference": "Mean difference{usual}, points of the scale",
    "standardised_mean_difference": "Standardised mean difference{usual}",
}
TOO_WIDE = 5.0  # an interval so many median widths wide does not set the scale


def block_scale(table: pd.DataFrame) -> Scale:
    """An axis for pools of one measure: logarithmic with its line at 1 for ratios."""
    is_ratio = table["effect_measure"].iloc[0] in RATIO_KINDS
    turn = np.log if is_ratio else np.asarray
    low, high = (turn(table[end].to_numpy(float)) for end in ("ci_low", "ci_high"))
    kept = (high - low <= TOO_WIDE * np.nanmedian(high - low)) | (table["review"] == "").to_numpy()
    chosen = table[kept]
    limits = [*chosen["ci_low"].dropna(), *chosen["ci_high"].dropna()]
    return effect_scale(table["effect"], zip(table["ci_low"], table["ci_high"], strict=True),
                        [1.0 if is_ratio else 0.0, *limits], is_ratio=is_ratio)


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
    ours = [analyses[name]  for name in spec.select if name in analyses]
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
    table = table.sort_values("effect_measure", key=lambda column: column != first, kind="stable")
    blocks = [block for _, block in table.groupby("effect_measure", sort=False)]
    scales = aligned([block_scale(block) for block in blocks])
    lines = _rows(review, blocks, scales, spec)
    odd = table[~table["p_fits"]]
    missing = _without_sd(review, ours[0])
    facts = {
        "published": {row["id"]: Fact(row) for row in table.to_dict("records")},
        "n_published": len(rows), "n_odd": len(odd),
        "n_unstated": int(table["k"].isna().sum()),
        "without_sd": missing, "n_without_sd": len(missing),
        "notes": [
            f"({letters[name]}) {_words(review, row, blocks[0])}{_implied(odd, letters[name])}"
            for name, row in notes.iterrows()
        ],
    }
    arms = review.intervention, review.control

    paged = partial(paged_forest, lines, forest_columns(lines, "Effect", arms), scales,
                    sides=favours_words(ours[0].higher_is, *arms))

    summary = "; ".join(
        f"{line.label}, {line.cells['details']}: "
        + line.cells["effect"].replace("[", "(").replace("]", ")")
        for line in lines if line.kind in ("study", "pool")
    ) + ". " + " ".join(facts["notes"])
    method = (ours[0].method_line.rstrip(".").replace("Random", "Ours: random", 1)
              + ". Published pools as printed")
    sources = tuple(dict.fromkeys(rows["review"]))
    numbers = table.drop(columns=["name", "details", "other_condition"])
    return Content(facts, numbers, method, summary, "Forest plot of published pools", sources,
                   ("published_pooled", "discrepancies", "outcomes", "studies", "analyses"),
                   paged()[0], paged=lambda style: paged(style=style))


def aligned(scales: list[Scale]) -> list[Scale]:
    """The scales with their value of no difference at the same place, each as long as needed."""
    places = [min(max(scale.place(scale.null), 0.05), 0.95) for scale in scales]
    if len({scale.is_ratio for scale in scales}) > 1 or scales[0].is_ratio:
        return scales
    before, after = max(places), max(1 - place for place in places)
    share = before / (before + after)
    found = []
    for scale in scales:
        unit = max((scale.null - scale.low) / share, (scale.high - scale.null) / (1 - share))
        found.append(replace(scale, low=scale.null - share * unit,
                             high=scale.null + (1 - share) * unit))
    return found


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


def _without_sd(review: Review, pool: Pool) -> list[str]:
    """Trials of a pool whose row cannot be standardised."""
    rows = analysis_rows(review).loc[[row.outcome_id for row in pool.studies]]
    effects = outcome_effects(rows, "SMD")
    return [review.bibliography.cite(s) for s in effects.loc[~effects["included"], "study"]]


def _name(review: Review, row: Mapping) -> str:
    if not row["review"]:
        return "This review"
    return review.bibliography.cite(row["review"])


def _details(row: Mapping) -> str:
    """Number of trials and what tells the row from others: contrast or analysis, condition."""
    parts = ["k not stated" if pd.isna(row["k"]) else f"k = {row['k']}"]
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


def _rows(review: Review, blocks: list[pd.DataFrame], scales: list[Scale],
          spec: Spec) -> list[Row]:
    """A heading and the pools of each measure; each block but the last ends with its axis."""
    lines: list[Row] = []
    for table, scale in zip(blocks, scales, strict=True):
        if lines:
            lines.append(Row("axis", height=1.6))
        lines.append(Row("heading", _heading(review, table)))
        for row in table.to_dict("records"):
            ours = not row["review"]
            cells = {"details": row["details"], "effect":
                     f"{scale.number(row['effect'])} "
                     f"{scale.interval(row['ci_low'], row['ci_high'])}"}
            lines.append(Row(
                "pool" if ours else "study", row["name"], cells, row["effect"], row["ci_low"],
                row["ci_high"], share=0.45, crossover=row["contrast"] == "pre_post", bold=ours,
                focus=row["id"] in spec.emphasis, indented=True,
            ))
    return lines


def _heading(review: Review, table: pd.DataFrame) -> str:
    """Measure of a panel, and what most of its rows compare with."""
    usual = table["contrast"].isin(USUAL)
    words = "" if not usual.any() else f" from {review.control}" if usual.all() else (
        f", from {review.control} unless named")
    measure = table["effect_measure"].iloc[0]
    plain = str(measure).replace("_", " ").capitalize() + "{usual}"
    return MEASURES.get(measure, plain).format(usual=words)
