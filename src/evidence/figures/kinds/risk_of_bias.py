"""Risk of bias: one row a result, one lettered shape a domain, the forest row of the result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evidence.appraisal import DOMAINS, HIGH, LOW, SOME, VERSION, risk_of_bias, root_people
from evidence.figures import page
from evidence.figures.figure import Content, Spec, figure_kind, pick
from evidence.pooling import MEASURE_WORDS, favours_words
from evidence.review import Review
from evidence.wording import signed

LIGHTS = {  # letter, marker, colour
    LOW: ("L", "o", page.GREEN),
    SOME: ("S", "s", page.YELLOW),
    HIGH: ("H", "h", page.ORANGE),
}
SHORT = {
    "D1": "randomisation", "DS": "carry-over", "D2": "deviations", "D3": "missing data",
    "D4": "measurement", "D5": "selection",
}  # fmt: skip
UNCHECKED = "*"
WIDTH, HEIGHT = 12.27, 5.1  # inches of the region
RESULT_AT, LIGHTS_AT, FOREST_AT, STEP = 3.3, 5.0, 9.85, 0.66
HEAD, FOOT = 0.36, 1.12
LEGEND = (0.68, 0.22, -0.12)  # lines below the rows
SIZE, LARGEST = 14, 24  # points: text, shape of a letter


def lights(table: pd.DataFrame, labels: Mapping[str, str], results: Mapping[str, str],
           ax: Axes, *, has_crossover: bool = False) -> Axes:
    """Draw the judgements.

    Parameters
    ----------
    table : DataFrame
        As `evidence.appraisal.bias.judgements` returns it.
    labels, results : mapping
        Study label and result in words by outcome_id.
    ax : Axes
        Its limits become inches of the region.
    has_crossover : bool
        Whether an open square, the mark of a crossover trial, stands beside them.

    Returns
    -------
    Axes
    """
    ax.set(xlim=(0, WIDTH), ylim=(0, HEIGHT))
    ax.axis("off")
    ids = list(dict.fromkeys(table["outcome_id"]))
    domains = [*DOMAINS, "overall"]
    top = HEIGHT - HEAD / 2
    for x, words in ((0, "Trial"), (RESULT_AT, "Result")):
        ax.text(x, top, words, size=SIZE, weight="bold", va="center")
    for number, domain in enumerate(domains):
        ax.text(LIGHTS_AT + STEP * (number + 0.5), top, domain.capitalize() if len(domain) > 2
                else domain, size=SIZE, weight="bold", ha="center", va="center")
    heights = row_heights(len(ids))
    size = min(LARGEST, 70 * _pitch(len(ids)))
    for outcome_id, y in zip(ids, heights, strict=True):
        ax.text(0, y, labels[outcome_id], size=SIZE, va="center")
        ax.text(RESULT_AT, y, results[outcome_id], size=SIZE, va="center", color=page.GREY)
        own = table[table["outcome_id"] == outcome_id].set_index("domain")
        for number, domain in enumerate(domains):
            x = LIGHTS_AT + STEP * (number + 0.5)
            if domain in own.index:
                _light(ax, x, y, own.loc[domain, "judgement"], own.loc[domain, "unverified"], size)
            else:
                ax.plot([x - 0.07, x + 0.07], [y, y], color=page.PALE, lw=2)
    x = LIGHTS_AT + STEP * (len(domains) - 1)
    ax.plot([x, x], [FOOT, HEIGHT - HEAD], color=page.PALE, lw=1)
    _legend(ax, bool(table["unverified"].any()), has_crossover)
    return ax


def row_heights(count: int) -> np.ndarray:
    """Middles of the rows in inches from the lower edge, top row first."""
    return HEIGHT - HEAD - _pitch(count) * (np.arange(count) + 0.5)


def _pitch(count: int) -> float:
    """Inches from row to row."""
    return (HEIGHT - HEAD - FOOT) / max(count, 8)


def _light(ax: Axes, x: float, y: float, judgement: str, unverified: bool,
           size: float = LARGEST) -> None:
    letter, marker, colour = LIGHTS[judgement]
    ax.plot([x], [y], marker, ms=size, mfc=colour, mec=page.INK, mew=1)
    ax.text(x, y, letter, size=min(SIZE, 0.75 * size), weight="bold", color="black", ha="center",
            va="center_baseline")
    if unverified:
        ax.text(x + 0.19, y + 0.02, UNCHECKED, size=16, weight="bold", va="center")


def _legend(ax: Axes, has_unchecked: bool, has_crossover: bool) -> None:
    """Letters, domains, and what asterisk, dash and open square mean."""
    first, second, third = LEGEND
    x = 0.18
    for judgement in (LOW, SOME, HIGH):
        _light(ax, x, first, judgement, False)
        ax.text(x + 0.26, first, judgement, size=SIZE, va="center")
        x += 0.62 + 0.115 * len(judgement)
    ax.text(x, first, "– not asked of a parallel trial", size=SIZE, va="center")
    named = "   ".join(f"{domain} {words}" for domain, words in SHORT.items())
    ax.text(0, second, named, size=SIZE, va="center", color=page.GREY)
    x = 0.0
    if has_unchecked:
        artist = ax.text(0, third, f"{UNCHECKED} crossover domain: map of the tool not checked "
                         "against its current form", size=SIZE, va="center", color=page.GREY)
        x = WIDTH * (page.extent(ax.figure, artist)[2] - page.LEFT) / page.BODY[2] + 0.35
    if has_crossover:
        ax.plot([x], [third], clip_on=False, **_square(True))
        ax.text(x + 0.17, third, "crossover trial", size=SIZE, va="center", color=page.GREY)


def _square(crossover: bool) -> dict[str, Any]:
    """The mark of an effect, open for a crossover trial as in the forest plots."""
    return {"marker": "s", "ls": "", "ms": 9, "mew": 2, "mec": page.BLUE,
            "mfc": "white" if crossover else page.BLUE}


def effects_beside(rows: Mapping[str, Any], ids: list[str], notes: Mapping[str, str], ax: Axes,
                   sides: tuple[str, str], heading: str) -> Axes:
    """Forest rows beside the lights: the effect of each id in `rows`, a note for the others."""
    ax.text(0, HEIGHT - HEAD / 2, heading, size=SIZE, weight="bold", ha="center", va="center")
    heights = row_heights(len(ids))
    limits = [value for row in rows.values() for value in (row.ci_low, row.ci_high)]
    reach = 1.05 * max(np.abs(limits), default=1.0)
    ax.set(xlim=(-reach, reach), ylim=(0, HEIGHT))
    ax.set_yticks([])
    for side in ("left", "top", "right"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_position(("data", FOOT))
    ax.plot([0, 0], [FOOT, HEIGHT - HEAD], color=page.GREY, lw=1)
    for outcome_id, y in zip(ids, heights, strict=True):
        row = rows.get(outcome_id)
        if row is None:
            ax.text(0, y, notes[outcome_id], size=SIZE, ha="center", va="center", color=page.GREY,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
            continue
        ax.plot([row.ci_low, row.ci_high], [y, y], color=page.BLUE, lw=2)
        ax.plot([row.effect], [y], **_square(row.crossover))
    ax.xaxis.set_major_formatter(lambda value, _: signed(f"{value:g}"))
    for x, ha, words in ((-reach, "left", sides[0]), (reach, "right", sides[1])):
        ax.text(x, 0.78, words.replace(" ", "\n", 1), ha=ha, va="top", size=SIZE,
                color=page.GREY, linespacing=1.05)
    return ax


@figure_kind(
    "risk_of_bias", tables=("bias_answers",),
    columns={
        "analyses": "analysis",
        "bias_answers": "study outcome_id question answer",
        "bias_facts": "study implies",
        "outcomes": "study domain",
        "studies": "study",
    },
)
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """Every judged result; the first selected analysis gives the forest rows."""
    table = risk_of_bias(review)
    ids = list(dict.fromkeys(table["outcome_id"]))
    pool = pick(analyses, spec.select)[0] if spec.select else None
    rows = {row.outcome_id: row for row in pool.studies} if pool else {}
    left_out = {row.outcome_id for row in pool.excluded} if pool else set()
    outcomes = review.table("outcomes").set_index("outcome_id").loc[ids]
    labels = {name: review.bibliography.cite(outcomes.loc[name, "study"]) for name in ids}
    results = {name: str(outcomes.loc[name, "domain"]).replace("_", " ") for name in ids}
    notes = {name: "no usable error" if name in left_out else "another scale" for name in ids}
    whole = table[table["domain"] == "overall"]
    overall = whole["judgement"].value_counts()
    domains = table[table["domain"] != "overall"]
    facts = {
        "n_judged": len(ids), "n_low": int(overall.get(LOW, 0)),
        "n_some": int(overall.get(SOME, 0)), "n_high": int(overall.get(HIGH, 0)),
        "n_unread": int((whole["unread"].astype(bool) & (whole["judgement"] == HIGH)).sum()),
        "n_domains": len(domains), **_coverage(review, set(outcomes["study"])),
        "n_unchecked": int(domains["unverified"].sum()),
        "title": pool.title if pool else "",
    }

    def draw(figure: Figure) -> Axes:
        ax = lights(table, labels, results, figure.add_axes(page.BODY),
                    has_crossover=any(row.crossover for row in rows.values()))
        if rows:
            x, bottom, width, height = page.BODY
            start = FOREST_AT / WIDTH
            effects_beside(rows, ids, notes, figure.add_axes(
                (x + start * width, bottom, (1 - start) * width, height), facecolor="none"
            ), favours_words(pool.higher_is, review.intervention, review.control),
                MEASURE_WORDS[pool.measure])
        return ax

    known, unknown = _facts(review, set(outcomes["study"]))
    method = (f"{VERSION}, with its crossover variant; judged from {known} facts, and {unknown} "
              f"questions without an answer. {review.item('judgements')}")
    summary = " ".join(
        f"{labels[row['outcome_id']]}, {results[row['outcome_id']]}: {row['judgement']}."
        for _, row in table[table["domain"] == "overall"].iterrows()
    )
    return Content(facts, table, method, summary, "Table of lettered shapes",
                   tuple(dict.fromkeys(table["study"])),
                   ("bias_answers", "bias_facts", "risk_of_bias", "outcomes", "studies"), draw)


def _facts(review: Review, studies: set[str]) -> tuple[int, int]:
    """Facts about the judged studies, and questions of which nothing was read."""
    facts = review.table("bias_facts")
    if facts.empty:
        return 0, 0
    open_ = facts.loc[facts["study"].isin(studies), "implies"] == "no_information"
    return int((~open_).sum()), int(open_.sum())


def _coverage(review: Review, judged: set[str]) -> dict[str, Any]:
    """How many placebo-controlled trials with results were judged, and the names of the others."""
    people = root_people(review)
    trials = people.index[people["placebo"] & people["has_results"]
                          & (people["root"] == people.index)]
    others = [review.bibliography.cite(study) for study in trials if study not in judged]
    return {"n_trials": len(trials), "n_judged_trials": len(trials) - len(others),
            "not_judged": others or ["none"], "n_not_judged": len(others)}
