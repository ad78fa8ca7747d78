"""From the bytes of a file to grids of cells, with a line for all that was read otherwise."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from evidence.review.problems import Problem, ReviewError

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
SPACES = "\u00a0\u2007\u2009\u202f"
ERRORS = ("#N/A", "#NV", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!")
LARGEST = 200_000  # rows of a sheet
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")

Cell = str | int | float | bool | date | None


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells of one sheet or text table.

    Attributes
    ----------
    file, sheet : str
        Names for messages; `sheet` is empty for a text table.
    rows : list of list
        Cells as text; numbers, booleans and dates of a spreadsheet as such. As wide as the widest.
    lines : list of int
        Row number of each row in the file.
    notes : tuple of str
        What was read in another way than it stands there.
    """

    file: str
    sheet: str
    rows: list[list[Cell]]
    lines: list[int]
    notes: tuple[str, ...] = ()
    delimiter: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """File, and its sheet where it has some."""
        return f"{self.file} (sheet {self.sheet})" if self.sheet else self.file


def text_of(content: bytes, name: str) -> tuple[str, str]:
    """Text of bytes, and a note when its encoding is not UTF-8.

    Raises
    ------
    ReviewError
        When the bytes are no text.
    """
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\x00\x00", "utf-32"),
                           (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):  # fmt: skip
        if content.startswith(mark):
            return _decode(content, encoding, name), "" if "8" in encoding else (
                f"{name}: read as {encoding.upper()}")  # fmt: skip
    half = content[:4000]
    if half[1::2].count(0) > len(half) / 4 and len(half) > 3:
        return _decode(content, "utf-16-le", name), f"{name}: read as UTF-16"
    if half[0::2].count(0) > len(half) / 4 and len(half) > 3:
        return _decode(content, "utf-16-be", name), f"{name}: read as UTF-16"
    try:
        return _clean(content.decode("utf-8"), name), ""
    except UnicodeDecodeError as error:
        text = content.decode("cp1252", errors="replace")
        if "\ufffd" in text:
            text = content.decode("latin-1")
        odd = text[max(0, error.start - 12) : error.start + 12].split("\n")[0].strip()
        return _clean(text, name), f"{name}: not UTF-8, read as Windows-1252 (such as “{odd}”)"


def _decode(content: bytes, encoding: str, name: str) -> str:
    try:
        return _clean(content.decode(encoding), name)
    except UnicodeDecodeError:
        raise ReviewError([Problem(name, None, "", "", "is not text that can be read",
                                   "save it again as UTF-8")]) from None  # fmt: skip


def _clean(text: str, name: str) -> str:
    if "\0" in text:
        raise ReviewError([Problem(name, None, "", "", "is not a text file",
                                   "export it as CSV, XLSX, RIS or BibTeX")])  # fmt: skip
    return CONTROL.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))


def text_grid(text: str, name: str) -> Grid:
    """Grid of a CSV text whose delimiter is seen from its lines."""
    notes = []
    stated = re.match(r"\s*sep=(.)\n", text, re.IGNORECASE)
    offset = 0
    if stated:
        text, offset = text[stated.end():], 1
    delimiter = stated[1] if stated else _delimiter(text)
    if delimiter not in (",", ""):
        notes.append(f"{name}: columns are set apart by {DELIMITERS.get(delimiter, delimiter)}")
    elif not delimiter:
        notes.append(f"{name}: columns are set apart by spaces")
    rows, lines = [], []
    for line, row in _records(text, delimiter, name):
        rows.append([cell.strip().strip("\ufeff\u200b") for cell in row])
        lines.append(line + offset)
    if rows and all(len(row) == len(rows[0]) + 1 and row[0] == str(number)
                    for number, row in enumerate(rows[1:], 1)):  # fmt: skip
        rows[0].insert(0, "")  # as R writes a table with the numbers of its rows
    return _grid(name, "", rows, lines, notes, delimiter or " ")


def _records(text: str, delimiter: str, name: str) -> Iterable[tuple[int, list[str]]]:
    if not delimiter:
        text = re.sub(r"(?m)^[ ]+|[ ]+$", "", re.sub(r" {2,}", " ", text))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter or " ")
    line = 1
    try:
        for row in reader:
            if len(row) > 2000 or line > LARGEST:
                raise ReviewError([Problem(name, line, "", "", "is larger than an import reads",
                                           "split the file")])  # fmt: skip
            yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise ReviewError([Problem(name, line, "", "", f"cannot be read as CSV ({error})",
                                   "save the table again as CSV")]) from None  # fmt: skip


