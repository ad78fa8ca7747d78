"""Claims audit: two marks for each claim in the order of the text, and the cross-table of them.

The left mark is the citation verdict, the right one the evidence verdict. Each verdict has its own
shape, letter and colour; what nobody could verify or test is an empty dashed shape with a question
mark.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from evidence.chapters.claims import audit
from evidence.figures import Content, Spec, figure_kind, page
from evidence.review import Review

WIDTH, HEIGHT = 13.333 * page.BODY[2], 7.5 * page.BODY[3]  # inches of the body
PER_ROW = 7
CELL, ROW, HEADING, COLUMN = 1.105, 0.49, 0.37, 0.315  # inches
MARKS_AT = (0.575, 0.865)  # inches from the left end of a claim
PANEL = PER_ROW * CELL + 0.03
SIZE = 14  # points


@dataclass(frozen=True, slots=True)
class Mark:
    """How a verdict is drawn."""

    letter: str
    marker: str
    colour: str
    ink: str = "white"


UNKNOWN = Mark("?", "H", "white", page.INK)
MARKS = {
    "supported": Mark("S", "o", page.BLUE),
    "supported_with_caveat": Mark("C", "s", page.SKY, page.BLACK),
    "limited": Mark("L", "s", page.SKY, page.BLACK),
    "mixed": Mark("M", "D", page.ORANGE, page.BLACK),
    "overgeneralised": Mark("O", "p", page.VERMILION, page.BLACK),
    "not_supported": Mark("N", "8", page.VERMILION, page.BLACK),
    "contradicted": Mark("X", "8", page.VERMILION, page.BLACK),
    "not_verifiable": UNKNOWN,
    "untested": UNKNOWN,
}


def mark(ax: Axes, x: float, y: float, verdict: str) -> None:
    """Draw the mark of a verdict at (x, y), in inches; an unknown word counts as unknown."""
    shape = MARKS.get(verdict, UNKNOWN)
    hollow = shape is UNKNOWN
    area = {"D": 210, "s": 290, "p": 420}.get(shape.marker, 360)
    ax.scatter(x, y, s=area, marker=shape.marker, facecolor=shape.colour, zorder=3,
               edgecolor=page.INK if hollow else shape.colour,
               linewidth=1.4 if hollow else 0.5, linestyle=(0, (2, 1.2)) if hollow else "-")
    ax.text(x, y - 0.01, shape.letter, size=SIZE, weight="bold", ha="center",
            va="center_baseline", color=shape.ink, zorder=4)


def grid(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw claims section by section, each with its two marks.

    Parameters
    ----------
    table : DataFrame
        As `evidence.chapters.claims.audit.audit` returns it.
    ax : Axes
        Its unit is the inch; drawing begins at its top.
    """
    y = HEIGHT
    for section, rows in table.groupby("section", sort=False):
        name = str(section).replace("_", " ").capitalize()
        ax.text(0, y - 0.17, f"{name}: {len(rows)} claims", size=SIZE, weight="bold", va="center")
        y -= HEADING
        for place, (_, row) in enumerate(rows.iterrows()):
            line, column = divmod(place, PER_ROW)
            claim(ax, column * CELL, y - line * ROW - ROW / 2, row)
        y -= -(-len(rows) // PER_ROW) * ROW
    return ax


def claim(ax: Axes, x: float, y: float, row: pd.Series) -> None:
    """Draw one claim: its id and its two marks, framed when it matters for safety."""
    if row["important"]:
        _frame(ax, x, y)
    ax.text(x, y, row["claim_id"], size=SIZE, va="center",
            color=page.GREY if row["uncited"] else page.INK,
            style="italic" if row["uncited"] else "normal",
            weight="bold" if row["important"] else "normal")
    for shift, kind in zip(MARKS_AT, ("citation", "evidence"), strict=True):
        mark(ax, x + shift, y, row[f"{kind}_verdict"])


def _frame(ax: Axes, x: float, y: float, width: float = CELL - 0.04) -> None:
    ax.add_patch(FancyBboxPatch(
        (x - 0.03, y - 0.2), width, 0.4, boxstyle="round,pad=0.01", clip_on=False, zorder=1,
        facecolor="#FFF4D6", edgecolor=page.ACCENT, linewidth=2,
    ))


def cross_table(counts: pd.DataFrame, ax: Axes, y: float) -> float:
    """Draw the cross-table of the two verdicts below `y`; return where it ends (inches).

    Parameters
    ----------
    counts : DataFrame
        As `audit.cross` returns it, citation verdicts in rows; rows without a claim are
        left out.
    """
    counts = counts[counts["total"] > 0]
    places = {
        verdict: WIDTH - 0.15 - COLUMN * (len(counts.columns) - 1 - number)
        for number, verdict in enumerate(counts.columns)
    }
    for verdict, x in places.items():
        if verdict == "total":
            ax.text(x, y, "all", size=SIZE, ha="center", va="center")
        else:
            mark(ax, x, y, verdict)
    ax.plot([PANEL, WIDTH], [y - 0.21] * 2, color=page.INK, lw=1)
    for verdict, row in counts.iterrows():
        y -= 0.39
        if verdict == "total":
            ax.plot([PANEL, WIDTH], [y + 0.2] * 2, color=page.INK, lw=1)
            ax.text(PANEL + 0.31, y, "all", size=SIZE, va="center")
        else:
            mark(ax, PANEL + 0.13, y, verdict)
            ax.text(PANEL + 0.31, y, _words(verdict), size=SIZE, va="center")
        for column, x in places.items():
            ax.text(x, y, str(row[column]), size=SIZE + 1, ha="center", va="center",
                    weight="bold" if "total" not in (verdict, column) and row[column] else "normal",
                    color=page.INK if row[column] else page.GREY)
    return y - 0.25


def _words(verdict: str) -> str:
    return str(verdict).replace("_", " ")


def _key(ax: Axes, y: float, evidence: list[str], table: pd.DataFrame) -> None:
    """The words of the evidence verdicts in two columns, then frame and italics where used."""
    ax.text(PANEL, y, "Columns:", size=SIZE, va="center")
    y -= 0.34
    for place, verdict in enumerate(evidence):
        column, line = place % 2, place // 2
        x = PANEL + 0.13 + column * 2.2
        mark(ax, x, y - line * 0.36, verdict)
        ax.text(x + 0.22, y - line * 0.36, _words(verdict), size=SIZE, va="center")
    y -= -(-len(evidence) // 2) * 0.36 + 0.05
    for claim_id in table.loc[table["important"], "claim_id"][:1]:
        _frame(ax, PANEL + 0.04, y - 0.08, 0.52)
        ax.text(PANEL + 0.08, y - 0.08, claim_id, size=SIZE, va="center", weight="bold")
        ax.text(PANEL + 0.68, y - 0.08, "warning: the evidence supports it,\n"
                "its citation is missing or falls short", size=SIZE, va="center", linespacing=1.05)
    for claim_id in table.loc[table["uncited"], "claim_id"][:1]:
        ax.text(PANEL + 0.08, y - 0.54, claim_id, size=SIZE, va="center", color=page.GREY,
                style="italic")
        ax.text(PANEL + 0.68, y - 0.54, "grey italics: no source is cited", size=SIZE, va="center")


@figure_kind(
    "claims_audit", tables=("claims",),
    columns={
        "claim_remarks": "claim_id remark",
        "claims": "claim_id position claim_type cited_key citation_verdict evidence_verdict",
    },
)
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """The audit of every claim; `spec` selects nothing."""
    table = audit.audit(review)
    counts = audit.cross(review, "citation_verdict", "evidence_verdict")
    evidence = audit.words(review, "evidence_verdict")
    citation = table["citation_verdict"]
    facts = {
        "n_claims": len(table),
        "n_citation_supported": int((citation == "supported").sum()),
        "n_evidence_supported": int((table["evidence_verdict"] == "supported").sum()),
        "n_both": int(((citation == "supported")
                       & (table["evidence_verdict"] == "supported")).sum()),
        "n_not_verifiable": int((citation == "not_verifiable").sum()),
        "n_untested": int((table["evidence_verdict"] == "untested").sum()),
        "n_uncited": int(table["uncited"].sum()),
        "n_important": int(table["important"].sum()),
        "supported_types": table.loc[table["evidence_verdict"] == "supported", "claim_type"]
        .value_counts().to_dict(),
        "important": list(table.loc[table["important"], "claim_id"]),
        "n_contradicted": int((citation == "contradicted").sum()),
    }

    def draw(figure: Figure) -> Axes:
        ax = page.body(figure)
        ax.set(xlim=(0, WIDTH), ylim=(0, HEIGHT))
        ax.set_axis_off()
        grid(table, ax)
        ax.text(PANEL, HEIGHT - 0.17, "Left mark, rows: does the source say so?", size=SIZE,
                weight="bold", va="center")
        ax.text(PANEL, HEIGHT - 0.47, "Right mark, columns: the best evidence", size=SIZE,
                weight="bold", va="center")
        end = cross_table(counts, ax, HEIGHT - 0.86)
        _key(ax, end - 0.08, evidence, table)
        return ax

    summary = (
        f"{len(table)} claims. Citation verdicts: {_listing(citation)}. "
        f"Evidence verdicts: {_listing(table['evidence_verdict'])}. "
        f"{len(facts['important'])} warnings are supported by the evidence although their "
        f"citation is missing or falls short: {', '.join(facts['important']) or 'none'}."
    )
    sources = table["cited_key"].dropna().value_counts().index
    return Content(facts, table, "Two separate verdicts on each claim, single assessment, never "
                   "merged into one", summary, "Grid of claims with a cross-table",
                   tuple(sources), ("claims",), draw)


def _listing(verdicts: pd.Series) -> str:
    counts = verdicts.value_counts()
    return ", ".join(f"{_words(verdict)} {count}" for verdict, count in counts.items())
