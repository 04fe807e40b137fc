"""How an account is doing is worked out once, from data, and travels as data."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

import colorchanger_bot
from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.clock import SystemClock
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.service.doctor import examine
from colorchanger_bot.service.service import Service
from colorchanger_bot.service.standing import Action, ChannelStanding, Report, Standing, standings, work_out
from colorchanger_bot.service.wording import account_lines, as_json, state_text
from colorchanger_bot.settings.load import CommandSettings, Settings
from colorchanger_bot.store.store import Login, Store, TokenPair
from tests.conftest import SCOPES
from tests.fakes import until

LogIn = Callable[..., Awaitable[None]]
SettingsFor = Callable[..., Settings]
COMMANDS = CommandSettings()
LOGIN = Login(1, "42", "me", "client", TokenPair("access", "refresh", scopes=frozenset(SCOPES)))
JOINED, JOINING, PARKED = (
    ChannelStanding("me", "joined"),
    ChannelStanding("me", "joining"),
    ChannelStanding("friend", "parked", "the account is banned there", 300.0),
)


async def standing(settings: Settings, store: Store) -> Standing:
    (found,) = await standings(settings, store, SystemClock().now().timestamp())
    return found


def of(report: Report | None, *, settings: Settings | None = None, login: Login = LOGIN) -> Standing:
    """How an account is doing of which the running bot says this; None: it says nothing of it."""
    reports = {} if report is None else {"me": report}
    return work_out(login, settings or Settings(), Remembered(), reports, 1000.0)


@pytest.mark.parametrize(
    ("report", "state", "reason", "action"),
    [
        (None, "starting", "the running bot takes it over in a moment", Action.WAIT),
        (Report("me"), "starting", "", Action.WAIT),
        (Report("me", channels=(JOINING,)), "starting", "", Action.WAIT),
        (
            Report("me", channels=(JOINING._replace(reason="Twitch is in trouble"),)),
            "waiting",
            "Twitch is in trouble",
            Action.WAIT,
        ),
        (Report("me", login_problem="id.twitch.tv cannot be reached"), "waiting", "id.twitch.tv cannot be reached",
         Action.WAIT),
        (Report("me", chat_problem="no connection"), "waiting", "no connection", Action.WAIT),
        (Report("me", channels=(JOINED, PARKED)), "running", "", Action.NONE),
        (Report("me", channels=(PARKED,)), "in trouble", "none of its channels can be read", Action.FIX_CHANNELS),
        (Report("me", channels=(JOINED,), color_problem="refused"), "in trouble", "refused", Action.WAIT),
        (Report("me", channels=(JOINED,), login_ends="cannot be renewed"), "in trouble", "cannot be renewed",
         Action.LOG_IN),
        (Report("me", channels=(JOINED,), enabled=False), "off", "switched off by !color off", Action.TURN_ON),
    ],
)  # fmt: skip
def test_what_the_running_bot_knows_decides_the_state(
    report: Report | None, state: str, reason: str, action: Action
) -> None:
    found = of(report)
    assert (found.state, found.reason, found.action) == (state, reason, action)


def test_a_login_that_only_a_person_can_renew_comes_before_all_else() -> None:
    lost = replace(LOGIN, lost="Twitch ended the login")
    limited = replace(LOGIN, pair=replace(LOGIN.pair, scopes=frozenset(["user:read:chat"])))
    for login, reason in (
        (lost, "Twitch ended the login"),
        (limited, "the login lacks user:manage:chat_color (to change your colour)"),
    ):
        found = of(Report("me", channels=(JOINED,), enabled=False, chat_problem="no connection"), login=login)
        assert (found.state, found.reason, found.action) == ("needs login", reason, Action.LOG_IN)
        assert found.needs_login
    assert found.missing_scopes == ("user:manage:chat_color",)


def test_a_held_colour_has_its_name_also_before_the_bot_reports() -> None:
    remembered = Remembered(held="#FF69B4", history=["#FF69B4", "#123456"])
    found = work_out(LOGIN, Settings(), remembered, None, 1000.0)
    assert (found.held, found.color) == ("hot_pink", "hot_pink")


def test_colours_that_the_settings_switch_off_are_switched_on_there() -> None:
    settings = Settings.of({"color": {"enabled": False}})
    found = of(Report("me", channels=(JOINED,), enabled=False), settings=settings)
    assert (found.state, found.action) == ("off", Action.CHANGE_SETTINGS)
    assert "color.enabled" in found.reason


def test_a_report_arrives_in_another_process_as_it_was() -> None:
    report = Report(
        "me", channels=(JOINED, PARKED), color="#FF8800", enabled=True, strategy="hold", held="hot_pink", messages=3
    )
    sent = json.loads(json.dumps(report.to_json(1000.0)))
    assert Report.from_json(sent, 1000.0) == report
    later = Report.from_json(sent | {"from a later version": 1}, 1060.0)
    assert later.channels[1].retry_in == 240.0
    assert Report.from_json({"login": "me"}, 0.0) == Report("me")


@pytest.mark.parametrize(
    ("report", "text"),
    [
        (Report("me", channels=(JOINED,)), "running"),
        (Report("me", channels=(JOINED,), strategy="hold", held="hot_pink"), "running, held at hot_pink"),
        (Report("me", channels=(JOINED,), enabled=False), "switched off by !color off; type in chat: !color on"),
        (Report("me", chat_problem="no connection"), "waiting: no connection"),
    ],
)
def test_the_state_in_words(report: Report, text: str) -> None:
    assert state_text(of(report), COMMANDS) == text


async def test_without_a_bot_an_account_is_logged_in_and_says_what_to_do(
    store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    found = await standing(settings_for(), store)
    assert (found.state, found.action, found.enabled) == ("not running", Action.RUN, True)
    assert found.channels == (ChannelStanding("me"),)
    assert state_text(found, COMMANDS) == "logged in, but the bot does not run; run: colorchanger run"


async def test_a_running_bot_tells_how_each_channel_is_doing(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    settings = settings_for(accounts=[{"login": "me", "channels": ["me", "nosuchchannel"]}])
    async with Service.running(settings, store) as service:
        await twitch.wait_subscribed("me", "me")
        await until(lambda: [each.state for each in service.standings()[0].channels] == ["joined", "parked"])
        now = SystemClock().now().timestamp()
        await store.beat(now, {"accounts": [each.to_json(now) for each in service.reports().values()]})
        found = await standing(settings, store)
    assert (found.state, found.bot_runs) == ("running", True)
    read, missing = found.channels
    assert (read.login, read.state) == ("me", "joined")
    assert (missing.login, missing.state, missing.reason) == ("nosuchchannel", "parked", "there is no such channel")
    assert missing.retry_in is not None


async def test_why_an_account_waits_reaches_the_person(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, client_id: str
) -> None:
    twitch.add_user("me", turbo=True)
    pair = twitch.issue_tokens("me", client_id, SCOPES)
    twitch.faults.add("*", faults.status(500), times=None)
    accounts = [{"login": "me", "access_token": pair.access, "refresh_token": pair.refresh}]
    async with Service.running(settings_for(accounts=accounts), store) as service:
        await until(lambda: service.standings()[0].state == "waiting")
        assert "Twitch" in service.standings()[0].reason


async def test_what_was_set_in_chat_is_known_without_a_running_bot(
    store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    (login,) = await store.logins()
    overrides = {"strategy": "hold", "base": "hot_pink", "delay": [2, 3]}
    await store.remember(str(login.user_id), Remembered(overrides=overrides, channels=["friend"]))
    found = await standing(settings_for(), store)
    assert (found.strategy, found.held, found.delay) == ("hold", "hot_pink", (2.0, 3.0))
    assert [channel.login for channel in found.channels] == ["friend"]
    await store.remember(str(login.user_id), Remembered(overrides={"enabled": False}))
    found = await standing(settings_for(), store)
    assert (found.state, found.action) == ("off", Action.TURN_ON)
    assert state_text(found, COMMANDS).endswith("; not running")


async def test_turbo_is_known_from_the_colours_that_twitch_accepted(
    store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    (login,) = await store.logins()
    told: list[bool | None] = []
    for remembered in (
        Remembered(),
        Remembered(history=["#FF0000"]),
        Remembered(history=["#123456"]),
        Remembered(history=["#123456"], no_hex_until=SystemClock().now().timestamp() + 60),
    ):
        await store.remember(str(login.user_id), remembered)
        told.append((await standing(settings_for(), store)).names_only)
    assert told == [None, None, False, True]


def test_programs_get_the_texts_and_the_data() -> None:
    found = as_json(of(Report("me", channels=(JOINED, PARKED))), COMMANDS)
    assert found["state"] == found["status"] == "running"
    assert found["channels"] == {
        "me": "joined",
        "friend": "parked: the account is banned there; next try in 5 min",
    }
    assert found["channel_status"][1]["retry_in"] == 300.0
    assert (found["action"], found["needs_login"], found["colors"]) == ("none", False, "not known yet")


async def test_an_account_as_text_and_json_contains_no_secret(
    store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    (login,) = await store.logins()
    issued = replace(login.pair, issued_at=SystemClock().now().timestamp() - 720, scopes=frozenset(SCOPES))
    await store.replace_pair(login, issued)
    found = await standing(settings_for(), store)
    text = "\n".join(account_lines(found, COMMANDS)) + json.dumps(as_json(found, COMMANDS))
    assert "12 min old" in text
    assert login.pair.access not in text
    assert login.pair.refresh not in text


def test_nothing_looks_into_a_text_to_decide() -> None:
    rooms = [Path(colorchanger_bot.__file__).parent / room for room in ("service", "web", "cli")]
    decides = re.compile(r'startswith\("(parked|switched off|joined)|CURE in|partition\("; "\)|"needs login" in')
    for path in (path for room in rooms for path in room.glob("*.py")):
        assert decides.findall(path.read_text("utf-8")) == [], path


async def test_a_login_that_cannot_be_renewed_is_said_the_same_way_everywhere(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, client_id: str
) -> None:
    twitch.add_user("me")
    pair = twitch.issue_tokens("me", client_id, SCOPES)
    await store.import_login("me", client_id, TokenPair(pair.access, ""))
    settings = settings_for()
    async with Service.running(settings, store) as service:
        await twitch.wait_subscribed("me", "me")
        await until(lambda: service.standings()[0].state == "in trouble")
        (found,) = service.standings()
        lines = [each.line() for each in await examine(settings, clock=SystemClock(), reports=service.reports())]
    why = "it came without a refresh token and cannot be renewed; run: colorchanger login"
    assert state_text(found, COMMANDS) == f"in trouble: {why}"
    assert "renewed automatically" not in "\n".join(account_lines(found, COMMANDS))
    assert [line for line in lines if line.startswith("wrong")] == [f"wrong    me: {why}"]
    assert not [line for line in lines if "goes on by itself" in line or "is renewed" in line]
