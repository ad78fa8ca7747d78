"""What a target looked at when it was made, and whether all of that is the same now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import evidence as ev
from evidence.fingerprint import fingerprint
from evidence.review import Reads, Review, made_again
from evidence.wording import VALUE, Facts, value_at

WHOLE = "all of it"  # name of what is compared as a whole


@dataclass(frozen=True, slots=True)
class Seen:
    """What a target looked at.

    Attributes
    ----------
    tables : list of str
        Tables as they stand.
    values : dict of str to str
        Fingerprints of values, by name.
    below : list of str
        Tables of which these were made.
    """

    tables: list[str]
    values: dict[str, str]
    below: list[str]

    @property
    def all(self) -> list[str]:
        """Names of all tables, looked at or below a value."""
        return sorted({*self.tables, *self.below})


def whole(value: Any, tables: Iterable[str]) -> Seen:
    """One value that is all that was looked at, made of some tables; without a fingerprint it is
    these tables that count."""
    try:
        return Seen([], {WHOLE: fingerprint(value)}, sorted(tables))
    except TypeError:
        return Seen(sorted(tables), {}, [])


def seen(reads: Iterable[Reads]) -> Seen:
    """What several readers of one review have looked at."""
    total = Reads()
    for each in reads:
        total.add(each)
    values = {}
    for name, value in sorted(total.made.items()):
        try:
            values[name] = fingerprint(value)
        except TypeError:
            return Seen(sorted(total.all), {}, [])
    return Seen(sorted(total.tables), values, sorted(total.below))


def seen_in(names: Mapping[str, Any], root: str) -> Seen | None:
    """What the reviews among the variables of a notebook have looked at; None where that is not
    known, because there is none, or one of another folder."""
    held = [each if isinstance(each, Review) else getattr(each, "review", None)
            for each in list(names.values())]
    reviews = [each for each in held if isinstance(each, Review)]
    if not reviews or any(review.root != Path(root) for review in reviews):
        return None
    return seen({id(review.tables): review.tables.reads for review in reviews}.values())


@lru_cache(maxsize=1)
def opened(root: Path) -> ev.Review:
    """The review as a notebook opens it, once in a process of a build."""
    return ev.load(root)


def unchanged(root: Path, values: Mapping[str, str]) -> bool:
    """Whether each of some values has the fingerprint that it had; one that cannot be made any
    more has not."""
    review = opened(root)
    facts = Facts(review, review.pools)

    def now(name: str) -> str:
        path = name.removeprefix(VALUE)
        return fingerprint(made_again(review, review.pools, name) if path == name
                           else value_at(facts, path))

    try:
        return all(now(name) == known for name, known in values.items())
    except Exception:  # making the target says what is wrong
        return False
