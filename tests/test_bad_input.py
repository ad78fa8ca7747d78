"""Damaged copies of the real data: every problem is listed once, in plain words, at its line."""

import json
import re
import warnings

import pytest
from IPython.core.interactiveshell import InteractiveShell

from conftest import edit, problems_of
from evidence.cli import main
from evidence.review.review import load_review

LINE = re.compile(r"^(data/[\w.]+|references\.bib)(:\d+)?( [\w, ]+)?(: '.*')?: .+, .+$")
ROW = "duebruun2024-pain-w12-itt"  # line 2 of outcomes.csv


def lines_of(path):
    return path.read_text(encoding="utf-8").split("\n")


# table, id of the row, column, value written, words of the message
CELLS = {
    "text in a number": ("outcomes", ROW, "effect", "about 1", "not a number"),
    "decimal comma": ("outcomes", ROW, "effect", "-0,34", "decimal point"),
    "thousands separator": ("outcomes", ROW, "control_n", "1 050", "whole number"),
    "underscore": ("outcomes", ROW, "effect", "-0_34", "not a number"),
    "digits of another script": ("outcomes", ROW, "control_n", "٥٠", "whole number"),
    "minus sign of typesetters": ("outcomes", ROW, "effect", "−0.34", "not a number"),
    "per cent sign": ("studies", "duebruun2024", "female_pct", "100 %", "not a number"),
    "NaN": ("outcomes", ROW, "effect", "NaN", "not a number"),
    "NA": ("outcomes", ROW, "effect", "NA", "not a number"),
    "infinity": ("outcomes", ROW, "effect", "-INF", "not a number"),
    "too large": ("outcomes", ROW, "effect", "1e999", "too large"),
    "whole number too large": ("outcomes", ROW, "control_n", "9" * 30, "too large"),
    "half a person": ("outcomes", ROW, "control_n", "50.5", "whole number"),
    "nobody in the arm": ("outcomes", ROW, "control_n", "0", "below 1"),
    "p above one": ("outcomes", ROW, "p_value", "27", "above 1"),
    "percentage above 100": ("studies", "duebruun2024", "female_pct", "101", "above 100"),
    "standard error of zero": ("outcomes", ROW, "effect_se", "0", "not above 0"),
    "interval that misses its estimate": (
        "outcomes", ROW, "effect_ci_high", "-0.5", "outside its interval"
    ),
    "standard error against the interval": ("outcomes", ROW, "effect_se", "0.9", "interval"),
    "unknown vocabulary": ("outcomes", ROW, "contrast", "versus placebo", "vocabulary"),
    "capitals in a vocabulary": ("outcomes", ROW, "verification", "Primary", "'primary'?"),
    "yes for true": ("outcomes", ROW, "poolable", "yes", "true or false"),
    "required cell empty": ("outcomes", ROW, "contrast", "", "must not be empty"),
    "id twice": ("outcomes", "driver2023-stopped", "outcome_id", ROW, "already in row 2"),
    "unknown study": ("outcomes", ROW, "study", "duebruun2042", "data/studies.csv"),
    "unknown source": ("outcomes", ROW, "source", "nobody1999", "references.bib"),
    "unknown outcome in an analysis": ("analyses", "fm_pain", "include", "nowhere", "outcome_id"),
    "unknown condition": ("studies", "duebruun2024", "condition", "gout", "condition_groups"),
    "neither true nor false": ("related_questions", "q01", "in_scope", "maybe", "true"),
    "only spaces": ("outcomes", ROW, "contrast", "   ", "must not be empty"),
}


@pytest.mark.parametrize("table, row, column, value, words", CELLS.values(), ids=CELLS)
def test_damaged_cell(copied, cell, table, row, column, value, words):
    line = next(
        number for number, text in enumerate(lines_of(copied / f"data/{table}.csv"), 1)
        if text.split(",")[0] == row
    )
    cell(table, row, column, value)
    found = [str(problem) for problem in problems_of(copied)]
    assert len(found) == 1, found
    assert words in found[0]
    assert LINE.fullmatch(found[0]), found[0]
    named = "effect" if words == "outside its interval" else column
    assert found[0].startswith(f"data/{table}.csv:{line} {named}: ")


