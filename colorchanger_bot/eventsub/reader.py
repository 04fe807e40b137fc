"""Reader: one chat session of an account, and the channels that it was asked to read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from colorchanger_bot.eventsub.session import ChatSession

Connect = Callable[[Callable[[], None], Callable[[], None]], ChatSession]
"""Makes a chat session. It is given what to call when something has changed, and when channels have been identified."""


@dataclass(slots=True, eq=False)
class Reader:
    """One chat session of an account."""

    account: Account
    session: ChatSession
    names: dict[str, None] = field(default_factory=dict[str, None])
    """The channels that it was asked to read, by names that its account uses."""
    had_trouble: bool = False
    """Whether it had no connection when it was last looked at."""

    @property
    def user_id(self) -> str:
        return self.account.user_id

    @property
    def is_active(self) -> bool:
        """Whether the session is still run."""
        return self in self.account.readers


@dataclass(slots=True, eq=False)
class Account:
    """An account that wants channels."""

    user_id: str
    login: str
    connect: Connect
    readers: dict[Reader, asyncio.Task[None]] = field(default_factory=dict[Reader, asyncio.Task[None]])
    """Its chat sessions, with the tasks that run them."""

    @property
    def channels(self) -> int:
        """How many channels it reads or tries to read."""
        return len({name for reader in self.readers for name in reader.names})

    @property
    def pending(self) -> int:
        """How many of them it has not joined yet."""
        return sum(len(reader.names) - reader.session.joined for reader in self.readers)

    @property
    def trouble(self) -> str:
        """Why it has no connection; empty if it has one, or needs none."""
        return next((each.session.trouble for each in self.readers if each.session.trouble), "")
