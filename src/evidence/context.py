"""What a domain check looks at, and how it reads columns that may be absent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from evidence.bibliography import Bibliography
from evidence.dictionary import Dictionary
from evidence.problems import Problem


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a check may look at."""

    dictionary: Dictionary
    tables: Mapping[str, pd.DataFrame]
    bibliography: Bibliography | None
    root: Path

    def problems(
        self, table: str, where: pd.Series, column: str, rule: str | pd.Series, advice: str,
        warn: bool = False,
    ) -> Iterator[Problem]:  # fmt: skip
        """One problem for each row `where` is true; a rule may differ from row to row."""
        frame = self.tables[table]
        file = f"data/{self.dictionary.tables[table]['path']}"
        for index in frame.index[where.fillna(False).astype(bool)]:
            value = frame.loc[index, column] if column in frame else np.nan
            text = rule if isinstance(rule, str) else rule[index]
            shown = "" if pd.isna(value) else _shown(value)
            yield Problem(file, int(index) + 2, column, shown, text, advice, warn)


def _shown(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def number(table: pd.DataFrame, column: str) -> pd.Series:
    """A column as floats, NaN throughout where the table has no such column of numbers."""
    if column not in table or not pd.api.types.is_numeric_dtype(table[column]):
        return pd.Series(np.nan, index=table.index)
    return table[column].astype("float64")


def among(table: pd.DataFrame, column: str, values: tuple[str, ...]) -> pd.Series:
    """Rows whose text in `column` is one of `values`; none where there is no such column."""
    if column not in table:
        return pd.Series(False, index=table.index)
    return table[column].isin(values)
