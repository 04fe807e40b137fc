"""The settings in force while the bot runs: the file, the environment and what was set on the page, put together."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from colorchanger_bot.errors import ConfigError
from colorchanger_bot.redaction import MARK
from colorchanger_bot.service.names import bound, logins_by_user_id
from colorchanger_bot.settings.changes import needing_restart, without_restart
from colorchanger_bot.settings.load import Account, Settings
from colorchanger_bot.settings.passwords import hashed
from colorchanger_bot.settings.preferences import is_key, user_id_in, with_preferences
from colorchanger_bot.settings.raw import PAGE
from colorchanger_bot.store.store import Login, Store

PASSWORD = "web.password"  # noqa: S105 - the name of a key


class LiveSettings:
    """The settings in force; the caller that changes them puts the result into effect."""

    def __init__(self, loaded: Settings, store: Store) -> None:
        self.current = loaded
        self.preferences: dict[str, Any] = {}
        """What was set on the page, by key."""
        self.waiting: tuple[str, ...] = ()
        """The keys that were changed in the file and need a restart."""
        self.changing = asyncio.Lock()
        """Held while settings change, so that two changes do not mix."""
        self._loaded = loaded
        self._store = store
        self._named: dict[int, tuple[Account, str]] = {}
        """The accounts that came with a token, by the number of the login that it turned out to be."""

    async def read(self) -> list[str]:
        """Read what was set on the page; return a line for each value that is not used.

        Raises:
            StoreError: the store cannot be read.
        """
        self.preferences = await self._store.preferences()
        if self.preferences:  # else the logins, of which there may be thousands, are not needed
            logins = logins_by_user_id(await self._store.logins())
            self.current = with_preferences(self._loaded, self.preferences, logins)
        return self._new_notes(self._loaded)

    def name(self, id_: int, account: Account, login: str) -> None:
        """Give the settings that came with a token to the account that it turned out to be of."""
        self._named[id_] = account, login
        self.current = self.current.with_login(account, login)

    def bind(self, logins: Iterable[Login]) -> None:
        """Look again at which account in the settings is whose: names have changed."""
        self.current = bound(self.current, logins)

    def forget(self, user_id: str) -> None:
        """Forget what was set for an account that was logged out; the store has done so already."""
        self.preferences = {name: value for name, value in self.preferences.items() if user_id_in(name) != user_id}

    def reload(self, loaded: Settings, logins: Collection[Login]) -> list[str]:
        """Use a file that was changed; return lines for the log: values that are not used, keys that need a restart.

        Raises:
            ConfigError: a run cannot begin with them; nothing changes.
        """
        wanted = self._arranged(loaded, self.preferences, logins)
        _refuse_obstacles(wanted)
        before, self._loaded = self.current, loaded
        waiting, self.waiting = self.waiting, needing_restart(before, wanted)
        self.current = bound(without_restart(before, wanted), logins)
        notes = [note for note in wanted.notes if note not in before.notes]
        if self.waiting and self.waiting != waiting:
            notes.append(f"takes effect after a restart: {', '.join(self.waiting)}")
        return notes

    async def change(self, new: Mapping[str, Any], dropped: Collection[str], logins: Collection[Login]) -> None:
        """Set some keys on the page and drop others; nothing changes if one of them cannot be set.

        Raises:
            ConfigError: a value is wrong, or the file or the environment sets the key; it lists all that is.
            StoreError: it could not be kept.
        """
        if not isinstance(new.get(PASSWORD, ""), str):
            raise ConfigError([f"{PASSWORD}: write a text"])  # not a hash of "None", which nobody would guess
        password = str(new.get(PASSWORD, ""))
        new = {**new, **({PASSWORD: await asyncio.to_thread(hashed, password)} if password else {})}
        if not password and PASSWORD in new:
            new, dropped = {name: value for name, value in new.items() if name != PASSWORD}, [*dropped, PASSWORD]
        origins = self.origins(filter(is_key, (*new, *dropped)), logins)
        if fixed := [line for name in (*new, *dropped) if (line := _obstacle(name, origins, logins))]:
            raise ConfigError(fixed)
        wanted = {name: value for name, value in self.preferences.items() if name not in dropped} | new
        self._check(wanted, logins)
        settings = self._arranged(self._loaded, wanted, logins)
        _refuse_obstacles(settings)
        kept = {name: _normal(settings, name, value, logins) for name, value in new.items()}
        await self._store.change_preferences(kept, dropped)
        self.preferences = {**wanted, **kept}
        self.current = bound(without_restart(self.current, settings), logins)

    def origins(self, names: Iterable[str], logins: Collection[Login]) -> dict[str, str]:
        """Return where the values of keys come from: `config.toml, line 3`, a variable, `the page` or `default`."""
        by_id = logins_by_user_id(logins)
        settings = with_preferences(bound(self._loaded, logins), self.preferences, by_id)
        return {name: _origin(settings, name, by_id) for name in names}

    def _arranged(self, loaded: Settings, preferences: Mapping[str, Any], logins: Collection[Login]) -> Settings:
        settings = with_preferences(bound(loaded, logins), preferences, logins_by_user_id(logins))
        for account, login in self._named.values():
            settings = settings.with_login(account, login)
        return settings

    def _check(self, wanted: Mapping[str, Any], logins: Collection[Login]) -> None:
        """Refuse what does not fit, but not for what did not fit before."""
        before = self._problems(self.preferences, logins)
        if problems := [line for line in self._problems(wanted, logins) if line not in before]:
            raise ConfigError(problems)

    def _problems(self, preferences: Mapping[str, Any], logins: Collection[Login]) -> list[str]:
        try:
            with_preferences(bound(self._loaded, logins), preferences, logins_by_user_id(logins), must_fit=True)
        except ConfigError as error:
            return error.problems
        return []

    def _new_notes(self, before: Settings) -> list[str]:
        return [*self.current.notes[len(before.notes) :]]


def _refuse_obstacles(settings: Settings) -> None:
    if obstacles := [*settings.obstacles()]:
        raise ConfigError(obstacles)


def _origin(settings: Settings, name: str, logins: Mapping[str, str]) -> str:
    path: list[str | int] = [*name.split(".")]
    if user_id := user_id_in(name):
        account = settings.account(logins.get(user_id, ""))
        if account is None:
            return "default"
        path[1] = settings.accounts.index(account)
    origin = settings.origin(tuple(path))
    return f"{settings.source.name}, {origin}" if settings.source and origin.startswith("line ") else origin


def _obstacle(name: str, origins: Mapping[str, str], logins: Collection[Login]) -> str:
    """Why a key cannot be set on the page; empty if it can."""
    if not is_key(name):
        return f"{name}: cannot be set on the page"
    if (user_id := user_id_in(name)) and user_id not in logins_by_user_id(logins):
        return f"{name}: no such account is logged in"
    origin = origins[name]
    return "" if origin in (PAGE, "default") else f"{name} is set in {origin.removeprefix('set in ')}: change it there"


def _normal(settings: Settings, name: str, value: Any, logins: Collection[Login]) -> Any:
    """Return a value as it is kept: as it was understood, a secret as it is."""
    *above, last = name.split(".")
    section: Any = settings
    if user_id := user_id_in(name):
        section = settings.account(logins_by_user_id(logins)[user_id]) or Account()
        above = above[2:]
    for part in above:
        section = getattr(section, part)
    understood = section.model_dump(mode="json")[last]
    return value if understood == MARK else understood
