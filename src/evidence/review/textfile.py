"""Reading text and CSV files strictly, with the true line of everything that is read."""

from __future__ import annotations

import csv
import errno
import io
import operator
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from evidence.review.problems import Problem, ReviewError
from evidence.storage import read_bytes

SPACES = "".join(c for c in map(chr, range(0x3001)) if c.isspace()) + "\u200b\u2060\ufeff"
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")  # no XML may hold them
HIDDEN = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"  # and no space
ODD_SIGNS = re.compile(f"[\r\n]|{CONTROL.pattern}")
ODD = (errno.EINVAL, errno.EFBIG)  # neither a file that ends nor one of a usual size
LARGEST = 2**27  # bytes of a text; a table takes some 15 times as much memory
LONGEST_CELL = 32_767  # as in a spreadsheet
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True, slots=True)
class Rows:
    """Cells of a CSV file as text, without the spaces (seen or not) around them.

    Attributes
    ----------
    header : list of str
    lines : list of int
        Line of the file on which each row begins; the header is line 1.
    cells : list of list of str
        One list per row, as long as the header.
    """

    header: list[str]
    lines: list[int]
    cells: list[list[str]]

    def column(self, name: str) -> list[str]:
        """Cells of the column `name`, the first of that name when it stands twice."""
        position = self.header.index(name)
        return [row[position] for row in self.cells]


def read_text(path: Path, name: str, advice: str = "restore it") -> str:
    """Text of a UTF-8 file, with or without byte order mark; line ends are left alone.

    Parameters
    ----------
    path : Path
    name : str
        How messages call the file.
    advice : str
        What to do when it is missing.

    Raises
    ------
    ReviewError
        When the file is missing, cannot be opened, is empty or is not UTF-8.
    """
    try:
        content = read_bytes(path, LARGEST)
    except FileNotFoundError:
        raise ReviewError([Problem(name, None, "", "", "file is missing", advice)]) from None
    except OSError as error:
        what = "replace it with a file" if error.errno in ODD else "close it elsewhere"
        reason = f"cannot be read: it {error.strerror}" if error.errno in ODD else (
            f"cannot be opened ({error.strerror})")  # fmt: skip
        raise ReviewError([Problem(name, None, "", "", reason, what)]) from None
    text = decoded(content, name)
    if not text.strip():
        raise ReviewError([Problem(name, None, "", "", "file is empty", advice)])
    return text


