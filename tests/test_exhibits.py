"""Every figure of the review: readable, described, and moved by its data."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from evidence import exhibits
from evidence.analysis import run_analyses
from evidence.problems import ReviewError
from evidence.review import load_review
from figure_checks import faint, outside, overlaps, past_margins, small, texts

ROOT = Path(__file__).parents[1]
REVIEW = load_review(ROOT)
ANALYSES = run_analyses(REVIEW)
NAMES = list(exhibits.specs(REVIEW))


@pytest.fixture(scope="module", params=NAMES)
def shown(request):
    exhibit = exhibits.build(REVIEW, ANALYSES, request.param)
    return exhibit, exhibit.figure()


def test_nothing_leaves_the_page_or_overlaps(shown):
    _, figure = shown
    assert outside(figure) == []
    assert overlaps(figure) == []


def test_texts_keep_the_margins(shown):
    exhibit, figure = shown
    if exhibit.name not in ("study_landscape", "cited_outcomes"):
        assert past_margins(figure) == []


def test_text_is_large_and_dark_enough(shown):
    _, figure = shown
    assert small(figure) == []
    assert faint(figure) == []


def test_message_method_and_alt_text_are_there(shown):
    exhibit, figure = shown
    page = " ".join(" ".join(texts(figure)).split())
    assert " ".join(exhibit.title.split()) in page  # a no-break space counts as a space
    assert exhibit.method.rstrip(".") in page
    assert exhibit.title.rstrip(".") in exhibit.alt
    assert exhibit.content.summary in exhibit.alt
    assert "nan" not in exhibit.alt.lower().split()
    assert set(exhibit.sources) <= set(REVIEW.bibliography)
    assert set(exhibit.content.tables) <= set(REVIEW.tables)


def changed(review, table, key, identifier, **values):
    """The review with some cells of one row changed."""
    frame = review.table(table)
    for column, value in values.items():
        frame.loc[frame[key] == identifier, column] = value
    return replace(review, tables={**review.tables, table: frame})


def test_a_changed_cell_moves_table_message_and_alt_text():
    before = exhibits.build(REVIEW, ANALYSES, "cited_outcomes")
    review = changed(REVIEW, "outcomes", "outcome_id", "parkitny2017-pain-w8",
                     intervention_change_pct=-33.0)
    after = exhibits.build(review, ANALYSES, "cited_outcomes")
    assert "33 %" in after.title and "33 %" not in before.title
    assert "−33.0" in after.alt
    assert after.table.loc[0, "intervention"] == -33
    assert any("−33.0" in text for text in texts(after.figure()))


def test_percent_changes_come_from_the_printed_or_the_computed_change():
    table = exhibits.build(REVIEW, ANALYSES, "cited_outcomes").table.set_index("outcome_id")
    final = table.loc["duebruun2024-pain-w12-itt"]
    assert final["intervention"] == pytest.approx(100 * -1.3 / 6.3)
    assert final["control"] == pytest.approx(100 * -0.9 / 6.2)
    assert round(final["intervention"], 1) == -20.6 and round(final["control"], 1) == -14.5
    assert table.loc["younger2013-pain-w12-pp", "difference"] == pytest.approx(-10.8)
    assert pd.isna(table.loc["parkitny2017-symptoms-w8", "difference"])


@pytest.mark.parametrize(("column", "value", "word"), [
    ("kind", "pie", "kind of figure"), ("select", "nobody-pain", "is not there"),
    ("message", "{nothing:.1f}", "nothing is called"),
])
def test_a_wrong_specification_is_named_with_its_row(column, value, word):
    review = changed(REVIEW, "figures", "figure", "cited_outcomes", **{column: value})
    with pytest.raises(ReviewError, match=word) as caught:
        exhibits.build(review, ANALYSES, "cited_outcomes")
    assert caught.value.problems[0].row == NAMES.index("cited_outcomes") + 2
