"""The commands about accounts: each reads the settings, calls one function elsewhere and prints the result."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from colorchanger_bot.cli.options import AS_JSON, CONFIG, DEBUG, Commands, option, settings_of
from colorchanger_bot.console import echo, say, swatch
from colorchanger_bot.errors import LOG_IN, ConfigError
from colorchanger_bot.settings.environment import CONF_FILE, conf_file

if TYPE_CHECKING:
    from colorchanger_bot.service.findings import Finding
    from colorchanger_bot.service.importer import Outcome
    from colorchanger_bot.service.members import Sums
    from colorchanger_bot.service.standing import Standing
    from colorchanger_bot.settings.load import Settings

app = Commands()


@app.command(
    option("name", metavar="LOGIN", nargs="?", default="", help="The account, by its Twitch name."),
    option("--members", action="store_true", help="All members of the community; stop the bot first."),
    CONFIG,
    DEBUG,
)
def logout(name: str, members: bool, config: Path | None, debug: bool) -> int:
    """Log an account out: put its colour back, end its login at Twitch and forget it."""
    if bool(name) == members:
        raise ConfigError(["name the account: colorchanger logout LOGIN (or --members for all of the community)"])
    told = asyncio.run(_logout(settings_of(config, debug=debug), name))
    return 0 if told else 1


@app.command(AS_JSON, CONFIG, DEBUG)
def health(as_json: bool, config: Path | None, debug: bool) -> int:
    """Say whether the bot runs; exit code 0 if it does, 1 if not."""
    return asyncio.run(_health(settings_of(config, debug=debug), as_json=as_json))


@app.command(AS_JSON, CONFIG, DEBUG)
def accounts(as_json: bool, config: Path | None, debug: bool) -> None:
    """Show the accounts: how each is doing, its channels, its login."""
    asyncio.run(_accounts(settings_of(config, debug=debug), as_json=as_json))


@app.command(
    option(
        "file",
        metavar="FILE",
        nargs="?",
        type=Path,
        help=f"twitch_colorchanger.conf, what TwitchIO saved (JSON or SQLite), a token pair as JSON, or .env; without "
        f"it, the file that {CONF_FILE} names.",
    ),
    CONFIG,
    DEBUG,
    name="import",
)
def import_(file: Path | None, config: Path | None, debug: bool) -> int:
    """Import the accounts of another program, with their tokens, channels and flags."""
    named = file or conf_file(os.environ)
    if not named:
        raise ConfigError([f"name the file: colorchanger import FILE (or set {CONF_FILE})"])
    outcomes = asyncio.run(_import(settings_of(config, debug=debug), named))
    for outcome in outcomes:
        say(outcome.line())
    if any(outcome.taken for outcome in outcomes):
        say("Stop the other program for good: a refresh token works once, and ColorChanger uses it next.")
    return 0 if any(outcome.taken for outcome in outcomes) else 1


@app.command(AS_JSON, CONFIG, DEBUG)
def doctor(as_json: bool, config: Path | None, debug: bool) -> int:
    """Check everything that can keep colours from changing; exit code 0 if all is well, else 1."""
    from colorchanger_bot.service.doctor import verdict

    findings = _findings(config, debug=debug)
    ok = not any(finding.level in ("wrong", "waiting") for finding in findings)
    if as_json:
        rows = [finding.to_json() for finding in findings]
        echo(json.dumps({"ok": ok, "verdict": verdict(findings), "findings": rows}, indent=2))
    else:
        for finding in findings:
            say(finding.line())
        say(verdict(findings))
    return 0 if ok else 1


async def _logout(settings: Settings, name: str) -> bool:
    from colorchanger_bot.clock import SystemClock
    from colorchanger_bot.service.logout import log_out, log_out_members
    from colorchanger_bot.service.preferences import with_stored
    from colorchanger_bot.store.store import Store

    async with Store.open(settings.storage.url, settings.storage.keys) as store:
        settings = await with_stored(settings, store)
        if not name:
            return await log_out_members(settings, store, clock=SystemClock(), say=echo)
        return await log_out(settings, store, name, clock=SystemClock(), say=echo)


async def _health(settings: Settings, *, as_json: bool) -> int:
    from colorchanger_bot.clock import SystemClock
    from colorchanger_bot.service import wording
    from colorchanger_bot.service.members import known_sums
    from colorchanger_bot.service.preferences import with_stored
    from colorchanger_bot.service.standing import reports_of_bot, standings
    from colorchanger_bot.store.store import Store, exists

    pid: int | None = None
    found: list[Standing] = []
    members: Sums = {}
    why, trouble, helps = "not running: there is no store yet", "", LOG_IN
    if exists(settings.storage.url):
        async with Store.open(settings.storage.url, settings.storage.keys) as store:
            settings = await with_stored(settings, store)
            now = SystemClock().now().timestamp()
            beat = await store.heartbeat()
            why, helps = "" if beat else "not running", wording.RUN
            if beat:
                pid, trouble = beat.pid, await store.write_problem()
            reports = await reports_of_bot(beat, settings, store, now)
            if beat and reports is None:
                why = f"process {beat.pid} has given no sign of life for too long"
                helps = "to see more, run: colorchanger doctor"
            found = [] if why else await standings(settings, store, now, reports)
            members = {} if why else await known_sums(settings, store, now)
    if as_json:
        rows = [wording.as_json(each, settings.commands) for each in found]
        state = {"running": not why, "pid": pid, "reason": why or trouble, "accounts": rows}
        echo(json.dumps({**state, **({"members": dict(members)} if members else {})}, indent=2))
        return 1 if why else 0
    say(f"{why}; {helps}" if why else f"running as process {pid}{f', but {trouble}' if trouble else ''}")
    for each in found:
        say(f"  {_swatch(each)}{each.login}: {wording.state_text(each, settings.commands)}")
        for channel in each.channels:
            if channel.state in ("joining", "parked") and channel.reason:
                say(f"    {wording.channel_line(channel)}")
    if members:
        say(f"  {wording.community_line(settings.community.channel, members)}")
    return 1 if why else 0


async def _accounts(settings: Settings, *, as_json: bool) -> None:
    from colorchanger_bot.clock import SystemClock
    from colorchanger_bot.service import wording
    from colorchanger_bot.service.members import known_sums
    from colorchanger_bot.service.preferences import with_stored
    from colorchanger_bot.service.standing import standings
    from colorchanger_bot.store.store import Store, exists

    found: list[Standing] = []
    members: Sums = {}
    if exists(settings.storage.url):
        async with Store.open(settings.storage.url, settings.storage.keys) as store:
            settings = await with_stored(settings, store)
            now = SystemClock().now().timestamp()
            found, members = await standings(settings, store, now), await known_sums(settings, store, now)
    if as_json:
        echo(json.dumps([wording.as_json(each, settings.commands) for each in found], indent=2))
        return
    for each in found:
        say(_swatch(each) + "\n".join(wording.account_lines(each, settings.commands)))
    if members:
        say(wording.community_line(settings.community.channel, members))
    if not found:
        say("no account is logged in yet; run: colorchanger login")


def _swatch(standing: Standing) -> str:
    """The colour that an account shows, where the terminal has colours."""
    from colorchanger_bot.color import Color
    from colorchanger_bot.errors import UnknownColor

    try:
        return swatch(Color.parse(standing.color).hex) if standing.color else ""
    except UnknownColor:  # remembered by another version
        return ""


async def _import(settings: Settings, file: Path) -> list[Outcome]:
    from colorchanger_bot.clock import SystemClock
    from colorchanger_bot.service.import_formats import read
    from colorchanger_bot.service.importer import import_file
    from colorchanger_bot.service.preferences import with_stored
    from colorchanger_bot.store.store import Store

    read(file)  # before a store is made for nothing
    async with Store.open(settings.storage.url, settings.storage.keys) as store:
        settings = await with_stored(settings, store)
        return await import_file(file, settings, store, clock=SystemClock())


def _findings(config: Path | None, *, debug: bool) -> list[Finding]:
    from colorchanger_bot.clock import SystemClock
    from colorchanger_bot.service.doctor import examine
    from colorchanger_bot.service.findings import Finding
    from colorchanger_bot.service.preferences import in_force

    async def examined(settings: Settings) -> list[Finding]:
        settings, _ = await in_force(settings)  # what keeps the store from being read is a finding of its own
        return await examine(settings, clock=SystemClock())

    try:
        settings = settings_of(config, debug=debug)
    except ConfigError as error:
        return [Finding("settings", "wrong", problem) for problem in error.problems]
    return asyncio.run(examined(settings))
