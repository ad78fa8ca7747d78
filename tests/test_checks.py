"""Each domain check fires on the row that breaks it and keeps quiet on one that does not."""

from pathlib import Path

import pandas as pd
import pytest

from conftest import edit
from evidence.review.bibliography import Bibliography, Reference
from evidence.review.checks import numbers, plausibility, sources
from evidence.review.checks.context import Context
from evidence.review.dictionary import Dictionary, default_descriptor
from evidence.review.review import load_review

NAN = float("nan")
MD = {"effect_measure": "mean_difference"}
RR = {"effect_measure": "risk_ratio"}
OUTCOME = {
    "outcome_id": "a", "poolable": True, "contrast": "between_arms", "verification": "primary",
}  # fmt: skip
COUNTS = {
    "intervention_events": 3, "intervention_n": 10, "control_events": 5, "control_n": 12,
}  # fmt: skip
MEANS = {
    **MD, "intervention_mean": 45.0, "intervention_sd": 10.0, "intervention_n": 50,
    "control_mean": 50.0, "control_sd": 10.0, "control_n": 50,
}  # fmt: skip
ALL_CHECKS = (
    *numbers.CHECKS, *numbers.PLAN_CHECKS, *plausibility.AGREEMENT, *sources.SOURCE_CHECKS
)


def reference(key: str, **fields: str) -> Reference:
    return Reference(key, "article", (), False, {"title": "T", **fields}, 7)


BIBLIOGRAPHY = Bibliography(
    {
        "good2001": reference("good2001", year="2001"),
        "bad2002": reference("bad2002", retracted="true"),
    }
)


def run(check, table: str, *rows: dict, root: Path = Path("nowhere"), bibliography=BIBLIOGRAPHY):
    """Problems that a check finds in one table of the package's own dictionary."""
    descriptor = default_descriptor()
    if table not in {r["name"] for r in descriptor["resources"]}:
        fields = [{"name": "key", "type": "string", "refersTo": "references.bib"}]
        fields += [{"name": c, "type": "string"} for c in rows[0] if c != "key"]
        descriptor["resources"].append(
            {"name": table, "path": f"{table}.csv", "type": "table", "schema": {"fields": fields}}
        )
    dictionary = Dictionary(descriptor, True, {})
    return list(check(Context(dictionary, {table: pd.DataFrame(rows)}, bibliography, root)))


