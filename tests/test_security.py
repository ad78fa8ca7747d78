"""Text from tables and references is data: it never becomes markup, a formula, a path or a call."""

import csv
import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, unquote
from xml.etree import ElementTree

import nbformat
import pandas as pd
import pytest
from itables.javascript import generate_init_offline_itables_html
from itables.options import dt_bundle
from nbconvert.filters.markdown import markdown2html
from pptx import Presentation

from browser import chromium, required_browser
from evidence.cli import main
from evidence.figures import catalogue
from evidence.notebook import lookup
from evidence.pooling.analyses import run_analyses
from evidence.project import processes
from evidence.review.problems import ReviewError
from evidence.review.review import Tables, load_review
from evidence.wording.html import link
from evidence.wording.prose import MissingValueError, fill
from sample_review import edit, shown, write_notebook, write_sample

SCRIPT = "<script>alert(1)</script>"
HANDLER = '"><img src=x onerror=alert(1)>'
LINK = "[here](javascript:alert(1))"
HOSTILE = f"{SCRIPT} {HANDLER} {LINK} $\\frac$ & 'x'"
ODD_NAME = "01 Studies #1 (new)"
NOTEBOOK = """from evidence.notebook.narrator import Narrator
n = Narrator()
n.say("{review.title} and {studies[smith2020].condition} [@smith2020]")
---
n.answer("reader")
---
n.rows("studies", n.review.item("title"))
---
n.gallery("alpha")
---
n.references()"""


class Markup(HTMLParser):
    """Elements of a page that run something or lead somewhere."""

    def __init__(self, text):
        super().__init__()
        self.active, self.scripts = [], 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.scripts += tag == "script"
        for name, value in attributes:
            target = re.sub(r"[\x00-\x20]", "", value or "").lower()
            is_call = name in ("href", "src") and re.match(r"(?!https?:|data:image/png)[a-z]+:",
                                                           target)
            if name.startswith("on") or is_call:
                self.active.append((tag, name, value))
        if tag in ("iframe", "object", "embed", "base", "form") or ("src", "x") in attributes:
            self.active.append((tag, attributes))


class Attributes(HTMLParser):
    """One attribute of every element of a name, as a browser reads it."""

    def __init__(self, text, element, name):
        super().__init__()
        self.found, self._wanted = [], (element, name)
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found += [v for n, v in attributes if (tag, n) == self._wanted]


