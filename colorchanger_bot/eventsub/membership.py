"""Membership: which channels an account wants to read, which ones Twitch has confirmed, and the loops between the two.

Start-up and recovery are the same thing: a new EventSub session confirms nothing, and the loop subscribes until what
is confirmed matches what is wanted. What Twitch refuses is parked with its reason and tried again, ever more seldom.
What Twitch has confirmed is not believed for ever: every few minutes it is compared with Twitch's own list.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Mapping

from colorchanger_bot.clock import Clock, Notifier, Tasks
from colorchanger_bot.errors import (
    AuthError,
    ChannelRefused,
    ColorChangerError,
    RateLimited,
    SessionGone,
)
from colorchanger_bot.eventsub.channel import NOW, Channel
from colorchanger_bot.eventsub.timing import Timing
from colorchanger_bot.twitch.helix import Helix

logger = logging.getLogger(__name__)

AT_ONCE = 3
"""Joins that are made without a pause between them, after a while without any."""
MOST_ASKING = 4
"""Requests to join that may be under way at a time: hanging ones must not hold up the colours."""
REVOKED = {
    "user_removed": "the channel does not exist any more",
    "chat_user_banned": "the account is banned or timed out there",
    "version_removed": "Twitch no longer offers this kind of subscription",
}
"""Ends of a subscription that asking again at once does not cure; any other may be a hiccup."""


class Membership:
    """The channels of one account.

    `end_session` is called when the present session is of no use, with the error that says why; None: there is
    nothing to read in it for now.
    """

    def __init__(
        self,
        user_id: str,
        login: str,
        helix: Helix,
        *,
        clock: Clock,
        rng: random.Random,
        end_session: Callable[[ColorChangerError | None], None],
        timing: Timing,
    ) -> None:
        self.user_id = user_id
        self.login = login
        self.changes = Notifier()
        """Notifies whenever the state of a channel may have changed."""
        self._helix = helix
        self._clock = clock
        self._rng = rng
        self._timing = timing
        self._end_session = end_session
        self._log = logging.LoggerAdapter(logger, {"account": login})
        self._channels: dict[str, Channel] = {}
        self._session_id = ""
        self._session_number = 0
        """Counts the sessions, so that an answer meant for an older one is recognised."""
        self._paced_until = NOW
        """When the joins so far would have ended, had they been made at an even pace."""
        self._hold_until = NOW
        """No joins before: Twitch has set a limit that counts for all channels."""
        self._compare_at = float("inf")
        """When Twitch's list is looked at next."""
        self._comparing: asyncio.Task[None] | None = None
        self._tasks = Tasks(self._log)

    @property
    def channels(self) -> tuple[Channel, ...]:
        """All wanted channels, as they stand."""
        return tuple(self._channels.values())

    @property
    def joined(self) -> int:
        """How many channels Twitch has confirmed."""
        return sum(channel.state == "joined" for channel in self._channels.values())

    @property
    def settled(self) -> bool:
        """Whether every wanted channel is confirmed or parked."""
        return all(channel.state != "joining" for channel in self._channels.values())

    def reads(self, broadcaster_id: str) -> bool:
        """Say whether messages of this channel count."""
        return broadcaster_id in [channel.id for channel in self._channels.values()]

    def want(self, logins: Iterable[str], ids: Mapping[str, str] | None = None) -> None:
        """Set the wish list; `ids` are those that are known already."""
        known = {self.login: self.user_id, **(ids or {})}
        wanted = dict.fromkeys(logins)
        for login in self._channels.keys() - wanted.keys():
            self._leave(self._channels.pop(login))
        for login in wanted:
            if login not in self._channels:
                self._channels[login] = Channel.wanted(
                    login, known.get(login), clock=self._clock, log=self._log, rng=self._rng, timing=self._timing
                )
        self.changes.notify()

    def hurry(self) -> None:
        """Try everything again now: the account has been logged in anew."""
        for channel in self._channels.values():
            channel.hurry()
        self.changes.notify()

    # What the session tells

    def session_began(self, session_id: str) -> None:
        """A new session: what is wanted can be subscribed to."""
        self._session_id = session_id
        self._session_number += 1
        self.changes.notify()

    def session_moved(self, session_id: str) -> None:
        """The session goes on over another socket, with its subscriptions."""
        self._session_id = session_id
        self.changes.notify()

    def session_ended(self) -> None:
        """The session is gone, and with it all that was confirmed in it."""
        self._session_id = ""
        for channel in self._channels.values():
            channel.stop_asking()
            channel.lose()
        self.changes.notify()

    def revoked(self, broadcaster_id: str, subscription: str, status: str) -> None:
        """Twitch ended the subscription of a channel."""
        for channel in self._channels.values():
            # An older session may tell of a subscription that has long been replaced.
            if channel.id == broadcaster_id and channel.subscription in ("", subscription):
                channel.lose()
                if status in REVOKED:
                    channel.park(REVOKED[status])
                else:
                    # If it is the login that is gone, the next request finds out and says so for the account.
                    channel.wait(channel.retry.next(), f"Twitch ended the subscription ({status})")
        self.changes.notify()

    # Joining

    async def run(self) -> None:
        """Subscribe until all that is wanted is confirmed or parked, and compare; runs until it is cancelled."""
        self._plan_comparison()
        try:
            while True:
                news = self.changes.next
                due = self._next_due() if self._session_id and self._asking < MOST_ASKING else None
                wait = float("inf") if due is None else self._seconds_to(due)
                comparison = self._compare_at - self._clock.monotonic()
                if comparison <= 0 and self._comparing is None:
                    self._plan_comparison()
                    self._comparing = self._tasks.start(self._compare_if_possible(), f"comparison of {self.login}")
                elif due is None or wait > 0:
                    if self._session_id and self._is_idle():
                        self._end_session(None)
                    await news.wait_at_most(self._clock, wait if self._comparing else min(wait, comparison))
                elif due.id is None:
                    await self._resolve()
                else:
                    self._paced_until = max(self._paced_until, self._clock.monotonic()) + self._timing.join
                    due.asking = self._tasks.start(self._join(due), f"join {self.login} to {due.login}")
        finally:
            await self._tasks.cancel()

    def seconds_to_next_try(self) -> float:
        """Seconds until a channel wants to be joined; 0 if one does now, infinity if none ever will."""
        due = self._next_due()
        return float("inf") if due is None else self._seconds_to(due)

    @property
    def _asking(self) -> int:
        return sum(channel.asking is not None for channel in self._channels.values())

    def _is_idle(self) -> bool:
        """Whether Twitch would soon close the session because nobody subscribes (4003)."""
        return not (self.joined or self._asking) and self.seconds_to_next_try() > self._timing.unused

    def _next_due(self) -> Channel | None:
        waiting = (each for each in self._channels.values() if each.state != "joined" and each.asking is None)
        return min(waiting, key=lambda channel: channel.next_try, default=None)

    def _seconds_to(self, channel: Channel) -> float:
        pace = self._paced_until - (AT_ONCE - 1) * self._timing.join
        return max(0.0, max(channel.next_try, self._hold_until, pace) - self._clock.monotonic())

    async def _resolve(self) -> None:
        """Find the ids of the channels that are known by name only."""
        now = self._clock.monotonic()
        nameless = [channel for channel in self._channels.values() if channel.id is None and channel.next_try <= now]
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
                channel.park("there is no such channel")

    async def _join(self, channel: Channel) -> None:
        number, session_id = self._session_number, self._session_id
        try:
            subscription = await self._helix.subscribe_chat(
                session_id, broadcaster_id=channel.id or "", user_id=self.user_id
            )
        except ColorChangerError as error:
            if number == self._session_number:
                # The session may have got another number while we asked: then that one is not gone.
                moved = isinstance(error, SessionGone) and session_id != self._session_id
                channel.wait(0.0, "the session has moved") if moved else self._failed(channel, error)
        except Exception:  # the outermost place of this task: a mistake of ours must not be asked again in a storm
            self._log.exception("#%s: the subscription failed", channel.login)
            channel.wait(channel.retry.next(), "an error of ColorChanger itself: see the log")
        else:
            if number == self._session_number and self._channels.get(channel.login) is channel:
                channel.joined(subscription)
                if not subscription:  # it exists already, says Twitch: an answer was lost, or this one is wrong
                    self._compare_at = min(self._compare_at, self._clock.monotonic() + self._timing.verify)
        finally:
            if channel.asking is asyncio.current_task():
                channel.asking = None
            self.changes.notify()

    def _failed(self, channel: Channel, error: ColorChangerError) -> None:
        """Decide when the channel is tried again, and say what is in the way."""
        match error:
            case ChannelRefused() if channel.refused:
                channel.id = self.user_id if channel.login == self.login else None  # it may be another one by now
                channel.park(f"{error} (banned or timed out there, or a permission is missing)")
                return
            case ChannelRefused():
                channel.refused = True
                wait = self._timing.second_try
            case RateLimited(retry_at=None):
                wait = self._timing.linger * self._rng.uniform(1.0, 1.08)
                if not self.joined:  # it is about the session: no other channel fares better
                    self._hold_until = self._clock.monotonic() + wait
            case RateLimited(retry_at=float() as retry_at):
                # A clock that is off, ours or theirs, must not turn into a storm or into silence.
                wait = min(max(retry_at - self._clock.now().timestamp(), 1.0), 2 * self._timing.linger)
                self._hold_until = self._clock.monotonic() + wait
            case _:  # Twitch is in trouble, or the answer was lost
                wait = channel.retry.next()
        channel.wait(wait, str(error))
        if isinstance(error, SessionGone) or (isinstance(error, AuthError) and not error.retry):
            self._end_session(error)

    # Leaving

    def _leave(self, channel: Channel) -> None:
        channel.stop_asking()
        if channel.subscription and self._session_id:
            self._tasks.start(self._unsubscribe(channel.subscription), f"{self.login} leaves {channel.login}")
        self._log.info("#%s: no longer read", channel.login)

    async def _unsubscribe(self, subscription: str) -> None:
        try:
            await self._helix.unsubscribe(subscription)
        except ColorChangerError as error:
            # Its messages still come and are dropped, as those of no wanted channel; the comparison tries again.
            self._log.debug("a subscription could not be ended: %s", error)

    # Comparing

    def _plan_comparison(self) -> None:
        self._compare_at = self._clock.monotonic() + self._timing.compare * self._rng.uniform(0.75, 1.0)

    async def _compare_if_possible(self) -> None:
        try:
            if self._session_id:
                await self.compare()
        except ColorChangerError as error:
            # No answer speaks for or against a subscription. A login that is gone is found out by the keeper.
            self._log.debug("the subscriptions could not be compared: %s", error)
        except Exception:  # the outermost place of this task
            self._log.exception("the subscriptions of %s could not be compared", self.login)
        finally:
            self._comparing = None
            self.changes.notify()

    async def compare(self) -> None:
        """Subscribe again to what Twitch has lost, and end what nobody wants; only in our own session.

        Raises:
            ColorChangerError: Twitch gave no whole answer; nothing is changed then.
        """
        number, asked_at = self._session_number, self._clock.monotonic()
        listed = [each for each in await self._helix.subscriptions() if each.session_id == self._session_id]
        if number != self._session_number or not self._session_id:
            return
        ours = {each.broadcaster_id: each.id for each in listed if each.user_id == self.user_id}
        for channel in self._channels.values():
            if channel.state != "joined" or channel.joined_at > asked_at:
                continue
            channel.subscription = ours.get(channel.id or "", "")
            if not channel.subscription:
                self._log.warning("#%s: Twitch has lost the subscription without a word; joining again", channel.login)
                channel.lose()
        for broadcaster_id, subscription in ours.items():
            if not self.reads(broadcaster_id):
                self._tasks.start(self._unsubscribe(subscription), f"{self.login} ends what nobody wants")
        self.changes.notify()
