"""Layered drawing: boxes in columns, links routed from left to right between the boxes.

A link that skips columns gets a lane of its own in each of them, so that no link runs behind a box
(after Sugiyama's method of layered graphs; the order of the boxes is given, not searched for).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum

import numpy as np

ROUNDS = 12


@dataclass(frozen=True, slots=True)
class Grid:
    """Measures of the drawing, in the units of its axes (inches).

    Attributes
    ----------
    width, height : float
        Of the drawing.
    box : float
        Width of a box.
    gap : float
        Least distance between boxes of a column.
    lane : float
        Height that a passing link takes.
    leaving, arriving : float
        Least distance of links that leave a box and that arrive at one.
    """

    width: float
    height: float
    box: float
    gap: float
    lane: float
    leaving: float
    arriving: float

    def left(self, column: int, columns: int) -> float:
        """Left side of the boxes of a column, counted from 0."""
        return column * (self.width - self.box) / max(columns - 1, 1)


@dataclass(frozen=True, slots=True)
class Drawing:
    """Where everything stands.

    Attributes
    ----------
    boxes : mapping of str to (left, bottom, width, height)
    routes : tuple of arrays, shape (points, 2)
        One per link: from the side of its source along its lanes to the side of its target.
    """

    boxes: Mapping[str, tuple[float, float, float, float]]
    routes: tuple[np.ndarray, ...]


def lay_out(
    columns: Sequence[Sequence[str]], links: Sequence[tuple[str, str]],
    text_heights: Mapping[str, float], grid: Grid,
) -> Drawing:
    """Place boxes and route links.

    Parameters
    ----------
    columns : sequence of sequences of str
        Names of the boxes, left to right and top to bottom.
    links : sequence of (source, target)
        Each runs from a column to one further right.
    text_heights : mapping of str to float
        Height that the text of each box needs.
    grid : Grid

    Raises
    ------
    ValueError
        When a link does not run from left to right, or a column needs more than the height.
    """
    place = {name: number for number, column in enumerate(columns) for name in column}
    for source, target in links:
        if place[source] >= place[target]:
            raise ValueError(f"'{source}' → '{target}' does not run from left to right")
    heights = _heights(place, links, text_heights, grid)
    wanted = {
        name: y for column in columns for name, y in _spread(column, heights, grid).items()
    }
    centres, lanes = dict(wanted), {}
    for _ in range(ROUNDS):
        for number, column in enumerate(columns):
            passing = [
                i for i, (a, b) in enumerate(links) if place[a] < number < place[b]
            ]
            items = [(wanted[name], heights[name] + grid.gap, name) for name in column]
            items += [
                (_between(links[i], number, i, place, centres, lanes), grid.lane, i)
                for i in passing
            ]
            items.sort(key=lambda item: (-item[0], str(item[2])))
            for (_, _, name), y in zip(items, _stack(items, grid.height), strict=True):
                if isinstance(name, str):
                    centres[name] = y
                else:
                    lanes[name, number] = y
    boxes = {
        name: (grid.left(number, len(columns)), centres[name] - heights[name] / 2, grid.box,
               heights[name])
        for name, number in place.items()
    }
    return Drawing(boxes, _routes(links, place, boxes, lanes, grid, len(columns)))


def _heights(place, links, text_heights, grid) -> dict[str, float]:
    """A box is as high as its text and as the links at either side need."""
    return {
        name: max(text_heights[name],
                  grid.leaving * (sum(a == name for a, _ in links) + 0.5),
                  grid.arriving * (sum(b == name for _, b in links) + 0.5))
        for name in place
    }


def _spread(column, heights, grid) -> dict[str, float]:
    """Centres of the boxes of one column, spread over the height."""
    free = grid.height - fsum(heights[name] for name in column)
    space = free / len(column)
    centres, top = {}, grid.height - space / 2
    for name in column:
        centres[name] = top - heights[name] / 2
        top -= heights[name] + space
    return centres


def _between(link, number, index, place, centres, lanes) -> float:
    """Height at which a link would like to pass a column: between its neighbours."""
    source, target = link
    before = lanes.get((index, number - 1)) if place[source] < number - 1 else centres[source]
    after = lanes.get((index, number + 1)) if place[target] > number + 1 else centres[target]
    if before is None or after is None:
        share = (number - place[source]) / (place[target] - place[source])
        return (1 - share) * centres[source] + share * centres[target]
    return (before + after) / 2


def _stack(items: Sequence[tuple[float, float, object]], height: float) -> np.ndarray:
    """Centres as near as possible to the wanted ones, in the given order, without overlap.

    Least squares under the order of the items (pool adjacent violators), kept inside the height.
    """
    sizes = np.array([size for _, size, _ in items])
    if sizes.sum() > height:
        raise ValueError(f"a column needs {sizes.sum():.2f} of {height:.2f}: group more nodes")
    offsets = np.cumsum(sizes) - sizes / 2  # distance of a centre from the top of the stack
    tops = [wanted + offset for (wanted, _, _), offset in zip(items, offsets, strict=True)]
    blocks: list[list[float]] = []
    for top in tops:
        blocks.append([top, 1])
        while len(blocks) > 1 and blocks[-2][0] < blocks[-1][0]:
            value, count = blocks.pop()
            blocks[-1] = [(blocks[-1][0] * blocks[-1][1] + value * count)
                          / (blocks[-1][1] + count), blocks[-1][1] + count]
    fitted = np.concatenate([[value] * int(count) for value, count in blocks])
    return np.clip(fitted, sizes.sum(), height) - offsets


def _routes(links, place, boxes, lanes, grid, n_columns) -> tuple[np.ndarray, ...]:
    """Points of each link; links at one side of a box are spread in the order of where they go."""
    def height_at(index: int, number: int) -> float:
        a, b = links[index]
        for name in (a, b):
            if place[name] == number:
                return boxes[name][1] + boxes[name][3] / 2
        return lanes[index, number]

    ports: dict[tuple[int, int], float] = {}
    for side in (0, 1):  # 0: leaving its source, 1: arriving at its target
        for name, (_, bottom, _, height) in boxes.items():
            here = [i for i, link in enumerate(links) if link[side] == name]
            beside = place[name] + (1 if side == 0 else -1)
            here.sort(key=lambda i, n=beside: (height_at(i, n), i))
            for rank, index in enumerate(here):
                ports[index, side] = bottom + height * (rank + 0.75) / (len(here) + 0.5)
    routes = []
    for index, (source, target) in enumerate(links):
        points = [(boxes[source][0] + grid.box, ports[index, 0])]
        for number in range(place[source] + 1, place[target]):
            left = grid.left(number, n_columns)
            points += [(left, lanes[index, number]), (left + grid.box, lanes[index, number])]
        points.append((boxes[target][0], ports[index, 1]))
        routes.append(np.array(points))
    return tuple(routes)
