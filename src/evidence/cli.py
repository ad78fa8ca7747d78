"""The console command ``evidence``; it parses, calls the package and prints, nothing else."""

from __future__ import annotations

import argparse
import errno
import gc
import os
import shlex
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from evidence import __version__
from evidence.review import MEASURES, Problem, ReviewError

FORMATS = ("png", "svg", "pdf", "pptx")
DECIMALS = {"comma": ",", "point": "."}
STYLES = ("slide", "notebook", "print")
WIDTHS = (170, 85)
MINUTES = (5, 10, 20)
LONGEST_TITLE = 120
MOST_LINES = 20  # of rows that are not pooled
MUCH = 10_000_000  # bytes of tables
STOP_AT_MOST = 20.0  # seconds after Ctrl-C
STOPPING = ("SIGINT", "SIGTERM", "SIGHUP")
STOPPED = "Stopped; what was written before is whole."
TRACEBACK = "EVIDENCE_TRACEBACK"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0 (all well), 1 (the review has problems) or 2 (usage)."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a sign that the terminal lacks ends no command
            stream.reconfigure(errors="backslashreplace")
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if rest and (not hasattr(options, "files") or any(word.startswith("-") for word in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    elif rest:  # files, or DIR, behind an option
        options.files += map(Path, rest)
    _announce(getattr(options, "directory", None))
    try:
        done = options.run(options)
        sys.stdout.flush()
        return done
    except BrokenPipeError as error:
        if traceback.extract_tb(error.__traceback__)[-1].filename != __file__:
            _print_mistake(error)
            return 1
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0  # whoever read what is printed here has gone
    except ReviewError as error:
        print(*error.problems, sep="\n", file=sys.stderr)
        count = len(error.problems)
        print(f"{count} {'problem' if count == 1 else 'problems'}; nothing was written.",
              file=sys.stderr)
        return 1
    except OSError as error:
        place = error.filename or options.directory or "this folder"
        in_the_way = error.errno in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR)
        advice = ("move it away: something else of that name is needed here" if in_the_way else
                  "check permissions and free space, then run it again")
        print(Problem(str(place), None, "", "", error.strerror or str(error), advice),
              file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(STOPPED, file=sys.stderr)
        return 1
    except Exception as error:
        _print_mistake(error)
        return 1


def _announce(root: Path | None) -> None:
    """Say that much is to be read, where it will take its time."""
    size = sum(path.stat().st_size for path in (root or Path()).glob("data/*.csv")
               if path.is_file())
    if size > MUCH:
        print(f"Reading {size / 1e6:,.0f} MB of tables, which may take a minute for each 50 MB.",
              file=sys.stderr, flush=True)


def _print_mistake(error: Exception) -> None:
    """A mistake of the program itself: what it was in one line, where it arose on request."""
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    parts = [*getattr(error, "__notes__", ()), type(error).__name__, str(error)]
    words = " ".join(": ".join(part for part in parts if part).split())
    print(f"{words}: this is a mistake of the program, please report it with the command "
          f"({TRACEBACK}=1 shows where it arose).", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="evidence", description="Check, analyse and build an evidence review."
    )
    parser.add_argument("--version", action="version", version=f"evidence {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, words in (
        ("check", _check, "check tables and references; writes nothing"),
        ("analyse", _analyse, "check, then write data/derived/effects.csv and pooled.csv"),
        ("build", _build, "check, analyse, run the notebooks, export the figures"),
        ("watch", _watch, "build what a saved change touches, and show what moved; Ctrl-C ends it"),
        ("status", _status, "list what is unverified, incomplete or waiting"),
        ("export", _export, "export a few figures, or slides of them"),
        ("figures", _figures, "list the figures of the review, each with its message"),
    ):
        command = commands.add_parser(name, help=words, description=words)
        command.add_argument("directory", metavar="DIR", nargs="?", type=Path,
                             help="folder of the review (default: the one around this folder)")
        command.set_defaults(run=run)
        if name == "status":
            command.add_argument("--references", action="store_true",
                                 help="list the remarks on references instead")
        if name == "build":
            command.add_argument("--force", action="store_true", help="make everything again")
            command.add_argument("--html", action="store_true",
                                 help="write the hand-out as well: the notebooks as pages in site/")
            command.add_argument("--jobs", type=_count, metavar="N",
                                 help="targets made side by side (default: one more than there are "
                                 "cores)")
        if name == "export":
            _export_options(command)
        if name == "figures":
            command.add_argument("--kinds", action="store_true", help="list the kinds of figure "
                                 "and what the words of a message may name instead")
    words = "take over references or data; the kind of a file is seen from its content"
    command = commands.add_parser("import", help=words, description=words)
    command.set_defaults(run=_import, directory=None)
    _import_options(command)
    words = "start a review on another topic, with a worked example to replace"
    command = commands.add_parser("new", help=words, description=words)
    command.set_defaults(run=_new)
    _new_options(command)
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}': choose a number from 1 on")
    return int(text)


def _export_options(command: argparse.ArgumentParser) -> None:
    def formats(text: str) -> list[str]:
        chosen = _listed(text)
        if not chosen or set(chosen) - set(FORMATS):
            raise argparse.ArgumentTypeError(f"'{text}': choose from {', '.join(FORMATS)}")
        return chosen

    def dots(text: str) -> int:
        if not text.isdigit() or not 30 <= int(text) <= 1200:
            raise argparse.ArgumentTypeError(f"'{text}': choose a number from 30 to 1200")
        return int(text)

    what = command.add_mutually_exclusive_group()
    what.add_argument("--figures", metavar="A,B", type=_listed, default=[],
                      help="names from figures.csv (default: all)")
    what.add_argument("--talk", type=int, choices=MINUTES,
                      help="instead of figures, the slides of a talk: 5 minutes have six, 10 have "
                      "twelve, 20 have all of them")
    command.add_argument("--format", metavar="F,G", type=formats, default=["png"],
                         help=f"{', '.join(FORMATS)}, separated by commas (default: png); pptx "
                         "has a slide for each figure")
    command.add_argument("--with-tables", action="store_true",
                         help="the summary tables as slides behind the figures")
    command.add_argument("--style", choices=STYLES, default="slide",
                         help="print: no title, black on white, text from 8 pt, with a legend file")
    command.add_argument("--width", type=int, choices=WIDTHS,
                         help="mm in print, and print is meant: 170 for two columns of a journal, "
                         "85 for one (text from 6 pt)")
    command.add_argument("--transparent", action="store_true", help="pictures without a ground")
    command.add_argument("--dpi", type=dots, default=200, help="of png files (default: 200)")
    command.add_argument("--out", metavar="DIR", type=Path, default=Path("exported"),
                         help="folder to write to (default: exported)")
    command.add_argument("--zip", action="store_true", help="all in one zip file, with a README")


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _new_options(command: argparse.ArgumentParser) -> None:
    def title(text: str) -> str:
        from evidence.project import plain_title

        if not plain_title(text) or len(plain_title(text)) > LONGEST_TITLE:
            raise argparse.ArgumentTypeError(f"1 to {LONGEST_TITLE} signs are needed")
        return plain_title(text)

    command.add_argument("directory", metavar="DIR", type=Path, help="a new or an empty folder")
    command.add_argument("--title", metavar="TEXT", type=title, default="An evidence review",
                         help="title of the review")


def _import_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("files", metavar="FILE", nargs="+", type=Path,
                         help="references (RIS, PubMed, CSL-JSON, BibTeX) or data (RevMan, CSV, "
                         "XLSX, robvis); at the end DIR, a review or the folder of a new one")
    command.add_argument("--measure", choices=MEASURES, default="",
                         help="measure of effect (default: as the data say)")
    command.add_argument("--decimal", choices=DECIMALS, default="",
                         help="decimal mark, where the numbers can be read in two ways")
    command.add_argument("--sheet", metavar="NAME", default="", help="sheet of a workbook")
    command.add_argument("--map", metavar="CSV", type=Path,
                         help="table of columns: their name, our name")


def _check(options: argparse.Namespace) -> int:
    from evidence.pooling import left_out, run_analyses, table_remarks
    from evidence.project import rehearse
    from evidence.review import BIBLIOGRAPHY, load_review
    from evidence.wording import plural

    try:
        review = load_review(options.directory)
    except ReviewError as error:
        print(*error.remarks, sep="\n", end="\n" if error.remarks else "")
        raise
    results = run_analyses(review)
    rehearse(review, results)
    remarks = table_remarks(review, results)
    if remarks:
        print(*remarks, sep="\n")
    rows = sum(len(table) for table in review.tables.values())
    references = len(review.warnings) - sum(w.file != BIBLIOGRAPHY for w in review.warnings)
    print(f"All well: {len(review.tables)} tables with {rows} rows, "
          f"{len(review.bibliography)} references. {len(remarks)} {plural(len(remarks), 'remark')} "
          f"on tables, {references} on references: evidence status --references.")
    _print_named((), left_out(results))
    _print_unset(review)
    return 0


def _print_unset(review: Any) -> None:
    """Name the studies whose letters no font of this machine has."""
    from evidence.figures import typeface

    names = [review.bibliography.cite(key) for key in review.bibliography.references]
    for line in typeface.unset(names):
        print(line, file=sys.stderr)


def _analyse(options: argparse.Namespace) -> int:
    from evidence.pooling import left_out, pooled_row_remarks, run_analyses
    from evidence.project import write_derived
    from evidence.review import load_review

    review = load_review(options.directory)
    results = run_analyses(review)
    written = write_derived(review, results)
    print(f"{len(results)} analyses written to {review.root / 'data' / 'derived'}")
    _print_named(map(str, pooled_row_remarks(review, results)), left_out(results))
    _print_kept(written.sentences(review.root))
    return 0


def _print_kept(sentences: Iterable[str]) -> None:
    """What became of files that somebody else had made or changed."""
    for sentence in sentences:
        print(f"Kept: {sentence}")


def _print_named(remarks: Iterable[str], left: Iterable[str]) -> None:
    """Remarks on what is pooled, and what is pooled nowhere."""
    for heading, lines in (("Remarks on what is pooled:", remarks), ("Not pooled:", left)):
        shown = [f"  {line}" for line in lines]
        if len(shown) > MOST_LINES:
            shown[MOST_LINES:] = [f"  and {len(shown) - MOST_LINES} more: data/derived/effects.csv"]
        if shown:
            print(heading, *shown, sep="\n")


def _build(options: argparse.Namespace) -> int:
    from evidence.project import nothing_changed
    from evidence.review import find_root

    root = find_root(options.directory)
    fresh = None if options.force else nothing_changed(root)
    if fresh:
        _print_answer(fresh.facts["title"], fresh.facts["answer"])
        print("\nNothing has changed since the last build; --force makes everything again.")
        _print_named(fresh.facts.get("remarks", ()), fresh.facts.get("left_out", ()))
    else:
        _build_anew(root, options)
    if options.html:
        from evidence.publish import FRONT_PAGE, HANDOUT, write_handout

        written = write_handout(root)
        print(f"Hand-out: {root / HANDOUT / FRONT_PAGE} ({len(written)} files changed)")
        _print_kept(written.sentences(root))
    return 0


def _watch(options: argparse.Namespace) -> int:
    from evidence.project import watch

    try:
        watch(options.directory, lambda line: print(line, flush=True))
    except KeyboardInterrupt:
        print("Stopped watching.")
    return 0


@contextmanager
def _ending_soon() -> Iterator[None]:
    """After Ctrl-C, or when asked to end, the process ends within `STOP_AT_MOST` seconds.

    Nothing is lost by that: files are replaced whole, and kernels end with their parent.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    here, there = socket.socketpair()
    there.setblocking(False)
    over = threading.Event()

    def wait() -> None:
        with here:
            while (came := here.recv(1)) and came[0] not in signals:
                pass  # another signal
        if came and not over.wait(STOP_AT_MOST):
            _end()

    def stop(number: int, frame: object) -> None:
        for number in before:  # once is enough, and cleaning up is not to be interrupted
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    signals = [getattr(signal, name) for name in STOPPING if hasattr(signal, name)]
    threading.Thread(target=wait, daemon=True).start()
    # The thread learns of a signal at once, also where the main thread waits for something in C.
    woken = signal.set_wakeup_fd(there.fileno(), warn_on_full_buffer=False)
    before = {number: signal.signal(number, stop) for number in signals}
    try:
        yield
    finally:
        over.set()
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(woken)
        there.close()  # which ends the thread


def _end() -> None:
    print(STOPPED, file=sys.stderr, flush=True)
    os._exit(1)


def _build_anew(root: Path, options: argparse.Namespace) -> None:
    from evidence.project import context

    with _ending_soon():
        context(root)  # on Linux it loads packages and review for all while this one loads its own
        from evidence.project import build

        gc.freeze()  # the process ends soon: to look through packages for garbage takes a while
        built = build(root, force=options.force, jobs=options.jobs)
        gc.freeze()
    _print_answer(built.title, built.answer)
    if built.moved:
        print("\nMoved since the last build:")
        print(*(f"  {line}" for line in built.moved), sep="\n")
    print(f"\n{len(built.ran)} targets made, {len(built.changed)} files changed; "
          f"{built.figures} figures lie in {built.root / 'figures'}")
    _print_named(built.remarks, built.left_out)
    _print_kept(built.kept)


def _print_answer(title: str, answer: Sequence[str]) -> None:
    print(f"\n{title}")
    for number, line in enumerate(answer, 1):
        print(f"  {number}. {line}")


def _export(options: argparse.Namespace) -> int:
    from evidence.pooling import Analyses
    from evidence.publish import bundle, save_files, talk_deck
    from evidence.review import load_review

    review = load_review(options.directory)
    if options.talk:
        files = {"slides.pptx": talk_deck(review, Analyses(review), options.talk)}
    else:
        files = bundle(
            review, Analyses(review), options.figures, options.format,
            "print" if options.width else options.style, options.dpi,
            width=options.width or WIDTHS[0], transparent=options.transparent,
            with_tables=options.with_tables, with_readme=options.zip,
        )
    written = save_files(files, options.out, options.zip, review.root)
    print(*written, sep="\n")
    _print_kept(written.sentences(options.out))
    _print_unset(review)
    return 0


def _figures(options: argparse.Namespace) -> int:
    from evidence.pooling import Analyses
    from evidence.project import ANYWHERE, figure_lines, kind_lines
    from evidence.review import load_review

    if options.kinds:
        print(*kind_lines(), "", ANYWHERE, sep="\n")
        return 0
    review = load_review(options.directory)
    print(*figure_lines(review, Analyses(review)), sep="\n")
    return 0


def _new(options: argparse.Namespace) -> int:
    from evidence.project import new_review

    files = new_review(options.directory, options.title)
    print(f"{len(files)} files written to {options.directory}; README.md says what to replace.\n"
          f"Next: evidence build {shlex.quote(str(options.directory))}")
    return 0


def _import(options: argparse.Namespace) -> int:
    from evidence.project import import_files, split_paths
    from evidence.review import importing
    from evidence.storage import read_bytes

    columns = (importing.read_columns(read_bytes(options.map), options.map.name)
               if options.map else {})
    files, directory = split_paths(options.files)
    done = import_files(files, directory, importing.Options(
        options.measure, DECIMALS.get(options.decimal, ""), options.sheet, columns))
    print(*done.found, sep="\n")
    if done.left:
        print("\nLeft out, or worth a look:", *(f"  {line}" for line in done.left), sep="\n")
    if not done.written:
        print("\nNothing new: nothing was written.")
        return 0
    print(f"\nWritten to {done.root}{', a new review' if done.is_new else ''}:",
          *(f"  {line}" for line in done.written), sep="\n")
    print(f"\nNext: evidence build {shlex.quote(str(done.root))}")
    return 0


def _status(options: argparse.Namespace) -> int:
    from evidence.pooling import run_analyses
    from evidence.project import reference_remarks, review_status
    from evidence.review import load_review

    review = load_review(options.directory)
    if options.references:
        print(*reference_remarks(review) or ["no remark on references"], sep="\n")
        return 0
    print(*review_status(review, run_analyses(review)), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
