"""Whose people a study reports: participants are counted once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from evidence.review.columns import is_true


def roots(studies: pd.DataFrame) -> pd.Series:
    """The study that counts the people of each study.

    Parameters
    ----------
    studies : DataFrame
        Some or all rows of studies.csv; ``study`` is a column or the index.

    Returns
    -------
    Series
        Indexed like `studies`: the end of the chain of ``participants_of``, the study itself
        without one. Where that end is not in the table, the first study that leads to it stands
        for it, so that nobody is lost. The members of a circle have one root.
    """
    names, parents = _chains(studies)
    known, standing = set(names), {}
    found = []
    for name in names:
        end = _path(name, parents)[0]
        found.append(end if end in known else standing.setdefault(end, name))
    return pd.Series(found, index=studies.index, dtype="str")


def counts_own(studies: pd.DataFrame) -> pd.Series:
    """Whether each study counts its own people; those of another are counted there."""
    return roots(studies) == _names(studies)


def circles(studies: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Studies whose ``participants_of`` leads back to themselves, each with the way there."""
    names, parents = _chains(studies)
    ways = {name: _path(name, parents)[1] for name in names}
    return {name: way for name, way in ways.items() if parents.get(way[-1]) == name}


def _chains(studies: pd.DataFrame) -> tuple[list[str], dict[str, str]]:
    """Names of the studies, and the study that each names in ``participants_of``."""
    names = _names(studies).tolist()
    if "participants_of" not in studies:
        return names, {}
    named = zip(names, studies["participants_of"], strict=True)
    return names, {name: other for name, other in named if pd.notna(other)}


def _names(studies: pd.DataFrame) -> pd.Series:
    return studies["study"] if "study" in studies else studies.index.to_series()


def _path(name: str, parents: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """The end of a chain (of a circle its first member by name) and the studies on the way."""
    way = [name]
    while (parent := parents.get(way[-1])) is not None:
        if parent in way:
            return min(way[way.index(parent):]), tuple(way)
        way.append(parent)
    return way[-1], tuple(way)


SECONDARY_ROLES = ("review", "meta_analysis", "label")
SECONDARY_DESIGNS = (
    "systematic_review", "meta_analysis", "narrative_review", "not_applicable", "laboratory",
)
LABORATORY = (
    "pro_inflammatory", "anti_inflammatory", "cytokine_mixed_role", "acute_phase", "faecal",
)
LEVELS = ("primary", "secondary", "derived", "unverified")


def primary_studies(studies: pd.DataFrame) -> pd.DataFrame:
    """Rows of studies.csv that studied people themselves."""
    if "design" not in studies:
        return studies
    keep = ~studies["design"].isin(SECONDARY_DESIGNS)
    if "role" in studies:
        keep &= ~studies["role"].isin(SECONDARY_ROLES)
    return studies[keep]


def people(studies: pd.DataFrame) -> pd.Series:
    """People of each study: analysed, else randomised; 0 where another of them counts them."""
    count = pd.Series(pd.NA, index=studies.index, dtype="Int64")
    for column in ("n_analysed", "n_randomised"):
        if column in studies:
            count = count.fillna(studies[column])
    count[~counts_own(studies)] = 0
    return count


def with_results(studies: pd.DataFrame) -> pd.DataFrame:
    """Studies whose results are published."""
    return studies[studies["status"] == "published"] if "status" in studies else studies


def is_placebo_trial(studies: pd.DataFrame) -> pd.Series:
    """Randomised placebo-controlled studies, with or without results."""
    return is_true(studies, "randomised") & is_true(studies, "placebo_controlled")


@dataclass(frozen=True, slots=True)
class Design:
    """Words for tables (`words`) and figures (`short`), and the marker of matplotlib."""

    words: str
    short: str
    marker: str


DESIGNS = {
    "rct_parallel": Design("randomised trial, parallel arms", "parallel trial", "s"),
    "rct_crossover": Design("randomised trial, crossover", "crossover trial", "D"),
    "cluster_randomised": Design(
        "randomised trial, clusters", "cluster-randomised trial", "d"
    ),
    "single_blind_fixed_order": Design(
        "placebo first, then drug, fixed order", "fixed order, placebo first", "P"
    ),
    "single_arm": Design("one arm, no control", "one arm, no control", "o"),
    "cohort": Design("cohort study", "cohort", "<"),
    "case_control": Design("case-control study", "case-control", ">"),
    "cross_sectional": Design("cross-sectional study", "cross-sectional", "p"),
    "retrospective": Design("retrospective", "retrospective", "^"),
    "register_before_after": Design("register, before and after", "register", "v"),
    "case_report": Design("case report", "case report", "X"),
    "protocol": Design("protocol, no results", "protocol", "s"),
    "systematic_review": Design("systematic review", "systematic review", "h"),
    "meta_analysis": Design("meta-analysis", "meta-analysis", "h"),
    "narrative_review": Design("narrative review", "narrative review", "h"),
    "laboratory": Design("laboratory study", "laboratory", "h"),
    "not_applicable": Design("not a study", "not a study", "h"),
}


NOT_STATED = Design("not stated", "not stated", "h")


def design(code: object) -> Design:
    """The design of a code; an unknown code keeps its own words, an empty one is not stated."""
    if pd.isna(code) or code == "":
        return NOT_STATED
    words = str(code).replace("_", " ")
    return DESIGNS.get(str(code), Design(words, words, "h"))
