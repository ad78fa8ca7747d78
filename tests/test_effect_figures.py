"""What the trials show: multiverse, thresholds, published pools and their figures."""

import csv
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Polygon, Rectangle
from scipy import stats

from conftest import REPOSITORY
from drawn import ANALYSES, REVIEW, with_tables
from drawn import built as built_once
from drawn import page as page_of
from evidence.appraisal import published
from evidence.figures import catalogue, page
from evidence.figures.forest.plot import draw_forest
from evidence.figures.forest.rows import Row, forest_columns
from evidence.figures.kinds import directions, new_trial
from evidence.figures.kinds import multiverse as curve
from evidence.figures.scale import ratio_scale
from evidence.notebook import summaries
from evidence.pooling import multiverse, outlook
from evidence.pooling.analyses import run_analyses
from evidence.pooling.estimators import pool_many
from evidence.review.problems import ReviewError
from evidence.wording import prose
from figure_checks import outside, overlaps, small, texts

FIGURES = (
    "fm_pain_forest", "fm_responders_forest", "harms_forest", "innova_time", "fm_pain_threshold",
    "published_versus_ours", "rigour_ladder", "multiverse", "other_conditions",
)


def rows(name):
    with (REPOSITORY / "data" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return {next(iter(row.values())): row for row in csv.DictReader(file)}


OUTCOMES, HARMS = rows("outcomes"), rows("harms")


def changed(table, identifier, **values):
    frame = REVIEW.table(table)
    key = frame.columns[0]
    for column, value in values.items():
        frame.loc[frame[key] == identifier, column] = value
    return with_tables(REVIEW, **{table: frame})


@pytest.fixture(scope="module")
def choices():
    return multiverse.explore(REVIEW, ANALYSES["fm_pain"])


@pytest.fixture(scope="module")
def built():
    return {name: built_once(name) for name in FIGURES}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_readable_in_both_styles(name):
    for style in ("slide", "notebook"):
        figure = page_of(name, style)
        assert outside(figure) == [] and overlaps(figure) == []
        assert small(figure, page.SMALLEST) == []


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
    synthesis = ANALYSES["fm_pain"]
    assert len(main) == 1
    assert main["estimate"].item() == pytest.approx(synthesis.estimate)
    assert main["ci_high"].item() == pytest.approx(synthesis.ci_high)
    assert main["n"].item() == synthesis.n


def _explored(**cells):
    """The pain analysis with other cells of analyses.csv, and its multiverse."""
    review = changed("analyses", "fm_pain", **cells)
    analysis = run_analyses(review)["fm_pain"]
    return analysis, multiverse.explore(review, analysis).table


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
    review = with_tables(REVIEW, specifications=frame)
    with pytest.raises(ReviewError, match=word):
        multiverse.explore(review, ANALYSES["fm_pain"])


def test_options_on_another_scale_are_named():
    review = changed("outcomes", "tsui2024-severity-w8", scale_high=100)
    with pytest.raises(ReviewError, match="different scales: 0 to 10, 0 to 100"):
        multiverse.explore(review, ANALYSES["fm_pain"])


def test_an_analysis_without_choices_is_refused():
    with pytest.raises(ReviewError, match="has no choices"):
        multiverse.explore(REVIEW, ANALYSES["hiv_pain"])


def test_the_curve_counts_with_one_denominator(built, choices):
    figure = built["multiverse"]
    shown = curve.supported(choices)
    excluding = int(shown["excludes_null"].sum())
    assert figure.title.startswith(f"{excluding} of {len(shown)} ways")
    assert (shown["k"] >= 3).all() and shown["estimate"].is_monotonic_increasing
    drawn = " ".join(texts(figure.figure()))
    assert f"{excluding} intervals exclude zero" in drawn
    assert f"{len(shown) - excluding} include zero" in drawn
    assert "the main analysis" in drawn and str(choices.size) not in figure.title + drawn
    assert "excludes zero" in figure.alt and "no difference" not in figure.alt + figure.caption
    assert figure.sources[:2] == ("duebruun2024", "rodriguezfreire2026")


def test_a_curve_of_ratios_is_logarithmic_with_its_line_at_one():
    table = pd.DataFrame({"estimate": [0.5, 0.8], "ci_low": [0.2, 0.5], "ci_high": [1.25, 1.28],
                          "excludes_null": [False, False], "is_main": [True, False]})
    with page.style("slide"):
        ax = curve.curve(table, page.body(page.page()), is_ratio=True)
    low, high = ax.get_xlim()
    assert ax.get_xscale() == "log" and low * high == pytest.approx(1)
    assert 1.0 in [line.get_xdata()[0] for line in ax.lines]


def test_the_share_beyond_a_threshold_agrees_with_the_prediction_interval():
    synthesis = ANALYSES["fm_pain"]
    for limit, share in ((synthesis.default.pi_low, 0.025), (synthesis.default.pi_high, 0.975)):
        assert outlook.share_beyond(synthesis, -limit) == pytest.approx(share, abs=1e-9)
    assert outlook.share_beyond(synthesis, -synthesis.estimate) == pytest.approx(0.5)
    shares = outlook.share_beyond(synthesis, np.array([0.0, 1.0, 2.0]))
    assert (np.diff(shares) < 0).all()


def test_the_share_with_another_variance_pools_again():
    synthesis = ANALYSES["fm_pain"]
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
        outlook.share_beyond(ANALYSES[name], 1.0)


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
    rows = REVIEW.table("published_pooled").query("domain == 'pain'")
    table = published.beside_ours(rows, [])
    assert table.loc[~table["p_fits"], "id"].tolist() == ["hegde2025-pain-all"]
    assert round(table.set_index("id").loc["hegde2025-pain-all", "implied_p"], 2) == 0.76


def test_the_large_published_effect_never_stands_without_its_correction(built):
    figure = built["published_versus_ours"]
    shown = " ".join(texts(figure.figure()))
    assert "−0.86" in figure.title and "−0.25" in figure.title
    assert "−0.86 [−1.20 to −0.51]" in shown and "−0.25 [−0.59 to 0.09]" in shown
    assert "corrigendum" in figure.alt


def test_measures_do_not_share_an_axis(built):
    figure = built["published_versus_ours"]
    ax = figure.figure().axes[0]
    axes = [line for line in ax.lines if line.get_linewidth() == 1.0 and len(
        set(line.get_ydata())) == 1 and np.ptp(line.get_xdata()) > 2]
    assert len(axes) == figure.table["effect_measure"].nunique() == 2
    nulls = [line for line in ax.lines if len(set(line.get_xdata())) == 1
             and np.ptp(line.get_ydata()) > 0.5 and line.get_linewidth() == 1.0]
    assert len(nulls) == 2 and np.ptp([line.get_xdata()[0] for line in nulls]) < 0.01


def test_published_ratios_stand_on_a_logarithmic_axis():
    table = REVIEW.table("published_pooled")
    table.loc[table["pooled_id"].isin(["vatvani2024-pain", "saif2026-pain"]),
              ["effect_measure", "effect", "ci_low", "ci_high"]] = ["risk_ratio", 0.2, 0.05, 0.8]
    review = with_tables(REVIEW, published_pooled=table)
    figure = catalogue.build(review, ANALYSES, "published_versus_ours")
    ax = figure.figure().axes[0]
    shown = texts(figure.figure())
    assert "Risk ratio from placebo" in shown and "0.20 [0.05 to 0.80]" in shown
    ones = [text for text in ax.texts if text.get_text() == "1"]
    tenths = [text for text in ax.texts if text.get_text() in ("0.1", "0.125", "0.2")]
    assert ones and tenths


def test_no_diamond_and_no_weight_for_two_trials(built):
    table = built["fm_pain_forest"].table
    parallel = table[table["analysis"] == "fm_pain_parallel"]
    assert "pooled" not in set(parallel["study"]) and parallel["weight"].isna().all()
    figure = built["fm_pain_forest"]
    shown = " ".join(texts(figure.figure()))
    assert "cannot support a pooled interval; their own intervals stand above" in shown
    for words in ("Prediction interval", "k = 3, n = 223", "Hartung-Knapp", "†"):
        assert words in shown
    assert "Wald" not in shown  # the three rules stand in the notebook
    main = ANALYSES["fm_pain"]
    assert f"{main.estimate:+.2f}".replace("-", "−") in figure.title
    for name in ("fm_responders_forest", "harms_forest"):
        assert "Nothing is pooled: two trials at most" in " ".join(texts(built[name].figure()))


def test_event_counts_of_many_trials_are_pooled_and_say_so():
    rows = REVIEW.table("harms")
    chosen = rows[rows["harm_id"].isin(["duebruun2024-any-adverse-event",
                                        "rodriguezfreire2026-any-adverse-event"])]
    third = chosen.iloc[[0]].assign(harm_id="third", study="depaula2023")
    harms = pd.concat([rows, third], ignore_index=True)
    analyses = REVIEW.table("analyses")
    wanted = analyses["analysis"] == "any_adverse_event"
    analyses.loc[wanted, "include"] = ";".join([*chosen["harm_id"], "third"])
    review = with_tables(REVIEW, harms=harms, analyses=analyses)
    figure = catalogue.build(review, run_analyses(review), "harms_forest")
    assert "Three trials pooled" in texts(figure.figure())
    assert "othing is pooled" not in figure.method


def test_event_counts_come_from_the_tables(built):
    shown = {(r["group"], r["study"]): r for r in built["harms_forest"].table.to_dict("records")}
    row = HARMS["duebruun2024-any-adverse-event"]
    line = shown["Any adverse event", "Due Bruun et al. 2024"]
    assert line["LDN"] == f"{row['intervention_events']} of {row['intervention_n']}"
    a, n1, c, n2 = (int(row[f"{arm}_{what}"]) for arm in ("intervention", "control")
                    for what in ("events", "n"))
    assert line["effect"] == pytest.approx((a / n1) / (c / n2))
    dreams = HARMS["younger2013-vivid-dreams"]
    line = next(r for r in shown.values() if r["study"] == "Vivid dreams")
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
        heads = [patch for patch in axes.patches if isinstance(patch, Polygon)
                 and len(patch.get_xy()) == 4]
        assert len(heads) == arrows, name


def test_percentages_say_where_they_were_read(built):
    shown = texts(built["harms_forest"].figure())
    where = HARMS["younger2013-vivid-dreams"]["source_where"]
    assert any(where in text for text in shown)
    assert "Due Bruun et al. 2024 *" in [" ".join(text.split()) for text in shown]
    assert "* Counts read in another document" in built["harms_forest"].footer


def test_crossover_trials_have_open_squares_among_event_counts():
    cells = {"intervention": "1 of 9", "control": "2 of 9", "effect": "0.50 [0.20 to 1.30]"}
    lines = [Row("heading", "Falls"), Row("study", "Ash 2001", cells, 0.5, 0.2, 1.3),
             Row("study", "Elm 2002", cells, 0.6, 0.2, 1.8, crossover=True)]
    for rows_shown, squares in ((lines, ["#222222", "#ffffff"]), (lines[:2], ["#222222"])):
        with page.style("slide"):
            columns = forest_columns(rows_shown, "RR", ("drug", "placebo"))
            axes = draw_forest(rows_shown, columns, ratio_scale([0.5], [0.2, 1.8]),
                               page.body(page.page()), sides=("favours drug", "favours placebo"))
        faces = [to_hex(patch.get_facecolor()) for patch in axes.patches
                 if isinstance(patch, Rectangle)]
        assert faces == squares
        named = "crossover trial" in [text.get_text() for text in axes.texts]
        assert named == (len(squares) == 2)
        assert overlaps(axes.figure) == []


def test_the_ladder_is_ordered_and_says_why_a_study_is_not_placed(built):
    table = built["rigour_ladder"].table.set_index("study")
    assert table.index[0] == "duebruun2024" and table.index[-1] == "parkitny2017"
    assert "medians" in table.loc["bested2023", "reason"]
    assert "not pain" in table.loc["younger2009", "reason"]
    assert "no contrast" in table.loc["depaula2023", "reason"]
    assert (table["reason"] == "").sum() == 4
    assert table.loc["depaula2023", "n"] == 86


def test_unverified_rows_and_unknown_directions_stand_on_no_side(built):
    figure = built["other_conditions"]
    table = figure.table
    facts = figure.content.facts
    assert facts["n_known"] == (table["verification"] != "unverified").sum()
    assert table.loc[table["side"] == "unclear", "middle"].isna().all()
    shown = " ".join(texts(figure.figure()))
    for row in table.query("verification == 'unverified'").to_dict("records"):
        assert row["result"] not in shown
    assert "No interval to place" in shown and "direction not stated" in shown


def test_an_inconclusive_interval_is_grey_and_favours_its_side(built):
    table = built["other_conditions"].table.dropna(subset=["middle"])
    outcomes = REVIEW.table("outcomes").set_index("outcome_id")
    for row in table.to_dict("records"):
        wanted = {"intervention": -1, "control": 1}.get(row["side"])
        assert wanted is None or np.sign(row["middle"]) == wanted
        assert row["conclusive"] == (abs(row["middle"]) > 1)
    exact = outcomes.loc["beaudettezlatanova2023-interference-w8"]
    middle, computed = directions.standing(exact)
    assert computed and middle == pytest.approx(-stats.norm.isf(0.45) / stats.norm.isf(0.025))
    printed = outcomes.loc["tsui2024-severity-w8"]
    half = (printed["effect_ci_high"] - printed["effect_ci_low"]) / 2
    assert directions.standing(printed) == (pytest.approx(printed["effect"] / half), False)


def test_the_title_of_further_conditions_counts_trials_and_no_votes(built):
    figure = built["other_conditions"]
    trials = figure.table.groupby("condition")["study"].nunique()
    assert set(trials) == {1, 2} and "one or two small trials" in figure.title
    assert f"at most {figure.table['n'].max()} people" in figure.subtitle
    assert not any(word in figure.title for word in ("point to", "favour"))


def test_the_marked_threshold_has_its_probability_and_its_band(built):
    figure = built["fm_pain_threshold"]
    drawn = " ".join(texts(figure.figure()))
    synthesis = ANALYSES["fm_pain"]
    assert figure.content.facts["value"] == 1.0  # the important effect of certainty.csv
    for tau2 in (None, synthesis.tau2_ci_low, synthesis.tau2_ci_high):
        assert prose.percent(outlook.share_beyond(synthesis, 1.0, tau2)) in drawn
    assert "better by 1 point or more" in " ".join(drawn.split())
    for words in (figure.title, figure.alt, drawn):
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
    with pytest.raises(ReviewError, match="several trials"):
        catalogue.build(review, ANALYSES, "innova_time")


def test_a_changed_effect_moves_titles_tables_and_alt_texts(built):
    review = changed("outcomes", "rodriguezfreire2026-pain-w13-level", effect=-0.9,
                     effect_ci_low=-1.71, effect_ci_high=-0.09, intervention_change=-2.0)
    analyses = run_analyses(review)
    for name in ("fm_pain_forest", "multiverse", "innova_time", "rigour_ladder",
                 "fm_pain_threshold", "published_versus_ours"):
        before, after = built[name], catalogue.build(review, analyses, name)
        assert after.title != before.title or name == "published_versus_ours", name
        assert after.alt != before.alt, name
        assert not after.table.equals(before.table), name
    forest = catalogue.build(review, analyses, "fm_pain_forest")
    assert any("−0.90" in text for text in texts(forest.figure()))


def test_changed_counts_move_the_event_figures(built):
    review = changed("harms", "duebruun2024-any-adverse-event", intervention_events=10)
    after = catalogue.build(review, run_analyses(review), "harms_forest")
    assert "10 of 49" in after.alt and "10 of 49" not in built["harms_forest"].alt


def test_variants_hide_limits_of_two_trials():
    table = summaries.variants(ANALYSES, "fm_pain").set_index("title")
    parallel = table.loc["The same, parallel trials only"]
    assert parallel["k"] == 2 and np.isnan([parallel["estimate"], parallel["ci_low"]]).all()
    pool = ANALYSES["fm_pain_parallel"]
    assert all(words in parallel["one_by_one"] for words in pool.each)
    assert f"{pool.wald.ci_high:.2f}" in parallel["one_by_one"]
    assert "Wald" in parallel["one_by_one"]
    alone = table.loc["The same, without trials judged at high risk of bias"]
    assert (alone["k"], alone["ci_low"]) == (1, -0.95) and pd.isna(alone["one_by_one"])
    assert table.loc["Pain intensity in any chronic pain, 0 to 10", "left_out"] == (
        "beaudettezlatanova2023"
    )


def test_single_trials_are_those_of_one_study():
    table = summaries.single_trials(ANALYSES)
    assert len(table) == sum(a.k == 1 for a in ANALYSES.values())
    assert {"cree2010", "mischoulon2017", "tsui2024"} <= set(table["study"])


def test_the_map_of_new_trials_is_as_wide_as_the_trials_need():
    pool = ANALYSES["fm_pain"]
    assert new_trial.reach_of([pool]) == 2
    far = replace(pool, studies=(replace(pool.studies[0], ci_low=-13.0, ci_high=2.0),))
    assert new_trial.reach_of([far]) == 20
    assert new_trial.reach_of([]) == 1


def test_an_unknown_side_points_nowhere():
    for word, side in {"ldn": "intervention", "intervention": "intervention", "placebo": "control",
                       "neither": "neither", "mixed": "unclear", "nobody": "unclear"}.items():
        assert directions._side(REVIEW, pd.Series({"favours": word})) == side
