"""Funnel: effects against their standard errors, with the regions of conventional p values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import ndtri

from evidence.figures import page
from evidence.figures.figure import Content, Spec, figure_kind, pick, tables_of_pools
from evidence.figures.marks import key, sides, trial
from evidence.figures.scale import ticks_of
from evidence.pooling import Pool
from evidence.review import NoDataError, Review
from evidence.wording import p_words, signed

REGIONS = ((0.01, "#F0F0F0"), (0.05, "#DCDCDC"), (0.1, "#C6C6C6"))  # p below it: ground


def funnel(pool: Pool, ax: Axes) -> Axes:
    """Draw each study at its effect and standard error, the most precise ones on top.

    The grounds show where a study's own p value for no difference lies below 0.01, 0.05 and 0.1,
    white where it is larger; the line is the pooled effect.

    Parameters
    ----------
    pool : Pool
    ax : Axes

    Returns
    -------
    Axes
        x are effects on the analysis scale (logarithms for ratios) with labels on the shown scale,
        y standard errors on the analysis scale, downwards.
    """
    yi, se = _points(pool)
    deep = 1.08 * float(se.max())
    centre = float(pool.to_analysis(pool.estimate))
    null = float(pool.to_analysis(pool.null_value)) if np.isfinite(pool.null_value) else centre
    wide = 1.1 * max(np.abs(yi - centre).max(), abs(null - centre), 1.96 * deep)
    low, high = centre - wide, centre + wide
    errors = np.array([0.0, deep])
    ax.set_facecolor(REGIONS[0][1])
    grounds = [ground for _, ground in REGIONS[1:]] + ["white"]
    for (p, _), inside in zip(REGIONS, grounds, strict=True):
        half = -ndtri(p / 2) * errors
        ax.fill_betweenx(errors, null - half, null + half, color=inside, lw=0, zorder=0.5)
    ax.plot([null, null], [0, deep], color=page.INK, lw=1, zorder=1)
    ax.plot([centre, centre], [0, deep], color=page.MESSAGE, lw=2.5, zorder=2)
    for x, y, row in zip(yi, se, pool.studies, strict=True):
        ax.plot(x, y, zorder=3, **trial(crossover=row.crossover, colour=page.INK, size=9))
    ticks = ticks_of(pool, low, high, 7)
    ax.set_xticks(list(ticks), list(ticks.values()))
    ax.set(xlim=(low, high), ylim=(deep, 0))
    ax.set_xlabel(pool.measure_words)
    ax.set_ylabel("Standard error" + " of the logarithm" * pool.is_ratio)
    return ax


def _points(pool: Pool) -> tuple[np.ndarray, np.ndarray]:
    """Effects and standard errors on the analysis scale."""
    yi, vi = (np.array([getattr(row, name) for row in pool.studies]) for name in ("yi", "vi"))
    return yi, np.sqrt(vi)


@figure_kind("funnel", tables=("analyses",), ids=1, columns={"analyses": "analysis"})
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """The funnel of the first selected analysis; below ten studies the page says why not."""
    pool = pick(analyses, spec.select)[0]
    if pool.why_no_small_study:
        raise NoDataError(pool.why_no_small_study.rstrip("."))
    yi, se = _points(pool)
    test = pool.small_study().iloc[0]
    words = p_words(test["p_value"])
    facts = {"k": pool.k, "egger_p": float(test["p_value"]), "egger": words}
    table = pd.DataFrame({
        "study": [row.study for row in pool.studies],
        "effect": [row.effect for row in pool.studies], "yi": yi, "se": se,
    })

    def draw(figure: Figure) -> Axes:
        x, bottom, width, height = page.BODY
        ax = figure.add_axes((x + 0.08, bottom + 0.115, width - 0.08, height - 0.17))
        funnel(pool, ax)
        names = pool.sides(review.intervention, review.control)
        if any(names):
            sides(ax, float(pool.to_analysis(pool.null_value)), names, down=48)
        entries = [({"facecolor": ground, "lw": 0}, f"p < {p:g}") for p, ground in REGIONS]
        key(figure, x + 0.08, bottom + height,
            [(trial(colour=page.INK), "trial"), ({"color": page.MESSAGE, "lw": 2.5}, "pooled"),
             *entries])
        return ax

    statistic = signed(f"{test['statistic']:.2f}")
    method = (f"{pool.method_line.rstrip('.')}. Egger’s test: t = {statistic}, "
              f"df = {test['df']:.0f}, {words}")
    summary = f"{pool.k} trials; Egger’s test {words}."
    return Content(facts, table, method, summary, "Funnel plot",
                   tuple(dict.fromkeys(table["study"])),
                   tables_of_pools(review), draw)
