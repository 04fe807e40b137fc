"""A PostgreSQL server under the store: how it is reached, who writes next, and which process owns the database."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sql
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from colorchanger_bot.errors import StoreError, StoreLocked

CONNECTIONS = 4
CONNECT_SECONDS = 10
LOCK_SECONDS = 10
PING_SECONDS, PROVEN_SECONDS = 2.0, 8.0
WRITING, OWNING = 0x434F4C01, 0x434F4C02
"""The first halves of our advisory locks; the second half is the schema. PostgreSQL keeps them apart by database."""

DRIVER = "postgresql+psycopg"
INSTALL = "storage.url names a PostgreSQL server, which needs a driver: pip install 'colorchanger-bot[postgres]'"
KEEPALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}
_ONLY_ASYNCPG = {
    "timeout",
    "command_timeout",
    "prepared_statement_cache_size",
    "statement_cache_size",
    "async_fallback",
}


def engine_for(address: str, **options: Any) -> tuple[sql.Engine, str]:
    """Return an engine for a server, and the server's name for people, without a password.

    Raises:
        StoreError: the address cannot be used, or psycopg is missing.
    """
    try:
        url = _url(address)
        arguments = {"connect_timeout": CONNECT_SECONDS, **KEEPALIVE}
        engine = sql.create_engine(
            url,
            # Prepared statements do not survive a pooler such as PgBouncer.
            connect_args={name: value for name, value in arguments.items() if name not in url.query}
            | {"prepare_threshold": None},
            hide_parameters=True,
            **(options or {"pool_size": CONNECTIONS, "max_overflow": 0, "pool_pre_ping": True}),
        )
    except ImportError:
        raise StoreError(INSTALL) from None
    except (SQLAlchemyError, ValueError):  # their text may hold a part of the password
        raise StoreError("storage.url cannot be used: write postgresql://user:password@host:port/database") from None
    return engine, url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)


def wait_for_turn(connection: sql.Connection) -> None:
    """Let one writer in at a time, as SQLite does: then nothing comes between what it reads and what it writes."""
    limit = sql.func.set_config("lock_timeout", f"{LOCK_SECONDS}s", True)
    connection.execute(sql.select(limit, sql.func.pg_advisory_xact_lock(WRITING, _schema())))


class Ownership:
    """That this process owns a database: a session advisory lock, on a connection of its own that is asked often."""

    def __init__(self, address: str) -> None:
        self._engine, self._name = engine_for(address, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        self._connection: sql.Connection | None = None
        self._proven_at = float("-inf")
        self._ended = threading.Event()
        self._taken = False

    @property
    def problem(self) -> str:
        """Why nothing that works only once may be done now; empty while the ownership is proven."""
        if self._taken:
            return f"another ColorChanger runs on {self._name} now: stop one of them"
        if time.monotonic() - self._proven_at > PROVEN_SECONDS:
            return f"{self._name} has not answered for {PROVEN_SECONDS:g} s: another ColorChanger may run on it"
        return ""

    @contextmanager
    def held(self) -> Generator[Ownership]:
        """Own the database.

        Raises:
            StoreLocked: another process does.
            StoreError: the server cannot be asked.
        """
        try:
            self._take()
            problem = ""
        except SQLAlchemyError as error:
            problem = str(getattr(error, "orig", error)).strip().partition("\n")[0]
        if problem:
            raise StoreError(f"the store {self._name} failed: {problem}")
        if self._taken:
            raise StoreLocked("ColorChanger is already running on this store")
        watch = threading.Thread(target=self._watch, name="store ownership", daemon=True)
        watch.start()
        try:
            yield self
        finally:
            self._ended.set()
            watch.join(CONNECT_SECONDS)
            self._drop()

    def _watch(self) -> None:
        while not self._ended.wait(PING_SECONDS):
            try:
                if self._connection is None:
                    self._take()
                else:
                    self._connection.scalar(sql.select(1))
                    self._proven_at = time.monotonic()
            except SQLAlchemyError:
                self._drop()

    def _take(self) -> None:
        """Connect and ask for the lock; the server is told to notice soon when this machine is gone."""
        self._connection = connection = self._engine.connect()
        limits = (("tcp_keepalives_idle", "5"), ("tcp_keepalives_interval", "2"), ("tcp_keepalives_count", "3"))
        connection.execute(sql.select(*(sql.func.set_config(name, value, False) for name, value in limits)))
        free = connection.scalar(sql.select(sql.func.pg_try_advisory_lock(OWNING, _schema())))
        self._taken = not free
        if free:
            self._proven_at = time.monotonic()
        else:
            self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(SQLAlchemyError):
                connection.close()


def _schema() -> Any:
    return sql.func.hashtext(sql.func.current_schema())


def _url(address: str) -> sql.URL:
    """Return SQLAlchemy's form of an address, whatever driver it names; what only asyncpg knows is translated."""
    url = sql.make_url(address.replace("postgres://", "postgresql://", 1))
    query = {name: value for name, value in url.query.items() if name not in _ONLY_ASYNCPG}
    if (mode := query.pop("ssl", None)) is not None:
        query["sslmode"] = {"true": "require", "1": "require", "false": "disable", "0": "disable"}.get(
            str(mode).lower(), mode
        )
    return url.set(drivername=DRIVER, query=query)
