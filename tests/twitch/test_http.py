"""Every way a request can fail has its place in the error tree, and the pool has the promised size."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from colorchanger_bot.color import Color
from colorchanger_bot.errors import (
    ChannelRefused,
    ColorChangerError,
    ColorRejected,
    MissingScope,
    OutcomeUnknown,
    RateLimited,
    SessionGone,
    TokenRefused,
    TwitchUnavailable,
)
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.twitch.helix import Helix
from colorchanger_bot.twitch.http import open_session, open_socket_session, send
from tests.conftest import SCOPES

PUT = "PUT /helix/chat/color"
RED = Color.parse("red")


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as opened:
        yield opened


@pytest.fixture
def helix(twitch: LocalTwitch, session: aiohttp.ClientSession, client_id: str) -> Helix:
    """The calls of an account, with a token in the place of a handle: there is no guard here."""
    twitch.add_user("me")
    pair = twitch.issue_tokens("me", client_id, SCOPES)
    return Helix(session, client_id=client_id, handle=pair.access, api_url=twitch.api_url)


async def test_the_pool_has_the_documented_limits(session: aiohttp.ClientSession) -> None:
    assert session.connector is not None
    assert (session.connector.limit, session.connector.limit_per_host) == (100, 50)
    assert session.timeout.total == 10


async def test_websockets_take_no_connections_from_requests() -> None:
    async with open_socket_session() as sockets:
        assert sockets.connector is not None
        assert (sockets.connector.limit, sockets.connector.limit_per_host) == (0, 0)


async def test_no_session_keeps_cookies() -> None:
    async with open_session() as requests, open_socket_session() as sockets:
        for opened in (requests, sockets):
            assert isinstance(opened.cookie_jar, aiohttp.DummyCookieJar)


async def test_a_refused_connection_never_reached_twitch(session: aiohttp.ClientSession) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(TwitchUnavailable, match=r"^127\.0\.0\.1 cannot be reached: (?!Connect call)"):
        await send(session, "PUT", f"http://127.0.0.1:{port}/")


async def test_silence_leaves_the_outcome_unknown(twitch: LocalTwitch) -> None:
    twitch.faults.add("POST /oauth2/token", faults.hang(1))
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.1)) as impatient:
        with pytest.raises(OutcomeUnknown):
            await send(impatient, "POST", f"{twitch.id_url}/oauth2/token")


async def test_a_lost_answer_leaves_the_outcome_unknown(twitch: LocalTwitch, session: aiohttp.ClientSession) -> None:
    twitch.faults.add("POST /oauth2/token", faults.drop_after())
    with pytest.raises(OutcomeUnknown):
        await send(session, "POST", f"{twitch.id_url}/oauth2/token")


async def test_an_error_holds_no_header(twitch: LocalTwitch, session: aiohttp.ClientSession) -> None:
    twitch.faults.add("POST /oauth2/token", faults.drop())
    with pytest.raises(OutcomeUnknown) as caught:
        await send(session, "POST", f"{twitch.id_url}/oauth2/token", headers={"Authorization": "Bearer hidden"})
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.status(400, message="invalid color"), ColorRejected),
        (faults.status(401, message="Missing scope: user:manage:chat_color"), MissingScope),
        (faults.status(401, message="Invalid OAuth token"), TokenRefused),
        (faults.rate_limited(5), RateLimited),
        (faults.status(429, message="number of websocket transports limit exceeded"), RateLimited),
        (faults.status(500), TwitchUnavailable),
        (faults.status(503), TwitchUnavailable),
        (faults.status(404), TwitchUnavailable),
    ],
)
async def test_answers_to_a_colour_are_mapped(
    fault: faults.Action, error: type[ColorChangerError], twitch: LocalTwitch, helix: Helix
) -> None:
    twitch.faults.add(PUT, fault)
    with pytest.raises(error):
        await helix.put_color(twitch.user("me").id, RED)


async def test_only_a_rate_limit_of_the_bucket_tells_when_it_ends(twitch: LocalTwitch, helix: Helix) -> None:
    twitch.faults.add(PUT, faults.rate_limited(5))
    twitch.faults.add(PUT, faults.status(429, message="number of websocket transports limit exceeded"))
    with pytest.raises(RateLimited) as bucket:
        await helix.put_color(twitch.user("me").id, RED)
    with pytest.raises(RateLimited) as other:
        await helix.put_color(twitch.user("me").id, RED)
    assert bucket.value.retry_at is not None
    assert other.value.retry_at is None


@pytest.mark.parametrize(
    ("headers", "message", "error", "tells"),
    [
        ({"Ratelimit-Remaining": "0", "Ratelimit-Reset": "1760000000"}, "Too many requests", RateLimited, True),
        ({"Ratelimit-Reset": "1760000000"}, "Too many requests", RateLimited, True),
        ({"Ratelimit-Remaining": "7", "Ratelimit-Reset": "1760000000"}, "slow down", TwitchUnavailable, False),
        ({"Ratelimit-Remaining": "0", "Ratelimit-Reset": "soon"}, "slow down", TwitchUnavailable, False),
        ({"Ratelimit-Remaining": "0", "Ratelimit-Reset": "nan"}, "slow down", TwitchUnavailable, False),
        ({"Ratelimit-Remaining": "0", "Ratelimit-Reset": "inf"}, "slow down", TwitchUnavailable, False),
        ({}, "slow down", TwitchUnavailable, False),
        ({}, "number of websocket transports limit exceeded", RateLimited, False),
        ({}, "maximum subscriptions with type and condition exceeded", RateLimited, False),
    ],
)
async def test_the_429s_of_a_subscription_are_told_apart(
    headers: dict[str, str],
    message: str,
    error: type[ColorChangerError],
    tells: bool,
    twitch: LocalTwitch,
    helix: Helix,
) -> None:
    twitch.faults.add("POST /helix/eventsub/subscriptions", faults.status(429, message=message, headers=headers))
    with pytest.raises(error) as caught:
        await helix.subscribe_chat("session", broadcaster_id="1", user_id="1")
    assert (getattr(caught.value, "retry_at", None) is not None) is tells


async def test_only_enabled_chat_subscriptions_are_listed_each_with_its_type(twitch: LocalTwitch, helix: Helix) -> None:
    def row(number: int, type_: str, status: str) -> dict[str, object]:
        condition = {"broadcaster_user_id": str(number), "user_id": "1"}
        transport = {"method": "websocket", "session_id": "s"}
        return {"id": str(number), "type": type_, "status": status, "condition": condition, "transport": transport}

    rows = [
        row(1, "channel.chat.message", "enabled"),
        row(2, "channel.chat.notification", "enabled"),
        row(3, "channel.chat.message", "websocket_disconnected"),
        row(4, "channel.follow", "enabled"),
    ]

    async def answer(request: web.Request, handler: object) -> web.StreamResponse:
        return web.json_response({"data": rows, "pagination": {}})

    twitch.faults.add("GET /helix/eventsub/subscriptions", answer)
    found = await helix.subscriptions()
    assert [(each.id, each.type) for each in found] == [
        ("1", "channel.chat.message"),
        ("2", "channel.chat.notification"),
    ]


async def test_a_reply_that_twitch_dropped_has_no_id(twitch: LocalTwitch, helix: Helix) -> None:
    async def dropped(request: web.Request, handler: object) -> web.StreamResponse:
        return web.json_response({"data": [{"message_id": "", "is_sent": False, "drop_reason": {"code": "spam"}}]})

    twitch.faults.add("POST /helix/chat/messages", dropped)
    me = twitch.user("me").id
    assert await helix.say(me, me, "dropped", reply_to="") is None


async def test_a_get_without_an_answer_has_no_unknown_outcome(twitch: LocalTwitch, helix: Helix) -> None:
    twitch.faults.add("GET /helix/chat/color", faults.drop(), times=2)  # aiohttp asks a second time by itself
    with pytest.raises(TwitchUnavailable):
        await helix.get_color(twitch.user("me").id)


async def test_garbage_is_trouble_at_twitch(twitch: LocalTwitch, helix: Helix) -> None:
    twitch.faults.add("GET /helix/chat/color", faults.garbage())
    with pytest.raises(TwitchUnavailable, match="other than Twitch"):
        await helix.get_color(twitch.user("me").id)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.status(403, message="subscription missing proper authorization"), ChannelRefused),
        (faults.status(400, message="websocket transport session does not exist"), SessionGone),
        (faults.status(429, message="number of websocket transports limit exceeded"), RateLimited),
        (faults.status(500), TwitchUnavailable),
        (faults.drop_after(), OutcomeUnknown),
    ],
)
async def test_answers_to_a_subscription_are_mapped(
    fault: faults.Action, error: type[ColorChangerError], twitch: LocalTwitch, helix: Helix
) -> None:
    twitch.faults.add("POST /helix/eventsub/subscriptions", fault)
    with pytest.raises(error):
        await helix.subscribe_chat("session", broadcaster_id="1", user_id="1")


async def test_a_subscription_that_exists_already_is_fine(twitch: LocalTwitch, helix: Helix) -> None:
    twitch.faults.add("POST /helix/eventsub/subscriptions", faults.status(409, message="subscription already exists"))
    assert await helix.subscribe_chat("session", broadcaster_id="1", user_id="1") == ""


async def test_a_colour_arrives_in_the_spelling_that_twitch_takes(twitch: LocalTwitch, helix: Helix) -> None:
    me = twitch.user("me")
    me.turbo = True
    await helix.put_color(me.id, Color.parse("#12ab56"))
    assert await helix.get_color(me.id) == Color.parse("#12AB56")
    await helix.put_color(me.id, Color.parse("HotPink"))
    assert [change.sent for change in twitch.color_changes] == ["#12AB56", "hot_pink"]


async def test_a_user_who_never_chose_a_colour_has_none(twitch: LocalTwitch, helix: Helix) -> None:
    assert await helix.get_color(twitch.user("me").id) is None


async def test_more_than_a_hundred_users_are_asked_for_in_pages(twitch: LocalTwitch, helix: Helix) -> None:
    logins = [f"user{number}" for number in range(150)]
    for login in logins:
        twitch.add_user(login)
    found = await helix.users([*logins, "nobody_of_that_name"])
    assert sorted(user.login for user in found) == sorted(logins)
