"""Certainty, information size, gaps, flow and status: recomputed from the CSVs, moved by them."""

import csv
import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from conftest import REPOSITORY, edit
from drawn import with_tables
from evidence.appraisal import bias, certainty, flow, gaps, information
from evidence.appraisal.census import census
from evidence.appraisal.certainty import summary_of_findings
from evidence.figures import catalogue
from evidence.figures.kinds import gap_map
from evidence.pooling import outlook
from evidence.pooling.analyses import run_analyses
from evidence.pooling.estimators import pool_many
from evidence.project import status
from evidence.review.review import Tables, load_review
from evidence.wording import facts as facts_module
from evidence.wording.prose import MissingValueError, fill
from figure_checks import drawn_texts, texts

DATA = REPOSITORY / "data"
METHODS = {item["id"]: item for item in json.loads((DATA / "methods.json").read_text("utf-8"))}


def rows(name):
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def analyses(review):
    return run_analyses(review)


def test_grade_is_the_bookkeeping_of_the_methods_file():
    for example in METHODS["grade"]["test_values"]:
        assert certainty.grade(example["input"]["start"], example["input"]["down"]) == \
            example["expect"]
    assert certainty.grade(4, 0) == "high"
    assert certainty.grade(2, 0, 2) == "high"


@pytest.mark.parametrize(("difference", "sd", "expected"), [
    (1, 2.5, 98.11), (1, 2.0, 62.79), (0.2, 1, 392.44),
])
def test_sample_sizes_are_those_of_the_methods_file(difference, sd, expected):
    assert information.n_per_arm(difference, sd) == pytest.approx(expected, abs=0.005)
    assert information.n_per_arm(-difference, sd) == information.n_per_arm(difference, sd)


def test_sample_size_of_risks_gives_the_power_it_promises():
    size = information.n_per_arm_risks(0.3, 1.5)
    rng = np.random.default_rng(1)
    a, b = (rng.binomial(round(size), p, 40_000) / round(size) for p in (0.45, 0.3))
    z = (a - b) / np.sqrt((a * (1 - a) + b * (1 - b)) / round(size))
    assert np.mean(z > 1.959964) == pytest.approx(0.8, abs=0.015)


@pytest.mark.parametrize("call", [
    lambda: information.n_per_arm(0, 1), lambda: information.n_per_arm(1, 1, power=1),
    lambda: information.n_per_arm_risks(0.5, 1), lambda: information.n_per_arm_risks(0.9, 1.2),
])
def test_impossible_trials_are_refused(call):
    with pytest.raises(ValueError):
        call()


def test_absolute_effects_per_thousand():
    assert certainty.absolute_effect(1.5, 0.2) == pytest.approx(100)
    assert certainty.absolute_effect(0.5, 0.2) == pytest.approx(-100)
    assert certainty.absolute_effect(9, 0.5) == pytest.approx(500)


def test_pooled_sd_takes_printed_sds_and_else_the_standard_error(review, analyses):
    by_id = {row["outcome_id"]: row for row in rows("outcomes")}
    one, two = by_id["duebruun2024-pain-w12-itt"], by_id["rodriguezfreire2026-pain-w13-level"]
    n1, n0 = int(one["intervention_n"]), int(one["control_n"])
    implied = float(one["effect_se"]) ** 2 / (1 / n1 + 1 / n0)
    m1, m0 = int(two["intervention_n"]), int(two["control_n"])
    squares = (m1 - 1) * float(two["intervention_sd"]) ** 2 + (m0 - 1) * float(
        two["control_sd"]) ** 2
    total = ((n1 + n0 - 2) * implied + squares) / (n1 + n0 + m1 + m0 - 4)
    found = information.pooled_sd(review, analyses["fm_pain"])
    assert found == pytest.approx(np.sqrt(total), rel=1e-9)
    assert np.isnan(information.pooled_sd(review, analyses["ms_mental_health"]))


