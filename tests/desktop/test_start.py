"""`colorchanger` alone, as real processes: the page, the browser, a second start, and what is in the way."""

from __future__ import annotations

import asyncio
import re
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.fakes import until
from tests.processes import Environment, call, end, start, started

if sys.platform == "win32":
    pytest.skip("the program that stands for the browser is a shell script", allow_module_level=True)

from tests.terminals import in_terminal


@pytest.fixture
def opened(tmp_path: Path) -> Path:
    """A file with each address that was opened in the browser, a line each."""
    return tmp_path / "opened"


@pytest.fixture
def desktop(environment: Environment, opened: Path, tmp_path: Path) -> Environment:
    """An environment with a screen, a browser that notes what it is to open, and a port of its own."""
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\necho "$1" >> {opened}\n', encoding="utf-8")
    program.chmod(0o700)
    kept = {name: value for name, value in environment.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return kept | {"BROWSER": str(program), "COLORCHANGER_WEB__PORT": str(_free_port())}


def _free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def addresses(opened: Path) -> list[str]:
    return opened.read_text(encoding="utf-8").split() if opened.exists() else []


def page_text(address: str) -> str:
    """The text of a page on this machine, which is removed."""
    page = Path(address.removeprefix("file://"))
    text = page.read_text(encoding="utf-8")
    page.unlink()
    return text


async def test_it_opens_the_page_and_a_second_start_opens_the_same(desktop: Environment, opened: Path) -> None:
    async with started(environment=desktop) as first:
        await until(lambda: addresses(opened), seconds=20)
        (url,) = addresses(opened)
        assert url == f"http://127.0.0.1:{desktop['COLORCHANGER_WEB__PORT']}"
        async with aiohttp.ClientSession() as session, session.get(url) as page:
            assert page.status == 200
        code, output, errors = await call(environment=desktop)
        assert (code, errors) == (0, "")
        assert f"ColorChanger is already running (process {first.pid})." in output
        assert addresses(opened) == [url, url]
        first.terminate()
        code, output, errors = await end(first)
    assert (code, "done" in output, "Traceback" in errors) == (0, True, False)


async def test_of_many_starts_at_once_one_runs_and_the_others_open_its_page(desktop: Environment, opened: Path) -> None:
    processes = [await start(environment=desktop) for _ in range(4)]
    try:
        await until(lambda: len(addresses(opened)) == 4, seconds=40)
        assert len(set(addresses(opened))) == 1
        await until(lambda: sum(each.returncode == 0 for each in processes) == 3, seconds=20)
        assert [each.returncode for each in processes].count(None) == 1
    finally:
        for each in processes:
            if each.returncode is None:
                each.kill()
            await each.communicate()


async def test_after_a_process_that_was_killed_a_new_one_starts(desktop: Environment, opened: Path) -> None:
    async with started(environment=desktop) as first:
        await until(lambda: addresses(opened), seconds=20)
        first.kill()
        await first.communicate()
    async with started("start", environment=desktop) as second:
        await until(lambda: len(addresses(opened)) == 2, seconds=20)
        assert second.returncode is None


async def test_if_the_port_is_taken_another_one_is_used_and_named(desktop: Environment, opened: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        async with started(environment=desktop | {"COLORCHANGER_WEB__PORT": str(taken)}) as process:
            await until(lambda: addresses(opened), seconds=20)
            (url,) = addresses(opened)
            process.terminate()
            _, output, errors = await end(process)
    port = int(url.rpartition(":")[2])
    assert port != taken
    assert f"port {taken} is taken by another program, so the dashboard is on port {port}" in output + errors


async def test_a_bot_that_runs_with_its_page_is_found_too(desktop: Environment, opened: Path) -> None:
    on = desktop | {"COLORCHANGER_WEB__ENABLED": "true"}
    async with started("run", environment=on) as first:
        assert first.stdout
        assert (await first.stdout.readline()).startswith(b"dashboard: ")
        code, output, _ = await call(environment=desktop)
        assert (code, f"(process {first.pid})" in output) == (0, True)
    assert addresses(opened) == [f"http://127.0.0.1:{desktop['COLORCHANGER_WEB__PORT']}"]


async def test_a_bot_that_runs_without_a_page_is_named(desktop: Environment, with_tokens: Environment) -> None:
    async with started("run", environment=with_tokens) as first:
        assert first.stdout
        await first.stdout.readline()
        code, _, errors = await call(environment=desktop)
    assert code == 4
    assert errors.strip() == (
        f"colorchanger: ColorChanger is already running on this store (process {first.pid}), without a page: "
        "stop it and start it again, or set web.enabled = true for it"
    )


@pytest.mark.parametrize("arguments", [(), ("start", "--no-browser")], ids=["no screen", "no browser"])
async def test_without_a_browser_the_address_is_printed_with_a_qr_code(
    arguments: tuple[str, ...], desktop: Environment, opened: Path
) -> None:
    if not arguments:
        del desktop["BROWSER"]
    async with in_terminal(*arguments, environment=desktop, columns=100, lines=50) as session:
        await session.until(lambda text: "0 accounts" in text)
        assert f"Open  http://127.0.0.1:{desktop['COLORCHANGER_WEB__PORT']}\n" in session.text
        assert "It opens only on this machine." in session.text
        assert "▀" in session.text
        session.press_ctrl_c()
        assert await session.end() == 0
    assert addresses(opened) == []


async def test_a_browser_that_fails_leaves_the_address(desktop: Environment) -> None:
    desktop["BROWSER"] = "false"
    async with in_terminal(environment=desktop, columns=100, lines=50) as session:
        await session.until(lambda text: "0 accounts" in text)
        assert "No browser could be opened here." in session.text
        assert f"Open  http://127.0.0.1:{desktop['COLORCHANGER_WEB__PORT']}\n" in session.text


async def test_a_page_for_the_network_is_printed_with_an_address_from_outside(desktop: Environment) -> None:
    del desktop["BROWSER"]
    desktop |= {"COLORCHANGER_WEB__HOST": "0.0.0.0", "COLORCHANGER_WEB__PASSWORD": "correct horse"}
    async with started(environment=desktop) as process:
        assert process.stdout
        async with asyncio.timeout(20):
            while not (line := (await process.stdout.readline()).decode()).startswith("Open"):
                assert line
    found = re.fullmatch(r"Open  http://([\d.]+):\d+\n", line)
    assert found
    assert found[1] != "0.0.0.0"


@pytest.mark.parametrize("place", ["sqlite:////dev/null/store", "sqlite:////proc/store"])
async def test_a_store_that_cannot_be_made_is_one_sentence(place: str, desktop: Environment, opened: Path) -> None:
    code, _, errors = await call(environment=desktop | {"COLORCHANGER_STORAGE__URL": place})
    assert (code, len(errors.splitlines())) == (1, 1)
    assert errors.startswith(f"colorchanger: {place.removeprefix('sqlite:///')}: cannot be made: ")
    (page,) = addresses(opened)  # without a terminal, the person would not see it otherwise
    assert f"{place.removeprefix('sqlite:///')}: cannot be made: " in page_text(page)


async def test_wrong_settings_are_said_in_the_browser_too(desktop: Environment, opened: Path) -> None:
    code, _, errors = await call(environment=desktop | {"COLORCHANGER_COLOR__THEME": "<pink>"})
    (page,) = addresses(opened)
    assert (code, "COLORCHANGER_COLOR__THEME" in errors) == (2, True)
    assert "&lt;pink&gt;" in page_text(page)


async def test_in_a_terminal_a_failure_is_not_said_twice(desktop: Environment, opened: Path) -> None:
    environment = desktop | {"COLORCHANGER_COLOR__THEME": "pink"}
    async with in_terminal(environment=environment) as session:
        assert await session.end() == 2
    assert addresses(opened) == []
