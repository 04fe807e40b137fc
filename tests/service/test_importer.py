"""Importing from other programs: what fits is imported, the rest is reported, and no token is spent."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from colorchanger_bot.clock import SystemClock
from colorchanger_bot.errors import ConfigError, NeedsLogin
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.service.import_formats import MOST_BYTES, read
from colorchanger_bot.service.importer import Outcome, import_file
from colorchanger_bot.service.login_application import application_for_login
from colorchanger_bot.service.service import Service
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Store, TokenPair
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


async def test_an_account_is_imported_with_tokens_channels_and_application(
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
async def test_older_formats_of_the_file_are_read_too(
    shape: Callable[[Any], Any], take: Callable[..., Any], user: dict[str, Any]
) -> None:
    (outcome,) = await take(shape(user))
    assert outcome.taken


async def test_flags_are_imported(store: Store, take: Callable[..., Any], user: dict[str, Any]) -> None:
    (outcome,) = await take({"users": [user | {"enabled": False, "is_prime_or_turbo": False}]})
    assert "its colours are switched off, as they were" in outcome.notes
    (login,) = await store.logins()
    remembered = await store.recall(str(login.user_id))
    assert remembered.overrides == {"enabled": False}
    assert remembered.no_hex_until is not None


async def test_each_account_that_cannot_be_imported_says_why(
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
    assert outcomes[0].line() == "nobody: not imported; there is no token; run: colorchanger login nobody"
    assert outcomes[3].line() == "gone: not imported; its token has expired; run: colorchanger login"
    assert [login.login for login in await store.logins() if not login.lost] == ["me"]


async def test_a_login_that_works_is_not_replaced_and_a_second_import_changes_nothing(
    store: Store, take: Callable[..., Any], user: dict[str, Any]
) -> None:
    await take({"users": [user]})
    before = await store.logins()
    (outcome,) = await take({"users": [user | {"access_token": "a" * 30, "refresh_token": "b" * 50}]})
    assert "it is already logged in here" in outcome.line()
    assert await store.logins() == before


@pytest.mark.parametrize("name", ["", "an_earlier_name"])
async def test_a_login_that_works_is_not_replaced_under_another_name_either(
    name: str, twitch: LocalTwitch, store: Store, take: Callable[..., Any], user: dict[str, Any]
) -> None:
    await take({"users": [user]})
    before = await store.logins()
    pair = twitch.issue_tokens("me", user["client_id"], SCOPES)
    again = {"username": name, "access_token": pair.access, "refresh_token": pair.refresh}
    (outcome,) = await take({"users": [user | again]})
    assert outcome.line().startswith("me: not imported; ")
    assert "it is already logged in here" in outcome.line()
    assert await store.logins() == before


async def test_an_expired_token_is_imported_and_not_refreshed(
    twitch: LocalTwitch, store: Store, take: Callable[..., Any], user: dict[str, Any]
) -> None:
    twitch.expire("me")
    (outcome,) = await take({"users": [user]})
    assert outcome.taken
    assert twitch.refreshes.get("me", 0) == 0
    assert [login.login for login in await store.logins()] == ["me"]


async def test_an_import_works_without_twitch(
    twitch: LocalTwitch, store: Store, take: Callable[..., Any], user: dict[str, Any]
) -> None:
    twitch.faults.add("*", faults.drop(), times=None)
    (outcome,) = await take({"users": [user | {"enabled": False}]})
    assert outcome.taken
    assert any("flags are not imported" in note for note in outcome.notes)


async def test_the_tokens_of_twitchio_are_imported_by_the_name_that_twitch_gives(
    twitch: LocalTwitch, store: Store, take: Callable[..., Any], client_id: str
) -> None:
    user_id = twitch.add_user("me").id
    pair = twitch.issue_tokens("me", client_id, SCOPES[:1])
    row = {"user_id": user_id, "token": pair.access, "refresh": pair.refresh, "last_validated": "2026-01-01"}
    (outcome,) = await take({user_id: row})
    assert outcome.line().startswith("me: imported; the login lacks user:manage:chat_color")
    (login,) = await store.logins()
    assert (login.login, login.client_id, login.pair.access) == ("me", client_id, pair.access)


@pytest.mark.parametrize("content", ["", "nonsense", "[]", "{}", '{"users": {}}', '{"a": {"b": 1}}', "[" * 99999, "7"])
def test_a_file_in_another_format_is_refused(content: str, tmp_path: Path) -> None:
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
def test_any_json_is_read_or_refused(data: object, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(json.dumps(data), encoding="utf-8")
    try:
        found = read(path)
    except ConfigError:
        return
    assert all(each.name and "\n" not in each.name for each in found)


# Other formats, and files with faults


@pytest.mark.parametrize("size", [MOST_BYTES, MOST_BYTES + 1])
def test_a_file_that_is_far_too_large_is_refused_before_it_is_read(size: int, tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    row = json.dumps([{"username": "me", "access_token": "a" * 30}])
    path.write_text(row + " " * (size - len(row)), encoding="utf-8")
    if size == MOST_BYTES:
        assert [each.name for each in read(path)] == ["me"]
        return
    with pytest.raises(ConfigError, match="far too large for a file of accounts"):
        read(path)


@pytest.mark.parametrize(
    "pair",
    [
        lambda pair: {"token": pair.access, "refresh": pair.refresh},
        lambda pair: {"accessToken": pair.access, "refreshToken": pair.refresh, "expiresIn": 0, "scope": []},
        lambda pair: {"access_token": f"oauth:{pair.access}", "refresh_token": pair.refresh},
        lambda pair: {"me": {"accessToken": pair.access, "refreshToken": pair.refresh}},
        lambda pair: [{"token": pair.access, "refresh": pair.refresh}],
    ],
    ids=["TwitchIO", "twurple", "Twitch", "by name", "list"],
)
async def test_a_token_pair_in_any_usual_spelling_is_imported(
    pair: Callable[[Any], object], twitch: LocalTwitch, store: Store, take: Callable[..., Any], client_id: str
) -> None:
    twitch.add_user("me")
    issued = twitch.issue_tokens("me", client_id, SCOPES)
    (outcome,) = await take(pair(issued))
    assert (outcome.name, outcome.taken) == ("me", True)
    (login,) = await store.logins()
    assert (login.login, login.pair.access, login.pair.refresh) == ("me", issued.access, issued.refresh)


async def test_the_table_of_a_twitchio_bot_is_imported_and_left_as_it_was(
    twitch: LocalTwitch, store: Store, tmp_path: Path, settings_for: SettingsFor, client_id: str
) -> None:
    path = tmp_path / "tokens & more.db"
    rows: list[tuple[str, str, str]] = []
    for login in ("me", "friend"):
        pair = twitch.issue_tokens(login, client_id, SCOPES) if twitch.add_user(login) else None
        assert pair is not None
        rows.append((twitch.user(login).id, pair.access, pair.refresh))
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE notes (text TEXT)")
        database.execute("CREATE TABLE tokens(user_id TEXT PRIMARY KEY, token TEXT NOT NULL, refresh TEXT NOT NULL)")
        database.executemany("INSERT INTO tokens VALUES (?, ?, ?)", rows)
    before = path.read_bytes()
    outcomes = await import_file(path, settings_for(), store, clock=SystemClock())
    assert [(outcome.name, outcome.taken) for outcome in outcomes] == [("me", True), ("friend", True)]
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "lines",
    [
        'TWITCH_USERNAME_1=me\nTWITCH_ACCESS_TOKEN_1={0}\nTWITCH_REFRESH_TOKEN_1="{1}"\nTWITCH_CHANNELS_1=#a, b\n',
        "# my bot\n\nexport ACCESS_TOKEN='{0}'  # mine\nREFRESH_TOKEN={1}\nPORT=80\nCHANNELS=a,b\n",
        "TWITCH_CLIENT_ID={2}\nTWITCH_ACCESS_TOKEN_2={0}\nTWITCH_REFRESH_TOKEN_2={1}\nTWITCH_CHANNELS_2=a b\n",
    ],
    ids=["numbered", "plain", "shared application"],
)
async def test_an_env_file_is_imported(
    lines: str, twitch: LocalTwitch, store: Store, tmp_path: Path, settings_for: SettingsFor, client_id: str
) -> None:
    twitch.add_user("me")
    pair = twitch.issue_tokens("me", client_id, SCOPES)
    path = tmp_path / ".env"
    path.write_text(lines.format(pair.access, pair.refresh, client_id), encoding="utf-8")
    (outcome,) = await import_file(path, settings_for(), store, clock=SystemClock())
    assert (outcome.name, outcome.taken) == ("me", True)
    (login,) = await store.logins()
    assert (login.pair.refresh, login.channels) == (pair.refresh, ("a", "b"))


async def test_a_bad_channel_costs_one_channel(store: Store, take: Callable[..., Any], user: dict[str, Any]) -> None:
    (outcome,) = await take({"users": [user | {"channels": ["#afriend", "no such name!", 7, "me"]}]})
    assert outcome.taken
    assert "2 channels could not be read" in outcome.notes
    (login,) = await store.logins()
    assert login.channels == ("afriend", "me")


@pytest.mark.parametrize("off", [False, "false", "False", "no", "0", 0])
async def test_a_flag_that_is_off_is_off_however_it_is_written(
    off: object, store: Store, take: Callable[..., Any], user: dict[str, Any]
) -> None:
    (outcome,) = await take({"users": [user | {"enabled": off, "is_prime_or_turbo": off}]})
    assert "its colours are switched off, as they were" in outcome.notes
    assert "neither Turbo nor Prime: only names" in outcome.notes


def test_a_mistake_in_json_is_reported_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text('{"users": [\n  {"username": "me",\n   "channels": ["a",]}\n]}', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"file, line 3: this is not JSON"):
        read(path)


def test_a_database_without_tokens_and_a_damaged_one_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE notes (user_id TEXT, text TEXT)")
    with pytest.raises(ConfigError, match="no accounts found"):
        read(path)
    path.write_bytes(path.read_bytes()[:100] + b"nonsense" * 500)
    with pytest.raises(ConfigError, match="cannot be read"):
        read(path)


# Accounts without a token


async def test_an_account_without_a_token_logs_in_with_its_application_and_keeps_its_channels(
    store: Store, settings_for: SettingsFor, take: Callable[..., Any], user: dict[str, Any]
) -> None:
    tokenless = {key: value for key, value in user.items() if not key.endswith("_token")}
    (outcome,) = await take({"users": [tokenless]}, app={})
    assert outcome.line() == "me: not imported; there is no token; run: colorchanger login me"
    with pytest.raises(NeedsLogin):  # it is no login yet
        async with Service.running(settings_for(app={}), store):
            pass
    assert await application_for_login(settings_for(app={}), store) == user["client_id"]
    assert (await store.client_secrets())[user["client_id"]] == SECRET
    login = await store.put_login("me", user["client_id"], TokenPair("a" * 30, "b" * 50), "42")
    assert (login.channels, login.lost) == (("afriend", "me"), "")
    (again,) = await take({"users": [tokenless]}, app={})
    assert "already logged in here" in again.line()


async def test_an_account_that_was_renamed_logs_in_with_its_application(
    store: Store, settings_for: SettingsFor
) -> None:
    for number, name in enumerate(("old", "other")):
        pair = TokenPair(f"{number}" * 30, f"{number}" * 50)
        login = await store.put_login(name, f"application-of-{name}", pair, str(number))
        await store.identify(
            login, user_id=str(number), name=name.replace("old", "new"), client_id=login.client_id, pair=pair
        )
    for name in ("new", "old"):
        assert await application_for_login(settings_for(app={}), store, name) == "application-of-old"


async def test_which_application_a_login_belongs_to(store: Store, settings_for: SettingsFor) -> None:
    listed = [{"login": "me", "client_id": "mine"}, {"login": "friend", "client_id": "theirs"}]
    both, one, none = (settings_for(app={}, accounts=accounts) for accounts in (listed, listed[:1], []))
    with_own = settings_for(app={"client_id": "own"}, accounts=listed)
    assert await application_for_login(one, store) == "mine"
    assert await application_for_login(both, store, "Friend") == "theirs"
    assert await application_for_login(with_own, store) == "own"
    assert await application_for_login(with_own, store, "me") == "mine"
    with pytest.raises(ConfigError, match=r"several applications; name the account: .*friend, me"):
        await application_for_login(both, store)
    with pytest.raises(ConfigError, match="register an application"):
        await application_for_login(none, store)
