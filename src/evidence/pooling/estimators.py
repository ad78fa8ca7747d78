"""Pooling of many data sets at once: between-study variance, mean, intervals, heterogeneity.

Data sets are columns: ``yi`` and ``vi`` have shape (k, m) for m data sets of k studies. PyMARE
estimates the between-study variance; its likelihood search would stop near 1e-6, so that of REML
is finished here by Newton steps. Paule-Mandel, which PyMARE does not have, is solved here.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from pymare.estimators import DerSimonianLaird, Hedges, VarianceBasedLikelihoodEstimator
from pymare.stats import q_profile
from scipy import special, stats

from evidence.pooling.measures import Z95

METHODS = ("REML", "DL", "PM", "HE", "FE")
INTERVAL_RULES = ("wald", "hartung_knapp", "hartung_knapp_floored")
DEFAULT_RULE = "hartung_knapp_floored"

CHUNK = 10_000  # data sets at a time, so that they stay in the processor's cache
SEARCH_STEPS = 3  # of PyMARE after its scan; Newton steps do the rest
NEWTON_STEPS = 100
OTHER_STARTS = (0, 0.01, 0.1, 1, 10, 100)
TOLERANCE = 1e-13


@dataclass(frozen=True, slots=True)
class Pools:
    """Results of `pool_many`; every field is an array of shape (m,).

    ``estimate``, ``se`` and the limits are on the scale of ``yi`` (logs for ratios). ``se``,
    ``ci_*`` and ``pi_*`` follow the interval rule; ``df`` is infinite where the rule uses z.
    """

    k: np.ndarray
    estimate: np.ndarray
    se: np.ndarray
    df: np.ndarray
    ci_low: np.ndarray
    ci_high: np.ndarray
    pi_low: np.ndarray
    pi_high: np.ndarray
    tau2: np.ndarray
    i2: np.ndarray
    q: np.ndarray

    @property
    def p_value(self) -> np.ndarray:
        """Two-sided p value against zero."""
        with np.errstate(divide="ignore", invalid="ignore"):
            size = -np.abs(self.estimate / self.se)
        finite = np.where(np.isinf(self.df), 1.0, self.df)
        tail = np.where(np.isinf(self.df), special.ndtr(size), special.stdtr(finite, size))
        return np.where(self.se > 0, 2 * tail, np.nan)

    @property
    def q_p_value(self) -> np.ndarray:
        """p value of Cochran's Q on k - 1 degrees of freedom, empty for one study."""
        df = np.where(self.k > 1, self.k - 1, np.nan)
        return special.chdtrc(df, self.q)


def pool_many(
    yi, vi, *, method: str = "REML", rule: str = DEFAULT_RULE, tau2: np.ndarray | None = None
) -> Pools:
    """Pool many data sets of studies under one estimator and one interval rule.

    Parameters
    ----------
    yi, vi : array of shape (k, m) or (k,)
        Effects and sampling variances; a study with NaN is absent from that data set.
    method : str
        REML, DL (DerSimonian-Laird), PM (Paule-Mandel), HE (Hedges) or FE (common effect).
    rule : str
        wald, hartung_knapp or hartung_knapp_floored (multiplier never below one).
    tau2 : array of shape (m,), optional
        What `between_study_variance` gave for the same data and method, to search only once.

    Returns
    -------
    Pools
        A data set of one study keeps that study's own Wald interval; one without studies is NaN.
        The prediction interval needs three studies and a random-effects method.

    Raises
    ------
    ValueError
        When method or rule is unknown, shapes differ or a variance is not positive.
    """
    _check(method, METHODS, "method")
    _check(rule, INTERVAL_RULES, "interval rule")
    yi, vi = _columns(yi), _columns(vi)
    if yi.shape != vi.shape:
        raise ValueError(f"yi has shape {yi.shape}, vi {vi.shape}")
    present = np.isfinite(yi) & np.isfinite(vi)
    if np.any(vi[present] <= 0):
        raise ValueError("a sampling variance is not positive")
    if not present.all():
        order = np.argsort(~present, axis=0, kind="stable")
        yi, vi = np.take_along_axis(yi, order, 0), np.take_along_axis(vi, order, 0)
    counts = present.sum(axis=0)
    result = {field.name: np.full(yi.shape[1], np.nan) for field in fields(Pools)}
    for k in np.unique(counts[counts > 0]):
        where = np.flatnonzero(counts == k)
        for start in range(0, len(where), CHUNK):
            part = where[start : start + CHUNK]
            y, v = yi[:k, part], vi[:k, part]
            between = between_study_variance(y, v, method) if tau2 is None else tau2[part]
            for name, values in _pool(y, v, between, method, rule).items():
                result[name][part] = values
    result["k"] = counts
    return Pools(**result)


