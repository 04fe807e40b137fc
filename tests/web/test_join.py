"""The page where viewers join: each way a login can end, leaving, floods, and what others cannot do there."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.service.joins import JoinProgress
from colorchanger_bot.web.join_states import when_ended
from tests.fakes import until
from tests.web.conftest import Serve, Served, Visitor, visiting

PASSWORD = "correct horse battery staple"
PATHS = ("/join", "/join/state", "/join/start", "/join/cancel", "/join/leave")
LIFETIME = 1800.0


@pytest.fixture
async def twitch(request: pytest.FixtureRequest) -> AsyncIterator[LocalTwitch]:
    """A local Twitch that may be asked often whether a code was entered; codes live as long as a test says."""
    lifetime = getattr(request, "param", LIFETIME)
    async with LocalTwitch(min_keepalive=1.0, device_interval=0.1, device_lifetime=lifetime) as local:
        yield local


@asynccontextmanager
async def viewing(service: Served) -> AsyncGenerator[Visitor]:
    """Open the page in a browser of its own."""
    async with visiting(service) as viewer:
        await viewer.look("/join")
        yield viewer


async def press(viewer: Visitor, what: str, *, status: int = 200, **headers: str) -> dict[str, Any]:
    """Press a button of the page; return what the page is told."""
    found, text = await viewer.post(f"/join/{what}", **headers)
    assert found == status, text
    if status != 200:
        return {"text": text}
    told = json.loads(text)
    viewer.csrf = told["csrf"]
    return told


async def told(viewer: Visitor) -> dict[str, Any]:
    """Return what the page is told now."""
    return json.loads((await viewer.get("/join/state"))[1])


async def ended(viewer: Visitor) -> dict[str, Any]:
    """Wait until the login is no longer under way."""
    async with asyncio.timeout(8):
        while (now := await told(viewer))["state"] == "waiting":  # noqa: ASYNC110 - a page asks
            await asyncio.sleep(0.05)
    return now


async def join(viewer: Visitor, twitch: LocalTwitch, login: str = "anna") -> dict[str, Any]:
    """Join as somebody who has an account at Twitch by then."""
    if login not in {user.login for user in twitch._state.users}:  # pyright: ignore[reportPrivateUsage]
        twitch.add_user(login, "#00FF00", turbo=True)
    code = (await press(viewer, "start"))["code"]
    twitch.approve_device(code, login)
    return await ended(viewer)


def stored(service: Served) -> str:
    """Return everything in the store, as text."""
    path = service.settings.storage.url.removeprefix("sqlite:///")
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        return "\n".join(database.iterdump())


# Joining


async def test_a_viewer_joins_and_gets_colours(community: Serve, twitch: LocalTwitch) -> None:
    async with community(web={"password": PASSWORD}) as service, viewing(service) as viewer:
        assert (await told(viewer))["state"] == "new"
        twitch.add_user("anna", "#00FF00", turbo=True)
        waiting = await press(viewer, "start")
        assert waiting["state"] == "waiting"
        assert waiting["url"] == f"{twitch.id_url}/activate?device-code={waiting['code']}"
        assert waiting["picture"]["path"].startswith("M")
        twitch.approve_device(waiting["code"], "anna")
        joined = await ended(viewer)
        assert (joined["state"], joined["login"], joined["code"]) == ("joined", "anna", "")
        (member,) = (await service.community.members()).rows
        await until(lambda: service.community.is_member(member.user_id))
        await twitch.say("anna", in_="streamer", text="hello")
        await twitch.wait_for(lambda: any(change.login == "anna" for change in twitch.color_changes))


async def test_only_the_permission_to_change_colours_is_asked_for(community: Serve, twitch: LocalTwitch) -> None:
    async with community() as service, viewing(service) as viewer:
        await press(viewer, "start")
        (device,) = twitch.pending_devices
        assert device.scopes == ("user:manage:chat_color",)


@pytest.mark.parametrize(
    ("settings", "login", "word"),
    [
        ({"block": ["anna"]}, "anna", "cannot join"),
        ({"allow": ["somebody"]}, "anna", "on a list"),
        ({}, "streamer", "already gets new colours"),
    ],
    ids=["blocked", "not allowed", "already here"],
)
async def test_who_may_not_join_is_told_and_nothing_is_stored(
    community: Serve, twitch: LocalTwitch, settings: dict[str, Any], login: str, word: str
) -> None:
    async with community(community=settings) as service, viewing(service) as viewer:
        before = stored(service)
        end = await join(viewer, twitch, login)
        assert (end["state"], end["button"]) == ("ended", "Join as somebody else")
        assert word in end["text"]
        assert stored(service).count("INSERT INTO") == before.count("INSERT INTO")


async def test_whoever_declines_is_told_and_can_try_again(community: Serve, twitch: LocalTwitch) -> None:
    async with community() as service, viewing(service) as viewer:
        twitch.deny_device((await press(viewer, "start"))["code"])
        end = await ended(viewer)
        assert (end["state"], end["button"]) == ("ended", "Try again")
        assert "declined" in end["text"]
        assert (await join(viewer, twitch))["state"] == "joined"


@pytest.mark.parametrize("twitch", [1.0], indirect=True)
async def test_a_code_that_expires_is_told_and_another_can_be_had(community: Serve, twitch: LocalTwitch) -> None:
    async with community() as service, viewing(service) as viewer:
        first = await press(viewer, "start")
        end = await ended(viewer)
        assert (end["state"], end["button"]) == ("ended", "Try again")
        assert "expired" in end["text"]
        assert (await press(viewer, "start"))["code"] != first["code"]


async def test_a_full_community_says_so(community: Serve, twitch: LocalTwitch) -> None:
    async with community(community={"most": 1}) as service, viewing(service) as first, viewing(service) as second:
        await join(first, twitch)
        assert (await press(second, "start", status=409))["text"] == "The community is full.\n"


async def test_without_twitch_there_is_a_sentence(community: Serve, twitch: LocalTwitch) -> None:
    async with community() as service, viewing(service) as viewer:
        twitch.faults.add("POST /oauth2/device", faults.status(503))
        assert "Try again" in (await press(viewer, "start", status=503))["text"]
        assert (await press(viewer, "start"))["state"] == "waiting"


async def test_a_second_press_shows_the_same_code(community: Serve, twitch: LocalTwitch) -> None:
    async with community() as service, viewing(service) as viewer:
        codes = {(await press(viewer, "start"))["code"] for _ in range(5)}
        assert len(codes) == len(twitch.pending_devices) == 1


async def test_codes_that_are_cancelled_wait_no_longer(community: Serve, twitch: LocalTwitch) -> None:
    async with community() as service, viewing(service) as viewer:
        for _ in range(5):
            assert (await press(viewer, "start"))["state"] == "waiting"
            assert (await press(viewer, "cancel"))["state"] == "new"


async def test_somebody_who_asks_for_many_codes_has_to_wait_and_others_need_not(
    community: Serve, twitch: LocalTwitch
) -> None:
    async with community() as service:
        for number in range(4):
            async with viewing(service) as viewer:
                await press(viewer, "start", status=200 if number < 3 else 429)
        async with viewing(service) as other:
            status, _ = await other.post("/join/start", **{"X-Forwarded-For": "9.9.9.9"})
            assert status == 200


# Leaving


async def test_after_leaving_nothing_is_left(community: Serve, twitch: LocalTwitch) -> None:
    async with community() as service, viewing(service) as viewer:
        await join(viewer, twitch)
        anna = twitch.user("anna")
        await until(lambda: service.community.is_member(anna.id))
        await twitch.say("anna", in_="streamer", text="hello")
        await twitch.wait_for(lambda: anna.color != "#00FF00")
        assert anna.id in stored(service)
        (access,) = [login.pair.access for login in service.keeper if login.is_member]
        left = await press(viewer, "leave")
        assert (left["state"], left["button"]) == ("left", "Join again")
        assert anna.color == "#00FF00"
        folder = Path(service.settings.storage.url.removeprefix("sqlite:///")).parent
        left_over = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
        assert [word for word in ("anna", anna.id) if word in stored(service) or word.encode() in left_over] == []
        headers = {"Authorization": f"OAuth {access}"}
        async with viewer.session.get(f"{twitch.id_url}/oauth2/validate", headers=headers) as answer:
            assert answer.status == 401
        assert (await told(viewer))["state"] == "new"
        assert (await join(viewer, twitch))["state"] == "joined"


async def test_another_browser_leaves_with_a_code(community: Serve, twitch: LocalTwitch) -> None:
    async with community(community={"most": 1}) as service, viewing(service) as first, viewing(service) as second:
        await join(first, twitch)
        assert (await told(second))["state"] == "new"
        asked = await press(second, "leave")
        assert asked["state"] == "waiting"
        assert service.community.sums()
        twitch.approve_device(asked["code"], "anna")
        assert (await ended(second))["state"] == "left"
        assert "anna" not in stored(service)
        assert (await told(first))["state"] == "new"
        assert (await join(second, twitch))["state"] == "joined"
        assert (await told(first))["state"] == "new"


def test_a_member_whom_the_bot_has_not_taken_up_yet_is_told_so() -> None:
    visit = when_ended(JoinProgress("joined", "You are in, anna.", "anna", "1"))
    assert (visit.state, visit.text, visit.login) == ("joined", "You are in, anna.", "anna")


async def test_a_code_to_leave_removes_nobody_but_who_enters_it(community: Serve, twitch: LocalTwitch) -> None:
    twitch.add_user("stranger")
    async with community() as service, viewing(service) as member, viewing(service) as other:
        await join(member, twitch)
        twitch.approve_device((await press(other, "leave"))["code"], "stranger")
        end = await ended(other)
        assert (end["state"], "not a member" in end["text"]) == ("ended", True)
        assert (await told(member))["login"] == "anna"
        assert "stranger" not in stored(service)


async def test_a_member_sees_when_the_colours_are_switched_off(community: Serve, twitch: LocalTwitch) -> None:
    async with community() as service, viewing(service) as viewer:
        await join(viewer, twitch)
        anna = twitch.user("anna")
        await until(lambda: service.community.is_member(anna.id))
        assert "gets a new colour" in (await told(viewer))["text"]
        await service.changer[anna.id].adjust(enabled=False)
        assert "Write !color on in streamer's chat" in (await told(viewer))["text"]


async def test_a_member_who_disconnects_at_twitch_is_told_to_join_again(community: Serve, twitch: LocalTwitch) -> None:
    async with community(community={"most": 1}) as service, viewing(service) as viewer:
        await join(viewer, twitch)
        anna = twitch.user("anna")
        await until(lambda: service.community.is_member(anna.id))
        await twitch.revoke_login("anna")
        await twitch.say("anna", in_="streamer", text="hello")
        member = service.community.member
        await until(lambda: (found := member(anna.id)) is not None and found.state == "needs login")
        now = await told(viewer)
        assert (now["state"], now["button"]) == ("lost", "Join again")
        await press(viewer, "start")
        await press(viewer, "cancel")
        assert (await told(viewer))["login"] == "anna"
        assert (await join(viewer, twitch))["state"] == "joined"


# What others cannot do


@pytest.mark.parametrize("web", [{}, {"password": PASSWORD}], ids=["open", "password"])
async def test_without_a_community_there_is_no_page(serve: Serve, web: dict[str, str]) -> None:
    async with serve(web=web) as service, visiting(service) as stranger:
        for path in PATHS:
            assert (await stranger.get(path))[0] in (404, 405)
            assert (await stranger.post(path, json={}))[0] in (404, 405)


async def test_the_page_shows_nothing_of_the_dashboard(community: Serve, twitch: LocalTwitch) -> None:
    async with community(web={"password": PASSWORD}) as service, viewing(service) as viewer:
        await join(viewer, twitch)
        page = await viewer.look("/join")
        assert "/api/" not in page
        assert (await viewer.get("/"))[0] == 303
        for path in ("/api/events", "/api/members", "/api/checkup", "/metrics"):
            assert (await viewer.get(path))[0] == 401
        (member,) = (await service.community.members()).rows
        assert (await viewer.session.delete(f"{viewer.url}/api/members/{member.user_id}")).status == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"X-CSRF-Token": ""},
        {"X-CSRF-Token": "0" * 64},
        {"X-CSRF-Token": "é"},
    ],
    ids=str,
)
@pytest.mark.parametrize("what", ["start", "cancel", "leave"])
async def test_a_change_from_elsewhere_is_refused(
    community: Serve, twitch: LocalTwitch, what: str, headers: dict[str, str]
) -> None:
    async with community() as service, viewing(service) as viewer:
        await join(viewer, twitch)
        await press(viewer, what, status=403, **headers)
        assert (await told(viewer))["login"] == "anna"


async def test_a_browser_cannot_use_the_proof_of_another(community: Serve, twitch: LocalTwitch) -> None:
    async with community() as service, viewing(service) as member, viewing(service) as other:
        await join(member, twitch)
        other.csrf = member.csrf
        await press(other, "leave", status=403)


async def test_viewers_are_not_told_about_tokens(community: Serve, twitch: LocalTwitch) -> None:
    async with community() as service, viewing(service) as viewer:
        told_all = [await viewer.look("/join"), json.dumps(await press(viewer, "start"))]
        twitch.deny_device(json.loads(told_all[1])["code"])
        told_all += [(await ended(viewer))["text"], (await press(viewer, "leave"))["text"]]
        told_all += [(await join(viewer, twitch))["text"], json.dumps(await press(viewer, "leave"))]
        assert [word for text in told_all for word in re.findall(r"(?i)\b(?:token|scope|oauth)s?\b", text)] == []


async def test_a_foreign_host_name_is_refused(community: Serve) -> None:
    async with community() as service, viewing(service) as viewer:
        assert (await viewer.get("/join", Host="evil.example"))[0] == 421


async def test_the_cookie_is_for_this_page_alone(community: Serve) -> None:
    async with community() as service, visiting(service) as viewer:
        async with viewer.session.get(f"{viewer.url}/join") as answer:
            (cookie,) = answer.headers.getall("Set-Cookie")
        assert all(part in cookie for part in ("Path=/join", "HttpOnly", "SameSite=Lax"))
        assert "Secure" not in cookie
        viewer.session.cookie_jar.clear()
        async with viewer.session.get(f"{viewer.url}/join", headers={"X-Forwarded-Proto": "https"}) as answer:
            assert "Secure" in answer.headers["Set-Cookie"]


async def test_a_browser_that_joins_gets_a_name_that_nobody_knew_before(community: Serve, twitch: LocalTwitch) -> None:
    async with community() as service, viewing(service) as viewer, visiting(service) as thief:
        (known,) = viewer.session.cookie_jar
        await join(viewer, twitch)
        answer = await thief.get("/join/state", Cookie=f"{known.key}={known.value}")
        assert json.loads(answer[1])["state"] == "new"


async def test_no_answer_contains_a_secret(community: Serve, twitch: LocalTwitch) -> None:
    async with community() as service, viewing(service) as viewer:
        seen = [await viewer.look("/join"), json.dumps(await press(viewer, "start"))]
        (device,) = twitch.pending_devices
        secrets = {device.device_code}
        twitch.add_user("anna")
        twitch.approve_device(device.user_code, "anna")
        seen.append(json.dumps(await ended(viewer)))
        (login,) = [each for each in service.keeper if each.is_member]
        secrets |= {login.pair.access, login.pair.refresh}
        seen += [await viewer.look("/join"), json.dumps(await press(viewer, "leave"))]
        assert [secret for secret in secrets for text in seen if secret in text] == []


async def test_the_way_in_for_viewers_does_not_open_a_dashboard_without_a_password(community: Serve) -> None:
    async with community(web={"names": ["colors.example.org"]}) as service, visiting(service) as viewer:
        outside: dict[str, str] = {"Host": "colors.example.org"}
        assert (await viewer.get("/join", **outside))[0] == 200
        async with viewer.session.get(f"{viewer.url}/", headers=outside, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/join")
        proxied: list[dict[str, str]] = [
            {name: "for=9.9.9.9"} for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP")
        ]
        for headers in (outside, *proxied):
            for path in ("/api/events", "/api/members", "/api/checkup", "/metrics"):
                assert (await viewer.get(path, **headers))[0] == 403
        await viewer.look("/")
        assert (await viewer.get("/api/members"))[0] == 200


# Floods


async def test_a_flood_gets_429_and_nobody_else_suffers(community: Serve, twitch: LocalTwitch) -> None:
    async with community() as service, viewing(service) as viewer:
        await join(viewer, twitch)
        anna = twitch.user("anna")
        await until(lambda: service.community.is_member(anna.id))

        over = asyncio.Event()

        async def flood() -> list[int]:
            statuses: list[int] = []
            async with visiting(service) as attacker:
                while not over.is_set() or len(statuses) < 100:
                    statuses.append((await attacker.get("/join", **{"X-Forwarded-For": "9.9.9.9"}))[0])
            return statuses

        floods = [asyncio.create_task(flood()) for _ in range(5)]
        painter = service.changer[anna.id]
        for number in range(1, 6):
            await twitch.say("anna", in_="streamer", text=f"message {number}")
            await until(lambda number=number: painter.changes == number)
        assert (await told(viewer))["login"] == "anna"
        over.set()
        statuses = [status for each in await asyncio.gather(*floods) for status in each]
        assert set(statuses) == {200, 429}


async def test_whoever_comes_too_often_is_told_when_to_come_again(community: Serve) -> None:
    async with community() as service, visiting(service) as viewer:
        answers: list[tuple[int, str, str]] = []
        while len(answers) < 1000 and (not answers or answers[-1][0] == 200):
            async with viewer.session.get(f"{viewer.url}/join") as answer:
                answers.append((answer.status, answer.headers.get("Retry-After", ""), await answer.text()))
        assert answers[-1] == (429, "1", "Too many requests: try again in 1 s.\n")


async def test_what_visitors_leave_behind_is_bounded(community: Serve, twitch: LocalTwitch) -> None:
    async with community() as service, visiting(service) as viewer:
        for _ in range(50):
            viewer.session.cookie_jar.clear()
            await viewer.look("/join")
        page = service.web._dashboard._join  # type: ignore[union-attr]  # pyright: ignore
        assert (len(page._begun), len(page._visitors._proven)) == (0, 0)
