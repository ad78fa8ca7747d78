"""Claims audit: all claims by what the best evidence says, and some of them in words.

Both verdicts of a claim stand beside its words as chips: what its source says, and what the best
evidence says. They are never merged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

from evidence.chapters.claims import audit
from evidence.figures import Content, Spec, figure_kind, marks, page
from evidence.review import Review

BAR, CHIP, CHIPS = 0.62, 0.36, 2.5  # inches: height of the bar and of a chip, width of a chip
LINE = 1.12  # of a text, in font sizes
WHITE = "white"
LOOKS = {  # ground and ink of a verdict
    "supported": (page.MESSAGE, WHITE),
    "supported_with_caveat": ("#A9CCE3", page.BLACK), "limited": ("#A9CCE3", page.BLACK),
    "mixed": ("#D2D2D2", page.BLACK),
    "overgeneralised": (page.VERMILION, page.BLACK), "not_supported": (page.VERMILION, page.BLACK),
    "contradicted": (page.VERMILION, page.BLACK),
}
UNKNOWN = (WHITE, page.INK)  # not verifiable, untested: an empty box


def bar(counts: pd.Series, ax: Axes, width: float, y: float) -> float:
    """Draw one stacked bar below `y`, each part with its number, its word below; return the bottom.

    Parameters
    ----------
    counts : Series
        Number of claims by verdict, in the order of the bar.
    ax : Axes
        Its unit is the inch.
    width, y : float
        Length of the bar and its upper edge in inches.
    """
    total, x, last = counts.sum(), 0.0, -1.0
    em = page.TICKS / 72
    low = y - BAR
    for verdict, count in counts.items():
        long = width * count / total
        ground, ink = LOOKS.get(verdict, UNKNOWN)
        ax.add_patch(Rectangle((x, low), long, BAR, facecolor=ground, lw=1.2,
                               edgecolor=page.INK if ground == WHITE else WHITE))
        ax.text(x + long / 2, low + BAR / 2, f"{count:.0f}", size=24, weight="bold", color=ink,
                ha="center", va="center_baseline")
        words = _words(verdict)
        start = max(x, last + 0.3)
        ax.text(start, low - 0.12, words, size=page.TICKS, va="top")
        x, last = x + long, start + page.inches(words, page.TICKS)
    return low - 0.12 - LINE * em


def examples(table: pd.DataFrame, ax: Axes, width: float, top: float) -> Axes:
    """Draw claims in words with their two verdicts, from `top` down to the lower edge."""
    places = width - 2 * CHIPS - 0.15, width - CHIPS
    for x, words in zip(places, ("Its source says", "Best evidence says"), strict=True):
        ax.text(x + CHIPS / 2, top, words, size=page.TICKS, weight="bold", va="top", ha="center")
    top -= LINE * page.TICKS / 72 + 0.1
    pitch = top / max(len(table), 1)
    size = min(page.TEXT, 72 * pitch / (2 * LINE + 0.2))
    for number, row in enumerate(table.to_dict("records")):
        y = top - (number + 0.5) * pitch
        ax.plot([0, width], [y + pitch / 2] * 2, color=page.PALE, lw=0.8)
        lines = page.broken(row["claim"], places[0] - 0.25, size)
        text = "\n".join(lines)
        with marks.named(row["claim"], ax):
            ax.text(0, y, text, size=size, va="center", linespacing=page.spacing(text, 1.05))
            for x, kind in zip(places, ("citation", "evidence"), strict=True):
                chip(ax, x, y, row[f"{kind}_verdict"])
    return ax


def chip(ax: Axes, x: float, y: float, verdict: str) -> None:
    """A verdict as a word on its ground, left edge at `x`, middle at `y`, in inches."""
    ground, ink = LOOKS.get(verdict, UNKNOWN)
    ax.add_patch(FancyBboxPatch(
        (x, y - CHIP / 2), CHIPS, CHIP, boxstyle="round,pad=0,rounding_size=0.08", lw=1.2,
        facecolor=ground, edgecolor=page.INK if ground == WHITE else ground,
    ))
    ax.text(x + CHIPS / 2, y, _words(verdict), size=page.TICKS, color=ink, ha="center",
            va="center_baseline")


def _words(verdict: str) -> str:
    return str(verdict).replace("_", " ")


@figure_kind(
    "claims_audit", tables=("claims",),
    columns={
        "claim_remarks": "claim_id remark",
        "claims": "claim_id position claim_type cited_key citation_verdict evidence_verdict",
    },
)
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """The audit of every claim; `spec` selects those that stand there in words."""
    table = audit.audit(review)
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
        "important": [f"claim {number}" for number in table.loc[table["important"], "position"]],
        "n_contradicted": int((citation == "contradicted").sum()),
    }

    told = table.set_index("claim_id", drop=False).loc[list(spec.select)]
    order = audit.words(review, "evidence_verdict")

    def draw(figure: Figure) -> Axes:
        ax = page.body(figure)
        width, height = page.in_inches(ax)
        end = bar(table["evidence_verdict"].value_counts().reindex(order).dropna(), ax, width,
                  height)
        examples(told, ax, width, end - 0.3)
        return ax

    summary = (
        f"{len(table)} claims. Citation verdicts: {_listing(citation)}. "
        f"Evidence verdicts: {_listing(table['evidence_verdict'])}. "
        f"{len(facts['important'])} warnings are supported by the evidence although their "
        f"citation is missing or falls short: {', '.join(facts['important']) or 'none'}."
    )
    sources = table["cited_key"].dropna().value_counts().index
    return Content(facts, table, "Two separate verdicts on each claim, single assessment, never "
                   "merged into one", summary, "Stacked bar with examples",
                   tuple(sources), ("claims",), draw)


def _listing(verdicts: pd.Series) -> str:
    counts = verdicts.value_counts()
    return ", ".join(f"{_words(verdict)} {count}" for verdict, count in counts.items())
