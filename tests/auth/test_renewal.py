"""A login that works is used to its end, whatever Twitch says of renewing it, and what cannot work is said at once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from colorchanger_bot.auth.applications import Applications, in_settings
from colorchanger_bot.auth.device import log_in
from colorchanger_bot.auth.guard import TokenGuard, handle
from colorchanger_bot.auth.keeper import LoginEvent, TokenKeeper
from colorchanger_bot.auth.tracked_login import FIRST_REFUSED_SECONDS, VALIDATE_SECONDS, TrackedLogin
from colorchanger_bot.auth.watch import Watch
from colorchanger_bot.color import Color
from colorchanger_bot.errors import LoginFailed, NeedsLogin, TokenRefused, TwitchUnavailable
from colorchanger_bot.redaction import redact
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Login, Store, TokenPair
from colorchanger_bot.twitch.helix import Helix
from colorchanger_bot.twitch.http import MOST_BYTES, open_session, send
from tests.auth.clocks import JumpyClock
from tests.conftest import SCOPES
from tests.twitch import foreign

LogIn = Callable[..., Awaitable[None]]
REFRESH = "POST /oauth2/token"
VALIDATE = "GET /oauth2/validate"
USERS = "GET /helix/users"
REFUSED = faults.status(400, message="Invalid refresh token")


@pytest.fixture
def clock() -> JumpyClock:
    return JumpyClock()


@pytest.fixture
async def plain() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as session:
        yield session


@pytest.fixture
def applications(twitch: LocalTwitch, plain: aiohttp.ClientSession, clock: JumpyClock, client_id: str) -> Applications:
    return Applications({client_id: ""}, session=plain, id_url=twitch.id_url, clock=clock)


@pytest.fixture
async def keeper(store: Store, applications: Applications, clock: JumpyClock) -> AsyncIterator[TokenKeeper]:
    kept = new_keeper(store, applications, clock)
    yield kept
    await kept.close()


def new_keeper(store: Store, applications: Applications, clock: JumpyClock) -> TokenKeeper:
    return TokenKeeper(store, applications, clock=clock, rng=random.Random(1), is_ours=applications.is_ours)


@pytest.fixture
def watch(keeper: TokenKeeper, clock: JumpyClock) -> Watch:
    return Watch(keeper, clock=clock, rng=random.Random(1))


@pytest.fixture
async def me(store: Store, keeper: TokenKeeper, log_in: LogIn) -> Login:
    await log_in("me")
    await keeper.load()
    return await stored(store)


@pytest.fixture
async def calls(twitch: LocalTwitch, keeper: TokenKeeper, clock: JumpyClock, me: Login) -> AsyncIterator[Helix]:
    async with open_session([TokenGuard(keeper, clock)]) as session:
        yield Helix(session, client_id=me.client_id, handle=handle(me.id), api_url=twitch.api_url)


async def stored(store: Store) -> Login:
    (login,) = await store.logins()
    return login


def asked(twitch: LocalTwitch, line: str) -> int:
    return [seen.line for seen in twitch.requests].count(line)


# A refresh that Twitch refuses while the access token works


async def test_a_refused_refresh_ahead_of_need_leaves_a_login_that_works(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, watch: Watch, calls: Helix, me: Login, clock: JumpyClock
) -> None:
    events: list[LoginEvent] = []
    keeper.on_event(events.append)
    await watch.look()
    twitch.faults.add(REFRESH, REFUSED, times=None)
    clock.ahead += 4 * 3600 - 52  # so the end is near, for us
    await watch.look()
    assert asked(twitch, REFRESH) == 1
    assert "refuses to renew" in keeper.trouble(me.id)
    await calls.put_color(str(me.user_id), Color.parse("red"))
    for _ in range(3):
        await watch.look()
    assert asked(twitch, REFRESH) == 1  # slowly
    assert ((await stored(store)).lost, events) == ("", [])
    twitch.faults.clear()
    clock.ahead += FIRST_REFUSED_SECONDS
    await watch.look()
    assert twitch.refreshes == {"me": 1}
    assert keeper.trouble(me.id) == ""
    assert [event.state for event in events] == ["refreshed"]


async def test_a_false_401_and_a_refused_refresh_end_no_login(twitch: LocalTwitch, store: Store, calls: Helix) -> None:
    twitch.faults.add(REFRESH, REFUSED, times=None)
    twitch.faults.add(USERS, faults.status(401, message="Invalid OAuth token"), times=None)
    with pytest.raises(TokenRefused):
        await calls.users(["me"])
    assert (await stored(store)).lost == ""


async def test_a_login_is_lost_when_its_token_is_dead_and_heals_by_itself(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, watch: Watch, calls: Helix, clock: JumpyClock
) -> None:
    events: list[LoginEvent] = []
    keeper.on_event(events.append)
    twitch.expire("me")
    twitch.faults.add(REFRESH, REFUSED, times=None)
    with pytest.raises(NeedsLogin):
        await calls.users(["me"])
    for _ in range(5):
        await watch.look()
        clock.ahead += 5
    assert asked(twitch, REFRESH) == 1
    twitch.faults.clear()
    clock.ahead += FIRST_REFUSED_SECONDS
    await watch.look()
    assert len(await calls.users(["me"])) == 1
    assert [event.state for event in events] == ["lost", "found"]
    assert (await stored(store)).lost == ""


async def test_a_lost_login_heals_after_a_restart_by_its_token_or_by_a_refresh(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, applications: Applications, clock: JumpyClock, me: Login
) -> None:
    for kill in (False, True):
        assert await store.lose(await stored(store), "Twitch ended the login") is not None
        if kill:
            twitch.expire("me")
        restarted = new_keeper(store, applications, clock)
        await restarted.load()
        await Watch(restarted, clock=clock, rng=random.Random(1)).look()
        assert (await stored(store)).lost == ""
        assert twitch.refreshes.get("me", 0) == int(kill)
    assert twitch.spent_twice == []


async def test_a_login_that_stays_lost_is_not_said_again_after_a_restart(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, applications: Applications, clock: JumpyClock, me: Login
) -> None:
    await twitch.revoke_login("me")
    with pytest.raises(NeedsLogin):
        await keeper.renew(me.id, refused=me.pair.access)
    before = asked(twitch, REFRESH)
    restarted, events = new_keeper(store, applications, clock), list[LoginEvent]()
    await restarted.load()
    restarted.on_event(events.append)
    for _ in range(3):
        await Watch(restarted, clock=clock, rng=random.Random(1)).look()
        clock.ahead += 5
    assert (asked(twitch, REFRESH), events) == (before + 1, [])


async def test_twitch_is_asked_less_and_less_often_about_a_lost_login(
    twitch: LocalTwitch, keeper: TokenKeeper, watch: Watch, me: Login, clock: JumpyClock
) -> None:
    await twitch.revoke_login("me")
    with pytest.raises(NeedsLogin):
        await keeper.renew(me.id, refused=me.pair.access)
    for _ in range(24 * 12):
        clock.ahead += 300
        await watch.look()
    assert asked(twitch, REFRESH) < 35  # in a day


async def test_an_application_that_is_not_accepted_stops_no_login_that_works(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, watch: Watch, calls: Helix, me: Login, clock: JumpyClock
) -> None:
    await watch.look()
    fault = twitch.faults.add(REFRESH, faults.status(403, message="invalid client secret"), times=None)
    clock.ahead += 4 * 3600 - 52
    await watch.look()
    await calls.put_color(str(me.user_id), Color.parse("red"))
    assert "app.client_secret" in keeper.trouble(me.id)
    twitch.expire("me")
    with pytest.raises(TokenRefused, match=r"app\.client_secret"):
        await calls.users(["me"])
    assert (await stored(store)).lost == ""
    assert fault.hits
    twitch.faults.clear()
    clock.ahead += 3600
    assert len(await calls.users(["me"])) == 1


async def test_a_page_behind_a_401_spends_nothing(twitch: LocalTwitch, calls: Helix) -> None:
    async def flood(request: web.Request, handler: object) -> web.StreamResponse:
        return web.Response(status=401, body=b'{"status":401,"message":"Invalid OAuth token"}' + b" " * MOST_BYTES)

    for fault in (foreign.answer(401), flood):
        twitch.faults.add(USERS, fault)
        with pytest.raises(TwitchUnavailable):
            await calls.users(["me"])
    assert asked(twitch, REFRESH) == asked(twitch, VALIDATE) == 0


async def test_a_page_is_no_sign_that_twitch_accepts_a_new_token(
    twitch: LocalTwitch, keeper: TokenKeeper, calls: Helix, me: Login
) -> None:
    await keeper.renew(me.id, refused=me.pair.access)
    twitch.faults.add(USERS, foreign.answer(403))
    with pytest.raises(TwitchUnavailable):
        await calls.users(["me"])
    twitch.faults.add(USERS, faults.status(401, message="Invalid OAuth token"), times=None)
    with pytest.raises(TokenRefused):
        await calls.users(["me"])
    assert twitch.refreshes == {"me": 1}


# Validation


async def test_each_login_is_validated_once_at_the_start_and_then_hourly(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, watch: Watch, me: Login, clock: JumpyClock
) -> None:
    await keeper.identify(me.id)
    for _ in range(3):
        await watch.look()
    assert asked(twitch, VALIDATE) == 1
    for hours in range(2, 5):
        clock.ahead += VALIDATE_SECONDS
        await watch.look()
        assert asked(twitch, VALIDATE) == hours
        keeper.worked(me.id, me.pair.access)


async def test_a_validation_is_written_only_where_it_says_something_new(
    twitch: LocalTwitch,
    store: Store,
    applications: Applications,
    keeper: TokenKeeper,
    watch: Watch,
    me: Login,
    clock: JumpyClock,
) -> None:
    await watch.look()  # the end of the token is news
    before = await store.changes()
    assert before is not None
    restarted = new_keeper(store, applications, clock)
    await restarted.load()
    await Watch(restarted, clock=clock, rng=random.Random(1)).look()
    assert asked(twitch, VALIDATE) == 2
    assert await store.changes(before.revision) is None
    twitch.rename("me", "myself")
    await restarted.validate(me.id)
    assert (await stored(store)).login == "myself"
    await restarted.close()


async def test_a_validation_without_an_answer_is_repeated_with_back_off(
    twitch: LocalTwitch,
    keeper: TokenKeeper,
    watch: Watch,
    me: Login,
    clock: JumpyClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    twitch.faults.add(VALIDATE, faults.status(503), times=None)
    for _ in range(60):
        await watch.look()
        clock.ahead += 1
    assert 4 <= asked(twitch, VALIDATE) <= 8
    assert caplog.text.count("could not be validated or renewed") == 1
    twitch.faults.clear()
    clock.ahead += 60
    await watch.look()
    assert await keeper.token(me.id) == me.pair.access
    before = asked(twitch, VALIDATE)
    await watch.look()
    assert asked(twitch, VALIDATE) == before


async def test_the_owner_of_an_imported_token_is_asked_for_once(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, watch: Watch, client_id: str
) -> None:
    for number in range(30):
        twitch.add_user(f"user{number}")
        pair = twitch.issue_tokens(f"user{number}", client_id, SCOPES)
        await store.import_login("", client_id, TokenPair(pair.access, pair.refresh))
    await keeper.load()
    await asyncio.gather(watch.look(), *(keeper.identify(login.id) for login in [*keeper, *keeper]))
    assert asked(twitch, VALIDATE) == 30


async def test_a_late_401_on_a_token_that_was_renewed_asks_and_pauses_nothing(
    twitch: LocalTwitch, keeper: TokenKeeper, me: Login
) -> None:
    token = await keeper.renew(me.id, refused=me.pair.access)
    await keeper.look_into(me.id, refused=me.pair.access)
    assert await keeper.renew(me.id, refused=me.pair.access) == token
    assert await keeper.token(me.id) == token
    assert (asked(twitch, VALIDATE), asked(twitch, REFRESH)) == (0, 1)


async def test_an_answer_about_an_older_token_counts_for_nothing(
    twitch: LocalTwitch, keeper: TokenKeeper, me: Login
) -> None:
    released = asyncio.Event()

    async def late_no(request: web.Request, handler: Any) -> web.StreamResponse:
        await released.wait()
        return await faults.status(401, message="invalid access token")(request, handler)

    twitch.faults.add(VALIDATE, late_no)
    validating = asyncio.create_task(keeper.validate(me.id))
    await twitch.wait_for(lambda: asked(twitch, VALIDATE))
    token = await keeper.renew(me.id, refused=me.pair.access)
    released.set()
    await validating
    await keeper.look_into(me.id, refused=me.pair.access)
    assert await keeper.token(me.id) == token
    with pytest.raises(TokenRefused):  # the new one is asked about, so it is not taken to be dead
        await keeper.look_into(me.id, refused=token)
    assert (asked(twitch, VALIDATE), asked(twitch, REFRESH)) == (2, 1)


async def test_the_reason_why_a_login_is_not_identified_reaches_the_person(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, client_id: str
) -> None:
    twitch.add_user("me")
    pair = twitch.issue_tokens("me", client_id, SCOPES)
    await store.import_login("", client_id, TokenPair(pair.access, pair.refresh))
    await keeper.load()
    login = await stored(store)
    twitch.faults.add(VALIDATE, foreign.answer(200))
    with pytest.raises(TwitchUnavailable, match="a login page is in between"):
        await keeper.identify(login.id)
    assert "a login page is in between" in keeper.trouble(login.id)
    await keeper.identify(login.id)
    assert keeper.trouble(login.id) == ""


# Tokens that cannot be renewed


async def test_a_token_of_another_application_is_said_at_the_start(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, client_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    generator = twitch.add_app(client_secret="s" * 30)
    twitch.add_user("me")
    pair = twitch.issue_tokens("me", generator.client_id, SCOPES)
    await store.import_login("me", client_id, TokenPair(pair.access, pair.refresh))
    await keeper.load()
    login = await stored(store)
    await keeper.identify(login.id)
    words = "of another application and cannot be renewed here; run: colorchanger login"
    assert words in caplog.text
    assert words in keeper.trouble(login.id)
    assert await keeper.token(login.id) == pair.access


async def test_a_token_of_an_application_is_named_as_what_it_is(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, plain: aiohttp.ClientSession
) -> None:
    app = twitch.add_app(client_secret="s" * 30)
    form = {"client_id": app.client_id, "client_secret": "s" * 30, "grant_type": "client_credentials"}
    made = await send(plain, "POST", f"{twitch.id_url}/oauth2/token", data=form)
    await store.import_login("me", app.client_id, TokenPair(made.json()["access_token"], ""))
    await keeper.load()
    login = await stored(store)
    with pytest.raises(NeedsLogin, match="an application's token, which stands for no account; run: colorchanger"):
        await keeper.identify(login.id)
    assert "an application's token" in keeper.trouble(login.id)


async def test_a_token_without_a_refresh_token_is_said_at_the_start(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, client_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    twitch.add_user("me")
    pair = twitch.issue_tokens("me", client_id, SCOPES)
    await store.import_login("me", client_id, TokenPair(pair.access, ""))
    await keeper.load()
    login = await stored(store)
    await keeper.identify(login.id)
    words = "it came without a refresh token and cannot be renewed; run: colorchanger login"
    assert words in caplog.text
    assert words in keeper.trouble(login.id)
    assert await keeper.token(login.id) == pair.access


async def test_a_login_without_a_refresh_token_is_used_to_its_end(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, client_id: str
) -> None:
    twitch.add_user("me")
    pair = twitch.issue_tokens("me", client_id, SCOPES)
    await store.import_login("me", client_id, TokenPair(pair.access, ""))
    await keeper.load()
    login = await stored(store)
    assert await keeper.renew(login.id, refused=pair.access) == pair.access
    twitch.expire("me")
    with pytest.raises(NeedsLogin, match="without a refresh token"):
        await keeper.renew(login.id, refused=pair.access)
    assert asked(twitch, REFRESH) == 0


async def test_a_confidential_application_without_its_secret_is_refused_at_the_login(
    twitch: LocalTwitch, store: Store, plain: aiohttp.ClientSession, clock: JumpyClock
) -> None:
    app = twitch.add_app(client_secret="s" * 30)
    twitch.add_user("me")

    async def try_with(secret: str) -> Login:
        oauth = Applications({app.client_id: secret}, session=plain, id_url=twitch.id_url, clock=clock)(app.client_id)
        return await log_in(
            oauth,
            store,
            frozenset(SCOPES),
            clock=clock,
            show=lambda code: twitch.approve_device(code.user_code, "me"),
        )

    with pytest.raises(LoginFailed, match=r"set app\.client_secret, or set its Client Type to Public"):
        await try_with("")
    assert await store.logins() == []
    assert asked(twitch, "POST /oauth2/revoke") == 1
    made = await try_with("s" * 30)
    assert (made.login, redact(made.pair.access)) == ("me", "***")


@pytest.mark.parametrize("fault", [REFUSED, faults.drop_after(), foreign.answer(403)], ids=["no", "lost", "page"])
async def test_a_login_that_cannot_be_renewed_right_now_is_kept_and_validated_first(
    fault: faults.Action,
    twitch: LocalTwitch,
    store: Store,
    applications: Applications,
    keeper: TokenKeeper,
    clock: JumpyClock,
    client_id: str,
) -> None:
    twitch.add_user("me")
    twitch.faults.add(REFRESH, fault, where=lambda seen: asked(twitch, REFRESH) > 1)
    made = await log_in(
        applications(client_id),
        store,
        frozenset(SCOPES),
        clock=clock,
        show=lambda code: twitch.approve_device(code.user_code, "me"),
    )
    assert made.login == "me"
    await keeper.load()
    before = asked(twitch, REFRESH)
    assert await keeper.renew(made.id, refused=made.pair.access) == made.pair.access
    assert asked(twitch, REFRESH) == before


# Dates


@pytest.mark.parametrize("days", [-400, -30, -1, 1, 400])
async def test_a_clock_that_was_wrong_prolongs_no_token(days: int, me: Login, clock: JumpyClock) -> None:
    now = clock.now().timestamp()
    pair = replace(me.pair, issued_at=now, expires_at=now + 4 * 3600)
    kept = TrackedLogin.of(replace(me, pair=pair), clock, random.Random(1))
    clock.jumped += timedelta(days=days)
    left = kept.seconds_left()
    assert left is not None
    assert left <= 4 * 3600 + 60
    clock.ahead += 4 * 3600
    assert kept.ends_soon()
    restarted = TrackedLogin.of(replace(me, pair=pair), clock, random.Random(1))
    assert (restarted.seconds_left() or 0) <= 4 * 3600 + 60
    assert restarted.is_due()  # Twitch is asked at the start, whatever the date says


async def test_a_machine_that_slept_renews_when_it_wakes(me: Login, clock: JumpyClock) -> None:
    now = clock.now().timestamp()
    kept = TrackedLogin.of(
        replace(me, pair=replace(me.pair, issued_at=now, expires_at=now + 4 * 3600)), clock, random.Random(1)
    )
    assert not kept.ends_soon()
    clock.jumped += timedelta(hours=5)  # the monotonic clock stood still
    assert kept.ends_soon()


# Applications


def test_a_secret_belongs_to_its_application() -> None:
    settings = Settings.of(
        {
            "app": {"client_id": "a" * 20, "client_secret": "s" * 20},
            "accounts": [
                {"login": "one", "client_id": "b" * 20},
                {"login": "two", "client_id": "c" * 20, "client_secret": "t" * 20},
                {"login": "three", "client_id": "c" * 20},
            ],
        }
    )
    assert in_settings(settings) == {"a" * 20: "s" * 20, "b" * 20: "", "c" * 20: "t" * 20}


async def test_a_secret_without_a_client_id_serves_the_application_of_the_token(
    twitch: LocalTwitch, plain: aiohttp.ClientSession, clock: JumpyClock
) -> None:
    app = twitch.add_app(client_secret="s" * 30)
    twitch.add_user("me")
    pair = twitch.issue_tokens("me", app.client_id, SCOPES)
    settings = Settings.of({"accounts": [{"login": "me", "client_secret": "s" * 30}]})
    applications = Applications(in_settings(settings), session=plain, id_url=twitch.id_url, clock=clock)
    assert (await applications(app.client_id).refresh(pair.refresh)).access
    assert applications.is_ours(app.client_id)


async def test_the_applications_of_the_settings_ask_the_twitch_of_the_settings(
    twitch: LocalTwitch, plain: aiohttp.ClientSession, clock: JumpyClock, settings_for: Callable[..., Settings]
) -> None:
    app = twitch.add_app(client_secret="s" * 30)
    twitch.add_user("me")
    pair = twitch.issue_tokens("me", app.client_id, SCOPES)
    settings = settings_for(app={"client_id": app.client_id, "client_secret": "s" * 30})
    applications = Applications.of(settings, plain, clock)
    renewed = await applications(app.client_id).refresh(pair.refresh)
    assert renewed.issued_at is not None
    assert applications(app.client_id) is applications(app.client_id)
    assert applications.secret_of("another") == ""


async def test_an_application_of_an_import_is_ours_too(
    store: Store, applications: Applications, client_id: str, plain: aiohttp.ClientSession, clock: JumpyClock
) -> None:
    assert applications.is_ours(client_id)
    assert not applications.is_ours("another")
    await store.put_app("another", "secret-of-the-other")
    await applications.add_stored(store)
    assert applications.is_ours("another")
    await store.put_app(client_id, "an older secret")
    ours = Applications({client_id: "the newer secret"}, session=plain, id_url="", clock=clock)
    await ours.add_stored(store)
    assert ours.secret_of(client_id) == "the newer secret"


@pytest.mark.parametrize("found_by", ["the watch", "a request"])
async def test_a_login_made_anew_under_the_same_number_is_taken_over(
    found_by: str, twitch: LocalTwitch, store: Store, keeper: TokenKeeper, watch: Watch, me: Login, client_id: str
) -> None:
    token = await keeper.renew(me.id, refused=me.pair.access)
    await store.forget_login(me.id)
    pair = twitch.issue_tokens("me", client_id, SCOPES)
    made = await store.put_login("me", client_id, TokenPair(pair.access, pair.refresh), me.user_id)
    assert made.id == me.id
    if found_by == "the watch":
        await watch.look()
    else:
        assert await keeper.renew(me.id, refused=token) == pair.access
    assert await keeper.token(me.id) == pair.access
    assert asked(twitch, REFRESH) == 1


async def test_a_person_who_logs_in_again_is_never_undone_by_a_refusal(
    twitch: LocalTwitch, store: Store, keeper: TokenKeeper, me: Login, client_id: str
) -> None:
    twitch.expire("me")

    released = asyncio.Event()

    async def late_no(request: web.Request, handler: Any) -> web.StreamResponse:
        await released.wait()
        return await REFUSED(request, handler)

    twitch.faults.add(REFRESH, late_no)
    renewing = asyncio.create_task(keeper.renew(me.id, refused=me.pair.access))
    await twitch.wait_for(lambda: asked(twitch, REFRESH))
    pair = twitch.issue_tokens("me", client_id, SCOPES)
    await store.put_login("me", client_id, TokenPair(pair.access, pair.refresh), me.user_id)
    released.set()
    with pytest.raises(TwitchUnavailable):
        await renewing
    assert (await stored(store)).lost == ""
    assert await keeper.token(me.id) == pair.access
