"""Messages: from EventSub's events to TwitchIO's models, and from these to the changer's."""

from __future__ import annotations

import re
from typing import Any

import twitchio

from colorchanger_bot.changer.changer import OwnMessage
from colorchanger_bot.changer.commands import Author
from colorchanger_bot.color import Color

Event = dict[str, Any]
"""An event as EventSub delivers it."""

_ODD = (LookupError, TypeError, ValueError, AttributeError)
"""What TwitchIO's models raise about an event that is not in Twitch's format."""
_HEX = re.compile(r"#[0-9A-Fa-f]{6}")
_DEFAULTS: dict[str, Any] = {
    "broadcaster_user_login": "",
    "broadcaster_user_name": "",
    "chatter_user_login": "",
    "chatter_user_name": "",
    "color": "",
    "badges": [],
    "message_type": "text",
    "cheer": None,
    "reply": None,
    "channel_points_custom_reward_id": None,
    "channel_points_animation_id": None,
    "source_broadcaster_user_id": None,
    "source_broadcaster_user_login": None,
    "source_broadcaster_user_name": None,
    "source_message_id": None,
}
_IDS = ("broadcaster_user_id", "chatter_user_id", "message_id", "source_message_id", "source_broadcaster_user_id")
_NAMES = ("broadcaster_user_login", "broadcaster_user_name", "chatter_user_login", "chatter_user_name")


def own_message(message: twitchio.ChatMessage) -> OwnMessage:
    """Return a message of a managed account in the changer's form."""
    return OwnMessage(
        id=message.source_id or message.id,
        user_id=message.chatter.id,
        channel_id=message.broadcaster.id,
        channel=message.broadcaster.name or "",
        color=None if message.colour is None else Color(message.colour.code),
        text=message.text,
    )


def own_notification(notification: twitchio.ChatNotification) -> OwnMessage:
    """Return what a managed account typed with an announcement, a resub or a watch streak."""
    return OwnMessage(
        id=notification.id,
        user_id=notification.chatter.id,
        channel_id=notification.broadcaster.id,
        channel=notification.broadcaster.name or "",
        color=None if notification.colour is None else Color(notification.colour.code),
        text=notification.text,
    )


def author_of(message: twitchio.ChatMessage) -> Author:
    """Return who wrote a message, to decide whether they may use commands."""
    return Author(
        user_id=message.chatter.id,
        login=message.chatter.name or "",
        is_broadcaster=message.chatter.id == message.broadcaster.id,
        is_moderator=message.chatter.moderator,
    )


def chat_message(event: Event, http: Any) -> twitchio.ChatMessage:
    """Return TwitchIO's model of a message, without its extras if some part is not in Twitch's format.

    TwitchIO needs every field and drops an event without one. All we need is who wrote where.

    Raises:
        KeyError: it does not say who wrote where.
    """
    whole = {**_DEFAULTS, **event}
    if not (isinstance(whole["color"], str) and _HEX.fullmatch(whole["color"])):
        whole["color"] = ""
    try:
        return twitchio.ChatMessage(whole, http=http)  # pyright: ignore[reportArgumentType]
    except _ODD:
        return twitchio.ChatMessage(_bare(event) | {"color": whole["color"]}, http=http)  # pyright: ignore[reportArgumentType]


def text_of(event: Event) -> str:
    """Return what was written; empty if that is not in Twitch's format."""
    message = event.get("message")
    text = message.get("text") if isinstance(message, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return text if isinstance(text, str) else ""


def has_badge(event: Event, name: str) -> bool:
    """Return whether the chatter wears a badge, such as `moderator`."""
    try:
        return any(badge["set_id"] == name for badge in event["badges"])
    except _ODD:
        return False


def chat_notification(event: Event, http: Any) -> twitchio.ChatNotification:
    """Return TwitchIO's model of a notification, without its extras if some part is not in Twitch's format.

    Raises:
        KeyError: it does not say who wrote where.
    """
    needed = {name: event[name] for name in _IDS[:3]}
    whole = _Lenient({**_DEFAULTS, **event, **needed})
    whole["color"] = whole["color"] if isinstance(whole["color"], str) and _HEX.fullmatch(whole["color"]) else ""
    try:
        return twitchio.ChatNotification(whole, http=http)  # pyright: ignore[reportArgumentType]
    except _ODD:
        bare = _Lenient(_bare(event), color=whole["color"], notice_type=event.get("notice_type"))
        return twitchio.ChatNotification(bare, http=http)  # pyright: ignore[reportArgumentType]


class _Lenient(dict[str, Any]):
    """An event whose missing fields are None, as Twitch sends fields that do not apply."""

    def __missing__(self, key: str) -> None:
        return None


def _bare(event: Event) -> Event:
    """Return who wrote what and where, and nothing else of an event."""
    bare: Event = {**_DEFAULTS, "message": {"text": text_of(event), "fragments": []}}
    bare |= {name: event[name] for name in _IDS[:3]}
    return bare | {name: event[name] for name in (*_IDS[3:], *_NAMES) if isinstance(event.get(name), str)}
