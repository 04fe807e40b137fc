"""The rules for EventSub subscriptions."""

from __future__ import annotations

from typing import Any

import pytest

UNAUTHORIZED = "subscription missing proper authorization"
NOTIFICATION = {"type": "channel.chat.notification", "version": "1"}


async def three_sockets(peer: Any) -> list[Any]:
    """As many as Twitch allows."""
    return [await peer.read("alice") for _ in range(3)]


class TestCreate:
    async def test_answers_202_with_the_subscription(self, alice: Any, bob: Any, twitch: Any) -> None:
        line = await alice.connect()
        answer = await alice.subscribe(line, "bob")
        (row,) = answer.json["data"]
        assert answer.status == 202
        assert row["condition"] == {"broadcaster_user_id": bob.user.id, "user_id": alice.user.id}
        assert (row["status"], row["type"], row["version"], row["cost"]) == ("enabled", "channel.chat.message", "1", 0)
        assert (row["transport"]["method"], row["transport"]["session_id"]) == ("websocket", line.session_id)
        assert (answer.json["total"], answer.json["total_cost"], answer.json["max_total_cost"]) == (1, 0, 10)
        assert twitch.subscriptions == [
            (row["id"], alice.user.id, bob.user.id, line.session_id, alice.app.client_id),
        ]

    @pytest.mark.parametrize(("type", "version"), [("channel.chat.message", "2"), ("nonsense", "1"), (None, "1")])
    async def test_of_a_wrong_type_or_version_is_400(self, alice: Any, type: str | None, version: str) -> None:
        line = await alice.connect()
        answer = await alice.subscribe(line, "bob", type=type, version=version)
        assert (answer.status, answer.message) == (400, "invalid subscription type and version")

    async def test_of_a_type_that_only_twitch_has_says_so(self, alice: Any) -> None:
        line = await alice.connect()
        answer = await alice.subscribe(line, "bob", type="channel.follow", version="2")
        assert answer.status == 400
        assert answer.message == (
            "The local Twitch has no subscription type channel.follow; "
            "it has channel.chat.message and channel.chat.notification."
        )

    async def test_for_an_unknown_session_is_400(self, alice: Any) -> None:
        line = await alice.connect()
        answer = await alice.subscribe(line, "bob", transport={"method": "websocket", "session_id": "nope"})
        assert answer.status == 400
        assert answer.message == "websocket transport session does not exist or has already disconnected"

    async def test_for_a_closed_session_is_400(self, alice: Any) -> None:
        line = await alice.connect()
        await line.ws.close()
        answer = await alice.subscribe(line, "bob")
        assert answer.message == "websocket transport session does not exist or has already disconnected"

    async def test_by_webhook_is_400_with_a_user_token(self, alice: Any) -> None:
        line = await alice.connect()
        answer = await alice.subscribe(line, "bob", transport={"method": "webhook", "callback": "https://x"})
        assert (answer.status, answer.message) == (400, "invalid transport and auth combination")

    @pytest.mark.parametrize("condition", [None, {}, {"user_id": "1"}, {"broadcaster_user_id": "0", "user_id": "0"}])
    async def test_with_a_broken_condition_is_400(self, alice: Any, condition: Any) -> None:
        line = await alice.connect()
        assert (await alice.subscribe(line, "bob", condition=condition)).status == 400

    async def test_of_a_second_user_on_one_socket_is_400(self, alice: Any, bob: Any) -> None:
        line = await alice.read("alice")
        answer = await bob.subscribe(line, "bob")
        assert answer.status == 400
        assert answer.message == "websocket transport cannot have subscriptions created by different users"

    async def test_without_the_scope_is_403(self, town: Any) -> None:
        peer = town.peer("alice", scopes=("user:manage:chat_color",))
        answer = await peer.subscribe(await peer.connect(), "bob")
        assert (answer.status, answer.message) == (403, UNAUTHORIZED)

    async def test_as_another_reader_is_403(self, alice: Any, bob: Any) -> None:
        condition = {"broadcaster_user_id": bob.user.id, "user_id": bob.user.id}
        answer = await alice.subscribe(await alice.connect(), "bob", condition=condition)
        assert (answer.status, answer.message) == (403, UNAUTHORIZED)

    async def test_where_the_reader_is_banned_is_403_until_the_ban_is_lifted(self, alice: Any, twitch: Any) -> None:
        line = await alice.read("alice")
        await twitch.ban("alice", channel="bob")
        answer = await alice.subscribe(line, "bob")
        assert (answer.status, answer.message) == (403, UNAUTHORIZED)
        twitch.unban("alice", channel="bob")
        assert (await alice.subscribe(line, "bob")).status == 202

    async def test_of_the_same_channel_on_the_same_socket_is_409(self, alice: Any) -> None:
        line = await alice.read("bob")
        assert (await alice.subscribe(line, "bob")).status == 409

    async def test_with_an_expired_token_is_401(self, alice: Any, twitch: Any) -> None:
        line = await alice.connect()
        twitch.expire("alice")
        assert (await alice.subscribe(line, "bob")).status == 401


