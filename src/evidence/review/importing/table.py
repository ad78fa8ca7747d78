"""Results of studies from a table of any program: one row a study, or one row an arm."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches

from evidence.review.importing.columns import KNOWN, OURS, Meaning, meanings, squeezed
from evidence.review.importing.numbers import (
    LONGEST,
    decimal_mark,
    interval,
    is_missing,
    number,
    truth,
)
from evidence.review.importing.reading import Cell, Grid
from evidence.review.problems import Problem, ReviewError
from evidence.review.vocabulary import ARMS, MEASURES, RATIOS, REPORTED_AS

WHOLE = ("_n", "_events", "_nonevents")
NUMBERS = ("_n", "_events", "_nonevents", "_mean", "_sd", "_se", "_time", "_pct", "_change")
EFFECT_NUMBERS = ("effect", "effect_se", "effect_var", "effect_ci_low", "effect_ci_high",
                  "p_value", "correlation_effect")  # fmt: skip
TOTAL = re.compile(
    r"(?:sub)?total\b|overall\b|pooled\b|summary\b|gesamt\b|summe\b|heterogeneity|heterogenität"
    r"|test for|random[ -]effects?|fixed[ -]effects?|common[ -]effect|prediction interval|i²|tau²"
    r"|mean effect|(?:(?:fixed|random|common)(?:[ -]effects?)?(?: model)?|[rfe]e model|combined|all"
    r" studies)\s*$", re.IGNORECASE
)  # fmt: skip
CONTROLS = re.compile(
    r"placebo|control|usual care|standard care|sham|no treatment|waiting|wait[- ]?list|comparator"
    r"|kontroll|plac\b|pbo|tau\b|untreated|nothing", re.IGNORECASE
)  # fmt: skip
KINDS = {  # what a row needs, in the order in which a table is looked through
    "counts": ("RR", ("RR", "OR", "RD")), "rates": ("IRR", ("IRR",)),
    "means": ("MD", ("MD", "SMD")), "correlations": ("COR", ("COR", "GEN")),
    "shares": ("PROP", ("PROP",)), "effects": ("GEN", MEASURES),
}  # fmt: skip
GROUP = {  # plain names of the numbers of one arm
    "group_mean": "mean means mittelwert mw moyenne media avg average",
    "group_sd": "sd std stdev standarddeviation standardabweichung écarttype ecarttype",
    "group_se": "se sem standarderror", "group_n": "n total samplesize patients participants",
    "group_events": "events event responders cases r x",
    "group_time": "time persontime personyears",
}  # fmt: skip
PART_OF = re.compile(r"\s*(\d+)\s*(?:/|of|von)\s*(\d+)\s*(?:[(\[]\s*[\d.,]+\s*%?\s*[)\]])?\s*")
WITH_LIMITS = re.compile(
    r"\s*([^\s(\[]+)\s*[,;]?\s*[(\[](?:95\s*%?\s*(?:CI|KI|IC)\s*[:,=]?)?\s*(.+?)[)\]]\s*",
    re.IGNORECASE,
)
P_VALUE = re.compile(r"\s*(?:[pP]\s*(?==|<|>|≤|≥))?\s*([<>≤≥=]?)=?\s*([\d.,eE+-]+)\s*\**\s*")
WITH_ERROR = re.compile(r"\s*(\S+?)\s*(?:±|\(|\[|\+/-)\s*(\S+?)\s*[)\]]?\s*")
JOINT = ("effect_ci", "_mean_sd", "_mean_se")  # several numbers in a cell
HEADER_ROWS = 30
NEAR = 0.006  # between two effects that are printed with two decimals


@dataclass(frozen=True, slots=True)
class Options:
    """What a curator may say of a file that does not say it by itself."""

    measure: str = ""
    decimal: str = ""
    sheet: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """One result of one study, by the columns of outcomes.csv.

    `study` is its name in the source, `where` the cells that it was read from.
    """

    study: str
    year: str
    fields: Mapping[str, str]
    where: str
    outcome: str = ""
    subgroup: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Analysis:
    """Results that are pooled together."""

    title: str
    measure: str
    results: tuple[Result, ...]
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Header:
    """Names of the columns, their meanings, and the row of the grid that is the first of data."""

    names: list[str]
    meanings: dict[int, Meaning]
    first: int
    skipped: int


def find_header(grid: Grid, options: Options, ours: Iterable[str] = ()) -> Header:
    """The header of a grid: the row, or two rows, whose names say most."""
    ours = frozenset(ours)
    best: tuple[int, Header] | None = None
    for position, row in enumerate(grid.rows[:HEADER_ROWS]):
        if not any(isinstance(cell, str) for cell in row):
            continue
        names = [_name(cell) for cell in row]
        choices = [(names, 0)]
        if position:
            above, last = [], ""
            for cell in grid.rows[position - 1]:
                last = _name(cell) or last
                above.append(last)
            both = [f"{a} {b}".strip() if b and a != b else b
                    for a, b in zip(above, names, strict=True)]  # fmt: skip
            known = {**meanings(both, ours), **_mapped(both, options.columns)}
            choices.append(([b if at in known or names.count(a) > 1 else a for at, (a, b) in
                             enumerate(zip(names, both, strict=True))], 1))  # fmt: skip
        for labels, bonus in choices:
            found = _mapped(labels, options.columns) | {
                at: meaning for at, meaning in meanings(labels, ours).items()
                if at not in _mapped(labels, options.columns)
            }  # fmt: skip
            score = 10 * len({meaning.target for meaning in found.values()}) - position - bonus
            if len(found) > 1 and (best is None or score > best[0]):
                best = score, Header(labels, _distinct(found, labels, options), position + 1,
                                     position - bonus)
    if best:
        return best[1]
    first = next((n for n, row in enumerate(grid.rows) if sum(c is not None for c in row) > 1), 0)
    names = [_name(cell) for cell in grid.rows[first]] if grid.rows else []
    return Header(names, _mapped(names, options.columns) | meanings(names, ours), first + 1, first)


def _named(header: Header, rows: Sequence[Sequence[Cell]]) -> Header:
    """The header with a column of names for the studies, where the one called so has numbers."""
    at = next((n for n, meaning in header.meanings.items() if meaning.target == "study"), None)
    if at is None or any(meaning.target == "author" for meaning in header.meanings.values()):
        return header
    cells = [row[at] for row in rows if row[at] is not None]
    if not cells or not all(number(cell, whole=True) for cell in cells):
        return header
    for other, name in enumerate(header.names):
        texts = [row[other] for row in rows]
        if other not in header.meanings and KNOWN.get(squeezed(name)) in ("study", "author") and (
            texts and all(isinstance(text, str) for text in texts)
            and not any(number(text) for text in texts)
        ):
            meanings_ = {n: m for n, m in header.meanings.items() if n != at}
            return replace(header, meanings=meanings_ | {other: Meaning("study")})
    return header


def _with_arms(header: Header, rows: Sequence[Sequence[Cell]]) -> Header:
    """The header of a table with one row an arm, whose columns are called plainly mean, SD, n.

    The arms may stand in a column of any name: the one whose cells name the control in one row
    of a study and something else in another one.
    """
    bare = {squeezed(name): at for at, name in reversed(list(enumerate(header.names)))}
    arm = next((at for at, m in header.meanings.items() if m.target == "arm"), None)
    study = next((at for at, m in header.meanings.items() if m.target in ("study", "author")), None)
    if arm is None and study is not None and not any(
        meaning.target.startswith(ARMS) for meaning in header.meanings.values()
    ):
        arm = next((at for at in range(len(header.names)) if at != study and _are_arms(
            [(str(row[study]), str(row[at])) for row in rows if row[study] and row[at]])), None)
    if arm is None:
        return header
    found = {**header.meanings, arm: Meaning("arm")}
    for target, names in GROUP.items():
        at = next((bare[name] for name in names.split() if name in bare), None)
        if at is not None and (at not in found or found[at].target == "effect_se"):
            found[at] = Meaning(target)
    return replace(header, meanings=found)


def _are_arms(cells: Sequence[tuple[str, str]]) -> bool:
    """Whether a control and another arm stand in the rows of most studies."""
    studies: dict[str, set[bool]] = {}
    for study, arm in cells:
        studies.setdefault(study, set()).add(bool(CONTROLS.search(arm)))
    return len(cells) > len(studies) and (
        2 * sum(len(kinds) == 2 for kinds in studies.values()) > len(studies))


def _distinct(
    found: Mapping[int, Meaning], names: Sequence[str], options: Options
) -> dict[int, Meaning]:
    """Meanings of which each target has one column: a mapped one before a recognised one."""
    mapped = _mapped(names, options.columns)
    taken: dict[str, int] = {}
    for at in [*mapped, *(at for at in sorted(found) if at not in mapped)]:
        taken.setdefault(found[at].target, at)
    return {at: meaning for at, meaning in found.items() if taken[meaning.target] == at}


def _mapped(names: Sequence[str], columns: Mapping[str, str]) -> dict[int, Meaning]:
    wanted = {squeezed(theirs): ours for theirs, ours in columns.items()}
    found = {}
    for at, name in enumerate(names):
        target = columns.get(name, wanted.get(squeezed(name)) if name else None)
        if target is not None:
            code, _, log = target.partition(":")
            found[at] = Meaning(code, "", log == "log")
    return found


def _name(cell: Cell) -> str:
    return " ".join(str(cell).split()) if cell is not None else ""


def read_results(
    grid: Grid, options: Options, ours: Iterable[str] = ()
) -> tuple[list[Analysis], list[str]]:
    """Analyses of a table, and what was read how.

    Parameters
    ----------
    grid : Grid
    options : Options
    ours : iterable of str
        Columns that outcomes.csv knows.

    Returns
    -------
    analyses : list of Analysis
        One for each outcome that the table names.
    notes : list of str

    Raises
    ------
    ReviewError
        When a needed column is missing, a cell cannot be read, or a number can be read in two ways.
    """
    header = find_header(grid, options, ours)
    header = _named(header, grid.rows[header.first:])
    notes = list(grid.notes)
    if header.skipped > 0:
        notes.append(f"{grid.name}: the {header.skipped} rows above the header are titles, "
                     "left out" if header.skipped > 1 else
                     f"{grid.name}: the row above the header is a title, left out")
    header = _with_arms(header, grid.rows[header.first:])
    targets = {meaning.target for meaning in header.meanings.values()}
    if {"arm", "group_n"} <= targets:
        results, measure = _arm_rows(grid, header, options, notes, ours)
    else:
        results, measure = _study_rows(grid, header, options, notes, ours)
    return _analyses(grid, results, measure, notes), notes


def _where(grid: Grid, line: int) -> str:
    """The cells of a row: by their letters in a workbook, by the line of a text."""
    if not grid.sheet or not grid.rows:
        return f"{grid.name}, row {line}"
    width, letters = len(grid.rows[0]), ""
    while width:
        width, last = divmod(width - 1, 26)
        letters = chr(65 + last) + letters
    return f"{grid.name}, cells A{line}:{letters}{line}"


def _data_rows(grid: Grid, header: Header, notes: list[str]) -> list[tuple[int, list[Cell], str]]:
    """Line, cells and heading of each row of data."""
    out: list[tuple[int, list[Cell], str]] = []
    heading = ""
    waiting: list[tuple[int, str]] = []
    text_at = [at for at, meaning in header.meanings.items()
               if meaning.target in ("study", "author")] or [0]  # fmt: skip
    for line, row in zip(grid.lines[header.first:], grid.rows[header.first:], strict=True):
        filled = [cell for cell in row if cell is not None]
        first = next((str(cell) for cell in (row[text_at[0]], *filled) if cell is not None), "")
        if [_name(cell) for cell in row] == [_name(c) for c in grid.rows[header.first - 1]]:
            continue
        if TOTAL.match(first.strip()):
            notes.append(f"{_where(grid, line)}: “{_shown(first)}” is a total, left out")
            continue
        if len(filled) == 1 and len(row) > 2:
            heading = str(filled[0])
            waiting.append((line, heading))
            continue
        if waiting:
            waiting = [item for item in waiting if item[1] != heading]
        out.append((line, row, heading))
    _name_unnamed(grid, header, out, notes)
    used = {heading for _, _, heading in out}
    for line, row in zip(grid.lines[header.first:], grid.rows[header.first:], strict=True):
        filled = [cell for cell in row if cell is not None]
        if len(filled) == 1 and len(row) > 2:
            words = str(filled[0])
            what = "the heading of a subgroup" if words in used else "a note, left out"
            notes.append(f"{_where(grid, line)}: “{_shown(words)}” is taken for {what}")
    return out


def _name_unnamed(
    grid: Grid, header: Header, rows: Sequence[tuple[int, list[Cell], str]], notes: list[str]
) -> None:
    """Say what stands in columns without a name; stop at rows that are longer than the header of
    a text table and end in numbers: their cells have moved."""
    last = max((at for at, name in enumerate(header.names) if name), default=0)
    label = None if any(meaning.target in ("study", "author")
                        for meaning in header.meanings.values()) else (
        _first_text(header, [row for _, row, _ in rows]))
    shifted = []
    for at in range(len(header.names)):
        cells = [(line, _name(row[at])) for line, row, _ in rows if row[at] is not None]
        counted = [text for _, text in cells] == [str(n) for n in range(1, len(rows) + 1)]
        if not cells or header.names[at] or at in header.meanings or at == label or counted:
            continue
        if at > last and not grid.sheet:
            shifted += [line for line, text in cells if number(text) or number(text, ",")]
        more = f" and {len(cells) - 1} more" if len(cells) > 1 else ""
        notes.append(f"{_where(grid, cells[0][0])}: “{_shown(cells[0][1])}”{more} in a column "
                     "without a name, left out")  # fmt: skip
    if shifted:
        raise ReviewError([Problem(
            grid.name, line, "", ", ".join(_name(cell) for cell in row[last + 1:] if cell),
            "stands behind the last column of the header",
            "commas in numbers or names need quotes: save the table as XLSX, or with semicolons",
        ) for line, row, _ in rows if line in shifted])  # fmt: skip


def _shown(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else f"{text[:39]}…"


def _is_number(target: str) -> bool:
    return target in EFFECT_NUMBERS or (
        target.startswith(("intervention_", "control_", "group_")) and target.endswith(NUMBERS))


def _mark(grid: Grid, header: Header, rows: list, options: Options, notes: list[str]) -> str:
    """The decimal mark of a table; asked back where its cells leave it open."""
    if options.decimal:
        return options.decimal
    numeric = [at for at, meaning in header.meanings.items()
               if _is_number(meaning.target) or meaning.target == "effect_ci"]  # fmt: skip
    cells = [part for _, row, _ in rows for at in numeric for part in (
             re.findall(r"\d+[.,]\d+", str(row[at] or "")[:LONGEST])
             if header.meanings[at].target.endswith(JOINT) else [row[at]])]
    mark = decimal_mark(cells)
    if mark is None:
        parts = [row[at] for _, row, _ in rows for at in numeric
                 if not header.meanings[at].target.endswith(WHOLE)]  # fmt: skip
        mark = decimal_mark(parts)
        if mark is None and grid.delimiter == "," and not any(
            isinstance(cell, str) and "," in cell for cell in parts
        ):
            mark = "."
    if mark is None:
        odd = [f"{cell}" for cell in cells if isinstance(cell, str)
               and re.fullmatch(r"\s*-?\d+[.,]\d+\s*", cell)]  # fmt: skip
        raise ReviewError([Problem(
            grid.name, None, "", "; ".join(dict.fromkeys(odd[:20])),
            "can be read with a decimal comma or a decimal point",
            "say which: --decimal comma or --decimal point")])  # fmt: skip
    if mark == ",":
        notes.append(f"{grid.name}: decimal commas are read as points, such as "
                     + next((f"{cell} as {number(cell, ',')}" for cell in cells
                             if isinstance(cell, str) and "," in cell
                             and number(cell, ",") is not None), "0,5 as 0.5"))
    return mark or "."


class _Reader:
    """Reads the cells of a table, gathering what is wrong and what was read otherwise."""

    def __init__(self, grid: Grid, header: Header, mark: str):
        self.grid, self.header, self.mark = grid, header, mark
        self.problems: list[Problem] = []
        self.gaps: list[str] = []
        self.floats: list[str] = []
        self.percents: list[str] = []

    def number(self, line: int, at: int, cell: Cell, target: str) -> str:
        """A number as text, empty where there is none."""
        whole = target.endswith(WHOLE)
        if is_missing(cell):
            if isinstance(cell, str) and cell.strip():
                self.gaps.append(f"“{cell}” in row {line}, {self.header.names[at]}")
            return ""
        if isinstance(cell, date):
            self._wrong(line, at, cell, "is a date, which a spreadsheet made of what was typed",
                        "type the number again as text")
            return ""
        found = number(cell, self.mark, whole)
        if found is None and isinstance(cell, str) and whole:
            with_share = re.fullmatch(r"\s*(\d+)\s*\(\s*[\d.,]+\s*%?\s*\)\s*", cell)
            found = with_share[1] if with_share else None
            if with_share:
                self.percents.append(f"{cell} as {found}")
        if found is None:
            self._wrong(line, at, cell, "is not a number", "mend it, or leave the cell empty")
            return ""
        if whole:
            if not re.fullmatch(r"-?\d+", found):
                self._wrong(line, at, cell, "is not a whole number", "counts are whole")
                return ""
            if isinstance(cell, str) and re.search(r"[.,]0+$", cell) and "." not in found:
                self.floats.append(f"{cell} as {found}")
        return found

    def _wrong(self, line: int, at: int, cell: Cell, rule: str, advice: str) -> None:
        self.problems.append(
            Problem(self.grid.name, line, self.header.names[at], str(cell), rule, advice))

    def notes(self) -> list[str]:
        out = []
        for what, words in ((self.gaps, "read as empty: "), (self.floats, "read as whole: "),
                            (self.percents, "share beside a count left out: ")):  # fmt: skip
            if what:
                more = f" and {len(what) - 3} more" if len(what) > 3 else ""
                out.append(f"{self.grid.name}: {words}{'; '.join(what[:3])}{more}")
        return out


def _read_rows(
    grid: Grid, header: Header, options: Options, notes: list[str], ours: Iterable[str]
) -> list[tuple[int, Result, dict[str, str]]]:
    """Line of each row of data, whose result it is with the curator's own columns, and its cells
    by meaning."""
    rows = _data_rows(grid, header, notes)
    reader = _Reader(grid, header, _mark(grid, header, rows, options, notes))
    own_names = _own_names(header, ours)
    read = []
    for number_, (line, row, heading) in enumerate(rows, 1):
        values, own = _values(reader, line, row, own_names)
        label, year = _study(header, row, values, number_)
        result = Result(label, year, own, _where(grid, line), values.pop("outcome", ""),
                        values.pop("subgroup", "") or heading)
        read.append((line, result, values))
    if reader.problems:
        raise ReviewError(reader.problems)
    notes += reader.notes()
    return read


def _study_rows(
    grid: Grid, header: Header, options: Options, notes: list[str], ours: Iterable[str]
) -> tuple[list[Result], str]:
    """Results of a table with one row a study, and their measure."""
    rows = _read_rows(grid, header, options, notes, ours)
    read = [(result, values) for _, result, values in rows]
    _name_arms(grid, [values for _, values in read], notes)
    read = [(replace(result, subgroup=result.subgroup or values.pop("subgroup", "")), values)
            for result, values in read]  # fmt: skip
    for _, values in read:
        _completed(values)
    kind = _kind(grid, header, [values for _, values in read], options)
    measure = _measure(kind, header, options)
    shown = "" if options.measure else _from_effects([values for _, values in read])
    if shown in KINDS[kind][1] and shown != measure:
        measure = shown
        notes.append(f"{grid.name}: measure {shown}, since it gives the effects of the table")
    error = next((header.names[at] for at, meaning in header.meanings.items()
                  if meaning.target == "effect_se" and not meaning.is_log), "")  # fmt: skip
    if kind == "effects" and measure in RATIOS and error and not _logs(header) & {"effect"}:
        notes.append(f"{grid.name}: “{error}” is taken for the standard error of the log; if it is "
                     "that of the ratio itself, divide it by the ratio")  # fmt: skip
    results = []
    for result, values in read:
        fields, remarks = _fields(values, kind, measure, header)
        results.append(replace(result, fields={**fields, **result.fields}, notes=tuple(remarks)))
    if not any(meaning.target in ("study", "author") for meaning in header.meanings.values()):
        lines = {line for line, _, _ in rows}
        at = _first_text(header, [row for line, row in zip(grid.lines, grid.rows, strict=True)
                                  if line in lines])  # fmt: skip
        notes.append(f"{grid.name}: the studies are taken from the column “{header.names[at]}”"
                     if at is not None else
                     f"{grid.name}: no column names the studies; they are numbered by row")
    return results, measure


def _own_names(header: Header, ours: Iterable[str]) -> dict[int, str]:
    """Names, in this project's spelling, of the columns that come in as the curator's own."""
    taken = set(ours) | OURS
    names = {}
    for at, name in enumerate(header.names):
        if at in header.meanings or not name:
            continue
        base = re.sub(r"\W+", "_", name.lower()).strip("_") or f"column_{at + 1}"
        chosen, count = f"their_{base}" if base in taken else base, 2
        while chosen in taken:
            chosen, count = f"{base}_{count}", count + 1
        taken.add(chosen)
        names[at] = chosen
    targets = {meaning.target for meaning in header.meanings.values()}
    if {"study", "author", "year"} <= targets:
        at = next(at for at, meaning in header.meanings.items() if meaning.target == "study")
        base = re.sub(r"\W+", "_", header.names[at].lower()).strip("_")
        names[at] = base if base not in taken else f"{base}_in_source"
    return names


def _values(
    reader: _Reader, line: int, row: list[Cell], own_names: Mapping[int, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Cells by meaning, and own columns as text."""
    values: dict[str, str] = {}
    own: dict[str, str] = {}
    for at, cell in enumerate(row):
        meaning = reader.header.meanings.get(at)
        if at in own_names:
            if cell is not None and not is_missing(cell):
                own[own_names[at]] = _text(cell, reader.mark)
            if meaning is None or meaning.target == "study":
                continue
        if meaning is None:
            continue
        target = meaning.target
        if isinstance(cell, str) and len(cell) > LONGEST and (
                _is_number(target) or target.endswith(JOINT)):  # fmt: skip
            reader._wrong(line, at, cell, "is too long for a number", "mend it")
        elif target in ("poolable", "is_primary"):
            found = truth(cell)
            if found is None and not is_missing(cell):
                reader._wrong(line, at, cell, "is neither true nor false", "write true or false")
            values[target] = "" if found is None else str(found).lower()
        elif target == "p_value" and isinstance(cell, str) and (found := P_VALUE.fullmatch(cell)):
            if found[1]:
                values["p_relation"] = {"≤": "<", "≥": ">"}.get(found[1], found[1])
            values[target] = reader.number(line, at, found[2], target)
        elif target == "effect_ci":
            found = interval(cell, reader.mark)
            whole = None if found else WITH_LIMITS.fullmatch(str(cell or ""))
            if whole:
                found = interval(whole[2], reader.mark)
            if found:
                values["effect_ci_low"], values["effect_ci_high"] = found
                if whole and not values.get("effect"):
                    values["effect"] = reader.number(line, at, whole[1], "effect")
            elif not is_missing(cell):
                reader._wrong(line, at, cell, "are not two limits", "write such as 0.5 to 0.9, or "
                              "0.7 (0.5 to 0.9)")
        elif target.endswith(("_mean_sd", "_mean_se")):
            pair = WITH_ERROR.fullmatch(str(cell or ""))
            if pair:
                arm = target.split("_")[0]
                values[f"{arm}_mean"] = reader.number(line, at, pair[1], "effect")
                values[f"{arm}_{target[-2:]}"] = reader.number(line, at, pair[2], "effect")
            elif not is_missing(cell):
                reader._wrong(line, at, cell, "is not a mean with its error",
                              "write such as 12.3 (4.5)")
        elif target.endswith(("_events", "_n")) and isinstance(cell, str) and (
            pair := PART_OF.fullmatch(cell)
        ):
            arm = target.rpartition("_")[0]
            for name, value in ((f"{arm}_events", pair[1]), (f"{arm}_n", pair[2])):
                values[name] = values.get(name) or value
        elif _is_number(target):
            found = reader.number(line, at, cell, target)
            if found or target not in values:
                values[target] = found
        elif target not in ("study", "author", "year") and not is_missing(cell):
            values[target] = _text(cell, reader.mark)
    return values, own


