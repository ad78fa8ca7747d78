"""Landscape: every primary study by year and condition."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evidence.figures import page
from evidence.figures.figure import Content, Spec, figure_kind
from evidence.review import DESIGNS, NoDataError, Review, design, people, primary_studies

POINTS_PER_PERSON = 1.9  # largest area in square points
SMALLEST, REPORT = 36.0, 60.0  # area of the smallest mark, of a further report
SPREAD = 1.25  # a diamond is wider than the root of its area
LARGEST = 0.92  # size of the largest mark in rows
KEY_PEOPLE = (100, 1000)
PER_YEAR = 0.24  # inches, about
RECENT, PACE = 20, 4  # years drawn at full width; earlier ones are this many times closer
FILLS = {  # what a mark is filled with: words of the legend
    "placebo": "Placebo-controlled, randomised",
    "waiting": "The same, no results",
    "not_randomised": "Placebo, not randomised",
    "further": "Further report, same people",
    "none": "No placebo",
}
NO_RESULTS = ("ongoing", "protocol", "terminated", "completed_unpublished")


def landscape_table(review: Review) -> pd.DataFrame:
    """Primary studies with what the landscape shows of each.

    Returns
    -------
    DataFrame
        Columns study, label, year, group, design, n (people, Int64, empty when unknown),
        placebo_controlled, randomised, has_results, cited_as, fill (one of `FILLS`).
    """
    studies = primary_studies(review.table("studies")).reset_index(drop=True)
    mapping = review.labels("condition_groups", "condition", "condition_group")
    years = [review.bibliography[key].year for key in studies["study"]]
    status = studies.get("status", pd.Series("published", studies.index))
    count = people(studies)
    if "n_planned" in studies:
        count = count.where(count.notna(), studies["n_planned"])
    placebo, randomised = (
        studies.get(name, pd.Series(False, studies.index)).fillna(False).astype(bool)
        for name in ("placebo_controlled", "randomised")
    )
    has_results = ~status.isin(NO_RESULTS)
    further = studies.get("participants_of", pd.Series(pd.NA, studies.index)).notna()
    return pd.DataFrame({
        "study": studies["study"],
        "label": [review.bibliography.cite(key) for key in studies["study"]],
        "year": pd.array([int(y) if y else None for y in years], dtype="Int64"),
        "group": [mapping.get(c, c) for c in studies["condition"]],
        "design": studies["design"],
        "n": count,
        "placebo_controlled": placebo,
        "randomised": randomised,
        "has_results": has_results,
        "cited_as": studies.get("cited_as", pd.Series(pd.NA, studies.index)),
        "fill": np.select(
            [further, ~placebo, ~has_results, ~randomised],
            ["further", "none", "waiting", "not_randomised"], "placebo",
        ),
    })


def landscape(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw studies as marks: area by people, shape by design, filled with a placebo.

    Parameters
    ----------
    table : DataFrame
        As `landscape_table` returns it.
    ax : Axes

    Returns
    -------
    Axes
    """
    shown = table.dropna(subset=["year"]).sort_values("n", ascending=False, na_position="last")
    order = shown.groupby("group")["placebo_controlled"].agg(["sum", "count"])
    order = order.sort_values(["sum", "count"]).index.tolist()
    for row in range(len(order)):
        if row % 2:
            ax.axhspan(row - 0.5, row + 0.5, color="#F4F4F4", lw=0)
    ax.set_ylim(-0.6, len(order) - 0.4)
    row = _row_height(ax)
    areas = _areas(shown, people_scale(table, row))
    places = _places(shown, order, areas, row / 72)
    for (_, study), (x, y), area in zip(shown.iterrows(), places, areas, strict=True):
        _mark(ax, x, y, area, design(study["design"]).marker, study["fill"],
              study["placebo_controlled"])
        if pd.notna(study["cited_as"]):
            ax.annotate(
                f"[{study['cited_as']}]", (x, y), xytext=(0, 16), textcoords="offset points",
                ha="center", va="bottom", color=page.ACCENT, weight="bold", size=14,
                arrowprops={"arrowstyle": "-", "color": page.ACCENT, "lw": 1.2},
                zorder=5,
            )
    ax.set_yticks(range(len(order)), [textwrap.fill(group, 19) for group in order])
    for label in ax.get_yticklabels():
        label.set_linespacing(page.spacing(label.get_text(), 0.92))
    _year_axis(ax, int(shown["year"].min()), int(shown["year"].max()))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    return ax


