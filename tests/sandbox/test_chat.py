"""What a chat message looks like to those who read it."""

from __future__ import annotations

from typing import Any

import pytest

from colorchanger_bot.sandbox import NOTICES

EVENT_FIELDS = {
    "broadcaster_user_id", "broadcaster_user_login", "broadcaster_user_name",
    "source_broadcaster_user_id", "source_broadcaster_user_login", "source_broadcaster_user_name",
    "chatter_user_id", "chatter_user_login", "chatter_user_name",
    "message_id", "source_message_id", "is_source_only", "message", "color", "badges", "source_badges",
    "message_type", "cheer", "reply", "channel_points_custom_reward_id", "channel_points_animation_id",
}  # fmt: skip


async def test_an_event_has_every_field_of_twitch(alice: Any, bob: Any, twitch: Any) -> None:
    line = await alice.read("alice")
    id = await twitch.say("bob", in_="alice", text="hi there")
    event = await line.event()
    assert event.keys() == EVENT_FIELDS
    assert event["message_id"] == id
    assert (event["chatter_user_id"], event["chatter_user_name"]) == (bob.user.id, "Bob")
    assert (event["broadcaster_user_id"], event["broadcaster_user_login"]) == (alice.user.id, "alice")
    fragment = {"type": "text", "text": "hi there", "cheermote": None, "emote": None, "mention": None}
    assert event["message"] == {"text": "hi there", "fragments": [fragment]}
    nulls = {name for name, value in event.items() if value is None}
    assert nulls == {name for name in EVENT_FIELDS if name.startswith(("source_", "channel_points"))} | {
        "is_source_only",
        "cheer",
        "reply",
    }


NOTICE_FIELDS = (EVENT_FIELDS - {
    "message_type", "cheer", "reply", "channel_points_custom_reward_id", "channel_points_animation_id",
}) | {
    "chatter_is_anonymous", "system_message", "notice_type", "sub", "resub", "sub_gift", "community_sub_gift",
    "gift_paid_upgrade", "prime_paid_upgrade", "pay_it_forward", "raid", "unraid", "announcement", "bits_badge_tier",
    "charity_donation", "modiversary", "watch_streak", "shared_chat_sub", "shared_chat_resub", "shared_chat_sub_gift",
    "shared_chat_community_sub_gift", "shared_chat_gift_paid_upgrade", "shared_chat_prime_paid_upgrade",
    "shared_chat_pay_it_forward", "shared_chat_raid", "shared_chat_announcement", "shared_chat_modiversary",
}  # fmt: skip


async def reading_both(peer: Any, channel: str) -> Any:
    line = await peer.read(channel)
    assert (await peer.subscribe(line, channel, type="channel.chat.notification")).status == 202
    return line


async def test_a_notice_has_every_field_of_twitch(alice: Any, bob: Any, twitch: Any) -> None:
    line = await reading_both(alice, "alice")
    id = await twitch.announce("bob", in_="alice", text="hi there")
    message = await line.next()
    event = message["payload"]["event"]
    assert message["metadata"]["subscription_type"] == "channel.chat.notification"
    assert event.keys() == NOTICE_FIELDS
    assert (event["message_id"], event["chatter_user_id"], event["color"]) == (id, bob.user.id, "")
    assert (event["notice_type"], event["announcement"]) == ("announcement", {"color": "PRIMARY"})
    assert event["message"]["text"] == "hi there"


@pytest.mark.parametrize("notice", NOTICES)
async def test_a_notice_is_no_message_and_a_message_no_notice(alice: Any, twitch: Any, notice: str) -> None:
    line = await reading_both(alice, "alice")
    await twitch.send_notice("bob", in_="alice", notice=notice, text="with my words")
    await twitch.say("bob", in_="alice", text="plain")
    types = [(await line.next())["metadata"]["subscription_type"] for _ in range(2)]
    assert types == ["channel.chat.notification", "channel.chat.message"]


