"""`colorchanger demo --web`: the dashboard of the real bot, with a chat of the local Twitch beside it."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import webbrowser
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from colorchanger_bot.demo import community
from colorchanger_bot.demo.setup import ME, UNCHOSEN, opened
from colorchanger_bot.errors import ColorChangerError
from colorchanger_bot.sandbox import CROWD, Line, LocalTwitch, Script
from colorchanger_bot.service.service import Service
from colorchanger_bot.settings.load import WebSettings
from colorchanger_bot.web.server import serving

KEPT_LINES = 60
OWN_LINES = 3
"""Messages of the demo's account, each time chat is simulated."""
SHOWN_MEMBERS = 10
"""Made-up members that a visitor can write as."""
MEMBER_SECONDS = 0.2
"""Between two messages of a community."""


class DemoChat:
    """The chat of the demo account's channel."""

    def __init__(self, twitch: LocalTwitch, rng: random.Random, channel: str = ME) -> None:
        self.lines: deque[dict[str, Any]] = deque(maxlen=KEPT_LINES)
        self._twitch = twitch
        self._rng = rng
        self._channel = channel
        self._count = 0
        self._listeners: list[Callable[[], None]] = []
        self._playing: asyncio.Task[None] | None = None
        twitch.on_say(self._heard)

    @property
    def people(self) -> Sequence[str]:
        """Whom a visitor can write as."""
        return (ME, *(login for login, _ in CROWD))

    def on_line(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each line."""
        self._listeners.append(listener)

    async def say(self, who: str, text: str) -> None:
        """Write something as one of the people."""
        await self._twitch.say(who, in_=self._channel, text=text)

    async def play(self) -> None:
        """Simulate chat for a moment, once at a time."""
        if self._playing is None or self._playing.done():
            self._playing = asyncio.create_task(self._play(), name="chat of the demo")

    async def close(self) -> None:
        """Stop simulating."""
        if self._playing is not None:
            self._playing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._playing

    async def _play(self) -> None:
        for line in self._script():
            await asyncio.sleep(line.pause)
            await self.say(line.login, line.text)

    def _script(self) -> Iterator[Line]:
        return Script(ME, self._rng).lines(OWN_LINES)

    def _heard(self, login: str, channel: str, color: str, text: str) -> None:
        if channel != self._channel:
            return
        self._count += 1
        self.lines.append({"number": self._count, "who": login, "color": color or UNCHOSEN.hex, "text": text})
        for listener in self._listeners:
            listener()


class CommunityChat(DemoChat):
    """The chat of a community, in which visitors write as themselves once they have joined."""

    def __init__(self, twitch: LocalTwitch, rng: random.Random, service: Service, members: Sequence[str]) -> None:
        super().__init__(twitch, rng, community.STREAMER)
        self._service = service
        self._members = members

    @property
    def people(self) -> Sequence[str]:
        """Whom a visitor can write as."""
        made_up = set(self._members)
        joined = [login.login for login in self._service.keeper if login.is_member and login.login not in made_up]
        return (community.STREAMER, *joined, *self._members[:SHOWN_MEMBERS])

    def _script(self) -> Iterator[Line]:
        return community.lines(self._members, self._rng, pause=MEMBER_SECONDS)


async def serve(
    say: Callable[[str], None], stop: asyncio.Event, *, open_browser: bool, debug: bool = False, members: int = 0
) -> None:
    """Run the demo in the browser until `stop`; with `members`, that of a community."""
    web = {"enabled": True, "port": _free_port()}
    bot = _community(web, members, stop, debug=debug) if members else _alone(web, debug=debug)
    async with bot as (service, chat), serving(service, chat=chat) as page:
        if page is None:
            raise ColorChangerError("the dashboard could not be opened")
        if not stop.is_set():
            await chat.play()
            say(f"The demo is on  {page.url}\nPress Ctrl-C to stop it.")
            if members:
                say(f"To join its community yourself, with any name: {page.url}/join")
            if open_browser:
                await asyncio.to_thread(webbrowser.open, page.url)
        await stop.wait()
        await chat.close()
    next_page = "docs/community.md" if members else "docs/getting-started.md, or run: colorchanger login"
    say(f"Next, with your own account: {next_page}")


@asynccontextmanager
async def _alone(web: dict[str, Any], *, debug: bool) -> AsyncGenerator[tuple[Service, DemoChat]]:
    async with opened(debug=debug, web=web) as demo:
        chat = DemoChat(demo.twitch, random.Random())
        await demo.log_in(lambda code: demo.twitch.approve_device(code.user_code, ME))
        async with Service.running(demo.settings, demo.store) as service:
            await demo.twitch.wait_subscribed(ME, ME, timeout=10)
            yield service, chat


@asynccontextmanager
async def _community(
    web: dict[str, Any], members: int, stop: asyncio.Event, *, debug: bool
) -> AsyncGenerator[tuple[Service, DemoChat]]:
    async with community.running(members, debug=debug, stop=stop, web=web) as (demo, service, people):
        yield service, CommunityChat(demo.twitch, random.Random(), service, people)


def _free_port() -> int:
    """The usual port, or 0 for any if something has it already."""
    port = WebSettings().port
    with socket.socket() as tried:
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port
