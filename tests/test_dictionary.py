"""The default dictionary, reading tables, and the README written from a dictionary."""

import json
import shutil

import pytest

from conftest import MINIMAL, REPOSITORY, edit, problems_of, write_review
from evidence.cli import main
from evidence.figures.catalogue import KINDS
from evidence.publish.dictionary_page import dictionary_readme
from evidence.review.dictionary import (
    default_descriptor,
    default_dictionary,
    load_dictionary,
    read_tables,
)
from evidence.review.problems import ReviewError
from evidence.review.review import load_review

SOURCE = REPOSITORY / "src" / "evidence"


def test_both_dictionaries_are_data_packages():
    from frictionless import Package  # takes long to import

    assert Package(default_descriptor()).resources
    assert Package(str(REPOSITORY / "data" / "datapackage.json")).resources


def test_every_column_is_described():
    for descriptor in (default_descriptor(), load_dictionary(REPOSITORY / "data").descriptor):
        for resource in descriptor["resources"]:
            assert resource["title"] and resource["description"] and resource["row"]
            for field in resource.get("schema", {}).get("fields", []):
                place = f"{resource['name']}.{field['name']}"
                assert field["title"] and field["description"], place
                assert field["title"][0].isupper(), place
                assert "seed page" not in field["description"], place
            key = resource.get("schema", {}).get("primaryKey", [])
            required = {
                f["name"] for f in resource.get("schema", {}).get("fields", [])
                if f.get("constraints", {}).get("required")
            }
            assert set(key) - {"outcome_id"} <= required  # an id is made where it is empty


def test_the_package_knows_no_topic():
    for word in ("naltrexone", "ldn", "fibromyalgia", "crohn"):
        assert word not in (SOURCE / "datapackage.json").read_text(encoding="utf-8").lower()


def test_minimal_review_loads_without_problems(minimal):
    review = load_review(minimal)
    assert set(review.tables) == {"studies", "outcomes", "analyses"}
    assert review.dictionary.is_default
    assert review.warnings == ()


def test_the_fewest_columns_that_can_be_analysed(tmp_path):
    files = {
        **MINIMAL,
        "data/studies.csv": "study\nabel2001\ncole2005\n",
        "data/outcomes.csv": (
            "outcome_id,study,effect,effect_se\nw1,abel2001,1.5,0.5\nw2,cole2005,0.8,0.4\n"
        ),
        "data/analyses.csv": "analysis,measure,include\nwarmth,GEN,w1;w2\n",
    }
    review = load_review(write_review(tmp_path, files))
    assert review.table("outcomes")["effect"].tolist() == [1.5, 0.8]


def test_columns_of_ones_own_are_allowed(minimal):
    edit(minimal / "data/studies.csv", "n_randomised", "sock_colour")
    review = load_review(minimal)
    assert review.table("studies")["sock_colour"].tolist() == ["40", "60"]
    assert str(review.table("studies")["sock_colour"].dtype) == "str"


def test_misspelt_optional_column_is_a_warning(minimal):
    edit(minimal / "data/outcomes.csv", "higher_is", "higher_iss")
    warnings = load_review(minimal).warnings
    assert [str(w) for w in warnings] == [
        "data/outcomes.csv:1 higher_iss: is not a column; 'higher_is' is, and is missing, "
        "mend the name if that is what you mean"
    ]


@pytest.mark.parametrize(
    "table, old, new, column",
    [
        ("studies", "study,", "name,", "study"),
        ("analyses", "measure", "what", "measure"),
        ("outcomes", "better", "upwards", "higher_is"),
        ("outcomes", "between_arms", "between", "contrast"),
        ("outcomes", "mean_difference", "difference", "effect_measure"),
        ("outcomes", "true", "yes", "poolable"),
        ("outcomes", "primary", "seen", "verification"),
        ("studies", "rct_parallel", "trial", "design"),
        ("analyses", "MD", "mean", "measure"),
        ("analyses", "abel2001-warmth;", "abel2001-warmth;nowhere;", "include"),
        ("outcomes", "warmth,abel2001", "warmth,baker2001", "study"),
    ],
)
def test_minimal_review_is_checked(minimal, table, old, new, column):
    edit(minimal / f"data/{table}.csv", old, new)
    found = problems_of(minimal)
    assert [(p.file, p.column) for p in found] == [(f"data/{table}.csv", column)], found


@pytest.mark.parametrize(("cell", "rule"), [
    ("0.5", None), ("-1", None), ("0,5", "is not a number"), ("1.5", "is above 1"),
    ("-1.5", "is below -1"),
])
def test_the_correlation_between_periods_is_a_number(minimal, cell, rule):
    edit(minimal / "data/outcomes.csv", "poolable", "correlation,poolable")
    edit(minimal / "data/outcomes.csv", "1.5,0.5,", f'1.5,0.5,"{cell}",')
    edit(minimal / "data/outcomes.csv", "0.8,0.4,", "0.8,0.4,,")
    found = [(p.row, p.column, p.rule) for p in problems_of(minimal)]
    assert found == ([] if rule is None else [(2, "correlation", rule)])
    if rule is None:
        assert load_review(minimal).table("outcomes")["correlation"][0] == float(cell)


