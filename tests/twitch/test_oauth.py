"""What is sent to id.twitch.tv, what is taken from its answers, and when a login by code ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from colorchanger_bot.errors import LoginFailed, NeedsLogin, OutcomeUnknown, TokenRefused, TwitchUnavailable
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.store.store import TokenPair
from colorchanger_bot.twitch.http import open_session
from colorchanger_bot.twitch.oauth import DeviceCode, OAuth, Owner, Unknown
from tests.conftest import SCOPES
from tests.fakes import EPOCH, FakeClock
from tests.twitch import foreign

TOKEN, VALIDATE, DEVICE, REVOKE = (
    "POST /oauth2/token",
    "GET /oauth2/validate",
    "POST /oauth2/device",
    "POST /oauth2/revoke",
)
Forms = list[dict[str, str]]


class Hurrying(FakeClock):
    """A clock on which every wait is over at once, and has taken its time."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await self.advance(seconds)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as opened:
        yield opened


@pytest.fixture
def clock() -> Hurrying:
    return Hurrying()


@pytest.fixture
def oauth(twitch: LocalTwitch, session: aiohttp.ClientSession, clock: Hurrying, client_id: str) -> OAuth:
    return OAuth(session, client_id=client_id, client_secret="", id_url=f"{twitch.id_url}/", clock=clock)


def answering(body: object, forms: Forms | None = None, *, status: int = 200) -> faults.Action:
    """Answer with this JSON, and keep the form of the request."""

    async def act(request: web.Request, handler: object) -> web.StreamResponse:
        if forms is not None:
            forms.append({name: str(value) for name, value in (await request.post()).items()})
        return web.json_response(body, status=status)

    return act


# Refreshing


@pytest.mark.parametrize("secret", ["", "s" * 30])
async def test_a_refresh_sends_the_token_and_the_secret_of_an_application_that_has_one(
    secret: str, twitch: LocalTwitch, session: aiohttp.ClientSession, clock: Hurrying
) -> None:
    forms: Forms = []
    body = {"access_token": "a", "refresh_token": "r", "scope": ["b", "a"], "expires_in": 14_400}
    twitch.faults.add(TOKEN, answering(body, forms))
    oauth = OAuth(session, client_id="app", client_secret=secret, id_url=twitch.id_url, clock=clock)
    pair = await oauth.refresh("old")
    assert (pair.access, pair.refresh) == ("a", "r")
    assert (pair.scopes, pair.issued_at, pair.expires_at) == (frozenset({"a", "b"}), EPOCH, EPOCH + 14_400)
    expected = {"grant_type": "refresh_token", "refresh_token": "old", "client_id": "app"}
    assert forms == [expected | ({"client_secret": secret} if secret else {})]


@pytest.mark.parametrize(
    ("more", "pair"),
    [
        ({}, TokenPair("a", "old", None, frozenset(), EPOCH)),
        ({"refresh_token": ""}, TokenPair("a", "old", None, frozenset(), EPOCH)),
        ({"scope": "x y", "expires_in": -1}, TokenPair("a", "old", None, frozenset({"x", "y"}), EPOCH)),
        ({"scope": ["x", 7], "expires_in": 0.5}, TokenPair("a", "old", EPOCH + 0.5, frozenset({"x"}), EPOCH)),
        ({"scope": 7, "expires_in": "soon"}, TokenPair("a", "old", None, frozenset(), EPOCH)),
    ],
)
async def test_what_an_answer_to_a_refresh_lacks_costs_no_pair(
    more: dict[str, Any], pair: TokenPair, twitch: LocalTwitch, oauth: OAuth
) -> None:
    twitch.faults.add(TOKEN, answering({"access_token": "a"} | more))
    assert await oauth.refresh("old") == pair


