"""The commands about the settings: the file, its schema, a check, and what is in force."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from colorchanger_bot.cli.options import (
    AS_JSON,
    CONFIG,
    CONFIG_UNUSED,
    USAGE,
    Commands,
    check_unused,
    loaded,
    option,
)
from colorchanger_bot.console import echo, save, say
from colorchanger_bot.errors import ConfigError
from colorchanger_bot.redaction import one_line

if TYPE_CHECKING:
    from colorchanger_bot.service.settings_check import Verdict
    from colorchanger_bot.settings.load import Settings

CONSOLE = "https://dev.twitch.tv/console"
SCHEMA_FILE = "config.schema.json"
_PATH = option("path", metavar="PATH", nargs="?", type=Path, help="The file to write.")

app = Commands()
config_app = app.group("config", "Make, check and show the settings.")


@config_app.command(
    option("path", metavar="PATH", nargs="?", type=Path, help="The file to make; the default is config.toml."),
    option("-c", "--config", metavar="PATH", type=Path, help="The same as PATH."),
    name="init",
)
def config_init(path: Path | None, config: Path | None) -> None:
    """Make a settings file with every key, its default and what it does; a file that exists is left alone."""
    from colorchanger_bot.settings.environment import CONFIG as CONFIG_VARIABLE
    from colorchanger_bot.settings.file import FILE_NAME
    from colorchanger_bot.settings.reference import example, schema

    if path and config and path != config:
        raise ConfigError(["name the file once: colorchanger config init PATH"])
    file = (path or config or Path(os.environ.get(CONFIG_VARIABLE) or FILE_NAME)).expanduser()
    _refuse_if_there(file)
    client_id = _ask_client_id() if sys.stdin and sys.stdin.isatty() and sys.stdout.isatty() else ""
    _save_new(file, example().replace('client_id = ""', f'client_id = "{client_id}"', 1))
    beside = file.with_name(SCHEMA_FILE)
    if not beside.exists():
        save(beside, schema())
    say(f"{one_line(str(file))}: written ({SCHEMA_FILE} beside it lets editors complete and check it)")
    if not client_id:
        say(f"Next, register an application at {CONSOLE} and put its Client ID below [app] in this file.")
    elsewhere = f" --config {one_line(str(file))}" if path or config else ""
    say(f"{'Next' if client_id else 'Then'}, log in: colorchanger login{elsewhere}")


@config_app.command(CONFIG_UNUSED, name="example")
def config_example(config: Path | None) -> None:
    """Print a settings file with every key, its default and what it does."""
    from colorchanger_bot.settings.reference import example

    check_unused(config)
    echo(example(), end="")


@config_app.command(_PATH, CONFIG_UNUSED, name="schema")
def config_schema(path: Path | None, config: Path | None) -> None:
    """Print the JSON Schema of the settings file, or write it to PATH; editors complete and check with it."""
    from colorchanger_bot.settings.reference import schema

    check_unused(config)
    if path is None:
        echo(schema(), end="")
    else:
        save(path, schema())
        say(f"{one_line(str(path))}: written")


@config_app.command(AS_JSON, CONFIG, name="check")
def config_check(as_json: bool, config: Path | None) -> int:
    """Check the settings and everything they refer to; exit code 0 if `run` and `login` can work, else 2."""
    settings, verdict = _verdict(config)
    source = str(settings.source) if settings and settings.source else None
    if as_json:
        problems, advice = [*verdict.problems], [*verdict.advice]
        echo(json.dumps({"ok": not problems, "file": source, "problems": problems, "advice": advice}, indent=2))
        return USAGE if problems else 0
    for line in verdict.advice:
        say(line)
    if verdict.problems:
        raise ConfigError([*verdict.problems])
    source = one_line(source) if source else "no settings file"
    say(f"{source}: {'no mistakes' if verdict.advice else 'fine'}")
    return 0


@config_app.command(
    option("--origin", action="store_true", help="Show where each value comes from."),
    AS_JSON,
    CONFIG,
    name="show",
)
def config_show(origin: bool, as_json: bool, config: Path | None) -> None:
    """Print the settings in force, with what was set on the page, as a settings file; secrets are masked."""
    from colorchanger_bot.service.preferences import in_force
    from colorchanger_bot.settings.load import load
    from colorchanger_bot.settings.show import as_toml, masked, origins

    settings, problem = asyncio.run(in_force(load(config)))
    if problem:
        say(f"what was set on the page is missing here: {problem}", error=True)
    if not as_json:
        echo(as_toml(settings, with_origins=origin), end="")
        return
    file = str(settings.source) if settings.source else None
    values = {"file": file, **masked(settings)}
    echo(json.dumps(values | ({"origins": origins(settings)} if origin else {}), indent=2))


def _verdict(config: Path | None) -> tuple[Settings | None, Verdict]:
    from colorchanger_bot.service.preferences import in_force
    from colorchanger_bot.service.settings_check import Verdict, check

    try:
        settings = loaded(config)
    except ConfigError as error:
        return None, Verdict(error.problems, ())
    settings, _ = asyncio.run(in_force(settings))
    return settings, asyncio.run(check(settings, os.environ))


def _ask_client_id() -> str:
    """Ask for the Client ID until it can be one; empty if the person has none yet."""
    from pydantic import TypeAdapter, ValidationError

    from colorchanger_bot.settings.types import ClientId

    say(f"The Client ID of your Twitch application ({CONSOLE}); press Enter if you have none yet:")
    while True:
        try:
            return TypeAdapter[str](ClientId).validate_python(input("> "))
        except ValidationError as error:
            say(error.errors()[0]["msg"])
        except EOFError:
            say("")
            return ""


def _refuse_if_there(file: Path) -> None:
    if os.path.lexists(file):
        raise ConfigError([f"{one_line(str(file))}: already exists and is left as it is; edit it, or name another"])


def _save_new(file: Path, text: str) -> None:
    """Write a file that did not exist.

    Raises:
        ConfigError: it exists, or cannot be written.
    """
    try:
        with file.open("x", encoding="utf-8", newline="\n") as made:
            made.write(text)
    except FileExistsError:
        _refuse_if_there(file)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ConfigError([f"{one_line(str(file))}: cannot be written: {why}"]) from None
