"""The derived tables as files."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pandas as pd

from evidence.pooling import Analysis, effects_table, pooled_table
from evidence.project.freshness import DERIVED, known_outputs
from evidence.storage import Written, alone, digest, replace_all, sha256

EFFECTS, POOLED = "data/derived/effects.csv", "data/derived/pooled.csv"


def derived_texts(results: Mapping[str, Analysis]) -> dict[str, str]:
    """Text of the derived tables by their path in the review; equal results give equal text."""
    tables = {EFFECTS: effects_table(results), POOLED: pooled_table(results)}
    return {
        name: table.map(_cell).to_csv(index=False, lineterminator="\n")
        for name, table in tables.items()
    }


def write_derived(review, results: Mapping[str, Analysis]) -> Written:
    """Write the derived tables and return their paths; one that somebody has changed is kept beside
    the new one."""
    root = review.root
    files = {root / name: text.encode("utf-8") for name, text in derived_texts(results).items()}
    kept: tuple = ()
    if any(digest(path) != sha256(content) for path, content in files.items()):
        with alone(root):
            kept = replace_all(root, files, known_outputs(root)).kept
            hashes = {p.relative_to(root).as_posix(): sha256(c) for p, c in files.items()}
            replace_all(root, {root / DERIVED: json.dumps(hashes, indent=1).encode()})
    return Written(files, kept)


def _cell(value) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    return f"{value + 0.0:.10g}" if isinstance(value, float) else str(value)
