"""A figure: one object for its message, table, method line and alt text, and what kinds there are.

Which figures exist, what they select and how their message reads stands in ``data/figures.csv``;
how a kind of figure computes and draws stands in the module that registers it with `figure_kind`.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from evidence.figures import page
from evidence.figures.greys import to_greys
from evidence.review import Problem, Review, ReviewError
from evidence.wording import plural

SCREEN_DPI = 100
SCREEN_WIDTH = 1000  # pixels of a figure in a notebook, beside the table of contents
NAME = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Spec:
    """One row of figures.csv.

    Attributes
    ----------
    name, kind, notebook : str
    select : tuple of str
        Ids that the figure shows, in order; what they name depends on the kind.
    thresholds : tuple of str
        Rows of instruments.csv to mark, where the kind draws thresholds.
    emphasis : tuple of str
        Ids or names that are drawn in the colour of the message; what they name depends on the
        kind.
    message, subtitle, caption : str
        Templates.
    row : int
        Line of figures.csv.
    """

    name: str
    kind: str
    notebook: str
    select: tuple[str, ...]
    thresholds: tuple[str, ...]
    emphasis: tuple[str, ...]
    message: str
    subtitle: str
    caption: str
    row: int


@dataclass(frozen=True, slots=True)
class Content:
    """What a kind of figure computes from a review before anything is drawn.

    Attributes
    ----------
    facts : mapping
        Values that message, subtitle and caption may name.
    table : DataFrame
        The numbers behind the marks, one row per mark or row of the figure.
    method : str
        Method line: estimator and interval rule where something is pooled, else how the marks
        were computed.
    summary : str
        The main numbers as a sentence, for the alt text.
    what : str
        What kind of picture this is, for the alt text ("Forest plot").
    sources : tuple of str
        Keys of the documents that the numbers come from.
    tables : tuple of str
        Tables that were read.
    draw : callable
        Takes the empty page and draws everything but message, subtitle and foot, of what it holds
        and nothing else.
    paged : callable, optional
        Takes a style and returns such drawings, one for each page, where a figure may need several.
    phone : callable, optional
        Takes an empty page, gives it its size and draws what a telephone has room for.
    """

    facts: Mapping[str, Any]
    table: pd.DataFrame
    method: str
    summary: str
    what: str
    sources: tuple[str, ...]
    tables: tuple[str, ...]
    draw: Callable[[Canvas], Any] = field(repr=False)
    paged: Callable[[str], Sequence[Callable[[Canvas], Any]]] | None = field(
        default=None, repr=False)
    phone: Callable[[Canvas], Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of figure and what it cannot do without.

    Attributes
    ----------
    name : str
        As figures.csv names it.
    tables : tuple of str
        Without one of them, or with an empty one, there is nothing to show.
    columns : mapping of str to str
        Columns, separated by blanks, that a table must have where the review holds the table.
    ids : int
        How many ids the column ``select`` of figures.csv names at least.
    content : callable
        Takes review, analyses and `Spec`; returns `Content`.
    """

    name: str
    tables: tuple[str, ...]
    columns: Mapping[str, str]
    ids: int
    content: Callable[..., Content] = field(repr=False)


KINDS: dict[str, Kind] = {}


def figure_kind(
    name: str, *, tables: tuple[str, ...], columns: Mapping[str, str] | None = None, ids: int = 0
):
    """Register the function that computes the content of a kind of figure (see `Kind`)."""
    def register(content: Callable[..., Content]) -> Callable[..., Content]:
        KINDS[name] = Kind(name, tables, columns or {}, ids, content)
        return content
    return register


def pick(known: Any, ids: Iterable[str]) -> Any:
    """What `ids` name, in order: rows of a DataFrame by its index, or values of a mapping.

    Raises
    ------
    UnknownIdsError
        With every id that is not known.
    """
    wanted = list(ids)
    index = known.index if isinstance(known, pd.DataFrame) else known
    if unknown := [name for name in wanted if name not in index]:
        raise UnknownIdsError(unknown)
    return known.loc[wanted] if isinstance(known, pd.DataFrame) else [known[n] for n in wanted]


