"""A reader of BibTeX and BibLaTeX as reference managers write it.

bibtexparser splits the file. This module expands ``@string`` and month macros, joins ``#``, lets
entries inherit by ``crossref`` and ``xdata``, and refuses what would go wrong in silence: a missing
comma that merges two fields, braces that do not match, a key or a field that stands twice. Values
are returned as LaTeX; what is odd but usable is kept, with a remark.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import bibtexparser
from bibtexparser import model

from evidence.review.problems import Problem, ReviewError
from evidence.review.textfile import control_problem

PLAIN_KEY = re.compile(r"[^\s;,{}\[\]\"<>\\]+")
YEAR_IN_KEY = re.compile(r"(?<=[^\W\d_])_?((?:19|20)\d\d)(?=[a-z]?$|[A-Za-z_:-])")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
NOT_REFERENCES = ("xdata", "control", "ieeetranbstctl", "set", "bibnote")
AUTOMATIC = ("crossref", "xref", "xdata", "ids", "entryset", "entrysubtype", "execute", "label",
             "options", "presort", "related", "shorthand", "sortkey", "relatedtype")  # fmt: skip
OWN = (*AUTOMATIC, "doi", "url", "pmid", "pmcid", "eprint", "pages", "abstract", "file", "note",
       "keywords", "urldate", "title", "subtitle", "author")  # fmt: skip
PARTS = ("inproceedings", "conference", "incollection", "inbook", "inreference", "suppbook",
         "suppcollection", "bookinbook")  # fmt: skip
ALIASES = {  # names of BibLaTeX and of exporters, for those that BibTeX styles know
    "journaltitle": "journal", "journal-title": "journal", "location": "address",
    "eprinttype": "archiveprefix", "pmc": "pmcid", "pubmedid": "pmid", "pubmed": "pmid",
    "article-number": "pages", "eid": "pages",
}  # fmt: skip
REPEATABLE = ("keywords", "keyword", "note", "annote", "annotation", "abstract", "file", "isbn",
              "issn", "language", "url", "address", "publisher", "location", "comment", "groups",
              "howpublished", "mendeley-tags", "series", "copyright", "editor")  # fmt: skip
SPACED_START = re.compile(r"(?m)^([ \t]*)@[ \t]*(\w+)(\s*)([{(])")
REMAINS = re.compile(r"(?m)^\s*[})\]]|^\s*,|^\s*[\w-]+\s*=|@\s*\w+\s*[{(]|[\w\"}]\s*\}\s*,?\s*$")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: LaTeX values by lower-case field name, without their braces or quotes.

    `lines` says where each field stands in the file, `line` where the entry begins.
    """

    key: str
    kind: str
    fields: dict[str, str]
    line: int
    lines: dict[str, int] = field(default_factory=dict, compare=False, repr=False)

    def line_of(self, name: str) -> int:
        """Line of a field, that of the entry where the field is inherited or absent."""
        return self.lines.get(name, self.line)


def read_entries(text: str, name: str) -> tuple[list[Entry], list[Problem]]:
    """Entries of a BibTeX file, in its order, and remarks.

    Parameters
    ----------
    text : str
        What the file holds.
    name : str
        How messages call the file.

    Raises
    ------
    ReviewError
        With every problem of the file, when there is any.
    """
    entries, problems = parsed(text, name)
    if not entries and not problems:
        problems.append(Problem(name, None, "", "", "holds no reference", "add one BibTeX entry"))
    errors = [problem for problem in problems if not problem.is_warning]
    if errors:
        raise ReviewError(errors)
    return entries, problems


