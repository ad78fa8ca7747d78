"""Sizes of trials: in the unit of the pool, and empty where none can be computed."""

import numpy as np
import pytest

from conftest import MINIMAL, problems_of, write_review
from evidence.appraisal import gaps, information
from evidence.appraisal.information import POINTS, RATIO, SD_UNITS, Target
from evidence.pooling.analyses import run_analyses
from evidence.review.review import load_review

ARMS = ("intervention_n", "intervention_mean", "intervention_sd", "control_n", "control_mean",
        "control_sd")
MEANS = ((50, 4.0, 2.0, 50, 5.2, 2.0), (50, 4.5, 2.0, 50, 5.5, 2.0))
COUNTS = ("intervention_n", "intervention_events", "control_n", "control_events")


def trials(root, measure, names, numbers, effect, unit):
    """A review of two trials with one analysis, and an outcome that is judged by it."""
    keys = ("abel2001", "cole2005")
    lines = [f"w{i},{key},{','.join(map(str, cells))}"
             for i, (key, cells) in enumerate(zip(keys, numbers, strict=True))]
    certainty = f"outcome,analysis,important_effect,effect_unit\nwarm,warmth,{effect},{unit}\n"
    return write_review(root, MINIMAL | {
        "data/outcomes.csv": "\n".join([f"outcome_id,study,{','.join(names)}", *lines, ""]),
        "data/analyses.csv": f"analysis,measure,include\nwarmth,{measure},w0;w1\n",
        "data/certainty.csv": certainty,
    })


def scaled(factor):
    return [(n, m * factor, s * factor, k, m0 * factor, s0 * factor)
            for n, m, s, k, m0, s0 in MEANS]


@pytest.mark.parametrize(("measure", "effect", "unit"), [
    ("SMD", lambda factor: 0.5, SD_UNITS), ("MD", lambda factor: 0.5, SD_UNITS),
    ("MD", lambda factor: factor, POINTS),
])
def test_the_weight_of_a_trial_to_come_does_not_depend_on_the_scale(
    tmp_path, measure, effect, unit
):
    shares = []
    for factor in (1, 10):
        root = trials(tmp_path / str(factor), measure, ARMS, scaled(factor), effect(factor), unit)
        review = load_review(root)
        shares.append(gaps.open_questions(review, run_analyses(review))["share_percent"].item())
    assert shares[0] == pytest.approx(shares[1], rel=1e-9)
    size = information.n_per_arm(0.5)
    alone = 1 / (2 / size)
    assert measure == "MD" or shares[0] == pytest.approx(100 * alone / (alone + 50), abs=1)


def test_points_of_standardised_differences_give_no_size(tmp_path):
    review = load_review(trials(tmp_path, "SMD", ARMS, MEANS, 1, POINTS))
    table = information.information_size(review, run_analyses(review))
    assert np.isnan(table["needed"].item()) and np.isnan(table["reached"].item())


@pytest.mark.parametrize("aim", [
    Target(0.0, POINTS, 2.0, np.nan), Target(1.0, POINTS, np.nan, np.nan),
    Target(1.0, POINTS, 0.0, np.nan), Target(0.0, SD_UNITS, 2.0, np.nan),
    Target(0.8, RATIO, np.nan, 0.0), Target(0.8, RATIO, np.nan, np.nan),
    Target(1.0, RATIO, np.nan, 0.3), Target(0.0, RATIO, np.nan, 0.3),
    Target(-1.0, RATIO, np.nan, 0.3), Target(1.25, RATIO, np.nan, 0.9),
])
def test_where_no_size_can_be_computed_there_is_none(aim):
    assert np.isnan(aim.per_arm())
    assert np.isnan(aim.per_arm(share=0.5)) or aim.risk == 0.9
    assert np.isnan(aim.variance(aim.per_arm()))


def test_wrong_power_is_refused_all_the_same():
    with pytest.raises(ValueError, match="alpha and power"):
        Target(1.0, POINTS, 2.0, np.nan).per_arm(power=1)


def test_controls_without_events_give_no_size_and_no_crash(tmp_path):
    counts = ((50, 3, 50, 0), (60, 4, 60, 0))
    review = load_review(trials(tmp_path, "RR", COUNTS, counts, 0.8, RATIO))
    analyses = run_analyses(review)
    assert np.isnan(information.information_size(review, analyses)["needed"].item())
    assert np.isnan(gaps.open_questions(review, analyses)["share_percent"].item())


@pytest.mark.parametrize(("effect", "unit", "rule"), [
    ("0", POINTS, "is no effect"), ("0", SD_UNITS, "is no effect"), ("0", RATIO, "above 0"),
    ("1", RATIO, "not 1"), ("-2", RATIO, "above 0"), ("-2", POINTS, None), ("1", SD_UNITS, None),
])
def test_check_names_an_important_effect_that_is_none(tmp_path, effect, unit, rule):
    found = problems_of(trials(tmp_path, "MD", ARMS, MEANS, effect, unit))
    assert [(p.file, p.row, p.column, p.value) for p in found] == (
        [("data/certainty.csv", 2, "important_effect", effect)] if rule else []
    )
    assert all(rule in p.rule for p in found)
