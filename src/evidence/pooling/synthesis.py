"""Pool the effects of one analysis into a frozen `Pool`, which table, figure and sentence read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr, stdtr

from evidence.pooling import regression, subgroups
from evidence.pooling.effects import (
    CELLS,
    METHOD_MEASURES,
    is_empty,
    outcome_effects,
    records,
)
from evidence.pooling.effects import METHODS as POOLING_METHODS
from evidence.pooling.estimators import (
    DEFAULT_RULE,
    INTERVAL_RULES,
    METHODS,
    Pools,
    between_study_variance,
    mantel_haenszel,
    pool_many,
    tau2_interval,
)
from evidence.pooling.measures import critical, is_ratio, to_analysis, to_shown
from evidence.review import (
    ARMS,
    MEASURE_WORDS,
    MEASURES,
    METHOD_WORDS,
    POOLING_WORDS,
    REPORTED_AS,
    RULE_WORDS,
    Z95,
)
from evidence.wording import (
    as_text,
    decimals,
    in_words,
    interval,
    number,
    plural,
    signed,
    with_interval,
)

SMALLEST_POOL = 3
DRAW_POOL = ("yes", "no", "from_three")
SCALES = ("log",)
UNDRAWN = {
    0: "No trial can be pooled.",
    1: "One trial: there is nothing to pool.",
    2: "Two trials cannot support a pooled interval; their own intervals stand above.",
}
SHOWN = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")  # of a pool, on the display scale


def favours_words(higher_is: str, intervention: str, control: str) -> tuple[str, str]:
    """What the left and the right side of the null line mean."""
    if higher_is == "worse":
        return f"favours {intervention}", f"favours {control}"
    if higher_is == "better":
        return f"favours {control}", f"favours {intervention}"
    return f"lower with {intervention}", f"higher with {intervention}"


@dataclass(frozen=True, slots=True)
class StudyRow:
    """One pooled row. ``effect`` and its 95 % limits are on the display scale, ``yi`` may be a log.

    The limits are those that the report prints for this effect (``interval_source`` is reported),
    else limits from its standard error with t or z; what is pooled is ``yi`` with ``vi``.
    ``n`` is None where it is not known, ``year`` likewise; ``weight`` is in percent. ``stratum``
    says which part of the study's people the row is about, ``subgroup`` the group it is shown in.
    """

    outcome_id: str
    study: str
    yi: float
    vi: float
    effect: float
    ci_low: float
    ci_high: float
    weight: float
    n: int | None
    design: str
    crossover: bool
    derived_from: str
    verification: str
    year: int | None
    interval_source: str = "z"
    stratum: str = ""
    subgroup: str = ""


@dataclass(frozen=True, slots=True)
class ExcludedRow:
    """One row that was named but not pooled, and why."""

    outcome_id: str
    study: str
    reason: str
    n: int | None
    design: str
    crossover: bool


@dataclass(frozen=True, slots=True)
class PooledEstimate:
    """The pooled effect under one interval rule.

    Estimate and limits are on the display scale (ratios as ratios), ``se`` on the analysis scale
    (log for ratios). Limits of the prediction interval are NaN below three studies.
    ``interval_source`` is empty for two studies or more; of one study it says what its interval
    is: as the report prints it (reported), or from its standard error with t or z.
    """

    interval_rule: str
    estimate: float
    se: float
    ci_low: float
    ci_high: float
    p_value: float
    pi_low: float
    pi_high: float
    interval_source: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class Pool:
    """One analysis: what was asked, the effects of its studies, and what they give together.

    Table, forest plot, sentence and alt text read this object. It is frozen.

    Attributes
    ----------
    name, title, role, parent, rationale : str
        As data/analyses.csv says; ``parent`` is the analysis that a sensitivity analysis varies.
    effects : DataFrame
        Every named row, pooled or not: `evidence.pooling.effects.COLUMNS` and columns of groups
        and moderators.
    measure : str
        One of `evidence.pooling.measures.MEASURES`; with ``scale`` "log" ready-made effects are
        logs of ratios and shown as ratios.
    basis, method, tau2_method, interval_rule, draw_pool : str
        How it was done: source of effects; inverse_variance, mantel_haenszel or peto; REML, DL,
        PM, HE or FE; rule of the default interval; yes, no or from_three.
    subgroup_by, moderators : str, tuple of str
        Columns of `effects` for `subgroups` and `regression`.
    label_low, label_high : str
        Names of the two sides of the axis; empty for "favours …".
    studies, excluded, pooled : tuple
        `StudyRow`, `ExcludedRow` and one `PooledEstimate` for each interval rule.
    tau2, tau2_ci_low, tau2_ci_high, i2, q, q_p_value : float
        Variance between studies with its Q-profile limits, on the analysis scale (log for
        ratios), I² in percent, Cochran's Q; NaN below two studies.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"study": ["a", "b", "c"], "effect": [-1.0, -0.5, -0.2],
    ...                       "effect_se": [0.4, 0.3, 0.3]})
    >>> pool = pool_frame(frame, measure="MD")
    >>> pool
    MD −0.50 (−1.43 to 0.42); k = 3
    >>> pool.to_frame()[["study", "weight_percent"]].round(1).values.tolist()
    [['a', 23.2], ['b', 38.4], ['c', 38.4]]
    """

    name: str
    title: str
    role: str
    parent: str
    rationale: str
    effects: pd.DataFrame
    measure: str
    scale: str
    basis: str
    method: str
    tau2_method: str
    interval_rule: str
    draw_pool: str
    subgroup_by: str
    moderators: tuple[str, ...]
    label_low: str
    label_high: str
    higher_is: str
    studies: tuple[StudyRow, ...]
    excluded: tuple[ExcludedRow, ...]
    pooled: tuple[PooledEstimate, ...]
    tau2: float
    tau2_ci_low: float
    tau2_ci_high: float
    i2: float
    q: float
    q_p_value: float

    @property
    def k(self) -> int:
        """Number of pooled studies; strata of one study that are pooled side by side all count."""
        return len(self.studies)

    @property
    def n(self) -> int | None:
        """People in the pooled studies; None when one study does not say."""
        counts = [row.n for row in self.studies]
        return None if None in counts or not counts else sum(counts)

    @property
    def is_ratio(self) -> bool:
        """Whether the display scale is a ratio scale."""
        return is_ratio(self.measure, self.scale)

    @property
    def null_value(self) -> float:
        """The value of no difference on the display scale; NaN for shares, which have none."""
        return np.nan if self.measure == "PROP" else 1.0 if self.is_ratio else 0.0

    @property
    def measure_words(self) -> str:
        """The measure in words, as the heading of an axis."""
        return "Ratio" if self.measure == "GEN" and self.is_ratio else MEASURE_WORDS[self.measure]

    @property
    def can_pool(self) -> bool:
        """Whether a pooled effect is drawn: it exists, and there are enough studies for it."""
        least = {"yes": 2, "from_three": SMALLEST_POOL, "no": np.inf}[self.draw_pool]
        return self.k >= least and bool(np.isfinite(self.default.estimate) and self.default.se)

    @property
    def why_undrawn(self) -> str:
        """Why no pooled effect is drawn, as a sentence; empty when it is."""
        if self.can_pool:
            return ""
        if self.k > 1 and self.draw_pool != "from_three":
            if self.draw_pool == "no":
                return "The analysis asks for no pooled effect; the trials stand for themselves."
            if self.default.se == 0:
                return "No trial has an event: a pooled difference would have no interval."
            return "One arm has no events in any trial: there is no pooled ratio."
        return UNDRAWN[self.k]

    def rule(self, interval_rule: str) -> PooledEstimate:
        """The pooled effect under one interval rule.

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"study": ["a", "b", "c"], "effect": [-1.0, -0.5, -0.2],
        ...                       "effect_se": [0.4, 0.3, 0.3]})
        >>> pool = pool_frame(frame, measure="MD")
        >>> round(pool.rule("hartung_knapp").ci_low, 2)
        -1.43
        """
        return next(row for row in self.pooled if row.interval_rule == interval_rule)

    @property
    def default(self) -> PooledEstimate:
        """The pooled effect under the default interval rule of this analysis."""
        return self.rule(self.interval_rule)

    @property
    def wald(self) -> PooledEstimate:
        """The pooled effect under the Wald interval."""
        return self.rule("wald")

    @property
    def estimate(self) -> float:
        """Pooled effect on the display scale."""
        return self.default.estimate

    @property
    def ci_low(self) -> float:
        """Lower 95 % limit on the display scale; of one study, its own."""
        return self.default.ci_low

    @property
    def ci_high(self) -> float:
        """Upper 95 % limit on the display scale; of one study, its own."""
        return self.default.ci_high

    @property
    def excludes_null(self) -> bool:
        """Whether the default interval excludes the value of no difference."""
        return self.ci_low > self.null_value or self.ci_high < self.null_value

    @property
    def favours(self) -> str:
        """Side of the point estimate, whatever its interval: intervention, control or neither."""
        if not self.studies or self.higher_is not in ("worse", "better"):
            return "neither"
        if not (self.estimate > self.null_value or self.estimate < self.null_value):
            return "neither"
        is_higher = self.estimate > self.null_value
        return "intervention" if is_higher == (self.higher_is == "better") else "control"

    def sides(self, intervention: str, control: str) -> tuple[str, str]:
        """What the left and the right side of the axis mean; empty for shares.

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"study": ["a", "b", "c"], "effect": [-1.0, -0.5, -0.2],
        ...                       "effect_se": [0.4, 0.3, 0.3]})
        >>> pool = pool_frame(frame, measure="MD")
        >>> pool.sides("tea", "water")
        ('lower with tea', 'higher with tea')
        """
        sides = favours_words(self.higher_is, intervention, control)
        if self.measure == "PROP":
            sides = "", ""
        elif self.measure == "COR":
            sides = "negative", "positive"
        return self.label_low or sides[0], self.label_high or sides[1]

    @property
    def each(self) -> list[str]:
        """Effect and limits of every study, as "−0.34 (−0.95 to 0.27)"."""
        sign = "" if self.is_ratio or self.measure == "PROP" else "+"
        return [with_interval(row.effect, row.ci_low, row.ci_high, sign) for row in self.studies]

    @property
    def headline(self) -> str:
        """How many studies, and what they show together, as "Two studies pooled: risk ratio 0.80
        (0.66 to 0.97)"."""
        trials = len({row.study for row in self.studies})
        text = f"{in_words(trials).capitalize()} {plural(trials, 'study', 'studies')}"
        if trials < self.k:
            text += f" in {in_words(self.k)} groups"
        measure = self.measure_words.lower()
        if self.k == 0:
            return "No result can be pooled"
        if self.k > SMALLEST_POOL - 1 and not self.can_pool:
            effects = [row.effect for row in self.studies]
            ends = min(effects), max(effects)
            low, high = (number(value, decimals(ends)) for value in ends)
            return f"{text}, not pooled: {measure} from {low} to {high}"
        if self.k > 1 and not self.can_pool:
            return f"{text}, not pooled: {measure} {' and '.join(self.each)}"
        pooled = " pooled" if self.k > 1 else ""
        found = with_interval(self.estimate, self.ci_low, self.ci_high)
        return f"{text}{pooled}: {measure} {found}"

    @property
    def method_line(self) -> str:
        """Estimator, interval rule, number of studies and of people, as one sentence."""
        people = "" if self.n is None else f", n = {self.n:,}"
        if self.k == 0:
            return "No study can be pooled."
        if self.k == 1:
            return f"One study with its own interval, k = 1{people}."
        estimator = POOLING_WORDS.get(self.method) or METHOD_WORDS[self.tau2_method]
        words = f"{estimator}; {RULE_WORDS[self.interval_rule]}"
        return f"{words[0].upper()}{words[1:]}; k = {self.k}{people}."

    def to_frame(self) -> pd.DataFrame:
        """Every named row with its effect, limits and weight, or the reason why it is left out.

        Returns
        -------
        DataFrame
            ``outcome_id``, ``study``, ``subgroup`` (where the analysis has groups), ``n``,
            ``effect``, ``ci_low``, ``ci_high`` (display scale), ``weight_percent``, ``included``,
            ``reason``, ``derived_from``, ``yi`` and ``vi`` (analysis scale), and the cells of
            counts that the rows have.

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"study": ["a", "b", "c"], "effect": [-1.0, -0.5, -0.2],
        ...                       "effect_se": [0.4, 0.3, 0.3]})
        >>> pool = pool_frame(frame, measure="MD")
        >>> pool.to_frame()[["study", "effect", "included"]].values.tolist()
        [['a', -1.0, True], ['b', -0.5, True], ['c', -0.2, True]]
        """
        rows = {row.outcome_id: row for row in self.studies}
        frame = self.effects[["outcome_id", "study"]].reset_index(drop=True)
        kept = [rows.get(outcome_id) for outcome_id in frame["outcome_id"]]
        if self.subgroup_by:
            frame["subgroup"] = self.effects["subgroup"].to_numpy()
        frame["n"] = self.effects["n"].array
        for column, name in (("effect", "effect"), ("ci_low", "ci_low"), ("ci_high", "ci_high"),
                             ("weight_percent", "weight")):
            frame[column] = [np.nan if row is None else getattr(row, name) for row in kept]
        names = ["included", "reason", "derived_from", "yi", "vi"]
        names += [name for name in CELLS
                  if name in self.effects and self.effects[name].notna().any()]
        return frame.assign(**{name: self.effects[name].array for name in names})

    def part(self, rows: Iterable[bool], **changes) -> Pool:
        """The same analysis of some rows of `effects`, pooled again.

        Parameters
        ----------
        rows : array of bool, one for each row of `effects`
        **changes
            Anything that `synthesise` takes, such as ``title``.
        """
        names = ("name", "title", "role", "parent", "rationale", "measure", "scale", "basis",
                 "method", "tau2_method", "interval_rule", "draw_pool", "subgroup_by",
                 "moderators", "label_low", "label_high")  # fmt: skip
        asked = {name: getattr(self, name) for name in names} | changes
        return synthesise(self.effects[np.asarray(rows, dtype=bool)], **asked)

    def leave_one_out(self) -> pd.DataFrame:
        """Pool again without each study in turn, under the analysis' own estimator and rule.

        Returns
        -------
        DataFrame
            One row per study: ``outcome_id`` and ``study`` left out, ``k``, ``estimate``, ``se``,
            ``ci_low``, ``ci_high``, ``p_value``, ``pi_low``, ``pi_high``, ``tau2``, ``i2``.

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"study": ["a", "b", "c"], "effect": [-1.0, -0.5, -0.2],
        ...                       "effect_se": [0.4, 0.3, 0.3]})
        >>> pool = pool_frame(frame, measure="MD")
        >>> pool.leave_one_out()[["study", "k", "estimate"]].round(2).values.tolist()
        [['a', 2, -0.35], ['b', 2, -0.56], ['c', 2, -0.68]]
        """
        return self._again(self.studies, ~np.eye(self.k, dtype=bool))

    def cumulative(self) -> pd.DataFrame:
        """Pool study by study, from the oldest on; studies without year come last.

        Returns
        -------
        DataFrame
            One row per study: ``outcome_id`` and ``study`` added, ``year``, then as
            `leave_one_out`.

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"study": ["a", "b", "c"], "effect": [-1.0, -0.5, -0.2],
        ...                       "effect_se": [0.4, 0.3, 0.3]})
        >>> pool = pool_frame(frame, measure="MD")
        >>> pool.cumulative()[["study", "k", "estimate"]].round(2).values.tolist()
        [['a', 1, -1.0], ['b', 2, -0.68], ['c', 3, -0.5]]
        """
        rows = sorted(self.studies, key=lambda row: (row.year is None, row.year or 0))
        table = self._again(rows, np.triu(np.ones((self.k, self.k), dtype=bool)))
        table.insert(2, "year", pd.array([row.year for row in rows], dtype="Int64"))
        return table

    def subgroups(self) -> pd.DataFrame:
        """Subtotals by `subgroup_by` and the test between them (`evidence.pooling.subgroups`).

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"study": ["a", "b", "c"], "effect": [-1.0, -0.5, -0.2],
        ...                       "effect_se": [0.4, 0.3, 0.3], "dose": ["low", "low", "high"]})
        >>> pool = pool_frame(frame, measure="MD", subgroup_by="dose")
        >>> pool.subgroups()[["subgroup", "k"]].values.tolist()
        [['low', 2], ['high', 1]]
        """
        return subgroups.subgroups(self)

    def parts(self) -> dict[str, Pool]:
        """The pool of each subgroup, in the order of the rows; empty without subgroups.

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"study": ["a", "b", "c"], "effect": [-1.0, -0.5, -0.2],
        ...                       "effect_se": [0.4, 0.3, 0.3], "dose": ["low", "low", "high"]})
        >>> pool = pool_frame(frame, measure="MD", subgroup_by="dose")
        >>> list(pool.parts())
        ['low', 'high']
        """
        return subgroups.parts(self)

    def regression(self) -> pd.DataFrame:
        """Meta-regression on `moderators` (`evidence.pooling.regression.regression`).

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"study": ["a", "b", "c"], "effect": [-1.0, -0.5, -0.2],
        ...                       "effect_se": [0.4, 0.3, 0.3], "age": [20, 30, 40]})
        >>> pool = pool_frame(frame, measure="MD", moderators=["age"])
        >>> pool.regression()["term"].tolist()
        ['intercept', 'age']
        """
        return regression.regression(self)

    @property
    def why_no_regression(self) -> str:
        """Why there is no meta-regression, as a sentence; empty when there is one."""
        return regression.why_no_regression(self)

    def small_study(self) -> pd.DataFrame:
        """Egger's test, from ten studies on (`evidence.pooling.regression.small_study`).

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"study": ["a", "b", "c"], "effect": [-1.0, -0.5, -0.2],
        ...                       "effect_se": [0.4, 0.3, 0.3]})
        >>> pool = pool_frame(frame, measure="MD")
        >>> len(pool.small_study()), pool.why_no_small_study
        (0, '3 trials: below ten, an uneven funnel cannot be told from chance.')
        """
        return regression.small_study(self)

    @property
    def why_no_small_study(self) -> str:
        """Why small-study effects are not tested, as a sentence; empty when they are."""
        return regression.why_no_small_study(self)

    def to_analysis(self, values):
        """Values of the display scale on the scale on which they are pooled; as they are for MD.

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"study": ["a", "b", "c"], "effect": [-1.0, -0.5, -0.2],
        ...                       "effect_se": [0.4, 0.3, 0.3]})
        >>> pool = pool_frame(frame, measure="MD")
        >>> float(pool.to_analysis(-0.5))
        -0.5
        """
        return to_analysis(values, self.measure, self.scale)

    def to_shown(self, values):
        """Values of the analysis scale as they are shown; as they are for MD.

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"study": ["a", "b", "c"], "effect": [-1.0, -0.5, -0.2],
        ...                       "effect_se": [0.4, 0.3, 0.3]})
        >>> pool = pool_frame(frame, measure="MD")
        >>> float(pool.to_shown(-0.5))
        -0.5
        """
        return to_shown(values, self.measure, self.scale)

    def _again(self, rows: Sequence[StudyRow], masks: np.ndarray) -> pd.DataFrame:
        """Pool one data set per column of `masks`, which says which of `rows` it holds."""
        names = ("k", "estimate", "se", "ci_low", "ci_high", "p_value", "pi_low", "pi_high",
                 "tau2", "i2")  # fmt: skip
        ids = [row.outcome_id for row in rows]
        if self.method == "mantel_haenszel":
            parts = [self.part(self.effects["outcome_id"].isin(np.array(ids)[mask]).to_numpy())
                     for mask in masks.T]
            table = pd.DataFrame(
                [[part.k, *(getattr(part.default, name) for name in names[1:8]), part.tau2, part.i2]
                 for part in parts], columns=names)
        else:
            yi, vi = (np.array([getattr(row, name) for row in rows]) for name in ("yi", "vi"))
            pools = pool_many(
                np.where(masks, yi[:, None], np.nan),
                np.where(masks, vi[:, None], np.nan),
                method=self.tau2_method,
                rule=self.interval_rule,
            )
            table = pd.DataFrame({name: getattr(pools, name) for name in names})
            for name in SHOWN:
                table[name] = to_shown(table[name], self.measure, self.scale)
        table.insert(0, "outcome_id", ids)
        table.insert(1, "study", [row.study for row in rows])
        return table

    def __repr__(self) -> str:
        if self.k == 0:
            return f"{self.measure}; k = 0"
        if self.k > 1 and not self.can_pool:
            return f"{self.measure} {', '.join(self.each)}; k = {self.k}, not pooled"
        found = with_interval(self.estimate, self.ci_low, self.ci_high)
        return f"{self.measure} {found}; k = {self.k}"

    def _repr_html_(self) -> str:
        table = self.to_frame()
        known = table["included"]
        texts = [("", "", "")] * len(table)
        for place, row in zip(np.flatnonzero(known), self.studies, strict=True):
            texts[place] = (signed(f"{row.effect:.2f}"), interval(row.ci_low, row.ci_high),
                            f"{row.weight:.1f} %")
        shown = pd.DataFrame(texts, columns=[self.measure_words, "95 % interval", "Weight"])
        shown.insert(0, "Study", table["study"])
        shown.insert(1, "n", table["n"])
        if not known.all():
            shown["Not pooled"] = table["reason"]
        rows = shown.to_html(index=False, na_rep="", border=0)
        title = as_text(self.title or self.name)
        return (f"<p><strong>{title}</strong> {as_text(repr(self))}<br>"
                f"{as_text(self.method_line)}</p>{rows}")


