"""Domain checks: what the tables must satisfy beyond their dictionary.

Each check is a small function that takes the tables and yields problems. A check on a column
applies only where the column is present.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from evidence.review.bibliography import Bibliography
from evidence.review.checks.context import Context, worded
from evidence.review.checks.plausibility import AGREEMENT
from evidence.review.checks.sources import SOURCE_CHECKS
from evidence.review.columns import among, is_true, number
from evidence.review.dictionary import Dictionary
from evidence.review.inference import counting
from evidence.review.problems import Problem
from evidence.review.studies import circles
from evidence.review.vocabulary import ARMS, MEAN_KINDS, RATIO_KINDS, Z95

SE_TOLERANCE = 0.06  # an interval may rest on t instead of z
ROUNDING = 1e-6
MISSING_CODES = (-99, -999, -9999, 9999, 99999)
DEVICES = ("con", "prn", "aux", "nul",
           *(f"{name}{number}" for name in ("com", "lpt") for number in range(10)))  # fmt: skip
FROM_COUNTS = ("risk_ratio", "odds_ratio", "risk_difference")
INTERVALS = (  # columns: low, estimate, high
    ("effect_ci_low", "effect", "effect_ci_high"),
    ("ci_low", "effect", "ci_high"),
    ("intervention_change_ci_low", "intervention_change", "intervention_change_ci_high"),
    ("control_change_ci_low", "control_change", "control_change_ci_high"),
    ("low_nm", "value_nm", "high_nm"),
    ("low", "value", "high"),
    ("low", "occupancy_percent", "high"),
)


def domain_problems(
    dictionary: Dictionary,
    tables: Mapping[str, pd.DataFrame],
    bibliography: Bibliography | None,
    root: Path,
) -> list[Problem]:
    """All that the domain checks find, errors and warnings together."""
    context = Context(dictionary, tables, bibliography, root)
    checks = (*CHECKS, *PLAN_CHECKS, *AGREEMENT, *SOURCE_CHECKS)
    with np.errstate(all="ignore"):  # what overflows or is undefined agrees with nothing
        return [problem for check in checks for problem in check(context)]


def intervals_bracket(c: Context) -> Iterator[Problem]:
    """An estimate lies between its limits, and the lower limit is the lower one."""
    for name, table in c.tables.items():
        for columns in INTERVALS:
            if not {columns[0], columns[2]} <= set(table):
                continue
            low, value, high = (number(table, column) for column in columns)
            reversed_ = low > high + ROUNDING
            outside = _misses(value, low, high) & ~reversed_
            if columns[1] == "effect":
                yield from c.problems(name, low == high, columns[0], "is the upper limit as well",
                                      "check both limits against the source", True)
            yield from c.problems(name, reversed_, columns[0], "is above the upper limit",
                                  "swap the limits")
            if outside.any():
                yield from c.problems(
                    name, outside, columns[1],
                    lambda row, low=low, high=high: _missed(low[row], high[row]),
                    "check estimate and limits against the source",
                )  # fmt: skip


def _missed(low: float, high: float) -> str:
    if np.isnan(high):
        return f"lies below its lower limit {low:g}"
    if np.isnan(low):
        return f"lies above its upper limit {high:g}"
    return f"lies outside its interval {low:g} to {high:g}"


def _misses(value: pd.Series, low: pd.Series, high: pd.Series) -> pd.Series:
    return (value < low - ROUNDING) | (value > high + ROUNDING) | (low > high + ROUNDING)


def missing_is_empty(c: Context) -> Iterator[Problem]:
    """Warn of numbers that statistics programs write for "not reported"."""
    for name in c.tables:
        numbers = c.numeric(name)
        for column in numbers.columns[np.isin(numbers, MISSING_CODES).any(axis=0)]:
            yield from c.problems(name, numbers[column].isin(MISSING_CODES), column,
                                  "is a usual code for a missing value",
                                  "leave the cell empty if it is not reported", True)


def ratios_positive(c: Context) -> Iterator[Problem]:
    """Ratios and their limits are above 0."""
    for name, table in c.tables.items():
        ratio = among(table, "effect_measure", RATIO_KINDS)
        if not ratio.any():
            continue
        for column in ("effect", "effect_ci_low", "effect_ci_high", "ci_low", "ci_high"):
            yield from c.problems(name, ratio & (number(table, column) <= 0), column,
                                  "a ratio must be above 0", "check effect and effect_measure")


def events_fit(c: Context) -> Iterator[Problem]:
    """No more people have an event than there are in the arm."""
    for name, table in c.tables.items():
        for arm in ARMS:
            if f"{arm}_events" not in table:
                continue
            n = number(table, f"{arm}_n")
            more = (number(table, f"{arm}_events") > n) & ~among(table, "unit", ("events",))
            yield from c.problems(name, more, f"{arm}_events",
                                  worded("is more than the {:.0f} people of the arm", n),
                                  "check events and n")


def standard_errors_agree(c: Context) -> Iterator[Problem]:
    """A standard error fits its interval, as far as the rounding of the limits allows."""
    for name, table in c.tables.items():
        if not {"effect_se", "effect_ci_low", "effect_ci_high"} <= set(table):
            continue
        se, low, high = (number(table, f"effect_{part}") for part in ("se", "ci_low", "ci_high"))
        ratio = among(table, "effect_measure", RATIO_KINDS)
        usable = ~(ratio & ((low <= 0) | (high <= 0)))
        usable &= ~_misses(number(table, "effect"), low, high)
        low, high, se = low[usable], high[usable], se[usable]
        half = pd.Series([_half_unit(*pair) for pair in zip(low, high, strict=True)], low.index)
        slack = half * (1 / low + 1 / high).where(ratio[usable], 2.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            width = (np.log(high) - np.log(low)).where(ratio[usable], high - low)
        implied = width / (2 * Z95)
        narrowest = (width / (2 * _quantile(table)[usable])).where(~ratio[usable], implied)
        limit = SE_TOLERANCE * implied.abs() + slack / (2 * Z95) + 5e-4
        wrong = (se > implied + limit) | (se < narrowest - limit)
        wrong = wrong.reindex(table.index, fill_value=False)
        yield from c.problems(name, wrong, "effect_se",
                              worded("does not fit its interval, which implies {:.4g}", implied),
                              "mend the standard error or the limits")


def _quantile(table: pd.DataFrame) -> pd.Series:
    """Quantile of t that an interval of a difference may rest on, by the people of its arms."""
    one, two = number(table, "intervention_n"), number(table, "control_n")
    paired = among(table, "contrast", ("crossover_paired",))
    df = (one + two - 2).where(~paired, one.combine(two, min) - 1)
    df = number(table, "effect_df").fillna(df)
    return pd.Series(stdtrit(df.where(df > 0).to_numpy(float), 0.975), table.index).fillna(Z95)


def _half_unit(*values: float) -> float:
    """Half of the last decimal place that the more precise of the numbers shows."""
    decimals = [len(f"{value:.10f}".rstrip("0").partition(".")[2]) for value in values]
    return 0.5 * 10.0 ** -max(decimals)


def direction_agrees(c: Context) -> Iterator[Problem]:
    """An effect has the sign that its arms imply, and `favours` follows from it."""
    for name, table in c.tables.items():
        if not {"effect", "effect_measure"} <= set(table):
            continue
        ratio = among(table, "effect_measure", RATIO_KINDS)
        effect = number(table, "effect")
        effect = np.log(effect.where(effect > 0)).where(ratio, effect)
        effect = effect.where(effect.abs() > ROUNDING)
        one, other = _implied_differences(table)
        opposite = (one.notna() | other.notna()) & effect.notna()
        opposite &= ~(one * effect >= 0) & ~(other * effect >= 0)
        sign = "has the opposite sign of its arms ({:+.4g})"
        yield from c.problems(name, opposite, "effect", worded(sign, one.fillna(other)),
                              "effects are intervention minus control: check the sign")
        if not {"favours", "higher_is"} <= set(table):
            continue
        control_better = (effect > 0) == (table["higher_is"] == "worse")
        wrong = control_better != (table["favours"] == "control")
        stated = effect.notna() & table["higher_is"].notna() & table["favours"].notna()
        stated &= ~among(table, "favours", ("neither", "not_applicable")) & ~opposite
        yield from c.problems(name, wrong & stated, "favours",
                              "contradicts the sign of the effect",
                              "check effect, higher_is and favours")


def _implied_differences(table: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Two differences between the arms, NaN where a row does not allow one.

    They are of the kind that the effect is: shares for ratios and risk differences; percentages
    for percentage points; for means levels and changes, only one of them where `estimand` names it.
    """
    def difference(part: str) -> pd.Series:
        return number(table, f"intervention_{part}") - number(table, f"control_{part}")

    shares = number(table, "intervention_events") / number(table, "intervention_n")
    shares -= number(table, "control_events") / number(table, "control_n")
    levels, changes = difference("mean"), difference("change")
    changes = changes.fillna(levels - difference("baseline_mean"))
    estimand = table["estimand"].fillna("") if "estimand" in table else pd.Series("", table.index)
    of_change = estimand.str.contains("change") & changes.notna()
    of_level = estimand.str.contains("level") & levels.notna() & ~of_change
    levels, changes = levels.mask(of_change), changes.mask(of_level)
    counted, points, means = (
        among(table, "effect_measure", kinds)
        for kinds in (FROM_COUNTS, ("percent_point_difference",), MEAN_KINDS)
    )
    one = shares.where(counted, difference("pct").where(points, levels.where(means)))
    other = difference("change_pct").where(points, changes.where(means))
    return one, other


