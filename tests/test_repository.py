"""Promises of the repository: commands, lock, topic-free package, README."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_package_knows_nothing_about_the_topic():
    topic = re.compile(r"\b(?:naltrexone|ldn|fibromyalgia)\b", re.IGNORECASE)
    for path in (ROOT / "src").rglob("*"):
        if path.suffix in (".py", ".json", ".mplstyle"):
            assert not topic.search(path.read_text(encoding="utf-8")), path


def test_every_direct_dependency_is_locked_with_hashes_and_no_index_is_named():
    project = tomllib.loads(read("pyproject.toml"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    lock = read("requirements.lock")
    for requirement in wanted:
        name = re.match(r"[A-Za-z0-9_-]+", requirement)[0].lower()
        assert re.search(rf"^{name}==", lock, re.MULTILINE), name
    for block in re.split(r"\n(?=[a-z])", lock.strip()):
        assert "--hash=sha256:" in block, block.splitlines()[0]
    assert "index-url" not in lock and "://" not in lock


def test_every_direct_dependency_has_its_reason():
    text = read("pyproject.toml")
    listed = re.findall(r'^  "[A-Za-z][\w-]*[<>=].*$', text, re.MULTILINE)
    assert listed and all("# " in line for line in listed)


def bare(requirement):
    """Name of a distribution as an index compares it."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


def imported(folder):
    """Modules that a folder imports, but for the standard library, its own and the starter's."""
    own = {path.stem for path in (ROOT / "tests").glob("*.py")} | {"evidence"}
    found = set()
    for path in (ROOT / folder).rglob("*.py"):
        if "starter" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(node.module.partition(".")[0])
    return found - own - set(sys.stdlib_module_names)


def test_what_is_imported_is_declared():
    project = tomllib.loads(read("pyproject.toml"))["project"]
    needed = {bare(text) for text in project["dependencies"]}
    offers = packages_distributions()
    for folder, declared in (
        ("src", needed),
        ("tests", needed | {bare(text) for text in project["optional-dependencies"]["test"]}),
    ):
        for module in imported(folder):
            assert {bare(name) for name in offers[module]} & declared, f"{folder} imports {module}"


def test_the_lowest_versions_are_those_that_the_code_needs():
    wanted = tomllib.loads(read("pyproject.toml"))["project"]["dependencies"]
    assert {"pandas>=3", "matplotlib>=3.11"} <= set(wanted)


def test_make_help_lists_the_commands():
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("review", "test", "lab", "lock", "clean"):
        assert re.search(rf"^{target}\s+\S", shown.stdout, re.MULTILINE)


def test_ci_runs_the_test_command_of_the_readme():
    assert "make test" in read(".ci/run") and "make test" in read("README.md")


def test_links_of_the_readme_lead_somewhere():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", read("README.md")):
        assert (ROOT / target).exists(), target


def test_conda_takes_python_from_conda_and_the_rest_from_the_lock():
    text = read("environment.yml")
    assert "conda-forge" in text and "-r requirements.lock" in text
