"""No login is lost, whatever Twitch, the disk, the clock and impatient callers do."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web

from colorchanger_bot.auth.applications import Applications
from colorchanger_bot.auth.guard import TokenGuard, handle
from colorchanger_bot.auth.keeper import LoginEvent, TokenKeeper
from colorchanger_bot.auth.tracked_login import FIRST_PAUSE_SECONDS
from colorchanger_bot.auth.watch import Watch
from colorchanger_bot.clock import SystemClock
from colorchanger_bot.color import Color
from colorchanger_bot.errors import (
    ColorChangerError,
    MissingScope,
    NeedsLogin,
    OutcomeUnknown,
    StoreError,
    TokenRefused,
    TwitchUnavailable,
)
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.store.logins import Changes, Revision
from colorchanger_bot.store.store import Login, Store, TokenPair
from colorchanger_bot.twitch.helix import Helix
from colorchanger_bot.twitch.http import open_session
from tests.auth.clocks import JumpyClock
from tests.conftest import SCOPES
from tests.fakes import until

LogIn = Callable[..., Awaitable[None]]
REFRESH = "POST /oauth2/token"
VALIDATE = "GET /oauth2/validate"
EXPIRIES = 60


class FullDisk(Store):
    """A store whose disk is full as often as a test says."""

    full = 0

    async def replace_pair(self, login: Login, pair: TokenPair) -> Login | None:
        if self.full > 0:
            self.full -= 1
            raise StoreError("the disk is full")
        return await super().replace_pair(login, pair)


@pytest.fixture
def clock() -> JumpyClock:
    return JumpyClock()


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[FullDisk]:
    async with FullDisk.open(store_url) as opened:
        yield opened


@pytest.fixture
async def applications(twitch: LocalTwitch, clock: JumpyClock) -> AsyncIterator[Applications]:
    async with open_session() as plain:
        yield Applications({}, session=plain, id_url=twitch.id_url, clock=clock)


@pytest.fixture
async def keeper(store: FullDisk, applications: Applications, clock: JumpyClock) -> AsyncIterator[TokenKeeper]:
    kept = TokenKeeper(store, applications, clock=clock, rng=random.Random(1))
    yield kept
    await kept.close()


@pytest.fixture
async def guarded(keeper: TokenKeeper, clock: JumpyClock) -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session([TokenGuard(keeper, clock)]) as session:
        yield session


@pytest.fixture
async def me(twitch: LocalTwitch, store: FullDisk, keeper: TokenKeeper, log_in: LogIn) -> Login:
    await log_in("me")
    await keeper.load()
    (login,) = await store.logins()
    return login


@pytest.fixture
def calls(twitch: LocalTwitch, guarded: aiohttp.ClientSession, me: Login) -> Helix:
    return Helix(guarded, client_id=me.client_id, handle=handle(me.id), api_url=twitch.api_url)


async def stored(store: Store) -> Login:
    (login,) = await store.logins()
    return login


async def test_each_of_many_expiries_under_two_requests_is_one_refresh(
    twitch: LocalTwitch, store: FullDisk, calls: Helix, me: Login
) -> None:
    for number in range(EXPIRIES):
        twitch.expire("me")
        await asyncio.gather(calls.users(["me"]), calls.put_color(str(me.user_id), Color(number)))
    assert twitch.refreshes == {"me": EXPIRIES}
    assert twitch.spent_twice == []
    assert (await stored(store)).lost == ""


async def test_a_new_token_that_dies_unused_is_replaced_at_the_next_request(
    twitch: LocalTwitch, keeper: TokenKeeper, calls: Helix, me: Login
) -> None:
    twitch.expire("me")
    await keeper.renew(me.id, refused=me.pair.access)
    twitch.expire("me")
    await calls.users(["me"])
    assert twitch.refreshes == {"me": 2}


async def test_an_expiry_in_the_middle_of_a_request_fails_only_that_request(
    twitch: LocalTwitch, calls: Helix, keeper: TokenKeeper
) -> None:
    def expire_again(event: LoginEvent) -> None:
        if event.state == "refreshed" and len(expiries) < 1:
            expiries.append(event)
            twitch.expire("me")

    expiries: list[LoginEvent] = []
    keeper.on_event(expire_again)
    twitch.expire("me")
    with pytest.raises(TokenRefused):
        await calls.users(["me"])
    await calls.users(["me"])
    assert twitch.refreshes == {"me": 2}


async def test_tokens_that_all_die_unused_are_replaced_less_and_less_often(
    twitch: LocalTwitch, keeper: TokenKeeper, calls: Helix, clock: JumpyClock
) -> None:
    dying = True

    def kill(event: LoginEvent) -> None:
        if event.state == "refreshed" and dying:
            twitch.expire("me")

    keeper.on_event(kill)
    for time_ in (1, 2, 3):  # each time from the first pause: what was accepted in between counts
        dying = True
        twitch.expire("me")
        for _ in range(20):
            with pytest.raises(TokenRefused):
                await calls.users(["me"])
        assert twitch.refreshes == {"me": 3 * time_ - 1}
        dying = False
        clock.ahead += FIRST_PAUSE_SECONDS
        await calls.users(["me"])
        assert twitch.refreshes == {"me": 3 * time_}
    assert twitch.spent_twice == []


FAULTS = {
    "500": faults.status(500),
    "503": faults.status(503),
    "429": faults.status(429),
    "drop": faults.drop(),
    "drop_after": faults.drop_after(),
    "garbage": faults.garbage(),
    "hang": faults.hang(0.2),
    "delay": faults.delay(0.1),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_no_answer_to_a_validation_ends_a_login_or_spends_anything(
    name: str, twitch: LocalTwitch, store: FullDisk, keeper: TokenKeeper, me: Login
) -> None:
    fault = twitch.faults.add(VALIDATE, FAULTS[name], times=4)
    outcome = await asyncio.gather(keeper.validate(me.id), return_exceptions=True)
    assert isinstance(outcome[0], TwitchUnavailable) is (name != "delay")
    assert fault.hits
    assert (await stored(store)).lost == ""
    assert twitch.refreshes.get("me", 0) == 0


@pytest.mark.parametrize("name", FAULTS)
async def test_no_answer_to_a_refresh_ends_a_login_while_the_old_token_works(
    name: str, twitch: LocalTwitch, store: FullDisk, keeper: TokenKeeper, me: Login
) -> None:
    twitch.faults.add(REFRESH, FAULTS[name])
    outcome = await asyncio.gather(keeper.renew(me.id, refused=me.pair.access), return_exceptions=True)
    assert isinstance(outcome[0], str if name == "delay" else TwitchUnavailable)
    login = await stored(store)
    assert (login.lost, login.doubt) == ("", name != "delay")
    assert await keeper.renew(me.id, refused=me.pair.access) in (me.pair.access, login.pair.access)
    assert twitch.spent_twice == []


@pytest.mark.parametrize("name", [each for each in FAULTS if each != "drop_after"])
async def test_a_refresh_whose_token_was_not_spent_is_made_again_when_the_old_one_has_ended(
    name: str, twitch: LocalTwitch, store: FullDisk, calls: Helix
) -> None:
    twitch.expire("me")
    twitch.faults.add(REFRESH, FAULTS[name])
    for _ in range(2):
        await asyncio.gather(calls.users(["me"]), calls.users(["me"]), return_exceptions=True)
    await calls.users(["me"])
    assert twitch.refreshes == {"me": 1}
    assert (await stored(store)).lost == ""


async def test_a_refresh_refused_by_a_proxy_ends_no_login(
    twitch: LocalTwitch, store: FullDisk, keeper: TokenKeeper, me: Login
) -> None:
    async def block(request: web.Request, handler: object) -> web.StreamResponse:
        return web.Response(status=403, text="<html>Access denied by your company</html>")

    twitch.faults.add(REFRESH, block)
    with pytest.raises(TwitchUnavailable):
        await keeper.renew(me.id, refused=me.pair.access)
    assert (await stored(store)).lost == ""


@pytest.mark.parametrize("code", [400, 401, 403])
async def test_a_definite_no_to_a_refresh_ends_a_login_whose_access_token_is_dead(
    code: int, twitch: LocalTwitch, store: FullDisk, keeper: TokenKeeper, me: Login
) -> None:
    twitch.expire("me")
    twitch.faults.add(REFRESH, faults.status(code, message="Invalid refresh token"))
    with pytest.raises(NeedsLogin):
        await keeper.renew(me.id, refused=me.pair.access)
    assert (await stored(store)).lost


async def test_refreshes_back_off_while_twitch_is_in_trouble(twitch: LocalTwitch, calls: Helix) -> None:
    twitch.expire("me")
    twitch.faults.add(REFRESH, faults.status(503), times=None)
    for _ in range(20):
        with pytest.raises(TwitchUnavailable):
            await calls.users(["me"])
    assert len([seen for seen in twitch.requests if seen.line == REFRESH]) == 2


async def test_a_pair_with_unreadable_scopes_is_kept(
    twitch: LocalTwitch, store: FullDisk, keeper: TokenKeeper, me: Login, client_id: str
) -> None:
    pair = twitch.issue_tokens("me", client_id)

    async def odd(request: web.Request, handler: object) -> web.StreamResponse:
        body = {"access_token": pair.access, "refresh_token": pair.refresh, "scope": 7, "expires_in": None}
        return web.json_response(body)

    await keeper.validate(me.id)
    twitch.faults.add(REFRESH, odd)
    assert await keeper.renew(me.id, refused=me.pair.access) == pair.access
    assert (await stored(store)).pair.scopes == frozenset(SCOPES)


async def test_an_unsaved_pair_is_kept_and_saved_later_without_another_refresh(
    twitch: LocalTwitch, store: FullDisk, keeper: TokenKeeper, me: Login
) -> None:
    store.full = 2
    for _ in range(2):
        with pytest.raises(StoreError):
            await keeper.renew(me.id, refused=me.pair.access)
    token = await keeper.renew(me.id, refused=me.pair.access)
    assert (await stored(store)).pair.access == token
    assert twitch.refreshes == {"me": 1}


async def test_an_unsaved_pair_is_saved_at_the_stop(
    twitch: LocalTwitch, store: FullDisk, keeper: TokenKeeper, me: Login
) -> None:
    store.full = 1
    with pytest.raises(StoreError):
        await keeper.renew(me.id, refused=me.pair.access)
    await keeper.close()
    assert (await stored(store)).generation == me.generation + 1


async def test_one_refresh_ends_well_although_most_callers_give_up(
    twitch: LocalTwitch, store: FullDisk, calls: Helix
) -> None:
    twitch.expire("me")
    twitch.faults.add(REFRESH, faults.delay(0.15))
    waiting = [asyncio.create_task(calls.users(["me"])) for _ in range(10)]
    await asyncio.sleep(0.08)
    for task in waiting[1:]:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert len(waiting[0].result()) == 1
    assert twitch.refreshes == {"me": 1}
    assert (await stored(store)).generation == 2


async def test_a_start_after_a_crash_in_a_refresh_validates_before_it_spends(
    twitch: LocalTwitch, store: FullDisk, applications: Applications, me: Login
) -> None:
    assert await store.begin_refresh(me) is not None
    twitch.faults.add(REFRESH, faults.drop_after())
    with pytest.raises(OutcomeUnknown):  # the process that died spent the token, and never heard of it
        await applications(me.client_id).refresh(me.pair.refresh)
    other = TokenKeeper(store, applications, clock=SystemClock(), rng=random.Random(2))
    await other.load()
    assert await other.renew(me.id, refused=me.pair.access) == me.pair.access
    assert [seen.line for seen in twitch.requests].count(REFRESH) == 1


@pytest.mark.parametrize("jump", [timedelta(days=400), timedelta(days=-400)], ids=["ahead", "back"])
async def test_a_clock_that_jumps_costs_one_refresh_at_most_and_no_login(
    jump: timedelta, twitch: LocalTwitch, store: FullDisk, keeper: TokenKeeper, clock: JumpyClock, calls: Helix
) -> None:
    watch = asyncio.create_task(Watch(keeper, clock=clock, rng=random.Random(1)).run())
    try:
        clock.jumped = jump
        for _ in range(3):
            await calls.users(["me"])
            await asyncio.sleep(0.1)
    finally:
        watch.cancel()
    twitch.expire("me")
    await calls.users(["me"])
    assert twitch.refreshes["me"] <= 2
    assert (await stored(store)).lost == ""


async def test_the_watch_survives_a_listener_that_raises(
    twitch: LocalTwitch, store: FullDisk, keeper: TokenKeeper, client_id: str, clock: JumpyClock
) -> None:
    def broken(event: LoginEvent) -> None:
        seen.append(event.login.login)
        raise ZeroDivisionError

    seen: list[str] = []
    keeper.on_event(broken)
    watch = asyncio.create_task(Watch(keeper, clock=clock, rng=random.Random(1)).run())
    try:
        for login in ("first", "second"):
            twitch.add_user(login)
            pair = twitch.issue_tokens(login, client_id)
            await store.put_login(login, client_id, TokenPair(pair.access, pair.refresh))
            await until(lambda name=login: name in seen, seconds=12)
    finally:
        watch.cancel()


async def test_a_login_that_was_removed_during_its_refresh_leaves_no_token_behind(
    twitch: LocalTwitch, store: FullDisk, keeper: TokenKeeper, me: Login
) -> None:
    twitch.faults.add(REFRESH, faults.delay(0.1))
    renewing = asyncio.create_task(keeper.renew(me.id, refused=me.pair.access))
    await asyncio.sleep(0.05)
    await store.forget_login(me.id)
    with pytest.raises(NeedsLogin):
        await renewing
    assert [seen.status for seen in twitch.requests if seen.path == "/oauth2/revoke"] == [200]


async def test_a_missing_scope_is_said_without_a_request_until_a_new_login_has_it(
    twitch: LocalTwitch, store: FullDisk, keeper: TokenKeeper, calls: Helix, me: Login, client_id: str
) -> None:
    events: list[tuple[str, str]] = []
    keeper.on_event(lambda event: events.append((event.state, event.reason)))
    pair = twitch.issue_tokens("me", client_id, ["user:read:chat"])
    await store.replace_pair(me, TokenPair(pair.access, pair.refresh, scopes=frozenset(SCOPES)))
    await keeper.load()
    await keeper.validate(me.id)
    asked = len(twitch.requests)
    with pytest.raises(MissingScope, match=r"lacks user:manage:chat_color .* run: colorchanger login"):
        await calls.put_color(str(me.user_id), Color.parse("red"))
    assert len(twitch.requests) == asked
    assert "to change your colour" in keeper.trouble(me.id)
    assert [state for state, _ in events] == ["found", "limited"]
    good = twitch.issue_tokens("me", client_id, SCOPES)
    whole = TokenPair(good.access, good.refresh, scopes=frozenset(SCOPES))
    await store.put_login("me", client_id, whole, me.user_id)
    await keeper.load()
    await calls.put_color(str(me.user_id), Color.parse("red"))
    assert keeper.trouble(me.id) == ""


async def test_a_watch_that_cannot_read_the_store_says_so_once(
    store: FullDisk, keeper: TokenKeeper, me: Login, caplog: pytest.LogCaptureFixture
) -> None:
    class Unreadable(FullDisk):
        async def changes(self, since: Revision | None = None) -> Changes | None:
            raise StoreError("the disk is gone")

    kept = replace(me)
    keeper._store = Unreadable(store.database)  # pyright: ignore[reportPrivateUsage]
    watch = Watch(keeper, clock=SystemClock(), rng=random.Random(1))
    for _ in range(3):
        await watch.look()
    assert [record.message for record in caplog.records if "cannot be read" in record.message] == [
        "the store cannot be read: the disk is gone"
    ]
    assert await keeper.token(kept.id) == me.pair.access


async def test_errors_of_all_kinds_are_ours(twitch: LocalTwitch, calls: Helix) -> None:
    twitch.faults.add("*", faults.garbage(), times=None)
    with pytest.raises(ColorChangerError):
        await calls.users(["me"])
