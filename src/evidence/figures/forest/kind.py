"""Forest page: one analysis with its pool, further pools of it beside it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from evidence.figures.figure import Content, Spec, figure_kind, pick, sources_of, tables_of_pools
from evidence.figures.forest.event_forest import counts
from evidence.figures.forest.plot import paged_forest
from evidence.figures.forest.rows import (
    forest_columns,
    forest_notes,
    forest_rows,
    forest_scale,
    of_one_measure,
)
from evidence.pooling import Pool, analysis_rows
from evidence.review import COUNTED, NoDataError, Review, design
from evidence.wording import in_words, interval, plural, signed, with_interval

DERIVED = " †"
SAME = "The same, "  # how the title of a further analysis points to the main one


@figure_kind(
    "forest_page", tables=("analyses",), ids=1,
    columns={
        "analyses": "analysis",
        "studies": "study",
    },
)
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """The selected analyses stacked on one axis; the first one is the main one."""
    pools = list(pick(analyses, spec.select))
    main = pools[0]
    of_one_measure(pools)
    if main.k == 0:
        raise NoDataError(f"no result of “{main.title or main.name}” can be pooled")
    studies = {row.study: row for pool in pools for row in pool.studies}
    derived = [name for name, row in studies.items() if row.verification == "derived"]
    facts = {
        "k_studies": len(studies),
        "n_derived": len(derived),
        "too_few": ["" if pool.can_pool else ", which cannot support a pooled interval"
                    for pool in pools],
        "sides_words": [
            "point in opposite directions" if len({
                row.effect > pool.null_value for row in pool.studies}) > 1
            else "point to the same side" for pool in pools
        ],
    }
    facts |= {"headline": main.headline, "subject": _subject(main, review),
              "reading": _reading(main)}  # fmt: skip
    named = [*studies, *(row.study for pool in pools for row in pool.excluded)]
    labels = {name: review.bibliography.cite(name) for name in dict.fromkeys(named)}

    names = _pool_labels(pools)
    scale = forest_scale(pools)
    rows = forest_rows(pools, scale, study_labels=labels, design_labels={},
                       marks=dict.fromkeys(derived, DERIVED), pool_labels=names,
                       events=_events(review, pools))
    arms = review.intervention, review.control
    paged = partial(
        paged_forest, rows, forest_columns(rows, main.measure_words, arms),
        [scale] if any(pool.k for pool in pools) else [], notes=forest_notes(pools, names),
        sides=main.sides(*arms),
    )  # fmt: skip

    method = main.method_line.rstrip(".")
    if derived:
        method += f".{DERIVED} Derived, not printed by the source"
    ids = [row.outcome_id for pool in pools for row in (*pool.studies, *pool.excluded)]
    sources = sources_of(analysis_rows(review).loc[list(dict.fromkeys(ids))])
    summary = " ".join(_sentence(pool, labels) for pool in pools)
    return Content(facts, _table(pools), method, signed(summary), "Forest plot", sources,
                   tables_of_pools(review), paged()[0], paged=lambda style: paged(style=style))


def _subject(pool: Pool, review: Review) -> str:
    """What is plotted: the title of the analysis and what is compared."""
    title = (pool.title or pool.name).rstrip(".")
    compared = f": {review.intervention} against {review.control}"
    return title + ("" if pool.measure in ("PROP", "COR") else compared)


def _reading(pool: Pool) -> str:
    """How to read the pool of a forest without a caption of its own."""
    if not pool.can_pool:
        return f"{pool.why_undrawn} Each line is the 95 % interval of a study."
    text = f"The 95 % interval of the pooled {pool.measure_words.lower()} runs from " + (
        f"{interval(pool.ci_low, pool.ci_high)}.")  # fmt: skip
    if pool.null_value == pool.null_value:
        holds = "excludes" if pool.excludes_null else "includes"
        text += f" It {holds} {pool.null_value:g}, the value of no difference."
    rule = pool.default
    if rule.pi_low == rule.pi_low:
        text += (" In a further study like these the effect is expected from "
                 f"{interval(rule.pi_low, rule.pi_high)}.")  # fmt: skip
    return text


def _events(review: Review, pools: list[Pool]) -> dict[str, tuple[str, str]]:
    """Counts of both arms by outcome, where effects were made of them."""
    rows = analysis_rows(review)
    return {
        study.outcome_id: found for pool in pools for study in pool.studies
        if study.derived_from.startswith("arms") and (found := counts(rows.loc[study.outcome_id]))
    } if pools[0].measure in COUNTED else {}


def _pool_labels(pools: list[Pool]) -> list[str]:
    """The first pool by its size, since the subtitle says what it is; others by their titles."""
    one, many = _named(pools[0])
    count = f"{in_words(pools[0].k).capitalize()} {plural(pools[0].k, one, many)} pooled"
    titles = [pool.title.removeprefix(SAME) for pool in pools[1:]]
    return [count, *(title[:1].upper() + title[1:] for title in titles)]


def _named(pool: Pool) -> tuple[str, str]:
    """Trials, where nothing says that they are something else, in the singular and the plural."""
    designs = {design(row.design).words for row in pool.studies if row.design}
    compares = pool.measure not in ("PROP", "COR")
    is_trial = compares and all("trial" in words or "placebo" in words for words in designs)
    return ("trial", "trials") if is_trial else ("study", "studies")


def _table(pools: list[Pool]) -> pd.DataFrame:
    """One row per study and pool, on the display scale."""
    rows = []
    for pool in pools:
        for row in pool.studies:
            rows.append({
                "analysis": pool.name, "study": row.study, "design": row.design, "n": row.n,
                "effect": row.effect, "ci_low": row.ci_low, "ci_high": row.ci_high,
                "weight": row.weight if pool.can_pool else None, "values": row.verification,
            })
        if pool.can_pool:
            rows.append({
                "analysis": pool.name, "study": "pooled", "design": None, "n": pool.n,
                "effect": pool.estimate, "ci_low": pool.ci_low, "ci_high": pool.ci_high,
                "weight": 100.0, "values": None,
            })
    return pd.DataFrame(rows).astype({"n": "Int64"}) if rows else pd.DataFrame()


def _sentence(pool: Pool, labels: Mapping[str, str]) -> str:
    """One pool in words."""
    words = [
        f"{labels[row.study]} {with_interval(row.effect, row.ci_low, row.ci_high)}"
        for row in pool.studies
    ]
    text = f"{pool.title}: {'; '.join(words)}"
    if pool.can_pool:
        rule = pool.default
        text += f"; pooled {with_interval(pool.estimate, pool.ci_low, pool.ci_high)}"
        if rule.pi_low == rule.pi_low:
            text += f", prediction interval {interval(rule.pi_low, rule.pi_high)}"
    elif pool.k:
        text += f"; {pool.k} {plural(pool.k, 'trial')}, no pooled interval"
    else:
        text += "no result can be pooled"
    return text.replace(" -", " −") + "."

