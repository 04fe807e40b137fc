"""Timing: how long a chat session waits for what, all in one place."""

from __future__ import annotations

from typing import NamedTuple

Range = tuple[float, float]


class Timing(NamedTuple):
    """All waiting times of chat sessions, in seconds; the sources are in TWITCH.md, sections 3 and 4."""

    # The line
    keepalive: float = 10.0
    """The window that is asked for: the shortest Twitch offers (10 to 600), so that silence is noticed soonest."""
    silence: float = 3.0
    """What a keepalive may be late before the line counts as dead."""
    connect: float = 5.0
    """From the first packet to the welcome; a second try in a row has twice as long, for slow lines."""
    handover: float = 3.5
    """The same for the place that Twitch names in a `session_reconnect`, while the old socket is read on."""
    reconnect: Range = (1.0, 8.0)
    """Between failed connects: the first wait, growing to the last."""
    spread: float = 0.2
    """A reconnect waits up to so long, so that many accounts do not come back in the same instant."""
    unused: float = 10.0
    """Twitch closes a session (4003) in which nobody has subscribed for so long."""
    drain: float = 2.0
    """How long at least a socket that was replaced is still read, for what was on its way."""
    close: float = 1.0
    """How long a goodbye may take."""

    # The channels
    join: float = 0.6
    """Between two joins of an account, after three at once: Twitch allows 20 in 10 s."""
    retry: Range = (1.0, 8.0)
    """Between tries while Twitch is in trouble."""
    second_try: float = 5.0
    """A 403 may be a hiccup: it is believed when it comes twice."""
    park: Range = (300.0, 3600.0)
    """Between tries of a channel that refuses the account."""
    linger: float = 60.0
    """How long Twitch counts sessions that ended without a goodbye: so long a 429 about them is waited out."""
    compare: float = 120.0
    """Between two looks at what Twitch says is subscribed, less up to a quarter."""
    verify: float = 2.0
    """After an answer that a subscription exists already (409): then Twitch's list is looked at so soon."""
    follow: float = 120.0
    """Between two looks at which followed channels are live."""
