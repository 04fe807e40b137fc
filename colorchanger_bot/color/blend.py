"""Gradients: evenly spaced colours between the user's own."""

from itertools import pairwise
from math import atan2, degrees, hypot

from colorchanger_bot.color import space
from colorchanger_bot.color.readable import Band, fit
from colorchanger_bot.color.value import Color


def blend(stops: tuple[Color, ...], steps: int | None, min_step: float, within: Band) -> tuple[Color, ...]:
    """The stops unchanged, with readable colours in between.

    `steps` counts all of them; None means as many as fit with `min_step` (OKLab) between neighbours.
    """
    legs = list(pairwise(stops))
    if steps is None:
        counts = [_fitting_parts(start, end, min_step, within) for start, end in legs]
    else:
        counts = _shared([start.distance(end) for start, end in legs], steps - 1)
    path = list(stops[:1])
    for (start, end), count in zip(legs, counts, strict=True):
        path += _leg(start, end, count, within)[1:]
    return tuple(path)


def _leg(start: Color, end: Color, parts: int, within: Band) -> list[Color]:
    """Two colours, and the readable ones that divide the distance between them into equal parts."""
    between = [_between(start, end, part / parts, within) for part in range(1, parts)]
    return [start, *between, end]


def _between(start: Color, end: Color, way: float, within: Band) -> Color:
    """The readable colour at this fraction of the straight line through OKLab."""
    lightness, a, b = (
        one + (other - one) * way for one, other in zip(space.oklab(start.rgb), space.oklab(end.rgb), strict=True)
    )
    return Color(fit(lightness, hypot(a, b), degrees(atan2(b, a)), within))


def _fitting_parts(start: Color, end: Color, min_step: float, within: Band) -> int:
    """The largest number of parts with at least `min_step` between all neighbours; 1 if there is none."""
    for parts in range(int(start.distance(end) / min_step), 1, -1):
        if all(one.distance(other) >= min_step for one, other in pairwise(_leg(start, end, parts, within))):
            return parts
    return 1


def _shared(lengths: list[float], parts: int) -> list[int]:
    """How many parts each leg gets: at least one; each further one goes where the parts are longest."""
    counts = [1] * len(lengths)
    for _ in range(parts - len(lengths)):
        longest = max(range(len(lengths)), key=lambda leg: lengths[leg] / counts[leg])
        counts[longest] += 1
    return counts
