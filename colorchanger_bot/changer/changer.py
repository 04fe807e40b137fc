"""The changer: gives each of its accounts a new colour after each own message.

It knows neither TwitchIO nor HTTP. What it needs comes in: a `ColorApi` that sends colours, a `Memory` that keeps
them, a clock and a source of randomness.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from colorchanger_bot.changer.chooser import ChatterColors
from colorchanger_bot.changer.memory import Memory, MemoryWriter, ShortMemory
from colorchanger_bot.changer.pace import ChatPace
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.changer.pending_changes import Change
from colorchanger_bot.changer.sender import ColorApi
from colorchanger_bot.clock import Clock, SystemClock
from colorchanger_bot.color import Color, Strategy
from colorchanger_bot.settings.model import ColorSettings

logger = logging.getLogger(__name__)

RESTORE_SECONDS = 2.5
"""How long a stop may spend on putting colours back: the whole stop has 5 s."""
REMEMBERED_MESSAGES = 500
"""Message ids kept to recognise repeats."""
REMEMBERED_REPLIES, REPLY_SECONDS = 20, 60.0
"""How many replies are recognised when they come back as messages, and for how long each is waited for."""


class OwnMessage(NamedTuple):
    """A chat message that a managed account wrote, in whichever client."""

    id: str
    """One message has one id: a mirrored shared-chat message has that of its source."""
    user_id: str
    channel_id: str
    channel: str
    color: Color | None
    """The colour it was sent with; None: Twitch did not say."""
    text: str = ""


class SentReply(NamedTuple):
    """A reply that is still to come back as an own message."""

    user_id: str
    text: str
    sent_at: float


class Recent:
    """A bounded set that forgets what came first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[str, None] = OrderedDict()

    def add(self, key: str) -> bool:
        """Add `key`; say whether it is new."""
        if key in self._kept:
            return False
        self._kept[key] = None
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return True

    def __contains__(self, key: object) -> bool:
        return key in self._kept


