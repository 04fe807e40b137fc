"""What each call of Helix sends, and what it takes from the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from colorchanger_bot.color import Color
from colorchanger_bot.errors import ChannelRefused, MissingScope, SessionGone, TokenRefused, TwitchUnavailable
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.twitch.helix import CHAT_MESSAGE, CHAT_NOTIFICATION, Helix, HelixColors, Subscribed, User
from colorchanger_bot.twitch.http import open_session

SUBSCRIPTIONS = "/helix/eventsub/subscriptions"
FOLLOWED = "GET /helix/streams/followed"


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as opened:
        yield opened


@pytest.fixture
def helix(twitch: LocalTwitch, session: aiohttp.ClientSession) -> Helix:
    """The calls of an account; a slash at the end of the address makes no difference."""
    return Helix(session, client_id="app", handle="token", api_url=f"{twitch.api_url}/")


class Recorder:
    """Answers with what a test wants, and keeps what was asked."""

    def __init__(self, *bodies: object, status: int = 200) -> None:
        self.bodies = bodies
        self.status = status
        self.asked: list[web.Request] = []
        self.json: list[Any] = []

    async def __call__(self, request: web.Request, handler: object) -> web.StreamResponse:
        self.asked.append(request)
        self.json.append(await request.json() if await request.read() else None)
        if self.status == 204:
            return web.Response(status=204)
        body = self.bodies[min(len(self.asked), len(self.bodies)) - 1]
        return web.json_response(body, status=self.status)


def row(number: int, type_: str = CHAT_MESSAGE, **more: object) -> dict[str, object]:
    condition = {"broadcaster_user_id": str(number), "user_id": "1"}
    transport = {"method": "websocket", "session_id": "s"}
    known = {"id": f"id {number}", "type": type_, "status": "enabled", "condition": condition, "transport": transport}
    return known | more


async def test_every_call_names_the_application_and_the_account(twitch: LocalTwitch, helix: Helix) -> None:
    recorder = Recorder({"data": []})
    twitch.faults.add("GET /helix/users", recorder)
    assert await helix.users(["me"]) == []
    (request,) = recorder.asked
    assert request.path_qs == "/helix/users?login=me"
    assert (request.headers["Authorization"], request.headers["Client-Id"]) == ("Bearer token", "app")


# Colours and users


async def test_a_colour_is_set_for_its_user_and_only_a_204_says_that_it_was(twitch: LocalTwitch, helix: Helix) -> None:
    recorder = Recorder(status=204)
    twitch.faults.add("PUT /helix/chat/color", recorder)
    await helix.put_color("7", Color.parse("#12ab56"))
    (request,) = recorder.asked
    assert dict(request.query) == {"user_id": "7", "color": "#12AB56"}
    twitch.faults.add("PUT /helix/chat/color", Recorder({"data": []}))
    with pytest.raises(TwitchUnavailable, match="other than Twitch"):
        await helix.put_color("7", Color.parse("red"))


@pytest.mark.parametrize(
    ("data", "color"),
    [
        ([{"color": "#FF0000"}], Color(0xFF0000)),
        ([{"color": ""}], None),
        ([{"color": None}], None),
        ([{"color": "no colour"}], None),
        ([{}], None),
        ([], None),
    ],
)
async def test_a_colour_that_is_none_is_none(
    data: list[object], color: Color | None, twitch: LocalTwitch, helix: Helix
) -> None:
    recorder = Recorder({"data": data})
    twitch.faults.add("GET /helix/chat/color", recorder)
    assert await helix.get_color("7") == color
    assert dict(recorder.asked[0].query) == {"user_id": "7"}


async def test_a_user_without_a_display_name_is_called_by_the_login(twitch: LocalTwitch, helix: Helix) -> None:
    rows = [{"id": 7, "login": "Me", "display_name": ""}, {"id": "8", "login": "you", "display_name": "YOU"}]
    twitch.faults.add("GET /helix/users", Recorder({"data": rows}))
    assert await helix.users(["me", "you"]) == [User("7", "me", "Me"), User("8", "you", "YOU")]


@pytest.mark.parametrize("rows", [[{}], [{"id": "1"}], [{"login": "me"}], [7], {"id": "1"}, None])
async def test_users_in_another_format_are_not_twitchs(rows: object, twitch: LocalTwitch, helix: Helix) -> None:
    twitch.faults.add("GET /helix/users", Recorder({"data": rows}))
    with pytest.raises(TwitchUnavailable, match="other than Twitch"):
        await helix.users(["me"])


async def test_a_hundred_users_are_one_request_and_one_more_is_two(twitch: LocalTwitch, helix: Helix) -> None:
    for count, requests in ((0, 0), (100, 1), (101, 2)):
        recorder = Recorder({"data": []})
        fault = twitch.faults.add("GET /helix/users", recorder, times=None)
        await helix.users([f"user{number}" for number in range(count - 1)], ids=["7"][:count])
        twitch.faults.clear()
        assert fault.hits == requests
        assert sum(len(request.query) for request in recorder.asked) == count


@pytest.mark.parametrize("body", [[], "a text", 7, None])
async def test_a_success_that_is_no_object_is_not_twitchs(body: object, twitch: LocalTwitch, helix: Helix) -> None:
    twitch.faults.add("GET /helix/chat/color", Recorder(body))
    with pytest.raises(TwitchUnavailable, match="other than Twitch"):
        await helix.get_color("7")


# Subscriptions


@pytest.mark.parametrize("code", [200, 202])
async def test_a_subscription_is_for_one_reader_in_one_channel_and_session(
    code: int, twitch: LocalTwitch, helix: Helix
) -> None:
    recorder = Recorder({"data": [{"id": "sub"}]}, status=code)
    twitch.faults.add(f"POST {SUBSCRIPTIONS}", recorder)
    assert await helix.subscribe_chat("session", broadcaster_id="7", user_id="1") == "sub"
    assert recorder.json == [
        {
            "type": CHAT_MESSAGE,
            "version": "1",
            "condition": {"broadcaster_user_id": "7", "user_id": "1"},
            "transport": {"method": "websocket", "session_id": "session"},
        }
    ]


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("websocket transport session does not exist", SessionGone),
        ("The SESSION is gone", SessionGone),
        ("invalid Transport", SessionGone),
        ("", SessionGone),
        ("invalid condition", ChannelRefused),
    ],
)
async def test_a_400_is_about_the_session_unless_it_says_otherwise(
    message: str, error: type[Exception], twitch: LocalTwitch, helix: Helix
) -> None:
    twitch.faults.add(f"POST {SUBSCRIPTIONS}", faults.status(400, message=message))
    with pytest.raises(error, match=message or "has ended"):
        await helix.subscribe_chat("session", broadcaster_id="7", user_id="1")


@pytest.mark.parametrize("data", [[], [{}], None, [7]])
async def test_a_subscription_without_an_id_is_not_twitchs(data: object, twitch: LocalTwitch, helix: Helix) -> None:
    twitch.faults.add(f"POST {SUBSCRIPTIONS}", Recorder({"data": data}, status=202))
    with pytest.raises(TwitchUnavailable, match="other than Twitch"):
        await helix.subscribe_chat("session", broadcaster_id="7", user_id="1")


async def test_all_pages_of_a_list_are_read(twitch: LocalTwitch, helix: Helix) -> None:
    recorder = Recorder(
        {"data": [row(1)], "pagination": {"cursor": "two"}},
        {"data": [row(2, CHAT_NOTIFICATION), row(3, "channel.follow"), row(4, status="failed")], "pagination": {}},
    )
    twitch.faults.add(f"GET {SUBSCRIPTIONS}", recorder, times=None)
    assert await helix.subscriptions() == [
        Subscribed("id 1", "s", "1", "1", CHAT_MESSAGE),
        Subscribed("id 2", "s", "2", "1", CHAT_NOTIFICATION),
    ]
    assert [dict(request.query) for request in recorder.asked] == [
        {"status": "enabled"},
        {"status": "enabled", "after": "two"},
    ]


async def test_a_subscription_of_a_conduit_has_no_session(twitch: LocalTwitch, helix: Helix) -> None:
    odd = row(1, condition={}, transport={"method": "conduit"})
    twitch.faults.add(f"GET {SUBSCRIPTIONS}", Recorder({"data": [odd]}))
    assert await helix.subscriptions() == [Subscribed("id 1", "", "", "", CHAT_MESSAGE)]


@pytest.mark.parametrize("pagination", [{}, {"cursor": ""}, {"cursor": 7}, None, []])
async def test_a_list_ends_without_a_cursor(pagination: object, twitch: LocalTwitch, helix: Helix) -> None:
    recorder = Recorder({"data": [], "pagination": pagination})
    twitch.faults.add(f"GET {SUBSCRIPTIONS}", recorder, times=None)
    assert await helix.subscriptions() == []
    assert len(recorder.asked) == 1


async def test_a_list_without_an_end_is_given_up(twitch: LocalTwitch, helix: Helix) -> None:
    recorder = Recorder({"data": [], "pagination": {"cursor": "more"}})
    twitch.faults.add(f"GET {SUBSCRIPTIONS}", recorder, times=None)
    with pytest.raises(TwitchUnavailable, match="has no end"):
        await helix.subscriptions()
    assert len(recorder.asked) == 50


@pytest.mark.parametrize(
    "change",
    [lambda row: row.pop("id"), lambda row: row.pop("status"), lambda row: row.update(transport=None)],
    ids=["id", "status", "transport"],
)
async def test_a_list_that_is_not_in_twitchs_format_is_not_believed(
    change: Callable[[dict[str, object]], object], twitch: LocalTwitch, helix: Helix
) -> None:
    odd = row(1)
    change(odd)
    twitch.faults.add(f"GET {SUBSCRIPTIONS}", Recorder({"data": [row(2), odd]}))
    with pytest.raises(TwitchUnavailable, match="not in its format"):
        await helix.subscriptions()


async def test_live_channels_are_those_that_the_account_follows(twitch: LocalTwitch, helix: Helix) -> None:
    recorder = Recorder({"data": [{"user_login": "Friend", "user_id": 7}, {"user_login": "b", "user_id": "8"}]})
    twitch.faults.add(FOLLOWED, recorder)
    assert await helix.live_followed("1") == {"friend": "7", "b": "8"}
    assert dict(recorder.asked[0].query) == {"user_id": "1"}
    twitch.faults.add(FOLLOWED, Recorder({"data": [{"user_login": "Friend"}]}))
    with pytest.raises(TwitchUnavailable, match="not in its format"):
        await helix.live_followed("1")


async def test_the_end_of_a_subscription_is_asked_for_once_and_may_have_come_before(
    twitch: LocalTwitch, helix: Helix
) -> None:
    recorder = Recorder(status=204)
    twitch.faults.add(f"DELETE {SUBSCRIPTIONS}", recorder)
    await helix.unsubscribe("sub")
    assert dict(recorder.asked[0].query) == {"id": "sub"}
    twitch.faults.add(f"DELETE {SUBSCRIPTIONS}", faults.status(404, message="not found"))
    await helix.unsubscribe("sub")
    twitch.faults.add(f"DELETE {SUBSCRIPTIONS}", faults.status(400, message="odd"))
    with pytest.raises(TwitchUnavailable, match=r"400 \(odd\)"):
        await helix.unsubscribe("sub")


# Chat


async def test_a_reply_names_its_message_and_is_cut_where_twitch_would_refuse_it(
    twitch: LocalTwitch, helix: Helix
) -> None:
    recorder = Recorder({"data": [{"message_id": "new", "is_sent": True}]})
    twitch.faults.add("POST /helix/chat/messages", recorder)
    assert await helix.say("7", "1", "x" * 600, reply_to="old") == "new"
    assert recorder.json == [
        {"broadcaster_id": "7", "sender_id": "1", "message": "x" * 500, "reply_parent_message_id": "old"}
    ]
    for data in ([], [{"message_id": "new"}], [{"is_sent": False}]):
        twitch.faults.add("POST /helix/chat/messages", Recorder({"data": data}))
        assert await helix.say("7", "1", "hello", reply_to="old") is None


# Refusals


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("Missing scope: user:read:chat", MissingScope),
        ("missing SCOPE", MissingScope),
        ("Invalid OAuth token", TokenRefused),
        ("", TokenRefused),
    ],
)
async def test_a_401_about_a_permission_is_told_from_one_about_the_token(
    message: str, error: type[Exception], twitch: LocalTwitch, helix: Helix
) -> None:
    twitch.faults.add("GET /helix/users", faults.status(401, message=message))
    with pytest.raises(error) as caught:
        await helix.users(["me"])
    assert type(caught.value) is error


async def test_each_account_has_its_own_calls(twitch: LocalTwitch, session: aiohttp.ClientSession) -> None:
    colors = HelixColors()
    for user_id in ("1", "2"):
        colors.by_user[user_id] = Helix(session, client_id="app", handle=f"token-{user_id}", api_url=twitch.api_url)
    put, got = Recorder(status=204), Recorder({"data": [{"color": "#0000FF"}]})
    twitch.faults.add("PUT /helix/chat/color", put)
    twitch.faults.add("GET /helix/chat/color", got)
    await colors.put_color("2", Color.parse("blue"))
    assert await colors.get_color("1") == Color(0x0000FF)
    asked = [(each.headers["Authorization"], each.query["user_id"]) for each in (*put.asked, *got.asked)]
    assert asked == [("Bearer token-2", "2"), ("Bearer token-1", "1")]
