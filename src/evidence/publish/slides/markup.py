"""Shapes as a file of PowerPoint holds them: many are written as text and parsed at once.

python-pptx searches the slide for each property of each shape; a figure has hundreds of shapes.
Places are left, top, width and height in whole English metric units.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape, quoteattr

from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.spec import GRAPHIC_DATA_URI_TABLE
from pptx.util import Pt

from evidence.figures import page

Place = tuple[int, int, int, int]

TREE = f"<p:spTree {nsdecls('a', 'p', 'r')}>{{}}</p:spTree>"
INSETS = 'lIns="0" rIns="0" tIns="0" bIns="0"'
NOTHING = "<a:noFill/>"
MIDDLE = 'rtlCol="0" anchor="ctr"'
WRAPS = {True: "square", False: "none"}
SIDES = {"left": "l", "center": "ctr", "right": "r"}
UNSEEN = re.compile(r"[\x00-\x08\x0B-\x1F]")  # signs that no text of XML may hold


def parsed(written: str):
    """The element that is written."""
    element, = parse_xml(TREE.format(written))
    return element


def add(shapes, written: str):
    """Put one written shape on top of the shapes of a slide, and return it."""
    shape = parsed(written)
    shapes._spTree.insert_element_before(shape, "p:extLst")
    return shapes._shape_factory(shape)


def identity(number: int, name: str, alt: str | None = None) -> str:
    """Number, name and alt text of a shape."""
    said = "" if alt is None else f" descr={quoteattr(alt)}"
    return f'<p:cNvPr id="{number}" name={quoteattr(name)}{said}/>'


def place(box: Place, attributes: str = "") -> str:
    """Where a shape stands; `attributes` turn or mirror it."""
    left, top, width, height = box
    return (f'<a:xfrm{attributes}><a:off x="{left}" y="{top}"/>'
            f'<a:ext cx="{width}" cy="{height}"/></a:xfrm>')


def preset(kind: str) -> str:
    """One of PowerPoint's own outlines."""
    return f'<a:prstGeom prst="{kind}"><a:avLst/></a:prstGeom>'


def outline(width: int, height: int, paths: Iterable[Sequence[tuple[int, int]]],
            closed: bool) -> str:
    """An outline of straight lines; points count from the upper left corner of the shape."""
    end = "<a:close/>" if closed else ""
    drawn = "".join(
        f'<a:moveTo><a:pt x="{x}" y="{y}"/></a:moveTo>'
        + "".join(f'<a:lnTo><a:pt x="{x}" y="{y}"/></a:lnTo>' for x, y in rest) + end
        for (x, y), *rest in paths
    )
    return ('<a:custGeom><a:avLst/><a:gdLst/><a:ahLst/><a:cxnLst/>'
            '<a:rect l="l" t="t" r="r" b="b"/><a:pathLst>'
            f'<a:path w="{width}" h="{height}">{drawn}</a:path></a:pathLst></a:custGeom>')


def body(paragraphs: Iterable[str], attributes: str, fit: str = "") -> str:
    """The words of a shape."""
    return (f"<p:txBody><a:bodyPr {attributes}>{fit}</a:bodyPr><a:lstStyle/>"
            f"{''.join(paragraphs)}</p:txBody>")


WORDLESS = body(['<a:p><a:pPr algn="ctr"/></a:p>'], MIDDLE)


def shape(named: str, stands: str, geometry: str, paint: str, words: str = WORDLESS,
          kind: str = "") -> str:
    """A shape of its `identity`, `place`, outline, paint and words."""
    return (f"<p:sp><p:nvSpPr>{named}<p:cNvSpPr{kind}/><p:nvPr/></p:nvSpPr>"
            f"<p:spPr>{stands}{geometry}{paint}</p:spPr>{words}</p:sp>")


def connector(named: str, ends: Place, paint: str) -> str:
    """A straight line from x, y to x, y."""
    x, y, to_x, to_y = ends
    turned = ' flipH="1"' * (x > to_x) + ' flipV="1"' * (y > to_y)
    stands = place((min(x, to_x), min(y, to_y), abs(to_x - x), abs(to_y - y)), turned)
    return (f"<p:cxnSp><p:nvCxnSpPr>{named}<p:cNvCxnSpPr/><p:nvPr/></p:nvCxnSpPr>"
            f"<p:spPr>{stands}{preset('line')}{paint}</p:spPr></p:cxnSp>")


def picture(named: str, box: Place, relation: str) -> str:
    """The picture that a relation of the slide leads to."""
    return (f'<p:pic><p:nvPicPr>{named}<p:cNvPicPr><a:picLocks noChangeAspect="1"/></p:cNvPicPr>'
            f'<p:nvPr/></p:nvPicPr><p:blipFill><a:blip r:embed="{relation}"/><a:stretch>'
            f"<a:fillRect/></a:stretch></p:blipFill><p:spPr>{place(box)}{preset('rect')}"
            "</p:spPr></p:pic>")


