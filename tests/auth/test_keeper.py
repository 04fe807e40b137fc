"""Refresh tokens are spent once, saved before use, and never given up without a definite no."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest

from colorchanger_bot.auth.applications import Applications
from colorchanger_bot.auth.guard import TokenGuard, handle
from colorchanger_bot.auth.keeper import LoginEvent, TokenKeeper
from colorchanger_bot.auth.watch import Watch
from colorchanger_bot.clock import SystemClock
from colorchanger_bot.errors import NeedsLogin, TokenRefused, TwitchUnavailable
from colorchanger_bot.redaction import redact
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.store.store import Changes, Login, Revision, Store, TokenPair
from colorchanger_bot.twitch.helix import Helix
from colorchanger_bot.twitch.http import open_session
from tests.conftest import SCOPES

LogIn = Callable[..., Awaitable[None]]
REFRESH = "POST /oauth2/token"
VALIDATE = "GET /oauth2/validate"


@pytest.fixture
async def plain() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as session:
        yield session


@pytest.fixture
async def keeper(twitch: LocalTwitch, store: Store, plain: aiohttp.ClientSession) -> AsyncIterator[TokenKeeper]:
    clock = SystemClock()

    applications = Applications({}, session=plain, id_url=twitch.id_url, clock=clock)

    kept = TokenKeeper(store, applications, clock=clock, rng=random.Random(1))
    yield kept
    await kept.close()


@pytest.fixture
async def guarded(keeper: TokenKeeper) -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session([TokenGuard(keeper, SystemClock())]) as session:
        yield session


async def only(store: Store) -> Login:
    (login,) = await store.logins()
    return login


def helix(twitch: LocalTwitch, session: aiohttp.ClientSession, login: Login) -> Helix:
    return Helix(session, client_id=login.client_id, handle=handle(login.id), api_url=twitch.api_url)


async def test_many_needs_at_once_lead_to_one_refresh(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, guarded: aiohttp.ClientSession, log_in: LogIn
) -> None:
    await log_in("me")
    await keeper.load()
    calls = helix(twitch, guarded, await only(store))
    for _ in range(20):
        twitch.expire("me")
        await asyncio.gather(*(calls.users(["me"]) for _ in range(4)))
    assert twitch.refreshes == {"me": 20}
    assert twitch.spent_twice == []


async def test_the_new_pair_is_on_disk_before_anyone_gets_it(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, log_in: LogIn
) -> None:
    await log_in("me")
    await keeper.load()
    login = await only(store)
    twitch.expire("me")
    token = await keeper.renew(login.id, refused=login.pair.access)
    assert (await only(store)).pair.access == token


async def test_a_caller_with_an_older_token_gets_the_current_one_and_nothing_is_spent(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, log_in: LogIn
) -> None:
    await log_in("me")
    await keeper.load()
    old = await only(store)
    token = await keeper.renew(old.id, refused=old.pair.access)
    assert await keeper.renew(old.id, refused=old.pair.access) == token
    assert twitch.refreshes == {"me": 1}


async def test_a_refresh_goes_on_when_its_caller_gives_up(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, log_in: LogIn
) -> None:
    await log_in("me")
    await keeper.load()
    login = await only(store)
    twitch.faults.add(REFRESH, faults.delay(0.2))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await keeper.renew(login.id, refused=login.pair.access)
    await keeper.close()
    assert (await only(store)).generation == login.generation + 1


async def test_a_revoked_login_is_lost_and_the_error_says_what_helps(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, guarded: aiohttp.ClientSession, log_in: LogIn
) -> None:
    await log_in("me")
    await keeper.load()
    events: list[LoginEvent] = []
    keeper.on_event(events.append)
    calls = helix(twitch, guarded, await only(store))
    await twitch.revoke_login("me")
    with pytest.raises(NeedsLogin, match="run: colorchanger login"):
        await calls.users(["me"])
    asked = len(twitch.requests)
    with pytest.raises(NeedsLogin):
        await calls.users(["me"])
    assert len(twitch.requests) == asked
    assert [event.state for event in events] == ["lost"]
    assert (await only(store)).lost


@pytest.mark.parametrize(
    "fault",
    [faults.status(500), faults.status(503), faults.drop(), faults.garbage()],
    ids=["500", "503", "dropped", "garbage"],
)
async def test_a_validation_without_a_clear_answer_says_nothing_against_a_login(
    fault: faults.Action, twitch: LocalTwitch, store: Store, keeper: TokenKeeper, log_in: LogIn
) -> None:
    await log_in("me")
    await keeper.load()
    login = await only(store)
    twitch.faults.add(VALIDATE, fault, times=2)
    with pytest.raises(TwitchUnavailable):
        await keeper.validate(login.id)
    assert (await only(store)).lost == ""
    assert twitch.refreshes.get("me", 0) == 0


@pytest.mark.parametrize("fault", [faults.status(500), faults.drop()], ids=["500", "dropped"])
async def test_a_refresh_that_never_reached_twitch_is_made_again(
    fault: faults.Action, twitch: LocalTwitch, store: Store, keeper: TokenKeeper, log_in: LogIn
) -> None:
    await log_in("me")
    await keeper.load()
    login = await only(store)
    twitch.expire("me")
    twitch.faults.add(REFRESH, fault)
    with pytest.raises(TwitchUnavailable):
        await keeper.renew(login.id, refused=login.pair.access)
    await keeper.renew(login.id, refused=login.pair.access)
    assert twitch.refreshes == {"me": 1}
    assert twitch.spent_twice == []


async def test_a_spent_token_is_left_alone_while_the_old_access_token_works(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, log_in: LogIn
) -> None:
    await log_in("me")
    await keeper.load()
    login = await only(store)
    twitch.faults.add(REFRESH, faults.drop_after())
    with pytest.raises(TwitchUnavailable):
        await keeper.renew(login.id, refused=login.pair.access)
    token = await keeper.renew(login.id, refused=login.pair.access)
    assert token == login.pair.access
    assert twitch.spent_twice == []
    assert (await only(store)).lost == ""


async def test_a_token_refused_right_after_its_issue_leads_to_one_refresh_and_then_to_a_pause(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, guarded: aiohttp.ClientSession, log_in: LogIn
) -> None:
    await log_in("me")
    await keeper.load()
    calls = helix(twitch, guarded, await only(store))
    twitch.faults.add("GET /helix/users", faults.status(401, message="Invalid OAuth token"), times=None)
    for _ in range(30):
        with pytest.raises(TokenRefused):
            await calls.users(["me"])
    assert twitch.refreshes == {"me": 1}
    assert len([seen for seen in twitch.requests if seen.path == "/helix/users"]) == 2


async def test_a_missing_scope_leads_to_no_refresh(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, guarded: aiohttp.ClientSession, log_in: LogIn
) -> None:
    from colorchanger_bot.color import Color
    from colorchanger_bot.errors import MissingScope

    await log_in("me", scopes=("user:read:chat",))
    await keeper.load()
    login = await only(store)
    with pytest.raises(MissingScope):
        await helix(twitch, guarded, login).put_color(str(login.user_id), Color.parse("red"))
    assert twitch.refreshes.get("me", 0) == 0


async def test_a_login_made_by_another_process_is_found_and_ends_the_need(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, log_in: LogIn, client_id: str
) -> None:
    from colorchanger_bot.store.store import TokenPair

    await log_in("me")
    await keeper.load()
    login = await only(store)
    await twitch.revoke_login("me")
    with pytest.raises(NeedsLogin):
        await keeper.renew(login.id, refused=login.pair.access)
    events: list[LoginEvent] = []
    keeper.on_event(events.append)
    pair = twitch.issue_tokens("me", client_id)
    await store.put_login("me", client_id, TokenPair(pair.access, pair.refresh), login.user_id)
    await keeper.load()
    assert [event.state for event in events] == ["found"]
    assert await keeper.token(login.id) == pair.access


async def test_a_login_made_during_a_refresh_wins_over_it(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, log_in: LogIn, client_id: str
) -> None:
    from colorchanger_bot.store.store import TokenPair

    await log_in("me")
    await keeper.load()
    login = await only(store)
    twitch.faults.add(REFRESH, faults.delay(0.2))
    renewing = asyncio.create_task(keeper.renew(login.id, refused=login.pair.access))
    await asyncio.sleep(0.05)
    pair = twitch.issue_tokens("me", client_id)
    await store.put_login("me", client_id, TokenPair(pair.access, pair.refresh), login.user_id)
    assert await renewing == pair.access
    assert (await only(store)).pair.access == pair.access


async def test_a_dead_token_of_unknown_owner_is_refreshed_and_identified(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, client_id: str
) -> None:
    from colorchanger_bot.store.store import TokenPair

    user = twitch.add_user("me")
    pair = twitch.issue_tokens("me", client_id)
    twitch.expire("me")
    await store.import_login("me", client_id, TokenPair(pair.access, pair.refresh))
    await keeper.load()
    await keeper.identify((await only(store)).id)
    after = await only(store)
    assert (after.user_id, twitch.refreshes) == (user.id, {"me": 1})


async def test_what_twitchio_asks_about_tokens_is_answered_without_a_request(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, guarded: aiohttp.ClientSession, log_in: LogIn
) -> None:
    await log_in("me", expires_in=100)
    await keeper.load()
    login = await only(store)
    name = handle(login.id)
    await keeper.validate(login.id)  # so it is known to end in 100 s
    asked = len(twitch.requests)
    headers = {"Authorization": f"OAuth {name}"}
    async with guarded.get(f"{twitch.id_url}/oauth2/validate", headers=headers) as response:
        owner = await response.json()
    form = {"grant_type": "refresh_token", "refresh_token": name}
    async with guarded.post(f"{twitch.id_url}/oauth2/token", params=form) as response:
        pair = await response.json()
    assert (owner["login"], owner["user_id"]) == ("me", login.user_id)
    assert owner["expires_in"] > 3600  # or TwitchIO would think of refreshing
    assert (pair["access_token"], pair["refresh_token"]) == (name, name)
    assert len(twitch.requests) == asked


async def test_a_token_is_refreshed_ahead_of_its_end(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, log_in: LogIn
) -> None:
    await log_in("me", expires_in=3)
    await keeper.load()
    login = await only(store)
    await keeper.validate(login.id)
    watch = asyncio.create_task(Watch(keeper, clock=SystemClock(), rng=random.Random(1)).run())
    try:
        await twitch.wait_for(lambda: twitch.refreshes.get("me"), timeout=12)
    finally:
        watch.cancel()
    assert twitch.spent_twice == []


async def test_a_slow_refresh_is_waited_for_longer_than_other_requests(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, log_in: LogIn
) -> None:
    await log_in("me")
    await keeper.load()
    login = await only(store)
    twitch.faults.add(REFRESH, faults.delay(10.5))
    token = await keeper.renew(login.id, refused=login.pair.access)
    assert (await only(store)).pair.access == token


@pytest.mark.parametrize("app_secret", ["", "a" * 30])
async def test_the_new_pair_is_redacted_even_if_its_refresh_token_stays_the_same(
    app_secret: str, twitch: LocalTwitch, store: Store, plain: aiohttp.ClientSession
) -> None:
    app = twitch.add_app(client_secret=app_secret)
    user, clock = twitch.add_user("me"), SystemClock()
    first = twitch.issue_tokens("me", app.client_id, SCOPES)
    await store.put_login("me", app.client_id, TokenPair(first.access, first.refresh), user.id)

    applications = Applications({app.client_id: app_secret}, session=plain, id_url=twitch.id_url, clock=clock)
    keeper = TokenKeeper(store, applications, clock=clock, rng=random.Random(1))
    await keeper.load()
    assert redact(f"{first.access} {first.refresh}") == "*** ***"
    await keeper.renew((await only(store)).id, refused=first.access)
    pair = (await only(store)).pair
    assert (pair.refresh == first.refresh) is bool(app_secret)
    assert redact(f"{pair.access} {pair.refresh}") == "*** ***"
    assert redact(first.access) == first.access  # it is dead, and the list of secrets stays short
    await keeper.close()


class Slow(Store):
    """A store whose first answer about changes is held back."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.database)
        self.asked, self.gate = asyncio.Event(), asyncio.Event()

    async def changes(self, since: Revision | None = None) -> Changes | None:
        found = await super().changes(since)
        if not self.asked.is_set():
            self.asked.set()
            await self.gate.wait()
        return found


async def test_an_answer_from_before_a_login_was_added_does_not_take_it_away(
    twitch: LocalTwitch, store: Store, plain: aiohttp.ClientSession, log_in: LogIn
) -> None:
    await log_in("me")
    slow, clock = Slow(store), SystemClock()
    applications = Applications({}, session=plain, id_url=twitch.id_url, clock=clock)
    keeper = TokenKeeper(slow, applications, clock=clock, rng=random.Random(1))
    events: list[LoginEvent] = []
    keeper.on_event(events.append)
    early = asyncio.create_task(keeper.load())
    await slow.asked.wait()
    await log_in("you")
    late = asyncio.create_task(keeper.load())
    await asyncio.wait({late}, timeout=0.5)  # it would be through by now if it did not wait its turn
    slow.gate.set()
    await asyncio.gather(early, late)
    assert [(event.state, event.login.login) for event in events] == [("found", "me"), ("found", "you")]
    await keeper.close()
