"""The lock of the process that owns a store: beside the file, or on the server."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sql
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from colorchanger_bot.errors import StoreError, StoreLocked
from colorchanger_bot.store.file import PRIVATE, address_of, file_of, is_server, tighten
from colorchanger_bot.store.problem import first_line
from colorchanger_bot.store.server import CONNECT_SECONDS, OWNING, engine_for, this_schema

PING_SECONDS, PROVEN_SECONDS = 2.0, 8.0


@contextmanager
def locked(url: str = "") -> Generator[Ownership | None]:
    """Own the store while the process runs; on a server, yield the proof that it is still owned.

    Raises:
        StoreLocked: another process runs on it.
        StoreError: it cannot be locked.
    """
    address = address_of(url)
    if is_server(address):
        with Ownership(address).held() as ownership:
            yield ownership
    elif (path := file_of(address)) is not None:
        with locked_file(path):
            yield None
    else:
        yield None  # no other process can use a database in memory


@contextmanager
def locked_file(path: Path) -> Generator[None]:
    """Own the file while the process runs.

    Raises:
        StoreLocked: another process runs on it.
        StoreError: the lock file cannot be made.
    """
    beside = Path(f"{path}.lock")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_RDWR, PRIVATE))
    except OSError as error:
        raise StoreError(f"{beside}: cannot be made: {error.strerror}") from None
    tighten(path)
    tighten(beside)
    # An empty database, kept locked. SQLite's locks end with their process on every system.
    with contextlib.ExitStack() as held:
        try:
            lock = sqlite3.connect(beside, timeout=0, isolation_level=None)
            held.enter_context(contextlib.closing(lock)).execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise StoreLocked("ColorChanger is already running on this store") from None
            raise StoreError(
                f"{beside}: cannot be locked ({error}); allow this user to write it, or remove it"
            ) from None
        yield


def is_owned(url: str = "") -> bool:
    """Return whether a running process owns the store; a file is only looked at, which works without room too."""
    path = file_of(address_of(url))
    try:
        if path is None:
            with locked(url):
                return False
        beside = f"{Path(f'{path}.lock').absolute().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(beside, uri=True, timeout=0)) as lock:
            lock.execute("SELECT 1 FROM sqlite_master").close()
    except StoreError as error:
        return isinstance(error, StoreLocked)
    except sqlite3.Error as error:
        return error.sqlite_errorcode == sqlite3.SQLITE_BUSY
    return False


class Ownership:
    """This process owns a database: a session advisory lock, on its own connection, which is checked often."""

    def __init__(self, address: str) -> None:
        self._engine, self._name = engine_for(address, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        self._connection: sql.Connection | None = None
        self._proven_at = float("-inf")
        self._ended = threading.Event()
        self._taken = False

    @property
    def problem(self) -> str:
        """Why no refresh token may be used now; empty while the ownership is proven."""
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
            problem = first_line(error)
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
        """Connect and ask for the lock; make the server notice soon when this machine is gone."""
        self._connection = connection = self._engine.connect()
        limits = (("tcp_keepalives_idle", "5"), ("tcp_keepalives_interval", "2"), ("tcp_keepalives_count", "3"))
        connection.execute(sql.select(*(sql.func.set_config(name, value, False) for name, value in limits)))
        free = connection.scalar(sql.select(sql.func.pg_try_advisory_lock(OWNING, this_schema())))
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
