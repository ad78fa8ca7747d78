"""Markers measured in people: counted by study, kind, direction and control."""

from __future__ import annotations

import re

import pandas as pd

from evidence.chapters.markers.facts import controlled_markers
from evidence.review import LABORATORY, Review, is_true, noted, people
from evidence.wording import p_value

KINDS = {  # columns of the grid: heading, classes of biomarkers.csv
    "Cytokines": ("pro_inflammatory", "anti_inflammatory", "cytokine_mixed_role"),
    "CRP, ESR, stool": ("acute_phase", "faecal"),
    "Tissue": ("tissue",),
    "Immune cells": ("immune_cell",),
    "Own opioids": ("endogenous_opioid",),
    "Other": ("other",),
}
FINDINGS = ("decrease", "increase", "no_change", "open", "no_result")
DESIGN_ORDER = (
    "rct_parallel", "rct_crossover", "protocol", "single_blind_fixed_order", "single_arm",
    "retrospective", "register_before_after", "case_report",
)


def panel_size(marker: str) -> int:
    """Analytes that an entry stands for: "46 further analytes" is 46, a named one is 1."""
    number = re.match(r"\d+(?=[ -])", marker)
    return int(number[0]) if number else 1


def with_findings(markers: pd.DataFrame) -> pd.DataFrame:
    """Entries with columns `finding` (one of `FINDINGS`), `kind` and `p` (as printed).

    A result whose direction was left open is "open"; without a readable result "no_result".
    """
    available = is_true(markers, "result_available")
    direction = markers["direction"].where(markers["direction"] != "not_reported", "open")
    kind_of = {name: kind for kind, classes in KINDS.items() for name in classes}
    return markers.assign(
        finding=direction.where(available, "no_result"),
        p=[printed_p(*pair) for pair in zip(
            markers["p_relation"], markers["p_value"], strict=True)],
        kind=markers["marker_class"].map(kind_of).fillna("Other"),
    )


def printed_p(relation: object, value: object) -> str | None:
    """A p value as it was reported: "= 0.010", "< 0.001"; None without one."""
    if pd.isna(value):
        return None
    is_equal = pd.isna(relation) or relation == "="
    return f"= {p_value(value)}" if is_equal else f"{relation} {value:g}"


def grid(review: Review) -> pd.DataFrame:
    """Entries of biomarkers.csv counted by study, kind and finding.

    Returns
    -------
    DataFrame
        Columns study, design, controlled, n (people, Int64), kind, finding, entries. Controlled
        studies come first; then the order of designs, studies with a result before others.
    """
    markers = with_findings(review.table("biomarkers"))
    studies = review.table("studies").set_index("study")
    counted = (
        markers.groupby(["study", "controlled", "kind", "finding"], sort=False)
        .size().rename("entries").reset_index()
    )
    size = people(studies)
    size = size.where(size > 0)
    counted["design"] = counted["study"].map(studies["design"])
    counted["n"] = counted["study"].map(size).astype("Int64")
    order = {name: rank for rank, name in enumerate(DESIGN_ORDER)}
    silent = counted.groupby("study")["finding"].transform(lambda found: {*found} == {"no_result"})
    counted = counted.assign(
        uncontrolled=~counted["controlled"].astype(bool), silent=silent,
        rank=counted["design"].map(order).fillna(len(order)),
    ).sort_values(["uncontrolled", "silent", "rank"], kind="stable")
    columns = ["study", "design", "controlled", "n", "kind", "finding", "entries"]
    return counted[columns].reset_index(drop=True)


def placebo_results(review: Review, classes: tuple[str, ...] = LABORATORY) -> pd.DataFrame:
    """Entries of some classes with a readable result of a placebo-controlled study."""
    markers = review.table("biomarkers")
    controlled = controlled_markers(markers[markers["marker_class"].isin(classes)])
    studies = review.table("studies").set_index("study")
    with_placebo = controlled["study"].map(studies["placebo_controlled"]).fillna(False)
    return controlled[with_placebo.astype(bool)].reset_index(drop=True)


@noted
def analytes(review: Review, study: str) -> pd.DataFrame:
    """Named analytes of one study with a result, by class and size of the change.

    Returns
    -------
    DataFrame
        Columns marker, marker_class, direction, baseline, follow_up, unit, change_pct, p,
        has_value, verification, source; changes are per cent of the baseline.
    """
    markers = with_findings(review.table("biomarkers"))
    here = markers[(markers["study"] == study) & (markers["finding"] != "no_result")]
    classes = {name: rank for rank, name in enumerate(LABORATORY)}
    table = here.assign(
        has_value=here["change_pct"].notna(),
        rank=here["marker_class"].map(classes).fillna(len(classes)),
    ).sort_values(["rank", "change_pct"], kind="stable")
    return table[["marker", "marker_class", "direction", "baseline", "follow_up", "unit",
                  "change_pct", "p", "has_value", "verification", "source"]].reset_index(drop=True)


def silent_analytes(review: Review, study: str) -> int:
    """Analytes of one study that were measured and whose result is not reported."""
    markers = review.table("biomarkers")
    here = markers[(markers["study"] == study) & ~markers["result_available"].fillna(False)]
    return int(here["marker"].map(panel_size).sum())
