"""Budgets: how many requests Twitch still allows each account, read from the answers that come by anyway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Budget(NamedTuple):
    """What Twitch said last (Helix guide, "Rate limits")."""

    remaining: int
    limit: int
    reset_at: float
    """Unix seconds at which the bucket is full again."""


class Budgets:
    """The last budget of each account; the token guard tells of every answer."""

    def __init__(self) -> None:
        self.by_login: dict[int, Budget] = {}

    def note(self, login_id: int, headers: Mapping[str, str]) -> None:
        """Take note of what an answer to an account's request says of its budget, if anything."""
        budget = _budget(headers)
        if budget is not None:
            self.by_login[login_id] = budget


def _budget(headers: Mapping[str, str]) -> Budget | None:
    try:
        return Budget(
            int(headers["Ratelimit-Remaining"]), int(headers["Ratelimit-Limit"]), float(headers["Ratelimit-Reset"])
        )
    except (KeyError, ValueError):
        return None
