"""What must outlive the process, in SQL: logins with their tokens, colours per account, a heartbeat.

SQLite in the user's data directory unless a URL says otherwise. Every write is one transaction that is on disk
(WAL, `synchronous = FULL`) when the call returns, which is what "saved before use" rests on.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import platformdirs
import sqlalchemy as sql
from filelock import FileLock, Timeout
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from colorchanger_bot.errors import StoreError, StoreLocked
from colorchanger_bot.memory import Remembered

SCHEMA_VERSION = 1
BUSY_SECONDS = 5
"""How long a writer waits for another process (`colorchanger login` beside `run`)."""
ALIVE_SECONDS = 30.0
"""A heartbeat older than this means that the process hangs or is gone."""
ANSWER_SECONDS = 20.0
"""No call waits longer than this for the database."""

_tables = sql.MetaData()
_schema = sql.Table("schema_version", _tables, sql.Column("version", sql.Integer, primary_key=True))
_logins = sql.Table(
    "logins",
    _tables,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("user_id", sql.String(32), unique=True),
    sql.Column("login", sql.String(25), nullable=False, unique=True),
    sql.Column("client_id", sql.String(64), nullable=False),
    sql.Column("access_token", sql.Text, nullable=False),
    sql.Column("refresh_token", sql.Text, nullable=False),
    sql.Column("expires_at", sql.Float),
    sql.Column("scopes", sql.Text, nullable=False),
    sql.Column("lost", sql.Text, nullable=False, default=""),
    sql.Column("generation", sql.Integer, nullable=False, default=1),
)
_imports = sql.Table(
    "imports",
    _tables,
    sql.Column("fingerprint", sql.String(64), primary_key=True),
    sql.Column("login_id", sql.Integer, nullable=False),
)
_colors = sql.Table(
    "colors",
    _tables,
    sql.Column("user_id", sql.String(32), primary_key=True),
    sql.Column("remembered", sql.Text, nullable=False),
)
_heartbeat = sql.Table(
    "heartbeat",
    _tables,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("pid", sql.Integer, nullable=False),
    sql.Column("at", sql.Float, nullable=False),
    sql.Column("status", sql.Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class TokenPair:
    """An access token with the refresh token that follows it; its repr shows neither."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: float | None = None
    """Unix seconds; None: not known yet."""
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Login:
    """One account's login, as stored."""

    id: int
    user_id: str | None
    """None until Twitch has told whose token it is."""
    login: str
    client_id: str
    pair: TokenPair
    lost: str = ""
    """Why its owner must log in again; empty: all is well."""
    generation: int = 1
    """Counts the pairs this login had, so that a stale copy never overwrites a newer pair."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last sign of life of the process that runs on this store."""

    pid: int
    at: float
    status: Mapping[str, Any]

    def is_alive(self, now: float) -> bool:
        """Whether it is recent, at `now` unix seconds."""
        return now - self.at < ALIVE_SECONDS


def default_url() -> str:
    """Return the URL of the SQLite file in the user's data directory."""
    path = Path(platformdirs.user_data_dir("colorchanger", appauthor=False)) / "colorchanger.sqlite3"
    return URL.create("sqlite", database=str(path)).render_as_string()