def synthesise(
    effects: pd.DataFrame,
    *,
    measure: str | None = None,
    scale: str = "",
    basis: str = "auto",
    method: str = "",
    tau2_method: str = "",
    interval_rule: str = "",
    draw_pool: str = "",
    subgroup_by: str = "",
    moderators: Sequence[str] = (),
    name: str = "",
    title: str = "",
    role: str = "",
    parent: str = "",
    rationale: str = "",
    label_low: str = "",
    label_high: str = "",
) -> Pool:
    """Pool the included rows of a table of effects.

    Parameters
    ----------
    effects : DataFrame
        As `evidence.pooling.effects.outcome_effects` returns it. Only ``yi`` and ``vi`` are
        needed, and the counts of both arms for Mantel-Haenszel.
    measure : str, optional
        That of the table by default.
    scale, basis, method, tau2_method, interval_rule, draw_pool : str
        As in data/analyses.csv; an empty one means its default: inverse variance, REML (FE for
        Mantel-Haenszel and Peto), the floored Hartung-Knapp rule (Wald for a common effect), a
        pool drawn from three studies on (always for a common effect).
    **others
        Kept in the result.

    Returns
    -------
    Pool
        The pool of one study is that study with its own interval under each rule; without studies
        all is NaN. Mantel-Haenszel and Peto know the Wald rule only.

    Raises
    ------
    ValueError
        When a measure, method or rule is unknown, or they do not go together.
    """
    table = _complete(effects, measure)
    measure = measure or (table["measure"].iloc[0] if len(table) else "GEN")
    method = method or "inverse_variance"
    plain = method == "inverse_variance"
    tau2_method = tau2_method or ("REML" if plain else "FE")
    common = tau2_method == "FE"
    interval_rule = interval_rule or ("wald" if common else DEFAULT_RULE)
    draw_pool = draw_pool or ("yes" if common else "from_three")
    for value, allowed in (
        (measure, MEASURES), (method, POOLING_METHODS), (tau2_method, METHODS),
        (interval_rule, INTERVAL_RULES), (draw_pool, DRAW_POOL), (scale, ("", *SCALES)),
    ):  # fmt: skip
        if value not in allowed:
            raise ValueError(f"{value} is unknown: use one of {', '.join(filter(None, allowed))}")
    if not plain:
        for value, allowed in ((measure, METHOD_MEASURES[method]), (tau2_method, ("FE",)),
                               (interval_rule, ("wald",))):  # fmt: skip
            if value not in allowed:
                raise ValueError(f"{method} does not go with {value}: "
                                 f"use {' or '.join(allowed)}")
    pooled = table[table["included"]]
    results, weights, rules, limits = _pools(pooled, measure, method, tau2_method)
    show = _Display(measure, scale)
    studies = _study_rows(pooled, weights, show)
    spread = results["wald"]
    directions = set(pooled["higher_is"]) - {""}
    return Pool(
        name=name,
        title=title,
        role=role,
        parent=parent,
        rationale=rationale,
        effects=table,
        measure=measure,
        scale=scale,
        basis=basis,
        method=method,
        tau2_method=tau2_method,
        interval_rule=interval_rule,
        draw_pool=draw_pool,
        subgroup_by=subgroup_by,
        moderators=tuple(moderators),
        label_low=label_low,
        label_high=label_high,
        higher_is=directions.pop() if len(directions) == 1 else "",
        studies=studies,
        excluded=tuple(
            ExcludedRow(**{name: _plain(row[name]) for name in ExcludedRow.__slots__})
            for row in records(table[~table["included"]])
        ),
        pooled=tuple(_pooled_row(rule, results[rule], studies, pooled, show) for rule in rules),
        tau2=float(spread.tau2[0]),
        tau2_ci_low=limits[0],
        tau2_ci_high=limits[1],
        i2=float(spread.i2[0]),
        q=float(spread.q[0]),
        q_p_value=float(spread.q_p_value[0]) if len(pooled) else np.nan,
    )


