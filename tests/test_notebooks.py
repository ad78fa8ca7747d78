"""Every notebook runs, matches what is committed, and types no number of its own."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest

from evidence.project.runner import execute

ROOT = Path(__file__).parents[1]
PATHS = sorted((ROOT / "notebooks").glob("[!.]*.ipynb"))
LONGEST_CELL = 15
NOT_PROSE = re.compile(
    r"""
    `[^`]*`                      # code
    | \[\d\d_\w+\]\([^)]*\)     # link to a notebook
    | \]\([^)]*\)                # target of a link
    | \[@[^\]]*\]                # citation
    | \{[^{}]*\}                 # placeholder
    """,
    re.VERBOSE,
)


def cells(path, kind):
    return [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == kind]


def templates(source):
    """Texts that a cell says."""
    return re.findall(r'n\.say\(\s*f?"""(.*?)"""', source, flags=re.DOTALL)


@pytest.fixture(scope="module")
def executed():
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(PATHS, pool.map(execute, PATHS), strict=True))


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
def test_running_it_again_gives_what_is_committed(path, executed):
    assert said(json.loads(executed[path])) == said(json.loads(path.read_text(encoding="utf-8"))), (
        "run `make review` and commit what it writes"
    )


def said(notebook):
    """Text of all outputs; pictures are compared as files elsewhere."""
    return [
        {kind: text for kind, text in output.get("data", output).items() if kind != "image/png"}
        for cell in notebook["cells"] if cell["cell_type"] == "code"
        for output in cell["outputs"]
    ]


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
def test_it_is_executed_clean_and_short(path):
    for cell in cells(path, "code"):
        assert cell.execution_count is not None, cell.source
        assert len(cell.source.splitlines()) <= LONGEST_CELL or templates(cell.source), cell.source
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output.get("text")


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
def test_no_number_is_typed_into_its_prose(path):
    prose = [cell.source for cell in cells(path, "markdown")]
    prose += [text for cell in cells(path, "code") for text in templates(cell.source)]
    for text in prose:
        bare = NOT_PROSE.sub(" ", text)
        bare = re.sub(r"\b[A-Za-z][\w-]*\d\w*", " ", bare)  # names such as TLR4
        assert not re.search(r"\d", bare), re.search(r".{0,40}\d.{0,40}", bare)[0]


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
def test_it_is_portable_and_its_references_are_those_it_cites(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/(?:home|root|tmp|work|Users)/", text)
    outputs = "".join(
        str(output.get("data", {}).get(kind, ""))
        for cell in cells(path, "code") for output in cell.outputs
        for kind in ("text/markdown", "text/html")
    )
    linked = set(re.findall(r'#ref-([^)"]+)', outputs))
    listed = set(re.findall(r'id="ref-([^"]+)"', outputs))
    assert linked <= listed
    assert listed, "closes with its references"


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
def test_templates_are_folded_away(path):
    for cell in cells(path, "code"):
        if templates(cell.source):
            assert cell.metadata.get("jupyter", {}).get("source_hidden"), cell.source[:80]
