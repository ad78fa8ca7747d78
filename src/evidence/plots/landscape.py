"""Landscape: every primary study by year and condition."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from evidence.designs import DESIGNS, design
from evidence.exhibits import Content, Spec
from evidence.facts import people, primary_studies
from evidence.plots import page
from evidence.problems import NoDataError
from evidence.review import Review

POINTS_PER_PERSON = 1.9  # area in square points
SMALLEST = 34.0
RECENT, PACE = 20, 4  # years drawn at full width; earlier ones are this many times closer
NO_RESULTS = ("ongoing", "protocol", "terminated", "completed_unpublished")


def landscape_table(review: Review) -> pd.DataFrame:
    """Primary studies with what the landscape shows of each.

    Returns
    -------
    DataFrame
        Columns study, label, year, group, design, n (people, Int64, empty when unknown),
        placebo_controlled, has_results, cited_as.
    """
    studies = primary_studies(review.table("studies")).reset_index(drop=True)
    mapping = review.labels("condition_groups", "condition", "condition_group")
    years = [review.bibliography[key].year for key in studies["study"]]
    status = studies.get("status", pd.Series("published", studies.index))
    count = people(studies)
    if "n_planned" in studies:
        count = count.where(count.notna(), studies["n_planned"])
    placebo = studies.get("placebo_controlled", pd.Series(False, studies.index))
    return pd.DataFrame({
        "study": studies["study"],
        "label": [review.bibliography.cite(key) for key in studies["study"]],
        "year": pd.array([int(y) if y else None for y in years], dtype="Int64"),
        "group": [mapping.get(c, c) for c in studies["condition"]],
        "design": studies["design"],
        "n": count,
        "placebo_controlled": placebo.fillna(False).astype(bool),
        "randomised": studies.get(
            "randomised", pd.Series(False, studies.index)
        ).fillna(False).astype(bool),
        "has_results": ~status.isin(NO_RESULTS),
        "cited_as": studies.get("cited_as", pd.Series(pd.NA, studies.index)),
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
    places = _places(shown, order)
    for (_, study), (x, y) in zip(shown.iterrows(), places, strict=True):
        marker = design(study["design"]).marker
        colour = page.BLUE if study["placebo_controlled"] else page.GREY
        ax.scatter(
            x, y, s=_area(study["n"]), marker=marker, linewidths=1.4, zorder=3,
            facecolor=colour if study["placebo_controlled"] and study["has_results"] else "white",
            edgecolor=colour, linestyle="-" if study["has_results"] else ":", alpha=0.9,
        )
        if pd.notna(study["cited_as"]):
            ax.annotate(
                f"[{study['cited_as']}]", (x, y), xytext=(0, 16), textcoords="offset points",
                ha="center", va="bottom", color=page.ACCENT, weight="bold", size=14,
                arrowprops={"arrowstyle": "-", "color": page.ACCENT, "lw": 1.2},
                zorder=5,
            )
    ax.set_yticks(range(len(order)), [textwrap.fill(group, 19) for group in order],
                  linespacing=0.92)
    ax.set_ylim(-0.6, len(order) - 0.4)
    _year_axis(ax, int(shown["year"].min()), int(shown["year"].max()))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    return ax


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


def _area(n: Any) -> float:
    return SMALLEST if pd.isna(n) else max(SMALLEST, POINTS_PER_PERSON * float(n))


def _places(shown: pd.DataFrame, order: list[str]) -> list[tuple[float, float]]:
    """Year and row of each mark; marks of the same cell are spread so that none hides another."""
    places: dict[Any, tuple[float, float]] = {}
    for group, block in shown.groupby("group"):
        taken: list[tuple[float, float, float]] = []
        for index, study in block.sort_values("n", ascending=False, na_position="last").iterrows():
            radius = np.sqrt(_area(study["n"])) / 72  # diameter in inches
            x, y = float(study["year"]), float(order.index(group))
            places[index] = _free(x, y, radius, taken)
            taken.append((*places[index], radius))
    return [places[index] for index in shown.index]


def _free(
    x: float, y: float, size: float, taken: list[tuple[float, float, float]]
) -> tuple[float, float]:
    per_year, per_row = 0.24, 0.40  # inches
    for distance in np.arange(0, 1.6, 0.08):
        for angle in np.linspace(0, 2 * np.pi, 16, endpoint=False):
            dx, dy = distance * np.cos(angle) * 0.8, distance * np.sin(angle) * 0.5
            if abs(dy) > 0.36:
                continue
            gaps = (
                np.hypot((x + dx - a) * per_year, (y + dy - b) * per_row) - (size + s) / 2
                for a, b, s in taken
            )
            if all(gap > -0.02 for gap in gaps):
                return x + dx, y + dy
    return x, y


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
    labels = [
        (f"[{row['cited_as']}] {names[row['cited_as']]}", row["study"] not in reviews)
        for _, row in cited.sort_values("cited_as").iterrows()
    ]
    independent = table["n"].fillna(1) > 0
    placebo = table[table["placebo_controlled"] & table["randomised"] & table["has_results"]
                    & independent]
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
        _legend(figure, table, labels)
        return ax

    summary = (
        f"{len(table)} primary studies, {len(placebo)} of them placebo-controlled with results; "
        f"{facts['n_waiting']} without results."
    )
    method = "Area shows people analysed, else randomised or planned; participants shared " \
             "between papers are counted once"
    return Content(facts, table, method, summary, "Bubble chart", tuple(cited["study"]),
                   ("studies", "condition_groups"), draw)


def _legend(figure: Figure, table: pd.DataFrame, cited: list[tuple[str, bool]]) -> None:
    x, y = 0.702, 0.81
    def head(text: str, y: float) -> float:
        return page.write(figure, x, y, text, size=14, weight="bold") - 0.006

    def key(y: float, text: str, **kwargs) -> float:
        line = Line2D([x + 0.012], [y - 0.014], markersize=10, linestyle="none",
                      transform=figure.transFigure, **kwargs)
        figure.add_artist(line)
        return page.write(figure, x + 0.03, y, text, size=14, lines=1) - 0.005

    y = head("Shape: design", y)
    present = set(table["design"])
    for code in [code for code in DESIGNS if code in present and code != "protocol"]:
        words = DESIGNS[code].short.capitalize()
        y = key(y, words, marker=DESIGNS[code].marker, color=page.GREY, markerfacecolor="white")
    y = head("Fill: comparison", y - 0.01)
    y = key(y, "Placebo-controlled", marker="s", color=page.BLUE)
    y = key(y, "The same, no results yet", marker="s", color=page.BLUE, markerfacecolor="white")
    y = key(y, "No placebo", marker="o", color=page.GREY, markerfacecolor="white")
    if cited:
        y = head("Cited (grey: not primary)", y - 0.01)
        for label, drawn in cited:
            colour = page.ACCENT if drawn else page.GREY
            y = page.write(figure, x, y, label, size=14, color=colour) - 0.003
