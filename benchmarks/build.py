"""Time of a full build of this review against the floor, of a build with little to do, of imports.

The floor is what running notebooks costs by itself: as many kernels as there are notebooks, as many
at a time as there are cores, each importing pandas and matplotlib and drawing one empty figure.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
PARTS = ("data", "notebooks", "figures", "references.bib", "requirements.lock", "README.md")
EMPTY = "import pandas\nimport matplotlib.pyplot as plt\nplt.subplots()[0]"
BUILD = [sys.executable, "-m", "evidence.cli", "build"]
REPEATS = 3
GOALS = {"full": 3.0, "one": 0.25, "import": 0.3, "door": 1.5}  # of floor, full build, libraries
EDITED = {  # one cell of each table: row, column, new value; None puts a word behind the old one
    "outcomes": ("duebruun2024-pain-w12-itt", "effect", "-0.35"),
    "studies": ("khan2020", "duration_weeks", "14"),
    "harms": ("duebruun2024-any-adverse-event", "intervention_events", "40"),
    "biomarkers": ("zashin2020-esr", "follow_up", "43"),
    "claims": ("c04", "rationale", None),
    "certainty": ("response_fm", "why_inconsistency", None),
    "occupancy": ("rabiner2011", "occupancy_percent", "28"),
    "concentrations": ("k04", "value_nm", "39.1"),
    "guidelines": ("Medicines and Healthcare products Regulatory Agency (UK)", "position_on_ldn",
                   None),
    "answers": ("4", "patient", None),
    "pk": ("tmax_6beta_naltrexol", "value", "1.1"),
    "mechanism_edges": ("e04", "summary", None),
}
UNCHANGED = 1.0  # seconds


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def floor(notebooks: int) -> None:
    """Run that many notebooks that draw one empty figure each."""
    def run(_: int) -> None:
        cell = nbformat.v4.new_code_cell(EMPTY)
        book = nbformat.v4.new_notebook(cells=[cell])
        NotebookClient(book, kernel_name="python3", extra_arguments=["--log-level=ERROR"]).execute()

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(run, range(notebooks)))


def build(root: Path, *options: str) -> str:
    done = subprocess.run([*BUILD, *options, str(root)], check=True, capture_output=True, text=True)
    return done.stdout


def copied(folder: Path) -> Path:
    """A copy of this review to build in."""
    for name in PARTS:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    return folder


def import_time(modules: str) -> float:
    command = [sys.executable, "-c", f"import {modules}"]
    return seconds(lambda: subprocess.run(command, check=True))


def change(root: Path, table: str) -> None:
    """Change the cell of `EDITED` in the file of a table."""
    path = root / "data" / f"{table}.csv"
    name, column, new = EDITED[table]
    header, *rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8")))
    row = next(row for row in rows if row[0] == name)
    place = header.index(column)
    row[place] = row[place] + " again" if new is None else new
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    path.write_text(text.getvalue(), encoding="utf-8")


def edited(root: Path, table: str) -> float:
    """Seconds of the build after one cell of a table was changed."""
    change(root, table)
    return seconds(lambda: build(root))


def first_figure(root: Path) -> float:
    """Seconds from saving a changed table until `evidence watch` has written the first figure."""
    command = [sys.executable, "-u", "-m", "evidence.cli", "watch", str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        watching.stdout.readline()  # it watches
        path = root / "data" / "outcomes.csv"
        path.write_text(path.read_text(encoding="utf-8").replace(",-0.35,", ",-0.36,"), "utf-8")
        took = seconds(watching.stdout.readline)
        watching.terminate()
    return took


def in_turn(*runs: Callable[[], float], repeats: int) -> list[float]:
    """Medians of several runs that take turns, after one to warm up."""
    times = [[run() for run in runs] for _ in range(repeats + 1)][1:]
    return [statistics.median(column) for column in zip(*times, strict=True)]


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        root = copied(Path(name))
        notebooks = len(list((root / "notebooks").glob("*.ipynb")))
        full, least = in_turn(
            lambda: seconds(lambda: build(root, "--force")),
            lambda: seconds(lambda: floor(notebooks)), repeats=REPEATS,
        )
        nothing, = in_turn(lambda: seconds(lambda: build(root)), repeats=5)
        one = {table: edited(root, table) for table in EDITED}
        first = first_figure(root)
    ours, door, libraries = in_turn(
        lambda: import_time("evidence"), lambda: import_time("evidence.door"),
        lambda: import_time("pandas, matplotlib.pyplot"), repeats=7,
    )
    slow, quick = max(one, key=one.get), min(one, key=one.get)
    middle = statistics.median(one.values())
    rows = [
        ("full build", full, f"{full / least:.1f} times the floor (goal {GOALS['full']:.0f})"),
        (f"floor, {notebooks} kernels", least, ""),
        ("nothing changed", nothing, f"goal {UNCHANGED:.0f} s"),
        ("one cell changed", middle,
         f"{middle / full:.2f} of a full build in the median of {len(one)} tables (goal "
         f"{GOALS['one']}); {quick} {one[quick] / full:.2f}, {slow} {one[slow] / full:.2f}"),
        ("watch, first figure", first, "from saving to its files (goal 5 s)"),
        ("import evidence", ours,
         f"{ours / libraries:.2f} times pandas and matplotlib (goal {GOALS['import']})"),
        ("import evidence.door", door, f"{door / libraries:.2f} times them (goal {GOALS['door']})"),
    ]
    for what, took, words in rows:
        print(f"{what:22}{took:>8.2f} s  {words}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
