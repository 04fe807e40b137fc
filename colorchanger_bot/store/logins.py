"""The logins in the store, as rows within one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import sqlalchemy as sql

from colorchanger_bot.store.problem import Unusable
from colorchanger_bot.store.schema import colors, earlier_names, imports, logins, preferences, put, reports, state
from colorchanger_bot.store.stamp import Stamp
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
    """Why its owner has to log in again; empty: the login works."""
    generation: int = 1
    """Increases with each pair, so that a stale copy never overwrites a newer pair."""
    doubt: bool = False
    """The refresh token may be used up: a refresh did not finish, or this is an older copy of the store."""
    channels: tuple[str, ...] = ()
    """The channels it was imported with; empty: its own."""
    earlier: tuple[str, ...] = ()
    """What the account was called before, while it was logged in here; the newest name first."""
    lost_at: float | None = None
    """Unix seconds at which it was lost; None: it works, or an earlier version lost it."""
    member_since: float | None = None
    """Unix seconds at which a viewer joined the community; None: one of the operator's accounts."""

    @property
    def is_member(self) -> bool:
        """Whether it is a viewer's, who granted colours only, in the community's channel only."""
        return self.member_since is not None

    def is_newer_than(self, other: Login) -> bool:
        """Whether this pair of the same login was made after another one."""
        mine, its = self.pair.issued_at, other.pair.issued_at
        if mine is None or its is None or mine == its:
            return self.generation > other.generation
        return mine > its


NotTaken = Literal["already here", "full"]
"""Why a viewer did not become a member: one of our own accounts, or as many members as there may be."""


class Revision(NamedTuple):
    """Which change of the logins the store has seen last."""

    number: int
    """Counts the transactions that changed a login, so it only ever increases."""
    stamp: str

    def is_before(self, other: Revision) -> bool:
        """Whether a store that has had the other revision and has this one now is an older copy of itself."""
        return self.number < other.number or (self.number == other.number and self.stamp != other.stamp)


def id_with_name(logins: Iterable[Login], name: str) -> str:
    """Return the user id of the account that is called so, or else was; empty if there is none."""
    known = [login for login in logins if login.user_id]
    named = [login for login in known if login.login == name] or [login for login in known if name in login.earlier]
    return (named[0].user_id or "") if named else ""


class Changes(NamedTuple):
    """The changes of the logins since a revision of the store."""

    revision: Revision
    """The revision to ask with next time."""
    logins: list[Login]
    """The logins added or changed."""
    ids: frozenset[int]
    """The numbers of all logins in the store: any other one was logged out."""
    is_older_copy: bool
    """Whether the store was replaced by an older copy since: what it says of a login may be out of date."""


