"""Moving in from other programs: what fits is taken, the rest is said, and nothing is spent."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from colorchanger_bot.clock import SystemClock
from colorchanger_bot.errors import ConfigError
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.service.importer import Outcome, import_file, read
from colorchanger_bot.service.service import Service
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Store
from tests.conftest import SCOPES

SettingsFor = Callable[..., Settings]
SECRET = "s3cr3t0fth3app"


@pytest.fixture
def user(twitch: LocalTwitch) -> dict[str, Any]:
    """One user of a twitch_colorchanger.conf, with an application of its own."""
    twitch.add_user("me", turbo=True)
    twitch.add_user("afriend")
    app = twitch.add_app(client_secret=SECRET)
    pair = twitch.issue_tokens("me", app.client_id, SCOPES)
    return {
        "username": "Me",
        "client_id": app.client_id,
        "client_secret": SECRET,
        "access_token": pair.access,
        "refresh_token": pair.refresh,
        "token_expiry": "2024-01-01T00:00:00Z",
        "channels": ["#afriend", "#me"],
        "is_prime_or_turbo": True,
        "enabled": True,
    }


@pytest.fixture
def take(tmp_path: Path, store: Store, settings_for: SettingsFor) -> Callable[..., Any]:
    async def run(data: object, **sections: Any) -> list[Outcome]:
        path = tmp_path / "twitch_colorchanger.conf"
        path.write_text(json.dumps(data), encoding="utf-8")
        return await import_file(path, settings_for(**sections), store, clock=SystemClock())

    return run


async def test_a_user_is_taken_with_tokens_channels_and_application(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, take: Callable[..., Any], user: dict[str, Any]
) -> None:
    assert await take({"users": [user]}) == [Outcome("me", True, ("channels: afriend, me",))]
    (login,) = await store.logins()
    assert (login.login, login.user_id, login.channels) == ("me", twitch.user("me").id, ("afriend", "me"))
    twitch.expire("me")  # its application has a secret, which the bot needs right at the start
    async with Service.running(settings_for(app={}), store):
        await twitch.wait_subscribed("me", "afriend")
        await twitch.say("me", in_="afriend", text="hello")
        await twitch.wait_for(lambda: twitch.color_changes)


@pytest.mark.parametrize("shape", [lambda user: [user], lambda user: user], ids=["list", "one"])
async def test_the_older_shapes_of_the_file_are_known_too(
    shape: Callable[[Any], Any], take: Callable[..., Any], user: dict[str, Any]
) -> None:
    (outcome,) = await take(shape(user))
    assert outcome.taken


async def test_flags_are_taken_over(store: Store, take: Callable[..., Any], user: dict[str, Any]) -> None:
    (outcome,) = await take({"users": [user | {"enabled": False, "is_prime_or_turbo": False}]})
    assert "its colours are switched off, as they were" in outcome.notes
    (login,) = await store.logins()
    remembered = await store.recall(str(login.user_id))
    assert remembered.overrides == {"enabled": False}
    assert remembered.no_hex_until is not None


async def test_what_cannot_be_taken_is_said_for_each(
    twitch: LocalTwitch, store: Store, take: Callable[..., Any], user: dict[str, Any]
) -> None:
    outcomes = await take(
        {
            "users": [
                {"username": "nobody", "client_id": "abcdefghij", "channels": ["a"]},
                {"username": "an example", "access_token": "your_token_here"},
                "nonsense",
                {"username": "gone", "client_id": user["client_id"], "access_token": "a" * 30},
                user,
            ]
        }
    )
    assert [outcome.taken for outcome in outcomes] == [False, False, False, False, True]
    assert outcomes[0].line() == "nobody: not taken; there is no token; run: colorchanger login"
    assert outcomes[3].line() == "gone: not taken; its token has ended; run: colorchanger login"
    assert [login.login for login in await store.logins()] == ["me"]


async def test_a_login_that_works_is_not_replaced_and_a_second_import_changes_nothing(
    store: Store, take: Callable[..., Any], user: dict[str, Any]
) -> None:
    await take({"users": [user]})
    before = await store.logins()
    (outcome,) = await take({"users": [user | {"access_token": "a" * 30, "refresh_token": "b" * 50}]})
    assert "it is logged in here already" in outcome.line()
    assert await store.logins() == before


async def test_a_token_that_has_ended_is_taken_and_not_refreshed(
    twitch: LocalTwitch, store: Store, take: Callable[..., Any], user: dict[str, Any]
) -> None:
    twitch.expire("me")
    (outcome,) = await take({"users": [user]})
    assert outcome.taken
    assert twitch.refreshes.get("me", 0) == 0
    assert [login.login for login in await store.logins()] == ["me"]


async def test_without_twitch_an_import_works_too(
    twitch: LocalTwitch, store: Store, take: Callable[..., Any], user: dict[str, Any]
) -> None:
    twitch.faults.add("*", faults.drop(), times=None)
    (outcome,) = await take({"users": [user | {"enabled": False}]})
    assert outcome.taken
    assert any("is not taken over" in note for note in outcome.notes)


async def test_what_twitchio_saved_is_taken_by_the_name_that_twitch_tells(
    twitch: LocalTwitch, store: Store, take: Callable[..., Any], client_id: str
) -> None:
    user_id = twitch.add_user("me").id
    pair = twitch.issue_tokens("me", client_id, SCOPES[:1])
    row = {"user_id": user_id, "token": pair.access, "refresh": pair.refresh, "last_validated": "2026-01-01"}
    (outcome,) = await take({user_id: row})
    assert outcome.line().startswith("me: taken; the login lacks user:manage:chat_color")
    (login,) = await store.logins()
    assert (login.login, login.client_id, login.pair.access) == ("me", client_id, pair.access)


@pytest.mark.parametrize("content", ["", "nonsense", "[]", "{}", '{"users": {}}', '{"a": {"b": 1}}', "[" * 99999, "7"])
def test_a_file_of_something_else_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError):
        read(path)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["username", "channels", "access_token", "refresh_token", "token", "users", "client_id"]),
            inner,
        )
    ),
    max_leaves=12,
)


@given(data=_json)
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_whatever_a_file_says_it_is_read_or_refused(data: object, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(json.dumps(data), encoding="utf-8")
    try:
        found = read(path)
    except ConfigError:
        return
    assert all(each.name and "\n" not in each.name for each in found)
