"""The build: only what changed is made again, and what is written is whole."""

import json
import re
import shutil
import threading
import time
from functools import partial

import pytest
from nbclient import NotebookClient

from commands import Command, run, wait_until
from evidence import storage as outputs
from evidence.cli import main
from evidence.project.build import build
from evidence.project.freshness import inputs, last_run, nothing_changed
from evidence.project.runner import execute
from evidence.review.problems import ReviewError
from sample_review import VALUES, edit, shown, write_notebook, write_sample


@pytest.fixture
def sample(built_sample, tmp_path):
    """The sample as its first build has left it, free to be changed."""
    return shutil.copytree(built_sample, tmp_path / "sample")


def test_a_build_makes_everything_and_then_nothing(tmp_path):
    sample = write_sample(tmp_path / "sample")
    first = build(sample)
    assert set(first.ran) == {
        "figure:studies", "figure:pain_forest", "deck:slides",
        *(f"notebook:{name}" for name in VALUES),
    }
    assert {"figures/studies.png", "figures/manifest.json", "data/derived/pooled.csv"} <= set(
        shown(sample)
    )
    before = shown(sample)
    assert nothing_changed(sample)
    second = build(sample)
    assert second.ran == () and second.changed == ()
    assert shown(sample) == before
    forced = build(sample, force=True)
    assert len(forced.ran) == 6 and forced.changed == ()


def test_one_changed_table_reruns_what_read_it(sample):
    edit(sample / "data" / "outcomes.csv", "-0.5,0.2", "-0.7,0.2")
    built = build(sample)
    assert set(built.ran) == {"figure:pain_forest", "notebook:beta", "deck:slides"}
    assert "−0.7" in (sample / "notebooks" / "beta.ipynb").read_text(encoding="utf-8")
    assert built.moved == ("pain: −0.50 (−0.89 to −0.11) → −0.70 (−1.09 to −0.31)",)
    edit(sample / "data" / "studies.csv", ",40", ",60")
    assert {"notebook:alpha", "figure:studies"} <= set(build(sample).ran)


CELLS = {  # table, cell before and after, what is made again
    "a number that is pooled": ("outcomes", "-0.5,0.2", "-0.7,0.2",
                                {"figure:pain_forest", "notebook:beta", "deck:slides"}),
    "words that nothing shows": ("review", "title,A sample", "title,A sample\nlimits,None", set()),
    "a number in one sentence": ("studies", ",40", ",60",
                                 {"notebook:alpha", "figure:studies", "figure:pain_forest",
                                  "deck:slides"}),
    "how a row was read": ("outcomes", "true,primary", "true,secondary",
                           {"figure:pain_forest", "deck:slides"}),
}


@pytest.mark.parametrize("cell", CELLS)
def test_after_a_changed_cell_everything_is_as_a_full_build_makes_it(sample, tmp_path, cell):
    table, before, after, made = CELLS[cell]
    whole = shutil.copytree(sample, tmp_path / "whole")
    for root in (sample, whole):
        edit(root / "data" / f"{table}.csv", before, after)
    assert set(build(sample).ran) == made
    build(whole, force=True)
    assert shown(sample) == shown(whole)
    assert nothing_changed(sample)


@pytest.mark.parametrize(("source", "again"), [
    ("import evidence as ev\nev.load().outcomes", True),
    ("import evidence as ev\nreview = ev.load()\nreview.outcomes[['study']]", True),
    ("import pandas as pd\nimport evidence as ev\nreview = ev.load()\n"
     "pd.read_csv('../data/outcomes.csv')", True),
    ("import evidence as ev\nreview = ev.load()\nreview.pool('pain')", True),
    ("import evidence as ev\nreview = ev.load()\nreview.figure('studies').alt", False),
    ("from evidence.appraisal import remarks\nimport evidence as ev\nreview = ev.load()\n"
     "remarks(review)", False),
])
def test_a_notebook_is_run_again_when_what_it_looked_at_has_changed(sample, source, again):
    write_notebook(sample / "notebooks" / "beta.ipynb", source)
    build(sample)
    edit(sample / "data" / "outcomes.csv", "-0.5,0.2", "-0.6,0.2")
    assert ("notebook:beta" in build(sample).ran) == again


def test_a_remark_on_a_table_reaches_who_shows_remarks(sample):
    write_notebook(sample / "notebooks" / "beta.ipynb", "from evidence.appraisal import remarks",
                   "import evidence as ev", "review = ev.load()", "remarks(review)")
    build(sample)
    edit(sample / "data" / "studies.csv", ",40", ",9999")
    assert "notebook:beta" in build(sample).ran
    assert "9999" in (sample / "notebooks" / "beta.ipynb").read_text(encoding="utf-8")


def test_a_derived_table_that_nothing_fills_any_more_goes(sample):
    table = sample / "data" / "analyses.csv"
    plain = table.read_text(encoding="utf-8")
    table.write_text(plain.replace("role\n", "role,subgroup_by\n").replace(
        "primary\n", "primary,domain\n"), encoding="utf-8")
    build(sample)
    assert (sample / "data/derived/subgroups.csv").exists()
    table.write_text(plain, encoding="utf-8")
    build(sample)
    assert not (sample / "data/derived/subgroups.csv").exists()
    assert (sample / "data/derived/pooled.csv").exists()


def test_a_changed_or_missing_output_is_made_again(sample):
    (sample / "figures" / "studies.svg").unlink()
    assert build(sample).ran == ("figure:studies",)
    assert (sample / "figures" / "studies.svg").exists()
    (sample / "notebooks" / "gamma.ipynb").write_bytes(
        (sample / "notebooks" / "gamma.ipynb").read_bytes().replace(b"Does it", b"Did it")
    )
    assert build(sample).ran == ("notebook:gamma",)


