"""Pool: agreement with metafor, what must hold for any data, and few studies."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.pooling.estimators import INTERVAL_RULES, METHODS, between_study_variance, pool_many
from evidence.pooling.synthesis import synthesise

REFERENCE = Path(__file__).parent / "reference"
INPUTS = json.loads((REFERENCE / "inputs.json").read_text())
CASES = json.loads((REFERENCE / "expected.json").read_text())["cases"]
FITS = [(case, method) for case in CASES for method in case["fits"]]

# Iterative estimators on both sides; metafor stops at 1e-11 of the mean sampling variance.
# ATOL is for values that are zero but for rounding.
RTOL, ATOL = 1e-6, 1e-12


def case_id(value) -> str:
    return f"{value['data']}-{value['measure']}" if isinstance(value, dict) else value


def case_effects(case) -> pd.DataFrame:
    table = pd.DataFrame({name: np.array(case[name], dtype=float) for name in ("yi", "vi")})
    return table.dropna().assign(measure=case["measure"])


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=RTOL, atol=ATOL)


def on_log_scale(synthesis, estimate, name):
    value = getattr(estimate, name)
    is_shown = name in ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")
    return np.log(value) if synthesis.is_ratio and is_shown else value


@pytest.mark.parametrize(("case", "method"), FITS, ids=case_id)
def test_pool_equals_metafor_rma(case, method):
    expected = case["fits"][method]
    pool = synthesise(case_effects(case), tau2_method=method)
    for name in ("k", "tau2", "i2", "q", "q_p_value", "tau2_ci_low", "tau2_ci_high"):
        if name in expected:
            close(getattr(pool, name), expected[name])
    close([row.weight for row in pool.studies], expected["weights"])
    for rule in INTERVAL_RULES:
        estimate = pool.rule(rule)
        for name, value in expected[rule].items():
            close(on_log_scale(pool, estimate, name), value)
        assert np.isnan(estimate.pi_low) == ("pi_low" not in expected[rule])


@pytest.mark.parametrize("case", [c for c in CASES if "leave_one_out" in c], ids=case_id)
def test_variants_equal_metafor(case):
    pool = synthesise(case_effects(case))
    for table, expected in (
        (pool.leave_one_out(), case["leave_one_out"]),
        (pool.cumulative()[1:], case["cumulative"]),
    ):
        shown = table.assign(estimate=np.log(table["estimate"])) if pool.is_ratio else table
        for name in ("estimate", "se", "tau2"):
            close(shown[name], expected[name])


study = st.tuples(st.floats(-3, 3), st.floats(0.01, 4))
some_studies = st.lists(study, min_size=2, max_size=12)
methods = st.sampled_from(METHODS)
rules = st.sampled_from(INTERVAL_RULES)


def columns(studies) -> tuple[np.ndarray, np.ndarray]:
    yi, vi = np.array(studies).T
    return yi[:, None], vi[:, None]


@given(some_studies, methods, rules)
def test_swapping_arms_flips_the_pool(studies, method, rule):
    yi, vi = columns(studies)
    there, back = (pool_many(sign * yi, vi, method=method, rule=rule) for sign in (1, -1))
    close(back.estimate, -there.estimate)
    close(back.ci_low, -there.ci_high)
    close(back.tau2, there.tau2)


@given(some_studies, methods, rules, st.floats(0.01, 100))
def test_units_do_not_matter(studies, method, rule, factor):
    yi, vi = columns(studies)
    one = pool_many(yi, vi, method=method, rule=rule)
    other = pool_many(yi * factor, vi * factor**2, method=method, rule=rule)
    for name in ("estimate", "se", "ci_low", "ci_high", "pi_low"):
        np.testing.assert_allclose(
            getattr(other, name), factor * getattr(one, name), rtol=1e-6, atol=1e-7 * factor
        )
    np.testing.assert_allclose(other.i2, one.i2, rtol=1e-6, atol=1e-4)


@given(some_studies, methods, rules, st.randoms())
def test_order_does_not_matter(studies, method, rule, random):
    shuffled = studies.copy()
    random.shuffle(shuffled)
    one, other = (pool_many(*columns(s), method=method, rule=rule) for s in (studies, shuffled))
    np.testing.assert_allclose(other.estimate, one.estimate, atol=1e-7)
    np.testing.assert_allclose(other.ci_high, one.ci_high, rtol=1e-6, atol=1e-7)


@given(some_studies, st.sampled_from(["REML", "FE"]))
def test_a_study_that_knows_nothing_changes_nothing(studies, method):
    """Moment estimators are left out: they compare Q with k - 1, which counts every study."""
    one, other = (
        pool_many(*columns(s), method=method, rule="wald") for s in (studies, [*studies, (0, 1e12)])
    )
    np.testing.assert_allclose(other.estimate, one.estimate, atol=1e-5)
    np.testing.assert_allclose(other.se, one.se, atol=1e-5)


@settings(max_examples=300)
@given(some_studies)
def test_reml_is_the_best_of_a_fine_grid(studies):
    yi, vi = columns(studies)
    found = between_study_variance(yi, vi, "REML")
    grid = np.concatenate([found, np.linspace(0, 40, 2000)])

    def likelihood(tau2):
        w = 1 / (vi + tau2)
        mean = (w * yi).sum(axis=0) / w.sum(axis=0)
        terms = np.log(w).sum(axis=0) - np.log(w.sum(axis=0)) - (w * (yi - mean) ** 2).sum(axis=0)
        return 0.5 * terms

    values = likelihood(grid)
    assert values[0] >= values.max() - 1e-9


@given(st.lists(some_studies, min_size=1, max_size=6), methods, rules)
def test_many_pools_at_once_equal_one_at_a_time(sets, method, rule):
    k = max(map(len, sets))
    yi, vi = (np.full((k, len(sets)), np.nan) for _ in range(2))
    for column, studies in enumerate(sets):
        yi[: len(studies), column], vi[: len(studies), column] = np.array(studies).T
    together = pool_many(yi[::-1], vi[::-1], method=method, rule=rule)
    for column, studies in enumerate(sets):
        alone = pool_many(*columns(studies), method=method, rule=rule)
        for field in dataclasses.fields(alone):
            one, all_ = getattr(alone, field.name)[0], getattr(together, field.name)[column]
            np.testing.assert_allclose(all_, one, rtol=1e-6, atol=1e-8)


def test_absent_studies_and_empty_data_sets():
    pools = pool_many([[1.0, np.nan], [2.0, np.nan]], [[1.0, 1.0], [1.0, 1.0]])
    assert pools.k.tolist() == [2, 0]
    assert np.isnan(pools.estimate[1])
    assert np.isnan(pools.p_value[1])


@pytest.mark.parametrize(
    ("yi", "vi", "options", "message"),
    [
        ([1.0], [1.0], {"method": "ML"}, "unknown method ML"),
        ([1.0], [1.0], {"rule": "t"}, "unknown interval rule t"),
        ([1.0], [0.0], {}, "not positive"),
        ([1.0, 2.0], [1.0], {}, "shape"),
    ],
)
def test_pool_many_refuses(yi, vi, options, message):
    with pytest.raises(ValueError, match=message):
        pool_many(yi, vi, **options)


def effects(yi, vi, **columns) -> pd.DataFrame:
    return pd.DataFrame({"yi": yi, "vi": vi, "n": 50, "measure": "RR", **columns})


def test_one_study_keeps_its_own_interval():
    pool = synthesise(effects([np.log(0.5)], [0.04]))
    for rule in INTERVAL_RULES:
        row = pool.rule(rule)
        assert row.estimate == pytest.approx(0.5)
        assert (row.ci_low, row.ci_high) == pytest.approx(
            (0.5 * np.exp(-1.959964 * 0.2), 0.5 * np.exp(1.959964 * 0.2))
        )
    assert np.isnan([pool.tau2, pool.i2, pool.q, pool.q_p_value, pool.tau2_ci_high]).all()
    assert pool.method_line == "One study with its own interval, k = 1, n = 50."


def test_limits_that_a_report_prints_are_shown_and_never_change_a_pool():
    """They may rest on t; what is pooled is the standard error."""
    ready = {"yi": [-0.4, 0.5], "vi": [0.09, 0.16]}
    plain = synthesise(pd.DataFrame(ready), measure="MD")
    pool = synthesise(pd.DataFrame({**ready, "ci_low": [-1.02, np.nan], "ci_high": [0.22, 0.9]}),
                      measure="MD")
    assert (pool.studies[0].ci_low, pool.studies[0].ci_high) == (-1.02, 0.22)
    assert pool.studies[1] == plain.studies[1]  # half an interval is none
    assert [(r.estimate, r.se, r.ci_low, r.ci_high) for r in pool.pooled] == [
        (r.estimate, r.se, r.ci_low, r.ci_high) for r in plain.pooled]
    alone = synthesise(pd.DataFrame({"yi": [2.4], "vi": [1.5], "ci_low": [-4.8], "ci_high": [0.0]}),
                       measure="MD")
    assert (alone.ci_low, alone.ci_high) == (-4.8, 0.0) and not alone.excludes_null
    assert (alone.default.ci_low, alone.default.interval_source) == (-4.8, "reported")
    assert alone.default.se == pytest.approx(np.sqrt(1.5))


def test_two_studies_have_numbers_but_no_prediction():
    pool = synthesise(effects([0.1, 0.9], [0.04, 0.05]))
    assert not pool.can_pool
    assert np.isnan(pool.default.pi_low)
    assert np.isfinite([pool.ci_low, pool.tau2, pool.i2]).all()


def test_no_study():
    pool = synthesise(effects([np.nan], [np.nan], included=False, reason="no counts"))
    assert (pool.k, pool.n, pool.measure) == (0, None, "RR")
    assert np.isnan(pool.estimate)
    assert not pool.excludes_null
    assert (pool.favours, pool.method_line) == ("neither", "No study can be pooled.")
    assert [row.reason for row in pool.excluded] == ["no counts"]


def test_floor_never_narrows():
    pool = synthesise(effects([0.5, 0.5001, 0.5002], [0.1, 0.1, 0.1]))
    assert pool.rule("hartung_knapp").se < pool.rule("wald").se
    assert pool.default.se == pytest.approx(pool.rule("wald").se)


@pytest.mark.parametrize(
    ("yi", "higher_is", "side"),
    [(-1, "worse", "intervention"), (1, "worse", "control"), (1, "better", "intervention"),
     (0, "worse", "neither"), (1, "", "neither")],
)  # fmt: skip
def test_favours(yi, higher_is, side):
    pool = synthesise(effects([yi] * 3, [0.1] * 3, higher_is=higher_is))
    assert pool.favours == side
    assert pool.excludes_null == (yi != 0)


def test_synthesis_is_frozen_and_says_how_it_was_made():
    pool = synthesise(effects([0.1, 0.2, 0.4], [0.1, 0.1, 0.2]), tau2_method="PM",
                      interval_rule="wald")
    line = "Random effects, Paule-Mandel; Wald interval; k = 3, n = 150."
    assert pool.method_line == line
    assert pool.null_value == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        pool.measure = "OR"
    unknown = synthesise(effects([0.1, 0.2], [0.1, 0.1]).assign(n=[50, pd.NA]))
    assert unknown.n is None
    with pytest.raises(ValueError, match="ML is unknown"):
        synthesise(effects([0.1], [0.1]), tau2_method="ML")


def test_cumulative_goes_by_year():
    table = synthesise(effects([1, 2, 3], [1, 1, 1], year=[2010, pd.NA, 2000])).cumulative()
    assert table["study"].tolist() == ["study 3", "study 1", "study 2"]
    assert table["k"].tolist() == [1, 2, 3]
    assert table["year"].tolist() == [2000, 2010, pd.NA]
