"""What is set on the page takes effect at once, and `back to the default` undoes it; no chat session ends for it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from colorchanger_bot.errors import ConfigError
from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.service.service import Service
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.settings.passwords import matches
from colorchanger_bot.settings.preferences import TABLES
from colorchanger_bot.store.store import Store
from colorchanger_bot.wiring import attachment_of
from tests.fakes import until
from tests.service.test_service import LogIn, SettingsFor

ME = "accounts.{me}."
VALUES: dict[str, tuple[Any, Any]] = {
    "app.client_id": ("another", "another"),
    "app.client_secret": ("s3cret", "***"),
    "color.enabled": (False, False),
    "color.strategy": ("rainbow", "rainbow"),
    "color.cooldown": (2, 2.0),
    "color.theme": ("dark", "dark"),
    "color.min_contrast": (2, 2.0),
    "color.min_step": (0.1, 0.1),
    "color.hex": ("never", "never"),
    "color.restore": (False, False),
    "color.colors": (["red", "#F80"], ["red", "#FF8800"]),
    "color.base": ("hot pink", "hot_pink"),
    "color.step": (30, 30.0),
    "color.reverse": (True, True),
    "color.start": (90, 90.0),
    "color.order": ("shuffle", "shuffle"),
    "color.steps": (5, 5),
    "color.period": ("clock", "clock"),
    "color.delay": ([0, 0.2], [0.0, 0.2]),
    "commands.enabled": (False, False),
    "commands.prefix": ("?", "?"),
    "commands.name": ("paint", "paint"),
    "commands.aliases": (["colr"], ["colr"]),
    "commands.allow": (["self", "moderators"], ["self", "moderators"]),
    "commands.owner": ("friend", "friend"),
    "commands.reply": ("never", "never"),
    "log.level": ("WARNING", "WARNING"),
    "web.password": ("correct horse", "***"),
}
"""For each key of the page: what is given, and what it says in the settings then."""


def test_every_key_of_the_page_is_tried() -> None:
    assert {f"{table}.{key}" for table, keys in TABLES.items() for key in keys} == VALUES.keys()


@pytest.fixture
async def service(
    twitch: LocalTwitch, client_id: str, store: Store, store_url: str, log_in: LogIn
) -> AsyncIterator[Service]:
    """A service whose settings set nothing that the page can set."""
    await log_in("me")
    twitch.add_user("friend", "#FF0000")
    where = {"api_url": twitch.api_url, "id_url": twitch.id_url, "eventsub_url": twitch.eventsub_url}
    async with Service.running(Settings.of({"twitch": where, "storage": {"url": store_url}}), store) as running:
        await twitch.wait_subscribed("me", "me")
        yield running


def subscriptions(twitch: LocalTwitch) -> set[tuple[str, str]]:
    """Which channel is read over which connection, by the ids that Twitch gave."""
    return {(each.id, each.session_id) for each in twitch.subscriptions}


def origin_of(service: Service, name: str) -> str:
    return service.live_settings.origins([name], [*service.keeper])[name]


def value_of(settings: Settings, name: str) -> object:
    table, _, key = name.partition(".")
    return getattr(settings, table).model_dump(mode="json")[key]


@pytest.mark.parametrize("name", VALUES)
async def test_a_key_is_set_kept_and_undone(name: str, service: Service, store: Store) -> None:
    given, expected = VALUES[name]
    before, origin = value_of(service.settings, name), origin_of(service, name)
    told: list[Settings] = []
    service.on_settings(told.append)
    await service.change_preferences({name: given})
    assert value_of(service.settings, name) == expected
    assert value_of(told[-1], name) == expected
    assert origin_of(service, name) == "the page"
    assert [*await store.preferences()] == [name]
    await service.change_preferences({}, [name])
    assert value_of(service.settings, name) == before
    assert origin_of(service, name) == origin == "default"
    assert await store.preferences() == {}


async def test_what_was_set_is_in_force_after_a_restart(
    store: Store, settings_for: SettingsFor, log_in: LogIn, twitch: LocalTwitch
) -> None:
    await log_in("me")
    me = twitch.user("me").id
    async with Service.running(settings_for(), store) as service:
        await service.change_preferences({"color.strategy": "rainbow", f"accounts.{me}.color.cooldown": 7})
    async with Service.running(settings_for(), store) as service:
        await until(lambda: me in service.changer)
        assert service.changer[me].settings.strategy == "rainbow"
        assert service.changer[me].settings.cooldown == 7.0
        assert service.changer[me].strategy.name == "rainbow"


async def test_colours_change_for_all_or_for_one(service: Service, twitch: LocalTwitch) -> None:
    me = twitch.user("me").id
    painter = service.changer[me]
    await service.change_preferences({"color.strategy": "palette", "color.colors": ["blue", "green"], "color.delay": 0})
    await twitch.say("me", in_="me", text="hello")
    await twitch.wait_for(lambda: twitch.color_changes)
    assert twitch.color_changes[-1].color.lower() in ("blue", "green", "#0000ff", "#008000")
    await service.change_preferences({f"accounts.{me}.color.strategy": "hold", f"accounts.{me}.color.base": "coral"})
    assert painter.settings.strategy == "hold"
    await service.change_preferences({}, [f"accounts.{me}.color.strategy", f"accounts.{me}.color.base"])
    assert painter.settings.strategy == "palette"
    await service.change_preferences({f"accounts.{me}.color.enabled": False})
    assert not painter.settings.enabled


async def test_channels_come_and_go_without_a_new_connection(service: Service, twitch: LocalTwitch) -> None:
    me = twitch.user("me").id
    before = subscriptions(twitch)
    await service.change_preferences({f"accounts.{me}.channels": ["me", "friend"]})
    await twitch.wait_subscribed("me", "friend")
    await service.change_preferences({}, [f"accounts.{me}.channels"])
    await until(lambda: subscriptions(twitch) == before)


async def test_the_command_has_its_new_name_at_once(service: Service, twitch: LocalTwitch) -> None:
    me = service.changer[twitch.user("me").id]
    await service.change_preferences({"commands.prefix": "?", "commands.name": "paint"})
    await twitch.say("me", in_="me", text="!color off")
    await twitch.say("me", in_="me", text="?paint rainbow")
    await until(lambda: me.settings.strategy == "rainbow")
    assert me.settings.enabled
    await service.change_preferences({"commands.enabled": False})
    await twitch.say("me", in_="me", text="?paint off")
    await until(lambda: me.messages == 2)
    assert me.settings.enabled


async def test_who_may_command_changes_at_once(service: Service, twitch: LocalTwitch) -> None:
    me = service.changer[twitch.user("me").id]
    await service.change_preferences({"commands.allow": ["self", "owner"], "commands.owner": "friend"})
    (bot,) = service.bots.values()
    owner = attachment_of(bot).owner
    assert owner is not None
    await until(lambda: owner.id == twitch.user("friend").id)
    await twitch.say("friend", in_="me", text="!color rainbow")
    await until(lambda: me.settings.strategy == "rainbow")
    await service.change_preferences({}, ["commands.allow", "commands.owner"])
    assert attachment_of(bot).owner is None


async def test_what_is_set_in_chat_wins_until_it_is_dropped(service: Service, twitch: LocalTwitch) -> None:
    painter = service.changer[twitch.user("me").id]
    await painter.adjust(strategy="presets")
    await service.change_preferences({"color.strategy": "daily", "color.cooldown": 3})
    assert (painter.settings.strategy, painter.settings.cooldown) == ("presets", 3.0)
    assert painter.set_in_chat == ("strategy",)
    await painter.follow_settings()
    assert (painter.settings.strategy, painter.set_in_chat) == ("daily", ())


async def test_what_cannot_be_set_changes_nothing(service: Service, store: Store, twitch: LocalTwitch) -> None:
    before = service.settings
    wrong: dict[str, Any] = {
        "color.strategy": "palette",
        "color.delay": [5, 1],
        "storage.url": "sqlite:///elsewhere",
        "accounts.99.channels": ["a"],
    }
    for name, value in wrong.items():
        with pytest.raises(ConfigError) as caught:
            await service.change_preferences({"color.cooldown": 5, name: value})
        assert len(caught.value.problems) == 1
    assert service.settings == before
    assert await store.preferences() == {}


async def test_a_key_of_the_file_is_not_set_on_the_page(store: Store, settings_for: SettingsFor, log_in: LogIn) -> None:
    await log_in("me")
    async with Service.running(settings_for(color={"strategy": "daily"}), store) as service:
        with pytest.raises(ConfigError, match=r"color\.strategy is set in code: change it there"):
            await service.change_preferences({"color.strategy": "rainbow"})
        assert service.settings.color.strategy == "daily"


async def test_the_password_is_kept_as_a_hash(service: Service, store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await service.change_preferences({"web.password": "correct horse"})
    kept = (await store.preferences())["web.password"]
    assert "correct horse" not in kept
    assert kept == service.settings.web.password.reveal()
    assert matches("correct horse", kept)
    assert not matches("correct hors", kept)
    assert "correct horse" not in caplog.text
    assert kept not in caplog.text
    await service.change_preferences({"web.password": ""})
    assert await store.preferences() == {}


async def test_a_log_out_takes_the_preferences_along(service: Service, store: Store, twitch: LocalTwitch) -> None:
    me = twitch.user("me").id
    await service.change_preferences({f"accounts.{me}.color.cooldown": 5, "color.cooldown": 1})
    (login,) = service.keeper
    await store.forget_login(login.id)
    await service.keeper.load()
    await until(lambda: [*service.live_settings.preferences] == ["color.cooldown"])
