"""EventSub over WebSocket: sockets come and go, sessions live, subscriptions carry events."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson
from aiohttp import WSMsgType, web

from .limits import Limits
from .registry import Registry
from .responses import ApiError
from .sessions import CLOSINGS, NO_CLOSING, TYPE, VERSION, Session, Socket, envelope
from .state import User

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
GOODBYE = 0.2  # seconds for the clients to answer the last close frames


@dataclass(frozen=True, slots=True)
class Handoff:
    """A reconnect that Twitch asked for: the session that moves, and how slow the new handshake is (seconds)."""

    session: Session
    delay: float
    new_id: str


class EventSub:
    """All sessions, and what can be done to them; `notify` is called whenever something changed."""

    def __init__(self, registry: Registry, limits: Limits, notify: Callable[[], None]) -> None:
        self.url = ""
        self.sessions: dict[str, Session] = {}
        self._registry = registry
        self._limits = limits
        self._notify = notify
        self._sockets: dict[Socket, Session] = {}
        self._handoffs: dict[str, Handoff] = {}
        self._last: list[tuple[Session, bytes]] = []
        self._lingering: set[asyncio.TimerHandle] = set()
        self._silent = False
        self._refusing = False

    # Messages

    async def revoke(self, status: str, *, user: User, client_id: str = "", channel: User | None = None) -> None:
        """Disable the subscriptions of a user and tell the client, once each."""
        for subscription in self._registry.matching(user=user, client_id=client_id, channel=channel):
            self._registry.end(subscription, status)
            await subscription.session.socket.send(
                envelope(
                    "revocation",
                    {"subscription": subscription.body()},
                    subscription_type=TYPE,
                    subscription_version=VERSION,
                )
            )

    async def publish(self, channel: User, event: Mapping[str, object]) -> None:
        """Deliver an event to everyone who reads the channel; the event is serialised once."""
        if self._silent:
            return
        fragment = orjson.Fragment(orjson.dumps(event))
        self._last = [(reader.session, reader.notification(fragment)) for reader in self._registry.of(channel)]
        for session, frame in self._last:
            await session.socket.send(frame)

    # What can be done to the clients

    async def close_all(self, code: int) -> None:
        """Close every socket with that code; the subscriptions end at once, the close frames are on their way."""
        for socket, session in list(self._sockets.items()):
            self._hang_up(session, socket, code)

    async def drop_all(self) -> None:
        """Let every TCP connection vanish without a word."""
        for socket, session in list(self._sockets.items()):
            socket.abort()
            self._lose(session, socket)

    async def silence(self, on: bool = True) -> None:
        """Send neither keepalives nor notifications, with the sockets open."""
        self._silent = on

    async def freeze(self) -> None:
        """Let the present sockets fall silent for ever, open as they are; new ones are served."""
        for socket in self._sockets:
            socket.frozen = True

    async def refuse(self, on: bool = True) -> None:
        """Answer new sockets with 503."""
        self._refusing = on

    async def reconnect_all(
        self,
        handshake_delay: float = 0.0,
        url: str | None = None,
        *,
        grace: float | None = None,
        new_session_id: bool = False,
        again_after: float | None = None,
    ) -> None:
        """Ask every client to move to another socket, as Twitch does before a restart of its servers.

        The new socket answers the handshake after `handshake_delay` seconds and takes the subscriptions over
        with its welcome; the old one is closed with 4004 after `grace` seconds (30 on Twitch). The session
        keeps its id, as on Twitch, unless `new_session_id`. `url` sends the clients elsewhere. With `again_after`
        each is asked once more so many seconds later: Twitch delivers at least once.
        """
        expires_at = time.monotonic() + (self._limits.reconnect_grace if grace is None else grace)
        self._handoffs = {ticket: known for ticket, known in self._handoffs.items() if known.session.alive}
        for session in self._alive():
            ticket, new_id = secrets.token_hex(16), f"AgoQ{secrets.token_urlsafe(32)}" if new_session_id else session.id
            self._handoffs[ticket] = Handoff(session, handshake_delay, new_id)
            session.socket.expires_at = expires_at
            target = url or f"{self.url}?challenge={ticket}&id={session.id}"
            body = session.body("reconnecting", reconnect_url=target)
            asking, message = session.socket, envelope("session_reconnect", {"session": body})
            await asking.send(message)
            asking.wake()
            if again_after is not None:
                await asyncio.sleep(again_after)
                await asking.send(message)

    async def lose_subscriptions(self, login: str) -> None:
        """Disable the subscriptions of a user without telling the client."""
        for subscription in self._registry.enabled:
            if subscription.user.login == login:
                self._registry.end(subscription, "websocket_internal_error")

    async def resend_last(self) -> None:
        """Send the last notification again, with the same message id."""
        for session, frame in self._last:
            await session.socket.send(frame)

    async def send_raw(self, data: str | bytes) -> None:
        """Send any text, or any bytes, to every client."""
        kind, frame = (WSMsgType.TEXT, data.encode()) if isinstance(data, str) else (WSMsgType.BINARY, data)
        for session in self._alive():
            await session.socket.send(frame, kind)

    # Sockets

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Serve one socket from its handshake to its end."""
        if self._refusing:
            raise ApiError(503, "no healthy upstream")
        keepalive = self._keepalive(request)
        ticket = request.query.get("challenge", "")
        handoff = self._handoffs.get(ticket)
        if handoff:
            await asyncio.sleep(handoff.delay)
        socket = Socket(self._limits.write_timeout)
        response = await socket.open(request)
        if handoff and handoff.session.alive and self._handoffs.pop(ticket, None):
            session = handoff.session
        elif ticket:
            await socket.close(4007)
            return response
        else:
            session = Session(socket, keepalive)
        self._sockets[socket] = session
        try:
            await self._welcome(session, socket, handoff.new_id if handoff else session.id)
            await self._attend(session, socket)
        finally:
            del self._sockets[socket]
            self._lose(session, socket)
            socket.closed.set()
        return response

    def _keepalive(self, request: web.Request) -> float:
        """The window that the client asks for, as near as it is allowed.

        Raises: ApiError when it asks for something that is no number.
        """
        text = request.query.get("keepalive_timeout_seconds")
        if text is None:
            return float(self._limits.default_keepalive)
        if not _NUMBER.fullmatch(text):
            raise ApiError(400, "keepalive_timeout_seconds must be a number")
        return min(max(float(text), self._limits.min_keepalive), self._limits.max_keepalive)

    async def _welcome(self, session: Session, socket: Socket, new_id: str) -> None:
        """Welcome the client; from then on events go to this socket."""
        await socket.send(envelope("session_welcome", {"session": session.body("connected", id=new_id)}))
        self.sessions.pop(session.id, None)
        session.id, session.socket = new_id, socket
        self.sessions[new_id] = session
        self._notify()

    async def _attend(self, session: Session, socket: Socket) -> None:
        """Watch over a socket: what the client sends, and what falls due."""
        while not socket.closing:
            match await socket.receive(self._until_due(session, socket)):
                case None:
                    await self._do_what_is_due(session, socket)
                case WSMsgType.TEXT | WSMsgType.BINARY:
                    self._hang_up(session, socket, 4001)
                case WSMsgType.CLOSE:
                    self._end_session(session, socket, "websocket_disconnected")
                    return
                case _:
                    return
        await socket.close(socket.closing)

    def _until_due(self, session: Session, socket: Socket) -> float:
        due = min(socket.sent_at + session.keepalive, socket.expires_at)
        if session.user is None:
            due = min(due, session.opened_at + self._limits.unused_after)
        return due - time.monotonic()

    async def _do_what_is_due(self, session: Session, socket: Socket) -> None:
        now = time.monotonic()
        if now >= socket.expires_at:
            self._hang_up(session, socket, 4004)
        elif session.user is None and now >= session.opened_at + self._limits.unused_after:
            self._hang_up(session, socket, 4003)
        elif now >= socket.sent_at + session.keepalive:
            socket.sent_at = now
            if not self._silent:
                await socket.send(envelope("session_keepalive", {}))

    # Ends

    def _hang_up(self, session: Session, socket: Socket, code: int) -> None:
        self._end_session(session, socket, CLOSINGS.get(code, NO_CLOSING)[1])
        socket.hang_up(code)

    def _lose(self, session: Session, socket: Socket) -> None:
        """The socket vanished: its subscriptions may linger for a while, as they do on Twitch."""
        if session.socket is not socket or not session.alive:
            return
        session.alive = False
        if self._limits.linger and session.subscriptions:
            loop = asyncio.get_running_loop()
            handle = loop.call_later(
                self._limits.linger, self._end_session, session, socket, "websocket_network_timeout"
            )
            self._lingering.add(handle)
        else:
            self._end_session(session, socket, "websocket_network_error")

    def _end_session(self, session: Session, socket: Socket, status: str) -> None:
        if session.socket is not socket:
            return
        session.alive = False
        self.sessions.pop(session.id, None)
        for subscription in list(session.subscriptions.values()):
            self._registry.end(subscription, status)
        self._notify()

    def _alive(self) -> list[Session]:
        return [session for session in self.sessions.values() if session.alive]

    async def shut_down(self) -> None:
        """Say goodbye, and soon let go of those who do not answer."""
        sockets = list(self._sockets)
        await self.close_all(1001)
        try:
            async with asyncio.timeout(GOODBYE):
                await asyncio.gather(*(socket.closed.wait() for socket in sockets))
        except TimeoutError:
            await self.drop_all()
        for handle in self._lingering:
            handle.cancel()
