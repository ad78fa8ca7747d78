"""Every figure of the review: readable, described, and moved by its data."""

import re
from dataclasses import replace

import pandas as pd
import pytest
from matplotlib.colors import to_hex

from drawn import ANALYSES, NAMES, REVIEW, built, with_tables
from drawn import page as page_of
from evidence.appraisal.census import census
from evidence.figures import catalogue, page
from evidence.figures.figure import KINDS
from evidence.figures.kinds import changes
from evidence.pooling.analyses import run_analyses
from evidence.review.problems import ReviewError
from figure_checks import (
    drawn_texts,
    faint,
    foot,
    outside,
    overlaps,
    past_margins,
    small,
    texts,
)


@pytest.fixture(scope="module", params=NAMES)
def shown(request):
    return built(request.param), page_of(request.param)


def test_nothing_leaves_the_page_or_overlaps(shown):
    _, figure = shown
    assert outside(figure) == []
    assert overlaps(figure) == []


def test_texts_keep_the_margins(shown):
    figure, canvas = shown
    if figure.name not in ("study_landscape", "cited_outcomes"):
        assert past_margins(canvas) == []


def test_text_is_large_and_dark_enough(shown):
    _, figure = shown
    assert small(figure, page.SMALLEST) == []
    assert faint(figure) == []


def test_the_foot_is_one_line(shown):
    _, figure = shown
    text = foot(figure)
    assert "\n" not in text.get_text() and text.get_fontsize() >= 11


def test_titles_are_short(shown):
    figure, _ = shown
    assert len(re.sub(r"\s%", "%", figure.title).split()) <= 12


def test_message_method_and_alt_text_are_there(shown):
    figure, canvas = shown
    written = " ".join(" ".join(texts(canvas)).split())
    assert " ".join(figure.title.split()) in written  # a no-break space counts as a space
    assert figure.method.rstrip(".") in written
    assert figure.title.rstrip(".") in figure.alt
    assert figure.content.summary in figure.alt
    assert "nan" not in figure.alt.lower().split()
    assert set(figure.sources) <= set(REVIEW.bibliography)
    assert set(figure.content.tables) <= set(REVIEW.tables)


def changed(review, table, key, identifier, **values):
    """The review with some cells of one row changed."""
    frame = review.table(table)
    for column, value in values.items():
        frame.loc[frame[key] == identifier, column] = value
    return with_tables(review, **{table: frame})


def test_a_changed_cell_moves_table_message_and_alt_text():
    before = built("cited_outcomes")
    review = changed(REVIEW, "outcomes", "outcome_id", "parkitny2017-pain-w8",
                     intervention_change_pct=-33.0)
    after = catalogue.build(review, ANALYSES, "cited_outcomes")
    assert "33 %" in after.title and "33 %" not in before.title
    assert "−33.0" in after.alt
    assert after.table.loc[0, "intervention"] == -33
    assert any("−33.0" in text for text in texts(after.figure()))


def test_percent_changes_come_from_the_printed_or_the_computed_change():
    table = built("cited_outcomes").table.set_index("outcome_id")
    final = table.loc["duebruun2024-pain-w12-itt"]
    assert final["intervention"] == pytest.approx(100 * -1.3 / 6.3)
    assert final["control"] == pytest.approx(100 * -0.9 / 6.2)
    assert round(final["intervention"], 1) == -20.6 and round(final["control"], 1) == -14.5
    assert table.loc["younger2013-pain-w12-pp", "difference"] == pytest.approx(-10.8)
    assert pd.isna(table.loc["parkitny2017-symptoms-w8", "difference"])


def test_a_difference_stands_with_the_interval_that_its_row_gives():
    table = built("cited_outcomes").table
    words = {row["outcome_id"]: changes.difference_words(row) for _, row in
             table.dropna(subset=["difference"]).iterrows()}
    rows = REVIEW.table("outcomes").set_index("outcome_id")
    for name, (difference, below) in words.items():
        low, high = rows.loc[name, ["effect_ci_low", "effect_ci_high"]]
        if rows.loc[name, "effect_measure"] == "percent_point_difference":
            assert f"({low:.1f} to {high:.1f})".replace("-", "−") in difference
            assert difference.endswith("†") == (rows.loc[name, "verification"] == "derived")
        else:
            assert f"points ({low:.2f} to {high:.2f})".replace("-", "−") in below
    bare = table.dropna(subset=["difference"]).iloc[0].copy()
    bare[["low", "high", "effect"]] = float("nan")
    assert changes.difference_words(bare)[1] == "no interval in per cent"


@pytest.mark.parametrize("name", ["cited_outcomes", "rigour_ladder"])
def test_numbers_of_changes_are_not_struck_by_the_line_of_zero(name):
    figure = page_of(name)
    left, right = figure.axes
    zero = left.transData.transform((0, 0))[0]
    for artist, text, box in drawn_texts(figure):
        if artist in left.texts and text.removeprefix("−").replace(".", "").isdigit():
            assert not box.x0 < zero < box.x1, text
        if text.startswith(("← favours", "favours")):
            middle = (box.x0 + box.x1) / 2
            assert right.bbox.x0 - 5 < middle < right.bbox.x1 + 5, text


