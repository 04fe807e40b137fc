"""An SQLite file as a SQLAlchemy engine: how a new one is created, and an older one is copied."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sql
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from colorchanger_bot.errors import StoreError
from colorchanger_bot.store import schema
from colorchanger_bot.store.file import MEMORY, check, make, tighten
from colorchanger_bot.store.problem import first_line

BUSY_SECONDS = 5.0
"""How long a writer waits for another process (`colorchanger login` beside `run`)."""
PRAGMAS = (
    # Not a write-ahead log: with this journal, the main file is complete after every transaction.
    "journal_mode = DELETE",
    "synchronous = FULL",  # on disk when the call returns: "saved before it is used" depends on it
    "secure_delete = ON",  # an old token must not linger in a free page
)


def file_engine(path: Path | None, busy_seconds: float = BUSY_SECONDS) -> sql.Engine:
    """Return an engine with one connection to an SQLite file, or to a database in memory."""

    def connect() -> sqlite3.Connection:
        # Without an isolation level, transactions begin only where we say so, below.
        where = str(path or MEMORY)
        raw = sqlite3.connect(where, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
        try:
            for pragma in PRAGMAS:
                raw.execute(f"PRAGMA {pragma}").close()
        except sqlite3.Error:
            raw.close()  # nobody else will, and until then it may lock the file
            raise
        return raw

    engine = sql.create_engine("sqlite://", creator=connect, poolclass=StaticPool, hide_parameters=True)

    def begin(connection: sql.Connection) -> None:
        # A writer takes its lock at once: two that turn from reading to writing would deadlock.
        if statement := connection.get_execution_options().get("begin"):
            connection.exec_driver_sql(statement)

    event.listen(engine, "begin", begin)
    return engine


def make_file(path: Path, fill: Callable[[sql.Connection], None]) -> None:
    """Create the file of a new store, complete or not at all; `fill` writes into it once it has its tables.

    Raises:
        StoreError: it cannot be made.
    """

    def make_tables(partial: Path) -> None:
        engine = file_engine(partial).execution_options(begin="BEGIN IMMEDIATE")
        try:
            with engine.begin() as connection:
                schema.upgrade(connection)
                fill(connection)
        except (SQLAlchemyError, sqlite3.Error, UnicodeError, OverflowError) as error:
            problem = first_line(error)
        else:
            return
        finally:
            engine.dispose()
        raise StoreError(f"{path}: a store cannot be made there: {problem}")

    make(path, make_tables)


def make_ready(path: Path) -> None:
    """Create the file if it is missing, let only its owner read it, and check it for damage.

    Raises:
        StoreError: it cannot be made, or it is damaged.
    """
    make_file(path, lambda _: None)
    tighten(path)
    check(path)


def doubt_all(path: Path) -> None:
    """Make an older version that gets this copy back check before it uses a refresh token.

    Raises:
        StoreError: the copy cannot be written.
    """
    engine = file_engine(path)
    try:
        with engine.begin() as connection:
            if any(column["name"] == "doubt" for column in sql.inspect(connection).get_columns("logins")):
                connection.execute(sql.update(schema.logins).values(doubt=1))
    except (SQLAlchemyError, sqlite3.Error) as error:
        problem = first_line(error)
    else:
        return
    finally:
        engine.dispose()
    raise StoreError(f"{path}: the copy of an older version cannot be written: {problem}; make room for it")