def between_study_variance(yi, vi, method: str = "REML") -> np.ndarray:
    """Estimate tau² of each data set; zero for the common-effect method and for one study.

    Parameters
    ----------
    yi, vi : array of shape (k, m)
    method : str
        One of `METHODS`.

    Returns
    -------
    ndarray of shape (m,)
    """
    k, m = yi.shape
    if method == "FE" or k < 2:
        return np.zeros(m)
    if method == "PM":
        return _paule_mandel(yi, vi)
    if method == "REML":
        return _polish_reml(yi, vi, _search_reml(yi, vi))
    estimator = DerSimonianLaird if method == "DL" else Hedges
    fit = estimator(small_sample_correction="wald").fit(yi, vi, np.ones((k, 1)))
    return np.ravel(fit.params_["tau2"])


def tau2_interval(yi, vi) -> tuple[float, float]:
    """Q-profile 95 % limits of tau² of one data set (Viechtbauer 2007); NaN for one study."""
    yi, vi = np.asarray(yi, dtype=float), np.asarray(vi, dtype=float)
    if len(yi) < 2:
        return np.nan, np.nan
    unit = _typical(vi)  # the root finder's tolerance is absolute
    limits = q_profile(yi / np.sqrt(unit), vi / unit, np.ones((len(yi), 1)))
    return float(limits["ci_l"] * unit), float(limits["ci_u"] * unit)


def _pool(yi, vi, tau2, method: str, rule: str) -> dict:
    """Pool the columns of one chunk, all of the same k."""
    k = yi.shape[0]
    q, typical = _cochran(yi, vi)
    weight = 1 / (vi + tau2)
    total = weight.sum(axis=0)
    estimate = (weight * yi).sum(axis=0) / total
    variance = 1 / total
    df = np.inf
    if rule != "wald" and k > 1:
        df = k - 1
        scale = (weight * (yi - estimate) ** 2).sum(axis=0) / df
        variance *= np.maximum(scale, 1) if rule == "hartung_knapp_floored" else scale
    se = np.sqrt(variance)
    half = (Z95 if np.isinf(df) else stats.t.ppf(0.975, df)) * se
    result = {"estimate": estimate, "se": se, "df": df, "tau2": tau2}
    result |= {"ci_low": estimate - half, "ci_high": estimate + half}
    if k == 1:
        return result | {"tau2": np.nan}
    i2 = np.maximum(q - (k - 1), 0) / np.where(q > 0, q, 1)
    if method != "FE":
        i2 = tau2 / (tau2 + typical)
    result |= {"q": q, "i2": 100 * i2}
    if k > 2 and method != "FE":
        reach = stats.t.ppf(0.975, k - 1) * np.sqrt(tau2 + variance)
        result |= {"pi_low": estimate - reach, "pi_high": estimate + reach}
    return result


def _cochran(yi, vi) -> tuple[np.ndarray, np.ndarray]:
    """Cochran's Q and the typical sampling variance behind I²."""
    k = yi.shape[0]
    weight = 1 / vi
    total = weight.sum(axis=0)
    mean = (weight * yi).sum(axis=0) / total
    q = (weight * (yi - mean) ** 2).sum(axis=0)
    if k == 1:
        return q, vi[0]
    return q, (k - 1) / (total - (weight**2).sum(axis=0) / total)


