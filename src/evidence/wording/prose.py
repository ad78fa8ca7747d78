"""Numbers to words: templates whose figures come from the data, never from a keyboard.

A template is text with ``{placeholders}`` in Python's format syntax. A placeholder reaches into
the tables by id, such as ``{outcomes[smith2020-pain].effect:+.2f}``, or into an analysis, such as
``{analyses[pain].estimate:.2f}``. Besides Python's own format codes there are

===========  ==================================================
``words``    whole number in words up to twenty ("eight")
``Words``    the same with a capital
``abs.1f``   absolute value, then the format code
``.0%``      share as a percentage: "3 %", never parted at a line end
``p``        p value: "0.016", "below 0.001"
``list``     several items as "a, b and c"
``null``     "excludes" for true, "includes" for false
``differs``  "a difference" for true, "no clear difference" for false
``.0%``      a share as "71 %", with a space
===========  ==================================================
"""

from __future__ import annotations

import html
import math
import re
import string
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from evidence.review import addresses
from evidence.wording.facts import Facts

MINUS, NO_BREAK = "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}"
SMALL = (
    "none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
    "twenty",
)


VALUES = (str, bool, int, float, Decimal, date, np.generic, pd.Timestamp)
PRIVATE = re.compile(r"[.\[]_")  # what Python hides in an object
LINK = re.compile(r"\]\(\s*([^\s()]*(?:\([^\s()]*\)[^\s()]*)*)")
FORMULA = re.compile(r"\$|\\(?![*_`\[\]])")  # signs of formulas; an escaped sign of Markdown stays
WIDEST = 99  # signs or decimals of a number


class MissingValueError(ValueError):
    """A sentence asks for a value that the tables do not hold."""


def in_words(number: int) -> str:
    """A whole number in words up to twenty, in digits beyond."""
    return SMALL[number] if 0 <= number <= 20 else f"{number:,}"


def joined(items: Iterable[str], last: str = "and") -> str:
    """Items as "a, b and c"."""
    items = [str(item) for item in items]
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def p_value(p: float) -> str:
    """A p value as reports print it."""
    return "below 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def p_words(p: float) -> str:
    """A p value with its sign.

    Examples
    --------
    >>> p_words(0.016), p_words(0.0001)
    ('p = 0.016', 'p below 0.001')
    """
    text = p_value(p)
    return f"p {text}" if text.startswith("below") else f"p = {text}"


def percent(share: float, digits: int = 0) -> str:
    """A share as "71 %"."""
    if 0 < share < 0.5 * 10.0 ** -(digits + 2):
        return f"under {10.0 ** -digits:g}{NO_BREAK}%"  # never none of something
    return f"{signed(f'{100 * share:.{digits}f}')}{NO_BREAK}%"


def together(text: str) -> str:
    """Words that no line end may part."""
    return text.replace(" ", NO_BREAK)


def signed(text: str) -> str:
    """The hyphen before a digit turned into a minus sign."""
    return text.replace("-", MINUS) if text[:1] in "-(" or text[:1].isdigit() else text


def decimals(*intervals: tuple[float, float]) -> int:
    """Digits behind the point that show the narrowest of some intervals, never fewer than two.

    Examples
    --------
    >>> decimals((-1.5, 1.06)), decimals((1.001, 1.007)), decimals((1e-6, 3e-6))
    (2, 3, 6)
    """
    widths = [high - low for low, high in intervals if 0 < high - low < math.inf]
    return max(2, *(first_digit(width) for width in widths)) if widths else 2


def first_digit(value: float) -> int:
    """Place behind the point of the first digit of a number that is not zero: 3 for 0.004.

    Examples
    --------
    >>> first_digit(0.004), first_digit(25.0)
    (3, -1)
    """
    return -math.floor(math.log10(abs(value)))


def number(value: float, digits: int, sign: str = "") -> str:
    """A number with a proper minus sign, never "−0.00"; `sign` is "+" to show a plus as well.

    Examples
    --------
    >>> number(-0.001, 2), number(-1.5, 2), number(0.3, 1, "+")
    ('0.00', '−1.50', '+0.3')
    """
    text = f"{value:{sign}.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("+-")
    return text.replace("-", MINUS)


def interval(low: float, high: float, digits: int | None = None) -> str:
    """An interval as "−0.95 to 0.27", with as many digits as its width needs where none is given.

    Examples
    --------
    >>> interval(-0.95, 0.27), interval(1.001, 1.007), interval(-19.4, -2.2, 1)
    ('−0.95 to 0.27', '1.001 to 1.007', '−19.4 to −2.2')
    """
    digits = decimals((low, high)) if digits is None else digits
    return f"{number(low, digits)} to {number(high, digits)}"


def with_interval(value: float, low: float, high: float, sign: str = "") -> str:
    """An estimate and its interval as "−0.34 (−0.95 to 0.27)", in digits that the interval needs.

    Examples
    --------
    >>> with_interval(-0.34, -0.95, 0.27), with_interval(1.0, 0.9991, 1.0012, "+")
    ('−0.34 (−0.95 to 0.27)', '+1.000 (0.999 to 1.001)')
    """
    digits = decimals((low, high))
    return f"{number(value, digits, sign)} ({interval(low, high, digits)})"


