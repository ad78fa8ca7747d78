"""Risk of bias: the published map, and a table in which every judgement follows from a fact."""

import json
import re
from dataclasses import replace
from html import unescape
from itertools import product

import pandas as pd
import pytest

from conftest import REPOSITORY, edit, write_review
from evidence.appraisal import bias
from evidence.appraisal.rob2 import (
    ANSWERS,
    CROSSOVER,
    DOMAINS,
    HIGH,
    LOW,
    NEVER_NI,
    PARALLEL,
    SOME,
    judge,
    worst,
)
from evidence.cli import main
from evidence.figures import catalogue
from evidence.notebook import Narrator, judged
from evidence.pooling import Analyses
from evidence.review.problems import ReviewError
from evidence.review.review import load_review

METHODS = {
    item["id"]: item
    for item in json.loads((REPOSITORY / "data" / "methods.json").read_text(encoding="utf-8"))
}
TRIALS = (
    "duebruun2024", "rodriguezfreire2026", "younger2013", "tsui2024", "beaudettezlatanova2023",
    "smith2011", "cree2010", "sharafaddinzadeh2010", "bested2023", "depaula2023", "brewer2018",
    "smith2013", "lajevardi2020", "moloney2026",
)  # fmt: skip
GOOD = next(test["input"] for test in METHODS["rob2"]["test_values"]
            if test["name"] == "all favourable")


def published(method):
    """The rules of methods.json in the form of the package, and its checked examples."""
    found = {}
    for rule in METHODS[method]["parameters"]["judgement_rules"]:
        conditions = {question: set(answers) for question, answers in rule["if"].items()}
        found.setdefault(rule["domain"], []).append((conditions, rule["then"]))
    return found


@pytest.mark.parametrize(("maps", "method"), [(PARALLEL, "rob2"), (CROSSOVER, "rob2_crossover")])
def test_the_maps_of_the_package_are_the_published_ones(maps, method):
    own = {
        part: [({q: set(a) for q, a in conditions.items()}, then) for conditions, then in rules]
        for part, rules in maps.items()
    }
    assert own == published(method)


@pytest.mark.parametrize("method", ["rob2", "rob2_crossover"])
def test_the_examples_of_the_methods_file(method):
    for example in METHODS[method]["test_values"]:
        if "input" not in example:
            continue
        judged = judge(example["input"], method == "rob2_crossover")
        assert {item.domain: item.judgement for item in judged} == example["expect"], example


def test_every_complete_set_of_answers_gets_a_judgement_that_grows_no_better_with_doubt():
    questions = ("3.1", "3.2", "3.3", "3.4")
    offered = [ANSWERS if question not in NEVER_NI else ANSWERS[:-1] for question in questions]
    for answers in product(*offered):
        given = GOOD | dict(zip(questions, answers, strict=True))
        judged = {item.domain: item for item in judge(given)}["D3"]
        assert judged.judgement in (LOW, SOME, HIGH)
        assert not (judged.unread and judged.judgement == LOW)
        read = ["PN" if answer == "NI" else answer for answer in answers]
        better = judge(given | dict(zip(questions, read, strict=True)))
        assert judged.unread <= (better[2].domain == "D3" and better[2].judgement != HIGH)


def test_an_unread_trial_is_never_low():
    unread = dict.fromkeys(
        ("1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "2.6", "2.7", "3.1", "3.3", "3.4",
         "4.1", "4.2", "4.3", "4.4", "4.5", "5.1", "5.2", "5.3"), "NI",
    ) | {"3.2": "PN"}  # fmt: skip
    judged = judge(unread)
    assert {item.domain: item.judgement for item in judged} == {
        "D1": SOME, "D2": HIGH, "D3": HIGH, "D4": HIGH, "D5": SOME, "overall": HIGH,
    }
    assert all(item.unread for item in judged)


def test_what_is_high_for_a_fault_is_not_called_unread():
    judged = judge(GOOD | {"1.2": "N", "3.1": "NI", "3.2": "PN", "3.3": "NI", "3.4": "NI"})
    by_domain = {item.domain: item for item in judged}
    assert by_domain["D3"].unread and not by_domain["overall"].unread


