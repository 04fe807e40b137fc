"""ChannelList: the channels that an account should read, by name and by id."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from colorchanger_bot.eventsub.channel import Channel
from colorchanger_bot.twitch.helix import User


class Known(NamedTuple):
    """Who a channel is."""

    id: str
    login: str
    """What Twitch calls it now."""


class ChannelList:
    """The channels of one account, each once.

    A name is a label: once the id of a channel is known, the id says which one it is. `new` makes a channel from a
    name and the id, if that is known.
    """

    def __init__(
        self, user_id: str, login: str, new: Callable[[str, str | None], Channel], log: logging.LoggerAdapter[Any]
    ) -> None:
        self._own = {login: user_id}
        self._new = new
        self._log = log
        self._by_name: dict[str, Channel] = {}
        """By the name that was asked for; after a rename two names may stand for one channel."""

    def __iter__(self) -> Iterator[Channel]:
        return iter(dict.fromkeys(self._by_name.values()))

    def __contains__(self, channel: Channel) -> bool:
        return channel in self._by_name.values()

    def get(self, name: str) -> Channel | None:
        """Return the channel that was asked for by this name."""
        return self._by_name.get(name)

    @property
    def joined(self) -> int:
        """The number of channels that Twitch has confirmed."""
        return sum(channel.state == "joined" for channel in self)

    @property
    def settled(self) -> bool:
        """Whether every channel is confirmed or parked."""
        return all(channel.state != "joining" for channel in self)

    def reads(self, broadcaster_id: str) -> bool:
        """Say whether a channel is on the list."""
        return any(channel.id == broadcaster_id for channel in self._by_name.values())

    def known(self) -> dict[str, Known]:
        """Return who the channels are, by the names that were asked for, as far as that is known."""
        return {
            name: Known(channel.id, channel.renamed_to or channel.login)
            for name, channel in self._by_name.items()
            if channel.id is not None
        }

    def set(self, logins: Iterable[str], ids: Mapping[str, str], remembered: Mapping[str, str]) -> list[Channel]:
        """Replace the list; return the channels that are not on it any more.

        `ids` are those of logins that are known now. Those in `remembered` were known once: a channel that is new on
        the list is looked up by such an id. A channel that stays, under the same or another name, keeps its state.
        """
        known = {**self._own, **ids}
        before, self._by_name = self._by_name, {}
        renamed = {channel.renamed_to: channel for channel in before.values() if channel.renamed_to}
        by_id = {channel.id: channel for channel in before.values() if channel.id is not None}
        logins = dict.fromkeys(logins)
        for login in logins:
            id_ = known.get(login)
            channel = (before.get(login) or renamed.get(login)) if id_ is None else by_id.get(id_)
            if channel is None and id_ is None and (once := remembered.get(login)) is not None:
                channel = by_id.get(once) or self._new(login, once)
                channel.doubt()
            if channel is None:
                channel = self._new(login, id_)
            if channel.renamed_to == login and channel.login not in logins:
                channel.login, channel.renamed_to = login, ""
            if channel.id is not None:
                by_id[channel.id] = channel
            self._by_name[login] = channel
        return [channel for channel in dict.fromkeys(before.values()) if channel not in self]

    def identify(self, channel: Channel, user: User) -> None:
        """Bind a channel to the user that Twitch says it is."""
        channel.doubted = False
        if channel.login == user.id:  # it was asked for by its id
            channel.login = user.login
        if user.login not in (channel.login, channel.renamed_to):
            text = "#%s is called #%s now and is still read; somebody else who takes the old name is not"
            self._log.info(text, channel.login, user.login)
            channel.renamed_to = user.login
        same = next((each for each in self if each is not channel and each.id == user.id), None)
        if same is None:
            if channel.id not in (None, user.id):
                channel.retry_now()  # somebody else has the name now, and may let the account in
            channel.id = user.id
            return
        # The old and the new name of one channel are on the list: both stand for what is there already.
        self._by_name = {name: same if each is channel else each for name, each in self._by_name.items()}
