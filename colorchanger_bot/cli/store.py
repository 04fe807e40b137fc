"""The commands about the store: copies of it, and the key that encrypts the logins in it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from colorchanger_bot.cli import stopping
from colorchanger_bot.cli.options import (
    CONFIG,
    CONFIG_UNUSED,
    DEBUG,
    Commands,
    check_unused,
    complain,
    option,
    settings_of,
)
from colorchanger_bot.console import echo, say
from colorchanger_bot.errors import ConfigError
from colorchanger_bot.words import counted

if TYPE_CHECKING:
    from colorchanger_bot.settings.load import Settings
    from colorchanger_bot.store.copy import Progress

app = Commands()
store_app = app.group("store", "Back up or copy the stored logins and colours.")
key_app = app.group("key", "Make, change or remove the key that encrypts the stored logins.")


@store_app.command(option("path", metavar="PATH", type=Path, help="The new file."), CONFIG, DEBUG, name="backup")
def store_backup(path: Path, config: Path | None, debug: bool) -> None:
    """Copy the store to a new file; the bot may be running."""
    from colorchanger_bot.store.copy import back_up

    settings = settings_of(config, debug=debug)
    with _progress() as progress:
        count = asyncio.run(back_up(settings.storage.url, path, progress))
    say(f"{path}: {counted(count, 'login')} copied")
    if not settings.storage.keys:
        say("Anyone who can read this file can act as these accounts.", error=True)


@store_app.command(
    option("source", metavar="FROM", help="The address or file of the store to copy."),
    option("target", metavar="TO", help="The address or file of an empty store."),
    CONFIG,
    DEBUG,
    name="copy",
)
def store_copy(source: str, target: str, config: Path | None, debug: bool) -> None:
    """Copy a whole store into another database; no bot may be running on either."""
    from colorchanger_bot.store.copy import copy

    settings_of(config, debug=debug)
    with _progress() as progress:
        count = asyncio.run(copy(_url(source), _url(target), progress))
    say(f"{counted(count, 'login')} copied. Set storage.url to the new address and run: colorchanger run")


@key_app.command(CONFIG_UNUSED, name="new")
def key_new(config: Path | None) -> None:
    """Print a new key for storage.key."""
    from colorchanger_bot.vault import new_key

    check_unused(config)
    echo(new_key())
    say(
        "Set it as COLORCHANGER_STORAGE__KEY (or storage.key). Keep it apart from the store, and keep a copy:\n"
        "without it all accounts must log in again. The next run encrypts the stored logins.",
        error=True,
    )


@key_app.command(CONFIG, DEBUG, name="rotate")
def key_rotate(config: Path | None, debug: bool) -> None:
    """Encrypt all logins with the first key of storage.key; you can remove the others afterwards."""
    changed = asyncio.run(_rewrite(settings_of(config, debug=debug), off=False))
    say(f"{counted(changed, 'entry', 'entries')} encrypted again: only the first key is needed from now on")


@key_app.command(CONFIG, DEBUG, name="off")
def key_off(config: Path | None, debug: bool) -> None:
    """Decrypt all stored logins; remove storage.key afterwards, or the next run encrypts them."""
    changed = asyncio.run(_rewrite(settings_of(config, debug=debug), off=True))
    say(f"{counted(changed, 'entry', 'entries')} decrypted: remove storage.key, or the next run encrypts them again")


async def _rewrite(settings: Settings, *, off: bool) -> int:
    from colorchanger_bot.store.store import Store, locked

    if not settings.storage.keys:
        raise ConfigError(["storage.key is not set: make a key with colorchanger key new"])
    # A running bot has the keys that it was started with: with others it could no longer read its logins.
    with locked(settings.storage.url):
        async with Store.open(settings.storage.url, settings.storage.keys) as store:
            return await (store.unseal() if off else store.seal())


def _url(text: str) -> str:
    """Return the address of a store that may be given as the path of a file."""
    from colorchanger_bot.store.file import url_of

    return text if "://" in text else url_of(Path(text).expanduser().absolute())


@contextmanager
def _progress() -> Generator[Progress]:
    """Show a bar on a terminal, elsewhere nothing; a stop signal ends the copy where it can still be undone.

    Raises:
        KeyboardInterrupt: it was ended, and nothing was copied.
    """
    try:
        with _bar() as show:
            yield partial(_go_on, show)
    except _Stopped:
        complain("interrupted: nothing was copied")
        raise KeyboardInterrupt from None


class _Stopped(Exception):
    """Raised in the middle of a copy."""


def _go_on(show: Progress, done: int, total: int) -> None:
    if stopping.is_requested():
        raise _Stopped
    show(done, total)


@contextmanager
def _bar() -> Generator[Progress]:
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True)) as bar:
        task = bar.add_task("copying", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