def _text(cell: Cell, mark: str) -> str:
    if isinstance(cell, bool):
        return str(cell).lower()
    found = number(cell, mark)
    return " ".join(str(cell).split()) if found is None else found


def _study(
    header: Header, row: list[Cell], values: Mapping[str, str], number_: int
) -> tuple[str, str]:
    """Name and year of the study of a row."""
    cells = {meaning.target: row[at] for at, meaning in header.meanings.items()}
    year_cell = cells.get("year")
    year = ""
    if isinstance(year_cell, date):
        year = str(year_cell.year)
    elif year_cell is not None:
        found = re.search(r"(?<!\d)(?:1[89]|20)\d\d(?!\d)", str(year_cell))
        year = found[0] if found else ""
    name = cells.get("study")
    if cells.get("author") is not None and ("year" in cells or name is None):
        name = cells["author"]
    if name is None and not {"study", "author"} & set(cells):
        at = _first_text(header, [row])
        name = row[at] if at is not None else f"Study {number_}"
    name = _text(name, ".") if name is not None else ""
    inside = re.search(r"(?<!\d)(?:19|20)\d\d(?!\d)", name)
    if not year and inside:
        year = inside[0]
    if name.isdecimal():
        name = f"Study {name}"
    elif name and year and not inside:
        name = f"{name} {year}"
    return name, year


