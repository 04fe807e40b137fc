"""The tables of the store, and how an older store is brought up to date."""

from __future__ import annotations

from typing import Any, cast

import sqlalchemy as sql

from colorchanger_bot.vault import Vault

SCHEMA_VERSION = 6
"""2: when a token was issued, doubt, channels of an import, secrets of applications. 3: revisions, account reports.
4: earlier names. 5: members of a community. 6: preferences."""

METADATA = sql.MetaData()


def _table(name: str, *columns: sql.Column[Any]) -> sql.Table:
    return sql.Table(name, METADATA, *columns)


def _key(name: str, kind: Any) -> sql.Column[Any]:
    return sql.Column(name, kind, primary_key=True, autoincrement=False)


def _column(name: str, kind: Any, default: str | None = None, *, unique: bool = False) -> sql.Column[Any]:
    return sql.Column(name, kind, nullable=False, server_default=default, unique=unique or None)


def _maybe(name: str, kind: Any, *, unique: bool = False) -> sql.Column[Any]:
    return sql.Column(name, kind, nullable=True, unique=unique or None)


# Unix seconds need 64 bits; REAL has them only in SQLite.
_TIME = cast("Any", sql.REAL)().with_variant(sql.DOUBLE_PRECISION(), "postgresql")

schema_version = _table("schema_version", _key("version", sql.Integer))
logins = _table(
    "logins",
    _key("id", sql.Integer),
    _maybe("user_id", sql.VARCHAR(32), unique=True),
    _column("login", sql.VARCHAR(25), unique=True),
    _column("client_id", sql.VARCHAR(64)),
    _column("access_token", sql.TEXT),
    _column("refresh_token", sql.TEXT),
    _maybe("expires_at", _TIME),
    _column("scopes", sql.TEXT),
    _column("lost", sql.TEXT),
    _column("generation", sql.Integer),
    _maybe("issued_at", _TIME),
    _column("doubt", sql.Integer, "0"),
    _column("channels", sql.VARCHAR(8000), ""),
    _column("revision", sql.Integer, "0"),  # the revision of `state` when the row was last written
    _maybe("lost_at", _TIME),
    _maybe("member_since", _TIME),  # null: one of the operator's accounts
)
apps = _table("apps", _key("client_id", sql.VARCHAR(64)), _column("client_secret", sql.TEXT))
imports = _table("imports", _key("fingerprint", sql.VARCHAR(64)), _column("login_id", sql.Integer))
colors = _table("colors", _key("user_id", sql.VARCHAR(32)), _column("remembered", sql.TEXT))
earlier_names = _table(  # of the accounts that were renamed at Twitch while they were logged in here, newest first
    "earlier_names", _key("user_id", sql.VARCHAR(32)), _column("names", sql.TEXT)
)
preferences = _table(  # what was set on the page: a key as `accounts.USER_ID.channels`, and its value as JSON
    "preferences", _key("key", sql.VARCHAR(255)), _column("value", sql.TEXT)
)
heartbeat = _table(
    "heartbeat", _key("id", sql.Integer), _column("pid", sql.Integer), _column("at", _TIME), _column("status", sql.TEXT)
)
reports = _table("reports", _key("login", sql.VARCHAR(64)), _column("report", sql.TEXT))
state = _table(
    "state",
    _key("id", sql.Integer),
    _column("revision", sql.Integer),  # counts the transactions that touched a login
    _column("stamp", sql.VARCHAR(32)),  # see `store.stamp`
)

LASTING = (logins, apps, imports, colors, earlier_names, preferences)
"""The tables that a copy of a store contains."""
SECRETS = {logins: ("access_token", "refresh_token"), apps: ("client_secret",), preferences: ("value",)}
"""The columns that are encrypted when there is a key."""


def version(connection: sql.Connection) -> int | None:
    """Return the version of the store; None if it has no tables of ours."""
    if not sql.inspect(connection).has_table(schema_version.name):
        return None
    return connection.scalar(sql.select(sql.func.max(schema_version.c.version)))


def upgrade(connection: sql.Connection) -> None:
    """Create missing tables, and rebuild those that lack columns."""
    inspector = sql.inspect(connection)
    for table in METADATA.sorted_tables:
        if inspector.has_table(table.name):
            there = {column["name"] for column in inspector.get_columns(table.name)}
            if not there.issuperset(table.columns.keys()):
                _make_again(connection, table)
    METADATA.create_all(connection)
    if connection.scalar(sql.select(state.c.id)) is None:
        latest = connection.scalar(sql.select(sql.func.max(logins.c.generation))) or 0
        connection.execute(sql.insert(state).values(id=1, revision=latest, stamp=""))
        # The stores of before cannot tell whether they are an older copy.
        connection.execute(sql.update(logins).values(doubt=1))
    connection.execute(sql.delete(schema_version))
    connection.execute(sql.insert(schema_version).values(version=SCHEMA_VERSION))


def _make_again(connection: sql.Connection, table: sql.Table) -> None:
    """Rebuild a table with its rows, as in a new store; new columns get their defaults."""
    old = sql.Table(table.name, sql.MetaData(), autoload_with=connection)
    kept = [column for column in old.columns if column.name in table.columns]
    rows = [dict(row) for row in connection.execute(sql.select(*kept)).mappings()]
    old.drop(connection)
    table.create(connection)
    if rows:
        connection.execute(sql.insert(table), rows)


def put(connection: sql.Connection, table: sql.Table, *rows: dict[str, Any]) -> None:
    """Replace the rows with the same keys; there is only one writer at a time, so this is atomic."""
    if rows:
        (key,) = table.primary_key
        gone = sql.delete(table).where(key == sql.bindparam("key"))
        connection.execute(gone, [{"key": row[key.name]} for row in rows])
        connection.execute(sql.insert(table), list(rows))


def secrets(connection: sql.Connection) -> list[str]:
    """Return every secret as it is stored."""
    columns = [table.c[name] for table, names in SECRETS.items() for name in names]
    return [value for column in columns for value in connection.scalars(sql.select(column)) if value]


def rewrite(connection: sql.Connection, reader: Vault, writer: Vault) -> int:
    """Write every secret as `writer` does; return how many rows changed."""
    changed = 0
    for table, names in SECRETS.items():
        (key,) = table.primary_key
        for row in connection.execute(sql.select(key, *(table.c[name] for name in names))).mappings().all():
            if not all(writer.is_current(row[name]) for name in names):
                values = {name: writer.encrypt(reader.decrypt(row[name])) for name in names}
                connection.execute(sql.update(table).where(key == row[key.name]).values(values))
                changed += 1
    return changed
