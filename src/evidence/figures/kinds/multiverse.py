"""Multiverse: every specification of one analysis, and what each single choice does to it."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.transforms import blended_transform_factory

from evidence.figures import page
from evidence.figures.figure import Content, Spec, figure_kind, pick, sources_of
from evidence.pooling import MEASURE_WORDS, SMALLEST_POOL, Multiverse, explore, favours_words
from evidence.review import Review
from evidence.wording import Row, interval, percent, plural, signed

SIZE = 14
FAVOURS = "favours "
REACH = 4.0  # half-width of the axis in units of the widest estimate from no difference
LABELS, STRIP, COUNTS, TURNS = 0.295, 0.15, 0.105, 0.085  # widths of the right half, of the page


def curve(multiverse: Multiverse, ax: Axes, reach: float) -> Axes:
    """Draw every specification as a line, sorted by estimate; `reach` is half the axis.

    Intervals that exclude the null value are drawn wide in vermilion with a diamond, those of two
    trials in pale grey, all others in blue. Longer intervals are cut at the edges of the axis.
    """
    table = multiverse.table.sort_values(["estimate", "ci_low"], ignore_index=True)
    null = multiverse.null_value
    ends = table[["ci_low", "ci_high"]].clip(null - reach, null + reach).to_numpy()
    lines = [[(low, y), (high, y)] for y, (low, high) in enumerate(ends)]
    excluding = table["excludes_null"].to_numpy()
    two = (table["k"] < 3).to_numpy() & ~excluding
    for chosen, colour, width in (
        (two, page.PALE, 0.8), (~two & ~excluding, page.SKY, 0.8), (excluding, page.VERMILION, 1.6)
    ):
        ax.add_collection(LineCollection(
            [line for line, keep in zip(lines, chosen, strict=True) if keep],
            colors=colour, linewidths=width, zorder=1,
        ))
    y = np.arange(len(table))
    ax.scatter(table["estimate"], y, s=5, color=page.BLUE, zorder=3, lw=0)
    ax.scatter(table.loc[excluding, "estimate"], y[excluding], s=46, marker="D",
               color=page.VERMILION, edgecolor="white", linewidth=0.6, zorder=4)
    main = table["is_main"].to_numpy()
    ax.scatter(table.loc[main, "estimate"], y[main], s=190, marker="*", color=page.INK, zorder=5)
    ax.axvline(null, color=page.INK, lw=1, zorder=2)
    ax.set(xlim=(null - reach, null + reach), ylim=(-4, len(table) + 3), yticks=[])
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_formatter(lambda value, _: signed(f"{value:g}"))
    return ax


def strips(multiverse: Multiverse, ax: Axes, reach: float) -> Axes:
    """One row per option: a tick at the estimate of every specification that takes it."""
    choices = list(dict.fromkeys(option.choice for option in multiverse.options))
    for y, option in enumerate(multiverse.options):
        rows = multiverse.table[multiverse.table[option.choice] == option.option]
        if choices.index(option.choice) % 2:
            ax.axhspan(y - 0.5, y + 0.5, color="#F2F2F2", lw=0, zorder=0)
        ax.vlines(rows["estimate"], y - 0.32, y + 0.32, color=page.BLUE, lw=0.9, alpha=0.45)
    ax.axvline(multiverse.null_value, color=page.INK, lw=1)
    null = multiverse.null_value
    ax.set(xlim=(null - reach, null + reach), ylim=(len(multiverse.options) - 0.5, -0.5), yticks=[])
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_formatter(lambda value, _: signed(f"{value:g}"))
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

    def draw(figure: Figure) -> tuple[Axes, Axes]:
        return _draw(figure, multiverse, analysis.synthesis, review)

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
    method = (f"{multiverse.size} specifications: estimator, interval rule and choice of rows; "
              f"★ the analysis itself")
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


def _draw(figure: Figure, multiverse: Multiverse, synthesis, review: Review) -> tuple[Axes, Axes]:
    x, bottom, width, height = page.BODY
    foot = 0.1
    bottom, height = bottom + foot, height - foot - 0.042
    far = float(np.abs(multiverse.table["estimate"] - multiverse.null_value).max())
    reach = floor(10 * REACH * far) / 10
    right_start = x + width - LABELS - STRIP - COUNTS - TURNS
    left = figure.add_axes((x, bottom, right_start - x - 0.03, height))
    right = figure.add_axes((right_start + LABELS, bottom, STRIP, height))
    curve(multiverse, left, reach)
    strips(multiverse, right, 1.3 * far)
    _columns(multiverse, right, right_start, x + width)
    top = bottom + height + 0.006
    style = {"size": SIZE, "weight": "bold", "va": "bottom"}
    label, zero = MEASURE_WORDS[synthesis.measure], f"{multiverse.null_value:g}"
    strip = right_start + LABELS + STRIP / 2
    for place, text, side in (
        (x, f"{label}, {_cut(multiverse, reach)}", "left"),
        (right_start, "By option (★ main)", "left"),
        (strip, "Estimates", "center"), (x + width - TURNS, f"Intervals\nexclude {zero}", "right"),
        (x + width, "Direction\nreverses", "right"),
    ):
        figure.text(place, top, text, ha=side, linespacing=page.spacing(text, 1.05), **style)
    sides = favours_words(synthesis.higher_is, review.intervention, review.control)
    for share, text, side in ((0, f"← {sides[0]}", "left"), (1, f"{sides[1]} →", "right")):
        left.text(share, -0.085, text, transform=left.transAxes, ha=side, va="top", size=SIZE)
    _sides(figure, right, synthesis.higher_is, review)
    _legend(figure, x, bottom - foot + 0.016, multiverse)
    return left, right


def _columns(multiverse: Multiverse, ax: Axes, start: float, end: float) -> None:
    """Option, intervals that exclude the null value, and pairs in which the direction reverses."""
    turns = multiverse.switches.set_index(["choice", "option"])["sign_changes"]
    place = {"transform": blended_transform_factory(ax.figure.transFigure, ax.transData),
             "va": "center", "size": SIZE}
    for y, option in enumerate(multiverse.options):
        number, total = multiverse.count(**{option.choice: option.option})
        mark = "★ " if option.is_main else "   "
        share = turns.get((option.choice, option.option))
        ax.text(start, y, mark + option.label, ha="left", **place)
        ax.text(end - TURNS, y, f"{number} of {total}", ha="right",
                weight="bold" if number else "normal", **place)
        ax.text(end, y, "★" if share is None else percent(share), ha="right",
                weight="bold" if share == turns.max() > 0 else "normal", **place)


def _sides(figure: Figure, ax: Axes, higher_is: str, review: Review) -> None:
    """Which side of the strip favours whom, where there is room for it."""
    names = favours_words(higher_is, review.intervention, review.control)
    left, right = (text.removeprefix(FAVOURS) for text in names)
    text = f"← {left}   {right} →"
    if names[0].startswith(FAVOURS) and page.text_width(figure, text, SIZE) <= STRIP + 0.03:
        ax.set_xlabel(f"{FAVOURS.strip()}\n{text}", size=SIZE, linespacing=1.05)


def _cut(multiverse: Multiverse, reach: float) -> str:
    """Where longer intervals end."""
    if not multiverse.null_value:
        return f"cut at ±{reach:g}"
    ends = (multiverse.null_value - reach, multiverse.null_value + reach)
    return f"cut at {interval(*ends, 1).replace(' to ', ' and ')}"


def _legend(figure: Figure, x: float, y: float, multiverse: Multiverse) -> None:
    """What the colours and the last column mean, in two lines below the axes."""
    n, two = multiverse.n_excluding, multiverse.size - multiverse.n_supported
    lines = (
        ((page.ACCENT, f"◆ {n} {plural(n, 'excludes', 'exclude')} {_zero(multiverse)}"),
         (page.GREY, f"pale grey: {two} of two trials only")),
        ((page.GREY, "Direction reverses: share of pairs of specifications, alike but for this "
                     "choice, whose estimates lie on opposite sides"),),
    )
    for number, words in enumerate(lines):
        start = x
        for colour, text in words:
            artist = figure.text(start, y - 0.034 * number, text, size=SIZE, color=colour, va="top")
            start = page.extent(figure, artist)[2] + 0.02
