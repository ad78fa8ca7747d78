"""Figures at journal size: 170 mm wide (or 85, one column), black and greys on white.

A journal sets message, caption and method below the figure, so these are left off; the figure is
drawn on a page of its own width with text from 14 points, and scaled as a whole: text from 8 points
over two columns, from 6 in one.
"""

from __future__ import annotations

import re
from io import BytesIO
from itertools import combinations

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.backends.backend_pdf import Op, PdfFile, PdfPages
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from evidence.figures import page

WIDTHS = (170, 85)  # mm: two columns of a journal, one
INCH = 25.4  # mm
SMALLEST_DRAWN, SMALLEST_PRINTED = 14.0, 8.0  # points
DRAWN = {170: 170 / INCH * SMALLEST_DRAWN / SMALLEST_PRINTED, 85: page.COLUMN[0]}  # inches
LEAST = 6.0  # points of text in one column
MARGIN, SLACK = 0.03, 1.5  # inches around a figure, pixels that touching texts may share


def crop(figure: Figure, width: int = 170) -> Bbox:
    """The part of a page that is printed, in inches: all that is drawn, no narrower than what
    `width` (mm) is scaled from.

    A figure that reaches beyond its page comes out with smaller text instead of being cut.
    """
    drawn = figure.get_tightbbox(figure.canvas.get_renderer())
    wide = max(DRAWN[width], drawn.width)
    left = (drawn.x0 + drawn.x1 - wide) / 2
    return Bbox([[left, drawn.y0 - MARGIN], [left + wide, drawn.y1 + MARGIN]])


def encode(
    figure: Figure, kind: str, dpi: int, metadata: dict, *, width: int = 170,
    transparent: bool = False,
) -> bytes:  # fmt: skip
    """The figure as PNG, SVG or PDF of `width` mm.

    Parameters
    ----------
    figure : Figure
        From ``Figure.figures("print", narrow=width == 85)``.
    kind : str
        png, svg or pdf.
    dpi : int
        Dots per inch of the printed PNG.
    metadata : dict
        As `matplotlib.figure.Figure.savefig` takes it.
    width : int
        Among `WIDTHS`, in mm.
    transparent : bool
        Whether the ground is left out.
    """
    part = crop(figure, width)
    scale = width / INCH / part.width
    buffer = BytesIO()
    if kind == "pdf":
        with _ScaledPages(buffer, metadata, scale) as pages:
            pages.savefig(figure, bbox_inches=part, transparent=transparent)
        return buffer.getvalue()
    options = {"dpi": dpi * scale, "pil_kwargs": {"dpi": (dpi, dpi)}} if kind == "png" else {}
    figure.savefig(buffer, format=kind, bbox_inches=part, metadata=metadata,
                   transparent=transparent, **options)
    return buffer.getvalue() if kind == "png" else _sized(buffer.getvalue(), part, width)


def crowding(figure: Figure, width: int) -> str:
    """Why a page cannot be printed at `width` mm, in words; empty where it can."""
    scale = width / INCH / crop(figure, width).width
    texts = _texts(figure)
    smallest = min((text.get_fontsize() * scale for text, _ in texts), default=LEAST)
    if smallest < LEAST - 0.05:
        return f"text would have {smallest:.1f} points, {LEAST:g} are needed"
    for (one, a), (other, b) in combinations(texts, 2):
        if min(a.x1, b.x1) - max(a.x0, b.x0) > SLACK and min(a.y1, b.y1) - max(a.y0, b.y0) > SLACK:
            return f"“{one.get_text()}” and “{other.get_text()}” would overlap".replace("\n", " ")
    return ""


def _texts(figure: Figure) -> list[tuple[Text, Bbox]]:
    """Every text that is drawn, with its place in pixels."""
    found: dict[int, Text] = {}

    class Listener(RendererAgg):
        def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):
            found[id(mtext)] = mtext

    listener = Listener(*figure.bbox.size, figure.dpi)
    figure.draw(listener)
    return [(text, text.get_window_extent(listener)) for text in found.values()
            if text is not None and text.get_text().strip()]  # fmt: skip


def _sized(svg: bytes, part: Bbox, width: int) -> bytes:
    """The SVG with its size in millimetres; what it holds is scaled by its viewBox."""
    height = width * part.height / part.width
    size = f'width="{width:g}mm" height="{height:.3f}mm"'
    return re.sub(rb'width="[\d.]+pt" height="[\d.]+pt"', size.encode(), svg, count=1)


class _ScaledPages(PdfPages):
    """A PDF whose pages are scaled when they begin."""

    def __init__(self, target: BytesIO, metadata: dict, scale: float):
        super().__init__(target, metadata=metadata)
        self._scale = scale

    def _ensure_file(self) -> PdfFile:
        if self._file is None:
            self._file = _ScaledFile(self._filename, self._metadata, self._scale)
        return self._file


class _ScaledFile(PdfFile):
    def __init__(self, target: BytesIO, metadata: dict, scale: float):
        super().__init__(target, metadata=metadata)
        self._scale = scale

    def newPage(self, width: float, height: float) -> None:
        super().newPage(width * self._scale, height * self._scale)
        self.width, self.height = width, height  # what is drawn is clipped to them
        self.output(self._scale, 0, 0, self._scale, 0, 0, Op.concat_matrix)