def _first_text(header: Header, rows: Sequence[list[Cell]]) -> int | None:
    for at in range(len(header.names)):
        if at not in header.meanings and any(isinstance(row[at], str) for row in rows):
            return at
    return None


def _name_arms(grid: Grid, rows: list[dict[str, str]], notes: list[str]) -> None:
    """Put the control second where arms are named, whichever stands first; refuse networks."""
    pairs = [(row.pop("arm1", ""), row.pop("arm2", "")) for row in rows]
    more = any(row.pop("arm3", "") for row in rows)
    if not any(any(pair) for pair in pairs):
        return False
    control = _control(grid, [pair for pair in pairs if all(pair)], more, notes)
    if control is None:  # two unnamed roles: the first arm is the intervention, as metafor has it
        notes.append(f"{grid.name}: the intervention is “{pairs[0][0]}”, the control "
                     f"“{pairs[0][1]}”")  # fmt: skip
        return
    for row, (one, other) in zip(rows, pairs, strict=True):
        if one == control:
            for name in [name for name in row if name.startswith("intervention_")]:
                opposite = name.replace("intervention_", "control_")
                row[name], row[opposite] = row.get(opposite, ""), row[name]
        if len({name for pair in pairs for name in pair if name}) > 2:
            row["subgroup"] = row.get("subgroup") or (other if one == control else one)