def test_percentage_points_are_named_and_thresholds_have_their_source():
    figure = built("cited_outcomes")
    assert "percentage points" in figure.title
    assert set(REVIEW.table("instruments").set_index("instrument_id").loc[
        list(catalogue.specs(REVIEW)["cited_outcomes"].thresholds), "source"]) <= set(
        figure.sources)
    row = REVIEW.table("outcomes").set_index("outcome_id").loc["younger2013-symptoms-conference"]
    numbers = f"{row['intervention_change_pct']:.1f} against {row['control_change_pct']:.1f} %"
    assert numbers.replace("-", "−") in figure.caption
    assert "no controlled counterpart" not in figure.caption


@pytest.mark.parametrize(("column", "value", "word"), [
    ("kind", "pie", "kind of figure"), ("select", "nobody-pain", "is not there"),
    ("message", "{nothing:.1f}", "nothing is called"),
])
def test_a_wrong_specification_is_named_with_its_row(column, value, word):
    review = changed(REVIEW, "figures", "figure", "cited_outcomes", **{column: value})
    with pytest.raises(ReviewError, match=word) as caught:
        catalogue.build(review, ANALYSES, "cited_outcomes")
    assert caught.value.problems[0].row == NAMES.index("cited_outcomes") + 2


@pytest.fixture(scope="module")
def landscape():
    return built("study_landscape"), page_of("study_landscape")


def filled(axes):
    return [mark for mark in axes.collections
            if to_hex(mark.get_facecolor()[0]).upper() == page.MESSAGE]


def test_as_many_marks_are_filled_as_the_title_counts(landscape):
    figure, canvas = landscape
    (plot,) = canvas.axes
    count = census(REVIEW).placebo_controlled
    assert len(filled(plot)) == count and f"{count} placebo-controlled trials" in figure.title


def test_three_shapes_tell_designs_apart_and_large_trials_carry_their_names(landscape):
    figure, canvas = landscape
    table = figure.table
    assert set(table["shape"]) == {"randomised", "other", "waiting"}
    assert (table.loc[table["shape"] == "waiting", "has_results"] == False).all()  # noqa: E712
    largest = table[table["fill"] == "placebo"].sort_values("n", ascending=False)["label"]
    assert set(largest[:5]) & set(texts(canvas))
    cited = table[table["cited_as"].notna()]
    assert all(any(label in text for text in texts(canvas)) for label in cited["label"])


def test_the_break_of_the_years_is_marked(landscape):
    _, figure = landscape
    shown = texts(figure)
    assert shown.count("/") == 2 and any("closer together" in text for text in shown)


def test_a_short_range_of_years_has_a_tick_for_each_and_undated_studies_are_counted():
    studies = REVIEW.table("studies")
    years = {key: REVIEW.bibliography[key].year for key in studies["study"]}
    kept = studies[[years[key] in ("2023", "2024", "2025") or not years[key]
                    for key in studies["study"]]]
    review = with_tables(REVIEW, studies=kept)
    figure = catalogue.build(review, ANALYSES, "study_landscape")
    undated = int(figure.table["year"].isna().sum())
    assert {"2023", "2024", "2025"} <= set(texts(figure.figure()))
    assert (f"{undated} " in figure.method and "without a year" in figure.method) == (undated > 0)


def test_reports_of_the_same_people_and_fixed_order_are_told_apart(landscape):
    figure, _ = landscape
    fill = figure.table.set_index("study")["fill"]
    studies = REVIEW.table("studies").set_index("study")
    assert set(fill[fill == "further"].index) == set(
        studies.index[studies["participants_of"].notna()]) & set(fill.index)
    assert fill["younger2009"] == "not_randomised"


def test_no_mark_of_the_landscape_leaves_its_row(landscape):
    _, figure = landscape
    plot = figure.axes[0]
    row = plot.get_window_extent().height / abs(plot.get_ylim()[1] - plot.get_ylim()[0])
    for mark in plot.collections:
        if not len(mark.get_offsets()):
            continue
        side = mark.get_sizes()[0] ** 0.5 * figure.dpi / 72
        y = mark.get_offsets()[0][1]
        assert abs(y - round(y)) * row + side / 2 <= row / 2 + 1


def test_one_line_stands_on_the_same_height_with_and_without_descenders():
    with page.style("slide"):
        figure = page.page()
        bottoms = [page.write(figure, 0.1, 0.5, text, size=14) for text in ("cells", "cypgqj")]
    assert bottoms[0] == pytest.approx(bottoms[1])
    assert page.spacing("one", 0.9) == "normal" and page.spacing("two\nlines", 0.9) == 0.9


