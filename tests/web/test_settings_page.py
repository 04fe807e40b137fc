"""The settings page: what it shows, what it keeps, and what it never gives away."""

from __future__ import annotations

import json
from typing import Any

import pytest

from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.settings.preferences import TABLES
from colorchanger_bot.web.settings_fields import CHANNELS, COLORS, COMMANDS, PROGRAM
from tests.fakes import until
from tests.web.conftest import Serve, Served, Visitor, visiting


async def fields(visitor: Visitor, account: str = "") -> dict[str, dict[str, Any]]:
    """What the page shows, by key."""
    status, text = await visitor.get(f"/api/settings?account={account}")
    assert status == 200, text
    return {field["key"]: field for group in json.loads(text)["groups"] for field in group["fields"]}


async def save(visitor: Visitor, new: dict[str, Any], *dropped: str) -> tuple[int, list[str]]:
    status, text = await visitor.post("/api/settings", json={"set": new, "drop": dropped})
    return status, json.loads(text).get("problems", []) if text.startswith("{") else [text]


def test_every_key_of_the_page_has_a_label() -> None:
    shown = {name for group in (COLORS, COMMANDS, PROGRAM) for name in group.labels}
    assert shown == {f"{table}.{key}" for table, keys in TABLES.items() for key in keys if table != "app"}
    assert set(CHANNELS.labels) == {"channels", "follow_live"}


async def test_what_is_typed_is_in_force_and_undone(visitor: Visitor, service: Served) -> None:
    await visitor.look("/settings")
    typed = {
        "color.cooldown": "7",
        "commands.aliases": "colr, paint",
        "color.base": "hot pink",
    }
    assert await save(visitor, typed) == (200, [])
    assert (service.settings.color.cooldown, service.settings.commands.aliases) == (7.0, ("colr", "paint"))
    found = await fields(visitor)
    assert [found[key]["value"] for key in ("color.cooldown", "commands.aliases", "color.base")] == [
        7.0,
        ["colr", "paint"],
        "hot_pink",
    ]
    assert found["color.cooldown"]["changed"]
    assert await save(visitor, {}, "color.cooldown") == (200, [])
    assert service.settings.color.cooldown == 0.0
    assert not (await fields(visitor))["color.cooldown"]["changed"]


async def test_a_key_of_the_file_cannot_be_edited(visitor: Visitor, service: Served) -> None:
    await visitor.look("/settings")
    assert (await fields(visitor))["color.delay"]["origin"] == "code"
    status, problems = await save(visitor, {"color.delay": "3"})
    assert (status, problems) == (422, ["color.delay is set in code: change it there"])
    assert service.settings.color.delay == (0.0, 0.0)


@pytest.mark.parametrize(
    ("new", "line"),
    [
        ({"color.cooldown": "soon"}, 'color.cooldown = "soon": write seconds from 0 to 3600, such as 2.5'),
        ({"color.strategy": "palette"}, "color.colors: palette needs at least 1, and has 0"),
        ({"commands.allow": ["self", "owner"]}, "commands.owner is missing"),
        ({"storage.url": "sqlite:///x"}, "storage.url: cannot be set on the page"),
        ({"cogs.load": "os"}, "cogs.load: cannot be set on the page"),
        ({"accounts.1.color.nothing": 1}, "accounts.1.color.nothing: cannot be set on the page"),
        ({"log.level": {"a": 1}}, "log.level"),
        ({"color.colors": ["red", 7]}, "color.colors"),
        ({"color.step": "1e400"}, "color.step"),
        ({"web.password": None}, "web.password: write a text"),
        ({"web.password": ["a", 1]}, "web.password: write a text"),
    ],
)
async def test_bad_input_is_answered_in_a_line_and_changes_nothing(
    new: dict[str, Any], line: str, visitor: Visitor, service: Served
) -> None:
    await visitor.look("/settings")
    before = service.settings
    status, problems = await save(visitor, {"color.min_step": "0.2", **new})
    assert (status, len(problems)) == (422, 1)
    assert problems[0].startswith(line)
    assert service.settings == before


@pytest.mark.parametrize("body", [[], "text", None, {"set": []}, {"drop": {}}, {"set": 1}])
async def test_a_body_of_another_form_is_refused(body: Any, visitor: Visitor) -> None:
    await visitor.look("/settings")
    status, _ = await visitor.post(
        "/api/settings", data=json.dumps(body), **{"X-CSRF-Token": visitor.csrf, "Content-Type": "application/json"}
    )
    assert status == 400


