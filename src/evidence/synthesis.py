"""Pool the effects of one analysis into a frozen `Synthesis`."""

from __future__ import annotations

import numpy as np
import pandas as pd

from evidence.effects import MEASURES, RATIOS, is_empty, records
from evidence.estimators import (
    DEFAULT_RULE,
    INTERVAL_RULES,
    METHODS,
    between_study_variance,
    pool_many,
    tau2_interval,
)
from evidence.measures import Z95
from evidence.results import ExcludedRow, PooledEstimate, StudyRow, Synthesis


def synthesise(
    effects: pd.DataFrame,
    *,
    measure: str | None = None,
    method: str = "REML",
    interval_rule: str = DEFAULT_RULE,
    analysis: str = "",
    title: str = "",
) -> Synthesis:
    """Pool the included rows of a table of effects.

    Parameters
    ----------
    effects : DataFrame
        As `evidence.effects.outcome_effects` returns it. Only ``yi`` and ``vi`` are needed.
    measure : str, optional
        MD, SMD, RR, OR, RD or GEN; that of the table by default. Results of RR and OR are shown
        as ratios.
    method : str
        REML, DL, PM, HE or FE.
    interval_rule : str
        The rule whose results are the default ones; all three are kept.

    Returns
    -------
    Synthesis
        The pool of one study is that study with a Wald interval under each rule; without studies
        all is NaN.

    Raises
    ------
    ValueError
        When measure, method or rule is unknown.
    """
    table = _complete(effects, measure)
    measure = measure or (table["measure"].iloc[0] if len(table) else "GEN")
    for value, allowed in ((measure, MEASURES), (method, METHODS), (interval_rule, INTERVAL_RULES)):
        if value not in allowed:
            raise ValueError(f"{value} is unknown: use one of {', '.join(allowed)}")
    pooled = table[table["included"]]
    yi, vi = pooled["yi"].to_numpy(float), pooled["vi"].to_numpy(float)
    tau2 = between_study_variance(yi[:, None], vi[:, None], method)
    pools = {
        rule: pool_many(yi, vi, method=method, rule=rule, tau2=tau2) for rule in INTERVAL_RULES
    }
    limits = tau2_interval(yi, vi) if method != "FE" else (np.nan, np.nan)
    spread = pools["wald"]
    show = np.exp if measure in RATIOS else float
    directions = set(pooled["higher_is"]) - {""}
    return Synthesis(
        analysis=analysis,
        title=title,
        measure=measure,
        tau2_method=method,
        interval_rule=interval_rule,
        higher_is=directions.pop() if len(directions) == 1 else "",
        studies=_study_rows(pooled, float(tau2[0]), show),
        excluded=tuple(
            ExcludedRow(**{name: _plain(row[name]) for name in ExcludedRow.__slots__})
            for row in records(table[~table["included"]])
        ),
        pooled=tuple(_pooled_row(rule, pools[rule], show) for rule in INTERVAL_RULES),
        tau2=float(spread.tau2[0]),
        tau2_ci_low=limits[0],
        tau2_ci_high=limits[1],
        i2=float(spread.i2[0]),
        q=float(spread.q[0]),
        q_p_value=float(spread.q_p_value[0]) if len(yi) else np.nan,
    )


def _complete(effects: pd.DataFrame, measure: str | None) -> pd.DataFrame:
    """The table with every column that a Synthesis needs."""
    table = effects.reset_index(drop=True).copy()
    labels = [f"study {number}" for number in range(1, len(table) + 1)]
    defaults = {
        "study": labels, "included": True, "reason": "", "measure": measure or "GEN", "n": pd.NA,
        "design": "", "crossover": False, "derived_from": "", "verification": "", "higher_is": "",
        "year": pd.NA, "ci_low": np.nan, "ci_high": np.nan,
    }  # fmt: skip
    for name, value in defaults.items():
        if name not in table:
            table[name] = value
    if "outcome_id" not in table:
        table["outcome_id"] = table["study"]
    table["included"] = table["included"].astype(bool)
    return table.astype({"n": "Int64", "year": "Int64"})


def _study_rows(pooled: pd.DataFrame, tau2: float, show) -> tuple[StudyRow, ...]:
    rows = []
    weights = 1 / (pooled["vi"].to_numpy(float) + tau2)
    for row, weight in zip(records(pooled), weights / weights.sum(), strict=True):
        half = Z95 * np.sqrt(row["vi"])
        known = {name: _plain(row[name]) for name in StudyRow.__slots__ if name in row}
        limits = {"ci_low": row["yi"] - half, "ci_high": row["yi"] + half}
        if is_empty(row["ci_low"]) or is_empty(row["ci_high"]):
            known |= {name: float(show(limit)) for name, limit in limits.items()}
        known |= {"effect": float(show(row["yi"])), "weight": float(100 * weight)}
        rows.append(StudyRow(**known))
    return tuple(rows)


def _pooled_row(rule: str, pools, show) -> PooledEstimate:
    values = {name: getattr(pools, name) for name in PooledEstimate.__slots__[1:]}
    single = {name: float(array[0]) if len(array) else np.nan for name, array in values.items()}
    for name in ("estimate", "ci_low", "ci_high", "pi_low", "pi_high"):
        single[name] = float(show(single[name]))
    return PooledEstimate(rule, **single)


def _plain(value):
    """A value of a table as plain Python; None where it is empty."""
    if is_empty(value):
        return None
    return value.item() if hasattr(value, "item") else value
