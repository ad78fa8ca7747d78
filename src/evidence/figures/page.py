"""The page that every figure stands on: message on top, method and sources at the foot."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import resources
from itertools import accumulate, takewhile

import matplotlib.pyplot as plt
from matplotlib import RcParams, rc_params_from_file
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text

from evidence.figures import typeface

STYLES = ("slide", "notebook", "print")
FRAMED = ("slide", "notebook")  # a journal sets message and method below the figure
WIDTH, HEIGHT = 13.335, 7.5  # inches of a page: 2667 × 1500 dots at 200 to the inch
LEFT, RIGHT = 0.04, 0.96
TOP, FOOT = 1.56, 0.54  # inches of the message and of the foot
BODY = (LEFT, FOOT / HEIGHT, RIGHT - LEFT, 1 - (TOP + FOOT) / HEIGHT)  # the region of the axes
TITLE_SIZE, SUBTITLE_SIZE, TEXT, TICKS, FOOTER_SIZE = 28, 18, 18, 16, 14  # points
SMALLEST = 12  # points of a text on a crowded page
ET_AL, NO_BREAK = "et al.", "\N{NO-BREAK SPACE}"  # the words stay together
_STYLE: ContextVar[str] = ContextVar("style", default="slide")
USUAL_LETTER = 0.5  # width of a letter of text, times its size
BREAKS = re.compile(r"[^\S\u00a0]+")  # white space but the no-break space
COLUMN = (6.7, 7.0)  # inches of a page for one column of a journal
LONGEST = 2000  # signs of any text on a page

# Okabe and Ito's colours, told apart with any colour vision
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY, PALE, INK = "#595959", "#D9D9D9", "#222222"
ACCENT = "#A84300"  # vermilion dark enough for text
MESSAGE, CONTEXT, WASH = BLUE, "#8A8A8A", "#F3F3F3"  # what is said, what stands around it, a ground
COVER = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # behind a text across a line


class TooLongError(ValueError):
    """A text needs more room than its place on the page has."""


@contextmanager
def style(name: str, texts: Iterable[str] = (), *, narrow: bool = False) -> Iterator[None]:
    """Draw in the style `name`, one of `STYLES`, inside the block; `narrow` for one column of a
    journal.

    Letters of `texts` that the typeface lacks come from fonts of the machine. Each style
    file gives the size of the page; `BODY` and the like are shares of it.
    """
    typeface.register()
    outer = _STYLE.set(name)
    with plt.style.context(["default", _settings(name)]):
        plt.rcParams["font.family"] = [typeface.FAMILY, *typeface.fallbacks(texts)]
        if narrow:
            plt.rcParams["figure.figsize"] = COLUMN
        with warnings.catch_warnings():  # what is missing is said once, by `typeface.unset`
            warnings.filterwarnings("ignore", "Glyph .* missing from font")
            fonts = logging.getLogger("matplotlib.font_manager")
            level = fonts.level
            fonts.setLevel(logging.ERROR)  # other fonts need not have every weight
            try:
                yield
            finally:
                fonts.setLevel(level)
                _STYLE.reset(outer)


@cache
def _settings(name: str) -> RcParams:
    path = resources.files("evidence.figures").joinpath(f"{name}.mplstyle")
    with resources.as_file(path) as file:
        return rc_params_from_file(file, use_default_template=False)


def grows(figure: Figure) -> bool:
    """Whether a page may be as high as it needs to be: not on slides."""
    return figure.get_label() != "slide"


def grow(figure: Figure, inches: float) -> None:
    """Make a page as high as a body of `inches` needs where its style allows it."""
    if grows(figure):
        figure.set_figheight(max(HEIGHT, inches + TOP + FOOT))


def fitting(rows: int, inches: float, lines: float = 1.0, largest: float = TICKS) -> float:
    """Points of a text of so many lines that fits into each of `rows` in a height of `inches`."""
    return min(largest, 72 * inches / max(rows, 1) / (1.2 * lines))


def page() -> Figure:
    """An empty 16:9 page in the current style; not known to pyplot, so nothing to close."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = Figure(label=_STYLE.get())
    FigureCanvasAgg(figure)
    return figure


def without_boxes(figure: Figure) -> None:
    """Write a question mark for each letter that no font in use holds."""
    for text in figure.findobj(Text):
        unknown = typeface.lacking(text.get_text(), text.get_fontfamily()[1:])
        if unknown:
            text.set_text("".join("?" if letter in unknown else letter
                                  for letter in text.get_text()))


def region(figure: Figure) -> tuple[float, float, float, float]:
    """Left, bottom, width and height between message and foot: `BODY`, higher on a higher page."""
    high = figure.get_figheight()
    return LEFT, FOOT / high, RIGHT - LEFT, 1 - (TOP + FOOT) / high


def body(figure: Figure, **kwargs) -> Axes:
    """Axes that fill the region between the message and the foot."""
    return figure.add_axes(region(figure), **kwargs)


