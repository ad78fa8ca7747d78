"""What leaves a pool, what pools nothing and what is doubtful in a pool is said in the end; what a
build would stumble over is said before it starts."""

import pytest

from conftest import MINIMAL, edit, write_review
from evidence.cli import main
from evidence.pooling import run_analyses
from evidence.pooling.remarks import pool_remarks
from evidence.review import load_review
from sample_review import edit as edit_sample
from sample_review import write_sample


@pytest.fixture
def review(tmp_path):
    return write_review(tmp_path / "review", MINIMAL)


@pytest.mark.parametrize("error", ["1e-300", "1e308"])
@pytest.mark.parametrize("command", ["analyse", "build", "check"])
def test_a_row_that_leaves_a_pool_is_named(review, capsys, command, error):
    edit(review / "data/outcomes.csv", "0.8,0.4", f"0.8,{error}")
    assert main([command, str(review)]) == 0
    *_, before, last = [line for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert before == "Not pooled:"
    assert last.startswith("  warmth: cole2005-warmth is not pooled: ")


def test_an_analysis_that_pools_nothing_is_named(review, capsys):
    edit(review / "data/outcomes.csv", "1.5,0.5,true", "1.5,0.5,false")
    edit(review / "data/outcomes.csv", "0.8,0.4,true", "0.8,0.4,false")
    for command in ("check", "analyse", "build", "build"):  # the second build has nothing to do
        assert main([command, str(review)]) == 0
        said = capsys.readouterr().out
        assert "warmth: nothing is pooled" in said
        assert "warmth: abel2001-warmth is not pooled" in said
    assert main(["check", str(review)]) == 0
    assert "data/analyses.csv:2 include: 'warmth': pools nothing" in capsys.readouterr().out


def test_remarks_that_touch_a_pooled_row_are_printed_by_a_build(review, capsys):
    edit(review / "data/outcomes.csv", "effect_se,", "effect_se,p_value,")
    edit(review / "data/outcomes.csv", "1.5,0.5,", "1.5,0.5,0.9,")
    edit(review / "data/outcomes.csv", "0.8,0.4,", "0.8,0.4,,")
    for command in ("check", "analyse", "build", "status"):
        assert main([command, str(review)]) == 0
        assert "data/outcomes.csv:2 p_value: '0.9': does not fit" in capsys.readouterr().out
    edit(review / "data/analyses.csv", "abel2001-warmth;", "")
    assert main(["analyse", str(review)]) == 0
    assert "p_value" not in capsys.readouterr().out


def test_an_unknown_scale_in_a_pool_of_a_known_one_is_a_remark(review, capsys):
    edit(review / "data/outcomes.csv", "effect_se,", "effect_se,scale_low,scale_high,")
    edit(review / "data/outcomes.csv", "1.5,0.5,", "1.5,0.5,0,10,")
    edit(review / "data/outcomes.csv", "0.8,0.4,", "0.8,0.4,,,")
    assert main(["check", str(review)]) == 0
    said = capsys.readouterr().out
    assert "data/analyses.csv:2 include: 'cole2005-warmth'" in said and "unknown scale" in said
    edit(review / "data/analyses.csv", ",MD,", ",SMD,")
    edit(review / "data/outcomes.csv", "mean_difference", "standardised_mean_difference")
    edit(review / "data/outcomes.csv", ",mean_difference", ",standardised_mean_difference")
    assert main(["check", str(review)]) == 0
    assert "unknown scale" not in capsys.readouterr().out


def test_results_of_several_domains_in_one_pool_are_a_remark(review, capsys):
    assert main(["check", str(review)]) == 0
    assert "different domains" not in capsys.readouterr().out
    edit(review / "data/outcomes.csv", "cole2005,warmth", "cole2005,sleep")
    assert main(["check", str(review)]) == 0
    assert ("data/analyses.csv:2 include: 'abel2001-warmth (warmth); cole2005-warmth (sleep)': "
            "are results of different domains in one pool") in capsys.readouterr().out
    edit(review / "data/analyses.csv", "analysis,", "subgroup_by,analysis,")
    edit(review / "data/analyses.csv", "warmth,", "domain,warmth,")
    assert main(["check", str(review)]) == 0
    assert "different domains" not in capsys.readouterr().out


def test_a_figure_that_windows_could_not_write_is_named(tmp_path, capsys):
    root = write_sample(tmp_path / "sample")
    edit_sample(root / "data" / "figures.csv", "studies,landscape", "con,landscape")
    assert main(["check", str(root)]) == 1
    assert "data/figures.csv:2 figure: 'con': is a name that Windows keeps" in (
        capsys.readouterr().err)


def test_a_ratio_of_counts_in_which_nobody_was_spared_is_a_remark(tmp_path, capsys):
    head = MINIMAL["data/outcomes.csv"].split("\n")[0]
    header = head.replace("effect_measure,effect,effect_se", "effect_measure,intervention_events,"
                          "intervention_n,control_events,control_n")
    rows = [f"{key}-warmth,{key},warmth,better,between_arms,none,{cells},true,primary"
            for key, cells in (("abel2001", "50,50,50,50"), ("cole2005", "45,50,40,50"))]
    files = MINIMAL | {
        "data/outcomes.csv": "\n".join([header, *rows, ""]),
        "data/analyses.csv": MINIMAL["data/analyses.csv"].replace(",MD,", ",RR,"),
    }
    root = write_review(tmp_path / "review", files)
    assert main(["check", str(root)]) == 0
    said = capsys.readouterr().out
    assert "'abel2001-warmth': everybody in both arms had the event" in said


def test_moderators_that_are_not_what_they_seem_are_named(tmp_path):
    cells = {"a": "10", "b": "12", "c": "x", "d": "14", "e": ""}
    rows = "".join(f"{key},1.5,0.5,{value},5\n" for key, value in cells.items())
    files = {
        "references.bib": "".join(f"@misc{{{key}, title = {{T}}}}\n" for key in cells),
        "data/studies.csv": "study\n" + "\n".join(cells) + "\n",
        "data/outcomes.csv": "study,effect,effect_se,dose,same\n" + rows,
        "data/analyses.csv": "analysis,measure,include,moderators\n" + "".join(
            f"{name},GEN,a;b;c;d;e,{name}\n" for name in ("dose", "same")),
    }
    review = load_review(write_review(tmp_path / "review", files))
    said = [str(remark) for remark in pool_remarks(review, run_analyses(review))]
    assert [any(words in line for line in said) for words in (
        "'dose': holds words among numbers (x in c)", "'dose': is empty for e, which",
        "'same': has no regression to show: all trials with values have one and the same",
    )] == [True] * 3  # fmt: skip


@pytest.mark.parametrize(("text", "words"), [
    ("<!-- answer: begin -->\n", "README.md:1: '<!-- answer: begin -->': has no mark"),
    ("x\n<!-- answer: end -->\n", "README.md:2: '<!-- answer: end -->': has no mark"),
    ("<!-- answer: begin -->\nkeep this\n<!-- answer: begin -->\n<!-- answer: end -->\n",
     "README.md:3: '<!-- answer: begin -->': stands twice"),
    ("<!-- answer: begin -->\n<!-- answer: end -->\nkeep this\n<!-- answer: end -->\n",
     "README.md:4: '<!-- answer: end -->': stands twice"),
    ("<!-- answer: end -->\nkeep this\n<!-- answer: begin -->\n", "README.md:1"),
])
def test_marks_of_the_readme_that_do_not_fit_are_named(review, capsys, text, words):
    (review / "README.md").write_text(text)
    for command in ("check", "build"):
        assert main([command, str(review)]) == 1
        assert words in capsys.readouterr().err
    assert (review / "README.md").read_text() == text


def test_what_passes_check_has_figures_answers_and_templates_that_work(tmp_path, capsys):
    root = write_sample(tmp_path / "sample")
    (root / "data" / "answers.csv").write_text(
        "line,reader,doctor\n1,{nothing},Fine.\n2,Fine.,{analyses[nobody].estimate}\n")
    edit_sample(root / "data" / "figures.csv", "studies,landscape,alpha,,{n_studies} study",
                "studies,landscape,alpha,,{n_nothing} study")
    assert main(["check", str(root)]) == 1
    said = capsys.readouterr().err
    for place in ("data/answers.csv:2 reader", "data/answers.csv:3 doctor",
                  "data/figures.csv:2 message"):
        assert place in said
    edit_sample(root / "data" / "figures.csv", "{n_nothing} study", "word " * 60)
    assert main(["check", str(root)]) == 1
    assert "data/figures.csv" in capsys.readouterr().err
