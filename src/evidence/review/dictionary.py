"""The data dictionary of a review: what each table and column holds, and whether the files agree.

The dictionary is a Data Package (``data/datapackage.json``) and extends the package's own, in which
everything but the columns that an analysis cannot do without is optional: a table that the review
describes has the columns it lists, and what it does not say of a table or column is taken from
there (`extended`). Properties of ours beside the standard:

- ``refersTo`` of a column: where its values must be found (``references.bib``, ``table.column``);
- ``list`` of a column: a cell holds several values separated by semicolons;
- ``readAs`` of a column: words of its cells that a reader would not know (whole words, longest
  first), and the words that stand in their place everywhere but in the file;
- ``emptyMeans`` of a column: what an empty cell says, where it does not mean "not reported";
- ``required`` of a table: a review without its own dictionary must have it;
- ``row`` of a table, ``provenance``, ``warnings`` and ``gaps``: text of data/README.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache, cached_property, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd
import regex

from evidence.review.inference import is_lenient, with_ids, with_results
from evidence.review.problems import Problem, ReviewError
from evidence.review.schema import (
    DTYPES,
    NEAR,
    Reader,
    code_columns,
    field_reader,
    header_problems,
    key_problems,
    link_problems,
    names,
    read_columns,
)
from evidence.review.textfile import (
    Rows,
    control_problem,
    read_rows,
    read_text,
    unseen_problems,
)

__all__ = ["Dictionary", "default_descriptor", "load_dictionary", "read_tables"]

FILE = "datapackage.json"


@dataclass(frozen=True)
class Dictionary:
    """Descriptor of the tables of a review.

    Attributes
    ----------
    descriptor : dict
        The Data Package.
    is_default : bool
        True when the review brings none and the package's own is used.
    readers : dict
        By table and column, the function that reads and judges a cell.
    own : frozenset of str
        Tables and documents that the review itself describes; it must have them.
    """

    descriptor: Mapping[str, Any]
    is_default: bool
    readers: Mapping[str, Mapping[str, Reader]] = field(repr=False, compare=False)
    own: frozenset[str] = frozenset()

    @cached_property
    def tables(self) -> dict[str, Mapping[str, Any]]:
        """Table resources by name."""
        return {r["name"]: r for r in self.descriptor["resources"] if is_table(r)}

    @property
    def documents(self) -> dict[str, Mapping[str, Any]]:
        """Resources that are not tables, by name."""
        return {r["name"]: r for r in self.descriptor["resources"] if not is_table(r)}

    def fields(self, table: str) -> dict[str, Mapping[str, Any]]:
        """Fields of a table by name."""
        return {f["name"]: f for f in self.tables[table]["schema"]["fields"]}

    def words(self, table: str, column: str) -> dict[str, str]:
        """Words of the codes of a column that have some; empty for an unknown table or column."""
        fields = self.fields(table) if table in self.tables else {}
        categories = fields.get(column, {}).get("categories", ())
        return {item["value"]: item["label"] for item in categories
                if isinstance(item, Mapping) and "label" in item}

    def primary_key(self, table: str) -> list[str]:
        """Columns that together name a row; empty when there is no such set."""
        return names(self.tables[table]["schema"].get("primaryKey"))


def default_descriptor() -> dict[str, Any]:
    """The package's own Data Package, for a review on any topic."""
    return json.loads(resources.files("evidence").joinpath(FILE).read_text(encoding="utf-8"))


@cache
def default_dictionary() -> Dictionary:
    """The package's own data dictionary."""
    descriptor = default_descriptor()
    return Dictionary(descriptor, True, _readers(descriptor))


