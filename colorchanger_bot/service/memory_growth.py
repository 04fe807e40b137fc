"""MemoryGrowth: compares Python's memory with what it was soon after the start; a metric and one log line."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

from colorchanger_bot.clock import Clock

logger = logging.getLogger(__name__)

LOOK_SECONDS = 300.0
WARM_UP_LOOKS = 2
"""Checks before the baseline is taken: caches and connections are still filling."""
RISING_LOOKS = 3
"""Checks in a row that must each find more than ever before."""
GROWTH = 2.0
"""Growth below this multiple of the baseline is not logged."""


class MemoryGrowth:
    """Compares the memory blocks that Python has allocated with a baseline.

    Counting them takes microseconds and works on every system. Each account needs memory of its own: `accounts`
    returns how many there are, and when that changes, a new baseline is taken.
    """

    def __init__(
        self, clock: Clock, accounts: Callable[[], int], blocks: Callable[[], int] = sys.getallocatedblocks
    ) -> None:
        self.ratio = 1.0
        """Blocks now, divided by those of the baseline; 1 until there is one."""
        self._clock = clock
        self._accounts = accounts
        self._blocks = blocks
        self._managed = -1
        self._looks = 0
        self._baseline = 0
        self._most = 0
        self._rising = 0
        self._said = False

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """Compare, and log once if memory keeps growing."""
        blocks, accounts = self._blocks(), self._accounts()
        if accounts != self._managed:
            self._managed, self._looks, self._rising = accounts, 0, 0
        self._looks += 1
        if self._looks <= WARM_UP_LOOKS:
            self._baseline = self._most = blocks
            self.ratio = 1.0
            return
        self.ratio = blocks / self._baseline
        self._rising = self._rising + 1 if blocks > self._most else 0
        self._most = max(self._most, blocks)
        if self._rising >= RISING_LOOKS and self.ratio >= GROWTH and not self._said:
            self._said = True
            logger.warning(
                "memory keeps growing: %.1f times what it was after the start; please report this", self.ratio
            )
