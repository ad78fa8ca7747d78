"""Builds after random changes of one cell, each compared with a full build to the byte.

``python benchmarks/cells.py 30 7`` changes thirty cells with the seed 7; the changes add up, as a
curator's do. A change that the checks refuse is taken back and not counted.
"""

from __future__ import annotations

import csv
import io
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from build import build, copied, seconds

SHOWN = ("figures", "notebooks", "data", "README.md")


def contents(root: Path) -> dict[str, bytes]:
    """Everything that a reader finds, by path."""
    paths = [path for name in SHOWN for path in (root / name, *(root / name).rglob("*"))]
    return {str(path.relative_to(root)): path.read_bytes() for path in paths if path.is_file()}


def other(cell: str, chance: random.Random) -> str:
    """A cell with a slip: another number, another word, or a blank too many."""
    try:
        value = float(cell)
    except ValueError:
        return chance.choice([f"{cell} again", cell.replace(" ", "  ", 1), f"{cell}s"])
    is_whole = value.is_integer() and chance.random() < 0.5
    return f"{value + 1:g}" if is_whole else f"{1.1 * value + 0.01:.3g}"


def change(path: Path, chance: random.Random) -> str:
    """Change one cell of a table; return what was done, nothing where the cell is empty."""
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
    if len(rows) < 2:
        return ""
    row, column = chance.randrange(1, len(rows)), chance.randrange(len(rows[0]))
    before = rows[row][column]
    rows[row][column] = after = other(before, chance) if before else ""
    if after == before:
        return ""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return f"{path.name}:{row + 1} {rows[0][column]}: {before[:30]} → {after[:30]}"


def main(count: int = 30, seed: int = 1) -> int:
    chance, done, wrong = random.Random(seed), 0, 0
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        changed, whole = copied(Path(one)), copied(Path(two))
        for root in (changed, whole):
            build(root, "--force")
        tables = sorted((changed / "data").glob("*.csv"))
        while done < count:
            path = chance.choice(tables)
            before = path.read_bytes()
            what = change(path, chance)
            try:
                took = seconds(lambda: build(changed)) if what else 0.0
            except subprocess.CalledProcessError:  # the checks refuse it
                what = ""
            if not what:
                path.write_bytes(before)
                continue
            shutil.copy(path, whole / "data" / path.name)
            full = seconds(lambda: build(whole, "--force"))
            here, there = contents(changed), contents(whole)
            differ = sorted(name for name in {*here, *there} if here.get(name) != there.get(name))
            done, wrong = done + 1, wrong + bool(differ)
            print(f"{done:3} {took / full:.2f} {what}", *differ, flush=True)
    print(f"{done - wrong} of {done} builds are as a full build makes them")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
