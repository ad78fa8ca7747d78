"""Where a review lies."""

from __future__ import annotations

from pathlib import Path

from evidence.problems import Problem, ReviewError

BIBLIOGRAPHY = "references.bib"


def find_root(start: Path | str | None = None) -> Path:
    """The folder of the review that holds `start` (the current folder by default).

    Raises
    ------
    ReviewError
        When neither `start` nor a folder above it holds ``references.bib`` and ``data/``.
    """
    begin = Path(start or ".").resolve()
    for folder in (begin, *begin.parents):
        if (folder / BIBLIOGRAPHY).is_file() and (folder / "data").is_dir():
            return folder
    raise ReviewError(
        [Problem(str(start or "this folder"), None, "", "", "holds no review",
                 f"name a folder with {BIBLIOGRAPHY} and data/")]
    )
