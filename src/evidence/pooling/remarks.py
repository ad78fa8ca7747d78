"""What a curator should know of a pool beyond its numbers: who left it, and what is doubtful in it.

Everything here reads the effects of the analyses; nothing is computed again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from evidence.pooling.analyses import FILE, IN_POINTS, analysis_rows
from evidence.review import ARMS, BIBLIOGRAPHY, Problem, warnings_of

OVERWHELMING = 100  # times, between the smallest standard error of a pool and the next
ROW_IDS = {"data/outcomes.csv": ("outcomes", "outcome_id"), "data/harms.csv": ("harms", "harm_id")}


def pool_remarks(review, analyses: Mapping[str, Any]) -> list[Problem]:
    """Remarks on rows that are pooled though something about them is doubtful.

    Parameters
    ----------
    review : evidence.review.Review
    analyses : mapping
        Results of `evidence.pooling.run_analyses`, in the order of analyses.csv.

    Returns
    -------
    list of Problem
        Warnings: points of an unknown scale beside a known one; several domains; everybody had the
        event; one row that outweighs all others; nothing to pool.
    """
    rows = analysis_rows(review)
    found: list[Problem] = []
    for line, (name, result) in enumerate(analyses.items(), start=2):
        pooled = _pooled(result)
        if pooled.empty:
            found.append(Problem(FILE, line, "include", name, "pools nothing",
                                 "see the reasons of its rows, or take it out", True))
            continue
        used = rows.loc[pooled["outcome_id"]]
        for ids, words in (
            (_without_scale(used, pooled["measure"].iloc[0]),
             ("are points of an unknown scale in a pool of a known one",
              "fill in scale_low and scale_high")),
            (_everybody(used, pooled),
             ("everybody in both arms had the event, which says little about a ratio",
              "ask whether it belongs here")),
            (_of_domains(used, result.subgroup_by),
             ("are results of different domains in one pool",
              "pool what measures the same, or give the domain as subgroup_by")),
            (_overwhelming(pooled),
             (f"has a standard error less than 1/{OVERWHELMING} of those of all others, so that "
              "its weight is nearly all", "check it against the source")),
        ):  # fmt: skip
            if ids:
                found.append(Problem(FILE, line, "include", "; ".join(ids), *words, True))
        found += [Problem(FILE, line, "moderators", *words, True) for words in _moderators(result)]
    return found


def _moderators(pool: Any) -> Iterator[tuple[str, str, str]]:
    """What keeps moderators from being what they seem, each as value, rule and advice."""
    for name in pool.moderators:
        stated = _pooled(pool).set_index("outcome_id")[name].replace("", None)
        numbers = pd.to_numeric(stated, errors="coerce")
        words, empty = stated[numbers.isna() & stated.notna()], stated.index[stated.isna()]
        if len(words) and numbers.notna().any():
            where = "; ".join(f"{value} in {row}" for row, value in words.items())
            yield (name, f"holds words among numbers ({where}), so that each value is a category",
                   "write numbers alone, or leave the cell empty")
        if len(empty):
            yield (name, f"is empty for {'; '.join(empty)}, which the regression leaves out",
                   "fill it in where it is known")
    if pool.moderators and pool.why_no_regression:
        reason = pool.why_no_regression.rstrip(".")
        yield ("; ".join(pool.moderators), "has no regression to show: "
               f"{reason[0].lower()}{reason[1:]}", "name fewer or other columns")


def table_remarks(review, analyses: Mapping[str, Any]) -> list[Problem]:
    """All remarks on tables: those of the checks and those on pools."""
    own = [problem for problem in warnings_of(review) if problem.file != BIBLIOGRAPHY]
    return sorted([*own, *pool_remarks(review, analyses)], key=lambda p: (p.file, p.row or 0))


def pooled_row_remarks(review, analyses: Mapping[str, Any]) -> list[Problem]:
    """Remarks on pools, and those of the checks on rows which some analysis pools."""
    pooled = {row for result in analyses.values() for row in _pooled(result)["outcome_id"]}
    found = []
    for problem in warnings_of(review):
        table, key = ROW_IDS.get(problem.file, ("", ""))
        frame = review.tables[table] if table in review.tables else pd.DataFrame()
        row = (problem.row or 0) - 2
        if key in frame and row in frame.index and frame.loc[row, key] in pooled:
            found.append(problem)
    return [*found, *pool_remarks(review, analyses)]


def _pooled(result: Any) -> pd.DataFrame:
    return result.effects[result.effects["included"]]


def _without_scale(rows: pd.DataFrame, measure: str) -> list[str]:
    """Rows without both ends of their scale, where others of a pool of points have them."""
    if not {"scale_low", "scale_high"} <= set(rows) or not _in_points(rows, measure):
        return []
    known = rows[["scale_low", "scale_high"]].notna().all(axis=1)
    return [] if known.all() or not known.any() else rows.index[~known].tolist()


def _in_points(rows: pd.DataFrame, measure: str) -> bool:
    kinds = set(rows["effect_measure"].dropna()) if "effect_measure" in rows else set()
    return measure == "MD" or (measure == "GEN" and not IN_POINTS.isdisjoint(kinds))


def _of_domains(rows: pd.DataFrame, subgroup_by: str) -> list[str]:
    """The first row of each domain, where a pool has several and they are not its subgroups."""
    if "domain" not in rows or subgroup_by == "domain":
        return []
    first = rows["domain"].dropna().drop_duplicates()
    return [f"{row} ({domain})" for row, domain in first.items()] if len(first) > 1 else []


def _everybody(rows: pd.DataFrame, pooled: pd.DataFrame) -> list[str]:
    """Rows pooled as a risk ratio of counts in which nobody was spared."""
    counted = pooled[(pooled["measure"] == "RR") & (pooled["derived_from"] == "arms")]
    return [name for name in counted["outcome_id"] if _all_events(rows.loc[name])]


def _overwhelming(pooled: pd.DataFrame) -> list[str]:
    """The row whose standard error is far below all others of its pool."""
    smallest = pooled.nsmallest(2, "vi")
    if len(smallest) < 2 or smallest["vi"].iloc[0] * OVERWHELMING**2 > smallest["vi"].iloc[1]:
        return []
    return [smallest["outcome_id"].iloc[0]]


def _all_events(row: pd.Series) -> bool:
    arms: Iterator[bool] = (
        row.get(f"{arm}_events") == row.get(f"{arm}_n") for arm in ARMS
    )
    return all(bool(same) for same in arms if not pd.isna(same))
