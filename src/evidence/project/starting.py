"""Starting a review: a folder with a worked example that builds and tests at once."""

from __future__ import annotations

import csv
import html
import re
import shutil
from collections.abc import Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from io import StringIO
from pathlib import Path

from evidence.publish import dictionary_readme
from evidence.review import BIBLIOGRAPHY, Problem, ReviewError, default_dictionary
from evidence.storage import replace_all

PLACE = "TITLE"  # where the title goes in the texts of the starter
RENAMED = {  # packages leave files out that begin with a dot
    "gitattributes": ".gitattributes", "gitignore": ".gitignore",
}
NEEDED = ("studies", "outcomes", "analyses")
EXAMPLE = tuple(f"data/{name}.csv" for name in (*NEEDED, "answers", "figures"))
EXAMPLE_WORDS = re.compile(
    r"\*\*What is in here now is a worked example\*\*.*?(?=\n\n)", re.DOTALL)
EXAMPLE_STEP = re.compile(r"^\| 6 \|.*take the example away.*\n", re.MULTILINE)
LATER_STEP = re.compile(r"^\| ([78]) \|", re.MULTILINE)
IMPORTED_WORDS = (
    "**What is in here was imported**: every value is marked `secondary` and names the file and\n"
    "row that it came from, until somebody reads it in its source."
)
MARKDOWN = re.compile(r"([\\`*_\[\]|~#])")


def new_review(folder: Path, title: str) -> tuple[Path, ...]:
    """Write a review with a worked example.

    Parameters
    ----------
    folder : Path
        New, or an empty folder.
    title : str
        Title of the review; plain text.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    ReviewError
        When `folder` is a file or holds anything; then nothing is written.
    OSError
        When something cannot be written; then nothing is left behind.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        rule = "is not empty" if folder.is_dir() else "is a file"
        raise ReviewError([Problem(str(folder), None, "", "", rule,
                                   "name a new folder, or an empty one")])
    root = folder.resolve()
    was_there = root.exists()
    try:
        return replace_all(root, {root / name: text for name, text in _files(title).items()})
    except OSError:
        _clear(root, keep=was_there)
        raise


def plain_title(title: str) -> str:
    """The title on one line, without signs that cannot be printed."""
    return "".join(sign for sign in " ".join(title.split()) if sign.isprintable())


def _files(title: str) -> dict[str, bytes]:
    """Content of a new review by path; the data dictionary is the package's own."""
    files = {name: item.read_bytes() for name, item in _walk(resources.files("evidence"))}
    texts = {
        "README.md": files["README.md"].decode().replace(PLACE, _for_markdown(title), 1),
        "data/review.csv": _with_title(files["data/review.csv"].decode(), title),
        "data/README.md": dictionary_readme(default_dictionary()),
    }
    return files | {name: text.encode("utf-8") for name, text in texts.items()}


def skeleton(title: str, labels: Mapping[str, str]) -> dict[str, bytes]:
    """Content of a review without studies, by path: what `new_review` writes but for its example.

    Parameters
    ----------
    title : str
    labels : mapping
        ``intervention_label`` and ``control_label``, where they are known.
    """
    files = {name: text for name, text in _files(title).items()
             if name not in (BIBLIOGRAPHY, *EXAMPLE)}  # fmt: skip
    readme = files["README.md"].decode()
    readme = EXAMPLE_STEP.sub("", EXAMPLE_WORDS.sub(IMPORTED_WORDS, readme, count=1))
    readme = LATER_STEP.sub(lambda step: f"| {int(step[1]) - 1} |", readme)
    files["README.md"] = readme.replace("## What to replace", "## What to do next").encode()
    rows = list(csv.reader(StringIO(files["data/review.csv"].decode())))
    known = {"title": title} | labels
    files["data/review.csv"] = _csv(
        [rows[0], *([item, known.get(item, "")] for item, _ in rows[1:])])
    fields = default_dictionary().fields
    for name in NEEDED:
        needed = [column for column, field in fields(name).items()
                  if field.get("constraints", {}).get("required")]  # fmt: skip
        files[f"data/{name}.csv"] = _csv([needed])
    files[BIBLIOGRAPHY] = b"% One entry for each source.\n"
    return files


def _walk(package: Traversable) -> Iterator[tuple[str, Traversable]]:
    waiting = [("", package.joinpath("starter"))]
    while waiting:
        before, folder = waiting.pop()
        for item in folder.iterdir():
            if item.is_dir() and item.name != "__pycache__":
                waiting.append((f"{before}{item.name}/", item))
            elif item.is_file():
                yield before + RENAMED.get(item.name, item.name), item


def _with_title(text: str, title: str) -> str:
    rows = csv.reader(StringIO(text))
    return _csv([[title if cell == PLACE else cell for cell in row] for row in rows]).decode()


def _csv(rows: list[list[str]]) -> bytes:
    buffer = StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue().encode()


def _for_markdown(title: str) -> str:
    return MARKDOWN.sub(r"\\\1", html.escape(title, quote=False))


def _clear(root: Path, *, keep: bool) -> None:
    """Take away what was written into a folder that was empty or new."""
    for path in root.iterdir() if root.exists() else ():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    if not keep and root.exists():
        root.rmdir()
