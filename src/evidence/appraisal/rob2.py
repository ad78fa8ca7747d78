"""RoB 2: from answers to judgements, for parallel and for crossover trials.

The maps are those of the published tool (Sterne 2019, guidance of August 2019), in our own
wording: questions go by their numbers. Domain S of the crossover variant was not checked against
the current form, so every judgement of it is marked. The first rule of a part that fits decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LOW, SOME, HIGH = "low", "some concerns", "high"
JUDGEMENTS = (LOW, SOME, HIGH)  # the later one wins over the earlier ones
ANSWERS = ("Y", "PY", "PN", "N", "NI")
ANSWER_WORDS = dict(zip(
    ANSWERS, ("yes", "probably yes", "probably no", "no", "no information"), strict=True))
NEVER_NI = ("3.2",)  # questions for which the tool offers no "no information": without evidence PN
TOOL = "RoB 2"
VERSION = f"{TOOL}, guidance of August 2019"

DOMAINS = {
    "D1": "Randomisation process",
    "DS": "Period and carry-over effects",
    "D2": "Deviations from the intended interventions",
    "D3": "Missing outcome data",
    "D4": "Measurement of the outcome",
    "D5": "Selection of the reported result",
}
QUESTIONS = {
    "1.1": "sequence random", "1.2": "allocation concealed",
    "1.3": "baseline imbalance suggests a problem", "S.1": "similar numbers in the two sequences",
    "S.2": "period effects handled in the analysis",
    "S.3": "time enough for carry-over to fade before the second measurement",
    "2.1": "participants aware", "2.2": "carers aware", "2.3": "trial-context deviations",
    "2.4": "deviations affected the outcome", "2.5": "deviations balanced",
    "2.6": "appropriate analysis", "2.7": "substantial impact of not analysing as randomised",
    "3.1": "data for nearly all", "3.2": "evidence that the result is not biased",
    "3.3": "missingness could depend on the true value",
    "3.4": "missingness likely depended on the true value", "4.1": "method inappropriate",
    "4.2": "measurement could differ between groups", "4.3": "assessor aware",
    "4.4": "assessment could be influenced", "4.5": "assessment likely influenced",
    "5.1": "pre-specified plan followed", "5.2": "selected from several measurements",
    "5.3": "selected from several analyses", "5.4": "first period used because of carry-over",
}  # fmt: skip
UNVERIFIED = ("DS",)  # parts whose map nobody has checked

_YES, _NO, _NI = ("Y", "PY"), ("N", "PN"), ("NI",)
Rule = tuple[Mapping[str, tuple[str, ...]], str]
_D5_FIRST: tuple[Rule, ...] = (({"5.2": _YES}, HIGH), ({"5.3": _YES}, HIGH))
_D5_NEXT: tuple[Rule, ...] = (({"5.2": _NI}, SOME), ({"5.3": _NI}, SOME))
_D5_LAST: tuple[Rule, ...] = (({"5.1": _YES}, LOW), ({"5.1": (*_NO, *_NI)}, SOME))

PARALLEL: dict[str, tuple[Rule, ...]] = {
    "D1": (
        ({"1.2": _NO}, HIGH),
        ({"1.2": _NI, "1.3": _YES}, HIGH),
        ({"1.2": _NI}, SOME),
        ({"1.2": _YES, "1.1": _NO}, SOME),
        ({"1.2": _YES, "1.3": _YES}, SOME),
        ({"1.2": _YES}, LOW),
    ),
    "D2a": (
        ({"2.1": _NO, "2.2": _NO}, LOW),
        ({"2.3": _NO}, LOW),
        ({"2.3": _NI}, SOME),
        ({"2.3": _YES, "2.4": _NO}, SOME),
        ({"2.3": _YES, "2.5": _YES}, SOME),
        ({"2.3": _YES}, HIGH),
    ),
    "D2b": (
        ({"2.6": _YES}, LOW),
        ({"2.7": _NO}, SOME),
        ({"2.7": (*_YES, *_NI)}, HIGH),
    ),
    "D3": (
        ({"3.1": _YES}, LOW),
        ({"3.2": _YES}, LOW),
        ({"3.3": _NO}, LOW),
        ({"3.4": _NO}, SOME),
        ({"3.4": (*_YES, *_NI)}, HIGH),
    ),
    "D4": (
        ({"4.1": _YES}, HIGH),
        ({"4.2": _YES}, HIGH),
        ({"4.2": _NO, "4.3": _NO}, LOW),
        ({"4.2": _NO, "4.4": _NO}, LOW),
        ({"4.2": _NI, "4.3": _NO}, SOME),
        ({"4.2": _NI, "4.4": _NO}, SOME),
        ({"4.5": _NO}, SOME),
        ({"4.5": (*_YES, *_NI)}, HIGH),
    ),
    "D5": (*_D5_FIRST, *_D5_NEXT, *_D5_LAST),
}
CROSSOVER: dict[str, tuple[Rule, ...]] = PARALLEL | {
    "DS": (
        ({"S.3": (*_NO, *_NI)}, HIGH),
        ({"S.3": _YES, "S.1": _YES}, LOW),
        ({"S.3": _YES, "S.2": _YES}, LOW),
        ({"S.3": _YES}, SOME),
    ),
    "D5": (
        *_D5_FIRST, ({"5.4": _YES}, HIGH), *_D5_NEXT, ({"5.4": _NI}, SOME), *_D5_LAST,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judgement:
    """One domain, or the trial as a whole (domain "overall"), as the published map gives it.

    "No information" is an answer, no judgement: the map turns it into some concerns or high.
    ``unread`` marks judgements that rest on no information alone, so that reading more could
    better them; ``unverified`` those that rest on a map nobody has checked. What is high for
    another reason as well is neither.
    """

    domain: str
    answers: tuple[tuple[str, str], ...]
    judgement: str
    unread: bool
    unverified: bool


def worst(judgements) -> str:
    """The judgement that decides: high, then some concerns."""
    return max(judgements, key=JUDGEMENTS.index)


def judge(answers: Mapping[str, str], crossover: bool = False) -> tuple[Judgement, ...]:
    """Judge one result.

    Parameters
    ----------
    answers : mapping of str to str
        Question number to Y, PY, PN, N or NI (no information); questions that were not asked are
        left out.
    crossover : bool
        Whether the variant for crossover trials applies.

    Returns
    -------
    tuple of Judgement
        The domains in their order and, last, "overall": the worst domain. Several domains with
        some concerns are not raised to high; that would be a judgement, not a count.

    Raises
    ------
    ValueError
        When a question or an answer is unknown, or the answers of a part end before a judgement.
    """
    maps = CROSSOVER if crossover else PARALLEL
    for question, answer in answers.items():
        if question not in QUESTIONS or domain_of(question) not in {part[:2] for part in maps}:
            raise ValueError(f"{question} is no question of this version of the tool")
        offered = [one for one in ANSWERS if one != "NI" or question not in NEVER_NI]
        if answer not in offered:
            raise ValueError(f"{question}: {answer} is no answer, use {', '.join(offered)}")
    parts = {part: _part(part, rules, answers) for part, rules in maps.items()}
    domains = []
    for domain in DOMAINS:
        own = [judged for part, judged in parts.items() if part[:2] == domain]
        if own:
            domains.append(_together(domain, own))
    return (*domains, _together("overall", domains))


def domain_of(question: str) -> str:
    """The domain of a question: "2.6" belongs to D2, "S.1" to DS."""
    return f"D{question[0]}"


def _part(part: str, rules: tuple[Rule, ...], answers: Mapping[str, str]) -> Judgement:
    asked = {question for conditions, _ in rules for question in conditions}
    given = tuple((q, answers[q]) for q in QUESTIONS if q in asked and q in answers)
    for conditions, verdict in rules:
        if all(answers.get(question) in allowed for question, allowed in conditions.items()):
            is_unread = any(answers[question] == "NI" for question in conditions)
            return Judgement(part, given, verdict, is_unread, part in UNVERIFIED)
    raise ValueError(f"{part}: the answers end before a judgement; asked are {sorted(asked)}")


def _together(name: str, parts: list[Judgement]) -> Judgement:
    judgement = worst(part.judgement for part in parts)
    deciding = [part for part in parts if part.judgement == judgement]
    unchecked = [part.unverified for part in deciding]
    return Judgement(
        name, tuple(pair for part in parts for pair in part.answers), judgement,
        all(part.unread for part in deciding),
        all(unchecked) if judgement == HIGH else any(unchecked),
    )
