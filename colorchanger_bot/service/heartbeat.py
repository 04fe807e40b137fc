"""The heartbeat: what the running bot knows, written to the store for `health`, `accounts` and `doctor`."""

from __future__ import annotations

import asyncio
import contextlib
import math
import platform
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from colorchanger_bot.clock import Clock, Notifier
from colorchanger_bot.errors import StoreError
from colorchanger_bot.service.standing import Report
from colorchanger_bot.store.store import Store

BEAT_SECONDS = 5.0
RETRY_SECONDS = 0.7
"""While the store is in trouble, so that the heartbeat is back within a second of its recovery."""
LIVELY_SECONDS = 30.0
"""After a change in how an account or a channel is doing, beats come faster: more changes are likely."""
FASTEST_SECONDS, SECONDS_PER_ACCOUNT = 1.0, 0.005
"""Between two beats in that time; with many accounts a beat costs more, so it comes less often."""
BREATH = 100
"""After so many reports, other tasks get their turn."""
States = Mapping[str, tuple[str, ...]]


class HeartbeatWriter:
    """Writes a sign of life every few seconds."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        reports: Callable[[], Iterable[Report]],
        members: Callable[[], Mapping[Any, int]] = dict[Any, int],
    ) -> None:
        self._store = store
        self._clock = clock
        self._reports = reports
        self._members = members
        self._news = Notifier()
        self._states: States = {}
        self._lively_until = float("-inf")
        self.last = math.nan
        """The unix seconds of the last beat that was written."""
        self._page: str | None = None

    def announce(self, page: str) -> None:
        """Tell other processes the address of this one's page; empty: it has none."""
        self._page = page
        self.write_now()

    def write_now(self) -> None:
        """Write the next beat now."""
        self._news.notify()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            news = self._news.next
            now = self._clock.now().timestamp()
            accounts, states = await self._gathered(now)
            with contextlib.suppress(StoreError):  # the service logs it, once
                await self._store.beat(now, {"accounts": accounts, "members": dict(self._members()), **self._place()})
                self.last = now
            await news.wait_at_most(self._clock, self._pause(states))

    async def _gathered(self, now: float) -> tuple[list[dict[str, Any]], States]:
        """Return all reports as JSON values, and the states of all channels by account."""
        accounts: list[dict[str, Any]] = []
        states: dict[str, tuple[str, ...]] = {}
        for number, report in enumerate(self._reports(), 1):
            accounts.append(report.to_json(now))
            states[report.login] = tuple(channel.state for channel in report.channels)
            if number % BREATH == 0:  # thousands take longer than a message should wait
                await asyncio.sleep(0)
        return accounts, states

    def _place(self) -> dict[str, str]:
        # The machine as well: several share a store on a server, and the page may open on one of them only.
        return {} if self._page is None else {"page": self._page, "machine": platform.node()}

    def _pause(self, states: States) -> float:
        """Return the seconds until the next beat."""
        if self._store.trouble:
            return RETRY_SECONDS
        if states != self._states:
            self._states = states
            self._lively_until = self._clock.monotonic() + LIVELY_SECONDS
        if self._clock.monotonic() >= self._lively_until:
            return BEAT_SECONDS
        return min(BEAT_SECONDS, max(FASTEST_SECONDS, SECONDS_PER_ACCOUNT * len(states)))

    async def stop(self) -> None:
        """Remove the heartbeat: this process is ending."""
        with contextlib.suppress(StoreError):
            await self._store.stop_beating()