def _row_height(ax: Axes) -> float:
    """Height of a row in points."""
    return 72 * ax.get_window_extent().height / ax.figure.dpi / abs(np.diff(ax.get_ylim()).item())


def _year_axis(ax: Axes, first: int, last: int) -> None:
    """Years at full width for the last decades, closer together before."""
    turn = max(first, last - RECENT)
    known = [first - 100, turn, last + 100]
    placed = [turn - (turn - first + 100) / PACE, turn, last + 100]
    ax.set_xscale("function", functions=(
        lambda x: np.interp(x, known, placed), lambda x: np.interp(x, placed, known),
    ))
    ticks = [year for year in range(first // 5 * 5, last + 1, 5) if year >= turn]
    ax.set_xticks([first, *ticks] if turn > first else ticks)
    ax.minorticks_off()
    ax.set_xlim(first - (PACE if turn > first else 1), last + 1.2)
    closer = f" ({first} to {turn}: closer together)" if turn > first else ""
    ax.set_xlabel(f"Year published or registered{closer}")


def _mark(ax: Axes, x: float, y: float, area: float, marker: str, fill: str,
          with_placebo: bool) -> None:
    """A study: full only as a randomised placebo-controlled trial with results, dotted without
    results, with a point inside as a further report."""
    colour = page.BLUE if with_placebo else page.GREY
    ax.scatter(x, y, s=area, marker=marker, linewidths=1.2, alpha=0.9, zorder=3, edgecolor=colour,
               facecolor=colour if fill == "placebo" else "white",
               linestyle=":" if fill == "waiting" else "-")
    if fill == "further":
        ax.plot(x, y, ".", color=colour, ms=4.5, mew=0, zorder=4)


def people_scale(table: pd.DataFrame, row: float) -> float:
    """Square points per person, so that the largest mark stays within a row of `row` points."""
    most = table["n"].max()
    whole = (LARGEST * row) ** 2
    return POINTS_PER_PERSON if pd.isna(most) else min(POINTS_PER_PERSON, whole / max(most, 1))


def _areas(shown: pd.DataFrame, per_person: float) -> list[float]:
    return [
        REPORT if fill == "further" else SMALLEST if pd.isna(n)
        else max(SMALLEST, per_person * float(n))
        for n, fill in zip(shown["n"], shown["fill"], strict=True)
    ]


def _places(
    shown: pd.DataFrame, order: list[str], areas: list[float], row: float
) -> list[tuple[float, float]]:
    """Year and row of each mark; marks of the same cell are spread so that none hides another."""
    places: dict[Any, tuple[float, float]] = {}
    sizes = pd.Series(SPREAD * np.sqrt(areas) / 72, index=shown.index)  # inches
    for group, block in shown.groupby("group"):
        taken: list[tuple[float, float, float]] = []
        largest_first = sizes[block.index].sort_values(ascending=False, kind="stable")
        for index, size in largest_first.items():
            x, y = float(shown["year"][index]), float(order.index(group))
            places[index] = _free(x, y, size, taken, row)
            taken.append((*places[index], size))
    return [places[index] for index in shown.index]


def _free(
    x: float, y: float, size: float, taken: list[tuple[float, float, float]], row: float
) -> tuple[float, float]:
    """The nearest free place within the row, at most a year or so away."""
    highest = max(0.0, 0.5 - size / row / 2)
    for distance in np.arange(0, 1.6, 0.08):
        for angle in np.linspace(0, 2 * np.pi, 16, endpoint=False):
            dx, dy = distance * np.cos(angle) * 0.8, distance * np.sin(angle) * 0.5
            if abs(dy) > highest:
                continue
            gaps = (
                np.hypot((x + dx - a) * PER_YEAR, (y + dy - b) * row) - (size + s) / 2
                for a, b, s in taken
            )
            if all(gap > -0.02 for gap in gaps):
                return x + dx, y + dy
    return x, y


@figure_kind(
    "landscape", tables=("studies",),
    columns={
        "studies": "study design condition",
    },
)
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """The landscape of a review; `spec` selects nothing, all primary studies are shown."""
    table = landscape_table(review)
    if table["year"].isna().all():
        raise NoDataError("no primary study has a year in references.bib")
    studies = review.table("studies")
    if "cited_as" not in studies:
        studies["cited_as"] = pd.NA
    listed = studies[~studies["study"].isin(table["study"])]
    cited = studies[studies["cited_as"].notna()]
    names = {row["cited_as"]: review.bibliography.cite(row["study"]) for _, row in cited.iterrows()}
    reviews = set(listed["study"])
    drawn, others = (
        [f"[{row['cited_as']}]" + f" {names[row['cited_as']]}" * is_drawn
         for _, row in cited.sort_values("cited_as").iterrows()
         if (row["study"] not in reviews) is is_drawn]
        for is_drawn in (True, False)
    )
    placebo = table[table["fill"] == "placebo"]
    facts = {
        "n_studies": len(table), "n_placebo": len(placebo), "n_listed": len(listed),
        "n_cited": len(cited), "n_cited_reviews": int(cited["study"].isin(reviews).sum()),
        "n_cited_placebo": int(placebo["cited_as"].notna().sum()),
        "people_placebo": int(placebo["n"].sum()),
        "n_waiting": int((~table["has_results"]).sum()),
        "largest": placebo.sort_values("n", na_position="first").iloc[-1]["label"]
        if len(placebo) else "",
    }

    def draw(figure: Figure) -> Axes:
        left, bottom, width, height = page.BODY
        ax = figure.add_axes((left + 0.15, bottom + 0.045, width - 0.45, height - 0.075))
        landscape(table, ax)
        _legend(figure, table, people_scale(table, _row_height(ax)), drawn, others)
        return ax

    summary = (
        f"{len(table)} primary studies, {len(placebo)} of them placebo-controlled with results; "
        f"{facts['n_waiting']} without results."
    )
    method = "Area shows people analysed, else randomised or planned; participants shared " \
             "between papers are counted once"
    return Content(facts, table, method, summary, "Bubble chart", tuple(cited["study"]),
                   ("studies", "condition_groups"), draw)


def _legend(figure: Figure, table: pd.DataFrame, per_person: float, drawn: list[str],
            others: list[str]) -> None:
    x, y = 0.699, 0.81
    low = page.BODY[1]
    ax = figure.add_axes((x, low, page.RIGHT - x, y - low), xlim=(x, page.RIGHT), ylim=(low, y))
    ax.set_axis_off()

    def head(text: str, y: float) -> float:
        return page.write(figure, x, y, text, size=14, weight="bold") - 0.006

    def key(y: float, text: str, marker: str, fill: str) -> float:
        with_placebo = fill != "none"
        _mark(ax, x + 0.012, y - 0.014, 100, marker, fill, with_placebo)
        return page.write(figure, x + 0.03, y, text, size=14, lines=1) - 0.003

    y = head("Shape: design", y)
    present = set(table["design"])
    for code in [code for code in DESIGNS if code in present and code != "protocol"]:
        words = DESIGNS[code].short.capitalize()
        y = key(y, words, DESIGNS[code].marker, "none")
    y = head("Fill: comparison", y - 0.008)
    always = ("placebo", "waiting", "none")
    for fill in [name for name in FILLS if name in always or (table["fill"] == name).any()]:
        y = key(y, FILLS[fill], "o" if fill == "none" else "s", fill)
    y = head("Area: people", y - 0.008)
    y = _size_key(ax, x, y, per_person)
    if drawn or others:
        y = head("Cited sources", y - 0.008)
        for label in drawn:
            y = page.write(figure, x, y, label, size=14, color=page.ACCENT) - 0.003
        if others:
            words = f"{' '.join(others)}: not primary studies"
            page.write(figure, x, y, words, size=14, color=page.GREY)


def _size_key(ax: Axes, x: float, y: float, per_person: float) -> float:
    """Circles for the smallest mark and for some numbers of people, side by side."""
    width, height = (size * 72 for size in ax.figure.get_size_inches())
    least = int(SMALLEST / per_person)
    sizes = [(SMALLEST, f"≤ {least}"), *((n * per_person, f"{n:,}") for n in KEY_PEOPLE)]
    tallest = max(area for area, _ in sizes) ** 0.5 / height
    for area, words in sizes:
        diameter = area**0.5
        _mark(ax, x + (diameter / 2 + 2) / width, y - tallest / 2, area, "o", "none", False)
        x += (diameter + 7) / width
        ax.text(x, y - tallest / 2, words, size=14, va="center_baseline")
        x += page.text_width(ax.figure, words, 14) + 0.018
    return y - tallest - 0.004
