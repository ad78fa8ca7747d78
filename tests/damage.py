"""What people and their programs do to files: each damage takes a `Random` and returns new bytes.

`CSV`, `JSON` and `BIB` list the damages of each kind of file by name. A damage whose name is in
`TEXT` may change words, one in `BLANK` may empty cells; no other may change anything that is read.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from random import Random
from typing import Any

Rows = list[list[str]]
Damage = Callable[[Random, bytes], bytes]

MISSING = ("NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "-", "–", "?", ".", "#N/A",
           "#VALUE!", "not reported", "nr", "-99")  # fmt: skip
SPACES = (" ", "  ", "\t", "\u00a0", "\u2009", "\u200b", "\ufeff", "\u3000")
TRUTHS = {"true": ("TRUE", "True", "1", "yes", "WAHR", "x"),
          "false": ("FALSE", "False", "0", "no", "FALSCH", "")}  # fmt: skip
MONTHS = ("Jan", "Feb", "Mrz", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez")
CODES = {"mean_difference", "risk_ratio", "between_arms", "rct_parallel", "condition_00", "pain",
         "worse", "primary", "REML", "DL", "MD"}  # fmt: skip
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
SWAPS = {"names of two columns swapped", "two columns swapped", "two cells swapped"}
TEXT = {
    "smart quotes", "missing as words", "single quotes", "title in smart quotes", "et al.",
    "year in words",
} | SWAPS  # fmt: skip
BLANK = {"merged cells", "one blank", "truth in other words"}


def rows_of(content: bytes) -> Rows:
    return list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))


def csv_of(rows: Rows, **options: Any) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n", **options).writerows(rows)
    return buffer.getvalue().encode("utf-8")


def _cells(rows: Rows, wanted: Callable[[str], object]) -> list[tuple[int, int]]:
    return [(i, j) for i, row in enumerate(rows[1:], 1) for j, cell in enumerate(row)
            if wanted(cell)]  # fmt: skip


def _some(random: Random, places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """One place, or all of one column."""
    if not places:
        return []
    one = random.choice(places)
    return [one] if random.random() < 0.6 else [p for p in places if p[1] == one[1]]


def _cell_damage(wanted: Callable[[str], object], change: Callable[[Random, str], str]) -> Damage:
    def damage(random: Random, content: bytes) -> bytes:
        rows = rows_of(content)
        for i, j in _some(random, _cells(rows, wanted)):
            rows[i][j] = change(random, rows[i][j])
        return csv_of(rows)

    return damage


def _whole(change: Callable[[bytes], bytes]) -> Damage:
    return lambda random, content: change(content)


def _mixed_ends(random: Random, content: bytes) -> bytes:
    return b"".join(line + random.choice([b"\n", b"\r\n"]) for line in content.split(b"\n")[:-1])


def _recoded(encoding: str) -> Damage:
    return _whole(lambda c: c.decode("utf-8").encode(encoding, "replace"))


def _is_decimal(cell: str) -> bool:
    return bool(NUMBER.fullmatch(cell)) and "." in cell


def _decimal_commas(separator: str) -> Damage:
    def damage(random: Random, content: bytes) -> bytes:
        rows = rows_of(content)
        for i, j in _cells(rows, _is_decimal):
            rows[i][j] = rows[i][j].replace(".", ",")
        return csv_of(rows, delimiter=separator)

    return damage


def _bare_comma(random: Random, content: bytes) -> bytes:
    """A decimal comma typed into the file itself, without quotes."""
    lines = content.split(b"\n")
    places = [n for n, line in enumerate(lines) if re.search(rb"\d\.\d", line)]
    if places:
        n = random.choice(places)
        lines[n] = re.sub(rb"(\d)\.(\d)", rb"\1,\2", lines[n], count=1)
    return b"\n".join(lines)


def _date(random: Random, cell: str) -> str:
    whole, _, part = cell.lstrip("+-").partition(".")
    day, month = int(whole) % 28 + 1, int(part or 1) % 12
    return random.choice([
        f"{day:02d}. {MONTHS[month]}", f"{MONTHS[month]} {day:02d}", f"{day:02d}-{MONTHS[month]}",
        f"2024-{month + 1:02d}-{day:02d}", f"{day}/{month + 1}/2024", f"{month + 1}/{day}",
        f"2024-{month + 1:02d}-{day:02d} 00:00:00", "########",
    ])  # fmt: skip


def _thousands(random: Random, cell: str) -> str:
    return f"{cell[:-3] or '1'}{random.choice([',', ' ', chr(0xa0), chr(0x27)])}{cell[-3:]}"


def _minus(random: Random, cell: str) -> str:
    return f"{random.choice('−–—')}{cell.lstrip('-')}"


def _curled(random: Random, cell: str) -> str:
    return random.choice(["“{}”", "„{}“", "‘{}’", "«{}»"]).format(cell)


def _spaces(random: Random, cell: str) -> str:
    return random.choice(["{1}{0}", "{0}{1}", "{1}{0}{1}"]).format(cell, random.choice(SPACES))


def _truth(random: Random, cell: str) -> str:
    return random.choice(TRUTHS[cell])


def _missing(random: Random, cell: str) -> str:
    return random.choice(MISSING)


def _header_spaces(random: Random, content: bytes) -> bytes:
    rows = rows_of(content)
    j = random.randrange(len(rows[0]))
    rows[0][j] = _spaces(random, rows[0][j])
    return csv_of(rows)


def _header_words(random: Random, content: bytes) -> bytes:
    rows = rows_of(content)
    j = random.randrange(len(rows[0]))
    name = rows[0][j]
    rows[0][j] = random.choice([name.upper(), name.title(), name.replace("_", " "),
                                name.replace("_", "-"), f"{name}s", name[:-1], ""])  # fmt: skip
    return csv_of(rows)


def _columns_moved(random: Random, content: bytes) -> bytes:
    rows = rows_of(content)
    order = list(range(len(rows[0])))
    random.shuffle(order)
    return csv_of([[row[j] for j in order] for row in rows])


REPORTED_TWICE = (
    {"effect", "effect_ci_low", "effect_ci_high", "effect_se"},
    {"intervention_mean", "control_mean"},
    {"intervention_pct", "control_pct"},
)


def _kind(cells: set[str]) -> str:
    cells = cells - {""}
    if cells <= set(TRUTHS):
        return "truth"
    return "number" if all(NUMBER.fullmatch(cell) for cell in cells) else "word"


def _swappable(rows: Rows) -> list[tuple[int, int]]:
    """Pairs of columns of different kinds, or of numbers that other numbers contradict.

    Nobody can tell that, say, the week and the SD of one row have changed places, or the SDs of
    the two arms: such a table is as sound as the true one.
    """
    header, columns = rows[0], [set(column) for column in zip(*rows[1:], strict=True)]
    kinds = [_kind(column) for column in columns]
    return [
        (i, j) for i in range(len(header)) for j in range(i)
        if kinds[i] != kinds[j] or kinds[i] == "word"
        or any({header[i], header[j]} <= group for group in REPORTED_TWICE)
    ]


def _swapped(start: int, stop: int | None) -> Damage:
    """The cells of two columns change places, in the rows from `start` to `stop`."""
    def damage(random: Random, content: bytes) -> bytes:
        rows = rows_of(content)
        one, other = random.choice(_swappable(rows) or [(0, 0)])
        for row in rows[start:stop]:
            row[one], row[other] = row[other], row[one]
        return csv_of(rows)

    return damage


def _merged(random: Random, content: bytes) -> bytes:
    """Only the first of several equal cells keeps its text."""
    rows = rows_of(content)
    j = random.randrange(len(rows[0]))
    for i in range(len(rows) - 1, 1, -1):
        if rows[i][j] == rows[i - 1][j]:
            rows[i][j] = ""
    return csv_of(rows)


def _header_again(random: Random, content: bytes) -> bytes:
    rows = rows_of(content)
    rows.insert(random.randint(1, len(rows)), list(rows[0]))
    return csv_of(rows)


def _column_twice(random: Random, content: bytes) -> bytes:
    rows = rows_of(content)
    j, at = random.randrange(len(rows[0])), random.randint(0, len(rows[0]))
    ending = random.choice(["", ".1", " (2)", "_1"])
    for i, row in enumerate(rows):
        row.insert(at, row[j] + ("" if i else ending))
    return csv_of(rows)


def _first_line(text: bytes) -> Damage:
    return _whole(lambda content: text + b"\n" + content)


def _quoted_by(character: str) -> Damage:
    return _whole(lambda content: csv_of(
        rows_of(content), quotechar=character, quoting=csv.QUOTE_ALL
    ))  # fmt: skip


def _smart_quoting(random: Random, content: bytes) -> bytes:
    return content.decode("utf-8").replace('"', "”").encode("utf-8")


BYTES: dict[str, Damage] = {
    "byte order mark": _whole(lambda c: b"\xef\xbb\xbf" + c),
    "Windows line ends": _whole(lambda c: c.replace(b"\n", b"\r\n")),
    "old line ends": _whole(lambda c: c.replace(b"\n", b"\r")),
    "mixed line ends": _mixed_ends,
    "no last line end": _whole(lambda c: c.rstrip(b"\n")),
    "Latin-1": _recoded("latin-1"),
    "Windows-1252": _recoded("cp1252"),
    "UTF-16": _recoded("utf-16"),
    "UTF-8 twice": _whole(lambda c: c.decode("utf-8").encode("utf-8")),
    "empty": _whole(lambda c: b""),
}

CSV: dict[str, Damage] = BYTES | {
    "semicolons": _whole(lambda c: csv_of(rows_of(c), delimiter=";")),
    "tabs": _whole(lambda c: csv_of(rows_of(c), delimiter="\t")),
    "semicolons and decimal commas": _decimal_commas(";"),
    "decimal commas": _decimal_commas(","),
    "decimal comma": _cell_damage(_is_decimal, lambda r, cell: cell.replace(".", ",")),
    "decimal comma without quotes": _bare_comma,
    "separator line": _first_line(b"sep=,"),
    "title above the header": _first_line(b"Outcomes of the trials"),
    "all quoted": _quoted_by('"'),
    "single quotes": _quoted_by("'"),
    "smart quotes": _smart_quoting,
    "smart quotes in a cell": _cell_damage(NUMBER.fullmatch, _curled),
    "dates": _cell_damage(NUMBER.fullmatch, _date),
    "thousands": _cell_damage(NUMBER.fullmatch, _thousands),
    "minus signs": _cell_damage(lambda c: NUMBER.fullmatch(c) and c[0] == "-", _minus),
    "per cent": _cell_damage(NUMBER.fullmatch, lambda r, cell: f"{cell}%"),
    "power of ten": _cell_damage(str.isdecimal, lambda r, cell: f"{int(cell) / 10:.6f}E+01"),
    "apostrophe": _cell_damage(NUMBER.fullmatch, lambda r, cell: f"'{cell}"),
    "spaces": _cell_damage(bool, _spaces),
    "missing as words": _cell_damage(lambda c: not c, _missing),
    "missing in place of a number": _cell_damage(NUMBER.fullmatch, _missing),
    "truth in other words": _cell_damage(TRUTHS.__contains__, _truth),
    "capitals": _cell_damage(CODES.__contains__, lambda r, cell: cell.title()),
    "header with spaces": _header_spaces,
    "header in other words": _header_words,
    "header again": _header_again,
    "column twice": _column_twice,
    "columns moved": _columns_moved,
    "names of two columns swapped": _swapped(0, 1),
    "two columns swapped": _swapped(1, None),
    "two cells swapped": _swapped(1, 2),
    "merged cells": _merged,
    "one blank": _cell_damage(bool, lambda r, cell: ""),
    "empty rows at the end": _whole(lambda c: c + b",,\n\n"),
    "empty rows between": _whole(lambda c: c.replace(b"\n", b"\n\n", 2)),
}


def _character(pattern: bytes, new: bytes) -> Damage:
    """One of the matches replaced."""
    def damage(random: Random, content: bytes) -> bytes:
        found = list(re.finditer(pattern, content))
        if not found:
            return content
        hit = random.choice(found)
        return content[:hit.start()] + hit.expand(new) + content[hit.end():]

    return damage


def _cut(random: Random, content: bytes) -> bytes:
    return content[: random.randrange(len(content))]


JUNK = (None, True, 0, -1, 1.5, "", "x", "[", [], {}, ["x"], {"x": 1}, "number", "boolean", "date")


def _nodes(value: Any) -> list[tuple[Any, Any]]:
    """Container and key of every value inside a JSON value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, inner in list(pairs):
        found.append((value, key))
        if isinstance(inner, dict | list):
            found += _nodes(inner)
    return found


