"""Which colour comes next: the strategy of an account, and the colours of the people around it."""

from __future__ import annotations

import random
from collections import OrderedDict

from colorchanger_bot.clock import Clock
from colorchanger_bot.color import Color, Moment, Plan, Strategy, build
from colorchanger_bot.errors import UnknownColor

CHATTERS, CHANNELS = 30, 200


class ChatterColors:
    """The colours of the last 30 chatters in each channel, for strategies that look at them."""

    def __init__(self) -> None:
        self.watchers: set[str] = set()
        """The user ids of the accounts whose strategies look at others now."""
        self._channels: OrderedDict[str, OrderedDict[str, str]] = OrderedDict()

    def watch(self, user_id: str, *, is_watching: bool) -> None:
        """Note whether the strategy of an account looks at others."""
        (self.watchers.add if is_watching else self.watchers.discard)(user_id)

    def add(self, channel_id: str, user_id: str, color: str) -> None:
        """Remember the colour (`#RRGGBB`, or empty) that somebody's message was sent with."""
        channel = self._channels.setdefault(channel_id, OrderedDict())
        self._channels.move_to_end(channel_id)
        if len(self._channels) > CHANNELS:
            self._channels.popitem(last=False)
        channel[user_id] = color
        channel.move_to_end(user_id)
        if len(channel) > CHATTERS:
            channel.popitem(last=False)

    def of(self, channel_id: str) -> tuple[Color, ...]:
        """Return the colours, newest first, leaving out people who never chose one."""
        found: list[Color] = []
        for text in reversed(self._channels.get(channel_id, OrderedDict[str, str]()).values()):
            try:
                found.append(Color.parse(text))
            except UnknownColor:
                continue
        return tuple(found)


class Chooser:
    """Asks the strategy of one account for the next colour; a custom strategy stays, whatever the plan says."""

    __slots__ = ("_chatters", "_clock", "_custom", "_rng", "strategy")

    def __init__(
        self, plan: Plan, *, chatters: ChatterColors, clock: Clock, rng: random.Random, custom: Strategy | None
    ) -> None:
        self._chatters = chatters
        self._clock = clock
        self._rng = rng
        self._custom = custom
        self.strategy = custom or build(plan)

    def use(self, plan: Plan) -> None:
        """Follow another plan from now on."""
        self.strategy = self._custom or build(plan)

    def next(self, history: tuple[Color, ...], channel_id: str, *, names_only: bool) -> Color | None:
        """Return the next colour for a message in that channel; None leaves the colour as it is.

        `history` holds the colours that the account has shown, newest first.
        """
        moment = Moment(
            history=history,
            rng=self._rng,
            now=self._clock.now(),
            seen=self._chatters.of(channel_id) if self.strategy.wants_seen else (),
            presets_only=names_only,
        )
        return self.strategy.next(moment)
