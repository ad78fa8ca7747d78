"""Figures of subgroups, small-study effects and meta-regression, of any review."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Polygon

from conftest import write_review
from evidence.figures import catalogue, page
from evidence.figures.forest.plot import forest
from evidence.figures.kinds.bubble import alone, bubble, moderated
from evidence.figures.kinds.funnel import funnel
from evidence.figures.kinds.landscape import landscape
from evidence.pooling import Analyses
from evidence.pooling.synthesis import synthesise
from evidence.review import NoDataError, ReviewError, load_review
from figure_checks import overlaps


def effects(k=12, measure="RR"):
    random = np.random.default_rng(k)
    return pd.DataFrame({
        "study": [f"study{i}" for i in range(k)], "yi": random.normal(-0.2, 0.3, k),
        "vi": random.uniform(0.01, 0.2, k), "measure": measure, "n": 100, "higher_is": "worse",
        "design": "rct_parallel", "crossover": False, "dose": np.arange(k) * 1.5,
        "group": ["Adults" if i % 2 else "Children" for i in range(k)],
        "subgroup": ["Adults" if i % 2 else "Children" for i in range(k)],
    })


@pytest.fixture
def canvas():
    with page.style("slide"):
        yield page.page()


def test_subgroups_have_headings_subtotals_and_their_test(canvas):
    pool = synthesise(effects(8), measure="RR", subgroup_by="group")
    ax = forest(pool, page.body(canvas))
    shown = [text.get_text() for text in ax.texts]
    assert {"Adults", "Children"} <= set(shown)
    assert shown.count("Subtotal, 4 studies") == 2
    table = pool.subgroups()
    assert any(f"Q = {table['q_between'].iloc[0]:.1f}, df = 1" in text for text in shown)
    diamonds = [p for p in ax.patches if isinstance(p, Polygon) and len(p.get_xy()) == 5]
    faces = sorted(to_hex(patch.get_facecolor()) for patch in diamonds)
    assert faces == sorted(["#ffffff", "#ffffff", page.MESSAGE.lower()])
    for name in (f"study{i}" for i in range(8)):
        assert shown.count(name) == 1


def test_sides_of_the_axis_take_the_labels_of_the_analysis(canvas):
    pool = synthesise(effects(4), measure="RR", label_low="fewer deaths", label_high="more deaths")
    shown = [text.get_text() for text in forest(pool, page.body(canvas)).texts]
    assert {"← fewer deaths", "more deaths →"} <= set(shown)


def test_a_funnel_places_every_trial_at_effect_and_error(canvas):
    table = effects(12)
    pool = synthesise(table, measure="RR")
    ax = funnel(pool, page.body(canvas))
    points = {(round(line.get_xdata()[0], 9), round(line.get_ydata()[0], 9))
              for line in ax.lines if line.get_marker() == "s"}
    wanted = {(round(a, 9), round(b, 9)) for a, b in zip(table["yi"], np.sqrt(table["vi"]),
                                                         strict=True)}
    assert points == wanted
    assert ax.get_ylim()[1] == 0 and ax.get_ylim()[0] > np.sqrt(table["vi"]).max()
    assert "1" in [label.get_text() for label in ax.get_xticklabels()]
    assert overlaps(canvas) == []


@pytest.mark.parametrize(("measure", "wanted"), [
    ("PROP", {"0.01", "0.1", "0.5", "0.9", "0.99"}), ("COR", {"−0.9", "−0.5", "0", "0.5", "0.9"}),
])
def test_ticks_reach_both_ends_of_a_scale_that_ends(canvas, measure, wanted):
    table = effects(12, measure).assign(yi=np.linspace(-5, 5, 12) / (1 + 2 * (measure == "COR")))
    pool = synthesise(table, measure=measure, moderators=("dose",))
    left, right = canvas.subplots(1, 2)
    bubble(pool, moderated(pool), left, "Dose")
    funnel(pool, right)
    assert wanted <= {label.get_text() for label in left.get_yticklabels()}
    assert wanted <= {label.get_text() for label in right.get_xticklabels()}


def test_a_bubble_plot_follows_its_regression(canvas):
    table = effects(12)
    pool = synthesise(table, measure="RR", moderators=("dose",))
    rows = moderated(pool)
    ax = bubble(pool, rows, page.body(canvas), "Dose")
    fit = pool.regression().set_index("term")["estimate"]
    line = next(line for line in ax.lines if line.get_color() == page.MESSAGE)
    assert line.get_ydata() == pytest.approx(
        fit["intercept"] + fit["dose"] * np.asarray(line.get_xdata()), abs=1e-6)
    sizes = ax.collections[-1].get_sizes()
    assert np.argmax(sizes) == rows["weight"].argmax()


def test_what_a_bubble_plot_says_is_about_the_line_it_draws(canvas):
    table = effects(12).assign(age=np.arange(12.0) ** 1.3)
    pool = synthesise(table, measure="RR", moderators=("dose", "age"))
    one = synthesise(table, measure="RR", moderators=("dose",)).regression().set_index("term")
    rows = moderated(pool)
    said = alone(pool, rows)
    for part in ("estimate", "ci_low", "ci_high", "p_value"):
        assert said[part] == pytest.approx(one.loc["dose", part])
    ax = bubble(pool, rows, page.body(canvas), "Dose")
    line = next(line for line in ax.lines if line.get_color() == page.MESSAGE)
    (x0, x1), (y0, y1) = (values[[0, -1]] for values in (line.get_xdata(), line.get_ydata()))
    assert said["estimate"] == pytest.approx((y1 - y0) / (x1 - x0))


def test_one_word_among_numbers_makes_no_axis():
    table = effects(12)
    table["dose"] = table["dose"].astype(object)
    table.loc[3, "dose"] = "unknown"
    with pytest.raises(NoDataError, match=r"does not hold numbers|cannot support"):
        moderated(synthesise(table, measure="RR", moderators=("dose",)))


def test_without_numbers_there_is_no_bubble_plot():
    pool = synthesise(effects(12), measure="RR", moderators=("group",))
    with pytest.raises(NoDataError, match="does not hold numbers"):
        moderated(pool)
    with pytest.raises(NoDataError, match="names no moderators"):
        moderated(synthesise(effects(12), measure="RR"))


def test_one_year_and_one_condition_stay_near_their_place(canvas):
    table = pd.DataFrame({
        "study": [f"s{i}" for i in range(9)], "label": "A 2020", "group": "Migraine",
        "year": pd.array([2020] * 9, dtype="Int64"), "n": pd.array([120] * 9, dtype="Int64"),
        "fill": "none", "shape": "randomised", "placebo_controlled": False, "cited_as": pd.NA,
    })
    ax = landscape(table, page.body(canvas))
    places = np.concatenate([marks.get_offsets() for marks in ax.collections])
    assert np.abs(places[:, 0] - 2020).max() < 0.4 and len(np.unique(places, axis=0)) == 9


@pytest.mark.parametrize("kind", ["forest_page", "event_forest"])
def test_a_forest_has_one_measure(tmp_path, kind):
    root = write_review(tmp_path / "review", {
        "references.bib": "@misc{a, title = {A}}\n@misc{b, title = {B}}\n",
        "data/studies.csv": "study\na\nb\n",
        "data/outcomes.csv": "study,intervention_events,intervention_n,control_events,control_n\n"
                             "a,3,30,6,31\nb,4,41,9,40\n",
        "data/analyses.csv": "analysis,measure,include\nrr,RR,a;b\nor,OR,a;b\nfour,RR,a;b\n",
        "data/figures.csv": f"figure,kind,select,message\nx,{kind},rr;or,M\ny,{kind},rr;four,M\n",
    })
    review = load_review(root)
    with pytest.raises(ReviewError, match="one measure, not risk ratio and odds ratio"):
        catalogue.build(review, Analyses(review), "x")
    assert catalogue.build(review, Analyses(review), "y").title == "M"
