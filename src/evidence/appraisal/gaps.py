"""What the evidence does not hold: the gap map, studies without results, open questions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from evidence.appraisal.information import (
    ALPHA,
    POWER,
    judged_analyses,
    n_per_arm,
    pooled_sd,
    rated_outcomes,
    target,
)
from evidence.review import (
    LABORATORY,
    Review,
    design,
    is_placebo_trial,
    is_true,
    made_once,
    noted,
    people,
    primary_studies,
    roots,
    with_results,
)

HARMS, MARKERS = "Harms", "Inflammation markers"
STATUS_WORDS = {
    "ongoing": "ongoing when read", "protocol": "protocol only",
    "terminated": "stopped early or never begun", "completed_unpublished": "done, not published",
}  # fmt: skip
CELL = ("condition_group", "domain_group")


@noted
def compared(review: Review, used: Iterable[str] = ()) -> tuple[pd.Series, str]:
    """Which primary studies are what the question asks for, and what they are called.

    Randomised placebo-controlled trials where the control of the review is a placebo, else
    randomised trials, else studies: the first of these that holds any study and all of `used`.

    Returns
    -------
    Series of bool, str
        Indexed by study.
    """
    studies = primary_studies(review.table("studies")).set_index("study", drop=False)
    used = studies.index.isin(list(used))
    randomised = is_true(studies, "randomised")
    if "randomised" not in studies:
        codes = _column(studies, "design").fillna("").astype(str)
        randomised = codes.str.contains("rct|randomised")
    levels = [(randomised, "randomised trials")]
    if "placebo" in review.control.casefold():
        levels.insert(0, (is_placebo_trial(studies), "randomised placebo-controlled trials"))
    for mask, words in levels:
        if mask.any() and mask[used].all():
            return mask, words
    if levels[0][1].startswith("randomised placebo") and not used.any():
        return levels[0]
    return pd.Series(True, studies.index), "studies"


def _counted(review: Review) -> pd.Series:
    """People in the largest row of outcomes.csv by study, both arms together."""
    rows = review.table("outcomes")
    if not {"study", "intervention_n", "control_n"} <= set(rows):
        return pd.Series(dtype="Int64")
    both = rows["intervention_n"] + rows["control_n"]
    if "contrast" in rows:
        both = both.where(rows["contrast"] != "crossover_paired", rows["intervention_n"])
    return both.groupby(rows["study"]).max()


@made_once
def root_people(review: Review) -> pd.DataFrame:
    """Primary studies with the study whose people they are and the number of those.

    Returns
    -------
    DataFrame
        Indexed by study; columns root, people (Int64, of the root), condition_group, placebo,
        compared (see `compared`), has_results.
    """
    studies = primary_studies(review.table("studies")).set_index("study", drop=False)
    counts = people(studies)
    counts = counts.fillna(studies["study"].map(_counted(review)).astype("Int64"))
    owners = roots(studies)
    names = review.group("condition_groups", "condition")
    return pd.DataFrame({
        "root": owners,
        "people": owners.map(counts).astype("Int64"),
        "condition_group": [
            names.get(code, code) for code in _column(studies, "condition").fillna("not stated")
        ],
        "placebo": is_placebo_trial(studies),
        "compared": compared(review)[0],
        "has_results": studies.index.isin(with_results(studies).index)
        | studies.index.isin(_counted(review).dropna().index),
    })


def measured(review: Review) -> pd.DataFrame:
    """What each study with results measured: one row per study and group of outcomes.

    Outcomes by their domain group; laboratory markers with a readable result and harms as groups
    of their own.
    """
    names = review.group("domain_groups", "domain")
    outcomes, markers, harms = (review.table(name) for name in ("outcomes", "biomarkers", "harms"))
    domains = _column(outcomes, "domain").fillna("not stated")
    pairs = {(study, names.get(domain, domain))
             for study, domain in zip(outcomes["study"], domains, strict=True)}
    if not markers.empty:
        readable = is_true(markers, "result_available")
        readable &= _column(markers, "marker_class").isin(LABORATORY)
        pairs |= {(study, MARKERS) for study in markers.loc[readable, "study"]}
    if not harms.empty:
        pairs |= {(study, HARMS) for study in harms["study"]}
    studies = root_people(review)
    rows = [(study, group) for study, group in sorted(pairs) if study in studies.index]
    table = pd.DataFrame(rows, columns=["study", "domain_group"])
    table = table.join(studies, on="study")
    return table[table["has_results"].astype(bool)].reset_index(drop=True)


def gap_map(review: Review) -> pd.DataFrame:
    """Every condition group against every domain group, empty cells included.

    Returns
    -------
    DataFrame
        Columns condition_group, domain_group, trials and participants (what the question asks
        for, see `compared`, with results; people counted once), other_studies and other_people
        (all others), kind (placebo, other, empty).
    """
    table = measured(review)
    conditions = list(dict.fromkeys(root_people(review)["condition_group"]))
    domains = list(dict.fromkeys(
        review.labels("domain_groups", "domain", "domain_group").values()
    ))
    domains += [name for name in dict.fromkeys(table["domain_group"]) if name not in domains]
    grid = pd.MultiIndex.from_product([conditions, domains], names=CELL).to_frame(index=False)
    for flag, count, people_column in ((True, "trials", "participants"),
                                       (False, "other_studies", "other_people")):
        own = table[table["compared"].astype(bool) == flag].drop_duplicates([*CELL, "root"])
        cells = own.groupby(list(CELL)).agg(number=("root", "size"), sum=("people", "sum"))
        cells.columns = [count, people_column]
        grid = grid.join(cells, on=list(CELL))
    numbers = ["trials", "participants", "other_studies", "other_people"]
    grid[numbers] = grid[numbers].fillna(0).astype("Int64")
    grid["kind"] = np.select([grid["trials"] > 0, grid["other_studies"] > 0],
                             ["placebo", "other"], "empty")
    return grid


@noted
def waiting(review: Review) -> pd.DataFrame:
    """Registered studies without results.

    Returns
    -------
    DataFrame
        Columns study, condition_group, condition, status and design (in words), n_planned,
        registry_id, comparator (in words, empty where it is not stated), placebo and
        compared (whether it is what the question asks for, see `compared`).
    """
    studies = review.table("studies")
    known = root_people(review)
    rows = studies[studies["study"].isin(known.index[~known["has_results"].astype(bool)])]
    rows = rows.reset_index(drop=True)
    return pd.DataFrame({
        "study": rows["study"],
        "condition_group": rows["study"].map(known["condition_group"]),
        "condition": _column(rows, "condition_label").fillna(_column(rows, "condition")),
        "status": _column(rows, "status").map(STATUS_WORDS).fillna(_column(rows, "status")),
        "design": [design(code).words for code in _column(rows, "design")],
        "n_planned": _column(rows, "n_planned"),
        "registry_id": _column(rows, "registry_id"),
        "comparator": _column(rows, "comparator").map(
            lambda code: pd.NA if pd.isna(code) or code == "not_stated" else code.replace("_", " ")
        ),
        "placebo": is_placebo_trial(rows),
        "compared": rows["study"].map(compared(review)[0]).fillna(False).astype(bool),
    })


def _column(table: pd.DataFrame, name: str) -> pd.Series:
    """A column, empty when the table does not have it."""
    return table[name] if name in table else pd.Series(pd.NA, table.index, dtype=object)


@noted
def unread_markers(review: Review) -> pd.DataFrame:
    """Placebo-controlled trials that planned laboratory markers of which no result was readable.

    Columns study, condition_group, markers.
    """
    markers = review.table("biomarkers")
    if markers.empty:
        return pd.DataFrame(columns=["study", "condition_group", "markers"])
    read = is_true(markers, "result_available")
    rows = markers[~read & _column(markers, "marker_class").isin(LABORATORY)]
    rows = rows.assign(marker=_column(rows, "marker").fillna("not named"))
    known = root_people(review)
    rows = rows[rows["study"].isin(known.index[known["placebo"]])]
    table = rows.groupby("study", sort=False)["marker"].agg("; ".join).reset_index(name="markers")
    table.insert(1, "condition_group", table["study"].map(known["condition_group"]))
    return table


def open_questions(review: Review, analyses: Mapping[str, Any]) -> pd.DataFrame:
    """Outcomes of certainty.csv in the order in which one good trial would change their answer.

    The share is the weight that a trial of the optimal information size (see
    `evidence.appraisal.information`) would have beside the present trials, with their between-study
    variance: all of it where no trial can be used, empty where the SD is not known. Equal shares
    keep the order of the file, in which the curator puts what matters most first.

    Returns
    -------
    DataFrame
        Columns outcome, label, trials (pooled now), share_percent.
    """
    table = rated_outcomes(review)
    if table.empty:
        return pd.DataFrame(columns=["outcome", "label", "trials", "share_percent"])
    shares = {}
    for row in judged_analyses(review, analyses).to_dict("records"):
        pool = analyses[row["analysis"]]
        aim = target(review, analyses[row["analysis"]], row["important_effect"],
                     row["effect_unit"])
        tau2 = 0.0 if np.isnan(pool.tau2) else pool.tau2
        new = 1 / (aim.variance(aim.per_arm()) + tau2)
        now = sum(1 / (study.vi + tau2) for study in pool.studies)
        shares[row["outcome"]] = 100 * new / (new + now)
    pooled = {name: item.k for name, item in analyses.items()}
    result = pd.DataFrame({
        "outcome": table["outcome"], "label": table["label"],
        "trials": table["analysis"].map(pooled).fillna(0).astype("Int64"),
        "share_percent": table["outcome"].map(shares),
    })
    usable = (result["trials"] > 0) & result["share_percent"].isna()
    result.loc[~usable & result["share_percent"].isna(), "share_percent"] = 100.0
    return result.sort_values("share_percent", ascending=False, kind="stable",
                              na_position="last").reset_index(drop=True)


def trial_design(review: Review, analysis: Any, differences, *, alpha: float = ALPHA,
                 powers=(POWER, 0.9)) -> pd.DataFrame:
    """People per arm of a parallel trial with the pooled SD of an analysis.

    Returns
    -------
    DataFrame
        Columns difference, sd, power, n_per_arm, n_total; whole people, rounded up, without
        allowance for dropout.
    """
    sd = pooled_sd(review, analysis)
    rows = []
    for difference in differences:
        for power in powers:
            size = int(np.ceil(n_per_arm(difference, sd, alpha=alpha, power=power)))
            rows.append((difference, sd, power, size, 2 * size))
    return pd.DataFrame(rows, columns=["difference", "sd", "power", "n_per_arm", "n_total"])