class Changer:
    """Gives each of its accounts a new colour after each own message."""

    def __init__(
        self,
        api: ColorApi,
        *,
        memory: Memory | None = None,
        clock: Clock | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.chatters = ChatterColors()
        self._api = api
        self.memory = memory or ShortMemory()
        self._clock = clock or SystemClock()
        self._writer = MemoryWriter(self.memory, self._clock)
        self._rng = rng or random.Random()
        self._painters: dict[str, Painter] = {}
        self._seen = Recent(REMEMBERED_MESSAGES)
        self._pace = ChatPace(self._clock)
        self._replies: tuple[SentReply, ...] = ()
        self._came_back = Recent(REMEMBERED_REPLIES)
        self._listeners: list[Callable[[Change], None]] = []
        self._message_listeners: list[Callable[[OwnMessage], None]] = []

    def __iter__(self) -> Iterator[Painter]:
        """The painters of all accounts."""
        return iter(self._painters.values())

    def __contains__(self, user_id: object) -> bool:
        return user_id in self._painters

    def __getitem__(self, user_id: str) -> Painter:
        return self._painters[user_id]

    def get(self, user_id: str) -> Painter | None:
        """Return the painter of an account; None if it is not managed."""
        return self._painters.get(user_id)

    def on_change(self, listener: Callable[[Change], None]) -> None:
        """Call `listener` with every change, however it ended; it must not wait."""
        self._listeners.append(listener)

    def on_own_message(self, listener: Callable[[OwnMessage], None]) -> None:
        """Call `listener` with each own message that is no command, once; it must not wait."""
        self._message_listeners.append(listener)

    # Accounts

    async def manage(
        self, user_id: str, login: str, settings: ColorSettings, *, strategy: Strategy | None = None
    ) -> Painter:
        """Manage an account from now on; `strategy` wins over the one in the settings.

        Raises:
            StoreError: what was remembered of it could not be read.
        """
        if user_id in self._painters:
            return self._painters[user_id]
        remembered = await self.memory.recall(user_id)
        if user_id not in self._painters:  # else another caller was faster
            painter = Painter(
                user_id,
                login,
                settings,
                api=self._api,
                memory=self._writer,
                clock=self._clock,
                rng=self._rng,
                on_change=self._on_change,
                chatters=self.chatters,
                strategy=strategy,
            )
            painter.resume(remembered)
            self._painters[user_id] = painter
        return self._painters[user_id]

    async def forget(self, user_id: str) -> None:
        """Manage an account no longer, and save nothing more of it; its colour stays as it is."""
        painter = self._painters.pop(user_id, None)
        self.chatters.watch(user_id, is_watching=False)
        self._pace.forget(user_id)
        if painter is not None:
            await painter.close(keep=False)

    # Messages

    def on_message(self, message: OwnMessage) -> None:
        """Take note of an own message that is no command; a repeat or one of our replies changes nothing."""
        painter = self._painters.get(message.user_id)
        if painter is None or not self.first_time(message.id) or self.is_reply(message):
            return
        self._pace.count(message.user_id, message.channel_id)
        painter.on_message(message.color, message.channel_id)
        for listener in self._message_listeners:
            listener(message)

    def on_command(self, message: OwnMessage) -> bool:
        """Take note of a command that an account typed; say whether to run it: not a repeat, not one of our replies."""
        if not self.first_time(message.id) or self.is_reply(message):
            return False
        self._pace.count(message.user_id, message.channel_id)
        return True

    @property
    def watchers(self) -> Collection[str]:
        """The accounts whose strategies look at the messages of others now."""
        return self.chatters.watchers

    def on_others_message(self, channel_id: str, chatter_id: str, color: str) -> None:
        """Take note of a message in a channel of a watcher that somebody else wrote."""
        self.chatters.add(channel_id, chatter_id, color)

    def first_time(self, message_id: str) -> bool:
        """Say whether this message has not been dealt with yet, and remember that it is now."""
        return self._seen.add(message_id)

    # Replies

    async def reply_turn(self, user_id: str, channel_id: str, text: str, *, is_moderator: bool = False) -> bool:
        """Wait until the account may send this reply; False: leave it out, Twitch's limit is close.

        The reply counts from now on, and is recognised when it comes back as an own message, which may happen before
        Twitch has told its id. `is_moderator`: whether the account is a moderator of the channel.
        """
        painter = self._painters.get(user_id)
        may_send = await self._pace.turn(user_id, channel_id, is_moderator=is_moderator)
        if painter is not None:
            painter.replies_left_out = 0 if may_send else painter.replies_left_out + 1
        if may_send:
            reply = SentReply(user_id, text, self._clock.monotonic())
            self._replies = (*self._replies, reply)[-REMEMBERED_REPLIES:]
        return may_send

    def is_reply(self, message: OwnMessage) -> bool:
        """Say whether this is a reply that we sent; asked again about the same message, it says the same."""
        if message.id in self._came_back:
            return True
        oldest = self._clock.monotonic() - REPLY_SECONDS  # Twitch may have dropped one: it never comes back
        for reply in self._replies:
            # Twitch puts the name of the person who is answered in front.
            is_same = reply.user_id == message.user_id and message.text.endswith(reply.text)
            if is_same and reply.sent_at >= oldest:
                self._replies = tuple(each for each in self._replies if each is not reply)
                self._came_back.add(message.id)
                return True
        return False

    # The end

    def pause(self) -> None:
        """Drop the automatic changes that wait; what a command asked for goes on, and so does the next message."""
        for painter in self:
            painter.pause()

    async def close(self) -> None:
        """Put the colours back where the settings say so, and stop."""
        restoring = [
            asyncio.create_task(self._restore(painter), name=f"restore {painter.login}")
            for painter in self
            if painter.settings.restore and painter.restores_at_stop and not painter.trouble
        ]
        if restoring:
            await asyncio.wait(restoring)
        await asyncio.gather(*(painter.close() for painter in self))
        await self._writer.close()

    async def _restore(self, painter: Painter) -> None:
        try:
            async with asyncio.timeout(RESTORE_SECONDS):
                await painter.restore()
        except TimeoutError:
            account = {"account": painter.login}
            logger.warning("the colour of %s could not be put back in time", painter.login, extra=account)

    def _on_change(self, change: Change) -> None:
        for listener in self._listeners:
            listener(change)