# check, table, row that breaks it, column that is named, row that does not break it
CASES = {
    "estimate outside its interval": (
        numbers.intervals_bracket, "outcomes",
        {"effect": 5.0, "effect_ci_low": 1.0, "effect_ci_high": 2.0}, "effect",
        {"effect": 1.0, "effect_ci_low": 1.0, "effect_ci_high": 2.0},
    ),
    "limits the wrong way round": (
        numbers.intervals_bracket, "published_pooled",
        {"effect": 1.5, "ci_low": 2.0, "ci_high": 1.0}, "ci_low",
        {"effect": 1.5, "ci_low": 1.0, "ci_high": 2.0},
    ),
    "change outside its interval": (
        numbers.intervals_bracket, "outcomes",
        {"control_change": 5.0, "control_change_ci_low": 1.0, "control_change_ci_high": 2.0},
        "control_change",
        {"control_change": NAN, "control_change_ci_low": 1.0, "control_change_ci_high": 2.0},
    ),
    "people of a study that leads back to itself": (
        numbers.participants_end, "studies", {"study": "a", "participants_of": "a"},
        "participants_of", {"study": "b", "participants_of": "a"},
    ),
    "important effect that is none": (
        numbers.important_effects_exist, "certainty",
        {"important_effect": 0.0, "effect_unit": "points"}, "important_effect",
        {"important_effect": 1.0, "effect_unit": "points"},
    ),
    "important ratio that is one": (
        numbers.important_effects_exist, "certainty",
        {"important_effect": 1.0, "effect_unit": "ratio"}, "important_effect",
        {"important_effect": 0.75, "effect_unit": "ratio"},
    ),
    "important ratio that is not above zero": (
        numbers.important_effects_exist, "certainty",
        {"important_effect": -0.5, "effect_unit": "ratio"}, "important_effect",
        {"important_effect": -0.5, "effect_unit": "sd"},
    ),
    "figure called as a device": (
        numbers.names_make_files, "figures", {"figure": "con"}, "figure", {"figure": "cons"},
    ),
    "code for a missing value": (
        numbers.missing_is_empty, "outcomes", {"intervention_mean": -99.0}, "intervention_mean",
        {"intervention_mean": -9.0},
    ),
    "percentage unlike its counts": (
        plausibility.percentages_fit, "outcomes", {**COUNTS, "control_pct": 50.0}, "control_pct",
        {**COUNTS, "control_pct": 41.7, "intervention_pct": 30.4},
    ),
    "effect far from its arms": (
        plausibility.effects_fit_arms, "outcomes", {**MEANS, "effect": -25.0, "effect_se": 2.0},
        "effect", {**MEANS, "effect": -3.0, "effect_se": 1.5},
    ),
    "standard error far from its arms": (
        plausibility.effects_fit_arms, "outcomes", {**MEANS, "effect": -5.0, "effect_se": 20.0},
        "effect_se", {**MEANS, "effect": -5.0, "effect_se": NAN},
    ),
    "standard error wider than its arms": (
        plausibility.effects_fit_arms, "outcomes", {**MEANS, "effect": -5.0, "effect_se": 2.3},
        "effect_se", {**MEANS, "effect": -5.0, "effect_se": 1.2},
    ),
    "ratio far from its counts": (
        plausibility.effects_fit_arms, "outcomes", {**RR, **COUNTS, "effect": 72.0}, "effect",
        {**RR, **COUNTS, "effect": 0.5},
    ),
    "more people analysed than randomised": (
        plausibility.people_fit, "studies",
        {"study": "b", "n_randomised": 40, "n_analysed": 400}, "n_analysed",
        {"study": "a", "n_randomised": 40, "n_analysed": 40},
    ),
    "ratio below zero": (
        numbers.ratios_positive, "outcomes", {**RR, "effect": -0.5}, "effect",
        {**MD, "effect": -0.5},
    ),
    "limit of a ratio at zero": (
        numbers.ratios_positive, "published_pooled", {**RR, "effect": 0.5, "ci_low": 0.0}, "ci_low",
        {**RR, "effect": 0.5, "ci_low": 0.1},
    ),
    "more events than people": (
        numbers.events_fit, "outcomes", {**COUNTS, "control_events": 13}, "control_events",
        {**COUNTS, "control_events": 12},
    ),
    "more events than people, harms": (
        numbers.events_fit, "harms", {**COUNTS, "control_events": 13, "unit": "participants"},
        "control_events", {**COUNTS, "control_events": 13, "unit": "events"},
    ),
    "standard error against its interval": (
        numbers.standard_errors_agree, "outcomes",
        {**MD, "effect_se": 0.8, "effect_ci_low": -1.0, "effect_ci_high": 1.01}, "effect_se",
        {**MD, "effect_se": 0.53, "effect_ci_low": -1.0, "effect_ci_high": 1.01},
    ),
    "standard error of a ratio": (
        numbers.standard_errors_agree, "outcomes",
        {**RR, "effect_se": 0.6, "effect_ci_low": 0.51, "effect_ci_high": 2.04}, "effect_se",
        {**RR, "effect_se": 0.3537, "effect_ci_low": 0.51, "effect_ci_high": 2.04},
    ),
    "standard error beyond coarse rounding": (
        numbers.standard_errors_agree, "outcomes",
        {**MD, "effect_se": 0.08, "effect_ci_low": 0.2, "effect_ci_high": 0.3}, "effect_se",
        {**MD, "effect_se": 0.04, "effect_ci_low": 0.2, "effect_ci_high": 0.3},
    ),
    "sign against the levels": (
        numbers.direction_agrees, "outcomes",
        {**MD, "effect": 1.0, "intervention_mean": 4.0, "control_mean": 5.0}, "effect",
        {**MD, "effect": -1.0, "intervention_mean": 4.0, "control_mean": 5.0},
    ),
    "sign against the changes": (
        numbers.direction_agrees, "outcomes",
        {**MD, "effect": 1.0, "estimand": "difference in change", "intervention_change": -2.0,
         "control_change": -1.0, "intervention_mean": 5.0, "control_mean": 4.0}, "effect",
        {**MD, "effect": -1.0, "estimand": "difference in change", "intervention_change": -2.0,
         "control_change": -1.0, "intervention_mean": 5.0, "control_mean": 4.0},
    ),
    "sign of a difference in level beside changes": (
        numbers.direction_agrees, "outcomes",
        {**MD, "effect": -1.0, "estimand": "difference in level", "intervention_mean": 5.0,
         "control_mean": 4.0, "intervention_change": -2.0, "control_change": -1.0}, "effect",
        {**MD, "effect": 1.0, "estimand": "difference in level", "intervention_mean": 5.0,
         "control_mean": 4.0, "intervention_change": -2.0, "control_change": -1.0},
    ),
    "ratio against its counts": (
        numbers.direction_agrees, "outcomes", {**RR, **COUNTS, "effect": 1.4}, "effect",
        {**RR, **COUNTS, "effect": 0.7},
    ),
    "percentage points against the percentages": (
        numbers.direction_agrees, "outcomes",
        {"effect_measure": "percent_point_difference", "effect": 5.0, "intervention_pct": 10.0,
         "control_pct": 15.0}, "effect",
        {"effect_measure": "percent_point_difference", "effect": -5.0, "intervention_pct": 10.0,
         "control_pct": 15.0},
    ),
    "favours against the sign": (
        numbers.direction_agrees, "outcomes",
        {**MD, "effect": -1.0, "higher_is": "worse", "favours": "control"}, "favours",
        {**MD, "effect": -1.0, "higher_is": "worse", "favours": "intervention"},
    ),
    "favours against a ratio": (
        numbers.direction_agrees, "outcomes",
        {**RR, "effect": 1.5, "higher_is": "better", "favours": "control"}, "favours",
        {**RR, "effect": 1.5, "higher_is": "better", "favours": "neither"},
    ),
    "direction unknown": (
        numbers.direction_known, "outcomes", {"effect": 1.0, "higher_is": None}, "higher_is",
        {"effect": NAN, "higher_is": None},
    ),
    "mean off its scale": (
        numbers.values_on_scale, "outcomes",
        {"scale_low": 0.0, "scale_high": 10.0, "control_mean": 49.0}, "control_mean",
        {"scale_low": 0.0, "scale_high": 10.0, "control_mean": 4.9},
    ),
    "scale upside down": (
        numbers.values_on_scale, "outcomes",
        {"scale_low": 10.0, "scale_high": 0.0, "control_mean": 5.0}, "scale_low",
        {"scale_low": NAN, "scale_high": 10.0, "control_mean": 5.0},
    ),
    "poolable without numbers": (
        numbers.poolable_has_enough, "outcomes", {**OUTCOME, "effect": 1.0}, "poolable",
        {**OUTCOME, "effect": 1.0, "effect_se": 0.5},
    ),
    "poolable with half a table": (
        numbers.poolable_has_enough, "outcomes", {**OUTCOME, **COUNTS, "control_n": NAN},
        "poolable",
        {**OUTCOME, **COUNTS},
    ),
    "poolable with a p value": (
        numbers.poolable_has_enough, "outcomes",
        {**OUTCOME, "effect": 1.0, "p_value": 0.02, "p_relation": "<"},
        "poolable",
        {**OUTCOME, "effect": 1.0, "p_value": 0.02},
    ),
    "poolable but unverified": (
        numbers.poolable_has_enough, "outcomes",
        {**OUTCOME, **COUNTS, "verification": "unverified"},
        "poolable",
        {**OUTCOME, **COUNTS, "verification": "unverified", "poolable": False},
    ),
    "poolable without control": (
        numbers.poolable_has_enough, "outcomes", {**OUTCOME, "contrast": "within_arm"}, "poolable",
        {**OUTCOME, "contrast": "within_arm", "poolable": False},
    ),
    "sensitivity of nothing": (
        numbers.analyses_fit, "analyses", {"include": "a", "role": "sensitivity", "parent": None},
        "parent", {"include": "a", "role": "sensitivity", "parent": "main"},
    ),
    "outcome named twice": (
        numbers.analyses_fit, "analyses", {"include": "a;b; a"}, "include", {"include": "a;b"},
    ),
    "unknown key": (
        sources.sources_known, "outcomes", {"source": "nobody1999"}, "source",
        {"source": "good2001"},
    ),
    "unknown key in a list": (
        sources.sources_known, "discrepancies", {"studies": "good2001;nobody1999;no1998"},
        "studies", {"studies": "good2001; bad2002"},
    ),
    "unknown citation in an answer": (
        sources.citations_known, "answers",
        {"line": "1", "patient": None, "clinician": "It helps [@good2001; @no2001]."}, "clinician",
        {"line": "1", "patient": None, "clinician": "It helps [@good2001; @bad2002] [@{key}]."},
    ),
    "unknown citation in a caption": (
        sources.citations_known, "figures", {"figure": "f", "caption": "See [@no2001]."},
        "caption", {"figure": "f", "caption": "See [@good2001], mail@no2001.org."},
    ),
    "number without verification": (
        sources.numbers_traceable, "outcomes", {"effect": 1.0, "verification": None},
        "verification", {"effect": NAN, "verification": None},
    ),
    "number without place": (
        sources.numbers_traceable, "harms", {"control_pct": 1.0, "source_where": None},
        "source_where", {"control_pct": 1.0, "source_where": "Table 2"},
    ),
    "number without source": (
        sources.numbers_traceable, "instruments", {"value": 1.0, "source": None}, "source",
        {"value": NAN, "source": None},
    ),
    "pooled although retracted": (
        sources.retracted_supports_nothing, "outcomes",
        {"poolable": True, "source": "bad2002"}, "source",
        {"poolable": False, "source": "bad2002"},
    ),
    "supported by retracted papers only": (
        sources.retracted_supports_nothing, "links", {"stance": "supports", "key": "bad2002"},
        "key", {"stance": "unclear", "key": "bad2002"},
    ),
    "record unlike the reference": (
        sources.reference_tables_agree, "references", {"key": "good2001", "year": 2000},
        "year", {"key": "good2001", "year": 2001},
    ),
}  # fmt: skip


