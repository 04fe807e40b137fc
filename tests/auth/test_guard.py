"""The guard puts tokens on requests, renews once after a refusal of the token itself, and touches no other request."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest

from colorchanger_bot.auth.applications import Applications
from colorchanger_bot.auth.guard import Budget, Budgets, TokenGuard, handle, is_token_refused, login_id_of
from colorchanger_bot.auth.keeper import TokenKeeper
from colorchanger_bot.color import Color
from colorchanger_bot.errors import MissingScope, TokenRefused
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.store.store import Login, Store, TokenPair
from colorchanger_bot.twitch.helix import Helix
from colorchanger_bot.twitch.http import open_session
from tests.auth.clocks import JumpyClock

LogIn = Callable[..., Awaitable[None]]
USERS = "GET /helix/users"


@pytest.fixture
async def keeper(twitch: LocalTwitch, store: Store) -> AsyncIterator[TokenKeeper]:
    async with open_session() as plain:
        applications = Applications({}, session=plain, id_url=twitch.id_url, clock=JumpyClock())
        kept = TokenKeeper(store, applications, clock=JumpyClock(), rng=random.Random(1))
        yield kept
        await kept.close()


@pytest.fixture
def budgets() -> Budgets:
    return Budgets()


@pytest.fixture
async def guarded(keeper: TokenKeeper, budgets: Budgets) -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session([TokenGuard(keeper, JumpyClock(), budgets)]) as session:
        yield session


@pytest.fixture
async def me(store: Store, keeper: TokenKeeper, log_in: LogIn) -> Login:
    await log_in("me")
    await keeper.load()
    (login,) = await store.logins()
    return login


@pytest.fixture
def calls(twitch: LocalTwitch, guarded: aiohttp.ClientSession, me: Login) -> Helix:
    return Helix(guarded, client_id=me.client_id, handle=handle(me.id), api_url=twitch.api_url)


def test_a_handle_stands_for_one_login_and_nothing_else_does() -> None:
    assert login_id_of(f"Bearer {handle(12)}") == 12
    for text in ("", "Bearer abc", "colorchanger-account-", "colorchanger-account-x", "12"):
        assert login_id_of(text) is None


async def test_a_request_without_a_handle_is_passed_on_as_it_is(
    twitch: LocalTwitch, guarded: aiohttp.ClientSession, me: Login
) -> None:
    headers = {"Authorization": f"Bearer {me.pair.access}", "Client-Id": me.client_id}
    async with guarded.get(f"{twitch.api_url}/users", params={"login": "me"}, headers=headers) as answer:
        assert [user["login"] for user in (await answer.json())["data"]] == ["me"]


async def test_the_rate_limit_of_an_account_is_that_of_its_last_answer(
    twitch: LocalTwitch, calls: Helix, budgets: Budgets, me: Login
) -> None:
    await calls.users(["me"])
    first = budgets.by_login[me.id]
    await calls.users(["me"])
    second = budgets.by_login[me.id]
    assert second.remaining == first.remaining - 1
    assert second.limit == first.limit > 0
    assert second.reset_at > 1_600_000_000


def test_an_answer_without_a_rate_limit_leaves_the_last_one() -> None:
    budgets = Budgets()
    whole = {"Ratelimit-Remaining": "3", "Ratelimit-Limit": "800", "Ratelimit-Reset": "1760000000"}
    budgets.note(1, whole)
    for name in whole:
        budgets.note(1, {key: value for key, value in whole.items() if key != name})
        budgets.note(1, whole | {name: "soon"})
    assert budgets.by_login == {1: Budget(3, 800, 1_760_000_000.0)}


async def test_a_colour_is_read_without_the_permission_to_change_it(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, guarded: aiohttp.ClientSession, client_id: str
) -> None:
    user = twitch.add_user("me", "#FF0000")
    pair = twitch.issue_tokens("me", client_id, ("user:read:chat",))
    made = await store.put_login(
        "me", client_id, TokenPair(pair.access, pair.refresh, scopes=frozenset({"user:read:chat"})), user.id
    )
    await keeper.load()
    calls = Helix(guarded, client_id=client_id, handle=handle(made.id), api_url=twitch.api_url)
    assert await calls.get_color(user.id) == Color(0xFF0000)
    with pytest.raises(MissingScope):
        await calls.put_color(user.id, Color(0x00FF00))


@pytest.mark.parametrize(
    "message",
    [
        "Missing scope: user:read:chat",
        "The ID in user_id does not match the user ID found in the request's OAuth token",
        "The broadcaster_id must match the user ID in the token",
        "Incorrect user authorization",
    ],
)
async def test_a_401_about_something_else_than_the_token_renews_nothing(
    message: str, twitch: LocalTwitch, calls: Helix
) -> None:
    twitch.faults.add(USERS, faults.status(401, message=message))
    with pytest.raises((MissingScope, TokenRefused)):
        await calls.users(["me"])
    assert twitch.refreshes.get("me", 0) == 0
    assert [seen.line for seen in twitch.requests].count(USERS) == 1


def test_only_twitchs_own_words_about_the_token_count() -> None:
    assert is_token_refused(b'{"error":"Unauthorized","status":401,"message":"Invalid OAuth token"}')
    for body in (b"", b"<html>", b'{"status":403,"message":"Invalid OAuth token"}', b'{"status":401}'):
        assert not is_token_refused(body)


async def test_twitchios_own_questions_get_whole_answers_and_spend_nothing(
    twitch: LocalTwitch, guarded: aiohttp.ClientSession, keeper: TokenKeeper, me: Login
) -> None:
    await keeper.validate(me.id)
    asked = len(twitch.requests)
    name = handle(me.id)
    async with guarded.get(f"{twitch.id_url}/oauth2/validate", headers={"Authorization": f"OAuth {name}"}) as answer:
        owner = await answer.json()
    form = {"grant_type": "refresh_token", "refresh_token": name}
    async with guarded.post(f"{twitch.id_url}/oauth2/token", params=form) as answer:
        pair = await answer.json()
    scopes = sorted(keeper[me.id].pair.scopes)
    assert owner.keys() == {"client_id", "login", "user_id", "scopes", "expires_in"}
    assert (owner["client_id"], owner["scopes"]) == (me.client_id, scopes)
    assert pair == {
        "access_token": name,
        "refresh_token": name,
        "expires_in": pair["expires_in"],
        "scope": scopes,
        "token_type": "bearer",
    }
    assert 3 * 3600 < owner["expires_in"] <= 4 * 3600
    assert 3 * 3600 < pair["expires_in"] <= 4 * 3600
    assert len(twitch.requests) == asked
