"""A login with a code is renewed once before it is kept, and kept under whatever name Twitch tells, now or later."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from colorchanger_bot.auth.applications import Applications
from colorchanger_bot.auth.device import log_in
from colorchanger_bot.redaction import redact
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.store.store import Login, Store
from colorchanger_bot.twitch.http import open_session
from colorchanger_bot.twitch.oauth import OAuth
from tests.auth.clocks import JumpyClock
from tests.conftest import SCOPES
from tests.twitch import foreign

REFRESH, VALIDATE = "POST /oauth2/token", "GET /oauth2/validate"


@pytest.fixture
async def plain() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as session:
        yield session


@pytest.fixture
def oauth(twitch: LocalTwitch, plain: aiohttp.ClientSession, client_id: str) -> OAuth:
    return Applications({}, session=plain, id_url=twitch.id_url, clock=JumpyClock())(client_id)


async def log_me_in(twitch: LocalTwitch, oauth: OAuth, store: Store) -> Login:
    twitch.add_user("me")
    return await log_in(
        oauth,
        store,
        frozenset(SCOPES),
        clock=JumpyClock(),
        show=lambda code: twitch.approve_device(code.user_code, "me"),
    )


async def test_a_new_login_is_proven_and_has_all_that_twitch_says_of_it(
    twitch: LocalTwitch, oauth: OAuth, store: Store
) -> None:
    made = await log_me_in(twitch, oauth, store)
    assert twitch.refreshes == {"me": 1}
    assert (made.login, made.user_id, made.client_id) == ("me", twitch.user("me").id, oauth.client_id)
    assert made.pair.scopes == frozenset(SCOPES)
    assert made.pair.expires_at is not None
    assert not made.doubt
    assert await oauth.validate(made.pair.access) != "invalid"
    assert redact(f"{made.pair.access} {made.pair.refresh}") == "*** ***"
    assert await store.logins() == [made]


async def test_a_renewal_that_names_no_permissions_loses_none(twitch: LocalTwitch, oauth: OAuth, store: Store) -> None:
    twitch.add_user("me")
    pair = twitch.issue_tokens("me", oauth.client_id, SCOPES)

    async def without_scopes(request: web.Request, handler: object) -> web.StreamResponse:
        return web.json_response({"access_token": pair.access, "refresh_token": pair.refresh, "expires_in": 14_400})

    renewals = twitch.faults.add(
        REFRESH, without_scopes, where=lambda seen: [each.line for each in twitch.requests].count(REFRESH) > 1
    )
    twitch.faults.add(VALIDATE, faults.status(503), times=None)  # so nobody else tells them either
    made = await log_in(
        oauth,
        store,
        frozenset(SCOPES),
        clock=JumpyClock(),
        show=lambda code: twitch.approve_device(code.user_code, "me"),
    )
    assert renewals.hits == 1
    assert made.pair.scopes == frozenset(SCOPES)


async def test_the_permissions_are_those_that_twitch_names_for_the_token(
    twitch: LocalTwitch, oauth: OAuth, store: Store
) -> None:
    async def fewer(request: web.Request, handler: object) -> web.StreamResponse:
        body = {"client_id": oauth.client_id, "login": "me", "user_id": "7", "scopes": ["user:read:chat"]}
        return web.json_response(body | {"expires_in": 14_400})

    twitch.faults.add(VALIDATE, fewer)
    made = await log_me_in(twitch, oauth, store)
    assert (made.pair.scopes, made.user_id) == (frozenset({"user:read:chat"}), "7")


async def test_a_login_whose_owner_twitch_does_not_tell_is_kept_under_a_name_made_up_for_it(
    twitch: LocalTwitch, oauth: OAuth, store: Store
) -> None:
    twitch.faults.add(VALIDATE, foreign.answer(200), times=3)
    made = await log_me_in(twitch, oauth, store)
    assert made.login.startswith("login_")
    assert (made.user_id, made.client_id) == (None, oauth.client_id)
    assert [login.pair for login in await store.logins()] == [made.pair]
    assert await oauth.validate(made.pair.access) != "invalid"


async def test_a_login_that_could_not_be_renewed_is_returned_as_it_is_stored(
    twitch: LocalTwitch, oauth: OAuth, store: Store
) -> None:
    twitch.faults.add(
        REFRESH,
        faults.status(400, message="Invalid refresh token"),
        where=lambda seen: [each.line for each in twitch.requests].count(REFRESH) > 1,
    )
    made = await log_me_in(twitch, oauth, store)
    assert made.doubt
    assert await store.logins() == [made]
