"""The bots of a running process: one for each Twitch application that its accounts belong to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import twitchio

from colorchanger_bot.auth.guard import handle
from colorchanger_bot.bot.bot import ColorChangerBot
from colorchanger_bot.clock import Tasks
from colorchanger_bot.errors import ColorChangerError
from colorchanger_bot.settings.load import TwitchSettings

logger = logging.getLogger(__name__)


class Bots(Mapping[str, ColorChangerBot]):
    """The bots by client id, each started when its first account needs it."""

    def __init__(self, make: Callable[[str], ColorChangerBot]) -> None:
        self._make = make
        self._bots: dict[str, ColorChangerBot] = {}
        self._starts: dict[str, asyncio.Task[Any]] = {}
        self._tasks = Tasks(logger)

    def __getitem__(self, client_id: str) -> ColorChangerBot:
        return self._bots[client_id]

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._bots))

    def __len__(self) -> int:
        return len(self._bots)

    async def started(self, client_id: str, login_id: int) -> ColorChangerBot:
        """Return the bot of an application, ready for work; a new one starts with the login given.

        Raises:
            ColorChangerError: it could not start.
        """
        bot = self._bots.get(client_id)
        if bot is None:
            bot = self._bots[client_id] = self._make(client_id)
            start = bot.start(token=handle(login_id), with_adapter=False, load_tokens=False, save_tokens=False)
            self._starts[client_id] = self._tasks.start(start, f"bot of {client_id}")
        ready = asyncio.create_task(bot.wait_until_ready(), name=f"bot of {client_id} is ready")
        try:
            await asyncio.wait({ready, self._starts[client_id]}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if self._starts[client_id].done():
            raise ColorChangerError(f"the bot of the application {client_id} could not start: see the log")
        return bot

    async def stop_sessions(self) -> None:
        """End all chat sessions, so that no more messages come."""
        await asyncio.gather(*(bot.stop_sessions() for bot in self._bots.values()))

    async def close(self) -> None:
        """Close the bots; TwitchIO closes the session that they were given as well."""
        for bot in self._bots.values():
            await bot.close()
        await self._tasks.cancel()


def point_twitchio_at(settings: TwitchSettings) -> None:
    """Point TwitchIO's own calls where ours go: it names Twitch's hosts only in these two class attributes."""
    route: Any = twitchio.http.Route
    route.BASE = settings.api_url.rstrip("/") + "/"
    route.ID_BASE = settings.id_url.rstrip("/") + "/"
