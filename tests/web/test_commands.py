"""`run` and `demo --web` as real processes, with their dashboard."""

from __future__ import annotations

import re
import signal
import time
from asyncio.subprocess import Process

import aiohttp

from colorchanger_bot.sandbox import LocalTwitch
from tests.processes import Environment, call, end, start


async def first_url(process: Process, sign: str) -> str:
    """The address in the first line of output that contains this text."""
    assert process.stdout is not None
    while line := (await process.stdout.readline()).decode():
        if sign in line:
            return line.split()[-1]
    raise AssertionError("it ended without a word")


async def test_run_says_where_the_dashboard_is_and_stops_in_time_with_open_pages(
    twitch: LocalTwitch, with_tokens: Environment
) -> None:
    process = await start(
        "run", environment=with_tokens | {"COLORCHANGER_WEB__ENABLED": "1", "COLORCHANGER_WEB__PORT": "0"}
    )
    url = await first_url(process, "dashboard")
    await twitch.wait_subscribed("me", "me", timeout=15)
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/readyz") as answer:
            assert answer.status == 200
        async with session.get(f"{url}/api/events") as stream:
            await stream.content.readline()
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            code, _, _ = await end(process)
    assert code == 0
    assert time.monotonic() - began < 4.0


async def test_run_refuses_to_serve_other_machines_without_a_password(with_tokens: Environment) -> None:
    code, output, errors = await call(
        "run", environment=with_tokens | {"COLORCHANGER_WEB__ENABLED": "1", "COLORCHANGER_WEB__HOST": "0.0.0.0"}
    )
    assert (code, output) == (2, "")
    assert "set web.password" in errors


async def test_the_password_of_the_page_never_reaches_the_log(twitch: LocalTwitch, with_tokens: Environment) -> None:
    password = "correcthorsebattery"
    environment = with_tokens | {
        "COLORCHANGER_WEB__ENABLED": "1",
        "COLORCHANGER_WEB__PORT": "0",
        "COLORCHANGER_WEB__PASSWORD": password,
        "COLORCHANGER_COGS__LOAD": password,  # a module of this name is looked for, and its name is logged
    }
    process = await start("run", environment=environment)
    await twitch.wait_subscribed("me", "me", timeout=15)
    process.send_signal(signal.SIGTERM)
    _, output, errors = await end(process)
    assert "the cog *** cannot be loaded" in errors
    assert password not in output + errors


async def test_the_demo_in_the_browser_serves_its_page_and_ends_when_told(environment: Environment) -> None:
    process = await start("demo", "--web", environment=environment)
    url = await first_url(process, "demo is on")
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        page = await answer.text()
    process.send_signal(signal.SIGINT)
    code, output, errors = await end(process)
    assert (code, errors) == (0, "")
    assert re.search(r'<option value="you">', page)
    assert 'id="chat"' in page
    assert "The demo has a Twitch of its own" in page
    assert "Next, with your own account" in output
