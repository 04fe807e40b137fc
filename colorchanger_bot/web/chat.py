"""The chat beside the dashboard, in which a visitor can type; only the demo has one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol


class Chat(Protocol):
    """A chat with people in it."""

    @property
    def people(self) -> Sequence[str]:
        """The names that a visitor can write as."""
        ...

    @property
    def lines(self) -> Sequence[dict[str, Any]]:
        """The last lines, oldest first: who, in which colour, what."""
        ...

    def on_line(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each line."""
        ...

    async def say(self, who: str, text: str) -> None:
        """Write something as one of the people."""
        ...

    async def play(self) -> None:
        """Simulate chat for a moment."""
        ...
