"""How much information an answer needs: sample sizes, and how far the evidence has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from evidence.pooling import analysis_rows
from evidence.review import ARMS, Review

ALPHA, POWER = 0.05, 0.8
POINTS, SD_UNITS, RATIO = "points", "sd", "ratio"


def n_per_arm(difference: float, sd: float = 1.0, *, alpha: float = ALPHA,
              power: float = POWER) -> float:
    """People per arm of a two-arm trial of a mean.

    Parameters
    ----------
    difference, sd : float
        Difference between the arms and standard deviation within them, in the same unit.
    alpha, power : float
        Two-sided error and power.

    Returns
    -------
    float
        2 (z₁₋α/₂ + z₁₋β)² (SD / difference)², not rounded: the size that one adequately powered
        trial needs, which Guyatt 2011 makes the optimal information size of a review.

    Raises
    ------
    ValueError
        When the difference is zero, or a value lies outside its range.
    """
    if difference == 0 or sd <= 0:
        raise ValueError("difference and SD must differ from zero")
    return 2 * _z(alpha, power) ** 2 * (sd / difference) ** 2


def n_per_arm_risks(control_risk: float, ratio: float, *, alpha: float = ALPHA,
                    power: float = POWER) -> float:
    """People per arm of a two-arm trial of a risk.

    Returns
    -------
    float
        (z₁₋α/₂ + z₁₋β)² (p₁ (1 − p₁) + p₀ (1 − p₀)) / (p₁ − p₀)² with p₁ = ratio × p₀: the normal
        approximation for two independent proportions, with the variance of each arm.

    Raises
    ------
    ValueError
        When a risk lies outside 0 to 1 or the ratio is 1.
    """
    risk = control_risk * ratio
    if not 0 < control_risk < 1 or not 0 < risk < 1 or ratio == 1:
        raise ValueError(f"risks of {control_risk:.2f} and {risk:.2f} cannot be compared")
    variance = control_risk * (1 - control_risk) + risk * (1 - risk)
    return _z(alpha, power) ** 2 * variance / (risk - control_risk) ** 2


def _z(alpha: float, power: float) -> float:
    if not 0 < alpha < 1 or not 0 < power < 1:
        raise ValueError("alpha and power lie between 0 and 1")
    return float(ndtri(1 - alpha / 2) + ndtri(power))


def pooled_sd(review: Review, analysis: Any) -> float:
    """Standard deviation within arms in the unit of an analysis, pooled over its parallel trials.

    Of mean differences the SDs of both arms where they are printed; else the one that the standard
    error of the effect implies, SE / √(1/n₁ + 1/n₀). Trials are weighted by n₁ + n₀ − 2. NaN
    without a parallel trial: the standard error of a crossover trial is of paired differences.
    Standardised mean differences are in units of the SD: 1.
    """
    measure = analysis.measure
    if measure == "SMD":
        return 1.0
    rows = analysis_rows(review)
    total, degrees = 0.0, 0.0
    for study in analysis.studies:
        row = rows.loc[study.outcome_id]
        n1, n0 = _pair(row, "n")
        if study.crossover or not n1 + n0 > 2:
            continue
        sd1, sd0 = _pair(row, "sd") if measure == "MD" else (np.nan, np.nan)
        variance = ((n1 - 1) * sd1**2 + (n0 - 1) * sd0**2) / (n1 + n0 - 2)
        if np.isnan(variance):
            variance = study.vi / (1 / n1 + 1 / n0)
        total += (n1 + n0 - 2) * variance
        degrees += n1 + n0 - 2
    return float(np.sqrt(total / degrees)) if degrees else np.nan


def _pair(row: pd.Series, name: str) -> tuple[float, float]:
    cells = [row.get(f"{arm}_{name}") for arm in ARMS]
    return tuple(np.nan if pd.isna(cell) else float(cell) for cell in cells)


def control_risk(review: Review, analysis: Any) -> float:
    """Share of people with the event in the control arms of an analysis; NaN without counts."""
    ids = [study.outcome_id for study in analysis.studies]
    rows = analysis_rows(review).loc[ids]
    if not {"control_events", "control_n"} <= set(rows):
        return np.nan
    counts = rows[["control_events", "control_n"]].apply(pd.to_numeric).dropna().astype(float)
    return counts["control_events"].sum() / counts["control_n"].sum() if len(counts) else np.nan


@dataclass(frozen=True, slots=True)
class Target:
    """What a trial of one outcome has to find: `effect` in `unit`, with what that takes.

    ``sd`` is in the unit of the pool, ``risk`` that of the control arms; NaN where unknown or not
    needed.
    """

    effect: float
    unit: str
    sd: float
    risk: float

    def per_arm(self, *, share: float = 1.0, alpha: float = ALPHA, power: float = POWER) -> float:
        """People per arm for `share` of the effect (of its logarithm for ratios).

        NaN where no size can be computed: SD or risk is unknown, no control or everybody would have
        the event, or the effect is none.
        """
        effect = self.part(share)
        if self.unit == RATIO:
            possible = 0 < self.risk < 1 and 0 < self.risk * effect < 1 and effect != 1
            return n_per_arm_risks(self.risk, effect, alpha=alpha, power=power) if possible \
                else np.nan
        sd = 1.0 if self.unit == SD_UNITS else self.sd
        return n_per_arm(effect, sd, alpha=alpha, power=power) if effect != 0 and sd > 0 else np.nan

    def part(self, share: float) -> float:
        """A share of the effect, of a ratio on the log scale; NaN where a ratio is not positive."""
        if self.unit == RATIO:
            return self.effect**share if self.effect > 0 else np.nan
        return share * self.effect

    def variance(self, per_arm: float) -> float:
        """Sampling variance of the effect (log ratio for ratios) of a trial of that size.

        In the unit of the pool, whatever the unit of the target.
        """
        if self.unit == RATIO:
            risks = (self.risk, self.risk * self.effect)
            return sum((1 - risk) / (risk * per_arm) for risk in risks)
        return 2 * self.sd**2 / per_arm


def target(review: Review, analysis: Any, effect: float, unit: str) -> Target:
    """The target of an analysis, with SD or control risk from its own trials.

    Points have no SD in an analysis of standardised differences.
    """
    no_sd = unit == RATIO or (unit == POINTS and analysis.measure == "SMD")
    sd = np.nan if no_sd else pooled_sd(review, analysis)
    risk = control_risk(review, analysis) if unit == RATIO else np.nan
    return Target(float(effect), unit, sd, risk)


def information_size(review: Review, analyses: Mapping[str, Any], *, alpha: float = ALPHA,
                     power: float = POWER, share: float = 1.0) -> pd.DataFrame:
    """Participants so far and participants needed, for each outcome of certainty.csv with both.

    Parameters
    ----------
    alpha, power : float
    share : float
        Multiplies the important effect (its logarithm for ratios).

    Returns
    -------
    DataFrame
        Columns outcome, label, analysis, k, accrued, effect, unit, source (key of the document that
        gives the effect; empty for a convention), sd, risk, one_trial (people that one adequate
        trial needs, both arms), diversity, needed (one_trial / (1 − diversity), see `diversity`),
        needed_half (the same for half the effect), reached (accrued / needed), excludes_null.
        People of a crossover trial count once, as people.
    """
    rows = []
    for row in judged_analyses(review, analyses).to_dict("records"):
        analysis = analyses[row["analysis"]]
        aim = target(review, analysis, row["important_effect"], row["effect_unit"])
        sizes = {"alpha": alpha, "power": power}
        one, half = (2 * np.ceil(aim.per_arm(share=part, **sizes)) for part in (share, share / 2))
        spread = diversity(analysis)
        needed = np.ceil(one / (1 - spread))
        accrued = np.nan if analysis.n is None else analysis.n
        rows.append({
            "outcome": row["outcome"], "label": row["label"], "analysis": row["analysis"],
            "k": analysis.k, "accrued": accrued,
            "effect": aim.part(share),
            "unit": aim.unit, "source": row["important_source"], "sd": aim.sd, "risk": aim.risk,
            "one_trial": one, "diversity": spread, "needed": needed,
            "needed_half": np.ceil(half / (1 - spread)),
            "reached": accrued / needed,
            "excludes_null": analysis.excludes_null,
        })
    return pd.DataFrame(rows)


def diversity(pool: Any) -> float:
    """Share of the variance of a pooled effect that comes from disagreement between its studies.

    Returns
    -------
    float
        D² = 1 − v_F / v_R (Wetterslev 2009), from the variances of the common-effect and the
        random-effects estimate; 0 below two studies and with τ² = 0. A meta-analysis needs
        1 / (1 − D²) times the people of one adequate trial.
    """
    if pool.k < 2:
        return 0.0
    vi = np.array([study.vi for study in pool.studies])
    between = 0.0 if np.isnan(pool.tau2) else pool.tau2
    return float(1 - (1 / (vi + between)).sum() / (1 / vi).sum())


RATED = ("outcome", "label", "analysis", "condition_group", "domain_group", "event_class",
         "judged_studies", "important_effect", "effect_unit", "important_source", "meaning")


def rated_outcomes(review: Review) -> pd.DataFrame:
    """Rows of certainty.csv; columns of `RATED` that a review leaves out are there, empty."""
    table = review.table("certainty")
    if table.empty:
        return table
    missing = [name for name in RATED if name not in table]
    table[missing] = pd.NA
    table["label"] = table["label"].fillna(table["outcome"])
    return table


def judged_analyses(review: Review, analyses: Mapping[str, Any]) -> pd.DataFrame:
    """Rows of certainty.csv that name an analysis with studies and an important effect."""
    table = rated_outcomes(review)
    if table.empty:
        return table
    known = [name for name, item in analyses.items() if item.n]
    return table[table["analysis"].isin(known) & table["important_effect"].notna()
                 & table["effect_unit"].notna()]
