"""References as databases and reference managers export them, turned into BibTeX entries."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evidence.review.authors import Name, read_names
from evidence.review.bibliography import Bibliography, address_text, dois, year_of
from evidence.review.bibtex import Entry, parsed
from evidence.review.latex import decoded
from evidence.review.problems import Problem

TAG = re.compile(r"^\s{0,3}([A-Z][A-Z0-9])[ \t]{0,3}-(?:[ \t](.*)|\s*)$")
MEDLINE = re.compile(r"^([A-Z]{2,4}) *- (.*)$")
PMID_IN_NOTE = re.compile(r"\b(?:PMID|PUBMED)[:\s]+(\d{1,8})\b", re.IGNORECASE)
INITIALS_BEHIND = re.compile(r"^(.+?) ([A-Z]{1,4})(?: (Jr|Sr|[2-9](?:nd|rd|th)))?$")  # as in AU
RIS_KINDS = {
    "JOUR": "article", "JFULL": "article", "EJOUR": "article", "MGZN": "article",
    "NEWS": "article", "ABST": "article", "INPR": "article", "BOOK": "book", "EBOOK": "book",
    "EDBOOK": "book", "CHAP": "incollection", "ECHAP": "incollection", "CONF": "inproceedings",
    "CPAPER": "inproceedings", "THES": "phdthesis", "RPRT": "techreport", "GOVDOC": "techreport",
}  # fmt: skip
CSL_KINDS = {
    "article-journal": "article", "article-magazine": "article", "article-newspaper": "article",
    "article": "article", "journal-article": "article", "paper-conference": "inproceedings",
    "proceedings-article": "inproceedings", "chapter": "incollection", "book-chapter":
    "incollection", "book": "book", "thesis": "phdthesis", "report": "techreport",
}  # fmt: skip
ISSUED = ("issued", "published", "published-print", "published-online")
CONTAINER = {"inproceedings": "booktitle", "incollection": "booktitle"}
ORDER = ("author", "editor", "title", "journal", "booktitle", "publisher", "institution", "school",
         "address", "year", "month", "date", "volume", "number", "pages", "doi", "pmid", "pmcid",
         "registry", "url", "note", "unverified")  # fmt: skip
ESCAPES = str.maketrans({
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "%": r"\%", "&": r"\&", "#": r"\#",
    "$": r"\$", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
})  # fmt: skip
FOLDED = str.maketrans({"ø": "o", "ł": "l", "ß": "ss", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d",
                        "þ": "th", "ı": "i"})  # fmt: skip
SMALL_WORDS = ("the", "a", "an", "on", "of", "for", "and", "in", "to", "der", "die", "das", "le",
               "la", "les", "el", "los", "un", "une", "eine")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Draft:
    """A reference that may become an entry; `key` is empty where one must be made.

    `fields` holds LaTeX values by BibTeX name, `line` is where it begins in its file.
    """

    key: str
    kind: str
    fields: Mapping[str, str]
    line: int


def read_ris(text: str, name: str) -> tuple[list[Draft], list[Problem]]:
    """References of a RIS text, the tags of every exporter known to rispy."""
    import rispy

    lines, starts = _ris_lines(text)
    records = rispy.loads("\n".join(lines), delimiter_tags_mapping={}, enforce_list_tags=False)
    drafts, problems = [], []
    for record, line in zip(records, starts, strict=False):
        draft = _from_ris(record, line)
        _keep(draft, name, drafts, problems)
    return drafts, problems


def _ris_lines(text: str) -> tuple[list[str], list[int]]:
    """Lines in the one form that rispy reads, and where each record begins."""
    out: list[str] = []
    starts: list[int] = []
    is_open = False
    for number, line in enumerate(text.splitlines(), 1):
        found = TAG.match(line)
        tag, content = (found[1], (found[2] or "").strip()) if found else ("", line.strip())
        if tag == "TY":
            if is_open:
                out.append("ER  - ")
            is_open = True
            starts.append(number)
        elif not is_open:
            continue
        if tag == "ER":
            out.append("ER  - ")
            is_open = False
        elif tag:
            out.append(f"{tag}  - {content}")
        elif content and out:
            out[-1] = f"{out[-1]} {content}"
    return [*out, "ER  - "] if is_open else out, starts


def _first(record: Mapping[str, Any], *names: str) -> str:
    for name in names:
        value = record.get(name)
        for item in value if isinstance(value, list) else [value]:
            if item and str(item).strip():
                return " ".join(str(item).split())
    return ""


def _listed(record: Mapping[str, Any], *names: str) -> list[str]:
    for name in names:
        value = record.get(name)
        if value:
            return [str(item) for item in (value if isinstance(value, list) else [value]) if item]
    return []


def _from_ris(record: Mapping[str, Any], line: int) -> Draft:
    kind = RIS_KINDS.get(_first(record, "type_of_reference").upper(), "misc")
    start, end = _first(record, "start_page"), _first(record, "end_page")
    if kind == "inproceedings" and not record.get("secondary_title"):  # as Scopus writes it
        record = {**record, "secondary_title": record.get("custom3", "")}
    if start and end and end != start and not re.search(r"[-–]", start):
        start = f"{start}--{end}"
    date = _first(record, "year", "publication_year", "date")
    notes = " ".join(_listed(record, "notes") + _listed(record, "custom3"))
    bases = " ".join(_listed(record, "name_of_database") + _listed(record, "database_provider"))
    from_base = re.search("pubmed|medline|nlm", bases, re.IGNORECASE)
    number = next((value for value in (_first(record, "accession_number"),
                                       _first(record, "custom5"))
                   if re.fullmatch(r"\d{4,8}", value)), "")
    in_note = PMID_IN_NOTE.search(notes)
    pmid = in_note[1] if in_note else number if from_base else ""
    urls = " ".join(_listed(record, "urls")).split()
    doi = next((found for value in (
        _first(record, "doi"), _first(record, "type_of_work"), *urls
    ) for found in dois(value)[:1]), "")  # fmt: skip
    container = _first(record, "secondary_title", "journal_name", "alternate_title3",
                       "alternate_title2", "alternate_title1")  # fmt: skip
    if kind == "article":
        container = _first(record, "alternate_title3", "secondary_title", "journal_name",
                           "alternate_title2", "alternate_title1")  # fmt: skip
    fields = {
        "author": _bibtex_names(_listed(record, "authors", "first_authors")),
        "editor": _bibtex_names(_listed(record, "secondary_authors"))
        if kind in ("book", "incollection") else "",
        "title": _escaped(_first(record, "title", "primary_title", "short_title",
                                 "translated_title")),
        CONTAINER.get(kind, "journal" if kind in ("article", "misc") else "series"):
        _escaped(container),
        "publisher": _escaped(_first(record, "publisher")),
        "address": _escaped(_first(record, "place_published")),
        "year": _year(date) or ("in press" if _first(record, "type_of_reference") == "INPR"
                                else _escaped(date)),
        "date": _iso(_first(record, "date", "year", "publication_year")),
        "volume": _escaped(_first(record, "volume")),
        "number": _escaped(_first(record, "number")),
        "pages": _escaped(re.sub(r"[–‐‑]|(?<=\d)-(?=\d)", "--", start)
                          or _first(record, "custom7")),
        "doi": _address(doi), "pmid": pmid,
        "url": _address(urls[0]) if urls and not dois(urls[0]) else "",
        "abstract": _escaped(_first(record, "abstract", "notes_abstract")),
        "keywords": _escaped("; ".join(_listed(record, "keywords"))),
        "language": _escaped(_first(record, "language")),
        "issn": _escaped(_first(record, "issn")),
        "note": _escaped("; ".join(_listed(record, "notes"))),
    }  # fmt: skip
    return _draft(kind, fields, line)


def read_nbib(text: str, name: str) -> tuple[list[Draft], list[Problem]]:
    """References of a PubMed or MEDLINE text."""
    drafts: list[Draft] = []
    problems: list[Problem] = []
    for line, record in _medline_records(text):
        _keep(_from_medline(record, line), name, drafts, problems)
    return drafts, problems


def _medline_records(text: str) -> Iterator[tuple[int, dict[str, list[str]]]]:
    record: dict[str, list[str]] = {}
    start, last = 1, ""
    for number, line in enumerate(text.splitlines(), 1):
        found = MEDLINE.match(line)
        if found:
            if found[1] == "PMID" and "PMID" in record:
                yield start, record
                record = {}
            if not record:
                start = number
            last = found[1]
            record.setdefault(last, []).append(found[2].strip())
        elif line.startswith("      ") and record:
            record[last][-1] += f" {line.strip()}"
    if record:
        yield start, record


def _from_medline(record: Mapping[str, list[str]], line: int) -> Draft:
    people = record.get("FAU") or [_with_comma(name) for name in record.get("AU", [])]
    bodies = [f"{name}," for name in record.get("CN", [])]
    located = [*record.get("LID", []), *record.get("AID", [])]
    doi = next((item.rpartition("[")[0].strip() for item in located if item.endswith("[doi]")), "")
    kinds = " ".join(record.get("PT", [])).lower()
    date = _first(record, "DP", "DEP")
    fields = {
        "author": _bibtex_names([*people, *bodies]),
        "title": _escaped(_first(record, "TI", "BTI", "TT").rstrip(".").strip("[]").rstrip(".")),
        "journal": _escaped(_first(record, "JT", "TA")),
        "year": _year(date) or _escaped(date), "date": _iso(date),
        "volume": _escaped(_first(record, "VI")), "number": _escaped(_first(record, "IP")),
        "pages": _escaped(_first(record, "PG").replace("-", "--")),
        "doi": _address(doi), "pmid": _digits(_first(record, "PMID")),
        "pmcid": _escaped(_first(record, "PMC")),
        "abstract": _escaped(_first(record, "AB")),
        "keywords": _escaped("; ".join(record.get("MH", []) or record.get("OT", []))),
        "language": _escaped(_first(record, "LA")),
        "retracted": "true" if "retracted publication" in kinds else "",
    }  # fmt: skip
    return _draft("book" if "BTI" in record and "JT" not in record else "article", fields, line)


def _with_comma(name: str) -> str:
    """A name of PubMed, whose initials stand behind: ``ROE B Jr`` as ``ROE, B, Jr``."""
    found = INITIALS_BEHIND.match(name.strip())
    return ", ".join(filter(None, found.groups())) if found else name


def read_csl(text: str, name: str) -> tuple[list[Draft], list[Problem]]:
    """References of a CSL-JSON text: a list of items, or an object that holds one."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        row = getattr(error, "lineno", None)
        return [], [Problem(name, row, "", "", "is not JSON", "export it again as CSL JSON")]
    drafts: list[Draft] = []
    problems: list[Problem] = []
    for number, item in enumerate(csl_items(value), 1):
        _keep(_from_csl(item, number), name, drafts, problems)
    return drafts, problems


