"""What a host lacks for its colours is said once, with what to do; and nothing is said that is not so."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any

import pytest
import twitchio
from aiohttp import web
from twitchio import eventsub
from twitchio.ext import commands

from colorchanger_bot.sandbox import App, LocalTwitch, faults
from colorchanger_bot.wiring import attach, attachment_of
from tests.fakes import until
from tests.hosts import COGS, SUBSCRIPTIONS, Host, Hosts, listing, quick, subscription

COLOR, READ, REPLY = "user:manage:chat_color", "user:read:chat", "user:write:chat"
GRACE_SECONDS = 0.2
OAUTH = "http://localhost:4343/oauth?scopes="


def said(caplog: pytest.LogCaptureFixture, *, least: int = logging.WARNING) -> list[str]:
    ours = [record for record in caplog.records if record.name.endswith("bot.checkup") and record.levelno >= least]
    assert {getattr(record, "account", "") for record in ours} <= {"me", "second", "the bot"}
    return [record.getMessage() for record in ours]


async def load(bot: commands.Bot) -> None:
    """Load the cogs into a bot that is looked at soon."""
    guest = attachment_of(bot).guest
    assert guest is not None
    guest.checkup.grace_seconds = GRACE_SECONDS
    await bot.load_module(COGS)


async def looked() -> None:
    """Long enough for the look that follows a load or an event."""
    await asyncio.sleep(GRACE_SECONDS + 0.4)


class TestTokens:
    async def test_no_token(self, hosts: Hosts, caplog: pytest.LogCaptureFixture) -> None:
        bot = await hosts.start(scopes=())
        await load(bot)
        await until(lambda: said(caplog))
        line = said(caplog)[0]
        assert f"no token of me ({bot.channel.id})" in line
        assert f"{OAUTH}{COLOR}+{READ}+{REPLY}&force_verify=true" in line

    async def test_a_missing_scope_and_the_address_that_keeps_the_scopes_of_the_host(
        self, hosts: Hosts, caplog: pytest.LogCaptureFixture
    ) -> None:
        bot = await hosts.start(scopes=(READ, "bits:read"))
        await load(bot)
        await bot.read(bot.channel.id)
        await until(lambda: said(caplog))
        (line,) = said(caplog)
        assert f"the token of me lacks {COLOR} (to change your colour) and {REPLY}" in line
        assert f"{OAUTH}bits:read+{COLOR}+{READ}+{REPLY}" in line

    async def test_no_more_scopes_are_asked_for_than_are_used(
        self, hosts: Hosts, caplog: pytest.LogCaptureFixture
    ) -> None:
        bot = await hosts.start(scopes=(READ, COLOR))
        attach(bot, settings=quick(commands={"reply": "never"}))
        await load(bot)
        await bot.read(bot.channel.id)
        await looked()
        assert said(caplog) == []

    async def test_an_account_that_the_settings_list_by_its_id(
        self, hosts: Hosts, caplog: pytest.LogCaptureFixture
    ) -> None:
        bot = await hosts.start()
        attach(bot, settings=quick(accounts=[{"login": int(bot.channel.id)}]))
        await load(bot)
        await bot.read(bot.channel.id)
        await looked()
        assert said(caplog) == []

    async def test_an_account_in_the_settings_that_is_not_the_bots(
        self, hosts: Hosts, caplog: pytest.LogCaptureFixture
    ) -> None:
        bot = await hosts.start()
        attach(bot, settings=quick(accounts=[{"login": "me"}, {"login": "oldname"}]))
        await load(bot)
        await bot.read(bot.channel.id)
        await until(lambda: said(caplog))
        assert said(caplog) == [
            "the settings list oldname, but colours change here only for me: correct the name, it may have changed at "
            "Twitch"
        ]

    async def test_a_public_application_logs_in_by_device_code(
        self, hosts: Hosts, caplog: pytest.LogCaptureFixture
    ) -> None:
        bot = await hosts.start(public=True, scopes=(READ,))
        await load(bot)
        await bot.read(bot.channel.id)
        await until(lambda: said(caplog))
        assert "login_dcf(scopes=..., force_flow=True)" in said(caplog)[0]
        assert "4343" not in said(caplog)[0]

    @pytest.mark.parametrize("status", [403, 500])
    async def test_scopes_that_nobody_tells_are_not_missed(
        self, status: int, hosts: Hosts, twitch: LocalTwitch, caplog: pytest.LogCaptureFixture
    ) -> None:
        bot = await hosts.start(scopes=(READ,))
        twitch.faults.add("GET /oauth2/validate", faults.status(status), times=None)
        await load(bot)
        await bot.read(bot.channel.id)
        await looked()
        assert said(caplog) == []

    async def test_a_token_that_is_refused_is_not_refreshed_to_look_at_it(
        self, hosts: Hosts, twitch: LocalTwitch, caplog: pytest.LogCaptureFixture
    ) -> None:
        bot = await hosts.start(scopes=(READ,))
        twitch.expire("me")
        await load(bot)
        await looked()
        assert (twitch.refreshes["me"], [line for line in said(caplog) if "lacks" in line]) == (0, [])

    async def test_another_managed_account(
        self, hosts: Hosts, twitch: LocalTwitch, caplog: pytest.LogCaptureFixture
    ) -> None:
        bot = await hosts.start()
        second = twitch.add_user("second")
        attached = attach(bot, settings=quick())
        await attached.changer.manage(second.id, "second", quick().color)
        await load(bot)
        await bot.read(bot.channel.id)
        await until(lambda: said(caplog))
        assert [line.partition(",")[0] for line in said(caplog)] == [f"no token of second ({second.id})"]


class TestChat:
    async def test_no_subscription(self, hosts: Hosts, caplog: pytest.LogCaptureFixture) -> None:
        bot = await hosts.start()
        await load(bot)
        await until(lambda: said(caplog))
        (line,) = said(caplog)
        assert "no chat subscription for the channel me" in line
        assert "ChatMessageSubscription(broadcaster_user_id=bot.bot_id, user_id=bot.bot_id)" in line

    async def test_one_for_other_channels_only_is_a_hint(
        self, hosts: Hosts, twitch: LocalTwitch, caplog: pytest.LogCaptureFixture
    ) -> None:
        bot = await hosts.start()
        await load(bot)
        await bot.read(twitch.add_user("friend").id)
        await until(lambda: said(caplog, least=logging.INFO))
        assert said(caplog) == []
        assert "no chat subscription for the channel me" in said(caplog, least=logging.INFO)[0]

    async def test_our_own_session_needs_none(self, hosts: Hosts, caplog: pytest.LogCaptureFixture) -> None:
        bot = await hosts.start()
        attach(bot, settings=quick(), listen=True)
        await load(bot)
        await looked()
        assert said(caplog, least=logging.INFO) == []

    @pytest.mark.parametrize("method", ["conduit", "webhook"])
    async def test_one_over_a_conduit_or_a_webhook(
        self, method: str, hosts: Hosts, twitch: LocalTwitch, caplog: pytest.LogCaptureFixture
    ) -> None:
        bot = await hosts.start()
        twitch.faults.add(SUBSCRIPTIONS, listing(subscription(bot.channel.id, method)), times=None)
        await load(bot)
        await looked()
        assert said(caplog, least=logging.INFO) == []

    async def test_one_that_twitch_has_ended_is_none(
        self, hosts: Hosts, twitch: LocalTwitch, caplog: pytest.LogCaptureFixture
    ) -> None:
        bot = await hosts.start()
        ended = subscription(bot.channel.id, status="authorization_revoked")
        twitch.faults.add(SUBSCRIPTIONS, listing(ended), times=None)
        await load(bot)
        await until(lambda: said(caplog))
        assert "no chat subscription" in said(caplog)[0]

    @pytest.mark.parametrize("fault", [faults.status(500), faults.garbage(), faults.drop()])
    async def test_what_twitch_does_not_tell_is_not_claimed(
        self, fault: faults.Action, hosts: Hosts, twitch: LocalTwitch, caplog: pytest.LogCaptureFixture
    ) -> None:
        bot = await hosts.start()
        twitch.faults.add(SUBSCRIPTIONS, fault, times=None)
        await load(bot)
        await looked()
        assert said(caplog, least=logging.INFO) == []

    async def test_an_autobot(self, hosts: Hosts, twitch: LocalTwitch, caplog: pytest.LogCaptureFixture) -> None:
        async def conduits(_request: web.Request, _handler: Any) -> web.StreamResponse:
            return web.json_response({"data": [{"id": "conduit", "shard_count": 1}], "errors": []})

        twitch.faults.add("* /helix/eventsub/conduits*", conduits, times=None)
        twitch.faults.add(SUBSCRIPTIONS, listing(), times=None)
        bot = await hosts.start(AutoHost, scopes=(COLOR, REPLY))
        await load(bot)
        await until(lambda: said(caplog))
        (line,) = said(caplog)  # and nothing of user:read:chat, which a conduit needs in another way
        assert "no chat subscription for the channel me" in line


class AutoHost(Host, commands.AutoBot):
    """Has its chat from a conduit."""


class Starting(Host):
    """Does as most bots do: first the cogs, then the tokens, then the subscriptions, each of which takes a while."""

    pair: Any = None

    async def setup_hook(self) -> None:
        await load(self)
        await looked()
        await self.add_token(self.pair.access, self.pair.refresh)
        await looked()
        await self.read(self.channel.id)


class Late(Host):
    """Adds its token and subscribes only when it is ready."""

    pair: Any = None

    async def setup_hook(self) -> None:
        await load(self)

    async def event_ready(self) -> None:
        await self.add_token(self.pair.access, self.pair.refresh)
        await self.read(self.channel.id)


class TestWhen:
    @pytest.mark.parametrize("kind", [Starting, Late])
    async def test_nothing_is_said_of_a_bot_that_is_still_starting(
        self, kind: Any, hosts: Hosts, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = hosts.app()
        bot: Any = hosts.make(kind, "me", app)
        bot.pair = hosts.pair("me", app)
        running = asyncio.create_task(bot.start(with_adapter=False, load_tokens=False, save_tokens=False))
        async with bot:
            await bot.wait_until_ready()
            await looked()
            assert said(caplog, least=logging.INFO) == []
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    async def test_cogs_that_are_loaded_before_the_start(self, hosts: Hosts, caplog: pytest.LogCaptureFixture) -> None:
        app = hosts.app()
        bot = hosts.make(Host, "me", app)
        async with bot:
            await load(bot)
            await looked()
            assert said(caplog, least=logging.INFO) == []
            await bot.login(load_tokens=False, save_tokens=False)
            bot.dispatch("ready")
            await until(lambda: len(said(caplog, least=logging.INFO)) == 2)
            assert len(said(caplog)) == 1  # it may subscribe when it has a token
            pair = hosts.pair("me", app)
            await bot.add_token(pair.access, pair.refresh)
            bot.dispatch("oauth_authorized", authorized(pair.access, pair.refresh))
            await until(lambda: len(said(caplog)) == 2)

    async def test_it_is_said_once_whatever_happens_and_again_when_it_comes_back(
        self, hosts: Hosts, caplog: pytest.LogCaptureFixture
    ) -> None:
        bot = await hosts.start(scopes=(READ,))
        await load(bot)
        await bot.read(bot.channel.id)
        await until(lambda: said(caplog))
        for event in ("ready", None):
            if event:
                bot.dispatch(event)
            else:
                await bot.reload_module(COGS)
            await looked()
        assert len(said(caplog)) == 1
        whole, less = hosts.pair("me", App(bot.http.client_id)), hosts.pair("me", App(bot.http.client_id), (READ,))
        for pair, lines in ((whole, 1), (less, 2)):
            await bot.add_token(pair.access, pair.refresh)
            bot.dispatch("oauth_authorized", authorized(pair.access, pair.refresh))
            await looked()
            assert len(said(caplog)) == lines

    async def test_the_logins_of_other_people_are_no_reason_to_look(self, hosts: Hosts, twitch: LocalTwitch) -> None:
        bot = await hosts.start()
        await load(bot)
        await bot.read(bot.channel.id)
        await looked()
        asked = len(twitch.requests)
        data: Any = {"user_id": "77", "token": "a", "refresh_token": "b", "scopes": twitchio.Scopes(), "expires_in": 9}
        bot.dispatch("token_refreshed", twitchio.TokenRefreshedPayload(data))
        await looked()
        assert len(twitch.requests) == asked

    async def test_nothing_is_left_when_the_cogs_are_gone(self, hosts: Hosts, caplog: pytest.LogCaptureFixture) -> None:
        bot = await hosts.start(scopes=())
        await load(bot)
        await bot.unload_module(COGS)
        bot.dispatch("ready")
        await looked()
        assert said(caplog) == []


def authorized(access: str, refresh: str) -> twitchio.authentication.UserTokenPayload:
    raw: Any = {"access_token": access, "refresh_token": refresh, "expires_in": 9, "scope": [], "token_type": "bearer"}
    return twitchio.authentication.UserTokenPayload(raw)


class ByDeviceCode(Host):
    """Has no account until a person has said yes to its code."""

    def __init__(self, twitch: LocalTwitch, login: str, app: App, **options: Any) -> None:
        super().__init__(twitch, login, app, bot_id=None, **options)

    async def setup_hook(self) -> None:
        attach(self, settings=quick())
        await load(self)

    async def event_ready(self) -> None:
        own = eventsub.ChatMessageSubscription(broadcaster_user_id=self.bot_id, user_id=self.bot_id)
        await self.subscribe_websocket(own, as_bot=True)


async def test_a_bot_that_logs_in_by_device_code(
    hosts: Hosts, twitch: LocalTwitch, caplog: pytest.LogCaptureFixture
) -> None:
    bot = hosts.make(ByDeviceCode, "me", hosts.app(public=True))
    scopes = twitchio.Scopes([READ, COLOR, REPLY])
    async with bot:
        code: Any = await bot.login_dcf(load_token=False, save_token=False, scopes=scopes)
        await looked()
        assert said(caplog) == []
        twitch.approve_device(code["user_code"], "me")
        await bot.start_dcf(device_code=code["device_code"], interval=1, scopes=scopes, block=False)
        await twitch.wait_subscribed("me", "me")
        await twitch.say("me", in_="me", text="hello")
        await twitch.wait_for(lambda: twitch.color_changes)
        await looked()
        assert (said(caplog), bot.errors) == ([], [])


async def test_a_bot_without_an_account(hosts: Hosts, caplog: pytest.LogCaptureFixture) -> None:
    bot = await hosts.start(bot_id=None)
    await load(bot)
    await looked()
    assert said(caplog) == []  # it may still get one
    bot.dispatch("ready")
    await until(lambda: said(caplog))
    assert said(caplog) == ["the bot has no account (bot_id): nobody gets colours here"]
