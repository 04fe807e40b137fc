"""The colours of one account: when a change is owed, to what, and never two requests at once.

A message shows the colour it was sent with, so it tells whether the last change has been seen (DESIGN: "owed").
What is asked for is one `Wish`, and a newer wish replaces an older one; `_work` is the only place that sends.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal, NamedTuple, Protocol

from colorchanger_bot.changer.burst import Burst
from colorchanger_bot.changer.chooser import Chooser
from colorchanger_bot.changer.crowd import Crowd
from colorchanger_bot.changer.memory import Keeping, Memory, Remembered
from colorchanger_bot.clock import Backoff, Clock, Flag
from colorchanger_bot.color import Color, Strategy, nearest_name
from colorchanger_bot.errors import (
    AuthError,
    ColorChangerError,
    ColorRejected,
    ConfigError,
    OutcomeUnknown,
    RateLimited,
    TwitchUnavailable,
    UnknownColor,
)
from colorchanger_bot.settings.load import ColorSettings

logger = logging.getLogger(__name__)

SETTLE_SECONDS = 5.0
"""After a change, how long a message may still show an older colour because it was on its way."""
HISTORY = 30
ATTEMPTS = 8
"""Tries of one automatic change while Twitch is in trouble, over about two minutes; the next message tries anew."""
FIRST_RETRY_SECONDS, MOST_RETRY_SECONDS = 1.0, 30.0
RATE_LIMIT_SECONDS = 60.0
"""How long a 429 without a reset time counts: Twitch's bucket is per minute (Helix guide, "Rate limits")."""
HEX_AGAIN = timedelta(days=1)

Result = Literal["changed", "unneeded", "superseded", "unknown", "rejected", "login", "unavailable"]


class ColorApi(Protocol):
    """The one thing that is needed of Twitch: how an account gets its colour."""

    async def put_color(self, user_id: str, color: Color) -> None:
        """Give the account this colour.

        Raises:
            ColorRejected, RateLimited, OutcomeUnknown, TwitchUnavailable, AuthError
        """
        ...

    async def get_color(self, user_id: str) -> Color | None:
        """Return the colour the account has; None if it never chose one.

        Raises:
            RateLimited, TwitchUnavailable, AuthError
        """
        ...


class Change(NamedTuple):
    """How one wish for a new colour ended."""

    user_id: str
    login: str
    result: Result
    color: Color | None
    seconds: float
    """From the message or command to the answer of Twitch."""
    reason: str = ""


@dataclass(slots=True)
class Wish:
    """A colour change that is wanted: `color` None lets the strategy choose, when it is due."""

    since: float
    due: float
    color: Color | None = None
    channel_id: str = ""
    """Where the message was written, for strategies that look at the people around."""
    ending: asyncio.Future[Change] | None = None
    """Set for a command, which is answered; an automatic change has nobody who waits for it."""


def _colors(texts: Iterable[str]) -> Iterator[Color]:
    """The colours among texts of the store, which a newer or older version may have written."""
    for text in texts:
        with contextlib.suppress(UnknownColor):
            yield Color.parse(text)