def parsed(text: str, name: str, strict: bool = True) -> tuple[list[Entry], list[Problem]]:
    """Entries of a BibTeX text, and all that is wrong or odd in it.

    Parameters
    ----------
    text : str
    name : str
        How messages call the file.
    strict : bool
        Whether each entry needs a key of its own; an import gives it one.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = SPACED_START.sub(r"\1@\2\4\3", text)
    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)
    blocks = bibtexparser.parse_string(text, parse_stack=[]).blocks
    macros, problems = _macros(blocks, name)
    entries: list[Entry] = []
    seen: dict[str, str] = {}
    for block, previous in zip(blocks, [None, *blocks], strict=False):
        if isinstance(block, model.DuplicateFieldKeyBlock):
            block = block.ignore_error_block
        if not strict and isinstance(block, model.DuplicateBlockKeyBlock):
            block = block.ignore_error_block
        if type(block) is not model.Entry:
            problems += _block_problems(block, previous, name)
            continue
        entry, found = _entry(block, macros, name)
        twin = seen.setdefault(block.key.lower(), block.key)
        if not strict:
            found = [problem for problem in found if problem.column != "key"]
        elif twin != block.key:
            found.append(
                Problem(name, block.start_line + 1, "key", block.key,
                        f"differs from '{twin}' in capitals only", "rename or delete one entry")
            )
        problems += found
        if all(problem.is_warning for problem in found):
            entries.append(entry)
    entries, complaints = _inherited(entries, name)
    problems += complaints
    usable = []
    for entry in entries:
        if entry.kind in NOT_REFERENCES:
            continue
        found = list(_entry_problems(entry, name))
        problems += found
        if all(problem.is_warning for problem in found):
            usable.append(entry)
    return usable, problems


def _macros(blocks: list[model.Block], name: str) -> tuple[dict[str, str], list[Problem]]:
    """Text of each ``@string``, which may use those before it."""
    macros, problems = dict(zip(MONTHS, MONTHS, strict=True)), []
    for block in blocks:
        if isinstance(block, model.String):
            value, found = _value(block.value, macros, name, block.start_line + 1, block.key)
            macros[block.key.lower()] = value
            problems += found
    return macros, problems


def _block_problems(
    block: model.Block, previous: model.Block | None, name: str
) -> list[Problem]:
    """What is wrong with a block that is no entry; text between entries is a comment of BibTeX."""
    row = block.start_line + 1
    start = (block.raw or "").strip().split("\n")[0]
    if isinstance(block, model.ExplicitComment | model.String | model.Preamble):
        return []
    if isinstance(block, model.DuplicateBlockKeyBlock):
        first = block.previous_block
        if isinstance(first, model.String):
            return []
        return [Problem(name, row, "key", block.key, "stands twice", "rename or delete one entry")]
    if isinstance(block, model.ImplicitComment):
        if isinstance(previous, model.ParsingFailedBlock) and not isinstance(
            previous, model.DuplicateBlockKeyBlock | model.DuplicateFieldKeyBlock
        ):
            return []
        lines = [line for line in block.raw.split("\n") if not line.strip().startswith("%")]
        if not REMAINS.search("\n".join(lines)):
            return []
        return [Problem(name, row, "", start, "is not part of any entry",
                        "look for a brace too many above, put it into @comment{…}, or delete it")]
    return [Problem(name, row, "", start, "entry cannot be read",
                    "check its braces, quotes, equal signs and commas")]


def _entry(
    block: model.Entry, macros: Mapping[str, str], name: str
) -> tuple[Entry, list[Problem]]:
    row = block.start_line + 1
    problems: list[Problem] = []
    if not block.key:
        problems.append(Problem(name, row, "key", "", "has no key",
                                "write one behind the brace, such as smith2020"))
    elif not PLAIN_KEY.fullmatch(block.key):
        problems.append(
            Problem(name, row, "key", block.key, "holds a sign that keeps tables from naming it",
                    "use letters, digits and - _ : / . such as smith2020", True)
        )
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    for item in block.fields:
        field_name = item.key.lower()
        line = row if item.start_line is None else item.start_line + 1
        unprintable = control_problem(item.value)
        if unprintable:
            problems.append(Problem(name, line, item.key, *unprintable))
            continue
        value, found = _value(item.value, macros, name, line, item.key)
        problems += found
        lines.setdefault(field_name, line)
        if not re.fullmatch(r"[^\s{}\",=@]+", field_name):
            problems.append(Problem(name, line, item.key, "", "is not the name of a field",
                                    "check the commas around it"))
        elif not values.get(field_name):
            values[field_name] = value
        elif value and value != values[field_name]:
            if field_name not in REPEATABLE:
                problems.append(Problem(name, line, item.key, item.value, "field stands twice",
                                        "delete one of the two"))
            else:
                values[field_name] += f"; {value}"
    return Entry(block.key, block.entry_type.lower(), values, row, lines), problems


def _value(
    raw: str, macros: Mapping[str, str], name: str, line: int, field: str
) -> tuple[str, list[Problem]]:
    """Text of a raw value: braces, quotes, digits and macros with ``#`` between them."""
    def problem(rule: str, advice: str, is_warning: bool = False) -> list[Problem]:
        return [Problem(name, line, field, raw, rule, advice, is_warning)]

    out: list[str] = []
    rest = raw.strip()
    remarks: list[Problem] = []
    if not rest:
        return "", [Problem(name, line, field, "", "has no value",
                            "write {value}, or delete the field", True)]
    while True:
        if rest[0] in '{"':
            end = _closing(rest)
            if end is None:
                return "", problem("has unbalanced braces or quotes",
                                   "close each one that is opened")
            out.append(rest[1:end])
            rest = rest[end + 1 :].strip()
        else:
            token = re.match(r"[^\s#{}\",=]+", rest)
            if not token:
                return "", problem("is neither in braces nor in quotes", "write {value}")
            word, rest = token[0], rest[token.end() :].strip()
            if word.isdecimal() and word.isascii():
                out.append(word)
            elif word.lower() in macros:
                out.append(macros[word.lower()])
            elif not rest or rest.startswith("#"):
                out.append(word)
                remarks += problem("is neither in braces nor a known abbreviation",
                                   f"write {{{word}}} if that is what it should say", True)
            else:
                rest = f"{word} {rest}"
                break
        if not rest:
            return " ".join("".join(out).split()), remarks
        if not rest.startswith("#"):
            break
        rest = rest[1:].strip()
        if not rest:
            return "", problem("ends with #", "write the text that follows it, or delete it")
    if "=" in rest or out:
        what = "field" if "=" in rest else "value"
        return "", problem(f"holds more than one {what}",
                           "add the comma that is missing after the first")
    return "", problem("is neither in braces nor in quotes", "write {value}")


