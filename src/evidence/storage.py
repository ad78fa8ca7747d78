"""Writing a set of files all or nothing, and one build at a time.

New content is staged beside the review, a journal names where each file goes, and only then are
the files moved into place. A build that was killed leaves either the old files, or a journal that
the next run completes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path, PurePosixPath
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

FOLDER = ".evidence"
JOURNAL = "journal.json"
STAGE = "staged"


def replace_all(root: Path, files: Mapping[Path, bytes]) -> tuple[Path, ...]:
    """Write several files so that a reader never finds a mixture for long, and never a part.

    Parameters
    ----------
    root : Path
        Folder of the review; every path of `files` lies below it.
    files : mapping of Path to bytes

    Returns
    -------
    tuple of Path
        The files whose content changed; files with equal content are left alone.

    Raises
    ------
    OSError
        When something cannot be written; then no file has changed.
    ValueError
        When a path leads out of `root`; then no file has changed.
    """
    targets = {path: _inside(root, path) for path in files}
    changed = {
        path: content for path, content in files.items()
        if not path.exists() or path.read_bytes() != content
    }
    if not changed:
        return ()
    stage = root / FOLDER / STAGE
    shutil.rmtree(stage, ignore_errors=True)
    try:
        entries = []
        for number, (path, content) in enumerate(changed.items()):
            write_bytes(stage / str(number), content)
            path.parent.mkdir(parents=True, exist_ok=True)
            entries.append([str(number), targets[path]])
        write_bytes(root / FOLDER / JOURNAL, json.dumps(entries).encode())
    except OSError:
        shutil.rmtree(stage, ignore_errors=True)
        raise
    complete(root)
    return tuple(changed)


def _inside(root: Path, path: Path) -> str:
    """Path below `root`, with slashes."""
    below = path.relative_to(root)
    if ".." in below.parts:
        raise ValueError(f"{path} leads out of {root}")
    return below.as_posix()


def complete(root: Path) -> None:
    """Move what a journal names into place; without a journal there is nothing to do."""
    journal = root / FOLDER / JOURNAL
    stage = root / FOLDER / STAGE
    if journal.exists():
        for name, target in _entries(journal):
            if (stage / name).exists():
                os.replace(stage / name, root / target)
        journal.unlink()
    shutil.rmtree(stage, ignore_errors=True)


def _entries(journal: Path) -> list[tuple[str, str]]:
    """Staged name and target of each file; none when the journal is damaged or leads elsewhere."""
    try:
        entries = [(name, target) for name, target in json.loads(journal.read_bytes())]
        inside = all(name.isdigit() and ".." not in PurePosixPath(target).parts
                     and not Path(target).is_absolute() for name, target in entries)
    except (ValueError, TypeError, AttributeError):
        return []
    return entries if inside else []


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Hold the lock of a review; a second build waits and says so."""
    from filelock import FileLock, Timeout

    folder = root / FOLDER
    folder.mkdir(exist_ok=True)
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print("Another build of this review is running; waiting for it.", file=sys.stderr)
        lock.acquire()
    try:
        complete(root)
        yield
    finally:
        lock.release()


def sha256(content: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(content).hexdigest()


def notebook_paths(root: Path) -> list[Path]:
    """Notebooks of a review, in order."""
    return sorted((root / "notebooks").glob("[!.]*.ipynb"))

EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first date a zip file can hold


def write_bytes(path: Path, content: bytes) -> bool:
    """Replace a file in one step; return whether its content changed.

    A reader sees the old file or the new one, never a part; equal content is left alone.
    """
    if path.exists() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    return True


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip of the named contents, in that order, with the same bytes on every run."""
    buffer = BytesIO()
    with ZipFile(buffer, "w") as target:
        for name, content in files.items():
            entry = ZipInfo(name, EARLIEST)
            entry.compress_type, entry.create_system = ZIP_DEFLATED, 3
            entry.external_attr = 0o644 << 16
            target.writestr(entry, content)
    return buffer.getvalue()
