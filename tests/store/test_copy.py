"""A copy holds everything, a failed one leaves nothing behind, and no login ends because of a second copy."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.errors import StoreError, StoreLocked
from colorchanger_bot.store.copy import back_up, copy
from colorchanger_bot.store.store import Login, Store, TokenPair, locked
from colorchanger_bot.vault import new_key
from tests.processes import Environment, call, running
from tests.stores import empty_database

KEY = new_key()
COUNT = 210
PAIR = TokenPair("access", "refresh", 1764000000.123456, frozenset({"b", "a"}), 1763990000.25)


def ignore(done: int, total: int) -> None:
    pass


async def fill(url: str, count: int = COUNT) -> list[Login]:
    async with Store.open(url, [KEY]) as store:
        for number in range(count):
            await store.import_login(f"user{number}", "client", TokenPair(f"access-{number}", f"refresh-{number}"))
        login = await store.put_login("me", "client", PAIR, "42")
        await store.lose(login, "the password was changed")
        await store.put_app("client", "secret")
        await store.remember_all({str(number): Remembered(history=["#FF0000"]) for number in range(count)})
        await store.remember("42", Remembered({"said": "\U0001f3a8 ü"}, ["#00FF00"]))
        return await store.logins()


async def everything(url: str) -> tuple[list[Login], dict[str, str], Remembered, Login | None]:
    async with Store.open(url, [KEY]) as store:
        imported = await store.import_login("user0", "client", TokenPair("access-0", "refresh-0"))
        return await store.logins(), await store.client_secrets(), await store.recall("42"), imported


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[str]:
    async with empty_database("server", tmp_path) as url:
        yield url


async def test_a_backup_of_a_running_store_holds_everything_in_doubt(url: str, tmp_path: Path) -> None:
    target = tmp_path / "backups" / "today.db"
    async with Store.open(url, [KEY]) as store:
        with locked(url) as store.ownership:
            logins = await fill(url, 3)
            assert await back_up(url, target, ignore) == len(logins)
            assert await store.logins() == logins
    copied, secrets, remembered, imported = await everything(f"sqlite:///{target}")
    assert [login.doubt for login in copied] == [True] * 4
    assert [(login.login, login.pair, login.lost) for login in copied] == [
        (login.login, login.pair, login.lost) for login in logins
    ]
    assert (secrets, remembered.history, imported) == ({"client": "secret"}, ["#00FF00"], copied[0])
    assert os.name == "nt" or stat.S_IMODE(target.stat().st_mode) == 0o600
    with pytest.raises(StoreError, match="exists already"):
        await back_up(url, target, ignore)


async def test_there_is_no_backup_of_nothing(store_url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store"):
        await back_up(store_url, tmp_path / "backup", ignore)
    assert os.listdir(tmp_path) == []


async def test_a_copy_to_a_server_and_back_is_the_same(store_url: str, server: str, tmp_path: Path) -> None:
    logins = await fill(store_url)
    shown: list[tuple[int, int]] = []
    assert await copy(store_url, server, lambda done, total: shown.append((done, total))) == COUNT + 1
    assert shown == sorted(shown)
    assert shown[-1][0] == shown[-1][1] == 3 * COUNT + 2
    there = await everything(server)
    assert there[0] == logins
    back = f"sqlite:///{tmp_path / 'back.sqlite3'}"
    await copy(server, back, ignore)
    assert await everything(back) == there
    async with Store.open(store_url, [KEY]) as store:
        assert {login.doubt for login in await store.logins()} == {True}  # the copy spends its refresh tokens


async def test_a_copy_into_an_empty_store_is_whole_and_its_progress_is_told(store_url: str, tmp_path: Path) -> None:
    logins = await fill(store_url)
    target = f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    async with Store.open(target):
        pass
    shown: list[tuple[int, int]] = []
    assert await copy(store_url, target, lambda done, total: shown.append((done, total))) == COUNT + 1
    assert (await everything(target))[0] == logins
    steps = [done for done, _ in shown]
    assert steps == sorted(steps)  # (the last is told twice: before and after the comparison)
    assert {total for _, total in shown} == {steps[-1]}
    assert steps[0] == 0 < steps[1] < steps[-1]


async def test_a_copy_goes_on_with_its_revisions(url: str, tmp_path: Path) -> None:
    await fill(url, 3)
    target = f"sqlite:///{tmp_path / 'target.sqlite3'}"
    await copy(url, target, ignore)
    async with Store.open(target, [KEY]) as store:
        changes = await store.changes()
        assert changes is not None
        newer = await store.replace_pair(changes.logins[0], PAIR)
        following = await store.changes(changes.revision)
        assert following is not None
        assert following.logins == [newer]


async def test_a_store_that_is_not_empty_is_not_copied_to(url: str, tmp_path: Path) -> None:
    logins = await fill(url, 2)
    source = f"sqlite:///{tmp_path / 'source.sqlite3'}"
    await fill(source, 1)
    with pytest.raises(StoreError, match="is not empty"):
        await copy(source, url, ignore)
    assert (await everything(url))[0] == logins
    assert not any(login.doubt for login in (await everything(source))[0])


async def test_a_copy_that_fails_half_way_leaves_nothing(store_url: str, url: str, tmp_path: Path) -> None:
    source = f"sqlite:///{tmp_path / 'source.sqlite3'}"
    await fill(source)

    def fail(done: int, total: int) -> None:
        if done > COUNT:
            raise StoreError("the cable was pulled")

    with pytest.raises(StoreError, match="cable"):
        await copy(source, url, fail)
    assert url != store_url or not (tmp_path / "store.sqlite3").exists()
    assert [file for file in os.listdir(tmp_path) if file.startswith("store.sqlite3.") and "lock" not in file] == []
    await copy(source, url, ignore)
    assert len((await everything(url))[0]) == COUNT + 1


async def test_what_a_bot_runs_on_is_neither_copied_nor_copied_to(url: str, tmp_path: Path) -> None:
    other = f"sqlite:///{tmp_path / 'other.sqlite3'}"
    await fill(url, 1)
    with locked(url), pytest.raises(StoreLocked):
        await copy(url, other, ignore)
    assert not (tmp_path / "other.sqlite3").exists()
    await fill(other, 1)
    with locked(url), pytest.raises(StoreLocked):
        await copy(other, url, ignore)


async def test_a_store_is_not_copied_onto_itself(store_url: str) -> None:
    with pytest.raises(StoreError, match="the same store"):
        await copy(store_url, store_url, ignore)


async def test_the_commands_copy_and_say_so(environment: Environment, store_url: str, tmp_path: Path) -> None:
    await fill(store_url, 2)
    with_key = environment | {"COLORCHANGER_STORAGE__KEY": KEY}
    backup = tmp_path / "backup.db"
    assert await call("store", "backup", str(backup), environment=with_key) == (0, f"{backup}: 3 logins copied\n", "")
    code, output, errors = await call("store", "backup", str(backup), environment=with_key)
    assert (code, output) == (1, "")
    assert errors == f"colorchanger: {backup} exists already; name a file that does not\n"
    moved = tmp_path / "moved.db"
    code, output, errors = await call("store", "copy", store_url, str(moved), environment=with_key)
    assert (code, errors) == (0, "")
    assert output.startswith("3 logins copied.")
    code, output, errors = await call("store", "copy", str(tmp_path / "no"), str(moved), environment=with_key)
    assert (code, output, errors) == (1, "", f"colorchanger: there is no store {tmp_path / 'no'}\n")


async def test_a_second_run_is_refused_on_any_store(with_tokens: Environment, url: str) -> None:
    environment = with_tokens | {"COLORCHANGER_STORAGE__URL": url}
    async with running(environment) as first:
        assert first.stdout is not None
        assert b"1 account, store" in await first.stdout.readline()
        code, _, errors = await call("run", environment=environment)
        assert code == 4
        assert f"ColorChanger is already running on this store (process {first.pid})" in errors
        code, _, errors = await call("store", "copy", url, "elsewhere.db", environment=environment)
        assert code == 4
        code, output, errors = await call("store", "backup", "running.db", environment=environment)
        assert (code, output) == (0, "running.db: 1 login copied\n")
        assert "Anyone who can read this file" in errors
