"""Concentrations: what each effect needed, on a log axis, against the expected plasma level."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evidence.chapters.exposure import reach
from evidence.chapters.exposure.reach import Level
from evidence.figures import Content, Spec, figure_kind, marks, page, pick
from evidence.review import Review
from evidence.wording import Row

MARKS = {  # what was tested: words, marker, colour
    "medicine": ("the medicine", "o", page.MESSAGE),
    "other_isomer": ("mirror-image isomer", "D", page.CONTEXT),
    "other_molecule": ("another molecule", "s", page.CONTEXT),
}
LOWEST, HIGHEST = 0.1, 1e6  # nM
BAND, NOTHING = "#D9E7F1", page.ACCENT
NAMES, WORDS = 0.27, 0.215  # shares of the page left and right of the axis


def concentrations(table: pd.DataFrame, points: Mapping[str, list[float]], band: Level,
                   ax: Axes) -> Axes:
    """Draw one row per effect: range as a bar, each value as a mark, the plasma level as a band.

    Parameters
    ----------
    table : DataFrame
        As `evidence.chapters.exposure.reach.reach` returns it, top row first.
    points : mapping of str to list of float
        Values in nM to mark, by effect.
    band : Level
    ax : Axes
    """
    ax.axvspan(band.low, band.high, color=BAND, lw=0, zorder=0)
    ax.axvline(band.value, color=page.MESSAGE, lw=1.4, zorder=1)
    for y, (_, row) in zip(range(len(table))[::-1], table.iterrows(), strict=True):
        _, marker, colour = MARKS[row["stands_for"]]
        ax.axhline(y, color=page.PALE, lw=0.8, zorder=0.5)
        with marks.named(row["effect"], ax):
            if row["high"] > row["low"] and row["effect_seen"]:
                ax.plot([row["low"], row["high"]], [y, y], color=colour, lw=4, zorder=2,
                        solid_capstyle="butt",
                        linestyle="-" if row["was_read"] else (0, (1.2, 0.7)))
            if not row["effect_seen"]:
                ax.plot([row["low"], row["high"]], [y, y], color=NOTHING, lw=1.6, zorder=2)
                ax.plot([row["low"], row["high"]], [y, y], marker="X", linestyle="none",
                        markersize=11, color=NOTHING, markeredgecolor="white", zorder=4)
                continue
            ax.plot(points[row["effect"]], [y] * len(points[row["effect"]]), marker=marker,
                    linestyle="none", markersize=10, color=colour, zorder=4, markeredgewidth=2,
                    markerfacecolor=colour if row["was_read"] else "white")
    ax.set_xscale("log")
    ax.set_xlim(LOWEST * 0.6, HIGHEST * 1.2)
    ticks = 10.0 ** np.arange(np.log10(LOWEST), np.log10(HIGHEST) + 1)
    ax.set_xticks(ticks, [amount(tick) for tick in ticks])
    ax.minorticks_off()
    ax.set_ylim(-0.6, len(table) - 0.4)
    ax.set_yticks(range(len(table))[::-1], table["effect"])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    return ax


def amount(nanomolar: float) -> str:
    """A concentration in its usual unit: 0.1 nM, 100 µM, 1 mM."""
    for factor, unit in ((1e6, "mM"), (1e3, "µM"), (1, "nM")):
        if nanomolar >= factor:
            return f"{nanomolar / factor:.3g} {unit}"
    return f"{nanomolar:.3g} nM"


def words(row: pd.Series) -> str:
    """What stands beside a row: reached, or how far above the expected level."""
    times = f"{reach.rounded(row['times_peak']):,.0f} × peak"
    if row["verdict"] == "no_effect":
        return f"none up to {times}"
    if row["verdict"] == "above":
        return times
    if _is_reached(row):
        return "reached"
    said = "overlaps band" if row["verdict"] == "overlaps" else "at or below band"
    return said + ("" if row["was_read"] else ", unread")


def _is_reached(row: pd.Series) -> bool:
    """Whether a row is said to be reached; only an effect of the medicine itself can be."""
    return row["verdict"] == "reached" and row["stands_for"] == "medicine"


@figure_kind(
    "concentrations", tables=("concentrations", "concentration_rows"), ids=1,
    columns={
        "concentration_rows": "item_id effect stands_for effect_seen",
        "concentrations": (
            "item_id label kind analyte system low_nm value_nm high_nm key "
            "verification"
        ),
    },
)
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """Effects of all analytes but the metabolites; `spec` selects plasma levels, the band first."""
    pick(review.table("concentrations").set_index("item_id"), spec.select)
    levels = [reach.level(review, item) for item in spec.select]
    band = levels[0]
    everything = reach.reach(review, levels)
    table = everything[everything["stands_for"].isin(MARKS)].reset_index(drop=True)
    values = review.table("concentrations").set_index("item_id")
    points = {row["effect"]: _points(values.loc[list(row["items"])]) for _, row in table.iterrows()}
    rows = {
        item: Row({**row, "said": reach.VERDICTS[row["verdict"]],
                   "times_rounded": reach.rounded(row["times_peak"]),
                   "times_top_rounded": reach.rounded(row["times_top"])})
        for _, row in everything.iterrows() for item in row["items"]
    }
    own = table[table["stands_for"] == "medicine"]
    facts = {
        "rows": rows, "band": band, "levels": {item.item_id: item for item in levels},
        "n_effects": len(table), "n_own": len(own),
        "n_own_reached": int((own["verdict"] == "reached").sum()),
        "n_other": len(table) - len(own),
        "n_overlaps": int((table["verdict"] == "overlaps").sum()),
        "n_unread": int((~table["was_read"]).sum()),
    }

    def draw(figure: Figure) -> Axes:
        left, bottom, width, height = page.BODY
        ax = figure.add_axes((left + NAMES, bottom + 0.05, width - NAMES - WORDS, height - 0.155))
        concentrations(table, points, band, ax)
        size = page.fitting(len(table), ax.get_position().height * figure.get_figheight())
        ax.tick_params(axis="y", labelsize=size)
        label = f"{band.label}: {band.low:g} to {band.high:g} nM ({band.system})"
        y = marks.key(figure, left, bottom + height, [({"facecolor": BAND, "lw": 0}, label)])
        marks.key(figure, left, y - 0.004, _entries(table))
        for y, (_, row) in zip(range(len(table))[::-1], table.iterrows(), strict=True):
            ax.text(1.012, y, words(row), transform=ax.get_yaxis_transform(), size=size,
                    va="center", weight="bold" if _is_reached(row) else "normal",
                    color=page.MESSAGE if _is_reached(row) else page.INK)
        return ax

    named = [f"{row['effect']} ({MARKS[row['stands_for']][0]}): {words(row)}"
             for _, row in table.iterrows()]
    method = (f"Peak = {band.value:g} nM; values as reported; reached: {band.analyte} itself at or "
              f"below {band.high:g} nM")
    return Content(facts, everything, method, "; ".join(named) + ".", "Dot plot on a log axis",
                   tuple(dict.fromkeys(key for cell in table["keys"] for key in cell.split(";"))),
                   ("concentrations", "concentration_rows"), draw)


def _points(items: pd.DataFrame) -> list[float]:
    """Point values; the ends of a range that has none."""
    ends = items.loc[items["value_nm"].isna(), ["low_nm", "high_nm"]].to_numpy().ravel()
    return [float(value) for value in (*items["value_nm"].dropna(), *ends)]


def _entries(table: pd.DataFrame) -> list[tuple]:
    """What the marks mean, of those that are drawn."""
    line = {"ms": 11, "mew": 2}
    entries = []
    for code, (label, marker, colour) in MARKS.items():
        names = table.loc[table["stands_for"] == code, "analyte"].unique()
        if len(names):
            named = f"{names[0]}" if code == "other_molecule" and len(names) == 1 else label
            entries.append((line | {"marker": marker, "color": colour}, named))
    if not table["was_read"].all():
        entries.append((line | {"marker": "o", "color": page.CONTEXT, "mfc": "white"},
                        "paper not read here"))
    if not table["effect_seen"].all():
        entries.append(({"marker": "X", "color": NOTHING, "ms": 11, "mew": 0}, "no effect seen"))
    return entries
