"""Arms: what each result reports in both arms, where nothing can be pooled, and why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evidence.figures import page
from evidence.figures.figure import Content, Spec, figure_kind, pick, sources_of
from evidence.figures.marks import key
from evidence.pooling import analysis_rows, outcome_effects
from evidence.review import ARMS, Review
from evidence.wording import in_words, joined, p_words, plural, signed

MOST = 7  # rows of a page
VALUES = (("pct", " %"), ("change_pct", " %"), ("change", ""), ("mean", ""))
WORDS = {"pct": "with the event", "change_pct": "change", "change": "change", "mean": "mean"}
PLOT, TEXT = (0.42, 0.66), 0.69  # ends of the axis and start of the words, shares of the width
NONE = "no number for either arm"
LINE = 1.25  # of a text, in font sizes
LARGEST, SMALLEST = 15.0, 10.0  # points


def arm_table(review: Review, rows: pd.DataFrame) -> pd.DataFrame:
    """What each result says in both arms.

    Parameters
    ----------
    rows : DataFrame
        Rows of `evidence.pooling.analysis_rows`.

    Returns
    -------
    DataFrame
        Columns study, outcome, intervention and control (per cent of the people with the event;
        NaN where the result is no share), said (both arms in words) and reason (why it is not
        pooled).
    """
    found = []
    for name, row in rows.iterrows():
        measure = "RR" if _known(row, "pct") else "MD"
        reason = outcome_effects(rows.loc[[name]], measure)["reason"].iloc[0]
        what = row.get("instrument")
        if pd.isna(what):
            what = row.get("event", row.get("domain"))
        week = f", week {row['week']:g}" if pd.notna(row.get("week")) else ""
        share = _known(row, "pct")
        found.append({
            "study": row["study"], "outcome": f"{str(what).replace('_', ' ')}{week}",
            "intervention": row.get("intervention_pct") if share else None,
            "control": row.get("control_pct") if share else None,
            "said": _said(review, row), "reason": str(reason or ""),
        })
    return pd.DataFrame(found).astype({"intervention": "float64", "control": "float64"})


def _known(row: pd.Series, value: str) -> bool:
    return any(pd.notna(row.get(f"{arm}_{value}")) for arm in ARMS)


def _said(review: Review, row: pd.Series) -> str:
    parts = []
    for value, unit in VALUES:
        if _known(row, value):
            arms = [row.get(f"{arm}_{value}") for arm in ARMS]
            texts = ["not reported" if pd.isna(arm) else signed(f"{arm:g}{unit}") for arm in arms]
            parts.append(f"{WORDS[value]}: {texts[0]} on {review.intervention}, {texts[1]} on "
                         f"{review.control}")
            break
    if pd.notna(row.get("p_value")):
        parts.append(p_words(row["p_value"]))
    return "; ".join(parts) or NONE


def arms(table: pd.DataFrame, ax: Axes, labels: Mapping[str, str]) -> Axes:
    """Draw each row as its name, the shares of both arms on one axis, and its words.

    Parameters
    ----------
    table : DataFrame
        Rows of `arm_table`, top first.
    ax : Axes
        Its limits become inches of the region.
    labels : mapping of str to str
        From study to its name.

    Returns
    -------
    Axes
    """
    width, height = page.in_inches(ax)
    size = LARGEST
    while size > SMALLEST and _height(cells := _cells(table, labels, width, size), size) > height:
        size -= 0.5
    cells = _cells(table, labels, width, size)
    em, (left, right) = size / 72, (share * width for share in PLOT)

    def at(value: float) -> float:
        return left + (right - left) * value / 100

    y = height
    for row, (name, said) in zip(table.to_dict("records"), cells, strict=True):
        tall = (max(len(name), len(said)) * LINE + 0.6) * em
        middle = y - tall / 2
        ax.plot([0, width], [y, y], color=page.PALE, lw=0.8)
        ax.text(0, middle, "\n".join(name), size=size, va="center", linespacing=1.05)
        ax.text(TEXT * width, middle, "\n".join(said), size=size, va="center", linespacing=1.05,
                color=page.INK)
        values = [row["intervention"], row["control"]]
        if pd.notna(values).all():
            ax.plot([at(value) for value in values], [middle] * 2, color=page.GREY, lw=1.5)
        for value, filled in zip(values, (True, False), strict=True):
            if pd.notna(value):
                ax.plot(at(value), middle, "o", ms=10, mec=page.INK, mew=1.5,
                        mfc=page.INK if filled else "white", zorder=3)
        y -= tall
    if table["intervention"].notna().any() or table["control"].notna().any():
        ax.plot([left, right], [y, y], color=page.INK, lw=1)
        for value in (0, 50, 100):
            ax.text(at(value), y - 0.3 * em, f"{value} %", size=size, ha="center", va="top")
    return ax


def _cells(table: pd.DataFrame, labels: Mapping[str, str], width: float, size: float) -> list:
    name, said = PLOT[0] * width - 0.25, (1 - TEXT) * width
    return [
        ([*page.broken(labels[row["study"]], name, size), *page.broken(row["outcome"], name, size)],
         page.broken(". ".join(filter(None, [
             row["said"], row["reason"] and f"Not pooled: {row['reason']}"])), said, size))
        for row in table.to_dict("records")
    ]


def _height(cells: list, size: float) -> float:
    """Inches that rows and axis need."""
    lines = sum(max(len(name), len(said)) * LINE + 0.6 for name, said in cells) + 2
    return lines * size / 72


@figure_kind("arms", tables=("outcomes",), ids=1, columns={"outcomes": "study"})
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """The selected results, each with both of its arms; those without a number, and more than a
    page holds, are counted."""
    rows = pick(analysis_rows(review), spec.select)
    whole = arm_table(review, rows)
    told = whole[whole["said"] != NONE]
    table = (whole if told.empty else told).head(MOST)
    labels = {study: review.bibliography.cite(study) for study in table["study"].unique()}
    more = len(whole) - len(table)
    trials = whole["study"].nunique()

    def draw(figure: Figure) -> Axes:
        x, y, width, height = page.region(figure)
        below = key(figure, x, y + height, [
            ({"marker": "o", "ms": 9, "mec": page.INK, "mfc": page.INK}, review.intervention),
            ({"marker": "o", "ms": 9, "mec": page.INK, "mfc": "white"}, review.control),
        ], size=LARGEST)
        return arms(table, figure.add_axes((x, y, width, below - y)), labels)

    method = "Both arms as reported; nothing is pooled"
    if more:
        method += f"; {more} further {plural(more, 'result')} not drawn"
    summary = signed(" ".join(
        f"{labels[row['study']]}, {row['outcome']}: {row['said']}."
        for row in table.to_dict("records")))
    reasons = joined(dict.fromkeys(reason for reason in whole["reason"] if reason))
    facts = {"n_results": len(whole), "n_trials": trials, "reasons": reasons,
             "trials_words": f"{in_words(trials)} {plural(trials, 'trial')}"}
    read = tuple(name for name in ("outcomes", "harms", "studies") if name in review.tables)
    return Content(facts, whole, method, summary, "Both arms of each result", sources_of(rows),
                   read, draw)
