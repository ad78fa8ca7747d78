"""The recipes of docs/recipes.md, followed to the letter in a copy of the repository."""

import csv
import json
import re
import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import MINIMAL, REPOSITORY, write_review
from evidence.cli import main
from evidence.figures import catalogue
from evidence.pooling.analyses import run_analyses
from evidence.pooling.multiverse import explore
from evidence.project.headlines import moved_headlines
from evidence.review.review import Tables, load_review

RECIPES = (REPOSITORY / "docs" / "recipes.md").read_text(encoding="utf-8")


def section(title):
    return RECIPES.split(f"## {title}\n")[1].split("\n## ")[0]


def cells(text):
    """Rows that a recipe says to add, as column: value."""
    found = re.findall(r"\| column \| write \|\n\| --- \| --- \|\n((?:\|.*\n)+)", text)
    return [dict(re.findall(r"^\| (\w+) \| (.*?) \|$", block, re.MULTILINE)) for block in found]


def rows(text):
    """Rows that a recipe shows under their header."""
    header, body = re.search(r"\n(\| analysis \|.*)\n\| --- .*\n((?:\|.*\n)+)", text).groups()
    names = [name.strip() for name in header.strip("|").split("|")]
    return [
        dict(zip(names, [cell.strip() for cell in line.strip("|").split("|")], strict=True))
        for line in body.splitlines()
    ]


