"""What id.twitch.tv demands and answers."""

from __future__ import annotations

from typing import Any

import pytest

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def clock() -> list[float]:
    return [1_800_000_000.0]


@pytest.fixture
def limits(clock: list[float]) -> dict[str, Any]:
    return {"now": lambda: clock[0]}


@pytest.fixture
def confidential(town: Any) -> Any:
    return town.peer("alice", app=town.twitch.add_app(client_secret="hush"))


class TestValidate:
    async def test_tells_whose_token_it_is(self, alice: Any) -> None:
        assert (await alice.validate()).json == {
            "client_id": alice.app.client_id,
            "login": "alice",
            "user_id": alice.user.id,
            "scopes": ["user:read:chat", "user:manage:chat_color"],
            "expires_in": 14_400,
        }

    async def test_takes_bearer_too(self, alice: Any) -> None:
        headers = {"Authorization": f"Bearer {alice.pair.access}"}
        assert (await alice.id("GET /oauth2/validate", headers=headers)).status == 200

    async def test_of_an_invalid_token_is_401_without_an_error_name(self, alice: Any) -> None:
        answer = await alice.validate("nonsense")
        assert (answer.status, answer.json) == (401, {"status": 401, "message": "invalid access token"})

    async def test_without_a_token_is_401(self, alice: Any) -> None:
        assert (await alice.id("GET /oauth2/validate")).message == "missing authorization token"

    async def test_counts_down_to_the_end(self, alice: Any, clock: list[float]) -> None:
        clock[0] += 14_399
        assert (await alice.validate()).json["expires_in"] == 1
        clock[0] += 1
        assert (await alice.validate()).status == 401


class TestRefreshOfAPublicClient:
    async def test_gives_a_new_pair(self, alice: Any, twitch: Any) -> None:
        body = (await alice.refresh()).json
        assert body["refresh_token"] != alice.pair.refresh
        assert (body["scope"], body["token_type"]) == (["user:read:chat", "user:manage:chat_color"], "bearer")
        assert (await alice.validate(body["access_token"])).status == 200
        assert (twitch.refreshes["alice"], twitch.spent_twice) == (1, [])

    async def test_is_taken_from_the_query_too(self, alice: Any) -> None:
        query = {"grant_type": "refresh_token", "client_id": alice.app.client_id, "refresh_token": alice.pair.refresh}
        assert (await alice.id("POST /oauth2/token", params=query)).status == 200

    async def test_twice_with_one_token_kills_the_whole_connection(self, alice: Any, twitch: Any) -> None:
        line = await alice.read("bob")
        newer = (await alice.refresh()).json
        again = await alice.refresh()
        assert (again.status, again.json) == (400, {"status": 400, "message": "Invalid refresh token"})
        assert (await alice.validate(newer["access_token"])).status == 401
        assert (await alice.refresh(newer["refresh_token"])).status == 400
        revocation = await line.next()
        assert revocation["metadata"]["message_type"] == "revocation"
        assert revocation["payload"]["subscription"]["status"] == "authorization_revoked"
        assert (twitch.spent_twice, twitch.subscriptions) == (["alice"], [])

    async def test_twice_leaves_other_users_and_apps_alone(self, alice: Any, bob: Any, confidential: Any) -> None:
        await alice.refresh()
        await alice.refresh()
        assert (await bob.validate()).status == 200
        assert (await confidential.validate()).status == 200

    async def test_after_30_idle_days_is_refused(self, alice: Any, clock: list[float]) -> None:
        clock[0] += 30 * 86_400 + 1
        assert (await alice.refresh()).message == "Invalid refresh token"

    async def test_with_another_apps_token_is_refused(self, alice: Any, confidential: Any, twitch: Any) -> None:
        assert (await alice.refresh(confidential.pair.refresh)).status == 400
        assert twitch.spent_twice == []

    async def test_with_an_unknown_client_is_refused(self, alice: Any) -> None:
        assert (await alice.refresh(client_id="nobody")).message == "invalid client"
        assert (await alice.refresh(client_id="")).message == "missing client id"


class TestRefreshOfAConfidentialClient:
    async def test_keeps_the_refresh_token(self, confidential: Any, twitch: Any) -> None:
        bodies = [(await confidential.refresh(client_secret="hush")).json for _ in range(2)]
        assert {confidential.pair.refresh} == {body["refresh_token"] for body in bodies}
        assert twitch.spent_twice == []

    async def test_demands_the_secret(self, confidential: Any) -> None:
        missing, wrong = await confidential.refresh(), await confidential.refresh(client_secret="wrong")
        assert (missing.status, missing.message) == (400, "missing client secret")
        assert (wrong.status, wrong.message) == (403, "invalid client secret")


