"""What is remembered of an account's colours over a restart, when it is written, and the port that keeps it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Protocol, Self

from colorchanger_bot.clock import Clock
from colorchanger_bot.errors import StoreError

logger = logging.getLogger(__name__)

QUIET_SECONDS, LATEST_SECONDS = 1.0, 10.0
"""A change is kept once it has been quiet for so long, or after so long at the latest: many changes are one write."""


@dataclass(slots=True)
class Remembered:
    """The state of one account's colours, as small JSON values."""

    overrides: dict[str, Any] = field(default_factory=dict[str, Any])
    """What was set in chat: keys of `[color]` that win over the user's files."""
    history: list[str] = field(default_factory=list[str])
    """Colours that the account has shown, newest first, as `#RRGGBB`."""
    strategy: str = ""
    """The strategy that `state` belongs to."""
    state: dict[str, Any] = field(default_factory=dict[str, Any])
    original: str | None = None
    """The colour that the account had before the first change, to be put back one day."""
    no_hex_until: float | None = None
    """Unix seconds: until then the account is taken to have neither Turbo nor Prime."""
    channels: list[str] | None = None
    """The channels to read, as set in chat; None: as the settings say."""
    held: str | None = None
    """The colour to stay at, as set in chat; None: the strategy chooses."""

    def to_json(self) -> dict[str, Any]:
        """Return a dict of JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return what `data` says; keys of a later version are left out."""
        known = {each.name for each in fields(cls)}
        return cls(**{key: value for key, value in data.items() if key in known})


class Memory(Protocol):
    """Where the colours of the accounts are kept."""

    async def recall(self, user_id: str) -> Remembered:
        """Return what is known of an account; an empty `Remembered` for a new one.

        Raises:
            StoreError: it could not be read.
        """
        ...

    async def remember(self, user_id: str, remembered: Remembered) -> None:
        """Keep it.

        Raises:
            StoreError: it could not be written.
        """
        ...


class ShortMemory:
    """A memory that ends with the process: for bots without a store."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, Any]] = {}

    async def recall(self, user_id: str) -> Remembered:
        return Remembered.from_json(self._kept.get(user_id, {}))

    async def remember(self, user_id: str, remembered: Remembered) -> None:
        self._kept[user_id] = remembered.to_json()


class Keeping:
    """Keeps what is remembered of one account; `look` tells how it stands when it is written."""

    __slots__ = ("_changed_at", "_clock", "_login", "_look", "_memory", "_task", "_user_id")

    def __init__(self, memory: Memory, user_id: str, login: str, clock: Clock, look: Callable[[], Remembered]) -> None:
        self._memory = memory
        self._user_id = user_id
        self._login = login
        self._clock = clock
        self._look = look
        self._changed_at = 0.0
        self._task: asyncio.Task[None] | None = None

    def soon(self) -> None:
        """Write it when it has been quiet for a while: more may follow at once."""
        self._changed_at = self._clock.monotonic()
        if self._task is None:
            self._task = asyncio.create_task(self._later(), name=f"memory of {self._login}")

    async def now(self) -> None:
        """Write it; what cannot be written is in the log."""
        try:
            await self._memory.remember(self._user_id, self._look())
        except StoreError as error:
            logger.error("the colours of %s could not be kept: %s", self._login, error, extra={"account": self._login})

    async def close(self, *, keep: bool) -> None:
        """Write at once what was to be written soon, or with `keep` off leave it."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
            if keep:
                await self.now()

    async def _later(self) -> None:
        latest = self._clock.monotonic() + LATEST_SECONDS
        while (wait := min(self._changed_at + QUIET_SECONDS, latest) - self._clock.monotonic()) > 0:
            await self._clock.sleep(wait)
        self._task = None
        await self.now()
