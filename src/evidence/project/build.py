"""The whole review at once: check, analyse, run the notebooks, export the figures."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

import evidence as ev
import evidence.chapters
from evidence.figures import Figure, images
from evidence.pooling import in_brief, left_out, pooled_row_remarks, run_analyses
from evidence.project.derived import POOLED, derived_texts
from evidence.project.freshness import (
    DECK,
    MANIFEST,
    STATE,
    Inputs,
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
from evidence.project.processes import begin, context
from evidence.project.runner import Kernels, run
from evidence.project.seen import Seen, known_by, opened, seen, unchanged, whole
from evidence.publish import deck, dictionary_readme, is_dictionary_readme, talk_plan
from evidence.review import Problem, Review, ReviewError, find_root, load_review
from evidence.storage import (
    alone,
    digest,
    notebook_paths,
    read_bytes,
    remove,
    replace_all,
    sha256,
)
from evidence.wording import Facts, answers

DATA_README, README = "data/README.md", "README.md"
KINDS = ("deck", "notebook", "figure")  # of targets; the slow ones begin first
PLAN = "plan"  # of what is kept of the slides: fingerprint of what they were made of
STOP_EVERY = 0.2  # seconds between two looks at what is still running after Ctrl-C


@dataclass(frozen=True, slots=True)
class Built:
    """What a build did.

    Attributes
    ----------
    root : Path
    title : str
        Title of the review.
    answer : tuple of str
        The answer for the first audience, without citations.
    moved : tuple of str
        Headline numbers that differ from those of the last build.
    ran : tuple of str
        Targets that were made again.
    changed : tuple of Path
        Files whose content changed.
    figures : int
        Figures of the review.
    remarks : tuple of str
        Doubts about rows that are pooled.
    left_out : tuple of str
        Rows that left a pool, and analyses that pool nothing.
    kept : tuple of str
        What became of files that somebody else had made or changed.
    """

    root: Path
    title: str
    answer: tuple[str, ...]
    moved: tuple[str, ...]
    ran: tuple[str, ...]
    changed: tuple[Path, ...]
    figures: int
    remarks: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def build(root: Path | None = None, *, force: bool = False, jobs: int | None = None) -> Built:
    """Check, analyse, run the notebooks and export the figures that are not fresh.

    Nothing is written before everything has succeeded.

    Parameters
    ----------
    root : Path, optional
        Folder of the review; the one around the current folder by default.
    force : bool
        Make every target again.
    jobs : int, optional
        Targets made side by side; by default one more than there are cores, since a kernel that
        begins or ends leaves its core idle for a while.

    Raises
    ------
    ReviewError
        With every problem of tables, references, figures or notebooks.
    """
    folder = find_root(root)
    with alone(folder):
        return _build(folder, force, jobs or (os.cpu_count() or 1) + 1)


def _build(root: Path, force: bool, jobs: int) -> Built:
    review = load_review(root)
    analyses = run_analyses(review)
    now, before = inputs(root), last_run(root)
    last = {} if force else before
    stale = [name for name in now.sources if not is_fresh(root, name, now, last)]
    files: dict[str, bytes] = {}
    made = {name: last[name] for name in now.sources if name not in stale}
    answers.updated_readme(root / README, "", review)  # what is wrong with it is said at once
    sources: dict[Path, str | None] = {}
    standing = {name: found for name in stale if (found := stands(root, name, now, last))}
    outcomes = _make(root, now, stale, standing, jobs)
    for name, outcome in outcomes.items():
        files |= outcome.files
        sources |= {root / path: source for path, source in outcome.sources.items()}
        made[name] = as_made(now, name, outcome, last)
    sources[root / README] = digest(root / README)
    rest, answer = _rest(review, analyses, made)
    moved = moved_headlines(root / POOLED, rest[POOLED].decode()) if POOLED in rest else ()
    facts = {
        "answer": answer, "title": review.item("title", root.name),
        "remarks": [str(remark) for remark in pooled_row_remarks(review, analyses)],
        "left_out": left_out(analyses),
    }  # fmt: skip
    hashes = {path: sha256(content) for path, content in rest.items()}
    made["rest"] = Made(now.everything, None, hashes, facts)
    files |= rest
    written = replace_all(root, {root / path: content for path, content in files.items()},
                          known_outputs(root), sources)
    still = {path for target in made.values() for path in target.outputs}
    for target in before.values():
        remove(root, {path: known for path, known in target.outputs.items() if path not in still})
    replace_all(root, {root / STATE: record(made)})
    ran = tuple(name for name, outcome in outcomes.items() if outcome.files)
    count = sum(name.startswith("figure:") for name in now.sources)
    return Built(root, facts["title"], tuple(answer), moved, ran, tuple(written), count,
                 tuple(facts["remarks"]), tuple(facts["left_out"]),
                 tuple(written.sentences(root)))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What making one target gave: its files by path in the review (none where they would be those
    of the last build), what it looked at (None where that is not known), its facts, and the hashes
    of those files as they were read (of a notebook, which people write as well)."""

    files: dict[str, bytes]
    seen: Seen | None
    facts: dict[str, Any]
    sources: dict[str, str] = field(default_factory=dict)


