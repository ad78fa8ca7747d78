"""Analytes: every named analyte of one uncontrolled study, and the result of another beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch

from evidence.chapters.markers import counts as markers
from evidence.figures import Content, Spec, figure_kind, page
from evidence.review import Review, design, people
from evidence.wording import joined, plural, signed

CLASSES = {  # class: words, marker, colour
    "pro_inflammatory": ("pro-inflammatory", "v", page.MESSAGE),
    "anti_inflammatory": ("anti-inflammatory", "D", page.ACCENT),
    "other": ("mixed or other role", "o", page.GREY),
}
DIRECTIONS = {"decrease": "lower", "increase": "higher", "no_change": "no change",
              "not_reported": "direction not reported"}
TEXT = 16
SIDE = 0.63  # left end of the lists, as a fraction of the page
TOP = page.BODY[1] + page.BODY[3]
GREEK = {"alpha": "α", "beta": "β", "gamma": "γ"}


def analytes(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw analytes with values: change from baseline in per cent, shape by class.

    Parameters
    ----------
    table : DataFrame
        As `counts.analytes` returns it, rows with values only, top row first.
    ax : Axes
    """
    rows = range(len(table))[::-1]
    for y, (_, row) in zip(rows, table.iterrows(), strict=True):
        words, marker, colour = look(row["marker_class"])
        ax.plot([0, row["change_pct"]], [y, y], color=colour, lw=2)
        ax.plot(row["change_pct"], y, marker=marker, markersize=13, color=colour)
        ax.annotate(words, (0, y), xycoords=("axes fraction", "data"), xytext=(-8, -10),
                    textcoords="offset points", ha="right", va="center", size=TEXT, color=colour)
        ax.annotate(short(row["marker"]), (0, y), xycoords=("axes fraction", "data"),
                    xytext=(-8, 10), textcoords="offset points", ha="right", va="center",
                    size=TEXT, weight="bold")
        value = _value(row)
        ax.annotate(value, (1, y), xycoords=("axes fraction", "data"), xytext=(6, 0),
                    textcoords="offset points", va="center", size=TEXT,
                    linespacing=page.spacing(value, 1.1))
    lowest = min(-40.0, 1.15 * float(table["change_pct"].min()))
    ax.set_xlim(lowest, max(0.0, 1.15 * float(table["change_pct"].max())))
    ax.set_ylim(-0.6, len(table) - 0.4)
    ax.axvline(0, color=page.INK, lw=1)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_formatter(lambda value, _: signed(f"{value:g}"))
    ax.set_xlabel("Change from own baseline, %")
    return ax


def look(code: str) -> tuple[str, str, str]:
    """Words, marker and colour of a class."""
    return CLASSES.get(code, CLASSES["other"])


def short(marker: str) -> str:
    """Name of an analyte with Greek letters."""
    for word, letter in GREEK.items():
        marker = marker.replace(word, letter)
    return marker


def _value(row: pd.Series) -> str:
    text = f"{row['baseline']:g} → {row['follow_up']:g} {row['unit']}"
    return text if row["p"] is None else f"{text}\np {row['p']}"