def _asked(kind, select="", thresholds="", **tables):
    """The review with one figure of a kind and some tables replaced."""
    row = {"figure": "asked", "kind": kind, "notebook": "", "select": select,
           "thresholds": thresholds, "message": "A message", "subtitle": "Plotted", "caption": ""}
    figures = pd.DataFrame([row])
    return with_tables(REVIEW, **tables, figures=figures)


def _with_rows(name, *rows):
    """A table of the review with rows made from its first one."""
    frame = REVIEW.table(name)
    extra = pd.DataFrame([dict(frame.iloc[0], **row) for row in rows]).astype(frame.dtypes)
    return pd.concat([frame, extra], ignore_index=True)


def _turned(edges):
    """The first link that the map draws, the other way round."""
    edges.loc[0, ["source", "target"]] = edges.loc[0, ["target", "source"]].to_list()
    return edges


def _odd():
    """Figures whose ids are there and do not suit their kind, by what is odd."""
    outcomes, studies = REVIEW.table("outcomes"), REVIEW.table("studies")
    choices = REVIEW.table("specifications").query("analysis == 'fm_pain'")
    ready = ";".join(ANALYSES["fm_pain"].effects["outcome_id"])
    markers = REVIEW.table("biomarkers")["study"]
    response = REVIEW.table("analyses").set_index("analysis").loc["fm_response_30", "include"]
    weeks = catalogue.specs(REVIEW)["innova_time"].select
    unsized = outcomes["outcome_id"].isin(weeks)
    return {
        "harm ids only": _asked("event_forest", "younger2013-headache;younger2013-vivid-dreams"),
        "ratio and difference of risks": _asked(
            "event_forest", "fm_response_30;rd", analyses=_with_rows(
                "analyses", {"analysis": "rd", "measure": "RD", "include": response})),
        "no analysis": _asked("published", "vatvani2024-pain"),
        "no thresholds": _asked("threshold", "fm_pain"),
        "three studies": _asked("analytes", "parkitny2017;lie2018;parkitny2017"),
        "unknown node": _asked("mechanism_map", "nowhere"),
        "nothing named": _asked("mechanism_map"),
        "link that runs backwards": _asked(
            "mechanism_map", "ldn", mechanism_edges=_turned(REVIEW.table("mechanism_edges"))),
        "no difference": _asked("ladder", "parkitny2017-pain-w8"),
        "size of an arm missing": _asked("timecourse", ";".join(weeks), outcomes=outcomes.assign(
            control_n=outcomes["control_n"].mask(unsized))),
        "no outcomes": _asked("gap_map", outcomes=outcomes.iloc[:0],
                              analyses=REVIEW.table("analyses").iloc[:0]),
        "another design": _asked("markers", studies=studies.assign(
            design=studies["design"].mask(studies["study"].isin(markers), "laboratory"))),
        "mean difference and risk ratio": _asked("forest_page", "fm_pain;fm_response_30"),
        "one choice": _asked("multiverse", "fm_pain", specifications=choices[
            choices["choice"] == choices["choice"].iloc[0]]),
        "outcomes where analyses are asked for": _asked("new_trial", ready),
    }


ODD = _odd()


@pytest.mark.parametrize("review", ODD.values(), ids=ODD)
def test_ids_that_do_not_suit_a_kind_are_drawn_or_a_listed_problem(review):
    try:
        figure = catalogue.build(review, run_analyses(review), "asked")
        figure.figure()
    except ReviewError as error:
        (problem,) = error.problems
        assert problem.file.startswith("data/") and problem.rule and problem.advice


MISTAKES = [IndexError("list index out of range"), ValueError("not from left to right"),
            TypeError("NAType"), ZeroDivisionError("division by zero"), AttributeError("x")]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: type(mistake).__name__)
@pytest.mark.parametrize("at", ["content", "draw"])
def test_a_bug_in_a_kind_is_no_fault_of_the_table(monkeypatch, at, mistake):
    """It stays what it is, with the name of the figure; what the package finds wrong is a fault."""
    def fail(*_):
        raise mistake

    ladder = KINDS["ladder"]
    monkeypatch.setitem(KINDS, "ladder", replace(ladder, content=fail if at == "content" else (
        lambda *given: replace(ladder.content(*given), draw=fail)
    )))
    review = _asked("ladder", "younger2013-pain-w12-pp")
    with pytest.raises(type(mistake)) as caught:
        catalogue.build(review, ANALYSES, "asked").figure()
    assert caught.value is mistake and mistake.__notes__[-1] == "figure asked"


def test_what_a_kind_finds_wrong_is_a_fault_of_the_row():
    review = _asked("timecourse", "duebruun2024-pain-w12-itt;rodriguezfreire2026-pain-w13-level")
    with pytest.raises(ReviewError) as caught:
        catalogue.build(review, ANALYSES, "asked").figure()
    assert str(caught.value) == (
        "data/figures.csv:2 figure: 'asked': a figure of kind timecourse cannot be made of these "
        "ids (ValueError: they are of several trials or instruments), check select and the tables "
        "it reads"
    )
