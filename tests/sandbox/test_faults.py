"""Faults on demand."""

from __future__ import annotations

import time
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
