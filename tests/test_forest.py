"""Forest plot: what it shows, and that nothing overlaps or leaves the page."""

from dataclasses import replace
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Polygon, Rectangle

from evidence.figures import page
from evidence.figures.forest.grid import pages
from evidence.figures.forest.plot import draw_forest, forest
from evidence.figures.forest.rows import Column, Row
from evidence.figures.scale import effect_scale
from evidence.pooling.synthesis import synthesise
from evidence.wording import number

LABELS = {"intervention_label": "drug", "control_label": "placebo"}


def effects(k: int, measure: str = "MD", **columns) -> pd.DataFrame:
    random = np.random.default_rng(k)
    crossover = np.arange(k) % 3 == 1
    plain = {
        "yi": random.normal(-0.3, 0.5, k), "vi": random.uniform(0.02, 0.5, k), "measure": measure,
        "study": [f"study{i}" for i in range(k)], "n": random.integers(10, 900, k),
        "crossover": crossover, "higher_is": "worse",
        "design": np.where(crossover, "rct_crossover", "rct_parallel"),
    }  # fmt: skip
    return pd.DataFrame(plain | columns)


def with_left_out(table: pd.DataFrame, *reasons: str) -> pd.DataFrame:
    left_out = pd.DataFrame(
        [{"study": f"left{i}", "included": False, "reason": r} for i, r in enumerate(reasons)]
    )
    both = pd.concat([table.assign(included=True, reason=""), left_out], ignore_index=True)
    both["crossover"] = both["crossover"].eq(True)
    return both.fillna({"higher_is": "worse", "design": "", "measure": table["measure"].iloc[0]})


def slide(pools, **options):
    """The plot on a page as it is exported."""
    with page.style("slide"):
        return forest(pools, page.body(page.page()), **(LABELS | options))


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def diamonds(ax) -> list[Polygon]:
    return [patch for patch in ax.patches if _corners(patch) == 4]


def arrows(ax) -> list[Polygon]:
    return [patch for patch in ax.patches if _corners(patch) == 3]


def _corners(patch) -> int:
    return len(patch.get_xy()) - 1 if isinstance(patch, Polygon) else 0


def predictions(ax) -> list:
    """The lines of prediction intervals, their ends left out."""
    return [line for line in ax.lines if line.get_color() == page.MESSAGE
            and line.get_ydata()[0] == line.get_ydata()[-1]]


def assert_tidy(ax):
    """No two texts overlap and nothing reaches beyond the canvas (by more than a pixel)."""
    canvas = ax.figure.bbox
    boxes = [(text.get_text(), text.get_window_extent()) for text in ax.texts]
    for artist in (*ax.patches, *ax.lines):
        if artist not in arrows(ax):  # they reach a little beyond the axis
            boxes.append((repr(artist), artist.get_window_extent()))
    for name, box in boxes:
        assert box.x0 >= canvas.x0 - 1.5, name
        assert box.x1 <= canvas.x1 + 1.5, name
        assert box.y0 >= canvas.y0 - 1.5, name
        assert box.y1 <= canvas.y1 + 1.5, name
    for (one, a), (other, b) in combinations(boxes[: len(ax.texts)], 2):
        over = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert min(over) <= 0.5, f"{one!r} overlaps {other!r}"


@pytest.mark.parametrize("measure", ["MD", "OR"])
@pytest.mark.parametrize("k", [1, 2, 3, 10, 13])
def test_slides_are_tidy(k, measure):
    assert_tidy(slide(synthesise(effects(k, measure))))


@pytest.mark.parametrize("layout", ["notebook", "print"])
@pytest.mark.parametrize("k", [1, 3, 40, 60])
def test_other_layouts_are_as_high_as_they_need_to_be(k, layout):
    ax = forest(synthesise(effects(k, "RR")), layout=layout, **LABELS)
    assert_tidy(ax)
    boxes = [text.get_window_extent() for text in ax.texts]
    inches = (max(box.y1 for box in boxes) - min(box.y0 for box in boxes)) / ax.figure.dpi
    assert 0.6 * ax.figure.get_figheight() < inches < ax.figure.get_figheight()


