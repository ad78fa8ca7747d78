"""Changes: percentage change from baseline with and without a control, and the difference.

Changes within one arm and differences between arms never share an axis: the left panel holds what
happened in each arm (circles), the right panel the difference between arms (diamonds). As a ladder
the rows stand in the order of their designs, and a study that cannot be placed says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evidence.figures import page
from evidence.figures.figure import Content, Spec, figure_kind, pick, sources_of
from evidence.figures.forest.kind import DERIVED
from evidence.figures.marks import key, named
from evidence.figures.marks import sides as name_sides
from evidence.pooling import favours_words
from evidence.review import ARMS, Review, design, number
from evidence.wording import Row, interval, joined, plural, signed

EFFECT = ("effect", "effect_ci_low", "effect_ci_high")
RIGOUR = (
    "rct_parallel", "rct_crossover", "single_blind_fixed_order", "register_before_after",
    "retrospective", "single_arm", "case_report",
)  # fmt: skip
BANDS = ("#EFEFEF", "#E3E3E3", "#D6D6D6", "#C9C9C9")
NEAR_ZERO = -9.0  # per cent; a number right of a mark beyond it reaches the line of zero
NO_INTERVAL = "no interval in per cent"
METHOD = "Changes as printed, else change / baseline; 95 % intervals; nothing is pooled"
INTERVENTION = {"marker": "o", "ms": 13, "color": page.INK, "ls": "none"}
CONTROL = INTERVENTION | {"mfc": "white", "mec": page.INK, "mew": 2}
DIFFERENCE = {"marker": "D", "ms": 12, "color": page.MESSAGE, "ls": "none"}
LABELS, LEFT_PANEL, SPACE = 0.27, 0.335, 0.03  # shares of the page
NUMBER = 16  # points


def percent_changes(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Change of each arm in per cent of its own baseline, and the difference.

    Parameters
    ----------
    outcomes : DataFrame
        Rows of outcomes.csv.

    Returns
    -------
    DataFrame
        Columns outcome_id, study, domain, week, n, intervention, control, difference, low, high,
        effect, effect_low, effect_high, derived. Changes are per cent of the baseline mean
        (negative = fall): as printed (`…_change_pct`), else change / baseline × 100. The
        difference is intervention minus control in percentage points; `low` and `high` are its
        interval, `effect…` the mean difference with its interval in points of the scale, as far as
        the row gives them. NaN where a figure is not there.
    """
    changes = {}
    for arm in ARMS:
        printed = number(outcomes, f"{arm}_change_pct")
        baseline = number(outcomes, f"{arm}_baseline_mean")
        computed = 100 * number(outcomes, f"{arm}_change") / baseline
        changes[arm] = printed.where(printed.notna(), computed)
    difference = changes["intervention"] - changes["control"]
    effect, low, high = (number(outcomes, name) for name in EFFECT)
    measure = outcomes["effect_measure"]
    in_percent = (measure == "percent_point_difference") & ((effect - difference).abs() < 0.05)
    in_points = (measure == "mean_difference") & low.notna() & high.notna()
    arms = outcomes[["intervention_n", "control_n"]].astype("Float64")
    paired = outcomes["contrast"] == "crossover_paired"
    return pd.DataFrame({
        "outcome_id": outcomes["outcome_id"],
        "study": outcomes["study"],
        "domain": outcomes["domain"],
        "week": outcomes["week"],
        "n": arms.max(axis=1).where(paired, arms.sum(axis=1, min_count=1)).astype("Int64"),
        "intervention": changes["intervention"],
        "control": changes["control"],
        "difference": difference,
        "low": low.where(in_percent),
        "high": high.where(in_percent),
        "effect": effect.where(in_points),
        "effect_low": low.where(in_points),
        "effect_high": high.where(in_points),
        "derived": in_percent & low.notna() & (outcomes["verification"] == "derived"),
    }).reset_index(drop=True)


def difference_words(row: pd.Series) -> tuple[str, str]:
    """The difference of a row, with its interval where there is one, and what else is known: the
    mean difference in points of the scale, else that there is no interval."""
    text = signed(f"{row['difference']:+.1f}")
    if pd.notna(row["low"]) and pd.notna(row["high"]):
        return f"{text} ({interval(row['low'], row['high'], 1)}){DERIVED * row['derived']}", ""
    if pd.isna(row["effect"]):
        return text, NO_INTERVAL
    own, limits = f"{row['effect']:+.2f}", interval(row["effect_low"], row["effect_high"])
    return text, f"reported: {signed(own)} points ({limits})"