def csl_items(value: Any) -> list[Mapping[str, Any]]:
    """Items of a parsed CSL-JSON value; empty when it is something else."""
    if isinstance(value, dict):
        value = next((value[name] for name in ("items", "references", "message")
                      if isinstance(value.get(name), (list, dict))), [value])  # fmt: skip
        value = value if isinstance(value, list) else [value]
    if not isinstance(value, list):
        return []
    return [item for item in value if isinstance(item, dict) and ("title" in item or "DOI" in item)]


def _from_csl(item: Mapping[str, Any], number: int) -> Draft:
    kind = CSL_KINDS.get(str(item.get("type", "")), "misc")
    issued = next((item[name] for name in ISSUED if item.get(name)), {})
    issued = issued if isinstance(issued, dict) else {"raw": str(issued)}
    parts = issued.get("date-parts") or [[]]
    parts = parts[0] if isinstance(parts, list) and parts and isinstance(parts[0], list) else []
    date = "-".join(f"{int(part):02d}" for part in parts if str(part).strip().isdigit())
    date = date or str(issued.get("raw") or issued.get("literal") or issued.get("year") or "")
    status = str(item.get("status", ""))
    extra = _first(item, "note")
    in_note = PMID_IN_NOTE.search(extra)
    container = CONTAINER.get(kind, "journal" if kind in ("article", "misc") else "series")
    fields = {
        "author": " and ".join(filter(None, map(_csl_name, _people(item.get("author"))))),
        "editor": " and ".join(filter(None, map(_csl_name, _people(item.get("editor"))))),
        "title": _escaped(_first(item, "title", "title-short")),
        container: _escaped(_first(item, "container-title", "event-title", "collection-title")),
        "publisher": _escaped(_first(item, "publisher")),
        "address": _escaped(_first(item, "publisher-place")),
        "year": _year(date) or ("in press" if "press" in status or "forthcoming" in status
                                else _escaped(date)),
        "date": _iso(date), "volume": _escaped(_first(item, "volume")),
        "number": _escaped(_first(item, "issue", "number")),
        "pages": _escaped(re.sub(r"(?<=\w)\s*[-–]+\s*(?=\w)", "--", _first(item, "page"))),
        "doi": _address(next(iter(dois(_first(item, "DOI"))), "")),
        "pmid": _digits(_first(item, "PMID")) or (in_note[1] if in_note else ""),
        "pmcid": _escaped(_first(item, "PMCID")), "url": _address(_first(item, "URL")),
        "abstract": _escaped(_first(item, "abstract")),
        "keywords": _escaped(_first(item, "keyword")),
        "language": _escaped(_first(item, "language")), "issn": _escaped(_first(item, "ISSN")),
        "note": _escaped(extra),
    }  # fmt: skip
    return _draft(kind, fields, number)


