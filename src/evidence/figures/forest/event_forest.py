"""Event forest: trials with counts in both arms, grouped by outcome, none of them pooled.

For outcomes with one or two trials: each has its own row and interval, no diamond. Harms of which
only percentages are known stand below as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evidence.figures import page
from evidence.figures.figure import Content, Spec, figure_kind, pick, sources_of
from evidence.figures.scale import Scale, effect_scale, ratio_scale, tick_text
from evidence.pooling import MEASURE_WORDS, analysis_rows, favours_words
from evidence.review import NoDataError, Review
from evidence.wording import in_words, plural

SIZE = 15
COLUMNS = {"study": 0.0, "intervention": 0.34, "control": 0.45, "plot": 0.485, "effect": 1.0}
PLOT_WIDTH = 0.325
TICKS = 7
PERCENT_ONLY = "no counts, no ratio"
SECOND_HAND = " *"
COVER = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # text across the null line


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the figure; a heading has no study."""

    group: str
    note: str = ""
    study: str = ""
    intervention: str = ""
    control: str = ""
    effect: float = np.nan
    ci_low: float = np.nan
    ci_high: float = np.nan
    crossover: bool = False
    second_hand: bool = False


def event_forest(lines: list[Line], ax: Axes, *, measure: str, higher_is: str, intervention: str,
                 control: str) -> Axes:
    """Draw groups of trials on one ratio (or difference) axis.

    Parameters
    ----------
    lines : list of Line
        Top to bottom.
    ax : Axes
        Canvas; rows are in data units, columns in fractions of its width.
    measure, higher_is : str
        Of the effects.
    intervention, control : str
        Labels of the arms.

    Returns
    -------
    Axes
    """
    drawn = [line for line in lines if np.isfinite(line.effect)]
    null = 1.0 if measure in ("RR", "OR") else 0.0
    scale = _scale(drawn, null)
    ax.set(xlim=(0, 1), ylim=(len(lines) + 1.6, -1.35))
    ax.set_axis_off()

    def at(value: float) -> float:
        return COLUMNS["plot"] + PLOT_WIDTH * min(max(scale.place(value), 0.0), 1.0)

    def text(x: float, y: float, words: str, **style) -> None:
        ax.text(x, y, words, **{"size": SIZE, "va": "center", "color": page.INK} | style)

    for x, words, side in (
        (COLUMNS["study"], "Trial", "left"), (COLUMNS["intervention"], intervention, "right"),
        (COLUMNS["control"], control, "right"),
        (COLUMNS["effect"], f"{MEASURE_WORDS[measure]} [95 % interval]", "right"),
    ):
        text(x, -0.95, words, weight="bold", ha=side)
    ax.plot([0, 1], [-0.55, -0.55], color=page.GREY, lw=0.8)
    bottom = len(lines) - 0.3
    ax.plot([at(null)] * 2, [-0.4, bottom], color=page.GREY, lw=1, zorder=1)
    for y, line in enumerate(lines):
        if not line.study:
            text(0, y + 0.1, line.group, weight="bold")
            text(1, y + 0.1, line.note, ha="right", color=page.GREY, style="italic", bbox=COVER)
            continue
        text(0.015, y, line.study + SECOND_HAND * line.second_hand)
        text(COLUMNS["intervention"], y, line.intervention, ha="right")
        text(COLUMNS["control"], y, line.control, ha="right")
        if np.isnan(line.effect):
            text(1, y, PERCENT_ONLY, ha="right", color=page.GREY)
            continue
        text(1, y, f"{scale.number(line.effect)} {scale.interval(line.ci_low, line.ci_high)}",
             ha="right")
        ax.plot([at(line.ci_low), at(line.ci_high)], [y, y], color=page.BLUE, lw=1.8, zorder=2)
        _square(ax, at(line.effect), y, line.crossover)
        for value, marker in ((line.ci_low, "<"), (line.ci_high, ">")):
            if not scale.inside(value):
                ax.plot(at(value), y, marker, color=page.BLUE, ms=9, zorder=3)
    _axis(ax, scale, at, bottom, null, favours_words(higher_is, intervention, control))
    if any(line.crossover for line in drawn):
        _square(ax, 0.007, bottom + 0.55, True)
        text(0.02, bottom + 0.55, "crossover")
    return ax


def _scale(drawn: list[Line], null: float) -> Scale:
    estimates = [line.effect for line in drawn]
    if null == 1.0:
        return ratio_scale(estimates, [x for line in drawn for x in (line.ci_low, line.ci_high)])
    intervals = [(line.ci_low, line.ci_high) for line in drawn]
    return effect_scale(estimates, intervals, [null], is_ratio=False)


def _square(ax: Axes, x: float, y: float, crossover: bool) -> None:
    """The effect of a trial, open for a crossover trial as in every forest plot."""
    face = "white" if crossover else page.BLUE
    ax.plot(x, y, "s", color=page.BLUE, mfc=face, mew=2, ms=10, zorder=3)


