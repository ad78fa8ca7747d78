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
    values : dict of str to (str, list of str)
        Fingerprint of each value, and the tables of which it was made.
    """

    tables: list[str]
    values: dict[str, tuple[str, list[str]]]

    @property
    def all(self) -> list[str]:
        """Names of all tables, looked at or below a value."""
        return sorted({*self.tables}.union(*(below for _, below in self.values.values())))

    @property
    def fingerprints(self) -> dict[str, str]:
        """Fingerprint of each value."""
        return {name: found for name, (found, _) in self.values.items()}


def known_by(value: Any) -> str:
    """Fingerprint of a value; empty where it holds what cannot be compared."""
    try:
        return fingerprint(value)
    except TypeError:
        return ""


def whole(value: Any, tables: Iterable[str]) -> Seen | None:
    """One value that is all that was looked at, made of some tables; None where it cannot be
    compared, since what it holds may look at any table when it is drawn."""
    found = known_by(value)
    return Seen([], {WHOLE: (found, sorted(tables))}) if found else None


def seen(reads: Iterable[Reads]) -> Seen:
    """What several readers of one review have looked at."""
    total = Reads()
    for each in reads:
        total.add(each)
    values = {}
    for name, (value, below) in sorted(total.made.items(), key=lambda item: item[0]):
        found = known_by(value)
        if found:
            values[name] = found, sorted(below)
        else:
            total.tables |= below
    return Seen(sorted(total.tables), values)


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


def unchanged(root: Path, values: Mapping[str, str]) -> dict[str, tuple[str, list[str]]] | None:
    """Some values as `Seen` holds them, where each has the fingerprint that it had; else None. One
    that cannot be made any more has not."""
    review = opened(root)
    facts = Facts(review, review.pools)
    found = {}
    try:
        for name, known in values.items():
            with review.tables.apart() as reads:
                if name.startswith(VALUE):
                    value_at(facts, name.removeprefix(VALUE))
                else:
                    made_again(review, review.pools, name)
            found[name] = seen([reads]).values[name]
            if found[name][0] != known:
                return None
    except Exception:  # making the target says what is wrong
        return None
    return found