def _people(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _csl_name(person: Mapping[str, Any]) -> str:
    def part(name: str) -> str:
        value = person.get(name)
        return _escaped(" ".join(str(value).split())) if value else ""

    if part("literal") or part("name") or not part("family"):
        whole = part("literal") or part("name") or part("given")
        return f"{{{whole}}}" if whole else ""
    particles = " ".join(filter(None, (part("dropping-particle"), part("non-dropping-particle"))))
    family = f"{particles} {part('family')}".strip()
    return ", ".join(filter(None, (family, part("suffix"), part("given"))))


def read_bibtex(text: str, name: str) -> tuple[list[Draft], list[Problem]]:
    """References of a BibTeX text, with what they inherit."""
    entries, problems = parsed(text, name, strict=False)
    drafts = [
        Draft(entry.key, entry.kind,
              {field: value for field, value in entry.fields.items()
               if field not in ("crossref", "xdata")}, entry.line)
        for entry in entries
    ]  # fmt: skip
    return drafts, problems


def _draft(kind: str, fields: Mapping[str, str], line: int) -> Draft:
    if fields.get("date") in (fields.get("year"), ""):
        fields = {name: value for name, value in fields.items() if name != "date"}
    return Draft("", kind, {name: value for name, value in fields.items() if value}, line)


def _keep(draft: Draft, name: str, drafts: list[Draft], problems: list[Problem]) -> None:
    """Take a reference that can be shown; name one that cannot."""
    if any(draft.fields.get(field) for field in ("title", "doi", "pmid", "url")):
        drafts.append(draft)
    else:
        problems.append(Problem(name, draft.line, "", "", "has neither title nor identifier",
                                "it is left out; export it again if it matters", True))


def _bibtex_names(people: Iterable[str]) -> str:
    """Names as RIS and PubMed write them (``Last, First, Suffix``), as a BibTeX list."""
    out = []
    for person in people:
        person = " ".join(person.split()).strip(" ;")
        if person.endswith(",") and "," not in person[:-1]:
            out.append(f"{{{_escaped(person[:-1])}}}")
            continue
        read = read_names(_escaped(person).replace(" and ", " {and} ")).names
        out += [bibtex_name(name) for name in read]
    return " and ".join(out)


def bibtex_name(name: Name) -> str:
    """A name as BibTeX keeps it apart: ``Last, Jr, First``, bodies in braces."""
    family, given = _escaped(name.family), _escaped(name.given)
    if not given and not name.suffix:
        return f"{{{family}}}"
    return ", ".join(filter(None, (family, name.suffix, given)))


def _escaped(text: str) -> str:
    """Text as a LaTeX value; marks such as <i> stay, the reader takes them away."""
    return " ".join(str(text).translate(ESCAPES).split())


def _address(text: str) -> str:
    return re.sub(r"[\s{}\\]", lambda found: f"%{ord(found[0]):02X}", text.strip())


def _digits(text: str) -> str:
    found = re.search(r"\d{1,8}", text)
    return found[0] if found else ""


def _year(date: str) -> str:
    year, source = year_of({"year": date})
    return year if source else ""


def _iso(date: str) -> str:
    """Year, month and day where a date gives more than the year."""
    found = re.match(r"(\d{4})[-/](\d{1,2})(?:[-/](\d{1,2}))?(?!\d)", date)
    if not found or not 1 <= int(found[2]) <= 12:
        return ""
    return "-".join(filter(None, (found[1], f"{int(found[2]):02d}",
                                  f"{int(found[3]):02d}" if found[3] else "")))  # fmt: skip


def merged(
    drafts: Iterable[tuple[str, Draft]], known: Bibliography | None
) -> tuple[list[Entry], list[str]]:
    """Entries to add, and what was left out or renamed.

    Parameters
    ----------
    drafts : iterable of (str, Draft)
        Name of the file and reference, in order.
    known : Bibliography or None
        References that are there already; they are never changed.

    Returns
    -------
    entries : list of Entry
    notes : list of str
        One line for each reference left out, and for each key that had to differ.
    """
    seen: dict[str, str] = {}
    taken = {key.lower() for key in known} if known else set()
    for key in known or ():
        fields = dict(known[key].fields)
        for mark in identities(fields):
            seen.setdefault(mark, key)
    kept: list[tuple[str, Draft, str]] = []
    notes: list[str] = []
    for file, draft in drafts:
        marks = identities(draft.fields)
        twin = next((seen[mark] for mark in marks if mark in seen), None)
        if twin is not None:
            notes.append(f"{file}:{draft.line}: left out, the same as {twin}: "
                         f"{_short(draft.fields)}")  # fmt: skip
            continue
        stem = draft.key or key_stem(draft.fields)
        for mark in marks:
            seen[mark] = draft.key or _short(draft.fields)
        kept.append((file, draft, stem))
    counts: dict[str, int] = {}
    for _, draft, stem in kept:
        if not draft.key:
            counts[stem.lower()] = counts.get(stem.lower(), 0) + 1
    entries = []
    for file, draft, stem in kept:
        key = stem
        shared = not draft.key and counts[stem.lower()] > 1
        if shared or key.lower() in taken:
            key = next(f"{stem}{letter}" for letter in _letters()
                       if f"{stem}{letter}".lower() not in taken)  # fmt: skip
            if draft.key:
                notes.append(f"{file}:{draft.line}: the key {draft.key} stands already; "
                             f"this one is called {key}")  # fmt: skip
        taken.add(key.lower())
        entries.append(Entry(key, draft.kind, dict(draft.fields), draft.line))
    return entries, notes


def identities(fields: Mapping[str, str]) -> list[str]:
    """What makes two references the same document: DOI, PubMed number, or title and year."""
    marks = [f"doi {doi.lower()}" for doi in dois(address_text(fields.get("doi", "")))[:1]]
    pmid = re.search(r"\d{4,8}", fields.get("pmid", ""))
    if pmid:
        marks.append(f"pmid {pmid[0].lstrip('0')}")
    title = re.sub(r"[\W_]+", "", decoded(fields.get("title", "")).lower())
    year = year_of(fields)[0]
    if title and year and len(title) > 20:
        marks.append(f"title {title} {year}")
    elif title and year:
        people = read_names(fields.get("author", "")).names
        marks.append(f"title {title} {year} {slug(people[0].family) if people else ''}")
    return marks


def _short(fields: Mapping[str, str]) -> str:
    title = decoded(fields.get("title", "")) or fields.get("doi", "") or fields.get("pmid", "")
    return title if len(title) <= 60 else f"{title[:59]}…"


def key_stem(fields: Mapping[str, str]) -> str:
    """First author and year as a key, such as ``smith2020``.

    Examples
    --------
    >>> key_stem({"author": "Ångström, Bo and Dale, C", "year": "2020"})
    'angstrom2020'
    """
    people = read_names(fields.get("author", "") or fields.get("editor", "")).names
    if people and (people[0].given or " " not in people[0].family):
        words = people[0].family
    else:
        words = people[0].family if people else decoded(fields.get("title", ""))
        chosen = [word for word in re.findall(r"\w+", words) if word.lower() not in SMALL_WORDS]
        words = " ".join(chosen[: 2 if people else 1])
    year = year_of(fields)[0]
    return f"{slug(words)}{year if year.isdigit() else ''}" or "reference"


def slug(text: str) -> str:
    """Letters and digits of a text in small letters without accents."""
    text = unicodedata.normalize("NFKD", text.lower().translate(FOLDED))
    return re.sub(r"[\W_]+", "", "".join(c for c in text if not unicodedata.combining(c)))


def _letters() -> Iterator[str]:
    number = 0
    while True:
        before, last = divmod(number, 26)
        yield (chr(96 + before) if before else "") + chr(97 + last)
        number += 1


def bibtex_text(entries: Iterable[Entry]) -> str:
    """Entries as they stand in references.bib."""
    blocks = []
    for entry in entries:
        names = [name for name in ORDER if entry.fields.get(name)]
        names += [name for name in entry.fields if name not in ORDER and entry.fields[name]]
        lines = [f"  {name} = {{{entry.fields[name]}}}," for name in names]
        blocks.append("\n".join([f"@{entry.kind}{{{entry.key},", *lines, "}"]) + "\n")
    return "\n".join(blocks)


READERS: dict[str, Callable[[str, str], tuple[list[Draft], list[Problem]]]] = {
    "RIS": read_ris,
    "PubMed": read_nbib,
    "CSL-JSON": read_csl,
    "BibTeX": read_bibtex,
}
