"""Frames: what Twitch sends over a chat socket, and the early filter, which spares parsing most of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from colorchanger_bot.twitch.helix import CHAT_MESSAGE

Event = dict[str, Any]
Receive = Callable[[Event, str, str], None]
"""Takes an event, the id of its delivery (a notification that Twitch sends again has the same), and its type:
`channel.chat.message` or `channel.chat.notification`."""

MALFORMED = (LookupError, TypeError, ValueError, AttributeError)
"""The exceptions from reading a frame that is not in Twitch's format."""

_CHATTER = re.compile(r'"chatter_user_id"\s*:\s*"([^"\\]*)"')
"""Finds who wrote a message in the raw frame. In text that people type, these quotation marks are escaped."""
_CHANNEL = re.compile(r'"broadcaster_user_id"\s*:\s*"([^"\\]*)"')


class Frame(NamedTuple):
    """A parsed frame: its kind (`notification`, `session_reconnect` ...), its metadata and its payload."""

    kind: str
    metadata: Event
    payload: Event

    @property
    def event_type(self) -> str:
        """The type of the subscription that a notification belongs to."""
        return str(self.metadata.get("subscription_type", CHAT_MESSAGE))


def chatter_of(text: str) -> str | None:
    """Return the chatter's id from an unparsed frame; None if it holds no message."""
    found = _CHATTER.search(text)
    return None if found is None else found[1]


def channel_of(text: str) -> str:
    """Return the channel's id from an unparsed frame; empty if it names none."""
    found = _CHANNEL.search(text)
    return "" if found is None else found[1]


def parse(text: str) -> Frame:
    """Parse a frame.

    Raises:
        LookupError, TypeError, ValueError, AttributeError: it is not in Twitch's format.
    """
    data = orjson.loads(text)
    metadata = data["metadata"]
    return Frame(metadata["message_type"], metadata, data.get("payload") or {})