async def test_a_change_needs_the_proof_of_the_page(visitor: Visitor, service: Served, twitch: LocalTwitch) -> None:
    await visitor.look("/settings")
    me = twitch.user("me").id
    visitor.csrf = "0" * 64
    for path in ("/api/settings", "/api/settings/preview", f"/api/settings/chat/{me}"):
        assert (await visitor.post(path, json={}))[0] == 403
    async with visitor.session.delete(f"{visitor.url}/api/settings/accounts/{me}") as answer:
        assert answer.status == 403
    assert [login.login for login in service.keeper] == ["me"]


async def test_a_password_ends_the_sessions_of_others_and_is_never_shown(service: Served) -> None:
    async with visiting(service) as mine, visiting(service) as other:
        await mine.look("/settings")
        await other.look("/settings")
        assert await save(mine, {"web.password": "correct horse"}) == (200, [])
        assert (await mine.get("/settings"))[0] == 200
        assert (await other.get("/settings"))[0] == 401
        assert (await other.get("/api/settings"))[0] == 401
        status, text = await mine.get("/api/settings")
        kept = service.settings.web.password.reveal()
        assert status == 200
        assert "correct horse" not in text
        assert kept not in text
        found = (await fields(mine))["web.password"]
        assert (found["value"], found["isSet"]) == (None, True)
        await other.look("/login")
        wrong, _ = await other.post("/login", data={"password": kept, "csrf": other.csrf})
        assert wrong == 401  # the hash is not the password
        right, _ = await other.post("/login", data={"password": "correct horse", "csrf": other.csrf})
        assert right == 303
        assert (await other.get("/settings"))[0] == 200
        assert await save(mine, {}, "web.password") == (200, [])
        async with visiting(service) as third:
            assert (await third.get("/settings"))[0] == 200


async def test_settings_of_one_account(visitor: Visitor, service: Served, twitch: LocalTwitch) -> None:
    await visitor.look("/settings")
    me = twitch.user("me").id
    twitch.add_user("friend")
    assert await save(visitor, {f"accounts.{me}.channels": "me, #Friend", f"accounts.{me}.color.cooldown": "4"}) == (
        200,
        [],
    )
    await twitch.wait_subscribed("me", "friend")
    found = await fields(visitor, me)
    assert found[f"accounts.{me}.channels"]["value"] == ["me", "friend"]
    assert (await fields(visitor))["color.cooldown"]["value"] == 0.0
    assert not any(key.startswith("commands") for key in found)


async def test_what_was_set_in_chat_is_shown_and_dropped(
    visitor: Visitor, service: Served, twitch: LocalTwitch
) -> None:
    await visitor.look("/settings")
    me = twitch.user("me").id
    twitch.add_user("friend")
    await visitor.say("me", "rainbow")
    await visitor.say("me", "join friend")
    _, text = await visitor.get(f"/api/settings?account={me}")
    assert json.loads(text)["inChat"] == ["strategy", "step", "reverse", "channels"]
    status, text = await visitor.post(f"/api/settings/chat/{me}", json={})
    assert (status, json.loads(text)["inChat"]) == (200, [])
    await until(lambda: [each.broadcaster_user_id for each in twitch.subscriptions] == [me])
    assert service.changer[me].settings.strategy == "random"


async def test_a_preview_keeps_nothing(visitor: Visitor, service: Served) -> None:
    await visitor.look("/settings")
    before = service.settings
    status, text = await visitor.post(
        "/api/settings/preview", json={"color": {"strategy": "palette", "colors": "red, #f80"}}
    )
    found = json.loads(text)
    assert (status, found["problems"]) == (200, [])
    assert {row["hex"] for row in found["rows"]} == {"#FF0000", "#FF8800"}
    _, text = await visitor.post("/api/settings/preview", json={"color": {"strategy": "palette", "delay": "x"}})
    assert len(json.loads(text)["problems"]) == 1
    assert service.settings == before


async def test_an_account_is_logged_out(visitor: Visitor, service: Served, twitch: LocalTwitch) -> None:
    await visitor.look("/settings")
    me = twitch.user("me").id
    await save(visitor, {f"accounts.{me}.color.cooldown": "4"})
    path = f"{visitor.url}/api/settings/accounts/{me}"
    async with visitor.session.delete(path, headers={"X-CSRF-Token": visitor.csrf}) as answer:
        assert answer.status == 200
        found = await answer.json()
    assert (found["confirmed"], found["accounts"]) == (True, [])
    await until(lambda: not twitch.subscriptions and me not in service.changer)
    assert await service.store.preferences() == {}
    async with visitor.session.delete(path, headers={"X-CSRF-Token": visitor.csrf}) as answer:
        assert answer.status == 404


async def test_the_settings_need_the_password(serve: Serve) -> None:
    async with serve(web={"password": "secret words"}) as service, visiting(service) as visitor:
        for path in ("/settings", "/api/settings"):
            assert (await visitor.get(path))[0] == 401
