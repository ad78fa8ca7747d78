"""Study flow and gap map of reviews that differ from this one: other controls, a counted search."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from evidence.appraisal import compared, gap_map, search_steps, study_flow
from evidence.figures import catalogue
from evidence.pooling import run_analyses
from evidence.review import load_review
from figure_checks import outside, overlaps, texts

STUDIES = """study,role,design,status,condition,randomised,placebo_controlled
s1,trial,rct_parallel,published,x,true,false
s2,trial,rct_parallel,published,x,true,false
s3,trial,rct_parallel,completed_unpublished,x,true,true
"""
OUTCOMES = """outcome_id,study,intervention_events,intervention_n,control_events,control_n
o1,s1,3,50,6,50
o2,s2,4,50,7,50
o3,s3,6,40,9,40
"""


@pytest.fixture
def review(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "references.bib").write_text("".join(
        f"@article{{s{i}, author={{Ash, A.}}, title={{T{i}}}, journal={{J}}, year={{200{i}}}}}\n"
        for i in (1, 2, 3)), encoding="utf-8")
    files = {"studies": STUDIES, "outcomes": OUTCOMES,
             "analyses": "analysis,title,measure,include\nmain,Events,RR,o1;o2;o3\n",
             "review": "item,value\ntitle,Case\nintervention_label,drug\n"
                       "control_label,usual care\n",
             "figures": "figure,kind,notebook,select,thresholds,message,subtitle,caption\n"
                        "flow,study_flow,01,,,Flow,f,c\ngap,gap_map,01,,,Gaps,g,c\n"}
    for name, text in files.items():
        (tmp_path / "data" / f"{name}.csv").write_text(text, encoding="utf-8")
    return load_review(Path(tmp_path))


def test_a_review_without_a_placebo_counts_its_own_kind_of_trials(review):
    mask, words = compared(review)
    assert words == "randomised trials" and mask.all()
    steps = study_flow(review, run_analyses(review))
    assert [step.n for step in steps] == [3, 3, 3, 3, 3, 3]
    assert steps[4].label == "Randomised trials"


def test_people_come_from_the_outcomes_where_studies_do_not_say(review):
    cells = gap_map(review)
    assert cells["participants"].sum() == 280 and cells["trials"].sum() == 3
    figure = catalogue.build(review, run_analyses(review), "gap").figure()
    assert "280" in texts(figure) and "people in randomised trials" in texts(figure)


def test_studies_that_are_no_trials_are_followed_to_their_analysis(review):
    table = review.table("studies").assign(design="cohort", randomised=False)
    other = replace(review, tables={**review.tables, "studies": table})
    steps = study_flow(other, run_analyses(other))
    assert steps[-1].n == 3 and steps[-1].label == "Studies in at least one analysis"


def test_a_counted_search_stands_before_the_known_records(review):
    assert search_steps(review) == ()
    counts = pd.DataFrame({
        "step": ["identified", "identified", "removed", "screened", "excluded", "assessed",
                 "excluded_full_text"],
        "what": ["MEDLINE", "Embase", "duplicates", "records", "not the question", "reports",
                 "no results"],
        "n": [120, 80, 50, 150, 140, 10, 7],
    })
    searched = replace(review, tables={**review.tables, "search_flow": counts})
    steps = search_steps(searched)
    assert [step.n for step in steps] == [200, 150, 10]
    assert steps[0].left_out == (("duplicates", 50),)
    figure = catalogue.build(searched, run_analyses(searched), "flow")
    canvas = figure.figure()
    shown = " ".join(" ".join(texts(canvas)).split())
    assert "Records identified (MEDLINE 120; Embase 80): 200" in shown
    assert "Leave here: 7 (no results 7)" in shown
    assert overlaps(canvas) == [] and outside(canvas) == []
