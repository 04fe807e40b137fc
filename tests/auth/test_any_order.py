"""Whatever happens in whatever order: no token is spent twice, no saved pair is lost, no login that works is ended.

The keeper and the store are real; Twitch is a model of the few rules that matter here, without a network.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from colorchanger_bot.auth.keeper import TokenKeeper
from colorchanger_bot.auth.watch import Watch
from colorchanger_bot.errors import (
    ColorChangerError,
    NeedsLogin,
    OutcomeUnknown,
    StoreError,
    TokenRefused,
    TwitchUnavailable,
)
from colorchanger_bot.store.store import Login, Store, TokenPair
from colorchanger_bot.twitch.oauth import OAuth, Owner, Unknown, Validity

Mood = Literal["well", "refuses", "does not know the application", "does not answer", "loses answers"]
LIFE = 4 * 3600.0


class Time:
    """A clock that a test moves; nobody sleeps on it."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.jumped = 0.0

    def monotonic(self) -> float:
        return self.passed

    def now(self) -> datetime:
        return datetime.fromtimestamp(1_760_000_000 + self.passed + self.jumped, UTC)

    async def sleep(self, seconds: float, /) -> None:
        await asyncio.sleep(0)


@dataclass
class ModelTwitch:
    """One account at Twitch: a refresh token works once, and one that is spent twice ends everything."""

    time: Time
    mood: Mood = "well"
    held: Callable[[], list[str]] = list[str]
    """The access tokens that the keeper has."""
    silent: bool = False
    """Whether validation gets no answer."""
    spent_while_alive: int = 0
    ended: bool = False
    access: dict[str, float] = field(default_factory=dict[str, float])
    refresh: set[str] = field(default_factory=set[str])
    spent: set[str] = field(default_factory=set[str])
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def issue(self) -> TokenPair:
        number = next(self.numbers)
        access, refresh = f"access-{number:06}", f"refresh-{number:06}"
        self.access[access] = self.time.passed + LIFE
        self.refresh.add(refresh)
        now = self.time.now().timestamp()
        return TokenPair(access, refresh, now + LIFE, frozenset({"user:read:chat", "user:manage:chat_color"}), now)

    def works(self, access: str) -> bool:
        return self.access.get(access, 0) > self.time.passed

    def kill(self) -> None:
        self.access.clear()

    def present(self, refresh: str) -> TokenPair:
        if self.mood == "does not answer":
            raise TwitchUnavailable("no connection")
        if self.mood == "refuses":
            raise NeedsLogin("Twitch ended the login")
        if self.mood == "does not know the application":
            raise TokenRefused("the application is not accepted")
        if refresh in self.spent:
            self.spent_while_alive += any(self.works(access) for access in self.held())
            self.ended = True
            self.access.clear()
            self.refresh.clear()
        if refresh not in self.refresh:
            raise NeedsLogin("Twitch ended the login")
        self.refresh.discard(refresh)
        self.spent.add(refresh)
        pair = self.issue()
        if self.mood == "loses answers":
            raise OutcomeUnknown("no answer")
        return pair


class ModelOAuth(OAuth):
    """The calls of an application at the model."""

    def __init__(self, twitch: ModelTwitch) -> None:
        self.twitch = twitch

    async def validate(self, access_token: str) -> Validity:
        await asyncio.sleep(0)
        if self.twitch.silent:
            return Unknown("no connection")
        if not self.twitch.works(access_token):
            return "invalid"
        left = self.twitch.access[access_token] - self.twitch.time.passed
        ends_at = self.twitch.time.now().timestamp() + left
        return Owner("1", "me", "app", frozenset({"user:read:chat", "user:manage:chat_color"}), ends_at)

    async def refresh(self, refresh_token: str) -> TokenPair:
        await asyncio.sleep(0)
        return self.twitch.present(refresh_token)

    async def revoke(self, access_token: str) -> bool:
        self.twitch.access.pop(access_token, None)
        return True


class Disk(Store):
    """A store that takes nothing while it is full."""

    is_full = False

    async def begin_refresh(self, login: Login) -> Login | None:
        self._check()
        return await super().begin_refresh(login)

    async def replace_pair(self, login: Login, pair: TokenPair) -> Login | None:
        self._check()
        return await super().replace_pair(login, pair)

    async def lose(self, login: Login, reason: str, at: float | None = None) -> Login | None:
        self._check()
        return await super().lose(login, reason, at)

    def _check(self) -> None:
        if self.is_full:
            raise StoreError("the disk is full")


