"""Reviews as RevMan exports them: data rows with groups, analyses and subgroups, and settings."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from evidence.review.importing.columns import MEASURES as MEASURE_CODES
from evidence.review.importing.columns import Meaning, squeezed
from evidence.review.importing.reading import Grid
from evidence.review.importing.table import (
    Analysis,
    Header,
    Options,
    Result,
    _from_effects,
    _mark,
    _Reader,
    _where,
    is_near,
)
from evidence.review.problems import ReviewError
from evidence.review.vocabulary import ARMS, RATIOS, REPORTED_AS

COLUMNS = {
    "experimentalmean": "intervention_mean", "experimentalsd": "intervention_sd",
    "experimentalcases": "intervention_events", "experimentaln": "intervention_n",
    "controlmean": "control_mean", "controlsd": "control_sd", "controlcases": "control_events",
    "controln": "control_n", "givmean": "effect", "givse": "effect_se", "oe": "o_minus_e_mean",
    "variance": "effect_var", "mean": "shown_mean", "cistart": "shown_low_mean",
    "ciend": "shown_high_mean",
}  # fmt: skip
MEASURES = MEASURE_CODES | {"petooddsratio": "OR", "petoor": "OR"}
METHODS = {"mantelhaenszel": "mantel_haenszel", "mh": "mantel_haenszel", "peto": "peto",
           "expo": "peto"}  # fmt: skip


def is_data_rows(names: Sequence[str]) -> bool:
    """Whether a header is that of RevMan's data rows."""
    bare = {squeezed(name) for name in names}
    return {"analysisgroup", "analysisnumber", "study"} <= bare and bool(bare & {
        "experimentaln", "givmean", "experimentalcases", "oe"})  # fmt: skip


def is_settings(names: Sequence[str]) -> bool:
    """Whether a header is that of RevMan's overall estimates and settings."""
    bare = {squeezed(name) for name in names}
    return {"analysisgroup", "analysisnumber"} <= bare and "study" not in bare and bool(
        bare & {"effectmeasure", "analysismodel", "datatype"})  # fmt: skip


FIVE = {  # columns of RevMan 5, by those of RevMan Web
    "Analysis group": "comparisonnumber", "Analysis number": "outcomenumber",
    "Study year": "yearofstudy", "GIV SE": "se", "Experimental mean": "mean1",
    "Experimental SD": "sd1", "Experimental cases": "events1", "Experimental N": "total1",
    "Control mean": "mean2", "Control SD": "sd2", "Control cases": "events2",
    "Control N": "total2", "O-E": "oe", "Variance": "variance",
}  # fmt: skip


def is_five(names: Sequence[str]) -> bool:
    """Whether a header is that of the analysis data of RevMan 5."""
    return {"comparisonnumber", "outcomenumber", "name"} <= {squeezed(name) for name in names}


def from_five(grid: Grid) -> tuple[Grid, dict[tuple[str, str], dict[str, str]]]:
    """The analysis data of RevMan 5 as data rows and settings of RevMan Web.

    There the rows of an outcome and of its subgroups stand above those of their studies.
    """
    names = [squeezed(str(cell or "")) for cell in grid.rows[0]]
    rows: list[list] = [["Study", "Analysis name", "Subgroup", "GIV Mean", *FIVE]]
    lines = [grid.lines[0]]
    settings: dict[tuple[str, str], dict[str, str]] = {}
    outcome: dict[str, str] = {}
    subgroup = ""
    for line, row in zip(grid.lines[1:], grid.rows[1:], strict=True):
        cells = dict(zip(names, row, strict=True))
        text = {name: _text(cell) for name, cell in cells.items()}
        number = _integer(text.get("outcomenumber"))
        if number in ("", "0"):
            continue
        if text.get("datatype"):
            outcome, subgroup = text, ""
            settings[_integer(text["comparisonnumber"]), number] = {
                "analysisname": text["name"], "effectmeasure": text.get("effectmeasure", ""),
                "statisticalmethod": text.get("statisticalmethod", ""),
                "analysismodel": text.get("analysismodel", ""), "logscaledata": "true",
                "experimentalgrouplabel": text.get("grouplabel1", ""),
                "controlgrouplabel": text.get("grouplabel2", ""),
            }  # fmt: skip
        elif not any(text.get(name) for name in ("mean1", "sd1", "se", "userdefinedorder")):
            subgroup = text["name"]
        else:
            is_generic = outcome.get("datatype", "").upper() in ("IV", "I", "IPD", "P")
            effect = cells.get("effectestimate") if is_generic else None
            ratio = MEASURES.get(squeezed(outcome.get("effectmeasure", ""))) in RATIOS
            if ratio and effect and float(effect) > 0:
                effect = math.log(float(effect))
            values = [cells.get(name) for name in FIVE.values()]
            values[list(FIVE).index("GIV SE")] = cells.get("se") if is_generic else None
            rows.append([text["name"], outcome.get("name", ""), subgroup or None, effect, *values])
            lines.append(line)
    return Grid(grid.file, grid.sheet, rows, lines, grid.notes, grid.delimiter), settings


