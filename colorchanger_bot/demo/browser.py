"""`colorchanger demo --web`: the dashboard of the real bot, with a chat of the local Twitch beside it."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import tempfile
import webbrowser
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from colorchanger_bot.auth.device import log_in
from colorchanger_bot.auth.scopes import needed_scopes
from colorchanger_bot.clock import SystemClock
from colorchanger_bot.demo.terminal import DELAY_SECONDS, ME, UNCHOSEN
from colorchanger_bot.errors import ColorChangerError
from colorchanger_bot.sandbox import CROWD, LocalTwitch, Script
from colorchanger_bot.service import logs
from colorchanger_bot.service.service import Service
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Store
from colorchanger_bot.twitch.http import open_session
from colorchanger_bot.twitch.oauth import OAuth
from colorchanger_bot.web.server import serving

PORT = 4344
KEPT_LINES = 60
OWN_LINES = 3
"""Of the demo account, whenever the people chat by themselves."""


class DemoChat:
    """The chat of the demo account's channel."""

    def __init__(self, twitch: LocalTwitch, rng: random.Random) -> None:
        self.people: Sequence[str] = (ME, *(login for login, _ in CROWD))
        self.lines: deque[dict[str, Any]] = deque(maxlen=KEPT_LINES)
        self._twitch = twitch
        self._rng = rng
        self._count = 0
        self._listeners: list[Callable[[], None]] = []
        self._playing: asyncio.Task[None] | None = None
        twitch.on_say(self._heard)

    def on_line(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each line."""
        self._listeners.append(listener)

    async def say(self, who: str, text: str) -> None:
        """Write something as one of the people."""
        await self._twitch.say(who, in_=ME, text=text)

    async def play(self) -> None:
        """Let them chat by themselves for a moment; they do so once at a time."""
        if self._playing is None or self._playing.done():
            self._playing = asyncio.create_task(self._play(), name="chat of the demo")

    async def close(self) -> None:
        """Let them be silent."""
        if self._playing is not None:
            self._playing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._playing

    async def _play(self) -> None:
        for line in Script(ME, self._rng).lines(OWN_LINES):
            await asyncio.sleep(line.pause)
            await self.say(line.login, line.text)

    def _heard(self, login: str, channel: str, color: str, text: str) -> None:
        if channel != ME:
            return
        self._count += 1
        self.lines.append({"number": self._count, "who": login, "color": color or UNCHOSEN.hex, "text": text})
        for listener in self._listeners:
            listener()


async def serve(say: Callable[[str], None], stop: asyncio.Event, *, open_browser: bool, debug: bool = False) -> None:
    """Run the demo in the browser until `stop`."""
    with tempfile.TemporaryDirectory(prefix="colorchanger-demo-") as folder:
        async with LocalTwitch(device_interval=0.5) as twitch:
            twitch.add_user(ME, UNCHOSEN.hex, turbo=True)
            for login, color in CROWD:
                twitch.add_user(login, color)
            settings = _settings(twitch, Path(folder))
            logs.setup(settings.log, debug=debug)
            chat = DemoChat(twitch, random.Random())
            async with Store.open(settings.storage.url) as store:
                await _log_in(twitch, settings, store)
                async with Service.running(settings, store) as service, serving(service, stage=chat) as page:
                    if page is None:
                        raise ColorChangerError("the dashboard could not be opened")
                    await twitch.wait_subscribed(ME, ME, timeout=10)
                    await chat.play()
                    say(f"The dashboard of the demo is on  {page.url}\nCtrl-C ends it.")
                    if open_browser:
                        await asyncio.to_thread(webbrowser.open, page.url)
                    await stop.wait()
                    await chat.close()


def _settings(twitch: LocalTwitch, folder: Path) -> Settings:
    return Settings.of(
        {
            "app": {"client_id": twitch.add_app().client_id},
            "color": {"delay": DELAY_SECONDS, "restore": False},
            "storage": {"url": f"sqlite:///{(folder / 'demo.sqlite3').as_posix()}"},
            "web": {"enabled": True, "port": _free_port()},
            "log": {"level": "WARNING"},
            "twitch": {"api_url": twitch.api_url, "id_url": twitch.id_url, "eventsub_url": twitch.eventsub_url},
        }
    )


def _free_port() -> int:
    """The usual port, or 0 for any if something has it already."""
    with socket.socket() as tried:
        try:
            tried.bind(("127.0.0.1", PORT))
        except OSError:
            return 0
    return PORT


async def _log_in(twitch: LocalTwitch, settings: Settings, store: Store) -> None:
    async with open_session() as session:
        clock = SystemClock()
        oauth = OAuth(session, client_id=settings.app.client_id, client_secret="", id_url=twitch.id_url, clock=clock)
        scopes = needed_scopes(settings)
        await log_in(oauth, store, scopes, clock=clock, show=lambda code: twitch.approve_device(code.user_code, ME))
