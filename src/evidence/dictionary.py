"""The data dictionary of a review: what each table and column holds, and whether the files agree.

The dictionary is a Data Package (``data/datapackage.json``); frictionless judges every value
against it. A review without one uses the package's own, in which everything but the columns that
an analysis cannot do without is optional. Properties of ours beside the standard:

- ``refersTo`` of a column: where its values must be found (``references.bib``, ``table.column``);
- ``list`` of a column: a cell holds several values separated by semicolons;
- ``emptyMeans`` of a column: what an empty cell says, where it does not mean "not reported";
- ``required`` of a table: a review without its own dictionary must have it;
- ``row`` of a table, ``provenance``, ``warnings`` and ``gaps``: text of data/README.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd

from evidence.problems import Problem, ReviewError
from evidence.schema import (
    Reader,
    field_reader,
    header_problems,
    key_problems,
    link_problems,
    names,
    read_columns,
)
from evidence.textfile import Rows, read_rows, read_text

__all__ = ["Dictionary", "default_descriptor", "load_dictionary", "read_tables"]

FILE = "datapackage.json"


@dataclass(frozen=True, slots=True)
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
    """

    descriptor: Mapping[str, Any]
    is_default: bool
    readers: Mapping[str, Mapping[str, Reader]] = field(repr=False, compare=False)

    @property
    def tables(self) -> dict[str, Mapping[str, Any]]:
        """Table resources by name."""
        return {r["name"]: r for r in self.descriptor["resources"] if _is_table(r)}

    @property
    def documents(self) -> dict[str, Mapping[str, Any]]:
        """Resources that are not tables, by name."""
        return {r["name"]: r for r in self.descriptor["resources"] if not _is_table(r)}

    def fields(self, table: str) -> dict[str, Mapping[str, Any]]:
        """Fields of a table by name."""
        return {f["name"]: f for f in self.tables[table]["schema"]["fields"]}

    def primary_key(self, table: str) -> list[str]:
        """Columns that together name a row; empty when there is no such set."""
        return names(self.tables[table]["schema"].get("primaryKey"))


def _is_table(resource: Mapping[str, Any]) -> bool:
    return resource.get("type", "table" if "schema" in resource else "") == "table"


def default_descriptor() -> dict[str, Any]:
    """The package's own Data Package, for a review on any topic."""
    return json.loads(resources.files("evidence").joinpath(FILE).read_text(encoding="utf-8"))


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
        descriptor = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        reason = getattr(error, "msg", "nested too deeply")
        raise ReviewError(
            [Problem(shown, line, "", "", f"is not JSON ({reason})",
                     "mend this line or the one before it")]
        ) from None
    try:
        _check_form(descriptor)
        return Dictionary(descriptor, False, _readers(descriptor))
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        rule = f"cannot be used as a data dictionary: {error}"
    raise ReviewError(
        [Problem(shown, None, "", "", rule, "restore it, or see https://datapackage.org")]
    )


def _check_form(descriptor: Any) -> None:
    """Raise ValueError with what keeps a JSON value from describing tables."""
    if not isinstance(descriptor, dict) or not isinstance(descriptor.get("resources"), list):
        raise ValueError("it has no list of resources")
    columns: dict[str, set[str]] = {}
    for number, resource in enumerate(descriptor["resources"], 1):
        if not isinstance(resource, dict) or not {"name", "path"} <= set(resource):
            raise ValueError(f"resource {number} lacks a name or a path")
        name, path = resource["name"], resource["path"]
        if not isinstance(path, str) or Path(path).name != path or path in ("", "..", "."):
            raise ValueError(f"the path of '{name}' is not a file of the folder")
        if name in columns:
            raise ValueError(f"'{name}' stands twice")
        columns[name] = set()
        if not _is_table(resource):
            continue
        schema = resource.get("schema")
        if not isinstance(schema, dict) or not isinstance(schema.get("fields"), list):
            raise ValueError(f"table '{name}' has no list of fields")
        for item in schema["fields"]:
            if not isinstance(item, dict) or not {"name", "type"} <= set(item):
                raise ValueError(f"a field of table '{name}' lacks a name or a type")
            if item["name"] in columns[name]:
                raise ValueError(f"column {name}.{item['name']} stands twice")
            columns[name].add(item["name"])
    for resource in filter(_is_table, descriptor["resources"]):
        _check_links(resource, columns)


def _check_links(resource: Mapping[str, Any], columns: Mapping[str, set[str]]) -> None:
    """Raise ValueError when keys or links name a column that is not described."""
    table, schema = resource["name"], resource["schema"]
    wanted = {(table, column) for column in names(schema.get("primaryKey"))}
    for key in schema.get("foreignKeys", []):
        wanted |= {(table, column) for column in names(key["fields"])}
        other = key["reference"].get("resource") or table
        wanted |= {(other, column) for column in names(key["reference"]["fields"])}
    for item in schema["fields"]:
        targets = [target for target in names(item.get("refersTo")) if target != "references.bib"]
        wanted |= {tuple(target.split(".", 1)) for target in targets}
    for place in sorted(wanted):
        if len(place) != 2 or place[1] not in columns.get(place[0], set()):
            raise ValueError(f"table '{table}' refers to '{'.'.join(place)}', not described here")


def _readers(descriptor: Mapping[str, Any]) -> dict[str, dict[str, Reader]]:
    readers: dict[str, dict[str, Reader]] = {}
    for resource in filter(_is_table, descriptor["resources"]):
        schema = resource["schema"]
        missing = schema.get("missingValues", [""])
        readers[resource["name"]] = own = {}
        for item in schema["fields"]:
            try:
                own[item["name"]] = field_reader(item, missing)
            except (ValueError, TypeError) as error:
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
    problems: list[Problem] = []
    shown = {name: f"{data.name}/{r['path']}" for name, r in dictionary.tables.items()}
    rows: dict[str, Rows] = {}
    whole: dict[str, Rows] = {}
    for name, resource in dictionary.tables.items():
        needed = not dictionary.is_default or resource.get("required")
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
        if found.header and not any(p.row == 1 and not p.column for p in complaints):
            problems += header_problems(found.header, shown[name], resource["schema"])
            rows[name] = found
            if not complaints:
                whole[name] = found
    tables: dict[str, pd.DataFrame] = {}
    for name, found in rows.items():
        schema = dictionary.tables[name]["schema"]
        fields, readers = dictionary.fields(name), dictionary.readers[name]
        tables[name], complaints = read_columns(found, shown[name], fields, readers)
        problems += complaints
        problems += key_problems(found, shown[name], schema)
        problems += link_problems(name, shown, schema, found, whole)
    return tables, problems
