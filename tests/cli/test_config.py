"""The commands about the settings and the shell completion, as real processes."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tomllib
from pathlib import Path

import pytest

from colorchanger_bot.cli.commands import app
from colorchanger_bot.settings.reference import example, schema
from colorchanger_bot.store.store import Store
from tests.processes import EXIT_SECONDS, Environment, call

CLIENT_ID = "abcdefghijklmnopqrstuvwxyz0123"


@pytest.fixture
def home(environment: Environment) -> Path:
    return Path(environment["HOME"])


# config init


async def test_init_writes_the_example_and_says_what_comes_next(environment: Environment, home: Path) -> None:
    code, output, errors = await call("config", "init", environment=environment)
    assert (code, errors) == (0, "")
    assert (home / "config.toml").read_bytes() == example().encode()
    assert (home / "config.schema.json").read_text("utf-8") == schema()
    assert "register an application at https://dev.twitch.tv/console and put its Client ID below [app]" in output
    assert output.endswith("\nThen, log in: colorchanger login\n")


@pytest.mark.parametrize("arguments", [["mine.toml"], ["--config", "mine.toml"], ["mine.toml", "-c", "mine.toml"]])
async def test_init_writes_to_the_given_path(arguments: list[str], environment: Environment, home: Path) -> None:
    code, output, _ = await call("config", "init", *arguments, environment=environment)
    assert code == 0
    assert (home / "mine.toml").read_text("utf-8") == example()
    assert output.endswith("log in: colorchanger login --config mine.toml\n")


async def test_init_writes_the_file_named_by_the_variable(environment: Environment, home: Path) -> None:
    environment |= {"COLORCHANGER_CONFIG": str(home / "named.toml")}
    code, output, _ = await call("config", "init", environment=environment)
    assert code == 0
    assert (home / "named.toml").read_text("utf-8") == example()
    assert output.endswith("log in: colorchanger login\n")


async def test_init_never_overwrites_a_file(environment: Environment, home: Path) -> None:
    (home / "config.toml").write_text("mine")
    (home / "config.schema.json").write_text("mine as well")
    code, output, errors = await call("config", "init", environment=environment)
    assert (code, output) == (2, "")
    assert errors == "colorchanger: config.toml: already exists and is left as it is; edit it, or name another\n"
    assert (await call("config", "init", "other.toml", environment=environment))[0] == 0
    assert [(home / name).read_text() for name in ("config.toml", "config.schema.json")] == ["mine", "mine as well"]


@pytest.mark.parametrize("path", [".", "nowhere/config.toml", "one.toml --config two.toml"])
async def test_init_reports_an_unwritable_place_in_one_line(path: str, environment: Environment, home: Path) -> None:
    code, output, errors = await call("config", "init", *path.split(), environment=environment)
    assert (code, output, errors.count("\n")) == (2, "", 1)
    assert not {"config.toml", "one.toml", "two.toml"} & {*os.listdir(home)}


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of its own")
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (f"{CLIENT_ID}\n", CLIENT_ID),
        (f"your client id\nnot one\n {CLIENT_ID} \n", CLIENT_ID),
        ("\n", ""),
        ("\x04", ""),
    ],
)
async def test_init_asks_for_the_client_id_in_a_terminal(
    typed: str, expected: str, environment: Environment, home: Path
) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "colorchanger_bot", "config", "init"]
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, cwd=home, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    os.write(ours, typed.encode())
    async with asyncio.timeout(EXIT_SECONDS):
        assert await process.wait() == 0
    os.close(ours)
    assert tomllib.loads((home / "config.toml").read_text("utf-8"))["app"]["client_id"] == expected


# config example, schema, show


async def test_example_and_schema_are_printed(environment: Environment, home: Path) -> None:
    assert (await call("config", "example", environment=environment))[1] == example()
    assert (await call("config", "schema", environment=environment))[1] == schema()
    assert (await call("config", "schema", "x.json", environment=environment))[1] == "x.json: written\n"
    assert (home / "x.json").read_text("utf-8") == schema()


async def test_show_prints_a_settings_file(with_tokens: Environment) -> None:
    code, output, _ = await call("config", "show", environment=with_tokens)
    assert code == 0
    assert with_tokens["TWITCH_ACCESS_TOKEN_1"] not in output
    assert output.startswith("# no settings file\n")
    shown = tomllib.loads(output)
    assert (shown["accounts"][0]["login"], shown["color"]["delay"]) == ("me", [0.0, 0.0])
    with_origins = (await call("config", "show", "--origin", environment=with_tokens))[1]
    assert "delay = [0.0, 0.0]  # COLORCHANGER_COLOR__DELAY\n" in with_origins
    assert tomllib.loads(with_origins) == shown


async def test_show_as_json_names_file_and_origins(with_tokens: Environment, home: Path) -> None:
    (home / "config.toml").write_text('color.theme = "dark"')
    _, output, _ = await call("config", "show", "--json", "--origin", environment=with_tokens)
    shown = json.loads(output)
    assert shown["file"] == str(home / "config.toml")
    assert shown["color"]["theme"] == "dark"
    assert shown["accounts"][0]["access_token"] == "***"
    assert shown["origins"]["color.theme"] == "line 1"
    assert shown["origins"]["accounts[me].access_token"] == "TWITCH_ACCESS_TOKEN_1"


# config check


async def test_the_example_lacks_only_the_client_id(environment: Environment, home: Path) -> None:
    (home / "config.toml").write_text(example(), "utf-8")
    code, _, errors = await call("config", "check", environment=environment)
    assert (code, errors.count("\n")) == (2, 1)
    assert "app.client_id is empty: register an application" in errors
    (home / "config.toml").write_text(example().replace('client_id = ""', f'client_id = "{CLIENT_ID}"'), "utf-8")
    code, output, errors = await call("config", "check", environment=environment)
    assert (code, errors) == (0, "")
    assert output == f"nobody is logged in yet; run: colorchanger login\n{home / 'config.toml'}: no mistakes\n"


async def test_check_accepts_settings_with_tokens(with_tokens: Environment) -> None:
    code, output, errors = await call("config", "check", environment=with_tokens)
    assert (code, errors) == (0, "")
    assert output == "no settings file: fine\n"


async def test_check_as_json(with_tokens: Environment, home: Path) -> None:
    code, output, errors = await call("config", "check", "--json", environment=with_tokens)
    assert (code, errors) == (0, "")
    assert json.loads(output) == {"ok": True, "file": None, "problems": [], "advice": []}
    (home / "config.toml").write_text('color.theme = "drak"\n[color]')
    code, output, errors = await call("config", "check", "--json", environment=with_tokens)
    assert (code, errors) == (2, "")
    assert json.loads(output)["ok"] is False
    (home / "config.toml").write_text('color.theme = "drak"')
    _, output, _ = await call("config", "check", "--json", environment=with_tokens)
    assert json.loads(output)["problems"] == ['config.toml, line 1: color.theme = "drak": did you mean dark?']


async def test_check_reports_settings_that_have_no_effect(with_tokens: Environment) -> None:
    _, output, _ = await call("config", "check", environment=with_tokens | {"USE_RANDOM_COLOR_1": "false"})
    assert output.splitlines()[0] == "USE_RANDOM_COLOR_1 is not used: did you mean USE_RANDOM_COLORS_1?"


# --config


@pytest.mark.parametrize(
    "command",
    [["config", "example"], ["config", "schema"], ["key", "new"], ["completion", "bash"], ["demo", "-n", "1"]],
)
async def test_commands_that_need_no_settings_still_check_a_given_file(
    command: list[str], environment: Environment, home: Path
) -> None:
    (home / "mine.toml").write_text('color.theme = "dark"')
    assert (await call(*command, "--config", "mine.toml", environment=environment))[0] == 0
    code, output, errors = await call(*command, "-c", "missing.toml", environment=environment)
    assert (code, output) == (2, "")
    assert errors.startswith("colorchanger: missing.toml: there is no such file")


def test_every_command_takes_config() -> None:
    def commands(parser: object, name: str) -> list[str]:
        without: list[str] = []
        for action in parser._actions:  # type: ignore[attr-defined]
            for each, inner in (action.choices or {}).items() if isinstance(action.choices, dict) else ():
                without += commands(inner, f"{name} {each}") if each != "help" else []
        has_commands = any(isinstance(action.choices, dict) for action in parser._actions)  # type: ignore[attr-defined]
        takes_config = "--config" in parser._option_string_actions  # type: ignore[attr-defined]
        return without if has_commands or takes_config else [name]

    assert commands(app.parser("colorchanger"), "colorchanger") == []


# completion


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
async def test_the_completion_names_commands_and_options(shell: str, environment: Environment, home: Path) -> None:
    code, output, errors = await call("completion", shell, environment=environment)
    assert (code, errors) == (0, "")
    for word in ("doctor", "config", "init", "--origin", "--strategy", "rotate"):
        assert word.removeprefix("--") in output
    if shutil.which(shell):
        (home / "script").write_text(output, "utf-8")
        assert await _shell(shell, "-n", "script", cwd=home) == ""


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
@pytest.mark.parametrize(
    ("words", "expected"),
    [("colorchanger conf", "config"), ("colorchanger config sh", "show"), ("colorchanger preview --st", "--strategy")],
)
async def test_bash_completes(words: str, expected: str, environment: Environment, home: Path) -> None:
    (home / "script").write_text((await call("completion", "bash", environment=environment))[1], "utf-8")
    run = f"""
        source ./script
        COMP_WORDS=({words}); COMP_CWORD={len(words.split()) - 1}; COMP_LINE='{words}'; COMP_POINT=${{#COMP_LINE}}
        $(complete -p colorchanger | sed 's/.*-F \\([^ ]*\\).*/\\1/') colorchanger
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    assert expected in (await _shell("bash", "-c", run, cwd=home)).split()


async def _shell(*command: str, cwd: Path) -> str:
    """Run a shell, and return what it printed."""
    process = await asyncio.create_subprocess_exec(*command, cwd=cwd, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(EXIT_SECONDS):
        output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


async def test_an_unknown_shell_is_reported_in_one_line(environment: Environment) -> None:
    code, output, errors = await call("completion", "cmd", environment=environment)
    assert (code, output, errors.count("\n")) == (2, "", 1)


# What was set on the page


async def test_show_has_what_was_set_on_the_page(environment: Environment, home: Path, store: Store) -> None:
    await store.change_preferences({"color.cooldown": 7, "app.client_id": CLIENT_ID, "color.delay": 5})
    (home / "config.toml").write_text("[color]\nstrategy = 'daily'\n", "utf-8")
    code, output, errors = await call("config", "show", "--origin", environment=environment)
    assert (code, errors) == (0, "")
    assert "cooldown = 7.0  # the page" in output
    assert f'client_id = "{CLIENT_ID}"  # the page' in output
    assert 'strategy = "daily"  # line 2' in output
    assert "delay = [0.0, 0.0]  # COLORCHANGER_COLOR__DELAY" in output  # not 5: the environment comes first
    code, output, _ = await call("config", "show", "--json", "--origin", environment=environment)
    assert json.loads(output)["origins"]["color.cooldown"] == "the page"
    code, _, errors = await call("config", "check", environment=environment)
    assert (code, errors) == (0, "")  # the Client ID is there


async def test_show_says_that_the_store_cannot_be_read_and_shows_the_rest(environment: Environment, home: Path) -> None:
    (home / "store.sqlite3").write_bytes(b"not a database at all" * 100)
    code, output, errors = await call("config", "show", environment=environment)
    assert code == 0
    assert 'strategy = "random"' in output
    assert errors.startswith("what was set on the page is missing here: the store ")
    assert len(errors.splitlines()) == 1


async def test_the_preview_shows_what_was_set_on_the_page(environment: Environment, home: Path, store: Store) -> None:
    await store.change_preferences({"color.strategy": "palette", "color.colors": ["#FF0000", "#00AA00"]})
    code, output, errors = await call("preview", "--json", "-n", "4", environment=environment)
    assert (code, errors) == (0, "")
    assert {json.loads(line)["hex"] for line in output.splitlines()} == {"#FF0000", "#00AA00"}
    (home / "store.sqlite3").write_bytes(b"not a database at all" * 100)
    code, output, errors = await call("preview", "--json", "-n", "4", environment=environment)
    assert (code, output.count("\n")) == (0, 4)
    assert errors.startswith("what was set on the page is missing here: the store ")
