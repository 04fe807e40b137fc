"""The set-up through HTTP: each step after the one before, every wrong input answered, open to this machine only."""

from __future__ import annotations

import asyncio
import json
import random
import re
import sqlite3
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.demo.browser import DemoChat
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.web.application import NotAnId, client_id_in
from tests.web.conftest import Serve, Served, Visitor, visiting

UNSPEAKABLE = re.compile(r"\b(o-?auth|tokens?|scopes?)\b", re.IGNORECASE)
"""Words that a person who chats need not know."""
ID = "abcdefghij0123456789klmnopqrst"
PASSWORD = "correct horse battery staple"


class Person:
    """Somebody at the page of the set-up."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.seen: list[str] = []
        """All that the page has shown."""

    async def state(self) -> dict[str, Any]:
        text = await self.visitor.state()
        state = json.loads(text)
        self.seen.append(json.dumps([state["setup"], state["login"]]))
        return state

    async def until(self, condition: Callable[[dict[str, Any], dict[str, Any]], object]) -> dict[str, Any]:
        """Look until a condition of the set-up and the login holds; return the set-up."""
        async with asyncio.timeout(20):
            while True:
                state = await self.state()
                if condition(state["setup"], state["login"] or {}):
                    return state["setup"]
                await asyncio.sleep(0.02)

    async def send(self, what: str, **body: Any) -> tuple[int, str]:
        return await self.visitor.post(f"/api/setup/{what}", json=body)

    async def check(self, pasted: str) -> dict[str, Any]:
        """Enter a Client ID, and return the answer to it; empty if it was accepted."""
        assert (await self.send("application", text=pasted))[0] == 200
        return (await self.until(lambda setup, _: setup["application"]["state"] != "asking"))["application"]

    async def log_in(self, twitch: LocalTwitch, name: str) -> None:
        """Enter the code that is shown."""
        codes: list[str] = []
        await self.until(lambda _, login: login.get("state") == "waiting" and codes.append(login["code"]) is None)
        twitch.approve_device(codes[-1], name)


@pytest.fixture
async def twitch() -> AsyncIterator[LocalTwitch]:
    async with LocalTwitch(min_keepalive=1.0, device_interval=0.05) as local:
        yield local


Fresh = Callable[..., AbstractAsyncContextManager[tuple[Served, Person]]]


@pytest.fixture
def fresh(serve: Serve, twitch: LocalTwitch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Fresh:
    """A person at a service on a new machine: nobody is logged in, and there is no Client ID unless `app` has one."""
    twitch.add_user("me", "#FF0000", turbo=True)
    monkeypatch.setenv("PATH", str(tmp_path))  # no systemctl, whatever this machine has

    @asynccontextmanager
    async def opened(**sections: Any) -> AsyncGenerator[tuple[Served, Person]]:
        async with serve(account=False, **{"app": {}, **sections}) as service, visiting(service) as visitor:
            person = Person(visitor)
            person.seen.append(await visitor.look("/setup"))
            yield service, person

    return opened


# The whole path


async def test_from_nothing_to_the_first_colour(fresh: Fresh, twitch: LocalTwitch, client_id: str) -> None:
    async with fresh() as (service, person):
        assert (await person.state())["setup"]["step"] == "application"
        assert (await person.check(f'Client ID: "{client_id}"'))["state"] == ""
        assert (await person.state())["setup"]["step"] == "login"
        await person.log_in(twitch, "me")
        await person.until(lambda setup, _: setup["step"] == "message" and setup["account"]["isRead"])
        await twitch.say("me", in_="me", text="hello")
        setup = await person.until(lambda setup, _: setup["account"]["changed"])
        assert setup["account"]["message"] == {"text": "hello", "channel": "me"}
        assert setup["account"]["color"] == twitch.user("me").color
        await person.send("next", text="message")
        assert (await person.state())["setup"]["step"] == "channels"
        await person.send("next", text="channels")
        assert (await person.state())["setup"]["step"] == "done"
        assert (await service.store.preferences())["app.client_id"] == client_id
    assert [said for said in person.seen if UNSPEAKABLE.search(said)] == []


async def test_the_client_id_is_kept_for_the_next_start(fresh: Fresh, twitch: LocalTwitch, client_id: str) -> None:
    async with fresh() as (_, person):
        await person.check(client_id)
    async with fresh() as (_, person):
        setup = (await person.state())["setup"]
        assert (setup["step"], setup["canChangeId"]) == ("login", True)
        assert (await person.visitor.post("/api/login", json={}))[0] == 200
        await person.log_in(twitch, "me")
        await person.until(lambda setup, _: setup["step"] == "message")


async def test_where_the_settings_have_a_client_id_nobody_is_asked_for_one(fresh: Fresh, client_id: str) -> None:
    async with fresh(app={"client_id": client_id}) as (_, person):
        setup = (await person.state())["setup"]
        assert (setup["step"], setup["steps"]) == ("login", ["login", "message", "channels"])
        assert not setup["canChangeId"]


async def test_an_id_of_the_page_can_be_taken_back(fresh: Fresh, client_id: str) -> None:
    async with fresh() as (service, person):
        await person.check(client_id)
        status, _ = await person.visitor.delete("/api/setup/application")
        assert (status, (await person.state())["setup"]["step"]) == (200, "application")
        assert service.settings.app.client_id == ""


# The Client ID


@pytest.mark.parametrize(
    "pasted",
    [
        ID,
        f"  {ID}\n",
        f'"{ID}"',
        f"“{ID}”",
        f"'{ID}',",
        f"Client ID: {ID}",
        f"Client ID\n{ID}",
        f"client-id = {ID}",
        f'client_id = "{ID}"',
        f"COLORCHANGER_APP__CLIENT_ID={ID}",
        f"TWITCH_CLIENT_ID_1={ID}",
        f"Client\u00a0ID:\u00a0{ID}",
        f"\u200b{ID}\ufeff",
        f"{ID[:12]} {ID[12:]}",
        f"{ID[:12]}\n{ID[12:]}",
        f"https://dev.twitch.tv/console/apps/{ID}",
        f"<{ID}>",
    ],
)
def test_what_people_paste_around_a_client_id_is_taken_off(pasted: str) -> None:
    assert client_id_in(pasted) == ID


@given(
    before=st.text(" \t\n\"'“”«»`,;:=<>()[]\u200b\u00a0", max_size=6),
    after=st.text(" \t\n\"'“”«»`,;:=<>()[]\u200b\u00a0", max_size=6),
    id_=st.from_regex(r"[a-z0-9]{30}", fullmatch=True),
)
def test_any_quotes_and_spaces_around_a_client_id_are_taken_off(before: str, after: str, id_: str) -> None:
    assert client_id_in(f"{before}{id_}{after}") == id_


@given(st.text())
def test_any_text_is_an_id_or_refused_with_a_sentence(pasted: str) -> None:
    try:
        answer = client_id_in(pasted)
    except NotAnId as error:
        answer = str(error)
        assert answer.endswith(".")
    else:
        assert re.fullmatch(r"[A-Za-z0-9]+", answer)


NOT_IDS = (
    f"client_secret: {ID}",
    f"Client ID {ID} Client Secret {ID[::-1]}",
    "https://dev.twitch.tv/console/apps",
    f"https://example.com/{ID}",
    "<img src=x onerror=alert(1)>",
    3 * ID,
)


@pytest.mark.parametrize(
    "pasted", ["", "  ", '""', "Client ID:", "your_client_id", "<your client id>", "pässwörd", *NOT_IDS]
)
def test_what_is_no_client_id_is_refused(pasted: str) -> None:
    with pytest.raises(NotAnId):
        client_id_in(pasted)


async def test_a_secret_that_is_pasted_by_mistake_goes_nowhere(fresh: Fresh) -> None:
    async with fresh() as (_, person):
        answer = await person.check(f"client_secret: {ID}")
        assert answer["text"].startswith("This is not a Client ID")
        assert ID not in json.dumps(await person.state())
        assert ID not in await person.visitor.look("/setup")


async def test_each_wrong_client_id_gets_its_own_sentence_and_nothing_is_kept(
    fresh: Fresh, twitch: LocalTwitch
) -> None:
    confidential = twitch.add_app(client_secret="s3cret").client_id
    async with fresh() as (service, person):
        for pasted, words in (
            ("pässwörd", "This is not a Client ID"),
            (ID, "Twitch knows no application with this Client ID."),
            (confidential, "This application is Confidential."),
        ):
            answer = await person.check(pasted)
            assert answer["state"] == "refused"
            assert answer["text"].startswith(words)
        assert (await person.state())["setup"]["step"] == "application"
        assert await service.store.preferences() == {}
    assert [said for said in person.seen if UNSPEAKABLE.search(said)] == []


@pytest.mark.parametrize("fault", [faults.status(503), faults.drop(), faults.html(403)], ids=["503", "drop", "html"])
async def test_without_a_connection_the_check_says_so_and_goes_on_by_itself(
    fault: Any, fresh: Fresh, twitch: LocalTwitch, client_id: str
) -> None:
    twitch.faults.add("POST /oauth2/*", fault, times=None)
    async with fresh() as (_, person):
        answer = await person.check(client_id)
        assert answer["state"] == "waiting"
        assert answer["text"].startswith("No connection to Twitch: ")
        twitch.faults.clear()
        await person.until(lambda setup, _: setup["step"] == "login")
    assert [said for said in person.seen if UNSPEAKABLE.search(said)] == []


async def test_a_start_without_a_network_is_said_until_there_is_one(fresh: Fresh, twitch: LocalTwitch) -> None:
    twitch.faults.add("* /oauth2/*", faults.drop(), times=None)
    async with fresh() as (_, person):
        setup = await person.until(lambda setup, _: setup["network"])
        assert setup["network"].startswith("No connection to Twitch: ")
        twitch.faults.clear()
        await person.until(lambda setup, _: not setup["network"])


async def test_a_login_without_a_network_waits_for_one(fresh: Fresh, twitch: LocalTwitch, client_id: str) -> None:
    twitch.faults.add("POST /oauth2/device", faults.drop(), times=2)
    async with fresh(app={"client_id": client_id}) as (_, person):
        await person.visitor.post("/api/login", json={})
        await person.until(lambda _, login: login.get("text", "").startswith("No connection to Twitch: "))
        await person.log_in(twitch, "me")
        await person.until(lambda setup, _: setup["step"] == "message")


async def test_a_store_that_cannot_be_written_is_a_sentence_and_the_check_can_be_repeated(
    fresh: Fresh, tmp_path: Path, client_id: str
) -> None:
    async with fresh() as (_, person):
        with sqlite3.connect(tmp_path / "store.sqlite3") as other:
            other.execute(
                "create trigger refuse before insert on preferences begin select raise(fail, 'disk full'); end"
            )
        answer = await person.check(client_id)
        assert (answer["state"], answer["clientId"]) == ("refused", client_id)
        assert "disk full" in answer["text"]
        with sqlite3.connect(tmp_path / "store.sqlite3") as other:
            other.execute("drop trigger refuse")
        assert (await person.check(client_id))["state"] == ""
        other.close()


# The login


async def test_a_declined_code_is_said_and_another_one_can_be_had(
    fresh: Fresh, twitch: LocalTwitch, client_id: str
) -> None:
    async with fresh() as (_, person):
        await person.check(client_id)
        codes: list[str] = []
        await person.until(lambda _, login: login.get("state") == "waiting" and codes.append(login["code"]) is None)
        twitch.deny_device(codes[-1])
        await person.until(lambda _, login: login.get("state") == "failed" and "declined" in login["text"])
        await person.visitor.post("/api/login", json={})
        await person.log_in(twitch, "me")
        await person.until(lambda setup, _: setup["step"] == "message")
    assert [said for said in person.seen if UNSPEAKABLE.search(said)] == []


# The channels


@pytest.mark.parametrize(
    ("names", "words"),
    [("nosuchperson", "there is nobody called nosuchperson on Twitch"), ("nö way", "write a Twitch name")],
)
async def test_a_channel_that_does_not_exist_is_refused(
    names: str, words: str, fresh: Fresh, twitch: LocalTwitch, client_id: str
) -> None:
    async with fresh(app={"client_id": client_id}) as (_, person):
        await person.visitor.post("/api/login", json={})
        await person.log_in(twitch, "me")
        await person.until(lambda setup, _: setup["account"] and setup["account"]["isRead"])
        status, text = await person.send("channels", names=names, live=False)
        assert 400 <= status < 500
        assert words in text
        assert (await person.state())["setup"]["account"]["channels"] == []


async def test_channels_are_read_at_once_and_followed_ones_ask_for_their_permission(
    fresh: Fresh, twitch: LocalTwitch, client_id: str
) -> None:
    twitch.add_user("friend")
    async with fresh(app={"client_id": client_id}) as (_, person):
        await person.visitor.post("/api/login", json={})
        await person.log_in(twitch, "me")
        await person.until(lambda setup, _: setup["account"] and setup["account"]["isRead"])
        await person.send("next", text="message")
        assert await person.send("channels", names="#Friend, @friend", live=True) == (200, "{}")
        await twitch.wait_subscribed("me", "friend")
        setup = (await person.state())["setup"]
        assert (setup["step"], setup["account"]["channels"]) == ("channels", ["friend"])
        assert (setup["account"]["live"], setup["account"]["mayFollow"]) == (True, False)
        await person.log_in(twitch, "me")
        await person.until(lambda setup, _: setup["step"] == "done")


@pytest.mark.parametrize("body", [{}, {"names": 5, "live": True}, {"names": "a", "live": "yes"}])
async def test_a_request_of_another_form_is_refused(body: dict[str, Any], fresh: Fresh) -> None:
    async with fresh() as (_, person):
        assert (await person.send("channels", **body))[0] == 400


# Who may open it, and when the dashboard leads there


async def test_without_an_account_the_dashboard_leads_to_the_set_up(fresh: Fresh) -> None:
    async with fresh() as (_, person):
        assert (await person.visitor.get("/"))[0] == 303
        assert (await person.visitor.get("/?later"))[0] == 200


async def test_with_an_account_the_dashboard_opens(service: Served, visitor: Visitor) -> None:
    assert (await visitor.get("/"))[0] == 200


async def test_the_demo_opens_its_dashboard(serve: Serve, twitch: LocalTwitch) -> None:
    chat = DemoChat(twitch, random.Random(1))
    async with serve(account=False, chat=chat) as service, visiting(service) as visitor:
        assert (await visitor.get("/"))[0] == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via"])
async def test_it_opens_only_on_this_machine_until_there_is_a_password(header: str, fresh: Fresh) -> None:
    async with fresh() as (_, person):
        status, text = await person.visitor.get("/setup", **{header: "for=203.0.113.7"})
        assert (status, text) == (
            403,
            "The set-up opens only on this computer until a password is set under Settings.\n",
        )
        headers = {header: "for=203.0.113.7"}
        status, _ = await person.visitor.post("/api/setup/application", json={"text": ID}, **headers)
        assert status == 403
        assert (await person.visitor.get("/", **headers))[0] == 200


async def test_under_another_name_of_this_machine_it_does_not_open_either(fresh: Fresh) -> None:
    async with fresh(web={"names": ["colours.example"]}) as (_, person):
        assert (await person.visitor.get("/setup", Host="colours.example"))[0] == 403


async def test_with_a_password_it_asks_for_it(fresh: Fresh, serve: Serve) -> None:
    async with serve(account=False, app={}, web={"password": PASSWORD}) as service, visiting(service) as visitor:
        assert (await visitor.get("/setup"))[0] == 401
        await visitor.look("/login")
        assert (await visitor.post("/login", data={"csrf": visitor.csrf, "password": PASSWORD}))[0] == 303
        assert (await visitor.get("/setup"))[0] == 200
        assert (await visitor.get("/"))[0] == 303


# Start with the computer


@pytest.mark.skipif(sys.platform != "linux", reason="the script takes the place of Linux's systemctl")
async def test_it_starts_with_the_computer_where_the_system_can(
    fresh: Fresh, twitch: LocalTwitch, client_id: str, tmp_path: Path, systemctl: Path
) -> None:
    unit = tmp_path / ".config/systemd/user/colorchanger.service"
    async with fresh(app={"client_id": client_id}) as (_, person):
        await person.visitor.post("/api/login", json={})
        await person.log_in(twitch, "me")
        setup = await person.until(lambda setup, _: setup["step"] == "message")
        assert setup["steps"] == ["login", "message", "channels", "computer"]
        for step in ("message", "channels"):
            await person.send("next", text=step)
        assert await person.send("computer", text="on") == (200, "{}")
        setup = (await person.state())["setup"]
        assert (setup["step"], setup["computer"]) == ("computer", {"isOn": True, "problem": ""})
        assert unit.exists()
        assert await person.send("computer", text="off") == (200, "{}")
        assert not (await person.state())["setup"]["computer"]["isOn"]
        assert not unit.exists()
        await asyncio.to_thread(systemctl.write_text, "#!/bin/sh\necho no bus >&2\nexit 1\n", "utf-8")
        status, text = await person.send("computer", text="on")
        assert (status, unit.exists()) == (409, False)
        assert text.strip()
        await person.send("next", text="computer")
        assert (await person.state())["setup"]["step"] == "done"