@pytest.mark.parametrize(
    "body", [{}, {"access_token": ""}, {"access_token": 7}, {"access_token": "a", "refresh_token": 7}]
)
async def test_a_refresh_without_a_token_in_its_answer_may_have_been_made(
    body: dict[str, Any], twitch: LocalTwitch, oauth: OAuth
) -> None:
    twitch.faults.add(TOKEN, answering(body))
    with pytest.raises(OutcomeUnknown):
        await oauth.refresh("old")


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [
        (400, "Invalid refresh token", NeedsLogin),
        (401, "Invalid refresh token", NeedsLogin),
        (403, "no", NeedsLogin),
        (400, "invalid client", TokenRefused),
        (403, "invalid client secret", TokenRefused),
        (400, "missing client secret", TokenRefused),
        (404, "nothing here", TwitchUnavailable),
        (429, "too many", TwitchUnavailable),
        (500, "busy", TwitchUnavailable),
    ],
)
async def test_what_twitch_says_to_a_refresh_decides_who_can_help(
    status: int, message: str, error: type[Exception], twitch: LocalTwitch, oauth: OAuth
) -> None:
    twitch.faults.add(TOKEN, faults.status(status, message=message))
    with pytest.raises(error) as caught:
        await oauth.refresh("old")
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("secret", "message", "words"),
    [
        ("", "invalid client secret", "is Confidential and its secret is not set"),
        ("s" * 30, "missing client secret", "is Confidential and its secret is not set"),
        ("s" * 30, "invalid client secret", r"does not accept the application \(invalid client secret\): check"),
    ],
)
async def test_a_missing_secret_is_told_from_a_wrong_one(
    secret: str, message: str, words: str, twitch: LocalTwitch, session: aiohttp.ClientSession, clock: Hurrying
) -> None:
    oauth = OAuth(session, client_id="app", client_secret=secret, id_url=twitch.id_url, clock=clock)
    twitch.faults.add(TOKEN, faults.status(403, message=message))
    with pytest.raises(TokenRefused, match=words):
        await oauth.refresh("old")


# Validating and revoking


async def test_a_validation_tells_the_owner_the_application_and_the_end(twitch: LocalTwitch, oauth: OAuth) -> None:
    user = twitch.add_user("me")
    pair = twitch.issue_tokens("me", oauth.client_id, SCOPES, expires_in=1000)
    found = await oauth.validate(pair.access)
    assert isinstance(found, Owner)
    assert (found.user_id, found.login, found.client_id) == (user.id, "me", oauth.client_id)
    assert found.scopes == frozenset(SCOPES)
    assert found.expires_at == pytest.approx(EPOCH + 1000, abs=2)
    twitch.expire("me")
    assert await oauth.validate(pair.access) == "invalid"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"client_id": "", "login": "me", "user_id": "1"},
        {"client_id": 7, "login": "me", "user_id": "1"},
        {"client_id": "app", "login": "me"},
        {"client_id": "app", "user_id": "1"},
        {"client_id": "app", "login": 7, "user_id": "1"},
        {"client_id": "app", "login": "me", "user_id": ["1"]},
    ],
)
async def test_a_validation_that_names_nobody_says_nothing(
    body: dict[str, Any], twitch: LocalTwitch, oauth: OAuth
) -> None:
    twitch.faults.add(VALIDATE, answering(body))
    found = await oauth.validate("token")
    assert isinstance(found, Unknown)
    assert "a login page is in between" in found.reason


async def test_a_number_may_stand_for_the_owner(twitch: LocalTwitch, oauth: OAuth) -> None:
    twitch.faults.add(VALIDATE, answering({"client_id": "app", "login": "Me", "user_id": 7, "scopes": "a b"}))
    assert await oauth.validate("token") == Owner("7", "me", "app", frozenset({"a", "b"}), None)


@pytest.mark.parametrize(("status", "message"), [(403, "not now"), (429, "too many"), (503, "busy")])
async def test_a_validation_that_twitch_refuses_otherwise_says_nothing(
    status: int, message: str, twitch: LocalTwitch, oauth: OAuth
) -> None:
    twitch.faults.add(VALIDATE, faults.status(status, message=message))
    found = await oauth.validate("token")
    assert isinstance(found, Unknown)
    assert str(status) in found.reason


@pytest.mark.parametrize(
    ("fault", "confirmed"),
    [
        (faults.empty(200), True),
        (faults.status(400, message="Invalid token"), True),
        (faults.status(404, message="client does not exist"), False),
        (faults.status(503), False),
        (foreign.answer(200), False),
        (faults.drop(), False),
    ],
    ids=["200", "invalid already", "404", "503", "page", "dropped"],
)
async def test_a_revocation_is_confirmed_by_twitch_or_not_at_all(
    fault: faults.Action, confirmed: bool, twitch: LocalTwitch, oauth: OAuth
) -> None:
    twitch.faults.add(REVOKE, fault)
    assert await oauth.revoke("token") is confirmed


