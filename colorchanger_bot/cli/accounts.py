"""The commands about accounts: each reads the settings, calls one function elsewhere and prints what it did."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from colorchanger_bot.cli.options import (
    AS_JSON,
    CONFIG,
    DEBUG,
    Commands,
    echo,
    option,
    settings_of,
)
from colorchanger_bot.errors import ConfigError
from colorchanger_bot.settings.environment import CONF_FILE

if TYPE_CHECKING:
    from colorchanger_bot.service.doctor import Finding
    from colorchanger_bot.service.importer import Outcome
    from colorchanger_bot.settings.load import Settings

app = Commands()


@app.command(option("name", metavar="LOGIN", help="The account, by its Twitch name."), CONFIG, DEBUG)
def logout(name: str, config: Path | None, debug: bool) -> int:
    """Log an account out: put its colour back, end its login at Twitch and forget it."""
    told = asyncio.run(_logout(settings_of(config, debug=debug), name))
    return 0 if told else 1


@app.command(AS_JSON, CONFIG, DEBUG)
def accounts(as_json: bool, config: Path | None, debug: bool) -> None:
    """Show the accounts: how each stands, its channels, its login."""
    asyncio.run(_accounts(settings_of(config, debug=debug), as_json=as_json))


@app.command(
    option(
        "file",
        metavar="FILE",
        nargs="?",
        type=Path,
        help=f"twitch_colorchanger.conf, or TwitchIO's .tio.tokens.json; if not given, that of {CONF_FILE}.",
    ),
    CONFIG,
    DEBUG,
    name="import",
)
def import_(file: Path | None, config: Path | None, debug: bool) -> int:
    """Take over the accounts of another program, with their tokens, channels and flags."""
    named = file or os.environ.get(CONF_FILE, "").strip()
    if not named:
        raise ConfigError([f"name the file: colorchanger import FILE (or set {CONF_FILE})"])
    outcomes = asyncio.run(_import(settings_of(config, debug=debug), Path(named)))
    for outcome in outcomes:
        echo(outcome.line())
    if any(outcome.taken for outcome in outcomes):
        echo("Stop the other program for good: a refresh token works once, and ours is the next to use it.")
    return 0 if any(outcome.taken for outcome in outcomes) else 1


@app.command(AS_JSON, CONFIG, DEBUG)
def doctor(as_json: bool, config: Path | None, debug: bool) -> int:
    """Look at everything that can keep colours from changing; exit code 0 if nothing is wrong, else 1."""
    from colorchanger_bot.service.doctor import verdict

    findings = _findings(config, debug=debug)
    ok = not any(finding.level == "wrong" for finding in findings)
    if as_json:
        rows = [{"about": each.about, "level": each.level, "text": each.text, "cure": each.cure} for each in findings]
        echo(json.dumps({"ok": ok, "verdict": verdict(findings), "findings": rows}, indent=2))
    else:
        for finding in findings:
            echo(finding.line())
        echo(verdict(findings))
    return 0 if ok else 1


async def _logout(settings: Settings, name: str) -> bool:
    from colorchanger_bot.clock import SystemClock
    from colorchanger_bot.service.standing import log_out
    from colorchanger_bot.store.store import Store

    async with Store.open(settings.storage.url, settings.storage.keys) as store:
        return await log_out(settings, store, name, clock=SystemClock(), say=echo)


async def _accounts(settings: Settings, *, as_json: bool) -> None:
    from colorchanger_bot.clock import SystemClock
    from colorchanger_bot.service.standing import Standing, lines, standings
    from colorchanger_bot.store.store import Store, exists

    found: list[Standing] = []
    if exists(settings.storage.url):
        async with Store.open(settings.storage.url, settings.storage.keys) as store:
            found = await standings(settings, store, SystemClock().now().timestamp())
    if as_json:
        echo(json.dumps([each.to_json() for each in found], indent=2))
        return
    for each in found:
        echo("\n".join(lines(each)))
    if not found:
        echo("no account is logged in yet; run: colorchanger login")


async def _import(settings: Settings, file: Path) -> list[Outcome]:
    from colorchanger_bot.clock import SystemClock
    from colorchanger_bot.service.importer import import_file, read
    from colorchanger_bot.store.store import Store

    read(file)  # before a store is made for nothing
    async with Store.open(settings.storage.url, settings.storage.keys) as store:
        return await import_file(file, settings, store, clock=SystemClock())


def _findings(config: Path | None, *, debug: bool) -> list[Finding]:
    from colorchanger_bot.clock import SystemClock
    from colorchanger_bot.service.doctor import Finding, examine

    try:
        settings = settings_of(config, debug=debug)
    except ConfigError as error:
        return [Finding("settings", "wrong", problem) for problem in error.problems]
    return asyncio.run(examine(settings, clock=SystemClock()))
