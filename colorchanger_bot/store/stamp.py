"""Whether a store is the newest copy of itself: an older one may hold refresh tokens that have been used since."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from pathlib import Path
from typing import Protocol

import sqlalchemy as sql

from colorchanger_bot.store.file import PRIVATE
from colorchanger_bot.store.schema import state

GENUINE_SECONDS = 2.0
"""How far the time in the file beside a store may be from the time of its last change."""


class Stamp(Protocol):
    """A word in the store, new with every change of a login, that tells an older copy apart."""

    def draw(self, connection: sql.Connection) -> str:
        """Return a new word for the store."""
        ...

    def save(self) -> None:
        """Do what is to do once the store has the new word."""
        ...

    def drop(self) -> None:
        """Forget a word that was not stored."""
        ...

    def is_genuine(self, connection: sql.Connection) -> bool:
        """Say whether this store is the one that was written last."""
        ...


class FileStamp:
    """The stamp of a file: the same word is in a file beside it.

    Where the two differ, the store is an older copy that was put back, or came from another place. The file beside
    also holds the time of its own last change, which no copy can keep.
    """

    def __init__(self, store: Path) -> None:
        self.path = Path(f"{store}.stamp")
        self._drawn = ""

    def draw(self, connection: sql.Connection) -> str:
        """Return a new random word; `save` writes it beside the store."""
        self._drawn = secrets.token_hex(8)
        return self._drawn

    def save(self) -> None:
        """Write the word beside the store; if there is no room, the next start checks before it uses a token."""
        if self._drawn:
            with contextlib.suppress(OSError), open(os.open(self.path, os.O_CREAT | os.O_WRONLY, PRIVATE), "w") as file:
                file.write(f"{self._drawn} {time.time_ns():019}")
            self._drawn = ""

    def drop(self) -> None:
        """Forget a word that was not stored."""
        self._drawn = ""

    def is_genuine(self, connection: sql.Connection) -> bool:
        """Say whether the store and the file beside it have the same word, or none."""
        word: str = connection.scalar(sql.select(state.c.stamp)) or ""
        return self._beside() == word if word else not self.path.exists()

    def _beside(self) -> str:
        """Return the word beside the store; empty: there is none, or the file is itself a copy."""
        try:
            text, _, written = self.path.read_text(encoding="ascii").partition(" ")
            changed = self.path.stat().st_ctime_ns
            late = abs(changed - int(written)) / 1e9
        except (OSError, ValueError):
            return ""
        # On Windows this is the time of creation.
        return text if late < GENUINE_SECONDS or os.name == "nt" else ""


class ServerStamp:
    """The stamp on PostgreSQL: the number of the transaction that wrote it.

    PostgreSQL notes the same number in the row. A dump that is restored is written by another transaction, so there
    the two differ.
    """

    def draw(self, connection: sql.Connection) -> str:
        """Return the number of the current transaction."""
        return str(connection.scalar(sql.select(sql.func.txid_current())))

    def save(self) -> None:
        """Do nothing: the row holds all of it."""

    def drop(self) -> None:
        """Do nothing: the transaction was rolled back."""

    def is_genuine(self, connection: sql.Connection) -> bool:
        """Say whether the row was written by the transaction that is in it."""
        written_by = sql.cast(sql.column("xmin"), sql.TEXT)
        word, transaction = connection.execute(sql.select(state.c.stamp, written_by)).one()
        return not word or int(word) % 2**32 == int(transaction)  # the row has its last 32 bits
