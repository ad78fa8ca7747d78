"""Tables of results for reading: an analysis with its variants, and trials that stand alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from evidence.analysis import Analysis


def variants(analyses: Mapping[str, Analysis], name: str) -> pd.DataFrame:
    """An analysis and its sensitivity analyses.

    Returns
    -------
    DataFrame
        Columns title, k, n (Int64), estimate, ci_low, ci_high, pi_low, pi_high (display scale,
        the limits NaN for pools of fewer than three trials, which cannot support them),
        left_out (names of studies that were listed but not pooled) and rationale.
    """
    rows = []
    for analysis in analyses.values():
        if name not in (analysis.analysis, analysis.parent):
            continue
        pool = analysis.synthesis
        limits = [pool.ci_low, pool.ci_high, pool.default.pi_low, pool.default.pi_high]
        shown = limits if pool.can_pool else [np.nan] * 4
        left_out = ";".join(row.study for row in pool.excluded) or None
        rows.append([analysis.title, pool.k, pool.n, pool.estimate, *shown, left_out,
                     analysis.rationale])
    columns = ["title", "k", "n", "estimate", "ci_low", "ci_high", "pi_low", "pi_high",
               "left_out", "rationale"]
    return pd.DataFrame(rows, columns=columns).astype({"k": "Int64", "n": "Int64"})


def single_trials(analyses: Mapping[str, Analysis]) -> pd.DataFrame:
    """Analyses that rest on one trial: nothing is pooled.

    Returns
    -------
    DataFrame
        Columns title, measure, study, n (Int64), effect, ci_low, ci_high (the trial's own Wald
        interval, ratios as ratios), verification and rationale.
    """
    rows = [
        [analysis.title, analysis.synthesis.measure, row.study, row.n, row.effect, row.ci_low,
         row.ci_high, row.verification, analysis.rationale]
        for analysis in analyses.values() if analysis.synthesis.k == 1
        for row in analysis.synthesis.studies
    ]
    columns = ["title", "measure", "study", "n", "effect", "ci_low", "ci_high", "verification",
               "rationale"]
    return pd.DataFrame(rows, columns=columns).astype({"n": "Int64"})
