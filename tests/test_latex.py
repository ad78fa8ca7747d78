"""LaTeX in references becomes plain text, and nothing vanishes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.review.latex import decoded, unknown_macros


@pytest.mark.parametrize(
    "latex, text",
    [
        (r"Weight {\textgreater} 90 and q {\textless} 0.01", "Weight > 90 and q < 0.01"),
        (r"10\textsuperscript{12} and $10^{-3}$ and CO$_2$", "10¹² and 10⁻³ and CO₂"),
        (r"IFN-{\textgamma} and $\beta$-cells", "IFN-γ and β-cells"),
        ("Between $7 and $9 a cup", "Between $7 and $9 a cup"),
        ("From $7–$9 a cup", "From $7–$9 a cup"),
        (r"Sj{\"o}gren{\rq}s or 3{\textbar}4", "Sjögren’s or 3|4"),
        (r"$\less$i$\greater$ex vivo$\less$/i$\greater$ &amp; <b>y</b>", "ex vivo & y"),
        (r"Tea & Milk in caf{\'e}s, 50% & more", "Tea & Milk in cafés, 50% & more"),
        (r"{Poe \& Sons}", "Poe & Sons"),
        (r"A \href{https://example.org/x}{linked word}", "A linked word"),
        (r"\textit{E. coli} with \textsf{S}~and {\it R}", "E. coli with S and R"),
        (r"\'{\i} {\v S}vec Ma\~nana \o re {\L}ukasz", "í Švec Mañana øre Łukasz"),
        ("<sup>18</sup>F and H<sub>2</sub>O", "¹⁸F and H₂O"),
        (r"37$^\circ$C --- ``warm'' {\%}", "37°C — “warm” %"),
        (r"$\backslash$textless 5", "< 5"),
    ],
)
def test_decodes(latex, text):
    assert decoded(latex) == text
    assert not unknown_macros(latex)


def test_an_unknown_macro_stays_and_is_named():
    assert decoded(r"A \teapot{full} of $\brew$") == r"A \teapot{full} of \brew"
    assert unknown_macros(r"A \teapot{full} of $\brew$") == (r"\teapot", r"\brew")


def test_deep_nesting_ends():
    text = "\\emph{" * 2000 + "x" + "}" * 2000
    assert "x" in decoded(text)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab \\{}$%&#_^~-'`\"ß", max_size=30))
def test_no_letter_vanishes(text):
    assert decoded(text).count("ß") == text.count("ß")
