"""Candidates: who is to read a channel next."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

from colorchanger_bot.eventsub.reader import Account
from colorchanger_bot.eventsub.shared_channel import SharedChannel
from colorchanger_bot.eventsub.wanted import Wanted

MOST_CHANNELS = 90
"""Channels that an account reads: Twitch lets it join 100, besides its own and those that it moderates."""


class Candidates:
    """Chooses readers among the accounts that want a channel; `willing` are those of them that may read.

    Args:
        accounts: all accounts, by user id.
        joins: so many channels Twitch lets an account join at once.
        has_second_sockets: whether an account may read a channel twice if nobody else does.
    """

    def __init__(
        self, accounts: Mapping[str, Account], wanted: Wanted, *, joins: int, has_second_sockets: bool
    ) -> None:
        self._accounts = accounts
        self._wanted = wanted
        self._joins = joins
        self._has_second_sockets = has_second_sockets

    def best(self, channel: SharedChannel, willing: Collection[str]) -> Account | None:
        """Return who is to read a channel next; None if there is nobody."""
        accounts = [self._accounts[user_id] for user_id in willing]
        able = [each for each in accounts if each.channels < MOST_CHANNELS]
        # In an outage one is enough to wait for its end.
        able = [each for each in able if not each.trouble] or ([] if channel.assignments else able[:1])
        found = [each for each in able if not channel.asked(each.user_id)]
        if not found and self._has_second_sockets:
            found = [each for each in able if [its.progress for its in channel.asked(each.user_id)] == ["reading"]]
        return min(found, key=partial(self._rank, channel), default=None)

    def one_who_may_leave(
        self, channel: SharedChannel, willing: Collection[str]
    ) -> tuple[Account, SharedChannel] | None:
        """Return who may leave another channel to others, to read one that nobody reads; and that other channel."""
        for account in (self._accounts[user_id] for user_id in willing if not channel.assignments):
            for each in dict.fromkeys(self._wanted.of(account.user_id).values()):
                if not account.trouble and each.readers > 1 and each.asked(account.user_id):
                    return account, each
        return None

    def may_improve(self, channel: SharedChannel, willing: Collection[str]) -> bool:
        """Return whether somebody should read a channel instead of one who does; he is asked before that one stops.

        Twitch bans no broadcaster, so he reads his own channel; and two accounts are safer than two sockets of one.
        """
        if any(each.progress not in ("reading", "refused") for each in channel.assignments):
            return False  # not while others are trying
        readers = {each.reader.user_id for each in channel.assignments}
        if channel.id is not None and channel.id in willing and channel.id not in readers:
            return not self._accounts[channel.id].trouble
        return len(readers) < channel.readers and len(willing) > len(readers)

    def _rank(self, channel: SharedChannel, account: Account) -> tuple[float | str, ...]:
        must_wait = account.pending >= self._joins  # until Twitch lets it join more
        load = must_wait, not account.readers, account.channels
        return (*channel.rank(account.user_id), *load, account.user_id)
