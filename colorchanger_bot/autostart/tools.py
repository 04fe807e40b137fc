"""Calling the system's own programs, each with a time limit."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from colorchanger_bot.errors import AutostartFailed
from colorchanger_bot.words import shortened

LIMIT = 10.0
"""How long one call may take, in seconds."""
LONGEST_COMPLAINT = 200


class Result(NamedTuple):
    """What a program answered: its exit code, its output, and the first line of its complaint."""

    code: int
    output: bytes = b""
    complaint: str = ""


Run = Callable[[Sequence[str]], Result]


def run(command: Sequence[str], *, limit: float = LIMIT) -> Result:
    """Call a program; one that is not there, or cannot be called, has exit code 127.

    Raises:
        AutostartFailed: it does not end in time.
    """
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program with arguments of ours, without a shell
            command,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=limit,
            env=environment(os.environ),
            creationflags=subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise AutostartFailed(f"{os.path.basename(command[0])} did not answer within {limit:g} seconds") from None
    except OSError as error:
        return Result(127, complaint=f"{command[0]}: {error.strerror}")
    said = done.stderr.decode(errors="replace").strip() or done.stdout.decode(errors="replace").strip()
    return Result(done.returncode, done.stdout, shortened(said.partition("\n")[0].strip(), LONGEST_COMPLAINT))


def environment(ours: Mapping[str, str], runtimes: Path = Path("/run/user")) -> dict[str, str]:
    """Return the variables for a program of the system."""
    theirs = dict(ours)
    if sys.platform == "linux" and not theirs.get("XDG_RUNTIME_DIR"):
        runtime = runtimes / str(os.getuid())
        if runtime.is_dir():  # cron and some ssh log-ins lack the variable, and systemctl fails without it
            theirs["XDG_RUNTIME_DIR"] = str(runtime)
    return theirs
