"""What both demos begin with: a local Twitch with people, and the real bot's settings and login for it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from colorchanger_bot.auth.applications import calls_of
from colorchanger_bot.auth.device import log_in
from colorchanger_bot.auth.scopes import needed_scopes
from colorchanger_bot.clock import SystemClock
from colorchanger_bot.color import Color
from colorchanger_bot.sandbox import CROWD, LocalTwitch
from colorchanger_bot.service import logs
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Login, Store
from colorchanger_bot.twitch.oauth import DeviceCode

ME = "you"
DELAY_SECONDS = (0.1, 0.3)
UNCHOSEN = Color.parse("#9146FF")
"""Stands for the colour that Twitch picks for somebody who never chose one."""


@dataclass(frozen=True, slots=True)
class Demo:
    """A local Twitch, with an empty store for the bot."""

    twitch: LocalTwitch
    settings: Settings
    store: Store

    async def log_in(self, show: Callable[[DeviceCode], None]) -> Login:
        """Log the demo's account in by the real device flow."""
        clock = SystemClock()
        async with calls_of(self.settings, self.store, self.settings.app.client_id, clock) as (_, oauth):
            return await log_in(oauth, self.store, needed_scopes(self.settings), clock=clock, show=show)

    def shown_color(self, login: str) -> Color:
        """Return the colour that chat draws a name in."""
        color = self.twitch.user(login).color
        return Color.parse(color) if color else UNCHOSEN


@asynccontextmanager
async def opened(
    *, debug: bool, auto_approve: str = "", storage_key: str = "", interval: float = 0.5, **sections: Any
) -> AsyncGenerator[Demo]:
    """Open a demo; `sections` are more settings for the bot, and with a `storage_key` its logins are encrypted.

    `interval` is how often the bot asks whether a code was entered, in seconds.
    """
    with tempfile.TemporaryDirectory(prefix="colorchanger-demo-") as folder:
        async with LocalTwitch(auto_approve=auto_approve, device_interval=interval) as twitch:
            twitch.add_user(ME, UNCHOSEN.hex, turbo=True)
            for login, color in CROWD:
                twitch.add_user(login, color)
            settings = Settings.of(
                {
                    "app": {"client_id": twitch.add_app().client_id},
                    "color": {"delay": DELAY_SECONDS, "restore": False},
                    "storage": {
                        "url": f"sqlite:///{(Path(folder) / 'demo.sqlite3').as_posix()}",
                        "key": storage_key,
                    },
                    "log": {"level": "WARNING"},
                    "twitch": {"api_url": twitch.api_url, "id_url": twitch.id_url, "eventsub_url": twitch.eventsub_url},
                    **sections,
                }
            )
            logs.setup(settings.log, debug=debug)
            async with Store.open(settings.storage.url, settings.storage.keys) as store:
                yield Demo(twitch, settings, store)
