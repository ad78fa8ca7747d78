"""From what files hold to rows of a review: keys, ids, strata, and the text of each table."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from evidence.review.authors import read_names
from evidence.review.bibliography import Bibliography, year_of
from evidence.review.bibtex import Entry
from evidence.review.importing.kinds import Found
from evidence.review.importing.references import _escaped, _letters, bibtex_text, merged, slug
from evidence.review.importing.table import Analysis, Result, _holds
from evidence.review.vocabulary import ARMS

RATIONALE = "Taken over from {file}; nothing was chosen here."
SECONDARY, LONGEST_ID, LONGEST_CELL = "secondary", 40, 30_000
ORDER = {
    "studies": ("study", "verification", "source_note"),
    "outcomes": ("outcome_id", "study", "domain", "stratum", "subgroup", "contrast",
                 "intervention_n", "intervention_events", "intervention_time",
                 "intervention_mean", "intervention_sd", "control_n", "control_events",
                 "control_time", "control_mean", "control_sd", "effect_measure", "effect",
                 "effect_se", "effect_ci_low", "effect_ci_high", "p_value", "p_relation",
                 "poolable", "verification", "source_where", "note"),
    "analyses": ("analysis", "title", "measure", "include", "role", "tau2_method", "method",
                 "scale", "subgroup_by", "rationale"),
    "risk_of_bias": ("outcome_id", "study", "domain", "judgement", "reason"),
    "review": ("item", "value"),
}  # fmt: skip
RISK_OF_BIAS = {
    "figure": "risk_of_bias", "kind": "risk_of_bias", "notebook": "01_studies",
    "message": "Risk of bias of each study", "subtitle": "Judgements by domain, as imported",
}  # fmt: skip
KINDS = ("counts", "rates", "means", "effects")
ENOUGH = {
    "RR": ("counts", "effects"), "OR": ("counts", "effects"), "RD": ("counts", "effects"),
    "IRR": ("rates", "effects"), "MD": ("means", "effects"), "SMD": ("means", "effects"),
    "PROP": ("shares",), "HR": ("effects",), "GEN": ("effects",),
}  # fmt: skip
AUTHORS = re.compile(r"(.+?)[\s,(_.-]*\(?((?:1[89]|20)\d\d)([a-z])?\)?(.*)")
ET_AL = re.compile(r"[\s,]*\b(?:et\.?\s*al|u\.\s?a|und andere|and others|and colleagues)\b\.?",
                   re.IGNORECASE)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Existing:
    """What a review holds already; all empty for one that is to be made.

    Attributes
    ----------
    bibliography : Bibliography or None
    texts : mapping
        Text of ``references.bib`` and of each table by its name.
    columns : mapping
        For a table whose dictionary allows no other columns, those that it may have.
    """

    bibliography: Bibliography | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Collection[str]] = field(default_factory=dict)

    def rows(self, table: str) -> list[dict[str, str]]:
        """Rows of a table as text."""
        return list(csv.DictReader(io.StringIO(self.texts.get(table, ""))))


@dataclass(frozen=True, slots=True)
class Additions:
    """Entries and rows to add, where each row came from, and what was left out."""

    entries: tuple[Entry, ...]
    rows: Mapping[str, tuple[Mapping[str, str], ...]]
    notes: tuple[str, ...]


def additions(found: Found, existing: Existing) -> Additions:
    """Rows for the tables of a review; nothing that stands there is changed.

    Parameters
    ----------
    found : Found
    existing : Existing

    Returns
    -------
    Additions
        ``rows`` by table: studies, outcomes, analyses, risk_of_bias.
    """
    entries, notes = merged(found.drafts, existing.bibliography)
    keys = _Keys(existing, entries)
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    ids = {row.get("outcome_id", "") for row in existing.rows("outcomes")}
    ids |= {row.get("harm_id", "") for row in existing.rows("harms")}
    analyses = {row.get("analysis", "") for row in existing.rows("analyses")}
    known_results = Counter(_identity(row) for row in existing.rows("outcomes"))
    before = ""
    for file, analysis in found.analyses:
        if file != before:  # a row may stand twice in a file, for other people; not in two files
            known_results.update(map(_identity, rows["outcomes"]))
            before = file
        _add_analysis(file, analysis, keys, rows, ids, analyses, known_results, notes)
    _add_judgements(found, existing, keys, rows, notes)
    if rows["risk_of_bias"] and "figures" not in existing.texts:
        rows["figures"].append(RISK_OF_BIAS)
    there = {row.get("study", "") for row in existing.rows("studies")}
    for key, where in keys.studies.items():
        if key not in there:
            rows["studies"].append({"study": key, "verification": SECONDARY,
                                    "source_note": f"Named in {where}"})
    for table, allowed in existing.columns.items():
        lost = sorted({name for row in rows.get(table, ()) for name in row} - set(allowed))
        if lost:
            notes.append(f"data/datapackage.json describes no {', '.join(lost)} in {table}; "
                         "left out")  # fmt: skip
        for row in rows.get(table, ()):
            for name in lost:
                row.pop(name, None)
    rows = {name: found for name, found in rows.items() if found}
    return Additions((*entries, *keys.made), {name: tuple(found) for name, found in rows.items()},
                     (*notes, *keys.notes))  # fmt: skip


class _Keys:
    """Keys of studies by the names that sources give them."""

    def __init__(self, existing: Existing, entries: Iterable[Entry]):
        self.made: list[Entry] = []
        self.notes: list[str] = []
        self.studies: dict[str, str] = {}
        self._by_name: dict[str, str] = {}
        self._taken: dict[str, str] = {}
        self._by_author: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._said: set[str] = set()
        for key in existing.bibliography or ():
            reference = existing.bibliography[key]
            self._taken[key.lower()] = key
            if reference.authors:
                self._by_author[slug(reference.authors[0].family), reference.year].append(key)
            if reference["named"]:
                self._by_name.setdefault(reference["named"], key)
        for entry in entries:
            self._taken[entry.key.lower()] = entry.key
            people = read_names(entry.fields.get("author", "")).names
            if people:
                year = year_of(entry.fields)[0]
                self._by_author[slug(people[0].family), year].append(entry.key)

    def of(self, result: Result, file: str) -> str:
        """Key of the study of a result; made, with a reference, where none fits."""
        name = result.study
        if name not in self._by_name:
            self._by_name[name] = self._find(name, result.year) or self._make(result, file)
        key = self._by_name[name]
        self.studies.setdefault(key, result.where)
        return key

    def _find(self, name: str, year: str) -> str:
        if name.lower() in self._taken:
            return self._taken[name.lower()]
        family, stated, letter = _author_year(name)
        exact = f"{slug(family)}{stated or year}{letter}"
        fits = self._by_author.get((slug(family), stated or year), [])
        if letter and exact in self._taken:
            fits = [self._taken[exact]]
        if len(fits) == 1 and (stated or year or letter):
            if fits[0] not in self._said:
                self._said.add(fits[0])
                self.notes.append(f"“{name}” is taken for the reference {fits[0]}")
            return fits[0]
        if len(fits) > 1:
            self.notes.append(f"“{name}” may be {', '.join(fits)}; it gets an entry of its own")
        return ""

    def _make(self, result: Result, file: str) -> str:
        name = result.study
        family, year, letter = _author_year(name)
        year = year or result.year
        stem = f"{slug(family)[:40]}{year}{letter}" or "study"
        key = stem
        if key.lower() in self._taken:
            key = next(f"{stem}{sign}" for sign in _letters()
                       if f"{stem}{sign}".lower() not in self._taken)  # fmt: skip
        self._taken[key.lower()] = key
        fields = {"title": f"{{Study named {_escaped(name)} in {_escaped(file)}}}"}
        if year:
            fields |= {"author": _authors(family, name), "year": year}
        else:
            fields["title"] = f"{{{_escaped(name)}}}"
        fields |= {"note": f"Taken over from {_escaped(result.where)}", "named": _escaped(name),
                   "unverified": "author; title; year"}  # fmt: skip
        self.made.append(Entry(key, "misc", fields, 0))
        self._by_author[slug(family), year].append(key)
        return key


def _author_year(name: str) -> tuple[str, str, str]:
    """First author, year and letter of a study's name, such as ``Alpha et al. (2006b)``."""
    found = AUTHORS.fullmatch(name.strip())
    people, year, letter = (found[1], found[2], found[3] or "") if found else (name, "", "")
    first = ET_AL.sub("", people)
    if year:
        first = re.split(r"\s*(?:&|,|;|\band\b|\bund\b|/|\+)\s*", first.strip(" ,(-_"))[0]
        first = re.sub(r"(?:\s+[A-Z]{1,3}\.?)+$", "", first) or first
    return first.strip(" ,(-_.") or name, year, letter


