"""What Helix demands and answers."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from colorchanger_bot.sandbox import NAMED_COLORS

ALL_SCOPES = ("user:read:chat", "user:manage:chat_color", "user:write:chat", "user:read:follows")


def auth(peer: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {peer.pair.access}", "Client-Id": peer.app.client_id}


class TestEveryRequest:
    async def test_without_a_token_is_401(self, alice: Any) -> None:
        answer = await alice.helix("GET /users", headers={"Authorization": ""})
        assert (answer.status, answer.json) == (
            401,
            {"error": "Unauthorized", "status": 401, "message": "OAuth token is missing"},
        )

    async def test_with_an_unknown_token_is_401(self, alice: Any) -> None:
        answer = await alice.helix("GET /users", headers={"Authorization": "Bearer nonsense"})
        assert (answer.status, answer.message) == (401, "Invalid OAuth token")

    async def test_with_an_expired_token_is_401_and_the_refreshed_one_works(self, alice: Any, twitch: Any) -> None:
        twitch.expire("alice")
        assert (await alice.helix("GET /users")).status == 401
        renewed = (await alice.refresh()).json["access_token"]
        assert (await alice.helix("GET /users", headers={"Authorization": f"Bearer {renewed}"})).status == 200

    async def test_without_a_client_id_is_401(self, alice: Any) -> None:
        answer = await alice.helix("GET /users", headers={"Client-Id": ""})
        assert answer.status == 401

    async def test_with_another_apps_client_id_is_401(self, alice: Any, twitch: Any) -> None:
        answer = await alice.helix("GET /users", headers={"Client-Id": twitch.add_app().client_id})
        assert (answer.status, answer.message) == (401, "Client ID and OAuth token do not match")

    async def test_to_an_unknown_path_is_404_in_json(self, alice: Any) -> None:
        answer = await alice.helix("GET /nowhere")
        assert (answer.status, answer.json["error"]) == (404, "Not Found")


class TestRateLimit:
    @pytest.fixture
    def limits(self) -> dict[str, Any]:
        return {"rate_limit": 2, "rate_window": 0.5}

    async def test_is_told_in_every_answer_and_empty_is_429(self, alice: Any) -> None:
        answers = [await alice.helix("GET /users") for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 429]
        assert [answer.headers["Ratelimit-Remaining"] for answer in answers] == ["1", "0", "0"]
        assert {"2"} == {answer.headers["Ratelimit-Limit"] for answer in answers}
        assert all(answer.headers["Ratelimit-Reset"].isdecimal() for answer in answers)
        assert answers[-1].json["error"] == "Too Many Requests"

    async def test_counts_each_user_alone(self, alice: Any, bob: Any) -> None:
        for _ in range(3):
            await alice.helix("GET /users")
        assert (await bob.helix("GET /users")).status == 200


class TestRateLimitOfTwitch:
    async def test_is_800_a_minute(self, alice: Any) -> None:
        answer = await alice.helix("GET /users")
        assert (answer.headers["Ratelimit-Limit"], answer.headers["Ratelimit-Remaining"]) == ("800", "799")


class TestUsers:
    async def test_without_parameters_is_the_tokens_user(self, bob: Any) -> None:
        (user,) = (await bob.helix("GET /users")).json["data"]
        assert (user["id"], user["login"], user["display_name"]) == (bob.user.id, "bob", "Bob")

    async def test_by_login_and_id_gives_each_once_and_ignores_unknown_ones(self, alice: Any, bob: Any) -> None:
        asked = [("login", "bob"), ("id", bob.user.id), ("login", "nobody"), ("login", "alice")]
        answer = await alice.helix("GET /users", asked)
        assert [user["login"] for user in answer.json["data"]] == ["bob", "alice"]

    async def test_of_more_than_100_is_400(self, alice: Any) -> None:
        assert (await alice.helix("GET /users", [("id", "1")] * 101)).status == 400


class TestGetColor:
    async def test_is_empty_for_one_who_never_chose(self, alice: Any, bob: Any) -> None:
        answer = await alice.helix("GET /chat/color", [("user_id", alice.user.id), ("user_id", bob.user.id)])
        assert answer.json["data"] == [
            {"user_id": alice.user.id, "user_login": "alice", "user_name": "alice", "color": "#FF0000"},
            {"user_id": bob.user.id, "user_login": "bob", "user_name": "Bob", "color": ""},
        ]

    @pytest.mark.parametrize("count", [0, 101])
    async def test_takes_1_to_100_ids(self, alice: Any, count: int) -> None:
        assert (await alice.helix("GET /chat/color", [("user_id", "1")] * count)).status == 400


class TestPutColor:
    async def test_is_204_with_no_body_and_no_content_type(self, alice: Any, twitch: Any) -> None:
        answer = await alice.helix("PUT /chat/color", {"user_id": alice.user.id, "color": "#00ff7f"})
        assert (answer.status, answer.body) == (204, b"")
        assert "Content-Type" not in answer.headers
        (change,) = twitch.color_changes
        assert (change.login, change.color, change.sent) == ("alice", "#00FF7F", "#00ff7f")

    @pytest.mark.parametrize(("name", "shown"), NAMED_COLORS.items())
    async def test_takes_each_of_the_15_names_from_everyone(self, bob: Any, name: str, shown: str) -> None:
        assert (await bob.helix("PUT /chat/color", {"user_id": bob.user.id, "color": name})).status == 204
        assert bob.user.color == shown

    @pytest.mark.parametrize("color", ["#123456", "BlueViolet", "navy", "blue violet"])
    async def test_refuses_a_hex_without_turbo_and_any_other_name(self, bob: Any, twitch: Any, color: str) -> None:
        answer = await bob.helix("PUT /chat/color", {"user_id": bob.user.id, "color": color})
        assert answer.status == 400
        assert answer.message.startswith("invalid color")
        assert twitch.color_changes == []

    @pytest.mark.parametrize("color", ["#12345", "123456", "#12345G", "#1234567"])
    async def test_refuses_what_is_no_hex_even_with_turbo(self, alice: Any, color: str) -> None:
        answer = await alice.helix("PUT /chat/color", {"user_id": alice.user.id, "color": color})
        assert answer.status == 400

    @pytest.mark.parametrize("missing", ["user_id", "color"])
    async def test_needs_both_parameters(self, alice: Any, missing: str) -> None:
        asked = {"user_id": alice.user.id, "color": "red"}
        del asked[missing]
        assert (await alice.helix("PUT /chat/color", asked)).status == 400

    async def test_of_someone_else_is_401(self, alice: Any, bob: Any) -> None:
        answer = await alice.helix("PUT /chat/color", {"user_id": bob.user.id, "color": "red"})
        assert answer.status == 401

    async def test_without_the_scope_is_401(self, town: Any) -> None:
        peer = town.peer("alice", scopes=("user:read:chat",))
        answer = await peer.helix("PUT /chat/color", {"user_id": peer.user.id, "color": "red"})
        assert (answer.status, answer.message) == (401, "Missing scope: user:manage:chat_color")


class TestSendMessage:
    @pytest.fixture
    def writer(self, town: Any) -> Any:
        return town.peer("alice", scopes=ALL_SCOPES)

    @staticmethod
    async def send(writer: Any, channel: str, **changes: Any) -> Any:
        body = {"broadcaster_id": writer.twitch.user(channel).id, "sender_id": writer.user.id, "message": "hi"}
        return await writer.helix("POST /chat/messages", json=body | changes)

    async def test_comes_back_as_a_message_of_its_sender(self, writer: Any) -> None:
        line = await writer.read("bob")
        (sent,) = (await self.send(writer, "bob")).json["data"]
        event = await line.event()
        assert (sent["is_sent"], sent["drop_reason"], sent["message_id"]) == (True, None, event["message_id"])
        assert event["chatter_user_login"] == "alice"

    async def test_reply_names_its_parent(self, writer: Any, twitch: Any) -> None:
        line = await writer.read("alice")
        parent = await twitch.say("bob", in_="alice", text="hello?")
        await self.send(writer, "alice", reply_parent_message_id=parent)
        await line.event()
        reply = (await line.event())["reply"]
        assert (reply["parent_message_id"], reply["parent_user_login"]) == (parent, "bob")
        assert reply["thread_message_id"] == parent

    async def test_too_soon_after_what_the_person_typed_is_dropped(self, writer: Any, twitch: Any) -> None:
        await twitch.say("alice", in_="bob", text="typed")
        (row,) = (await self.send(writer, "bob")).json["data"]
        assert (row["is_sent"], row["drop_reason"]["code"]) == (False, "msg_ratelimit")

    async def test_in_the_own_channel_is_not_slowed(self, writer: Any, twitch: Any) -> None:
        await twitch.say("alice", in_="alice", text="typed")
        assert (await self.send(writer, "alice")).json["data"][0]["is_sent"]

    @pytest.mark.parametrize(("channel", "limit"), [("carol", 20), ("bob", 100), ("alice", 100)])
    async def test_beyond_the_limit_of_30_seconds_is_dropped(
        self, writer: Any, twitch: Any, channel: str, limit: int
    ) -> None:
        twitch.make_moderator("alice", "bob")
        for number in range(limit - 1):
            await twitch.say("alice", in_="alice", text=f"typed {number}")
        assert (await self.send(writer, channel, message="one more")).json["data"][0]["is_sent"]
        (row,) = (await self.send(writer, channel, message="too much")).json["data"]
        assert (row["is_sent"], row["drop_reason"]["code"]) == (False, "msg_ratelimit")

    @pytest.mark.parametrize(("text", "status"), [("", 400), ("x" * 500, 200), ("x" * 501, 422)])
    async def test_has_1_to_500_characters(self, writer: Any, text: str, status: int) -> None:
        assert (await self.send(writer, "bob", message=text)).status == status

    async def test_with_its_fields_in_query_form_or_json_is_the_same(self, writer: Any) -> None:
        line = await writer.read("alice")
        fields = {"broadcaster_id": writer.user.id, "sender_id": writer.user.id, "message": "grüße & co"}
        ids = {name: value for name, value in fields.items() if name != "message"}
        form = aiohttp.FormData(fields)
        multipart = aiohttp.FormData(fields, default_to_multipart=True)
        for how in (
            {"params": fields},
            {"json": fields},
            {"data": form},
            {"data": multipart},
            {"params": ids, "json": {"message": "grüße & co"}},
            {"params": fields, "json": {}},
        ):
            answer = await writer.request("POST", f"{writer.twitch.api_url}/chat/messages", headers=auth(writer), **how)
            assert (answer.status, answer.json["data"][0]["is_sent"]) == (200, True), how
            assert (await line.event())["message"]["text"] == "grüße & co"

    async def test_as_someone_else_is_401(self, writer: Any, bob: Any) -> None:
        assert (await self.send(writer, "bob", sender_id=bob.user.id)).status == 401

    async def test_where_the_sender_is_banned_is_403(self, writer: Any, twitch: Any) -> None:
        await twitch.ban("alice", channel="bob")
        assert (await self.send(writer, "bob")).status == 403

    async def test_without_the_scope_is_401(self, alice: Any) -> None:
        answer = await self.send(alice, "bob")
        assert (answer.status, answer.message) == (401, "Missing scope: user:write:chat")

    async def test_with_broken_json_is_400(self, writer: Any) -> None:
        url = f"{writer.twitch.api_url}/chat/messages"
        assert (await writer.request("POST", url, data=b"{", headers=auth(writer))).status == 400


class TestDuplicates:
    @pytest.fixture
    def limits(self) -> dict[str, Any]:
        return {"chat_interval": 0}

    async def test_the_same_text_again_is_dropped_where_one_is_not_privileged(self, town: Any) -> None:
        writer = town.peer("alice", scopes=ALL_SCOPES)
        codes: dict[str, list[str | None]] = {}
        for channel in ("bob", "alice"):
            rows = [(await TestSendMessage.send(writer, channel)).json["data"][0] for _ in range(2)]
            codes[channel] = [row["drop_reason"] and row["drop_reason"]["code"] for row in rows]
        assert codes == {"bob": [None, "msg_duplicate"], "alice": [None, None]}


class TestAnnounce:
    @pytest.fixture
    def moderator(self, town: Any) -> Any:
        town.twitch.make_moderator("alice", "bob")
        return town.peer("alice", scopes=("user:read:chat", "moderator:manage:announcements"))

    @staticmethod
    async def announce(moderator: Any, channel: str, **body: str) -> Any:
        ids = {"broadcaster_id": moderator.twitch.user(channel).id, "moderator_id": moderator.user.id}
        return await moderator.helix("POST /chat/announcements", ids, json={"message": "news"} | body)

    async def test_is_204_and_comes_as_a_notification(self, moderator: Any) -> None:
        line = await moderator.connect()
        notification = {"type": "channel.chat.notification", "version": "1"}
        assert (await moderator.subscribe(line, "bob", **notification)).status == 202
        assert (await self.announce(moderator, "bob", color="blue")).status == 204
        event = await line.event()
        assert (event["announcement"], event["message"]["text"]) == ({"color": "BLUE"}, "news")

    async def test_elsewhere_is_401(self, moderator: Any) -> None:
        assert (await self.announce(moderator, "carol")).status == 401

    @pytest.mark.parametrize("body", [{"color": "pink"}, {"message": ""}])
    async def test_with_a_wrong_body_is_400(self, moderator: Any, body: dict[str, str]) -> None:
        assert (await self.announce(moderator, "bob", **body)).status == 400


class TestFollows:
    @pytest.fixture
    def follower(self, town: Any) -> Any:
        for channel in ("bob", "carol"):
            town.twitch.follow("alice", channel)
        town.twitch.go_live("carol")
        return town.peer("alice", scopes=ALL_SCOPES)

    async def test_followed_channels_come_in_pages(self, follower: Any) -> None:
        asked = {"user_id": follower.user.id, "first": "1"}
        first = (await follower.helix("GET /channels/followed", asked)).json
        last = (await follower.helix("GET /channels/followed", asked | {"after": first["pagination"]["cursor"]})).json
        assert [row["broadcaster_login"] for row in first["data"] + last["data"]] == ["bob", "carol"]
        assert (last["total"], last["pagination"]) == (2, {})

    async def test_followed_channels_are_private(self, follower: Any, bob: Any) -> None:
        assert (await follower.helix("GET /channels/followed", {"user_id": bob.user.id})).status == 401
        assert (await bob.helix("GET /channels/followed", {"user_id": bob.user.id})).status == 401

    async def test_streams_are_those_that_are_live(self, follower: Any) -> None:
        everyone = (await follower.helix("GET /streams")).json["data"]
        asked = (await follower.helix("GET /streams", [("user_login", "bob"), ("user_login", "carol")])).json["data"]
        followed = (await follower.helix("GET /streams/followed", {"user_id": follower.user.id})).json["data"]
        assert [row["user_login"] for row in everyone] == ["carol"]
        assert everyone == asked == followed

    async def test_an_ended_stream_is_gone(self, follower: Any, twitch: Any) -> None:
        twitch.go_live("carol", live=False)
        assert (await follower.helix("GET /streams")).json["data"] == []
