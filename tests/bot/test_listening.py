"""Our chat session in somebody else's bot: it hears what TwitchIO's would have missed, with the bot's own token."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest
import twitchio
from twitchio.ext import commands
from twitchio.http import Route

from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.wiring import attach
from tests.conftest import SCOPES
from tests.fakes import until

COG = "colorchanger_bot.cogs.color_changer"


@pytest.fixture(autouse=True)
def _endpoints(twitch: LocalTwitch) -> Iterator[None]:
    real = Route.BASE, Route.ID_BASE
    Route.BASE, Route.ID_BASE = f"{twitch.api_url}/", f"{twitch.id_url}/"
    yield
    Route.BASE, Route.ID_BASE = real


class Host(commands.Bot):
    """A bot that subscribes to nothing, and counts what it hears."""

    heard = 0

    async def event_message(self, payload: twitchio.ChatMessage) -> None:
        self.heard += 1


@pytest.fixture
async def host(twitch: LocalTwitch) -> AsyncIterator[Host]:
    user = twitch.add_user("me", "#FF0000", turbo=True)
    twitch.add_user("stranger")
    app = twitch.add_app(client_secret="the-host-s-secret")
    pair = twitch.issue_tokens("me", app.client_id, SCOPES)
    bot = Host(client_id=app.client_id, client_secret=app.client_secret, bot_id=user.id, prefix="!")
    where = {"api_url": twitch.api_url, "id_url": twitch.id_url, "eventsub_url": twitch.eventsub_url}
    attach(bot, settings=Settings.of({"color": {"delay": 0}, "twitch": where}), listen=True)
    running = asyncio.create_task(bot.start(with_adapter=False, load_tokens=False, save_tokens=False))
    await bot.wait_until_ready()
    await bot.add_token(pair.access, pair.refresh)
    await bot.load_module(COG)
    yield bot
    await bot.close()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_an_own_message_is_heard_and_answered_with_a_colour(host: Host, twitch: LocalTwitch) -> None:
    await twitch.wait_subscribed("me", "me")
    await twitch.say("me", in_="me", text="hello")
    await twitch.wait_for(lambda: twitch.color_changes)


async def test_the_other_cogs_of_the_bot_hear_everybody(host: Host, twitch: LocalTwitch) -> None:
    await twitch.wait_subscribed("me", "me")
    await twitch.say("stranger", in_="me", text="hello")
    await until(lambda: host.heard == 1)
    assert twitch.color_changes == []


@pytest.mark.parametrize("code", [4001, 4003])
async def test_what_makes_twitchio_deaf_is_healed(code: int, host: Host, twitch: LocalTwitch) -> None:
    await twitch.wait_subscribed("me", "me")
    await twitch.eventsub.close_all(code)
    await twitch.wait_subscribed("me", "me", timeout=2)
    await twitch.say("me", in_="me", text="hello")
    await twitch.wait_for(lambda: twitch.color_changes)


async def test_a_token_that_expired_is_renewed_by_twitchio(host: Host, twitch: LocalTwitch) -> None:
    await twitch.wait_subscribed("me", "me")
    twitch.expire("me")
    await twitch.eventsub.close_all(4000)
    await twitch.wait_subscribed("me", "me")
    assert twitch.refreshes == {"me": 1}


async def test_unloading_ends_the_session_and_reloading_begins_it_anew(host: Host, twitch: LocalTwitch) -> None:
    await twitch.wait_subscribed("me", "me")
    await host.unload_module(COG)
    await twitch.wait_for(lambda: not twitch.subscriptions)
    assert [task for task in asyncio.all_tasks() if " of me" in task.get_name()] == []
    await host.load_module(COG)
    await twitch.wait_subscribed("me", "me")
