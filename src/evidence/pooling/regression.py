"""Meta-regression on columns of the studies, and Egger's test for small-study effects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import ndtr, stdtr, stdtrit

from evidence.pooling.estimators import falling_root
from evidence.pooling.measures import Z95

if TYPE_CHECKING:
    from evidence.pooling.synthesis import Pool

COLUMNS = (
    "analysis", "term", "estimate", "se", "ci_low", "ci_high", "p_value", "tau2", "r2", "k",
)  # fmt: skip
SMALL_STUDY_COLUMNS = ("analysis", "test", "k", "statistic", "df", "p_value")
FEWEST = 10  # studies for a test of small-study effects
SCAN = 60  # points of the restricted likelihood


def regression(pool: Pool) -> pd.DataFrame:
    """Mixed-effects meta-regression of the pooled effects on the moderators of the analysis.

    The residual variance between studies is estimated as in the analysis (restricted maximum
    likelihood by default); errors follow Knapp and Hartung (2003) with t on k - p degrees of
    freedom, without the floor of the pooled interval. A common-effect analysis has no residual
    variance and rests on z.

    Returns
    -------
    DataFrame
        One row per term: ``intercept``, a moderator of numbers by its name, a category as
        ``column[value]`` against the first value in the order of the alphabet. Columns `COLUMNS`;
        ``estimate``, ``se``, limits and ``tau2`` (residual) on the analysis scale (log for
        ratios); ``r2`` is the share of tau² that the moderators account for, in percent, NaN
        where there is none to account for. Studies without a value of a moderator are left out of
        ``k``. Empty when `why_no_regression` gives a reason.
    """
    if why_no_regression(pool):
        return pd.DataFrame(columns=list(COLUMNS))
    yi, vi, design, terms = _model(pool)
    fit = fit_regression(yi, vi, design, pool.tau2_method)
    table = pd.DataFrame({"analysis": pool.name, "term": terms, **fit, "k": len(yi)})
    return table[list(COLUMNS)]


def why_no_regression(pool: Pool) -> str:
    """Why there is no meta-regression, as a sentence; empty when there is one."""
    if not pool.moderators:
        return "The analysis names no moderators."
    yi, _, design, terms = _model(pool)
    k, p = design.shape
    same = [name for name in pool.moderators
            if not any(np.ptp(column) for term, column in zip(terms, design.T, strict=True)
                       if term == name or term.startswith(f"{name}["))]
    if k and same:
        return f"All trials with values have one and the same value of {' and of '.join(same)}."
    if k <= p:
        return (f"{len(yi)} trials with values cannot support a regression on "
                f"{p - 1} {'term' if p == 2 else 'terms'}.")
    if np.linalg.matrix_rank(design) < p:
        return "The moderators cannot be told apart in these trials."
    return ""


def _model(pool: Pool) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Effects, variances, design matrix and the names of its columns."""
    rows = pool.effects[pool.effects["included"]]
    moderators = rows[list(pool.moderators)].replace("", np.nan)
    known = moderators.notna().all(axis=1)
    rows, moderators = rows[known], moderators[known]
    columns, terms = [np.ones(len(rows))], ["intercept"]
    for name in pool.moderators:
        numbers = pd.to_numeric(moderators[name], errors="coerce")
        if numbers.notna().all() and not set(moderators[name].map(type)) <= {bool, np.bool_}:
            columns.append(numbers.to_numpy(float))
            terms.append(name)
            continue
        words = moderators[name].astype(str)
        for value in sorted(set(words))[1:]:
            columns.append((words == value).to_numpy(float))
            terms.append(f"{name}[{value}]")
    return (rows["yi"].to_numpy(float), rows["vi"].to_numpy(float), np.column_stack(columns),
            terms)


def fit_regression(yi, vi, design, method: str = "REML") -> dict[str, np.ndarray | float]:
    """Weighted least squares with a residual variance between studies, one data set.

    Parameters
    ----------
    yi, vi : array of shape (k,)
    design : array of shape (k, p)
        With a column of ones for the intercept, of full rank, p < k.
    method : str
        REML, DL, PM, HE or FE.

    Returns
    -------
    dict
        ``estimate``, ``se``, ``ci_low``, ``ci_high``, ``p_value`` of shape (p,), ``tau2``, ``r2``.
    """
    yi, vi, design = (np.asarray(values, dtype=float) for values in (yi, vi, design))
    k, p = design.shape
    tau2 = residual_variance(yi, vi, design, method)
    beta, covariance, q = _least_squares(yi, vi, design, tau2)
    variance = np.diag(covariance)
    if method == "FE":
        se, quantile = np.sqrt(variance), Z95
    else:
        se, quantile = np.sqrt(variance * q / (k - p)), stdtrit(k - p, 0.975)
    with np.errstate(divide="ignore", invalid="ignore"):  # studies on one line have no error
        size = np.abs(beta) / se
    p_value = 2 * (ndtr(-size) if method == "FE" else stdtr(k - p, -size))
    whole = residual_variance(yi, vi, np.ones((k, 1)), method)
    r2 = 100 * max(0.0, 1 - tau2 / whole) if whole > 0 else np.nan
    return {"estimate": beta, "se": se, "ci_low": beta - quantile * se,
            "ci_high": beta + quantile * se, "p_value": p_value, "tau2": tau2, "r2": r2}


