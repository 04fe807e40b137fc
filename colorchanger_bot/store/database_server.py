"""The store on a database server (PostgreSQL, MySQL ...), through SQLAlchemy: the extra `server`, and a driver."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar

import sqlalchemy as sql
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from colorchanger_bot.errors import StoreError
from colorchanger_bot.store.database import ANSWER_SECONDS, Work
from colorchanger_bot.store.schema import Row

R = TypeVar("R")
TRIES = 100
"""So often a transaction is begun anew when another process was faster with the same key, or the same table."""
DRIVER = "name an asynchronous driver that is installed, such as postgresql+asyncpg:// or mysql+aiomysql://"


class Server:
    """Somebody's database, in as many connections as are needed at once."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.name = engine.url.render_as_string(hide_password=True)
        self._engine = engine
        self._running: set[asyncio.Task[Any]] = set()

    @classmethod
    @asynccontextmanager
    async def open(cls, address: str) -> AsyncGenerator[Self]:
        """Make ready to connect; on leaving, wait for what still runs, and close all connections.

        Raises:
            StoreError: there is no such driver.
        """
        try:
            engine = create_async_engine(address, hide_parameters=True)
        except (SQLAlchemyError, ImportError) as error:
            raise StoreError(f"storage.url cannot be used ({error}): {DRIVER}") from None
        except ValueError:  # what it says may be a part of the password
            raise StoreError("storage.url cannot be used: the port in it is no number") from None
        database = cls(engine)
        try:
            yield database
        finally:
            await database._close()

    async def run(self, work: Work[R]) -> R:
        return await self._to_its_end(self._transaction(work))

    async def read(self, work: Work[R]) -> R:
        return await self.run(work)

    async def rewrite(self, work: Work[int]) -> int:
        return await self.run(work)  # how the server tidies up is its owner's business

    async def _transaction(self, work: Work[R]) -> R:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                for _ in range(TRIES - 1):
                    with contextlib.suppress(IntegrityError):
                        return await self._attempt(work)
                return await self._attempt(work)
        except TimeoutError:
            problem = f"did not answer within {ANSWER_SECONDS:g} s"
        except OSError as error:
            problem = f"cannot be reached: {error}"
        except SQLAlchemyError as error:
            # The statement and its parameters hold tokens: only what the driver said is repeated.
            problem = f"failed: {getattr(error, 'orig', None) or type(error).__name__}"
        raise StoreError(f"the store {self.name} {problem}")  # out here, so that the error hangs on nothing

    async def _attempt(self, work: Work[R]) -> R:
        async with self._engine.begin() as connection:
            return await connection.run_sync(lambda plain: work(_Connection(plain)))

    async def _to_its_end(self, work: Coroutine[Any, Any, R]) -> R:
        """Do work whose end nothing may cut off: who waits for it may be cancelled, the work is not.

        A connection that is given up in the middle of a transaction may keep its locks until the server notices.
        """
        task = asyncio.create_task(work, name="a transaction")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        # Whoever gives up waiting never looks at how it ended.
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        await asyncio.wait({task})
        return task.result()

    async def _close(self) -> None:
        if self._running:
            await asyncio.wait(self._running)
        await self._engine.dispose()


class _Connection:
    """An SQLAlchemy connection as a transaction sees it."""

    def __init__(self, plain: sql.Connection) -> None:
        self.long_text = "MEDIUMTEXT" if plain.dialect.name in ("mysql", "mariadb") else "TEXT"
        self._plain = plain

    def execute(self, statement: str, /, **parameters: Any) -> list[Row]:
        done = self._plain.execute(sql.text(statement), parameters)
        return [dict(row) for row in done.mappings()] if done.returns_rows else []

    def change(self, statement: str, /, **parameters: Any) -> int:
        return self._plain.execute(sql.text(statement), parameters).rowcount

    def columns(self, table: str) -> set[str]:
        inspector = sql.inspect(self._plain)
        return {each["name"] for each in inspector.get_columns(table)} if inspector.has_table(table) else set()