def _control(
    grid: Grid, pairs: Sequence[tuple[str, ...]], more: bool, notes: list[str]
) -> str | None:
    """The arm that every study has as its control; None for two arms of which none says so.

    Raises
    ------
    ReviewError
        When the studies make a network, which is not analysed here.
    """
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    common = [name for name in names if all(name in pair for pair in pairs)]
    said = [name for name in common if CONTROLS.search(name)]
    others = any(CONTROLS.search(name) for name in names if name not in common)
    control = said[0] if len(said) == 1 else (
        common[0] if len(common) == 1 and not others else None)
    if more or (control is None and len(names) > 2):
        raise ReviewError([Problem(
            grid.name, None, "", ", ".join(names), "compares more than two treatments",
            "a network is not analysed here: keep the rows of two treatments in a file",
        )])  # fmt: skip
    if control is not None:
        rest = [name for name in names if name != control]
        what = f"the intervention is “{rest[0]}”" if len(rest) == 1 else (
            f"the interventions are subgroups: {', '.join(rest)}")  # fmt: skip
        notes.append(f"{grid.name}: {what}; the control is “{control}”")
    return control


def _arm_rows(
    grid: Grid, header: Header, options: Options, notes: list[str], ours: Iterable[str]
) -> tuple[list[Result], str]:
    """Results of a table with one row an arm, two rows of a study making one, and their measure."""
    groups: dict[tuple[str, str, str, str], list[tuple[int, Result, dict[str, str]]]] = {}
    for line, result, values in _read_rows(grid, header, options, notes, ours):
        group = (result.study, result.year, result.outcome, result.subgroup)
        groups.setdefault(group, []).append((line, result, values))
    pairs = [tuple(values.get("arm", "") for _, _, values in arms) for arms in groups.values()
             if len(arms) > 1]  # fmt: skip
    _refuse_repeats(grid, header, groups)
    control = _control(grid, pairs, any(len(pair) > 2 for pair in pairs), notes)
    if control is None:
        names = ", ".join(dict.fromkeys(name for pair in pairs for name in pair))
        raise ReviewError([Problem(
            grid.name, None, "", names, "does not say which arm is the control",
            "call it “control” or “placebo” in that column")])  # fmt: skip
    several = len({name for pair in pairs for name in pair}) > 2
    read = []
    for (label, year, outcome, subgroup), found in groups.items():
        if len(found) != 2:
            notes.append(f"{_where(grid, found[0][0])}: {label} has one arm, left out")
            continue
        values: dict[str, str] = {}
        for _, _, arm_values in found:
            arm = "control" if arm_values.get("arm") == control else "intervention"
            if several and arm == "intervention":
                subgroup = subgroup or arm_values.get("arm", "")
            values |= {
                name.replace("group_", f"{arm}_"): value for name, value in arm_values.items()
                if name.startswith("group_")
            }  # fmt: skip
        first, second = (dict(arm.fields) for _, arm, _ in found)
        shared = {name: value for name, value in first.items() if second.get(name) == value}
        lines = " and ".join(str(line) for line, _, _ in found)
        result = Result(label, year, shared, f"{grid.name}, rows {lines}", outcome, subgroup)
        read.append((result, values))
    for _, values in read:
        _completed(values)
    kind = _kind(grid, header, [values for _, values in read], options)
    measure = _measure(kind, header, options)
    return [replace(result, fields={**_fields(values, kind, measure, header)[0], **result.fields})
            for result, values in read], measure  # fmt: skip


