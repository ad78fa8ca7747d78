"""The derived tables as files, and the record of what a build has written beside the figures."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pandas as pd

from evidence.pooling import Analysis, effects_table, pooled_table
from evidence.project.freshness import RECORD, known_outputs, record_of
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
    texts = derived_texts(results)
    files = {name: text.encode("utf-8") for name, text in texts.items()}
    recorded = record_of(review.root) | {name: sha256(content) for name, content in files.items()}
    files[RECORD] = record_text(recorded)
    paths = {review.root / name: content for name, content in files.items()}
    kept: tuple = ()
    if any(digest(path) != sha256(content) for path, content in paths.items()):
        with alone(review.root):
            kept = replace_all(review.root, paths, known_outputs(review.root)).kept
    return Written([review.root / name for name in texts], kept)


def record_text(hashes: Mapping[str, str]) -> bytes:
    """Hashes of what a build has written, except figures (figures/manifest.json has theirs)."""
    return json.dumps(dict(sorted(hashes.items())), indent=1).encode() + b"\n"


def _cell(value) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    return f"{value + 0.0:.10g}" if isinstance(value, float) else str(value)
