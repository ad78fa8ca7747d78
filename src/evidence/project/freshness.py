"""What has to be made again: hashes of what each target was made from, and of what it made.

Only the standard library is used here, so that an unchanged review is recognised at once.
A target (a figure, a notebook, the deck) is fresh when the engine (package, the packages that it
needs, lock file, Python, references, data dictionary), its own source and the tables that it read
have the hashes of its last run, and its files are as it left them.

What a target looked at may be finer than a table: the value of a placeholder, a count, a pool, of a
figure everything that is drawn. Where only tables below such values have changed, the values are
computed, and the target is made again only if one of them came out different.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from evidence.review import forest_rows
from evidence.storage import OWN_FOLDER, digest, inside, notebook_paths, read_bytes, sha256

STATE = f"{OWN_FOLDER}/state.json"
MANIFEST = "figures/manifest.json"
DERIVED_RECORD = f"{OWN_FOLDER}/derived.json"  # hashes of the derived tables of the last build
PACKAGE = Path(__file__).parents[1]  # of the whole package, not of this room
DICTIONARY = "datapackage.json"
DECK = "deck:slides"


@dataclass(frozen=True, slots=True)
class Inputs:
    """Hashes of everything that a build reads.

    Attributes
    ----------
    engine : str
        Package, versions of the packages that it needs, lock file, Python version, references,
        data dictionary and the set of tables.
    tables : mapping of str to str
        By name of the table in the data dictionary; of a file that is not described there, by its
        own name without ending.
    sources : mapping of str to str
        Own source of each target: the row of figures.csv, the cells of the notebook.
    """

    engine: str
    tables: Mapping[str, str]
    sources: Mapping[str, str]

    @property
    def everything(self) -> str:
        """Hash of all inputs together."""
        parts = [self.engine, sorted(self.sources.items()), sorted(self.tables.items())]
        return sha256(json.dumps(parts).encode())

    def digest(self, target: str, read: Iterable[str] | None) -> str:
        """Hash of all that a target is made from; `read` None means every table."""
        names = sorted(self.tables if read is None else read)
        parts = [self.engine, self.sources[target], *(self.tables.get(name, "") for name in names)]
        return sha256("\n".join(parts).encode())


@dataclass(frozen=True, slots=True)
class Made:
    """What was made of one target in its last run.

    Attributes
    ----------
    digest : str
        Of its inputs.
    read : list of str or None
        Tables that it read; None when that is not known.
    outputs : mapping of str to str
        Hash of each file that it wrote, by path in the review.
    facts : mapping
        What the build needs of it without making it again.
    tables : list of str
        Those of `read` that it looked at as they stand; all others lie below `values`.
    values : mapping of str to (str, list of str)
        Fingerprint of each value that it looked at (of a figure, of all of it), and the tables of
        which that was made.
    hashes : mapping of str to str
        Of all these tables.
    engine : str
        As in `Inputs`; empty where it is not known what was looked at.
    apart : str
        As `digest`, without the tables below the values.
    """

    digest: str
    read: list[str] | None
    outputs: Mapping[str, str]
    facts: Mapping[str, Any] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)
    values: Mapping[str, tuple[str, list[str]]] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    engine: str = ""
    apart: str = ""


def inputs(root: Path) -> Inputs:
    """Hash what a build of the review at `root` would read."""
    data = root / "data"
    files = table_files(data)
    tables = {name: sha256(read_bytes(path)) for name, path in files.items()}
    engine = hashlib.sha256("\n".join([sys.version, *_versions()]).encode())
    others = [root / "requirements.lock", root / "references.bib", *sorted(data.glob("*.json"))]
    code = [p for p in sorted(PACKAGE.rglob("*")) if p.is_file() and p.suffix != ".pyc"]
    for path in [*others, *code]:
        if path.is_file():
            engine.update(path.name.encode() + sha256(read_bytes(path)).encode())
    engine.update("\n".join(tables).encode())
    rows = _figure_rows(files, is_default=not (data / DICTIONARY).exists())
    sources = {f"figure:{name}": text for name, text in rows.items()}
    if sources:
        sources[DECK] = ""
    for path in notebook_paths(root):
        sources[f"notebook:{path.stem}"] = sha256(_source(path))
    return Inputs(engine.hexdigest(), tables, sources)


def table_files(data: Path) -> dict[str, Path]:
    """Tables of the folder `data` by the names under which the build reads them."""
    own = data / DICTIONARY
    described = _described(PACKAGE / DICTIONARY) | _described(own)
    files = {name: data / path for name, path in described.items() if (data / path).is_file()}
    for path in data.glob("*.csv"):
        if path.is_file() and path not in files.values():
            files[path.name if path.stem in files else path.stem] = path
    return dict(sorted(files.items()))


def _described(dictionary: Path) -> dict[str, str]:
    """File of each table of a data dictionary; empty when it cannot be read."""
    try:
        resources = json.loads(dictionary.read_bytes())["resources"]
        return {str(item["name"]): str(item["path"]) for item in resources if "schema" in item}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _versions() -> list[str]:
    """Installed versions of the packages that this one declares to need."""
    try:
        declared = metadata.requires("evidence") or []
    except metadata.PackageNotFoundError:
        return []
    names = [re.split(r"[^\w.-]", text)[0] for text in declared if "extra ==" not in text]
    return [f"{name} {_version(name)}" for name in sorted(names)]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _figure_rows(files: Mapping[str, Path], is_default: bool) -> dict[str, str]:
    """Hash of the row of each figure; the forests that follow from analyses have rows of theirs."""
    rows = _rows(files.get("figures"))
    if is_default:
        rows += forest_rows(rows, _rows(files.get("analyses")))
    return {str(row.get("figure")): sha256(repr(row).encode()) for row in rows}


def _rows(path: Path | None) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))
    except (AttributeError, UnicodeDecodeError, csv.Error):
        return []


def _source(path: Path) -> bytes:
    """What is written in a notebook, without what running it adds."""
    content = read_bytes(path)
    try:
        cells = json.loads(content)["cells"]
        kept = [[cell["cell_type"], "".join(cell["source"]), cell["metadata"]] for cell in cells]
    except (ValueError, KeyError, TypeError, RecursionError):
        return content
    return json.dumps(kept, sort_keys=True).encode()


def last_run(root: Path) -> dict[str, Made]:
    """Targets of the last build; empty when there was none or its record is damaged."""
    try:
        record = json.loads((root / STATE).read_text(encoding="utf-8"))
        made = {name: Made(**made) for name, made in record.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}
    sound = all(isinstance(m.outputs, dict) and isinstance(m.facts, dict) for m in made.values())
    return made if sound else {}


def record(made: Mapping[str, Made]) -> bytes:
    """Text of the record of a build."""
    return json.dumps({name: asdict(m) for name, m in made.items()}, indent=1).encode() + b"\n"


def nothing_changed(root: Path) -> Made | None:
    """The record of the last build when every target would come out as it is, else None."""
    made = last_run(root)
    if "rest" not in made:
        return None
    now = inputs(root)
    targets = set(now.sources) == set(made) - {"rest"}
    rest = made["rest"]
    if targets and rest.digest == now.everything and all(
        is_fresh(root, name, now, made) for name in now.sources
    ) and _as_left(root, rest):
        return rest
    return None


def is_fresh(root: Path, target: str, now: Inputs, made: Mapping[str, Made]) -> bool:
    """Whether a target would come out as it is."""
    if target not in made or target not in now.sources:
        return False
    last = made[target]
    return last.digest == now.digest(target, last.read) and _as_left(root, last)


def stands(root: Path, target: str, now: Inputs, made: Mapping[str, Made]) -> Made | None:
    """The last run of a target, where the same engine made its files and they are as it left
    them."""
    last = made.get(target)
    return last if last and last.engine == now.engine and _as_left(root, last) else None


def decisive(target: str, now: Inputs, last: Made) -> Mapping[str, str]:
    """Fingerprints of the values that a changed table lies below: where they are the same now, a
    target whose files stand would come out as it is. None where it has to be made again anyway."""
    if last.apart != now.digest(target, last.tables):
        return {}
    changed = {name for name, known in last.hashes.items() if now.tables.get(name, "") != known}
    return {name: found for name, (found, below) in last.values.items()
            if not changed.isdisjoint(below)}


def _as_left(root: Path, made: Made) -> bool:
    places = {name: inside(root, str(name)) for name in made.outputs}
    return all(path is not None and digest(path) == made.outputs[name]
               for name, path in places.items())


def known_outputs(root: Path) -> dict[Path, set[str]]:
    """Hashes of what builds have written by place: those of the last build on this machine, and
    those that were committed with the figures. What has another hash is somebody's own work; only
    of tables that are computed, and were never written on this machine, nobody else is thought."""
    own = [made.outputs for made in last_run(root).values()]
    own.append(derived_hashes(root))
    committed = [_vouched(root, entry) for entry in _manifest(root)]
    known: dict[Path, set[str]] = {root / MANIFEST: {digest(root / MANIFEST) or ""}}
    for outputs in (*own, *committed):
        for name, known_hash in outputs.items():
            known.setdefault(root / str(name), set()).add(str(known_hash))
    for path in (root / "data" / "README.md", *root.glob("data/derived/*.csv")):
        known.setdefault(path, {digest(path) or ""})
    return known


def _vouched(root: Path, entry: Mapping[str, Any]) -> Mapping[str, str]:
    """Hashes of the files of a figure; a manifest from before 0.3 has none and names them only."""
    if "files_sha256" in entry:
        return entry["files_sha256"]
    name = entry.get("name")
    files = [*(f"figures/{name}.{kind}" for kind in ("png", "svg", "pdf")), "figures/slides.pptx"]
    return {file: digest(root / file) or "" for file in files}


def _manifest(root: Path) -> list[dict]:
    try:
        entries = json.loads(read_bytes(root / MANIFEST))
        return [e for e in entries if isinstance(e, dict)
                and isinstance(e.get("files_sha256", {}), dict)]  # fmt: skip
    except (OSError, ValueError, TypeError, RecursionError):
        return []


def derived_hashes(root: Path) -> dict[str, str]:
    """Hashes of the derived tables by file; none when their record is absent or damaged."""
    try:
        found = json.loads(read_bytes(root / DERIVED_RECORD))
        return {str(name): str(known) for name, known in found.items()}
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}
