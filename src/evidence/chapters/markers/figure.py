"""Markers: every marker measured in people by study and kind, controlled studies first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from evidence.chapters.markers import counts as markers
from evidence.chapters.mechanism import markers as markers_module
from evidence.figures import Content, Spec, figure_kind, page
from evidence.review import LABORATORY, Review
from evidence.wording import in_words

MARKS = {  # finding: words, marker, colour, filled
    "decrease": ("lower", "v", page.BLUE, True),
    "increase": ("higher", "^", page.VERMILION, True),
    "no_change": ("unchanged", "s", page.INK, True),
    "open": ("direction open", "D", page.PURPLE, False),
    "no_result": ("planned or measured, no result found", "o", page.GREY, False),
}
LETTERS = {
    "rct_parallel": ("P", "parallel"), "rct_crossover": ("X", "crossover"),
    "protocol": ("T", "trial protocol"), "single_blind_fixed_order": ("F", "fixed order"),
    "single_arm": ("A", "one arm"), "retrospective": ("R", "retrospective"),
    "register_before_after": ("G", "register"), "case_report": ("C", "case report"),
}
TEXT = 14
ROW = 0.222  # inches
CELL = 0.57  # inches
TITLE, HEAD = 0.24, 0.70  # inches: title of a block, headings of its columns
LONGEST = 16  # letters of a name
COUNTED = "First two columns"  # the kinds that `LABORATORY` holds
KIND_WIDTHS = {"Tissue": 0.63, "Opioid": 0.68}


def markers_grid(table: pd.DataFrame, names: Mapping[str, str], ax: Axes, label: float) -> Axes:
    """Draw one row per study and one column per kind on axes whose units are inches.

    Parameters
    ----------
    table : DataFrame
        As `evidence.chapters.markers.counts.grid` returns it, top study first.
    names : mapping of str to str
        Label of each study.
    ax : Axes
        Its origin is the upper left corner; y grows downwards.
    label : float
        Width of the labels in inches.
    """
    left = {}
    x = label
    for kind in markers.KINDS:
        width = KIND_WIDTHS.get(kind, CELL)
        left[kind] = (x, width)
        ax.text(x + width / 2, HEAD - 0.05, kind, ha="center", va="bottom", size=TEXT,
                linespacing=page.spacing(kind, 0.95), color=page.GREY)
        x += width
    for number, (study, block) in enumerate(table.groupby("study", sort=False)):
        y = HEAD + (number + 0.5) * ROW
        if number % 2 == 0:
            ax.fill_between([0, x], y - ROW / 2, y + ROW / 2, color="#F1F1F1", lw=0)
        letter = LETTERS.get(block["design"].iloc[0], ("?",))[0]
        ax.text(0.13, y, letter, size=TEXT, weight="bold", ha="center", va="center",
                color=page.ACCENT)
        ax.text(0.3, y, names[study], size=TEXT, va="center")
        for kind, cell in block.groupby("kind", sort=False):
            _cell(ax, *left[kind], y, cell)
    return ax


def _cell(ax: Axes, x: float, width: float, y: float, cell: pd.DataFrame) -> None:
    """One mark per finding, side by side, with the number of entries where it is above one."""
    step = width / (len(cell) + 1)
    for place, (_, row) in enumerate(cell.iterrows(), start=1):
        _, marker, colour, filled = MARKS[row["finding"]]
        many = row["entries"] > 1
        at = x + place * step - (0.08 if many else 0)
        ax.plot(at, y, marker=marker, markersize=9, color=colour, linestyle="none",
                markerfacecolor=colour if filled else "white", markeredgewidth=1.6)
        if many:
            ax.text(at + 0.085, y, str(row["entries"]), size=TEXT, va="center")


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
    readable = laboratory["result_available"].fillna(False).astype(bool)
    controlled = laboratory["controlled"].fillna(False).astype(bool)
    counts = {
        with_control: (int((readable & (controlled == with_control)).sum()),
                       int((controlled == with_control).sum()))
        for with_control in (True, False)
    }
    names = {study: _name(review.bibliography.cite(study)) for study in table["study"].unique()}
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
                                        & entries["controlled"].fillna(False).astype(bool)
                                        & ~entries["result_available"].fillna(False).astype(bool)]),
        "n_tissue": len(tissue), "n_outside": len(outside),
        "outside": [f"{review.bibliography.cite(row['keys'].split(';')[0])}: {row['summary']}"
                    for _, row in outside.iterrows()],
        "outside_words": in_words(len(outside)) if len(outside) else "none",
    }

    notes = [_outside(review, row) for _, row in outside.iterrows()]

    def draw(figure: Figure) -> None:
        _panels(figure, table, names, counts, notes)

    said = table[table["controlled"].astype(bool)].groupby("finding")["entries"].sum()
    free = table[~table["controlled"].astype(bool)].groupby("finding")["entries"].sum()
    summary = " ".join(
        f"{head}: " + ", ".join(f"{counts.get(code, 0)} {MARKS[code][0]}" for code in MARKS) + "."
        for head, counts in (("Entries with a control", said), ("Entries without", free))
    )
    method = ("A mark is one or more entries of the table of markers; numbers count entries, "
              "not people; direction as reported")
    return Content(facts, table, method, summary, "Grid of studies and kinds of marker",
                   tuple(table["study"].unique()),
                   ("biomarkers", "studies", "mechanism_edges", "mechanism_nodes"), draw)


def _cited(review: Review, entries: pd.DataFrame) -> list[str]:
    """Citations of the studies of some entries; "none" without any."""
    studies = dict.fromkeys(entries["study"])
    return [review.bibliography.cite(study) for study in studies] or ["none"]


def _name(citation: str) -> str:
    """First author, cut where very long, and year."""
    author, year = citation.rsplit(" ", 1)
    first = author.removesuffix(" et al.").split(" & ")[0]
    return f"{first if len(first) <= LONGEST else first[:LONGEST].rstrip() + '…'} {year}"


def _outside(review: Review, row: pd.Series) -> str:
    """A finding that has no row in the table of markers, with the kind and year of its source."""
    source = review.bibliography[row["keys"].split(";")[0].strip()]
    spoken = "presentation" in source["journal"].lower()
    kind = "conference talk" if spoken else "document"
    authors = review.bibliography.cite(source.key).rsplit(" ", 1)[0]
    return f"Outside the table: one {kind} of {source.year} ({authors}): {row['summary']}"


def _panels(figure: Figure, table: pd.DataFrame, names: Mapping[str, str],
            counts: Mapping[bool, tuple[int, int]], notes: list[str]) -> None:
    size = figure.get_size_inches()
    grid_width = sum(KIND_WIDTHS.get(kind, CELL) for kind in markers.KINDS)
    x, top = page.LEFT, 0.815
    for controlled, title in ((True, "With a control"), (False, "No control")):
        block = table[table["controlled"].astype(bool) == controlled]
        if block.empty:
            continue
        label = 0.38 + max(
            page.text_width(figure, names[study], TEXT) for study in block["study"]
        ) * size[0]
        width, height = label + grid_width, HEAD + block["study"].nunique() * ROW
        page.write(figure, x, top, title, size=15, weight="bold", lines=1)
        few, many = counts[controlled]
        beside = x + page.text_width(figure, title, 15, "bold") + 0.012
        page.write(figure, beside, top, f"{COUNTED}: {few or 'none'} of {many} readable", size=15,
                   lines=1)
        bottom = top - (TITLE + height) / size[1]
        ax = figure.add_axes((x, bottom, width / size[0], height / size[1]))
        ax.set_xlim(0, width)
        ax.set_ylim(height, 0)
        ax.axis("off")
        markers_grid(block, names, ax, label)
        if controlled:
            y = bottom - 0.02
            for text in notes:
                y = page.write(figure, x, y, text, size=TEXT, lines=4, width=width / size[0],
                               color=page.ACCENT) - 0.01
        x += width / size[0] + 0.03
    _legend(figure, sorted(set(table["design"]), key=markers.DESIGN_ORDER.index))


def _legend(figure: Figure, designs: list[str]) -> None:
    x, y = page.LEFT, 0.158
    for words, marker, colour, filled in MARKS.values():
        figure.add_artist(Line2D([x + 0.006], [y - 0.0155], marker=marker, markersize=9,
                                 color=colour, markerfacecolor=colour if filled else "white",
                                 markeredgewidth=1.6, linestyle="none"))
        page.write(figure, x + 0.018, y, words, size=TEXT, lines=1)
        x += page.text_width(figure, words, TEXT) + 0.04
    text = "Design: " + ", ".join(" ".join(LETTERS[code]) for code in designs)
    page.write(figure, page.LEFT, y - 0.034, text, size=TEXT, lines=1)
