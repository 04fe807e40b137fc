"""What `start` and `run` do: own the store, change colours, and serve the page until they are stopped."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from colorchanger_bot.cli.options import complain
from colorchanger_bot.clock import SystemClock
from colorchanger_bot.console import say
from colorchanger_bot.errors import ConfigError, StoreLocked
from colorchanger_bot.service.importer import import_file
from colorchanger_bot.service.logs import set_level
from colorchanger_bot.service.names import renamed, unmatched
from colorchanger_bot.service.plan import plan, summary
from colorchanger_bot.service.preferences import with_stored
from colorchanger_bot.service.service import Service
from colorchanger_bot.service.settings_file import SettingsFile
from colorchanger_bot.service.wording import community_line
from colorchanger_bot.settings.environment import CONF_FILE, conf_file
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Store, locked

SETTLED_SECONDS = 30.0
"""After the start: the objects there are then live as long as the process."""
Show = Callable[[str], Awaitable[None]]
"""Takes the address of the page."""


class CommandLine(NamedTuple):
    """What the command line says of the settings."""

    config: Path | None
    """The file that it names."""
    debug: bool
    """Whether everything is logged, whatever the settings say."""


async def start(settings: Settings, given: CommandLine, stop: asyncio.Event, *, may_open: bool) -> None:
    """Change colours until `stop` and show the page; if another process does already, show its page.

    Raises:
        StoreLocked: another process runs without a page.
        StoreError, ConfigError: the store or the settings do not allow it.
    """
    # Only here: `run` on a server needs no browser and no QR code.
    from colorchanger_bot.desktop.announce import show_page
    from colorchanger_bot.desktop.single import own_or_find

    settings = _with_page(settings)
    show = partial(show_page, host=settings.web.host, may_open=may_open)
    async with Store.open(settings.storage.url, settings.storage.keys) as store:
        with contextlib.ExitStack() as held:
            running = await own_or_find(held, store, settings.storage.url, SystemClock(), stop)
            if running is not None:
                say(f"ColorChanger is already running (process {running.pid}).")
                await show(running.url)
            elif not stop.is_set():
                await _serve(settings, given, store, stop, show, other_port=True)


async def run(settings: Settings, given: CommandLine, stop: asyncio.Event) -> None:
    """Change colours until `stop`.

    Raises:
        StoreLocked: another process does already.
        NeedsLogin: no account is logged in, and there is no page for it.
        StoreError, ConfigError: the store or the settings do not allow it.
    """
    async with Store.open(settings.storage.url, settings.storage.keys) as store:
        try:
            with locked(settings.storage.url) as store.ownership:
                await _serve(settings, given, store, stop, _say_page)
        except StoreLocked as error:
            beat = await store.heartbeat()
            pid = f" (process {beat.pid})" if beat else ""
            raise StoreLocked(
                f"{error}{pid}: {store.name}; stop it first, or give this one another storage.url"
            ) from None


def _with_page(settings: Settings) -> Settings:
    return settings.model_copy(update={"web": settings.web.model_copy(update={"enabled": True})})


async def _serve(
    settings: Settings, given: CommandLine, store: Store, stop: asyncio.Event, show: Show, *, other_port: bool = False
) -> None:
    """Change colours until `stop`, on a store that this process owns."""
    # First, so that a change of the file from now on is noticed.
    file = SettingsFile(given.config, clock=SystemClock(), adapt=_with_page if other_port else lambda read: read)
    await _prepare(settings, store)
    needs_account = not settings.web.enabled  # otherwise an account can be logged in on the page
    async with (
        Service.running(settings, store, needs_account=needs_account) as service,
        _page(service, show, other_port=other_port),
    ):
        service.on_settings(lambda changed: set_level(changed.log.level, debug=given.debug))
        service.watch(file)
        settings = service.settings
        notes = [*unmatched(settings, service.keeper), *renamed(settings, service.keeper)]
        if settings.community.enabled:
            notes.insert(0, community_line(settings.community.channel, service.community.sums()))
        say(plan(await service.planned(), settings, store.name, notes))
        # With thousands of accounts, looking through everything for garbage stops the loop for 0.2 s.
        asyncio.get_running_loop().call_later(SETTLED_SECONDS, gc.freeze)
        await stop.wait()
        say("stopping")
    say(summary(service.changer, service.community.is_member))


async def _prepare(settings: Settings, store: Store) -> None:
    """Do what only the owner of the store may: write a heartbeat, encrypt plain tokens, import TWITCH_CONF_FILE."""
    await store.beat(time.time(), {})
    if await store.seal():
        say("the logins in the store are encrypted now")
    if file := conf_file(os.environ):
        try:
            outcomes = await import_file(file, await with_stored(settings, store), store, clock=SystemClock())
        except ConfigError as error:
            complain(f"{CONF_FILE}: {error}")
            return
        for outcome in outcomes:
            say(f"{CONF_FILE}: {outcome.line()}")


@asynccontextmanager
async def _page(service: Service, show: Show, *, other_port: bool) -> AsyncGenerator[None]:
    """Serve the dashboard if the settings ask for it; colours change even if it cannot be opened."""
    if not service.settings.web.enabled:
        service.announce_page("")
        yield
        return
    from colorchanger_bot.web.server import serving  # only where it is used: it loads the page's templates and metrics

    async with serving(service, other_port=other_port) as web:
        if web is not None:
            await show(web.url)
            if not list(service.keeper):
                say(f"no account is logged in yet: log in at {web.url}, or run: colorchanger login")
        yield


async def _say_page(url: str) -> None:
    say(f"dashboard: {url}")
