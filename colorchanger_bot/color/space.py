"""Colour maths: sRGB, OKLab and OKLCH, contrast and distance, on plain numbers.

An sRGB colour is one integer from 0 (black) to 0xFFFFFF (white). In OKLab and OKLCH lightness runs from 0 to 1,
chroma from 0 to about 0.32 (the most vivid that sRGB can show), hue from 0 to 360 degrees. Linear-light values run
from 0 to 1 inside the sRGB gamut.
"""

from bisect import bisect
from collections.abc import Callable
from functools import lru_cache
from math import atan2, cbrt, cos, degrees, dist, hypot, radians, sin

Triple = tuple[float, float, float]


def srgb_to_linear(value: float) -> float:
    """The linear light of an sRGB component, both from 0 to 1 (IEC 61966-2-1)."""
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def linear_to_srgb(value: float) -> float:
    """The sRGB component of a linear light, both from 0 to 1 (IEC 61966-2-1)."""
    return value * 12.92 if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


_LINEAR = tuple(srgb_to_linear(byte / 255) for byte in range(256))
# Where an 8-bit component rounds up to the next: a bisection of this table encodes, rounds and clamps at once.
_STEPS = tuple(srgb_to_linear((byte + 0.5) / 255) for byte in range(255))


def linear(rgb: int) -> Triple:
    """The linear-light red, green and blue of an sRGB colour."""
    return _LINEAR[rgb >> 16], _LINEAR[rgb >> 8 & 255], _LINEAR[rgb & 255]


def from_linear(red: float, green: float, blue: float) -> int:
    """The nearest sRGB colour of linear-light values, clipped to the gamut."""
    return bisect(_STEPS, red) << 16 | bisect(_STEPS, green) << 8 | bisect(_STEPS, blue)


# The matrices are those of CSS Color 4, section 20, multiplied out with exact fractions.
def linear_to_oklab(red: float, green: float, blue: float) -> Triple:
    """The OKLab lightness, a and b of linear-light values."""
    long = cbrt(0.412221469470763 * red + 0.5363325372617348 * green + 0.051445993267502196 * blue)
    medium = cbrt(0.21190349581782522 * red + 0.6806995506452344 * green + 0.10739695353694051 * blue)
    short = cbrt(0.08830245919005643 * red + 0.2817188391361215 * green + 0.6299787016738222 * blue)
    return (
        0.21045426830931396 * long + 0.7936177747023053 * medium - 0.0040720430116192585 * short,
        1.9779985324311686 * long - 2.42859224204858 * medium + 0.450593709617411 * short,
        0.025904042465547734 * long + 0.7827717124575297 * medium - 0.8086757549230774 * short,
    )


def oklab_to_linear(lightness: float, a: float, b: float) -> Triple:
    """The linear-light values of an OKLab colour; below 0 or above 1 where sRGB cannot show it."""
    long = (lightness + 0.3963377773761749 * a + 0.21580375730991364 * b) ** 3
    medium = (lightness - 0.10556134581565857 * a - 0.0638541728258133 * b) ** 3
    short = (lightness - 0.08948417752981186 * a - 1.2914855480194092 * b) ** 3
    return (
        4.076741636075958 * long - 3.307711539258062 * medium + 0.23096990318210425 * short,
        -1.2684379732850317 * long + 2.6097573492876887 * medium - 0.3413193760026571 * short,
        -0.0041960761386755216 * long - 0.7034186179359362 * medium + 1.7076146940746117 * short,
    )


@lru_cache(maxsize=8192)
def oklab(rgb: int) -> Triple:
    """The OKLab lightness, a and b of an sRGB colour."""
    return linear_to_oklab(*linear(rgb))


def oklch(rgb: int) -> Triple:
    """The OKLCH lightness, chroma and hue (degrees, 0 to 360) of an sRGB colour; the hue of a grey means nothing."""
    lightness, a, b = oklab(rgb)
    return lightness, hypot(a, b), degrees(atan2(b, a)) % 360


