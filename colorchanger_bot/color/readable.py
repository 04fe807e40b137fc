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

# The grounds of Twitch's chat.
DARK: Final = Color(0x18181B)
LIGHT: Final = Color(0xFFFFFF)

# Generated colours keep this much above the least contrast, so that they also pass where someone computes with the
# rounded luminance weights of WCAG (0.2126, 0.7152, 0.0722), which differ by up to 0.02%.
_MARGIN = 1.0005

# An account that may only use names changes among at least so many, even where fewer of them are readable.
_FEWEST = 3


class Band(NamedTuple):
    """The luminances (0 to 1) that are readable."""

    low: float
    high: float

    def __contains__(self, luminance: object) -> bool:
        return isinstance(luminance, float) and self.low <= luminance <= self.high

    def inner(self) -> "Band":
        """The band without its edges, from which rounding to 8 bits cannot lead out; all of it where it is narrow."""
        low, high = self.low * 1.01, self.high * 0.99
        return Band(low, high) if low < high else self


@lru_cache(maxsize=64)
def band(theme: Theme, min_contrast: float) -> Band:
    """The luminances that a generated colour may have; where nothing is readable, the single best one."""
    contrast = max(min_contrast, 1.0) * _MARGIN
    dark, light = _grounds()
    low = contrast * dark - 0.05 if theme in ("both", "dark") else 0.0
    high = light / contrast - 0.05 if theme in ("both", "light") else 1.0
    if theme == "both" and low > high:
        low = high = sqrt(dark * light) - 0.05
    return Band(min(max(low, 0.0), 1.0), min(max(high, 0.0), 1.0))


def highest_contrast(theme: Theme) -> float:
    """The largest `min_contrast` that colours can have on a theme, rounded down to a tenth."""
    dark, light = _grounds()
    highest = {"both": sqrt(light / dark), "dark": light / dark, "light": light / 0.05, "any": light / 0.05}[theme]
    return int(highest / _MARGIN * 10 + 1e-9) / 10


def contrasts(color: Color, theme: Theme = "both") -> tuple[float, ...]:
    """The contrast of a colour on each ground of a theme: dark, then light."""
    grounds = {"both": (DARK, LIGHT), "dark": (DARK,), "light": (LIGHT,), "any": ()}[theme]
    return tuple(color.contrast(ground) for ground in grounds)


def readable(color: Color, theme: Theme, min_contrast: float) -> bool:
    """Whether a colour has at least this contrast on every ground of the theme."""
    return all(contrast >= min_contrast for contrast in contrasts(color, theme))


def unreadable_on(color: Color, theme: Theme, min_contrast: float) -> tuple[Ground, ...]:
    """The grounds of a theme on which a colour has less than this contrast."""
    grounds: tuple[tuple[Ground, Color], ...] = (("dark", DARK), ("light", LIGHT))
    return tuple(name for name, ground in grounds if theme in (name, "both") and color.contrast(ground) < min_contrast)


def make_readable(color: Color, theme: Theme, min_contrast: float) -> Color:
    """The nearest readable colour of the same hue: lightness moves, and chroma only where sRGB ends.

    Where `min_contrast` is out of reach (see `highest_contrast`) it is as readable as can be.
    """
    if readable(color, theme, min_contrast):
        return color
    return Color(fit(*space.oklch(color.rgb), band(theme, min_contrast)))


def nearest_name(color: Color, *, theme: Theme, min_contrast: float, avoid: Collection[Color] = ()) -> Color:
    """The one of the 15 that stands in best for a colour: readable if possible, and most like it.

    None of `avoid` is taken as long as there is another.
    """
    good = _readable_names(theme, min_contrast)
    return min(PRESETS, key=lambda name: (name in avoid, name not in good, color.distance(name)))


@lru_cache(maxsize=64)
def fitting_names(theme: Theme, min_contrast: float) -> tuple[Color, ...]:
    """The readable ones of the 15, in the order of their hues; with the most readable others if they are too few."""
    count = max(len(_readable_names(theme, min_contrast)), _FEWEST)
    best = sorted(PRESETS, key=lambda name: min(contrasts(name, theme), default=0.0), reverse=True)[:count]
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
    # Where the band is narrower than the steps of 8 bits, duller colours have more neighbours to choose from.
    for share in (1.0, 0.97, 0.94, 0.9, 0.8) if within.low < within.high else ():
        rgb = _neighbour(space.from_oklch(lightness, share * chroma, hue), within)
        if space.luminance(rgb) in within:
            break
    return rgb


# Changes of red, green and blue that nobody sees, the smallest first.
_CHANGES = sorted(product(range(-2, 3), repeat=3), key=lambda change: sum(map(abs, change)))


def _neighbour(rgb: int, within: Band) -> int:
    """The nearest colour that looks the same and is within the band; the colour itself if there is none."""
    channels = rgb >> 16, rgb >> 8 & 255, rgb & 255
    for change in _CHANGES:
        red, green, blue = (min(max(value + by, 0), 255) for value, by in zip(channels, change, strict=True))
        near = red << 16 | green << 8 | blue
        if space.luminance(near) in within:
            return near
    return rgb


def _grounds() -> tuple[float, float]:
    """The luminances of the dark and the light ground as WCAG counts them, with the glare of 0.05."""
    return space.luminance(DARK.rgb) + 0.05, space.luminance(LIGHT.rgb) + 0.05
