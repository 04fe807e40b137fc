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

from colorchanger_bot.clock import Backoff, Clock, wait_until
from colorchanger_bot.color import Color, Moment, Strategy, build, nearest_name
from colorchanger_bot.crowd import Crowd
from colorchanger_bot.errors import (
    AuthError,
    ColorChangerError,
    ColorRejected,
    ConfigError,
    OutcomeUnknown,
    RateLimited,
    StoreError,
    TwitchUnavailable,
    UnknownColor,
)
from colorchanger_bot.memory import Memory, Remembered
from colorchanger_bot.settings import ColorSettings

logger = logging.getLogger(__name__)

SETTLE_SECONDS = 5.0
"""After a change, how long a message may still show an older colour because it was on its way."""
TOGETHER_SECONDS = 0.005
"""Messages that come so close to each other were not typed one after the other: they come from a queue or a script."""
BURST_MESSAGES, BURST_SECONDS = 3, 1.0
"""So many messages too many in so long are a burst, and a burst gets that many automatic changes in that long."""
QUIET_SECONDS, SAVE_SECONDS = 1.0, 10.0
"""A change is kept once it has been quiet for so long, or after so long at the latest: many changes are one write."""
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
        self._memory = memory
        self._clock = clock
        self._rng = rng
        self._tell = tell
        self._crowd = crowd or Crowd()
        self._own_strategy = strategy
        self._log = logging.LoggerAdapter(logger, {"account": login})
        self._history: tuple[Color, ...] = ()
        self._original: Color | None = None
        self._never_chose = False
        """No colour of this account from before is known: nothing can be put back."""
        self._no_hex_until: float | None = None
        self._overrides: dict[str, Any] = {}
        self.settings = settings
        self.strategy = self._build(settings)

        self._wish: Wish | None = None
        self._news: asyncio.Event | None = None
        """Ends the wait until the wish is due, while there is one."""
        self._task: asyncio.Task[None] | None = None
        self._flying: Color | None = None
        self._drawn: Color | None = None
        """The next colour, drawn ahead of its message."""
        self._maybe: Color | None = None
        """A colour whose request got no answer: the next message shows whether it took."""
        self._changed_at = float("-inf")
        self._seen_at = float("-inf")
        self._crowded: tuple[float, ...] = ()
        """When messages came that were too many: right behind another, or while a change was under way."""
        self._begun: tuple[float, ...] = ()
        """When the last automatic changes began."""
        self._saving: asyncio.Task[None] | None = None
        self._not_before = float("-inf")
        self._backoff = Backoff(rng, first=FIRST_RETRY_SECONDS, most=MOST_RETRY_SECONDS)

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

    async def start(self) -> None:
        """Go on where the last run ended."""
        remembered = await self._memory.recall(self.user_id)
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

    def saw(self, shown: Color | None, channel_id: str = "") -> None:
        """Take note of an own message that was sent in colour `shown` (None: unknown)."""
        now = self._clock.monotonic()
        self.messages += 1
        if self._flying is not None or now - self._seen_at < TOGETHER_SECONDS:
            self._crowded = (*self._crowded, now)[-BURST_MESSAGES:]
        self._seen_at = now
        owed = self._owed(shown)
        self._observe(shown)
        if not (self.settings.enabled and owed):
            return
        due = now + self._rng.uniform(*self.settings.delay)
        if self._wish is None:
            due = max(due, self._changed_at + self.settings.cooldown)
            if self._in_burst(now) and len(self._begun) == BURST_MESSAGES:
                due = max(due, self._begun[0] + BURST_SECONDS)
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
        await self._remember()

    async def keep_channels(self, channels: tuple[str, ...]) -> None:
        """Remember which channels to read."""
        self.channels = channels
        await self._remember()

    async def restore(self) -> Change | None:
        """Put back the colour from before the first change; None if there is nothing to put back."""
        original = self._original
        if original is None or (original == self.current and self._flying is None):
            return None
        change = await self.show(original)
        if change.result == "changed":
            self._original = None
            await self._remember()
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
        if self._saving is not None:
            self._saving.cancel()
            self._saving = None
            if keep:
                await self._remember()

    # When a change is owed

    def _owed(self, shown: Color | None) -> bool:
        if shown is None or shown in (self._flying, self._maybe):
            return True
        if self._flying is not None:
            return shown not in self._history  # the change under way answers this message too
        if self._clock.monotonic() - self._changed_at < SETTLE_SECONDS:
            return shown == self.current or shown not in self._history
        return True

    def _in_burst(self, now: float) -> bool:
        return len(self._crowded) == BURST_MESSAGES and now - self._crowded[0] < BURST_SECONDS

    def _observe(self, shown: Color | None) -> None:
        """Learn from a message what the account really shows: a lost answer, or a change made elsewhere."""
        if shown is None or self._flying is not None or shown == self.current:
            return
        settling = self._clock.monotonic() - self._changed_at < SETTLE_SECONDS
        if shown == self._maybe or not (settling and shown in self._history):
            self._history = (shown, *self._history)[:HISTORY]
            self._drawn = None
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
                    self._news = asyncio.Event()
                    await wait_until(self._news, self._clock, wait)  # but no longer than until there is news
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
            self._begun = (*self._begun, self._clock.monotonic())[-BURST_MESSAGES:]
        color = wish.color or self._drawn or self._choose(wish.channel_id)
        self._drawn = None
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
            self._draw_ahead()
            self._remember_soon()

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

    def _choose(self, channel_id: str) -> Color | None:
        moment = Moment(
            history=self.history,
            rng=self._rng,
            now=self._clock.now(),
            seen=self._crowd.colors(channel_id) if self.strategy.wants_seen else (),
            presets_only=self._names_only,
        )
        return self.strategy.next(moment)

    def _draw_ahead(self) -> None:
        """Have the next colour ready, where it depends on nothing that is still to come."""
        if self.strategy.ahead and not self._names_only:
            self._drawn = self._choose("")

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
            await self._remember()

    def _seconds_until(self, retry_at: float | None) -> float:
        if retry_at is None:
            return RATE_LIMIT_SECONDS
        # A clock that is off, ours or theirs, must not turn into a storm or into silence.
        return min(max(retry_at - self._clock.now().timestamp(), 1.0), 5 * RATE_LIMIT_SECONDS)

    # What is remembered

    def _apply(self, overrides: dict[str, Any]) -> None:
        settings = self._configured.override(overrides)
        if settings.plan() != self.settings.plan():
            self.strategy = self._build(settings)
            self._drawn = None
        self.settings = settings
        self._overrides = overrides

    def _build(self, settings: ColorSettings) -> Strategy:
        return self._own_strategy or build(settings.plan())

    def _remember_soon(self) -> None:
        if self._saving is None:
            self._saving = asyncio.create_task(self._remember_later(), name=f"memory of {self.login}")

    async def _remember_later(self) -> None:
        latest = self._clock.monotonic() + SAVE_SECONDS
        while (wait := min(self._changed_at + QUIET_SECONDS, latest) - self._clock.monotonic()) > 0:
            await self._clock.sleep(wait)
        self._saving = None
        await self._remember()

    async def _remember(self) -> None:
        remembered = Remembered(
            overrides=self._overrides,
            history=[color.hex for color in self._history],
            strategy=self.strategy.name,
            state=self.strategy.save(),
            original=self._original.hex if self._original else None,
            no_hex_until=self._no_hex_until,
            channels=None if self.channels is None else list(self.channels),
        )
        try:
            await self._memory.remember(self.user_id, remembered)
        except StoreError as error:
            self._log.error("the colours of %s could not be kept: %s", self.login, error)
