"""Copies a store: a backup while the bot may be running, and a move to another database."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sql

from colorchanger_bot.errors import StoreError
from colorchanger_bot.store import schema
from colorchanger_bot.store.database import LONG_SECONDS, open_database
from colorchanger_bot.store.file import address_of, exists, file_of
from colorchanger_bot.store.lock import locked
from colorchanger_bot.store.logins import Logins
from colorchanger_bot.store.sqlite import make_file
from colorchanger_bot.store.stamp import Stamp
from colorchanger_bot.vault import Vault

CHUNK = 200

Progress = Callable[[int, int], None]
"""Called in another thread with the number of rows written, and the total; if it raises, nothing is copied."""
Rows = dict[sql.Table, list[dict[str, Any]]]


async def back_up(url: str, path: Path, progress: Progress) -> int:
    """Copy a store, which may be in use, to a new SQLite file; return the number of logins.

    In the copy every login is marked as in doubt: after a restore, it is validated before a refresh token is used.

    Raises:
        StoreError: there is no such store, or the copy cannot be made; then there is none.
    """
    rows = await _read(url)
    for login in rows[schema.logins]:
        login["doubt"] = 1
    await _write_file(path, rows, progress)
    return len(rows[schema.logins])


async def copy(source: str, target: str, progress: Progress) -> int:
    """Copy a store that is not in use into an empty one, all of it or nothing; return the number of logins.

    The logins of the old one are in doubt from then on, because the new one spends their refresh tokens.

    Raises:
        StoreLocked: a bot runs on one of them.
        StoreError: the target is not empty, or the copy cannot be made.
    """
    if address_of(source) == address_of(target):
        raise StoreError("both addresses are the same store")
    if not exists(source):
        raise StoreError(f"there is no store {file_of(address_of(source))}")
    with locked(source), locked(target):
        rows = await _read(source)
        path = file_of(address_of(target))
        if path is not None and not path.exists():
            await _doubt(source)
            await _write_file(path, rows, progress)
        else:
            async with open_database(target) as database:
                await database.read(_check_empty)
                await _doubt(source)
                fill = partial(_fill, rows=rows, progress=progress, stamp=database.stamp)
                await database.run(fill, seconds=LONG_SECONDS)
    return len(rows[schema.logins])


async def _doubt(url: str) -> None:
    """Mark the logins of a store as in doubt, before a copy begins: afterwards a crash could keep us from it."""
    async with open_database(url) as database:
        await database.run(lambda connection: Logins(connection, Vault(), database.stamp).doubt_all())


async def _read(url: str) -> Rows:
    if not exists(url):
        raise StoreError(f"there is no store {file_of(address_of(url))}")
    async with open_database(url) as database:
        return await database.read(_rows, seconds=LONG_SECONDS)


async def _write_file(path: Path, rows: Rows, progress: Progress) -> None:
    def write() -> None:
        if os.path.lexists(path):
            raise StoreError(f"{path} exists already; name a file that does not")
        make_file(path, partial(_fill, rows=rows, progress=progress))

    await asyncio.to_thread(write)


def _rows(connection: sql.Connection) -> Rows:
    found: Rows = {}
    for table in schema.LASTING:
        in_order = sql.select(table).order_by(*table.primary_key)
        found[table] = [dict(row) for row in connection.execute(in_order).mappings()]
    return found


def _fill(connection: sql.Connection, rows: Rows, progress: Progress, stamp: Stamp | None = None) -> None:
    """Write all rows into an empty store, and compare the result."""
    _check_empty(connection)
    done, total = 0, sum(map(len, rows.values()))
    progress(done, total)
    for table, every in rows.items():
        for start in range(0, len(every), CHUNK):
            chunk = every[start : start + CHUNK]
            connection.execute(sql.insert(table), chunk)
            done += len(chunk)
            progress(done, total)
    # A server sorts texts by other rules, so the order does not matter.
    there = _rows(connection)
    if any(_sorted(there[table]) != _sorted(every) for table, every in rows.items()):
        raise StoreError("what was written is not what was read, so nothing was copied")
    latest = max((max(login["revision"], login["generation"]) for login in rows[schema.logins]), default=0)
    progress(done, total)
    connection.execute(sql.update(schema.state).values(revision=latest, stamp=stamp.draw(connection) if stamp else ""))


def _check_empty(connection: sql.Connection) -> None:
    if any(_rows(connection).values()):
        raise StoreError("the store to copy to is not empty; name an empty one")


def _sorted(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(repr(sorted(row.items())) for row in rows)
