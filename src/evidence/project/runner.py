"""Running notebooks: execute them and keep nothing that changes from run to run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from evidence.notebook import STILL
from evidence.review import Problem, ReviewError

VIEW = "application/vnd.jupyter.widget-view+json"
TIME_LIMIT = 600  # seconds for one cell
STARTS = 3  # attempts to bring up a kernel
TABLES_READ = """
import json as _json
from evidence.review import Review as _Review
_reviews = [
    found for value in list(globals().values()) for found in (value, getattr(value, "review", None))
    if isinstance(found, _Review)
]
if _reviews:
    print(_json.dumps(sorted({name for review in _reviews for name in review.tables.read})))
"""  # runs after the last cell and is not kept


def execute(path: Path, limit: int = TIME_LIMIT) -> str:
    """Run a notebook in its own folder and return it, normalised, as text; see `run`."""
    return run(path, limit)[0]


class Kernels:
    """Notebooks that are running, so that another thread can stop them."""

    def __init__(self) -> None:
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
        for client in list(self._clients):
            provisioner = getattr(client.km, "provisioner", None)
            process = getattr(provisioner, "process", None)
            if process is not None:
                process.kill()


def run(
    path: Path, limit: int = TIME_LIMIT, kernels: Kernels | None = None
) -> tuple[str, list[str] | None]:
    """Run a notebook in its own folder.

    Parameters
    ----------
    path : Path
    limit : int
        Seconds that one cell may take.
    kernels : Kernels, optional
        Where to be known while running.

    Returns
    -------
    text : str
        The executed notebook, normalised.
    read : list of str or None
        Tables that its narrators read; None when it has no narrator.

    Raises
    ------
    ReviewError
        When a cell raises, runs longer than `limit`, or the kernel dies.
    """
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises many kinds for a broken file
        raise ReviewError([Problem(f"notebooks/{path.name}", None, "", "",
                                   f"is not a notebook ({error})", "restore the file")]) from None
    notebook.cells.append(nbformat.v4.new_code_cell(TABLES_READ))
    try:
        _execute(notebook, path.parent, limit, kernels or Kernels())
    except CellExecutionError as error:
        last = f"{error.ename}: {error.evalue}"
        raise ReviewError([Problem(f"notebooks/{path.name}", None, "", "", last,
                                   "open the notebook and mend that cell")]) from None
    except CellTimeoutError:
        raise ReviewError([Problem(f"notebooks/{path.name}", None, "", "",
                                   f"a cell ran for more than {limit} s",
                                   "shorten it")]) from None
    except RuntimeError:  # a dead kernel, or one that died before it was ready
        raise ReviewError([Problem(f"notebooks/{path.name}", None, "", "", "its kernel died",
                                   "run it again; if it dies again, check memory")]) from None
    read = _tables_read(notebook.cells.pop())
    return normalised(notebook), read


def _execute(notebook: nbformat.NotebookNode, folder: Path, limit: int, kernels: Kernels) -> None:
    """Run a notebook in a kernel of its own.

    A kernel that does not come up is started again: of kernels that start at the same time, two may
    have chosen the same port. One that dies later is not.
    """
    for start in range(1, STARTS + 1):
        client = NotebookClient(
            notebook, timeout=limit, kernel_name="python3", record_timing=False,
            extra_arguments=["--log-level=ERROR"], resources={"metadata": {"path": str(folder)}},
        )
        try:
            with kernels.watch(client):
                client.execute(env={**os.environ, "PYTHONHASHSEED": "0", STILL: "1"})
            return
        except DeadKernelError:
            raise
        except RuntimeError:
            if start == STARTS:
                raise


def _tables_read(cell: nbformat.NotebookNode) -> list[str] | None:
    text = "".join(output.get("text", "") for output in cell.outputs)
    return json.loads(text) if text else None


def normalised(notebook: nbformat.NotebookNode) -> str:
    """The notebook as text without anything that differs between two equal runs."""
    for number, cell in enumerate(notebook.cells, 1):
        cell["id"] = f"cell-{number:02d}"
        for name in ("execution", "ExecuteTime", "collapsed", "scrolled"):
            cell.metadata.pop(name, None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(VIEW, None)  # a control dies with its kernel
    notebook.metadata = nbformat.NotebookNode({
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    })
    notebook.nbformat_minor = 5
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT).rstrip("\n") + "\n"