def decoded(content: bytes, name: str) -> str:
    """Text of UTF-8 bytes, with or without byte order mark; line ends are left alone.

    Raises
    ------
    ReviewError
        With the line that is not UTF-8; `name` is how the message calls the file.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReviewError([_encoding_problem(name, content, error.start)]) from None
    if "\0" in text:
        raise ReviewError([_encoding_problem(name, content, content.index(b"\0"))])
    return text


def _encoding_problem(name: str, content: bytes, position: int) -> Problem:
    before, _, after = (content[:position], b"", content[position:])
    row = before.count(b"\n") + 1
    words = (before[-20:].split(b"\n")[-1] + after[:20].split(b"\n")[0]).replace(b"\0", b"")
    how = " (in Excel: 'CSV UTF-8')" if name.endswith(".csv") else ""
    return Problem(name, row, "", words.decode("latin-1").strip(), "is not UTF-8 text",
                   f"save the file as UTF-8{how}")


def control_problem(text: str) -> tuple[str, str, str] | None:
    """Value to show, rule and advice when a text holds a sign that cannot be printed."""
    found = CONTROL.search(text)
    if not found:
        return None
    rule = f"holds a control character (U+{ord(found[0]):04X})"
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text), rule, "delete it, or type it again"


UNSEEN = re.compile(rf"[{HIDDEN}]|[^\S ]")  # in a code: what looks like nothing or like a space
BETWEEN = re.compile(  # in text: what no script needs there, and what turns the order round
    rf"(?<=[!-~])[{HIDDEN}]+(?=[!-~])|[\u202d\u202e]")


def unseen_problems(rows: Rows, name: str, codes: Collection[str]) -> Iterator[Problem]:
    """Signs that nobody sees: in a code or a heading they make it another one, in text they part
    a word for whoever searches it.

    Parameters
    ----------
    rows : Rows
    name : str
        How messages call the file.
    codes : collection of str
        Columns whose cells are compared with others; elsewhere a sign is only a remark.
    """
    advice = "delete it, or type the cell again"
    for column in rows.header:
        if found := UNSEEN.search(column):
            yield Problem(name, 1, _shown(column, found), "", _unseen(found), advice)
    for column in dict.fromkeys(rows.header):
        is_code = column in codes
        pattern = UNSEEN if is_code else BETWEEN
        for line, cell in zip(rows.lines, rows.column(column), strict=True):
            if not cell.isascii() and (found := pattern.search(cell)):
                yield Problem(name, line, column, _shown(cell, found), _unseen(found), advice,
                              not is_code)


def _unseen(found: re.Match[str]) -> str:
    return f"holds a sign that nobody sees (U+{ord(found[0][0]):04X})"


def _shown(text: str, found: re.Match[str]) -> str:
    return text[:found.start()] + "\N{REPLACEMENT CHARACTER}" + text[found.end():]


def read_rows(text: str, name: str) -> tuple[Rows, list[Problem]]:
    """Rows of a CSV text, and what is wrong with its form.

    Rows of the wrong width, empty rows and rows with a line break or another control character
    inside a cell are reported and left out; empty rows at the end are passed over.
    """
    lines: list[int] = []
    cells: list[list[str]] = []
    problems: list[Problem] = []
    shared: dict[str, str] = {}  # cells repeat, and one of each is kept
    for line, row in _records(text, name, problems):
        lines.append(line)
        bare = [cell.strip(SPACES) for cell in row]
        cells.append([shared.setdefault(cell, cell) for cell in bare])
    while cells and not any(cells[-1]):
        del cells[-1], lines[-1]
    if not cells:
        if not problems:
            problems.append(Problem(name, None, "", "", "has no header", "restore it"))
        return Rows([], [], []), problems
    header = cells[0]
    problems += _header_problems(header, name)
    header = [CONTROL.sub("", column) for column in header]
    widths = [len(row) for row in cells[1:]]
    usual = max(set(widths), key=widths.count, default=len(header))
    if len(header) > 1 and usual != len(header) and widths.count(usual) > len(widths) / 2:
        problems.append(
            Problem(name, 1, "", f"{len(header)} columns", f"most rows have {usual} cells",
                    "check the names and commas of the header")
        )
        return Rows(header, [], []), problems
    sound = Rows(header, [], [])
    for line, row in zip(lines[1:], cells[1:], strict=True):
        problem = _row_problem(name, line, row, header)
        if problem:
            problems.append(problem)
        else:
            sound.lines.append(line)
            sound.cells.append(row)
    return sound, problems


def _records(text: str, name: str, problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problems.append(
                Problem(name, line, "", "", f"cannot be read as CSV from here ({error})",
                        "close each quote that is opened; write \"\" for a quote inside a cell")
            )
            return
        yield line, row


def _header_problems(header: list[str], name: str) -> list[Problem]:
    if len(header) == 1:
        for character, words in SEPARATORS.items():
            if character in header[0]:
                return [Problem(name, 1, "", header[0], f"has {words} between the columns",
                                "save it with commas (in Excel: 'CSV UTF-8, comma delimited')")]
    problems = [
        Problem(name, 1, column, "", "column stands twice", "delete or rename one of the two")
        for column in sorted({c for c in header if c and header.count(c) > 1})
    ]
    for number, column in enumerate(header, 1):
        complaint = control_problem(column)
        if complaint:
            problems.append(Problem(name, 1, f"column {number}", *complaint))
    if "" in header:
        place = f"column {header.index('') + 1}"
        problems.append(
            Problem(name, 1, place, "", "has no name", "name the column, or delete it")
        )
    return problems


def _row_problem(name: str, line: int, row: list[str], header: list[str]) -> Problem | None:
    whole = "".join(row)
    if not whole:
        return Problem(name, line, "", "", "row is empty", "delete it")
    if sum(map(operator.eq, row, header)) > len(header) / 2:
        return Problem(name, line, "", "", "repeats the header", "delete it")
    is_plain = len(whole) <= LONGEST_CELL and not ODD_SIGNS.search(whole)
    for position, cell in enumerate(() if is_plain else row):
        column = header[position] if position < len(header) else ""
        if "\n" in cell or "\r" in cell:
            return Problem(name, line, column, cell, "holds a line break",
                           "write the cell on one line; look for a quote that is not closed")
        complaint = control_problem(cell)
        if complaint:
            return Problem(name, line, column, *complaint)
        if len(cell) > LONGEST_CELL:
            rule = f"has {len(cell):,} signs, a cell holds up to {LONGEST_CELL:,}"
            return Problem(name, line, column, cell, rule, "shorten it")
    if len(row) != len(header):
        columns = f"{len(header)} column{'s' if len(header) > 1 else ''}"
        comma = " (a decimal comma?)" if len(row) == len(header) + 1 else ""
        return Problem(name, line, "", f"{len(row)} cells", f"the header has {columns}{comma}",
                       "check the commas and quotes of this row")
    return None
