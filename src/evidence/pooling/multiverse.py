"""Multiverse of one analysis: every combination of the choices that could have been made otherwise.

``data/specifications.csv`` lists, for each choice about a trial, its options: the row that enters
the pool, or none when the trial is left out. They are crossed with the estimators of the
between-study variance and the interval rules. After Simonsohn, Simmons and Nelson (2020),
doi 10.1038/s41562-020-0912-z.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import pandas as pd

from evidence.pooling.analyses import analysis_rows, mixtures
from evidence.pooling.effects import outcome_effects
from evidence.pooling.estimators import INTERVAL_RULES, METHODS, pool_many
from evidence.pooling.measures import to_shown
from evidence.pooling.synthesis import SMALLEST_POOL, Pool
from evidence.review import ESTIMATORS, RULES, Problem, ReviewError

FILE = "data/specifications.csv"
ESTIMATOR, RULE = "tau2_method", "interval_rule"
COMMON_EFFECT = "FE"
COMMON_EFFECT_RULE = "wald"  # Hartung-Knapp mends the error of random effects
SMALLEST = 2  # a pool needs two trials
LEFT_OUT = 1  # trials that may be left out at once


@dataclass(frozen=True, slots=True)
class Option:
    """One way to settle a choice; `outcome_id` is empty when the trial is left out."""

    choice: str
    option: str
    label: str
    is_main: bool
    outcome_id: str = ""


@dataclass(frozen=True, slots=True)
class Multiverse:
    """All specifications of one analysis.

    Attributes
    ----------
    analysis : str
    options : tuple of Option
        Of every choice, estimator and interval rule included, in order.
    table : DataFrame
        One row per specification: a column per choice that holds the option, ``k``, ``n``,
        ``estimate``, ``ci_low``, ``ci_high``, ``excludes_null`` and ``is_main``. Estimates are
        intervention minus control, ratios on the ratio scale.
    switches : DataFrame
        One row per option that is not the main one: ``pairs`` of specifications that differ in
        this option alone, the share of them in which the estimate changes sides
        (``sign_changes``) or the interval starts or stops excluding the null value
        (``verdict_changes``), and ``shift``, the mean change of the estimate.
    """

    analysis: str
    options: tuple[Option, ...]
    null_value: float
    table: pd.DataFrame = field(repr=False)
    switches: pd.DataFrame = field(repr=False)

    @property
    def size(self) -> int:
        """Number of specifications."""
        return len(self.table)

    @property
    def data_sets(self) -> int:
        """Number of different sets of rows that were pooled."""
        choices = dict.fromkeys(option.choice for option in self.options if option.outcome_id)
        return len(self.table.drop_duplicates(list(choices)))

    @property
    def n_supported(self) -> int:
        """Specifications with enough trials for a pooled interval."""
        return int((self.table["k"] >= SMALLEST_POOL).sum())

    @property
    def n_excluding(self) -> int:
        """Specifications whose 95 % interval excludes the null value."""
        return int(self.table["excludes_null"].sum())

    @property
    def share_excluding(self) -> float:
        """Their share."""
        return self.n_excluding / self.size

    @property
    def shared_by_excluding(self) -> list[str]:
        """Labels of the options that all of them take."""
        rows = self.table[self.table["excludes_null"]]
        return [o.label for o in self.options if len(rows) and (rows[o.choice] == o.option).all()]

    @property
    def share_below(self) -> float:
        """Share of specifications with an estimate below the null value."""
        return float((self.table["estimate"] < self.null_value).mean())

    @property
    def deciding(self) -> pd.Series:
        """The row of `switches` that most often reverses the direction."""
        return self.switches.loc[self.switches["sign_changes"].idxmax()]

    def count(self, **where: str) -> tuple[int, int]:
        """Specifications with some options whose interval excludes the null value, and all."""
        rows = self.table
        for choice, option in where.items():
            rows = rows[rows[choice] == option]
        return int(rows["excludes_null"].sum()), len(rows)


def explore(review, analysis: Pool) -> Multiverse:
    """Pool every combination of the choices of one analysis.

    Combinations that leave out more than one trial of the main analysis, or that hold fewer than
    two trials, are not made. Effects are taken on the basis of the analysis. A common effect is
    combined with the Wald interval only, which is then the main rule of a common-effect analysis.

    Parameters
    ----------
    review : evidence.review.review.Review
    analysis : Pool
        The one whose choices specifications.csv lists.

    Returns
    -------
    Multiverse

    Raises
    ------
    ReviewError
        When an option names a row that cannot be pooled, two choices share a trial, or a choice
        has not exactly one main option.
    """
    trials, effects = _trial_options(review, analysis)
    methods = [Option(ESTIMATOR, m, ESTIMATORS[m], m == analysis.tau2_method) for m in METHODS]
    is_common = analysis.tau2_method == COMMON_EFFECT
    main_rule = COMMON_EFFECT_RULE if is_common else analysis.interval_rule
    rules = [Option(RULE, rule, RULES[rule], rule == main_rule) for rule in INTERVAL_RULES]
    sets = _data_sets(list(trials.values()))
    table = _pool_sets(sets, effects, analysis)
    options = (*(o for group in trials.values() for o in group), *methods, *rules)
    main = pd.Series(True, table.index)
    for option in options:
        if option.is_main:
            main &= table[option.choice] == option.option
    null = analysis.null_value
    table["excludes_null"] = (table["ci_low"] > null) | (table["ci_high"] < null)
    table["is_main"] = main
    return Multiverse(analysis.name, options, null, table, _switches(table, options, null))


def _trial_options(
    review, analysis: Pool
) -> tuple[dict[str, list[Option]], Mapping[str, tuple[float, float, float]]]:
    """Options by choice, and effect, variance and people of every row they name."""
    rows = review.table("specifications")
    name, measure = analysis.name, analysis.measure
    rows = rows[rows["analysis"] == name] if "analysis" in rows else rows
    known = analysis_rows(review)
    trials: dict[str, list[Option]] = {}
    effects, owner, problems = {}, {}, []
    for index, row in rows.iterrows():
        outcome = "" if pd.isna(row["outcome_id"]) else row["outcome_id"]
        option = Option(row["choice"], row["option"], row["label"], bool(row["is_main"]), outcome)
        trials.setdefault(option.choice, []).append(option)
        if not outcome:
            continue
        line = int(index) + 2
        effect = outcome_effects(known.loc[[outcome]], measure, analysis.basis,
                                 scale=analysis.scale).iloc[0]
        if effect["reason"]:
            advice = "name a row that can be pooled"
            problems.append(Problem(FILE, line, "outcome_id", outcome, effect["reason"], advice))
        if owner.setdefault(effect["study"], option.choice) != option.choice:
            rule, advice = "is a trial of another choice as well", "keep one choice per trial"
            problems.append(Problem(FILE, line, "outcome_id", outcome, rule, advice))
        effects[outcome] = (effect["yi"], effect["vi"], effect["n"])
    for words in mixtures(known.loc[list(effects)], measure):
        problems.append(Problem(FILE, None, "outcome_id", name, *words))
    for choice, options in trials.items():
        if sum(option.is_main for option in options) != 1:
            rule, advice = "has not exactly one main option", "set is_main for one option"
            problems.append(Problem(FILE, None, "is_main", choice, rule, advice))
    if analysis.method != "inverse_variance":
        rule = "varies an analysis of inverse variances, and this one pools counts"
        problems.append(Problem(FILE, None, "analysis", name, rule, "name another analysis"))
    if not trials:
        rule, advice = "has no choices", "list the options of each choice"
        problems.append(Problem(FILE, None, "analysis", name, rule, advice))
    if problems:
        raise ReviewError(problems)
    return trials, effects


def _data_sets(groups: Sequence[Sequence[Option]]) -> list[tuple[Option, ...]]:
    """Combinations of one option per choice that can be pooled."""
    kept = []
    for combination in product(*groups):
        without = [option for option in combination if not option.outcome_id]
        departures = sum(not option.is_main for option in without)
        if departures <= LEFT_OUT and len(combination) - len(without) >= SMALLEST:
            kept.append(combination)
    return kept


def _pool_sets(
    sets: list[tuple[Option, ...]], effects: Mapping, analysis: Pool
) -> pd.DataFrame:
    """Pool all sets at once, under each pair of estimator and interval rule."""
    absent = (np.nan, np.nan, np.nan)
    cells = np.array(
        [[effects.get(option.outcome_id, absent) for option in chosen] for chosen in sets],
        dtype=float,
    )  # (m sets, choices, 3)
    yi, vi, people = cells.transpose(2, 1, 0)
    shared = pd.DataFrame([{o.choice: o.option for o in chosen} for chosen in sets])
    shared["n"] = np.nansum(people, axis=0).astype(int)
    parts = []
    for method, rule in product(METHODS, INTERVAL_RULES):
        if method == COMMON_EFFECT and rule != COMMON_EFFECT_RULE:
            continue
        pools = pool_many(yi, vi, method=method, rule=rule)
        values = {name: to_shown(getattr(pools, name), analysis.measure, analysis.scale)
                  for name in ("estimate", "ci_low", "ci_high")}
        parts.append(shared.assign(**{ESTIMATOR: method, RULE: rule, "k": pools.k}, **values))
    return pd.concat(parts, ignore_index=True)


def _switches(table: pd.DataFrame, options: Sequence[Option], null: float) -> pd.DataFrame:
    """Compare specifications that differ in one option alone: the main one and another."""
    choices = list(dict.fromkeys(option.choice for option in options))
    main = {option.choice: option.option for option in options if option.is_main}
    rows = []
    for option in options:
        if option.is_main:
            continue
        others = [choice for choice in choices if choice != option.choice]
        before = table[table[option.choice] == main[option.choice]]
        after = table[table[option.choice] == option.option]
        pairs = before.merge(after, on=others, suffixes=("_main", ""))
        sides = np.sign(pairs["estimate_main"] - null) != np.sign(pairs["estimate"] - null)
        verdicts = pairs["excludes_null_main"] != pairs["excludes_null"]
        rows.append({
            "choice": option.choice, "option": option.option, "label": option.label,
            "pairs": len(pairs), "sign_changes": float(sides.mean()),
            "verdict_changes": float(verdicts.mean()),
            "shift": float((pairs["estimate"] - pairs["estimate_main"]).mean()),
        })  # fmt: skip
    return pd.DataFrame(rows)
