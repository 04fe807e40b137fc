"""What `colorchanger config check` finds beyond the file itself: why `run` or `login` would not work."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import NamedTuple

from colorchanger_bot.changer.owner import Person, known_owner, problem, rename
from colorchanger_bot.errors import ColorChangerError, ConfigError
from colorchanger_bot.service.import_formats import read
from colorchanger_bot.service.login_application import register
from colorchanger_bot.service.names import renamed, unmatched
from colorchanger_bot.settings.environment import CONF_FILE, conf_file
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.file import address_of, file_of
from colorchanger_bot.store.store import Login, Store, exists
from colorchanger_bot.words import shown


class Verdict(NamedTuple):
    """The result: problems keep something from working, advice does not."""

    problems: Sequence[str]
    advice: Sequence[str]


async def check(settings: Settings, environ: Mapping[str, str]) -> Verdict:
    """Check everything that the settings refer to: the application, modules, files, the store and its logins."""
    problems = [
        *settings.obstacles(),
        *_application(settings),
        *_modules(settings),
        *_log_file(settings),
        *_other_program(environ),
    ]
    advice = [*settings.notes, *settings.advice()]
    try:
        logins, owner = await _logins(settings)
    except ConfigError as error:
        problems += error.problems
    except ColorChangerError as error:
        problems.append(f"{settings.where(('storage', 'url'))}: {error}")
    else:
        problems += unmatched(settings, logins)
        advice += renamed(settings, logins)
        if owner is not None:
            problems += filter(None, [problem(settings, owner, [login.login for login in logins])])
            advice += filter(None, [rename(settings, owner)])
        if not logins and not any(account.access_token for account in settings.accounts):
            advice.append("nobody is logged in yet; run: colorchanger login")
    return Verdict(problems, advice)


def _application(settings: Settings) -> Iterator[str]:
    brought = any(account.client_id or account.access_token for account in settings.accounts)
    if not settings.app.client_id and not brought:
        where = settings.where(("app", "client_id"))
        yield f"{where} is empty: {register(settings)}"


def _log_file(settings: Settings) -> Iterator[str]:
    if settings.log.file and (why := _obstacle(Path(settings.log.file).expanduser())):
        where = settings.where(("log", "file"))
        yield f'{where} = {shown(settings.log.file)}: cannot be written ({why}); write another path, or "" for no file'


def _other_program(environ: Mapping[str, str]) -> Iterator[str]:
    if file := conf_file(environ):
        try:
            read(file)
        except ConfigError as error:
            yield f"{CONF_FILE}: {error}"


def _obstacle(path: Path) -> str:
    """Return why a file cannot be opened or made there; empty if it can. Nothing is made."""
    if path.is_dir():
        return "it is a folder"
    there = next(each for each in (path, *path.absolute().parents) if each.exists())
    if there != path and not there.is_dir():
        return f"{there} is not a folder"
    return "" if os.access(there, os.W_OK) else f"this user may not write {there}"


# Modules

_INSTALL = (
    "in this executable; to add your own, install ColorChanger with pipx"
    if getattr(sys, "frozen", False)
    else f"for {sys.executable}; install it there"
)


def _modules(settings: Settings) -> Iterator[str]:
    for module in settings.cogs.load:
        where = f"{settings.where(('cogs', 'load'))} = {shown(module)}"
        spec = _find(module)
        if spec is None:
            yield f"{where}: there is no such module {_INSTALL}, or correct its name"
        elif why := _unusable(spec):
            yield f"{where}: {why}"


def _find(module: str) -> ModuleSpec | None:
    """Return where a module is; nothing of it and its packages is run."""
    spec: ModuleSpec | None = None
    path: Sequence[str] | None = None
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        if end > 1 and path is None:  # the module above is no package
            return None
        name = ".".join(parts[:end])
        found = (finder.find_spec(name, path) for finder in sys.meta_path)
        if (spec := next((each for each in found if each), None)) is None:
            return None
        path = spec.submodule_search_locations
    return spec


def _unusable(spec: ModuleSpec) -> str:
    """Return why TwitchIO could not load a module; empty if it can, or if its source does not tell."""
    if spec.origin is None or not spec.origin.endswith(".py"):
        return ""
    try:
        tree = ast.parse(Path(spec.origin).read_bytes())
    except (OSError, ValueError):
        return ""
    except SyntaxError as error:
        return f"{spec.origin}, line {error.lineno}: this is not Python ({error.msg})"
    # `setup` may also be imported, assigned or defined under a condition: any mention will do.
    names = {getattr(node, "name", None) or getattr(node, "id", None) for node in ast.walk(tree)}
    return "" if names & {"setup", "*"} else f"{spec.origin} has no `async def setup(bot)`, which TwitchIO calls"


# The store


async def _logins(settings: Settings) -> tuple[Sequence[Login], Person | None]:
    """Return who is logged in, and who the owner is if Twitch was asked; a store that does not exist yet is not made.

    Raises:
        ColorChangerError: the store cannot be opened or made.
    """
    url = settings.storage.url
    if exists(url):
        async with Store.open(url, settings.storage.keys) as store:
            return await store.logins(), await known_owner(settings, store)
    path = file_of(address_of(url))
    if path is not None and (why := _obstacle(path)):
        raise ConfigError([f"{settings.where(('storage', 'url'))}: {path} cannot be made ({why}); name another file"])
    return (), None
