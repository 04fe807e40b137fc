"""What a strategy works with: the plan from the settings, the moment of a message, and the base classes."""

from collections.abc import Sequence
from datetime import datetime
from random import Random
from typing import ClassVar, Literal, NamedTuple, TypeAlias

from colorchanger_bot.color.readable import Theme, band, nearest_name
from colorchanger_bot.color.value import Color

# Generated colours exceed the minimum distance by this much, because others round the constants of OKLab differently.
_HAIR = 1e-5

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
State: TypeAlias = dict[str, Json]
"""What a strategy remembers after a restart: a few JSON values."""


class Plan(NamedTuple):
    """What the settings say about colours; each strategy reads the keys that it `uses`."""

    strategy: str = "random"
    theme: Theme = "both"
    min_contrast: float = 3.0
    min_step: float = 0.15
    colors: tuple[Color, ...] = ()
    base: Color | None = None
    step: float | None = None
    reverse: bool = False
    start: float | None = None
    order: Literal["sequence", "shuffle"] = "sequence"
    steps: int | None = None
    period: Literal["day", "clock"] = "day"


class Moment(NamedTuple):
    """What a colour may depend on: `history` is newest first, `now` has a time zone.

    `seen` holds the colours of the channel's last chatters. With `presets_only` the account has neither Turbo nor
    Prime, and can show only the 15 names.
    """

    history: Sequence[Color]
    rng: Random
    now: datetime
    seen: Sequence[Color] = ()
    presets_only: bool = False

    @property
    def shown(self) -> Color | None:
        """The colour that the account has now, if known."""
        return self.history[0] if self.history else None


class Strategy:
    """Decides the next colour of one account; subclass it to bring your own."""

    name: ClassVar[str]
    wants_seen: ClassVar[bool] = False

    def next(self, moment: Moment) -> Color | None:
        """The next colour; None leaves the colour as it is."""
        raise NotImplementedError

    def save(self) -> State:
        """What has to survive a restart: a few JSON values."""
        return {}

    def load(self, state: State) -> None:
        """Continue from what `save` returned; with an invalid state, start afresh."""


class Planned(Strategy):
    """A strategy that follows a plan, and that uses names for an account that can show nothing else."""

    uses: ClassVar[frozenset[str]] = frozenset()

    # How many proposals may equal the colour shown before the colour stays as it is.
    patience: int = 2
    # Whether not every message brings a new colour.
    steady: bool = False

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.within = band(plan.theme, plan.min_contrast)
        self.min_step = plan.min_step + _HAIR

    def propose(self, moment: Moment) -> Color | None:
        """The next colour, as if the account could show any; the 15 names are never replaced."""
        raise NotImplementedError

    def memory(self) -> State:
        """What to remember after a restart."""
        return {}

    def recall(self, memory: State) -> None:
        """Continue from a memory, which may contain anything; with an empty one, start afresh."""

    def next(self, moment: Moment) -> Color | None:
        """The next colour of the plan, different from the one shown; None if there is none now."""
        wish = None
        for _ in range(self.patience):
            wish = self.propose(moment)
            if wish is None:
                return None
            color = self._showable(wish, moment)
            if color != moment.shown:
                return color
        if wish is None or self.steady or not moment.presets_only:
            return None
        return self._showable(wish, moment, change=True)

    def save(self) -> State:
        """The memory, with the name of the strategy that it belongs to."""
        return {"strategy": self.name, **self.memory()}

    def load(self, state: Json) -> None:
        """Continue from a saved state; with that of another strategy, or an invalid one, start afresh."""
        self.recall(state if isinstance(state, dict) and state.get("strategy") == self.name else {})

    def _showable(self, wish: Color, moment: Moment, *, change: bool = False) -> Color:
        if not moment.presets_only or (wish.is_named and not change):
            return wish
        # Avoid the last two, so that three names take turns where a single one would fit best.
        avoid = moment.history[:2] if change else ()
        return nearest_name(wish, theme=self.plan.theme, min_contrast=self.plan.min_contrast, avoid=avoid)
