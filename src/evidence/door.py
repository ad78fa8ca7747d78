"""The door: what a researcher holds in a notebook.

A `Review` gives its tables as DataFrames, its analyses as `Pool` and its figures as `Figure`; a
pool draws its own forest plot. DataFrames go in, DataFrames and matplotlib Axes come out, and
everything shows itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

import evidence.chapters  # noqa: F401  (registers its figures and facts)
from evidence import pooling, review
from evidence.figures import Figure, bubble, catalogue, forest, funnel, moderated, page
from evidence.wording import as_text, plural

__all__ = ["Figure", "Pool", "Review", "load", "pool"]


@dataclass(frozen=True, eq=False, repr=False)
class Pool(pooling.Pool):
    """An analysis with its result, which draws itself.

    Everything of `evidence.pooling.Pool`, and `forest`, `funnel` and `bubble`. Differences are
    intervention minus control, ratios intervention over control; estimates and limits are on the
    display scale, ``yi``, ``vi`` and ``tau2`` on the analysis scale (log for ratios).

    Attributes
    ----------
    intervention, control : str
        Names of the arms on the axis.
    labels : mapping of str to str
        From study to its name; studies without one keep their key.

    Examples
    --------
    >>> import evidence as ev
    >>> pain = ev.load().pool("fm_pain")
    >>> pain.k, pain.measure
    (3, 'MD')
    >>> list(pain.leave_one_out().columns[:4])
    ['outcome_id', 'study', 'k', 'estimate']
    """

    intervention: str = "intervention"
    control: str = "control"
    labels: Mapping[str, str] = field(default_factory=dict)

    def forest(self, ax: Axes | None = None) -> Axes:
        """Draw the forest plot: studies, pooled effect, prediction interval, and what is left out.

        Parameters
        ----------
        ax : Axes, optional
            Canvas to fill; a new pyplot figure as high as its rows need by default.

        Returns
        -------
        Axes
            Over the rows beside the effect axis; x are effects on the display scale (logarithmic
            for ratios), so that ``ax.axvline(-1)`` marks a difference of minus one.

        Examples
        --------
        >>> import evidence as ev
        >>> ax = ev.load().pool("fm_pain").forest()
        >>> line = ax.axvline(-1, color="black", linestyle=":")
        """
        rows = len(self.studies) + len(self.excluded) + 8
        with _styled(ax, (10.5, 1.0 + 0.29 * rows)) as canvas:
            return forest(
                self, canvas, layout="notebook", intervention_label=self.intervention,
                control_label=self.control, study_labels=self.labels,
            )  # fmt: skip

    def funnel(self, ax: Axes | None = None) -> Axes:
        """Draw effects against their standard errors, with the regions of conventional p values.

        Parameters
        ----------
        ax : Axes, optional
            Canvas to fill; a new pyplot figure by default.

        Returns
        -------
        Axes
            x are effects on the analysis scale (logarithms for ratios) with ticks on the display
            scale, y standard errors, downwards.

        Raises
        ------
        ValueError
            With `why_no_small_study`, below ten studies for instance.

        Examples
        --------
        >>> import pandas as pd, evidence as ev
        >>> frame = pd.DataFrame({"study": list("abcdefghij"), "effect": range(10),
        ...                       "effect_se": range(1, 11)})
        >>> ev.pool(frame, measure="MD").funnel().get_ylabel()
        'Standard error'
        """
        if self.why_no_small_study:
            raise ValueError(self.why_no_small_study)
        with _styled(ax, (8, 5)) as canvas:
            return funnel(self, canvas)

    @property
    def why_no_bubble(self) -> str:
        """Why there is no bubble plot; empty when there is one."""
        try:
            moderated(self)
        except review.NoDataError as reason:
            return str(reason)
        return ""

    def bubble(self, ax: Axes | None = None) -> Axes:
        """Draw effects against the first moderator, with the line of a regression on it alone.

        Parameters
        ----------
        ax : Axes, optional
            Canvas to fill; a new pyplot figure by default.

        Returns
        -------
        Axes
            y are effects on the analysis scale (logarithms for ratios) with ticks on the display
            scale.

        Raises
        ------
        evidence.review.NoDataError
            When the analysis has no moderator of numbers, or too few studies with values.

        Examples
        --------
        >>> import pandas as pd, evidence as ev
        >>> frame = pd.DataFrame({"study": list("abcd"), "effect": [0.1, 0.4, 0.3, 0.6],
        ...                       "effect_se": [0.2] * 4, "mean_age": [20, 30, 40, 50]})
        >>> ev.pool(frame, measure="MD", moderators=["mean_age"]).bubble().get_xlabel()
        'Mean age'
        """
        table = moderated(self)
        name = self.moderators[0].replace("_", " ").capitalize()
        with _styled(ax, (8, 5)) as canvas:
            return bubble(self, table, canvas, name)

    def part(self, rows: Iterable[bool], **changes) -> Pool:
        """The same analysis of some rows of `effects`, pooled again.

        Parameters
        ----------
        rows : array of bool, one for each row of `effects`
        **changes
            Anything that `evidence.pooling.synthesise` takes, such as ``title``.

        Examples
        --------
        >>> import evidence as ev
        >>> pain = ev.load().pool("fm_pain")
        >>> pain.part(pain.effects["design"] == "rct_parallel").k
        2
        """
        return _opened(super().part(rows, **changes), self.intervention, self.control, self.labels)


class Pools(pooling.Analyses):
    """The analyses of a review by id, each a `Pool`; run when the first of them is looked at."""

    def __getitem__(self, name: str) -> Pool:
        found, review = super().__getitem__(name), self.review
        arms = review.intervention, review.control
        if name not in self._opened:
            labels = {study: review.bibliography.cite(study)
                      for study in found.effects["study"] if study in review.bibliography}
            self._opened[name] = _opened(found, *arms, labels)
        return self._opened[name]

    @cached_property
    def _opened(self) -> dict[str, Pool]:
        return {}


@contextmanager
def _styled(ax: Axes | None, size: tuple[float, float]) -> Iterator[Axes]:
    """The style of notebooks, and a canvas: the one that is given, or that of a new figure.

    pyplot makes the figure outside the style: the first one of a session starts its backend, and
    the end of the style would take back what that sets.
    """
    figure = plt.figure(figsize=size) if ax is None else None
    with page.style("notebook"):
        yield ax if figure is None else figure.add_subplot()


@dataclass(frozen=True, eq=False, repr=False)
class Review(review.Review):
    """A review that passed its checks, with its analyses and figures.

    Every table of ``data/`` is a DataFrame, by attribute or by name: ``review.outcomes`` and
    ``review["outcomes"]`` are the same. Each look gives a fresh copy. ``pools`` holds the results
    of every analysis by its id.

    Examples
    --------
    >>> import evidence as ev
    >>> review = ev.load()
    >>> pain = review.outcomes.query("domain == 'pain' and poolable")
    >>> review.pool("fm_pain").to_frame().columns[:3].tolist()
    ['outcome_id', 'study', 'n']
    """

    pools: Pools = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        object.__setattr__(self, "pools", Pools(self))

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name.startswith("_") or name not in self.tables:
            raise AttributeError(f"the review has no table '{name}'")
        return self.table(name)

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self.tables:
            raise KeyError(f"the review has no table '{name}': use one of {', '.join(self.tables)}")
        return self.table(name)

    def __dir__(self):
        return sorted({*super().__dir__(), *self.tables})

    def pool(self, name: str) -> Pool:
        """The analysis `name` of data/analyses.csv with its result.

        Raises
        ------
        KeyError
            When there is no such analysis; the message names those that there are.

        Examples
        --------
        >>> import evidence as ev
        >>> ev.load().pool("fm_pain").k
        3
        """
        if name not in self.pools:
            known = ", ".join(self.pools) or "none"
            raise KeyError(f"data/analyses.csv has no analysis '{name}': use one of {known}")
        return self.pools[name]

    def figure(self, name: str) -> Figure:
        """The figure `name` of data/figures.csv; it shows itself.

        Raises
        ------
        ReviewError
            When there is no such figure, or it cannot be made.

        Examples
        --------
        >>> import evidence as ev
        >>> figure = ev.load().figure("gap_map")
        >>> figure.table.columns[:2].tolist()
        ['condition_group', 'domain_group']
        """
        return catalogue.build(self, self.pools, name)

    def _sizes(self) -> dict[str, int]:
        return {
            "table": len(self.tables),
            "reference": len(self.bibliography),
            "analysis": len(self.tables.get("analyses", ())),
            "figure": len(self.tables.get("figures", ())),
        }

    def __repr__(self) -> str:
        sizes = [f"{count} {plural(count, noun, PLURALS.get(noun))}"
                 for noun, count in self._sizes().items()]
        return f"{self.item('title', self.root.name)}: {', '.join(sizes)}"

    def _repr_html_(self) -> str:
        titles = {name: table.get("title", "") for name, table in self.dictionary.tables.items()}
        rows = "".join(
            f"<tr><td><code>{as_text(name)}</code></td><td>{len(frame)}</td>"
            f"<td>{as_text(titles.get(name, ''))}</td></tr>"
            for name, frame in self.tables.items()
        )
        return (f"<p><strong>{as_text(repr(self))}</strong></p><details><summary>Tables"
                "</summary><table><thead><tr><th>table</th><th>rows</th><th>holds</th></tr>"
                f"</thead><tbody>{rows}</tbody></table></details>")


PLURALS = {"analysis": "analyses"}


def load(root: Path | str | None = None) -> Review:
    """Read and check a review.

    Parameters
    ----------
    root : path, optional
        Folder of the review; the one around the current folder by default.

    Raises
    ------
    ReviewError
        When there is no review, or with every problem found in its tables and references.

    Examples
    --------
    >>> import evidence as ev
    >>> review = ev.load()
    >>> review.outcomes.equals(review["outcomes"])
    True
    """
    read = review.load_review(root)
    return Review(**{item.name: getattr(read, item.name) for item in fields(read)})


def pool(
    frame: pd.DataFrame, measure: str = "", *, intervention: str = "intervention",
    control: str = "control", **options,
) -> Pool:
    """Pool the rows of any DataFrame.

    Parameters
    ----------
    frame : DataFrame
        One row per study: ``study``, and columns of arms (``intervention_n``, ``_mean``, ``_sd``,
        ``_events``, ``control_n`` and so on) or of effects (``effect`` with ``effect_se``, or with
        ``effect_ci_low`` and ``effect_ci_high``). Column ``higher_is`` (worse or better) gives
        the sides of the axis their names.
    measure : str, optional
        MD, SMD, RR, OR, RD, HR, IRR, PROP, COR or GEN; what the columns allow by default.
    intervention, control : str
        Names of the arms on the axis.
    **options
        As for `evidence.pooling.pool_frame`: tau2_method, interval_rule, method, subgroup_by,
        moderators, basis, draw_pool, scale, title.

    Raises
    ------
    KeyError
        When the frame lacks a column that was asked for.
    ValueError
        When a measure, method or rule is unknown, or they do not go together.

    Examples
    --------
    >>> import pandas as pd, evidence as ev
    >>> frame = pd.DataFrame({"study": ["a", "b", "c"], "effect": [-1.0, -0.5, -0.2],
    ...                       "effect_se": [0.4, 0.3, 0.3]})
    >>> ev.pool(frame, measure="MD")
    MD −0.50 (−1.43 to 0.42); k = 3
    """
    return _opened(pooling.pool_frame(frame, measure=measure, **options), intervention, control, {})


def _opened(found: pooling.Pool, intervention: str, control: str,
            labels: Mapping[str, str]) -> Pool:
    known = {item.name: getattr(found, item.name) for item in fields(found)}
    known = {name: value.copy(deep=False) if isinstance(value, pd.DataFrame) else value
             for name, value in known.items()}
    return Pool(**known, intervention=intervention, control=control, labels=labels)
