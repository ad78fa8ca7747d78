"""The same studies pooled again: without each, and one by one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from evidence.estimators import Pools, pool_many
from evidence.results import StudyRow, Synthesis


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
