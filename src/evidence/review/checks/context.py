"""What a domain check looks at, and how it reads columns that may be absent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evidence.review.bibliography import Bibliography
from evidence.review.dictionary import Dictionary
from evidence.review.problems import Problem


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a check may look at."""

    dictionary: Dictionary
    tables: Mapping[str, pd.DataFrame]
    bibliography: Bibliography | None
    root: Path
    numbers: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False, init=False)
    effects: dict[str, Any] = field(default_factory=dict, repr=False, init=False)

    def numeric(self, table: str) -> pd.DataFrame:
        """All columns of numbers of a table, as floats."""
        if table not in self.numbers:
            chosen = self.tables[table].select_dtypes("number")
            self.numbers[table] = chosen.astype("float64")
        return self.numbers[table]

    def problems(
        self, table: str, where: pd.Series | np.ndarray, column: str,
        rule: str | Callable[[Any], str], advice: str, warn: bool = False,
    ) -> Iterator[Problem]:  # fmt: skip
        """One problem for each row `where` is true; a rule may differ from row to row."""
        flags = (where if isinstance(where, np.ndarray)
                 else where.to_numpy(bool, na_value=False))  # fmt: skip
        if not flags.any():
            return
        frame = self.tables[table]
        file = f"data/{self.dictionary.tables[table]['path']}"
        for index in frame.index[flags]:
            value = frame.loc[index, column] if column in frame else np.nan
            text = rule if isinstance(rule, str) else rule(index)
            shown = "" if pd.isna(value) else _shown(value)
            yield Problem(file, int(index) + 2, column, shown, text, advice, warn)


def worded(text: str, values: pd.Series) -> Callable[[Any], str]:
    """A rule that shows the value of the row."""
    return lambda index: text.format(values[index])


def _shown(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)
