"""Watch: validates logins hourly, renews them ahead of need, and picks up what other processes stored."""

from __future__ import annotations

import asyncio
import logging
import random

from colorchanger_bot.auth.keeper import TokenKeeper
from colorchanger_bot.clock import Clock
from colorchanger_bot.errors import StoreError

logger = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""How often the store is checked for logins that another process (`colorchanger login`) has made."""

BREATH = 100
"""After so many logins, other tasks get their turn."""


class Watch:
    """Does what is due, every few seconds."""

    def __init__(self, keeper: TokenKeeper, *, clock: Clock, rng: random.Random) -> None:
        self._keeper = keeper
        self._clock = clock
        self._rng = rng
        self._complaint = ""

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await self._clock.sleep(LOOK_SECONDS * self._rng.uniform(0.8, 1.0))
            try:
                await self.look()
            except Exception:  # the outermost place of this task, which must not end before the process does
                logger.exception("the watch over the logins failed; it continues")

    async def look(self) -> None:
        """Do once what is due."""
        complaint = ""
        try:
            await self._keeper.load()
        except StoreError as error:
            complaint = str(error)
        if complaint and complaint != self._complaint:  # said once, not every few seconds
            logger.error("the store cannot be read: %s", complaint)
        self._complaint = complaint
        async with asyncio.TaskGroup() as tasks:
            for number, id_ in enumerate(self._keeper.due(), 1):
                tasks.create_task(self._keeper.look_after(id_), name=f"look after login {id_}")
                if number % BREATH == 0:  # thousands are due at once after a start
                    await asyncio.sleep(0)
