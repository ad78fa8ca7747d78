"""A strict reader of BibTeX.

bibtexparser reads the file; this module refuses what it lets pass: a missing comma that merges two
fields, entries that failed to parse, text outside every entry, duplicate keys and fields, keys
whose year is not the year of the entry. Values are returned as they stand in the file.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bibtexparser
from bibtexparser import model
from bibtexparser.middlewares.names import (
    InvalidNameError,
    parse_single_name_into_parts,
    split_multiple_persons_names,
)

from evidence.review.problems import Problem, ReviewError
from evidence.review.textfile import control_problem, read_text

KEY = re.compile(r"[A-Za-z0-9]+(?:[_:/.+-][A-Za-z0-9]+)*")
YEAR_IN_KEY = re.compile(r"^\D+((?:1[89]|20)\d\d)(?!\d)")
DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>\\{}]+")
JUNIOR = re.compile(r"(?:jr|sr|junior|senior|[ivx]+|\d(?:st|nd|rd|th))\.?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One BibTeX entry: raw values by lower-case field name, without their braces or quotes."""

    key: str
    kind: str
    fields: dict[str, str]
    line: int


def read_entries(path: Path, name: str) -> list[Entry]:
    """Entries of a BibTeX file, in its order.

    Parameters
    ----------
    path : Path
    name : str
        How messages call the file.

    Raises
    ------
    ReviewError
        With every problem of the file, when there is any.
    """
    text = read_text(path, name, "add the bibliography, one BibTeX entry for each source")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)
    blocks = bibtexparser.parse_string(text, parse_stack=[]).blocks
    entries: list[Entry] = []
    problems: list[Problem] = []
    seen: dict[str, str] = {}
    for block, previous in zip(blocks, [None, *blocks], strict=False):
        if type(block) is not model.Entry:
            if not _is_harmless(block, previous):
                problems.append(_block_problem(block, name))
            continue
        found = list(_entry_problems(block, name))
        twin = seen.setdefault(block.key.lower(), block.key)
        if block.key and twin != block.key:
            found.append(
                Problem(name, block.start_line + 1, "key", block.key,
                        f"differs from '{twin}' in capitals only", "rename or delete one entry")
            )
        if not found:
            values = {item.key.lower(): _plain(item.value) for item in block.fields}
            entries.append(Entry(block.key, block.entry_type.lower(), values, block.start_line + 1))
        problems += found
    if not blocks or not (entries or problems):
        problems.append(Problem(name, None, "", "", "holds no reference", "add one BibTeX entry"))
    if problems:
        raise ReviewError(problems)
    return entries


def _is_harmless(block: model.Block, previous: model.Block | None) -> bool:
    """Comments, and the rest of an entry that is reported already."""
    if isinstance(block, model.ExplicitComment):
        return True
    if not isinstance(block, model.ImplicitComment):
        return False
    if isinstance(previous, model.ParsingFailedBlock):
        return True
    lines = [line.strip() for line in block.raw.strip().split("\n") if line.strip()]
    return all(line.startswith("%") for line in lines) and lines[-1].strip("% ") != ""


def _block_problem(block: model.Block, name: str) -> Problem:
    row = block.start_line + 1
    start = (block.raw or "").strip().split("\n")[0]
    if isinstance(block, model.DuplicateBlockKeyBlock):
        return Problem(name, row, "key", block.key, "stands twice", "rename or delete one entry")
    if isinstance(block, model.DuplicateFieldKeyBlock):
        fields = ", ".join(sorted(block.duplicate_keys))
        return Problem(name, row, fields, start, "field stands twice", "delete one of the two")
    if isinstance(block, model.ParsingFailedBlock):
        return Problem(name, row, "", start, "entry cannot be read",
                       "check its braces, quotes, equal signs and commas")
    if isinstance(block, model.String | model.Preamble):
        return Problem(name, row, "", start, "abbreviations are not used here",
                       "write the text out in each entry and delete this")
    return Problem(name, row, "", start, "is not part of any entry",
                   "look for a brace too many above, put it into @comment{…}, or delete it")


