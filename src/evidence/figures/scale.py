"""The effect axis of a forest plot: limits, ticks, numbers as text, and where a value stands."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.ticker import MaxNLocator

from evidence.pooling import Pool
from evidence.wording import decimals, first_digit, number

LOG_STEPS = (1, 2, 5)
MARGIN = 0.04
REACH = 0.75  # how far an interval may stick out of the estimates before it gets an arrow
FOLD = 8.0  # how far from 1 an axis of ratios follows the intervals
BENT = {  # ticks of measures whose shown scale ends on both sides, the most wanted first
    "PROP": (0.5, 0.1, 0.9, 0.01, 0.99, 0.2, 0.8, 0.05, 0.95, 0.3, 0.7, 0.001, 0.999),
    "COR": (0, 0.5, -0.5, 0.9, -0.9, 0.99, -0.99, 0.8, -0.8, 0.3, -0.3, 0.95, -0.95, 0.1, -0.1),
}


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis from `low` to `high`, in logarithms for ratios, with `digits` behind the point."""

    low: float
    high: float
    is_ratio: bool
    digits: int
    has_null: bool = True

    @property
    def null(self) -> float:
        """The value of no difference; NaN for shares, which have none."""
        return float("nan") if not self.has_null else 1.0 if self.is_ratio else 0.0

    @property
    def middle(self) -> float:
        """The value in the middle of the axis."""
        if self.is_ratio:
            return math.sqrt(self.low * self.high)
        return (self.low + self.high) / 2

    def place(self, value: float) -> float:
        """Where `value` stands, 0 at the left end and 1 at the right end."""
        low, high, at = (self._linear(v) for v in (self.low, self.high, value))
        return (at - low) / (high - low)

    def inside(self, value: float) -> bool:
        """Whether `value` can be drawn without an arrow."""
        return self.low <= value <= self.high

    def ticks(self, most: int) -> list[float]:
        """At most about `most` round values; the value of no difference is among them."""
        if self.is_ratio and self.high / self.low >= 4:
            return self._log_ticks(most)
        steps = [1, 2, 2.5, 5, 10]
        found = MaxNLocator(nbins=max(most, 2), steps=steps).tick_values(self.low, self.high)
        null = self.null
        kept = [float(v) for v in found if self.low <= v <= self.high]
        if self.inside(null) and not any(math.isclose(v, null, abs_tol=1e-12) for v in kept):
            kept = sorted([*kept, null])
        return kept

    def number(self, value: float) -> str:
        """A value as text with a proper minus sign."""
        if not np.isfinite(value):
            return "–"
        return number(value, self._digits(value))

    def interval(self, low: float, high: float) -> str:
        """Two limits as text."""
        return f"[{self.number(low)} to {self.number(high)}]"

    def _digits(self, value: float) -> int:
        small = self.is_ratio and value != 0
        return max(self.digits, first_digit(value)) if small else self.digits

    def _linear(self, value: float) -> float:
        return math.log(value) if self.is_ratio else value

    def _log_ticks(self, most: int) -> list[float]:
        exponents = range(math.ceil(math.log2(self.low)), math.floor(math.log2(self.high)) + 1)
        if len(exponents) <= most:
            return [2.0**exponent for exponent in exponents]
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for steps in (LOG_STEPS, (1, 3), (1,)):
            values = [step * 10.0**decade for decade in decades for step in steps]
            kept = [value for value in values if self.inside(value)]
            if len(kept) <= most:
                return kept
        every = math.ceil(len(kept) / most)
        return [value for value in kept if round(math.log10(value)) % every == 0]


def effect_scale(
    estimates: Sequence[float],
    intervals: Iterable[tuple[float, float]],
    wanted: Sequence[float],
    *,
    is_ratio: bool,
) -> Scale:
    """An axis that shows every estimate and, as far as they do not drown them, the intervals.

    Parameters
    ----------
    estimates : sequence of float
        Effects of the studies, all of them inside the axis.
    intervals : iterable of (low, high)
        Intervals that may be clipped.
    wanted : sequence of float
        Other values inside the axis, such as the value of no difference (NaN for shares, which
        have none) and the limits of the pooled interval.
    """
    turn = math.log if is_ratio else float
    core = [turn(v) for v in (*estimates, *wanted) if np.isfinite(v)]
    limits = [(turn(low), turn(high)) for low, high in intervals if np.isfinite([low, high]).all()]
    widths = [high - low for low, high in limits] or [1.0]
    reach = REACH * max(max(core) - min(core), float(np.median(widths)))
    low = max(min([*core, *(low for low, _ in limits)]), min(core) - reach)
    high = min(max([*core, *(high for _, high in limits)]), max(core) + reach)
    pad = MARGIN * (high - low or 1.0)
    ends = (low - pad, high + pad)
    if is_ratio:
        ends = (math.exp(ends[0]), math.exp(ends[1]))
        limits = [(math.exp(low), math.exp(high)) for low, high in limits]
    return Scale(*ends, is_ratio=is_ratio, digits=decimals(*limits),
                 has_null=not any(math.isnan(value) for value in wanted[:1]))


def ratio_scale(estimates: Sequence[float], limits: Iterable[float]) -> Scale:
    """An axis of ratios from one power of two to another, with ticks on both sides of 1.

    It holds every estimate, and every limit of an interval that lies within `FOLD` times of 1.

    Parameters
    ----------
    estimates : sequence of float
    limits : iterable of float
        Ends of the intervals; one further away gets an arrow.
    """
    reached = [min(max(limit, 1 / FOLD), FOLD) for limit in limits if np.isfinite(limit)]
    values = [0.5, 2.0, *reached, *(value for value in estimates if np.isfinite(value))]
    ends = math.floor(math.log2(min(values))), math.ceil(math.log2(max(values)))
    return Scale(2.0 ** ends[0], 2.0 ** ends[1], is_ratio=True, digits=2)


def ticks_of(pool: Pool, low: float, high: float, most: int) -> dict[float, str]:
    """Ticks of an axis on the analysis scale: their places, and the shown values there.

    Parameters
    ----------
    pool : Pool
    low, high : float
        Ends of the axis on the analysis scale.
    most : int
        Ticks at most, about.
    """
    shown = [float(pool.to_shown(value)) for value in (low, high)]
    if pool.measure not in BENT:
        values = effect_scale(shown, [], [pool.null_value], is_ratio=pool.is_ratio).ticks(most)
        places = {float(pool.to_analysis(value)): tick_text(value) for value in values}
        return {place: text for place, text in places.items() if low <= place <= high}
    found: dict[float, str] = {}
    for value in BENT[pool.measure]:  # the first ones first
        place = float(pool.to_analysis(value))
        if low <= place <= high and all(abs(place - other) > (high - low) / (most + 1)
                                        for other in found):
            found[place] = tick_text(value)
    return found


def tick_text(value: float) -> str:
    """A tick without needless zeros."""
    return f"{value:.6g}".replace("-", "−")
