r"""One decoder from LaTeX, as reference managers write it, to plain text.

Nothing vanishes: a macro that is not known stays as it was written, and its name is given back.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache

MARKUP = re.compile(r"[\\$~&<]|--|``|''")
BRACES = str.maketrans("", "", "{}")
ACCENTS = {
    "'": "\u0301", "`": "\u0300", "^": "\u0302", '"': "\u0308", "~": "\u0303", "=": "\u0304",
    ".": "\u0307", "u": "\u0306", "v": "\u030c", "H": "\u030b", "c": "\u0327", "k": "\u0328",
    "r": "\u030a", "d": "\u0323", "b": "\u0331", "t": "\u0361", "C": "\u030f", "G": "\u030f",
    "h": "\u0309", "U": "\u030e",
}  # fmt: skip
BELOW = "cdkb"  # accents under which i and j keep their dots
SIGNS = {
    "textless": "<", "textgreater": ">", "less": "<", "greater": ">", "lt": "<", "gt": ">",
    "textbar": "|", "rq": "’", "lq": "‘", "textquotesingle": "'", "textquotedbl": '"',
    "textasciigrave": "`", "textasciiacute": "´", "textminus": "−", "textprime": "′", "prime": "′",
    "texttimes": "×", "textperiodcentered": "·", "textonehalf": "½", "textonequarter": "¼",
    "textthreequarters": "¾", "degree": "°", "celsius": "°C", "slash": "/", "textslash": "/",
    "textonesuperior": "¹", "texttwosuperior": "²", "textthreesuperior": "³", "lbrace": "{",
    "rbrace": "}", "textnumero": "№", "texteuro": "€", "euro": "€", "textdiv": "÷",
    "textsurd": "√", "textlnot": "¬", "textpm": "±", "textonlinelow": "_", "sp": "^", "sb": "_",
    "textsection": "§", "textcent": "¢", "textyen": "¥", "cyrchar": "", "textmho": "℧",
    "circ": "°", "ast": "*", "star": "*", "mid": "|", "vert": "|", "colon": ":", "tilde": "~",
    "leqslant": "≤", "geqslant": "≥", "textleq": "≤", "textgeq": "≥", "le": "≤", "ge": "≥",
    "lessthan": "<", "textapprox": "≈", "textohm": "Ω", "textmicro": "µ", "textalfa": "α",
    "cdot": "·", "%": "%", "&": "&", "$": "$", "#": "#", "_": "_", "{": "{", "}": "}",
    "@": "@", "*": "*", "/": "", "-": "", "!": "", ",": " ", ";": " ", ":": " ", " ": " ",
    "\n": " ", "\\": " ", "newline": " ", "par": " ", "quad": " ", "qquad": " ", "space": " ",
    "nobreakspace": " ", "textvisiblespace": " ", "break": "", "nolinebreak": "", "protect": "",
    "relax": "", "em": "", "it": "", "bf": "", "sc": "", "sf": "", "tt": "", "rm": "", "sl": "",
    "itshape": "", "bfseries": "", "scshape": "", "upshape": "", "mdseries": "", "slshape": "",
    "sffamily": "", "ttfamily": "", "rmfamily": "", "normalfont": "", "small": "", "tiny": "",
    "footnotesize": "", "large": "", "Large": "", "limits": "", "left": "", "right": "",
    "displaystyle": "", "textstyle": "", "allowbreak": "", "hfill": " ", "bgroup": "",
    "egroup": "", "leavevmode": "", "unskip": "", "null": "", "ignorespaces": "",
    "hyphen": "-",
    "LaTeX": "LaTeX", "TeX": "TeX", "BibTeX": "BibTeX", "LaTeXe": "LaTeX 2ε", "Rlogo": "R",
    "textquoteright": "’", "textquoteleft": "‘", "guilsinglleft": "‹", "guilsinglright": "›",
}  # fmt: skip
_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau"
    " upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
GREEK = frozenset(_GREEK.split())
LATIN_GREEK = {  # textgreek also names the capitals that LaTeX has no macro for
    "textAlpha": "Α", "textBeta": "Β", "textEpsilon": "Ε", "textEta": "Η", "textKappa": "Κ",
    "textMu": "Μ", "textomicron": "ο", "omicron": "ο", "textTau": "Τ", "textvarepsilon": "ε",
    "textvartheta": "ϑ", "textvarphi": "φ",
}  # fmt: skip
_WITH_TEXT = (  # macros of one argument that print it
    "emph textit textbf textsf textsc texttt textrm textsl textup textmd textnormal text mbox hbox"
    " fbox makebox underline uline ensuremath mathrm mathit mathbf mathsf mathtt mathcal mathbb"
    " boldsymbol bm operatorname uppercase MakeUppercase lowercase MakeLowercase MakeSentenceCase"
    " NoCaseChange acs ac acl gls url path nolinkurl ce chem textcolorless mkbibemph mkbibbold"
    " mkbibitalic mkbibparens mkbibsuperscript mkbibquote enquote textsuperscript textsubscript"
    " mathop vec hat bar overline ExternalLink foreignquote htmladdnormallink raisebox sisetup num"
    " ensuretext hyphenatedword caps scriptsize pkg"
    " proglang code file fct strong dfn kbd samp verb"
)
WITH_TEXT = _WITH_TEXT.split()
SUPERSCRIPT = ("textsuperscript", "mkbibsuperscript")
QUOTING = ("enquote", "mkbibquote")
UNSEEN = ("noopsort", "SortNoop", "printfirst", "switchargs", "phantom", "hspace", "vspace",
          "label", "index", "cite", "ref", "color", "fontsize", "bibinfo", "hskip")  # fmt: skip
SECOND = ("href", "textcolor", "foreignlanguage", "texorpdfstring", "bibinfo", "bibfield",
          "colorbox")  # fmt: skip
SPECIALS = {"``": "“", "''": "”", "---": "—", "--": "–", "~": " ", "?`": "¿", "!`": "¡"}
SUPER = str.maketrans("0123456789+-=()ni−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ⁻")
SUB = str.maketrans("0123456789+-=()−", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎₋")
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
RAISED = re.compile(r"<(sup|sub)>([^<>]*)</\1>", re.IGNORECASE)
TAG = re.compile(
    r"< ?/?(?:i|b|u|em|strong|sub|sup|sc|scp|inf|tt|small|span|bold|italic|monospace|underline|p|br"
    r"|title|jats:[\w-]+|mml:[\w-]+|font|roman|smallcaps)(?:\s[^<>]*)?/?>", re.IGNORECASE
)  # fmt: skip
TEXT_PERCENT = re.compile(r"(?<!\\)%")
DOLLAR = re.compile(r"(?<!\\)\$")
DEEPEST = 60  # nested braces


def decoded(text: str) -> str:
    r"""Plain text of LaTeX on one line; a bare ``%``, ``&`` or ``$`` stands for itself.

    Parameters
    ----------
    text : str
        Value of a BibTeX field.

    Returns
    -------
    str
        Macros that are not known stand in it as they were written; see `unknown_macros`.

    Examples
    --------
    >>> decoded(r"{\"O}sophagus \& 50% of {TNF-$\alpha$}, p {\textless} 0.05")
    'Ösophagus & 50% of TNF-α, p < 0.05'
    """
    return _decoded(text)[0]


def unknown_macros(text: str) -> tuple[str, ...]:
    r"""Names of the macros of `text` that `decoded` left as they were, each once.

    Examples
    --------
    >>> unknown_macros(r"A \strange{title}")
    ('\\strange',)
    """
    return _decoded(text)[1]


@lru_cache(maxsize=4096)  # journals and given names come again and again
def _decoded(text: str) -> tuple[str, tuple[str, ...]]:
    if not MARKUP.search(text):
        return " ".join(text.translate(BRACES).split()), ()
    text = text.replace(r"$\backslash$", "\\")  # an export of an export
    text = re.sub(r"\\a(?=['`=])", r"\\", text)  # accents as they stand in tables
    text = re.sub(r"(?<!\\)((?:\\\\)*)\\$", r"\1\\textbackslash", text)
    unknown: list[str] = []
    if _depth(text) <= DEEPEST and ("\\" in text or "{" in text or "$" in text
                                    or any(sign in text for sign in SPECIALS)):  # fmt: skip
        text = _plain(_nodes(_with_money(TEXT_PERCENT.sub(r"\\%", text))), unknown, False)
    text = ENTITY.sub(lambda found: html.unescape(found[0]), text)
    text = RAISED.sub(lambda found: _raised(found[2], found[1].lower() == "sup"), text)
    text = unicodedata.normalize("NFC", TAG.sub("", text))
    return " ".join(text.split()), tuple(dict.fromkeys(unknown))


def _depth(text: str) -> int:
    depth = deepest = 0
    for sign in text:
        depth += (sign == "{") - (sign == "}")
        deepest = max(deepest, depth)
    return deepest


def _with_money(text: str) -> str:
    """Dollars that stand for themselves escaped: mathematics neither begins nor ends at a space."""
    places = [found.start() for found in DOLLAR.finditer(text)]
    money: list[int] = []
    while places:
        start = places.pop(0)
        following = text[start + 1 : start + 2]
        end = next(
            (at for at in places if not text[at - 1].isspace()
             and not text[at + 1 : at + 2].isdigit() and at > start + 1), None
        )  # fmt: skip
        if not following or following.isspace() or end is None:
            money.append(start)
        else:
            inside = [at for at in places if at < end]
            money += inside
            places = [at for at in places if at > end]
    for at in sorted(money, reverse=True):
        text = f"{text[:at]}\\{text[at:]}"
    return text


@cache
def _context():
    from pylatexenc import macrospec
    from pylatexenc.latexwalker import get_default_latex_context_db

    specs = [macrospec.MacroSpec(name, "{") for name in (*WITH_TEXT, *UNSEEN)]
    specs += [macrospec.MacroSpec(name, "{{") for name in SECOND]
    specs += [macrospec.MacroSpec(name, "{") for name in ACCENTS]
    context = get_default_latex_context_db()
    context.add_context_category("references", macros=specs, prepend=True)
    return context


@cache
def _symbols() -> Callable:
    from pylatexenc.latex2text import get_default_latex_context_db

    known = get_default_latex_context_db()

    def symbol(name: str) -> str | None:
        if name in SIGNS:
            return SIGNS[name]
        if name in LATIN_GREEK:
            return LATIN_GREEK[name]
        if name.startswith("text") and name[4:] in GREEK:
            name = name[4:]
        spec = known.get_macro_spec(name)
        found = spec.simplify_repl if spec else None
        return found if isinstance(found, str) and "%" not in found else None

    return symbol


def _nodes(text: str) -> Sequence:
    from pylatexenc.latexwalker import LatexWalker

    return LatexWalker(text, latex_context=_context(), tolerant_parsing=True).get_latex_nodes()[0]


def _plain(nodes: Iterable, unknown: list[str], math: bool) -> str:
    """Text of nodes; in mathematics ``^`` and ``_`` raise and lower what follows."""
    from pylatexenc import latexwalker as walker

    out: list[str] = []
    raising, verbatim = "", False
    for node in nodes:
        if node is None:
            continue
        before = len(unknown)
        if isinstance(node, walker.LatexCharsNode):
            if math:
                text, raising = _mathematics(node.chars, raising)
                out.append(text)
                continue
            text = node.chars
        elif isinstance(node, walker.LatexGroupNode):
            opening, closing = node.delimiters
            text = _plain(node.nodelist, unknown, math)
            if opening != "{" or verbatim:
                text = f"{opening}{text}{closing}"
        elif isinstance(node, walker.LatexMathNode):
            text = _plain(node.nodelist, unknown, True)
        elif isinstance(node, walker.LatexMacroNode):
            text = _macro(node, unknown, math)
        elif isinstance(node, walker.LatexSpecialsNode):
            text = SPECIALS.get(node.specials_chars, node.specials_chars)
        else:  # an environment or a comment
            text = node.latex_verbatim()
        if raising:
            text, raising = _raised(text, raising == "^"), ""
        verbatim = len(unknown) > before and isinstance(node, walker.LatexMacroNode)
        out.append(text)
    return "".join(out) + raising


def _mathematics(chars: str, raising: str) -> tuple[str, str]:
    """Characters of a formula, and the ``^`` or ``_`` that the next node follows."""
    out = []
    for sign in chars:
        if sign in "^_" and not raising:
            raising = sign
        elif raising and not sign.isspace():
            out.append(_raised(sign, raising == "^"))
            raising = ""
        else:
            out.append(sign)
    return "".join(out), raising


def _raised(text: str, up: bool) -> str:
    """Small signs above or below the line where Unicode has them all, else ``^`` or the text."""
    text = text.strip()
    if text in ("°", "*", "†", "′", "∘"):
        return "°" if text == "∘" else text
    small = text.translate(SUPER if up else SUB)
    if not any(sign in text for sign in small if not sign.isspace()):
        return small
    if not up:
        return text
    return f"^{text}" if len(text) == 1 or text.isdigit() else text


def _macro(node, unknown: list[str], math: bool) -> str:
    name = node.macroname
    arguments = [item for item in (node.nodeargd.argnlist if node.nodeargd else ()) if item]
    texts = [_plain([item], unknown, math and name != "text") for item in arguments]
    space = " " if node.macro_post_space else ""
    if not name:
        return "\\"
    if name in ACCENTS and arguments:
        return _accented(texts[-1], name)
    if name in SUPERSCRIPT:
        return _raised("".join(texts), True)
    if name == "textsubscript":
        return _raised("".join(texts), False)
    if name in UNSEEN:
        return ""
    if name in SECOND:
        return texts[-1] if texts else ""
    if name in QUOTING:
        return f"“{''.join(texts)}”"
    if name in ("frac", "tfrac", "dfrac") and len(texts) == 2:
        return "/".join(texts)
    if name in ("uppercase", "MakeUppercase"):
        return "".join(texts).upper()
    if name in WITH_TEXT and texts:
        return "".join(texts)
    sign = _symbols()(name)
    if sign is None:
        unknown.append(f"\\{name}")
        return node.latex_verbatim()
    swallowed = (not sign or sign[-1].isalpha() or sign in " -" or not name.isalpha())
    return sign + "".join(texts) + ("" if swallowed else space)


def _accented(text: str, name: str) -> str:
    base, rest = text[:1], text[1:]
    if not base:
        return {"~": "~", "^": "^", "'": "´", "`": "`", '"': '"'}.get(name, "")
    if name not in BELOW:
        base = {"ı": "i", "ȷ": "j"}.get(base, base)
    return unicodedata.normalize("NFC", base + ACCENTS[name]) + rest
