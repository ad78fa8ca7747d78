"""Files and output sets: written whole or not at all, one build at a time, nobody's work lost.

New content is staged beside the review, a journal names where each file goes, and only then are
the files moved into place. A build that was killed leaves either the old files, or a journal that
the next run completes; a move that fails is taken back, journal and all.

A file is replaced when its hash is one that a build has written, or that of what the build has
read. Any other file is somebody's: a result is put beside the new one under a name of its own
(``slides.mine.pptx``), a source such as a notebook stays where it is.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import stat
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path, PurePosixPath
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

OWN_FOLDER = ".evidence"
JOURNAL = "journal.json"
STAGE = "staged"
MINE = "mine"
EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first date a zip file can hold
LARGEST = 2**30  # bytes of a file that a review may read


class Written(tuple[Path, ...]):
    """Files that were written: those whose content changed.

    Attributes
    ----------
    kept : tuple of (Path, Path)
        Files that somebody else had made or changed, each with the place where it is kept: a name
        beside the new file, or its own where the new content was left out.
    """

    kept: tuple[tuple[Path, Path], ...]

    def __new__(cls, paths: Iterable[Path] = (), kept: Iterable[tuple[Path, Path]] = ()):
        written = super().__new__(cls, paths)
        written.kept = tuple(kept)
        return written

    def sentences(self, root: Path) -> list[str]:
        """What became of the files of somebody else, one line each."""
        return [
            f"{_shown(root, path)} was changed meanwhile and is kept as it is; build again"
            if path == place else
            f"{_shown(root, path)} was not as the last build left it; it is kept as {place.name}"
            for path, place in self.kept
        ]  # fmt: skip


def _shown(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def sha256(content: bytes) -> str:
    """Hexadecimal SHA-256 of a content, the same for either kind of line ends."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def read_bytes(path: Path, largest: int = LARGEST) -> bytes:
    """Content of a file of bounded size.

    Raises
    ------
    OSError
        When it is no ordinary file (a pipe or a device has no end) or larger than `largest`.
    """
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "is no ordinary file", str(path))
    with path.open("rb") as file:
        content = file.read(largest + 1) if found.st_size <= largest else None
    if content is None or len(content) > largest:
        raise OSError(errno.EFBIG, f"is larger than {largest >> 20} MB", str(path))
    return content


def digest(path: Path) -> str | None:
    """`sha256` of a file; None where there is no ordinary file."""
    try:
        return sha256(read_bytes(path))
    except OSError:
        return None


def write_bytes(path: Path, content: bytes) -> bool:
    """Replace a file in one step; return whether its content changed.

    A reader sees the old file or the new one, never a part; equal content is left alone. The mode
    of the old file stays, a new one has what the umask allows, and a link stays a link.
    """
    path = Path(os.path.realpath(path))
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name[:200]}.{os.getpid()}")
    try:
        temporary.unlink(missing_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL
                         | getattr(os, "O_BINARY", 0), 0o666)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            os.chmod(temporary, stat.S_IMODE(path.stat().st_mode))
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    return True


def notebook_paths(root: Path) -> list[Path]:
    """Notebooks of a review, in order."""
    return sorted((root / "notebooks").glob("[!.]*.ipynb"))


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


def inside(root: Path, name: str) -> Path | None:
    """The file that a record calls `name`; None where that leads out of the review."""
    pure = PurePosixPath(name)
    if not name or pure.is_absolute() or ".." in pure.parts or Path(name).is_absolute():
        return None
    path = root / name
    return path if path.parent.resolve().is_relative_to(root.resolve()) else None


def remove(root: Path, outputs: Mapping[str, str]) -> None:
    """Delete files by name and hash, unless somebody has changed them or they lie elsewhere."""
    for name, known in outputs.items():
        path = inside(root, str(name))
        if path is not None and not path.is_symlink() and digest(path) == known:
            path.unlink()


def replace_all(
    root: Path, files: Mapping[Path, bytes], known: Mapping[Path, Collection[str]] | None = None,
    sources: Mapping[Path, str | None] | None = None,
) -> Written:
    """Write several files so that a reader never finds a mixture for long, and never a part.

    Parameters
    ----------
    root : Path
        Folder of the review; every path of `files` lies below it.
    files : mapping of Path to bytes
    known : mapping of Path to hashes, optional
        What builds have written under each path; a file with any other hash is kept beside the new
        one. Without it every file is taken to be ours.
    sources : mapping of Path to hash, optional
        Hash of what was read of files that people write and builds complete (notebooks, README);
        one that has changed since stays as it is. None: there was no such file.

    Returns
    -------
    Written
        The files whose content changed; files with equal content are left alone.

    Raises
    ------
    OSError
        When something cannot be written, with the file that could not; then no file has changed.
    ValueError
        When a path leads out of `root`; then no file has changed.
    """
    targets = {path: _inside(root, path) for path in files}
    sources = sources or {}
    entries: list[list[str | None]] = []
    staged: dict[str, bytes] = {}
    kept: list[tuple[Path, Path]] = []
    changed: list[Path] = []
    for path, content in files.items():
        now = _now(path)
        if now == sha256(content):
            continue
        if path in sources and now != sources[path]:
            kept.append((path, path))
            continue
        beside = ""
        if (path not in sources and known is not None and now is not None
                and now not in known.get(path, ())):
            beside = _beside(path)
            kept.append((path, path.with_name(beside)))
        name = str(len(staged))
        staged[name] = content
        entries.append([name, targets[path], now, beside])
        changed.append(path)
    if not changed:
        return Written((), kept)
    stage = root / OWN_FOLDER / STAGE
    shutil.rmtree(stage, ignore_errors=True)
    try:
        for name, content in staged.items():
            write_bytes(stage / name, content)
        for path in changed:
            path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(root / OWN_FOLDER / JOURNAL, json.dumps(entries).encode())
    except OSError:
        shutil.rmtree(stage, ignore_errors=True)
        raise
    complete(root)
    return Written(changed, kept)


