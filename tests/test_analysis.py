"""Analyses of a review: from four small tables to effects.csv and pooled.csv."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evidence.pooling.analyses import (
    EFFECT_COLUMNS,
    POOLED_COLUMNS,
    effects_table,
    left_out,
    pooled_table,
    run_analyses,
)
from evidence.project.derived import write_derived
from evidence.review.problems import ReviewError
from evidence.review.review import load_review


class SmallReview:
    """Tables in memory, with what `run_analyses` asks of a review."""

    bibliography: dict = {}  # noqa: RUF012

    def __init__(self, root: Path, **tables):
        self.root = root
        self.tables = tables

    def table(self, name: str) -> pd.DataFrame:
        return self.tables.get(name, pd.DataFrame()).copy()


STUDIES = pd.DataFrame(
    {
        "study": ["ash2001", "birch2003", "cedar2005", "cedar2006"],
        "condition": "cough",
        "design": ["rct_parallel", "rct_parallel", "rct_crossover", "rct_crossover"],
        "n_randomised": pd.array([100, 80, 30, 30], dtype="Int64"),
        "participants_of": [np.nan, np.nan, np.nan, "cedar2005"],
    }
)
OUTCOMES = pd.DataFrame(
    {
        "outcome_id": ["ash-cough", "birch-cough", "cedar-cough", "cedar6-cough", "birch-cured"],
        "study": ["ash2001", "birch2003", "cedar2005", "cedar2006", "birch2003"],
        "domain": ["cough"] * 4 + ["cure"],
        "higher_is": ["worse"] * 4 + ["better"],
        "contrast": ["between_arms"] * 2 + ["crossover_paired"] * 2 + ["between_arms"],
        "intervention_n": pd.array([50, 40, 28, 28, 40], dtype="Int64"),
        "control_n": pd.array([50, 40, 28, 28, 40], dtype="Int64"),
        "intervention_events": pd.array([None] * 4 + [20], dtype="Int64"),
        "control_events": pd.array([None] * 4 + [10], dtype="Int64"),
        "effect_measure": ["mean_difference"] * 4 + ["none"],
        "effect": [-1.0, -0.2, -0.6, -0.5, np.nan],
        "effect_se": [0.3, np.nan, 0.2, 0.2, np.nan],
        "effect_ci_low": [np.nan, -0.9, np.nan, np.nan, np.nan],
        "effect_ci_high": [np.nan, 0.5, np.nan, np.nan, np.nan],
        "poolable": pd.array([True] * 5, dtype="boolean"),
        "verification": "primary",
    }
)
HARMS = pd.DataFrame(
    {
        "harm_id": ["ash-nausea", "birch-nausea", "cedar-nausea"],
        "study": ["ash2001", "birch2003", "cedar2005"],
        "intervention_events": pd.array([4, 0, 9], dtype="Int64"),
        "intervention_n": pd.array([50, 40, 28], dtype="Int64"),
        "control_events": pd.array([2, 0, 7], dtype="Int64"),
        "control_n": pd.array([50, 40, 28], dtype="Int64"),
        "unit": ["participants", "participants", "events"],
        "verification": "secondary",
    }
)
COUGH = "ash-cough; birch-cough;cedar-cough;cedar6-cough"


def specification(**cells) -> pd.DataFrame:
    plain = {
        "analysis": "cough", "title": "Cough", "measure": "MD", "include": COUGH,
        "role": "primary", "parent": np.nan, "tau2_method": np.nan, "rationale": "main question",
    }  # fmt: skip
    return pd.DataFrame([plain | cells])


def review(tmp_path, *specifications, **tables) -> SmallReview:
    base = {"studies": STUDIES, "outcomes": OUTCOMES, "harms": HARMS}
    analyses = pd.concat(specifications, ignore_index=True)
    return SmallReview(tmp_path, **(base | tables), analyses=analyses)


def test_one_analysis_from_tables_to_synthesis(tmp_path):
    result = run_analyses(review(tmp_path, specification()))["cough"]
    pool = result
    assert (result.role, result.parent, result.rationale) == ("primary", "", "main question")
    assert (pool.k, pool.n, pool.tau2_method, pool.higher_is) == (3, 208, "REML", "worse")
    assert [row.crossover for row in pool.studies] == [False, False, True]
    assert [row.derived_from for row in pool.studies] == [
        "reported_se",
        "reported_ci",
        "reported_se",
    ]
    assert [row.reason for row in pool.excluded] == [
        "shares participants with cedar2005, counted once"
    ]


def test_harms_are_pooled_by_id(tmp_path):
    spec = specification(
        analysis="nausea", measure="RR", include="ash-nausea;birch-nausea;cedar-nausea"
    )
    pool = run_analyses(review(tmp_path, spec))["nausea"]
    assert (pool.k, pool.higher_is, pool.estimate) == (1, "worse", pytest.approx(2.0))
    assert [row.reason for row in pool.excluded] == [
        "no events in both arms",
        "counts are of events, not of participants",
    ]


def test_estimator_and_basis_are_taken_from_the_file(tmp_path):
    spec = specification(tau2_method="DL", basis="arms")
    result = run_analyses(review(tmp_path, spec))["cough"]
    assert (result.tau2_method, result.k) == ("DL", 0)
    assert result.measure == "MD"


def test_tables_have_the_columns_of_the_contract(tmp_path):
    results = run_analyses(
        review(tmp_path, specification(), specification(analysis="two", include="ash-cough"))
    )
    effects, pooled = effects_table(results), pooled_table(results)
    assert tuple(effects) == EFFECT_COLUMNS
    assert tuple(pooled) == POOLED_COLUMNS
    assert effects.groupby("analysis")["weight_percent"].sum().round(9).eq(100).all()
    assert len(pooled) == 6
    assert pooled.loc[pooled["is_default"], "interval_rule"].eq("hartung_knapp_floored").all()
    assert pooled["excluded"][0] == "cedar6-cough: shares participants with cedar2005, counted once"
    assert pooled.loc[pooled["analysis"] == "two", ["tau2", "pi_low", "q"]].isna().all(axis=None)


def test_derived_files_are_the_same_bytes_on_every_run(tmp_path):
    one = review(tmp_path, specification(), specification(analysis="none", include="birch-cured"))
    results = run_analyses(one)
    paths = write_derived(one, results)
    before = [path.read_bytes() for path in paths]
    assert [path.name for path in paths] == ["effects.csv", "pooled.csv"]
    assert [path.read_bytes() for path in write_derived(one, run_analyses(one))] == before
    assert len(list(paths[0].parent.iterdir())) == 2
    text = before[1].decode()
    assert "cough,MD,3,208,REML,hartung_knapp_floored,true," in text
    assert 'none,MD,0,,REML,wald,false,,,,,,,,,,,,,,,"birch-cured: ' in text
    assert "\r" not in text


@pytest.mark.parametrize(
    ("cells", "column", "rule"),
    [
        ({"include": "ash-cough;elm-cough"}, "include", "is neither an outcome nor a harm"),
        ({"include": "ash-cough;ash-cough"}, "include", "is named twice"),
        ({"include": np.nan}, "include", "names no outcome"),
        ({"measure": "ARR"}, "measure", "is unknown"),
        ({"measure": np.nan}, "measure", "is unknown"),
        ({"tau2_method": "ML"}, "tau2_method", "is unknown"),
        ({"basis": "both"}, "basis", "is unknown"),
        ({"parent": "sneeze"}, "parent", "is no analysis of this file"),
    ],
)
def test_problems_of_analyses_csv(tmp_path, cells, column, rule):
    with pytest.raises(ReviewError) as error:
        run_analyses(review(tmp_path, specification(), specification(analysis="b", **cells)))
    assert [(p.file, p.row, p.column, p.rule) for p in error.value.problems] == [
        ("data/analyses.csv", 3, column, rule)
    ]


def test_opposite_directions_are_not_pooled(tmp_path):
    mixed = OUTCOMES.assign(higher_is=["worse", "better", "worse", "worse", "better"])
    with pytest.raises(ReviewError, match="higher is worse with outcomes where higher is better"):
        run_analyses(review(tmp_path, specification(), outcomes=mixed))


SCALES = {"scale_low": [0.0] * 5, "scale_high": [10.0, 100.0, np.nan, 10.0, 10.0]}
KINDS = {"effect_measure": ["percent_change", "risk_difference", "none", np.nan, "none"]}


@pytest.mark.parametrize(("measure", "cells", "rule"), [
    ("MD", SCALES, "pools points of different scales: 0 to 10, 0 to 100"),
    ("GEN", SCALES, "pools points of different scales: 0 to 10, 0 to 100"),
    ("GEN", KINDS, "pools effects of different kinds: percent change, risk difference"),
])
def test_what_has_no_unit_in_common_is_not_pooled(tmp_path, measure, cells, rule):
    spec = specification(measure=measure)
    with pytest.raises(ReviewError) as error:
        run_analyses(review(tmp_path, specification(analysis="one", include="ash-cough"), spec,
                            outcomes=OUTCOMES.assign(**cells)))
    assert [(p.row, p.column, p.value, p.rule) for p in error.value.problems] == [
        (3, "include", "cough", rule)
    ]


def test_scales_of_rows_that_are_not_pooled_or_have_no_points_may_differ(tmp_path):
    mixed = OUTCOMES.assign(**SCALES)
    barred = mixed.assign(poolable=[True, False, True, True, True])
    assert run_analyses(review(tmp_path, specification(), outcomes=barred))["cough"].k
    percents = mixed.assign(effect_measure="percent_change")
    spec = specification(measure="GEN")
    assert run_analyses(review(tmp_path, spec, outcomes=percents))["cough"].k == 3
    standard = mixed.assign(effect_measure="standardised_mean_difference")
    spec = specification(measure="SMD")
    assert run_analyses(review(tmp_path, spec, outcomes=standard))["cough"].k == 3


def test_chain_of_shared_participants(tmp_path):
    studies = STUDIES.assign(participants_of=[np.nan, "ash2001", "birch2003", "cedar2005"])
    pool = run_analyses(review(tmp_path, specification(), studies=studies))["cough"]
    assert [row.outcome_id for row in pool.studies] == ["ash-cough"]


def test_least_columns_are_enough(tmp_path):
    outcomes = OUTCOMES.drop(columns=["intervention_events", "control_events"])
    plain = review(
        tmp_path, specification().drop(columns=["parent", "tau2_method", "rationale"]),
        outcomes=outcomes, studies=STUDIES[["study", "condition", "design", "n_randomised"]],
        harms=pd.DataFrame(),
    )  # fmt: skip
    assert run_analyses(plain)["cough"].k == 4


@pytest.mark.parametrize("column", ["verification", "poolable", "unit"])
def test_a_column_of_one_table_bars_no_row_of_the_other(tmp_path, column):
    value = {"verification": "primary", "poolable": True, "unit": "participants"}[column]
    spec = specification(include="ash-cough;birch-cough"), specification(
        analysis="nausea", measure="RR", include="ash-nausea"
    )
    for here, there in (("outcomes", "harms"), ("harms", "outcomes")):
        tables = {"outcomes": OUTCOMES, "harms": HARMS.drop(columns="unit")}
        tables[here] = tables[here].assign(**{column: value})
        tables[there] = tables[there].drop(columns=column, errors="ignore")
        results = run_analyses(review(tmp_path, *spec, **tables))
        assert {name: run.k for name, run in results.items()} == {
            "cough": 2, "nausea": 1
        }, here


@pytest.mark.parametrize(("column", "value", "reason"), [
    ("verification", np.nan, "unverified"), ("poolable", np.nan, "marked not poolable"),
    ("poolable", False, "marked not poolable"), ("poolable", "false", "marked not poolable"),
])
def test_an_empty_cell_of_its_own_table_bars_a_row(tmp_path, column, value, reason):
    spec = specification(analysis="nausea", measure="RR", include="ash-nausea")
    harms = HARMS.assign(**{column: pd.Series([value, value, value], dtype=object)})
    pool = run_analyses(review(tmp_path, spec, harms=harms))["nausea"]
    assert [row.reason for row in pool.excluded] == [reason]


COUNTS = pd.DataFrame({
    "outcome_id": ["ash-men", "ash-women", "birch-all", "cedar-all"],
    "study": ["ash2001", "ash2001", "birch2003", "cedar2005"],
    "contrast": "between_arms",
    "stratum": ["men", "women", np.nan, np.nan],
    "dose": ["high", "low", "high", "low"],
    "week": [12.0, 12.0, 12.0, 26.0],
    "intervention_events": [10, 12, 5, 3], "intervention_n": [50, 60, 40, 15],
    "control_events": [20, 21, 9, 6], "control_n": [50, 61, 41, 15],
})  # fmt: skip
ALL = ";".join(COUNTS["outcome_id"])
PARALLEL = STUDIES.assign(design="rct_parallel", country=["at", "at", "be", "be"])


def pools(tmp_path, outcomes=COUNTS, **cells):
    spec = specification(analysis="deaths", measure="RR", include=ALL, **cells)
    return run_analyses(review(tmp_path, spec, outcomes=outcomes, studies=PARALLEL,
                               harms=pd.DataFrame()))


def test_strata_of_one_study_are_pooled_side_by_side(tmp_path):
    pool = pools(tmp_path)["deaths"]
    assert (pool.k, pool.n) == (4, 50 + 50 + 60 + 61 + 81 + 30)
    results = pools(tmp_path, COUNTS.drop(columns="stratum"))
    assert results["deaths"].k == 3
    assert left_out(results) == [
        "deaths: ash-women is not pooled: same trial as ash-men, participants counted once"]


def test_arms_that_share_their_control_split_it(tmp_path):
    arms = COUNTS.drop(columns="stratum").assign(shared_control=["placebo", "placebo", "", np.nan])
    arms.loc[:1, ["control_events", "control_n"]] = (20, 50)
    pool = pools(tmp_path, arms)["deaths"]
    assert (pool.k, pool.n) == (4, 50 + 60 + 50 + 81 + 30)  # the control once
    assert pool.effects["derived_from"].tolist() == ["arms_shared", "arms_shared", "arms", "arms"]
    assert pool.effects["vi"][0] == pytest.approx(1 / 10 - 1 / 50 + 1 / 10 - 1 / 25)


@pytest.mark.parametrize(("include", "ids"), [
    ("dose = high", ["ash-men", "birch-all"]),
    ("dose=low; week = 26", ["cedar-all"]),
    ("country = at; week = 12.0", ["ash-men", "ash-women", "birch-all"]),
])
def test_rows_are_included_by_a_filter(tmp_path, include, ids):
    spec = specification(analysis="deaths", measure="RR", include=include)
    one = review(tmp_path, spec, outcomes=COUNTS, studies=PARALLEL, harms=pd.DataFrame())
    assert run_analyses(one)["deaths"].effects["outcome_id"].tolist() == ids


def test_a_filter_passes_the_checks_of_links(minimal):
    table = minimal / "data/analyses.csv"
    table.write_text("analysis,measure,include\nwarmth,MD,domain = warmth\nnobody,MD,abel\n")
    with pytest.raises(ReviewError) as error:
        load_review(minimal)
    assert [(p.row, p.value) for p in error.value.problems] == [(3, "abel")]


@pytest.mark.parametrize(("cells", "column", "rule"), [
    ({"include": "dose = none"}, "include", "matches no outcome"),
    ({"include": "colour = red"}, "include", "begins with no column"),
    ({"method": "peto"}, "method", "does not pool RR"),
    ({"method": "mantel_haenszel", "tau2_method": "REML"}, "tau2_method", "does not go with"),
    ({"method": "mantel_haenszel", "interval_rule": "hartung_knapp"}, "interval_rule", "not go"),
    ({"method": "mantel_haenszel", "basis": "reported"}, "basis", "pools counts"),
    ({"scale": "log"}, "scale", "belongs to GEN"),
    ({"subgroup_by": "colour"}, "subgroup_by", "is no column"),
    ({"moderators": "week; colour"}, "moderators", "is no column"),
    ({"draw_pool": "perhaps"}, "draw_pool", "is unknown"),
])
def test_choices_of_an_analysis_that_cannot_be(tmp_path, cells, column, rule):
    spec = specification(**({"analysis": "deaths", "measure": "RR", "include": ALL} | cells))
    with pytest.raises(ReviewError) as error:
        run_analyses(review(tmp_path, spec, outcomes=COUNTS, studies=PARALLEL,
                            harms=pd.DataFrame()))
    (problem,) = error.value.problems
    assert (problem.row, problem.column) == (2, column) and rule in problem.rule


def test_an_arm_without_events_anywhere_has_no_mantel_haenszel_ratio(tmp_path):
    with pytest.raises(ReviewError, match="one arm has no events in any trial"):
        pools(tmp_path, COUNTS.assign(control_events=0), method="mantel_haenszel")


def test_a_difference_of_trials_without_any_event_has_no_diamond(tmp_path):
    nobody = COUNTS.assign(control_events=0, intervention_events=0)
    spec = specification(analysis="deaths", measure="RD", include=ALL, method="mantel_haenszel")
    pool = run_analyses(review(tmp_path, spec, outcomes=nobody, studies=PARALLEL,
                               harms=pd.DataFrame()))["deaths"]
    assert pool.estimate == 0 and not pool.can_pool and "No trial has an event" in pool.why_undrawn


def test_tables_of_subgroups_and_regressions_come_and_go(tmp_path):
    spec = specification(analysis="deaths", measure="RR", include=ALL, method="mantel_haenszel",
                         subgroup_by="dose", moderators="week")
    one = review(tmp_path, spec, outcomes=COUNTS, studies=PARALLEL, harms=pd.DataFrame())
    names = [path.name for path in write_derived(one, run_analyses(one))]
    assert names == ["effects.csv", "pooled.csv", "subgroups.csv", "regressions.csv"]
    groups = pd.read_csv(tmp_path / "data/derived/subgroups.csv")
    assert groups["subgroup"].tolist() == ["high", "low"]
    assert groups["df_between"].tolist() == [1, 1]
    terms = pd.read_csv(tmp_path / "data/derived/regressions.csv")
    assert terms["term"].tolist() == ["intercept", "week"]
    plain = specification(analysis="deaths", measure="RR", include=ALL)
    two = review(tmp_path, plain, outcomes=COUNTS, studies=PARALLEL, harms=pd.DataFrame())
    write_derived(two, run_analyses(two))
    assert sorted(path.name for path in (tmp_path / "data/derived").iterdir()) == [
        "effects.csv", "pooled.csv"]


def test_one_study_says_what_its_interval_is(tmp_path):
    spec = [specification(analysis=name, include=name) for name in ("ash-cough", "birch-cough")]
    table = pooled_table(run_analyses(review(tmp_path, *spec)))
    assert table["interval_source"].tolist() == ["z"] * 3 + ["reported"] * 3
    assert table.loc[3:, ["ci_low", "ci_high"]].drop_duplicates().to_numpy().tolist() == [
        [-0.9, 0.5]]
    several = pooled_table(run_analyses(review(tmp_path, specification())))
    assert several["interval_source"].eq("").all()
