"""Equal input gives equal bytes, wherever and whenever a review is built."""

import os
import shutil
import subprocess
import sys

import pytest

from evidence.project.starting import new_review
from sample_review import shown

PLACES = {
    "here": {"LC_ALL": "C", "TZ": "UTC", "PYTHONHASHSEED": "1", "COLUMNS": "60"},
    "some where élse": {"LC_ALL": "C.UTF-8", "TZ": "Asia/Kolkata", "PYTHONHASHSEED": "4242",
                        "SOURCE_DATE_EPOCH": "1", "PYTHONUTF8": "1", "COLUMNS": "200"},
}  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The same new review built in two places: by place, all that a reader finds."""
    found = {}
    for name, changes in PLACES.items():
        home = tmp_path_factory.mktemp("home")
        root = tmp_path_factory.mktemp("place") / name / "review"
        new_review(root, "Tea against “cold” feet: été")
        own = {"HOME": home, "MPLCONFIGDIR": home / "mpl", "IPYTHONDIR": home / "ipython"}
        environment = os.environ | changes | {key: str(path) for key, path in own.items()}
        command = [sys.executable, "-m", "evidence.cli", "build", "--html"]
        done = subprocess.run(command, cwd=root / "data", env=environment, text=True,
                              capture_output=True, check=False, encoding="utf-8")
        assert done.returncode == 0, done.stderr
        site = {f"site/{path.relative_to(root / 'site').as_posix()}": path.read_bytes()
                for path in (root / "site").rglob("*") if path.is_file()}
        found[name] = shown(root) | site | {"README.md": (root / "README.md").read_bytes()}
        shutil.rmtree(root)
    return found


def test_two_places_hold_the_same_files(built):
    one, other = built.values()
    assert set(one) == set(other)
    assert {"figures/slides.pptx", "figures/cases_forest.png", "figures/cases_forest.svg",
            "figures/cases_forest.pdf", "notebooks/02_analyses.ipynb", "data/derived/pooled.csv",
            "site/index.html"} <= set(one)


def test_place_locale_time_zone_and_hash_seed_do_not_change_a_byte(built):
    one, other = built.values()
    assert [name for name in one if one[name] != other[name]] == []
