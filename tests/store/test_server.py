"""What holds on a PostgreSQL server only: `.ci/servers` starts one."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sql
from sqlalchemy import event

from colorchanger_bot.errors import StoreError, StoreLocked
from colorchanger_bot.store.lock import PING_SECONDS, Ownership
from colorchanger_bot.store.server import engine_for
from colorchanger_bot.store.store import Store, TokenPair, locked
from tests.fakes import until
from tests.stores import SERVER, empty_database, execute, plain_engine

PAIR = TokenPair("access-1", "refresh-1", 1764000000.123456)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[str]:
    async with empty_database("server", tmp_path) as url:
        yield url


@pytest.mark.parametrize(
    ("address", "query"),
    [
        ("postgresql+asyncpg://me:secret@host/db?ssl=require", {"sslmode": "require"}),
        ("postgresql+asyncpg://me:secret@host/db?ssl=true", {"sslmode": "require"}),
        ("postgresql+asyncpg://me:secret@host/db?ssl=False", {"sslmode": "disable"}),
        ("postgresql+asyncpg://me:secret@host/db?ssl=1", {"sslmode": "require"}),
        ("postgresql+asyncpg://me:secret@host/db?ssl=0", {"sslmode": "disable"}),
        ("postgresql+asyncpg://me:secret@host/db?ssl=verify-full&command_timeout=3", {"sslmode": "verify-full"}),
        ("postgres://me:secret@host/db?sslmode=disable", {"sslmode": "disable"}),
        ("postgresql://me:secret@host/db", {}),
    ],
)
def test_addresses_of_other_drivers_open_through_psycopg(address: str, query: dict[str, str]) -> None:
    engine, name = engine_for(address)
    assert (engine.url.drivername, dict(engine.url.query)) == ("postgresql+psycopg", query)
    assert name == "postgresql://me:***@host/db"


class _NotNow(Exception):
    """Raised in the place of a connection."""


@pytest.mark.parametrize(("options", "own"), [("", {}), ("?connect_timeout=3&keepalives_idle=60", {"connect_timeout"})])
def test_a_dead_server_is_noticed_unless_the_address_says_otherwise(options: str, own: set[str]) -> None:
    engine, _ = engine_for(f"postgresql://me:secret@host/db{options}")
    seen: dict[str, object] = {}

    def connect(_dialect: object, _record: object, _arguments: object, keywords: dict[str, object]) -> None:
        seen.update(keywords)
        raise _NotNow

    event.listen(engine, "do_connect", connect)
    with pytest.raises(_NotNow):
        engine.connect()
    ours = {"connect_timeout": 10, "keepalives_idle": 5, "keepalives_interval": 2, "tcp_user_timeout": 10_000}
    theirs = {"connect_timeout": "3", "keepalives_idle": "60"} if own else {}
    expected = ours | theirs | {"prepare_threshold": None}  # prepared statements do not survive a pooler
    assert {name: seen[name] for name in expected} == expected


@pytest.mark.parametrize("address", ["postgresql://me:pass@word:word@host/db", "postgresql://me:word@host:word/db"])
async def test_an_address_that_cannot_be_used_shows_no_password(address: str) -> None:
    with pytest.raises(StoreError, match=r"storage\.url cannot be used") as caught:
        async with Store.open(address):
            pass
    assert "word@" not in str(caught.value).replace("password@", "")


async def test_a_server_that_is_not_there_is_said_in_a_line_without_the_password() -> None:
    with pytest.raises(StoreError, match=r"failed: .*refused") as caught:
        async with Store.open("postgresql://me:hunter2@127.0.0.1:1/colors"):
            pass
    assert len(str(caught.value).splitlines()) == 1
    assert "hunter2" not in str(caught.value)


async def test_a_second_owner_is_turned_away_until_the_first_is_gone(server: str) -> None:
    async with Store.open(server):
        with locked(server):
            with pytest.raises(StoreLocked, match="already running"), locked(server):
                pass
            with pytest.raises(StoreLocked), locked(server.replace("postgresql:", "postgresql+asyncpg:")):
                pass
        with locked(server):
            pass


async def test_an_owner_is_checked_often_and_keeps_its_connection(server: str) -> None:
    def owners() -> list[int]:
        with engine.connect() as connection:
            held = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
            return list(connection.exec_driver_sql(held).scalars())

    engine = plain_engine(server)
    with locked(server) as ownership:
        assert ownership is not None
        began, before = time.monotonic(), owners()
        assert len(before) == 1
        await until(lambda: time.monotonic() - began > 2.5 * PING_SECONDS, seconds=4 * PING_SECONDS)
        assert (owners(), ownership.problem) == (before, "")
    engine.dispose()


async def test_installations_in_different_databases_do_not_disturb_each_other(server: str) -> None:
    engine = plain_engine(server).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE IF EXISTS others")
        connection.exec_driver_sql("CREATE DATABASE others")
    others = sql.make_url(server).set(database="others").render_as_string(hide_password=False)
    try:
        with locked(server), locked(others):
            async with Store.open(server) as one, Store.open(others) as other:
                await one.put_login("me", "client", PAIR, "42")
                assert await other.logins() == []
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql("DROP DATABASE others WITH (FORCE)")
        engine.dispose()


def test_an_owner_that_dies_frees_the_database(server: str) -> None:
    die = "import os, sys\nfrom colorchanger_bot.store.store import locked\nwith locked(sys.argv[1]): os._exit(7)"
    assert subprocess.run([sys.executable, "-c", die, server], check=False, timeout=30).returncode == 7
    deadline = time.monotonic() + 10
    while True:
        try:
            with locked(server):
                return
        except StoreLocked:
            assert time.monotonic() < deadline


def end_connections(server: str) -> None:
    execute(server, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")


async def test_an_owner_whose_connection_is_cut_takes_the_lock_again(server: str) -> None:
    with Ownership(server).held() as ownership:
        assert ownership.problem == ""
        end_connections(server)
        taken = sql.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
        engine = plain_engine(server)
        with engine.connect() as connection:
            await until(lambda: connection.scalar(taken) == 1, seconds=15)
        engine.dispose()
        await until(lambda: ownership.problem == "")
        with pytest.raises(StoreLocked), locked(server):
            pass


async def test_an_owner_that_another_process_has_followed_begins_no_refresh(server: str) -> None:
    async with Store.open(server) as store:
        login = await store.put_login("me", "client", PAIR, "42")
        with locked(server) as store.ownership:
            assert await store.begin_refresh(login)
            assert store.ownership is not None
            followed = False
            async with asyncio.timeout(30):
                while not followed:  # the one that asks first gets it
                    end_connections(server)
                    try:
                        with locked(server):
                            followed = True
                            await until(lambda: store.ownership is None or store.ownership.problem, seconds=15)
                            with pytest.raises(StoreLocked, match="another ColorChanger"):
                                await store.begin_refresh(login)
                    except StoreLocked:
                        await asyncio.sleep(0.1)
            await until(lambda: store.ownership is None or not store.ownership.problem, seconds=15)
            assert await store.begin_refresh(login)


async def test_a_server_that_drops_its_connections_is_asked_again(
    server: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with Store.open(server) as store:
        login = await store.put_login("me", "client", PAIR, "42")
        end_connections(server)
        assert await store.replace_pair(login, PAIR)
        assert store.trouble == ""

        def work(connection: sql.Connection) -> None:
            end_connections(server)
            connection.execute(sql.select(1))

        with pytest.raises(StoreError, match=r"failed: terminating connection|server closed") as caught:
            await store.database.run(work)
        assert len(str(caught.value).splitlines()) == 1
        assert await store.login(login.id)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_query_that_fails_shows_only_its_first_line(server: str) -> None:
    """What PostgreSQL says after that holds the values of the row."""
    async with Store.open(server) as store:
        await store.put_login("me", "client", PAIR, "42")
        with pytest.raises(StoreError, match="value too long") as caught:
            await store.put_login("x" * 26, "client", PAIR, "43")
    assert len(str(caught.value).splitlines()) == 1
    assert "access-1" not in repr(caught.value)
    assert caught.value.__context__ is None


def test_the_server_is_the_one_that_ci_started() -> None:
    """Without a server all of the above is skipped: nobody must take that for a pass."""
    if not SERVER:
        pytest.skip("COLORCHANGER_TEST_SERVER names no database")
    assert SERVER.startswith("postgresql://")
