"""Every cog, whatever it does: small, self-contained, gone without a trace when it is unloaded."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from twitchio.ext import commands

from colorchanger_bot.wiring import ATTRIBUTE

PACKAGE = "colorchanger_bot.cogs"
FOLDER = Path(__file__).parent.parent / "cogs"
COGS = sorted(path for path in FOLDER.glob("*.py") if path.name != "__init__.py")
MODULES = [f"{PACKAGE}.{path.stem}" for path in COGS]
ABOVE = {"bot", "service", "cli", "demo", "logs", "preview", "sandbox", "__main__"}

every_cog = pytest.mark.parametrize("path", COGS, ids=lambda path: path.stem)
every_module = pytest.mark.parametrize("module", [PACKAGE, *MODULES])


class Host(commands.Bot):
    """A bot with a life of its own."""

    def __init__(self) -> None:
        super().__init__(client_id="client", client_secret="secret", bot_id="1", prefix="?")
        self.add_command(hello)
        self.add_listener(self.listen_too, event="event_message")

    async def listen_too(self, payload: object) -> None:
        """Do nothing."""


@commands.command(name="hello", aliases=["hi"])
async def hello(ctx: commands.Context[commands.Bot]) -> None:
    """Do nothing."""


@pytest.fixture
async def bot() -> AsyncIterator[Host]:
    host = Host()
    yield host
    await host.close(save_tokens=False)


def state(bot: commands.Bot) -> dict[str, Any]:
    """All that loading a module may change in a bot, and in Python."""
    listeners = {event: set(known) for event, known in bot._listeners.items() if known}  # pyright: ignore[reportPrivateUsage]
    return {
        "attributes": set(vars(bot)) - {ATTRIBUTE},
        "commands": dict(bot.commands),
        "components": set(bot._components),  # pyright: ignore[reportPrivateUsage]
        "imported": {name for name in sys.modules if name.startswith(f"{PACKAGE}.")},
        "listeners": listeners,
        "modules": set(bot.modules),
    }


def outline(bot: commands.Bot) -> dict[str, Any]:
    """The same without the identity of what was loaded."""
    found = state(bot)
    numbers = {event: len(known) for event, known in found["listeners"].items()}
    return found | {"listeners": numbers, "commands": set(found["commands"])}


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{'.' * node.level}{node.module}.{alias.name}" for alias in node.names}
    return found


def test_the_package_loads_every_cog() -> None:
    listed = ast.parse((FOLDER / "__init__.py").read_text("utf-8"))
    words = {node.value for node in ast.walk(listed) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert {path.stem for path in COGS} <= words


@every_cog
def test_a_cog_can_be_copied_elsewhere(path: Path) -> None:
    foreign = {name.split(".")[0] for name in imports(path)} - sys.stdlib_module_names
    ours = {name.split(".")[1] for name in imports(path) if name.startswith("colorchanger_bot.")}
    assert foreign <= {"twitchio", "colorchanger_bot"}
    assert ours & (ABOVE | {"cogs"}) == set()


@every_cog
def test_a_cog_ends_with_its_setup(path: Path) -> None:
    last = ast.parse(path.read_text("utf-8")).body[-1]
    assert isinstance(last, ast.AsyncFunctionDef)
    assert (last.name, [argument.arg for argument in last.args.args]) == ("setup", ["bot"])


@every_module
async def test_loading_and_unloading_leaves_nothing_behind(module: str, bot: Host) -> None:
    before = state(bot)
    for _ in range(3):
        await bot.load_module(module)
        assert state(bot) != before
        await bot.unload_module(module)
        assert state(bot) == before


@every_module
async def test_reloading_changes_nothing_but_the_code(module: str, bot: Host) -> None:
    await bot.load_module(module)
    before = outline(bot)
    for _ in range(3):
        await bot.reload_module(module)
    assert outline(bot) == before


async def test_a_single_cog_reloads_within_the_package(bot: Host) -> None:
    await bot.load_module(PACKAGE)
    before = state(bot)["modules"]
    await bot.reload_module(MODULES[1])
    assert state(bot)["modules"] == before
    await bot.unload_module(PACKAGE)
    assert set(bot.modules) == set()


async def test_the_package_takes_in_what_was_loaded_by_name(bot: Host) -> None:
    await bot.load_module(MODULES[0])
    await bot.load_module(PACKAGE)
    assert set(bot.modules) == {PACKAGE, *MODULES}


async def test_command_names_are_unique(bot: Host) -> None:
    await bot.load_module(PACKAGE)
    names = Counter(name for command in bot.unique_commands for name in (command.name, *command.aliases))
    assert names == dict.fromkeys(["color", "colour", "hello", "hi"], 1)


async def test_closing_the_bot_unloads_everything() -> None:
    bot = Host()
    await bot.load_module(PACKAGE)
    await bot.close(save_tokens=False)
    assert (set(bot.modules), state(bot)["components"]) == (set(), set())


@pytest.mark.parametrize("taken", ["color", "colour"])
async def test_a_load_that_fails_leaves_nothing_behind_and_says_why(taken: str, bot: Host) -> None:
    @commands.command(name=taken)
    async def theirs(ctx: commands.Context[commands.Bot]) -> None:
        """Do nothing."""

    bot.add_command(theirs)
    before = state(bot)
    for module in (PACKAGE, f"{PACKAGE}.color_commands"):
        with pytest.raises(commands.ModuleLoadFailure, match=f'"{taken}".*Give ours another one') as failure:
            await bot.load_module(module)
        assert "commands.name" in str(failure.value)
        assert state(bot) == before
    assert bot.get_command(taken) is theirs


async def test_a_reload_that_fails_leaves_the_bots_own_command(bot: Host) -> None:
    await bot.load_module(PACKAGE)
    bot.remove_command("color")

    @commands.command(name="color")
    async def theirs(ctx: commands.Context[commands.Bot]) -> None:
        """Do nothing."""

    bot.add_command(theirs)
    await bot.unload_module(PACKAGE)
    assert bot.get_command("color") is theirs