def _closing(text: str) -> int | None:
    """Where the brace or quote that begins `text` is closed."""
    depth = 0
    for position, sign in enumerate(text):
        if sign in "{}" and text[position - 1 : position] != "\\":
            depth += 1 if sign == "{" else -1
            if depth < 0:
                return None
            if depth == 0 and text[0] == "{":
                return position
        elif sign == text[0] == '"' and position and depth == 0 and text[position - 1] != "\\":
            return position
    return None


def _inherited(entries: list[Entry], name: str) -> tuple[list[Entry], list[Problem]]:
    """Entries with what their ``crossref`` and ``xdata`` give them."""
    known = {entry.key.lower(): entry for entry in entries}
    problems: list[Problem] = []

    def whole(entry: Entry, way: tuple[str, ...]) -> dict[str, str]:
        fields = dict(entry.fields)
        parents = [("xdata", key) for key in fields.get("xdata", "").split(",")]
        parents += [("crossref", fields.get("crossref", ""))]
        for how, key in parents:
            key = key.strip()
            parent = known.get(key.lower())
            if not key or key.lower() in way:
                continue
            if parent is None:
                if len(way) == 1:
                    problems.append(Problem(name, entry.line, how, key, "is no entry of this file",
                                            "add that entry, or write its fields here", True))
                continue
            given = whole(parent, (*way, key.lower()))
            skipped = AUTOMATIC if how == "xdata" else OWN
            if how == "crossref":
                title = given.get("title", "")
                target = ("booktitle" if entry.kind in PARTS else
                          "journal" if parent.kind in ("periodical", "journal") else "")
                if target and title and not {target, "journaltitle"} & set(fields):
                    fields[target] = title
            for inherited, value in given.items():
                if inherited not in skipped:
                    fields.setdefault(inherited, value)
        return fields

    return [replace(entry, fields=_renamed(whole(entry, (entry.key.lower(),))))
            for entry in entries], problems


def _renamed(fields: dict[str, str]) -> dict[str, str]:
    """Fields under the names that BibTeX gives them; nothing is lost where both stand."""
    for other, usual in ALIASES.items():
        if fields.get(other) and not fields.get(usual):
            fields[usual] = fields.pop(other)
    if not fields.get("number") and re.fullmatch(r"[\w/ .–-]{1,12}", fields.get("issue", "")):
        fields["number"] = fields.pop("issue")
    return fields


def _entry_problems(entry: Entry, name: str) -> Iterator[Problem]:
    shown = any(entry.fields.get(field, "").strip("{} ") for field in (
        "booktitle", "doi", "url", "pmid", "author", "editor", "howpublished", "note", "registry",
        "institution", "organization", "publisher", "journal", "eprint", "maintitle",
    ))  # fmt: skip
    if not entry.fields.get("title", "").strip("{} "):
        rule = "is empty" if "title" in entry.fields else "is missing"
        yield Problem(name, entry.line_of("title"), "title", "", rule, "add a title", shown)


def year_in_key(key: str) -> str:
    """A year where a key has it: behind letters, at the end or before letters; else empty.

    Examples
    --------
    >>> year_in_key("smith2020b"), year_in_key("DBLP:journals/corr/abs-1910-01108")
    ('2020', '')
    """
    found = YEAR_IN_KEY.search(key)
    return found[1] if found else ""