FILES = {
    "missing file": (lambda r: (r / "data/harms.csv").unlink(), "data/harms.csv", None, "missing"),
    "folder in place of a file": (
        lambda r: [(r / "data/pk.csv").unlink(), (r / "data/pk.csv").mkdir()],
        "data/pk.csv", None, "cannot be opened",
    ),
    "empty file": (
        lambda r: (r / "data/harms.csv").write_text(""), "data/harms.csv", None, "empty",
    ),
    "Latin-1": (
        lambda r: (r / "data/studies.csv").write_bytes(
            (r / "data/studies.csv").read_text(encoding="utf-8").replace("–", "-")
            .encode("latin-1", "replace")
        ),
        "data/studies.csv", ..., "UTF-8",
    ),
    "missing column": (
        lambda r: edit(r / "data/instruments.csv", ",unit,", ",einheit,"),
        "data/instruments.csv", 1, "column is missing",
    ),
    "column twice": (
        lambda r: edit(r / "data/seed_dosing.csv", ",start_week_max,", ",start_week_min,"),
        "data/seed_dosing.csv", 1, "stands twice",
    ),
    "unknown column": (
        lambda r: (r / "data/domain_groups.csv").write_text(
            (r / "data/domain_groups.csv").read_text(encoding="utf-8").replace("\n", ",\n")
            .replace(",\n", ",colour\n", 1)
        ),
        "data/domain_groups.csv", 1, "not in the data dictionary",
    ),
    "header longer than the rows": (
        lambda r: edit(r / "data/domain_groups.csv", "domain_group\n", "domain_group,colour\n"),
        "data/domain_groups.csv", 1, "most rows have 2 cells",
    ),
    "semicolons between columns": (
        lambda r: (r / "data/domain_groups.csv").write_text("domain;domain_group\npain;Pain\n"),
        "data/domain_groups.csv", 1, "semicolons",
    ),
    "row too short": (
        lambda r: edit(r / "data/domain_groups.csv", "fatigue,", "fatigue "),
        "data/domain_groups.csv", ..., "the header has 2 columns",
    ),
    "empty row": (
        lambda r: edit(r / "data/domain_groups.csv", "\nfatigue,", "\n\nfatigue,"),
        "data/domain_groups.csv", ..., "row is empty",
    ),
    "quote never closed": (
        lambda r: edit(r / "data/domain_groups.csv", "\nfatigue,", '\nfatigue,"'),
        "data/domain_groups.csv", ..., "quote",
    ),
    "bibliography missing": (
        lambda r: (r / "references.bib").unlink(), "references.bib", None, "missing",
    ),
    "bibliography without a comma": (
        lambda r: edit(r / "references.bib", "},\n  title", "}\n  title"),
        "references.bib", ..., "comma",
    ),
    "reference deleted": (
        lambda r: edit(r / "references.bib", "@article{dworkin2009,", "@article{dworkin2009x,"),
        "data/references.csv", ..., "not in references.bib",
    ),
    "dictionary that is not JSON": (
        lambda r: edit(r / "data/datapackage.json", '"resources"', "resources"),
        "data/datapackage.json", ..., "JSON",
    ),
    "dictionary of another shape": (
        lambda r: (r / "data/datapackage.json").write_text(json.dumps({"resources": "none"})),
        "data/datapackage.json", None, "no list of resources",
    ),
}  # fmt: skip


@pytest.mark.parametrize("damage, file, row, words", FILES.values(), ids=FILES)
def test_damaged_file(copied, damage, file, row, words):
    damage(copied)
    found = problems_of(copied)
    here = [str(p) for p in found if p.file == file]
    assert len(set(map(str, found))) == len(found)
    assert any(words in text for text in here), found
    if row is not ...:
        assert {p.row for p in found if p.file == file} == {row}
    assert all(LINE.fullmatch(str(problem)) for problem in found)


@pytest.mark.parametrize("sign", ["\x0b", "\x0c", "\x01", "\x1b", "\x7f", "\uffff"])
def test_a_control_character_is_refused_at_its_place(minimal, sign):
    point = f"holds a control character (U+{ord(sign):04X}), delete it, or type it again"
    edit(minimal / "data/analyses.csv", "Warmth of feet", f"Warmth{sign}of feet")
    edit(minimal / "data/studies.csv", "n_randomised", f"n_rand{sign}omised")
    edit(minimal / "references.bib", "Tea against", f"Tea{sign}against")
    assert [str(problem) for problem in problems_of(minimal)] == [
        f"data/analyses.csv:2 title: 'Warmth\ufffdof feet': {point}",
        f"data/studies.csv:1 column 4: 'n_rand\ufffdomised': {point}",
        f"references.bib:3 title: '{{Tea\ufffdagainst cold feet}}': {point}",
    ]
    edit(minimal / "data/analyses.csv", f"Warmth{sign}of", "Warmth\tof")
    edit(minimal / "data/studies.csv", sign, "")
    edit(minimal / "references.bib", sign, " ")
    assert problems_of(minimal) == []


def test_a_control_character_is_refused_in_a_dictionary(copied):
    edit(copied / "data/datapackage.json", '"description": "Tables behind',
         '"description": "Tab\\u000bles behind')
    (problem,) = problems_of(copied)
    assert "holds a control character (U+000B)" in problem.rule


def test_line_break_in_a_cell_is_refused_and_later_lines_stay_true(copied):
    path = copied / "data/outcomes.csv"
    before = lines_of(path)
    edit(path, "Primary outcome; Cohen", '"Primary\noutcome; Cohen')
    edit(path, "gives SE 0.307\n", 'gives SE 0.307"\n')
    number = next(i for i, text in enumerate(before, 1) if text.startswith("tsui2024-severity-w8"))
    edit(path, "tsui2024-severity-w8,tsui2024", "tsui2024-severity-w8,tsui2042")
    found = [(p.row, p.column) for p in problems_of(copied) if p.file == "data/outcomes.csv"]
    assert (2, "note") in found
    assert (number + 1, "study") in found


