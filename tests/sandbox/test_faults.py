"""Faults on demand."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
import zlib
from typing import Any

import aiohttp
import pytest

from colorchanger_bot.sandbox import faults

PUT_COLOR = "PUT /helix/chat/color"


async def put_color(peer: Any, color: str = "red") -> Any:
    return await peer.helix("PUT /chat/color", {"user_id": peer.user.id, "color": color})


async def test_status_answers_in_the_shape_of_the_host(alice: Any, twitch: Any) -> None:
    twitch.faults.add(PUT_COLOR, faults.status(500, message="oops", headers={"X-Why": "test"}))
    twitch.faults.add("POST /oauth2/token", faults.status(503, message="later"))
    answer, token = await put_color(alice), await alice.refresh()
    assert answer.json == {"error": "Internal Server Error", "status": 500, "message": "oops"}
    assert answer.headers["X-Why"] == "test"
    assert token.json == {"status": 503, "message": "later"}
    assert twitch.color_changes == []
    assert twitch.refreshes == {}


async def test_times_limits_how_often(alice: Any, twitch: Any) -> None:
    fault = twitch.faults.add(PUT_COLOR, faults.status(500), times=2)
    assert [(await put_color(alice)).status for _ in range(3)] == [500, 500, 204]
    assert fault.hits == 2


async def test_without_times_it_lasts_until_cleared(alice: Any, twitch: Any) -> None:
    twitch.faults.add("* /helix/*", faults.status(503), times=None)
    assert {503} == {(await put_color(alice)).status for _ in range(4)}
    twitch.faults.clear()
    assert (await put_color(alice)).status == 204


async def test_where_chooses_among_the_requests(alice: Any, bob: Any, twitch: Any) -> None:
    twitch.faults.add(PUT_COLOR, faults.status(500), where=lambda seen: seen.login == "bob")
    assert (await put_color(alice)).status == 204
    assert (await put_color(bob)).status == 500


async def test_where_sees_the_body_of_a_subscription(alice: Any, bob: Any, twitch: Any) -> None:
    def for_bob(seen: faults.SeenRequest) -> bool:
        return seen.body["condition"]["broadcaster_user_id"] == bob.user.id

    twitch.faults.add("POST /helix/eventsub/subscriptions", faults.status(500), where=for_bob)
    line = await alice.read("alice")
    assert (await alice.subscribe(line, "bob")).status == 500


async def test_rate_limited_says_until_when(alice: Any, twitch: Any) -> None:
    twitch.faults.add(PUT_COLOR, faults.rate_limited(reset_in=2.0))
    answer = await put_color(alice)
    assert (answer.status, answer.headers["Ratelimit-Remaining"]) == (429, "0")
    assert 2.0 <= int(answer.headers["Ratelimit-Reset"]) - time.time() + 1e-3 < 3.1


async def test_drop_closes_without_doing_it(alice: Any, twitch: Any) -> None:
    twitch.faults.add(PUT_COLOR, faults.drop(), times=2)
    with pytest.raises(aiohttp.ClientConnectionError):
        await put_color(alice)
    assert (twitch.color_changes, twitch.requests[-1].status) == ([], None)


async def test_drop_after_does_it_and_loses_the_answer(alice: Any, twitch: Any) -> None:
    twitch.faults.add(PUT_COLOR, faults.drop_after(), times=2)
    with pytest.raises(aiohttp.ClientConnectionError):
        await put_color(alice)
    assert [change.sent for change in twitch.color_changes] == ["red", "red"]
    assert twitch.requests[-1].status is None


async def test_drop_after_spends_a_refresh_token(alice: Any, twitch: Any) -> None:
    twitch.faults.add("POST /oauth2/token", faults.drop_after())
    with pytest.raises(aiohttp.ClientConnectionError):
        await alice.refresh()
    assert (await alice.refresh()).status == 400
    assert twitch.spent_twice == ["alice"]


async def test_hang_says_nothing_and_then_drops(alice: Any, twitch: Any) -> None:
    twitch.faults.add(PUT_COLOR, faults.hang(0.1), times=2)
    began = time.monotonic()
    with pytest.raises(aiohttp.ClientConnectionError):
        await put_color(alice)
    assert time.monotonic() - began >= 0.1
    assert twitch.color_changes == []


async def test_delay_answers_later(alice: Any, twitch: Any) -> None:
    twitch.faults.add(PUT_COLOR, faults.delay(0.1))
    began = time.monotonic()
    assert (await put_color(alice)).status == 204
    assert time.monotonic() - began >= 0.1


async def test_garbage_is_200_without_json(alice: Any, twitch: Any) -> None:
    twitch.faults.add("GET /oauth2/validate", faults.garbage())
    answer = await alice.validate()
    assert (answer.status, answer.body[:1]) == (200, b"<")


async def test_a_handshake_can_fail(alice: Any, twitch: Any) -> None:
    twitch.faults.add("GET /ws", faults.status(502))
    with pytest.raises(aiohttp.WSServerHandshakeError, match="502"):
        await alice.connect()
    await alice.connect()


class TestWhatTwitchDidNotWrite:
    @pytest.mark.parametrize(
        ("line", "send"),
        [
            (PUT_COLOR, put_color),
            ("GET /oauth2/validate", lambda peer: peer.validate()),
            ("POST /oauth2/token", lambda peer: peer.refresh()),
            ("POST /oauth2/device", lambda peer: peer.id("POST /oauth2/device", {"client_id": peer.app.client_id})),
        ],
    )
    async def test_can_come_from_every_route(self, alice: Any, twitch: Any, line: str, send: Any) -> None:
        answers: list[tuple[int, str, bytes]] = []
        for action in (faults.html(403), faults.gateway(502), faults.empty(400), faults.reply(401, b"\xff")):
            twitch.faults.add(line, action)
            answer = await send(alice)
            answers.append((answer.status, answer.headers["Content-Type"], answer.body[:9]))
        assert answers == [
            (403, "text/html; charset=utf-8", b"<!doctype"),
            (502, "application/json", b'{"message'),
            (400, "application/json", b""),
            (401, "text/plain", b"\xff"),
        ]
        assert (twitch.color_changes, twitch.refreshes, twitch.pending_devices) == ([], {}, [])

    async def test_can_be_a_body_that_does_not_fit_the_status(self, alice: Any, twitch: Any) -> None:
        twitch.faults.add(PUT_COLOR, faults.mismatch(400, 503, "busy"))
        answer = await put_color(alice)
        assert (answer.status, answer.json) == (
            400,
            {"error": "Service Unavailable", "status": 503, "message": "busy"},
        )

    async def test_can_meet_a_handshake(self, alice: Any, twitch: Any) -> None:
        twitch.faults.add("GET /ws", faults.html(403))
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await alice.connect()

    async def test_can_be_large(self, alice: Any, twitch: Any) -> None:
        twitch.faults.add(PUT_COLOR, faults.large(500, size=3_000_001))
        answer = await put_color(alice)
        assert (answer.status, len(answer.body)) == (500, 3_000_001)

    async def test_can_be_large_and_compressed(self, alice: Any, twitch: Any) -> None:
        twitch.faults.add(PUT_COLOR, faults.large(500, compressed=True))
        headers = {"Authorization": f"Bearer {alice.pair.access}", "Client-Id": alice.app.client_id}
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.put(f"{twitch.api_url}/chat/color", headers=headers) as response,
        ):
            sent = await response.read()
        assert response.headers["Content-Encoding"] == "gzip"
        assert len(sent) < 100_000
        assert len(zlib.decompress(sent, wbits=zlib.MAX_WBITS | 16)) == 60_000_000


class TestRefusedRefreshes:
    async def test_leave_the_access_token_good_and_spend_nothing(self, alice: Any, twitch: Any) -> None:
        twitch.refuse_refreshes()
        for _ in range(3):
            answer = await alice.refresh()
            assert (answer.status, answer.json) == (400, {"status": 400, "message": "Invalid refresh token"})
        assert (await alice.validate()).status == 200
        assert (twitch.refreshes, twitch.spent_twice) == ({}, [])
        twitch.refuse_refreshes(False)
        assert (await alice.refresh()).status == 200


async def swallowed(request: Any) -> bool:
    """Whether a request gets no answer, and is not told that the connection ended."""
    try:
        async with asyncio.timeout(0.3):
            await request
    except TimeoutError:
        return True
    return False


class TestForgottenConnections:
    async def test_swallow_a_request_and_new_ones_work(self, alice: Any, twitch: Any) -> None:
        assert (await put_color(alice)).status == 204
        assert await twitch.forget_connections() == 1
        assert await swallowed(put_color(alice, "blue"))
        assert (await put_color(alice, "green")).status == 204
        assert [change.sent for change in twitch.color_changes] == ["red", "green"]
        assert twitch.connections == 2

    async def test_leave_sockets_alone_unless_asked(self, alice: Any, twitch: Any) -> None:
        line = await alice.read("alice")
        await twitch.forget_connections()
        await twitch.say("bob", in_="alice", text="hi")
        assert (await line.event())["message"]["text"] == "hi"
        await twitch.forget_connections(sockets=True)
        await twitch.say("bob", in_="alice", text="lost")
        with pytest.raises(TimeoutError):
            await line.ws.receive(timeout=0.2)
        assert await swallowed(put_color(alice))  # the pooled connection: a handshake would be lost on it
        again = await alice.read("alice")
        await twitch.say("bob", in_="alice", text="hi again")
        assert (await again.event())["message"]["text"] == "hi again"

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux can drop packets of one connection")
    async def test_do_not_even_acknowledge(self, alice: Any, twitch: Any) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", twitch.port)
        writer.write(b"GET /oauth2/validate HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"}")
        await twitch.forget_connections()
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 300)
        writer.write(b"GET /oauth2/validate HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(TimeoutError):  # the kernel's own, ETIMEDOUT: nothing was acknowledged
            await reader.read()
        writer.close()
