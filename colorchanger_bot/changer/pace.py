"""How fast an account may go: replies in chat, and colour changes during a burst of messages."""

from __future__ import annotations

from colorchanger_bot.clock import Clock

MESSAGES, PRIVILEGED_MESSAGES, WINDOW_SECONDS = 20, 100, 30.0
"""Twitch mutes an account for an hour that writes more in that time; broadcasters and moderators may write more."""
SPARE = 4
"""Messages left to the person, who may be typing right now."""
CHANNEL_SECONDS = 1.2
"""Between two messages in a channel where the account has no special role: Twitch asks for one second."""

TOGETHER_SECONDS = 0.005
"""Messages this close to each other were not typed one after the other."""
BURST_MESSAGES, BURST_SECONDS = 3, 1.0
"""This many messages too many in this time are a burst, which gets as many automatic changes in the same time."""

NEVER = float("-inf")


class ChatPace:
    """Keeps replies within Twitch's chat limits (Twitch chat, "Rate limits"), counting what the person types too."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sent: dict[str, tuple[float, ...]] = {}
        """When each account wrote its latest messages."""
        self._last: dict[str, dict[str, float]] = {}
        """When each account last wrote in the channels where a reply might have to wait."""

    def count(self, user_id: str, channel_id: str) -> None:
        """Count a message that the account wrote."""
        now = self._clock.monotonic()
        recent = self._recent(user_id, now)
        self._sent[user_id] = (*recent[1 - PRIVILEGED_MESSAGES :], now)
        last = self._last.get(user_id, {})
        self._last[user_id] = {channel: when for channel, when in last.items() if now - when < CHANNEL_SECONDS}
        self._last[user_id][channel_id] = now

    async def turn(self, user_id: str, channel_id: str, *, is_moderator: bool = False) -> bool:
        """Wait until the account may reply in that channel, and count the reply; False: it must stay silent."""
        now = self._clock.monotonic()
        is_privileged = is_moderator or user_id == channel_id
        if len(self._recent(user_id, now)) >= (PRIVILEGED_MESSAGES if is_privileged else MESSAGES) - SPARE:
            return False
        wait = self._last.get(user_id, {}).get(channel_id, NEVER) + CHANNEL_SECONDS - now
        self.count(user_id, channel_id)
        if wait > 0 and not is_privileged:
            self._last[user_id][channel_id] = now + wait
            await self._clock.sleep(wait)
        return True

    def forget(self, user_id: str) -> None:
        """Drop what was counted for an account."""
        self._sent.pop(user_id, None)
        self._last.pop(user_id, None)

    def _recent(self, user_id: str, now: float) -> tuple[float, ...]:
        return tuple(when for when in self._sent.get(user_id, ()) if now - when < WINDOW_SECONDS)


class BurstLimit:
    """Limits the automatic changes of one account during a burst of messages.

    A person who writes, waits for the colour and writes again gets a change each time, however fast. Messages from a
    queue or a script, or during a change, are too many after three in a second: then three changes a second.
    Times are of the monotonic clock.
    """

    __slots__ = ("_changed", "_crowded", "_message_at")

    def __init__(self) -> None:
        self._message_at = NEVER
        self._crowded: tuple[float, ...] = ()
        """When the latest messages came that were too many."""
        self._changed: tuple[float, ...] = ()
        """When the latest automatic changes began."""

    def on_message(self, now: float, *, busy: bool) -> None:
        """Count a message; `busy` says whether a change is under way."""
        if busy or now - self._message_at < TOGETHER_SECONDS:
            self._crowded = (*self._crowded, now)[-BURST_MESSAGES:]
        self._message_at = now

    def on_change(self, now: float) -> None:
        """Count an automatic change that begins."""
        self._changed = (*self._changed, now)[-BURST_MESSAGES:]

    def earliest(self, now: float) -> float:
        """Return when the next automatic change may begin: in the past, unless this is a burst."""
        is_burst = len(self._crowded) == BURST_MESSAGES and now - self._crowded[0] < BURST_SECONDS
        return self._changed[0] + BURST_SECONDS if is_burst and len(self._changed) == BURST_MESSAGES else NEVER
