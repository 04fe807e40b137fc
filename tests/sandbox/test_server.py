"""The server as a whole: what it notes, how it ends."""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Any

import aiohttp
import pytest

from colorchanger_bot.sandbox import LocalTwitch, faults


class TestRequests:
    async def test_are_noted_with_user_and_status(self, alice: Any, twitch: Any) -> None:
        await alice.helix("PUT /chat/color", {"user_id": alice.user.id, "color": "red"})
        (seen,) = twitch.requests
        assert (seen.line, seen.login, seen.status) == ("PUT /helix/chat/color", "alice", 204)
        assert seen.query == {"user_id": alice.user.id, "color": "red"}

    async def test_are_noted_without_secrets(self, alice: Any, twitch: Any) -> None:
        query = {"grant_type": "refresh_token", "client_id": alice.app.client_id, "refresh_token": alice.pair.refresh}
        await alice.id("POST /oauth2/token", params=query)
        await alice.refresh("another")
        assert alice.pair.refresh not in repr(twitch.requests)
        assert "another" not in repr(twitch.requests)
        assert twitch.requests[0].query == {"grant_type": "refresh_token", "client_id": alice.app.client_id}

    async def test_repeated_parameters_are_joined(self, alice: Any, twitch: Any) -> None:
        await alice.helix("GET /users", [("login", "bob"), ("login", "carol")])
        assert twitch.requests[-1].query == {"login": "bob,carol"}

    async def test_of_sockets_are_noted_when_they_open(self, alice: Any, twitch: Any) -> None:
        await alice.connect()
        assert (twitch.requests[-1].line, twitch.requests[-1].status) == ("GET /ws", 101)

    async def test_over_one_connection_count_once(self, alice: Any, twitch: Any) -> None:
        for _ in range(5):
            await alice.helix("GET /users")
        assert twitch.connections == 1

    async def test_secrets_do_not_show_in_what_is_printed(self, alice: Any) -> None:
        shown = repr((alice.pair, alice.app))
        assert alice.pair.access not in shown
        assert alice.pair.refresh not in shown


class TestWaiting:
    async def test_wait_subscribed_waits(self, alice: Any, twitch: Any) -> None:
        waiting = asyncio.create_task(twitch.wait_subscribed("alice", "bob", timeout=2))
        await alice.read("bob")
        await waiting

    async def test_wait_subscribed_says_what_did_not_happen(self, alice: Any, twitch: Any) -> None:
        await alice.read("alice")
        with pytest.raises(TimeoutError, match="alice reads the chat of bob: not within"):
            await twitch.wait_subscribed("alice", "bob", timeout=0.01)

    async def test_wait_for_sees_a_color_change(self, alice: Any, twitch: Any) -> None:
        waiting = asyncio.create_task(twitch.wait_for(lambda: twitch.color_changes, timeout=2))
        await alice.helix("PUT /chat/color", {"user_id": alice.user.id, "color": "red"})
        await waiting


class TestUsers:
    @pytest.mark.parametrize("login", ["alice", "with space", "", "x" * 26])
    async def test_bad_and_taken_logins_are_refused(self, twitch: Any, town: Any, login: str) -> None:
        with pytest.raises(ValueError, match="login"):
            twitch.add_user(login)

    async def test_bad_colors_are_refused(self, twitch: Any) -> None:
        with pytest.raises(ValueError, match="RRGGBB"):
            twitch.add_user("dave", "red")

    async def test_an_unknown_user_is_named(self, twitch: Any) -> None:
        with pytest.raises(KeyError, match="nobody"):
            await twitch.say("nobody", in_="alice", text="hi")

    async def test_logins_are_small_and_ids_numeric(self, twitch: Any) -> None:
        user = twitch.add_user("Dave")
        assert (user.login, user.display_name, user.id.isdecimal()) == ("dave", "Dave", True)


