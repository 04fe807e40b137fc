"""Budgets: how many requests Twitch still allows each account, read from the answers that come by anyway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from aiohttp import hdrs
from aiohttp.client_middlewares import ClientHandlerType

from colorchanger_bot.guard import login_id_of


@dataclass(frozen=True, slots=True)
class Budget:
    """What Twitch said last (Helix guide, "Rate limits")."""

    remaining: int
    limit: int
    reset_at: float
    """Unix seconds at which the bucket is full again."""


class Budgets:
    """A client middleware of aiohttp; it stands outside the token guard, where an account is still its handle."""

    def __init__(self) -> None:
        self.by_login: dict[int, Budget] = {}

    async def __call__(self, request: aiohttp.ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
        login_id = login_id_of(request.headers.get(hdrs.AUTHORIZATION, ""))
        response = await handler(request)
        budget = None if login_id is None else _budget(response.headers)
        if login_id is not None and budget is not None:
            self.by_login[login_id] = budget
        return response


def _budget(headers: Mapping[str, str]) -> Budget | None:
    try:
        return Budget(
            int(headers["Ratelimit-Remaining"]), int(headers["Ratelimit-Limit"]), float(headers["Ratelimit-Reset"])
        )
    except (KeyError, ValueError):
        return None
