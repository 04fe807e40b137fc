"""EventSub: events go out to those who subscribed, and connections fail on demand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

import orjson
from aiohttp import WSMsgType, web

from .connections import Connections
from .limits import Limits
from .network import forget
from .registry import Registry
from .sessions import MESSAGE, Session, envelope
from .sockets import Freeze, Socket
from .state import User


class EventSub:
    """Delivers events, and makes connections fail; `notify` is called whenever a connection changes."""

    def __init__(self, registry: Registry, limits: Limits, notify: Callable[[], None]) -> None:
        self._registry = registry
        self._limits = limits
        self._connections = Connections(registry, limits, notify)
        self._last: list[tuple[Session, bytes]] = []

    @property
    def sessions(self) -> dict[str, Session]:
        """The sessions by their id."""
        return self._connections.sessions

    @property
    def open_sockets(self) -> int:
        """How many sockets neither side has closed, also those without a live session."""
        return sum(socket.is_open for socket in self._connections.sockets)

    @property
    def transports(self) -> set[asyncio.Transport]:
        """The TCP connections of the sockets."""
        found = {socket.transport for socket in self._connections.sockets}
        return {transport for transport in found if transport is not None}

    def listen_at(self, url: str) -> None:
        """Say where clients find this EventSub."""
        self._connections.url = url

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Serve one socket from its handshake to its end."""
        return await self._connections.connect(request)

    async def shut_down(self) -> None:
        """Close all sockets."""
        await self._connections.shut_down()

    # Messages

    async def revoke(self, status: str, *, user: User, client_id: str = "", channel: User | None = None) -> None:
        """Disable the subscriptions of a user and tell the client, once each."""
        for subscription in self._registry.matching(user=user, client_id=client_id, channel=channel):
            self._registry.end(subscription, status)
            await subscription.session.socket.send(subscription.revocation())

    async def publish(self, channel: User, event: Mapping[str, object], type: str = MESSAGE) -> None:
        """Deliver an event to everyone who subscribed to its type in the channel; it is serialised once."""
        if self._connections.silent:
            return
        fragment = orjson.Fragment(orjson.dumps(event))
        subscribed = self._registry.of(channel, type)
        self._last = [(known.session, known.notification(fragment)) for known in subscribed]
        for session, frame in self._last:
            await session.socket.send(frame)

    # Faults

    # (each of these is for all sockets, or for those of one user)

    async def close_all(self, code: int, *, login: str = "") -> None:
        """Close the sockets with that code; the subscriptions end at once, the close frames are on their way."""
        for socket, session in self._sockets_of(login):
            self._connections.hang_up(session, socket, code)

    async def drop_all(self, *, login: str = "") -> None:
        """Let the TCP connections vanish without a close frame."""
        for socket, session in self._sockets_of(login):
            socket.abort()
            self._connections.lose(session, socket)

    async def silence(self, on: bool = True) -> None:
        """Send neither keepalives nor notifications, with the sockets open."""
        self._connections.silent = on

    async def freeze(self, how: Freeze = Freeze.SILENT, *, login: str = "") -> None:
        """Let the present sockets fall silent for ever, with their connections open; new ones are served."""
        for socket, _ in self._sockets_of(login):
            socket.freeze(how)

    def _sockets_of(self, login: str) -> list[tuple[Socket, Session]]:
        sockets = self._connections.sockets.items()
        return [(socket, each) for socket, each in sockets if not login or (each.user and each.user.login == login)]

    async def forget(self) -> None:
        """Let the network forget the present sockets: nothing arrives any more, and nobody is told."""
        for socket in self._connections.sockets:
            if socket.transport is not None and not socket.transport.is_closing():
                socket.freeze(Freeze.DEAD)
                forget(socket.transport)

    async def refuse(self, on: bool = True) -> None:
        """Answer new sockets with 503."""
        self._connections.refusing = on

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
        for session in self._connections.alive:
            offered = self._connections.offer_move(session, handshake_delay, new_id=new_session_id)
            body = session.reconnect(url or offered)
            asking, message = session.socket, envelope("session_reconnect", {"session": body})
            asking.expires_at = expires_at
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
        for session in self._connections.alive:
            await session.socket.send(frame, kind)
