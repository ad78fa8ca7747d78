"""Reading cells and columns of a table that may lack them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

FLOAT = np.dtype("float64")


def word(row: Mapping[str, Any], name: str, default: str = "") -> str:
    """Text of the cell `name` of a row; `default` when the column is absent or the cell empty."""
    value = row.get(name)
    return default if pd.isna(value) or not str(value).strip() else str(value).strip()


def keys(cell: object) -> list[str]:
    """Items of a cell that holds several, separated by semicolons; none when it is empty."""
    if cell is None or pd.isna(cell):
        return []
    return [part.strip() for part in str(cell).split(";") if part.strip()]


def number(table: pd.DataFrame, column: str) -> pd.Series:
    """A column as floats, NaN throughout where the table has no such column of numbers."""
    values = table.get(column)
    if values is None:
        return pd.Series(np.full(len(table), np.nan), table.index)
    if values.dtype == FLOAT:
        return values
    numeric = pd.api.types.is_numeric_dtype(values)
    return values.astype(FLOAT) if numeric else pd.Series(np.nan, table.index)


def is_true(table: pd.DataFrame, column: str) -> pd.Series:
    """Rows that say yes in `column`; none where there is no such column."""
    if column not in table:
        return pd.Series(False, index=table.index)
    return table[column].fillna(False).astype(bool)


def among(table: pd.DataFrame, column: str, values: tuple[str, ...]) -> pd.Series:
    """Rows whose text in `column` is one of `values`; none where there is no such column."""
    if column not in table:
        return pd.Series(np.zeros(len(table), bool), table.index)
    return table[column].isin(values)
