"""Probability that the mean difference in a further setting reaches a threshold."""

from __future__ import annotations

import numpy as np
from scipy import stats

from evidence.estimators import pool_many
from evidence.results import Synthesis
from evidence.review.problems import NoDataError


def share_beyond(synthesis: Synthesis, threshold, tau2: float | None = None):
    """Probability that a further setting's mean difference favours the intervention by `threshold`.

    It is no share of known settings: it holds the uncertainty of the mean as well as the variance
    between settings. The predictive distribution of the difference in a new setting: t with k - 1
    degrees of freedom around the pooled estimate with variance tau² + se², as the prediction
    interval has it. The idea is that of ``cidprop`` in the R package meta (expected proportion of
    comparable studies with a clinically important benefit).

    Parameters
    ----------
    synthesis : Synthesis
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
    if not synthesis.can_pool:
        raise NoDataError("fewer than three studies say nothing about further settings")
    if synthesis.is_ratio or synthesis.higher_is not in ("worse", "better"):
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
    share = stats.t.sf((np.asarray(threshold, dtype=float) - gain) / spread, synthesis.k - 1)
    return share if np.ndim(share) else float(share)
