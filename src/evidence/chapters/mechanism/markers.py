"""Markers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from evidence.chapters.mechanism.graph import TIERS, _findings, documents
from evidence.review import Review
from evidence.wording import Makers, Row, offers


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


@offers
def offer_unlisted(review: Review, analyses: Mapping[str, Any]) -> Makers:
    """``unlisted_markers``: by node of the mechanism map, how many findings on markers stand
    outside the tables (``n``) and what they say (``said``)."""
    return {"unlisted_markers": lambda: _unlisted(review)}


def _unlisted(review: Review) -> dict[str, Row]:
    if not {"mechanism_edges", "mechanism_nodes"} <= set(review.tables):
        return {}
    found = {start: unlisted_markers(review, start)
             for start in dict.fromkeys(review.table("mechanism_edges")["source"])}
    return {
        start: Row({"n": len(rows), "said": [
            f"{review.bibliography.cite(row['keys'].split(';')[0])}: {row['summary']}"
            for _, row in rows.iterrows()
        ]})
        for start, rows in found.items()
    }
