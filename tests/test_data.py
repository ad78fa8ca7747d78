"""The data of this review: unchanged against the evidence tables, whole, and in agreement."""

import os
import re
from pathlib import Path

import pandas as pd
import pytest
from bibtexparser.middlewares.names import split_multiple_persons_names

from conftest import REPOSITORY

EVIDENCE = Path(os.environ.get("EVIDENCE_TABLES", REPOSITORY.parent / "shared" / "evidence"))
OURS = {"analyses", "answers", "figures"}  # tables that this project adds
KEYS = {  # keys of changes.csv that join more than the first column
    "bias_facts": ["study", "domain", "topic"], "bias_answers": ["outcome_id", "question"],
    "guidelines": ["body"],
}
NOT_TABLES = {"dictionary.csv", "changes.csv"}  # of the evidence, about its tables
REFERENCE_TABLES = ("references", "references_mechanism", "references_methods")


def texts(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")


def evidence_tables() -> list[Path]:
    return sorted(path for path in EVIDENCE.glob("*.csv") if path.name not in NOT_TABLES)


@pytest.fixture
def evidence() -> Path:
    if not evidence_tables():
        pytest.skip(f"no evidence tables in {EVIDENCE}: set EVIDENCE_TABLES to compare with them")
    return EVIDENCE


def test_every_cell_is_that_of_the_evidence_tables(evidence):
    different = []
    for path in evidence_tables():
        there, here = texts(path), texts(REPOSITORY / "data" / path.name)
        there.columns = there.columns.str.replace(r"^ldn_", "intervention_", regex=True)
        if path.name == "review.csv":  # the project adds items of its own
            here = here[here["item"].isin(there["item"])].reset_index(drop=True)
        assert list(here) == list(there), path.name
        assert len(here) == len(there), path.name
        for column in there:
            expected, found = there[column], here[column]
            different += [
                f"{path.name}:{row + 2} {column}: {found[row]!r}, not {expected[row]!r}"
                for row in there.index[expected != found]
            ]
    assert different == []


def test_every_change_of_the_evidence_is_carried_over(evidence):
    """Cell by cell, also in the tables that the project made (the answer's lines aside)."""
    missing = []
    for row in texts(evidence / "changes.csv").to_dict("records"):
        if row["table"] in ("dictionary", "answers"):
            continue
        here = texts(REPOSITORY / "data" / f"{row['table']}.csv")
        keys = KEYS.get(row["table"], list(here)[:1])
        names = here[keys].agg("/".join, axis=1)
        found = here[names == row["id"]]
        column = row["column"].replace("ldn_", "intervention_")
        is_there = len(found) == 1 and (
            column == "(new row)" or found[column].item() == row["new"]
        )
        if not is_there:
            missing.append(f"{row['table']} {row['id']} {column}")
    assert missing == []


def test_every_evidence_file_is_here(evidence):
    names = {path.name for path in evidence_tables()} | {"methods.json"}
    assert names <= {path.name for path in (REPOSITORY / "data").iterdir()}
    assert (evidence / "methods.json").read_bytes() == (
        REPOSITORY / "data" / "methods.json"
    ).read_bytes()


def test_tables_count_as_many_rows_as_their_readme_says(evidence):
    counted = {}
    for readme in evidence.glob("README*.md"):
        lines = readme.read_text(encoding="utf-8")
        counted |= dict(re.findall(r"^\| `(\w+)\.csv` \| (\d+) \|", lines, re.MULTILINE))
    assert len(counted) >= 20
    changes = texts(evidence / "changes.csv")
    added = changes.loc[changes["column"] == "(new row)", "table"].value_counts()
    for name, rows in counted.items():  # the README counts the state before the changes
        here = len(texts(REPOSITORY / "data" / f"{name}.csv"))
        assert here == int(rows) + added.get(name, 0), name


def test_poolable_rows_are_those_that_the_readme_counts(review):
    outcomes = review.table("outcomes")
    pooled = outcomes[outcomes["poolable"]]
    assert pooled["pool_role"].value_counts().to_dict() == {"main": 21, "sensitivity": 11}
    assert outcomes.loc[~outcomes["poolable"], "pool_role"].isna().all()
    if evidence_tables():
        readme = (EVIDENCE / "README.md").read_text(encoding="utf-8")
        numbers = re.search(r"(\d+) rows are poolable: (\d+) `main`, (\d+) `sens", readme)
        new = {row["id"] for row in texts(EVIDENCE / "changes.csv").to_dict("records")
               if row["column"] == "(new row)"}
        before = pooled[~pooled["outcome_id"].isin(new)]
        assert [int(number) for number in numbers.groups()] == [len(before), 21, 10]


def test_pooled_rows_in_the_readme_agree(review, evidence):
    """The rows that the evidence README prints are the poolable rows of the table."""
    readme = (evidence / "README.md").read_text(encoding="utf-8")
    section = readme.split("| poolable row |")[1].split("\n\n")[0]
    printed = re.findall(r"^\| `([\w-]+)` \| (\w+) \| (\w+) \| (\S+) \| (\S+) \|", section, re.M)
    outcomes = review.table("outcomes").set_index("outcome_id")
    for name, role, measure, effect, error in printed:
        row = outcomes.loc[name]
        assert row["poolable"]
        assert (row["pool_role"], row["effect_measure"]) == (role, measure)
        assert (row["effect"], row["effect_se"]) == (float(effect), float(error))
    named = set(re.findall(r"`([\w-]+)`", readme.split("31 rows are poolable")[1].split("\n")[0]))
    stated = "beaudettezlatanova2023-interference-w8-sd"  # poolable by warning 6, in no analysis
    assert f"`{stated}` could" in readme
    listed = {row[0] for row in printed} | (named & set(outcomes.index)) | {stated}
    assert listed == set(outcomes.index[outcomes["poolable"]])


def test_each_table_is_described(review):
    files = {path.name for path in (REPOSITORY / "data").glob("*.csv")}
    assert files <= {resource["path"] for resource in review.dictionary.tables.values()}


def test_references_hold_every_record_and_are_sorted(review):
    keys = list(review.bibliography)
    assert keys == sorted(keys, key=str.lower)
    recorded = pd.concat([review.table(name) for name in REFERENCE_TABLES])
    assert recorded["key"].is_unique
    assert set(recorded["key"]) <= set(keys)
    extra = set(keys) - set(recorded["key"])
    assert all(review.bibliography[key].kind == "misc" for key in extra)
    assert all(review.bibliography[key]["registry"] for key in extra)


@pytest.mark.parametrize("name", REFERENCE_TABLES)
def test_references_agree_with_their_records(review, name):
    pairs = {
        "title": "title", "year": "year", "volume": "volume", "number": "number", "pages": "pages",
        "doi": "doi", "pmid": "pmid", "pmcid": "pmcid", "registry_id": "registry", "url": "url",
        "fields_unverified": "unverified", "note": "note", "retraction_note": "retraction",
    }  # fmt: skip
    for record in texts(REPOSITORY / "data" / f"{name}.csv").to_dict("records"):
        reference = review.bibliography[record["key"]]
        for column, field in pairs.items():
            if column in ("note", "retraction_note") and not reference[field]:
                continue
            if column in record:
                assert comparable(reference[field]) == comparable(record[column]), record["key"]
        journal = reference["journal"] or reference["booktitle"]
        assert comparable(journal) == comparable(record["journal"]), record["key"]
        assert reference.is_retracted == (record.get("retracted") == "true")
        authors = split_multiple_persons_names(record["author"])
        authors = [author for author in authors if author and author != "others"]
        assert len(reference.authors) == len(authors), record["key"]
        assert reference.others == record["author"].endswith("and others")


def comparable(text: str) -> str:
    return text.replace("--", "-").replace("–", "-").replace("\\", "")


def test_only_registry_records_and_known_gaps_lack_a_link(review):
    without = {r.key for r in review.bibliography.references.values() if not r.link}
    for key in without:
        reference = review.bibliography[key]
        assert reference["registry"] or reference["pmcid"] or reference["note"] or (
            any(warning.column == key for warning in review.warnings)
        ), key


def test_no_retracted_paper_behind_a_supporting_link(review):
    edges = review.table("mechanism_edges")
    assert (edges.loc[edges["retracted"], "stance"] == "unclear").all()
    assert review.bibliography["wang2008flna"].is_retracted


def test_tables_of_the_project_itself(review):
    assert set(review.tables) - {path.stem for path in evidence_tables()} >= OURS


def test_blood_and_organ_are_never_named_one_without_the_other():
    answers = texts(REPOSITORY / "data" / "answers.csv")
    verdict = answers.set_index("title").loc["Inflammation", "verdict"]
    assert "blood" in verdict and "organ" in verdict
    assert not answers.apply(lambda column: column.str.contains("earlier week")).any(axis=None)


def test_not_verifiable_means_one_thing(review):
    figures = texts(REPOSITORY / "data" / "figures.csv").set_index("figure")
    notebook = (REPOSITORY / "notebooks" / "05_claims_audit.ipynb").read_text(encoding="utf-8")
    columns = review.dictionary.tables["claims"]["schema"]["fields"]
    described = next(c["description"] for c in columns if c["name"] == "citation_verdict")
    for text in (figures.loc["claims_audit", "caption"], notebook, described):
        words = " ".join(text.replace("\\n\",", " ").replace('"', " ").split())
        assert "not found in what was read of the cited source or" in words
        assert "where none is cited, of any source" in words
