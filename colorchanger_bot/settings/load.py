"""Reads the settings: the file, then the environment, which takes precedence.

The sources, later ones winning: the file, `DEBUG`, `LOG_FORMAT` and `LOG_FILE`, the numbered accounts, and
`COLORCHANGER_SECTION__KEY`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from colorchanger_bot.settings.environment import (
    CONFIG,
    add_numbered,
    add_prefixed,
    add_short,
    read_variables,
    variable_name,
)
from colorchanger_bot.settings.file import find_file, places, read_file
from colorchanger_bot.settings.keys import leaf_keys
from colorchanger_bot.settings.model import (
    Account,
    AppSettings,
    CogSettings,
    ColorSettings,
    CommandSettings,
    CommunitySettings,
    LogSettings,
    StorageSettings,
    TwitchSettings,
    WebSettings,
)
from colorchanger_bot.settings.raw import Key, RawSettings, is_table
from colorchanger_bot.settings.settings import Settings

__all__ = [
    "Account",
    "AppSettings",
    "CogSettings",
    "ColorSettings",
    "CommandSettings",
    "CommunitySettings",
    "LogSettings",
    "Settings",
    "StorageSettings",
    "TwitchSettings",
    "WebSettings",
    "candidates",
    "load",
]


def load(
    path: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    config_dir: Path | None = None,
) -> Settings:
    """Read the settings from `path` (else the first file that exists) and the environment.

    Raises:
        ConfigError: something is wrong; it lists all that is.
    """
    keys = _variables()
    said = RawSettings()
    variables = read_variables(os.environ if environ is None else environ, keys, said)
    named = path or (variables[CONFIG].text if CONFIG in variables else None)
    file, label = find_file(named, cwd or Path.cwd(), config_dir)
    found = read_file(file, label) if file else RawSettings()
    found.problems[:0] = said.problems
    found.notes += said.notes
    add_short(found, variables)
    add_numbered(found, variables)
    add_prefixed(found, variables, keys)
    _leave_blank(found)
    return Settings.from_raw(found)


def _leave_blank(found: RawSettings) -> None:
    """Take an empty Client ID or password for none: `config init` writes them to be filled in, here or on the page."""
    app = found.tree.get("app")
    if is_table(app) and app.get("client_id") == "" and not app.get("client_secret"):
        del app["client_id"]
    page = found.tree.get("web")
    if is_table(page) and page.get("password") == "":
        del page["password"]


def candidates(path: Path | None = None, *, environ: Mapping[str, str] | None = None) -> list[Path]:
    """Return where `load` looks for the file, most important first."""
    named = path or (os.environ if environ is None else environ).get(CONFIG, "").strip() or None
    return [place for place, _ in places(named, Path.cwd(), None)]


@cache
def _variables() -> dict[str, Key]:
    """The key of each variable `COLORCHANGER_SECTION__KEY`."""
    return {variable_name(key): key for key, _ in leaf_keys(Settings) if key[0] != "accounts"}
