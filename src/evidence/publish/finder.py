"""Answers, studies, results and claims as cards to search and filter on a page.

A card holds words for readers: no id, key or code of the tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from evidence.appraisal import anchor, certainty_table, summary_of_findings
from evidence.notebook import SEPARATOR, grouped, judged, measurable
from evidence.review import Review, design, keys, people, primary_studies, word
from evidence.wording import MINUS, interval, p_value, plural, signed, spaced

ANSWER, STUDY, RESULT, CLAIM = "answer", "study", "result", "claim"
ALONE, UNVERIFIED, NO_RESULT = "one arm, no comparison", "unverified", "no results"
SINGLE = ("within_arm", "single_group")
SAID = ("one arm, no control", UNVERIFIED)  # by a label, and by a mark as well
USED = {"main": "in our pool", "sensitivity": "in a variant of our pool"}
ARM_WORDS = {"pct": "{:g} %", "change_pct": "change of {:.1f} %", "change": "change of {:.2f}",
             "mean": "mean {:.2f}"}


@dataclass(frozen=True, slots=True)
class Card:
    """One answer, study, result or claim as a reader sees it.

    Attributes
    ----------
    kind : str
        `ANSWER` (an outcome with its certainty), `STUDY`, `RESULT` or `CLAIM`.
    title, text : str
        What it is, and what it says in a sentence or more.
    facts : tuple of str
        Short facts in a row.
    chips : tuple of (str, str)
        Marks as name and word, such as ("evidence", "not supported"); the name may be empty.
    link : str
        Address of the document; may be empty.
    groups : tuple of str
        Conditions that it is found under.
    controlled, is_harm : bool
        Whether it is compared with the control of the review, and whether a result is on a harm.
    judged : tuple of (str, str)
        Risk of bias in words, each with the id of the place where the judgement stands.
    certainty : str
        Certainty of the evidence that it is part of; may be empty.
    """

    kind: str
    title: str
    text: str = ""
    facts: tuple[str, ...] = ()
    chips: tuple[tuple[str, str], ...] = ()
    link: str = ""
    groups: tuple[str, ...] = ()
    controlled: bool = False
    is_harm: bool = False
    judged: tuple[tuple[str, str], ...] = ()
    certainty: str = ""


def cards(review: Review, analyses: Mapping[str, Any]) -> list[Card]:
    """Every answer, study, result and claim of a review: answers first, then comparisons, then the
    latest studies."""
    if review.table("studies").empty:
        return list(_claims(review, {}))
    studies = grouped(review)
    studies = studies.assign(people=people(studies),
                             own=studies.index.isin(primary_studies(studies).index))
    studies = studies.sort_values("year", ascending=False, kind="stable", na_position="last")
    by_key = {row["study"]: row for row in studies.to_dict("records")}
    found = [*_answers(review, analyses), *_results(review, by_key, analyses),
             *_studies(review, by_key), *_claims(review, by_key)]
    said = review.bibliography.spelled
    found = [replace(card, text=spaced(said(card.text)), facts=tuple(map(said, card.facts)))
             for card in found]
    return sorted(found, key=_place)


def _place(card: Card) -> int:
    """Answers first, then comparisons with the control, harms last among them, then studies with
    it, then all others by kind."""
    if card.kind == ANSWER:
        return -1
    words = {word for _, word in card.chips}
    if card.kind != CLAIM and card.controlled and not words & {ALONE, UNVERIFIED, NO_RESULT}:
        return 2 if card.kind == STUDY else int(card.is_harm)
    return 3 + (STUDY, RESULT, CLAIM).index(card.kind)


def _answers(review: Review, analyses: Mapping[str, Any]) -> Iterator[Card]:
    for row in summary_of_findings(review, analyses).to_dict("records"):
        trials, effect = row["trials"], word(row, "effect")
        people = f"{trials} {plural(trials, 'trial')}, {row['participants']:,} people"
        told = [row["meaning"], word(row, "reported") or f"{effect[:1].upper()}{effect[1:]}."]
        chips = (("", f"against {review.control}"), ("certainty", row["certainty"]))
        yield Card(ANSWER, row["outcome"], " ".join(told), (people,) if trials else (),
                   chips if trials else chips[1:], groups=(row["condition_group"],),
                   controlled=True)


def _studies(review: Review, by_key: Mapping[str, Mapping]) -> Iterator[Card]:
    known = judged.verdicts(review)
    for key, row in by_key.items():
        count = row["people"]
        facts = [_condition(row), design(row["design"]).words if word(row, "design") else ""]
        if pd.notna(count) and count:
            facts.append(f"{count} people")
        status = word(row, "status").replace("_", " ")
        facts += [status if status != "published" else "", _versus(row)]
        yield Card(
            STUDY, _titled(review, key), _concluded(row), tuple(filter(None, facts)),
            _marks(review, row), _link(review, key), (row["group"],), _controlled(row),
            judged=tuple((f"Risk of bias, {result}: {verdict}", anchor(outcome))
                         for outcome, (result, verdict) in known.get(key, {}).items()),
        )


def _results(review: Review, by_key: Mapping[str, Mapping],
             analyses: Mapping[str, Any]) -> Iterator[Card]:
    rows = measurable(review)
    order = {key: place for place, key in enumerate(by_key)}
    rows = rows.assign(place=rows["study"].map(order)).sort_values("place", kind="stable")
    known, rated = judged.verdicts(review), _Rated(review, analyses)
    for name, row in rows.to_dict("index").items():
        study = by_key.get(row["study"], {})
        said = finding(review, row)
        if not said:
            continue
        study_name, *told = row["label"].split(SEPARATOR)
        marks = _marks(review, study | row)
        facts = [study_name, _condition(study), *(words for words in told if words not in SAID)]
        compared = _controlled(study) and row.get("contrast") not in SINGLE
        own = known.get(row["study"], {})
        said_of = {"": own[name]} if name in own else own
        yield Card(
            RESULT, row["family"][:1].upper() + row["family"][1:], said,
            tuple(filter(None, facts)), marks, _link(review, row["study"]),
            (study["group"],) if study else (), compared, bool(row["is_harm"]),
            tuple((f"Risk of bias{f', {result}' if outcome else ''}: {verdict}",
                   anchor(outcome or name)) for outcome, (result, verdict) in said_of.items()),
            rated.certainty(row, study) if compared else "",
        )


class _Rated:
    """Which outcome of the Summary of Findings a result belongs to."""

    def __init__(self, review: Review, analyses: Mapping[str, Any]):
        self.rows = certainty_table(review, analyses).to_dict("records")
        self.domains = review.labels("domain_groups", "domain", "domain_group")

    def certainty(self, row: Mapping[str, Any], study: Mapping[str, Any]) -> str:
        """Certainty of the outcome that the study of a result is evidence for; may be empty."""
        own = {"event_class": word(row, "event_class"),
               "domain_group": self.domains.get(row["domain"], "") if not row["is_harm"] else "",
               "condition_group": word(study, "group")}
        people = {row["study"], word(study, "participants_of")}
        for rated in self.rows:
            fits = [word(rated, name) in ("", cell) for name, cell in own.items()]
            is_harm = bool(word(rated, "event_class"))
            if people & set(rated["studies"]) and all(fits) and is_harm == row["is_harm"]:
                return rated["certainty"]
        return ""


def _claims(review: Review, by_key: Mapping[str, Mapping]) -> Iterator[Card]:
    claims = review.table("claims")
    if claims.empty or "claim" not in claims:
        return
    for row in claims.to_dict("records"):
        cited = [key for key in keys(row.get("best_evidence_keys")) if key in review.bibliography]
        chips = [(name, word(row, f"{name}_verdict").replace("_", " "))
                 for name in ("citation", "evidence") if word(row, f"{name}_verdict")]
        groups = {by_key[key]["group"] for key in cited if key in by_key}
        text = " ".join(filter(None, (word(row, "rationale"), word(row, "best_evidence"))))
        source = word(row, "cited_key")
        known = source in review.bibliography
        facts = [word(row, "section").replace("_", " "),
                 f"cites {review.bibliography.cite(source)}" if known else "cites nothing"]
        yield Card(CLAIM, word(row, "claim"), text, tuple(filter(None, facts)), tuple(chips),
                   _link(review, source) if known else "", tuple(sorted(groups)))


def finding(review: Review, row: Mapping[str, Any]) -> str:
    """What a row of results found, in words: the difference with its interval, else both arms.

    Empty where the row holds no number.
    """
    parts = []
    if pd.notna(row.get("effect")):
        measure = word(row, "effect_measure").replace("_", " ")
        low, high = row.get("effect_ci_low"), row.get("effect_ci_high")
        limits = f" ({interval(low, high)})" if pd.notna(low) and pd.notna(high) else ""
        number = signed(f"{row['effect']:.2f}".rstrip("0").rstrip("."))
        parts.append(f"{measure} {number}{limits}".strip())
    arms = [f"{words} with {name}" for name, words in (
        (review.intervention, _arm(row, "intervention")), (review.control, _arm(row, "control")),
    ) if words]
    parts += [", ".join(arms)] if arms else []
    if pd.notna(row.get("p_value")):
        sign = "" if word(row, "p_relation") in ("", "=") else f"{row['p_relation']} "
        parts.append(f"p {sign or '= '}{p_value(row['p_value'])}")
    text = "; ".join(parts)
    return text[:1].upper() + text[1:] + ("." if text else "")


def _arm(row: Mapping[str, Any], arm: str) -> str:
    events, count = row.get(f"{arm}_events"), row.get(f"{arm}_n")
    if pd.notna(events) and pd.notna(count):
        return f"{events:.0f} of {count:.0f}"
    for column, words in ARM_WORDS.items():
        if pd.notna(value := row.get(f"{arm}_{column}")):
            return words.format(value).replace("-", MINUS)
    return ""


def _concluded(row: Mapping[str, Any]) -> str:
    said = word(row, "conclusion")
    return f"Its own conclusion: {said}" if said else ""


def _condition(row: Mapping[str, Any]) -> str:
    return word(row, "condition_label") or word(row, "condition").replace("_", " ")


def _versus(row: Mapping[str, Any]) -> str:
    control = word(row, "comparator").replace("_", " ")
    return "" if control in ("", "none", "not applicable") else f"against {control}"


def _controlled(row: Mapping[str, Any]) -> bool:
    value = row.get("placebo_controlled")
    return bool(value) if pd.notna(value) else False


def _marks(review: Review, row: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    chips = []
    if row.get("contrast") in SINGLE:
        chips.append(("", ALONE))
    elif row.get("own", True) and pd.notna(row.get("placebo_controlled")):
        is_there = "against" if row["placebo_controlled"] else "no"
        chips.append(("", f"{is_there} {review.control}"))
    if row.get("pool_role") in USED:
        chips.append(("", USED[row["pool_role"]]))
    if word(row, "verification") == "derived":
        chips.append(("", "worked out here"))
    if word(row, "status", "published") != "published":
        chips.append(("", NO_RESULT))
    if word(row, "verification") == UNVERIFIED:
        chips.append(("", UNVERIFIED))
    return tuple(chips)


def _titled(review: Review, key: str) -> str:
    reference = review.bibliography[key]
    return f"{review.bibliography.cite(key)}. {reference['title']}".rstrip(". ")


def _link(review: Review, key: str) -> str:
    return review.bibliography[key].link if key in review.bibliography else ""


def groups(found: list[Card]) -> list[tuple[str, int]]:
    """Conditions with the number of studies under each, by name."""
    counts = pd.Series([group for card in found if card.kind == STUDY for group in card.groups],
                       dtype=object).value_counts()
    return sorted((str(name), int(count)) for name, count in counts.items())


def counted(found: list[Card]) -> str:
    """How many answers, studies, results and claims there are."""
    names = {ANSWER: ("answer", "answers"), STUDY: ("study", "studies"),
             RESULT: ("result", "results"), CLAIM: ("claim", "claims")}
    parts = []
    for kind, (one, many) in names.items():
        if count := sum(card.kind == kind for card in found):
            parts.append(f"{count:,} {plural(count, one, many)}")
    return ", ".join(parts)
