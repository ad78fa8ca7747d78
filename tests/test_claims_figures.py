"""The figure of the claims audit: every claim, both marks, and nothing unknown that looks known."""

from dataclasses import replace

import pytest

from evidence.chapters.claims import audit
from evidence.chapters.claims import figure as claims_audit
from evidence.figures import catalogue
from figure_checks import faint, outside, overlaps, small, texts


@pytest.fixture(scope="module")
def shown(review):
    exhibit = catalogue.build(review, {}, "claims_audit")
    return exhibit, exhibit.figure()


def marks(figure):
    """(x, y, letter) of every mark in the grid and in the panel."""
    ax = figure.axes[0]
    letters = {mark.letter for mark in claims_audit.MARKS.values()}
    return [(*text.get_position(), text.get_text()) for text in ax.texts
            if text.get_text() in letters]


def test_it_is_readable(shown):
    _, figure = shown
    assert outside(figure) == []
    assert overlaps(figure) == []
    assert small(figure) == []
    assert faint(figure) == []


def test_every_claim_has_its_two_marks(review, shown):
    _, figure = shown
    names = {text.get_text(): text.get_position() for text in reversed(figure.axes[0].texts)}
    placed = marks(figure)
    for _, row in audit.audit(review).iterrows():
        x, y = names[row["claim_id"]]
        near = sorted((a, letter) for a, b, letter in placed
                      if abs(b - y) < 0.1 and 0 < a - x < claims_audit.CELL)
        assert [letter for _, letter in near] == [
            claims_audit.MARKS[row[f"{kind}_verdict"]].letter for kind in ("citation", "evidence")
        ], row["claim_id"]


def test_marks_differ_in_shape_and_letter_and_the_unknown_is_hollow(review):
    for kind in ("citation_verdict", "evidence_verdict"):
        used = [claims_audit.MARKS[word] for word in audit.words(review, kind)]
        assert len({mark.letter for mark in used}) == len(used)
    unknown = claims_audit.MARKS["untested"]
    assert claims_audit.MARKS["not_verifiable"] is unknown
    known = [mark for mark in claims_audit.MARKS.values() if mark is not unknown]
    assert unknown.letter == "?" and unknown.colour == "white"
    assert unknown.marker not in {mark.marker for mark in known}
    assert "white" not in {mark.colour for mark in known}


def test_the_cross_table_stands_beside_the_grid(review, shown):
    _, figure = shown
    counts = audit.cross(review, "citation_verdict", "evidence_verdict")
    panel = [text.get_text() for text in figure.axes[0].texts
             if text.get_position()[0] > claims_audit.PANEL]
    for total in [*counts["total"], *counts.loc["total"]]:
        assert str(total) in panel or total == 0
    assert "contradicted" not in texts(figure)


def test_words_numbers_and_marks_stand_apart(review, shown):
    _, figure = shown
    renderer, inch = figure.canvas.get_renderer(), figure.dpi
    texts_at = {}
    for text in figure.axes[0].texts:
        texts_at.setdefault(round(text.get_position()[1], 2), []).append(text)
    words = next(t for t in figure.axes[0].texts if t.get_text() == "supported with caveat")
    y = round(words.get_position()[1], 2)
    right = words.get_window_extent(renderer).x1
    after = [t.get_window_extent(renderer).x0 for t in texts_at[y]
             if t.get_window_extent(renderer).x0 > right]
    assert min(after) - right > 0.1 * inch
    marks_left = claims_audit.MARKS_AT[0] - 0.15
    for claim_id in audit.audit(review)["claim_id"]:
        label = next(t for t in figure.axes[0].texts if t.get_text() == claim_id)
        assert label.get_window_extent(renderer).width / inch < marks_left


def test_safety_claims_stand_out(review, shown):
    exhibit, figure = shown
    framed = len(figure.axes[0].patches) - 1  # one of them explains the frame
    assert framed == audit.audit(review)["important"].sum()
    assert "c15, c19" in exhibit.alt


def test_a_changed_verdict_moves_marks_title_table_and_alt_text(review):
    before = catalogue.build(review, {}, "claims_audit")
    table = review.table("claims")
    table.loc[table["claim_id"] == "c04", ["citation_verdict", "evidence_verdict"]] = "supported"
    after = catalogue.build(replace(review, tables={**review.tables, "claims": table}), {},
                           "claims_audit")
    assert before.title.startswith("Six of 44") and after.title.startswith("Seven of 44")
    assert before.title.endswith("two by both") and after.title.endswith("three by both")
    assert "supported 7" in after.alt and "supported 7" not in before.alt
    assert after.table.loc[3, "citation_verdict"] == "supported"
    count = [letter for *_, letter in marks(after.figure())].count("S")
    assert count == [letter for *_, letter in marks(before.figure())].count("S") + 2
