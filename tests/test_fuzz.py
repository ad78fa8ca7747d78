"""Files damaged in the ways that people and programs damage them, at length.

Each run ends in a listed problem, or in success with equal results. A cell that was emptied is
"not reported", which no program can tell from a value that never was; then the number may be
missing, and a pool that moves says so in its own record (rows left out, source of the effect,
estimator). Everything else that was read must be as before.

EVIDENCE_FUZZ=10000 runs as many cases with fresh seeds; the usual run is the same each time.
"""

import json
import os
import warnings
from dataclasses import dataclass, field
from functools import lru_cache
from io import StringIO
from pathlib import Path
from random import Random

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

import damage
import generated
from evidence.pooling.analyses import run_analyses
from evidence.project.derived import POOLED, derived_texts
from evidence.project.status import review_status
from evidence.publish.dictionary_page import dictionary_readme
from evidence.review.dictionary import default_descriptor
from evidence.review.problems import Problem, ReviewError
from evidence.review.review import load_review
from evidence.review.schema import names as as_list

CASES = int(os.environ.get("EVIDENCE_FUZZ", 320))
SHARES = {"csv": 0.3, "json": 0.2, "bib": 0.1}  # of each test; csv and bib run on two reviews
BY_HAND = "EVIDENCE_FUZZ" in os.environ
DOMAINS = ("pain", "crp", "response")
TABLES = {
    "condition_groups": "condition,condition_group\ncondition_00,Été\n",
    "domain_groups": "domain,domain_group\n" + "".join(f"{d},Größe\n" for d in DOMAINS),
    "harms": "harm_id,study,event,unit,intervention_n,intervention_events,control_n,control_events,"
             "verification\n",
}
EFFECTS = "data/derived/effects.csv"


