"""Addresses: where a link may lead, and how its target is written.

References, notebooks, slides and hand-out ask here, so that an address is judged once: after all
that a browser would decode, never by what it looks like in a table.
"""

from __future__ import annotations

import html
import re
from urllib.parse import quote, urlsplit

LONGEST = 2000  # signs; slides with longer addresses are said to be repaired by PowerPoint
HIDDEN = re.compile(r"[\x00-\x20\x7f\xad\u2000-\u200f\u2028-\u202f\u2060-\u206f\ufeff]+")
SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*)?:|[\\/]")
ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")  # what Markdown takes for the sign itself
SAFE = "!#$%&'()*+,-./:;=?@_~"  # left as they are in an address that may be encoded already
HOST = re.compile(r"(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_]{2,}|localhost|\d{1,3}(?:\.\d{1,3}){3}")


def web_address(text: str) -> str:
    """An address of the web as a link holds it, percent-encoded; empty when it is none.

    Examples
    --------
    >>> web_address("https://example.org/a b")
    'https://example.org/a%20b'
    >>> web_address("javascript:alert(1)")
    ''
    """
    plain = _plain(text[: 10 * LONGEST])
    try:
        parts = urlsplit(plain)
        host = parts.hostname or ""
    except ValueError:
        return ""
    if parts.scheme.lower() not in ("http", "https") or not HOST.fullmatch(host):
        return ""
    encoded = quote(plain, safe=SAFE)
    return encoded if len(encoded) <= LONGEST else ""


def target(text: str) -> str:
    """Where a link may lead: a web address, a place of the page (``#…``) or a file below it.

    Returns
    -------
    str
        The target, percent-encoded; empty when it leads elsewhere or would run something.

    Examples
    --------
    >>> target("01 Studies (new).ipynb#pain")
    '01%20Studies%20(new).ipynb#pain'
    >>> target("java&Tab;script:alert(1)")
    ''
    """
    plain = _plain(text[: 10 * LONGEST])
    if SCHEME.match(HIDDEN.sub("", _decoded(plain))):
        return web_address(plain)
    encoded = quote(plain, safe=SAFE)
    return encoded if len(encoded) <= LONGEST and ":" not in encoded.partition("/")[0] else ""


def _plain(text: str) -> str:
    """A text without the signs that no reader sees, as a browser reads an address."""
    kept = re.sub(r"[\t\r\n]", "", text.strip())
    return HIDDEN.sub(lambda found: " " * found[0].count(" "), kept)


def _decoded(text: str) -> str:
    """What entities and escapes of a text stand for, however often they are wrapped."""
    for _ in range(5):
        decoded = unescaped(text)
        if decoded == text:
            return text
        text = decoded
    return ":" + text  # wrapped so often that it hides something


def unescaped(text: str) -> str:
    """Text of a link in Markdown as the address that it stands for."""
    return ESCAPED.sub(r"\1", html.unescape(text))