def test_harms_can_be_analysed(minimal):
    (minimal / "data/harms.csv").write_text("harm_id,study\nh1,abel2001\n", encoding="utf-8")
    edit(minimal / "data/analyses.csv", "cole2005-warmth", "h1")
    assert problems_of(minimal) == []


def test_a_table_with_only_a_header_is_fine(minimal):
    path = minimal / "data/analyses.csv"
    path.write_text(path.read_text(encoding="utf-8").split("\n")[0], encoding="utf-8")
    assert len(load_review(minimal).table("analyses")) == 0


def test_values_and_types(minimal):
    edit(minimal / "data/outcomes.csv", "1.5,0.5,true", "  +.15e1 , 0.5,TRUE")
    edit(minimal / "data/studies.csv", ",40", ",")
    outcomes = load_review(minimal).table("outcomes")
    studies = load_review(minimal).table("studies")
    assert outcomes["effect"].tolist() == [1.5, 0.8]
    assert outcomes["poolable"].tolist() == [True, True]
    assert str(outcomes["poolable"].dtype) == "boolean"
    assert str(studies["n_randomised"].dtype) == "Int64"
    assert studies["n_randomised"].isna().tolist() == [True, False]


def test_rows_are_lines(minimal):
    tables, _ = read_tables(load_dictionary(minimal / "data"), minimal / "data")
    lines = (minimal / "data/outcomes.csv").read_text(encoding="utf-8").split("\n")
    for index, row in tables["outcomes"].iterrows():
        assert lines[index + 1].startswith(row["outcome_id"])


BROKEN = {
    "not JSON": ("{", "JSON"),
    "of another shape": ("[]", "no list of resources"),
    "without resources": ('{"resources": {}}', "no list of resources"),
    "resource without path": ('{"resources": [{"name": "a"}]}', "resource 1"),
    "resource that is text": ('{"resources": ["studies.csv"]}', "resource 1"),
    "path out of the folder": (
        '{"resources": [{"name": "a", "path": "../a.csv", "schema": {"fields": []}}]}', "not a file"
    ),
    "table twice": (
        json.dumps({"resources": [{"name": "a", "path": "a.csv", "schema": {"fields": []}}] * 2}),
        "stands twice",
    ),
    "schema that is a name": (
        '{"resources": [{"name": "a", "path": "a", "schema": "s"}]}', "no list of fields"
    ),
    "empty": ("", "empty"),
}  # fmt: skip


@pytest.mark.parametrize("text, words", BROKEN.values(), ids=BROKEN)
def test_broken_dictionary(minimal, text, words):
    (minimal / "data/datapackage.json").write_text(text, encoding="utf-8")
    with pytest.raises(ReviewError) as caught:
        load_review(minimal)
    assert len(caught.value.problems) == 1
    assert str(caught.value).startswith("data/datapackage.json")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"type": "numbr"}, "type 'numbr' is unknown"),
        ({"type": ["number"]}, "unknown"),
        ({"constraints": {"minimun": 0}}, "constraints of a number"),
        ({"constraints": {"minimum": "low"}}, "minimum is not a number"),
        ({"constraints": {"enum": 3}}, "enum is not a list"),
        ({"constraints": []}, "constraints of a number"),
        ({"refersTo": "nowhere.at_all"}, "nowhere.at_all"),
        ({"refersTo": "nowhere"}, "nowhere"),
        ({"name": "study"}, "outcomes.study stands twice"),
    ],
)
def test_broken_field(minimal, change, words):
    descriptor = default_descriptor()
    fields = next(r for r in descriptor["resources"] if r["name"] == "outcomes")["schema"]["fields"]
    next(f for f in fields if f["name"] == "effect").update(change)
    (minimal / "data/datapackage.json").write_text(json.dumps(descriptor), encoding="utf-8")
    with pytest.raises(ReviewError, match="data dictionary") as caught:
        load_dictionary(minimal / "data")
    assert words in str(caught.value)


def test_readme_is_up_to_date():
    dictionary = load_dictionary(REPOSITORY / "data")
    written = (REPOSITORY / "data" / "README.md").read_text(encoding="utf-8")
    assert written == dictionary_readme(dictionary), "data/README.md is stale: run `evidence build`"


def test_readme_explains_every_column():
    dictionary = load_dictionary(REPOSITORY / "data")
    text = dictionary_readme(dictionary)
    for name in dictionary.tables:
        section = text.split(f"\n## `{dictionary.tables[name]['path']}`\n")[1].split("\n## ")[0]
        for column in dictionary.fields(name):
            assert f"| `{column}` |" in section
    assert "`formula`" in text.split("## `methods.json`")[1]
    assert "never means zero" in text


def test_readme_of_the_default_dictionary(minimal):
    text = dictionary_readme(load_dictionary(minimal / "data"))
    assert "Every review needs this table." in text
    assert text == dictionary_readme(load_dictionary(minimal / "data"))


