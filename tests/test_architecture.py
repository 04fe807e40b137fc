"""Imports point inwards only, and the promises about what is imported when hold."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import colorchanger_bot

ROOT = Path(colorchanger_bot.__file__).parent
LAYERS = {
    "errors": 0,
    "clock": 0,
    "color": 0,
    "redaction": 0,
    "vault": 1,
    "wiring": 5,
    "cogs": 5,
    "web": 5,
    "sandbox": 5,
    "__main__": 5,
    "settings": 1,
    "changer": 2,
    "store": 2,
    "twitch": 3,
    "auth": 3,
    "eventsub": 3,
    "bot": 5,
    "service": 5,
    "demo": 5,
    "cli": 5,
}
OUTER = {"twitchio", "aiohttp"}


def modules() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """The dotted names that a module imports, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def inner(path: Path) -> set[str]:
    """The parts of our own package that a module imports."""
    return {name.split(".")[1] for name in imports(path) if name.startswith("colorchanger_bot.")} - {"__version__"}


def test_every_module_has_its_layer() -> None:
    assert {name_of(path) for path in modules()} | {"cogs"} == set(LAYERS)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_inwards(path: Path) -> None:
    layer = LAYERS[name_of(path)]
    assert {name for name in inner(path) if LAYERS[name] > layer} == set()


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_knows_neither_twitchio_nor_aiohttp(path: Path) -> None:
    outer = {name.split(".")[0] for name in imports(path)} & OUTER
    assert outer == set() or LAYERS[name_of(path)] >= 3


def test_nothing_imports_a_cog_statically() -> None:
    assert [path for path in modules() if "cogs" in inner(path) and name_of(path) != "cogs"] == []


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("colorchanger_bot", {"twitchio", "aiohttp", "sqlalchemy", "colorchanger_bot.color"}),
        ("colorchanger_bot.color", {"twitchio", "aiohttp", "sqlalchemy", "asyncio"}),
        ("colorchanger_bot.changer.changer", {"twitchio", "aiohttp", "sqlalchemy"}),
        ("colorchanger_bot.cli.commands", {"twitchio", "aiohttp", "sqlalchemy", "colorchanger_bot.color"}),
        ("colorchanger_bot.service.service", {"sqlalchemy", "aiosqlite", "greenlet"}),
    ],
)
def test_importing_it_leaves_these_out(module: str, absent: set[str]) -> None:
    code = f"import sys, {module}; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert absent & set(loaded) == set()


def test_the_public_names_are_what_we_say() -> None:
    assert colorchanger_bot.__all__ == ["Color", "ColorChangerError", "Moment", "Settings", "Strategy", "__version__"]
    for name in colorchanger_bot.__all__:
        assert getattr(colorchanger_bot, name)
    with pytest.raises(AttributeError):
        colorchanger_bot.nothing_of_the_kind  # noqa: B018  # pyright: ignore[reportUnknownMemberType]
