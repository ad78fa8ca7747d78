"""A review as its folder holds it: validated tables, references and data dictionary."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache, wraps
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from evidence.review.bibliography import Bibliography, read_bibliography
from evidence.review.checks.numbers import domain_problems
from evidence.review.dictionary import FILE as DICTIONARY
from evidence.review.dictionary import Dictionary, load_dictionary, read_tables
from evidence.review.folder import BIBLIOGRAPHY, find_root
from evidence.review.inference import completed, is_lenient
from evidence.review.problems import Problem, ReviewError
from evidence.storage import digest, read_bytes, sha256

T = TypeVar("T")
POOLS: dict = {}  # stands for the pools of a review in the name of what was made of them


@dataclass(slots=True)
class Reads:
    """What somebody has looked at.

    Attributes
    ----------
    tables : set of str
        Tables as they stand.
    made : dict of str to (value, frozenset of str)
        What was made of tables, by the name under which it can be made again (see `noted`), with
        these tables.
    """

    tables: set[str] = field(default_factory=set)
    made: dict[str, tuple[Any, frozenset[str]]] = field(default_factory=dict)

    @property
    def all(self) -> set[str]:
        """All tables, looked at or below what was."""
        return self.tables.union(*(below for _, below in self.made.values()))

    def add(self, other: Reads) -> None:
        """Look at what somebody else has looked at."""
        self.tables |= other.tables
        self.made |= other.made


class Tables(Mapping[str, pd.DataFrame]):
    """Tables by name; `reads` is what was looked at, `made` what was made of them once (see
    `made_once`)."""

    __slots__ = ("_tables", "made", "reads")

    def __init__(self, tables: Mapping[str, pd.DataFrame]):
        self._tables = dict(tables)
        self.reads = Reads()
        self.made: dict[tuple, tuple] = {}

    def again(self) -> Tables:
        """The same tables for another reader, who may change them; what was made is shared."""
        other = Tables({name: table.copy(deep=False) for name, table in self._tables.items()})
        other.made = self.made
        return other

    @contextmanager
    def apart(self) -> Iterator[Reads]:
        """Collect what is looked at within the block, apart from what was before; where the block
        fails, all of it has been looked at."""
        before, self.reads = self.reads, Reads()
        try:
            yield self.reads
        except BaseException:
            before.add(self.reads)
            raise
        finally:
            self.reads = before

    def note(self, name: str, value: Any, reads: Reads) -> None:
        """Look at a value that was made of `reads`; without a name, at all of these."""
        if name:
            self.reads.made[name] = value, frozenset(reads.all)
        else:
            self.reads.add(reads)

    def __getitem__(self, name: str) -> pd.DataFrame:
        table = self._tables[name]
        self.reads.tables.add(name)
        return table

    def __contains__(self, name: object) -> bool:
        return name in self._tables

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)


def noted(make: Callable[..., T]) -> Callable[..., T]:
    """A function of a review, and of its results.

    Whoever asks for what it makes has looked at that, not at the tables below it, where all other
    arguments are the pools of the review, texts or numbers.
    """
    @wraps(make)
    def made(review: Review, *rest: object, **options: object) -> T:
        tables = review.tables
        if not isinstance(tables, Tables):
            return make(review, *rest, **options)
        with tables.apart() as reads:
            value = make(review, *rest, **options)
        tables.note(_name(make, tables, rest, options), value, reads)
        return value

    made.is_noted = True
    return made


def made_once(make: Callable[..., T]) -> Callable[..., T]:
    """As `noted`, but made once for each review; whoever asks for it gets a copy of his own."""
    @wraps(make)
    def made(review: Review, *rest: object) -> T:
        tables = review.tables
        if not isinstance(tables, Tables):
            return make(review, *rest)
        name = _name(make, tables, rest, {})
        own = review.bibliography, review.dictionary, review.warnings
        kept = own if name else (*own, *rest)
        key = make, review.root, name or tuple(map(_identity, rest)), *map(id, own)
        if key not in tables.made:
            with tables.apart() as reads:
                value = make(review, *rest)
            tables.made[key] = value, reads, kept  # so that ids stay theirs
        value, reads, _ = tables.made[key]
        tables.note(name, value, reads)
        return value.copy(deep=False) if isinstance(value, pd.DataFrame) else copy.copy(value)

    made.is_noted = True
    return made


def _identity(item: object) -> tuple:
    """What two arguments share that are the same: their value, where it cannot change."""
    try:
        return type(item), hash(item), item
    except TypeError:
        return type(item), id(item)


def _name(make: Callable, tables: Tables, rest: tuple[object, ...],
          options: Mapping[str, object]) -> str:
    """Name under which `made_again` finds what was made; empty where an argument has none."""
    def word(item: object) -> object:
        ours = getattr(getattr(item, "review", None), "tables", None) is tables
        return POOLS if ours else item

    words, named = [word(item) for item in rest], {key: word(item) for key, item in options.items()}
    if all(item is POOLS or isinstance(item, str | int | float | None)
           for item in (*words, *named.values())):
        return json.dumps([make.__module__, make.__qualname__, words, named])
    return ""


def made_again(review: Review, pools: Any, name: str) -> Any:
    """What a function makes, by the name under which it was `noted`.

    Raises
    ------
    LookupError
        When no such function has that name.
    """
    module, qualname, words, named = json.loads(name)
    made = attrgetter(qualname)(import_module(module)) if module.startswith("evidence.") else None
    if not getattr(made, "is_noted", False):
        raise LookupError(name)
    rest = [pools if word == POOLS else word for word in words]
    options = {key: pools if word == POOLS else word for key, word in named.items()}
    return made(review, *rest, **options)


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

    @noted
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

    @made_once
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

    @made_once
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


@made_once
def warnings_of(review: Review) -> tuple[Problem, ...]:
    """What a curator should know; any table may be behind it."""
    for name in review.tables:
        review.table(name)
    return review.warnings


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
