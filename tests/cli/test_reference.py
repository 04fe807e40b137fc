"""docs/cli.md and the table of docs/commands.md have the commands and options of the code."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from colorchanger_bot.cli import reference
from tests.processes import Environment, call

DOCS = Path(__file__).parents[2] / "docs"


def test_the_pages_match_the_code(tmp_path: Path) -> None:
    for name in ("cli.md", "commands.md"):
        (tmp_path / name).write_text((DOCS / name).read_text("utf-8"), "utf-8")
    reference.write(tmp_path)
    for name in ("cli.md", "commands.md"):
        made = (tmp_path / name).read_text("utf-8")
        assert made == (DOCS / name).read_text("utf-8"), f"run: {sys.executable} -m {reference.__name__}"


async def test_a_command_is_described_with_what_its_help_lists(environment: Environment) -> None:
    text = reference.command_line()
    for command in ("run", "store copy", "autostart on"):
        section = text.partition(f"## `colorchanger {command}")[2].partition("\n## ")[0]
        _, listed, _ = await call(*command.split(), "--help", environment=environment)
        options = set(re.findall(r"--[a-z][a-z-]*", listed)) - {"--help"}
        assert options == set(re.findall(r"--[a-z][a-z-]*", section))
        assert options
