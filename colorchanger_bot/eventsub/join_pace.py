"""Twitch's limits for one account: when it may join its next channel, and how many sockets it may have."""

from __future__ import annotations

import asyncio
import random
from collections import deque

from colorchanger_bot.clock import Clock
from colorchanger_bot.errors import ColorChangerError, RateLimited
from colorchanger_bot.eventsub.timing import Timing


class JoinPace:
    """Allows `Timing.joins` joins in any `Timing.join_window`, as Twitch counts them, none while Twitch asks to wait.

    Twitch counts a join at some moment between request and answer. So each one takes a place from its beginning until
    the window after its end has passed; then slow answers cannot push two bursts together.
    """

    def __init__(self, clock: Clock, rng: random.Random, timing: Timing) -> None:
        self._clock = clock
        self._rng = rng
        self._timing = timing
        self._under_way = 0
        self._ended: deque[float] = deque()
        self._hold_until = float("-inf")

    def begin(self) -> None:
        """Count a join that begins."""
        self._under_way += 1

    def end(self) -> None:
        """Count a join as ended: answered, or given up."""
        self._under_way -= 1
        self._ended.append(self._clock.monotonic())

    def seconds_to_next(self, *, spare: int = 0) -> float:
        """Seconds until a join may begin and still leave `spare` free; infinity while that depends on an answer."""
        window_began = self._clock.monotonic() - self._timing.join_window
        while self._ended and self._ended[0] <= window_began:
            self._ended.popleft()
        excess = self._under_way + len(self._ended) - (self._timing.joins - spare)
        if excess < 0:
            return self.seconds_held()
        wait = self._ended[excess] - window_began if excess < len(self._ended) else float("inf")
        return max(wait, self.seconds_held())

    def seconds_held(self) -> float:
        """Seconds for which Twitch asks for no joins at all."""
        return max(0.0, self._hold_until - self._clock.monotonic())

    def seconds_after(self, error: ColorChangerError, *, in_session: bool) -> float | None:
        """Seconds that Twitch asks to wait after this error, which holds the other joins too; None if it does not say.

        `in_session` says whether Twitch has confirmed something in the present session: then a limit on sessions is
        about one channel alone.
        """
        match error:
            case RateLimited(retry_at=None):
                wait = self._timing.linger * self._rng.uniform(1.0, 1.08)
                if not in_session:
                    self._hold(wait)
                return wait
            case RateLimited(retry_at=float() as retry_at):
                # A wrong clock, ours or theirs, must lead neither to a storm of requests nor to silence.
                wait = min(max(retry_at - self._clock.now().timestamp(), 1.0), 2 * self._timing.linger)
                self._hold(wait)
                return wait
            case _:  # Twitch is in trouble, or the answer was lost
                return None

    def _hold(self, seconds: float) -> None:
        self._hold_until = self._clock.monotonic() + seconds


class AccountLimits:
    """What all chat sessions of an account share."""

    def __init__(self, clock: Clock, rng: random.Random, timing: Timing) -> None:
        self.joins = JoinPace(clock, rng, timing)
        self.sockets = asyncio.Semaphore(timing.sockets)
        """A place for each socket that Twitch allows at the same time."""
