"""A clock that a test sets."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta


class JumpyClock:
    """The machine's clock, until a test sets it; `ahead` moves the monotonic one, and waits are short."""

    def __init__(self) -> None:
        self.jumped = timedelta()
        self.ahead = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + self.jumped

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    async def sleep(self, seconds: float, /) -> None:
        await asyncio.sleep(seconds / 50)
