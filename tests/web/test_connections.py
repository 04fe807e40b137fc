"""How many connections the web server keeps open."""

from __future__ import annotations

import asyncio

import pytest

from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.web.connections import MOST, MOST_OF_ONE, has_room
from tests.fakes import until
from tests.web.conftest import Served


@pytest.mark.parametrize(
    ("address", "others", "room"),
    [
        ("8.8.8.8", [], True),
        ("8.8.8.8", ["8.8.8.8"] * (MOST_OF_ONE - 1), True),
        ("8.8.8.8", ["8.8.8.8"] * MOST_OF_ONE, False),
        ("9.9.9.9", ["8.8.8.8"] * MOST_OF_ONE, True),
        ("127.0.0.1", ["127.0.0.1"] * (MOST - 1), True),  # a proxy
        ("172.17.0.1", ["172.17.0.1"] * MOST_OF_ONE, True),
        ("fe80::1%eth0", ["fe80::1%eth0"] * MOST_OF_ONE, True),
        ("127.0.0.1", ["8.8.8.8"] * MOST, False),
        ("", [""] * MOST_OF_ONE, True),
    ],
)
def test_there_is_room_for_some_from_outside_and_more_from_near(address: str, others: list[str], room: bool) -> None:
    assert has_room(address, others) is room


async def test_idle_connections_take_no_more_than_their_share(service: Served, twitch: LocalTwitch) -> None:
    assert service.web is not None
    port, server = service.web.port, service.web._runner.server  # pyright: ignore[reportPrivateUsage]
    assert server is not None
    pairs = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MOST)]
    await until(lambda: len(server.connections) == MOST)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert answer.endswith(b"\r\n\r\nToo many connections: try again in a moment.\n")
    assert len(server.connections) == MOST
    await twitch.say("me", in_="me", text="hello")
    await twitch.wait_for(lambda: twitch.color_changes)
    pairs[0][1].close()
    await until(lambda: len(server.connections) == MOST - 1)
    reader, again = await asyncio.open_connection("127.0.0.1", port)
    again.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
    for _, each in (*pairs, (reader, writer), (reader, again)):
        each.close()