def test_information_size_counts_people_and_has_its_parameters(review, analyses):
    table = information.information_size(review, analyses).set_index("outcome")
    assert table.loc["pain_fm", "accrued"] == 99 + 96 + 28
    assert table.loc["pain_fm", "one_trial"] == 2 * np.ceil(
        information.n_per_arm(1, table.loc["pain_fm", "sd"])
    )
    pool = analyses["fm_pain"]
    fixed = 1 / sum(1 / row.vi for row in pool.studies)
    spread = 1 - fixed / pool.wald.se**2
    assert table.loc["pain_fm", "diversity"] == pytest.approx(spread, rel=1e-6)
    one = table.loc["pain_fm", "one_trial"]
    assert table.loc["pain_fm", "needed"] == np.ceil(one / (1 - spread))
    assert table.loc["pain_fm", "reached"] < 1
    assert table.loc["depression", "needed"] == table.loc["depression", "one_trial"]
    stricter = information.information_size(review, analyses, power=0.9).set_index("outcome")
    assert (stricter["needed"] > table["needed"]).all()
    half = information.information_size(review, analyses, share=0.5).set_index("outcome")
    assert (half["needed"] == table["needed_half"]).all()


def test_summary_of_findings_has_rows_without_evidence_and_never_pools_two(review, analyses):
    table = certainty.summary_of_findings(review, analyses)
    assert len(table) == len(rows("certainty"))
    empty = table[table["certainty"] == certainty.NO_EVIDENCE]
    assert len(empty) >= 1
    assert (empty["trials"] == 0).all() and empty["effect"].str.startswith("no trial").all()
    two = table[table["trials"] == 2]
    assert two.loc[two["effect"].str.contains("ratio"), "effect"].str.contains("not pooled").all()
    assert set(table["certainty"]) <= {*certainty.LEVELS, certainty.NO_EVIDENCE}


def test_every_level_down_has_its_reason(review):
    table = review.table("certainty")
    for reason in certainty.REASONS:
        judged = table[reason].notna()
        assert table.loc[judged, f"why_{reason}"].notna().all()


def test_levels_for_risk_of_bias_follow_the_written_rule(review, analyses):
    assert certainty.rating_disagreements(review, analyses) == []
    table = certainty.certainty_table(review, analyses).set_index("outcome")
    pool = analyses["fm_pain"]
    judged = bias.by_study(review)
    high = sum(row.weight for row in pool.studies if judged[row.study] == "high")
    assert table.loc["pain_fm", "high_share"] == pytest.approx(high / 100)
    assert table.loc["pain_fm", "risk_of_bias"] == 2
    assert table.loc["any_harm", "high_share"] < 0.5 and table.loc["any_harm", "risk_of_bias"] == 1
    stated = review.table("certainty")
    stated.loc[stated["outcome"] == "pain_fm", "risk_of_bias"] = 1
    changed = with_tables(review, certainty=stated)
    (found,) = certainty.rating_disagreements(changed, analyses)
    assert (found.column, found.rule) == ("risk_of_bias", "the judgements give 2")


def test_a_class_of_harm_finds_the_trials_that_report_on_it(review, analyses):
    table = certainty.certainty_table(review, analyses).set_index("outcome")
    assert table.loc["vivid_dreams", "studies"] == ("younger2013",)
    assert set(table.loc["serious_harm", "studies"]) == {
        r["study"] for r in rows("harms") if r["event_class"] == "serious"
        and r["study"] in ("duebruun2024", "rodriguezfreire2026", "younger2013")}


def test_an_important_difference_has_a_source_or_is_called_a_convention(review, analyses):
    table = information.information_size(review, analyses)
    assert set(table["source"].dropna()) == {"guyatt2011"}
    ratios = table["unit"] == "ratio"
    assert table.loc[ratios, "source"].notna().all() and table.loc[~ratios, "source"].isna().all()


def test_blood_and_organ_are_rows_of_their_own_and_name_each_other(review, analyses):
    found = certainty.summary_of_findings(review, analyses)
    labels = review.table("certainty").set_index("outcome")["label"]
    for outcome, other in (("markers", "organ"), ("organ", "blood")):
        row = found.set_index("outcome").loc[labels[outcome]]
        assert row["certainty"] == "very low" and other in row["meaning"]
        assert "very uncertain" in row["meaning"] and "almost untested" in row["meaning"]


