"""From an EventSub event to TwitchIO's ChatMessage, whatever Twitch leaves out of it."""

from __future__ import annotations

import re
from typing import Any

import twitchio

from colorchanger_bot.eventsub import ODD, Event

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
        bare: Event = {**_DEFAULTS, "color": whole["color"], "message": {"text": _text(event), "fragments": []}}
        bare |= {name: event[name] for name in _IDS[:3]}
        bare |= {name: event[name] for name in (*_IDS[3:], *_NAMES) if isinstance(event.get(name), str)}
        return twitchio.ChatMessage(bare, http=http)  # pyright: ignore[reportArgumentType]


def _text(event: Event) -> str:
    message = event.get("message")
    text = message.get("text") if isinstance(message, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return text if isinstance(text, str) else ""
