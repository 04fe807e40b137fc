"""The strategies that follow a path: rainbow, palette, gradient, daily and hold."""

from math import dist

from colorchanger_bot.color import space, wheel
from colorchanger_bot.color.bag import Bag, round_of
from colorchanger_bot.color.blend import blend
from colorchanger_bot.color.plan import Moment, Plan, Planned, State
from colorchanger_bot.color.readable import band, fitting_names
from colorchanger_bot.color.value import Color

# Even steps are this far apart (OKLab), unless `min_step` asks for more.
_EVEN = 0.1
# No name is ever this many uses ahead of the others: a memory that says so is invalid.
_OFTEN = 100
# The turn of the wheel from one day to the next: the golden ratio spreads any run of days evenly.
_GOLDEN = 0.6180339887498949


class Rainbow(Planned):
    """A walk round the colour wheel, in steps that look even or of so many degrees."""

    name = "rainbow"
    uses = frozenset({"step", "reverse", "start"})

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._way = -1 if plan.reverse else 1
        self._hue: float | None = None
        self._names = fitting_names(plan.theme, plan.min_contrast)
        self._used = dict.fromkeys(self._names, 0)

    def propose(self, moment: Moment) -> Color:
        """The next colour along the wheel: a step on, or without one the first that visibly differs."""
        if moment.presets_only:
            return self._next_name(moment.shown)
        stride = 1.0 if self.plan.step is None else self.plan.step
        hue = self._start(moment) if self._hue is None else self._hue + self._way * stride
        self._hue = (hue + self._way * self._to_difference(hue, moment.shown)) % 360
        return Color(wheel.ring(self.within)[int(self._hue) % 360])

    def memory(self) -> State:
        """The hue it is at, in degrees, and how often each name was used."""
        return {"hue": self._hue, "used": {name.wire: count for name, count in self._used.items()}}

    def recall(self, memory: State) -> None:
        """Continue from there."""
        hue, used = memory.get("hue"), memory.get("used")
        self._hue = float(hue) if isinstance(hue, int | float) and 0 <= hue < 360 else None
        counts = used if isinstance(used, dict) else {}
        for color in self._names:
            count = counts.get(color.wire)
            self._used[color] = count if isinstance(count, int) and 0 <= count < _OFTEN else 0

    def _start(self, moment: Moment) -> float:
        """The hue to begin with: that of the plan, else that of the colour shown, else a random one."""
        if self.plan.start is not None:
            return self.plan.start
        return space.oklch(moment.shown.rgb)[2] if moment.shown else moment.rng.random() * 360

    def _to_difference(self, hue: float, shown: Color | None) -> int:
        """The degrees from a hue to the first that visibly differs from the colour shown, or to the farthest.

        After a step that was asked for, any other colour will do.
        """
        if shown is None:
            return 0
        if self.plan.step is not None:
            ring = wheel.ring(self.within)
            return next((extra for extra in range(360) if ring[int(hue + self._way * extra) % 360] != shown.rgb), 0)
        labs, lab = wheel.ring_labs(self.within), space.oklab(shown.rgb)
        least = max(self.min_step, _EVEN)
        for extra in range(360):
            if dist(labs[int(hue + self._way * extra) % 360], lab) >= least:
                return extra
        return max(range(360), key=lambda extra: dist(labs[int(hue + self._way * extra) % 360], lab))

    def _next_name(self, shown: Color | None) -> Color:
        """The first name ahead that visibly differs; names used more often than others wait."""
        here = space.oklch(shown.rgb)[2] if shown else self.plan.start or 0.0
        ahead = sorted(self._names, key=lambda name: (self._way * (space.oklch(name.rgb)[2] - here)) % 360)
        others = [name for name in ahead if name != shown]
        far = [name for name in others if shown is None or name.distance(shown) >= self.min_step]
        chosen = min(far or others, key=lambda name: self._used[name] + ahead.index(name))
        self._used[chosen] += 1
        least = min(self._used.values())
        self._used = {name: count - least for name, count in self._used.items()}
        return chosen


class Cycle(Planned):
    """A fixed list of colours, over and over."""

    def __init__(self, plan: Plan, colors: tuple[Color, ...]) -> None:
        super().__init__(plan)
        self._colors = colors
        self._at = 0
        self.patience = len(colors)
        self.steady = len(set(colors)) == 1

    def propose(self, moment: Moment) -> Color:
        """The next colour of the list."""
        color = self._colors[self._at]
        self._at = (self._at + 1) % len(self._colors)
        return color

    def memory(self) -> State:
        """The place in the list."""
        return {"at": self._at}

    def recall(self, memory: State) -> None:
        """Continue from that place, if the list is still long enough."""
        at = memory.get("at")
        self._at = at if isinstance(at, int) and 0 <= at < len(self._colors) else 0


class Palette(Cycle):
    """The colours that the user listed, in their order or from a shuffle bag."""

    name = "palette"
    uses = frozenset({"colors", "order"})

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan, plan.colors)
        self._bag = Bag(plan.colors, plan.min_step) if plan.order == "shuffle" else None

    def propose(self, moment: Moment) -> Color:
        """The next colour of the list, or out of the bag."""
        return self._bag.draw(moment.shown, moment.rng) if self._bag else super().propose(moment)

    def memory(self) -> State:
        """The place in the list, or the colours left in the bag."""
        return {"bag": [*self._bag.save()]} if self._bag else super().memory()

    def recall(self, memory: State) -> None:
        """Continue from there."""
        super().recall(memory)
        if self._bag:
            self._bag.load(memory.get("bag"))


class Gradient(Cycle):
    """From the first of the user's colours to the last and back, blended in OKLab."""

    name = "gradient"
    uses = frozenset({"colors", "steps"})

    def __init__(self, plan: Plan) -> None:
        path = blend(plan.colors, plan.steps, max(plan.min_step, _EVEN), band(plan.theme, plan.min_contrast))
        super().__init__(plan, path + path[-2:0:-1])


class Daily(Planned):
    """A colour for each day, or one that follows the time of day; it depends on date and time alone."""

    name = "daily"
    uses = frozenset({"period", "start"})
    steady = True

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._names = fitting_names(plan.theme, plan.min_contrast)
        self._name_of_day = round_of(self._names, plan.min_step)
        self._turn = (plan.start or 0.0) / 360

    def propose(self, moment: Moment) -> Color | None:
        """The colour of the day; by the clock that of the moment, once it visibly differs from the one shown."""
        if self.plan.period == "day":
            return self._of_day(moment.now.toordinal(), moment)
        color = self._at((moment.now.hour * 60 + moment.now.minute) / 1440, moment)
        shown = moment.shown
        return None if shown and color.distance(shown) < self.min_step else color

    def _of_day(self, day: int, moment: Moment) -> Color:
        """The colour of a day, visibly different from that of the day before."""
        if moment.presets_only:
            return self._name_of_day[day % len(self._name_of_day)]
        return self._at(day * _GOLDEN, moment)

    def _at(self, turn: float, moment: Moment) -> Color:
        """The colour at a turn of the wheel; names take equal shares of it."""
        colors = [name.rgb for name in self._names] if moment.presets_only else wheel.ring(self.within)
        return Color(colors[int((turn + self._turn) % 1 * len(colors)) % len(colors)])


class Hold(Planned):
    """Keeps the colour as it is, or sets a base colour and keeps that."""

    name = "hold"
    uses = frozenset({"base"})
    steady = True

    def propose(self, moment: Moment) -> Color | None:
        """The base colour, if there is one."""
        return self.plan.base
