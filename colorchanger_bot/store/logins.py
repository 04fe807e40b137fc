"""The logins of the store, and what one transaction does with their rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from colorchanger_bot.store.schema import Connection, Row, insert, update
from colorchanger_bot.vault import Vault


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


class Logins:
    """The logins within one transaction; tokens are locked on their way in, and opened on their way out."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    def all(self) -> list[Login]:
        """Return all of them, in the order in which they came."""
        return self._found("SELECT * FROM logins ORDER BY id")

    def get(self, id_: int) -> Login | None:
        """Return one by its number."""
        return next(iter(self._found("SELECT * FROM logins WHERE id = :id", id=id_)), None)

    def put(self, login: str, client_id: str, pair: TokenPair, user_id: str | None) -> Login:
        """Store a pair in the place of an older one of the same account, or as a new login."""
        same = "SELECT id, generation FROM logins WHERE login = :login OR user_id = :user_id ORDER BY id"
        rows = self._connection.execute(same, login=login, user_id=user_id)
        for surplus in rows[1:]:  # a renamed account may be known by its id and, in another row, by its name
            self._give_way(surplus["id"], to=rows[0]["id"])
        return self._write(rows, pair, {"login": login, "client_id": client_id, "user_id": user_id})

    def take_over(self, login: str, client_id: str, pair: TokenPair, channels: Sequence[str]) -> Login | None:
        """Store a pair that came from outside, once; return the login that it belongs to now, if it still does."""
        fingerprint = hashlib.sha256(f"{client_id}\n{pair.access}\n{pair.refresh}".encode()).hexdigest()
        name = login or f"token_{fingerprint[:12]}"
        known = "SELECT login_id FROM imports WHERE fingerprint = :fingerprint"
        if imported := self._connection.execute(known, fingerprint=fingerprint):
            return self.get(imported[0]["login_id"])
        rows = self._connection.execute("SELECT id, generation FROM logins WHERE login = :login", login=name)
        # Whose token it is, is asked anew: only then is it known to fit the name.
        owner: dict[str, Any] = {"login": name, "client_id": client_id, "user_id": None}
        if channels:
            owner["channels"] = " ".join(channels)
        made = self._write(rows, pair, owner)
        insert(self._connection, "imports", {"fingerprint": fingerprint, "login_id": made.id})
        return made

    def change(self, login: Login, values: Mapping[str, Any]) -> Login | None:
        """Change columns and return the login, unless another process has put a newer pair there."""
        # Written before all else: from here on nobody can change this row, on a server either.
        claim = "UPDATE logins SET generation = generation WHERE id = :id AND generation = :generation"
        if not self._connection.change(claim, id=login.id, generation=login.generation):
            return None
        if "user_id" in values:
            # Another row that stands for the same account (it was known by an older name) gives way.
            others = "SELECT id FROM logins WHERE id <> :id AND (login = :login OR user_id = :user_id)"
            account = {"login": values["login"], "user_id": values["user_id"]}
            for row in self._connection.execute(others, id=login.id, **account):
                self._give_way(row["id"], to=login.id)
        update(self._connection, "logins", "id", {"id": login.id, **values})
        return self.get(login.id)

    def replace_pair(self, login: Login, pair: TokenPair) -> Login | None:
        """Store the pair that follows, as `change` does."""
        newer = {"generation": login.generation + 1, "lost": "", "doubt": 0}
        return self.change(login, self._columns(pair) | newer)

    def forget(self, id_: int) -> None:
        """Remove a login with its tokens and what is remembered of its colours."""
        colors = "DELETE FROM colors WHERE user_id = (SELECT user_id FROM logins WHERE id = :id)"
        self._connection.change(colors, id=id_)
        self._connection.change("DELETE FROM logins WHERE id = :id", id=id_)

    def _found(self, query: str, **parameters: Any) -> list[Login]:
        return [self._login(row) for row in self._connection.execute(query, **parameters)]

    def _write(self, old: Sequence[Row], pair: TokenPair, owner: dict[str, Any]) -> Login:
        """Put a pair into the row that is there, or else into a new one."""
        row = self._columns(pair) | {"lost": "", "doubt": 0} | owner
        if old:
            row |= {"id": old[0]["id"], "generation": old[0]["generation"] + 1}
            update(self._connection, "logins", "id", row)
        else:
            # A number that was used before, the imports may still know as somebody else's.
            used = "SELECT id FROM logins UNION ALL SELECT login_id FROM imports"
            (last,) = self._connection.execute(f"SELECT COALESCE(MAX(id), 0) AS id FROM ({used}) AS used")  # noqa: S608
            row |= {"id": last["id"] + 1, "generation": 1}
            insert(self._connection, "logins", row)
        (made,) = self._found("SELECT * FROM logins WHERE id = :id", id=row["id"])
        return made

    def _give_way(self, id_: int, *, to: int) -> None:
        """Remove a row that stands for the same account as another one, which inherits what was imported as it."""
        self._connection.change("UPDATE imports SET login_id = :to WHERE login_id = :id", to=to, id=id_)
        self._connection.change("DELETE FROM logins WHERE id = :id", id=id_)

    def _columns(self, pair: TokenPair) -> dict[str, Any]:
        return {
            "access_token": self._vault.lock(pair.access),
            "refresh_token": self._vault.lock(pair.refresh),
            "expires_at": pair.expires_at,
            "scopes": joined(pair.scopes),
            "issued_at": pair.issued_at,
        }

    def _login(self, row: Row) -> Login:
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


def joined(scopes: frozenset[str]) -> str:
    """Return scopes as they are stored."""
    return " ".join(sorted(scopes))
