"""Loads a package in a thread while the program goes on with what does not need it."""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading
import time

POLL_SECONDS = 0.001
WORTH_IT = "aiohttp.connector"
"""While this is loaded, OpenSSL reads the certificates of the system twice, some 20 ms each, without Python's lock."""


def load_ahead(package: str, *, until: str) -> threading.Thread:
    """Begin to load a package in a thread; return once it has come to one of its modules, or to its end.

    Two threads that run Python take as long as one, so this pays only where a module works without the interpreter's
    lock (`WORTH_IT`). To go on sooner would slow down the way there, and leave nothing to do beside it.

    An import that fails is silent here: it fails again, and is told, where the package is imported for use.

    Args:
        package: what to load, such as "aiohttp".
        until: full name of the module of it that is worth working beside.

    Returns:
        the thread, which ends when the package is loaded; the interpreter waits for it before it exits.
    """
    loader = threading.Thread(target=_load, args=(package,), name=f"loads {package}")
    loader.start()
    while loader.is_alive() and until not in sys.modules:
        time.sleep(POLL_SECONDS)
    return loader


def _load(package: str) -> None:
    with contextlib.suppress(BaseException):
        importlib.import_module(package)
