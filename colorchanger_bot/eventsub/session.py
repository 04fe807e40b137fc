"""ChatSession: one account's line to Twitch's chat, over EventSub, that is never silently deaf.

Every way in which a socket can end leads to a new one. Only frames that matter become an event; a message of
somebody else that nobody heeds costs one look at who wrote it (DESIGN: "early filter").
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from functools import partial
from typing import Any

import aiohttp
import orjson
from yarl import URL

from colorchanger_bot.clock import Backoff, Clock, Flag, Tasks
from colorchanger_bot.errors import AuthError, ColorChangerError, TwitchUnavailable
from colorchanger_bot.eventsub.channel import Channel
from colorchanger_bot.eventsub.membership import Membership
from colorchanger_bot.eventsub.socket import Line, open_line
from colorchanger_bot.eventsub.timing import Timing
from colorchanger_bot.twitch.helix import CHAT_MESSAGE, CHAT_NOTIFICATION, Helix

logger = logging.getLogger(__name__)

EAGER_CONNECTS, EAGER_WINDOW_SECONDS = 8, 60.0
"""So many connects in so long are made at once; a line that flaps more often waits in between."""
MOST_DRAINS = 10
"""A replaced socket is read on for so many drain times at most, if the new one has not everything yet."""
ODD = (LookupError, TypeError, ValueError, AttributeError)
"""What reading a frame raises that is not in Twitch's format."""

_CHATTER = re.compile(r'"chatter_user_id"\s*:\s*"([^"\\]*)"')
"""Who wrote a message, as it stands in a frame; in a text that somebody writes, these quotation marks are escaped."""

Event = dict[str, Any]
Receive = Callable[[Event, str, str], None]
"""Takes an event, the id of its delivery (a notification that Twitch sends again has the same), and its type:
`channel.chat.message` or `channel.chat.notification`."""


