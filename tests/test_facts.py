"""Counts, recomputed here from the files without the package."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from evidence.appraisal.census import awaiting, census, pico
from evidence.wording.facts import Facts

ROOT = Path(__file__).parents[1]
SECONDARY = {"systematic_review", "meta_analysis", "narrative_review", "not_applicable",
             "laboratory"}


@pytest.fixture(scope="module")
def rows():
    def read(name):
        with (ROOT / "data" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    return read


def test_census_counts_studies_and_people_once(review, rows):
    primary = [r for r in rows("studies") if r["design"] not in SECONDARY
               and r["role"] not in ("review", "meta_analysis", "label")]
    placebo = [r for r in primary if r["status"] == "published" and r["randomised"] == "true"
               and r["placebo_controlled"] == "true" and not r["participants_of"]]
    counted = census(review)
    assert counted.studies == len(primary)
    assert counted.placebo_controlled == len(placebo)
    assert counted.placebo_participants == sum(
        int(r["n_analysed"] or r["n_randomised"] or 0) for r in placebo
    )


def test_what_does_not_state_randomisation_counts_as_neither(review, rows):
    unstated = [r for r in rows("studies") if r["status"] == "published" and not r["randomised"]
                and r["placebo_controlled"] == "true"]
    counted = census(review)
    assert counted.not_stated == len(unstated) == 3
    studies = review.table("studies")
    studies.loc[studies["study"] == unstated[0]["study"], "randomised"] = True
    changed = census(replace(review, tables={**review.tables, "studies": studies}))
    assert changed.not_stated == counted.not_stated - 1
    assert changed.placebo_controlled == counted.placebo_controlled + 1


def test_census_counts_trials_without_a_number_for_their_contrast(review, rows):
    placebo = {r["study"] for r in rows("studies") if r["status"] == "published"
               and r["randomised"] == "true" and r["placebo_controlled"] == "true"}
    owner = {r["study"]: r["participants_of"] or r["study"] for r in rows("studies")}
    told = {
        owner[r["study"]] for r in rows("outcomes") if r["contrast"] != "within_arm"
        and r["verification"] != "unverified"
        and (r["effect"] or r["p_value"] or (r["intervention_events"] and r["control_events"]))
    }
    expected = {owner[study] for study in placebo} - told
    assert census(review).without_contrast == len(expected) == 4


def test_census_counts_verification_levels(review, rows):
    counted = census(review)
    for table in ("outcomes", "harms", "claims"):
        for level in ("primary", "secondary", "derived", "unverified"):
            expected = sum(r["verification"] == level for r in rows(table))
            assert counted.values.loc[table, level] == expected
    assert counted.total_values == counted.values.to_numpy().sum()


def test_facts_reach_rows_by_their_id(review):
    facts = Facts(review, {})
    row = facts["outcomes"]["parkitny2017-pain-w8"]
    assert (row.intervention_change_pct, row.intervention_n) == (-15, 8)
    assert "No" not in facts["review"].question
    with pytest.raises(AttributeError):
        row.nothing  # noqa: B018


def test_question_and_open_ends(review):
    assert list(pico(review)["Part"]) == [
        "Question", "Population", "Intervention", "Comparison", "Outcomes"
    ]
    assert awaiting(review)["Number"].min() > 0
