"""The hand-out: every notebook as a web page that needs neither Python nor a network."""

from __future__ import annotations

import html
import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from itertools import count, takewhile
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

import evidence.jupyter  # noqa: F401  (first, for the sake of what follows)

# isort: split
import nbformat
from nbconvert import HTMLExporter
from nbconvert.filters import markdown2html
from nbformat import NotebookNode

from evidence.appraisal import AGAIN, anchor, level_number
from evidence.figures import NAME, Spec, catalogue, images, people_words
from evidence.notebook import Narrator, judged
from evidence.pooling import in_brief
from evidence.publish import finder
from evidence.review import Review
from evidence.storage import (
    OWN_FOLDER,
    Written,
    alone,
    notebook_paths,
    read_bytes,
    remove,
    replace_all,
    sha256,
)
from evidence.wording import allowed, answers, audiences, plural

HANDOUT = "site"
RECORD = f"{OWN_FOLDER}/{HANDOUT}.json"  # what the last hand-out wrote
FRONT_PAGE, PICTURES, FIND = "index.html", "figures.html", "find.html"
FIRST_FIGURES = 2  # on the front page of a review without an answer
KINDS = {finder.ANSWER: "answers", finder.STUDY: "studies", finder.RESULT: "results",
         finder.CLAIM: "claims"}
