"""Wanted: which accounts want which channels.

A channel is known by its id, and each once, however many accounts want it. Names are labels: two accounts may have
different names for one channel, after a rename, or the same name for two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from colorchanger_bot.eventsub.channel_list import Known
from colorchanger_bot.eventsub.shared_channel import Key, SharedChannel


class Wanted:
    """The channels that the accounts want.

    `new` makes a channel from its key, the name it is asked for by, and its id, if that is known. With `is_shared`
    False every account has its channels for itself.
    """

    def __init__(self, new: Callable[[Key, str, str | None], SharedChannel], *, is_shared: bool = True) -> None:
        self._new = new
        self._is_shared = is_shared
        self._channels: dict[Key, SharedChannel] = {}
        self._by_present_name: dict[tuple[str, str], SharedChannel] = {}
        """By scope and name, as Twitch has told it."""
        self._by_account: dict[str, dict[str, SharedChannel]] = {}
        """By user id, then by the name that the account uses."""

    def __iter__(self) -> Iterator[SharedChannel]:
        """Each channel once."""
        return iter(self._channels.values())

    def of(self, user_id: str) -> Mapping[str, SharedChannel]:
        """Return the channels of an account by the names that it uses; two names may stand for one."""
        return self._by_account.get(user_id, {})

    def counts(self, user_id: str, channel_id: str) -> bool:
        """Return whether an account wants a channel."""
        channel = self._channels.get((self._scope(user_id), channel_id, ""))
        return channel is not None and user_id in channel.wanted_by

    def with_id(self, channel_id: str) -> SharedChannel | None:
        """Return a channel that accounts share; None if there is none."""
        return self._channels.get(("", channel_id, ""))

    def set(
        self, user_id: str, names: Iterable[str], ids: Mapping[str, str], remembered: Mapping[str, str]
    ) -> list[SharedChannel]:
        """Replace what an account wants; return the channels that it wants no longer.

        `ids` are those of names that are known now. Those in `remembered` were known once: the channel is to be
        looked up by such an id. A name without an id stays what it was for this account.
        """
        before = self._by_account.get(user_id, {})
        present = {channel.name: channel for channel in before.values()}
        after: dict[str, SharedChannel] = {}
        for name in dict.fromkeys(names):
            if (id_ := ids.get(name)) is not None:
                after[name] = self._channel(user_id, name, id_)
            elif (channel := before.get(name) or present.get(name)) is not None:
                after[name] = channel
            elif (once := remembered.get(name)) is not None:
                after[name] = self._channel(user_id, name, once, is_sure=False)
            else:
                after[name] = self._called(user_id, name) or self._channel(user_id, name, None)
        self._by_account[user_id] = after
        kept = dict.fromkeys(after.values())
        for channel in kept:
            channel.wanted_by[user_id] = None
        removed = [channel for channel in dict.fromkeys(before.values()) if channel not in kept]
        for channel in removed:
            self._let_go(channel, user_id)
        return removed

    def drop(self, user_id: str) -> list[SharedChannel]:
        """Forget an account; return the channels that it wanted."""
        removed = list(dict.fromkeys(self._by_account.pop(user_id, {}).values()))
        for channel in removed:
            self._let_go(channel, user_id)
        return removed

    def identify(self, user_id: str, name: str, known: Known) -> list[str]:
        """Note who a channel is that an account calls `name`; return the accounts for which that is news."""
        channel = self.of(user_id).get(name)
        if channel is None:
            return []
        if channel.id == known.id:
            is_news = not channel.is_sure or channel.name != known.login
            self._call(channel, known.login)
            return list(channel.wanted_by) if is_news else []
        target = self._channel(user_id, known.login, known.id)
        self._call(target, known.login)
        # Another account may have the same channel under another name, which says nothing about that name.
        moving = [each for each in channel.wanted_by if self._by_account[each].get(name) is channel]
        for each in moving:
            names = self._by_account[each]
            names[name] = target
            target.wanted_by[each] = None
            if channel not in names.values():
                self._let_go(channel, each)
        return moving

    def _scope(self, user_id: str) -> str:
        return "" if self._is_shared else user_id

    def _channel(self, user_id: str, name: str, id_: str | None, *, is_sure: bool = True) -> SharedChannel:
        key = (self._scope(user_id), id_ or "", "" if id_ else name)
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = self._new(key, name, id_)
        if id_ is not None and is_sure and not channel.is_sure:
            self._call(channel, name)
        return channel

    def _call(self, channel: SharedChannel, name: str) -> None:
        """Note the present name of a channel."""
        if self._by_present_name.get(before := (channel.key[0], channel.name)) is channel:
            del self._by_present_name[before]
        channel.is_sure, channel.name = True, name
        self._by_present_name[channel.key[0], name] = channel

    def _called(self, user_id: str, name: str) -> SharedChannel | None:
        """Return the channel that has this name now, if another account has found that out."""
        return self._by_present_name.get((self._scope(user_id), name))

    def _let_go(self, channel: SharedChannel, user_id: str) -> None:
        channel.wanted_by.pop(user_id, None)
        if not channel.wanted_by:
            self._channels.pop(channel.key, None)
            if self._by_present_name.get(named := (channel.key[0], channel.name)) is channel:
                del self._by_present_name[named]