def frame(figure: Figure, title: str, subtitle: str, footer: str) -> None:
    """Write message, subtitle and foot; each is wrapped to the width of the page.

    The message takes up to two lines, the subtitle one or two beside a message of one, the foot
    one; a foot that is longer is set smaller.
    """
    inch = 1 / figure.get_figheight()
    shares = (title, TITLE_SIZE, "bold"), (subtitle, SUBTITLE_SIZE, "normal")
    lines = [len(broken(text, (RIGHT - LEFT) * figure.get_figwidth(), size, weight))
             for text, size, weight in shares]
    down = 0.2 + 0.2 * max(0, 3 - sum(lines))
    top = write(figure, LEFT, 1 - down * inch, title, size=TITLE_SIZE, weight="bold", lines=2)
    write(figure, LEFT, top - 0.07 * inch, subtitle, size=SUBTITLE_SIZE, color=GREY, lines=2)
    size, room = FOOTER_SIZE, RIGHT - LEFT
    while text_width(figure, footer, size) > 0.98 * room and size > SMALLEST:
        size -= 0.5
    footer = wrap(figure, footer, room, size)
    text = figure.text(LEFT, 0.14 * inch, footer, size=size, color=GREY, va="bottom", ha="left",
                       linespacing=spacing(footer, 1.05))
    text.set_gid("footer")


def spacing(text: str, value: float) -> float | str:
    """Line spacing of a text: `value` where it has several lines, else "normal".

    With a number one line is centred on its ink, so that neighbours with and without descenders
    stand at different heights.
    """
    return value if "\n" in text else "normal"


@cache
def foot_fits(text: str) -> bool:
    """Whether a foot fits on one line of the page of the slides."""
    with style("slide"):
        return inches(text, FOOTER_SIZE) <= (RIGHT - LEFT) * WIDTH


def write(
    figure: Figure, x: float, y: float, text: str, *, size: float, lines: int = 2,
    width: float | None = None, **kwargs,
) -> float:
    """Write `text` with its top at `y`, wrapped; return the bottom of what was written.

    Positions and widths are fractions of the figure.
    """
    wrapped = wrap(figure, text, width or RIGHT - x, size, lines=lines,
                   weight=kwargs.get("weight", "normal"))
    artist = figure.text(x, y, wrapped, size=size, va="top", ha="left",
                         linespacing=spacing(wrapped, 1.12), **kwargs)
    return extent(figure, artist)[1]


def in_inches(ax: Axes) -> tuple[float, float]:
    """Make the inches of its region the limits of an Axes without axes; return them."""
    box = ax.get_window_extent()
    width, height = (side / ax.figure.dpi for side in (box.width, box.height))
    ax.set(xlim=(0, width), ylim=(0, height))
    without_axis(ax)
    return width, height


def without_axis(ax: Axes) -> None:
    """Draw no axis; matplotlib makes ticks also where it does not draw them, unless there are
    none."""
    ax.set_axis_off()
    ax.set(xticks=[], yticks=[])


def extent(figure: Figure, artist: Text) -> tuple[float, float, float, float]:
    """Left, bottom, right and top of a text, as fractions of the figure."""
    box = artist.get_window_extent(figure.canvas.get_renderer())
    box = box.transformed(figure.transFigure.inverted())
    return box.x0, box.y0, box.x1, box.y1


def inches(text: str, size: float, weight: str = "normal") -> float:
    """Width of one line of text in inches, in the typeface in use."""
    font = _font(size, weight, tuple(plt.rcParams["font.family"]))
    return typeface.measured(text, font, 72)[0] / 72


@cache
def _font(size: float, weight: str, families: tuple[str, ...]) -> FontProperties:
    return FontProperties(family=list(families), size=size, weight=weight)


def text_width(figure: Figure, text: str, size: float, weight: str = "normal") -> float:
    """Width of one line of text as a fraction of the figure's width."""
    return inches(text, size, weight) / figure.get_figwidth()


def wrap(
    figure: Figure, text: str, width: float, size: float, *, lines: int | None = None,
    weight: str = "normal",
) -> str:
    """Break `text` at spaces so that no line is wider than `width` (fraction of the figure).

    Raises
    ------
    TooLongError
        When it needs more than `lines` lines: the text must be shortened, never clipped.
    """
    if len(text) > LONGEST:
        raise TooLongError(f"it has {len(text):,} signs, {LONGEST:,} are allowed")
    done = broken(text, width * figure.get_figwidth(), size, weight)
    if lines is not None and len(done) > lines:
        raise TooLongError(f"'{text}' needs {len(done)} lines at {size} pt, {lines} are free")
    return "\n".join(done)


def broken(text: str, width: float, size: float, weight: str = "normal") -> list[str]:
    """`text` in lines no wider than `width` inches, broken at spaces."""
    words = BREAKS.split(text.strip().replace(ET_AL, ET_AL.replace(" ", NO_BREAK)))
    done = []
    while words:
        count = _fitting(words, width, size, weight)
        done.append(" ".join(words[:count]))
        words = words[count:]
    return [line.replace(ET_AL.replace(" ", NO_BREAK), ET_AL) for line in done]


def _fitting(words: list[str], width: float, size: float, weight: str) -> int:
    """How many of the words fit into one line, at least one; few lines are measured, since they
    are tried from the number that usually fits."""
    def too_wide(count: int) -> bool:
        return inches(" ".join(words[:count]), size, weight) > width

    letters = accumulate(len(word) + 1 for word in words)
    usual = width * 72 / (USUAL_LETTER * size)
    count = max(1, sum(1 for _ in takewhile(lambda number: number <= usual, letters)))
    while count > 1 and too_wide(count):
        count -= 1
    while count < len(words) and not too_wide(count + 1):
        count += 1
    return count


def evenly(text: str, width: float, size: float, weight: str = "normal") -> list[str]:
    """`text` in as few lines as `width` inches need, none of them longer than need be."""
    lines = broken(text, width, size, weight)
    while len(lines) > 1:
        longest = max(inches(line, size, weight) for line in lines)
        shorter = broken(text, longest - 1e-6, size, weight)
        if len(shorter) > len(lines) or shorter == lines:
            break
        lines = shorter
    return lines
