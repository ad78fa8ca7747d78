"""Information size: people so far beside the people that an answer would need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evidence.appraisal import ALPHA, POWER, RATIO, SD_UNITS, information_size
from evidence.figures import page
from evidence.figures.figure import Content, Spec, figure_kind
from evidence.figures.marks import key
from evidence.review import NoDataError, Review
from evidence.wording import percent, plural, together

SO_FAR = {"marker": "o", "ms": 14, "color": page.MESSAGE, "ls": "none"}
NEEDED = {"marker": "D", "ms": 11, "color": page.CONTEXT, "ls": "none"}
HALF = NEEDED | {"mfc": "white", "mec": page.CONTEXT, "mew": 2}


def information(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw people so far and people needed, one row an outcome, on a log axis.

    Parameters
    ----------
    table : DataFrame
        As `evidence.appraisal.information_size` returns it.
    ax : Axes

    Returns
    -------
    Axes
    """
    heights = np.arange(len(table))[::-1]
    ax.set_xscale("log")
    for y, row in zip(heights, table.itertuples(), strict=True):
        ax.plot([row.needed, row.needed_half], [y, y], color=page.PALE, lw=7, zorder=1,
                solid_capstyle="butt")
        ax.plot([row.needed_half], [y], zorder=3, **HALF)
        ax.plot([row.needed], [y], zorder=3, **NEEDED)
        ax.plot([row.accrued], [y + 0.18], zorder=4, **SO_FAR)
        ax.text(1.11, y, percent(row.reached), transform=ax.get_yaxis_transform(), size=page.TEXT,
                va="center", ha="right")
    ax.text(1.11, len(table) - 0.4, "of needed", transform=ax.get_yaxis_transform(), size=page.TEXT,
            va="center", ha="right", color=page.GREY)
    ax.set_yticks(heights, table["label"])
    ax.set_ylim(-0.6, len(table) - 0.15)
    low = 10 ** np.floor(np.log10(table["accrued"].astype(float).min()))
    high = 10 ** np.ceil(np.log10(table[["needed", "needed_half"]].to_numpy().max()))
    ax.set_xlim(low, high)
    ax.set_xticks([10.0**power for power in range(int(np.log10(low)), int(np.log10(high)) + 1)])
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.minorticks_off()
    ax.grid(axis="x", color=page.PALE, lw=0.8)
    ax.set_axisbelow(True)
    ax.tick_params(axis="y", length=0, pad=9)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("People (log scale)")
    return ax


def effect_words(row: Any) -> str:
    """The effect that a trial of the needed size would be planned for."""
    if row.unit == RATIO:
        return f"RR {row.effect:.2f}"
    if row.unit == SD_UNITS:
        return f"{row.effect:g} SD"
    return f"{row.effect:g} {plural(row.effect, 'point')}"


def assumption(row: Any, source: str = "") -> str:
    """The assumptions behind one row in words, with the source of the effect where it has one."""
    spread = f", D² {100 * row.diversity:.0f} %" * (row.diversity > 0)
    return _effect_assumed(row) + spread + f" ({source})" * bool(source)


def _effect_assumed(row: Any) -> str:
    if row.unit == RATIO:
        risk = f"{100 * row.risk:.0f} %"
        return f"{row.label}: risk ratio {row.effect:.2f} at a control risk of {risk}"
    if row.unit == SD_UNITS:
        return f"{row.label}: {row.effect:g} standard deviations"
    return f"{row.label}: {row.effect:g} {'point' if row.effect == 1 else 'points'}, " \
           f"SD {row.sd:.2f}"


@figure_kind(
    "information_size", tables=("certainty",),
    columns={
        "analyses": "analysis",
        "studies": "study",
    },
)
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """Every outcome of certainty.csv that has an analysis and an important effect."""
    table = information_size(review, analyses)
    if len(table):
        table = table.dropna(subset=["needed", "accrued"])
    if table.empty:
        raise NoDataError("no outcome of data/certainty.csv has an analysis, an important effect "
                          "and numbers of people")
    short = table[table["reached"] < 1]
    enough = table[table["reached"] >= 1]
    facts = {
        "n_outcomes": len(table), "n_short": len(short), "n_reached": len(enough),
        "n_half": int((table["accrued"] >= table["needed_half"]).sum()),
        "n_reached_null": int((~enough["excludes_null"].astype(bool)).sum()),
        "reached_names": list(enough["label"]),
        "reached": dict(zip(table["outcome"], 100 * table["reached"], strict=True)),
        "needed": dict(zip(table["outcome"], table["needed"], strict=True)),
        "assumptions": "; ".join(
            assumption(row, "" if pd.isna(row.source) else review.bibliography.cite(row.source))
            for row in table.itertuples()
        ),
        "alpha": ALPHA, "power": 100 * POWER,
    }

    def draw(figure: Figure) -> Axes:
        x, bottom, width, height = page.BODY
        label = 0.365
        ax = figure.add_axes((x + label, bottom + 0.09, width - label - 0.085, height - 0.145))
        information(table, ax)
        ax.set_yticks(range(len(table))[::-1], [
            page.wrap(figure, f"{row.label} ({together(effect_words(row))})", label - 0.022,
                      page.TICKS)
            for row in table.itertuples()
        ])
        room = ax.get_position().height * figure.get_figheight()
        ax.tick_params(axis="y", labelsize=page.fitting(len(table), room, 2))
        key(figure, x, bottom + height, [(SO_FAR, "people so far"), (NEEDED, "needed"),
                                         (HALF, "needed for half the effect")])
        return ax

    summary = "; ".join(
        f"{row.label}: {row.accrued} people of {row.needed:,.0f}" for row in table.itertuples()
    ) + "."
    sources = tuple(dict.fromkeys(
        study.study for name in table["analysis"] for study in analyses[name].studies
    ))
    method = (f"One two-arm trial, divided by 1 − D²; two-sided α {ALPHA:g}, power "
              f"{100 * POWER:.0f} %; SD and control risk from the same trials")
    return Content(facts, table, method, summary, "Dot plot", sources,
                   ("certainty", "analyses", "outcomes", "harms", "studies"), draw)
