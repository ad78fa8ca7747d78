"""Pool the effects of one analysis into a frozen `Synthesis`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from evidence.pooling.effects import MEASURES, RATIOS, is_empty, records
from evidence.pooling.estimators import (
    DEFAULT_RULE,
    INTERVAL_RULES,
    METHODS,
    between_study_variance,
    pool_many,
    tau2_interval,
)
from evidence.pooling.measures import Z95


def synthesise(
    effects: pd.DataFrame,
    *,
    measure: str | None = None,
    method: str = "REML",
    interval_rule: str = DEFAULT_RULE,
    analysis: str = "",
    title: str = "",
) -> Synthesis:
    """Pool the included rows of a table of effects.

    Parameters
    ----------
    effects : DataFrame
        As `evidence.pooling.effects.outcome_effects` returns it. Only ``yi`` and ``vi`` are needed.
    measure : str, optional
        MD, SMD, RR, OR, RD or GEN; that of the table by default. Results of RR and OR are shown
        as ratios.
    method : str
        REML, DL, PM, HE or FE.
    interval_rule : str
        The rule whose results are the default ones; all three are kept.

    Returns
    -------
    Synthesis
        The pool of one study is that study with a Wald interval under each rule; without studies
        all is NaN.

    Raises
    ------
    ValueError
        When measure, method or rule is unknown.
    """
    table = _complete(effects, measure)
    measure = measure or (table["measure"].iloc[0] if len(table) else "GEN")
    for value, allowed in ((measure, MEASURES), (method, METHODS), (interval_rule, INTERVAL_RULES)):
        if value not in allowed:
            raise ValueError(f"{value} is unknown: use one of {', '.join(allowed)}")
    pooled = table[table["included"]]
    yi, vi = pooled["yi"].to_numpy(float), pooled["vi"].to_numpy(float)
    tau2 = between_study_variance(yi[:, None], vi[:, None], method)
    pools = {
        rule: pool_many(yi, vi, method=method, rule=rule, tau2=tau2) for rule in INTERVAL_RULES
    }
    limits = tau2_interval(yi, vi) if method != "FE" else (np.nan, np.nan)
    spread = pools["wald"]
    show = np.exp if measure in RATIOS else float
    directions = set(pooled["higher_is"]) - {""}
    return Synthesis(
        analysis=analysis,
        title=title,
        measure=measure,
        tau2_method=method,
        interval_rule=interval_rule,
        higher_is=directions.pop() if len(directions) == 1 else "",
        studies=_study_rows(pooled, float(tau2[0]), show),
        excluded=tuple(
            ExcludedRow(**{name: _plain(row[name]) for name in ExcludedRow.__slots__})
            for row in records(table[~table["included"]])
        ),
        pooled=tuple(_pooled_row(rule, pools[rule], show) for rule in INTERVAL_RULES),
        tau2=float(spread.tau2[0]),
        tau2_ci_low=limits[0],
        tau2_ci_high=limits[1],
        i2=float(spread.i2[0]),
        q=float(spread.q[0]),
        q_p_value=float(spread.q_p_value[0]) if len(yi) else np.nan,
    )


def _complete(effects: pd.DataFrame, measure: str | None) -> pd.DataFrame:
    """The table with every column that a Synthesis needs."""
    table = effects.reset_index(drop=True).copy()
    labels = [f"study {number}" for number in range(1, len(table) + 1)]
    defaults = {
        "study": labels, "included": True, "reason": "", "measure": measure or "GEN", "n": pd.NA,
        "design": "", "crossover": False, "derived_from": "", "verification": "", "higher_is": "",
        "year": pd.NA, "ci_low": np.nan, "ci_high": np.nan,
    }  # fmt: skip
    for name, value in defaults.items():
        if name not in table:
            table[name] = value
    if "outcome_id" not in table:
        table["outcome_id"] = table["study"]
    table["included"] = table["included"].astype(bool)
    return table.astype({"n": "Int64", "year": "Int64"})


def _study_rows(pooled: pd.DataFrame, tau2: float, show) -> tuple[StudyRow, ...]:
    rows = []
    weights = 1 / (pooled["vi"].to_numpy(float) + tau2)
    for row, weight in zip(records(pooled), weights / weights.sum(), strict=True):
        half = Z95 * np.sqrt(row["vi"])
        known = {name: _plain(row[name]) for name in StudyRow.__slots__ if name in row}
        limits = {"ci_low": row["yi"] - half, "ci_high": row["yi"] + half}
        if is_empty(row["ci_low"]) or is_empty(row["ci_high"]):
            known |= {name: float(show(limit)) for name, limit in limits.items()}
        known |= {"effect": float(show(row["yi"])), "weight": float(100 * weight)}
        rows.append(StudyRow(**known))
    return tuple(rows)


def _pooled_row(rule: str, pools, show) -> PooledEstimate:
    values = {name: getattr(pools, name) for name in PooledEstimate.__slots__[1:]}
    single = {name: float(array[0]) if len(array) else np.nan for name, array in values.items()}
    for name in ("estimate", "ci_low", "ci_high", "pi_low", "pi_high"):
        single[name] = float(show(single[name]))
    return PooledEstimate(rule, **single)


def _plain(value):
    """A value of a table as plain Python; None where it is empty."""
    if is_empty(value):
        return None
    return value.item() if hasattr(value, "item") else value

MEASURE_WORDS = {
    "MD": "Mean difference",
    "SMD": "Standardised mean difference",
    "RR": "Risk ratio",
    "OR": "Odds ratio",
    "RD": "Risk difference",
    "GEN": "Effect",
}


def favours_words(higher_is: str, intervention: str, control: str) -> tuple[str, str]:
    """What the left and the right side of the null line mean."""
    if higher_is == "worse":
        return f"favours {intervention}", f"favours {control}"
    if higher_is == "better":
        return f"favours {control}", f"favours {intervention}"
    return f"lower with {intervention}", f"higher with {intervention}"

SMALLEST_POOL = 3
METHOD_WORDS = {
    "REML": "random effects, REML",
    "DL": "random effects, DerSimonian-Laird",
    "PM": "random effects, Paule-Mandel",
    "HE": "random effects, Hedges",
    "FE": "common effect, inverse variance",
}
RULE_WORDS = {
    "wald": "Wald interval",
    "hartung_knapp": "Hartung-Knapp interval",
    "hartung_knapp_floored": "floored Hartung-Knapp interval",
}


@dataclass(frozen=True, slots=True)
class StudyRow:
    """One pooled row. ``effect`` and its 95 % limits are on the display scale, ``yi`` may be a log.

    The limits are those that the report prints for this effect (which may rest on t), else Wald
    limits; what is pooled is ``yi`` with ``vi``.
    ``n`` is None where it is not known, ``year`` likewise; ``weight`` is in percent.
    """

    outcome_id: str
    study: str
    yi: float
    vi: float
    effect: float
    ci_low: float
    ci_high: float
    weight: float
    n: int | None
    design: str
    crossover: bool
    derived_from: str
    verification: str
    year: int | None


@dataclass(frozen=True, slots=True)
class ExcludedRow:
    """One row that was named but not pooled, and why."""

    outcome_id: str
    study: str
    reason: str
    n: int | None
    design: str
    crossover: bool


@dataclass(frozen=True, slots=True)
class PooledEstimate:
    """The pooled effect under one interval rule.

    Estimate and limits are on the display scale (ratios as ratios), ``se`` on the log scale for
    ratios. Limits of the prediction interval are NaN below three studies.
    """

    interval_rule: str
    estimate: float
    se: float
    ci_low: float
    ci_high: float
    p_value: float
    pi_low: float
    pi_high: float


@dataclass(frozen=True, slots=True)
class Synthesis:
    """What table, forest plot, sentence and alt text read.

    ``tau2`` and its Q-profile limits are on the log scale for ratios; they, ``i2`` (percent), ``q``
    and ``q_p_value`` are NaN below two studies.
    """

    analysis: str
    title: str
    measure: str
    tau2_method: str
    interval_rule: str
    higher_is: str
    studies: tuple[StudyRow, ...]
    excluded: tuple[ExcludedRow, ...]
    pooled: tuple[PooledEstimate, ...]
    tau2: float
    tau2_ci_low: float
    tau2_ci_high: float
    i2: float
    q: float
    q_p_value: float

    @property
    def k(self) -> int:
        """Number of pooled studies."""
        return len(self.studies)

    @property
    def n(self) -> int | None:
        """People in the pooled studies; None when one study does not say."""
        counts = [row.n for row in self.studies]
        return None if None in counts or not counts else sum(counts)

    @property
    def is_ratio(self) -> bool:
        """Whether the display scale is a ratio scale."""
        return self.measure in RATIOS

    @property
    def null_value(self) -> float:
        """The value of no difference on the display scale."""
        return 1.0 if self.is_ratio else 0.0

    @property
    def can_pool(self) -> bool:
        """Whether there are enough studies to draw a diamond and a prediction interval."""
        return self.k >= SMALLEST_POOL

    def rule(self, interval_rule: str) -> PooledEstimate:
        """The pooled effect under one interval rule."""
        return next(row for row in self.pooled if row.interval_rule == interval_rule)

    @property
    def default(self) -> PooledEstimate:
        """The pooled effect under the default interval rule of this analysis."""
        return self.rule(self.interval_rule)

    @property
    def estimate(self) -> float:
        """Pooled effect on the display scale."""
        return self.default.estimate

    @property
    def ci_low(self) -> float:
        """Lower 95 % limit on the display scale; of one study, its own."""
        return self.studies[0].ci_low if self.k == 1 else self.default.ci_low

    @property
    def ci_high(self) -> float:
        """Upper 95 % limit on the display scale; of one study, its own."""
        return self.studies[0].ci_high if self.k == 1 else self.default.ci_high

    @property
    def excludes_null(self) -> bool:
        """Whether the default interval excludes the value of no difference."""
        return self.ci_low > self.null_value or self.ci_high < self.null_value

    @property
    def favours(self) -> str:
        """Side of the point estimate, whatever its interval: intervention, control or neither."""
        if not self.studies or self.higher_is not in ("worse", "better"):
            return "neither"
        if self.estimate == self.null_value:
            return "neither"
        is_higher = self.estimate > self.null_value
        return "intervention" if is_higher == (self.higher_is == "better") else "control"

    @property
    def each(self) -> list[str]:
        """Effect and limits of every study, as "−0.34 (−0.95 to 0.27)"."""
        sign = "" if self.is_ratio else "+"
        return [f"{row.effect:{sign}.2f} ({row.ci_low:.2f} to {row.ci_high:.2f})".replace("-", "−")
                for row in self.studies]

    @property
    def method_line(self) -> str:
        """Estimator, interval rule, number of studies and of people, as one sentence."""
        people = "" if self.n is None else f", n = {self.n}"
        if self.k == 0:
            return "No study can be pooled."
        if self.k == 1:
            return f"One study with its own interval, k = 1{people}."
        words = f"{METHOD_WORDS[self.tau2_method]}; {RULE_WORDS[self.interval_rule]}"
        return f"{words[0].upper()}{words[1:]}; k = {self.k}{people}."