def direction_known(c: Context) -> Iterator[Problem]:
    """Warn of an effect whose good direction nobody has stated."""
    for name, table in c.tables.items():
        if {"effect", "higher_is"} <= set(table):
            unknown = table["effect"].notna() & table["higher_is"].isna()
            unknown &= ~among(table, "contrast", ("single_group",))
            yield from c.problems(name, unknown, "higher_is", "an effect needs its direction",
                                  "say whether higher is worse or better", True)


def values_on_scale(c: Context) -> Iterator[Problem]:
    """Means lie on the scale of their instrument."""
    for name, table in c.tables.items():
        if not {"scale_low", "scale_high"} <= set(table):
            continue
        low, high = number(table, "scale_low"), number(table, "scale_high")
        yield from c.problems(name, low >= high, "scale_low", "is not below scale_high",
                              "check the two ends of the scale")
        for column in [f"{arm}_{part}" for arm in ARMS for part in ("baseline_mean", "mean")]:
            value = number(table, column)
            outside = ((value < low) | (value > high)) & ~(low >= high)
            yield from c.problems(name, outside, column, "lies outside its scale",
                                  "check the value, scale_low and scale_high")


def poolable_has_enough(c: Context) -> Iterator[Problem]:
    """A poolable outcome has a control, a verified source and enough numbers."""
    table = c.tables.get("outcomes")
    if table is None or "poolable" not in table:
        return
    has = table.reindex(columns=[
        "effect", "effect_se", "effect_ci_low", "effect_ci_high", "p_value",
        *(f"{arm}_{part}" for arm in ARMS for part in ("events", "n", "time", "mean", "sd")),
    ]).notna()  # fmt: skip
    counts, rates, means = (
        has[[f"{arm}_{part}" for arm in ARMS for part in parts]].all(axis=1)
        for parts in (("events", "n"), ("events", "time"), ("mean", "sd", "n"))
    )
    single = among(table, "contrast", ("single_group",)) & has["intervention_n"]
    counts |= rates | (single & (has["intervention_events"] | has["effect"]))
    exact = has["p_value"] & ~among(table, "p_relation", ("<", ">"))
    error = has["effect_se"] | has[["effect_ci_low", "effect_ci_high"]].all(axis=1) | exact
    if "study" in table:
        error |= (among(table, "effect_measure", ("correlation",))
                  & table["study"].isin(counting(c.tables.get("studies"))))
    left = is_true(table, "poolable")
    for where, rule, advice in (
        (among(table, "contrast", ("within_arm",)), "a change within one arm has no control",
         "set poolable to false"),
        (among(table, "verification", ("unverified",)), "an unverified value is never pooled",
         "set poolable to false, or verify the value"),
        (~(counts | means | (has["effect"] & error)), "has not enough to be pooled",
         "give counts, or means with SDs and n, or an effect with its error"),
    ):
        yield from c.problems("outcomes", left & where, "poolable", rule, advice)
        left &= ~where


