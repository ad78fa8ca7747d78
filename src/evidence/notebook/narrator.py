"""Narration: what a notebook needs to tell its story from the data.

A notebook opens one `Narrator`, says sentences from templates, shows figures and tables, and
closes with the references that it has cited; it computes nothing itself.
"""

from __future__ import annotations

import html
from collections import ChainMap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

import evidence.chapters  # noqa: F401  (registers its figures and facts)
from evidence.appraisal import anchor
from evidence.figures import catalogue
from evidence.figures import figure as figure_module
from evidence.notebook import judged, tables
from evidence.notebook.still import is_still
from evidence.pooling import Analyses, in_brief
from evidence.review import Review, load_review, with_citations
from evidence.wording import Facts, Markup, answers, escaped, fill, harmless
from evidence.wording import html as plain

MARKDOWN = "text/markdown"
SMALL = "font-size:85%;line-height:1.3"
TO_TOP = """<script>{
  const panel = document.currentScript.closest(".jp-WindowedPanel-outer");
  if (panel) setTimeout(() => { panel.scrollTop = 0; }, 1500);
}</script>"""


class Passage:
    """Markdown (or HTML) that JupyterLab renders, with a plain form beside it."""

    __slots__ = ("_text", "kind")

    def __init__(self, text: str, kind: str = MARKDOWN):
        self._text, self.kind = plain.allowed(text) if kind == "text/html" else text, kind

    def __repr__(self) -> str:
        return f"<{len(self._text)} characters of {self.kind}>"

    def __str__(self) -> str:
        return self._text

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {self.kind: self._text}


class _Last(Passage):
    """What closes a notebook; run by a reader, it brings JupyterLab back to the top."""

    __slots__ = ()

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {self.kind: self._text + ("" if is_still() else TO_TOP)}