@pytest.mark.parametrize("k", range(2, 11))
def test_text_of_a_usual_slide_is_at_least_14_points(k):
    names = {f"study{i}": f"Someone-Longish {2000 + i}" for i in range(k)}
    ax = slide(synthesise(effects(k)), study_labels=names)
    assert min(text.get_fontsize() for text in ax.texts) >= 14


def test_rows_columns_and_rules():
    pool = synthesise(effects(5))
    ax = slide(pool, study_labels={"study0": "Ash 2001"}, marks={"study0": "†"}, rules=True)
    shown = texts(ax)
    for text in (
        "Study", "n", "Mean difference", "[95 % interval]", "Weight", "Ash 2001†", "Pooled",
        "Prediction interval", "Wald", "Hartung-Knapp", "Hartung-Knapp, floored",
        "← favours drug", "favours placebo →", f"{pool.n:,}", "100 %",
    ):  # fmt: skip
        assert text in shown, text
    assert not {"Design", "parallel", "crossover"} & set(shown)  # open squares say it
    assert "Wald" not in texts(slide(pool))
    first = pool.studies[0]
    wanted = f"{first.effect:.2f} [{first.ci_low:.2f} to {first.ci_high:.2f}]".replace("-", "−")
    assert wanted in shown
    assert any(text.startswith("τ² = ") for text in shown)
    assert len(diamonds(ax)) == len(predictions(ax)) == 1


def test_square_areas_follow_the_weights():
    pool = synthesise(effects(4))
    ax = slide(pool)
    squares = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    areas = [square.get_width() ** 2 for square in squares]
    weights = [row.weight for row in pool.studies]
    assert np.array(areas) / max(areas) == pytest.approx(np.array(weights) / max(weights))
    faces = [to_hex(square.get_facecolor()).upper() for square in squares]
    assert faces == ["#FFFFFF" if row.crossover else page.INK for row in pool.studies]


def keys(ax):
    """Open squares outside the rows of studies."""
    return [line for line in ax.lines if line.get_marker() == "s"]


def test_an_open_square_is_explained_where_there_is_one():
    ax = slide(synthesise(effects(4)))
    (key,) = keys(ax)
    assert key.get_markerfacecolor() == "white" and key.get_markeredgecolor() == page.INK
    (height,) = key.get_ydata()
    beside = [text for text in ax.texts if abs(text.get_position()[1] - height) < 0.05
              and text.get_text() == "crossover trial"]
    assert len(beside) == 1
    parallel = slide(synthesise(effects(4, crossover=False, design="rct_parallel")))
    assert keys(parallel) == [] and "crossover trial" not in texts(parallel)


def test_the_rule_in_use_stands_out_among_the_three():
    pool = synthesise(effects(5))
    rules = {"wald": "Wald", "hartung_knapp": "Hartung-Knapp",
             "hartung_knapp_floored": "Hartung-Knapp, floored"}
    ax = slide(pool, rules=True)
    bold = {text.get_text() for text in ax.texts if text.get_fontweight() == "bold"}
    assert bold & set(rules.values()) == {rules[pool.interval_rule]}


def test_a_long_name_is_wrapped_before_the_axis_becomes_narrow():
    names = {f"study{i}": "Somebody-Whoever et al. 2026" for i in range(2)}
    ax = slide(synthesise(effects(3)), study_labels=names)
    assert all("et\n" not in text for text in texts(ax))
    assert min(text.get_fontsize() for text in ax.texts) >= 14
    (axis,) = [line for line in ax.lines if line.get_linewidth() == 1.0
               and line.get_ydata()[0] == line.get_ydata()[-1] and len(line.get_xdata()) == 2]
    assert np.ptp(axis.get_xdata()) > 0.3 * 12.27
    assert_tidy(ax)