def _tree(change: Callable[[Random, Any, Any], None]) -> Damage:
    def damage(random: Random, content: bytes) -> bytes:
        package = json.loads(content)
        change(random, *random.choice(_nodes(package)))
        return json.dumps(package, indent=1, ensure_ascii=False).encode("utf-8")

    return damage


def _put_junk(random: Random, holder: Any, key: Any) -> None:
    holder[key] = random.choice(JUNK)


def _take_out(random: Random, holder: Any, key: Any) -> None:
    del holder[key]


def _repeat(random: Random, holder: Any, key: Any) -> None:
    if isinstance(holder, list):
        holder.insert(key, holder[key])
    else:
        holder[f"{key} "] = holder[key]


def _fields(random: Random, content: bytes, change: Callable[[dict], None]) -> bytes:
    package = json.loads(content)
    resource = random.choice(package["resources"])
    change(random.choice(resource["schema"]["fields"]))
    return json.dumps(package, indent=1).encode("utf-8")


def _other_type(random: Random, content: bytes) -> bytes:
    kinds = ("string", "number", "integer", "boolean", "any", "date", "year", "array", "object",
             "geopoint", "duration", "text", "", None, 3)  # fmt: skip
    return _fields(random, content, lambda f: f.update(type=random.choice(kinds)))


