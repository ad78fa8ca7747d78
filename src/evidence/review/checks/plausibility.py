"""Checks of numbers against each other: what a slip of a column or of a decimal point breaks.

A reported effect may be adjusted, so that it differs from its arms; far beyond chance it should
not. These checks warn and stop nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from evidence.review.checks.context import Context
from evidence.review.columns import among, number
from evidence.review.problems import Problem

FAR = 4  # standard errors between an effect and its arms
TIMES = 3  # between a standard error and what the arms imply
WIDER = 1.1  # adjustment narrows an interval; one wider than this comes from fewer people
POINTS = 1.0  # between a percentage and its counts
CHECK = "check both against the source"


def percentages_fit(c: Context) -> Iterator[Problem]:
    """Warn of a percentage that is not that of its counts."""
    for name, table in c.tables.items():
        for arm in ("intervention", "control"):
            if f"{arm}_pct" not in table:
                continue
            share = 100 * number(table, f"{arm}_events") / number(table, f"{arm}_n")
            share = share.where(~among(table, "unit", ("events",)))
            wrong = (number(table, f"{arm}_pct") - share).abs() > POINTS
            yield from c.problems(name, wrong, f"{arm}_pct",
                                  share.map("differs from the counts, which give {:.1f} %".format),
                                  CHECK, True)


def effects_fit_arms(c: Context) -> Iterator[Problem]:
    """Warn of an effect, or a standard error, that is far from what the two arms give."""
    for name, table in c.tables.items():
        if not {"effect", "effect_measure"} <= set(table):
            continue
        parallel = ~among(table, "contrast", ("crossover_paired", "within_arm"))
        for kinds, (effect, se) in (
            (("mean_difference",), _of_means(table)),
            (("risk_ratio",), _of_counts(table)),
        ):
            here = parallel & among(table, "effect_measure", kinds)
            reported = number(table, "effect")
            own = np.log(reported.where(reported > 0)) if kinds == ("risk_ratio",) else reported
            given = number(table, "effect_se").fillna(se)
            far = (own - effect).abs() > FAR * given.combine(se, max)
            shown = np.exp(effect) if kinds == ("risk_ratio",) else effect
            yield from c.problems(name, here & far, "effect",
                                  shown.map("is far from that of its arms, {:.4g}".format),
                                  CHECK, True)
            ratio = given / se
            wide = (ratio > TIMES) | (ratio < 1 / TIMES)
            yield from c.problems(name, here & wide & ~far, "effect_se",
                                  se.map("is far from that of its arms, {:.4g}".format),
                                  CHECK, True)
            if kinds == ("mean_difference",):
                wider = here & (ratio > WIDER) & ~wide & ~far
                yield from c.problems(
                    name, wider, "effect_se",
                    se.map("is wider than SDs and people of the arms imply, {:.4g}".format),
                    "ask what widened it: fewer people, or the model", True,
                )


def _of_means(table: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Difference of the means and its standard error."""
    (m1, s1, n1), (m2, s2, n2) = (
        tuple(number(table, f"{arm}_{part}") for part in ("mean", "sd", "n"))
        for arm in ("intervention", "control")
    )
    return m1 - m2, (s1**2 / n1 + s2**2 / n2) ** 0.5


def _of_counts(table: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Log risk ratio and its standard error; NaN where an arm has no event."""
    (e1, n1), (e2, n2) = (
        tuple(number(table, f"{arm}_{part}") for part in ("events", "n"))
        for arm in ("intervention", "control")
    )
    e1, e2 = (e.where((e > 0) & (e <= n)) for e, n in ((e1, n1), (e2, n2)))
    effect = np.log(e1 / n1) - np.log(e2 / n2)
    return effect, (1 / e1 - 1 / n1 + 1 / e2 - 1 / n2).clip(lower=0) ** 0.5


def people_fit(c: Context) -> Iterator[Problem]:
    """Warn of more people in an outcome, or analysed, than the study has randomised."""
    studies = c.tables.get("studies")
    if studies is None or "study" not in studies or "n_randomised" not in studies:
        return
    randomised = number(studies, "n_randomised")
    more = number(studies, "n_analysed") > randomised
    yield from c.problems("studies", more, "n_analysed",
                          randomised.map("is more than the {:.0f} randomised".format), CHECK, True)
    if studies["study"].duplicated().any():
        return
    of_study = randomised.set_axis(studies["study"])
    design = studies.reindex(columns=["design"])["design"].set_axis(studies["study"])
    for name, table in c.tables.items():
        if name == "studies" or not {"study", "intervention_n", "control_n"} <= set(table):
            continue
        one, two = number(table, "intervention_n"), number(table, "control_n")
        parallel = table["study"].map(design) == "rct_parallel"
        people = one.fillna(0).add(two.fillna(0)).where(parallel, one.combine(two, max))
        known = table["study"].map(of_study)
        yield from c.problems(name, people > known, "intervention_n",
                              known.map("and control_n are more than the {:.0f} randomised".format),
                              CHECK, True)


AGREEMENT: tuple[Callable[[Context], Iterator[Problem]], ...] = (
    percentages_fit,
    effects_fit_arms,
    people_fit,
)
