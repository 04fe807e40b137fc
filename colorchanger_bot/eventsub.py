"""ChatSession: one account's line to Twitch's chat, over EventSub, that is never silently deaf.

Every way in which a socket can end leads to a new one. Only frames that matter become an event; a message of
somebody else costs one JSON parse and one comparison (DESIGN: "early filter").
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from yarl import URL

from colorchanger_bot.changer import Recent
from colorchanger_bot.channels import Channel, Membership
from colorchanger_bot.clock import Backoff, Clock
from colorchanger_bot.errors import AuthError, ColorChangerError, TwitchUnavailable
from colorchanger_bot.helix import Helix

logger = logging.getLogger(__name__)

KEEPALIVE_SECONDS = 10
"""The shortest window that Twitch offers (10 to 600): silence is noticed soonest."""
SILENCE_SECONDS = 3.0
"""What a keepalive may be late before the line counts as dead."""
CONNECT_SECONDS = 10.0
"""From the first packet to Twitch's welcome."""
FIRST_WAIT_SECONDS, MOST_WAIT_SECONDS = 1.0, 15.0
EAGER_CONNECTS, EAGER_WINDOW_SECONDS = 8, 60.0
"""So many connects in so long are made at once; a line that flaps more often waits in between."""
DRAIN_SECONDS = 2.0
"""How long the old socket is still read after a handover, for what was on its way."""
CLOSE_SECONDS = 1.0

Event = dict[str, Any]


@dataclass(slots=True, eq=False)
class Socket:
    """One welcomed WebSocket."""

    ws: aiohttp.ClientWebSocketResponse
    session_id: str
    keepalive: float
    heard: float
    """When the last frame came, on the monotonic clock."""


