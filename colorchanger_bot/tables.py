"""The tables of the store, and how an older store becomes one of this version."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sql
from sqlalchemy.schema import CreateColumn

SCHEMA_VERSION = 2
"""2: when a token was issued, whether its refresh was begun, channels of an import, secrets of applications."""

metadata = sql.MetaData()
schema = sql.Table("schema_version", metadata, sql.Column("version", sql.Integer, primary_key=True))
logins = sql.Table(
    "logins",
    metadata,
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
    sql.Column("issued_at", sql.Float),
    sql.Column("doubt", sql.Integer, nullable=False, server_default="0"),
    sql.Column("channels", sql.Text, nullable=False, server_default=""),
)
apps = sql.Table(
    "apps",
    metadata,
    sql.Column("client_id", sql.String(64), primary_key=True),
    sql.Column("client_secret", sql.Text, nullable=False),
)
imports = sql.Table(
    "imports",
    metadata,
    sql.Column("fingerprint", sql.String(64), primary_key=True),
    sql.Column("login_id", sql.Integer, nullable=False),
)
colors = sql.Table(
    "colors",
    metadata,
    sql.Column("user_id", sql.String(32), primary_key=True),
    sql.Column("remembered", sql.Text, nullable=False),
)
heartbeat = sql.Table(
    "heartbeat",
    metadata,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("pid", sql.Integer, nullable=False),
    sql.Column("at", sql.Float, nullable=False),
    sql.Column("status", sql.Text, nullable=False),
)

SECRETS = {logins: ("access_token", "refresh_token"), apps: ("client_secret",)}
"""The columns that are encrypted when there is a key."""


def version(connection: sql.Connection) -> int | None:
    """Return the version of the store; None if there is nothing yet."""
    if not sql.inspect(connection).has_table(schema.name):
        return None
    return connection.execute(sql.select(schema.c.version)).scalar_one_or_none()


def upgrade(connection: sql.Connection) -> None:
    """Make the tables that are missing, and bring older ones up to date; begun in a process that died, it goes on."""
    if connection.dialect.name == "sqlite":
        # Its driver begins a transaction before the first write only, and of two processes one must wait right here.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    found = version(connection)
    metadata.create_all(connection)
    for number in range((found or 0) + 1, SCHEMA_VERSION + 1):
        _STEPS.get(number, _nothing)(connection)
    if found is None:
        connection.execute(sql.insert(schema).values(version=SCHEMA_VERSION))
    elif found < SCHEMA_VERSION:
        connection.execute(sql.update(schema).values(version=SCHEMA_VERSION))


def _nothing(connection: sql.Connection) -> None:
    """A version that only added tables."""


def _to_2(connection: sql.Connection) -> None:
    _add(connection, logins.c.issued_at, logins.c.doubt, logins.c.channels)


def _add(connection: sql.Connection, *columns: sql.Column[object]) -> None:
    for column in columns:
        table: sql.FromClause = column.table
        known = {each["name"] for each in sql.inspect(connection).get_columns(str(table.description))}
        if column.name not in known:
            words = CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {table.description} ADD COLUMN {words}")


_STEPS: dict[int, Callable[[sql.Connection], None]] = {2: _to_2}