def distance(one: int, other: int) -> float:
    """How different two colours look: their distance in OKLab (deltaEOK of CSS Color 4); 0.02 is just noticeable."""
    return dist(oklab(one), oklab(other))


def luminance(rgb: int) -> float:
    """The relative luminance of an sRGB colour, from 0 to 1 (WCAG 2.2, but with the weights of sRGB unrounded)."""
    return linear_luminance(*linear(rgb))


def linear_luminance(red: float, green: float, blue: float) -> float:
    """The relative luminance of linear-light values."""
    return 0.21263900587151036 * red + 0.7151686787677559 * green + 0.07219231536073371 * blue


def contrast(one: int, other: int) -> float:
    """The contrast ratio of two colours, from 1 to 21 (WCAG 2.2, 1.4.3)."""
    first, second = luminance(one) + 0.05, luminance(other) + 0.05
    return first / second if first > second else second / first


def in_gamut(lightness: float, a: float, b: float) -> bool:
    """Whether sRGB can show an OKLab colour, with a tolerance for rounding (1e-8)."""
    red, green, blue = oklab_to_linear(lightness, a, b)
    # Not more: for dark colours, a millionth of linear light is a visible part of the available chroma.
    return -1e-8 <= red <= 1.00000001 and -1e-8 <= green <= 1.00000001 and -1e-8 <= blue <= 1.00000001


def edge(holds: Callable[[float], bool], inside: float, outside: float) -> float:
    """The last number on the way from `inside` to `outside` for which something holds, found by bisection."""
    for _ in range(20):
        middle = (inside + outside) / 2
        if holds(middle):
            inside = middle
        else:
            outside = middle
    return inside


def most_chroma(lightness: float, hue: float, ceiling: float = 0.4) -> float:
    """The largest chroma, up to `ceiling`, that sRGB can show at a lightness and hue (degrees)."""
    if not 0.0 < lightness < 1.0:
        return 0.0
    a, b = cos(radians(hue)), sin(radians(hue))
    if in_gamut(lightness, ceiling * a, ceiling * b):
        return ceiling
    return edge(lambda chroma: in_gamut(lightness, chroma * a, chroma * b), 0.0, ceiling)


def from_oklch(lightness: float, chroma: float, hue: float) -> int:
    """The sRGB colour nearest to an OKLCH colour: lightness and hue stay, chroma is reduced.

    This is the gamut mapping of CSS Color 4, section 13, without its last step, clipping, which would move lightness
    and hue by up to a just noticeable difference.
    """
    chroma = most_chroma(lightness, hue, chroma)
    return from_linear(*oklab_to_linear(lightness, chroma * cos(radians(hue)), chroma * sin(radians(hue))))


_CORNERS = ((1.0, 0.0, 0.0), (1.0, 1.0, 0.0), (0.0, 1.0, 0.0), (0.0, 1.0, 1.0), (0.0, 0.0, 1.0), (1.0, 0.0, 1.0))
_CORNER_HUES = tuple(degrees(atan2(b, a)) % 360 for _, a, b in (linear_to_oklab(*corner) for corner in _CORNERS))


@lru_cache(maxsize=1024)
def cusp(hue: float) -> tuple[float, float]:
    """The lightness and chroma of the most vivid colour that sRGB has at a hue (degrees).

    It lies on one of the six edges of the RGB cube that touch neither black nor white. Hue grows along each of them,
    but for 0.2 degrees next to blue.
    """
    corner = bisect(_CORNER_HUES, hue % 360) - 1
    start, end, start_hue = _CORNERS[corner], _CORNERS[(corner + 1) % 6], _CORNER_HUES[corner]

    def along(way: float) -> Triple:
        return linear_to_oklab(*(one + (other - one) * way for one, other in zip(start, end, strict=True)))

    def before(way: float) -> bool:
        _, a, b = along(way)
        return (degrees(atan2(b, a)) - start_hue) % 360 <= (hue - start_hue) % 360

    lightness, a, b = along(edge(before, 0.0, 1.0))
    return lightness, hypot(a, b)
