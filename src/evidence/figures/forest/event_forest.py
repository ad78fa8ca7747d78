"""Event forest: trials with counts in both arms, grouped by outcome.

An outcome with three trials or more has its pool below them; one or two trials have their own
intervals alone. Harms of which only percentages are known stand below as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from evidence.figures.figure import Content, Spec, figure_kind, pick, sources_of, tables_of_pools
from evidence.figures.forest.plot import paged_forest
from evidence.figures.forest.rows import Row, effect, forest_columns, of_one_measure
from evidence.figures.scale import Scale, effect_scale, ratio_scale
from evidence.pooling import Pool, analysis_rows, favours_words
from evidence.review import ARMS, NoDataError, Review
from evidence.wording import in_words, plural

PERCENT_ONLY = "no counts, no ratio"
SECOND_HAND = " *"


def event_scale(pools: list[Pool]) -> Scale:
    """One axis for the trials and pools of all outcomes."""
    shown = [row for pool in pools for row in (*pool.studies, *[pool.default] * pool.can_pool)]
    estimates = [row.effect if hasattr(row, "effect") else row.estimate for row in shown]
    intervals = [(row.ci_low, row.ci_high) for row in shown]
    if pools[0].is_ratio:
        return ratio_scale(estimates, [limit for pair in intervals for limit in pair])
    return effect_scale(estimates, intervals, [pools[0].null_value], is_ratio=False)


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
    shown = [analyses[name]  for name in spec.select if name in analyses]
    of_one_measure(shown)
    scale = event_scale(shown)
    lines: list[Row] = []
    groups: list[str] = []
    for name in spec.select:
        if name in analyses:
            pool = analyses[name]
            group, found = pool.title, _analysis_rows(review, pool, rows, scale)
        else:
            group, found = _percent_heading(review, rows.loc[name]), [_percent_row(rows.loc[name])]
        if group not in groups:
            groups.append(group)
            lines += [*[Row("gap", height=0.35)] * bool(lines), Row("heading", group)]
        lines += found
    table = _table(lines, review)
    effects = [(row, pool.null_value) for pool in shown for row in pool.studies]
    excluding = sum(row.ci_low > null or row.ci_high < null for row, null in effects)
    facts = {
        "n_intervals": len(effects),
        "n_excluding": excluding,
        "excluding": in_words(excluding) if excluding else "none",
        "higher": _names(review, {row.study for row, null in effects if row.effect > null}),
        "lower": _names(review, {row.study for row, null in effects if row.effect < null}),
        "counts": {
            name: [f"{row.cells['intervention']} against {row.cells['control']}"
                   for row in _analysis_rows(review, analyses[name], rows, scale)
                   if row.kind == "study"]
            for name in spec.select if name in analyses
        },
    }
    first = shown[0]

    arms = review.intervention, review.control
    named = {pool.sides(*arms) for pool in shown}  # less pain and more harm favour different sides
    sides = named.pop() if len(named) == 1 else favours_words("", *arms)
    paged = partial(paged_forest, lines, forest_columns(lines, first.measure_words, arms), [scale],
                    sides=sides)

    sources = sources_of(chosen)
    method = f"{first.measure_words}s from the counts of each trial. {_pooling(shown)}"
    if any(SECOND_HAND in line.label for line in lines):
        method += f".{SECOND_HAND} Counts read in another document"
    what = "Forest plot" + " without pool" * (not any(pool.can_pool for pool in shown))
    return Content(facts, table, method, _summary(lines), what, sources,
                   tables_of_pools(review), paged()[0], paged=lambda style: paged(style=style))


def _pooling(pools: list[Pool]) -> str:
    """How the outcomes are pooled, or why they are not."""
    pooled = [pool for pool in pools if pool.can_pool]
    if not pooled:
        largest = max(pools, key=lambda pool: pool.k)
        if largest.k > 2:
            return largest.why_undrawn.rstrip(".")
        return (f"Nothing is pooled: {in_words(largest.k)} {plural(largest.k, 'trial')} at most")
    return pooled[0].method_line.rstrip(".") if len(pooled) == 1 else (
        f"{pooled[0].method_line.split(';')[0]}; {in_words(len(pooled))} pools")


def _names(review: Review, studies: set[str]) -> list[str]:
    return [review.bibliography.cite(study) for study in sorted(studies)] or ["no trial"]


def _row_ids(analyses: Mapping[str, Any], name: str) -> list[str]:
    if name not in analyses:
        return [name]
    return [row.outcome_id for row in analyses[name].studies]


def counts(row: pd.Series) -> tuple[str, str] | None:
    """Events of people, else in person-time, of both arms where a row has them."""
    for size, join in (("n", " of {:.0f}"), ("time", " in {:g}")):
        cells = [(row.get(f"{arm}_events"), row.get(f"{arm}_{size}")) for arm in ARMS]
        if not any(pd.isna(cell) for pair in cells for cell in pair):
            return tuple(f"{events:.0f}{join.format(people)}" for events, people in cells)
    return None


def _analysis_rows(review: Review, pool: Pool, rows: pd.DataFrame,
                   scale: Scale) -> list[Row]:
    lines = []
    for study in pool.studies:
        arms = counts(rows.loc[study.outcome_id])
        label = review.bibliography.cite(study.study)
        cells = dict(zip(ARMS, arms, strict=True)) if arms else {}
        lines.append(Row(
            "study", label + SECOND_HAND * (study.verification == "secondary"),
            cells | {"effect": effect(study, scale)}, study.effect, study.ci_low, study.ci_high,
            share=0.45, crossover=study.crossover, indented=True,
        ))
    if pool.can_pool:
        count = f"{in_words(pool.k).capitalize()} {plural(pool.k, 'trial')} pooled"
        lines.append(Row("pool", count, {"effect": effect(pool.default, scale)}, pool.estimate,
                         pool.ci_low, pool.ci_high, bold=True, focus=True, indented=True))
    return lines


def _percent_heading(review: Review, row: pd.Series) -> str:
    """What stands above harms of one trial that are known as percentages."""
    where = row.get("source_where")
    known = row.get("verification") == "secondary" and pd.notna(where)
    return (f"Percentages only, {review.bibliography.cite(row['study'])}"
            + (f" ({where})" if known else ""))


def _percent_row(row: pd.Series) -> Row:
    event = str(row["event"])
    arms = {arm: f"{row[f'{arm}_pct']:g} %" for arm in ARMS}
    return Row("study", event[:1].upper() + event[1:], arms | {"effect": PERCENT_ONLY},
               indented=True)


def _table(lines: list[Row], review: Review) -> pd.DataFrame:
    """The rows as numbers."""
    table, group = [], ""
    for line in lines:
        if line.kind == "heading":
            group = line.label
        elif line.kind in ("study", "pool"):
            table.append({
                "group": group, "study": line.label.removesuffix(SECOND_HAND),
                review.intervention: line.cells.get("intervention", ""),
                review.control: line.cells.get("control", ""),
                "effect": line.point, "ci_low": line.low, "ci_high": line.high,
            })
    return pd.DataFrame(table)


def _summary(lines: list[Row]) -> str:
    parts, group = [], ""
    for line in lines:
        if line.kind == "heading":
            group = line.label
        elif line.kind in ("study", "pool"):
            arms = [line.cells[arm] for arm in ARMS if line.cells.get(arm)]
            text = f"{group}, {line.label}: {' against '.join(arms)}".rstrip(": ")
            if np.isfinite(line.point):
                text += f", {line.cells['effect'].replace('[', '(').replace(']', ')')}"
            parts.append(text)
    return "; ".join(parts) + "."
