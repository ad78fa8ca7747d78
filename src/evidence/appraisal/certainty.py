"""Certainty of the evidence (GRADE) and the Summary of Findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from evidence.appraisal.bias import by_study
from evidence.appraisal.gaps import MARKERS, measured, unread_markers, waiting
from evidence.appraisal.information import control_risk, rated_outcomes
from evidence.appraisal.rob2 import HIGH, LOW
from evidence.pooling import Pool
from evidence.review import Problem, Review, ReviewError, is_true, made_once
from evidence.wording import (
    Facts,
    Makers,
    MissingValueError,
    Records,
    Row,
    fill,
    in_words,
    joined,
    offers,
    plural,
    with_interval,
)

LEVELS = ("very low", "low", "moderate", "high")
REASONS = ("risk_of_bias", "inconsistency", "indirectness", "imprecision", "publication_bias")
RANDOMISED, OTHER = 4, 2
NO_EVIDENCE, AGAIN = "no evidence", "to be judged again"
UNITS = {"MD": "points", "SMD": "standard deviations", "GEN": ""}


def grade(start: int, down: int, up: int = 0) -> str:
    """Certainty from the level of the design (4 randomised, 2 other) and the levels down and up.

    The sum is bookkeeping (Guyatt 2008): each level is a judgement with a reason.
    """
    return LEVELS[min(max(start - down + up, 1), 4) - 1]


def level_number(level: str) -> int:
    """A level of certainty as a number from 1 (very low) to 4 (high); 0 for what is none."""
    return LEVELS.index(level) + 1 if level in LEVELS else 0


def level_signs(level: str, full: str = "⊕", empty: str = "◯") -> str:
    """A level of certainty in the four signs of GRADE and in words; words alone for what is none.

    Examples
    --------
    >>> level_signs("low"), level_signs("no evidence")
    ('⊕⊕◯◯ low', 'no evidence')
    """
    number = level_number(level)
    return f"{full * number}{empty * (len(LEVELS) - number)} {level}" if number else level


def bias_levels(weights: Mapping[str, float], judged: Mapping[str, str]) -> int:
    """Levels down for risk of bias, by the written rule of this package.

    Parameters
    ----------
    weights : mapping of str to float
        Weight of each study in the pool; where nothing is pooled, its people.
    judged : mapping of str to str
        Overall judgement of each study; one that is missing counts as not low.

    Returns
    -------
    int
        2 where results judged high carry half of the weight or more, 1 where results that are not
        low do, else 0.

    Examples
    --------
    >>> bias_levels({"a": 60, "b": 40}, {"a": "high", "b": "low"})
    2
    >>> bias_levels({"a": 30, "b": 70}, {"a": "high", "b": "some concerns"})
    1
    """
    if _share(weights, lambda study: judged.get(study) == HIGH) >= 0.5:
        return 2
    return int(_share(weights, lambda study: judged.get(study) != LOW) >= 0.5)


def _share(weights: Mapping[str, float], chosen: Callable[[str], bool]) -> float:
    """Share of the weight of the chosen studies; NaN without weights."""
    total = sum(weights.values())
    return sum(weights[name] for name in weights if chosen(name)) / total if total else np.nan


def absolute_effect(ratio: float, risk: float) -> float:
    """Difference per 1,000 people that a risk ratio makes at a risk of the controls.

    Positive = more people with the event. The risk with the intervention is not above 1.
    """
    return 1000 * (min(ratio * risk, 1.0) - risk)


@made_once
def certainty_table(review: Review, analyses: Mapping[str, Any]) -> pd.DataFrame:
    """Each row of certainty.csv with the evidence that it is about now.

    Returns
    -------
    DataFrame
        The columns of certainty.csv and studies (placebo-controlled trials: those of the analysis,
        else those that measured the group of outcomes), trials, participants (counted once),
        waiting (registered placebo-controlled trials of those conditions without results; for
        laboratory markers trials that planned them), usable (whether any number of theirs could
        enter an analysis), down (levels), high_share (share of the weight of the pool, or of the
        people where nothing is pooled, that results judged at high risk of bias carry; NaN where
        none was judged), bias_rule (levels by `bias_levels`), certainty. Where the trials are not
        those judged, it is `AGAIN`; without trials `NO_EVIDENCE`.
    """
    table = rated_outcomes(review)
    if table.empty:
        return table
    cells, planned, to_come = measured(review), unread_markers(review), waiting(review)
    to_come = to_come[to_come["placebo"]]
    cells = cells[cells["placebo"].astype(bool)]
    studies = review.table("studies").set_index("study")
    designs = studies["design"] if "design" in studies else pd.Series(dtype=object)
    biases, classes = by_study(review), _harm_classes(review)
    rows = []
    for row in table.to_dict("records"):
        kind = _text(row["event_class"])
        own = cells[cells["study"].isin(classes.get(kind, ()))] if kind else cells
        found, people, weights = _evidence(row, analyses, own)
        judged_any = any(study in biases for study in found)
        judged = {part.strip() for part in _text(row["judged_studies"]).split(";")} - {""}
        down = int(np.nansum([_level(row.get(reason)) for reason in REASONS]))
        is_randomised = designs.reindex(found).astype("str").str.startswith("rct").all()
        start = RANDOMISED if is_randomised else OTHER
        certainty = grade(start, down) if judged == set(found) else AGAIN
        rows.append(row | {
            "studies": tuple(found), "trials": len(found), "participants": people,
            "waiting": _waiting(row, planned if row["domain_group"] == MARKERS else to_come),
            "usable": _usable(review, row, found), "down": down,
            "high_share": _share(weights, lambda study: biases.get(study) == HIGH)
            if judged_any else np.nan,
            "bias_rule": bias_levels(weights, biases) if judged_any else np.nan,
            "certainty": certainty if found else NO_EVIDENCE if not judged else AGAIN,
        })
    return pd.DataFrame(rows)


@made_once
def summary_of_findings(review: Review, analyses: Mapping[str, Any]) -> pd.DataFrame:
    """Summary of Findings: what a reader is told of each outcome.

    Two trials are shown one by one, never as a pool. Absolute effects take the risk of the control
    arms of the same analysis.

    Returns
    -------
    DataFrame
        Columns outcome, condition_group, trials, participants, effect, per_1000 (empty where
        there are no risks), reported (what else is known and could not be pooled), certainty, why
        (every domain), meaning, studies.

    Raises
    ------
    ReviewError
        When a template of certainty.csv asks for a value that is not there.
    """
    facts = Facts(review, analyses, without=["rated"])
    rows = []
    for row in certainty_table(review, analyses).to_dict("records"):
        analysis = analyses.get(_text(row["analysis"]))
        has_effect = analysis is not None and analysis.k > 0
        again = row["certainty"] == AGAIN
        rows.append({
            "outcome": row["label"], "condition_group": _text(row["condition_group"]),
            "trials": row["trials"], "participants": row["participants"],
            "effect": _effects(review, analysis) if has_effect else _nothing(row),
            "per_1000": _per_1000(review, analysis) if has_effect else None,
            "reported": _told(row, "reported", facts) or None,
            "certainty": row["certainty"], "why": "" if again else _why(row),
            "meaning": "The evidence has changed since it was judged." if again
            else _told(row, "meaning", facts),
            "studies": ";".join(row["studies"]),
        })
    return pd.DataFrame(rows)


def rating_disagreements(review: Review, analyses: Mapping[str, Any]) -> list[Problem]:
    """Rows of certainty.csv whose levels for risk of bias are not those of `bias_levels`."""
    table = certainty_table(review, analyses)
    if table.empty or "risk_of_bias" not in table:
        return []
    stated = table["risk_of_bias"].astype("Float64")
    different = (stated != table["bias_rule"].astype("Float64")).fillna(False)
    return [
        Problem("data/certainty.csv", int(index) + 2, "risk_of_bias", str(row["risk_of_bias"]),
                f"the judgements give {row['bias_rule']:.0f}", "judge again, and write why", True)
        for index, row in table[different].iterrows()
    ]


@offers
def offer_ratings(review: Review, analyses: Mapping[str, Any]) -> Makers:
    """``rated``: the rows of `certainty_table` by outcome."""
    return {"rated": lambda: _ratings(review, analyses)}


def _ratings(review: Review, analyses: Mapping[str, Any]) -> Mapping[str, Row]:
    table = certainty_table(review, analyses)
    return Records(table, "outcome") if len(table) else {}


def _told(row: Mapping, column: str, facts: Facts) -> str:
    """A template of certainty.csv with its values."""
    try:
        return fill(_text(row.get(column)), facts)
    except MissingValueError as error:
        raise ReviewError([Problem("data/certainty.csv", None, column, row["outcome"], str(error),
                                   "mend the template or the table it reads")]) from None


def findings_facts(table: pd.DataFrame) -> dict[str, Any]:
    """Counts of a certainty table that sentences may name: outcomes by certainty."""
    counts = table["certainty"].value_counts() if len(table) else pd.Series(dtype=int)
    names = (*LEVELS, NO_EVIDENCE, AGAIN)
    return {"n_outcomes": len(table), "certainty": Row({
        name.replace(" ", "_"): int(counts.get(name, 0)) for name in names
    })}


def _evidence(row: Mapping, analyses: Mapping[str, Any], cells: pd.DataFrame):
    """Studies behind a row, their people, and the weight of each."""
    analysis = analyses.get(_text(row["analysis"]))
    if analysis is not None and analysis.k:
        weights = dict.fromkeys((study.study for study in analysis.studies), 0.0)
        for study in analysis.studies:
            weights[study.study] += study.weight
        return list(weights), analysis.n, weights
    group, domain = _text(row["condition_group"]), _text(row["domain_group"])
    own = cells[cells["domain_group"] == domain]
    if group:
        own = own[own["condition_group"] == group]
    own = own.drop_duplicates("root").set_index("root")["people"].fillna(0).sort_index()
    return list(own.index), int(own.sum()), own.astype(float).to_dict()


def _harm_classes(review: Review) -> Mapping[str, set[str]]:
    """Studies that report anything on a class of harm."""
    harms = review.table("harms")
    if not {"event_class", "study"} <= set(harms):
        return {}
    return harms.groupby("event_class")["study"].agg(set).to_dict()


def _effects(review: Review, pool: Pool) -> str:
    name = UNITS.get(pool.measure, pool.measure_words.lower())
    if pool.can_pool or pool.k < 2:
        return _estimate(pool.estimate, pool.ci_low, pool.ci_high, pool.is_ratio, name)
    parts = [
        f"{review.bibliography.cite(row.study)}: "
        + _estimate(row.effect, row.ci_low, row.ci_high, pool.is_ratio, name)
        for row in pool.studies
    ]
    return "; ".join(parts) + f"; {in_words(pool.k)} trials are not pooled"


def _estimate(value: float, low: float, high: float, is_ratio: bool, name: str) -> str:
    text = with_interval(value, low, high, "" if is_ratio else "+")
    return f"{name} {text}" if is_ratio else f"{text} {name}".strip()


def _per_1000(review: Review, pool: Pool) -> str | None:
    risk = control_risk(review, pool) if pool.measure == "RR" else np.nan
    if np.isnan(risk):
        return None
    each = not pool.can_pool and pool.k > 1
    shown = pool.studies if each else [pool]
    parts = []
    for item in shown:
        value = item.effect if each else item.estimate
        middle, low, high = (
            absolute_effect(ratio, risk) for ratio in (value, item.ci_low, item.ci_high)
        )
        name = f"{review.bibliography.cite(item.study)}: " if each else ""
        parts.append(f"{name}{_more(middle)} ({_more(low)} to {_more(high)})")
    return f"{1000 * risk:.0f} with {review.control}; " + "; ".join(parts)


def _more(difference: float) -> str:
    count = abs(round(difference))
    return f"{count} {'more' if difference > 0 else 'fewer'}" if count else "no difference"


def _waiting(row: Mapping, trials: pd.DataFrame) -> int:
    group = _text(row["condition_group"])
    return int((trials["condition_group"] == group).sum()) if group else len(trials)


def _usable(review: Review, row: Mapping, studies: list[str]) -> bool:
    outcomes, own = review.table("outcomes"), review.table("studies")
    names = review.table("domain_groups")
    if names.empty or outcomes.empty:
        return False
    if not {"domain", "poolable"} <= set(outcomes) or "domain_group" not in names:
        return False
    domains = names.loc[names["domain_group"] == row["domain_group"], "domain"]
    people = set(studies)
    if "participants_of" in own:
        people |= set(own.loc[own["participants_of"].isin(studies), "study"])
    here = outcomes["study"].isin(people) & outcomes["domain"].isin(domains)
    return bool((here & is_true(outcomes, "poolable")).any())


def _nothing(row: Mapping) -> str:
    if row["trials"]:
        return ("single measures only, in no analysis" if row["usable"]
                else "no difference with a usable error was read")
    count = row["waiting"]
    if row["domain_group"] == MARKERS:
        more = f"; {count} {plural(count, 'trial')} planned it, nothing readable"
    else:
        more = f"; {count} registered {plural(count, 'trial')} without results"
    return "no trial with a result" + (more if count else "")


def _why(row: Mapping) -> str:
    """Levels down with their reasons, then the domains without one and those nobody could judge."""
    if not row["judged_studies"] or pd.isna(row["judged_studies"]):
        return ""
    words = {0: "no level down", 1: "one level down", 2: "two levels down"}
    said = {words[level]: [] for level in (2, 1, 0)} | {"not assessable": []}
    for reason in REASONS:
        value = row.get(reason)
        verdict = "not assessable" if pd.isna(value) else words[_level(value)]
        why = _text(row.get(f"why_{reason}"))
        said[verdict].append(reason.replace("_", " ") + (f" ({_lowered(why)})" if why else ""))
    return ". ".join(f"{verdict[0].upper()}{verdict[1:]}: {joined(parts)}"
                     for verdict, parts in said.items() if parts)


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:] if not text[1:2].isupper() else text


def _level(value: Any) -> int:
    return 0 if pd.isna(value) else int(value)


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value).strip()
