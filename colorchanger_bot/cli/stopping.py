"""Stop signals: what ends a running command, and how.

Little is imported here: until it is loaded, Ctrl-C shows Python's traceback.
"""

from __future__ import annotations

import contextlib
import signal
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))
"""Ctrl-C, a service manager, a closed terminal, and Ctrl-Break or a closed console on Windows."""

_requested = False


def remember() -> None:
    """Only note the signals: a command that is still loading stops cleanly once it has loaded.

    An exception out of a signal handler could strike inside an import lock or a destructor, where Python prints it
    and goes on.
    """
    for number in SIGNALS:
        signal.signal(number, _note)


def interrupt() -> None:
    """Let every stop signal act as Ctrl-C does: asyncio cancels what runs, and everything is closed in order."""
    for number in SIGNALS:
        if number is not signal.SIGINT:
            signal.signal(number, _interrupt)


def ignore() -> None:
    """Ignore the signals from now on: the process is about to exit, and its exit code is known."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def is_requested() -> bool:
    """Say whether a signal came after `remember`."""
    return _requested


def requested() -> asyncio.Event:
    """Return an event that the signals set; it is set already if one came after `remember`."""
    import asyncio

    stop = asyncio.Event()
    if _requested:
        stop.set()
    loop = asyncio.get_running_loop()
    # Not `loop.add_signal_handler`: when the loop ends, that restores handlers which change the exit code.
    for number in SIGNALS:
        signal.signal(number, partial(_set_soon, loop, stop))
    return stop


def _set_soon(loop: asyncio.AbstractEventLoop, stop: asyncio.Event, *_: object) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended
        loop.call_soon_threadsafe(stop.set)


def _interrupt(*_: object) -> None:
    signal.raise_signal(signal.SIGINT)


def _note(*_: object) -> None:
    global _requested  # noqa: PLW0603 - a signal handler can only leave a flag
    _requested = True
