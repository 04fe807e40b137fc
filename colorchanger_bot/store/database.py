"""The database under the store, an SQLite file or a PostgreSQL server, used in transactions that always end.

A transaction is a plain function of an SQLAlchemy connection. It runs in a thread of the database's own: one for a
file, four for a server.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sql
from sqlalchemy.exc import SQLAlchemyError

from colorchanger_bot.clock import look_at_result
from colorchanger_bot.errors import StoreError
from colorchanger_bot.store import schema, server
from colorchanger_bot.store.file import MEMORY, address_of, back_up, file_of, is_server
from colorchanger_bot.store.problem import Unusable, first_line
from colorchanger_bot.store.sqlite import BUSY_SECONDS, doubt_all, file_engine, make_ready
from colorchanger_bot.store.stamp import FileStamp, ServerStamp, Stamp

ANSWER_SECONDS, LONG_SECONDS = 20.0, 600.0
"""No call waits longer than this for the database; one that reads or writes all of it may take longer."""
R = TypeVar("R")
Work = Callable[[sql.Connection], R]
"""The work of one transaction: if it raises, nothing of it is kept."""


class Database:
    """An SQL database. A call finishes even if its caller is cancelled; a write that returned is on disk."""

    def __init__(self, engine: sql.Engine, name: str, *, threads: int = 1, path: Path | None = None) -> None:
        self.name = name
        """Its address for people, without a password."""
        self._path = path
        self._file: tuple[int, int] | None = None
        self._is_ready = self._was_ready = False
        self._engine = engine
        self._on_server = engine.dialect.name != "sqlite"
        self.stamp: Stamp | None = ServerStamp() if self._on_server else FileStamp(path) if path is not None else None
        self._writer = engine.execution_options(begin="BEGIN IMMEDIATE")
        reading = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True} if self._on_server else {}
        self._reader = engine.execution_options(begin="BEGIN", **reading)
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="store")
        self._running: set[asyncio.Future[Any]] = set()
        self._troubles: dict[sql.Engine, str] = {}
        self._listeners: list[Callable[[str], None]] = []

    @property
    def trouble(self) -> str:
        """Why the last transaction failed; empty when it did not."""
        return self._troubles.get(self._writer) or self._troubles.get(self._reader) or ""

    def on_trouble(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with the problem when transactions begin to fail, and with "" when they work again."""
        self._listeners.append(listener)

    async def run(self, work: Work[R], *, seconds: float = ANSWER_SECONDS) -> R:
        """Do the work in a transaction; there is one writer at a time, on a server too.

        Raises:
            StoreError: it could not be done, or not within that time.
        """
        return await self._call(partial(self._transaction, self._writer, work), self._writer, seconds)

    async def read(self, work: Work[R], *, seconds: float = ANSWER_SECONDS) -> R:
        """Do work that only reads; it sees a consistent state of the database.

        Raises:
            StoreError: it could not be done, or not within that time.
        """
        return await self._call(partial(self._transaction, self._reader, work), self._reader, seconds)

    async def rewrite(self, work: Work[int]) -> int:
        """Do work that changes many rows, and leave nothing of the old rows in the file.

        Raises:
            StoreError: it could not be done, or another process keeps the file from being tidied up.
        """
        return await self._call(partial(self._rewrite, work), self._writer, LONG_SECONDS)

    async def close(self) -> None:
        """Wait for running calls, and close all connections."""
        if self._running:
            await asyncio.wait(self._running, timeout=ANSWER_SECONDS)
        closed = asyncio.wrap_future(self._threads.submit(self._engine.dispose))
        self._threads.shutdown(wait=False)
        await asyncio.wait({closed}, timeout=ANSWER_SECONDS)

    async def _call(self, function: Callable[[], R], engine: sql.Engine, seconds: float) -> R:
        """Call it in a thread and wait; cancelling the wait does not cancel the call."""
        call = self._threads.submit(function)
        answer = asyncio.wrap_future(call)
        self._running.add(answer)
        answer.add_done_callback(self._running.discard)
        # If the caller stops waiting, nobody looks at the result.
        answer.add_done_callback(look_at_result)
        await asyncio.wait({answer}, timeout=seconds)
        if not answer.done():
            call.cancel()  # unless it has begun
            raise self._failed(engine, f"did not answer within {seconds:g} s")
        return answer.result()

    # In a thread

    def _transaction(self, engine: sql.Engine, work: Work[R]) -> R:
        try:
            self._make_ready()
            result = self._begun(engine, work)
        except Unusable as error:
            problem = str(error)
        except (SQLAlchemyError, sqlite3.Error, UnicodeError, OverflowError, OSError) as error:
            problem = f"failed: {first_line(error)}"
        else:
            if self.stamp is not None:
                self.stamp.save()
            self._worked(engine)
            return result
        finally:
            if self.stamp is not None:
                self.stamp.drop()
        self._is_ready = False  # another database may be there by now
        raise self._failed(engine, problem)  # out here: the original error contains rows

    def _begun(self, engine: sql.Engine, work: Work[R]) -> R:
        with engine.begin() as connection:
            if self._on_server and engine is self._writer:
                server.wait_for_turn(connection)
            return work(connection)

    def _make_ready(self) -> None:
        """Create our tables or bring them up to date, once; again if a backup took the place of the database.

        Raises:
            Unusable: it is gone, or a newer version of ColorChanger wrote it.
            StoreError: the file of an older version cannot be copied first.
        """
        file = _identity(self._path)
        if self._is_ready and file == self._file:
            return
        if self._was_ready and file != self._file:
            self._engine.dispose()  # the open connection is to the file of before
        version = self._begun(self._reader, schema.version)
        if version is None and self._was_ready:
            raise Unusable("has no tables any more; put a backup in its place")
        if version is not None and version > schema.SCHEMA_VERSION:
            raise Unusable("was written by a newer ColorChanger: update this one")
        if version is not None and version < schema.SCHEMA_VERSION and self._path is not None:
            back_up(self._path, f"version-{version}", doubt_all)
        if version != schema.SCHEMA_VERSION:
            self._begun(self._writer, schema.upgrade)
        self._file, self._is_ready, self._was_ready = file, True, True

    def _rewrite(self, work: Work[int]) -> int:
        changed = self._transaction(self._writer, work)
        if changed and not self._on_server:
            self._vacuum()
        return changed

    def _vacuum(self) -> None:
        """Rewrite the file, so that nothing of deleted rows is left in it."""
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql("VACUUM")
            return
        except (SQLAlchemyError, sqlite3.Error) as error:
            problem = first_line(error)
        raise StoreError(
            f"the store {self.name} was rewritten, but old tokens may still be in its file ({problem}): "
            "stop whatever uses it and repeat this"
        )

    def _failed(self, engine: sql.Engine, problem: str) -> StoreError:
        error = StoreError(f"the store {self.name} {problem}")
        known, self._troubles[engine] = self.trouble, str(error)
        if not known:
            self._tell(str(error))
        return error

    def _worked(self, engine: sql.Engine) -> None:
        known = self.trouble
        self._troubles.pop(engine, None)
        if engine is self._writer:
            self._troubles.clear()  # a database that can be written can be read
        if known and not self.trouble:
            self._tell("")

    def _tell(self, trouble: str) -> None:
        for listener in self._listeners:
            listener(trouble)


@asynccontextmanager
async def open_database(url: str, *, busy_seconds: float = BUSY_SECONDS) -> AsyncGenerator[Database]:
    """Open the database; create our tables or bring them up to date.

    Raises:
        StoreError: it cannot be opened, it is damaged, or a newer version of ColorChanger wrote it.
    """
    address = address_of(url)
    if is_server(address):
        engine, name = server.engine_for(address)
        database = Database(engine, name, threads=server.CONNECTIONS)
    else:
        path = file_of(address)
        if path is not None:
            await asyncio.to_thread(make_ready, path)
        engine = file_engine(path, busy_seconds)
        database = Database(engine, str(path or MEMORY), path=path)
    try:
        await database.read(lambda _: None)
        yield database
    finally:
        await database.close()


def _identity(path: Path | None) -> tuple[int, int] | None:
    """Return the identity of the file; if another file took its name, writes to the open one would be lost."""
    if path is None:
        return None
    try:
        found = os.stat(path)
    except FileNotFoundError:
        raise Unusable("was moved or removed; put it back, or restart ColorChanger") from None
    return found.st_dev, found.st_ino
