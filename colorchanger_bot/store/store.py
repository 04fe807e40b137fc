"""What outlives the process: logins with their tokens, the colours of each account, preferences, a heartbeat.

An SQLite file in the user's data directory unless a URL says otherwise. Every call is one transaction that is finished
even if its caller is cancelled; what it wrote is on disk when it returns.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal, Self, TypeVar

import sqlalchemy as sql

from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.errors import ConfigError, StoreError, StoreLocked
from colorchanger_bot.store import heartbeat, preferences
from colorchanger_bot.store.database import Database, open_database
from colorchanger_bot.store.file import exists
from colorchanger_bot.store.heartbeat import Heartbeat
from colorchanger_bot.store.lock import Ownership, is_owned, locked
from colorchanger_bot.store.logins import Changes, Login, Logins, NotTaken, Revision, TokenPair, joined
from colorchanger_bot.store.schema import apps, colors, put, rewrite, secrets, state
from colorchanger_bot.vault import Vault

__all__ = [
    "Changes",
    "Heartbeat",
    "Login",
    "NotTaken",
    "Revision",
    "Store",
    "TokenPair",
    "exists",
    "is_owned",
    "locked",
]

R = TypeVar("R")
AtRest = Literal["empty", "plain", "encrypted", "mixed"]


class _Undo(Exception):
    """Raised to roll a transaction back."""


class Store:
    """The store; `async with Store.open(url) as store`."""

    def __init__(self, database: Database, vault: Vault | None = None) -> None:
        self.database = database
        self.name = database.name
        """Its address for people, without a password."""
        self.ownership: Ownership | None = None
        """The lock of the running process on a server: without proof of it, no refresh begins."""
        self._vault = vault or Vault()
        self._seen: Revision | None = None
        self._reported: Mapping[str, str] | None = None

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
        """Return the store on an open database, after checking that the keys fit.

        Raises:
            StoreError: it cannot be read.
            ConfigError: the logins are encrypted with another key, or there is none.
        """
        store = cls(database, Vault(keys))
        try:
            for value in await database.read(secrets):
                store._vault.decrypt(value)
        except StoreError as error:
            if database.trouble:
                raise
            raise ConfigError([f"the store {store.name}: {error}"]) from None
        if await store._read(lambda logins: logins.is_older_copy()):
            with contextlib.suppress(StoreError):  # if nothing can be written, no token is used either
                await store._write(lambda logins: logins.doubt_all())
        return store

    @property
    def trouble(self) -> str:
        """Why the store cannot be read or written now; empty if it can."""
        return self.database.trouble

    def on_trouble(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with the problem when the store begins to fail, and with "" when it works again.

        It is called in any thread.
        """
        self.database.on_trouble(listener)

    # Logins

    async def logins(self) -> list[Login]:
        """Return all logins, in the order in which they were added."""
        return await self._read(lambda logins: logins.all())

    async def changes(self, since: Revision | None = None) -> Changes | None:
        """Return what changed in the logins after a revision, all of them without one; None if nothing did."""
        changes = await self._read(lambda logins: logins.changes(since))
        self._see(changes and changes.revision)
        return changes

    async def write_back(self, known: Sequence[Login]) -> list[Login]:
        """Write logins as they are known into an older copy of the store; return those it did not have.

        All others in it are in doubt afterwards.
        """
        return await self._write(lambda logins: logins.write_back(known))

    async def login(self, id_: int) -> Login | None:
        """Return one login by its number."""
        return await self._read(lambda logins: logins.get(id_))

    async def put_login(
        self, login: str, client_id: str, pair: TokenPair, user_id: str | None = None, *, channels: Sequence[str] = ()
    ) -> Login:
        """Store a login that a person has just made; it replaces an older one of the same account.

        Without `channels`, those it was imported with stay.
        """
        return await self._write(lambda logins: logins.put(login, client_id, pair, user_id, channels))

    async def put_member(
        self, login: str, client_id: str, pair: TokenPair, user_id: str, *, at: float, most: int
    ) -> Login | NotTaken:
        """Store the login of a viewer who joins at `at` unix seconds, where there are at most `most` members.

        It replaces an older one of the same member; an account of our own is left alone.
        """
        return await self._write(lambda logins: logins.put_member(login, client_id, pair, user_id, at=at, most=most))

    async def import_login(
        self, login: str, client_id: str, pair: TokenPair, channels: Sequence[str] = ()
    ) -> Login | None:
        """Store a pair that came from outside (the environment), once; return the login that it belongs to now.

        A pair that was imported before is left alone, whatever became of it since: the store's pair is newer; and if
        its account was logged out, there is none. `login` may be empty: then the account has a name made up for it,
        until Twitch tells the real one.
        """
        return await self._write(lambda logins: logins.take_over(login, client_id, pair, channels))

    async def import_logins(self, pairs: Sequence[tuple[str, str, TokenPair]]) -> list[Login | None]:
        """Store many pairs as `import_login` does, in one transaction; each is a login's name, client id and pair."""
        return await self._write(lambda logins: logins.take_over_all(pairs))

    async def begin_refresh(self, login: Login) -> Login | None:
        """Note that the refresh token is about to be used, so that it is not used twice after a crash.

        Raises:
            StoreLocked: another process may own the database by now.
        """
        if self.ownership is not None and (problem := self.ownership.problem):
            raise StoreLocked(problem)
        return await self._write(lambda logins: logins.change(login, {"doubt": 1}))

    async def replace_pair(self, login: Login, pair: TokenPair) -> Login | None:
        """Store the pair that follows `login.pair`; None if the stored login is no longer the one that was given."""
        return await self._write(lambda logins: logins.replace_pair(login, pair))

    async def identify(self, login: Login, *, user_id: str, name: str, client_id: str, pair: TokenPair) -> Login | None:
        """Store what Twitch says about a token: its account and application, its scopes, when it expires."""
        known = {"user_id": user_id, "login": name, "client_id": client_id, "lost": "", "lost_at": None}
        known |= {"expires_at": pair.expires_at, "scopes": joined(pair.scopes)}
        return await self._write(lambda logins: logins.change(login, known))

    async def lose(self, login: Login, reason: str, at: float | None = None) -> Login | None:
        """Note that the owner must log in again, why, and since when (unix seconds)."""
        return await self._write(lambda logins: logins.change(login, {"lost": reason, "lost_at": at}))

    async def forget_login(self, id_: int) -> None:
        """Remove a login with its tokens and what is remembered of its colours."""
        await self._write(lambda logins: logins.forget(id_))

    async def _read(self, work: Callable[[Logins], R]) -> R:
        stamp, seen = self.database.stamp, self._seen
        return await self.database.read(lambda connection: work(Logins(connection, self._vault, stamp, seen)))

    async def _write(self, work: Callable[[Logins], R]) -> R:
        stamp, seen = self.database.stamp, self._seen

        def transaction(connection: sql.Connection) -> tuple[R, Revision | None]:
            logins = Logins(connection, self._vault, stamp, seen)
            return work(logins), logins.written

        result, written = await self.database.run(transaction)
        self._see(written)
        return result

    def _see(self, revision: Revision | None) -> None:
        """Remember the latest revision of the store: one that has an earlier one later is an older copy."""
        if revision is not None and (self._seen is None or not revision.is_before(self._seen)):
            self._seen = revision

    # Secrets of applications that came with an import

    async def put_app(self, client_id: str, client_secret: str) -> None:
        """Keep the secret of an application."""
        row = {"client_id": client_id, "client_secret": self._vault.encrypt(client_secret)}
        await self.database.run(lambda connection: put(connection, apps, row))

    async def client_secrets(self) -> dict[str, str]:
        """Return the secrets of applications that are kept here, by client id."""
        rows = await self.database.read(lambda connection: connection.execute(sql.select(apps)).all())
        return {row.client_id: self._vault.decrypt(row.client_secret) for row in rows}

    # Colours (the `Memory` of the changer)

    async def recall(self, user_id: str) -> Remembered:
        """Return what is remembered of an account's colours."""
        one = sql.select(colors.c.remembered).where(colors.c.user_id == user_id)
        text = await self.database.read(lambda connection: connection.scalar(one))
        return Remembered.from_json(json.loads(text)) if text else Remembered()

    async def remember(self, user_id: str, remembered: Remembered) -> None:
        """Keep what is remembered of one account's colours."""
        await self.remember_all({user_id: remembered})

    async def remember_all(self, remembered: Mapping[str, Remembered]) -> None:
        """Keep what is remembered of the colours of several accounts, by user id, in one transaction."""

        def work(connection: sql.Connection) -> None:
            rows = ({"user_id": id_, "remembered": json.dumps(each.to_json())} for id_, each in remembered.items())
            put(connection, colors, *rows)

        await self.database.run(work)

    async def forget_colors(self, user_id: str) -> None:
        """Forget what is remembered of an account's colours."""
        mine = sql.delete(colors).where(colors.c.user_id == user_id)
        await self.database.run(lambda connection: connection.execute(mine))

    # Preferences: what was set on the page

    async def preferences(self) -> dict[str, Any]:
        """Return what was set on the page, by key: `color.strategy`, or `accounts.USER_ID.channels`."""
        return await self.database.read(lambda connection: preferences.read(connection, self._vault))

    async def change_preferences(self, new: Mapping[str, Any], dropped: Collection[str] = ()) -> None:
        """Keep JSON values for some keys and drop those of others, in one transaction."""
        await self.database.run(lambda connection: preferences.change(connection, self._vault, new, dropped))

    # The heartbeat

    async def beat(self, at: float, status: Mapping[str, Any]) -> None:
        """Write a heartbeat at `at` unix seconds.

        Of `status["accounts"]`, a list of JSON objects with a `login`, only those are written that changed since the
        last beat.
        """
        known, self._reported = self._reported, None  # if this fails, the next beat writes all of them
        self._reported = await self.database.run(lambda connection: heartbeat.write(connection, at, status, known))

    async def stop_beating(self) -> None:
        """Remove the heartbeat: this process ends."""
        await self.database.run(heartbeat.clear)
        self._reported = None

    async def heartbeat(self) -> Heartbeat | None:
        """Return the last heartbeat; None if no process runs."""
        return await self.database.read(heartbeat.read)

    async def write_problem(self) -> str:
        """Return why the store cannot be written, by a write that is rolled back; empty if it can.

        Only this tells another process: the running bot has nowhere to leave word.
        """

        def work(connection: sql.Connection) -> None:
            connection.execute(sql.update(state).values(id=1))
            raise _Undo

        try:
            with contextlib.suppress(_Undo):
                await self.database.run(work)
        except StoreError as error:
            return str(error)
        return ""

    # Encryption

    async def at_rest(self) -> AtRest:
        """Say whether the tokens in the store are encrypted."""
        encrypted = {not Vault().is_current(value) for value in await self.database.read(secrets)}
        if len(encrypted) != 1:
            return "mixed" if encrypted else "empty"
        return "encrypted" if True in encrypted else "plain"

    async def seal(self) -> int:
        """Encrypt every token that is not encrypted with the first key; return how many rows changed."""
        return await self._rewrite(self._vault)

    async def unseal(self) -> int:
        """Decrypt every token; return how many rows changed."""
        return await self._rewrite(Vault())

    async def _rewrite(self, writer: Vault) -> int:
        # Look first: if there is nothing to do, nothing is written and the file is not rewritten.
        if all(writer.is_current(value) for value in await self.database.read(secrets)):
            return 0
        return await self.database.rewrite(lambda connection: rewrite(connection, self._vault, writer))
