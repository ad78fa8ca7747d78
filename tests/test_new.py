"""A new review: written whole or not at all, it builds and tests at once."""

import csv
import json
import re
import shutil
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest

from conftest import write_review
from evidence.cli import LONGEST_TITLE, main
from evidence.pooling.analyses import run_analyses
from evidence.project import starting
from evidence.project.build import build
from evidence.project.runner import execute
from evidence.review.review import load_review

ROOT = Path(__file__).parents[1]
STARTER = ROOT / "src" / "evidence" / "starter"
TITLE = 'Tea, "cold" feet & <script>alert(1)</script> [x](javascript:y) *a* = {b} Ümläut'


def everything(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """A new review as the command writes it."""
    folder = tmp_path_factory.mktemp("new") / "tea"
    assert main(["new", str(folder), "--title", TITLE]) == 0
    return folder


@pytest.fixture(scope="module")
def built(started):
    """The same, built."""
    build(started)
    return started


def test_it_holds_what_its_readme_names(started):
    readme = (started / "README.md").read_text(encoding="utf-8")
    for name in re.findall(r"^\| `([^`]+)`", readme, re.MULTILINE):
        assert (started / name).is_file(), name
    for target in re.findall(r"\]\((?!http)([^)#\s\\]+)\)", readme.partition("\n")[2]):
        assert (started / target).exists(), target
    for name in ("Makefile", "environment.yml", ".gitignore", "tests/test_review.py"):
        assert (started / name).is_file()
    assert len(list((started / "notebooks").glob("*.ipynb"))) == 3


def test_its_columns_are_documented(started):
    dictionary = (started / "data" / "README.md").read_text(encoding="utf-8")
    for path in (started / "data").glob("*.csv"):
        section = dictionary.split(f"## `{path.name}`")[1].split("\n## ")[0]
        header = path.read_text(encoding="utf-8").partition("\n")[0].split(",")
        own = {"clinician", "patient"} if path.stem == "answers" else set()
        for column in set(header) - own:
            assert f"| `{column}` |" in section, (path.name, column)


def test_the_example_is_the_reference_data_and_nothing_else(started):
    reference = json.loads((ROOT / "tests/reference/inputs.json").read_text())["bcg"]
    with (started / "data" / "outcomes.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    arms = ("intervention_events", "intervention_n", "control_events", "control_n")
    assert [[int(row[name]) for name in arms] for row in rows] == [
        [trial[name] for name in ("e1", "n1", "e2", "n2")] for trial in reference
    ]
    bibliography = load_review(started).bibliography
    assert all(not bibliography[key].authors and not bibliography[key].year
               and "Worked example" in bibliography[key]["note"] for key in bibliography)


def test_its_numbers_agree_with_the_printed_ones(started):
    pool = run_analyses(load_review(started))["cases"]
    wanted = next(
        entry for entry in json.loads((ROOT / "data" / "methods.json").read_text())
        if entry["id"] == "reml"
    )["test_values"][0]["expect"]
    assert pool.tau2 == pytest.approx(wanted["tau2"], abs=5e-5)
    assert pool.i2 == pytest.approx(wanted["I2"], abs=5e-3)
    assert pool.rule("wald").se == pytest.approx(wanted["se"], abs=5e-5)


def test_the_title_is_text_everywhere(built):
    with (built / "data" / "review.csv").open(encoding="utf-8", newline="") as file:
        assert dict(csv.reader(file))["title"] == TITLE
    assert load_review(built).item("title") == TITLE
    readme = (built / "README.md").read_text(encoding="utf-8")
    assert "<script>" not in readme and not re.search(r"(?<!\\)\]\(javascript", readme)
    assert readme.startswith('# Tea, "cold" feet &amp; &lt;script&gt;')
    start = nbformat.read(built / "notebooks" / "00_start_here.ipynb", as_version=4)
    shown = json.dumps([cell.get("outputs", []) for cell in start.cells])
    assert "alert(1)" in shown and "<script>" not in shown and "](javascript" not in shown


def test_it_builds_with_answer_figure_and_slides(built):
    assert {"cases_forest.png", "cases_forest.svg", "cases_forest.pdf", "slides.pptx",
            "manifest.json"} <= {path.name for path in (built / "figures").iterdir()}
    assert "1. **BCG vaccine against no vaccine.** Thirteen trials" in (
        built / "README.md").read_text(encoding="utf-8")
    for path in (built / "notebooks").glob("*.ipynb"):
        outputs = [output for cell in nbformat.read(path, as_version=4).cells
                   for output in cell.get("outputs", [])]
        assert outputs and all(output.output_type != "error" for output in outputs), path.name
    shown = nbformat.read(built / "notebooks" / "02_analyses.ipynb", as_version=4)
    said = json.dumps([cell.get("outputs", []) for cell in shown.cells])
    assert "Do small studies find" in said and "Degrees of freedom" in said
    assert "Do groups of studies" not in said and "property of the studies" not in said
    assert said.count('"image/png"') == 3  # the forest with its metadata, and a funnel
    assert build(built).ran == ()


def test_its_own_tests_pass(built):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"], cwd=built,
        capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stdout


def test_it_is_valid_after_each_step_of_its_readme(tmp_path, capsys):
    root = tmp_path / "steps"
    assert main(["new", str(root), "--title", "Steps"]) == 0
    readme = (root / "README.md").read_text(encoding="utf-8")
    steps = re.findall(r"^\| (\d) \| (?:`([^`]+)`|all of them) \|", readme, re.MULTILINE)
    assert [name for _, name in steps] == [
        "data/review.csv", "references.bib", "data/studies.csv", "data/outcomes.csv",
        "data/analyses.csv", "", "data/answers.csv", "data/figures.csv",
    ]  # fmt: skip

    def add(name, text):
        with (root / name).open("a", encoding="utf-8") as file:
            file.write(text)
        assert main(["check", str(root)]) == 0, capsys.readouterr().err

    def keep(name, wanted):
        first, *rest = (root / name).read_text(encoding="utf-8").splitlines(keepends=True)
        (root / name).write_text("".join([first, *(line for line in rest if wanted in line)]))
        assert main(["check", str(root)]) == 0, capsys.readouterr().err

    def row(name, **cells):
        with (root / name).open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file))
        return ",".join(str(cells.get(column, "")) for column in header) + "\n"

    for key in ("poe2001", "roe2002"):
        add("references.bib", f"@misc{{{key}, title = {{Tea}}, year = {{{key[-4:]}}}}}\n")
        add("data/studies.csv", row("data/studies.csv", study=key))
        add("data/outcomes.csv", row(
            "data/outcomes.csv", outcome_id=f"{key}-feet", study=key, intervention_events=2,
            intervention_n=20, control_events=4, control_n=21, poolable="true",
            verification="primary", contrast="between_arms", source=key,
            source_where="Table"))
    add("data/analyses.csv", row("data/analyses.csv", analysis="feet", measure="RR",
                                 include="poe2001-feet;roe2002-feet"))
    for name in ("figures", "answers"):
        keep(f"data/{name}.csv", "nothing of it")
    for name in ("analyses", "outcomes", "studies"):
        keep(f"data/{name}.csv", "poe2001" if name == "analyses" else "oe200")
    text = (root / "references.bib").read_text(encoding="utf-8")
    (root / "references.bib").write_text(text[text.index("@misc{poe2001") :], encoding="utf-8")
    assert main(["check", str(root)]) == 0, capsys.readouterr().err
    add("data/answers.csv", "1,{analyses[feet].k:Words} trials.,\n")
    capsys.readouterr()
    assert main(["figures", str(root)]) == 0
    assert "feet_forest (forest_page): Two studies, not pooled" in capsys.readouterr().out


