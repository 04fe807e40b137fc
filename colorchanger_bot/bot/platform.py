"""HelixPlatform: the commands' `Platform` and `Speaker` in our own bot, over Helix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from colorchanger_bot.changer.changer import Changer
from colorchanger_bot.changer.community import ChatCommunity
from colorchanger_bot.changer.owner import Person
from colorchanger_bot.color import Color
from colorchanger_bot.errors import AuthError, ColorChangerError, TwitchUnavailable, UnknownUser
from colorchanger_bot.eventsub.readers import Readers
from colorchanger_bot.twitch.helix import Helix, HelixColors


@dataclass(slots=True)
class Reading:
    """What an account reads: the channels on its list, and those of people it follows who are live."""

    user_id: str
    readers: Readers
    listed: tuple[str, ...]
    ids: dict[str, str] = field(default_factory=dict[str, str])
    """Who the listed channels are, by name: what an earlier run or the last look-up found out."""
    live: Mapping[str, str] = field(default_factory=dict[str, str])
    """Login to id."""

    def set_listed(self, channels: tuple[str, ...]) -> None:
        """Change the list."""
        self.listed = channels
        self._apply()

    def set_live(self, live: Mapping[str, str]) -> None:
        """Take note of who is live now."""
        self.live = live
        self._apply()

    def identify(self) -> None:
        """Take note of who the channels are.

        Of a channel that is listed under its earlier and its present name, the earlier one is anybody's again.
        """
        known = self.readers.known(self.user_id)
        found = {name: known[name].id if name in known else self.ids.get(name) for name in self.listed}
        stale = {name for name in known if known[name].login != name and known[name].login in found}
        self.ids = {name: id_ for name, id_ in found.items() if id_ is not None and name not in stale}

    def use_present_names(self) -> None:
        """List each channel under the name that it has now."""
        known = self.readers.known(self.user_id)
        present = {name: known[name].login if name in known else name for name in self.listed}
        if tuple(present.values()) != self.listed:
            self.ids = {present[name]: id_ for name, id_ in self.ids.items()}
            self.set_listed(tuple(dict.fromkeys(present.values())))

    def _apply(self) -> None:
        # Somebody who is live may have taken the earlier name of a listed channel: both are read, that one by its id.
        by_id = {id_: id_ for name, id_ in self.live.items() if self.ids.get(name, id_) != id_}
        live = {name: id_ for name, id_ in self.live.items() if id_ not in by_id}
        self.readers.want(self.user_id, (*self.listed, *live, *by_id), live, {**self.ids, **by_id})


async def find(helix: Helix, *, login: str = "", id_: str = "") -> Person | None:
    """Return who has a login or an id; None: nobody.

    Raises:
        ColorChangerError: Twitch does not tell.
    """
    users = await helix.users([login] if login else (), ids=[id_] if id_ else ())
    return Person(users[0].id, users[0].login) if users else None


class HelixPlatform:
    """The `Speaker` and the `Platform` of our own bot."""

    def __init__(
        self, colors: HelixColors, changer: Changer, readers: Readers, community: ChatCommunity | None = None
    ) -> None:
        self.readings: dict[str, Reading] = {}
        """By user id."""
        self._colors = colors
        self._changer = changer
        self._chat_readers = readers
        self._community = community

    def __contains__(self, user_id: object) -> bool:
        """Whether this is one of our accounts or a member: their messages may count."""
        community = self._community
        return user_id in self._chat_readers.ours or (community is not None and community.is_member(str(user_id)))

    async def reply(self, user_id: str, channel_id: str, text: str, *, reply_to: str) -> str | None:
        return await self._colors.by_user[user_id].say(channel_id, user_id, text, reply_to=reply_to)

    async def color_of(self, user_id: str, login: str) -> Color | None:
        return await self._colors.by_user[user_id].get_color(await self._id_of(login, asked_by=user_id))

    async def person(self, *, login: str = "", id_: str = "") -> Person | None:
        """Return who has a login or an id, asked as any account that can ask; None: nobody.

        Raises:
            ColorChangerError: Twitch does not tell.
        """
        problem: ColorChangerError = TwitchUnavailable("no account is logged in yet")
        for helix in [*self._colors.by_user.values()]:
            try:
                return await find(helix, login=login, id_=id_)
            except AuthError as error:
                problem = error
        raise problem

    def channels(self, user_id: str) -> tuple[str, ...] | None:
        reading = self.readings.get(user_id)
        return None if reading is None else reading.listed

    def counts(self, user_id: str, channel_id: str) -> bool:
        if self._chat_readers.counts(user_id, channel_id):
            return True
        community = self._community
        return community is not None and community.is_member(user_id) and community.is_here(channel_id)

    async def check_channel(self, user_id: str, login: str) -> None:
        channel_id = await self._id_of(login, asked_by=user_id)
        if (reading := self.readings.get(user_id)) is not None:
            reading.ids = {**reading.ids, login: channel_id}  # the painter remembers the dict from before

    def read(self, user_id: str, reading: Reading) -> None:
        """Begin to read the channels of an account."""
        self.readings[user_id] = reading
        reading.set_listed(reading.listed)
        self.channels_identified(user_id)

    def channels_identified(self, user_id: str) -> None:
        """Remember who the channels of an account are; those that were joined in chat go by their present names."""
        reading, painter = self.readings.get(user_id), self._changer.get(user_id)
        if reading is None or painter is None:
            return
        reading.identify()
        if painter.channels is not None:
            reading.use_present_names()
        painter.identify_channels(reading.ids, painter.channels and reading.listed)

    async def set_channels(self, user_id: str, channels: tuple[str, ...]) -> None:
        self.readings[user_id].set_listed(channels)
        await self._changer[user_id].keep_channels(channels)

    async def _id_of(self, login: str, *, asked_by: str) -> str:
        users = await self._colors.by_user[asked_by].users([login])
        if not users:
            raise UnknownUser(login)
        return users[0].id