def _authors(family: str, name: str) -> str:
    """The author field of a study of which only the name is known."""
    people = name[: re.search(r"(?:1[89]|20)\d\d|$", name).start()].strip(" ,(-_")
    if ET_AL.search(people):
        return f"{{{_escaped(family)}}} and others"
    parts = [part for part in re.split(r"\s*(?:&|\band\b|\bund\b)\s*", people) if part]
    if len(parts) == 2 and all(len(part.split()) <= 3 for part in parts):
        return " and ".join(f"{{{_escaped(part.strip(' ,'))}}}" for part in parts)
    return f"{{{_escaped(family if '&' in people or ',' in people else people or family)}}}"


def _identity(row: Mapping[str, str]) -> tuple[str, ...]:
    """What tells a result from another one: its study and its numbers."""
    numbers = [f"{arm}_{part}" for arm in ARMS
               for part in ("n", "events", "mean", "sd", "time")]  # fmt: skip
    values = [row.get(name) or "" for name in (*numbers, "effect", "effect_se", "domain",
                                               "stratum")]  # fmt: skip
    return (row.get("study") or "", *values)


def _add_analysis(
    file: str, analysis: Analysis, keys: _Keys, rows: dict[str, list[dict[str, str]]],
    ids: set[str], analyses: set[str], known: Counter, notes: list[str],
) -> None:
    number = analysis.options.get("number", "")
    named = analysis.results[0].outcome if analysis.results else ""
    strata = _strata([keys.of(result, file) for result in analysis.results], analysis.results)
    for study, count in Counter(keys.of(r, file) for r in analysis.results).items():
        if count > 1:
            notes.append(f"{file}: {study} has {count} rows in “{analysis.title}”, told apart by "
                         "stratum; if they are the same people, keep one")  # fmt: skip
    included = []
    for result, stratum in zip(analysis.results, strata, strict=True):
        key = keys.of(result, file)
        own = dict(result.fields)
        given = own.pop("outcome_id", "")
        base = "-".join(part for part in (key, number or slug(named)[:24], slug(stratum)[:24])
                        if part)  # fmt: skip
        wanted = given or base
        chosen = wanted
        if chosen in ids:
            chosen = next(f"{wanted}-{n}" for n in range(2, 10**6) if f"{wanted}-{n}" not in ids)
            if given:
                notes.append(f"{result.where}: the id {given} stands already; this one is called "
                             f"{chosen}")  # fmt: skip
        enough = _enough(own, analysis.measure)
        row = {
            "outcome_id": chosen, "study": key, "domain": named, "stratum": stratum,
            "subgroup": result.subgroup, "contrast": "between_arms",
            "poolable": str(enough).lower(), "verification": SECONDARY,
            "source_where": result.where, "note": "; ".join(result.notes), **own,
        }  # fmt: skip
        if not enough:
            row["poolable"] = "false"
            notes.append(f"{result.where}: {result.study} has not enough numbers to be pooled; "
                         "it is kept and not pooled")  # fmt: skip
        row = {name: value for name, value in row.items() if value != ""}
        if known[_identity(row)]:
            notes.append(f"{result.where}: the same result of {key} stands there already; left out")
            keys.studies.setdefault(key, result.where)
            continue
        ids.add(chosen)
        rows["outcomes"].append(row)
        if enough and row.get("poolable") != "false":
            included.append(chosen)
    if not included:
        notes.append(f"{file}: “{analysis.title}” has nothing to pool; no analysis is made of it")
        return
    base = re.sub(r"\W+", "_", _ascii(named or re.sub(r"\.\w+$", "", file))).strip("_")
    base = base if len(base) <= LONGEST_ID else base[:LONGEST_ID].rpartition("_")[0]
    base = base.strip("_") or "analysis"
    name = base
    if name in analyses:
        name = next(f"{base}_{n}" for n in range(2, 10**6) if f"{base}_{n}" not in analyses)
    analyses.add(name)
    options = {key: value for key, value in analysis.options.items() if key != "number"}
    include = ";".join(included)
    if len(include) > LONGEST_CELL:  # then a filter names them
        chosen_ids = set(included)
        for row in rows["outcomes"]:
            if row["outcome_id"] in chosen_ids:
                row["imported_as"] = name
        include = f"imported_as = {name}"
    rows["analyses"].append({
        "analysis": name, "title": analysis.title, "measure": analysis.measure,
        "include": include, "role": "primary", "tau2_method": "REML",
        "rationale": RATIONALE.format(file=file), **options,
    })  # fmt: skip


