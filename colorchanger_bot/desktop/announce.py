"""Showing a person the page: in the browser, or where there is no screen as an address with a QR code."""

from __future__ import annotations

import contextlib
import os
import socket
import sys

from yarl import URL

from colorchanger_bot.console import echo, is_terminal, say
from colorchanger_bot.desktop.browser import has_screen, open_page
from colorchanger_bot.desktop.qr import qr_code
from colorchanger_bot.settings.addresses import is_loopback

EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - only compared
SOMEWHERE = "192.0.2.1", 9
"""An address of documentation (RFC 5737). Nothing is sent there: it makes the system choose one of its own."""


async def show_page(url: str, *, host: str = "", may_open: bool = True) -> None:
    """Open the page in the browser; without a screen, or if none opens, print how to get there.

    `host` is what the page listens on: from outside, the address is another than from here.
    """
    if may_open and has_screen(os.environ):
        say(f"The page is on  {url}")
        if await open_page(url):
            return
        say("No browser could be opened here.")
    _print_address(_from_outside(url) if host in EVERYWHERE else url)


def _from_outside(url: str) -> str:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.connect(SOMEWHERE)
        return str(URL(url).with_host(asked.getsockname()[0])).rstrip("/")
    return url


def _print_address(url: str) -> None:
    if is_terminal(sys.stdout) and (picture := qr_code(url)):
        echo(picture)
    echo(f"Open  {url}")
    if is_loopback(URL(url).host or ""):
        port = URL(url).port
        say(
            f"It opens only on this machine. From another one, run: ssh -L {port}:127.0.0.1:{port} "
            f"{socket.gethostname()}, or set a host and a password under [web] in the settings file."
        )
