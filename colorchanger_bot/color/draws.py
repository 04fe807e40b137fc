"""The strategies that draw at random: random, presets, standout and shades."""

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import repeat
from math import asin, degrees, dist
from typing import ClassVar

from colorchanger_bot.color import space, wheel
from colorchanger_bot.color.bag import Bag
from colorchanger_bot.color.plan import Moment, Plan, Planned, State
from colorchanger_bot.color.readable import fitting_names
from colorchanger_bot.color.value import Color

# Below this chroma a colour looks grey, and its hue means nothing.
_GREY = 0.03
# The widest angle to keep from the last hue: a wider one would leave too little to choose from.
_WIDEST = 160.0
# How many candidates are compared with how many chatters for one that stands out: about 60 microseconds.
_HANDFUL = 12
_CHATTERS = 30


class Random(Planned):
    """Random colours: every hue is equally likely, and far from the last one."""

    name = "random"

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._names = Bag(fitting_names(plan.theme, plan.min_contrast), plan.min_step)

    @cached_property
    def _clear(self) -> float:
        """The angle (degrees) to keep from the last hue; slow to compute, so only when it is needed."""
        return _clear_angle(self.min_step, wheel.weakest_chroma(self.within))

    def propose(self, moment: Moment) -> Color:
        """A readable, vivid colour; with names only, the next from a bag of the readable names."""
        if moment.presets_only:
            return self._names.draw(moment.shown, moment.rng)
        hue = self._fresh_hue(moment)
        part = wheel.vivid_slice(hue, self.within)
        wanted = _apart(moment, self.min_step)
        rgb = wheel.draw(part, hue, self.within, moment.rng, wanted)
        if rgb is None:
            rgb = next(filter(wanted, part.corners), None)
        return _any(wheel.pool(self.within), wanted, moment) if rgb is None else Color(rgb)

    def memory(self) -> State:
        """The names that are left in the bag."""
        return {"names": [*self._names.save()]}

    def recall(self, memory: State) -> None:
        """Continue with the same bag."""
        self._names.load(memory.get("names"))

    def _fresh_hue(self, moment: Moment) -> float:
        """A hue away from the last one, and a little away from the two before.

        Only the angles between hues decide, never the hues themselves, so every hue stays equally likely.
        """
        recent = (space.oklch(color.rgb) for color in moment.history[:3])
        taken = [
            (hue, self._clear / (4 if age else 1)) for age, (_, chroma, hue) in enumerate(recent) if chroma > _GREY
        ]
        hue = 0.0
        for _ in range(64):
            hue = moment.rng.random() * 360
            if all(abs((hue - other + 180) % 360 - 180) >= clear for other, clear in taken):
                break
        return hue


class Presets(Random):
    """The names that every account may use and that are readable on the theme, from a bag."""

    name = "presets"

    def propose(self, moment: Moment) -> Color:
        """The next name from the bag."""
        return self._names.draw(moment.shown, moment.rng)


class Standout(Random):
    """The colour least like those of the channel's last chatters."""

    name = "standout"
    wants_seen: ClassVar[bool] = True

    def propose(self, moment: Moment) -> Color:
        """The best of a few random candidates, so that it varies; a random colour while nobody else has chatted."""
        if not moment.seen:
            return super().propose(moment)
        names = fitting_names(self.plan.theme, self.plan.min_contrast)
        colors = tuple(name.rgb for name in names) if moment.presets_only else wheel.pool(self.within)
        wanted = _apart(moment, self.min_step)
        others = list({space.oklab(color.rgb) for color in moment.seen[:_CHATTERS]})
        best, margin = None, -1.0
        for _ in range(min(_HANDFUL, len(colors) // 2 + 1)):
            rgb = colors[int(moment.rng.random() * len(colors))]
            lab = space.oklab(rgb)
            for other in others:
                if dist(lab, other) <= margin:
                    break
            else:
                if wanted(rgb):
                    best, margin = rgb, min(map(dist, repeat(lab), others))
        return _any(colors, wanted, moment) if best is None else Color(best)


class Shades(Planned):
    """Lighter and darker, duller and more vivid colours of the hue of a base colour."""

    name = "shades"
    uses = frozenset({"base"})
    patience = 1

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        base = plan.base or Color(0x808080)
        _, chroma, self._hue = space.oklch(base.rgb)
        _, most = wheel.peak(self._hue, self.within)
        muted = min(0.35 * chroma, most) if chroma > _GREY else 0.0
        self._part = wheel.cut(self._hue, muted, min(1.5 * chroma, most), self.within)

    def propose(self, moment: Moment) -> Color:
        """A shade that visibly differs from the one shown, where the hue has one."""
        apart = _apart(moment, self.min_step)
        corners = [space.oklab(rgb) for rgb in self._part.corners]

        def wanted(rgb: int) -> bool:
            if moment.presets_only:
                return True  # a name will replace it, and that name must differ
            # Not the middle of a narrow range: from there no other shade would be far enough.
            return apart(rgb) and max(map(dist, repeat(space.oklab(rgb)), corners)) >= self.min_step

        rgb = wheel.draw(self._part, self._hue, self.within, moment.rng, wanted)
        return _farthest(self._part.corners, moment) if rgb is None else Color(rgb)


def _clear_angle(min_step: float, chroma: float) -> float:
    """The angle between two hues (degrees) at which colours of a chroma are `min_step` apart."""
    half = min_step / (2 * chroma) if chroma else 1.0
    return min(2 * degrees(asin(min(half, 1.0))), _WIDEST)


def _apart(moment: Moment, min_step: float) -> Callable[[int], bool]:
    """Return the test whether a colour visibly differs from the one shown."""
    shown = moment.shown
    if shown is None:
        return lambda rgb: True
    lab = space.oklab(shown.rgb)
    return lambda rgb: rgb != shown.rgb and dist(space.oklab(rgb), lab) >= min_step


def _any(colors: Sequence[int], wanted: Callable[[int], bool], moment: Moment) -> Color:
    """A random one of the colours that are wanted; if none is found, the one least like the colour shown."""
    for _ in range(_HANDFUL):
        rgb = colors[int(moment.rng.random() * len(colors))]
        if wanted(rgb):
            return Color(rgb)
    return _farthest(colors, moment)


def _farthest(colors: Sequence[int], moment: Moment) -> Color:
    """The colour least like the one shown."""
    return Color(wheel.farthest(colors, moment.shown.rgb) if moment.shown else colors[0])
