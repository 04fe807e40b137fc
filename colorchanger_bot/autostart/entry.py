"""What is started at log-in, and the state of the entry that starts it."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from colorchanger_bot.errors import AutostartFailed
from colorchanger_bot.redaction import one_line

State = Literal["on", "off", "broken", "unavailable"]
"""`broken`: it is on, but cannot start; `unavailable`: nothing here could start it."""

# Control characters and halves of surrogate pairs (bytes that are not UTF-8), which no unit, plist or task can hold.
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Program:
    """A command line, and the folder that it starts in."""

    command: tuple[str, ...]
    folder: str


@dataclass(frozen=True, slots=True)
class Status:
    """How the start at log-in stands.

    Attributes:
        state: on, off, broken or unavailable.
        system: what starts it: systemd, launchd or Task Scheduler; empty if there is none.
        entry: the file, or the name of the task, that starts it.
        command: the command line in the entry; empty if there is none.
        at_boot: whether it starts with the machine, before anybody logs in.
        reason: why it is broken or unavailable, as one plain line.
    """

    state: State
    system: str = ""
    entry: str = ""
    command: tuple[str, ...] = ()
    at_boot: bool = False
    reason: str = ""


class System(Protocol):
    """What starts programs at log-in on one kind of system."""

    def status(self) -> Status:
        """Return the state of the entry."""
        ...

    def turn_on(self, program: Program, *, at_boot: bool) -> None:
        """Write the entry, or replace it; nothing is started now.

        Raises:
            AutostartFailed: the system refused; nothing has changed.
        """
        ...

    def turn_off(self) -> None:
        """Remove the entry with everything that `turn_on` made; a running bot keeps running.

        Raises:
            AutostartFailed: the system refused.
        """
        ...


def this_program(settings_file: Path | None, *, executable: str = "", frozen: bool | None = None) -> Program:
    """Return how to run the bot as it is installed here.

    Args:
        settings_file: the file that is in force, if there is one.
        executable: the interpreter, or the program itself where it is `frozen` into one file; by default this one.
        frozen: whether it is; by default, whether this one is.

    Raises:
        AutostartFailed: a path cannot be written down.
    """
    executable = os.path.abspath(executable or sys.executable)  # links stay: a venv is found by the name of its Python
    command = [executable]
    if not (getattr(sys, "frozen", False) if frozen is None else frozen):
        # -P: no module in the working directory may take the place of one of ours.
        command = [_without_window(executable), "-P", "-m", "colorchanger_bot"]
    command += ["start", "--no-browser"]  # with the page, so that a person who starts it again finds that
    folder = Path.home()
    if settings_file is not None:
        settings_file = Path(os.path.abspath(settings_file))
        command += ["--config", str(settings_file)]
        # Where the settings have relative paths, they count from here, as they do for a `run` in this folder.
        folder = here if settings_file.is_relative_to(here := Path.cwd()) else settings_file.parent
    for text in (*command, str(folder)):
        if _UNWRITABLE.search(text):
            raise AutostartFailed(
                f"{one_line(text)}: rename this; a start at log-in cannot name a path with such characters"
            )
    return Program(tuple(command), str(folder))


def _without_window(python: str) -> str:
    """Return the Python that opens no console window, where Windows has one beside the other."""
    windowless = Path(python).with_name("pythonw.exe")
    return str(windowless) if Path(python).name.lower() == "python.exe" and windowless.exists() else python


def missing(command: Sequence[str], folder: str) -> str:
    """Return what is gone that an entry needs, as one plain line; empty if nothing is."""
    if not command:
        return "it names no program"
    if not shutil.which(command[0]):
        return f"{one_line(command[0])} is gone"
    settings = command[command.index("--config") + 1 :][:1] if "--config" in command else ()
    for file in settings:
        if not os.path.isfile(file):
            return f"the settings file {one_line(file)} is gone"
    if folder and not os.path.isdir(folder):
        return f"the folder {one_line(folder)} is gone"
    return ""


def replace(file: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        AutostartFailed: it cannot be written.
    """
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_bytes(content)
            partial.replace(file)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise AutostartFailed(f"{one_line(str(file))}: cannot be written: {error.strerror}") from None


def remove(file: Path) -> None:
    """Remove a file that may be gone already.

    Raises:
        AutostartFailed: it cannot be removed.
    """
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise AutostartFailed(f"{one_line(str(file))}: cannot be removed: {error.strerror}") from None
