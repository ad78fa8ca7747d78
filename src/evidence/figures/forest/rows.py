"""The rows of a forest plot, top to bottom, before anything is measured or drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from evidence.figures.scale import Scale, effect_scale
from evidence.pooling import ExcludedRow, Pool
from evidence.review import ARMS, RULES, design

FEW = 3  # studies left out, each with a row of its own
PLAIN_DESIGNS = ("parallel", "crossover")  # told apart by the mark alone


@dataclass(frozen=True, slots=True)
class Column:
    """A column of text: left of the axis, or right of it; numbers end at its right end."""

    name: str
    heading: str
    is_right: bool = False
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a forest plot.

    Attributes
    ----------
    kind : str
        study, subtotal, pool, prediction, rule, left_out, heading, gap or axis.
    label : str
    cells : mapping of str to str
        Text by name of column.
    point, low, high : float
        Effect and limits on the shown scale.
    share : float
        Weight divided by the largest one.
    crossover : bool
        Whether the square is open.
    bold, focus, indented : bool
        Bold letters; drawn in the colour of the message; label set in.
    span : str
        Text from the second column to the right end.
    height : float
        In lines of text.
    """

    kind: str
    label: str = ""
    cells: Mapping[str, str] = field(default_factory=dict)
    point: float = np.nan
    low: float = np.nan
    high: float = np.nan
    share: float = 1.0
    crossover: bool = False
    bold: bool = False
    focus: bool = False
    indented: bool = False
    span: str = ""
    height: float = 1.0

    @property
    def is_wide(self) -> bool:
        """Whether the label may run on into the next columns, which are empty."""
        return not self.span and not any(self.cells.get(name) for name in self.cells
                                         if name not in ("effect", "weight"))


def of_one_measure(pools: Sequence[Pool]) -> None:
    """Refuse pools of several measures, which would stand under one heading on one axis."""
    words = list(dict.fromkeys(pool.measure_words.lower() for pool in pools))
    if len(words) > 1:
        raise ValueError(f"a forest plot shows analyses of one measure, not {' and '.join(words)}")


def forest_scale(pools: Sequence[Pool]) -> Scale:
    """One axis for all pools of a figure."""
    studies = [row for pool in pools for row in pool.studies]
    shown = [pool for pool in pools if pool.can_pool]
    wanted = [pools[0].null_value]
    for pool in shown:
        wanted += [pool.ci_low, pool.ci_high]
    intervals = [(row.ci_low, row.ci_high) for row in studies]
    intervals += [(pool.default.pi_low, pool.default.pi_high) for pool in shown]
    return effect_scale(
        [row.effect for row in studies], intervals, wanted, is_ratio=pools[0].is_ratio
    )


def forest_columns(rows: Sequence[Row], heading: str, arms: tuple[str, str]) -> list[Column]:
    """The columns that some row fills: names of the arms over the counts of events, `heading` and
    "[95 % interval]" over the effects."""
    known = [
        Column("design", "Design", is_text=True), Column("n", "n"),
        Column("details", "", is_text=True),
        Column("intervention", arms[0]), Column("control", arms[1]),
        Column("effect", f"{heading} [95 % interval]", is_right=True),
        Column("weight", "Weight", is_right=True),
    ]
    return [column for column in known if any(row.cells.get(column.name) for row in rows)]


def forest_rows(
    pools: Sequence[Pool],
    scale: Scale,
    *,
    study_labels: Mapping[str, str],
    design_labels: Mapping[str, str],
    marks: Mapping[str, str],
    pool_labels: Sequence[str],
    events: Mapping[str, tuple[str, str]],
    with_rules: bool = False,
) -> list[Row]:
    """Studies, rows left out, pools, prediction interval and interval strip.

    The first pool shows its studies, by subgroup with a subtotal each where it has subgroups; a
    further pool shows those that no pool above it showed.
    """
    rows: list[Row] = []
    seen: set[str] = set()
    for number, (pool, label) in enumerate(zip(pools, pool_labels, strict=True)):
        fresh = [row for row in pool.studies if row.outcome_id not in seen]
        shown = {
            row.outcome_id: _study_row(row, pool, scale, study_labels, design_labels, marks, events)
            for row in fresh
        }
        rows += _grouped(pool, shown, scale) if number == 0 else shown.values()
        seen |= {row.outcome_id for row in fresh}
        if number == 0:
            rows += _left_out_rows(pool.excluded, study_labels, marks)
        if pool.can_pool:
            rows += _pool_rows(pool, label, scale, focus=number == 0,
                               with_rules=with_rules and number == 0)
    return _without_plain_designs(rows)


def _study_row(row, pool, scale, study_labels, design_labels, marks, events) -> Row:
    largest = max((study.weight for study in pool.studies), default=1.0)
    arms = dict(zip(ARMS, events.get(row.outcome_id, ()), strict=False))
    cells = {
        "design": design_labels.get(row.design, _design_words(row.design, row.crossover)),
        "n": "" if arms else count(row.n), **arms, "effect": effect(row, scale),
        "weight": f"{row.weight:.1f} %" if pool.can_pool else "",
    }
    return Row("study", study_labels.get(row.study, row.study) + marks.get(row.study, ""), cells,
               row.effect, row.ci_low, row.ci_high, row.weight / largest, row.crossover)


