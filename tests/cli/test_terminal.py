"""The command line in a terminal: wrapped at its width, in colour where it has some, quiet at its end."""

from __future__ import annotations

import asyncio
import re
import sys

import pytest

from colorchanger_bot.sandbox import LocalTwitch
from tests.processes import Environment, call

if sys.platform == "win32":
    pytest.skip("a terminal of Unix", allow_module_level=True)

from tests.terminals import in_terminal


@pytest.mark.parametrize("columns", [24, 40, 77])
async def test_help_and_errors_are_wrapped_between_words_at_any_width(columns: int, environment: Environment) -> None:
    (_, whole, _), (_, _, complaint) = await asyncio.gather(
        call("doctor", "--help", environment=environment), call("rnu", environment=environment)
    )
    for arguments, text in ((("doctor", "--help"), whole), (("rnu",), complaint)):
        async with in_terminal(*arguments, environment=environment, columns=columns) as session:
            await session.end()
        words = set(re.findall(r"[a-z]{4,}", text))
        assert words <= set(re.findall(r"[a-z]{4,}", session.text))
        assert all(len(line) <= columns or len(line.split()) == 1 for line in session.text.splitlines())


@pytest.mark.parametrize("arguments", [["config", "example"], ["accounts", "--json"], ["doctor", "--json"]], ids=str)
async def test_what_may_be_copied_is_not_wrapped_on_a_terminal_either(
    arguments: list[str], environment: Environment
) -> None:
    code, piped, _ = await call(*arguments, environment=environment)
    async with in_terminal(*arguments, environment=environment, columns=30) as session:
        assert await session.end() == code
    assert session.text == piped


async def test_in_a_pipe_nothing_is_wrapped(environment: Environment) -> None:
    _, output, _ = await call("import", "--help", environment=environment | {"COLUMNS": "30"})
    assert any(len(line) > 120 for line in output.splitlines())


@pytest.mark.parametrize(("columns", "lines", "has_picture"), [(80, 40, True), (30, 40, False), (80, 10, False)])
async def test_the_qr_code_is_shown_where_it_fits(
    columns: int, lines: int, has_picture: bool, twitch: LocalTwitch, environment: Environment
) -> None:
    environment |= {"COLORCHANGER_APP__CLIENT_ID": twitch.add_app().client_id}
    async with in_terminal("login", environment=environment, columns=columns, lines=lines) as session:
        await session.until(lambda text: "expires in 30 min" in " ".join(text.split()))
        assert ("▀" in session.text) == has_picture
        assert "Enter" in session.text
        session.press_ctrl_c()
        assert await session.end() == 130
    assert "Traceback" not in session.text


async def test_a_qr_code_that_the_terminal_cannot_write_is_left_out(
    twitch: LocalTwitch, environment: Environment
) -> None:
    environment |= {"COLORCHANGER_APP__CLIENT_ID": twitch.add_app().client_id, "PYTHONIOENCODING": "ascii"}
    environment |= {"PYTHONUTF8": "0"}
    async with in_terminal("login", environment=environment, lines=50) as session:
        await session.until(lambda text: "expires in" in text)
    assert "????" not in session.text


@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
async def test_run_shows_a_patch_of_each_new_colour_where_there_are_colours(
    variables: Environment, twitch: LocalTwitch, with_tokens: Environment
) -> None:
    environment = with_tokens | {"COLORTERM": "truecolor", **variables}
    async with in_terminal("run", environment=environment, columns=60) as session:
        await twitch.wait_subscribed("me", "me", timeout=20)
        await twitch.say("me", in_="me", text="hello")
        await session.until(lambda text: "now " in text)
        red, green, blue = (int(twitch.user("me").color[place : place + 2], 16) for place in (1, 3, 5))
        assert (f"\x1b[48;2;{red};{green};{blue}m".encode() in session.raw) == (not variables)
        assert (b"\x1b" in session.raw) == (not variables)
        session.press_ctrl_c()
        assert await session.end() == 0
    assert "me: 1 message seen, " in session.text


async def test_the_demo_leaves_one_heading_after_ctrl_c(environment: Environment) -> None:
    async with in_terminal("demo", "-n", "30", environment=environment, lines=40) as session:
        await session.until(lambda text: text.count("Twitch's dark theme") > 3)
        session.press_ctrl_c()
        assert await session.end() == 130
    assert "Traceback" not in session.text
    assert shown(session.raw.decode(), 80).count("Twitch's dark theme") == 1


def shown(raw: str, columns: int) -> str:
    """What is left on a screen after cursor movements; as much of a terminal as rich's live pictures need."""
    lines, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", raw):
        if part == "\r":
            column = 0
        elif part == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif part.startswith("\x1b["):
            count = int(re.sub(r"\D", "", part) or 1)
            if part.endswith("A"):
                row = max(0, row - count)
            elif part.endswith("K"):
                lines[row] = ""
        else:
            for character in part:
                if column == columns:
                    row, column = row + 1, 0
                    lines += [""] * (row + 1 - len(lines))
                line = lines[row].ljust(column)
                lines[row] = line[:column] + character + line[column + 1 :]
                column += 1
    return "\n".join(lines)
