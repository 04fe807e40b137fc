"""The settings in force, as a TOML settings file for people and as JSON values for programs."""

from __future__ import annotations

import json
from typing import Any

from colorchanger_bot.redaction import MARK, one_line
from colorchanger_bot.settings.keys import entries, leaf_keys
from colorchanger_bot.settings.model import Account, Section
from colorchanger_bot.settings.raw import ENVIRONMENT_ONLY, Key
from colorchanger_bot.settings.settings import Settings


def masked(settings: Settings) -> dict[str, Any]:
    """Return the settings as JSON values, with `***` for secrets; an account has only its own colour keys."""
    values = settings.model_dump(mode="json")
    for row, account in zip(values["accounts"], settings.accounts, strict=True):
        row["color"] = {name: value for name, value in row["color"].items() if name in account.color.model_fields_set}
    return values


def origins(settings: Settings) -> dict[str, str]:
    """Return the origin of each value that is not a default, by key as a person writes it."""
    keys = [key for key, _ in leaf_keys(Settings) if key[0] != "accounts"]
    for place, _ in enumerate(settings.accounts):
        keys += [("accounts", place, *key) for key, _ in leaf_keys(Account)]
    found = ((settings.dotted(key), settings.origin(key)) for key in keys)
    return {name: origin for name, origin in found if origin != "default"}


def as_toml(settings: Settings, *, with_origins: bool = False) -> str:
    """Return the settings as the text of a settings file; secrets are masked and commented out.

    Args:
        settings: what to show.
        with_origins: whether each line says where its value came from.
    """
    source = one_line(str(settings.source)) if settings.source else "no settings file"
    writer = _Writer(settings, with_origins=with_origins)
    for name in Settings.model_fields:
        if name != "accounts":
            writer.table(f"[{name}]", getattr(settings, name), (name,))
    for place, account in enumerate(settings.accounts):
        writer.account(account, ("accounts", place))
    return "\n".join([f"# {source}", *writer.lines, ""])


class _Writer:
    def __init__(self, settings: Settings, *, with_origins: bool) -> None:
        self._settings = settings
        self._with_origins = with_origins
        self.lines: list[str] = []

    def table(self, heading: str, section: Section, key: Key) -> None:
        self.lines += ["", heading]
        for name, value in section.model_dump(mode="json").items():
            if value is not None:
                is_secret = (takes := entries(type(section))[name].takes) is not None and takes.is_secret
                mark = "# " if is_secret and MARK in value else ""
                self.lines.append(f"{mark}{self._line(name, value, (*key, name))}")

    def account(self, account: Account, key: Key) -> None:
        # An account without a login, only with a token, cannot be in a file.
        mark = "" if account.login else "#"
        self.lines += ["", f"{mark}[[accounts]]"]
        for name, value in account.model_dump(mode="json", exclude={"color"}).items():
            if name not in ENVIRONMENT_ONLY:
                self.lines.append(f"{mark}{self._line(name, value, (*key, name))}")
            elif value:
                variable = self._settings.origin((*key, name))
                self.lines.append(f"# {name} = {_toml(value)}  # {variable}: not read from a file")
        own = account.color.model_dump(mode="json", include=account.color.model_fields_set)
        if own:
            self.lines.append(f"{mark}[accounts.color]")
            self.lines += [f"{mark}{self._line(name, value, (*key, 'color', name))}" for name, value in own.items()]

    def _line(self, name: str, value: Any, key: Key) -> str:
        origin = f"  # {one_line(self._settings.origin(key))}" if self._with_origins else ""
        return f"{name} = {_toml(value)}{origin}"


def _toml(value: Any) -> str:
    """Return a value as TOML, which writes texts and lists as JSON does, except for one control character."""
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
