"""What must outlive the process, in SQL: logins with their tokens, colours per account, a heartbeat.

SQLite in the user's data directory unless a URL says otherwise. Every call is one transaction that ends even if its
caller is cancelled; what it wrote is on disk when it returns.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal, NamedTuple, Self, TypeVar

from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.errors import ConfigError, StoreError
from colorchanger_bot.store.database import Database, open_database
from colorchanger_bot.store.file import default_url, exists, locked
from colorchanger_bot.store.logins import Login, Logins, TokenPair, joined
from colorchanger_bot.store.schema import Connection, Row, put, secrets, update
from colorchanger_bot.vault import Vault

__all__ = ["Heartbeat", "Login", "Store", "TokenPair", "default_url", "exists", "locked"]

ALIVE_SECONDS = 30.0
"""A heartbeat older than this means that the process hangs or is gone."""

R = TypeVar("R")
AtRest = Literal["empty", "plain", "encrypted", "mixed"]


class Heartbeat(NamedTuple):
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
        async with open_database(url) as database:
            yield await cls.on(database, keys)

    @classmethod
    async def on(cls, database: Database, keys: Sequence[str] = ()) -> Self:
        """Return the store on an open database, once it is known that the keys fit.

        Raises:
            ConfigError: the logins are encrypted with another key, or there is none.
        """
        store = cls(database, Vault(keys))
        try:
            for value in await store._secrets():
                store._vault.open(value)
        except StoreError as error:
            raise ConfigError([f"the store {store.name}: {error}"]) from None
        return store

    # Logins

    async def logins(self) -> list[Login]:
        """Return all logins, in the order in which they came."""
        return await self._read(lambda logins: logins.all())

    async def login(self, id_: int) -> Login | None:
        """Return one login by its number."""
        return await self._read(lambda logins: logins.get(id_))

    async def put_login(self, login: str, client_id: str, pair: TokenPair, user_id: str | None = None) -> Login:
        """Store a login that a person has just made; it replaces an older one of the same account."""
        return await self._write(lambda logins: logins.put(login, client_id, pair, user_id))

    async def import_login(
        self, login: str, client_id: str, pair: TokenPair, channels: Sequence[str] = ()
    ) -> Login | None:
        """Store a pair that came from outside (the environment), once; return the login that it belongs to now.

        A pair that was imported before is left alone, whatever became of it since: the store's pair is newer; and if
        its account was logged out, there is none. `login` may be empty: then the account has a name made up for it,
        until Twitch tells the real one.
        """
        return await self._write(lambda logins: logins.take_over(login, client_id, pair, channels))

    async def begin_refresh(self, login: Login) -> Login | None:
        """Note that the refresh token is about to be spent, so that a crash does not make us spend it twice."""
        return await self._write(lambda logins: logins.change(login, {"doubt": 1}))

    async def replace_pair(self, login: Login, pair: TokenPair) -> Login | None:
        """Store the pair that follows `login.pair`; None if the stored login is no longer the one that was given."""
        return await self._write(lambda logins: logins.replace_pair(login, pair))

    async def identify(self, login: Login, *, user_id: str, name: str, client_id: str, pair: TokenPair) -> Login | None:
        """Store what Twitch told of a token: whose it is and of which application, its scopes, when it ends."""
        known = {"user_id": user_id, "login": name, "client_id": client_id, "lost": ""}
        known |= {"expires_at": pair.expires_at, "scopes": joined(pair.scopes)}
        return await self._write(lambda logins: logins.change(login, known))

    async def lose(self, login: Login, reason: str) -> Login | None:
        """Note that the owner must log in again, and why."""
        return await self._write(lambda logins: logins.change(login, {"lost": reason}))

    async def forget_login(self, id_: int) -> None:
        """Remove a login with its tokens and what is remembered of its colours."""
        await self._write(lambda logins: logins.forget(id_))

    async def _read(self, work: Callable[[Logins], R]) -> R:
        return await self.database.read(lambda connection: work(Logins(connection, self._vault)))

    async def _write(self, work: Callable[[Logins], R]) -> R:
        return await self.database.run(lambda connection: work(Logins(connection, self._vault)))

    # Secrets of applications that came with an import

    async def put_app(self, client_id: str, client_secret: str) -> None:
        """Keep the secret of an application."""
        await self._put("apps", "client_id", {"client_id": client_id, "client_secret": self._vault.lock(client_secret)})

    async def client_secrets(self) -> dict[str, str]:
        """Return the secrets of applications that are kept here, by client id."""
        rows = await self._rows("SELECT client_id, client_secret FROM apps")
        return {row["client_id"]: self._vault.open(row["client_secret"]) for row in rows}

    # Colours (the `Memory` of the changer)

    async def recall(self, user_id: str) -> Remembered:
        rows = await self._rows("SELECT remembered FROM colors WHERE user_id = :user_id", user_id=user_id)
        return Remembered.from_json(json.loads(rows[0]["remembered"])) if rows else Remembered()

    async def remember(self, user_id: str, remembered: Remembered) -> None:
        await self._put("colors", "user_id", {"user_id": user_id, "remembered": json.dumps(remembered.to_json())})

    # The heartbeat

    async def beat(self, at: float, status: Mapping[str, Any]) -> None:
        """Leave a sign of life at `at` unix seconds."""
        await self._put("heartbeat", "id", {"id": 1, "pid": os.getpid(), "at": at, "status": json.dumps(status)})

    async def stop_beating(self) -> None:
        """Remove the sign of life: this process ends."""
        await self.database.run(lambda connection: connection.change("DELETE FROM heartbeat"))

    async def heartbeat(self) -> Heartbeat | None:
        """Return the last sign of life; None if no process runs."""
        for row in await self._rows("SELECT pid, at, status FROM heartbeat"):
            return Heartbeat(row["pid"], row["at"], json.loads(row["status"]))
        return None

    async def _rows(self, query: str, **parameters: Any) -> list[Row]:
        return await self.database.read(lambda connection: connection.execute(query, **parameters))

    async def _put(self, table: str, key: str, row: Row) -> None:
        await self.database.run(lambda connection: put(connection, table, key, row))

    # Encryption

    async def at_rest(self) -> AtRest:
        """Say how the tokens stand in the store."""
        sealed = {not Vault().is_current(value) for value in await self._secrets()}
        return "empty" if not sealed else "mixed" if len(sealed) > 1 else "encrypted" if True in sealed else "plain"

    async def seal(self) -> int:
        """Write every token that is not in the form of the first key so; return how many rows changed."""
        return await self._rewrite(self._vault)

    async def unseal(self) -> int:
        """Write every token plain; return how many rows changed."""
        return await self._rewrite(Vault())

    async def _rewrite(self, writer: Vault) -> int:
        def work(connection: Connection) -> int:
            changed = 0
            for secret, row in secrets(connection):
                if not all(writer.is_current(row[name]) for name in secret.columns):
                    values = {name: writer.lock(self._vault.open(row[name])) for name in secret.columns}
                    changed += update(connection, secret.table, secret.key, row | values)
            return changed

        return await self.database.rewrite(work)

    async def _secrets(self) -> list[str]:
        rows = await self.database.read(lambda connection: list(secrets(connection)))
        return [row[name] for secret, row in rows for name in secret.columns if row[name]]
