"""The health of the dashboard: what `colorchanger doctor` finds, checked again on request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from colorchanger_bot.clock import Clock
from colorchanger_bot.service.doctor import examine, verdict
from colorchanger_bot.service.standing import Reports
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.web.plain import plain

FRESH_SECONDS = 2.0
"""Findings this recent are reused, so that many open pages cause one check."""


class Health:
    """The latest findings; requests that come during a check wait for its result."""

    def __init__(self, settings: Callable[[], Settings], clock: Clock, reports: Callable[[], Reports]) -> None:
        self._settings = settings
        self._clock = clock
        self._reports = reports
        self._lock = asyncio.Lock()
        self._made_at = float("-inf")
        self._found: dict[str, Any] = {}

    @property
    def latest(self) -> dict[str, Any]:
        """The findings of the last check; empty before the first."""
        return self._found

    async def findings(self) -> dict[str, Any]:
        """Return the verdict, when it was made, and what was found."""
        async with self._lock:
            if self._clock.monotonic() - self._made_at > FRESH_SECONDS:
                found = await examine(self._settings(), clock=self._clock, reports=self._reports())
                self._made_at = self._clock.monotonic()
                self._found = {
                    "at": self._clock.now().isoformat(),
                    "verdict": plain(verdict(found)),
                    "findings": [
                        each.to_json() | {"text": plain(each.text), "cure": plain(each.advice)} for each in found
                    ],
                }
            return self._found
