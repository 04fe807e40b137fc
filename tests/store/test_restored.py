"""A backup that takes the place of a store ends no login, whether the bot is stopped or running."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiohttp import web

from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.service.service import Service
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Login, Store, TokenPair
from tests.conftest import SCOPES
from tests.fakes import until
from tests.stores import MADE_BY_0_1, backed_up, execute

SettingsFor = Callable[..., Settings]
REFRESH = "POST /oauth2/token"
ways = pytest.mark.parametrize("by_name", [False, True], ids=["cp", "mv"])


class Bot(NamedTuple):
    """A store with logins at the local Twitch, and how to run the bot on it."""

    twitch: LocalTwitch
    url: str
    client_id: str
    settings: Settings

    async def log_in(self, name: str) -> Login:
        user = self.twitch.add_user(name, "#FF0000", turbo=True)
        pair = self.twitch.issue_tokens(name, self.client_id, SCOPES)
        async with Store.open(self.url) as store:
            return await store.put_login(name, self.client_id, TokenPair(pair.access, pair.refresh), user.id)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[Service]:
        async with Store.open(self.url) as store, Service.running(self.settings, store) as service:
            for login in list(service.keeper):
                await self.twitch.wait_subscribed(login.login, login.login)
            yield service

    async def stored(self) -> dict[str, tuple[str, bool]]:
        async with Store.open(self.url) as store:
            return {login.login: (login.pair.access, login.doubt) for login in await store.logins()}

    async def changes_colors(self, name: str = "me") -> None:
        before = len(self.twitch.color_changes)
        await self.twitch.say(name, in_=name, text="hello")
        await self.twitch.wait_for(lambda: len(self.twitch.color_changes) > before)


@pytest.fixture
async def bot(twitch: LocalTwitch, url: str, client_id: str, settings_for: SettingsFor) -> Bot:
    return Bot(twitch, url, client_id, settings_for())


async def renewed(service: Service, name: str = "me") -> str:
    """Renew a login as after a 401, and use its access token; return it."""
    (login,) = (each for each in service.keeper if each.login == name)
    token = await service.keeper.renew(login.id, login.pair.access)
    service.keeper.worked(login.id, token)
    return token


@ways
async def test_a_backup_that_is_restored_while_the_bot_is_stopped_is_in_doubt(
    by_name: bool, bot: Bot, tmp_path: Path
) -> None:
    login = await bot.log_in("me")
    restore = backed_up(bot.url, tmp_path, by_name=by_name)
    async with bot.running() as service:
        assert await renewed(service) != login.pair.access
    restore()
    assert await bot.stored() == {"me": (login.pair.access, True)}
    async with bot.running() as service:
        assert await renewed(service) == login.pair.access, "it still works, so nothing is spent"
        await bot.changes_colors()
    assert bot.twitch.refreshes == {"me": 1}
    assert bot.twitch.spent_twice == []


async def test_a_store_that_nobody_restored_is_in_no_doubt(bot: Bot, tmp_path: Path) -> None:
    await bot.log_in("me")
    newest = ""
    for _ in range(2):
        async with bot.running() as service:
            newest = await renewed(service)
    assert await bot.stored() == {"me": (newest, False)}
    assert bot.twitch.refreshes == {"me": 2}


@ways
async def test_a_running_bot_writes_its_newer_pairs_into_a_backup_that_takes_the_place_of_its_store(
    by_name: bool, bot: Bot, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await bot.log_in("me")
    without_you = backed_up(bot.url, tmp_path, by_name=by_name)
    await bot.log_in("you")
    async with bot.running() as service:
        newest = {name: await renewed(service, name) for name in ("me", "you")}
        without_you()
        await until(lambda: "took the place of the store" in caplog.text, seconds=20)
        assert {login.login: login.pair.access for login in service.keeper} == newest
        await bot.changes_colors("me")
        await bot.changes_colors("you")
        newest["me"] = await renewed(service)
        assert not service.store.trouble
    assert [line for line in caplog.messages if "older copy" in line] == [
        "an older copy took the place of the store; wrote the newer logins back: me, you"
    ]
    assert "logged out" not in caplog.text
    assert {name: access for name, (access, _) in (await bot.stored()).items()} == newest
    assert bot.twitch.spent_twice == []


async def test_a_renewal_looks_for_a_backup_before_it_spends_anything(bot: Bot, tmp_path: Path) -> None:
    await bot.log_in("me")
    restore = backed_up(bot.url, tmp_path)
    async with bot.running() as service:
        await renewed(service)
        restore()
        newest = await renewed(service)  # at once: the watch has not looked yet
    assert await bot.stored() == {"me": (newest, False)}
    assert bot.twitch.refreshes == {"me": 2}
    assert bot.twitch.spent_twice == []


@pytest.mark.parametrize("logged_in", [True, False])
async def test_a_pair_that_is_issued_while_a_backup_is_restored_is_stored(
    logged_in: bool, bot: Bot, tmp_path: Path
) -> None:
    await bot.log_in("friend")
    restore = backed_up(bot.url, tmp_path)
    await bot.log_in("me")
    if logged_in:
        restore = backed_up(bot.url, tmp_path)
    async with bot.running() as service:
        await renewed(service)

        async def meanwhile(request: web.Request, handler: Any) -> web.StreamResponse:
            answer: web.StreamResponse = await handler(request)
            restore()
            return answer

        bot.twitch.faults.add(REFRESH, meanwhile)
        newest = await renewed(service)
    assert (await bot.stored())["me"] == (newest, False)
    assert bot.twitch.spent_twice == []


async def test_who_logs_in_on_a_restored_backup_is_not_undone(bot: Bot, tmp_path: Path) -> None:
    login = await bot.log_in("me")
    restore = backed_up(bot.url, tmp_path)
    async with bot.running() as service:
        await renewed(service)
        restore()
        pair = bot.twitch.issue_tokens("me", bot.client_id, SCOPES)
        now = service._clock.now().timestamp() + 1  # pyright: ignore[reportPrivateUsage]
        async with Store.open(bot.url) as store:
            made = TokenPair(pair.access, pair.refresh, issued_at=now)
            await store.put_login("me", bot.client_id, made, login.user_id)
        await until(lambda: next(iter(service.keeper)).pair.access == pair.access, seconds=20)
    assert await bot.stored() == {"me": (pair.access, False)}


async def test_a_store_that_is_being_restored_is_waited_for(bot: Bot, tmp_path: Path) -> None:
    login = await bot.log_in("me")
    restore = backed_up(bot.url, tmp_path)
    async with bot.running() as service:
        execute(bot.url, "DELETE FROM logins;\nDELETE FROM state")
        await until(lambda: "is not complete" in service.store.trouble, seconds=20)
        assert [each.login for each in service.keeper] == ["me"], "it was not logged out"
        restore()
        await until(lambda: not service.store.trouble, seconds=20)
    assert (await bot.stored())["me"][0] == login.pair.access


async def test_a_store_of_0_1_that_takes_the_place_of_a_running_one_is_brought_up_to_date(
    store_url: str, tmp_path: Path, twitch: LocalTwitch, client_id: str, settings_for: SettingsFor
) -> None:
    bot = Bot(twitch, store_url, client_id, settings_for())
    await bot.log_in("me")
    async with bot.running() as service:
        newest = await renewed(service)
        (tmp_path / "store.sqlite3").write_bytes((MADE_BY_0_1 / "plain.db").read_bytes())
        await until(lambda: len(list(service.keeper)) > 1, seconds=20)
        assert not service.store.trouble
    stored = await bot.stored()
    assert newest in {access for access, _ in stored.values()}
