"""Checks of what a review reckons with: whose people are counted, which effect is important."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd

from evidence.context import Context, among, number
from evidence.participants import circles
from evidence.problems import Problem


def participants_end(c: Context) -> Iterator[Problem]:
    """People are those of a study that counts them: no chain leads back to where it began."""
    table = c.tables.get("studies")
    if table is None or not {"study", "participants_of"} <= set(table):
        return
    ways = circles(table)
    words = pd.Series(
        [f"leads back to the study itself: {', '.join([*ways.get(name, ()), str(name)])}"
         for name in table["study"]], table.index, dtype="str",
    )  # fmt: skip
    yield from c.problems("studies", table["study"].isin(list(ways)), "participants_of", words,
                          "leave it empty for the study that counts these people")


def important_effects_exist(c: Context) -> Iterator[Problem]:
    """An important effect is an effect: not zero, of a ratio above zero and not one."""
    table = c.tables.get("certainty")
    if table is None or "important_effect" not in table:
        return
    effect, ratio = number(table, "important_effect"), among(table, "effect_unit", ("ratio",))
    for where, rule in (
        (ratio & ((effect <= 0) | (effect == 1)), "a ratio must be above 0 and not 1"),
        (~ratio & (effect == 0), "is no effect"),
    ):
        yield from c.problems("certainty", where, "important_effect", rule,
                              "give the smallest effect that matters, or leave it empty")


PLAN_CHECKS: tuple[Callable[[Context], Iterator[Problem]], ...] = (
    participants_end,
    important_effects_exist,
)
