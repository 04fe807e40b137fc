"""What EventSub keeps: sockets, the sessions that live on them, and their subscriptions."""

from __future__ import annotations

import asyncio
import math
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
from aiohttp import WSMsgType, web

from .responses import timestamp
from .state import User

TYPE, VERSION = "channel.chat.message", "1"

# Close codes, the reason in the close frame, and what then becomes of the subscriptions
# (EventSub over WebSocket, "Close message"; Get EventSub Subscriptions, "status").
CLOSINGS = {
    4000: (b"internal server error", "websocket_internal_error"),
    4001: (b"client sent inbound traffic", "websocket_received_inbound_traffic"),
    4002: (b"client failed ping-pong", "websocket_failed_ping_pong"),
    4003: (b"connection unused", "websocket_connection_unused"),
    4004: (b"client reconnect grace time expired", "websocket_failed_to_reconnect"),
    4005: (b"network timeout", "websocket_network_timeout"),
    4006: (b"network error", "websocket_network_error"),
    4007: (b"invalid reconnect attempt", "websocket_disconnected"),
}
NO_CLOSING = (b"", "websocket_disconnected")
_BEHIND = 64 * 1024  # unsent bytes from which on a client counts as slow
_UNLIMITED = 1 << 30  # unsent bytes from which on asyncio would let one slow client hold up the others
_CLOSE_WAIT = 1.0  # seconds for the other side to answer a close frame


def envelope(kind: str, payload: Mapping[str, object], **metadata: str) -> bytes:
    """One EventSub message."""
    head = {"message_id": str(uuid.uuid4()), "message_type": kind, "message_timestamp": timestamp(), **metadata}
    return orjson.dumps({"metadata": head, "payload": payload})


class Socket:
    """One WebSocket connection, and when it last carried a message (monotonic)."""

    def __init__(self, write_timeout: float) -> None:
        self.sent_at = time.monotonic()
        self.expires_at = math.inf
        self.closing = 0
        self.frozen = False
        self.closed = asyncio.Event()
        self._ws = web.WebSocketResponse(compress=False, timeout=_CLOSE_WAIT)
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Timeout | None = None
        self._behind_since = math.inf
        self._write_timeout = write_timeout

    async def open(self, request: web.Request) -> web.WebSocketResponse:
        """Shake hands."""
        await self._ws.prepare(request)
        self._transport = request.transport
        if self._transport is not None:
            self._transport.set_write_buffer_limits(high=_UNLIMITED)
        return self._ws

    async def send(self, frame: bytes, kind: WSMsgType = WSMsgType.TEXT) -> None:
        """Send a frame; nobody waits for a slow client, and one that stays behind is cut off."""
        self.sent_at = time.monotonic()
        if self._transport is None or self.frozen:
            return
        try:
            await self._ws.send_frame(frame, kind)
        except ConnectionError:
            return
        if self._transport.get_write_buffer_size() <= _BEHIND:
            self._behind_since = math.inf
            return
        self._behind_since = min(self._behind_since, self.sent_at)
        if self.sent_at - self._behind_since > self._write_timeout:
            self.abort()
        await asyncio.sleep(0)

    async def receive(self, wait: float) -> WSMsgType | None:
        """The kind of the next frame that is no ping or pong, None after `wait` seconds without one."""
        try:
            async with asyncio.timeout(wait) as self._waiting:
                return (await self._ws.receive()).type
        except TimeoutError:
            return None
        finally:
            self._waiting = None

    def wake(self) -> None:
        """End a wait in `receive` now."""
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(0)

    def hang_up(self, code: int) -> None:
        """Let whoever attends to the socket close it with that code."""
        self.closing = code
        self.wake()

    async def close(self, code: int) -> None:
        """Close with that code and wait a little for the answer: without it some clients miss the code."""
        try:
            async with asyncio.timeout(2 * _CLOSE_WAIT):
                await self._ws.close(code=code, message=CLOSINGS.get(code, NO_CLOSING)[0])
        except TimeoutError:
            self.abort()

    def abort(self) -> None:
        """Let the TCP connection vanish."""
        if self._transport is not None:
            self._transport.abort()


@dataclass(eq=False, slots=True)
class Session:
    """What a client subscribes with; a reconnect moves it to another socket."""

    socket: Socket
    keepalive: float
    id: str = field(default_factory=lambda: f"AgoQ{secrets.token_urlsafe(32)}IGY2VsbC1h")
    opened_at: float = field(default_factory=time.monotonic)
    connected_at: str = field(default_factory=timestamp)
    client_id: str = ""
    user: User | None = None
    alive: bool = True
    subscriptions: dict[str, Subscription] = field(default_factory=dict[str, "Subscription"])

    def body(self, status: str, *, id: str = "", reconnect_url: str | None = None) -> dict[str, object]:
        """The session as a welcome or a reconnect message shows it."""
        whole = int(self.keepalive) if self.keepalive.is_integer() else self.keepalive
        return {
            "id": id or self.id,
            "status": status,
            "connected_at": self.connected_at,
            "keepalive_timeout_seconds": whole if status == "connected" else None,
            "reconnect_url": reconnect_url,
        }


@dataclass(eq=False, slots=True)
class Subscription:
    """One account that reads one channel."""

    session: Session
    client_id: str
    user: User
    channel: User
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created_at: str = field(default_factory=timestamp)
    status: str = "enabled"
    disconnected_at: str = ""
    _shown: tuple[str, bytes] = ("", b"")

    @property
    def condition(self) -> dict[str, str]:
        """Whose chat, and who reads it."""
        return {"broadcaster_user_id": self.channel.id, "user_id": self.user.id}

    def body(self) -> dict[str, object]:
        """The subscription as Twitch shows it everywhere."""
        transport = {
            "method": "websocket",
            "session_id": self.session.id,
            "connected_at": self.session.connected_at,
        }
        if self.disconnected_at:
            transport["disconnected_at"] = self.disconnected_at
        return {
            "id": self.id,
            "status": self.status,
            "type": TYPE,
            "version": VERSION,
            "condition": self.condition,
            "created_at": self.created_at,
            "transport": transport,
            "cost": 0,
        }

    def notification(self, event: orjson.Fragment) -> bytes:
        """The message that carries an event; only what differs between two of them is built each time."""
        if self._shown[0] != self.session.id:
            self._shown = (self.session.id, orjson.dumps(self.body()))
        shown = orjson.Fragment(self._shown[1])
        return envelope(
            "notification",
            {"subscription": shown, "event": event},
            subscription_type=TYPE,
            subscription_version=VERSION,
        )
