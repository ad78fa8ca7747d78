"""Figures of mechanism and markers: what they must say, and that the data move them."""

import pytest
from matplotlib.lines import Line2D

from drawn import REVIEW, with_tables
from evidence.chapters.markers import figure as markers_figure
from evidence.figures import catalogue
from evidence.review.studies import LABORATORY
from figure_checks import faint, outside, overlaps, small, texts

NAMES = ("mechanism_map", "dose_reached", "cytokines", "biomarkers")


def changed(table, key, identifier, **values):
    """The review with some cells of one row changed."""
    frame = REVIEW.table(table)
    for column, value in values.items():
        frame.loc[frame[key] == identifier, column] = value
    return with_tables(REVIEW, **{table: frame})


def build(name, review=REVIEW):
    return catalogue.build(review, {}, name)


def words(figure):
    return " ".join(" ".join(texts(figure.figure())).split())


@pytest.fixture(scope="module", params=NAMES)
def drawn(request):
    return build(request.param).figure()


def test_pages_are_readable(drawn):
    assert outside(drawn) == []
    assert overlaps(drawn) == []
    assert small(drawn) == []
    assert faint(drawn) == []


def test_the_map_names_every_box_and_says_where_links_stop():
    figure = build("mechanism_map")
    said = words(figure)
    table = figure.table
    for box in {*table["source"], *table["target"]}:
        assert box in said
    for word in ("supported", "contested", "unclear", "Reached, uncontested:",
                 "Outcomes not reached:", "Papers retracted: Filamin A, Gs coupling"):
        assert word in said
    assert "0 of 3 outcomes" in figure.title


def test_only_links_of_the_medicine_are_coloured_and_marked():
    figure = build("mechanism_map")
    canvas = figure.figure()
    start = next(text for text in canvas.axes[0].texts if text.get_color() == "white")
    own = figure.table[figure.table["source"] == " ".join(start.get_text().split())]
    ends = [line for line in canvas.axes[0].lines if line.get_marker() not in ("None", "")]
    assert len(ends) == len(own) > 0
    key = {line.get_marker() for line in canvas.findobj(Line2D) if line.axes is None}
    assert {line.get_marker() for line in ends} <= key


def test_a_finding_turned_around_moves_the_map():
    turned = changed("mechanism_edges", "edge_id", "e70", stance="supports")
    before, after = build("mechanism_map"), build("mechanism_map", turned)
    assert "0 of 3" in before.title and "1 of 3" in after.title
    assert "21 supported" in before.alt and "22 supported" in after.alt
    assert (after.table["stance"] == "supports").sum() == 22


def test_concentrations_mark_what_a_fair_reader_must_see():
    figure = build("dose_reached")
    said = words(figure)
    for part in ("extrapolated", "mirror-image isomer", "naloxone", "paper not read here",
                 "no effect seen", "unread", "0.1 nM", "1 mM", "2.25 to 5.75 nM"):
        assert part in said
    assert "2,800 × peak" in said and "30,000 × peak" in said
    assert "naltrexone itself" in figure.method and "at or below the band" in figure.caption


def test_effects_of_another_molecule_stand_in_order_and_are_never_reached():
    table = build("dose_reached").table
    other = table[table["stands_for"] == "other_molecule"]
    assert other["low"].is_monotonic_increasing
    review = changed("concentrations", "item_id", "k24", value_nm=0.5)
    said = words(build("dose_reached", review))
    assert "at or below band" in said
    assert said.count(" reached ") == words(build("dose_reached")).count(" reached ")


def test_a_changed_concentration_moves_everything():
    value = 3.51e6 / 2
    review = changed("concentrations", "item_id", "k17", value_nm=value, low_nm=value)
    fewer = review.table("concentrations").query("item_id not in ['k18', 'k19']")
    layout = REVIEW.table("concentration_rows").query("item_id not in ['k18', 'k19']")
    review = with_tables(review, concentrations=fewer, concentration_rows=layout)
    figure = build("dose_reached", review)
    assert "500,000 × peak" in figure.alt
    assert "500,000 × peak" in words(figure)
    assert figure.table["value"].max() == value


def test_a_level_within_reach_is_said_to_be_reached():
    review = changed("concentrations", "item_id", "k01", value_nm=2e5, high_nm=3e5)
    figure = build("dose_reached", review)
    assert "TLR4 reached" in figure.title
    assert "TLR4 not reached" in build("dose_reached").title


def test_cytokines_tell_classes_apart_and_say_what_is_missing():
    figure = build("cytokines")
    said = words(figure)
    assert figure.title == "17 of 63 analytes fell in 8 people, no control"
    assert "=" not in said.replace("n =", "").replace("p =", "")
    for part in ("pro-inflammatory", "anti-inflammatory", "46 further analytes", "no change",
                 "11 more: direction only", "IL-1Ra", "146.9 → 138.4 pg/mL"):
        assert part in said


def test_a_changed_analyte_moves_everything():
    review = changed("biomarkers", "biomarker_id", "parkitny2017-il-10",
                     marker_class="pro_inflammatory", change_pct=-50.0)
    figure = build("cytokines", review)
    assert figure.content.facts["n_anti"] == 2
    assert "IL-10 −50 %" in figure.alt
    assert figure.table.set_index("marker").loc["IL-10", "change_pct"] == -50


def test_a_second_study_with_a_change_is_said_to_have_one():
    review = changed("biomarkers", "biomarker_id", "lie2018-serum-cytokine-panel",
                     direction="increase")
    assert "no change" in words(build("cytokines"))
    assert "no change" not in words(build("cytokines", review))


def test_markers_sentence_comes_from_the_table():
    figure = build("biomarkers")
    table = REVIEW.table("biomarkers")
    table = table[table["marker_class"].isin(LABORATORY)]
    readable, controlled = table["result_available"], table["controlled"]
    found, unread = figure.content.facts["n_found"], int((controlled & ~readable).sum())
    said = words(figure)
    assert f"of {readable.sum()} readable inflammation results" in figure.title
    assert f"{found} of {readable.sum()}" in said and str(unread) in said.split()
    for study in table.loc[controlled & ~readable, "study"].unique():
        assert REVIEW.bibliography.cite(study) in said
    after = build("biomarkers", changed("biomarkers", "biomarker_id", "smith2011-crp",
                                        direction="decrease", result_available=True))
    assert after.content.facts["n_found"] == found + 1 and after.title != figure.title


def test_the_grid_of_markers_counts_every_readable_and_every_controlled_entry():
    figure = build("biomarkers")
    counts = markers_figure.counted(figure.table)
    table = REVIEW.table("biomarkers")
    silent = (~table["controlled"].astype(bool) & ~table["result_available"].astype(bool)).sum()
    assert counts.to_numpy().sum() == len(table) - silent


def test_every_study_with_a_marker_has_a_row():
    figure = build("biomarkers")
    assert set(figure.table["study"]) == set(REVIEW.table("biomarkers")["study"])
    assert figure.table["entries"].sum() == len(REVIEW.table("biomarkers"))
