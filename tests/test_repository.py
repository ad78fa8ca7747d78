"""Promises of the repository: commands, lock, topic-free package, README."""

import re
import subprocess
import tomllib
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
