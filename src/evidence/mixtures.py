"""What rows of one pool must have in common: direction, kind of effect, scale."""

from __future__ import annotations

import numpy as np
import pandas as pd

IN_POINTS = {"mean_difference", "median_difference"}


def mixtures(rows: pd.DataFrame, measure: str) -> list[tuple[str, str]]:
    """What keeps rows from being pooled together, though each could be pooled.

    Parameters
    ----------
    rows : DataFrame
        Rows of `evidence.analysis.analysis_rows`. What a row does not state is taken to agree.
    measure : str
        MD, SMD, RR, OR, RD or GEN. Any rows may differ in direction, mean differences in scale,
        ready-made effects in what they are.

    Returns
    -------
    list of (str, str)
        The rule that they break, and what to do.
    """
    found = []
    if len(_stated(rows, "higher_is")) > 1:
        found.append(("pools outcomes where higher is worse with outcomes where higher is better",
                      "keep one direction per analysis"))
    kinds = [kind for kind in _stated(rows, "effect_measure") if kind != "none"]
    if measure == "GEN" and len(kinds) > 1:
        words = ", ".join(kind.replace("_", " ") for kind in kinds)
        found.append((f"pools effects of different kinds: {words}",
                      "convert them to one kind, or keep one kind per analysis"))
    in_points = measure == "MD" or (measure == "GEN" and not IN_POINTS.isdisjoint(kinds))
    scales = _scales(rows)
    if in_points and len(scales) > 1:
        found.append((f"pools points of different scales: {', '.join(scales)}",
                      "keep one scale per analysis, or pool standardised differences (SMD)"))
    return found


def _stated(rows: pd.DataFrame, column: str) -> list[str]:
    """Different values of a column of text, in order."""
    return list(dict.fromkeys(rows[column].replace("", np.nan).dropna())) if column in rows else []


def _scales(rows: pd.DataFrame) -> list[str]:
    """Different scales of rows that name both ends, in words."""
    if not {"scale_low", "scale_high"} <= set(rows):
        return []
    ends = rows[["scale_low", "scale_high"]].apply(pd.to_numeric, errors="coerce")
    ends = ends.astype(float).dropna().drop_duplicates()
    return [f"{low:g} to {high:g}" for low, high in ends.to_numpy()]
