"""The colour changes of one account: one request at a time, tried again while Twitch is in trouble.

A wish is a change that a message or a command asks for. There is never more than one: a newer wish replaces it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from colorchanger_bot.clock import Backoff, Clock, Flag, cancel
from colorchanger_bot.color import Color
from colorchanger_bot.errors import (
    AuthError,
    ColorChangerError,
    ColorRejected,
    OutcomeUnknown,
    RateLimited,
    StoreError,
    TwitchUnavailable,
)

ATTEMPTS = 8
"""Tries of one change while Twitch is in trouble, over about two minutes; the next message starts again."""
FIRST_RETRY_SECONDS, MOST_RETRY_SECONDS = 1.0, 30.0
RATE_LIMIT_SECONDS, MOST_RATE_LIMIT_SECONDS = 60.0, 300.0
"""How long to wait after a 429 without a reset time (Twitch's bucket is per minute), and at most after any."""

Result = Literal["changed", "unneeded", "superseded", "pending", "unknown", "rejected", "login", "unavailable"]
"""`pending` is for commands alone: the change goes on, but the command waits no longer."""


class Change(NamedTuple):
    """How one wish for a new colour ended."""

    user_id: str
    login: str
    result: Result
    color: Color | None
    seconds: float
    """From the message or command to Twitch's answer."""
    reason: str = ""
    is_restore: bool = False
    """Whether it put back the colour from before the first change."""
    channel_id: str = ""
    """Where the message was written; empty after a command."""


@dataclass(slots=True)
class Wish:
    """A colour change that is wanted."""

    since: float
    due: float
    color: Color | None = None
    """None until it is chosen, which happens when the change is due."""
    channel_id: str = ""
    """Where the message was written, for strategies that look at other chatters."""
    is_exact: bool = False
    """Whether a command named the colour."""
    is_restore: bool = False
    ending: asyncio.Future[Change] | None = None
    """Set for a command, which waits for the result."""


class PendingChanges:
    """Makes the changes of one account.

    Args:
        make: chooses the colour of a wish (and sets it, for the next try), sends it, and returns what the account
            shows then; None if nothing had to be sent.
        on_end: called with how each wish ended.
        on_trouble: called with the reason when a change is tried again.
    """

    def __init__(
        self,
        user_id: str,
        login: str,
        *,
        make: Callable[[Wish], Awaitable[Color | None]],
        on_end: Callable[[Change], None],
        on_trouble: Callable[[str], None],
        clock: Clock,
        rng: random.Random,
        log: logging.LoggerAdapter[Any],
    ) -> None:
        self._user_id = user_id
        self._login = login
        self._make = make
        self._on_end = on_end
        self._on_trouble = on_trouble
        self._clock = clock
        self._log = log
        self._wish: Wish | None = None
        self._news: Flag | None = None
        """Ends the wait until the wish is due, while there is one."""
        self._task: asyncio.Task[None] | None = None
        self._not_before = float("-inf")
        self._backoff = Backoff(rng, first=FIRST_RETRY_SECONDS, most=MOST_RETRY_SECONDS)

    @property
    def waiting(self) -> Wish | None:
        """The wish that waits, for its time or for the next try."""
        return self._wish

    def ask(self, wish: Wish) -> None:
        """Make this change, in place of the one that waits."""
        self._end(self._wish, "superseded", None)
        self._wish = wish
        self._backoff.reset()
        self._wake()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work(), name=f"colours of {self._login}")

    def retry_by(self, due: float) -> None:
        """Bring a waiting retry forward, but not into a storm; a first try keeps its time."""
        if self._wish is not None and self._backoff.attempts:
            self._wish.due = min(self._wish.due, max(due, self._clock.monotonic() + FIRST_RETRY_SECONDS))
            self._wake()

    def confirm(self, color: Color) -> None:
        """End a waiting retry as made: a message showed its colour."""
        if self._wish is not None and self._wish.color is not None and self._backoff.attempts:
            wish, self._wish = self._wish, None
            self._end(wish, "changed", color)
            self._wake()

    def drop_automatic(self) -> None:
        """Drop the wish that waits, unless a command asked for it."""
        if self._wish is not None and self._wish.ending is None:
            wish, self._wish = self._wish, None
            self._end(wish, "superseded", None)
            self._wake()

    async def close(self) -> None:
        """Stop, and give up a request under way."""
        if self._task is not None:
            await cancel([self._task])
        self._wish = None

    def _wake(self) -> None:
        if self._news is not None:
            self._news.set()

    async def _work(self) -> None:
        wish: Wish | None = None
        try:
            while (wish := self._wish) is not None:
                wait = max(wish.due, self._not_before) - self._clock.monotonic()
                if wait > 0:
                    self._news = Flag()
                    await self._news.wait_at_most(self._clock, wait)
                    self._news = None
                    continue
                self._wish = None
                await self._try(wish)
        except Exception:  # the outermost place of this task: the next message starts a new one
            self._log.exception("the colour change failed")
            waiting, self._wish = self._wish, None
            for each in (wish, None if waiting is wish else waiting):  # a command waits for how its wish ended
                self._end(each, "unavailable", None, "an error in ColorChanger: see the log")

    async def _try(self, wish: Wish) -> None:
        try:
            shown = await self._make(wish)
        except RateLimited as error:
            self._not_before = self._clock.monotonic() + self._seconds_until(error.retry_at)
            self._retry(wish, self._not_before, error)
        except (TwitchUnavailable, OutcomeUnknown, StoreError) as error:
            # Also without an answer: to set the same colour again does no harm. A store that cannot be written keeps
            # an expired token from being renewed.
            self._retry(wish, self._clock.monotonic() + self._backoff.next(), error)
        except AuthError as error:
            self._end(wish, "login", wish.color, str(error))
        except ColorRejected as error:
            self._end(wish, "rejected", wish.color, str(error))
        else:
            self._end(wish, "unneeded" if shown is None else "changed", shown)

    def _retry(self, wish: Wish, due: float, error: ColorChangerError) -> None:
        if self._wish is not None:  # a newer wish came meanwhile
            self._end(wish, "superseded", wish.color)
        elif self._backoff.attempts >= ATTEMPTS:
            result: Result = "unknown" if isinstance(error, OutcomeUnknown) else "unavailable"
            self._end(wish, result, wish.color, str(error))
        else:
            self._on_trouble(str(error))
            wish.due = due
            self._wish = wish

    def _end(self, wish: Wish | None, result: Result, color: Color | None, reason: str = "") -> None:
        if wish is None:
            return
        seconds = self._clock.monotonic() - wish.since
        change = Change(self._user_id, self._login, result, color, seconds, reason, wish.is_restore, wish.channel_id)
        if wish.ending is not None and not wish.ending.done():
            wish.ending.set_result(change)
        self._on_end(change)

    def _seconds_until(self, retry_at: float | None) -> float:
        if retry_at is None:
            return RATE_LIMIT_SECONDS
        # A clock that is wrong, ours or theirs, must cause neither a storm nor silence.
        return min(max(retry_at - self._clock.now().timestamp(), 1.0), MOST_RATE_LIMIT_SECONDS)
