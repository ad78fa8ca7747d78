"""Addresses are judged once, after everything that a browser would decode, and written encoded."""

import html
import re

import pandas as pd
import pytest

from conftest import MINIMAL, edit, write_review
from evidence.review import addresses, load_review
from evidence.wording.html import allowed, link, to_html
from evidence.wording.prose import escaped, harmless

NOWHERE = [
    "javascript:alert(1)", " JavaScript:alert(1)", "java\tscript:x", "java\nscript:x",
    "\x01javascript:x", "java\u200bscript:x", "javascript&colon;x", "&#106;avascript:x",
    "&#x6A;avascript:x", "&amp;#106;avascript:x", "java&Tab;script:x", "javascript\\:x",
    "data:text/html,x", "data\\:text/html,x", "vbscript:x", "file:///etc/passwd", "//a.example/x",
    "\\\\a.example\\x", "/etc/passwd", "https:///x", "https://", "http://exa mple.org/", "ftp://a.org/",
    "mailto:a@example.org", "https://a.org/" + "x" * 3000, "a:b", ":x",
]  # fmt: skip
SOMEWHERE = {
    "https://doi.org/10.1000/1": "https://doi.org/10.1000/1",
    "https://a.org/a b<c>": "https://a.org/a%20b%3Cc%3E",
    "https://a.org/?x=1&copy=2#y": "https://a.org/?x=1&copy=2#y",
    "https://a.org/a%20b": "https://a.org/a%20b",
    "HTTP://A.org/": "HTTP://A.org/", "#ref-a": "#ref-a", "../figures/x.png": "../figures/x.png",
    "01_x.ipynb#a-b": "01_x.ipynb#a-b", "a b (new).ipynb": "a%20b%20(new).ipynb",
}  # fmt: skip


def in_a_notebook(text):
    """Markdown as a notebook shows it."""
    from nbconvert.filters.markdown import markdown2html  # takes long to import

    return markdown2html(text)


@pytest.mark.parametrize("text", NOWHERE)
def test_what_would_run_or_lead_elsewhere_is_no_target(text):
    assert addresses.target(text) == ""
    assert "href" not in link("x", text).html
    shown = in_a_notebook(harmless(f"[Read]({text})"))
    assert not re.search('(?:href|src)="(?!https?:)[^"]*:', shown)
    page = allowed(f'<a href="{text}">x</a><img src="{text}"><form action="{text}"></form>')
    assert "href" not in page and "src" not in page and "form" not in page


@pytest.mark.parametrize("text", SOMEWHERE)
def test_what_leads_to_the_web_or_into_the_review_is_encoded(text):
    assert addresses.target(text) == SOMEWHERE[text]
    assert addresses.target(SOMEWHERE[text]) == SOMEWHERE[text]  # once is enough
    assert "href" in link("x", text).html and "href" in allowed(link("x", text).html)


@pytest.mark.parametrize("page", [
    "<script>x()</script>", "<style>p {}</style>", "<iframe src='x'></iframe>", "<object data=x>",
    "<embed src=x>", "<base href='https://a.org/'>", "<svg onload=x()></svg>", "<math><mi>x",
    "<p onclick=x()>", "<img src=x onerror=x()>", "<img src='https://a.org/x.png'>",
    "<img src='data:image/svg+xml;base64,eA=='>", "<meta http-equiv=refresh content='0;url=x'>",
    "<link rel=stylesheet href=x>", "<input autofocus onfocus=x()>", "<p style='position:fixed'>",
    "<p style='background-color:red;background:url(https://a.org)'>", "<!--<p>--><noscript><p x>",
    "<a href='https://a.org' ping='https://b.org' target=_top>x</a>", "<video src=x></video>",
])
def test_a_page_holds_only_what_is_on_the_list(page):
    found = allowed(page)
    for word in ("script", "style>", "<iframe", "<object", "<embed", "<base", "<svg", "<math", "on",
                 "src=\"http", "svg", "<meta", "<link", "<input", "position", "url(", "ping",
                 "target", "<video"):
        assert word not in found, found


def test_what_is_on_the_list_stays():
    page = ('<table style="max-width:1000px"><tbody><tr><td style="text-align:left">a</td></tr>'
            '</tbody></table><details open=""><summary>b</summary><p id="c">c</p></details>'
            '<img src="data:image/png;base64,eA==" alt="d"><img src="figures/x.png" alt="">'
            '<a href="#c" aria-label="e">e</a>')
    assert allowed(page) == page


@pytest.mark.parametrize("text", ["It costs $5 or $6", r"\(x^2\)", r"\[x\]", "$$x$$",
                                  r"\begin{equation}x\end{equation}", r"a \\(x\\) b"])
def test_text_is_no_formula(text):
    """JupyterLab looks for formulas within one piece of text; their signs stand alone."""
    pieces = [harmless(text), str(escaped(text)), to_html(pd.DataFrame({"a": [text]}), text)]
    for piece in pieces:
        for sign in ("$", "\\(", "\\[", "\\begin", "\\\\"):
            bare = piece.replace("<span>$</span>", "").replace("<span>\\</span>", "")
            assert sign not in bare or (piece is pieces[0] and sign in ("\\(", "\\["))


@pytest.mark.parametrize("text", ["a & b < c > d % e _ f", "x" * 80,
                                  "مرحبا (شلوم) שלום", "👩‍⚕️ 50 %",
                                  "[brackets](of a file).csv", "**not** `code`", "1. not a list"])
def test_labels_are_shown_as_they_are_written(text):
    table = allowed(to_html(pd.DataFrame({"a": [text]})))
    assert html.escape(text, quote=False) in table
    shown = html.unescape(in_a_notebook(f"Here: {escaped(text)}"))
    assert text in shown.replace("<span>", "").replace("</span>", "")


def test_an_address_that_is_none_is_a_remark(tmp_path):
    root = write_review(tmp_path / "review", MINIMAL)
    for url in ("https://a.org/" + "x" * 3000, "not an address", "http://", "javascript:x"):
        edit(root / "references.bib", "doi = {10.1000/abel}", f"url = {{{url}}}")
        review = load_review(root)
        assert review.bibliography["abel2001"].link == ""
        found = [w.column for w in review.warnings if "nothing links to it" in w.rule]
        assert found == ["abel2001"]
        edit(root / "references.bib", f"url = {{{url}}}", "doi = {10.1000/abel}")
