"""Checks of numbers against each other: what a slip of a column or of a decimal point breaks.

An estimate stands with its interval, its p value, its arms, its scale and its counts. Where two of
them cannot both be right, the row is named; which of them is wrong only the source can say.

Everything is compared on the scale of analysis (the log of a ratio, Fisher's z of a correlation)
and as far as the printed decimals allow. A reported effect may be adjusted, so that it differs
from its arms, and a p value may come from another test than the interval; far beyond that, they
contradict each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, partial, reduce
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from evidence.review.bibliography import Bibliography
from evidence.review.checks.context import Context, worded
from evidence.review.columns import among, number
from evidence.review.problems import Problem
from evidence.review.studies import roots
from evidence.review.vocabulary import ARMS, MEAN_KINDS, RATIO_KINDS, Z95

OFF_CENTRE = 0.1  # of half the width: metafor's conv.wald warns at about the same
P_GAP, P_SHARE = 0.12, 0.06  # between two z values: absolute, and as a share of the larger
FAR_MEANS = 3.0  # standard errors between a difference and that of its arms
FAR_COUNTS = 1.5  # between a ratio and its counts, which are the same people
FAR_ADJUSTED = 4.0  # between them where nobody was randomised
TIMES = 3.0  # between a standard error and what the arms imply
WIDER = 1.1  # adjustment narrows an interval; one wider than this comes from fewer people
APART = 0.1  # between two measures of the same counts, before one can be told from the other
ALIKE, SMALLER, ROOT = 1.6, 3.0, 3.5  # SD and standard error x root of n; SD and error; root of n
HUGE = 10.0  # a ratio whose whole interval lies beyond it is rarely one
FAR_APART = 5.0  # standardised differences beyond it are rarely ones, nor SDs that differ as much
OTHER_LEVELS = (90, 99)  # per cent of intervals that are taken for one of 95 %
LEVEL_GAP = 0.08  # of a z value, between that of an interval of 95 % and that of another level
NEAR_LEVEL = 0.04  # of a standard error, between that of the counts and that of another level
SAME = 0.06  # of a standard error, between two that are the same but for rounding
SUREST = 0.8  # of the least standard error: ordinal models are surer than counts by 0.87
MIDDLE, LITTLE, SPREAD = 10.0, 30.0, 20.0  # SDs from both ends; parts of a scale: SD, usual SD
FOLLOWED = 4.0  # times, between the mean follow-up of two arms
NONE = 1000.0  # an SD that is a smaller part of its scale is none
CROWD = 100_000  # people, beyond which all tests of counts agree
ENOUGH, MANY = 5, 30  # events of each kind, and people, from which an interval is that of Wald
SERIAL = (36_526, 54_788)  # days since 1900, as spreadsheets count them, of 2000 to 2049
USUAL = 1000.0  # a column whose other numbers stay below it holds no such number of days
COUNTS = ("_n", "n", "_events", "_time")  # ends of the names of columns that count people or time
POINTS = 1.0  # between a percentage and its counts
OBSERVED = ("cohort", "case_control", "cross_sectional", "register_before_after", "retrospective")
COUNTED = ("risk_ratio", "odds_ratio", "risk_difference", "percent_point_difference", "rate_ratio")
DATES = ("data_date", "article_updated")
DATED = "_date"  # end of the name of an item that is one as well
ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
PAIRED = ("crossover_paired", "within_arm")
CHECK = "check both against the source"
NAMES = {
    "mean_difference": "mean difference", "standardised_mean_difference": "standardised difference",
    "risk_ratio": "risk ratio", "odds_ratio": "odds ratio", "risk_difference": "risk difference",
    "rate_ratio": "rate ratio", "incidence_rate_ratio": "rate ratio",
    "percent_point_difference": "difference in percentage points",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reported:
    """The reported effects of a table on the scale of analysis.

    Attributes
    ----------
    ratio : Series of bool
    effect, low, high : Series of float
        NaN where a row has none, or one that its measure cannot have.
    se : Series of float
        The reported standard error, else that of the interval by z.
    given : Series of bool
        Whether the standard error is the reported one.
    slack : Series of float
        What the rounding of the effect may hide.
    limits_slack : Series of float
        What the rounding of both limits may hide in their mean.
    """

    ratio: pd.Series
    effect: pd.Series
    low: pd.Series
    high: pd.Series
    se: pd.Series
    given: pd.Series
    slack: pd.Series
    limits_slack: pd.Series


def reported(table: pd.DataFrame) -> Reported | None:
    """Read the effects of a table; None when it has no effects."""
    if not {"effect", "effect_measure"} <= set(table):
        return None
    prefix = "effect_" if "effect_ci_low" in table else ""
    plain, low, high, stated = (number(table, name).to_numpy() for name in (
        "effect", f"{prefix}ci_low", f"{prefix}ci_high", "effect_se"))
    ratio = among(table, "effect_measure", RATIO_KINDS).to_numpy()
    is_r = among(table, "effect_measure", ("correlation",)).to_numpy()
    broken = (low >= high) | (plain < low) | (plain > high)
    low, high = (np.where(broken, np.nan, value) for value in (low, high))
    unit = reduce(np.fmin, map(_places, (plain, low, high)))
    slack, *of_limits = (_slack(value, unit, ratio, is_r) for value in (plain, low, high))
    effect, low, high = (_scaled(value, ratio, is_r) for value in (plain, low, high))
    given = stated > 0
    se = np.where(given, stated, (high - low) / (2 * Z95))
    return Reported(*(pd.Series(values, table.index) for values in (
        ratio, effect, low, high, se, given, slack, sum(of_limits) / 2)))


def effects(c: Context, name: str) -> Reported | None:
    """The effects of a table, read once."""
    if name not in c.effects:
        c.effects[name] = reported(c.tables[name])
    return c.effects[name]


def _scaled(value: np.ndarray, ratio: np.ndarray, is_r: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        z = np.where(is_r, np.arctanh(np.where(np.abs(value) < 1, value, np.nan)), value)
        return np.where(ratio, np.log(np.where(value > 0, value, np.nan)), z)


def _slack(
    value: np.ndarray, unit: np.ndarray, ratio: np.ndarray, is_r: np.ndarray
) -> np.ndarray:
    """Half of the last decimal on the scale of analysis."""
    steep = np.where(is_r, 1 - value**2, np.where(ratio, np.abs(value), 1.0))
    slack = unit / 2 / np.where(steep > 0, steep, np.nan)
    return np.where(np.isnan(slack), 0.0, slack)


def _unit(values: pd.Series) -> pd.Series:
    """The last decimal place that each number shows; NaN where there is none."""
    return pd.Series(_places(values), values.index)


def _places(values: Iterable[float]) -> np.ndarray:
    return np.array([np.nan if np.isnan(value) else 10.0 ** -_decimals(value)
                     for value in values])


def _decimals(value: float) -> int:
    return len(f"{value:.10f}".rstrip("0").partition(".")[2])


def estimates_in_the_middle(c: Context) -> Iterator[Problem]:
    """Warn of an estimate far from the middle of its interval, of a ratio on the log scale."""
    for name in c.tables:
        for columns, found in _intervals(c, name):
            effect, low, high, ratio, slack = found
            middle, half = (low + high) / 2, (high - low) / 2
            far = (effect - middle).abs() > OFF_CENTRE * half + slack
            shown = np.exp(middle).where(ratio, middle)

            def words(row: Any, shown=shown, ratio=ratio) -> str:
                place = f"{shown[row]:.2g} on the log scale" if ratio[row] else f"{shown[row]:.4g}"
                return f"lies far from the middle of its interval ({place})"

            yield from c.problems(name, far, columns, words,
                                  "check estimate and limits against the source", True)


def _intervals(c: Context, name: str) -> Iterator[tuple[str, tuple[pd.Series, ...]]]:
    """Symmetric intervals of a table: column of the estimate; estimate, limits, ratio, slack."""
    table, own = c.tables[name], effects(c, name)
    if own is not None:
        skewed = among(table, "effect_measure",
                       ("median_difference", "proportion", "percent_change", "none"))
        yield "effect", (own.effect.mask(skewed), own.low, own.high, own.ratio,
                         own.slack + own.limits_slack)
    for arm in ARMS:
        names = [f"{arm}_change{end}" for end in ("", "_ci_low", "_ci_high")]
        if set(names) <= set(table):
            effect, low, high = (number(table, column) for column in names)
            unit = reduce(np.fmin, map(_unit, (effect, low, high)))
            inside = (low < effect) & (effect < high)
            yield names[0], (effect.where(inside), low, high, pd.Series(False, table.index), unit)


def p_values_fit(c: Context) -> Iterator[Problem]:
    """Warn of a p value that effect and error cannot give, whether by z or by t."""
    for name, table in c.tables.items():
        own = effects(c, name)
        if own is None or "p_value" not in table:
            continue
        p = number(table, "p_value")
        p = p.where((p > 0) & (p <= 1)).mask(_varied(table))
        se = own.se.where(own.se > 0)
        wrong = _p_gap(p, table, own.effect.abs(), own.slack, se,
                       own.limits_slack.mask(own.given, 0.0), _freedom(table))
        wrong &= ~_from_tables(p, table, wrong)
        exact = ~among(table, "p_relation", ("<", ">"))

        def words(row: Any, p=p, z=own.effect / se, exact=exact) -> str:
            implied = 2 * special.ndtr(-abs(z[row]))
            shown = "below 0.0001" if implied < 1e-4 else f"{implied:.1g}"
            hint = _hint(p[row], z[row]) if exact[row] else ""
            return f"does not fit effect and error, which give {shown}{hint}"

        yield from c.problems(name, wrong, "p_value", words, CHECK, True)


def _from_tables(p: pd.Series, table: pd.DataFrame, doubted: pd.Series) -> pd.Series:
    """Doubted p values that a test of the counts gives: Fisher's, chi squared, that of Yates."""
    fits = pd.Series(False, table.index)
    if not doubted.any():
        return fits
    counts = pd.concat([number(table, f"{arm}_{part}") for arm in ARMS for part in ("events", "n")],
                       axis=1)  # fmt: skip
    counts = counts[doubted & counts.notna().all(axis=1) & ~among(table, "unit", ("events",))]
    if counts.empty:
        return fits
    from scipy import stats  # takes long to import

    for index, (a, n, b, m) in zip(counts.index, counts.to_numpy(), strict=True):
        cells = np.array([[a, n - a], [b, m - b]])
        if (cells < 0).any() or not cells.sum(axis=0).all() or n + m > CROWD:
            continue
        tests = [stats.fisher_exact(cells)[1],
                 *(stats.chi2_contingency(cells, correction)[1] for correction in (False, True))]
        near = max(_unit(p.loc[[index]]).iloc[0] / 2, P_SHARE * p[index])
        fits[index] = any(abs(value - p[index]) <= near for value in tests)
    return fits


