"""Pooling of many data sets at once: between-study variance, mean, intervals, heterogeneity.

Data sets are columns: ``yi`` and ``vi`` have shape (k, m) for m data sets of k studies. The
restricted likelihood is scanned on a grid, since it may have two maxima, and finished by Newton
steps. Mantel-Haenszel pools counts and stands beside them, for one data set at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from scipy import special

from evidence.pooling.measures import Z95
from evidence.review import ESTIMATORS, RULES

METHODS, INTERVAL_RULES = tuple(ESTIMATORS), tuple(RULES)
DEFAULT_RULE = "hartung_knapp_floored"

CHUNK = 10_000  # data sets at a time, so that they stay in the processor's cache
SCAN = 32  # points of the restricted likelihood, besides zero
NEWTON_STEPS = 100
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
    q_df: np.ndarray

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
        """p value of Cochran's Q on `q_df` degrees of freedom, empty for one study."""
        return special.chdtrc(np.where(self.q_df > 0, self.q_df, np.nan), self.q)


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
    if method == "HE":
        return np.maximum(yi.var(axis=0, ddof=1) - vi.mean(axis=0), 0)
    weight = 1 / vi
    total = weight.sum(axis=0)
    q, _ = _cochran(yi, vi)
    return np.maximum((q - (k - 1)) / _spread(weight, total), 0)


def tau2_interval(yi, vi) -> tuple[float, float]:
    """Q-profile 95 % limits of tau² of one data set (Viechtbauer 2007); NaN for one study.

    The generalised Q falls as tau² grows; each limit is where it meets a quantile of chi² with
    k - 1 degrees of freedom, or zero where it lies below that from the start.
    """
    yi, vi = np.asarray(yi, dtype=float), np.asarray(vi, dtype=float)
    if len(yi) < 2:
        return np.nan, np.nan
    unit = _typical(vi)  # the root finder's tolerance is absolute
    y, v = yi / np.sqrt(unit), vi / unit

    def above(tau2: float, quantile: float) -> float:
        weight = 1 / (v + tau2)
        mean = (weight * y).sum() / weight.sum()
        return (weight * (y - mean) ** 2).sum() - quantile

    limits = []
    for quantile in special.chdtri(len(yi) - 1, [0.025, 0.975]):
        limits.append(0.0 if above(0, quantile) <= 0 else unit * falling_root(above, quantile))
    return float(limits[0]), float(limits[1])


def falling_root(function, *args) -> float:
    """Where a function that is positive at zero and falls from there on meets zero."""
    from scipy import optimize  # takes longer to load than all else that pooling needs

    end = 1.0
    while function(end, *args) > 0:
        end *= 4
    return optimize.brentq(function, 0, end, args=args, xtol=1e-14, rtol=1e-14)


def mantel_haenszel(measure: str, counts) -> tuple[float, float, np.ndarray]:
    """Pool counts by Mantel and Haenszel, without anything added to empty cells.

    Parameters
    ----------
    measure : str
        RR, OR, RD or IRR.
    counts : array of shape (k, 4)
        Events and people (IRR: person-time) of the intervention arms, then of the control arms.

    Returns
    -------
    estimate, se : float
        On the log scale for ratios. Errors after Greenland and Robins (RR, IRR), Robins, Breslow
        and Greenland (OR) and Sato, Greenland and Robins (RD). NaN where an arm has no events in
        any study, or the OR no people without one: the ratio does not exist.
    weights : ndarray of shape (k,)
        Share of each study, sums to 1.
    """
    a, n1, c, n2 = np.asarray(counts, dtype=float).T
    total = n1 + n2
    if measure == "RD":
        weight = n1 * n2 / total
        estimate = (a * n2 - c * n1) / total
        estimate = estimate.sum() / weight.sum()
        skew = c * (n1 / total) ** 2 - a * (n2 / total) ** 2 + n1 * n2 * (n2 - n1) / total**2 / 2
        spread = (a * (n2 - c) + c * (n1 - a)) / total / 2
        variance = (estimate * skew.sum() + spread.sum()) / weight.sum() ** 2
        return float(estimate), float(np.sqrt(variance)), weight / weight.sum()
    if measure == "OR":
        b, d = n1 - a, n2 - c
        up, weight = a * d / total, b * c / total
        one, other = (a + d) / total, (b + c) / total
        parts = ((one * up).sum(), (one * weight + other * up).sum(), (other * weight).sum())
    else:
        up, weight = a * n2 / total, c * n1 / total
        shared = a * c / total if measure == "RR" else 0.0
        middle = n1 * n2 * (a + c) / total**2 - shared
        parts = (0.0, 2 * middle.sum(), 0.0)
    rise, fall = up.sum(), weight.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = (parts[0] / rise**2 + parts[1] / (rise * fall) + parts[2] / fall**2) / 2
        share = weight / fall
    if not (rise > 0 and fall > 0):
        return np.nan, np.nan, share
    return float(np.log(rise / fall)), float(np.sqrt(variance)), share


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
    half = (Z95 if np.isinf(df) else special.stdtrit(df, 0.975)) * se
    result = {"estimate": estimate, "se": se, "df": df, "tau2": tau2}
    result |= {"ci_low": estimate - half, "ci_high": estimate + half}
    if k == 1:
        return result | {"tau2": np.nan}
    i2 = np.maximum(q - (k - 1), 0) / np.where(q > 0, q, 1)
    if method != "FE":
        i2 = tau2 / (tau2 + typical)
    result |= {"q": q, "q_df": k - 1, "i2": 100 * i2}
    if k > 2 and method != "FE":
        reach = special.stdtrit(k - 1, 0.975) * np.sqrt(tau2 + variance)
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
    return q, (k - 1) / _spread(weight, total)


def _spread(weight, total) -> np.ndarray:
    """Sum of the weights less their mean square; above zero also where one outweighs all."""
    return np.maximum(total - (weight**2).sum(axis=0) / total, np.finfo(float).eps * total)


def _search_reml(yi, vi) -> np.ndarray:
    """Best tau² of zero and a grid: equal steps of its logarithm, from small to the range of yi.

    No maximum lies above the squared range of the effects. Below a hundredth of the smallest
    variance the likelihood is all but a straight line, whose better end is zero or the grid.
    """
    best = np.zeros(yi.shape[1])
    height = _reml(yi, vi, best)
    low = vi.min(axis=0) / 100
    step = (np.maximum(np.ptp(yi, axis=0) ** 2, 4 * low) / low) ** (1 / (SCAN - 1))
    point = low
    for _ in range(SCAN):
        value = _reml(yi, vi, point)
        best = np.where(value > height, point, best)
        height = np.maximum(value, height)
        point = point * step
    return best


def _reml(yi, vi, tau2) -> np.ndarray:
    """Restricted log-likelihood at tau², up to a constant."""
    w = 1 / (vi + tau2)
    total = w.sum(axis=0)
    residual = yi - (w * yi).sum(axis=0) / total
    return 0.5 * (np.log(w).sum(axis=0) - np.log(total) - (w * residual**2).sum(axis=0))


def _polish_reml(yi, vi, tau2) -> np.ndarray:
    """Newton steps to the zero of the restricted score nearest to the best point of the grid.

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
