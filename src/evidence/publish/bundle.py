"""A few figures to take along: in the formats, style and resolution asked for, loose or zipped."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import evidence.chapters  # noqa: F401  (registers its figures and facts)
from evidence.figures import Figure, catalogue, images
from evidence.publish.slides.deck import figure_deck
from evidence.review import Problem, Review, ReviewError
from evidence.storage import OWN_FOLDER, Written, read_bytes, set_aside, sha256, write_bytes, zipped

FORMATS = (*images.FORMATS, "pptx")
EXPORTED = f"{OWN_FOLDER}/exported.json"
DECK, ARCHIVE, README = "slides.pptx", "figures.zip", "README.txt"
COLOUR = re.compile(r"\b(blue|orange|green|pink|red|vermilion|amber|brown|yellow)\b", re.IGNORECASE)
GREYS = "Colours named here are those of the slide; in print they are greys."


def bundle(
    review: Review, analyses: Mapping[str, Any], names: Sequence[str], formats: Iterable[str],
    style: str = "slide", dpi: int = 300, *, width: int = 170, transparent: bool = False,
    with_tables: bool = False, with_readme: bool = False,
) -> dict[str, bytes]:  # fmt: skip
    """Files of some figures by name.

    Parameters
    ----------
    review : Review
    analyses : mapping
        Results of `evidence.pooling.analyses.run_analyses`.
    names : sequence of str
        Figures of data/figures.csv; none for all of them.
    formats : iterable of str
        Among `FORMATS`; pptx gives one file with a slide for each figure, whatever the style.
    style : str
        Among `evidence.figures.page.STYLES`; print adds each figure's legend as text.
    dpi : int
        Dots per inch of PNG files.
    width : int
        Millimetres in print, 170 or 85.
    transparent : bool
        Whether the ground of pictures is left out.
    with_tables : bool
        Whether the summary tables follow the figures in the file of slides.
    with_readme : bool
        Whether a text has a line for each figure: files, message, what is plotted, method.

    Raises
    ------
    ReviewError
        When a name is not that of a figure, or a figure is too crowded for its width.
    """
    built = _built(review, analyses, names)
    pictures = [kind for kind in dict.fromkeys(formats) if kind != "pptx"]
    files: dict[str, bytes] = {}
    told = []
    for figure in built:
        before = set(files)
        for kind, content in images.render(
            figure, pictures, style, dpi, width=width, transparent=transparent,
        ).items():  # fmt: skip
            files[f"{figure.name}.{kind}"] = content
        if pictures and style == "print":
            files[f"{figure.name}_legend.txt"] = legend(review, figure).encode("utf-8")
        told.append(_line(figure, [name for name in files if name not in before]))
    if "pptx" in formats:
        shown = [figure for figure in built if names or not figure.table.empty]
        files[DECK] = figure_deck(review, analyses, shown, with_tables=with_tables)
    if with_readme:
        about = [review.item("title", review.root.name), review.item("data_date")]
        head = ", data of ".join(part for part in about if part)
        files[README] = "\n".join([f"{head}.", *told, ""]).encode("utf-8")
    return files


def _line(figure: Figure, names: Iterable[str]) -> str:
    """A figure in one line: its files, what it says, what is plotted, how the numbers were made."""
    said = [part for part in (figure.title, figure.subtitle, figure.method) if part]
    return f"{', '.join(names) or DECK}: " + " ".join(f"{part.rstrip('.')}." for part in said)


def _built(review: Review, analyses: Mapping[str, Any], names: Sequence[str]) -> list[Figure]:
    chosen = dict.fromkeys(names) or catalogue.specs(review)
    return [catalogue.build(review, analyses, name) for name in chosen]


def legend(review: Review, figure: Figure) -> str:
    """What a journal sets below a figure: message, what is shown, caption, method, sources."""
    said = f"{figure.title.rstrip('.')}. {figure.subtitle.rstrip('.')}. {figure.caption}"
    greys = f" {GREYS}" if COLOUR.search(said) else ""
    parts = [f"{said}{greys} {figure.method.rstrip('.')}."]
    if review.item("data_date"):
        parts.append(f"Data of {review.item('data_date')}.")
    listed = review.bibliography.listing(figure.sources)
    if listed:
        parts.append("Sources:\n" + "\n".join(f"{item.vancouver} {item.link}".strip()
                                              for item in listed))  # fmt: skip
    return "\n\n".join(parts) + "\n"


def save_files(
    files: Mapping[str, bytes], folder: Path, as_zip: bool = False, root: Path | None = None
) -> Written:
    """Write the files into a folder, or all of them into one zip there.

    A file in their place that no export of the review at `root` has written is kept beside them.

    Returns
    -------
    Written
        The paths of the files.

    Raises
    ------
    ReviewError
        When `folder` is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise ReviewError([Problem(str(folder), None, "", "", "is a file", "name a folder")])
    if as_zip:
        files = {ARCHIVE: zipped(files)}
    paths = {folder / name: content for name, content in files.items()}
    known = _exported(root)
    kept = []
    for path, content in paths.items():
        place = set_aside(path, content, known.get(str(path.resolve()), ""))
        kept += [(path, place)] if place else []
        write_bytes(path, content)
    if root is not None:
        known |= {str(path.resolve()): sha256(content) for path, content in paths.items()}
        with suppress(OSError):  # of a review that can only be read
            write_bytes(root / EXPORTED, json.dumps(known, indent=1).encode())
    return Written(paths, kept)


def _exported(root: Path | None) -> dict[str, str]:
    """Hash of each file that exports of a review have written, by place."""
    try:
        found = json.loads(read_bytes(root / EXPORTED)) if root else {}
        return {str(place): str(known) for place, known in found.items()}
    except (OSError, ValueError, AttributeError):
        return {}
