"""Encrypts tokens at rest with the keys of `storage.key`: the first one encrypts, all of them decrypt.

cryptography is imported when a token is first encrypted or decrypted: without a key it is never loaded.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from colorchanger_bot.errors import StoreError

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

SEAL = "fernet:"
"""The prefix of an encrypted value. Twitch's tokens have no colon."""
KEY_BYTES = 32
NO_KEY = "the logins are encrypted: set storage.key (COLORCHANGER_STORAGE__KEY) to the key that encrypted them"
WRONG_KEY = "storage.key is not the key that encrypted the logins: set that one, or add it after a comma"


def new_key() -> str:
    """Return a new key for `storage.key` (the format of Fernet: 32 random bytes in URL-safe base64)."""
    return base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode()


def is_key(text: str) -> bool:
    """Whether a text has the form of a key."""
    try:
        return len(base64.b64decode(text, altchars=b"-_", validate=True)) == KEY_BYTES
    except (binascii.Error, ValueError):
        return False


class Vault:
    """Encrypts and decrypts values; without keys it leaves them as they are."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self._keys = tuple(keys)

    def __bool__(self) -> bool:
        """Whether it encrypts."""
        return bool(self._keys)

    def encrypt(self, text: str) -> str:
        """Return the text as it is stored."""
        return f"{SEAL}{self._fernet.encrypt(text.encode()).decode()}" if self and text else text

    def decrypt(self, stored: str) -> str:
        """Return the text of a stored value, which may be from before there was a key.

        Raises:
            StoreError: none of the keys fits.
        """
        if not stored.startswith(SEAL):
            return stored
        if not self:
            raise StoreError(NO_KEY)
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet.decrypt(stored.removeprefix(SEAL)).decode()
        except InvalidToken:
            raise StoreError(WRONG_KEY) from None

    def is_current(self, stored: str) -> bool:
        """Whether `stored` is encrypted with the first key, or plain if there is none."""
        if not self or not stored:
            return not stored.startswith(SEAL)
        try:
            Vault(self._keys[:1]).decrypt(stored)
        except StoreError:
            return False
        return stored.startswith(SEAL)

    @cached_property
    def _fernet(self) -> MultiFernet:
        from cryptography.fernet import Fernet, MultiFernet

        return MultiFernet([Fernet(key) for key in self._keys])
