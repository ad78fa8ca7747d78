"""Results of the analyses as tables of data/derived: equal results give equal text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from evidence.pooling import Pool, derived_tables
from evidence.storage import write_bytes

DERIVED = "data/derived"
POOLED = f"{DERIVED}/pooled.csv"
OPTIONAL = ("subgroups", "regressions", "small_study")  # there when an analysis has them


def derived_texts(results: Mapping[str, Pool]) -> dict[str, str]:
    """Text of the derived tables by their path in the review."""
    return {
        f"{DERIVED}/{name}.csv": table.map(_cell).to_csv(index=False, lineterminator="\n")
        for name, table in derived_tables(results).items()
    }


def write_derived(review, results: Mapping[str, Pool]) -> tuple[Path, ...]:
    """Write the tables of data/derived, each in one step; one that nothing fills any more goes."""
    texts = derived_texts(results)
    for name, text in texts.items():
        write_bytes(review.root / name, text.encode("utf-8"))
    for name in OPTIONAL:
        if f"{DERIVED}/{name}.csv" not in texts:
            (review.root / DERIVED / f"{name}.csv").unlink(missing_ok=True)
    return tuple(review.root / name for name in texts)


def _cell(value) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    return f"{value + 0.0:.10g}" if isinstance(value, float) else str(value)