def _refuse_repeats(
    grid: Grid, header: Header,
    groups: Mapping[tuple[str, ...], Sequence[tuple[int, Result, Mapping[str, str]]]],
) -> None:
    """Stop where an arm of a study stands more than once, such as at several points in time."""
    for (study, *_), found in groups.items():
        first: dict[str, tuple[int, Result]] = {}
        for line, result, values in found:
            arm = values.get("arm", "")
            if arm not in first:
                first[arm] = line, result
                continue
            before, other = first[arm]
            apart = {squeezed(name.removeprefix("their_")) for name, value in result.fields.items()
                     if other.fields.get(name, value) != value}  # fmt: skip
            names = [name for name in header.names if squeezed(name) in apart]
            column = names[0] if names else "their column"
            raise ReviewError([Problem(
                grid.name, line, "", f"{study}, {arm}", f"stands in row {before} already",
                "keep one row an arm, or say which column sets the results apart: --map with the "
                f"line “{column},outcome” or “{column},subgroup”")])  # fmt: skip


def _completed(values: dict[str, str]) -> None:
    """Add what follows from other cells: people from both counts, an SD from its error."""
    for arm in (*ARMS, "group"):
        events, rest = values.get(f"{arm}_events", ""), values.pop(f"{arm}_nonevents", "")
        if events and rest and not values.get(f"{arm}_n"):
            values[f"{arm}_n"] = str(int(events) + int(rest))
        se, n = values.pop(f"{arm}_se", ""), values.get(f"{arm}_n", "")
        if se and n and not values.get(f"{arm}_sd"):
            values[f"{arm}_sd"] = f"{float(se) * math.sqrt(float(n)):.10g}"
    variance = values.pop("effect_var", "")
    if variance and not values.get("effect_se") and float(variance) > 0:
        values["effect_se"] = repr(math.sqrt(float(variance)))