def _enough(own: Mapping[str, str], measure: str) -> bool:
    """Whether a row has what an analysis with that measure pools."""
    if measure == "COR":
        return bool(own.get("effect") and own.get("intervention_n"))
    return any(_holds(own, kind) for kind in ENOUGH.get(measure, KINDS))


def _ascii(text: str) -> str:
    text = unicodedata.normalize("NFKD", text.lower())
    return "".join(sign for sign in text if sign.isascii())


def _strata(studies: Sequence[str], results: Sequence[Result]) -> list[str]:
    """What tells the rows of one study apart: subgroup, a column of words, else their number."""
    counts = Counter(studies)
    out = [""] * len(results)
    for study in (name for name, count in counts.items() if count > 1):
        at = [n for n, name in enumerate(studies) if name == study]
        chosen = [results[n].subgroup for n in at]
        if len(set(chosen)) < len(at) or not all(chosen):
            names = list(dict.fromkeys(name for n in at for name in results[n].fields))
            for name in names:
                values = [results[n].fields.get(name, "") for n in at]
                words = all(value and not re.fullmatch(r"[-\d.eE+]+", value) for value in values)
                if words and len(set(values)) == len(at) and name not in ("outcome_id", "note"):
                    chosen = values
                    break
            else:
                seen: Counter = Counter()
                numbered = []
                for value in chosen:
                    seen[value] += 1
                    numbered.append(f"{value} part {seen[value]}".strip())
                chosen = numbered
        for n, value in zip(at, chosen, strict=True):
            out[n] = results[n].fields.get("stratum", "") or value
    return out