def test_the_worst_domain_decides():
    assert worst([LOW, SOME]) == SOME
    assert worst([SOME, HIGH, LOW]) == HIGH
    assert judge(GOOD | {"5.1": "NI"})[-1].judgement == SOME


@pytest.mark.parametrize("answers", [
    GOOD | {"9.9": "Y"}, GOOD | {"3.1": "N", "3.2": "NI"}, GOOD | {"1.1": "maybe"},
    GOOD | {"S.1": "Y"},
    {q: a for q, a in GOOD.items() if q != "1.2"},
])  # fmt: skip
def test_unknown_questions_unknown_answers_and_missing_ones_are_refused(answers):
    with pytest.raises(ValueError):
        judge(answers)


def test_the_named_trials_are_judged_and_none_is_low(review):
    table = bias.judgements(review)
    assert set(TRIALS) <= set(table["study"])
    assert LOW not in set(bias.overall(review).values())


def test_the_written_table_follows_from_the_answers_and_every_row_has_a_reason(review):
    assert bias.disagreements(review) == []
    table = bias.risk_of_bias(review)
    assert table["reason"].notna().all()
    assert len(table) + len(bias.statements(review)) == len(review.table("risk_of_bias"))


def test_each_placebo_controlled_trial_with_results_is_judged_by_the_map_alone(review):
    placebo = review.table("studies").query("randomised and placebo_controlled")
    placebo = placebo[(placebo["status"] == "published") & placebo["participants_of"].isna()]
    assert set(placebo["study"]) == set(bias.judgements(review)["study"])
    written = review.table("risk_of_bias")
    judged = written[written["domain"] != "statement"]
    assert (judged["algorithm"] == judged["judgement"]).all()


def test_no_answer_counts_missing_people_twice_or_calls_lost_precision_a_bias(review):
    answers = review.table("bias_answers").set_index(["outcome_id", "question"])
    for outcome_id in ("cree2010-mcs-w8-se", "smith2011-response70-w12",
                       "smith2011-endoresponse-w12", "sharafaddinzadeh2010-qol-w17"):
        assert answers.loc[(outcome_id, "2.7"), "answer"] == "PN"
    assert "NI" not in set(answers.xs("3.2", level="question")["answer"])


def test_every_answer_but_no_information_rests_on_a_fact_that_was_read(review):
    answers = review.table("bias_answers")
    facts = review.table("bias_facts").set_index(["study", "domain", "topic"])
    unproven = (answers["question"] == "3.2") & (answers["answer"] == "PN")
    for row in answers[(answers["answer"] != "NI") & ~unproven].itertuples():
        fact = facts.loc[(row.study, row.fact_domain, row.fact_topic)]
        assert fact["verification"] != "unverified", row
        assert fact["fact"] != "not stated in what was read", row


def test_domain_s_is_judged_for_crossover_trials_only_and_marked(review):
    table = bias.judgements(review)
    crossovers = set(table.loc[table["crossover"], "study"])
    assert set(table.loc[table["domain"] == "DS", "study"]) == crossovers
    assert table.loc[table["domain"] == "DS", "unverified"].all()
    assert not table.loc[~table["domain"].isin(["DS", "overall"]), "unverified"].any()
    assert set(table["domain"]) == {*DOMAINS, "overall"}


def test_single_arm_studies_have_words_and_no_score(review):
    words = bias.statements(review)
    assert {"parkitny2017", "younger2009", "smith2007", "lie2018", "dieckmann2021"} == set(
        words["study"]
    )
    written = review.table("risk_of_bias")
    assert written.loc[written["domain"] == "statement", "judgement"].isna().all()


def test_the_sensitivity_analysis_holds_what_the_judgements_leave(review):
    include = review.table("analyses").set_index("analysis")["include"]
    judged = bias.overall(review)
    kept = [item for item in include["fm_pain"].split(";") if judged.get(item, HIGH) != HIGH]
    assert include["fm_pain_not_high"].split(";") == kept


