"""A figure as native shapes: every text, line and mark can be moved, recoloured and retyped.

matplotlib draws a page through a renderer; this one answers with PowerPoint's shapes at the places
that pixels would have had. An artist with a label such as "Due Bruun 2024: estimate" gives its
shapes that name, and what has the same words before the colon becomes one group.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from itertools import count

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
from pptx.util import Pt

from evidence.figures import typeface
from evidence.publish.slides import markup
from evidence.publish.slides.shapes import HEIGHT, LINE, Box

MANY = 40  # marks of one artist that become one shape for each look
CLOSE = 0.6  # pixels
BASELINE = 0.3465  # font sizes between the middle of a line of Arial and its baseline
GRID = 1e-4  # inches to which the points of a shape are rounded
EMU = 914400  # English metric units to the inch
SHAPES = {"oval": "ellipse", "rectangle": "rect", "diamond": "diamond"}
HATCHES = {"/": "wdUpDiag", "\\": "wdDnDiag", ".": "pct20", "x": "diagCross"}
AXES = {"matplotlib.axis_1": "Horizontal axis", "matplotlib.axis_2": "Vertical axis"}


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
    return Drawing(page).add(shapes, alt)


def _has_name(artist) -> bool:
    if not isinstance(artist, (Line2D, Patch, Collection, Text)):
        return False
    label = artist.get_label()
    return isinstance(label, str) and bool(label) and not label.startswith("_")


def _white(rgba) -> bool:
    return tuple(rgba)[:3] == (1, 1, 1) or rgba[3] == 0


@dataclass(frozen=True, slots=True)
class _Made:
    """A written shape, what its group is called, and its place on the slide."""

    group: str
    written: str
    box: markup.Place


def _group(number: int, name: str, members: list[_Made], alt: str | None = None) -> _Made:
    """One shape of several; it reaches as far as they do."""
    boxes = np.array([made.box for made in members] or [(0, 0, 0, 0)])
    low, high = boxes[:, :2].min(axis=0), (boxes[:, :2] + boxes[:, 2:]).max(axis=0)
    box = *low.tolist(), *(high - low).tolist()
    named = markup.identity(number, name, alt)
    return _Made(name, markup.group(named, box, [made.written for made in members]), box)


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
    dash: str | None
    hatch: str


class Drawing(RendererBase):
    """A page that becomes shapes of a slide; pixels count from below, slides from above.

    Parameters
    ----------
    page : Figure
        A page as large as the slide.
    """

    def __init__(self, page: Figure):
        super().__init__()
        self.page, self.dpi = page, page.dpi
        self.open, self.panels = [_Open("", "")], 0
        self.made: list[_Made] = []

    @property
    def reach(self) -> tuple[float, float]:
        """Top and bottom of what is drawn, in inches from above."""
        drawn = self.page.get_tightbbox(self)
        return HEIGHT - drawn.y1, HEIGHT - drawn.y0

    def add(self, shapes, alt: str):
        """Draw it as one group with an alt text; see `add_native`."""
        for artist in self.page.findobj(_has_name):
            artist.set_gid(artist.get_label())
        self.page.patch.set_visible(False)
        for axes in self.page.axes:
            if _white(axes.patch.get_facecolor()):
                axes.patch.set_visible(False)
        self.part, self.numbers = shapes.part, count(shapes._next_shape_id)
        self.page.draw(self)
        members = self.grouped()
        return markup.add(shapes, _group(next(self.numbers), "Figure", members, alt).written)

    def grouped(self) -> list[_Made]:
        """Shapes in the order in which they were drawn, those of one name in a group of that name,
        which lies where its last one was drawn."""
        members: dict[str, list[_Made]] = {}
        for made in self.made:
            members.setdefault(made.group, []).append(made)
        order, done = [], set()
        for made in reversed(self.made):
            name = made.group
            if not name or len(members[name]) == 1:
                order.append(made)
            elif name not in done:
                done.add(name)
                order.append(_group(next(self.numbers), name, members[name]))
        return order[::-1]

    def flipy(self) -> bool:
        return False

    def get_canvas_width_height(self) -> tuple[float, float]:
        return self.page.bbox.width, self.page.bbox.height

    def points_to_pixels(self, points):
        return points * self.dpi / 72

    def get_text_width_height_descent(self, s, prop, ismath):
        return typeface.measured(s, prop.copy(), self.dpi)

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
                self.freeform(done.name, "Marks", same, look, closed=look.face is not None)
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
        image, relation = self.part.get_or_add_image_part(png)
        named = self.named(self.open[-1].name, "Image", image.desc)
        self.keep(self.open[-1].name, markup.picture(named, box.emu, relation), box.emu)

    def named(self, name: str, kind: str, alt: str | None = None) -> str:
        """Number and name of the next shape; without a name it is called by its kind."""
        number = next(self.numbers)
        return markup.identity(number, name or f"{kind} {number}", alt)

    def keep(self, name: str, written: str, box: markup.Place) -> None:
        """Keep a shape under the name of its artist."""
        self.made.append(_Made(name.partition(":")[0].strip(), written, box))

    def places(self, points: np.ndarray) -> np.ndarray:
        """Inches on the slide."""
        places = np.column_stack([points[:, 0] / self.dpi, HEIGHT - points[:, 1] / self.dpi])
        return np.round(places / GRID) * GRID

    def outline(self, name: str, kind: str, points: np.ndarray, look: _Look) -> None:
        if kind == "line" and len(points) == 2:
            ends = x, y, to_x, to_y = _emu(self.places(points)).ravel().tolist()
            box = min(x, to_x), min(y, to_y), abs(to_x - x), abs(to_y - y)
            named = self.named(name, "Line")
            self.keep(name, markup.connector(named, ends, _line(look)), box)
        elif kind in SHAPES:
            places = self.places(points)
            (left, top), (right, bottom) = places.min(axis=0), places.max(axis=0)
            box = Box(left, top, right - left, bottom - top).emu
            named, geometry = self.named(name, kind.capitalize()), markup.preset(SHAPES[kind])
            self.keep(name, markup.shape(named, markup.place(box), geometry, _paint(look)), box)
        else:
            self.freeform(name, kind.capitalize(), [points], look, closed=kind != "line")

    def freeform(self, name: str, kind: str, outlines: list[np.ndarray], look: _Look, *,
                 closed: bool) -> None:
        """One shape of several outlines; they are filled where they are closed."""
        paths = [_emu(self.places(points)) for points in outlines]
        low = np.min([path.min(axis=0) for path in paths], axis=0)
        wide, high = (np.max([path.max(axis=0) for path in paths], axis=0) - low).tolist()
        box = *low.tolist(), wide, high
        drawn = markup.outline(wide, high, [(path - low).tolist() for path in paths], closed)
        paint = _paint(look) if closed else markup.NOTHING + _line(look)
        self.keep(name, markup.shape(self.named(name, kind), markup.place(box), drawn, paint), box)

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
        box = Box(x - width / 2, y - height / 2, width, height).emu
        said = " ".join(" ".join(text).split())[:60]
        group = done.name.partition(":")[0]
        name = f"{group}: {'name' if said.startswith(group) else said}" if group else said
        self.keep(done.name, markup.text_box(
            markup.identity(next(self.numbers), name), box,
            [markup.paragraph(line, size, bold=bold, italic=italic, ink=_hex(rgba), side=side,
                              pitch=pitch) for line in text],
            anchor="ctr", wrap=False, turn=-angle % 360,
        ), box)  # fmt: skip


def _emu(places: np.ndarray) -> np.ndarray:
    return (places * EMU).astype(np.int64)


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
        is_flat = len(_different(points, 3)) < 3
        yield "line" if is_flat or not (filled or _closed(points)) else _kind(path, points), (
            points[:2] if is_flat else points)


def _different(points: np.ndarray, digits: int) -> np.ndarray:
    return np.array(list(set(map(tuple, points.round(digits).tolist()))))


def _closed(points: np.ndarray) -> bool:
    return len(points) > 3 and bool((abs(points[0] - points[-1]) < CLOSE).all())


def _kind(path: Path, points: np.ndarray) -> str:
    """Oval, rectangle, diamond or freeform."""
    low, high = points.min(axis=0), points.max(axis=0)
    corners = _different(points, 2)
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


def _dash(gc, width: float) -> str | None:
    """PowerPoint's dash for a pattern of matplotlib."""
    pattern = gc.get_dashes()[1]
    if pattern is None or not len(pattern):
        return None
    if len(pattern) > 2:
        return "dashDot"
    return "sysDot" if pattern[0] <= 1.7 * max(width, 0.5) else "dash"


