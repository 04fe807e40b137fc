"""Rules for every cog: self-contained, and gone without a trace when it is unloaded."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from twitchio.ext import commands

from colorchanger_bot.bot.attachment import ATTRIBUTE

PACKAGE = "colorchanger_bot.cogs"
FOLDER = Path(__file__).parents[2] / "cogs"
COGS = sorted(path for path in FOLDER.glob("*.py") if path.name != "__init__.py")
MODULES = [f"{PACKAGE}.{path.stem}" for path in COGS]
ABOVE = {"service", "web", "cli", "demo", "sandbox", "__main__"}

every_cog = pytest.mark.parametrize("path", COGS, ids=lambda path: path.stem)
every_module = pytest.mark.parametrize("module", [PACKAGE, *MODULES])


class Host(commands.Bot):
    """A bot with a command and a listener of its own."""

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
    """Everything that loading a module may change in a bot and in Python."""
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
    """The same, as names and counts only."""
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


async def test_the_package_keeps_a_cog_that_was_loaded_by_name(bot: Host) -> None:
    await bot.load_module(MODULES[0])
    await bot.load_module(PACKAGE)
    assert set(bot.modules) == {PACKAGE, *MODULES}


async def test_nothing_is_registered_as_a_command_of_the_bot(bot: Host) -> None:
    before = dict(bot.commands)
    await bot.load_module(PACKAGE)
    assert dict(bot.commands) == before


async def test_closing_the_bot_unloads_everything() -> None:
    bot = Host()
    await bot.load_module(PACKAGE)
    await bot.close(save_tokens=False)
    assert (set(bot.modules), state(bot)["components"]) == (set(), set())


async def test_a_bot_with_a_command_of_the_same_name_keeps_it(bot: Host) -> None:
    @commands.command(name="color")
    async def theirs(ctx: commands.Context[commands.Bot]) -> None:
        """Do nothing."""

    bot.add_command(theirs)
    await bot.load_module(PACKAGE)
    await bot.reload_module(PACKAGE)
    await bot.unload_module(PACKAGE)
    assert bot.get_command("color") is theirs


class Refusing(Host):
    """Refuses the component with our commands."""

    async def add_component(self, component: commands.Component, /) -> None:
        if type(component).__name__ == "ColorCommands":
            raise commands.ComponentLoadError("not here")
        await super().add_component(component)


async def test_a_load_that_fails_leaves_nothing_behind() -> None:
    bot = Refusing()
    before = state(bot)
    with pytest.raises(commands.ModuleLoadFailure):
        await bot.load_module(PACKAGE)
    assert state(bot) == before
    await bot.close(save_tokens=False)


def test_loading_the_cogs_imports_neither_store_nor_http_nor_eventsub() -> None:
    code = (
        "import asyncio, sys; from twitchio.ext import commands\n"
        "async def main():\n"
        "    bot = commands.Bot(client_id='client', client_secret='secret', bot_id='1', prefix='!')\n"
        f"    await bot.load_module('{PACKAGE}')\n"
        "    print(*(name for name in sys.modules if name.startswith('colorchanger_bot')))\n"
        "    await bot.close(save_tokens=False)\n"
        "asyncio.run(main())\n"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    pure = {"colorchanger_bot.twitch", "colorchanger_bot.twitch.answers"}  # what Twitch's own word looks like
    rooms = {name.split(".")[1] for name in loaded if "." in name and name not in pure}
    assert rooms & {"store", "twitch", "auth", "eventsub", "service", "web", "cli", "sandbox", "demo"} == set()
    assert len(loaded) < 60