def blocks(text, kind=""):
    """Fenced blocks of a kind."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for name, block in found if name == kind]


def commands(text):
    """What a recipe types into a terminal."""
    return [line for block in blocks(text) for line in block.splitlines()]


def table(root, name):
    with (root / "data" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def save(root, name, entries):
    with (root / "data" / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, entries[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(entries)


def add(root, name, **cell):
    entries = table(root, name)
    assert set(cell) <= set(entries[0]), set(cell) - set(entries[0])
    save(root, name, [*entries, dict.fromkeys(entries[0], "") | cell])


def change(root, analysis, column, value):
    entries = table(root, "analyses")
    row = next(entry for entry in entries if entry["analysis"] == analysis)
    row[column] = value(row[column])
    save(root, "analyses", entries)


@pytest.fixture
def copy(copied):
    """The copy with its README, analysed, and with one figure so that a build is quick."""
    shutil.copy(REPOSITORY / "README.md", copied)
    slides = copied / "data" / "slides.csv"  # the talk shows figures that are left out here
    slides.write_text(slides.read_text(encoding="utf-8").partition("\n")[0] + "\n")
    entries = table(copied, "figures")
    save(copied, "figures", [row for row in entries if row["figure"] == "fm_pain_forest"])
    assert main(["analyse", str(copied)]) == 0
    return copied


def build(root, capsys):
    """`make review`; returns what it says at its end."""
    assert main(["build", str(root)]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def test_add_a_study_in_three_steps(copy, capsys):
    text = section("Add a study in three steps")
    before = run_analyses(load_review(copy))["fm_pain"]
    (entry,) = blocks(text, "bibtex")
    with (copy / "references.bib").open("a", encoding="utf-8") as file:
        file.write("\n" + entry)
    study, outcome = cells(text)
    add(copy, "studies", **study)
    add(copy, "outcomes", **outcome)
    added = re.search(r"semicolon: `(;[^`]+)`", text)[1]
    change(copy, "fm_pain", "include", lambda ids: ids + added)
    assert main(["status", str(copy)]) == 0
    assert "is no main option of data/specifications.csv" in capsys.readouterr().out
    for row in rows(text):
        add(copy, "specifications", **row)
    assert commands(text) == ["make review"]
    said = build(copy, capsys)
    assert re.search(r"Moved since the last build:\n  fm_pain: .* → ", said)
    review = load_review(copy)
    pool = run_analyses(review)["fm_pain"]
    assert pool.k == before.k + 1
    assert pool.studies[-1].study == study["study"]
    assert any(option.outcome_id == outcome["outcome_id"] and option.is_main
               for option in explore(review, pool).options)
    manifest = {item["name"]: item for item in json.loads(
        (copy / "figures" / "manifest.json").read_text(encoding="utf-8"))}
    assert manifest["fm_pain_forest"]["title"].startswith("Four trials")
    assert "Example & Sample 2027" in manifest["fm_pain_forest"]["alt"]
    assert "four small trials together" in (copy / "README.md").read_text(encoding="utf-8")
    assert main(["status", str(copy)]) == 0
    said = capsys.readouterr().out
    assert "Judge the certainty again" in said and "is no main option" not in said


def test_change_an_analysis(copy):
    text = section("Change an analysis")
    assert "write `DL` in the cell `tau2_method`" in text
    pooled = copy / "data" / "derived" / "pooled.csv"
    before = shutil.copy(pooled, copy / "before.csv")
    change(copy, "fm_pain", "tau2_method", lambda _: "DL")
    assert main(["analyse", str(copy)]) == 0  # what a build compares at its end
    (moved,) = moved_headlines(before, pooled.read_text(encoding="utf-8"))
    assert moved.startswith("fm_pain: ")
    change(copy, "fm_pain", "tau2_method", lambda _: "REML")
    (row,) = cells(text)
    add(copy, "analyses", **row)
    added = run_analyses(load_review(copy))[row["analysis"]]
    assert added.parent == "fm_pain" and added.tau2_method == "DL"
    kept = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert set(kept) <= set(table(copy, "analyses")[0])


@pytest.mark.parametrize("method", ["DL", "PM", "HE"])
def test_every_figure_has_room_for_every_estimator(review, method):
    analyses = review.table("analyses").copy()
    analyses.loc[analyses["analysis"] == "fm_pain", "tau2_method"] = method
    review = replace(review, tables=Tables({**review.tables, "analyses": analyses}))
    results = run_analyses(review)
    for name, spec in catalogue.specs(review).items():
        if "fm_pain" in spec.select:
            assert catalogue.build(review, results, name).figure(), name


def test_start_your_own_review(tmp_path, monkeypatch, capsys):
    here = tmp_path / "project"
    here.mkdir()
    monkeypatch.chdir(here)
    new, again = (shlex.split(line) for line in commands(section("Start your own review")))
    assert new[0] == again[0] == ".venv/bin/evidence" and again[1] == "build"
    assert main(new[1:]) == 0
    root = (here / again[2]).resolve()
    assert load_review(root).item("title") == "Tea against cold feet"
    for name in ("figures", "answers"):
        path = root / "data" / f"{name}.csv"
        path.write_text(path.read_text(encoding="utf-8").partition("\n")[0] + "\n")
    write_review(root, MINIMAL)
    build(root, capsys)
    readme = (root / "README.md").read_text(encoding="utf-8")
    assert "No answer has been written yet" in readme and "Warmth of feet" in readme
    text = (root / "notebooks" / "02_analyses.ipynb").read_text(encoding="utf-8")
    assert "Warmth of feet" in text and "*No data" in text


LIBRARY = """TY  - JOUR
AU  - Example, Ann
TI  - Tea against cold feet
PY  - 2021
DO  - 10.1000/example
ER  -
"""


def outside(folder, text):
    """Files and commands of a recipe that works beside the project."""
    here = folder / "project"
    here.mkdir()
    typed = [shlex.split(line) for block in re.findall(r"```\n(\.venv.*?)```", text, re.DOTALL)
             for line in block.strip().split("\n")]  # fmt: skip
    assert all(words[0] == ".venv/bin/evidence" for words in typed)
    return here, [words[1:] for words in typed if words[1] == "import"]


def test_from_zotero(tmp_path, monkeypatch, capsys):
    here, (words,) = outside(tmp_path, section("From Zotero"))
    (tmp_path / "library.ris").write_text(LIBRARY)
    monkeypatch.chdir(here)
    assert main(words) == 0
    assert "1 references (RIS)" in capsys.readouterr().out
    assert list(load_review(here / words[-1]).bibliography) == ["example2021"]
    assert main(words) == 0
    assert "nothing was written" in capsys.readouterr().out


def test_from_revman(tmp_path, monkeypatch):
    here, (words,) = outside(tmp_path, section("From RevMan"))
    (tmp_path / "data-rows.csv").write_text(
        "Analysis group,Analysis number,Analysis name,Subgroup,Study,Experimental cases,"
        "Experimental N,Control cases,Control N\n1,1,Falls,,A 2001,2,20,4,21\n"
        "1,1,Falls,,B 2002,3,30,5,31\n")
    (tmp_path / "settings.csv").write_text(
        "Analysis group,Analysis number,Effect measure,Analysis model\n1,1,Odds Ratio,Random\n")
    monkeypatch.chdir(here)
    assert main(words) == 0
    review = load_review(here / words[-1])
    assert list(review.table("analyses")["measure"]) == ["OR"]
    assert run_analyses(review)["falls"].k == 2


def test_from_a_spreadsheet(tmp_path, monkeypatch, capsys):
    text = section("From a spreadsheet")
    here, (words,) = outside(tmp_path, text)
    table, names = re.findall(r"```\n((?:study|Ereignisse).*?)```", text, re.DOTALL)
    (tmp_path / "extraction.csv").write_text(table)
    (here / "names.csv").write_text(names)
    monkeypatch.chdir(here)
    assert main(words) == 0
    review = load_review(here / words[-1])
    (pool,) = run_analyses(review).values()
    assert (pool.measure, pool.k) == ("RR", 3)
    assert "region" in review.table("outcomes")
    other = table.replace("events treatment,total treatment", "Ereignisse Verum,Alle Verum")
    (tmp_path / "other.csv").write_text(other)
    assert main(["import", "../other.csv", "../other"]) == 1
    assert "--map" in capsys.readouterr().err
    assert main(["import", "../other.csv", "--map", "names.csv", "../other"]) == 0


def test_groups_a_number_and_small_studies(tmp_path, capsys):
    text = section("Compare groups, follow a number, look at small studies")
    (column,), (moderator,), (build,) = ([line for line in block.splitlines()]
                                         for block in blocks(text))
    root = tmp_path / "my-review"
    assert main(["new", str(root)]) == 0 and build.endswith("../my-review")
    outcomes = [row | {column: ("clinic", "school")[number % 2]}
                for number, row in enumerate(table(root, "outcomes"))]
    save(root, "outcomes", outcomes)
    save(root, "analyses", [
        row | {name: cell if row["analysis"] == "cases" else ""
               for name, cell in (("subgroup_by", column), ("moderators", moderator))}
        for row in table(root, "analyses")])
    figures = table(root, "figures")
    added = [dict.fromkeys(figures[0], "") | row for row in cells(text)]
    save(root, "figures", figures + added)
    assert main(["analyse", str(root)]) == 0, capsys.readouterr().err
    derived = root / "data" / "derived"
    assert {path.stem for path in derived.iterdir()} == {
        "effects", "pooled", "subgroups", "regressions", "small_study"}
    review = load_review(root)
    pools = run_analyses(review)
    made = [catalogue.build(review, pools, row["figure"]) for row in added]
    assert [figure.content.what for figure in made] == ["Bubble plot", "Funnel plot"]
    assert made[0].subtitle == "13 trials by People analysed" and "p = " in made[1].title
    assert all(figure.axes("slide") for figure in made)
    assert list(pools["cases"].parts()) == ["clinic", "school"]


def test_the_example_in_r_gives_the_numbers_of_the_review(tmp_path):
    if shutil.which("Rscript") is None:
        pytest.skip("R is not here")
    page = (REPOSITORY / "docs" / "statistics.md").read_text(encoding="utf-8")
    (script,) = blocks(page, "r")
    script += '\ncat("found", format(c(fit$beta, fit$ci.lb, fit$ci.ub), digits = 10))\n'
    (tmp_path / "script.R").write_text("pdf(NULL)\n" + script)
    done = subprocess.run(["Rscript", str(tmp_path / "script.R")], cwd=REPOSITORY, check=False,
                          capture_output=True, text=True)
    if "there is no package" in done.stderr:
        pytest.skip("metafor is not here")
    found = re.search(r"found (.+)", done.stdout)[1].split()
    pooled = list(csv.DictReader((REPOSITORY / "data/derived/pooled.csv").open()))
    row = next(row for row in pooled
               if row["analysis"] == "fm_pain" and row["is_default"] == "true")
    wanted = [float(row[name]) for name in ("estimate", "ci_low", "ci_high")]
    assert [float(value) for value in found] == pytest.approx(wanted, rel=1e-6)


def test_links_of_the_recipes_lead_somewhere():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", RECIPES):
        assert (REPOSITORY / "docs" / Path(target)).exists(), target