@pytest.mark.parametrize(
    "change",
    [
        lambda content: b"\xef\xbb\xbf" + content,
        lambda content: content.replace(b"\n", b"\r\n"),
        lambda content: content.rstrip(b"\n"),
        lambda content: content + b"\n,,\n\n",
    ],
    ids=["byte order mark", "Windows line ends", "no last line end", "empty rows at the end"],
)
def test_harmless_differences_change_nothing(copied, review, change):
    for name in ("outcomes.csv", "studies.csv", "harms.csv"):
        path = copied / "data" / name
        path.write_bytes(change(path.read_bytes()))
    changed = load_review(copied)
    for name in ("outcomes", "studies", "harms"):
        assert changed.table(name).equals(review.table(name))


def test_spaces_around_values_change_nothing(copied, review, cell):
    cell("outcomes", ROW, "effect", "  -0.34 ")
    cell("outcomes", ROW, "study", " duebruun2024")
    cell("outcomes", ROW, "poolable", "true\u00a0")
    edit(copied / "data/outcomes.csv", "outcome_id,study", " outcome_id , study")
    assert load_review(copied).table("outcomes").equals(review.table("outcomes"))


def test_a_row_that_is_lost_is_not_missed_elsewhere(copied):
    edit(copied / "data/studies.csv", "duebruun2024,", "duebruun2024,,")
    assert [(p.file, p.column) for p in problems_of(copied)] == [("data/studies.csv", "")]


def test_a_hundred_problems_are_all_listed_once(copied):
    path = copied / "data/bias_facts.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(",low,", ",lowish,").replace(",high,", ",1,"), encoding="utf-8")
    edit(copied / "data/outcomes.csv", "duebruun2024-pain-w12-itt,duebruun2024", "x,nobody1999")
    edit(copied / "references.bib", "},\n  title", "}\n  title")
    found = [str(problem) for problem in problems_of(copied)]
    expected = text.count(",low,") + text.count(",high,")
    assert expected > 100
    assert sum("bias_facts.csv" in line for line in found) == expected
    assert sum("references.bib" in line for line in found) == 1
    assert any(line.startswith("data/outcomes.csv:2 study: 'nobody1999'") for line in found)
    assert len(found) == len(set(found))


def test_command_lists_problems_and_writes_nothing(copied, cell, capsys):
    cell("outcomes", ROW, "effect", "about 1")
    before = {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()}
    assert main(["check", str(copied)]) == 1
    shown = capsys.readouterr().err
    assert "data/outcomes.csv:2 effect: 'about 1': is not a number" in shown
    assert "Traceback" not in shown
    assert {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()} == before


def test_folder_without_a_review(tmp_path, capsys):
    assert main(["check", str(tmp_path / "nowhere")]) == 1
    assert "holds no review" in capsys.readouterr().err


def test_nothing_warns_a_user(copied):
    """Neither with the real tables nor with tables of headers only."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_review(copied)
        for path in (copied / "data").glob("*.csv"):
            path.write_text(lines_of(path)[0] + "\n", encoding="utf-8")
        assert len(load_review(copied).table("outcomes")) == 0


@pytest.mark.parametrize("sign", ["\u200b", "\u00a0", "\u202e", "\u00ad", "\u2060"])
def test_a_sign_that_nobody_sees_makes_no_other_id(minimal, sign):
    for name in ("outcomes", "analyses"):
        edit(minimal / "data" / f"{name}.csv", "abel2001-warmth", f"abel2001{sign}-warmth")
    rules = {problem.file: problem.rule for problem in problems_of(minimal)}
    assert f"nobody sees (U+{ord(sign):04X})" in rules["data/outcomes.csv"]
    assert "\N{REPLACEMENT CHARACTER}" in problems_of(minimal)[0].value


def test_a_sign_that_nobody_sees_makes_no_other_column(minimal):
    edit(minimal / "data" / "outcomes.csv", "effect_se", "effect\u200b_se")
    assert any("nobody sees" in problem.rule for problem in problems_of(minimal))


def test_signs_that_scripts_need_are_quiet_in_text(minimal):
    title = ("\u05de\u05d7\u05e7\u05e8 \u200f(a)\u200f "
             "\u0645\u06cc\u200c\u062e \U0001f469\u200d\U0001f52c")
    edit(minimal / "data" / "analyses.csv", "Warmth of feet", title)
    assert [str(remark) for remark in load_review(minimal).warnings] == []
    edit(minimal / "data" / "analyses.csv", title, "Warm\u00adth")
    remark, = load_review(minimal).warnings
    assert "U+00AD" in remark.rule and remark.column == "title"


def test_a_notebook_shows_the_problems_and_no_traceback(copied, cell, capsys):
    cell("outcomes", ROW, "effect", "about 1")
    code = f"import evidence as ev\nev.load({str(copied)!r})"
    InteractiveShell(user_ns={}).run_cell(code)
    said = capsys.readouterr().out
    assert "data/outcomes.csv:2 effect: 'about 1'" in said and "Traceback" not in said
    assert "load_review" not in said
