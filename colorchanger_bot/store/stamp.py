"""Whether a file is the newest copy of its store."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from pathlib import Path

from colorchanger_bot.store.file import PRIVATE

GENUINE_SECONDS = 2.0
"""How far the time in the file beside a store may be from the time of its last change."""


class Stamp:
    """A word that is in the store and in a file beside it, new with every change of a login.

    Where the two differ, the store is an older copy that was put back, or came from another place: another copy may
    have spent its refresh tokens. The file beside also holds the time of its own last change, which no copy can keep.
    """

    def __init__(self, store: Path) -> None:
        self.path = Path(f"{store}.stamp")
        self._drawn = ""

    def read(self) -> str:
        """Return the word beside the store; empty: there is none, or the file is itself a copy."""
        try:
            text, _, written = self.path.read_text(encoding="ascii").partition(" ")
            changed = self.path.stat().st_ctime_ns
            late = abs(changed - int(written)) / 1e9
        except (OSError, ValueError):
            return ""
        # On Windows this is the time of creation.
        return text if late < GENUINE_SECONDS or os.name == "nt" else ""

    def draw(self) -> str:
        """Return a new word for the store; `save` writes it beside the store once the store has it."""
        self._drawn = secrets.token_hex(8)
        return self._drawn

    def drop(self) -> None:
        """Forget a word that was not stored."""
        self._drawn = ""

    def save(self) -> None:
        """Write the word beside the store; if there is no room, the next start checks before it uses a token."""
        if self._drawn:
            with contextlib.suppress(OSError), open(os.open(self.path, os.O_CREAT | os.O_WRONLY, PRIVATE), "w") as file:
                file.write(f"{self._drawn} {time.time_ns():019}")
            self._drawn = ""