def pool_frame(
    frame: pd.DataFrame,
    *,
    measure: str = "",
    basis: str = "auto",
    subgroup_by: str = "",
    moderators: Sequence[str] = (),
    **options,
) -> Pool:
    """Pool the rows of any DataFrame.

    Parameters
    ----------
    frame : DataFrame
        One row per study. Needs ``study``, and columns of arms (``intervention_n``, ``_mean``,
        ``_sd``, ``_events``, ``_time``, ``control_n`` and so on) or of effects (``effect`` with
        ``effect_se``, or with ``effect_ci_low`` and ``effect_ci_high``, or with ``p_value``), or
        ready-made ``yi`` and ``vi``. Columns of data/outcomes.csv mean what they mean there.
    measure : str, optional
        Without it, what the columns allow: a stated ``effect_measure``, else RR for counts of two
        arms, IRR with person-time, PROP for counts of one, MD for means, GEN for the rest.
    basis : str
        auto, reported or arms.
    subgroup_by : str
        Column of groups for `Pool.subgroups`.
    moderators : sequence of str
        Columns for `Pool.regression`.
    **options
        What `synthesise` takes: method, tau2_method, interval_rule, draw_pool, scale, title.

    Returns
    -------
    Pool

    Raises
    ------
    KeyError
        When the frame lacks ``study``, or a column of groups or moderators.
    ValueError
        When a measure, method or rule is unknown, or they do not go together.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({
    ...     "study": ["a", "b"], "intervention_events": [10, 5], "intervention_n": [100, 80],
    ...     "control_events": [20, 15], "control_n": [100, 82]})
    >>> pool_frame(frame, tau2_method="FE")
    RR 0.44 (0.25 to 0.77); k = 2
    """
    rows = frame.reset_index(drop=True)
    needed = ["study", *([subgroup_by] if subgroup_by else []), *moderators]
    missing = [name for name in needed if name not in rows]
    if missing:
        raise KeyError(f"the frame has no column {', '.join(missing)}")
    if "outcome_id" not in rows:
        again = rows.groupby("study", sort=False).cumcount()
        names = rows["study"].astype(str)
        rows["outcome_id"] = names.where(again == 0, names + "-" + (again + 1).astype(str))
    measure = measure or _inferred_measure(rows)
    if {"yi", "vi"} <= set(rows) and options.get("method") not in METHOD_MEASURES:
        effects = _with_usable(rows.assign(measure=measure))
    else:
        taken = {name: options[name] for name in ("method", "scale") if options.get(name)}
        effects = outcome_effects(rows, measure, basis, **taken)
    effects = with_columns(effects, rows, subgroup_by, moderators)
    return synthesise(effects, measure=measure, basis=basis, subgroup_by=subgroup_by,
                      moderators=moderators, **options)


