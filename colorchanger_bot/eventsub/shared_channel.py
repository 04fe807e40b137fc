"""SharedChannel: one channel that accounts want, who reads it, and whether somebody else should try.

All of it is decided here, from what the chat sessions say and the time; `Readers` carries it out.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from colorchanger_bot.clock import Backoff
from colorchanger_bot.eventsub.channel import Channel, ChannelStatus
from colorchanger_bot.eventsub.reader import Reader
from colorchanger_bot.eventsub.timing import Timing

EXTRA_TRIES = 2
"""So many more readers than wanted may try at the same time."""
REFUSALS = 3
"""After so many refused readers in a row, the channel is left alone for a long, growing time."""

Progress = Literal["reading", "fresh", "doubtful", "troubled", "refused"]
Key = tuple[str, str, str]
FOREVER = float("inf")


@dataclass(slots=True, eq=False)
class Assignment:
    """A channel that a reader was asked to read, by a name that its account uses."""

    reader: Reader
    name: str
    since: float
    """On the monotonic clock."""
    has_read: bool = False
    progress: Progress = "fresh"

    @property
    def channel(self) -> Channel | None:
        """The channel as the reader's session sees it; None if it has not been told of it yet."""
        return self.reader.session.channel(self.name)

    def look(self, now: float, patience: float) -> Progress:
        """Work out how it goes: a reader is fresh while nothing went wrong and it had little time."""
        channel, trouble = self.channel, self.reader.session.trouble
        if channel is not None and channel.state == "parked":
            return "refused"
        if channel is not None and channel.state == "joined" and not trouble:
            return "reading"
        if channel is not None and channel.refused:
            return "doubtful"
        has_reason = trouble or (channel is not None and channel.reason)
        return "troubled" if has_reason or self.has_read or now >= self.since + patience else "fresh"


class Plan(NamedTuple):
    """What to do about the readers of a channel."""

    start: int = 0
    """So many more are to try."""
    release: tuple[Assignment, ...] = ()
    """These are not needed."""
    look_again: float = FOREVER
    """On the monotonic clock."""


