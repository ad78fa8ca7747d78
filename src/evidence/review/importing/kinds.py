"""What kind a file of somebody else is, seen from its content, and what it holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from evidence.review.importing import references, revman
from evidence.review.importing.judgements import Judgement, is_judgements, read_judgements
from evidence.review.importing.reading import Grid, text_grid, text_of, workbook_grids
from evidence.review.importing.references import Draft
from evidence.review.importing.table import Analysis, Options, find_header, read_results
from evidence.review.problems import Problem, ReviewError

RIS = re.compile(r"(?m)^\s{0,3}TY[ \t]{0,3}-[ \t]*[A-Z]+\s*$")
PUBMED = re.compile(r"(?m)^PMID *- *\d+")
BIBTEX = re.compile(r"(?m)^\s*@\s*\w+\s*[{(]")
ELSEWHERE = (  # what a file begins with that another export of the same program says better
    (re.compile(r"\s*(?:<\?xml[^>]*>\s*)?<COCHRANE_REVIEW"), "a RevMan 5 file",
     "open it in RevMan Web and download the data rows as CSV"),
    (re.compile(r"\s*(?:<\?xml[^>]*>\s*)?<xml>\s*<records>"), "EndNote XML", "export it as RIS"),
    (re.compile(r"\s*(?:<\?xml[^>]*>\s*)?<PubmedArticleSet"), "PubMed XML",
     "save the PubMed format (.nbib)"),
    (re.compile(r"\s*FN (?:Clarivate|Thomson|ISI)"), "Web of Science plain text",
     "export it as RIS or BibTeX"),
    (re.compile(r"(?s)\s*%0 .*^%T ", re.MULTILINE), "EndNote tagged text", "export it as RIS"),
    (re.compile(r"\s*<(?:!DOCTYPE html|html)", re.IGNORECASE), "a web page",
     "save the data behind it as CSV"),
    (re.compile(r"\s*%PDF-"), "a PDF", "save the table as CSV"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """What files hold.

    Attributes
    ----------
    kinds : tuple of str
        A line for each file: its name and what it is.
    drafts : tuple of (str, Draft)
        File and reference.
    analyses : tuple of (str, Analysis)
        File and analysis with its results.
    judgements : tuple of Judgement
    notes : tuple of str
        What was read how, and what was left out.
    labels : mapping
        Labels of intervention and control where a file names them.
    """

    kinds: tuple[str, ...] = ()
    drafts: tuple[tuple[str, Draft], ...] = ()
    analyses: tuple[tuple[str, Analysis], ...] = ()
    judgements: tuple[Judgement, ...] = ()
    notes: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


def read_files(
    files: Iterable[tuple[str, bytes]], options: Options, ours: Iterable[str] = ()
) -> Found:
    """Read files whose kind is seen from their content.

    Parameters
    ----------
    files : iterable of (str, bytes)
        Name for messages, and content.
    options : Options
    ours : iterable of str
        Columns that outcomes.csv of the review knows.

    Raises
    ------
    ReviewError
        With all that keeps the files from being read.
    """
    ours = tuple(ours)
    kinds: list[str] = []
    drafts: list[tuple[str, Draft]] = []
    grids: list[Grid] = []
    notes: list[str] = []
    problems: list[Problem] = []
    seen: dict[bytes, str] = {}
    for name, content in files:
        if content in seen:
            notes.append(f"{name}: the same as {seen[content]}, left out")
            continue
        seen[content] = name
        try:
            kind, found = _read(name, content, options, ours, notes)
        except ReviewError as error:
            problems += error.problems
            continue
        if kind == "table":
            grids += found
        else:
            kinds.append(f"{name}: {len(found)} references ({kind})")
            drafts += [(name, draft) for draft in found]
    analyses, judged, labels = [], [], {}
    settings: dict[tuple[str, str], dict[str, str]] = {}
    for number, grid in enumerate(grids):
        if revman.is_settings(_names(grid)):
            settings |= revman.read_settings(grid)
        elif revman.is_five(_names(grid)):
            grids[number], stated = revman.from_five(grid)
            settings |= stated
    for grid in grids:
        try:
            _table(grid, options, ours, settings, kinds, analyses, judged, notes)
        except ReviewError as error:
            problems += error.problems
    if problems:
        raise ReviewError(problems)
    for cells in settings.values():
        for side, column in (("intervention_label", "experimentalgrouplabel"),
                             ("control_label", "controlgrouplabel")):  # fmt: skip
            if cells.get(column):
                labels.setdefault(side, cells[column])
    return Found(tuple(kinds), tuple(drafts), tuple(analyses), tuple(judged),
                 tuple(dict.fromkeys(notes)), labels)  # fmt: skip


def _names(grid: Grid) -> list[str]:
    return [str(cell or "") for cell in grid.rows[0]] if grid.rows else []


def _read(
    name: str, content: bytes, options: Options, ours: Sequence[str], notes: list[str]
) -> tuple[str, list]:
    """Kind of a file and what it holds: drafts of references, or grids."""
    def refuse(rule: str, advice: str) -> ReviewError:
        return ReviewError([Problem(name, None, "", "", rule, advice)])

    if not content.strip():
        raise refuse("is empty", "export it again")
    if content.startswith(b"PK"):
        return "table", _sheets(name, content, options, ours, notes)
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise refuse("is in the old Excel format", "save it as XLSX or CSV")
    text, note = text_of(content, name)
    if note:
        notes.append(note)
    for pattern, what, advice in ELSEWHERE:
        if pattern.match(text[:20_000]):
            raise refuse(f"is {what}", advice)
    kind = ("RIS" if RIS.search(text) else "PubMed" if PUBMED.search(text)
            else "CSL-JSON" if text.lstrip()[:1] in ("[", "{")
            else "BibTeX" if BIBTEX.search(text) else "")  # fmt: skip
    if not kind:
        return "table", [text_grid(text, name)]
    drafts, problems = references.READERS[kind](text, name)
    errors = [problem for problem in problems if not problem.is_warning]
    if errors:
        raise ReviewError(errors)
    notes += [str(problem) for problem in problems]
    if not drafts:
        raise refuse("holds no reference", "export it again, as RIS or BibTeX")
    return kind, drafts


def _sheets(
    name: str, content: bytes, options: Options, ours: Sequence[str], notes: list[str]
) -> list[Grid]:
    """The sheet of a workbook that holds results: asked back where several do."""
    grids = [grid for grid in workbook_grids(content, name) if len(grid.rows) > 1]
    titles = [grid.sheet for grid in grids]
    if options.sheet:
        chosen = [grid for grid in grids if grid.sheet.lower() == options.sheet.lower()]
        if not chosen:
            raise ReviewError([Problem(name, None, "", options.sheet, "is no sheet with a table",
                                       f"use one of {', '.join(titles) or 'none'}")])
        return chosen
    if len(grids) > 1:
        likely = [grid for grid in grids if _is_results(grid, options, ours)]
        if len(likely) != 1:
            raise ReviewError([Problem(name, None, "", ", ".join(titles),
                                       "more than one sheet may hold the results",
                                       "say which: --sheet NAME")])  # fmt: skip
        rest = [title for title in titles if title != likely[0].sheet]
        notes.append(f"{name}: the sheet {likely[0].sheet} is read; left out: {', '.join(rest)}")
        return likely
    if not grids:
        raise ReviewError([Problem(name, None, "", "", "holds no table", "save the sheet again")])
    return grids


def _is_results(grid: Grid, options: Options, ours: Sequence[str]) -> bool:
    if revman.is_data_rows(_names(grid)) or is_judgements(grid.rows):
        return True
    try:
        return bool(read_results(grid, options, ours)[0])
    except ReviewError:
        return len(find_header(grid, options, ours).meanings) > 3


def _table(
    grid: Grid, options: Options, ours: Sequence[str], settings: Mapping,
    kinds: list[str], analyses: list, judged: list, notes: list[str],
) -> None:
    """Read one grid into the lists that it belongs to."""
    names = _names(grid)
    if len(grid.rows) < 2:
        raise ReviewError([Problem(grid.name, None, "", "", "holds no table with a header and rows",
                                   "export it as CSV, XLSX, RIS or BibTeX")])  # fmt: skip
    if revman.is_settings(names):
        kinds.append(f"{grid.name}: settings of {len(grid.rows) - 1} analyses (RevMan)")
        return
    if revman.is_data_rows(names):
        found, lines = revman.read_data_rows(grid, options, settings)
        kinds.append(f"{grid.name}: {_counted(found)} (RevMan)")
        analyses += [(grid.file, analysis) for analysis in found]
    elif is_judgements(grid.rows):
        rows, lines = read_judgements(grid)
        kinds.append(f"{grid.name}: {len(rows)} judgements of risk of bias")
        judged += rows
    elif {"title", "abstract"} <= {name.lower().strip() for name in names} or {
        "title", "doi"} <= {name.lower().strip() for name in names}:  # fmt: skip
        raise ReviewError([Problem(grid.name, None, "", "", "is a table of references",
                                   "export them as RIS, BibTeX or CSL JSON")])  # fmt: skip
    else:
        found, lines = read_results(grid, options, ours)
        kinds.append(f"{grid.name}: {_counted(found)}, measure {found[0].measure}" if found
                     else f"{grid.name}: nothing")  # fmt: skip
        analyses += [(grid.file, analysis) for analysis in found]
    notes += lines


def _counted(found: Sequence[Analysis]) -> str:
    results = [result for analysis in found for result in analysis.results]
    studies = len({result.study for result in results})
    return (f"{len(results)} results of {studies} {'study' if studies == 1 else 'studies'} in "
            f"{len(found)} {'analysis' if len(found) == 1 else 'analyses'}")


def read_columns(content: bytes, name: str) -> dict[str, str]:
    """Columns of a map file: their name to ours, two cells a line, with or without a header.

    Raises
    ------
    ReviewError
        When a line has not two cells.
    """
    grid = text_grid(text_of(content, name)[0], name)
    columns: dict[str, str] = {}
    problems = []
    for line, row in zip(grid.lines, grid.rows, strict=True):
        cells = [str(cell) for cell in row if cell is not None]
        if len(cells) != 2:
            problems.append(Problem(name, line, "", ", ".join(cells), "is not a pair of columns",
                                    "write: their column,our column"))  # fmt: skip
        elif (cells[0].lower(), cells[1].lower()) not in (("theirs", "ours"), ("from", "to")):
            columns[cells[0]] = cells[1]
    if problems:
        raise ReviewError(problems)
    return columns
