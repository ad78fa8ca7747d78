"""A review as its folder holds it: validated tables, references and data dictionary."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, wraps
from pathlib import Path
from typing import TypeVar

import pandas as pd

from evidence.review.bibliography import Bibliography, read_bibliography
from evidence.review.checks.numbers import domain_problems
from evidence.review.dictionary import FILE as DICTIONARY
from evidence.review.dictionary import Dictionary, load_dictionary, read_tables
from evidence.review.inference import completed, is_lenient
from evidence.review.problems import Problem, ReviewError
from evidence.storage import digest, read_bytes, sha256

T = TypeVar("T")
BIBLIOGRAPHY = "references.bib"


class Tables(Mapping[str, pd.DataFrame]):
    """Tables by name; `read` holds the names of those that were looked at, `made` what was made
    of them once (see `made_once`)."""

    __slots__ = ("_tables", "made", "read")

    def __init__(self, tables: Mapping[str, pd.DataFrame]):
        self._tables = dict(tables)
        self.read: set[str] = set()
        self.made: dict[tuple, tuple] = {}

    def again(self) -> Tables:
        """The same tables for another reader, who may change them; what was made is shared."""
        other = Tables({name: table.copy(deep=False) for name, table in self._tables.items()})
        other.made = self.made
        return other

    def __getitem__(self, name: str) -> pd.DataFrame:
        table = self._tables[name]
        self.read.add(name)
        return table

    def __contains__(self, name: object) -> bool:
        return name in self._tables

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)


@dataclass(frozen=True, slots=True)
class Review:
    """A review that passed its checks.

    Attributes
    ----------
    root : Path
        Folder that holds ``references.bib`` and ``data/``.
    tables : mapping of str to DataFrame
        Row i of a table is line i + 2 of its file.
    bibliography : Bibliography
    dictionary : Dictionary
    warnings : tuple of Problem
        What a curator should know, though it stops nothing.
    """

    root: Path
    tables: Mapping[str, pd.DataFrame]
    bibliography: Bibliography
    dictionary: Dictionary
    warnings: tuple[Problem, ...] = ()

    def table(self, name: str) -> pd.DataFrame:
        """A copy of the table `name`; a table without columns when the review has none.

        Examples
        --------
        >>> import evidence as ev
        >>> len(ev.load().table("no_such_table"))
        0
        """
        return self.tables[name].copy(deep=False) if name in self.tables else pd.DataFrame()

    def item(self, name: str, default: str = "") -> str:
        """Value of one item of ``data/review.csv``.

        Examples
        --------
        >>> import evidence as ev
        >>> ev.load().item("no_such_item", "not stated")
        'not stated'
        """
        table = self.table("review")
        if not {"item", "value"} <= set(table):
            return default
        found = table.loc[table["item"] == name, "value"]
        return str(found.iloc[0]) if len(found) and pd.notna(found.iloc[0]) else default

    def heading(self, column: str) -> str:
        """What the dictionary calls a column of the studies or their results, else its words.

        Examples
        --------
        >>> import evidence as ev
        >>> ev.load().heading("mean_age")
        'Mean age'
        """
        for table in ("studies", "outcomes", "harms"):
            if table in self.dictionary.tables and column in self.dictionary.fields(table):
                return str(self.dictionary.fields(table)[column].get("title", column))
        return column.replace("_", " ").strip().capitalize()

    def group(self, table: str, code: str) -> dict[str, str]:
        """The name of each code of `condition_groups` or `domain_groups`, by its column `code`.

        A code without a group has its label in studies.csv (``condition_label``), or its words.

        Examples
        --------
        >>> import evidence as ev
        >>> all(ev.load().group("condition_groups", "condition").values())
        True
        """
        named = self.labels("studies", code, f"{code}_label")
        frame = self.table("studies")
        if code not in frame:
            frame = self.table("outcomes")
        for value in frame[code].dropna() if code in frame else ():
            named.setdefault(value, str(value).replace("_", " ").strip().capitalize()
                             if str(value) == str(value).lower() else str(value))
        return named | self.labels(table, code, f"{code}_group")

    def labels(self, table: str, code: str, label: str) -> dict[str, str]:
        """Column `label` of a table by its column `code`; empty when one of them is absent.

        Examples
        --------
        >>> import evidence as ev
        >>> ev.load().labels("studies", "condition", "no_such_column")
        {}
        """
        frame = self.table(table)
        if not {code, label} <= set(frame):
            return {}
        frame = frame.dropna(subset=[code, label])
        return dict(zip(frame[code], frame[label], strict=True))

    @property
    def intervention(self) -> str:
        """Short label of the intervention."""
        return self.item("intervention_label", "intervention")

    @property
    def control(self) -> str:
        """Short label of the control."""
        return self.item("control_label", "control")

    def digest(self, *names: str) -> str:
        """SHA-256 over the files of the named tables and the bibliography, in that order.

        Examples
        --------
        >>> import evidence as ev
        >>> len(ev.load().digest("outcomes"))
        64
        """
        total = hashlib.sha256()
        for name in names:
            if name in self.tables:
                path = self.root / "data" / self.dictionary.tables[name]["path"]
                total.update(sha256(read_bytes(path)).encode())
        total.update(sha256(read_bytes(self.root / BIBLIOGRAPHY)).encode())
        return total.hexdigest()


def made_once(make: Callable[..., T]) -> Callable[..., T]:
    """A function that makes a table (or a dict) of a review, and of results, once for each of them.

    Whoever asks for it gets a copy of his own, and has read the tables that it was made from.
    """
    @wraps(make)
    def made(review: Review, *rest: object) -> T:
        tables = review.tables
        if not isinstance(tables, Tables):
            return make(review, *rest)
        kept = (review.bibliography, review.dictionary, review.warnings, *rest)
        key = (make, review.root, *map(id, kept))
        if key not in tables.made:
            before, tables.read = tables.read, set()
            try:
                table = make(review, *rest)
                tables.made[key] = (table, frozenset(tables.read), kept)  # so that ids stay theirs
            finally:
                tables.read = before | tables.read
        table, read, _ = tables.made[key]
        tables.read |= read
        return copy.copy(table)

    return made


def load_review(root: Path | str | None = None) -> Review:
    """Read, validate and freeze the review at `root`; see `evidence.load`, which opens it.

    In one process files are read again when one of them has changed.
    """
    folder = find_root(root)
    state = _state(folder)
    read, afterwards = _read(folder, state)
    if afterwards != state:  # a file was saved while it was read
        _read.cache_clear()
    return replace(read, tables=read.tables.again())


def _state(folder: Path) -> str:
    """Hash of the files that a review is read from, and of the names beside its tables."""
    data = folder / "data"
    dictionary = load_dictionary(data)
    described = (*dictionary.tables.values(), *dictionary.documents.values())
    files = [folder / BIBLIOGRAPHY, data / DICTIONARY, *(data / item["path"] for item in described),
             *sorted(folder.glob("notebooks/*.ipynb"))]
    names = sorted(path.name for path in data.iterdir())
    return sha256(json.dumps([names, [(str(path), digest(path)) for path in files]]).encode())


@lru_cache(maxsize=2)
def _read(folder: Path, state: str) -> tuple[Review, str]:
    """The review at `folder`, whose files have the hash `state`, and their hash afterwards."""
    dictionary = load_dictionary(folder / "data")
    tables, problems = read_tables(dictionary, folder / "data")
    warnings: list[Problem] = []
    bibliography = None
    try:
        bibliography, warnings = read_bibliography(folder / BIBLIOGRAPHY)
    except ReviewError as error:
        problems += error.problems
    lenient = {name: is_lenient(resource) for name, resource in dictionary.tables.items()}
    tables = completed(tables, lenient)
    problems += domain_problems(dictionary, tables, bibliography, folder)
    errors = [problem for problem in problems if not problem.is_warning]
    if errors:
        raise ReviewError(errors, [p for p in problems if p.is_warning])
    warnings += [problem for problem in problems if problem.is_warning]
    read = Review(folder, Tables(tables), bibliography, dictionary, tuple(warnings))
    return read, _state(folder)


def find_root(start: Path | str | None = None) -> Path:
    """The folder of a review: `start` itself, else the one that holds the current folder.

    Raises
    ------
    ReviewError
        When `start` holds no ``data/``, or without `start` neither the current folder nor one
        above it holds ``references.bib`` and ``data/``.
    """
    if start is not None:
        folder = Path(start).resolve()
        if (folder / "data").is_dir():
            return folder
        raise _no_review(str(start))
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / BIBLIOGRAPHY).is_file() and (folder / "data").is_dir():
            return folder
    raise _no_review("this folder")


def _no_review(place: str) -> ReviewError:
    advice = f"name a folder with {BIBLIOGRAPHY} and data/"
    return ReviewError([Problem(place, None, "", "", "holds no review", advice)])