def method(table: pd.DataFrame) -> str:
    """Method line of changes and their differences."""
    derived = f".{DERIVED} Derived, not printed by the source"
    return METHOD + derived * bool(table["derived"].any())


def ladder_table(outcomes: pd.DataFrame, studies: pd.DataFrame) -> pd.DataFrame:
    """Changes of each study in per cent of baseline, most rigorous design first.

    Parameters
    ----------
    outcomes : DataFrame
        Rows of outcomes.csv; the outcome that most of them share is the one shown.
    studies : DataFrame
        Rows of studies.csv, indexed by study.

    Returns
    -------
    DataFrame
        As `percent_changes`, with ``design`` and ``reason``: why the row cannot be placed, empty
        where it can. ``n`` of such a row is that of its study.
    """
    table = percent_changes(outcomes)
    table["design"] = table["study"].map(studies["design"])
    shown = table["domain"].mode().iloc[0]
    table["reason"] = [
        _reason(row, source, shown)
        for (_, row), (_, source) in zip(table.iterrows(), outcomes.iterrows(), strict=True)
    ]
    whole = studies["n_analysed"].fillna(studies["n_randomised"])
    table["n"] = table["n"].where(table["reason"] == "", table["study"].map(whole)).astype("Int64")
    rank = table["design"].map({code: number for number, code in enumerate(RIGOUR)})
    order = pd.DataFrame({"rank": rank.fillna(len(RIGOUR)), "off": table["reason"] != ""})
    return table.loc[order.sort_values(["rank", "off"], kind="stable").index].reset_index(drop=True)


def _reason(row: pd.Series, source: pd.Series, shown: str) -> str:
    if row["domain"] != shown:
        return f"reports {_plain(row['domain'])}, not {_plain(shown)}"
    if str(source["effect_measure"]).startswith("median"):
        return "reports medians, no mean change"
    if pd.isna(row["intervention"]):
        within = source["contrast"] == "within_arm"
        return "tests within each arm, no contrast" if within else "reports no change of the arms"
    return ""


def changes(table: pd.DataFrame, left: Axes, right: Axes, *,
            bands: pd.DataFrame | None = None) -> tuple[Axes, Axes]:
    """Draw changes within arms (left) and differences between arms (right), one row a study.

    Parameters
    ----------
    table : DataFrame
        As `percent_changes` or `ladder_table` returns it, top row first; a column ``name`` names
        the marks of each row.
    left, right : Axes
    bands : DataFrame, optional
        Thresholds: columns threshold_kind, value, value_high, in per cent fall.

    Returns
    -------
    tuple of Axes
    """
    reasons = table.get("reason", pd.Series("", table.index))
    placed = table[reasons == ""]
    pairs = placed[["intervention", "control"]].to_numpy(float)
    lowest = 1.25 * float(np.nanmin(pairs))
    if bands is not None and len(bands):
        lowest = min(lowest, -1.35 * float(bands["value"].max()))
    for y, (row, reason) in enumerate(zip(table.to_dict("records"), reasons, strict=True)):
        for ax in (left, right):
            ax.axhline(y + 0.5, color=page.PALE, lw=0.8, zorder=0.5)
        if reason:
            left.text(0.02, y, f"not placed: {reason}", size=NUMBER, color=page.GREY,
                      va="center", transform=left.get_yaxis_transform(), bbox=page.COVER)
            continue
        with named(row.get("name", ""), left, right):
            _arms(left, y, row)
            if pd.notna(row["difference"]):
                _difference(right, y, row)
            else:
                right.text(0, y, "no control", ha="center", va="center", size=NUMBER,
                           color=page.GREY, bbox=page.COVER)
    reach = difference_reach(placed)
    left.set_xlim(lowest, max(4.0, 1.1 * float(np.nanmax(pairs))))
    right.set_xlim(-reach, reach)
    for ax in (left, right):
        ax.axvline(0, color=page.INK, lw=1, zorder=1)
        ax.set(ylim=(len(table) - 0.5, -0.5), yticks=[])
        ax.spines["left"].set_visible(False)
        ax.xaxis.set_major_formatter(lambda value, _: signed(f"{value:g}"))
    _draw_bands(left, bands, lowest)
    left.set_xlabel("Change within the arm, % of baseline")
    right.set_xlabel("Percentage points")
    return left, right


