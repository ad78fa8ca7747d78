"""Exploring in JupyterLab: choose studies, and pool results of one's own choice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ipywidgets as widgets
import pandas as pd

from evidence.figures import Figure
from evidence.notebook import own, selection
from evidence.notebook.controls import (
    Explorer,
    beside,
    coded,
    image,
    in_turn,
    note,
    one,
    quiet,
    radio,
    scrolling,
    several,
    typed,
)
from evidence.notebook.narrator import Narrator, Passage
from evidence.notebook.selection import Filter
from evidence.review import (
    DESIGNS,
    MEASURE_WORDS,
    METHOD_WORDS,
    POOLING_WORDS,
    RULE_WORDS,
    ReviewError,
    design,
    is_true,
)
from evidence.wording import as_text, escaped, plural

HELP = "Nothing marked in a list means everything. Ctrl and a click marks more than one."
NO_FOREST = "These results hold no comparison between arms."
ALL = "every outcome, arm by arm"
NO_PICTURE = "There is no primary study to draw."


class Studies(Explorer):
    """Filter studies; summary, table, landscape, results and forest plot follow."""

    def __init__(self, n: Narrator):
        self.n, self.review = n, n.review
        self._make_controls()
        self.said, self.chosen, self.landscape, self.found, self.forest = (
            widgets.HTML() for _ in range(5)
        )
        for control in self.controls:
            control.observe(self.update, "value")
        self.family.observe(self.draw, "value")
        self.reset.on_click(self.clear)
        self.box = widgets.VBox([
            widgets.HTML(f"<p>{HELP}</p>"),
            beside([self.condition, self.placebo, self.design, self.level, self.first, self.last,
                    self.reset],
                   [self.said, self.family, self.forest]),
            self.chosen, self.found, self.landscape,
        ])
        self.update()

    def _make_controls(self) -> None:
        table = selection.grouped(self.review)
        years = [("any", 0), *((str(y), int(y)) for y in sorted(set(table["year"].dropna())))]
        control = self.review.control
        self.condition = several("Condition", [
            (words, group) for group, words in selection.conditions(self.review).items()
        ])
        self.design = several("Design", [
            (design(code).words, code)
            for code in sorted(set(table["design"].dropna()), key=_place)
        ])
        self.level = several("Read as", selection.levels(self.review))
        self.placebo = radio("Control", ["any or none", f"{control} only", f"no {control}"])
        self.first, self.last = one("Year from", years), one("Year to", years)
        self.family = one("Forest plot of")
        self.family.style.description_width = "initial"
        self.reset = widgets.Button(description="Show everything")
        self.controls = (self.condition, self.design, self.level, self.placebo, self.first,
                         self.last)

    @property
    def wanted(self) -> Filter:
        """What the controls ask for."""
        return Filter(self.condition.value, self.design.value, self.first.value or None,
                      self.last.value or None, (None, True, False)[self.placebo.index],
                      self.level.value)

    @in_turn
    def update(self, _: Any = None) -> None:
        """Show what the controls ask for."""
        self.said.value = note(selection.summary(self.review, self.wanted)) + "".join(
            f"<p>{as_text(line)}</p>"
            for line in selection.known(self.review, self.n.analyses, self.wanted))
        self.chosen.value = scrolling(self.study_table())
        figure = own.landscape(self.review, self.wanted)
        self.landscape.value = image(figure) if figure else note(NO_PICTURE)
        self.found.value = scrolling(self.result_table())
        self.compared = self.families()
        with quiet(self.draw, [self.family]):
            before = self.family.value
            self.family.options = [
                (f"{name}: {len(rows)} {plural(len(rows), 'result')}", name)
                for name, rows in self.compared.items()
            ]
            self.family.value = (before if before in self.compared
                                 else next(iter(self.compared), None))
        self.draw()

    @in_turn
    def draw(self, _: Any = None) -> None:
        """Show the forest plot of the chosen outcome."""
        figure = self.forest_plot()
        self.forest.value = image(figure) if figure else note(NO_FOREST)

    @in_turn
    def clear(self, _: Any = None) -> None:
        """Empty every control."""
        with quiet(self.update, self.controls):
            for control in self.controls:
                control.index = () if isinstance(control, widgets.SelectMultiple) else 0
        with quiet(self.draw, [self.family]):
            self.family.value = None
        self.update()

    def families(self) -> dict[str, pd.DataFrame]:
        """Comparisons among the chosen results by outcome; all of them together, first, where none
        can be pooled."""
        found = selection.families(selection.results(self.review, self.wanted))
        fit = [is_true(rows, "poolable").any() for rows in found.values()]
        return found if any(fit) or len(found) < 2 else {ALL: pd.concat(found.values()), **found}

    def forest_plot(self) -> Figure | None:
        """The forest plot of the chosen outcome, None where arms are not compared."""
        rows = self.compared.get(self.family.value)
        if rows is None:
            return None
        if self.family.value != ALL:
            pool = own.pooled(rows, rows["measure"].iloc[0])
            if pool.k:
                return own.forest(self.review, pool)
        return own.arms(self.review, rows, self.wanted.words(self.review))

    def study_table(self) -> Passage:
        """The chosen studies."""
        table = selection.study_table(selection.choose(self.review, self.wanted))
        return self.n.table(table, "Chosen studies, the latest first")

    def result_table(self) -> Passage:
        """What the chosen studies report."""
        table = selection.result_table(selection.results(self.review, self.wanted))
        return self.n.table(table, "What they report")

    def still(self) -> Iterator[Any]:
        yield Passage(escaped(selection.summary(self.review, self.wanted)))
        yield self.study_table()
        for figure in (own.landscape(self.review, self.wanted), self.forest_plot()):
            if figure:
                yield figure


def _place(code: str) -> int:
    """Place of a design in the order of designs, an unknown one last."""
    return list(DESIGNS).index(code) if code in DESIGNS else len(DESIGNS)


class OwnForest(Explorer):
    """Pool results of one's own choice, see the forest plot, and save it.

    Parameters
    ----------
    n : Narrator
    deck : callable, optional
        Makes slides of figures (`evidence.publish.figure_deck`), so that a figure is saved as a
        slide, too.
    """

    def __init__(self, n: Narrator, deck: own.Deck | None = None):
        self.deck = deck
        self.review = n.review
        self.rows = selection.measurable(n.review)
        self.figure: Figure | None = None
        self.basis, self.scale = "auto", ""
        self.analyses = n.analyses
        self.start = one("Start from", [
            (pool.title or name, name) for name, pool in n.analyses.items()
        ])
        self.family = one("Outcome", list(dict.fromkeys(self.rows["family"])))
        self.included = several("Results", [], rows=8)
        self.measure = coded("Measure", MEASURE_WORDS)
        self.method = coded("Estimator", METHOD_WORDS | POOLING_WORDS)
        self.rule = coded("Interval", RULE_WORDS)
        self.name = typed("File name", "my_forest_plot")
        self.save = widgets.Button(description="Save figure")
        self.forest, self.said, self.saved = (widgets.HTML() for _ in range(3))
        self.controls = (self.included, self.measure, self.method, self.rule)
        for control in self.controls:
            control.observe(self.update, "value")
        self.family.observe(self.offer, "value")
        self.start.observe(self.begin, "value")
        self.save.on_click(self.write)
        self.box = beside(
            [self.start, self.family, self.included, self.measure, self.method, self.rule,
             self.name, self.save, self.saved],
            [self.forest, self.said],
        )
        self.begin()

    @in_turn
    def begin(self, _: Any = None) -> None:
        """Set every control as the chosen analysis of the review has it."""
        if self.start.value is None:
            self.offer()
            return
        pool = self.analyses[self.start.value]
        ids = [i for i in pool.effects["outcome_id"] if i in self.rows.index]
        if not ids:
            self.offer()
            return
        family = self.rows.loc[ids[0], "family"]
        with quiet(self.offer, [self.family]):
            self.family.value = family
        with quiet(self.update, self.controls):
            self._list(self.rows[(self.rows["family"] == family) | self.rows.index.isin(ids)])
            self.included.value = tuple(ids)
            self.measure.value = pool.measure
            self.method.value = pool.method if pool.method in POOLING_WORDS else pool.tau2_method
            self.rule.value = pool.interval_rule
        self.basis, self.scale = pool.basis, pool.scale
        self.update()

    @in_turn
    def offer(self, _: Any = None) -> None:
        """List the results of the chosen outcome and mark them all."""
        self.basis, self.scale = "auto", ""
        block = self.rows[self.rows["family"] == self.family.value]
        with quiet(self.update, self.controls):
            self._list(block)
            self.included.value = tuple(block.index)
            if len(block):
                self.measure.value = block["measure"].iloc[0]
        self.update()

    def _list(self, block: pd.DataFrame) -> None:
        self.included.options = list(zip(block["label"], block.index, strict=True))

    @in_turn
    def update(self, _: Any = None) -> None:
        """Pool what is marked and draw it."""
        self.saved.value, self.figure = "", None
        chosen = self.rows.loc[list(self.included.value)]
        try:
            analysis = own.pooled(chosen, self.measure.value, self.method.value,
                                  self.rule.value, basis=self.basis, scale=self.scale)
            self.figure = own.forest(self.review, analysis)
            self.words = " ".join([analysis.method_line,
                                   *own.remarks(chosen, analysis)])
        except ReviewError as error:
            self.words = "; ".join(map(str, error.problems))
        self.forest.value = image(self.figure) if self.figure else ""
        self.said.value = note(self.words)

    @in_turn
    def write(self, _: Any = None) -> None:
        """Save the figure under the typed name."""
        if not self.figure:
            self.saved.value = note("There is no figure to save.")
            return
        try:
            paths = own.save(self.review, self.figure, self.name.value, self.deck)
        except (ValueError, OSError) as error:
            self.saved.value = note(f"Not saved: {error}")
            return
        files = ", ".join(path.relative_to(self.review.root).as_posix() for path in paths)
        self.saved.value = note(f"Saved: {files}")

    def still(self) -> Iterator[Any]:
        if self.figure:
            yield self.figure
        yield Passage(escaped(self.words))
