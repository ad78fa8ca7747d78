"""The console command: exit status, messages without traceback, nothing half-written."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from commands import run
from evidence.cli import main
from evidence.project.headlines import moved_headlines
from evidence.review.problems import ReviewError
from evidence.review.review import load_review
from evidence.wording import answers
from sample_review import write_sample

ROOT = Path(__file__).parents[1]


@pytest.fixture
def copy(tmp_path):
    """The review without its notebooks and figures, so that a build is quick."""
    root = tmp_path / "review"
    shutil.copytree(ROOT / "data", root / "data", ignore=shutil.ignore_patterns("derived"))
    shutil.copy(ROOT / "references.bib", root)
    shutil.copy(ROOT / "README.md", root)
    return root


def files(root):
    return {
        path: path.read_bytes() for path in sorted(root.rglob("*"))
        if path.is_file() and ".evidence" not in path.parts
    }


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_check_succeeds_and_writes_nothing(copy, capsys):
    before = files(copy)
    assert main(["check", str(copy)]) == 0
    assert "All well" in capsys.readouterr().out
    assert files(copy) == before


def test_problems_are_listed_exit_is_one_and_nothing_is_written(minimal, capsys):
    edit(minimal / "data" / "outcomes.csv", "effect,effect_se,",
         "effect,effect_se,effect_ci_low,effect_ci_high,")
    edit(minimal / "data" / "outcomes.csv", ",1.5,0.5,", ",1.5,0.5,2.5,2.48,")
    edit(minimal / "data" / "outcomes.csv", ",0.8,0.4,", ",0.8,0.4,0.02,1.58,")
    edit(minimal / "data" / "studies.csv", "cole2005,", "nobody2024,")
    before = files(minimal)
    for command in ("check", "analyse", "build"):
        assert main([command, str(minimal)]) == 1
        error = capsys.readouterr().err
        assert "data/outcomes.csv:2 effect_ci_low: '2.5':" in error
        assert "nobody2024" in error
        assert "Traceback" not in error
        assert files(minimal) == before


def test_a_folder_without_a_review_is_said_to_be_none(tmp_path, capsys):
    assert main(["check", str(tmp_path)]) == 1
    assert "holds no review" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "analyse", "build", "status", "export"])
def test_a_mistyped_folder_is_not_the_review_around_it(minimal, monkeypatch, capsys, command):
    (minimal / "notes").mkdir()
    monkeypatch.chdir(minimal)
    before = files(minimal)
    for name in ("mistyped", "notes"):
        assert main([command, name]) == 1
        assert capsys.readouterr().err.startswith(
            f"{name}: holds no review, name a folder with references.bib and data/\n"
        )
    assert files(minimal) == before


def test_without_a_folder_the_review_around_is_meant(minimal, monkeypatch, capsys):
    (minimal / "notes").mkdir()
    monkeypatch.chdir(minimal / "notes")
    assert main(["check"]) == 0 and main(["build", "--jobs", "1"]) == 0
    assert (minimal / "data" / "derived" / "pooled.csv").is_file()
    assert list((minimal / "notes").iterdir()) == []


@pytest.mark.parametrize("command", ["check", "build"])
def test_a_review_without_references_is_told_so(minimal, capsys, command):
    (minimal / "references.bib").unlink()
    assert main([command, str(minimal)]) == 1
    assert "references.bib: file is missing" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [
    ["bake"], ["build", "--jobs", "0"], ["build", "--jobs", "-1"], ["build", "--jobs", "x"],
])
def test_wrong_usage_exits_with_two(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2


@pytest.mark.parametrize("wanted", [False, True])
def test_a_mistake_of_the_program_is_one_line(minimal, monkeypatch, capsys, wanted):
    def broken(_):
        raise ZeroDivisionError("division\nby zero")

    monkeypatch.setattr("evidence.pooling.run_analyses", broken)
    monkeypatch.setenv("EVIDENCE_TRACEBACK", "1" if wanted else "")
    assert main(["check", str(minimal)]) == 1
    error = capsys.readouterr().err
    assert ("Traceback" in error) == wanted
    assert error.splitlines()[-1] == (
        "ZeroDivisionError: division by zero: this is a mistake of the program, please report it "
        "with the command (EVIDENCE_TRACEBACK=1 shows where it arose)."
    )
    assert wanted or error.count("\n") == 1


def test_an_unknown_citation_in_an_answer_is_found_before_the_build(minimal, capsys):
    (minimal / "data" / "answers.csv").write_text("line,patient\n1,So it is [@nokey2020].\n")
    for command in ("check", "build"):
        assert main([command, str(minimal)]) == 1
        assert ("data/answers.csv:2 patient: 'So it is [@nokey2020].': cites nokey2020, which is "
                "not in references.bib, mend the key") in capsys.readouterr().err


def test_an_audience_may_have_fewer_lines(minimal, capsys):
    (minimal / "data" / "answers.csv").write_text(
        "line,patient,clinician\n1,,One\n2,Two,Two {nothing}\n3,,\n"
    )
    (minimal / "README.md").write_text("<!-- answer: begin -->\n<!-- answer: end -->\n")
    assert main(["build", str(minimal)]) == 0
    assert "  1. Two\n" in capsys.readouterr().out
    assert "1. Two" in (minimal / "README.md").read_text()
    loaded = load_review(minimal)
    with pytest.raises(ReviewError, match=r"answers.csv:3 clinician: nothing is called"):
        answers.lines(loaded, {}, "clinician")


def test_analyse_writes_both_tables_and_the_same_bytes_twice(copy):
    assert main(["analyse", str(copy)]) == 0
    first = files(copy / "data" / "derived")
    assert {path.name for path in first} == {"effects.csv", "pooled.csv"}
    assert main(["analyse", str(copy)]) == 0
    assert files(copy / "data" / "derived") == first


def test_build_moves_figures_readme_and_headlines_together(built_sample, tmp_path, capsys):
    root = shutil.copytree(built_sample, tmp_path / "sample")
    (root / "README.md").write_text("<!-- answer: begin -->\n<!-- answer: end -->\n")
    (root / "data" / "answers.csv").write_text(
        "line,reader\n1,It moves pain by {analyses[pain].estimate:.1f}.\n")
    assert main(["build", str(root)]) == 0
    first = files(root)
    assert main(["build", str(root)]) == 0
    assert files(root) == first
    assert "Moved" not in capsys.readouterr().out
    edit(root / "data" / "outcomes.csv", "-0.5,0.2", "-0.7,0.2")
    assert main(["build", str(root)]) == 0
    said = capsys.readouterr().out
    assert "Moved since the last build:" in said and "pain: −0.50" in said
    after = files(root)
    moved = {path.relative_to(root).as_posix() for path in after if after[path] != first[path]}
    assert {"README.md", "figures/pain_forest.png", "figures/manifest.json",
            "data/derived/pooled.csv"} <= moved


def test_moved_headlines_name_what_came_and_went(tmp_path):
    header = "analysis,is_default,estimate,ci_low,ci_high\n"
    old = tmp_path / "pooled.csv"
    old.write_text(header + "pain,true,-0.22,-1.5,1.06\nsleep,true,1,0,2\npain,false,9,9,9\n")
    new = header + "pain,true,-0.31,-1.5,1.06\nmood,true,1,0,2\n"
    assert moved_headlines(old, new) == (
        "pain: −0.22 (−1.50 to 1.06) → −0.31 (−1.50 to 1.06)",
        "sleep: 1.00 (0.00 to 2.00) → none",
        "mood: none → 1.00 (0.00 to 2.00)",
    )
    assert moved_headlines(tmp_path / "absent.csv", new) == ()


DAMAGED = {
    "conflict": b"<<<<<<< HEAD\nanalysis,is_default,estimate,ci_low,ci_high\n=======\n>>>>>>> b\n",
    "empty": b"", "Latin-1": b"analysis,is_default\ncaf\xe9,true\n",
    "words": b"analysis,is_default,estimate,ci_low,ci_high\na,true,much,0,1\n",
    "other columns": b"analysis,measure\na,RR\n", "two widths": b"a,b\n1,2,3,4\n1\n",
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_table_of_the_last_build_is_written_anew(built_sample, tmp_path, capsys, content):
    root = shutil.copytree(built_sample, tmp_path / "sample")
    pooled = root / "data" / "derived" / "pooled.csv"
    sound = pooled.read_bytes()
    pooled.write_bytes(content)
    assert moved_headlines(pooled, sound.decode()) == ()
    assert main(["build", str(root)]) == 0
    assert pooled.read_bytes() == sound and "Moved" not in capsys.readouterr().out


def test_what_figure_and_slides_cannot_draw_is_said_once(minimal, capsys):
    (minimal / "data" / "figures.csv").write_text(
        "figure,kind,select,message\nfeet,forest_page,nowhere,m\n"
    )
    assert main(["build", str(minimal)]) == 1
    error = capsys.readouterr().err
    assert error.count("data/figures.csv:2 select: 'nowhere': is not there") == 1
    assert "1 problem; nothing was written." in error


def test_a_readme_that_is_not_utf_8_is_a_listed_problem(minimal, capsys):
    (minimal / "README.md").write_bytes(b"# Feet\r\n\r\ncaf\xe9\r\n")
    assert main(["build", str(minimal)]) == 1
    assert "README.md:3: 'caf\u00e9': is not UTF-8 text, save the file as UTF-8" in (
        capsys.readouterr().err
    )


def test_the_command_is_installed():
    result = subprocess.run([Path(sys.executable).with_name("evidence"), "--version"],
                            capture_output=True, text=True, check=True)
    assert result.stdout.startswith("evidence ")


BUG = """
from dataclasses import replace
from evidence.figures import catalogue  # registers the kinds
from evidence.figures.figure import KINDS
def fail(*_):
    return 1 / 0
KINDS["landscape"] = replace(KINDS["landscape"], content=fail)
"""


@pytest.mark.parametrize("wanted", ["", "1"])
def test_a_bug_in_a_figure_is_said_to_be_one(tmp_path, wanted):
    root = write_sample(tmp_path / "sample")
    status, _, error = run("check", root, before=BUG, EVIDENCE_TRACEBACK=wanted)
    assert status == 1
    last = error.splitlines()[-1]
    assert last.startswith("figure studies: ZeroDivisionError") and "mistake of the program" in last
    assert ("in fail" in error) == bool(wanted) and "figures.csv" not in error
