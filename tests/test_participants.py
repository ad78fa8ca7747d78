"""Participants are counted once, and every part of the package counts them alike."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import edit, problems_of
from evidence.appraisal.census import census
from evidence.appraisal.flow import study_flow
from evidence.appraisal.gaps import gap_map, root_people
from evidence.chapters.dosing.schedules import trial_lengths
from evidence.pooling.analyses import run_analyses
from evidence.review.review import load_review
from evidence.review.studies import circles, counts_own, people, roots

NAN = np.nan


def studies(**parents) -> pd.DataFrame:
    return pd.DataFrame({"study": list(parents), "participants_of": list(parents.values())})


@pytest.mark.parametrize(("table", "expected"), [
    (studies(a=NAN, b="a", c=NAN), ["a", "a", "c"]),
    (studies(c="b", b="a", a=NAN), ["a", "a", "a"]),
    (studies(b="elsewhere", c="elsewhere", d=NAN), ["b", "b", "d"]),
    (studies(a="b", b="a", c="a", d="d"), ["a", "a", "a", "d"]),
    (studies(a=NAN, b=NAN).drop(columns="participants_of"), ["a", "b"]),
])
def test_the_root_is_the_end_of_the_chain(table, expected):
    assert roots(table).tolist() == expected
    named = table.set_index("study")
    assert roots(named).to_dict() == dict(zip(table["study"], expected, strict=True))
    assert counts_own(named).sum() == len(set(expected))


names = st.sampled_from(["a", "b", "c", "d", "e"])


@given(st.dictionaries(names, st.one_of(st.none(), names)))
def test_each_group_of_people_has_one_root_that_counts_them(parents):
    table = studies(**{name: NAN if of is None else of for name, of in parents.items()})
    found = roots(table)
    assert set(found) <= set(table["study"])
    assert found.map(found.set_axis(table["study"])).tolist() == found.tolist()
    for name, of in parents.items():
        if of in parents:
            owner = dict(zip(table["study"], found, strict=True))
            assert owner[name] == owner[of]


def test_circles_are_found_and_what_leads_into_them_is_not():
    assert circles(studies(a="b", b="a", c="a", d="d", e=NAN)) == {
        "a": ("a", "b"), "b": ("b", "a"), "d": ("d",)
    }


@pytest.mark.parametrize(("parents", "rows"), [
    (("cole2005", "abel2001"), [2, 3]), (("abel2001", ""), [2]), (("cole2005", ""), []),
])
def test_check_names_a_circle(minimal, parents, rows):
    path = minimal / "data" / "studies.csv"
    edit(path, "n_randomised", "n_randomised,participants_of")
    for number, parent in zip(("40", "60"), parents, strict=True):
        edit(path, f"parallel,{number}", f"parallel,{number},{parent}")
    found = problems_of(minimal)
    assert [(p.file, p.row, p.column) for p in found] == [
        ("data/studies.csv", row, "participants_of") for row in rows
    ]
    assert all("leads back to the study itself: abel2001" in p.rule for p in found[:1])


def test_every_part_counts_the_people_of_a_chain_once(review):
    table = review.table("studies").set_index("study", drop=False)
    chain = ["nielsen2026", "duebruun2025", "duebruun2024"]
    table.loc[chain[:-1], "participants_of"] = chain[1:]
    linked = replace(review, tables={**review.tables, "studies": table.reset_index(drop=True)})
    assert root_people(linked).loc[chain, "root"].tolist() == ["duebruun2024"] * 3
    assert census(linked).participants == census(review).participants
    assert gap_map(linked).equals(gap_map(review))
    analyses = run_analyses(review)
    assert [step.n for step in study_flow(linked, analyses)] == [
        step.n for step in study_flow(review, analyses)
    ]
    assert trial_lengths(linked).equals(trial_lengths(review))
    part = table.loc[chain[:2]]
    assert people(part).tolist() == [table.loc["nielsen2026", "n_analysed"], 0]


def test_a_report_whose_trial_is_no_primary_study_counts_its_people(minimal):
    path = minimal / "data" / "studies.csv"
    edit(path, "n_randomised", "n_randomised,participants_of")
    edit(path, "abel2001,cold_feet,rct_parallel,40", "abel2001,cold_feet,narrative_review,40,")
    edit(path, "parallel,60", "parallel,60,abel2001")
    counted = load_review(minimal)
    assert census(counted).participants == 60
    assert root_people(counted)[["root", "people"]].to_numpy().tolist() == [["cole2005", 60]]
