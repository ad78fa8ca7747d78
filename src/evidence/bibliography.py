"""References: a strict reader of BibTeX, short citations and the Vancouver list.

bibtexparser reads the file; this module refuses what it lets pass: a missing comma that merges two
fields, entries that failed to parse, duplicate keys and fields, keys whose year is not the year of
the entry. LaTeX is decoded in author, title and journal only, since decoding cuts addresses at ``%``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import bibtexparser
from bibtexparser import model
from bibtexparser.middlewares.names import (
    parse_single_name_into_parts,
    split_multiple_persons_names,
)
from pylatexenc.latex2text import LatexNodes2Text

from evidence.problems import Problem, ReviewError

DECODED = ("author", "title", "journal", "booktitle", "editor")
KEY = re.compile(r"[A-Za-z0-9]+(?:[_:/.+-][A-Za-z0-9]+)*")
YEAR_IN_KEY = re.compile(r"^[a-z]+((?:1[89]|20)\d\d)(?!\d)")
DOI = re.compile(r"10\.\d{4,9}/\S+")
IDENTIFIERS = ("doi", "pmid", "pmcid", "registry", "url")


@dataclass(frozen=True, slots=True)
class Name:
    """A person, or a body whose whole name stands in `family`."""

    family: str
    given: str = ""

    @property
    def initials(self) -> str:
        """First letters of the given names, as Vancouver style prints them."""
        return "".join(part[0] for part in re.split(r"[\s.-]+", self.given) if part)


@dataclass(frozen=True, slots=True)
class Reference:
    """One document."""

    key: str
    kind: str
    authors: tuple[Name, ...]
    others: bool
    fields: Mapping[str, str] = field(repr=False)
    line: int = 0

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "")

    @property
    def year(self) -> str:
        return self["year"]

    @property
    def is_retracted(self) -> bool:
        return self["retracted"] == "true"

    @property
    def unverified(self) -> tuple[str, ...]:
        """Fields that nobody has checked against the document or an index."""
        return tuple(part.strip() for part in self["unverified"].split(";") if part.strip())

    @property
    def link(self) -> str:
        """Address of the document: its DOI, else PubMed, else a web address; may be empty."""
        if self["doi"]:
            return f"https://doi.org/{self['doi']}"
        if self["pmid"]:
            return f"https://pubmed.ncbi.nlm.nih.gov/{self['pmid']}/"
        return self["url"] if self["url"].startswith(("https://", "http://")) else ""

    @property
    def label(self) -> str:
        """Short citation such as "Parkitny & Younger 2017"."""
        names = [name.family for name in self.authors]
        if not names:
            who = self["journal"] or self["title"]
        elif self.others or len(names) > 2:
            who = f"{names[0]} et al."
        else:
            who = " & ".join(names)
        if not names and not self.year:
            return who
        return f"{who} {self.year or 'n.d.'}"

    @property
    def vancouver(self) -> str:
        """The reference in Vancouver style, plain text without its link."""
        names = [f"{name.family} {name.initials}".strip() for name in self.authors[:6]]
        if self.others or len(self.authors) > 6:
            names.append("et al")
        parts = [", ".join(names), self["title"].rstrip(".")]
        journal = self["journal"] or self["booktitle"] or self["publisher"]
        place = self["volume"] + (f"({self['number']})" if self["number"] else "")
        pages = self["pages"].replace("--", "–")
        dated = self.year + (f";{place}" if place else "") + (f":{pages}" if pages else "")
        parts += [journal, dated]
        text = ". ".join(part for part in parts if part) + "."
        return f"[Retracted] {text}" if self.is_retracted else text


@dataclass(frozen=True, slots=True)
class Bibliography:
    """All references by key, in the order of the file."""

    references: Mapping[str, Reference]

    def __getitem__(self, key: str) -> Reference:
        return self.references[key]

    def __contains__(self, key: object) -> bool:
        return key in self.references

    def __iter__(self) -> Iterator[str]:
        return iter(self.references)

    def __len__(self) -> int:
        return len(self.references)

    def cite(self, key: str) -> str:
        """Short citation of `key`; two that would read the same carry the letter of their key.

        Raises
        ------
        KeyError
            When no reference has that key.
        """
        if key not in self.references:
            raise KeyError(f"no reference has the key '{key}': add it to references.bib")
        label = self.references[key].label
        twins = [other for other in self.references.values() if other.label == label]
        if len(twins) == 1:
            return label
        letters = "abcdefghijklmnopqrstuvwxyz"
        order = sorted(other.key for other in twins)
        return f"{label}{letters[order.index(key)]}"

    def listing(self, keys: Iterable[str]) -> list[Reference]:
        """References of `keys`, each once, sorted by key."""
        return [self.references[key] for key in sorted(set(keys))]


def read_bibliography(path: Path, name: str | None = None) -> tuple[Bibliography, list[Problem]]:
    """Read a BibTeX file strictly.

    Parameters
    ----------
    path : Path
        The file.
    name : str, optional
        How messages call the file; its own name by default.

    Returns
    -------
    bibliography : Bibliography
    warnings : list of Problem
        Entries without identifier or year, and fields nobody has checked.

    Raises
    ------
    ReviewError
        With every problem of the file, when there is any.
    """
    name = name or path.name
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ReviewError(
            [Problem(name, None, "", "", "file is missing", "add the bibliography")]
        ) from None
    except UnicodeDecodeError as error:
        raise ReviewError([encoding_problem(name, path, error)]) from None
    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)
    library = bibtexparser.parse_string(text, parse_stack=[])
    problems: list[Problem] = []
    references: dict[str, Reference] = {}
    for block in library.blocks:
        if isinstance(block, model.Entry) and not isinstance(block, model.ParsingFailedBlock):
            found = _entry_problems(block, name)
            problems += found
            if not found:
                references[block.key] = _reference(block)
        elif not isinstance(block, model.ExplicitComment):
            problems.append(_block_problem(block, name))
    if not references and not problems:
        problems.append(Problem(name, None, "", "", "holds no reference", "add one BibTeX entry"))
    if problems:
        raise ReviewError(problems)
    bibliography = Bibliography(MappingProxyType(references))
    return bibliography, [w for r in references.values() for w in _reference_warnings(r, name)]


def encoding_problem(name: str, path: Path, error: UnicodeDecodeError) -> Problem:
    """The problem of a file that is not UTF-8, with the line that breaks it."""
    before = path.read_bytes()[: error.start]
    return Problem(
        name,
        before.count(b"\n") + 1,
        "",
        repr(error.object[error.start : error.start + 4]),
        "is not UTF-8 text",
        "save the file as UTF-8 (in Excel: 'CSV UTF-8')",
    )


def _block_problem(block: model.Block, name: str) -> Problem:
    row = block.start_line + 1
    start = (block.raw or "").strip().split("\n")[0]
    if isinstance(block, model.DuplicateBlockKeyBlock):
        return Problem(name, row, "key", block.key, "stands twice", "rename or delete one entry")
    if isinstance(block, model.DuplicateFieldKeyBlock):
        fields = ", ".join(sorted(block.duplicate_keys))
        return Problem(name, row, fields, start, "field stands twice", "delete one of the two")
    if isinstance(block, model.ParsingFailedBlock):
        return Problem(
            name, row, "", start, "entry cannot be read", "check its braces, quotes and commas"
        )
    return Problem(
        name, row, "", start, "is not part of any entry", "put it into @comment{…} or delete it"
    )


def _entry_problems(entry: model.Entry, name: str) -> list[Problem]:
    row = entry.start_line + 1
    problems = []
    if not KEY.fullmatch(entry.key or ""):
        problems.append(
            Problem(name, row, "key", entry.key, "is not a plain key",
                    "use letters, digits and - _ : / . between them, such as smith2020")
        )
    for item in entry.fields:
        line = row if item.start_line is None else item.start_line + 1
        complaint = _value_problem(str(item.value))
        if complaint:
            problems.append(Problem(name, line, item.key, str(item.value), *complaint))
    values = {item.key.lower(): _plain(str(item.value)) for item in entry.fields}
    lines = {item.key.lower(): (item.start_line or entry.start_line) + 1 for item in entry.fields}
    doi, year = values.get("doi", ""), values.get("year", "")
    if doi and not DOI.fullmatch(doi):
        problems.append(
            Problem(name, lines["doi"], "doi", doi, "is not a DOI",
                    "write it without resolver, such as 10.1000/182")
        )
    if year and not re.fullmatch(r"\d{4}", year):
        problems.append(Problem(name, lines["year"], "year", year, "is not a year", "use YYYY"))
    in_key = YEAR_IN_KEY.match(entry.key or "")
    if in_key and year and in_key[1] != year:
        problems.append(
            Problem(name, lines["year"], "year", year, f"differs from the year in key {entry.key}",
                    "mend the key or the year")
        )
    if not values.get("title"):
        problems.append(Problem(name, row, "title", "", "is missing", "add a title"))
    return problems


def _value_problem(raw: str) -> tuple[str, str] | None:
    """Rule and advice that a raw field value breaks: it must be one closed token."""
    raw = raw.strip()
    if raw.isdigit():
        return None
    if not raw or raw[0] not in '{"':
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
    if depth != 0:
        return "has unbalanced braces", "close each brace that is opened"
    return None


def _plain(raw: str) -> str:
    raw = raw.strip()
    return raw if raw.isdigit() else " ".join(raw[1:-1].split())


def _reference(entry: model.Entry) -> Reference:
    decode = LatexNodes2Text(keep_braced_groups=False).latex_to_text
    raw = {item.key.lower(): _plain(str(item.value)) for item in entry.fields}
    people = split_multiple_persons_names(raw.get("author", "")) if raw.get("author") else []
    others = bool(people) and people[-1].strip() == "others"
    names = tuple(_name(person, decode) for person in people[: -1 if others else None])
    fields = {key: decode(value) if key in DECODED else value for key, value in raw.items()}
    return Reference(
        entry.key, entry.entry_type.lower(), names, others, MappingProxyType(fields),
        entry.start_line + 1,
    )


def _name(person: str, decode) -> Name:
    person = person.strip()
    if person.startswith("{") and person.endswith("}"):
        return Name(decode(person[1:-1]))
    parts = parse_single_name_into_parts(person)
    family = " ".join([*parts.von, *parts.last, *parts.jr])
    return Name(decode(family), decode(" ".join(parts.first)))


def _reference_warnings(reference: Reference, name: str) -> list[Problem]:
    warnings = []
    if not any(reference[key] for key in IDENTIFIERS):
        warnings.append(
            Problem(name, reference.line, reference.key, "", "has no doi, pmid, registry id or url",
                    "add one so that readers can find it", True)
        )
    if not reference.year and not reference["registry"]:
        warnings.append(
            Problem(name, reference.line, reference.key, "", "has no year", "add it", True)
        )
    if reference.unverified:
        warnings.append(
            Problem(name, reference.line, reference.key, "; ".join(reference.unverified),
                    "fields that nobody has checked", "check them and shorten 'unverified'", True)
        )
    return warnings
