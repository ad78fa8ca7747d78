"""Derived."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from evidence.pooling import Analysis, effects_table, pooled_table
from evidence.storage import write_bytes

EFFECTS, POOLED = "data/derived/effects.csv", "data/derived/pooled.csv"


def derived_texts(results: Mapping[str, Analysis]) -> dict[str, str]:
    """Text of the derived tables by their path in the review; equal results give equal text."""
    tables = {EFFECTS: effects_table(results), POOLED: pooled_table(results)}
    return {
        name: table.map(_cell).to_csv(index=False, lineterminator="\n")
        for name, table in tables.items()
    }


def write_derived(review, results: Mapping[str, Analysis]) -> tuple[Path, ...]:
    """Write data/derived/effects.csv and pooled.csv, each in one step."""
    texts = derived_texts(results)
    for name, text in texts.items():
        write_bytes(review.root / name, text.encode("utf-8"))
    return tuple(review.root / name for name in texts)


def _cell(value) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    return f"{value + 0.0:.10g}" if isinstance(value, float) else str(value)
