"""Chooser: which colour comes next, by the strategy of an account."""

from __future__ import annotations

import random

from colorchanger_bot.changer.crowd import Crowd
from colorchanger_bot.clock import Clock
from colorchanger_bot.color import Color, Moment, Plan, Strategy, build


class Chooser:
    """Asks the strategy for one colour after the other; a strategy that depends on nothing else is asked ahead.

    With a strategy of one's `own`, plans change nothing.
    """

    __slots__ = ("_clock", "_crowd", "_drawn", "_own", "_rng", "strategy")

    def __init__(self, plan: Plan, *, crowd: Crowd, clock: Clock, rng: random.Random, own: Strategy | None) -> None:
        self._crowd = crowd
        self._clock = clock
        self._rng = rng
        self._own = own
        self._drawn: Color | None = None
        """The next colour, drawn ahead of its message."""
        self.strategy = own or build(plan)

    def use(self, plan: Plan) -> None:
        """Go by another plan from now on."""
        self.strategy = self._own or build(plan)
        self.forget()

    def next(self, history: tuple[Color, ...], channel_id: str, *, presets_only: bool) -> Color | None:
        """Return the next colour, for a message in that channel; None: none.

        `history` holds the colours that the account has shown, newest first.
        """
        drawn = self._drawn
        self._drawn = None
        return (None if presets_only else drawn) or self._ask(history, channel_id, presets_only=presets_only)

    def draw_ahead(self, history: tuple[Color, ...], *, presets_only: bool) -> None:
        """Have the next colour ready, where it depends on nothing that is still to come."""
        self.forget()
        if self.strategy.ahead and not presets_only:
            self._drawn = self._ask(history, "", presets_only=presets_only)

    def forget(self) -> None:
        """Take back the colour that was drawn ahead: the account shows another one than was thought."""
        self._drawn = None

    def _ask(self, history: tuple[Color, ...], channel_id: str, *, presets_only: bool) -> Color | None:
        moment = Moment(
            history=history,
            rng=self._rng,
            now=self._clock.now(),
            seen=self._crowd.colors(channel_id) if self.strategy.wants_seen else (),
            presets_only=presets_only,
        )
        return self.strategy.next(moment)
