"""A large review gives the results that its small parts give, and stays readable."""

import numpy as np
import pandas as pd
import pytest

import generated
from evidence.pooling.analyses import effects_table, pooled_table, run_analyses
from evidence.review.review import load_review

STUDIES = 120


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    review = load_review(generated.write(tmp_path_factory.mktemp("large"),
                                         generated.files(STUDIES)))
    return review, run_analyses(review)


def test_every_row_is_read_and_pooled(large):
    review, results = large
    assert len(review.table("studies")) == STUDIES
    assert len(review.table("outcomes")) == STUDIES * len(generated.DOMAINS)
    assert not review.warnings
    assert {r.k for name, r in results.items() if name.endswith("_all")} == {STUDIES}
    assert len(effects_table(results)) == 2 * len(review.table("outcomes"))
    assert len(pooled_table(results)) == 3 * len(results)


def test_pools_follow_from_the_generated_numbers(large):
    """Inverse-variance weights at the estimated tau² give the pooled mean of what was written."""
    review, results = large
    rows = review.table("outcomes").query("domain == 'pain'")
    pool = results["pain_all"]
    weight = 1 / (rows["effect_se"] ** 2 + pool.tau2)
    assert pool.estimate == pytest.approx(np.average(rows["effect"], weights=weight), rel=1e-12)
    people = review.table("studies")["n_randomised"].sum()
    assert pd.DataFrame(pool.studies)["n"].sum() == pool.n == people
