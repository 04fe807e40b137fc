"""A shuffle bag: each colour comes once before any repeats, and look-alikes are kept apart where possible."""

from collections.abc import Iterable, Sequence
from random import Random

from colorchanger_bot.color.plan import Json
from colorchanger_bot.color.value import Color

# After ordering this many colours in all, an order with look-alikes in a row is accepted: there may be no better one.
_PATIENCE = 200


class Bag:
    """Colours in a random order, which is drawn again each time they are used up."""

    def __init__(self, colors: Iterable[Color], min_step: float) -> None:
        self._colors = tuple(dict.fromkeys(colors))
        self._min_step = min_step
        self._left: list[Color] = []

    def draw(self, last: Color | None, rng: Random) -> Color:
        """The next colour: not `last`, and visibly different from it, unless nothing else is left."""
        if not any(color != last for color in self._left):
            self._left = _arranged(self._colors, last, self._min_step, rng)
        far = (place for place, color in enumerate(self._left) if _apart(color, last, self._min_step))
        other = (place for place, color in enumerate(self._left) if color != last)
        return self._left.pop(next(far, next(other, 0)))

    def save(self) -> list[str]:
        """The colours that are left, the next one first."""
        return [color.hex for color in self._left]

    def load(self, left: Json) -> None:
        """Continue with what `save` returned; colours that are gone are dropped, an invalid state empties the bag."""
        by_hex = {color.hex: color for color in self._colors}
        names = left if isinstance(left, list) else []
        known = (by_hex.get(name) for name in names if isinstance(name, str))
        self._left = [color for color in dict.fromkeys(known) if color]


def _apart(color: Color, last: Color | None, min_step: float) -> bool:
    return last is None or (color != last and color.distance(last) >= min_step)


def round_of(colors: Sequence[Color], min_step: float) -> tuple[Color, ...]:
    """The colours in one fixed order, in which neighbours differ visibly, and so do the last and the first."""
    rng = Random(0)
    orders = (_order(colors, None, min_step, rng) for _ in range(1 + _PATIENCE // len(colors)))
    best, _ = min(orders, key=lambda tried: tried[1] + (not _apart(tried[0][0], tried[0][-1], min_step)))
    return tuple(best)


def _arranged(colors: Sequence[Color], last: Color | None, min_step: float, rng: Random) -> list[Color]:
    """The colours in a random order: of several tries, the one with the fewest look-alikes in a row."""
    best, fewest = _order(colors, last, min_step, rng)
    for _ in range(_PATIENCE // len(colors)):
        if not fewest:
            break
        order, alike = _order(colors, last, min_step, rng)
        if alike < fewest:
            best, fewest = order, alike
    return best


def _order(colors: Iterable[Color], last: Color | None, min_step: float, rng: Random) -> tuple[list[Color], int]:
    """A random order in which each colour is far from the one before, and how often there was no such colour."""
    left = list(colors)
    rng.shuffle(left)
    order: list[Color] = []
    alike = 0
    while left:
        place = next((place for place, color in enumerate(left) if _apart(color, last, min_step)), None)
        if place is None:
            alike += 1
            place = 0 if left[0] != last or len(left) == 1 else 1
        last = left.pop(place)
        order.append(last)
    return order, alike