def _add_judgements(
    found: Found, existing: Existing, keys: _Keys, rows: dict[str, list[dict[str, str]]],
    notes: list[str],
) -> None:
    """Judgements of a study, for each of its results or, without any, for the study itself."""
    if not found.judgements:
        return
    results: dict[str, list[str]] = defaultdict(list)
    named: dict[tuple[str, str], str] = {}
    for row in (*existing.rows("outcomes"), *rows["outcomes"]):
        results[row.get("study", "")].append(row.get("outcome_id", ""))
        named.setdefault((row.get("study", ""), slug(row.get("domain") or "")),
                         row.get("outcome_id", ""))  # fmt: skip
    several = {}
    for item in found.judgements:
        several.setdefault(item.study, set()).add(item.outcome)
    there = {(row.get("outcome_id"), row.get("domain")) for row in existing.rows("risk_of_bias")}
    for item in found.judgements:
        year = re.search(r"(?:1[89]|20)\d\d", item.study)
        key = keys.of(Result(item.study, year[0] if year else "", {}, item.where), item.where)
        outcome_id = named.get((key, slug(item.outcome)), "")
        if not outcome_id and results[key] and len(several[item.study]) == 1:
            outcome_id = results[key][0]
        if not outcome_id:
            base = "-".join(filter(None, (key, slug(item.outcome)[:24])))
            numbered = (f"{base}-{n}" for n in range(2, 10**6))
            outcome_id = next(name for name in chain([base], numbered) if name not in results[key])
            results[key].append(outcome_id)
            named[key, slug(item.outcome)] = outcome_id
            rows["outcomes"].append({name: value for name, value in {
                "outcome_id": outcome_id, "study": key, "domain": item.outcome,
                "poolable": "false", "verification": SECONDARY,
                "source_where": item.where.rpartition(",")[0], "note": "Judged; no number was read",
            }.items() if value})  # fmt: skip
            notes.append(f"{item.where.rpartition(',')[0]}: {item.study} has no result here; its "
                         "judgements stand beside an empty one")  # fmt: skip
        if (outcome_id, item.domain) in there:
            notes.append(f"{item.where}: a judgement of {key} stands there already; left out")
            continue
        there.add((outcome_id, item.domain))
        rows["risk_of_bias"].append({
            "outcome_id": outcome_id, "study": key, "domain": item.domain,
            "judgement": item.judgement, "reason": item.reason or f"Judged in {item.where}",
        })  # fmt: skip


def table_text(old: str, rows: Sequence[Mapping[str, str]], order: Sequence[str]) -> str:
    """A table with rows added; the lines that stand there are left as they are.

    Columns that are new are added at the end, empty for the old rows.
    """
    header = next(csv.reader(io.StringIO(old.removeprefix("\ufeff"))), []) if old.strip() else []
    header = [name.strip() for name in header]
    used = list(dict.fromkeys([*(name for name in order if any(name in row for row in rows)),
                               *(name for row in rows for name in row)]))  # fmt: skip
    new = [name for name in used if name not in header]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    if not header or new:
        before = list(csv.reader(io.StringIO(old)))[1:] if header else []
        writer.writerow([*header, *new])
        writer.writerows([*row, *[""] * (len(header) + len(new) - len(row))] for row in before)
    else:
        buffer.write(old if old.endswith("\n") else f"{old}\n")
    for row in rows:
        writer.writerow([row.get(name, "") for name in (*header, *new)])
    return buffer.getvalue()


def new_texts(made: Additions, existing: Existing) -> dict[str, str]:
    """Texts of ``references.bib`` and of the tables that change, by name."""
    texts = {}
    if made.entries:
        old = existing.texts.get("references.bib", "")
        joint = "" if not old.strip() else "\n" if old.endswith("\n") else "\n\n"
        texts["references.bib"] = f"{old}{joint}{bibtex_text(made.entries)}"
    for table, rows in made.rows.items():
        if rows:
            texts[table] = table_text(existing.texts.get(table, ""), rows, ORDER.get(table, ()))
    return texts