def _varied(table: pd.DataFrame) -> pd.Series:
    """Rows whose error is an assumption of ours, kept beside the main row for comparison."""
    return (among(table, "verification", ("derived",))
            & among(table, "pool_role", ("sensitivity",)))


def _larger(one: pd.Series, other: pd.Series) -> pd.Series:
    """The larger of two numbers of each row; the first where they cannot be compared."""
    return one.mask(other > one, other)


def _freedom(table: pd.DataFrame) -> np.ndarray:
    """Degrees of freedom of a t test of each row: people less two (pairs less one), or studies
    less one (of an unknown number two); infinite where nothing is known."""
    (one,), (two,) = (_columns(table, arm, "n") for arm in ARMS)
    paired = among(table, "contrast", PAIRED).to_numpy()
    people = np.where(paired, np.where(two > one, two, one) - 1, one + two - 2)
    if "k" in table:
        studies = number(table, "k").fillna(2).to_numpy() - 1
        people = np.where(np.isnan(people), studies, people)
    return np.where(np.isnan(people), np.inf, np.maximum(people, 1.0))


def _p_gap(
    p: pd.Series, table: pd.DataFrame, effect: pd.Series, slack: pd.Series, se: pd.Series,
    limits_slack: pd.Series, df: np.ndarray,
) -> pd.Series:  # fmt: skip
    """Whether no test could give a p value beside an effect with its error.

    A p value stands for a range of z: as far as it is rounded, by z or by t. So do effect and
    error, whose interval may rest on t as well. An interval of 90 or 99 % is told by less.
    """
    near, far = _z_of(p, table, df)
    effect, slack, se, hidden = (values.to_numpy() for values in (
        effect, slack, se, limits_slack / Z95))
    low = np.maximum(effect - slack, 0) / (se + hidden)
    high = (effect + slack) / np.maximum(se - hidden, 1e-3 * se) * _t_quantile(df, 0.975) / Z95
    gap = (near - high > P_GAP + P_SHARE * near) | (low - far > P_GAP + P_SHARE * low)
    least, most = near / high, far / low
    for percent in OTHER_LEVELS:
        times = special.ndtri(0.5 + percent / 200) / Z95
        apart = (least - 1 if times > 1 else 1 - most) > LEVEL_GAP
        gap |= (least <= times) & (times <= most) & apart
    return pd.Series(gap, p.index)


