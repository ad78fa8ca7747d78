"""New trial: for which effect and size of one more trial the pooled interval leaves zero."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evidence.exhibits import Content, Spec
from evidence.information import pooled_sd
from evidence.newtrial import ABOVE, BELOW, NewTrialMap, new_trial_map
from evidence.plots import page
from evidence.prose import interval, signed
from evidence.results import Synthesis
from evidence.review import Review

SIZES = np.unique(np.round(np.geomspace(40, 4000, 81), -1))
EFFECTS = np.round(np.linspace(-2, 2, 161), 3)
COLOURS = {BELOW: (page.SKY, "////"), ABOVE: (page.ORANGE, "....")}


def new_trial(found: NewTrialMap, pool: Synthesis, ax: Axes) -> Axes:
    """Draw where the interval leaves zero; the present trials as marks at their effect and size.

    Parameters
    ----------
    found : NewTrialMap
    pool : Synthesis
        The present studies.
    ax : Axes

    Returns
    -------
    Axes
    """
    for side, (colour, hatch) in COLOURS.items():
        inside = (found.verdict == side).astype(float)
        if inside.any():
            ax.contourf(found.effects, found.sizes, inside, levels=[0.5, 1.5], colors=[colour],
                        hatches=[hatch])
    ax.axvline(0, color=page.GREY, lw=1)
    for row in pool.studies:
        if row.n:
            ax.plot([row.yi], [row.n], "D" if row.crossover else "s", ms=10, mfc="white",
                    mec=page.INK, mew=2)
    ax.set_yscale("log")
    ax.set_ylim(min(20, found.sizes.min()), found.sizes.max())
    ax.set_xlim(found.effects.min(), found.effects.max())
    ticks = [size for size in (50, 100, 200, 500, 1000, 2000, 4000)
             if found.sizes.min() <= size <= found.sizes.max()]
    ax.set_yticks(ticks, [f"{size:,}" for size in ticks])
    ax.minorticks_off()
    ax.xaxis.set_major_formatter(lambda value, _: signed(f"{value:g}"))
    return ax


def needed_words(found: NewTrialMap) -> str:
    """What the new trial needs for the interval to leave zero, or that none of the map will do."""
    parts = []
    for side in (BELOW, ABOVE):
        inside = found.verdict == side
        if inside.any():
            hit = found.effects[inside.any(axis=0)]
            span = interval(hit.min(), hit.max())
            parts.append(f"{found.smallest(side):,}+ people at {span} points")
    return " or ".join(parts) or f"none of up to {found.sizes.max():,.0f}"


def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """One panel for each selected analysis; the first one gives the SD within arms."""
    pools = {name: analyses[name].synthesis for name in spec.select}
    sd = pooled_sd(review, analyses[spec.select[0]])
    maps = {name: new_trial_map(pool, sd, EFFECTS, SIZES) for name, pool in pools.items()}
    facts = {
        "words": {name: needed_words(found) for name, found in maps.items()},
        "share": {name: found.share for name, found in maps.items()},
        "smallest": {name: found.smallest(BELOW) for name, found in maps.items()},
        "largest_size": int(SIZES.max()), "smallest_size": int(SIZES.min()), "sd": sd,
        "lowest_effect": EFFECTS.min(), "highest_effect": EFFECTS.max(),
    }
    table = pd.DataFrame([
        {"analysis": name, "k": pools[name].k, "share_of_map_percent": found.share,
         "smallest_below": found.smallest(BELOW), "smallest_above": found.smallest(ABOVE),
         "needs": needed_words(found)}
        for name, found in maps.items()
    ])

    def draw(figure: Figure) -> list[Axes]:
        x, bottom, width, height = page.BODY
        bottom, height = bottom + 0.115, height - 0.17
        each = (width - 0.08) / len(maps) - 0.03
        axes = []
        for number, (name, found) in enumerate(maps.items()):
            left = x + 0.08 + number * (each + 0.03)
            ax = figure.add_axes((left, bottom, each, height))
            new_trial(found, pools[name], ax)
            ax.text(0, 1.02, page.wrap(figure, _panel(pools[name]), each, 14),
                    transform=ax.transAxes, size=14, weight="bold", va="bottom")
            for side, ha, words in ((0, "left", f"← favours {review.intervention}"),
                                    (1, "right", f"favours {review.control} →")):
                ax.text(side, -0.105, words, transform=ax.transAxes, size=14, ha=ha, va="top",
                        color=page.GREY)
            axes.append(ax)
        axes[0].set_ylabel("People in the new trial (log scale)")
        for ax in axes[1:]:
            ax.set_yticklabels([])
        _legend(figure, axes[0])
        return axes

    method = f"New parallel trial: SD {sd:.2f}. {pools[spec.select[0]].method_line.rstrip('.')} now"
    summary = " ".join(f"{_panel(pools[name])}: {needed_words(found)}."
                       for name, found in maps.items())
    sources = tuple(dict.fromkeys(row.study for pool in pools.values() for row in pool.studies))
    return Content(facts, table, method, summary, "Map of effect against size", sources,
                   ("outcomes", "studies", "analyses"), draw)


def _panel(pool: Synthesis) -> str:
    kind = "trials" if any(row.crossover for row in pool.studies) else "parallel trials"
    return f"Beside the present {pool.k} {kind}"


def _legend(figure: Figure, ax: Axes) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=COLOURS[BELOW][0], hatch=COLOURS[BELOW][1], edgecolor=page.INK,
              label="interval below zero"),
        Patch(facecolor=COLOURS[ABOVE][0], hatch=COLOURS[ABOVE][1], edgecolor=page.INK,
              label="above zero"),
        Patch(facecolor="white", edgecolor=page.INK, label="zero inside"),
        Line2D([], [], marker="s", ls="", ms=10, mfc="white", mec=page.INK, mew=2,
               label="present trial"),
        Line2D([], [], marker="D", ls="", ms=10, mfc="white", mec=page.INK, mew=2,
               label="the same, crossover"),
    ]
    figure.legend(handles=handles, loc="lower left", ncol=5, borderaxespad=0,
                  bbox_to_anchor=(page.LEFT, page.BODY[1] - 0.015), handletextpad=0.4,
                  columnspacing=1.5)