@pytest.mark.parametrize("check, table, broken, column, sound", CASES.values(), ids=CASES)
def test_check(check, table, broken, column, sound):
    assert run(check, table, sound) == []
    found = run(check, table, sound, broken)
    assert [(p.file, p.row, p.column) for p in found] == [(f"data/{table}.csv", 3, column)]
    assert found[0].rule and found[0].advice


def test_an_outcome_that_no_choice_holds_is_a_warning():
    analyses = pd.DataFrame({"analysis": ["pain", "sleep"], "include": ["a; b;c", "d"]})
    choices = pd.DataFrame({
        "analysis": ["pain", "pain", "pain"], "outcome_id": ["a", "b", None],
        "is_main": [True, False, False],
    })
    dictionary = Dictionary(default_descriptor(), True, {})
    found = [
        list(numbers.specifications_fit(Context(dictionary, tables, BIBLIOGRAPHY, Path("nowhere"))))
        for tables in ({"analyses": analyses, "specifications": choices}, {"analyses": analyses},
                       {"analyses": analyses, "specifications": choices.drop(columns="is_main")})
    ]
    assert [(p.row, p.rule, p.is_warning) for p in found[0]] == [
        (2, "b, c is no main option of data/specifications.csv", True)
    ]
    assert found[1] == found[2] == []


