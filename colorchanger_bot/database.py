"""The database under the store: opened with the care that tokens need, used in transactions that always end.

A transaction is on disk (WAL, `synchronous = FULL`) when the call returns, which is what "saved before use" rests on.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from types import CoroutineType
from typing import Any, Concatenate, ParamSpec, Protocol, Self, TypeVar

import sqlalchemy as sql
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from colorchanger_bot import tables
from colorchanger_bot.errors import StoreError
from colorchanger_bot.storefile import address_of, back_up, check, file_of, make_private

BUSY_SECONDS = 5
"""How long a writer waits for another process (`colorchanger login` beside `run`)."""
ANSWER_SECONDS = 20.0
"""No call waits longer than this for the database."""

P = ParamSpec("P")
R = TypeVar("R")


class Database:
    """An SQL database with our tables in it, up to date; `async with Database.open(url) as database`."""

    def __init__(self, engine: AsyncEngine, name: str) -> None:
        self._engine = engine
        self._running: set[asyncio.Task[Any]] = set()
        self.name = name
        """Where it is, for people; without a password."""

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncGenerator[Self]:
        """Open the database, made on first use.

        Raises:
            StoreError: it cannot be opened, it is damaged, or a newer version of ColorChanger wrote it.
        """
        address = address_of(url)
        path = file_of(address)
        if path is not None:
            make_private(path)
            await asyncio.to_thread(check, path)
        options: dict[str, Any] = {"pool_size": 1, "max_overflow": 0} if path else {}
        engine = create_async_engine(address, **options)
        database = cls(engine, str(path or address.render_as_string(hide_password=True)))
        if database.is_sqlite:
            event.listen(engine.sync_engine, "connect", _set_pragmas)
        try:
            async with database.transaction() as connection:
                found = await connection.run_sync(tables.version)
            if found is not None and found > tables.SCHEMA_VERSION:
                raise StoreError(f"the store {database.name} was written by a newer ColorChanger: update this one")
            if found is not None and found < tables.SCHEMA_VERSION and path is not None:
                await asyncio.to_thread(back_up, path, f"version-{found}")
            if found != tables.SCHEMA_VERSION:
                async with database.transaction() as connection:
                    await connection.run_sync(tables.upgrade)
            yield database
        finally:
            await database._close()

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of ours rather than somebody's server."""
        return self._engine.dialect.name == "sqlite"

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncConnection]:
        """Do what is in the block wholly or not at all.

        Raises:
            StoreError: it could not be done.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._engine.begin() as connection:
                yield connection
        except TimeoutError as error:
            raise StoreError(f"the store {self.name} did not answer within {ANSWER_SECONDS:g} s") from error
        except SQLAlchemyError as error:
            # The statement and its parameters hold tokens: only what the driver said is repeated.
            said = getattr(error, "orig", None) or type(error).__name__
            raise StoreError(f"the store {self.name} failed: {said}") from None

    async def to_its_end(self, work: Coroutine[Any, Any, R]) -> R:
        """Do work whose end nothing may cut off: who waits for it may be cancelled, the work is not."""
        task = asyncio.create_task(work, name="a transaction")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        # Whoever gives up waiting never looks at how it ended.
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        return await asyncio.shield(task)

    async def scrub(self) -> None:
        """Let nothing of what was overwritten stay in an SQLite file or its write-ahead log.

        Raises:
            StoreError: another process keeps it from being tidied up.
        """
        if not self.is_sqlite:
            return
        try:
            async with self._engine.connect() as connection:
                raw: Any = (await connection.get_raw_connection()).driver_connection
                for line in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                    await (await raw.execute(line)).close()
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise StoreError(
                f"the store {self.name} was rewritten, but could not be tidied up ({error}): stop what uses it, repeat"
            ) from None

    async def _close(self) -> None:
        if self._running:
            await asyncio.wait(self._running)
        await self._engine.dispose()


class OnDatabase(Protocol):
    """What has a database under it."""

    @property
    def database(self) -> Database:
        """That database."""
        ...


Owner = TypeVar("Owner", bound=OnDatabase)


def whole(
    method: Callable[Concatenate[Owner, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[Owner, P], CoroutineType[Any, Any, R]]:
    """Make a method run to its end even if its caller is cancelled.

    A connection that is given up in the middle of a transaction leaves the database locked for everybody until its
    thread is gone, and the next writer waits in vain.
    """

    @wraps(method)
    async def run(self: Owner, *args: P.args, **kwargs: P.kwargs) -> R:
        return await self.database.to_its_end(method(self, *args, **kwargs))

    return run


async def put(connection: AsyncConnection, table: sql.Table, key: sql.Column[Any], row: dict[str, Any]) -> None:
    """Update the row of that key, or insert it: in words that every database understands."""
    done = await connection.execute(sql.update(table).where(key == row[key.name]).values(row))
    if done.rowcount == 0:
        await connection.execute(sql.insert(table).values(row))


def _set_pragmas(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA secure_delete = ON")  # an old token must not linger in a free page
    cursor.close()