@dataclass(slots=True, eq=False)
class SharedChannel:
    """One channel."""

    key: Key
    """What it is known by among the wanted channels."""
    name: str
    """Its present name, as far as that is known."""
    id: str | None
    parking: Backoff = field(repr=False)
    timing: Timing = field(repr=False)
    is_sure: bool = False
    """Whether the id is known now. One of an earlier run is looked up first."""
    wanted_by: dict[str, None] = field(default_factory=dict[str, None])
    """User ids."""
    moderators: set[str] = field(default_factory=set[str])
    """The ids of accounts that moderate it, as far as their messages have told."""
    assignments: list[Assignment] = field(default_factory=list[Assignment])
    refusals: int = 0
    """Refused readers in a row."""
    refused_at: dict[str, float] = field(default_factory=dict[str, float])
    """When Twitch last refused an account here, by user id, on the monotonic clock."""
    refusal: str = ""
    """Why it refused the last one."""
    paused_until: float = -FOREVER
    """Nobody else is tried before that, on the monotonic clock."""
    enough_since: float = FOREVER
    """Since when it has enough readers."""
    lost: str = ""
    """How the last reader was lost, in one word; empty while there are enough."""
    look_at: float = -FOREVER
    """When it is looked at next, even if nothing happens."""
    is_deaf: bool = False
    """Whether it has been said that nobody reads it."""

    @classmethod
    def new(cls, key: Key, name: str, id_: str | None, *, rng: random.Random, timing: Timing) -> SharedChannel:
        """Return a channel that nobody reads yet."""
        first, most = timing.park
        return cls(key, name, id_, Backoff(rng, first=first, most=most), timing)

    @property
    def is_read(self) -> bool:
        """Whether somebody reads it."""
        return any(each.progress == "reading" for each in self.assignments)

    @property
    def readers(self) -> int:
        """How many read it."""
        return sum(each.progress == "reading" for each in self.assignments)

    @property
    def is_gone(self) -> bool:
        """Whether the channel itself is the obstacle, so that no other reader would do better."""
        return any((channel := each.channel) and channel.is_gone for each in self.assignments)

    def asked(self, user_id: str) -> list[Assignment]:
        """Return what the readers of an account were asked."""
        return [each for each in self.assignments if each.reader.user_id == user_id]

    def rank(self, user_id: str) -> tuple[float, bool, bool]:
        """Return how well an account suits, the best first.

        Who was refused comes last. Twitch bans no broadcaster, and hardly a moderator.
        """
        return self.refused_at.get(user_id, -FOREVER), user_id != self.id, user_id not in self.moderators

    def look(self, now: float) -> bool:
        """Take note of what has changed for the readers; return whether anything has."""
        has_changed = False
        for each in self.assignments:
            before, each.progress = each.progress, each.look(now, self.timing.patience)
            if each.progress == before:
                continue
            has_changed = True
            if each.progress == "reading":
                each.has_read = True
                self.retry_now(each.reader.user_id)
            elif each.progress == "refused":
                self._refused(each, now)
            elif before == "reading":
                self.lost = "revoked" if each.reader.session.is_connected else each.reader.session.last_end or "ended"
        return has_changed

    def _refused(self, assignment: Assignment, now: float) -> None:
        self.refusals += 1
        self.refused_at[assignment.reader.user_id] = now
        self.refusal = channel.reason if (channel := assignment.channel) is not None else ""
        self.lost = "refused"
        if self.refusals >= REFUSALS:
            self.refusals, self.paused_until = 0, now + self.parking.next()

    def retry_now(self, user_id: str) -> None:
        """Forget who was refused: something has changed for an account that may have removed the obstacle."""
        self.refusals, self.paused_until = 0, -FOREVER
        self.refused_at.pop(user_id, None)
        self.parking.reset()

    def plan(self, now: float, *, wanted: int) -> Plan:
        """Work out who is to start and to stop, if so many readers are wanted at the most."""
        if self.id is None or not self.is_sure:
            wanted = 1  # one is enough to find out who it is
        counts = Counter(each.progress for each in self.assignments)
        missing = wanted - counts["reading"]
        if missing <= 0:
            return self._release(now, wanted)
        self.enough_since = FOREVER
        if self.is_gone:
            return Plan()
        if now < self.paused_until:
            refused = tuple(each for each in self.assignments if each.progress == "refused")
            return Plan(release=refused, look_again=self.paused_until)
        trying = counts["fresh"] + counts["doubtful"] + counts["troubled"]
        room = min(
            missing + EXTRA_TRIES - trying,
            REFUSALS - self.refusals - counts["doubtful"] - counts["fresh"],
        )
        begun = (each.since + self.timing.patience for each in self.assignments if each.progress == "fresh")
        return Plan(max(0, min(missing - counts["fresh"], room)), look_again=min(begun, default=FOREVER))

    def _release(self, now: float, wanted: int) -> Plan:
        """Keep the best readers, once there have been enough for a while."""
        self.lost = ""
        self.enough_since = min(self.enough_since, now)
        reading = [each for each in self.assignments if each.progress == "reading"]
        reading.sort(key=lambda each: (*self.rank(each.reader.user_id), len(each.reader.names) == 1, each.since))
        first = {each.reader.user_id: each for each in reversed(reading)}
        reading.sort(key=lambda each: first[each.reader.user_id] is not each)  # second sockets last
        spare = (*reading[wanted:], *(each for each in self.assignments if each.progress in ("doubtful", "troubled")))
        at = self.enough_since + self.timing.settle
        if not spare:
            return Plan()
        return Plan(release=spare) if now >= at else Plan(look_again=at)

    def status(self, now: float, barred: Mapping[str, str]) -> ChannelStatus:
        """Return the state as people see it; `barred` says why accounts may not read at all, by user id."""
        if self.is_read:
            return ChannelStatus("joined")
        found = [(each, each.channel) for each in self.assignments]
        trying = [(each, channel) for each, channel in found if each.progress != "refused"]
        reasons = [
            (channel.reason if channel else "") or each.reader.session.trouble for each, channel in trying or found
        ]
        reason = next(filter(None, reasons), "")
        waits = [left for _, channel in found if channel and (left := channel.status.retry_seconds) is not None]
        if trying:
            return ChannelStatus("joining", reason, min(waits, default=None))
        if found:
            return ChannelStatus("parked", reason, min(waits, default=None))
        if now < self.paused_until:
            return ChannelStatus("parked", self.refusal, self.paused_until - now)
        why = next((barred[each] for each in self.wanted_by if each in barred), "")
        return ChannelStatus("parked", why) if why else ChannelStatus("joining")
