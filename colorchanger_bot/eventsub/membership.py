"""Membership: the channels that an account should read, and the loop that subscribes until Twitch has confirmed them.

Start-up and recovery are the same: a new EventSub session has no subscriptions, and the loop subscribes until what
is confirmed matches what is wanted. What Twitch refuses is parked with its reason and tried again, less and less often.
Every few minutes what was confirmed is compared with Twitch's own list.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from colorchanger_bot.clock import Clock, Notifier, Tasks
from colorchanger_bot.errors import AuthError, ChannelRefused, ColorChangerError, SessionGone
from colorchanger_bot.eventsub.channel import Channel, Subscription
from colorchanger_bot.eventsub.channel_list import ChannelList, Known
from colorchanger_bot.eventsub.comparison import Comparison
from colorchanger_bot.eventsub.due import Due, next_due
from colorchanger_bot.eventsub.join_pace import JoinPace
from colorchanger_bot.eventsub.lookup import ACCOUNT_GONE, look_up
from colorchanger_bot.eventsub.timing import Timing
from colorchanger_bot.twitch.helix import Helix

logger = logging.getLogger(__name__)

PARALLEL_JOINS = 4
"""Joins that may run at the same time: ones that hang must not hold up colour changes."""
REVOKED = {
    "chat_user_banned": "the account is banned or timed out there",
    "version_removed": "Twitch no longer offers this kind of subscription",
}
"""Reasons for which subscribing again at once does not help; any other may be a hiccup."""


class Membership:
    """The channels of one account.

    `end_session` is called when the present session is of no use, with the error that says why; None: there is
    nothing to read in it for now. `identified` is called when Twitch has told who channels are: see `known`. `changed`
    is called whenever the state of a channel may have changed. `pace` is shared by all sessions of the account.
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
        identified: Callable[[], None] = lambda: None,
        changed: Callable[[], None] | None = None,
        pace: JoinPace | None = None,
    ) -> None:
        self.user_id = user_id
        self.login = login
        self.changes = Notifier(changed)
        """Notifies whenever the state of a channel may have changed."""
        self._helix = helix
        self._clock = clock
        self._rng = rng
        self._timing = timing
        self._end_session = end_session
        self._identified = identified
        self._log = logging.LoggerAdapter(logger, {"account": login})
        new = partial(Channel.new, clock=clock, log=self._log, rng=rng, timing=timing)
        self._channels = ChannelList(user_id, login, new, self._log)
        self._session_id = ""
        self._sessions_ended = 0
        """An answer to a request that was made before the last end belongs to a past session, and is dropped."""
        self._pace = pace or JoinPace(clock, rng, timing)
        self._looking_up: asyncio.Task[None] | None = None
        self._tasks = Tasks(self._log)
        self._comparison = Comparison(
            user_id,
            helix,
            self._channels,
            self._tasks,
            clock=clock,
            rng=rng,
            timing=timing,
            log=self._log,
            session=lambda: self._session_id,
            changed=self.changes.notify,
        )

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels to read, each once."""
        return tuple(self._channels)

    @property
    def joined(self) -> int:
        """The number of channels that Twitch has confirmed."""
        return self._channels.joined

    @property
    def settled(self) -> bool:
        """Whether every channel is confirmed or parked."""
        return self._channels.settled

    def channel(self, name: str) -> Channel | None:
        """Return the channel that was asked for by this name."""
        return self._channels.get(name)

    def reads(self, broadcaster_id: str) -> bool:
        """Return whether messages in this channel count."""
        return self._channels.reads(broadcaster_id)

    def known(self) -> dict[str, Known]:
        """Return who the channels are, by the names that were asked for, as far as that is known."""
        return self._channels.known()

    def set_channels(
        self, logins: Iterable[str], ids: Mapping[str, str] | None = None, remembered: Mapping[str, str] | None = None
    ) -> None:
        """Set the channels to read: `ids` are those of logins that are known, `remembered` those of an earlier run."""
        for channel in self._channels.set(logins, ids or {}, remembered or {}):
            self._leave(channel)
        self.changes.notify()

    def retry_now(self) -> None:
        """Try everything again now: the account has a new login."""
        for channel in self._channels:
            channel.retry_now()
        self.changes.notify()

    # Called by the session

    def session_began(self, session_id: str) -> None:
        """Begin to subscribe in a new session."""
        self._session_id = session_id
        self.changes.notify()

    def session_moved(self, session_id: str) -> None:
        """Note that the session has moved to another socket, with its subscriptions."""
        self._session_id = session_id
        self.changes.notify()

    def session_ended(self) -> None:
        """Forget everything that was confirmed: the session is gone."""
        self._session_id = ""
        self._sessions_ended += 1
        for channel in self._channels:
            channel.session_ended()
        self.changes.notify()

    def revoked(self, broadcaster_id: str, subscription_id: str, type_: str, status: str) -> None:
        """Follow Twitch, which has ended a subscription."""
        for channel in self._channels:
            for subscription in channel.subscriptions:
                # An older session may report a subscription that has been replaced since.
                is_meant = (channel.id, subscription.type) == (broadcaster_id, type_)
                if is_meant and subscription.id in ("", subscription_id):
                    self._revoked(channel, subscription, status)
        self.changes.notify()

    def _revoked(self, channel: Channel, subscription: Subscription, status: str) -> None:
        if subscription is channel.notifications:
            subscription.lose()
            subscription.next_try = self._clock.monotonic() + subscription.retry.next()
            return
        channel.lose()
        if status in REVOKED:
            channel.park(REVOKED[status])
        else:
            # `user_removed` does not say which of the two users is gone, so both are looked up. If it is the login
            # that is gone, the next request finds out and says so for the account.
            if status == "user_removed":
                channel.doubt()
            channel.wait(subscription.retry.next(), f"Twitch ended the subscription ({status})")

    # Joining

    async def run(self) -> None:
        """Subscribe until everything is confirmed or parked, and compare; runs until it is cancelled."""
        self._looking_up = None
        self._comparison.plan()
        try:
            while True:
                changed = self.changes.next
                due = self._next_due() if self._session_id and self._requests < PARALLEL_JOINS else None
                wait = float("inf") if due is None else due.at - self._clock.monotonic()
                comparison = self._comparison.seconds_to_next()
                if comparison <= 0:
                    self._comparison.start()
                elif due is None or wait > 0:
                    if self._session_id and self._is_idle():
                        self._end_session(None)
                    await changed.wait_at_most(self._clock, min(wait, comparison))
                elif due.subscription is None:
                    self._looking_up = self._tasks.start(self._look_up(), f"look-up of {self.login}'s channels")
                else:
                    self._begin_join(due.channel, due.subscription)
        finally:
            await self._tasks.cancel()

    def seconds_to_next_try(self) -> float:
        """Seconds until a channel is to be joined; 0 if one is now, infinity if none ever is."""
        due = self._next_due()
        return float("inf") if due is None else max(0.0, due.at - self._clock.monotonic())

    @property
    def _requests(self) -> int:
        return sum(each.request is not None for channel in self._channels for each in channel.subscriptions)

    def _is_idle(self) -> bool:
        """Whether Twitch would soon close the session because nobody subscribes (4003)."""
        busy = self.joined or self._requests or self._looking_up is not None
        return not busy and self.seconds_to_next_try() > self._timing.unused

    def _next_due(self) -> Due | None:
        now, looking_up = self._clock.monotonic(), self._looking_up is not None
        return next_due(self._channels, self._pace, now, looking_up=looking_up)

    def _begin_join(self, channel: Channel, subscription: Subscription) -> None:
        self._pace.begin()
        name = f"join {self.login} to {channel.login}"
        subscription.request = self._tasks.start(self._join(channel, subscription), name)
        # (not in the task itself: one that is cancelled before its first step runs no `finally`)
        subscription.request.add_done_callback(partial(self._join_ended, subscription))

    def _join_ended(self, subscription: Subscription, request: asyncio.Task[None]) -> None:
        self._pace.end()
        if subscription.request is request:
            subscription.request = None
        self.changes.notify()

    async def _join(self, channel: Channel, subscription: Subscription) -> None:
        sessions_ended, session_id = self._sessions_ended, self._session_id
        try:
            id_ = await self._helix.subscribe_chat(
                session_id, broadcaster_id=channel.id or "", user_id=self.user_id, type_=subscription.type
            )
        except ColorChangerError as error:
            if sessions_ended == self._sessions_ended:
                self._failed(channel, subscription, error, moved=session_id != self._session_id)
        except Exception:  # the outermost place of this task: a mistake of ours must not be asked again in a storm
            self._log.exception("#%s: the subscription failed", channel.login)
            self._delay(channel, subscription, subscription.retry.next(), "an error in ColorChanger: see the log")
        else:
            if sessions_ended == self._sessions_ended and channel in self._channels:
                self._confirmed(channel, subscription, id_)

    def _confirmed(self, channel: Channel, subscription: Subscription, id_: str) -> None:
        if subscription is channel.messages:
            channel.joined(id_)
        else:
            subscription.confirm(id_, self._clock.monotonic())
        if not id_:  # Twitch says that it exists already: an answer was lost, or this one is wrong
            self._comparison.plan_soon()

    def _failed(self, channel: Channel, subscription: Subscription, error: ColorChangerError, *, moved: bool) -> None:
        """Decide when to try the subscription again, and say what stands in its way."""
        if isinstance(error, SessionGone) and moved:  # its session got another id while we asked: that one is there
            self._delay(channel, subscription, 0.0, "the session has moved")
            return
        wait = self._pace.seconds_after(error, in_session=self.joined > 0)
        if subscription is channel.notifications:
            # Without them only announcements are missed, which is no reason to give up a channel or a session.
            least = self._timing.park[0] if isinstance(error, ChannelRefused) else 0.0
            self._delay(channel, subscription, max(least, wait or subscription.retry.next()), str(error))
            return
        if isinstance(error, ChannelRefused):
            if channel.refused:
                channel.doubt()
                channel.park(f"{error} (banned or timed out there, or a permission is missing)")
                return
            channel.refused = True
            wait = self._timing.second_try
        channel.wait(subscription.retry.next() if wait is None else wait, str(error))
        if isinstance(error, SessionGone) or (isinstance(error, AuthError) and not error.retry):
            self._end_session(error)

    def _delay(self, channel: Channel, subscription: Subscription, seconds: float, reason: str) -> None:
        if subscription is channel.messages:
            channel.wait(seconds, reason)
        else:
            subscription.next_try = self._clock.monotonic() + seconds
            self._log.debug("#%s: no announcements yet: %s", channel.login, reason)

    # Looking up

    async def _look_up(self) -> None:
        """Look up the channels that are due and whose id is unknown or in doubt."""
        now = self._clock.monotonic()
        asked = [each for each in self._channels if each.lookup_due is not None and each.lookup_due <= now]
        try:
            found = await look_up(self._helix, asked, self.user_id)
        except ColorChangerError as error:
            wait = self._pace.seconds_after(error, in_session=self.joined > 0)
            for channel in asked:
                channel.lookup_failed(channel.messages.retry.next() if wait is None else wait, str(error))
            if isinstance(error, AuthError) and not error.retry:
                self._end_session(error)
        except Exception:  # the outermost place of this task
            self._log.exception("the channels of %s could not be looked up", self.login)
            for channel in asked:
                channel.lookup_failed(channel.messages.retry.next(), "an error in ColorChanger: see the log")
        else:
            for channel, user in found.items():
                if isinstance(user, str):
                    channel.doubted, channel.is_gone = False, user != ACCOUNT_GONE
                    channel.park(user)
                elif channel in self._channels:
                    self._channels.identify(channel, user)
            self._identified()
        finally:
            self._looking_up = None
            self.changes.notify()

    def _leave(self, channel: Channel) -> None:
        for subscription in channel.subscriptions:
            subscription.cancel_request()
            if subscription.id and self._session_id:
                self._comparison.unsubscribe(subscription.id)
        self._log.info("#%s: no longer read by this account", channel.login)
