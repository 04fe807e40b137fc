"""While our cogs are loaded, a host refreshes each login once, whoever asks for it; without leftovers afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import twitchio
from aiohttp import web

from colorchanger_bot.bot.host import INNER_CLIENT
from colorchanger_bot.color import Color
from colorchanger_bot.sandbox import App, LocalTwitch, faults
from colorchanger_bot.service.service import Service
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Store
from colorchanger_bot.wiring import attach, attachment_of
from tests.fakes import until
from tests.hosts import COGS, Host, Hosts, page, quick

REFRESH = "POST /oauth2/token"
USERS = "GET /helix/users"
ROUNDS = 20


async def guest_of(hosts: Hosts, *, public: bool = True, **options: Any) -> Host:
    bot = await hosts.start(public=public, **options)
    attach(bot, settings=quick())
    await bot.load_module(COGS)
    return bot


async def ask(bot: Host) -> None:
    """A request of the host's own, with its account's token."""
    await bot.fetch_users(ids=[bot.channel.id], token_for=bot.channel.id)


def put(bot: Host, number: int) -> Any:
    """A request of ours."""
    speaker: Any = attachment_of(bot).speaker
    return speaker.put_color(bot.channel.id, Color.parse(f"#1234{number % 90 + 10}"))


def late(seconds: float) -> faults.Action:
    async def act(request: web.Request, handler: Any) -> web.StreamResponse:
        answer = await handler(request)
        await asyncio.sleep(seconds)
        return answer

    return act


def token_of(bot: Host) -> Any:
    return bot.tokens[bot.channel.id]


@pytest.mark.parametrize("public", [True, False], ids=["public", "confidential"])
@pytest.mark.parametrize("slow", [REFRESH, USERS], ids=["slow refresh", "slow 401"])
async def test_requests_of_the_host_and_ours_at_the_expiry_of_a_token(
    slow: str, public: bool, hosts: Hosts, twitch: LocalTwitch
) -> None:
    """With a slow 401 the host learns of the expiry when our refresh is over, and still has the used token in hand."""
    bot = await guest_of(hosts, public=public)
    for number in range(ROUNDS):
        twitch.expire("me")
        twitch.faults.add(slow, late(0.03))
        await asyncio.gather(ask(bot), put(bot, number), ask(bot))
    assert twitch.spent_twice == []
    await ask(bot)
    if public:  # a confidential application's refresh token stays: a second refresh costs nothing
        assert twitch.refreshes["me"] == ROUNDS


async def test_the_validate_loop_of_twitchio_shares_too(hosts: Hosts, twitch: LocalTwitch) -> None:
    bot = await guest_of(hosts)
    for number in range(ROUNDS):
        twitch.expire("me")
        token_of(bot)["last_validated"] = "2026-01-01T00:00:00"
        twitch.faults.add(REFRESH, late(0.03))
        validating: Any = bot.http._revalidate_all  # pyright: ignore[reportPrivateUsage]
        await asyncio.gather(validating(), ask(bot), put(bot, number))
    assert (twitch.spent_twice, twitch.refreshes["me"]) == ([], ROUNDS)


async def test_adding_the_same_expired_pair_at_the_same_time(hosts: Hosts, twitch: LocalTwitch) -> None:
    bot = await guest_of(hosts)
    old = dict(token_of(bot))
    twitch.expire("me")
    await asyncio.gather(*(bot.add_token(old["token"], old["refresh"]) for _ in range(3)), ask(bot))
    assert (twitch.spent_twice, twitch.refreshes["me"]) == ([], 1)


async def test_a_used_token_that_comes_back_later_is_answered_with_the_newest_pair(
    hosts: Hosts, twitch: LocalTwitch
) -> None:
    bot = await guest_of(hosts)
    old = dict(token_of(bot))
    for _ in range(3):
        twitch.expire("me")
        await ask(bot)
    newest = dict(token_of(bot))
    await bot.add_token(old["token"], old["refresh"])  # as a host does that reads an old backup
    assert (token_of(bot)["token"], token_of(bot)["refresh"]) == (newest["token"], newest["refresh"])
    assert (twitch.spent_twice, twitch.refreshes["me"]) == ([], 3)


class TestShortLivedTokens:
    @pytest.fixture
    async def twitch(self) -> AsyncIterator[LocalTwitch]:
        async with LocalTwitch(min_keepalive=1.0, token_lifetime=1) as local:
            yield local

    async def test_an_answer_that_has_expired_is_not_given_again(self, hosts: Hosts, twitch: LocalTwitch) -> None:
        bot = hosts.make(Host, "me", hosts.app(public=True))
        async with bot:
            await bot.load_module(COGS)
            pair = hosts.pair("me", App(bot.http.client_id))
            await bot.add_token(pair.access, pair.refresh)  # TwitchIO renews what ends within an hour
            await asyncio.sleep(1.1)  # the lifetime of a token
            await bot.http.refresh_token(pair.refresh)
        assert (twitch.spent_twice, twitch.refreshes["me"]) == ([], 2)


async def test_a_refresh_outlives_the_request_that_asked_for_it(hosts: Hosts, twitch: LocalTwitch) -> None:
    bot = await guest_of(hosts)
    told: list[str] = []

    async def listen(payload: twitchio.TokenRefreshedPayload) -> None:
        told.append(payload.token)

    bot.add_listener(listen, event="event_token_refreshed")
    before = dict(token_of(bot))
    twitch.expire("me")
    twitch.faults.add(REFRESH, late(0.1))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ask(bot), 0.05)
    await until(lambda: told)
    assert token_of(bot)["token"] == told[0] != before["token"]
    await ask(bot)
    assert (twitch.spent_twice, twitch.refreshes["me"]) == ([], 1)


async def test_unloading_waits_for_a_refresh_under_way(hosts: Hosts, twitch: LocalTwitch) -> None:
    bot = await guest_of(hosts)
    before = dict(token_of(bot))
    twitch.expire("me")
    twitch.faults.add(REFRESH, late(0.2))
    asking = asyncio.create_task(ask(bot))
    await until(lambda: any(seen.line == REFRESH for seen in twitch.requests))
    await bot.unload_module(COGS)
    await asking
    assert token_of(bot)["refresh"] != before["refresh"]


async def test_a_refused_refresh_is_refused_for_all_and_a_new_login_works(hosts: Hosts, twitch: LocalTwitch) -> None:
    bot = await guest_of(hosts)
    await twitch.revoke_login("me")
    answers = await asyncio.gather(ask(bot), ask(bot), return_exceptions=True)
    assert [getattr(answer, "status", None) for answer in answers] == [400, 400]
    assert sum(seen.line == REFRESH for seen in twitch.requests) == 1
    pair = twitch.issue_tokens("me", bot.http.client_id, ("user:manage:chat_color",))
    await bot.add_token(pair.access, pair.refresh)
    await ask(bot)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404])
async def test_a_page_in_the_place_of_an_answer_ends_no_login(status: int, hosts: Hosts, twitch: LocalTwitch) -> None:
    bot = await guest_of(hosts)
    twitch.expire("me")
    token_of(bot)["last_validated"] = "2026-01-01T00:00:00"
    twitch.faults.add(REFRESH, page(status))
    with pytest.raises(twitchio.HTTPException) as raised:
        await bot.http._revalidate_all()  # pyright: ignore[reportPrivateUsage]
    assert raised.value.status >= 500
    await ask(bot)
    assert (twitch.spent_twice, twitch.refreshes["me"]) == ([], 1)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404])
async def test_a_page_in_the_place_of_a_validation_spends_no_token(
    status: int, hosts: Hosts, twitch: LocalTwitch
) -> None:
    bot = await guest_of(hosts)
    before = dict(token_of(bot))
    token_of(bot)["last_validated"] = "2026-01-01T00:00:00"
    twitch.faults.add("GET /oauth2/validate", page(status))
    with pytest.raises(twitchio.HTTPException) as raised:  # which TwitchIO's loop expects, and tries again
        await bot.http._revalidate_all()  # pyright: ignore[reportPrivateUsage]
    assert raised.value.status >= 500
    assert (token_of(bot)["token"], twitch.refreshes["me"]) == (before["token"], 0)


@pytest.mark.parametrize("module", [COGS, f"{COGS}.color_changer", f"{COGS}.color_commands", f"{COGS}.token_lifecycle"])
async def test_each_cog_brings_it_and_the_last_one_takes_it_away(
    module: str, hosts: Hosts, twitch: LocalTwitch
) -> None:
    bot = await hosts.start(public=True)
    clients: list[Any] = [bot.http, getattr(bot.http, INNER_CLIENT)]
    before = [dict(vars(client)) for client in clients]
    for _ in range(3):
        await bot.load_module(module)
        assert all("refresh_token" in vars(client) for client in clients)
        twitch.expire("me")
        await asyncio.gather(ask(bot), ask(bot))
        await bot.reload_module(module)
        await bot.unload_module(module)
        assert [vars(client).keys() for client in clients] == [kept.keys() for kept in before]
    assert twitch.spent_twice == []


async def test_a_host_that_replaced_the_method_itself_gets_its_own_back(hosts: Hosts) -> None:
    bot = await hosts.start()

    async def theirs(token: str, /) -> Any:
        raise NotImplementedError

    bot.http.refresh_token = theirs
    await bot.load_module(COGS)
    await bot.unload_module(COGS)
    assert bot.http.refresh_token is theirs


async def test_one_put_on_top_of_ours_stays(hosts: Hosts, twitch: LocalTwitch) -> None:
    bot = await guest_of(hosts)
    inner: Any = getattr(bot.http, INNER_CLIENT)
    ours = inner.refresh_token
    used: list[str] = []

    async def theirs(token: str, /) -> Any:
        used.append(token)
        return await ours(token)

    inner.refresh_token = theirs
    await bot.unload_module(COGS)
    twitch.expire("me")
    await asyncio.gather(ask(bot), ask(bot))
    assert (len(used), twitch.refreshes["me"], twitch.spent_twice) == (2, 1, [])


class Moved:
    """Where some later TwitchIO may have its client for refreshes."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