def test_kinds_of_figures_and_words_are_listed(capsys):
    assert main(["figures", "--kinds"]) == 0
    said = capsys.readouterr().out
    assert "forest_page" in said and "gap_map" in said and "{analyses[ID].estimate:.2f}" in said


def test_every_command_works_on_it(built, capsys):
    for command in ("check", "analyse", "status"):
        assert main([command, str(built)]) == 0, capsys.readouterr().err


def test_its_notebooks_say_no_data_in_a_review_of_four_files(tmp_path):
    root = write_review(tmp_path / "four")
    paths = shutil.copytree(STARTER / "notebooks", root / "notebooks").glob("*.ipynb")
    with ThreadPoolExecutor(2) as pool:
        texts = list(pool.map(execute, sorted(paths)))
    assert [text.count("*No data") for text in texts] == [3, 1, 2]


def test_its_notebooks_are_unexecuted_and_type_no_number():
    for path in (STARTER / "notebooks").glob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            assert not cell.get("outputs") and cell.get("execution_count") is None
            prose = cell.source if cell.cell_type == "markdown" else "".join(
                re.findall(r'n\.say\("""(.*?)"""', cell.source, re.DOTALL))
            bare = re.sub(r"`[^`]*`|\[\w+\]\([^)]*\)|\]\([^)]*\)|\{[^{}]*\}", " ", prose)
            assert not re.search(r"\d", bare), bare


