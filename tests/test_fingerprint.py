"""Fingerprints: equal ones mean equal values, and what cannot be compared has none."""

import subprocess
import sys
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import REPOSITORY
from evidence.fingerprint import fingerprint
from evidence.project.build import Outcome, as_made
from evidence.project.freshness import Inputs
from evidence.project.seen import whole
from evidence.publish import talk_plan
from evidence.wording import Row

FRAME = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", None], "c": pd.array([1, None], "Int64")})


@dataclass
class Held:
    value: object


def drawing(value, *, scale=1):
    def draw(ax):
        return ax, value, scale
    return draw


def counting(value):
    def draw(ax):
        return ax, value
    return draw


DIFFERENT = [
    1, 1.0, True, "1", b"1", None, float("nan"), pd.NA, -0.0, 0.0, [1], (1,), {1}, {1: 1}, [[1]],
    {"a": 1, "b": 2}, {"b": 2, "a": 1}, np.float64(1), np.array([1]), np.array([1.0]),
    np.array([[1.0]]), np.array([1], object), FRAME, FRAME.assign(a=1), FRAME.astype(object),
    FRAME.set_index("a"), FRAME.rename(columns={"a": "d"}), FRAME[["b", "a", "c"]], FRAME["a"],
    FRAME["a"].rename("d"), FRAME.index, Held(1), Held(2), Row({"a": 1}), Row({"a": 2}),
    drawing(1), drawing(2), drawing(FRAME), drawing(1, scale=2), counting(1), partial(drawing, 1),
    partial(drawing, value=1), Held, len, "a".join, sys,
]


def test_what_differs_has_different_fingerprints():
    found = {}
    for value in DIFFERENT[:-2]:
        assert found.setdefault(fingerprint(value), value) is value


def test_what_is_equal_has_equal_fingerprints():
    frame = pd.concat([FRAME[:1], FRAME[1:]])
    assert fingerprint(drawing(FRAME)) == fingerprint(drawing(frame))
    assert fingerprint([FRAME, FRAME]) == fingerprint([FRAME, frame])
    assert fingerprint({"b", "a", "c"}) == fingerprint({"c", "a", "b"})


@given(st.recursive(st.integers() | st.text() | st.floats() | st.none(), lambda each:
                    st.lists(each) | st.dictionaries(st.text(), each)))
def test_a_change_deep_inside_shows(value):
    assert fingerprint([value, 1]) != fingerprint([value, 2])
    assert fingerprint([value]) == fingerprint([value])


def test_what_holds_itself_has_one():
    first, second = [], []
    first.append(first)
    second.append([second])
    assert fingerprint(first) == fingerprint(first) != fingerprint(second)


def test_a_variable_without_a_value_is_another_than_one_with_it():
    def drawn(later):
        def draw():
            return value
        before = fingerprint(draw)
        value = later
        return before, fingerprint(draw)

    assert drawn(1)[0] == drawn(2)[0] != drawn(1)[1] != drawn(2)[1]


@pytest.mark.parametrize("value", [object(), iter([1]), Held(object()), drawing(object())])
def test_what_cannot_be_compared_has_none(value):
    with pytest.raises(TypeError, match="has no fingerprint"):
        fingerprint(value)


def test_every_figure_and_the_slides_have_one_that_another_process_finds_as_well():
    from drawn import ANALYSES, NAMES, built

    made = {name: fingerprint(built(name)) for name in NAMES}
    assert len(set(made.values())) == len(NAMES)
    code = ("from drawn import built\nfrom evidence.fingerprint import fingerprint\n"
            f"for name in {NAMES[:4]!r}:\n    print(fingerprint(built(name)))")
    there = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY / "tests", check=True,
                           text=True, capture_output=True).stdout.split()
    assert there == [made[name] for name in NAMES[:4]]
    plan = talk_plan(ANALYSES.review, ANALYSES)
    assert fingerprint(plan) == fingerprint(talk_plan(ANALYSES.review, ANALYSES))


def test_a_figure_whose_drawing_holds_the_review_is_drawn_after_every_change():
    from drawn import REVIEW, built

    figure = built("gap_map")

    def draw(canvas):
        return REVIEW.table("studies"), figure.content.draw(canvas)

    assert whole(figure, ["outcomes"]).all == ["outcomes"]
    held = replace(figure, content=replace(figure.content, draw=draw))
    assert whole(held, ["outcomes"]) is None
    now = Inputs("engine", {"outcomes": "1", "studies": "2"}, {"figure:gap_map": "row"})
    kept = as_made(now, "figure:gap_map", Outcome({"figures/gap_map.svg": b""}, None, {}), {})
    later = replace(now, tables={"outcomes": "1", "studies": "3"})
    assert kept.digest == now.digest("figure:gap_map", kept.read)
    assert kept.digest != later.digest("figure:gap_map", kept.read)
