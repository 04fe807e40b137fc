"""The architecture: every file belongs to a room, imports point inwards and never in cycles, and loading is lazy."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import colorchanger_bot

PACKAGE = Path(colorchanger_bot.__file__).parent
COGS = PACKAGE.parent / "cogs"
ROOMS = {
    # The folders of the package and the modules at its top. An import may only point to the same or a lower number.
    "errors": 0,
    "redaction": 0,
    "clock": 0,
    "color": 1,
    "words": 1,
    "console": 1,
    "vault": 1,
    "autostart": 2,
    "settings": 2,
    "changer": 3,
    "store": 4,
    "twitch": 5,
    "auth": 6,
    "eventsub": 6,
    "bot": 7,
    "wiring": 8,
    "service": 8,
    "cogs": 9,
    "web": 9,
    "demo": 10,
    "desktop": 10,
    "cli": 11,
    "__main__": 12,
    "sandbox": -1,  # the local Twitch knows nothing about the bot
}
MAY_KNOW_TWITCHIO = {"bot", "wiring", "cogs", "service", "web", "demo", "desktop", "cli"}
MAY_KNOW_AIOHTTP = {"twitch", "auth", "eventsub", "sandbox"} | MAY_KNOW_TWITCHIO
# Only these rooms run the local Twitch.
MAY_KNOW_THE_SANDBOX = {"demo", "cli"}


def modules() -> dict[str, Path]:
    """All modules by their dotted name; for the cogs, the name they are installed under."""
    found = {_name(path, PACKAGE): path for path in sorted(PACKAGE.rglob("*.py"))}
    return found | {f"cogs.{path.stem}".removesuffix(".__init__"): path for path in sorted(COGS.glob("*.py"))}


def _name(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix("__init__").removesuffix(".")


MODULES = modules()


def room_of(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


def imported(path: Path) -> Iterator[str]:
    """Every dotted name that a module imports, even inside functions and only for type checkers."""
    package = ("colorchanger_bot", *path.relative_to(PACKAGE).parts[:-1]) if path.is_relative_to(PACKAGE) else ()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def ours(path: Path) -> set[str]:
    """The modules of our own that a module imports."""
    found: set[str] = set()
    for name in imported(path):
        inside = name.removeprefix("colorchanger_bot.")
        if inside != name:
            found.add(inside if inside in MODULES else inside.rpartition(".")[0])
    return found


def test_every_file_belongs_to_a_room() -> None:
    assert {room_of(name) for name in MODULES} - {""} == set(ROOMS)


def test_the_top_of_the_package_stays_small() -> None:
    assert len([*PACKAGE.glob("*.py")]) <= 10


def test_each_folder_of_tests_is_named_for_a_room() -> None:
    tests = Path(__file__).parent
    folders = {path.relative_to(tests).parts[0] for path in tests.glob("*/**/test_*.py")}
    assert folders - {"bench", "faults"} <= set(ROOMS)


def test_imports_point_inwards() -> None:
    outwards = [
        f"{name} imports {other}"
        for name, path in MODULES.items()
        for other in ours(path)
        if name and other and ROOMS[room_of(other)] > ROOMS[room_of(name)]
    ]
    assert outwards == []


def test_only_the_demo_and_the_cli_import_the_local_twitch() -> None:
    assert {
        room_of(name) for name, path in MODULES.items() if any(room_of(other) == "sandbox" for other in ours(path))
    } - {"sandbox"} == MAY_KNOW_THE_SANDBOX


def test_there_are_no_import_cycles() -> None:
    graph = {name: ours(path) - {name, name.rpartition(".")[0]} for name, path in MODULES.items()}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize(("outer", "rooms"), [("twitchio", MAY_KNOW_TWITCHIO), ("aiohttp", MAY_KNOW_AIOHTTP)])
def test_only_the_outer_rooms_import(outer: str, rooms: set[str]) -> None:
    knowing = {
        room_of(name) for name, path in MODULES.items() if outer in {each.split(".")[0] for each in imported(path)}
    }
    assert knowing <= rooms


def test_nothing_imports_a_cog() -> None:
    """Type checkers do not see the cogs under that name, and TwitchIO runs a cog's file again at each load."""
    assert [name for name, path in MODULES.items() if any(room_of(other) == "cogs" for other in ours(path))] == []


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("colorchanger_bot", {"twitchio", "aiohttp", "sqlalchemy", "pydantic", "asyncio"}),
        ("colorchanger_bot.color", {"twitchio", "aiohttp", "sqlalchemy", "pydantic", "asyncio"}),
        ("colorchanger_bot.changer.changer", {"twitchio", "aiohttp", "sqlalchemy"}),
        ("colorchanger_bot.cli.commands", {"twitchio", "aiohttp", "sqlalchemy", "pydantic"}),
    ],
)
def test_an_import_does_not_load(module: str, absent: set[str]) -> None:
    code = f"import sys, {module}; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert absent & set(loaded) == set()


def test_the_public_names_are_these() -> None:
    assert colorchanger_bot.__all__ == ["Color", "ColorChangerError", "Moment", "Settings", "Strategy", "__version__"]
    for name in colorchanger_bot.__all__:
        assert getattr(colorchanger_bot, name)
    with pytest.raises(AttributeError):
        colorchanger_bot.nothing_of_the_kind  # noqa: B018  # pyright: ignore[reportUnknownMemberType]