def test_gap_map_counts_people_once_and_draws_empty_cells(review):
    table = gaps.gap_map(review)
    studies = {row["study"]: row for row in rows("studies")}
    conditions = {row["condition"]: row["condition_group"] for row in rows("condition_groups")}
    domains = {row["domain"]: row["domain_group"] for row in rows("domain_groups")}
    roots = {
        studies[row["study"]]["participants_of"] or row["study"] for row in rows("outcomes")
        if domains[row["domain"]] == "Sensory testing"
        and conditions[studies[row["study"]]["condition"]] == "Fibromyalgia"
        and studies[row["study"]]["placebo_controlled"] == "true"
    }
    cell = table.set_index(["condition_group", "domain_group"]).loc[
        ("Fibromyalgia", "Sensory testing")
    ]
    assert cell["trials"] == len(roots) == 1
    assert cell["participants"] == int(studies[roots.pop()]["n_analysed"])
    groups = table["condition_group"].nunique() * table["domain_group"].nunique()
    assert len(table) == groups
    assert (table["kind"] == "empty").any()


def test_flow_adds_up_and_starts_with_every_record(review, analyses):
    steps = flow.study_flow(review, analyses)
    assert steps[0].n == len(rows("studies"))
    for step, following in pairwise(steps):
        assert step.n - sum(count for _, count in step.left_out) == following.n
    used = {row.study for item in analyses.values() for row in item.studies}
    assert set(steps[-1].studies) == used


def test_new_trial_map_is_the_pool_with_one_more_study(analyses):
    pool = analyses["fm_pain"]
    found = outlook.new_trial_map(pool, 2.0, [-0.4, 1.0], [100, 1000])
    yi = [row.yi for row in pool.studies] + [-0.4]
    vi = [row.vi for row in pool.studies] + [4 * 2.0**2 / 1000]
    alone = pool_many(yi, vi)
    assert found.low[1, 0] == pytest.approx(alone.ci_low[0], rel=1e-9)
    assert found.high[1, 0] == pytest.approx(alone.ci_high[0], rel=1e-9)
    assert found.verdict.shape == (2, 2)
    assert set(np.unique(found.verdict)) <= {-1, 0, 1}
    with pytest.raises(ValueError, match="mean differences"):
        outlook.new_trial_map(analyses["fm_response_30"], 1, [0], [100])


def test_a_surprising_trial_widens_the_interval(analyses):
    found = outlook.new_trial_map(analyses["fm_pain"], 1.6, [-0.4, -2.0], [2000])
    assert found.tau2[0, 1] > found.tau2[0, 0]
    assert found.high[0, 1] > found.high[0, 0]


def test_registered_studies_have_numbers_and_open_questions_are_ranked(review, analyses):
    waiting = gaps.waiting(review)
    expected = {row["study"] for row in rows("studies") if row["status"] != "published"}
    assert set(waiting["study"]) == expected
    assert waiting["registry_id"].notna().all()
    against = waiting.set_index("study")["comparator"]
    assert against["naik2024"] == "placebo" and pd.isna(against["griffithldn2024"])
    shares = gaps.open_questions(review, analyses)["share_percent"].dropna()
    assert shares.is_monotonic_decreasing
    assert shares.between(0, 100).all()


def with_a_made_up_trial(review):
    """The tables with one more placebo-controlled trial of fatigue in long COVID."""
    studies, outcomes = review.table("studies"), review.table("outcomes")
    template = studies[studies["study"] == "tsui2024"].assign(
        study="naik2024", condition="long_covid", n_randomised=80, n_analysed=80,
        status="published", design="rct_parallel",
    )
    studies = pd.concat([studies[studies["study"] != "naik2024"], template], ignore_index=True)
    outcome = outcomes[outcomes["outcome_id"] == "tsui2024-severity-w8"].assign(
        outcome_id="naik2024-fatigue-w12", study="naik2024", domain="fatigue",
    )
    outcomes = pd.concat([outcomes, outcome], ignore_index=True)
    return with_tables(review, studies=studies, outcomes=outcomes)


