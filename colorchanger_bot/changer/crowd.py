"""Crowd: the colours of the people who chatted last, per channel, for those strategies that look at them."""

from __future__ import annotations

from collections import OrderedDict

from colorchanger_bot.color import Color
from colorchanger_bot.errors import UnknownColor

CHATTERS, CHANNELS = 30, 200


class Crowd:
    """Remembers the last 30 chatters of each channel, newest first."""

    def __init__(self) -> None:
        self._channels: OrderedDict[str, OrderedDict[str, str]] = OrderedDict()

    def notice(self, channel_id: str, user_id: str, color: str) -> None:
        """Take note of the colour (`#RRGGBB`, or empty) that somebody's message was sent with."""
        channel = self._channels.setdefault(channel_id, OrderedDict())
        self._channels.move_to_end(channel_id)
        if len(self._channels) > CHANNELS:
            self._channels.popitem(last=False)
        channel[user_id] = color
        channel.move_to_end(user_id)
        if len(channel) > CHATTERS:
            channel.popitem(last=False)

    def colors(self, channel_id: str) -> tuple[Color, ...]:
        """Return their colours, without those of people who never chose one."""
        found: list[Color] = []
        for text in reversed(self._channels.get(channel_id, OrderedDict[str, str]()).values()):
            try:
                found.append(Color.parse(text))
            except UnknownColor:
                continue
        return tuple(found)