class TestLimits:
    async def test_a_fourth_socket_is_429(self, alice: Any) -> None:
        await three_sockets(alice)
        answer = await alice.subscribe(await alice.connect(), "bob")
        assert (answer.status, answer.message) == (429, "number of websocket transports limit exceeded")

    async def test_a_fourth_of_the_same_type_and_condition_is_429(self, alice: Any) -> None:
        await three_sockets(alice)
        answer = await alice.subscribe(await alice.connect(), "alice")
        assert (answer.status, answer.message) == (429, "maximum subscriptions with type and condition exceeded")

    async def test_counts_each_user_and_application_alone(self, alice: Any, bob: Any, town: Any) -> None:
        await three_sockets(alice)
        await bob.read("alice")
        await town.peer("alice", app=town.twitch.add_app()).read("alice")

    async def test_a_closed_socket_makes_room(self, alice: Any) -> None:
        lines = await three_sockets(alice)
        await lines[0].ws.close()
        await alice.read("alice")

    async def test_20_joins_in_10_seconds_are_the_pace(self, alice: Any, twitch: Any) -> None:
        line = await alice.connect()
        for number in range(21):
            twitch.add_user(f"channel_{number}")
        answers = [await alice.subscribe(line, f"channel_{number}") for number in range(21)]
        assert [answer.status for answer in answers] == [202] * 20 + [403]

    async def test_a_second_type_in_a_joined_channel_is_no_second_join(self, alice: Any, twitch: Any) -> None:
        line = await alice.connect()
        for number in range(20):
            twitch.add_user(f"channel_{number}")
            assert (await alice.subscribe(line, f"channel_{number}")).status == 202
        assert (await alice.subscribe(line, "channel_0", **NOTIFICATION)).status == 202


class TestNotifications:
    async def test_are_a_subscription_of_their_own(self, alice: Any, bob: Any, twitch: Any) -> None:
        line = await alice.read("bob")
        answer = await alice.subscribe(line, "bob", **NOTIFICATION)
        (row,) = answer.json["data"]
        assert (answer.status, row["type"], row["version"], row["cost"]) == (202, NOTIFICATION["type"], "1", 0)
        assert row["condition"] == {"broadcaster_user_id": bob.user.id, "user_id": alice.user.id}
        assert [known.id for known in twitch.subscriptions_to(NOTIFICATION["type"])] == [row["id"]]
        assert len(twitch.subscriptions) == 1
        await twitch.wait_subscribed("alice", "bob", type=NOTIFICATION["type"])

    async def test_twice_on_one_socket_are_409(self, alice: Any) -> None:
        line = await alice.connect()
        answers = [await alice.subscribe(line, "bob", **NOTIFICATION) for _ in range(2)]
        assert [answer.status for answer in answers] == [202, 409]

    async def test_need_the_scope_of_messages(self, town: Any) -> None:
        peer = town.peer("alice", scopes=("user:manage:chat_color",))
        answer = await peer.subscribe(await peer.connect(), "bob", **NOTIFICATION)
        assert (answer.status, answer.message) == (403, UNAUTHORIZED)

    async def test_end_with_a_ban_like_messages(self, alice: Any, twitch: Any) -> None:
        line = await alice.read("bob")
        await alice.subscribe(line, "bob", **NOTIFICATION)
        await twitch.ban("alice", channel="bob")
        types = {(await line.next())["metadata"]["subscription_type"] for _ in range(2)}
        assert types == {"channel.chat.message", NOTIFICATION["type"]}
        assert twitch.subscriptions_to(NOTIFICATION["type"]) == []