def _z_of(p: pd.Series, table: pd.DataFrame, df: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest size of z that a printed p value stands for."""
    below, above = (among(table, "p_relation", (sign,)).to_numpy() for sign in "<>")
    p, half = p.to_numpy(), _places(p) / 2
    smallest = np.where(above, p, np.maximum(p - half, 1e-300))
    largest = np.where(below, p, np.where(above, 1.0, np.minimum(p + half, 1.0)))
    return -special.ndtri(largest / 2), np.where(below, np.inf, -_t_quantile(df, smallest / 2))


def p_values_fit_arms(c: Context) -> Iterator[Problem]:
    """Warn of a p value that is far from what the arms give, where no error is reported."""
    observed = _observed(c.tables.get("studies"))
    for name, table in c.tables.items():
        if "p_value" not in table:
            continue
        p = number(table, "p_value")
        yield from c.problems(name, p == 0, "p_value", "no p value is 0",
                              "write 0.001 with p_relation <, or what the source prints", True)
        own = effects(c, name)
        here = (p > 0) & (p <= 1) & ~_varied(table) & ~among(table, "contrast", PAIRED)
        here &= own.se.isna() if own is not None else True
        if not here.any():
            continue
        near, far = _z_of(p, table, _freedom(table))
        readings = [*_of_means(table, "mean_difference"), _of_counts(table, "risk_difference")]
        gaps = pd.concat([np.maximum(near - z, z - far) for z in
                          (effect.abs() / se.where(se > 0) for effect, se in readings)], axis=1)
        loose = table["study"].isin(observed) if "study" in table else False
        limit = pd.Series(FAR_MEANS, table.index).mask(pd.Series(loose, table.index), FAR_ADJUSTED)
        nearest = gaps.min(axis=1)
        yield from c.problems(name, here & (nearest > limit), "p_value",
                              "does not fit the numbers of its arms",
                              f"{CHECK}: are SDs standard errors?", True)


def _t_quantile(df: np.ndarray, share: np.ndarray | float) -> np.ndarray:
    return np.where(np.isfinite(df), special.stdtrit(np.minimum(df, 1e9), share),
                    special.ndtri(share))


def _hint(p: float, z: float) -> str:
    """What may have happened to a p value or an interval."""
    ratio = -special.ndtri(p / 2) / abs(z) if z else np.inf
    for percent in (90, 99):
        if abs(ratio / (special.ndtri(0.5 + percent / 200) / Z95) - 1) < 0.05:
            return f" (an interval of {percent} %?)"
    return " (adjusted for several comparisons?)" if 0.35 < ratio < 1 else ""


def ratios_are_ratios(c: Context) -> Iterator[Problem]:
    """Warn of a ratio so far from 1 that it may be a percentage or a difference, and of a
    standardised difference that may be one of points."""
    for name, table in c.tables.items():
        own = effects(c, name)
        if own is None:
            continue
        nearest = own.low.fillna(own.effect).where(own.ratio)
        huge = nearest > np.log(HUGE)
        counted = _of_counts(table, "risk_ratio")[0].notna()
        yield from c.problems(name, huge & ~counted, "effect",
                              "is very large for a ratio (a percentage, or not a ratio?)",
                              "check effect and effect_measure", True)
        points = among(table, "effect_measure", ("standardised_mean_difference",))
        yield from c.problems(name, points & (own.effect.abs() > FAR_APART), "effect",
                              "is very large for a standardised difference (points of a scale?)",
                              "check effect and effect_measure", True)


def shares_stay_in_bounds(c: Context) -> Iterator[Problem]:
    """Differences of shares and correlations lie between -1 and 1, shares between 0 and 1.

    So do the limits of a correlation; those of the others may pass the ends by the width of
    Wald's interval, which is a remark.
    """
    for name, table in c.tables.items():
        if not {"effect", "effect_measure"} <= set(table):
            continue
        effect = number(table, "effect")
        for kind, lowest, advice in (
            ("risk_difference", -1, "write 16 percentage points as 0.16, or call it "
                                    "percent_point_difference"),
            ("correlation", -1, "check effect and effect_measure"),
            ("proportion", 0, "write 16 % as 0.16"),
        ):
            mine = among(table, "effect_measure", (kind,))
            if not mine.any():
                continue
            beyond = mine & ((effect > 1) | (effect < lowest))
            yield from c.problems(name, beyond, "effect",
                                  f"a {kind.replace('_', ' ')} lies between {lowest} and 1", advice)
            for column in ("effect_ci_low", "effect_ci_high", "ci_low", "ci_high"):
                limit = number(table, column)
                out = mine & ((limit > 1) | (limit < lowest))
                yield from c.problems(name, out & ~beyond, column,
                                      f"a {kind.replace('_', ' ')} lies between {lowest} and 1",
                                      advice, kind != "correlation")


def effects_fit_scale(c: Context) -> Iterator[Problem]:
    """No difference is larger than its scale, and no SD larger than half of it."""
    for name, table in c.tables.items():
        if not {"scale_low", "scale_high"} <= set(table):
            continue
        width = (number(table, "scale_high") - number(table, "scale_low"))
        width = width.where(width > 0)
        points = among(table, "effect_measure", ("mean_difference", "median_difference"))
        rule = worded("is more than the whole scale, {:g} points", width)
        for column, where in (
            ("effect", points), ("effect_se", points),
            *((f"{arm}_change", True) for arm in ARMS),
        ):
            beyond = where & (number(table, column).abs() > width)
            yield from c.problems(name, beyond, column, rule,
                                  "check the value, effect_measure and the ends of the scale")
        yield from _implied_deviations(c, name, table, width)
        for arm in ARMS:
            n = number(table, f"{arm}_n").clip(lower=2).fillna(2)
            largest = width / 2 * (n / (n - 1)) ** 0.5
            for column in (f"{arm}_baseline_sd", f"{arm}_sd"):
                beyond = number(table, column) > largest * 1.001
                yield from c.problems(name, beyond, column,
                                      worded("is more than this scale allows, {:.3g}", largest),
                                      "check the value and the ends of the scale", True)


def _implied_deviations(
    c: Context, name: str, table: pd.DataFrame, width: pd.Series
) -> Iterator[Problem]:
    """Warn of a standard error that no SD on this scale gives with so many people."""
    n1, n2 = number(table, "intervention_n"), number(table, "control_n")
    se, low, high = (number(table, f"effect_{part}") for part in ("se", "ci_low", "ci_high"))
    given = se > 0
    se = se.where(given, (high - low) / (2 * Z95))
    paired = among(table, "contrast", PAIRED)
    sd = (se / (1 / n1 + 1 / n2) ** 0.5).mask(paired, se * _larger(n1, n2) ** 0.5)
    here = among(table, "effect_measure", ("mean_difference",)) & (sd <= 100 * width)
    wide = here & (sd > width.where(paired, width / 2) * 1.05)
    none = here & (sd < width / NONE)
    for where, rule in ((wide, "implies an SD of {:.3g}, more than this scale allows"),
                        (none, "implies an SD of {:.2g}, next to none on this scale")):
        for column, such in (("effect_se", given), ("effect_ci_low", ~given)):
            yield from c.problems(name, where & such, column, worded(rule, sd),
                                  f"{CHECK}: an SD, or a slip of the point?", True)


def deviations_are_no_errors(c: Context) -> Iterator[Problem]:
    """Warn of SDs that are standard errors beside another SD of the same arm or the other arm, or
    that are several times as large as both."""
    for name, table in c.tables.items():
        sds = {(arm, part): _columns(table, arm, part)[0] for arm in ARMS
               for part in ("baseline_sd", "sd") if f"{arm}_{part}" in table}
        none = np.full(len(table), np.nan)
        for (arm, part), sd in sds.items():
            root = _columns(table, arm, "n")[0] ** 0.5
            looks = np.zeros(len(table), bool)
            others = [sds.get(place, none) for place in (
                (arm, "sd" if part == "baseline_sd" else "baseline_sd"),
                ("control" if arm == "intervention" else "intervention", part),
            )]
            for beside in others:
                times = sd * root / beside
                alike = (times >= 1 / ALIKE) & (times <= ALIKE)
                looks |= alike & (sd * SMALLER < beside) & (root >= ROOT)
            yield from c.problems(name, looks, f"{arm}_{part}",
                                  "looks like a standard error: times the root of n it is near the "
                                  "other SDs of this row", "check whether it is an SD", True)
            largest = pd.Series(np.fmax(*others), table.index)
            beyond = (sd > FAR_APART * largest) & (root >= ROOT)
            yield from c.problems(name, beyond, f"{arm}_{part}",
                                  worded("is far larger than the other SDs of this row, {:.4g}",
                                         largest),
                                  "check the decimal point, and that it is no variance", True)


def arms_are_alike(c: Context) -> Iterator[Problem]:
    """Warn of arms in different units, and of an SD in the middle of a scale that is an error."""
    for name, table in c.tables.items():
        if {"intervention_mean", "control_mean", "intervention_sd"} <= set(table):
            m1, s1, m2, s2 = (number(table, f"{arm}_{part}") for arm in ARMS
                              for part in ("mean", "sd"))  # fmt: skip
            sds = (m1 - m2).abs() / _larger(s1, s2)
            yield from c.problems(name, (sds > FAR_APART) & (sds < np.inf), "intervention_mean",
                                  worded("is {:.0f} SDs from the control", sds),
                                  f"{CHECK}: one unit in both arms, SDs that are no errors?", True)
            yield from _errors_in_the_middle(c, name, table)
        if {"intervention_time", "control_time", "intervention_n"} <= set(table):
            t1, t2 = (number(table, f"{arm}_time") / number(table, f"{arm}_n") for arm in ARMS)
            ratio = (t1 / t2).where((t1 > 0) & (t2 > 0))
            yield from c.problems(name, (ratio > FOLLOWED) | (ratio < 1 / FOLLOWED),
                                  "intervention_time",
                                  worded("is {:.3g} times that of the control, for each person",
                                         ratio),
                                  f"{CHECK}: one unit of time in both arms?", True)


def _errors_in_the_middle(c: Context, name: str, table: pd.DataFrame) -> Iterator[Problem]:
    """Warn of next to no spread far from both ends of a scale, where an error times the root of n
    is a usual spread."""
    low, high = number(table, "scale_low"), number(table, "scale_high")
    width = (high - low).where(high > low)
    for arm in ARMS:
        mean, sd, n = (number(table, f"{arm}_{part}") for part in ("mean", "sd", "n"))
        inside = (mean - low > MIDDLE * sd) & ~(high - mean <= MIDDLE * sd)
        usual = (sd * n**0.5 > width / SPREAD) & (sd * n**0.5 < width / 2)
        here = inside & usual & (sd < width / LITTLE) & (n**0.5 >= ROOT)
        yield from c.problems(name, here, f"{arm}_sd",
                              "is very small in the middle of its scale; times the root of n it "
                              "would be usual", "check whether it is a standard error", True)


def percentages_fit(c: Context) -> Iterator[Problem]:
    """Warn of a percentage that is not that of its counts."""
    for name, table in c.tables.items():
        for arm in ARMS:
            if f"{arm}_pct" not in table:
                continue
            share = 100 * number(table, f"{arm}_events") / number(table, f"{arm}_n")
            share = share.where(~among(table, "unit", ("events",)))
            wrong = (number(table, f"{arm}_pct") - share).abs() > POINTS
            yield from c.problems(name, wrong, f"{arm}_pct",
                                  worded("differs from the counts, which give {:.1f} %", share),
                                  CHECK, True)


def effects_fit_arms(c: Context) -> Iterator[Problem]:
    """Warn of an effect, or its error, that is far from what the two arms give."""
    observed = _observed(c.tables.get("studies"))
    for name, table in c.tables.items():
        own = effects(c, name) if any(f"{arm}_{part}" in table for arm in ARMS
                                      for part in ("n", "time")) else None  # fmt: skip
        if own is None:
            continue
        loose = table["study"].isin(observed) if "study" in table else False
        of_counts = cache(partial(_shown, table))
        for kind in (*MEAN_KINDS, *COUNTED, "hazard_ratio", "proportion"):
            here = among(table, "effect_measure", (kind,))
            if not here.any():
                continue
            of_arms = _of_means(table, kind) if kind in MEAN_KINDS else [_of_counts(table, kind)]
            effect, se = _nearest(own.effect, of_arms)
            times = pd.Series(FAR_MEANS if kind in MEAN_KINDS else FAR_COUNTS, table.index)
            times = times.mask(pd.Series(loose, table.index), FAR_ADJUSTED)
            largest = _larger(own.se, se).fillna(own.se).fillna(se)
            apart = (own.effect - effect).abs()
            far = here & (apart > times * largest + own.slack)
            if kind == "hazard_ratio":  # of another kind than a ratio of risks, but not opposite
                far &= (own.effect * effect < 0) & (apart > FAR_ADJUSTED * se)
            shown = np.exp(effect) if kind in RATIO_KINDS else effect
            yield from c.problems(name, far, "effect",
                                  worded("is far from that of its arms, {:.4g}", shown),
                                  CHECK, True)
            if kind in COUNTED:
                yield from _other_measures(c, name, of_counts, kind, here)
            if kind in RATIO_KINDS:
                plain = own.given & ~far & (apart <= TIMES * own.slack + 1e-9)
                yield from _errors_of_logs(c, name, table, se, here & plain)
            if kind != "hazard_ratio":
                plain = here & ~far & (apart <= own.slack + 1e-9)
                yield from _levels(c, name, table, own, se, plain & _is_wald(table, kind))
                yield from _errors_fit_arms(c, name, table, own, se, here & ~far)


def _observed(studies: pd.DataFrame | None) -> list[str]:
    """Studies in which nobody was randomised, so that effects are adjusted for more."""
    if studies is None or "study" not in studies:
        return []
    return studies.loc[among(studies, "design", OBSERVED), "study"].tolist()


def _nearest(
    effect: pd.Series, readings: list[tuple[pd.Series, pd.Series]]
) -> tuple[pd.Series, pd.Series]:
    """Of several readings of the arms the one nearest to the reported effect, row by row."""
    found, error = readings[0]
    for other, se in readings[1:]:
        closer = found.isna() | ((other - effect).abs() < (found - effect).abs())
        found, error = found.mask(closer, other), error.fillna(se)
    return found, error


def _errors_fit_arms(
    c: Context, name: str, table: pd.DataFrame, own: Reported, se: pd.Series, here: pd.Series
) -> Iterator[Problem]:
    """Warn of a standard error (of an interval where none is given) far from that of the arms."""
    here &= ~among(table, "contrast", PAIRED)
    ratio = own.se / se
    wide = here & ((ratio > TIMES) | (ratio < 1 / TIMES))
    means = here & among(table, "effect_measure", ("mean_difference",))
    by_t = pd.Series(_t_quantile(_freedom(table), 0.975) / Z95, table.index)
    wider = means & (ratio > WIDER * by_t.mask(own.given, 1.0)) & ~wide
    for column, given in (("effect_se", own.given), ("effect_ci_low", ~own.given)):
        if column not in table:
            continue
        what = "is" if column == "effect_se" else "gives a standard error that is"
        yield from c.problems(name, wide & given, column,
                              worded(f"{what} far from that of its arms, {{:.4g}}", se),
                              f"{CHECK}: is an SD a standard error?", True)
        yield from c.problems(
            name, wider & given, column,
            worded(f"{what} wider than SDs and people of the arms imply, {{:.4g}}", se),
            "ask what widened it: fewer people, or the model", True,
        )


def _errors_of_logs(
    c: Context, name: str, table: pd.DataFrame, se: pd.Series, here: pd.Series
) -> Iterator[Problem]:
    """Warn of a standard error that is the one of the ratio, not of its log, by the counts."""
    given = number(table, "effect_se")
    of_ratio = (given / (se * number(table, "effect")) - 1).abs() < SAME
    apart = here & of_ratio & ((given / se - 1).abs() > 4 * SAME)
    yield from c.problems(name, apart, "effect_se",
                          worded("looks like that of the ratio; its log has {:.4g}", se),
                          "give the standard error of the log, or the limits", True)


def ratios_have_errors(c: Context) -> Iterator[Problem]:
    """Warn of an odds or hazard ratio that is surer than so many people can make it.

    No counts of one event a person make the variance of a log odds ratio less than
    4 (1/n + 1/m), nor that of a log hazard ratio less than 1/n + 1/m.
    """
    for name, table in c.tables.items():
        own = effects(c, name)
        if own is None or not own.ratio.any() or not {"intervention_n", "control_n"} <= set(table):
            continue
        root = (1 / number(table, "intervention_n") + 1 / number(table, "control_n")) ** 0.5
        alone = ~among(table, "contrast", PAIRED) & ~among(table, "unit", ("events",))
        least = root.where(among(table, "effect_measure", ("hazard_ratio",)))
        least = least.fillna(2 * root.where(among(table, "effect_measure", ("odds_ratio",))))
        here = alone & (own.se < SUREST * least)
        for column, given in (("effect_se", own.given), ("effect_ci_low", ~own.given)):
            yield from c.problems(name, here & given, column,
                                  worded("implies less than the least error of its log that so "
                                         "many people allow, {:.3g}", least),
                                  f"{CHECK}: the error of the ratio instead of its log?", True)


def _is_wald(table: pd.DataFrame, kind: str) -> pd.Series:
    """Rows whose arms are large enough that their own interval is known."""
    if kind in MEAN_KINDS:
        levels = number(table, "intervention_mean") - number(table, "control_mean")
        changes = number(table, "intervention_change") - number(table, "control_change")
        people = number(table, "intervention_n") + number(table, "control_n")
        return (people >= MANY) & levels.notna() & changes.isna()
    enough = pd.Series(True, table.index)
    for arm in ARMS if kind != "proportion" else ARMS[:1]:
        events, n = number(table, f"{arm}_events"), number(table, f"{arm}_n")
        enough &= (events >= ENOUGH) & ((n - events >= ENOUGH) | (kind == "rate_ratio"))
    return enough


def _levels(
    c: Context, name: str, table: pd.DataFrame, own: Reported, se: pd.Series, plain: pd.Series
) -> Iterator[Problem]:
    """Warn of an unadjusted effect whose interval is that of its arms at another level."""
    column = "effect_ci_low" if "effect_ci_low" in table else "ci_low"
    ratio, slack = own.se / se, own.limits_slack / Z95 / se
    plain = plain & ~own.given & ~among(table, "contrast", PAIRED)
    for percent in OTHER_LEVELS:
        times = special.ndtri(0.5 + percent / 200) / Z95
        near = ((ratio - times).abs() <= NEAR_LEVEL + slack) & ((ratio - 1).abs() > 0.1 + slack)
        yield from c.problems(name, plain & near, column,
                              f"looks like the limit of an interval of {percent} %, by its arms",
                              "give limits of 95 %, or the standard error", True)


def _other_measures(
    c: Context, name: str, of_counts: Callable[[str], pd.Series], kind: str, here: pd.Series
) -> Iterator[Problem]:
    """Warn of an effect that is another measure of the same counts than it is said to be."""
    given = number(c.tables[name], "effect")
    tolerance = 0.6 * _unit(given)
    mine = of_counts(kind)
    here = here & ((given - mine).abs() > tolerance)
    for other in COUNTED if here.any() else ():
        theirs = of_counts(other)
        apart = (mine - theirs).abs() > APART * (theirs.abs() + tolerance)
        yield from c.problems(
            name, here & ((given - theirs).abs() <= tolerance) & apart, "effect",
            worded(f"is the {NAMES[other]} of its counts, whose {NAMES[kind]} is {{:.4g}}", mine),
            "mend effect_measure, or the effect", True,
        )  # fmt: skip


def _shown(table: pd.DataFrame, kind: str) -> pd.Series:
    effect = _of_counts(table, kind)[0]
    return np.exp(effect) if kind in RATIO_KINDS else effect


def _of_means(table: pd.DataFrame, kind: str) -> list[tuple[pd.Series, pd.Series]]:
    """Differences between the arms and their standard errors: levels, changes, both by baseline."""
    (m1, s1, n1, b1, c1), (m2, s2, n2, b2, c2) = (
        _columns(table, arm, "mean", "sd", "n", "baseline_mean", "change") for arm in ARMS)
    with np.errstate(all="ignore"):
        se = (s1**2 / n1 + s2**2 / n2) ** 0.5
        readings = [(m1 - m2, se), (c1 - c2, se), (m1 - m2 - (b1 - b2), se)]
        if kind == "standardised_mean_difference":
            given = number(table, "effect").to_numpy()
            by_n = (1 / n1 + 1 / n2 + given**2 / (2 * (n1 + n2))) ** 0.5
            pooled = (((n1 - 1) * s1**2 + (n2 - 1) * s2**2) / (n1 + n2 - 2)) ** 0.5
            errors = [(1 / n1 + 1 / n2 + (one / pooled) ** 2 / (2 * (n1 + n2))) ** 0.5
                      for one, _ in readings]
            readings = [(one / np.where(pooled > 0, pooled, np.nan),
                         np.where(np.isnan(error), by_n, error))
                        for (one, _), error in zip(readings, errors, strict=True)]
    return [tuple(pd.Series(part, table.index) for part in reading) for reading in readings]


def _columns(table: pd.DataFrame, arm: str, *parts: str) -> list[np.ndarray]:
    return [number(table, f"{arm}_{part}").to_numpy() for part in parts]


def _of_counts(table: pd.DataFrame, kind: str) -> tuple[pd.Series, pd.Series]:
    """Effect of the counts on the scale of analysis and its standard error; NaN where a ratio has
    no events to stand on."""
    arms = [_columns(table, arm, "events", "n", "time") for arm in ARMS]
    people = ~among(table, "unit", ("events",)).to_numpy()
    with np.errstate(all="ignore"):
        effect, se = _effect_of_counts(kind, *arms, people)
    return pd.Series(effect, table.index), pd.Series(se, table.index)


def _effect_of_counts(
    kind: str, one: list[np.ndarray], other: list[np.ndarray], people: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    (e1, n1, t1), (e2, n2, t2) = one, other
    if kind == "rate_ratio":
        e1, e2 = (np.where(e > 0, e, np.nan) for e in (e1, e2))
        return np.log(e1 / t1) - np.log(e2 / t2), (1 / e1 + 1 / e2) ** 0.5
    e1, e2 = (np.where(people & (e >= 0) & (e <= n), e, np.nan) for e, n in ((e1, n1), (e2, n2)))
    if kind == "proportion":
        return e1 / n1, (e1 * (n1 - e1) / n1**3) ** 0.5
    if kind in ("risk_difference", "percent_point_difference"):
        times = 100 if kind == "percent_point_difference" else 1
        p1, p2 = e1 / n1, e2 / n2
        return times * (p1 - p2), times * (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) ** 0.5
    e1, e2 = (np.where(e > 0, e, np.nan) for e in (e1, e2))
    if kind in ("risk_ratio", "hazard_ratio"):
        se = np.maximum(1 / e1 - 1 / n1 + 1 / e2 - 1 / n2, 0) ** 0.5
        return np.log(e1 / n1) - np.log(e2 / n2), se
    r1, r2 = (np.where(n > e, n - e, np.nan) for e, n in ((e1, n1), (e2, n2)))
    return np.log(e1 / r1) - np.log(e2 / r2), (1 / e1 + 1 / r1 + 1 / e2 + 1 / r2) ** 0.5


def people_fit(c: Context) -> Iterator[Problem]:
    """Warn of more people in an outcome, or analysed, than the study has randomised."""
    studies = c.tables.get("studies")
    if studies is None or "study" not in studies or "n_randomised" not in studies:
        return
    randomised = number(studies, "n_randomised")
    more = number(studies, "n_analysed") > randomised
    yield from c.problems("studies", more, "n_analysed",
                          worded("is more than the {:.0f} randomised", randomised), CHECK, True)
    if studies["study"].duplicated().any():
        return
    of_study = randomised.set_axis(studies["study"])
    design = studies.reindex(columns=["design"])["design"].set_axis(studies["study"])
    for name, table in c.tables.items():
        if name == "studies" or not {"study", "intervention_n", "control_n"} <= set(table):
            continue
        one, two = number(table, "intervention_n"), number(table, "control_n")
        parallel = table["study"].map(design) == "rct_parallel"
        people = one.fillna(0).add(two.fillna(0)).where(parallel, _larger(one, two))
        known = table["study"].map(of_study)
        yield from c.problems(name, people > known, "intervention_n",
                              worded("and control_n are more than the {:.0f} randomised", known),
                              CHECK, True)
        twice = among(table, "contrast", ("between_arms",)) & (people <= known) & (
            one + two > known) & (table["study"].map(design) == "rct_crossover")
        yield from c.problems(name, twice, "contrast",
                              "counts the people of a crossover trial in both arms",
                              "write crossover_paired, with an error from the pairs", True)


def arms_stand_once(c: Context) -> Iterator[Problem]:
    """Warn of two studies with the same numbers, or with one control group between them."""
    for name, key, what in (("outcomes", "outcome_id", ("domain", "instrument", "week")),
                            ("harms", "harm_id", ("event",))):
        table = c.tables.get(name)
        if table is None or len(table) < 2 or not {key, "study"} <= set(table):
            continue
        table = table.assign(people=_people(table["study"], c.tables.get("studies")))
        by = [column for column in what if column in table]
        same = _same(table, key, [*by, *_numbers(table, *ARMS)], _full(table, *ARMS))
        yield from c.problems(name, same != "", key,
                              worded("has the same numbers as {}", same),
                              "check that they are different people", True)
        full = _full(table, "control") & (same == "")
        table = table.assign(document=_documents(table, c.bibliography))
        shared = _same(table, key, [*by, "document", *_numbers(table, "control")], full)
        exact = full & number(table, "control_mean").notna() & number(table, "control_sd").notna()
        alike = _same(table, key, [*by, *_numbers(table, "control")], exact)
        shared = shared.mask(shared == "", alike)

        def words(row: Any, table=table, shared=shared) -> str:
            return f"has the same control group{_group(table.loc[row])} as {shared[row]}"

        yield from c.problems(name, shared != "", key, words,
                              "if these are the same people, fill in participants_of", True)


def _documents(table: pd.DataFrame, bibliography: Bibliography | None) -> pd.Series:
    """Where the numbers of each row stand: its source, else the first author of its study."""
    known = table["study"].map(lambda key: _first_author(bibliography, key))
    return table["source"].fillna(known) if "source" in table else known


def _first_author(bibliography: Bibliography | None, key: str) -> str:
    if bibliography is None or key not in bibliography:
        return key
    names = bibliography[key].authors
    return names[0].family if names else key


def _people(study: pd.Series, studies: pd.DataFrame | None) -> pd.Series:
    """The study that counts the people of each row."""
    if studies is None or "study" not in studies:
        return study
    counted = dict(zip(studies["study"], roots(studies), strict=True))
    return pd.Series([counted.get(key, key) for key in study], study.index, dtype="str")


def _numbers(table: pd.DataFrame, *arms: str) -> list[str]:
    names = [f"{arm}_{part}" for arm in arms for part in ("n", "events", "mean", "sd", "change")]
    return [name for name in names if name in table]


def _full(table: pd.DataFrame, *arms: str) -> pd.Series:
    """Rows with enough numbers in each arm that chance does not repeat them."""
    full = pd.Series(True, table.index)
    for arm in arms:
        counted = (number(table, f"{arm}_n") > 0) & (number(table, f"{arm}_events") > 0)
        full &= counted | number(table, f"{arm}_sd").notna()
    return full


def _same(table: pd.DataFrame, key: str, by: list[str], full: pd.Series) -> pd.Series:
    """The id of the first row of other people with the same cells; empty where there is none."""
    found = pd.Series("", table.index, dtype="str")
    rows = table[full]
    rows = rows[rows.duplicated(by, keep=False)]
    if rows.empty:
        return found
    for _, group in rows.groupby(by, dropna=False, sort=False):
        first = group.iloc[0]
        found[group.index[group["people"] != first["people"]]] = first[key]
    return found


def _group(row: Mapping[str, Any]) -> str:
    n, events = row.get("control_n"), row.get("control_events")
    if pd.isna(n):
        return ""
    return f" ({n:g} people)" if pd.isna(events) else f" ({events:g} of {n:g})"


def dates_are_dates(c: Context) -> Iterator[Problem]:
    """Dates of review.csv are written as 2026-01-31; a spreadsheet makes numbers of them."""
    table = c.tables.get("review")
    if table is None or not {"item", "value"} <= set(table):
        return
    dated = table["item"].isin(DATES) | table["item"].astype("str").str.endswith(DATED)
    dated &= table["value"].notna()
    wrong = dated & ~table["value"].map(_is_date).astype(bool)
    yield from c.problems("review", wrong, "value", "is not a date", "write it as 2026-01-31")


def numbers_are_no_dates(c: Context) -> Iterator[Problem]:
    """Warn of a number that is a day as spreadsheets count them, among numbers of another size."""
    for name in c.tables:
        for column, value in c.numeric(name).items():
            if column.endswith(COUNTS) or column.startswith("n_"):
                continue
            day = value.between(*SERIAL) & (value == value.round())
            if day.any() and (value[~day].abs() < USUAL).all():
                yield from c.problems(name, day, column,
                                      "looks like a date that a spreadsheet has made a number of",
                                      "type what the source says in a cell of text", True)


def _is_date(text: object) -> bool:
    try:
        return bool(ISO.fullmatch(str(text))) and bool(date.fromisoformat(str(text)))
    except ValueError:
        return False


AGREEMENT: tuple[Callable[[Context], Iterator[Problem]], ...] = (
    estimates_in_the_middle,
    p_values_fit,
    p_values_fit_arms,
    ratios_are_ratios,
    shares_stay_in_bounds,
    effects_fit_scale,
    deviations_are_no_errors,
    percentages_fit,
    effects_fit_arms,
    arms_are_alike,
    ratios_have_errors,
    people_fit,
    arms_stand_once,
    dates_are_dates,
    numbers_are_no_dates,
)
