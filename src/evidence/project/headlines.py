"""Headline numbers: which pooled results moved since the last build."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd

from evidence.wording import with_interval


def moved_headlines(old: Path, new: str) -> tuple[str, ...]:
    """Estimates that moved since the last build, as "pain: −0.22 → −0.31".

    Parameters
    ----------
    old : Path
        pooled.csv of the last build; may be absent, and counts as absent when it is damaged.
    new : str
        Text of pooled.csv of this build.
    """
    before, after = _last_headlines(old), _headlines(pd.read_csv(StringIO(new)))
    if before is None:
        return ()
    lines = []
    for name in dict.fromkeys([*before, *after]):
        was, now = before.get(name, "none"), after.get(name, "none")
        if was != now:
            lines.append(f"{name}: {was} → {now}")
    return tuple(lines)


def _last_headlines(old: Path) -> Mapping[str, Any] | None:
    try:
        return _headlines(pd.read_csv(old))
    except (OSError, ValueError, TypeError, KeyError):  # damaged: it is about to be written anew
        return None


def _headlines(pooled: pd.DataFrame) -> Mapping[str, Any]:
    chosen = pooled[pooled["is_default"].astype(str).str.lower() == "true"]
    return {
        row["analysis"]: with_interval(row["estimate"], row["ci_low"], row["ci_high"])
        for _, row in chosen.iterrows() if pd.notna(row["estimate"])
    }
