"""Less to fill in: what follows from other cells, where a dictionary does not ask for it.

It holds for tables whose dictionary allows other columns (``fieldsMatch`` partial), as the
package's own does; a review that describes its columns exactly fills them in itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from evidence.review.columns import among, number
from evidence.review.textfile import Rows
from evidence.review.vocabulary import ARMS


def is_lenient(resource: Mapping[str, Any]) -> bool:
    """Whether a table of a dictionary may lack columns and have others."""
    return resource["schema"].get("fieldsMatch", "equal") == "partial"


def with_ids(rows: Rows) -> Rows:
    """Rows of outcomes.csv whose empty or absent ``outcome_id`` is made.

    It is the study; where that has several rows, the study with its domain and stratum, and a
    number where these are the same.

    Examples
    --------
    >>> made = with_ids(Rows(["study", "domain"], [2, 3], [["a2001", "pain"], ["b2002", "pain"]]))
    >>> made.column("outcome_id")
    ['a2001', 'b2002']
    """
    if "study" not in rows.header:
        return rows
    has_ids = "outcome_id" in rows.header
    given = rows.column("outcome_id") if has_ids else [""] * len(rows.cells)
    if has_ids and all(given):
        return rows
    parts = [rows.column(name) for name in ("study", "domain", "stratum") if name in rows.header]
    counts = Counter(rows.column("study"))
    taken = Counter(value for value in given if value)
    ids = []
    for position, stated in enumerate(given):
        words = [column[position] for column in parts]
        used = words if counts[words[0]] > 1 else words[:1]
        base = "-".join(re.sub(r"[;\[\]{}\s]+", "_", word) for word in used if word)
        made, more = base, 2
        while not stated and taken[made]:
            made, more = f"{base}-{more}", more + 1
        taken[made] += not stated
        ids.append(stated or made)
    return _with_column(rows, "outcome_id", ids)


def with_results(rows: Rows, outcomes: Rows) -> Rows:
    """Rows of risk_of_bias.csv whose empty or absent ``outcome_id`` is the first of the study:
    many tools judge studies, not results.

    Examples
    --------
    >>> outcomes = Rows(["outcome_id", "study"], [2, 3], [["pain", "a2001"], ["sleep", "a2001"]])
    >>> with_results(Rows(["study", "domain"], [2], [["a2001", "D1"]]), outcomes).cells
    [['pain', 'a2001', 'D1']]
    """
    if "study" not in rows.header or not {"study", "outcome_id"} <= set(outcomes.header):
        return rows
    first: dict[str, str] = {}
    for study, name in zip(outcomes.column("study"), outcomes.column("outcome_id"), strict=True):
        first.setdefault(study, name)
    given = (rows.column("outcome_id") if "outcome_id" in rows.header else [""] * len(rows.cells))
    found = [name or first.get(study, "")
             for name, study in zip(given, rows.column("study"), strict=True)]
    return rows if found == given else _with_column(rows, "outcome_id", found)


def _with_column(rows: Rows, name: str, values: list[str]) -> Rows:
    """The rows with these cells in a column, which is put in front where it is absent."""
    if name not in rows.header:
        cells = [[value, *row] for value, row in zip(values, rows.cells, strict=True)]
        return Rows([name, *rows.header], rows.lines, cells)
    at = rows.header.index(name)
    cells = [[*row[:at], value, *row[at + 1 :]]
             for value, row in zip(values, rows.cells, strict=True)]
    return replace(rows, cells=cells)


def completed(
    tables: Mapping[str, pd.DataFrame], lenient: Mapping[str, bool]
) -> dict[str, pd.DataFrame]:
    """Tables with the cells filled in that follow from others.

    Parameters
    ----------
    tables : mapping of DataFrame
    lenient : mapping of bool
        Whether each table may be completed.

    Returns
    -------
    dict of DataFrame
        In outcomes ``contrast`` (between_arms, crossover_paired, single_group), ``poolable``
        (whether the row has what a pool needs, and a control) and ``verification`` (secondary);
        ``verification`` in studies and harms; in studies ``n_analysed``, the people of its largest
        outcome, where neither analysed nor randomised people are stated.
    """
    out = dict(tables)
    for name in ("studies", "outcomes", "harms"):
        if name in out and lenient.get(name):
            out[name] = _filled(out[name], "verification", "secondary")
    if "outcomes" in out and lenient.get("outcomes"):
        designs = _designs(out.get("studies"))
        out["outcomes"] = _outcomes(out["outcomes"], designs, counting(out.get("studies")))
    if {"studies", "outcomes"} <= set(out) and lenient.get("studies"):
        out["studies"] = _with_people(out["studies"], out["outcomes"])
    return out


def _filled(table: pd.DataFrame, column: str, value: Any) -> pd.DataFrame:
    """A table whose empty cells of a column hold a value; the column is made where it is absent."""
    if column not in table:
        values = pd.Series(value, index=table.index) if np.isscalar(value) else value
        return table.assign(**{column: values.astype("str") if values.dtype != bool else values})
    return table.assign(**{column: table[column].fillna(value)})


def _designs(studies: pd.DataFrame | None) -> dict[str, str]:
    if studies is None or not {"study", "design"} <= set(studies):
        return {}
    known = studies.dropna(subset=["study", "design"])
    return dict(zip(known["study"], known["design"], strict=True))


def counting(studies: pd.DataFrame | None) -> set[str]:
    """Studies that state how many people they analysed or randomised."""
    if studies is None or "study" not in studies:
        return set()
    stated = number(studies, "n_analysed").notna() | number(studies, "n_randomised").notna()
    return set(studies.loc[stated, "study"])


def _outcomes(table: pd.DataFrame, designs: Mapping[str, str], sized: set[str]) -> pd.DataFrame:
    has = {name: number(table, name).notna() for name in (
        "effect", "effect_se", "effect_ci_low", "effect_ci_high", "p_value",
        *(f"{arm}_{part}" for arm in ARMS for part in ("n", "events", "mean", "sd", "time")),
    )}  # fmt: skip
    names = table["study"] if "study" in table else [""] * len(table)
    crossover = pd.Series(["crossover" in designs.get(name, "") for name in names], table.index,
                          dtype=bool)  # fmt: skip
    kind = table["effect_measure"] if "effect_measure" in table else pd.Series("", table.index)
    alone = kind.isin(["correlation", "proportion"]) | (
        (has["intervention_n"] | has["intervention_events"])
        & ~(has["control_n"] | has["control_events"] | has["control_mean"] | has["effect"]))
    contrast = pd.Series("between_arms", table.index, dtype="str")
    contrast = contrast.mask(crossover, "crossover_paired").mask(alone, "single_group")
    table = _filled(table, "contrast", contrast)

    def both(*parts: str) -> pd.Series:
        return np.logical_and.reduce([has[f"{arm}_{part}"] for arm in ARMS for part in parts])

    exact = has["p_value"] & ~among(table, "p_relation", ("<", ">"))
    error = has["effect_se"] | exact | (has["effect_ci_low"] & has["effect_ci_high"])
    error |= kind.eq("correlation") & pd.Series([name in sized for name in names], table.index)
    single = table["contrast"].eq("single_group") & has["intervention_n"] & (
        has["intervention_events"] | has["effect"])  # fmt: skip
    enough = both("n", "events") | both("n", "mean", "sd") | both("events", "time") | single | (
        has["effect"] & error)  # fmt: skip
    enough &= ~table["contrast"].eq("within_arm") & ~table["verification"].eq("unverified")
    if "poolable" in table:
        return table.assign(poolable=table["poolable"].fillna(pd.Series(enough, table.index)))
    return table.assign(poolable=pd.Series(enough, table.index).astype("boolean"))


def _with_people(studies: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """People analysed of each study that states none: those of its largest outcome.

    Arms are added, of a crossover trial the larger counts; strata of one outcome are added.
    """
    if "study" not in studies or "study" not in outcomes:
        return studies
    arms = pd.concat([number(outcomes, f"{arm}_n") for arm in ARMS], axis=1)
    alone = outcomes["contrast"].isin(["single_group", "within_arm"])
    paired = outcomes["contrast"].eq("crossover_paired")
    people = arms.sum(axis=1).where(arms.notna().all(axis=1))
    people = people.mask(paired, arms.max(axis=1)).mask(alone, arms.max(axis=1))
    frame = pd.DataFrame({"study": outcomes["study"], "people": people})
    for name in ("domain", "week", "stratum"):
        frame[name] = outcomes[name].astype(str) if name in outcomes else ""
    frame = frame.dropna(subset=["people"])
    largest = frame.groupby(["study", "domain", "week", "stratum"])["people"].max()
    largest = largest.groupby(["study", "domain", "week"]).sum().groupby("study").max()
    stated = number(studies, "n_analysed").notna() | number(studies, "n_randomised").notna()
    found = studies["study"].map(largest).where(~stated)
    known = number(studies, "n_analysed").fillna(found)
    return studies.assign(n_analysed=known.round().astype("Int64"))
