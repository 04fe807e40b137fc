"""QR codes, as data that the pages draw."""

from __future__ import annotations

from typing import Any

import segno

BORDER = 2


def qr_code(url: str) -> dict[str, Any] | None:
    """The QR code of an address, as one SVG path in a square of `size` modules; None if the address is too long."""
    try:
        matrix = [list(row) for row in segno.make(url, error="m").matrix_iter(border=BORDER)]
    except segno.DataOverflowError:
        return None
    bars: list[str] = []
    for y, row in enumerate(matrix):
        x = 0
        while x < len(row):
            width = 0
            while x + width < len(row) and row[x + width]:
                width += 1
            if width:
                bars.append(f"M{x} {y}h{width}v1h-{width}z")
            x += max(1, width)
    return {"size": len(matrix), "path": "".join(bars)}
