"""The README of a data folder, written from its data dictionary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evidence.review import Dictionary, names

TYPES = {"string": "text", "number": "number", "integer": "whole number", "boolean": "true/false"}
BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "above {}",
    "exclusiveMaximum": "below {}",
}
FROM_OWN = "Written from datapackage.json by `evidence build`: change that file."
FROM_DEFAULT = ("Written by `evidence build` from the dictionary of the package evidence: every "
                "table that a review may have. Those that it does not need may be absent.")
HEADINGS = ("column", "title", "meaning", "type", "unit", "vocabulary", "rules")


def dictionary_readme(dictionary: Dictionary) -> str:
    """Markdown that explains every table and column of a review.

    Parameters
    ----------
    dictionary : Dictionary

    Returns
    -------
    str
        The text of ``data/README.md``, the same for the same dictionary.
    """
    package = dictionary.descriptor
    lines = [
        "# Data dictionary",
        "",
        f"<!-- {FROM_DEFAULT if dictionary.is_default else FROM_OWN} -->",
        "",
        f"**{package.get('title', 'Evidence review')}.** {package.get('description', '')}".rstrip(),
        "",
    ]
    for paragraph in package.get("conventions", []):
        lines.append(f"- {paragraph}")
    lines += ["", "## Tables", "", "| file | what it holds | one row is | key |"]
    lines.append("| --- | --- | --- | --- |")
    for name, table in dictionary.tables.items():
        key = ", ".join(f"`{column}`" for column in dictionary.primary_key(name)) or "none"
        file = f"[`{table['path']}`](#{_anchor(table['path'])})"
        lines.append(_line(file, table.get("title", name), table.get("row", ""), key))
    for name, document in dictionary.documents.items():
        file = f"[`{document['path']}`](#{_anchor(document['path'])})"
        lines.append(_line(file, document.get("title", name), document.get("row", ""), "none"))
    if "provenance" in package:
        lines += ["", "## Where a value comes from (`verification`)", "", "| level | meaning |"]
        lines.append("| --- | --- |")
        lines += [_line(f"`{level}`", text) for level, text in package["provenance"].items()]
    for heading, part in (("Warnings", "warnings"), ("Known gaps", "gaps")):
        if package.get(part):
            lines += ["", f"## {heading}", "", *(f"- {text}" for text in package[part])]
    for name in dictionary.tables:
        lines += ["", *_table(dictionary, name)]
    for document in dictionary.documents.values():
        lines += ["", *_document(document)]
    return "\n".join(lines) + "\n"


def is_dictionary_readme(path: Path) -> bool:
    """Whether a file is absent or was written by `readme` from the package's own dictionary."""
    return not path.exists() or FROM_DEFAULT in path.read_text(encoding="utf-8", errors="replace")


def _table(dictionary: Dictionary, name: str) -> Iterator[str]:
    table = dictionary.tables[name]
    yield f"## `{table['path']}`"
    yield ""
    key = ", ".join(f"`{column}`" for column in dictionary.primary_key(name))
    parts = [
        f"**{table.get('title', name)}.**",
        _sentence(table.get("description", "")),
        _sentence(f"One row is {table['row']}") if table.get("row") else "",
        f"Key: {key}." if key else "No key.",
        "Every review needs this table." if table.get("required") else "",
    ]
    yield " ".join(part for part in parts if part)
    for text in table.get("warnings", []):
        yield ""
        yield f"> {text}"
    yield ""
    yield _line(*HEADINGS)
    yield _line(*["---"] * len(HEADINGS))
    links = _links(table)
    for column, field in dictionary.fields(name).items():
        limits = field.get("constraints", {})
        yield _line(
            f"`{column}`", field.get("title", ""), field.get("description", ""),
            TYPES.get(field["type"], field["type"]), field.get("unit", ""),
            ", ".join(f"`{value}`" for value in limits.get("enum", [])),
            "; ".join(_rules(field, limits, links.get(column, ""))),
        )  # fmt: skip


def _links(table: Mapping[str, Any]) -> dict[str, str]:
    """By column, the place that a foreign key points to."""
    links = {}
    for key in table["schema"].get("foreignKeys", []):
        other = key["reference"].get("resource") or table["name"]
        for column, target in zip(
            names(key["fields"]), names(key["reference"]["fields"]), strict=True
        ):
            links[column] = f"`{other}.{target}`"
    return links


def _rules(field: Mapping[str, Any], limits: Mapping[str, Any], link: str) -> Iterator[str]:
    if limits.get("required"):
        yield "never empty"
    if limits.get("unique"):
        yield "never twice"
    for name, words in BOUNDS.items():
        if name in limits:
            yield words.format(limits[name])
    if field.get("list"):
        yield "list, semicolons between"
    targets = [link] if link else [f"`{target}`" for target in names(field.get("refersTo"))]
    if targets:
        yield f"stands in {' or '.join(targets)}"
    if "emptyMeans" in field:
        yield f"empty = {field['emptyMeans']}"


def _document(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"## `{document['path']}`"
    yield ""
    title, text = document.get("title", document["name"]), document.get("description", "")
    row = _sentence(f"One entry is {document['row']}") if document.get("row") else ""
    yield " ".join(part for part in (f"**{title}.**", _sentence(text), row) if part)
    if document.get("properties"):
        yield ""
        yield _line("property", "meaning")
        yield _line("---", "---")
        for item in document["properties"]:
            yield _line(f"`{item['name']}`", item["description"])


def _sentence(text: str) -> str:
    return text if not text or text[-1] in ".?!" else f"{text}."


def _line(*cells: str) -> str:
    shown = (" ".join(str(cell).split()).replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(shown)} |"


def _anchor(path: str) -> str:
    """The anchor that GitHub gives to the heading of a file."""
    return "".join(c for c in path.lower() if c.isalnum() or c in "-_")
