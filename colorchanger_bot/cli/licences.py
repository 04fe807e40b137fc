"""The licences of ColorChanger and, in the executable, of everything that is packed into it."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

PACKED = Path(__file__).with_name("licences.txt")
"""Only in the executable, which is built with it."""


def licences() -> str:
    """Return the texts."""
    if PACKED.is_file():
        return PACKED.read_text(encoding="utf-8")
    found = distribution("colorchanger-bot")
    own = found.read_text("licenses/LICENSE") or f"ColorChanger: {found.metadata['License-Expression']} licence\n"
    return f"{own}\nThe packages that ColorChanger uses are installed beside it, with their own licences.\n"
