"""What a change of the settings means for a running process: some keys take effect at once, others after a restart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from colorchanger_bot.settings.model import Section
from colorchanger_bot.settings.settings import Settings

FIXED = ("reading", "community", "cogs", "storage", "twitch")
"""The tables that need a restart."""
LIVE: Mapping[str, str] = {"web": "password", "log": "level"}
"""The tables that need one, but for this key."""


def without_restart(running: Settings, wanted: Settings) -> Settings:
    """Return the wanted settings, with those of the running process where a change needs a restart."""
    kept: dict[str, Any] = {name: getattr(running, name) for name in FIXED}
    for name, live in LIVE.items():
        kept[name] = getattr(running, name).model_copy(update={live: getattr(getattr(wanted, name), live)})
    if kept["web"].lets_anybody_in:  # until the page listens elsewhere, it needs its password
        kept["web"] = running.web
    return wanted.model_copy(update=kept)


def needing_restart(running: Settings, wanted: Settings) -> tuple[str, ...]:
    """Return the keys that differ and need a restart, such as `web.port`."""
    return tuple(_differing(running, wanted))


def _differing(running: Settings, wanted: Settings) -> Iterator[str]:
    for table in (*FIXED, *LIVE):
        before, after = getattr(running, table), getattr(wanted, table)
        yield from (f"{table}.{name}" for name in _keys(before, after) if name != LIVE.get(table))
    if running.web.model_copy(update={"password": wanted.web.password}).lets_anybody_in:
        yield "web.password"


def _keys(before: Section, after: Section) -> Iterator[str]:
    return (name for name in type(before).model_fields if getattr(before, name) != getattr(after, name))
