"""Passwords that are kept as a hash: what was set on the page cannot be read from the store."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os

SCHEME = "scrypt:"
_COST = {"n": 2**14, "r": 8, "p": 1}
"""About 40 ms and 16 MiB for each try."""
_SALT_BYTES = 16


def hashed(password: str) -> str:
    """Return a hash of a password, for `matches`."""
    salt = os.urandom(_SALT_BYTES)
    return f"{SCHEME}{base64.b64encode(salt + _digest(password, salt)).decode()}"


def matches(password: str, kept: str) -> bool:
    """Whether a password is the one that is kept, as a hash or as it is; takes the same time for any wrong one."""
    if kept.startswith(SCHEME):
        try:
            raw = base64.b64decode(kept.removeprefix(SCHEME), validate=True)
        except binascii.Error:
            raw = b""
        if len(raw) > _SALT_BYTES:
            salt, digest = raw[:_SALT_BYTES], raw[_SALT_BYTES:]
            return hmac.compare_digest(_digest(password, salt), digest)
    return hmac.compare_digest(password.encode("utf-8", "replace"), kept.encode("utf-8", "replace"))


def _digest(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "replace"), salt=salt, **_COST)