def analyses_fit(c: Context) -> Iterator[Problem]:
    """A sensitivity analysis names its parent; no analysis names an outcome twice."""
    table = c.tables.get("analyses")
    if table is None or "include" not in table:
        return
    alone = among(table, "role", ("sensitivity",))
    if "parent" in table:
        alone &= table["parent"].isna()
    yield from c.problems("analyses", alone, "parent", "a sensitivity analysis needs a parent",
                          "name the analysis that it varies, or change its role")
    named = [[part.strip() for part in cell.split(";")] for cell in table["include"].fillna("")]
    twice = pd.Series(
        [", ".join(sorted({p for p in parts if p and parts.count(p) > 1})) for parts in named],
        table.index, dtype="str",
    )  # fmt: skip
    yield from c.problems("analyses", twice != "", "include", worded("names {} twice", twice),
                          "name each outcome once")


def specifications_fit(c: Context) -> Iterator[Problem]:
    """Warn of outcomes of an analysis that are the main option of no choice about it."""
    choices, analyses = c.tables.get("specifications"), c.tables.get("analyses")
    if choices is None or analyses is None:
        return
    if not ({"analysis", "outcome_id", "is_main"} <= set(choices)
            and {"analysis", "include"} <= set(analyses)):
        return
    main = choices[is_true(choices, "is_main")]
    lacking = pd.Series("", analyses.index, dtype="str")
    for line, row in analyses[analyses["analysis"].isin(choices["analysis"])].iterrows():
        known = set(main.loc[main["analysis"] == row["analysis"], "outcome_id"])
        named = [part.strip() for part in str(row["include"]).split(";") if part.strip()]
        lacking[line] = ", ".join(part for part in named if part not in known)
    yield from c.problems("analyses", lacking != "", "include",
                          worded("{} is no main option of data/specifications.csv", lacking),
                          "add its options there, else the combinations leave it out", True)


