"""What is printed reaches the reader whatever the terminal can show, and nobody is blamed when the
reader has gone."""

import os
import shutil
import subprocess
import sys

import pytest

from commands import run
from sample_review import write_sample

COMMAND = [sys.executable, "-m", "evidence.cli"]


@pytest.fixture(scope="module")
def review(tmp_path_factory):
    return write_sample(tmp_path_factory.mktemp("streams") / "Žluť − 猫")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "cp437", "utf-8"])
def test_a_sign_that_the_terminal_lacks_ends_no_command(review, tmp_path, encoding):
    root = shutil.copytree(review, tmp_path / review.name)
    for command in (["analyse", root], ["check", root], ["new", tmp_path / "nové − 猫"]):
        status, out, error = run(*command, encoding=encoding)
        assert status == 0, error
        assert out and "mistake" not in error


def test_nor_does_the_interpreter_end_it(review, tmp_path):
    root = shutil.copytree(review, tmp_path / review.name)
    done = subprocess.run(
        [*COMMAND, "analyse", str(root)], capture_output=True, check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert done.returncode == 0 and done.stderr == b""
    assert b"\\u732b" in done.stdout  # the folder's name


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
@pytest.mark.parametrize("command", ["status", "check", "analyse"])
def test_a_reader_who_has_gone_is_no_fault(review, command):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*COMMAND, command, str(review)], stdout=write, stderr=subprocess.PIPE,
                          check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")
