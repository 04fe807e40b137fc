"""What the keeper tells of a login, and how often it looks and tries."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web

from colorchanger_bot.auth.applications import Applications
from colorchanger_bot.auth.keeper import LoginEvent, TokenKeeper
from colorchanger_bot.auth.watch import LOOK_SECONDS, Watch
from colorchanger_bot.errors import ColorChangerError, TokenRefused
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.store.logins import Changes, Revision
from colorchanger_bot.store.store import Login, Store, TokenPair
from colorchanger_bot.twitch.http import open_session
from tests.auth.clocks import JumpyClock
from tests.conftest import SCOPES
from tests.fakes import FakeClock

LogIn = Callable[..., Awaitable[None]]
REFRESH = "POST /oauth2/token"


@pytest.fixture
def clock() -> JumpyClock:
    return JumpyClock()


@pytest.fixture
async def keeper(twitch: LocalTwitch, store: Store, clock: JumpyClock) -> AsyncIterator[TokenKeeper]:
    async with open_session() as plain:
        kept = keeper_on(store, twitch, plain, clock)
        yield kept
        await kept.close()


def keeper_on(store: Store, twitch: LocalTwitch, plain: aiohttp.ClientSession, clock: JumpyClock) -> TokenKeeper:
    applications = Applications({}, session=plain, id_url=twitch.id_url, clock=clock)
    return TokenKeeper(store, applications, clock=clock, rng=random.Random(1))


@pytest.fixture
def events(keeper: TokenKeeper) -> list[LoginEvent]:
    told: list[LoginEvent] = []
    keeper.on_event(told.append)
    return told


@pytest.fixture
async def me(store: Store, keeper: TokenKeeper, log_in: LogIn) -> Login:
    await log_in("me")
    await keeper.load()
    return await stored(store)


async def stored(store: Store) -> Login:
    (login,) = await store.logins()
    return login


async def test_an_imported_login_is_found_when_it_is_there_and_when_its_owner_is_known(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, events: list[LoginEvent], client_id: str
) -> None:
    user = twitch.add_user("me")
    pair = twitch.issue_tokens("me", client_id, SCOPES)
    await store.import_login("", client_id, TokenPair(pair.access, pair.refresh))
    await keeper.load()
    await keeper.identify((await stored(store)).id)
    await keeper.identify((await stored(store)).id)
    assert [(event.state, event.login.user_id, event.by_person) for event in events] == [
        ("found", None, False),
        ("found", user.id, False),
    ]


async def test_only_a_login_that_appears_while_the_bot_runs_is_a_persons(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, events: list[LoginEvent], me: Login, client_id: str
) -> None:
    again, other = twitch.issue_tokens("me", client_id, SCOPES), twitch.add_user("other")
    await store.put_login("me", client_id, TokenPair(again.access, again.refresh), me.user_id)
    pair = twitch.issue_tokens("other", client_id, SCOPES)
    await store.put_login("other", client_id, TokenPair(pair.access, pair.refresh), other.id)
    await keeper.load()
    assert [(event.state, event.login.login, event.by_person) for event in events] == [
        ("found", "me", False),
        ("found", "me", True),
        ("found", "other", True),
    ]


async def test_a_login_that_was_removed_elsewhere_is_told_once_and_asked_for_nothing(
    store: Store, keeper: TokenKeeper, events: list[LoginEvent], me: Login
) -> None:
    events.clear()
    await store.forget_login(me.id)
    for _ in range(2):
        await keeper.load()
    keeper.worked(me.id, me.pair.access)
    await keeper.look_into(me.id, refused=me.pair.access)
    await keeper.look_after(me.id)
    await keeper.identify(me.id)
    assert [(event.state, event.reason, event.login.lost) for event in events] == [("lost", "logged out", "logged out")]
    assert me.id not in keeper


async def test_a_permission_that_is_missing_is_told_once_with_the_reason(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, events: list[LoginEvent], me: Login, client_id: str
) -> None:
    few = twitch.issue_tokens("me", client_id, ["user:read:chat"])
    await store.replace_pair(me, TokenPair(few.access, few.refresh, scopes=frozenset(SCOPES)))
    await keeper.load()
    events.clear()
    for _ in range(2):
        await keeper.validate(me.id)
    ((state, login, reason, by_person),) = events
    assert (state, login.login, by_person) == ("limited", "me", False)
    assert "lacks user:manage:chat_color" in reason
    assert reason == keeper.trouble(me.id)


async def test_that_an_older_token_worked_says_nothing_of_the_new_one(
    twitch: LocalTwitch, keeper: TokenKeeper, me: Login
) -> None:
    token = await keeper.renew(me.id, refused=me.pair.access)
    keeper.worked(me.id, me.pair.access)
    with pytest.raises(TokenRefused):  # it was never accepted, so it is not replaced at once
        await keeper.renew(me.id, refused=token)
    assert twitch.refreshes == {"me": 1}


async def test_each_end_of_a_refresh_is_counted(
    twitch: LocalTwitch, keeper: TokenKeeper, clock: JumpyClock, me: Login
) -> None:
    twitch.expire("me")
    for fault in (
        faults.status(503),
        faults.status(503),
        faults.status(403, message="invalid client secret"),
        faults.status(400, message="Invalid refresh token"),
    ):
        twitch.faults.add(REFRESH, fault)
        with pytest.raises(ColorChangerError):
            await keeper.renew(me.id, refused=me.pair.access)
        clock.ahead += 60
    clock.ahead += 3600
    await keeper.look_after(me.id)
    assert keeper.refreshes == {"unanswered": 2, "refused": 1, "ended": 1, "refreshed": 1}


async def test_an_application_that_is_refused_is_asked_for_less_and_less_often(
    twitch: LocalTwitch, keeper: TokenKeeper, clock: JumpyClock, me: Login
) -> None:
    twitch.expire("me")
    twitch.faults.add(REFRESH, faults.status(403, message="invalid client secret"), times=None)
    asked: list[int] = []
    for _ in range(4 * 360):
        with pytest.raises(TokenRefused):
            await keeper.renew(me.id, refused=me.pair.access)
        clock.ahead += 10
        asked.append(keeper.refreshes["refused"])
    assert 5 <= asked[-1] <= 20
    assert asked[-1] - asked[len(asked) // 2] <= 4


async def test_the_store_is_looked_at_every_five_seconds_but_not_more_often_than_every_four(
    twitch: LocalTwitch, store: Store
) -> None:
    class Counting(Store):
        looks = 0

        async def changes(self, since: Revision | None = None) -> Changes | None:
            self.looks += 1
            return None

    clock, counting = FakeClock(), Counting(store.database)
    async with open_session() as plain:
        applications = Applications({}, session=plain, id_url=twitch.id_url, clock=clock)
        keeper = TokenKeeper(counting, applications, clock=clock, rng=random.Random(1))
        watch = asyncio.create_task(Watch(keeper, clock=clock, rng=random.Random(1)).run())
        await clock.advance(20 * LOOK_SECONDS)
        watch.cancel()
    assert 20 <= counting.looks <= 25


async def test_a_watch_over_a_store_that_can_be_read_complains_of_nothing(
    keeper: TokenKeeper, clock: JumpyClock, me: Login, caplog: pytest.LogCaptureFixture
) -> None:
    await Watch(keeper, clock=clock, rng=random.Random(1)).look()
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_the_store_is_asked_for_what_changed_since_the_last_look(
    twitch: LocalTwitch, store: Store, log_in: LogIn, clock: JumpyClock
) -> None:
    class Recording(Store):
        asked: list[Revision | None]

        async def changes(self, since: Revision | None = None) -> Changes | None:
            self.asked.append(since)
            return await super().changes(since)

    await log_in("me")
    changes = await store.changes()
    assert changes is not None
    recording = Recording(store.database)
    recording.asked = []
    async with open_session() as plain:
        keeper = keeper_on(recording, twitch, plain, clock)
        for _ in range(3):
            await keeper.load()
    assert recording.asked == [None, changes.revision, changes.revision]


async def test_a_login_made_during_a_renewal_that_fails_is_taken_over_at_the_next_look(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, me: Login, client_id: str
) -> None:
    released = asyncio.Event()

    async def late_trouble(request: web.Request, handler: object) -> web.StreamResponse:
        await released.wait()
        return web.json_response({"status": 503, "message": "busy"}, status=503)

    twitch.expire("me")
    twitch.faults.add(REFRESH, late_trouble)
    renewing = asyncio.create_task(keeper.renew(me.id, refused=me.pair.access))
    await twitch.wait_for(lambda: [seen.line for seen in twitch.requests].count(REFRESH))
    pair = twitch.issue_tokens("me", client_id, SCOPES)
    await store.put_login("me", client_id, TokenPair(pair.access, pair.refresh), me.user_id)
    await keeper.load()
    assert await keeper.token(me.id) == me.pair.access  # the renewal is not disturbed
    released.set()
    with pytest.raises(ColorChangerError):
        await renewing
    await keeper.load()
    assert await keeper.token(me.id) == pair.access