def _arms(ax: Axes, y: float, row: Mapping[str, Any]) -> None:
    pair = [row[arm] for arm in ARMS if pd.notna(row[arm])]
    if len(pair) == 2:
        ax.plot(pair, [y, y], color=page.CONTEXT, lw=2, zorder=2)
        ax.plot(row["control"], y, zorder=3, **CONTROL)
    ax.plot(row["intervention"], y, zorder=4, **INTERVENTION)
    label_changes(ax, pair, y)


def difference_reach(table: pd.DataFrame) -> float:
    """How far an axis of differences runs to both sides of zero."""
    ends = table[["low", "high"]].to_numpy(float)
    return max(15.0, 1.25 * float(np.nanmax(np.abs(table["difference"].to_numpy()), initial=0)),
               1.1 * float(np.nanmax(np.abs(ends), initial=0)))


def _difference(ax: Axes, y: float, row: Mapping[str, Any]) -> None:
    """Diamond in the upper half of the row; its interval and what else is known in the lower."""
    words, below = difference_words(row)
    at = y - 0.2
    ax.plot([row["low"], row["high"]], [at, at], color=page.MESSAGE, lw=2)
    ax.plot(row["difference"], at, **DIFFERENCE)
    if below:
        side = -1 if row["difference"] < 0 else 1
        ax.annotate(words, (row["difference"], at), size=NUMBER, xytext=(12 * side, 0),
                    textcoords="offset points", ha="right" if side < 0 else "left", va="center")
    ax.text(0, y + 0.24, below or words, size=NUMBER, ha="center", va="center", bbox=page.COVER,
            color=page.GREY if below else page.INK)


def label_changes(ax: Axes, values: list[float], y: float) -> None:
    """Numbers beside the marks; above its mark where one would be struck by the line of zero."""
    for value in values:
        is_left = value == min(values)
        if not is_left and value > NEAR_ZERO:
            place, sides = (0, 7), {"ha": "center", "va": "bottom"}
        else:
            place = (-11 if is_left else 11, 0)
            sides = {"ha": "right" if is_left else "left", "va": "center"}
        ax.annotate(signed(f"{value:.1f}"), (value, y), xytext=place, size=NUMBER,
                    textcoords="offset points", **sides)


def _draw_bands(ax: Axes, bands: pd.DataFrame | None, lowest: float) -> None:
    if bands is None or bands.empty:
        return
    marks = bands.sort_values("value")
    starts = [-value for value in marks["value"]]
    ends = [
        max(lowest, -high if pd.notna(high) else following)
        for high, following in zip(marks["value_high"], [*starts[1:], lowest], strict=True)
    ]
    for shade, start, end, kind in zip(BANDS, starts, ends, marks["threshold_kind"], strict=False):
        ax.axvspan(end, start, color=shade, lw=0, zorder=0)
        ax.annotate(kind, ((start + end) / 2, 1.0), xycoords=("data", "axes fraction"),
                    xytext=(0, -3), textcoords="offset points", ha="center", va="top",
                    size=page.TICKS, color=page.GREY)


@figure_kind(
    "changes", tables=("outcomes",), ids=1,
    columns={
        "instruments": "instrument_id",
        "outcomes": (
            "outcome_id study domain higher_is week contrast intervention_n "
            "control_n effect_measure verification"
        ),
        "studies": "study design",
    },
)
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """Changes of the selected outcomes, in the order of the selection."""
    chosen, studies = _chosen(review, spec)
    table = percent_changes(chosen)
    table["design"] = table["study"].map(studies["design"])
    instruments = review.table("instruments")
    bands = (
        instruments.set_index("instrument_id").pipe(pick, spec.thresholds)
        if spec.thresholds else None
    )
    marked = () if bands is None or "source" not in bands else tuple(
        dict.fromkeys(bands["source"].dropna()))
    compared = table.dropna(subset=["difference"])
    facts = {
        "rows": {row["outcome_id"]: Row(row.to_dict()) for _, row in table.iterrows()},
        "n_compared": len(compared),
        "n_uncontrolled": len(table) - len(compared),
        "lowest_difference": compared["difference"].min(),
        "highest_difference": compared["difference"].max(),
        "people_compared": int(compared["n"].sum()),
        "threshold_sources": [review.bibliography.cite(key) for key in marked],
    }
    return _content(review, chosen, table, facts, "Dot plot", bands, marked)


