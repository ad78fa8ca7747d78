"""The sources that an audited text cites, as they really are."""

from __future__ import annotations

import pandas as pd

from evidence.review.review import Review
from evidence.review.studies import design, people, primary_studies


def cited_sources(review: Review) -> pd.DataFrame:
    """Cited sources in the order of their citation numbers.

    Returns
    -------
    DataFrame
        Columns cited_as, study, kind (design in words), condition, people (Int64), placebo
        (bool), claims (how many rest on it), supported (of these, whose citation supports the
        wording without caveat), conclusion.
    """
    studies = review.table("studies")
    if "cited_as" not in studies:
        return pd.DataFrame()
    cited = studies[studies["cited_as"].notna()].sort_values("cited_as")
    claims = review.table("claims")
    counts = claims["cited_key"].value_counts() if not claims.empty else pd.Series(dtype=int)
    supported = (
        claims.loc[claims["citation_verdict"] == "supported", "cited_key"].value_counts()
        if not claims.empty else pd.Series(dtype=int)
    )
    return pd.DataFrame({
        "cited_as": cited["cited_as"],
        "study": cited["study"],
        "kind": [design(code).words for code in cited["design"]],
        "condition": cited["condition_label"],
        "people": people(cited),
        "placebo": cited["placebo_controlled"],
        "claims": cited["study"].map(counts).fillna(0).astype("Int64"),
        "supported": cited["study"].map(supported).fillna(0).astype("Int64"),
        "conclusion": cited["conclusion"],
    }).reset_index(drop=True)


def cited_outcomes(review: Review) -> pd.DataFrame:
    """Every outcome that a cited source reports, from outcomes.csv, in the order of the file."""
    keys = cited_sources(review)["study"]
    outcomes = review.table("outcomes")
    return outcomes[outcomes["study"].isin(keys)].reset_index(drop=True)


def other_records(review: Review) -> pd.DataFrame:
    """Reviews, reports and labels: what a landscape of primary studies leaves out."""
    studies = review.table("studies")
    listed = studies[~studies["study"].isin(primary_studies(studies)["study"])]
    return pd.DataFrame({
        "study": listed["study"],
        "kind": [design(code).words for code in listed["design"]],
        "condition": listed["condition_label"],
        "conclusion": listed["conclusion"],
    }).reset_index(drop=True)


def citation_numbers(review: Review, section: str | None = None) -> pd.Series:
    """Claims by citation number; those without a citation are counted under "none"."""
    claims = review.table("claims")
    if section:
        claims = claims[claims["section"] == section]
    return claims["cited_as"].fillna("none").value_counts()
