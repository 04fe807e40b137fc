"""One process a store: own it, or find the page of the process that does."""

from __future__ import annotations

import asyncio
import contextlib
import platform
from typing import NamedTuple

import aiohttp

from colorchanger_bot.clock import Clock
from colorchanger_bot.errors import StoreLocked
from colorchanger_bot.store.store import Heartbeat, Store, locked
from colorchanger_bot.twitch.http import limits

WAIT_SECONDS = 20.0
"""How long the page of another process may take to come: it may have started a moment ago."""
LOOK_SECONDS = 0.2
ANSWER_SECONDS = 2.0


class Running(NamedTuple):
    """The page of the process that owns the store."""

    url: str
    pid: int


async def own_or_find(
    held: contextlib.ExitStack, store: Store, url: str, clock: Clock, stop: asyncio.Event
) -> Running | None:
    """Own the store until `held` is closed and return None, or return the page of the process that owns it.

    Of two that start at once, one owns the store and the other finds its page. None, too, after `stop`.

    Raises:
        StoreLocked: another process owns it and has no page here.
        StoreError: the store cannot be read or locked.
    """
    deadline = clock.monotonic() + WAIT_SECONDS
    while not stop.is_set():
        try:
            store.ownership = held.enter_context(locked(url))
        except StoreLocked:
            beat = await store.heartbeat()
            if beat is not None and (page := await _page(beat, clock)) is not None:
                return page
            if clock.monotonic() > deadline:
                raise StoreLocked(_no_page(beat)) from None
        else:
            return None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await stop.wait()
    return None


async def _page(beat: Heartbeat, clock: Clock) -> Running | None:
    """Return the page that a heartbeat names; None if there is none yet.

    Raises:
        StoreLocked: it runs without one, or on another machine.
    """
    url: object = beat.status.get("page")
    # An old heartbeat may be that of a process that was killed; the one that owns the store writes its own soon.
    if not isinstance(url, str) or not beat.is_alive(clock.now().timestamp()):
        return None
    machine = beat.status.get("machine")
    if machine != platform.node():
        raise StoreLocked(f"ColorChanger is already running on this store, on {machine}")
    if not url:
        raise StoreLocked(_no_page(beat))
    return Running(url, beat.pid) if await _answers(url) else None


def _no_page(beat: Heartbeat | None) -> str:
    pid = f" (process {beat.pid})" if beat is not None else ""
    return (
        f"ColorChanger is already running on this store{pid}, without a page: stop it and start it again, or set "
        "web.enabled = true for it"
    )


async def _answers(url: str) -> bool:
    """Return whether a page of ours answers there."""
    try:
        async with (
            aiohttp.ClientSession(timeout=limits(ANSWER_SECONDS, ANSWER_SECONDS)) as session,
            session.get(f"{url}/healthz") as answer,
        ):
            return answer.status == 200 and answer.headers.get("Server") == "colorchanger"
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return False
