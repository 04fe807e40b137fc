"""The page about the local Twitch says what is, and the package stands alone."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from colorchanger_bot import sandbox
from colorchanger_bot.sandbox import NOTICES, Freeze, LocalTwitch, faults

ROOM = Path(sandbox.__file__).parent
PAGE = (ROOM.parents[1] / "docs" / "sandbox.md").read_text(encoding="utf-8")


def test_its_example_runs() -> None:
    (code,) = (block.partition("```")[0] for block in PAGE.split("```python")[1:])
    command = [sys.executable, "-W", "error", "-c", code]
    subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)


@pytest.mark.parametrize("name", sorted(set(faults.__all__) - {"Action", "Fault", "Faults", "SeenRequest", "by_name"}))
def test_every_fault_is_there(name: str) -> None:
    assert f"`{name}(" in PAGE


def test_every_notice_and_way_to_freeze_is_there() -> None:
    assert [word for word in (*NOTICES, *Freeze.__members__) if word not in PAGE] == []


@pytest.mark.parametrize("path", sorted(ROOM.glob("*.py")), ids=lambda path: path.name)
def test_the_room_imports_no_other(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert [node.module for node in froms if node.level > 1] == []
    absolute = [node.module or "" for node in froms if not node.level]
    absolute += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert [name for name in absolute if name.startswith("colorchanger_bot")] == []


def test_every_public_method_says_what_it_does() -> None:
    public = [member for name, member in inspect.getmembers(LocalTwitch) if not name.startswith("_")]
    assert all(inspect.getdoc(member) for member in public)
