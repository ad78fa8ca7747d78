"""The graph of proposed mechanisms: findings, links of the map, and the balance of each pathway.

A *finding* is a row of mechanism_edges.csv. The map draws groups of nodes, so that one *link* of
the map may stand for several findings. Findings are not studies and are never counted as votes: a
link is contested as soon as one finding contradicts it.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from evidence.review import Review, is_true
from evidence.wording import Row, in_words, plural

TIERS = ("in_vitro", "ex_vivo_human", "animal", "human_biomarker", "human_clinical")
STANCES = ("supports", "contested", "contradicts", "unclear", "retracted")
TIER_WORDS = {
    "in_vitro": "cells or molecules in the laboratory",
    "ex_vivo_human": "human cells outside the body",
    "animal": "animals",
    "human_biomarker": "a measurement in people, without proof of benefit",
    "human_clinical": "a clinical result in people",
}
REACH_WORDS = {"yes": "Yes", "no": "No", "unknown": "Not known"}
COLUMNS = 5


def groups(review: Review) -> pd.DataFrame:
    """Boxes of the map, from left to right and from top to bottom.

    Returns
    -------
    DataFrame
        Columns group, column (1 to 5), nodes (tuple of ids). Without mechanism_groups.csv each
        node is a box of its own in its own layer.
    """
    table = review.table("mechanism_groups")
    if table.empty:
        nodes = review.table("mechanism_nodes")
        table = pd.DataFrame({"node": nodes["node"], "mechanism_group": nodes["label"],
                              "map_column": nodes["layer"]})
    boxes = table.groupby("mechanism_group", sort=False).agg(
        column=("map_column", "first"), nodes=("node", tuple)
    )
    return boxes.rename_axis("group").reset_index().sort_values(
        "column", kind="stable", ignore_index=True
    )


def links(review: Review) -> pd.DataFrame:
    """Links of the map: the findings between two boxes, taken together.

    Returns
    -------
    DataFrame
        Columns source, target (boxes), stance (one of `STANCES`), tier (the strongest kind of
        evidence among the findings, whatever they say), findings (tuple of ids), keys (tuple of
        documents). Findings within one box are left out; see `inside`.
    """
    findings = _findings(review)
    findings = findings[findings["from_box"] != findings["to_box"]]
    rows = [
        {"source": source, "target": target, "stance": stance(block),
         "tier": strongest(block["evidence_tier"]), "findings": tuple(block["edge_id"]),
         "keys": documents(block)}
        for (source, target), block in findings.groupby(["from_box", "to_box"], sort=False)
    ]
    return pd.DataFrame(rows, columns=["source", "target", "stance", "tier", "findings", "keys"])


def inside(review: Review) -> pd.DataFrame:
    """Findings that the map does not draw because both ends lie in one box."""
    findings = _findings(review)
    return findings[findings["from_box"] == findings["to_box"]].reset_index(drop=True)


def stance(findings: pd.DataFrame) -> str:
    """What several findings say together; retracted ones count for nothing beside others."""
    standing = findings[~is_true(findings, "retracted")]
    if standing.empty:
        return "retracted"
    said = set(standing["stance"])
    if {"supports", "contradicts"} <= said:
        return "contested"
    return next(word for word in ("contradicts", "supports", "unclear") if word in said)


def strongest(tiers: Iterable[str]) -> str:
    """The highest kind of evidence, in the order of `TIERS`."""
    return max(tiers, key=TIERS.index)


def documents(findings: pd.DataFrame) -> tuple[str, ...]:
    """Keys behind findings, each once."""
    keys = (key.strip() for cell in findings["keys"].dropna() for key in cell.split(";"))
    return tuple(dict.fromkeys(keys))


def reachable(map_links: pd.DataFrame, start: str) -> set[str]:
    """Boxes that supported links lead to from `start`, link by link, none of them contested."""
    supported = map_links[map_links["stance"] == "supports"]
    found, waiting = set(), [start]
    while waiting:
        here = waiting.pop()
        following = set(supported.loc[supported["source"] == here, "target"]) - found
        found |= following
        waiting += following
    return found


def full_map(review: Review) -> pd.DataFrame:
    """Every finding with its ends in words, in the order of the file.

    Returns
    -------
    DataFrame
        Columns edge_id, pathway, source, relation, target, evidence_tier, stance (retracted ones
        say so), reached_at_dose, keys, summary, verification.
    """
    findings = _findings(review)
    names = review.table("mechanism_nodes").set_index("node")["label"]
    said = findings["stance"].where(~is_true(findings, "retracted"), "retracted")
    return pd.DataFrame({
        "edge_id": findings["edge_id"],
        "pathway": findings["pathway"],
        "source": findings["source"].map(names),
        "relation": findings["relation"],
        "target": findings["target"].map(names),
        "evidence_tier": findings["evidence_tier"],
        "stance": said,
        "reached_at_dose": findings[_dose_column(findings)],
        "keys": findings["keys"],
        "summary": findings["summary"],
        "verification": findings["verification"],
    })


def balance(review: Review) -> pd.DataFrame:
    """What stands for and against each pathway, counted from the findings.

    Returns
    -------
    DataFrame
        One row per row of pathways.csv: pathway, best_tier (strongest kind among supporting
        findings; empty without one), supporting, by_drug (supporting findings that begin at a
        drug), at_dose (those of them shown at a dose that the question is about), contradicting,
        unclear, retracted (findings), documents_for, documents_against (papers behind them).
    """
    findings = _findings(review)
    drugs = set(review.table("mechanism_nodes").query("kind == 'drug'")["node"])
    withdrawn = is_true(findings, "retracted")
    rows = []
    for pathway in review.table("pathways")["pathway"]:
        here = findings["pathway"] == pathway
        said = {
            word: findings[here & ~withdrawn & (findings["stance"] == word)]
            for word in ("supports", "contradicts", "unclear")
        }
        supports = said["supports"]
        by_drug = supports[supports["source"].isin(drugs)]
        rows.append({
            "pathway": pathway,
            "best_tier": strongest(supports["evidence_tier"]) if len(supports) else None,
            "supporting": len(supports),
            "by_drug": len(by_drug),
            "at_dose": int((by_drug[_dose_column(findings)] == "yes").sum()),
            "contradicting": len(said["contradicts"]),
            "unclear": len(said["unclear"]),
            "retracted": int((here & withdrawn).sum()),
            "documents_for": len(documents(supports)),
            "documents_against": len(documents(said["contradicts"])),
        })
    return pd.DataFrame(rows)


def stories(review: Review) -> dict[str, Row]:
    """What a text says about each pathway: its row of pathways.csv with `balance`, in words.

    Besides the columns of both there are best (strongest kind of supporting evidence), pro and
    contra (findings and papers on either side), doubt (unclear and retracted findings) and reach
    (whether the dose can do the first step).
    """
    counted = balance(review).set_index("pathway")
    return {
        row["pathway"]: Row({
            **row, **counted.loc[row["pathway"]], **_words(counted.loc[row["pathway"]]),
            "reach": REACH_WORDS[row["dose_plausible"]],
        })
        for _, row in review.table("pathways").iterrows()
    }


def _words(counted: pd.Series) -> dict[str, str]:
    def said(count: int, kind: str, papers: int) -> str:
        if not count:
            return f"no {kind} finding"
        return (f"{in_words(count)} {kind} {plural(count, 'finding')} from {in_words(papers)} "
                f"{plural(papers, 'document')}")

    pro = said(counted["supporting"], "supporting", counted["documents_for"])
    if counted["supporting"]:
        pro += (f" ({in_words(counted['by_drug'])} about a drug, "
                f"{in_words(counted['supporting'] - counted['by_drug'])} background biology; "
                f"{in_words(counted['at_dose'])} at the dose in question)")
    doubt = [
        f"{in_words(counted[column])} {word}" for column, word
        in (("unclear", "unclear"), ("retracted", "retracted")) if counted[column]
    ]
    return {
        "best": TIER_WORDS.get(counted["best_tier"], "none"),
        "pro": pro[0].upper() + pro[1:],
        "contra": said(counted["contradicting"], "contradicting", counted["documents_against"]),
        "doubt": " and ".join(doubt) or "none unclear or retracted",
    }


def pathway_findings(review: Review, pathway: str) -> pd.DataFrame:
    """The findings of one pathway as `full_map` words them, contradicting ones first."""
    table = full_map(review)
    table = table[table["pathway"] == pathway]
    order = table["stance"].map(
        {"contradicts": 0, "supports": 1, "unclear": 2, "retracted": 3}
    )
    return table.assign(order=order).sort_values("order", kind="stable").drop(
        columns=["order", "pathway"]
    ).reset_index(drop=True)


def _findings(review: Review) -> pd.DataFrame:
    """Rows of mechanism_edges.csv with the boxes of both ends."""
    box = {node: row["group"] for _, row in groups(review).iterrows() for node in row["nodes"]}
    findings = review.table("mechanism_edges")
    return findings.assign(from_box=findings["source"].map(box), to_box=findings["target"].map(box))


def _dose_column(findings: pd.DataFrame) -> str:
    return next(column for column in findings.columns if column.startswith("reached_at_"))