@cache
def _paint(look: _Look) -> str:
    """How a closed outline is filled and drawn."""
    if look.hatch in HATCHES:
        inks = (colour or usual for colour, usual in
                ((look.edge, (0, 0, 0, 1)), (look.face, (1, 1, 1, 1))))
        front, back = (f'<a:srgbClr val="{_hex(ink)[1:]}"/>' for ink in inks)
        fill = (f'<a:pattFill prst="{HATCHES[look.hatch]}"><a:fgClr>{front}</a:fgClr>'
                f"<a:bgClr>{back}</a:bgClr></a:pattFill>")
    else:
        fill = _ink(look.face) if look.face else markup.NOTHING
    return fill + _line(look)


@cache
def _line(look: _Look) -> str:
    """How an outline is drawn."""
    if look.edge is None:
        return f"<a:ln>{markup.NOTHING}</a:ln>"
    dash = f'<a:prstDash val="{look.dash}"/>' if look.dash else ""
    return f'<a:ln w="{Pt(look.width)}">{_ink(look.edge)}{dash}</a:ln>'


def _ink(rgba) -> str:
    return markup.solid(colors.to_hex(rgba).upper(), rgba[3])


@cache
def _hex(rgba: tuple) -> str:
    """A colour on white, its transparency worked in."""
    red, green, blue, alpha = rgba
    return colors.to_hex([1 - alpha + alpha * part for part in (red, green, blue)]).upper()
