"""What must outlive the process, in SQL: logins with their tokens, colours per account, a heartbeat.

SQLite in the user's data directory unless a URL says otherwise. Every call is one transaction that ends even if its
caller is cancelled; what it wrote is on disk when it returns.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import sqlalchemy as sql
from sqlalchemy.ext.asyncio import AsyncConnection

from colorchanger_bot import tables
from colorchanger_bot.database import Database, put, whole
from colorchanger_bot.errors import ConfigError, StoreError
from colorchanger_bot.memory import Remembered
from colorchanger_bot.storefile import default_url, exists, locked
from colorchanger_bot.tables import apps, colors, heartbeat, imports, logins
from colorchanger_bot.vault import Vault

__all__ = ["Heartbeat", "Login", "Store", "TokenPair", "default_url", "exists", "locked"]

ALIVE_SECONDS = 30.0
"""A heartbeat older than this means that the process hangs or is gone."""

AtRest = Literal["empty", "plain", "encrypted", "mixed"]


@dataclass(frozen=True, slots=True)
class TokenPair:
    """An access token with the refresh token that follows it; its repr shows neither."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: float | None = None
    """Unix seconds; None: not known yet."""
    scopes: frozenset[str] = frozenset()
    issued_at: float | None = None
    """Unix seconds; None: it came from elsewhere."""


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
    doubt: bool = False
    """A refresh of this pair was begun and its end is not known: the refresh token may be spent."""
    channels: tuple[str, ...] = ()
    """The channels it was imported with; empty: its own."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last sign of life of the process that runs on this store."""

    pid: int
    at: float
    status: Mapping[str, Any]

    def is_alive(self, now: float) -> bool:
        """Whether it is recent, at `now` unix seconds."""
        return abs(now - self.at) < ALIVE_SECONDS


