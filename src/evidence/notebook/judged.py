"""Risk of bias for readers: which judgements a figure rests on, and the reasons of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from evidence.appraisal import (
    ANSWER_WORDS,
    DOMAINS,
    QUESTIONS,
    evidence_of_answers,
    judged_results,
)
from evidence.figures import Spec, catalogue
from evidence.review import Review, noted

KIND = "risk_of_bias"  # of the figure whose notebook holds the judgements


def verdicts(review: Review) -> dict[str, dict[str, tuple[str, str]]]:
    """By study and judged outcome: what it is about in words, and its overall risk of bias."""
    table = judged_results(review)
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for row in table[table["domain"] == "overall"].to_dict("records"):
        found.setdefault(row["study"], {})[row["outcome_id"]] = row["result"], row["judgement"]
    return found


def behind(review: Review, analyses: Mapping[str, Any], spec: Spec) -> list[tuple[str, str]]:
    """Judgements of the results that a figure selects, or of others of the same studies.

    Returns
    -------
    list of (str, str)
        Study with its overall risk of bias in words, and the outcome_id of the judged result.
    """
    rows = review.labels("outcomes", "outcome_id", "study")
    rows |= review.labels("harms", "harm_id", "study")
    chosen: dict[str, dict[str, None]] = {}
    for name in spec.select:
        pool = analyses.get(name)
        for outcome, study in ([(row.outcome_id, row.study) for row in pool.studies] if pool
                               else [(name, rows[name])] if name in rows else []):
            chosen.setdefault(study, {})[outcome] = None
    found, judged = [], verdicts(review)
    for study, outcomes in chosen.items():
        known = judged.get(study, {})
        exact = [outcome for outcome in known if outcome in outcomes]
        for outcome in exact or known:
            result, verdict = known[outcome]
            name = review.bibliography.cite(study)
            about = "" if exact and len(known) == 1 else f", {result}"
            found.append((f"{name}{about}: {verdict}", outcome))
    return found


@noted
def place(review: Review) -> str:
    """Notebook with the judgements; empty where no figure says which."""
    return next((spec.notebook for spec in catalogue.specs(review).values()
                 if spec.kind == KIND), "")


def reasons(review: Review, outcome_id: str) -> pd.DataFrame:
    """Judgement of each domain of one result with its reason: for reading."""
    table = judged_results(review)
    rows = table[table["outcome_id"] == outcome_id]
    marks = [", ".join(filter(None, ("for want of information" if row["unread"] else "",
                                     "map not checked" if row["unverified"] else "")))
             for row in rows.to_dict("records")]
    return pd.DataFrame({
        "Domain": [DOMAINS.get(name, name[:1].upper() + name[1:]) for name in rows["domain"]],
        "Judgement": [f"{verdict} ({mark})" if mark else verdict
                      for verdict, mark in zip(rows["judgement"], marks, strict=True)],
        "reason": list(rows["reason"]), "source": list(rows["source"]),
    })


def grounds(review: Review, outcome_id: str) -> pd.DataFrame:
    """Each question of the tool with its answer and the fact that it rests on: for reading."""
    table = evidence_of_answers(review, outcome_id).drop(columns=["domain", "source_where"])
    asked = [f"{number} {QUESTIONS.get(number, '')}".strip() for number in table["question"]]
    return table.assign(question=asked, answer=table["answer"].replace(ANSWER_WORDS)).rename(
        columns={"question": "Question", "answer": "Answer"})
