"""New trial: for which effect and size of one more trial the pooled interval leaves zero.

The map is that of the first selected analysis; for the others a sentence stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evidence.appraisal import pooled_sd
from evidence.figures import page
from evidence.figures.figure import Content, Spec, figure_kind, pick
from evidence.figures.marks import key, sides, trial
from evidence.pooling import ABOVE, BELOW, INCLUDES, NewTrialMap, Pool, favours_words, new_trial_map
from evidence.review import MEASURE_WORDS, Review
from evidence.wording import interval, signed

SIZES = np.unique(np.round(np.geomspace(40, 4000, 81), -1))
STEPS = 161  # differences from one end of the map to the other
COLOURS = {BELOW: page.MESSAGE, ABOVE: page.ORANGE}
SIDE = 0.63  # where the sentence begins, as a share of the page
SPOTS = ((0.75, 0.7), (0.25, 0.7), (0.75, 0.45), (0.25, 0.45), (0.75, 0.2), (0.25, 0.2))
SPOT = (0.46, 0.16)  # width and height that a text needs, as a share of the axes
STILL = "interval still\nincludes zero"


def new_trial(found: NewTrialMap, pool: Pool, ax: Axes) -> Axes:
    """Draw where the interval leaves zero; the present trials as marks at their effect and size.

    Parameters
    ----------
    found : NewTrialMap
    pool : Pool
        The present studies.
    ax : Axes

    Returns
    -------
    Axes
    """
    for side, colour in COLOURS.items():
        inside = (found.verdict == side).astype(float)
        if inside.any():
            ax.contourf(found.effects, found.sizes, inside, levels=[0.5, 1.5], colors=[colour])
    ax.axvline(0, color=page.INK, lw=1)
    for row in pool.studies:
        if row.n:
            ax.plot([row.yi], [row.n], **trial(crossover=row.crossover, colour=page.INK))
    ax.set_yscale("log")
    ax.set_ylim(min(20, found.sizes.min()), found.sizes.max())
    ax.set_xlim(found.effects.min(), found.effects.max())
    ticks = [size for size in (50, 100, 200, 500, 1000, 2000, 4000)
             if found.sizes.min() <= size <= found.sizes.max()]
    ax.set_yticks(ticks, [f"{size:,}" for size in ticks])
    ax.minorticks_off()
    ax.xaxis.set_major_formatter(lambda value, _: signed(f"{value:g}"))
    ax.set_xlabel(f"{MEASURE_WORDS[pool.measure]} that the new trial finds")
    spot = white_spot(found, pool, ax)
    if spot:
        ax.text(*spot, STILL, transform=ax.transAxes, size=page.TEXT, ha="center", va="center",
                color=page.GREY, linespacing=1.1, bbox=page.COVER)
    return ax


def white_spot(found: NewTrialMap, pool: Pool, ax: Axes) -> tuple[float, float] | None:
    """Where a text fits into the white field, clear of the present trials; None without room."""
    grid = np.array(np.meshgrid(found.effects, found.sizes, indexing="xy"))
    now = np.array([[row.yi, row.n] for row in pool.studies if row.n]).T.reshape(2, -1)
    to_axes = ax.transData + ax.transAxes.inverted()
    coloured = grid[:, found.verdict != INCLUDES]
    taken = to_axes.transform(np.hstack([coloured, now]).T)
    spots = ((0.5, 0.6), *SPOTS) if not found.share else SPOTS
    for spot in spots:
        inside = (np.abs(taken - spot) < np.divide(SPOT, 2)).all(axis=1)
        if not inside.any():
            return spot
    return None


def reach_of(pools: Iterable[Pool]) -> float:
    """Half the width of the map: the farthest limit of a present trial, rounded up to 1, 2 or 5."""
    ends = [abs(limit) for pool in pools for row in pool.studies
            for limit in (row.ci_low, row.ci_high)]
    farthest = max([end for end in ends if np.isfinite(end) and end > 0], default=1.0)
    power = 10.0 ** np.floor(np.log10(farthest))
    return float(next(step for step in (1, 2, 5, 10) if step * power >= farthest) * power)


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


def needed_sentence(found: NewTrialMap) -> str:
    """The same as the beginning of a sentence that goes on with what the new trial could do."""
    parts = []
    for side in (BELOW, ABOVE):
        inside = found.verdict == side
        if inside.any():
            hit = found.effects[inside.any(axis=0)]
            parts.append(f"{found.smallest(side):,} or more people and "
                         f"{interval(hit.min(), hit.max())} points")
    if not parts:
        return f"No single further trial of up to {found.sizes.max():,.0f} people is enough"
    return f"One further trial would need {', or '.join(parts)}"


@figure_kind(
    "new_trial", tables=("analyses",), ids=1,
    columns={
        "analyses": "analysis",
        "studies": "study",
    },
)
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """One panel for each selected analysis; the first one gives the SD within arms."""
    chosen = pick(analyses, spec.select)
    pools = {item.name: item for item in chosen}
    sd = pooled_sd(review, chosen[0])
    reach = reach_of(pools.values())
    effects = np.round(np.linspace(-reach, reach, STEPS), 3)
    maps = {name: new_trial_map(pool, sd, effects, SIZES) for name, pool in pools.items()}
    facts = {
        "needs": {name: needed_sentence(found) for name, found in maps.items()},
        "words": {name: needed_words(found) for name, found in maps.items()},
        "share": {name: found.share for name, found in maps.items()},
        "smallest": {name: found.smallest(BELOW) for name, found in maps.items()},
        "largest_size": int(SIZES.max()), "smallest_size": int(SIZES.min()), "sd": sd,
        "lowest_effect": -reach, "highest_effect": reach,
    }
    table = pd.DataFrame([
        {"analysis": name, "k": pools[name].k, "share_of_map_percent": found.share,
         "smallest_below": found.smallest(BELOW), "smallest_above": found.smallest(ABOVE),
         "needs": needed_words(found)}
        for name, found in maps.items()
    ])

    main = spec.select[0]
    favoured = favours_words(pools[main].higher_is, review.intervention, review.control)

    def draw(figure: Figure) -> Axes:
        x, bottom, _, height = page.BODY
        ax = figure.add_axes((x + 0.085, bottom + 0.125, SIDE - 0.17, height - 0.185))
        new_trial(maps[main], pools[main], ax)
        ax.set_ylabel("People in the new trial (log scale)")
        sides(ax, 0.0, favoured, down=50)
        entries = [(trial(colour=page.INK), "present trial")]
        if any(row.crossover for row in pools[main].studies):
            entries.append((trial(crossover=True, colour=page.INK), "present crossover trial"))
        key(figure, x + 0.085, bottom + height, entries)
        _explain(figure, x + SIDE - 0.02, bottom + height - 0.02, maps, pools)
        return ax

    method = f"New parallel trial: SD {sd:.2f}. {pools[spec.select[0]].method_line.rstrip('.')} now"
    summary = " ".join(f"{_panel(pools[name])}: {needed_words(found)}."
                       for name, found in maps.items())
    sources = tuple(dict.fromkeys(row.study for pool in pools.values() for row in pool.studies))
    return Content(facts, table, method, summary, "Map of effect against size", sources,
                   ("outcomes", "studies", "analyses"), draw)


def _panel(pool: Pool) -> str:
    kind = "trials" if any(row.crossover for row in pool.studies) else "parallel trials"
    return f"Beside the present {pool.k} {kind}"


def _explain(figure: Figure, x: float, y: float, maps: Mapping[str, NewTrialMap],
             pools: Mapping[str, Pool]) -> None:
    """What the coloured field asks for, and the sentences of the further analyses."""
    first, *others = maps
    for side, colour in COLOURS.items():
        found = maps[first]
        inside = found.verdict == side
        if inside.any():
            hit = found.effects[inside.any(axis=0)]
            y = page.write(figure, x, y, f"{found.smallest(side):,} people", size=44,
                           weight="bold", color=colour, lines=1) - 0.01
            y = page.write(
                figure, x, y, "or more in one further trial, and a difference from "
                f"{interval(hit.min(), hit.max())}, would move the whole pooled interval "
                f"{'below' if side == BELOW else 'above'} zero.", size=22, lines=5) - 0.04
    if not maps[first].share:
        y = page.write(figure, x, y, needed_sentence(maps[first]) + ".", size=22, lines=5) - 0.04
    for name in others:
        y = page.write(figure, x, y, f"{_panel(pools[name])}: {_inside(maps[name])}.",
                       size=page.TEXT, lines=5, color=page.GREY) - 0.03


def _inside(found: NewTrialMap) -> str:
    sentence = needed_sentence(found)
    return sentence[:1].lower() + sentence[1:]
