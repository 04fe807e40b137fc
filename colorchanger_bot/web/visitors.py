"""The browsers of people at /join: what each may see, and whom each has proved to be."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict

from aiohttp import hdrs, web

from colorchanger_bot.clock import Clock

PATH = "/join"
PROVEN_SECONDS = 30 * 86_400.0
MOST_PROVEN = 5000
"""Of more, the oldest prove themselves again, with a new code."""


class Visitors:
    """Names in a cookie that nobody can guess. Those that prove something are kept as hashes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._proven: OrderedDict[bytes, tuple[str, float]] = OrderedDict()
        """By the hash of a name: the id of the Twitch account, and until when."""

    def of(self, request: web.Request) -> str:
        """Return the name that the browser sent; empty if it sent none."""
        return request.cookies.get(_cookie(request), "")

    def welcome(self, request: web.Request, response: web.StreamResponse) -> str:
        """Give the browser a new name, and return it."""
        name = secrets.token_urlsafe(32)
        secure = request.headers.get(hdrs.ORIGIN, "").startswith("https:")
        response.set_cookie(
            _cookie(request),
            name,
            max_age=int(PROVEN_SECONDS),
            path=PATH,
            httponly=True,
            # Not "Strict": people come by a link in chat, and would then arrive without their name.
            samesite="Lax",
            secure=secure or request.headers.get("X-Forwarded-Proto") == "https",
        )
        return name

    def prove(self, name: str, user_id: str) -> None:
        """Note that this browser's person has just logged in at Twitch as this account."""
        self._proven[_digest(name)] = user_id, self._clock.monotonic() + PROVEN_SECONDS
        if len(self._proven) > MOST_PROVEN:
            self._proven.popitem(last=False)

    def rename(self, before: str, name: str) -> None:
        """Let a browser's new name prove what its old one did."""
        if (proof := self._proven.pop(_digest(before), None)) is not None:
            self._proven[_digest(name)] = proof

    def proven(self, name: str) -> str:
        """Return the id of the account that this browser has proved to be of; empty if it has not."""
        user_id, until = self._proven.get(_digest(name), ("", 0.0))
        return user_id if self._clock.monotonic() < until else ""

    def forget(self, user_id: str) -> None:
        """Forget everything about an account."""
        for digest in [digest for digest, (known, _) in self._proven.items() if known == user_id]:
            del self._proven[digest]

    def proof_of_page(self, name: str) -> str:
        """Return what the page sends with each change, and no other site can know."""
        return hmac.new(self._key, name.encode("utf-8", "replace"), hashlib.sha256).hexdigest()

    def is_own_page(self, name: str, proof: str) -> bool:
        """Return whether a change comes from the page of this browser."""
        return bool(name) and hmac.compare_digest(self.proof_of_page(name).encode(), proof.encode("utf-8", "replace"))


def _cookie(request: web.Request) -> str:
    # The port is part of it, because all ports of a host share cookies.
    port = request.transport.get_extra_info("sockname")[1] if request.transport is not None else 0
    return f"colorchanger_join_{port}"


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8", "replace")).digest()
