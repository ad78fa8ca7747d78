"""Watching: a saved change is drawn, named and built, as a build from scratch would do it."""

import shutil
import threading

import pytest

import evidence as ev
from conftest import edit, write_review
from evidence.project.build import build
from evidence.project.watching import watch
from evidence.storage import OWN_FOLDER


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A review as its first build has left it."""
    minimal = write_review(tmp_path_factory.mktemp("watching") / "review")
    (minimal / "data/figures.csv").write_text(
        "figure,kind,select,message,subtitle,caption\n"
        "feet,forest_page,warmth,Feet warm by {analyses[warmth].estimate:.2f},Warmth,Trials\n"
    )
    (minimal / "data/answers.csv").write_text(
        "line,patient\n1,Tea warms by {analyses[warmth].estimate:.2f} degrees.\n"
    )
    build(minimal)
    return minimal


@pytest.fixture
def built(made, tmp_path):
    """A copy of it, free to be changed."""
    return shutil.copytree(made, tmp_path / "review")


def watched(root, change):
    """What is said of one change."""
    said, ready = [], threading.Event()

    def say(line):
        said.append(line)
        ready.set()

    thread = threading.Thread(target=watch, args=(root, say, 1), daemon=True)
    thread.start()
    assert ready.wait(60)
    change()
    thread.join(120)
    assert not thread.is_alive()
    return said


def contents(root):
    return {
        path.relative_to(root): path.read_bytes() for path in sorted(root.rglob("*"))
        if path.is_file() and OWN_FOLDER not in path.parts
    }


def test_a_changed_cell_moves_its_figure_and_its_sentences(built):
    before, was = contents(built), f"{ev.load(built).pool('warmth').estimate:.2f}"
    said = watched(built, lambda: edit(built / "data/outcomes.csv", ",1.5,0.5,", ",2.5,0.5,"))
    now = f"{ev.load(built).pool('warmth').estimate:.2f}"
    assert was != now and said[1] == "figures/feet"
    words = "\n".join(said)
    assert f"warmth: {was} (" in words and f"→ {now} (" in words
    assert f"was: Feet warm by {was}" in words and f"now: Feet warm by {now}" in words
    assert f"now: Tea warms by {now} degrees." in words
    after = contents(built)
    assert {name for name in after if after[name] != before.get(name)}
    build(built, force=True)
    assert contents(built) == after


def test_a_mistake_is_said_and_nothing_is_built(built):
    before = contents(built)
    said = watched(built, lambda: edit(built / "data/outcomes.csv", ",1.5,0.5,", ",many,0.5,"))
    assert any("is not a number" in line for line in said) and "Nothing was built" in said[-1]
    after = contents(built)
    assert {name for name in after if after[name] != before[name]} == {
        (built / "data/outcomes.csv").relative_to(built)}
