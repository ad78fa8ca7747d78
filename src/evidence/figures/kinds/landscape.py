"""Landscape: every primary study by year and condition.

Three shapes tell randomised trials, other studies and studies without results apart; the colour of
the message is for randomised placebo-controlled trials, the largest of which carry their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evidence.figures import page
from evidence.figures.figure import Content, Spec, figure_kind
from evidence.figures.marks import key
from evidence.review import NoDataError, Review, is_true, people, primary_studies
from evidence.wording import plural

POINTS_PER_PERSON = 1.9  # largest area in square points
SMALLEST, REPORT = 50.0, 60.0  # area of the smallest mark, of a further report
SPREAD = 1.25  # a mark is wider than the root of its area
LARGEST = 0.92  # size of the largest mark in rows
NAMED = 5  # so many of the largest placebo-controlled trials carry their names
PER_YEAR = 0.24  # inches, about
RECENT, PACE = 20, 4  # years drawn at full width; earlier ones are this many times closer
LABEL, KEY, AXIS = 3.1, 0.5, 0.72  # inches: names of conditions, key above, years below
TALLEST_ROW, LEAST_ROWS = 1.2, 2  # inches; rows that a page has room for at least
TALLEST_MARK = 40.0  # points
NO_RESULTS = ("ongoing", "protocol", "terminated", "completed_unpublished")
SHAPES = {"randomised": "s", "other": "o", "waiting": "^"}


def landscape_table(review: Review) -> pd.DataFrame:
    """Primary studies with what the landscape shows of each.

    Returns
    -------
    DataFrame
        Columns study, label, year, group, design, n (people, Int64, empty when unknown),
        placebo_controlled, randomised, has_results, cited_as, fill (placebo: a randomised
        placebo-controlled trial with results; waiting: the same without; not_randomised: with a
        placebo; further: report on people counted already; none: no placebo), shape (one of
        `SHAPES`).
    """
    studies = primary_studies(review.table("studies")).reset_index(drop=True)
    mapping = review.group("condition_groups", "condition")
    years = [review.bibliography[key].year for key in studies["study"]]
    status = studies.get("status", pd.Series("published", studies.index))
    count = people(studies)
    if "n_planned" in studies:
        count = count.where(count.notna(), studies["n_planned"])
    placebo, randomised = (is_true(studies, name) for name in ("placebo_controlled", "randomised"))
    has_results = ~status.isin(NO_RESULTS)
    further = studies.get("participants_of", pd.Series(pd.NA, studies.index)).notna()
    return pd.DataFrame({
        "study": studies["study"],
        "shape": np.select([~has_results, randomised], ["waiting", "randomised"], "other"),
        "label": [review.bibliography.cite(key) for key in studies["study"]],
        "year": pd.array([int(y) if y.isdigit() else None for y in years], dtype="Int64"),
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
    """Draw studies as marks: area by people, shape by design and results, coloured with a placebo.

    Parameters
    ----------
    table : DataFrame
        As `landscape_table` returns it, rows with a year; other rows are left out.
    ax : Axes

    Returns
    -------
    Axes
    """
    shown = table.dropna(subset=["year"]).sort_values("n", ascending=False, na_position="last")
    order = shown.groupby("group")["placebo_controlled"].agg(["sum", "count"])
    order = order.sort_values(["sum", "count"]).index.tolist()
    ax.set_ylim(-0.6, len(order) + 0.1)
    row = _row_height(ax)
    for number in range(len(order)):
        ax.axhline(number - 0.5, color=page.PALE, lw=0.8, zorder=0)
    _year_axis(ax, int(shown["year"].min()), int(shown["year"].max()))
    areas = _areas(shown, people_scale(table, min(row, TALLEST_MARK)))
    places = _places(shown, order, areas, row / 72, _year_width(ax))
    named = shown[shown["fill"] == "placebo"].dropna(subset=["n"]).head(NAMED)["study"]
    cited = shown[shown["cited_as"].notna()]["study"]
    taken = [_around(ax, place, area) for place, area in zip(places, areas, strict=True)]
    for study, (x, y), area in zip(shown.to_dict("records"), places, areas, strict=True):
        ax.scatter(x, y, s=area, **_look(study["shape"], study["fill"]))
    for study, (x, y), area in zip(shown.to_dict("records"), places, areas, strict=True):
        if study["study"] in {*named, *cited}:
            words = study["label"]
            if pd.notna(study["cited_as"]):
                words = f"[{study['cited_as']}] {words}"
            _name(ax, words, x, y, area, study["study"] in set(cited), taken)
    size = min(page.TEXT, row / 1.3)
    for number, group in enumerate(order):
        ax.annotate(group, (0, number), xycoords=("axes fraction", "data"), size=size,
                    xytext=(-72 * LABEL, 0), textcoords="offset points", va="center_baseline")
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    return ax


def _around(ax: Axes, place: tuple[float, float], area: float) -> tuple[float, ...]:
    """Left, bottom, right and top of a mark in pixels."""
    x, y = ax.transData.transform(place)
    half = 0.5 * area**0.5 * ax.figure.dpi / 72
    return x - half, y - half, x + half, y + half


def _name(ax: Axes, words: str, x: float, y: float, area: float, cited: bool,
          taken: list[tuple[float, ...]]) -> None:
    """The name of a study beside, above or below its mark, where neither a mark nor another name
    stands; the name of a cited study stands above it at the worst, others are left out."""
    shift = area**0.5 / 2 + 4
    places = [((-shift, 0), ("right", "center")), ((shift, 0), ("left", "center"))]
    along = {0: "center", -1: "right", 1: "left"}
    places += [((6 * side, up * (shift - 2)), (along[side], "bottom" if up > 0 else "top"))
               for up in (1, -1) for side in along]
    frame, right = ax.get_window_extent(), page.RIGHT * ax.figure.bbox.width
    for number, (place, (across, up)) in enumerate(places):
        text = ax.annotate(words, (x, y), xytext=place, textcoords="offset points", size=14,
                           ha=across, va=up, zorder=6,
                           color=page.ACCENT if cited else page.MESSAGE)
        box = text.get_window_extent(ax.figure.canvas.get_renderer())
        own = _around(ax, (x, y), area)
        is_free = all(box.x0 > b[2] or box.x1 < b[0] or box.y0 + 2 > b[3] or box.y1 - 2 < b[1]
                      for b in taken if b != own)
        last = cited and number == len(places) - 1
        if last or (is_free and frame.x0 <= box.x0 and box.x1 <= right):
            taken.append((box.x0, box.y0, box.x1, box.y1))
            return
        text.remove()


def _row_height(ax: Axes) -> float:
    """Height of a row in points."""
    return 72 * ax.get_window_extent().height / ax.figure.dpi / abs(np.diff(ax.get_ylim()).item())


def _year_axis(ax: Axes, first: int, last: int) -> None:
    """Years at full width for the last decades, closer together before a marked break."""
    turn = max(first, last - RECENT)
    known = [first - 100, turn, last + 100]
    placed = [turn - (turn - first + 100) / PACE, turn, last + 100]
    ax.set_xscale("function", functions=(
        lambda x: np.interp(x, known, placed), lambda x: np.interp(x, placed, known),
    ))
    every = 5 if last - turn >= 8 else 1
    ticks = [year for year in range(turn // every * every, last + 1, every) if year >= turn]
    ax.set_xticks([first, *ticks] if turn > first else ticks)
    ax.xaxis.set_major_formatter(lambda year, _: f"{year:.0f}")
    ax.minorticks_off()
    ax.set_xlim(first - (PACE if turn > first else 1), last + 1.2)
    if turn > first:
        for shift in (-3, 3):
            ax.annotate("/", (turn, 0), xycoords=("data", "axes fraction"), xytext=(shift, 0),
                        textcoords="offset points", size=page.TICKS, ha="center", va="center",
                        weight="bold")
    ax.set_xlabel("Year published or registered"
                  + f"; years before {turn} closer together" * (turn > first))


def _year_width(ax: Axes) -> float:
    """Inches of a recent year; where years are many, what places have always rested on."""
    first, last = ax.get_xlim()
    box = ax.get_window_extent()
    return max(PER_YEAR, box.width / ax.figure.dpi / (last - first)) if last - first < 12 else (
        PER_YEAR)


def _look(shape: str, fill: str) -> dict[str, Any]:
    """A mark: coloured only as a randomised placebo-controlled trial with results, hollow without
    results and as a further report on people counted already."""
    colour = page.MESSAGE if fill in ("placebo", "waiting") else page.CONTEXT
    hollow = shape == "waiting" or fill == "further"
    return {"marker": SHAPES[shape], "linewidths": 1.6, "zorder": 3, "edgecolor": colour,
            "facecolor": "white" if hollow else colour, "alpha": 0.85}


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
    shown: pd.DataFrame, order: list[str], areas: list[float], row: float, year: float
) -> list[tuple[float, float]]:
    """Year and row of each mark; marks of the same cell are spread so that none hides another."""
    places: dict[Any, tuple[float, float]] = {}
    sizes = pd.Series(SPREAD * np.sqrt(areas) / 72, index=shown.index)  # inches
    for group, block in shown.groupby("group"):
        taken: list[tuple[float, float, float]] = []
        largest_first = sizes[block.index].sort_values(ascending=False, kind="stable")
        for index, size in largest_first.items():
            x, y = float(shown["year"][index]), float(order.index(group))
            places[index] = _free(x, y, size, taken, row, year)
            taken.append((*places[index], size))
    return [places[index] for index in shown.index]


def _free(
    x: float, y: float, size: float, taken: list[tuple[float, float, float]], row: float,
    year: float,
) -> tuple[float, float]:
    """The nearest free place within the row, at most a year or so away where years are narrow;
    `year` and `row` are inches."""
    highest = max(0.0, 0.5 - size / row / 2)
    for distance in np.arange(0, 1.6, 0.08):
        for angle in np.linspace(0, 2 * np.pi, 16, endpoint=False):
            dx = distance * np.cos(angle) * 0.8 * PER_YEAR / year
            dy = distance * np.sin(angle) * 0.5
            if abs(dy) > highest:
                continue
            gaps = (
                np.hypot((x + dx - a) * year, (y + dy - b) * row) - (size + s) / 2
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
    reviews = set(listed["study"])
    placebo = table[table["fill"] == "placebo"]
    facts = {
        "n_studies": len(table), "n_placebo": len(placebo), "n_listed": len(listed),
        "n_cited": len(cited), "n_cited_reviews": int(cited["study"].isin(reviews).sum()),
        "n_cited_placebo": int(placebo["cited_as"].notna().sum()),
        "people_placebo": int(placebo["n"].sum()),
        "n_waiting": int((~table["has_results"]).sum()),
        "largest": placebo.sort_values("n", na_position="first").iloc[-1]["label"]
        if len(placebo) else "",
        "n_undated": int(table["year"].isna().sum()),
    }

    undated = int(table["year"].isna().sum())

    def draw(figure: Figure) -> Axes:
        left, bottom, width, height = page.BODY
        wide, high = figure.get_size_inches()
        room = height - (KEY + AXIS) / high
        used = min(room, TALLEST_ROW * max(table["group"].nunique(), LEAST_ROWS) / high)
        ax = figure.add_axes((left + LABEL / wide, bottom + AXIS / high + room - used,
                              width - LABEL / wide, used))
        landscape(table, ax)
        key(figure, left, bottom + height, _entries(table))
        return ax

    summary = (
        f"{len(table)} primary studies, {len(placebo)} of them placebo-controlled with results; "
        f"{facts['n_waiting']} without results."
    )
    method = "Area: people analysed, else randomised or planned; people of two papers count once"
    if undated:
        method += f". {undated} {plural(undated, 'study', 'studies')} without a year not shown"
    return Content(facts, table, method, summary, "Marks by year and condition",
                   tuple(cited["study"]), ("studies", "condition_groups"), draw)


def _entries(table: pd.DataFrame) -> list[tuple]:
    """What shapes and colours mean, of those that are drawn."""
    line = {"ls": "none", "ms": 12, "mew": 1.6}
    blue = {"color": page.MESSAGE} | line
    grey = {"color": page.CONTEXT} | line
    others = table[table["fill"] != "placebo"]
    entries = [
        (blue | {"marker": "s"}, "randomised, placebo-controlled", "placebo" in set(table["fill"])),
        (grey | {"marker": "s"}, "other randomised trial", "randomised" in set(others["shape"])),
        (grey | {"marker": "o"}, "other study", "other" in set(table["shape"])),
        (grey | {"marker": "^", "mfc": "white"}, "no results", "waiting" in set(table["shape"])),
    ]
    return [(mark, words) for mark, words, is_drawn in entries if is_drawn]
