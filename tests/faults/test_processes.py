"""The real process stops within 5 s, whatever it is doing."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from colorchanger_bot.sandbox import LocalTwitch, faults
from tests.faults.stage import PUT_COLOR, SCOPES, SOCKET, STOP_SECONDS, SUBSCRIBE

Fault = Callable[[LocalTwitch], Awaitable[None]]


@asynccontextmanager
async def process_on(twitch: LocalTwitch, folder: Path) -> AsyncGenerator[Process]:
    """Start `colorchanger run` with one account and its own store."""
    twitch.add_user("me", "#FF0000", turbo=True)
    app = twitch.add_app()
    pair = twitch.issue_tokens("me", app.client_id, SCOPES)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TWITCH_", "COLORCHANGER_"))}
    environment = kept | {
        "HOME": str(folder),
        "COLORCHANGER_STORAGE__URL": f"sqlite:///{(folder / 'store.sqlite3').as_posix()}",
        "COLORCHANGER_TWITCH__API_URL": twitch.api_url,
        "COLORCHANGER_TWITCH__ID_URL": twitch.id_url,
        "COLORCHANGER_TWITCH__EVENTSUB_URL": twitch.eventsub_url,
        "COLORCHANGER_COLOR__DELAY": "0",
        "TWITCH_USERNAME_1": "me",
        "TWITCH_ACCESS_TOKEN_1": pair.access,
        "TWITCH_REFRESH_TOKEN_1": pair.refresh,
        "TWITCH_CLIENT_ID_1": app.client_id,
        "PYTHONUTF8": "1",
    }
    command = (sys.executable, "-W", "always::ResourceWarning", "-m", "colorchanger_bot", "run")
    process = await asyncio.create_subprocess_exec(*command, env=environment, cwd=folder, stdout=PIPE, stderr=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def _reading(twitch: LocalTwitch) -> None:
    await twitch.wait_subscribed("me", "me", timeout=40)


async def _connecting(twitch: LocalTwitch) -> None:
    fault = twitch.faults.add(SOCKET, faults.hang(30), times=None)
    await twitch.wait_for(lambda: fault.hits, timeout=40)


async def _joining(twitch: LocalTwitch) -> None:
    fault = twitch.faults.add(SUBSCRIBE, faults.hang(30), times=None)
    await twitch.wait_for(lambda: fault.hits, timeout=40)


async def _changing(twitch: LocalTwitch) -> None:
    await _reading(twitch)
    fault = twitch.faults.add(PUT_COLOR, faults.hang(30), times=None)
    await twitch.say("me", in_="me", text="hello")
    await twitch.wait_for(lambda: fault.hits)


async def _refreshing(twitch: LocalTwitch) -> None:
    await _reading(twitch)
    fault = twitch.faults.add("POST /oauth2/token", faults.hang(30), times=None)
    twitch.expire("me")
    await twitch.say("me", in_="me", text="hello")
    await twitch.wait_for(lambda: fault.hits)


async def _logged_out(twitch: LocalTwitch) -> None:
    await _reading(twitch)
    await twitch.revoke_login("me")
    await twitch.wait_for(lambda: not twitch.eventsub.sessions, timeout=10)


async def _away(twitch: LocalTwitch) -> None:
    await _reading(twitch)
    await twitch.close()


STATES = (_reading, _connecting, _joining, _changing, _refreshing, _logged_out, _away)


@pytest.mark.parametrize("fault", STATES, ids=lambda each: each.__name__.strip("_"))
async def test_it_stops_within_five_seconds(fault: Fault, tmp_path: Path) -> None:
    async with LocalTwitch() as twitch, process_on(twitch, tmp_path) as process:
        await fault(twitch)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_SECONDS):
            _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    for sign in ("Traceback", "Unclosed", "was destroyed", "never awaited", "never retrieved"):
        assert sign not in errors.decode()
