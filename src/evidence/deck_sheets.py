"""Which tables a deck holds beside the figures: answer, harms, verdicts on claims, limits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from evidence.appraisal import harms
from evidence.appraisal.census import census
from evidence.appraisal.certainty import summary_of_findings
from evidence.chapters.claims import audit
from evidence.deck_shapes import FIXED_SPACE
from evidence.deck_tables import Sheet
from evidence.review.bibliography import CITATION, with_citations, without_citations
from evidence.review.review import Review
from evidence.wording.html import readable
from evidence.wording.prose import in_words, joined, plural

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


def cited(text: str) -> tuple[str, ...]:
    """Keys that a text cites, in order."""
    return tuple(dict.fromkeys(
        key.strip().removeprefix("@")
        for match in CITATION.finditer(text) for key in match[1].split(";")
    ))


def answer_sheet(review: Review, answer: Sequence[str]) -> Sheet:
    """The answer line by line: what it is about, and what was found."""
    rows = []
    for number, line in enumerate(answer, 1):
        lead, rest = LEAD.fullmatch(line).groups() if LEAD.fullmatch(line) else ("", line)
        text = with_citations(rest, review.bibliography.cite)
        rows.append((str(number), f"**{lead}**" if lead else "", text))
    spoken = "\n".join(without_citations(line) for line in answer)
    return Sheet(
        f"The answer in {in_words(len(rows))} {plural(len(rows), 'line')}", review.item("question"),
        ("", "About", "What the evidence shows"), tuple(rows), spoken,
        sources=tuple(dict.fromkeys(key for line in answer for key in cited(line))),
    )  # fmt: skip


def summary_sheets(review: Review, analyses: Mapping[str, Any]) -> Iterator[Sheet]:
    """The summary tables for which the review has data."""
    for sheet in (_findings(review, analyses), _harms(review), _verdicts(review)):
        if sheet is not None:
            yield sheet


def _findings(review: Review, analyses: Mapping[str, Any]) -> Sheet | None:
    table = summary_of_findings(review, analyses)
    if table.empty:
        return None
    people = [
        f"{trials} ({participants})" if trials else "none"
        for trials, participants in zip(table["trials"], table["participants"], strict=True)
    ]
    shown = table[["outcome"]].assign(
        people=people, effect=table["effect"], certainty=table["certainty"],
        meaning=table["meaning"],
    )
    levels = table["certainty"].value_counts()
    counted = joined(f"{in_words(int(count))} {level}" for level, count in levels.items())
    title = f"Certainty of {len(table)} outcomes: {counted}"
    subtitle = "Summary of findings after GRADE"
    judged = review.item("judgements", "Our own judgements").rstrip(".")
    method = f"{judged}. Two trials are shown one by one, not pooled."
    reasons = " ".join(
        f"{row.outcome}: {row.certainty}{f', {row.why}' if row.why else ''}."
        for row in table.itertuples(index=False)
    )
    keys = (key for cell in table["studies"].dropna() for key in cell.split(";") if key)
    return Sheet(
        title, subtitle, ("Outcome", "Trials (people)", "Effect", "Certainty", "In plain words"),
        tuple(map(tuple, readable(shown).to_numpy())),
        f"{title}. {method}\n\nReasons: {reasons}", method, tuple(dict.fromkeys(keys)),
    )  # fmt: skip


def _harms(review: Review) -> Sheet | None:
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
    rows = tuple(map(tuple, texts.to_numpy()))
    trials = shown["study"].nunique()
    number = in_words(len(rows)).capitalize()
    title = (f"{number} {plural(len(rows), 'harm was', 'harms were')} reported for both arms, in "
             f"{in_words(trials)} {plural(trials, 'trial')}")  # fmt: skip
    subtitle = "People with the event of people in the arm: share (95 % interval)"
    method = "Wilson intervals of the shares; nothing is pooled; “values”: how they were read."
    shown_sources = table.loc[table["study"].isin(shown["study"]), "source"].dropna()
    listing = "; ".join(
        f"{row[0]}, {row[1]}: {review.intervention} {row[2]}, {review.control} {row[3]}"
        for row in rows
    )
    return Sheet(
        title, subtitle, ("Harm", "Trial", review.intervention, review.control, "Values"), rows,
        f"{title}. Trials that reported no harm for both arms are not in this table.\n\n"
        f"Rows: {listing}.\n\nMethod: {method}", method, tuple(dict.fromkeys(shown_sources)),
    )  # fmt: skip


def _verdicts(review: Review) -> Sheet | None:
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
    title = (f"Of {total} claims, {in_words(int(cited_well))} are fully supported by their "
             f"citation and {in_words(int(supported))} by the evidence")  # fmt: skip
    subtitle = "Rows: does the cited source say so? Columns: what does the best evidence say?"
    method = "Two separate verdicts on each claim, single assessment, never merged into one."
    notes = f"{title}. The two are counted apart, for a claim can be true and ill cited.\n\n"
    return Sheet(title, subtitle, headings, rows, f"{notes}Method: {method}", method)


def limits_sheet(review: Review) -> Sheet:
    """What a listener must know before relying on the deck."""
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
    notes = "Limits of this review: " + " ".join(f"{a.strip('*')}: {b}" for a, b in rows)
    return Sheet("Limits", "What this evidence review rests on, and what it cannot say",
                 ("About", "Limit"), tuple(rows), notes)  # fmt: skip
