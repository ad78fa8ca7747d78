"""The rooms of the package: which there are, that each imports only from rooms below it, by its
face, and that a face offers what somebody outside uses."""

import ast
import importlib
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "evidence"
ROOMS = (  # bottom to top
    "fingerprint", "jupyter", "storage", "review", "wording", "pooling", "appraisal", "figures",
    "chapters", "door", "notebook", "publish", "project", "cli",
)


def _room(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


FILES = [
    path for path in sorted(PACKAGE.rglob("*.py"))
    if "starter" not in path.parts and path != PACKAGE / "__init__.py"
]


def _imported(path):
    """(line, room, module) of everything of the package that a file imports, wherever it does."""
    yield from _imports(path.read_text(encoding="utf-8"), path)


def _imports(source, path):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "evidence":
            modules = [f"evidence.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno} imports relatively"
            modules = [node.module]
        else:
            continue
        for module in modules:
            if module.startswith("evidence.") and module != "evidence.__version__":
                yield node.lineno, module.split(".")[1], module


def test_every_file_lives_in_a_room():
    assert {_room(path) for path in FILES} <= set(ROOMS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_from_rooms_below_it(path):
    own = ROOMS.index(_room(path))
    upward = [
        f"line {line}: {module}" for line, room, module in _imported(path)
        if room in ROOMS and ROOMS.index(room) > own
    ]
    assert upward == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_other_rooms_are_entered_by_their_face(path):
    room = _room(path)
    past = [
        f"line {line}: {module}" for line, other, module in _imported(path)
        if other != room and module.count(".") > 1 and other != "chapters"
    ]
    assert past == []


FACES = [room for room in ROOMS if (PACKAGE / room).is_dir()]
NOTEBOOKS = [*(ROOT / "notebooks").glob("*.ipynb"), *PACKAGE.glob("starter/notebooks/*.ipynb")]
OUTSIDE = [*PACKAGE.glob("starter/**/*.py"), *(ROOT / "benchmarks").glob("*.py")]


def _taken(source, own=""):
    """(room, name) of everything that Python code takes from faces of rooms but its own."""
    tree, rooms = ast.parse(source), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "evidence":
            rooms |= {alias.asname or alias.name: alias.name for alias in node.names
                      if alias.name in FACES and alias.name != own}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("evidence."):
            room, *deeper = node.module.split(".")[1:]
            if room in FACES and room != own and not deeper:
                yield from ((room, alias.name) for alias in node.names)
    for node in ast.walk(tree):  # from evidence import review; review.load_review()
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            face = f"evidence.{rooms.get(node.value.id)}"
            if face != "evidence.None" and node.attr in importlib.import_module(face).__all__:
                yield rooms[node.value.id], node.attr


def _cells():
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                yield path, cell.source


def test_notebooks_enter_rooms_by_their_face():
    past = [f"{path.name}: {module}" for path, source in _cells()
            for _, room, module in _imports(source, path)
            if room != "chapters" and module.count(".") > 1]
    assert past == []


@pytest.mark.parametrize("room", FACES)
def test_a_face_says_what_it_offers_and_all_of_it_is_there(room):
    face = importlib.import_module(f"evidence.{room}")
    assert face.__doc__ and face.__all__
    for name in face.__all__:
        assert getattr(face, name) is not None


def test_a_face_offers_what_is_used_outside_its_room_and_nothing_else():
    used = {name for _, source in _cells() for name in _taken(source)}
    for path in FILES:
        used |= set(_taken(path.read_text(encoding="utf-8"), _room(path)))
    for path in OUTSIDE:
        used |= set(_taken(path.read_text(encoding="utf-8")))
    for room in FACES:
        if room == "chapters":  # notebooks enter chapters one by one
            continue
        offered = set(importlib.import_module(f"evidence.{room}").__all__)
        taken = {name for where, name in used if where == room}
        assert offered == taken, f"{room}: {offered ^ taken}"
