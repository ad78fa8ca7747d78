"""Notebooks in JupyterLab, in a real browser: one is explored as a reader would, others are read as
the build stores them."""

import json
import sys
import zipfile

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from browser import (
    REPOSITORY,
    TOKEN,
    Watch,
    chromium,
    copy_review,
    jupyterlab,
    required_browser,
)
from evidence.project import runner
from evidence.project.runner import run
from sample_review import edit, write_sample

PATIENCE = 60_000  # milliseconds
BUBBLES = 'img[alt^="Marks by year"]'
FOREST = 'img[alt^="Forest plot"], img[alt^="Both arms"]'
SHOWN = "() => document.querySelector('.jp-Notebook').innerText"
TEXT = r"It costs $5 per day and $6 per week, \(x^2\) and \begin{equation}y\end{equation}"
SOURCE = """from evidence.notebook import Narrator
n = Narrator()
n.say("{review.title}")
---
n.rows("review")"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab over two reviews: its address and the folder of a copy of this one."""
    required_browser()
    top = tmp_path_factory.mktemp("reviews")
    root = copy_review(top / "copy")
    write_formulas(top / "sample")
    with jupyterlab(top, tmp_path_factory.mktemp("home")) as address:
        yield address, root


def write_formulas(root):
    """A review whose title looks like formulas, with a notebook as the build stores it (alpha) and
    one without what JupyterLab writes on opening it (beta)."""
    write_sample(root)
    edit(root / "data" / "review.csv", "A sample", '"' + TEXT + '"')
    path = root / "notebooks" / "alpha.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(s) for s in SOURCE.split("\n---\n")]), path)
    text, _ = run(path)
    book = json.loads(text)
    # the stored version is that of environment.yml; this machine may have another one
    book["metadata"]["language_info"]["version"] = sys.version.split()[0]
    path.write_text(json.dumps(book, indent=1), encoding="utf-8")
    other = json.loads(path.read_text(encoding="utf-8"))
    other["metadata"]["language_info"] = {"name": "python"}
    path.with_name("beta.ipynb").write_text(json.dumps(other, indent=1), encoding="utf-8")


def opened(page, lab, notebook, review="copy", shown="img"):
    page.set_default_timeout(PATIENCE)
    page.goto(f"{lab[0]}/lab/tree/{review}/notebooks/{notebook}.ipynb?token={TOKEN}&reset",
              wait_until="domcontentloaded")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.wait_for_selector(f".jp-OutputArea-output {shown}")
    page.get_by_text("| Idle").wait_for()


@pytest.fixture(scope="module")
def explored(lab):
    """07_explore after Run All Cells, with what the browser complained about."""
    with chromium(required_browser(), viewport={"width": 1400, "height": 1000},
                  accept_downloads=True) as page:
        watch = Watch(page)
        opened(page, lab, "07_explore")
        stored = page.evaluate(SHOWN), page.locator(".jp-RenderedImage img").count()
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        page.get_by_label("Condition", exact=True).wait_for()
        page.locator(".dt-container, .dataTables_wrapper").first.wait_for()
        page.wait_for_function(
            "() => [...document.querySelectorAll('.jp-InputArea-prompt')].pop().innerText != '[*]:'"
        )
        yield page, watch, stored, pictures(page)


@pytest.fixture
def page(explored):
    """The page as it was at the start; equal choices give equal pictures."""
    page, _, _, start = explored

    def at_the_start():
        return "(everything)" in summary(page) and pictures(page) == start

    if not at_the_start():
        page.get_by_role("button", name="Show everything").click()
        settled(page, at_the_start)
    return page


def settled(page, holds):
    """Wait until something holds."""
    for _ in range(400):
        if holds():
            return
        page.wait_for_timeout(50)
    raise AssertionError("nothing happened in the browser")


def summary(page):
    return page.get_by_role("status").first.text_content()


def pictures(page):
    """Sources of the landscape and of both forest plots."""
    return [page.locator(which).nth(number).get_attribute("src")
            for which, number in ((BUBBLES, 0), (FOREST, 0), (FOREST, 1))]


def described(page, which):
    """Alt text of the first figure of a kind."""
    return page.locator(which).first.get_attribute("alt")


def table(page, number=0):
    return page.get_by_role("region", name="table").nth(number).text_content()


