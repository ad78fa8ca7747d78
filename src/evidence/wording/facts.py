"""Facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import pandas as pd

from evidence.review import Review, Tables

VALUE = "value:"  # begins the name under which a value is noted


class Row:
    """One row of a table; its cells are attributes."""

    __slots__ = ("_cells",)

    def __init__(self, cells: Mapping[str, Any]):
        self._cells = cells

    def __getattr__(self, name: str) -> Any:
        try:
            return self._cells[name]
        except KeyError:
            raise AttributeError(f"no column '{name}'") from None


class Records(Mapping[str, Row]):
    """A table whose rows are reached by their key; a row is read when it is asked for."""

    def __init__(self, table: pd.DataFrame, key: str):
        self._table = table
        self._rows = {str(name): place for place, name in enumerate(table[key])}

    def __getitem__(self, key: str) -> Row:
        (_, row), = self._table.iloc[[self._rows[key]]].iterrows()
        return Row(row.to_dict())

    def __iter__(self):
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


Makers = Mapping[str, Callable[[], Any]]
_OFFERS: list[Callable[[Review, Mapping[str, Any]], Makers]] = []


def offers(function: Callable[[Review, Mapping[str, Any]], Makers]):
    """Register what a room can tell: `function` takes review and analyses and returns what makes
    each fact, by its name. Use as a decorator."""
    _OFFERS.append(function)
    return function


class Facts(Mapping[str, Any]):
    """Everything a template may name, read when it is named.

    Each table with a one-column key gives its rows by id; besides there are ``review`` (items of
    review.csv), ``intervention`` and ``control`` (labels), ``analyses`` (syntheses by id) and what
    other rooms offer (see `offers`), such as ``census`` and ``rated``.

    Parameters
    ----------
    review : Review
    analyses : mapping
        Results of `evidence.pooling.run_analyses`, or `evidence.pooling.Analyses`.
    without : iterable of str
        Offered facts that cannot be named.
    """

    def __init__(self, review: Review, analyses: Mapping[str, Any], without: Iterable[str] = ()):
        keys = {name: review.dictionary.primary_key(name) for name in review.tables}
        self._makers: dict[str, Callable[[], Any]] = {
            name: partial(_records, review, name, key[0])
            for name, key in keys.items() if len(key) == 1
        }
        self._makers |= {
            "review": lambda: Row(review.labels("review", "item", "value")),
            "intervention": lambda: review.intervention,
            "control": lambda: review.control,
            "analyses": lambda: analyses,
        }
        for offer in _OFFERS:
            self._makers |= offer(review, analyses)
        for name in without:
            self._makers.pop(name, None)
        self._tables = review.tables
        self._made: dict[str, tuple[Any, Any]] = {}

    def __getitem__(self, name: str) -> Any:
        if not isinstance(self._tables, Tables):
            return self._makers[name]()
        if name not in self._made:
            with self._tables.apart() as reads:
                self._made[name] = self._makers[name](), reads
        value, reads = self._made[name]
        self._tables.note("", value, reads)
        return value

    def value(self, path: str, get: Callable[[], Any]) -> Any:
        """What `get` finds at a path such as ``outcomes[smith2020-pain].effect``; whoever asks for
        it has looked at that value, not at the tables below it."""
        if not isinstance(self._tables, Tables):
            return get()
        with self._tables.apart() as reads:
            value = get()
        self._tables.note(f"{VALUE}{path}", value, reads)
        return value

    def __contains__(self, name: object) -> bool:
        return name in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


def _records(review: Review, name: str, key: str) -> Records:
    return Records(review.table(name), key)
