"""Running the command line in a terminal of a given size."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import struct
import sys
import termios
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from tests.processes import Environment

_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Session:
    """A process in a terminal, and what it has written there."""

    def __init__(self, process: Process, screen: int) -> None:
        self.process = process
        self.raw = b""
        self._screen = screen

    @property
    def text(self) -> str:
        """What was written, without colours."""
        return _STYLE.sub("", self.raw.decode("utf-8", "replace")).replace("\r\n", "\n")

    def read(self) -> None:
        """Take what the process has written."""
        with contextlib.suppress(BlockingIOError, OSError):  # nothing new, or all is closed
            while chunk := os.read(self._screen, 65536):
                self.raw += chunk

    async def until(self, condition: Callable[[str], object], *, seconds: float = 20.0) -> None:
        """Read until a condition of the text holds."""
        async with asyncio.timeout(seconds):
            while not condition(self.text):
                await asyncio.sleep(0.02)
                self.read()

    async def end(self, *, seconds: float = 30.0) -> int:
        """Read to the end; return the exit code."""
        async with asyncio.timeout(seconds):
            while self.process.returncode is None:
                self.read()
                await asyncio.sleep(0.02)
        self.read()
        return int(self.process.returncode or 0)

    def press_ctrl_c(self) -> None:
        """Do what the keys do."""
        os.write(self._screen, b"\x03")


@asynccontextmanager
async def in_terminal(
    *arguments: str, environment: Environment, columns: int = 80, lines: int = 24
) -> AsyncGenerator[Session]:
    """Start a command in a terminal of its own."""
    screen, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    os.set_blocking(screen, False)
    kept = {name: value for name, value in environment.items() if name not in ("COLUMNS", "LINES")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _LEADER, *arguments,
        env={"TERM": "xterm-256color"} | kept, cwd=environment["HOME"], stdin=inside, stdout=inside, stderr=inside,
    )  # fmt: skip
    os.close(inside)
    try:
        yield Session(process, screen)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(screen)


# The terminal must be the controlling one, else Ctrl-C is only a character.
_LEADER = (
    "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.executable, [sys.executable, '-m', 'colorchanger_bot', *sys.argv[1:]])"
)
