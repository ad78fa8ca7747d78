"""Running notebooks: execute them and keep nothing that changes from run to run.

Each notebook gets a kernel of the interpreter that runs the build, whatever kernels are installed,
and without the start-up files of whoever builds: what a notebook shows depends on the review only.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import os
import re
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import evidence.jupyter  # noqa: F401  (first, for the sake of what follows)

# isort: split
import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from evidence.notebook import STILL
from evidence.project import processes
from evidence.project.seen import Seen
from evidence.review import Problem, ReviewError
from evidence.storage import read_bytes

VIEW = "application/vnd.jupyter.widget-view+json"
TIME_LIMIT = 600  # seconds for one cell
STARTS = 3  # attempts to bring up a kernel
LAUNCH = """
import os, threading, time
parent = int(os.environ.get("JPY_PARENT_PID") or 0)
def watch():
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
if os.name == "posix":
    threading.Thread(target=watch, daemon=True).start()
from ipykernel.kernelapp import launch_new_instance
launch_new_instance()
"""  # the kernel ends with the build, from its first moment on
STARTUP = ("PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONBREAKPOINT", "JUPYTER_CONFIG_DIR")
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3}, "file_extension": ".py",
    "mimetype": "text/x-python", "name": "python", "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3", "version": "3.12.11",
}  # as JupyterLab writes them on opening a notebook  # fmt: skip
LOOKED_AT = """
import dataclasses as _dataclasses, json as _json
from evidence.project.seen import seen_in as _seen_in
if _seen := _seen_in(globals(), {root!r}):
    print(_json.dumps(_dataclasses.asdict(_seen)))
"""  # runs after the last cell and is not kept
BY_ITSELF = re.compile(r"\b(read_\w+|\w*open|loadtxt|genfromtxt|fromfile)\(")  # reading a file


SILENT = logging.getLogger("evidence.kernels")
SILENT.addHandler(logging.NullHandler())
SILENT.propagate = False  # what happened is said by the problem


class OwnKernel(AsyncKernelManager):
    """A kernel of this interpreter; what is installed under its name elsewhere does not matter."""

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(argv=[sys.executable, "-c", LAUNCH, "-f", "{connection_file}"],
                          display_name=KERNEL["display_name"], language="python")


def execute(path: Path, limit: int = TIME_LIMIT) -> str:
    """Run a notebook in its own folder and return it, normalised, as text; see `run`."""
    return run(path, limit)[0]


class Kernels:
    """Notebooks that are running, so that another thread can stop them.

    Attributes
    ----------
    stopped : bool
        Whether that has happened; then no kernel is started again.
    """

    def __init__(self) -> None:
        self.stopped = False
        self._clients: list[NotebookClient] = []

    @contextmanager
    def watch(self, client: NotebookClient) -> Iterator[None]:
        """Know `client` while it runs."""
        self._clients.append(client)
        try:
            yield
        finally:
            self._clients.remove(client)

    def kill(self) -> None:
        """End every running kernel at once; its `run` then raises ReviewError."""
        self.stopped = True
        for client in list(self._clients):
            provisioner = getattr(client.km, "provisioner", None)
            process = getattr(provisioner, "process", None)
            if process is not None:
                process.kill()


def run(
    path: Path, limit: int = TIME_LIMIT, kernels: Kernels | None = None,
    content: bytes | None = None,
) -> tuple[str, Seen | None]:  # fmt: skip
    """Run a notebook in its own folder.

    Parameters
    ----------
    path : Path
    limit : int
        Seconds that one cell may take.
    kernels : Kernels, optional
        Where to be known while running.
    content : bytes, optional
        Content of the file, where it has been read already.

    Returns
    -------
    text : str
        The executed notebook, normalised.
    seen : Seen or None
        What its reviews have looked at; None when it has none, or reads files by itself.

    Raises
    ------
    ReviewError
        When a cell raises, runs longer than `limit`, or the kernel does not start or dies.
    """
    def refused(rule: str, advice: str) -> ReviewError:
        return ReviewError([Problem(f"notebooks/{path.name}", None, "", "", rule, advice)])

    notebook = read_notebook(path, content)
    asked = LOOKED_AT.format(root=str(path.parent.parent.resolve()))
    by_itself = any(BY_ITSELF.search(cell.source) for cell in notebook.cells
                    if cell.cell_type == "code")
    notebook.cells.append(nbformat.v4.new_code_cell(asked))
    try:
        _execute(notebook, path.parent, limit, kernels or Kernels())
    except CellExecutionError as error:
        last = f"{error.ename}: {error.evalue}"
        raise refused(last, "open the notebook and mend that cell") from None
    except CellTimeoutError:
        raise refused(f"a cell ran for more than {limit} s", "shorten it") from None
    except KernelStartError as error:
        raise refused(f"its kernel did not start ({error})", "mend that, then run it again"
                      ) from None  # fmt: skip
    except RuntimeError:  # a dead kernel, or one that died before it was ready
        raise refused("its kernel died", "run it again; if it dies again, check memory") from None
    seen = _looked_at(notebook.cells.pop())
    return normalised(notebook), None if by_itself else seen


def read_notebook(path: Path, content: bytes | None = None) -> nbformat.NotebookNode:
    """A notebook of the review.

    Raises
    ------
    ReviewError
        When the file is none.
    """
    try:
        text = (read_bytes(path) if content is None else content).decode("utf-8-sig")
        return nbformat.reads(text, as_version=4)
    except Exception as error:  # nbformat raises many kinds for a broken file
        raise ReviewError([Problem(f"notebooks/{path.name}", None, "", "",
                                   f"is not a notebook ({error})", "restore the file")]) from None


class KernelStartError(RuntimeError):
    """A kernel did not come up; the message is the last line that it wrote."""


def _execute(notebook: nbformat.NotebookNode, folder: Path, limit: int, kernels: Kernels) -> None:
    """Run a notebook in a kernel of its own.

    A kernel that does not come up without saying why is started again: of kernels that start at
    the same time, two may have chosen the same port. One that dies later is not.
    """
    _connect_to_this_machine()
    for start in range(1, STARTS + 1):
        with tempfile.TemporaryDirectory(prefix="evidence-", ignore_cleanup_errors=True) as own:
            client = NotebookClient(
                notebook, timeout=limit, kernel_name=KERNEL["name"], record_timing=False,
                kernel_manager_class=OwnKernel, extra_arguments=["--log-level=ERROR"],
                resources={"metadata": {"path": str(folder)}}, log=SILENT,
            )
            manager = client.create_kernel_manager()
            manager.connection_file = str(Path(own) / "kernel.json")
            if processes.FORKS:
                manager.provisioner = processes.ForkedKernel(
                    parent=manager, kernel_spec=manager.kernel_spec)
            with Path(own, "said").open("w+b") as said, kernels.watch(client):
                try:
                    asyncio.run(client.async_execute(env=_environment(own), stderr=said))
                    return
                except DeadKernelError:
                    raise
                except RuntimeError:
                    atexit.unregister(client._cleanup_kernel)  # it has nothing left to clean
                    why = _last_line(said)
                    if why and "ddress already in use" not in why:
                        raise KernelStartError(why) from None
                    if start == STARTS or kernels.stopped:
                        raise


def _environment(own: str) -> dict[str, str]:
    """Environment of a kernel: nobody's start-up files, a home of its own for what it writes."""
    kept = {name: value for name, value in os.environ.items() if name not in STARTUP}
    own_places = {"IPYTHONDIR": own, "JUPYTER_CONFIG_DIR": own, "PYTHONHASHSEED": "0", STILL: "1"}
    if not _has_home():  # else matplotlib says so in the notebook
        own_places["MPLCONFIGDIR"] = own
    return kept | own_places


