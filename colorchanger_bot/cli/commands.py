"""The command line: each command reads the settings, calls one function elsewhere and prints the result."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from colorchanger_bot.cli import stopping
from colorchanger_bot.cli.accounts import app as accounts_app
from colorchanger_bot.cli.autostart import app as autostart_app
from colorchanger_bot.cli.completion import SHELLS, script
from colorchanger_bot.cli.config import app as config_app
from colorchanger_bot.cli.login import app as login_app
from colorchanger_bot.cli.options import (
    CONFIG,
    CONFIG_UNUSED,
    DEBUG,
    UNWRAPPED,
    Commands,
    check_unused,
    complain,
    option,
    settings_of,
    whole,
)
from colorchanger_bot.cli.store import app as store_app
from colorchanger_bot.console import echo, save, say
from colorchanger_bot.words import reason

if TYPE_CHECKING:
    from colorchanger_bot.service.service import Service
    from colorchanger_bot.settings.load import Settings
    from colorchanger_bot.store.store import Store

SETTLED_SECONDS = 30.0
"""After the start: the objects there are then live as long as the process."""


def _version() -> str:
    from importlib.metadata import version

    return f"colorchanger {version('colorchanger-bot')}"


class _ShowVersion(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        echo(_version())
        parser.exit()


app = Commands(
    "A new Twitch chat colour after each of your own messages.",
    option(
        "-V", "--version", nargs=0, action=_ShowVersion, default=argparse.SUPPRESS, help="Show the version and exit."
    ),
)


@app.command(
    option("-n", "--messages", type=whole(1, 100), default=8, help="How many messages to send; the default is 8."),
    option("--svg", metavar="FILE", type=Path, help="Save the last picture as an SVG file."),
    option(
        "--web",
        dest="in_browser",
        action="store_true",
        help="Show it in the browser, with the dashboard.",
    ),
    option(
        "--community",
        metavar="MEMBERS",
        type=whole(1, 1000),
        default=0,
        help="Show a chat whose viewers have joined a community, so many of them: 1 to 1000.",
    ),
    CONFIG_UNUSED,
    DEBUG,
)
def demo(messages: int, svg: Path | None, in_browser: bool, community: int, config: Path | None, debug: bool) -> None:
    """Show the real bot at work against a local Twitch; no account needed."""
    check_unused(config)
    if in_browser:
        asyncio.run(_demo_in_browser(debug=debug, members=community))
        return
    if community:
        from colorchanger_bot.demo.community import play as play_community

        asyncio.run(play_community(community, debug=debug, svg=svg))
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
    option("-s", "--strategy", help="The strategy to show; the default is the one in your settings."),
    option("-n", dest="count", type=whole(1), default=12, help="How many colours; the default is 12."),
    option("--theme", help="both, dark, light or any; the default is the one in your settings."),
    option("--json", dest="as_json", action="store_true", help="Print JSON, one object per line."),
    option("--html", metavar="FILE", type=Path, help="Write a page to open in a browser."),
    option("--names", action="store_true", help="Only Twitch's colour names, as without Turbo or Prime."),
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
    import sys
    from datetime import UTC, datetime

    from rich.console import Console

    from colorchanger_bot.color import preview as show
    from colorchanger_bot.console import width
    from colorchanger_bot.settings.load import load

    color = load(config).color
    wanted = {key: value for key, value in (("strategy", strategy), ("theme", theme)) if value is not None}
    samples = show.samples_for(color.plan(), strategy or color.strategy)
    if samples:
        say(f"(your settings name no colours for {strategy or color.strategy}, so these are examples)", error=True)
    plan = color.override(wanted | samples).plan()
    rows = show.rows(plan, count, random.Random(), datetime.now(UTC), presets_only=names)
    if html is not None:
        save(html, show.as_html(plan, rows))
        say(f"{html}: written")
    elif as_json:
        for row in rows:
            echo(show.as_json(row))
    else:
        show.print_table(Console(width=width(sys.stdout) or UNWRAPPED), rows)


@app.command(
    option("--port", type=whole(0, 65535), default=4444, help="The port; the default is 4444, and 0 takes a free one."),
    CONFIG_UNUSED,
)
def sandbox(port: int, config: Path | None) -> int:
    """Run the local Twitch to develop a bot against, and print how to use it."""
    check_unused(config)
    from colorchanger_bot.sandbox.guide import serve

    async def run_it() -> None:
        await serve(port, echo, stopping.requested())

    try:
        asyncio.run(run_it())
    except OSError as error:
        complain(f"port {port} cannot be used ({reason(error)}); choose another with --port")
        return 1
    return 0


@app.command(option("shell", choices=SHELLS, help="bash, zsh or tcsh."), CONFIG_UNUSED)
def completion(shell: str, config: Path | None) -> None:
    """Print a script that lets your shell complete the commands; in bash: eval "$(colorchanger completion bash)"."""
    check_unused(config)
    echo(script(app.parser("colorchanger"), shell))


async def _demo_in_browser(*, debug: bool, members: int) -> None:
    import sys

    from colorchanger_bot.demo.browser import serve

    await serve(echo, stopping.requested(), open_browser=sys.stdout.isatty(), debug=debug, members=members)


async def _run(settings: Settings) -> None:
    stop = stopping.requested()  # first, because the imports below take a while
    from colorchanger_bot.errors import StoreLocked
    from colorchanger_bot.service.names import renamed, unmatched
    from colorchanger_bot.service.plan import plan, summary
    from colorchanger_bot.service.service import Service
    from colorchanger_bot.service.wording import community_line
    from colorchanger_bot.store.store import Store, locked

    async with Store.open(settings.storage.url, settings.storage.keys) as store:
        try:
            with locked(settings.storage.url) as store.ownership:
                await _prepare(settings, store)
                needs_account = not settings.web.enabled  # otherwise an account can be logged in on the page
                async with (
                    Service.running(settings, store, needs_account=needs_account) as service,
                    _page(service),
                ):
                    notes = [*unmatched(settings, service.keeper), *renamed(settings, service.keeper)]
                    if settings.community.enabled:
                        notes.insert(0, community_line(settings.community.channel, service.community.sums()))
                    say(plan(await service.planned(), settings, store.name, notes))
                    # With thousands of accounts, looking through everything for garbage stops the loop for 0.2 s.
                    asyncio.get_running_loop().call_later(SETTLED_SECONDS, gc.freeze)
                    await stop.wait()
                    say("stopping")
                say(summary(service.changer, service.community.is_member))
        except StoreLocked as error:
            beat = await store.heartbeat()
            pid = f" (process {beat.pid})" if beat else ""
            raise StoreLocked(
                f"{error}{pid}: {store.name}; stop it first, or give this one another storage.url"
            ) from None


async def _prepare(settings: Settings, store: Store) -> None:
    """Do what only the owner of the store may: write a heartbeat, encrypt plain tokens, import TWITCH_CONF_FILE."""
    from colorchanger_bot.settings.environment import CONF_FILE, conf_file

    await store.beat(time.time(), {})
    if await store.seal():
        say("the logins in the store are encrypted now")
    if file := conf_file(os.environ):
        from colorchanger_bot.clock import SystemClock
        from colorchanger_bot.errors import ConfigError
        from colorchanger_bot.service.importer import import_file

        try:
            outcomes = await import_file(file, settings, store, clock=SystemClock())
        except ConfigError as error:
            complain(f"{CONF_FILE}: {error}")
            return
        for outcome in outcomes:
            say(f"{CONF_FILE}: {outcome.line()}")


@asynccontextmanager
async def _page(service: Service) -> AsyncGenerator[None]:
    """Serve the dashboard if the settings ask for it; colours change even if it cannot be opened."""
    if not service.settings.web.enabled:
        yield
        return
    from colorchanger_bot.web.server import serving

    async with serving(service) as web:
        if web is not None:
            say(f"dashboard: {web.url}")
            if not list(service.keeper):
                say(f"no account is logged in yet: log in at {web.url}, or run: colorchanger login")
        yield


app.add(config_app)
app.add(login_app)
app.add(accounts_app)
app.add(store_app)
app.add(autostart_app)
