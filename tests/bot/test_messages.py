"""No own message is lost because of a field that Twitch left out or wrote otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.bot.messages import chat_message, chat_notification, own_notification
from colorchanger_bot.changer.changer import OwnMessage
from colorchanger_bot.color import Color

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


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=3,
)


@given(st.sets(st.sampled_from(sorted(EVENT.keys() - NEEDED))), st.data())
def test_fields_may_be_missing_or_hold_anything(fields: set[str], data: st.DataObject) -> None:
    event = {name: value for name, value in EVENT.items() if name not in fields}
    odd = data.draw(st.dictionaries(st.sampled_from(sorted(EVENT.keys() - NEEDED)), ANYTHING))
    for model in (chat_message(event | odd, None), chat_notification(event | odd, None)):
        assert (model.id, model.chatter.id, model.broadcaster.id) == ("m", "2", "1")


def test_a_notification_has_what_was_typed_with_it_and_its_colour() -> None:
    announcement = {"notice_type": "announcement", "announcement": {"color": "BLUE"}, "system_message": ""}
    made = own_notification(chat_notification(EVENT | announcement, None))
    assert made == OwnMessage("m", "2", "1", "channel", Color(0xFF8800), "hello")


@pytest.mark.parametrize("color", ["", None, "red", "#FFF", "#GGGGGG", 0xFF0000])
def test_a_colour_that_is_none_is_unknown(color: object) -> None:
    assert chat_message(EVENT | {"color": color}, None).colour is None


def test_what_can_be_read_of_a_broken_event_is_kept() -> None:
    message = chat_message(EVENT | {"badges": None, "reply": {"parent_user_login": "x"}}, None)
    assert (message.text, message.chatter.name, message.colour is not None) == ("hello", "me", True)


@pytest.mark.parametrize("field", sorted(NEEDED))
def test_without_who_and_where_there_is_no_message(field: str) -> None:
    event = {name: value for name, value in EVENT.items() if name != field}
    for model in (chat_message, chat_notification):
        with pytest.raises(KeyError):
            model(event, None)