def _search_reml(yi, vi) -> np.ndarray:
    """PyMARE's maximum of the restricted likelihood, or a better one of a few other points.

    PyMARE spaces its search by the mean variance. Variances of very different size can make that
    too coarse for a likelihood with two maxima, hence the points around the typical variance.
    """
    estimator = VarianceBasedLikelihoodEstimator(
        method="REML", small_sample_correction="wald", maxiter=SEARCH_STEPS
    )
    best = np.ravel(estimator.fit(yi, vi, np.ones((len(yi), 1))).params_["tau2"])
    height = _reml(yi, vi, best)
    for multiple in OTHER_STARTS:
        other = multiple * _typical(vi)
        value = _reml(yi, vi, other)
        best = np.where(value > height, other, best)
        height = np.maximum(value, height)
    return best


def _reml(yi, vi, tau2) -> np.ndarray:
    """Restricted log-likelihood at tau², up to a constant."""
    w = 1 / (vi + tau2)
    total = w.sum(axis=0)
    residual = yi - (w * yi).sum(axis=0) / total
    return 0.5 * (np.log(w).sum(axis=0) - np.log(total) - (w * residual**2).sum(axis=0))


def _polish_reml(yi, vi, tau2) -> np.ndarray:
    """Newton steps to the zero of the restricted score nearest to PyMARE's solution.

    The sign of the score keeps a bracket around the maximum: it lies above a point with positive
    score and below one with negative score. A step that would leave the bracket is replaced by
    its middle, or by a doubling while there is no upper end.
    """
    tau2 = tau2.copy()
    unit = _typical(vi)
    low, high = np.zeros_like(tau2), np.full_like(tau2, np.inf)
    moving = np.arange(tau2.size)
    for _ in range(NEWTON_STEPS):
        now = tau2[moving]
        score, slope = _reml_score(yi[:, moving], vi[:, moving], now)
        below, above = low[moving], high[moving]
        below, above = np.where(score > 0, now, below), np.where(score > 0, above, now)
        low[moving], high[moving] = below, above
        step = -score / np.where(slope < 0, slope, -1)
        inside = (slope < 0) & (now + step >= below) & (now + step <= above)
        middle = np.where(np.isinf(above), 2 * now + unit[moving], (below + above) / 2)
        tau2[moving] = np.where(inside, now + step, middle)
        moving = moving[np.abs(tau2[moving] - now) > TOLERANCE * (now + unit[moving])]
        if moving.size == 0:
            break
    return tau2


def _reml_score(yi, vi, tau2) -> tuple[np.ndarray, np.ndarray]:
    """First and second derivative of the restricted log-likelihood in tau²."""
    w = 1 / (vi + tau2)
    w2 = w * w
    total, squares, cubes = w.sum(axis=0), w2.sum(axis=0), (w2 * w).sum(axis=0)
    residual = yi - (w * yi).sum(axis=0) / total
    once = (w2 * residual**2).sum(axis=0)
    twice = (w2 * w * residual**2).sum(axis=0) - (w2 * residual).sum(axis=0) ** 2 / total
    trace = total - squares / total
    trace2 = squares - 2 * cubes / total + (squares / total) ** 2
    return 0.5 * (once - trace), 0.5 * trace2 - twice


def _paule_mandel(yi, vi) -> np.ndarray:
    """Solve generalised Q = k - 1 by Newton's method from zero, which rises to the root."""
    k, m = yi.shape
    tau2 = np.zeros(m)
    scale = _typical(vi)
    moving = np.arange(m)
    for _ in range(NEWTON_STEPS):
        y, now = yi[:, moving], tau2[moving]
        w = 1 / (vi[:, moving] + now)
        residual = y - (w * y).sum(axis=0) / w.sum(axis=0)
        excess = (w * residual**2).sum(axis=0) - (k - 1)
        slope = (w**2 * residual**2).sum(axis=0)
        step = np.where(excess > 0, excess / np.where(slope > 0, slope, 1), 0)
        tau2[moving] = now + step
        moving = moving[step > TOLERANCE * (now + scale[moving])]
        if moving.size == 0:
            break
    return tau2


def _typical(vi):
    """Harmonic mean of the variances, which one study without information does not move."""
    return 1 / (1 / vi).mean(axis=0)


def _columns(values) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    return array[:, None] if array.ndim == 1 else array


def _check(value: str, allowed: tuple[str, ...], what: str) -> None:
    if value not in allowed:
        raise ValueError(f"unknown {what} {value}: use one of {', '.join(allowed)}")
