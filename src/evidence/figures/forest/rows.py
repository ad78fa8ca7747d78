"""The rows of a forest plot, top to bottom, before anything is measured or drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evidence.figures.scale import Scale, effect_scale
from evidence.pooling import ExcludedRow, Synthesis
from evidence.review import design

RULE_LABELS = {
    "wald": "Wald",
    "hartung_knapp": "Hartung-Knapp",
    "hartung_knapp_floored": "Hartung-Knapp, floored",
}
TOO_FEW = {
    0: "No trial can be pooled.",
    1: "One trial: there is nothing to pool.",
    2: "Two trials cannot support a pooled interval; their own intervals stand above.",
}
FEW = 3  # studies left out, each with a row of its own
CROWD = 40  # above it the study rows lose their text when the height is given


@dataclass(frozen=True, slots=True)
class Row:
    """One row: `kind` is study, left_out, pool, prediction, rule, caption or gap.

    ``span`` is text that runs from the second column to the right end. ``share`` is the weight
    divided by the largest one. ``height`` is in lines of text.
    """

    kind: str
    label: str = ""
    design: str = ""
    n: str = ""
    effect: str = ""
    weight: str = ""
    point: float = np.nan
    low: float = np.nan
    high: float = np.nan
    share: float = 0.0
    crossover: bool = False
    is_default: bool = False
    span: str = ""
    height: float = 1.0

    @property
    def is_bold(self) -> bool:
        """A pool, and the interval rule in use."""
        return self.kind == "pool" or self.is_default

    @property
    def is_wide(self) -> bool:
        """Whether the label may run on into the next columns, which are empty."""
        return not (self.span or self.design or self.n)


def forest_scale(pools: Sequence[Synthesis]) -> Scale:
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


def forest_rows(
    pools: Sequence[Synthesis],
    scale: Scale,
    *,
    study_labels: Mapping[str, str],
    design_labels: Mapping[str, str],
    marks: Mapping[str, str],
    pool_labels: Sequence[str],
    crowded: bool,
) -> list[Row]:
    """Studies, rows left out, pools, prediction interval and interval strip.

    The first pool shows its studies; a further pool shows those that no pool above it showed.
    Crowded studies stand in the order of their effects, without text.
    """
    rows: list[Row] = []
    seen: set[str] = set()
    for number, (pool, label) in enumerate(zip(pools, pool_labels, strict=True)):
        largest = max((row.weight for row in pool.studies), default=1.0)
        fresh = [row for row in pool.studies if row.outcome_id not in seen]
        for row in sorted(fresh, key=lambda row: row.effect) if crowded else fresh:
            words = design_labels.get(row.design, _design_words(row.design, row.crossover))
            name = study_labels.get(row.study, row.study) + marks.get(row.study, "")
            line = Row(
                "study", name, words, _count(row.n), _effect(row, scale),
                f"{row.weight:.1f} %" if pool.can_pool else "", row.effect, row.ci_low, row.ci_high,
                row.weight / largest, row.crossover,
            )  # fmt: skip
            rows.append(_without_text(line, len(fresh)) if crowded else line)
        seen |= {row.outcome_id for row in fresh}
        if number == 0:
            rows += _left_out_rows(pool.excluded, study_labels, marks)
        if pool.can_pool:
            rows += _pool_rows(pool, label, scale, with_rules=number == 0)
    return rows


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


def forest_notes(
    pools: Sequence[Synthesis], pool_labels: Sequence[str], *, crowded: bool
) -> list[str]:
    """What stands under the axis: heterogeneity, and why a pool is not drawn."""
    notes = []
    for pool, label in zip(pools, pool_labels, strict=True):
        note = _heterogeneity(pool) if pool.can_pool else TOO_FEW[pool.k]
        if len(pools) > 1:
            note = f"{label}: {note if pool.can_pool else note[0].lower() + note[1:]}"
        notes.append(note)
    if crowded:
        notes.append(f"{pools[0].k} studies in the order of their effects; see effects.csv.")
    return notes


def _pool_rows(pool: Synthesis, label: str, scale: Scale, *, with_rules: bool) -> list[Row]:
    default = pool.default
    rows = [
        Row("gap", height=0.35),
        Row("pool", label, "", _count(pool.n), _effect(default, scale), "100 %",
            default.estimate, default.ci_low, default.ci_high),
    ]  # fmt: skip
    if np.isfinite(default.pi_low):
        low, high = default.pi_low, default.pi_high
        words = scale.interval(low, high)
        rows.append(Row("prediction", "Prediction interval", effect=words, low=low, high=high))
    if with_rules:
        rows += [Row("gap", height=0.2), Row("caption", "By interval rule:")]
        rows += [
            Row("rule", RULE_LABELS[row.interval_rule], effect=_effect(row, scale),
                point=row.estimate, low=row.ci_low, high=row.ci_high,
                is_default=row.interval_rule == pool.interval_rule)
            for row in pool.pooled
        ]  # fmt: skip
    return rows


def _heterogeneity(pool: Synthesis) -> str:
    p_value = "< 0.001" if pool.q_p_value < 0.001 else f"= {pool.q_p_value:.3f}"
    shares = "" if pool.tau2_method == "FE" else f"τ² = {pool.tau2:.3g}, "
    return f"{shares}I² = {pool.i2:.0f} %, Q = {pool.q:.1f} (p {p_value})"


def _effect(row, scale: Scale) -> str:
    value = row.effect if hasattr(row, "effect") else row.estimate
    return f"{scale.number(value)} {scale.interval(row.ci_low, row.ci_high)}"


def _count(n: int | None) -> str:
    return "" if n is None else str(n)


def _design_words(code: str, crossover: bool) -> str:
    if not code:
        return "crossover" if crossover else ""
    return design(code).short.removesuffix(" trial")


def _without_text(row: Row, k: int) -> Row:
    return Row(
        row.kind, point=row.point, low=row.low, high=row.high, share=row.share,
        crossover=row.crossover, height=min(0.6, 13 / k),
    )  # fmt: skip
