"""Bringing other people's files into a review: read, add, check as a whole, then write."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evidence.pooling import run_analyses
from evidence.project.starting import skeleton
from evidence.review import (
    BIBLIOGRAPHY,
    Problem,
    Review,
    ReviewError,
    default_dictionary,
    find_root,
    importing,
    load_review,
)
from evidence.storage import read_bytes, replace_all


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    Attributes
    ----------
    root : Path
        Folder of the review.
    found, written, left : tuple of str
        Lines for the reader: what the files hold and how it was read, what was added, and what
        was left out or deserves a look.
    is_new : bool
        Whether the review was made.
    """

    root: Path
    found: tuple[str, ...]
    written: tuple[str, ...]
    left: tuple[str, ...]
    is_new: bool


def import_files(
    paths: Sequence[Path], folder: Path | None = None,
    options: importing.Options | None = None,
) -> Imported:
    """Add the references, results and judgements of files to a review.

    Parameters
    ----------
    paths : sequence of Path
        Files whose kind is seen from their content; see `evidence.review.importing`.
    folder : Path, optional
        Folder of the review, made when it is absent or empty; the one around the current folder
        by default.
    options : Options, optional
        What the files do not say themselves.

    Returns
    -------
    Imported

    Raises
    ------
    ReviewError
        With all that keeps the files from being read, or the review from being valid with them;
        then nothing is written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as place:
    ...     file = Path(place) / "counts.csv"
    ...     _ = file.write_text("study,ai,n1i,ci,n2i\\nAnn 2001,4,20,9,21\\nBo 2003,3,30,8,31\\n")
    ...     import_files([file], Path(place) / "review").found
    ('counts.csv: 2 results of 2 studies in 1 analysis, measure RR',)
    """
    files, problems = [], []
    if not paths:
        problems.append(Problem(str(folder), None, "", "", "is a folder, and no file stands before",
                                "name the files to import before it"))
    for path in paths:
        try:
            files.append((path.name, read_bytes(path)))
        except OSError as error:
            problems.append(Problem(str(path), None, "", "", error.strerror or str(error),
                                    "check the name of the file"))
    if problems:
        raise ReviewError(problems)
    root = _here() if folder is None else folder
    is_new = not root.exists() or (root.is_dir() and not any(root.iterdir()))
    review = None if is_new else load_review(root)
    dictionary = review.dictionary if review else default_dictionary()
    options = options or importing.Options()
    found = importing.read_files(files, options, dictionary.fields("outcomes"))
    existing = _existing(review)
    made = importing.additions(found, existing)
    texts = importing.new_texts(made, existing)
    base = skeleton(_title(paths), found.labels) if is_new else {}
    content = base | {_path(name): text.encode("utf-8") for name, text in texts.items()}
    if not texts:
        return Imported(root, found.kinds + found.notes, (), made.notes, False)
    where = _places(made, existing)
    _check(None if is_new else root, content, where)
    target = root.resolve()
    replace_all(target, {target / name: data for name, data in content.items()})
    return Imported(root, (*found.kinds, *found.notes), _written(made), made.notes, is_new)


def split_paths(paths: Sequence[Path]) -> tuple[list[Path], Path | None]:
    """Files, and the folder that stands behind them: one that is there, or one to be made."""
    last = paths[-1]
    is_folder = last.is_dir() or (not last.exists() and not last.suffix)
    return (list(paths[:-1]), last) if is_folder else (list(paths), None)


def _here() -> Path:
    """The review around the current folder, or that folder where it is empty."""
    try:
        return find_root(None)
    except ReviewError:
        here = Path.cwd()
        if any(here.iterdir()):
            raise
        return here


def _path(name: str) -> str:
    return name if name == BIBLIOGRAPHY else f"data/{name}.csv"


def _title(paths: Sequence[Path]) -> str:
    return f"Evidence imported from {paths[0].name}" if len(paths) == 1 else (
        f"Evidence imported from {len(paths)} files")


def _existing(review: Review | None) -> importing.Existing:
    if review is None:
        return importing.Existing()
    texts = {BIBLIOGRAPHY: (review.root / BIBLIOGRAPHY).read_text(encoding="utf-8-sig")}
    columns = {}
    for name, resource in review.dictionary.tables.items():
        path = review.root / "data" / resource["path"]
        if path.exists():
            texts[name] = path.read_text(encoding="utf-8-sig")
        if resource["schema"].get("fieldsMatch", "equal") in ("equal", "exact", "superset"):
            columns[name] = list(review.dictionary.fields(name))
    return importing.Existing(review.bibliography, texts, columns)


def _places(made: importing.Additions, existing: importing.Existing) -> dict[tuple[str, int], str]:
    """For the line of a table that a problem names, the cells that it was read from."""
    places = {}
    for table, rows in made.rows.items():
        first = len(existing.rows(table)) + 2
        for line, row in enumerate(rows, first):
            where = row.get("source_where") or row.get("source_note", "")
            places[_path(table), line] = where.removeprefix("Named in ")
    return places


def _check(root: Path | None, content: dict[str, bytes], where: dict) -> None:
    """Load and analyse the review as it would be, in a folder of its own."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / (root.resolve().name if root else "review")
        (copy / "data").mkdir(parents=True)
        if root:
            shutil.copy(root / BIBLIOGRAPHY, copy / BIBLIOGRAPHY)
            for path in (root / "data").iterdir():
                if path.is_file():
                    shutil.copy(path, copy / "data" / path.name)
        for name, data in content.items():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes(data)
        try:
            run_analyses(load_review(copy))
        except ReviewError as error:
            raise ReviewError(_placed(error.problems, where)) from None


def _placed(problems: Sequence[Problem], where: dict) -> list[Problem]:
    """Problems at the cells that were read, and what to do where a review asks for more."""
    found = []
    for problem in problems:
        source = where.get((problem.file, problem.row))
        found.append(replace(problem, file=source, row=None) if source else problem)
    if any(problem.rule == "must not be empty" for problem in found):
        found.append(Problem("data/datapackage.json", None, "", "",
                             "asks for columns that the file has not",
                             "add them to the file under these names, or import into a new folder"))
    return found


def _written(made: importing.Additions) -> tuple[str, ...]:
    lines = [f"{BIBLIOGRAPHY}: {len(made.entries)} entries"] if made.entries else []
    lines += [f"data/{table}.csv: {len(rows)} {'row' if len(rows) == 1 else 'rows'}"
              for table, rows in made.rows.items()]  # fmt: skip
    return tuple(lines)
