"""The raw values of all sources as one tree, with the origin of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard

from colorchanger_bot.redaction import one_line

Key = tuple[str | int, ...]
"""The path of a value in the tree, such as `("accounts", 0, "color", "delay")`."""

PAGE = "the page"
"""The origin of what was set on the page."""

ENVIRONMENT_ONLY: Mapping[str, str] = {
    "access_token": "TWITCH_ACCESS_TOKEN",
    "refresh_token": "TWITCH_REFRESH_TOKEN",
    "client_id": "TWITCH_CLIENT_ID",
    "client_secret": "TWITCH_CLIENT_SECRET",
}
"""Keys of an account that are not read from the file, with the variable to use instead."""

_MISSING = object()


def is_table(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a raw value is a table."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether a raw value is a list."""
    return isinstance(value, list)


def login_of(account: object) -> str:
    """Return the login of a raw account in lower case; empty if it has none."""
    login = account.get("login") if is_table(account) else None
    return one_line(login.strip().lower()) if isinstance(login, str) else ""


@dataclass
class RawSettings:
    """What was found in the file and the environment, before it is checked."""

    tree: dict[str, Any] = field(default_factory=dict[str, Any], repr=False)  # may hold secrets
    problems: list[str] = field(default_factory=list[str])
    """What could not be read at all, a line each."""
    notes: list[str] = field(default_factory=list[str])
    """What was given but has no effect, a line each."""
    file: Path | None = None
    label: str = ""
    """The file as the user knows it."""
    lines: dict[Key, int] = field(default_factory=dict[Key, int])
    """The line of each key and table in the file, from 1 on."""
    variables: dict[Key, str] = field(default_factory=dict[Key, str])
    """The variable, or the file with a secret, of each value that is not from the TOML file."""
    preferences: frozenset[Key] = frozenset()
    """The keys whose values were set on the page."""

    def put(self, key: Key, value: object, variable: str) -> None:
        """Set a value; if the file has something else in place of the table, leave it for the check to find."""
        *above, last = key
        table: Any = self.tree
        for part in above:
            if is_table(table):
                table = table.setdefault(str(part), {})
            elif is_list(table) and isinstance(part, int):
                table = table[part]
        if is_table(table):
            table[str(last)] = value
            self.variables[key] = variable

    @property
    def accounts(self) -> list[Any]:
        """The raw accounts; append to add one."""
        accounts: Any = self.tree.setdefault("accounts", [])
        return accounts if is_list(accounts) else []

    def variable(self, key: Key) -> str | None:
        """Return the variable that this value, or the table around it, came from; None if it was the file."""
        ends = range(len(key), 0, -1)
        return next((self.variables[key[:end]] for end in ends if key[:end] in self.variables), None)

    def line(self, key: Key) -> int | None:
        """Return the line of this key in the file, or of the nearest table around it."""
        for end in range(len(key), 0, -1):
            within = (line for each, line in self.lines.items() if each[:end] == key[:end])
            if line := self.lines.get(key[:end]) or min(within, default=None):
                return line
        return None

    def origin(self, key: Key) -> str:
        """Return where the value of this key came from: a line of the file, a variable, the page, or the default."""
        value: Any = self.tree
        for part in key:  # the values of an inline table are on one line
            if isinstance(part, int):
                value = self.accounts[part] if part < len(self.accounts) else {}
            else:
                value = value.get(part, _MISSING) if is_table(value) else _MISSING
        if value is _MISSING:
            return "default"
        if key in self.preferences:
            return PAGE
        return self.variable(key) or (f"line {line}" if (line := self.line(key)) else "set in code")

    def where(self, key: Key) -> str:
        """Return what a message calls this key: `config.toml, line 3: color.delay` or `LOG_FORMAT`."""
        if variable := self.variable(key):
            return variable
        if self.preferences and key not in self.lines:  # set on the page, or missing beside what was
            return self.dotted(key)
        line = self.line(key)
        place = f"{self.label}, line {line}: " if line else f"{self.label}: " if self.label else ""
        return f"{place}{self.dotted(key)}"

    def dotted(self, key: Key) -> str:
        """Return the key as a person writes it; an account is named by its login, else by its number from 1."""
        names = [one_line(part) for part in key if isinstance(part, str)]
        if names[:1] == ["accounts"] and len(key) > 1 and isinstance(key[1], int):
            account = self.accounts[key[1]] if key[1] < len(self.accounts) else None
            names[0] = f"accounts[{login_of(account) or key[1] + 1}]"
        return ".".join(names)