class Store:
    """The SQL store; `async with Store.open(url) as store`."""

    def __init__(self, database: Database, vault: Vault | None = None) -> None:
        self.database = database
        self._vault = vault or Vault()
        self.name = database.name
        """Where it is, for people; without a password."""

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str = "", keys: Sequence[str] = ()) -> AsyncGenerator[Self]:
        """Open the store, made on first use; `keys` are those of `storage.key`, the first one writes.

        Raises:
            StoreError: it cannot be opened, it is damaged, or a newer version of ColorChanger wrote it.
            ConfigError: the logins are encrypted with another key, or there is none.
        """
        async with Database.open(url) as database:
            store = cls(database, Vault(keys))
            try:
                for value in await store._secrets():
                    store._vault.open(value)
            except StoreError as error:
                raise ConfigError([f"the store {store.name}: {error}"]) from None
            yield store

    # Logins

    @whole
    async def logins(self) -> list[Login]:
        """Return all logins, in the order in which they came."""
        async with self.database.transaction() as connection:
            rows = await connection.execute(sql.select(logins).order_by(logins.c.id))
            return [self._login(row) for row in rows.mappings()]

    @whole
    async def login(self, id_: int) -> Login | None:
        """Return one login by its number."""
        async with self.database.transaction() as connection:
            row = (await connection.execute(sql.select(logins).where(logins.c.id == id_))).mappings().first()
            return None if row is None else self._login(row)

    @whole
    async def put_login(self, login: str, client_id: str, pair: TokenPair, user_id: str | None = None) -> Login:
        """Store a login that a person has just made; it replaces an older one of the same account."""
        same = logins.c.login == login
        if user_id is not None:
            same = same | (logins.c.user_id == user_id)
        async with self.database.transaction() as connection:
            old = (await connection.execute(sql.select(logins).where(same).order_by(logins.c.id))).mappings().all()
            for surplus in old[1:]:  # a renamed account may be known by its id and, in another row, by its name
                await _give_way(connection, surplus["id"], to=old[0]["id"])
            owner = {"login": login, "client_id": client_id, "user_id": user_id}
            return self._login(await self._write(connection, old[0] if old else None, pair, owner))

    @whole
    async def import_login(
        self, login: str, client_id: str, pair: TokenPair, channels: Sequence[str] = ()
    ) -> Login | None:
        """Store a pair that came from outside (the environment), once; return the login that it belongs to now.

        A pair that was imported before is left alone, whatever became of it since: the store's pair is newer; and if
        its account was logged out, there is none. `login` may be empty: then the account has a name made up for it,
        until Twitch tells the real one.
        """
        fingerprint = hashlib.sha256(f"{client_id}\n{pair.access}\n{pair.refresh}".encode()).hexdigest()
        name = login or f"token_{fingerprint[:12]}"
        async with self.database.transaction() as connection:
            known = sql.select(imports.c.login_id).where(imports.c.fingerprint == fingerprint)
            if (id_ := (await connection.execute(known)).scalar_one_or_none()) is not None:
                row = (await connection.execute(sql.select(logins).where(logins.c.id == id_))).mappings().first()
                return None if row is None else self._login(row)
            old = (await connection.execute(sql.select(logins).where(logins.c.login == name))).mappings().first()
            # Whose token it is, is asked anew: only then is it known to fit the name.
            owner = {"login": name, "client_id": client_id, "user_id": None}
            if channels:
                owner["channels"] = " ".join(channels)
            made = self._login(await self._write(connection, old, pair, owner))
            await connection.execute(sql.insert(imports).values(fingerprint=fingerprint, login_id=made.id))
            return made

    @whole
    async def begin_refresh(self, login: Login) -> Login | None:
        """Note that the refresh token is about to be spent, so that a crash does not make us spend it twice."""
        return await self._update(login, {"doubt": 1})

    @whole
    async def replace_pair(self, login: Login, pair: TokenPair) -> Login | None:
        """Store the pair that follows `login.pair`; None if the stored login is no longer the one that was given."""
        newer = {"generation": login.generation + 1, "lost": "", "doubt": 0}
        return await self._update(login, self._values(pair) | newer)

    @whole
    async def identify(self, login: Login, *, user_id: str, name: str, client_id: str, pair: TokenPair) -> Login | None:
        """Store what Twitch told of a token: whose it is and of which application, its scopes, when it ends."""
        known = {"user_id": user_id, "login": name, "client_id": client_id, "lost": ""}
        return await self._update(login, known | {"expires_at": pair.expires_at, "scopes": _joined(pair.scopes)})

    @whole
    async def lose(self, login: Login, reason: str) -> Login | None:
        """Note that the owner must log in again, and why."""
        return await self._update(login, {"lost": reason})

    @whole
    async def forget_login(self, id_: int) -> None:
        """Remove a login with its tokens and what is remembered of its colours."""
        user_id = sql.select(logins.c.user_id).where(logins.c.id == id_).scalar_subquery()
        async with self.database.transaction() as connection:
            await connection.execute(sql.delete(colors).where(colors.c.user_id == user_id))
            await connection.execute(sql.delete(logins).where(logins.c.id == id_))

    async def _write(
        self, connection: AsyncConnection, old: Mapping[Any, Any] | None, pair: TokenPair, owner: Mapping[str, Any]
    ) -> Mapping[Any, Any]:
        """Put a pair into an old row or a new one; return the row."""
        values = self._values(pair) | {**owner, "lost": "", "doubt": 0}
        if old is None:
            made: Any = (await connection.execute(sql.insert(logins).values(values))).inserted_primary_key
            id_ = int(made[0])
        else:
            id_ = int(old["id"])
            values["generation"] = int(old["generation"]) + 1
            await connection.execute(sql.update(logins).where(logins.c.id == id_).values(values))
        return (await connection.execute(sql.select(logins).where(logins.c.id == id_))).mappings().one()

    async def _update(self, login: Login, values: Mapping[str, Any]) -> Login | None:
        """Change columns of a stored login and return it, unless another process has put a newer pair there."""
        this = logins.c.id == login.id
        async with self.database.transaction() as connection:
            if "user_id" in values:
                # Another row that stands for the same account (it was known by an older name) gives way.
                account = (logins.c.login == values["login"]) | (logins.c.user_id == values["user_id"])
                for row in (await connection.execute(sql.select(logins.c.id).where(~this & account))).all():
                    await _give_way(connection, row[0], to=login.id)
            change = sql.update(logins).where(this & (logins.c.generation == login.generation)).values(values)
            if (await connection.execute(change)).rowcount == 0:
                await connection.rollback()
                return None
            return self._login((await connection.execute(sql.select(logins).where(this))).mappings().one())

    # Secrets of applications that came with an import

    @whole
    async def put_app(self, client_id: str, client_secret: str) -> None:
        """Keep the secret of an application."""
        row = {"client_id": client_id, "client_secret": self._vault.lock(client_secret)}
        async with self.database.transaction() as connection:
            await put(connection, apps, apps.c.client_id, row)

    @whole
    async def client_secrets(self) -> dict[str, str]:
        """Return the secrets of applications that are kept here, by client id."""
        async with self.database.transaction() as connection:
            rows = (await connection.execute(sql.select(apps))).mappings().all()
        return {row["client_id"]: self._vault.open(row["client_secret"]) for row in rows}

    # Colours (the `Memory` of the changer)

    @whole
    async def recall(self, user_id: str) -> Remembered:
        query = sql.select(colors.c.remembered).where(colors.c.user_id == user_id)
        async with self.database.transaction() as connection:
            text = (await connection.execute(query)).scalar_one_or_none()
        return Remembered.from_json(json.loads(text)) if text else Remembered()

    @whole
    async def remember(self, user_id: str, remembered: Remembered) -> None:
        text = json.dumps(remembered.to_json())
        async with self.database.transaction() as connection:
            await put(connection, colors, colors.c.user_id, {"user_id": user_id, "remembered": text})

    # The heartbeat

    @whole
    async def beat(self, at: float, status: Mapping[str, Any]) -> None:
        """Leave a sign of life at `at` unix seconds."""
        row = {"id": 1, "pid": os.getpid(), "at": at, "status": json.dumps(status)}
        async with self.database.transaction() as connection:
            await put(connection, heartbeat, heartbeat.c.id, row)

    @whole
    async def stop_beating(self) -> None:
        """Remove the sign of life: this process ends."""
        async with self.database.transaction() as connection:
            await connection.execute(sql.delete(heartbeat))

    @whole
    async def heartbeat(self) -> Heartbeat | None:
        """Return the last sign of life; None if no process runs."""
        async with self.database.transaction() as connection:
            row = (await connection.execute(sql.select(heartbeat))).mappings().first()
        return None if row is None else Heartbeat(row["pid"], row["at"], json.loads(row["status"]))

    # Encryption

    @whole
    async def at_rest(self) -> AtRest:
        """Say how the tokens stand in the store."""
        sealed = {not Vault().is_current(value) for value in await self._secrets()}
        return "empty" if not sealed else "mixed" if len(sealed) > 1 else "encrypted" if True in sealed else "plain"

    @whole
    async def seal(self) -> int:
        """Write every token that is not in the form of the first key so; return how many rows changed."""
        return await self._rewrite(self._vault)

    @whole
    async def unseal(self) -> int:
        """Write every token plain; return how many rows changed."""
        return await self._rewrite(Vault())

    async def _rewrite(self, writer: Vault) -> int:
        changed = 0
        async with self.database.transaction() as connection:
            for table, names in tables.SECRETS.items():
                (key,) = table.primary_key.columns
                for row in (await connection.execute(sql.select(table))).mappings().all():
                    if all(writer.is_current(row[name]) for name in names):
                        continue
                    values = {name: writer.lock(self._vault.open(row[name])) for name in names}
                    await connection.execute(sql.update(table).where(key == row[key.name]).values(values))
                    changed += 1
        if changed:
            await self.database.scrub()
        return changed

    async def _secrets(self) -> list[str]:
        async with self.database.transaction() as connection:
            return [
                row[name]
                for table, names in tables.SECRETS.items()
                for row in (await connection.execute(sql.select(table))).mappings().all()
                for name in names
                if row[name]
            ]

    # Rows

    def _values(self, pair: TokenPair) -> dict[str, Any]:
        return {
            "access_token": self._vault.lock(pair.access),
            "refresh_token": self._vault.lock(pair.refresh),
            "expires_at": pair.expires_at,
            "scopes": _joined(pair.scopes),
            "issued_at": pair.issued_at,
        }

    def _login(self, row: Mapping[Any, Any]) -> Login:
        pair = TokenPair(
            self._vault.open(row["access_token"]),
            self._vault.open(row["refresh_token"]),
            row["expires_at"],
            frozenset(row["scopes"].split()),
            row["issued_at"],
        )
        return Login(
            row["id"],
            row["user_id"],
            row["login"],
            row["client_id"],
            pair,
            row["lost"],
            row["generation"],
            bool(row["doubt"]),
            tuple(row["channels"].split()),
        )


def _joined(scopes: frozenset[str]) -> str:
    return " ".join(sorted(scopes))


async def _give_way(connection: AsyncConnection, id_: int, *, to: int) -> None:
    """Remove a row that stands for the same account as another one, which inherits what was imported as it."""
    await connection.execute(sql.update(imports).where(imports.c.login_id == id_).values(login_id=to))
    await connection.execute(sql.delete(logins).where(logins.c.id == id_))
