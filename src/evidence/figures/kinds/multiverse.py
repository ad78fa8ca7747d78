"""Multiverse: every specification of one analysis, sorted, with the analysis itself marked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from evidence.figures import page
from evidence.figures.figure import Content, Spec, figure_kind, pick, sources_of
from evidence.figures.marks import key
from evidence.figures.marks import sides as name_sides
from evidence.figures.scale import effect_scale, tick_text
from evidence.pooling import SMALLEST_POOL, Multiverse, explore
from evidence.review import Review
from evidence.wording import Row, interval, percent, plural

REACH = 3.0  # half-width of the axis in units of the widest estimate from no difference
EXCLUDES = {"color": page.MESSAGE, "lw": 3}
INCLUDES = {"color": "#BDBDBD", "lw": 3}
MAIN = {"marker": "D", "ms": 13, "color": page.INK, "ls": "none"}


def supported(multiverse: Multiverse) -> pd.DataFrame:
    """The specifications of enough trials for a pooled interval, lowest estimate first."""
    table = multiverse.table[multiverse.table["k"] >= SMALLEST_POOL]
    return table.sort_values(["estimate", "ci_low"], ignore_index=True)


def curve(table: pd.DataFrame, ax: Axes, *, is_ratio: bool) -> Axes:
    """Draw every specification as a horizontal interval with its estimate, lowest at the bottom.

    Parameters
    ----------
    table : DataFrame
        As `supported` returns it: estimate, ci_low, ci_high, excludes_null, is_main on the shown
        scale. Intervals that exclude the null value are drawn in the colour of the message; longer
        ones end at the edge of the axis.
    ax : Axes
    is_ratio : bool
        Whether the axis is logarithmic, with its line at 1.
    """
    turn = np.log if is_ratio else np.asarray
    far = REACH * float(np.abs(turn(table["estimate"].to_numpy(float))).max() or 1.0)
    ends = (np.exp([-far, far]) if is_ratio else np.array([-far, far])).tolist()
    if is_ratio:
        ax.set_xscale("log")
    rows = table[["ci_low", "ci_high"]].clip(*ends).to_numpy()
    lines = np.array([[(low, y), (high, y)] for y, (low, high) in enumerate(rows)])
    excluding = table["excludes_null"].to_numpy(bool)
    thick = 0.7 * 72 * ax.get_window_extent().height / ax.figure.dpi / max(len(table), 1)
    for chosen, look, width in ((~excluding, INCLUDES, 1.0), (excluding, EXCLUDES, 2.2)):
        ax.add_collection(LineCollection(lines[chosen], colors=look["color"], zorder=1,
                                         linewidths=min(max(thick, width), 6)))
    y = np.arange(len(table))
    ax.scatter(table["estimate"], y, s=9, color=page.INK, zorder=3, lw=0)
    main = np.flatnonzero(table["is_main"].to_numpy(bool))
    for at in main[:1]:
        row = table.iloc[at]
        ax.plot([row["ci_low"], row["ci_high"]], [at, at], color=page.INK, lw=2.5, zorder=4)
        ax.plot(row["estimate"], at, zorder=5, **MAIN)
    ax.axvline(1.0 if is_ratio else 0.0, color=page.INK, lw=1, zorder=2)
    scale = effect_scale(table["estimate"], [], ends, is_ratio=is_ratio)
    ax.set(xlim=ends, ylim=(-2, len(table) + 1), yticks=[])
    ticks = scale.ticks(7)
    ax.set_xticks([tick for tick in ticks if ends[0] <= tick <= ends[1]])
    ax.minorticks_off()
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_formatter(lambda value, _: tick_text(value))
    return ax


@figure_kind(
    "multiverse", tables=("analyses", "specifications"), ids=1,
    columns={
        "analyses": "analysis",
        "outcomes": "study",
        "specifications": "choice option label outcome_id is_main",
        "studies": "study",
    },
)
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """The multiverse of the first selected analysis."""
    analysis = pick(analyses, spec.select)[0]
    multiverse = explore(review, analysis)
    excluding = multiverse.table[multiverse.table["excludes_null"]]
    deciding = multiverse.deciding
    below = int((excluding["estimate"] < multiverse.null_value).sum())
    facts = {
        "specifications": multiverse.size,
        "data_sets": multiverse.data_sets,
        "n_excluding": multiverse.n_excluding,
        "share_excluding": multiverse.share_excluding,
        "n_excluding_below": below,
        "share_below": multiverse.share_below,
        "n_two": multiverse.size - multiverse.n_supported,
        "n_supported": multiverse.n_supported,
        "n_excluding_supported": int((excluding["k"] >= SMALLEST_POOL).sum()),
        "lowest": multiverse.table["estimate"].min(),
        "highest": multiverse.table["estimate"].max(),
        "deciding": Row({**deciding.to_dict(), "label": _inside(deciding["label"])}),
        "shared_by_excluding": [f"“{label}”" for label in multiverse.shared_by_excluding]
        or ["nothing"],
    }

    table = supported(multiverse)
    main = table[table["is_main"].astype(bool)]
    sides = analysis.sides(review.intervention, review.control)

    def draw(figure: Figure) -> Axes:
        x, bottom, width, height = page.BODY
        ax = figure.add_axes((x + 0.02, bottom + 0.115, width - 0.02, height - 0.17))
        curve(table, ax, is_ratio=multiverse.null_value == 1)
        ax.set_xlabel(analysis.measure_words)
        name_sides(ax, multiverse.null_value, sides, down=46)
        n = int(table["excludes_null"].sum())
        words = [(EXCLUDES, f"{n} {plural(n, 'interval')} {plural(n, 'excludes', 'exclude')} "
                            f"{_zero(multiverse)}"),
                 (INCLUDES, f"{len(table) - n} {plural(len(table) - n, 'includes', 'include')} "
                            f"{_zero(multiverse)}")]
        if len(main):
            words.append((MAIN, "the main analysis"))
        key(figure, x + 0.02, bottom + height, words, size=page.TEXT)
        return ax

    low, high = facts["lowest"], facts["highest"]
    summary = (
        f"{multiverse.size} specifications of {multiverse.data_sets} data sets; estimates from "
        f"{interval(low, high)}; the interval of {multiverse.n_excluding} excludes "
        f"{_zero(multiverse)}. "
        + "; ".join(
            f"{row['label']}: the direction reverses in {percent(row['sign_changes'])} of "
            f"{row['pairs']} pairs"
            for _, row in multiverse.switches.iterrows()
        ) + "."
    )
    method = (f"{len(table)} ways to pool {SMALLEST_POOL} trials or more: estimator, interval rule "
              "and choice of rows; lines end at the edge of the axis")
    ids = [option.outcome_id for option in multiverse.options if option.outcome_id]
    outcomes = review.table("outcomes").set_index("outcome_id")
    return Content(facts, multiverse.table, method, summary, "Specification curve",
                   sources_of(outcomes.loc[ids]),
                   ("outcomes", "studies", "analyses", "specifications"), draw)


def _inside(label: str) -> str:
    """A label inside a sentence: its first letter small unless the word is an acronym."""
    return label if label[:2].isupper() else label[:1].lower() + label[1:]


def _zero(multiverse: Multiverse) -> str:
    """The value of no difference in a sentence."""
    return f"{multiverse.null_value:g}" if multiverse.null_value else "zero"