def test_own_dictionary_rules(minimal):
    """A review with a dictionary of its own is held to it, without the default one."""
    shutil.copy(SOURCE / "datapackage.json", minimal / "data" / "datapackage.json")
    missing = {p.file for p in problems_of(minimal) if p.rule == "file is missing"}
    assert "data/harms.csv" in missing


@pytest.mark.parametrize("name, advice", [
    ("harm.csv", "rename it harms.csv if that is what it is"),
    ("Figure.csv", "rename it figures.csv if that is what it is"),
    ("socks.csv", "see data/README.md for the tables that may be there, or keep it elsewhere"),
])
def test_a_table_that_nothing_reads_is_a_warning(minimal, name, advice):
    (minimal / "data" / name).write_text("a,b\n1,2\n")
    (minimal / "data" / f".{name}").write_text("a,b\n")
    assert [str(warning) for warning in load_review(minimal).warnings] == [
        f"data/{name}: is not in the data dictionary, so that nothing reads it, {advice}"
    ]


def test_a_table_that_a_review_does_not_describe_is_a_warning(copied):
    (copied / "data" / "harms_2.csv").write_text("a,b\n1,2\n")
    found = [warning for warning in load_review(copied).warnings if "harms_2" in warning.file]
    assert [warning.advice for warning in found] == [
        "describe it in data/datapackage.json, or keep it elsewhere"
    ]


def test_check_counts_it_and_status_shows_it(minimal, capsys):
    (minimal / "data" / "harm.csv").write_text("a,b\n1,2\n")
    assert main(["check", str(minimal)]) == 0
    assert "1 remark on tables" in capsys.readouterr().out
    assert main(["status", str(minimal)]) == 0
    assert "data/harm.csv: is not in the data dictionary" in capsys.readouterr().out


def test_every_table_that_a_kind_of_figure_needs_is_described_and_may_be_absent():
    dictionary = default_dictionary()
    for kind, needs in KINDS.items():
        assert set(needs.tables) <= set(dictionary.tables), kind
    needed = {name for name, table in dictionary.tables.items() if table.get("required")}
    assert needed == {"studies", "outcomes", "analyses"}


def test_a_dictionary_extends_that_of_the_package(minimal):
    """Only what differs needs to be said; what is said wins; listed columns are all there are."""
    (minimal / "data/datapackage.json").write_text(json.dumps({"resources": [{
        "name": "studies", "path": "studies.csv", "title": "Trials of tea", "schema": {
            "fieldsMatch": "equal", "fields": [
                {"name": "study"}, {"name": "condition", "constraints": {"enum": ["cold_feet"]}},
                {"name": "design"}, {"name": "n_randomised"}]}}]}))
    review = load_review(minimal)
    default = default_dictionary()
    assert review.dictionary.tables["studies"]["title"] == "Trials of tea"
    assert list(review.dictionary.fields("studies")) == list(review.table("studies"))
    assert review.dictionary.fields("studies")["n_randomised"] == default.fields(
        "studies")["n_randomised"]
    assert review.dictionary.fields("outcomes") == default.fields("outcomes")
    assert not {"harms", "claims"} & set(review.tables)  # optional as before
    edit(minimal / "data/studies.csv", "cold_feet,rct_parallel,40", "warm_feet,rct_parallel,40")
    (problem,) = problems_of(minimal)
    assert problem.column == "condition" and "vocabulary" in problem.rule


def test_another_reader_of_data_packages_judges_alike(minimal):
    """frictionless reads the same cells as right and wrong."""
    from frictionless import Resource, Schema

    descriptor = default_descriptor()
    studies = next(r for r in descriptor["resources"] if r["name"] == "studies")
    for cell, is_right in (("40", True), ("-1", False), ("many", False), ("", True)):
        header = ["study", "condition", "design", "n_randomised"]
        text = f"{','.join(header)}\nabel2001,cold_feet,rct_parallel,{cell}\n"
        (minimal / "data/studies.csv").write_text(text)
        fields = {item["name"]: item for item in studies["schema"]["fields"]}
        schema = Schema.from_descriptor({"fields": [fields[name] for name in header]})
        report = Resource(path="studies.csv", basepath=str(minimal / "data"),
                          schema=schema).validate()
        ours = [p for p in problems_of(minimal) if p.column == "n_randomised"]
        assert report.valid == is_right == (not ours), cell


def test_words_of_a_file_can_be_read_as_others(minimal):
    """The file stays as it is; whoever reads the review meets the other words, whole words only."""
    (minimal / "data/datapackage.json").write_text(json.dumps({"resources": [{
        "name": "studies", "path": "studies.csv", "schema": {"fields": [
            {"name": "study"}, {"name": "condition", "readAs": {"cold_feet": "cold", "cold": "x"}},
            {"name": "design"}, {"name": "n_randomised"}]}}]}))
    assert set(load_review(minimal).table("studies")["condition"]) == {"cold"}
    assert "cold_feet" in (minimal / "data/studies.csv").read_text()
    text = (minimal / "data/datapackage.json").read_text().replace('"cold": "x"', '"cold": 1')
    (minimal / "data/datapackage.json").write_text(text)
    with pytest.raises(ReviewError, match=r"readAs of studies\.condition"):
        load_review(minimal)