@figure_kind(
    "ladder", tables=("outcomes",), ids=1,
    columns={
        "outcomes": (
            "outcome_id study domain week contrast intervention_n control_n "
            "effect_measure verification"
        ),
        "studies": "study design n_randomised n_analysed",
    },
)
def ladder(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """Changes of the selected outcomes, ordered by design."""
    chosen, studies = _chosen(review, spec)
    table = ladder_table(chosen, studies)
    placed = table[table["reason"] == ""]
    compared = placed.dropna(subset=["difference"])
    facts = {
        "n_placed": len(placed), "n_rows": len(table), "n_not_placed": len(table) - len(placed),
        "differences": {
            code: joined(signed(f"{value:+.1f}") for value in group["difference"])
            for code, group in compared.groupby("design")
        },
        "lowest_alone": placed.loc[placed["control"].isna(), "intervention"].min(),
        "control_low": compared["control"].abs().min(),
        "control_high": compared["control"].abs().max(),
    }
    return _content(review, chosen, table, facts, "Dot plot by rigour of design")


def _chosen(review: Review, spec: Spec) -> tuple[pd.DataFrame, pd.DataFrame]:
    outcomes = review.table("outcomes").set_index("outcome_id", drop=False)
    return pick(outcomes, spec.select), review.table("studies").set_index("study")


def _content(review: Review, chosen: pd.DataFrame, table: pd.DataFrame, facts: Mapping[str, Any],
             what: str, bands: pd.DataFrame | None = None, marked: Sequence[str] = ()) -> Content:
    reasons = table.get("reason", pd.Series("", table.index))
    labels = [_label(review, table, row) for row in table.to_dict("records")]
    directions = set(chosen["higher_is"].dropna())
    arms = review.intervention, review.control
    sides = favours_words(directions.pop() if len(directions) == 1 else "", *arms)

    def draw(figure: Figure) -> tuple[Axes, Axes]:
        x, bottom, width, height = page.BODY
        bottom, height = bottom + 0.115, height - 0.165
        start = x + LABELS + LEFT_PANEL + SPACE
        left = figure.add_axes((x + LABELS, bottom, LEFT_PANEL, height))
        right = figure.add_axes((start, bottom, x + width - start, height))
        names = [", ".join(label.split("\n")[:2]) for label in labels]
        changes(table.assign(name=names), left, right, bands=bands)
        top = bottom + height + 0.05
        key(figure, x + LABELS, top, list(zip((INTERVENTION, CONTROL), arms, strict=True)))
        key(figure, start, top, [(DIFFERENCE, " minus ".join(arms))])
        size = page.fitting(len(labels), height * figure.get_figheight(),
                            max(label.count("\n") + 1 for label in labels), NUMBER)
        for y, label in enumerate(labels):
            with named(names[y], left):
                left.annotate(label, (0, y), xycoords=("axes fraction", "data"), size=size,
                              xytext=(-72 * LABELS * figure.get_figwidth(), 0), va="center",
                              textcoords="offset points", linespacing=page.spacing(label, 1.08))
        name_sides(right, 0, sides, down=48)
        return left, right

    parts = [
        f"{review.bibliography.cite(row['study'])}, {_plain(row['domain'])}: "
        + (f"not placed, {reason}" if reason else
           f"{row['intervention']:.1f} % on {review.intervention}"
           if pd.notna(row["intervention"]) else "no figure")
        + ("" if reason else f", {row['control']:.1f} % on {review.control}, difference "
           f"{', '.join(filter(None, difference_words(row)))}"
           if pd.notna(row["difference"]) else ", no control")
        for row, reason in zip(table.to_dict("records"), reasons, strict=True)
    ]
    sources = tuple(dict.fromkeys([*sources_of(chosen), *marked]))
    return Content(facts, table, method(table), signed("; ".join(parts).replace(" -", " −")) + ".",
                   what, sources, ("outcomes", "studies", "instruments"), draw)


def _label(review: Review, table: pd.DataFrame, row: Mapping[str, Any]) -> str:
    """Name of the study, its outcome where the rows differ, design, people and weeks."""
    design_words = design(row["design"]).short
    if "reason" not in table and pd.notna(row["week"]):
        design_words += f", {row['week']:g} {plural(row['week'], 'week')}"
    people = "" if pd.isna(row["n"]) else f", n = {row['n']}"
    differs = len(set(table["domain"])) > 1 and "reason" not in table
    middle = [_plain(row["domain"]) + people] if differs else []
    last = design_words if differs else design_words + people
    return "\n".join([review.bibliography.cite(row["study"]), *middle, last])


def _plain(code: str) -> str:
    return str(code).replace("_", " ")