def as_made(now: Inputs, name: str, outcome: Outcome, last: Mapping[str, Made]) -> Made:
    """What is kept of making one target."""
    hashes = {path: sha256(content) for path, content in outcome.files.items()}
    seen, outputs = outcome.seen, hashes or last[name].outputs
    if seen is None:
        return Made(now.digest(name, None), None, outputs, outcome.facts)
    hashes = {table: now.tables.get(table, "") for table in seen.all}
    return Made(now.digest(name, seen.all), seen.all, outputs, outcome.facts, seen.tables,
                seen.values, hashes, now.engine, now.digest(name, seen.tables))


def _make(root: Path, now: Inputs, targets: list[str], standing: Mapping[str, Made],
          jobs: int) -> dict[str, Outcome]:
    """Make targets side by side: figures in processes of their own, notebooks in their kernels.

    Of those whose last files are `standing` some need not be made. One process compares values, so
    that what several targets look at is worked out once.
    """
    if not targets:
        return {}
    decide = {name: decisive(name, now, made) for name, made in standing.items()}
    notebooks = {f"notebook:{path.stem}": path for path in notebook_paths(root)}
    done: dict[str, Outcome] = {}
    problems: list[Problem] = []
    kernels, running = Kernels(), threading.Semaphore(jobs)
    begun = context(root), begin, (dict(os.environ),)
    with (
        ProcessPoolExecutor(jobs, *begun) as processes,
        ProcessPoolExecutor(1, *begun) as comparing,
        ThreadPoolExecutor(len(targets)) as threads,
        tqdm(total=len(targets), unit="step", desc="Building") as bar,
    ):
        def make(name: str) -> Outcome:
            if decide.get(name):
                known = comparing.submit(compared, root, name, decide[name], standing[name])
                if found := known.result():
                    return found
            if name == DECK:  # takes longest and waits for nobody
                plan = standing[name].facts.get(PLAN, "") if name in standing else ""
                return processes.submit(make_deck, root, name.partition(":")[2], plan).result()
            with running:
                if kernels.stopped:
                    raise CancelledError
                if name in notebooks:
                    return make_notebook(notebooks[name], kernels)
                return processes.submit(make_figure, root, name.partition(":")[2]).result()

        order = sorted(targets, key=lambda name: (bool(decide.get(name)), KINDS.index(_kind(name))))
        pending: dict[Future[Outcome], str] = {threads.submit(make, name): name for name in order}
        try:
            for future in _as_completed(pending):
                try:
                    done[pending[future]] = future.result()
                except ReviewError as error:
                    problems.extend(error.problems)
                except BrokenProcessPool:
                    problems.append(Problem(pending[future].partition(":")[2], None, "", "",
                                            "its process died", "run it again; check memory"))
                bar.set_postfix_str(pending[future].partition(":")[2])
                bar.update()
        except BaseException:
            _stop(pending, kernels)
            raise
    if problems:
        raise ReviewError(dict.fromkeys(problems))  # figure and slides may fail alike
    return {name: done[name] for name in targets}


