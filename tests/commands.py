"""The command line in a process of its own, forked with its packages loaded where that is safe.

Such a process has a folder, an environment and streams of its own and can be ended like any other;
what it builds is made in further processes of the same server. Where the interpreter itself is
tested, ``python -m evidence.cli`` is needed instead.
"""

import gc
import os
import subprocess
import sys
import tempfile
import time
from multiprocessing import forkserver
from pathlib import Path

from evidence.project import processes

PATIENCE = 120  # seconds; no command needs nearly as many
MAIN = "\nimport sys; from evidence import cli; sys.exit(cli.main(sys.argv[1:]))"


class Command:
    """A command that runs from now on, and is ended with its block.

    Parameters
    ----------
    *words : str or Path
        The command and its arguments.
    before : str
        Python that its process runs first.
    encoding : str
        Of its streams.
    **environment : str
        Variables that differ from those of the test.
    """

    def __init__(self, *words, before="", encoding="utf-8", **environment):
        self._place = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._files = [Path(self._place.name, name) for name in ("out", "error")]
        self._encoding = encoding
        words = [str(word) for word in words]
        environment = {**os.environ, **environment}
        streams = [file.open("wb") for file in self._files]
        if processes.FORKS:
            process = processes.context().Process(
                target=_run, args=(words, before, encoding, Path.cwd(), environment, self._files))
            process.start()
            self._process = processes.Started(process)
        else:
            self._process = subprocess.Popen(
                [sys.executable, "-c", before + MAIN, *words], stdout=streams[0], stderr=streams[1],
                env=environment | {"PYTHONIOENCODING": encoding})
        for stream in streams:
            stream.close()
        self.kill, self.send_signal = self._process.kill, self._process.send_signal

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self._process.wait()
        self._place.cleanup()

    @property
    def out(self):
        """What it has printed so far."""
        return self._files[0].read_text(self._encoding, "replace")

    @property
    def error(self):
        """What it has printed to standard error so far."""
        return self._files[1].read_text(self._encoding, "replace")

    def ended(self):
        """Exit status, once it has ended of itself."""
        return self._process.wait(PATIENCE)


def run(*words, **options):
    """Exit status of a command, what it printed, and what it printed to standard error."""
    with Command(*words, **options) as command:
        return command.ended(), command.out, command.error


def wait_until(met):
    """Wait until `met` gives true, for as long as a command may take."""
    until = time.monotonic() + PATIENCE
    while not met() and time.monotonic() < until:
        time.sleep(0.02)
    assert met()


def _run(words, before, encoding, folder, environment, files):
    """Be that command, in a forked process."""
    # The server that has forked this process serves it as well: Python would start another.
    forkserver.ensure_running = forkserver._forkserver.ensure_running = lambda: None
    gc.freeze()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, file in enumerate(files, 1):
        with file.open("wb") as stream:
            os.dup2(stream.fileno(), number)
    sys.stdout.reconfigure(encoding=encoding, errors="strict", line_buffering=False)
    sys.stderr.reconfigure(encoding=encoding, errors="backslashreplace")
    sys.argv = ["", *words]
    exec(before + MAIN, {})
