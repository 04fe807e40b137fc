"""When, and where, an account may open its next socket."""

from __future__ import annotations

import random

from yarl import URL

from colorchanger_bot.clock import Backoff, Clock
from colorchanger_bot.eventsub.timing import Timing

IMMEDIATE_CONNECTS, WINDOW_SECONDS = 8, 60.0
"""This many connects in this time are made at once; beyond that, each waits."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class ConnectPace:
    """Paces the connects of one account: at once after a loss, slower when losses or failures repeat."""

    def __init__(self, clock: Clock, rng: random.Random, timing: Timing) -> None:
        self._clock = clock
        self._rng = rng
        self._timing = timing
        first, most = timing.reconnect
        self._backoff = Backoff(rng, first=first, most=most)
        self._times: tuple[float, ...] = ()
        """When the last connects were made."""

    async def wait(self) -> float:
        """Wait until a connect may be made; return its limit in seconds."""
        now = self._clock.monotonic()
        if len(self._times) == IMMEDIATE_CONNECTS and now - self._times[0] < WINDOW_SECONDS:
            await self._clock.sleep(self._timing.reconnect[0])
        if self._times:
            await self._clock.sleep(self._rng.uniform(0.0, self._timing.spread))
        self._times = (*self._times, self._clock.monotonic())[-IMMEDIATE_CONNECTS:]
        return self._timing.connect * (2 if self._backoff.attempts else 1)

    def succeeded(self) -> None:
        """Start again from the first wait."""
        self._backoff.reset()

    async def failed(self) -> None:
        """Wait after a failed connect, longer each time."""
        await self._clock.sleep(self._backoff.next())


def may_move(configured: URL, target: URL) -> bool:
    """Return whether Twitch may move a session from the configured address to this one.

    Over TLS it may go to any host of the same site. A local Twitch speaks plain `ws`: then the host must be the same.
    """
    if configured.scheme == "wss":
        return target.scheme == "wss" and _is_of_site(target.host or "", _site(configured.host or ""))
    if target.scheme not in ("ws", "wss"):
        return False
    return target.host == configured.host or (target.host in LOOPBACK and configured.host in LOOPBACK)


def _site(host: str) -> str:
    """Return the part of a host name that one owner has registered: its last two labels, or three as in `a.co.uk`."""
    labels = host.split(".")
    if all(label.isdigit() for label in labels) or ":" in host:
        return host  # an address
    count = 3 if len(labels[-1]) == 2 and len(labels) > 2 and len(labels[-2]) <= 3 else 2
    return ".".join(labels[-count:])


def _is_of_site(host: str, site: str) -> bool:
    return host == site or host.endswith(f".{site}")
