"""What the settings are made of: raw values as one tree, each with its origin; and the TOML file, the first source."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard

import platformdirs

from colorchanger_bot.redaction import one_line

Key = tuple[str | int, ...]
"""Where a value stands in the tree, such as `("accounts", 0, "color", "delay")`."""

FILE_NAME = "config.toml"
ENVIRONMENT_ONLY: Mapping[str, str] = {
    "access_token": "TWITCH_ACCESS_TOKEN",
    "refresh_token": "TWITCH_REFRESH_TOKEN",
    "client_id": "TWITCH_CLIENT_ID",
    "client_secret": "TWITCH_CLIENT_SECRET",
}
"""Keys of an account that are not read from the file, and the numbered variable to use instead."""


def is_table(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a raw value is a table."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether a raw value is a list."""
    return isinstance(value, list)


@dataclass
class Found:
    """The raw values as one tree, where each came from, and what could not be read."""

    tree: dict[str, Any] = field(default_factory=dict[str, Any])
    problems: list[str] = field(default_factory=list[str])
    file: Path | None = None
    label: str = ""
    """The file as the user knows it."""
    origins: dict[Key, str] = field(default_factory=dict[Key, str])
    """The variable, or file with a secret, of each value that is not from the TOML file."""

    def put(self, key: Key, value: object, origin: str) -> None:
        """Set a value; where the file has no table but nonsense, that is left for the check to find."""
        *above, last = key
        table: Any = self.tree
        for part in above:
            if is_table(table):
                table = table.setdefault(str(part), {})
            elif is_list(table) and isinstance(part, int):
                table = table[part]
        if is_table(table):
            table[str(last)] = value
            self.origins[key] = origin

    @property
    def accounts(self) -> list[Any]:
        """The raw accounts; to be appended to."""
        accounts: Any = self.tree.setdefault("accounts", [])
        return accounts if is_list(accounts) else []

    def origin(self, key: Key) -> str | None:
        """Return the variable that this value, or the table it stands in, came from; None if it was the file."""
        return next((self.origins[key[:end]] for end in range(len(key), 0, -1) if key[:end] in self.origins), None)

    def where(self, key: Key) -> str:
        """Return what a message calls this key: `config.toml: color.delay` or `LOG_FORMAT`."""
        name = self.dotted(key)
        return self.origin(key) or (f"{self.label}: {name}" if self.label else name)

    def dotted(self, key: Key) -> str:
        """Return the key as a person writes it; an account goes by its login, else by its place from 1 on."""
        names = [one_line(part) for part in key if isinstance(part, str)]
        if names[0] == "accounts" and len(key) > 1 and isinstance(key[1], int):
            names[0] = f"accounts[{login_of(self.accounts[key[1]]) or key[1] + 1}]"
        return ".".join(names)


def login_of(account: object) -> str:
    """Return the login of a raw account in lower case; empty if it has none."""
    login = account.get("login") if is_table(account) else None
    return one_line(login.lower()) if isinstance(login, str) else ""


def find_file(named: str | Path | None, cwd: Path, config_dir: Path | None) -> tuple[Path | None, str]:
    """Return the settings file and its name in messages: the named one, else the working or the user's directory's."""
    if named:
        return cwd / Path(named).expanduser(), str(named)
    if (here := cwd / FILE_NAME).exists():
        return here, FILE_NAME
    home = (config_dir or platformdirs.user_config_path("colorchanger", appauthor=False)) / FILE_NAME
    return (home, str(home)) if home.exists() else (None, "")


def read_file(path: Path, label: str) -> Found:
    """Read a settings file; what is wrong with it stands in `problems`."""
    import tomllib  # noqa: PLC0415 - a container has no file

    found = Found(file=path, label=label)
    try:
        found.tree = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        found.problems.append(
            f"{label}: there is no such file; make one with: colorchanger config example > {FILE_NAME}"
        )
    except OSError as error:
        why = "it is a directory" if os.path.isdir(path) else error.strerror
        found.problems.append(f"{label}: cannot be read ({why}); name a text file that this user may read")
    except UnicodeDecodeError as error:
        found.problems.append(f"{label}: byte {error.start + 1} is not UTF-8; save the file as UTF-8")
    except (ValueError, RecursionError) as error:
        found.problems.append(_broken(label, str(error)))
    _refuse_tokens(found)
    return found


def _broken(label: str, error: str) -> str:
    if place := re.search(r"\s*\(at (line \d+, column \d+|end of document)\)$", error):
        label, error = f"{label}, {place[1]}", error[: place.start()]
    return (
        f'{label}: this is not TOML ({one_line(error)}); a line is key = value, and texts stand in quotes: key = "text"'
    )


def _refuse_tokens(found: Found) -> None:
    """People show each other their files, so tokens are not read from there."""
    for index, account in enumerate(found.accounts):
        for key, variable in ENVIRONMENT_ONLY.items() if is_table(account) else ():
            if account.pop(key, None) is not None:
                found.problems.append(
                    f"{found.where(('accounts', index, key))} does not belong in this file; "
                    f"remove it and run: colorchanger login (or set {variable}_1)"
                )
