"""A figure as native shapes: every text, line and patch can be recoloured and retyped.

Only figures without drawn axes qualify (forest plots, charts of marks and words): all they consist
of has a counterpart among PowerPoint's shapes, at the same place.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib import colors
from matplotlib.artist import Artist
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyBboxPatch, Patch, Polygon, Rectangle
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Affine2D
from pptx.enum.dml import MSO_LINE
from pptx.enum.shapes import MSO_CONNECTOR, MSO_SHAPE
from pptx.enum.text import MSO_ANCHOR
from pptx.util import Inches, Pt

from evidence.publish.slides.shapes import HEIGHT, LINE, Box, add_text, colour, unstyle

PATCHES = (Circle, FancyBboxPatch, Polygon, Rectangle)
DASHES = {":": MSO_LINE.ROUND_DOT, "--": MSO_LINE.DASH, "-.": MSO_LINE.DASH_DOT}
CLOSE = 0.6  # pixels
BASELINE = 0.3465  # font sizes between the middle of a line of Arial and its baseline


def native_artists(figure: Figure) -> list[Artist] | None:
    """What a figure consists of, bottom first; None when it cannot become native shapes."""
    if not figure.axes or any(axes.axison for axes in figure.axes):
        return None
    found = [*figure.texts, *figure.lines, *figure.patches, *figure.artists, *figure.legends]
    for axes in figure.axes:
        found += [*axes.texts, *axes.lines, *axes.patches, *axes.collections, *axes.images,
                  *axes.artists, *axes.tables]
        found += [axes.get_legend()] if axes.get_legend() else []
    shown = [artist for artist in found if artist.get_visible()]
    if not all(_has_counterpart(artist) for artist in shown):
        return None
    return sorted(shown, key=lambda artist: artist.get_zorder())


def _has_counterpart(artist: Artist) -> bool:
    if isinstance(artist, Text):
        return artist.get_rotation() == 0 and getattr(artist, "arrow_patch", None) is None
    if isinstance(artist, Patch):
        return type(artist) in PATCHES and not artist.get_hatch()
    return isinstance(artist, Line2D) or (
        isinstance(artist, PathCollection) and artist.get_array() is None
    )


def add_native(shapes, figure: Figure, artists: list[Artist]):
    """Add one group that holds `artists` as shapes at the places they have on the page.

    Parameters
    ----------
    shapes
        Shapes of a slide.
    figure : Figure
        A page as large as the slide.
    artists : list of Artist
        From `native_artists`.

    Returns
    -------
    GroupShape
    """
    pen = _Pen(shapes, figure)
    for artist in artists:
        if isinstance(artist, Text):
            pen.text(artist)
        elif isinstance(artist, Line2D):
            pen.line(artist)
        elif isinstance(artist, PathCollection):
            pen.marks(artist)
        else:
            pen.patch(artist)
    return shapes.add_group_shape(pen.added)


class _Pen:
    """Adds shapes; `figure` pixels count from below, slides from above."""

    def __init__(self, shapes, figure: Figure):
        self.shapes, self.figure, self.dpi = shapes, figure, figure.dpi
        self.added: list = []
        self.renderer = figure.canvas.get_renderer()

    def inches(self, points: np.ndarray) -> np.ndarray:
        return np.column_stack([points[:, 0] / self.dpi, HEIGHT - points[:, 1] / self.dpi])

    def text(self, artist: Text) -> None:
        words = artist.get_text().strip("\n")
        if not words.strip():
            return
        extent = artist.get_window_extent(self.renderer)
        size = artist.get_fontsize()
        rows = words.count("\n") + 1
        pitch = max(size, 72 * extent.height / self.dpi / rows) if rows > 1 else LINE * size
        height = rows * pitch / 72
        middle = HEIGHT - (extent.y0 + extent.y1) / 2 / self.dpi
        if rows == 1:
            middle = HEIGHT - self.baseline(artist) / self.dpi - BASELINE * size / 72
        box = Box(extent.x0 / self.dpi, middle - height / 2, extent.width / self.dpi, height)
        shape = add_text(
            self.shapes, box, words, size, name=" ".join(words.split())[:60],
            bold=artist.get_fontweight() == "bold", italic=artist.get_fontstyle() == "italic",
            ink=colors.to_hex(artist.get_color()).upper(), side=artist.get_horizontalalignment(),
            anchor=MSO_ANCHOR.MIDDLE, pitch=pitch if rows > 1 else None,
        )  # fmt: skip
        patch = artist.get_bbox_patch()
        self.added.append(shape)
        if patch is not None and patch.get_facecolor()[3]:
            shape.fill.solid()
            shape.fill.fore_color.rgb = colour(_hex(patch.get_facecolor()))

    def baseline(self, artist: Text) -> float:
        """Height in pixels on which the letters of one line stand."""
        low, side = artist.get_window_extent(self.renderer).y0, artist.get_verticalalignment()
        artist.set_verticalalignment("baseline")
        anchor = artist.get_transform().transform(artist.get_unitless_position())[1]
        below = anchor - artist.get_window_extent(self.renderer).y0
        artist.set_verticalalignment(side)
        return low + below

    def line(self, artist: Line2D) -> None:
        points = artist.get_transform().transform(artist.get_xydata())
        if not np.isfinite(points).all():
            return
        style = artist.get_linestyle()
        if style not in ("None", "", " ") and len(points) > 1:
            self.stroke(points, artist.get_color(), artist.get_linewidth(), style)
        if artist.get_marker() not in ("None", "", " ", None):
            scale = Affine2D().scale(artist.get_markersize() * self.dpi / 72)
            marker = artist._marker
            path = marker.get_path().transformed(marker.get_transform() + scale)
            for x, y in points:
                self.shape(
                    path.transformed(Affine2D().translate(x, y)), artist.get_markerfacecolor(),
                    artist.get_markeredgecolor(), artist.get_markeredgewidth(),
                )  # fmt: skip

    def stroke(self, points: np.ndarray, ink, width: float, style: str = "-") -> None:
        """A line through points given in pixels."""
        places = self.inches(points)
        if len(places) == 2:
            ends = [Inches(value) for value in places.ravel()]
            shape = self.shapes.add_connector(MSO_CONNECTOR.STRAIGHT, *ends)
        else:
            shape = self.freeform(places, closed=False)
            shape.fill.background()
        self.added.append(shape)
        unstyle(shape)
        shape.name = f"Line {shape.shape_id}"
        shape.line.color.rgb = colour(_hex(colors.to_rgba(ink)))
        shape.line.width = Pt(width)
        if style in DASHES:
            shape.line.dash_style = DASHES[style]

    def marks(self, artist: PathCollection) -> None:
        artist.set_sizes(artist.get_sizes(), self.dpi)
        faces, edges = artist.get_facecolors(), artist.get_edgecolors()
        widths, transforms = artist.get_linewidths(), artist.get_transforms()
        places = artist.get_offset_transform().transform(artist.get_offsets())
        for number, (x, y) in enumerate(places):
            path = artist.get_paths()[number % len(artist.get_paths())]
            matrix = Affine2D(transforms[number % len(transforms)]).translate(x, y)
            self.shape(
                path.transformed(matrix), _nth(faces, number), _nth(edges, number),
                _nth(widths, number),
            )  # fmt: skip

    def patch(self, artist: Patch) -> None:
        path = artist.get_path().transformed(artist.get_transform())
        self.shape(path, artist.get_facecolor(), artist.get_edgecolor(), artist.get_linewidth())

    def shape(self, path: Path, face, edge, width: float) -> None:
        """A closed shape from a path in pixels, or the strokes of an open marker."""
        outlines = list(_outlines(path))
        if not outlines:
            return
        for points in outlines:
            if len(np.unique(points.round(3), axis=0)) < 3:
                self.stroke(points[:2], edge, width)
                continue
            shape = self.autoshape(path, points)
            self.added.append(shape)
            shape.name = f"{_kind(path, points).capitalize()} {shape.shape_id}"
            _paint(shape, face, edge, width)

    def autoshape(self, path: Path, points: np.ndarray):
        """The shape that PowerPoint has for an outline, else a freeform."""
        places = self.inches(points)
        (left, top), (right, bottom) = places.min(axis=0), places.max(axis=0)
        box = Box(left, top, right - left, bottom - top)
        kind = {"oval": MSO_SHAPE.OVAL, "rectangle": MSO_SHAPE.RECTANGLE,
                "diamond": MSO_SHAPE.DIAMOND, "frame": MSO_SHAPE.ROUNDED_RECTANGLE}.get(
                    _kind(path, points))
        if kind is None:
            return self.freeform(places, closed=True)
        return self.shapes.add_shape(kind, *box.emu)

    def freeform(self, places: np.ndarray, closed: bool):
        points = [(Inches(x), Inches(y)) for x, y in places]
        builder = self.shapes.build_freeform(*points[0])
        builder.add_line_segments(points[1:], close=closed)
        return builder.convert_to_shape()


def _outlines(path: Path) -> Iterator[np.ndarray]:
    """Point lists of a path, curves as they are approximated by straight lines."""
    for points in path.to_polygons(closed_only=False):
        if np.isfinite(points).all():
            yield np.asarray(points)


def _kind(path: Path, points: np.ndarray) -> str:
    """Oval, frame (rounded rectangle), rectangle, diamond or freeform."""
    low, high = points.min(axis=0), points.max(axis=0)
    corners = np.unique(points.round(2), axis=0)
    on_side = (np.abs(corners - low) < CLOSE) | (np.abs(corners - high) < CLOSE)
    if path.codes is not None and Path.CURVE4 in path.codes:
        return "oval"
    if path.codes is not None and Path.CURVE3 in path.codes:
        return "frame"
    if len(corners) == 4 and on_side.all():
        return "rectangle"
    middle = np.abs(corners - (low + high) / 2) < CLOSE
    if len(corners) == 4 and (on_side | middle).all():
        return "diamond"
    return "freeform"


def _paint(shape, face, edge, width: float) -> None:
    face, edge = colors.to_rgba(face), colors.to_rgba(edge)
    if face[3]:
        shape.fill.solid()
        shape.fill.fore_color.rgb = colour(_hex(face))
    else:
        shape.fill.background()
    if edge[3] and width:
        shape.line.color.rgb = colour(_hex(edge))
        shape.line.width = Pt(width)
    else:
        shape.line.fill.background()
    unstyle(shape)


def _hex(rgba) -> str:
    """A colour on white, its transparency worked in."""
    red, green, blue, alpha = rgba
    return colors.to_hex([1 - alpha + alpha * part for part in (red, green, blue)]).upper()


def _nth(values, number: int):
    if len(values) == 0:
        return (0, 0, 0, 0)
    return values[number % len(values)]
