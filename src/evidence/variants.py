"""The same studies pooled again: without each, one by one, by subgroups, by Mantel-Haenszel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from evidence.effects import RATIOS
from evidence.estimators import Pools, pool_many
from evidence.measures import Z95
from evidence.synthesis import PooledEstimate, StudyRow, Synthesis, synthesise


def leave_one_out(synthesis: Synthesis) -> pd.DataFrame:
    """Pool again without each study in turn, under the analysis' own estimator and rule.

    Returns
    -------
    DataFrame
        One row per study: ``outcome_id`` and ``study`` left out, then as `pooled_frame`.
    """
    masks = ~np.eye(synthesis.k, dtype=bool)
    return _pool_masks(synthesis, synthesis.studies, masks)


def cumulative(synthesis: Synthesis) -> pd.DataFrame:
    """Pool study by study, from the oldest on; studies without year come last.

    Returns
    -------
    DataFrame
        One row per study: ``outcome_id`` and ``study`` added, ``year``, then as `pooled_frame`.
    """
    rows = sorted(synthesis.studies, key=lambda row: (row.year is None, row.year or 0))
    masks = np.triu(np.ones((synthesis.k, synthesis.k), dtype=bool))
    table = _pool_masks(synthesis, rows, masks)
    table.insert(2, "year", pd.array([row.year for row in rows], dtype="Int64"))
    return table


@dataclass(frozen=True, slots=True)
class Subgroups:
    """Pools of disjoint groups of studies and the test that they differ.

    ``q_between`` compares the groups' estimates, each with its Wald standard error and its own
    tau², on ``df`` degrees of freedom; NaN with fewer than two groups.
    """

    groups: tuple[tuple[str, Synthesis], ...]
    q_between: float
    df: int
    p_value: float


def subgroups(effects: pd.DataFrame, by, **options) -> Subgroups:
    """Pool groups of studies apart and test whether they differ.

    Parameters
    ----------
    effects : DataFrame
        As for `evidence.synthesis.synthesise`.
    by : str or sequence
        A column of `effects`, or one label per row. Rows without label are left out.
    **options
        Passed to `synthesise`.
    """
    labels = effects[by] if isinstance(by, str) else pd.Series(list(by), index=effects.index)
    groups = tuple(
        (str(label), synthesise(effects[labels == label], **options))
        for label in labels.dropna().unique()
    )
    pooled = [group for _, group in groups if group.k]
    if len(pooled) < 2:
        return Subgroups(groups, np.nan, 0, np.nan)
    estimates = np.array([group.rule("wald").estimate for group in pooled])
    if pooled[0].measure in RATIOS:
        estimates = np.log(estimates)
    weights = np.array([group.rule("wald").se for group in pooled]) ** -2.0
    mean = (weights * estimates).sum() / weights.sum()
    q = float((weights * (estimates - mean) ** 2).sum())
    df = len(pooled) - 1
    return Subgroups(groups, q, df, float(special.chdtrc(df, q)))


def mantel_haenszel(events1, n1, events2, n2, measure: str = "RR") -> PooledEstimate:
    """Pool 2 x 2 tables by Mantel and Haenszel, without any correction of empty cells.

    Variances: Greenland-Robins (RR), Robins-Breslow-Greenland (OR), Sato (RD). Tables without
    events in both arms carry no weight for RR and OR. Pairing of crossover trials is ignored.

    Parameters
    ----------
    events1, n1, events2, n2 : array of shape (k,)
        Events and people of the intervention and of the control arms.
    measure : str
        RR, OR or RD.

    Returns
    -------
    PooledEstimate
        With a Wald interval and no prediction interval; NaN when the sums are empty.

    Raises
    ------
    ValueError
        When the measure is unknown.
    """
    a, n1, c, n2 = (np.asarray(values, dtype=float) for values in (events1, n1, events2, n2))
    b, d, people = n1 - a, n2 - c, n1 + n2
    with np.errstate(divide="ignore", invalid="ignore"):
        if measure == "RR":
            above, below = (a * n2 / people).sum(), (c * n1 / people).sum()
            yi = np.log(above / below)
            vi = ((n1 * n2 * (a + c) - a * c * people) / people**2).sum() / (above * below)
        elif measure == "OR":
            r, s, p, q = a * d / people, b * c / people, (a + d) / people, (b + c) / people
            yi = np.log(r.sum() / s.sum())
            vi = (p * r).sum() / (2 * r.sum() ** 2) + (q * s).sum() / (2 * s.sum() ** 2)
            vi += (p * s + q * r).sum() / (2 * r.sum() * s.sum())
        elif measure == "RD":
            weight = n1 * n2 / people
            yi = (weight * (a / n1 - c / n2)).sum() / weight.sum()
            share1, share2 = n1 / people, n2 / people
            first = c * share1**2 - a * share2**2 + share1 * share2 * (n2 - n1) / 2
            second = (a * d + c * b) / people / 2
            vi = (yi * first.sum() + second.sum()) / weight.sum() ** 2
        else:
            raise ValueError(f"unknown measure {measure}: use RR, OR or RD")
    known = np.isfinite(yi) and np.isfinite(vi) and vi > 0
    yi, se = (yi, np.sqrt(vi)) if known else (np.nan, np.nan)
    show = np.exp if measure in RATIOS else float
    low, high = show(yi - Z95 * se), show(yi + Z95 * se)
    p_value = 2 * special.ndtr(-abs(yi / se))
    return PooledEstimate(
        "wald", float(show(yi)), float(se), float(low), float(high), float(p_value), np.nan, np.nan
    )


def pooled_frame(pools: Pools, is_ratio: bool) -> pd.DataFrame:
    """Results of `pool_many` as a table on the display scale: ``k``, estimate, limits, tau², I²."""
    names = ("k", "estimate", "se", "ci_low", "ci_high", "p_value", "pi_low", "pi_high")
    table = pd.DataFrame({name: getattr(pools, name) for name in (*names, "tau2", "i2")})
    if is_ratio:
        shown = ["estimate", "ci_low", "ci_high", "pi_low", "pi_high"]
        table[shown] = np.exp(table[shown])
    return table


def _pool_masks(synthesis: Synthesis, rows: tuple[StudyRow, ...], masks) -> pd.DataFrame:
    """Pool one data set per column of `masks`, which says which of `rows` it holds."""
    yi, vi = (np.array([getattr(row, name) for row in rows]) for name in ("yi", "vi"))
    pools = pool_many(
        np.where(masks, yi[:, None], np.nan),
        np.where(masks, vi[:, None], np.nan),
        method=synthesis.tau2_method,
        rule=synthesis.interval_rule,
    )
    table = pooled_frame(pools, synthesis.is_ratio)
    table.insert(0, "outcome_id", [row.outcome_id for row in rows])
    table.insert(1, "study", [row.study for row in rows])
    return table