def _has(values: Mapping[str, str], *names: str) -> bool:
    return all(values.get(name) for name in names)


def _holds(values: Mapping[str, str], kind: str) -> bool:
    """Whether a row has what a kind of data needs."""
    def both(*parts: str) -> bool:
        return _has(values, *(f"{arm}_{part}" for arm in ARMS for part in parts))

    if kind == "counts":
        return both("events", "n")
    if kind == "rates":
        return both("events", "time")
    if kind == "means":
        return both("mean", "sd", "n")
    if kind == "correlations":
        return _has(values, "correlation_effect", "group_n")
    if kind == "shares":
        return _has(values, "group_events", "group_n") or (
            _has(values, "intervention_events", "intervention_n") and not values.get("control_n"))
    return _has(values, "effect") and (
        _has(values, "effect_se") or _has(values, "effect_ci_low", "effect_ci_high")
        or _has(values, "p_value"))  # fmt: skip


def _kind(
    grid: Grid, header: Header, rows: Sequence[Mapping[str, str]], options: Options
) -> str:
    """What kind of data most rows have; without any, a problem that names the nearest columns."""
    counts = {kind: sum(_holds(row, kind) for row in rows) for kind in KINDS}
    allowed = [kind for kind, (_, measures) in KINDS.items()
               if not options.measure or options.measure in measures]  # fmt: skip
    best = max(counts.values(), default=0)
    chosen = [kind for kind in allowed if counts[kind] and counts[kind] >= best / 2]
    if chosen:
        return chosen[0]
    if best:
        there = [kind for kind in KINDS if counts[kind]]
        raise ReviewError([Problem(
            grid.name, None, "", options.measure, f"does not fit the {', '.join(there)} of this "
            "table", f"use one of {', '.join(KINDS[there[0]][1])}")])  # fmt: skip
    raise ReviewError(_missing(grid, header, rows))


