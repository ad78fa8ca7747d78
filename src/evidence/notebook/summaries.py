"""Tables of results for reading: an analysis with its variants, and trials that stand alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from evidence.appraisal import judgements, level_signs, summary_of_findings
from evidence.pooling import Pool
from evidence.review import RULE_WORDS, Review, is_placebo_trial, is_true, keys, noted
from evidence.wording import p_value, p_words, plural, with_interval


@noted
def findings(
    review: Review, analyses: Mapping[str, Any], rows: int | None = None
) -> pd.DataFrame:
    """Summary of Findings with what each row opens to.

    Parameters
    ----------
    rows : int, optional
        How many of the first rows of certainty.csv, which stand in the order of their weight for
        the question of the review.

    Returns
    -------
    DataFrame
        Columns outcome, evidence (trials and people), effect, certainty (with the signs of GRADE)
        and meaning; then per_1000, reported, why, trials and judged (overall risk of bias of
        each trial that was judged).
    """
    table = summary_of_findings(review, analyses)
    if table.empty:
        return table
    judged = judgements(review)
    overall = judged[judged["domain"] == "overall"]
    words = [f"{review.bibliography.cite(row['study'])}: {row['judgement']}"
             for row in overall.to_dict("records")]
    by_study = pd.Series(words, index=overall["study"], dtype=object)
    evidence = [
        f"{trials} {plural(trials, 'trial')}, {people:,} people" if trials else "none"
        for trials, people in zip(table["trials"], table["participants"], strict=True)
    ]
    risks = ["; ".join(dict.fromkeys(by_study[by_study.index.isin(keys(cell))])) or None
             for cell in table["studies"]]
    certainty = [level_signs(level) for level in table["certainty"]]
    shown = table.assign(
        evidence=evidence, certainty=certainty, trials=table["studies"], judged=risks)
    shown = shown[["outcome", "evidence", "effect", "certainty", "meaning", "per_1000", "reported",
                   "why", "trials", "judged"]].replace("", None)
    return shown.head(rows) if rows else shown


def variants(analyses: Mapping[str, Pool], name: str) -> pd.DataFrame:
    """An analysis and its sensitivity analyses.

    Returns
    -------
    DataFrame
        Columns title, k, n (Int64), estimate, ci_low, ci_high, pi_low, pi_high (display scale, of
        one trial its own; NaN where trials are too few to be pooled), one_by_one (these trials,
        with what both would give under the Wald interval), left_out (names of studies that were
        listed but not pooled) and rationale.
    """
    rows = []
    for analysis in analyses.values():
        if name not in (analysis.name, analysis.parent):
            continue
        left_out = ";".join(row.study for row in analysis.excluded) or None
        rows.append([analysis.title, analysis.k, analysis.n, *_pooled(analysis),
                     _one_by_one(analysis), left_out, analysis.rationale])
    columns = ["title", "k", "n", "estimate", "ci_low", "ci_high", "pi_low", "pi_high",
               "one_by_one",
               "left_out", "rationale"]
    return pd.DataFrame(rows, columns=columns).astype({"k": "Int64", "n": "Int64"})


def results(analyses: Mapping[str, Pool]) -> pd.DataFrame:
    """Every analysis with its result.

    Returns
    -------
    DataFrame
        Columns title, role, measure (in words), k, n (Int64), estimate, ci_low, ci_high, pi_low,
        pi_high, one_by_one (as in `variants`), i2 (percent), rationale.
    """
    rows = [
        [pool.title, pool.role, pool.measure_words, pool.k, pool.n, *_pooled(pool),
         _one_by_one(pool), pool.i2, pool.rationale]
        for pool in analyses.values()
    ]
    columns = ["title", "role", "measure", "k", "n", "estimate", "ci_low", "ci_high", "pi_low",
               "pi_high", "one_by_one", "i2", "rationale"]
    return pd.DataFrame(rows, columns=columns).astype({"k": "Int64", "n": "Int64"})


def interval_rules(analyses: Mapping[str, Pool]) -> pd.DataFrame:
    """Analyses of three or more studies under each interval rule.

    Returns
    -------
    DataFrame
        Columns title, rule (in words), estimate, ci_low, ci_high, p_value, used (whether the
        figures show it).
    """
    rows = [
        [pool.title, RULE_WORDS[rule.interval_rule], rule.estimate, rule.ci_low, rule.ci_high,
         p_value(rule.p_value), rule.interval_rule == pool.interval_rule]
        for pool in analyses.values() if pool.can_pool
        for rule in pool.pooled
    ]
    return pd.DataFrame(rows, columns=["title", "rule", "estimate", "ci_low", "ci_high", "p_value",
                                       "used"])


def subgroups(analyses: Mapping[str, Pool]) -> pd.DataFrame:
    """Subtotals of the analyses that have groups, with the test between them.

    Returns
    -------
    DataFrame
        Columns title, group, k, n (Int64), estimate, ci_low, ci_high (display scale), i2 (percent),
        between (Q, degrees of freedom and p of the test, as text).
    """
    columns = ["title", "group", "k", "n", "estimate", "ci_low", "ci_high", "i2", "between"]
    found = [pd.DataFrame(columns=columns)]
    for pool in analyses.values():
        table = pool.subgroups() if pool.subgroup_by else pd.DataFrame()
        if len(table):
            words = [
                f"Q = {q:.2f}, df = {df:.0f}, {p_words(p)}" if np.isfinite(p) else None
                for q, df, p in table[["q_between", "df_between", "p_between"]].to_numpy(float)
            ]
            found.append(table.assign(title=pool.title, group=table["subgroup"], between=words))
    return pd.concat(found[1:] or found, ignore_index=True)[columns]


def regressions(review: Review, analyses: Mapping[str, Pool]) -> pd.DataFrame:
    """Coefficients of the meta-regressions, with the headings of their columns.

    Returns
    -------
    DataFrame
        Columns title, term (in words), k, estimate, ci_low, ci_high (analysis scale: the logarithm
        for ratios), p_value (as text), r2 (percent).
    """
    columns = ["title", "term", "k", "estimate", "ci_low", "ci_high", "p_value", "r2"]
    found = [pd.DataFrame(columns=columns)]
    for pool in analyses.values():
        if pool.moderators and not pool.why_no_regression:
            table = pool.regression()
            found.append(table.assign(
                title=pool.title, term=[_term(review, pool, term) for term in table["term"]],
                p_value=table["p_value"].map(p_value)))
    return pd.concat(found[1:] or found, ignore_index=True)[columns]


def small_study(analyses: Mapping[str, Pool]) -> pd.DataFrame:
    """Egger's test of the main analyses of ten studies or more.

    Returns
    -------
    DataFrame
        Columns title, k, statistic (t), df, p_value (as text).
    """
    columns = ["title", "k", "statistic", "df", "p_value"]
    found = [pd.DataFrame(columns=columns)]
    for pool in analyses.values():
        if not pool.parent and not pool.why_no_small_study:
            table = pool.small_study()
            found.append(table.assign(title=pool.title, p_value=table["p_value"].map(p_value)))
    return pd.concat(found[1:] or found, ignore_index=True)[columns]


def _term(review: Review, pool: Pool, term: str) -> str:
    """A term of a regression in words: a heading, or a category and the one it is set against."""
    column, _, value = term.partition("[")
    if term == "intercept" or not value:
        return "Intercept" if term == "intercept" else review.heading(column)
    stated = pool.effects.loc[pool.effects["included"], column].replace("", np.nan).dropna()
    first = min(stated.astype(str))
    return f"{review.heading(column)}: {value.removesuffix(']')}, against {first}"


@noted
def not_pooled(review: Review, analyses: Mapping[str, Pool], name: str) -> pd.DataFrame:
    """What other placebo-controlled trials report of the condition and outcome of an analysis.

    Returns
    -------
    DataFrame
        Rows of outcomes.csv of randomised placebo-controlled trials that are not in the pool, of
        the conditions and domains that the pool has: columns study, instrument, week, contrast,
        intervention_n, control_n, effect, p_value (as text), note.
    """
    pool = analyses[name]
    outcomes, studies = review.table("outcomes"), review.table("studies")
    ids, trials = ({getattr(row, field) for row in pool.studies} for field in ("outcome_id",
                                                                              "study"))
    domains = set(outcomes.loc[outcomes["outcome_id"].isin(ids), "domain"])
    conditions = set(studies.loc[studies["study"].isin(trials), "condition"])
    others = studies[is_placebo_trial(studies) & studies["condition"].isin(conditions)
                     & ~studies["study"].isin(trials)]
    rows = outcomes[outcomes["study"].isin(others["study"]) & outcomes["domain"].isin(domains)]
    rows = rows.reindex(columns=["study", "instrument", "week", "contrast", "intervention_n",
                                 "control_n", "effect", "p_value", "note"])
    known = rows["p_value"].notna()
    return rows.assign(p_value=rows["p_value"].map(p_value, na_action="ignore").where(known))


@noted
def unused(review: Review, analyses: Mapping[str, Pool]) -> pd.DataFrame:
    """Differences between arms that may be pooled, verified, and named in no analysis.

    Returns
    -------
    DataFrame
        Columns study, domain, instrument, week, effect, ci_low, ci_high.
    """
    named = {outcome for item in analyses.values() for outcome in item.effects["outcome_id"]}
    outcomes = review.table("outcomes")
    columns = ["study", "domain", "instrument", "week", "effect", "effect_ci_low", "effect_ci_high"]
    if not {"poolable", "verification"} <= set(outcomes):
        return pd.DataFrame(columns=columns)
    free = is_true(outcomes, "poolable") & ~outcomes["outcome_id"].isin(named)
    free &= outcomes["verification"].isin(("primary", "secondary", "derived"))
    return outcomes[free].reindex(columns=columns).rename(
        columns={"effect_ci_low": "ci_low", "effect_ci_high": "ci_high"}
    )


def _pooled(pool: Pool) -> list[float]:
    """Estimate, interval and prediction interval of a pool or of one trial; else NaN."""
    numbers = [pool.estimate, pool.ci_low, pool.ci_high, pool.default.pi_low, pool.default.pi_high]
    return numbers if pool.can_pool or pool.k == 1 else [np.nan] * len(numbers)


def _one_by_one(pool: Pool) -> str | None:
    """Trials that are not pooled, one by one, and what the Wald interval would make of them."""
    if pool.can_pool or pool.k < 2:
        return None
    sign = "" if pool.is_ratio or pool.measure == "PROP" else "+"
    wald = pool.wald
    both = with_interval(wald.estimate, wald.ci_low, wald.ci_high, sign).replace("(", "(Wald ")
    return f"{'; '.join(pool.each)}; together {both}"


def single_trials(analyses: Mapping[str, Pool]) -> pd.DataFrame:
    """Analyses that rest on one trial: nothing is pooled.

    Returns
    -------
    DataFrame
        Columns title, measure, study, n (Int64), effect, ci_low, ci_high (the trial's own
        interval, ratios as ratios), verification and rationale.
    """
    rows = [
        [analysis.title, analysis.measure, row.study, row.n, row.effect, row.ci_low,
         row.ci_high, row.verification, analysis.rationale]
        for analysis in analyses.values() if analysis.k == 1
        for row in analysis.studies
    ]
    columns = ["title", "measure", "study", "n", "effect", "ci_low", "ci_high", "verification",
               "rationale"]
    return pd.DataFrame(rows, columns=columns).astype({"n": "Int64"})