async def test_details_of_a_notice_can_be_chosen(alice: Any, twitch: Any) -> None:
    line = await reading_both(alice, "alice")
    await twitch.send_notice("bob", in_="alice", notice="watch_streak", streak_count=7)
    event = await line.event()
    assert event["watch_streak"] == {"streak_count": 7, "channel_points_awarded": 350}
    assert "Bob watched 7 consecutive streams" in event["system_message"]


async def test_unknown_notices_and_details_are_an_error(twitch: Any) -> None:
    with pytest.raises(ValueError, match="'party' is not a notice"):
        await twitch.send_notice("bob", in_="alice", notice="party")
    with pytest.raises(ValueError, match="'resub' has no 'years'"):
        await twitch.send_notice("bob", in_="alice", notice="resub", years=3)


async def test_the_color_is_that_of_the_moment(alice: Any, twitch: Any) -> None:
    line = await alice.read("alice")
    await twitch.say("alice", in_="alice", text="before")
    await alice.helix("PUT /chat/color", {"user_id": alice.user.id, "color": "sea_green"})
    await twitch.say("alice", in_="alice", text="after")
    await twitch.say("bob", in_="alice", text="never chose")
    assert [(await line.event())["color"] for _ in range(3)] == ["#FF0000", "#2E8B57", ""]


async def test_badges_tell_broadcaster_and_moderator(alice: Any, twitch: Any) -> None:
    twitch.make_moderator("bob", "alice")
    line = await alice.read("alice")
    for login in ("alice", "bob", "carol"):
        await twitch.say(login, in_="alice", text="hi")
    badges = [[badge["set_id"] for badge in (await line.event())["badges"]] for _ in range(3)]
    assert badges == [["broadcaster"], ["moderator"], []]


async def test_a_mention_is_a_fragment_of_its_own(alice: Any, bob: Any, twitch: Any) -> None:
    line = await alice.read("alice")
    await twitch.say("carol", in_="alice", text="hey @Bob, and @nobody too")
    fragments = (await line.event())["message"]["fragments"]
    assert [(fragment["type"], fragment["text"]) for fragment in fragments] == [
        ("text", "hey "),
        ("mention", "@Bob"),
        ("text", ", and @nobody too"),
    ]
    assert fragments[1]["mention"] == {"user_id": bob.user.id, "user_login": "bob", "user_name": "Bob"}


async def test_a_reply_begins_with_the_name_and_keeps_its_thread(alice: Any, twitch: Any) -> None:
    line = await alice.read("alice")
    first = await twitch.say("bob", in_="alice", text="anyone?")
    second = await twitch.say("alice", in_="alice", text="yes", reply_to=first)
    await twitch.say("carol", in_="alice", text="me too", reply_to=second)
    events = [await line.event() for _ in range(3)]
    assert [event["message"]["text"] for event in events] == ["anyone?", "@Bob yes", "@alice me too"]
    assert events[2]["reply"]["parent_message_id"] == second
    assert events[2]["reply"]["thread_message_id"] == first
    assert events[2]["reply"]["thread_user_login"] == "bob"


async def test_shared_chat_mirrors_have_their_own_id_and_name_the_source(alice: Any, twitch: Any) -> None:
    lines = [await alice.read("alice"), await alice.read("bob")]
    ids = await twitch.say_shared("alice", in_="alice", mirrored_to=["bob"], text="to all")
    original, mirror = [await line.event() for line in lines]
    assert [original["message_id"], mirror["message_id"]] == ids
    assert (original["source_message_id"], original["source_broadcaster_user_id"]) == (None, None)
    assert (mirror["source_message_id"], mirror["source_broadcaster_user_id"]) == (ids[0], alice.user.id)
    assert (mirror["broadcaster_user_login"], mirror["is_source_only"]) == ("bob", False)
    assert mirror["source_badges"] == original["badges"] != mirror["badges"]
