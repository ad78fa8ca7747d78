"""The audit of a text's claims: two verdicts that are never merged, counted and filtered.

`citation_verdict` says whether the cited source says so, `evidence_verdict` what the best evidence
says. Their words and the order of these stand in the data dictionary.
"""

from __future__ import annotations

import re

import pandas as pd

from evidence.review import Review, among, design, keys, noted, people, primary_studies

ALL = "all"
EXTENTS = {
    "full_text": "full text",
    "abstract_and_parts": "abstract and parts of the text or of the registry record",
    "abstract": "abstract alone",
    "second_hand": "somebody else's report of it",
}
NO_CITATION = "no source is cited"
NONE_FOUND = "none found"
YEAR = re.compile(r"\b\d{4}\b")


def words(review: Review, column: str) -> list[str]:
    """Vocabulary of a column of claims.csv, in the order of the data dictionary; what stands in
    the column, in the order of the text, where the dictionary leaves it open."""
    field = review.dictionary.fields("claims").get(column, {})
    listed = field.get("constraints", {}).get("enum")
    if listed is not None:
        return list(listed)
    claims = audit(review)
    return list(claims[column].dropna().unique()) if column in claims else []


def audit(review: Review) -> pd.DataFrame:
    """The claims in the order of the text.

    Returns
    -------
    DataFrame
        The columns of claims.csv and two bool columns: `uncited`, and `important`: a claim that
        claim_remarks.csv calls a warning and that the evidence supports although its citation does
        not do so in full.
    """
    claims = review.table("claims")
    if claims.empty:
        return claims
    claims = claims.sort_values("position").reset_index(drop=True)
    claims["uncited"] = claims["cited_key"].isna()
    noted = review.table("claim_remarks")
    warned = noted.loc[noted["remark"] == "warning", "claim_id"] if len(noted) else ()
    claims["important"] = (
        claims["claim_id"].isin(warned)
        & (claims["evidence_verdict"] == "supported")
        & (claims["citation_verdict"] != "supported")
    )
    return claims


def select(
    review: Review, section: str = ALL, citation: str = ALL, evidence: str = ALL
) -> pd.DataFrame:
    """Claims of one section, one citation verdict and one evidence verdict ("all" = any).

    Raises
    ------
    ValueError
        When a word is not in the vocabulary, with the words that are.
    """
    claims = audit(review)
    wanted = {"section": section, "citation_verdict": citation, "evidence_verdict": evidence}
    for column, word in wanted.items():
        if word == ALL:
            continue
        if word not in words(review, column):
            known = ", ".join([ALL, *words(review, column)])
            raise ValueError(f"'{word}' is no {column.replace('_', ' ')}: choose one of {known}")
        claims = claims[claims[column] == word]
    return claims.reset_index(drop=True)


def cross(review: Review, rows: str, columns: str) -> pd.DataFrame:
    """Claims counted by two columns of claims.csv, with totals.

    Returns
    -------
    DataFrame
        One row and one column for each word of the vocabularies in their order, zeros included,
        then `total`.
    """
    claims = audit(review)
    counts = pd.crosstab(claims[rows], claims[columns]).reindex(
        index=words(review, rows), columns=words(review, columns), fill_value=0
    )
    counts["total"] = counts.sum(axis=1)
    counts.loc["total"] = counts.sum()
    return counts.rename_axis(index=rows, columns=None)


@noted
def coverage(review: Review) -> pd.DataFrame:
    """How much of the cited sources was read, and how many claims were checked against it.

    Returns
    -------
    DataFrame
        Columns checked_against, sources, claims, not_verifiable (claims whose citation verdict is
        that). Levels that nothing reached are rows of zeros.
    """
    claims, readings = audit(review), review.table("cited_readings")
    extent = dict(zip(readings["source"], readings["extent"], strict=True))
    levels = claims["cited_key"].map(extent).map(EXTENTS)
    levels = levels.where(~claims["uncited"], NO_CITATION).fillna("not recorded")
    listed = [*EXTENTS.values(), *(["not recorded"] if "not recorded" in set(levels) else []),
              NO_CITATION]
    by_level = claims.groupby(levels)
    return pd.DataFrame({
        "checked_against": listed,
        "sources": by_level["cited_key"].nunique().reindex(listed, fill_value=0).to_numpy(),
        "claims": by_level.size().reindex(listed, fill_value=0).to_numpy(),
        "not_verifiable": (claims["citation_verdict"] == "not_verifiable")
        .groupby(levels).sum().reindex(listed, fill_value=0).to_numpy(),
    })