def test_a_made_up_study_moves_map_flow_summary_status_and_figures(review, analyses):
    changed = with_a_made_up_trial(review)
    more = run_analyses(changed)
    cell = ("Long COVID and ME/CFS", "Fatigue, sleep, mood, cognition")
    before, after = (
        gaps.gap_map(item).set_index(["condition_group", "domain_group"]).loc[cell]
        for item in (review, changed)
    )
    assert (before["trials"], after["trials"], after["participants"]) == (0, 1, 80)
    assert flow.study_flow(changed, more)[4].n == flow.study_flow(review, analyses)[4].n + 1
    found = certainty.summary_of_findings(changed, more).set_index("outcome")
    row = found.loc["Fatigue in long COVID and ME/CFS"]
    assert (row["trials"], row["participants"], row["certainty"]) == (1, 80, certainty.AGAIN)
    assert any("Fatigue in long COVID" in line for line in status.actions(changed, more))
    for name in ("gap_map", "study_flow"):
        old, new = (catalogue.build(item, runs, name)
                    for item, runs in ((review, analyses), (changed, more)))
        assert old.alt != new.alt
        assert not old.table.equals(new.table)
        assert texts(old.figure()) != texts(new.figure())


def test_a_changed_effect_moves_the_map_of_new_trials(review, analyses):
    outcomes = review.table("outcomes")
    outcomes.loc[outcomes["outcome_id"] == "rodriguezfreire2026-pain-w13-level", "effect"] = -0.4
    changed = with_tables(review, outcomes=outcomes)
    old = catalogue.build(review, analyses, "new_trial")
    new = catalogue.build(changed, run_analyses(changed), "new_trial")
    assert old.title != new.title
    assert old.alt != new.alt


def test_the_white_field_says_what_it_means_and_the_key_only_what_is_drawn(review, analyses):
    figure = catalogue.build(review, analyses, "new_trial")
    drawn = [" ".join(text.split()) for text in texts(figure.figure())]
    assert "interval still includes zero" in drawn
    smallest = figure.content.facts["smallest"]["fm_pain"]
    assert f"{smallest} people" in drawn
    assert any("would move the whole pooled interval below zero" in text for text in drawn)
    assert not any("above zero" in text for text in drawn)
    pool = analyses["fm_pain"]
    assert ("present crossover trial" in drawn) == any(row.crossover for row in pool.studies)
    assert figure.title.startswith(f"One further trial would need {smallest}+ people")


def test_information_names_its_effects_and_stresses_none(review, analyses):
    figure = catalogue.build(review, analyses, "information_size")
    shown = drawn_texts(figure.figure())
    labels = [" ".join(text.split()) for _, text, _ in shown]
    for words in ("1 point", "RR 1.25", "0.5 SD"):
        assert any(text.endswith(f"({words})") for text in labels)
    shares = [artist for artist, text, _ in shown if text.endswith("%")]
    assert len(shares) == len(figure.table) and "of needed" in labels
    assert {artist.get_fontweight() for artist in shares} == {"normal"}


def test_triangles_have_one_meaning_each(review, analyses):
    figure = catalogue.build(review, analyses, "gap_map")
    lines = figure.figure().axes[0].lines
    counts = [sum(line.get_marker() == mark["marker"] for line in lines)
              for mark in (gap_map.REGISTERED, gap_map.UNREAD)]
    waiting, unread = gaps.waiting(review), gaps.unread_markers(review)
    assert counts == [waiting.loc[waiting["compared"], "condition_group"].nunique(),
                      unread["condition_group"].nunique()]
    shown = texts(figure.figure())
    assert "no results yet" in shown and "marker planned, none readable" in shown
    markers = gaps.gap_map(review).query("domain_group == @gaps.MARKERS")
    assert f"{figure.content.facts['n_marker_conditions']}" == str((markers["trials"] > 0).sum())


def test_numbers_of_people_do_not_touch_their_neighbours(review, analyses):
    figure = catalogue.build(review, analyses, "gap_map").figure()
    rows = {}
    for _, text, box in drawn_texts(figure):
        if text.isdigit():
            rows.setdefault(round(box.y0), []).append(box)
    assert rows
    for boxes in rows.values():
        boxes.sort(key=lambda box: box.x0)
        assert all(b.x0 - a.x1 > 10 for a, b in pairwise(boxes))


def test_status_says_what_is_missing_and_names_three_actions(review, analyses):
    lines = "\n".join(status.review_status(review, analyses))
    for study in gaps.waiting(review)["study"]:
        assert study in lines
    assert "not recorded" in lines
    assert len(status.actions(review, analyses)) == 3
    assert "Age of the data" in lines


def test_status_does_not_call_a_pooled_study_left_out(minimal):
    review = load_review(minimal)
    analyses = run_analyses(review)
    assert analyses["warmth"].k == 2
    lines = list(status.review_status(review, analyses))
    assert any(line.startswith("0 ") and "in no analysis" in line for line in lines)
    assert any("and 0 studies" in line for line in lines)


