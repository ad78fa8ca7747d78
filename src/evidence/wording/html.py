"""Tables for reading: a DataFrame as plain HTML with readable headings."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from evidence.wording.prose import MINUS

DASH = "–"
WIDEST = 1000  # pixels of a table
LONG = 90  # letters; such a column is kept wide enough to read
CODE = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)+")  # a word of a vocabulary, such as pro_inflammatory
NUMBER = re.compile(rf"[{MINUS}+]?[\d.,]+ ?%?|{DASH}")


def readable(frame: pd.DataFrame, names: Mapping[str, str] | None = None,
             digits: int = 2) -> pd.DataFrame:
    """Text of each cell as a reader sees it: empty cells as a dash, true minus signs, yes and no,
    codes as words; `Markup` stays.

    Parameters
    ----------
    frame : DataFrame
    names : mapping, optional
        Headings by column; others are the column name with spaces.
    digits : int
        Decimals of numbers that are not whole.
    """
    headings = {column: column.replace("_", " ") for column in frame.columns}
    headings.update(names or {})
    shown = frame.copy().astype(object)
    for column in frame.columns:
        shown[column] = [_cell(value, digits) for value in frame[column]]
    return shown.rename(columns=headings)


def _cell(value: object, digits: int) -> str | Markup:
    if isinstance(value, Markup):
        return value
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    if pd.isna(value):
        return DASH
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float):
        text = f"{value:.0f}" if value == int(value) and abs(value) < 1e9 else f"{value:.{digits}f}"
        return text.replace("-", MINUS)
    text = str(value)
    return text.replace("_", " ") if CODE.fullmatch(text) else text


def to_html(frame: pd.DataFrame, caption: str = "") -> str:
    """A table as HTML without ids; text stands left, numbers right.

    Cells of plain text are escaped; `Markup` (made by this package, such as a link to a reference)
    passes as it is.
    """
    styles = [_style([str(cell) for cell in frame[column]]) for column in frame.columns]

    def cell(tag: str, value: object, style: str) -> str:
        text = value.html if isinstance(value, Markup) else html.escape(str(value))
        return f'<{tag} style="{style}">{text}</{tag}>'

    def row(tag: str, values: Iterable[object]) -> str:
        return "".join(cell(tag, value, style) for value, style in zip(values, styles, strict=True))

    body = "\n".join(
        f"<tr>{row('td', values)}</tr>" for values in frame.itertuples(index=False, name=None)
    )
    title = f"<caption>{html.escape(caption)}</caption>\n" if caption else ""
    head = f"<thead><tr>{row('th', frame.columns)}</tr></thead>"
    return (f'<table style="max-width:{WIDEST}px">\n{title}{head}\n'
            f"<tbody>\n{body}\n</tbody>\n</table>")


def _style(cells: list[str]) -> str:
    if all(NUMBER.fullmatch(cell) for cell in cells):
        return "text-align:right"
    wide = any(len(cell) > LONG for cell in cells)
    return "text-align:left" + (";min-width:11em" if wide else "")


class Markup:
    """HTML made by this package, not taken from a table."""

    __slots__ = ("html", "text")

    def __init__(self, html: str, text: str):
        self.html, self.text = html, text

    def __str__(self) -> str:
        return self.text

PLACE = re.compile(r"https?://\S+|(?!/)[^\s:]+(?:#\S*)?")  # a page, or a file of the review


def link(label: str, target: str) -> Markup:
    """A link as a table shows it; plain text unless it leads to the web or into the review."""
    if not PLACE.fullmatch(target):
        return Markup(html.escape(label), label)
    address = html.escape(target, quote=True)
    return Markup(f'<a href="{address}">{html.escape(label)}</a>', label)


def links(targets: list[tuple[str, str]]) -> Markup | str:
    """Several links in one cell, from (label, target); a dash when there are none."""
    if not targets:
        return DASH
    made = [link(*target) for target in targets]
    return Markup("; ".join(part.html for part in made), "; ".join(part.text for part in made))


def place(target: str) -> str:
    """Words for a relative link: the name of the document and, after a colon, its heading."""
    document, _, heading = target.partition("#")
    name = document.rsplit("/", 1)[-1].removesuffix(".ipynb")
    return f"{name}: {heading.replace('-', ' ')}" if heading else name
