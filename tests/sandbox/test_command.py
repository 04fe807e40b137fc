"""`colorchanger sandbox` prints all that a bot author needs, and it works as printed."""

from __future__ import annotations

import ast
import asyncio
import re
import signal
import socket

import aiohttp
import pytest

from tests.processes import Environment, call, end, running, start


@pytest.fixture
def bare(environment: Environment) -> Environment:
    return {name: value for name, value in environment.items() if "TWITCH__" not in name}


async def test_what_it_prints_leads_a_bot_to_work(bare: Environment) -> None:
    process = await start("sandbox", "--port", "0", environment=bare)
    assert process.stdout is not None
    async with asyncio.timeout(15):
        text = (await process.stdout.readuntil(b"Nothing is saved.")).decode()
    try:
        (address,) = re.findall(r"A local Twitch runs on (\S+)\. ", text)
        bare |= dict(re.findall(r"(COLORCHANGER_\w+)=(\S+)", text))
        tokens = re.findall(r'token = "(\w+)"\n +refresh = "(\w+)"', text)
        assert len(tokens) == 3
        bare |= {"TWITCH_ACCESS_TOKEN_1": tokens[0][0], "TWITCH_REFRESH_TOKEN_1": tokens[0][1]}
        async with running(bare), aiohttp.ClientSession() as client:
            said, fault = re.findall(r"curl -d '(.+?)'", text)
            state: dict[str, object] = {}

            async def look() -> None:
                async with client.get(f"{address}/sandbox/state") as response:
                    state.update(await response.json())

            while '"bot"' not in str(state.get("subscriptions")).replace("'", '"'):
                await look()
                await asyncio.sleep(0.05)
            async with client.post(f"{address}/sandbox/faults", json=ast.literal_eval(fault)) as response:
                assert response.status == 204
            await client.post(f"{address}/sandbox/say", json=ast.literal_eval(said) | {"as": "bot"})
            before = str(state["users"])
            async with asyncio.timeout(15):
                while str(state["users"]) == before:
                    await look()
                    await asyncio.sleep(0.05)
    finally:
        process.send_signal(signal.SIGINT)
        code, _, errors = await end(process)
    assert (code, errors) == (0, "")


async def test_the_three_lines_are_python(bare: Environment) -> None:
    process = await start("sandbox", "--port", "0", environment=bare)
    assert process.stdout is not None
    async with asyncio.timeout(15):
        text = (await process.stdout.readuntil(b"The application")).decode()
    process.send_signal(signal.SIGTERM)
    await end(process)
    lines = [line.strip() for line in text.splitlines() if line.startswith("    twitchio.")]
    assert len(lines) == 3
    assert all(ast.parse(line) for line in lines)


async def test_a_port_that_is_taken_is_said(bare: Environment) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, _, errors = await call("sandbox", "--port", str(port), environment=bare)
    assert code == 1
    assert f"port {port} cannot be used" in errors
    assert len(errors.strip().splitlines()) == 1