class Store:
    """The SQL store; `async with Store.open(url) as store`."""

    def __init__(self, engine: AsyncEngine, name: str) -> None:
        self._engine = engine
        self.name = name
        """Where it is, for people; without a password."""

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str = "") -> AsyncGenerator[Self]:
        """Open the store, made on first use.

        Raises:
            StoreError: it cannot be opened, or a newer version of ColorChanger wrote it.
        """
        address = _address(url)
        name = address.database if _is_file(address) else address.render_as_string(hide_password=True)
        _make_private_file(address)
        options: dict[str, Any] = {"pool_size": 1, "max_overflow": 0} if _is_file(address) else {}
        engine = create_async_engine(address, **options)
        if address.get_backend_name() == "sqlite":
            event.listen(engine.sync_engine, "connect", _set_pragmas)
        store = cls(engine, str(name))
        try:
            await store._prepare()
            yield store
        finally:
            await engine.dispose()

    # Logins

    async def logins(self) -> list[Login]:
        """Return all logins, in the order in which they came."""
        async with self._transaction() as connection:
            rows = await connection.execute(sql.select(_logins).order_by(_logins.c.id))
            return [_login(row) for row in rows.mappings()]

    async def login(self, id_: int) -> Login | None:
        """Return one login by its number."""
        async with self._transaction() as connection:
            row = (await connection.execute(sql.select(_logins).where(_logins.c.id == id_))).mappings().first()
            return None if row is None else _login(row)

    async def put_login(self, login: str, client_id: str, pair: TokenPair, user_id: str | None = None) -> Login:
        """Store a login that a person has just made; it replaces an older one of the same account."""
        async with self._transaction() as connection:
            same = _logins.c.login == login
            if user_id is not None:
                same = same | (_logins.c.user_id == user_id)
            old = (await connection.execute(sql.select(_logins).where(same).order_by(_logins.c.id))).mappings().all()
            for surplus in old[1:]:  # a renamed account may be known by its id and, in another row, by its name
                await connection.execute(sql.delete(_logins).where(_logins.c.id == surplus["id"]))
            values = _values(pair) | {"login": login, "client_id": client_id, "user_id": user_id, "lost": ""}
            if old:
                id_ = int(old[0]["id"])
                values["generation"] = int(old[0]["generation"]) + 1
                await connection.execute(sql.update(_logins).where(_logins.c.id == id_).values(values))
            else:
                values["generation"] = 1
                made = await connection.execute(sql.insert(_logins).values(values))
                id_ = _new_id(made)
            return Login(id_, user_id, login, client_id, pair, generation=int(values["generation"]))

    async def import_login(self, login: str, client_id: str, pair: TokenPair) -> Login:
        """Store a pair that came from outside (the environment), once; return the login that it belongs to now.

        A pair that was imported before is left alone, whatever became of it since: the store's pair is newer.
        `login` may be empty: then the account has a name made up for it, until Twitch tells the real one.
        """
        fingerprint = hashlib.sha256(f"{client_id}\n{pair.access}\n{pair.refresh}".encode()).hexdigest()
        name = login or f"token_{fingerprint[:12]}"
        async with self._transaction() as connection:
            imported = _logins.join(_imports, _imports.c.login_id == _logins.c.id)
            known = sql.select(_logins).select_from(imported).where(_imports.c.fingerprint == fingerprint)
            if (row := (await connection.execute(known)).mappings().first()) is not None:
                return _login(row)
            await connection.execute(sql.delete(_imports).where(_imports.c.fingerprint == fingerprint))
            old = (await connection.execute(sql.select(_logins).where(_logins.c.login == name))).mappings().first()
            # Whose token it is, is asked anew: only then is it known to fit the name.
            values = _values(pair) | {"login": name, "client_id": client_id, "lost": "", "user_id": None}
            values["generation"] = 1 if old is None else int(old["generation"]) + 1
            if old is None:
                made = await connection.execute(sql.insert(_logins).values(values))
                id_ = _new_id(made)
            else:
                id_ = int(old["id"])
                await connection.execute(sql.update(_logins).where(_logins.c.id == id_).values(values))
            await connection.execute(sql.insert(_imports).values(fingerprint=fingerprint, login_id=id_))
            return Login(id_, None, name, client_id, pair, generation=int(values["generation"]))

    async def replace_pair(self, login: Login, pair: TokenPair) -> Login | None:
        """Store the pair that follows `login.pair`; None if the stored login is no longer the one that was given."""
        return await self._update(login, replace(login, pair=pair, generation=login.generation + 1, lost=""))

    async def identify(self, login: Login, *, user_id: str, name: str, client_id: str, pair: TokenPair) -> Login | None:
        """Store what Twitch told of a token: whose it is and of which application, its scopes, when it ends."""
        known = replace(login, user_id=user_id, login=name, client_id=client_id, pair=pair, lost="")
        return await self._update(login, known)

    async def lose(self, login: Login, reason: str) -> Login | None:
        """Note that the owner must log in again, and why."""
        return await self._update(login, replace(login, lost=reason))

    async def forget_login(self, id_: int) -> None:
        """Remove a login with its tokens."""
        async with self._transaction() as connection:
            await connection.execute(sql.delete(_logins).where(_logins.c.id == id_))

    async def _update(self, before: Login, after: Login) -> Login | None:
        """Replace a stored login, unless another process has changed it since it was `before`."""
        same = (_logins.c.id == before.id) & (_logins.c.generation == before.generation)
        name = (_logins.c.login == after.login) | (_logins.c.user_id == after.user_id)
        async with self._transaction() as connection:
            if (await connection.execute(sql.select(_logins.c.id).where(same))).first() is None:
                return None
            # Another row that stands for the same account (it was known by an older name) gives way.
            await connection.execute(sql.delete(_logins).where((_logins.c.id != after.id) & name))
            values = _values(after.pair) | {
                "user_id": after.user_id,
                "login": after.login,
                "client_id": after.client_id,
                "lost": after.lost,
                "generation": after.generation,
            }
            await connection.execute(sql.update(_logins).where(same).values(values))
        return after

    # Colours (the `Memory` of the changer)

    async def recall(self, user_id: str) -> Remembered:
        query = sql.select(_colors.c.remembered).where(_colors.c.user_id == user_id)
        async with self._transaction() as connection:
            text = (await connection.execute(query)).scalar_one_or_none()
        return Remembered.from_json(json.loads(text)) if text else Remembered()

    async def remember(self, user_id: str, remembered: Remembered) -> None:
        text = json.dumps(remembered.to_json())
        async with self._transaction() as connection:
            await _put(connection, _colors, _colors.c.user_id, {"user_id": user_id, "remembered": text})

    # The heartbeat

    async def beat(self, at: float, status: Mapping[str, Any]) -> None:
        """Leave a sign of life at `at` unix seconds."""
        row = {"id": 1, "pid": os.getpid(), "at": at, "status": json.dumps(status)}
        async with self._transaction() as connection:
            await _put(connection, _heartbeat, _heartbeat.c.id, row)

    async def stop_beating(self) -> None:
        """Remove the sign of life: this process ends."""
        async with self._transaction() as connection:
            await connection.execute(sql.delete(_heartbeat))

    async def heartbeat(self) -> Heartbeat | None:
        """Return the last sign of life; None if no process runs."""
        async with self._transaction() as connection:
            row = (await connection.execute(sql.select(_heartbeat))).mappings().first()
        return None if row is None else Heartbeat(row["pid"], row["at"], json.loads(row["status"]))

    # The database itself

    @asynccontextmanager
    async def _transaction(self) -> AsyncGenerator[AsyncConnection]:
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._engine.begin() as connection:
                yield connection
        except TimeoutError as error:
            raise StoreError(f"the store {self.name} did not answer within {ANSWER_SECONDS:g} s") from error
        except SQLAlchemyError as error:
            # The statement and its parameters hold tokens: only what the driver said is repeated.
            said = getattr(error, "orig", None) or type(error).__name__
            raise StoreError(f"the store {self.name} failed: {said}") from None

    async def _prepare(self) -> None:
        async with self._transaction() as connection:
            await connection.run_sync(_tables.create_all)
            version = (await connection.execute(sql.select(_schema.c.version))).scalar_one_or_none()
            if version is None:
                await connection.execute(sql.insert(_schema).values(version=SCHEMA_VERSION))
            elif version > SCHEMA_VERSION:
                raise StoreError(f"the store {self.name} was written by a newer ColorChanger: update this one")


