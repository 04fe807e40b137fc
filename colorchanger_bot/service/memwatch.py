"""MemoryWatch: counts the objects in memory by type, slowly, and says once which types only ever grow."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from colorchanger_bot.clock import Clock

logger = logging.getLogger(__name__)

LOOK_SECONDS = 300.0
"""Between two looks; one takes some 10 ms for 100,000 objects, a third of a per mille of the time."""
WARM_UP_LOOKS = 2
"""Looks before the baseline: caches and connections are filling."""
RISING_LOOKS = 3
"""How often in a row a type must have more objects than ever before."""
LEAST_GROWTH = 1000
"""Objects above the baseline that are worth a word; bounded caches stay below."""
GROWTH = 1.5
"""And how many times the baseline they must be."""
AT_ONCE = 20_000
"""Objects counted before other work gets its turn."""


class Grown(NamedTuple):
    """A type of which there are more and more."""

    name: str
    before: int
    now: int

    def __str__(self) -> str:
        return f"{self.name} ({self.before} to {self.now})"


class Growth:
    """Compares counts with a baseline."""

    def __init__(self) -> None:
        self._looks = 0
        self._baseline: dict[str, int] = {}
        self._most: dict[str, int] = {}
        self._rising: Counter[str] = Counter()

    def look(self, counts: Mapping[str, int]) -> list[Grown]:
        """Return the types that have grown beyond doubt since they were last spoken of, the worst first."""
        self._looks += 1
        if self._looks <= WARM_UP_LOOKS:
            self._baseline, self._most = dict(counts), dict(counts)
            return []
        found = [grown for name, now in counts.items() if (grown := self._judge(name, now)) is not None]
        return sorted(found, key=lambda each: each.before - each.now)

    def _judge(self, name: str, now: int) -> Grown | None:
        before, most = self._baseline.get(name, 0), self._most.get(name, 0)
        if now > most:
            self._most[name] = now
            self._rising[name] += 1
        elif now < most:  # it shrinks as well: no leak
            self._rising[name] = 0
        if self._rising[name] < RISING_LOOKS or now < max(before + LEAST_GROWTH, before * GROWTH):
            return None
        self._baseline[name] = now
        self._rising[name] = 0
        return Grown(name, before, now)


class MemoryWatch:
    """Looks now and then; `grown` holds what was found, by type, as objects above the baseline.

    Each type is named in the log once; how it goes on is in the metrics.
    """

    def __init__(self, clock: Clock, count: Callable[[], Awaitable[Mapping[str, int]]] | None = None) -> None:
        self.grown: dict[str, int] = {}
        self._clock = clock
        self._count = count or count_objects
        self._growth = Growth()

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Count once, and say what has grown."""
        found = self._growth.look(await self._count())
        news = [each for each in found if each.name not in self.grown]
        for each in found:
            self.grown[each.name] = self.grown.get(each.name, 0) + each.now - each.before
        if news:
            logger.warning("memory grows: ever more objects of %s; please report this", ", ".join(map(str, news[:5])))


async def count_objects() -> Counter[str]:
    """Count by type the objects that Python's garbage collector knows and that have lived for a while."""
    counts: Counter[type] = Counter()
    objects = gc.get_objects(generation=2)
    for start in range(0, len(objects), AT_ONCE):
        counts.update(map(type, objects[start : start + AT_ONCE]))
        await asyncio.sleep(0)
    del objects
    by_name: Counter[str] = Counter()
    for kind, number in counts.items():
        by_name[f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")] += number
    return by_name
