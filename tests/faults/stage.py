"""A stage for one fault: a local Twitch, a bot on it, and a watch that measures from outside.

It measures what a person would notice: the time until one of their messages leads to a new colour.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from colorchanger_bot.eventsub.channel import ChannelStatus
from colorchanger_bot.eventsub.timing import Timing
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.service.service import Service
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Store, TokenPair
from colorchanger_bot.twitch.helix import CHAT_MESSAGE

SCOPES = ("user:read:chat", "user:manage:chat_color", "user:write:chat", "user:read:follows")
SUBSCRIBE, PUT_COLOR, SOCKET = "POST /helix/eventsub/subscriptions", "PUT /helix/chat/color", "GET /ws"
SAY_SECONDS = 0.05
"""Between two own messages."""
STOP_SECONDS = 5.0


class Subject(Protocol):
    """The bot under test."""

    @property
    def messages(self) -> int:
        """How many own messages it has seen, each once."""
        ...


@dataclass(frozen=True)
class Setup:
    """What a scenario needs."""

    logins: tuple[str, ...] = ("me",)
    channels: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    timing: Timing = field(default_factory=Timing)
    keepalive: int = 10


class Ours:
    """ColorChanger's service, in this process."""

    def __init__(self, service: Service) -> None:
        self.service = service

    @property
    def messages(self) -> int:
        return sum(painter.messages for painter in self.service.changer)

    def session(self, login: str = "me") -> Any:
        """The chat session of an account."""
        return next(each for bot in self.service.bots.values() for each in bot.readers.sessions if each.login == login)

    def status(self, channel: str, login: str = "me") -> ChannelStatus:
        """The status of one of an account's channels."""
        return ChannelStatus(**self.account(login)["channels"][channel])

    def account(self, login: str = "me") -> dict[str, Any]:
        """How an account is doing, and how it says so."""
        found = next(each for each in self.service.standings() if each.login == login)
        channels = {
            each.login: {"state": each.state, "reason": each.reason, "retry_seconds": each.retry_in}
            for each in found.channels
        }
        return {"state": found.state, "trouble": found.reason, "channels": channels}


@dataclass(frozen=True)
class World:
    """What a bot must be told: where Twitch is, who is logged in, and what is set."""

    api_url: str
    id_url: str
    eventsub_url: str
    client_id: str
    client_secret: str
    users: Mapping[str, str]
    """Ids by login, of all accounts and channels."""
    tokens: Mapping[str, tuple[str, str]]
    """Access and refresh tokens by login."""
    setup: Setup

    @classmethod
    def of(cls, stage: Stage, *, client_secret: str = "") -> World:
        """Log the accounts of a stage in; with a secret, at an application that has one."""
        twitch, setup = stage.twitch, stage.setup
        client_id = twitch.add_app(client_secret=client_secret).client_id if client_secret else stage.client_id
        tokens: dict[str, tuple[str, str]] = {}
        for login in setup.logins:
            pair = twitch.issue_tokens(login, client_id, SCOPES)
            tokens[login] = pair.access, pair.refresh
        users = {login: twitch.user(login).id for login in (*setup.logins, *setup.channels)}
        socket = f"{twitch.eventsub_url}?keepalive_timeout_seconds={setup.keepalive}"
        return cls(twitch.api_url, twitch.id_url, socket, client_id, client_secret, users, tokens, setup)


Launch = Callable[["Stage"], contextlib.AbstractAsyncContextManager[Subject]]


class Stage:
    """One local Twitch with a bot on it."""

    def __init__(self, twitch: LocalTwitch, setup: Setup, launch: Launch) -> None:
        self.twitch = twitch
        self.setup = setup
        self.client_id = twitch.add_app().client_id
        self.subject: Subject
        self.stop_seconds = 0.0
        self.patience = 2.0
        """How long to keep watching after the promise is broken, in seconds."""
        self._launch = launch
        for login in dict.fromkeys((*setup.logins, *setup.channels)):
            twitch.add_user(login, "#FF0000", turbo=True)

    @property
    def ours(self) -> Ours:
        """The bot, where a scenario looks inside."""
        assert isinstance(self.subject, Ours)
        return self.subject

    @asynccontextmanager
    async def running(self, *, subscribed: bool = True) -> AsyncGenerator[None]:
        """Run the bot, and measure how long it takes to stop."""
        launched = self._launch(self)
        self.subject = await launched.__aenter__()
        try:
            if subscribed:
                for login in self.setup.logins:
                    for channel in self.setup.channels or (login,):
                        await self.twitch.wait_subscribed(login, channel, timeout=30)
            yield
        finally:
            began = time.monotonic()
            await launched.__aexit__(None, None, None)
            self.stop_seconds = time.monotonic() - began
        assert self.stop_seconds < STOP_SECONDS, f"the stop took {self.stop_seconds:.1f} s"

    def changes(self, login: str = "me") -> int:
        """How often the colour of an account changed."""
        return sum(change.login == login for change in self.twitch.color_changes)

    def asked(self, line: str) -> int:
        """How many requests of this kind were sent."""
        return sum(seen.line == line for seen in self.twitch.requests)

    def joins(self) -> int:
        """How many requests to read a chat have come; those for notifications are not counted."""
        return sum(seen.line == SUBSCRIBE and is_join(seen) for seen in self.twitch.requests)

    async def say(self, login: str = "me", in_: str = "", text: str = "hello") -> str:
        """Write a message as an account."""
        return await self.twitch.say(login, in_=in_ or login, text=text)

    async def until(self, condition: Callable[[], object], seconds: float = 5.0) -> None:
        """Wait for something that the local Twitch does not know about."""
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - what is inside the bot has no event to wait for
                await asyncio.sleep(0.02)

    async def recovers(self, within: float, *, login: str = "me", in_: str = "", since: float | None = None) -> float:
        """Write until a message leads to a new colour; return the seconds since a healthy answer was possible.

        That is `since`, on the monotonic clock, or now: the fault is over, or only the next few requests meet it.

        Raises:
            TimeoutError: it took longer than `within` and the patience together.
        """
        since = time.monotonic() if since is None else since
        before = self.changes(login)
        async with asyncio.timeout(within + self.patience):
            while self.changes(login) == before:
                await self.say(login, in_ or login)
                await asyncio.sleep(SAY_SECONDS)
        return time.monotonic() - since

    async def hears_all(self, fault: Callable[[], Awaitable[object]], *, seconds: float = 3.0) -> None:
        """Write messages while the fault happens; each must be seen exactly once."""
        before, said = self.subject.messages, 0
        happening = asyncio.create_task(_do(fault))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await self.say()
            said += 1
            await asyncio.sleep(SAY_SECONDS)
        await happening
        with contextlib.suppress(TimeoutError):
            await self.until(lambda: self.subject.messages - before >= said, 2)
        await asyncio.sleep(0.2)
        seen = self.subject.messages - before
        assert seen == said, f"{seen} of {said} messages seen"


