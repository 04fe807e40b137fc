"""Preferences outlive the process, a copy and a backup have them, and a log-out ends those of the account."""

from __future__ import annotations

from pathlib import Path

from colorchanger_bot.store.copy import back_up, copy
from colorchanger_bot.store.store import Store, TokenPair
from colorchanger_bot.vault import new_key
from tests.stores import execute, plain_engine

KEY = new_key()
PREFERENCES = {"accounts.42.channels": ["a", "ü"], "color.delay": [1.5, 2], "app.client_id": "abc", "color.base": None}


def ignore(done: int, total: int) -> None:
    pass


async def test_preferences_are_kept_changed_and_dropped(url: str) -> None:
    async with Store.open(url) as store:
        assert await store.preferences() == {}
        await store.change_preferences(PREFERENCES)
        await store.change_preferences({"color.delay": 3})
        await store.change_preferences({}, ["color.base"])
        await store.change_preferences({"log.level": "DEBUG"}, ["app.client_id", "never set"])
    async with Store.open(url) as store:
        assert await store.preferences() == {
            "accounts.42.channels": ["a", "ü"],
            "color.delay": 3,
            "log.level": "DEBUG",
        }


async def test_preferences_are_encrypted_when_there_is_a_key(url: str) -> None:
    async with Store.open(url) as store:
        await store.change_preferences({"app.client_secret": "readable"})
    async with Store.open(url, [KEY]) as store:
        assert await store.at_rest() == "plain"
        assert await store.seal() == 1
        assert await store.preferences() == {"app.client_secret": "readable"}
        await store.change_preferences({"web.password": "readable"})
        assert await store.at_rest() == "encrypted"
    engine = plain_engine(url)
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.exec_driver_sql("SELECT key, value FROM preferences")]
    engine.dispose()
    assert sorted(key for key, _ in rows) == ["app.client_secret", "web.password"]
    assert not any("readable" in value for _, value in rows)


async def test_a_copy_and_a_backup_have_the_preferences(url: str, tmp_path: Path) -> None:
    async with Store.open(url, [KEY]) as store:
        await store.change_preferences(PREFERENCES)
    moved = f"sqlite:///{tmp_path / 'moved.sqlite3'}"
    await back_up(url, tmp_path / "backup.sqlite3", ignore)
    await copy(url, moved, ignore)
    for target in (f"sqlite:///{tmp_path / 'backup.sqlite3'}", moved):
        async with Store.open(target, [KEY]) as store:
            assert await store.preferences() == PREFERENCES


async def test_a_log_out_drops_the_preferences_of_that_account_alone(url: str) -> None:
    async with Store.open(url) as store:
        login = await store.put_login("me", "client", TokenPair("access", "refresh"), "4_2")
        kept = {"accounts.4_22.channels": ["a"], "accounts.412.channels": ["a"], "color.delay": 1}
        await store.change_preferences({"accounts.4_2.channels": ["a"], "accounts.4_2.color.delay": 1, **kept})
        await store.forget_login(login.id)
        assert await store.preferences() == kept


async def test_a_store_of_before_there_were_preferences_is_brought_up_to_date(url: str) -> None:
    async with Store.open(url) as store:
        await store.put_login("me", "client", TokenPair("access", "refresh"), "42")
    execute(url, "DROP TABLE preferences;\nUPDATE schema_version SET version = 5")
    async with Store.open(url) as store:
        assert await store.preferences() == {}
        await store.change_preferences({"color.delay": 1})
        assert [login.login for login in await store.logins()] == ["me"]
