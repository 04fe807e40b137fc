"""A model of reading chat: sessions that do what a test's Twitch allows, with the real channels and waiting times."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from colorchanger_bot.eventsub.channel import Channel
from colorchanger_bot.eventsub.channel_list import Known
from colorchanger_bot.eventsub.readers import Readers
from colorchanger_bot.eventsub.timing import Timing
from tests.fakes import FakeClock, settle

LOG = logging.LoggerAdapter(logging.getLogger(__name__), {})


@dataclass
class ModelTwitch:
    """Who may read what. Ids of channels and accounts are their names, unless `ids` says otherwise."""

    banned: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """User id and channel id."""
    down: set[str] = field(default_factory=set[str])
    """The accounts that cannot connect."""
    refused: set[str] = field(default_factory=set[str])
    """The accounts whose login Twitch refuses."""
    ids: dict[str, str] = field(default_factory=dict[str, str])
    """By name; empty: there is no such channel."""
    requests: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    """Subscriptions asked for, by user id and channel id."""


class ModelSession:
    """Stands for a chat session: `work` does what is due."""

    def __init__(
        self,
        user_id: str,
        twitch: ModelTwitch,
        clock: FakeClock,
        changed: Callable[[], None],
        identified: Callable[[], None],
    ) -> None:
        self.user_id = user_id
        self.trouble = ""
        self.last_end = ""
        self.is_paused = self.is_connected = False
        self._twitch = twitch
        self._clock = clock
        self._changed = changed
        self._identified = identified
        self._channels: dict[str, Channel] = {}

    @property
    def joined(self) -> int:
        return sum(channel.state == "joined" for channel in self._channels.values())

    def channel(self, name: str) -> Channel | None:
        return self._channels.get(name)

    def known(self) -> dict[str, Known]:
        return {name: Known(channel.id, name) for name, channel in self._channels.items() if channel.id}

    def set_channels(
        self, logins: Iterable[str], ids: Mapping[str, str] | None = None, remembered: Mapping[str, str] | None = None
    ) -> None:
        before, rng = self._channels, random.Random(3)
        self._channels = {
            name: before.get(name)
            or Channel.new(name, (ids or {}).get(name), clock=self._clock, log=LOG, rng=rng, timing=Timing())
            for name in logins
        }

    def retry_now(self) -> None:
        for channel in self._channels.values():
            channel.retry_now()

    async def run(self) -> None:
        await asyncio.Event().wait()

    def work(self) -> None:
        """Do what is due: connect, look channels up, and subscribe."""
        if self.user_id in self._twitch.down:
            self._end("no answer")
        elif self.user_id in self._twitch.refused:
            self.is_paused = True
            self._end("Twitch refuses the login")
        else:
            self.trouble = ""
            due = [each for each in self._channels.values() if each.messages.next_try <= self._clock.monotonic()]
            for channel in due:
                if channel.state != "joined":
                    self._join(channel)
        self._changed()

    def cut(self) -> None:
        """Lose the connection; it is back with the next `work`."""
        self._end("")
        self._changed()

    def _end(self, trouble: str) -> None:
        self.trouble, self.last_end = trouble, "silent"
        for channel in self._channels.values():
            channel.session_ended()

    def _join(self, channel: Channel) -> None:
        id_ = self._twitch.ids.get(channel.login, channel.login)
        if not id_:
            channel.is_gone = True
            channel.park("there is no such channel")
            return
        if channel.id is None:
            channel.id = id_
            self._identified()
        self._twitch.requests[self.user_id, id_] += 1
        if (self.user_id, id_) not in self._twitch.banned:
            channel.joined("subscription")
        elif channel.refused:
            channel.park("banned")
        else:
            channel.refused = True
            channel.wait(Timing().second_try, "banned")


class World:
    """Readers on a model of Twitch, with a clock that a test moves."""

    def __init__(self, *, most: int = 2, has_second_sockets: bool = False, is_shared: bool = True) -> None:
        self.clock = FakeClock()
        self.twitch = ModelTwitch()
        self.opened = 0
        """How many sessions have been opened."""
        self.readers = Readers(
            clock=self.clock,
            rng=random.Random(7),
            timing=Timing(),
            most=most,
            has_second_sockets=has_second_sockets,
            is_shared=is_shared,
        )

    def add(self, user_id: str, *names: str, ids: Mapping[str, str] | None = None) -> None:
        """Add an account that wants these channels; their ids are known unless `ids` says otherwise."""

        def connect(changed: Callable[[], None], identified: Callable[[], None]) -> ModelSession:
            self.opened += 1
            return ModelSession(user_id, self.twitch, self.clock, changed, identified)

        self.readers.add(user_id, user_id, connect)  # pyright: ignore[reportArgumentType]
        self.want(user_id, *names, ids=ids)

    def want(self, user_id: str, *names: str, ids: Mapping[str, str] | None = None) -> None:
        """Change what an account wants."""
        self.readers.want(user_id, names, {name: name for name in names} if ids is None else ids)

    @property
    def sessions(self) -> list[ModelSession]:
        return list(self.readers.sessions)  # pyright: ignore[reportReturnType]

    async def step(self, seconds: float = 0.0) -> None:
        """Let time pass, then let all sessions do what is due, and those that follow from it."""
        await self.clock.advance(seconds)
        for _ in range(4):
            for session in self.sessions:
                session.work()
            await settle()

    async def run(self, seconds: float, step: float = 1.0) -> None:
        """Let time pass step by step."""
        for _ in range(int(seconds / step)):
            await self.step(step)

    def reading(self, channel: str) -> list[str]:
        """Who reads a channel, by user id; somebody who does so over two sockets is there twice."""
        return sorted(
            session.user_id
            for session in self.sessions
            if (each := session.channel(channel)) and each.state == "joined"
        )

    def trying(self, channel: str) -> list[str]:
        """Who has been asked to read a channel but does not, and was not refused."""
        return sorted(
            session.user_id
            for session in self.sessions
            if (each := session.channel(channel)) and each.state == "joining"
        )

    async def close(self) -> None:
        await self.readers.close()
