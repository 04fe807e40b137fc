"""Channel: one channel that an account wants to read, how it stands, and when it is tried again."""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import dataclass, field
from typing import Any, Literal

from colorchanger_bot.clock import Backoff, Clock
from colorchanger_bot.eventsub.timing import Timing

State = Literal["joining", "joined", "parked"]
NOW = float("-inf")
CALM_SECONDS = 60.0
"""A subscription that is confirmed again so soon after the last time was not a success."""


@dataclass(slots=True, eq=False)
class Channel:
    """One wanted channel; all changes of its state go through `joined`, `wait` and `park`, which say so once."""

    login: str
    id: str | None
    clock: Clock = field(repr=False)
    log: logging.LoggerAdapter[Any] = field(repr=False)
    retry: Backoff = field(repr=False)
    parking: Backoff = field(repr=False)
    state: State = "joining"
    reason: str = ""
    next_try: float = NOW
    """On the monotonic clock."""
    refused: bool = False
    """Whether the last answer of Twitch was a refusal."""
    subscription: str = ""
    """Empty: not subscribed, or to one whose number is not known yet."""
    joined_at: float = NOW
    asking: asyncio.Task[None] | None = field(default=None, repr=False)

    @classmethod
    def wanted(
        cls,
        login: str,
        id_: str | None,
        *,
        clock: Clock,
        log: logging.LoggerAdapter[Any],
        rng: random.Random,
        timing: Timing,
    ) -> Channel:
        """Return a channel that is to be joined now."""
        retry, parking = (Backoff(rng, first=first, most=most) for first, most in (timing.retry, timing.park))
        return cls(login, id_, clock, log, retry, parking)

    @property
    def story(self) -> str:
        """How it stands, in words: the state, and if it is not read the reason and the next try."""
        if self.state == "joined":
            return "joined"
        reason = f": {self.reason}" if self.reason else ""
        left = self.next_try - self.clock.monotonic()
        return f"{self.state}{reason}{f'; next try in {_in_words(left)}' if left > 0 else ''}"

    def joined(self, subscription: str) -> None:
        """Take note that Twitch has confirmed it."""
        if self.clock.monotonic() - self.joined_at > CALM_SECONDS:
            self.retry.reset()  # else it comes and goes, and each time is waited for longer
        self.subscription = subscription
        self.joined_at = self.clock.monotonic()
        self.refused = False
        self.parking.reset()
        self._enter("joined", "")

    def wait(self, seconds: float, reason: str) -> None:
        """Try again after so many seconds."""
        self.next_try = self.clock.monotonic() + seconds
        self._enter("joining", reason)

    def park(self, reason: str) -> None:
        """Leave it alone for long, ever longer: whatever is in the way is not expected to pass soon."""
        self.refused = True
        self.next_try = self.clock.monotonic() + self.parking.next()
        self._enter("parked", reason)

    def lose(self) -> None:
        """Take note that the subscription is gone and may be asked for again at once."""
        self.subscription = ""
        if self.state == "joined":
            self.state, self.next_try = "joining", NOW

    def hurry(self) -> None:
        """Forget what was in the way: something has changed that makes a try worthwhile."""
        self.retry.reset()
        self.parking.reset()
        self.refused = False
        self.next_try = NOW

    def stop_asking(self) -> None:
        """Give up a request under way."""
        if self.asking is not None:
            self.asking.cancel()
            self.asking = None

    def _enter(self, state: State, reason: str) -> None:
        before = self.state, bool(self.reason)
        self.state, self.reason = state, reason
        # Trouble that changes its words (500, 502, no answer) is the same trouble.
        level = logging.DEBUG if before == (state, bool(reason)) else logging.WARNING
        left = _in_words(self.next_try - self.clock.monotonic())
        match state:
            case "joined" if before[0] != "joined":
                self.log.info("#%s: reading the chat", self.login)
            case "parked":
                self.log.log(level, "#%s: not read: %s; trying again in %s", self.login, reason, left)
            case "joining":
                self.log.log(level, "#%s: not joined yet: %s; trying again in %s", self.login, reason, left)
            case _:
                pass


def _in_words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
