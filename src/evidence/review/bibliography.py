"""References: short citations and the Vancouver list of a BibTeX file."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote, unquote

from evidence.review.addresses import LONGEST, web_address
from evidence.review.authors import Name, read_names
from evidence.review.bibtex import Entry, read_entries, year_in_key
from evidence.review.latex import BRACES, ENTITY, decoded, unknown_macros
from evidence.review.problems import Problem
from evidence.review.textfile import read_text

DECODED = ("title", "subtitle", "journal", "booktitle", "publisher", "series", "institution",
           "school", "organization", "address", "howpublished", "author", "editor",
           "volume", "number")  # fmt: skip
HOLDERS = ("journal", "booktitle", "publisher", "institution", "school", "organization",
           "howpublished")  # fmt: skip
IDENTIFIERS = ("doi", "pmid", "pmcid", "registry", "url", "eprint")
DOI = re.compile(r"10\.\d{4,9}(?:\.\d+)*/\S+")
PAGES = re.compile(r"\s*(?:--+|–|(?<=\d)-(?=\d))\s*")
RESOLVER = re.compile(r"(?:https?://)?(?:(?:dx\.|www\.)?doi\.org/|doi\.acm\.org/)|(?:doi|DOI)\s*:?\s*")
PMID = re.compile(r"(?:https?://\S*/|pmid\s*:?\s*)?(\d{1,8})/?", re.IGNORECASE)
PMID_IN_NOTE = re.compile(r"\bPMID:\s*(\d{1,8})\b")
YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")
DAY = re.compile(r"(?<!\d)(\d{4})-(\d\d)(?!\d)(?:-(\d\d)(?!\d))?")
TWO_DIGITS = re.compile(r"['’]?(\d\d)")
IN_PRESS = re.compile(
    r"in press|forthcoming|to appear|accepted|ahead of print|online first|early view|im druck"
    r"|sous presse|en prensa|in stampa", re.IGNORECASE
)  # fmt: skip
DATES = ("year", "date", "issue_date", "eventdate", "origdate", "pubdate")
ADDRESS_SIGNS = {
    "textless": "<", "textgreater": ">", "textasciitilde": "~", "textunderscore": "_", "sim": "~",
    "textbackslash": "\\", "textquotesingle": "'", "textasciicircum": "^", "less": "<",
    "greater": ">", "url": "", "href": "",
}  # fmt: skip
SAFE = "/:;().,-_+~*!$&'@="  # signs of a DOI that need no encoding in an address


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
            return web_address(f"https://doi.org/{quote(self['doi'], safe=SAFE)}")
        if self["pmid"]:
            return web_address(f"https://pubmed.ncbi.nlm.nih.gov/{self['pmid']}/")
        if self["eprint"] and self["archiveprefix"].lower() == "arxiv" and not self["url"]:
            return web_address(f"https://arxiv.org/abs/{quote(self['eprint'], safe=SAFE)}")
        return web_address(self["url"])

    @property
    def label(self) -> str:
        """Short citation such as "Parkitny & Younger 2017"; the field ``shorthand`` where there is
        one."""
        if self["shorthand"]:
            return self["shorthand"]
        names = [name.family for name in self.authors]
        if not names:
            who = self["journal"] or self["title"] or self["booktitle"] or self.key
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
        names = [name.vancouver for name in self.authors[:6]]
        if self.others or len(self.authors) > 6:
            names.append("et al")
        parts = [", ".join(names), self["title"]]
        journal = next((self[name] for name in HOLDERS if self[name]), "")
        place = self["volume"] + (f"({self['number']})" if self["number"] else "")
        pages = PAGES.sub("–", decoded(self["pages"]))
        dated = self.year + (f";{place}" if place else "") + (f":{pages}" if pages else "")
        parts += [journal, dated]
        text = " ".join(part if part[-1] in ".?!" else f"{part}." for part in parts if part)
        return f"[Retracted] {text}" if self.is_retracted else text


@dataclass(frozen=True, slots=True)
class Bibliography:
    """All references by key, in the order of the file."""

    references: Mapping[str, Reference]
    _citations: Mapping[str, str] = field(init=False, repr=False, compare=False)
    _keys: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_citations", _distinct_labels(self.references))
        keys = "|".join(re.escape(key) for key in self.references if re.search(r"\d", key))
        object.__setattr__(self, "_keys", re.compile(rf"(?<![\w-])(?:{keys or '(?!)'})(?![\w-])"))

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

    def spelled(self, text: str) -> str:
        """`text` with each key in it as its short citation; keys without a digit may be words, and
        stay."""
        return self._keys.sub(lambda found: self._citations[found[0]], text)

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
    """Read a BibTeX file.

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
        What is odd but usable, entries without identifier or year, fields nobody has checked.

    Raises
    ------
    ReviewError
        With every problem of the file, when there is any.
    """
    name = name or path.name
    text = read_text(path, name, "add the bibliography, one BibTeX entry for each source")
    bibliography, warnings = _read(text, name)
    return bibliography, list(warnings)


@lru_cache(maxsize=2)
def _read(text: str, name: str) -> tuple[Bibliography, tuple[Problem, ...]]:
    """The references of a text, and remarks on them."""
    entries, warnings = read_entries(text, name)
    references = {}
    for entry in entries:
        references[entry.key], remarks = _reference(entry, name)
        warnings += remarks
        is_dated = any(entry.fields.get(field_name) for field_name in DATES)
        warnings += _reference_warnings(references[entry.key], name, is_dated)
    return Bibliography(MappingProxyType(references)), tuple(warnings)


def _reference(entry: Entry, name: str) -> tuple[Reference, list[Problem]]:
    """A reference with plain texts, and remarks on what could not be read as it should be."""
    remarks: list[Problem] = []

    def remark(field: str, rule: str, advice: str) -> None:
        value = entry.fields.get(field, "")
        remarks.append(Problem(name, entry.line_of(field), field, value, rule, advice, True))

    people = read_names(entry.fields.get("author", ""))
    if people.remark:
        remark("author", people.remark,
               "write Last, First and Last, First; set bodies in {braces}")
    fields = dict(entry.fields)
    for field_name in DECODED:
        if field_name in fields:
            fields[field_name] = decoded(entry.fields[field_name])
            unknown = unknown_macros(entry.fields[field_name])
            if unknown:
                remark(field_name, f"holds {', '.join(unknown)}, which is not known here",
                       "write the sign itself; until then it is shown as it stands")
    for field_name in ("doi", "url", "eprint"):
        if fields.get(field_name):
            fields[field_name] = address_text(fields[field_name])
    if fields.get("doi"):
        found = dois(fields["doi"])
        if not found:
            remark("doi", "is not a DOI, so that nothing leads to it",
                   "write it such as 10.1000/182")
        elif len(found) > 1:
            remark("doi", f"holds {len(found)} DOIs; the first is used", "keep one")
        fields["doi"] = found[0] if found else ""
    fields["pmid"] = _pmid(fields)
    if entry.fields.get("pmid") and not fields["pmid"]:
        remark("pmid", "is not a PubMed number, so that nothing leads to it",
               "write its digits only")
    fields["year"], source = year_of(entry.fields)
    in_key = year_in_key(entry.key)
    if not source and any(entry.fields.get(field_name) for field_name in DATES):
        stated = next(field_name for field_name in DATES if entry.fields.get(field_name))
        remark(stated, "is not a year", "write four digits, or: in press")
    elif TWO_DIGITS.fullmatch(entry.fields.get(source, "").strip()):
        remark(source, f"has two digits and is read as {fields['year']}", "write four")
    elif wrong := _impossible_date(entry.fields.get(source, "")):
        remark(source, f"holds {wrong}, which is no date", "write it such as 2019-05-02")
    elif in_key and fields["year"].isdigit() and in_key != fields["year"]:
        remark(source, f"differs from the year in the key {entry.key}",
               "check which is right; a key is only a name")
    fields = {key: value for key, value in fields.items() if value or key in entry.fields}
    reference = Reference(entry.key, entry.kind, people.names, people.others,
                          MappingProxyType(fields), entry.line)  # fmt: skip
    return reference, remarks


def address_text(text: str) -> str:
    r"""An address or DOI without the LaTeX that exporters write into it.

    Examples
    --------
    >>> address_text(r"10.1000/978-3-0\_12"), address_text(r"https://example.org/a\%20b{\_}c")
    ('10.1000/978-3-0_12', 'https://example.org/a%20b_c')
    """
    text = text.replace(r"$\backslash$", "\\")
    for macro, sign in ADDRESS_SIGNS.items():
        text = re.sub(rf"\\{macro}(?![A-Za-z])(?:\{{\}}|\s+)?", lambda _, sign=sign: sign, text)
    text = re.sub(r"\$([<>_#&~%]|\\sim)\$", lambda m: m[1].replace(r"\sim", "~"), text)
    text = re.sub(r"\\([_%&#~$^{}/])(?:\{\})?", r"\1", text)
    text = text.translate(BRACES)
    return ENTITY.sub(lambda found: html.unescape(found[0]), text).strip()


def dois(text: str) -> list[str]:
    """DOIs of a field, without resolver, in order.

    Examples
    --------
    >>> dois("https://doi.org/10.1000/182, 10.1000/183")
    ['10.1000/182', '10.1000/183']
    """
    found = []
    for part in re.split(r"[\s|]+|[,;]\s*(?=(?:https?:|doi|10\.\d{4}))", text):
        bare, cut = RESOLVER.subn("", part.strip(), count=1)
        bare = (unquote(bare) if cut and "%" in bare else bare).rstrip(".,;").strip("<>\"'")
        if DOI.fullmatch(bare) and bare not in found:
            found.append(bare)
    return found if len(text.split()) == 1 or len(found) > 1 or RESOLVER.match(text) else []


def _pmid(fields: Mapping[str, str]) -> str:
    """PubMed number: its own field, else what an exporter put into another."""
    stated = fields.get("pmid", "")
    if not stated and fields.get("archiveprefix", "").lower() in ("pubmed", "pmid"):
        stated = fields.get("eprint", "")
    found = PMID.fullmatch(stated.strip())
    if not found and not stated:
        found = PMID_IN_NOTE.search(f"{fields.get('note', '')} {fields.get('annote', '')}")
    return found[1] if found else ""


def year_of(fields: Mapping[str, str]) -> tuple[str, str]:
    """Year of a document and the field that gave it; "in press" is one, nothing is empty.

    Examples
    --------
    >>> year_of({"date": "2019-05-02/2019-06-01"}), year_of({"year": "to appear"})
    (('2019', 'date'), ('in press', 'year'))
    """
    for name in DATES:
        found = YEAR.search(fields.get(name, ""))
        if found:
            return found[1], name
    for name in DATES:
        found = TWO_DIGITS.fullmatch(fields.get(name, "").strip())
        if found:
            return f"{'20' if int(found[1]) < 40 else '19'}{found[1]}", name
    for name in (*DATES, "pubstate", "note", "howpublished"):
        value = fields.get(name, "")
        if value == "inpress" or (len(value) < 40 and IN_PRESS.search(value)):
            return "in press", name
    return "", ""


def _impossible_date(text: str) -> str:
    """The first date of a field that no calendar has; months from 21 on are seasons.

    Examples
    --------
    >>> _impossible_date("2019-13-45"), _impossible_date("2019-02-28/2019-22")
    ('2019-13-45', '')
    """
    for found in DAY.finditer(text):
        year, month, day = (int(part) if part else None for part in found.groups())
        is_season = day is None and 21 <= month <= 41
        if not is_season and not _is_day(year, month, day or 1):
            return found[0]
    return ""


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        return bool(date(year, month, day))
    except ValueError:
        return False


def _reference_warnings(reference: Reference, name: str, is_dated: bool) -> list[Problem]:
    """Remarks on a reference as a whole; one with a date that is none has its remark already."""
    warnings = []
    if not any(reference[key] for key in IDENTIFIERS):
        warnings.append(
            Problem(name, reference.line, reference.key, "", "has no doi, pmid, registry id or url",
                    "add one so that readers can find it", True)
        )
    if not reference.year and not reference["registry"] and not is_dated:
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
