"""What counts as changed: every input, by the name under which it is read."""

import json
import shutil

import pytest

import evidence as ev
from evidence.project import freshness
from evidence.project.freshness import Inputs, inputs
from evidence.project.seen import seen, unchanged
from evidence.review.dictionary import default_descriptor
from evidence.review.review import Reads, load_review, made_once, noted
from evidence.wording import Facts, fill
from sample_review import edit, write_sample

FIGURE = "figure:studies"


@pytest.fixture
def sample(tmp_path):
    return write_sample(tmp_path / "sample")


@pytest.fixture
def renamed(sample):
    """The sample with a dictionary of its own, in which two tables lie in files of other names."""
    paths = {"outcomes": "results.csv", "figures": "pictures.csv"}
    data, descriptor = sample / "data", default_descriptor()
    kept = [r for r in descriptor["resources"] if (data / r["path"]).exists()]
    for resource in kept:
        resource["schema"]["foreignKeys"] = []
        for field in resource["schema"]["fields"]:
            field.pop("refersTo", None)
        path = resource["path"]
        resource["path"] = paths.get(resource["name"], path)
        (data / path).rename(data / resource["path"])
    (data / "datapackage.json").write_text(json.dumps({**descriptor, "resources": kept}))
    load_review(sample)
    return sample


def test_a_table_is_known_by_its_name_whatever_its_file_is_called(renamed):
    before = inputs(renamed)
    assert {"outcomes", "figures"} <= set(before.tables) and "results" not in before.tables
    assert FIGURE in before.sources
    edit(renamed / "data" / "results.csv", "-0.5,0.2", "-0.7,0.2")
    after = inputs(renamed)
    assert after.digest(FIGURE, ["outcomes"]) != before.digest(FIGURE, ["outcomes"])
    assert after.digest(FIGURE, ["studies"]) == before.digest(FIGURE, ["studies"])


def test_a_file_beside_the_dictionary_does_not_take_the_name_of_a_table(renamed):
    before = inputs(renamed)
    shutil.copy(renamed / "data" / "results.csv", renamed / "data" / "outcomes.csv")
    after = inputs(renamed)
    assert set(after.tables) == {*before.tables, "outcomes.csv"}
    assert after.tables["outcomes"] == before.tables["outcomes"]


@pytest.mark.parametrize("text", ["{broken", "[]", '{"resources": [1, {"schema": 0}]}'])
def test_a_damaged_dictionary_leaves_the_names_of_the_files(sample, text):
    (sample / "data" / "datapackage.json").write_text(text)
    assert {"outcomes", "figures"} <= set(inputs(sample).tables)


def test_everything_holds_sources_and_tables_not_their_names_alone():
    one = Inputs("e", {"studies": "1"}, {"figure:a": "1"})
    assert one.everything == Inputs("e", {"studies": "1"}, {"figure:a": "1"}).everything
    others = (
        Inputs("e", {"studies": "1"}, {"figure:a": "2"}),
        Inputs("e", {"studies": "2"}, {"figure:a": "1"}),
        Inputs("f", {"studies": "1"}, {"figure:a": "1"}),
    )
    assert all(one.everything != other.everything for other in others)


def test_an_upgraded_dependency_makes_everything_stale(sample, monkeypatch):
    monkeypatch.setattr(freshness.metadata, "requires", lambda name: [
        "pandas>=3", "Python-Pptx <2,>=1.0", "absent>=1", 'pytest>=8; extra == "test"',
    ])
    versions = {"pandas": "3.0", "Python-Pptx": "1.0"}

    def version(name):
        if name not in versions:
            raise freshness.metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(freshness.metadata, "version", version)
    before = inputs(sample).engine
    assert inputs(sample).engine == before
    for name in ("Python-Pptx", "absent"):
        versions[name] = "2.0"
        after = inputs(sample).engine
        assert after != before
        before = after
    versions["pytest"] = "9"
    assert inputs(sample).engine == before


def test_what_is_made_once_is_read_by_all_and_belongs_to_each(minimal):
    review, calls = load_review(minimal), []

    @made_once
    def people(review, more=None):
        calls.append(more)
        return review.table("studies")[["n_randomised"]]

    first = people(review)
    review.tables.reads = Reads()
    first.loc[0, "n_randomised"] = 0
    assert people(review)["n_randomised"].tolist() == [40, 60]
    assert review.tables.reads.all == {"studies"} and calls == [None]
    review.table("outcomes")
    more = object()
    assert people(review, more) is not people(review, more) and calls == [None, more]
    assert review.tables.reads.all == {"studies", "outcomes"}
    other = load_review(minimal)
    assert people(other).equals(people(review)) and calls == [None, more]  # of the same files


def test_a_review_is_read_again_when_a_file_has_changed_and_belongs_to_each_reader(minimal):
    review, again = load_review(minimal), load_review(minimal)
    assert again.bibliography is review.bibliography
    review.tables["studies"].loc[0, "n_randomised"] = 0
    assert again.tables["studies"]["n_randomised"].tolist() == [40, 60]
    path = minimal / "data" / "studies.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",40", ",41"), encoding="utf-8")
    assert load_review(minimal).table("studies")["n_randomised"].tolist() == [41, 60]
    (minimal / "data" / "notes.csv").write_text("a\n", encoding="utf-8")
    assert "notes.csv" in str(load_review(minimal).warnings)


@pytest.mark.parametrize("name", [
    '["os", "mkdir", ["made"], {}]', '["evidence.storage", "os.mkdir", ["made"], {}]', "no name",
    '["evidence.storage", "remove", [], {}]', '["evidence.no_module", "x", [], {}]',
    "value:studies", "value:studies.__class__",
])
def test_a_record_makes_nothing_but_what_has_been_noted(minimal, name, monkeypatch):
    monkeypatch.chdir(minimal)
    assert unchanged(minimal, {name: "0"}) is None
    assert not (minimal / "made").exists()


def test_values_are_made_again_under_their_names(minimal):
    review = ev.load(minimal)
    facts = Facts(review, review.pools)
    assert fill("{studies[abel2001].n_randomised}", facts) == "40"
    review.labels("studies", "study", "condition")
    review.pools.get("no_such_analysis")
    review.table("outcomes")
    found = seen([review.tables.reads])
    assert found.tables == ["outcomes"]
    assert found.values["value:studies[abel2001].n_randomised"][1] == ["studies"]
    assert set(found.values) == {
        "value:studies[abel2001].n_randomised",
        '["evidence.review.review", "Review.labels", ["studies", "study", "condition"], {}]',
        '["evidence.pooling.analyses", "analysis_ids", [], {}]',
    }
    assert unchanged(minimal, found.fingerprints) == found.values
    for name in found.values:
        assert unchanged(minimal, {**found.fingerprints, name: "0"}) is None


def test_a_value_that_cannot_be_compared_counts_with_its_tables(minimal):
    review = ev.load(minimal)

    @noted
    def strange(review):
        return review.table("studies"), object()

    strange(review)
    assert seen([review.tables.reads]).tables == ["studies"]