def outputs_without_errors(page):
    assert page.locator('.jp-OutputArea-output[data-mime-type*="error"]').count() == 0
    assert page.locator('.jp-OutputArea-output[data-mime-type*="stderr"]').count() == 0


def test_the_stored_notebook_reads_without_running(explored):
    text, pictures_stored = explored[2]  # before Run All Cells
    assert "Chosen studies" in text and "Nielsen et al. 2026" in text
    assert "Error displaying widget" not in text
    assert pictures_stored >= 1


def test_crohns_disease_placebo_only_takes_two_clicks(page):
    before = pictures(page)
    page.get_by_role("option", name="Crohn's disease").click()
    page.get_by_label("placebo only").click()
    settled(page, lambda: "4 primary studies" in summary(page))
    settled(page, lambda: "placebo only" in described(page, BUBBLES))
    settled(page, lambda: "88 % on LDN, 40 % on placebo" in described(page, FOREST))
    studies, results = table(page), table(page, 1)
    assert "Smith et al. 2011" in studies and "Smith et al. 2013" in studies
    assert "Paulides et al. 2022" in studies and "Younger" not in studies
    assert "CDEIS fall of 5 points or more" in results and "0.008" in results
    after = pictures(page)
    assert after[0] != before[0] and after[1] != before[1]
    assert described(page, BUBBLES).endswith(
        "primary studies: Inflammatory bowel disease; placebo only.")
    outputs_without_errors(page)


@pytest.mark.parametrize("label, choice", [
    ("Design", "randomised trial, crossover"), ("Read as", "unverified"),
    ("Year from", "2020"), ("Year to", "2011"),
])
def test_each_list_changes_summary_table_and_figure(page, label, choice):
    before, shown, drawn = summary(page), table(page), pictures(page)[0]
    page.get_by_label(label, exact=True).select_option(label=choice)
    settled(page, lambda: summary(page) != before)
    settled(page, lambda: table(page) != shown and pictures(page)[0] != drawn)
    outputs_without_errors(page)


def test_no_placebo_and_any_control(page):
    everything = table(page)
    page.get_by_label("no placebo").click()
    settled(page, lambda: "without placebo" in summary(page))
    page.get_by_label("any or none").click()
    settled(page, lambda: table(page) == everything)


def test_the_keyboard_alone_can_filter(page):
    page.get_by_label("Condition", exact=True).focus()
    page.keyboard.press("Home")
    settled(page, lambda: "(Acute COVID-19)" in summary(page))


def test_the_forest_plot_follows_its_outcome(page):
    before = pictures(page)[1]
    page.get_by_label("Forest plot of", exact=True).select_option(index=1)
    settled(page, lambda: pictures(page)[1] != before)


def method_line(page):
    return page.get_by_role("status").filter(has_text="exploratory").text_content()


@pytest.mark.parametrize("label, choice", [
    ("Estimator", "common effect, inverse variance"), ("Interval", "Wald interval"),
    ("Measure", "Standardised mean difference"),
])
def test_own_forest_plot_follows_each_choice(page, label, choice):
    before, said = pictures(page)[2], method_line(page)
    field = page.get_by_label(label, exact=True)
    was = field.input_value()
    field.select_option(label=choice)
    settled(page, lambda: pictures(page)[2] != before and method_line(page) != said)
    field.select_option(was)
    settled(page, lambda: pictures(page)[2] == before)
    outputs_without_errors(page)


def test_own_forest_plot_of_other_results_is_saved(page, lab):
    before = pictures(page)[2]
    start = page.get_by_label("Start from", exact=True)
    first = start.input_value()
    start.select_option(index=1)
    settled(page, lambda: pictures(page)[2] != before and "k = 2" in method_line(page))
    two = pictures(page)[2]
    page.get_by_label("Outcome", exact=True).select_option(label="pain lower by 30 % or more")
    settled(page, lambda: pictures(page)[2] != two)
    responders = pictures(page)[2]
    results = page.get_by_label("Results", exact=True)
    results.select_option(index=0)
    settled(page, lambda: pictures(page)[2] != responders)
    page.get_by_label("File name", exact=True).fill("For my talk")
    page.get_by_role("button", name="Save figure").click()
    page.get_by_text("Saved: figures/custom/for_my_talk.png").wait_for()
    saved = {path.name for path in (lab[1] / "figures" / "custom").iterdir()}
    assert saved == {f"for_my_talk.{kind}" for kind in ("png", "svg", "pdf", "pptx")}
    start.select_option(first)
    settled(page, lambda: pictures(page)[2] == before)
    outputs_without_errors(page)