def _grouped(pool: Pool, shown: Mapping[str, Row], scale: Scale) -> list[Row]:
    """Rows of studies by subgroup, each group with its heading and its subtotal."""
    parts = pool.parts() if pool.subgroup_by else {}
    if len(parts) < 2:
        return list(shown.values())
    rows: list[Row] = []
    for name, part in parts.items():
        rows += [*[Row("gap", height=0.4)] * bool(rows), Row("heading", name)]
        rows += [replace(shown[row.outcome_id], indented=True) for row in part.studies]
        if part.k > 1 and np.isfinite(part.default.estimate):
            cells = {"n": count(part.n), "effect": effect(part.default, scale)}
            rows.append(Row("subtotal", f"Subtotal, {part.k} studies", cells, part.estimate,
                            part.ci_low, part.ci_high, bold=True, indented=True))
    return rows


def _without_plain_designs(rows: list[Row]) -> list[Row]:
    """Designs only where they say more than open and full squares do."""
    words = {row.cells.get("design", "") for row in rows} - {""}
    if not words <= set(PLAIN_DESIGNS):
        return rows
    return [replace(row, cells={name: text for name, text in row.cells.items()
                                if name != "design"}) for row in rows]


def _left_out_rows(
    excluded: Sequence[ExcludedRow], study_labels: Mapping[str, str], marks: Mapping[str, str]
) -> list[Row]:
    """One row per study left out; where there are many, one row per reason."""
    names: dict[str, list[str]] = {}
    for row in excluded:
        name = study_labels.get(row.study, row.study) + marks.get(row.study, "")
        names.setdefault(row.reason, []).append(name)
    if len(excluded) <= FEW:
        pairs = [(name, reason) for reason, group in names.items() for name in group]
        return [Row("left_out", name, span=f"not pooled: {reason}") for name, reason in pairs]
    return [
        Row("left_out", group[0], span=f"not pooled: {reason}")
        if len(group) == 1
        else Row(
            "left_out", f"{len(group)} studies", span=f"not pooled: {reason} ({', '.join(group)})"
        )
        for reason, group in names.items()
    ]


def forest_notes(pools: Sequence[Pool], pool_labels: Sequence[str]) -> list[str]:
    """What stands under the axis: heterogeneity, and why a pool is not drawn."""
    notes = []
    for pool, label in zip(pools, pool_labels, strict=True):
        note = _heterogeneity(pool) if pool.can_pool else pool.why_undrawn
        if pool.can_pool and pool.subgroup_by:
            note += _between(pool)
        if len(pools) > 1:
            note = f"{label}: {note if pool.can_pool else note[0].lower() + note[1:]}"
        notes += [note] * bool(note)
    return notes


def _between(pool: Pool) -> str:
    """The test between subgroups, as a further sentence."""
    table = pool.subgroups()
    if len(table) < 2 or not np.isfinite(table["p_between"].iloc[0]):
        return ""
    row = table.iloc[0]
    return (f". Difference between subgroups: Q = {row['q_between']:.1f}, "
            f"df = {row['df_between']:.0f} ({_p(row['p_between'])})")


def _pool_rows(pool: Pool, label: str, scale: Scale, *, focus: bool,
               with_rules: bool) -> list[Row]:
    default = pool.default
    cells = {"n": count(pool.n), "effect": effect(default, scale), "weight": "100 %"}
    rows = [
        Row("gap", height=0.35),
        Row("pool", label, cells, default.estimate, default.ci_low, default.ci_high, bold=True,
            focus=focus, height=1.25),
    ]
    if np.isfinite(default.pi_low):
        low, high = default.pi_low, default.pi_high
        rows.append(Row("prediction", "Prediction interval",
                        {"effect": scale.interval(low, high)}, low=low, high=high))
    if with_rules and len(pool.pooled) > 1:
        rows += [Row("gap", height=0.2), Row("heading", "By interval rule")]
        rows += [
            Row("rule", RULES[row.interval_rule], {"effect": effect(row, scale)},
                row.estimate, row.ci_low, row.ci_high, indented=True,
                bold=row.interval_rule == pool.interval_rule)
            for row in pool.pooled
        ]
    return rows


def _heterogeneity(pool: Pool) -> str:
    if not np.isfinite(pool.q):
        return ""
    shares = "" if pool.tau2_method == "FE" else f"τ² = {pool.tau2:.3g}, "
    return f"{shares}I² = {pool.i2:.0f} %, Q = {pool.q:.1f} ({_p(pool.q_p_value)})"


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def effect(row, scale: Scale) -> str:
    """Effect and interval of a study or a pool as text."""
    value = row.effect if hasattr(row, "effect") else row.estimate
    return f"{scale.number(value)} {scale.interval(row.ci_low, row.ci_high)}"


def count(n: int | None) -> str:
    """A number of people as text, empty when it is not known."""
    return "" if n is None else f"{n:,}"


def _design_words(code: str, crossover: bool) -> str:
    if not code:
        return "crossover" if crossover else ""
    return design(code).short.removesuffix(" trial")
