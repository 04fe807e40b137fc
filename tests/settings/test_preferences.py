"""What was set on the page takes effect where nothing else says so, and never breaks what else is set."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from colorchanger_bot.errors import ConfigError
from colorchanger_bot.settings.keys import leaf_keys
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.settings.preferences import is_key, with_preferences
from colorchanger_bot.settings.show import origins
from tests.settings.conftest import Loader

LOGINS = {"1": "bob", "2": "ann"}
VALUES: dict[str, tuple[Any, Any]] = {
    "app.client_id": ("abc123", "abc123"),
    "color.delay": ([2, 4], (2.0, 4.0)),
    "color.strategy": ("rainbow", "rainbow"),
    "color.step": (40, 40.0),
    "commands.prefix": ("?", "?"),
    "commands.aliases": (["colr"], ("colr",)),
    "commands.allow": (["self", "moderators"], ("self", "moderators")),
    "log.level": ("debug", "DEBUG"),
}


def value_of(settings: Settings, name: str) -> object:
    table, _, key = name.partition(".")
    return getattr(getattr(settings, table), key)


def test_an_empty_password_in_the_file_leaves_it_to_the_page(read: Loader) -> None:
    text = '[web]\nenabled = true\nhost = "0.0.0.0"\npassword = ""'
    (line,) = read(text).obstacles()
    assert line.endswith('web.password is empty, and web.host = "0.0.0.0" lets others in: set web.password')
    settings = with_preferences(read(text), {"web.password": "correct horse"}, {})
    assert settings.web.password.reveal() == "correct horse"
    assert [*settings.obstacles()] == []
    assert origins(settings)["web.password"] == "the page"


@pytest.mark.parametrize("name", VALUES)
def test_a_preference_replaces_the_default(name: str, read: Loader) -> None:
    given, expected = VALUES[name]
    settings = with_preferences(read(""), {name: given}, {})
    assert value_of(settings, name) == expected
    assert origins(settings)[name] == "the page"
    assert settings.notes == ()


def test_the_file_and_the_environment_win_over_a_preference(read: Loader) -> None:
    settings = read("[color]\nstrategy = 'daily'\n", COLORCHANGER_COLOR__DELAY="5")
    both = with_preferences(settings, {"color.strategy": "rainbow", "color.delay": 9, "color.cooldown": 7}, {})
    assert (both.color.strategy, both.color.delay, both.color.cooldown) == ("daily", (5.0, 5.0), 7.0)
    assert origins(both) == {
        "color.strategy": "line 2",
        "color.delay": "COLORCHANGER_COLOR__DELAY",
        "color.cooldown": "the page",
    }


def test_an_account_has_preferences_by_its_user_id(read: Loader) -> None:
    settings = read("[color]\ncooldown = 3\n[[accounts]]\nlogin = 'ann'\nchannels = ['here']\n")
    both = with_preferences(
        settings,
        {"accounts.1.channels": ["there"], "accounts.2.channels": ["else"], "accounts.2.color.cooldown": 9},
        LOGINS,
    )
    bob, ann = both.account("bob"), both.account("ann")
    assert bob is not None
    assert ann is not None
    assert (bob.channels, ann.channels) == (("there",), ("here",))
    assert (both.color_for("bob").cooldown, both.color_for("ann").cooldown) == (3.0, 9.0)
    assert origins(both)["accounts[ann].color.cooldown"] == "the page"


def test_a_renamed_account_keeps_both_kinds_of_settings(read: Loader) -> None:
    settings = read("[[accounts]]\nlogin = 'old'\nchannels = ['here']\n").bound_to([("bob", ("old",))])
    both = with_preferences(settings, {"accounts.1.color.cooldown": 9}, LOGINS)
    bob = both.account("bob")
    assert bob is not None
    assert (bob.login, bob.channels, both.color_for("bob").cooldown) == ("old", ("here",), 9.0)
    assert len(both.accounts) == 1


def test_preferences_of_an_account_that_is_gone_have_no_effect(read: Loader) -> None:
    settings = with_preferences(read(""), {"accounts.7.channels": ["there"]}, LOGINS)
    assert (settings.accounts, settings.notes) == ((), ())


def test_what_does_not_fit_is_left_out_and_noted(read: Loader) -> None:
    preferences = {
        "color.strategy": "palette",  # it needs colours
        "log.level": "DEBUG",
        "commands.prefix": "a b",
        "accounts.1.color.cooldown": -1,
        "accounts.2.color.cooldown": 9,
        "color.tempo": 3,
    }
    settings = with_preferences(read(""), preferences, LOGINS)
    assert (settings.log.level, settings.color.strategy, settings.commands.prefix) == ("DEBUG", "random", "!")
    assert settings.color_for("ann").cooldown == 9.0
    notes = sorted(settings.notes)
    assert [note.partition(" not used: ")[2].split()[0] for note in notes] == [
        "accounts[bob].color.cooldown",
        "color.colors:",
        "color.tempo:",
        "commands.prefix",
    ]


def test_one_that_has_to_fit_says_all_that_is_wrong(read: Loader) -> None:
    with pytest.raises(ConfigError) as caught:
        with_preferences(read(""), {"color.delay": [5, 1], "log.level": "loud"}, {}, must_fit=True)
    assert caught.value.problems == [
        "color.delay = [5, 1]: the first number is larger than the second; write [1.0, 5.0]",
        'log.level = "loud": write "DEBUG" or "INFO" or "WARNING" or "ERROR"',
    ]


def test_a_secret_is_in_no_message(read: Loader) -> None:
    with pytest.raises(ConfigError) as caught:
        with_preferences(read(""), {"app.client_secret": "se cret"}, {}, must_fit=True)
    assert "se cret" not in str(caught.value)


def test_programs_addresses_and_tokens_cannot_be_set_on_the_page() -> None:
    kept = {".".join(map(str, key)) for key, _ in leaf_keys(Settings)} - {"accounts"}
    closed = {name for name in kept if not is_key(name)}
    assert {name.partition(".")[0] for name in closed} >= {"cogs", "storage", "twitch", "reading", "community"}
    assert not any(name.startswith(("color.", "commands.", "app.")) for name in closed)
    assert not any(is_key(f"accounts.1.{key}") for key in ("access_token", "refresh_token", "client_id", "login"))
    assert not any(map(is_key, ("accounts.bob.channels", "accounts.1.color", "color", "color.", "", "web.host")))


_values = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=5), st.lists(st.text(max_size=5)))
_names = st.sampled_from(
    [*VALUES, "color.base", "color.colors", "web.password", "accounts.1.color.colors", "accounts.2.channels", "x"]
)


@hypothesis_settings(deadline=None)
@given(preferences=st.dictionaries(_names, _values, max_size=6))
def test_whatever_was_kept_the_settings_can_be_used(preferences: dict[str, Any]) -> None:
    base = Settings.of({"color": {"strategy": "daily"}, "accounts": [{"login": "ann"}]})
    settings = with_preferences(base, preferences, LOGINS)
    assert settings.color.strategy == "daily"
    assert base == Settings.of({"color": {"strategy": "daily"}, "accounts": [{"login": "ann"}]})
