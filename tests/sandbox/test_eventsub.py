"""The life of EventSub sockets."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import aiohttp
import pytest

from colorchanger_bot.sandbox import Freeze, LocalTwitch

from .conftest import Line

CLOSE_WAIT = aiohttp.ClientWSTimeout(ws_close=0.2)  # pyright: ignore[reportCallIssue] - made by attrs
RFC3339_NANOSECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")


class TestWelcome:
    async def test_has_the_form_of_twitch(self, alice: Any) -> None:
        welcome = (await alice.connect()).welcome
        session = welcome["payload"]["session"]
        assert welcome["metadata"].keys() == {"message_id", "message_type", "message_timestamp"}
        assert welcome["metadata"]["message_type"] == "session_welcome"
        assert RFC3339_NANOSECONDS.fullmatch(welcome["metadata"]["message_timestamp"])
        assert (session["status"], session["keepalive_timeout_seconds"]) == ("connected", 10)
        assert session.keys() == {
            "id", "status", "connected_at", "keepalive_timeout_seconds", "reconnect_url", "recovery_url",
        }  # fmt: skip
        assert (session["reconnect_url"], session["recovery_url"]) == (None, None)
        assert RFC3339_NANOSECONDS.fullmatch(session["connected_at"])

    @pytest.mark.parametrize(("asked", "given"), [("1", 10), ("30", 30), ("9999", 600)])
    async def test_gives_the_nearest_window_from_10_to_600(self, alice: Any, asked: str, given: int) -> None:
        line = await alice.connect(keepalive_timeout_seconds=asked)
        assert line.welcome["payload"]["session"]["keepalive_timeout_seconds"] == given

    async def test_refuses_a_window_that_is_no_number(self, alice: Any) -> None:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="400"):
            await alice.connect(keepalive_timeout_seconds="nan")


class TestQuickSockets:
    @pytest.fixture
    def limits(self) -> dict[str, Any]:
        return {"min_keepalive": 0.1, "unused_after": 0.25}

    async def test_unused_ones_are_closed_with_4003(self, alice: Any) -> None:
        assert await (await alice.connect()).close_code() == 4003

    async def test_used_ones_are_not(self, alice: Any, twitch: Any) -> None:
        line = await alice.read("alice")
        await asyncio.sleep(0.3)
        await twitch.say("bob", in_="alice", text="still there?")
        assert (await line.event())["message"]["text"] == "still there?"

    async def test_a_default_of_ones_own_is_announced_and_kept(self, session: aiohttp.ClientSession) -> None:
        async with LocalTwitch(default_keepalive=0.05) as twitch, session.ws_connect(twitch.eventsub_url) as ws:
            welcome, keepalive = [await ws.receive_json(timeout=1) for _ in range(2)]
            assert welcome["payload"]["session"]["keepalive_timeout_seconds"] == 0.05
            assert keepalive["metadata"]["message_type"] == "session_keepalive"

    async def test_keepalives_come_when_nothing_else_does(self, alice: Any) -> None:
        line = await alice.connect(keepalive_timeout_seconds="0.1")
        await alice.subscribe(line, "alice")
        message = await line.next()
        assert (message["metadata"]["message_type"], message["payload"]) == ("session_keepalive", {})

    async def test_keepalives_do_not_come_while_messages_do(self, alice: Any, twitch: Any) -> None:
        line = await alice.connect(keepalive_timeout_seconds="0.2")
        await alice.subscribe(line, "alice")
        for _ in range(6):
            await twitch.say("bob", in_="alice", text="hi")
            await asyncio.sleep(0.05)
        kinds = [(await line.next())["metadata"]["message_type"] for _ in range(7)]
        assert kinds == ["notification"] * 6 + ["session_keepalive"]

    async def test_silence_sends_neither(self, alice: Any, twitch: Any) -> None:
        line = await alice.connect(keepalive_timeout_seconds="0.1")
        await alice.subscribe(line, "alice")
        await twitch.eventsub.silence(True)
        await twitch.say("bob", in_="alice", text="lost")
        with pytest.raises(TimeoutError):
            await line.ws.receive(timeout=0.3)
        await twitch.eventsub.silence(False)
        assert (await line.next())["metadata"]["message_type"] == "session_keepalive"


class TestPings:
    @pytest.fixture
    def limits(self) -> dict[str, Any]:
        return {"ping_interval": 0.05, "pong_timeout": 0.15}

    async def test_come_and_are_no_traffic_when_answered(self, alice: Any, twitch: Any) -> None:
        ws = await alice.session.ws_connect(twitch.eventsub_url, autoping=False)
        welcome = await ws.receive_json(timeout=1)
        await alice.subscribe(Line(ws, welcome), "alice")
        for _ in range(6):  # longer than the wait for a pong
            ping = await ws.receive(timeout=1)
            assert ping.type is aiohttp.WSMsgType.PING
            await ws.pong(ping.data)
        assert len(twitch.subscriptions) == 1

    async def test_without_a_pong_end_with_4002(self, alice: Any, twitch: Any) -> None:
        ws = await alice.session.ws_connect(twitch.eventsub_url, autoping=False, autoclose=False)
        line = Line(ws, await ws.receive_json(timeout=1))
        await alice.subscribe(line, "alice")
        while (frame := await ws.receive(timeout=1)).type is aiohttp.WSMsgType.PING:
            pass
        assert (frame.type, frame.data) == (aiohttp.WSMsgType.CLOSE, 4002)
        assert twitch.subscriptions == []
        (row,) = (await alice.helix("GET /eventsub/subscriptions")).json["data"]
        assert row["status"] == "websocket_failed_ping_pong"
        await ws.close()

    async def test_of_the_client_are_answered(self, alice: Any, twitch: Any) -> None:
        ws = await alice.session.ws_connect(twitch.eventsub_url, autoping=False)
        await ws.receive_json(timeout=1)
        await ws.ping(b"there?")
        while (frame := await ws.receive(timeout=1)).type is aiohttp.WSMsgType.PING:
            await ws.pong(frame.data)
        assert (frame.type, frame.data) == (aiohttp.WSMsgType.PONG, b"there?")


class TestFreeze:
    @staticmethod
    async def frozen(peer: Any, how: Freeze) -> aiohttp.ClientWebSocketResponse:
        ws = await peer.session.ws_connect(peer.twitch.eventsub_url, autoping=False, timeout=CLOSE_WAIT)
        await peer.subscribe(Line(ws, await ws.receive_json(timeout=1)), "alice")
        await peer.twitch.eventsub.freeze(how)
        await peer.twitch.say("bob", in_="alice", text="lost")
        await ws.ping(b"there?")
        return ws

    async def test_silent_answers_pings_and_the_close(self, alice: Any, twitch: Any) -> None:
        ws = await self.frozen(alice, Freeze.SILENT)
        assert (await ws.receive(timeout=1)).type is aiohttp.WSMsgType.PONG
        await ws.close()
        assert ws.close_code == 1000
        await twitch.wait_for(lambda: twitch.eventsub.open_sockets == 0)

    async def test_unresponsive_answers_nothing_and_ends_with_the_client(self, alice: Any, twitch: Any) -> None:
        ws = await self.frozen(alice, Freeze.UNRESPONSIVE)
        with pytest.raises(TimeoutError):
            await ws.receive(timeout=0.2)
        assert twitch.eventsub.open_sockets == 1
        await ws.close()
        assert ws.close_code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE
        await twitch.wait_for(lambda: (twitch.eventsub.open_sockets, twitch.subscriptions) == (0, []))

    async def test_dead_never_closes_and_is_seen_as_closed_by_the_client(self, alice: Any, twitch: Any) -> None:
        ws = await self.frozen(alice, Freeze.DEAD)
        with pytest.raises(TimeoutError):
            await ws.receive(timeout=0.2)
        assert twitch.eventsub.open_sockets == 1
        await ws.close()
        async with asyncio.timeout(2):
            while twitch.eventsub.open_sockets:  # noqa: ASYNC110 - it reads nothing, so nothing wakes it
                await asyncio.sleep(0.01)
        assert len(twitch.subscriptions) == 1

    async def test_leaves_new_sockets_alone(self, alice: Any, twitch: Any) -> None:
        frozen = await self.frozen(alice, Freeze.DEAD)
        line = await alice.read("alice")
        await twitch.say("bob", in_="alice", text="hi")
        assert (await line.event())["message"]["text"] == "hi"
        assert not frozen.closed


class TestDeadSocketsInTime:
    @pytest.fixture
    def limits(self) -> dict[str, Any]:
        return {"ping_interval": 0.05, "pong_timeout": 0.05}

    async def test_lose_their_subscriptions_like_sockets_without_pongs(self, alice: Any, twitch: Any) -> None:
        ws = await TestFreeze.frozen(alice, Freeze.DEAD)
        await twitch.wait_for(lambda: not twitch.subscriptions)
        assert (twitch.eventsub.open_sockets, ws.closed) == (1, False)


class TestClientTraffic:
    @pytest.mark.parametrize("frame", ["text", b"binary"])
    async def test_closes_with_4001(self, alice: Any, twitch: Any, frame: str | bytes) -> None:
        line = await alice.read("alice")
        await (line.ws.send_str(frame) if isinstance(frame, str) else line.ws.send_bytes(frame))
        assert await line.close_code() == 4001
        assert twitch.subscriptions == []
        (row,) = (await alice.helix("GET /eventsub/subscriptions")).json["data"]
        assert row["status"] == "websocket_received_inbound_traffic"

    async def test_may_be_pings_and_pongs(self, alice: Any, twitch: Any) -> None:
        line = await alice.read("alice")
        await line.ws.ping()
        await line.ws.pong()
        await twitch.say("bob", in_="alice", text="fine")
        assert (await line.event())["message"]["text"] == "fine"


class TestNotification:
    async def test_has_the_form_of_twitch(self, alice: Any, twitch: Any) -> None:
        line = await alice.read("alice")
        await twitch.say("bob", in_="alice", text="hi")
        message = await line.next()
        metadata, subscription = message["metadata"], message["payload"]["subscription"]
        assert (metadata["subscription_type"], metadata["subscription_version"]) == ("channel.chat.message", "1")
        assert RFC3339_NANOSECONDS.fullmatch(metadata["message_timestamp"])
        assert subscription.keys() == {
            "id", "status", "type", "version", "condition", "transport", "created_at", "cost",
        }  # fmt: skip
        assert subscription["transport"] == {"method": "websocket", "session_id": line.session_id}

    async def test_comes_to_every_reader_of_the_channel_and_to_nobody_else(self, alice: Any, bob: Any) -> None:
        lines = [await alice.read("carol"), await bob.read("carol"), await alice.read("bob")]
        await alice.twitch.say("carol", in_="carol", text="one")
        await alice.twitch.say("carol", in_="bob", text="two")
        assert [(await line.event())["message"]["text"] for line in lines] == ["one", "one", "two"]

    async def test_can_be_resent_with_the_same_message_id(self, alice: Any, twitch: Any) -> None:
        line = await alice.read("alice")
        await twitch.say("bob", in_="alice", text="hi")
        await twitch.eventsub.resend_last()
        assert await line.next() == await line.next()

    async def test_of_a_lost_subscription_does_not_come(self, alice: Any, twitch: Any) -> None:
        line = await alice.read("alice", "bob")
        await twitch.eventsub.lose_subscriptions("alice")
        assert twitch.subscriptions == []
        await twitch.say("bob", in_="alice", text="lost")
        with pytest.raises(TimeoutError):
            await line.ws.receive(timeout=0.1)

    async def test_can_be_garbage(self, alice: Any, twitch: Any) -> None:
        line = await alice.connect()
        await twitch.eventsub.send_raw("{not json")
        assert await line.ws.receive_str(timeout=1) == "{not json"


class TestRevocation:
    async def test_by_a_ban_names_the_reason_and_ends_the_subscription(self, alice: Any, twitch: Any) -> None:
        line = await alice.read("alice", "bob")
        await twitch.ban("alice", channel="bob")
        message = await line.next()
        assert message["metadata"]["message_type"] == "revocation"
        assert message["metadata"]["subscription_type"] == "channel.chat.message"
        assert message["payload"]["subscription"]["status"] == "chat_user_banned"
        assert [known.broadcaster_user_id for known in twitch.subscriptions] == [alice.user.id]

    async def test_comes_also_when_the_ban_is_not_awaited(self, alice: Any, twitch: Any) -> None:
        line = await alice.read("bob")
        twitch.ban("alice", channel="bob")
        assert (await line.next())["metadata"]["message_type"] == "revocation"

    async def test_a_refreshed_token_does_not_end_anything(self, alice: Any, twitch: Any) -> None:
        line = await alice.read("alice")
        twitch.expire("alice")
        await alice.refresh()
        await twitch.say("bob", in_="alice", text="hi")
        assert (await line.event())["message"]["text"] == "hi"


class TestEnds:
    @pytest.mark.parametrize("code", [4000, 4002, 4005, 4006])
    async def test_close_all_closes_with_the_code(self, alice: Any, twitch: Any, code: int) -> None:
        line = await alice.read("alice")
        await twitch.eventsub.close_all(code)
        assert twitch.subscriptions == []
        assert await line.close_code() == code

    async def test_drop_all_is_no_close(self, alice: Any, twitch: Any) -> None:
        line = await alice.read("alice")
        await twitch.eventsub.drop_all()
        assert twitch.subscriptions == []
        assert await line.close_code() == aiohttp.WSCloseCode.ABNORMAL_CLOSURE

    async def test_refuse_answers_503_until_it_is_over(self, alice: Any, twitch: Any) -> None:
        await twitch.eventsub.refuse(True)
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            await alice.connect()
        await twitch.eventsub.refuse(False)
        await alice.connect()

    async def test_the_clients_own_close_ends_the_subscriptions(self, alice: Any, twitch: Any) -> None:
        line = await alice.read("alice")
        await line.ws.close()
        await twitch.wait_for(lambda: not twitch.subscriptions)


class TestReconnect:
    async def test_moves_the_subscriptions_with_the_welcome_of_the_new_socket(self, alice: Any, twitch: Any) -> None:
        old = await alice.read("alice")
        before = twitch.subscriptions
        await twitch.eventsub.reconnect_all()
        message = await old.next()
        session = message["payload"]["session"]
        assert message["metadata"]["message_type"] == "session_reconnect"
        assert (session["status"], session["keepalive_timeout_seconds"]) == ("reconnecting", None)
        await twitch.say("bob", in_="alice", text="to the old one")
        new = await alice.connect(session["reconnect_url"])
        await twitch.say("bob", in_="alice", text="to the new one")
        assert (await old.event())["message"]["text"] == "to the old one"
        assert (await new.event())["message"]["text"] == "to the new one"
        assert (new.session_id, twitch.subscriptions) == (old.session_id, before)

    async def test_loses_nothing_in_a_slow_handshake(self, alice: Any, twitch: Any) -> None:
        old = await alice.read("alice")
        await twitch.eventsub.reconnect_all(handshake_delay=0.15)
        connecting = asyncio.create_task(alice.connect((await old.next())["payload"]["session"]["reconnect_url"]))
        for number in range(10):
            await twitch.say("bob", in_="alice", text=str(number))
            await asyncio.sleep(0.03)
        new = await connecting
        await twitch.eventsub.close_all(1001)
        heard = [
            [message.json()["payload"]["event"]["message"]["text"] async for message in line.ws] for line in (old, new)
        ]
        assert all(heard)
        assert heard[0] + heard[1] == [str(number) for number in range(10)]

    async def test_may_change_the_session_id(self, alice: Any, twitch: Any) -> None:
        old = await alice.read("alice")
        await twitch.eventsub.reconnect_all(new_session_id=True)
        new = await alice.connect((await old.next())["payload"]["session"]["reconnect_url"])
        assert new.session_id != old.session_id
        assert [known.session_id for known in twitch.subscriptions] == [new.session_id]
        await twitch.say("bob", in_="alice", text="hi")
        assert (await new.next())["payload"]["subscription"]["transport"]["session_id"] == new.session_id

    async def test_without_a_new_socket_ends_with_4004(self, alice: Any, twitch: Any) -> None:
        line = await alice.read("alice")
        await twitch.eventsub.reconnect_all(grace=0.1)
        assert await line.close_code() == 4004
        assert twitch.subscriptions == []

    async def test_closes_the_old_socket_with_4004_in_the_end(self, alice: Any, twitch: Any) -> None:
        old = await alice.read("alice")
        await twitch.eventsub.reconnect_all(grace=0.1)
        new = await alice.connect((await old.next())["payload"]["session"]["reconnect_url"])
        assert await old.close_code() == 4004
        await twitch.say("bob", in_="alice", text="hi")
        assert (await new.event())["message"]["text"] == "hi"

    async def test_to_an_invalid_url_closes_with_4007(self, alice: Any, twitch: Any) -> None:
        ws = await alice.session.ws_connect(f"{twitch.eventsub_url}?challenge=nope&id=nope")
        await ws.receive(timeout=1)
        assert ws.close_code == 4007

    async def test_after_the_old_socket_was_closed_is_4007(self, alice: Any, twitch: Any) -> None:
        old = await alice.read("alice")
        await twitch.eventsub.reconnect_all()
        url = (await old.next())["payload"]["session"]["reconnect_url"]
        await old.ws.close()
        await twitch.wait_for(lambda: not twitch.subscriptions)
        ws = await alice.session.ws_connect(url)
        await ws.receive(timeout=1)
        assert ws.close_code == 4007

    async def test_can_send_the_client_elsewhere(self, alice: Any, twitch: Any) -> None:
        line = await alice.read("alice")
        await twitch.eventsub.reconnect_all(url="ws://127.0.0.1:9/ws")
        assert (await line.next())["payload"]["session"]["reconnect_url"] == "ws://127.0.0.1:9/ws"


class TestSlowReaders:
    @pytest.fixture
    def limits(self) -> dict[str, Any]:
        return {"write_timeout": 0.2}

    async def test_are_cut_off_and_do_not_hold_up_the_others(self, alice: Any, bob: Any, twitch: Any) -> None:
        stuck, well = await alice.read("carol"), await bob.read("carol")
        stuck.ws._response.connection.transport.pause_reading()
        text = "x" * 200_000
        while len(twitch.subscriptions) == 2:
            await twitch.say("carol", in_="carol", text=text)
            assert (await well.event())["message"]["text"] == text
        assert [known.user_id for known in twitch.subscriptions] == [bob.user.id]
