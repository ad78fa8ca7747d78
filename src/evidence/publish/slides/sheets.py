"""What the tables of the slides hold: the answer, certainty, harms, verdicts and limits."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from evidence.appraisal import census, certainty_table, harms, level_signs, summary_of_findings
from evidence.chapters.claims import audit
from evidence.publish.slides.shapes import FIXED_SPACE
from evidence.review import CITATION, Review, with_citations, without_citations
from evidence.wording import Facts, answers, in_words, joined, plural, readable

LEAD = re.compile(r"\*\*(.+?)\.?\*\*\s*(.*)", re.DOTALL)
HARM_COLUMNS = {
    "event", "event_class", "unit", "verification", "note", "source", "intervention_events",
    "intervention_n", "intervention_pct", "control_events", "control_n", "control_pct",
}  # fmt: skip
CLAIM_COLUMNS = {"citation_verdict", "evidence_verdict", "claim_type", "cited_key", "position"}
LIMITS = {
    "search": "How records were found",
    "extraction": "How values were taken",
    "judgements": "Judgements",
    "analyses": "Choice of analyses",
    "completion_dates": "Completion dates",
}
FULL, EMPTY = "●○"  # signs of certainty that the typeface has


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with what is said about it.

    Attributes
    ----------
    title, subtitle : str
        The message, and what stands in the table.
    headings : tuple of str
    rows : tuple of tuple of str
        Text of each cell; ``**bold**`` is bold.
    say, asked : str
        What to say, and what to answer.
    method : str
        Method line, the foot of the slide.
    sources : tuple of str
        Keys of the references behind it.
    """

    title: str
    subtitle: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    say: str = ""
    asked: str = ""
    method: str = ""
    sources: tuple[str, ...] = ()


def cited(lines: Sequence[str]) -> tuple[str, ...]:
    """Keys that some lines cite, in order."""
    return tuple(dict.fromkeys(
        key.strip().removeprefix("@")
        for line in lines for match in CITATION.finditer(line) for key in match[1].split(";")
    ))


def answer_lines(
    review: Review, analyses: Mapping[str, Any], audience: Sequence[str] = ()
) -> list[str]:
    """The short sentences of data/answers.csv for an audience, its first one by default; the
    details where there are none."""
    known = answers.audiences(review)
    if not known:
        return []
    wanted, facts = [*audience, *known][0], Facts(review, analyses)
    return answers.sentences(review, facts, wanted) or answers.lines(review, facts, wanted)


def answer_sheet(
    review: Review, analyses: Mapping[str, Any], select: Sequence[str] = ()
) -> Sheet | None:
    """The answer line by line: what it is about, and what was found."""
    lines = answer_lines(review, analyses, select)
    if not lines:
        return None
    rows = []
    for number, line in enumerate(lines, 1):
        lead, rest = LEAD.fullmatch(line).groups() if LEAD.fullmatch(line) else ("", line)
        text = with_citations(rest, review.bibliography.cite)
        rows.append((str(number), f"**{lead}**" if lead else "", text))
    leads = " ".join(f"{row[1].strip('*')}." for row in rows if row[1])
    return Sheet(
        f"The answer in {in_words(len(rows))} {plural(len(rows), 'line')}", review.item("question"),
        ("", "About", "What the evidence shows"), tuple(rows),
        leads or without_citations(lines[0]), sources=cited(lines),
    )  # fmt: skip


def certainty_sheet(
    review: Review, analyses: Mapping[str, Any], select: Sequence[str] = ()
) -> Sheet | None:
    """How certain each outcome is; of all of them, also their effects and what they mean."""
    table = summary_of_findings(review, analyses)
    if table.empty:
        return None
    if select:
        table = table.set_index(certainty_table(review, analyses)["outcome"]).loc[list(select)]
    shown = pd.DataFrame({
        "outcome": table["outcome"],
        "people": [f"{trials} ({people})" if trials else "none" for trials, people
                   in zip(table["trials"], table["participants"], strict=True)],
        "effect": table["effect"],
        "certainty": [level_signs(level, FULL, EMPTY) for level in table["certainty"]],
        "meaning": table["meaning"],
    })
    headings = {"outcome": "Outcome", "people": "Trials (people)", "effect": "Effect",
                "certainty": "Certainty", "meaning": "In plain words"}
    if select:
        shown = shown.drop(columns=["effect", "meaning"])
    levels = table["certainty"].value_counts()
    counted = joined(f"{in_words(int(count))} {level}" for level, count in levels.items())
    title = f"Certainty: {counted}"
    judged = review.item("judgements", "Our own judgements").rstrip(".")
    reasons = " ".join(f"{row.outcome}: {row.certainty}{f', {row.why}' if row.why else ''}."
                       for row in table.itertuples(index=False))  # fmt: skip
    keys = (key for cell in table["studies"].dropna() for key in cell.split(";") if key)
    return Sheet(
        title, f"Summary of findings after GRADE, {len(table)} outcomes",
        tuple(headings[name] for name in shown),
        tuple(map(tuple, readable(shown).to_numpy())), f"{title}.", reasons,
        f"{judged}. Two trials are shown one by one, not pooled.", tuple(dict.fromkeys(keys)),
    )  # fmt: skip


