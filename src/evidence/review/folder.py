"""The folder of a review; nothing else is loaded to find it."""

from __future__ import annotations

from pathlib import Path

from evidence.review.problems import Problem, ReviewError

BIBLIOGRAPHY = "references.bib"


def find_root(start: Path | str | None = None) -> Path:
    """The folder of a review: `start` itself, else the one that holds the current folder.

    Raises
    ------
    ReviewError
        When `start` holds no ``data/``, or without `start` neither the current folder nor one
        above it holds ``references.bib`` and ``data/``.
    """
    if start is not None:
        folder = Path(start).resolve()
        if (folder / "data").is_dir():
            return folder
        raise _no_review(str(start))
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / BIBLIOGRAPHY).is_file() and (folder / "data").is_dir():
            return folder
    raise _no_review("this folder")


def _no_review(place: str) -> ReviewError:
    advice = f"name a folder with {BIBLIOGRAPHY} and data/"
    return ReviewError([Problem(place, None, "", "", "holds no review", advice)])
