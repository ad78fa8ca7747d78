"""Risk of bias: one row a result, one lettered shape a domain, the forest row of the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evidence.appraisal import HIGH, LOW, SOME, VERSION, risk_of_bias, root_people
from evidence.figures import page
from evidence.figures.figure import Content, Spec, figure_kind, pick
from evidence.figures.marks import head, trial
from evidence.figures.scale import Scale, effect_scale, tick_text
from evidence.review import NoDataError, Review

LIGHTS = {  # judgement: letter, marker, ground
    LOW: ("L", "o", "#9FD3C0"), SOME: ("S", "s", "#F6EDA0"), HIGH: ("H", "h", page.ORANGE),
    "no information": ("?", "D", "white"), "unclear": ("?", "D", "white"),
    "moderate": ("M", "s", "#F6EDA0"), "serious": ("X", "h", page.ORANGE),
    "critical": ("C", "8", page.VERMILION),
}  # fmt: skip
SHORT = {
    "D1": "randomisation", "DS": "carry-over", "D2": "deviations", "D3": "missing data",
    "D4": "measurement", "D5": "selection",
}  # fmt: skip
OVERALL = "overall"
UNCHECKED = "*"
FOREST, NAMES = 0.24, 0.27  # shares of the width: effects beside the lights, longer names wrap
GAP = 0.22  # inches between columns
KEY_LINES, FOOT_LINES = 1.5, 3.6  # of the letters, of the axis and the names of the domains
MOST_ROWS = {"slide": 16, "print": 40}  # of a page
LEAST_ROWS, GROWN = 8, 17.0  # rows that set the size; points where the page may grow


def _lines(rows: int, high: float = 1.0) -> float:
    """Height of so many rows with their heading, key and axis, in font sizes."""
    return (max(rows, LEAST_ROWS) * 1.32 * high + 1.5 + KEY_LINES + FOOT_LINES) * 1.02


def _wrapped(names: Sequence[str], width: float) -> float:
    """How much higher rows are because long names take several lines."""
    if max((page.inches(name, GROWN) for name in names), default=0.0) <= 1.35 * NAMES * width:
        return 1.0
    lines = max(len(page.evenly(name, NAMES * width, GROWN)) for name in names)
    return (1.15 * lines + 0.4) / 1.32


class Sheet:
    """Where rows and columns of the lights stand on a canvas, in inches."""

    def __init__(self, ax: Axes, names: Sequence[str], results: Sequence[str],
                 domains: Sequence[str], with_effects: bool):
        self.width, self.height = page.in_inches(ax)
        high = _wrapped(names, self.width) if page.grows(ax.figure) else 1.0
        self.size = max(min(page.TEXT, 72 * self.height / _lines(len(names), high)),
                        page.SMALLEST - 3)
        while True:
            em = self.size / 72
            self.labels = {name: page.evenly(name, NAMES * self.width if high > 1 else np.inf,
                                             self.size) for name in names}
            self.names = max(page.inches(line, self.size) for line in
                             ["Study", *(line for lines in self.labels.values() for line in lines)])
            self.results = max(page.inches(words, self.size) for words in
                               [*results, "Result" * any(results)])
            self.step = max(1.75 * em, page.inches("Overall", self.size, "bold") / 1.5)
            left = self.names + self.results + 2 * GAP
            self.right = self.width * (1 - FOREST * with_effects) - GAP * with_effects
            if left + self.step * (len(domains) + 0.5) <= self.right or self.size <= 8:
                break
            self.size -= 0.5
        self.em, self.lights = em, left
        self.step = min((self.right - left) / (len(domains) + 0.5), 0.95)
        self.head = 1.5 * em
        self.pitch = min(1.9 * em * high, (self.height - self.head - (KEY_LINES + FOOT_LINES) * em)
                         / max(len(names), 1))
        self.bottom = self.height - self.head - self.pitch * len(names)

    def row(self, number: int) -> float:
        """Middle of a row."""
        return self.height - self.head - self.pitch * (number + 0.5)

    def column(self, number: int, last: int) -> float:
        """Middle of a column of lights; the last one stands apart."""
        return self.lights + self.step * (number + 0.5 + 0.5 * (number == last))


def lights(table: pd.DataFrame, labels: Mapping[str, str], results: Mapping[str, str],
           ax: Axes, *, some: Sequence[str] | None = None, with_effects: bool = False,
           crossover: bool = False) -> Sheet:
    """Draw the judgements.

    Parameters
    ----------
    table : DataFrame
        As `evidence.appraisal.judgements` returns it; the domains may have any names.
    labels, results : mapping
        Study label and result in words by outcome_id.
    ax : Axes
        Its limits become inches of the region.
    some : sequence of str, optional
        Outcomes of this page; all by default.
    with_effects : bool
        Whether room is left for the effects at the right.
    crossover : bool
        Whether an open square, the mark of a crossover trial, stands among them.

    Returns
    -------
    Sheet
        Where rows and columns stand.
    """
    ids = list(dict.fromkeys(table["outcome_id"]) if some is None else some)
    domains = _domains(table)
    sheet = Sheet(ax, [labels[name] for name in ids], [results[name] for name in ids], domains,
                  with_effects)
    style, last = {"size": sheet.size, "va": "center_baseline"}, len(domains) - 1
    top = sheet.height - 0.5 * sheet.head
    for x, words in ((0, "Study"), (sheet.names + GAP, "Result" * any(results.values()))):
        ax.text(x, top, words, weight="bold", **style)
    codes = _codes(domains)
    for number, domain in enumerate(domains):
        ax.text(sheet.column(number, last), top, codes[domain], weight="bold", ha="center", **style)
    own = table.set_index(["outcome_id", "domain"])
    for row, outcome_id in enumerate(ids):
        y = sheet.row(row)
        lines = sheet.labels[labels[outcome_id]]
        ax.text(0, y, "\n".join(lines), **style if len(lines) == 1 else style | {
            "va": "center", "linespacing": 1.05})
        ax.text(sheet.names + GAP, y, results[outcome_id], color=page.GREY, **style)
        for number, domain in enumerate(domains):
            x = sheet.column(number, last)
            if (outcome_id, domain) in own.index:
                found = own.loc[(outcome_id, domain)]
                _light(ax, x, y, found["judgement"], bool(found["unverified"]), sheet)
            else:
                ax.text(x, y, "–", color=page.GREY, ha="center", **style)
    _legend(ax, sheet, table, codes, crossover)
    return sheet


def _domains(table: pd.DataFrame) -> list[str]:
    """The domains in the order of the table, the overall judgement last."""
    known = [domain for domain in SHORT if domain in set(table["domain"])]
    domains = known + [name for name in dict.fromkeys(table["domain"])
                       if name not in known and name != OVERALL]
    return domains + [OVERALL] * (OVERALL in set(table["domain"]))


def _codes(domains: Sequence[str]) -> dict[str, str]:
    """What stands over a column: the domain where it is short, else its number."""
    return {
        domain: "Overall" if domain == OVERALL else domain if len(domain) <= 3 else str(number)
        for number, domain in enumerate(domains, 1)
    }


def _light(ax: Axes, x: float, y: float, judgement: str, unverified: bool, sheet: Sheet) -> None:
    letter, marker, colour = LIGHTS.get(str(judgement).casefold(), ("?", "D", "white"))
    points = 72 * min(0.82 * sheet.pitch, 1.35 * sheet.em)
    ax.plot([x], [y], marker, ms=points if marker != "D" else 0.82 * points, mfc=colour,
            mec=page.INK, mew=1, clip_on=False)
    ax.text(x, y, letter, size=min(0.82 * points, sheet.size), weight="bold", color="black",
            ha="center", va="center_baseline")
    if unverified:
        ax.text(x + 0.55 * points / 72, y, UNCHECKED, size=sheet.size, weight="bold",
                va="center_baseline")


def _legend(ax: Axes, sheet: Sheet, table: pd.DataFrame, codes: Mapping[str, str],
            crossover: bool) -> None:
    """Letters, and what the codes of the domains, an asterisk and a dash mean."""
    size, em = min(sheet.size, page.TICKS), sheet.em
    x, y = 0.6 * em, sheet.bottom - 1.6 * em
    said = [str(word).casefold() for word in table["judgement"]]
    for judgement in [name for name in LIGHTS if name in said]:
        _light(ax, x, y, judgement, False, sheet)
        ax.text(x + em, y, judgement, size=size, va="center_baseline")
        x += 2.6 * em + page.inches(judgement, size)
    words = [f"{code} {SHORT.get(domain, domain)}" for domain, code in codes.items()
             if domain != OVERALL and SHORT.get(domain, domain) != code]
    if len(table) < table["outcome_id"].nunique() * len(codes):
        words.append("– not asked")
    if crossover:
        words.append("open square: crossover trial")
    if table["unverified"].any():
        words.append(f"{UNCHECKED} map of the tool not checked")
    together = "; ".join(word.replace(" ", "\u00a0") for word in words)
    lines = page.broken(together, sheet.right, size)
    ax.text(0, y - 1.3 * em, "\n".join(lines), size=size, va="top", color=page.GREY,
            linespacing=1.1)


def effects_beside(rows: Mapping[str, Any], ids: Sequence[str], notes: Mapping[str, str],
                   ax: Axes, sheet: Sheet, scale: Scale, sides: tuple[str, str],
                   heading: str) -> Axes:
    """Forest rows beside the lights: the effect of each id in `rows`, a note for the others."""
    left, right = sheet.right + GAP, sheet.width
    style = {"size": sheet.size, "va": "center_baseline"}

    def at(value: float) -> float:
        return left + min(max(scale.place(value), 0.0), 1.0) * (right - left)

    ax.text((left + right) / 2, sheet.height - 0.5 * sheet.head, heading, weight="bold",
            ha="center", **style)
    low = sheet.bottom - 0.1 * sheet.em
    ax.plot([at(scale.null)] * 2, [low, sheet.height - sheet.head], color=page.INK, lw=1, zorder=1)
    ax.plot([left, right], [low, low], color=page.INK, lw=1)
    for number, outcome_id in enumerate(ids):
        row, y = rows.get(outcome_id), sheet.row(number)
        if row is None:
            ax.text((left + right) / 2, y, notes[outcome_id], ha="center", color=page.GREY,
                    bbox=page.COVER, **style)
            continue
        ax.plot([at(row.ci_low), at(row.ci_high)], [y, y], color=page.CONTEXT, lw=2)
        for value, end, sign in ((row.ci_low, left, -1), (row.ci_high, right, 1)):
            if not scale.inside(value):
                head(ax, end, y, sign, page.CONTEXT)
        ax.plot(at(row.effect), y, **trial(crossover=row.crossover, colour=page.INK,
                                           size=0.5 * sheet.size))
    for tick in scale.ticks(4):
        ax.plot([at(tick)] * 2, [low, low - 0.2 * sheet.em], color=page.INK, lw=1)
        ax.text(at(tick), low - 0.85 * sheet.em, tick_text(tick), size=min(sheet.size, page.TICKS),
                ha="center", va="center_baseline")
    for x, align, words in ((left, "left", f"← {sides[0]}"), (right, "right", f"{sides[1]} →")):
        size = min(sheet.size, page.TICKS)
        lines = page.evenly(words, 0.48 * (right - left), size)
        ax.text(x, low - 1.5 * sheet.em, "\n".join(lines), size=size, ha=align, va="top",
                linespacing=1.05)
    return ax


@figure_kind(
    "risk_of_bias", tables=("outcomes",),
    columns={
        "analyses": "analysis",
        "bias_answers": "study outcome_id question answer",
        "bias_facts": "study implies",
        "outcomes": "study",
        "studies": "study",
    },
)
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """Every judged result; the first selected analysis gives the forest rows."""
    table = risk_of_bias(review)
    if table.empty:
        raise NoDataError("the review has neither answers in data/bias_answers.csv nor judgements "
                          "in data/risk_of_bias.csv")
    ids = list(dict.fromkeys(table["outcome_id"]))
    pool = pick(analyses, spec.select)[0] if spec.select else None
    rows = {row.outcome_id: row for row in pool.studies} if pool else {}
    left_out = {row.outcome_id for row in pool.excluded} if pool else set()
    outcomes = review.table("outcomes").set_index("outcome_id").loc[ids]
    labels = {name: review.bibliography.cite(outcomes.loc[name, "study"]) for name in ids}
    domains_of = outcomes["domain"] if "domain" in outcomes else pd.Series("", outcomes.index)
    results = domains_of.fillna("").str.replace("_", " ").to_dict()
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

    shown = [row for name, row in rows.items() if name in ids]
    scale = effect_scale([row.effect for row in shown],
                         [(row.ci_low, row.ci_high) for row in shown],
                         [pool.null_value], is_ratio=pool.is_ratio) if shown else None
    sides = pool.sides(review.intervention, review.control) if shown else ("", "")

    def draw(figure: Figure, some: Sequence[str] = ids) -> Axes:
        high = _wrapped(list(labels.values()), page.BODY[2] * figure.get_figwidth())
        page.grow(figure, _lines(len(some), high) * GROWN / 72)
        ax = page.body(figure)
        sheet = lights(table, labels, results, ax, some=some, with_effects=bool(shown),
                       crossover=any(row.crossover for row in shown))
        if shown:
            effects_beside(rows, some, notes, ax, sheet, scale, sides, pool.measure_words)
        return ax

    def paged(style: str) -> list[Callable[[Figure], Axes]]:
        count = ceil(len(ids) / MOST_ROWS.get(style, len(ids)))
        return [partial(draw, some=[str(name) for name in part])
                for part in np.array_split(np.array(ids, dtype=object), count)]

    known, unknown = _facts(review, set(outcomes["study"]))
    answered = f"{VERSION}; {known} facts, {unknown} questions without an answer"
    method = answered if known or unknown else "Judgements as given in the tables"
    if not known + unknown and review.item("judgements"):
        method += f". {review.item('judgements')}"
    summary = " ".join(
        f"{labels[row['outcome_id']]}, {results[row['outcome_id']]}: {row['judgement']}."
        for _, row in table[table["domain"] == "overall"].iterrows()
    )
    return Content(facts, table, method, summary, "Table of lettered shapes",
                   tuple(dict.fromkeys(table["study"])),
                   ("bias_answers", "bias_facts", "risk_of_bias", "outcomes", "studies"),
                   paged("slide")[0], paged=paged)


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
