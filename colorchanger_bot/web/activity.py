"""What happened to each account, line by line, as a person would tell it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from colorchanger_bot.changer.pending_changes import Change
from colorchanger_bot.clock import Clock
from colorchanger_bot.service.standing import Standing
from colorchanger_bot.web.history import UNSEEN
from colorchanger_bot.web.plain import plain

KEPT = 20
RECENT_SECONDS = 10.0
"""What is different from a look longer ago happened at a time that nobody knows."""


class Line(NamedTuple):
    """One thing that happened."""

    at: datetime
    text: str
    color: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return a dict of JSON values."""
        return {"at": self.at.isoformat(), "text": plain(self.text), "color": self.color}


class Activity:
    """The last lines of each account: colours always, and what else changes while somebody looks at the page."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lines: dict[str, deque[Line]] = {}
        self._seen: dict[str, Standing] = {}
        self._looked_at = float("-inf")

    def of(self, login: str) -> list[Line]:
        """Return the last lines of an account, newest first."""
        return list(self._lines.get(login, ()))

    def note(self, change: Change, channel: str = "") -> None:
        """Add how a change of colour ended; `channel` is where the message was written."""
        if change.result not in UNSEEN:
            self._add(change.login, _told(change, channel), change.color.hex if change.color else "")

    def look(self, standings: Iterable[Standing]) -> None:
        """Add what is different from the last look, if that was a moment ago."""
        now, found = self._clock.monotonic(), {each.login: each for each in standings}
        if now - self._looked_at <= RECENT_SECONDS:
            for login, standing in found.items():
                for text in _news(self._seen.get(login), standing):
                    self._add(login, text)
        for login in self._lines.keys() - found.keys():
            del self._lines[login]
        self._seen, self._looked_at = found, now

    def _add(self, login: str, text: str, color: str = "") -> None:
        line = Line(self._clock.now(), text, color)
        self._lines.setdefault(login, deque(maxlen=KEPT)).appendleft(line)


def _told(change: Change, channel: str) -> str:
    if change.result == "changed" and change.is_restore:
        return f"your name got its old colour {change.color} back"
    if change.result == "changed":
        return f"your name turned {change.color}{f' in #{channel}' if channel else ''}"
    if change.result == "unknown":
        return f"Twitch did not say whether your name turned {change.color}"
    return f"no new colour: {change.reason}"


def _news(before: Standing | None, now: Standing) -> Iterator[str]:
    """Yield what is new about an account."""
    if before is None:
        yield "logged in"
        return
    if now.needs_login and not before.needs_login:
        yield f"needs a new login: {now.reason}"
        return
    if before.needs_login and not now.needs_login:
        yield "logged in again"
    if now.enabled != before.enabled:
        yield "new colours switched on" if now.enabled else "new colours switched off"
    if now.strategy != before.strategy:
        yield f"new colours come from {now.strategy} now"
    if now.held != before.held:
        yield f"your name stays {now.held}" if now.held else "your name changes its colour again"
    yield from _channel_news(before, now)


def _channel_news(before: Standing, now: Standing) -> Iterator[str]:
    known = {each.login: each.state for each in before.channels}
    for channel in now.channels:
        if channel.state == known.pop(channel.login, "unknown"):
            continue
        if channel.state == "joined":
            yield f"reading #{channel.login}"
        elif channel.state == "parked":
            yield f"#{channel.login} paused{f': {channel.reason}' if channel.reason else ''}"
    for login in known:
        yield f"no longer reading #{login}"
