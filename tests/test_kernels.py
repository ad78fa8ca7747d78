"""A notebook runs in the interpreter of the build, in no other, and a kernel that cannot start says
why."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from evidence.cli import main
from evidence.project import processes, runner
from evidence.project.runner import execute, normalised, read_notebook
from evidence.review import ReviewError
from sample_review import edit, write_notebook, write_sample

WHO = "import sys; print(sys.executable)"
COMMAND = [sys.executable, "-m", "evidence.cli"]


@pytest.fixture
def notebook(tmp_path):
    path = tmp_path / "notebooks" / "a.ipynb"
    write_notebook(path, WHO)
    return path


def test_other_kernels_and_start_up_files_do_not_matter(notebook, tmp_path, monkeypatch):
    other = tmp_path / "jupyter" / "kernels" / "python3"
    other.mkdir(parents=True)
    (other / "kernel.json").write_text(json.dumps(
        {"argv": ["/bin/false", "{connection_file}"], "display_name": "x", "language": "python"}))
    start = tmp_path / "start.py"
    start.write_text("raise SystemExit(3)")
    profile = tmp_path / "ipython" / "profile_default" / "startup"
    profile.mkdir(parents=True)
    (profile / "00.py").write_text("import os; os._exit(3)")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("PYTHONSTARTUP", str(start))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    assert sys.executable in execute(notebook)


def test_a_home_that_cannot_be_written_does_not_matter(notebook, tmp_path, monkeypatch):
    (tmp_path / "home").write_text("a file, not a folder")
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home" / name))
    monkeypatch.delenv("MPLCONFIGDIR", raising=False)
    write_notebook(notebook, f"import matplotlib.pyplot; {WHO}")
    text = execute(notebook)
    assert sys.executable in text and "stderr" not in text


@pytest.fixture
def anew(monkeypatch):
    """Kernels begin from nothing, as they do where forking is not safe."""
    monkeypatch.setattr(processes, "FORKS", False)


@pytest.mark.parametrize("module", ["types", "threading", "ipykernel"])
def test_a_kernel_that_cannot_start_says_why(notebook, anew, module):
    (notebook.parent / f"{module}.py").write_text("raise RuntimeError('not this module')")
    with pytest.raises(ReviewError) as error:
        execute(notebook)
    problem, = error.value.problems
    assert problem.file == "notebooks/a.ipynb"
    assert "did not start (RuntimeError: not this module)" in problem.rule


def test_the_command_says_so_in_one_line(tmp_path, anew, capsys):
    root = write_sample(tmp_path / "sample")
    for name in ("beta", "gamma"):
        (root / "notebooks" / f"{name}.ipynb").unlink()
    (root / "data" / "figures.csv").unlink()
    edit(root / "data" / "analyses.csv", "pain,Pain,MD,smith2020-pain,primary\n", "")  # none drawn
    (root / "notebooks" / "types.py").write_text("raise RuntimeError('not this module')")
    assert main(["build", str(root)]) == 1
    said = capsys.readouterr().err
    lines = [line for line in said.splitlines() if line and "Building" not in line]
    assert "Traceback" not in said
    assert len(lines) == 2 and "RuntimeError: not this module" in lines[0], lines


def test_without_a_way_to_itself_the_machine_is_named(notebook, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(runner.socket, "create_connection", refuse)
    with pytest.raises(ReviewError, match=r"127\.0\.0\.1: Network is unreachable"):
        execute(notebook)


def test_stored_metadata_are_those_that_jupyterlab_writes(notebook):
    metadata = json.loads(normalised(read_notebook(notebook)))["metadata"]
    assert metadata["kernelspec"] == {
        "display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    assert set(metadata["language_info"]) == {
        "codemirror_mode", "file_extension", "mimetype", "name", "nbconvert_exporter",
        "pygments_lexer", "version"}
    assert metadata["language_info"]["version"].startswith("3.12.")


def _descendants(process):
    found = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True,
                           check=True).stdout
    rows = [line.split(None, 2) for line in found.splitlines()]
    below, grown = {str(process.pid)}, True
    while grown:
        more = {pid for pid, parent, _ in rows if parent in below} - below
        grown = bool(more)
        below |= more
    return below - {str(process.pid)}


def _alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not processes.FORKS, reason="nothing is forked")
def test_a_forked_kernel_shows_what_another_shows(notebook, monkeypatch):
    cells = ["import sys, os; print(sorted(set(globals()) - set(dir())), os.getcwd())",
             "left = {'a', 'b', 'c'}; print(left, os.environ.get('PYTHONHASHSEED'))",
             "import matplotlib.pyplot as plt; plt.subplots(); os.environ['LEFT'] = 'x'",
             "import evidence; evidence.left = 1; print(os.environ.get('EVIDENCE_STILL'))",
             "import multiprocessing as m; p = m.get_context('fork').Process(target=int)",
             "p.start(); p.join(); print(p.exitcode)"]
    write_notebook(notebook, *cells)
    forked = execute(notebook)
    write_notebook(notebook, "import evidence, os; print('LEFT' in os.environ, "
                             "hasattr(evidence, 'left'))")
    assert "False False" in execute(notebook)
    write_notebook(notebook, *cells)
    monkeypatch.setattr(processes, "FORKS", False)
    assert execute(notebook) == forked and "image/png" in forked


def test_a_forked_kernel_that_dies_is_told_from_a_cell_that_raises(notebook):
    for cell, rule in (("import os; os._exit(3)", "kernel died"), ("1 / 0", "ZeroDivision")):
        write_notebook(notebook, cell)
        with pytest.raises(ReviewError, match=rule):
            execute(notebook)
    write_notebook(notebook, "while True: pass")
    with pytest.raises(ReviewError, match="ran for more than 1 s"):
        execute(notebook, limit=1)


def test_a_kernel_that_is_stopped_while_it_starts_is_not_started_again(notebook, monkeypatch):
    kernels, starts = runner.Kernels(), []

    async def stopped(self, **options):
        starts.append(self)
        kernels.kill()
        raise RuntimeError("Kernel died before replying to kernel_info")

    monkeypatch.setattr(runner.NotebookClient, "async_execute", stopped)
    with pytest.raises(ReviewError, match="kernel died"):
        runner.run(notebook, kernels=kernels)
    assert len(starts) == 1


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="processes of Linux")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_a_build(tmp_path, number):
    root = write_sample(tmp_path / "sample")
    for name in ("alpha", "beta", "gamma"):
        write_notebook(root / "notebooks" / f"{name}.ipynb", "import time; time.sleep(3600)")
    process = subprocess.Popen([*COMMAND, "build", str(root)], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True, start_new_session=True)
    for line in process.stderr:
        if "Building" in line:
            break
    until = time.monotonic() + 60
    while len(_descendants(process)) < 3 and time.monotonic() < until:
        time.sleep(0.2)
    below = _descendants(process)
    assert below
    process.send_signal(number)
    _, said = process.communicate(timeout=120)  # ends when nobody holds stderr open
    assert number == signal.SIGKILL or (process.returncode == 1 and "Stopped" in said)
    until = time.monotonic() + 60
    while any(map(_alive, below)) and time.monotonic() < until:
        time.sleep(0.2)
    assert not any(map(_alive, below))
