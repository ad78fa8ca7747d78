"""A figure as native shapes: every text, line and mark can be moved, recoloured and retyped.

matplotlib draws a page through a renderer; this one answers with PowerPoint's shapes at the places
that pixels would have had. An artist with a label such as "Due Bruun 2024: estimate" gives its
shapes that name, and what has the same words before the colon becomes one group.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO

import numpy as np
from matplotlib import colors
from matplotlib.backend_bases import RendererBase
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.path import Path
from matplotlib.text import Text
from PIL import Image
from pptx.enum.dml import MSO_LINE, MSO_PATTERN
from pptx.enum.shapes import MSO_CONNECTOR, MSO_SHAPE
from pptx.enum.text import MSO_ANCHOR
from pptx.oxml.ns import qn
from pptx.shapes.freeform import FreeformBuilder
from pptx.util import Inches, Pt

from evidence.publish.slides.shapes import (
    HEIGHT,
    LINE,
    Box,
    add_text,
    colour,
    describe,
    unstyle,
)

MANY = 40  # marks of one artist that become one shape for each look
CLOSE = 0.6  # pixels
BASELINE = 0.3465  # font sizes between the middle of a line of Arial and its baseline
GRID = 1e-4  # inches to which the points of a shape are rounded
SHAPES = {"oval": MSO_SHAPE.OVAL, "rectangle": MSO_SHAPE.RECTANGLE, "diamond": MSO_SHAPE.DIAMOND}
HATCHES = {"/": MSO_PATTERN.WIDE_UPWARD_DIAGONAL, "\\": MSO_PATTERN.WIDE_DOWNWARD_DIAGONAL,
           ".": MSO_PATTERN.PERCENT_20, "x": MSO_PATTERN.DIAGONAL_CROSS}  # fmt: skip
AXES = {"matplotlib.axis_1": "Horizontal axis", "matplotlib.axis_2": "Vertical axis"}


class _Freeform(FreeformBuilder):
    """Finds its corner once, when all points are there; python-pptx finds it for each point."""

    shape_offset_x = cached_property(FreeformBuilder.shape_offset_x.fget)
    shape_offset_y = cached_property(FreeformBuilder.shape_offset_y.fget)


def add_native(shapes, page: Figure, alt: str):
    """Add one group that holds a page as shapes at the places they have on it.

    Parameters
    ----------
    shapes
        Shapes of a slide.
    page : Figure
        A page as large as the slide.
    alt : str
        Alt text of the group.

    Returns
    -------
    GroupShape
    """
    for artist in page.findobj(_has_name):
        artist.set_gid(artist.get_label())
    page.patch.set_visible(False)
    for axes in page.axes:
        if _white(axes.patch.get_facecolor()):
            axes.patch.set_visible(False)
    renderer = _Renderer(shapes, page)
    page.draw(renderer)
    group = shapes.add_group_shape(_grouped(shapes, renderer.made))
    describe(group, "Figure", alt)
    return group


def _has_name(artist) -> bool:
    if not isinstance(artist, (Line2D, Patch, Collection, Text)):
        return False
    label = artist.get_label()
    return isinstance(label, str) and bool(label) and not label.startswith("_")


def _white(rgba) -> bool:
    return tuple(rgba)[:3] == (1, 1, 1) or rgba[3] == 0


def _grouped(shapes, made: list[tuple[str, object]]) -> list:
    """Shapes in the order in which they were drawn, those of one name in a group of that name,
    which lies where its last one was drawn."""
    members: dict[str, list] = {}
    for name, shape in made:
        members.setdefault(name, []).append(shape)
    order, done = [], set()
    for name, shape in reversed(made):
        if not name or len(members[name]) == 1:
            order.append(shape)
        elif name not in done:
            done.add(name)
            group = shapes.add_group_shape(members[name])
            group.name = name
            order.append(group)
    return order[::-1]


@dataclass(slots=True)
class _Open:
    """An artist that is being drawn: its name, and its outlines and lines of text so far."""

    kind: str
    name: str
    outlines: list = field(default_factory=list)
    lines: list = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Look:
    """How an outline is painted; None is not at all. Width in points."""

    face: tuple | None
    edge: tuple | None
    width: float
    dash: object
    hatch: str


class _Renderer(RendererBase):
    """Draws into the shapes of a slide; pixels count from below, slides from above."""

    def __init__(self, shapes, page: Figure):
        super().__init__()
        self.shapes, self.dpi = shapes, page.dpi
        self.size = page.bbox.width, page.bbox.height
        self.ruler = page.canvas.get_renderer()
        self.open, self.panels = [_Open("", "")], 0
        self.made: list[tuple[str, object]] = []

    def flipy(self) -> bool:
        return False

    def get_canvas_width_height(self) -> tuple[float, float]:
        return self.size

    def points_to_pixels(self, points):
        return points * self.dpi / 72

    def get_text_width_height_descent(self, s, prop, ismath):
        return self.ruler.get_text_width_height_descent(s, prop, ismath)

    def option_image_nocomposite(self) -> bool:
        return True

    def open_group(self, s: str, gid: str | None = None) -> None:
        self.panels += s == "axes"
        name = f"{AXES[s]} {self.panels}" if s in AXES else self.open[-1].name
        self.open.append(_Open(s, gid or name))

    def close_group(self, s: str) -> None:
        done = self.open.pop()
        if len(done.outlines) > MANY:
            for look in dict.fromkeys(look for _, _, look in done.outlines):
                same = [points for _, points, other in done.outlines if other == look]
                self.add(done.name, self.freeform(same, look), "Marks")
        else:
            for kind, points, look in done.outlines:
                self.outline(done.name, kind, points, look)
        if done.lines:
            self.words(done)

    def draw_path(self, gc, path, transform, rgbFace=None) -> None:
        drawn = path.transformed(transform)
        clip = gc.get_clip_rectangle()
        width = gc.get_linewidth()
        edge = tuple(gc.get_rgb()) if width and gc.get_rgb()[3] else None
        face = None
        if rgbFace is not None:
            face = tuple(rgbFace) if len(rgbFace) == 4 else (*rgbFace, gc.get_alpha() or 1)
            face = face if face[3] else None
        hatch = (gc.get_hatch() or "")[:1]
        if face is None and edge is None and not hatch:
            return
        look = _Look(face, edge, round(width, 2), _dash(gc, width), hatch)
        for kind, points in _pieces(drawn, clip, filled=face is not None or bool(hatch)):
            self.open[-1].outlines.append((kind, points, look))

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None) -> None:
        self.open[-1].lines.append((x, y, s, prop, angle, tuple(gc.get_rgb()), mtext))

    def draw_image(self, gc, x, y, im, transform=None) -> None:
        png = BytesIO()
        Image.fromarray(im[::-1]).save(png, format="png")
        high, wide = im.shape[:2]
        box = Box(x / self.dpi, HEIGHT - (y + high) / self.dpi, wide / self.dpi, high / self.dpi)
        self.add(self.open[-1].name, self.shapes.add_picture(png, *box.emu), "Image")

    def add(self, name: str, shape, kind: str) -> None:
        """Keep a shape under its name; without one it is called by its kind."""
        shape.name = name or f"{kind} {shape.shape_id}"
        self.made.append((name.partition(":")[0].strip() if name else "", shape))

    def places(self, points: np.ndarray) -> np.ndarray:
        """Inches on the slide."""
        places = np.column_stack([points[:, 0] / self.dpi, HEIGHT - points[:, 1] / self.dpi])
        return np.round(places / GRID) * GRID

    def outline(self, name: str, kind: str, points: np.ndarray, look: _Look) -> None:
        places = self.places(points)
        if kind == "line" and len(places) == 2:
            ends = [Inches(value) for value in places.ravel()]
            shape = self.shapes.add_connector(MSO_CONNECTOR.STRAIGHT, *ends)
            _paint(shape, look, filled=False)
        elif kind in SHAPES:
            (left, top), (right, bottom) = places.min(axis=0), places.max(axis=0)
            box = Box(left, top, right - left, bottom - top)
            shape = self.shapes.add_shape(SHAPES[kind], *box.emu)
            _paint(shape, look)
        else:
            shape = self.freeform([points], look, closed=kind != "line")
        self.add(name, shape, kind.capitalize())

    def freeform(self, outlines: list[np.ndarray], look: _Look, closed: bool | None = None):
        """One shape of several outlines; they are closed where they are filled."""
        closed = (look.face is not None) if closed is None else closed
        builder = None
        for points in outlines:
            corners = [(Inches(x), Inches(y)) for x, y in self.places(points)]
            if builder is None:
                builder = _Freeform.new(self.shapes, *corners[0], 1.0, 1.0)
            else:
                builder.move_to(*corners[0])
            builder.add_line_segments(corners[1:], close=closed)
        shape = builder.convert_to_shape()
        _paint(shape, look, filled=closed)
        return shape

    def words(self, done: _Open) -> None:
        """The lines of one text as one box that does not wrap."""
        _, _, _, prop, angle, rgba, artist = done.lines[0]
        size = prop.get_size_in_points()
        bold, italic = prop.get_weight() in ("bold", 700), prop.get_style() == "italic"
        along = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        across = np.array([-along[1], along[0]])
        text = [line[2].strip("\n") for line in done.lines]
        wide = np.array([self.get_text_width_height_descent(s, prop, False)[0] for s in text])
        starts = np.array([line[:2] for line in done.lines], float)
        low, high = (starts @ along).min(), (starts @ along + wide).max()
        side = artist.get_horizontalalignment() if artist is not None else "left"
        if len(text) > 1 and artist is not None and artist._multialignment:
            side = artist._multialignment
        rows = starts @ across
        middle = (rows[0] + rows[-1]) / 2 + BASELINE * size * self.dpi / 72
        centre = along * (low + high) / 2 + across * middle
        pitch = abs(rows[0] - rows[-1]) / (len(text) - 1) * 72 / self.dpi if len(text) > 1 else None
        width, height = (high - low) / self.dpi, ((pitch or LINE * size) * len(text)) / 72
        x, y = centre[0] / self.dpi, HEIGHT - centre[1] / self.dpi
        shape = add_text(
            self.shapes, Box(x - width / 2, y - height / 2, width, height), "\n".join(text), size,
            name="", bold=bold, italic=italic, ink=_hex(rgba), side=side,
            anchor=MSO_ANCHOR.MIDDLE, pitch=pitch,
        )  # fmt: skip
        shape.text_frame.word_wrap = False
        shape.rotation = -angle % 360
        self.add(done.name, shape, "Text")
        said = " ".join(" ".join(text).split())[:60]
        group = done.name.partition(":")[0]
        shape.name = f"{group}: {'name' if said.startswith(group) else said}" if group else said


def _pieces(path: Path, clip, *, filled: bool) -> Iterator[tuple[str, np.ndarray]]:
    """Outlines of a path in pixels, within the clip, each with what it is."""
    low, high = (clip.min, clip.max) if clip is not None else (-np.inf, np.inf)
    inside = np.all((path.vertices >= low) & (path.vertices <= high))
    if filled and not inside:
        path = path.clip_to_bbox(clip)
    elif not inside:
        path = path.cleaned(clip=(*clip.min, *clip.max), remove_nans=True)
    for points in path.to_polygons(closed_only=False):
        points = points[np.isfinite(points).all(axis=1)]
        if len(points) < 2:
            continue
        is_flat = len(np.unique(points.round(3), axis=0)) < 3
        yield "line" if is_flat or not (filled or _closed(points)) else _kind(path, points), (
            points[:2] if is_flat else points)


def _closed(points: np.ndarray) -> bool:
    return len(points) > 3 and np.allclose(points[0], points[-1], atol=CLOSE)


def _kind(path: Path, points: np.ndarray) -> str:
    """Oval, rectangle, diamond or freeform."""
    low, high = points.min(axis=0), points.max(axis=0)
    corners = np.unique(points.round(2), axis=0)
    on_side = (np.abs(corners - low) < CLOSE) | (np.abs(corners - high) < CLOSE)
    if _is_round(path, points):
        return "oval"
    if len(corners) == 4 and on_side.all():
        return "rectangle"
    middle = np.abs(corners - (low + high) / 2) < CLOSE
    if len(corners) == 4 and (on_side | middle).all():
        return "diamond"
    return "freeform"


def _is_round(path: Path, points: np.ndarray) -> bool:
    """Whether all points have the same distance from the middle, in units of both radii."""
    if path.codes is None or Path.CURVE4 not in path.codes or len(points) < 8:
        return False
    low, high = points.min(axis=0), points.max(axis=0)
    far = np.hypot(*((points - (low + high) / 2) / np.maximum((high - low) / 2, 1e-9)).T)
    return bool(np.all(np.abs(far - 1) < 0.05))


def _dash(gc, width: float):
    """PowerPoint's dash for a pattern of matplotlib."""
    pattern = gc.get_dashes()[1]
    if pattern is None or not len(pattern):
        return None
    if len(pattern) > 2:
        return MSO_LINE.DASH_DOT
    return MSO_LINE.ROUND_DOT if pattern[0] <= 1.7 * max(width, 0.5) else MSO_LINE.DASH


