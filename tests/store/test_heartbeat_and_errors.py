"""When a heartbeat is alive, and what is said of a driver's error."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from colorchanger_bot.store.heartbeat import ALIVE_SECONDS, Heartbeat
from colorchanger_bot.store.problem import first_line


@pytest.mark.parametrize(
    ("late", "is_alive"),
    [(0.0, True), (ALIVE_SECONDS - 1, True), (1 - ALIVE_SECONDS, True), (ALIVE_SECONDS + 1, False), (-60.0, False)],
)
def test_a_heartbeat_is_alive_for_half_a_minute_whichever_clock_is_ahead(late: float, is_alive: bool) -> None:
    assert Heartbeat(1, 1_760_000_000.0, {}).is_alive(1_760_000_000.0 + late) is is_alive


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (sqlite3.OperationalError("database is locked"), "database is locked"),
        (OperationalError("SELECT 1", {}, sqlite3.OperationalError("disk full\nDETAIL: a row")), "disk full"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError(), "OSError"),
        (sqlite3.Error("  "), "Error"),
        (SQLAlchemyError("a statement with a row"), "SQLAlchemyError"),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"), None),
    ],
)
def test_of_a_drivers_error_the_first_line_is_said_and_never_a_statement(error: Exception, said: str | None) -> None:
    assert first_line(error) == (str(error) if said is None else said)
