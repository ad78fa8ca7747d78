"""Subgroups of one analysis: each pooled by itself, and the test between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import chdtrc

if TYPE_CHECKING:
    from evidence.pooling.synthesis import Pool

COLUMNS = (
    "analysis", "subgroup", "k", "n", "estimate", "se", "ci_low", "ci_high", "tau2", "i2",
    "q_between", "df_between", "p_between",
)  # fmt: skip


def parts(pool: Pool) -> dict[str, Pool]:
    """The pool of each subgroup, in the order in which the rows name them.

    A subgroup is pooled as the whole analysis is, with its own variance between studies. Groups
    without a pooled row are left out.
    """
    if not pool.subgroup_by:
        return {}
    group = pool.effects["subgroup"]
    found = {
        name: pool.part(group == name, title=name, subgroup_by="", moderators=())
        for name in dict.fromkeys(group)
    }
    return {name: part for name, part in found.items() if part.k}


def subgroups(pool: Pool) -> pd.DataFrame:
    """Subtotals of the subgroups and the test between them.

    Returns
    -------
    DataFrame
        One row per subgroup, columns `COLUMNS`; empty when the analysis has no subgroups.
        ``estimate``, ``ci_low`` and ``ci_high`` are on the display scale under the rule of the
        analysis, ``se`` and ``tau2`` on the analysis scale. ``q_between`` compares the subgroup
        estimates, weighted by their Wald errors, on ``df_between`` degrees of freedom; it and
        ``p_between`` are the same in each row, NaN for one subgroup.
    """
    found = parts(pool)
    names = ("k", "n", "estimate", "se", "ci_low", "ci_high", "tau2", "i2")
    rows = [
        [pool.name, name, *(getattr(part, key) if hasattr(part, key) else
                            getattr(part.default, key) for key in names)]
        for name, part in found.items()
    ]  # fmt: skip
    q, df = between(found)
    table = pd.DataFrame(rows, columns=list(COLUMNS[: 2 + len(names)]))
    p_value = float(chdtrc(df, q)) if df else np.nan
    return table.assign(q_between=q, df_between=df, p_between=p_value).astype(
        {"k": "Int64", "n": "Int64"})


def between(found: dict[str, Pool]) -> tuple[float, int]:
    """Cochran's Q of the subgroup estimates and its degrees of freedom."""
    if len(found) < 2:
        return np.nan, 0
    wald = [part.rule("wald") for part in found.values()]
    yi = np.array([part.to_analysis(row.estimate)
                   for part, row in zip(found.values(), wald, strict=True)])
    weight = 1 / np.array([row.se for row in wald]) ** 2
    mean = (weight * yi).sum() / weight.sum()
    return float((weight * (yi - mean) ** 2).sum()), len(found) - 1
