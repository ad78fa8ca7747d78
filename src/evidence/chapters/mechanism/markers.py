"""Findings on markers that the table of markers does not hold."""

from __future__ import annotations

import pandas as pd

from evidence.chapters.mechanism.graph import TIERS, _findings, documents
from evidence.review import Review


def unlisted_markers(review: Review, start: str) -> pd.DataFrame:
    """Findings in people about a mediator that begin at `start` and whose documents have no row
    in biomarkers.csv: what a table of markers alone would miss."""
    findings = _findings(review)
    kinds = review.table("mechanism_nodes").set_index("node")["kind"]
    markers = review.table("biomarkers")
    listed = set(markers["study"]) | set(markers["source"].dropna()) if len(markers) else set()
    in_people = findings[
        (findings["source"] == start) & (findings["target"].map(kinds) == "mediator")
        & findings["evidence_tier"].isin(TIERS[3:])
    ]
    missing = [not listed & set(documents(in_people.loc[[row]])) for row in in_people.index]
    return in_people[missing].reset_index(drop=True)