def _other_limits(random: Random, content: bytes) -> bytes:
    limits = ({"required": "yes"}, {"enum": "x"}, {"enum": []}, {"minimum": "zero"}, {"maximum": 1},
              {"pattern": "["}, {"pattern": "x+"}, {"minLength": -1}, {"unique": True}, [], None,
              {"required": True}, {"minimum": None}, {"enum": [1, None]})  # fmt: skip
    return _fields(random, content, lambda f: f.update(constraints=random.choice(limits)))


def _renamed(random: Random, content: bytes) -> bytes:
    return _fields(random, content, lambda f: f.update(name=f["name"].title()))


JSON: dict[str, Damage] = BYTES | {
    "comma too many": _character(rb"([}\]])(\s*[}\]])", rb"\1,\2"),
    "comma missing": _character(rb",\n", rb"\n"),
    "smart quotes": _character(rb'"(\w+)"', "“\\1”".encode()),
    "single quotes in JSON": _character(rb'"(\w+)"', rb"'\1'"),
    "comment": _character(rb"\n", rb"\n// why\n"),
    "not a number": _character(rb'": "[^"\n]*"', rb'": NaN'),
    "other language": _character(rb"true", rb"True"),
    "name of a value twice": _character(rb'( *"\w+": "[^"\n]*",\n)', rb'\1 "type": "string",\n'),
    "cut": _cut,
    "value replaced": _tree(_put_junk),
    "value taken out": _tree(_take_out),
    "value repeated": _tree(_repeat),
    "other type": _other_type,
    "other limits": _other_limits,
    "field renamed": _renamed,
}


