"""Marks that kinds of figure share: arrows, squares of trials, diamonds, keys, names of sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch, Polygon, Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, ScaledTranslation, Transform

from evidence.figures import page

TIP = 7.0  # points from the middle of an arrow head to its point
TRIAL = 10.0  # points of a trial's square where weights are not shown
SIDES_AT = 30.0  # points from an axis to the names of its sides


@contextmanager
def named(name: str, *axes: Axes) -> Iterator[None]:
    """Label what is drawn inside the block: "Abel 2001: estimate" for marks, "…: interval" for
    lines, "…: text". Slides group their shapes by it."""
    known = {id(artist) for ax in axes for artist in ax.get_children()}
    yield
    for ax in axes:
        for artist in ax.get_children():
            if name and id(artist) not in known:
                is_line = isinstance(artist, Line2D) and artist.get_linestyle() != "None"
                role = ("text" if isinstance(artist, Text) else "interval" if is_line else
                        "box" if isinstance(artist, FancyBboxPatch) else "estimate")
                artist.set_label(f"{name.replace(':', ',')}: {role}")


def head(ax: Axes, x: float, y: float, sign: int, colour: str, tip: float = TIP,
         transform: Transform | None = None) -> None:
    """The head of an arrow at (x, y) that points left (-1) or right (1); `tip` in points."""
    size = ScaledTranslation(x, y, transform or ax.transData)
    place = Affine2D().scale(ax.figure.dpi / 72) + size
    corners = [(sign * tip, 0), (-sign * tip, tip), (-sign * tip, -tip)]
    ax.add_patch(Polygon(corners, color=colour, lw=0, zorder=3, transform=place, clip_on=False))


def trial(*, crossover: bool = False, colour: str = page.BLUE, size: float = TRIAL) -> dict:
    """How the square of a trial is drawn, open for a crossover trial, as `Line2D` takes it."""
    return {"marker": "s", "ls": "none", "ms": size, "mew": 2.0, "mec": colour,
            "mfc": "white" if crossover else colour}


def diamond(ax: Axes, low: float, middle: float, high: float, y: float, half: float,
            colour: str = page.MESSAGE, *, filled: bool = True,
            transform: Transform | None = None) -> None:
    """A pooled effect with its interval; `half` is half its height in units of the y axis."""
    corners = [(low, y), (middle, y + half), (high, y), (middle, y - half)]
    ax.add_patch(Polygon(corners, facecolor=colour if filled else "white", edgecolor=colour,
                         lw=1.6, zorder=4, joinstyle="miter", clip_on=False,
                         transform=transform or ax.transData))


def sides(ax: Axes, null: float, words: tuple[str, str], *, size: float = page.TICKS,
          down: float = SIDES_AT) -> None:
    """Write what the two sides of `null` mean below a horizontal axis, `down` points below it.

    A name that does not fit between the line and the end of the axis reaches beyond the line.
    """
    figure = ax.figure
    box = ax.get_window_extent()
    at = ax.transData.transform((null, 0))[0] if np.isfinite(null) else (box.x0 + box.x1) / 2
    gap = 0.5 * size * figure.dpi / 72
    texts = f"← {words[0]}", f"{words[1]} →"
    wide = [page.inches(text, size) * figure.dpi for text in texts]
    page_end = page.RIGHT * figure.bbox.width
    end = max(at - gap, box.x0 + wide[0])
    start = max(at + gap, end + 2 * gap)
    if start + wide[1] > page_end:
        start = page_end - wide[1]
        end = min(end, start - 2 * gap)
    low = box.y0 - down * figure.dpi / 72
    for x, text, align in ((end, texts[0], "right"), (start, texts[1], "left")):
        figure.text(x / figure.bbox.width, low / figure.bbox.height, text, size=size, ha=align,
                    va="top", color=page.INK)


Sign = Mapping[str, Any] | Callable[[Figure, float, float], None]


def key(figure: Figure, x: float, y: float, entries: Sequence[tuple[Sign, str]], *,
        right: float = page.RIGHT, size: float = page.TICKS, colour: str = page.INK,
        column: bool = False) -> float:
    """Write what marks mean, one after the other; return the bottom of the last line.

    Parameters
    ----------
    figure : Figure
    x, y : float
        Upper left corner as fractions of the figure.
    entries : sequence of (sign, words)
        A sign is what `Line2D` takes: with ``marker`` it is one mark, without one a line; with
        ``facecolor`` it is a filled box.
    right : float
        Where lines end.
    size : float
        Points of the words.
    column : bool
        Whether each entry has a line of its own.
    """
    wide, high = figure.get_size_inches()
    em = size / 72
    pitch, start = 1.45 * em / high, x
    for number, (sign, words) in enumerate(entries):
        length = (2.0 if "marker" not in sign else 1.0) * em / wide
        needed = length + 0.4 * em / wide + page.inches(words, size) / wide
        if number and (column or x + needed > right):
            x, y = start, y - pitch
        middle = y - 0.55 * em / high
        if "facecolor" in sign:
            figure.add_artist(Rectangle((x, middle - 0.4 * em / high), length, 0.8 * em / high,
                                        **sign))
        elif "marker" in sign:
            figure.add_artist(Line2D([x + length / 2], [middle], **{"ls": "none"} | dict(sign)))
        else:
            figure.add_artist(Line2D([x, x + length], [middle] * 2, **sign))
        figure.text(x + length + 0.4 * em / wide, middle, words, size=size, color=colour,
                    va="center_baseline")
        x += needed + 1.3 * em / wide
    return y - pitch
