"""What one pooled analysis holds, frozen: studies, pools, heterogeneity, what was left out."""

from __future__ import annotations

from dataclasses import dataclass

from evidence.effects import RATIOS

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