def load_dictionary(data: Path) -> Dictionary:
    """Read ``datapackage.json`` of the folder `data`, else the package's own.

    Raises
    ------
    ReviewError
        When the file is there but is not a usable Data Package.
    """
    path = data / FILE
    shown = f"{data.name}/{FILE}"
    if not path.exists():
        return default_dictionary()
    text = read_text(path, shown, "delete it to use the package's own, or restore it")
    try:
        return _described(text)
    except (json.JSONDecodeError, RecursionError) as error:
        row = getattr(error, "lineno", 1)
        rule = f"is not JSON ({getattr(error, 'msg', 'nested too deeply')})"
        advice = "mend this line or the one before it"
    except ValueError as error:
        row, rule = None, f"cannot be used as a data dictionary: {error}"
        advice = "restore it, or see https://datapackage.org"
    raise ReviewError([Problem(shown, row, "", "", rule, advice)])


@lru_cache(maxsize=2)
def _described(text: str) -> Dictionary:
    """The dictionary of a review whose ``datapackage.json`` has this text."""
    own = parsed(text)
    descriptor = extended(own, default_descriptor())
    check_form(descriptor)
    readers = _readers(descriptor)
    check_against(descriptor, default_descriptor())
    described = frozenset(resource["name"] for resource in own["resources"])
    return Dictionary(descriptor, False, readers, described)


def _readers(descriptor: Mapping[str, Any]) -> dict[str, dict[str, Reader]]:
    readers: dict[str, dict[str, Reader]] = {}
    for resource in filter(is_table, descriptor["resources"]):
        schema = resource["schema"]
        missing = ["", *schema.get("missingValues", [])]  # an empty cell never says anything
        readers[resource["name"]] = own = {}
        for item in schema["fields"]:
            try:
                own[item["name"]] = field_reader(item, missing)
            except (ValueError, TypeError, LookupError, regex.error) as error:
                place = f"{resource['name']}.{item['name']}"
                raise ValueError(f"column {place}: {error}") from None
    return readers


def read_tables(
    dictionary: Dictionary, data: Path
) -> tuple[dict[str, pd.DataFrame], list[Problem]]:
    """Read and validate every table that the dictionary describes.

    Returns
    -------
    tables : dict of DataFrame
        Row i of a table is line i + 2 of its file. Numbers are float64 with NaN, integers Int64,
        booleans boolean, text str with NaN; an absent optional table is missing from the dict.
        Rows that have a problem are left out, so that later checks do not report them again.
    problems : list of Problem
        All that is wrong, and warnings.
    """
    problems = list(_undescribed(dictionary, data))
    shown = {name: f"{data.name}/{r['path']}" for name, r in dictionary.tables.items()}
    rows: dict[str, Rows] = {}
    whole: dict[str, Rows] = {}
    for name, resource in dictionary.tables.items():
        needed = name in dictionary.own or resource.get("required")
        if not needed and not (data / resource["path"]).exists():
            continue
        advice = "add it, at least with its header row" if dictionary.is_default else (
            "restore it, or take the table out of datapackage.json"
        )  # fmt: skip
        try:
            text = read_text(data / resource["path"], shown[name], advice)
        except ReviewError as error:
            problems += error.problems
            continue
        found, complaints = read_rows(text, shown[name])
        problems += complaints
        if name == "outcomes" and is_lenient(resource):
            found = with_ids(found)
        if name == "risk_of_bias" and is_lenient(resource) and "outcomes" in rows:
            found = with_results(found, rows["outcomes"])
        if found.header and not any(p.row == 1 and not p.column for p in complaints):
            problems += header_problems(found.header, shown[name], resource["schema"])
            rows[name] = found
            if not complaints:
                whole[name] = found
    tables: dict[str, pd.DataFrame] = {}
    broken = {name for name in shown if name not in whole and (
        data / dictionary.tables[name]["path"]).exists()}
    for name, found in rows.items():
        schema = dictionary.tables[name]["schema"]
        fields, readers = dictionary.fields(name), dictionary.readers[name]
        tables[name], complaints = read_columns(found, shown[name], fields, readers)
        problems += complaints
        problems += unseen_problems(found, shown[name], code_columns(schema))
        problems += key_problems(found, shown[name], schema)
        problems += link_problems(name, shown, schema, found, whole, broken)
    return tables, problems


