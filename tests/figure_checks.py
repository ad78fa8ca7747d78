"""What every figure must satisfy, whatever it shows."""

from itertools import combinations
from weakref import WeakKeyDictionary

import matplotlib.colors as colours
from matplotlib.text import Text

from evidence.figures import page

SLACK = 1.5  # pixels that touching boxes may share
_SEEN = WeakKeyDictionary()  # texts of pages, which no test changes once it has looked


def drawn_texts(figure):
    """(artist, text, bounding box in pixels) of every text that is drawn."""
    if figure not in _SEEN:
        _SEEN[figure] = _drawn_texts(figure)
    return _SEEN[figure]


def _drawn_texts(figure):
    renderer = figure.canvas.get_renderer()
    figure.draw(renderer)
    found = []
    for artist in figure.findobj(Text):
        text = artist.get_text().strip()
        if not text or not artist.get_visible() or not _axes_visible(artist):
            continue
        box = artist.get_window_extent(renderer)
        if box.width > 0 and box.height > 0:
            found.append((artist, text, box))
    stray = _stray_ticks(figure)
    return [entry for entry in found if entry[0] not in stray]


def texts(figure):
    """All drawn texts."""
    return [text for _, text, _ in drawn_texts(figure)]


def outside(figure):
    """Texts that leave the page."""
    whole = figure.bbox
    return [
        text for _, text, box in drawn_texts(figure)
        if box.x0 < whole.x0 - 1 or box.y0 < whole.y0 - 1
        or box.x1 > whole.x1 + 1 or box.y1 > whole.y1 + 1
    ]


def past_margins(figure):
    """Texts that reach into the white margins at the left and right."""
    width = figure.bbox.width
    return [
        text for _, text, box in drawn_texts(figure)
        if box.x0 / width < page.LEFT - SLACK / width
        or box.x1 / width > page.RIGHT + SLACK / width
    ]


def overlaps(figure):
    """Pairs of texts that cover each other."""
    return [
        (first, second)
        for (_, first, a), (_, second, b) in combinations(drawn_texts(figure), 2)
        if min(a.x1, b.x1) - max(a.x0, b.x0) > SLACK and min(a.y1, b.y1) - max(a.y0, b.y0) > SLACK
    ]


def small(figure, points=14):
    """Texts below a size in points, the foot aside."""
    return [
        (text, artist.get_fontsize()) for artist, text, _ in drawn_texts(figure)
        if artist.get_fontsize() < points - 0.01 and artist.get_gid() != "footer"
    ]


def foot(figure):
    """The text of the foot."""
    return next(artist for artist in figure.texts if artist.get_gid() == "footer")


def faint(figure, ratio=4.5):
    """Texts whose contrast against white is below `ratio` (WCAG)."""
    return [
        (text, artist.get_color()) for artist, text, _ in drawn_texts(figure)
        if contrast(artist.get_color(), "white") < ratio
        and contrast(artist.get_color(), "black") < 12  # white text on a dark patch
    ]


def contrast(one, other):
    """Contrast ratio of two colours after WCAG 2."""
    def luminance(colour):
        parts = [
            part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
            for part in colours.to_rgb(colour)
        ]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _axes_visible(artist):
    axes = getattr(artist, "axes", None)
    return axes is None or (axes.get_visible() and (axes.axison or artist in axes.texts))


def _stray_ticks(figure):
    """Tick labels that matplotlib keeps, undrawn, beyond the limits of their axis."""
    stray = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in [*axis.majorTicks, *axis.minorTicks]:
                if not low <= tick.get_loc() <= high:
                    stray |= {tick.label1, tick.label2}
    return stray