def test_a_changed_answer_shows_as_a_disagreement_and_a_wrong_one_has_its_line(review):
    answers = review.table("bias_answers")
    row = answers.index[answers["question"] == "1.2"][0]
    answers.loc[row, "answer"] = "N"
    changed = replace(review, tables={**review.tables, "bias_answers": answers})
    assert bias.overall(changed)[answers.loc[row, "outcome_id"]] == HIGH
    assert {problem.column for problem in bias.disagreements(changed)} >= {"judgement"}
    answers.loc[row, "question"] = "7.1"
    with pytest.raises(ReviewError, match=r"bias_answers.csv:\d+ answer"):
        bias.judgements(replace(review, tables={**review.tables, "bias_answers": answers}))


def test_facts_stand_beside_their_answers(review):
    table = bias.evidence_of_answers(review, "younger2013-pain-w12-nrs")
    timing = table.set_index("question").loc["S.3"]
    assert "four weeks" in timing["fact"]
    assert pd.notna(timing["source"])


def test_only_the_answers_are_needed(minimal, capsys):
    edit(minimal / "data" / "studies.csv", "condition,design", "condition,plan")
    lines = [f"abel2001,abel2001-warmth,{question},{answer}" for question, answer in GOOD.items()]
    (minimal / "data" / "bias_answers.csv").write_text(
        "\n".join(["study,outcome_id,question,answer", *lines, ""])
    )
    review = load_review(minimal)
    assert bias.overall(review) == {"abel2001-warmth": LOW}
    table = bias.evidence_of_answers(review, "abel2001-warmth")
    assert list(table["question"]) == list(GOOD) and table["fact"].isna().all()
    assert bias.disagreements(review) == [] and bias.statements(review).empty
    assert main(["status", str(minimal)]) == 0
    assert "Next:" in capsys.readouterr().out


def test_judgements_of_another_tool_are_shown_page_by_page(tmp_path):
    keys = [f"s{number:02d}" for number in range(20)]
    words = ["low", "moderate", "serious", "critical", "no information"]
    root = write_review(tmp_path / "robins", {
        "references.bib": "".join(
            f"@misc{{{key}, title = {{T}}, author = {{{key}, A}}}}\n" for key in keys),
        "data/studies.csv": "study\n" + "\n".join(keys) + "\n",
        "data/outcomes.csv": "study,effect,effect_se\n" + "".join(
            f"{key},1,0.5\n" for key in keys),
        "data/analyses.csv": "analysis,measure,include\nmain,GEN,s00;s01;s02\n",
        "data/risk_of_bias.csv": "study,domain,judgement\n" + "".join(
            f"{key},{domain},{words[(number + place) % 5]}\n"
            for number, key in enumerate(keys)
            for place, domain in enumerate(("Confounding", "Selection of people", "Overall"))),
        "data/figures.csv": "figure,kind,message\nrob,risk_of_bias,Judgements\n",
    })
    review = load_review(root)
    figure = catalogue.build(review, Analyses(review), "rob")
    pages = figure.figures("slide")
    assert len(pages) == 2 and len(figure.figures("notebook")) == 1
    for number, page in enumerate(pages):
        shown = [text.get_text() for ax in page.axes for text in ax.texts]
        assert sum(text.startswith("s") and text[1:3].isdigit() for text in shown) == 10
        assert {"1", "2", "Overall", "critical"} <= set(shown), number
    assert bias.by_study(review)["s00"] == "high"


def test_judgements_lead_from_a_figure_to_the_reasons_in_words(review):
    pools = Analyses(review)
    spec = catalogue.specs(review)["fm_pain_forest"]
    found = judged.behind(review, pools, spec)
    assert [words.rpartition(": ")[2] for words, _ in found] == ["some concerns", "high", "high"]
    assert judged.place(review) == "06_evidence_gaps"
    text = str(Narrator(review).judgements())
    assert all(f'id="{bias.anchor(outcome)}"' in text for _, outcome in found)
    said = str(Narrator(review).caption("fm_pain_forest"))  # JupyterLab opens others at their top
    for _, outcome in found:
        for reason in judged.reasons(review, outcome)["reason"]:
            assert reason in unescape(said), reason
    assert "no information" in text and not re.search(r">\s*(NI|PY|PN|D\d)\b", text)
