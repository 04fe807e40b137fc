"""A transaction is done wholly or not at all, to its end, and its errors say what to do."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.errors import StoreError
from colorchanger_bot.store.database import SQLite, open_database, prepare
from colorchanger_bot.store.database_server import Server
from colorchanger_bot.store.file import MEMORY, address_of, default_url, file_of, is_sqlite
from colorchanger_bot.store.schema import Connection, insert
from colorchanger_bot.store.store import Login, Store, TokenPair
from tests.stores import BY_SQLALCHEMY, FIRST_VERSION


def beats(connection: Connection) -> int:
    return len(connection.execute("SELECT id FROM heartbeat"))


def beat(connection: Connection, number: int) -> None:
    insert(connection, "heartbeat", {"id": number, "pid": 1, "at": 1.0, "status": ""})


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///relative/a.db", Path("relative/a.db")),
        ("sqlite:////absolute/a.db", Path("/absolute/a.db")),
        (r"sqlite:///C:\folder\a.db", Path(r"C:\folder\a.db")),
        ("sqlite+aiosqlite:///a.db", Path("a.db")),
        ("sqlite+pysqlite:///a.db", Path("a.db")),
        ("sqlite:///100%25/a b%3F.db", Path("100%/a b?.db")),
        ("sqlite:///~/a.db", Path.home() / "a.db"),
        ("sqlite://", None),
        ("sqlite:///", None),
        ("sqlite:///:memory:", None),
    ],
)
def test_addresses_of_sqlite_are_ours(url: str, path: Path | None) -> None:
    assert is_sqlite(address_of(url))
    assert file_of(address_of(url)) == path


@pytest.mark.parametrize("url", ["postgresql+asyncpg://me:password@host/db", "mysql+aiomysql://host/db"])
def test_other_addresses_are_those_of_a_server(url: str) -> None:
    assert not is_sqlite(address_of(url))
    assert file_of(address_of(url)) is None


@pytest.mark.parametrize("url", ["colors.db", "a b://host", "sqlite://colors.db", "sqlite:///a.db?mode=ro"])
def test_what_is_no_address_is_said(url: str) -> None:
    with pytest.raises(StoreError, match=r"storage\.url"):
        address_of(url)


def test_the_usual_place_is_a_file() -> None:
    path = file_of(address_of(""))
    assert path is not None
    assert path.is_absolute()
    assert path == file_of(default_url())


async def test_a_store_in_memory_works() -> None:
    async with Store.open("sqlite://") as store:
        await store.remember("42", Remembered(history=["#FF0000"]))
        assert (await store.recall("42")).history == ["#FF0000"]
        assert store.name == MEMORY


async def test_what_raises_leaves_nothing_behind(store_url: str) -> None:
    def fail(connection: Connection) -> None:
        beat(connection, 1)
        raise KeyError

    async with open_database(store_url) as database:
        with pytest.raises(KeyError):
            await database.run(fail)
        assert await database.read(beats) == 0


async def test_leaving_waits_for_what_was_begun(store_url: str) -> None:
    """Three are in line when their callers give up: the first one at work, the others not begun."""
    begun, go_on = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        begun.set()
        go_on.wait(10)
        beat(connection, 0)

    async with open_database(store_url) as database:
        calls = [asyncio.create_task(database.run(slow))]
        calls += [asyncio.create_task(database.run(lambda each, n=number: beat(each, n))) for number in (1, 2)]
        await asyncio.to_thread(begun.wait, 10)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        assert all(call.cancelled() for call in calls)
        go_on.set()
    async with open_database(store_url) as database:
        assert await database.read(beats) == 3


async def test_reading_waits_for_no_writer(store_url: str, tmp_path: Path) -> None:
    async with open_database(store_url) as database:
        with contextlib.closing(sqlite3.connect(tmp_path / "store.sqlite3", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            async with asyncio.timeout(1.0):
                assert await database.read(beats) == 0
            other.execute("ROLLBACK")


async def test_a_file_that_another_process_keeps_locked_is_said(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    async with SQLite.open(str(path), busy_seconds=0.1) as database:
        await prepare(database)
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="database is locked"):
                await database.run(lambda connection: beat(connection, 1))
        await database.run(lambda connection: beat(connection, 1))


async def test_a_file_that_cannot_be_tidied_up_is_said(tmp_path: Path) -> None:
    """Somebody who still reads what was there before keeps it in the write-ahead log."""

    def work(connection: Connection) -> int:
        beat(connection, 1)
        return 1

    path = tmp_path / "store.sqlite3"
    async with SQLite.open(str(path), busy_seconds=0.1) as database:
        await prepare(database)
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN")
            other.execute("SELECT * FROM heartbeat").fetchall()
            with pytest.raises(StoreError, match=r"could not be tidied up .*: stop what uses it"):
                await database.rewrite(work)
        assert await database.read(beats) == 1


async def test_a_store_that_sqlalchemy_made_is_used_as_it_is(store_url: str, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "store.sqlite3")) as old:
        old.executescript(BY_SQLALCHEMY)
    async with Store.open(store_url) as store:
        pair = TokenPair("access-1", "refresh-1", 12.5, frozenset({"a", "b"}), 11.5)
        login = Login(1, "42", "me", "client", pair, generation=3, doubt=True, channels=("x", "y"))
        assert await store.logins() == [login]
        assert await store.client_secrets() == {"client": "secret"}
        assert (await store.recall("42")).history == ["#FF0000"]
        heartbeat = await store.heartbeat()
        assert (await store.put_login("you", "client", pair)).id == 2
    assert heartbeat is not None
    assert (heartbeat.pid, heartbeat.at) == (77, 5.5)
    assert os.listdir(tmp_path) == ["store.sqlite3"]


async def test_an_older_store_becomes_what_a_new_one_is(tmp_path: Path) -> None:
    found: list[set[tuple[object, ...]]] = []
    for script in ("", FIRST_VERSION):
        path = tmp_path / f"{len(found)}.sqlite3"
        with contextlib.closing(sqlite3.connect(path)) as old:
            old.executescript(script)
        async with open_database(f"sqlite:///{path}"):
            pass
        with contextlib.closing(sqlite3.connect(path)) as now:
            tables = [name for (name,) in now.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            columns = {
                (table, *row[1:2], *row[3:4]) for table in tables for row in now.execute(f"PRAGMA table_info({table})")
            }
        found.append(columns)
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "url", ["postgresql+nodriver://me:password@host/db", "nosuch://host/db", "sqlite+pysqlcipher://:password@/a.db"]
)
async def test_a_driver_that_is_not_there_is_said(url: str) -> None:
    with pytest.raises(StoreError, match=r"storage\.url cannot be used .*: name an asynchronous driver") as caught:
        async with open_database(url):
            pass
    assert "password" not in str(caught.value)


async def test_a_server_where_another_was_faster_is_asked_again(store_url: str) -> None:
    """On a server nothing keeps two processes from choosing the same new number; here the other one is acted."""
    tries = 0

    def work(connection: Connection) -> int:
        nonlocal tries
        tries += 1
        number = beats(connection) if tries > 1 else 0
        beat(connection, number)
        return number

    async with Server.open(store_url.replace("sqlite:", "sqlite+aiosqlite:")) as database:
        await prepare(database)
        await database.run(lambda connection: beat(connection, 0))
        assert await database.run(work) == 1
    assert tries == 2


async def test_an_error_of_a_server_shows_no_password() -> None:
    with pytest.raises(StoreError, match="the port in it is no number") as caught:
        async with Server.open("postgresql+nodriver://me:pass@word:word@host/db"):
            pass
    assert "word" not in str(caught.value)


def test_without_sqlalchemy_a_server_says_what_to_install_and_a_file_works(store_url: str) -> None:
    code = (
        "import asyncio, sys\n"
        "from colorchanger_bot.errors import StoreError\n"
        "from colorchanger_bot.store.store import Store\n"
        "sys.modules['sqlalchemy'] = sys.modules['aiosqlite'] = None\n"
        "async def main():\n"
        f"    async with Store.open({store_url!r}) as store: await store.stop_beating()\n"
        "    async with Store.open('postgresql+asyncpg://me:password@host/db'): pass\n"
        "try: asyncio.run(main())\n"
        "except StoreError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'colorchanger-bot[server]'" in done.stdout
    assert "password" not in done.stdout
