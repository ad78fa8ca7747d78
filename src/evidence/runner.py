"""Running notebooks: execute them and keep nothing that changes from run to run."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from evidence.problems import Problem, ReviewError

TIME_LIMIT = 600  # seconds for one cell


def execute(path: Path) -> str:
    """Run a notebook in its own folder and return it, normalised, as text.

    Raises
    ------
    ReviewError
        When a cell raises, runs longer than `TIME_LIMIT`, or the kernel dies.
    """
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises many kinds for a broken file
        raise ReviewError([Problem(f"notebooks/{path.name}", None, "", "",
                                   f"is not a notebook ({error})", "restore the file")]) from None
    client = NotebookClient(
        notebook, timeout=TIME_LIMIT, kernel_name="python3", record_timing=False,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute(env={**os.environ, "PYTHONHASHSEED": "0"})
    except CellExecutionError as error:
        last = f"{error.ename}: {error.evalue}"
        raise ReviewError([Problem(f"notebooks/{path.name}", None, "", "", last,
                                   "open the notebook and mend that cell")]) from None
    except CellTimeoutError:
        raise ReviewError([Problem(f"notebooks/{path.name}", None, "", "",
                                   f"a cell ran for more than {TIME_LIMIT} s",
                                   "shorten it")]) from None
    except DeadKernelError:
        raise ReviewError([Problem(f"notebooks/{path.name}", None, "", "", "its kernel died",
                                   "run it again; if it dies again, check memory")]) from None
    return normalised(notebook)


def normalised(notebook: nbformat.NotebookNode) -> str:
    """The notebook as text without anything that differs between two equal runs."""
    for number, cell in enumerate(notebook.cells, 1):
        cell["id"] = f"cell-{number:02d}"
        for name in ("execution", "ExecuteTime", "collapsed", "scrolled"):
            cell.metadata.pop(name, None)
    notebook.metadata = nbformat.NotebookNode({
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    })
    notebook.nbformat_minor = 5
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT).rstrip("\n") + "\n"


def execute_all(
    paths: list[Path], done: Callable[[Path], None] = lambda path: None, jobs: int | None = None
) -> dict[Path, str]:
    """Run notebooks side by side; `done` is called after each.

    Raises
    ------
    ReviewError
        With the problems of every notebook that failed; nothing is written either way.
    """
    texts: dict[Path, str] = {}
    problems: list[Problem] = []

    def run(path: Path) -> None:
        try:
            texts[path] = execute(path)
        except ReviewError as error:
            problems.extend(error.problems)
        done(path)

    with ThreadPoolExecutor(jobs or min(len(paths) or 1, os.cpu_count() or 1)) as pool:
        list(pool.map(run, paths))
    if problems:
        raise ReviewError(problems)
    return {path: texts[path] for path in paths}
