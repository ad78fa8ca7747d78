"""HTML for reading: tables with readable headings, links, and the list of what a page may hold."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping

import nh3
import numpy as np
import pandas as pd

from evidence.review import addresses
from evidence.wording.prose import MINUS

DASH = "–"
WIDEST = 1000  # pixels of a table
MANY = 10_000  # from here on thousands are set apart; years are not
LONG = 90  # letters; such a column is kept wide enough to read
CODE = re.compile(  # a word of a vocabulary, such as pro_inflammatory; no part of a file's name
    r"(?<![\w/.])[a-z0-9]+(?:_[a-z0-9]+)+(?![\w/]|\.\w)")
NUMBER = re.compile(rf"[{MINUS}+]?[\d.,]+ ?%?|{DASH}")
TAGS = {
    "a", "abbr", "article", "b", "blockquote", "br", "button", "caption", "cite", "code",
    "col", "colgroup", "dd", "del", "details", "dfn", "div", "dl", "dt", "em", "figcaption",
    "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li",
    "main", "mark", "ol", "p", "pre", "q", "s", "samp", "section", "small", "span", "strong",
    "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "time", "tr",
    "u", "ul", "var",
}  # fmt: skip
ATTRIBUTES = {
    "*": {"class", "dir", "hidden", "id", "lang", "role", "style", "tabindex", "title"},
    "a": {"href", "name"}, "button": {"type"}, "col": {"span"}, "colgroup": {"span"},
    "details": {"open"}, "img": {"alt", "height", "loading", "src", "width"},
    "ol": {"start", "type"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan", "scope"},
}  # fmt: skip
STYLES = {
    "background-color", "border", "border-collapse", "border-radius", "color", "display",
    "font-size", "font-style", "font-weight", "line-height", "margin", "margin-bottom",
    "margin-left", "margin-right", "margin-top", "max-width", "min-width", "overflow-x",
    "padding", "text-align", "vertical-align", "white-space", "width",
}  # fmt: skip
PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*")


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

    Examples
    --------
    >>> readable(pd.DataFrame({"n": [357347, 2011], "mean": [-0.5, 3.0]})).values.tolist()
    [['357,347', '−0.50'], ['2011', '3']]
    """
    headings = {column: column.replace("_", " ") for column in frame.columns}
    headings.update(names or {})
    shown = {column: [_cell(value, digits) for value in cells] for column, cells in frame.items()}
    return pd.DataFrame(shown, index=frame.index).rename(columns=headings)


def _cell(value: object, digits: int) -> str | Markup:
    if isinstance(value, Markup):
        return value
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    if pd.isna(value):
        return DASH
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | int | np.integer):
        comma = "," if abs(value) >= MANY else ""
        whole = not isinstance(value, float) or (value.is_integer() and abs(value) < 1e9)
        text = f"{int(value):{comma}}" if whole else f"{value:{comma}.{digits}f}"
        return text.replace("-", MINUS)
    return spaced(str(value))


def spaced(text: str) -> str:
    """`text` with blanks in the codes of vocabularies.

    Examples
    --------
    >>> spaced("see washout_check in data/bias_facts.csv")
    'see washout check in data/bias_facts.csv'
    """
    return CODE.sub(lambda found: found[0].replace("_", " "), text) if "_" in text else text


def allowed(page: str) -> str:
    """HTML of which nothing runs, loads or leads anywhere but to the web and into the review.

    The finished HTML is judged, after everything that a browser would decode; what is not on the
    list of tags, attributes and styles goes, scripts and styles with their content.

    Examples
    --------
    >>> allowed('<p onclick="x()">Text<script>x()</script></p>')
    '<p>Text</p>'
    """
    return nh3.clean(
        page, tags=TAGS, attributes=ATTRIBUTES, clean_content_tags={"script", "style"},
        attribute_filter=_attribute, generic_attribute_prefixes={"aria-"}, link_rel=None,
        url_schemes={"http", "https", "data"}, filter_style_properties=STYLES,
    )  # fmt: skip


def _attribute(tag: str, name: str, value: str) -> str | None:
    """The value of an attribute; None where it may not stand."""
    if name == "href":
        return value if addresses.target(value) else None
    if name == "src":
        here = not addresses.web_address(value) and addresses.target(value)
        return value if here or PICTURE.fullmatch(value) else None
    return value


def as_text(value: object) -> str:
    """Text inside HTML: no sign of it is markup, and none begins a formula where JupyterLab looks
    for one (it does so within a piece of text, and a sign in an element of its own is none)."""
    safe = html.escape(str(value))
    return safe.replace("\\", "<span>\\</span>").replace("$", "<span>$</span>")


def to_html(frame: pd.DataFrame, caption: str = "") -> str:
    """A table as HTML without ids; text stands left, numbers right.

    Cells of plain text are escaped; `Markup` (made by this package, such as a link to a reference)
    passes as it is.
    """
    styles = [_style([str(cell) for cell in frame[column]]) for column in frame.columns]

    def cell(tag: str, value: object, style: str) -> str:
        text = value.html if isinstance(value, Markup) else as_text(value)
        return f'<{tag} style="{style}">{text}</{tag}>'

    def row(tag: str, values: Iterable[object]) -> str:
        return "".join(cell(tag, value, style) for value, style in zip(values, styles, strict=True))

    body = "\n".join(
        f"<tr>{row('td', values)}</tr>" for values in frame.itertuples(index=False, name=None)
    )
    title = f"<caption>{as_text(caption)}</caption>\n" if caption else ""
    head = f"<thead><tr>{row('th', frame.columns)}</tr></thead>"
    return (f'<table style="max-width:{WIDEST}px">\n{title}{head}\n'
            f"<tbody>\n{body}\n</tbody>\n</table>")


def _style(cells: list[str]) -> str:
    top = "vertical-align:top;"
    if all(NUMBER.fullmatch(cell) for cell in cells):
        return top + "text-align:right"
    wide = any(len(cell) > LONG for cell in cells)
    return top + "text-align:left" + (";min-width:11em" if wide else "")


class Markup:
    """HTML made by this package, not taken from a table."""

    __slots__ = ("html", "text")

    def __init__(self, html: str, text: str):
        self.html, self.text = html, text

    def __str__(self) -> str:
        return self.text

def link(label: str, target: str) -> Markup:
    """A link as a table shows it; plain text unless it leads to the web or into the review."""
    address = html.escape(addresses.target(target), quote=True)
    if not address:
        return Markup(as_text(label), label)
    return Markup(f'<a href="{address}">{as_text(label)}</a>', label)


def links(targets: list[tuple[str, str]]) -> Markup | str:
    """Several links in one cell, from (label, target); a dash when there are none."""
    if not targets:
        return DASH
    made = [link(*target) for target in targets]
    return Markup("; ".join(part.html for part in made), "; ".join(part.text for part in made))


def place(target: str) -> str:
    """Words for a relative link: the document (a notebook by its number) and, after a colon, its
    heading.

    Examples
    --------
    >>> place("06_evidence_gaps.ipynb#Risk-of-bias")
    'notebook 06: Risk of bias'
    """
    document, _, heading = target.partition("#")
    name = document.rsplit("/", 1)[-1].removesuffix(".ipynb")
    number = re.match(r"\d\d(?=_)", name)
    if number:
        name = f"notebook {number[0]}"
    return f"{name}: {heading.replace('-', ' ')}" if heading else name
