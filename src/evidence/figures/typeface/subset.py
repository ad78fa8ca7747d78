"""Make the typeface of this package from the fonts of Liberation Sans 2 (SIL Open Font License).

Run as ``python -m evidence.figures.typeface.subset FOLDER``, where FOLDER holds
``LiberationSans-Regular.ttf`` and its bold and italic; on Debian that is the folder of the package
fonts-liberation2. Letters of Latin, Greek and Cyrillic stay, with the signs beside them; hinting
goes, since figures are drawn without it. The licence reserves the name Liberation for the
original, so that the copy has a name of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

from evidence.figures.typeface import FACES, FAMILY, FOLDER

ORIGINAL = "LiberationSans-{face}.ttf"
KEPT = (  # ranges of Unicode, both ends included
    (0x0020, 0x007E),  # ASCII
    (0x00A0, 0x024F),  # Latin of Europe
    (0x02B0, 0x02DD), (0x0300, 0x036F),  # accents
    (0x0370, 0x03FF), (0x0400, 0x045F),  # Greek, Cyrillic
    (0x1E00, 0x1EFF),  # more Latin, Vietnamese among it
    (0x2000, 0x206F), (0x2070, 0x209F), (0x20A0, 0x20BF),  # punctuation, small figures, currencies
    (0x2100, 0x214F), (0x2190, 0x21FF), (0x2200, 0x22FF), (0x25A0, 0x25FF),  # signs
)  # fmt: skip
COPYRIGHT, FAMILY_NAME, STYLE, UNIQUE, FULL, VERSION, POSTSCRIPT = 0, 1, 2, 3, 4, 5, 6
TRADEMARK, DESCRIPTION, LICENCE, LICENCE_PLACE = 7, 10, 13, 14
NAMED = (COPYRIGHT, FAMILY_NAME, STYLE, UNIQUE, FULL, VERSION, POSTSCRIPT, DESCRIPTION, LICENCE,
         LICENCE_PLACE)


def subset(source: Path, target: Path, face: str) -> None:
    """Write the kept letters of the font `source` to `target` under the name of this package."""
    options = Options()
    options.hinting = False
    options.layout_features = ["kern"]
    options.name_IDs = list(NAMED)
    options.notdef_outline = True
    options.recalc_timestamp = False
    options.drop_tables += ["FFTM", "DSIG"]
    font = TTFont(source, recalcTimestamp=False)
    maker = Subsetter(options)
    maker.populate(unicodes=[code for first, last in KEPT for code in range(first, last + 1)])
    maker.subset(font)
    version = font["name"].getDebugName(VERSION)
    words = {
        FAMILY_NAME: FAMILY, STYLE: face, UNIQUE: f"{FAMILY} {face}", FULL: f"{FAMILY} {face}",
        POSTSCRIPT: f"{FAMILY.replace(' ', '')}-{face}",
        DESCRIPTION: f"Some letters of a sans serif with the widths of Arial ({version}).",
    }
    font["name"].names = [name for name in font["name"].names if name.platformID == 3]
    for number, text in words.items():
        font["name"].setName(text, number, 3, 1, 0x409)
    font.save(target)


def main(folder: Path) -> None:
    """Write every face into the folder of this module."""
    for face in FACES:
        subset(folder / ORIGINAL.format(face=face), FOLDER / FACES[face], face)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
