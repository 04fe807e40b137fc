"""Stores that older versions made open with everything in them, and become what a new one is."""

# ruff: noqa: ASYNC240 - the files here are small

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.errors import StoreError
from colorchanger_bot.store.schema import METADATA
from colorchanger_bot.store.store import Login, Store, TokenPair
from tests.stores import ENGINES, FIRST_VERSION, KEY_OF_0_1, MADE_BY_0_1, empty_database, execute, plain_engine

SCOPES = frozenset({"user:read:chat", "user:manage:chat_color"})
LOGINS = [
    Login(
        *(1, "42", "me", "client"),
        TokenPair("made-up-access-2", "made-up-refresh-2", 1764004000.5, SCOPES, 1764000000.75),
        generation=2,
        doubt=True,
    ),
    Login(
        *(2, None, "you", "other"),
        TokenPair("made-up-access-3", "made-up-refresh-3"),
        doubt=True,
        channels=("one", "two"),
    ),
    Login(
        *(3, "44", "gone", "client"),
        TokenPair("made-up-access-4", "made-up-refresh-4"),
        lost="the password was changed",
        doubt=True,
    ),
]
"""What is in all of them; 0.1 could not tell an older copy from the newest, so each may be one."""


@pytest.fixture(params=["plain", "encrypted", "crashed", "server plain", "server encrypted"])
async def made_by_0_1(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[str, list[str]]]:
    """The address of a store that 0.1 made, and its keys."""
    kind: str = request.param
    keys = [KEY_OF_0_1] if "encrypted" in kind else []
    if kind.startswith("server"):
        async with empty_database("server", tmp_path) as url:
            execute(url, (MADE_BY_0_1 / f"postgresql-{kind.split()[1]}.sql").read_text(encoding="utf-8"))
            yield url.replace("postgresql:", "postgresql+asyncpg:"), keys
        return
    path = tmp_path / "store.sqlite3"
    shutil.copyfile(MADE_BY_0_1 / f"{kind}.db", path)
    if kind == "crashed":
        shutil.copyfile(MADE_BY_0_1 / "crashed.db-wal", f"{path}-wal")
    yield f"sqlite:///{path}", keys


async def test_a_store_of_0_1_opens_with_everything_in_it(made_by_0_1: tuple[str, list[str]]) -> None:
    url, keys = made_by_0_1
    for _ in range(2):
        async with Store.open(url, keys) as store:
            assert await store.logins() == LOGINS
            assert await store.client_secrets() == {"other": "made-up-secret"}
            assert await store.recall("42") == Remembered(
                {"strategy": "hold"}, ["#FF0000", "#00FF00"], "hold", {"at": 1}, "#0000FF", 99.5, ["me", "friend"]
            )
            known = await store.import_login("you", "other", TokenPair("made-up-access-3", "made-up-refresh-3"))
            assert known == LOGINS[1]
            beat = await store.heartbeat()
            assert beat is not None
            assert (beat.at, beat.status) == (1764000001.5, {"accounts": [{"login": "me", "state": "running"}]})
            assert await store.at_rest() == ("encrypted" if keys else "plain")


async def test_a_store_of_0_1_goes_on(made_by_0_1: tuple[str, list[str]]) -> None:
    url, keys = made_by_0_1
    async with Store.open(url, keys) as store:
        before = await store.changes()
        assert before is not None
        login = before.logins[0]
        await store.begin_refresh(login)
        newer = await store.replace_pair(login, TokenPair("access-9", "refresh-9"))
        assert newer is not None
        await store.beat(2.0, {"accounts": [{"login": "me"}]})
        changes = await store.changes(before.revision)
        assert changes is not None
        assert changes.logins == [newer]
    async with Store.open(url, keys) as store:
        assert (await store.logins())[0] == newer


def differences(url: str) -> list[object]:
    engine = plain_engine(url)
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), METADATA)
    engine.dispose()
    return found


async def test_an_upgraded_store_is_what_a_new_one_is(made_by_0_1: tuple[str, list[str]]) -> None:
    url, keys = made_by_0_1
    plain = url.replace("+asyncpg", "")
    assert differences(plain) != []
    async with Store.open(url, keys):
        pass
    assert differences(plain) == []


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("begun", ["", "ALTER TABLE logins ADD COLUMN issued_at DOUBLE PRECISION"])
async def test_a_store_of_the_first_version_is_brought_up_to_date(engine: str, begun: str, tmp_path: Path) -> None:
    """Also one whose upgrade a crash cut off."""
    async with empty_database(engine, tmp_path) as url:
        execute(url, FIRST_VERSION + begun)
        async with Store.open(url) as store:
            (login,) = await store.logins()
            newer = await store.replace_pair(login, TokenPair("access-2", "refresh-2"))
        assert (login.login, login.pair.access, login.doubt, login.channels) == ("me", "access-1", True, ())
        assert newer is not None
        assert not newer.doubt
        assert differences(url) == []


