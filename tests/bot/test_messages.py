"""No own message is lost because of a field that Twitch left out or wrote otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from colorchanger_bot.bot.messages import chat_message

EVENT: dict[str, Any] = {
    "broadcaster_user_id": "1",
    "broadcaster_user_login": "channel",
    "broadcaster_user_name": "Channel",
    "source_broadcaster_user_id": None,
    "source_broadcaster_user_login": None,
    "source_broadcaster_user_name": None,
    "chatter_user_id": "2",
    "chatter_user_login": "me",
    "chatter_user_name": "Me",
    "message_id": "m",
    "source_message_id": None,
    "is_source_only": None,
    "message": {"text": "hello", "fragments": [{"type": "text", "text": "hello"}]},
    "color": "#FF8800",
    "badges": [{"set_id": "moderator", "id": "1", "info": ""}],
    "source_badges": None,
    "message_type": "text",
    "cheer": None,
    "reply": None,
    "channel_points_custom_reward_id": None,
    "channel_points_animation_id": None,
}
NEEDED = {"broadcaster_user_id", "chatter_user_id", "message_id"}


def test_a_whole_event_is_taken_as_it_is() -> None:
    message = chat_message(EVENT, None)
    assert (message.id, message.text, message.chatter.id, message.broadcaster.id) == ("m", "hello", "2", "1")
    assert message.chatter.moderator
    assert message.colour is not None
    assert message.colour.code == 0xFF8800


@pytest.mark.parametrize("field", sorted(EVENT.keys() - NEEDED))
def test_a_field_may_be_missing(field: str) -> None:
    message = chat_message({name: value for name, value in EVENT.items() if name != field}, None)
    assert (message.id, message.chatter.id, message.broadcaster.id) == ("m", "2", "1")


@pytest.mark.parametrize("field", sorted(EVENT.keys() - NEEDED))
@pytest.mark.parametrize("value", [None, 7, "?", [], {}, [None]], ids=repr)
def test_a_field_may_hold_anything(field: str, value: object) -> None:
    message = chat_message(EVENT | {field: value}, None)
    assert (message.id, message.chatter.id, message.broadcaster.id) == ("m", "2", "1")


@pytest.mark.parametrize("color", ["", None, "red", "#FFF", "#GGGGGG", 0xFF0000])
def test_a_colour_that_is_none_is_unknown(color: object) -> None:
    assert chat_message(EVENT | {"color": color}, None).colour is None


def test_what_can_be_read_of_a_broken_event_is_kept() -> None:
    message = chat_message(EVENT | {"badges": None, "reply": {"parent_user_login": "x"}}, None)
    assert (message.text, message.chatter.name, message.colour is not None) == ("hello", "me", True)


@pytest.mark.parametrize("field", sorted(NEEDED))
def test_without_who_and_where_there_is_no_message(field: str) -> None:
    with pytest.raises(KeyError):
        chat_message({name: value for name, value in EVENT.items() if name != field}, None)
