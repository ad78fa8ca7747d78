"""Still."""

from __future__ import annotations

STILL = "EVIDENCE_STILL"  # set while the build runs a notebook: results without controls
