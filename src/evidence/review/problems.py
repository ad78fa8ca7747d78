"""Problems of a review, worded for the person who curates its tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

LONGEST_VALUE = 60


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong in one place.

    Parameters
    ----------
    file : str
        Path inside the review, such as ``data/outcomes.csv``.
    row : int or None
        Line of the file, the header being line 1; None when the whole file is meant.
    column : str
        Column or field, empty when the row is meant.
    value : str
        What stands there now.
    rule : str
        The rule that it breaks.
    advice : str
        What to do about it.
    is_warning : bool
        A warning is reported but does not stop an analysis.
    """

    file: str
    row: int | None
    column: str
    value: str
    rule: str
    advice: str
    is_warning: bool = False

    def __str__(self) -> str:
        place = self.file if self.row is None else f"{self.file}:{self.row}"
        value = " ".join(str(self.value).split())
        if len(value) > LONGEST_VALUE:
            value = value[: LONGEST_VALUE - 1] + "…"
        parts = [f"{place} {self.column}".rstrip()]
        if value:
            parts.append(f"'{value}'")
        ending = f"{self.rule}, {self.advice}" if self.advice else self.rule
        return ": ".join([*parts, ending])


class NoDataError(ValueError):
    """The tables hold too little for what was asked; the message says what is missing."""


class ReviewError(Exception):
    """A review cannot be used as it stands; `problems` says where and what to do, `remarks` what
    else was noticed."""

    def __init__(self, problems: Iterable[Problem], remarks: Iterable[Problem] = ()):
        self.problems = tuple(sorted(problems, key=_place))
        self.remarks = tuple(sorted(remarks, key=_place))
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self):
        return (ReviewError, (self.problems, self.remarks))

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the problems alone, the mistake being in a table, not in code."""
        return ["The review cannot be used as it stands:", *map(str, self.problems)]


def _place(problem: Problem) -> tuple[str, int, str, str]:
    return (problem.file, problem.row or 0, problem.column, problem.rule)