class UnknownIdsError(LookupError):
    """Ids that figures.csv names and no table holds; ``ids`` lists them."""

    def __init__(self, ids: Iterable[str]):
        self.ids = tuple(ids)
        super().__init__("; ".join(self.ids))


@dataclass(frozen=True, slots=True, repr=False)
class Figure:
    """A figure with everything that is said about it; all of it reads the same content.

    In a notebook it shows itself; ``table`` holds the numbers behind its marks, ``alt`` says it in
    words, `save` writes it, `axes` draws it anew for those who want to draw on it.

    Examples
    --------
    >>> import evidence as ev
    >>> figure = ev.load().figure("gap_map")
    >>> figure.name, figure.alt.startswith("Map of evidence and gaps")
    ('gap_map', True)
    """

    name: str
    notebook: str
    title: str
    subtitle: str
    caption: str
    alt: str
    footer: str
    content: Content
    spec: Spec = field(repr=False)

    @property
    def method(self) -> str:
        """Method line: estimator and interval rule, or how the marks were computed."""
        return self.content.method

    @property
    def sources(self) -> tuple[str, ...]:
        """Keys of the documents that the numbers come from."""
        return self.content.sources

    @property
    def table(self) -> pd.DataFrame:
        """The numbers behind the marks, one row per mark or row of the figure."""
        return self.content.table.copy()

    def axes(self, style: str = "notebook") -> list[Axes]:
        """Draw the page and return its Axes; ``axes()[0].figure`` is the matplotlib figure.

        Examples
        --------
        >>> import evidence as ev
        >>> figure = ev.load().figure("gap_map")
        >>> len(figure.axes())
        1
        """
        return self.figure(style).axes

    def save(self, path: Path | str, style: str = "slide", dpi: int | None = None) -> Path:
        """Write the figure in the format that the ending of `path` names: png, svg or pdf.

        Further pages of a long figure stand beside it, as ``name.2.png`` and so on.

        Raises
        ------
        ValueError
            When the ending is another one.

        Examples
        --------
        >>> import evidence as ev
        >>> figure = ev.load().figure("gap_map")
        >>> figure.save("gaps.docx")
        Traceback (most recent call last):
        ValueError: 'gaps.docx' must end in .png, .svg, .pdf
        """
        from evidence.figures import images

        path = Path(path)
        kind = path.suffix.lstrip(".").lower()
        if kind not in images.FORMATS:
            raise ValueError(f"'{path.name}' must end in .{', .'.join(images.FORMATS)}")
        options = {} if dpi is None else {"dpi": dpi}
        for name, content in images.render(self, [kind], style=style, **options).items():
            path.with_suffix(f".{name}").write_bytes(content)
        return path

    def __repr__(self) -> str:
        return f"{self.title} ({self.name})"

    def _repr_png_(self) -> bytes:
        from evidence.figures import images

        return images.render(self, ["png"], style="notebook", dpi=SCREEN_DPI)["png"]

    def _repr_mimebundle_(self, include=None, exclude=None):
        """The picture with its alt text, where a screen reader finds it."""
        return {"image/png": self._repr_png_(), "text/plain": self.alt}, {
            "image/png": {"alt": self.alt, "width": SCREEN_WIDTH}}

    def figure(self, style: str = "slide", *, framed: bool = True) -> Canvas:
        """Draw the first page in a style of `evidence.figures.page.STYLES`; see `figures`.

        Examples
        --------
        >>> import evidence as ev
        >>> figure = ev.load().figure("gap_map")
        >>> figure.figure().get_size_inches().round(1).tolist()
        [13.3, 7.5]
        """
        return next(self._pages(style, framed))

    def figures(self, style: str = "slide", *, framed: bool = True,
                narrow: bool = False) -> list[Canvas]:
        """Draw every page in a style of `evidence.figures.page.STYLES`; most figures have one.

        Without frame a page has no message, subtitle and foot: what surrounds it says them. In
        print it never has one, and is black and grey; `narrow` makes it one column wide.

        Raises
        ------
        ReviewError
            When a text is too long for its place, or the figure cannot be drawn.

        Examples
        --------
        >>> import evidence as ev
        >>> figure = ev.load().figure("gap_map")
        >>> len(figure.figures())
        1
        """
        return list(self._pages(style, framed, narrow))

    @property
    def texts(self) -> list[str]:
        """What may be written on the page, for the choice of fonts."""
        return [self.title, self.subtitle, self.footer, self.alt, self.table.to_csv(index=False)]

    def _pages(self, style: str, framed: bool, narrow: bool = False) -> Iterator[Canvas]:
        draws = self.content.paged(style) if self.content.paged else [self.content.draw]
        for number, draw in enumerate(draws, 1):
            which = f" ({number} of {len(draws)})" if len(draws) > 1 else ""
            yield self._page(draw, style, framed, which, narrow)

    def _page(self, draw: Callable[[Canvas], Any], style: str, framed: bool, which: str,
              narrow: bool) -> Canvas:
        with page.style(style, self.texts, narrow=narrow):
            canvas = page.page()
            try:
                draw(canvas)
                if framed and style in page.FRAMED:
                    page.frame(canvas, self.title, self.subtitle + which, self.footer)
            except page.TooLongError as error:
                raise ReviewError([Problem("data/figures.csv", None, "figure", self.name,
                                           str(error), "shorten it")]) from None
            except ReviewError:
                raise
            except Exception as error:
                raise _impossible(self.spec, error) from error.__cause__
            page.without_boxes(canvas)
            if style == "print":
                to_greys(canvas)
            return canvas