def sources_read(review: Review) -> pd.DataFrame:
    """The cited sources in the order of their numbers, and what of them was read.

    Returns
    -------
    DataFrame
        Columns cited_as, source, extent, read, claims.
    """
    claims = audit(review)
    counts = claims["cited_key"].value_counts()
    numbers = claims.dropna(subset="cited_key").drop_duplicates("cited_key")
    table = numbers[["cited_as", "cited_key"]].rename(columns={"cited_key": "source"})
    table = table.merge(review.table("cited_readings"), on="source", how="left")
    table["claims"] = table["source"].map(counts)
    return table.sort_values("cited_as").reset_index(drop=True)


def conflicts(review: Review) -> pd.DataFrame:
    """Pairs of claims that contradict each other, each pair once.

    Returns
    -------
    DataFrame
        Columns first, first_claim, second, second_claim.
    """
    claims = audit(review).set_index("claim_id")["claim"]
    disputes = audit(review).set_index("claim_id")["conflicts_with"].dropna()
    order = {claim: place for place, claim in enumerate(claims.index)}
    pairs = {
        tuple(sorted((claim, other), key=order.__getitem__))
        for claim, others in disputes.items()
        for other in keys(others)
    }
    ordered = sorted(pairs, key=lambda pair: (order[pair[0]], order[pair[1]]))
    return pd.DataFrame(
        [(a, claims[a], b, claims[b]) for a, b in ordered],
        columns=["first", "first_claim", "second", "second_claim"],
    )


def remarks(review: Review, kind: str) -> pd.DataFrame:
    """Remarks of one kind with the claim they are about, in the order of the text.

    Returns
    -------
    DataFrame
        Columns claim_id, claim, cited_key, reason, source.
    """
    table = review.table("claim_remarks")
    claims = audit(review)[["claim_id", "claim", "cited_key", "position"]]
    found = table[table["remark"] == kind].merge(claims, on="claim_id")
    found = found.sort_values("position", kind="stable").reset_index(drop=True)
    return found[["claim_id", "claim", "cited_key", "reason", "source"]]


@noted
def left_out(review: Review) -> pd.DataFrame:
    """What the text leaves out, and whether it was in print when the text was last changed.

    Returns
    -------
    DataFrame
        As `remarks`, with `in_print`: "yes" when a source appeared in an earlier year than the
        text, "same year", "later" when every source is younger, "standing document" for a label,
        empty when the year of the text, or of every source, is unknown.
    """
    found = remarks(review, "left_out")
    studies = review.table("studies")
    labels = set(studies["study"][among(studies, "role", ("label",))])
    updated = YEAR.search(review.item("article_updated"))

    def in_print(cell: object) -> str | None:
        documents = keys(cell)
        if not updated or not documents:
            return None
        if set(documents) <= labels:
            return "standing document"
        years = [YEAR.search(review.bibliography[key].year) for key in documents]
        known = [int(year[0]) for year in years if year]
        if not known:
            return None
        text = int(updated[0])
        return "yes" if min(known) < text else "later" if min(known) > text else "same year"

    return found.assign(in_print=[in_print(cell) for cell in found["source"]])


def guideline_register(review: Review) -> pd.DataFrame:
    """Bodies and their positions; "none found" where the search found nothing."""
    table = review.table("guidelines")
    nothing = table["strength"] == "not_found"
    table["document"] = table["document"].astype(object).where(~nothing, NONE_FOUND)
    table["strength"] = table["strength"].where(~nothing, NONE_FOUND)
    return table


@noted
def review_status(review: Review) -> pd.DataFrame:
    """Claims and studies by how they were read; stands in for a review status.

    Returns
    -------
    DataFrame
        Columns stage, claims, studies: read in the source itself, read second-hand, worked out
        from other values, verified by nobody.
    """
    stages = {
        "primary": "read in the source itself", "secondary": "read second-hand",
        "derived": "worked out from other values", "unverified": "verified by nobody",
    }
    return pd.DataFrame({
        "stage": list(stages.values()),
        **{
            name: review.table(name)["verification"].value_counts()
            .reindex(list(stages), fill_value=0).to_numpy()
            for name in ("claims", "studies")
        },
    })


@noted
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


@noted
def cited_outcomes(review: Review) -> pd.DataFrame:
    """Every outcome that a cited source reports, from outcomes.csv, in the order of the file."""
    keys = cited_sources(review)["study"]
    outcomes = review.table("outcomes")
    return outcomes[outcomes["study"].isin(keys)].reset_index(drop=True)


@noted
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
