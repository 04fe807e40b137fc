"""The colours of one account: which messages are owed a change, and what is set and remembered for it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from colorchanger_bot.changer.chooser import ChatterColors, Chooser
from colorchanger_bot.changer.memory import MemoryWriter, Remembered
from colorchanger_bot.changer.pace import BurstLimit
from colorchanger_bot.changer.pending_changes import Change, PendingChanges, Wish
from colorchanger_bot.changer.sender import ColorApi, ColorSender
from colorchanger_bot.changer.shown_colors import HISTORY, ShownColors
from colorchanger_bot.clock import Clock
from colorchanger_bot.color import Color, Strategy
from colorchanger_bot.errors import ColorChangerError, ConfigError, UnknownColor
from colorchanger_bot.settings.model import ColorSettings

logger = logging.getLogger(__name__)


def _colors(texts: Iterable[str]) -> Iterator[Color]:
    """The colours among texts of the store, which another version may have written."""
    for text in filter(None, texts):
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
        memory: MemoryWriter,
        clock: Clock,
        rng: random.Random,
        on_change: Callable[[Change], None],
        chatters: ChatterColors | None = None,
        strategy: Strategy | None = None,
    ) -> None:
        self.user_id = user_id
        self.login = login
        self.trouble = ""
        """Why the last change did not happen; empty when it did."""
        self.channels: tuple[str, ...] | None = None
        """The channels to read, as set in chat; None: as the settings say."""
        self.channel_ids: dict[str, str] = {}
        """The user ids of the channels to read, by the names they are listed under, as far as they are known."""
        self.listed_as = ""
        """The name under which the settings list the account; empty if they do not."""
        self.restores_at_stop = True
        """Whether the colour from before is put back when the bot stops, if the settings say so."""
        self.messages = 0
        self.changes = 0
        """Colours changed after messages and by commands; putting the original back does not count."""
        self.replies_left_out = 0
        """Commands without a reply, for Twitch's chat limits, since the last reply that was sent."""
        self.settings = settings
        self.held: Color | None = None
        """The colour to stay at, whatever the strategy; None: the strategy chooses."""
        self._configured = settings
        self._overrides: dict[str, Any] = {}
        self._original: Color | None = None
        self._has_no_original = False
        """Whether nobody knows a colour from before the first change: nothing can be put back."""
        self._api = api
        self._clock = clock
        self._rng = rng
        self._on_change = on_change
        self._log = logging.LoggerAdapter(logger, {"account": login})
        self._shown = ShownColors()
        self._sender = ColorSender(user_id, api, self._shown, clock=clock, log=self._log)
        self._chatters = chatters or ChatterColors()
        self._chooser = Chooser(settings.plan(), chatters=self._chatters, clock=clock, rng=rng, custom=strategy)
        self._chatters.watch(user_id, is_watching=self.strategy.wants_seen)
        self._memory = memory
        self._burst = BurstLimit()
        self._changes = PendingChanges(
            user_id,
            login,
            make=self._make,
            on_end=self._on_end,
            on_trouble=self._note,
            clock=clock,
            rng=rng,
            log=self._log,
        )

    @property
    def strategy(self) -> Strategy:
        """What chooses the colours, unless one is held."""
        return self._chooser.strategy

    @property
    def current(self) -> Color | None:
        """The colour that the account shows, as far as is known."""
        return self._shown.current

    @property
    def seconds_since_change(self) -> float | None:
        """Seconds since the last change took effect; None: there was none since the start."""
        seconds = self._clock.monotonic() - self._shown.changed_at
        return None if seconds == float("inf") else seconds

    @property
    def is_changing(self) -> bool:
        """Whether another colour may be on its way."""
        return self._shown.sending is not None or self._shown.unconfirmed is not None

    @property
    def history(self) -> tuple[Color, ...]:
        """The colours that the account has shown, newest first."""
        return self._shown.history

    @property
    def hex_refused(self) -> bool:
        """Whether Twitch refused a hex colour within the last day."""
        return self._sender.hex_refused

    @property
    def names_only(self) -> bool:
        """Whether only Twitch's colour names are sent."""
        return self._sender.names_only(self.settings)

    # What messages and commands ask for

    def on_message(self, shown: Color | None, channel_id: str = "") -> None:
        """Take note of an own message that was sent in colour `shown` (None: unknown)."""
        now = self._clock.monotonic()
        self.messages += 1
        self._burst.on_message(now, busy=self._shown.sending is not None)
        is_owed = self._shown.is_owed(shown, now)
        if self._shown.on_message(shown, now) and shown is not None:
            self._changes.confirm(shown)
        if not (self.settings.enabled and is_owed):
            return
        due = now + self._rng.uniform(*self.settings.delay)
        if self._changes.waiting is None:
            due = max(due, self._shown.changed_at + self.settings.cooldown, self._burst.earliest(now))
            self._changes.ask(Wish(now, due, channel_id=channel_id))
        else:
            self._changes.retry_by(due)

    async def show(self, color: Color | None = None, *, is_restore: bool = False) -> Change:
        """Change now, ahead of everything that waits, to `color` or what the strategy chooses; return how it ended."""
        now = self._clock.monotonic()
        ending = asyncio.get_running_loop().create_future()
        exact = color is not None
        self._changes.ask(Wish(now, now, color, is_exact=exact, is_restore=is_restore, ending=ending))
        return await ending

    async def adjust(self, *, release: bool = False, **overrides: Any) -> None:
        """Set keys of `[color]` for this account, from now on and after a restart; `release` ends a hold.

        Raises:
            ConfigError: a value is not allowed; nothing is changed then.
        """
        self._apply({**self._overrides, **overrides})
        if release:
            self.held = None
        self.pause()
        await self._memory.now(self.user_id, self._remembered)

    def configure(self, settings: ColorSettings) -> None:
        """Use other settings from now on; what was set in chat still wins, unless it no longer fits."""
        if settings == self._configured:
            return
        self._configured = settings
        try:
            self._apply(self._overrides)
        except ConfigError as error:
            self._log.warning("what was set in chat no longer fits the settings and is ignored: %s", error)
            self._apply({})
        if not self.settings.enabled:
            self.pause()

    @property
    def set_in_chat(self) -> tuple[str, ...]:
        """The keys of the settings that were set in chat or on the dashboard, and win over the settings."""
        held = ("strategy",) if self.held is not None else ()
        return tuple(dict.fromkeys((*held, *self._overrides, *(("channels",) if self.channels is not None else ()))))

    async def follow_settings(self) -> None:
        """Drop what was set in chat: the settings count again."""
        self._apply({})
        self.held = None
        self.channels = None
        self.pause()
        await self._memory.now(self.user_id, self._remembered)

    async def hold(self, color: Color | None) -> None:
        """Stay at a colour, also after a restart; None: let the strategy choose again."""
        self.held = color
        self.pause()
        await self._memory.now(self.user_id, self._remembered)

    def pause(self) -> None:
        """Drop an automatic change that waits; what a command asked for goes on."""
        self._changes.drop_automatic()

    def identify_channels(self, ids: dict[str, str], channels: tuple[str, ...] | None = None) -> None:
        """Remember who the channels to read are, and under which names if they are set in chat and have changed."""
        channels = channels or self.channels
        if (ids, channels) != (self.channel_ids, self.channels):
            self.channel_ids, self.channels = ids, channels
            self._memory.soon(self.user_id, self._remembered)

    def identify_account(self, listed_as: str) -> None:
        """Remember under which name the settings list the account, so that they remain its own after a rename."""
        if listed_as != self.listed_as:
            self.listed_as = listed_as
            self._memory.soon(self.user_id, self._remembered)

    async def keep_channels(self, channels: tuple[str, ...]) -> None:
        """Remember which channels to read."""
        self.channels = channels
        await self._memory.now(self.user_id, self._remembered)

    async def restore(self) -> Change | None:
        """Put back the colour from before the first change; None if there is nothing to put back."""
        original = self._original
        if original is None or (original == self.current and not self.is_changing):
            return None
        change = await self.show(original, is_restore=True)
        if change.result == "changed":
            self._original = None
            self._memory.soon(self.user_id, self._remembered)  # a stop restores many, and writes once
        return change

    @property
    def earlier(self) -> Color | None:
        """The colour before the one that is shown; None if none is known."""
        return next((color for color in self.history if color != self.current), None)

    async def recheck(self) -> None:
        """Take the account to have Turbo or Prime again; the next hex colour shows whether it does."""
        self._sender.no_hex_until = None
        await self._memory.now(self.user_id, self._remembered)

    async def close(self, *, keep: bool = True) -> None:
        """Stop, giving up a request under way. With `keep` off, what is not saved yet is forgotten."""
        await self._changes.close()
        if not keep:
            await self._memory.drop(self.user_id)

    # One change

    async def _make(self, wish: Wish) -> Color | None:
        if wish.ending is None:
            self._burst.on_change(self._clock.monotonic())
        color = wish.color = wish.color or self._choose(wish.channel_id)
        if color is None:
            return None
        await self._learn_original()
        shown = await self._sender.send(color, self.settings, may_repeat=wish.is_exact)
        self._shown.on_change(shown, self._clock.monotonic())
        return shown

    def _choose(self, channel_id: str) -> Color | None:
        """The colour that is held, or the strategy's next; None: the one that is shown stays."""
        color = self.held
        if color is None:
            color = self._chooser.next(self.history, channel_id, names_only=self.names_only)
        elif self.names_only:
            color = self._sender.name_for(color, self.settings, may_repeat=True)
        return None if color == self.current else color

    def _on_end(self, change: Change) -> None:
        if change.result == "changed":
            self._note("")
            self.changes += not change.is_restore
            context = {"account": self.login, "color": change.color.hex if change.color else ""}
            logger.info("now %s (%.2f s)", change.color, change.seconds, extra=context)
            self._memory.soon(self.user_id, self._remembered)
        elif change.reason:
            self._note(change.reason)
        self._on_change(change)

    def _note(self, trouble: str) -> None:
        """Keep why nothing changes, and log it once, not at every message."""
        if trouble and trouble != self.trouble:
            self._log.warning("no new colour: %s", trouble)
        self.trouble = trouble

    # What is set, and what is remembered

    async def _learn_original(self) -> None:
        """Save the colour from before the first change, so that it can be put back."""
        if not self.settings.restore or self._original is not None or self._has_no_original:
            return
        try:
            self._original = self.current or await self._api.get_color(self.user_id)
        except ColorChangerError as error:
            # A colour now is worth more than the original at the end.
            self._log.info("the colour from before is unknown and cannot be put back: %s", error)
        self._has_no_original = self._original is None
        await self._memory.now(self.user_id, self._remembered)

    def _apply(self, overrides: dict[str, Any]) -> None:
        settings = self._configured.override(overrides)
        if settings.plan() != self.settings.plan():
            self._chooser.use(settings.plan())
            self._chatters.watch(self.user_id, is_watching=self.strategy.wants_seen)
        self.settings = settings
        self._overrides = overrides

    def resume(self, remembered: Remembered) -> None:
        """Continue where the last run ended."""
        self._shown.history = tuple(_colors(remembered.history))[:HISTORY]
        self._original = next(_colors([remembered.original or ""]), None)
        self._sender.no_hex_until = remembered.no_hex_until
        self.channels = None if remembered.channels is None else tuple(remembered.channels)
        self.channel_ids = dict(remembered.channel_ids)
        self.listed_as = remembered.listed_as
        overrides = dict(remembered.overrides)
        held = remembered.held
        if held is None and overrides.get("strategy") == "hold" and overrides.get("base"):
            # Until version 0.1 a held colour was a strategy set in chat.
            held = str(overrides.pop("base"))
            del overrides["strategy"]
        self.held = next(_colors([held or ""]), None)
        try:
            self._apply(overrides)
        except ConfigError as error:
            self._log.warning("what was set in chat no longer fits the settings and is ignored: %s", error)
        if remembered.strategy == self.strategy.name:
            self.strategy.load(remembered.state)

    def _remembered(self) -> Remembered:
        return Remembered(
            overrides=self._overrides,
            history=[color.hex for color in self.history],
            strategy=self.strategy.name,
            state=self.strategy.save(),
            original=self._original.hex if self._original else None,
            no_hex_until=self._sender.no_hex_until,
            channels=None if self.channels is None else list(self.channels),
            held=self.held.hex if self.held else None,
            channel_ids=self.channel_ids,
            listed_as=self.listed_as,
        )
