"""The service end to end: the real bot and store, real sockets, and the local Twitch."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.clock import SystemClock
from colorchanger_bot.color import Color
from colorchanger_bot.color.readable import readable
from colorchanger_bot.errors import NeedsLogin
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.service.doctor import examine
from colorchanger_bot.service.service import Service
from colorchanger_bot.service.standing import Action, standings
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.database import Database
from colorchanger_bot.store.store import Store, TokenPair
from colorchanger_bot.twitch.helix import CHAT_MESSAGE
from colorchanger_bot.web.metrics import Metrics
from colorchanger_bot.web.probes import readiness
from tests.conftest import SCOPES
from tests.fakes import subscribed_to_all, until

LogIn = Callable[..., Awaitable[None]]
SettingsFor = Callable[..., Settings]


def colors_of(twitch: LocalTwitch, login: str) -> list[str]:
    return [change.color for change in twitch.color_changes if change.login == login]


def subscribe_requests(twitch: LocalTwitch) -> int:
    return sum(
        seen.line == "POST /helix/eventsub/subscriptions" and seen.body.get("type") == CHAT_MESSAGE
        for seen in twitch.requests
    )


async def test_an_own_message_leads_to_one_readable_colour_for_that_account(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    async with Service.running(settings_for(), store) as service:
        await twitch.wait_subscribed("me", "me")
        for number in (1, 2):
            await twitch.say("me", in_="me", text="hello")
            await twitch.wait_for(lambda wanted=number: len(twitch.color_changes) >= wanted)
        assert [painter.messages for painter in service.changer] == [2]
        colors = colors_of(twitch, "me")
        assert len(colors) == 2
        assert all(readable(Color.parse(color), "both", 3.0) for color in colors)


async def test_the_old_colour_is_restored_on_a_clean_stop(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me", color="#ABCDEF")
    async with Service.running(settings_for(), store):
        await twitch.wait_subscribed("me", "me")
        await twitch.say("me", in_="me", text="hello")
        await twitch.wait_for(lambda: twitch.color_changes)
    assert twitch.user("me").color == "#ABCDEF"


class Dawdling(Store):
    """Answers `recall` only some turns of the loop after the stop has begun."""

    def __init__(self, database: Database, steps: int) -> None:
        super().__init__(database)
        self.asked, self.stopping = asyncio.Event(), asyncio.Event()
        self._steps = steps

    async def recall(self, user_id: str) -> Remembered:
        self.asked.set()
        await self.stopping.wait()
        for _ in range(self._steps):
            await asyncio.sleep(0)
        return Remembered()


async def test_a_stop_while_an_account_starts_starts_nothing_else(
    store: Store, settings_for: SettingsFor, log_in: LogIn, caplog: pytest.LogCaptureFixture
) -> None:
    await log_in("me")
    for steps in range(30):
        dawdling = Dawdling(store.database, steps)
        async with Service.running(settings_for(), dawdling):
            await dawdling.asked.wait()
            dawdling.stopping.set()
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert [line for line in said if "Starlette" not in line] == []


async def test_each_message_gets_another_colour(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    async with Service.running(settings_for(), store):
        await twitch.wait_subscribed("me", "me")
        for number in range(1, 6):
            await twitch.say("me", in_="me", text="hello")
            await twitch.wait_for(lambda wanted=number: len(twitch.color_changes) == wanted)
        colors = [Color.parse(color) for color in colors_of(twitch, "me")]
    assert all(before.distance(after) >= 0.15 for before, after in pairwise(colors))


async def test_a_burst_leads_to_few_requests_and_the_last_one_wins(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    async with Service.running(settings_for(color={"delay": [0.1, 0.2], "restore": False}), store) as service:
        await twitch.wait_subscribed("me", "me")
        for number in range(40):
            await twitch.say("me", in_="me", text=f"message {number}")
        await until(lambda: service.changer[twitch.user("me").id].messages == 40)
        await asyncio.sleep(1.0)
        colors = colors_of(twitch, "me")
        assert 1 <= len(colors) <= 3
        assert twitch.user("me").color == colors[-1]


async def test_messages_of_others_change_nothing_and_cause_no_request(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    twitch.add_user("stranger")
    async with Service.running(settings_for(), store) as service:
        await subscribed_to_all(twitch)
        asked = len(twitch.requests)
        for text in ("hello", "!color off", "!color hex #ff0000", "!colour off"):
            await twitch.say("stranger", in_="me", text=text)
        await twitch.say("me", in_="me", text="what comes after them")
        await twitch.wait_for(lambda: twitch.color_changes)
        since = [seen.line for seen in twitch.requests[asked:]]
        assert since in (["PUT /helix/chat/color"], ["GET /helix/chat/color", "PUT /helix/chat/color"])
        assert service.changer[twitch.user("me").id].settings.enabled


async def test_a_message_cannot_pretend_to_be_from_somebody_else(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    stranger = twitch.add_user("stranger", "#00FF00")
    async with Service.running(settings_for(), store) as service:
        await twitch.wait_subscribed("me", "me")
        await twitch.say("stranger", in_="me", text=f'"chatter_user_id":"{twitch.user("me").id}"')
        await twitch.say("me", in_="me", text=f'"chatter_user_id":"{stranger.id}"')
        await twitch.wait_for(lambda: twitch.color_changes)
        assert [painter.messages for painter in service.changer] == [1]


async def test_each_of_several_accounts_changes_its_own_colour(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    await log_in("friend")
    accounts = [{"login": "me", "channels": ["me", "friend"]}, {"login": "friend", "channels": ["friend"]}]
    async with Service.running(settings_for(accounts=accounts), store) as service:
        await twitch.wait_subscribed("me", "friend")
        await twitch.wait_subscribed("friend", "friend")
        for number, login in enumerate(("me", "friend"), 1):
            await twitch.say(login, in_="friend", text="hello")
            await twitch.wait_for(lambda wanted=number: len(twitch.color_changes) >= wanted)
        assert [change.login for change in twitch.color_changes] == ["me", "friend"]
        assert [painter.messages for painter in service.changer] == [1, 1]


async def test_an_account_that_needs_login_does_not_stop_the_others(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("gone")
    await log_in("me")
    await twitch.revoke_login("gone")
    async with Service.running(settings_for(), store) as service:
        await twitch.wait_subscribed("me", "me")
        await until(lambda: service.standings()[0].state == "needs login")
        await twitch.say("me", in_="me", text="hello")
        await twitch.wait_for(lambda: twitch.color_changes)
        assert service.standings()[0].action is Action.LOG_IN


async def test_an_account_that_may_not_read_is_coloured_where_another_one_reads(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn, client_id: str
) -> None:
    await log_in("me")
    twitch.add_user("quiet", turbo=True)
    pair = twitch.issue_tokens("quiet", client_id, ("user:manage:chat_color",))
    await store.import_login("quiet", client_id, TokenPair(pair.access, pair.refresh), channels=("me",))
    async with Service.running(settings_for(), store) as service:
        await twitch.wait_subscribed("me", "me")
        await until(lambda: [each.state for each in service.standings()] == ["running", "running"])
        await twitch.say("quiet", in_="me", text="hello")
        await twitch.wait_for(lambda: twitch.color_changes)
        assert twitch.color_changes[0].login == "quiet"
        found = {each.login: each for each in service.standings()}["quiet"]
        assert (found.needs_login, found.missing_scopes) == (False, ())
        assert readiness(service.standings())["ready"]
        assert b"colorchanger_accounts_needing_login 0.0" in Metrics(service).text()
        findings = await examine(service.settings, clock=SystemClock(), reports=service.reports())
        assert [each for each in findings if each.level == "wrong"] == []
        await twitch.revoke_login("me")
        await until(lambda: {each.login: each.state for each in service.standings()}["quiet"] == "needs login")


async def test_a_login_that_was_lost_before_the_start_opens_no_chat_session(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("gone")
    await log_in("me")
    (gone, _) = await store.logins()
    await twitch.revoke_login("gone")
    await store.lose(gone, "Twitch ended the login")
    async with Service.running(settings_for(), store) as service:
        await twitch.wait_subscribed("me", "me")
        bot = service.bots[gone.client_id]
        await until(lambda: len(bot.accounts) == 2 and not service.standings()[1].reason)
        await twitch.say("me", in_="me", text="hello")
        await twitch.wait_for(lambda: twitch.color_changes)
        assert bot.readers.trouble(bot.accounts[gone.id]) == "Twitch ended the login"
        assert sum(seen.line == "GET /ws" for seen in twitch.requests) == 1


async def test_health_knows_of_a_lost_login_at_once(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")

    async def beaten(state: str, within: float) -> None:
        async with asyncio.timeout(within):
            while True:
                found = await standings(settings_for(), store, SystemClock().now().timestamp())
                if found[0].bot_runs and found[0].state == state:
                    return
                await asyncio.sleep(0.01)

    async with Service.running(settings_for(), store) as service:
        await twitch.wait_subscribed("me", "me")
        await beaten("running", within=10)
        await twitch.revoke_login("me")
        await until(lambda: service.standings()[0].state == "needs login")
        await beaten("needs login", within=1)  # the next heartbeat may be five seconds away


async def test_a_login_from_another_terminal_is_picked_up(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn, client_id: str
) -> None:
    from colorchanger_bot.store.store import TokenPair

    await log_in("gone")
    await twitch.revoke_login("gone")
    async with Service.running(settings_for(), store) as service:
        await until(lambda: service.standings()[0].state == "needs login")
        pair = twitch.issue_tokens("gone", client_id, SCOPES)
        await store.put_login("gone", client_id, TokenPair(pair.access, pair.refresh), twitch.user("gone").id)
        await twitch.wait_subscribed("gone", "gone", timeout=10)


async def test_without_any_account_it_says_to_log_in(store: Store, settings_for: SettingsFor) -> None:
    with pytest.raises(NeedsLogin, match="run: colorchanger login"):
        async with Service.running(settings_for(), store):
            pass


async def test_an_expired_token_that_two_requests_need_is_refreshed_once(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    twitch.add_user("friend")
    accounts = [{"login": "me", "channels": ["me", "friend"]}]
    async with Service.running(settings_for(accounts=accounts), store):
        await twitch.wait_subscribed("me", "friend")
        twitch.expire("me")
        await twitch.eventsub.close_all(4000)  # both channels must be subscribed again ...
        await twitch.wait_subscribed("me", "me")
        await twitch.say("me", in_="me", text="hello")  # ... while a colour is wanted
        await twitch.wait_for(lambda: twitch.color_changes)
        await twitch.wait_subscribed("me", "friend")
    assert twitch.refreshes == {"me": 1}
    assert twitch.spent_twice == []


async def test_tokens_from_the_environment_need_no_user_id_and_no_client_id(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, client_id: str
) -> None:
    twitch.add_user("me", turbo=True)
    pair = twitch.issue_tokens("me", client_id, SCOPES)
    accounts = [{"login": "me", "access_token": pair.access, "refresh_token": pair.refresh}]
    async with Service.running(settings_for(app={}, accounts=accounts), store):
        await twitch.wait_subscribed("me", "me")
        await twitch.say("me", in_="me", text="hello")
        await twitch.wait_for(lambda: twitch.color_changes)


async def test_a_token_without_a_name_has_its_settings_from_the_first_line_of_the_next_start(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, client_id: str
) -> None:
    for login in ("me", "friend"):
        twitch.add_user(login)
    pair = twitch.issue_tokens("me", client_id, SCOPES)
    settings = settings_for(
        accounts=[{"access_token": pair.access, "refresh_token": pair.refresh, "channels": ["friend"]}]
    )
    async with Service.running(settings, store):
        await twitch.wait_subscribed("me", "friend")
    async with Service.running(settings, store) as service:
        (planned,) = await service.planned()
        assert [channel.login for channel in planned.channels] == ["friend"]


async def test_tokens_with_swapped_names_each_stay_with_their_account(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, client_id: str
) -> None:
    pairs = {
        login: (twitch.add_user(login), twitch.issue_tokens(login, client_id, SCOPES))[1] for login in ("me", "you")
    }
    settings = settings_for(
        accounts=[
            {"login": name, "access_token": pairs[owner].access, "refresh_token": pairs[owner].refresh}
            for name, owner in (("me", "you"), ("you", "me"))
        ]
    )
    async with Service.running(settings, store) as service:
        await twitch.wait_subscribed("me", "me")
        await twitch.wait_subscribed("you", "you")
        assert sorted(login.login for login in service.keeper) == ["me", "you"]
        assert sorted(account.login for account in service.settings.accounts) == ["me", "you"]
    owners = {login.login: login.pair.access for login in await store.logins()}
    assert owners == {login: pair.access for login, pair in pairs.items()}
    assert sum(seen.line == "GET /oauth2/validate" for seen in twitch.requests) == 2


async def test_a_login_that_is_replaced_while_it_is_asked_about_causes_no_storm(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, client_id: str
) -> None:
    twitch.add_user("me")
    pair = twitch.issue_tokens("me", client_id, SCOPES)
    await store.import_login("me", client_id, TokenPair(pair.access, pair.refresh))
    (login,) = await store.logins()
    held = twitch.faults.add("GET /oauth2/validate", faults.delay(0.3))
    async with Service.running(settings_for(), store):
        await twitch.wait_for(lambda: held.hits)
        await store.forget_login(login.id)
        await asyncio.sleep(1.5)
    assert sum(seen.line == "GET /oauth2/validate" for seen in twitch.requests) <= 3


async def test_a_start_without_twitch_waits_and_continues(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, client_id: str
) -> None:
    twitch.add_user("me", turbo=True)
    pair = twitch.issue_tokens("me", client_id, SCOPES)
    twitch.faults.add("*", faults.drop(), times=6)
    accounts = [{"login": "me", "access_token": pair.access, "refresh_token": pair.refresh}]
    async with Service.running(settings_for(accounts=accounts), store):
        await twitch.wait_subscribed("me", "me", timeout=20)


async def test_accounts_of_two_applications_run_in_one_process(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor
) -> None:
    accounts: list[dict[str, str]] = []
    for login in ("me", "friend"):
        twitch.add_user(login, turbo=True)
        app = twitch.add_app(client_secret="s3cr3t0fth3app" if login == "friend" else "")
        pair = twitch.issue_tokens(login, app.client_id, SCOPES)
        accounts.append(
            {
                "login": login,
                "access_token": pair.access,
                "refresh_token": pair.refresh,
                "client_id": app.client_id,
                "client_secret": "s3cr3t0fth3app" if login == "friend" else "",
            }
        )
    twitch.expire("friend")
    async with Service.running(settings_for(accounts=accounts), store) as service:
        for login in ("me", "friend"):
            await twitch.wait_subscribed(login, login)
            await twitch.say(login, in_=login, text="hello")
        await twitch.wait_for(lambda: {change.login for change in twitch.color_changes} == {"me", "friend"})
        assert len(service.bots) == 2


async def test_a_restart_uses_the_newer_pair_of_the_store(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, client_id: str
) -> None:
    twitch.add_user("me", turbo=True)
    pair = twitch.issue_tokens("me", client_id, SCOPES)
    accounts = [{"login": "me", "access_token": pair.access, "refresh_token": pair.refresh}]
    for _ in range(3):
        twitch.expire("me")
        async with Service.running(settings_for(accounts=accounts), store):
            await twitch.wait_subscribed("me", "me")
    assert twitch.spent_twice == []


async def test_a_mirrored_message_of_a_shared_chat_counts_once(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    twitch.add_user("friend")
    accounts = [{"login": "me", "channels": ["me", "friend"]}]
    async with Service.running(settings_for(accounts=accounts), store) as service:
        await twitch.wait_subscribed("me", "me")
        await twitch.wait_subscribed("me", "friend")
        await twitch.say_shared("me", in_="me", mirrored_to=["friend"], text="hello")
        await twitch.wait_for(lambda: twitch.color_changes)
        for number, channel in enumerate(("me", "friend"), 2):  # what comes after the mirror in its own channel
            await twitch.say("me", in_=channel, text="hello again")
            await twitch.wait_for(lambda wanted=number: len(twitch.color_changes) >= wanted)
        assert service.changer[twitch.user("me").id].messages == 3
        assert len(twitch.color_changes) == 3


@pytest.mark.parametrize("code", [4000, 4001, 4003, 4004, 1000, 1006, 1011])
async def test_every_close_leads_to_a_new_session_within_a_second(
    code: int, twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    async with Service.running(settings_for(), store):
        await twitch.wait_subscribed("me", "me")
        if code == 1006:
            await twitch.eventsub.drop_all()
        else:
            await twitch.eventsub.close_all(code)
        await twitch.wait_subscribed("me", "me", timeout=1)
        await twitch.say("me", in_="me", text="hello")
        await twitch.wait_for(lambda: twitch.color_changes)


async def test_no_message_is_lost_while_twitch_moves_the_session(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    async with Service.running(settings_for(), store) as service:
        await twitch.wait_subscribed("me", "me")
        moving = asyncio.create_task(twitch.eventsub.reconnect_all(handshake_delay=0.3))
        for number in range(30):
            await twitch.say("me", in_="me", text=f"message {number}")
            await asyncio.sleep(0.02)
        await moving
        await until(lambda: service.changer[twitch.user("me").id].messages == 30)
        assert subscribe_requests(twitch) == 1


@pytest.mark.parametrize("again_after", [0.0, 0.1, 0.5])
async def test_a_move_that_twitch_asks_for_twice_is_made_once(
    again_after: float, twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    async with Service.running(settings_for(), store):
        await twitch.wait_subscribed("me", "me")
        await twitch.eventsub.reconnect_all(handshake_delay=0.3, again_after=again_after)
        await asyncio.sleep(0.5)
        await twitch.say("me", in_="me", text="hello")
        await twitch.wait_for(lambda: twitch.color_changes)
        assert subscribe_requests(twitch) == 1


async def test_silence_is_noticed(twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn) -> None:
    await log_in("me")
    async with Service.running(settings_for(twitch=_impatient(twitch)), store):
        await twitch.wait_subscribed("me", "me")
        await twitch.eventsub.silence()
        (before,) = twitch.subscriptions
        await twitch.wait_for(lambda: [each.id for each in twitch.subscriptions] not in ([], [before.id]), timeout=8)


def _impatient(twitch: LocalTwitch) -> dict[str, str]:
    return {
        "api_url": twitch.api_url,
        "id_url": twitch.id_url,
        "eventsub_url": f"{twitch.eventsub_url}?keepalive_timeout_seconds=1",
    }


async def test_changes_use_the_connections_that_are_open(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    async with Service.running(settings_for(), store):
        await twitch.wait_subscribed("me", "me")
        for number in range(1, 6):
            await twitch.say("me", in_="me", text="hello")
            await twitch.wait_for(lambda wanted=number: len(twitch.color_changes) == wanted)
        opened = twitch.connections
        for number in range(6, 11):
            await twitch.say("me", in_="me", text="hello")
            await twitch.wait_for(lambda wanted=number: len(twitch.color_changes) == wanted)
        assert twitch.connections == opened


async def test_a_palette_continues_after_a_restart(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    palette = ["#E91916", "#1E90FF", "#2E8B57", "#FF1493", "#D2691E"]
    settings = settings_for(color={"strategy": "palette", "colors": palette, "restore": False})
    for run in range(2):
        async with Service.running(settings, store) as service:
            await twitch.wait_subscribed("me", "me")
            for number in range(1, 3):
                await twitch.say("me", in_="me", text="hello")
                await twitch.wait_for(lambda wanted=2 * run + number: len(twitch.color_changes) == wanted)
            (painter,) = service.changer
            await until(lambda painter=painter: painter.changes == 2)  # a colour counts after it was shown
    assert colors_of(twitch, "me") == palette[:4]


async def test_standout_looks_at_the_people_of_the_channel(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    async with Service.running(settings_for(color={"strategy": "standout"}), store) as service:
        await twitch.wait_subscribed("me", "me")
        for number in range(20):
            twitch.add_user(f"chatter{number}", "#FF0000" if number % 2 else "#E0201A")
            await twitch.say(f"chatter{number}", in_="me", text="hello")
        await twitch.say("me", in_="me", text="hello")
        await twitch.wait_for(lambda: twitch.color_changes)
        (color,) = colors_of(twitch, "me")
        assert Color.parse(color).distance(Color.parse("#FF0000")) > 0.25
        assert service.changer[twitch.user("me").id].messages == 1


async def test_other_strategies_remember_nothing_about_other_people(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    twitch.add_user("stranger", "#FF0000")
    async with Service.running(settings_for(), store) as service:
        await twitch.wait_subscribed("me", "me")
        await twitch.say("stranger", in_="me", text="hello")
        await twitch.say("me", in_="me", text="hello")
        await twitch.wait_for(lambda: twitch.color_changes)
        assert service.changer.chatters.of(twitch.user("me").id) == ()


@pytest.mark.parametrize(
    ("app", "accounts"),
    [
        ({}, [{"client_secret": "SECRET"}]),
        ({"client_id": "ID", "client_secret": "SECRET"}, [{"client_id": "ID"}]),
        ({}, [{"client_id": "ID", "client_secret": "SECRET"}, {"client_id": "ID"}]),
        ({"client_id": "ID", "client_secret": "SECRET"}, [{}]),
    ],
    ids=["without its id", "of the application", "given once for two", "only of the application"],
)
async def test_the_secret_of_a_confidential_application_is_found(
    app: dict[str, str],
    accounts: list[dict[str, str]],
    twitch: LocalTwitch,
    store: Store,
    settings_for: SettingsFor,
) -> None:
    secret = "s3cr3t0fth3app"
    client_id = twitch.add_app(client_secret=secret).client_id
    places = {"ID": client_id, "SECRET": secret}
    named: list[dict[str, str]] = []
    for number, account in enumerate(accounts):
        twitch.add_user(f"user{number}", turbo=True)
        pair = twitch.issue_tokens(f"user{number}", client_id, SCOPES)
        tokens = {"login": f"user{number}", "access_token": pair.access, "refresh_token": pair.refresh}
        named.append(tokens | {key: places[value] for key, value in account.items()})
    settings = settings_for(app={key: places[value] for key, value in app.items()}, accounts=named)
    async with Service.running(settings, store):
        for account in named:
            await twitch.wait_subscribed(account["login"], account["login"])
            twitch.expire(account["login"])
            await twitch.say(account["login"], in_=account["login"], text="hello")
        await twitch.wait_for(lambda: len(twitch.color_changes) == len(named))
    assert set(twitch.refreshes.values()) == {1}