async def test_a_new_store_is_what_the_tables_say(url: str) -> None:
    async with Store.open(url):
        pass
    assert differences(url) == []


@pytest.mark.parametrize(("version", "doubt"), [(1, []), (2, [(1,)])])
async def test_a_copy_is_kept_for_the_older_version(version: int, doubt: list[tuple[int]], tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    if version == 1:
        execute(f"sqlite:///{path}", FIRST_VERSION)
    else:
        shutil.copyfile(MADE_BY_0_1 / "plain.db", path)
    for _ in range(2):
        async with Store.open(f"sqlite:///{path}"):
            pass
    (copy,) = (file for file in tmp_path.iterdir() if "version" in file.name)
    assert copy.name == f"store.sqlite3.version-{version}"
    with contextlib.closing(sqlite3.connect(copy)) as kept:
        assert kept.execute("SELECT version FROM schema_version").fetchone() == (version,)
        if doubt:  # its refresh tokens are spent by now
            assert kept.execute("SELECT DISTINCT doubt FROM logins").fetchall() == doubt
    assert os.name == "nt" or stat.S_IMODE(copy.stat().st_mode) == 0o600


async def test_a_store_of_a_newer_version_is_left_alone(url: str) -> None:
    async with Store.open(url):
        pass
    execute(url, "UPDATE schema_version SET version = 99")
    with pytest.raises(StoreError, match="newer ColorChanger"):
        async with Store.open(url):
            pass


@pytest.mark.parametrize("start", [0, 16, 40, 5000])
async def test_a_damaged_log_of_0_1_is_said_and_left_as_it_is(start: int, tmp_path: Path) -> None:
    """Its main file holds nothing: SQLite alone would open it as an empty store."""
    path = tmp_path / "store.sqlite3"
    log = bytearray((MADE_BY_0_1 / "crashed.db-wal").read_bytes())
    log[start : start + 4] = b"\xa5\xa5\xa5\xa5"
    shutil.copyfile(MADE_BY_0_1 / "crashed.db", path)
    Path(f"{path}-wal").write_bytes(log)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"is damaged \(store\.sqlite3-wal has a broken"):
        async with Store.open(f"sqlite:///{path}"):
            pass
    assert (path.read_bytes(), Path(f"{path}-wal").read_bytes()) == (before, log)


async def test_a_store_of_0_1_without_its_log_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    shutil.copyfile(MADE_BY_0_1 / "crashed.db", path)
    with pytest.raises(StoreError, match=r"is damaged .*its journal is missing"):
        async with Store.open(f"sqlite:///{path}"):
            pass


async def test_a_log_whose_last_transaction_was_cut_off_is_sound(tmp_path: Path) -> None:
    """As a power failure leaves it: nobody relied on that transaction yet."""
    path = tmp_path / "store.sqlite3"
    shutil.copyfile(MADE_BY_0_1 / "crashed.db", path)
    log = (MADE_BY_0_1 / "crashed.db-wal").read_bytes()
    Path(f"{path}-wal").write_bytes(log[:-2000] + bytes(2000))
    async with Store.open(f"sqlite:///{path}") as store:
        assert len(await store.logins()) == 3


@pytest.mark.parametrize(("frames", "is_damaged"), [(2, True), (1, False)])
async def test_a_log_may_have_lost_one_transaction_but_not_two(frames: int, is_damaged: bool, tmp_path: Path) -> None:
    """Each of the last two frames of this log is a transaction."""
    path = tmp_path / "store.sqlite3"
    shutil.copyfile(MADE_BY_0_1 / "crashed.db", path)
    log = bytearray((MADE_BY_0_1 / "crashed.db-wal").read_bytes())
    size = 24 + 4096
    log[len(log) - frames * size + 100] ^= 0xFF
    Path(f"{path}-wal").write_bytes(log)
    if is_damaged:
        with pytest.raises(StoreError, match="has a broken page"):
            async with Store.open(f"sqlite:///{path}"):
                pass
        return
    async with Store.open(f"sqlite:///{path}") as store:
        assert len(await store.logins()) == 3