@contextmanager
def locked(url: str = "") -> Generator[None]:
    """Own the store for the life of a running process.

    Raises:
        StoreLocked: another process runs on it.
        StoreError: the lock file cannot be made.
    """
    address = _address(url)
    if _is_file(address):
        _make_private_file(address)
        path = Path(f"{address.database}.lock")
    else:
        directory = Path(platformdirs.user_data_dir("colorchanger", appauthor=False, ensure_exists=True))
        path = directory / f"{hashlib.sha256(str(address).encode()).hexdigest()[:16]}.lock"
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise StoreLocked("ColorChanger is running already on this store") from None
    except OSError as error:
        raise StoreError(f"{path}: cannot be locked: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


def exists(url: str = "") -> bool:
    """Say whether there may be a store at that URL, without making one."""
    address = _address(url)
    return not _is_file(address) or Path(str(address.database)).is_file()


def _address(url: str) -> URL:
    try:
        address = make_url(url or default_url())
    except SQLAlchemyError:
        raise StoreError("storage.url is not an SQLAlchemy URL: leave it empty for a file of ours") from None
    if address.drivername == "sqlite":
        address = address.set(drivername="sqlite+aiosqlite")
    if address.database and _is_file(address):
        address = address.set(database=str(Path(address.database).expanduser()))
    return address


def _is_file(address: URL) -> bool:
    return address.get_backend_name() == "sqlite" and address.database not in (None, "", ":memory:")


def _make_private_file(address: URL) -> None:
    if not _is_file(address):
        return
    path = Path(str(address.database))
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise StoreError(f"{path}: cannot be opened: {error.strerror}") from error


def _set_pragmas(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    cursor.close()


def _values(pair: TokenPair) -> dict[str, Any]:
    return {
        "access_token": pair.access,
        "refresh_token": pair.refresh,
        "expires_at": pair.expires_at,
        "scopes": " ".join(sorted(pair.scopes)),
    }


def _login(row: Mapping[Any, Any]) -> Login:
    pair = TokenPair(row["access_token"], row["refresh_token"], row["expires_at"], frozenset(row["scopes"].split()))
    return Login(row["id"], row["user_id"], row["login"], row["client_id"], pair, row["lost"], row["generation"])


def _new_id(made: sql.CursorResult[Any]) -> int:
    key: Any = made.inserted_primary_key
    return int(key[0])


async def _put(connection: AsyncConnection, table: sql.Table, key: sql.Column[Any], row: dict[str, Any]) -> None:
    """Update the row of that key, or insert it: in words that every database understands."""
    done = await connection.execute(sql.update(table).where(key == row[key.name]).values(row))
    if done.rowcount == 0:
        await connection.execute(sql.insert(table).values(row))
