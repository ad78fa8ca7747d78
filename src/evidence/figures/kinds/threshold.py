"""Threshold: probability that a further setting reaches a threshold that the reader chooses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from evidence.figures import page
from evidence.figures.figure import Content, Spec, figure_kind, pick, sources_of
from evidence.pooling import Synthesis, share_beyond
from evidence.review import Review
from evidence.wording import NO_BREAK, in_words, percent, plural

SIZE = 15
STEPS = 241
APART = 6.0  # per cent between the labels of crossings
CURVES = (  # which between-study variance, colour, line, mark of its crossing
    ("as estimated", page.BLUE, "-", "o"), ("as low as the trials allow", page.ACCENT, "--", "s"),
    ("as high as the trials allow", page.GREY, ":", "D"),
)


def threshold(synthesis: Synthesis, ax: Axes, marks: pd.DataFrame, intervention: str) -> Axes:
    """Draw the probability against the threshold under three between-study variances.

    The curves end at the last threshold, where each of them is labelled; at the others the
    estimated one is.

    Parameters
    ----------
    synthesis : Synthesis
    ax : Axes
    marks : DataFrame
        Thresholds to mark: columns value and instrument.
    intervention : str
        Label of the intervention.

    Returns
    -------
    Axes
    """
    last = float(max([1.0, *marks["value"]]))
    points = np.linspace(0, last, STEPS)
    crossings = []
    for tau2, (_, colour, line, mark) in zip(_variances(synthesis), CURVES, strict=True):
        share = 100 * share_beyond(synthesis, points, tau2)
        ax.plot(points, share, color=colour, ls=line, lw=3)
        ax.plot(last, share[-1], mark, color=colour, ms=9, clip_on=False, zorder=3)
        crossings.append((share[-1], colour))
    _label_crossings(ax, last, crossings)
    for value in marks["value"].unique():
        ax.axvline(value, color=page.GREEN, lw=1.5, zorder=0)
        if value < last:
            share = share_beyond(synthesis, value)
            ax.plot(value, 100 * share, "o", color=page.BLUE, ms=9)
            ax.annotate(percent(share), (value, 100 * share), xytext=(8, 8), size=SIZE,
                        textcoords="offset points", weight="bold", color=page.BLUE)
    ax.set(xlim=(0, 1.15 * last), ylim=(0, 100), yticks=range(0, 101, 20))
    ax.set_xticks([tick for tick in ax.get_xticks() if tick <= last])
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}{NO_BREAK}%")
    ax.set_xlabel(f"Threshold chosen by the reader: points by which {intervention} is better")
    ax.set_ylabel("Probability that a further setting’s\nmean difference reaches it")
    return ax


def _variances(synthesis: Synthesis) -> tuple[float | None, float, float]:
    """Between-study variances in the order of `CURVES`; None is the estimate."""
    return None, synthesis.tau2_ci_low, synthesis.tau2_ci_high


def _label_crossings(ax: Axes, x: float, crossings: list[tuple[float, str]]) -> None:
    """The percentage of each curve right of its end, moved up where the one below is too near."""
    height = -np.inf
    for share, colour in sorted(crossings):
        height = max(share, height + APART, APART / 2)
        ax.plot([x, 1.03 * x], [share, height], color=colour, lw=1)
        ax.text(1.035 * x, height, percent(share / 100), size=SIZE, weight="bold", color=colour,
                va="center")


@figure_kind(
    "threshold", tables=("analyses", "instruments"), ids=1,
    columns={
        "analyses": "analysis",
        "instruments": "instrument_id value",
        "studies": "study",
    },
)
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """The curve of the first selected analysis with the thresholds of figures.csv."""
    synthesis = pick(analyses, spec.select)[0].synthesis
    marks = pick(review.table("instruments").set_index("instrument_id"), spec.thresholds)
    shares = {name: share_beyond(synthesis, row["value"]) for name, row in marks.iterrows()}
    first = marks["value"].iloc[0]
    limits, at_zero = (
        sorted(share_beyond(synthesis, value, tau2) for tau2 in _variances(synthesis))[::2]
        for value in (first, 0.0)
    )
    facts = {
        "k": synthesis.k, "shares": shares, "share_any": share_beyond(synthesis, 0.0),
        "share_least": limits[0], "share_most": limits[1],
        "share_any_least": at_zero[0], "share_any_most": at_zero[1],
        "tau2_low": synthesis.tau2_ci_low, "tau2_high": synthesis.tau2_ci_high,
    }  # fmt: skip

    def draw(figure: Figure) -> Axes:
        x, bottom, _, height = page.BODY
        ax = figure.add_axes((x + 0.096, bottom + 0.085, 0.49, height - 0.12))
        threshold(synthesis, ax, marks, review.intervention)
        _explain(figure, x + 0.625, bottom + height - 0.035, synthesis, marks)
        return ax

    table = pd.DataFrame({"threshold": np.linspace(0, 3, 13)})
    for name, tau2 in (("as_estimated", None), ("least_spread", synthesis.tau2_ci_low),
                       ("greatest_spread", synthesis.tau2_ci_high)):
        table[name] = 100 * share_beyond(synthesis, table["threshold"].to_numpy(), tau2)
    ids = [row.outcome_id for row in synthesis.studies]
    outcomes = review.table("outcomes").set_index("outcome_id")
    method = (f"{synthesis.method_line.rstrip('.')}; t distribution with k − 1 degrees of freedom "
              "around the pooled difference, as for its prediction interval")
    summary = (
        f"Any difference in favour: probability {percent(facts['share_any'])}; "
        + "; ".join(f"{marks.loc[name, 'value']:g} points: {percent(share)}"
                    for name, share in shares.items())
        + f". At {first:g} points it lies between {percent(limits[0])} and {percent(limits[1])} "
        "as the variance between settings runs over its 95 % interval."
    )
    sources = tuple(dict.fromkeys([*sources_of(outcomes.loc[ids]), *marks.get("source", ())]))
    return Content(facts, table, method, summary, "Curve", sources,
                   ("outcomes", "studies", "analyses", "instruments"), draw)


def _explain(figure: Figure, x: float, y: float, synthesis: Synthesis, marks) -> None:
    """What the curves and lines mean, beside them."""
    notes = (f"{synthesis.tau2:.2f}", f"{synthesis.tau2_ci_low:.2g}, lower 95 % limit",
             f"{synthesis.tau2_ci_high:.1f}, upper 95 % limit")
    y = page.write(figure, x, y, "Variance τ² between settings", size=SIZE, weight="bold") - 0.014
    for note, (words, colour, line, _) in zip(notes, CURVES, strict=True):
        middle = y - 0.0165
        figure.add_artist(Line2D([x, x + 0.032], [middle] * 2, color=colour, ls=line, lw=3))
        y = page.write(figure, x + 0.042, y, words, size=SIZE, color=colour, weight="bold",
                       lines=1) - 0.002
        y = page.write(figure, x + 0.042, y, f"τ² = {note}", size=14, lines=1) - 0.018
    count = f"{in_words(synthesis.k)} {plural(synthesis.k, 'trial')}"
    y = page.write(figure, x, y - 0.008, f"{count[:1].upper()}{count[1:]} hardly inform this: they "
                   "are compatible with every curve.", size=14, lines=3) - 0.026
    figure.add_artist(Line2D([x + 0.016] * 2, [y - 0.033, y], color=page.GREEN, lw=1.5))
    page.write(figure, x + 0.042, y, "Threshold in the tables: for change within one person, not "
               "for a difference between groups", size=14, lines=4, color="#00573F")
