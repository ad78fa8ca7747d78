"""What one more trial would change: its effect and its size against the pooled interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evidence.estimators import pool_many
from evidence.results import Synthesis
from evidence.review.problems import NoDataError

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


def new_trial_map(pool: Synthesis, sd: float, effects, sizes, *, trials: int = 1) -> NewTrialMap:
    """Pool the studies of an analysis with further parallel trials of every effect and size.

    Parameters
    ----------
    pool : Synthesis
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
