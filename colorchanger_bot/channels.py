"""Membership: which channels an account wants to read, which ones Twitch has confirmed, and the loop between the two.

Start-up and recovery are the same thing: a new EventSub session confirms nothing, and the loop subscribes until what
is confirmed matches what is wanted. What Twitch refuses is parked with its reason and tried again, ever more seldom.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from colorchanger_bot.clock import Backoff, Clock
from colorchanger_bot.errors import (
    AuthError,
    ChannelRefused,
    ColorChangerError,
    RateLimited,
    SessionGone,
)
from colorchanger_bot.helix import Helix

logger = logging.getLogger(__name__)

JOIN_SECONDS = 0.5
"""Between two joins of an account: Twitch allows 20 in 10 s."""
SECOND_TRY_SECONDS = 5.0
"""A 403 may be a hiccup: it is believed when it comes twice."""
FIRST_PARK_SECONDS, MOST_PARK_SECONDS = 300.0, 3600.0
FIRST_RETRY_SECONDS, MOST_RETRY_SECONDS = 1.0, 30.0
LINGERING_SECONDS = 60.0
"""How long Twitch counts sessions that ended without a goodbye; a 429 about them needs at least that much patience."""

State = Literal["joining", "joined", "parked"]
REVOKED = {
    "authorization_revoked": "the account took its permission back",
    "user_removed": "the channel does not exist any more",
    "chat_user_banned": "the account is banned or timed out there",
    "version_removed": "Twitch no longer offers this kind of subscription",
}


@dataclass(slots=True)
class Channel:
    """One wanted channel and how it stands."""

    login: str
    id: str | None
    retry: Backoff
    parking: Backoff
    state: State = "joining"
    reason: str = ""
    next_try: float = float("-inf")
    """On the monotonic clock."""
    refusals: int = 0
    subscription: str = ""
    asking: asyncio.Task[None] | None = field(default=None, repr=False)


class Membership:
    """The channels of one account."""

    def __init__(
        self,
        user_id: str,
        login: str,
        helix: Helix,
        *,
        clock: Clock,
        rng: random.Random,
        on_trouble: Callable[[ColorChangerError], None],
    ) -> None:
        self.user_id = user_id
        self.login = login
        self._helix = helix
        self._clock = clock
        self._rng = rng
        self._on_trouble = on_trouble
        self._log = logging.LoggerAdapter(logger, {"account": login})
        self._channels: dict[str, Channel] = {}
        self._session_id = ""
        self._session_number = 0
        """Counts the sessions, so that an answer meant for an older one is recognised."""
        self._news = asyncio.Event()
        self._join_at = float("-inf")
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def channels(self) -> tuple[Channel, ...]:
        """All wanted channels, as they stand."""
        return tuple(self._channels.values())

    @property
    def joined(self) -> int:
        """How many channels Twitch has confirmed."""
        return sum(channel.state == "joined" for channel in self._channels.values())

    def want(self, logins: Iterable[str]) -> None:
        """Set the wish list."""
        wanted = dict.fromkeys(logins)
        for login in self._channels.keys() - wanted.keys():
            self._leave(self._channels.pop(login))
        for login in wanted:
            if login not in self._channels:
                id_ = self.user_id if login == self.login else None
                self._channels[login] = Channel(
                    login,
                    id_,
                    retry=Backoff(self._rng, first=FIRST_RETRY_SECONDS, most=MOST_RETRY_SECONDS),
                    parking=Backoff(self._rng, first=FIRST_PARK_SECONDS, most=MOST_PARK_SECONDS),
                )
        self._news.set()

    # What the session tells

    def session_began(self, session_id: str) -> None:
        """A new session: what is wanted can be subscribed to."""
        self._session_id = session_id
        self._session_number += 1
        self._news.set()

    def session_moved(self, session_id: str) -> None:
        """The session goes on over another socket, with its subscriptions."""
        self._session_id = session_id
        self._news.set()

    def session_ended(self) -> None:
        """The session is gone, and with it all that was confirmed in it."""
        self._session_id = ""
        for channel in self._channels.values():
            self._stop_asking(channel)
            channel.subscription = ""
            if channel.state == "joined":
                channel.state = "joining"
                channel.next_try = float("-inf")

    def revoked(self, broadcaster_id: str, status: str) -> None:
        """Twitch ended the subscription of a channel."""
        for channel in self._channels.values():
            if channel.id == broadcaster_id:
                channel.subscription = ""
                if status == "authorization_revoked":
                    # The next request finds out whether the login is gone, and says so for the whole account.
                    channel.state, channel.next_try = "joining", float("-inf")
                else:
                    self._park(channel, REVOKED.get(status, f"Twitch ended the subscription ({status})"))
        self._news.set()

    # The loop

    async def run(self) -> None:
        """Subscribe until all that is wanted is confirmed or parked, whenever that is not so."""
        try:
            while True:
                self._news.clear()
                due = self._next_due() if self._session_id else None
                wait = None if due is None else max(due.next_try, self._join_at) - self._clock.monotonic()
                if due is None or (wait is not None and wait > 0):
                    await self._wait(wait)
                    continue
                if due.id is None:
                    await self._resolve()
                    continue
                self._join_at = self._clock.monotonic() + JOIN_SECONDS
                due.asking = self._spawn(self._join(due), f"join {self.login} to {due.login}")
        finally:
            for task in self._tasks:
                task.cancel()

    def seconds_to_next_try(self) -> float:
        """Seconds until a channel wants to be joined; 0 if one does now, infinity if none ever will."""
        due = self._next_due()
        return float("inf") if due is None else max(0.0, due.next_try - self._clock.monotonic())

    async def news(self, seconds: float) -> None:
        """Return when the wish list changed, or after so many seconds."""
        self._news.clear()
        await self._wait(seconds)

    def _next_due(self) -> Channel | None:
        waiting = (each for each in self._channels.values() if each.state != "joined" and each.asking is None)
        return min(waiting, key=lambda channel: channel.next_try, default=None)

    async def _wait(self, seconds: float | None) -> None:
        if seconds is None or seconds == float("inf"):
            await self._news.wait()
            return
        waits = {asyncio.ensure_future(self._clock.sleep(seconds)), asyncio.ensure_future(self._news.wait())}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    async def _resolve(self) -> None:
        """Find the ids of the channels that are known by name only."""
        nameless = [channel for channel in self._channels.values() if channel.id is None]
        try:
            users = {user.login: user for user in await self._helix.users([channel.login for channel in nameless])}
        except ColorChangerError as error:
            for channel in nameless:
                self._failed(channel, error)
            return
        for channel in nameless:
            if channel.login in users:
                channel.id = users[channel.login].id
            else:
                self._park(channel, "there is no such channel")

    async def _join(self, channel: Channel) -> None:
        number = self._session_number
        try:
            subscription = await self._helix.subscribe_chat(
                self._session_id, broadcaster_id=channel.id or "", user_id=self.user_id
            )
        except ColorChangerError as error:
            if number == self._session_number:
                self._failed(channel, error)
        else:
            if number == self._session_number and self._channels.get(channel.login) is channel:
                self._confirmed(channel, subscription)
        finally:
            if channel.asking is asyncio.current_task():
                channel.asking = None
            self._news.set()

    def _confirmed(self, channel: Channel, subscription: str) -> None:
        channel.subscription = subscription
        channel.refusals = 0
        channel.retry.reset()
        channel.parking.reset()
        self._enter(channel, "joined")

    def _failed(self, channel: Channel, error: ColorChangerError) -> None:
        """Decide when the channel is tried again, and say what is in the way."""
        now = self._clock.monotonic()
        match error:
            case ChannelRefused():
                channel.refusals += 1
                if channel.refusals >= 2:
                    self._park(channel, f"{error} (banned or timed out there, or a permission is missing)")
                    return
                wait = SECOND_TRY_SECONDS
            case RateLimited(retry_at=None):
                wait = LINGERING_SECONDS * self._rng.uniform(1.0, 1.2)
            case RateLimited(retry_at=float() as retry_at):
                wait = min(max(retry_at - self._clock.now().timestamp(), 1.0), 2 * LINGERING_SECONDS)
            case AuthError():
                wait = channel.retry.next()
                self._on_trouble(error)
            case SessionGone():
                wait = channel.retry.next()
                self._on_trouble(error)
            case _:  # Twitch is in trouble, or the answer was lost
                wait = channel.retry.next()
        channel.next_try = now + wait
        self._enter(channel, "joining", str(error))

    def _park(self, channel: Channel, reason: str) -> None:
        seconds = channel.parking.next()
        channel.next_try = self._clock.monotonic() + seconds
        self._enter(channel, "parked", reason)

    def _leave(self, channel: Channel) -> None:
        self._stop_asking(channel)
        if channel.subscription and self._session_id:
            self._spawn(self._unsubscribe(channel.subscription), f"{self.login} leaves {channel.login}")
        self._log.info("#%s: no longer read", channel.login)

    async def _unsubscribe(self, subscription: str) -> None:
        try:
            await self._helix.unsubscribe(subscription)
        except ColorChangerError as error:
            # Its messages still come and are dropped as those of no wanted channel; it ends with the session.
            self._log.debug("a subscription could not be ended: %s", error)

    def _stop_asking(self, channel: Channel) -> None:
        if channel.asking is not None:
            channel.asking.cancel()
            channel.asking = None

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _enter(self, channel: Channel, state: State, reason: str = "") -> None:
        """Change the state and say so, once per change."""
        if (channel.state, channel.reason) == (state, reason):
            return
        channel.state, channel.reason = state, reason
        if state == "joined":
            self._log.info("#%s: reading the chat", channel.login)
        elif state == "parked":
            minutes = (channel.next_try - self._clock.monotonic()) / 60
            self._log.warning("#%s: not read: %s; trying again in %.0f min", channel.login, reason, minutes)
        else:
            self._log.warning("#%s: not joined yet: %s", channel.login, reason)