@figure_kind(
    "analytes", tables=("biomarkers",), ids=2,
    columns={
        "biomarkers": (
            "study marker marker_class direction week baseline follow_up unit "
            "change_pct p_value p_relation controlled result_available "
            "verification source"
        ),
        "studies": "study design condition_label",
    },
)
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """`spec` selects the study whose analytes are drawn and, beside it, another."""
    main, beside = spec.select
    table = markers.analytes(review, main)
    valued = table[table["has_value"]].reset_index(drop=True)
    named = table[~table["has_value"]].reset_index(drop=True)
    silent = markers.silent_analytes(review, main)
    all_markers = markers.with_findings(review.table("biomarkers"))
    second = all_markers[(all_markers["study"] == beside) & (all_markers["kind"] == _cytokines())]
    studies = review.table("studies").set_index("study")
    size = people(studies)
    lower = table[table["direction"] == "decrease"]
    controlled = all_markers.loc[all_markers["study"] == main, "controlled"].any()
    facts = {
        "n": size[main], "n_beside": size[beside],
        "control_words": "with a control" if controlled else "no control",
        "design_beside": design(studies.loc[beside, "design"]).words,
        "condition_beside": studies.loc[beside, "condition_label"].lower(),
        "n_panel": len(table) + silent, "n_named": len(table), "n_silent": silent,
        "n_lower": len(lower), "n_valued": len(valued), "n_direction_only": len(named),
        "n_pro": int((lower["marker_class"] == "pro_inflammatory").sum()),
        "n_anti": int((lower["marker_class"] == "anti_inflammatory").sum()),
        "cite": review.bibliography.cite(main), "cite_beside": review.bibliography.cite(beside),
        "beside": joined(DIRECTIONS[code] for code in dict.fromkeys(second["direction"])),
        "week": float(review.table("biomarkers").query("study == @main")["week"].max()),
    }

    def draw(figure: Figure) -> Axes:
        left, bottom, _, height = page.BODY
        ax = figure.add_axes((left + 0.155, bottom + 0.09, 0.255, height - 0.15))
        analytes(valued, ax)
        _heading(figure, left, f"{facts['cite']}: {len(valued)} analytes with values")
        y = _names(figure, named, silent)
        _beside(figure, y, facts, second)
        return ax

    listed = [f"{row['marker']} {row['change_pct']:.0f} %" for _, row in valued.iterrows()]
    summary = signed(
        f"{facts['cite']}, n = {facts['n']}, {facts['control_words']}: {', '.join(listed)}; "
        f"{len(named)} more by direction only; {silent} of {facts['n_panel']} without a result. "
        f"{facts['cite_beside']}, n = {facts['n_beside']}, {facts['design_beside']}: "
        f"{facts['beside']}."
    ).replace(" -", " −")
    method = "Changes in per cent of the baseline mean; p values as reported, not corrected"
    return Content(facts, table, method, summary, "Dot plot with two lists",
                   tuple(dict.fromkeys([main, beside, *table["source"]])),
                   ("biomarkers", "studies"), draw)


def _cytokines() -> str:
    return next(iter(markers.KINDS))


def _heading(figure: Figure, x: float, text: str) -> None:
    page.write(figure, x, TOP, text, size=page.TEXT, weight="bold", lines=1)


def _names(figure: Figure, named: pd.DataFrame, silent: int) -> float:
    """Analytes of which only the direction is known, by class; returns the bottom."""
    x, y = SIDE, TOP
    y = page.write(figure, x, y, f"{len(named)} more: direction only", size=page.TEXT,
                   weight="bold", lines=1) - 0.012
    for code in CLASSES:
        here = named[[look(name) == CLASSES[code] for name in named["marker_class"]]]
        words, marker, colour = CLASSES[code]
        for direction, block in here.groupby("direction", sort=False):
            figure.add_artist(Line2D([x + 0.01], [y - 0.015], marker=marker, markersize=11,
                                     color=colour, markerfacecolor="white", markeredgewidth=2,
                                     linestyle="none"))
            y = page.write(figure, x + 0.027, y, f"{len(block)} {words}, {DIRECTIONS[direction]}",
                           size=TEXT, lines=1, color=colour, weight="bold") - 0.002
            y = page.write(figure, x + 0.027, y, ", ".join(map(short, block["marker"])),
                           size=TEXT, lines=3) - 0.012
    if silent:
        y = page.write(figure, x + 0.027, y, f"{silent} further {plural(silent, 'analyte')} of the "
                       "panel: no result reported", size=TEXT, lines=2, color=page.GREY)
    return y - 0.045


def _beside(figure: Figure, y: float, facts: Mapping[str, Any], second: pd.DataFrame) -> None:
    """The other study in a frame of its own."""
    x = SIDE
    top = y
    y = page.write(figure, x + 0.012, y - 0.012, f"Beside it: {facts['cite_beside']}",
                   size=page.TEXT, weight="bold", lines=1)
    y = page.write(figure, x + 0.012, y - 0.002, f"n = {facts['n_beside']} in "
                   f"the study; {facts['design_beside']}; {facts['condition_beside']}", size=TEXT,
                   lines=3, width=page.RIGHT - x - 0.02)
    for _, row in second.iterrows():
        sign = {"decrease": "▼ ", "increase": "▲ "}.get(row["direction"], "")
        y = page.write(figure, x + 0.012, y - 0.004,
                       f"{sign}{row['marker']}: {DIRECTIONS[row['direction']]}", size=page.TEXT,
                       weight="bold", lines=2, width=page.RIGHT - x - 0.02)
    figure.add_artist(FancyBboxPatch((x, y - 0.014), page.RIGHT - x, top - y + 0.014,
                                     boxstyle="square,pad=0", facecolor="none",
                                     edgecolor=page.GREY, lw=1.2))