def quoted(text):
    return '"' + text.replace('"', '""') + '"'


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A built review whose every open text tries to be something else."""
    root = write_sample(tmp_path_factory.mktemp("hostile") / "review")
    data, text = root / "data", quoted(HOSTILE)
    edit(data / "review.csv", "A sample", text)
    edit(data / "review.csv", "Does it build?", text)
    edit(data / "studies.csv", "pain,", f"{text},")
    edit(data / "analyses.csv", "Pain,", f"{text},")
    edit(data / "figures.csv", "{n_studies} study,All studies,", ",".join([text] * 3))
    answer = f"**Bold.** {HOSTILE} [studies](notebooks/{quote(ODD_NAME)}.ipynb)"
    (data / "answers.csv").write_text(f"line,reader\n1,{quoted(answer)}\n")
    (root / "notebooks" / "beta.ipynb").rename(root / "notebooks" / f"{ODD_NAME}.ipynb")
    (root / "references.bib").write_text(
        "@article{smith2020,\n  title = {<script>alert(1)</script> & <b onclick=x>more</b>},\n"
        "  author = {{<img src=x onerror=alert(1)>}},\n  year = {2020},\n"
        "  journal = {[J](javascript:alert(1))},\n  url = {javascript:alert(1)},\n}\n"
    )
    (root / "README.md").write_text("<!-- answer: begin -->\n<!-- answer: end -->\n")
    write_notebook(root / "notebooks" / "alpha.ipynb", *NOTEBOOK.split("\n---\n"))
    assert main(["build", "--html", str(root)]) == 0
    return root


def test_hostile_text_is_shown_and_never_runs_in_a_notebook(hostile):
    book = nbformat.read(hostile / "notebooks" / "alpha.ipynb", as_version=4)
    outputs = [output["data"] for cell in book.cells for output in cell.get("outputs", [])]
    pages = [data["text/html"] for data in outputs if "text/html" in data]
    marked = [data["text/markdown"] for data in outputs if "text/markdown" in data]
    assert len(pages) >= 2 and len(marked) >= 3
    assert all("<script" not in text and "](javascript" not in text for text in marked)
    for page in [*pages, *map(markdown2html, marked)]:
        found = Markup(page)
        assert found.active == [] and found.scripts == 0, page
    assert "alert(1)" in " ".join(pages) and "<strong>Bold.</strong>" in markdown2html(marked[1])


def test_hostile_text_never_runs_in_the_hand_out_and_the_readme(hostile):
    pages = sorted((hostile / "site").glob("*.html"))
    assert len(pages) == 6
    for path in pages:
        found = Markup(path.read_text(encoding="utf-8"))
        assert found.active == [], path
        assert found.scripts == 1, path  # that of the package
    readme = (hostile / "README.md").read_text(encoding="utf-8")
    assert "alert(1)" in readme and "<script" not in readme and "](javascript" not in readme


def test_pictures_of_the_hand_out_are_described_as_in_the_notebook(hostile):
    """Signs of markup in a description neither end it nor go."""
    book = nbformat.read(hostile / "notebooks" / "alpha.ipynb", as_version=4)
    alts = [output.metadata["image/png"]["alt"] for cell in book.cells
            for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
    page = (hostile / "site" / "alpha.html").read_text(encoding="utf-8")
    assert any(HANDLER in alt for alt in alts)
    assert Attributes(page, "img", "alt").found == alts
    entries = json.loads((hostile / "figures" / "manifest.json").read_text(encoding="utf-8"))
    assert HOSTILE in Attributes(page, "div", "aria-label").found  # a table by its caption
    page = (hostile / "site" / "figures.html").read_text(encoding="utf-8")
    assert Attributes(page, "img", "alt").found == [entry["alt"] for entry in entries]


def test_links_reach_a_notebook_whose_name_has_signs(hostile):
    pages = sorted((hostile / "site").glob("*.html"))
    for path in pages:
        targets = {unquote(target.partition("#")[0])
                   for target in Attributes(path.read_text(encoding="utf-8"), "a", "href").found
                   if not target.startswith(("https://", "#"))}
        assert f"{ODD_NAME}.html" in targets
        assert all((path.parent / target).is_file() for target in targets), (path, targets)
    readme = (hostile / "README.md").read_text(encoding="utf-8")
    assert "[studies](notebooks/01%20Studies%20%231%20%28new%29.ipynb)" in readme


def test_hostile_text_is_text_in_figures_and_slides(hostile):
    svg = (hostile / "figures" / "studies.svg").read_text(encoding="utf-8")
    names = {node.tag.rpartition("}")[2] for node in ElementTree.fromstring(svg).iter()}
    assert "script" not in names and "img" not in names
    assert "alert(1)" in svg and "\\frac" in svg  # no mathematics is read into it
    show = Presentation(hostile / "figures" / "slides.pptx")
    assert any(SCRIPT in shape.text_frame.text for slide in show.slides
               for shape in slide.shapes if shape.has_text_frame)
    with zipfile.ZipFile(hostile / "figures" / "slides.pptx") as archive:
        for name in archive.namelist():
            if name.endswith(".rels"):
                targets = [node.get("Target") for node in ElementTree.fromstring(archive.read(name))
                           if node.get("TargetMode") == "External"]
                assert all(target.startswith("https://") for target in targets), name


@pytest.mark.parametrize("target", [
    "javascript:alert(1)", " JavaScript:alert(1)", "java\tscript:x", "data:text/html,x",
    "vbscript:x", "file:///etc/passwd", "//elsewhere.example/x",
])
def test_a_link_leads_to_the_web_or_into_the_review_only(target):
    assert "href" not in link("there", target).html
    for fine in ("https://doi.org/10.1000/1", "01_x.ipynb#a-b", "../figures/x.png", "#ref-a"):
        assert f'href="{fine}"' in link("there", fine).html


@pytest.mark.parametrize("name", ["../../evil", "/tmp/evil", "a/b", "..", "A b", ".hidden"])
def test_the_name_of_a_figure_cannot_leave_its_folder(tmp_path, capsys, name):
    root = write_sample(tmp_path / "sample")
    edit(root / "data" / "figures.csv", "studies,", f"{name},")
    before = sorted(path for path in tmp_path.rglob("*") if ".evidence" not in path.parts)
    out = tmp_path / "out"
    for command in (["build", str(root)], ["export", str(root), "--out", str(out)]):
        assert main(command) == 1
        error = capsys.readouterr().err
        assert "data/figures.csv" in error and name in error and "Traceback" not in error
    assert before == sorted(path for path in tmp_path.rglob("*") if ".evidence" not in path.parts)


def test_a_name_is_refused_where_the_dictionary_of_a_review_allows_it(tmp_path):
    review = load_review(write_sample(tmp_path / "sample"))
    figures = review.table("figures").replace("studies", "../evil")
    review = replace(review, tables=Tables({**review.tables, "figures": figures}))
    with pytest.raises(ReviewError, match="plain name"):
        catalogue.build(review, run_analyses(review), "../evil")


@pytest.mark.parametrize("key", ["../../etc", "a b", "<b>", "=1+1"])
def test_keys_and_ids_are_plain(tmp_path, capsys, key):
    root = write_sample(tmp_path / "sample")
    edit(root / "references.bib", "{smith2020,", f"{{{key},")
    assert main(["check", str(root)]) == 1
    assert "references.bib" in capsys.readouterr().err


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_ids_that_a_spreadsheet_would_compute_are_refused(tmp_path, capsys, start):
    """The derived tables repeat ids; whoever opens them in a spreadsheet runs nothing."""
    root = write_sample(tmp_path / "sample")
    for name in ("outcomes", "analyses"):
        edit(root / "data" / f"{name}.csv", "smith2020-pain", f"{start}cmd|x")
    edit(root / "data" / "analyses.csv", "\npain,", f"\n{start}pain,")
    assert main(["analyse", str(root)]) == 1
    error = capsys.readouterr().err
    assert "data/outcomes.csv:2 outcome_id" in error and "data/analyses.csv:2 analysis" in error


def test_what_a_template_may_reach_are_values():
    facts = {"x": pd.Series([1.0]), "n": 3}
    for template in ("{x.__class__}", "{x.__init__.__globals__}", "{n.__doc__}", "{x._mgr}"):
        with pytest.raises(MissingValueError):
            fill(template, facts)


BLOCK = '''
import json, os, sys
def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        place = arguments[1] if event in ("socket.connect", "socket.sendto") else arguments[0]
        host = str(place[0] if isinstance(place, tuple) else place)
        if not (host.startswith("127.") or host in ("localhost", "::1") or host.startswith("/")):
            with open(os.environ["CALLS"], "a") as file:
                file.write(json.dumps([event, host]) + "\\n")
            raise OSError("the network is closed")
sys.addaudithook(watch)
with open(os.environ["CALLS"] + ".watched", "a") as file:
    file.write(" ".join(sys.orig_argv) + "\\n")
'''


def test_no_step_of_a_build_opens_a_connection(tmp_path):
    """Also in the processes that draw figures and in the kernels."""
    root = write_sample(tmp_path / "sample")
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(BLOCK)
    done = subprocess.run(
        [sys.executable, "-m", "evidence.cli", "build", "--html", str(root)],
        env={**os.environ, "PYTHONPATH": str(hook), "CALLS": str(tmp_path / "calls")},
        capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stderr
    watched = (tmp_path / "calls.watched").read_text().splitlines()
    if processes.FORKS:  # what is forked is watched as well
        assert sum("forkserver" in command for command in watched) == 1
    else:
        assert sum("ipykernel" in command for command in watched) == 3
        assert any("spawn" in command for command in watched)
    assert not (tmp_path / "calls").exists(), (tmp_path / "calls").read_text()
    assert "figures/slides.pptx" in shown(root)


def test_no_file_of_a_build_holds_a_path_of_this_machine(hostile):
    home = str(Path.home())
    for name, content in shown(hostile).items():
        if name.endswith((".ipynb", ".svg", ".json", ".csv")):
            for place in (home, str(hostile), sys.prefix):
                assert place not in content.decode("utf-8"), name


FORMULAS = ("=1+1", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "=HYPERLINK(\"x\")")
HARMLESS = ("−0.4", "-0.5", "+1.5", "plain <b>")


def test_saved_cells_are_never_formulas(tmp_path):
    """What is saved is neutral; what is shown is what the file has."""
    frame = pd.DataFrame({"text": [*FORMULAS, *HARMLESS],
                          "number": [-1.5, 2, 3, 4, 5, 6, 7, 8, 9]})
    page = generate_init_offline_itables_html(dt_bundle) + lookup.data_table(frame, "x")
    (tmp_path / "page.html").write_text(f"<meta charset='utf-8'>{page}", encoding="utf-8")
    with chromium(required_browser(), accept_downloads=True) as tab:
        tab.goto((tmp_path / "page.html").as_uri())
        assert FORMULAS[0] in tab.locator("table.dataTable tbody").first.text_content()
        for button in ("CSV", "Excel"):
            with tab.expect_download() as download:
                tab.get_by_role("button", name=f"Save as {button}").click()
            download.value.save_as(tmp_path / button)
    _, *rows = filter(None, csv.reader((tmp_path / "CSV").open(encoding="utf-8-sig")))
    assert [row[0] for row in rows] == [*(f"'{text}" for text in FORMULAS), *HARMLESS]
    assert [float(row[1]) for row in rows] == list(frame["number"])
    with zipfile.ZipFile(tmp_path / "Excel") as archive:
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    texts = [node.text for node in sheet.iter() if node.tag.endswith("}t")]
    assert f"'{FORMULAS[0]}" in texts and FORMULAS[0] not in texts
    assert not any(node.tag.endswith("}f") for node in sheet.iter())
