"""Checkup: what `colorchanger doctor` finds, asked for at most once a minute."""

from __future__ import annotations

import asyncio
from typing import Any

from colorchanger_bot.clock import Clock
from colorchanger_bot.redaction import redact
from colorchanger_bot.service.doctor import examine, verdict
from colorchanger_bot.settings.load import Settings

FRESH_SECONDS = 60.0


class Checkup:
    """The last findings; whoever asks while they are being made waits for the same ones."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = asyncio.Lock()
        self._made_at = float("-inf")
        self._found: dict[str, Any] = {}

    async def findings(self) -> dict[str, Any]:
        """Return the verdict, when it was made, and what was found."""
        async with self._lock:
            if self._clock.monotonic() - self._made_at > FRESH_SECONDS:
                found = await examine(self._settings, clock=self._clock)
                self._made_at = self._clock.monotonic()
                self._found = {
                    "at": self._clock.now().isoformat(),
                    "verdict": redact(verdict(found)),
                    "findings": [
                        {"about": each.about, "level": each.level, "text": redact(each.text), "cure": redact(each.cure)}
                        for each in found
                    ],
                }
            return self._found
