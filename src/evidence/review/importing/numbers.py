"""Numbers, truth values and gaps as spreadsheets and countries write them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import date

LONGEST = 100  # signs of a cell that can be a number, or two limits
_MISSING = ("na n/a n.a. n.a nan nr n.r. nd n.d. - – — . ? null none missing unknown #n/a k.a. s.o."
            " ns n.s. n.s")
MISSING = frozenset(_MISSING.split()) | {
    "not reported", "not available", "not applicable", "keine angabe", "no data", "not estimable",
}  # fmt: skip
_TRUE = "true wahr vrai verdadero vero waar sand sann tosi prawda ja yes oui sí si y x"
_FALSE = "false falsch faux falso onwaar falsk epätosi fałsz nein no non nee n"
TRUE, FALSE = frozenset(_TRUE.split()), frozenset(_FALSE.split())
PLAIN = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?")
DIGITS = re.compile(r"[+-]?[\d.,' ]*\d[\d.,' ]*(?:[eE][+-]?\d{1,3})?")
GROUPS = {mark: re.compile(rf"[+-]?[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}})+") for mark in ".,' "}
MINUS = str.maketrans({"−": "-", "–": "-", "‒": "-", "﹣": "-", "\u00a0": " ", "\u2009": " ",
                       "\u202f": " ", "\u2007": " ", "’": "'"})  # fmt: skip


def is_missing(cell: object) -> bool:
    """Whether a cell says that there is no value."""
    return cell is None or (isinstance(cell, float) and math.isnan(cell)) or (
        isinstance(cell, str) and (not cell.strip() or cell.strip().lower() in MISSING)
    )  # fmt: skip


def truth(cell: object) -> bool | None:
    """Truth value of a cell in one of the common languages, None where it is none.

    Examples
    --------
    >>> truth("WAHR"), truth("faux"), truth("maybe")
    (True, False, None)
    """
    if isinstance(cell, bool):
        return cell
    word = str(cell).strip().lower()
    word = word.removesuffix(".0") if word in ("1.0", "0.0") else word
    if word in TRUE or word == "1":
        return True
    return False if word in FALSE or word == "0" else None


def decimal_mark(cells: Iterable[object]) -> str | None:
    """The decimal mark that text cells agree on: "." or ",", "" if none needs one, None if unclear.

    A cell such as ``1,234`` says nothing by itself: it may be one thousand or one and a bit.

    Examples
    --------
    >>> decimal_mark(["4,5", "12"]), decimal_mark(["0.5", "1,234"]), decimal_mark(["1,234"])
    (',', '.', None)
    """
    votes = {".": 0, ",": 0}
    unclear = False
    for cell in cells:
        if not isinstance(cell, str):
            continue
        text = _bare(cell)
        if len(text) > LONGEST or not DIGITS.fullmatch(text):
            continue
        marks = [sign for sign in text if sign in ".,"]
        if not marks:
            continue
        if len(set(marks)) == 2:
            votes[marks[-1]] += 1
        elif len(marks) > 1:  # groups of thousands
            votes["," if marks[0] == "." else "."] += 1
        elif GROUPS[marks[0]].fullmatch(text):
            unclear = True
        else:
            votes[marks[0]] += 1
    if votes["."] and votes[","]:
        return None
    if votes["."] or votes[","]:
        return "." if votes["."] else ","
    return None if unclear else ""


def number(cell: object, mark: str = ".", whole: bool = False) -> str | None:
    """A cell as a number with a decimal point, None where it is none.

    Parameters
    ----------
    cell : object
    mark : str
        The decimal mark of the table.
    whole : bool
        Whether only a count makes sense: then one mark before three digits sets thousands apart,
        and ``12.0`` is 12.

    Examples
    --------
    >>> number("1.234,5", ","), number("−3"), number("1,234", ",", whole=True)
    ('1234.5', '-3', '1234')
    """
    if cell is None or isinstance(cell, (bool, date)):
        return None
    if isinstance(cell, (int, float)):
        if not math.isfinite(cell):
            return None
        text = repr(cell) if cell != int(cell) or abs(cell) > 1e15 else str(int(cell))
        return text
    text = _bare(cell)
    if len(text) > LONGEST or not DIGITS.fullmatch(text):
        return None
    if whole:
        for sign, pattern in GROUPS.items():
            if pattern.fullmatch(text):
                text = text.replace(sign, "")
                break
    thousands = "," if mark == "." else "."
    body, exponent = re.fullmatch(r"([^eE]*)([eE].*)?", text).groups()
    for sign in (thousands, " ", "'"):
        if sign in body:
            head, _, tail = body.partition(mark)
            if not GROUPS[sign].fullmatch(head) or sign in tail:
                return None
            body = head.replace(sign, "") + (mark + tail if tail else "")
    text = body.replace(mark, ".") + (exponent or "")
    if not PLAIN.fullmatch(text) or not math.isfinite(float(text)):
        return None
    if whole and float(text) == int(float(text)):
        return str(int(float(text)))
    text = text.removeprefix("+")
    return f"0{text}" if text.startswith(".") else text.replace("-.", "-0.")


def interval(cell: object, mark: str = ".") -> tuple[str, str] | None:
    """Two limits that stand in one cell, such as ``0.45 to 0.92`` or ``[0,45; 0,92]``.

    Examples
    --------
    >>> interval("(−0.5 to 0.9)"), interval("0,45–0,92", ","), interval("0.4, 0.9")
    (('-0.5', '0.9'), ('0.45', '0.92'), ('0.4', '0.9'))
    """
    if not isinstance(cell, str) or len(cell) > LONGEST:
        return None
    text = cell.replace("−", "-").strip().strip("()[]")
    separators = (
        r"\s+(?:to|bis|à|a|-|–|—)\s+", r"\s*;\s*", r"(?<=\d)\s*[–—]\s*", r"(?<=\d)-(?=-?\d)",
        r"\s*,\s+" if mark == "," else r"\s*,\s*",
    )  # fmt: skip
    for separator in separators:
        parts = re.split(separator, text)
        if len(parts) == 2:
            low, high = (number(part, mark) for part in parts)
            if low is not None and high is not None:
                return low, high
    return None


def _bare(cell: str) -> str:
    text = cell.translate(MINUS).strip()
    return re.sub(r"^([+-])\s+", r"\1", text)