def test_a_review_without_these_tables_has_a_status_and_an_empty_summary(minimal):
    review = load_review(minimal)
    analyses = run_analyses(review)
    assert certainty.summary_of_findings(review, analyses).empty
    assert information.information_size(review, analyses).empty
    assert gaps.open_questions(review, analyses).empty
    assert status.review_status(review, analyses)[-1].strip() == "1. nothing is waiting"


def test_a_summary_needs_no_more_than_the_name_of_an_outcome(minimal):
    (minimal / "data" / "certainty.csv").write_text("outcome,analysis\nwarm,warmth\ncold,\n")
    review = load_review(minimal)
    found = certainty.summary_of_findings(review, run_analyses(review)).set_index("outcome")
    assert found.loc["warm", "trials"] == 2
    assert found.loc["warm", "certainty"] == certainty.AGAIN
    assert found.loc["cold", "certainty"] == certainty.NO_EVIDENCE


def test_letters_stand_on_the_figure(review, analyses):
    figure = catalogue.build(review, analyses, "risk_of_bias")
    shown = texts(figure.figure())
    judged = figure.table["judgement"].value_counts()
    for judgement, letter in (("low", "L"), ("some concerns", "S"), ("high", "H")):
        assert shown.count(letter) == judged.get(judgement, 0) + 1  # one in the legend
    assert "provisional" in " ".join(shown)


def test_every_domain_is_told_and_what_nobody_could_judge_is_named(review, analyses):
    table = summary_of_findings(review, analyses).set_index("outcome")
    rows = review.table("certainty").set_index("label")
    for outcome, row in table[table["why"] != ""].iterrows():
        for reason in certainty.REASONS:
            assert reason.replace("_", " ") in row["why"], outcome
        unjudged = rows.loc[outcome, list(certainty.REASONS)].isna().sum()
        assert ("Not assessable" in row["why"]) == (unjudged > 0), outcome
    assert "−0.33" in table.loc[rows.index[rows["outcome"] == "pain_fm"][0], "reported"]


def test_ratings_can_be_named_in_sentences(review, analyses, minimal):
    facts = facts_module.Facts(review, analyses)
    assert fill("{rated[pain_fm].certainty}", facts) == "very low"
    small = load_review(minimal)
    with pytest.raises(MissingValueError):
        fill("{rated[pain_fm].certainty}", facts_module.Facts(small, {}))


def test_a_summary_names_its_measure(minimal):
    (minimal / "data" / "certainty.csv").write_text(
        "outcome,analysis,domain_group,meaning\nwarm,warmth,warmth,Unclear\n")
    edit(minimal / "data" / "analyses.csv", ",MD,", ",GEN,")
    review = load_review(minimal)
    text = summary_of_findings(review, run_analyses(review))["effect"][0]
    assert "points" not in text and "risk" not in text


def test_judged_trials_are_counted_against_the_census(review, analyses):
    figure = catalogue.build(review, analyses, "risk_of_bias")
    facts = figure.content.facts
    assert facts["n_trials"] == census(review).placebo_controlled
    assert facts["n_judged_trials"] + facts["n_not_judged"] == facts["n_trials"]
    assert f"of {facts['n_trials']} placebo-controlled" in figure.subtitle
    for name in facts["not_judged"]:
        assert name in figure.caption
    drawn = [" ".join(text.split()) for text in texts(figure.figure())]
    assert any("crossover trial" in text for text in drawn)


@pytest.mark.parametrize(("table", "column"), [
    ("studies", "design"), ("outcomes", "domain"), ("outcomes", "poolable"),
    ("domain_groups", "domain_group"), ("biomarkers", "result_available"),
    ("biomarkers", "marker_class"), ("biomarkers", "marker"),
])
def test_summary_and_status_need_no_optional_column(review, analyses, table, column):
    tables = {**review.tables, table: review.table(table).drop(columns=column)}
    tables = {name: frame for name, frame in tables.items() if not name.startswith("bias_")}
    less = replace(review, tables=Tables(tables))
    assert len(summary_of_findings(less, analyses)) == len(review.table("certainty"))
    assert gaps.unread_markers(less) is not None and list(status.review_status(less, analyses))
