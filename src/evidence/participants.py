"""Whose people a study reports: participants are counted once."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd


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
