"""Risk of bias in the layout of robvis, or as RevMan exports it: judgements by study and domain."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from evidence.review.importing.columns import KNOWN, squeezed
from evidence.review.importing.reading import Cell, Grid
from evidence.review.problems import Problem, ReviewError

WORDS = {
    "low": "low", "lowrisk": "low", "lowriskofbias": "low", "l": "low", "yes": "low",
    "someconcerns": "some concerns", "some": "some concerns", "someconcern": "some concerns",
    "moderate": "some concerns", "moderaterisk": "some concerns", "unclear": "some concerns",
    "unclearrisk": "some concerns", "unclearriskofbias": "some concerns",
    "high": "high", "highrisk": "high", "highriskofbias": "high", "serious": "high",
    "seriousrisk": "high", "critical": "high", "criticalrisk": "high", "veryhigh": "high",
    "noinformation": "no information", "ni": "no information", "noinfo": "no information",
    "notreported": "no information",
}  # fmt: skip
SHORT = {"+": "low", "-": "high", "?": "some concerns", "−": "high", "–": "high", "x": "high",
         "h": "high", "u": "some concerns", "s": "some concerns", "m": "some concerns"}  # fmt: skip
DOMAIN = re.compile(r"d(?:omain)?\s*\.?(\d+)\b", re.IGNORECASE)
OVERALL = re.compile(r"overall|gesamt|summary", re.IGNORECASE)
ROB2 = (
    (r"randomi[sz]ation|sequence|allocation|arising", "D1"),
    (r"period|carry", "DS"),
    (r"deviation|intended|adherence|performance|participants and personnel", "D2"),
    (r"missing|incomplete|attrition", "D3"), (r"measurement|outcome assess|detection", "D4"),
    (r"selecti(?:on|ve)|report", "D5"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judgement:
    """One judgement: domain D1 to D5 (or as the file numbers them) or ``overall``."""

    study: str
    domain: str
    judgement: str
    where: str
    reason: str = ""
    outcome: str = ""


def is_judgements(rows: Sequence[Sequence[Cell]]) -> bool:
    """Whether most columns of a table hold judgements and nothing else."""
    if len(rows) < 2:
        return False
    return len(_judged(rows)) >= 2


def _judged(rows: Sequence[Sequence[Cell]]) -> list[int]:
    found = []
    for at in range(len(rows[0])):
        cells = [row[at] for row in rows[1:] if row[at] is not None]
        if cells and all(judgement(cell) for cell in cells) and any(
            squeezed(str(cell)) in WORDS or str(cell).strip() in "+-?−–" for cell in cells
        ):
            found.append(at)
    return found


def judgement(cell: Cell) -> str:
    """The judgement that a cell says, empty where it says none.

    Examples
    --------
    >>> judgement("Some concerns"), judgement("Unclear risk"), judgement("+"), judgement("12")
    ('some concerns', 'some concerns', 'low', '')
    """
    text = str(cell or "").strip()
    return WORDS.get(squeezed(text), "") or SHORT.get(text.lower(), "")


def read_judgements(grid: Grid) -> tuple[list[Judgement], list[str]]:
    """Judgements of a table with one row a study, or a result of it, and one column a domain.

    Raises
    ------
    ReviewError
        Where a cell among judgements is none.
    """
    names = [str(cell or "") for cell in grid.rows[0]]
    judged = _judged(grid.rows)
    notes = list(grid.notes)
    study = next((at for at, name in enumerate(names)
                  if KNOWN.get(squeezed(name)) in ("study", "author")), None)  # fmt: skip
    if study is None:
        study = next((at for at in range(len(names)) if at not in judged), 0)
    _refuse_others(grid, names, judged)
    outcome = next((at for at, name in enumerate(names) if at not in judged
                    and KNOWN.get(squeezed(name)) == "outcome"), None)  # fmt: skip
    domains, is_rob2 = _domains([names[at] for at in judged], grid.rows[1:], judged)
    if not is_rob2:
        notes.append(f"{grid.name}: not the five domains of RoB 2; they keep their own names")
    read: dict[str, str] = {}
    out = []
    for line, row in zip(grid.lines[1:], grid.rows[1:], strict=True):
        name = " ".join(str(row[study] or "").split())
        if not name:
            continue
        for at, domain in domains.items():
            found = judgement(row[at])
            if found:
                said = str(row[at]).strip()
                if squeezed(said) != squeezed(found):
                    read.setdefault(said, found)
                of = " ".join(str(row[outcome] or "").split()) if outcome is not None else ""
                where = f"{grid.name}, row {line}, {names[at]}"
                out.append(Judgement(name, domain, found, where, outcome=of))
    if read:
        notes.append(f"{grid.name}: judgements are read so: "
                     + "; ".join(f"{said} as {found}" for said, found in read.items()))  # fmt: skip
    used = {study, outcome, *domains}
    rest = [name for at, name in enumerate(names) if at not in used and name]
    if rest:
        notes.append(f"{grid.name}: columns left out: {', '.join(rest)}")
    return out, notes


def _refuse_others(grid: Grid, names: Sequence[str], judged: Sequence[int]) -> None:
    """Stop at words that are no judgement in a column that is called as a domain."""
    problems = []
    for at in range(len(names)):
        cells = [(line, row[at]) for line, row in zip(grid.lines[1:], grid.rows[1:], strict=True)
                 if row[at] is not None]  # fmt: skip
        wrong = [(line, cell) for line, cell in cells if not judgement(cell)]
        if at in judged or not (_rob2(names[at]) or OVERALL.search(names[at])):
            continue
        problems += [Problem(grid.name, line, names[at], str(cell), "is no judgement",
                             "write low, some concerns, high or no information")
                     for line, cell in wrong]  # fmt: skip
    if problems:
        raise ReviewError(problems)


def _domains(
    names: Sequence[str], rows: Sequence[Sequence[Cell]], judged: Sequence[int]
) -> tuple[dict[int, str], bool]:
    """Domain of each judged column, and whether they are those of RoB 2."""
    overall = [bool(OVERALL.search(name)) for name in names]
    found = ["overall" if whole else _rob2(name)
             for name, whole in zip(names, overall, strict=True)]  # fmt: skip
    parts = [code for code in found if code != "overall"]
    words = {squeezed(str(row[at] or "")) for row in rows for at in judged}
    is_rob2 = (len(set(parts)) == len(parts) and set(parts) <= {"D1", "D2", "D3", "D4", "D5", "DS"}
               and not words & {"serious", "seriousrisk", "critical", "criticalrisk", "moderate"})
    if not is_rob2:
        found = ["overall" if whole else _own(name) for name, whole in
                 zip(names, overall, strict=True)]  # fmt: skip
    out: dict[int, str] = {}
    for at, domain in zip(judged, found, strict=True):
        taken, number = domain, 2
        while taken in out.values():
            taken, number = f"{domain} {number}", number + 1
        out[at] = taken
    return out, is_rob2


def _own(name: str) -> str:
    """The name of a domain without what a program writes around it."""
    name = re.sub(r"^Domain \(judge?ment\):\s*|:\s*All outcomes$", "", name.strip())
    numbered = DOMAIN.fullmatch(name)
    return f"Domain {numbered[1]}" if numbered else name


def _rob2(name: str) -> str:
    numbered = DOMAIN.match(name.strip())
    if numbered:
        return f"D{numbered[1]}"
    if name.strip().lower() in ("ds", "s"):
        return "DS"
    return next((code for pattern, code in ROB2 if re.search(pattern, name, re.IGNORECASE)), "")
