"""Looking things up in JupyterLab: a search over every table, and tables to sort and export."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd
from IPython.display import HTML, display
from itables.javascript import generate_init_offline_itables_html, to_html_datatable
from itables.options import dt_bundle
from itables.typing import JavascriptFunction

from evidence.notebook import tables
from evidence.notebook.controls import Explorer, in_turn, note, one, scrolling, typed
from evidence.notebook.narrator import Narrator, Passage
from evidence.notebook.still import is_still
from evidence.review import Review, keys, schema
from evidence.wording import Markup, as_text, escaped, interval, links, plural, signed, spaced

MOST_HITS = 60
FIRST, SHOWN = "studies", 10  # the table shown at the start, and columns of a table
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
        self.hits = search(self.n.review, self.field.value)
        self.said.value = note(self.sentence(self.hits))
        self.found.value = "" if self.hits.empty else scrolling(self.table(self.hits))

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
        count = f"{len(hits)} {plural(len(hits), 'row')} {plural(len(hits), 'holds', 'hold')}"
        return f"{count} “{words}”: {where}.{more}"

    def table(self, hits: pd.DataFrame) -> Passage:
        """The first hits, one line for each row."""
        shown = hits.head(MOST_HITS).drop(columns="row")
        return self.n.table(shown.rename(columns={"text": "finding"}), "Rows that hold the words")

    def still(self) -> Iterator[Any]:
        yield Passage(escaped(self.sentence(self.hits)))
        if not self.hits.empty:
            yield self.table(self.hits)


class Sortable(Explorer):
    """Any table of the review to sort, search and export; nothing is fetched from a network."""

    def __init__(self, n: Narrator):
        self.n, self.tables = n, n.review.dictionary.tables
        names = sorted(n.review.tables, key=lambda name: name != FIRST)
        self.choice = one("Table", [(self.tables[t].get("title", t), t) for t in names])
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
            name = self.choice.value
            display(HTML(data_table(worded_table(self.n.review, name), name)))

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


def worded_table(review: Review, name: str) -> pd.DataFrame:
    """A table under the headings of its dictionary, every cell as text: numbers as the file has
    them, studies by their names and codes in words."""
    def cite(key: str) -> Markup:
        label = review.bibliography.cite(key)
        return Markup(as_text(label), label)

    frame = review.table(name)
    numeric = [pd.api.types.is_numeric_dtype(frame[column]) for column in frame]
    text = tables.worded(review, frame.astype(object).map(_cell), cite)
    shown = text.map(str).replace(tables.plain.DASH, "")
    return shown.apply(lambda cells: pd.to_numeric(cells) if numeric[list(shown).index(cells.name)]
                       and cells.str.fullmatch(r"-?[\d.e+-]+").all() else cells)


def data_table(frame: pd.DataFrame, name: str) -> str:
    """A table to sort, search and save as CSV or Excel, as HTML; the later columns are switched on
    by a button, cells are escaped, and no saved cell is a formula."""
    numbers = [pd.api.types.is_numeric_dtype(frame[column]) for column in frame]
    shown = frame.astype(object).map(_cell)
    visible = list(range(min(SHOWN, shown.shape[1])))
    save = {"filename": name, "title": None, "exportOptions": {"format": {"body": NEUTRAL}}}
    words = [place for place, is_number in enumerate(numbers) if not is_number]
    hidden = list(range(SHOWN, shown.shape[1]))
    table = to_html_datatable(
        shown, connected=False, showIndex=False, maxBytes=0, allow_html=False, autoWidth=False,
        classes="display compact", lengthMenu=[10, 25, 100],
        text_in_header_can_be_selected=False,  # a click anywhere on a heading sorts
        layout={"topStart": "buttons", "bottom2Start": "pageLength"},
        columnDefs=[{"className": "dt-left", "targets": words},
                    {"visible": False, "targets": hidden}],
        buttons=[{"extend": "colvis", "text": f"Columns ({len(visible)} of {shown.shape[1]})"},
                 {"extend": "csvHtml5", "text": "Save as CSV", **save},
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
MOST_CELLS = 2  # of a row that are quoted
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
        One row per row found: table (its title), row (its first cell), study (keys of its
        references), text (`Markup`: the cells that hold words, each hit marked), number (its
        result, where it has one), link (to the first document). Empty when there are no words.
    """
    patterns = [_pattern(word) for word in words.split()]
    hits = []
    for name in review.tables if patterns else ():
        if name in TEMPLATES:
            continue
        table = review.table(name)
        title = review.dictionary.tables[name].get("title", name)
        cited = [column for column, field in review.dictionary.fields(name).items()
                 if "references.bib" in schema.names(field.get("refersTo"))]
        for cells in table.astype(object).to_dict("records"):
            texts = [spaced(review.bibliography.spelled(str(v)))
                     for v in cells.values() if not _is_empty(v)]
            if all(any(p.search(text) for text in texts) for p in patterns):
                found = [(len(text), marked(text, patterns)) for text in texts
                         if any(p.search(text) for p in patterns)]
                longest = sorted(found, key=lambda item: -item[0])[:MOST_CELLS]
                documents = list(dict.fromkeys(
                    key for column in cited for key in keys(cells.get(column))))
                hits.append((title, str(next(iter(cells.values()))), ";".join(documents) or None,
                             _together([text for _, text in longest]), _number(cells),
                             _link(review, documents)))
    return pd.DataFrame(hits, columns=["table", "row", "study", "text", "number", "link"])


