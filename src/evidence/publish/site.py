"""The hand-out: every notebook as a web page that needs neither Python nor a network."""

from __future__ import annotations

import html
import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote

import nbformat
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

from evidence.figures import NAME
from evidence.notebook import Narrator
from evidence.storage import FOLDER as KEPT
from evidence.storage import (
    Written,
    alone,
    notebook_paths,
    read_bytes,
    remove,
    replace_all,
    sha256,
)
from evidence.wording import allowed, audiences, escaped

FOLDER = "site"
RECORD = f"{KEPT}/{FOLDER}.json"  # what the last hand-out wrote
FRONT = "index.html"
NOTICE = "This is a description of evidence, not medical advice."
TARGET = re.compile(r'href="\.\./([^"#?]+)')
CITATION = re.compile(r'<a href="#ref-([^"]+)"')
MAIN = re.compile(r"(<main[^>]*>)(.*)(</main>)", re.DOTALL)  # what notebooks and tables say
PILCROW = re.compile(r'<a class="anchor-link"[^>]*>.*?</a>')
TABLE = re.compile(r"<table.*?</table>", re.DOTALL)
REFERENCE = re.compile(r'(<li id="ref-([^"]+)">)(.*?)(</li>)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its file, its title, and whether it has code to show."""

    file: str
    title: str
    has_code: bool


def write(root: Path) -> Written:
    """Write the hand-out of a review into ``site/``.

    Files of the last hand-out that no longer belong to it are removed, unless somebody has changed
    them; whatever else lies there stays, and what has to give way is kept beside it.

    Returns
    -------
    Written
        Files whose content changed.

    Raises
    ------
    evidence.review.problems.ReviewError
        When the review has problems.
    """
    with alone(root):
        files = {root / FOLDER / name: content for name, content in handout(root).items()}
        last = _last(root)
        known = {root / name: {digest} for name, digest in last.items()}
        written = replace_all(root, files, known)
        hashes = {p.relative_to(root).as_posix(): sha256(c) for p, c in sorted(files.items())}
        remove(root, {name: digest for name, digest in last.items()
                      if name not in hashes and PurePosixPath(name).parts[:1] == (FOLDER,)})
        replace_all(root, {root / RECORD: json.dumps(hashes, indent=1).encode()})
    return written


def _last(root: Path) -> dict[str, str]:
    """Hash of each file of the last hand-out by path; none when there is no sound record."""
    try:
        return {str(name): str(digest) for name, digest in json.loads(
            (root / RECORD).read_text(encoding="utf-8")).items()}  # fmt: skip
    except (OSError, ValueError, AttributeError):
        return {}


def handout(root: Path) -> dict[str, bytes]:
    """Files of the hand-out by path below ``site/``: pages, and the files that they link to."""
    narrator = Narrator(root)
    notebooks = {p.stem: nbformat.read(p, as_version=4) for p in notebook_paths(root)}
    review = narrator.review.item("title", root.name)
    front = Page(FRONT, "Answer and figures", False)
    pages = [Page(f"{name}.html", _title(nb, name), True) for name, nb in notebooks.items()]
    exporter = HTMLExporter(
        template_name="handout",
        extra_template_basedirs=[str(resources.files("evidence") / "templates")],
    )
    texts = {FRONT: _front(narrator, pages)} | {
        page.file: nb for page, nb in zip(pages, notebooks.values(), strict=True)
    }
    files: dict[str, bytes] = {}
    for page in [front, *pages]:
        given = {"page": page, "pages": [front, *pages], "review": review}
        text, _ = exporter.from_notebook_node(texts[page.file], resources=given)
        text = MAIN.sub(lambda found: found[1] + allowed(found[2]) + found[3], text)
        text = TABLE.sub(_scrolling, _with_ways_back(PILCROW.sub("", text)))
        for target in _targets(root, text):
            files[target] = read_bytes(root / target)
        files[page.file] = _local(text).encode("utf-8")
    for entry in _figures(root):
        name = f"figures/{entry['name']}.png"
        files[name] = read_bytes(root / name)
    return files


def _targets(root: Path, text: str) -> Iterator[str]:
    """Files of the review that a page links to; what lies outside the review is left alone."""
    for link in TARGET.findall(text):
        target = posixpath.normpath(unquote(html.unescape(link)))
        path = (root / target).resolve()
        if path.is_file() and path.is_relative_to(root.resolve()) and target[:2] != "..":
            yield target


def _title(notebook: NotebookNode, name: str) -> str:
    """The first heading of a notebook."""
    for cell in notebook.cells:
        found = re.match(r"#\s+(.+)", cell.source)
        if cell.cell_type == "markdown" and found:
            return found[1].strip()
    return name


def _front(narrator: Narrator, pages: list[Page]) -> NotebookNode:
    """The front page as a notebook: question, answer, pages, figures, references."""
    review = narrator.review
    title = escaped(review.item("title", review.root.name))
    parts = [f"# {title}", escaped(review.item("question"))]
    voices = audiences(review)
    for number, audience in enumerate(voices):
        heading = "## The answer" if number == 0 else f"### The same for a {escaped(audience)}"
        parts += [heading, str(narrator.answer(audience))]
    if voices:
        parts.append(NOTICE)
    if pages:
        links = "\n".join(f"* [{escaped(page.title)}]({quote(page.file)})" for page in pages)
        parts += ["## Pages", links]
    titles = {page.file: page.title for page in pages}
    figures = [_figure(entry, titles) for entry in _figures(review.root)]
    if figures:
        parts += ["## Figures", *figures]
    if voices:
        parts += ["## References", str(narrator.references())]
    return new_notebook(cells=[new_markdown_cell(part) for part in parts if part])


def _figures(root: Path) -> list[Mapping]:
    """Exported figures in the order of their notebooks."""
    path = root / "figures" / "manifest.json"
    entries = json.loads(read_bytes(path)) if path.exists() else []
    return sorted((entry for entry in entries if NAME.fullmatch(entry["name"])),
                  key=lambda entry: entry["notebook"])


def _figure(entry: Mapping, titles: Mapping[str, str]) -> str:
    """One figure of the front page with its alt text and caption."""
    source = f"figures/{entry['name']}.png"
    alt = html.escape(entry["alt"], quote=True)
    caption = html.escape(f"{entry['caption']} {entry['method']}.".replace("\n", " ").strip())
    page = f"{entry['notebook']}.html"
    more = (f' <a href="{quote(page)}">{html.escape(titles[page])}</a>'
            if page in titles else "")
    return (f'<figure><a href="{source}"><img src="{source}" alt="{alt}" loading="lazy" '
            f'width="1333" height="750"></a><figcaption>{caption}{more}</figcaption></figure>')


def _scrolling(match: re.Match[str]) -> str:
    """A table in a box of its own that scrolls, also with the keyboard."""
    caption = re.search(r"<caption>(.*?)</caption>", match[0])
    label = html.escape(html.unescape(caption[1] if caption else "Table"), quote=True)
    return (f'<div class="scroll" tabindex="0" role="region" aria-label="{label}">'
            f"{match[0]}</div>")


def _with_ways_back(text: str) -> str:
    """Number the citations of a page, and lead from each reference back to them."""
    counts: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        key = match[1]
        counts[key] = counts.get(key, 0) + 1
        return f'<a id="cite-{key}-{counts[key]}" href="#ref-{key}"'

    def back(match: re.Match[str]) -> str:
        opening, key, content, closing = match.groups()
        links = " ".join(
            f'<a href="#cite-{key}-{i}" aria-label="Back to citation {i}">{i}</a>'
            for i in range(1, counts.get(key, 0) + 1)
        )
        ways = f' <span class="back">↩ {links}</span>' if links else ""
        return f"{opening}{content}{ways}{closing}"

    return REFERENCE.sub(back, CITATION.sub(number, text))


def _local(text: str) -> str:
    """Links between notebooks and to files of the review as links inside the hand-out."""
    text = re.sub(r'href="([^"/:?#]+)\.ipynb((?:#[^"]*)?)"', r'href="\1.html\2"', text)
    text = text.replace('href="../README.md"', f'href="{FRONT}"')
    return re.sub(r'href="\.\./(?!\.\./)', 'href="', text)
