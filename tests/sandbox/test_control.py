"""The routes for people and for other processes."""

from __future__ import annotations

from typing import Any

import pytest


class TestSay:
    async def test_delivers_a_message(self, alice: Any) -> None:
        line = await alice.read("alice")
        said = await alice.id("POST /sandbox/say", json={"as": "bob", "in": "alice", "text": "hi"})
        event = await line.event()
        assert (event["chatter_user_login"], event["message_id"]) == ("bob", said.json["message_id"])

    async def test_makes_up_a_chatter_but_not_a_channel(self, alice: Any, twitch: Any) -> None:
        made_up = await alice.id("POST /sandbox/say", json={"as": "stranger", "in": "alice", "text": "hi"})
        assert (made_up.status, twitch.user("stranger").color) == (200, "")
        nowhere = await alice.id("POST /sandbox/say", json={"as": "bob", "in": "nowhere", "text": "hi"})
        assert nowhere.status == 404

    @pytest.mark.parametrize(
        "body", [{}, {"as": "no login!", "in": "alice", "text": "hi"}, {"as": "bob", "in": "alice"}]
    )
    async def test_refuses_what_cannot_be_said(self, alice: Any, body: dict[str, str]) -> None:
        assert (await alice.id("POST /sandbox/say", json=body)).status == 400

    async def test_refuses_what_a_form_of_a_web_page_can_send(self, alice: Any) -> None:
        answer = await alice.id("POST /sandbox/say", '{"as":"bob","in":"alice","text":"hi"}')
        assert answer.status == 415

    async def test_delivers_a_notice(self, alice: Any) -> None:
        line = await alice.connect()
        await alice.subscribe(line, "alice", type="channel.chat.notification")
        body = {"as": "bob", "in": "alice", "text": "hi", "notice": "resub", "details": {"streak_months": 9}}
        said = await alice.id("POST /sandbox/say", json=body)
        event = await line.event()
        assert (event["message_id"], event["notice_type"]) == (said.json["message_id"], "resub")
        assert event["resub"]["streak_months"] == 9

    @pytest.mark.parametrize(
        "wrong",
        [{"notice": "party"}, {"notice": "resub", "details": {"years": 1}}, {"details": []}, {"text": "x" * 501}],
    )
    async def test_refuses_a_wrong_notice_and_long_text(self, alice: Any, wrong: dict[str, Any]) -> None:
        body = {"as": "bob", "in": "alice", "text": "hi"} | wrong
        assert (await alice.id("POST /sandbox/say", json=body)).status == 400


class TestFaults:
    async def test_make_requests_fail_until_they_are_cleared(self, alice: Any) -> None:
        fault = {"match": "GET /helix/*", "fault": "html", "code": 403, "times": None}
        assert (await alice.id("POST /sandbox/faults", json=fault)).status == 204
        assert [(await alice.helix("GET /users")).status for _ in range(2)] == [403, 403]
        assert (await alice.id("DELETE /sandbox/faults")).status == 204
        assert (await alice.helix("GET /users")).status == 200

    @pytest.mark.parametrize(
        "fault",
        [
            {"fault": "drop"},
            {"fault": "status", "code": 503, "message": "busy"},
            {"fault": "rate_limited", "reset_in": 1.5},
            {"fault": "reply", "code": 200, "body": "<p>", "content_type": "text/html"},
            {"fault": "mismatch", "code": 400, "said": 500},
            {"fault": "large", "size": 10, "compressed": True},
        ],
    )
    async def test_are_known_by_name(self, alice: Any, fault: dict[str, Any]) -> None:
        answer = await alice.id("POST /sandbox/faults", json={"match": "GET /helix/users"} | fault)
        assert answer.status == 204

    @pytest.mark.parametrize(
        "wrong",
        [
            {"fault": "nonsense"},
            {"fault": "status"},
            {"fault": "status", "code": 99},
            {"fault": "status", "code": True},
            {"fault": "status", "code": 503, "seconds": 1},
            {"fault": "status", "code": 503, "headers": {"X": "\n"}},
            {"fault": "html", "code": 403, "title": "a\nb"},
            {"fault": "hang", "seconds": -1},
            {"fault": "drop", "times": 0},
            {"fault": "drop", "times": "two"},
            {"fault": "drop", "match": 1},
        ],
    )
    async def test_that_make_no_sense_are_400(self, alice: Any, twitch: Any, wrong: dict[str, Any]) -> None:
        answer = await alice.id("POST /sandbox/faults", json={"match": "GET /helix/users"} | wrong)
        assert answer.status == 400
        assert (await alice.helix("GET /users")).status == 200


class TestState:
    async def test_shows_users_and_subscriptions_but_no_token(self, alice: Any, twitch: Any) -> None:
        await alice.read("bob")
        answer = await alice.id("GET /sandbox/state")
        assert [user["login"] for user in answer.json["users"]] == ["alice", "bob", "carol"]
        (known,) = answer.json["subscriptions"]
        assert (known["user"], known["channel"]) == ("alice", "bob")
        for secret in (alice.pair.access, alice.pair.refresh):
            assert secret.encode() not in answer.body


ROUTES = [
    "GET /sandbox/state",
    "POST /sandbox/say",
    "POST /sandbox/faults",
    "DELETE /sandbox/faults",
    "GET /activate",
    "POST /activate",
]


class TestGuard:
    @pytest.mark.parametrize("path", ROUTES)
    async def test_refuses_a_name_that_is_not_this_machines(self, alice: Any, path: str) -> None:
        assert (await alice.id(path, headers={"Host": "evil.example"})).status == 403

    @pytest.mark.parametrize("host", ["[", "", "127.0.0.1.evil.example", "localhost@evil.example", "127.0.0.1:x"])
    async def test_refuses_odd_names(self, alice: Any, host: str) -> None:
        assert (await alice.id("GET /sandbox/state", headers={"Host": host})).status in (400, 403)

    async def test_takes_localhost(self, alice: Any) -> None:
        assert (await alice.id("GET /sandbox/state", headers={"Host": "localhost:1234"})).status == 200

    async def test_refuses_another_sites_page(self, alice: Any) -> None:
        assert (await alice.id("GET /sandbox/state", headers={"Origin": "https://evil.example"})).status == 403


class TestActivate:
    async def test_page_approves_the_device(self, alice: Any, twitch: Any) -> None:
        form = {"client_id": alice.app.client_id, "scopes": "user:read:chat"}
        device = (await alice.id("POST /oauth2/device", form)).json
        page = await alice.request("GET", device["verification_uri"])
        assert device["user_code"].encode() in page.body
        done = await alice.id("POST /activate", {"user_code": device["user_code"].lower(), "login": "newcomer"})
        assert (done.status, twitch.pending_devices) == (200, [])
        assert twitch.user("newcomer").login == "newcomer"

    async def test_page_says_what_is_asked_for_and_can_decline_it(self, alice: Any, twitch: Any) -> None:
        form = {"client_id": alice.app.client_id, "scopes": "user:read:chat"}
        device = (await alice.id("POST /oauth2/device", form)).json
        page = await alice.request("GET", device["verification_uri"])
        assert b"It asks for user:read:chat." in page.body
        declined = await alice.id("POST /activate", {"user_code": device["user_code"], "login": "", "decline": "yes"})
        assert (declined.status, twitch.pending_devices) == (200, [])

    async def test_page_says_when_the_code_is_wrong(self, alice: Any) -> None:
        answer = await alice.id("POST /activate", {"user_code": "<b>", "login": "alice"})
        assert answer.status == 404
        assert b"<b>" not in answer.body
