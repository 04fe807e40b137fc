"""Only Twitch's own word decides: every other answer is trouble, and nothing is concluded from it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import orjson
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.auth.guard import is_token_refused
from colorchanger_bot.clock import SystemClock
from colorchanger_bot.color import Color
from colorchanger_bot.errors import LoginFailed, OutcomeUnknown, TwitchUnavailable
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.twitch import answers
from colorchanger_bot.twitch.answers import Answer, by_twitch
from colorchanger_bot.twitch.helix import CHAT_NOTIFICATION, Helix
from colorchanger_bot.twitch.http import MOST_BYTES, open_session, send
from colorchanger_bot.twitch.oauth import OAuth, Owner, Unknown
from tests.auth.clocks import JumpyClock
from tests.conftest import SCOPES
from tests.twitch import foreign

REFUSALS = [400, 401, 403, 404, 409, 422, 429]


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as opened:
        yield opened


@pytest.fixture
def helix(twitch: LocalTwitch, session: aiohttp.ClientSession, client_id: str) -> Helix:
    twitch.add_user("me")
    pair = twitch.issue_tokens("me", client_id, SCOPES)
    return Helix(session, client_id=client_id, handle=pair.access, api_url=twitch.api_url)


@pytest.fixture
def oauth(twitch: LocalTwitch, session: aiohttp.ClientSession, client_id: str) -> OAuth:
    return OAuth(session, client_id=client_id, client_secret="", id_url=twitch.id_url, clock=SystemClock())


@pytest.mark.parametrize("name", foreign.BODIES)
@pytest.mark.parametrize("status", [*REFUSALS, 302, 500, 502])
def test_an_answer_without_twitchs_shape_is_trouble(name: str, status: int) -> None:
    answer = Answer(status, {}, foreign.body(name, status))
    assert answer.refusal is None
    with pytest.raises(TwitchUnavailable):
        by_twitch(answer)


@given(st.sampled_from(REFUSALS), st.text(max_size=300), st.booleans())
def test_an_answer_in_twitchs_shape_is_its_word(status: int, message: str, named: bool) -> None:
    body = {"status": status, "message": message} | ({"error": "Some Phrase"} if named else {})
    answer = Answer(status, {}, orjson.dumps(body))
    assert answer.refusal == message[:200]
    assert by_twitch(answer) is answer


@pytest.mark.parametrize(
    ("status", "words"), [(500, "Twitch is in trouble (500)"), (502, "Twitch is in trouble (502)")]
)
def test_a_page_of_a_server_error_is_trouble_at_twitch(status: int, words: str) -> None:
    assert str(answers.foreign(status)) == words
    assert "a login page is in between" in str(answers.foreign(499))


def test_a_page_behind_a_401_is_no_refused_token() -> None:
    assert is_token_refused(b'{"status":401,"message":"Invalid OAuth token"}')
    assert not is_token_refused(b'{"status":401,"message":"Missing scope: user:read:chat"}')
    assert not any(is_token_refused(foreign.body(name, 401)) for name in foreign.BODIES)


CALLS: dict[str, tuple[str, Callable[[Helix], Awaitable[object]]]] = {
    "PUT /helix/chat/color": ("colour", lambda helix: helix.put_color("1", Color.parse("#123456"))),
    "GET /helix/chat/color": ("look", lambda helix: helix.get_color("1")),
    "GET /helix/users": ("users", lambda helix: helix.users(["me"])),
    "POST /helix/eventsub/subscriptions": (
        "join",
        lambda helix: helix.subscribe_chat("session", broadcaster_id="1", user_id="1"),
    ),
    "GET /helix/eventsub/subscriptions": ("compare", lambda helix: helix.subscriptions()),
    "DELETE /helix/eventsub/subscriptions": ("leave", lambda helix: helix.unsubscribe("1")),
    "POST /helix/chat/messages": ("reply", lambda helix: helix.say("1", "1", "text", reply_to="1")),
}


@pytest.mark.parametrize("line", CALLS)
async def test_no_call_of_helix_concludes_anything_from_a_foreign_answer(
    line: str, twitch: LocalTwitch, helix: Helix
) -> None:
    for status in (200, 302, *REFUSALS, 503):
        for name in ("a page", "an empty object", "no message", "another status"):
            if (status, line) == (200, "DELETE /helix/eventsub/subscriptions"):
                continue
            twitch.faults.clear()
            twitch.faults.add(line, foreign.answer(status, name), times=None)
            with pytest.raises(TwitchUnavailable) as caught:
                await CALLS[line][1](helix)
            assert not any(word in str(caught.value) for word in ("ban", "Turbo", "client_id", "login lacks"))


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 500])
@pytest.mark.parametrize("name", foreign.BODIES)
async def test_a_foreign_answer_says_nothing_about_a_token_or_an_application(
    status: int, name: str, twitch: LocalTwitch, oauth: OAuth
) -> None:
    twitch.faults.add("* /oauth2/*", foreign.answer(status, name), times=None)
    assert isinstance(await oauth.validate("token"), Unknown)
    with pytest.raises(OutcomeUnknown):
        await oauth.refresh("token")
    with pytest.raises(TwitchUnavailable):
        await oauth.start_device_login(frozenset(SCOPES))
    assert await oauth.revoke("token") is False


async def test_a_login_page_behind_200_is_no_answer_of_twitch(twitch: LocalTwitch, oauth: OAuth) -> None:
    twitch.faults.add("* /oauth2/*", foreign.answer(200), times=None)
    found = await oauth.validate("token")
    assert isinstance(found, Unknown)
    assert "login page" in found.reason
    with pytest.raises(OutcomeUnknown):
        await oauth.refresh("token")
    with pytest.raises(TwitchUnavailable, match="login page"):
        await oauth.start_device_login(frozenset(SCOPES))
    assert await oauth.revoke("token") is False


async def test_twitchs_own_no_to_an_application_ends_a_device_login(twitch: LocalTwitch, oauth: OAuth) -> None:
    twitch.faults.add("POST /oauth2/device", faults.status(400, message="invalid client"))
    with pytest.raises(LoginFailed, match=r"app\.client_id"):
        await oauth.start_device_login(frozenset(SCOPES))


async def test_a_token_of_an_application_is_told_from_one_of_a_person(
    twitch: LocalTwitch, session: aiohttp.ClientSession
) -> None:
    app = twitch.add_app(client_secret="s" * 30)
    oauth = OAuth(session, client_id=app.client_id, client_secret="", id_url=twitch.id_url, clock=SystemClock())
    form = {"client_id": app.client_id, "client_secret": "s" * 30, "grant_type": "client_credentials"}
    made = await send(session, "POST", f"{twitch.id_url}/oauth2/token", data=form)
    assert await oauth.validate(made.json()["access_token"]) == "application"


async def test_a_token_without_an_end_has_none(twitch: LocalTwitch, oauth: OAuth) -> None:
    body = {"client_id": "app", "login": "Me", "user_id": "1", "scopes": None, "expires_in": 0}

    async def endless(request: web.Request, handler: object) -> web.StreamResponse:
        return web.json_response(body)

    twitch.faults.add("GET /oauth2/validate", endless)
    assert await oauth.validate("token") == Owner("1", "me", "app", frozenset(), None)


async def test_a_device_login_outlasts_trouble_and_ends_with_a_definite_answer(
    twitch: LocalTwitch, session: aiohttp.ClientSession, client_id: str
) -> None:
    oauth = OAuth(session, client_id=client_id, client_secret="", id_url=twitch.id_url, clock=JumpyClock())
    twitch.add_user("me")
    for fault in (faults.status(503), foreign.answer(403), foreign.answer(200), faults.drop_after()):
        twitch.faults.add("POST /oauth2/token", fault)
    code = await oauth.start_device_login(frozenset(SCOPES))
    twitch.approve_device(code.user_code, "me")
    with pytest.raises(LoginFailed):  # the lost answer held the tokens, and the code works once
        await oauth.finish_device_login(code, frozenset(SCOPES))
    assert [seen.line for seen in twitch.requests].count("POST /oauth2/token") == 5
    code = await oauth.start_device_login(frozenset(SCOPES))
    twitch.faults.add("POST /oauth2/token", faults.status(400, message="access_denied"))
    with pytest.raises(LoginFailed, match="refused on Twitch's page"):
        await oauth.finish_device_login(code, frozenset(SCOPES))


async def test_redirects_are_not_followed(twitch: LocalTwitch, helix: Helix) -> None:
    twitch.faults.add("GET /helix/users", foreign.answer(302, Location=f"{twitch.id_url}/elsewhere"))
    with pytest.raises(TwitchUnavailable):
        await helix.users(["me"])
    assert [seen.line for seen in twitch.requests] == ["GET /helix/users"]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("status", [200, 403])
async def test_a_body_above_the_limit_is_not_read(
    packed: bool, status: int, twitch: LocalTwitch, session: aiohttp.ClientSession
) -> None:
    async def flood(request: web.Request, handler: object) -> web.StreamResponse:
        response = web.StreamResponse(status=status)
        if packed:
            response.enable_compression(web.ContentCoding.gzip)
        await response.prepare(request)
        try:
            for _ in range(60):
                await response.write(bytes(MOST_BYTES))
                sent.append(MOST_BYTES)
        except OSError:
            pass
        return response

    sent: list[int] = []
    twitch.faults.add("GET /helix/users", flood)
    answer = await send(session, "GET", f"{twitch.api_url}/users")
    assert (answer.status, answer.body) == (status, b"")
    assert packed or len(sent) < 30


async def test_users_are_found_by_login_and_by_id_at_once(twitch: LocalTwitch, helix: Helix) -> None:
    known, renamed = twitch.add_user("known"), twitch.add_user("renamed")
    found = await helix.users(["known", "nobody"], ids=[renamed.id, "999999999"])
    assert sorted(found) == sorted([(user.id, user.login, user.display_name) for user in (known, renamed)])


async def test_the_type_of_a_subscription_is_sent_and_told(twitch: LocalTwitch, helix: Helix) -> None:
    twitch.faults.add(
        "POST /helix/eventsub/subscriptions", faults.status(403, message="subscription missing proper authorization")
    )
    with pytest.raises(Exception, match="authorization"):
        await helix.subscribe_chat("session", broadcaster_id="1", user_id="1", type_=CHAT_NOTIFICATION)
    assert twitch.requests[-1].body["type"] == CHAT_NOTIFICATION
