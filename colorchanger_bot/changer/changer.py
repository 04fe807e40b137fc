"""The service: sees the own messages of all accounts and gives each its next colour.

It knows neither TwitchIO nor HTTP. What it needs of the world comes in: a `ColorApi` that sends colours, a
`Memory` that keeps them, a clock and a source of chance.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from colorchanger_bot.changer.crowd import Crowd
from colorchanger_bot.changer.memory import Memory, ShortMemory
from colorchanger_bot.changer.pace import ChatPace
from colorchanger_bot.changer.painter import Change, ColorApi, Painter
from colorchanger_bot.clock import Clock, SystemClock
from colorchanger_bot.color import Color, Strategy
from colorchanger_bot.settings.load import ColorSettings

logger = logging.getLogger(__name__)

RESTORE_SECONDS = 2.5
"""How long a stop may spend on putting colours back: the whole stop has 5 s."""
REMEMBERED_MESSAGES = 500
"""Message ids kept to recognise repeats: minutes of the busiest person's chat."""
REMEMBERED_REPLIES = 20
"""Replies that are still to come back as messages; one that Twitch dropped never does, and makes room in time."""


class OwnMessage(NamedTuple):
    """A chat message that a managed account wrote, wherever it typed it."""

    id: str
    """One message has one id: of a mirrored shared-chat message, the id of its source."""
    user_id: str
    channel_id: str
    channel: str
    color: Color | None
    """The colour it was sent with; None: Twitch did not say."""
    text: str = ""


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
        self._api = api
        self._memory = memory or ShortMemory()
        self._clock = clock or SystemClock()
        self._rng = rng or random.Random()
        self._painters: dict[str, Painter] = {}
        self._seen = Recent(REMEMBERED_MESSAGES)
        self.crowd = Crowd()
        self.pace = ChatPace(self._clock)
        self._replies: deque[tuple[str, str]] = deque(maxlen=REMEMBERED_REPLIES)
        self._came_back: deque[str] = deque(maxlen=REMEMBERED_REPLIES)
        self._listeners: list[Callable[[Change], None]] = []

    def __iter__(self) -> Iterator[Painter]:
        """The painters of all accounts."""
        return iter(self._painters.values())

    def __contains__(self, user_id: object) -> bool:
        return user_id in self._painters

    def __getitem__(self, user_id: str) -> Painter:
        return self._painters[user_id]

    def get(self, user_id: str) -> Painter | None:
        """Return who gives this account colours; None for a stranger."""
        return self._painters.get(user_id)

    def on_change(self, listener: Callable[[Change], None]) -> None:
        """Call `listener` with every change, however it ended; it must not wait."""
        self._listeners.append(listener)

    async def manage(
        self, user_id: str, login: str, settings: ColorSettings, *, strategy: Strategy | None = None
    ) -> Painter:
        """Take care of an account from now on; `strategy` wins over the one in the settings.

        Raises:
            StoreError: what was remembered of it could not be read.
        """
        if user_id in self._painters:
            return self._painters[user_id]
        remembered = await self._memory.recall(user_id)
        if user_id not in self._painters:  # else somebody else was faster
            painter = Painter(
                user_id,
                login,
                settings,
                api=self._api,
                memory=self._memory,
                clock=self._clock,
                rng=self._rng,
                tell=self._tell,
                crowd=self.crowd,
                strategy=strategy,
            )
            painter.go_on(remembered)
            self._painters[user_id] = painter
        return self._painters[user_id]

    async def forget(self, user_id: str) -> None:
        """Take care of an account no longer, and remember nothing more of it; its colour stays as it is."""
        painter = self._painters.pop(user_id, None)
        if painter is not None:
            await painter.close(keep=False)

    def saw(self, message: OwnMessage) -> None:
        """Take note of an own message; one that was seen before, or that we sent ourselves, changes nothing."""
        painter = self._painters.get(message.user_id)
        if painter is None or not self.first_time(message.id):
            return
        self.pace.note(message.user_id, message.channel_id)
        if not self.is_reply(message):
            painter.saw(message.color, message.channel_id)

    def heeds_others(self, user_id: str) -> bool:
        """Say whether the strategy of an account looks at the messages of others now."""
        painter = self._painters.get(user_id)
        return painter is not None and painter.strategy.wants_seen

    def notice(self, user_id: str, channel_id: str, chatter_id: str, color: str) -> None:
        """Take note of somebody else's message that the account `user_id` read, if its strategy looks at others."""
        if self.heeds_others(user_id):
            self.crowd.notice(channel_id, chatter_id, color)

    def expect(self, user_id: str, reply: str) -> None:
        """Announce a reply that is about to be said as `user_id`: it comes back as an own message, and may do so
        before Twitch has told its id.
        """
        self._replies.append((user_id, reply))

    def is_reply(self, message: OwnMessage) -> bool:
        """Say whether this is a reply that we sent; asked again about the same message, it says the same."""
        if message.id in self._came_back:
            return True
        for said in self._replies:
            user_id, text = said
            # Twitch puts the name of the person who is answered in front.
            if user_id == message.user_id and message.text.endswith(text):
                self._replies.remove(said)
                self._came_back.append(message.id)
                return True
        return False

    def first_time(self, message_id: str) -> bool:
        """Say whether this message, command or reply has not been dealt with yet, and remember that it is now."""
        return self._seen.add(message_id)

    async def pause(self) -> None:
        """Give up the automatic changes that wait; what a command asked for goes on, and so does the next message."""
        for painter in self:
            await painter.adjust()

    async def close(self) -> None:
        """Put the colours back where the settings say so, and stop."""
        restoring = [
            asyncio.create_task(self._restore(painter), name=f"restore {painter.login}")
            for painter in self
            if painter.settings.restore and not painter.trouble
        ]
        if restoring:
            await asyncio.wait(restoring)
        await asyncio.gather(*(painter.close() for painter in self))

    async def _restore(self, painter: Painter) -> None:
        try:
            async with asyncio.timeout(RESTORE_SECONDS):
                await painter.restore()
        except TimeoutError:
            account = {"account": painter.login}
            logger.warning("the colour of %s could not be put back in time", painter.login, extra=account)

    def _tell(self, change: Change) -> None:
        for listener in self._listeners:
            listener(change)
