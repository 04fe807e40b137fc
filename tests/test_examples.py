"""The examples run as they are, each in its own process, against the local Twitch."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from colorchanger_bot.color import Color
from colorchanger_bot.color.readable import readable
from colorchanger_bot.sandbox import LocalTwitch
from tests.conftest import SCOPES
from tests.fakes import until

EXAMPLES = Path(__file__).parent.parent / "examples"
PYTHON = os.environ.get("COLORCHANGER_TEST_PYTHON", sys.executable)
"""The interpreter that runs the examples. CI uses one with the built wheel."""


@asynccontextmanager
async def running(example: str, twitch: LocalTwitch) -> AsyncIterator[None]:
    """Run it until Ctrl-C; it says that it is ready and each new colour, and ends quietly."""
    bot = twitch.add_user("bot", "#FF0000", turbo=True)
    app = twitch.add_app(client_secret="s3cr3t0fth3app")
    pair = twitch.issue_tokens("bot", app.client_id, SCOPES)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("TWITCH_", "COLORCHANGER_"))},
        "LOCAL_TWITCH": twitch.id_url,
        "CLIENT_ID": app.client_id,
        "CLIENT_SECRET": "s3cr3t0fth3app",
        "BOT_ID": bot.id,
        "TOKEN": pair.access,
        "REFRESH": pair.refresh,
    }
    process = await asyncio.create_subprocess_exec(
        PYTHON, str(EXAMPLES / example), env=environment, cwd=EXAMPLES, stdout=DEVNULL, stderr=PIPE
    )
    try:
        await twitch.wait_subscribed("bot", "bot", timeout=20)
        yield
        assert process.returncode is None
        process.send_signal(signal.SIGINT)
        _, said = await asyncio.wait_for(process.communicate(), 10)
        assert process.returncode == 0
        assert b"ready: write something as bot in the channel bot, or stop with Ctrl-C" in said
        assert b"now #" in said
        assert b"Traceback" not in said, said.decode()
    finally:
        if process.returncode is None:
            process.kill()
            _, errors = await process.communicate()
            sys.stderr.write(errors.decode())


async def colors_after(count: int, twitch: LocalTwitch) -> list[str]:
    for number in range(1, count + 1):
        await twitch.say("bot", in_="bot", text="hello")
        await until(lambda wanted=number: len(twitch.color_changes) == wanted, seconds=10)
    return [change.color for change in twitch.color_changes]


async def test_the_minimal_bot_changes_its_colour(twitch: LocalTwitch) -> None:
    async with running("minimal_bot.py", twitch):
        (color,) = await colors_after(1, twitch)
    assert readable(Color.parse(color), "both", 3.0)


async def test_the_rainbow_bot_has_its_settings_and_its_command(twitch: LocalTwitch) -> None:
    async with running("rainbow_bot.py", twitch):
        await colors_after(2, twitch)
        await twitch.say("bot", in_="bot", text="!paint hex #00ff00")
        await until(lambda: twitch.user("bot").color == "#00FF00")


async def test_the_bot_with_its_own_strategy_follows_it(twitch: LocalTwitch) -> None:
    async with running("own_strategy_bot.py", twitch):
        assert await colors_after(4, twitch) == ["#D2691E", "#2E8B57", "#E91916", "#D2691E"]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_every_example_is_run_by_a_test(path: Path) -> None:
    assert f'running("{path.name}"' in Path(__file__).read_text(encoding="utf-8")
