"""Figures at journal size: 170 mm wide, text from 8 points, black and greys on white.

A journal sets message, caption and method below the figure, so these are left off; the figure is
drawn on a page of its own width with text from 14 points, and scaled as a whole.
"""

from __future__ import annotations

import re
from io import BytesIO

from matplotlib.backends.backend_pdf import Op, PdfFile, PdfPages
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

WIDTH_MM = 170.0
INCH = 25.4  # mm
SMALLEST_DRAWN, SMALLEST_PRINTED = 14.0, 8.0  # points
DRAWN_WIDTH = WIDTH_MM / INCH * SMALLEST_DRAWN / SMALLEST_PRINTED  # inches before scaling
MARGIN = 0.03  # inches


def crop(figure: Figure) -> Bbox:
    """The part of a page that is printed, in inches: all that is drawn, at the width that makes
    the smallest text 8 points.

    Where the journal fonts are absent the wider font may reach beyond the page; then the part does
    so as well, and the text comes out smaller instead of being cut.
    """
    drawn = figure.get_tightbbox(figure.canvas.get_renderer())
    width = max(DRAWN_WIDTH, drawn.width)
    left = (drawn.x0 + drawn.x1 - width) / 2
    return Bbox([[left, drawn.y0 - MARGIN], [left + width, drawn.y1 + MARGIN]])


def encode(figure: Figure, kind: str, dpi: int, metadata: dict) -> bytes:
    """The figure as PNG, SVG or PDF of 170 mm.

    Parameters
    ----------
    figure : Figure
        From ``Figure.figure("print")``.
    kind : str
        png, svg or pdf.
    dpi : int
        Dots per inch of the printed PNG.
    metadata : dict
        As `matplotlib.figure.Figure.savefig` takes it.
    """
    part = crop(figure)
    scale = WIDTH_MM / INCH / part.width
    buffer = BytesIO()
    if kind == "pdf":
        with _ScaledPages(buffer, metadata, scale) as pages:
            pages.savefig(figure, bbox_inches=part)
        return buffer.getvalue()
    options = {"dpi": dpi * scale, "pil_kwargs": {"dpi": (dpi, dpi)}} if kind == "png" else {}
    figure.savefig(buffer, format=kind, bbox_inches=part, metadata=metadata, **options)
    return buffer.getvalue() if kind == "png" else _sized(buffer.getvalue(), part)


def _sized(svg: bytes, part: Bbox) -> bytes:
    """The SVG with its size in millimetres; what it holds is scaled by its viewBox."""
    height = WIDTH_MM * part.height / part.width
    size = f'width="{WIDTH_MM:g}mm" height="{height:.3f}mm"'
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