def _undescribed(dictionary: Dictionary, data: Path) -> Iterator[Problem]:
    """Warn of every table of the folder that no resource names: nothing reads it."""
    described = {r["path"] for r in dictionary.descriptor["resources"]}
    found = {path.name for path in data.iterdir() if path.suffix.lower() == ".csv"}
    absent = sorted(described - found)
    advice = ("see data/README.md for the tables that may be there, or keep it elsewhere"
              if dictionary.is_default else
              "describe it in data/datapackage.json, or keep it elsewhere")  # fmt: skip
    for name in sorted(found - described):
        if name.startswith("."):
            continue
        near = get_close_matches(name.lower().replace(" ", "_"), absent, 1, NEAR)
        yield Problem(
            f"{data.name}/{name}", None, "", "",
            "is not in the data dictionary, so that nothing reads it",
            f"rename it {near[0]} if that is what it is" if near else advice, True,
        )  # fmt: skip

MATCHES = ("equal", "exact", "subset", "superset", "partial")
WORDS = ("title", "description", "row", "unit", "emptyMeans", "format")


def parsed(text: str) -> Any:
    """Value of a JSON text.

    Raises
    ------
    ValueError
        When it is not JSON (`json.JSONDecodeError`), or holds what a reader would pass over: a
        name that stands twice in one object, or a number that is none.
    """
    return json.loads(text, object_pairs_hook=_distinct, parse_constant=_no_number)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"'{twice}' stands twice in one object")
    return found


def _no_number(word: str) -> None:
    raise ValueError(f"'{word}' is not a value")


def extended(own: Any, package: Mapping[str, Any]) -> Any:
    """The dictionary of a review, completed by what the package says of the same columns.

    What the review states wins. A table has the columns that the review lists, in its order, or
    those of the package where it lists none; tables that only the package describes follow.
    What has not the form of a dictionary is returned as it is.
    """
    if not isinstance(own, dict) or not isinstance(own.get("resources"), list):
        return own
    known = {resource["name"]: resource for resource in package["resources"]}
    resources = [_over(known, resource) for resource in own["resources"]]
    named = [resource.get("name") for resource in resources if isinstance(resource, dict)]
    rest = [resource for name, resource in known.items() if name not in named]
    columns = {
        table["name"]: {field["name"] for field in table["schema"]["fields"]
                        if isinstance(field, dict) and isinstance(field.get("name"), str)}
        for table in [*resources, *rest] if _has_fields(table)
    }
    below = [_with_targets(table, own["resources"], columns) for table in [*resources, *rest]]
    return package | own | {"resources": below}


def _has_fields(resource: Any) -> bool:
    return (isinstance(resource, dict) and isinstance(resource.get("name"), str)
            and isinstance(resource.get("schema"), dict)
            and isinstance(resource["schema"].get("fields"), list))


def _with_targets(table: Any, own: list, columns: Mapping[str, set]) -> Any:
    """A table without those keys of the package that name columns which this review has not."""
    name = table.get("name") if _has_fields(table) else None
    if name not in columns:
        return table
    stated = next((item.get("schema") for item in own
                   if isinstance(item, dict) and item.get("name") == name), None)
    stated = stated if isinstance(stated, dict) else {}
    schema = dict(table["schema"])
    if "foreignKeys" not in stated and isinstance(schema.get("foreignKeys"), list):
        schema["foreignKeys"] = [
            key for key in schema["foreignKeys"]
            if {*names(key["fields"])} <= columns[name] and {*names(key["reference"]["fields"])}
            <= columns.get(key["reference"].get("resource") or name, set())
        ]
    if "primaryKey" not in stated and not {*names(schema.get("primaryKey"))} <= columns[name]:
        del schema["primaryKey"]
    return table | {"schema": schema}