def _axis(ax: Axes, scale, at, y: float, null: float, sides: tuple[str, str]) -> None:
    ax.plot([at(scale.low), at(scale.high)], [y, y], color=page.INK, lw=1)
    for value in scale.ticks(TICKS):
        ax.plot([at(value)] * 2, [y, y + 0.12], color=page.INK, lw=1)
        ax.text(at(value), y + 0.55, tick_text(value), ha="center", va="center", size=14)
    for shift, words, side in ((-0.01, f"← {sides[0]}", "right"), (0.01, f"{sides[1]} →", "left")):
        ax.text(at(null) + shift, y + 1.3, words, ha=side, va="center", size=SIZE)


@figure_kind(
    "event_forest", tables=("analyses",), ids=1,
    columns={
        "studies": "study",
        "harms": "event",
    },
)
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """Selected analyses, and harms that are not in an analysis as percentages."""
    rows = analysis_rows(review)
    for column in ("intervention_events", "control_events"):
        if column not in rows:
            raise NoDataError(f"the review has no column {column} in data/outcomes.csv")
    chosen = pick(rows, [i for name in spec.select for i in _row_ids(analyses, name)])
    lines: list[Line] = []
    table: list[dict] = []
    shown = [analyses[name].synthesis for name in spec.select if name in analyses]
    for name in spec.select:
        if name in analyses:
            found = _analysis_lines(review, analyses[name].synthesis, rows)
        else:
            found = _percent_lines(review, rows.loc[name])
        if found[0].group in {line.group for line in lines}:
            found = found[1:]
        lines += found
        table += [{"group": line.group, "study": line.study, review.intervention: line.intervention,
                   review.control: line.control, "effect": line.effect, "ci_low": line.ci_low,
                   "ci_high": line.ci_high} for line in found if line.study]
    effects = [(row, pool.null_value) for pool in shown for row in pool.studies]
    excluding = sum(row.ci_low > null or row.ci_high < null for row, null in effects)
    facts = {
        "n_intervals": len(effects),
        "n_excluding": excluding,
        "excluding": in_words(excluding) if excluding else "none",
        "higher": _names(review, {row.study for row, null in effects if row.effect > null}),
        "lower": _names(review, {row.study for row, null in effects if row.effect < null}),
        "counts": {
            name: [f"{line.intervention} against {line.control}"
                   for line in _analysis_lines(review, analyses[name].synthesis, rows)[1:]]
            for name in spec.select if name in analyses
        },
    }

    def draw(figure: Figure) -> Axes:
        return event_forest(
            lines, page.body(figure), measure=shown[0].measure, higher_is=shown[0].higher_is,
            intervention=review.intervention, control=review.control,
        )  # fmt: skip

    sources = sources_of(chosen)
    tables = tuple(t for t in ("outcomes", "harms", "studies", "analyses") if t in review.tables)
    method = (f"{MEASURE_WORDS[shown[0].measure]}s with Wald intervals from the counts of each "
              "trial; nothing is pooled, since two trials cannot support a pooled interval")
    if any(line.second_hand for line in lines):
        method += f".{SECOND_HAND} Counts read in another document"
    return Content(facts, pd.DataFrame(table), method, _summary(lines), "Forest plot without pool",
                   sources, tables, draw)


def _names(review: Review, studies: set[str]) -> list[str]:
    return [review.bibliography.cite(study) for study in sorted(studies)] or ["no trial"]


def _row_ids(analyses: Mapping[str, Any], name: str) -> list[str]:
    if name not in analyses:
        return [name]
    return [row.outcome_id for row in analyses[name].synthesis.studies]


def _analysis_lines(review: Review, pool, rows: pd.DataFrame) -> list[Line]:
    note = f"{in_words(pool.k)} {plural(pool.k, 'trial')}, not pooled"
    lines = [Line(pool.title, note)]
    for study in pool.studies:
        row = rows.loc[study.outcome_id]
        arms = [
            f"{row[f'{arm}_events']:.0f} of {row[f'{arm}_n']:.0f}"
            for arm in ("intervention", "control")
        ]
        label = review.bibliography.cite(study.study)
        lines.append(Line(pool.title, note, label, *arms, study.effect, study.ci_low,
                          study.ci_high, study.crossover, study.verification == "secondary"))
    return lines


def _percent_lines(review: Review, row: pd.Series) -> list[Line]:
    """A harm known as percentages: a heading shared by all of its trial, and its row."""
    heading = f"Percentages only, {review.bibliography.cite(row['study'])}"
    arms = [f"{row[f'{arm}_pct']:g} %" for arm in ("intervention", "control")]
    event, where = str(row["event"]), row.get("source_where")
    note = ""
    if row.get("verification") == "secondary":
        note = "secondary source" + (f": {where}" if pd.notna(where) else "")
    return [Line(heading, note), Line(heading, note, event[:1].upper() + event[1:], *arms)]


def _summary(lines: list[Line]) -> str:
    parts = []
    for line in lines:
        if line.study:
            text = f"{line.group}, {line.study}: {line.intervention} against {line.control}"
            if np.isfinite(line.effect):
                text += f", {line.effect:.2f} ({line.ci_low:.2f} to {line.ci_high:.2f})"
            parts.append(text)
    return "; ".join(parts) + "."