def _entry_twice(random: Random, content: bytes) -> bytes:
    entries = content.split(b"\n\n")
    return b"\n\n".join([*entries, random.choice(entries)])


def _entries_shuffled(random: Random, content: bytes) -> bytes:
    entries = content.strip().split(b"\n\n")
    random.shuffle(entries)
    return b"\n\n".join(entries) + b"\n"


BIB: dict[str, Damage] = BYTES | {
    "comma missing": _character(rb"},\n", rb"}\n"),
    "brace missing": _character(rb"[{}]", rb""),
    "brace too many": _character(rb"([{}])", rb"\1\1"),
    "equal sign missing": _character(rb" = ", rb" "),
    "at sign missing": _character(rb"@", rb""),
    "smart quotes around a value": _character(rb"\{([^{}\n]*)\},", "“\\1”,".encode()),
    "quotes around a value": _character(rb"\{([^{}\n]*)\},", rb'"\1",'),
    "no braces around a number": _character(rb"\{(\d+)\}", rb"\1"),
    "title in smart quotes": _character(rb"title = \{([^\n]*)\},", "title = {“\\1”},".encode()),
    "entry twice": _entry_twice,
    "pasted twice": _whole(lambda c: c + b"\n" + c),
    "entries in another order": _entries_shuffled,
    "field twice": _character(rb"(  year = [^\n]*\n)", rb"\1\1"),
    "key with a space": _character(rb"@article\{(\w+),", rb"@article{\1 b,"),
    "no key": _character(rb"@article\{(\w+),", rb"@article{"),
    "capitals in a key": _character(rb"@article\{a(\w+),", rb"@article{A\1,"),
    "capitals elsewhere": _character(rb"@article", rb"@ARTICLE"),
    "field in capitals": _character(rb"  (title|year|volume) =", rb"  TITLE ="),
    "et al.": _character(rb" and [^\n]*\},", rb" et al.},"),
    "names by semicolons": _character(rb" and ", rb"; "),
    "letter in a year": _character(rb"year = \{20", rb"year = {2O"),
    "year in words": _character(rb"year = \{\d+\}", rb"year = {in press}"),
    "address as DOI": _character(rb"doi = \{", rb"doi = {https://doi.org/"),
    "remark between": _character(rb"\n\n", rb"\n\nA remark\n\n"),
    "per cent remark": _character(rb"\n\n", rb"\n\n% A remark\n\n"),
    "abbreviation": _character(rb"journal = \{[^\n]*\}", rb"journal = jot"),
    "string": _character(rb"\n\n", rb"\n\n@string{tea = {Tea}}\n\n"),
    "tabs": _character(rb"\n  ", rb"\n\t"),
    "cut": _cut,
}
