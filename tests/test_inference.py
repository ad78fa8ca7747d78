"""What need not be filled in, since it follows from other cells."""

import pytest

from evidence.figures import catalogue
from evidence.pooling import Analyses, run_analyses
from evidence.project import rehearse
from evidence.review import ReviewError, forest_rows, load_review

BIB = "@misc{a, title = {A}, year = {2001}}\n@misc{b, title = {B}, year = {2002}}\n"
COUNTS = (
    "study,intervention_events,intervention_n,control_events,control_n\na,1,20,4,21\nb,2,30,5,31\n"
)


def review(tmp_path, outcomes=COUNTS, include="a;b", measure="RR", **tables):
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "references.bib").write_text(BIB)
    texts = {"studies": "study\na\nb\n", "outcomes": outcomes,
             "analyses": f"analysis,measure,include\nmain,{measure},{include}\n"} | tables
    for name, text in texts.items():
        (data / f"{name}.csv").write_text(text)
    return load_review(tmp_path)


def test_a_table_of_numbers_is_enough(tmp_path):
    found = review(tmp_path)
    outcomes = found.table("outcomes")
    assert list(outcomes["outcome_id"]) == ["a", "b"]
    assert set(outcomes["contrast"]) == {"between_arms"}
    assert outcomes["poolable"].all()
    assert set(outcomes["verification"]) == {"secondary"}
    assert list(found.table("studies")["n_analysed"]) == [41, 61]
    assert run_analyses(found)["main"].k == 2


def test_a_p_value_that_is_a_bound_is_no_error(tmp_path):
    text = ("study,effect_measure,effect,p_value,p_relation\na,hazard_ratio,0.7,0.05,<\n"
            "b,hazard_ratio,0.85,0.3,=\n")
    found = review(tmp_path, text, measure="HR")
    assert list(found.table("outcomes")["poolable"]) == [False, True]
    pool = run_analyses(found)["main"]
    assert pool.k == 1 and "no standard error" in pool.excluded[0].reason
    assert pool.default.se == pytest.approx(0.15680, abs=1e-5)  # log(0.85) / z of p = 0.3


@pytest.mark.parametrize(("studies", "k"), [("study,n_analysed\na,12\nb,30\n", 2),
                                            ("study\na\nb\n", 0)])
def test_the_people_of_a_correlation_may_stand_with_the_study(tmp_path, studies, k):
    text = "study,effect_measure,effect\na,correlation,0.4\nb,correlation,0.5\n"
    pool = run_analyses(review(tmp_path, text, measure="COR", studies=studies))["main"]
    assert pool.k == k
    assert all("its people are not known" in row.reason for row in pool.excluded)


def test_ids_tell_the_rows_of_a_study_apart(tmp_path):
    text = COUNTS.replace("study,", "study,domain,").replace("\na,", "\na,pain,").replace(
        "\nb,", "\na,sleep,")
    found = review(tmp_path, text, include="domain = sleep")
    assert list(found.table("outcomes")["outcome_id"]) == ["a-pain", "a-sleep"]
    assert run_analyses(found)["main"].k == 1


def test_what_stands_there_is_kept(tmp_path):
    text = ("outcome_id,study,contrast,poolable,verification,intervention_events,intervention_n,"
            "control_events,control_n\nx,a,,false,primary,1,20,4,21\n,b,,,,2,30,5,31\n")
    outcomes = review(tmp_path, text, include="x;b").table("outcomes")
    assert list(outcomes["outcome_id"]) == ["x", "b"]
    assert list(outcomes["poolable"]) == [False, True]
    assert list(outcomes["verification"]) == ["primary", "secondary"]


@pytest.mark.parametrize(
    "row, design, contrast, poolable",
    [
        ("a,3,30,,,", "", "single_group", True),
        ("a,,30,,,0.5", "", "between_arms", False),
        ("a,1,20,4,21,", "rct_crossover", "crossover_paired", True),
        ("a,1,,4,21,", "", "between_arms", False),
    ],
)
def test_contrast_and_poolable_follow(tmp_path, row, design, contrast, poolable):
    header = "study,intervention_events,intervention_n,control_events,control_n,effect\n"
    studies = f"study,design\na,{design}\nb,\n"
    found = review(tmp_path, header + row + "\n", include="a", studies=studies)
    outcome = found.table("outcomes").iloc[0]
    assert (outcome["contrast"], outcome["poolable"]) == (contrast, poolable)


def test_people_of_strata_are_added_and_stated_people_kept(tmp_path):
    text = ("study,stratum,intervention_n,intervention_events,control_n,control_events\n"
            "a,men,10,1,10,2\na,women,20,1,20,2\nb,,5,1,5,2\n")
    studies = "study,n_randomised\na,\nb,99\n"
    found = review(tmp_path, text, include="stratum = men", studies=studies)
    assert found.table("studies")["n_analysed"].fillna(-1).tolist() == [60, -1]


def test_unknown_people_are_not_zero(tmp_path):
    found = review(tmp_path, "study,effect,effect_se\na,0.1,0.2\nb,0.2,0.2\n", measure="GEN")
    from evidence.appraisal.census import census

    assert census(found).people == "an unknown number of people"


def test_a_primary_analysis_has_its_forest(tmp_path):
    found = review(tmp_path)
    analyses = Analyses(found)
    assert list(catalogue.specs(found)) == ["main_forest"]
    figure = catalogue.build(found, analyses, "main_forest")
    assert figure.title.startswith("Two studies, not pooled: risk ratio 0.26")
    assert "Main" in figure.subtitle


def test_forests_follow_only_from_what_no_figure_shows():
    analyses = [{"analysis": "One"}, {"analysis": "one", "role": "primary"},
                {"analysis": "two", "role": "sensitivity"}, {"analysis": "three"}]  # fmt: skip
    rows = forest_rows([{"figure": "x", "kind": "forest_page", "select": "three; four"},
                        {"figure": "y", "kind": "funnel", "select": "One"}], analyses)
    assert [row["figure"] for row in rows] == ["one_forest", "one_2_forest"]


def test_check_names_mistakes_of_figures_and_answers(tmp_path):
    figures = ("figure,kind,select,message\nx,forestt,main,{analyses[main].estimat:.2f}\n"
               "y,forest_page,main,{nothing}\n")
    answers = "line,reader\n1,{analyses[other].k}\n"
    found = review(tmp_path, figures=figures, answers=answers)
    with pytest.raises(ReviewError) as caught:
        rehearse(found, run_analyses(found))
    places = {(p.file, p.row, p.column) for p in caught.value.problems}
    assert places == {
        ("data/figures.csv", 2, "kind"), ("data/figures.csv", 2, "message"),
        ("data/figures.csv", 3, "message"), ("data/answers.csv", 2, "reader"),
    }
