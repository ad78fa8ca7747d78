"""Narration: what a notebook needs to tell its story from the data.

A notebook opens one `Narrator`, says sentences from templates, shows exhibits and tables, and
closes with the references that it has cited; it computes nothing itself.
"""

from __future__ import annotations

import html
from collections import ChainMap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

import evidence.chapters  # noqa: F401  (registers its figures and facts)
from evidence.figures import catalogue, render
from evidence.figures import figure as figure_module
from evidence.pooling import Analyses
from evidence.review import Review, load_review, schema, with_citations
from evidence.wording import Facts, answers, escaped, fill, harmless
from evidence.wording import html as tables

SCREEN_DPI = 100


class Passage:
    """Markdown (or HTML) that JupyterLab renders, with a plain form beside it."""

    __slots__ = ("_kind", "_text")

    def __init__(self, text: str, kind: str = "text/markdown"):
        self._text, self._kind = text, kind

    def __repr__(self) -> str:
        return f"<{len(self._text)} characters of {self._kind}>"

    def __str__(self) -> str:
        return self._text

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {self._kind: self._text}


class Picture:
    """An exhibit as a PNG with its alt text."""

    __slots__ = ("_alt", "_png")

    def __init__(self, png: bytes, alt: str):
        self._png, self._alt = png, alt

    def __repr__(self) -> str:
        return self._alt

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"image/png": self._png, "text/plain": self._alt}, {"image/png": {"alt": self._alt}}


class Narrator:
    """Tells a review: sentences, exhibits, tables and, at the end, references.

    Parameters
    ----------
    root : path, optional
        Folder of the review; the one around the current folder by default.

    Attributes
    ----------
    review : Review
    analyses : Analyses
        Results of data/analyses.csv by id.
    facts : Facts
        What a template may name.
    """

    def __init__(self, root: Path | str | None = None):
        self.review: Review = load_review(root)
        self.analyses = Analyses(self.review)
        self.facts = Facts(self.review, self.analyses)
        self._cited: dict[str, None] = {}
        self._exhibits: dict[str, figure_module.Figure] = {}

    def data(self, name: str) -> pd.DataFrame:
        """A copy of one table of the review."""
        return self.review.table(name)

    def say(self, template: str, **more: Any) -> Passage:
        """Markdown from a template (see `evidence.wording.prose`); ``[@key]`` becomes a citation,
        and no text of a table becomes HTML."""
        text = fill(template, ChainMap(more, self.facts), harmless)
        return Passage(with_citations(text, self._cite))

    def answer(self, audience: str) -> Passage:
        """The answer of data/answers.csv in the words chosen for an audience."""
        text = answers.text(self.review, self.facts, audience)
        return Passage(with_citations(text, self._cite)) if text else _nothing(
            "data/answers.csv has no line")

    def exhibit(self, name: str) -> figure_module.Figure:
        """One figure of data/figures.csv with everything that is said about it."""
        if name not in self._exhibits:
            self._exhibits[name] = catalogue.build(self.review, self.analyses, name)
        return self._exhibits[name]

    def show(self, name: str) -> Picture:
        """The figure `name`; its sources count as cited."""
        exhibit = self.exhibit(name)
        for key in exhibit.sources:
            self._cited.setdefault(key)
        png = render(exhibit, ["png"], style="notebook", dpi=SCREEN_DPI)["png"]
        return Picture(png, exhibit.alt)

    def caption(self, name: str) -> Passage:
        """Caption, method line and the place of the files of a figure."""
        exhibit = self.exhibit(name)
        files = ", ".join(f"[{kind}](../figures/{name}.{kind})" for kind in ("png", "svg", "pdf"))
        said = f"{harmless(exhibit.caption)} *{harmless(exhibit.method)}.*"
        return Passage(f"{said} Files: {files}.")

    def gallery(self, notebook: str) -> None:
        """Show every figure that data/figures.csv gives to a notebook, each with its caption."""
        from IPython.display import display

        specs = catalogue.specs(self.review)
        for name, spec in specs.items():
            if spec.notebook == notebook:
                display(self.show(name), self.caption(name))
        if not specs:
            display(_nothing("data/figures.csv names no figure"))

    def rows(self, name: str, caption: str = "") -> Passage:
        """A table of the review as it stands: columns that hold something, under their titles."""
        frame = self.review.table(name)
        fields = self.review.dictionary.fields(name) if len(frame) else {}
        filled = [column for column in frame if frame[column].notna().any()]
        keys = [c for c in filled if c == "study" or _is_key(fields.get(c, {}))]
        titles = {c: fields[c]["title"] for c in filled if "title" in fields.get(c, {})}
        return self.table(frame[filled], caption, names=titles, cite=keys)

    def table(
        self, frame: pd.DataFrame, caption: str = "", *, names: Mapping[str, str] | None = None,
        cite: Iterable[str] = (), digits: int = 2,
    ) -> Passage:
        """A table for reading; an empty one says that there are no data.

        Parameters
        ----------
        frame : DataFrame
        caption : str
        names : mapping, optional
            Headings by column.
        cite : iterable of str
            Columns that hold keys of references (several separated by semicolons); they are shown
            as citations and count as cited.
        digits : int
            Decimals of numbers that are not whole.
        """
        if frame.empty:
            return _nothing(caption)
        shown = tables.readable(frame, names, digits)
        for column in cite:
            heading = dict(zip(frame.columns, shown.columns, strict=True))[column]
            shown[heading] = [self._citations(cell) for cell in frame[column]]
        return Passage(tables.to_html(shown, caption), "text/html")

    def references(self) -> Passage:
        """What this notebook has cited, in Vancouver style, with links."""
        if not self._cited:
            return _nothing("this notebook cites nothing")
        items = []
        for reference in self.review.bibliography.listing(self._cited):
            text = html.escape(reference.vancouver)
            if reference["registry"]:
                text += f" Registration: {html.escape(reference['registry'])}."
            if reference.link:
                link = html.escape(reference.link, quote=True)
                text += f' <a href="{link}">{html.escape(reference.link)}</a>'
            if reference.unverified:
                unread = ", ".join(reference.unverified)
                text += f" <em>(not checked: {html.escape(unread)})</em>"
            label = html.escape(self.review.bibliography.cite(reference.key))
            items.append(f'<li id="ref-{html.escape(reference.key, quote=True)}">'
                         f"<strong>{label}.</strong> {text}</li>")
        return Passage("<ol>\n" + "\n".join(items) + "\n</ol>", "text/html")

    def _cite(self, key: str) -> str:
        label = self.review.bibliography.cite(key)
        self._cited.setdefault(key)
        return f"[{escaped(label)}](#ref-{key})"

    def _citations(self, cell: Any) -> Any:
        if pd.isna(cell):
            return tables.DASH
        links, labels = [], []
        for key in (part.strip() for part in str(cell).split(";")):
            if key not in self.review.bibliography:
                links.append(html.escape(key))
                labels.append(key)
                continue
            self._cited.setdefault(key)
            label = self.review.bibliography.cite(key)
            labels.append(label)
            links.append(f'<a href="#ref-{html.escape(key, quote=True)}">{html.escape(label)}</a>')
        return tables.Markup("; ".join(links), "; ".join(labels))


def _nothing(what: str) -> Passage:
    """What stands in the place of an empty table, answer or figure."""
    return Passage(f"*No data{f': {escaped(what)}' if what else ''}.*")


def _is_key(field: Mapping[str, Any]) -> bool:
    """Whether a column holds keys of references."""
    return "references.bib" in schema.names(field.get("refersTo"))
