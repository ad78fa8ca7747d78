"""A kernel in a process that has its packages already; importing this loads them."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
from collections.abc import Mapping

import ipykernel.debugger  # noqa: F401  (half of what a kernel loads when it starts)
import matplotlib
import numpy as np
from ipykernel.kernelapp import launch_new_instance

from evidence.project.processes import end_with_parent

INLINE = "module://matplotlib_inline.backend_inline"  # what a kernel asks of matplotlib


def serve(arguments: list[str], folder: str, environment: Mapping[str, str], said: str) -> None:
    """Be the kernel of one notebook until it is told to end.

    Parameters
    ----------
    arguments : list of str
        Of ipykernel: the connection file and options.
    folder : str
        Where the notebook is.
    environment : mapping
        All environment variables.
    said : str
        File that takes what is written to standard error before the kernel is up.
    """
    gc.freeze()  # what is loaded stays, nobody need look through it for garbage
    multiprocessing.current_process().daemon = False  # a notebook may begin processes of its own
    os.setsid()  # Ctrl-C is for the build to handle
    end_with_parent()
    with open(said, "ab", buffering=0) as file:
        os.dup2(file.fileno(), sys.__stderr__.fileno())
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = [sys.argv[0]]
    np.random.seed()  # noqa: NPY002  (the old generator is the one state that forking would share)
    matplotlib.rcParams["backend"] = INLINE
    launch_new_instance(argv=["-f", *arguments, f"--IPKernelApp.parent_handle={os.getppid()}"])
