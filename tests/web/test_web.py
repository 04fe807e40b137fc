"""The HTTP API behind the page: states, commands, previews, logins, and its place in the service."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

import pytest

from colorchanger_bot.clock import SystemClock
from colorchanger_bot.color import Color
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Store
from tests.fakes import subscribed_to_all, until
from tests.web.conftest import Serve, Served, Visitor, visiting


async def test_the_state_has_colours_channels_and_the_rate_limit(visitor: Visitor, twitch: LocalTwitch) -> None:
    await visitor.look()
    await twitch.say("me", in_="me", text="hello")
    await twitch.wait_for(lambda: twitch.color_changes)
    await asyncio.sleep(0.1)
    (account,) = json.loads(await visitor.state())["accounts"]
    assert account["state"] == "running"
    assert account["channels"] == [{"login": "me", "state": "joined", "text": "reading"}]
    assert account["painter"]["color"]["hex"] == twitch.user("me").color
    newest, oldest = account["painter"]["strip"]
    assert (newest["color"], newest["result"]) == (twitch.user("me").color, "changed")
    assert newest["at"]
    assert (oldest["color"], oldest["at"]) == ("#FF0000", "")
    assert account["budget"]["limit"] == 800


async def test_the_history_has_at_most_thirty_colours_and_the_reasons_of_failures(
    visitor: Visitor, twitch: LocalTwitch
) -> None:
    await visitor.look()
    for _ in range(32):
        await visitor.say("me", "next")
    twitch.faults.add("PUT /helix/chat/color", faults.status(400), times=2)
    await visitor.say("me", "next")
    (account,) = json.loads(await visitor.state())["accounts"]
    strip = account["painter"]["strip"]
    assert len(strip) == 30
    assert strip[0]["result"] == "rejected"
    assert strip[0]["reason"]


async def test_a_command_does_what_chat_does(visitor: Visitor, service: Served, twitch: LocalTwitch) -> None:
    await visitor.look()
    status, answer = await visitor.say("me", "set hot pink")
    assert (status, twitch.user("me").color) == (200, "#FF69B4")
    assert "#FF69B4" in answer or "hot" in answer
    await visitor.say("me", "off")
    assert not service.changer[twitch.user("me").id].settings.enabled


async def test_an_unknown_account_is_not_found(visitor: Visitor) -> None:
    await visitor.look()
    assert (await visitor.say("stranger", "next"))[0] == 404


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("random", 12),
        ("rainbow 15 reverse", 12),
        ("palette red, dodger blue", 12),
        ("gradient red blue", 12),
        ("shades dodger blue", 12),
        ("presets", 12),
        ("daily", 12),
        ("daily clock", 12),
        ("standout", 12),
        ("set hot pink", 1),
    ],
)
async def test_a_preview_shows_the_next_colours_and_changes_nothing(
    visitor: Visitor, service: Served, twitch: LocalTwitch, text: str, count: int
) -> None:
    await subscribed_to_all(twitch)
    asked = len(twitch.requests)
    before = service.changer[twitch.user("me").id].settings
    _, answer = await visitor.get(f"/api/accounts/me/preview?text={text.replace(' ', '+')}")
    rows = json.loads(answer)["rows"]
    assert len(rows) == count
    assert all(Color.parse(row["hex"]) and row["onDark"] > 1 for row in rows)
    assert len(twitch.requests) == asked
    assert service.changer[twitch.user("me").id].settings == before


@pytest.mark.parametrize("text", ["", "off", "palette", "shades nothing", "rainbow up", "next", "join me", "x" * 500])
async def test_a_preview_of_an_unknown_strategy_says_so(visitor: Visitor, text: str) -> None:
    _, answer = await visitor.get(f"/api/accounts/me/preview?text={text}")
    found = json.loads(answer)
    assert found["rows"] == []
    assert found["problem"]


async def test_each_strategy_is_suggested_with_the_colours_of_its_preview(visitor: Visitor) -> None:
    await visitor.look()
    await visitor.say("me", "palette red #00aa55")
    found = {each["name"]: each for each in json.loads((await visitor.get("/api/accounts/me/strategies"))[1])}
    assert "hold" not in found
    assert found["palette"]["words"] == "red, #00AA55"
    assert found["palette"]["colors"] == ["#FF0000", "#00AA55"] * 6
    for name, each in found.items():
        text = f"{name} {each['words']}".strip()
        _, answer = await visitor.get("/api/accounts/me/preview?" + urlencode({"text": text}))
        assert [row["hex"] for row in json.loads(answer)["rows"]] == each["colors"]


async def test_only_the_account_that_a_page_shows_comes_with_its_history(
    serve: Serve, twitch: LocalTwitch, log_in: Callable[..., Awaitable[None]]
) -> None:
    await log_in("anna")
    async with serve() as service, visiting(service) as visitor:
        await until(lambda: [each.state for each in service.standings()] == ["running", "running"])
        for chosen in ("anna", "me"):
            state = json.loads(await visitor.state(chosen))
            assert state["chosen"] == chosen
            assert [each["login"] for each in state["accounts"] if "strip" in each["painter"]] == [chosen]
            assert [each["login"] for each in state["accounts"] if "log" in each] == [chosen]
        assert json.loads(await visitor.state("nobody"))["chosen"] == "anna"


async def test_a_preview_without_turbo_has_names_only(visitor: Visitor, service: Served, twitch: LocalTwitch) -> None:
    twitch.user("me").turbo = False
    await visitor.look()
    await visitor.say("me", "next")
    _, answer = await visitor.get("/api/accounts/me/preview?text=random")
    assert all(Color.parse(row["hex"]).is_named for row in json.loads(answer)["rows"])


async def test_the_first_account_can_be_logged_in(serve: Serve, twitch: LocalTwitch) -> None:
    twitch.add_user("fresh", "#FF0000", turbo=True)
    async with serve(account=False) as service, visiting(service) as owner:
        await owner.look("/setup")
        assert (await owner.post("/api/login", json={}))[0] == 200
        await twitch.wait_for(lambda: twitch.pending_devices)
        await asyncio.sleep(0.1)
        login = json.loads(await owner.state())["login"]
        (device,) = twitch.pending_devices
        assert login["code"] == device.user_code
        assert login["picture"]["path"].startswith("M")
        twitch.approve_device(device.user_code, "fresh")
        await twitch.wait_subscribed("fresh", "fresh", timeout=15)
        state = json.loads(await owner.state())
        assert state["login"]["text"] == "Logged in as fresh."
        assert [account["login"] for account in state["accounts"]] == ["fresh"]


async def test_a_login_that_fails_says_why(serve: Serve) -> None:
    async with serve(account=False, app={"client_id": ""}) as service, visiting(service) as owner:
        await owner.look("/setup")
        await owner.post("/api/login", json={})
        await asyncio.sleep(0.1)
        login = json.loads(await owner.state())["login"]
        assert login["state"] == "failed"
        assert "not registered at Twitch yet: open /setup" in login["text"]
        async with owner.session.delete(f"{owner.url}/api/login", headers={"X-CSRF-Token": owner.csrf}) as answer:
            assert answer.status == 200
        assert json.loads(await owner.state())["login"] is None


async def test_a_login_from_the_page_uses_the_application_that_an_account_brings(
    serve: Serve, twitch: LocalTwitch
) -> None:
    accounts = [{"login": "me", "client_id": twitch.add_app().client_id}]
    async with serve(account=False, app={"client_id": ""}, accounts=accounts) as service, visiting(service) as owner:
        await owner.look("/setup")
        await owner.post("/api/login", json={})
        await twitch.wait_for(lambda: twitch.pending_devices)
        assert "It expires in 30 min." in json.loads(await owner.state())["login"]["text"]


async def test_the_health_panel_says_what_the_page_says(visitor: Visitor, service: Served, twitch: LocalTwitch) -> None:
    await until(lambda: service.standings()[0].state == "running")
    before = json.loads((await visitor.get("/api/checkup"))[1])
    assert before["verdict"] == "nothing is wrong"
    await visitor.look()
    await visitor.say("me", "off")
    await twitch.revoke_login("me")
    await until(lambda: service.standings()[0].state == "needs login")
    async with asyncio.timeout(8):
        while (after := json.loads((await visitor.get("/api/checkup"))[1])) == before:  # noqa: ASYNC110 - a page asks
            await asyncio.sleep(0.1)
    assert after["verdict"] == "1 thing wrong: me"
    (finding,) = [each for each in after["findings"] if each["level"] == "wrong"]
    assert (finding["about"], finding["action"]) == ("me", "log_in")
    (account,) = json.loads(await visitor.state())["accounts"]
    assert (account["state"], account["advice"], account["needsLogin"]) == ("needs login", "log in again", True)


async def test_many_open_pages_cause_one_examination(visitor: Visitor, twitch: LocalTwitch) -> None:
    asked = len(twitch.requests)
    answers = await asyncio.gather(*(visitor.get("/api/checkup") for _ in range(5)))
    found = [json.loads(text) for _, text in answers]
    assert found[0]["findings"]
    assert all(each == found[0] for each in found)
    assert sum("validate" in request.path for request in twitch.requests[asked:]) <= 2


async def test_ready_means_that_every_channel_is_read_or_parked(
    visitor: Visitor, service: Served, twitch: LocalTwitch
) -> None:
    status, text = await visitor.get("/readyz")
    assert (status, json.loads(text)) == (200, {"ready": True, "waiting": [], "parked": []})
    await twitch.revoke_login("me")
    await until(lambda: service.standings()[0].state == "needs login")
    status, text = await visitor.get("/readyz")
    (parked,) = json.loads(text)["parked"]
    assert (status, parked["account"]) == (200, "me")
    assert parked["story"]


async def test_not_ready_says_which_channel(serve: Serve, twitch: LocalTwitch) -> None:
    twitch.faults.add("POST /helix/eventsub/subscriptions", faults.status(500))
    async with serve() as service, visiting(service) as machine:
        await twitch.wait_for(lambda: any("eventsub" in request.path for request in twitch.requests))
        status, text = await machine.get("/readyz")
        (waiting,) = json.loads(text)["waiting"]
        assert (status, waiting["account"], waiting["channel"]) == (503, "me", "me")
        assert (await machine.get("/healthz")) == (200, "ok\n")


async def test_a_channel_that_many_accounts_miss_is_listed_once(
    serve: Serve, twitch: LocalTwitch, log_in: Callable[..., Awaitable[None]]
) -> None:
    await log_in("other")
    accounts = [{"login": login, "channels": ["nosuchchannel"]} for login in ("me", "other")]
    async with serve(accounts=accounts) as service, visiting(service) as machine:
        await until(lambda: [each.channels[0].state for each in service.standings() if each.channels] == ["parked"] * 2)
        status, text = await machine.get("/readyz")
        (parked,) = json.loads(text)["parked"]
        assert (status, parked["channel"], parked["accounts"]) == (200, "nosuchchannel", 2)
        assert "there is no such channel" in parked["story"]


async def test_a_taken_port_is_one_line_and_colours_keep_changing(
    serve: Serve, twitch: LocalTwitch, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with caplog.at_level(logging.ERROR):
            async with serve(web={"port": port}) as service:
                assert service.web is None
                await twitch.wait_subscribed("me", "me")
                await twitch.say("me", in_="me", text="hello")
                await twitch.wait_for(lambda: twitch.color_changes)
    (line,) = [record.getMessage() for record in caplog.records if "dashboard" in record.getMessage()]
    assert f"127.0.0.1:{port}" in line
    assert "set another web.port" in line


async def test_open_pages_do_not_delay_the_stop(serve: Serve, twitch: LocalTwitch) -> None:
    async with serve() as service, visiting(service) as visitor:
        await twitch.wait_subscribed("me", "me")
        streams = [await visitor.session.get(f"{visitor.url}/api/events") for _ in range(5)]
        await asyncio.sleep(0.1)
        began = time.monotonic()
        await service._stop()  # pyright: ignore[reportPrivateUsage]
        assert time.monotonic() - began < 2.0
        for stream in streams:
            stream.close()


async def test_the_number_of_open_pages_is_limited(visitor: Visitor) -> None:
    streams = [await visitor.session.get(f"{visitor.url}/api/events") for _ in range(20)]
    assert (await visitor.get("/api/events"))[0] == 503
    for stream in streams:
        stream.close()


async def test_without_the_dashboard_its_parts_are_not_loaded(
    store: Store, settings_for: Callable[..., Settings]
) -> None:
    code = "import sys, colorchanger_bot.service.service; print(' '.join(sys.modules))"
    output = await asyncio.to_thread(subprocess.check_output, [sys.executable, "-c", code], text=True)
    loaded = set(output.split())
    assert {"jinja2", "prometheus_client", "segno", "colorchanger_bot.web"} & loaded == set()
    assert isinstance(SystemClock().monotonic(), float)