class TestMemory:
    @pytest.fixture
    def limits(self) -> dict[str, Any]:
        return {"remembered_requests": 10, "remembered_tokens": 5, "remembered_devices": 3}

    async def test_of_requests_is_bounded_and_keeps_the_newest(self, alice: Any, twitch: Any) -> None:
        for number in range(40):
            await alice.helix("GET /users", {"login": f"user_{number}"})
        assert 10 <= len(twitch.requests) <= 12
        assert twitch.requests[-1].query == {"login": "user_39"}

    async def test_of_a_large_body_is_none(self, alice: Any, twitch: Any) -> None:
        await alice.helix("POST /chat/messages", json={"message": "x" * 100_000})
        assert twitch.requests[-1].body == {}

    async def test_of_devices_is_bounded(self, alice: Any, twitch: Any) -> None:
        form = {"client_id": alice.app.client_id, "scopes": "user:read:chat"}
        codes = [(await alice.id("POST /oauth2/device", form)).json["user_code"] for _ in range(6)]
        assert [device.user_code for device in twitch.pending_devices] == codes[-3:]

    async def test_of_tokens_is_bounded(self, alice: Any, twitch: Any) -> None:
        pairs = [twitch.issue_tokens("alice", alice.app.client_id) for _ in range(8)]
        statuses = [(await alice.validate(pair.access)).status for pair in pairs]
        assert statuses == [401] * 3 + [200] * 5
        assert (await alice.refresh(pairs[0].refresh)).status == 400
        assert (await alice.refresh(pairs[-1].refresh)).status == 200

    async def test_of_users_that_are_created_over_http_is_bounded(self, alice: Any, twitch: Any) -> None:
        for number in range(10_000):
            twitch.add_user(f"user_{number}")
        answer = await alice.id("POST /sandbox/say", json={"as": "one_more", "in": "alice", "text": "hi"})
        assert answer.status == 400


class TestClosing:
    async def test_is_quick_with_open_sockets_and_hanging_requests(self, session: aiohttp.ClientSession) -> None:
        twitch = LocalTwitch()
        await twitch.start()
        twitch.faults.add("GET /oauth2/validate", faults.hang(60))
        twitch.faults.add("GET /ws", faults.delay(60), where=lambda seen: "slow" in seen.query)
        sockets = [await session.ws_connect(twitch.eventsub_url) for _ in range(20)]
        hanging = [
            asyncio.ensure_future(session.get(f"{twitch.id_url}/oauth2/validate")),
            asyncio.ensure_future(session.ws_connect(f"{twitch.eventsub_url}?slow=1")),
        ]
        await twitch.wait_for(lambda: len(twitch.requests) == 22)
        began = time.monotonic()
        await twitch.close()
        assert time.monotonic() - began < 1.0
        assert all(isinstance(end, Exception) for end in await asyncio.gather(*hanging, return_exceptions=True))
        kinds = [[(await socket.receive(timeout=1)).type for _ in range(2)] for socket in sockets]
        assert kinds == [[aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.CLOSE]] * 20

    async def test_leaves_no_task_behind(self, session: aiohttp.ClientSession) -> None:
        async with LocalTwitch() as twitch:
            sockets = [await session.ws_connect(twitch.eventsub_url) for _ in range(3)]
        for socket in sockets:
            await socket.close()
        gc.collect()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    async def test_twice_is_harmless_and_the_port_is_free_again(self) -> None:
        twitch = LocalTwitch()
        await twitch.start()
        await twitch.close()
        await twitch.close()
        async with LocalTwitch(port=twitch.port) as again:
            assert again.port == twitch.port

    async def test_a_taken_port_is_an_os_error(self, twitch: Any) -> None:
        other = LocalTwitch(port=twitch.port)
        with pytest.raises(OSError, match=str(twitch.port)):
            await other.start()
        await other.close()


async def test_unknown_limits_are_an_error() -> None:
    with pytest.raises(TypeError, match="min_keepalife"):
        LocalTwitch(min_keepalife=1)