def _over(known: Mapping[str, Any], item: Any) -> Any:
    """An object of the review laid over the one of that name in the package."""
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        return item
    below = known.get(item["name"], {})
    made = below | item
    if isinstance(schema := item.get("schema"), dict) and "schema" in below:
        made["schema"] = below["schema"] | schema
        if isinstance(schema.get("fields"), list):
            fields = {field["name"]: field for field in below["schema"]["fields"]}
            made["schema"]["fields"] = [_over(fields, field) for field in schema["fields"]]
    return made


def check_form(descriptor: Any) -> None:
    """Raise ValueError with what keeps a JSON value from describing tables."""
    if not isinstance(descriptor, dict) or not isinstance(descriptor.get("resources"), list):
        raise ValueError("it has no list of resources")
    _check_words(descriptor, "the dictionary", ("conventions", "warnings", "gaps"))
    _check_signs(descriptor)
    levels = descriptor.get("provenance", {})
    if not isinstance(levels, dict) or not all(isinstance(text, str) for text in levels.values()):
        raise ValueError("provenance is not an object of texts")
    columns: dict[str, set[str]] = {}
    for number, resource in enumerate(descriptor["resources"], 1):
        if not isinstance(resource, dict) or not {"name", "path"} <= set(resource):
            raise ValueError(f"resource {number} lacks a name or a path")
        name, path = resource["name"], resource["path"]
        if not isinstance(name, str) or not name:
            raise ValueError(f"the name of resource {number} is not a text")
        if not isinstance(path, str) or Path(path).name != path or path in ("", "..", "."):
            raise ValueError(f"the path of '{name}' is not a file of the folder")
        if name in columns:
            raise ValueError(f"'{name}' stands twice")
        _check_words(resource, f"resource '{name}'", ("warnings",))
        columns[name] = _columns(resource) if is_table(resource) else set()
        _check_properties(resource)
    for resource in filter(is_table, descriptor["resources"]):
        _check_links(resource, columns)


def is_table(resource: Mapping[str, Any]) -> bool:
    """Whether a resource is a table rather than a document."""
    return resource.get("type", "table" if "schema" in resource else "") == "table"


