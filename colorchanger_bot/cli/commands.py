"""The command line: every command reads the settings, calls one function elsewhere and prints what it did."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from colorchanger_bot.cli import stopping
from colorchanger_bot.cli.accounts import app as accounts_app
from colorchanger_bot.cli.completion import SHELLS, script
from colorchanger_bot.cli.config import app as config_app
from colorchanger_bot.cli.options import (
    CONFIG,
    CONFIG_UNUSED,
    DEBUG,
    Commands,
    check_unused,
    echo,
    option,
    save,
    settings_of,
    whole,
)
from colorchanger_bot.cli.store import app as store_app

if TYPE_CHECKING:
    from colorchanger_bot.service.service import Service
    from colorchanger_bot.settings.load import Settings
    from colorchanger_bot.store.store import Store
    from colorchanger_bot.twitch.oauth import DeviceCode


def _version() -> str:
    from importlib.metadata import version

    return f"colorchanger {version('colorchanger-bot')}"


class _ShowVersion(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        echo(_version())
        parser.exit()


app = Commands(
    "A new Twitch chat colour after each of your own messages.",
    option("--version", nargs=0, action=_ShowVersion, default=argparse.SUPPRESS, help="Show the version and exit."),
)


@app.command(
    option("-n", "--messages", type=whole(1, 100), default=8, help="Own messages to send, 8 if not given."),
    option("--svg", metavar="FILE", type=Path, help="Save the last picture as an SVG file."),
    option("--web", dest="in_browser", action="store_true", help="In the browser: the dashboard beside a chat."),
    CONFIG_UNUSED,
    DEBUG,
)
def demo(messages: int, svg: Path | None, in_browser: bool, config: Path | None, debug: bool) -> None:
    """Show the real bot at work against a local Twitch; no account needed."""
    check_unused(config)
    if in_browser:
        asyncio.run(_demo_in_browser(debug=debug))
        return
    from colorchanger_bot.demo.terminal import play

    asyncio.run(play(messages, debug=debug, svg=svg))


@app.command(CONFIG, DEBUG)
def run(config: Path | None, debug: bool) -> None:
    """Change the colour of every logged-in account after each of its messages, until stopped."""
    settings = settings_of(config, debug=debug)
    for note in settings.notes:
        echo(note, error=True)
    asyncio.run(_run(settings))


@app.command(
    option("--scopes", default="", help="More permissions to ask for, such as user:read:follows."), CONFIG, DEBUG
)
def login(scopes: str, config: Path | None, debug: bool) -> None:
    """Log an account in with a code on your phone or in your browser."""
    settings = settings_of(config, debug=debug)
    asyncio.run(_login(settings, scopes))


@app.command(CONFIG, DEBUG)
def health(config: Path | None, debug: bool) -> int:
    """Say whether the bot runs; exit code 0 if it does, 1 if not."""
    settings = settings_of(config, debug=debug)
    alive, line = asyncio.run(_health(settings))
    echo(line)
    return 0 if alive else 1


@app.command(
    option("-s", "--strategy", help="Any strategy; else that of the settings."),
    option("-n", dest="count", type=whole(1), default=12, help="How many colours, 12 if not given."),
    option("--theme", help="both, dark, light or any; else that of the settings."),
    option("--json", dest="as_json", action="store_true", help="One JSON object per line."),
    option("--html", metavar="FILE", type=Path, help="Write a page to look at in a browser."),
    option("--names", action="store_true", help="As without Turbo or Prime: Twitch's own names only."),
    CONFIG,
)
def preview(
    strategy: str | None,
    count: int,
    theme: str | None,
    as_json: bool,
    html: Path | None,
    names: bool,
    config: Path | None,
) -> None:
    """Show the next colours on Twitch's dark and light theme."""
    import random
    from datetime import UTC, datetime

    from rich.console import Console

    from colorchanger_bot.color import preview as show
    from colorchanger_bot.settings.load import load

    color = load(config).color
    wanted = {key: value for key, value in (("strategy", strategy), ("theme", theme)) if value is not None}
    samples = show.samples_for(color.plan(), strategy or color.strategy)
    if samples:
        echo(f"(examples, for your settings name none: {samples})", error=True)
    plan = color.override(wanted | samples).plan()
    rows = show.rows(plan, count, random.Random(), datetime.now(UTC), presets_only=names)
    if html is not None:
        save(html, show.as_html(plan, rows))
        echo(f"{html}: written")
    elif as_json:
        for row in rows:
            echo(show.as_json(row))
    else:
        show.print_table(Console(), rows)


