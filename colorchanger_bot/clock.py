"""Time and waiting: a clock that is passed in, back-off, flags, and sets of background tasks.

Everything that waits or measures takes a `Clock`, so a test decides how long a second is.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Protocol

Log = logging.Logger | logging.LoggerAdapter[Any]


class Clock(Protocol):
    """Where the time comes from."""

    def monotonic(self) -> float:
        """Seconds that never jump, for measuring."""
        ...

    def now(self) -> datetime:
        """The time of day, aware, in UTC."""
        ...

    async def sleep(self, seconds: float, /) -> None:
        """Wait for this many seconds."""
        ...


class SystemClock:
    """The clock of the machine."""

    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(asyncio.sleep)

    @staticmethod
    def now() -> datetime:
        return datetime.now(UTC)


class Backoff:
    """Exponential back-off: `first` seconds, doubling up to `most`, each wait shortened by up to 25 % at random.

    The jitter keeps a thousand clients that lost the same server from reconnecting at the same moment.
    """

    def __init__(self, rng: random.Random, *, first: float, most: float) -> None:
        self._rng = rng
        self._first = first
        self._most = most
        self.attempts = 0

    def next(self) -> float:
        """Return the seconds to wait before the next attempt, and count the attempt."""
        # The exponent is bounded so that a week without network cannot overflow a float.
        wait = min(self._most, self._first * 2 ** min(self.attempts, 32))
        self.attempts += 1
        return wait * self._rng.uniform(0.75, 1.0)

    def reset(self) -> None:
        """Start again from the first wait, after a success."""
        self.attempts = 0


class Flag:
    """An `asyncio.Event` a tenth of the size: every account has several, and most have no waiter."""

    __slots__ = ("_is_set", "_waiting")

    def __init__(self) -> None:
        self._is_set = False
        self._waiting: tuple[asyncio.Future[None], ...] = ()

    def is_set(self) -> bool:
        """Say whether it is set."""
        return self._is_set

    def set(self) -> None:
        """Set it and wake every waiter."""
        self._is_set = True
        for each in self._waiting:
            _wake(each)

    def clear(self) -> None:
        """Clear it; waiters that were woken stay awake."""
        self._is_set = False

    async def wait(self) -> None:
        """Wait until it is set."""
        if not self._is_set:
            await self._wait(asyncio.get_running_loop().create_future())

    async def wait_at_most(self, clock: Clock, seconds: float) -> None:
        """Wait until it is set, or for at most `seconds`; infinity means no limit."""
        if seconds == float("inf"):
            await self.wait()
        elif not self._is_set:
            woken = asyncio.get_running_loop().create_future()
            sleep = asyncio.ensure_future(clock.sleep(max(seconds, 0.0)))
            sleep.add_done_callback(lambda _: _wake(woken))
            try:
                await self._wait(woken)
            finally:
                sleep.cancel()

    async def _wait(self, woken: asyncio.Future[None]) -> None:
        self._waiting = (*self._waiting, woken)
        try:
            await woken
        finally:
            self._waiting = tuple(each for each in self._waiting if each is not woken)


class Notifier:
    """Wakes everyone who waits for the next notification.

    Take `next` before you look at the state, or you can miss a change: a flag is set once and never cleared.
    `told` is called with every notification as well.
    """

    __slots__ = ("_next", "_told")

    def __init__(self, told: Callable[[], None] | None = None) -> None:
        self._next = Flag()
        self._told = told

    @property
    def next(self) -> Flag:
        """The flag that the next notification sets."""
        return self._next

    def notify(self) -> None:
        """Wake every waiter."""
        self._next.set()
        self._next = Flag()
        if self._told is not None:
            self._told()


class RecentIds:
    """The ids seen in the last `seconds`: recognises repeats, however many messages a raid brings."""

    __slots__ = ("_clock", "_seconds", "_seen")

    def __init__(self, clock: Clock, seconds: float = 120.0) -> None:
        self._clock = clock
        self._seconds = seconds
        self._seen: dict[str, float] = {}
        """When each id was added; the oldest first."""

    def add(self, id_: str) -> bool:
        """Remember an id; return whether it is new."""
        now = self._clock.monotonic()
        while self._seen and now - self._seen[oldest := next(iter(self._seen))] > self._seconds:
            del self._seen[oldest]
        if id_ in self._seen:
            return False
        self._seen[id_] = now
        return True


class Tasks:
    """The background tasks of one owner: a task that fails is logged, and `cancel` ends those that are left.

    Args:
        log: where a failure is reported, with its traceback.
        failed: called after a failure, for an owner that can recover from it.
    """

    __slots__ = ("_failed", "_log", "_running")

    def __init__(self, log: Log, *, failed: Callable[[], None] | None = None) -> None:
        self._log = log
        self._failed = failed
        self._running: set[asyncio.Task[Any]] = set()

    def __iter__(self) -> Iterator[asyncio.Task[Any]]:
        """The tasks that have not ended yet."""
        return iter(tuple(self._running))

    def start(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Start a task; the log names it if it fails."""
        task = asyncio.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def cancel(self) -> None:
        """Cancel the running tasks, and wait until they have ended."""
        await cancel(self)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("%s failed", task.get_name(), exc_info=error)
            if self._failed is not None:
                self._failed()


async def cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until all of them have ended, with or without an error."""
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)


def look_at_result(ended: asyncio.Future[Any]) -> None:
    """Retrieve the exception of something that nobody may wait for, or asyncio logs it, with whatever it holds."""
    if not ended.cancelled():
        ended.exception()


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
