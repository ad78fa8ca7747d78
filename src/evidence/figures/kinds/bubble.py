"""Bubble plot: effects against a moderator, with the line of the meta-regression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evidence.figures import page
from evidence.figures.figure import Content, Spec, figure_kind, pick, tables_of_pools
from evidence.figures.marks import key
from evidence.figures.scale import tick_text, ticks_of
from evidence.pooling import Pool, fit_regression
from evidence.review import NoDataError, Review
from evidence.wording import p_words

STEPS = 41
BAND = "#DCE9F2"
PAD = 0.06  # share of an axis beyond its outermost marks
LARGEST = 900.0  # square points of the greatest weight


def moderated(pool: Pool) -> pd.DataFrame:
    """Studies with a value of the first moderator.

    Returns
    -------
    DataFrame
        Columns study, moderator, effect (shown scale), yi, vi (analysis scale), weight (percent).

    Raises
    ------
    NoDataError
        When the analysis has no moderator of numbers, or too few studies with values.
    """
    if pool.why_no_regression:
        raise NoDataError(pool.why_no_regression.rstrip("."))
    name = pool.moderators[0]
    stated = pool.effects.set_index("outcome_id")[name]
    values = pd.to_numeric(stated, errors="coerce")
    if values.dropna().empty or (values.isna() & stated.notna() & (stated != "")).any():
        raise NoDataError(
            f"{name} does not hold numbers alone, and a bubble plot needs an axis of them"
        )
    rows = [(row.study, values[row.outcome_id], row.effect, row.yi, row.vi, row.weight)
            for row in pool.studies]
    table = pd.DataFrame(rows, columns=["study", "moderator", "effect", "yi", "vi", "weight"])
    return table.dropna(subset=["moderator"]).reset_index(drop=True)


def bubble(pool: Pool, table: pd.DataFrame, ax: Axes, name: str) -> Axes:
    """Draw studies as bubbles by weight, and the expected effect with its 95 % interval.

    Parameters
    ----------
    pool : Pool
    table : DataFrame
        As `moderated` returns it.
    ax : Axes
    name : str
        Of the moderator, for the axis.

    Returns
    -------
    Axes
        y are effects on the analysis scale (logarithms for ratios), labelled on the shown scale.
    """
    x = table["moderator"].to_numpy(float)
    points = np.linspace(x.min(), x.max(), STEPS)
    line = [fit_regression(table["yi"].to_numpy(), table["vi"].to_numpy(),
                           np.column_stack([np.ones(len(x)), x - point]), pool.tau2_method)
            for point in points]
    middle, low, high = (np.array([fit[part][0] for fit in line])
                         for part in ("estimate", "ci_low", "ci_high"))
    ax.fill_between(points, low, high, color=BAND, lw=0, zorder=0)
    ax.plot(points, middle, color=page.MESSAGE, lw=3, zorder=2)
    ax.scatter(x, table["yi"], s=LARGEST * table["weight"] / table["weight"].max(), zorder=3,
               facecolor="#00000022", edgecolor=page.INK, linewidth=1.4)
    null = float(pool.to_analysis(pool.null_value))
    ends = [*table["yi"], *low, *high, *[null] * bool(np.isfinite(null))]
    pad = PAD * (max(ends) - min(ends) or 1.0)
    bottom, top = min(ends) - pad, max(ends) + pad
    ticks = ticks_of(pool, bottom, top, 6)
    ax.set_yticks(list(ticks), list(ticks.values()))
    ax.set_ylim(bottom, top)
    if np.isfinite(null):
        ax.axhline(null, color=page.INK, lw=1, zorder=1)
    pad = PAD * (np.ptp(x) or 1.0)
    ax.set_xlim(x.min() - pad, x.max() + pad)
    ax.xaxis.set_major_formatter(lambda value, _: tick_text(value))
    ax.set_xlabel(name)
    ax.set_ylabel(pool.measure_words)
    return ax


@figure_kind("bubble", tables=("analyses",), ids=1, columns={"analyses": "analysis"})
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """The first moderator of the first selected analysis."""
    pool = pick(analyses, spec.select)[0]
    table = moderated(pool)
    name = review.heading(pool.moderators[0])
    fit = alone(pool, table)
    words = p_words(fit["p_value"])
    facts = {"k": len(table), "moderator": name, "slope": float(fit["estimate"]),
             "slope_low": float(fit["ci_low"]), "slope_high": float(fit["ci_high"]),
             "p": float(fit["p_value"]), "r2": float(fit["r2"]), "p_words": words}

    def draw(figure: Figure) -> Axes:
        x, bottom, width, height = page.BODY
        ax = figure.add_axes((x + 0.08, bottom + 0.085, width - 0.08, height - 0.14))
        bubble(pool, table, ax, name)
        key(figure, x + 0.08, bottom + height, [
            ({"marker": "o", "ms": 12, "mfc": "#00000022", "mec": page.INK, "mew": 1.4},
             "trial, area by weight"),
            ({"color": page.MESSAGE, "lw": 3}, "expected effect"),
            ({"facecolor": BAND, "lw": 0}, "its 95 % interval"),
        ])
        return ax

    explained = "" if np.isnan(fit["r2"]) else f", R² = {fit['r2']:.0f} %"
    only = " alone" if len(pool.moderators) > 1 else ""
    method = (f"Meta-regression on {name[:1].lower()}{name[1:]}{only}, {pool.tau2_method}, "
              f"Knapp-Hartung; k = {len(table)}; slope {words}{explained}")
    summary = f"{len(table)} trials by {name}; slope {fit['estimate']:.3g}, {words}."
    return Content(facts, table, method, summary, "Bubble plot",
                   tuple(dict.fromkeys(table["study"])),
                   tables_of_pools(review), draw)


def alone(pool: Pool, table: pd.DataFrame) -> dict[str, float]:
    """Slope of the drawn line: a regression on the first moderator and nothing else.

    Returns
    -------
    dict
        ``estimate``, ``ci_low``, ``ci_high``, ``p_value`` of the slope (analysis scale), ``r2``
        in percent.
    """
    x = table["moderator"].to_numpy(float)
    fit = fit_regression(table["yi"].to_numpy(), table["vi"].to_numpy(),
                         np.column_stack([np.ones(len(x)), x]), pool.tau2_method)
    slope = {name: float(fit[name][1]) for name in ("estimate", "ci_low", "ci_high", "p_value")}
    return slope | {"r2": float(fit["r2"])}

