"""Which colours can be read on Twitch, and the nearest one that can."""

from collections.abc import Collection
from functools import lru_cache
from itertools import product
from math import sqrt
from typing import Final, Literal, NamedTuple

from colorchanger_bot.color import space
from colorchanger_bot.color.value import PRESETS, Color

Theme = Literal["both", "dark", "light", "any"]
Ground = Literal["dark", "light"]

# The backgrounds of Twitch's chat.
DARK: Final = Color(0x18181B)
LIGHT: Final = Color(0xFFFFFF)

# Generated colours exceed the minimum contrast by this factor, so that they also pass a check with the rounded
# luminance weights of WCAG (0.2126, 0.7152, 0.0722), which differ by up to 0.02%.
_MARGIN = 1.0005

# An account that may only use names gets at least this many, even if fewer of them are readable.
_FEWEST = 3


class Band(NamedTuple):
    """The luminances (0 to 1) that are readable."""

    low: float
    high: float

    def __contains__(self, luminance: object) -> bool:
        return isinstance(luminance, float) and self.low <= luminance <= self.high

    def inner(self) -> "Band":
        """The band without its edges, so that rounding to 8 bits stays inside; a narrow band as it is."""
        low, high = self.low * 1.01, self.high * 0.99
        return Band(low, high) if low < high else self


@lru_cache(maxsize=64)
def band(theme: Theme, min_contrast: float) -> Band:
    """The luminances that a generated colour may have; if none is readable, the single best one."""
    contrast = max(min_contrast, 1.0) * _MARGIN
    dark, light = _grounds()
    low = contrast * dark - 0.05 if theme in ("both", "dark") else 0.0
    high = light / contrast - 0.05 if theme in ("both", "light") else 1.0
    if theme == "both" and low > high:
        low = high = sqrt(dark * light) - 0.05
    return Band(min(max(low, 0.0), 1.0), min(max(high, 0.0), 1.0))


def highest_contrast(theme: Theme) -> float:
    """The largest possible `min_contrast` on a theme, rounded down to a tenth."""
    dark, light = _grounds()
    highest = {"both": sqrt(light / dark), "dark": light / dark, "light": light / 0.05, "any": light / 0.05}[theme]
    return int(highest / _MARGIN * 10 + 1e-9) / 10


def _contrasts(color: Color, theme: Theme) -> tuple[float, ...]:
    """The contrast of a colour on each background of a theme: dark, then light."""
    grounds = {"both": (DARK, LIGHT), "dark": (DARK,), "light": (LIGHT,), "any": ()}[theme]
    return tuple(color.contrast(ground) for ground in grounds)


def readable(color: Color, theme: Theme, min_contrast: float) -> bool:
    """Whether a colour has at least this contrast on every background of the theme."""
    return not unreadable_on(color, theme, min_contrast)


def unreadable_on(color: Color, theme: Theme, min_contrast: float) -> tuple[Ground, ...]:
    """The backgrounds of a theme on which a colour has less than this contrast."""
    grounds: tuple[tuple[Ground, Color], ...] = (("dark", DARK), ("light", LIGHT))
    return tuple(name for name, ground in grounds if theme in (name, "both") and color.contrast(ground) < min_contrast)


def make_readable(color: Color, theme: Theme, min_contrast: float) -> Color:
    """The nearest readable colour of the same hue: its lightness changes, and its chroma only at the limit of sRGB.

    If `min_contrast` is out of reach (see `highest_contrast`), it is as readable as possible.
    """
    if readable(color, theme, min_contrast):
        return color
    return Color(fit(*space.oklch(color.rgb), band(theme, min_contrast)))


def nearest_name(color: Color, *, theme: Theme, min_contrast: float, avoid: Collection[Color] = ()) -> Color:
    """The one of the 15 names that replaces a colour best: readable if possible, and most like it.

    A colour of `avoid` is used only if nothing else is left.
    """
    good = _readable_names(theme, min_contrast)
    return min(PRESETS, key=lambda name: (name in avoid, name not in good, color.distance(name)))


@lru_cache(maxsize=64)
def fitting_names(theme: Theme, min_contrast: float) -> tuple[Color, ...]:
    """The readable ones of the 15 names, in the order of their hues; if too few, the most readable others too."""
    count = max(len(_readable_names(theme, min_contrast)), _FEWEST)
    best = sorted(PRESETS, key=lambda name: min(_contrasts(name, theme), default=0.0), reverse=True)[:count]
    return tuple(sorted(best, key=lambda name: space.oklch(name.rgb)[2]))


@lru_cache(maxsize=64)
def _readable_names(theme: Theme, min_contrast: float) -> frozenset[Color]:
    return frozenset(name for name in PRESETS if readable(name, theme, min_contrast))


def fit(lightness: float, chroma: float, hue: float, within: Band) -> int:
    """The sRGB colour nearest to an OKLCH colour whose luminance, after rounding to 8 bits, is within the band."""
    rgb = space.from_oklch(lightness, chroma, hue)
    light = space.luminance(rgb)
    if light in within:
        return rgb

    def reached(lightness: float) -> bool:
        there = space.luminance(space.from_oklch(lightness, chroma, hue))
        return there >= within.low if light < within.low else there <= within.high

    lightness = space.edge(reached, 1.0 if light < within.low else 0.0, lightness)
    rgb = space.from_oklch(lightness, chroma, hue)
    # If the band is narrower than a step of 8 bits, duller colours have more neighbours to choose from.
    for share in (1.0, 0.97, 0.94, 0.9, 0.8, 0.7, 0.6, 0.45, 0.3) if within.low < within.high else ():
        rgb = _neighbour(space.from_oklch(lightness, share * chroma, hue), within)
        if space.luminance(rgb) in within:
            break
    return rgb


# Changes of red, green and blue too small to see, the smallest first.
_CHANGES = sorted(product(range(-2, 3), repeat=3), key=lambda change: sum(map(abs, change)))


def _neighbour(rgb: int, within: Band) -> int:
    """The nearest colour within the band that looks the same; the colour itself if there is none."""
    channels = rgb >> 16, rgb >> 8 & 255, rgb & 255
    for change in _CHANGES:
        red, green, blue = (min(max(value + by, 0), 255) for value, by in zip(channels, change, strict=True))
        near = red << 16 | green << 8 | blue
        if space.luminance(near) in within:
            return near
    return rgb


def _grounds() -> tuple[float, float]:
    """The luminances of the dark and the light background, with the 0.05 for glare that WCAG adds."""
    return space.luminance(DARK.rgb) + 0.05, space.luminance(LIGHT.rgb) + 0.05
