"""EventSub over WebSocket: sockets come and go, sessions live on them."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import WSMsgType, web

from .limits import Limits
from .registry import Registry
from .responses import ApiError
from .sessions import Session, envelope
from .sockets import CLOSINGS, NO_CLOSING, Freeze, Socket

_NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,9})?")
_GOODBYE = 0.2  # seconds for the clients to answer the last close frames


@dataclass(frozen=True, slots=True)
class Handoff:
    """A reconnect that Twitch asked for: the session that moves, and how slow the new handshake is (seconds)."""

    session: Session
    delay: float
    new_id: str


class Connections:
    """All sockets and sessions; `notify` is called whenever one comes, moves or goes."""

    def __init__(self, registry: Registry, limits: Limits, notify: Callable[[], None]) -> None:
        self.url = ""
        self.sessions: dict[str, Session] = {}
        self.sockets: dict[Socket, Session] = {}
        self.refusing = False
        self.silent = False
        self._registry = registry
        self._limits = limits
        self._notify = notify
        self._handoffs: dict[str, Handoff] = {}
        self._lingering: set[asyncio.TimerHandle] = set()

    @property
    def alive(self) -> list[Session]:
        """The sessions that have a socket."""
        return [session for session in self.sessions.values() if session.alive]

    def offer_move(self, session: Session, handshake_delay: float, *, new_id: bool) -> str:
        """Make a reconnect URL for a session."""
        self._handoffs = {ticket: known for ticket, known in self._handoffs.items() if known.session.alive}
        ticket, id = secrets.token_hex(16), f"AgoQ{secrets.token_urlsafe(32)}" if new_id else session.id
        self._handoffs[ticket] = Handoff(session, handshake_delay, id)
        return f"{self.url}?challenge={ticket}&id={session.id}"

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Serve one socket from its handshake to its end."""
        if self.refusing:
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
        self.sockets[socket] = session
        try:
            await self._welcome(session, socket, handoff.new_id if handoff else session.id)
            await self._attend(session, socket)
        finally:
            del self.sockets[socket]
            self.lose(session, socket)
            socket.closed.set()
            self._notify()
        return response

    def _keepalive(self, request: web.Request) -> float:
        """The window that the client asks for, as near as it is allowed.

        Raises: ApiError when it asks for something that is not a number.
        """
        text = request.query.get("keepalive_timeout_seconds")
        if text is None:
            return float(self._limits.default_keepalive)
        if not _NUMBER.fullmatch(text):
            raise ApiError(400, "keepalive_timeout_seconds must be a number")
        return min(max(float(text), self._limits.min_keepalive), self._limits.max_keepalive)

    async def _welcome(self, session: Session, socket: Socket, new_id: str) -> None:
        """Welcome the client; from then on events go to this socket."""
        await socket.send(envelope("session_welcome", {"session": session.welcome(new_id)}))
        self.sessions.pop(session.id, None)
        session.id, session.socket = new_id, socket
        self.sessions[new_id] = session
        self._notify()

    async def _attend(self, session: Session, socket: Socket) -> None:
        """Watch over a socket: what the client sends, and what falls due."""
        while not socket.closing:
            if socket.frozen in (Freeze.UNRESPONSIVE, Freeze.DEAD):
                await self._ignore(session, socket)
                return
            match await socket.receive(self._until_due(session, socket)):
                case None:
                    await self._do_what_is_due(session, socket)
                case WSMsgType.PING | WSMsgType.PONG:
                    pass
                case WSMsgType.TEXT | WSMsgType.BINARY:
                    self.hang_up(session, socket, 4001)
                case WSMsgType.CLOSE:
                    self._end_session(session, socket, "websocket_disconnected")
                    return
                case _:
                    return
        await socket.close(socket.closing)

    async def _ignore(self, session: Session, socket: Socket) -> None:
        """Answer nothing; Twitch counts a socket without pongs as gone, though nobody has closed it."""
        wait = self._limits.ping_interval + self._limits.pong_timeout
        try:
            async with asyncio.timeout(wait):
                await socket.gone()
        except TimeoutError:
            self._end_session(session, socket, CLOSINGS[4002][1])
        await socket.gone()

    def _until_due(self, session: Session, socket: Socket) -> float:
        due = min(socket.sent_at + session.keepalive, socket.expires_at, socket.pong_due)
        due = min(due, socket.pinged_at + self._limits.ping_interval)
        if session.user is None:
            due = min(due, session.opened_at + self._limits.unused_after)
        return due - time.monotonic()

    async def _do_what_is_due(self, session: Session, socket: Socket) -> None:
        now = time.monotonic()
        if now >= socket.expires_at:
            self.hang_up(session, socket, 4004)
        elif session.user is None and now >= session.opened_at + self._limits.unused_after:
            self.hang_up(session, socket, 4003)
        elif now >= socket.pong_due:
            self.hang_up(session, socket, 4002)
        elif now >= socket.sent_at + session.keepalive:
            socket.sent_at = now
            if not self.silent:
                await socket.send(envelope("session_keepalive", {}))
        elif now >= socket.pinged_at + self._limits.ping_interval:
            await socket.ping(self._limits.pong_timeout)

    # Ends

    def hang_up(self, session: Session, socket: Socket, code: int) -> None:
        """End the session now, and close its socket with that code soon."""
        self._end_session(session, socket, CLOSINGS.get(code, NO_CLOSING)[1])
        socket.hang_up(code)

    def lose(self, session: Session, socket: Socket) -> None:
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

    async def shut_down(self) -> None:
        """Close all sockets, and cut off the clients that do not answer at once."""
        sockets = list(self.sockets)
        for socket, session in list(self.sockets.items()):
            self.hang_up(session, socket, 1001)
            if socket.frozen:
                socket.abort()
        try:
            async with asyncio.timeout(_GOODBYE):
                await asyncio.gather(*(socket.closed.wait() for socket in sockets))
        except TimeoutError:
            for socket in sockets:
                socket.abort()
        for handle in self._lingering:
            handle.cancel()
