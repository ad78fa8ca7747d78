"""Reading one cell of a table: a word, or several with semicolons between."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd


def word(row: Mapping[str, Any], name: str, default: str = "") -> str:
    """Text of the cell `name` of a row; `default` when the column is absent or the cell empty."""
    value = row.get(name)
    return default if pd.isna(value) or not str(value).strip() else str(value).strip()


def keys(cell: object) -> list[str]:
    """Items of a cell that holds several, separated by semicolons; none when it is empty."""
    if cell is None or pd.isna(cell):
        return []
    return [part.strip() for part in str(cell).split(";") if part.strip()]
