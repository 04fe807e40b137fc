"""A copy that a signal ends is there whole or not at all, and the end is said in one line."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from colorchanger_bot.store.copy import copy
from colorchanger_bot.store.store import Store, TokenPair
from tests.fakes import until
from tests.processes import EXIT_SECONDS, Environment, end, start
from tests.stores import SERVER, empty_database, execute

COUNT = 3000
MOMENTS = 3
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Only Linux says when the signals are handled")


def handles_signals(pid: int) -> bool:
    (caught,) = re.findall(r"SigCgt:\s*(\w+)", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    return bool(int(caught, 16) >> (signal.SIGHUP - 1) & 1)


async def stopped(number: signal.Signals, after: float, *arguments: str, environment: Environment) -> tuple[int, str]:
    """Send a signal to a command some seconds after it can handle one; return its exit code and what it said."""
    process = await start(*arguments, environment=environment)
    await until(lambda: handles_signals(process.pid), seconds=EXIT_SECONDS)
    await asyncio.sleep(after)
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)
    code, output, errors = await end(process)
    return code, output + errors.replace("Anyone who can read this file can act as these accounts.\n", "")


async def count(url: str) -> int:
    async with Store.open(url) as store:
        return len(await store.logins())


@pytest.fixture
async def source(store_url: str) -> str:
    async with Store.open(store_url) as store:
        await store.import_logins([(f"u{n}", "client", TokenPair(f"a{n}", f"r{n}")) for n in range(COUNT)])
    return store_url


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[str]:
    async with empty_database("server", tmp_path) as url:
        yield url


signals = pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL], ids=lambda number: number.name
)


def check(code: int, said: str, *, is_whole: bool, number: signal.Signals) -> None:
    if code == 0:
        assert is_whole
        assert f"{COUNT} logins copied" in said
        assert said.count("\n") == 1
    elif code == -signal.SIGKILL:
        assert number is signal.SIGKILL
    else:
        assert (code, said) == (130, "colorchanger: interrupted: nothing was copied\n")
        assert not is_whole


@signals
@pytest.mark.parametrize("command", ["backup", "copy"])
async def test_a_copy_into_a_file_is_whole_or_not_there(
    command: str, number: signal.Signals, environment: Environment, source: str, tmp_path: Path
) -> None:
    rng = random.Random(number)
    folder = tmp_path / "copies"
    for moment in range(MOMENTS):
        target = folder / f"{moment}.db"
        arguments = ("store", command, *([source] if command == "copy" else []), str(target))
        code, said = await stopped(number, rng.uniform(0, 1), *arguments, environment=environment)
        is_whole = target.exists()
        assert not is_whole or await count(f"sqlite:///{target}") == COUNT
        check(code, said, is_whole=is_whole, number=number)
        names = os.listdir(folder) if folder.exists() else []
        left = [name for name in names if name.startswith(f"{target.name}.") and "partial" in name]
        assert left == [] or code == -signal.SIGKILL


@signals
async def test_a_copy_to_a_server_is_whole_or_not_there(
    number: signal.Signals, environment: Environment, source: str, server: str
) -> None:
    rng = random.Random(number)
    for _ in range(MOMENTS):
        arguments = ("store", "copy", source, server)
        code, said = await stopped(number, rng.uniform(0, 1.5), *arguments, environment=environment)
        there = await count(server)
        assert there in (0, COUNT)
        check(code, said, is_whole=there == COUNT, number=number)
        execute(SERVER, "DROP SCHEMA public CASCADE;\nCREATE SCHEMA public")


@signals
async def test_a_copy_from_a_server_is_whole_or_not_there(
    number: signal.Signals, environment: Environment, source: str, server: str, tmp_path: Path
) -> None:
    await copy(source, server, lambda done, total: None)
    rng = random.Random(number)
    for moment in range(MOMENTS):
        target = tmp_path / f"{moment}.db"
        arguments = ("store", "copy", server, str(target))
        code, said = await stopped(number, rng.uniform(0, 1.5), *arguments, environment=environment)
        is_whole = target.exists()
        assert not is_whole or await count(f"sqlite:///{target}") == COUNT
        check(code, said, is_whole=is_whole, number=number)
