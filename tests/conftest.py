"""Shared fixtures: a minimal review of its own, and a copy of the repository's data."""

from __future__ import annotations

import csv
import gc
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

SLOW = {  # modules that build, draw pages, run kernels or drive a browser; `make quick` skips them
    "test_answer", "test_bad_input", "test_bounds", "test_browser", "test_browser_handout",
    "test_build", "test_certainty", "test_claims_figures", "test_cli", "test_deck",
    "test_effect_figures", "test_explore", "test_export", "test_export_styles", "test_faults",
    "test_figures", "test_forest", "test_fuzz", "test_growth", "test_handout", "test_kernels",
    "test_mechanism_figures", "test_named", "test_new", "test_no_data", "test_notebooks",
    "test_own_work", "test_recipes", "test_reproducible", "test_security", "test_streams",
    "test_timeline", "test_typeface", "test_watching",
}

REPOSITORY = Path(__file__).resolve().parents[1]

MINIMAL = {
    "references.bib": """\
@article{abel2001,
  author = {Abel, Ann and Baker, Ben},
  title = {Tea against cold feet},
  year = {2001},
  doi = {10.1000/abel},
}

@article{cole2005,
  author = {Cole, Cy},
  title = {More tea against cold feet},
  year = {2005},
  doi = {10.1000/cole},
}
""",
    "data/studies.csv": """\
study,condition,design,n_randomised
abel2001,cold_feet,rct_parallel,40
cole2005,cold_feet,rct_parallel,60
""",
    "data/outcomes.csv": """\
outcome_id,study,domain,higher_is,contrast,effect_measure,effect,effect_se,poolable,verification
abel2001-warmth,abel2001,warmth,better,between_arms,mean_difference,1.5,0.5,true,primary
cole2005-warmth,cole2005,warmth,better,between_arms,mean_difference,0.8,0.4,true,primary
""",
    "data/analyses.csv": """\
analysis,title,measure,include,role,parent,tau2_method,rationale
warmth,Warmth of feet,MD,abel2001-warmth;cole2005-warmth,primary,,REML,Both trials measure it
""",
}


def write_review(root: Path, files: dict[str, str] = MINIMAL) -> Path:
    """Write the files of a review below `root` and return it."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return root


def edit(path: Path, old: str, new: str) -> None:
    """Replace the first `old` of a text file, which must be there."""
    text = path.read_bytes().decode("utf-8")
    assert old in text, f"{path.name} does not hold {old!r}"
    path.write_bytes(text.replace(old, new, 1).encode("utf-8"))


def problems_of(root: Path) -> list:
    """Errors of the review at `root`, in the order in which they are shown."""
    from evidence.review import ReviewError, load_review

    try:
        load_review(root)
    except ReviewError as error:
        return list(error.problems)
    return []


def pytest_collectstart():
    """Load what tests share, in the processes that run tests and not in the one that waits."""
    from hypothesis import settings

    import evidence.chapters  # registers what sentences may name
    import evidence.jupyter  # noqa: F401  (loads quickly what tests of notebooks use)

    settings.register_profile("by_content", deadline=None)  # a busy machine fails no test
    settings.load_profile("by_content")


def pytest_ignore_collect(collection_path, config):
    """Modules of which `make quick` runs nothing are not read either."""
    return (config.option.markexpr == "not slow" and collection_path.stem in SLOW) or None


def pytest_collection_modifyitems(items):
    """Mark slow modules and let them go first, so that no core waits for another at the end."""
    for item in items:
        if item.path.stem in SLOW:
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: item.path.stem not in SLOW)


def pytest_collection_finish():
    """Leave what is loaded out of garbage collection, for it stays."""
    gc.freeze()


@pytest.fixture
def minimal(tmp_path: Path) -> Path:
    """A review of four files, on a topic of its own, without a dictionary."""
    return write_review(tmp_path / "minimal")


@pytest.fixture(scope="session")
def built_sample(tmp_path_factory, worker_id) -> Path:
    """The sample as its first build leaves it, with a hand-out; one for all workers, to be copied.
    """
    from evidence.cli import main
    from sample_review import write_sample

    folder = tmp_path_factory.getbasetemp()
    root = (folder if worker_id == "master" else folder.parent) / "built" / "sample"
    root.parent.mkdir(exist_ok=True)
    with FileLock(root.parent / "lock"):
        if not root.exists():
            made = write_sample(root.with_name("unfinished"))
            assert main(["build", "--html", str(made)]) == 0
            made.rename(root)
    return root


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the repository's references and data, free to be damaged."""
    root = tmp_path / "copy"
    shutil.copytree(
        REPOSITORY / "data", root / "data", ignore=shutil.ignore_patterns("derived", "*.md")
    )
    shutil.copy(REPOSITORY / "references.bib", root)
    return root


@pytest.fixture
def cell(copied: Path) -> Callable[[str, str, str, str], None]:
    """Write one cell of the copy: table, id of the row (first column), column, value."""
    def write(table: str, row: str, column: str, value: str) -> None:
        path = copied / "data" / f"{table}.csv"
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        target = next(cells for cells in rows if cells[0] == row)
        target[rows[0].index(column)] = value
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)

    return write


@pytest.fixture(scope="session")
def site(tmp_path_factory, worker_id):
    """Folder of the hand-out of this repository, made once for all workers; to be read only."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "site of the repository"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            from evidence.publish.site import handout

            for name, content in handout(REPOSITORY).items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
    return folder


@pytest.fixture(scope="session")
def review():
    """The review of this repository, loaded once."""
    from drawn import REVIEW

    return REVIEW
