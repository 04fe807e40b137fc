"""Preferences: what was set on the page, by key, such as `color.delay` or `accounts.USER_ID.channels`.

They are kept in the store. A key that the file or the environment sets wins over the preference.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import BaseModel

from colorchanger_bot.settings.keys import entries
from colorchanger_bot.settings.model import ColorSettings, CommandSettings
from colorchanger_bot.settings.raw import Key

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


def table_of(name: str) -> str:
    """Return the table of a key: its values have to fit together."""
    return name.rpartition(".")[0]


def tree_of(section: BaseModel) -> dict[str, Any]:
    """Return what was set in a table and the tables in it, without defaults."""
    return {name: _raw(getattr(section, name)) for name in section.model_fields_set}


def _raw(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return tree_of(value)
    if isinstance(value, tuple):
        return [_raw(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    return value


def add(tree: dict[str, Any], preferences: Mapping[str, Any], accounts: Mapping[str, tuple[int, str]]) -> list[Key]:
    """Add to a tree what it does not set; return the paths of the values that were added.

    Args:
        tree: what `tree_of` returned.
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
