"""Probability that the mean difference in a further setting reaches a threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from evidence.pooling.effects import SINGLE
from evidence.pooling.estimators import pool_many
from evidence.pooling.synthesis import SMALLEST_POOL, Pool
from evidence.review import NoDataError


def share_beyond(synthesis: Pool, threshold, tau2: float | None = None):
    """Probability that a further setting's mean difference favours the intervention by `threshold`.

    It is no share of known settings: it holds the uncertainty of the mean as well as the variance
    between settings. The predictive distribution of the difference in a new setting: t with k - 1
    degrees of freedom around the pooled estimate with variance tau² + se², as the prediction
    interval has it. The idea is that of ``cidprop`` in the R package meta (expected proportion of
    comparable studies with a clinically important benefit).

    Parameters
    ----------
    synthesis : Pool
        Of differences, with a direction and at least three studies.
    threshold : float or ndarray
        Points of the scale in favour of the intervention; zero asks for any difference.
    tau2 : float, optional
        Between-study variance to assume; pooled estimate and error are worked out again with it.
        By default the estimated one. The error is that of the default interval rule.

    Returns
    -------
    float or ndarray
        Between 0 and 1, of the shape of `threshold`.

    Raises
    ------
    NoDataError
        When fewer than three studies, a ratio or an unknown direction would make it meaningless.
    """
    if synthesis.k < SMALLEST_POOL:
        raise NoDataError("fewer than three studies say nothing about further settings")
    if (synthesis.is_ratio or synthesis.measure in SINGLE
            or synthesis.higher_is not in ("worse", "better")):
        raise NoDataError("needs differences whose direction is known")
    estimate, se = synthesis.default.estimate, synthesis.default.se
    if tau2 is None:
        tau2 = synthesis.tau2
    else:
        yi, vi = (np.array([getattr(r, name) for r in synthesis.studies]) for name in ("yi", "vi"))
        pool = pool_many(yi, vi, method=synthesis.tau2_method, rule=synthesis.interval_rule,
                         tau2=np.array([tau2]))
        estimate, se = float(pool.estimate[0]), float(pool.se[0])
    gain = -estimate if synthesis.higher_is == "worse" else estimate
    spread = np.sqrt(tau2 + se**2)
    share = stdtr(synthesis.k - 1, (gain - np.asarray(threshold, dtype=float)) / spread)
    return share if np.ndim(share) else float(share)

BELOW, INCLUDES, ABOVE = -1, 0, 1


@dataclass(frozen=True, slots=True)
class NewTrialMap:
    """Pools of the present studies with one further trial, for each size (row) and effect (column).

    ``effects`` are on the scale of ``yi``; ``sizes`` are people of both arms. ``low`` and ``high``
    are the limits of the pooled 95 % interval, ``tau2`` the between-study variance; all of shape
    (len(sizes), len(effects)).
    """

    effects: np.ndarray
    sizes: np.ndarray
    low: np.ndarray
    high: np.ndarray
    tau2: np.ndarray

    @property
    def verdict(self) -> np.ndarray:
        """Where the interval lies: below zero (-1), above it (1), or with zero inside (0)."""
        return np.where(self.high < 0, BELOW, np.where(self.low > 0, ABOVE, INCLUDES))

    @property
    def share(self) -> float:
        """Share of the map in which the interval leaves out zero, in percent."""
        return float(100 * np.mean(self.verdict != INCLUDES))

    def smallest(self, side: int) -> int | None:
        """Smallest size at which some effect brings the interval to that side of zero."""
        found = self.sizes[(self.verdict == side).any(axis=1)]
        return int(found.min()) if len(found) else None


def new_trial_map(pool: Pool, sd: float, effects, sizes, *, trials: int = 1) -> NewTrialMap:
    """Pool the studies of an analysis with further parallel trials of every effect and size.

    Parameters
    ----------
    pool : Pool
        An analysis of mean differences; its estimator and interval rule are used.
    sd : float
        Standard deviation within arms; the variance of a new trial is 4 SD² / size (equal arms).
    effects, sizes : array of shape (e,) and (s,)
        Mean differences, intervention minus control, and people of both arms.
    trials : int
        Number of new trials, all alike.

    Raises
    ------
    NoDataError
        When the analysis is not of mean differences, or the SD is not positive.
    """
    if pool.measure != "MD" or not pool.studies:
        raise NoDataError("a map of new trials needs an analysis of mean differences")
    if not sd > 0:
        raise NoDataError("the SD within arms is not known")
    effects, sizes = np.asarray(effects, dtype=float), np.asarray(sizes, dtype=float)
    size, effect = (grid.ravel() for grid in np.meshgrid(sizes, effects, indexing="ij"))
    now = np.array([[row.yi, row.vi] for row in pool.studies])
    yi = np.vstack([np.repeat(now[:, :1], effect.size, axis=1), *[effect[None]] * trials])
    vi = np.vstack([np.repeat(now[:, 1:], effect.size, axis=1),
                    *[(4 * sd**2 / size)[None]] * trials])
    pools = pool_many(yi, vi, method=pool.tau2_method, rule=pool.interval_rule)
    shape = (sizes.size, effects.size)
    return NewTrialMap(effects, sizes, *(
        values.reshape(shape) for values in (pools.ci_low, pools.ci_high, pools.tau2)
    ))
