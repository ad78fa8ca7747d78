"""Methods beside the plain pool, each against metafor: `tests/reference/analyses.json`."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.pooling.effects import REPORTED_AS
from evidence.pooling.estimators import pool_many
from evidence.pooling.regression import egger, fit_regression, residual_variance
from evidence.pooling.synthesis import Pool, pool_frame

CASES = json.loads((Path(__file__).parent / "reference" / "analyses.json").read_text())["cases"]
RTOL, ATOL = 1e-7, 1e-12
ARMS = {"e1": "intervention_events", "n1": "intervention_n", "t1": "intervention_time",
        "e2": "control_events", "n2": "control_n", "t2": "control_time",
        "low": "effect_ci_low", "high": "effect_ci_high"}  # fmt: skip


def of_kind(kind: str) -> list:
    return [pytest.param(case, id="-".join(
        [case["data"], case["measure"], case.get("method", ""), *case.get("moderators", [])]))
        for case in CASES if case["kind"] == kind]


def frame(case) -> pd.DataFrame:
    rows = pd.DataFrame(case["rows"]).rename(columns=ARMS)
    rows["study"] = [f"study {number}" for number in range(1, len(rows) + 1)]
    if "effect" in rows:
        rows["effect_measure"] = REPORTED_AS[case["measure"]]
    return rows


def close(actual, expected):
    np.testing.assert_allclose(np.asarray(actual, dtype=float), np.asarray(expected, dtype=float),
                               rtol=RTOL, atol=ATOL)


def agrees(pool: Pool, expected: dict) -> None:
    """Estimate, error, limits, p value and heterogeneity of the default rule."""
    shown = ("estimate", "ci_low", "ci_high")
    for name, value in expected.items():
        if name == "weights":
            if value is not None:
                close([row.weight for row in pool.studies], value)
        elif hasattr(pool.default, name):
            found = getattr(pool.default, name)
            close(pool.to_analysis(found) if name in shown else found, value)
        else:
            close(getattr(pool, name), value)


@pytest.mark.parametrize("case", of_kind("mantel_haenszel"))
def test_mantel_haenszel_equals_rma_mh(case):
    pool = pool_frame(frame(case), measure=case["measure"], method="mantel_haenszel")
    expected = case["pool"]
    if expected["estimate"] is None:  # no event in one arm of any trial
        assert np.isnan(pool.estimate) and not pool.can_pool
        assert "no events in any trial" in pool.why_undrawn
        return
    assert [row.interval_rule for row in pool.pooled] == ["wald"]
    agrees(pool, expected)


@pytest.mark.parametrize("case", of_kind("peto"))
def test_peto_equals_rma_peto(case):
    agrees(pool_frame(frame(case), measure="OR", method="peto"), case["pool"])


@pytest.mark.parametrize("case", of_kind("effects"))
def test_effects_and_their_pool_equal_escalc_and_rma(case):
    pool = pool_frame(frame(case), measure=case["measure"])
    close(pool.effects["yi"], case["yi"])
    close(pool.effects["vi"], case["vi"])
    agrees(pool, case["pool"])
    assert pool.estimate == pytest.approx(float(pool.to_shown(case["pool"]["estimate"])))


@pytest.mark.parametrize("case", of_kind("subgroups"))
def test_subgroups_equal_separate_fits(case):
    pool = pool_frame(frame(case), measure=case["measure"], tau2_method=case["method"],
                      subgroup_by="group")
    table = pool.subgroups()
    assert table["subgroup"].tolist() == case["group"]
    for (_, row), expected in zip(table.iterrows(), case["parts"], strict=True):
        assert row["k"] == expected["k"]
        close(pool.to_analysis(row["estimate"]), expected["estimate"])
        close(row["se"], expected["se"])
        if row["k"] > 1:  # of one study metafor says zero, and here it is not known
            close([row["tau2"], row["i2"]], [expected["tau2"], expected["i2"]])
            close(pool.to_analysis(row["ci_low"]), expected["ci_low"])
    for name in ("q_between", "df_between", "p_between"):
        close(table[name], [case[name]] * len(table))


@pytest.mark.parametrize("case", of_kind("regression"))
def test_regression_equals_rma_with_moderators(case):
    table = pool_frame(frame(case), measure=case["measure"], tau2_method=case["method"],
                       moderators=case["moderators"]).regression()
    for name in ("estimate", "se", "ci_low", "ci_high", "p_value"):
        close(table[name], case[name])
    close(table["tau2"], [case["tau2"]] * len(table))
    close(table["r2"], [np.nan if case["r2"] is None else case["r2"]] * len(table))
    assert table["k"].eq(case["k"]).all() and table["term"][0] == "intercept"


@pytest.mark.parametrize("case", of_kind("egger"))
def test_egger_equals_regtest(case):
    table = pool_frame(frame(case), measure="GEN").small_study()
    assert table["k"].tolist() == [case["k"]]
    close(table[["statistic", "df", "p_value"]].iloc[0], [case["statistic"], case["df"],
                                                         case["p_value"]])


def table(rng, k: int) -> pd.DataFrame:
    people = rng.integers(10, 200, (k, 2))
    events = rng.binomial(people, rng.uniform(0.02, 0.9, (k, 1)))
    return pd.DataFrame({
        "study": [f"s{i}" for i in range(k)], "intervention_events": events[:, 0],
        "intervention_n": people[:, 0], "control_events": events[:, 1],
        "control_n": people[:, 1], "year": rng.integers(1990, 2020, k),
        "dose": rng.choice(["high", "low"], k),
    })  # fmt: skip


def swapped(rows: pd.DataFrame) -> pd.DataFrame:
    """The same trials with their arms exchanged."""
    other = {"intervention": "control", "control": "intervention"}
    return rows.rename(columns=lambda name: "_".join(
        [other.get(name.split("_")[0], name.split("_")[0]), *name.split("_")[1:]]))


@given(st.integers(0, 10_000), st.integers(2, 12), st.sampled_from([
    ("RR", "mantel_haenszel"), ("OR", "mantel_haenszel"), ("RD", "mantel_haenszel"),
    ("OR", "peto"), ("OR", "")]))  # fmt: skip
def test_swapping_arms_turns_the_pool_round(seed, k, asked):
    measure, method = asked
    rows = table(np.random.default_rng(seed), k)
    one, other = (pool_frame(part, measure=measure, method=method)
                  for part in (rows, swapped(rows)))
    assert one.k == other.k
    np.testing.assert_allclose(other.to_analysis(other.estimate), -one.to_analysis(one.estimate),
                               rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(other.default.se, one.default.se, rtol=1e-9)


@given(st.integers(0, 10_000), st.integers(4, 12))
def test_regression_without_a_slope_is_the_pool(seed, k):
    """With one moderator that is centred on nothing, a constant effect has slope zero."""
    rng = np.random.default_rng(seed)
    vi = rng.uniform(0.05, 2, k)
    fit = fit_regression(np.full(k, 0.7), vi, np.column_stack([np.ones(k), np.arange(k)]))
    np.testing.assert_allclose(fit["estimate"], [0.7, 0.0], atol=1e-9)
    alone = fit_regression(rng.normal(0, np.sqrt(vi + 0.3)), vi, np.ones((k, 1)))
    assert alone["tau2"] >= 0 and np.isfinite(alone["se"]).all()


@given(st.integers(0, 10_000), st.integers(2, 12), st.sampled_from(["REML", "DL", "PM", "HE"]))
def test_regression_on_nothing_equals_the_pool(seed, k, method):
    rng = np.random.default_rng(seed)
    vi = np.exp(rng.normal(-2, 1, k))
    yi = rng.normal(0, np.sqrt(vi + rng.choice([0, 0.1, 1])))
    fit = fit_regression(yi, vi, np.ones((k, 1)), method)
    pool = pool_many(yi, vi, method=method, rule="hartung_knapp")
    np.testing.assert_allclose(fit["tau2"], pool.tau2[0], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(fit["ci_low"][0], pool.ci_low[0], rtol=1e-6, atol=1e-8)


def test_one_subgroup_is_the_pool_and_has_no_test():
    rows = table(np.random.default_rng(1), 8).assign(dose="high")
    pool = pool_frame(rows, measure="RR", subgroup_by="dose")
    found = pool.subgroups().iloc[0]
    assert (found["k"], found["estimate"]) == (pool.k, pytest.approx(pool.estimate))
    assert np.isnan(found["q_between"]) and np.isnan(found["p_between"])
    assert pool_frame(rows, measure="RR").subgroups().empty


def test_groups_are_named_as_a_table_shows_them():
    rows = table(np.random.default_rng(7), 6).assign(week=[12.0, 12.0, 26.0, 26.5, np.nan, ""])
    groups = pool_frame(rows, measure="OR", subgroup_by="week").subgroups()
    assert groups["subgroup"].tolist() == ["12", "26", "26.5", "not stated"]
    assert groups["k"].sum() == 6


def test_what_cannot_be_done_gives_a_reason():
    rows = table(np.random.default_rng(2), 3)
    few = pool_frame(rows, measure="OR", moderators=["year", "dose"])
    assert few.regression().empty and "cannot support" in few.why_no_regression
    assert few.small_study().empty and "below ten" in few.why_no_small_study
    assert "names no moderators" in pool_frame(rows, measure="OR").why_no_regression
    same = pool_frame(table(np.random.default_rng(2), 8).assign(year=2000), measure="OR",
                      moderators=["year"])
    assert "one and the same value of year" in same.why_no_regression
    twice = pool_frame(table(np.random.default_rng(2), 8).assign(again=lambda rows: rows["year"]),
                       measure="OR", moderators=["year", "again"])
    assert "told apart" in twice.why_no_regression
    with pytest.raises(KeyError, match="weight"):
        pool_frame(rows, measure="OR", moderators=["weight"])


@pytest.mark.parametrize(("options", "message"), [
    ({"measure": "MD", "method": "mantel_haenszel"}, "pools RR, OR, RD, IRR, not MD"),
    ({"measure": "RR", "method": "peto"}, "pools OR, not RR"),
    ({"measure": "OR", "method": "peto", "tau2_method": "REML"}, "does not go with REML"),
    ({"measure": "OR", "method": "peto", "interval_rule": "hartung_knapp"}, "use wald"),
    ({"measure": "OR", "method": "trim"}, "trim is unknown"),
    ({"measure": "OR", "draw_pool": "maybe"}, "maybe is unknown"),
])  # fmt: skip
def test_choices_that_do_not_go_together(options, message):
    with pytest.raises(ValueError, match=message):
        pool_frame(table(np.random.default_rng(3), 4), **options)


def test_defaults_of_a_common_effect_and_of_two_trials():
    rows = table(np.random.default_rng(4), 2)
    random, common, mh = (pool_frame(rows, measure="OR", **options) for options in (
        {}, {"tau2_method": "FE"}, {"method": "mantel_haenszel"}))
    assert (random.interval_rule, random.can_pool) == ("hartung_knapp_floored", False)
    assert "Two trials" in random.why_undrawn and "not pooled" in repr(random)
    assert (common.interval_rule, common.can_pool, common.why_undrawn) == ("wald", True, "")
    assert (mh.interval_rule, mh.tau2_method, mh.can_pool) == ("wald", "FE", True)
    assert mh.method_line.startswith("Common effect, Mantel-Haenszel; Wald interval; k = 2")
    assert pool_frame(rows, measure="OR", draw_pool="yes").can_pool
    apart = pool_frame(rows, measure="OR", tau2_method="FE", draw_pool="no")
    assert not apart.can_pool and "asks for no pooled effect" in apart.why_undrawn


def test_measures_are_inferred_from_columns():
    rows = table(np.random.default_rng(5), 3)
    arms = rows.drop(columns=["intervention_events", "control_events"])
    means = arms.assign(intervention_mean=1.0, control_mean=2.0, intervention_sd=1.0,
                        control_sd=1.0)
    ready = pd.DataFrame({"study": ["a", "a"], "effect": [0.1, 0.2], "effect_se": [0.1, 0.1],
                          "stratum": ["men", "women"]})
    for frame_, measure in (
        (rows, "RR"), (rows.assign(intervention_time=9.0, control_time=8.0), "IRR"),
        (rows[["study", "intervention_events", "intervention_n"]], "PROP"), (means, "MD"),
        (ready, "GEN"), (ready.assign(effect_measure="hazard_ratio"), "HR"),
    ):  # fmt: skip
        pool = pool_frame(frame_)
        assert (pool.measure, pool.k) == (measure, len(frame_))
    assert pool_frame(ready.drop(columns="stratum")).k == 1


def test_logs_of_ratios_are_shown_as_ratios():
    rows = pd.DataFrame({"study": ["a", "b"], "effect": [-0.7, -0.2], "effect_se": [0.2, 0.1],
                         "effect_ci_low": [-1.1, np.nan], "effect_ci_high": [-0.3, np.nan]})
    pool = pool_frame(rows, measure="GEN", scale="log", tau2_method="FE")
    assert (pool.is_ratio, pool.null_value, pool.measure_words) == (True, 1.0, "Ratio")
    assert pool.studies[0].ci_high == pytest.approx(np.exp(-0.3))
    assert pool.estimate == pytest.approx(np.exp(-0.3))
    assert pool.part(pool.effects["study"] == "a").default.interval_source == "reported"


def test_errors_of_small_trials_rest_on_t():
    """With fewer than 24 people, limits of a mean difference are limits of t."""
    small = {"study": "a", "effect": 1.0, "effect_ci_low": -0.153, "effect_ci_high": 2.153,
             "intervention_n": 5, "control_n": 5}
    by_limits, by_p = (pool_frame(pd.DataFrame([row]), measure="MD") for row in (
        small, {"study": "a", "effect": 1.0, "p_value": 0.02, "intervention_n": 50,
                "control_n": 50}))
    assert by_limits.default.se == pytest.approx(0.5, abs=1e-4)
    assert by_p.default.se == pytest.approx(0.4228, abs=1e-4)
    assert by_p.effects["derived_from"].tolist() == ["reported_p"]
    stated = pool_frame(pd.DataFrame([small | {"effect_df": 1e9}]), measure="MD")
    assert stated.default.se == pytest.approx(2.306 / 2 / 1.959964)
    own = pool_frame(pd.DataFrame([{"study": "a", "effect": 1.0, "effect_se": 0.5,
                                    "intervention_n": 5, "control_n": 5}]), measure="MD")
    assert (own.default.interval_source, own.ci_high) == ("t", pytest.approx(2.153, abs=1e-3))
    assert own.default.p_value == pytest.approx(0.0805, abs=1e-4)


@pytest.mark.parametrize("method", ["REML", "DL", "HE"])
def test_pymare_finds_the_same_variance(method):
    estimators = pytest.importorskip("pymare.estimators")
    make = {"REML": lambda: estimators.VarianceBasedLikelihoodEstimator(method="REML"),
            "DL": estimators.DerSimonianLaird, "HE": estimators.Hedges}[method]
    rng = np.random.default_rng(6)
    for k in (2, 5, 40):
        vi = np.exp(rng.normal(-2, 0.7, k))
        yi = rng.normal(0, np.sqrt(vi + 0.2))
        theirs = make().fit(yi[:, None], vi[:, None], np.ones((k, 1))).params_["tau2"]
        ours = pool_many(yi, vi, method=method).tau2[0]
        np.testing.assert_allclose(ours, float(np.ravel(theirs)[0]), rtol=1e-4, atol=1e-6)


def random_effects(k: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(k)
    vi = np.exp(rng.normal(-2, 0.7, k))
    return rng.normal(0.3, np.sqrt(vi + 0.2)), vi


@pytest.mark.parametrize(("method", "name"), [("DL", "chi2"), ("PM", "iterated")])
@pytest.mark.parametrize("k", [2, 5, 40])
def test_statsmodels_pools_to_the_same(method, name, k):
    module = pytest.importorskip("statsmodels.stats.meta_analysis")
    yi, vi = random_effects(k)
    theirs = module.combine_effects(yi, vi, method_re=name, atol=1e-12)
    ours = pool_many(yi, vi, method=method, rule="wald")
    close(ours.tau2[0], theirs.tau2)
    close(ours.q[0], theirs.q)
    close([ours.estimate[0], ours.se[0]], [theirs.mean_effect_re, theirs.sd_eff_w_re])
    plain = pool_many(yi, vi, method=method, rule="hartung_knapp")
    close(plain.se[0], theirs.sd_eff_w_re_hksj)
    common = pool_many(yi, vi, method="FE", rule="wald")
    close([common.estimate[0], common.se[0]], [theirs.mean_effect_fe, theirs.sd_eff_w_fe])


def test_statsmodels_regresses_to_the_same():
    """Least squares weighted by 1/vi: Egger's test has its dispersion, a common effect none."""
    models = pytest.importorskip("statsmodels.regression.linear_model")
    yi, vi = random_effects(14)
    design = np.column_stack([np.ones(14), np.sqrt(vi)])
    fit = models.WLS(yi, design, weights=1 / vi).fit()
    close(egger(yi, vi), [fit.tvalues[1], fit.df_resid, fit.pvalues[1]])
    fixed = models.WLS(yi, design, weights=1 / vi).fit(cov_type="fixed scale")
    ours = fit_regression(yi, vi, design, "FE")
    close([ours["estimate"], ours["se"], ours["p_value"]],
          [fixed.params, fixed.bse, fixed.pvalues])
    left = residual_variance(yi, vi, design, "REML")
    mixed = models.WLS(yi, design, weights=1 / (vi + left)).fit()
    ours = fit_regression(yi, vi, design, "REML")  # Knapp and Hartung: the dispersion again
    close([ours["estimate"], ours["se"], ours["p_value"]], [mixed.params, mixed.bse, mixed.pvalues])


def test_statsmodels_finds_the_same_mantel_haenszel_ratio():
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    rows = table(np.random.default_rng(5), 7)
    counts = [[[row.intervention_events, row.intervention_n - row.intervention_events],
               [row.control_events, row.control_n - row.control_events]]
              for row in rows.itertuples()]
    theirs = tables.StratifiedTable([np.array(cells, dtype=float) for cells in counts])
    ours = pool_frame(rows, measure="OR", method="mantel_haenszel")
    close([np.log(ours.estimate), ours.default.se],
          [theirs.logodds_pooled, theirs.logodds_pooled_se])
    ratio = pool_frame(rows, measure="RR", method="mantel_haenszel")
    close(ratio.estimate, theirs.riskratio_pooled)
