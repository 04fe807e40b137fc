"""Timing: all the waiting times of reading chat, in one place."""

from __future__ import annotations

from typing import NamedTuple

Range = tuple[float, float]


class Timing(NamedTuple):
    """All waiting times of chat sessions, in seconds."""

    # The socket
    keepalive: float = 10.0
    """The keepalive window to ask for: the shortest that Twitch offers (10 to 600), to notice silence soonest."""
    keepalive_grace: float = 3.0
    """How late a keepalive may be before the socket is taken for dead."""
    connect: float = 5.0
    """The limit from the first packet to the welcome; a second try in a row has twice as long, for slow networks."""
    handover: float = 3.5
    """The same for the address in a `session_reconnect`; the old socket is read meanwhile."""
    reconnect: Range = (1.0, 8.0)
    """Between failed connects: the first wait, growing to the last."""
    spread: float = 0.2
    """A reconnect waits up to this long, so that many accounts do not come back at the same moment."""
    unused: float = 10.0
    """Twitch closes a session (4003) without subscriptions after this long."""
    overlap: float = 2.0
    """How long a replaced socket is still read, at least, for messages that are on their way."""
    close: float = 1.0
    """The limit for closing a socket."""
    sockets: int = 3
    """Sockets that Twitch allows an account at the same time."""

    # The channels
    joins: int = 18
    """Joins of an account in `join_window` seconds; Twitch allows 20."""
    join_window: float = 10.0
    retry: Range = (1.0, 8.0)
    """Between tries while Twitch is in trouble."""
    second_try: float = 5.0
    """Until the second try after a 403: the first may be a hiccup."""
    park: Range = (300.0, 3600.0)
    """Between tries of a channel that refuses the account."""
    linger: float = 60.0
    """How long Twitch counts sessions that ended without a close: a 429 about them is waited out."""
    compare: float = 120.0
    """Between two comparisons with Twitch's list of subscriptions, less up to a quarter."""
    verify: float = 2.0
    """Until the comparison after an answer that a subscription exists already (409)."""
    follow: float = 120.0
    """Between two looks at which followed channels are live."""

    # Who reads a channel
    patience: float = 5.0
    """How long a reader may take to begin before another one tries as well."""
    settle: float = 10.0
    """How long a channel must have had enough readers before those that are not needed stop."""
