"""Published pooled results beside this review's own, and whether their p values fit."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtr, stdtr, stdtrit

from evidence.review import RATIO_KINDS, REPORTED_AS, Z95

MEASURES = REPORTED_AS | {"IRR": "incidence_rate_ratio", "GEN": "none"}
TOLERANCE = 1.5  # a printed p value may be this many times off: effect and limits are rounded
UNKNOWN_DF = range(1, 31)


def implied_p(row) -> list[float]:
    """p values that effect and interval of a row allow, the normal one first.

    The interval may rest on z or on t with k - 1 degrees of freedom; where the number of trials is
    not known, on any number of degrees of freedom. Empty without interval.
    """
    values = np.array([row["effect"], row["ci_low"], row["ci_high"]], dtype=float)
    if not np.isfinite(values).all():
        return []
    effect, low, high = np.log(values) if row["effect_measure"] in RATIO_KINDS else values
    half = (high - low) / 2
    known = row["k"]
    candidates = UNKNOWN_DF if pd.isna(known) else [int(known) - 1]
    found = [2 * ndtr(-abs(effect) / (half / Z95))]
    found += [
        2 * stdtr(df, -abs(effect) / (half / stdtrit(df, 0.975)))
        for df in candidates if df > 0
    ]
    return [float(p) for p in found]


def p_fits(row) -> bool:
    """Whether the printed p value can go with the printed interval; true where one is missing."""
    printed, allowed = row["p_value"], implied_p(row)
    if pd.isna(printed) or not allowed:
        return True
    if row.get("p_relation") == "<":
        return min(allowed) < TOLERANCE * printed
    return any(printed / TOLERANCE < p < TOLERANCE * printed for p in allowed)


def beside_ours(published: pd.DataFrame, syntheses) -> pd.DataFrame:
    """Published rows and this review's pools in one table.

    Parameters
    ----------
    published : DataFrame
        Rows of published_pooled.csv.
    syntheses : iterable of Pool

    Returns
    -------
    DataFrame
        Columns id, review (empty for ours), outcome, contrast, effect_measure, k, n, effect,
        ci_low, ci_high, p_value, p_fits, implied_p (that of t where the number of trials is known,
        else the normal one), verification.
    """
    rows = []
    for pool in syntheses:
        if pool.can_pool:
            rows.append({
                "id": pool.name, "review": "", "outcome": pool.title,
                "contrast": "vs_control", "effect_measure": MEASURES[pool.measure], "k": pool.k,
                "n": pool.n, "effect": pool.estimate, "ci_low": pool.ci_low,
                "ci_high": pool.ci_high, "p_value": pool.default.p_value, "p_fits": True,
                "implied_p": pool.default.p_value, "verification": "derived",
            })
    for _, row in published.iterrows():
        allowed = implied_p(row)
        known = not pd.isna(row["k"]) and len(allowed) > 1
        rows.append({
            **{name: row[name] for name in (
                "review", "outcome", "contrast", "effect_measure", "k", "n", "effect", "ci_low",
                "ci_high", "p_value", "verification")},
            "id": row["pooled_id"], "p_fits": p_fits(row),
            "implied_p": allowed[1 if known else 0] if allowed else np.nan,
        })
    return pd.DataFrame(rows).astype({"k": "Int64", "n": "Int64"})