def _now(path: Path) -> str | None:
    """Hash of a file that is to be replaced; None where there is none.

    Raises
    ------
    OSError
        When something else stands in its place.
    """
    return sha256(read_bytes(path)) if os.path.lexists(path) and path.exists() else None


def set_aside(path: Path, content: bytes, known: str) -> Path | None:
    """Keep what stands where `content` is to be written, unless it has the hash `known` or is
    equal; return its new place, None where nothing was in the way."""
    now = _now(path)
    if now is None or now in (known, sha256(content)):
        return None
    place = path.with_name(_beside(path))
    os.rename(path, place)
    return place


def _beside(path: Path) -> str:
    """A free name beside `path` that says whose file it is: ``slides.mine.pptx``."""
    for number in range(1, 10_000):
        name = f"{path.stem}.{MINE}{'' if number == 1 else f'-{number}'}{path.suffix}"
        if not os.path.lexists(path.with_name(name)):
            return name
    raise OSError(errno.EEXIST, "has too many copies beside it", str(path))


def _inside(root: Path, path: Path) -> str:
    """Path below `root`, with slashes."""
    below = path.relative_to(root)
    if ".." in below.parts:
        raise ValueError(f"{path} leads out of {root}")
    return below.as_posix()


def complete(root: Path) -> list[Path]:
    """Move what a journal names into place; without a journal there is nothing to do.

    A file that has changed since the journal was written is somebody's and stays.

    Returns
    -------
    list of Path
        Files that stayed.

    Raises
    ------
    OSError
        When a file cannot be moved, with its place; then those moved before are put back, and the
        journal is taken back.
    """
    journal, stage = root / OWN_FOLDER / JOURNAL, root / OWN_FOLDER / STAGE
    stayed: list[Path] = []
    if journal.exists():
        done: list[tuple[Path, bytes | None, Path | None]] = []
        try:
            for name, target, before, beside in _entries(journal):
                path = inside(root, target)
                if path is None or not (stage / name).is_file():
                    continue
                now = digest(path)
                if now == sha256((stage / name).read_bytes()):
                    continue
                if now != before and now is not None:
                    stayed.append(path)
                    continue
                try:
                    done.append(_move(stage / name, path, beside))
                except OSError as error:
                    raise OSError(error.errno, error.strerror, str(path)) from error
        except OSError:
            _take_back(done)
            journal.unlink(missing_ok=True)
            shutil.rmtree(stage, ignore_errors=True)
            raise
        journal.unlink()
    shutil.rmtree(stage, ignore_errors=True)
    return stayed


def _move(staged: Path, path: Path, beside: str) -> tuple[Path, bytes | None, Path | None]:
    """Put a staged file in its place; return what is needed to take that back."""
    kept = path.with_name(beside) if beside else None
    if kept is not None and os.path.lexists(path):
        os.rename(path, kept)
    old = path.read_bytes() if path.exists() else None
    try:
        write_bytes(path, staged.read_bytes())
    except OSError:
        if kept is not None and os.path.lexists(kept):
            os.rename(kept, path)
        raise
    return path, old, kept


def _take_back(done: Iterable[tuple[Path, bytes | None, Path | None]]) -> None:
    for path, old, kept in done:
        with contextlib.suppress(OSError):
            if kept is not None:
                os.replace(kept, path)
            elif old is None:
                path.unlink()
            else:
                write_bytes(path, old)


def _entries(journal: Path) -> list[tuple[str, str, str | None, str]]:
    """Staged name, target, hash before and name beside of each file; none when it is damaged."""
    try:
        entries = [(name, target, before, beside)
                   for name, target, before, beside in json.loads(journal.read_bytes())]
        sound = all(name.isdigit() and "/" not in beside and "\\" not in beside
                    and isinstance(target, str) for name, target, _, beside in entries)
    except (ValueError, TypeError, AttributeError):
        return []
    return entries if sound else []


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Hold the lock of a review; a second build waits and says so."""
    from filelock import FileLock, Timeout

    folder = root / OWN_FOLDER
    folder.mkdir(exist_ok=True)
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print("Another build of this review is running; waiting for it.", file=sys.stderr)
        lock.acquire()
    try:
        for path in complete(root):
            print(f"{_shown(root, path)} has changed since the build that was stopped; it is kept "
                  "as it is.", file=sys.stderr)
        yield
    finally:
        lock.release()
