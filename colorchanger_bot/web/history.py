"""The last colours of each account, with when and how each change ended."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from colorchanger_bot.changer.changer import Changer
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.changer.pending_changes import Change, Result
from colorchanger_bot.clock import Clock

SHOWN = 30
UNSEEN: frozenset[Result] = frozenset(["superseded", "unneeded"])
"""Changes that did nothing: a newer one replaced them, or the colour was already there."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One colour; those from before the start have no time."""

    color: str
    result: str
    at: datetime | None = None
    seconds: float | None = None
    reason: str = ""
    channel: str = ""
    """Where the message was written, if one was."""


class History:
    """Keeps what it is told of."""

    def __init__(self, changer: Changer, clock: Clock) -> None:
        self._changer = changer
        self._clock = clock
        self._entries: dict[str, deque[Entry]] = {}

    def of(self, painter: Painter) -> list[Entry]:
        """Return the last 30, newest first."""
        entries = list(self._entries.get(painter.user_id, ()))
        shown = sum(entry.result == "changed" for entry in entries)
        older = [Entry(color.hex, "changed") for color in painter.history[shown:]]
        return [*entries, *older][:SHOWN]

    def note(self, change: Change) -> None:
        """Keep a change."""
        if change.result in UNSEEN:
            return
        color = change.color.hex if change.color is not None else ""
        channel = channel_of(self._changer.get(change.user_id), change)
        entry = Entry(color, change.result, self._clock.now(), change.seconds, change.reason, channel)
        self._entries.setdefault(change.user_id, deque(maxlen=SHOWN)).appendleft(entry)
        for user_id in [each for each in self._entries if each not in self._changer]:
            del self._entries[user_id]


def channel_of(painter: Painter | None, change: Change) -> str:
    """Return the name of the channel that a change belongs to; empty if it is not known."""
    if not change.channel_id or painter is None:
        return ""
    if change.channel_id == change.user_id:
        return change.login
    return next((name for name, id_ in painter.channel_ids.items() if id_ == change.channel_id), "")
