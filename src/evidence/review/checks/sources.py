"""Checks of where the numbers come from: sources, verification, references."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from evidence.review.bibliography import cited_keys
from evidence.review.checks.context import Context, worded
from evidence.review.columns import among, is_true
from evidence.review.problems import Problem
from evidence.review.schema import items, names
from evidence.storage import read_bytes

REFERENCES = "references.bib"
SHARED_FIELDS = {  # column of a reference table: field of the bibliography
    "title": "title", "year": "year", "volume": "volume", "number": "number", "pages": "pages",
    "doi": "doi", "pmid": "pmid", "pmcid": "pmcid", "registry_id": "registry", "url": "url",
    "fields_unverified": "unverified", "aliases": "aliases",
}  # fmt: skip
WRITTEN = {"figures": ("message", "subtitle", "caption")}
WORD = re.compile(r"[A-Za-z0-9][\w:/.+-]*\w")


def _citing_columns(c: Context) -> Iterator[tuple[str, str, dict]]:
    """Table, column and field of everything that names references."""
    for name, table in c.tables.items():
        for column, field in c.dictionary.fields(name).items():
            if REFERENCES in names(field.get("refersTo")) and column in table:
                yield name, column, field


def sources_known(c: Context) -> Iterator[Problem]:
    """Every key stands in the bibliography."""
    if c.bibliography is None:
        return
    for name, column, field in _citing_columns(c):
        table = c.tables[name]
        listed = [dict.fromkeys(items(cell, field)) for cell in table[column].fillna("")]
        unknown = pd.Series(
            [", ".join(key for key in keys if key not in c.bibliography) for keys in listed],
            table.index, dtype="str",
        )  # fmt: skip
        yield from c.problems(name, unknown != "", column,
                              worded(("{} is not in " + REFERENCES), unknown),
                              "mend the key, or add the reference")


def citations_known(c: Context) -> Iterator[Problem]:
    """Every ``[@key]`` in an answer or in the words of a figure stands in the bibliography."""
    if c.bibliography is None:
        return
    for name, column in _written_columns(c):
        cited = c.tables[name][column].fillna("").astype("str").map(cited_keys)
        unknown = cited.map(lambda keys: ", ".join(k for k in keys if k not in c.bibliography))
        yield from c.problems(name, unknown != "", column,
                              worded(("cites {}, which is not in " + REFERENCES), unknown),
                              "mend the key, or add the reference")


def _written_columns(c: Context) -> Iterator[tuple[str, str]]:
    """Columns of text that may cite: every audience of the answers, the words of figures."""
    for name, table in c.tables.items():
        for column in table:
            if (name == "answers" and column != "line") or column in WRITTEN.get(name, ()):
                yield name, column


def numbers_traceable(c: Context) -> Iterator[Problem]:
    """Every number has a verification level and a place; one without a source is a warning."""
    for name, table in c.tables.items():
        fields = c.dictionary.fields(name)
        numbers = c.numeric(name)
        others = ~numbers.columns.isin(c.dictionary.primary_key(name))
        with_numbers = pd.Series(numbers.notna().to_numpy()[:, others].any(axis=1), table.index)
        for column, advice, warn in (
            ("verification", "say primary, secondary, derived or unverified", False),
            ("source_where", "name the table, page or section", False),
            ("source", "name a key of references.bib", True),
        ):
            if column in table and "emptyMeans" not in fields.get(column, {}):
                yield from c.problems(name, with_numbers & table[column].isna(), column,
                                      "a number needs this", advice, warn)


def retracted_supports_nothing(c: Context) -> Iterator[Problem]:
    """Nothing pooled, supporting or called best evidence rests on a retracted source."""
    if c.bibliography is None:
        return
    retracted = {key for key in c.bibliography if c.bibliography[key].is_retracted}
    if not retracted:
        return
    named = re.compile("|".join(map(re.escape, sorted(retracted))))
    for name, column, field in _citing_columns(c):
        table = c.tables[name]
        cells = table[column].fillna("")
        if not any(named.search(str(cell)) for cell in cells.unique()):
            continue
        keys = [set(items(cell, field)) for cell in cells]
        only = pd.Series([bool(k) and k <= retracted for k in keys], table.index, dtype=bool)
        bad = pd.Series([", ".join(sorted(k & retracted)) for k in keys], table.index, dtype="str")
        resting = among(table, "stance", ("supports",)) & only
        if "poolable" in table:
            resting |= is_true(table, "poolable")
        resting |= column == "best_evidence_keys"
        yield from c.problems(name, (bad != "") & resting, column,
                              worded("is retracted ({}) and supports nothing", bad),
                              "take it out, or change what rests on it")


def reference_tables_agree(c: Context) -> Iterator[Problem]:
    """Tables of reference records say what the bibliography says."""
    if c.bibliography is None:
        return
    for name, table in c.tables.items():
        if not name.startswith("references") or "key" not in table:
            continue
        known = table["key"].map(lambda key: key in c.bibliography).astype(bool)
        for column, field in SHARED_FIELDS.items():
            if column not in table:
                continue
            there = table["key"].where(known).map(
                lambda key, field=field: c.bibliography[key][field], "ignore"
            )
            here = table[column].astype("str").fillna("")
            yield from c.problems(name, known & (here != there), column,
                                  worded(f"differs from {REFERENCES} ('{{}}')", there),
                                  "make the two agree")


def references_used(c: Context) -> Iterator[Problem]:
    """Warn of references that neither data nor notebooks name."""
    if c.bibliography is None:
        return
    used: set[str] = set()
    for name, column, field in _citing_columns(c):
        if not name.startswith("references"):
            for cell in c.tables[name][column].dropna().unique():
                used |= set(items(cell, field))
    for name, column in _written_columns(c):
        for cell in c.tables[name][column].dropna().astype("str"):
            used |= set(cited_keys(cell))
    unused = set(c.bibliography.references) - used
    for text in _texts(c):
        if not unused:
            return
        unused -= set(WORD.findall(text))
    for key, reference in c.bibliography.references.items():
        if key in unused:
            yield Problem(REFERENCES, reference.line, key, "", "is never used",
                          "cite it, or delete it", True)


def _texts(c: Context) -> Iterator[str]:
    """Texts of the review outside of its tables: documents, then notebooks."""
    for path in [c.root / "data" / r["path"] for r in c.dictionary.documents.values()]:
        if path.is_file():
            yield read_bytes(path).decode("utf-8", "replace")
    for path in sorted(c.root.glob("notebooks/*.ipynb")):
        yield _written_text(path)


def _written_text(notebook: Path) -> str:
    """What was typed into a notebook; its outputs hold pictures and are long."""
    try:
        cells = json.loads(read_bytes(notebook))["cells"]
        return "\n".join("".join(cell["source"]) for cell in cells)
    except (ValueError, LookupError, TypeError, OSError, RecursionError):
        return ""


SOURCE_CHECKS: tuple[Callable[[Context], Iterator[Problem]], ...] = (
    sources_known,
    citations_known,
    numbers_traceable,
    retracted_supports_nothing,
    reference_tables_agree,
    references_used,
)
