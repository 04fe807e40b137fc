"""The members of a community on the dashboard: searched, paged, switched and removed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.store.store import TokenPair
from colorchanger_bot.web.members import ROWS
from tests.fakes import until
from tests.web.conftest import Serve, Served, Visitor, visiting

SCOPES = ("user:manage:chat_color",)
PASSWORD = "correct horse battery staple"


async def add(service: Served, twitch: LocalTwitch, client_id: str, *names: str) -> None:
    """Let viewers be members already, and wait until their messages count."""
    for name in names:
        user = twitch.add_user(name, "#00FF00", turbo=True)
        pair = twitch.issue_tokens(name, client_id, SCOPES)
        tokens = TokenPair(pair.access, pair.refresh, scopes=frozenset(SCOPES))
        await service.store.put_member(name, client_id, tokens, user.id, at=1.0, most=1000)
    await service.keeper.load()
    await until(lambda: all(service.community.is_member(twitch.user(name).id) for name in names))


async def page(visitor: Visitor, **query: Any) -> dict[str, Any]:
    status, text = await visitor.get("/api/members?" + "&".join(f"{key}={value}" for key, value in query.items()))
    assert status == 200, text
    return json.loads(text)


async def test_members_are_searched_and_paged(community: Serve, twitch: LocalTwitch, client_id: str) -> None:
    names = [f"viewer_{number:02}" for number in range(2 * ROWS + 3)]
    async with community() as service, visiting(service) as owner:
        await add(service, twitch, client_id, *names)
        first = await page(owner)
        assert [row["login"] for row in first["rows"]] == names[:ROWS]
        assert (first["page"], first["pages"], first["found"], first["total"]) == (1, 3, len(names), len(names))
        assert first["sums"] == f"{len(names)} members: {len(names)} on"
        assert [row["login"] for row in (await page(owner, page=3))["rows"]] == names[2 * ROWS :]
        assert (await page(owner, page=999))["page"] == 3
        found = await page(owner, query="_07", page=2)
        assert [row["login"] for row in found["rows"]] == ["viewer_07"]
        assert (found["page"], found["found"], found["total"]) == (1, 1, len(names))
        assert (await page(owner, query="nobody"))["rows"] == []


async def test_a_member_has_a_row_and_no_card(community: Serve, twitch: LocalTwitch, client_id: str) -> None:
    async with community() as service, visiting(service) as owner:
        await add(service, twitch, client_id, "anna")
        await twitch.say("anna", in_="streamer", text="hello")
        anna = twitch.user("anna")
        await until(lambda: service.changer[anna.id].changes == 1)
        (row,) = (await page(owner))["rows"]
        assert (row["state"], row["isOn"], row["color"], row["changes"]) == ("on", True, anna.color, 1)
        assert row["changed"].startswith("20")
        state = json.loads(await owner.state())
        assert [account["login"] for account in state["accounts"]] == ["streamer"]


async def test_members_are_switched_off_and_on(community: Serve, twitch: LocalTwitch, client_id: str) -> None:
    async with community() as service, visiting(service) as owner:
        await add(service, twitch, client_id, "anna")
        anna = service.changer[twitch.user("anna").id]
        await owner.look()
        for wanted, state in ((False, "off"), (True, "on")):
            assert await change(owner, "PUT", f"{anna.user_id}/enabled", wanted) == 200
            assert anna.settings.enabled is wanted
            assert (await page(owner))["rows"][0]["state"] == state


async def test_a_member_is_removed_with_everything(community: Serve, twitch: LocalTwitch, client_id: str) -> None:
    async with community() as service, visiting(service) as owner:
        await add(service, twitch, client_id, "anna", "berta")
        await owner.look()
        assert await change(owner, "DELETE", twitch.user("anna").id) == 200
        assert [row["login"] for row in (await page(owner))["rows"]] == ["berta"]
        assert [login.login for login in await service.store.logins()] == ["streamer", "berta"]


@pytest.mark.parametrize("sent", ['"off"', "1", "null", "{", ""])
async def test_odd_bodies_and_unknown_members_are_refused(
    community: Serve, twitch: LocalTwitch, client_id: str, sent: str
) -> None:
    async with community() as service, visiting(service) as owner:
        await add(service, twitch, client_id, "anna")
        await owner.look()
        user = twitch.user("anna").id
        headers = {"X-CSRF-Token": owner.csrf, "Content-Type": "application/json"}
        async with owner.session.put(f"{owner.url}/api/members/{user}/enabled", data=sent, headers=headers) as answer:
            assert answer.status == 400
        for path in (twitch.user("streamer").id, "12345", "x"):
            assert await change(owner, "DELETE", path) == 404
            assert await change(owner, "PUT", f"{path}/enabled", False) == 404
        for number in ("0x1", "-1", "1.5", "", "9" * 50, "²"):
            assert (await owner.get(f"/api/members?page={number}"))[0] == 400


async def test_changes_need_the_password(community: Serve, twitch: LocalTwitch, client_id: str) -> None:
    async with community(web={"password": PASSWORD}) as service, visiting(service) as stranger:
        await add(service, twitch, client_id, "anna")
        user = twitch.user("anna").id
        assert (await stranger.get("/api/members"))[0] == 401
        assert await change(stranger, "DELETE", user) == 401
        assert await change(stranger, "PUT", f"{user}/enabled", False) == 401
        assert service.changer[user].settings.enabled


async def test_changes_need_the_proof_of_the_page(community: Serve, twitch: LocalTwitch, client_id: str) -> None:
    async with community() as service, visiting(service) as visitor:
        await add(service, twitch, client_id, "anna")
        await visitor.look()
        visitor.csrf = "0" * 64
        user = twitch.user("anna").id
        assert await change(visitor, "DELETE", user) == 403
        assert await change(visitor, "PUT", f"{user}/enabled", False) == 403
        assert service.changer[user].settings.enabled


async def change(visitor: Visitor, method: str, path: str, wanted: bool | None = None) -> int:
    headers = {"X-CSRF-Token": visitor.csrf}
    async with visitor.session.request(
        method, f"{visitor.url}/api/members/{path}", json=wanted, headers=headers
    ) as answer:
        return answer.status
