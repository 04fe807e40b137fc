"""The documents say what is so: every command and file they name exists, and the quoted code is code."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

from colorchanger_bot.changer.actions import ACTIONS
from colorchanger_bot.color import STRATEGIES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands() -> set[str]:
    """What `colorchanger --help` and its groups name."""
    found: set[str] = set()
    for group in ([], ["config"], ["key"]):
        arguments = [sys.executable, "-m", "colorchanger_bot", *group, "--help"]
        output = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
        listed = re.findall(r"^    ([a-z]+)\s", output.partition("commands:")[2], re.MULTILINE)
        found |= {" ".join([*group, name]) for name in listed}
    return found


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_every_command_that_a_document_names_exists() -> None:
    known = commands()
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for words in re.findall(r"(?<![\w/.-])colorchanger ((?:[a-z]+ ?)+)", "\n".join(re.findall(r"`[^`]+`", text))):
            first = " ".join(words.split()[: 2 if words.startswith(("config", "key")) else 1])
            assert first in known, f"{document.name}: colorchanger {words}"


def test_try_it_is_exactly_two_commands() -> None:
    section = README.partition("## Try it")[2].partition("\n## ")[0]
    assert [block.count("\n") for block in blocks(section, "sh")] == [1, 1]
    first, second = blocks(section, "sh")
    assert first.strip().endswith("colorchanger demo")
    assert "-m pytest" in second


def test_every_file_that_a_document_links_to_exists() -> None:
    links = [
        (document, link)
        for document in DOCUMENTS
        for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8"))
    ]
    assert len(links) > 20
    assert [(document.name, link) for document, link in links if not (document.parent / link).exists()] == []


def test_python_in_a_document_is_python() -> None:
    for document in DOCUMENTS:
        for block in blocks(document.read_text(encoding="utf-8"), "python"):
            compile(block, document.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_every_chat_command_is_in_the_readme() -> None:
    section = README.partition("## In chat")[2].partition("\n## ")[0]
    named = set(re.findall(r"`!color ([a-z]+)", section))
    assert set(ACTIONS) - {"status"} == named


def test_every_chat_command_has_its_line_in_the_commands_page() -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    rows = [line.partition(" | ")[0] for line in page.splitlines() if line.startswith("| `")]
    assert set(ACTIONS) == {word for row in rows for word in re.findall(r"`([a-z]+)", row)}


def test_every_strategy_has_its_place_in_the_colour_page() -> None:
    page = (ROOT / "docs" / "colors.md").read_text(encoding="utf-8")
    assert set(STRATEGIES) <= set(re.findall(r"^## (\w+)", page, re.MULTILINE))


def test_the_strategy_of_the_readme_works() -> None:
    from datetime import UTC, datetime
    from random import Random

    from colorchanger_bot import Color, Moment

    (block,) = [block for block in blocks(README, "python") if "class Traffic" in block]
    names: dict[str, type] = {}
    code = block.replace("attach(bot", "(lambda *_, **__: None)(None")
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102
    strategy = names["Traffic"]()
    shown = [Color.parse("red")]
    for _ in range(3):
        shown.insert(0, strategy.next(Moment(history=shown, rng=Random(1), now=datetime.now(UTC))))
    assert [str(color) for color in shown] == ["green", "red", "green", "red"]


def test_the_tree_in_the_architecture_page_is_the_one_on_disk() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    (tree,) = [block for block in blocks(page, "") if block.startswith("colorchanger_bot/")]
    named = {line.split()[0].rstrip("/") for line in tree.splitlines() if line.startswith("  ")}
    package = ROOT / "colorchanger_bot"
    rooms = {path.name for path in package.iterdir() if (path / "__init__.py").exists()}
    modules = {path.name for path in package.glob("*.py")} - {"__init__.py"}
    assert named == rooms | modules


def test_every_file_that_the_architecture_page_names_exists() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").partition("## The way of a message")[2]
    named = set(re.findall(r"\b((?:[a-z]+/)+[a-z_]+\.py)\b", page)) | set(re.findall(r"`([a-z_]+\.py)`", page))
    places = (ROOT / "colorchanger_bot", ROOT)
    assert len(named) > 30
    assert [name for name in sorted(named) if not any((place / name).exists() for place in places)] == []
