"""What an account shows in chat, as far as messages and Twitch's answers tell, and whether a message is owed a change.

Each message carries the colour that it was sent with. So it shows whether the last change has taken effect, what
became of a request without an answer, and that the colour was changed somewhere else.
"""

from __future__ import annotations

from colorchanger_bot.color import Color

SETTLE_SECONDS = 5.0
"""After a change, how long a message may still show an older colour because it was on its way."""
HISTORY = 30


class ShownColors:
    """The colours of one account; times are of the monotonic clock."""

    __slots__ = ("_changed_at", "history", "sending", "unconfirmed")

    def __init__(self) -> None:
        self.history: tuple[Color, ...] = ()
        """The colours that the account has shown, newest first."""
        self.sending: Color | None = None
        """The colour of the request under way."""
        self.unconfirmed: Color | None = None
        """The colour of a request without an answer: it may be shown or not."""
        self._changed_at = float("-inf")

    @property
    def current(self) -> Color | None:
        """The colour that the account shows, as far as is known."""
        return self.history[0] if self.history else None

    @property
    def changed_at(self) -> float:
        """When the last change took effect."""
        return self._changed_at

    def is_owed(self, color: Color | None, now: float) -> bool:
        """Say whether a message sent in `color` (None: unknown) is owed a change."""
        if color is None or color in (self.sending, self.unconfirmed):
            return True
        if self.sending is not None:
            return color not in self.history  # the request under way is the change for this message too
        if self._settling(now):
            return color == self.current or color not in self.history
        return True

    def on_message(self, color: Color | None, now: float) -> bool:
        """Learn from a message what the account shows; say whether it confirms a request without an answer."""
        if color is None or self.sending is not None:
            return False
        confirms = color == self.unconfirmed
        if confirms:
            self.on_change(color, now)
        elif color != self.current and not (self._settling(now) and color in self.history):
            self._add(color)
            self.unconfirmed = None
        return confirms

    def on_change(self, color: Color, now: float) -> None:
        """Remember a change that took effect."""
        self._add(color)
        self.unconfirmed = None
        self._changed_at = now

    def _add(self, color: Color) -> None:
        self.history = (color, *self.history)[:HISTORY]

    def _settling(self, now: float) -> bool:
        return now - self._changed_at < SETTLE_SECONDS
