"""Opening a page in the person's browser, where there is a screen for it."""

from __future__ import annotations

import asyncio
import sys
import threading
import webbrowser
from collections.abc import Mapping

OPEN_SECONDS = 5.0
"""How long to wait for the browser. Some commands only end when the browser is closed."""


def has_screen(environ: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Return whether a browser can show something to the person who started this process."""
    if environ.get("BROWSER"):  # somebody chose one, such as an editor that forwards addresses to the desktop
        return True
    if environ.get("SSH_CONNECTION"):  # the screen, if there is one, is not where the person sits
        return False
    if platform in ("win32", "darwin"):
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


async def open_page(url: str) -> bool:
    """Open an address in the browser; return whether one could be started."""
    loop = asyncio.get_running_loop()
    opened = loop.create_future()

    def work() -> None:
        try:
            found = webbrowser.open(url)
        except (webbrowser.Error, OSError):
            found = False
        try:
            loop.call_soon_threadsafe(_set_result, opened, found)
        except RuntimeError:  # the loop has ended
            return

    # Not a thread of the loop's pool: the loop would wait for it at its end, and so for the browser's.
    threading.Thread(target=work, name="browser", daemon=True).start()
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            return await opened
    except TimeoutError:  # it is running
        return True


def _set_result(opened: asyncio.Future[bool], found: bool) -> None:
    if not opened.done():
        opened.set_result(found)
