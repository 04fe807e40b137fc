"""What the commands share: their options, and the settings that these lead to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from colorchanger_bot.settings import Settings

Config = Annotated[Path | None, typer.Option("--config", "-c", metavar="PATH", help="The settings file.")]
Debug = Annotated[bool, typer.Option("--debug", help="Log everything, and show a traceback when something fails.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]


def settings_of(config: Path | None, *, debug: bool) -> Settings:
    """Read the settings, and set up the log by them.

    Raises:
        ConfigError: they are wrong.
    """
    from colorchanger_bot import logs
    from colorchanger_bot.settings import load

    settings = load(config)
    for secret in settings.secrets():
        logs.keep_secret(secret)
    logs.setup(settings.log, debug=debug)
    return settings
