"""A coloured figure in black and greys: each colour of the palette has a grey of its own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib import colors
from matplotlib.artist import Artist
from matplotlib.cm import ScalarMappable
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from evidence.figures import page

GREYS = {
    page.BLACK: "#000000", page.INK: "#000000", page.BLUE: "#262626", page.ACCENT: "#474747",
    page.GREY: "#5E5E5E", page.VERMILION: "#767676", page.GREEN: "#8C8C8C",
    page.PURPLE: "#A0A0A0", page.ORANGE: "#B4B4B4", page.SKY: "#C8C8C8", page.YELLOW: "#D9D9D9",
    page.PALE: "#E6E6E6",
}  # fmt: skip
LIGHT = 0.8  # a text lighter than that stands on a dark patch and stays white
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # Rec. 709


def grey(colour) -> tuple[float, float, float, float]:
    """The grey of a colour, with its alpha: that of the palette, else as light as the colour."""
    *rgb, alpha = colors.to_rgba(colour)
    known = GREYS.get(colors.to_hex(rgb).upper())
    if known:
        return colors.to_rgba(known, alpha)
    light = float(LUMINANCE @ rgb)
    return light, light, light, alpha


def to_greys(figure: Figure) -> None:
    """Recolour everything drawn; text becomes black, or white where it stood light on dark."""
    for artist in _artists(figure):
        if isinstance(artist, Text):
            light = LUMINANCE @ colors.to_rgb(artist.get_color())
            artist.set_color("white" if light > LIGHT else "black")
        elif isinstance(artist, Line2D):
            _line(artist)
        elif isinstance(artist, ScalarMappable) and artist.get_array() is not None:
            _mapped(artist)
        elif isinstance(artist, Collection):
            for part in ("facecolor", "edgecolor"):
                old = getattr(artist, f"get_{part}")()
                getattr(artist, f"set_{part}")([grey(colour) for colour in old])
        elif isinstance(artist, Patch):
            _patch(artist)


def _artists(figure: Figure) -> Iterator[Artist]:
    """Everything, boxes and arrows of texts included."""
    for artist in figure.findobj():
        yield artist
        if isinstance(artist, Text):
            extras = (artist.get_bbox_patch(), getattr(artist, "arrow_patch", None))
            yield from (patch for patch in extras if patch is not None)


def _line(line: Line2D) -> None:
    line.set_color(grey(line.get_color()))
    for part in ("markerfacecolor", "markeredgecolor"):
        colour = getattr(line, f"get_{part}")()
        if not isinstance(colour, str) or colour not in ("none", "auto"):
            getattr(line, f"set_{part}")(grey(colour))


def _patch(patch: Patch) -> None:
    face, edge = grey(patch.get_facecolor()), grey(patch.get_edgecolor())
    patch.set_facecolor(face)
    patch.set_edgecolor(edge)


def _mapped(artist: ScalarMappable) -> None:
    if isinstance(artist, AxesImage) and np.ndim(artist.get_array()) == 3:
        data = np.asarray(artist.get_array(), dtype=float)[..., :3]
        artist.set_data(np.repeat((data @ LUMINANCE)[..., None], 3, axis=2) / max(1, data.max()))
        return
    steps = artist.get_cmap()(np.linspace(0, 1, 256))
    artist.set_cmap(colors.ListedColormap([grey(step) for step in steps]))