def group(named: str, box: Place, members: Iterable[str]) -> str:
    """Shapes that are moved together."""
    left, top, width, height = box
    return (f"<p:grpSp><p:nvGrpSpPr>{named}<p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr>"
            f'<a:xfrm><a:off x="{left}" y="{top}"/><a:ext cx="{width}" cy="{height}"/>'
            f'<a:chOff x="{left}" y="{top}"/><a:chExt cx="{width}" cy="{height}"/></a:xfrm>'
            f"</p:grpSpPr>{''.join(members)}</p:grpSp>")


def table(named: str, box: Place, style: str, widths: Iterable[int], rows: Iterable[str]) -> str:
    """A table of written `row`s in a style of PowerPoint, its first row the heading."""
    left, top, width, height = box
    columns = "".join(f'<a:gridCol w="{width}"/>' for width in widths)
    return (f"<p:graphicFrame><p:nvGraphicFramePr>{named}<p:cNvGraphicFramePr>"
            '<a:graphicFrameLocks noGrp="1"/></p:cNvGraphicFramePr><p:nvPr/></p:nvGraphicFramePr>'
            f'<p:xfrm><a:off x="{left}" y="{top}"/><a:ext cx="{width}" cy="{height}"/></p:xfrm>'
            f'<a:graphic><a:graphicData uri="{GRAPHIC_DATA_URI_TABLE}"><a:tbl>'
            f'<a:tblPr firstRow="1" bandRow="0"><a:tableStyleId>{style}</a:tableStyleId></a:tblPr>'
            f"<a:tblGrid>{columns}</a:tblGrid>{''.join(rows)}</a:tbl></a:graphicData></a:graphic>"
            "</p:graphicFrame>")


def row(height: int, cells: Iterable[str]) -> str:
    """A row of a table of written `cell`s."""
    return f'<a:tr h="{height}">{"".join(cells)}</a:tr>'


def cell(paragraphs: Iterable[str], pads: tuple[int, int], anchor: str, ground: str | None,
         line: str) -> str:
    """A cell of a table: its margins at the sides and above, its ground, the colour of the thin
    line below it."""
    side, above = pads
    return ('<a:tc><a:txBody><a:bodyPr wrap="square"/><a:lstStyle/>'
            f'{"".join(paragraphs)}</a:txBody><a:tcPr marL="{side}" marR="{side}" marT="{above}" '
            f'marB="{above}" anchor="{anchor}"><a:lnB w="{Pt(0.75)}">{solid(line)}</a:lnB>'
            f"{solid(ground) if ground else NOTHING}</a:tcPr></a:tc>")


def solid(colour: str, alpha: float = 1) -> str:
    """A colour such as "#0072B2", and how much of it covers what lies below."""
    seen = f'<a:alpha val="{round(alpha * 100000)}"/>' if alpha < 1 else ""
    value = colour.removeprefix("#")
    return f'<a:solidFill><a:srgbClr val="{value}">{seen}</a:srgbClr></a:solidFill>'


def block(named: str, box: Place, kind: str, ground: str, words: str = "") -> str:
    """A shape of one colour without a line around it, words on one line in its middle."""
    inside = body([words], f'{MIDDLE} wrap="none" {INSETS}') if words else WORDLESS
    return shape(named, place(box), preset(kind), f"{solid(ground)}<a:ln>{NOTHING}</a:ln>", inside)


def text_box(
    named: str, box: Place, paragraphs: Iterable[str], *, anchor: str = "t", wrap: bool = True,
    turn: float = 0,
) -> str:  # fmt: skip
    """A box for text without inner margins, turned clockwise by degrees."""
    turned = round(turn * 60000)
    return shape(
        named, place(box, f' rot="{turned}"' if turned else ""), preset("rect"), NOTHING,
        body(paragraphs, f'wrap="{WRAPS[wrap]}" anchor="{anchor}" {INSETS}', "<a:spAutoFit/>"),
        ' txBox="1"',
    )  # fmt: skip


def paragraph(
    text: str, size: float, *, bold: bool = False, italic: bool = False, ink: str = page.INK,
    side: str = "left", pitch: float | None = None,
) -> str:  # fmt: skip
    """A paragraph with ``**bold**`` parts; sizes and the distance of its lines in points."""
    slant = ' i="1"' if italic else ""
    look = f'{slant} lang="en-GB">{solid(ink)}'
    runs = "".join(
        f'<a:r><a:rPr sz="{Pt(size).centipoints}" b="{int(bold or number % 2 == 1)}"{look}'
        f"</a:rPr><a:t>{escape(UNSEEN.sub(_coded, part))}</a:t></a:r>"
        for number, part in enumerate(text.split("**")) if part
    )
    apart = f'<a:lnSpc><a:spcPts val="{Pt(pitch).centipoints}"/></a:lnSpc>' if pitch else ""
    return f'<a:p><a:pPr algn="{SIDES[side]}">{apart}</a:pPr>{runs}</a:p>'


def _coded(sign: re.Match) -> str:
    return f"_x{ord(sign[0]):04X}_"
