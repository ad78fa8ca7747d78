"""Mechanism map: proposed links from drug to outcome, by kind of evidence and by what was found."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path

from evidence.chapters.mechanism import graph
from evidence.chapters.mechanism.layers import Drawing, Grid, lay_out
from evidence.figures import Content, Spec, figure_kind, page
from evidence.review import Review
from evidence.wording import plural

SLASHES = Path([(-0.5, -0.6), (0, 0.6), (0, -0.6), (0.5, 0.6)],
               [Path.MOVETO, Path.LINETO] * 2)
HEADINGS = ("Drug", "Receptor, target", "Cell", "Mediator", "Outcome")
MARKS = {  # stance: words, marker, colour, size
    "supports": ("supported", ">", page.BLUE, 9),
    "contested": ("contested", "D", page.PURPLE, 8),
    "contradicts": ("contradicted", "X", page.VERMILION, 10.5),
    "unclear": ("unclear", "o", page.GREY, 8),
    "retracted": ("retracted", SLASHES, page.BLACK, 13),
}
LINES = {  # tier: words, width, pattern
    "in_vitro": ("cells", 1.1, (0, (1, 1.6))),
    "ex_vivo_human": ("human cells", 1.5, (0, (5, 1.5, 1, 1.5))),
    "animal": ("animals", 1.8, (0, (5, 2))),
    "human_biomarker": ("human markers", 2.4, "solid"),
    "human_clinical": ("clinical", 4.2, "solid"),
}
TEXT = 14
PAD = 0.035  # inches between text and side of a box
MARK_GAP = 0.11  # inches between the end mark of a link and its target


def mechanism_map(
    boxes: pd.DataFrame, links: pd.DataFrame, start: str, ax: Axes, *, grid: Grid,
    labels: Mapping[str, str],
) -> Drawing:
    """Draw boxes and links on axes whose units are inches.

    Parameters
    ----------
    boxes, links : DataFrame
        As `evidence.chapters.mechanism.graph.groups` and `links` return them.
    start : str
        The box to stress: where the question begins.
    ax : Axes
    grid : Grid
    labels : mapping of str to str
        Text of each box, wrapped.
    """
    columns = [list(block["group"]) for _, block in boxes.groupby("column")]
    line = TEXT * 1.17 / 72
    heights = {name: (text.count("\n") + 1) * line + 2 * PAD for name, text in labels.items()}
    drawing = lay_out(columns, list(zip(links["source"], links["target"], strict=True)), heights,
                      grid)
    for (_, link), route in zip(links.iterrows(), drawing.routes, strict=True):
        _draw_link(ax, route, link["stance"], link["tier"])
    withdrawn = _withdrawn(links)
    for name, (x, y, width, height) in drawing.boxes.items():
        edge = page.BLUE if name == start else page.GREY
        ax.add_patch(FancyBboxPatch(
            (x, y), width, height, boxstyle="round,pad=0,rounding_size=0.06",
            facecolor="#DCEBF5" if name == start else "white", edgecolor=edge,
            linewidth=2.4 if name == start else 1.2, zorder=4, clip_on=False,
        ))
        ax.text(x + width / 2, y + height / 2, labels[name], ha="center", va="center", size=TEXT,
                linespacing=page.spacing(labels[name], 1.0), zorder=5,
                weight="bold" if name == start else "normal")
        if name in withdrawn:
            ax.plot([x, x + width], [y, y + height], color=page.BLACK, lw=1.6, zorder=6)
    return drawing


def _withdrawn(links: pd.DataFrame) -> set[str]:
    """Boxes at which only retracted links end."""
    ends = links.groupby("target")["stance"].agg(lambda said: set(said) == {"retracted"})
    return set(ends[ends].index)


def _draw_link(ax: Axes, route: np.ndarray, stance: str, tier: str) -> None:
    colour = MARKS[stance][2]
    _, width, pattern = LINES[tier]
    end = route[-1] - (MARK_GAP, 0)
    points = [*route[:-1], end]
    vertices, codes = [points[0]], [Path.MOVETO]
    for number, (here, there) in enumerate(pairwise(points)):
        if number % 2:  # along a lane
            vertices.append(there)
            codes.append(Path.LINETO)
            continue
        middle = (here[0] + there[0]) / 2
        vertices += [(middle, here[1]), (middle, there[1]), there]
        codes += [Path.CURVE4] * 3
    ax.add_patch(PathPatch(Path(vertices, codes), facecolor="none", edgecolor=colour, lw=width,
                           linestyle=pattern, capstyle="butt", zorder=2))
    ax.plot(*end, zorder=7, **mark_style(stance))
    if stance == "retracted":
        ax.plot(*(route[0] + end) / 2, zorder=7, **mark_style(stance))


def mark_style(stance: str) -> dict[str, Any]:
    """How the end mark of a link is drawn, on the map and in its key."""
    _, marker, colour, size = MARKS[stance]
    is_line = stance in ("unclear", "retracted")
    return {
        "marker": marker, "markersize": size, "color": colour, "linestyle": "none",
        "markerfacecolor": "white" if stance == "unclear" else colour,
        "markeredgecolor": colour if is_line else "white",
        "markeredgewidth": 1.8 if is_line else 0.5,
    }


@figure_kind(
    "mechanism_map", tables=("mechanism_edges", "mechanism_groups"),
    columns={
        "mechanism_edges": "edge_id source target evidence_tier stance retracted keys",
        "mechanism_groups": "node mechanism_group map_column",
    },
)
def content(review: Review, analyses: Mapping[str, Any], spec: Spec) -> Content:
    """The whole map; `spec` selects the node where the question begins."""
    boxes, links = graph.groups(review), graph.links(review)
    start = next(row["group"] for _, row in boxes.iterrows() if spec.select[0] in row["nodes"])
    last = set(boxes.loc[boxes["column"] == graph.COLUMNS, "group"])
    reached = graph.reachable(links, start)
    said = links["stance"].value_counts()
    own = links[links["source"] == start]
    facts = {
        "n_boxes": len(boxes), "n_nodes": sum(map(len, boxes["nodes"])), "n_links": len(links),
        "n_findings": int(links["findings"].map(len).sum()),
        "n_inside": len(graph.inside(review)),
        "n_outcomes": len(last), "n_reached": len(last & reached), "reached": sorted(reached),
        "n_own": len(own), "n_own_supported": int((own["stance"] == "supports").sum()),
        **{f"n_{word}": int(said.get(word, 0)) for word in graph.STANCES},
    }

    def draw(figure: Figure) -> Axes:
        left, bottom, width, height = page.BODY
        bottom, legend, height = bottom - 0.028, 0.074, height + 0.028
        ax = figure.add_axes((left, bottom + legend, width, height - legend - 0.03))
        size = figure.get_size_inches()
        grid = Grid(width * size[0], ax.get_position().height * size[1], 1.86, 0.05, 0.08,
                    0.085, 0.13)
        ax.set_xlim(0, grid.width)
        ax.set_ylim(0, grid.height)
        ax.axis("off")
        labels = {
            name: _label(figure, name, (grid.box - 2 * PAD) / size[0], name == start)
            for name in boxes["group"]
        }
        for number, heading in enumerate(HEADINGS):
            x = (grid.left(number, len(HEADINGS)) + grid.box / 2) / grid.width
            ax.text(x, 1.015, heading, transform=ax.transAxes, ha="center", va="bottom", size=TEXT,
                    weight="bold", color=page.GREY)
        mechanism_map(boxes, links, start, ax, grid=grid, labels=labels)
        _legend(figure, bottom + legend - 0.006)
        return ax

    summary = (
        f"{len(links)} links between {len(boxes)} boxes: "
        + ", ".join(f"{said.get(word, 0)} {MARKS[word][0]}" for word in graph.STANCES)
        + f". {facts['n_own_supported']} of the {len(own)} {plural(len(own), 'link')} that begin "
        f"at {start} are supported without contradiction."
    )
    method = ("Line: strongest kind of evidence among a link’s findings; contested: findings "
              "disagree; findings are not votes")
    return Content(facts, links, method, summary, "Layered map of proposed links",
                   tuple(dict.fromkeys(key for keys in links["keys"] for key in keys)),
                   ("mechanism_edges", "mechanism_nodes", "mechanism_groups"), draw)


def _label(figure: Figure, text: str, width: float, is_bold: bool) -> str:
    """The text in as few lines as fit, of about equal length."""
    weight = "bold" if is_bold else "normal"
    full = page.wrap(figure, text, width, TEXT, lines=3, weight=weight)
    for share in (0.5, 0.6, 0.7, 0.8, 0.9):
        narrow = page.wrap(figure, text, share * width, TEXT, weight=weight)
        if narrow.count("\n") == full.count("\n"):
            return narrow
    return full


def _legend(figure: Figure, top: float) -> None:
    """Two rows: line by kind of evidence, mark by what was found."""
    for row, (title, entries) in enumerate((
        ("Line: best evidence", LINES), ("End mark: finding", MARKS),
    )):
        y = top - row * 0.036
        middle = y - 0.0135
        page.write(figure, page.LEFT, y, title, size=TEXT, weight="bold", lines=1)
        x = page.LEFT + 0.205
        for key, (words, *_) in entries.items():
            if row == 0:
                figure.add_artist(Line2D([x, x + 0.045], [middle] * 2, color=page.GREY,
                                         lw=LINES[key][1], linestyle=LINES[key][2]))
                x += 0.052
            else:
                figure.add_artist(Line2D([x + 0.008], [middle], **mark_style(key)))
                x += 0.022
            page.write(figure, x, y, words, size=TEXT, lines=1)
            x += page.text_width(figure, words, TEXT) + 0.02