def _kind(target: str) -> str:
    return target.partition(":")[0]


def compared(root: Path, target: str, decide: Mapping[str, str], last: Made) -> Outcome | None:
    """A target that comes out as it is; None for one that may have to be made again."""
    kind, _, name = target.partition(":")
    if kind == "figure":
        return same_figure(opened(root), name, decide)
    found = unchanged(root, decide)
    return Outcome({}, Seen(last.tables, {**last.values, **found}), last.facts) if found else None


def _as_completed(pending: Iterable[Future[Outcome]]) -> Iterator[Future[Outcome]]:
    """Each as it ends; waiting never lasts so long that Ctrl-C goes unheard."""
    left = set(pending)
    while left:
        ended, left = wait(left, timeout=STOP_EVERY, return_when=FIRST_COMPLETED)
        yield from ended


def _stop(pending: Iterable[Future[Outcome]], kernels: Kernels) -> None:
    """Take back what has not begun and end the kernels, those that are just starting as well."""
    left = [future for future in pending if not future.cancel()]
    while wait(left, timeout=STOP_EVERY).not_done:
        kernels.kill()


def make_notebook(path: Path, kernels: Kernels) -> Outcome:
    """Run one notebook."""
    content, name = read_bytes(path), f"notebooks/{path.name}"
    text, seen = run(path, kernels=kernels, content=content)
    return Outcome({name: text.encode("utf-8")}, seen, {}, {name: sha256(content)})


def make_figure(root: Path, name: str) -> Outcome:
    """Draw one figure in every format."""
    return draw(opened(root), name)


def draw(review: ev.Review, name: str) -> Outcome:
    """Draw one figure of a review in every format."""
    figure, seen = look(review, name)
    files = {f"figures/{name}.{kind}": data for kind, data in images.render(figure).items()}
    return Outcome(files, seen, images.entry(review, figure))


def look(review: ev.Review, name: str) -> tuple[Figure, Seen | None]:
    """A figure of a review before it is drawn, and what it looked at (see `whole`)."""
    with review.tables.apart() as reads:
        figure = review.figure(name)
    tables = reads.all.union(figure.content.tables) - {"figures"}  # its row is its own source
    return figure, whole(figure, tables)


def same_figure(review: ev.Review, name: str, decide: Mapping[str, str]) -> Outcome | None:
    """A figure whose files would be those of the last build; None for another."""
    figure, seen = look(review, name)
    is_same = seen is not None and seen.fingerprints == decide
    return Outcome({}, seen, images.entry(review, figure)) if is_same else None


def make_deck(root: Path, name: str, last: str) -> Outcome:
    """Make the slides of the whole review, but where `last` is the fingerprint of their plan."""
    review = opened(root)
    with review.tables.apart() as reads:
        plan = talk_plan(review, review.pools)
        now = known_by(plan)
        files = {} if now and now == last else {f"figures/{name}.pptx": deck(plan)}
    return Outcome(files, seen([reads]), {PLAN: now})


def _rest(
    review: Review, analyses: Mapping[str, Any], made: Mapping[str, Made]
) -> tuple[dict[str, bytes], list[str]]:
    """Derived tables, manifest and READMEs by path, and the answer in plain words."""
    texts = derived_texts(analyses)
    audience = next(iter(answers.audiences(review)), "")
    facts = Facts(review, analyses)
    brief = in_brief(analyses)
    answer = answers.text(review, facts, audience) if audience else ""
    slides = made[DECK].outputs if DECK in made else {}  # which show every figure
    entries = [{**made[name].facts, "files_sha256": {**made[name].outputs, **slides}}
               for name in sorted(made) if name.startswith("figure:")]
    if entries:
        texts[MANIFEST] = images.manifest(entries)
    if not review.dictionary.is_default or is_dictionary_readme(review.root / DATA_README):
        texts[DATA_README] = dictionary_readme(review.dictionary)
    new_readme = answers.updated_readme(
        review.root / README, answer or answers.instead(brief), review)
    if new_readme is not None:
        texts[README] = new_readme
    files = {path: text.encode("utf-8") for path, text in texts.items()}
    return files, answers.spoken(review, facts) or brief
