"""Threshold: probability that a further setting reaches a threshold that the reader chooses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evidence.figures import page
from evidence.figures.figure import Content, Spec, figure_kind, pick, sources_of
from evidence.pooling import Pool, share_beyond
from evidence.review import Review
from evidence.wording import NO_BREAK, in_words, percent, plural

STEPS = 241
BAND = "#DCE9F2"
SIDE = 0.6  # where the sentence begins, as a share of the page


def curves(synthesis: Pool, points: np.ndarray) -> np.ndarray:
    """Probabilities at `points` under the estimated, the least and the greatest variance.

    Returns
    -------
    array of shape (3, points)
        Shares from 0 to 1: as estimated, then the lowest and the highest of the three.
    """
    found = np.array([share_beyond(synthesis, points, tau2) for tau2 in _variances(synthesis)])
    return np.array([found[0], found.min(axis=0), found.max(axis=0)])


def threshold(synthesis: Pool, ax: Axes, value: float, last: float,
              intervention: str) -> Axes:
    """Draw the probability against the threshold: one curve, the band around it, one mark.

    Parameters
    ----------
    synthesis : Pool
    ax : Axes
    value : float
        Threshold to mark, in points of the scale.
    last : float
        Where the curve ends.
    intervention : str
        Label of the intervention.

    Returns
    -------
    Axes
    """
    points = np.linspace(0, last, STEPS)
    share, low, high = 100 * curves(synthesis, points)
    ax.fill_between(points, low, high, color=BAND, lw=0)
    ax.plot(points, share, color=page.MESSAGE, lw=3.5)
    at, least, most = 100 * curves(synthesis, np.array([value]))[:, 0]
    ax.plot([value, value], [least, most], color=page.INK, lw=2)
    ax.plot(value, at, "o", ms=13, color=page.MESSAGE, zorder=3)
    ax.annotate(percent(at / 100), (value, at), xytext=(12, 10), textcoords="offset points",
                size=24, weight="bold", color=page.MESSAGE)
    ax.annotate(percent(most / 100), (value, most), xytext=(10, 0), va="center",
                textcoords="offset points", size=page.TEXT)
    ax.annotate(percent(least / 100), (value, least), xytext=(-10, -2), va="center", ha="right",
                textcoords="offset points", size=page.TEXT)
    ax.set(xlim=(0, last), ylim=(0, 100), yticks=range(0, 101, 25))
    ax.set_xticks(np.arange(0, last + 0.01, last / 4 if last < 2 else 0.5))
    ax.xaxis.set_major_formatter(lambda tick, _: f"{tick:g}")
    ax.yaxis.set_major_formatter(lambda tick, _: f"{tick:g}{NO_BREAK}%")
    ax.set_xlabel(f"Points by which {intervention} is better")
    return ax


def _variances(synthesis: Pool) -> tuple[float | None, float, float]:
    """Between-study variances: the estimate (None), its lower and its upper limit."""
    return None, synthesis.tau2_ci_low, synthesis.tau2_ci_high


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
    synthesis = pick(analyses, spec.select)[0]
    marks = review.table("instruments").set_index("instrument_id").pipe(pick, spec.thresholds)
    shares = {name: share_beyond(synthesis, row["value"]) for name, row in marks.iterrows()}
    first = _aim(review, spec.select[0], marks)
    limits, at_zero = (
        sorted(share_beyond(synthesis, value, tau2) for tau2 in _variances(synthesis))[::2]
        for value in (first, 0.0)
    )
    facts = {
        "k": synthesis.k, "shares": shares, "value": first,
        "share": share_beyond(synthesis, first), "share_any": share_beyond(synthesis, 0.0),
        "share_least": limits[0], "share_most": limits[1],
        "share_any_least": at_zero[0], "share_any_most": at_zero[1],
        "tau2_low": synthesis.tau2_ci_low, "tau2_high": synthesis.tau2_ci_high,
    }  # fmt: skip

    intervention = review.intervention

    def draw(figure: Figure) -> Axes:
        x, bottom, _, height = page.BODY
        ax = figure.add_axes((x + 0.06, bottom + 0.095, SIDE - 0.16, height - 0.12))
        threshold(synthesis, ax, first, 2 * first, intervention)
        _explain(figure, x + SIDE - 0.03, bottom + height - 0.03, facts, intervention)
        return ax

    table = pd.DataFrame({"threshold": np.linspace(0, 3, 13)})
    for name, tau2 in (("as_estimated", None), ("least_spread", synthesis.tau2_ci_low),
                       ("greatest_spread", synthesis.tau2_ci_high)):
        table[name] = 100 * share_beyond(synthesis, table["threshold"].to_numpy(), tau2)
    ids = [row.outcome_id for row in synthesis.studies]
    outcomes = review.table("outcomes").set_index("outcome_id")
    method = f"{synthesis.method_line.rstrip('.')}; t with k − 1 degrees of freedom"
    summary = (
        f"Any difference in favour: probability {percent(facts['share_any'])}; "
        + "; ".join(f"{value:g} {plural(value, 'point')}: {percent(share)}" for value, share in
                    [(first, facts["share"]), *zip(marks["value"], shares.values(), strict=True)])
        + f". At {first:g} {plural(first, 'point')} it lies between {percent(limits[0])} and "
        f"{percent(limits[1])} "
        "as the variance between settings runs over its 95 % interval."
    )
    sources = tuple(dict.fromkeys([*sources_of(outcomes.loc[ids]), *marks.get("source", ())]))
    return Content(facts, table, method, summary, "Curve", sources,
                   ("outcomes", "studies", "analyses", "instruments", "certainty"), draw)


def _aim(review: Review, analysis: str, marks: pd.DataFrame) -> float:
    """The difference that certainty.csv calls important for an analysis, else the first mark."""
    table = review.table("certainty")
    if {"analysis", "important_effect", "effect_unit"} <= set(table):
        known = table[(table["analysis"] == analysis) & (table["effect_unit"] == "points")]
        for value in known["important_effect"].dropna():
            return float(value)
    return float(marks["value"].iloc[0])


def _explain(figure: Figure, x: float, y: float, facts: Mapping[str, Any],
             intervention: str) -> None:
    """The sentence, and what the band is."""
    points = f"{facts['value']:g} {plural(facts['value'], 'point')}"
    y = page.write(figure, x, y, percent(facts["share"]), size=54, weight="bold",
                   color=page.MESSAGE, lines=1) - 0.01
    y = page.write(figure, x, y, f"is the chance that in a further setting {intervention} is "
                   f"better by {points} or more on average.", size=22, lines=4) - 0.04
    count = f"{in_words(facts['k'])} {plural(facts['k'], 'trial')}"
    y = page.write(figure, x, y, f"{count[:1].upper()}{count[1:]} allow anything in the band: from "
                   f"{percent(facts['share_least'])} to {percent(facts['share_most'])}.",
                   size=page.TEXT, lines=3) - 0.04
    page.write(figure, x, y, "Thresholds for the change of one person do not say which "
               "difference between groups matters.", size=page.TEXT, lines=5,
               color=page.GREY)