class TestSmallLimits:
    @pytest.fixture
    def limits(self) -> dict[str, Any]:
        return {"joined_channels": 1, "subscriptions_per_socket": 2}

    async def test_joined_channels_do_not_count_ones_own_and_moderated_ones(self, alice: Any, twitch: Any) -> None:
        twitch.make_moderator("alice", "carol")
        line = await alice.read("bob", "alice")
        other = await alice.read("carol")
        twitch.add_user("dave")
        refused = await alice.subscribe(other, "dave")
        assert (refused.status, refused.message) == (403, UNAUTHORIZED)
        assert (await alice.subscribe(line, "carol")).status == 429


class TestLinger:
    @pytest.fixture
    def limits(self) -> dict[str, Any]:
        return {"linger": 0.15}

    async def test_a_vanished_socket_counts_for_a_while(self, alice: Any, twitch: Any) -> None:
        await three_sockets(alice)
        await twitch.eventsub.drop_all()
        line = await alice.connect()
        assert (await alice.subscribe(line, "bob")).status == 429
        await twitch.wait_for(lambda: not twitch.subscriptions)
        assert (await alice.subscribe(line, "bob")).status == 202


class TestListAndDelete:
    async def test_list_shows_what_lives_and_what_ended(self, alice: Any) -> None:
        gone = await alice.read("alice")
        await gone.ws.close()
        await alice.read("bob")
        body = (await alice.helix("GET /eventsub/subscriptions")).json
        assert [row["status"] for row in body["data"]] == ["websocket_disconnected", "enabled"]
        assert "disconnected_at" in body["data"][0]["transport"]
        assert (body["total"], body["pagination"]) == (2, {})

    async def test_list_is_ordered_by_age_over_all_pages(self, alice: Any) -> None:
        first = await alice.read("alice")
        await alice.read("bob", "carol")
        await first.ws.close()
        listed: list[str] = []
        asked = {"first": "1"}
        while True:
            page = (await alice.helix("GET /eventsub/subscriptions", asked)).json
            listed += [row["created_at"] for row in page["data"]]
            if not (cursor := page["pagination"].get("cursor")):
                break
            asked["after"] = cursor
        assert (len(listed), listed) == (3, sorted(listed))

    async def test_list_can_be_asked_for_one_subscription(self, alice: Any, bob: Any) -> None:
        line = await alice.read("alice")
        id = (await alice.subscribe(line, "bob")).json["data"][0]["id"]
        for peer, found in ((alice, [id]), (bob, [])):
            answer = await peer.helix("GET /eventsub/subscriptions", {"subscription_id": id})
            assert [row["id"] for row in answer.json["data"]] == found
            assert answer.json["total"] == len(found)

    @pytest.mark.parametrize(
        "asked",
        [
            {"status": "nonsense"},
            {"status": ""},
            {"type": "nonsense"},
            {"user_id": "alice"},
            {"subscription_id": "?"},
            {"status": "enabled", "subscription_id": "1"},
            {"first": "9" * 5_000},
            {"first": "0"},
            {"after": "9" * 5_000},
            {"after": "x"},
        ],
    )
    async def test_list_refuses_nonsense(self, alice: Any, asked: dict[str, str]) -> None:
        assert (await alice.helix("GET /eventsub/subscriptions", asked)).status == 400

    async def test_list_can_be_filtered_and_paged(self, alice: Any) -> None:
        await (await alice.read("alice")).ws.close()
        await alice.read("bob", "carol")
        enabled = (await alice.helix("GET /eventsub/subscriptions", {"status": "enabled", "first": "1"})).json
        assert (len(enabled["data"]), enabled["total"]) == (1, 2)
        assert "cursor" in enabled["pagination"]

    async def test_list_shows_nobody_elses(self, alice: Any, bob: Any) -> None:
        await alice.read("alice")
        assert (await bob.helix("GET /eventsub/subscriptions")).json["data"] == []

    async def test_delete_ends_the_delivery(self, alice: Any, twitch: Any) -> None:
        line = await alice.connect()
        id = (await alice.subscribe(line, "bob")).json["data"][0]["id"]
        answer = await alice.helix("DELETE /eventsub/subscriptions", {"id": id})
        assert (answer.status, answer.body, twitch.subscriptions) == (204, b"", [])
        assert (await alice.helix("DELETE /eventsub/subscriptions", {"id": id})).status == 404

    async def test_delete_of_someone_elses_is_404(self, alice: Any, bob: Any) -> None:
        id = (await alice.subscribe(await alice.connect(), "bob")).json["data"][0]["id"]
        assert (await bob.helix("DELETE /eventsub/subscriptions", {"id": id})).status == 404