def _paint(shape, look: _Look, *, filled: bool = True) -> None:
    unstyle(shape)
    if shape._element.tag != qn("p:cxnSp"):
        if not filled or (look.face is None and not look.hatch):
            shape.fill.background()
        elif look.hatch in HATCHES:
            shape.fill.patterned()
            shape.fill.pattern = HATCHES[look.hatch]
            shape.fill.fore_color.rgb = colour(_hex(look.edge or (0, 0, 0, 1)))
            shape.fill.back_color.rgb = colour(_hex(look.face or (1, 1, 1, 1)))
        else:
            shape.fill.solid()
            shape.fill.fore_color.rgb = colour(colors.to_hex(look.face).upper())
            _see_through(shape.fill._xPr, look.face[3])
    if look.edge is None:
        shape.line.fill.background()
        return
    shape.line.color.rgb = colour(colors.to_hex(look.edge).upper())
    shape.line.width = Pt(look.width)
    _see_through(shape.line._ln, look.edge[3])
    if look.dash is not None:
        shape.line.dash_style = look.dash


def _see_through(parent, alpha: float) -> None:
    """Write how much of a colour covers what lies below it."""
    if alpha < 1:
        ink = parent.find(f"{qn('a:solidFill')}/{qn('a:srgbClr')}")
        ink.append(ink.makeelement(qn("a:alpha"), {"val": str(round(alpha * 100000))}))


def _hex(rgba) -> str:
    """A colour on white, its transparency worked in."""
    red, green, blue, alpha = rgba
    return colors.to_hex([1 - alpha + alpha * part for part in (red, green, blue)]).upper()
