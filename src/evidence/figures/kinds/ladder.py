"""Ladder: one outcome by rigour of design, three marks per study where they exist.

Changes within the arms stand on the left axis (circles), the difference between them on the right
one (diamonds). A study that cannot be placed keeps its row and says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evidence.figures import page
from evidence.figures.figure import Content, Spec, figure_kind, pick, sources_of
from evidence.figures.kinds.changes import (
    COVER,
    difference_reach,
    difference_words,
    label_changes,
    method,
    percent_changes,
)
from evidence.pooling import favours_words
from evidence.review import Review, design
from evidence.wording import joined, signed

SIZE = 14
RIGOUR = (
    "rct_parallel", "rct_crossover", "single_blind_fixed_order", "register_before_after",
    "retrospective", "single_arm", "case_report",
)  # fmt: skip


def ladder_table(outcomes: pd.DataFrame, studies: pd.DataFrame) -> pd.DataFrame:
    """Changes of each study in per cent of baseline, most rigorous design first.

    Parameters
    ----------
    outcomes : DataFrame
        Rows of outcomes.csv; the outcome that most of them share is the one shown.
    studies : DataFrame
        Rows of studies.csv, indexed by study.

    Returns
    -------
    DataFrame
        As `changes.percent_changes`, with ``design`` and ``reason``: why the row
        cannot be placed, empty where it can. ``n`` of such a row is that of its study.
    """
    table = percent_changes(outcomes)
    table["design"] = table["study"].map(studies["design"])
    shown = table["domain"].mode().iloc[0]
    table["reason"] = [
        _reason(row, source, shown)
        for (_, row), (_, source) in zip(table.iterrows(), outcomes.iterrows(), strict=True)
    ]
    whole = studies["n_analysed"].fillna(studies["n_randomised"])
    table["n"] = table["n"].where(table["reason"] == "", table["study"].map(whole)).astype("Int64")
    rank = table["design"].map({code: number for number, code in enumerate(RIGOUR)})
    order = pd.DataFrame({"rank": rank.fillna(len(RIGOUR)), "off": table["reason"] != ""})
    return table.loc[order.sort_values(["rank", "off"], kind="stable").index].reset_index(drop=True)


def _reason(row: pd.Series, source: pd.Series, shown: str) -> str:
    if row["domain"] != shown:
        return f"reports {_plain(row['domain'])}, not {_plain(shown)}"
    if str(source["effect_measure"]).startswith("median"):
        return "reports medians, no mean change"
    if pd.isna(row["intervention"]):
        within = source["contrast"] == "within_arm"
        return "tests within each arm, no contrast" if within else "reports no change of the arms"
    return ""


def ladder(table: pd.DataFrame, left: Axes, right: Axes) -> tuple[Axes, Axes]:
    """Draw changes within arms and differences between arms, one row per study, top first."""
    placed = table[table["reason"] == ""]
    for y, row in table.iterrows():
        for ax in (left, right):
            ax.axhline(y + 0.5, color=page.PALE, lw=0.8, zorder=0)
        if row["reason"]:
            left.text(0, y, f"not placed: {row['reason']}", size=SIZE, color=page.GREY,
                      style="italic", va="center", transform=left.get_yaxis_transform(),
                      bbox=COVER)
            continue
        _arms(left, y, row)
        if pd.notna(row["difference"]):
            _difference(right, y, row)
        else:
            right.text(0, y, "no control, no difference", ha="center", va="center", size=SIZE,
                       color=page.GREY, style="italic", bbox=COVER)
    lowest = float(np.nanmin(placed[["intervention", "control"]].to_numpy()))
    reach = difference_reach(placed)
    left.set_xlim(1.2 * lowest, -0.05 * lowest)
    right.set_xlim(-reach, reach)
    for ax in (left, right):
        ax.axvline(0, color=page.INK, lw=1, zorder=1)
        ax.set(ylim=(len(table) - 0.5, -0.5), yticks=[])
        ax.spines["left"].set_visible(False)
        ax.xaxis.set_major_formatter(lambda value, _: signed(f"{value:g}"))
    return left, right


def _arms(ax: Axes, y: float, row: pd.Series) -> None:
    pair = row[["intervention", "control"]].dropna().astype(float)
    if len(pair) == 2:
        ax.plot(pair, [y, y], color=page.GREY, lw=2, zorder=2)
        ax.plot(row["control"], y, "o", ms=12, mfc="white", mec=page.BLUE, mew=2, zorder=3)
    ax.plot(row["intervention"], y, "o", ms=12, color=page.BLUE, zorder=4)
    label_changes(ax, pair.tolist(), y)


def _difference(ax: Axes, y: float, row: pd.Series) -> None:
    """Diamond in the upper half of the row; its interval and what else is known in the lower."""
    words, below = difference_words(row)
    at = y - 0.2
    ax.plot(row[["low", "high"]].astype(float), [at, at], color=page.VERMILION, lw=2)
    ax.plot(row["difference"], at, "D", color=page.VERMILION, ms=11)
    if below:
        is_left = row["difference"] < 0
        ax.annotate(words, (row["difference"], at), size=SIZE, xytext=(-11 if is_left else 11, 0),
                    textcoords="offset points", ha="right" if is_left else "left", va="center")
    ax.text(0, y + 0.24, below or words, size=SIZE, ha="center", va="center", bbox=COVER,
            color=page.GREY if below else page.INK)


@figure_kind(
    "ladder", tables=("outcomes",), ids=1,
    columns={
        "outcomes": (
            "outcome_id study domain week contrast intervention_n control_n "
            "effect_measure verification"
        ),
        "studies": "study design n_randomised n_analysed",
    },
)
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """Selected outcomes, ordered by design."""
    outcomes = review.table("outcomes").set_index("outcome_id", drop=False)
    chosen = pick(outcomes, spec.select)
    studies = review.table("studies").set_index("study")
    table = ladder_table(chosen, studies)
    placed = table[table["reason"] == ""]
    compared = placed.dropna(subset=["difference"])
    facts = {
        "n_placed": len(placed), "n_rows": len(table), "n_not_placed": len(table) - len(placed),
        "differences": {
            code: joined(signed(f"{value:+.1f}") for value in group["difference"])
            for code, group in compared.groupby("design")
        },
        "lowest_alone": placed.loc[placed["control"].isna(), "intervention"].min(),
        "control_low": compared["control"].abs().min(),
        "control_high": compared["control"].abs().max(),
    }
    labels = [_label(review, row) for _, row in table.iterrows()]

    def draw(figure: Figure) -> tuple[Axes, Axes]:
        x, bottom, width, height = page.BODY
        bottom, height = bottom + 0.105, height - 0.145
        begin = 0.255
        left = figure.add_axes((x + begin, bottom, 0.355, height))
        right = figure.add_axes((x + 0.63, bottom, width - 0.63, height))
        ladder(table, left, right)
        shift = -72 * begin * figure.get_figwidth()
        for y, label in enumerate(labels):
            left.annotate(label, (0, y), xycoords=("axes fraction", "data"), xytext=(shift, 0),
                          textcoords="offset points", va="center", size=SIZE,
                          linespacing=page.spacing(label, 1.05))
        style = {"size": SIZE, "weight": "bold", "va": "bottom"}
        top = bottom + height + 0.008
        figure.text(x, top, "Most rigorous design on top", **style)
        figure.text(x + begin, top, f"Within arms: ● {review.intervention}  ○ {review.control}",
                    **style)
        figure.text(x + 0.63, top, f"Between: ◆ {review.intervention} minus {review.control}",
                    **style)
        left.set_xlabel("Change, % of baseline", size=SIZE)
        right.set_xlabel("Percentage points", size=SIZE)
        directions = set(chosen["higher_is"].dropna())
        sides = favours_words(directions.pop() if len(directions) == 1 else "",
                              review.intervention, review.control)
        for shift, words, side in ((-8, f"← {sides[0]}", "right"), (8, f"{sides[1]} →", "left")):
            right.annotate(words, (0, 0), xycoords=("data", "axes fraction"), xytext=(shift, -44),
                           textcoords="offset points", ha=side, va="top", size=SIZE)
        return left, right

    parts = [
        f"{label.splitlines()[0]}: " + (
            f"not placed, {row['reason']}" if row["reason"] else
            f"{row['intervention']:.1f} % on {review.intervention}" + (
                f", {row['control']:.1f} % on {review.control}, difference "
                f"{', '.join(filter(None, difference_words(row)))}"
                if pd.notna(row["difference"]) else ", no control"))
        for label, (_, row) in zip(labels, table.iterrows(), strict=True)
    ]
    sources = sources_of(chosen)
    return Content(facts, table, method(table), "; ".join(parts).replace(" -", " −") + ".",
                   "Dot plot by rigour of design", sources, ("outcomes", "studies"), draw)


def _label(review: Review, row: pd.Series) -> str:
    count = "" if pd.isna(row["n"]) else f", n = {row['n']}"
    return f"{review.bibliography.cite(row['study'])}\n{design(row['design']).short}{count}"


def _plain(code: str) -> str:
    return str(code).replace("_", " ")
