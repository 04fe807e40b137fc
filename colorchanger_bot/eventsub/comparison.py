"""Comparison: checks every few minutes that Twitch lists the subscriptions that it confirmed."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from colorchanger_bot.clock import Clock, Tasks
from colorchanger_bot.errors import ColorChangerError
from colorchanger_bot.eventsub.channel import Channel, Subscription
from colorchanger_bot.eventsub.timing import Timing
from colorchanger_bot.twitch.helix import Helix, Subscribed


class Differences(NamedTuple):
    """What a comparison found."""

    lost: list[tuple[Channel, Subscription]]
    """Subscriptions that Twitch confirmed but no longer lists."""
    unwanted: list[str]
    """The ids of listed subscriptions to channels that nobody wants."""


def compare(channels: Iterable[Channel], listed: Iterable[Subscribed], *, asked_at: float) -> Differences:
    """Compare channels with the list of their session; `asked_at` is when it was asked for, on the monotonic clock.

    A subscription that was confirmed since then may be missing from the list: it is left alone. Ids that were not known
    are taken from the list.
    """
    unwanted = {(each.broadcaster_id, each.type): each.id for each in listed}
    lost: list[tuple[Channel, Subscription]] = []
    for channel in channels:
        for subscription in channel.subscriptions:
            id_ = unwanted.pop((channel.id or "", subscription.type), "")
            if subscription.confirmed and subscription.confirmed_at <= asked_at:
                subscription.id = id_
                if not id_:
                    lost.append((channel, subscription))
    return Differences(lost, list(unwanted.values()))


class Comparison:
    """Plans and runs the comparisons of one account; `session` returns the session id; `changed` tells of a loss."""

    def __init__(
        self,
        user_id: str,
        helix: Helix,
        channels: Iterable[Channel],
        tasks: Tasks,
        *,
        clock: Clock,
        rng: random.Random,
        timing: Timing,
        log: logging.LoggerAdapter[Any],
        session: Callable[[], str],
        changed: Callable[[], None],
    ) -> None:
        self._user_id = user_id
        self._helix = helix
        self._channels = channels
        self._tasks = tasks
        self._clock = clock
        self._rng = rng
        self._timing = timing
        self._log = log
        self._session = session
        self._changed = changed
        self._at = float("inf")
        self._running: asyncio.Task[None] | None = None

    def seconds_to_next(self) -> float:
        """Seconds until the next one is due; infinity while one is running."""
        return float("inf") if self._running is not None else self._at - self._clock.monotonic()

    def plan(self) -> None:
        """Schedule the next one at the usual time; none is running."""
        self._running = None
        self._at = self._clock.monotonic() + self._timing.compare * self._rng.uniform(0.75, 1.0)

    def plan_soon(self) -> None:
        """Schedule the next one soon: Twitch says that a subscription already exists, which may be wrong."""
        self._at = min(self._at, self._clock.monotonic() + self._timing.verify)

    def start(self) -> None:
        """Start one now, and schedule the next."""
        self.plan()
        if self._session():
            self._running = self._tasks.start(self._run(), "comparison of subscriptions")

    def unsubscribe(self, subscription_id: str) -> None:
        """End a subscription that nobody wants."""
        self._tasks.start(self._unsubscribe(subscription_id), "end of a subscription")

    async def _run(self) -> None:
        try:
            await self._compare()
        except ColorChangerError as error:
            # Without an answer nothing is known. The keeper notices a login that has ended.
            self._log.debug("the subscriptions could not be compared: %s", error)
        except Exception:  # the outermost place of this task
            self._log.exception("the subscriptions could not be compared")
        finally:
            self._running = None
            self._changed()

    async def _compare(self) -> None:
        """Let what Twitch has lost be subscribed to again, and end what nobody wants; only in our own session."""
        session_id, asked_at = self._session(), self._clock.monotonic()
        listed = await self._helix.subscriptions()
        if session_id != self._session():
            return
        ours = [each for each in listed if (each.session_id, each.user_id) == (session_id, self._user_id)]
        found = compare(self._channels, ours, asked_at=asked_at)
        for channel, subscription in found.lost:
            if subscription is channel.messages:
                self._log.warning("#%s: Twitch has lost the subscription without a word; joining again", channel.login)
                channel.lose()
            else:
                subscription.lose()
        for subscription_id in found.unwanted:
            self.unsubscribe(subscription_id)

    async def _unsubscribe(self, subscription_id: str) -> None:
        try:
            await self._helix.unsubscribe(subscription_id)
        except ColorChangerError as error:
            # Its messages still come, and are dropped as those of a channel that is not read. The next comparison
            # tries again.
            self._log.debug("a subscription could not be ended: %s", error)
