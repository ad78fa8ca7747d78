"""The correlation between the periods of a crossover trial: what implies it, what it decides."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from evidence.pooling.estimators import pool_many
from evidence.pooling.measures import CORRELATIONS, implied_correlation, paired_mean_difference
from evidence.pooling.synthesis import Pool
from evidence.review import ARMS, Review, noted

HALF_WIDTH = "half_width"


@noted
def readings(review: Review) -> pd.DataFrame:
    """Each reading of the spread in period_spreads.csv with the correlation that it implies.

    Half-widths of 95 % intervals become standard deviations with the t distribution. The standard
    error of the difference is that of the outcome.

    Returns
    -------
    DataFrame
        Columns reading, outcome_id, kind, intervention, control (as read), n, se, sd_intervention,
        sd_control, correlation (outside -1 to 1 where the reading cannot be right).
    """
    table = review.table("period_spreads")
    outcomes = review.table("outcomes").set_index("outcome_id")
    rows = []
    for row in table.to_dict("records"):
        outcome = outcomes.loc[row["outcome_id"]]
        n, se = float(outcome["intervention_n"]), float(outcome["effect_se"])
        scale = np.sqrt(n) / stdtrit(n - 1, 0.975) if row["kind"] == HALF_WIDTH else 1.0
        spreads = [scale * row[arm] for arm in ARMS]
        rows.append({
            **{name: row[name] for name in ("reading", "outcome_id", "kind", "intervention",
                                            "control")},
            "n": n, "se": se, "sd_intervention": spreads[0], "sd_control": spreads[1],
            "correlation": float(implied_correlation(*spreads, n, se)),
        })
    return pd.DataFrame(rows)


def varied(review: Review, pool: Pool, reading: str, outcome_id: str,
           correlations=CORRELATIONS) -> pd.DataFrame:
    """The pool of an analysis with the error of one crossover trial under several correlations.

    Parameters
    ----------
    pool : Pool
        Holds `outcome_id`.
    reading : str
        Row of period_spreads.csv whose spreads are taken.
    outcome_id : str
        The pooled row of the trial; its unit may differ from that of the reading, and the ratio of
        the two standard errors converts.
    correlations : sequence of float

    Returns
    -------
    DataFrame
        Columns correlation, se (of the trial, in the unit of the pool), estimate, ci_low, ci_high
        (default rule of the analysis), excludes_null.
    """
    row = readings(review).set_index("reading").loc[reading]
    own = next(study for study in pool.studies if study.outcome_id == outcome_id)
    rows = []
    for r in correlations:
        _, variance = paired_mean_difference(0, row["sd_intervention"], 0, row["sd_control"],
                                             row["n"], r)
        vi = own.vi * variance / row["se"] ** 2
        variances = [vi if study is own else study.vi for study in pool.studies]
        found = pool_many([study.yi for study in pool.studies], variances,
                          method=pool.tau2_method, rule=pool.interval_rule)
        low, high = float(found.ci_low[0]), float(found.ci_high[0])
        rows.append((float(r), float(np.sqrt(vi)), float(found.estimate[0]), low, high,
                     low > 0 or high < 0))
    return pd.DataFrame(rows, columns=["correlation", "se", "estimate", "ci_low", "ci_high",
                                       "excludes_null"])
