"""Cells, keys and links of one table against its schema; messages in plain words.

The fields of frictionless read and judge every distinct value of a column. They are built from the
descriptor directly: importing its metadata validator (jsonschema) would take longer than reading a
review. Keys and links between tables are compared here in one pass over the columns.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import pandas as pd
import regex

from evidence.review.problems import Problem
from evidence.review.textfile import Rows

DTYPES = {"number": "float64", "integer": "Int64", "boolean": "boolean"}
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
LARGEST_INTEGER = 2**53
SECONDS = 0.5  # for comparing one cell with a pattern
NEAR = 0.8  # how alike two spellings are before one is offered for the other
TYPES = {
    "number": ("is not a number", "write digits with a decimal point, or leave it empty"),
    "integer": ("is not a whole number", "write whole digits, or leave it empty"),
    "boolean": ("is neither true nor false", "write true or false"),
}
BOUNDS = {
    "minimum": "is below {}",
    "maximum": "is above {}",
    "exclusiveMinimum": "is not above {}",
    "exclusiveMaximum": "is not below {}",
}

Reader = Callable[[Any], tuple[Any, Mapping[str, str] | None]]


def items(cell: object, field: Mapping[str, Any]) -> list[str]:
    """Values of a cell: several where the field is a list, none where the cell is empty."""
    if not field.get("list"):
        return [str(cell)] if cell else []
    return [part.strip() for part in str(cell or "").split(";") if part.strip()]


def names(value: str | list[str] | None) -> list[str]:
    """A Data Package names one column by a string, several by a list."""
    return [value] if isinstance(value, str) else list(value or [])


def field_reader(field: Mapping[str, Any], missing: list[str]) -> Reader:
    """The cell reader of frictionless for one field of a descriptor.

    Raises
    ------
    ValueError
        When type or constraints are not those of a Data Package.
    """
    from frictionless import fields as kinds  # a quarter of a second that `--help` can do without

    classes = {getattr(kind, "type", None): kind for kind in vars(kinds).values()}
    kind = field["type"]
    if not isinstance(kind, str) or kind not in classes:
        raise ValueError(f"type '{kind}' is unknown")
    limits = field.get("constraints", {})
    known = ["unique", *classes[kind].supported_constraints]
    if not isinstance(limits, dict) or not set(limits) <= set(known):
        raise ValueError(f"constraints of a {kind} are {', '.join(known)}")
    if not isinstance(limits.get("enum", []), list):
        raise ValueError("enum is not a list")
    others = {name: limit for name, limit in limits.items() if name != "pattern"}
    options = {"format": field.get("format"), "constraints": others, "missing_values": missing}
    if kind == "boolean":
        options["true_values"] = field.get("trueValues")
        options["false_values"] = field.get("falseValues")
    made = classes[kind](name=field["name"], **{k: v for k, v in options.items() if v is not None})
    read = made.create_value_reader()
    for name in BOUNDS:
        if name in limits and read(limits[name]) is None:
            raise ValueError(f"{name} is not a {kind}")
    reader = made.create_cell_reader()
    return _with_pattern(reader, limits["pattern"]) if "pattern" in limits else reader


def _with_pattern(reader: Reader, pattern: str) -> Reader:
    """The reader, which compares the cell with a pattern as well, for a bounded time."""
    compiled = regex.compile(pattern)

    def read(cell: Any) -> tuple[Any, Mapping[str, str] | None]:
        value, notes = reader(cell)
        if value is None or notes:
            return value, notes
        try:
            fits = compiled.fullmatch(str(cell), timeout=SECONDS)
        except TimeoutError:
            raise SlowPatternError from None
        return (value, None) if fits else (None, {"pattern": pattern})

    return read


class SlowPatternError(Exception):
    """A pattern of the data dictionary cannot be compared with a cell in bounded time."""


def header_problems(
    header: list[str], shown: str, schema: Mapping[str, Any]
) -> Iterator[Problem]:
    """Columns that are missing, misspelt or unknown.

    An optional column that may be misspelt is a warning, but not one that differs from the name
    in capitals, spaces or hyphens only.
    """
    match = schema.get("fieldsMatch", "equal")
    fields = {field["name"]: field for field in schema["fields"]}
    unknown = [column for column in header if column and column not in fields]
    for name, field in fields.items():
        if name in header:
            continue
        needed = match in ("equal", "exact", "subset") or _is_required(field)
        same = [column for column in unknown if _bare(column) == name]
        near = same or get_close_matches(name, unknown, 1, NEAR)
        if near:
            unknown.remove(near[0])
            yield Problem(shown, 1, near[0], "", f"is not a column; '{name}' is, and is missing",
                          "mend the name if that is what you mean", not (needed or same))
        elif needed:
            advice = "add it and fill it in" if _is_required(field) else "add it; it may stay empty"
            yield Problem(shown, 1, name, "", "column is missing", advice)
    if match in ("equal", "exact", "superset"):
        for name in dict.fromkeys(unknown):
            yield Problem(shown, 1, name, "", "column is not in the data dictionary",
                          "check its spelling, or describe it in data/datapackage.json")


def _bare(column: str) -> str:
    """A column name without capitals, spaces and hyphens."""
    return re.sub(r"[\s-]+", "_", column.lower())


def _is_required(field: Mapping[str, Any]) -> bool:
    return bool(field.get("constraints", {}).get("required"))


def read_columns(
    rows: Rows, shown: str, fields: Mapping[str, Mapping[str, Any]], readers: Mapping[str, Reader]
) -> tuple[pd.DataFrame, list[Problem]]:
    """Typed columns of a table, and its cells that break their schema.

    Returns
    -------
    frame : DataFrame
        Row i is line i + 2 of the file; rows with a problem are left out.
    problems : list of Problem
    """
    columns: dict[str, list] = {}
    problems: list[Problem] = []
    for name in dict.fromkeys(rows.header):
        cells = rows.column(name)
        if name not in fields:
            columns[name] = [cell or None for cell in cells]
            continue
        try:
            known = {cell: _read(cell, fields[name], readers[name])
                     for cell in dict.fromkeys(cells)}
        except SlowPatternError:
            columns[name] = [None] * len(cells)
            problems.append(Problem(
                shown, None, name, "", "its pattern takes too long to be compared with its cells",
                "simplify the pattern in data/datapackage.json",
            ))  # fmt: skip
            continue
        columns[name] = [known[cell][0] for cell in cells]
        problems += [
            Problem(shown, line, name, cell, *known[cell][1])
            for line, cell in zip(rows.lines, cells, strict=True) if known[cell][1]
        ]
    index = pd.Index(rows.lines, dtype="int64") - 2
    frame = pd.DataFrame(
        {
            name: pd.Series(
                values, index=index, dtype=DTYPES.get(fields.get(name, {}).get("type"), "str")
            )
            for name, values in columns.items()
        },
        index=index,
    )
    broken = {problem.row - 2 for problem in problems if problem.row}
    return frame[~frame.index.isin(broken)] if broken else frame, problems


def _read(cell: str, field: Mapping[str, Any], reader: Reader) -> tuple[Any, Any]:
    """Value of a cell and None, or None and the rule and advice that the cell breaks."""
    kind = field["type"]
    if kind in ("number", "integer") and cell and not NUMBER.fullmatch(cell):
        return None, TYPES[kind]
    value, notes = reader(cell)
    if notes:
        return None, _complaint(cell, notes, field)
    if value is None:
        return None, None
    if kind == "number":
        value = float(value)
        if not math.isfinite(value):
            return None, ("is too large for a number", "check the value")
    elif kind == "integer" and abs(value) > LARGEST_INTEGER:
        return None, ("is too large for a number", "check the value")
    return (value if kind in DTYPES else cell), None


def _complaint(cell: str, notes: Mapping[str, str], field: Mapping[str, Any]) -> tuple[str, str]:
    limits = field.get("constraints", {})
    rule = next(iter(notes))
    if rule == "type":
        return TYPES.get(field["type"], (f"is not a {field['type']}", "see the data dictionary"))
    if rule == "required":
        return "must not be empty", "fill it in"
    if rule == "enum":
        allowed = [str(value) for value in limits["enum"]]
        return "is not in the vocabulary", f"use {_nearest(cell, allowed)}{', '.join(allowed)}"
    if rule in BOUNDS:
        return BOUNDS[rule].format(limits[rule]), "check the value"
    return f"breaks the rule {rule}: {limits[rule]}", "see the data dictionary"


def _nearest(cell: str, allowed: list[str]) -> str:
    near = get_close_matches(cell.lower(), allowed, 1, NEAR)
    return f"'{near[0]}'? Allowed: " if near else "one of "


def key_problems(rows: Rows, shown: str, schema: Mapping[str, Any]) -> Iterator[Problem]:
    """Rows whose key stands in an earlier row already."""
    keys = [names(schema.get("primaryKey"))]
    keys += [
        [f["name"]] for f in schema["fields"]
        if f.get("constraints", {}).get("unique") and [f["name"]] != keys[0]
    ]
    for key in keys:
        if not key or not set(key) <= set(rows.header):
            continue
        first: dict[tuple[str, ...], int] = {}
        values = zip(*(rows.column(name) for name in key), strict=True)
        for line, value in zip(rows.lines, values, strict=True):
            if all(value) and first.setdefault(value, line) != line:
                yield Problem(shown, line, ", ".join(key), ", ".join(value),
                              f"stands already in row {first[value]}", "give each row its own id")


def link_problems(
    table: str, shown: Mapping[str, str], schema: Mapping[str, Any], here: Rows,
    rows: Mapping[str, Rows], broken: Collection[str] = (),
) -> Iterator[Problem]:
    """Cells that name a row which another table does not hold.

    Parameters
    ----------
    table : str
    shown : mapping
        How messages call the file of each table.
    schema : mapping
    here : Rows
        Rows of the table.
    rows : mapping
        Rows of the tables that were read whole; links to other tables are not compared.
    broken : collection of str
        Tables that are there and could not be read whole: a link that may lead to one of them is
        not compared, since nobody can tell what it holds.
    """
    links: list[tuple[list[str], list[tuple[str, list[str]]]]] = []
    for key in schema.get("foreignKeys", []):
        target = key["reference"]
        links.append(
            (names(key["fields"]), [(target.get("resource") or table, names(target["fields"]))])
        )
    fields = {field["name"]: field for field in schema["fields"]}
    for name, field in fields.items():
        targets = [t.split(".") for t in names(field.get("refersTo")) if t != "references.bib"]
        if targets:
            links.append(([name], [(other, [column]) for other, column in targets]))
    for columns, targets in links:
        if any(other in broken for other, _ in targets):
            continue
        targets = [
            (other, wanted) for other, wanted in targets
            if other in rows and set(wanted) <= set(rows[other].header)
        ]
        if not targets or not set(columns) <= set(here.header):
            continue
        known = {
            values for other, wanted in targets
            for values in zip(*(rows[other].column(name) for name in wanted), strict=True)
        }
        places = " or ".join(f"{shown[other]} ({', '.join(wanted)})" for other, wanted in targets)
        field = fields.get(columns[0], {}) if len(columns) == 1 else {}
        cells = zip(*(here.column(name) for name in columns), strict=True)
        for line, values in zip(here.lines, cells, strict=True):
            if not all(values):
                continue
            named = [(part,) for part in items(values[0], field)] if field else [values]
            for value in dict.fromkeys(named):
                is_filter = field.get("filter", False) and "=" in value[0]
                if value not in known and not is_filter:
                    yield Problem(shown[table], line, ", ".join(columns), ", ".join(value),
                                  f"is not in {places}", "mend the spelling, or add the row there")
