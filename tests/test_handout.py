"""The hand-out as files: complete, described, linked within itself, fetching nothing."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest

from conftest import REPOSITORY
from evidence.appraisal import LEVELS
from evidence.cli import main
from evidence.pooling import Analyses
from evidence.publish import finder
from evidence.publish import site as handout
from evidence.review import load_review
from evidence.storage import replace_all, sha256
from evidence.wording import Facts, answers
from sample_review import write_notebook

VOID = {"meta", "img", "br", "hr", "input", "link", "source"}


class Reader(HTMLParser):
    """Ids, links, sources, images and headings of a page, and whether its tags match."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.sources, self.images, self.open = [], [], [], [], []
        self.scrolling = 0
        self.tables = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if tag == "a" and "href" in given else []
        self.sources += [given[name] for name in ("src", "srcset", "data") if name in given]
        self.sources += [given["href"]] if tag == "link" else []
        self.images += [given] if tag == "img" else []
        self.tables += ["scroll" in self.open] if tag == "table" else []
        if tag not in VOID:
            self.open.append("scroll" if given.get("class") == "scroll" else tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            found = self.open.pop()
            assert found == tag or (found == "scroll" and tag == "div"), (found, tag)


@pytest.fixture(scope="module")
def files(site):
    return {path.relative_to(site).as_posix(): path.read_bytes()
            for path in site.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def pages(files):
    return {name: Reader(content.decode()) for name, content in files.items()
            if name.endswith(".html")}


def test_there_is_a_page_for_each_notebook_and_a_front_page(pages):
    notebooks = {path.stem for path in (REPOSITORY / "notebooks").glob("[!.]*.ipynb")}
    own = {"index.html", "figures.html", "find.html"}
    assert set(pages) == {f"{name}.html" for name in notebooks} | own


def test_nothing_is_fetched(files, pages):
    for name, page in pages.items():
        for source in page.sources:
            assert source.startswith("data:image/png;base64,") or source in files, (name, source)
        text = files[name].decode()
        styles = "".join(re.findall(r"<style>(.*?)</style>", text, flags=re.DOTALL))
        assert "@import" not in styles and "url(" not in styles
        for script in re.findall(r"<script\b[^>]*>(.*?)</script>", text, flags=re.DOTALL):
            assert "http" not in script and "import" not in script
        for word in ("require.js", "mathjax", "MathJax", "cdnjs", "unpkg", "mermaid"):
            assert word not in text, (name, word)


def test_every_link_inside_leads_somewhere(files, pages):
    for name, page in pages.items():
        for link in page.links:
            if re.match(r"https?:|mailto:", link):
                continue
            target, _, fragment = link.partition("#")
            assert not target or target in files, (name, link)
            there = pages.get(target or name)
            if fragment and there:
                assert unquote(fragment) in there.ids, (name, link)


def test_ids_are_unique(pages):
    for name, page in pages.items():
        assert len(page.ids) == len(set(page.ids)), name


def test_citations_lead_to_references_and_back(files, pages):
    front = pages["index.html"]
    cited = [link for link in front.links if link.startswith("#ref-")]
    assert cited
    back = [link for link in front.links if link.startswith("#cite-")]
    assert len(back) == len(cited)
    assert {link[1:] for link in [*cited, *back]} <= set(front.ids)


def test_every_picture_has_an_alt_text_and_every_table_scrolls(pages):
    for name, page in pages.items():
        for image in page.images:
            assert len(image.get("alt", "")) > 20, name
        assert all(page.tables), name


def test_code_is_there_but_hidden(files):
    text = files["01_cited_studies.html"].decode()
    blocks = re.findall(r'<div class="code"([^>]*)>', text)
    assert blocks and all("hidden" in attributes for attributes in blocks)
    assert 'id="show-code"' in text and 'id="show-code"' not in files["index.html"].decode()


def test_the_front_page_answers(files, review):
    text = files["index.html"].decode()
    answer = re.search(r"answer: begin -->\n1\. \*\*(.*?)\*\*",
                       (REPOSITORY / "README.md").read_text(encoding="utf-8"))
    assert f"<strong>{answer[1]}</strong>" in text
    assert review.item("title") in text and "not medical advice" in text


def test_the_front_page_shows_each_topic_with_its_certainty(files, review):
    text = files["index.html"].decode()
    tiles = re.findall(r'<article class="tile">(.*?)</article>', text, re.DOTALL)
    assert len(tiles) == len(answers.tiles(review, Facts(review, Analyses(review))))
    for tile in tiles:
        certainty = re.search(r"<span>([\w ]+)</span></p></header>", tile)[1]
        level = LEVELS.index(certainty) + 1 if certainty in LEVELS else 0
        assert tile.count('class="on"') == level
    assert "figures/answer_phone.svg" in files and 'src="figures/answer_phone.svg"' in text


def test_every_study_and_claim_has_a_card_without_codes(files, review):
    text = files["find.html"].decode()
    cards = re.findall(r'<article class="card (\w+)"', text)
    assert cards.count("answer") == len(review.table("certainty"))
    assert cards.count("study") == len(review.table("studies"))
    assert cards.count("claim") == len(review.table("claims"))
    assert cards.count("result") > 100
    words = re.sub(r"<style>.*?</style>|<script>.*?</script>|<[^>]*>", " ", text, flags=re.DOTALL)
    assert re.findall(r"\b[a-z]+_[a-z_]+\b", words) == []


def test_cards_of_results_say_what_they_are_compared_with_and_how_they_are_judged(review):
    found = finder.cards(review, Analyses(review))
    results = [card for card in found if card.kind == finder.RESULT]
    alone = [card for card in results if ("", finder.ALONE) in card.chips]
    assert alone and not any(card.controlled or card.certainty for card in alone)
    seen = [(card.title, card.facts, card.text) for card in results]
    assert len(seen) == len(set(seen))
    pain = [card for card in results if card.facts[0].startswith("Rodríguez-Freire")
            and card.title == "Pain (0 to 10)"]
    assert [("", "in our pool") in card.chips for card in pain].count(True) == 1
    assert all(card.judged[0][0].endswith(": high") and card.certainty == "very low"
               for card in pain)


@pytest.mark.parametrize(("row", "said"), [
    ({"effect": -0.5, "effect_ci_low": -1, "effect_ci_high": 0.25, "p_value": 0.2,
      "effect_measure": "mean_difference"}, "Mean difference −0.5 (−1.00 to 0.25); p = 0.20."),
    ({"intervention_events": 3, "intervention_n": 9, "control_pct": 40.0},
     "3 of 9 with tea, 40 % with water."),
    ({"intervention_change": -1.5}, "Change of −1.50 with tea."),
    ({"p_value": 0.01, "p_relation": "<"}, "P < 0.010."), ({}, ""),
])
def test_a_finding_in_words(minimal, row, said):
    (minimal / "data" / "review.csv").write_text(
        "item,value\nintervention_label,tea\ncontrol_label,water\n")
    assert finder.finding(load_review(minimal), row) == said


def test_cells_carry_the_headings_of_their_columns():
    table = "<table><thead><tr><th>A</th><th>B &amp; <b>C</b></th></tr></thead><tbody>" \
            '<tr><td style="x">1</td><td>2</td></tr></tbody></table>'
    done = handout._labelled(table)
    assert '<td data-label="A" style="x">1</td><td data-label="B &amp; C">2</td>' in done
    assert done.startswith('<table class="labelled">')
    uneven = table.replace("<td>2</td>", "")
    assert handout._labelled(uneven) == uneven


def test_equal_input_gives_equal_bytes(files):
    assert handout.handout(REPOSITORY) == files


def test_a_review_of_four_files_has_a_front_page(minimal):
    assert set(handout.handout(minimal)) == {"index.html", "find.html"}


def with_notebook(root, text, name="page"):
    write_notebook(root / "notebooks" / f"{name}.ipynb", "1")
    book = nbformat.read(root / "notebooks" / f"{name}.ipynb", as_version=4)
    book.cells = [nbformat.v4.new_markdown_cell(text)]
    nbformat.write(book, root / "notebooks" / f"{name}.ipynb")


def test_every_page_of_a_figure_is_shown(minimal):
    names = [f"figures/long.{ending}" for ending in ("png", "2.png", "3.png")]
    entry = {"name": "long", "title": "Long", "alt": "A", "caption": "", "method": "M",
             "notebook": "", "files_sha256": dict.fromkeys(names, "")}
    (minimal / "figures").mkdir()
    (minimal / "figures" / "manifest.json").write_text(json.dumps([entry]))
    for name in names:
        (minimal / name).write_bytes(name.encode())
    files = handout.handout(minimal)
    shown = [image["src"] for image in Reader(files["figures.html"].decode()).images]
    assert shown == names and all(files[name].decode() == name for name in names)


def test_the_command_writes_it(minimal, capsys):
    assert main(["build", "--html", str(minimal)]) == 0
    assert re.search(r"site.index\.html \([1-9] files changed\)", capsys.readouterr().out)
    assert (minimal / "site" / "index.html").is_file()
    shutil.rmtree(minimal / "site")
    assert main(["build", "--html", str(minimal)]) == 0
    assert Path(minimal / "site" / "index.html").is_file()


def test_it_removes_its_own_files_and_no_others(minimal):
    for name in ("page", "kept"):
        with_notebook(minimal, "[table](../data/studies.csv)", name)
    handout.write_handout(minimal)
    site = minimal / "site"
    assert (site / "data" / "studies.csv").is_file()
    foreign = {".git": "gitdir: x", "CNAME": "example.org", "old/page.html": "mine"}
    for name, text in foreign.items():
        (site / name).parent.mkdir(exist_ok=True)
        (site / name).write_text(text)
    (site / "kept.html").write_text("changed by hand")
    shutil.rmtree(minimal / "notebooks")
    handout.write_handout(minimal)
    left = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    assert left == {*foreign, "index.html", "find.html", "kept.html"}
    assert (site / ".git").read_text() == "gitdir: x"


@pytest.mark.parametrize("record", [
    "{", "[]", '{"site/index.html": 3}', '{"site/../data/studies.csv": "DIGEST"}',
    '{"data/studies.csv": "DIGEST"}',
])
def test_a_damaged_record_deletes_nothing(minimal, record):
    digest = sha256((minimal / "data" / "studies.csv").read_bytes())
    (minimal / ".evidence").mkdir()
    (minimal / ".evidence" / "site.json").write_text(record.replace("DIGEST", digest))
    (minimal / "site").mkdir()
    (minimal / "site" / "mine.txt").write_text("mine")
    handout.write_handout(minimal)
    assert (minimal / "data" / "studies.csv").is_file()
    assert (minimal / "site" / "mine.txt").is_file() and (minimal / "site/index.html").is_file()


def test_a_link_that_leaves_the_review_is_left_alone(minimal):
    (minimal.parent / "outside.txt").write_text("private")
    with_notebook(minimal, "[x](../../outside.txt) [y](../data/../data/studies.csv) "
                           "[z](../data/../../outside.txt)")
    changed = handout.write_handout(minimal)
    site = minimal / "site"
    written = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    assert written == {"index.html", "find.html", "page.html", "data/studies.csv"}
    assert {path.relative_to(site).as_posix() for path in changed} == written
    assert 'href="../../outside.txt"' in (site / "page.html").read_text()


def test_a_link_to_a_file_that_points_out_of_the_review_is_left_alone(minimal):
    (minimal.parent / "outside.txt").write_text("private")
    (minimal / "data" / "inside.txt").symlink_to(minimal.parent / "outside.txt")
    with_notebook(minimal, "[x](../data/inside.txt)")
    assert set(handout.handout(minimal)) == {"index.html", "find.html", "page.html"}


@pytest.mark.parametrize("path", ["../outside.txt", "data/../../outside.txt"])
def test_no_file_is_written_outside_the_review(minimal, path):
    with pytest.raises(ValueError, match="leads out of"):
        replace_all(minimal, {minimal / "new.txt": b"new", minimal / path: b"x"})
    assert not (minimal / "new.txt").exists() and not (minimal.parent / "outside.txt").exists()