def harms_sheet(
    review: Review, analyses: Mapping[str, Any], select: Sequence[str] = ()
) -> Sheet | None:
    """Harms that were reported for both arms."""
    table = review.table("harms")
    if table.empty or HARM_COLUMNS - set(table.columns):
        return None
    counts = harms.counted_text(review, controlled=True).dropna(subset="intervention")
    shares = harms.uncounted(review).dropna(subset=["intervention_pct", "control_pct"])
    shares = shares.assign(
        intervention=[f"{share:g} % (no counts)" for share in shares["intervention_pct"]],
        control=[f"{share:g} % (no counts)" for share in shares["control_pct"]],
    )
    shown = pd.concat([counts, shares])[
        ["event", "study", "intervention", "control", "verification"]
    ]
    if shown.empty:
        return None
    shown["event"] = shown["event"].str[:1].str.upper() + shown["event"].str[1:]
    trial = [review.bibliography.cite(study) for study in shown["study"]]
    texts = readable(shown.assign(study=trial))
    texts = texts.replace(r"(?<=[\d(]) (?=to |\d)|(?<=to) ", FIXED_SPACE, regex=True)
    trials = shown["study"].nunique()
    number = in_words(len(shown)).capitalize()
    title = (f"{number} {plural(len(shown), 'harm was', 'harms were')} reported for both arms, in "
             f"{in_words(trials)} {plural(trials, 'trial')}")  # fmt: skip
    return Sheet(
        title, "People with the event of people in the arm: share (95 % interval)",
        ("Harm", "Trial", review.intervention, review.control, "Values"),
        tuple(map(tuple, texts.to_numpy())), f"{title}.",
        "Trials that reported no harm for both arms are not in this table.",
        "Wilson intervals of the shares; nothing is pooled; “values”: how they were read.",
        tuple(dict.fromkeys(table.loc[table["study"].isin(shown["study"]), "source"].dropna())),
    )  # fmt: skip


def verdicts_sheet(
    review: Review, analyses: Mapping[str, Any], select: Sequence[str] = ()
) -> Sheet | None:
    """How many claims got which pair of verdicts."""
    wanted = ("citation_verdict", "evidence_verdict")
    if CLAIM_COLUMNS - set(review.table("claims").columns):
        return None
    if not all(audit.words(review, column) for column in wanted):
        return None
    counts = audit.cross(review, *wanted)
    keep = [name for name in counts.columns if name == "total" or counts[name].iloc[-1]]
    counts = counts.loc[counts["total"] > 0, keep]
    headings = ("Citation says so?", *(name.replace("_", " ") for name in keep))
    rows = tuple(
        (f"**{str(name).replace('_', ' ')}**", *(str(value) for value in row))
        for name, row in zip(counts.index, counts.to_numpy(), strict=True)
    )
    total = counts.loc["total", "total"]
    supported = counts.loc["total", "supported"] if "supported" in counts else 0
    cited_well = counts.loc["supported", "total"] if "supported" in counts.index else 0
    title = (f"{in_words(int(cited_well)).capitalize()} of {total} claims are fully supported by "
             f"their citation, {in_words(int(supported))} by evidence")  # fmt: skip
    return Sheet(
        title, "Rows: does the cited source say so? Columns: what does the best evidence say?",
        headings, rows, f"{title}.",
        "The two are counted apart, for a claim can be true and ill cited.",
        "Two separate verdicts on each claim, single assessment, never merged into one.",
    )  # fmt: skip


def limits_sheet(
    review: Review, analyses: Mapping[str, Any], select: Sequence[str] = ()
) -> Sheet:
    """What a listener must know before relying on the slides."""
    rows = [(f"**{title}**", review.item(item)) for item, title in LIMITS.items()
            if review.item(item)]  # fmt: skip
    state = census(review)
    unread = (f"{state.level.unverified} of {state.total_values} tabulated rows are unverified; "
              "they are shown, marked and never pooled.")  # fmt: skip
    if state.unverified_fields:
        unread += (f" {state.unverified_fields} "
                   f"{plural(state.unverified_fields, 'reference has', 'references have')} "
                   "a field that nobody has checked.")  # fmt: skip
    rows.append(("**Unverified values**", unread))
    rows.append(("**Use**", "A description of evidence, not advice on treating a person."))
    return Sheet("Limits", "What this evidence review rests on, and what it cannot say",
                 ("About", "Limit"), tuple(rows), unread)  # fmt: skip


SHEETS: dict[str, Callable[..., Sheet | None]] = {
    "answer": answer_sheet, "certainty": certainty_sheet, "harms": harms_sheet,
    "verdicts": verdicts_sheet, "limits": limits_sheet,
}  # fmt: skip
