"""Tables for reading: a DataFrame as plain HTML with readable headings."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from evidence.prose import MINUS

DASH = "–"


def readable(frame: pd.DataFrame, names: Mapping[str, str] | None = None,
             digits: int = 2) -> pd.DataFrame:
    """Text of each cell as a reader sees it: empty cells as a dash, true minus signs, yes and no.

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


def _cell(value: object, digits: int) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    if pd.isna(value):
        return DASH
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return "yes" if value else "no"
    if isinstance(value, float):
        text = f"{value:.0f}" if value == int(value) and abs(value) < 1e9 else f"{value:.{digits}f}"
        return text.replace("-", MINUS)
    return str(value)


def to_html(frame: pd.DataFrame, caption: str = "") -> str:
    """A table as HTML without styles or ids; cells of plain text are escaped.

    Cells that are `Markup` (made by this package, such as a link to a reference) pass as they are.
    """
    import html

    def cell(value: object) -> str:
        return value.html if isinstance(value, Markup) else html.escape(str(value))

    head = "".join(f"<th>{html.escape(str(column))}</th>" for column in frame.columns)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{cell(value)}</td>" for value in row) + "</tr>"
        for row in frame.itertuples(index=False, name=None)
    )
    title = f"<caption>{html.escape(caption)}</caption>\n" if caption else ""
    return (f"<table>\n{title}<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>")


class Markup:
    """HTML made by this package, not taken from a table."""

    __slots__ = ("html", "text")

    def __init__(self, html: str, text: str):
        self.html, self.text = html, text

    def __str__(self) -> str:
        return self.text
