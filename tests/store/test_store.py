"""The store is private, durable, and clear about what is wrong with it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.errors import StoreError, StoreLocked
from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.store.store import Store, TokenPair, exists, locked
from tests.killing import kill_refreshes
from tests.stores import FIRST_VERSION, WAYS, OpenStore

PAIR = TokenPair("access-1", "refresh-1", 12.5, frozenset({"b", "a"}))


@pytest.fixture(params=WAYS)
def open_store(request: pytest.FixtureRequest) -> OpenStore:
    """Either way to a database."""
    return WAYS[request.param]


@pytest.fixture
async def store(open_store: OpenStore, store_url: str) -> AsyncIterator[Store]:
    async with open_store(store_url) as opened:
        yield opened


def snapshot(path: Path) -> Path:
    """Copy what a machine that loses its power right now would find."""
    copy = path.with_name("crashed.sqlite3")
    for end in ("", "-wal"):
        source = Path(f"{path}{end}")
        if source.exists():
            Path(f"{copy}{end}").write_bytes(source.read_bytes())
    return copy


def mode_of(path: Path) -> int:
    # Windows knows no such modes: there the user's profile keeps others out.
    return 0o600 if sys.platform == "win32" else stat.S_IMODE(path.stat().st_mode)


def files(folder: Path, part: str) -> list[Path]:
    return [file for file in folder.iterdir() if part in file.name]


async def test_what_one_way_wrote_the_other_reads(open_store: OpenStore, store_url: str) -> None:
    for other in WAYS.values():
        async with open_store(store_url) as store:
            put = await store.put_login("me", "client", PAIR, "42")
        async with other(store_url) as store:
            assert await store.logins() == [put]


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
    assert login is not None
    newer = await store.replace_pair(login, TokenPair("access-2", "refresh-2"))
    assert await store.import_login("me", "client", PAIR) == newer
    assert await store.logins() == [newer]


async def test_another_pair_from_the_environment_is_taken(store: Store) -> None:
    await store.import_login("me", "client", PAIR)
    newer = await store.import_login("me", "client", TokenPair("access-9", "refresh-9"))
    assert await store.logins() == [newer]


async def test_a_pair_without_a_name_gets_one_and_is_known_again(store: Store) -> None:
    login = await store.import_login("", "client", PAIR)
    assert login is not None
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


async def test_a_write_ends_whole_though_its_caller_is_cancelled(open_store: OpenStore, store_url: str) -> None:
    # Cut off in the middle of a statement, the connection may stay open in its thread, and the database locked.
    async with open_store(store_url) as store:
        write = asyncio.create_task(store.beat(1.0, {}))
        for _ in range(5):
            await asyncio.sleep(0)
        write.cancel()
        await asyncio.gather(write, return_exceptions=True)
        assert write.cancelled()
    async with Store.open(store_url) as store:
        beat = await store.heartbeat()
    assert beat is not None
    assert beat.at == 1.0


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
    assert caught.value.__context__ is None  # nothing hangs on it that may know more


def test_a_pair_never_shows_its_tokens() -> None:
    assert "access-1" not in repr(PAIR)
    assert "refresh-1" not in repr(PAIR)


def test_the_second_owner_is_turned_away(store_url: str) -> None:
    with locked(store_url), pytest.raises(StoreLocked), locked(store_url):
        pass
    with locked(store_url):
        pass


@pytest.mark.parametrize("what", ["folder", "garbage", "dangling link"])
def test_what_is_no_lock_file_is_said_in_a_line(what: str, tmp_path: Path) -> None:
    lock = tmp_path / "store.sqlite3.lock"
    if what == "folder":
        lock.mkdir()
    elif what == "garbage":
        lock.write_text("this is no database" * 100, encoding="utf-8")
    else:
        lock.symlink_to(tmp_path / "nowhere" / "at all")
    with pytest.raises(StoreError) as caught, locked(f"sqlite:///{tmp_path / 'store.sqlite3'}"):
        pass
    assert str(lock) in str(caught.value)
    assert not isinstance(caught.value, StoreLocked)


def test_a_folder_is_no_store_and_keeps_its_mode(tmp_path: Path) -> None:
    place = tmp_path / "mine"
    place.mkdir(mode=0o755)
    before = place.stat().st_mode
    with pytest.raises(StoreError, match="is no file"), locked(f"sqlite:///{place}"):
        pass
    assert place.stat().st_mode == before


def test_an_address_with_a_null_in_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"storage\.url"), locked(f"sqlite:///{tmp_path}/x%00y"):
        pass


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no modes")
def test_the_lock_is_private(tmp_path: Path) -> None:
    with locked(f"sqlite:///{tmp_path / 'store.sqlite3'}"):
        assert (tmp_path / "store.sqlite3.lock").stat().st_mode & 0o077 == 0


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.sqlite3'}"
    die = "import os, sys\nfrom colorchanger_bot.store.store import locked\nwith locked(sys.argv[1]): os._exit(7)"
    assert subprocess.run([sys.executable, "-c", die, url], check=False, timeout=30).returncode == 7
    with locked(url):
        pass


async def test_a_store_of_the_first_version_is_brought_up_to_date_and_a_copy_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as old:
        old.executescript(FIRST_VERSION)
    async with Store.open(f"sqlite:///{path}") as store:
        (login,) = await store.logins()
        newer = await store.begin_refresh(login)
    assert (login.login, login.pair.access, login.doubt, login.channels) == ("me", "access-1", False, ())
    assert newer is not None
    assert newer.doubt
    copy = tmp_path / "store.sqlite3.version-1"
    with contextlib.closing(sqlite3.connect(copy)) as kept:
        assert kept.execute("SELECT version FROM schema_version").fetchone() == (1,)
        assert kept.execute("SELECT access_token FROM logins").fetchone() == ("access-1",)
    assert mode_of(copy) == 0o600
    async with Store.open(f"sqlite:///{path}"):
        assert files(tmp_path, "version") == [copy]


async def test_an_upgrade_that_died_half_way_is_finished(open_store: OpenStore, store_url: str, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "store.sqlite3")) as old:
        old.executescript(FIRST_VERSION + "ALTER TABLE logins ADD COLUMN issued_at FLOAT;")
    async with open_store(store_url) as store:
        assert [login.login for login in await store.logins()] == ["me"]


@pytest.mark.parametrize("script", ["", FIRST_VERSION], ids=["new", "older"])
async def test_many_that_start_at_once_agree_on_one_store(script: str, tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    if script:
        with contextlib.closing(sqlite3.connect(path)) as old:
            old.executescript(script)

    async def start(number: int) -> None:
        async with Store.open(f"sqlite:///{path}") as store:
            await store.put_login(f"account{number}", "client", PAIR)

    await asyncio.gather(*(start(number) for number in range(8)))
    async with Store.open(f"sqlite:///{path}") as store:
        assert len([login for login in await store.logins() if login.login.startswith("account")]) == 8


async def test_a_store_of_a_newer_version_is_left_alone(open_store: OpenStore, store_url: str, tmp_path: Path) -> None:
    async with open_store(store_url):
        pass
    with contextlib.closing(sqlite3.connect(tmp_path / "store.sqlite3")) as later:
        later.executescript("UPDATE schema_version SET version = 99;")
    with pytest.raises(StoreError, match="newer ColorChanger"):
        async with open_store(store_url):
            pass


async def test_a_damaged_store_is_said_kept_twice_and_never_replaced(store_url: str, tmp_path: Path) -> None:
    async with Store.open(store_url) as store:
        await store.put_login("me", "client", PAIR)
    path = tmp_path / "store.sqlite3"
    whole = path.read_bytes()
    damaged = whole[:4096] + b"\xa5" * (len(whole) - 4096)
    path.write_bytes(damaged)
    for _ in range(2):
        with pytest.raises(StoreError, match=r"is damaged .* a copy is kept as .*damaged-1.* colorchanger login"):
            async with Store.open(store_url):
                pass
    assert path.read_bytes() == damaged
    assert [file.read_bytes() for file in files(tmp_path, "damaged")] == [damaged]


async def test_what_is_written_beside_another_process_is_on_disk_after_a_crash(store_url: str, tmp_path: Path) -> None:
    """Another process that opens and closes the store must not take our write-ahead log away."""
    other = (
        "import asyncio; from colorchanger_bot.store.store import Store\n"
        f"async def look():\n async with Store.open({store_url!r}) as store: await store.logins()\n"
        "asyncio.run(look())"
    )
    async with Store.open(store_url) as store:
        with locked(store_url):
            await asyncio.to_thread(subprocess.run, [sys.executable, "-c", other], check=True)
            await store.put_login("me", "client", PAIR)
            copy = snapshot(tmp_path / "store.sqlite3")
    async with Store.open(f"sqlite:///{copy}") as found:
        assert [login.login for login in await found.logins()] == ["me"]


async def test_kills_in_the_middle_of_refreshes_leave_the_newest_pair_that_was_used(
    twitch: LocalTwitch, store_url: str
) -> None:
    used, stale = await kill_refreshes(twitch, store_url, rounds=4, seed=7)
    assert used > 4
    assert stale == 0


async def test_a_pair_of_the_environment_does_not_come_back_after_a_logout(store: Store) -> None:
    login = await store.import_login("me", "client", PAIR)
    assert login is not None
    await store.forget_login(login.id)
    assert await store.import_login("me", "client", PAIR) is None
    assert await store.import_login("me", "client", TokenPair("access-2", "refresh-2")) is not None


async def test_the_number_of_a_login_that_is_gone_is_given_to_nobody_else(store: Store) -> None:
    mine = await store.import_login("me", "client", PAIR)
    assert mine is not None
    await store.forget_login(mine.id)
    other = await store.put_login("other", "client", TokenPair("access-2", "refresh-2"))
    assert other.id != mine.id
    assert await store.import_login("me", "client", PAIR) is None


async def test_a_login_that_gives_way_hands_on_what_was_imported_as_it(store: Store) -> None:
    first = await store.import_login("old_name", "client", PAIR)
    second = await store.put_login("me", "client", TokenPair("access-2", "refresh-2"), "42")
    assert first is not None
    known = await store.identify(second, user_id="42", name="old_name", client_id="client", pair=second.pair)
    assert await store.logins() == [known]
    assert await store.import_login("old_name", "client", PAIR) == known


def test_asking_whether_a_store_exists_makes_none(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    assert not exists(f"sqlite:///{path}")
    assert not path.exists()
