"""A chat colour as a value: what it looks like, its name, and how it is written."""

from string import hexdigits
from typing import Final, NoReturn

from colorchanger_bot.color import space
from colorchanger_bot.color.names import NAME_OF, NAMED, TWITCH, squash
from colorchanger_bot.errors import UnknownColor

# Longer than any name or hex. Longer input is cut first, because chat is hostile.
_LONGEST = 40


class Color:
    """An immutable 24-bit sRGB colour; two are equal if they look the same, however they were written."""

    __slots__ = ("rgb",)

    rgb: int
    """From 0 (black) to 0xFFFFFF (white)."""

    def __init__(self, rgb: int) -> None:
        """Raises:
        ValueError: `rgb` is not from 0 (black) to 0xFFFFFF (white).
        """
        if not 0 <= rgb <= 0xFFFFFF:
            raise ValueError(f"an sRGB colour is from 0 to 0xFFFFFF, not {rgb}")
        object.__setattr__(self, "rgb", rgb)

    @classmethod
    def parse(cls, text: str) -> "Color":
        """The colour that a person wrote: `#8F3AFF`, `8f3aff`, `#f80`, a Twitch name in any spelling, or a CSS name.

        Raises:
            UnknownColor: it is none of these; with the closest name, if one is close.
        """
        plain = _printable(text)
        digits = plain.removeprefix("#")
        if len(digits) in (3, 6) and set(digits) <= set(hexdigits):
            return cls(int(digits if len(digits) == 6 else "".join(2 * digit for digit in digits), 16))
        rgb = NAMED.get(squash(plain))
        if rgb is None:
            suggestion = _suggestion(squash(plain))
            raise UnknownColor(plain, suggestion, is_hex=suggestion is None and _is_hex(plain))
        return cls(rgb)

    @property
    def hex(self) -> str:
        """The colour as `#RRGGBB`."""
        return f"#{self.rgb:06X}"

    @property
    def name(self) -> str | None:
        """Twitch's name for exactly this colour, such as `blue_violet`."""
        return NAME_OF.get(self.rgb)

    @property
    def is_named(self) -> bool:
        """Whether it is one of the 15 colours that every account may use."""
        return self.rgb in NAME_OF

    @property
    def wire(self) -> str:
        """What is sent to Twitch: the name if there is one, because every account may use it, else the hex."""
        return self.name or self.hex

    def distance(self, other: "Color") -> float:
        """How different two colours look (OKLab): 0.02 is just noticeable, 0.15 is clearly another colour."""
        return space.distance(self.rgb, other.rgb)

    def contrast(self, other: "Color") -> float:
        """The contrast ratio of two colours, from 1 to 21 (WCAG 2.2)."""
        return space.contrast(self.rgb, other.rgb)

    def __eq__(self, other: object) -> bool:
        return self.rgb == other.rgb if isinstance(other, Color) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.rgb)

    def __str__(self) -> str:
        return self.wire

    def __repr__(self) -> str:
        return f"Color(0x{self.rgb:06X})"

    def __reduce__(self) -> tuple[type["Color"], tuple[int]]:
        return Color, (self.rgb,)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a colour cannot be changed: {name} is read-only")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a colour cannot be changed: {name} is read-only")


PRESETS: Final[tuple[Color, ...]] = tuple(Color(rgb) for rgb in TWITCH.values())


def _printable(text: str) -> str:
    """The text without control and direction characters, trimmed, and short enough to echo."""
    return "".join(mark for mark in text[: 4 * _LONGEST] if mark.isprintable()).strip()[:_LONGEST]


def _is_hex(plain: str) -> bool:
    """Whether this was meant as a hex: it begins like one, or consists of such digits."""
    return plain.startswith(("#", "0x")) or (set(plain) <= set(hexdigits) and not plain.isalpha() and bool(plain))


def _suggestion(squashed: str) -> str | None:
    """The name with the most similar spelling, as Twitch writes it if it is one of its own."""
    from difflib import get_close_matches  # noqa: PLC0415 - slow to import, and only needed after a typing error

    close = get_close_matches(squashed, NAMED, n=1, cutoff=0.7)
    return NAME_OF.get(NAMED[close[0]], close[0]) if close else None
