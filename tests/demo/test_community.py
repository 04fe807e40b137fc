"""`demo --community`: its people, its chat, and the command as a real process."""

from __future__ import annotations

import asyncio
import random
import re
import signal
import sys

import aiohttp
import pytest

from colorchanger_bot.demo.community import MESSAGES, REGULARS, lines, names
from tests.processes import Environment, call, end, start


@pytest.mark.parametrize("number", [1, 144, 145, 1000])
def test_everybody_has_a_login_of_their_own(number: int) -> None:
    found = names(number)
    assert len(set(found)) == len(found) == number
    assert all(re.fullmatch(r"[a-z0-9]{4,25}", name) for name in found)


@pytest.mark.parametrize("number", [1, 5, 200])
def test_everybody_writes_and_a_few_write_all_the_time(number: int) -> None:
    said = [line.login for line in lines(names(number), random.Random(1))]
    assert set(said) == set(names(number))
    assert len(said) == 2 * number
    often = [name for name in set(said) if said.count(name) > 1]
    assert len(often) <= REGULARS


def test_the_chat_of_very_many_has_an_end() -> None:
    assert len([*lines(names(1000), random.Random(1))]) == MESSAGES


async def test_it_ends_by_itself_and_says_what_to_do_next(environment: Environment) -> None:
    code, output, errors = await call("demo", "--community", "6", environment=environment)
    assert (code, errors) == (0, "")
    assert "6 members: 6 on. Now they chat." in output
    found = re.search(r"^12 messages, (\d+) colour changes of 6 names, median \d+ ms", output, re.MULTILINE)
    assert found, output
    assert 6 <= int(found[1]) <= 12
    assert "colorchanger demo --community 6 --web" in output


async def test_in_the_browser_its_page_can_be_joined(environment: Environment) -> None:
    process = await start("demo", "--community", "3", "--web", environment=environment)
    assert process.stdout is not None
    url = ""
    while line := (await process.stdout.readline()).decode():
        if "To join" in line:
            url = line.split()[-1]
            break
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as visitor:
        async with visitor.get(url) as answer:
            proof = re.findall(r'name="csrf" content="(\w+)"', await answer.text())
        async with visitor.post(f"{url}/start", headers={"X-CSRF-Token": proof[0]}) as answer:
            waiting = await answer.json()
        page, form = waiting["url"].partition("?")[0], {"user_code": waiting["code"], "login": "zoe"}
        async with visitor.post(page, data=form) as answer:
            assert answer.status == 200
        async with asyncio.timeout(15):
            while True:
                async with visitor.get(f"{url}/state") as answer:
                    now = await answer.json()
                if now["state"] != "waiting":
                    break
                await asyncio.sleep(0.1)
        assert (now["state"], now["login"]) == ("joined", "zoe")
        async with visitor.get(url.removesuffix("/join")) as answer:
            assert '<option value="zoe">' in await answer.text()
    process.send_signal(signal.SIGINT)
    code, output, errors = await end(process)
    assert (code, errors) == (0, "")
    assert "docs/community.md" in output


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without asking it")
@pytest.mark.parametrize(("web", "code"), [(["--web"], 0), ([], 130)], ids=["browser", "terminal"])
async def test_it_ends_at_once_while_they_still_join(web: list[str], code: int, environment: Environment) -> None:
    process = await start("demo", "--community", "1000", *web, "--debug", environment=environment)
    assert process.stderr is not None
    async with asyncio.timeout(30):
        while "has joined the community" not in (line := (await process.stderr.readline()).decode()):
            assert line
    process.send_signal(signal.SIGINT)
    ended, output, errors = await end(process)
    assert (ended, "Traceback" in errors) == (code, False)
    assert errors.count("has joined the community") < 1000
    assert "Now they chat" not in output
    assert "The demo is on" not in output