@pytest.mark.parametrize("name", ["notes.txt", ".hidden"])
def test_a_folder_that_holds_anything_is_refused(tmp_path, capsys, name):
    (tmp_path / name).write_text("mine")
    assert main(["new", str(tmp_path), "--title", "Tea"]) == 1
    error = capsys.readouterr().err
    assert f"{tmp_path}: is not empty, name a new folder, or an empty one" in error
    assert "nothing was written" in error and "Traceback" not in error
    assert everything(tmp_path) == [name]


def test_a_file_is_refused_and_an_empty_folder_is_used(tmp_path, capsys, monkeypatch):
    file = tmp_path / "file"
    file.write_text("mine")
    assert main(["new", str(file)]) == 1
    assert "is a file" in capsys.readouterr().err and file.read_text() == "mine"
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert main(["new", "."]) == 0
    assert load_review(tmp_path / "empty").item("title") == "An evidence review"


@pytest.mark.parametrize("arguments", [
    ["new"], ["new", "tea", "--title"], ["new", "tea", "--title", " \n"],
    ["new", "tea", "--title", "x" * (LONGEST_TITLE + 1)], ["new", "tea", "more"],
])
def test_wrong_usage_exits_with_two(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2 and everything(tmp_path) == []


@pytest.mark.parametrize("was_there", [True, False])
def test_when_the_disk_is_full_nothing_is_left(tmp_path, monkeypatch, capsys, was_there):
    folder = tmp_path / "tea"
    if was_there:
        folder.mkdir()
    written = []

    def full(path, content):
        written.append(path)
        if len(written) > 5:
            raise OSError(28, "No space left on device", str(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    monkeypatch.setattr("evidence.storage.write_bytes", full)
    assert main(["new", str(folder)]) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert folder.exists() == was_there and everything(tmp_path) == ["tea"] * was_there


def test_a_title_becomes_one_printable_line():
    assert starting.plain_title(" Tea\n\tand \x1b[31mfeet\u202e ") == "Tea and [31mfeet"


def test_every_file_of_the_starter_is_packed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    globs = project["tool"]["setuptools"]["package-data"]["evidence"]
    packed = {path for glob in globs for path in (ROOT / "src" / "evidence").glob(glob)}
    files = {path for path in STARTER.rglob("*")
             if path.is_file() and path.parent.name != "__pycache__"}
    assert files <= packed
    assert not any(part.startswith(".") for path in files
                   for part in path.relative_to(STARTER).parts)
