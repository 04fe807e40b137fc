"""A PostgreSQL server under the store: how to connect to it, and which writer is next."""

from __future__ import annotations

import sys
from typing import Any

import sqlalchemy as sql
from sqlalchemy.exc import SQLAlchemyError

from colorchanger_bot.errors import StoreError

CONNECTIONS = 4
CONNECT_SECONDS = 10
LOCK_SECONDS = 10
WRITING, OWNING = 0x434F4C01, 0x434F4C02
"""The first halves of our advisory locks; the second half is the schema. PostgreSQL keeps them apart by database."""

DRIVER = "postgresql+psycopg"
INSTALL = "storage.url names a PostgreSQL server, which needs a driver: pip install 'colorchanger-bot[postgres]'"
IN_EXECUTABLE = (
    "storage.url names a PostgreSQL server, and this executable has no driver for one: "
    "pipx install 'colorchanger-bot[postgres]', and run that"
)
KEEPALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}
_ONLY_ASYNCPG = {
    "timeout",
    "command_timeout",
    "prepared_statement_cache_size",
    "statement_cache_size",
    "async_fallback",
}


def engine_for(address: str, **options: Any) -> tuple[sql.Engine, str]:
    """Return an engine for a server, and the server's name for people, without a password.

    Raises:
        StoreError: the address cannot be used, or psycopg is missing.
    """
    try:
        url = _url(address)
        arguments = {"connect_timeout": CONNECT_SECONDS, **KEEPALIVE}
        engine = sql.create_engine(
            url,
            # Prepared statements do not survive a pooler such as PgBouncer.
            connect_args={name: value for name, value in arguments.items() if name not in url.query}
            | {"prepare_threshold": None},
            hide_parameters=True,
            **(options or {"pool_size": CONNECTIONS, "max_overflow": 0, "pool_pre_ping": True}),
        )
    except ImportError:
        raise StoreError(IN_EXECUTABLE if getattr(sys, "frozen", False) else INSTALL) from None
    except (SQLAlchemyError, ValueError):  # their text may contain part of the password
        raise StoreError("storage.url cannot be used: write postgresql://user:password@host:port/database") from None
    return engine, url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)


def wait_for_turn(connection: sql.Connection) -> None:
    """Allow one writer at a time, as SQLite does: what it reads cannot change before it writes."""
    limit = sql.func.set_config("lock_timeout", f"{LOCK_SECONDS}s", True)
    connection.execute(sql.select(limit, sql.func.pg_advisory_xact_lock(WRITING, this_schema())))


def this_schema() -> Any:
    """Return the second half of our advisory locks: two stores in one database may use different schemas."""
    return sql.func.hashtext(sql.func.current_schema())


def _url(address: str) -> sql.URL:
    """Return an address for SQLAlchemy and psycopg, whatever driver it names; translate asyncpg's options."""
    url = sql.make_url(address)
    query = {name: value for name, value in url.query.items() if name not in _ONLY_ASYNCPG}
    if (mode := query.pop("ssl", None)) is not None:
        query["sslmode"] = {"true": "require", "1": "require", "false": "disable", "0": "disable"}.get(
            str(mode).lower(), mode
        )
    return url.set(drivername=DRIVER, query=query)