class World:
    """A keeper, its store and Twitch, with everything that can happen to them."""

    def __init__(self, store: Disk) -> None:
        self.time = Time()
        self.twitch = ModelTwitch(self.time)
        self.store = store
        self.keeper = self.new_keeper()
        self.twitch.held = lambda: [login.pair.access for login in self.keeper]

    def new_keeper(self) -> TokenKeeper:
        oauth = ModelOAuth(self.twitch)
        return TokenKeeper(self.store, lambda client_id: oauth, clock=self.time, rng=random.Random(1))

    async def login(self) -> Login | None:
        return next(iter(await self.store.logins()), None)

    async def log_in(self) -> None:
        await self.store.put_login("me", "app", self.twitch.issue(), "1")

    async def log_out(self) -> None:
        for login in await self.store.logins():
            await self.store.forget_login(login.id)

    async def request(self) -> None:
        """What the guard does for a request: a 401 leads to one renewal and one more try."""
        login = await self.login()
        if login is None:
            return
        with suppress(ColorChangerError):
            token = await self.keeper.token(login.id)
            if not self.twitch.works(token):
                token = await self.keeper.renew(login.id, refused=token)
                stored = await self.login()
                assert stored is None or stored.pair.access == token  # on disk before anyone gets it
            if self.twitch.works(token):
                self.keeper.worked(login.id, token)
            else:
                await self.keeper.look_into(login.id, refused=token)

    async def requests(self) -> None:
        await asyncio.gather(*(self.request() for _ in range(3)))

    async def false_401(self) -> None:
        """Helix refuses a token that works."""
        login = await self.login()
        if login is not None:
            with suppress(ColorChangerError):
                token = await self.keeper.renew(login.id, refused=await self.keeper.token(login.id))
                await self.keeper.look_into(login.id, refused=token)

    async def look(self) -> None:
        await Watch(self.keeper, clock=self.time, rng=random.Random(1)).look()

    async def restart(self) -> None:
        await self.keeper.close()
        self.keeper = self.new_keeper()
        await self.keeper.load()

    async def crash(self) -> None:
        self.keeper = self.new_keeper()
        await self.keeper.load()

    async def expire(self) -> None:
        self.twitch.kill()

    def wait(self, seconds: float) -> Callable[[], Awaitable[None]]:
        async def pass_by() -> None:
            self.time.passed += seconds

        return pass_by

    def feel(self, mood: Mood) -> Callable[[], Awaitable[None]]:
        async def change() -> None:
            self.twitch.mood = mood

        return change

    async def toggle_validation(self) -> None:
        self.twitch.silent = not self.twitch.silent

    async def toggle_disk(self) -> None:
        self.store.is_full = not self.store.is_full

    def events(self) -> dict[str, Callable[[], Awaitable[None]]]:
        return {
            "request": self.request,
            "requests": self.requests,
            "false 401": self.false_401,
            "look": self.look,
            "expire": self.expire,
            "a minute": self.wait(60),
            "ten minutes": self.wait(600),
            "four hours": self.wait(LIFE - 300),
            "well": self.feel("well"),
            "refuses": self.feel("refuses"),
            "unknown application": self.feel("does not know the application"),
            "no answer": self.feel("does not answer"),
            "lost answers": self.feel("loses answers"),
            "validation": self.toggle_validation,
            "disk": self.toggle_disk,
            "restart": self.restart,
            "log in": self.log_in,
            "log out": self.log_out,
        }

    async def check(self) -> None:
        """What must hold at any moment."""
        assert self.twitch.spent_while_alive == 0
        login = await self.login()
        if login is not None and login.lost:
            assert not self.twitch.works(login.pair.access)

    async def heal(self) -> None:
        """Twitch and the disk are well again, and hours pass: whatever was not ended by Twitch itself works."""
        self.twitch.mood, self.twitch.silent, self.store.is_full = "well", False, False
        for _ in range(40):
            self.time.passed += 300
            await self.look()
            await self.check()
        login = await self.login()
        if login is None:
            return
        self.time.passed += 3601  # longer than any pause
        if self.twitch.works(login.pair.access) or login.pair.refresh in self.twitch.refresh:
            await self.request()
            login = await self.login()
            assert login is not None
            assert self.twitch.works(login.pair.access)
            assert login.lost == ""


async def play(names: list[str], *, crash: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with Disk.open(f"sqlite:///{(Path(folder) / 'store.sqlite3').as_posix()}") as store:
            world = World(store)
            await world.log_in()
            await world.keeper.load()
            events = world.events()
            for name in names:
                await events[name]()
                await world.check()
            if crash:
                await world.crash()
            await world.heal()
            await world.keeper.close()


EVENTS = [
    "request", "requests", "false 401", "look", "expire", "a minute", "ten minutes", "four hours", "well", "refuses",
    "unknown application", "no answer", "lost answers", "validation", "disk", "restart", "log in", "log out",
]  # fmt: skip


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(EVENTS), max_size=25), st.booleans())
def test_any_order_of_events_spends_nothing_twice_and_ends_no_login_that_works(names: list[str], crash: bool) -> None:
    asyncio.run(play(names, crash=crash))


def test_every_event_is_played() -> None:
    assert list(World(Disk.__new__(Disk)).events()) == EVENTS