def _refused(spec: Spec, column: str, value: str, rule: str, advice: str) -> ReviewError:
    return ReviewError([Problem("data/figures.csv", spec.row, column, value, rule, advice)])


def _impossible(spec: Spec, error: Exception) -> Exception:
    """What to raise when a kind of figure fails.

    A fault that the package itself has found (a ValueError or LookupError that it raises) is one of
    the row and its tables; anything else is a mistake of the program, and stays what it is.
    """
    frames = traceback.walk_tb(error.__traceback__)
    *_, last = (frame.f_globals.get("__name__", "") for frame, _ in frames)
    if not (isinstance(error, ValueError | LookupError) and last.startswith("evidence.")):
        error.add_note(f"figure {spec.name}")
        return error
    why = ": ".join(part for part in (type(error).__name__, str(error)) if part)
    given = "these ids" if spec.select else "these tables"
    return _refused(spec, "figure", spec.name,
                    f"a figure of kind {spec.kind} cannot be made of {given} ({why})",
                    "check select and the tables it reads")


def tables_of_pools(review: Review) -> tuple[str, ...]:
    """Tables that analyses read, as far as a review has them."""
    return tuple(t for t in ("outcomes", "harms", "studies", "analyses") if t in review.tables)


def sources_of(rows: pd.DataFrame) -> tuple[str, ...]:
    """Keys of the studies of some rows, then of the documents that their numbers come from."""
    documents = rows["source"].dropna() if "source" in rows else ()
    return tuple(dict.fromkeys([*rows["study"], *documents]))


def footer(review: Review, content: Content) -> str:
    """Method line, data date and as many of the first two sources as the foot has room for."""
    texts = [_footer(review, content, longest) for longest in (2, 1, 0)]
    return next((text for text in texts if page.foot_fits(text)), texts[-1])


def _footer(review: Review, content: Content, longest: int) -> str:
    parts = [content.method.rstrip(".") + "."]
    if review.item("data_date"):
        parts.append(f"Data of {review.item('data_date')}.")
    if content.sources and not longest:
        parts.append(f"{len(content.sources)} {plural(len(content.sources), 'source')}.")
    elif content.sources:
        named = "; ".join(review.bibliography.cite(key) for key in content.sources[:longest])
        more = len(content.sources) - longest
        parts.append(f"Sources: {named}" + (f" and {more} more." if more > 0 else "."))
    return " ".join(parts)