def plural(count: int, one: str, many: str | None = None) -> str:
    """The noun that goes with a count."""
    return one if count == 1 else many or f"{one}s"


class Escaped(str):
    """Text that has been made safe and is to be left as it is."""

    __slots__ = ()


def escaped(text: object) -> Escaped:
    """Text of a table made safe inside HTML and Markdown: every sign of it is shown."""
    safe = html.escape(str(text), quote=True)
    for character in "`*_[]|":
        safe = safe.replace(character, f"&#{ord(character)};")
    return Escaped(re.sub(r"[\\$]", _own_element, safe))


def _own_element(match: re.Match[str]) -> str:
    """A sign in an element of its own, where it begins no formula."""
    return "".join(f"<span>&#{ord(sign)};</span>" for sign in match[0])


def harmless(text: str) -> str:
    """Markdown of a table made safe: bold type and citations stay, HTML and formulas are shown as
    text, pictures as links, and links lead to web pages or into the review."""
    if isinstance(text, Escaped):
        return text
    safe = html.escape(text, quote=False).replace("![", "&#33;[").replace("]:", "]&#58;")
    return FORMULA.sub(_own_element, LINK.sub(_link, safe))


def _link(match: re.Match[str]) -> str:
    """The beginning of a link with its target, or as text where that leads elsewhere."""
    target = addresses.target(addresses.unescaped(match[1]))
    if target:
        safe = target.replace("(", "%28").replace(")", "%29").replace("$", "%24")
        return "](" + html.escape(safe, quote=False)
    return "]&#40;" + match[0][2:]


class _Filler(string.Formatter):
    """Python's formatter with the extra codes, plain text of any type allowed."""

    def __init__(self, text: Callable[[str], str] = str):
        super().__init__()
        self._text = text

    def get_value(self, key: int | str, args: Any, kwargs: Mapping[str, Any]) -> Any:
        if isinstance(key, int):
            raise MissingValueError("a placeholder needs a name")
        if key not in kwargs:
            raise MissingValueError(f"nothing is called '{key}' here")
        return kwargs[key]

    def get_field(self, field_name: str, args: Any, kwargs: Mapping[str, Any]) -> Any:
        if PRIVATE.search(field_name):
            raise MissingValueError(f"'{field_name}' is no value")
        try:
            return self._value(field_name, args, kwargs)
        except (KeyError, AttributeError, IndexError) as error:
            raise MissingValueError(f"'{field_name}' is not there ({error})") from None

    def _value(self, path: str, args: Any, kwargs: Mapping[str, Any]) -> Any:
        """The value at a path; among the facts of a review it is noted as looked at."""
        get = partial(super().get_field, path, args, kwargs)
        first = re.split(r"[.\[]", path, maxsplit=1)[0]
        maps = kwargs.maps if isinstance(kwargs, ChainMap) else [kwargs]
        holder = next((found for found in maps if first in found), None)
        if isinstance(holder, Facts):
            return holder.value(path, lambda: get()[0]), first
        return get()

    def convert_field(self, value: Any, conversion: str | None) -> Any:
        if conversion:
            raise MissingValueError(f"'!{conversion}' has no meaning here")
        return value

    def format_field(self, value: Any, format_spec: str) -> str:
        items = value if isinstance(value, list | tuple) else [value]
        if not all(isinstance(item, VALUES) or item is None or item is pd.NA for item in items):
            raise MissingValueError("what it names is neither text nor a number: name a part of it")
        if value is None or (not isinstance(value, list | tuple) and pd.isna(value)):
            raise MissingValueError("a value that the sentence needs is empty")
        if any(int(digits) > WIDEST for digits in re.findall(r"\d{1,9}", format_spec)):
            raise MissingValueError(f"'{format_spec[:20]}' asks for more than {WIDEST} signs")
        if format_spec in ("words", "Words"):
            words = in_words(int(value))
            return words.capitalize() if format_spec == "Words" else words
        if format_spec == "p":
            return p_value(float(value))
        if format_spec == "list":
            return self._text(joined(value))
        if format_spec == "null":
            return "excludes" if value else "includes"
        if format_spec == "differs":
            return "a difference" if value else "no clear difference"
        if format_spec.startswith("abs"):
            return format(abs(value), format_spec[3:])
        if isinstance(value, str):
            return format(self._text(value), format_spec)
        text = signed(format(value, format_spec))
        return text.replace("%", f"{NO_BREAK}%") if format_spec.endswith("%") else text


def value_at(facts: Mapping[str, Any], path: str) -> Any:
    """The value that a placeholder names."""
    return _Filler().get_field(path, (), facts)[0]


def fill(
    template: str, facts: Mapping[str, Any], text: Callable[[str], str] = str
) -> str:
    """Fill a template from `facts`.

    Parameters
    ----------
    template : str
    facts : mapping
    text : callable, optional
        What is done to each value that is text, such as `harmless`.

    Raises
    ------
    MissingValueError
        When a placeholder names nothing, or names an empty cell.
    """
    try:
        return _Filler(text).vformat(template, (), facts)
    except MissingValueError as error:
        raise MissingValueError(f"{error}, in: {template[:90]}") from None
    except (ValueError, TypeError) as error:
        raise MissingValueError(f"cannot be written ({error}), in: {template[:90]}") from None
