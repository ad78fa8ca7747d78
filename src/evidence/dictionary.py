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
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd

from evidence.descriptor import check_against, check_form, is_table, parsed
from evidence.problems import Problem, ReviewError
from evidence.schema import (
    NEAR,
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
        return {r["name"]: r for r in self.descriptor["resources"] if is_table(r)}

    @property
    def documents(self) -> dict[str, Mapping[str, Any]]:
        """Resources that are not tables, by name."""
        return {r["name"]: r for r in self.descriptor["resources"] if not is_table(r)}

    def fields(self, table: str) -> dict[str, Mapping[str, Any]]:
        """Fields of a table by name."""
        return {f["name"]: f for f in self.tables[table]["schema"]["fields"]}

    def primary_key(self, table: str) -> list[str]:
        """Columns that together name a row; empty when there is no such set."""
        return names(self.tables[table]["schema"].get("primaryKey"))


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
        descriptor = parsed(text)
        check_form(descriptor)
        readers = _readers(descriptor)
        check_against(descriptor, default_descriptor())
        return Dictionary(descriptor, False, readers)
    except (json.JSONDecodeError, RecursionError) as error:
        row = getattr(error, "lineno", 1)
        rule = f"is not JSON ({getattr(error, 'msg', 'nested too deeply')})"
        advice = "mend this line or the one before it"
    except ValueError as error:
        row, rule = None, f"cannot be used as a data dictionary: {error}"
        advice = "restore it, or see https://datapackage.org"
    raise ReviewError([Problem(shown, row, "", "", rule, advice)])


def _readers(descriptor: Mapping[str, Any]) -> dict[str, dict[str, Reader]]:
    readers: dict[str, dict[str, Reader]] = {}
    for resource in filter(is_table, descriptor["resources"]):
        schema = resource["schema"]
        missing = ["", *schema.get("missingValues", [])]  # an empty cell never says anything
        readers[resource["name"]] = own = {}
        for item in schema["fields"]:
            try:
                own[item["name"]] = field_reader(item, missing)
            except (ValueError, TypeError, re.error) as error:  # a pattern may be none
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
    broken = {name for name in shown if name not in whole and (
        data / dictionary.tables[name]["path"]).exists()}
    for name, found in rows.items():
        schema = dictionary.tables[name]["schema"]
        fields, readers = dictionary.fields(name), dictionary.readers[name]
        tables[name], complaints = read_columns(found, shown[name], fields, readers)
        problems += complaints
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