def test_every_check_has_a_case():
    apart = {sources.references_used, numbers.specifications_fit, *plausibility.AGREEMENT}
    tested = {case[0] for case in CASES.values()} | apart
    assert tested == set(ALL_CHECKS)


@pytest.mark.parametrize("check", ALL_CHECKS)
def test_absent_columns_are_not_checked(check):
    minimal = {"outcome_id": "a", "study": "good2001"}
    assert all(p.rule == "is never used" for p in run(check, "outcomes", minimal))
    assert run(check, "analyses", {"include": "a"}, bibliography=None) == []


def test_unused_references_are_warnings(tmp_path):
    table = ("outcomes", {"source": "good2001"})
    found = run(sources.references_used, *table, root=tmp_path)
    assert [(p.file, p.row, p.column, p.is_warning) for p in found] == [
        ("references.bib", 7, "bad2002", True)
    ]
    (tmp_path / "notebooks").mkdir()
    notebook = tmp_path / "notebooks" / "a.ipynb"
    notebook.write_text('{"cells": [{"source": ["See [@bad2002]."], "outputs": []}]}')
    assert run(sources.references_used, *table, root=tmp_path) == []
    notebook.write_text("{broken")
    assert len(run(sources.references_used, *table, root=tmp_path)) == 1
    answer = ("answers", {"line": "1", "all": "So it is [@good2001; @bad2002]."})
    assert run(sources.references_used, *answer, root=tmp_path) == []


def test_people_of_an_outcome_are_compared_with_their_study(minimal):
    """Both arms of a parallel trial together, each arm alone elsewhere; a warning."""
    edit(minimal / "data/outcomes.csv", "verification\n", "verification,intervention_n,control_n\n")
    edit(minimal / "data/outcomes.csv", "0.5,true,primary\n", "0.5,true,primary,30,30\n")
    edit(minimal / "data/outcomes.csv", "0.4,true,primary\n", "0.4,true,primary,30,30\n")
    warnings = [w for w in load_review(minimal).warnings if "randomised" in w.rule]
    assert [(w.file, w.row, w.column) for w in warnings] == [
        ("data/outcomes.csv", 2, "intervention_n")
    ]
    edit(minimal / "data/studies.csv", "rct_parallel,40", "rct_crossover,40")
    assert not [w for w in load_review(minimal).warnings if "randomised" in w.rule]


def test_direction_and_source_are_warnings():
    found = run(numbers.direction_known, "outcomes", {"effect": 1.0, "higher_is": None})
    assert found[0].is_warning
    found = run(sources.numbers_traceable, "instruments", {"value": 1.0, "source": None})
    assert found[0].is_warning


def test_one_mistake_is_reported_once():
    row = {**MD, "effect": 1.0, "intervention_mean": 4.0, "control_mean": 5.0,
           "higher_is": "worse", "favours": "intervention"}  # fmt: skip
    assert [p.column for p in run(numbers.direction_agrees, "outcomes", row)] == ["effect"]
    row = {**OUTCOME, "contrast": "within_arm", "verification": "unverified"}
    assert len(run(numbers.poolable_has_enough, "outcomes", row)) == 1
