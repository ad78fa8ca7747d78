"""References: short citations and the Vancouver list of a strictly read BibTeX file.

LaTeX is decoded in author, editor, title, journal and booktitle only, since decoding would cut
addresses and notes at ``%``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from bibtexparser.middlewares.names import (
    parse_single_name_into_parts,
    split_multiple_persons_names,
)
from pylatexenc.latex2text import LatexNodes2Text

from evidence.review.addresses import LONGEST, web_address
from evidence.review.bibtex import Entry, read_entries
from evidence.review.problems import Problem

DECODED = ("author", "title", "journal", "booktitle", "editor")
IDENTIFIERS = ("doi", "pmid", "pmcid", "registry", "url")
LATEX = re.compile(r"[\\$~%]|--|``|''")
BRACES = str.maketrans("", "", "{}")

_latex_to_text = LatexNodes2Text(keep_braced_groups=False).latex_to_text


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
            return web_address(f"https://doi.org/{self['doi']}")
        if self["pmid"]:
            return web_address(f"https://pubmed.ncbi.nlm.nih.gov/{self['pmid']}/")
        return web_address(self["url"])

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
        parts = [", ".join(names), self["title"]]
        journal = self["journal"] or self["booktitle"] or self["publisher"]
        place = self["volume"] + (f"({self['number']})" if self["number"] else "")
        pages = self["pages"].replace("--", "–")
        dated = self.year + (f";{place}" if place else "") + (f":{pages}" if pages else "")
        parts += [journal, dated]
        text = " ".join(part if part[-1] in ".?!" else f"{part}." for part in parts if part)
        return f"[Retracted] {text}" if self.is_retracted else text


@dataclass(frozen=True, slots=True)
class Bibliography:
    """All references by key, in the order of the file."""

    references: Mapping[str, Reference]
    _citations: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_citations", _distinct_labels(self.references))

    def __getitem__(self, key: str) -> Reference:
        return self.references[key]

    def __contains__(self, key: object) -> bool:
        return key in self.references

    def __iter__(self) -> Iterator[str]:
        return iter(self.references)

    def __len__(self) -> int:
        return len(self.references)

    def cite(self, key: str) -> str:
        """Short citation of `key`; those that would read the same carry a, b, c in key order.

        Raises
        ------
        KeyError
            When no reference has that key.
        """
        if key not in self.references:
            raise KeyError(f"no reference has the key '{key}': add it to references.bib")
        return self._citations[key]

    def listing(self, keys: Iterable[str]) -> list[Reference]:
        """References of `keys`, each once, sorted by key."""
        return [self.references[key] for key in sorted(set(keys))]


def _distinct_labels(references: Mapping[str, Reference]) -> dict[str, str]:
    keys_of: dict[str, list[str]] = {}
    for key in sorted(references):
        keys_of.setdefault(references[key].label, []).append(key)
    return {
        key: label if len(keys) == 1 else f"{label}{_letters(number)}"
        for label, keys in keys_of.items()
        for number, key in enumerate(keys)
    }


def _letters(number: int) -> str:
    """a to z, then aa, ab and so on."""
    before, last = divmod(number, 26)
    return (_letters(before - 1) if before else "") + chr(ord("a") + last)


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
    references = {entry.key: _reference(entry) for entry in read_entries(path, name)}
    warnings = [w for r in references.values() for w in _reference_warnings(r, name)]
    return Bibliography(MappingProxyType(references)), warnings


def _reference(entry: Entry) -> Reference:
    people = split_multiple_persons_names(entry.fields.get("author", ""))
    others = bool(people) and people[-1].strip().lower() == "others"
    names = tuple(_name(person) for person in people[: -1 if others else None])
    fields = {
        key: _decoded(value) if key in DECODED else value for key, value in entry.fields.items()
    }
    return Reference(entry.key, entry.kind, names, others, MappingProxyType(fields), entry.line)


@lru_cache(maxsize=4096)  # journals and given names come again and again
def _decoded(text: str) -> str:
    """LaTeX to plain text; a bare % is a per cent sign here, not the start of a comment."""
    if not LATEX.search(text):
        return text.translate(BRACES)
    return " ".join(_latex_to_text(re.sub(r"(?<!\\)%", r"\\%", text)).split())


def _name(person: str) -> Name:
    person = person.strip()
    if person.startswith("{") and person.endswith("}"):
        return Name(_decoded(person[1:-1]))
    parts = parse_single_name_into_parts(person)
    family = " ".join([*parts.von, *parts.last, *parts.jr])
    return Name(_decoded(family), _decoded(" ".join(parts.first)))


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
    if reference["url"] and not web_address(reference["url"]):
        warnings.append(
            Problem(name, reference.line, reference.key, reference["url"],
                    f"is no web address of up to {LONGEST} signs, so nothing links to it",
                    "write it as https://example.org/page", True)
        )
    if reference.unverified:
        warnings.append(
            Problem(name, reference.line, reference.key, "; ".join(reference.unverified),
                    "fields that nobody has checked", "check them and shorten 'unverified'", True)
        )
    return warnings


CITATION = re.compile(r"\[((?:@[^\[\]\s;]+)(?:;\s*@[^\[\]\s;]+)*)\]")


def cited_keys(text: str) -> list[str]:
    """Keys that a text cites as ``[@key; @key]``, each once; those filled in later are left out."""
    keys = [_key(part) for found in CITATION.findall(text) for part in found.split(";")]
    return [key for key in dict.fromkeys(keys) if "{" not in key]


def _key(part: str) -> str:
    return part.strip().removeprefix("@")


def with_citations(text: str, cite: Callable[[str], str]) -> str:
    """Replace ``[@key; @key]`` by "(citation; citation)", each made by `cite` from its key."""
    def replace(match: re.Match[str]) -> str:
        return f"({'; '.join(cite(_key(part)) for part in match[1].split(';'))})"

    return CITATION.sub(replace, text)


def without_citations(text: str) -> str:
    """The text as plain words: no citations, no bold type."""
    return re.sub(rf"\s{{0,9}}{CITATION.pattern}", "", text).replace("**", "")
