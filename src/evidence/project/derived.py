"""Results of the analyses as tables of data/derived: equal results give equal text."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pandas as pd

from evidence.pooling import Pool, derived_tables
from evidence.project.freshness import DERIVED_RECORD, known_outputs
from evidence.storage import Written, alone, digest, remove, replace_all, sha256

DERIVED = "data/derived"
POOLED = f"{DERIVED}/pooled.csv"
OPTIONAL = ("subgroups", "regressions", "small_study")  # there when an analysis has them


def derived_texts(results: Mapping[str, Pool]) -> dict[str, str]:
    """Text of the derived tables by their path in the review."""
    return {
        f"{DERIVED}/{name}.csv": table.map(_cell).to_csv(index=False, lineterminator="\n")
        for name, table in derived_tables(results).items()
    }


def write_derived(review, results: Mapping[str, Pool]) -> Written:
    """Write the tables of data/derived and return their paths.

    One that nothing fills any more goes; one that somebody has changed is kept beside the new one.
    """
    root = review.root
    files = {root / name: text.encode("utf-8") for name, text in derived_texts(results).items()}
    gone = [root / DERIVED / f"{name}.csv" for name in OPTIONAL]
    gone = [path for path in gone if path not in files and path.exists()]
    kept: tuple = ()
    if gone or any(digest(path) != sha256(content) for path, content in files.items()):
        with alone(root):
            known = known_outputs(root)
            kept = replace_all(root, files, known).kept
            for path in gone:
                remove(root, {path.relative_to(root).as_posix(): found
                              for found in known.get(path, ())})
            hashes = {p.relative_to(root).as_posix(): sha256(c) for p, c in files.items()}
            replace_all(root, {root / DERIVED_RECORD: json.dumps(hashes, indent=1).encode()})
    return Written(files, kept)


def _cell(value) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    return f"{value + 0.0:.10g}" if isinstance(value, float) else str(value)
