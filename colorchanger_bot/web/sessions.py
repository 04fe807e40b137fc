"""Who may use the dashboard: its password, sessions and CSRF tokens."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections import OrderedDict, deque
from typing import NamedTuple

from colorchanger_bot.clock import Clock
from colorchanger_bot.settings.passwords import matches

SESSION_SECONDS = 7 * 86_400.0
MOST_SESSIONS = 50
WINDOW_SECONDS = 300.0
TRIES_OF_ONE, TRIES_OF_ALL = 5, 50
"""Wrong passwords allowed in five minutes, from one address and in all; beyond that, none is accepted."""
MOST_ADDRESSES = 1000


class Answer(NamedTuple):
    """The answer to a password."""

    is_right: bool
    wait: float = 0.0
    """The seconds until this address may try again; if not 0, the password was not looked at."""


class Attempts:
    """Counts wrong passwords."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._all: deque[float] = deque(maxlen=TRIES_OF_ALL)
        self._of_one: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, address: str) -> float:
        """Return the seconds until this address may try again; 0 if it may now."""
        past = self._clock.monotonic() - WINDOW_SECONDS
        full = [
            tries[0] - past
            for tries in (self._all, self._of_one.get(address, deque[float]()))
            if len(tries) == tries.maxlen
        ]
        return max(0.0, *full, 0.0)

    def failed(self, address: str) -> None:
        """Count a wrong password."""
        now = self._clock.monotonic()
        self._all.append(now)
        self._of_one.setdefault(address, deque(maxlen=TRIES_OF_ONE)).append(now)
        self._of_one.move_to_end(address)
        if len(self._of_one) > MOST_ADDRESSES:
            self._of_one.popitem(last=False)

    def take_back(self, address: str) -> None:
        """Forget the last try: its password was right."""
        for tries in (self._all, self._of_one.get(address)):
            if tries:
                tries.pop()


class Sessions:
    """The sessions of the dashboard: random names in a cookie. Trusted ones are kept as hashes."""

    def __init__(self, password: str, clock: Clock) -> None:
        self.attempts = Attempts(clock)
        self.is_open = not password
        self._password: str = password
        """As it is, or as a hash."""
        self._known = b""
        """The digest of what was right the last time: a hash takes long, and Prometheus asks every few seconds."""
        self._checking = asyncio.Lock()
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._trusted: OrderedDict[bytes, float] = OrderedDict()

    @staticmethod
    def new_session() -> str:
        """Return the name of a new session, which is not trusted yet."""
        return secrets.token_urlsafe(32)

    def trusts(self, session: str) -> bool:
        """Return whether a session may see and change things."""
        if self.is_open:
            return True
        return self._clock.monotonic() < self._trusted.get(_digest(session), float("-inf"))

    async def check(self, password: str, address: str) -> Answer:
        """Check a password that came from an address.

        One at a time, so that tries sent together are counted like others, and in a thread, because a hash takes long.
        """
        async with self._checking:
            if wait := self.attempts.wait(address):
                return Answer(is_right=False, wait=wait)
            # Counted before it is known to be wrong: who hangs up meanwhile has tried, too.
            self.attempts.failed(address)
            is_right = await self._is_right(password)
            if is_right:
                self.attempts.take_back(address)
            return Answer(is_right)

    async def _is_right(self, password: str) -> bool:
        if self.is_open:
            return False
        if self._known and hmac.compare_digest(_digest(password), self._known):
            return True
        kept = self._password
        if not await asyncio.to_thread(matches, password, kept) or kept != self._password:  # it was changed meanwhile
            return False
        self._known = _digest(password)
        return True

    def use(self, password: str) -> None:
        """Ask for another password from now on, also those who gave the one before."""
        if password != self._password:
            self.is_open, self._password, self._known = not password, password, b""
            self._trusted.clear()

    def trust(self, session: str) -> None:
        """Trust a session for a week."""
        self._trusted[_digest(session)] = self._clock.monotonic() + SESSION_SECONDS
        if len(self._trusted) > MOST_SESSIONS:
            self._trusted.popitem(last=False)

    def forget(self, session: str) -> None:
        """Stop trusting a session."""
        self._trusted.pop(_digest(session), None)

    def csrf(self, session: str) -> str:
        """Return the CSRF token of a session, which its page sends with each change and no other site can know."""
        return hmac.new(self._key, session.encode(), hashlib.sha256).hexdigest()

    def is_csrf(self, session: str, token: str) -> bool:
        """Return whether the CSRF token belongs to the session."""
        return hmac.compare_digest(self.csrf(session).encode(), token.encode("utf-8", "replace"))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