@app.command(
    option("--port", type=whole(0, 65535), default=4444, help="The port, 4444 if not given; 0: a free one."),
    CONFIG_UNUSED,
)
def sandbox(port: int, config: Path | None) -> int:
    """Run the local Twitch alone, to develop a bot against; it explains how."""
    check_unused(config)
    from colorchanger_bot.sandbox.guide import serve

    async def run_it() -> None:
        await serve(port, echo, stopping.requested())

    try:
        asyncio.run(run_it())
    except OSError as error:
        echo(f"port {port} cannot be used: {error.strerror}; try another one with --port", error=True)
        return 1
    return 0


@app.command(option("shell", choices=SHELLS, help="bash, zsh or tcsh."), CONFIG_UNUSED)
def completion(shell: str, config: Path | None) -> None:
    """Print a script that lets your shell complete the commands; in bash: eval "$(colorchanger completion bash)"."""
    check_unused(config)
    echo(script(app.parser("colorchanger"), shell))


async def _demo_in_browser(*, debug: bool) -> None:
    import sys

    from colorchanger_bot.demo.browser import serve

    await serve(echo, stopping.requested(), open_browser=sys.stdout.isatty(), debug=debug)


async def _run(settings: Settings) -> None:
    stop = stopping.requested()  # before all else: loading what follows takes a while
    from colorchanger_bot.errors import StoreLocked
    from colorchanger_bot.service.service import Service
    from colorchanger_bot.store.store import Store, locked

    async with Store.open(settings.storage.url, settings.storage.keys) as store:
        try:
            with locked(settings.storage.url) as store.ownership:
                await _prepare(settings, store)
                needs_account = not settings.web.enabled  # the page can log one in
                async with (
                    Service.running(settings, store, needs_account=needs_account) as service,
                    _page(service),
                ):
                    echo(service.plan())
                    await stop.wait()
                    echo("stopping")
                echo(service.summary())
        except StoreLocked as error:
            beat = await store.heartbeat()
            pid = f" (process {beat.pid})" if beat else ""
            raise StoreLocked(
                f"{error}{pid}: {store.name}; stop it first, or give this one another storage.url"
            ) from None


async def _prepare(settings: Settings, store: Store) -> None:
    """Do what only the owner of the store may: sign it, encrypt what is still plain, take over TWITCH_CONF_FILE."""
    import os

    from colorchanger_bot.settings.environment import CONF_FILE

    await store.beat(time.time(), {})
    if await store.seal():
        echo("the logins in the store are encrypted now")
    if named := os.environ.get(CONF_FILE, "").strip():
        from colorchanger_bot.clock import SystemClock
        from colorchanger_bot.errors import ConfigError
        from colorchanger_bot.service.importer import import_file

        try:
            outcomes = await import_file(Path(named), settings, store, clock=SystemClock())
        except ConfigError as error:
            echo(f"TWITCH_CONF_FILE: {error}", error=True)
            return
        for outcome in outcomes:
            echo(f"TWITCH_CONF_FILE: {outcome.line()}")


@asynccontextmanager
async def _page(service: Service) -> AsyncGenerator[None]:
    """Serve the dashboard beside a service, where the settings ask for it; without one the colours go on."""
    if not service.settings.web.enabled:
        yield
        return
    from colorchanger_bot.web.server import serving

    async with serving(service) as web:
        if web is not None:
            echo(f"dashboard: {web.url}")
            if not list(service.keeper):
                echo(f"no account is logged in yet: log one in at {web.url}, or run: colorchanger login")
        yield


