"""Tables."""

from __future__ import annotations

import pandas as pd

from evidence.review import Review, keys, noted
from evidence.wording import Markup, links, place


def source_links(review: Review, documents: pd.Series) -> list[Markup | str]:
    """The address of each cited document (DOI, else registration or page) as a link.

    Parameters
    ----------
    documents : Series of str
        Keys of references.bib, or empty.
    """
    cells: list[Markup | str] = []
    for cell in documents:
        found = [review.bibliography[key] for key in keys(cell)]
        cells.append(links([(reference.link.removeprefix("https://doi.org/"), reference.link)
                            for reference in found if reference.link]))
    return cells


def number_targets(review: Review, claim_type: str, documents: object) -> list[tuple[str, str]]:
    """Where the numbers behind a verdict are shown.

    Parameters
    ----------
    claim_type : str
        Kind of the claim.
    documents : str or empty
        Keys of the best evidence, separated by semicolons.

    Returns
    -------
    list of (label, target)
        Rows of number_links.csv that inform this kind of claim and whose table holds one of the
        documents; where there is none, the rows for any kind.
    """
    wanted = set(keys(documents))
    table = review.table("number_links")
    fitting = [
        row for _, row in table.iterrows()
        if wanted & _documents(review, row["table"], row["column"])
    ]
    own = [row for row in fitting if claim_type in keys(row["claim_types"])]
    rest = [row for row in fitting if not keys(row["claim_types"])]
    return [(row["label"], row["where"]) for row in own or rest]


@noted
def _documents(review: Review, table: str, column: str) -> set[str]:
    frame = review.table(table)
    return {key for cell in frame[column] for key in keys(cell)} if column in frame else set()


def claim_cards(review: Review, claims: pd.DataFrame) -> pd.DataFrame:
    """Claims as a reader goes through them, with links to the source and to the numbers.

    Parameters
    ----------
    claims : DataFrame
        Rows as `evidence.chapters.claims.audit.audit` returns them.

    Returns
    -------
    DataFrame
        Columns title (number and claim), anchor (id that links lead to), citation_verdict,
        evidence_verdict, rationale, best_evidence, best_evidence_keys, evidence_level, cited_key,
        address, numbers and verification; `CARD` says what a card makes of them.
    """
    numbers = [
        links(number_targets(review, row["claim_type"], row["best_evidence_keys"]))
        for row in claims.to_dict("records")
    ]
    table = claims.assign(
        title=[f"{row['position']} · {row['claim']}" for row in claims.to_dict("records")],
        anchor=[f"claim-{name}" for name in claims["claim_id"]],
        address=source_links(review, claims["cited_key"]), numbers=numbers,
    )
    return table[["title", "anchor", *CARD["chips"], *CARD["text"], *CARD["more"]]]


CARD = {  # parts of a card, see `evidence.notebook.tables.cards`
    "title": "title", "anchor": "anchor", "chips": ("citation_verdict", "evidence_verdict"),
    "text": ("rationale",), "label": "Best evidence and sources",
    "more": ("best_evidence", "best_evidence_keys", "evidence_level", "cited_key", "address",
             "numbers", "verification"),
}


def with_claim_links(
    review: Review, table: pd.DataFrame, *columns: str, document: str = ""
) -> pd.DataFrame:
    """The table with the claims that `columns` name by their numbers, leading to their cards."""
    numbers = review.labels("claims", "claim_id", "position")
    return table.assign(**{
        column: [
            links([(f"claim {numbers[name]}", f"{document}#claim-{name}") for name in keys(cell)])
            for cell in table[column]
        ]
        for column in columns
    })


def features(review: Review) -> pd.DataFrame:
    """Features of the audited page with their counterparts.

    Returns
    -------
    DataFrame
        Columns feature_id, feature, what_it_does, how, where (links), status.
    """
    table = review.table("seed_features").merge(
        review.table("feature_links"), on="feature_id", how="left"
    )
    table["where"] = _places(table["where"])
    return table[["feature_id", "feature", "what_it_does", "how", "where", "status"]]


def questions(review: Review) -> pd.DataFrame:
    """Related questions of the audited page: whether and where this review answers them.

    Returns
    -------
    DataFrame
        Columns question_id, question, answered, how, where (links).
    """
    table = review.table("related_questions").merge(
        review.table("question_links"), on="question_id", how="left"
    )
    table["where"] = _places(table["where"])
    return table[["question_id", "question", "answered", "how", "where"]]


def _places(cells: pd.Series) -> list[Markup | str]:
    return [links([(place(target), target) for target in keys(cell)]) for cell in cells]
