"""Linux with systemd: a unit of the user."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from pathlib import Path

from colorchanger_bot.autostart.entry import Program, Status, missing, remove, replace
from colorchanger_bot.autostart.tools import Run
from colorchanger_bot.errors import AutostartFailed

UNIT = "colorchanger.service"
NO_SYSTEMD = (
    "systemd does not run here, as in most containers and in WSL by default; "
    "have whatever starts your other programs run: colorchanger run"
)
NO_SESSION = "systemd has no session for this user: log in as the user itself, not with su or sudo, and try again"

# systemd refuses a program with these in its path, and does not read `$$` there; a shell takes any path.
_AWKWARD = re.compile(r"""["'\\$]""")
_THROUGH_SHELL = ("/bin/sh", "-c", 'exec "$0" "$@"')
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_LINGER_MARK = "X-ColorChanger-Linger=true"
"""In a unit whose `turn_on` turned lingering on, so that `turn_off` turns it off again. systemd ignores `X-` keys."""


class Systemd:
    """Starts the bot when the user logs in; with lingering, when the machine does.

    Args:
        config: the folder of the user's settings, mostly `~/.config`.
        run: calls `systemctl` and `loginctl`.
        user: the name of the user.
        linger: the folder in which systemd keeps an empty file for each user who lingers.
        booted: exists if systemd runs this machine.
    """

    def __init__(
        self,
        config: Path,
        run: Run,
        user: str,
        *,
        linger: Path = Path("/var/lib/systemd/linger"),
        booted: Path = Path("/run/systemd/system"),
    ) -> None:
        self.unit = config / "systemd" / "user" / UNIT
        self.link = self.unit.parent / "default.target.wants" / UNIT
        self._run = run
        self._linger = linger / user
        self._booted = booted

    def status(self) -> Status:
        """Return the state of the unit, from its file; without one, whether systemd could start one."""
        text = self._text()
        if text is None or not os.path.lexists(self.link):
            reason = self._unavailable()
            return Status("unavailable" if reason else "off", "systemd", str(self.unit), reason=reason)
        command, folder = parsed(text)
        reason = missing(command, folder)
        return Status(
            "broken" if reason else "on", "systemd", str(self.unit), command, os.path.lexists(self._linger), reason
        )

    def turn_on(self, program: Program, *, at_boot: bool) -> None:
        """Write the unit and enable it; `at_boot` turns lingering on, which lets a user's units run without a log-in.

        Raises:
            AutostartFailed: systemd refused; nothing has changed.
        """
        if reason := self._unavailable():
            raise AutostartFailed(reason)
        before = self._text()
        turns_on = at_boot and not os.path.lexists(self._linger)
        lingers_by_us = turns_on or (before is not None and _LINGER_MARK in before)
        try:
            replace(self.unit, unit(program, lingers_by_us=lingers_by_us).encode())
            self._call("systemctl", "--user", "daemon-reload")
            self._call("systemctl", "--user", "enable", UNIT)
            if turns_on:  # last, so that there is nothing to take back
                self._call("loginctl", "enable-linger")
        except AutostartFailed:
            with contextlib.suppress(AutostartFailed):  # where nothing can be written, nothing is to be taken back
                if before is not None:
                    replace(self.unit, before.encode(errors="surrogateescape"))
                    self._run(("systemctl", "--user", "daemon-reload"))
                else:
                    self._remove()
            raise

    def turn_off(self) -> None:
        """Remove the unit; a bot that it started keeps running until it is stopped.

        Raises:
            AutostartFailed: a file cannot be removed, or lingering not turned off.
        """
        text = self._text()
        if text is None and not os.path.lexists(self.link):
            return
        self._remove()
        if text is not None and _LINGER_MARK in text:
            self._call("loginctl", "disable-linger")

    def _remove(self) -> None:
        # Without a session there is nobody to tell, and the next one reads what is left: nothing.
        self._run(("systemctl", "--user", "disable", UNIT))
        remove(self.link)
        remove(self.unit)
        for folder in (self.link.parent, self.unit.parent, self.unit.parents[1]):
            with contextlib.suppress(OSError):  # not empty: others have units there
                folder.rmdir()
        self._run(("systemctl", "--user", "daemon-reload"))
        self._run(("systemctl", "--user", "reset-failed", UNIT))

    def _text(self) -> str | None:
        try:
            return self.unit.read_text("utf-8", errors="surrogateescape")
        except OSError:
            return None

    def _unavailable(self) -> str:
        if not shutil.which("systemctl") or self._run(("systemctl", "--user", "show", "--property=Version")).code:
            return NO_SESSION if self._booted.exists() else NO_SYSTEMD
        return ""

    def _call(self, *command: str) -> None:
        result = self._run(command)
        if result.code:
            raise AutostartFailed(f"{' '.join(command)} failed: {result.complaint or f'exit code {result.code}'}")


def unit(program: Program, *, lingers_by_us: bool = False) -> str:
    """Return the text of the unit."""
    command = (*_THROUGH_SHELL, *program.command) if _AWKWARD.search(program.command[0]) else program.command
    # A folder is not quoted. The slash keeps a space at its end, and keeps a backslash from joining two lines.
    mark = f"{_LINGER_MARK}\n" if lingers_by_us else ""
    folder = program.folder.rstrip("/").replace("%", "%%") + "/"
    return f"""\
# Written by: colorchanger autostart on. Remove it with: colorchanger autostart off
[Unit]
Description=ColorChanger: a new Twitch chat colour after each of your messages
{mark}
[Service]
ExecStart={" ".join(map(quoted, command))}
WorkingDirectory={folder}
Restart=on-failure
RestartSec=30
# Wrong settings, no login, already running: restarting does not help.
RestartPreventExitStatus=2 3 4
TimeoutStopSec=6

[Install]
WantedBy=default.target
"""


def quoted(text: str) -> str:
    """Return one argument as systemd reads it: in double quotes, where it would still replace `%h` and `$HOME`."""
    for character, escaped in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        text = text.replace(character, escaped)
    return f'"{text}"'


def parsed(text: str) -> tuple[tuple[str, ...], str]:
    """Return the command line and the folder of a unit."""
    fields = dict(re.findall(r"^(ExecStart|WorkingDirectory)=(.*)$", text, re.MULTILINE))
    words = [
        re.sub(r"\\(.)", r"\1", in_quotes or bare).replace("%%", "%").replace("$$", "$")
        for in_quotes, bare in _WORD.findall(fields.get("ExecStart", ""))
    ]
    if tuple(words[: len(_THROUGH_SHELL)]) == _THROUGH_SHELL:
        words = words[len(_THROUGH_SHELL) :]
    return tuple(words), fields.get("WorkingDirectory", "").replace("%%", "%")
