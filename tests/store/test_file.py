"""The file of the store is private, whole by itself, durable, and clear about what is wrong with it."""

# ruff: noqa: ASYNC240 - the files here are small

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.errors import StoreError, StoreLocked
from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.store.database import open_database
from colorchanger_bot.store.stamp import FileStamp
from colorchanger_bot.store.store import Store, TokenPair, exists, locked
from tests.killing import kill_refreshes, kill_writes
from tests.stores import FIRST_VERSION

PAIR = TokenPair("access-1", "refresh-1", 12.5, frozenset({"b", "a"}))
NEXT = TokenPair("access-2", "refresh-2", 13.5, frozenset({"b", "a"}))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite3"


def files(folder: Path, part: str) -> list[Path]:
    return [file for file in folder.iterdir() if part in file.name]


async def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "store.sqlite3"
    async with Store.open(f"sqlite:///{path}") as store:
        await store.put_login("me", "client", PAIR)
        modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        folder = stat.S_IMODE(path.parent.stat().st_mode)
    # Windows knows no such modes: there the user's profile keeps others out.
    assert (modes, folder) == ({0o600}, 0o700) or sys.platform == "win32"


async def test_a_file_that_is_no_database_is_said_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    path.write_bytes(b"this is not a database, and longer than a header of a hundred bytes " * 3)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"is damaged .*not a database"):
        async with Store.open(f"sqlite:///{path}"):
            pass
    assert path.read_bytes() == before


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
    with pytest.raises(StoreError, match="is not a file"), locked(f"sqlite:///{place}"):
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


async def test_a_damaged_store_is_said_kept_twice_and_never_replaced(store_url: str, tmp_path: Path) -> None:
    async with Store.open(store_url) as store:
        await store.put_login("me", "client", PAIR)
    path = tmp_path / "store.sqlite3"
    whole = path.read_bytes()
    damaged = whole[:4096] + b"\xa5" * (len(whole) - 4096)
    path.write_bytes(damaged)
    for _ in range(2):
        with pytest.raises(StoreError, match=r"is damaged .* with a copy in .*damaged-1.* colorchanger login"):
            async with Store.open(store_url):
                pass
    assert path.read_bytes() == damaged
    assert [file.read_bytes() for file in files(tmp_path, "damaged")] == [damaged]


async def test_kills_in_the_middle_of_refreshes_leave_the_newest_pair_that_was_used(
    twitch: LocalTwitch, store_url: str
) -> None:
    used, stale = await kill_refreshes(twitch, store_url, rounds=4, seed=7)
    assert used > 4
    assert stale == 0


