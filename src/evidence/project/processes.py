"""Processes that draw figures and run notebooks, begun without loading every package anew.

On Linux they are forked from one server process that has loaded the packages and read the review
(see `ahead`), and nothing else: no figure, no state of a notebook. Elsewhere each is begun from
nothing, since forking is not safe there.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import forkserver, parent_process
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

import evidence.jupyter  # noqa: F401  (first, for the sake of what follows)

# isort: split
from jupyter_client.provisioning import LocalProvisioner

ONE_AT_A_TIME = threading.Lock()
FORKS = sys.platform == "linux"
LOADED = [  # what drawing, slides and notebooks need, also what is loaded late elsewhere
    "evidence.project.build", "evidence.project.kernel", "evidence.notebook.narrator",
    "matplotlib.pyplot", "matplotlib.backends.backend_pdf", "matplotlib.backends.backend_svg",
    "pylatexenc.latex2text", "scipy.optimize", "evidence.project.ahead",
]


def context(root: Path | str | None = None) -> BaseContext:
    """How processes begin; on Linux the server is started with the first call.

    The order of sets is the same in all of them (``PYTHONHASHSEED``).

    Parameters
    ----------
    root : path, optional
        Folder of a review that the server reads ahead.
    """
    if not FORKS:
        return multiprocessing.get_context("spawn")
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(LOADED)
    with _environment(PYTHONHASHSEED="0", PYDEVD_DISABLE_FILE_VALIDATION="1",  # the second: quiet
                      EVIDENCE_AHEAD=str(root or "")):
        forkserver.ensure_running()
    return found


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Variables for a while; other threads see the rest of the environment unchanged."""
    with ONE_AT_A_TIME:
        before = {name: os.environ.get(name) for name in values}
        os.environ.update(values)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def begin(environment: Mapping[str, str]) -> None:
    """In a new process: Ctrl-C is for the build to handle, and the process ends with the build."""
    gc.freeze()  # what is loaded stays: to look through it for garbage took a third of a build
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()


def end_with_parent() -> None:
    """End this process when the one that began it has ended, however it did."""
    def wait() -> None:
        parent_process().join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _serve(*arguments: Any) -> None:
    from evidence.project.kernel import serve  # loaded there already, and never here

    serve(*arguments)


class ForkedKernel(LocalProvisioner):
    """A kernel that is forked with its packages loaded."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict[str, Any]:
        """Begin the kernel of the connection file that ends the command `cmd`."""
        options, said = cmd[cmd.index("-f") + 1:], kwargs["stderr"].name
        process = context().Process(
            target=_serve, args=(options, kwargs["cwd"], kwargs["env"], said), daemon=True
        )
        process.start()
        self.process = Started(process)
        self.pid = self.pgid = process.pid
        return self.connection_info


class Started:
    """A process with the methods of `subprocess.Popen` that are asked of a kernel."""

    stdin = stdout = stderr = None

    def __init__(self, process: multiprocessing.Process) -> None:
        self._process, self.pid = process, process.pid
        self.kill, self.terminate = process.kill, process.terminate

    def poll(self) -> int | None:
        """Exit status; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Exit status once it has ended."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("kernel", timeout)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send a signal to the process itself."""
        if self._process.exitcode is None:
            os.kill(self.pid, number)
