"""What a strategy is given and what it answers: the settings about colours, the moment, and the base classes."""

from collections.abc import Sequence
from datetime import datetime
from random import Random
from typing import ClassVar, Literal, NamedTuple

from colorchanger_bot.color.readable import Theme, band, nearest_name
from colorchanger_bot.color.state import Json, State
from colorchanger_bot.color.value import Color

# Generated colours keep this much above the least distance, for others round the constants of OKLab differently.
_HAIR = 1e-5


class Plan(NamedTuple):
    """What the settings say about colours; each strategy takes the keys that it `uses`."""

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
    """What may matter when a colour is chosen: `history` is newest first, `now` has a time zone.

    `seen` holds the colours of the channel's last chatters. `presets_only` says that the account has neither Turbo nor
    Prime, so that only the 15 names can be shown.
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
        """What must survive a restart: small, and of JSON values only."""
        return {}

    def load(self, state: State) -> None:
        """Go on from what `save` gave before a restart; a state that makes no sense means to start afresh."""


class Planned(Strategy):
    """A strategy that follows a plan, and that shows names where an account can show nothing else."""

    uses: ClassVar[frozenset[str]] = frozenset()

    # How many proposals may look like the colour that is shown before it is left.
    patience: int = 2
    # Whether the same colour may stay: not every message brings a new one.
    steady: bool = False

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.within = band(plan.theme, plan.min_contrast)
        self.min_step = plan.min_step + _HAIR

    def propose(self, moment: Moment) -> Color | None:
        """The next colour, as if the account could show every one; the 15 names are never replaced."""
        raise NotImplementedError

    def memory(self) -> State:
        """What to remember over a restart."""
        return {}

    def recall(self, memory: State) -> None:
        """Go on from a memory, which may hold anything; an empty one means to start afresh."""

    def next(self, moment: Moment) -> Color | None:
        """The next colour of the plan: another one than is shown, or None if it has no other now."""
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
        """The memory, signed with the strategy that it belongs to."""
        return {"strategy": self.name, **self.memory()}

    def load(self, state: Json) -> None:
        """Go on from a saved state; that of another strategy, or nonsense, means to start afresh."""
        self.recall(state if isinstance(state, dict) and state.get("strategy") == self.name else {})

    def _showable(self, wish: Color, moment: Moment, *, change: bool = False) -> Color:
        if not moment.presets_only or (wish.is_named and not change):
            return wish
        # The last two, so that three names take turns where one alone would fit best.
        avoid = moment.history[:2] if change else ()
        return nearest_name(wish, theme=self.plan.theme, min_contrast=self.plan.min_contrast, avoid=avoid)