def _together(parts: list[Markup]) -> Markup:
    return Markup(" · ".join(part.html for part in parts), " · ".join(map(str, parts)))


def _number(cells: Mapping[str, Any]) -> str | None:
    """The result of a row of outcomes, harms or published pools in a few words."""
    for parts in (("effect",), ("intervention_pct", "control_pct"),
                  ("intervention_events", "control_events"), ("change_pct",), ("value",)):
        values = [cells.get(part) for part in parts]
        if any(isinstance(value, str) for value in values) or all(map(_is_empty, values)):
            continue
        unit = " %" if parts[0].endswith("_pct") else ""
        said = " against ".join("–" if _is_empty(value) else signed(f"{value:g}{unit}")
                                for value in values)
        low, high = (cells.get(f"{prefix}{end}") for end in ("ci_low", "ci_high")
                     for prefix in (("effect_",) if f"effect_{end}" in cells else ("",)))
        has_limits = parts == ("effect",) and not _is_empty(low) and not _is_empty(high)
        return f"{said} ({interval(low, high)})" if has_limits else said
    return None


def _link(review: Review, documents: list[str]) -> Markup | None:
    known = [review.bibliography[key] for key in documents if key in review.bibliography]
    targets = [reference.link for reference in known if reference.link]
    return links([("open", targets[0])]) if targets else None


def marked(text: str, patterns: list[re.Pattern[str]]) -> Markup:
    """The text around the first hit, escaped, with every hit in ``<mark>``."""
    first = min(found.start() for p in patterns if (found := p.search(text)))
    start, end = max(0, first - AROUND), min(len(text), first + AROUND)
    cut = text[start:end]
    both = re.compile("|".join(p.pattern for p in patterns), re.IGNORECASE)
    parts, place = [], 0
    for hit in both.finditer(cut):
        parts += [as_text(cut[place:hit.start()]), f"<mark>{as_text(hit[0])}</mark>"]
        place = hit.end()
    parts.append(as_text(cut[place:]))
    before, after = "… " if start else "", " …" if end < len(text) else ""
    return Markup(before + "".join(parts) + after, before + cut + after)


def _pattern(word: str) -> re.Pattern[str]:
    return re.compile(re.sub("['’]", "['’]", re.escape(word)), re.IGNORECASE)


def _is_empty(value: object) -> bool:
    return not isinstance(value, str | list | tuple) and bool(pd.isna(value))
