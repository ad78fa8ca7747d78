"""What stands in the way of a build is named, and nothing is lost: disks, neighbours, Ctrl-C."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from commands import Command, wait_until
from evidence import storage as outputs
from evidence.cli import main
from evidence.project.build import build
from sample_review import edit, shown

SECONDS = 120
COMMAND = [sys.executable, "-m", "evidence.cli"]


@pytest.fixture
def sample(built_sample, tmp_path):
    """A sample review as its first build has left it, free to be changed."""
    return shutil.copytree(built_sample, tmp_path / "sample")


@contextmanager
def small_disk(folder, size):
    """A disk of its own at `folder`, where this user may make one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    done = None
    if shutil.which("mount") and os.name == "posix":
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done is None or done.returncode:
        pytest.skip(f"cannot mount a disk here: {done.stderr.strip() if done else 'no mount'}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def remounted(folder, options):
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def assert_named(capsys, *words):
    error = capsys.readouterr().err
    assert "Traceback" not in error
    for word in words:
        assert word in error, error


def test_a_full_disk_is_named_and_leaves_everything_as_it_was(built_sample, tmp_path, capsys):
    with small_disk(tmp_path / "disk", "8m") as disk:
        root = shutil.copytree(built_sample, disk / "sample")
        edit(root / "data" / "outcomes.csv", "-0.5,0.2", "-0.7,0.2")
        before = shown(root)
        with (disk / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError):
            while True:
                filler.write(b"x" * 4096)
        assert main(["build", str(root)]) == 1
        assert_named(capsys, "No space left on device", "free space")
        assert shown(root) == before
        assert main(["analyse", str(root)]) == 1
        assert_named(capsys, "No space left on device")
        assert shown(root) == before
        (disk / "filler").unlink()
        assert main(["build", str(root)]) == 0
        after = shown(root)
        assert set(after) == set(before) and after != before
        assert "−0.7".encode() in after["notebooks/beta.ipynb"]
        assert not (root / ".evidence" / "staged").exists()


def test_a_read_only_checkout_can_be_read_and_says_why_it_cannot_be_built(
    built_sample, tmp_path, capsys
):
    with small_disk(tmp_path / "disk", "8m") as disk:
        root = shutil.copytree(built_sample, disk / "sample")
        remounted(disk, "ro")
        for command in ("check", "status", "build"):  # a build that has nothing to do
            assert main([command, str(root)]) == 0
        before = shown(root)
        capsys.readouterr()
        assert main(["analyse", str(root)]) == 0  # gives what is there
        remounted(disk, "rw")
        edit(root / "data" / "outcomes.csv", "-0.5,0.2", "-0.7,0.2")
        shutil.rmtree(root / ".evidence")
        remounted(disk, "ro")
        for command in ("build", "analyse"):
            assert main([command, str(root)]) == 1
            assert_named(capsys, "Read-only file system", "check permissions")
        assert shown(root) == before


def test_two_builds_at_once_give_what_one_gives(sample, tmp_path):
    edit(sample / "data" / "outcomes.csv", "-0.5,0.2", "-0.7,0.2")
    alone = shutil.copytree(sample, tmp_path / "alone")
    with Command("build", sample) as one, Command("build", sample) as other:
        said = [(command.ended(), command.error) for command in (one, other)]
    assert [status for status, _ in said] == [0, 0], said
    assert sum("waiting for it" in error for _, error in said) == 1, said
    build(alone)
    assert shown(sample) == shown(alone)


@pytest.mark.skipif(os.name != "posix", reason="signals of a terminal")
def test_ctrl_c_stops_soon_and_loses_nothing(sample):
    edit(sample / "data" / "review.csv", "Does it build?", "Does it stop?")
    edit(sample / "data" / "review.csv", "A sample", "Another sample")
    for name in ("alpha", "beta", "gamma"):
        edit(sample / "notebooks" / f"{name}.ipynb", "n = Narrator()",
             "n = Narrator()\\n\",\n    \"import time; open('runs', 'w'); time.sleep(3600)")
    before = shown(sample)
    process = subprocess.Popen([*COMMAND, "build", str(sample)], stderr=subprocess.PIPE,
                               stdout=subprocess.DEVNULL, text=True, start_new_session=True)
    wait_until((sample / "notebooks" / "runs").exists)
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=SECONDS)  # long before the notebooks would end
    assert process.returncode == 1, error
    assert "Traceback" not in error and "Stopped" in error
    (sample / "notebooks" / "runs").unlink()
    assert shown(sample) == before


HANGS = """
import os, signal, sys, time
from evidence import cli, project
cli.STOP_AT_MOST = 0.5
def hang(*arguments, **options):
    print("Building", file=sys.stderr, flush=True)
    if "DEAF" in os.environ:  # as where something waits in C and is not woken
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    while True:
        try:
            time.sleep(3600)
        except KeyboardInterrupt:
            pass  # something that does not want to end
project.build = hang
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of a terminal")
@pytest.mark.parametrize("how", [{}, {"DEAF": "1"}], ids=["unwilling", "deaf"])
def test_ctrl_c_ends_a_build_that_does_not_want_to_end(sample, how):
    before = shown(sample)
    with Command("build", "--force", sample, before=HANGS, **how) as command:
        wait_until(lambda: "Building" in command.error)
        command.send_signal(signal.SIGINT)
        status, error = command.ended(), command.error
    assert status == 1 and "Stopped" in error and "Traceback" not in error
    assert shown(sample) == before


def test_a_damaged_journal_is_put_aside(tmp_path):
    (tmp_path / ".evidence").mkdir()
    for text in ("", "{broken", "[1, 2]", '[["0", "../../elsewhere"]]', "null"):
        (tmp_path / ".evidence" / "journal.json").write_text(text)
        (tmp_path / ".evidence" / "staged").mkdir(exist_ok=True)
        (tmp_path / ".evidence" / "staged" / "0").write_text("x")
        with outputs.alone(tmp_path):
            pass
        assert not (tmp_path / ".evidence" / "journal.json").exists()
        assert not (tmp_path.parent.parent / "elsewhere").exists()
    assert outputs.replace_all(tmp_path, {tmp_path / "a": b"1"}) == (tmp_path / "a",)


def test_a_folder_in_the_place_of_a_file_is_named(sample, capsys):
    edit(sample / "data" / "outcomes.csv", "-0.5,0.2", "-0.7,0.2")
    (sample / "data" / "derived" / "pooled.csv").unlink()
    (sample / "data" / "derived" / "pooled.csv").mkdir()
    for command in ("build", "analyse"):
        assert main([command, str(sample)]) == 1
        assert_named(capsys, "pooled.csv")
