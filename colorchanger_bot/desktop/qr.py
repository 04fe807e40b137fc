"""QR codes in the terminal."""

from __future__ import annotations

import io

import segno

from colorchanger_bot.console import can_show, cells, size


def qr_code(url: str) -> str:
    """Return a picture of the address; empty where the terminal cannot show it."""
    picture = io.StringIO()
    try:
        segno.make(url, error="m").terminal(picture, compact=True)
    except (segno.DataOverflowError, UnicodeError):
        return ""
    text = picture.getvalue()
    columns, lines = size()
    wide = max(map(cells, text.splitlines()), default=0)
    return text if wide <= columns and text.count("\n") < lines and can_show(text) else ""
