"""Search over every table of a review: which rows hold all the words, and where."""

from __future__ import annotations

import html
import re

import pandas as pd

from evidence.review.review import Review
from evidence.wording.html import Markup

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
