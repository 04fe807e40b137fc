"""A transaction is done wholly or not at all, to its end, and its errors say what to do."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sql

from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.errors import StoreError
from colorchanger_bot.store.database import open_database
from colorchanger_bot.store.file import MEMORY, address_of, default_url, file_of, is_server
from colorchanger_bot.store.schema import imports
from colorchanger_bot.store.store import Store


def count(connection: sql.Connection) -> int:
    return connection.scalar(sql.select(sql.func.count()).select_from(imports)) or 0


def add(connection: sql.Connection, number: int) -> int:
    connection.execute(sql.insert(imports).values(fingerprint=str(number), login_id=number))
    return 1


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
def test_addresses_of_sqlite_are_files(url: str, path: Path | None) -> None:
    assert not is_server(address_of(url))
    assert file_of(address_of(url)) == path


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg", "postgresql+psycopg"])
def test_addresses_of_postgresql_are_servers(scheme: str) -> None:
    address = address_of(f"{scheme}://me:password@host/db")
    assert is_server(address)
    assert file_of(address) is None


@pytest.mark.parametrize("url", ["colors.db", "a b://host", "sqlite://colors.db", "sqlite:///a.db?mode=ro"])
def test_what_is_no_address_is_said(url: str) -> None:
    with pytest.raises(StoreError, match=r"storage\.url"):
        address_of(url)


@pytest.mark.parametrize("scheme", ["mysql", "mariadb+pymysql", "nosuch", "sqlite+pysqlcipher"])
def test_other_databases_are_refused_by_name_and_without_the_password(scheme: str) -> None:
    with pytest.raises(StoreError, match=r"is not supported; write sqlite:///path or postgresql://") as caught:
        address_of(f"{scheme}://me:hunter2@host/db")
    assert scheme in str(caught.value)
    assert "hunter2" not in str(caught.value)


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


async def test_what_raises_leaves_nothing_behind(url: str) -> None:
    def fail(connection: sql.Connection) -> None:
        add(connection, 1)
        raise KeyError

    async with open_database(url) as database:
        with pytest.raises(KeyError):
            await database.run(fail)
        assert await database.read(count) == 0
        assert database.trouble == ""


async def test_leaving_waits_for_what_has_begun(url: str) -> None:
    """Three are in line when their callers give up: the first one at work, the others not begun."""
    begun, go_on = threading.Event(), threading.Event()

    def slow(connection: sql.Connection) -> None:
        begun.set()
        go_on.wait(10)
        add(connection, 0)

    async with open_database(url) as database:
        calls: list[asyncio.Task[object]] = [asyncio.create_task(database.run(slow))]
        calls += [asyncio.create_task(database.run(lambda each, n=number: add(each, n))) for number in (1, 2)]
        await asyncio.to_thread(begun.wait, 10)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        assert all(call.cancelled() for call in calls)
        go_on.set()
    async with open_database(url) as database:
        assert await database.read(count) == 3


async def test_one_writer_comes_after_the_other(url: str) -> None:
    """What a writer reads is still so when it writes, whoever else writes."""

    def work(connection: sql.Connection) -> int:
        return add(connection, count(connection))

    async with open_database(url) as one, open_database(url) as other:
        await asyncio.gather(*(database.run(work) for database in (one, other) * 10))
        assert await one.read(count) == 20


async def test_reading_waits_for_no_writer(url: str) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def write(connection: sql.Connection) -> None:
        add(connection, 1)
        begun.set()
        go_on.wait(10)

    async with open_database(url) as one, open_database(url) as other:
        writing = asyncio.create_task(one.run(write))
        await asyncio.to_thread(begun.wait, 10)
        assert await other.read(count) == 0
        assert not writing.done()
        go_on.set()
        await writing
        assert await other.read(count) == 1


async def test_a_reader_sees_one_state(url: str) -> None:
    async with open_database(url) as database, open_database(url) as other:
        loop = asyncio.get_running_loop()

        def read(connection: sql.Connection) -> tuple[int, int]:
            before = count(connection)
            writing = asyncio.run_coroutine_threadsafe(other.run(lambda each: add(each, 1)), loop)
            with contextlib.suppress(TimeoutError):  # a file takes the write when the reader is done
                writing.result(0.2)
            return before, count(connection)

        assert await database.read(read) == (0, 0)


async def test_trouble_is_told_once_and_ends(store_url: str, tmp_path: Path) -> None:
    told: list[str] = []
    async with open_database(store_url, busy_seconds=0.05) as database:
        database.on_trouble(told.append)
        with contextlib.closing(sqlite3.connect(tmp_path / "store.sqlite3", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for _ in range(3):
                with pytest.raises(StoreError, match="database is locked"):
                    await database.run(lambda connection: add(connection, 1))
            assert await database.read(count) == 0  # that it can be read is no sign that it can be written
            assert "database is locked" in database.trouble
        await database.run(lambda connection: add(connection, 1))
        assert database.trouble == ""
    assert ["database is locked" in each for each in told] == [True, False]
    assert told[1] == ""


async def test_trouble_with_reading_ends_with_the_next_read(url: str) -> None:
    async with open_database(url) as database:
        told: list[str] = []
        database.on_trouble(told.append)
        with pytest.raises(StoreError):
            await database.read(lambda connection: connection.exec_driver_sql("SELECT * FROM nowhere"))
        assert database.trouble == told[0]
        assert await database.read(count) == 0
        assert (database.trouble, told[1:]) == ("", [""])


async def test_trouble_with_writing_is_not_over_while_only_reading_works(url: str) -> None:
    async with open_database(url) as database:
        with pytest.raises(StoreError):
            await database.run(lambda connection: connection.exec_driver_sql("INSERT INTO nowhere VALUES (1)"))
        assert await database.read(count) == 0
        assert "failed" in database.trouble
        await database.run(lambda connection: add(connection, 1))
        assert database.trouble == ""


async def test_a_file_that_another_process_reads_is_not_rewritten(store_url: str, tmp_path: Path) -> None:
    """Somebody who still reads what was there before would keep it from being tidied up."""
    async with open_database(store_url, busy_seconds=0.05) as database:
        with contextlib.closing(sqlite3.connect(tmp_path / "store.sqlite3", isolation_level=None)) as other:
            other.execute("BEGIN")
            other.execute("SELECT * FROM imports").fetchall()
            with pytest.raises(StoreError, match="database is locked"):
                await database.rewrite(lambda connection: add(connection, 1))
        assert await database.read(count) == 0
        await database.rewrite(lambda connection: add(connection, 1))


def test_without_psycopg_a_server_says_what_to_install_and_a_file_works(store_url: str) -> None:
    code = (
        "import asyncio, sys\n"
        "from colorchanger_bot.errors import StoreError\n"
        "from colorchanger_bot.store.store import Store\n"
        "sys.modules['psycopg'] = None\n"
        "async def main():\n"
        f"    async with Store.open({store_url!r}) as store: await store.stop_beating()\n"
        "    async with Store.open('postgresql+asyncpg://me:password@host/db'): pass\n"
        "try: asyncio.run(main())\n"
        "except StoreError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 1
    assert "pip install 'colorchanger-bot[postgres]'" in done.stdout
    assert "password" not in done.stdout
