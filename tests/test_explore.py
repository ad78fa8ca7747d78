"""Exploring without a browser: filters, own pools, search, and what a stored notebook keeps."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import nbformat
import pandas as pd
import pytest
from pptx import Presentation

from conftest import MINIMAL, REPOSITORY, edit, write_review
from evidence.cli import main
from evidence.notebook import controls, explore, lookup, own, selection
from evidence.notebook import lookup as searching
from evidence.notebook.narrator import Narrator
from evidence.notebook.selection import Filter
from evidence.notebook.still import STILL
from evidence.pooling.analyses import run_analyses
from evidence.project.runner import VIEW, normalised
from evidence.publish import figure_deck
from evidence.review.problems import ReviewError
from evidence.review.review import load_review


@pytest.fixture(scope="module")
def n():
    return Narrator(REPOSITORY)


@pytest.fixture(scope="module")
def raw():
    return pd.read_csv(REPOSITORY / "data" / "studies.csv")


def group_of(raw):
    groups = pd.read_csv(REPOSITORY / "data" / "condition_groups.csv")
    return raw["condition"].map(dict(groups.to_numpy()))


def test_no_filter_keeps_every_record(review, raw):
    assert set(selection.choose(review, Filter())["study"]) == set(raw["study"])


def test_each_filter_keeps_what_the_file_says(review, raw):
    bowel = Filter(conditions=("Inflammatory bowel disease",), placebo=True)
    controlled = raw["placebo_controlled"].fillna(False).astype(bool)
    expected = raw[(group_of(raw) == "Inflammatory bowel disease") & controlled]
    assert set(selection.choose(review, bowel)["study"]) == set(expected["study"])
    designs = Filter(designs=("rct_crossover",))
    expected = raw[raw["design"] == "rct_crossover"]
    assert set(selection.choose(review, designs)["study"]) == set(expected["study"])
    years = selection.choose(review, Filter(first_year=2019, last_year=2021))["year"]
    assert len(years) and years.between(2019, 2021).all()
    without = selection.choose(review, Filter(placebo=False))
    assert len(without) == raw["placebo_controlled"].eq(False).sum()


def test_verification_chooses_results_and_their_studies(review):
    outcomes = pd.read_csv(REPOSITORY / "data" / "outcomes.csv")
    unread = outcomes[outcomes["verification"] == "unverified"]
    wanted = Filter(verification=("unverified",))
    assert set(selection.results(review, wanted).index) == set(unread["outcome_id"])
    assert set(unread["study"]) <= set(selection.choose(review, wanted)["study"])


def test_the_words_say_what_was_asked(review):
    wanted = Filter(("HIV",), (), 2010, None, True, ("primary",))
    assert wanted.words(review) == "HIV; placebo only; 2010 to …; primary values"
    assert Filter().words(review) == "everything"


def test_people_of_a_summary_are_counted_once(review, raw):
    primary = raw[~raw["role"].isin(["review", "meta_analysis", "label"])]
    text = selection.summary(review, Filter(conditions=("HIV",)))
    hiv = primary[group_of(primary) == "HIV"]
    once = hiv[hiv["participants_of"].isna()]
    people = int(once["n_analysed"].fillna(once["n_randomised"]).sum())
    assert text.startswith(f"{len(hiv)} primary stud") and f"{people} people" in text


def test_families_hold_comparisons_of_one_scale_only(review):
    for rows in selection.families(selection.results(review, Filter())).values():
        assert (rows["contrast"] != "within_arm").all()
        assert len(set(rows["measure"])) == 1
        if rows["measure"].iloc[0] == "MD" and "scale_high" in rows:
            assert len(set(rows["scale_high"].dropna())) <= 1


def test_the_same_choice_gives_the_pool_of_the_review(review):
    for name, analysis in run_analyses(review).items():
        spec = review.table("analyses").set_index("analysis").loc[name]
        rows = selection.measurable(review).loc[spec["include"].split(";")]
        if analysis.method != "inverse_variance":
            continue  # its estimator is no choice of this test
        pool = own.pooled(rows, analysis.measure, basis=spec["basis"])
        assert repr(pool.pooled) == repr(analysis.pooled), name  # NaN equals NaN


def test_a_start_from_an_analysis_keeps_its_basis(n):
    box = explore.OwnForest(n)
    assert "a report gives" not in box.words
    box.start.value = "depression"
    assert box.basis == "reported" and "a report gives" in box.words
    families = [name for name in box.family.options if name != box.family.value]
    box.family.value = families[0]
    assert box.basis == "auto" and "a report gives" not in box.words


def test_rows_of_both_directions_are_refused(review):
    rows = selection.measurable(review)
    worse, better = ["duebruun2024-pain-w12-itt"], ["cree2010-mcs-w8-se"]
    assert set(rows.loc[worse + better, "higher_is"]) == {"worse", "better"}
    with pytest.raises(ReviewError, match="higher is worse"):
        own.pooled(rows.loc[worse + better], "MD")
    with pytest.raises(ReviewError, match="nothing is chosen"):
        own.pooled(rows[:0], "MD")


def test_a_reader_is_warned_of_mixed_units_and_of_rows_left_out(review):
    rows = selection.measurable(review)
    rows = rows.loc[["duebruun2024-pain-w12-itt", "mischoulon2017-hamd17-w3",
                     "smith2011-response70-w12"]]
    said = " ".join(own.remarks(rows, own.pooled(rows, "MD")))
    assert "mixes units" in said and "1 of 3 chosen rows" in said and "exploratory" in said


def test_figures_of_ones_own_carry_title_method_and_alt_text(review):
    rows = selection.measurable(review)
    rows = rows[rows["family"] == "pain lower by 30 % or more"]
    figure = own.forest(review, own.pooled(rows, "RR"))
    assert "Two trials" in figure.title and "k = 2" in figure.method
    assert figure.alt.startswith("Forest plot")
    drawn = own.landscape(review, Filter(conditions=("HIV",)))
    assert re.match(r"\d+ of \d+ primary studies: HIV", drawn.title)
    assert own.landscape(review, Filter(designs=("narrative_review",))) is None


def test_saving_takes_any_typed_name_and_never_leaves_its_folder(review, tmp_path):
    rows = selection.measurable(review).loc[["duebruun2024-pain-w12-itt"]]
    figure = own.forest(review, own.pooled(rows, "MD"))
    elsewhere = replace(review, root=tmp_path)
    paths = own.save(elsewhere, figure, "../../My Plot!")
    assert [path.relative_to(tmp_path).as_posix() for path in paths] == [
        "figures/custom/my_plot.png", "figures/custom/my_plot.svg", "figures/custom/my_plot.pdf",
    ]
    with pytest.raises(ValueError, match="plain name"):
        own.save(elsewhere, figure, "…")


def test_what_cannot_be_pooled_is_shown_arm_by_arm_with_the_reason(review):
    wanted = Filter(conditions=("Inflammatory bowel disease",), placebo=True)
    rows = pd.concat(selection.families(selection.results(review, wanted)).values())
    figure = own.arms(review, rows, wanted.words(review))
    table = figure.table.set_index("outcome")
    trial = review.table("outcomes").set_index("outcome_id").loc["smith2011-response70-w12"]
    shown = table[(table["intervention"] == trial["intervention_pct"])
                  & (table["control"] == trial["control_pct"])]
    assert len(shown) == 1 and shown["reason"].str.len().gt(0).all()
    assert "nothing is pooled" in figure.method and "Smith et al. 2011" in figure.alt
    drawn = " ".join(text.get_text() for text in figure.figure("notebook").axes[-1].texts)
    assert "88 %" in drawn and "no number" not in drawn
    assert "further results not drawn" in figure.method


def test_what_is_known_of_a_condition_stands_above_its_results(n):
    asked = explore.Studies(n)
    assert asked.first.label == asked.last.label == "any" and asked.placebo.index == 0
    assert "Certainty" not in asked.said.value
    asked.condition.value = ("Inflammatory bowel disease",)
    assert "Crohn’s disease: It is uncertain whether LDN" in asked.said.value
    assert "Certainty: very low." in asked.said.value


def test_no_two_results_have_the_same_name(review):
    assert not selection.measurable(review)["label"].duplicated().any()


def test_a_figure_is_saved_as_a_slide_too(review, tmp_path):
    rows = selection.measurable(review).loc[["duebruun2024-pain-w12-itt"]]
    figure = own.forest(review, own.pooled(rows, "MD"))
    paths = own.save(replace(review, root=tmp_path), figure, "talk", figure_deck)
    assert paths[-1].name == "talk.pptx" and len(Presentation(paths[-1]).slides) == 1


def test_search_finds_words_in_any_order_and_case_and_marks_them(review):
    hits = searching.search(review, "ENDOSCOPIC crohn’s")
    assert "smith2011" in set(hits["row"])
    assert all("<mark>" in cell.html for cell in hits["text"])
    assert searching.search(review, "crohn's endoscopic").shape == hits.shape
    assert searching.search(review, "   ").empty
    assert searching.search(review, "xyzzy").empty


def test_search_treats_what_is_typed_and_what_is_found_as_text(tmp_path):
    root = write_review(tmp_path)
    path = root / "data" / "studies.csv"
    path.write_text(path.read_text().replace("cold_feet,rct", "<b>cold & wet</b>,rct"))
    hits = searching.search(load_review(root), "<b>cold")
    assert len(hits) == 2
    assert hits["text"][0].html == "<mark>&lt;b&gt;cold</mark> &amp; wet&lt;/b&gt;"
    assert searching.search(load_review(root), "c.ld (").empty


def test_controls_change_what_is_shown(n):
    box = explore.Studies(n)
    before = (box.chosen.value, box.landscape.value, box.found.value, box.forest.value)
    box.condition.value = ("Inflammatory bowel disease",)
    box.placebo.index = 1
    after = (box.chosen.value, box.landscape.value, box.found.value, box.forest.value)
    assert all(old != new for old, new in zip(before, after, strict=True))
    wanted = Filter(conditions=("Inflammatory bowel disease",), placebo=True)
    assert selection.summary(n.review, wanted) in box.said.value
    assert box.family.value == explore.ALL and "arm by arm" in box.forest_plot().title
    box.clear()
    assert (box.chosen.value, box.landscape.value, box.found.value, box.forest.value) == before


def test_controls_that_are_handled_at_the_same_time_wait_for_each_other(n, monkeypatch):
    boxes = explore.OwnForest(n), explore.OwnForest(n)
    drawing, together, draw = [], [], own.forest

    def slow(*arguments):
        drawing.append(1)
        together.append(len(drawing))
        time.sleep(0.2)
        try:
            return draw(*arguments)
        finally:
            drawing.pop()

    monkeypatch.setattr(own, "forest", slow)
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(box.update) for box in boxes]:
            done.result()
    assert together == [1, 1]


def test_own_forest_follows_each_control_and_returns_to_the_analysis(n):
    box = explore.OwnForest(n)
    first = box.forest.value
    for control, value in ((box.method, "FE"), (box.rule, "wald"), (box.measure, "SMD"),
                           (box.included, box.included.value[:2])):
        shown = box.forest.value, box.said.value
        control.value = value
        assert (box.forest.value, box.said.value) != shown
    box.included.value = ()
    assert box.forest.value == "" and "nothing is chosen" in box.said.value
    box.write()
    assert "no figure" in box.saved.value
    box.begin()
    assert box.forest.value == first


@pytest.mark.parametrize("emptied", [(), ("analyses",), ("analyses", "outcomes")])
def test_a_small_review_can_be_explored(minimal, emptied):
    for name in emptied:
        path = minimal / "data" / f"{name}.csv"
        path.write_text(path.read_text().splitlines()[0] + "\n")
    n = Narrator(minimal)
    for make in (explore.Studies, explore.OwnForest, lookup.Search, lookup.Sortable):
        assert list(make(n).still())


ALLOWED = {  # cells of analyses.csv that the check accepts: old, new
    "no estimator named": (",REML,", ",,"),
    "list that ends in ;": ("cole2005-warmth,", "cole2005-warmth;,"),
    "no title": ("Warmth of feet", ""), "no column of titles": ("analysis,title", "analysis,name"),
}


@pytest.mark.parametrize("old, new", ALLOWED.values(), ids=ALLOWED)
def test_an_own_forest_begins_with_what_the_check_accepts(minimal, old, new):
    edit(minimal / "data" / "analyses.csv", old, new)
    assert main(["check", str(minimal)]) == 0
    box = explore.OwnForest(Narrator(minimal))
    assert box.included.value == ("abel2001-warmth", "cole2005-warmth")
    assert (box.measure.value, box.method.value) == ("MD", "REML") and "<img" in box.forest.value


COUNTS = {
    "data/studies.csv": "study,condition,design\nabel2001,wet,\ncole2005,cold,rct_parallel\n",
    "data/outcomes.csv": (
        "outcome_id,study,intervention_n,intervention_events,control_n,control_events\n"
        "a,abel2001,20,5,20,9\nc,cole2005,30,6,30,9\n"
    ),
    "data/analyses.csv": "analysis,measure,include\nwarm,RR,a;c\n",
}


@pytest.mark.parametrize("studies", [COUNTS["data/studies.csv"], "study\nabel2001\ncole2005\n"])
def test_the_fewest_columns_can_be_explored(tmp_path, studies):
    files = {**MINIMAL, **COUNTS, "data/studies.csv": studies}
    n = Narrator(write_review(tmp_path, files))
    box = explore.Studies(n)
    assert len(list(box.still())) == 4 and "not stated" in box.chosen.value + str(box.families())
    assert "<img" in box.forest.value and "<img" in explore.OwnForest(n).forest.value
    assert list(selection.conditions(n.review))
    assert len(selection.choose(n.review, Filter(verification=("primary",)))) == 0


def test_what_is_typed_into_the_search_is_escaped(n):
    box = lookup.Search(n, "washout")
    assert "<mark>washout</mark>" in box.found.value
    box.field.value = "<img src=x onerror=alert(1)>"
    assert "<img" not in box.said.value + box.found.value


def test_exported_tables_fetch_nothing_and_escape_cells():
    page = lookup.data_table(pd.DataFrame({"a_b": ["<script>alert(1)</script>"], "n": [1]}), "x")
    assert "unpkg" not in page and "cdn" not in page.lower()
    assert "<script>alert(1)" not in page
    assert "csvHtml5" in page and "excelHtml5" in page


def test_a_stored_notebook_holds_results_and_no_controls(n, monkeypatch, capsys):
    monkeypatch.setenv(STILL, "1")
    shown = []
    monkeypatch.setattr(controls, "display", shown.append)
    for box in (explore.Studies(n), explore.OwnForest(n), lookup.Search(n, "washout"),
                lookup.Sortable(n)):
        count = len(shown)
        box._ipython_display_()
        assert len(shown) > count
    assert all(hasattr(item, "_repr_mimebundle_") for item in shown)
    cell = nbformat.v4.new_code_cell("x", outputs=[nbformat.v4.new_output(
        "display_data", data={VIEW: {"model_id": "1"}, "text/plain": "VBox()"})])
    assert VIEW not in normalised(nbformat.v4.new_notebook(cells=[cell]))


def test_after_all_cells_have_run_a_notebook_is_back_at_its_top(n, monkeypatch):
    n.say("[@younger2013]")
    monkeypatch.delenv(STILL, raising=False)
    (live,) = n.references()._repr_mimebundle_().values()
    monkeypatch.setenv(STILL, "1")
    (stored,) = n.references()._repr_mimebundle_().values()
    n.say("[@NCT00501696]")
    assert str(n.references()).count("Trial registration NCT00501696") == 1
    assert live.startswith(stored) and "scrollTop" in live and "<script" not in stored