class Narrator:
    """Tells a review: sentences, figures, tables and, at the end, references.

    Parameters
    ----------
    review : Review or path, optional
        A loaded review, or the folder of one; the one around the current folder by default.

    Attributes
    ----------
    review : Review
    analyses : Analyses
        Results of data/analyses.csv by id.
    facts : Facts
        What a template may name.
    """

    def __init__(self, review: Review | Path | str | None = None):
        self.review: Review = review if isinstance(review, Review) else load_review(review)
        self.analyses = getattr(self.review, "pools", Analyses(self.review))
        self.facts = Facts(self.review, self.analyses)
        self._cited: dict[str, None] = {}
        self._figures: dict[str, figure_module.Figure] = {}

    def title(self, name: str) -> str:
        """What the dictionary calls a table."""
        return self.review.dictionary.tables[name].get("title", name)

    def say(self, template: str, **more: Any) -> Passage:
        """Markdown from a template (see `evidence.wording.prose`); ``[@key]`` becomes a citation,
        and no text of a table becomes HTML."""
        text = fill(template, ChainMap(more, self.facts), harmless)
        return Passage(with_citations(text, self._cite))

    def answer(self, audience: str) -> Passage:
        """The answer of data/answers.csv in the words chosen for an audience; where there is none,
        the results of the analyses."""
        text = answers.text(self.review, self.facts, audience)
        text = text or answers.instead(in_brief(self.analyses))
        return Passage(with_citations(text, self._cite)) if text else _nothing(
            "data/answers.csv has no line")

    def answers(self) -> Passage:
        """The answer for every audience, behind a click each; the first one is open."""
        return self.folds({f"For a {audience}": self.answer(audience)
                           for audience in answers.audiences(self.review)})

    def figure(self, name: str) -> figure_module.Figure:
        """One figure of data/figures.csv with everything that is said about it."""
        if name not in self._figures:
            self._figures[name] = catalogue.build(self.review, self.analyses, name)
        return self._figures[name]

    def caption(self, figure: figure_module.Figure | str) -> Passage:
        """Caption of a figure, and behind a click its method line and its files; its sources
        count as cited."""
        found = self.figure(figure) if isinstance(figure, str) else figure
        for key in found.sources:
            self._cited.setdefault(key)
        files = ", ".join(f"[{kind.upper()}](../figures/{found.name}.{kind})"
                          for kind in ("png", "svg", "pdf"))
        method = tables.folded("Method and files", f"\n{harmless(found.method)}.\n\n{files}\n")
        parts = [harmless(found.caption), self._risks(found.spec), method]
        return Passage("\n\n".join(filter(None, parts)))

    def _risks(self, spec: figure_module.Spec) -> str:
        """Risk of bias of what a figure shows: a link to each judgement, and behind a click its
        domains with their reasons, since JupyterLab opens another notebook at its top."""
        page = judged.place(self.review)
        found = judged.behind(self.review, self.analyses, spec)
        if not found:
            return ""
        said = [f"[{escaped(words)}]({page}.ipynb#{anchor(outcome)})" if page else escaped(words)
                for words, outcome in found]
        each = [tables.folded(plain.as_text(words), str(self.table(
                    judged.reasons(self.review, outcome).drop(columns="source"))))
                for words, outcome in found]
        domains = tables.folded(f"<strong>Risk of bias, domain by domain</strong> ({len(each)})",
                                "\n".join(each))
        return f"Risk of bias: {'; '.join(said)}.\n\n{domains}"

    def gallery(self, notebook: str) -> None:
        """Show every figure that data/figures.csv gives to a notebook, each with its caption."""
        from IPython.display import display

        specs = catalogue.specs(self.review)
        for name, spec in specs.items():
            if spec.notebook == notebook:
                display(self.figure(name), self.caption(name))
        if not specs:
            display(_nothing("data/figures.csv names no figure"))

    def rows(self, name: str, caption: str = "") -> Passage:
        """A table of the review as it stands: the columns that hold something."""
        frame = self.review.table(name)
        return self.table(frame[[column for column in frame if frame[column].notna().any()]],
                          caption)

    def table(
        self, frame: pd.DataFrame, caption: str = "", *, digits: int = 2,
        shown: int = tables.COLUMNS, fold: bool = False,
    ) -> Passage:
        """A table for reading (see `evidence.notebook.tables.table`); its citations count as
        cited, and an empty one says that there are no data."""
        if frame.empty:
            return _nothing(caption)
        text = tables.table(self.review, frame, self._citation,
                            caption, digits=digits, shown=shown, fold=fold)
        return Passage(text, "text/html")

    def cards(self, frame: pd.DataFrame, **parts: Any) -> Passage:
        """A card for each row (see `evidence.notebook.tables.cards`)."""
        if frame.empty:
            return _nothing("")
        return Passage(tables.cards(self.review, frame, self._citation, **parts), "text/html")

    def folds(self, parts: Mapping[str, Passage], opened: bool = True) -> Passage:
        """Passages behind a click each, under the words that name them; the first one is open
        unless `opened` is False."""
        made = [tables.folded(plain.as_text(words), f"\n{passage}\n", opened and number == 0)
                for number, (words, passage) in enumerate(parts.items())]
        kinds = {passage.kind for passage in parts.values()}
        return Passage("\n\n".join(made), kinds.pop() if len(kinds) == 1 else MARKDOWN)

    def fold(self, words: str, passage: Passage) -> Passage:
        """A passage behind a click, under the words that name it."""
        return self.folds({words: passage}, opened=False)

    def judgements(self) -> Passage:
        """Every judged result behind a click: domains with their reasons, then each answer with
        the fact that it rests on. Figures and cards of the hand-out lead here."""
        made = []
        for study, results in judged.verdicts(self.review).items():
            for outcome, (result, verdict) in results.items():
                words = f"{self.review.bibliography.cite(study)}, {result}: {verdict}"
                body = str(self.table(judged.reasons(self.review, outcome)))
                answers = judged.grounds(self.review, outcome)
                if len(answers):
                    body += str(self.table(answers, "Each answer and the fact it rests on",
                                           fold=True))
                made.append(tables.folded(plain.as_text(words), body,
                                          anchor=anchor(outcome)))
        return Passage("\n".join(made), "text/html") if made else _nothing("no result is judged")

    def references(self) -> Passage:
        """What this notebook has cited, in Vancouver style, with links: its last cell. When a
        reader has run all cells, JupyterLab is left here, and is brought back to the top."""
        if not self._cited:
            return _nothing("this notebook cites nothing")
        items = []
        for reference in self.review.bibliography.listing(self._cited):
            label = self.review.bibliography.cite(reference.key)
            rest = reference.vancouver.removeprefix(f"{label}.")  # of a record without authors
            text = plain.as_text(rest.strip())
            if reference["registry"] and reference["registry"] not in label:
                text += f" Registration: {plain.as_text(reference['registry'])}."
            if reference.link:
                text += f" {plain.link(reference.link, reference.link).html}"
            if reference.unverified:
                unread = plain.spaced(", ".join(reference.unverified))
                text += f" <em>(not checked: {plain.as_text(unread)})</em>"
            items.append(f'<li id="ref-{html.escape(reference.key, quote=True)}">'
                         f"<strong>{plain.as_text(label)}.</strong> {text}</li>")
        listed = "\n".join(items)
        return _Last(f'<ol style="{SMALL}">\n{listed}\n</ol>', "text/html")

    def _cite(self, key: str) -> str:
        label = self.review.bibliography.cite(key)
        self._cited.setdefault(key)
        return f"[{escaped(label)}](#ref-{key})"

    def _citation(self, key: str) -> Markup:
        self._cited.setdefault(key)
        label = self.review.bibliography.cite(key)
        target = html.escape(key, quote=True)
        return Markup(f'<a href="#ref-{target}">{plain.as_text(label)}</a>', label)


def _nothing(what: str) -> Passage:
    """What stands in the place of an empty table, answer or figure."""
    return Passage(f"*No data{f': {escaped(what)}' if what else ''}.*")

