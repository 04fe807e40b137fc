"""`colorchanger login`: lists the permissions, shows the code, and says what to do next."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from colorchanger_bot.cli.options import CONFIG, DEBUG, Commands, complain, option, settings_of
from colorchanger_bot.console import echo, say

if TYPE_CHECKING:
    from colorchanger_bot.settings.load import Settings
    from colorchanger_bot.store.store import Store
    from colorchanger_bot.twitch.oauth import DeviceCode

app = Commands()


@app.command(
    option(
        "name",
        metavar="LOGIN",
        nargs="?",
        default="",
        help="The account to log in; only needed if you use several applications.",
    ),
    option("--scopes", default="", help="More permissions to ask for, such as user:read:follows."),
    CONFIG,
    DEBUG,
)
def login(name: str, scopes: str, config: Path | None, debug: bool) -> None:
    """Log an account in with a code on your phone or in your browser."""
    settings = settings_of(config, debug=debug)
    asyncio.run(_login(settings, name, scopes))


async def _login(settings: Settings, name: str, more: str) -> None:
    from colorchanger_bot.auth.applications import calls_of
    from colorchanger_bot.auth.device import log_in
    from colorchanger_bot.auth.scopes import needed_scopes, parse, purpose
    from colorchanger_bot.clock import SystemClock
    from colorchanger_bot.errors import LOG_IN, ConfigError
    from colorchanger_bot.service.login_application import application_for_login
    from colorchanger_bot.service.preferences import with_stored
    from colorchanger_bot.service.standing import needs_login
    from colorchanger_bot.store.store import Store

    try:
        scopes = parse(more)
    except ValueError as error:
        raise ConfigError([f"--scopes: {error}"]) from None
    clock = SystemClock()

    def show(code: DeviceCode) -> None:
        _show_code(code, code.expires_at - clock.monotonic())

    async with Store.open(settings.storage.url, settings.storage.keys) as store:
        settings = await with_stored(settings, store)
        scopes |= needed_scopes(settings)
        await _import_applications(settings, store)
        client_id = await application_for_login(settings, store, name)
        async with calls_of(settings, store, client_id, clock) as (_, oauth):
            say("Twitch will ask you to allow this:")
            for scope in sorted(scopes):
                say(f"  {scope}: {purpose(scope)}")
            made = await log_in(oauth, store, scopes, clock=clock, show=show)
        if made.user_id is None:
            say("logged in; Twitch has not said yet as whom: the running bot finds out")
        elif missing := needs_login(made):
            say(f"logged in as {made.login}, but {missing}; {LOG_IN}")
        else:
            say(f"logged in as {made.login}; {await _next_step(store)}")
        if name and made.user_id is not None and made.login != name.lower():
            say(f"(you named {name.lower()}, but the code was entered as {made.login})")


async def _import_applications(settings: Settings, store: Store) -> None:
    """Import the applications of the accounts in `TWITCH_CONF_FILE` that have no token yet."""
    from colorchanger_bot.errors import ConfigError
    from colorchanger_bot.service.importer import import_applications
    from colorchanger_bot.settings.environment import CONF_FILE, conf_file

    if file := conf_file(os.environ):
        try:
            await import_applications(file, settings, store)
        except ConfigError as error:
            complain(f"{CONF_FILE}: {error}")


def _show_code(code: DeviceCode, seconds: float) -> None:
    from colorchanger_bot.desktop.qr import qr_code
    from colorchanger_bot.words import duration

    if picture := qr_code(code.url):
        echo(picture)
    echo(f"Open   {code.url}")
    echo(f"Enter  {code.user_code}")
    say(f"The code expires in {duration(seconds)}. Waiting until you have entered it (Ctrl-C gives up) ...")


async def _next_step(store: Store) -> str:
    beat = await store.heartbeat()
    running = beat is not None and beat.is_alive(time.time())
    return "the running bot takes over" if running else "now run: colorchanger run"
