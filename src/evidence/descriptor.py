"""The form of a data dictionary: what must hold before anything is read by it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evidence.schema import DTYPES, names
from evidence.textfile import control_problem

MATCHES = ("equal", "exact", "subset", "superset", "partial")
WORDS = ("title", "description", "row", "unit", "emptyMeans", "format")
NEEDED = ("studies", "outcomes", "analyses")


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
    for name in NEEDED:
        if name not in described:
            raise ValueError(f"it has no table '{name}'")
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
