"""Channel: one channel that an account reads, its state and its two subscriptions, and when it is tried again."""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from colorchanger_bot.clock import Backoff, Clock
from colorchanger_bot.eventsub.timing import Timing
from colorchanger_bot.twitch.helix import CHAT_MESSAGE, CHAT_NOTIFICATION
from colorchanger_bot.words import duration

State = Literal["joining", "joined", "parked"]
NOW = float("-inf")
STABLE_SECONDS = 60.0
"""A subscription that ended sooner than this was no success: the waits keep growing."""


class ChannelStatus(NamedTuple):
    """The state of a channel, as people see it."""

    state: State
    reason: str = ""
    """Why the channel is not read; empty if it is, or soon will be."""
    retry_seconds: float | None = None
    """Until the next try; None if one is under way or none is needed."""


@dataclass(slots=True, eq=False)
class Subscription:
    """One subscription of a channel, as Twitch confirmed it, and the request for it that is under way."""

    type: str
    retry: Backoff = field(repr=False)
    confirmed: bool = False
    id: str = ""
    """Empty: not subscribed, or the id is not known yet."""
    confirmed_at: float = NOW
    """On the monotonic clock, as is `next_try`."""
    next_try: float = NOW
    request: asyncio.Task[None] | None = field(default=None, repr=False)

    def confirm(self, id_: str, now: float) -> None:
        """Mark it as confirmed by Twitch."""
        if now - self.confirmed_at > STABLE_SECONDS:
            self.retry.reset()
        self.confirmed, self.id, self.confirmed_at = True, id_, now

    def lose(self) -> None:
        """Mark it as lost; it may be requested again at once."""
        if self.confirmed:
            self.next_try = NOW
        self.confirmed, self.id = False, ""

    def cancel_request(self) -> None:
        """Give up a request under way."""
        if self.request is not None:
            self.request.cancel()
            self.request = None


@dataclass(slots=True, eq=False)
class Channel:
    """One channel. Its state changes only in `joined`, `wait` and `park`, which log each change once."""

    login: str
    id: str | None
    clock: Clock = field(repr=False)
    log: logging.LoggerAdapter[Any] = field(repr=False)
    messages: Subscription
    """The messages: only this subscription decides the channel's state."""
    notifications: Subscription
    """Announcements, resubscriptions and the like; asked for once the channel is joined."""
    parking: Backoff = field(repr=False)
    state: State = "joining"
    reason: str = ""
    refused: bool = False
    """Whether Twitch refused the last request."""
    is_gone: bool = False
    """Whether Twitch said that there is no such channel, or not any more."""
    doubted: bool = False
    """Whether it is to be looked up by its id before the next try: it may have been renamed, or be gone."""
    lookup_at: float = NOW
    """When a channel that is in doubt is looked up, on the monotonic clock."""
    renamed_to: str = ""
    """Its present name at Twitch, if that is not `login`, the name that was asked for."""

    @classmethod
    def new(
        cls,
        login: str,
        id_: str | None,
        *,
        clock: Clock,
        log: logging.LoggerAdapter[Any],
        rng: random.Random,
        timing: Timing,
    ) -> Channel:
        """Return a channel to be joined now."""
        messages, notifications, parking = (
            Backoff(rng, first=first, most=most)
            for first, most in (timing.retry, (timing.retry[0], timing.park[1]), timing.park)
        )
        return cls(
            login,
            id_,
            clock,
            log,
            Subscription(CHAT_MESSAGE, messages),
            Subscription(CHAT_NOTIFICATION, notifications),
            parking,
        )

    @property
    def subscriptions(self) -> tuple[Subscription, Subscription]:
        """Both subscriptions."""
        return self.messages, self.notifications

    @property
    def status(self) -> ChannelStatus:
        """The state, and if the channel is not read the reason and the time to the next try."""
        if self.state == "joined":
            return ChannelStatus("joined")
        left = self.messages.next_try - self.clock.monotonic()
        return ChannelStatus(self.state, self.reason, left if left > 0 else None)

    @property
    def lookup_due(self) -> float | None:
        """When to look up the channel's id, without which it cannot be joined; None if the id is known."""
        if self.id is None:
            return self.messages.next_try
        return self.lookup_at if self.doubted else None

    def doubt(self) -> None:
        """Make the look-up due now."""
        self.doubted, self.lookup_at = True, NOW

    def lookup_failed(self, seconds: float, reason: str) -> None:
        """Look it up again after this many seconds."""
        if self.id is None:
            self.wait(seconds, reason)
        else:  # what is known of it stays
            self.lookup_at = self.clock.monotonic() + seconds

    def joined(self, subscription_id: str) -> None:
        """Mark the subscription to messages as confirmed."""
        self.messages.confirm(subscription_id, self.clock.monotonic())
        self.refused = self.is_gone = False
        self.parking.reset()
        self._enter("joined", "")

    def wait(self, seconds: float, reason: str) -> None:
        """Try again after this many seconds."""
        self.messages.next_try = self.clock.monotonic() + seconds
        self._enter("joining", reason)

    def park(self, reason: str) -> None:
        """Try again after a long wait that grows each time: the obstacle is not expected to go away soon."""
        self.refused = True
        self.messages.next_try = self.clock.monotonic() + self.parking.next()
        self._enter("parked", reason)

    def lose(self) -> None:
        """Mark the subscription to messages as lost; it may be requested again at once."""
        self.messages.lose()
        if self.state == "joined":
            self.state = "joining"

    def retry_now(self) -> None:
        """Forget the obstacle and try now: something has changed that may have removed it."""
        self.messages.retry.reset()
        self.messages.next_try = self.lookup_at = NOW
        self.parking.reset()
        self.refused = False

    def session_ended(self) -> None:
        """Mark the session as gone, with its subscriptions and the requests for them."""
        for subscription in self.subscriptions:
            subscription.cancel_request()
        self.notifications.lose()
        self.lose()

    def _enter(self, state: State, reason: str) -> None:
        before = self.state, bool(self.reason)
        self.state, self.reason = state, reason
        # Trouble in other words (500, 502, no answer) is the same trouble.
        level = logging.DEBUG if before == (state, bool(reason)) else logging.WARNING
        left = duration(self.messages.next_try - self.clock.monotonic())
        match state:
            case "joined" if before[0] != "joined":
                self.log.info("#%s: reading the chat", self.login)
            case "parked":
                self.log.log(level, "#%s: not read: %s; next try in %s", self.login, reason, left)
            case "joining":
                self.log.log(level, "#%s: not joined yet: %s; next try in %s", self.login, reason, left)
            case _:
                pass
