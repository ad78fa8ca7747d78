"""The figure of the claims audit: every claim in the bar, and nothing unknown that looks known."""

import pytest
from matplotlib.patches import FancyBboxPatch, Rectangle

from drawn import with_tables
from evidence.chapters.claims import audit
from evidence.chapters.claims import figure as claims_audit
from evidence.figures import catalogue
from figure_checks import contrast, faint, outside, overlaps, small, texts


@pytest.fixture(scope="module")
def shown(review):
    figure = catalogue.build(review, {}, "claims_audit")
    return figure, figure.figure()


def test_it_is_readable(shown):
    _, figure = shown
    assert outside(figure) == []
    assert overlaps(figure) == []
    assert small(figure) == []
    assert faint(figure) == []


def test_the_bar_holds_every_claim_once(review, shown):
    _, figure = shown
    (ax,) = figure.axes
    counts = audit.audit(review)["evidence_verdict"].value_counts()
    parts = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    widths = sorted(patch.get_width() for patch in parts)
    assert widths == pytest.approx(sorted(counts * sum(widths) / counts.sum()))
    numbers = [text for text in texts(figure) if text.isdigit()]
    assert sum(map(int, numbers)) == len(audit.audit(review))


def test_chosen_claims_stand_with_both_verdicts(review, shown):
    figure, canvas = shown
    written = " ".join(" ".join(texts(canvas)).split())
    chosen = audit.audit(review).set_index("claim_id").loc[list(figure.spec.select)]
    assert len(chosen) == 6
    for row in chosen.to_dict("records"):
        assert row["claim"] in written
    chips = [patch for patch in canvas.axes[0].patches if isinstance(patch, FancyBboxPatch)]
    assert len(chips) == 2 * len(chosen)


def test_what_nobody_could_verify_is_hollow_and_verdicts_carry_words(review):
    for verdict in ("not_verifiable", "untested"):
        assert claims_audit.LOOKS.get(verdict, claims_audit.UNKNOWN)[0] == "white"
    assert all(ground != "white" for ground, _ in claims_audit.LOOKS.values())
    for ground, ink in claims_audit.LOOKS.values():
        assert contrast(ground, ink) >= 4.5


def test_safety_claims_are_named_in_the_alt_text(shown):
    figure, _ = shown
    assert all(claim in figure.alt for claim in figure.content.facts["important"])


def test_a_changed_verdict_moves_bar_title_table_and_alt_text(review):
    before = catalogue.build(review, {}, "claims_audit")
    table = review.table("claims")
    table.loc[table["claim_id"] == "c04", ["citation_verdict", "evidence_verdict"]] = "supported"
    after = catalogue.build(with_tables(review, claims=table), {}, "claims_audit")
    assert after.title != before.title and after.alt != before.alt
    count = before.content.facts["n_evidence_supported"]
    assert str(count + 1) in texts(after.figure())
    assert after.table.loc[3, "citation_verdict"] == "supported"
