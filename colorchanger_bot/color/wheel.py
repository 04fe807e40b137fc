"""The readable colours of each hue: their limits, uniform draws among them, and a ring of the most vivid ones.

Hues are in degrees. At one hue the colours of sRGB fill roughly a triangle between black, white and the cusp, the
most vivid one. A `Band` of luminance cuts it down to those that are readable.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import cos, radians, sin
from random import Random
from typing import NamedTuple

from colorchanger_bot.color import space
from colorchanger_bot.color.readable import Band, fit

# A draw is vivid: it has at least this share of the highest chroma of its hue.
_VIVID = 0.7
# The limits are computed for this many hues; others use those of the nearest, since each draw is checked exactly.
_SLICES = 90
# More than 99.9% of the draws that can succeed have done so by then.
_TRIES = 24


class Slice(NamedTuple):
    """A range of lightness and chroma at one hue, and its readable corners, in case drawing fails."""

    low: float
    high: float
    muted: float
    vivid: float
    corners: tuple[int, ...]


@lru_cache(maxsize=4096)
def peak(hue: float, within: Band) -> tuple[float, float]:
    """The lightness and chroma of the most vivid readable colour of a hue."""
    within = within.inner()
    lightness, chroma = space.cusp(hue)
    light = _luminance(lightness, chroma, hue)
    if light > within.high:
        # Below the cusp the gamut ends in a straight line to black: scaling light by k scales OKLab by cbrt(k).
        scale = (within.high / light) ** (1 / 3)
        return lightness * scale, chroma * scale
    if light < within.low:
        lightness = space.edge(
            lambda there: _luminance(there, space.most_chroma(there, hue), hue) >= within.low, 1.0, lightness
        )
        return lightness, space.most_chroma(lightness, hue)
    return lightness, chroma


def lightness_range(hue: float, chroma: float, within: Band) -> tuple[float, float] | None:
    """The range of lightness that is readable and that sRGB can show at a hue and chroma; None if there is none."""
    within = within.inner()
    top, most = space.cusp(hue)
    if chroma > most:
        return None
    a, b = chroma * cos(radians(hue)), chroma * sin(radians(hue))
    low = space.edge(lambda there: _luminance(there, chroma, hue) >= within.low, 1.0, 0.0)
    high = space.edge(lambda there: _luminance(there, chroma, hue) <= within.high, 0.0, 1.0)
    highest = space.edge(lambda there: space.in_gamut(there, a, b), top, 1.0)
    low, high = max(low, top * chroma / most), min(high, highest)
    return (low, high) if low <= high else None


def cut(hue: float, muted: float, vivid: float, within: Band) -> Slice:
    """The slice of a hue between two chromas."""
    peak_lightness, _ = peak(hue, within)
    ranges = [lightness_range(hue, chroma, within) or (peak_lightness,) * 2 for chroma in (muted, vivid)]
    corners = dict.fromkeys(
        fit(lightness, chroma, hue, within)
        for chroma, range_ in zip((muted, vivid), ranges, strict=True)
        for lightness in range_
    )
    (low, high), (vivid_low, vivid_high) = ranges
    return Slice(min(low, vivid_low), max(high, vivid_high), muted, vivid, tuple(corners))


@lru_cache(maxsize=1024)
def _vivid_slice(index: int, within: Band) -> Slice:
    hue = 360 / _SLICES * index
    _, chroma = peak(hue, within)
    return cut(hue, chroma * _VIVID, chroma, within)


def vivid_slice(hue: float, within: Band) -> Slice:
    """The vivid part of a hue."""
    return _vivid_slice(round(hue / 360 * _SLICES) % _SLICES, within)


def draw(part: Slice, hue: float, within: Band, rng: Random, wanted: Callable[[int], bool]) -> int | None:
    """A uniform draw from the readable, wanted colours of a slice; None if there are few or none."""
    a, b = cos(radians(hue)), sin(radians(hue))
    for _ in range(_TRIES):
        lightness = part.low + (part.high - part.low) * rng.random()
        chroma = part.muted + (part.vivid - part.muted) * rng.random()
        red, green, blue = space.oklab_to_linear(lightness, chroma * a, chroma * b)
        if 0.0 <= red <= 1.0 and 0.0 <= green <= 1.0 and 0.0 <= blue <= 1.0:
            rgb = space.from_linear(red, green, blue)
            if within.low <= space.luminance(rgb) <= within.high and wanted(rgb):
                return rgb
    return None


@lru_cache(maxsize=16)
def ring(within: Band) -> tuple[int, ...]:
    """The most vivid readable colour of every degree of hue, from 0 to 359."""
    return tuple(fit(*peak(hue, within), hue, within) for hue in range(360))


@lru_cache(maxsize=16)
def ring_labs(within: Band) -> tuple[space.Triple, ...]:
    """The ring in OKLab."""
    return tuple(map(space.oklab, ring(within)))


@lru_cache(maxsize=16)
def pool(within: Band) -> tuple[int, ...]:
    """Vivid, readable colours of all hues, from light to dark: those at the limits of each hue."""
    return tuple(dict.fromkeys(rgb for hue in range(0, 360, 4) for rgb in vivid_slice(hue, within).corners))


@lru_cache(maxsize=64)
def weakest_chroma(within: Band) -> float:
    """The highest readable chroma of the hue where it is lowest (usually a teal)."""
    return min(peak(hue, within)[1] for hue in range(0, 360, 10))


def farthest(colors: Sequence[int], other: int) -> int:
    """The colour that looks least like another one."""
    return max(colors, key=lambda rgb: space.distance(rgb, other))


def _luminance(lightness: float, chroma: float, hue: float) -> float:
    a, b = chroma * cos(radians(hue)), chroma * sin(radians(hue))
    return space.linear_luminance(*space.oklab_to_linear(lightness, a, b))
