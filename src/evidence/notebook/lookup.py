"""Looking things up in JupyterLab: a search over every table, and tables to sort and export."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd
from IPython.display import HTML, display
from itables.javascript import generate_init_offline_itables_html, to_html_datatable
from itables.options import dt_bundle
from itables.typing import JavascriptFunction

from evidence.notebook.controls import Explorer, in_turn, is_still, note, one, scrolling, typed
from evidence.notebook.narrator import Narrator, Passage
from evidence.review import Review
from evidence.wording import Markup, escaped

MOST_HITS = 60
STYLE = "<style>.dt-container td { max-width: 30em; min-width: 3em; vertical-align: top; }</style>"
NEUTRAL = JavascriptFunction("""function (cell) {
  const box = document.createElement("textarea");
  box.innerHTML = cell;
  const text = box.value;
  return /^[=+\\-@\\t\\r]/.test(text) && isNaN(text) ? "'" + text : text;
}""")  # a saved cell that a spreadsheet would take for a formula gets an apostrophe
HELP = "Type one word or more; a row is found when it holds them all."


class Search(Explorer):
    """Search every table; hits are marked."""

    def __init__(self, n: Narrator, words: str = ""):
        self.n = n
        self.field = typed("Search for", words)
        self.said, self.found = widgets.HTML(), widgets.HTML()
        self.field.observe(self.update, "value")
        self.box = widgets.VBox([self.field, self.said, self.found])
        self.update()

    @in_turn
    def update(self, _: Any = None) -> None:
        """Show what holds the typed words."""
        hits = search(self.n.review, self.field.value)
        self.said.value = note(self.sentence(hits))
        self.found.value = "" if hits.empty else scrolling(self.table(hits))

    def sentence(self, hits: pd.DataFrame) -> str:
        """How many places were found, and in which tables."""
        words = " ".join(self.field.value.split())
        if not words:
            return HELP
        if hits.empty:
            return f"Nothing holds “{words}”."
        counts = hits["table"].value_counts(sort=False)
        where = ", ".join(f"{table} {count}" for table, count in counts.items())
        more = f" The first {MOST_HITS} are shown." if len(hits) > MOST_HITS else ""
        return f"{len(hits)} places hold “{words}”: {where}.{more}"

    def table(self, hits: pd.DataFrame) -> Passage:
        """The first hits."""
        return self.n.table(hits.head(MOST_HITS), "Places that hold the words")

    def still(self) -> Iterator[Any]:
        hits = search(self.n.review, self.field.value)
        yield Passage(escaped(self.sentence(hits)))
        if not hits.empty:
            yield self.table(hits)


class Sortable(Explorer):
    """Any table of the review to sort, search and export; nothing is fetched from a network."""

    def __init__(self, n: Narrator):
        self.n, self.tables = n, n.review.dictionary.tables
        self.choice = one("Table", [(self.tables[t].get("title", t), t) for t in n.review.tables])
        self.library, self.shown = widgets.Output(), widgets.Output()
        self.box = widgets.VBox([self.library, self.choice, self.shown])
        if not is_still():
            self.library.append_display_data(HTML(generate_init_offline_itables_html(dt_bundle)))
            self.choice.observe(self.update, "value")
            self.update()

    @in_turn
    def update(self, _: Any = None) -> None:
        """Show the chosen table."""
        self.shown.clear_output(wait=True)
        with self.shown:
            display(HTML(data_table(self.n.review.table(self.choice.value), self.choice.value)))

    def overview(self) -> pd.DataFrame:
        """Tables of the review with their sizes."""
        return pd.DataFrame([
            {"table": self.tables[name].get("title", name), "rows": len(table),
             "what it holds": self.tables[name].get("description", ""),
             "file": f"data/{self.tables[name]['path']}"}
            for name, table in self.n.review.tables.items()
        ])

    def still(self) -> Iterator[Any]:
        yield self.n.table(self.overview(), "Tables of this review")


def data_table(frame: pd.DataFrame, name: str) -> str:
    """A table to sort, search and save as CSV or Excel, as HTML; cells are escaped, and no saved
    cell is a formula."""
    numbers = [pd.api.types.is_numeric_dtype(frame[column]) for column in frame]
    shown = frame.astype(object).map(_cell).rename(columns=lambda name: name.replace("_", " "))
    save = {"filename": name, "title": None, "exportOptions": {"format": {"body": NEUTRAL}}}
    words = [place for place, is_number in enumerate(numbers) if not is_number]
    table = to_html_datatable(
        shown, connected=False, showIndex=False, maxBytes=0, allow_html=False, autoWidth=False,
        classes="display compact", lengthMenu=[10, 25, 100],
        text_in_header_can_be_selected=False,  # a click anywhere on a heading sorts
        layout={"topStart": "buttons", "bottom2Start": "pageLength"},
        columnDefs=[{"className": "dt-left", "targets": words}],
        buttons=[{"extend": "csvHtml5", "text": "Save as CSV", **save},
                 {"extend": "excelHtml5", "text": "Save as Excel", **save}],
    )
    return f'<div style="overflow-x:auto">{STYLE}{table}</div>'


def _cell(value: object) -> str:
    """A cell as the file has it."""
    if pd.isna(value):
        return ""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return f"{value:.10g}" if isinstance(value, float) else str(value)

TEMPLATES = ("figures", "answers")  # their cells are patterns of sentences, not evidence
AROUND = 90  # characters shown on each side of the first hit


def search(review: Review, words: str) -> pd.DataFrame:
    """Rows of the tables that hold every word, in any of their cells.

    Parameters
    ----------
    review : Review
    words : str
        Separated by spaces; capitals and the shape of apostrophes do not count.

    Returns
    -------
    DataFrame
        One row per hit: table (its title), row (its first cell), column, text (`Markup`, with
        each hit marked). Empty when there are no words.
    """
    patterns = [_pattern(word) for word in words.split()]
    hits = []
    for name in review.tables if patterns else ():
        if name in TEMPLATES:
            continue
        table = review.table(name)
        title = review.dictionary.tables[name].get("title", name)
        for cells in table.astype(object).to_dict("records"):
            texts = {c: str(v) for c, v in cells.items() if not _is_empty(v)}
            if all(any(p.search(text) for text in texts.values()) for p in patterns):
                key = str(next(iter(cells.values())))
                hits += [
                    (title, key, column.replace("_", " "), marked(text, patterns))
                    for column, text in texts.items() if any(p.search(text) for p in patterns)
                ]
    return pd.DataFrame(hits, columns=["table", "row", "column", "text"])


def marked(text: str, patterns: list[re.Pattern[str]]) -> Markup:
    """The text around the first hit, escaped, with every hit in ``<mark>``."""
    first = min(found.start() for p in patterns if (found := p.search(text)))
    start, end = max(0, first - AROUND), min(len(text), first + AROUND)
    cut = text[start:end]
    both = re.compile("|".join(p.pattern for p in patterns), re.IGNORECASE)
    parts, place = [], 0
    for hit in both.finditer(cut):
        parts += [html.escape(cut[place:hit.start()]), f"<mark>{html.escape(hit[0])}</mark>"]
        place = hit.end()
    parts.append(html.escape(cut[place:]))
    before, after = "… " if start else "", " …" if end < len(text) else ""
    return Markup(before + "".join(parts) + after, before + cut + after)


def _pattern(word: str) -> re.Pattern[str]:
    return re.compile(re.sub("['’]", "['’]", re.escape(word)), re.IGNORECASE)


def _is_empty(value: object) -> bool:
    return not isinstance(value, list | tuple) and bool(pd.isna(value))
