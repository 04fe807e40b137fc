"""ChatPace: how fast an account may talk, so that a reply never gets it muted.

Twitch mutes an account for an hour that writes more than 20 messages in 30 s, and takes one message a second in a
channel that is not its own (Twitch chat, "Rate limits"). What the person types counts too.
"""

from __future__ import annotations

from colorchanger_bot.clock import Clock

MESSAGES, WINDOW_SECONDS = 20, 30.0
SPARE = 4
"""So many messages are left to the person, who may be typing right now."""
CHANNEL_SECONDS = 1.2
"""A little more than Twitch asks for: its clock is not ours."""


class ChatPace:
    """Counts the messages of all accounts."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._recent: dict[str, tuple[float, ...]] = {}
        self._last: dict[tuple[str, str], float] = {}

    def note(self, user_id: str, channel_id: str) -> None:
        """Count a message of the account, whoever wrote it."""
        now = self._clock.monotonic()
        self._recent[user_id] = (*self._recent.get(user_id, ()), now)[-MESSAGES:]
        self._last = {where: when for where, when in self._last.items() if now - when < CHANNEL_SECONDS}
        self._last[user_id, channel_id] = now

    async def turn(self, user_id: str, channel_id: str) -> bool:
        """Wait until the account may say something there, and count it; False if it had better be silent."""
        now = self._clock.monotonic()
        recent = [when for when in self._recent.get(user_id, ()) if now - when < WINDOW_SECONDS]
        if len(recent) >= MESSAGES - SPARE:
            return False
        wait = 0.0
        if user_id != channel_id:
            wait = self._last.get((user_id, channel_id), float("-inf")) + CHANNEL_SECONDS - now
        self.note(user_id, channel_id)
        if wait > 0:
            self._last[user_id, channel_id] = now + wait
            await self._clock.sleep(wait)
        return True
