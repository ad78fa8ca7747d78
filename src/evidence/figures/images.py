"""Images."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure as Canvas

from evidence.figures import page, typeface
from evidence.figures.figure import NAME, Figure, Spec
from evidence.review import Problem, Review, ReviewError
from evidence.storage import write_bytes

FORMATS = ("png", "svg", "pdf")
OWN_FAMILY = re.compile(rf"'{typeface.FAMILY}'(, '[^']*')*")
NARROW = ("answer", "forest_page", "event_forest")  # kinds that fit into one column
COLUMN = 85  # mm
DPI = 200  # a slide is 2667 × 1500 dots
PACKED = 3  # of a PNG: as small as the usual 6 in two thirds of the time
NO_DATES = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "ModDate": None, "Producer": None, "Creator": None},
}


def render(figure: Figure, formats: Iterable[str] = FORMATS, style: str = "slide",
           dpi: int = DPI, *, width: int = 170, transparent: bool = False) -> dict[str, bytes]:
    """Draw a figure once and encode it in each format.

    Parameters
    ----------
    figure : Figure
    formats : iterable of str
        Among `FORMATS`.
    style : str
        Among `evidence.figures.page.STYLES`.
    dpi : int
        Dots per inch of the PNG.
    width : int
        Millimetres in print, 170 or 85.
    transparent : bool
        Whether the ground is left out.

    Returns
    -------
    dict of str to bytes
        Content by format, of further pages by number and format (``2.png``); equal input gives
        equal bytes.

    Raises
    ------
    ReviewError
        When the figure is too crowded for one column of a journal.
    """
    files = {}
    kinds = list(formats)
    with page.style(style):
        for number, canvas in enumerate(_pages(figure, style, width) if kinds else (), 1):
            for kind in kinds:
                name = kind if number == 1 else f"{number}.{kind}"
                content = _encoded(canvas, kind, style, dpi, figure.title, width, transparent)
                files[name] = _described(content, figure) if kind == "svg" else content
    return files


def has_phone(spec: Spec) -> bool:
    """Whether a telephone has room for the kind of a figure."""
    return spec.kind in NARROW


def phone(figure: Figure) -> bytes | None:
    """The drawing of a figure for a telephone, as SVG; None where its kind has none, or too much
    stands on it."""
    if figure.content.phone is not None:
        with page.style("slide", figure.texts):
            canvas = page.page()
            figure.content.phone(canvas)
            page.without_boxes(canvas)
            svg = _encoded(canvas, "svg", "slide", DPI, figure.title, COLUMN, False)
            return _described(svg, figure)
    if not has_phone(figure.spec):
        return None
    try:
        pages = render(figure, ["svg"], "print", width=COLUMN)
    except ReviewError:
        return None
    return pages["svg"] if len(pages) == 1 else None


def _pages(figure: Figure, style: str, width: int) -> list[Canvas]:
    """The pages of a figure; one column wide only where they can be read."""
    if style != "print" or width == 170:
        return figure.figures(style)
    from evidence.figures import printing

    try:
        pages = figure.figures(style, narrow=True)
        why = next(filter(None, (printing.crowding(canvas, width) for canvas in pages)), "")
    except ReviewError as error:
        why = error.problems[0].rule
    if why:
        raise ReviewError([Problem("--width", None, "", figure.name,
                                   f"does not fit into {width} mm: {why}", "use --width 170")])
    return pages


def _encoded(canvas: Canvas, kind: str, style: str, dpi: int, title: str, width: int,
             transparent: bool) -> bytes:
    metadata = NO_DATES[kind] | {"Title": title}
    if style == "print":
        from evidence.figures import printing

        return printing.encode(canvas, kind, dpi, metadata, width=width, transparent=transparent)
    buffer = BytesIO()
    how = {"pil_kwargs": {"compress_level": PACKED}} if kind == "png" else {}
    canvas.savefig(buffer, format=kind, dpi=dpi, metadata=metadata, transparent=transparent, **how)
    return buffer.getvalue()


def _described(svg: bytes, figure: Figure) -> bytes:
    """Put title and description into the SVG, where screen readers look for them, and name fonts
    that a reader has."""
    text = OWN_FAMILY.sub(typeface.WEB_FAMILIES, svg.decode("utf-8"))
    text = re.sub(r"\s*<title>.*?</title>", "", text, count=1, flags=re.DOTALL)
    label = (f"\n <title>{html.escape(figure.title)}</title>"
             f"\n <desc>{html.escape(figure.alt)}</desc>")
    opening = re.search(r"<svg\b[^>]*>", text)
    end = opening.end()
    return (text[: end - 1] + ' role="img">' + label + text[end:]).encode("utf-8")


def export(figure: Figure, folder: Path, **options) -> list[Path]:
    """Write a figure into `folder` as ``<name>.<format>``; see `render` for the options.

    Raises
    ------
    ValueError
        When the name of the figure is not a plain file name.
    """
    if not NAME.fullmatch(figure.name):
        raise ValueError(f"'{figure.name}' is not a plain name: use a-z, 0-9, _ and -")
    paths = []
    for kind, content in render(figure, **options).items():
        path = folder / f"{figure.name}.{kind}"
        write_bytes(path, content)
        paths.append(path)
    return paths


def entry(review: Review, figure: Figure) -> dict[str, Any]:
    """Description of an exported figure: name, title (the message), subtitle, caption, alt text,
    notebook, method line, source keys and the SHA-256 of the tables and references behind it."""
    return {
        "name": figure.name,
        "title": figure.title,
        "subtitle": figure.subtitle,
        "caption": figure.caption,
        "alt": figure.alt,
        "notebook": figure.notebook,
        "method": figure.method,
        "sources": list(figure.sources),
        "data_sha256": review.digest(*figure.content.tables),
    }


def manifest(entries: Iterable[Mapping[str, Any]]) -> str:
    """The manifest of exported figures as JSON text, sorted by name."""
    ordered = sorted(entries, key=lambda item: item["name"])
    return json.dumps(ordered, indent=1, ensure_ascii=False) + "\n"
