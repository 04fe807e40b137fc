"""From an EventSub event to TwitchIO's ChatMessage, whatever Twitch leaves out of it."""

from __future__ import annotations

import re
from typing import Any

import twitchio

from colorchanger_bot.changer.changer import OwnMessage
from colorchanger_bot.color import Color
from colorchanger_bot.eventsub.session import ODD, Event

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


def own_message(event: Event) -> OwnMessage:
    """Return what the changer wants to know of a message.

    Raises:
        KeyError: it does not say who wrote where.
    """
    color = event.get("color")
    return OwnMessage(
        id=event.get("source_message_id") or event["message_id"],
        user_id=event["chatter_user_id"],
        channel_id=event["broadcaster_user_id"],
        channel=str(event.get("broadcaster_user_login") or ""),
        color=Color(int(color[1:], 16)) if isinstance(color, str) and _HEX.fullmatch(color) else None,
        text=text_of(event),
    )


def chat_message(event: Event, http: Any) -> twitchio.ChatMessage:
    """Return TwitchIO's model of a message.

    Its model asks for every field; what is missing has its usual value, and a message of which some part is not in
    Twitch's format is made without its extras. No message is lost for them: what counts is who wrote where.

    Raises:
        KeyError: it does not say who wrote where.
    """
    whole = {**_DEFAULTS, **event}
    if not (isinstance(whole["color"], str) and _HEX.fullmatch(whole["color"])):
        whole["color"] = ""
    try:
        return twitchio.ChatMessage(whole, http=http)  # pyright: ignore[reportArgumentType]
    except ODD:
        bare: Event = {**_DEFAULTS, "color": whole["color"], "message": {"text": text_of(event), "fragments": []}}
        bare |= {name: event[name] for name in _IDS[:3]}
        bare |= {name: event[name] for name in (*_IDS[3:], *_NAMES) if isinstance(event.get(name), str)}
        return twitchio.ChatMessage(bare, http=http)  # pyright: ignore[reportArgumentType]


def text_of(event: Event) -> str:
    """Return what was written; empty if that is not in Twitch's format."""
    message = event.get("message")
    text = message.get("text") if isinstance(message, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return text if isinstance(text, str) else ""
