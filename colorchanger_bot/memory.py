"""What is remembered of an account's colours over a restart, and the port that keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Protocol, Self


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