def check_against(descriptor: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """Raise ValueError where a review describes a table otherwise than the package computes it.

    Parameters
    ----------
    descriptor : mapping
        Data Package of the review, of sound form.
    own : mapping
        Data Package of this package: types of the columns that it knows, and which it needs.
    """
    described = {r["name"]: _by_name(r) for r in descriptor["resources"] if is_table(r)}
    for resource in own["resources"]:
        table = described.get(resource["name"])
        if table is None:
            continue
        for column, item in _by_name(resource).items():
            place = f"{resource['name']}.{column}"
            if column not in table:
                if item.get("constraints", {}).get("required"):
                    raise ValueError(f"column {place} is needed and not described")
                continue
            kind, wanted = table[column]["type"], item["type"]
            if (kind, wanted) != ("integer", "number") and (
                DTYPES.get(kind) != DTYPES.get(wanted)
            ):
                raise ValueError(f"column {place} has the type {kind}, and is used as {wanted}")


def _by_name(resource: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {item["name"]: item for item in resource["schema"]["fields"]}


def _check_words(holder: Mapping[str, Any], where: str, lists: tuple[str, ...] = ()) -> None:
    for name in WORDS:
        if not isinstance(holder.get(name, ""), str):
            raise ValueError(f"{name} of {where} is not a text")
    for name in lists:
        if not _are_texts(holder.get(name, [])):
            raise ValueError(f"{name} of {where} is not a list of texts")


def _check_signs(value: Any) -> None:
    """Raise ValueError with the first text, at any depth, that holds a control character."""
    if isinstance(value, str):
        complaint = control_problem(value.replace("\n", " "))
        if complaint:
            raise ValueError(f"'{complaint[0]}' {complaint[1]}")
    elif isinstance(value, list | dict):
        for part in [*value, *(value.values() if isinstance(value, dict) else ())]:
            _check_signs(part)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _check_properties(resource: Mapping[str, Any]) -> None:
    listed = resource.get("properties", [])
    if not isinstance(listed, list) or not all(
        isinstance(item, dict) and all(isinstance(item.get(key), str)
                                       for key in ("name", "description"))
        for item in listed
    ):
        raise ValueError(f"properties of '{resource['name']}' lack a name or a description")


def _columns(resource: Mapping[str, Any]) -> set[str]:
    """Names of the fields of a table of sound form."""
    table, schema = resource["name"], resource.get("schema")
    if not isinstance(schema, dict) or not isinstance(schema.get("fields"), list):
        raise ValueError(f"table '{table}' has no list of fields")
    if schema.get("fieldsMatch", "equal") not in MATCHES:
        raise ValueError(f"fieldsMatch of '{table}' is none of {', '.join(MATCHES)}")
    if not _are_texts(schema.get("missingValues", [])):
        raise ValueError(f"missingValues of '{table}' is not a list of texts")
    columns: set[str] = set()
    for item in schema["fields"]:
        if not isinstance(item, dict) or not {"name", "type"} <= set(item):
            raise ValueError(f"a field of table '{table}' lacks a name or a type")
        if not isinstance(item["name"], str) or item["name"] != item["name"].strip():
            raise ValueError(f"the name of a field of table '{table}' is not a plain text")
        if not isinstance(item["type"], str):
            raise ValueError(f"type '{item['type']}' is unknown")
        if item["name"] in columns:
            raise ValueError(f"column {table}.{item['name']} stands twice")
        _check_words(item, f"{table}.{item['name']}")
        for name in ("trueValues", "falseValues"):
            if not _are_texts(item.get(name, [])):
                raise ValueError(f"{name} of {table}.{item['name']} is not a list of texts")
        if not isinstance(item.get("readAs", {}), dict) or not _are_texts(
                [*item.get("readAs", {}), *item.get("readAs", {}).values()]):
            raise ValueError(f"readAs of {table}.{item['name']} is not an object of texts")
        columns.add(item["name"])
    return columns


def _check_links(resource: Mapping[str, Any], columns: Mapping[str, set[str]]) -> None:
    """Raise ValueError when keys or links name a column that is not described."""
    table, schema = resource["name"], resource["schema"]
    wanted = {(table, column) for column in _listed(schema.get("primaryKey"), table)}
    if not isinstance(schema.get("foreignKeys", []), list):
        raise ValueError(f"foreignKeys of '{table}' is not a list")
    for key in schema.get("foreignKeys", []):
        if not isinstance(key, dict) or not isinstance(key.get("reference"), dict):
            raise ValueError(f"a foreign key of '{table}' has no reference")
        here = _listed(key.get("fields"), table)
        there = _listed(key["reference"].get("fields"), table)
        if not here or len(here) != len(there):
            raise ValueError(f"a foreign key of '{table}' does not pair its fields")
        other = key["reference"].get("resource") or table
        wanted |= {(table, column) for column in here} | {(other, column) for column in there}
    for item in schema["fields"]:
        targets = _listed(item.get("refersTo"), table)
        wanted |= {tuple(t.split(".", 1)) for t in targets if t != "references.bib"}
    for place in sorted(wanted, key=str):
        if len(place) != 2 or place[1] not in columns.get(place[0], set()):
            shown = ".".join(map(str, place))
            raise ValueError(f"table '{table}' refers to '{shown}', not described here")


def _listed(value: Any, table: str) -> list[str]:
    """Names that stand in a text or a list of texts."""
    if value is not None and not isinstance(value, str) and not _are_texts(value):
        raise ValueError(f"a key or link of '{table}' is neither a text nor a list of texts")
    return names(value)
