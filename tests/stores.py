"""The two ways to a store's database, and what older versions left behind."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from colorchanger_bot.store.database import prepare
from colorchanger_bot.store.database_server import Server
from colorchanger_bot.store.store import Store

OpenStore = Callable[..., AbstractAsyncContextManager[Store]]

FIRST_VERSION = """
CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY);
INSERT INTO schema_version VALUES (1);
CREATE TABLE logins (id INTEGER NOT NULL PRIMARY KEY, user_id VARCHAR(32) UNIQUE, login VARCHAR(25) NOT NULL UNIQUE,
    client_id VARCHAR(64) NOT NULL, access_token TEXT NOT NULL, refresh_token TEXT NOT NULL, expires_at FLOAT,
    scopes TEXT NOT NULL, lost TEXT NOT NULL, generation INTEGER NOT NULL);
INSERT INTO logins VALUES (1, '42', 'me', 'client', 'access-1', 'refresh-1', 12.5, 'a b', '', 3);
CREATE TABLE imports (fingerprint VARCHAR(64) NOT NULL PRIMARY KEY, login_id INTEGER NOT NULL);
CREATE TABLE colors (user_id VARCHAR(32) NOT NULL PRIMARY KEY, remembered TEXT NOT NULL);
CREATE TABLE heartbeat (id INTEGER NOT NULL PRIMARY KEY, pid INTEGER NOT NULL, at FLOAT NOT NULL, status TEXT NOT NULL);
"""
"""What the first version of the schema made."""
BY_SQLALCHEMY = """
CREATE TABLE schema_version (version INTEGER NOT NULL, PRIMARY KEY (version));
INSERT INTO schema_version VALUES (2);
CREATE TABLE logins (id INTEGER NOT NULL, user_id VARCHAR(32), login VARCHAR(25) NOT NULL,
    client_id VARCHAR(64) NOT NULL, access_token TEXT NOT NULL, refresh_token TEXT NOT NULL, expires_at FLOAT,
    scopes TEXT NOT NULL, lost TEXT NOT NULL, generation INTEGER NOT NULL, issued_at FLOAT,
    doubt INTEGER DEFAULT '0' NOT NULL, channels TEXT DEFAULT '' NOT NULL,
    PRIMARY KEY (id), UNIQUE (user_id), UNIQUE (login));
INSERT INTO logins VALUES (1, '42', 'me', 'client', 'access-1', 'refresh-1', 12.5, 'a b', '', 3, 11.5, 1, 'x y');
CREATE TABLE apps (client_id VARCHAR(64) NOT NULL, client_secret TEXT NOT NULL, PRIMARY KEY (client_id));
INSERT INTO apps VALUES ('client', 'secret');
CREATE TABLE imports (fingerprint VARCHAR(64) NOT NULL, login_id INTEGER NOT NULL, PRIMARY KEY (fingerprint));
CREATE TABLE colors (user_id VARCHAR(32) NOT NULL, remembered TEXT NOT NULL, PRIMARY KEY (user_id));
INSERT INTO colors VALUES ('42', '{"history": ["#FF0000"]}');
CREATE TABLE heartbeat (id INTEGER NOT NULL, pid INTEGER NOT NULL, at FLOAT NOT NULL, status TEXT NOT NULL,
    PRIMARY KEY (id));
INSERT INTO heartbeat VALUES (1, 77, 5.5, '{}');
"""
"""What the second version was when SQLAlchemy made all tables."""


@asynccontextmanager
async def on_server(url: str, keys: Sequence[str] = ()) -> AsyncGenerator[Store]:
    """Open a file of SQLite as if it were a server of somebody's."""
    async with Server.open(url.replace("sqlite:", "sqlite+aiosqlite:")) as database:
        await prepare(database)
        yield await Store.on(database, keys)


WAYS: dict[str, OpenStore] = {"sqlite3": Store.open, "SQLAlchemy": on_server}
