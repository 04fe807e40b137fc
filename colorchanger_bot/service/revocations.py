"""Revocations: ends logins at Twitch that are not stored here, or no longer, however often that has to be tried."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random

from colorchanger_bot.auth.tracked_login import forget, hide
from colorchanger_bot.clock import Backoff, Clock, Tasks
from colorchanger_bot.errors import ColorChangerError
from colorchanger_bot.store.store import TokenPair
from colorchanger_bot.twitch.oauth import OAuth

logger = logging.getLogger(__name__)

TRIES, MOST_WAIT_SECONDS = 10, 600.0


class Revocations:
    """Ends logins in the background."""

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self._clock = clock
        self._rng = rng
        self._tasks = Tasks(logger)

    def begin(self, oauth: OAuth, pair: TokenPair) -> asyncio.Task[None]:
        """Begin to end a login."""
        return self._tasks.start(self._run(oauth, pair), "end of a login")

    async def close(self) -> None:
        """Give up."""
        await self._tasks.cancel()

    async def _run(self, oauth: OAuth, pair: TokenPair) -> None:
        if pair.refresh and pair.expires_at is not None and pair.expires_at <= self._clock.now().timestamp():
            with contextlib.suppress(ColorChangerError):  # a token that has expired cannot be revoked
                pair = await oauth.refresh(pair.refresh)
                hide(pair)
        backoff = Backoff(self._rng, first=1.0, most=MOST_WAIT_SECONDS)
        for _ in range(TRIES):
            if await oauth.revoke(pair.access):
                break
            await self._clock.sleep(backoff.next())
        else:
            logger.warning("Twitch could not be told that a member has left: their login there ends within hours")
        forget(pair)