class ChatSession:
    """Reads the chat of an account's channels.

    `receive` gets each own message once, with `everything` each message; `notice` gets a glance at every message of
    somebody else, before anything is made of it.
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
        receive: Callable[[Event], None],
        notice: Callable[[Event], None] | None = None,
        everything: bool = False,
    ) -> None:
        self.user_id = user_id
        self.login = login
        self.reconnects = 0
        self.odd_frames = 0
        """Frames that were not in Twitch's format and were passed over."""
        self.trouble = ""
        """Why there is no session; empty if there is one."""
        self._sockets = sockets
        self._url = (
            URL(url)
            if "keepalive_timeout_seconds" in url
            else URL(url) % {"keepalive_timeout_seconds": KEEPALIVE_SECONDS}
        )
        self._clock = clock
        self._receive = receive
        self._notice = notice
        self._everything = everything
        self._log = logging.LoggerAdapter(logger, {"account": login})
        self._membership = Membership(user_id, login, helix, clock=clock, rng=rng, on_trouble=self._on_trouble)
        self._backoff = Backoff(rng, first=FIRST_WAIT_SECONDS, most=MOST_WAIT_SECONDS)
        self._connects: deque[float] = deque(maxlen=EAGER_CONNECTS)
        self._seen = Recent(1000)
        self._current: Socket | None = None
        self._over = asyncio.Event()
        self._may_connect = asyncio.Event()
        self._may_connect.set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The wanted channels, as they stand."""
        return self._membership.channels

    @property
    def joined(self) -> int:
        """How many channels Twitch has confirmed."""
        return self._membership.joined

    def want(self, logins: Iterable[str]) -> None:
        """Set the channels to be read."""
        self._membership.want(logins)

    def resume(self) -> None:
        """Go on after the account has been logged in again."""
        if not self._may_connect.is_set():
            self.trouble = ""
            self._may_connect.set()

    async def run(self) -> None:
        """Connect, subscribe and stay so; runs until it is cancelled."""
        joining = self._spawn(self._membership.run(), "membership")
        try:
            while True:
                await self._until_wanted()
                socket = await self._connect()
                if socket is None:
                    continue
                self._over.clear()
                self._current = socket
                self._read(socket)
                self._membership.session_began(socket.session_id)
                await self._over.wait()
                self._membership.session_ended()
                self._retire(self._current)
                self._current = None
                self.reconnects += 1
        finally:
            joining.cancel()
            await self._close()

    # Connecting

    async def _until_wanted(self) -> None:
        """Wait until a session has something to do: Twitch closes one that nobody subscribes in (4003)."""
        await self._may_connect.wait()
        while (seconds := self._membership.seconds_to_next_try()) > CONNECT_SECONDS / 2:
            await self._membership.news(seconds)

    async def _connect(self) -> Socket | None:
        """Open a new session: at once, unless it was lost too often lately; None if it failed."""
        now = self._clock.monotonic()
        if len(self._connects) == EAGER_CONNECTS and now - self._connects[0] < EAGER_WINDOW_SECONDS:
            await self._clock.sleep(self._backoff.next())
        self._connects.append(self._clock.monotonic())
        try:
            socket = await self._open(self._url)
        except TwitchUnavailable as error:
            if self.trouble != str(error):
                self.trouble = str(error)
                self._log.warning("no chat session: %s; trying on", error)
            await self._clock.sleep(self._backoff.next())
            return None
        self._backoff.reset()
        self.trouble = ""
        return socket

    async def _open(self, url: URL) -> Socket:
        """Connect and wait for the welcome.

        Raises:
            TwitchUnavailable: there was none in time.
        """
        # (pyright cannot see through the decorator that gives this class its fields)
        timeout = aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS)  # pyright: ignore[reportCallIssue]
        ws: aiohttp.ClientWebSocketResponse | None = None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                ws = await self._sockets.ws_connect(url, timeout=timeout, compress=0)
                frame = await ws.receive()
            session: dict[str, Any] = orjson.loads(frame.data)["payload"]["session"]
            keepalive = float(session.get("keepalive_timeout_seconds") or KEEPALIVE_SECONDS)
            return Socket(ws, str(session["id"]), keepalive, self._clock.monotonic())
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError, KeyError, TypeError) as error:
            if ws is not None:
                await ws.close()
            reason = "no welcome in time" if isinstance(error, TimeoutError) else type(error).__name__
            raise TwitchUnavailable(f"Twitch's chat service does not let us in ({reason})") from None
        except asyncio.CancelledError:
            if ws is not None:
                await ws.close()
            raise

    # Reading

    def _read(self, socket: Socket) -> None:
        self._spawn(self._pump(socket), "reader")
        self._spawn(self._listen_for_silence(socket), "silence watch")

    async def _pump(self, socket: Socket) -> None:
        """Read one socket to its end."""
        ws = socket.ws
        while True:
            message = await ws.receive()
            if message.type is aiohttp.WSMsgType.TEXT:
                socket.heard = self._clock.monotonic()
                self._frame(message.data)
            elif message.type is not aiohttp.WSMsgType.BINARY:
                break
        if socket is self._current:
            self._log.info("the chat session ended (%s)", ws.close_code or "connection lost")
            self._over.set()

    async def _listen_for_silence(self, socket: Socket) -> None:
        """End a socket that says nothing, not even that it is alive."""
        while not socket.ws.closed:
            limit = socket.heard + socket.keepalive + SILENCE_SECONDS
            left = limit - self._clock.monotonic()
            if left <= 0:
                self._log.warning("the chat session has gone silent")
                if socket is self._current:
                    self._over.set()
                await socket.ws.close()
                return
            await self._clock.sleep(left)

    def _frame(self, text: str) -> None:
        event: Event | None = None
        try:
            data = orjson.loads(text)
            metadata = data["metadata"]
            kind = metadata["message_type"]
            if kind == "notification":
                if self._is_wanted(found := data["payload"]["event"]) and self._is_new(metadata, found):
                    event = found
            elif kind == "session_reconnect":
                self._spawn(self._move(URL(data["payload"]["session"]["reconnect_url"], encoded=True)), "handover")
            elif kind == "revocation":
                subscription = data["payload"]["subscription"]
                condition = subscription["condition"]
                if condition.get("user_id") == self.user_id:
                    self._membership.revoked(condition["broadcaster_user_id"], str(subscription["status"]))
            elif kind != "session_keepalive":
                self.odd_frames += 1
        except (KeyError, TypeError, ValueError, AttributeError):
            # Whatever a frame says, the line stays up; what was lost is one frame that nobody could read.
            self.odd_frames += 1
            self._log.debug("a frame that is not in Twitch's format was passed over")
        if event is not None:
            self._receive(event)

    def _is_wanted(self, event: Event) -> bool:
        if event["chatter_user_id"] == self.user_id:
            return True
        if self._notice is not None:
            self._notice(event)
        return self._everything

    def _is_new(self, metadata: Event, event: Event) -> bool:
        # Twitch delivers at least once, and two sessions overlap for a moment when one replaces the other.
        return self._seen.add(metadata["message_id"]) and self._seen.add(f"message {event['message_id']}")

    async def _move(self, url: URL) -> None:
        """Hand the session over to the socket that Twitch names, while the old one is read on."""
        old = self._current
        try:
            new = await self._open(url)
        except TwitchUnavailable as error:
            self._log.warning("Twitch moved the chat session to a place that does not answer: %s", error)
            # A fresh session now is better than waiting for Twitch to close the old one in half a minute.
            if old is self._current:
                self._over.set()
            return
        if old is not self._current or old is None:  # lost meanwhile, and replaced: the old session is nobody's
            await new.ws.close()
            return
        self._current = new
        self._read(new)
        self._membership.session_moved(new.session_id)
        self._retire(old)

    def _retire(self, socket: Socket | None) -> None:
        """Close a socket that was replaced, after what was on its way has been read."""
        if socket is not None and not socket.ws.closed:
            self._spawn(self._drain(socket), "farewell")

    async def _drain(self, socket: Socket) -> None:
        try:
            await self._clock.sleep(DRAIN_SECONDS)
        finally:
            await socket.ws.close()

    # Ending

    def _on_trouble(self, error: ColorChangerError) -> None:
        """The session is of no use: start a new one, or without a login be quiet until there is one again."""
        if isinstance(error, AuthError) and not error.retry and self._may_connect.is_set():
            self.trouble = str(error)
            self._may_connect.clear()
        self._over.set()

    def _spawn(self, work: Any, what: str) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work, name=f"{what} of {self.login}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("the %s failed", task.get_name(), exc_info=error)
            self._over.set()  # whatever it was, a fresh session starts from known ground

    async def _close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._current is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._current.ws.close()
