"""ChatSession: one account's connection to Twitch's chat, over EventSub, that is never silently deaf.

However a socket ends, a new one is opened. Only frames that matter become events; a message from
somebody else costs one look at who wrote it, unless it is wanted (the early filter).
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping

import aiohttp
from yarl import URL

from colorchanger_bot.clock import Clock, Flag, Tasks
from colorchanger_bot.errors import AuthError, ColorChangerError, TwitchUnavailable
from colorchanger_bot.eventsub.channel import Channel
from colorchanger_bot.eventsub.channel_list import Known
from colorchanger_bot.eventsub.connection import Connection
from colorchanger_bot.eventsub.frames import MALFORMED, Event, Receive, chatter_of, parse
from colorchanger_bot.eventsub.join_pace import AccountLimits
from colorchanger_bot.eventsub.membership import Membership
from colorchanger_bot.eventsub.reconnect import ConnectPace, may_move
from colorchanger_bot.eventsub.socket import SILENT, Socket
from colorchanger_bot.eventsub.timing import Timing
from colorchanger_bot.twitch.helix import CHAT_MESSAGE, CHAT_NOTIFICATION, Helix

logger = logging.getLogger(__name__)


class ChatSession:
    """Reads the chat of an account's channels.

    `receive` gets every own message, those of others that `wants` accepts, and own notifications with text from the
    chatter: an announcement, a resubscription or a watch streak. Twitch delivers at least once, two sockets overlap
    while one replaces the other, and several accounts may read one channel: dropping repeats is up to the receiver.

    A session may read for several accounts: `ours` are their user ids, and `counts` says whether what one of them
    (the first argument) writes in a channel (the second) is to be received. `notice` gets every message, for those to
    whom it is somebody else's. While `parse_others` returns False for a frame, neither `notice` nor `wants` is called,
    and a message of others is not even parsed.

    `identified` is called when Twitch has told who channels are, `changed` whenever the state of a channel or of the
    connection may have changed. All sessions of an account share its `limits`.
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
        parse_others: Callable[[str], bool] | None = None,
        ours: Container[str] | None = None,
        counts: Callable[[str, str], bool] | None = None,
        timing: Timing | None = None,
        limits: AccountLimits | None = None,
        identified: Callable[[], None] = lambda: None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.user_id = user_id
        self.login = login
        self.reconnects = 0
        self.ends: Counter[str] = Counter()
        """How often a session ended or moved, by reason."""
        self.malformed_frames = 0
        """Frames that were not in Twitch's format and were skipped."""
        self.trouble = ""
        """Why there is no session; empty if there is one."""
        self.last_end = ""
        """How the last session ended or moved, in one word; empty if none has."""
        self._timing = timing or Timing()
        limits = limits or AccountLimits(clock, rng, self._timing)
        self._url = URL(url)
        if "keepalive_timeout_seconds" not in self._url.query:
            self._url %= {"keepalive_timeout_seconds": int(self._timing.keepalive)}
        self._clock = clock
        self._helix = helix
        self._receive = receive
        self._notice = notice
        self._wants = wants
        self._parse_others: Callable[[str], bool] = parse_others or (lambda _: True)
        self._changed = changed
        self._log = logging.LoggerAdapter(logger, {"account": login})
        self._membership = Membership(
            user_id,
            login,
            helix,
            clock=clock,
            rng=rng,
            end_session=self._end_session,
            timing=self._timing,
            identified=identified,
            changed=changed,
            pace=limits.joins,
        )
        self._ours = frozenset((user_id,)) if ours is None else ours
        self._counts: Callable[[str, str], bool] = counts or (lambda _, channel_id: self._membership.reads(channel_id))
        self._pace = ConnectPace(clock, rng, self._timing)
        self._ended = Flag()
        """Set when the present session is over."""
        self._may_connect = Flag()
        self._may_connect.set()
        self._handover: asyncio.Task[None] | None = None
        # Whatever fails, a new session starts from a known state.
        self._tasks = Tasks(self._log, failed=self._ended.set)
        self._connection = Connection(
            sockets,
            self._tasks,
            login,
            clock=clock,
            timing=self._timing,
            receive=self._frame,
            ended=self._ended.set,
            slots=limits.sockets,
        )

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels to read."""
        return self._membership.channels

    @property
    def joined(self) -> int:
        """The number of channels that Twitch has confirmed."""
        return self._membership.joined

    @property
    def is_paused(self) -> bool:
        """Whether the account may not read chat now."""
        return not self._may_connect.is_set()

    @property
    def is_connected(self) -> bool:
        """Whether there is a session now."""
        return self._connection.current is not None

    def channel(self, name: str) -> Channel | None:
        """Return the channel that was asked for by this name."""
        return self._membership.channel(name)

    def reads(self, channel_id: str) -> bool:
        """Return whether the account should read this channel."""
        return self._membership.reads(channel_id)

    def known(self) -> dict[str, Known]:
        """Return who the channels are, by the names that were asked for, as far as that is known."""
        return self._membership.known()

    def set_channels(
        self, logins: Iterable[str], ids: Mapping[str, str] | None = None, remembered: Mapping[str, str] | None = None
    ) -> None:
        """Set the channels to read: `ids` are those of logins that are known, `remembered` those of an earlier run."""
        self._membership.set_channels(logins, ids, remembered)

    def pause(self, reason: str) -> None:
        """Have no session until `resume`: the account may not read chat now."""
        self._may_connect.clear()
        self._note_trouble(reason)
        self._ended.set()

    def resume(self) -> None:
        """Go on after a pause; the account has been logged in again."""
        if not self._may_connect.is_set():
            self._may_connect.set()
            self._note_trouble("")
            self._membership.retry_now()

    def retry_now(self) -> None:
        """Try again now what was refused: the account's permissions have changed."""
        self._membership.retry_now()

    async def run(self) -> None:
        """Connect, subscribe, and keep it so; runs until cancelled."""
        self._tasks.start(self._for_ever(self._membership.run), f"membership of {self.login}")
        try:
            await self._for_ever(self._sessions)
        finally:
            await self._tasks.cancel()

    async def _for_ever(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run work that never ends; if a bug of ours ends it, start again rather than go deaf."""
        while True:
            try:
                await work()
            except Exception:  # the outermost place of each of these tasks
                self._log.exception("the chat session of %s failed; it starts again", self.login)
                self._ended.set()
            await self._clock.sleep(self._timing.retry[1])

    async def _sessions(self) -> None:
        """Run one session after another."""
        while True:
            await self._until_needed()
            socket = await self._connect()
            if socket is None:
                continue
            if not self._may_connect.is_set():
                await socket.close()
                continue
            self._ended.clear()
            self._connection.use(socket, self.reconnects)
            self._membership.session_began(socket.session_id)
            try:
                await self._ended.wait()
            finally:
                self._finish_session()

    def _finish_session(self) -> None:
        self._membership.session_ended()
        self._cancel_handover()
        last = self._connection.current
        self.reconnects += 1
        label = _end_label(last)
        self.ends[label] += 1
        self.last_end = label.partition("_")[0]
        if last is not None and last.end_reason == SILENT:
            # What silenced the socket, a NAT or a VPN, may have silenced the connections to Helix too.
            self._helix.forget_connections()
        if last is not None:
            self._log.info("the chat session ended (%s)", last.end_reason or "closed by us")
            self._connection.retire(last, self._is_settled if self._may_connect.is_set() else None)

    def _is_settled(self) -> bool:
        """Whether the present session gets everything, so that an older socket is no longer needed."""
        return self._membership.settled

    # Connecting

    async def _until_needed(self) -> None:
        """Wait until a session has something to do: Twitch closes one that nobody subscribes in (4003)."""
        while True:
            await self._may_connect.wait()
            changed = self._membership.changes.next
            seconds = self._membership.seconds_to_next_try()
            if seconds <= self._timing.unused / 2:
                return
            await changed.wait_at_most(self._clock, seconds)

    async def _connect(self) -> Socket | None:
        """Open a socket for a new session; None if that failed."""
        limit = await self._pace.wait()
        try:
            socket = await self._connection.open(self._url, limit=limit)
        except TwitchUnavailable as error:
            # A name that is not found, a refused connection and no answer count as the same trouble.
            level = logging.DEBUG if self.trouble else logging.WARNING
            self._log.log(level, "no connection to Twitch chat: %s; retrying", error)
            if self._may_connect.is_set():
                self._note_trouble(str(error))
            await self._pace.failed()
            return None
        self._pace.succeeded()
        if self._may_connect.is_set():
            self._note_trouble("")
        return socket

    def _note_trouble(self, trouble: str) -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            self._changed()

    # Reading

    def _frame(self, socket: Socket, text: str) -> None:
        chatter = chatter_of(text)
        if chatter is not None and chatter not in self._ours and not self._parse_others(text):
            return
        # A bad frame does not close the socket: only that frame is lost.
        try:
            frame = parse(text)
            if frame.kind == "notification":
                event = frame.payload["event"]
                if self._is_wanted(event, frame.event_type):
                    self._receive(event, frame.metadata["message_id"], frame.event_type)
            elif frame.kind == "session_reconnect":
                self._move(socket, frame.payload["session"]["reconnect_url"])
            elif frame.kind == "revocation":
                self._revoked(frame.payload["subscription"])
            elif frame.kind != "session_keepalive":
                self._note_malformed(f"unknown kind {str(frame.kind)[:50]}")
        except MALFORMED as error:
            self._note_malformed(f"{type(error).__name__}: {str(error)[:50]}")

    def _note_malformed(self, what: str) -> None:
        self.malformed_frames += 1
        level = logging.WARNING if self.malformed_frames == 1 else logging.DEBUG
        self._log.log(level, "skipped a frame that is not in Twitch's format (%s)", what)

    def _is_wanted(self, event: Event, type_: str) -> bool:
        chatter, channel_id = event["chatter_user_id"], event["broadcaster_user_id"]
        is_own = chatter in self._ours and self._counts(chatter, channel_id)
        if type_ == CHAT_NOTIFICATION:
            # A gifted subscription, for example, is a notification without text from the chatter.
            return is_own and bool(event["message"]["text"])
        if self._notice is not None:
            self._notice(event)
        return is_own or (self._wants is not None and self._wants(event))

    def _revoked(self, subscription: Event) -> None:
        condition = subscription["condition"]
        if condition["user_id"] == self.user_id:
            channel_id, type_ = condition["broadcaster_user_id"], subscription.get("type", CHAT_MESSAGE)
            self._membership.revoked(channel_id, subscription["id"], type_, str(subscription["status"]))

    # Moving to another socket

    def _move(self, socket: Socket, url: str) -> None:
        """Follow Twitch to another socket; a later request replaces an earlier one."""
        current = self._connection.current
        if current is None or self._ended.is_set() or current.session_number != socket.session_number:
            return  # a request to a session that is over
        if url == socket.reconnect_url:  # sent again; a socket of a session that moves may be opened once
            return
        socket.reconnect_url = url
        self._cancel_handover()
        self._handover = self._tasks.start(self._hand_over(current, url), f"handover of {self.login}")

    async def _hand_over(self, old: Socket, url: str) -> None:
        """Hand the session over to the socket that Twitch names, while the old one is still read."""
        try:
            target = URL(url, encoded=True)
            if not may_move(self._url, target):
                raise TwitchUnavailable(f"{target.host or 'an address without a host'} is not of Twitch")
            new = await self._connection.open(target, limit=self._timing.handover)
        except (TwitchUnavailable, TypeError, ValueError) as error:
            self._log.warning("Twitch asked to move the chat session, which failed: %s", error)
            # Do not wait for Twitch to close the old session in half a minute.
            self._ended.set()
            return
        if self._ended.is_set():  # the old socket ended meanwhile, and a new session is on its way
            await new.close()
            return
        self._connection.use(new, old.session_number)
        self._membership.session_moved(new.session_id)
        self.ends["moved"] += 1
        self._connection.retire(old, self._is_settled)

    def _cancel_handover(self) -> None:
        if self._handover is not None:
            self._handover.cancel()
            self._handover = None

    def _end_session(self, error: ColorChangerError | None) -> None:
        """End the session, which is of no use now."""
        if isinstance(error, AuthError):
            self.pause(str(error))
        self._ended.set()


def _end_label(socket: Socket | None) -> str:
    """Return why a session ended, as one of a few words: it is a label in the metrics."""
    reason = socket.end_reason if socket is not None else ""
    short = {SILENT: "silent", "closed by us": "ended_by_us", "": "ended_by_us"}
    return short.get(reason, reason.replace(" with ", "_"))