def test_two_studies_get_a_sentence_instead_of_a_diamond():
    ax = slide(synthesise(effects(2)))
    why = "Two trials cannot support a pooled interval; their own intervals stand above."
    assert why in texts(ax)
    assert not diamonds(ax)
    assert not predictions(ax)
    assert "Wald" not in texts(ax)


def test_no_study_at_all():
    ax = slide(synthesise(with_left_out(effects(1), "no counts")[1:]))
    assert "No trial can be pooled." in texts(ax)
    assert "not pooled: no counts" in texts(ax)
    assert_tidy(ax)


def test_two_pools_share_their_studies():
    table = effects(7)
    pools = [synthesise(table), synthesise(table[~table["crossover"]])]
    ax = slide(pools, pool_labels=["All trials", "Parallel trials only"])
    assert len(diamonds(ax)) == 2
    assert texts(ax).count("study0") == 1
    assert {"All trials", "Parallel trials only"} <= set(texts(ax))
    assert_tidy(ax)
    few = slide([pools[0], synthesise(table[:2])], pool_labels=["All trials", "Two"])
    assert len(diamonds(few)) == 1
    why = "Two: two trials cannot support a pooled interval; their own intervals stand above."
    assert why in texts(few)


def test_left_out_rows_show_their_reason():
    long = "the effect is reported as percent point difference, and much more has to be said here"
    ax = slide(synthesise(with_left_out(effects(4), long, "unverified")))
    assert "not pooled: unverified" in texts(ax)
    assert long.split()[-1] in " ".join(texts(ax))
    assert_tidy(ax)
    many = slide(synthesise(with_left_out(effects(4), *["unverified"] * 5)))
    assert "5 studies" in texts(many)
    assert_tidy(many)


def test_an_interval_beyond_the_axis_gets_an_arrow():
    ax = slide(synthesise(effects(4, vi=[0.05, 0.05, 0.05, 400.0])))
    assert len(arrows(ax)) == 2
    assert_tidy(ax)


def test_favours_words_follow_the_direction():
    better = texts(slide(synthesise(effects(3, higher_is="better"))))
    assert {"← favours placebo", "favours drug →"} <= set(better)
    unknown = texts(slide(synthesise(effects(3, higher_is=""))))
    assert {"← lower with drug", "higher with drug →"} <= set(unknown)


