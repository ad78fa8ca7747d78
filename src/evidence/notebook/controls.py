"""What the explorers of the exploring notebook share: their form, their controls, their HTML."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from threading import RLock
from typing import Any

import ipywidgets as widgets
from IPython.display import display

from evidence.figures import Figure
from evidence.notebook.narrator import Passage
from evidence.notebook.still import is_still
from evidence.wording import as_text

MOST_ROWS = 11
TURN = RLock()


class Explorer:
    """Controls with their results.

    JupyterLab shows `box` when a reader runs the notebook. When the build runs it (the environment
    variable `STILL` is set), it shows `still` instead: controls die with their kernel, so that a
    stored notebook can only hold results.
    """

    box: widgets.Widget

    def still(self) -> Iterable[Any]:
        """What the controls show at the start, without them."""
        raise NotImplementedError

    def _ipython_display_(self) -> None:
        for shown in self.still() if is_still() else [self.box]:
            display(shown)


def _wide() -> dict[str, Any]:
    return {"layout": widgets.Layout(width="auto", min_width="18em"),
            "style": {"description_width": "6em"}}


def beside(controls: Sequence[widgets.Widget], results: Sequence[widgets.Widget]) -> widgets.Box:
    """Controls on the left, what they change on the right; below each other on a narrow screen."""
    left = widgets.VBox(controls, layout=widgets.Layout(flex="0 1 23em", min_width="18em"))
    right = widgets.VBox(results, layout=widgets.Layout(flex="1 1 34em", min_width="0"))
    return widgets.HBox([left, right], layout=widgets.Layout(flex_flow="row wrap"))


def several(description: str, options: Sequence, rows: int = 0) -> widgets.SelectMultiple:
    """A list of which any number can be marked; it is a native one, so the keyboard works."""
    rows = rows or min(len(options), MOST_ROWS)
    return widgets.SelectMultiple(description=description, options=options, rows=rows, **_wide())


def one(description: str, options: Sequence = ()) -> widgets.Dropdown:
    """A list of which one is chosen."""
    return widgets.Dropdown(description=description, options=options, **_wide())


def coded(description: str, words: Mapping[str, str]) -> widgets.Dropdown:
    """A list of words that stand for codes."""
    return one(description, [(text, code) for code, text in words.items()])


def radio(description: str, options: Sequence) -> widgets.RadioButtons:
    """A few choices, all visible, so that one click is enough."""
    return widgets.RadioButtons(description=description, options=options, **_wide())


def typed(description: str, value: str) -> widgets.Text:
    """A line to type into."""
    return widgets.Text(description=description, value=value, **_wide())


def in_turn(method: Callable) -> Callable:
    """A method that waits for its turn.

    JupyterLab may handle each control in a thread of its own, and the style of a figure is a
    setting of the whole process.
    """
    @wraps(method)
    def run(*arguments, **named):
        with TURN:
            return method(*arguments, **named)

    return run


@contextmanager
def quiet(update: Callable[[Any], None], controls: Sequence[widgets.Widget]) -> Iterator[None]:
    """Change controls inside the block without one update for each."""
    for control in controls:
        control.unobserve(update, "value")
    try:
        yield
    finally:
        for control in controls:
            control.observe(update, "value")


def note(text: str) -> str:
    """A sentence that a screen reader says when it changes."""
    return f'<p role="status">{as_text(text)}</p>'


def scrolling(table: Passage) -> str:
    """A table in a box of its own that scrolls."""
    return ('<div tabindex="0" role="region" aria-label="table" class="jp-RenderedHTMLCommon" '
            f'style="max-height:26em;overflow:auto">{table}</div>')


def image(figure: Figure) -> str:
    """A figure with its alt text as HTML; a stored notebook shows the figure itself."""
    if is_still():
        return ""
    data = base64.b64encode(figure._repr_png_()).decode("ascii")
    alt = html.escape(figure.alt, quote=True)
    return f'<img style="max-width:100%" alt="{alt}" src="data:image/png;base64,{data}">'
