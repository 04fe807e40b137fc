"""The store is private, durable, and clear about what is wrong with it."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from colorchanger_bot.errors import StoreError, StoreLocked
from colorchanger_bot.memory import Remembered
from colorchanger_bot.store import Store, TokenPair, exists, locked

PAIR = TokenPair("access-1", "refresh-1", 12.5, frozenset({"b", "a"}))


async def test_a_login_comes_back_as_it_was_stored(store: Store) -> None:
    put = await store.put_login("me", "client", PAIR, "42")
    assert await store.logins() == [put]
    assert put.pair == PAIR


async def test_logging_in_again_replaces_the_pair_and_keeps_the_number(store: Store) -> None:
    first = await store.put_login("me", "client", PAIR, "42")
    await store.lose(first, "refused")
    again = await store.put_login("me", "client", TokenPair("access-2", "refresh-2"), "42")
    assert (again.id, again.lost, again.generation) == (first.id, "", first.generation + 1)


async def test_an_account_that_was_renamed_stays_one_account(store: Store) -> None:
    first = await store.put_login("old_name", "client", PAIR, "42")
    again = await store.put_login("new_name", "client", PAIR, "42")
    assert [(login.id, login.login) for login in await store.logins()] == [(first.id, "new_name")]
    assert again.id == first.id


async def test_a_pair_from_the_environment_is_taken_once(store: Store) -> None:
    login = await store.import_login("me", "client", PAIR)
    newer = await store.replace_pair(login, TokenPair("access-2", "refresh-2"))
    assert await store.import_login("me", "client", PAIR) == newer
    assert await store.logins() == [newer]


async def test_another_pair_from_the_environment_is_taken(store: Store) -> None:
    await store.import_login("me", "client", PAIR)
    newer = await store.import_login("me", "client", TokenPair("access-9", "refresh-9"))
    assert await store.logins() == [newer]


async def test_a_pair_without_a_name_gets_one_and_is_known_again(store: Store) -> None:
    login = await store.import_login("", "client", PAIR)
    known = await store.identify(login, user_id="42", name="me", client_id="client", pair=PAIR)
    assert await store.import_login("", "client", PAIR) == known


async def test_a_stale_copy_overwrites_nothing(store: Store) -> None:
    stale = await store.put_login("me", "client", PAIR, "42")
    await store.put_login("me", "client", TokenPair("access-2", "refresh-2"), "42")
    assert await store.replace_pair(stale, TokenPair("access-3", "refresh-3")) is None
    assert await store.lose(stale, "refused") is None
    assert (await store.logins())[0].pair.access == "access-2"


async def test_colours_come_back_as_they_were_remembered(store: Store) -> None:
    assert await store.recall("42") == Remembered()
    remembered = Remembered({"strategy": "hold"}, ["#FF0000"], "hold", {"at": 1}, "#00FF00", 99.5)
    await store.remember("42", remembered)
    await store.remember("42", remembered)
    assert await store.recall("42") == remembered


async def test_a_heartbeat_says_who_and_when_until_it_is_ended(store: Store) -> None:
    assert await store.heartbeat() is None
    await store.beat(1.0, {"accounts": []})
    await store.beat(2.0, {"accounts": []})
    beat = await store.heartbeat()
    assert beat is not None
    assert (beat.at, beat.status) == (2.0, {"accounts": []})
    await store.stop_beating()
    assert await store.heartbeat() is None


async def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "store.sqlite3"
    async with Store.open(f"sqlite:///{path}") as store:
        await store.put_login("me", "client", PAIR)
        modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        folder = stat.S_IMODE(path.parent.stat().st_mode)
    # Windows knows no such modes: there the user's profile keeps others out.
    assert (modes, folder) == ({0o600}, 0o700) or sys.platform == "win32"


async def test_two_processes_see_each_others_writes(store: Store, store_url: str) -> None:
    async with Store.open(store_url) as other:
        await other.put_login("me", "client", PAIR)
    assert [login.login for login in await store.logins()] == ["me"]


async def test_a_file_that_is_no_database_is_said_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    path.write_bytes(b"this is not a database, and longer than a header of a hundred bytes " * 3)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not a database"):
        async with Store.open(f"sqlite:///{path}"):
            pass
    assert path.read_bytes() == before


async def test_an_error_of_the_database_shows_no_token(store: Store) -> None:
    with pytest.raises(StoreError) as caught:
        await store.put_login("me", None, PAIR)  # pyright: ignore[reportArgumentType]
    assert "access-1" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_pair_never_shows_its_tokens() -> None:
    assert "access-1" not in repr(PAIR)
    assert "refresh-1" not in repr(PAIR)


def test_the_second_owner_is_turned_away(store_url: str) -> None:
    with locked(store_url), pytest.raises(StoreLocked), locked(store_url):
        pass
    with locked(store_url):
        pass


def test_asking_whether_a_store_exists_makes_none(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    assert not exists(f"sqlite:///{path}")
    assert not path.exists()
