"""The documentation is true: the commands and files that it names exist, and its code compiles."""

from __future__ import annotations

import ast
import asyncio
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from pydoc import locate
from typing import Any

import pytest
import twitchio

from colorchanger_bot.changer.actions import ACTIONS
from colorchanger_bot.color import STRATEGIES
from colorchanger_bot.sandbox import LocalTwitch, Pair
from tests.conftest import SCOPES
from tests.fakes import until
from tests.hosts import COGS, Hosts

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
GROUPS = ("autostart", "config", "key", "store")
"""The commands that have commands of their own."""


def commands() -> set[str]:
    """The commands that `colorchanger --help` and its groups list."""
    found: set[str] = set()
    for group in ([], *([name] for name in GROUPS)):
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
            first = " ".join(words.split()[: 2 if words.startswith(GROUPS) else 1])
            assert first in known, f"{document.name}: colorchanger {words}"


def test_what_a_mutation_run_edits_copies_and_runs_is_there() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
    named = [settings[key] for key in ("only_mutate", "also_copy", "pytest_add_cli_args_test_selection")]
    assert [pattern for patterns in named for pattern in patterns if not any(ROOT.glob(pattern))] == []
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for room, module in re.findall(r"mutmut run 'colorchanger_bot\.(\w+)\.(\w+)\*'", contributing):
        assert (ROOT / "colorchanger_bot" / room / f"{module}.py").is_file()


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


def test_every_picture_of_a_page_is_taken_by_a_browser_test() -> None:
    from tests.web.test_pictures import MADE

    pictures = ROOT / "docs" / "pictures"
    assert {file.name for file in pictures.glob("*.png")} == MADE
    named = {
        (document.parent / link).resolve()
        for document in DOCUMENTS
        for link in re.findall(r"!\[[^\]]*\]\(([^)#:]+)\)", document.read_text(encoding="utf-8"))
    }
    assert {pictures.resolve() / name for name in MADE} <= named


def test_the_site_has_every_page_and_every_name_of_the_reference() -> None:
    site = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert set(re.findall(r": (\w[\w-]*\.md)$", site, re.MULTILINE)) == {
        page.name for page in (ROOT / "docs").glob("*.md")
    }
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    shown = re.findall(r"<!-- api: ([\w.]+) -->", page)
    assert len(shown) > 5
    for name in shown:
        assert locate(name) is not None, name


def python_blocks() -> list[Any]:
    """Every Python block of the documents, with its document and number."""
    return [
        pytest.param(block, id=f"{document.name}-{number}")
        for document in DOCUMENTS
        for number, block in enumerate(blocks(document.read_text(encoding="utf-8"), "python"), 1)
    ]


SCRIPT_END = "asyncio.run(main())"


def is_whole_bot(block: str) -> bool:
    return block.rstrip().endswith("\nbot.run()")


@pytest.mark.parametrize("block", python_blocks())
async def test_python_in_a_document_runs(
    block: str, hosts: Hosts, twitch: LocalTwitch, caplog: pytest.LogCaptureFixture
) -> None:
    if is_whole_bot(block):
        await run_whole_bot(block, hosts, twitch, caplog)
        return
    if block.rstrip().endswith(SCRIPT_END):  # a script that needs no bot
        script: dict[str, Any] = {}
        exec(block.rstrip().removesuffix(SCRIPT_END), script)  # noqa: S102 - our own documents
        await script["main"]()
        return
    bot = await hosts.start()
    names: dict[str, Any] = {"bot": bot}
    code = compile(block, "a document", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    running = eval(code, names)  # noqa: S307 - our own documents
    if running is not None:
        await running
    if COGS not in bot.modules:
        await bot.load_module(COGS)
    await bot.read(bot.channel.id)
    await twitch.say("me", in_="me", text="hello")
    await twitch.wait_for(lambda: twitch.color_changes)
    assert bot.errors == []


async def run_whole_bot(block: str, hosts: Hosts, twitch: LocalTwitch, caplog: pytest.LogCaptureFixture) -> None:
    """Run it as its reader does: a first start without a token, a login in the browser, and a second start."""
    me, app = twitch.add_user("me", "#FF0000", turbo=True), hosts.app()
    code = block.rstrip().removesuffix("bot.run()")  # which would listen on TwitchIO's port
    for name, value in (("client_id", app.client_id), ("client_secret", app.client_secret), ("bot_id", me.id)):
        assert f'{name}="..."' in code
        code = code.replace(f'{name}="..."', f'{name}="{value}"')
    for start in ("first", "second"):
        names: dict[str, Any] = {}
        exec(code, names)  # noqa: S102 - our own documents
        bot = names["bot"]
        running = asyncio.create_task(bot.start(with_adapter=False))
        await bot.wait_until_ready()
        if start == "first":
            address = f"http://localhost:4343/oauth?scopes={'+'.join(sorted(SCOPES))}"
            await until(lambda address=address: address in caplog.text)
            bot.dispatch("oauth_authorized", authorized(hosts.pair("me", app), me.id))  # what its web adapter does
        await twitch.wait_subscribed("me", "me")
        before = len(twitch.color_changes)
        await twitch.say("me", in_="me", text="hello")
        await twitch.wait_for(lambda before=before: len(twitch.color_changes) > before)
        await bot.close()
        await running


def authorized(pair: Pair, user_id: str) -> twitchio.authentication.UserTokenPayload:
    payload = twitchio.authentication.UserTokenPayload(pair.body())  # pyright: ignore[reportArgumentType]
    payload.user_id, payload.user_login = user_id, "me"
    return payload


@pytest.mark.parametrize("document", ["README.md", "embedding.md"])
def test_the_whole_bots_are_run_as_such(document: str) -> None:
    (path,) = [path for path in DOCUMENTS if path.name == document]
    assert [is_whole_bot(block) for block in blocks(path.read_text(encoding="utf-8"), "python")].count(True) == 1


def test_every_chat_command_is_in_the_readme() -> None:
    section = README.partition("## In chat")[2].partition("\n## ")[0]
    named = set(re.findall(r"`!color ([a-z]+)", section))
    assert set(ACTIONS) - {"status"} == named


def test_every_chat_command_is_in_the_commands_page() -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    rows = [line.partition(" | ")[0] for line in page.splitlines() if line.startswith("| `")]
    assert set(ACTIONS) == {word for row in rows for word in re.findall(r"`([a-z]+)", row)}


def test_every_strategy_is_in_the_colour_page() -> None:
    page = (ROOT / "docs" / "colors.md").read_text(encoding="utf-8")
    assert set(STRATEGIES) <= set(re.findall(r"^## (\w+)", page, re.MULTILINE))


def test_the_strategy_in_the_readme_works() -> None:
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
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").partition("## The path of a message")[2]
    named = set(re.findall(r"\b((?:[a-z]+/)+[a-z_]+\.py)\b", page)) | set(re.findall(r"`([a-z_]+\.py)`", page))
    places = (ROOT / "colorchanger_bot", ROOT)
    assert len(named) > 30
    assert [name for name in sorted(named) if not any((place / name).exists() for place in places)] == []