def _missing(
    grid: Grid, header: Header, rows: Sequence[Mapping[str, str]]
) -> list[Problem]:
    """What is missing for a result, each with the nearest column of the table."""
    needs = {
        "counts": [f"{arm}_{part}" for arm in ARMS for part in ("events", "n")],
        "means": [f"{arm}_{part}" for arm in ARMS for part in ("mean", "sd", "n")],
        "effects": ["effect", "effect_se"],
    }  # fmt: skip
    there = {meaning.target for meaning in header.meanings.values()}
    there |= {name for row in rows for name, value in row.items() if value}
    kind = max(needs, key=lambda name: (
        sum(item in there for item in needs[name]) / len(needs[name])))  # fmt: skip
    medians = [name for name in header.names if "median" in name.lower()]
    if medians and "effect" not in there and "intervention_events" not in there:
        return [Problem(grid.name, None, medians[0], "", "holds medians, which are not pooled",
                        "give means with SDs: from the authors, or worked out by a named method")]
    free = {squeezed(name): name for at, name in enumerate(header.names)
            if name and at not in header.meanings}  # fmt: skip
    shown = ", ".join(f"“{name}”" for name in list(free.values())[:12]) or "none"
    problems = []
    for item in (item for item in needs[kind] if item not in there):
        near = get_close_matches(squeezed(item), free, 1, 0.55) or get_close_matches(
            item.split("_")[-1], free, 1, 0.6)
        advice = (f"is it “{free[near[0]]}”? Then give --map with the line “{free[near[0]]},{item}”"
                  if near else f"give --map with a line “their column,{item}”; columns without a "
                  f"meaning: {shown}")
        problems.append(Problem(grid.name, grid.lines[header.first - 1] if grid.lines else None,
                                item, "", "no column of that meaning", advice))
    return problems or [Problem(grid.name, None, "", "", "no row has all that a result needs",
                                "counts, or means with SDs and n, or effects with an error")]


