"""macOS: a launch agent.

launchd reads the folder of agents at each log-in, so writing the file is enough. `launchctl bootstrap` would start the
bot at once, beside the one that runs already.
"""

from __future__ import annotations

import plistlib
import re
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from colorchanger_bot.autostart.entry import Program, Status, missing, remove, replace
from colorchanger_bot.autostart.tools import Run
from colorchanger_bot.errors import AutostartFailed

LABEL = "colorchanger.autostart"


class Launchd:
    """Starts the bot when the user logs in.

    Args:
        agents: the folder of the user's launch agents, `~/Library/LaunchAgents`.
        run: calls `launchctl`.
        user_id: the number of the user.
    """

    def __init__(self, agents: Path, run: Run, user_id: int) -> None:
        self.plist = agents / f"{LABEL}.plist"
        self._run = run
        self._domain = f"gui/{user_id}"

    def status(self) -> Status:
        """Return the state of the agent."""
        try:
            found = plistlib.loads(self.plist.read_bytes())
            command, folder = tuple(map(str, found["ProgramArguments"])), str(found.get("WorkingDirectory", ""))
        except FileNotFoundError:
            return Status("off", "launchd", str(self.plist))
        except (OSError, ValueError, ExpatError, LookupError, TypeError, AttributeError):
            return Status("broken", "launchd", str(self.plist), reason="its file cannot be read")
        if self._is_disabled():  # in System Settings, under Login Items
            return Status("off", "launchd", str(self.plist), command)
        reason = missing(command, folder)
        return Status("broken" if reason else "on", "launchd", str(self.plist), command, reason=reason)

    def turn_on(self, program: Program, *, at_boot: bool) -> None:
        """Write the agent.

        Raises:
            AutostartFailed: it cannot be written, or is wanted before anybody logs in.
        """
        if at_boot:
            raise AutostartFailed("only Linux with systemd can start it before you log in")
        replace(self.plist, plistlib.dumps(agent(program), sort_keys=False))
        if self._is_disabled():
            self._run(("launchctl", "enable", f"{self._domain}/{LABEL}"))

    def turn_off(self) -> None:
        """Remove the agent; a bot that it started keeps running until it is stopped or the user logs out."""
        if not self.plist.exists():
            return
        remove(self.plist)
        loaded = self._run(("launchctl", "print", f"{self._domain}/{LABEL}"))
        if loaded.code == 0 and not re.search(rb"^\s*pid = \d", loaded.output, re.MULTILINE):
            self._run(("launchctl", "bootout", f"{self._domain}/{LABEL}"))

    def _is_disabled(self) -> bool:
        listed = self._run(("launchctl", "print-disabled", self._domain)).output
        return re.search(rf'"{re.escape(LABEL)}" => (disabled|true)\b'.encode(), listed) is not None


def agent(program: Program) -> dict[str, Any]:
    """Return the content of the agent's file."""
    return {
        "Label": LABEL,
        "ProgramArguments": list(program.command),
        "WorkingDirectory": program.folder,
        "RunAtLoad": True,
        # Not after other failures: with wrong settings or without a login, a restart does not help.
        "KeepAlive": {"Crashed": True},
    }
