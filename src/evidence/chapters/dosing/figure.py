"""Timeline: dosing schedules in the first weeks, and how long trials lasted beside milestones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MultipleLocator

from evidence.chapters.dosing import schedules
from evidence.figures import Content, Spec, figure_kind, page
from evidence.review import Review, design
from evidence.wording import in_words, plural

SIZE = page.TICKS  # points
TEXT_COLOUR, TRIAL_COLOURS = page.ACCENT, (page.INK, page.GREY)
SHORT, LONG = "#D5D5D5", page.MESSAGE  # bars of trials below and from the week that the text names
BAND = "#F3E3DA"  # a milestone that is a range of weeks
UNCITED = "*"


def steps(doses: pd.DataFrame, ax: Axes, end: float, colour: str) -> Axes:
    """Draw one schedule as steps, with the range where steps may start earlier or later.

    A dose for which no source is cited carries an asterisk.

    Parameters
    ----------
    doses : DataFrame
        As `schedules.doses` returns it, in mg and weeks.
    ax : Axes
    end : float
        Week at which the drawing ends; the last dose goes on (arrow).
    colour : str
    """
    levels = doses["dose_mg"].to_numpy()
    first, last = (np.append(doses[column].to_numpy(), end) for column in ("earliest", "latest"))
    if (first != last).any():
        weeks = np.linspace(0, end, 401)
        fast, slow = (levels[np.searchsorted(at[:-1], weeks, side="right") - 1]
                      for at in (first, last))
        ax.fill_between(weeks, slow, fast, step="post", color=colour, alpha=0.18, lw=0)
        ax.stairs(levels, last, baseline=None, color=colour, lw=2, linestyle=(0, (3, 2)))
        step = int(np.argmax(last - first))
        ax.text((first[step] + last[step]) / 2, levels[max(step - 1, 0)] - 0.4, "slowest",
                size=SIZE, ha="center", va="top", color=page.ACCENT)
    ax.stairs(levels, first, baseline=None, color=colour, lw=3)
    ax.annotate("", (end + 0.3, levels[-1]), (end - 0.1, levels[-1]),
                arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 3})
    marks = np.where(doses["cited"], "", UNCITED)
    for dose, mark, week, until in zip(levels, marks, first, first[1:], strict=False):
        inside = week if until - week > 1.5 else (week + until) / 2
        ax.text(inside + (0.06 if inside == week else 0), dose + 0.35, f"{dose:g}{mark}", size=SIZE,
                ha="left" if inside == week else "center", va="bottom", color=page.INK)
    return ax


def lengths(table: pd.DataFrame, marks: Mapping[str, list[float]], ax: Axes,
            judge: float = np.inf) -> Axes:
    """Draw the weeks of each trial as a bar, with a diamond at each time of measurement.

    Parameters
    ----------
    table : DataFrame
        As `schedules.trial_lengths` returns it, without unknown lengths; top row first,
        with a column `label`.
    marks : mapping of str to list of float
        Weeks of measurement by study.
    ax : Axes
    judge : float
        Week from which bars are drawn in the colour of the message.
    """
    rows = np.arange(len(table))[::-1]
    for y, (_, trial) in zip(rows, table.iterrows(), strict=True):
        crossover = trial["design"] == "rct_crossover"
        colour = LONG if trial["weeks"] >= judge else SHORT
        ax.barh(y, trial["weeks"], height=0.55, zorder=2, linewidth=1.6,
                edgecolor=colour if colour == LONG else page.CONTEXT,
                facecolor="white" if crossover else colour)
        weeks = marks.get(trial["study"], [])
        ax.scatter(weeks, [y] * len(weeks), marker="D", s=60, color=page.INK, zorder=4)
        gap = 1.4 if trial["weeks"] in weeks else 0.7
        ax.text(trial["weeks"] + gap, y, f"{trial['weeks']:g}", size=SIZE, va="center", zorder=5,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6})
    ax.set_yticks(rows, table["label"])
    ax.set_ylim(-0.6, len(table) - 0.4)
    ax.set_xlim(0, max(table["weeks"].max(), 1) * 1.1)
    return ax


@figure_kind(
    "timeline", tables=("claims", "seed_dosing"),
    columns={
        "seed_dosing": "schedule step kind dose_mg start_week_min start_week_max label source",
        "studies": "study design condition_label duration_weeks randomised placebo_controlled",
    },
)
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """Schedules and lengths of trials; `spec` selects nothing."""
    own = schedules.text_schedule(review)
    table = schedules.trial_lengths(review)
    known = table[table["weeks"].notna()].reset_index(drop=True)
    known["label"] = [review.bibliography.cite(key) for key in known["study"]]
    dosing = review.table("seed_dosing")
    stones = schedules.milestones(review, own)
    judge = float(stones["latest"].max())
    parts = schedules.comparison(review)
    facts = {
        "n_trials": len(known), "n_unknown": len(table) - len(known), "judge_week": judge,
        "n_long": int((known["weeks"] >= judge).sum()),
        "n_parts": len(parts), "n_parts_uncited": int((~parts["cited"]).sum()),
        "longest": float(known["weeks"].max()), "median": float(known["weeks"].median()),
    }
    others = dosing[dosing["source"].notna()]
    marks = {
        key: rows.loc[rows["kind"] == "milestone", "start_week_min"].astype(float).tolist()
        for key, rows in others.groupby("source")
    }

    names = [own, *(name for name in dict.fromkeys(dosing["schedule"]) if name != own)]
    drawn = {name: (schedules.doses(review, name), _heading(review, name, dosing))
             for name in names}
    end = float(np.ceil(dosing.loc[dosing["kind"] == "dose", "start_week_max"].max())) + 1
    top = float(dosing["dose_mg"].max()) * 1.45

    def draw(figure: Figure) -> list[Axes]:
        lanes = _draw_lanes(figure, drawn, end, top)
        right = figure.add_axes((0.605, 0.185, 0.355, 0.52))
        _draw_lengths(figure, right, known, marks, stones)
        return [*lanes, right]

    summary = (
        f"{facts['n_parts_uncited']} of {len(parts)} parts of the schedule cite no source. "
        f"{len(known)} randomised placebo-controlled trials with results and a known length "
        f"lasted {known['weeks'].min():g} to {known['weeks'].max():g} weeks, "
        f"median {facts['median']:g}; {facts['n_long']} lasted {judge:g} weeks or more."
    )
    method = ("Randomised placebo-controlled trials with results; papers on the same people are "
              "counted once")
    return Content(facts, known, method, summary, "Dose steps and bars of trial lengths",
                   tuple(dict.fromkeys([*others["source"], *known["study"]])),
                   ("seed_dosing", "studies"), draw)


def _heading(review: Review, schedule: str, dosing: pd.DataFrame) -> str:
    """Whose schedule it is."""
    source = dosing.loc[dosing["schedule"] == schedule, "source"].dropna()
    if source.empty:
        return f"The article, {UNCITED} no source cited"
    return f"{schedule.upper()}, {review.bibliography.cite(source.iloc[0])}"


def _draw_lanes(figure: Figure, shown: Mapping[str, tuple[pd.DataFrame, str]], end: float,
                top: float) -> list[Axes]:
    """The article's own schedule first, the others below it."""
    height = 0.605 / len(shown)
    lanes = []
    for place, (doses, heading) in enumerate(shown.values()):
        ax = figure.add_axes((0.085, 0.80 - (place + 1) * height, 0.25, height - 0.06))
        colour = TRIAL_COLOURS[(place - 1) % len(TRIAL_COLOURS)] if place else TEXT_COLOUR
        steps(doses, ax, end, colour)
        ax.set(xlim=(0, end + 0.4), ylim=(0, top))
        ax.xaxis.set_major_locator(MultipleLocator(1))
        ax.yaxis.set_major_locator(MultipleLocator(3))
        ax.set_title(heading, size=SIZE, loc="left", pad=4, weight="normal" if place else "bold")
        ax.tick_params(labelbottom=place == len(shown) - 1)
        lanes.append(ax)
    lanes[-1].set_xlabel("Week")
    lanes[len(lanes) // 2].set_ylabel("Daily dose, mg")
    return lanes


def _draw_lengths(figure: Figure, ax: Axes, known: pd.DataFrame,
                  marks: Mapping[str, list[float]], stones: pd.DataFrame) -> None:
    lengths(known, marks, ax, float(stones["latest"].max()))
    ax.set_xlabel("Weeks on treatment")
    foot = 1.01
    stones = stones.sort_values("earliest").reset_index(drop=True)
    for place, stone in stones.iterrows():
        low, high = stone["earliest"], stone["latest"]
        if low == high:
            ax.plot([low, low], [0, foot - 0.006], color=TEXT_COLOUR, lw=2, linestyle=(0, (4, 2)),
                    transform=ax.get_xaxis_transform(), clip_on=False, zorder=1)
        else:
            ax.axvspan(low, high, color=BAND, zorder=0)
        words = stone["label"] + ("" if stone["cited"] else UNCITED)
        words = _beside(figure, ax, words, (low + high) / 2, stones["earliest"].get(place + 1))
        ax.text((low + high) / 2, foot, words, size=SIZE, transform=ax.get_xaxis_transform(),
                ha="center", va="bottom", color=page.ACCENT,
                linespacing=page.spacing(words, 1.05))
        foot += 0.06 * (words.count("\n") + 1)
    _key(ax, sum(bool(marks.get(study)) for study in known["study"]))


def _beside(figure: Figure, ax: Axes, words: str, week: float, later: float | None) -> str:
    """The label of a milestone, wrapped so that the line of the next one does not cross it."""
    if later is None:
        return words
    low, high = ax.get_xlim()
    room = 2 * (later - week) / (high - low) * ax.get_position().width
    return page.wrap(figure, words, room - 0.01, SIZE)


def _key(ax: Axes, n_measured: int) -> None:
    trials = f"{in_words(n_measured)} {plural(n_measured, 'trial')}"
    handles = [
        Patch(facecolor=SHORT, edgecolor=page.CONTEXT, label=design("rct_parallel").short),
        Patch(facecolor="white", edgecolor=page.CONTEXT, label=design("rct_crossover").short),
    ]
    if n_measured:
        handles.append(Line2D([], [], marker="D", color=page.INK, linestyle="none",
                              label=f"measured, drawn\nfor {trials}"))
    ax.legend(
        handles=handles, loc="lower right", fontsize=SIZE, handlelength=1.2, labelspacing=0.35,
        borderaxespad=0, framealpha=1, facecolor="white", edgecolor="white",
    )
