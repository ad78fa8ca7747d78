"""Notebooks as the build stores them, opened in JupyterLab in a real browser."""

import json
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from browser import TOKEN, chromium, jupyterlab, required_browser
from evidence.project import runner
from evidence.project.runner import run
from sample_review import edit, write_sample

TEXT = r"It costs $5 per day and $6 per week, \(x^2\) and \begin{equation}y\end{equation}"
SOURCE = """from evidence.notebook import Narrator
n = Narrator()
n.say("{review.title}")
---
n.rows("review")"""
PATIENCE = 60_000  # milliseconds


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab over a review whose title looks like formulas."""
    required_browser()
    root = write_sample(tmp_path_factory.mktemp("review") / "sample")
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
    with jupyterlab(root, tmp_path_factory.mktemp("home")) as address:
        yield address


def opened(page, lab, name):
    page.set_default_timeout(PATIENCE)
    page.goto(f"{lab}/lab/tree/notebooks/{name}.ipynb?token={TOKEN}&reset",
              wait_until="domcontentloaded")
    page.wait_for_selector(".jp-Notebook .jp-OutputArea-output")
    page.get_by_text("| Idle").wait_for()


def unsaved(page):
    return page.locator(".lm-TabBar-tab.jp-mod-dirty, .jp-mod-dirty").count()


@pytest.fixture(scope="module")
def alpha(lab):
    """The stored notebook, some time after it was opened."""
    with chromium(required_browser()) as page:
        opened(page, lab, "alpha")
        page.wait_for_timeout(3000)
        yield page


def test_a_stored_notebook_opens_unchanged(alpha, lab):
    assert runner.LANGUAGE["version"].startswith("3.12.")
    assert unsaved(alpha) == 0
    other = alpha.context.new_page()
    opened(other, lab, "beta")
    other.wait_for_selector(".jp-mod-dirty")  # so would one without what JupyterLab writes
    other.close()


def test_text_is_shown_as_it_is_written(alpha):
    outputs = alpha.locator(".jp-OutputArea-output")
    assert alpha.locator(".jp-OutputArea-output mjx-container").count() == 0
    assert outputs.count()
    for place in range(outputs.count()):
        assert TEXT in outputs.nth(place).inner_text()
