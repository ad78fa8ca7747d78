"""Markers: the two numbers that matter, and all entries by kind, control and readable result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from evidence.chapters.markers import counts as markers
from evidence.chapters.mechanism import markers as markers_module
from evidence.figures import Content, Spec, figure_kind, marks, page
from evidence.review import LABORATORY, Review, is_true
from evidence.wording import in_words

FINDINGS = {
    "decrease": "lower", "increase": "higher", "no_change": "unchanged", "open": "direction open",
    "no_result": "planned or measured, no result found",
}
COLUMNS = (  # controlled, readable: words of the heading
    (True, True, "Controlled, result readable"),
    (True, False, "Controlled, nothing readable"),
    (False, True, "No control, result readable"),
)
GRID, LABEL, HEADING = 0.465, 2.1, 0.9  # left end (share of the page); inches of names and headings
RADIUS = 0.21  # inches of the largest disc
FOCUS = "#E3EFF7"


def counted(table: pd.DataFrame) -> pd.DataFrame:
    """Entries by kind in the order of the kinds, one column for each of `COLUMNS`.

    Parameters
    ----------
    table : DataFrame
        As `evidence.chapters.markers.counts.grid` returns it.
    """
    readable = table["finding"] != "no_result"
    controlled = table["controlled"].astype(bool)
    return pd.DataFrame({
        words: table[(controlled == with_control) & (readable == with_result)]
        .groupby("kind")["entries"].sum()
        for with_control, with_result, words in COLUMNS
    }).reindex([kind for kind in markers.KINDS if kind in set(table["kind"])]).fillna(0).astype(int)


def grid(counts: pd.DataFrame, ax: Axes) -> Axes:
    """Draw the counts as discs with numbers; the first column, results that were set against a
    control, stands on a coloured ground.

    Parameters
    ----------
    counts : DataFrame
        As `counted` returns it.
    ax : Axes
        Its limits become inches.
    """
    width, height = page.in_inches(ax)
    step, pitch = (width - LABEL) / len(counts.columns), (height - HEADING) / len(counts)
    ax.add_patch(Rectangle((LABEL, 0), step, height, facecolor=FOCUS, lw=0, zorder=0))
    most = max(int(counts.to_numpy().max()), 1)
    for number, words in enumerate(counts.columns):
        text = "\n".join(page.evenly(words, step - 0.12, page.TICKS, "bold"))
        ax.text(LABEL + (number + 0.5) * step, height - HEADING + 0.1, text, size=page.TICKS,
                ha="center", va="bottom", linespacing=page.spacing(text, 1.05),
                weight="bold" if number == 0 else "normal")
    for line, (kind, row) in enumerate(counts.iterrows()):
        top = height - HEADING - line * pitch
        ax.plot([0, width], [top, top], color=page.PALE, lw=0.8, zorder=0.5)
        with marks.named(kind, ax):
            ax.text(0, top - pitch / 2, kind, size=page.TEXT, va="center_baseline")
            for number, count in enumerate(row):
                x, y = LABEL + (number + 0.4) * step, top - pitch / 2
                colour = page.MESSAGE if number == 0 else page.CONTEXT
                if count:
                    ax.plot(x, y, "o", ms=144 * RADIUS * np.sqrt(count / most), color=colour)
                ax.text(x + 0.32, y, str(count), size=page.TEXT, va="center_baseline",
                        color=page.INK if count else page.GREY)
    return ax


@figure_kind(
    "markers", tables=("biomarkers",),
    columns={
        "biomarkers": (
            "study marker_class direction p_value p_relation controlled "
            "result_available source"
        ),
        "mechanism_edges": "source target evidence_tier keys summary",
        "mechanism_groups": "node mechanism_group map_column",
        "mechanism_nodes": "node kind",
        "studies": "study design placebo_controlled",
    },
)
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """Every entry of biomarkers.csv; `spec` selects the node of the mechanism map from which
    findings outside that table are looked for."""
    table = markers.grid(review)
    entries = review.table("biomarkers")
    laboratory = entries[entries["marker_class"].isin(LABORATORY)]
    found = markers.placebo_results(review)
    outside = (
        markers_module.unlisted_markers(review, spec.select[0])
        if spec.select and {"mechanism_edges", "mechanism_nodes"} <= set(review.tables)
        else pd.DataFrame()
    )
    readable = is_true(laboratory, "result_available")
    controlled = is_true(laboratory, "controlled")
    counts = counted(table)
    unread = laboratory[controlled & ~readable]
    named = [review.bibliography.cite(study) for study in dict.fromkeys(unread["study"])]
    tissue = markers.placebo_results(review, ("tissue",))
    facts = {
        "n_entries": len(entries), "n_laboratory": len(laboratory), "n_found": len(found),
        "found_words": in_words(len(found)).capitalize() if len(found) else "No",
        "result": "results were" if len(found) > 1 else "result was",
        "was": "were" if len(found) > 1 else "was",
        "n_readable": int(readable.sum()),
        "n_controlled_unread": int((controlled & ~readable).sum()),
        "n_studies": table["study"].nunique(),
        "n_controlled_studies": table.loc[table["controlled"], "study"].nunique(),
        "vague": _cited(review, entries[(entries["marker_class"] == "other")
                                        & is_true(entries, "controlled")
                                        & ~is_true(entries, "result_available")]),
        "n_tissue": len(tissue), "n_outside": len(outside),
        "outside": [f"{review.bibliography.cite(row['keys'].split(';')[0])}: {row['summary']}"
                    for _, row in outside.iterrows()],
        "unread_studies": named,
        "outside_words": in_words(len(outside)) if len(outside) else "none",
    }

    against = [review.bibliography.cite(study) for study in dict.fromkeys(found["study"])]
    notes = [_outside(review, row) for _, row in outside.iterrows()]
    control = review.control

    def draw(figure: Figure) -> Axes:
        x, bottom, width, height = page.BODY
        ax = figure.add_axes((x + GRID, bottom, width - GRID, height))
        grid(counts, ax)
        _numbers(figure, x, bottom + height, GRID - 0.035, facts, control, against, named, notes)
        return ax

    said = table[table["controlled"].astype(bool)].groupby("finding")["entries"].sum()
    free = table[~table["controlled"].astype(bool)].groupby("finding")["entries"].sum()
    summary = " ".join(
        f"{head}: " + ", ".join(f"{said.get(code, 0)} {FINDINGS[code]}" for code in FINDINGS) + "."
        for head, said in (("Entries with a control", said), ("Entries without", free))
    )
    method = "Entries of the table of markers, not people; no result of theirs is pooled"
    return Content(facts, table, method, summary, "Grid of studies and kinds of marker",
                   tuple(table["study"].unique()),
                   ("biomarkers", "studies", "mechanism_edges", "mechanism_nodes"), draw)


def _cited(review: Review, entries: pd.DataFrame) -> list[str]:
    """Citations of the studies of some entries; "none" without any."""
    studies = dict.fromkeys(entries["study"])
    return [review.bibliography.cite(study) for study in studies] or ["none"]


def _outside(review: Review, row: pd.Series) -> str:
    """A finding that has no row in the table of markers, with the kind and year of its source."""
    source = review.bibliography[row["keys"].split(";")[0].strip()]
    spoken = "presentation" in source["journal"].lower()
    kind = "conference talk" if spoken else "document"
    authors = review.bibliography.cite(source.key).rsplit(" ", 1)[0]
    return f"Outside the table: one {kind} of {source.year} ({authors}): {row['summary']}"


def _numbers(figure: Figure, x: float, y: float, width: float, facts: Mapping[str, Any],
             control: str, against: list[str], unread: list[str], notes: list[str]) -> None:
    """The two numbers, large, each with what it counts and the studies behind it."""
    few, many = facts["n_found"], facts["n_readable"]
    named = f": {_listed(against)}" if against else ""
    size = {"size": page.TEXT, "width": width}
    y = page.write(figure, x, y, f"{few} of {many}", size=48, weight="bold", color=page.MESSAGE,
                   lines=1)
    y = page.write(figure, x, y, "readable results for cytokines, CRP, ESR or stool "
                   f"{facts['was']} set against {control}{named}", lines=4, **size) - 0.03
    y = page.write(figure, x, y, f"{facts['n_controlled_unread']}", size=48, weight="bold", lines=1)
    y = page.write(figure, x, y, "more were planned or measured in controlled studies; no result "
                   f"was read: {_listed(unread)}", lines=7, **size) - 0.025
    for text in notes:
        y = page.write(figure, x, y, text, size=page.TICKS, width=width, lines=5,
                       color=page.GREY) - 0.01


def _listed(names: list[str]) -> str:
    return "; ".join(names) or "none"