async def test_a_revoked_token_works_no_longer(twitch: LocalTwitch, oauth: OAuth) -> None:
    twitch.add_user("me")
    pair = twitch.issue_tokens("me", oauth.client_id, SCOPES)
    assert await oauth.revoke(pair.access)
    assert await oauth.validate(pair.access) == "invalid"


# A login by code


CODE = {"device_code": "d", "user_code": "ABCD", "verification_uri": "https://twitch", "interval": 5, "expires_in": 60}


async def test_a_login_by_code_asks_in_the_interval_until_the_person_is_done(
    twitch: LocalTwitch, oauth: OAuth, clock: Hurrying
) -> None:
    started: Forms = []
    asked: Forms = []
    await clock.advance(1000)
    twitch.faults.add(DEVICE, answering(CODE, started))
    code = await oauth.start_device_login(frozenset({"b", "a"}))
    assert code == DeviceCode("d", "ABCD", "https://twitch", 5.0, 1060.0)
    assert started == [{"client_id": oauth.client_id, "scopes": "a b"}]
    for message in ("authorization_pending", "slow_down", "Authorization_Pending"):
        twitch.faults.add(TOKEN, answering({"status": 400, "message": message}, asked, status=400))
    twitch.faults.add(TOKEN, answering({"status": 429, "message": "too many"}, asked, status=429))
    twitch.faults.add(TOKEN, answering({"access_token": "a", "refresh_token": "r"}, asked))
    pair = await oauth.finish_device_login(code, frozenset({"b", "a"}))
    assert (pair.access, pair.refresh, clock.waits) == ("a", "r", [5.0] * 5)
    assert (
        asked
        == [
            {
                "client_id": oauth.client_id,
                "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
                "device_code": "d",
                "scopes": "a b",
            }
        ]
        * 5
    )


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (
            faults.status(400, message="invalid device code"),
            "the code was declined on Twitch's page, or used elsewhere",
        ),
        (faults.status(400, message="Access_Denied"), "the login was refused on Twitch's page"),
        (faults.status(403, message="something new"), r"Twitch ended the login \(something new\)"),
    ],
)
async def test_a_login_by_code_ends_with_twitchs_word(
    fault: faults.Action, words: str, twitch: LocalTwitch, oauth: OAuth, clock: Hurrying
) -> None:
    twitch.faults.add(DEVICE, answering(CODE))
    code = await oauth.start_device_login(frozenset(SCOPES))
    twitch.faults.add(TOKEN, fault)
    with pytest.raises(LoginFailed, match=words):
        await oauth.finish_device_login(code, frozenset(SCOPES))
    assert len(clock.waits) == 1


async def test_a_login_by_code_ends_with_its_code(twitch: LocalTwitch, oauth: OAuth, clock: Hurrying) -> None:
    twitch.faults.add(DEVICE, answering(CODE))
    code = await oauth.start_device_login(frozenset(SCOPES))
    twitch.faults.add(TOKEN, faults.status(400, message="authorization_pending"), times=None)
    with pytest.raises(LoginFailed, match="expired"):
        await oauth.finish_device_login(code, frozenset(SCOPES))
    assert sum(clock.waits) == 60


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.pop("device_code"),
        lambda body: body.pop("user_code"),
        lambda body: body.pop("verification_uri"),
        lambda body: body.update(interval="often"),
        lambda body: body.update(expires_in=None),
    ],
    ids=["device_code", "user_code", "verification_uri", "interval", "expires_in"],
)
async def test_a_code_that_is_not_whole_is_not_twitchs(
    change: Callable[[dict[str, Any]], object], twitch: LocalTwitch, oauth: OAuth
) -> None:
    body: dict[str, Any] = dict(CODE)
    change(body)
    twitch.faults.add(DEVICE, answering(body))
    with pytest.raises(TwitchUnavailable, match="other than Twitch"):
        await oauth.start_device_login(frozenset(SCOPES))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, LoginFailed),
        (401, LoginFailed),
        (403, LoginFailed),
        (404, LoginFailed),
        (429, TwitchUnavailable),
        (503, TwitchUnavailable),
    ],
)
async def test_an_application_that_twitch_does_not_know_is_told_from_trouble(
    status: int, error: type[Exception], twitch: LocalTwitch, oauth: OAuth
) -> None:
    twitch.faults.add(DEVICE, faults.status(status, message="not so"))
    with pytest.raises(error, match=r"app\.client_id" if error is LoginFailed else str(status)):
        await oauth.start_device_login(frozenset(SCOPES))
