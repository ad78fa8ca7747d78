"""The data dictionary of a review: what each table and column holds, and whether the files agree.

The dictionary is a Data Package (``data/datapackage.json``); frictionless validates every table
against it. A review without one uses the package's own, in which everything but the columns that
an analysis reads is optional. Two properties are ours: ``refersTo`` names what the values of a
column must be found in (``references.bib`` or ``table.column``), ``list`` says that a cell holds
several values separated by semicolons.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd

from evidence.bibliography import encoding_problem
from evidence.problems import Problem, ReviewError

DTYPES = {"number": "float64", "integer": "Int64", "boolean": "boolean"}
DEFAULT_NAME = "datapackage.json"


@dataclass(frozen=True, slots=True)
class Dictionary:
    """Descriptor of the tables of a review.

    Attributes
    ----------
    descriptor : dict
        The Data Package.
    is_default : bool
        True when the review brings none and the package's own is used.
    """

    descriptor: Mapping[str, Any]
    is_default: bool

    @property
    def tables(self) -> dict[str, Mapping[str, Any]]:
        """Table resources by name."""
        return {r["name"]: r for r in self.descriptor["resources"] if r["type"] == "table"}

    @property
    def documents(self) -> dict[str, Mapping[str, Any]]:
        """Resources that are not tables, by name."""
        return {r["name"]: r for r in self.descriptor["resources"] if r["type"] != "table"}

    def fields(self, table: str) -> dict[str, Mapping[str, Any]]:
        """Fields of a table by name."""
        return {f["name"]: f for f in self.tables[table]["schema"]["fields"]}

    def primary_key(self, table: str) -> list[str]:
        """Columns that together name a row; empty when there is no such set."""
        return list(self.tables[table]["schema"].get("primaryKey", []))


def load_dictionary(data: Path) -> Dictionary:
    """Read ``datapackage.json`` of the folder `data`, else the package's own.

    Raises
    ------
    ReviewError
        When the file is there but is not a usable Data Package.
    """
    path = data / DEFAULT_NAME
    if not path.exists():
        text = resources.files("evidence").joinpath(DEFAULT_NAME).read_text(encoding="utf-8")
        return Dictionary(json.loads(text), True)
    name = f"{data.name}/{path.name}"
    try:
        descriptor = json.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ReviewError([encoding_problem(name, path, error)]) from None
    except json.JSONDecodeError as error:
        raise ReviewError(
            [Problem(name, error.lineno, "", "", f"is not JSON ({error.msg})", "mend that line")]
        ) from None
    try:
        dictionary = Dictionary(descriptor, False)
        for table, resource in dictionary.tables.items():
            if Path(resource["path"]).name != resource["path"]:
                raise ValueError(f"path of table '{table}' leaves the folder")
            for item in dictionary.fields(table).values():
                item["type"]
        _package(descriptor, data)
    except Exception as error:  # frictionless raises its own, JSON of another shape raises any
        note = getattr(getattr(error, "error", None), "note", "") or f"{error}"
        raise ReviewError(
            [Problem(name, None, "", note, "is not a usable Data Package",
                     "see https://datapackage.org for its form")]
        ) from None
    return dictionary


def read_tables(
    dictionary: Dictionary, data: Path
) -> tuple[dict[str, pd.DataFrame], list[Problem]]:
    """Read and validate every table that the dictionary describes.

    Returns
    -------
    tables : dict of DataFrame
        Row i of a table is line i + 2 of its file. Numbers are float64 with NaN, integers Int64,
        booleans boolean, text str with NaN; an absent optional table is missing from the dict.
    problems : list of Problem
        All that is wrong; a table with a problem is not among `tables`.
    """
    tables: dict[str, pd.DataFrame] = {}
    problems: list[Problem] = []
    readable = []
    for name, resource in dictionary.tables.items():
        path = data / resource["path"]
        shown = f"{data.name}/{resource['path']}"
        if not path.exists():
            if not dictionary.is_default or resource.get("required"):
                problems.append(
                    Problem(shown, None, "", "", "file is missing",
                            "restore it, or take the table out of datapackage.json"
                            if not dictionary.is_default else "add it; see data/README.md")
                )
            continue
        found = _shape_problems(path, shown, resource)
        problems += found
        if not found:
            readable.append(name)
    problems += _content_problems(dictionary, data, readable)
    broken = {problem.file for problem in problems}
    for name in readable:
        resource = dictionary.tables[name]
        if f"{data.name}/{resource['path']}" not in broken:
            tables[name] = _frame(data / resource["path"], dictionary.fields(name))
    return tables, problems


def _shape_problems(path: Path, shown: str, resource: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with the file as a whole: encoding, header, width of the rows."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        return [encoding_problem(shown, path, error)]
    if not text.strip():
        return [Problem(shown, None, "", "", "file is empty", "restore at least its header row")]
    try:
        rows = list(csv.reader(text.splitlines(keepends=True), strict=True))
    except csv.Error as error:
        return [Problem(shown, None, "", str(error), "is not a CSV file", "check the quotes")]
    header = rows[0]
    problems = [
        Problem(shown, 1, name, name, "column stands twice", "delete or rename one of the two")
        for name in sorted({n for n in header if header.count(n) > 1})
    ]
    expected = {f["name"]: f for f in resource["schema"]["fields"]}
    match = resource["schema"].get("fieldsMatch", "equal")
    for name, item in expected.items():
        needed = match in ("equal", "subset") or item.get("constraints", {}).get("required")
        if name not in header and needed:
            problems.append(
                Problem(shown, 1, name, "", "column is missing", "add it; cells may stay empty")
            )
    if match in ("equal", "superset"):
        problems += [
            Problem(shown, 1, name, name, "column is not in the data dictionary",
                    "check its spelling, or describe it in data/datapackage.json")
            for name in header if name not in expected
        ]
    problems += [
        Problem(shown, number, "", f"{len(row)} cells",
                f"the header has {len(header)} columns", "check the commas and quotes of this row")
        for number, row in enumerate(rows[1:], 2) if row and len(row) != len(header)
    ]
    problems += [
        Problem(shown, number, "", "", "row is empty", "delete it")
        for number, row in enumerate(rows[1:], 2) if not any(cell.strip() for cell in row)
    ]
    return problems


def _package(descriptor: Mapping[str, Any], data: Path, names: list[str] | None = None):
    from frictionless import Package

    chosen = [
        r for r in descriptor["resources"]
        if r["type"] == "table" and (names is None or r["name"] in names)
    ]
    known = {r["name"] for r in chosen} | {""}
    trimmed = []
    for resource in chosen:
        schema = dict(resource["schema"])
        keys = [k for k in schema.get("foreignKeys", []) if k["reference"]["resource"] in known]
        header = _header(data / resource["path"]) if names is not None else None
        if header is not None:
            schema["fields"] = [f for f in schema["fields"] if f["name"] in header]
            schema["fieldsMatch"] = "subset"
            keys = [k for k in keys if set(k["fields"]) <= set(header)]
        schema["foreignKeys"] = keys
        trimmed.append({**resource, "schema": schema})
    return Package.from_descriptor({"name": "review", "resources": trimmed}, basepath=str(data))


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file))


def _content_problems(dictionary: Dictionary, data: Path, names: list[str]) -> list[Problem]:
    if not names:
        return []
    package = _package(dictionary.descriptor, data, names)
    report = package.validate(limit_errors=100_000)
    by_name = dictionary.tables
    problems = []
    for task in report.tasks:
        resource = by_name[task.name]
        shown = f"{data.name}/{resource['path']}"
        fields = {f["name"]: f for f in resource["schema"]["fields"]}
        for error in task.errors:
            problems.append(_cell_problem(error, shown, fields))
    return problems


def _cell_problem(error, shown: str, fields: Mapping[str, Mapping[str, Any]]) -> Problem:
    row = getattr(error, "row_number", None)
    column = getattr(error, "field_name", "") or ""
    cell = getattr(error, "cell", "")
    field = fields.get(column, {})
    if error.type == "type-error":
        return Problem(shown, row, column, cell, f"is not a {field['type']}", _type_advice(field))
    if error.type == "constraint-error":
        return Problem(shown, row, column, cell, *_constraint(error.note, field))
    if error.type in ("primary-key", "unique-error"):
        return Problem(shown, row, column or "key", _cells(error), "stands twice",
                       "give each row its own id")
    if error.type == "foreign-key":
        target = getattr(error, "reference_name", "") or "this table"
        names = getattr(error, "field_names", [column])
        return Problem(shown, row, ", ".join(names), _cells(error), f"is not in table '{target}'",
                       "mend the spelling, or add the row there first")
    return Problem(shown, row, column, str(cell or ""), error.note or error.title, "check this row")


def _cells(error) -> str:
    cells = getattr(error, "field_cells", None)
    if cells:
        return ", ".join(str(cell) for cell in cells)
    return error.note.split('"')[1] if '"' in (error.note or "") else ""


def _type_advice(field: Mapping[str, Any]) -> str:
    return {
        "number": "write digits with a decimal point, or leave it empty",
        "integer": "write whole digits, or leave it empty",
        "boolean": "write true or false",
    }.get(field["type"], "see the data dictionary")


def _constraint(note: str, field: Mapping[str, Any]) -> tuple[str, str]:
    limits = field.get("constraints", {})
    if '"enum"' in note:
        return "is not in the vocabulary", f"use one of {', '.join(map(str, limits['enum']))}"
    if '"required"' in note:
        return "must not be empty", "fill it in"
    if '"minimum"' in note:
        return f"is below {limits['minimum']}", "check the value"
    if '"maximum"' in note:
        return f"is above {limits['maximum']}", "check the value"
    return f"breaks a constraint ({note})", "see the data dictionary"


def _frame(path: Path, fields: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    text = pd.read_csv(
        path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig",
        skip_blank_lines=False,
    )
    columns = {}
    for name in text.columns:
        dtype = DTYPES.get(fields.get(name, {}).get("type", "string"), "str")
        column = text[name]
        if dtype == "boolean":
            column = column.map({"true": True, "false": False})
        columns[name] = (
            pd.to_numeric(column).astype(dtype) if dtype in ("float64", "Int64")
            else column.astype(dtype)
        )
    return pd.DataFrame(columns)
