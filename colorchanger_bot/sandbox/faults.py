"""Faults on demand: an action that takes the place of an answer, for the requests that match."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from .actions import (
    Action,
    by_name,
    delay,
    drop,
    drop_after,
    empty,
    garbage,
    gateway,
    hang,
    html,
    large,
    mismatch,
    mute,
    rate_limited,
    reply,
    status,
)

__all__ = [
    "Action",
    "Fault",
    "Faults",
    "SeenRequest",
    "by_name",
    "delay",
    "drop",
    "drop_after",
    "empty",
    "garbage",
    "gateway",
    "hang",
    "html",
    "large",
    "mismatch",
    "mute",
    "rate_limited",
    "reply",
    "status",
]


@dataclass(eq=False, slots=True)
class SeenRequest:
    """A request; `status` is None until, and unless, it was answered.

    `query` and `body` (the form or JSON of a Helix request) hold no secret; a repeated parameter is joined by commas.
    `at` is on the monotonic clock.
    """

    method: str
    path: str
    query: dict[str, str]
    login: str | None
    body: dict[str, Any]
    status: int | None = None
    at: float = field(default_factory=time.monotonic)

    @property
    def line(self) -> str:
        """The method and the path, as in `PUT /helix/chat/color`."""
        return f"{self.method} {self.path}"


@dataclass(eq=False, slots=True)
class Fault:
    """An action for the requests that match; `hits` counts them."""

    match: str
    action: Action
    times: int | None
    where: Callable[[SeenRequest], bool]
    hits: int = 0

    def applies(self, seen: SeenRequest) -> bool:
        """Whether the request matches and the fault is not used up."""
        left = self.times is None or self.hits < self.times
        return left and fnmatchcase(seen.line, self.match) and self.where(seen)


class Faults:
    """The faults in force; a request meets the first that matches."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(
        self,
        match: str,
        action: Action,
        *,
        times: int | None = 1,
        where: Callable[[SeenRequest], bool] = lambda seen: True,
    ) -> Fault:
        """Replace the answer to the next `times` requests that match, or to all if None.

        `match` is a line such as `PUT /helix/chat/color`, in which `*` stands for any text; `where` looks closer.
        """
        fault = Fault(match, action, times, where)
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Let everything work again."""
        self._faults.clear()

    def take(self, seen: SeenRequest) -> Action | None:
        """The action that the request meets, if any."""
        for fault in self._faults:
            if fault.applies(seen):
                fault.hits += 1
                return fault.action
        return None
