"""Readers: who reads which channel.

Accounts *want* channels. Two of those that want a channel read it for all, so what a channel costs does not grow with
the accounts. Chat sessions are opened and closed here as they are needed. If a reader fails, another one takes over.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from itertools import count

from colorchanger_bot.clock import Clock, Notifier, Tasks
from colorchanger_bot.eventsub.candidates import Candidates
from colorchanger_bot.eventsub.channel import ChannelStatus
from colorchanger_bot.eventsub.channel_list import Known
from colorchanger_bot.eventsub.reader import Account, Connect, Reader
from colorchanger_bot.eventsub.session import ChatSession
from colorchanger_bot.eventsub.shared_channel import FOREVER, Assignment, SharedChannel
from colorchanger_bot.eventsub.timing import Timing
from colorchanger_bot.eventsub.wanted import Wanted

logger = logging.getLogger(__name__)


class Readers:
    """The readers of all accounts of one bot.

    Args:
        most: how many read a channel, 1 to 3.
        is_shared: False lets every account read all of its channels itself.
        has_second_sockets: whether an account that is alone in a channel reads it over two sockets.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        rng: random.Random,
        timing: Timing,
        most: int = 2,
        is_shared: bool = True,
        has_second_sockets: bool = False,
    ) -> None:
        self.handovers: Counter[str] = Counter()
        """How often another reader was asked to take over, by what happened to the one before."""
        self._clock = clock
        self._timing = timing
        self._most = most
        self._has_second_sockets = has_second_sockets
        self._listeners: list[Callable[[str], None]] = []
        self._accounts: dict[str, Account] = {}
        self._barred: dict[str, str] = {}
        """Why accounts may not read, by user id."""
        self._wanted = Wanted(partial(SharedChannel.new, rng=rng, timing=timing), is_shared=is_shared)
        self._candidates = Candidates(
            self._accounts, self._wanted, joins=timing.joins, has_second_sockets=has_second_sockets
        )
        self._changes = Notifier()
        self._to_settle: dict[SharedChannel, None] = {}
        self._to_look_at: dict[Reader, None] = {}
        self._asked: dict[Reader, None] = {}
        """Readers whose sessions have not been told yet what to read now."""
        self._looks: list[tuple[float, int, SharedChannel]] = []
        """When to settle which channel even if nothing happens: a heap by the monotonic clock."""
        self._order = count()
        self._tasks = Tasks(logger)

    @property
    def ours(self) -> Collection[str]:
        """The user ids of the accounts."""
        return self._accounts.keys()

    @property
    def channels(self) -> Iterator[SharedChannel]:
        """The channels that accounts want, each once."""
        return iter(self._wanted)

    @property
    def sessions(self) -> Iterator[ChatSession]:
        """The chat sessions of those that read."""
        return (reader.session for account in self._accounts.values() for reader in account.readers)

    def counts(self, user_id: str, channel_id: str) -> bool:
        """Return whether an account wants a channel, so that what it writes there counts."""
        return self._wanted.counts(user_id, channel_id)

    def is_read(self, channel_id: str) -> bool:
        """Return whether somebody reads a channel."""
        channel = self._wanted.with_id(channel_id)
        return channel is not None and channel.is_read

    def known(self, user_id: str) -> dict[str, Known]:
        """Return who the channels of an account are, by the names that it uses, as far as that is known."""
        wanted = self._wanted.of(user_id).items()
        return {name: Known(channel.id, channel.name) for name, channel in wanted if channel.id and channel.is_sure}

    def status(self, user_id: str) -> dict[str, ChannelStatus]:
        """Return how the channels of an account are doing, each once, by a name that it uses."""
        names: dict[SharedChannel, str] = {}
        for name, channel in self._wanted.of(user_id).items():
            names.setdefault(channel, name)
        now = self._clock.monotonic()
        return {name: channel.status(now, self._barred) for channel, name in names.items()}

    def trouble(self, user_id: str) -> str:
        """Return why an account's messages are not seen at all; empty if some are, or soon will be."""
        account = self._accounts.get(user_id)
        if account is None or any(channel.is_read for channel in self._wanted.of(user_id).values()):
            return ""
        return self._barred.get(user_id) or account.trouble

    def on_identified(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with the user id of an account when it has become known who its channels are."""
        self._listeners.append(listener)

    # Accounts

    def add(self, user_id: str, login: str, connect: Connect) -> None:
        """Add an account."""
        self._accounts[user_id] = Account(user_id, login, connect)
        if not list(self._tasks):
            self._tasks.start(self._settle_for_ever(), "who reads which channel")

    async def drop(self, user_id: str) -> None:
        """Forget an account."""
        if (account := self._accounts.pop(user_id, None)) is not None:
            self._barred.pop(user_id, None)
            ending = self._stop_reading(account, "left")
            self._settle_later(self._wanted.drop(user_id))
            await asyncio.gather(*ending, return_exceptions=True)

    def want(
        self,
        user_id: str,
        names: Iterable[str],
        ids: Mapping[str, str] | None = None,
        remembered: Mapping[str, str] | None = None,
    ) -> None:
        """Set what an account wants: `ids` are those of names that are known, `remembered` those of an earlier run."""
        account = self._accounts[user_id]
        removed = self._wanted.set(user_id, names, {account.login: user_id, **(ids or {})}, remembered or {})
        self._settle_later((*self._wanted.of(user_id).values(), *removed))

    def bar(self, user_id: str, reason: str) -> None:
        """Let an account read nothing for now; others take over."""
        self._barred[user_id] = reason
        self._stop_reading(self._accounts[user_id], "login")

    def allow(self, user_id: str) -> None:
        """Let an account read again."""
        if self._barred.pop(user_id, None) is not None:
            self.retry_now(user_id)

    def retry_now(self, user_id: str) -> None:
        """Try again now what was refused: the account's permissions have changed."""
        for reader in self._accounts[user_id].readers:
            reader.session.retry_now()
        channels = dict.fromkeys(self._wanted.of(user_id).values())
        for channel in channels:
            channel.retry_now(user_id)
        self._settle_later(channels)

    def note_moderator(self, user_id: str, channel_id: str) -> None:
        """Note that an account moderates a channel."""
        if (channel := self._wanted.with_id(channel_id)) is not None:
            channel.moderators.add(user_id)

    async def close(self) -> None:
        """End all chat sessions."""
        await self._tasks.cancel()

    # What the chat sessions tell

    def _changed(self, account: Account) -> None:
        self._to_look_at |= dict.fromkeys(account.readers)
        self._changes.notify()

    def _channels_identified(self, account: Account) -> None:
        names = self._wanted.of(account.user_id)
        told: dict[str, None] = {}
        for reader in account.readers:
            for name, known in reader.session.known().items():
                if (before := names.get(name)) is not None:
                    told |= dict.fromkeys(self._wanted.identify(account.user_id, name, known))
                    self._settle_later((before, names[name]))
        for user_id in told:
            for listener in self._listeners:
                listener(user_id)

    # Settling: who starts, and who stops

    async def _settle_for_ever(self) -> None:
        while True:
            changed = self._changes.next
            try:
                self._settle()
            except Exception:  # the outermost place of this task: it must not end while there are accounts
                logger.exception("who reads which channel could not be settled; trying again")
                self._to_settle |= dict.fromkeys(self._wanted)
                await self._clock.sleep(self._timing.retry[1])
            next_look = self._looks[0][0] - self._clock.monotonic() if self._looks else FOREVER
            await changed.wait_at_most(self._clock, next_look)

    def _settle_later(self, channels: Iterable[SharedChannel]) -> None:
        self._to_settle |= dict.fromkeys(channels)
        self._changes.notify()

    def _settle(self) -> None:
        now = self._clock.monotonic()
        while self._looks and self._looks[0][0] <= now:
            self._to_settle[heapq.heappop(self._looks)[2]] = None
        while self._to_look_at:
            self._look_at(self._to_look_at.popitem()[0], now)
        settling: dict[SharedChannel, None] = {}
        # First all follow their names; only then it can be seen who is missing where.
        while self._to_settle:
            channel = next(iter(self._to_settle))
            del self._to_settle[channel]
            settling[channel] = None
            self._reseat(channel)
        for channel in settling:
            self._settle_channel(channel, now)
        while self._asked:
            reader, _ = self._asked.popitem()
            if reader.is_active:
                self._apply(reader)

    def _look_at(self, reader: Reader, now: float) -> None:
        """Find out for which channels it matters what has changed for a reader."""
        if reader.is_active and reader.session.is_paused:  # Twitch has refused its login
            self.bar(reader.user_id, reader.session.trouble)
        wanted = self._wanted.of(reader.user_id)
        channels = [wanted[name] for name in reader.names if name in wanted]
        self._to_settle |= dict.fromkeys(channel for channel in channels if channel.look(now))
        if reader.had_trouble and not reader.session.trouble:  # it can be asked for more again
            self._to_settle |= dict.fromkeys(wanted.values())
        reader.had_trouble = bool(reader.session.trouble)

    def _settle_channel(self, channel: SharedChannel, now: float) -> None:
        """Let those start and stop that should."""
        willing = channel.wanted_by.keys() - self._barred.keys()
        channel.look(now)
        plan = channel.plan(now, wanted=self._most if self._has_second_sockets else min(self._most, len(willing)))
        for each in plan.release:
            self._release(channel, each)
        starting = plan.start or int(self._candidates.may_improve(channel, willing))
        for _ in range(starting):
            account = self._candidates.best(channel, willing)
            if account is None and (leaving := self._candidates.one_who_may_leave(channel, willing)) is not None:
                account, left = leaving
                self._release(left, left.asked(account.user_id)[0])
            if account is not None:
                self._start(account, channel, now)
        self._say(channel, now)
        if plan.look_again < channel.look_at or channel.look_at <= now < plan.look_again < FOREVER:
            channel.look_at = plan.look_again
            heapq.heappush(self._looks, (plan.look_again, next(self._order), channel))

    def _reseat(self, channel: SharedChannel) -> None:
        """Follow the readers for whose accounts this channel has another name now, or the name another channel."""
        for each in channel.assignments[:]:
            reader = each.reader
            names = self._wanted.of(reader.user_id)
            meant = names.get(each.name)
            if meant is channel:
                continue
            other = next((name for name, its in names.items() if its is channel and name not in reader.names), "")
            if other:
                del reader.names[each.name]
                reader.names[other] = None
                each.name = other
            elif meant is None or any(its.reader is reader for its in meant.assignments):
                if each.progress == "reading":
                    channel.lost = "left"
                self._release(channel, each)
            else:
                channel.assignments.remove(each)
                meant.assignments.append(each)
                self._to_settle[meant] = None
            self._asked[reader] = None

    def _start(self, account: Account, channel: SharedChannel, now: float) -> None:
        asked = [each.reader for each in channel.asked(account.user_id)]
        reader = next((each for each in account.readers if each not in asked), None) or self._open(account)
        name = next(name for name, each in self._wanted.of(account.user_id).items() if each is channel)
        reader.names[name] = None
        channel.assignments.append(Assignment(reader, name, now))
        self._asked[reader] = None
        if channel.lost:
            self.handovers[channel.lost] += 1
            log = logging.LoggerAdapter(logger, {"account": account.login})
            log.info("#%s: takes over (the last reader: %s)", channel.name, channel.lost)

    def _open(self, account: Account) -> Reader:
        """Open one more chat session for an account."""
        session = account.connect(partial(self._changed, account), partial(self._channels_identified, account))
        reader = Reader(account, session)
        account.readers[reader] = self._tasks.start(session.run(), f"chat of {account.login}")
        return reader

    def _release(self, channel: SharedChannel, assignment: Assignment) -> None:
        """Let a reader read a channel no longer, and close its session if that was the last one."""
        reader = assignment.reader
        channel.assignments.remove(assignment)
        del reader.names[assignment.name]
        if not reader.names and (running := reader.account.readers.pop(reader, None)) is not None:
            running.cancel()
        self._asked[reader] = None

    def _stop_reading(self, account: Account, why: str) -> list[asyncio.Task[None]]:
        """Let an account read nothing; return the tasks that end with that."""
        for channel in dict.fromkeys(self._wanted.of(account.user_id).values()):
            for each in channel.asked(account.user_id):
                channel.assignments.remove(each)
                if each.progress == "reading":
                    channel.lost = why
            self._to_settle[channel] = None
        self._changes.notify()
        running = list(account.readers.values())
        account.readers.clear()
        for task in running:
            task.cancel()
        return running

    def _apply(self, reader: Reader) -> None:
        """Tell a session what to read."""
        wanted = self._wanted.of(reader.user_id)
        known = {name: wanted[name] for name in reader.names if wanted[name].id is not None}
        sure = {name: channel.id or "" for name, channel in known.items() if channel.is_sure}
        reader.session.set_channels(reader.names, sure, {name: channel.id or "" for name, channel in known.items()})

    def _say(self, channel: SharedChannel, now: float) -> None:
        """Say when nobody is left to read a channel that several accounts want."""
        if channel.is_read:
            if channel.is_deaf:
                logger.info("#%s: read again", channel.name)
            channel.is_deaf = False
        elif not channel.assignments and len(channel.wanted_by) > 1 and not channel.is_deaf:
            channel.is_deaf = True
            why = channel.status(now, self._barred).reason
            logger.warning("#%s: nobody reads it now, for %d accounts: %s", channel.name, len(channel.wanted_by), why)
