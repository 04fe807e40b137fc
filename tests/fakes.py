"""Fakes that record what was asked of them. They have no expectations."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from colorchanger_bot.changer.memory import Remembered, ShortMemory
from colorchanger_bot.color import Color
from colorchanger_bot.errors import ColorRejected, TwitchUnavailable, UnknownUser
from colorchanger_bot.sandbox import LocalTwitch

EPOCH = 1_760_000_000.0
"""Unix seconds at which a fake clock begins."""
SETTLE_ROUNDS = 30
"""Enough turns of the event loop for everything that needs no time to finish."""


async def settle() -> None:
    """Let every task run until it waits for time or for the outside world."""
    for _ in range(SETTLE_ROUNDS):
        await asyncio.sleep(0)


async def until(condition: Callable[[], object], *, seconds: float = 5.0) -> None:
    """Wait until a condition is true, with a deadline."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the conditions of these tests have no event to wait for
            await asyncio.sleep(0.005)


async def subscribed_to_all(twitch: LocalTwitch, *, channels: int = 1) -> None:
    """Wait until Twitch has answered the subscriptions to messages and notifications of this many channels."""
    line = "POST /helix/eventsub/subscriptions"

    def answered() -> bool:
        requests = [seen for seen in twitch.requests if seen.line == line and seen.status is not None]
        return len({str(seen.body["condition"]) + seen.body["type"] for seen in requests}) >= 2 * channels

    await twitch.wait_for(answered)


class FakeClock:
    """Time that passes only when a test says so."""

    def __init__(self) -> None:
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def monotonic(self) -> float:
        return self._elapsed

    def now(self) -> datetime:
        return datetime.fromtimestamp(EPOCH + self._elapsed, UTC)

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        awake = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._elapsed + seconds, awake))
        await awake

    async def advance(self, seconds: float) -> None:
        """Let time pass, and wake each sleeper when it is due."""
        end = self._elapsed + seconds
        await settle()
        while due := [sleeper for sleeper in self._sleepers if sleeper[0] <= end and not sleeper[1].done()]:
            when, awake = min(due, key=lambda sleeper: sleeper[0])
            self._elapsed = max(self._elapsed, when)
            awake.set_result(None)
            await settle()
            self._sleepers = [sleeper for sleeper in self._sleepers if not sleeper[1].done()]
        self._elapsed = end
        await settle()


class FakeColors:
    """A `ColorApi` that records. `answers` has an error, or None for success, for each of the next requests."""

    def __init__(self, *, turbo: bool = True) -> None:
        self.turbo = turbo
        self.silent = False
        """Whether it refuses to tell colours."""
        self.sent: list[Color] = []
        self.users: set[str] = set()
        """Whose colours were sent and asked for."""
        self.shown: Color | None = Color.parse("#123456")
        self.answers: deque[Exception | None] = deque()
        self.gate = asyncio.Event()
        self.gate.set()
        self.pause: Callable[[], Awaitable[None]] | None = None
        """What an answer waits for besides the gate."""
        self.in_flight = 0
        self.most_in_flight = 0

    async def put_color(self, user_id: str, color: Color) -> None:
        self.sent.append(color)
        self.users.add(user_id)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await self.gate.wait()
            if self.pause is not None:
                await self.pause()
        finally:
            self.in_flight -= 1
        answer = self.answers.popleft() if self.answers else None
        if answer is not None:
            raise answer
        if not (self.turbo or color.is_named):
            raise ColorRejected("invalid color")
        self.shown = color

    async def get_color(self, user_id: str) -> Color | None:
        self.users.add(user_id)
        if self.silent:
            raise TwitchUnavailable("no answer")
        return self.shown


class FakeMemory(ShortMemory):
    """A memory that counts what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0

    async def remember_all(self, remembered: Mapping[str, Remembered]) -> None:
        self.writes += 1
        await super().remember_all(remembered)


class FakePlatform:
    """A `Platform` with a few people. `reads` are the channels; None if ColorChanger does not choose them."""

    def __init__(self) -> None:
        self.colors: dict[str, Color | None] = {"friend": Color.parse("#00AA88"), "plain": None}
        self.reads: tuple[str, ...] | None = ("me",)
        self.users: set[str] = set()
        """For whom it was asked."""

    async def color_of(self, user_id: str, login: str) -> Color | None:
        self.users.add(user_id)
        if login not in self.colors:
            raise UnknownUser(login)
        return self.colors[login]

    def channels(self, user_id: str) -> tuple[str, ...] | None:
        self.users.add(user_id)
        return self.reads

    def counts(self, user_id: str, channel_id: str) -> bool:
        return True

    async def check_channel(self, user_id: str, login: str) -> None:
        self.users.add(user_id)
        if login not in self.colors:
            raise UnknownUser(login)

    async def set_channels(self, user_id: str, channels: tuple[str, ...]) -> None:
        self.users.add(user_id)
        self.reads = channels
