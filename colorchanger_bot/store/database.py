"""The database under the store: opened with the care that tokens need, used in transactions that always end.

A file of ours is read and written by the standard library's sqlite3, in a thread of its own; everything else goes
through SQLAlchemy, which is imported only then. A transaction is a plain function of a `tables.Connection`.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from colorchanger_bot.errors import StoreError
from colorchanger_bot.store import schema as tables
from colorchanger_bot.store.file import MEMORY, address_of, back_up, check, file_of, is_sqlite, make_private
from colorchanger_bot.store.schema import Connection, Row

BUSY_SECONDS = 5.0
"""How long a writer waits for another process (`colorchanger login` beside `run`)."""
ANSWER_SECONDS = 20.0
"""No call waits longer than this for the database."""
PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",  # with WAL: on disk when the call returns, which is what "saved before use" rests on
    "secure_delete = ON",  # an old token must not linger in a free page
)

R = TypeVar("R")
Work = Callable[[Connection], R]
"""What is done in one transaction: wholly, or not at all if it raises. It may be begun anew from its start."""


class Database(Protocol):
    """An SQL database. What was begun ends, even if its caller is cancelled; what was written is on disk."""

    @property
    def name(self) -> str:
        """Where it is, for people; without a password."""
        ...

    async def run(self, work: Work[R]) -> R:
        """Do the work in a transaction.

        Raises:
            StoreError: it could not be done.
        """
        ...

    async def read(self, work: Work[R]) -> R:
        """Do work that only looks; it waits for no writer.

        Raises:
            StoreError: it could not be done.
        """
        ...

    async def rewrite(self, work: Work[int]) -> int:
        """Do work that changes so many rows, and let nothing of what they held stay in a file of ours.

        Raises:
            StoreError: it could not be done, or another process keeps the file from being tidied up.
        """
        ...


@asynccontextmanager
async def open_database(url: str) -> AsyncGenerator[Database]:
    """Open the database with our tables in it, made on first use and brought up to date.

    Raises:
        StoreError: it cannot be opened, it is damaged, or a newer version of ColorChanger wrote it.
    """
    address = address_of(url)
    path = file_of(address)
    if path is not None:
        make_private(path)
    async with _connect(address, path) as database:
        await prepare(database, path)
        yield database


def _connect(address: str, path: Path | None) -> AbstractAsyncContextManager[Database]:
    if is_sqlite(address):
        return SQLite.open(str(path or MEMORY))
    try:
        from colorchanger_bot.store.database_server import Server  # noqa: PLC0415 - a third of the start, which few need
    except ImportError:
        raise StoreError(
            "storage.url names a database server, which needs SQLAlchemy and a driver: "
            "pip install 'colorchanger-bot[server]', or leave it empty for a file of ours"
        ) from None
    return Server.open(address)


async def prepare(database: Database, path: Path | None = None) -> None:
    """Make our tables, or bring them up to date; a file of an older version is copied first.

    Raises:
        StoreError: that cannot be done, or a newer version of ColorChanger wrote them.
    """
    found = await database.read(tables.version)
    if found is not None and found > tables.SCHEMA_VERSION:
        raise StoreError(f"the store {database.name} was written by a newer ColorChanger: update this one")
    if found is not None and found < tables.SCHEMA_VERSION and path is not None:
        await asyncio.to_thread(back_up, path, f"version-{found}")
    if found != tables.SCHEMA_VERSION:
        await database.run(tables.upgrade)


class SQLite:
    """A file of ours, or memory: one connection in one thread, where one transaction comes after the other."""

    _raw: sqlite3.Connection

    def __init__(self, path: str, busy_seconds: float) -> None:
        self.name = path
        self._busy_seconds = busy_seconds
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._opened = ExitStack()

    @classmethod
    @asynccontextmanager
    async def open(cls, path: str, *, busy_seconds: float = BUSY_SECONDS) -> AsyncGenerator[Self]:
        """Open the file, or `:memory:`; on leaving, wait for what still runs, and close it.

        Raises:
            StoreError: it cannot be opened.
        """
        database = cls(path, busy_seconds)
        try:
            await database._call(database._connect)
            yield database
        finally:
            await database._close()

    async def run(self, work: Work[R]) -> R:
        # Told at once that it writes: two that both turn from reading to writing would wait for each other in vain.
        return await self._call(partial(self._transaction, "BEGIN IMMEDIATE", work))

    async def read(self, work: Work[R]) -> R:
        return await self._call(partial(self._transaction, "BEGIN", work))

    async def rewrite(self, work: Work[int]) -> int:
        return await self._call(partial(self._rewrite, work))

    async def _call(self, function: Callable[[], R]) -> R:
        """Call it in the thread, and wait; if the waiting is cut off, the call is not."""
        call = self._thread.submit(function)
        answer = asyncio.wrap_future(call)
        # Whoever gives up waiting never looks at how it ended.
        answer.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        await asyncio.wait({answer}, timeout=ANSWER_SECONDS)
        if not answer.done():
            call.cancel()  # unless it has begun
            raise StoreError(f"the store {self.name} did not answer within {ANSWER_SECONDS:g} s")
        return answer.result()

    async def _close(self) -> None:
        # Behind everything else: the thread takes one after the other, also when nobody waits any more.
        closed = asyncio.wrap_future(self._thread.submit(self._opened.close))
        self._thread.shutdown(wait=False)
        await asyncio.wait({closed}, timeout=ANSWER_SECONDS)

    # In the thread

    def _connect(self) -> None:
        if self.name != MEMORY:
            check(Path(self.name))
        try:
            # Without an isolation level, it is we who say where a transaction begins.
            raw = sqlite3.connect(self.name, timeout=self._busy_seconds, isolation_level=None)
            self._raw = self._opened.enter_context(closing(raw))
            self._raw.row_factory = sqlite3.Row
            for pragma in PRAGMAS:
                self._raw.execute(f"PRAGMA {pragma}")
        except sqlite3.Error as error:
            raise StoreError(f"the store {self.name} cannot be opened: {error}") from None

    def _transaction(self, begin: str, work: Work[R]) -> R:
        try:
            with self._raw:  # commits, or rolls back
                self._raw.execute(begin)
                return work(_Connection(self._raw))
        except (sqlite3.Error, UnicodeError) as error:
            problem = str(error)  # it names tables and columns, never a value of theirs
        raise StoreError(f"the store {self.name} failed: {problem}")  # out here, so that the error hangs on nothing

    def _rewrite(self, work: Work[int]) -> int:
        changed = self._transaction("BEGIN IMMEDIATE", work)
        if changed:
            self._scrub()
        return changed

    def _scrub(self) -> None:
        """Write the file anew, and empty the write-ahead log into it."""
        try:
            self._raw.execute("VACUUM")
            (busy, *_) = self._raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            problem = "another process reads it" if busy else ""
        except sqlite3.Error as error:
            problem = str(error)
        if problem:
            cure = "stop what uses it, repeat"
            raise StoreError(f"the store {self.name} was rewritten, but could not be tidied up ({problem}): {cure}")


class _Connection:
    """An SQLite connection as a transaction sees it."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self.long_text = "TEXT"
        self._raw = raw

    def execute(self, sql: str, /, **parameters: Any) -> list[Row]:
        return [dict(row) for row in self._raw.execute(sql, parameters)]

    def change(self, sql: str, /, **parameters: Any) -> int:
        return self._raw.execute(sql, parameters).rowcount

    def columns(self, table: str) -> set[str]:
        return {row["name"] for row in self.execute("SELECT name FROM pragma_table_info(:table)", table=table)}
