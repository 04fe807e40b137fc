"""Windows: a task that runs when the user logs on.

It is a task and not an entry under the registry's `Run` key. An entry takes at most 260 characters, too few for a path
into a virtual environment and one to the settings file, and has no working directory. A task for your own log-on needs
no administrator either.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from colorchanger_bot.autostart.entry import Program, Status, missing
from colorchanger_bot.autostart.tools import Run
from colorchanger_bot.errors import AutostartFailed
from colorchanger_bot.redaction import one_line

_XMLNS = "http://schemas.microsoft.com/windows/2004/02/mit/task"
_SETTINGS = {
    "MultipleInstancesPolicy": "IgnoreNew",
    # The defaults are made for short jobs: not on batteries, and stopped after three days.
    "DisallowStartIfOnBatteries": "false",
    "StopIfGoingOnBatteries": "false",
    "ExecutionTimeLimit": "PT0S",
    "Priority": "5",
}


class TaskScheduler:
    """Starts the bot when the user logs on.

    Args:
        run: calls `schtasks` and `whoami`.
        environ: the variables of the process; Windows replaces `%NAME%` in a task by their values.
    """

    def __init__(self, run: Run, environ: Mapping[str, str]) -> None:
        self._run = run
        self._environ = environ
        # By its whole path: Windows would take a program of that name in the working directory first.
        self._tools = Path(environ.get("SYSTEMROOT", r"C:\Windows")) / "System32"

    def status(self) -> Status:
        """Return the state of the task."""
        name = self._name()
        found = self._run((self._tool("schtasks"), "/query", "/tn", name, "/xml", "ONE"))
        if found.code:
            return Status("off", "Task Scheduler", name)
        try:
            command, folder, enabled = parsed(_text(found.output))
        except (ElementTree.ParseError, ValueError):
            return Status("broken", "Task Scheduler", name, reason="the task cannot be read")
        if not enabled:
            return Status("off", "Task Scheduler", name, command)
        # What the console's characters cannot show arrives as question marks, which no path has.
        reason = "" if any("?" in text for text in (*command, folder)) else missing(command, folder)
        return Status("broken" if reason else "on", "Task Scheduler", name, command, reason=reason)

    def turn_on(self, program: Program, *, at_boot: bool) -> None:
        """Create the task, or replace it.

        Raises:
            AutostartFailed: Windows refused, or it is wanted before anybody logs on.
        """
        if at_boot:
            raise AutostartFailed("only Linux with systemd can start it before you log in")
        for text in (*program.command, program.folder):
            self._check(text)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            file = Path(folder) / "task.xml"
            file.write_bytes(task(program, self._user()))
            self._call("/create", "/tn", self._name(), "/xml", str(file), "/f")

    def turn_off(self) -> None:
        """Remove the task; a bot that it started keeps running.

        Raises:
            AutostartFailed: Windows refused.
        """
        if self._run((self._tool("schtasks"), "/query", "/tn", self._name())).code == 0:
            self._call("/delete", "/tn", self._name(), "/f")

    def _check(self, text: str) -> None:
        """Refuse a path in which Windows would replace something; it knows no escape for that."""
        known = {name.upper() for name in self._environ}
        if any(name.upper() in known for name in re.findall(r"%([^%]+)(?=%)", text)) or "$(" in text:
            raise AutostartFailed(f"{one_line(text)}: rename this; Windows would replace a part of it by a variable")

    def _name(self) -> str:
        """Return the task's name. All users of a machine share the names, so it has the user's number."""
        return f"ColorChanger-{self._user()}"

    def _user(self) -> str:
        found = re.search(rb"S-1-[\d-]+", self._run((self._tool("whoami"), "/user", "/fo", "csv", "/nh")).output)
        if not found:
            raise AutostartFailed("Windows does not say who is logged on, so no task can be made for you")
        return found[0].decode()

    def _tool(self, name: str) -> str:
        return str(self._tools / f"{name}.exe")

    def _call(self, *arguments: str) -> None:
        result = self._run((self._tool("schtasks"), *arguments))
        if result.code:
            raise AutostartFailed(f"Windows refused the task: {result.complaint or f'exit code {result.code}'}")


def task(program: Program, user: str) -> bytes:
    """Return the task as XML, in UTF-16 as `schtasks` wants it; `user` is the user's security identifier."""
    root = ElementTree.Element("Task", {"version": "1.2", "xmlns": _XMLNS})
    description = "A new Twitch chat colour after each of your messages. Remove it with: colorchanger autostart off"
    _add(root, "RegistrationInfo", Description=description)
    _add(_add(root, "Triggers"), "LogonTrigger", Enabled="true", UserId=user)
    principal = _add(
        _add(root, "Principals"), "Principal", UserId=user, LogonType="InteractiveToken", RunLevel="LeastPrivilege"
    )
    principal.set("id", "Author")
    _add(root, "Settings", **_SETTINGS)
    actions = _add(root, "Actions")
    actions.set("Context", "Author")
    first, *rest = program.command
    _add(actions, "Exec", Command=first, Arguments=subprocess.list2cmdline(rest), WorkingDirectory=program.folder)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-16")


def parsed(text: str) -> tuple[tuple[str, ...], str, bool]:
    """Return the command line and the folder of a task, and whether it is enabled.

    Raises:
        ParseError: this is not XML.
        ValueError: this is not a task.
    """
    root = ElementTree.fromstring(re.sub(r"^\ufeff?\s*<\?xml[^>]*\?>", "", text))  # noqa: S314 - Windows wrote it
    space = {"t": _XMLNS}
    program = root.findtext("t:Actions/t:Exec/t:Command", "", space)
    if not program:
        raise ValueError("no program")
    arguments = split(root.findtext("t:Actions/t:Exec/t:Arguments", "", space))
    folder = root.findtext("t:Actions/t:Exec/t:WorkingDirectory", "", space)
    return (program.strip('"'), *arguments), folder, root.findtext("t:Settings/t:Enabled", "true", space) != "false"


def split(line: str) -> list[str]:
    """Return the arguments of a command line as Windows programs read it: the inverse of `subprocess.list2cmdline`."""
    words: list[str] = []
    word, in_quotes, slashes = "", False, 0
    begun = False
    for character in line:
        if character == "\\":
            slashes += 1
            continue
        if character == '"':  # before a quote, and only there, two backslashes are one
            word += "\\" * (slashes // 2)
            if slashes % 2:
                word += '"'
            else:
                in_quotes = not in_quotes
            begun = True
        elif character in " \t" and not in_quotes:
            word += "\\" * slashes
            if word or begun:
                words.append(word)
            word, begun = "", False
        else:
            word += "\\" * slashes + character
        slashes = 0
    word += "\\" * slashes
    return [*words, word] if word or begun else words


def _add(parent: ElementTree.Element, name: str, **children: str) -> ElementTree.Element:
    """Add an element with children that have a text each, in this order: the schema wants it kept."""
    made = ElementTree.SubElement(parent, name)
    for child, text in children.items():
        ElementTree.SubElement(made, child).text = text
    return made


def _text(output: bytes) -> str:
    """Return what `schtasks` printed: in UTF-16 or, into a pipe, in the console's code page."""
    if output.startswith((b"\xff\xfe", b"\xfe\xff")):
        return output.decode("utf-16", errors="replace")
    return output.decode("oem" if sys.platform == "win32" else "utf-8", errors="replace")
