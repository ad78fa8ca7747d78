"""The typeface of every figure: three faces that lie beside this module.

In: nothing; figures look the same on machines with different fonts, or none. Out: the family, known
to matplotlib after `register`; the families that SVG and HTML name instead; the size of a line of
text; and which letters of a text it lacks.

The faces are a part of Liberation Sans 2, whose letters are as wide as Arial's; see ``OFL.txt``
for the licence and ``subset.py`` for how they were made. The licence reserves the original name.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from io import BytesIO
from pathlib import Path

from matplotlib import font_manager, rcParams
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font

__all__ = ["FACES", "FAMILY", "FOLDER", "WEB_FAMILIES", "fallbacks", "lacking", "measured",
           "register", "unset"]

FAMILY = "Evidence Sans"
FACES = {face: f"EvidenceSans-{face}.ttf" for face in ("Regular", "Bold", "Italic")}
FACE_OF = {("normal", "normal"): "Regular", ("bold", "normal"): "Bold",
           ("normal", "italic"): "Italic"}  # by weight and style
FOLDER = Path(__file__).parent
WEB_FAMILIES = "Arial, 'Liberation Sans', sans-serif"
SPARE = "DejaVu Sans"  # comes with matplotlib, so that it is the same everywhere
BOXES = ("Last Resort", ".Last", "Adobe Blank")  # fonts that draw a box for every letter
UNSEEN = "\n\t\u200b\u200d\ufeff"  # signs that need no glyph


def register() -> None:
    """Make the faces known to matplotlib; to repeat it costs nothing."""
    manager = font_manager.fontManager
    known = {entry.fname for entry in manager.ttflist if entry.name == FAMILY}
    for file in FACES.values():
        if str(FOLDER / file) not in known:
            manager.addfont(FOLDER / file)


def measured(text: str, font: FontProperties, dpi: float) -> tuple[float, float, float]:
    """Width, height and depth of one line in pixels, as matplotlib draws it in the style in use."""
    return _measured(text, font, dpi, rcParams["text.hinting"])


@cache
def _measured(text: str, font: FontProperties, dpi: float,
              hinting: str) -> tuple[float, float, float]:
    """As `measured`, in a style with that `hinting`.

    A face that holds every letter is read from memory: matplotlib reads its file for each letter.
    """
    from matplotlib.backends.backend_agg import RendererAgg, get_hinting_flag

    face = FACE_OF.get((font.get_weight(), font.get_style()))
    if font.get_family()[0] != FAMILY or not face or not _holds(face, text):
        return RendererAgg(1, 1, dpi).get_text_width_height_descent(text, font, ismath=False)
    read = _read(face)
    read.set_size(font.get_size_in_points(), dpi)
    read.set_text(text, 0.0, flags=get_hinting_flag())
    return tuple(part / 64 for part in (*read.get_width_height(), read.get_descent()))


def _holds(face: str, text: str) -> bool:
    return _letters(FOLDER / FACES[face]).issuperset(map(ord, text))


@cache
def _read(face: str) -> FT2Font:
    return FT2Font(BytesIO((FOLDER / FACES[face]).read_bytes()))


def fallbacks(texts: Iterable[str]) -> list[str]:
    """Further families of this machine that hold what the typeface lacks of `texts`, in the order
    in which they are asked; none for texts in Latin, Greek and Cyrillic.

    Examples
    --------
    >>> from evidence.figures.typeface import fallbacks
    >>> fallbacks(["Rodríguez-Freire 2026, τ² = 0.15"])
    []
    """
    open_ = _missing(texts, _letters(FOLDER / FACES["Regular"]))
    families = []
    for family, file in _others() if open_ else ():
        found = open_ & _letters(file)
        if found:
            families.append(family)
            open_ -= found
        if not open_:
            break
    return families


def lacking(text: str, families: Iterable[str]) -> str:
    """Letters of a text that neither the typeface nor one of `families` holds.

    Examples
    --------
    >>> from evidence.figures.typeface import lacking
    >>> lacking("Müller 2020", [])
    ''
    """
    open_ = _missing([text], _letters(FOLDER / FACES["Regular"]))
    files = dict(_others()) if open_ else {}
    for family in families:
        if open_ and family in files:
            open_ -= _letters(files[family])
    return "".join(letter for letter in dict.fromkeys(text) if ord(letter) in open_)


def unset(names: Iterable[str]) -> list[str]:
    """A remark on each name with letters that no font of this machine has.

    Examples
    --------
    >>> from evidence.figures.typeface import unset
    >>> unset(["Müller 2020", "Παπαδόπουλος 2021"])
    []
    """
    found = ((name, lacking(name, fallbacks([name]))) for name in dict.fromkeys(names))
    return [f"{name}: no font of this machine has {', '.join(letters)}; in figures a question mark "
            "stands for each" for name, letters in found if letters]


def _missing(texts: Iterable[str], letters: frozenset[int]) -> set[int]:
    return {ord(letter) for text in texts for letter in text if letter not in UNSEEN} - letters


@cache
def _letters(file: Path | str) -> frozenset[int]:
    return frozenset(FT2Font(str(file)).get_charmap())


def _others() -> list[tuple[str, str]]:
    """Upright families of this machine and a file of each, the one that matplotlib brings first."""
    files: dict[str, str] = {}
    for entry in font_manager.fontManager.ttflist:
        is_upright = entry.style == "normal" and str(entry.weight) in ("400", "normal", "regular")
        if is_upright and entry.name != FAMILY and not entry.name.startswith(BOXES):
            files[entry.name] = min(entry.fname, files.get(entry.name, entry.fname))
    return sorted(files.items(), key=lambda pair: (pair[0] != SPARE, pair[0]))
