"""Stores on either engine, and stores of older versions."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sql

from colorchanger_bot.store.server import engine_for

SERVER = os.environ.get("COLORCHANGER_TEST_SERVER", "")
"""The address of a PostgreSQL database that tests may empty: `.ci/servers` starts one."""
ENGINES = ("file", "server")
MADE_BY_0_1 = Path(__file__).parent / "store" / "made_by_0_1"
KEY_OF_0_1 = "Y29sb3JjaGFuZ2VyLXRlc3RzLW9mLXRoZS1zdG9yZSE="
"""The key of its encrypted stores."""

FIRST_VERSION = """
CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY);
INSERT INTO schema_version VALUES (1);
CREATE TABLE logins (id INTEGER NOT NULL PRIMARY KEY, user_id VARCHAR(32) UNIQUE, login VARCHAR(25) NOT NULL UNIQUE,
    client_id VARCHAR(64) NOT NULL, access_token TEXT NOT NULL, refresh_token TEXT NOT NULL,
    expires_at DOUBLE PRECISION, scopes TEXT NOT NULL, lost TEXT NOT NULL, generation INTEGER NOT NULL);
INSERT INTO logins VALUES (1, '42', 'me', 'client', 'access-1', 'refresh-1', 12.5, 'a b', '', 3);
CREATE TABLE imports (fingerprint VARCHAR(64) NOT NULL PRIMARY KEY, login_id INTEGER NOT NULL);
CREATE TABLE colors (user_id VARCHAR(32) NOT NULL PRIMARY KEY, remembered TEXT NOT NULL);
CREATE TABLE heartbeat (id INTEGER NOT NULL PRIMARY KEY, pid INTEGER NOT NULL, at DOUBLE PRECISION NOT NULL,
    status TEXT NOT NULL);
"""
"""The tables of the first version of the schema."""


def plain_engine(url: str) -> sql.Engine:
    """An engine without our options, for tests that look from outside."""
    return engine_for(url, pool_pre_ping=True)[0] if url == SERVER else sql.create_engine(url)


def execute(url: str, script: str) -> None:
    """Run a script of SQL on a database."""
    engine = plain_engine(url)
    with engine.begin() as connection:
        for statement in script.split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
    engine.dispose()


@asynccontextmanager
async def empty_database(engine: str, folder: Path) -> AsyncGenerator[str]:
    """The URL of an empty database: a file that does not exist yet, or the server's."""
    if engine == "file":
        yield f"sqlite:///{(folder / 'store.sqlite3').as_posix()}"
        return
    if not SERVER:
        pytest.skip("COLORCHANGER_TEST_SERVER names no database")
    empty = "DROP SCHEMA public CASCADE;\nCREATE SCHEMA public"
    execute(SERVER, empty)
    yield SERVER
    execute(SERVER, empty)


def backed_up(url: str, folder: Path, *, by_name: bool = False) -> Callable[[], None]:
    """Copy a store as people do, with nothing of ours; return what puts the copy in the place of the store.

    `by_name`: as `mv` and `tar` do it, with another file of the same name, and not as `cp` does, into the same file.
    """
    return _backed_up_server(url) if url == SERVER else _backed_up_file(url, folder, by_name=by_name)


def _backed_up_file(url: str, folder: Path, *, by_name: bool) -> Callable[[], None]:
    path = Path(url.removeprefix("sqlite:///"))
    copy = Path(shutil.copyfile(path, folder / "copy"))

    def restore() -> None:
        if by_name:
            Path(shutil.copyfile(copy, folder / "second")).replace(path)
        else:
            path.write_bytes(copy.read_bytes())

    return restore


def _backed_up_server(url: str) -> Callable[[], None]:
    engine = plain_engine(url)
    dumped = sql.MetaData()
    with engine.connect() as connection:
        dumped.reflect(connection)
        rows = {
            table: [dict(row) for row in connection.execute(sql.select(table)).mappings()]
            for table in dumped.sorted_tables
        }
    engine.dispose()

    def restore() -> None:
        engine = plain_engine(url)
        with engine.begin() as connection:
            dumped.drop_all(connection)
            dumped.create_all(connection)
            for table, every in rows.items():
                if every:
                    connection.execute(sql.insert(table), every)
        engine.dispose()

    return restore