def _measure(kind: str, header: Header, options: Options) -> str:
    if options.measure:
        return options.measure
    return (_said(header) if kind == "effects" else "") or KINDS[kind][0]


def _logs(header: Header) -> set[str]:
    """Meanings of the columns whose names say that they hold logs."""
    return {meaning.target for meaning in header.meanings.values() if meaning.is_log}


def _said(header: Header) -> str:
    """The measure that a column of effects is called by, empty where none is."""
    return next((meaning.measure for target in ("effect", "effect_ci")
                 for meaning in header.meanings.values()
                 if meaning.target == target and meaning.measure), "")  # fmt: skip


def effects_of(values: Mapping[str, str]) -> dict[str, tuple[float, ...]]:
    """What each measure makes of the two arms of a row, the ratio and its log; empty without."""
    def numbers(*parts: str) -> list[float]:
        cells = [values.get(f"{arm}_{part}", "") for arm in ARMS for part in parts]
        return [float(cell) for cell in cells] if all(cells) else []

    if counts := numbers("events", "n"):
        a, n1, c, n2 = counts
        if not (0 < a < n1 and 0 < c < n2):
            return {}
        rr, odds = a / n1 / (c / n2), a * (n2 - c) / (c * (n1 - a))
        return {"RR": (rr, math.log(rr)), "OR": (odds, math.log(odds)), "RD": (a / n1 - c / n2,)}
    if means := numbers("mean", "sd", "n"):
        m1, s1, n1, m2, s2, n2 = means
        df = n1 + n2 - 2
        sd = math.sqrt(((n1 - 1) * s1**2 + (n2 - 1) * s2**2) / df) if df > 0 else 0
        d = (m1 - m2) / sd if sd else math.nan
        return {"MD": (m1 - m2,), "SMD": (d, d * (1 - 3 / (4 * df - 1)))}
    return {}


def is_near(one: float, other: float) -> bool:
    """Whether two effects are the same but for two printed decimals."""
    return abs(one - other) <= NEAR * max(1.0, abs(other))


def _from_effects(rows: Sequence[Mapping[str, str]]) -> str:
    """The measure by which the arms of all rows give their effects; empty where unclear."""
    fits: list[set[str]] = [
        {name for name, ours in effects_of(row).items()
         if any(is_near(value, float(row["effect"])) for value in ours)}
        for row in rows if row.get("effect") and effects_of(row)
    ]  # fmt: skip
    found = set.intersection(*fits) if fits else set()
    return found.pop() if len(found) == 1 else ""


def _fields(
    values: Mapping[str, str], kind: str, measure: str, header: Header
) -> tuple[dict[str, str], list[str]]:
    """Columns of outcomes.csv for one result."""
    used = {name: value for name, value in values.items() if value and name not in (
        "correlation_effect", "effect_measure") and not name.startswith("group_")}  # fmt: skip
    logs = _logs(header)
    named = _said(header)
    remarks: list[str] = []
    if kind not in ("correlations", "shares"):  # of both arms together, or of something else
        used |= {f"their_{name.removeprefix('group_')}": value for name, value in values.items()
                 if value and name.startswith(("group_", "correlation_"))}  # fmt: skip
    if kind == "correlations":
        used |= {"effect": values["correlation_effect"], "effect_measure": "correlation",
                 "intervention_n": values["group_n"]} if _holds(values, kind) else {}  # fmt: skip
        used["contrast"] = "single_group"
    elif kind == "shares":
        for part in ("events", "n"):
            if values.get(f"group_{part}"):
                used[f"intervention_{part}"] = values[f"group_{part}"]
        used["contrast"] = "single_group"
    elif used.get("effect"):
        reported = measure if kind == "effects" else named
        if reported in RATIOS and (logs & {"effect", "effect_ci"} or not named):
            remarks += _without_log(used)
        if reported in REPORTED_AS:
            used["effect_measure"] = REPORTED_AS[reported]
    return used, remarks


def _without_log(used: dict[str, str]) -> list[str]:
    """Turn the log of a ratio into the ratio; limits too, unless they are those of the ratio."""
    effect = float(used["effect"])
    limits = [name for name in ("effect_ci_low", "effect_ci_high") if used.get(name)]
    numbers = [float(used[name]) for name in limits]
    if len(numbers) == 2 and not numbers[0] <= effect <= numbers[1]:
        limits = []
    for name in ("effect", *limits):
        used[name] = f"{math.exp(min(float(used[name]), 300)):.12g}"
    return [f"the ratio is e to the power of {effect:g}"]


def _analyses(
    grid: Grid, results: Sequence[Result], measure: str, notes: list[str]
) -> list[Analysis]:
    by_outcome: dict[str, list[Result]] = {}
    for result in results:
        if not result.study:
            notes.append(f"{result.where}: names no study, left out")
            continue
        by_outcome.setdefault(result.outcome, []).append(result)
    extra = {"subgroup_by": "subgroup"} if any(r.subgroup for r in results) else {}
    return [Analysis(outcome or f"Studies of {grid.file}", measure, tuple(found), extra)
            for outcome, found in by_outcome.items()]  # fmt: skip
