"""Effects: formulas against metafor and printed examples, sources of a row, exclusions."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evidence.pooling import measures
from evidence.pooling.effects import outcome_effects

REFERENCE = Path(__file__).parent / "reference"
INPUTS = json.loads((REFERENCE / "inputs.json").read_text())
CASES = json.loads((REFERENCE / "expected.json").read_text())["cases"]

# Closed formulas on both sides: only the last bits may differ, near zero those of the terms.
RTOL, ATOL = 1e-12, 1e-15

ARM_COLUMNS = {
    "n1": "intervention_n", "m1": "intervention_mean", "sd1": "intervention_sd",
    "n2": "control_n", "m2": "control_mean", "sd2": "control_sd",
    "e1": "intervention_events", "e2": "control_events", "yi": "effect",
}  # fmt: skip


def outcome_rows(data: pd.DataFrame) -> pd.DataFrame:
    """Reference data in the columns of outcomes.csv."""
    rows = data.rename(columns=ARM_COLUMNS)
    if "vi" in rows:
        rows["effect_se"] = np.sqrt(rows["vi"])
    return row(**{name: rows[name].tolist() for name in rows if name not in ("study", "vi")})


def row(**cells) -> pd.DataFrame:
    """Rows of outcomes.csv that may be pooled but for what `cells` says."""
    length = max((len(cell) for cell in cells.values() if isinstance(cell, list)), default=1)
    plain = {
        "outcome_id": [f"o{i}" for i in range(length)], "study": [f"s{i}" for i in range(length)],
        "contrast": "between_arms", "higher_is": "worse", "verification": "primary",
        "poolable": True, "effect_measure": "none",
    }  # fmt: skip
    return pd.DataFrame(plain | cells, index=range(length))


def only(rows: pd.DataFrame, measure: str, basis: str = "auto") -> pd.Series:
    table = outcome_effects(rows, measure, basis)
    assert len(table) == 1
    return table.iloc[0]


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['data']}-{c['measure']}")
def test_effects_equal_metafor_escalc(case):
    effects = outcome_effects(outcome_rows(pd.DataFrame(INPUTS[case["data"]])), case["measure"])
    for name in ("yi", "vi"):
        np.testing.assert_allclose(
            effects[name].astype(float), np.array(case[name], dtype=float), rtol=RTOL, atol=ATOL
        )
    dropped = effects[~effects["included"]]
    assert set(dropped["reason"]) <= {"no events in both arms"}
    assert len(dropped) == sum(value is None for value in case["yi"])


def test_crossover_example_of_the_handbook():
    yi, vi = measures.paired_mean_difference(7.0, 2.38, 6.5, 2.21, 10, 0.68)
    assert (round(yi, 3), round(np.sqrt(vi), 3)) == (0.5, 0.583)
    g, variance = measures.paired_standardised_mean_difference(7.0, 2.38, 6.5, 2.21, 10, 0.68)
    assert (round(g, 3), round(np.sqrt(variance), 3)) == (0.218, 0.256)


def test_exact_correction_factor():
    assert measures.small_sample_factor(29) == pytest.approx(0.97387498, abs=1e-8)


@given(st.floats(-50, 50), st.floats(0.01, 20), st.one_of(st.none(), st.integers(1, 200)))
def test_interval_and_standard_error_are_inverse(effect, se, df):
    half = (stats.norm.ppf(0.975) if df is None else stats.t.ppf(0.975, df)) * se
    assert measures.se_from_ci(effect - half, effect + half, df) == pytest.approx(se)
    low, high = 1.5 * np.exp(-half / 20), 1.5 * np.exp(half / 20)
    assert measures.se_from_ci(low, high, df, log=True) == pytest.approx(se / 20)


@given(st.floats(0.1, 50), st.floats(1e-6, 0.99))
def test_p_value_and_standard_error_are_inverse(effect, p_value):
    se = measures.se_from_p(effect, p_value)
    assert 2 * stats.norm.sf(effect / se) == pytest.approx(p_value)


counts = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, counts, st.sampled_from(["RR", "OR", "RD"]))
def test_swapping_arms_flips_the_sign_of_counts(arm1, arm2, measure):
    there = only(_count_row(arm1, arm2), measure)
    back = only(_count_row(arm2, arm1), measure)
    assert there["included"] == back["included"]
    if there["included"]:
        assert back["yi"] == pytest.approx(-there["yi"], abs=1e-12)
        assert back["vi"] == pytest.approx(there["vi"])


means = st.tuples(st.floats(-50, 50), st.floats(0.1, 20), st.integers(2, 200))


@given(means, means, st.sampled_from(["MD", "SMD"]), st.floats(0.1, 10))
def test_swapping_arms_and_scaling_means(arm1, arm2, measure, factor):
    there, back = (only(_mean_row(*pair), measure) for pair in ((arm1, arm2), (arm2, arm1)))
    assert back["yi"] == pytest.approx(-there["yi"], abs=1e-9)
    assert back["vi"] == pytest.approx(there["vi"])
    scaled = [(mean * factor, sd * factor, n) for mean, sd, n in (arm1, arm2)]
    by = factor if measure == "MD" else 1
    assert only(_mean_row(*scaled), measure)["yi"] == pytest.approx(there["yi"] * by, abs=1e-9)


def test_empty_cell_gets_a_half_in_that_table_only():
    rows = row(
        intervention_events=[0, 10], intervention_n=[20, 40],
        control_events=[3, 20], control_n=[20, 40],
    )  # fmt: skip
    effects = outcome_effects(rows, "RR")
    assert effects["yi"][0] == pytest.approx(np.log((0.5 / 21) / (3.5 / 21)))
    assert effects["yi"][1] == pytest.approx(np.log(0.5))


def test_no_event_in_either_arm():
    rows = _count_row((0, 20), (0, 30))
    for measure in ("RR", "OR"):
        assert only(rows, measure)["reason"] == "no events in both arms"
        reported = rows.assign(effect=1.5, effect_se=1.0, effect_measure="risk_ratio")
        assert not only(reported, measure)["included"]
    assert only(rows, "RD")["included"]
    assert only(_count_row((20, 20), (30, 30)), "OR")["reason"].startswith("everybody")


def test_counts_come_first_for_ratios_and_the_report_for_differences():
    ratio = _count_row((10, 40), (20, 40)).assign(
        effect=0.9, effect_se=0.1, effect_measure="risk_ratio"
    )
    assert only(ratio, "RR")["derived_from"] == "arms"
    reported = only(ratio, "RR", "reported")
    assert (reported["derived_from"], reported["yi"]) == ("reported_se", np.log(0.9))
    difference = _mean_row((5, 2, 30), (6, 2, 30)).assign(
        effect=-1.2, effect_ci_low=-2, effect_ci_high=-0.4, effect_measure="mean_difference"
    )
    assert only(difference, "MD")["derived_from"] == "reported_ci"
    assert only(difference, "MD")["vi"] == pytest.approx((1.6 / 2 / measures.Z95) ** 2)
    assert only(difference, "MD", "arms")["yi"] == -1
    assert only(difference, "SMD")["derived_from"] == "arms"


def test_interval_of_a_ratio_is_read_on_the_log_scale():
    rows = row(effect=2.0, effect_ci_low=1.0, effect_ci_high=4.0, effect_measure="odds_ratio")
    effect = only(rows, "OR")
    assert effect["yi"] == pytest.approx(np.log(2))
    assert np.sqrt(effect["vi"]) == pytest.approx(np.log(4) / (2 * measures.Z95))
    assert not only(rows, "GEN")["included"]


def test_ready_made_effects_are_taken_as_given():
    rows = row(effect=-10.8, effect_se=4.2, effect_measure="percent_point_difference")
    assert only(rows, "GEN")["vi"] == pytest.approx(4.2**2)
    assert "percent point difference" in only(rows, "MD")["reason"]


def test_paired_sources_of_a_crossover_trial():
    cells = {"contrast": "crossover_paired", "intervention_n": 28, "control_n": 28}
    report = {"effect": -1.0, "effect_measure": "mean_difference"}
    by_p = row(**cells, **report, p_value=0.016, p_relation="=")
    paired = only(by_p, "MD")
    assert (paired["derived_from"], paired["n"]) == ("paired", 28)
    assert np.sqrt(paired["vi"]) == pytest.approx(measures.se_from_p(1.0, 0.016, 27))
    assert not only(by_p.assign(p_relation="<"), "MD")["included"]
    parallel = only(by_p.assign(contrast="between_arms"), "MD")
    assert parallel["derived_from"] == "reported_p"
    assert np.sqrt(parallel["vi"]) == pytest.approx(measures.se_from_p(1.0, 0.016, 54))
    by_se = by_p.assign(effect_se=0.5)
    assert only(by_se, "MD")["derived_from"] == "reported_se"
    arms = _mean_row((5, 2, 28), (6, 2, 28)).assign(contrast="crossover_paired")
    assert "correlation" in only(arms, "MD")["reason"]
    assert only(arms.assign(correlation=0.5), "MD")["vi"] == pytest.approx(4 / 28)


@pytest.mark.parametrize("cells", [
    {"contrast": "crossover_paired"}, {"contrast": np.nan, "design": "rct_crossover"},
])
@pytest.mark.parametrize("measure", ["RR", "OR", "RD"])
def test_counts_of_a_crossover_trial_are_not_two_independent_arms(measure, cells):
    counts = _count_row((10, 50), (20, 50)).assign(**cells)
    for basis in ("auto", "arms"):
        alone = only(counts, measure, basis)
        assert not alone["included"] and "crossover trial" in alone["reason"]
    kind = {"RR": "risk_ratio", "OR": "odds_ratio", "RD": "risk_difference"}[measure]
    reported = only(counts.assign(effect=0.5, effect_se=0.2, effect_measure=kind), measure)
    assert (reported["included"], reported["derived_from"]) == (True, "reported_se")
    silent = only(counts.assign(control_events=np.nan), measure)
    assert silent["reason"] == "no effect reported, counts are not given for both arms"


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"contrast": "within_arm"}, "one arm"),
        ({"verification": "unverified"}, "unverified"),
        ({"poolable": False}, "not poolable"),
        ({"poolable": pd.NA}, "not poolable"),
        ({"effect_se": 0.0}, "standard error is not positive"),
        ({"effect_se": 1e200}, "too large"),
        ({"effect_se": 1e-200}, "variance is not positive"),
        ({"effect_se": np.nan}, "no standard error or interval"),
        ({"effect_se": np.nan, "poolable": False}, "no standard error or interval"),
        ({"effect": np.nan}, "no effect reported"),
        ({"unit": "events"}, "not of participants"),
    ],
)
def test_reasons(cells, reason):
    plain = {"effect": 1.0, "effect_se": 0.5, "effect_measure": "mean_difference"}
    result = only(row(**(plain | cells)), "MD")
    assert not result["included"]
    assert reason in result["reason"]


def test_unverified_values_are_shown():
    shown = only(row(effect=1.0, effect_se=0.5, verification="unverified"), "GEN")
    assert (shown["yi"], shown["included"]) == (1.0, False)


def test_impossible_numbers_are_reasons_not_crashes():
    assert "do not fit" in only(_count_row((30, 20), (1, 20)), "RR")["reason"]
    assert "negative" in only(_mean_row((1, -1, 20), (1, 1, 20)), "MD")["reason"]
    low_high = row(
        effect=1.0, effect_ci_low=2.0, effect_ci_high=0.0, effect_measure="mean_difference"
    )
    assert "upper limit" in only(low_high, "MD")["reason"]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("measure", ["MD", "SMD"])
def test_numbers_beyond_all_bounds_are_reasons_not_crashes(measure):
    assert "too large" in only(_mean_row((1, 1e200, 20), (1, 1, 20)), measure)["reason"]
    kind = {"MD": "mean_difference", "SMD": "standardised_mean_difference"}[measure]
    limits = row(effect=0.0, effect_ci_low=-1e308, effect_ci_high=1e308, effect_measure=kind)
    assert "too large" in only(limits, measure)["reason"]


def _ready(**cells) -> pd.DataFrame:
    return row(**{"effect": [1.0, 2.0], "effect_se": [0.5, 0.5]} | cells)


def test_main_row_stays_and_sensitivity_row_is_listed():
    rows = _ready(study=["a", "a"], pool_role=["sensitivity", "main"])
    effects = outcome_effects(rows, "GEN")
    assert effects["included"].tolist() == [False, True]
    assert "o1" in effects["reason"][0]
    alone = outcome_effects(rows[:1], "GEN")
    assert alone["included"].all()


def test_shared_participants_are_counted_once():
    effects = outcome_effects(_ready(participants_of=["s1", np.nan]), "GEN")
    assert effects["included"].tolist() == [False, True]
    assert effects["reason"][0] == "shares participants with s1, counted once"
    siblings = outcome_effects(_ready(participants_of=["z", "z"]), "GEN")
    assert siblings["included"].tolist() == [True, False]


def test_an_excluded_row_does_not_take_the_place_of_another():
    rows = _ready(study=["a", "a"], verification=["unverified", "primary"])
    assert outcome_effects(rows, "GEN")["included"].tolist() == [False, True]


def test_people_are_those_of_both_arms_or_of_the_study():
    two = _count_row((1, 20), (2, 30))
    assert only(two, "RR")["n"] == 50
    assert only(two.assign(contrast="crossover_paired"), "RR")["n"] == 30
    ready = _ready(n_randomised=[40, np.nan])
    assert outcome_effects(ready, "GEN")["n"].tolist() == [40, pd.NA]


def test_unknown_measure_and_basis():
    with pytest.raises(ValueError, match="unknown measure ARR"):
        outcome_effects(_ready(), "ARR")
    with pytest.raises(ValueError, match="unknown basis both"):
        outcome_effects(_ready(), "MD", "both")


def _count_row(arm1, arm2) -> pd.DataFrame:
    return row(
        intervention_events=arm1[0], intervention_n=arm1[1],
        control_events=arm2[0], control_n=arm2[1],
    )  # fmt: skip


def _mean_row(arm1, arm2) -> pd.DataFrame:
    names = ("mean", "sd", "n")
    return row(
        **dict(zip((f"intervention_{name}" for name in names), arm1, strict=True)),
        **dict(zip((f"control_{name}" for name in names), arm2, strict=True)),
    )