async def _login(settings: Settings, more: str) -> None:
    from colorchanger_bot.auth.device import log_in
    from colorchanger_bot.auth.scopes import missing_permission, needed_scopes, parse, purpose
    from colorchanger_bot.clock import SystemClock
    from colorchanger_bot.errors import ConfigError
    from colorchanger_bot.store.store import Store
    from colorchanger_bot.twitch.http import open_session
    from colorchanger_bot.twitch.oauth import OAuth

    try:
        scopes = needed_scopes(settings) | parse(more)
    except ValueError as error:
        raise ConfigError([f"--scopes: {error}"]) from None
    if not settings.app.client_id:
        console = "https://dev.twitch.tv/console"
        raise ConfigError([f"app.client_id is empty: register an application at {console}, put its Client ID there"])
    clock = SystemClock()
    async with Store.open(settings.storage.url, settings.storage.keys) as store, open_session() as session:
        oauth = OAuth(
            session,
            client_id=settings.app.client_id,
            client_secret=settings.app.client_secret.reveal(),
            id_url=settings.twitch.id_url,
            clock=clock,
        )
        echo("Twitch will ask you to allow this:")
        for scope in sorted(scopes):
            echo(f"  {scope}: {purpose(scope)}")
        made = await log_in(oauth, store, scopes, clock=clock, show=_show_code)
        if made.user_id is None:
            echo("logged in; Twitch did not say as whom yet, which the running bot will find out")
        else:
            echo(f"logged in as {made.login}: {missing_permission(made) or _next_step(await _is_running(store))}")


def _show_code(code: DeviceCode) -> None:
    import io

    import segno

    picture = io.StringIO()
    segno.make(code.url, error="m").terminal(picture, compact=True)
    echo(picture.getvalue())
    echo(f"Open   {code.url}")
    echo(f"Enter  {code.user_code}")
    echo("Waiting until you have done it (Ctrl-C gives up) ...")


def _next_step(running: bool) -> str:
    return "the running bot takes over" if running else "now run: colorchanger run"


async def _is_running(store: Store) -> bool:
    beat = await store.heartbeat()
    return beat is not None and beat.is_alive(time.time())


async def _health(settings: Settings) -> tuple[bool, str]:
    from colorchanger_bot.store.store import Store, exists

    if not exists(settings.storage.url):
        return False, "not running: there is no store yet"
    async with Store.open(settings.storage.url, settings.storage.keys) as store:
        beat = await store.heartbeat()
        if beat is None:
            return False, "not running"
        trouble = await store.write_problem()
        if not beat.is_alive(time.time()):
            if trouble and _is_locked(settings):
                return True, f"running as process {beat.pid}, but {trouble}"
            return False, f"process {beat.pid} has given no sign of life for too long"
    accounts: list[dict[str, Any]] = list(beat.status.get("accounts", ()))
    first = f"running as process {beat.pid}" + (f", but {trouble}" if trouble else "")
    return True, "\n".join([first, *(_account_line(each) for each in accounts)])


def _is_locked(settings: Settings) -> bool:
    from colorchanger_bot.errors import StoreError, StoreLocked
    from colorchanger_bot.store.store import locked

    try:
        with locked(settings.storage.url):
            return False
    except StoreLocked:
        return True
    except StoreError:
        return False


def _account_line(account: dict[str, Any]) -> str:
    from colorchanger_bot.eventsub.channel import ChannelStatus, status_text

    trouble = f": {account['trouble']}" if account.get("trouble") else ""
    channels: dict[str, dict[str, Any]] = account.get("channels") or {}
    statuses = {channel: ChannelStatus(**fields) for channel, fields in channels.items()}
    unread = [f"\n    #{channel}: {status_text(each)}" for channel, each in statuses.items() if each.reason]
    return f"  {account['login']}: {account['state']}{trouble}{''.join(unread)}"


app.add(config_app)
app.add(accounts_app)
app.add(store_app)
