"""Tables on slides: native, editable, divided over as many slides as they need."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pptx.enum.text import MSO_ANCHOR
from pptx.oxml.ns import qn
from pptx.util import Inches, Pt

from evidence.appraisal import census, harms, summary_of_findings
from evidence.chapters.claims import audit
from evidence.figures import page
from evidence.publish.slides.shapes import (
    CELL_PAD,
    FIXED_SPACE,
    LEFT,
    LINE,
    RIGHT,
    SIDES,
    SMALLEST,
    Box,
    add_notes,
    colour,
    describe,
    foot_top,
    head_height,
    lines,
    new_slide,
    text_width,
    write_runs,
)
from evidence.review import CITATION, Review, with_citations, without_citations
from evidence.wording import NUMBER, in_words, joined, plural, readable

PLAIN = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"  # PowerPoint's "No Style, No Grid"
SIZES = (20, 18, 17, 16, 15, SMALLEST)
GAP = 0.1  # inches above the foot
WIDEST_GAP = 0.8  # inches added to a column where there is room


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
    notes : str
        Speaker notes.
    foot : str
        Method and sources.
    sources : tuple of str
        Keys of the references behind it.
    """

    title: str
    subtitle: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: str
    foot: str = ""
    sources: tuple[str, ...] = ()


def add_sheet(show, sheet: Sheet) -> None:
    """Add a table on as few slides as 14 points allow, with text as large as these allow."""
    free = foot_top(sheet.foot) - head_height(f"{sheet.title} (00/00)", sheet.subtitle) - GAP
    layouts = [_layout(sheet, size, free) for size in SIZES]
    fewest = min(len(parts) for *_, parts in layouts)
    size, widths, heights, parts = next(found for found in layouts if len(found[3]) == fewest)
    for number, part in enumerate(parts, 1):
        title = f"{sheet.title} ({number}/{len(parts)})" if len(parts) > 1 else sheet.title
        slide = new_slide(show, title, sheet.subtitle, sheet.foot)
        top = head_height(title, sheet.subtitle)
        rows = [sheet.headings, *(sheet.rows[i] for i in part)]
        _add_table(slide, rows, widths, [heights[0], *(heights[i + 1] for i in part)], size, top,
                   title, sheet)
        add_notes(slide, sheet.notes)


def _layout(sheet: Sheet, size: float, free: float):
    """Size, widths of columns, heights of rows (the heading first) and rows slide by slide."""
    widths = _widths(sheet, size)
    heights = [_height(row, widths, size) for row in (sheet.headings, *sheet.rows)]
    return size, widths, heights, _parts(heights[1:], free - heights[0])


def _parts(heights: Sequence[float], free: float) -> list[list[int]]:
    """Row numbers slide by slide, as even as they can be on the fewest slides."""
    fewest = _split(heights, free)
    for share in np.arange(0.3, 1.0, 0.02):
        parts = _split(heights, share * free)
        if len(parts) == len(fewest) and all(
            sum(heights[number] for number in part) <= free for part in parts
        ):
            return parts
    return fewest


def _split(heights: Sequence[float], free: float) -> list[list[int]]:
    parts: list[list[int]] = [[]]
    used = 0.0
    for number, height in enumerate(heights):
        if parts[-1] and used + height > free:
            parts.append([])
            used = 0.0
        parts[-1].append(number)
        used += height
    return parts


def _widths(sheet: Sheet, size: float) -> list[float]:
    """Columns as wide as their text; those too wide for the slide share what the others leave.

    A column of much text gets more than one of little, in proportion to the root of its length.
    """
    columns = list(zip(sheet.headings, *sheet.rows, strict=True))
    cells = [
        [text_width(_plain(cell), size, number == 0 or "**" in cell) + 2 * CELL_PAD[0] + 0.02
         for number, cell in enumerate(column)]
        for column in columns
    ]  # fmt: skip
    wishes, roots = [max(column) for column in cells], [sum(column) ** 0.5 for column in cells]
    free = RIGHT - LEFT
    if sum(wishes) <= free:
        spare = min((free - sum(wishes)) / len(wishes), WIDEST_GAP)
        return [wish + spare for wish in wishes]
    widths: dict[int, float] = {}
    while True:
        waiting = [place for place in range(len(wishes)) if place not in widths]
        total = sum(roots[place] for place in waiting)
        shares = {place: free * roots[place] / total for place in waiting}
        content = [place for place in waiting if wishes[place] <= shares[place]]
        if not content:
            return [(widths | shares)[place] for place in range(len(wishes))]
        widths |= {place: wishes[place] for place in content}
        free -= sum(wishes[place] for place in content)


def _plain(cell: str) -> str:
    return cell.replace("**", "")


def _height(row: Sequence[str], widths: Sequence[float], size: float) -> float:
    most = max(
        len(lines(_plain(cell), width - 2 * CELL_PAD[0], size, "**" in cell))
        for cell, width in zip(row, widths, strict=True)
    )
    return most * LINE * size / 72 + 2 * CELL_PAD[1]


def _add_table(slide, rows, widths, heights, size, top, title, sheet: Sheet) -> None:
    box = Box(LEFT, top, sum(widths), sum(heights))
    frame = slide.shapes.add_table(len(rows), len(widths), *box.emu)
    describe(frame, "Table", f"Table: {title.rstrip('.')}. {sheet.subtitle}".strip())
    table = frame.table
    style = table._tbl.tblPr
    style.find(qn("a:tableStyleId")).text = PLAIN
    style.set("bandRow", "0")
    for number, width in enumerate(widths):
        table.columns[number].width = Inches(width)
    for number, height in enumerate(heights):
        table.rows[number].height = Inches(height)
    sides = [
        "right" if all(NUMBER.fullmatch(_plain(cell)) for cell in column) else "left"
        for column in zip(*rows[1:], strict=True)
    ]
    for y, row in enumerate(rows):
        for x, text in enumerate(row):
            _fill(table.cell(y, x), text, size, sides[x], is_head=y == 0)


def _fill(cell, text: str, size: float, side: str, is_head: bool) -> None:
    cell.margin_left = cell.margin_right = Inches(CELL_PAD[0])
    cell.margin_top = cell.margin_bottom = Inches(CELL_PAD[1])
    cell.vertical_anchor = MSO_ANCHOR.MIDDLE if is_head else MSO_ANCHOR.TOP
    frame = cell.text_frame
    frame.word_wrap = True
    for number, line in enumerate(text.split("\n")):
        paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
        paragraph.alignment = SIDES[side]
        write_runs(paragraph, line, size, bold=is_head, ink="#FFFFFF" if is_head else page.INK)
    if is_head:
        cell.fill.solid()
        cell.fill.fore_color.rgb = colour(page.BLUE)
    else:
        cell.fill.background()
    _underline(cell)


def _underline(cell) -> None:
    """A thin grey line below a cell."""
    properties = cell._tc.get_or_add_tcPr()
    line = properties.makeelement(qn("a:lnB"), {"w": str(Pt(0.75))})
    fill = line.makeelement(qn("a:solidFill"), {})
    fill.append(fill.makeelement(qn("a:srgbClr"), {"val": page.PALE.removeprefix("#")}))
    line.append(fill)
    properties.insert(0, line)

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
