"""Twitch's limits and time-outs, each with its source; tests and demos can replace them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Every limit and time-out; all times are in seconds."""

    # Twitch API, "Rate limits": one bucket per client id and user.
    rate_limit: float = 800
    rate_window: float = 60.0

    # EventSub over WebSocket, "Getting events using WebSockets".
    min_keepalive: float = 10.0
    max_keepalive: float = 600.0
    default_keepalive: float = 10.0
    unused_after: float = 10.0
    reconnect_grace: float = 30.0
    write_timeout: float = 5.0
    ping_interval: float = 30.0
    pong_timeout: float = 10.0
    linger: float = 0.0  # how long a vanished socket still counts, as it does on Twitch after a crash

    # EventSub, "Subscription limits", per client id and user.
    sockets: float = 3
    subscriptions_per_socket: float = 300
    same_subscription: float = 3

    # Chat, "Rate limits": joining is subscribing to channel.chat.message.
    joined_channels: float = 100
    joins: float = 20
    join_window: float = 10.0
    chat_interval: float = 1.0
    chat_messages: float = 20
    chat_messages_privileged: float = 100  # for the broadcaster and moderators of a channel
    chat_window: float = 30.0
    chat_duplicate: float = 30.0  # how long the same text is dropped, in channels where one is not privileged
    chat_characters: float = 500

    # Authentication: "Device code grant flow" and "Refreshing access tokens".
    token_lifetime: float = 14_400
    device_lifetime: float = 1_800
    device_interval: float = 5
    refresh_idle: float = 30 * 86_400
    access_tokens: float = 50  # valid at once for one refresh token; the oldest is dropped

    # Not Twitch's: how much the local Twitch remembers. The oldest is forgotten.
    remembered_requests: float = 50_000
    remembered_tokens: float = 50_000  # access tokens, and as many refresh tokens
    remembered_devices: float = 1_000