def residual_variance(yi, vi, design, method: str) -> float:
    """Variance between studies that a design leaves, by the estimator of the analysis."""
    k, p = design.shape
    if method == "FE":
        return 0.0
    if method == "HE":
        hat = design @ np.linalg.pinv(design)
        rest = ((yi - hat @ yi) ** 2).sum() - ((1 - np.diag(hat)) * vi).sum()
        return max(0.0, rest / (k - p))
    unit = 1 / (1 / vi).mean()  # root finders have absolute tolerances
    y, v = yi / np.sqrt(unit), vi / unit
    if method == "DL":
        _, covariance, q = _least_squares(y, v, design, 0.0)
        weighted = design / v[:, None]
        trace = (1 / v).sum() - np.trace(covariance @ weighted.T @ weighted)
        return float(unit * max(0.0, (q - (k - p)) / trace))
    if method == "PM":
        def above(tau2: float) -> float:
            return _least_squares(y, v, design, tau2)[2] - (k - p)

        return unit * falling_root(above) if above(0.0) > 0 else 0.0
    return unit * _reml(y, v, design)


def _reml(yi, vi, design) -> float:
    """Maximum of the restricted likelihood: a scan, then the root of the score around its best."""

    def likelihood(tau2: float) -> float:
        _, covariance, q = _least_squares(yi, vi, design, tau2)
        return 0.5 * (np.linalg.slogdet(covariance)[1] - np.log(vi + tau2).sum() - q)

    def score(tau2: float) -> float:
        beta, covariance, _ = _least_squares(yi, vi, design, tau2)
        weight = 1 / (vi + tau2)
        weighted = design * weight[:, None]
        trace = weight.sum() - np.trace(covariance @ weighted.T @ weighted)
        return ((weight * (yi - design @ beta)) ** 2).sum() - trace

    low = vi.min() / 100
    grid = np.concatenate([[0.0], np.geomspace(low, max(np.ptp(yi) ** 2, 4 * low), SCAN)])
    best = int(np.argmax([likelihood(point) for point in grid]))
    if score(grid[best]) > 0:
        left, right = grid[best], grid[best + 1] if best < SCAN else 4 * grid[best]
    else:
        left, right = grid[max(best - 1, 0)], grid[best]
    if not score(left) > 0:
        return float(left)
    while score(right) > 0:
        right *= 4
    from scipy import optimize  # takes longer to load than all else that pooling needs

    return float(optimize.brentq(score, left, right, xtol=1e-14, rtol=1e-14))


def _least_squares(yi, vi, design, tau2: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Coefficients, their covariance and the weighted residual sum of squares."""
    root = 1 / np.sqrt(vi + tau2)
    q_part, r_part = np.linalg.qr(design * root[:, None])
    inverse = np.linalg.inv(r_part)
    beta = inverse @ (q_part.T @ (yi * root))
    residual = (yi - design @ beta) * root
    return beta, inverse @ inverse.T, float((residual**2).sum())


def small_study(pool: Pool) -> pd.DataFrame:
    """Egger's test: does the effect go with its standard error?

    The classical form: regression of the effects on their standard errors, weighted by 1/vi, with
    a multiplicative dispersion (Egger et al. 1997; `regtest(model = "lm")` in metafor). It cannot
    tell missing trials from other reasons why small trials differ; for ratios and standardised
    differences effect and error are related by construction.

    Returns
    -------
    DataFrame
        Columns `SMALL_STUDY_COLUMNS`, one row; empty below ten studies (`why_no_small_study`).
    """
    if why_no_small_study(pool):
        return pd.DataFrame(columns=list(SMALL_STUDY_COLUMNS))
    yi, vi = (np.array([getattr(row, name) for row in pool.studies]) for name in ("yi", "vi"))
    statistic, df, p_value = egger(yi, vi)
    row = [pool.name, "egger", pool.k, statistic, df, p_value]
    return pd.DataFrame([row], columns=list(SMALL_STUDY_COLUMNS))


def egger(yi, vi) -> tuple[float, int, float]:
    """Statistic t, degrees of freedom and p value of Egger's test."""
    se, df = np.sqrt(vi), len(yi) - 2
    design = np.column_stack([np.ones(len(yi)), se])
    beta, covariance, q = _least_squares(yi, vi, design, 0.0)
    statistic = float(beta[1] / np.sqrt(covariance[1, 1] * q / df))
    return statistic, df, float(2 * stdtr(df, -abs(statistic)))


def why_no_small_study(pool: Pool) -> str:
    """Why small-study effects are not tested, as a sentence; empty when they are."""
    if pool.k < FEWEST:
        return (f"{pool.k} {'trial' if pool.k == 1 else 'trials'}: below ten, an uneven funnel "
                "cannot be told from chance.")
    if np.ptp([row.vi for row in pool.studies]) == 0:
        return "The trials have one and the same standard error."
    return ""