def _delimiter(text: str) -> str:
    """The sign that gives most rows the same number of cells; empty for spaces."""
    sample = text[:200_000]
    if len(text) > len(sample):
        sample = sample[: sample.rfind("\n") + 1] or sample
    best, score = ",", (0.0, False, 0)
    for sign in DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(io.StringIO(sample, newline=""),
                                                     delimiter=sign) if any(map(str.strip, row))]
        except csv.Error:
            continue
        wide = [width for width in widths if width > 1]
        if not wide:
            continue
        usual = max(set(wide), key=wide.count)
        found = (wide.count(usual) / len(widths), widths[0] > 1, usual)
        if found > score:
            best, score = sign, found
    if score[0] == 0:
        lines = [line.split() for line in sample.splitlines() if line.strip()]
        if len(lines) > 1 and len(lines[0]) > 1 and len({len(line) for line in lines[1:]}) == 1:
            return ""
    return best


def workbook_grids(content: bytes, name: str) -> list[Grid]:
    """Grids of an XLSX workbook, merged cells filled with what they show.

    Raises
    ------
    ReviewError
        When it is no workbook of that format, or a formula in it has no value.
    """
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(item.file_size for item in archive.infolist())
            names = archive.namelist()
        if size > 400_000_000:
            raise ReviewError([Problem(name, None, "", "", "is larger than an import reads",
                                       "save the one sheet that is needed")])  # fmt: skip
        if any("opendocument" in item for item in names) or "content.xml" in names:
            raise ReviewError([Problem(name, None, "", "", "is an OpenDocument file",
                                       "save it as XLSX or CSV")])  # fmt: skip
        values = load_workbook(io.BytesIO(content), data_only=True)
        formulas = load_workbook(io.BytesIO(content))
    except ReviewError:
        raise
    except Exception as error:  # openpyxl raises whatever its parsers raise
        raise ReviewError([Problem(name, None, "", "", f"cannot be opened as XLSX ({error})",
                                   "save it again as XLSX or CSV")]) from None  # fmt: skip
    grids, problems = [], []
    for sheet in values.worksheets:
        last = min(sheet.max_row, LARGEST)  # asking for more would make them
        rows = [list(row) for row in sheet.iter_rows(values_only=True, max_row=last)]
        notes, wrong = [], []
        for number, row in enumerate(formulas[sheet.title].iter_rows(max_row=last)):
            for column, cell in enumerate(row):
                if cell.data_type == "f" and number < len(rows) and rows[number][column] is None:
                    wrong.append(cell.coordinate)
        if wrong:
            problems.append(Problem(f"{name} (sheet {sheet.title})", None, "", ", ".join(wrong[:5]),
                                    "holds formulas without a result",
                                    "open it in the spreadsheet program and save it"))
        for merged in sheet.merged_cells.ranges:
            value = sheet.cell(merged.min_row, merged.min_col).value
            for number in range(merged.min_row, merged.max_row + 1):
                for column in range(merged.min_col, merged.max_col + 1):
                    if number <= len(rows) and column <= len(rows[number - 1]):
                        rows[number - 1][column - 1] = value
        hidden = [number for number, item in sheet.row_dimensions.items() if item.hidden]
        hidden = [number for number in hidden if number <= len(rows) and any(
            value is not None for value in rows[number - 1])]  # fmt: skip
        if hidden:
            notes.append(f"{name} (sheet {sheet.title}): {len(hidden)} hidden rows are read too, "
                         f"the first is row {hidden[0]}")  # fmt: skip
        rows = [[_cell(value) for value in row] for row in rows]
        grids.append(_grid(name, sheet.title, rows, list(range(1, len(rows) + 1)), notes, ""))
    if problems:
        raise ReviewError(problems)
    return grids


def _cell(value: object) -> Cell:
    if isinstance(value, str):
        value = CONTROL.sub(" ", value).strip()
        return None if value in ERRORS else value
    if isinstance(value, datetime):
        return value.date() if (value.hour, value.minute, value.second) == (0, 0, 0) else value
    if value is None or isinstance(value, (bool, int, float, date)):
        return value
    return str(value)


def _grid(
    file: str, sheet: str, rows: list[list[Cell]], lines: list[int], notes: Sequence[str],
    delimiter: str,
) -> Grid:
    """A grid without empty rows and columns at its edges, every row as wide as the widest."""
    kept = [(line, row) for line, row in zip(lines, rows, strict=True)
            if any(cell not in (None, "") for cell in row)]  # fmt: skip
    width = max((max((n for n, cell in enumerate(row, 1) if cell not in (None, "")), default=0)
                 for _, row in kept), default=0)  # fmt: skip
    rows = [[None if cell == "" else cell for cell in (*row, *[None] * width)][:width]
            for _, row in kept]  # fmt: skip
    return Grid(file, sheet, rows, [line for line, _ in kept], tuple(notes), delimiter)