NOTICE = "This is a description of evidence, not medical advice."
TARGET = re.compile(r'href="\.\./([^"#?]+)')
CITATION = re.compile(r'<a href="#ref-([^"]+)"')
NOTEBOOK = re.compile(r'href="(?:(?:\.\./)?notebooks/)?([^"/:?#]+)\.ipynb((?:#[^"]*)?)"')
MAIN = re.compile(r"(<main[^>]*>)(.*)(</main>)", re.DOTALL)  # what notebooks and tables say
JUDGEMENT = re.compile(f'id="({anchor("")}[^"]+)"')
PILCROW = re.compile(r'<a class="anchor-link"[^>]*>.*?</a>')
IMAGE = re.compile(r'<img\b[^>]*?\balt="([^"]*)"[^>]*>')
CELL = re.compile(r"<td\b([^>]*)>")
TABLE = re.compile(r"<table.*?</table>", re.DOTALL)
REFERENCES = re.compile(r'<ol[^>]*>\s*(?:<li id="ref-.*?</li>\s*)+</ol>', re.DOTALL)
REFERENCE = re.compile(r'(<li id="ref-([^"]+)">)(.*?)(</li>)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its file and its title."""

    file: str
    title: str


def write_handout(root: Path) -> Written:
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
        files = {root / HANDOUT / name: content for name, content in handout(root).items()}
        last = _last(root)
        known = {root / name: {digest} for name, digest in last.items()}
        written = replace_all(root, files, known)
        hashes = {p.relative_to(root).as_posix(): sha256(c) for p, c in sorted(files.items())}
        remove(root, {name: digest for name, digest in last.items()
                      if name not in hashes and PurePosixPath(name).parts[:1] == (HANDOUT,)})
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
    entries, cards = _figures(root), finder.cards(narrator.review, narrator.analyses)
    front = Page(FRONT_PAGE, "The answer" if _is_answered(narrator) else "The results")
    pages = [Page(f"{name}.html", _title(nb, name)) for name, nb in notebooks.items()]
    more = [page for page, is_there in ((Page(PICTURES, "All figures"), entries),
                                        (Page(FIND, "Search"), cards)) if is_there]
    exporter = HTMLExporter(
        template_name="handout",
        extra_template_basedirs=[str(resources.files("evidence") / "templates")],
    )
    templates = resources.files("evidence") / "templates" / "handout"
    given = {
        "pages": [front, *more, *pages], "review": narrator.review.item("title", root.name),
        **{name: (templates / f"{name}.{ending}").read_text(encoding="utf-8")
           for name, ending in (("style", "css"), ("script", "js"))},
    }
    files: dict[str, bytes] = {}
    texts: dict[str, str] = {}
    for page, notebook in zip(pages, notebooks.values(), strict=True):
        text, _ = exporter.from_notebook_node(notebook, resources=given | {"page": page})
        texts[page.file] = MAIN.sub(lambda found: found[1] + allowed(found[2]) + found[3], text)
    places = {found: name for name, text in texts.items() for found in JUDGEMENT.findall(text)}
    for page, values in (
        (front, _front(narrator, files, pages, cards, entries)),
        (Page(PICTURES, "All figures"), _gallery(narrator, entries, pages)),
        (Page(FIND, "Search"), _cards(narrator.review, cards)),
    ):
        if page in given["pages"]:
            template = exporter.environment.get_template(page.file.replace("index", "front")
                                                         + ".j2")
            texts[page.file] = template.render(given | values | {"page": page, "places": places})
    drawn = _drawn(narrator, entries, files)
    for name, text in texts.items():
        text = IMAGE.sub(lambda found: _fitting(found, drawn), text)
        text = TABLE.sub(_scrolling, _with_ways_back(PILCROW.sub("", text)))
        text = REFERENCES.sub(_behind_a_click, text)
        for target in _targets(root, text):
            files[target] = read_bytes(root / target)
        files[name] = _local(text).encode("utf-8")
    for name in (name for entry in entries for name in _pictures(entry)):
        files[name] = read_bytes(root / name)
    return files


def _drawn(narrator: Narrator, entries: list[Mapping],
           files: dict[str, bytes]) -> dict[str, tuple[str, str]]:
    """Name of each figure by its alt text, with its drawing for telephones, empty where there is
    none; the drawings are added to `files`."""
    found, specs = {}, catalogue.specs(narrator.review)
    for entry in entries:
        spec = specs.get(entry["name"])
        svg = images.phone(narrator.figure(spec.name)) if spec and images.has_phone(spec) else None
        name = f"figures/{entry['name']}_phone.svg" if svg else ""
        files |= {name: svg} if svg else {}
        found[entry["alt"]] = entry["name"], name
    return found


def _fitting(match: re.Match[str], drawn: Mapping[str, tuple[str, str]]) -> str:
    """A picture of a figure as a link to its file, on a telephone as the drawing for one."""
    name, phone = drawn.get(html.unescape(match[1]), ("", ""))
    if not name:
        return match[0]
    source = f'<source media="(max-width: 48rem)" srcset="{phone}">' if phone else ""
    return f'<a href="figures/{name}.png"><picture>{source}{match[0]}</picture></a>'


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


def _is_answered(narrator: Narrator) -> bool:
    """Whether somebody has written an answer."""
    return bool(narrator.review.table("answers").notna().any(axis=None))


def _front(narrator: Narrator, files: dict[str, bytes], pages: list[Page],
           cards: list[finder.Card], entries: list[Mapping]) -> dict[str, Any]:
    """What the front page shows; the drawing of its chart is added to `files`.

    Without an answer it shows the results of the analyses, and the first figures, forests first.
    """
    review = narrator.review
    is_answered = _is_answered(narrator)
    voices = [{"name": name.replace("_", " "),
               "text": allowed(markdown2html(str(narrator.answer(name))))}
              for name in audiences(review) if is_answered]
    brief = [] if is_answered else in_brief(narrator.analyses)
    known = catalogue.specs(review)
    first = [] if is_answered else sorted(entries, key=lambda entry: (
        entry["name"] not in known or known[entry["name"]].kind != "forest_page"))
    title = review.item("title", review.root.name)
    shown = {
        "message": title, "question": review.item("question"),
        "notice": NOTICE if voices or brief else "", "tiles": [], "voices": voices,
        "brief": brief, "found": finder.counted(cards), "find": FIND,
        "pictures": PICTURES,
        "figures": _gallery(narrator, first[:FIRST_FIGURES], pages)["figures"],
        "references": allowed(str(narrator.references())) if voices else "",
    }
    name = next((name for name, spec in known.items() if spec.kind == "answer"), None)
    figure = narrator.figure(name) if name else None
    if figure is None or figure.table.empty:
        return shown
    svg = images.phone(figure) or b""
    chart = f"figures/{name}_phone.svg"
    files[chart] = svg
    width, height = re.search(rb'width="([\d.]+)pt" height="([\d.]+)pt"', svg).groups()
    return shown | {
        "message": figure.title, "tiles": [_tile(row) for row in figure.table.itertuples()],
        "chart": {"file": chart, "alt": figure.alt, "width": round(float(width)),
                  "height": round(float(height))},
        "judged": _judged(narrator, figure.spec),
        "asides": answers.notes(review, narrator.facts, answers.ASIDE),
        "foot": answers.notes(review, narrator.facts, answers.FOOT),
    }


def _tile(row: Any) -> dict[str, Any]:
    level = level_number(row.certainty)
    return row._asdict() | {"people": people_words(row),
                            "level": None if row.certainty in ("", AGAIN) else level}


def _gallery(narrator: Narrator, entries: list[Mapping], pages: list[Page]) -> dict[str, Any]:
    """Exported figures with their alt texts and captions."""
    known = {page.file: page for page in pages}
    specs = catalogue.specs(narrator.review)
    return {"figures": [
        {"name": entry["name"], "title": entry["title"], "files": _pictures(entry),
         "alt": entry["alt"], "page": known.get(f"{entry['notebook']}.html"),
         "judged": _judged(narrator, specs.get(entry["name"])),
         "caption": f"{entry['caption']} {entry['method']}.".replace("\n", " ").strip()}
        for entry in entries
    ]}


def _judged(narrator: Narrator, spec: Spec | None) -> list[tuple[str, str]]:
    """Risk of bias of what a figure shows, each with the id of the judgement."""
    found = judged.behind(narrator.review, narrator.analyses, spec) if spec else []
    return [(words, anchor(outcome)) for words, outcome in found]


def _cards(review: Review, cards: list[finder.Card]) -> dict[str, Any]:
    """Cards and what they can be filtered by."""
    kinds = [(kind, words) for kind, words in KINDS.items()
             if any(card.kind == kind for card in cards)]
    return {"cards": cards, "kinds": kinds, "groups": finder.groups(cards),
            "control": review.control, "names": {kind: kind.capitalize() for kind in KINDS}}


def _figures(root: Path) -> list[Mapping]:
    """Exported figures in the order of their notebooks."""
    path = root / "figures" / "manifest.json"
    entries = json.loads(read_bytes(path)) if path.exists() else []
    return sorted((entry for entry in entries if NAME.fullmatch(entry["name"])),
                  key=lambda entry: entry["notebook"])


def _pictures(entry: Mapping) -> list[str]:
    """Files of the pages of an exported figure, in order."""
    first = f"figures/{entry['name']}.png"
    written = entry.get("files_sha256", ())
    further = (f"figures/{entry['name']}.{number}.png" for number in count(2))
    return [first, *takewhile(written.__contains__, further)]


def _labelled(table: str) -> str:
    """A table whose cells carry the heading of their column, for narrow screens; one whose rows
    differ in their number of cells stays as it is."""
    head = re.search(r"<thead>(.*?)</thead>", table, re.DOTALL)
    names = re.findall(r"<th\b[^>]*>(.*?)</th>", head[1], re.DOTALL) if head else []
    body = re.split(r"</thead>", table, maxsplit=1)[-1]
    rows = re.findall(r"<tr\b.*?</tr>", body, re.DOTALL)
    if not names or any(len(CELL.findall(row)) != len(names) for row in rows):
        return table
    words = [_words(name).strip() for name in names]
    labels = [f' data-label="{word}"' if word else "" for word in words]

    def row(match: re.Match[str]) -> str:
        given = iter(labels)
        return CELL.sub(lambda cell: f"<td{next(given)}{cell[1]}>", match[0])

    done = re.sub(r"<tr\b.*?</tr>", row, body, flags=re.DOTALL)
    return table.replace(body, done).replace("<table", '<table class="labelled"', 1)


def _words(markup: str) -> str:
    """The words of a piece of HTML as the value of an attribute."""
    return html.escape(html.unescape(re.sub(r"<[^>]*>", "", markup)), quote=True)


def _scrolling(match: re.Match[str]) -> str:
    """A table in a box of its own that scrolls, also with the keyboard."""
    caption = re.search(r"<caption>(.*?)</caption>", match[0])
    label = _words(caption[1]) if caption else "Table"
    return (f'<div class="scroll" tabindex="0" role="region" aria-label="{label}">'
            f"{_labelled(match[0])}</div>")


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


def _behind_a_click(match: re.Match[str]) -> str:
    """A list of references as one line; a citation and the printer open it."""
    count = match[0].count("<li ")
    return (f'<details class="references"><summary>{count} {plural(count, "reference")}</summary>'
            f"{match[0]}</details>")


def _local(text: str) -> str:
    """Links between notebooks and to files of the review as links inside the hand-out."""
    text = NOTEBOOK.sub(r'href="\1.html\2"', text)
    text = text.replace('href="../README.md"', f'href="{FRONT_PAGE}"')
    return re.sub(r'href="\.\./(?!\.\./)', 'href="', text)
