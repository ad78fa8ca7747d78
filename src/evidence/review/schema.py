"""Cells, keys and links of one table against its schema; messages in plain words.

Every distinct value of a column is read and judged once. Keys and links between tables are compared
in one pass over the columns.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date
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
READERS = {
    "any": str, "string": str, "number": float, "integer": int, "boolean": None,
    "date": date.fromisoformat, "year": int,
}  # fmt: skip
TRUE, FALSE = ("true", "True", "TRUE", "1"), ("false", "False", "FALSE", "0")
BOUNDS = {
    "minimum": "is below {}",
    "maximum": "is above {}",
    "exclusiveMinimum": "is not above {}",
    "exclusiveMaximum": "is not below {}",
}
LENGTHS = ("minLength", "maxLength", "pattern")
CONSTRAINTS = {
    "any": LENGTHS, "string": LENGTHS, "number": tuple(BOUNDS), "integer": tuple(BOUNDS),
    "date": tuple(BOUNDS), "year": tuple(BOUNDS),
}  # fmt: skip


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
    """A function that reads and judges one cell of a column of a Data Package.

    It takes the text of a cell and returns its value and None, or None and the rule that the cell
    breaks, as a mapping of one item. An empty cell is None, and no rule but required touches it.

    Raises
    ------
    ValueError
        When type or constraints are not those of a Data Package.

    Examples
    --------
    >>> read = field_reader({"name": "n", "type": "integer", "constraints": {"minimum": 1}}, [""])
    >>> read("12"), read(""), read("0")
    ((12, None), (None, None), (None, {'minimum': 1}))
    """
    kind = field["type"]
    if not isinstance(kind, str) or kind not in READERS:
        raise ValueError(f"type '{kind}' is unknown")
    limits = field.get("constraints", {})
    known = ("unique", "required", "enum", *CONSTRAINTS.get(kind, ()))
    if not isinstance(limits, dict) or not set(limits) <= set(known):
        raise ValueError(f"constraints of a {kind} are {', '.join(known)}")
    value_of = READERS[kind]
    if kind == "boolean":
        words = {word: True for word in field.get("trueValues", TRUE)}
        words |= {word: False for word in field.get("falseValues", FALSE)}
        value_of = words.__getitem__
    rules = [_rule(name, limit, kind, value_of) for name, limit in limits.items()
             if name not in ("unique", "required")]
    is_required, empty = bool(limits.get("required")), frozenset(missing)

    def read(cell: str) -> tuple[Any, Mapping[str, Any] | None]:
        if cell in empty:
            return None, ({"required": True} if is_required else None)
        try:
            value = value_of(cell)
        except (ValueError, KeyError):
            return None, {"type": kind}
        broken = next(((name, limit) for name, limit, keeps in rules if not keeps(value)), None)
        return (None, dict([broken])) if broken else (value, None)

    return read


def _rule(name: str, limit: Any, kind: str, value_of: Callable) -> tuple[str, Any, Callable]:
    """A constraint as its name, its limit and a function that says whether a value keeps it."""
    if name == "enum":
        if not isinstance(limit, list):
            raise ValueError("enum is not a list")
        allowed = [value_of(item) if isinstance(item, str) else item for item in limit]
        return name, limit, allowed.__contains__
    if name == "pattern":
        return name, limit, _fits(regex.compile(limit))
    try:
        end = int(limit) if name.endswith("Length") else value_of(str(limit))
    except (ValueError, KeyError):
        raise ValueError(f"{name} is not a {kind}") from None
    keeps = {
        "minLength": lambda value: len(value) >= end, "maxLength": lambda value: len(value) <= end,
        "minimum": lambda value: value >= end, "maximum": lambda value: value <= end,
        "exclusiveMinimum": lambda value: value > end,
        "exclusiveMaximum": lambda value: value < end,
    }  # fmt: skip
    return name, limit, keeps[name]


def _fits(pattern: regex.Pattern) -> Callable[[str], bool]:
    """Whether a text fits a pattern, compared for a bounded time."""
    def fits(value: str) -> bool:
        try:
            return bool(pattern.fullmatch(value, timeout=SECONDS))
        except TimeoutError:
            raise SlowPatternError from None

    return fits


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
        if fields[name].get("readAs"):
            columns[name] = _in_other_words(columns[name], fields[name]["readAs"])
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


def _in_other_words(values: list, words: Mapping[str, str]) -> list:
    """Texts with whole words replaced, longer ones first."""
    listed = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    pattern = re.compile(rf"\b(?:{listed})\b")
    return [value if value is None else pattern.sub(lambda found: words[found[0]], value)
            for value in values]


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


def code_columns(schema: Mapping[str, Any]) -> set[str]:
    """Columns whose cells are compared with others: keys, links and vocabularies."""
    codes = set(names(schema.get("primaryKey")))
    for key in schema.get("foreignKeys", []):
        codes |= set(names(key["fields"]))
    for field in schema["fields"]:
        constraints = field.get("constraints", {})
        if field.get("refersTo") or constraints.get("enum") or constraints.get("unique"):
            codes.add(field["name"])
    return codes


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