def test_asking_whether_a_store_exists_makes_none(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    assert not exists(f"sqlite:///{path}")
    assert not path.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no modes")
async def test_loose_modes_are_tightened(store_url: str, path: Path) -> None:
    async with Store.open(store_url) as store:
        await store.put_login("me", "client", PAIR)
    path.chmod(0o664)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE heartbeat SET at = at")
        journal = Path(f"{path}-journal")
        journal.touch(0o666)
        journal.chmod(0o666)
        async with Store.open(store_url) as store:
            assert len(await store.logins()) == 1
        assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(journal.stat().st_mode) == 0o600
    with locked(store_url):
        path.chmod(0o640)
    lock = Path(f"{path}.lock")
    lock.chmod(0o644)
    with locked(store_url):
        assert {stat.S_IMODE(file.stat().st_mode) for file in (path, lock)} == {0o600}


async def test_a_file_without_tables_is_damaged(store_url: str, path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as made:
        made.executescript("CREATE TABLE gone (id); DROP TABLE gone")
    with pytest.raises(StoreError, match=r"is damaged .*its journal is missing"):
        async with Store.open(store_url):
            pass


async def test_an_empty_file_is_damaged(store_url: str, path: Path) -> None:
    path.touch()
    with pytest.raises(StoreError, match=r"is damaged \(it is empty, 0 bytes\)"):
        async with Store.open(store_url):
            pass
    assert path.read_bytes() == b""


# Whole by itself


async def test_the_main_file_is_whole_after_every_call(store_url: str, path: Path, tmp_path: Path) -> None:
    async def copied(number: int) -> list[tuple[str, int]]:
        copy = tmp_path / f"copy-{number}" / "elsewhere.sqlite3"
        copy.parent.mkdir()
        shutil.copyfile(path, copy)
        async with Store.open(f"sqlite:///{copy}") as store:
            return [(login.pair.access, login.generation) for login in await store.logins()]

    async with Store.open(store_url) as store:
        with locked(store_url):
            login = await store.put_login("me", "client", PAIR, "42")
            assert await copied(1) == [("access-1", 1)]
            await store.begin_refresh(login)
            await store.replace_pair(login, NEXT)
            assert await copied(2) == [("access-2", 2)]


async def test_what_is_written_beside_another_process_is_in_the_main_file(store_url: str, path: Path) -> None:
    other = (
        "import asyncio; from colorchanger_bot.store.store import Store\n"
        f"async def look():\n async with Store.open({store_url!r}) as store: await store.logins()\n"
        "asyncio.run(look())"
    )
    async with Store.open(store_url) as store:
        with locked(store_url):
            await asyncio.to_thread(subprocess.run, [sys.executable, "-c", other], check=True)
            await store.put_login("me", "client", PAIR)
            copy = Path(shutil.copyfile(path, path.with_name("copy.sqlite3")))
    async with Store.open(f"sqlite:///{copy}") as found:
        assert [login.login for login in await found.logins()] == ["me"]


async def test_a_call_returns_when_it_is_on_disk(store_url: str, path: Path) -> None:
    async with open_database(store_url) as database:
        pragmas = ("synchronous", "journal_mode", "secure_delete")
        found = await database.read(
            lambda connection: [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas]
        )
    assert found == [2, "delete", 1]  # 2 is FULL


async def test_a_pair_is_saved_in_one_transaction(store_url: str, path: Path) -> None:
    def transactions() -> int:
        return int.from_bytes(path.read_bytes()[24:28], "big")  # SQLite's file change counter

    async with Store.open(store_url) as store:
        login = await store.put_login("me", "client", PAIR, "42")
        before = transactions()
        await store.begin_refresh(login)
        assert transactions() == before + 1
        await store.replace_pair(login, NEXT)
        assert transactions() == before + 2
        await store.remember_all({str(number): Remembered() for number in range(100)})
        assert transactions() == before + 3


# An older copy


async def put(url: str, *names: str) -> None:
    async with Store.open(url) as store:
        for name in names:
            await store.put_login(name, "client", TokenPair(f"access-{name}", f"refresh-{name}"), name)


async def in_doubt(url: str) -> dict[str, bool]:
    async with Store.open(url) as store:
        return {login.login: login.doubt for login in await store.logins()}


async def test_an_older_copy_that_is_put_back_is_in_doubt(store_url: str, path: Path) -> None:
    await put(store_url, "me", "you")
    older = path.read_bytes()
    async with Store.open(store_url) as store:
        login = (await store.logins())[0]
        await store.replace_pair(login, NEXT)
    assert await in_doubt(store_url) == {"me": False, "you": False}
    path.write_bytes(older)  # as `cp` does it, the file stays the same one
    assert await in_doubt(store_url) == {"me": True, "you": True}


async def test_a_new_login_in_an_older_copy_takes_no_doubt_from_the_others(store_url: str, path: Path) -> None:
    await put(store_url, "me", "you")
    older = path.read_bytes()
    await put(store_url, "you")
    async with Store.open(store_url) as store:
        path.write_bytes(older)
        await store.put_login("me", "client", NEXT, "me")
    assert await in_doubt(store_url) == {"me": False, "you": True}


@pytest.mark.skipif(os.name == "nt", reason="Windows does not say when a file was changed")
async def test_a_folder_that_is_put_back_whole_is_in_doubt(store_url: str, tmp_path: Path) -> None:
    await put(store_url, "me")
    stamp = Path(f"{tmp_path / 'store.sqlite3'}.stamp")
    text = stamp.read_text(encoding="ascii")
    # As if both files had been copied an hour ago: what is written in there is older than the file.
    word, written = text.split()
    stamp.write_text(f"{word} {int(written) - 3600 * 10**9:019}", encoding="ascii")
    assert await in_doubt(store_url) == {"me": True}
    assert await in_doubt(store_url) == {"me": True}  # until the login is refreshed


async def test_a_store_without_its_stamp_came_from_elsewhere(store_url: str, path: Path) -> None:
    await put(store_url, "me")
    FileStamp(path).path.unlink()
    assert await in_doubt(store_url) == {"me": True}


async def test_what_failed_leaves_the_stamp_as_it_is(store_url: str) -> None:
    await put(store_url, "me")
    async with Store.open(store_url) as store:
        with pytest.raises(StoreError):
            await store.put_login("you", None, PAIR)  # pyright: ignore[reportArgumentType]
    assert await in_doubt(store_url) == {"me": False}


async def test_a_file_that_was_moved_away_is_said_until_it_is_back(store_url: str, path: Path) -> None:
    async with Store.open(store_url) as store:
        login = await store.put_login("me", "client", PAIR, "42")
        elsewhere = path.rename(path.with_name("elsewhere"))
        with pytest.raises(StoreError, match="was moved or removed; put it back"):
            await store.begin_refresh(login)
        elsewhere.rename(path)
        assert await store.begin_refresh(login)


# Journals


def hot_journal(path: Path) -> bytes:
    """Leave a store in the middle of a transaction, as a crash does; return its journal."""
    crash = (
        "import os, sqlite3, sys\n"
        "store = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "store.execute('PRAGMA cache_size = 2')\n"
        "store.execute('BEGIN IMMEDIATE')\n"
        "for number in range(200): store.execute('INSERT INTO colors VALUES (?, ?)', (str(number), 'x' * 3000))\n"
        "store.execute('DELETE FROM logins')\n"
        "for number in range(200): store.execute('UPDATE colors SET remembered = ?', ('y' * 3000,))\n"
        "os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", crash, str(path)], check=True)
    return Path(f"{path}-journal").read_bytes()


async def test_a_transaction_that_a_crash_cut_off_is_undone(store_url: str, path: Path) -> None:
    await put(store_url, "me")
    assert hot_journal(path)
    assert await in_doubt(store_url) == {"me": False}


@pytest.mark.parametrize(("start", "what"), [(0, "header"), (600, "page")])
async def test_a_damaged_journal_is_said(start: int, what: str, store_url: str, path: Path) -> None:
    await put(store_url, "me")
    journal = hot_journal(path)
    broken = journal[:start] + b"\xa5" * 1000 + journal[start + 1000 :]
    Path(f"{path}-journal").write_bytes(broken)
    with pytest.raises(StoreError, match=f"is damaged .*-journal has a broken {what}"):
        async with Store.open(store_url):
            pass
    assert Path(f"{path}-journal").read_bytes() == broken


async def test_kills_in_the_middle_of_writes_lose_nothing_that_was_acknowledged(store_url: str) -> None:
    acknowledged, lost = await kill_writes(store_url, rounds=4, seed=7)
    assert acknowledged > 4
    assert lost == 0
