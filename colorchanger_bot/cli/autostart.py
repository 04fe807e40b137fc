"""The commands that let the bot start with the computer."""

from __future__ import annotations

import json
import os
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from colorchanger_bot.cli.options import AS_JSON, CONFIG, CONFIG_UNUSED, Commands, check_unused, loaded, option
from colorchanger_bot.console import echo, say
from colorchanger_bot.redaction import one_line

if TYPE_CHECKING:
    from colorchanger_bot.autostart.entry import Status
    from colorchanger_bot.settings.load import Settings

app = Commands()
autostart_app = app.group("autostart", "Start the bot when you log in to your computer.")


@autostart_app.command(
    option("--at-boot", action="store_true", help="Start it with the machine, before anybody logs in (Linux)."),
    CONFIG,
    name="on",
)
def autostart_on(at_boot: bool, config: Path | None) -> None:
    """Start the bot at each log-in, with the settings file that is in force here; nothing is started now."""
    from colorchanger_bot.autostart import switch

    settings = loaded(config)
    now = switch.turn_on(settings.source, at_boot=at_boot)
    say(f"The bot starts {_when(now)} from now on ({now.system}: {one_line(now.entry)}).")
    if now.system == "systemd" and not now.at_boot:
        say("To start it with the machine, before anybody logs in: colorchanger autostart on --at-boot")
    if names := _only_here(settings):
        say(f"It does not see what is set only in this terminal; put it in the settings file: {', '.join(names)}")


@autostart_app.command(CONFIG_UNUSED, name="off")
def autostart_off(config: Path | None) -> None:
    """Stop starting the bot at log-in; one that is running keeps running."""
    from colorchanger_bot.autostart import switch

    check_unused(config)
    switch.turn_off()
    say("The bot no longer starts by itself.")


@autostart_app.command(AS_JSON, CONFIG_UNUSED, name="status")
def autostart_status(as_json: bool, config: Path | None) -> int:
    """Show whether the bot starts at log-in; exit code 0 if it does, else 1."""
    from colorchanger_bot.autostart import switch

    check_unused(config)
    now = switch.status()
    if as_json:
        echo(json.dumps(asdict(now), indent=2))
    else:
        say(_line(now))
        if now.command:
            echo(f"  {_shown(now.command)}")
    return 0 if now.state == "on" else 1


def _line(now: Status) -> str:
    match now.state:
        case "on":
            return f"on: the bot starts {_when(now)} ({now.system}: {one_line(now.entry)})"
        case "broken":
            return f"on, but it cannot start: {now.reason}; to set it up again, run: colorchanger autostart on"
        case "off":
            return "off: to start the bot when you log in, run: colorchanger autostart on"
        case "unavailable":
            return f"not available: {now.reason}"


def _when(now: Status) -> str:
    return "with the machine" if now.at_boot else "when you log in"


def _shown(command: tuple[str, ...]) -> str:
    if sys.platform == "win32":
        import subprocess

        return one_line(subprocess.list2cmdline(command))
    return one_line(shlex.join(command))


def _only_here(settings: Settings) -> list[str]:
    """Return the variables of this process that the settings are read from."""
    from colorchanger_bot.settings.environment import SECRETS_DIR
    from colorchanger_bot.settings.show import origins

    return sorted({name for name in (*origins(settings).values(), SECRETS_DIR) if name in os.environ})