def _with_usable(effects: pd.DataFrame) -> pd.DataFrame:
    """Ready-made effects, of which those without a number or a variance above zero are left out."""
    yi, vi = (pd.to_numeric(effects[name], errors="coerce") for name in ("yi", "vi"))
    usable = np.isfinite(yi) & np.isfinite(vi) & (vi > 0)
    kept = effects["included"].astype(bool) if "included" in effects else True
    reason = effects["reason"] if "reason" in effects else pd.Series("", effects.index)
    return effects.assign(
        yi=yi, vi=vi, included=usable & kept,
        reason=reason.mask(~usable & kept, "yi and vi must be numbers, and vi above zero"),
    )


def with_columns(
    effects: pd.DataFrame, rows: pd.DataFrame, subgroup_by: str = "", moderators: Sequence[str] = ()
) -> pd.DataFrame:
    """Effects with the columns of groups and moderators of the rows they were made from."""
    for name in moderators:
        if name not in effects:
            effects[name] = rows[name].array
    if subgroup_by:
        effects["subgroup"] = [_group(value) for value in rows[subgroup_by]]
    return effects


def _group(value) -> str:
    """Name of a subgroup: the value of its column as a table shows it."""
    if is_empty(value) or str(value).strip() == "":
        return "not stated"
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    return f"{value:g}" if is_number else str(value)


