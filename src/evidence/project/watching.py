"""Watching: when a table is saved, the figures that it touches come first, the rest follows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import evidence as ev
from evidence.figures import catalogue
from evidence.project.build import Built, as_made, build, draw, same_figure
from evidence.project.derived import POOLED, derived_texts
from evidence.project.freshness import (
    STATE,
    Made,
    decisive,
    inputs,
    is_fresh,
    known_outputs,
    last_run,
    record,
    stands,
)
from evidence.project.headlines import moved_headlines
from evidence.review import BIBLIOGRAPHY, ReviewError, find_root
from evidence.storage import alone, replace_all
from evidence.wording import Facts, answers

EVERY = 0.4  # seconds between two looks at the files
SETTLED = 0.2  # seconds in which nothing more is saved


def watch(
    root: Path | None = None, say: Callable[[str], object] = print, rounds: int | None = None
) -> None:
    """Build what a saved change touches, again and again, and say what moved.

    Figures that a changed table touches are drawn and written first, each as soon as it is there;
    numbers and sentences that moved are said with what they were; then the build does the rest.
    A review with problems is not built: the problems are said, and the next change is waited for.

    Parameters
    ----------
    root : Path, optional
        Folder of the review; the one around the current folder by default.
    say : callable
        Takes one line of what happens.
    rounds : int, optional
        How many changes to wait for; for ever by default.
    """
    folder = find_root(root)
    seen = _saved(folder)
    say(f"Watching {folder / 'data'} and {BIBLIOGRAPHY}; Ctrl-C ends it.")
    while rounds is None or rounds > 0:
        seen = _next_change(folder, seen)
        try:
            for line in _round(folder):
                say(line)
        except ReviewError as error:
            for problem in error.problems:
                say(str(problem))
            say("Nothing was built; mend it and save again.")
        rounds = None if rounds is None else rounds - 1


def _saved(root: Path) -> dict[Path, tuple[int, int]]:
    """Time and size of each file that a reader saves."""
    files = [*(root / "data").glob("*.csv"), *(root / "data").glob("*.json"), root / BIBLIOGRAPHY]
    found = {}
    for path in files:
        try:
            state = path.stat()
        except OSError:  # a program that saves may take it away for a moment
            continue
        found[path] = state.st_mtime_ns, state.st_size
    return found


def _next_change(root: Path, seen: dict) -> dict:
    """Wait until a file differs from what was seen, and nothing more is saved."""
    while (now := _saved(root)) == seen:
        time.sleep(EVERY)
    while True:
        time.sleep(SETTLED)
        if (later := _saved(root)) == now:
            return later
        now = later


def _round(root: Path) -> Iterator[str]:
    """One change: figures first, then what moved, then the rest."""
    review = ev.load(root)
    analyses = review.pools
    specs = catalogue.specs(review)
    with alone(root):
        before, now = last_run(root), inputs(root)
        made = dict(before)
        for name in (name for name in specs if not is_fresh(root, f"figure:{name}", now, before)):
            target = f"figure:{name}"
            last = stands(root, target, now, before)
            same = last and same_figure(review, name, decisive(target, now, last))
            outcome = same or draw(review, name)
            files = {root / path: content for path, content in outcome.files.items()}
            replace_all(root, files, known_outputs(root))
            made[target] = as_made(now, target, outcome, before)
            replace_all(root, {root / STATE: record(made)})
            if files:
                yield f"figures/{name}"
    new = derived_texts(analyses).get(POOLED, "")
    yield from (f"  {line}" for line in moved_headlines(root / POOLED, new))
    yield from _moved_sentences(before, made, answers.spoken(review, Facts(review, analyses)))
    yield from _rest(build(root))


def _moved_sentences(before: dict[str, Made], made: dict[str, Made], answer: list) -> Iterator[str]:
    """Sentences of the answer and messages of figures that differ, before and after."""
    was = before["rest"].facts.get("answer", []) if "rest" in before else []
    pairs = list(zip(was, answer, strict=False))
    pairs += [(before[name].facts.get("title", ""), target.facts.get("title", ""))
              for name, target in made.items() if name.startswith("figure:") and name in before]
    for old, new in pairs:
        if old != new:
            yield f"  was: {old}"
            yield f"  now: {new}"


def _rest(built: Built) -> Iterator[str]:
    count = len(built.changed)
    yield f"{count} {'file' if count == 1 else 'files'} changed; waiting for the next change."
