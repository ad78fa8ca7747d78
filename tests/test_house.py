"""The rooms of the package: which there are, and that each imports only from rooms below it."""

import ast
import importlib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "evidence"
ROOMS = (  # bottom to top
    "storage", "review", "wording", "pooling", "appraisal", "figures", "chapters", "door",
    "notebook", "publish", "project", "cli",
)


def _room(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


FILES = [
    path for path in sorted(PACKAGE.rglob("*.py"))
    if "starter" not in path.parts and path != PACKAGE / "__init__.py"
]


def _imported(path):
    """(line, room, module) of everything of the package that a file imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
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


@pytest.mark.parametrize("room", [room for room in ROOMS if (PACKAGE / room).is_dir()])
def test_a_face_says_what_it_offers_and_all_of_it_is_there(room):
    face = importlib.import_module(f"evidence.{room}")
    assert face.__doc__ and face.__all__
    for name in face.__all__:
        assert getattr(face, name) is not None