def _inferred_measure(rows: pd.DataFrame) -> str:
    kinds = set(rows["effect_measure"].dropna()) if "effect_measure" in rows else set()
    stated = [measure for measure, kind in REPORTED_AS.items() if kind in kinds]
    if len(kinds) == 1 and stated:
        return stated[0]
    has = {name for name in rows if rows[name].notna().any()}
    both = {part for part in ("events", "n", "time", "mean", "sd")
            if {f"intervention_{part}", f"control_{part}"} <= has}  # fmt: skip
    for needed, measure in (({"events", "time"}, "IRR"), ({"events", "n"}, "RR"),
                            ({"mean", "sd", "n"}, "MD")):  # fmt: skip
        if needed <= both:
            return measure
    return "PROP" if {"intervention_events", "intervention_n"} <= has else "GEN"


class _Display:
    """From the analysis scale to the display scale of one analysis."""

    def __init__(self, measure: str, scale: str):
        self.measure, self.scale = measure, scale

    def __call__(self, value) -> float:
        return float(to_shown(value, self.measure, self.scale))

    def back(self, value: float) -> float:
        """From the display scale to the analysis scale."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(to_analysis(value, self.measure, self.scale))


def _complete(effects: pd.DataFrame, measure: str | None) -> pd.DataFrame:
    """The table with every column that a pool needs."""
    table = effects.reset_index(drop=True)
    labels = [f"study {number}" for number in range(1, len(table) + 1)]
    defaults = {
        "study": labels, "included": True, "reason": "", "measure": measure or "GEN", "n": pd.NA,
        "design": "", "crossover": False, "derived_from": "", "verification": "", "higher_is": "",
        "year": pd.NA, "ci_low": np.nan, "ci_high": np.nan, "df": np.nan,
        "stratum": "", "subgroup": "",
    }  # fmt: skip
    table = table.assign(**{name: value for name, value in defaults.items() if name not in table})
    if "outcome_id" not in table:
        table["outcome_id"] = table["study"]
    types = {"included": bool, "n": "Int64", "year": "Int64"}
    return table.astype({name: kind for name, kind in types.items() if table[name].dtype != kind})


def _pools(pooled: pd.DataFrame, measure: str, method: str, tau2_method: str) -> tuple:
    """Results by interval rule, weights that sum to 1, the rules known, limits of tau²."""
    yi, vi = pooled["yi"].to_numpy(float), pooled["vi"].to_numpy(float)
    tau2 = between_study_variance(yi[:, None], vi[:, None], tau2_method)
    weights = 1 / (vi + tau2[0])
    limits = tau2_interval(yi, vi) if tau2_method != "FE" else (np.nan, np.nan)
    if method == "mantel_haenszel" and len(pooled) > 1:
        result, weights = _mantel_haenszel_pools(pooled, measure)
        return {"wald": result}, weights, ("wald",), limits
    rules = INTERVAL_RULES if method == "inverse_variance" else ("wald",)
    results = {rule: pool_many(yi, vi, method=tau2_method, rule=rule, tau2=tau2) for rule in rules}
    return results, weights / weights.sum(), rules, limits


def _mantel_haenszel_pools(pooled: pd.DataFrame, measure: str) -> tuple[Pools, np.ndarray]:
    """The pool of counts with its Wald interval; Q of the studies' own effects about it.

    As in metafor, trials in which nobody or everybody had the event have no share in Q.
    """
    people = "time" if measure == "IRR" else "n"
    names = [f"{arm}_{part}" for arm in ARMS for part in ("events", people)]
    counts = pooled[names].to_numpy(float)
    estimate, se, weights = mantel_haenszel(measure, counts)
    a, n1, c, n2 = counts.T
    told = ~(((a == 0) & (c == 0)) | ((a == n1) & (c == n2) & (measure != "IRR")))
    yi, vi = pooled["yi"].to_numpy(float)[told], pooled["vi"].to_numpy(float)[told]
    q, df = float(((yi - estimate) ** 2 / vi).sum()), len(yi) - 1
    i2 = max(0.0, 100 * (q - df) / q) if q > 0 else 0.0 * q
    values = {
        "k": len(pooled), "estimate": estimate, "se": se, "df": np.inf,
        "ci_low": estimate - Z95 * se, "ci_high": estimate + Z95 * se, "pi_low": np.nan,
        "pi_high": np.nan, "tau2": 0.0, "i2": i2, "q": q, "q_df": df,
    }  # fmt: skip
    return Pools(**{name: np.array([value]) for name, value in values.items()}), weights


def _study_rows(
    pooled: pd.DataFrame, weights: np.ndarray, show: _Display
) -> tuple[StudyRow, ...]:
    rows = []
    for row, weight in zip(records(pooled), weights, strict=True):
        known = {name: _plain(row[name]) for name in StudyRow.__slots__ if name in row}
        source = "reported"
        if is_empty(row["ci_low"]) or is_empty(row["ci_high"]):
            df = None if is_empty(row["df"]) else row["df"]
            half = critical(df) * np.sqrt(row["vi"])
            source = "z" if df is None else "t"
            known |= {"ci_low": show(row["yi"] - half), "ci_high": show(row["yi"] + half)}
        known |= {"effect": show(row["yi"]), "weight": float(100 * weight),
                  "interval_source": source}
        rows.append(StudyRow(**known))
    return tuple(rows)


def _pooled_row(
    rule: str, pools: Pools, studies: Sequence[StudyRow], pooled: pd.DataFrame, show: _Display
) -> PooledEstimate:
    names = [name for name in PooledEstimate.__slots__ if name not in ("interval_rule",
                                                                       "interval_source")]
    values = {name: getattr(pools, name) for name in names}
    single = {name: float(array[0]) if len(array) else np.nan for name, array in values.items()}
    single |= {name: show(single[name]) for name in SHOWN}
    if len(studies) != 1:
        return PooledEstimate(rule, **single)
    study = studies[0]
    single |= {"ci_low": study.ci_low, "ci_high": study.ci_high}
    if study.interval_source == "reported":  # the p value that goes with the printed interval
        low, high = (show.back(limit) for limit in (study.ci_low, study.ci_high))
        with np.errstate(divide="ignore", invalid="ignore"):
            size = abs(study.yi) / ((high - low) / (2 * Z95))
        single["p_value"] = float(2 * ndtr(-size))
    elif study.interval_source == "t":
        size = abs(study.yi) / single["se"]
        single["p_value"] = float(2 * stdtr(float(pooled["df"].iloc[0]), -size))
    return PooledEstimate(rule, **single, interval_source=study.interval_source)


def _plain(value):
    """A value of a table as plain Python; None where it is empty."""
    if is_empty(value):
        return None
    return value.item() if hasattr(value, "item") else value
