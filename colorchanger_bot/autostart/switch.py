"""The switch: whether the bot starts when you log in.

These functions call programs of the system, each for at most ten seconds: call them in a thread from a coroutine.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from colorchanger_bot.autostart.entry import Status, System, this_program
from colorchanger_bot.autostart.launchd import Launchd
from colorchanger_bot.autostart.systemd import Systemd
from colorchanger_bot.autostart.tools import run
from colorchanger_bot.autostart.windows import TaskScheduler
from colorchanger_bot.errors import AutostartFailed

NOT_HERE = "ColorChanger cannot start by itself on this system; have your own start-up script run: colorchanger run"


def status() -> Status:
    """Return whether the bot starts at log-in.

    Raises:
        AutostartFailed: the system does not answer.
    """
    system = _system()
    return Status("unavailable", reason=NOT_HERE) if system is None else system.status()


def turn_on(settings_file: Path | None = None, *, at_boot: bool = False) -> Status:
    """Let the bot start at log-in, and return the state; nothing is started now. Again, it replaces what was there.

    Args:
        settings_file: the settings file that is in force, if there is one.
        at_boot: start it with the machine, before anybody logs in; only on Linux.

    Raises:
        AutostartFailed: the system refused, or has nothing for this; nothing has changed.
    """
    system = _system()
    if system is None:
        raise AutostartFailed(NOT_HERE)
    system.turn_on(this_program(settings_file), at_boot=at_boot)
    return system.status()


def turn_off() -> Status:
    """Stop starting the bot, remove every trace, and return the state; a running bot keeps running.

    Raises:
        AutostartFailed: the system refused.
    """
    system = _system()
    if system is not None:
        system.turn_off()
    return status()


def _system() -> System | None:
    """Return what starts programs at log-in here."""
    if sys.platform == "linux":
        config = os.environ.get("XDG_CONFIG_HOME", "")
        return Systemd(Path(config) if os.path.isabs(config) else Path.home() / ".config", run, _user_name())
    if sys.platform == "darwin":
        return Launchd(Path.home() / "Library" / "LaunchAgents", run, os.getuid())
    if sys.platform == "win32":
        return TaskScheduler(run, os.environ)
    return None


def _user_name() -> str:
    import pwd  # noqa: PLC0415 - Windows has none

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a user id without a name, as in some containers
        return str(os.getuid())