def _has_home() -> bool:
    """Whether programs can keep something in the home of whoever builds."""
    try:
        with tempfile.TemporaryFile(dir=Path.home()):
            return True
    except (OSError, RuntimeError):
        return False


def _last_line(said: IO[bytes]) -> str:
    """What a kernel wrote last before it ended; a traceback ends with its reason."""
    said.seek(0)
    lines = said.read().decode("utf-8", "replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _connect_to_this_machine() -> None:
    """Notebook and kernel speak over the loopback interface; without it both wait for minutes.

    Raises
    ------
    KernelStartError
        When there is none.
    """
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), timeout=5).close()
    except OSError as error:
        raise KernelStartError("this machine does not let programs speak to each other over "
                               f"127.0.0.1: {error.strerror or error}") from None


def _looked_at(cell: nbformat.NotebookNode) -> Seen | None:
    text = "".join(output.get("text", "") for output in cell.outputs)
    return Seen(**json.loads(text)) if text else None


def normalised(notebook: nbformat.NotebookNode) -> str:
    """The notebook as text without anything that differs between two equal runs.

    Metadata of the notebook that the build does not make (authors, a kernel of the reader's own)
    stay; the rest is what JupyterLab writes when it opens a notebook, so that it stays unchanged.
    """
    for number, cell in enumerate(notebook.cells, 1):
        cell["id"] = f"cell-{number:02d}"
        for name in ("execution", "ExecuteTime", "collapsed", "scrolled"):
            cell.metadata.pop(name, None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(VIEW, None)  # a control dies with its kernel
    notebook.metadata.pop("widgets", None)
    if notebook.metadata.get("kernelspec", {}).get("name", KERNEL["name"]) == KERNEL["name"]:
        notebook.metadata["kernelspec"] = nbformat.NotebookNode(KERNEL)
    notebook.metadata["language_info"] = nbformat.from_dict(LANGUAGE)
    notebook.nbformat_minor = 5
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT).rstrip("\n") + "\n"