def fuzz(kind):
    return settings(
        max_examples=round(CASES * SHARES[kind]), deadline=None, database=None,
        derandomize=not BY_HAND, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


@dataclass(frozen=True, repr=False)
class Reading:
    """What a review says: its tables, references, derived tables and problems."""

    tables: dict
    references: dict
    derived: dict
    remarks: frozenset
    problems: tuple = ()
    is_refused: bool = False


@dataclass(frozen=True, eq=False)
class Sample:
    """A sound review: its folder, the content of its files and what it says."""

    root: Path
    files: dict = field(repr=False)
    before: Reading


def read(root):
    """Read, check and analyse as the commands do; anything but a listed problem is raised."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            review = load_review(root)
            results = run_analyses(review)
            list(review_status(review, results))
            dictionary_readme(review.dictionary)
            derived = derived_texts(results)
    except ReviewError as error:
        return Reading({}, {}, {}, frozenset(), error.problems, True)
    references = review.bibliography.references
    return Reading(
        {name: review.table(name) for name in review.tables},
        {key: (r.authors, dict(r.fields), r.kind) for key, r in references.items()},
        derived, frozenset(map(str, review.warnings)),
    )  # fmt: skip


@pytest.fixture(scope="module", params=[False, True], ids=["own dictionary", "default"])
def whole(request, tmp_path_factory):
    """A sound review, its files and what it says; with its own dictionary or without."""
    files = generated.files(4, domains=DOMAINS)
    files |= {f"data/{name}.csv": text for name, text in TABLES.items()}
    key = next(line.split(",")[0] for line in files["data/studies.csv"].splitlines()[1:])
    files["data/harms.csv"] += f"{key}-nausea,{key},nausea,participants,50,9,50,3,primary\n"
    files["data/analyses.csv"] = files["data/analyses.csv"].replace("REML", "DL", 2)
    if not request.param:
        files["data/datapackage.json"] = dictionary(files)
    return sample(tmp_path_factory.mktemp("whole"), files)


def sample(root, files):
    before = read(generated.write(root, files))
    assert not before.is_refused and before.derived, before.problems
    return Sample(root, {name: text.encode("utf-8") for name, text in files.items()}, before)


def dictionary(files):
    """The package's own dictionary, narrowed to the tables and columns of these files."""
    package = default_descriptor()
    here = {name[5:-4]: text.split("\n")[0].split(",") for name, text in files.items()
            if name.endswith(".csv")}
    package["resources"] = [r for r in package["resources"] if r["name"] in here]
    for resource in package["resources"]:
        schema = resource["schema"]
        schema["fieldsMatch"] = "equal"
        columns = here[resource["name"]]
        schema["fields"] = [f for f in schema["fields"] if f["name"] in columns]
        schema["foreignKeys"] = [
            key for key in schema.get("foreignKeys", [])
            if (key["reference"].get("resource") or resource["name"]) in here
            and set(as_list(key["fields"])) <= set(columns)
        ]
    return json.dumps(package, indent=1, ensure_ascii=False)


def check(whole, file, names, seed):
    """Damage one file of the review and compare what it says with what it said."""
    files, before = whole.files, whole.before
    kinds = {"csv": damage.CSV, "json": damage.JSON, "bib": damage.BIB}[file.rpartition(".")[2]]
    content, random = files[file], Random(seed)
    try:
        for name in names:
            content = kinds[name](random, content)
    except (ValueError, IndexError):
        return  # the second damage cannot be done to what the first has left
    after = before if content == files[file] else read_with(whole, file, content)
    follows = INFERRED if "data/datapackage.json" not in files else ()
    compare(before, after, file, set(names), follows)


@lru_cache(maxsize=256)  # several damages do the same to a small file
def read_with(whole, file, content):
    """What the review says with another content of one of its files."""
    (whole.root / file).write_bytes(content)
    try:
        return read(whole.root)
    finally:
        (whole.root / file).write_bytes(whole.files[file])


INFERRED = ("verification", "contrast", "poolable", "n_analysed")  # without an own dictionary


def compare(before, after, file, names, follows=()):
    if after.is_refused:
        assert after.problems and all(isinstance(p, Problem) and p.rule for p in after.problems)
        assert len(set(map(str, after.problems))) == len(after.problems)
        return
    if any(remark.startswith(file) for remark in after.remarks - before.remarks):
        return
    may_blank, may_reword = names & damage.BLANK, names & damage.TEXT
    for name, table in before.tables.items():
        if name not in after.tables:
            assert file.endswith(".json") and name not in ("outcomes", "studies", "analyses")
            continue
        same_cells(table, after.tables[name], may_blank, may_reword, follows)
    assert set(before.references) == set(after.references)
    if not may_reword:
        assert before.references == after.references
    if may_blank:
        same_or_recorded(before.derived, after.derived)
    else:
        assert before.derived == after.derived


def same_cells(before, after, may_blank, may_reword, follows):
    if before.equals(after):
        return
    assert set(before) <= set(after), "columns"  # a dictionary may allow more
    assert list(before.index) == list(after.index), "rows"
    for column in before:
        if may_blank and column in follows:  # what is empty is read from its neighbours
            continue
        is_text = pd.api.types.is_string_dtype(before[column])
        one, other = (frame[column].astype(object) for frame in (before, after))
        lost = other.isna() & one.notna() if may_blank else pd.Series(False, one.index)
        differ = ~((one == other).fillna(False) | (one.isna() & other.isna()) | lost)
        assert not differ.any() or (is_text and may_reword), (column, one[differ], other[differ])


def same_or_recorded(before, after):
    """An estimate that moves has lost a row, changed its source or its estimator, and says so."""
    old, new = (pd.read_csv(StringIO(d[POOLED]), index_col=[0, 5]) for d in (before, after))
    was, now = (pd.read_csv(StringIO(d[EFFECTS]), index_col=[0, 1]) for d in (before, after))
    assert list(old.index) == list(new.index)
    for key in old.index:
        if old.loc[key].equals(new.loc[key]):
            continue
        record = ["k", "n", "tau2_method", "excluded"]
        said = not old.loc[key, record].equals(new.loc[key, record])
        rows = ["derived_from", "reason"]
        one, other = (t.loc[key[0], rows] for t in (was, now))
        assert said or not one.equals(other), (key, old.loc[key], new.loc[key])


def damages(kinds):
    return st.lists(st.sampled_from(sorted(kinds)), min_size=1, max_size=2, unique=True)


SEEDS = st.integers(0, 2**32 - 1)
CSV_FILES = ("outcomes", "outcomes", "outcomes", "studies", "analyses", "harms", "review",
             "domain_groups")  # fmt: skip


@fuzz("csv")
@example("domain_groups", ["header again", "column twice"], 186754)
@given(st.sampled_from(CSV_FILES), damages(damage.CSV), SEEDS)
def test_damaged_tables(whole, table, names, seed):
    check(whole, f"data/{table}.csv", names, seed)


@fuzz("bib")
@given(damages(damage.BIB), SEEDS)
def test_damaged_references(whole, names, seed):
    check(whole, "references.bib", names, seed)


@fuzz("json")
@example(["other type", "byte order mark"], 12289)  # true or false
@example(["value taken out"], 4347972)  # what an empty cell is read as
@given(damages(damage.JSON), SEEDS)
def test_damaged_dictionary(whole, names, seed):
    if "data/datapackage.json" not in whole.files:
        pytest.skip("has none")
    check(whole, "data/datapackage.json", names, seed)