class TestDeviceCode:
    @staticmethod
    async def begin(peer: Any, **changes: str) -> Any:
        form = {"client_id": peer.app.client_id, "scopes": "user:read:chat user:manage:chat_color"}
        return await peer.id("POST /oauth2/device", form | changes)

    @staticmethod
    async def poll(peer: Any, device: Any) -> Any:
        form = {"client_id": peer.app.client_id, "device_code": device["device_code"], "grant_type": DEVICE_GRANT}
        return await peer.id("POST /oauth2/token", form)

    async def test_is_pending_until_it_is_approved_and_gives_the_pair_once(self, alice: Any, twitch: Any) -> None:
        device = (await self.begin(alice)).json
        assert (device["expires_in"], device["interval"]) == (1800, 5)
        pending = await self.poll(alice, device)
        assert (pending.status, pending.message) == (400, "authorization_pending")
        assert [waiting.user_code for waiting in twitch.pending_devices] == [device["user_code"]]
        twitch.approve_device(device["user_code"], "bob")
        granted = (await self.poll(alice, device)).json
        assert (await alice.validate(granted["access_token"])).json["login"] == "bob"
        assert granted["scope"] == ["user:read:chat", "user:manage:chat_color"]
        assert (await self.poll(alice, device)).message == "invalid device code"

    async def test_works_for_a_confidential_client_without_its_secret(self, confidential: Any, twitch: Any) -> None:
        device = (await self.begin(confidential)).json
        twitch.approve_device(device["user_code"], "alice")
        assert (await self.poll(confidential, device)).status == 200

    async def test_needs_scopes_in_the_plural(self, alice: Any) -> None:
        assert (await self.begin(alice, scopes="", scope="user:read:chat")).message == "missing scopes"

    async def test_expires(self, alice: Any, twitch: Any, clock: list[float]) -> None:
        device = (await self.begin(alice)).json
        clock[0] += 1800
        assert (await self.poll(alice, device)).message == "invalid device code"
        assert twitch.pending_devices == []

    async def test_is_invalid_once_it_is_denied(self, alice: Any, twitch: Any) -> None:
        device = (await self.begin(alice)).json
        twitch.deny_device(device["user_code"])
        assert (await self.poll(alice, device)).message == "invalid device code"

    async def test_is_bound_to_its_client(self, alice: Any, confidential: Any) -> None:
        device = (await self.begin(alice)).json
        assert (await self.poll(confidential, device)).message == "invalid device code"


class TestAutoApprove:
    @pytest.fixture
    def limits(self) -> dict[str, Any]:
        return {"auto_approve": "carol"}

    async def test_lets_the_second_poll_succeed(self, alice: Any) -> None:
        device = (await TestDeviceCode.begin(alice)).json
        polls = [await TestDeviceCode.poll(alice, device) for _ in range(2)]
        assert [poll.status for poll in polls] == [400, 200]
        assert (await alice.validate(polls[1].json["access_token"])).json["login"] == "carol"


class TestOtherGrants:
    async def test_client_credentials_give_a_token_without_a_user(self, confidential: Any) -> None:
        form = {"client_id": confidential.app.client_id, "client_secret": "hush", "grant_type": "client_credentials"}
        body = (await confidential.id("POST /oauth2/token", form)).json
        assert body.keys() == {"access_token", "expires_in", "token_type"}
        assert "login" not in (await confidential.validate(body["access_token"])).json
        headers = {"Authorization": f"Bearer {body['access_token']}"}
        assert (await confidential.helix("GET /users", {"login": "bob"}, headers=headers)).status == 200
        assert (await confidential.helix("GET /users", headers=headers)).status == 400

    async def test_client_credentials_are_not_for_public_clients(self, alice: Any) -> None:
        form = {"client_id": alice.app.client_id, "grant_type": "client_credentials"}
        assert (await alice.id("POST /oauth2/token", form)).status == 403

    @pytest.mark.parametrize(("grant", "message"), [("", "missing grant type"), ("magic", "invalid grant type")])
    async def test_unknown_grants_are_refused(self, alice: Any, grant: str, message: str) -> None:
        form = {"client_id": alice.app.client_id, "grant_type": grant}
        assert (await alice.id("POST /oauth2/token", form)).message == message


class TestRevoke:
    async def test_makes_the_pair_invalid(self, alice: Any) -> None:
        form = {"client_id": alice.app.client_id, "token": alice.pair.access}
        answer = await alice.id("POST /oauth2/revoke", form)
        assert (answer.status, answer.body) == (200, b"")
        assert (await alice.validate()).status == 401
        assert (await alice.refresh()).status == 400

    async def test_of_an_unknown_token_is_400(self, alice: Any) -> None:
        form = {"client_id": alice.app.client_id, "token": "nonsense"}
        assert (await alice.id("POST /oauth2/revoke", form)).message == "Invalid token"

    async def test_for_an_unknown_client_is_404(self, alice: Any) -> None:
        form = {"client_id": "nobody", "token": alice.pair.access}
        assert (await alice.id("POST /oauth2/revoke", form)).status == 404

    async def test_by_the_user_kills_everything_at_once(self, alice: Any, twitch: Any) -> None:
        line = await alice.read("alice", "bob")
        await twitch.revoke_login("alice")
        messages = [await line.next() for _ in range(2)]
        assert {"authorization_revoked"} == {message["payload"]["subscription"]["status"] for message in messages}
        assert (await alice.validate()).status == 401
        assert (await alice.refresh()).status == 400
        assert twitch.spent_twice == []