class ChatSession:
    """Reads the chat of an account's channels.

    `receive` gets every own message, those of others that `wants` accepts, and own notifications with a text of the
    chatter: an announcement, a resubscription or a watch streak. Twitch delivers at least once, two sessions overlap
    while one replaces the other, and several accounts may read one channel: dropping repeats is up to the receiver.
    `notice` is shown every message of somebody else. While `heeds` says no, neither `notice` nor `wants` is asked
    about the messages of others, which are not even parsed.
    """

    def __init__(
        self,
        user_id: str,
        login: str,
        *,
        helix: Helix,
        sockets: aiohttp.ClientSession,
        url: str,
        clock: Clock,
        rng: random.Random,
        receive: Receive,
        notice: Callable[[Event], None] | None = None,
        wants: Callable[[Event], bool] | None = None,
        heeds: Callable[[], bool] | None = None,
        timing: Timing | None = None,
    ) -> None:
        self.user_id = user_id
        self.login = login
        self.reconnects = 0
        self.ends: Counter[str] = Counter()
        """How often a session ended or moved, and why."""
        self.odd_frames = 0
        """Frames that were not in Twitch's format and were passed over."""
        self.trouble = ""
        """Why there is no session; empty if there is one."""
        self._timing = timing or Timing()
        self._sockets = sockets
        self._url = URL(url)
        if "keepalive_timeout_seconds" not in self._url.query:
            self._url %= {"keepalive_timeout_seconds": int(self._timing.keepalive)}
        self._clock = clock
        self._rng = rng
        self._receive = receive
        self._notice = notice
        self._wants = wants
        self._heeds = heeds or (lambda: True)
        self._log = logging.LoggerAdapter(logger, {"account": login})
        self._membership = Membership(
            user_id, login, helix, clock=clock, rng=rng, end_session=self._end_session, timing=self._timing
        )
        first, most = self._timing.reconnect
        self._backoff = Backoff(rng, first=first, most=most)
        self._connects: tuple[float, ...] = ()
        """When the last connects were made."""
        self._line: Line | None = None
        self._lines: set[Line] = set()
        """All that are open: the present one, and those that are read to their end."""
        self._over = Flag()
        self._may_connect = Flag()
        self._may_connect.set()
        self._moving: asyncio.Task[None] | None = None
        # Whatever fails, a fresh session starts from known ground.
        self._tasks = Tasks(self._log, failed=self._over.set)

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The wanted channels, as they stand."""
        return self._membership.channels

    @property
    def joined(self) -> int:
        """How many channels Twitch has confirmed."""
        return self._membership.joined

    def reads(self, channel_id: str) -> bool:
        """Return whether the account wants to read this channel."""
        return self._membership.reads(channel_id)

    def want(self, logins: Iterable[str], ids: Mapping[str, str] | None = None) -> None:
        """Set the channels to be read; `ids` are those that are known already."""
        self._membership.want(logins, ids)

    def pause(self, reason: str) -> None:
        """Have no session until `resume`: Twitch would let the account do nothing in it."""
        self.trouble = reason
        self._may_connect.clear()
        self._over.set()

    def resume(self) -> None:
        """Go on after a pause; the account has been logged in again."""
        if not self._may_connect.is_set():
            self.trouble = ""
            self._may_connect.set()
            self._membership.hurry()

    def hurry(self) -> None:
        """Try what was refused again now: the account has other permissions."""
        self._membership.hurry()

    async def run(self) -> None:
        """Connect, subscribe and stay so; runs until it is cancelled."""
        self._start(self._again_and_again(self._membership.run), "membership")
        try:
            await self._again_and_again(self._sessions)
        finally:
            await self._close()

    async def _sessions(self) -> None:
        """Have one session after the other."""
        while True:
            await self._until_wanted()
            line = await self._connect()
            if line is None:
                continue
            if not self._may_connect.is_set():
                await line.close()
                continue
            self._over.clear()
            line.number = self.reconnects
            self._line = line
            self._read(line)
            self._membership.session_began(line.session_id)
            try:
                await self._over.wait()
            finally:
                self._membership.session_ended()
                self._stop_moving()
                last, self._line = self._line, None
                self._retire(last)
                self.reconnects += 1
                self.ends[_why(last)] += 1

    async def _again_and_again(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do work that never ends; should a mistake of ours end it, begin anew rather than be deaf."""
        while True:
            try:
                await work()
            except Exception:  # the outermost place of each of these tasks
                self._log.exception("the chat session of %s failed; it starts again", self.login)
                self._over.set()
            await self._clock.sleep(self._timing.retry[1])

    # Connecting

    async def _until_wanted(self) -> None:
        """Wait until a session has something to do: Twitch closes one that nobody subscribes in (4003)."""
        while True:
            await self._may_connect.wait()
            news = self._membership.changes.next
            seconds = self._membership.seconds_to_next_try()
            if seconds <= self._timing.unused / 2:
                return
            await news.wait_at_most(self._clock, seconds)

    async def _connect(self) -> Line | None:
        """Open a new session: at once, unless it was lost too often lately; None if it failed."""
        now = self._clock.monotonic()
        if len(self._connects) == EAGER_CONNECTS and now - self._connects[0] < EAGER_WINDOW_SECONDS:
            await self._clock.sleep(self._timing.reconnect[0])
        if self._connects:
            await self._clock.sleep(self._rng.uniform(0.0, self._timing.spread))
        self._connects = (*self._connects, self._clock.monotonic())[-EAGER_CONNECTS:]
        try:
            line = await self._open(self._url, within=self._timing.connect * (2 if self._backoff.attempts else 1))
        except TwitchUnavailable as error:
            # What cannot be resolved, refused or unanswered: the words change, the trouble is the same.
            self._log.log(logging.DEBUG if self.trouble else logging.WARNING, "no chat session: %s; trying on", error)
            if self._may_connect.is_set():
                self.trouble = str(error)
            await self._clock.sleep(self._backoff.next())
            return None
        self._backoff.reset()
        if self._may_connect.is_set():
            self.trouble = ""
        return line

    async def _open(self, url: URL, *, within: float) -> Line:
        return await open_line(self._sockets, url, self._clock, within=within, close=self._timing.close)

    # Reading

    def _read(self, line: Line) -> None:
        self._lines.add(line)
        self._start(self._read_on(line), "reader")

    async def _read_on(self, line: Line) -> None:
        try:
            await line.read(partial(self._frame, line), patience=self._timing.silence)
        finally:
            if line.end:
                self._lines.discard(line)
            if line is self._line:
                self._log.info("the chat session ended (%s)", line.end)
                self._over.set()

    def _frame(self, line: Line, text: str) -> None:
        if self._is_of_another(text) and not self._heeds():
            return
        # Whatever a frame says, the line stays up; what is lost is one frame that nobody could read.
        try:
            data = orjson.loads(text)
            metadata = data["metadata"]
            kind = metadata["message_type"]
            if kind == "notification":
                event = data["payload"]["event"]
                type_ = metadata.get("subscription_type", CHAT_MESSAGE)
                if self._is_wanted(event, type_):
                    self._receive(event, metadata["message_id"], type_)
            elif kind == "session_reconnect":
                self._move_to(line, data["payload"]["session"])
            elif kind == "revocation":
                self._revoked(data["payload"]["subscription"])
            elif kind != "session_keepalive":
                self._note_odd(f"it is a {str(kind)[:50]}")
        except ODD as error:
            self._note_odd(f"{type(error).__name__}: {str(error)[:50]}")

    def _note_odd(self, what: str) -> None:
        self.odd_frames += 1
        level = logging.WARNING if self.odd_frames == 1 else logging.DEBUG
        self._log.log(level, "a frame that is not in Twitch's format was passed over (%s)", what)

    def _is_of_another(self, text: str) -> bool:
        chatter = _CHATTER.search(text)
        return chatter is not None and chatter[1] != self.user_id

    def _is_wanted(self, event: Event, type_: str) -> bool:
        if event["chatter_user_id"] == self.user_id:
            # A gifted subscription, for one, is a notification without words of the chatter.
            has_words = type_ != CHAT_NOTIFICATION or bool(event["message"]["text"])
            # A channel that was left may still be heard for a moment.
            return has_words and self._membership.reads(event["broadcaster_user_id"])
        if type_ == CHAT_NOTIFICATION:
            return False
        if self._notice is not None:
            self._notice(event)
        return self._wants is not None and self._wants(event)

    def _revoked(self, subscription: Event) -> None:
        condition = subscription["condition"]
        if condition["user_id"] == self.user_id:
            self._membership.revoked(condition["broadcaster_user_id"], subscription["id"], str(subscription["status"]))

    # Moving

    def _move_to(self, line: Line, session: Event) -> None:
        """Follow Twitch to another socket; a later wish replaces an earlier one, one of a past session is none."""
        if self._line is not None and self._line.number == line.number and not self._over.is_set():
            url = session["reconnect_url"]
            if url == line.moved_to:  # said again; a socket of a session that moves may be opened once
                return
            line.moved_to = url
            self._stop_moving()
            self._moving = self._start(self._move(self._line, url), "handover")

    async def _move(self, old: Line, url: str) -> None:
        """Hand the session over to the socket that Twitch names, while the old one is read on."""
        try:
            new = await self._open(URL(url, encoded=True), within=self._timing.handover)
        except (TwitchUnavailable, TypeError, ValueError) as error:
            self._log.warning("Twitch moved the chat session to a place that does not answer: %s", error)
            # A fresh session now is better than waiting for Twitch to close the old one in half a minute.
            self._over.set()
            return
        if self._over.is_set():  # the old socket ended meanwhile, and a fresh session is on its way
            await new.close()
            return
        new.number = old.number
        self._line = new
        self._read(new)
        self._membership.session_moved(new.session_id)
        self.ends["moved"] += 1
        self._retire(old)

    def _stop_moving(self) -> None:
        if self._moving is not None:
            self._moving.cancel()
            self._moving = None

    def _retire(self, line: Line | None) -> None:
        """Close a socket that was replaced, after what was on its way has been read."""
        if line is not None and not line.end:
            self._start(self._drain(line), "farewell")

    async def _drain(self, line: Line) -> None:
        try:
            for _ in range(MOST_DRAINS if self._may_connect.is_set() else 0):
                await self._clock.sleep(self._timing.drain)
                if self._membership.settled or line.end:
                    break
        finally:
            await line.close()

    # Ending

    def _end_session(self, error: ColorChangerError | None) -> None:
        """Take note that the session is of no use now."""
        if isinstance(error, AuthError):
            self.pause(str(error))
        self._over.set()

    def _start(self, work: Coroutine[Any, Any, None], what: str) -> asyncio.Task[None]:
        return self._tasks.start(work, f"{what} of {self.login}")

    async def _close(self) -> None:
        lines = list(self._lines)
        await self._tasks.cancel()
        await asyncio.gather(*(line.close() for line in lines))


def _why(line: Line | None) -> str:
    """Return in a word or two why a session ended, one of few: it is a label of the metrics."""
    end = line.end if line is not None else ""
    short = {"gone silent": "silent", "closed by us": "ended_by_us", "": "ended_by_us"}
    return short.get(end, end.replace(" with ", "_"))
