"""EventSub's sessions and their subscriptions, and the messages that go out to them."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from .responses import timestamp
from .sockets import Socket
from .state import User

MESSAGE, NOTIFICATION = "channel.chat.message", "channel.chat.notification"
TYPES = {MESSAGE: "1", NOTIFICATION: "1"}
"""The subscription types that the local Twitch has, and the version of each."""


def envelope(kind: str, payload: Mapping[str, object], **metadata: str) -> bytes:
    """One EventSub message."""
    head = {"message_id": str(uuid.uuid4()), "message_type": kind, "message_timestamp": timestamp(), **metadata}
    return orjson.dumps({"metadata": head, "payload": payload})


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

    def welcome(self, id: str) -> dict[str, object]:
        """The session in a welcome message; `id` is the one that it has from now on."""
        whole = int(self.keepalive) if self.keepalive.is_integer() else self.keepalive
        return self._body("connected", id, whole, None) | {"recovery_url": None}

    def reconnect(self, url: str) -> dict[str, object]:
        """The session in a message that asks the client to move to another URL."""
        return self._body("reconnecting", self.id, None, url)

    def _body(self, status: str, id: str, keepalive: float | None, url: str | None) -> dict[str, object]:
        return {
            "id": id,
            "status": status,
            "connected_at": self.connected_at,
            "keepalive_timeout_seconds": keepalive,
            "reconnect_url": url,
        }


@dataclass(eq=False, slots=True)
class Subscription:
    """One account that reads one channel: its messages or its notices."""

    session: Session
    client_id: str
    user: User
    channel: User
    type: str
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
        """The subscription as Helix shows it."""
        times = {"connected_at": self.session.connected_at}
        if self.disconnected_at:
            times["disconnected_at"] = self.disconnected_at
        return self._body(times)

    def revocation(self) -> bytes:
        """The message that tells the client of its end."""
        return self._message("revocation", {"subscription": self._body({})})

    def notification(self, event: orjson.Fragment) -> bytes:
        """The message that carries an event; only what differs between two of them is built each time."""
        if self._shown[0] != self.session.id:
            self._shown = (self.session.id, orjson.dumps(self._body({})))
        return self._message("notification", {"subscription": orjson.Fragment(self._shown[1]), "event": event})

    def _message(self, kind: str, payload: Mapping[str, object]) -> bytes:
        return envelope(kind, payload, subscription_type=self.type, subscription_version=TYPES[self.type])

    def _body(self, times: dict[str, str]) -> dict[str, object]:
        return {
            "id": self.id,
            "status": self.status,
            "type": self.type,
            "version": TYPES[self.type],
            "condition": self.condition,
            "created_at": self.created_at,
            "transport": {"method": "websocket", "session_id": self.session.id, **times},
            "cost": 0,
        }
