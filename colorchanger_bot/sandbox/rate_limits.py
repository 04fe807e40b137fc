"""The two kinds of rate limit that Twitch uses: a token bucket and a sliding window."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable


class TokenBucket:
    """A token bucket that is full at first and refills evenly."""

    def __init__(self, limit: float, window: float, now: Callable[[], float]) -> None:
        self._limit = limit
        self._rate = limit / window
        self._now = now
        self._points = limit
        self._at = now()

    def take(self) -> bool:
        """Whether a point was left to take."""
        now = self._now()
        self._points = min(self._limit, self._points + max(0.0, now - self._at) * self._rate)
        self._at = now
        if self._points < 1:
            return False
        self._points -= 1
        return True

    def headers(self) -> dict[str, str]:
        """What Twitch tells about the bucket; the reset, in unix seconds, is when it is full again."""
        reset = self._at + (self._limit - self._points) / self._rate
        return {
            "Ratelimit-Limit": str(int(self._limit)),
            "Ratelimit-Remaining": str(int(self._points)),
            "Ratelimit-Reset": str(math.ceil(reset)),
        }


class SlidingWindow:
    """At most `limit` times in any `seconds`."""

    def __init__(self, limit: float, seconds: float, now: Callable[[], float]) -> None:
        self._limit = limit
        self._seconds = seconds
        self._now = now
        self._times: deque[float] = deque()

    def full(self, limit: float | None = None) -> bool:
        """Whether one more would be too many; `limit` replaces the window's own."""
        self._forget()
        return len(self._times) >= (self._limit if limit is None else limit)

    def note(self) -> None:
        """Count one."""
        self._forget()
        self._times.append(self._now())

    def _forget(self) -> None:
        while self._times and self._times[0] <= self._now() - self._seconds:
            self._times.popleft()
