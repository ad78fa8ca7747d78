"""Tables and cards for reading: frames in, HTML out.

Headings are the titles of the data dictionary, keys of references become citations, codes become
words. Nothing is wider than a page: of many columns the last, and of many rows the later, stand
behind a click, which GitHub keeps as well.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from evidence.review import DESIGNS, MEASURE_WORDS, METHOD_WORDS, Review, design, keys, schema
from evidence.wording import Markup
from evidence.wording import html as plain

WIDTH = f"max-width:{plain.WIDEST}px"
COLUMNS, ROWS = 10, 12  # of a table that stand open
OPEN = 8  # rows that stand open where there are more than ROWS
UNITS = ("%", "nM", "h", "mg", "mg per day", "years")  # said with a heading; others say it already
COMPUTED = {  # headings of columns that no table of a review has
    "k": "Trials", "n": "People", "ci_low": "Interval from", "ci_high": "to",
    "pi_low": "Prediction from", "pi_high": "to ", "i2": "I², %", "p": "p", "sd": "SD",
    "why": "Reasons", "per_1000": "Of 1,000 people", "meaning": "In plain words",
    "share_percent": "Weight of the next trial, %", "n_per_arm": "People per arm",
    "n_total": "People in all", "effect": "Effect", "judged": "Risk of bias",
    "title": "Analysis", "was_read": "Paper read here", "says": "What it says",
    "condition": "Condition", "claims": "Claims",
}
SIGNS = {  # beside the words of a chip: the meaning without colour
    "supported": "✓", "supported with caveat": "✓", "contradicted": "✗", "not supported": "✗",
    "overgeneralised": "≠", "mixed": "≠", "limited": "○", "not verifiable": "?", "untested": "?",
}
CHIP = "border:1px solid #999;border-radius:1em;padding:0.1em 0.7em;margin-right:0.5em"
NEAR = "margin:0.4em 0"
NARROW = 'style="white-space:nowrap"'
CARD = f"{WIDTH};border:1px solid #bbb;border-radius:6px;padding:0.2em 1em;margin:0.6em 0"

Cite = Callable[[str], Markup]


def table(
    review: Review, frame: pd.DataFrame, cite: Cite, caption: str = "", *, digits: int = 2,
    shown: int = COLUMNS, fold: bool = False,
) -> str:
    """A frame as HTML.

    Parameters
    ----------
    review : Review
        Its dictionary gives the headings, its references the citations.
    frame : DataFrame
        Not empty. A column that somebody has named for readers (with a blank, or beginning with a
        capital) keeps its name.
    cite : callable
        Makes a citation of a key.
    caption : str
    digits : int
        Decimals of numbers that are not whole.
    shown : int
        Columns that stand open; the later ones stand in each row behind a click.
    fold : bool
        Put the whole table behind a click.
    """
    text = worded(review, frame, cite, digits)
    if text.shape[1] > shown:
        text = _gathered(text, shown)
    if fold:
        head = f"<strong>{plain.as_text(caption)}</strong> ({len(text)})"
        return folded(head, plain.to_html(text))
    if len(text) <= ROWS:
        return plain.to_html(text, caption)
    rest = plain.to_html(text.iloc[OPEN:])
    return plain.to_html(text.iloc[:OPEN], caption) + folded(f"{len(text) - OPEN} more rows", rest)


def cards(
    review: Review, frame: pd.DataFrame, cite: Cite, *, title: str, chips: Sequence[str] = (),
    text: Sequence[str] = (), more: Sequence[str] = (), label: str = "more", anchor: str = "",
) -> str:
    """One card for each row: a title, verdicts as chips, reasons, and the rest behind a click.

    Parameters
    ----------
    title, anchor : str
        Columns of the heading and of the id that links lead to.
    chips, text, more : sequence of str
        Columns shown as words in a frame, as paragraphs, and behind a click; empty ones are left
        out. The chips read as a sentence where styles are not shown.
    label : str
        What stands on the click.
    """
    shown = worded(review, frame, cite)
    heads = dict(zip(frame.columns, shown.columns, strict=True))

    def said(row: Mapping[str, Any], column: str, tag: str) -> str:
        cell = row[heads[column]]
        if str(cell) == plain.DASH:
            return ""
        words = plain.as_text(heads[column])
        return f'<{tag} style="{NEAR}"><strong>{words}:</strong> {_inner(cell)}</{tag}>'

    made = []
    for key, row in zip(frame.index, shown.to_dict("records"), strict=True):
        own = [f'<p style="{NEAR}"><strong>{_inner(row[heads[title]])}</strong></p>']
        if chips:
            words = [chip(heads[column], str(row[heads[column]])) for column in chips]
            own.append(f'<p style="{NEAR}">{" ".join(words)}</p>')
        own += [said(row, column, "p") for column in text]
        rest = "".join(said(row, column, "p") for column in more)
        own.append(folded(plain.as_text(label), rest) if rest else "")
        name = html.escape(str(frame.loc[key, anchor]), quote=True) if anchor else ""
        place = f' id="{name}"' if name else ""
        made.append(f'<div{place} style="{CARD}">{"".join(own)}</div>')
    return "\n".join(made)


def chip(heading: str, words: str) -> str:
    """A verdict in a frame of its own, with a sign beside its words."""
    sign = SIGNS.get(words)
    text = plain.as_text(f"{sign} {words}" if sign else words)
    return f'<span style="{CHIP}">{plain.as_text(heading)}: <strong>{text}</strong></span>'


def folded(summary: str, body: str, is_open: bool = False, anchor: str = "") -> str:
    """HTML behind a click; `anchor` is the id that links lead to."""
    name = f' id="{html.escape(anchor, quote=True)}"' if anchor else ""
    state = f"{name} open" if is_open else name
    return (f'<details{state} style="{WIDTH}"><summary>{summary}</summary>\n'
            f"{body}\n</details>")


def worded(review: Review, frame: pd.DataFrame, cite: Cite, digits: int = 2) -> pd.DataFrame:
    """Cells and headings in words: text and `Markup` under the headings of a reader."""
    fields = _fields(review, frame)
    ready = {}
    for column, cells in frame.items():
        if _is_cited(review, cells, fields.get(column, {})):
            ready[column] = [_citations(review, cell, cite) for cell in cells]
        else:
            words = _vocabulary(review, column, fields.get(column, {}))
            ready[column] = [_word(review, words, cell) for cell in cells]
    headings = _headings(review, list(frame), fields)
    return plain.readable(pd.DataFrame(ready, index=frame.index), headings, digits)


def _fields(review: Review, frame: pd.DataFrame) -> dict[str, Mapping[str, Any]]:
    """The description of each column: of the table that has most of the columns, else what all
    tables with such a column agree on."""
    tables = [review.dictionary.fields(name) for name in review.dictionary.tables]
    if not tables:
        return {}
    best = max(tables, key=lambda fields: sum(column in fields for column in frame))
    found = {column: best[column] for column in frame if column in best}
    for column in frame:
        others = [fields[column] for fields in tables if column in fields]
        if others and len({field.get("title") for field in others}) == 1:
            found.setdefault(column, others[0])
    return found


def _headings(
    review: Review, columns: list[str], fields: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    found: dict[str, str] = {}
    arms = {"intervention": review.intervention, "control": review.control}
    for column in columns:
        heading = _heading(arms, column, fields.get(column, {}))
        while heading in found.values():
            heading += " "
        found[column] = heading
    return found


def _heading(arms: Mapping[str, str], column: str, field: Mapping[str, Any]) -> str:
    if " " in column or column[:1].isupper():
        return column
    title = arms.get(column) or COMPUTED.get(column) or field.get("title")
    if not title:
        title = column.replace("_", " ")
    for arm, label in arms.items():
        title = title.replace(f"{arm.capitalize()}: ", f"{label}: ")
    unit = field.get("unit", "")
    said = title if column in COMPUTED or unit not in UNITS else f"{title}, {unit}"
    return said if column in COMPUTED else said[:1].upper() + said[1:]


def _is_cited(review: Review, cells: pd.Series, field: Mapping[str, Any]) -> bool:
    """Whether a column holds keys of references: the dictionary says so, or every cell does."""
    if "references.bib" in schema.names(field.get("refersTo")):
        return True
    named = [key for cell in cells if isinstance(cell, str) for key in keys(cell)]
    return bool(named) and all(key in review.bibliography for key in named)


def _citations(review: Review, cell: Any, cite: Cite) -> Markup | str:
    if not isinstance(cell, str):
        return cell if isinstance(cell, Markup) else plain.DASH
    made = [cite(key) if key in review.bibliography else Markup(plain.as_text(key), key)
            for key in keys(cell)]
    if not made:
        return plain.DASH
    return Markup("; ".join(part.html for part in made), "; ".join(part.text for part in made))


def _vocabulary(review: Review, column: str, field: Mapping[str, Any]) -> dict[str, str]:
    """Words of the codes of a column: of designs, measures and estimators; those that the
    dictionary gives as categories; those of the table that the column refers to."""
    own = {"design": {code: design(code).words for code in DESIGNS}, "measure": MEASURE_WORDS,
           "tau2_method": METHOD_WORDS}
    words = dict(own.get(column, {}))
    for item in field.get("categories", ()):
        if isinstance(item, Mapping) and "label" in item:
            words[item["value"]] = item["label"]
    return words | _referred(review, column)


def _referred(review: Review, column: str) -> dict[str, str]:
    """Labels of a table whose key is the column: pathways by pathway, nodes by node."""
    for name, resource in review.dictionary.tables.items():
        if review.dictionary.primary_key(name) == [column]:
            label = next((c for c in ("label", "title") if c in _names(resource)), "")
            return review.labels(name, column, label) if label else {}
    return {}


def _names(resource: Mapping[str, Any]) -> list[str]:
    return [field["name"] for field in resource["schema"]["fields"]]


def _word(review: Review, words: Mapping[str, str], cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    return words[cell] if cell in words else review.bibliography.spelled(cell)


def _gathered(text: pd.DataFrame, shown: int) -> pd.DataFrame:
    """The columns after the first ones in one cell of each row, behind a click."""
    columns = list(text)
    kept, rest = columns[:shown], columns[shown:]
    more = []
    for row in text[rest].to_dict("records"):
        parts = [f"<strong>{plain.as_text(name.strip())}:</strong> {_inner(cell)}"
                 for name, cell in row.items() if str(cell) != plain.DASH]
        whole = "<br>".join(parts)
        more.append(Markup(f"<details><summary {NARROW}>more</summary>{whole}</details>", "more")
                    if parts else plain.DASH)
    return text[kept].assign(**{" ": more})


def _inner(cell: Any) -> str:
    return cell.html if isinstance(cell, Markup) else plain.as_text(cell)