def _entry_problems(entry: model.Entry, name: str) -> Iterator[Problem]:
    row = entry.start_line + 1
    if not KEY.fullmatch(entry.key):
        yield Problem(name, row, "key", entry.key, "is not a plain key",
                      "use letters, digits and - _ : / . between them, such as smith2020")
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    broken: set[str] = set()
    for item in entry.fields:
        field = item.key.lower()
        line = row if item.start_line is None else item.start_line + 1
        complaint = _value_problem(item.value)
        unprintable = control_problem(item.value)
        if unprintable or complaint:
            broken.add(field)
            yield Problem(name, line, item.key, *(unprintable or (item.value, *complaint)))
        elif field in values:
            yield Problem(name, line, item.key, item.value, "field stands twice",
                          "delete one of the two")
        if field not in broken:
            values.setdefault(field, _plain(item.value))
        lines.setdefault(field, line)
    for field, complaint in _field_problems(entry.key, values):
        yield Problem(name, lines.get(field, row), field, values.get(field, ""), *complaint)
    if not values.get("title", "").strip("{} ") and not broken:
        rule = "is empty" if "title" in values else "is missing"
        yield Problem(name, lines.get("title", row), "title", "", rule, "add a title")


def _value_problem(raw: str) -> tuple[str, str] | None:
    """Rule and advice that a raw value breaks: it must be one token in braces or quotes."""
    raw = raw.strip()
    if raw.isdecimal() and raw.isascii():
        return None
    if not raw:
        return "has no value", "write {value}, or delete the field"
    if raw[0] not in '{"':
        if "=" in raw:
            return "holds more than one field", "add the comma that is missing after the first"
        return "is neither in braces nor in quotes", "write {value}"
    depth = 0
    for position, character in enumerate(raw):
        if character in "{}" and raw[position - 1] != "\\":
            depth += 1 if character == "{" else -1
        closes = depth == 0 and position > 0 and character == ("}" if raw[0] == "{" else '"')
        if closes and position < len(raw) - 1:
            return "holds more than one value", "add the comma that is missing after the first"
        if depth < 0:
            break
    if depth != 0 or (raw[0] == '"' and (len(raw) == 1 or raw[-1] != '"')):
        return "has unbalanced braces or quotes", "close each one that is opened"
    return None


def _plain(raw: str) -> str:
    raw = raw.strip()
    return raw if raw.isdecimal() else " ".join(raw[1:-1].split())


def _field_problems(key: str, values: dict[str, str]) -> Iterator[tuple[str, tuple[str, str]]]:
    doi, pmid, year = (values.get(field, "") for field in ("doi", "pmid", "year"))
    if doi and not DOI.fullmatch(doi):
        yield "doi", ("is not a DOI", "write it without resolver, such as 10.1000/182")
    if pmid and not re.fullmatch(r"[0-9]{1,8}", pmid):
        yield "pmid", ("is not a PubMed number", "write its digits only")
    in_key = YEAR_IN_KEY.match(key)
    if year and not re.fullmatch(r"[0-9]{4}", year):
        yield "year", ("is not a year", "write four digits")
    elif in_key and year and in_key[1] != year:
        yield "year", (f"differs from the year in the key {key}", "mend the key or the year")
    for field in ("author", "editor"):
        complaint = _names_problem(values.get(field, ""))
        if complaint:
            yield field, complaint


def _names_problem(names: str) -> tuple[str, str] | None:
    """Names set apart by commas or semicolons would silently become one odd person."""
    if re.search(r"\bet\.? al\b", names):
        return "holds 'et al.'", "write 'and others'"
    try:
        people = [
            parse_single_name_into_parts(person)
            for person in split_multiple_persons_names(names)
            if not person.startswith("{")
        ]
    except InvalidNameError:
        people = None
    if people is None or any(
        ";" in " ".join([*person.first, *person.last])
        or (person.jr and not JUNIOR.fullmatch(" ".join(person.jr)))
        for person in people
    ):
        return "is not a list of names", "write Last, First and Last, First; set bodies in {braces}"
    return None
