"""What readers see holds no internal name: no code, no key of a reference, no id of a row."""

import html
import json
import re

import nbformat
import pytest
from pptx import Presentation

from conftest import REPOSITORY

UNSEEN = re.compile(r"<(style|script|pre|code)\b.*?</\1>|<[^>]*>", re.DOTALL)
CODE = re.compile(r"(?<![\w/.])[a-z0-9]+(?:_[a-z0-9]+)+(?![\w/]|\.\w)")  # no file's name
MARKDOWN = re.compile(r"```.*?```|`[^`]*`|\]\([^)]*\)|\[@[^\]]*\]|\{[^{}]*\}", re.DOTALL)


@pytest.fixture(scope="module")
def said(review):
    """Gives the internal names in a text for readers."""
    keys = {key for key in review.bibliography if re.fullmatch(r"[a-z]+\d{4}[a-z]?", key)}
    ids = set(review.table("claims")["claim_id"]) | set(review.table("discrepancies")["id"])

    def found(text):
        plain = html.unescape(UNSEEN.sub(" ", text))
        words = set(re.findall(r"(?<![\w./-])[\w-]+(?![\w/-]|\.\w)", plain))
        return {hit[0] for hit in CODE.finditer(plain)} | words & (keys | ids)

    return found


def of_notebook(path):
    """Prose and stored results of a notebook, without its code."""
    parts = []
    for cell in nbformat.read(path, as_version=4).cells:
        parts += [MARKDOWN.sub(" ", cell.source)] if cell.cell_type == "markdown" else []
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            kinds = ["text/html", "text/markdown", *(["text/plain"] if "image/png" in data else [])]
            parts += [MARKDOWN.sub(" ", data[kind]) if kind == "text/markdown" else data[kind]
                      for kind in kinds if kind in data]
    return "\n".join(parts)


def of_slides(path):
    """Texts, tables and notes of the slides."""
    parts, shapes = [], []
    for slide in Presentation(path).slides:
        shapes += slide.shapes
        parts += [slide.notes_slide.notes_text_frame.text] if slide.has_notes_slide else []
    while shapes:
        shape = shapes.pop()
        shapes += getattr(shape, "shapes", ())
        parts += [shape.text_frame.text] if shape.has_text_frame else []
        if getattr(shape, "has_table", False):
            parts += [cell.text for row in shape.table.rows for cell in row.cells]
    return "\n".join(parts)


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "notebooks").glob("[!.]*.ipynb")), ids=lambda path: path.stem)
def test_of_a_notebook(path, said):
    assert said(of_notebook(path)) == set()


def test_of_slides_figures_and_readme(said):
    assert said(of_slides(REPOSITORY / "figures" / "slides.pptx")) == set()
    manifest = json.loads((REPOSITORY / "figures" / "manifest.json").read_text(encoding="utf-8"))
    told_of = ("title", "subtitle", "caption", "alt", "method")
    for entry in manifest:
        told = " ".join(str(entry[name]) for name in told_of)
        assert said(told) == set(), entry["name"]
    assert said(MARKDOWN.sub(" ", (REPOSITORY / "README.md").read_text(encoding="utf-8"))) == set()
