"""Burst: messages that nobody types, and how often they are answered.

Whoever writes, waits for the colour and writes again is answered each time, however fast. What comes from a queue or
a script, or while a change is under way, is too much after three messages in a second: three changes a second, then.
"""

from __future__ import annotations

TOGETHER_SECONDS = 0.005
"""Messages that come so close to each other were not typed one after the other."""
MESSAGES, SECONDS = 3, 1.0
"""So many messages too many in so long are a burst, and a burst gets that many automatic changes in that long."""


class Burst:
    """The messages and changes of one account, as far as they matter for this; times are of the monotonic clock."""

    __slots__ = ("_begun", "_crowded", "_seen_at")

    def __init__(self) -> None:
        self._seen_at = float("-inf")
        self._crowded: tuple[float, ...] = ()
        """When messages came that were too many."""
        self._begun: tuple[float, ...] = ()
        """When the last automatic changes began."""

    def saw(self, now: float, *, busy: bool) -> None:
        """Take note of a message; `busy` says whether a change is under way."""
        if busy or now - self._seen_at < TOGETHER_SECONDS:
            self._crowded = (*self._crowded, now)[-MESSAGES:]
        self._seen_at = now

    def began(self, now: float) -> None:
        """Take note that an automatic change begins."""
        self._begun = (*self._begun, now)[-MESSAGES:]

    def earliest(self, now: float) -> float:
        """Return when the next automatic change may begin: in the past, unless this is a burst."""
        is_burst = len(self._crowded) == MESSAGES and now - self._crowded[0] < SECONDS
        return self._begun[0] + SECONDS if is_burst and len(self._begun) == MESSAGES else float("-inf")
