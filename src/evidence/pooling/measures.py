"""Effect measures: differences, ratios, shares, correlations and their sampling variances.

Every function takes numbers or arrays that broadcast and returns ``(yi, vi)``: the effect,
intervention minus control (ratios: log of intervention over control; shares: logit; correlations:
Fisher's z), and its sampling variance.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, gammaln, logit, ndtri, stdtrit

from evidence.review import RATIOS, Z95

CORRELATIONS = (0.0, 0.3, 0.5, 0.7, 0.9)


def is_ratio(measure: str, scale: str = "") -> bool:
    """Whether a measure is shown as a ratio; ready-made effects are when ``scale`` is log."""
    return measure in RATIOS or (measure == "GEN" and scale == "log")


def to_analysis(values, measure: str, scale: str = ""):
    """Values as they are shown, on the scale on which they are pooled.

    Examples
    --------
    >>> float(to_analysis(0.5, "PROP"))
    0.0
    """
    turn = {"PROP": logit, "COR": np.arctanh}
    return (np.log if is_ratio(measure, scale) else turn.get(measure, np.asarray))(values)


def to_shown(values, measure: str, scale: str = ""):
    """Values of the scale on which they are pooled, as they are shown: ratios, shares, r.

    Examples
    --------
    >>> float(to_shown(0.0, "RR"))
    1.0
    """
    turn = {"PROP": expit, "COR": np.tanh}
    return (np.exp if is_ratio(measure, scale) else turn.get(measure, np.asarray))(values)


def mean_difference(mean1, sd1, n1, mean2, sd2, n2):
    """Difference of two independent means, with separate variances of the arms.

    Returns
    -------
    yi, vi : float or ndarray
        ``mean1 - mean2`` on the instrument's scale; ``sd1**2 / n1 + sd2**2 / n2``.

    Raises
    ------
    ValueError
        When an arm holds fewer than two people or an SD is negative.
    """
    mean1, sd1, n1, mean2, sd2, n2 = _floats(mean1, sd1, n1, mean2, sd2, n2)
    _check_arms(sd1, n1, sd2, n2)
    return mean1 - mean2, sd1**2 / n1 + sd2**2 / n2


def small_sample_factor(df):
    """Exact factor that makes Cohen's d unbiased (Hedges 1981), gamma form.

    ``J = gamma(df / 2) / (sqrt(df / 2) * gamma((df - 1) / 2))``
    """
    df = np.asarray(df, dtype=float)
    return np.exp(gammaln(df / 2) - gammaln((df - 1) / 2) - 0.5 * np.log(df / 2))


def standardised_mean_difference(mean1, sd1, n1, mean2, sd2, n2):
    """Hedges' g of two independent arms with the exact correction.

    Returns
    -------
    yi, vi : float or ndarray
        ``g = J * (mean1 - mean2) / pooled SD``; ``1/n1 + 1/n2 + g**2 / (2 (n1 + n2))``, the
        large-sample form that metafor calls ``LS``.

    Raises
    ------
    ValueError
        As `mean_difference`, and when both SDs are zero.
    """
    mean1, sd1, n1, mean2, sd2, n2 = _floats(mean1, sd1, n1, mean2, sd2, n2)
    _check_arms(sd1, n1, sd2, n2)
    df = n1 + n2 - 2
    pooled = np.sqrt(((n1 - 1) * sd1**2 + (n2 - 1) * sd2**2) / df)
    if np.any(pooled <= 0):
        raise ValueError("both standard deviations are zero")
    g = small_sample_factor(df) * (mean1 - mean2) / pooled
    return g, 1 / n1 + 1 / n2 + g**2 / (2 * (n1 + n2))


def risk_ratio(events1, n1, events2, n2):
    """Log risk ratio of two independent arms.

    A table with an empty cell gets 0.5 in each of its cells; a table without events in both
    arms says nothing about a ratio.

    Returns
    -------
    yi, vi : float or ndarray
        ``log(p1 / p2)``; ``1/a - 1/n1 + 1/c - 1/n2``.

    Raises
    ------
    ValueError
        When counts are impossible or no arm has an event.
    """
    a, b, c, d = _filled_cells(events1, n1, events2, n2, needs_events=True)
    return np.log(a / (a + b)) - np.log(c / (c + d)), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)


def odds_ratio(events1, n1, events2, n2):
    """Log odds ratio of two independent arms; empty cells as in `risk_ratio`.

    Returns
    -------
    yi, vi : float or ndarray
        ``log(a d / (b c))``; ``1/a + 1/b + 1/c + 1/d``.

    Raises
    ------
    ValueError
        When counts are impossible, or nobody or everybody in both arms had the event.
    """
    events1, n1, events2, n2 = _floats(events1, n1, events2, n2)
    if np.any((events1 == n1) & (events2 == n2) & (n1 > 0)):
        raise ValueError("everybody in both arms had the event")
    a, b, c, d = _filled_cells(events1, n1, events2, n2, needs_events=True)
    return np.log(a * d / (b * c)), 1 / a + 1 / b + 1 / c + 1 / d


def risk_difference(events1, n1, events2, n2):
    """Difference of two risks; a table with an empty cell gets 0.5 in each of its cells.

    Returns
    -------
    yi, vi : float or ndarray
        ``p1 - p2``; ``p1 (1 - p1) / n1 + p2 (1 - p2) / n2``.

    Raises
    ------
    ValueError
        When counts are impossible.
    """
    a, b, c, d = _filled_cells(events1, n1, events2, n2, needs_events=False)
    return a / (a + b) - c / (c + d), a * b / (a + b) ** 3 + c * d / (c + d) ** 3


def peto_odds_ratio(events1, n1, events2, n2):
    """Log odds ratio after Peto, for rare events and arms of like size; nothing is added to cells.

    Returns
    -------
    yi, vi : float or ndarray
        ``(O - E) / V`` and ``1 / V``, with the hypergeometric expectation E and variance V of the
        events in the intervention arm (Yusuf et al. 1985).

    Raises
    ------
    ValueError
        When counts are impossible, or nobody or everybody in both arms had the event.
    """
    a, n1, c, n2 = _floats(events1, n1, events2, n2)
    _check_counts(a, n1, c, n2, needs_events=True)
    if np.any((a == n1) & (c == n2)):
        raise ValueError("everybody in both arms had the event")
    total, events = n1 + n2, a + c
    variance = events * (total - events) * n1 * n2 / (total**2 * (total - 1))
    return (a - events * n1 / total) / variance, 1 / variance


def rate_ratio(events1, time1, events2, time2):
    """Log ratio of two incidence rates, events over person-time.

    Where one arm has no event, 0.5 is added to the events of both.

    Returns
    -------
    yi, vi : float or ndarray
        ``log((a / t1) / (c / t2))``; ``1/a + 1/c``.

    Raises
    ------
    ValueError
        When a count is negative, a time is not positive, or no arm has an event.
    """
    a, time1, c, time2 = _floats(events1, time1, events2, time2)
    if np.any((a < 0) | (c < 0) | (time1 <= 0) | (time2 <= 0)):
        raise ValueError("events and person-time do not fit: events >= 0, time > 0")
    if np.any((a == 0) & (c == 0)):
        raise ValueError("no events in both arms")
    half = 0.5 * ((a == 0) | (c == 0))
    a, c = a + half, c + half
    return np.log(a / time1) - np.log(c / time2), 1 / a + 1 / c


def proportion(events, n):
    """Logit of a share; where nobody or everybody counts, 0.5 is added to both cells.

    Returns
    -------
    yi, vi : float or ndarray
        ``log(a / (n - a))``; ``1/a + 1/(n - a)``.

    Raises
    ------
    ValueError
        When counts are impossible.
    """
    a, n = _floats(events, n)
    if np.any((a < 0) | (a > n) | (n <= 0)):
        raise ValueError("events and people do not fit: 0 <= events <= n, n > 0")
    half = 0.5 * ((a == 0) | (a == n))
    a, b = a + half, n - a + half
    return np.log(a / b), 1 / a + 1 / b


def correlation(r, n):
    """Fisher's z of a correlation.

    Returns
    -------
    yi, vi : float or ndarray
        ``atanh(r)``; ``1 / (n - 3)``.

    Raises
    ------
    ValueError
        When r is not between -1 and 1 or fewer than four people are behind it.
    """
    r, n = _floats(r, n)
    if np.any(np.abs(r) >= 1):
        raise ValueError("a correlation must lie between -1 and 1")
    if np.any(n < 4):
        raise ValueError("a correlation needs four people or more")
    return np.arctanh(r), 1 / (n - 3)


def se_from_ci(low, high, df=None, *, log=False):
    """Standard error behind a 95 % interval.

    Parameters
    ----------
    low, high : float or array
        The limits; `log` takes their logarithms first (limits of a ratio).
    df : float, optional
        Degrees of freedom when the interval rests on t; z without.

    Raises
    ------
    ValueError
        When a limit of a ratio is not positive or the limits are not in order.
    """
    low, high = _floats(low, high)
    if log:
        if np.any(low <= 0):
            raise ValueError("the limits of a ratio must be above zero")
        low, high = np.log(low), np.log(high)
    if np.any(high <= low):
        raise ValueError("the upper limit is not above the lower limit")
    return (high - low) / (2 * critical(df))


def se_from_p(effect, p_value, df=None):
    """Standard error behind an exact two-sided p value: ``|effect| / quantile(1 - p / 2)``.

    Parameters
    ----------
    effect : float or array
        Difference, or log of a ratio.
    p_value : float or array
        Two-sided, above 0 and below 1; a bound such as "p < 0.05" gives none.
    df : float, optional
        Degrees of freedom of a t test; z without.

    Raises
    ------
    ValueError
        When p is outside (0, 1) or the effect is zero.
    """
    effect, p_value = _floats(effect, p_value)
    if np.any((p_value <= 0) | (p_value >= 1)):
        raise ValueError("a p value must lie between 0 and 1")
    if np.any(effect == 0):
        raise ValueError("an effect of zero has no standard error from its p value")
    upper = 1 - p_value / 2
    quantile = ndtri(upper) if df is None else stdtrit(df, upper)
    return np.abs(effect) / quantile


def paired_mean_difference(mean1, sd1, mean2, sd2, n, correlation):
    """Mean difference within people from the SDs of two periods and their correlation.

    Returns
    -------
    yi, vi : float or ndarray
        ``mean1 - mean2``; ``(sd1**2 + sd2**2 - 2 r sd1 sd2) / n`` (Cochrane Handbook, crossover
        trials).

    Raises
    ------
    ValueError
        When the correlation is outside [-1, 1] or n is below two.
    """
    mean1, sd1, mean2, sd2, n, r = _floats(mean1, sd1, mean2, sd2, n, correlation)
    _check_arms(sd1, n, sd2, n)
    _check_correlation(r)
    return mean1 - mean2, (sd1**2 + sd2**2 - 2 * r * sd1 * sd2) / n


def paired_standardised_mean_difference(mean1, sd1, mean2, sd2, n, correlation):
    """Standardised mean difference within people, in units of the average SD.

    Returns
    -------
    yi, vi : float or ndarray
        ``d = (mean1 - mean2) / sqrt((sd1**2 + sd2**2) / 2)``;
        ``(1/n + d**2 / (2 n)) * 2 (1 - r)``, the Handbook's form without small-sample factor.
        It is known to be small when r or d is large: prefer mean differences on one scale.
    """
    mean1, sd1, mean2, sd2, n, r = _floats(mean1, sd1, mean2, sd2, n, correlation)
    _check_arms(sd1, n, sd2, n)
    _check_correlation(r)
    d = (mean1 - mean2) / np.sqrt((sd1**2 + sd2**2) / 2)
    return d, (1 / n + d**2 / (2 * n)) * 2 * (1 - r)


def implied_correlation(sd1, sd2, n, se):
    """Correlation between two periods that a standard error of the paired difference implies.

    Returns
    -------
    float or ndarray
        ``(sd1**2 + sd2**2 - n se**2) / (2 sd1 sd2)``, `paired_mean_difference` solved for r; it
        lies outside -1 to 1 where spreads and error cannot belong together.

    Examples
    --------
    >>> float(round(implied_correlation(2.0, 2.0, 25, 0.4), 2))
    0.5
    """
    sd1, sd2, n, se = _floats(sd1, sd2, n, se)
    _check_arms(sd1, n, sd2, n)
    return (sd1**2 + sd2**2 - n * se**2) / (2 * sd1 * sd2)



def _floats(*values):
    arrays = tuple(np.asarray(value, dtype=float) for value in values)
    return tuple(array[()] for array in arrays)


def critical(df=None):
    """Quantile behind a 95 % interval: of t with `df` degrees of freedom, of z without."""
    return Z95 if df is None else stdtrit(df, 0.975)


def _check_arms(sd1, n1, sd2, n2):
    if np.any((n1 < 2) | (n2 < 2)):
        raise ValueError("an arm holds fewer than two people")
    if np.any((sd1 < 0) | (sd2 < 0)):
        raise ValueError("a standard deviation is negative")


def _check_correlation(r):
    if np.any(np.abs(r) > 1):
        raise ValueError("the correlation lies outside -1 to 1")


def _filled_cells(events1, n1, events2, n2, *, needs_events):
    """The four cells, with 0.5 added to each cell of a table that has an empty one."""
    a, n1, c, n2 = _floats(events1, n1, events2, n2)
    _check_counts(a, n1, c, n2, needs_events)
    b, d = n1 - a, n2 - c
    half = 0.5 * ((a == 0) | (b == 0) | (c == 0) | (d == 0))
    return a + half, b + half, c + half, d + half


def _check_counts(a, n1, c, n2, needs_events):
    if np.any((a < 0) | (c < 0) | (a > n1) | (c > n2) | (n1 <= 0) | (n2 <= 0)):
        raise ValueError("events and people do not fit: 0 <= events <= n, n > 0")
    if needs_events and np.any((a == 0) & (c == 0)):
        raise ValueError("no events in both arms")