def test_a_damaged_record_only_costs_time(sample):
    (sample / ".evidence" / "state.json").write_text("{broken")
    assert last_run(sample) == {}
    assert len(build(sample).ran) == 6


def test_a_failing_notebook_leaves_everything_as_it_was(sample, capsys):
    before = shown(sample)
    edit(sample / "data" / "outcomes.csv", "-0.5,0.2", "-0.7,0.2")
    write_notebook(sample / "notebooks" / "gamma.ipynb", "1 / 0")
    held = shown(sample)
    assert main(["build", str(sample)]) == 1
    error = capsys.readouterr().err
    assert "notebooks/gamma.ipynb" in error and "ZeroDivisionError" in error
    assert "Traceback" not in error
    assert shown(sample) == held
    assert {k: v for k, v in held.items() if "gamma" not in k} == {
        k: v for k, v in before.items() if "gamma" not in k
    }


@pytest.mark.parametrize(("source", "word"), [
    ("import time; time.sleep(60)", "more than 2 s"),
    ("import os; os._exit(3)", "kernel died"),
])
def test_a_notebook_that_hangs_or_dies_is_named(tmp_path, source, word):
    path = tmp_path / "notebooks" / "bad.ipynb"
    write_notebook(path, source)
    with pytest.raises(ReviewError, match=word):
        execute(path, limit=2)


def test_a_kernel_that_does_not_come_up_is_started_again(tmp_path, monkeypatch):
    path = tmp_path / "notebooks" / "good.ipynb"
    write_notebook(path, "print(6 * 7)")
    starts = []

    def fails(count):
        execute_once = NotebookClient.async_execute
        starts.clear()

        async def execute(self, **options):
            starts.append(self)
            if len(starts) <= count:
                raise RuntimeError("Kernel died before replying to kernel_info")
            return await execute_once(self, **options)

        return execute

    with monkeypatch.context() as patch:
        patch.setattr(NotebookClient, "async_execute", fails(2))
        assert '"42\\n"' in execute(path) and len(starts) == 3
    monkeypatch.setattr(NotebookClient, "async_execute", fails(3))
    with pytest.raises(ReviewError, match="kernel died"):
        execute(path)
    assert len(starts) == 3


HALFWAY = """
import os
replace, done = os.replace, []
def stop(old, new):
    replace(old, new)
    done.extend(["x"] * (".evidence" not in str(new)))
    if len(done) == 4:
        os._exit(9)  # as when it is killed: nothing runs after this
os.replace = stop
"""


def _has_made(command, steps):
    """Whether a build has made so many targets, by its progress bar."""
    return int(["-1", *re.findall(r"(\d+)/\d+ \[", command.error)][-1]) >= steps


def test_killed_at_any_moment_it_leaves_whole_files_and_the_next_run_repairs(sample):
    old = shown(sample)
    edit(sample / "data" / "outcomes.csv", "-0.5,0.2", "-0.7,0.2")
    edit(sample / "data" / "review.csv", "A sample", "Another sample")
    finished = sample.parent / "finished"
    shutil.copytree(sample, finished)
    build(finished)
    new = shown(finished)
    assert old != new
    halfway = shutil.copytree(sample, sample.parent / "halfway")
    assert run("build", halfway, before=HALFWAY)[0] == 9
    assert shown(halfway) not in (old, new)
    for steps in (-1, 0, 2, 4):  # done when it is killed; less than none: at once
        with Command("build", sample) as command:
            wait_until(partial(_has_made, command, steps))
            command.kill()
            assert command.ended() != 0
        for root in (sample, halfway):
            for name, content in shown(root).items():
                assert content in (old.get(name), new.get(name)), (steps, name)
    for root in (sample, halfway):
        build(root)
        assert shown(root) == new
        assert not (root / ".evidence" / "staged").exists()


def test_a_journal_is_completed_by_the_next_run(tmp_path, monkeypatch):
    files = {tmp_path / "a": b"1", tmp_path / "b": b"2"}
    with monkeypatch.context() as patch:
        patch.setattr(outputs, "complete", lambda root: None)  # killed before moving
        outputs.replace_all(tmp_path, files)
    assert not (tmp_path / "a").exists()
    with outputs.alone(tmp_path):
        assert (tmp_path / "a").read_bytes() == b"1" and (tmp_path / "b").read_bytes() == b"2"


def test_when_staging_fails_nothing_is_replaced(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"old")

    def full(path, content):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(outputs, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        outputs.replace_all(tmp_path, {tmp_path / "a": b"new"})
    assert (tmp_path / "a").read_bytes() == b"old"
    assert not (tmp_path / ".evidence" / "staged").exists()


def test_a_second_build_waits_and_says_so(tmp_path, capsys):
    order = []

    def second():
        with outputs.alone(tmp_path):
            order.append("second")

    with outputs.alone(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.3)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]
    assert "waiting" in capsys.readouterr().err


def test_inputs_notice_every_kind_of_change(sample):
    before = inputs(sample)
    edit(sample / "references.bib", "A trial", "The trial")
    assert inputs(sample).engine != before.engine
    book = json.loads((sample / "notebooks" / "beta.ipynb").read_text())
    book["cells"][0]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x"}]
    (sample / "notebooks" / "beta.ipynb").write_text(json.dumps(book))
    assert inputs(sample).sources == before.sources
    book["cells"][0]["source"] = "1"
    (sample / "notebooks" / "beta.ipynb").write_text(json.dumps(book))
    assert inputs(sample).sources["notebook:beta"] != before.sources["notebook:beta"]