class Logins:
    """The logins within one transaction; tokens are encrypted when written and decrypted when read."""

    def __init__(
        self, connection: sql.Connection, vault: Vault, stamp: Stamp | None = None, seen: Revision | None = None
    ) -> None:
        self._connection = connection
        self._vault = vault
        self._stamp = stamp
        self._seen = seen or Revision(0, "")
        self.written: Revision | None = None
        """The revision that this transaction makes."""

    def all(self) -> list[Login]:
        """Return all of them, in the order in which they were added."""
        return self._found()

    def get(self, id_: int) -> Login | None:
        """Return one by its number."""
        return next(iter(self._found(logins.c.id == id_)), None)

    def changes(self, since: Revision | None) -> Changes | None:
        """Return what changed after a revision; None: nothing did."""
        now = self._revision_now()
        older = now.is_before(self._seen)
        if since == now and not older:
            return None
        ids = frozenset(self._connection.scalars(sql.select(logins.c.id)))
        newer = () if since is None or older else (logins.c.revision > since.number,)
        return Changes(now, self._found(*newer), ids, older)

    def write_back(self, known: Iterable[Login]) -> list[Login]:
        """Write logins as they are known into an older copy of the store; return those it did not have.

        All others in it are in doubt afterwards.
        """
        stored = {login.id: login for login in self.all()}
        self._touch(is_known=True)
        return [login for login in known if self._write_one_back(login, stored.get(login.id))]

    def _write_one_back(self, login: Login, stored: Login | None) -> bool:
        """Return whether that changed the pair in the store."""
        one = logins.c.id == login.id
        if stored is not None and stored.is_newer_than(login):
            self._connection.execute(sql.update(logins).where(one).values(doubt=int(stored.doubt)))
            return False
        others = [row for row in self._same_account(login.login, login.user_id) if row.id != login.id]
        self._give_way(others, to=login.id, owner={"login": login.login, "user_id": login.user_id})
        self._free_name(login.login, login.user_id)
        self._connection.execute(sql.delete(logins).where(one))
        self._connection.execute(sql.insert(logins).values(self._row(login)))
        return stored is None or stored.pair.access != login.pair.access

    def put(
        self, login: str, client_id: str, pair: TokenPair, user_id: str | None, channels: Sequence[str] = ()
    ) -> Login:
        """Store a pair in the place of an older one of the same account, or as a new login."""
        rows = self._same_account(login, user_id)
        self._touch()
        self._free_name(login, user_id)
        # A renamed account may be known by its id and, in another row, by its name: the older row stays.
        owner: dict[str, Any] = {"login": login, "client_id": client_id, "user_id": user_id, "member_since": None}
        self._give_way(rows[1:], to=rows[0].id if rows else 0, owner=owner)
        if channels:
            owner["channels"] = " ".join(channels)
        return self._write(rows, pair, owner)

    def put_member(
        self, login: str, client_id: str, pair: TokenPair, user_id: str, *, at: float, most: int
    ) -> Login | NotTaken:
        """Store the pair of a viewer who joins, in the place of an older one; our own accounts stay what they are."""
        rows = self._same_account(login, user_id)
        if any(row.member_since is None for row in rows):
            return "already here"
        members = sql.select(sql.func.count()).where(logins.c.member_since.is_not(None))
        if not rows and (self._connection.scalar(members) or 0) >= most:
            return "full"
        self._touch()
        self._free_name(login, user_id)
        since = min((row.member_since for row in rows), default=at)
        owner: dict[str, Any] = {"login": login, "client_id": client_id, "user_id": user_id, "member_since": since}
        self._give_way(rows[1:], to=rows[0].id if rows else 0, owner=owner)
        return self._write(rows, pair, owner)

    def take_over(self, login: str, client_id: str, pair: TokenPair, channels: Sequence[str]) -> Login | None:
        """Store a pair that came from outside, once; return the login that it belongs to now, if it still does."""
        mark = _mark(client_id, pair)
        known = sql.select(imports.c.login_id).where(imports.c.fingerprint == mark)
        if (id_ := self._connection.scalar(known)) is not None:
            return self.get(id_)
        # Only Twitch can say whose token this is, so the user id has to be asked for again.
        owner: dict[str, Any] = {
            "login": login or _named_by(mark),
            "client_id": client_id,
            "user_id": None,
            "member_since": None,
        }
        if channels:
            owner["channels"] = " ".join(channels)
        made = self._write(self._same_account(owner["login"], None), pair, owner)
        self._connection.execute(sql.insert(imports).values(fingerprint=mark, login_id=made.id))
        return made

    def take_over_all(self, pairs: Sequence[tuple[str, str, TokenPair]]) -> list[Login | None]:
        """Store many pairs as `take_over` does; each is a login's name, client id and pair."""
        self._add_new(pairs)
        of_mark = {row.fingerprint: row.login_id for row in self._connection.execute(sql.select(imports))}
        by_id = {login.id: login for login in self.all()}
        taken: list[Login | None] = []
        for login, client_id, pair in pairs:
            id_ = of_mark.get(_mark(client_id, pair))
            taken.append(self.take_over(login, client_id, pair, ()) if id_ is None else by_id.get(id_))
        return taken

    def _add_new(self, pairs: Sequence[tuple[str, str, TokenPair]]) -> None:
        """Add the pairs whose name is new: for thousands of accounts, one by one takes many seconds."""
        marks = {*self._connection.scalars(sql.select(imports.c.fingerprint))}
        names = {*self._connection.scalars(sql.select(logins.c.login))}
        added: list[dict[str, Any]] = []
        imported: list[dict[str, Any]] = []
        id_ = self._last_id()
        for login, client_id, pair in pairs:
            mark = _mark(client_id, pair)
            name = login or _named_by(mark)
            if mark in marks or name in names:
                continue
            names.add(name)
            id_ += 1
            counted = {"id": id_, "generation": self._touch(), "revision": self._touch()}
            added.append(self._columns(pair) | counted | {"login": name, "client_id": client_id, "lost": ""})
            imported.append({"fingerprint": mark, "login_id": id_})
        if added:
            self._connection.execute(sql.insert(logins), added)
            self._connection.execute(sql.insert(imports), imported)

    def change(self, login: Login, values: Mapping[str, Any]) -> Login | None:
        """Change columns and return the login; None: it is gone, or has a newer pair."""
        stored = sql.select(logins.c.generation, logins.c.login, logins.c.user_id).where(logins.c.id == login.id)
        row = self._connection.execute(stored).one_or_none()
        if row is None or row.generation != login.generation:
            return None
        revision = self._touch()
        if "user_id" in values:
            self._withdraw_name(values["login"], of=login.id)
            # This account may be in another row under an older name.
            others = self._same_account(values["login"], values["user_id"])
            self._give_way([other for other in others if other.id != login.id], to=login.id, owner=values)
            self._free_name(values["login"], values["user_id"])
            self._keep_name(row, values)
        changed = sql.update(logins).where(logins.c.id == login.id).values(**values, revision=revision)
        self._connection.execute(changed)
        return self.get(login.id)

    def replace_pair(self, login: Login, pair: TokenPair) -> Login | None:
        """Store the pair that follows, as `change` does."""
        works = {"lost": "", "lost_at": None, "doubt": 0}
        return self.change(login, self._columns(pair) | works | {"generation": login.generation + 1})

    def forget(self, id_: int) -> None:
        """Remove a login with its tokens, its colours and preferences, and what the bot reported of it."""
        self._touch()
        user_id = self._connection.scalar(sql.select(logins.c.user_id).where(logins.c.id == id_))
        own = preferences.c.key.startswith(f"accounts.{user_id}.", autoescape=True)
        self._connection.execute(sql.delete(preferences).where(own))
        mine = sql.select(logins.c.user_id).where(logins.c.id == id_).scalar_subquery()
        for table in (colors, earlier_names):
            self._connection.execute(sql.delete(table).where(table.c.user_id == mine))
        name = sql.select(logins.c.login).where(logins.c.id == id_).scalar_subquery()
        self._connection.execute(sql.delete(reports).where(reports.c.login == name))
        self._connection.execute(sql.delete(logins).where(logins.c.id == id_))

    def doubt_all(self) -> None:
        """Mark every login to be validated before its refresh token is used: another copy may have used it."""
        self._connection.execute(sql.update(logins).values(doubt=1, revision=self._touch()))

    def _touch(self, *, is_known: bool = False) -> int:
        """Count a change of the logins, once a transaction, and give the store its next stamp; return the revision.

        The number of an older copy stays below what was seen before, until it is known what is newer.
        """
        if self.written is not None:
            return self.written.number
        now = self._revision_now()
        older = now.is_before(self._seen)
        number = now.number if older else now.number + 1
        if older and is_known:
            number = self._seen.number + 1
        doubt = older or self.is_older_copy()
        stamp = self._stamp.draw(self._connection) if self._stamp is not None else ""
        self._connection.execute(sql.update(state).values(revision=number, stamp=stamp))
        if doubt:
            self._connection.execute(sql.update(logins).values(doubt=1, revision=number))
        self.written = Revision(number, stamp)
        return number

    def _revision_now(self) -> Revision:
        row = self._connection.execute(sql.select(state.c.revision, state.c.stamp)).one_or_none()
        if row is None:
            raise Unusable("is not complete; is a backup being restored?")
        return Revision(row.revision, row.stamp)

    def is_older_copy(self) -> bool:
        """Say whether this store is not the one last written here."""
        return self._stamp is not None and not self._stamp.is_genuine(self._connection)

    def _found(self, *conditions: sql.ColumnElement[bool]) -> list[Login]:
        with_names = logins.outerjoin(earlier_names, earlier_names.c.user_id == logins.c.user_id)
        found = sql.select(logins, earlier_names.c.names).select_from(with_names)
        return [self._login(row) for row in self._connection.execute(found.where(*conditions).order_by(logins.c.id))]

    def _same_account(self, login: str, user_id: str | None) -> Sequence[Any]:
        """Return the rows of an account: by its name only where one of the ids is not known."""
        same = logins.c.login == login
        if user_id is not None:
            same = (same & logins.c.user_id.is_(None)) | (logins.c.user_id == user_id)
        columns = (logins.c.id, logins.c.generation, logins.c.login, logins.c.user_id, logins.c.member_since)
        return self._connection.execute(sql.select(*columns).where(same).order_by(logins.c.id)).all()

    def _free_name(self, login: str, user_id: str | None) -> None:
        """Take a name from the account that had it before: what that one is called now, Twitch tells the next time."""
        if user_id is None:
            return
        other = logins.c.login == login, logins.c.user_id != user_id
        rows = self._connection.execute(sql.select(logins.c.id, logins.c.login, logins.c.user_id).where(*other)).all()
        for row in rows:
            nameless = {"login": nameless_login(row.user_id)}
            self._keep_name(row, nameless)
            changed = sql.update(logins).where(logins.c.id == row.id)
            self._connection.execute(changed.values(**nameless, revision=self._touch()))

    def _keep_name(self, before: Any, values: Mapping[str, Any]) -> None:
        """Remember what an account was called until now, if a row gets another name or another account."""
        user_id, login = before.user_id, before.login
        same = login == values["login"] and user_id == values.get("user_id", user_id)
        if user_id is None or same or login == nameless_login(user_id):
            return
        stored = sql.select(earlier_names.c.names).where(earlier_names.c.user_id == user_id)
        names = dict.fromkeys((login, *(self._connection.scalar(stored) or "").split()))
        put(self._connection, earlier_names, {"user_id": user_id, "names": " ".join(names)})

    def _write(self, old: Sequence[Any], pair: TokenPair, owner: dict[str, Any]) -> Login:
        """Put a pair into the first of these rows, or else into a new one."""
        row = self._columns(pair) | {"lost": "", "lost_at": None, "doubt": 0, "revision": self._touch()} | owner
        if old:
            id_ = old[0].id
            self._keep_name(old[0], owner)
            values = row | {"generation": old[0].generation + 1}
            self._connection.execute(sql.update(logins).where(logins.c.id == id_).values(values))
        else:
            id_ = self._last_id() + 1
            # No login counts more pairs than the store counts changes: one made anew is later than any of before.
            self._connection.execute(sql.insert(logins).values(row | {"id": id_, "generation": self._touch()}))
        (made,) = self._found(logins.c.id == id_)
        return made

    def _last_id(self) -> int:
        # An import may still refer to a number that belonged to another login before.
        last = (self._connection.scalar(sql.select(sql.func.max(id_))) for id_ in (logins.c.id, imports.c.login_id))
        return max(number or 0 for number in last)

    def _withdraw_name(self, name: str, *, of: int) -> None:
        """Take a name that turned out to be another one's from a token that was only said to be of that account."""
        claimed = (logins.c.login == name) & logins.c.user_id.is_(None) & (logins.c.lost == "") & (logins.c.id != of)
        for id_ in self._connection.scalars(sql.select(logins.c.id).where(claimed)).all():
            changed = sql.update(logins).where(logins.c.id == id_)
            self._connection.execute(changed.values(login=f"token_{id_:012}", revision=self._touch()))

    def _give_way(self, rows: Iterable[Any], *, to: int, owner: Mapping[str, Any]) -> None:
        """Remove rows that stand for the same account as another one, which inherits what was imported as them."""
        for row in rows:
            self._keep_name(row, owner)
            self._connection.execute(sql.update(imports).where(imports.c.login_id == row.id).values(login_id=to))
            self._connection.execute(sql.delete(logins).where(logins.c.id == row.id))

    def _columns(self, pair: TokenPair) -> dict[str, Any]:
        return {
            "access_token": self._vault.encrypt(pair.access),
            "refresh_token": self._vault.encrypt(pair.refresh),
            "expires_at": pair.expires_at,
            "scopes": joined(pair.scopes),
            "issued_at": pair.issued_at,
        }

    def _row(self, login: Login) -> dict[str, Any]:
        known = {"id": login.id, "user_id": login.user_id, "login": login.login, "client_id": login.client_id}
        known |= {"lost_at": login.lost_at, "member_since": login.member_since}
        known |= {"lost": login.lost, "generation": login.generation, "doubt": int(login.doubt)}
        return known | self._columns(login.pair) | {"channels": " ".join(login.channels), "revision": self._touch()}

    def _login(self, row: Any) -> Login:
        pair = TokenPair(
            self._vault.decrypt(row.access_token),
            self._vault.decrypt(row.refresh_token),
            row.expires_at,
            frozenset(row.scopes.split()),
            row.issued_at,
        )
        return Login(
            id=row.id,
            user_id=row.user_id,
            login=row.login,
            client_id=row.client_id,
            pair=pair,
            lost=row.lost,
            generation=row.generation,
            doubt=bool(row.doubt),
            channels=tuple(row.channels.split()),
            earlier=tuple(name for name in (row.names or "").split() if name != row.login),
            lost_at=row.lost_at,
            member_since=row.member_since,
        )


def nameless_login(user_id: str) -> str:
    """Return what an account is called here until Twitch tells its name: somebody else has the one it had."""
    return f"id-{user_id}"[:25]  # no login at Twitch has a hyphen


def _mark(client_id: str, pair: TokenPair) -> str:
    """Return what a pair that came from outside is known by, without its tokens."""
    return hashlib.sha256(f"{client_id}\n{pair.access}\n{pair.refresh}".encode()).hexdigest()


def _named_by(mark: str) -> str:
    return f"token_{mark[:12]}"


def joined(scopes: frozenset[str]) -> str:
    """Return scopes as they are stored."""
    return " ".join(sorted(scopes))
