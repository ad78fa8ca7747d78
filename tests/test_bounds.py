"""Nothing that stands in a file makes a command run without end, or take memory without end."""

import os

import pytest

from commands import run
from conftest import edit
from evidence.cli import main
from evidence.project.runner import execute
from evidence.review import CITATION, ReviewError, addresses, without_citations
from evidence.storage import read_bytes
from evidence.wording import MissingValueError, fill, harmless
from evidence.wording.html import allowed
from sample_review import write_notebook, write_sample

LONG = 120_000


@pytest.fixture
def sample(tmp_path):
    return write_sample(tmp_path / "sample")


def refused(root, *words, command="check"):
    """What a command says that ends with problems."""
    status, _, said = run(command, root)
    assert status == 1
    for word in words:
        assert word in said, said[:2000]
    assert "mistake of the program" not in said and "Traceback" not in said
    assert max(map(len, said.splitlines())) < 1000
    return said


@pytest.mark.parametrize("text", [
    "[@" * LONG, "[@a;" * LONG, "[@a" + " " * LONG, " " * LONG + "[", "](" * LONG, "](a" * LONG,
    "](((" * LONG, "![" * LONG, "$\\" * LONG, "&" * LONG, "&amp;" * LONG, "\\" * LONG, "<" * LONG,
    "[" * LONG, "**" * LONG,
])  # fmt: skip
def test_text_is_read_in_one_pass(text):
    CITATION.findall(text)
    without_citations(text)
    harmless(text)
    addresses.target(text)
    addresses.web_address("https://" + text)


@pytest.mark.parametrize("piece", ["<table>", "<a class='anchor-link'>", "<div>", "<!--", "&#",
                                   "<li id='ref-x'>", "</p>"])
def test_html_is_judged_in_one_pass(piece):
    assert len(allowed(piece * 5000)) < 5000 * 100


@pytest.mark.parametrize("code", [".1000000f", ">9999999999", "0100d", ".100f", "999999999999s"])
def test_a_width_without_end_is_a_missing_value(code):
    with pytest.raises(MissingValueError, match="more than 99 signs"):
        fill(f"{{x:{code}}}", {"x": 1})
    with pytest.raises(MissingValueError, match="more than 99 signs"):
        fill("{x:{y}}", {"x": 1, "y": code})
    assert fill("{x:>9.2f}", {"x": 1}) == "     1.00"


@pytest.mark.parametrize("column", ["message", "subtitle", "caption"])
def test_a_long_text_of_a_figure_is_a_problem_of_its_row(sample, column):
    edit(sample / "data" / "figures.csv", "{n_studies} study,All studies,",
         ",".join("word " * 6000 if name == column else "x"
                  for name in ("message", "subtitle", "caption")))
    refused(sample, f"data/figures.csv:2 {column}", "signs")


@pytest.mark.parametrize("text", ["[@" * 15_000, "word " * 6000, "[@a; " * 6000])
def test_a_long_line_of_an_answer_is_a_problem_of_its_row(sample, text):
    (sample / "data" / "answers.csv").write_text(f"line,reader\n1,{text}\n")
    refused(sample, "data/answers.csv:2 reader", "signs, 5,000 are allowed")


def test_a_cell_is_no_longer_than_in_a_spreadsheet(sample):
    edit(sample / "data" / "review.csv", "A sample", "x" * 100_000)
    refused(sample, "data/review.csv:2 value", "a cell holds up to")


@pytest.mark.parametrize("pattern", ["(a+)+", "(a|a)*", "(a*)*", "([a-z]+)*"])
def test_a_pattern_that_takes_too_long_is_named(sample, pattern):
    (sample / "data" / "datapackage.json").write_text(_dictionary(pattern))
    edit(sample / "data" / "review.csv", "A sample", "a" * 60 + "!")
    said = refused(sample, "data/review.csv")  # some of these a good engine can compare
    assert "value: its pattern takes too long" in said or "breaks the rule pattern" in said
    assert pattern != "(a|a)*" or "simplify the pattern in data/datapackage.json" in said


def _dictionary(pattern):
    import json

    from evidence.review.dictionary import default_descriptor
    package = default_descriptor()
    here = ("review", "studies", "outcomes", "analyses", "figures")
    package["resources"] = [r for r in package["resources"] if r["name"] in here]
    for resource in package["resources"]:
        resource["schema"].pop("foreignKeys", None)
        resource["schema"]["fieldsMatch"] = "partial"
        for field in resource["schema"]["fields"]:
            field.pop("refersTo", None)
        if resource["name"] == "review":
            value, = (f for f in resource["schema"]["fields"] if f["name"] == "value")
            value["constraints"] = {"pattern": pattern}
    return json.dumps(package)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of POSIX")
@pytest.mark.parametrize("name", ["data/outcomes.csv", "references.bib", "README.md",
                                  "notebooks/alpha.ipynb"])
@pytest.mark.parametrize("kind", ["pipe", "endless"])
def test_a_file_without_end_is_none(sample, name, kind):
    path = sample / name
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    for command in ("check", "build"):
        assert "no ordinary file" in refused(sample, name, command=command)


def test_a_file_larger_than_the_limit_is_none(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 100)
    assert read_bytes(tmp_path / "a", 100) == b"x" * 100
    with pytest.raises(OSError, match="larger than"):
        read_bytes(tmp_path / "a", 99)


@pytest.mark.parametrize("field", ["title", "author", "journal", "note"])
def test_nested_latex_is_a_problem_of_its_entry(sample, field):
    text = "\\emph{" * 1000 + "x" + "}" * 1000
    edit(sample / "references.bib", "  year = {2020},",
         f"  year = {{2020}},\n  {field} = {{{text}}},")
    status, _, said = run("check", sample)
    assert "mistake of the program" not in said
    assert status == 0 or "references.bib" in said


def test_a_notebook_nested_without_end_is_none(sample):
    (sample / "notebooks" / "beta.ipynb").write_text('{"cells": ' + "[" * 100_000)
    refused(sample, "notebooks/beta.ipynb", "is not a notebook")


def test_problems_of_a_notebook_are_found_before_it_runs(sample, capsys):
    (sample / "notebooks" / "beta.ipynb").write_text("{broken")
    assert main(["check", str(sample)]) == 1
    assert "notebooks/beta.ipynb: is not a notebook" in capsys.readouterr().err


def test_a_cell_that_fails_is_still_named(tmp_path):
    write_notebook(tmp_path / "notebooks" / "a.ipynb", "1 / 0")
    with pytest.raises(ReviewError, match="ZeroDivisionError"):
        execute(tmp_path / "notebooks" / "a.ipynb")
