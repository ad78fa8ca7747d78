"""The page that every figure stands on: message on top, method and sources at the foot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources

import matplotlib.pyplot as plt
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text

STYLES = ("slide", "notebook", "print")
FRAMED = ("slide", "notebook")  # a journal sets message and method below the figure
JOURNAL_FONTS = ("Arial", "Helvetica", "Liberation Sans", "Nimbus Sans")  # the first one there is
LEFT, RIGHT = 0.04, 0.96
BODY = (LEFT, 0.13, RIGHT - LEFT, 0.68)  # left, bottom, width, height of the axes' region
TITLE_SIZE, SUBTITLE_SIZE, FOOTER_SIZE = 24, 16, 14
BREAKS = re.compile(r"[^\S\u00a0]+")  # white space but the no-break space
LONGEST = 2000  # signs of any text on a page
FOOTER_LINES, SURELY_FITS = 2, 150  # signs that never need more than those lines

# Okabe and Ito's colours, told apart with any colour vision
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY, PALE, INK = "#595959", "#D9D9D9", "#222222"
ACCENT = "#A84300"  # vermilion dark enough for text


class TooLongError(ValueError):
    """A text needs more room than its place on the page has."""


@contextmanager
def style(name: str) -> Iterator[None]:
    """Draw in the style `name`, one of `STYLES`, inside the block.

    Each style file gives the size of the page; `BODY` and the like are shares of it.
    """
    path = resources.files("evidence.figures").joinpath(f"{name}.mplstyle")
    with resources.as_file(path) as file, plt.rc_context(), plt.style.context(["default", file]):
        if name == "print":
            plt.rcParams["font.family"] = journal_fonts()
        yield


def journal_fonts() -> list[str]:
    """A typeface that journals ask for, where the machine has one; letters it lacks come from
    the font that matplotlib brings along."""
    known = set(font_manager.get_font_names())
    return [*[name for name in JOURNAL_FONTS if name in known][:1], "DejaVu Sans"]


def page() -> Figure:
    """An empty 16:9 page in the current style; not known to pyplot, so nothing to close."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = Figure()
    FigureCanvasAgg(figure)
    return figure


def body(figure: Figure, **kwargs) -> Axes:
    """Axes that fill the region between the message and the foot."""
    return figure.add_axes(BODY, **kwargs)


def frame(figure: Figure, title: str, subtitle: str, footer: str) -> None:
    """Write message, subtitle and foot; each is wrapped to the width of the page.

    The message takes up to two lines, the subtitle one or two, the foot two.
    """
    top = write(figure, LEFT, 0.975, title, size=TITLE_SIZE, weight="bold", lines=2)
    write(figure, LEFT, top - 0.008, subtitle, size=SUBTITLE_SIZE, color=GREY, lines=2)
    wrapped = wrap(figure, footer, RIGHT - LEFT, FOOTER_SIZE, lines=FOOTER_LINES)
    text = figure.text(LEFT, 0.018, wrapped, size=FOOTER_SIZE, color=GREY, va="bottom", ha="left",
                       linespacing=spacing(wrapped, 1.15))
    text.set_gid("footer")


def spacing(text: str, value: float) -> float | str:
    """Line spacing of a text: `value` where it has several lines, else "normal".

    With a number one line is centred on its ink, so that neighbours with and without descenders
    stand at different heights.
    """
    return value if "\n" in text else "normal"


def foot_fits(text: str) -> bool:
    """Whether a foot fits on the page of the slides."""
    if len(text) <= SURELY_FITS:
        return True
    with style("slide"):
        wrapped = wrap(page(), text, RIGHT - LEFT, FOOTER_SIZE)
    return wrapped.count("\n") < FOOTER_LINES


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


def extent(figure: Figure, artist: Text) -> tuple[float, float, float, float]:
    """Left, bottom, right and top of a text, as fractions of the figure."""
    box = artist.get_window_extent(figure.canvas.get_renderer())
    box = box.transformed(figure.transFigure.inverted())
    return box.x0, box.y0, box.x1, box.y1


def text_width(figure: Figure, text: str, size: float, weight: str = "normal") -> float:
    """Width of one line of text as a fraction of the figure's width."""
    font = FontProperties(size=size, weight=weight)
    renderer = figure.canvas.get_renderer()
    width, _, _ = renderer.get_text_width_height_descent(text, font, ismath=False)
    return width / figure.bbox.width


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
    done: list[str] = []
    line = ""
    for word in BREAKS.split(text.strip()):
        longer = f"{line} {word}" if line else word
        if line and text_width(figure, longer, size, weight) > width:
            done.append(line)
            line = word
        else:
            line = longer
    done.append(line)
    if lines is not None and len(done) > lines:
        raise TooLongError(f"'{text}' needs {len(done)} lines at {size} pt, {lines} are free")
    return "\n".join(done)