def read_settings(grid: Grid) -> dict[tuple[str, str], dict[str, str]]:
    """Settings by number of group and analysis: squeezed column names to text."""
    names = [squeezed(str(cell or "")) for cell in grid.rows[0]]
    found = {}
    for row in grid.rows[1:]:
        cells = {name: _text(cell) for name, cell in zip(names, row, strict=True) if name}
        found[_integer(cells.get("analysisgroup")), _integer(cells.get("analysisnumber"))] = cells
    return found


def read_data_rows(
    grid: Grid, options: Options, settings: Mapping[tuple[str, str], Mapping[str, str]]
) -> tuple[list[Analysis], list[str]]:
    """One analysis for each analysis number of RevMan.

    Parameters
    ----------
    grid : Grid
    options : Options
        `measure` overrides what the file says.
    settings : mapping
        What `read_settings` found, empty without such a file.
    """
    names = [str(cell or "") for cell in grid.rows[0]]
    bare = [squeezed(name) for name in names]
    header = Header(names, {at: Meaning(COLUMNS[name]) for at, name in enumerate(bare)
                            if name in COLUMNS}, 1, 0)  # fmt: skip
    rows = [(line, row, "") for line, row in zip(grid.lines[1:], grid.rows[1:], strict=True)]
    notes = list(grid.notes)
    reader = _Reader(grid, header, _mark(grid, header, rows, options, notes))
    column = {name: bare.index(name) for name in bare}

    def text(row: list, name: str) -> str:
        return _text(row[column[name]]) if name in column else ""

    groups: dict[tuple[str, str], list[tuple[Result, dict[str, str]]]] = {}
    titles: dict[tuple[str, str], str] = {}
    for line, row, _ in rows:
        study = text(row, "study")
        group = _integer(text(row, "analysisgroup")), _integer(text(row, "analysisnumber"))
        if not study:
            notes.append(f"{_where(grid, line)}: names no study, left out")
            continue
        values = {meaning.target: reader.number(line, at, row[at], meaning.target)
                  for at, meaning in header.meanings.items()}  # fmt: skip
        if text(row, "applicability").upper() == "SUBGROUP_ONLY":
            notes.append(f"{_where(grid, line)}: counts in its subgroup only, left out")
            continue
        year = re.search(r"(?:1[89]|20)\d\d", text(row, "studyyear") or study)
        subgroup = text(row, "subgroup")
        own = {"footnotes": text(row, "footnotes")} if text(row, "footnotes") else {}
        result = Result(study, year[0] if year else "", own, _where(grid, line), "", subgroup)
        groups.setdefault(group, []).append((result, values))
        titles.setdefault(group, text(row, "analysisname"))
    if reader.problems:
        raise ReviewError(reader.problems)
    notes += reader.notes()
    analyses = []
    for group, found in groups.items():
        stated = settings.get(group, {})
        measure, chosen, remark = _measure([values for _, values in found], stated, options)
        number = ".".join(part for part in group if part)
        if remark:
            notes.append(f"{grid.name}: analysis {number}: {remark}")
        results = tuple(
            Result(result.study, result.year, {**_fields(values, measure), **result.fields},
                   result.where, titles[group], result.subgroup)
            for result, values in found
        )  # fmt: skip
        if any(result.subgroup for result in results):
            chosen["subgroup_by"] = "subgroup"
        chosen["number"] = number
        title = titles[group] or stated.get("analysisname", "") or f"Analysis {number}"
        analyses.append(Analysis(title, measure, results, chosen))
    return analyses, notes


def _text(cell: object) -> str:
    return "" if cell is None else " ".join(str(cell).split())


def _integer(text: str | None) -> str:
    return re.sub(r"\.0+$", "", text or "")


