"""The command line: each command reads the settings, calls one function elsewhere and prints the result."""

from __future__ import annotations

import argparse
import asyncio
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
    loaded,
    option,
    settings_of,
    whole,
)
from colorchanger_bot.cli.store import app as store_app
from colorchanger_bot.console import echo, save, say
from colorchanger_bot.redaction import redact
from colorchanger_bot.words import reason

if TYPE_CHECKING:
    from colorchanger_bot.settings.load import Settings


def _version() -> str:
    from importlib.metadata import version

    return f"colorchanger {version('colorchanger-bot')}"


class _ShowVersion(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        echo(_version())
        parser.exit()


class _ShowLicences(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from colorchanger_bot.cli.licences import licences

        echo(licences(), end="")
        parser.exit()


app = Commands(
    "A new Twitch chat colour after each of your own messages.",
    option(
        "-V", "--version", nargs=0, action=_ShowVersion, default=argparse.SUPPRESS, help="Show the version and exit."
    ),
    option(
        "--licenses",
        nargs=0,
        action=_ShowLicences,
        default=argparse.SUPPRESS,
        help="Show the licences of everything inside and exit.",
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


@app.command(
    option("--no-browser", action="store_true", help="Do not open the page, only print its address."),
    CONFIG,
    DEBUG,
    is_default=True,
)
def start(no_browser: bool, config: Path | None, debug: bool) -> None:
    """Start ColorChanger and open its page, also that of one that is running; `colorchanger` alone does the same."""
    from colorchanger_bot.errors import ColorChangerError

    async def start_it() -> None:
        stop = stopping.requested()  # first, because the import below takes a while
        from colorchanger_bot.cli import running

        await running.start(settings, running.CommandLine(config, debug), stop, may_open=not no_browser)

    try:
        settings = _settings(config, debug=debug)
        asyncio.run(start_it())
    except ColorChangerError as error:
        if not no_browser:
            from colorchanger_bot.desktop.problem import show_problem

            show_problem(redact(str(error)))
        raise


@app.command(CONFIG, DEBUG)
def run(config: Path | None, debug: bool) -> None:
    """Change the colour of every logged-in account after each of its messages, until stopped."""
    settings = _settings(config, debug=debug)

    async def run_it() -> None:
        stop = stopping.requested()  # first, because the import below takes a while
        from colorchanger_bot.cli import running

        await running.run(settings, running.CommandLine(config, debug), stop)

    asyncio.run(run_it())


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
    from colorchanger_bot.service.preferences import in_force

    settings, problem = asyncio.run(in_force(loaded(config)))
    if problem:
        say(f"what was set on the page is missing here: {problem}", error=True)
    color = settings.color
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


def _settings(config: Path | None, *, debug: bool) -> Settings:
    """Read the settings, and say what has no effect in them."""
    settings = settings_of(config, debug=debug)
    for note in settings.notes:
        echo(note, error=True)
    return settings


app.add(config_app)
app.add(login_app)
app.add(accounts_app)
app.add(store_app)
app.add(autostart_app)
