"""What the trials show: multiverse, thresholds, published pools and their figures."""

import csv
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from evidence.appraisal import published
from evidence.figures import catalogue, page
from evidence.figures.forest.event_forest import Line, event_forest
from evidence.figures.kinds import directions, new_trial
from evidence.figures.scale import ratio_scale
from evidence.notebook import summaries
from evidence.pooling import multiverse, outlook
from evidence.pooling.analyses import run_analyses
from evidence.pooling.estimators import pool_many
from evidence.review.problems import ReviewError
from evidence.review.review import load_review
from evidence.wording import prose
from figure_checks import outside, overlaps, small, texts

ROOT = Path(__file__).parents[1]
REVIEW = load_review(ROOT)
ANALYSES = run_analyses(REVIEW)
FIGURES = (
    "fm_pain_forest", "fm_responders_forest", "harms_forest", "innova_time", "fm_pain_threshold",
    "published_versus_ours", "rigour_ladder", "multiverse", "other_conditions",
)


def rows(name):
    with (ROOT / "data" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return {next(iter(row.values())): row for row in csv.DictReader(file)}


OUTCOMES, HARMS = rows("outcomes"), rows("harms")


def changed(table, identifier, **values):
    frame = REVIEW.table(table)
    key = frame.columns[0]
    for column, value in values.items():
        frame.loc[frame[key] == identifier, column] = value
    return replace(REVIEW, tables={**REVIEW.tables, table: frame})


@pytest.fixture(scope="module")
def choices():
    return multiverse.explore(REVIEW, ANALYSES["fm_pain"])


@pytest.fixture(scope="module")
def built():
    return {name: catalogue.build(REVIEW, ANALYSES, name) for name in FIGURES}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_readable_in_both_styles(built, name):
    for style in ("slide", "notebook"):
        figure = built[name].figure(style)
        assert outside(figure) == [] and overlaps(figure) == [] and small(figure) == []


def test_the_multiverse_holds_every_combination_once(choices):
    trials = (
        ["duebruun2024-pain-w12-itt", ""],
        ["rodriguezfreire2026-pain-w13-level", "rodriguezfreire2026-pain-w13-change-borrowed-se",
         ""],
        ["younger2013-pain-w12-nrs", "younger2013-pain-w12-nrs-interval-se", ""],
        ["", "tsui2024-severity-w8"],
    )
    sets = [
        [name for name in chosen if name] for chosen in product(*trials)
        if sum(name == "" for name in chosen[:3]) <= 1 and sum(map(bool, chosen)) >= 2
    ]
    settings = [(m, r) for m in ("REML", "DL", "PM", "HE", "FE")
                for r in ("wald", "hartung_knapp", "hartung_knapp_floored")
                if m != "FE" or r == "wald"]
    assert choices.data_sets == len(sets) == 24
    assert choices.size == len(sets) * len(settings) == 312
    outside_zero = below = 0
    for ids, (method, rule) in product(sets, settings):
        yi = [float(OUTCOMES[name]["effect"]) for name in ids]
        vi = [float(OUTCOMES[name]["effect_se"]) ** 2 for name in ids]
        pool = pool_many(yi, vi, method=method, rule=rule)
        outside_zero += bool(pool.ci_low[0] > 0 or pool.ci_high[0] < 0)
        below += bool(pool.estimate[0] < 0)
    assert choices.n_excluding == outside_zero
    assert choices.share_below == pytest.approx(below / choices.size)


def test_the_main_specification_is_the_analysis_itself(choices):
    main = choices.table[choices.table["is_main"]]
    synthesis = ANALYSES["fm_pain"].synthesis
    assert len(main) == 1
    assert main["estimate"].item() == pytest.approx(synthesis.estimate)
    assert main["ci_high"].item() == pytest.approx(synthesis.ci_high)
    assert main["n"].item() == synthesis.n


def _explored(**cells):
    """The pain analysis with other cells of analyses.csv, and its multiverse."""
    review = changed("analyses", "fm_pain", **cells)
    analysis = run_analyses(review)["fm_pain"]
    return analysis.synthesis, multiverse.explore(review, analysis).table


def test_a_common_effect_is_the_main_specification_of_such_an_analysis():
    synthesis, table = _explored(tau2_method="FE")
    main = table[table["is_main"]]
    assert main[["tau2_method", "interval_rule"]].to_numpy().tolist() == [["FE", "wald"]]
    assert main["estimate"].item() == pytest.approx(synthesis.estimate)
    assert main["ci_high"].item() == pytest.approx(synthesis.rule("wald").ci_high)


def test_the_multiverse_takes_effects_on_the_basis_of_the_analysis():
    synthesis, table = _explored(basis="reported")
    assert table.loc[table["is_main"], "estimate"].item() == pytest.approx(synthesis.estimate)
    with pytest.raises(ReviewError, match="means and SDs are not given for both arms"):
        _explored(basis="arms")


def test_a_switch_compares_pairs_that_differ_in_one_choice(choices):
    table = choices.table
    out = table[table["crossover"] == "out"]
    keys = ["final", "innova", "hiv", "tau2_method", "interval_rule"]
    main = table[table["crossover"] == "from_p"].set_index(keys)["estimate"]
    before = main.loc[pd.MultiIndex.from_frame(out[keys])].to_numpy()
    switch = choices.switches.set_index("label").loc["Crossover left out"]
    assert switch["pairs"] == len(out)
    assert switch["sign_changes"] == pytest.approx(
        np.mean(np.sign(before) != np.sign(out["estimate"].to_numpy()))
    )
    assert choices.deciding["sign_changes"] == choices.switches["sign_changes"].max()


@pytest.mark.parametrize(("row", "values", "word"), [
    (1, {"outcome_id": "younger2013-pain-w12-nrs"}, "another choice"),
    (1, {"outcome_id": "smith2011-cochrane-response70-w12"}, "unverified"),
    (0, {"is_main": False}, "exactly one main option"),
])
def test_a_wrong_choice_is_named(row, values, word):
    frame = REVIEW.table("specifications")
    for column, value in values.items():
        frame.loc[row, column] = value
    review = replace(REVIEW, tables={**REVIEW.tables, "specifications": frame})
    with pytest.raises(ReviewError, match=word):
        multiverse.explore(review, ANALYSES["fm_pain"])


def test_options_on_another_scale_are_named():
    review = changed("outcomes", "tsui2024-severity-w8", scale_high=100)
    with pytest.raises(ReviewError, match="different scales: 0 to 10, 0 to 100"):
        multiverse.explore(review, ANALYSES["fm_pain"])


def test_an_analysis_without_choices_is_refused():
    with pytest.raises(ReviewError, match="has no choices"):
        multiverse.explore(REVIEW, ANALYSES["hiv_pain"])


def test_every_choice_shows_how_often_it_reverses_the_direction(built, choices):
    exhibit = built["multiverse"]
    drawn = texts(exhibit.figure())
    for share in choices.switches["sign_changes"]:
        assert prose.percent(share) in drawn
    mains = sum(option.is_main for option in choices.options)
    assert sum(text.startswith("★") for text in drawn) == 2 * mains  # name and last column
    assert any("cut at ±" in text for text in drawn)
    assert prose.percent(choices.deciding["sign_changes"]) in exhibit.title
    assert "excludes zero" in exhibit.alt and "no difference" not in exhibit.alt + exhibit.caption
    assert exhibit.sources[:2] == ("duebruun2024", "rodriguezfreire2026")


def test_the_share_beyond_a_threshold_agrees_with_the_prediction_interval():
    synthesis = ANALYSES["fm_pain"].synthesis
    for limit, share in ((synthesis.default.pi_low, 0.025), (synthesis.default.pi_high, 0.975)):
        assert outlook.share_beyond(synthesis, -limit) == pytest.approx(share, abs=1e-9)
    assert outlook.share_beyond(synthesis, -synthesis.estimate) == pytest.approx(0.5)
    shares = outlook.share_beyond(synthesis, np.array([0.0, 1.0, 2.0]))
    assert (np.diff(shares) < 0).all()


def test_the_share_with_another_variance_pools_again():
    synthesis = ANALYSES["fm_pain"].synthesis
    yi, vi = (np.array([getattr(r, name) for r in synthesis.studies]) for name in ("yi", "vi"))
    weights = 1 / (vi + 0.5)
    gain = -(weights * yi).sum() / weights.sum()
    spread = np.sqrt(0.5 + 1 / weights.sum())
    assert outlook.share_beyond(synthesis, 1.0, 0.5) == pytest.approx(
        stats.t.sf((1 - gain) / spread, 2)
    )


@pytest.mark.parametrize("name", ["fm_pain_parallel", "fm_response_30"])
def test_two_trials_say_nothing_about_further_settings(name):
    with pytest.raises(ValueError, match="fewer than three"):
        outlook.share_beyond(ANALYSES[name].synthesis, 1.0)


@pytest.mark.parametrize(("effect", "limits", "p", "relation", "k", "fits"), [
    (-0.11, (-0.96, 0.74), 0.31, "=", 7, False),  # t printed as p
    (0.67, (-4.69, 6.02), 0.35, "=", None, True),  # one degree of freedom
    (-0.34, (-0.62, -0.06), 0.0186, "=", None, True),
    (-0.86, (-1.2, -0.51), 0.001, "<", 4, True),
    (-0.5, (-1.19, 0.19), None, None, None, True),
])
def test_a_printed_p_value_is_held_against_its_interval(effect, limits, p, relation, k, fits):
    row = {"effect": effect, "ci_low": limits[0], "ci_high": limits[1], "k": k, "p_value": p,
           "p_relation": relation, "effect_measure": "standardised_mean_difference"}
    assert published.p_fits(row) is fits


def test_only_one_published_pain_result_has_a_p_value_that_does_not_fit(built):
    table = built["published_versus_ours"].table
    assert table.loc[~table["p_fits"], "id"].tolist() == ["hegde2025-pain-all"]
    assert round(table.set_index("id").loc["hegde2025-pain-all", "implied_p"], 2) == 0.76


def test_the_large_published_effect_never_stands_without_its_correction(built):
    exhibit = built["published_versus_ours"]
    shown = " ".join(texts(exhibit.figure()))
    assert "−0.86" in exhibit.title and "−0.25" in exhibit.title
    assert "corrigendum" in shown and "−0.59 to 0.09" in shown
    assert "corrigendum" in exhibit.alt


def test_measures_do_not_share_a_panel(built):
    left, right = built["published_versus_ours"].figure().axes
    table = built["published_versus_ours"].table
    for axes, measure in ((left, "mean_difference"), (right, "standardised_mean_difference")):
        assert round(axes.get_ylim()[0] + 0.4) == (table["effect_measure"] == measure).sum()


def test_our_interval_is_whole_and_a_stray_one_does_not_set_the_scale(built):
    first, second = built["published_versus_ours"].figure().axes
    ours = ANALYSES["fm_pain"].synthesis
    low, high = first.get_xlim()
    assert low < ours.ci_low and ours.ci_high < high
    assert not [line for line in markers_of(first) if line.get_marker() in "<>"]
    arrows = [line for line in markers_of(second) if line.get_marker() in "<>"]
    assert len(arrows) == 2 and not any(line.get_clip_on() for line in arrows)
    assert {float(line.get_ydata()[0]) for line in arrows} == {6.0}  # −4.69 to 6.02
    assert np.ptp(second.get_xlim()) < 3


def test_rows_of_one_published_review_are_told_apart(built):
    shown = texts(built["published_versus_ours"].figure())
    for words in ("k = 5, primary analysis", "k ?, sensitivity analysis", "k ?, fibromyalgia",
                  "k ?, active drugs, chronic pain", "k = 7, any control, chronic pain"):
        assert shown.count(words) == 1, words


def test_no_diamond_and_no_weight_for_two_trials(built):
    table = built["fm_pain_forest"].table
    parallel = table[table["analysis"] == "fm_pain_parallel"]
    assert "pooled" not in set(parallel["study"]) and parallel["weight"].isna().all()
    exhibit = built["fm_pain_forest"]
    shown = " ".join(texts(exhibit.figure()))
    assert "cannot support a pooled interval; their own intervals stand above" in shown
    for words in ("Wald", "Hartung-Knapp, floored", "Prediction interval", "k = 3, n = 223", "†"):
        assert words in shown
    assert f"{ANALYSES['fm_pain_parallel'].synthesis.estimate:+.2f}" not in exhibit.title + shown
    main = ANALYSES["fm_pain"].synthesis
    assert f"{main.ci_low:.2f} to {main.ci_high:.2f}".replace("-", "−") in exhibit.title
    for name in ("fm_responders_forest", "harms_forest"):
        assert "not pooled" in " ".join(texts(built[name].figure()))


def test_event_counts_come_from_the_tables(built):
    shown = {(r["group"], r["study"]): r for r in built["harms_forest"].table.to_dict("records")}
    row = HARMS["duebruun2024-any-adverse-event"]
    line = shown["Any adverse event", "Due Bruun et al. 2024"]
    assert line["LDN"] == f"{row['intervention_events']} of {row['intervention_n']}"
    a, n1, c, n2 = (int(row[f"{arm}_{what}"]) for arm in ("intervention", "control")
                    for what in ("events", "n"))
    assert line["effect"] == pytest.approx((a / n1) / (c / n2))
    dreams = HARMS["younger2013-vivid-dreams"]
    line = shown["Percentages only, Younger et al. 2013", "Vivid dreams"]
    assert line["placebo"] == f"{dreams['control_pct']} %" and np.isnan(line["effect"])


def markers_of(axes):
    return [line for line in axes.lines if line.get_marker() not in ("None", "")]


def test_an_axis_of_ratios_holds_intervals_within_a_factor_of_eight():
    scale = ratio_scale([0.97, 1.36], [0.82, 1.15, 0.32, 5.77])
    assert (scale.low, scale.high) == (0.25, 8.0)
    assert scale.ticks(7) == [0.25, 0.5, 1, 2, 4, 8]
    narrow = ratio_scale([0.99], [0.97, 1.02])
    assert narrow.ticks(7) == [0.5, 1, 2]
    wide = ratio_scale([0.5, 20.0], [0.001, 900.0])
    assert (wide.low, wide.high) == (0.125, 32.0)


def test_only_what_leaves_the_axis_gets_an_arrow(built):
    for name, arrows in (("harms_forest", 0), ("fm_responders_forest", 1)):
        (axes,) = built[name].figure().axes
        assert sum(line.get_marker() in "<>" for line in markers_of(axes)) == arrows, name


def test_percentages_say_where_they_were_read(built):
    shown = texts(built["harms_forest"].figure())
    where = HARMS["younger2013-vivid-dreams"]["source_where"]
    assert f"secondary source: {where}" in shown
    assert "Due Bruun et al. 2024 *" in shown and "Rodríguez-Freire et al. 2026" in shown
    assert "* Counts read in another document" in built["harms_forest"].footer


def test_crossover_trials_have_open_squares_among_event_counts():
    lines = [Line("Falls"), Line("Falls", "", "Ash 2001", "1 of 9", "2 of 9", 0.5, 0.2, 1.3),
             Line("Falls", "", "Elm 2002", "1 of 9", "2 of 9", 0.6, 0.2, 1.8, crossover=True)]
    for rows_shown, squares in ((lines, ["#0072B2", "white", "white"]), (lines[:2], ["#0072B2"])):
        with page.style("slide"):
            axes = event_forest(rows_shown, page.body(page.page()), measure="RR",
                                higher_is="worse", intervention="drug", control="placebo")
        faces = [line.get_markerfacecolor() for line in markers_of(axes)]
        assert faces == squares
        assert ("crossover" in [text.get_text() for text in axes.texts]) == (len(squares) == 3)
        assert overlaps(axes.figure) == []


def test_the_ladder_is_ordered_and_says_why_a_study_is_not_placed(built):
    table = built["rigour_ladder"].table.set_index("study")
    assert table.index[0] == "duebruun2024" and table.index[-1] == "parkitny2017"
    assert "medians" in table.loc["bested2023", "reason"]
    assert "not pain" in table.loc["younger2009", "reason"]
    assert "no contrast" in table.loc["depaula2023", "reason"]
    assert (table["reason"] == "").sum() == 4
    assert table.loc["depaula2023", "n"] == 86


def test_unverified_counts_are_shown_and_not_counted(built):
    exhibit = built["other_conditions"]
    table = exhibit.table
    assert (table["verification"] == "unverified").sum() == 2
    assert exhibit.content.facts["n_known"] == len(table) - 2
    shown = texts(exhibit.figure())
    assert sum("unverified," in text for text in shown) == 2
    assert sum(text == "?" for text in shown) == (~table["control_stated"]).sum() == 1
    assert all("n = 34" not in text for text in shown)  # held together by no-break spaces
    assert "Direction and result" in shown and any("whatever its p" in text for text in shown)
    assert any("percentage points" in text for text in shown)
    assert any("against amitriptyline" in " ".join(text.split()) for text in shown)


def test_the_title_of_further_conditions_counts_trials_and_no_votes(built):
    exhibit = built["other_conditions"]
    trials = exhibit.table.groupby("condition")["study"].nunique()
    assert set(trials) == {1, 2} and "one or two trials" in exhibit.title
    assert f"at most {exhibit.table['n'].max()} people" in exhibit.title
    assert not any(word in exhibit.title for word in ("point to", "favour"))


def test_crossings_of_the_threshold_are_probabilities_and_all_labelled(built):
    exhibit = built["fm_pain_threshold"]
    drawn = texts(exhibit.figure())
    synthesis = ANALYSES["fm_pain"].synthesis
    for tau2 in (None, synthesis.tau2_ci_low, synthesis.tau2_ci_high):
        assert prose.percent(outlook.share_beyond(synthesis, 2.0, tau2)) in drawn
    assert any(text.startswith("Probability that a further setting") for text in drawn)
    assert "one person’s change" in exhibit.subtitle
    for words in (exhibit.title, exhibit.alt, *drawn):
        assert "of settings" not in words


def test_one_trial_over_time_keeps_its_printed_limits(built):
    table = built["innova_time"].table.set_index("week")
    row = OUTCOMES["rodriguezfreire2026-pain-w13-level"]
    assert table.loc[13, "ci_high"] == float(row["effect_ci_high"])
    assert table.loc[0, "control"] == float(row["control_baseline_mean"])
    interval = prose.interval(float(row["effect_ci_low"]), float(row["effect_ci_high"]))
    assert any(f"[{interval}]" in text for text in texts(built["innova_time"].figure()))
    assert built["innova_time"].sources == (row["study"], row["source"])


def test_times_of_two_trials_are_not_mixed():
    select = "rodriguezfreire2026-pain-w13-level;duebruun2024-pain-w12-itt"
    review = changed("figures", "innova_time", select=select)
    with pytest.raises(ReviewError, match="is not there"):
        catalogue.build(review, ANALYSES, "innova_time")


def test_a_changed_effect_moves_titles_tables_and_alt_texts(built):
    review = changed("outcomes", "rodriguezfreire2026-pain-w13-level", effect=-0.9,
                     effect_ci_low=-1.71, effect_ci_high=-0.09, intervention_change=-2.0)
    analyses = run_analyses(review)
    for name in ("fm_pain_forest", "multiverse", "innova_time", "rigour_ladder",
                 "fm_pain_threshold", "published_versus_ours"):
        before, after = built[name], catalogue.build(review, analyses, name)
        assert after.title != before.title, name
        assert after.alt != before.alt, name
        assert not after.table.equals(before.table), name
    forest = catalogue.build(review, analyses, "fm_pain_forest")
    assert "point to the same side" in forest.title
    assert any("−0.90" in text for text in texts(forest.figure()))


def test_changed_counts_move_the_event_figures(built):
    review = changed("harms", "duebruun2024-any-adverse-event", intervention_events=10)
    after = catalogue.build(review, run_analyses(review), "harms_forest")
    assert after.title != built["harms_forest"].title and "10 of 49" in after.alt


def test_variants_hide_limits_of_two_trials():
    table = summaries.variants(ANALYSES, "fm_pain").set_index("title")
    parallel = table.loc["The same, parallel trials only"]
    assert parallel["k"] == 2 and np.isnan(parallel["ci_low"])
    assert table.loc["Pain intensity in any chronic pain, 0 to 10", "left_out"] == (
        "beaudettezlatanova2023"
    )


def test_single_trials_are_those_of_one_study():
    table = summaries.single_trials(ANALYSES)
    assert len(table) == sum(a.synthesis.k == 1 for a in ANALYSES.values())
    assert {"cree2010", "mischoulon2017", "tsui2024"} <= set(table["study"])


def test_the_map_of_new_trials_is_as_wide_as_the_trials_need():
    pool = ANALYSES["fm_pain"].synthesis
    assert new_trial.reach_of([pool]) == 2
    far = replace(pool, studies=(replace(pool.studies[0], ci_low=-13.0, ci_high=2.0),))
    assert new_trial.reach_of([far]) == 20
    assert new_trial.reach_of([]) == 1


def test_an_unknown_side_points_nowhere():
    for word, side in {"ldn": "intervention", "intervention": "intervention", "placebo": "control",
                       "neither": "neither", "mixed": "unclear", "nobody": "unclear"}.items():
        assert directions._side(REVIEW, pd.Series({"favours": word})) == side