class Painter:
    """Gives one account its colours."""

    def __init__(
        self,
        user_id: str,
        login: str,
        settings: ColorSettings,
        *,
        api: ColorApi,
        memory: Memory,
        clock: Clock,
        rng: random.Random,
        tell: Callable[[Change], None],
        crowd: Crowd | None = None,
        strategy: Strategy | None = None,
    ) -> None:
        self.user_id = user_id
        self.login = login
        self.trouble = ""
        """Why the last change did not happen; empty when it did."""
        self.channels: tuple[str, ...] | None = None
        """The channels to read, as set in chat; None: as the settings say."""
        self.messages = 0
        self.changes = 0
        self._configured = settings
        self._api = api
        self._clock = clock
        self._rng = rng
        self._tell = tell
        self._log = logging.LoggerAdapter(logger, {"account": login})
        self._history: tuple[Color, ...] = ()
        self._original: Color | None = None
        self._never_chose = False
        """No colour of this account from before is known: nothing can be put back."""
        self._no_hex_until: float | None = None
        self._overrides: dict[str, Any] = {}
        self.settings = settings
        self._chooser = Chooser(settings.plan(), crowd=crowd or Crowd(), clock=clock, rng=rng, own=strategy)
        self._keeping = Keeping(memory, user_id, login, clock, self._remembered)
        self._burst = Burst()

        self._wish: Wish | None = None
        self._news: Flag | None = None
        """Ends the wait until the wish is due, while there is one."""
        self._task: asyncio.Task[None] | None = None
        self._flying: Color | None = None
        self._maybe: Color | None = None
        """A colour whose request got no answer: the next message shows whether it took."""
        self._changed_at = float("-inf")
        self._not_before = float("-inf")
        self._backoff = Backoff(rng, first=FIRST_RETRY_SECONDS, most=MOST_RETRY_SECONDS)

    @property
    def strategy(self) -> Strategy:
        """What chooses the colours now."""
        return self._chooser.strategy

    @property
    def current(self) -> Color | None:
        """The colour that the account shows, as far as is known."""
        return self._history[0] if self._history else None

    @property
    def history(self) -> tuple[Color, ...]:
        """The colours that the account has shown, newest first."""
        return self._history

    @property
    def hex_refused(self) -> bool:
        """Whether Twitch lately refused a hex colour, so that only names are sent."""
        return self._no_hex_until is not None and self._clock.now().timestamp() < self._no_hex_until

    # What comes from outside

    def go_on(self, remembered: Remembered) -> None:
        """Go on where the last run ended."""
        self._history = tuple(_colors(remembered.history))[:HISTORY]
        self._original = next(iter(_colors([remembered.original or ""])), None)
        self._no_hex_until = remembered.no_hex_until
        self.channels = None if remembered.channels is None else tuple(remembered.channels)
        try:
            self._apply(remembered.overrides)
        except ConfigError as error:
            self._log.warning("what was set in chat no longer fits the settings and is left out: %s", error)
        if remembered.strategy == self.strategy.name:
            self.strategy.load(remembered.state)

    def get_ready(self) -> None:
        """Draw the next colour ahead, as after each change: the first draw of all takes the longest."""
        self._chooser.draw_ahead(self._history, presets_only=self._names_only)

    def saw(self, shown: Color | None, channel_id: str = "") -> None:
        """Take note of an own message that was sent in colour `shown` (None: unknown)."""
        now = self._clock.monotonic()
        self.messages += 1
        self._burst.saw(now, busy=self._flying is not None)
        owed = self._owed(shown)
        self._observe(shown)
        if not (self.settings.enabled and owed):
            return
        due = now + self._rng.uniform(*self.settings.delay)
        if self._wish is None:
            due = max(due, self._changed_at + self.settings.cooldown, self._burst.earliest(now))
            self._ask(Wish(since=now, due=due, channel_id=channel_id))
        elif self._backoff.attempts:
            # A retry waits already: the new message may bring it forward, but not into a storm.
            self._wish.due = min(self._wish.due, max(due, now + FIRST_RETRY_SECONDS))
            self._ring()

    async def show(self, color: Color | None = None) -> Change:
        """Change now, to `color` or to what the strategy chooses, before everything that waits; say how it ended."""
        now = self._clock.monotonic()
        ending = asyncio.get_running_loop().create_future()
        self._ask(Wish(since=now, due=now, color=color, ending=ending))
        return await ending

    async def adjust(self, **overrides: Any) -> None:
        """Set keys of `[color]` for this account over a restart, and from now on.

        Raises:
            ConfigError: a value is not allowed; nothing is changed then.
        """
        self._apply({**self._overrides, **overrides})
        self._drop_automatic_wish()
        await self._keeping.now()

    async def keep_channels(self, channels: tuple[str, ...]) -> None:
        """Remember which channels to read."""
        self.channels = channels
        await self._keeping.now()

    async def restore(self) -> Change | None:
        """Put back the colour from before the first change; None if there is nothing to put back."""
        original = self._original
        if original is None or (original == self.current and self._flying is None):
            return None
        change = await self.show(original)
        if change.result == "changed":
            self._original = None
            await self._keeping.now()
        return change

    async def undo(self) -> Change | None:
        """Go back to the colour before this one; None if none is known."""
        before = next((color for color in self._history if color != self.current), None)
        return None if before is None else await self.show(before)

    def recheck(self) -> None:
        """Take the account to have Turbo or Prime again: the next hex shows whether it does."""
        self._no_hex_until = None

    async def close(self, *, keep: bool = True) -> None:
        """Stop; a request under way is given up, and what is not kept yet is kept, or with `keep` off forgotten."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._wish = None
        await self._keeping.close(keep=keep)

    # When a change is owed

    def _owed(self, shown: Color | None) -> bool:
        if shown is None or shown in (self._flying, self._maybe):
            return True
        if self._flying is not None:
            return shown not in self._history  # the change under way answers this message too
        if self._clock.monotonic() - self._changed_at < SETTLE_SECONDS:
            return shown == self.current or shown not in self._history
        return True

    def _observe(self, shown: Color | None) -> None:
        """Learn from a message what the account really shows: a lost answer, or a change made elsewhere."""
        if shown is None or self._flying is not None or shown == self.current:
            return
        settling = self._clock.monotonic() - self._changed_at < SETTLE_SECONDS
        if shown == self._maybe or not (settling and shown in self._history):
            self._history = (shown, *self._history)[:HISTORY]
            self._chooser.forget()
        self._maybe = None

    # One wish at a time

    def _ask(self, wish: Wish) -> None:
        self._end(self._wish, "superseded", None)
        self._wish = wish
        self._backoff.reset()
        self._ring()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work(), name=f"colours of {self.login}")

    def _ring(self) -> None:
        if self._news is not None:
            self._news.set()

    async def _work(self) -> None:
        try:
            while (wish := self._wish) is not None:
                wait = max(wish.due, self._not_before) - self._clock.monotonic()
                if wait > 0:
                    self._news = Flag()
                    await self._news.wait_at_most(self._clock, wait)  # but no longer than until there is news
                    self._news = None
                    continue
                self._wish = None
                await self._change(wish)
        except Exception:  # the outermost place of this task: the next message starts a new one
            self._log.exception("the colour change failed")
            self._end(self._wish, "unavailable", None, "an error of ColorChanger itself: see the log")
            self._wish = None

    async def _change(self, wish: Wish) -> None:
        if wish.ending is None:
            self._burst.began(self._clock.monotonic())
        color = wish.color or self._chooser.next(self._history, wish.channel_id, presets_only=self._names_only)
        if color is None or (wish.color is None and color == self.current):
            self._end(wish, "unneeded", self.current)
            return
        try:
            await self._know_original()
            shown = await self._put(color, named_by_user=wish.color is not None)
        except RateLimited as error:
            self._not_before = self._clock.monotonic() + self._seconds_until(error.retry_at)
            self._retry(wish, color, self._not_before, error)
        except TwitchUnavailable as error:
            self._retry(wish, color, self._clock.monotonic() + self._backoff.next(), error)
        except OutcomeUnknown as error:
            self._maybe = color
            self._chooser.forget()
            self._end(wish, "unknown", color, str(error))
        except AuthError as error:
            self._end(wish, "login", color, str(error))
        except ColorRejected as error:
            self._end(wish, "rejected", color, str(error))
        else:
            self._history = (shown, *self._history)[:HISTORY]
            self._maybe = None
            self._changed_at = self._clock.monotonic()
            self.changes += 1
            self._end(wish, "changed", shown)
            self.get_ready()
            self._keeping.soon()

    def _retry(self, wish: Wish, color: Color, due: float, error: ColorChangerError) -> None:
        if self._wish is not None:  # a newer wish came meanwhile: that one, then
            self._end(wish, "superseded", color)
        elif self._backoff.attempts >= ATTEMPTS:
            self._end(wish, "unavailable", color, str(error))
        else:
            self._note(str(error))
            self._wish = replace(wish, color=color, due=due)

    def _end(self, wish: Wish | None, result: Result, color: Color | None, reason: str = "") -> None:
        if wish is None:
            return
        change = Change(self.user_id, self.login, result, color, self._clock.monotonic() - wish.since, reason)
        if wish.ending is not None and not wish.ending.done():
            wish.ending.set_result(change)
        if result == "changed":
            self._note("")
            self._log.info("now %s (%.2f s)", color, change.seconds)
        elif reason:
            self._note(reason)
        self._tell(change)

    def _note(self, trouble: str) -> None:
        """Keep why nothing changes, and say it once, not at every message."""
        if trouble and trouble != self.trouble:
            self._log.warning("no new colour: %s", trouble)
        self.trouble = trouble

    def _drop_automatic_wish(self) -> None:
        if self._wish is not None and self._wish.ending is None:
            self._end(self._wish, "superseded", None)
            self._wish = None
            self._ring()

    # Which colour

    @property
    def _names_only(self) -> bool:
        return self.settings.hex == "never" or (self.settings.hex == "auto" and self.hex_refused)

    async def _put(self, color: Color, *, named_by_user: bool) -> Color:
        """Send the colour, or the nearest name if Twitch takes no hex from this account; return what took."""
        if self._names_only:
            color = self._nearest(color, avoid_current=not named_by_user)
        self._flying = color
        try:
            await self._api.put_color(self.user_id, color)
        except ColorRejected:
            if color.is_named:
                raise
            color = self._flying = self._nearest(color, avoid_current=not named_by_user)
            await self._api.put_color(self.user_id, color)
            # Twitch's texts may change: a hex refused and a name taken is the proof (TWITCH.md, section 1).
            if self.settings.hex == "auto":
                self._no_hex_until = (self._clock.now() + HEX_AGAIN).timestamp()
                self._log.info("Twitch takes only its colour names: no Turbo or Prime; trying a hex again in a day")
        finally:
            self._flying = None
        return color

    def _nearest(self, color: Color, *, avoid_current: bool) -> Color:
        if color.is_named:
            return color
        avoid = self.history[:1] if avoid_current else ()
        return nearest_name(color, theme=self.settings.theme, min_contrast=self.settings.min_contrast, avoid=avoid)

    async def _know_original(self) -> None:
        """Before the first change of all, keep what there was."""
        if self.settings.restore and self._original is None and not self._never_chose:
            try:
                self._original = self.current or await self._api.get_color(self.user_id)
            except ColorChangerError as error:
                # A colour now is worth more than the one from before at the end.
                self._log.info("what the colour was before is not known, and cannot be put back: %s", error)
            self._never_chose = self._original is None
            await self._keeping.now()

    def _seconds_until(self, retry_at: float | None) -> float:
        if retry_at is None:
            return RATE_LIMIT_SECONDS
        # A clock that is off, ours or theirs, must not turn into a storm or into silence.
        return min(max(retry_at - self._clock.now().timestamp(), 1.0), 5 * RATE_LIMIT_SECONDS)

    # What is set, and what is remembered

    def _apply(self, overrides: dict[str, Any]) -> None:
        settings = self._configured.override(overrides)
        if settings.plan() != self.settings.plan():
            self._chooser.use(settings.plan())
        self.settings = settings
        self._overrides = overrides

    def _remembered(self) -> Remembered:
        return Remembered(
            overrides=self._overrides,
            history=[color.hex for color in self._history],
            strategy=self.strategy.name,
            state=self.strategy.save(),
            original=self._original.hex if self._original else None,
            no_hex_until=self._no_hex_until,
            channels=None if self.channels is None else list(self.channels),
        )
