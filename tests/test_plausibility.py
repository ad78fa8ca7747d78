"""Numbers that contradict their neighbours are named; what a careful report prints is not."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evidence.review.checks.context import Context
from evidence.review.checks.numbers import CHECKS
from evidence.review.checks.plausibility import AGREEMENT
from evidence.review.dictionary import Dictionary, default_descriptor

NAN = float("nan")
DICTIONARY = Dictionary(default_descriptor(), True, {})
DIFFERENCE = {
    "outcome_id": "a", "study": "s", "contrast": "between_arms", "verification": "primary",
    "effect_measure": "mean_difference", "effect": -0.42, "effect_se": NAN,
    "effect_ci_low": -0.82, "effect_ci_high": -0.02, "p_value": 0.04, "scale_low": 0.0,
    "scale_high": 10.0, "intervention_n": 50, "control_n": 50, "intervention_mean": 4.6,
    "control_mean": 5.0, "intervention_sd": 1.0, "control_sd": 1.1,
    "intervention_baseline_sd": 1.2, "control_baseline_sd": 1.1,
}  # fmt: skip
RATIO = {
    "outcome_id": "a", "study": "s", "contrast": "between_arms", "verification": "primary",
    "effect_measure": "risk_ratio", "effect": 0.6, "effect_ci_low": 0.37, "effect_ci_high": 0.98,
    "p_value": 0.04, "intervention_events": 18, "intervention_n": 60, "control_events": 30,
    "control_n": 60,
}  # fmt: skip
BARE = {k: v for k, v in RATIO.items() if "events" not in k}
SHARE = {**RATIO, "effect_measure": "risk_difference", "effect": -0.2, "effect_ci_low": -0.37,
         "effect_ci_high": -0.03, "p_value": 0.02}  # fmt: skip
ODDS = {**RATIO, "effect_measure": "odds_ratio", "effect": 0.43, "effect_ci_low": 0.2,
        "effect_ci_high": 0.91, "p_value": 0.03}  # fmt: skip
SMD = {**DIFFERENCE, "effect_measure": "standardised_mean_difference", "effect": -0.38,
       "effect_ci_low": -0.78, "effect_ci_high": 0.02, "p_value": 0.06}  # fmt: skip
RATES = {"outcome_id": "a", "study": "s", "effect_measure": "rate_ratio", "effect": 0.5,
         "effect_ci_low": 0.23, "effect_ci_high": 1.07, "intervention_events": 10,
         "intervention_time": 100.0, "control_events": 20, "control_time": 100.0}
CHANGE = {"outcome_id": "a", "study": "s", "control_change": -1.0, "control_change_ci_low": -1.5,
          "control_change_ci_high": -0.5}  # fmt: skip


def context_of(*rows, table="outcomes", **others):
    tables = {table: pd.DataFrame(rows), **{k: pd.DataFrame(v) for k, v in others.items()}}
    return Context(DICTIONARY, tables, None, Path("nowhere"))


def remarks(*rows, table="outcomes", **others):
    """Columns that are named, with the problems, in a review of these rows."""
    context = context_of(*rows, table=table, **others)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error")
        return [problem for check in AGREEMENT for problem in check(context)]


def named(*rows, **others):
    return {problem.column for problem in remarks(*rows, **others)}


@pytest.mark.parametrize("row", [DIFFERENCE, RATIO, BARE, SHARE, ODDS, SMD, CHANGE, RATES])
def test_what_a_careful_report_prints_is_quiet(row):
    assert remarks(row) == []


WRONG = {
    "estimate off the middle": (DIFFERENCE, {"effect": -0.62, "p_value": NAN}, "effect"),
    "limit slipped by a point": (DIFFERENCE, {"effect_ci_low": -8.2, "p_value": NAN}, "effect"),
    "sign lost from a limit": (DIFFERENCE, {"effect_ci_high": 0.2, "p_value": NAN}, "effect"),
    "limit of a ratio slipped": (BARE, {"effect_ci_high": 9.8, "p_value": NAN}, "effect"),
    "ratio even on the plain scale": (
        BARE, {"effect": 0.8, "effect_ci_low": 0.2, "effect_ci_high": 1.4, "p_value": NAN},
        "effect"),
    "change off the middle": (CHANGE, {"control_change": -0.6}, "control_change"),
    "p slipped by two places": (DIFFERENCE, {"p_value": 0.0004}, "p_value"),
    "p beside an interval without effect": (BARE, {"p_value": 0.9}, "p_value"),
    "p below a bound": (
        DIFFERENCE, {"effect": -0.1, "effect_ci_low": -0.5, "effect_ci_high": 0.3,
                     "p_value": 0.01, "p_relation": "<"}, "p_value"),
    "p above a bound": (DIFFERENCE, {"effect_ci_low": -0.52, "effect_ci_high": -0.32,
                                     "p_value": 0.05, "p_relation": ">"}, "p_value"),
    "interval of 90 %": (
        DIFFERENCE, {"effect_ci_low": -0.756, "effect_ci_high": -0.084}, "p_value"),
    "interval of 99 %": (
        DIFFERENCE, {"effect_ci_low": -0.946, "effect_ci_high": 0.106}, "p_value"),
    "p adjusted for many": (DIFFERENCE, {"p_value": 0.12}, "p_value"),
    "an SD as the error": (
        DIFFERENCE, {"effect_se": 1.05, "effect_ci_low": NAN, "effect_ci_high": NAN}, "p_value"),
    "an SD as the error, without p": (
        DIFFERENCE, {"effect_se": 1.05, "effect_ci_low": NAN, "effect_ci_high": NAN,
                     "p_value": NAN}, "effect_se"),
    "standard errors as SDs beside an interval": (
        DIFFERENCE, {"intervention_sd": 0.14, "control_sd": 0.16,
                     "intervention_baseline_sd": NAN, "control_baseline_sd": NAN},
        "effect_ci_low"),
    "standard errors as SDs beside the baseline": (
        DIFFERENCE, {"intervention_sd": 0.14, "control_sd": 0.16, "effect": NAN}, "control_sd"),
    "a standard error in one arm": (
        DIFFERENCE, {"intervention_sd": 0.14, "effect": NAN, "intervention_baseline_sd": NAN,
                     "control_baseline_sd": NAN}, "intervention_sd"),
    "baseline standard errors": (
        DIFFERENCE, {"intervention_baseline_sd": 0.17, "control_baseline_sd": 0.16},
        "intervention_baseline_sd"),
    "effect far from its arms": (
        DIFFERENCE, {"effect": -1.9, "effect_ci_low": -2.3, "effect_ci_high": -1.5,
                     "p_value": NAN}, "effect"),
    "effect larger than its scale": (
        DIFFERENCE, {"effect": -30.0, "effect_ci_low": NAN, "effect_ci_high": NAN}, "effect"),
    "change larger than its scale": (
        {**CHANGE, "scale_low": 0.0, "scale_high": 10.0},
        {"control_change": -25.0, "control_change_ci_low": NAN}, "control_change"),
    "SD larger than its scale allows": (DIFFERENCE, {"intervention_sd": 11.0}, "intervention_sd"),
    "standardised difference slipped": (
        SMD, {"effect": -3.8, "effect_ci_low": -4.4, "effect_ci_high": -3.2, "p_value": NAN},
        "effect"),
    "risk ratio called an odds ratio": (RATIO, {"effect_measure": "odds_ratio"}, "effect"),
    "odds ratio called a risk ratio": (ODDS, {"effect_measure": "risk_ratio"}, "effect"),
    "risk ratio far from its counts": (
        RATIO, {"effect": 0.96, "effect_ci_low": 0.59, "effect_ci_high": 1.56, "p_value": NAN},
        "effect"),
    "odds ratio far from its counts": (
        ODDS, {"effect": 0.043, "effect_ci_low": 0.02, "effect_ci_high": 0.091, "p_value": NAN},
        "effect"),
    "risk difference far from its counts": (
        SHARE, {"effect": -0.02, "effect_ci_low": -0.19, "effect_ci_high": 0.15, "p_value": NAN},
        "effect"),
    "risk difference in percent": (
        SHARE, {"effect": -20.0, "effect_ci_low": -37.0, "effect_ci_high": -3.0}, "effect"),
    "ratio in percent": (
        BARE, {"effect": 80.0, "effect_ci_low": 60.0, "effect_ci_high": 107.0, "p_value": NAN},
        "effect"),
    "correlation beyond one": (BARE, {"effect_measure": "correlation", "effect": 1.4}, "effect"),
    "share in percent": (
        BARE, {"effect_measure": "proportion", "effect": 16.0, "effect_ci_low": NAN,
               "effect_ci_high": NAN, "p_value": NAN}, "effect"),
}  # fmt: skip


@pytest.mark.parametrize(("row", "change", "column"), WRONG.values(), ids=WRONG)
def test_a_number_that_contradicts_its_neighbours_is_named(row, change, column):
    assert column in named({**row, **change})


ALLOWED = {
    "a few more decimals": (DIFFERENCE, {"effect": -0.4231, "effect_ci_low": -0.8154}),
    "limits rounded to one decimal": (
        BARE, {"effect": 0.6, "effect_ci_low": 0.4, "effect_ci_high": 1.0}),
    "p rounded to one digit": (DIFFERENCE, {"p_value": 0.04}),
    "p below its bound": (DIFFERENCE, {"p_value": 0.05, "p_relation": "<"}),
    "t of twelve people": (
        DIFFERENCE, {"intervention_n": 6, "control_n": 6, "effect": -1.0, "effect_ci_low": -2.1,
                     "effect_ci_high": 0.1, "p_value": 0.07, "intervention_sd": 0.9,
                     "control_sd": 0.8, "intervention_mean": 4.1}),
    "median difference off the middle": (
        DIFFERENCE, {"effect_measure": "median_difference", "effect_ci_high": 0.3,
                     "p_value": NAN}),
    "an adjusted effect near its arms": (
        DIFFERENCE, {"effect": -0.62, "effect_ci_low": -1.0, "effect_ci_high": -0.24,
                     "p_value": 0.001}),
    "the change, where the levels differ": (
        DIFFERENCE, {"effect": -1.4, "effect_ci_low": -1.8, "effect_ci_high": -1.0,
                     "p_value": NAN, "intervention_change": -2.4, "control_change": -1.0}),
    "few people with a narrow start": (
        DIFFERENCE, {"intervention_n": 6, "control_n": 6, "intervention_sd": 3.0,
                     "control_sd": 2.6, "effect": NAN, "effect_ci_low": NAN,
                     "effect_ci_high": NAN}),
    "an adjusted ratio": (
        RATIO, {"effect": 0.68, "effect_ci_low": 0.42, "effect_ci_high": 1.1, "p_value": 0.12}),
    "a ratio adjusted for much, of a cohort": (
        RATIO, {"effect": 1.25, "effect_ci_low": 0.8, "effect_ci_high": 1.95, "p_value": NAN}),
    "counts of events": (RATIO, {"unit": "events", "effect": 0.2, "effect_ci_low": 0.1,
                                 "effect_ci_high": 0.4, "p_value": NAN}),
}  # fmt: skip


@pytest.mark.parametrize(("row", "change"), ALLOWED.values(), ids=ALLOWED)
def test_what_rounding_tests_and_adjustment_do_is_quiet(row, change, request):
    studies = [{"study": "s", "design": "cohort" if "cohort" in request.node.name
                else "rct_parallel"}]  # fmt: skip
    assert remarks({**row, **change}, studies=studies) == []


def test_the_words_say_what_to_look_for():
    def words(row, **change):
        return " ".join(problem.rule for problem in remarks({**row, **change}))

    assert "2.5 on the log scale" in words(BARE, effect=0.8, effect_ci_low=0.6,
                                           effect_ci_high=10.7, p_value=NAN)
    assert "which give 0.04" in words(BARE, effect=0.7, effect_ci_low=0.5, effect_ci_high=0.98,
                                      p_value=0.9)
    assert "90 %" in words(DIFFERENCE, effect_ci_low=-0.756, effect_ci_high=-0.084)
    assert "99 %" in words(DIFFERENCE, effect_ci_low=-0.946, effect_ci_high=0.106)
    assert "several comparisons" in words(DIFFERENCE, p_value=0.15)
    assert "odds ratio is 0.4286" in words(RATIO, effect_measure="odds_ratio")


def test_only_the_impossible_stops():
    def stops(row, **change):
        return any(not problem.is_warning for problem in remarks({**row, **change}))

    assert stops(DIFFERENCE, effect=-30.0, effect_ci_low=NAN, effect_ci_high=NAN)
    assert stops(SHARE, effect=-20.0, effect_ci_low=-37.0, effect_ci_high=-3.0)
    assert not stops(DIFFERENCE, p_value=0.0004) and not stops(BARE, effect_ci_high=9.8)


@settings(max_examples=60)
@given(st.floats(-3, 3), st.floats(0.05, 2), st.integers(1, 3), st.booleans())
def test_any_honest_row_is_quiet(z, se, digits, is_ratio):
    """Whatever effect and error: what follows from them by z, rounded, is no contradiction."""
    effect = z * se
    low, high = effect - 1.959964 * se, effect + 1.959964 * se
    p = 2 * stats.norm.sf(abs(z))
    values = [effect, low, high]
    if is_ratio:
        values = [np.exp(value) for value in values]
        digits += 1
    values = [round(value, digits) for value in values]
    if not values[1] < values[0] < values[2] or (is_ratio and values[1] <= 0.05):
        return
    row = {**BARE, "effect_measure": "risk_ratio" if is_ratio else "mean_difference",
           **dict(zip(("effect", "effect_ci_low", "effect_ci_high"), values, strict=True)),
           "p_value": round(p, 3) or NAN}  # fmt: skip
    assert [p for p in remarks(row) if "very large" not in p.rule] == []


def test_one_control_group_under_two_keys_is_a_remark():
    arm = {"domain": "pain", "source": "s1", "intervention_events": 5, "intervention_n": 50,
           "control_events": 12, "control_n": 48}  # fmt: skip
    rows = [{"outcome_id": "a", "study": "s1", **arm},
            {"outcome_id": "b", "study": "s2", **arm, "intervention_events": 7}]  # fmt: skip
    one, = remarks(*rows)
    assert one.is_warning and one.row == 3
    assert "same control group (12 of 48) as a" in one.rule and "participants_of" in one.advice
    same = [{"study": "s1", "participants_of": None}, {"study": "s2", "participants_of": "s1"}]
    assert remarks(*rows, studies=same) == []
    assert remarks(rows[0], {**rows[1], "source": "s2"}) == []
    assert remarks(rows[0], {**rows[1], "study": "s1"}) == []


def test_two_studies_with_the_same_numbers_are_a_remark():
    counts = {"domain": "pain", "intervention_events": 6, "intervention_n": 60,
              "control_events": 8, "control_n": 61}  # fmt: skip
    means = {"domain": "pain", "intervention_mean": 4.1, "intervention_sd": 1.2,
             "intervention_n": 30, "control_mean": 4.9, "control_sd": 1.3, "control_n": 31}
    for numbers in (counts, means):
        rows = [{"outcome_id": "a", "study": "s1", **numbers},
                {"outcome_id": "b", "study": "s2", **numbers}]  # fmt: skip
        one, = remarks(*rows)
        assert "has the same numbers as a" in one.rule and one.is_warning and one.row == 3
        assert remarks(rows[0], {**rows[1], "domain": "sleep"}) == []


@pytest.mark.parametrize("text", ["46053", "31/01/2026", "2026-13-45", "2026", "31.1.2026",
                                  "46053.0", "Jan 2026", "2026-1-3", "20260131"])
def test_a_date_that_is_none_is_a_problem(text):
    rows = [{"item": "title", "value": "46053"}, {"item": "data_date", "value": text}]
    one, = remarks(*rows, table="review")
    assert (one.file, one.row, one.is_warning) == ("data/review.csv", 3, False)
    assert "is not a date" in one.rule and "2026-01-31" in one.advice
    assert remarks({"item": "data_date", "value": "2026-01-31"}, table="review") == []


SLIPS = {  # what a slip leaves, where fewer numbers stand beside it
    "p of zero": (BARE, {"p_value": 0.0}, "p_value"),
    "equal limits": (BARE, {"effect_ci_low": 0.6, "effect_ci_high": 0.6}, "effect_ci_low"),
    "interval of 90 % beside a rounded p": (
        BARE, {"effect_measure": "odds_ratio", "effect": 0.5, "effect_ci_low": 0.29,
               "effect_ci_high": 0.87}, "p_value"),
    "interval of 90 % beside its counts": (
        RATIO, {"effect_ci_low": 0.41, "effect_ci_high": 0.88, "p_value": NAN}, "effect_ci_low"),
    "interval of 99 % beside its counts": (
        RATIO, {"effect_ci_low": 0.33, "effect_ci_high": 1.1, "p_value": NAN}, "effect_ci_low"),
    "standard errors as SDs beside a p only": (
        DIFFERENCE, {"intervention_sd": 0.14, "control_sd": 0.16, "effect_ci_low": NAN,
                     "effect_ci_high": NAN, "intervention_baseline_sd": NAN,
                     "control_baseline_sd": NAN}, "p_value"),
    "a variance as SD": (
        DIFFERENCE, {"intervention_sd": 25.0, "scale_low": NAN}, "intervention_sd"),
    "points as a standardised difference": (
        SMD, {"effect": -7.0, "effect_ci_low": NAN, "effect_ci_high": NAN, "p_value": NAN},
        "effect"),
    "its interval in points": (
        SMD, {"effect": -4.2, "effect_ci_low": -8.2, "effect_ci_high": -0.2, "control_sd": NAN},
        "effect_ci_low"),
    "limit of a correlation beyond one": (
        BARE, {"effect_measure": "correlation", "effect_ci_high": 1.1, "p_value": NAN},
        "effect_ci_high"),
    "a share far from its counts": (
        RATIO, {"effect_measure": "proportion", "effect": 0.8, "effect_ci_low": 0.7,
                "effect_ci_high": 0.9, "p_value": NAN}, "effect"),
    "a hazard ratio against its counts": (
        RATIO, {"effect_measure": "hazard_ratio", "effect": 1.7, "effect_ci_low": 1.05,
                "effect_ci_high": 2.75}, "effect"),
    "an SD as the error, with people and a scale": (
        DIFFERENCE, {"effect_se": 1.2, "effect_ci_low": NAN, "effect_ci_high": NAN,
                     "p_value": NAN, "control_sd": NAN}, "effect_se"),
    "an error of next to nothing": (
        DIFFERENCE, {"effect_se": 1e-9, "effect_ci_low": NAN, "effect_ci_high": NAN,
                     "p_value": NAN, "control_sd": NAN}, "effect_se"),
    "a date as a number": (DIFFERENCE, {"week": 45678.0}, "week"),
    "the error of an odds ratio, not of its log": (
        ODDS, {"effect_se": 0.17, "effect_ci_low": NAN, "effect_ci_high": NAN, "p_value": NAN},
        "effect_se"),
    "the same without counts": (
        BARE, {"effect_measure": "odds_ratio", "effect": 0.43, "effect_se": 0.17,
               "effect_ci_low": NAN, "effect_ci_high": NAN, "p_value": NAN}, "effect_se"),
    "the error of a risk ratio, not of its log": (
        RATIO, {"effect_se": 0.14, "effect_ci_low": NAN, "effect_ci_high": NAN, "p_value": NAN},
        "effect_se"),
    "a hazard ratio surer than its people": (
        BARE, {"effect_measure": "hazard_ratio", "effect_ci_low": 0.5, "effect_ci_high": 0.72,
               "p_value": NAN}, "effect_ci_low"),
    "an arm in another unit": (
        DIFFERENCE, {"intervention_mean": 46.0, "scale_low": NAN, "effect": NAN,
                     "effect_ci_low": NAN, "effect_ci_high": NAN, "p_value": NAN},
        "intervention_mean"),
    "standard errors as SDs with nothing beside them but the scale": (
        DIFFERENCE, {"intervention_sd": 0.14, "control_sd": 0.16, "effect": NAN,
                     "effect_ci_low": NAN, "effect_ci_high": NAN, "p_value": NAN,
                     "intervention_baseline_sd": NAN, "control_baseline_sd": NAN}, "control_sd"),
    "a rate ratio far from its counts, without people": (RATES, {"effect": 6.0}, "effect"),
    "time in another unit in one arm": (
        RATES, {"intervention_n": 100, "control_n": 100, "control_time": 1200.0},
        "intervention_time"),
}  # fmt: skip


@pytest.mark.parametrize(("row", "change", "column"), SLIPS.values(), ids=SLIPS)
def test_a_slip_is_named_where_less_is_reported(row, change, column):
    with np.errstate(all="ignore"):
        found = [p for check in (*CHECKS, *AGREEMENT)
                 for p in check(context_of({**row, **change}))]  # fmt: skip
    assert column in {problem.column for problem in found}


HONEST = {
    "p of Fisher's test": (
        RATIO, {"intervention_events": 1, "intervention_n": 20, "control_events": 4,
                "control_n": 20, "effect": 0.25, "effect_ci_low": 0.03, "effect_ci_high": 2.05,
                "p_value": 0.34}),
    "the error of a log": (
        ODDS, {"effect_se": 0.386, "effect_ci_low": NAN, "effect_ci_high": NAN}),
    "an ordinal model": (
        BARE, {"effect_measure": "odds_ratio", "effect": 0.6, "effect_se": 0.32,
               "effect_ci_low": NAN, "effect_ci_high": NAN, "p_value": NAN}),
    "an error of the log close to that of the ratio": (
        RATIO, {"effect": 1.05, "effect_se": 0.21, "intervention_events": 29,
                "control_events": 28, "intervention_n": 58, "control_n": 59,
                "effect_ci_low": NAN, "effect_ci_high": NAN, "p_value": NAN}),
    "little spread at the end of a scale": (
        DIFFERENCE, {"intervention_mean": 0.2, "control_mean": 0.3, "intervention_sd": 0.2,
                     "control_sd": 0.3, "effect": NAN, "effect_ci_low": NAN,
                     "effect_ci_high": NAN, "p_value": NAN, "intervention_baseline_sd": NAN,
                     "control_baseline_sd": NAN}),
    "longer follow-up in one arm": (
        RATES, {"intervention_n": 100, "control_n": 60, "intervention_time": 120.0,
                "effect": 0.42, "effect_ci_low": 0.2, "effect_ci_high": 0.9}),
}  # fmt: skip


@pytest.mark.parametrize(("row", "change"), HONEST.values(), ids=HONEST)
def test_what_honest_rows_have_is_no_slip(row, change):
    assert remarks({**row, **change}) == []


def test_people_of_a_crossover_trial_in_both_arms_are_a_remark():
    trial = [{"study": "s", "design": "rct_crossover", "n_randomised": 50}]
    found = remarks(RATIO | {"intervention_n": 50, "control_n": 49}, studies=trial)
    assert "contrast" in {problem.column for problem in found}
    periods = RATIO | {"intervention_n": 25, "control_n": 25, "intervention_events": 8,
                       "control_events": 13, "effect": 0.62, "effect_ci_low": 0.31,
                       "effect_ci_high": 1.22, "p_value": 0.16}  # fmt: skip
    for row, studies in ((periods, trial), (
            RATIO, [{"study": "s", "design": "rct_parallel", "n_randomised": 120}])):
        assert "contrast" not in {problem.column for problem in remarks(row, studies=studies)}


def test_a_limit_that_is_missing_is_not_called_nan():
    for change, words in (({"effect_ci_low": 0.7, "effect_ci_high": NAN}, "below its lower limit"),
                          ({"effect_ci_low": NAN, "effect_ci_high": 0.5}, "above its upper limit")):
        rules = [p.rule for check in CHECKS for p in check(context_of({**BARE, **change}))]
        assert any(words in rule for rule in rules) and "nan" not in " ".join(rules)


def test_one_control_group_is_seen_without_a_column_of_sources():
    arm = {"domain": "pain", "control_mean": 4.9, "control_sd": 1.3, "control_n": 31,
           "intervention_mean": 4.1, "intervention_sd": 1.2, "intervention_n": 30}  # fmt: skip
    one, = remarks({"outcome_id": "a", "study": "s1", **arm},
                   {"outcome_id": "b", "study": "s2", **arm, "intervention_mean": 4.4})
    assert "same control group (31 people) as a" in one.rule