def _measure(
    rows: Sequence[Mapping[str, str]], stated: Mapping[str, str], options: Options
) -> tuple[str, dict[str, str], str]:
    """Measure of an analysis, other settings of it, and a remark on how they were found."""
    chosen: dict[str, str] = {}
    method = METHODS.get(squeezed(stated.get("statisticalmethod", "")), "")
    model = squeezed(stated.get("analysismodel", ""))
    if "fixed" in model or method == "peto":
        chosen["tau2_method"] = "FE"
        if method:
            chosen["method"] = method
    elif "random" in model:  # what RevMan used until it offered a choice, which it then names
        estimator = squeezed(" ".join(text for name, text in stated.items()
                                      if "estimator" in name))  # fmt: skip
        chosen["tau2_method"] = "REML" if "reml" in estimator or "restricted" in estimator else "DL"
        interval = squeezed(" ".join(text for name, text in stated.items() if "cimethod" in name
                                     or ("confidence" in name and "method" in name)))
        if "hksj" in interval or "hartung" in interval or "knapp" in interval:
            chosen["interval_rule"] = "hartung_knapp"
        elif "wald" in interval:
            chosen["interval_rule"] = "wald"
    name = MEASURES.get(squeezed(stated.get("effectmeasure", "")), "")
    kind = _kind(rows)
    log = (stated.get("logscaledata", "").lower() in ("true", "yes", "1")
           or (kind == "effects" and _are_logs(rows)))  # fmt: skip
    if options.measure:
        return options.measure, chosen, f"measure {options.measure} as asked for"
    if name:
        if kind == "effects" and not log and name not in ("MD", "SMD", "RD"):
            name = "GEN"
        return name, chosen, ""
    if kind == "counts":
        found = _from_shown(rows)
        return found or "RR", chosen, (
            f"measure {found}, since it gives the effects that the file shows" if found else
            "risk ratios, since the file names no measure; --measure changes that")  # fmt: skip
    if kind == "means":
        return "MD", chosen, "mean differences, since the file names no measure"
    if kind == "effects":
        if _are_logs(rows):
            chosen["scale"] = "log"
            return "GEN", chosen, "the effects are logs of ratios, as the file shows them"
        return "GEN", chosen, "effects as given, since the file names no measure"
    if kind == "observed minus expected":
        chosen["scale"] = "log"
        return "GEN", chosen, "log ratios from observed minus expected events"
    return "RR", chosen, "no row has data that can be pooled"


def _are_logs(rows: Sequence[Mapping[str, str]]) -> bool:
    """Whether the effects are the logs of those that the file shows."""
    shown = [(float(row["effect"]), float(row["shown_mean"])) for row in rows
             if float(row.get("effect_se") or 0) > 0 and row.get("shown_mean")]  # fmt: skip
    return bool(shown) and all(is_near(math.exp(min(effect, 300)), mean) for effect, mean in shown
                               ) and not all(is_near(effect, mean) for effect, mean in shown)


def _kind(rows: Sequence[Mapping[str, str]]) -> str:
    def above_zero(*names: str) -> int:
        return sum(all(float(row.get(name) or 0) > 0 for name in names) for row in rows)

    counts = {  # 0 stands where a kind of data does not apply
        "effects": above_zero("effect_se"), "observed minus expected": above_zero("effect_var"),
        "means": above_zero("intervention_sd", "control_sd"),
        "counts": sum(any(float(row.get(f"{arm}_events") or 0) > 0
                          for arm in ARMS) for row in rows),
    }  # fmt: skip
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else ""


def _from_shown(rows: Sequence[Mapping[str, str]]) -> str:
    """The measure of counts that gives the effects which the rows show, empty where unclear."""
    return _from_effects([{**row, "effect": row.get("shown_mean", "")} for row in rows])


def _fields(values: Mapping[str, str], measure: str) -> dict[str, str]:
    """Columns of outcomes.csv; RevMan writes 0 where a kind of data does not apply."""
    out = {name: value for name, value in values.items()
           if value and name.startswith(("intervention_", "control_"))}  # fmt: skip
    for arm in ARMS:
        if not (float(out.get(f"{arm}_sd", 0) or 0) > 0):
            out.pop(f"{arm}_mean", None), out.pop(f"{arm}_sd", None)
        else:
            out.pop(f"{arm}_events", None)
        if out.get(f"{arm}_n") == "0":
            out.pop(f"{arm}_n"), out.pop(f"{arm}_events", None)
    observed, variance = values.get("o_minus_e_mean", ""), values.get("effect_var", "")
    effect, se = values.get("effect", ""), values.get("effect_se", "")
    if observed and variance and float(variance) > 0 and not effect:
        effect = f"{float(observed) / float(variance):.12g}"
        se = f"{1 / math.sqrt(float(variance)):.12g}"
    if effect and se and float(se) > 0:
        if measure in RATIOS:
            effect = f"{math.exp(min(float(effect), 300)):.12g}"
        out |= {"effect": effect, "effect_se": se}
        if measure in REPORTED_AS:
            out["effect_measure"] = REPORTED_AS[measure]
    return out
