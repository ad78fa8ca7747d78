"""Mechanism map: proposed links from drug to outcome; those of one box in colour, to their end."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path

from evidence.chapters.mechanism import graph
from evidence.chapters.mechanism.layers import Drawing, Grid, lay_out
from evidence.figures import Content, Spec, figure_kind, marks, page, pick
from evidence.review import Review
from evidence.wording import plural

HEADINGS = ("Drug", "Receptor, target", "Cell", "Mediator", "Outcome")
MARKS = {  # stance: words, marker, size
    "supports": ("supported", ">", 11),
    "contested": ("contested", "D", 9),
    "contradicts": ("contradicted", "X", 12),
    "unclear": ("unclear", "o", 10),
    "retracted": ("retracted", "|", 12),
}
TEXT = 15
PAD = 0.035  # inches between text and side of a box
MARK_GAP = 0.12  # inches between the end mark of a link and its target
FOOT = 1.34  # inches of the key and the three sentences below the map
OWN, STOPPED, OTHER = page.MESSAGE, page.ACCENT, "#C4C4C4"


def mechanism_map(
    boxes: pd.DataFrame, links: pd.DataFrame, start: str, ax: Axes, *, grid: Grid,
    labels: Mapping[str, str],
) -> Drawing:
    """Draw boxes and links on axes whose units are inches.

    Links that begin at `start` are drawn in colour with a mark at their end, all others grey.

    Parameters
    ----------
    boxes, links : DataFrame
        As `evidence.chapters.mechanism.graph.groups` and `links` return them.
    start : str
        The box where the question begins.
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
    reached = graph.reachable(links, start) | {start}
    for (_, link), route in zip(links.iterrows(), drawing.routes, strict=True):
        _draw_link(ax, route, link["stance"], link["source"] == start)
    withdrawn = _withdrawn(links)
    for name, (x, y, width, height) in drawing.boxes.items():
        own = name in reached
        ax.add_patch(FancyBboxPatch(
            (x, y), width, height, boxstyle="round,pad=0,rounding_size=0.06",
            facecolor=OWN if name == start else "white", edgecolor=OWN if own else page.CONTEXT,
            linewidth=2.4 if own else 1.0, zorder=4, clip_on=False,
        ))
        ax.text(x + width / 2, y + height / 2, labels[name], ha="center", va="center", size=TEXT,
                linespacing=page.spacing(labels[name], 1.0), zorder=5,
                color="white" if name == start else page.INK,
                weight="bold" if name == start else "normal")
        if name in withdrawn:
            ax.plot([x, x + width], [y, y + height], color=page.BLACK, lw=1.6, zorder=6)
    return drawing


def _withdrawn(links: pd.DataFrame) -> set[str]:
    """Boxes at which only retracted links end."""
    ends = links.groupby("target")["stance"].agg(lambda said: set(said) == {"retracted"})
    return set(ends[ends].index)


def _draw_link(ax: Axes, route: np.ndarray, stance: str, own: bool) -> None:
    end = route[-1] - (MARK_GAP if own else 0.0, 0)
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
    look = mark_style(stance)
    ax.add_patch(PathPatch(
        Path(vertices, codes), facecolor="none", edgecolor=look["color"] if own else OTHER,
        lw=2.2 if own else 1.0, capstyle="butt", zorder=3 if own else 2,
    ))
    if own:
        ax.plot(*end, zorder=7, **look)


def mark_style(stance: str) -> dict[str, Any]:
    """How the end mark of a link is drawn, on the map and in its key."""
    _, marker, size = MARKS[stance]
    colour = OWN if stance == "supports" else STOPPED
    return {
        "marker": marker, "markersize": size, "color": colour, "linestyle": "none",
        "markerfacecolor": "white" if stance == "unclear" else colour,
        "markeredgecolor": colour if stance in ("unclear", "retracted") else "white",
        "markeredgewidth": 1.8 if stance in ("unclear", "retracted") else 0.5,
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
    groups = {node: row["group"] for _, row in boxes.iterrows() for node in row["nodes"]}
    (start,) = pick(groups, spec.select[:1])
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

    arrived = [name for name in boxes["group"] if name in reached and name != start]
    stopped = [name for name in boxes["group"] if name in last - reached]
    withdrawn = [name for name in boxes["group"] if name in _withdrawn(links)]
    callouts = [
        ("Reached, uncontested:", "; ".join(arrived) or "nothing"),
        ("Outcomes not reached:", "; ".join(stopped) or "none"),
        ("Papers retracted:", "; ".join(withdrawn) or "none"),
    ]

    def draw(figure: Figure) -> Axes:
        left, bottom, width, height = page.BODY
        wide, high = figure.get_size_inches()
        ax = figure.add_axes((left, bottom + FOOT / high, width, height - (FOOT + 0.26) / high))
        grid = Grid(width * wide, ax.get_position().height * high, 1.98, 0.05, 0.05, 0.06, 0.075)
        ax.set_xlim(0, grid.width)
        ax.set_ylim(0, grid.height)
        page.without_axis(ax)
        labels = {
            name: "\n".join(page.evenly(name, grid.box - 2 * PAD, TEXT,
                                        "bold" if name == start else "normal"))
            for name in boxes["group"]
        }
        for number, heading in enumerate(HEADINGS):
            x = (grid.left(number, len(HEADINGS)) + grid.box / 2) / grid.width
            ax.text(x, 1.015, heading, transform=ax.transAxes, ha="center", va="bottom",
                    size=page.TICKS, weight="bold", color=page.GREY)
        mechanism_map(boxes, links, start, ax, grid=grid, labels=labels)
        y = bottom + (FOOT - 0.1) / high
        present = set(own["stance"])
        y = marks.key(figure, left, y, [(mark_style(name), MARKS[name][0]) for name in MARKS
                                  if name in present]) - 0.004
        for title, words in callouts:
            figure.text(left, y, title, size=page.TICKS, weight="bold", va="top")
            start_at = left + page.text_width(figure, title, page.TICKS, "bold") + 0.008
            y = page.write(figure, start_at, y, words, size=page.TICKS, lines=2) - 0.006
        return ax

    summary = (
        f"{len(links)} links between {len(boxes)} boxes: "
        + ", ".join(f"{said.get(word, 0)} {MARKS[word][0]}" for word in graph.STANCES)
        + f". {facts['n_own_supported']} of the {len(own)} {plural(len(own), 'link')} that begin "
        f"at {start} are supported without contradiction."
    )
    method = "Contested: findings disagree; findings are no votes; grey: other drugs or doses"
    return Content(facts, links, method, summary, "Layered map of proposed links",
                   tuple(dict.fromkeys(key for keys in links["keys"] for key in keys)),
                   ("mechanism_edges", "mechanism_nodes", "mechanism_groups"), draw)