CHECKS: tuple[Callable[[Context], Iterator[Problem]], ...] = (
    intervals_bracket,
    missing_is_empty,
    ratios_positive,
    events_fit,
    standard_errors_agree,
    direction_agrees,
    direction_known,
    values_on_scale,
    poolable_has_enough,
    analyses_fit,
    specifications_fit,
)


def participants_end(c: Context) -> Iterator[Problem]:
    """People are those of a study that counts them: no chain leads back to where it began."""
    table = c.tables.get("studies")
    if table is None or not {"study", "participants_of"} <= set(table):
        return
    ways = circles(table)

    def words(row: Any) -> str:
        name = table["study"][row]
        return f"leads back to the study itself: {', '.join([*ways[name], name])}"

    yield from c.problems("studies", table["study"].isin(list(ways)), "participants_of", words,
                          "leave it empty for the study that counts these people")


def important_effects_exist(c: Context) -> Iterator[Problem]:
    """An important effect is an effect: not zero, of a ratio above zero and not one."""
    table = c.tables.get("certainty")
    if table is None or "important_effect" not in table:
        return
    effect, ratio = number(table, "important_effect"), among(table, "effect_unit", ("ratio",))
    for where, rule in (
        (ratio & ((effect <= 0) | (effect == 1)), "a ratio must be above 0 and not 1"),
        (~ratio & (effect == 0), "is no effect"),
    ):
        yield from c.problems("certainty", where, "important_effect", rule,
                              "give the smallest effect that matters, or leave it empty")


def names_make_files(c: Context) -> Iterator[Problem]:
    """A figure is not called as Windows calls its devices, which no file can be."""
    table = c.tables.get("figures")
    if table is not None and "figure" in table:
        kept = table["figure"].astype("str").str.lower().isin(DEVICES)
        yield from c.problems("figures", kept, "figure", "is a name that Windows keeps for itself",
                              "choose another name")


PLAN_CHECKS: tuple[Callable[[Context], Iterator[Problem]], ...] = (
    participants_end,
    important_effects_exist,
    names_make_files,
)
