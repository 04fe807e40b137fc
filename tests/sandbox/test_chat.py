"""What a chat message looks like to those who read it."""

from __future__ import annotations

from typing import Any

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
