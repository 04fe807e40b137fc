"""The heartbeat of the running process, with a report on each account."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sql

from colorchanger_bot.store.schema import heartbeat, put, reports

ALIVE_SECONDS = 30.0
"""An older heartbeat means that the process hangs or is gone."""


class Heartbeat(NamedTuple):
    """The last heartbeat of the process that runs on this store."""

    pid: int
    at: float
    status: Mapping[str, Any]

    def is_alive(self, now: float) -> bool:
        """Whether it is recent, at `now` unix seconds."""
        return abs(now - self.at) < ALIVE_SECONDS


def write(
    connection: sql.Connection, at: float, status: Mapping[str, Any], known: Mapping[str, str] | None
) -> dict[str, str]:
    """Write a heartbeat, and the accounts whose reports differ from the `known` ones; return all reports, by login.

    Without `known`, all of them are written.
    """
    accounts = {each["login"]: json.dumps(each) for each in status.get("accounts", ())}
    rest = {key: value for key, value in status.items() if key != "accounts"}
    put(connection, heartbeat, {"id": 1, "pid": os.getpid(), "at": at, "status": json.dumps(rest)})
    if known is None:  # reports of another process
        connection.execute(sql.delete(reports))
    elif gone := known.keys() - accounts.keys():
        connection.execute(
            sql.delete(reports).where(reports.c.login == sql.bindparam("gone")), [{"gone": each} for each in gone]
        )
    changed = ((login, text) for login, text in accounts.items() if known is None or known.get(login) != text)
    put(connection, reports, *({"login": login, "report": text} for login, text in changed))
    return accounts


def read(connection: sql.Connection) -> Heartbeat | None:
    """Return the last heartbeat; None if there is none."""
    row = connection.execute(sql.select(heartbeat)).first()
    if row is None:
        return None
    texts = connection.scalars(sql.select(reports.c.report).order_by(reports.c.login))
    accounts = [json.loads(text) for text in texts]
    return Heartbeat(row.pid, row.at, {"accounts": accounts, **json.loads(row.status)})


def clear(connection: sql.Connection) -> None:
    """Remove the heartbeat."""
    connection.execute(sql.delete(heartbeat))
    connection.execute(sql.delete(reports))
