"""Preferences: what was set on the page, by key, such as `color.delay` or `accounts.USER_ID.channels`.

They are kept in the store. A key that the file or the environment sets wins over the preference.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from colorchanger_bot.errors import ConfigError
from colorchanger_bot.settings.keys import entries
from colorchanger_bot.settings.model import ColorSettings, CommandSettings
from colorchanger_bot.settings.raw import Key
from colorchanger_bot.settings.settings import Settings

TABLES: Mapping[str, Collection[str]] = {
    "app": ("client_id", "client_secret"),
    "color": entries(ColorSettings),
    "commands": entries(CommandSettings),
    "web": ("password",),
    "log": ("level",),
}
"""The tables that can be set on the page, with the keys; not where programs are loaded from or data goes to."""
OF_ACCOUNT: Collection[str] = ("channels", "follow_live")
"""The keys of an account that can be set on the page, beside its colours."""


def is_key(name: str) -> bool:
    """Whether this is the key of something that can be set on the page."""
    table, _, key = name.partition(".")
    if table != "accounts":
        return key in TABLES.get(table, ())
    user_id, _, key = key.partition(".")
    color, _, last = key.partition(".")
    return user_id.isdecimal() and (key in OF_ACCOUNT or (color == "color" and last in TABLES["color"]))


def user_id_in(name: str) -> str:
    """Return the user id in the key of an account; empty for other keys."""
    table, _, key = name.partition(".")
    return key.partition(".")[0] if table == "accounts" else ""


def with_preferences(
    settings: Settings, preferences: Mapping[str, Any], logins: Mapping[str, str], *, must_fit: bool = False
) -> Settings:
    """Return settings with what was set on the page, where neither the file nor the environment sets it.

    What does not fit the rest, such as a file that was changed since, is left out, with a note; with `must_fit` it is
    an error.

    Args:
        settings: what the file and the environment set.
        preferences: values by key.
        logins: the logins of the accounts by their user ids; preferences of others are left out.
        must_fit: whether each of them has to be valid.

    Raises:
        ConfigError: with `must_fit`, something is wrong; it lists all that is.
    """
    if not preferences:
        return settings
    known = {name: value for name, value in preferences.items() if is_key(name)}
    unknown = [f"{name}: this version has no such setting" for name in preferences if name not in known]
    if unknown and must_fit:
        raise ConfigError(unknown)
    tables: dict[str, dict[str, Any]] = {}
    for name, value in known.items():
        if not (user_id := user_id_in(name)) or user_id in logins:
            tables.setdefault(_table_of(name), {})[name] = value
    if must_fit:
        return _joined(settings, {name: value for table in tables.values() for name, value in table.items()}, logins)
    kept: dict[str, Any] = {}
    problems = [*unknown, *_keep_fitting(settings, [*tables.values()], kept, logins)]
    return _joined(settings, kept, logins, [f"set on the page, but not used: {line}" for line in problems])


def _table_of(name: str) -> str:
    """Return the table of a key: its values have to fit together."""
    return name.rpartition(".")[0]


def _keep_fitting(
    settings: Settings, tables: Sequence[Mapping[str, Any]], kept: dict[str, Any], logins: Mapping[str, str]
) -> list[str]:
    """Add to `kept` the tables that fit; return the problems of the others. One bad table of many is found fast."""
    try:
        more = {name: value for table in tables for name, value in table.items()}
        _joined(settings, {**kept, **more}, logins)
    except ConfigError as error:
        if len(tables) == 1:
            return error.problems
        half = len(tables) // 2
        halves = tables[:half], tables[half:]
        return [line for part in halves for line in _keep_fitting(settings, part, kept, logins)]
    kept.update(more)
    return []


def _joined(
    settings: Settings, preferences: Mapping[str, Any], logins: Mapping[str, str], notes: Iterable[str] = ()
) -> Settings:
    places = {account.name: place for place, account in enumerate(settings.accounts)}
    free = count(len(places))
    accounts: dict[str, tuple[int, str]] = {}
    for user_id in dict.fromkeys(user_id for name in preferences if (user_id := user_id_in(name))):
        listed = settings.account(logins[user_id])
        accounts[user_id] = places[listed.name] if listed else next(free), logins[user_id]
    tree = settings.tree()
    added = frozenset(_add(tree, preferences, accounts))
    return settings.with_tree(tree, preferences=added, notes=notes)


def _add(tree: dict[str, Any], preferences: Mapping[str, Any], accounts: Mapping[str, tuple[int, str]]) -> list[Key]:
    """Add to a tree what it does not set; return the paths of the values that were added.

    Args:
        tree: what `Settings.tree` returned.
        preferences: values by key.
        accounts: the place of each account in the tree and its login, by its user id; those behind the last place are
            new.
    """
    added: list[Key] = []
    listed: list[dict[str, Any]] = tree.setdefault("accounts", [])
    for name, value in preferences.items():
        table: dict[str, Any] = tree
        path: list[str | int] = [*name.split(".")]
        if user_id := user_id_in(name):
            place, login = accounts[user_id]
            listed += [{} for _ in range(place + 1 - len(listed))]
            table = listed[place]
            table.setdefault("login", login)
            path[1] = place
        for part in path[2 if user_id else 0 : -1]:
            table = table.setdefault(str(part), {})
        if str(path[-1]) not in table:
            table[str(path[-1])] = value
            added.append(tuple(path))
    if not listed:
        del tree["accounts"]
    return added
