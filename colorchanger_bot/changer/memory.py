"""What is remembered of the accounts' colours across a restart, when it is written, and the port that keeps it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Protocol, Self

from colorchanger_bot.clock import Clock
from colorchanger_bot.errors import StoreError

WRITE_SECONDS = 0.8
"""From the first change to the write, so that with the write itself a crash loses less than a second."""


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
    channel_ids: dict[str, str] = field(default_factory=dict[str, str])
    """The user ids of the channels to read, by the names they are listed under: names change."""
    listed_as: str = ""
    """The name under which the settings list the account; empty if they do not."""
    people: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    """Who the people are that the settings name, by that name: `id` and the present `login`."""

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

    async def remember_all(self, remembered: Mapping[str, Remembered]) -> None:
        """Keep what is to be remembered of these accounts, by user id: all of it, or nothing.

        Raises:
            StoreError: it could not be written. The memory itself logs why.
        """
        ...


class ShortMemory:
    """A memory that ends with the process: for bots without a store."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, Any]] = {}

    async def recall(self, user_id: str) -> Remembered:
        return Remembered.from_json(self._kept.get(user_id, {}))

    async def remember_all(self, remembered: Mapping[str, Remembered]) -> None:
        self._kept |= {user_id: each.to_json() for user_id, each in remembered.items()}


Snapshot = Callable[[], Remembered]
"""Returns what is to be remembered of an account now."""


class MemoryWriter:
    """Writes what is to be remembered: all accounts that changed together, within a second of the first change.

    What cannot be written is tried again every second.
    """

    def __init__(self, memory: Memory, clock: Clock) -> None:
        self._memory = memory
        self._clock = clock
        self._changed: dict[str, Snapshot] = {}
        self._writing: dict[str, Snapshot] = {}
        self._one_at_a_time = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def soon(self, user_id: str, snapshot: Snapshot) -> None:
        """Write it within a second."""
        self._changed[user_id] = snapshot
        if self._task is None:
            self._task = asyncio.create_task(self._later(), name="colour memory")

    async def now(self, user_id: str, snapshot: Snapshot) -> None:
        """Write it before this returns, with all that is to be written soon; if that fails, try again soon."""
        self._changed[user_id] = snapshot
        await self._write(user_id)
        if user_id in self._changed:
            self.soon(user_id, snapshot)

    async def drop(self, user_id: str) -> None:
        """Write nothing more of an account, from when this returns."""
        self._changed.pop(user_id, None)
        self._writing.pop(user_id, None)
        async with self._one_at_a_time:  # a write under way may have it, and puts it back if it fails
            self._changed.pop(user_id, None)

    async def close(self) -> None:
        """Write at once, in one go, what was to be written soon."""
        async with self._one_at_a_time:  # a write under way is not given up
            if self._task is not None:
                self._task.cancel()
                self._task = None
        await self._write()

    async def _later(self) -> None:
        while self._changed:
            await self._clock.sleep(WRITE_SECONDS)
            await self._write()
        self._task = None

    async def _write(self, user_id: str = "") -> None:
        async with self._one_at_a_time:
            # Somebody else may have written it while this one waited.
            if self._changed and (not user_id or user_id in self._changed):
                self._writing, self._changed = self._changed, {}
                try:
                    await self._memory.remember_all({id_: snapshot() for id_, snapshot in self._writing.items()})
                except StoreError:
                    self._changed = self._writing | self._changed