def test_search_marks_hits_and_shows_what_is_typed_as_text(page):
    field = page.get_by_label("Search for", exact=True)
    field.fill("endoscopic crohn's")
    said = page.get_by_role("status").filter(has_text="endoscopic crohn")
    said.wait_for()
    found = page.get_by_role("region", name="table").nth(2)
    settled(page, lambda: "Smith et al. 2011" in found.text_content())
    assert {text.lower() for text in found.locator("mark").all_text_contents()} >= {"endoscopic"}
    field.fill("<img src=x onerror=document.title='broken'>")
    page.get_by_text("Nothing holds").wait_for()
    assert page.locator("img[src=x]").count() == 0 and page.title() != "broken"
    field.fill("washout")
    page.get_by_role("status").filter(has_text="washout").wait_for()


def test_tables_sort_search_and_export(page, tmp_path):
    page.get_by_label("Table", exact=True).select_option(label="Outcomes")
    grid = page.locator("table.dataTable tbody")
    settled(page, lambda: "between arms" in (grid.first.text_content()))
    first = grid.locator("tr").first
    before = first.text_content()
    page.locator("table.dataTable th", has_text="Outcome").first.click()
    settled(page, lambda: first.text_content() != before)
    page.locator(".dt-search input").last.fill("Smith et al. 2011")
    settled(page, lambda: "Smith et al. 2011" in first.text_content())
    for button, ending in (("Save as CSV", ".csv"), ("Save as Excel", ".xlsx")):
        with page.expect_download() as download:
            page.get_by_role("button", name=button).last.click()
        assert download.value.suggested_filename == f"outcomes{ending}"
        target = tmp_path / f"saved{ending}"
        download.value.save_as(target)
        if ending == ".csv":
            assert "smith2011-endoresponse-w12" in target.read_text(encoding="utf-8-sig")
        else:
            assert "xl/workbook.xml" in zipfile.ZipFile(target).namelist()
    outputs_without_errors(page)


def test_nothing_complained_and_nothing_left_the_machine(explored, lab):
    watch = explored[1]
    assert watch.errors == [] and watch.foreign == []
    assert not (REPOSITORY / "figures" / "custom" / "for_my_talk.png").exists()


def test_a_citation_leads_to_its_reference_in_jupyterlab(explored, lab):
    """Cells far below are laid out when they come near, so that a second click may be needed."""
    page = explored[0].context.new_page()
    page.set_viewport_size({"width": 1400, "height": 900})
    opened(page, lab, "01_cited_studies")
    reference = page.locator('[id="ref-parkitny2017"], [data-jupyter-id="ref-parkitny2017"]')
    reference.wait_for(state="attached")
    for _ in range(2):
        page.locator('a[href="#ref-parkitny2017"]').first.evaluate("link => link.click()")
        page.wait_for_timeout(1500)
    assert 0 <= reference.bounding_box()["y"] <= 900
    page.close()


@pytest.fixture(scope="module")
def alpha(explored, lab):
    """The stored notebook of the sample, some time after it was opened."""
    page = explored[0].context.new_page()
    opened(page, lab, "alpha", "sample", "*")
    page.wait_for_timeout(3000)
    yield page
    page.close()


def unsaved(page):
    return page.locator(".lm-TabBar-tab.jp-mod-dirty, .jp-mod-dirty").count()


def test_a_stored_notebook_opens_unchanged(alpha, lab):
    assert runner.LANGUAGE["version"].startswith("3.12.")
    assert unsaved(alpha) == 0
    other = alpha.context.new_page()
    opened(other, lab, "beta", "sample", "*")
    other.wait_for_selector(".jp-mod-dirty")  # so would one without what JupyterLab writes
    other.close()


def test_text_is_shown_as_it_is_written(alpha):
    outputs = alpha.locator(".jp-OutputArea-output")
    assert alpha.locator(".jp-OutputArea-output mjx-container").count() == 0
    assert outputs.count()
    for place in range(outputs.count()):
        assert TEXT in outputs.nth(place).inner_text()
