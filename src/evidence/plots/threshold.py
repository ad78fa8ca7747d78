"""Threshold: share of settings expected beyond a threshold that the reader chooses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evidence.exhibits import Content, Spec
from evidence.expected import share_beyond
from evidence.plots import page
from evidence.prose import in_words, plural
from evidence.results import Synthesis
from evidence.review import Review

SIZE = 15
STEPS = 241


def threshold(synthesis: Synthesis, ax: Axes, marks: pd.DataFrame, intervention: str) -> Axes:
    """Draw the share against the threshold, and how it moves with the between-study variance.

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
    furthest = 1.15 * max([1.0, *marks["value"]])
    points = np.linspace(0, furthest, STEPS)
    curves = (
        (synthesis.tau2_ci_low, page.ORANGE, "--"),
        (None, page.BLUE, "-"),
        (synthesis.tau2_ci_high, page.GREY, ":"),
    )
    for tau2, colour, line in curves:
        share = 100 * share_beyond(synthesis, points, tau2)
        ax.plot(points, share, color=colour, ls=line, lw=3)
    for value in marks["value"].unique():
        share = 100 * share_beyond(synthesis, value)
        ax.axvline(value, color=page.GREEN, lw=1.5, zorder=0)
        ax.plot(value, share, "o", color=page.BLUE, ms=11)
        ax.annotate(f"{share:.0f} %", (value, share), xytext=(8, 8), textcoords="offset points",
                    size=SIZE, weight="bold", color=page.BLUE)
    ax.set(xlim=(0, furthest), ylim=(0, 100), yticks=range(20, 101, 20))
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:g} %")
    ax.set_xlabel(f"Threshold chosen by the reader: points by which {intervention} is better")
    ax.set_ylabel("Settings expected beyond it")
    return ax


def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """The curve of the first selected analysis with the thresholds of figures.csv."""
    synthesis = analyses[spec.select[0]].synthesis
    marks = review.table("instruments").set_index("instrument_id").loc[list(spec.thresholds)]
    shares = {name: share_beyond(synthesis, row["value"]) for name, row in marks.iterrows()}
    first = marks["value"].iloc[0]
    limits = sorted(
        share_beyond(synthesis, first, tau2)
        for tau2 in (synthesis.tau2_ci_low, synthesis.tau2_ci_high)
    )
    facts = {
        "k": synthesis.k, "shares": shares, "share_any": share_beyond(synthesis, 0.0),
        "share_least": limits[0], "share_most": limits[1],
        "tau2_low": synthesis.tau2_ci_low, "tau2_high": synthesis.tau2_ci_high,
    }  # fmt: skip

    def draw(figure: Figure) -> Axes:
        x, bottom, _, height = page.BODY
        ax = figure.add_axes((x + 0.065, bottom + 0.085, 0.52, height - 0.11))
        threshold(synthesis, ax, marks, review.intervention)
        _explain(figure, x + 0.625, bottom + height - 0.03, synthesis, marks)
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
        f"any difference in favour: {facts['share_any']:.0%} of settings; "
        + "; ".join(f"{marks.loc[name, 'value']:g} points: {share:.0%}"
                    for name, share in shares.items())
        + f". At {first:g} points the share lies between {limits[0]:.0%} and {limits[1]:.0%} as "
        "the variance between settings runs over its 95% interval."
    )
    sources = tuple(dict.fromkeys([*outcomes.loc[ids].get("source", ()),
                                   *marks.get("source", ())]))
    return Content(facts, table, method, summary, "Curve", sources,
                   ("outcomes", "studies", "analyses", "instruments"), draw)


def _explain(figure: Figure, x: float, y: float, synthesis: Synthesis, marks) -> None:
    """What the curves and lines mean, beside them."""
    count = f"{in_words(synthesis.k)} {plural(synthesis.k, 'trial')}"
    low, high = synthesis.tau2_ci_low, synthesis.tau2_ci_high
    items = (
        (page.BLUE, "—  As estimated", f"τ² = {synthesis.tau2:.2f} between settings."),
        (page.ACCENT, "– –  Settings alike", f"τ² = {low:.2g}, its lower 95% limit."),
        (page.GREY, "···  Settings far apart", f"τ² = {high:.1f}, its upper 95% limit."),
        (page.INK, f"{count[:1].upper()}{count[1:]} hardly inform this",
         "They are compatible with the broken curve and with the dotted one."),
        ("#00573F", "|  Thresholds in the tables",
         "They are for change within one person, not for a difference between groups."),
    )
    for colour, head, text in items:
        y = page.write(figure, x, y, head, size=SIZE, color=colour, weight="bold") - 0.004
        y = page.write(figure, x, y, text, size=14, lines=4) - 0.022
