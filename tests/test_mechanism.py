"""Mechanism, exposure and markers: counted again here from the files."""

import csv
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from evidence.chapters.exposure import reach
from evidence.chapters.markers import counts
from evidence.chapters.mechanism import graph
from evidence.chapters.mechanism import markers as markers_module
from evidence.chapters.mechanism.layers import Grid, lay_out
from evidence.wording.facts import Facts

ROOT = Path(__file__).parents[1]


def rows(name):
    with (ROOT / "data" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def changed(review, table, key, identifier, **values):
    """The review with some cells of one row changed."""
    frame = review.table(table)
    for column, value in values.items():
        frame.loc[frame[key] == identifier, column] = value
    return replace(review, tables={**{t: review.table(t) for t in review.tables}, table: frame})


def test_every_node_stands_in_one_box_and_the_map_stays_small(review):
    boxes = graph.groups(review)
    drawn = [node for nodes in boxes["nodes"] for node in nodes]
    assert sorted(drawn) == sorted(row["node"] for row in rows("mechanism_nodes"))
    assert len(boxes) <= 25
    assert sorted(boxes["column"].unique()) == [1, 2, 3, 4, 5]


def test_every_finding_is_drawn_once_or_inside_a_box(review):
    drawn = [i for ids in graph.links(review)["findings"] for i in ids]
    inside = list(graph.inside(review)["edge_id"])
    assert sorted(drawn + inside) == sorted(row["edge_id"] for row in rows("mechanism_edges"))


def test_links_run_from_left_to_right(review):
    column = graph.groups(review).set_index("group")["column"]
    links = graph.links(review)
    assert (links["source"].map(column) < links["target"].map(column)).all()


@pytest.mark.parametrize(("said", "expected"), [
    ([("supports", False)], "supports"),
    ([("supports", False), ("contradicts", False)], "contested"),
    ([("unclear", False), ("contradicts", False)], "contradicts"),
    ([("unclear", False), ("supports", False)], "supports"),
    ([("unclear", False)], "unclear"),
    ([("supports", True)], "retracted"),
    ([("supports", True), ("contradicts", False)], "contradicts"),
])
def test_findings_are_taken_together_without_counting_votes(said, expected):
    table = pd.DataFrame(said, columns=["stance", "retracted"])
    assert graph.stance(table) == expected


def test_only_supported_links_are_followed():
    links = pd.DataFrame([
        ("a", "b", "supports"), ("b", "c", "contested"), ("b", "d", "supports"),
        ("d", "e", "unclear"), ("x", "c", "supports"),
    ], columns=["source", "target", "stance"])
    assert graph.reachable(links, "a") == {"b", "d"}


def test_balance_agrees_with_the_files(review):
    balance = graph.balance(review).set_index("pathway").fillna({"best_tier": ""})
    drugs = {row["node"] for row in rows("mechanism_nodes") if row["kind"] == "drug"}
    for pathway in rows("pathways"):
        name = pathway["pathway"]
        here = [e for e in rows("mechanism_edges") if e["pathway"] == name]
        standing = [e for e in here if e["retracted"] == "false"]
        counted = balance.loc[name]
        assert counted["supporting"] == int(pathway["n_supporting"])
        assert counted["by_drug"] == int(pathway["n_supporting_drug"])
        assert counted["contradicting"] == int(pathway["n_contradicting"])
        assert counted["retracted"] == int(pathway["n_retracted"])
        assert counted["best_tier"] == pathway["best_tier"]
        assert counted["at_dose"] == sum(
            e["stance"] == "supports" and e["source"] in drugs
            and e["reached_at_ldn_dose"] == "yes" for e in standing
        )
        assert counted["documents_against"] == len({
            key for e in standing if e["stance"] == "contradicts" for key in e["keys"].split(";")
        })


def test_retracted_findings_support_nothing(review):
    turned = changed(review, "mechanism_edges", "edge_id", "e61", stance="supports")
    before = graph.balance(review).set_index("pathway").loc["filamin_a"]
    after = graph.balance(turned).set_index("pathway").loc["filamin_a"]
    assert before["supporting"] == after["supporting"] == 0
    assert set(graph.pathway_findings(turned, "filamin_a")["stance"]) == {"retracted"}


def test_stories_say_the_balance_in_words(review):
    stories = graph.stories(review)
    assert stories["tlr4_microglia"].contra.startswith("four contradicting findings")
    assert stories["filamin_a"].doubt == "two retracted"
    assert stories["other_descending"].pro == "No supporting finding"


def test_a_controlled_marker_outside_the_table_is_found(review):
    assert markers_module.unlisted_markers(review, "ldn").empty
    listed = review.table("biomarkers")
    fewer = replace(review, tables={
        **review.tables, "biomarkers": listed[listed["study"] != "bihari1988"]})
    assert list(markers_module.unlisted_markers(fewer, "ldn")["keys"]) == ["bihari1988"]


def levels(review):
    return [reach.level(review, item) for item in ("k01", "k03")]


def test_ratios_are_computed_from_the_levels(review):
    table = reach.reach(review, levels(review)).set_index("effect")
    values = {row["item_id"]: row for row in rows("concentrations")}
    peak, top = (float(values["k01"][column]) for column in ("value_nm", "high_nm"))
    tlr4 = next(row for _, row in table.iterrows() if "k17" in row["items"])
    assert tlr4["times_peak"] == pytest.approx(float(values["k17"]["value_nm"]) / peak)
    assert tlr4["times_top"] == pytest.approx(float(values["k17"]["low_nm"]) / top)
    assert reach.rounded(tlr4["times_peak"]) == 30000
    assert (tlr4["verdict"], tlr4["was_read"]) == ("above", False)
    metabolite = next(row for _, row in table.iterrows() if "k14" in row["items"])
    assert metabolite["times_peak"] == pytest.approx(
        float(values["k14"]["value_nm"]) / float(values["k03"]["value_nm"])
    )


def test_verdicts_keep_molecules_and_null_results_apart(review):
    table = reach.reach(review, levels(review))
    by_item = {item: row for _, row in table.iterrows() for item in row["items"]}
    assert by_item["k09"]["verdict"] == "reached"
    assert by_item["k21"]["verdict"] == "no_effect"
    assert by_item["k21"]["value"] == 200000
    assert by_item["k29"]["verdict"] == "overlaps"
    assert by_item["k29"]["stands_for"] == "other_molecule" and not by_item["k29"]["was_read"]
    assert by_item["k17"]["stands_for"] == "other_isomer"


def test_what_a_row_stands_for_agrees_with_its_analyte(review):
    analytes = {row["item_id"]: row["analyte"] for row in rows("concentrations")}
    expected = {"naltrexone": "medicine", "6beta_naltrexol": "metabolite", "naloxone":
                "other_molecule", "plus_naltrexone": "other_isomer",
                "plus_6beta_naltrexol": "other_isomer"}
    for row in rows("concentration_rows"):
        assert row["stands_for"] == expected[analytes[row["item_id"]]]


def test_every_constant_and_concentration_has_a_row(review):
    expected = {r["item_id"] for r in rows("concentrations") if r["kind"] != "plasma_level"}
    assert {row["item_id"] for row in rows("concentration_rows")} == expected


def test_a_higher_level_reaches_more(review):
    higher = changed(review, "concentrations", "item_id", "k01", value_nm=3e5, high_nm=3e5)
    table = reach.reach(higher, levels(higher))
    own = table[table["stands_for"] == "medicine"]
    assert set(own["verdict"]) == {"reached", "no_effect"}


@pytest.mark.parametrize(("value", "expected"), [(30057, 30000), (17.1, 17), (0.0312, 0.031)])
def test_rounding_to_significant_digits(value, expected):
    assert reach.rounded(value) == pytest.approx(expected)


def test_what_is_not_a_plasma_level_is_refused(review):
    with pytest.raises(ValueError, match="k09"):
        reach.level(review, "k09")


def test_occupancy_holds_single_low_doses_only(review):
    found = reach.occupancy(review, "mu", 6)
    assert sorted(found["occupancy_percent"]) == [27, 43, 46, 58]


@pytest.mark.parametrize(("marker", "size"), [
    ("46 further analytes of the 63-analyte panel", 46), ("15-analyte cytokine panel", 15),
    ("IL-6", 1), ("CD4 count at 26 weeks", 1),
])
def test_an_entry_may_stand_for_a_panel(marker, size):
    assert counts.panel_size(marker) == size


def test_analytes_of_one_study(review):
    here = [r for r in rows("biomarkers") if r["study"] == "parkitny2017"]
    table = counts.analytes(review, "parkitny2017")
    assert len(table) == sum(r["result_available"] == "true" for r in here) == 17
    assert table["has_value"].sum() == sum(bool(r["change_pct"]) for r in here) == 6
    assert len(table) + counts.silent_analytes(review, "parkitny2017") == 63
    assert table.set_index("marker").loc["IL-6", "p"] == "< 0.001"


def test_grid_counts_every_entry_and_puts_controlled_ones_first(review):
    grid = counts.grid(review)
    assert grid["entries"].sum() == len(rows("biomarkers"))
    controlled = list(grid["controlled"])
    assert controlled == sorted(controlled, reverse=True)
    assert grid.loc[grid["controlled"], "entries"].sum() == sum(
        r["controlled"] == "true" for r in rows("biomarkers")
    )


def test_placebo_controlled_results_are_those_that_the_table_holds(review):
    held = counts.placebo_results(review)
    assert set(held["biomarker_id"]) == {"moloney2026-hs-crp", "bihari1988-ifn-alpha"}
    assert len(counts.placebo_results(review, ("tissue",))) == 2
    found = changed(review, "biomarkers", "biomarker_id", "smith2011-crp",
                    direction="decrease", result_available=True)
    more = set(counts.placebo_results(found)["biomarker_id"]) - set(held["biomarker_id"])
    assert more == {"smith2011-crp"}
    no_placebo = changed(found, "studies", "study", "smith2011", placebo_controlled=False)
    assert len(counts.placebo_results(no_placebo)) == len(held)


def test_cytokines_of_mixed_role_are_laboratory_markers_and_vague_entries_are_not(review):
    facts = Facts(review, {})
    classes = {"pro_inflammatory", "anti_inflammatory", "cytokine_mixed_role", "acute_phase",
               "faecal"}
    own = [r for r in rows("biomarkers") if r["marker_class"] in classes]
    read = [r for r in own if r["result_available"] == "true"]
    unread = [r for r in own if r["result_available"] != "true" and r["controlled"] == "true"]
    assert (facts["n_markers_read"], facts["n_markers_unread"]) == (len(read), len(unread))
    assert facts["n_markers_controlled"] == sum(r["controlled"] == "true" for r in read)
    assert facts["n_markers_controlled"] + facts["n_markers_uncontrolled"] == len(read)
    assert facts["n_studies_unread"] == len({r["study"] for r in unread})
    assert facts["marker_studies"]["parkitny2017"].read == sum(
        r["study"] == "parkitny2017" for r in read)
    grid = counts.grid(review)
    kinds = grid[grid["study"] == "parkitny2017"].groupby("kind")["entries"].sum()
    assert kinds.iloc[kinds.index.str.startswith("Cyto").argmax()] == facts[
        "marker_studies"]["parkitny2017"].read
    assert {r["study"] for r in unread}.isdisjoint({"brewer2018", "moloney2026"})


GRID = Grid(width=10, height=4, box=1.5, gap=0.1, lane=0.1, leaving=0.1, arriving=0.1)
COLUMNS = [["a", "b"], ["c", "d"], ["e"]]
LINKS = [("a", "c"), ("a", "e"), ("b", "e"), ("b", "d"), ("c", "e")]


def test_no_link_runs_behind_a_box():
    drawing = lay_out(COLUMNS, LINKS, dict.fromkeys("abcde", 0.6), GRID)
    for (source, target), route in zip(LINKS, drawing.routes, strict=True):
        for x, y in route[1:-1]:
            for name, (left, bottom, width, height) in drawing.boxes.items():
                if name not in (source, target) and left <= x <= left + width:
                    assert not bottom < y < bottom + height


def test_boxes_of_a_column_keep_their_order_and_distance():
    drawing = lay_out(COLUMNS, LINKS, dict.fromkeys("abcde", 0.6), GRID)
    for column in COLUMNS:
        for upper, lower in pairwise(column):
            assert drawing.boxes[upper][1] >= sum(drawing.boxes[lower][1::2]) + GRID.gap - 1e-9
    assert all(y >= 0 and y + height <= 4 for _, y, _, height in drawing.boxes.values())


def test_a_backward_link_and_a_full_column_are_refused():
    with pytest.raises(ValueError, match="left to right"):
        lay_out(COLUMNS, [("c", "a")], dict.fromkeys("abcde", 0.6), GRID)
    with pytest.raises(ValueError, match="group more nodes"):
        lay_out(COLUMNS, LINKS, dict.fromkeys("abcde", 2.5), GRID)
