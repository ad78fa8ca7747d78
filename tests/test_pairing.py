"""The correlation between periods: implied by spreads and error, varied in the pool."""

import numpy as np
import pytest

from evidence.pooling import pairing, run_analyses
from evidence.pooling.measures import implied_correlation, paired_mean_difference

NRS = "younger2013-pain-w12-nrs"


@pytest.fixture(scope="module")
def pool(review):
    return run_analyses(review)["fm_pain"]


@pytest.mark.parametrize("r", [-0.9, 0.0, 0.35, 1.0])
def test_the_implied_correlation_is_the_paired_variance_solved(r):
    _, vi = paired_mean_difference(0, 2.1, 0, 3.4, 28, r)
    assert implied_correlation(2.1, 3.4, 28, np.sqrt(vi)) == pytest.approx(r, abs=1e-12)


def test_the_two_readings_of_the_spread_imply_correlations_of_opposite_sign(review):
    found = pairing.readings(review).set_index("reading")["correlation"]
    assert found["half_widths"] == pytest.approx(0.64, abs=0.005)
    assert found["sds"] == pytest.approx(-0.34, abs=0.005)


def test_at_the_implied_correlation_the_pool_is_the_pool(review, pool):
    r = pairing.readings(review).set_index("reading").loc["half_widths", "correlation"]
    row = pairing.varied(review, pool, "half_widths", NRS, [r]).iloc[0]
    assert row["estimate"] == pytest.approx(pool.estimate, rel=1e-9)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((pool.ci_low, pool.ci_high), rel=1e-9)


def test_a_higher_correlation_makes_the_error_smaller_and_the_trial_heavier(review, pool):
    table = pairing.varied(review, pool, "half_widths", NRS)
    assert table["se"].is_monotonic_decreasing and table["estimate"].is_monotonic_decreasing
    assert not table["excludes_null"].any()