async def test_a_twitchio_that_refreshes_otherwise_is_said_and_nothing_fails(
    hosts: Hosts, twitch: LocalTwitch, caplog: pytest.LogCaptureFixture
) -> None:
    bot = await hosts.start(public=True)
    setattr(bot.http, INNER_CLIENT, Moved(getattr(bot.http, INNER_CLIENT)))
    await bot.load_module(COGS)
    twitch.expire("me")
    await ask(bot)
    said = [record.getMessage() for record in caplog.records if record.name.endswith("bot.refresh")]
    assert len(said) == 1
    assert "refreshes logins in a way that ColorChanger does not know" in said[0]


@pytest.mark.parametrize("line", [REFRESH, "GET /oauth2/validate"])
async def test_a_rate_limit_ends_no_login(line: str, hosts: Hosts, twitch: LocalTwitch) -> None:
    bot = await guest_of(hosts)
    if line == REFRESH:
        twitch.expire("me")
    token_of(bot)["last_validated"] = "2026-01-01T00:00:00"
    twitch.faults.add(line, faults.rate_limited(5))
    with pytest.raises(twitchio.HTTPException):
        await bot.http._revalidate_all()  # pyright: ignore[reportPrivateUsage]
    await ask(bot)
    assert (twitch.spent_twice, twitch.refreshes["me"]) == ([], int(line == REFRESH))


async def test_our_own_bot_is_left_alone(
    twitch: LocalTwitch,
    store: Store,
    settings_for: Callable[..., Settings],
    log_in: Callable[..., Awaitable[None]],
    client_id: str,
) -> None:
    await log_in("me")
    async with Service.running(settings_for(), store) as service:
        await twitch.wait_subscribed("me", "me")
        bot = service.bots[client_id]
        assert COGS in bot.modules
        assert "refresh_token" not in vars(bot.http)
