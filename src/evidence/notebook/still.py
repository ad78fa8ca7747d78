"""Whether a notebook shows results without controls."""

from __future__ import annotations

import os

STILL = "EVIDENCE_STILL"  # set while the build runs a notebook


def is_still() -> bool:
    """Whether results are shown without controls."""
    return bool(os.environ.get(STILL))