async def _do(fault: Callable[[], Awaitable[object]]) -> None:
    await fault()


@asynccontextmanager
async def launch_ours(stage: Stage) -> AsyncGenerator[Ours]:
    """Start ColorChanger with the logins of the stage in a store of its own."""
    async with ours_in(World.of(stage)) as ours:
        yield ours


@asynccontextmanager
async def ours_in(world: World) -> AsyncGenerator[Ours]:
    """Start ColorChanger in this process."""
    setup = world.setup
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{(Path(folder) / 'store.sqlite3').as_posix()}"
        accounts: Sequence[Mapping[str, Any]] = [
            {"login": login, "channels": setup.channels} for login in setup.logins if setup.channels
        ]
        settings = Settings.of(
            {
                "app": {"client_id": world.client_id},
                "storage": {"url": url},
                "twitch": {"api_url": world.api_url, "id_url": world.id_url, "eventsub_url": world.eventsub_url},
                "accounts": accounts,
                **setup.settings,
                "color": {"delay": 0, "restore": False, **setup.settings.get("color", {})},
            }
        )
        async with Store.open(url) as store:
            for login, (access, refresh) in world.tokens.items():
                await store.put_login(login, world.client_id, TokenPair(access, refresh), world.users[login])
            async with Service.running(settings, store, timing=setup.timing, seed=7) as service:
                yield Ours(service)


def is_join(seen: faults.SeenRequest) -> bool:
    """Whether a request to subscribe is for the chat, and not for its notifications, which nothing here waits for."""
    return seen.body.get("type") == CHAT_MESSAGE


def limited_until(reset: float) -> faults.Action:
    """Answer 429 with a bucket that is full again at a time of the wall clock, in whole seconds."""

    async def act(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]):
        # A little less than what is left: the header is rounded up.
        return await faults.rate_limited(reset - time.time() - 0.01)(request, handler)

    return act


@dataclass(frozen=True)
class Scenario:
    """One fault: `play` returns the seconds that were measured, or 0 where something else is checked."""

    name: str
    promise: float
    """The maximum number of seconds it may take."""
    play: Callable[[Stage], Awaitable[float]]
    setup: Setup
    rules: Mapping[str, float]
    seconds: float
    """About how long it runs; the longest are started first."""
    inside: bool
    """Whether it looks inside ColorChanger, so it cannot run with another bot."""

    async def run(self, launch: Launch = launch_ours, *, patience: float = 2.0) -> float:
        """Play it on its own local Twitch.

        Raises:
            AssertionError, TimeoutError: the promise was not kept.
        """
        rules: dict[str, Any] = {"min_keepalive": 1.0, **self.rules}
        async with LocalTwitch(**rules) as twitch:
            stage = Stage(twitch, self.setup, launch)
            stage.patience = patience
            async with stage.running():
                seconds = await self.play(stage)
        assert seconds <= self.promise, f"{seconds:.2f} s, promised {self.promise:g} s"
        return seconds


SCENARIOS: dict[str, Scenario] = {}
"""All scenarios by name, in the order of their definition."""


def add(
    name: str,
    play: Callable[[Stage], Awaitable[float]],
    *,
    promise: float = 1.0,
    seconds: float = 3.0,
    inside: bool = False,
    rules: Mapping[str, float] | None = None,
    **setup: Any,
) -> None:
    """Add a scenario to the table."""
    assert name not in SCENARIOS
    SCENARIOS[name] = Scenario(name, promise, play, Setup(**setup), rules or {}, seconds, inside)


def scenario(name: str, **options: Any) -> Callable[[Callable[[Stage], Awaitable[float]]], None]:
    """Make a function a scenario."""
    return lambda play: add(name, play, **options)
