"""A store that cannot be written: one line, colours keep changing, no token is spent, and it recovers by itself."""

# ruff: noqa: ASYNC240 - the files here are small

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from colorchanger_bot.clock import SystemClock
from colorchanger_bot.errors import StoreError
from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.service.doctor import examine
from colorchanger_bot.service.service import Service
from colorchanger_bot.service.standing import ChannelStanding, Report, standings
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Store, TokenPair, locked
from tests.fakes import until
from tests.processes import Environment, call, running
from tests.stores import MADE_BY_0_1

LogIn = Callable[..., Awaitable[None]]
SettingsFor = Callable[..., Settings]
MESSAGES = 15


class SmallDisk:
    """A file system of its own that can be filled up."""

    def __init__(self, folder: Path, mount: str) -> None:
        self.folder = folder
        self._mount = mount
        self._filler = folder / "filler"

    def fill(self) -> None:
        with self._filler.open("ab") as file:
            for size in (4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        os.write(file.fileno(), bytes(size))

    def free(self) -> None:
        self._filler.unlink()

    def protect(self) -> None:
        """Allow no more writing."""
        subprocess.run([self._mount, "-o", "remount,ro", str(self.folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    tmpfs = ["-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if mount is None or subprocess.run([mount, *tmpfs], check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small file system")
    yield SmallDisk(folder, mount)
    subprocess.run([str(shutil.which("umount")), "-l", str(folder)], check=True)


@pytest.fixture
def store_url(disk: SmallDisk) -> str:
    return f"sqlite:///{disk.folder / 'store.sqlite3'}"


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    async with Store.open(store_url) as opened:
        yield opened


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The warnings and errors of our own parts."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING and record.name.startswith("colorchanger_bot")
    ]


async def test_a_full_disk_stops_no_colour_and_is_one_line(
    disk: SmallDisk,
    twitch: LocalTwitch,
    store: Store,
    settings_for: SettingsFor,
    log_in: LogIn,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    await log_in("me")
    user_id = twitch.user("me").id
    async with Service.running(settings_for(), store) as service:
        await twitch.wait_subscribed("me", "me")
        await until(lambda: service.standings()[0].state == "running")
        disk.fill()
        for number in range(1, MESSAGES + 1):
            await twitch.say("me", in_="me", text="hello")
            await twitch.wait_for(lambda wanted=number: len(twitch.color_changes) >= wanted)
        await until(lambda: store.trouble)
        refreshes = sum(each.line.startswith("POST /oauth2/token") for each in twitch.requests)
        (login,) = list(service.keeper)
        with pytest.raises(StoreError):
            await service.keeper.renew(login.id, login.pair.access)
        assert sum(each.line.startswith("POST /oauth2/token") for each in twitch.requests) == refreshes
        assert len(complaints(caplog)) == 1
        assert "full" in complaints(caplog)[0]
        assert "colours keep changing" in complaints(caplog)[0]
        assert "full" in store.trouble
        assert "Traceback" not in caplog.text
        disk.free()
        freed = time.monotonic()
        await until(lambda: not store.trouble)
        assert time.monotonic() - freed < 1.0
        shown = next(iter(service.changer)).history
        async with asyncio.timeout(2):
            while (await store.recall(user_id)).history[:1] != [shown[0].hex]:  # noqa: ASYNC110 - the store rings nobody
                await asyncio.sleep(0.01)
        assert await service.keeper.renew(login.id, login.pair.access) != login.pair.access
    assert len(complaints(caplog)) == 1
    assert "the store works again" in caplog.text


async def test_a_file_that_stays_locked_is_one_line_too(
    twitch: LocalTwitch,
    store: Store,
    store_url: str,
    settings_for: SettingsFor,
    log_in: LogIn,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    await log_in("me")
    path = store_url.removeprefix("sqlite:///")
    async with Service.running(settings_for(), store) as service:
        await twitch.wait_subscribed("me", "me")
        await twitch.say("me", in_="me", text="the first one saves the colour of before")
        await twitch.wait_for(lambda: twitch.color_changes)
        await until(lambda: service.standings()[0].state == "running")
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for number in range(2, MESSAGES):
                await twitch.say("me", in_="me", text="hello")
                await twitch.wait_for(lambda wanted=number: len(twitch.color_changes) >= wanted)
            await until(lambda: "locked" in store.trouble, seconds=20)
        await until(lambda: not store.trouble)
    assert ["database is locked" in line for line in complaints(caplog)] == [True]


async def test_a_full_disk_at_the_start_is_one_line(disk: SmallDisk, store_url: str) -> None:
    disk.fill()
    with pytest.raises(StoreError) as caught:
        async with Store.open(store_url):
            pass
    assert len(str(caught.value).splitlines()) == 1
    disk.free()
    assert os.listdir(disk.folder) == []
    async with Store.open(store_url) as store:
        assert await store.logins() == []


async def test_a_login_that_has_no_room_leaves_the_store_as_it_was(disk: SmallDisk, store_url: str) -> None:
    async with Store.open(store_url) as store:
        me = await store.put_login("me", "client", TokenPair("a", "r"), "1")
        disk.fill()
        for _ in range(3):
            with pytest.raises(StoreError, match=r"full|disk|open") as caught:
                await store.put_login("you", "client", TokenPair("b", "s"), "2")
            assert len(str(caught.value).splitlines()) == 1
        assert await store.logins() == [me]
        disk.free()
        await store.put_login("you", "client", TokenPair("b", "s"), "2")
    async with Store.open(store_url) as store:
        assert [login.doubt for login in await store.logins()] == [False, False]


async def test_the_health_says_that_the_store_cannot_be_written(
    disk: SmallDisk, twitch: LocalTwitch, with_tokens: Environment, store_url: str
) -> None:
    environment = with_tokens | {"COLORCHANGER_STORAGE__URL": store_url}
    async with running(environment):
        await twitch.wait_subscribed("me", "me")
        code, output, errors = await call("health", environment=environment)
        assert (code, errors) == (0, "")
        disk.fill()
        code, output, errors = await call("doctor", environment=environment)
        assert code == 1
        assert any("wrong    store: the store" in line and "full" in line for line in output.splitlines())
        code, output, errors = await call("health", environment=environment)
        assert code == 0
        assert "but the store" in output.splitlines()[0]
        assert "full" in output.splitlines()[0]
        assert "Traceback" not in errors
        disk.free()
        code, output, errors = await call("health", environment=environment)
        assert (code, "but the store" in output) == (0, False)


async def test_a_bot_that_finds_no_room_for_its_heartbeat_is_known_to_run(
    disk: SmallDisk, store: Store, store_url: str, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    now = time.time()
    report = Report("me", channels=(ChannelStanding("me", "joined"),))
    with locked(store_url):
        await store.beat(now - 300, {"accounts": [report.to_json(now)]})
        disk.fill()
        (found,) = await standings(settings_for(), store, now)
        assert (found.bot_runs, found.state) == (True, "running")
        lines = [finding.line() for finding in await examine(settings_for(), clock=SystemClock())]
        assert "waiting  bot: running as process" in "\n".join(lines)
        disk.free()
        (found,) = await standings(settings_for(), store, now)
        assert not found.bot_runs, "it has room, and writes no heartbeat: it hangs"
        disk.fill()
    (found,) = await standings(settings_for(), store, now)
    assert (found.bot_runs, found.state) == (False, "not running")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
async def test_a_store_that_may_only_be_read_is_read(disk: SmallDisk, store_url: str) -> None:
    async with Store.open(store_url) as store:
        await store.put_login("me", "client", TokenPair("a", "r"), "1")
    disk.protect()
    async with Store.open(store_url) as store:
        (login,) = await store.logins()
        with pytest.raises(StoreError, match=r"readonly|read-only|unable to open") as caught:
            await store.begin_refresh(login)
        assert store.trouble == str(caught.value)


async def test_an_older_store_without_room_for_its_copy_is_one_line(disk: SmallDisk, store_url: str) -> None:
    path = Path(store_url.removeprefix("sqlite:///"))
    shutil.copyfile(MADE_BY_0_1 / "plain.db", path)
    before = path.read_bytes()
    disk.fill()
    with pytest.raises(StoreError) as caught:
        async with Store.open(store_url):
            pass
    assert len(str(caught.value).splitlines()) == 1
    assert path.read_bytes() == before
    disk.free()
    async with Store.open(store_url) as store:
        assert len(await store.logins()) == 3
