"""The tables of the store, and how an older store becomes one of this version.

All SQL is written once, in words that SQLite, PostgreSQL and MySQL understand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

Row = dict[str, Any]

SCHEMA_VERSION = 2
"""2: when a token was issued, whether its refresh was begun, channels of an import, secrets of applications."""

# FLOAT has 24 bits in MySQL, too few for unix seconds; and MySQL has no default for TEXT.
_CHANNELS = "VARCHAR(8000) NOT NULL DEFAULT ''"
TABLES = (
    "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL PRIMARY KEY)",
    f"""
    CREATE TABLE IF NOT EXISTS logins (
        id INTEGER NOT NULL PRIMARY KEY,
        user_id VARCHAR(32) UNIQUE,
        login VARCHAR(25) NOT NULL UNIQUE,
        client_id VARCHAR(64) NOT NULL,
        access_token TEXT NOT NULL,
        refresh_token TEXT NOT NULL,
        expires_at DOUBLE PRECISION,
        scopes TEXT NOT NULL,
        lost TEXT NOT NULL,
        generation INTEGER NOT NULL,
        issued_at DOUBLE PRECISION,
        doubt INTEGER NOT NULL DEFAULT 0,
        channels {_CHANNELS}
    )
    """,
    "CREATE TABLE IF NOT EXISTS apps (client_id VARCHAR(64) NOT NULL PRIMARY KEY, client_secret TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS imports (fingerprint VARCHAR(64) NOT NULL PRIMARY KEY, login_id INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS colors (user_id VARCHAR(32) NOT NULL PRIMARY KEY, remembered TEXT NOT NULL)",
    """
    CREATE TABLE IF NOT EXISTS heartbeat (
        id INTEGER NOT NULL PRIMARY KEY,
        pid INTEGER NOT NULL,
        at DOUBLE PRECISION NOT NULL,
        status {long_text} NOT NULL
    )
    """,
)
ADDED = {
    2: (
        ("logins", "issued_at", "DOUBLE PRECISION"),
        ("logins", "doubt", "INTEGER NOT NULL DEFAULT 0"),
        ("logins", "channels", _CHANNELS),
    )
}
"""The columns that a version added to tables which were there before."""


class Secret(NamedTuple):
    """Columns of a table that are encrypted when there is a key."""

    table: str
    key: str
    columns: tuple[str, ...]


SECRETS = (
    Secret("logins", "id", ("access_token", "refresh_token")),
    Secret("apps", "client_id", ("client_secret",)),
)


class Connection(Protocol):
    """What works on the database inside a transaction; parameters are named in the SQL as `:name`."""

    long_text: str
    """The type of a text of any length: that called TEXT ends at 64 kB in MySQL."""

    def execute(self, sql: str, /, **parameters: Any) -> list[Row]:
        """Return the rows that a statement yields."""
        ...

    def change(self, sql: str, /, **parameters: Any) -> int:
        """Write; return how many rows that met."""
        ...

    def columns(self, table: str) -> set[str]:
        """Return the names of a table's columns; none: there is no such table."""
        ...


def version(connection: Connection) -> int | None:
    """Return the version of the store; None if there is nothing yet."""
    if not connection.columns("schema_version"):
        return None
    (row,) = connection.execute("SELECT MAX(version) AS version FROM schema_version")
    return row["version"]


def upgrade(connection: Connection) -> None:
    """Make the tables that are missing, and bring older ones up to date; begun in a process that died, it goes on."""
    found = version(connection)
    for statement in TABLES:
        connection.execute(statement.format(long_text=connection.long_text))
    for number in range((found or 0) + 1, SCHEMA_VERSION + 1):
        for table, column, words in ADDED.get(number, ()):
            if column not in connection.columns(table):
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {words}")
    if found is None:
        insert(connection, "schema_version", {"version": SCHEMA_VERSION})
    elif found < SCHEMA_VERSION:
        connection.change("UPDATE schema_version SET version = :version", version=SCHEMA_VERSION)


# Names of tables and columns come from the code and stand in the SQL; values come from anywhere and never do.


def insert(connection: Connection, table: str, row: Mapping[str, Any]) -> None:
    """Add a row."""
    values = ", ".join(f":{name}" for name in row)
    connection.change(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values})", **row)  # noqa: S608


def update(connection: Connection, table: str, key: str, row: Mapping[str, Any]) -> int:
    """Change the row of that key, which is in `row`, to these values; return how many there are."""
    values = ", ".join(f"{name} = :{name}" for name in row if name != key)
    return connection.change(f"UPDATE {table} SET {values} WHERE {key} = :{key}", **row)  # noqa: S608


def put(connection: Connection, table: str, key: str, row: Mapping[str, Any]) -> None:
    """Change the row of that key, or add it: in words that every database understands."""
    if not update(connection, table, key, row):
        insert(connection, table, row)


def secrets(connection: Connection) -> Iterator[tuple[Secret, Row]]:
    """Yield every row that has something secret, with its key."""
    for each in SECRETS:
        columns = ", ".join((each.key, *each.columns))
        for row in connection.execute(f"SELECT {columns} FROM {each.table}"):  # noqa: S608
            yield each, row