def listed(k):
    """Rows of so many studies in two groups, with a pool."""
    rows = [Row("study", f"study{i}", {"effect": "0.50 [0.10 to 0.90]"}, 0.5, 0.1, 0.9)
            for i in range(k)]
    rows = [replace(row, indented=True) for row in rows]
    rows.insert(k // 2, Row("heading", "Second half"))
    return [Row("heading", "First half"), *rows, Row("gap", height=0.4),
            Row("pool", "Pooled", {"effect": "0.50 [0.40 to 0.60]"}, 0.5, 0.4, 0.6, bold=True)]


@pytest.mark.parametrize("k", [5, 20, 57, 160])
def test_a_long_forest_is_spread_over_pages_and_keeps_every_name(k):
    columns = [Column("effect", "Effect [95 % interval]", is_right=True)]
    parts = pages(listed(k), columns, ["A note"], width=12.3, height=5.4, smallest=12.0)
    rows = [row for part in parts for row in part]
    assert [row for row in rows if "(continued)" not in row.label] == listed(k)
    assert (len(parts) == 1) == (k < 20)
    group = "First half"
    for part in parts:
        assert part[-1].kind != "heading"
        assert part[0].label in ("First half", "Second half", f"{group} (continued)")
        group = next(row.label for row in reversed(part) if row.kind == "heading")
        group = group.removesuffix(" (continued)")
    assert any(row.kind == "study" for row in parts[-1])
    assert max(map(len, parts)) < 24


def test_a_diamond_that_leaves_the_axis_ends_in_arrows():
    scale = effect_scale([0.5], [(0.2, 0.8)], [0.0], is_ratio=False)
    for kind in ("subtotal", "pool"):
        def heads(low, high, kind=kind):
            row = Row(kind, "Pooled", {"effect": "x"}, 0.5, low, high)
            ax = draw_forest([row], [Column("effect", "Effect", is_right=True)], [scale])
            return len(ax.patches) - 1
        assert [heads(0.3, 0.6), heads(-9, 0.6), heads(-9, 9)] == [0, 1, 2]


def test_refusals():
    with pytest.raises(ValueError, match="unknown layout poster"):
        forest(synthesise(effects(3)), layout="poster")
    with pytest.raises(ValueError, match="one measure"):
        forest([synthesise(effects(3)), synthesise(effects(3, "RR"))])


def test_many_trials_that_are_not_pooled_have_a_short_headline():
    pool = synthesise(effects(30, "RR"), measure="RR", draw_pool="no")
    shown = [f"{row.effect:.2f}" for row in pool.studies]
    assert pool.headline == ("30 studies, not pooled: risk ratio from "
                             f"{min(shown, key=float)} to {max(shown, key=float)}")
    two = synthesise(effects(2, "RR"), measure="RR")
    assert two.headline.count(" to ") == 2


def test_ratio_axis_is_logarithmic():
    scale = effect_scale([0.5, 2.0], [(0.1, 10.0)], [1.0], is_ratio=True)
    assert scale.place(1.0) == pytest.approx((scale.place(0.5) + scale.place(2.0)) / 2)
    for ticks in (scale.ticks(8), scale.ticks(3)):
        assert 1.0 in ticks
        assert len(ticks) <= 8
    narrow = effect_scale([0.9, 1.1], [(0.8, 1.2)], [1.0], is_ratio=True)
    assert 1.0 in narrow.ticks(6)


@pytest.mark.parametrize(("low", "high", "words"), [
    (1.001, 1.007, "[1.001 to 1.007]"), (0.5, 2.0, "[0.50 to 2.00]"),
    (0.05, 5.56, "[0.05 to 5.56]"), (0.004, 2.0, "[0.004 to 2.00]"),
])
def test_digits_of_ratios_follow_the_interval(low, high, words):
    scale = effect_scale([(low * high) ** 0.5], [(low, high)], [1.0], is_ratio=True)
    assert scale.interval(low, high) == words


@pytest.mark.parametrize(("low", "high", "words"), [
    (-3e-6, 2e-6, "[−0.000003 to 0.000002]"), (-1.5, 1.06, "[−1.50 to 1.06]"),
    (-120.0, 80.5, "[−120.00 to 80.50]"), (-0.001, 0.4, "[0.00 to 0.40]"),
])
def test_digits_of_differences_follow_the_interval(low, high, words):
    scale = effect_scale([(low + high) / 2], [(low, high)], [0.0], is_ratio=False)
    assert scale.interval(low, high) == words


@pytest.mark.parametrize(("value", "text"), [(-0.001, "0.00"), (-1.5, "−1.50"), (2, "2.00")])
def test_numbers(value, text):
    assert number(value, 2) == text


@pytest.mark.parametrize("measure", ["MD", "RR"])
def test_a_reader_can_draw_at_effects_on_the_axes_of_a_forest(measure):
    effects = pd.DataFrame({"study": ["a", "b", "c"], "yi": [-0.2, 0.1, 0.4], "vi": [0.1] * 3})
    pool = synthesise(effects, measure=measure)
    figure, canvas = plt.subplots(figsize=(9, 4))
    ax = forest(pool, canvas)
    assert ax is canvas
    row = pool.studies[2]
    at = ax.transData.transform((row.effect, 0))[0]
    squares = [patch.get_window_extent() for patch in ax.patches if isinstance(patch, Rectangle)]
    middles = [(box.x0 + box.x1) / 2 for box in squares]
    assert np.abs(np.subtract(middles, at)).min() < 0.5
    line = ax.axvline(row.effect)
    figure.canvas.draw()
    words = [text.get_window_extent() for text in ax.texts if text.get_text() == "Study"]
    assert line.get_window_extent().y1 < words[0].y0
    plt.close(figure)
