"""Installing with make: in any folder that installers can write into, else one line says why."""

import os
import shutil
import subprocess
import sys

import pytest

from conftest import REPOSITORY

FAKE = """#!/bin/sh
printf '%s\\n' "$*" >> calls
case "$1 $2" in
  "-c "*) exec "{python}" "$@" ;;
  "-m venv") mkdir -p .venv/bin && cp fake .venv/bin/python && cp fake .venv/bin/evidence ;;
esac
"""


@pytest.fixture
def make(tmp_path):
    """Run make in a folder of a name, with an interpreter that notes what it is asked."""
    if not shutil.which("make"):
        pytest.skip("needs make")

    def run(name, *words):
        folder = tmp_path / name
        folder.mkdir()
        for file in ("Makefile", "pyproject.toml", "requirements.lock"):
            shutil.copy(REPOSITORY / file, folder)
        fake = folder / "fake"
        fake.write_text(FAKE.format(python=sys.executable))
        fake.chmod(0o755)
        own = {name: value for name, value in os.environ.items() if "MAKE" not in name}
        done = subprocess.run(["make", *words, "PYTHON=./fake"], cwd=folder, check=False,
                              capture_output=True, text=True, env=own)
        calls = folder / "calls"
        return done, folder, calls.read_text() if calls.exists() else ""

    return run


@pytest.mark.parametrize("name", ["plain", "with space", "a#b", "é (1)", "it's", "a&b;c"])
def test_a_review_is_installed_and_built_in_any_folder(make, name):
    done, folder, calls = make(name, "review")
    assert done.returncode == 0, done.stderr
    assert (folder / ".venv" / ".installed").read_text().rstrip("\n") == str(folder)
    assert "build --html" in calls and "--require-hashes -r requirements.lock" in calls


@pytest.mark.parametrize("name", ["a$b", "$HOME c", 'a"b', "a`b"])
def test_a_folder_that_installers_misread_is_named_in_one_line(make, name):
    done, folder, calls = make(name, "review")
    assert done.returncode != 0 and not (folder / ".venv").exists() and "venv" not in calls
    line, last = done.stderr.splitlines()
    assert line.startswith("Rename or move this folder") and name in line
    assert last.startswith("make: ***")
