"""The doctor reports everything that can keep colours from changing, and what to do about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.clock import SystemClock
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.service.doctor import examine, verdict
from colorchanger_bot.service.findings import Finding
from colorchanger_bot.service.service import Service
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Store, TokenPair
from colorchanger_bot.twitch.http import open_session, send
from colorchanger_bot.vault import new_key
from tests.conftest import SCOPES
from tests.fakes import until
from tests.twitch import foreign

LogIn = Callable[..., Awaitable[None]]
SettingsFor = Callable[..., Settings]


class WrongClock(SystemClock):
    """A machine whose clock is ten minutes ahead."""

    @staticmethod
    def now() -> datetime:
        return datetime.now(UTC) + timedelta(minutes=10)


def wrong(findings: list[Finding]) -> list[str]:
    return [finding.line().removeprefix("wrong    ") for finding in findings if finding.level == "wrong"]


async def examined(settings: Settings) -> list[Finding]:
    return await examine(settings, clock=SystemClock())


@pytest.fixture
async def beating(store: Store, settings_for: SettingsFor) -> Callable[[Service], Awaitable[None]]:
    """Let the running bot write its heartbeat now."""

    async def beat(service: Service) -> None:
        await until(lambda: service.standings()[0].is_settled)
        now = SystemClock().now().timestamp()
        await store.beat(now, {"accounts": [each.to_json(now) for each in service.reports().values()]})

    return beat


async def test_a_running_bot_in_good_health_has_nothing_wrong(
    twitch: LocalTwitch,
    store: Store,
    settings_for: SettingsFor,
    log_in: LogIn,
    beating: Callable[[Service], Awaitable[None]],
) -> None:
    await log_in("me")
    async with Service.running(settings_for(), store) as service:
        await twitch.wait_subscribed("me", "me")
        await beating(service)
        findings = await examined(settings_for())
    assert wrong(findings) == []
    assert verdict(findings) == "nothing is wrong"
    said = "\n".join(finding.line() for finding in findings)
    for sign in ("plain, 0600", "reachable", "clock: right", "reads #me", "the login works", "of 800 a minute"):
        assert sign in said


async def test_a_channel_of_several_accounts_is_one_line(
    twitch: LocalTwitch,
    store: Store,
    settings_for: SettingsFor,
    log_in: LogIn,
    beating: Callable[[Service], Awaitable[None]],
) -> None:
    for login in ("me", "other"):
        await log_in(login)
    settings = settings_for(accounts=[{"login": login, "channels": ["me", "nowhere"]} for login in ("me", "other")])
    async with Service.running(settings, store) as service:
        await twitch.wait_subscribed("me", "me")
        await until(
            lambda: {each.state for one in service.standings() for each in one.channels} == {"joined", "parked"}
        )
        await beating(service)
        said = [finding.line() for finding in await examined(settings)]
    assert "fine     #me: is read, for 2 accounts" in said
    assert sum("#nowhere" in line and "for 2 accounts" in line for line in said) == 1
    assert not [line for line in said if "reads #me" in line]


async def test_colours_that_are_switched_off_are_in_the_verdict(
    twitch: LocalTwitch,
    store: Store,
    settings_for: SettingsFor,
    log_in: LogIn,
    beating: Callable[[Service], Awaitable[None]],
) -> None:
    await log_in("me")
    async with Service.running(settings_for(), store) as service:
        await twitch.wait_subscribed("me", "me")
        await twitch.say("me", in_="me", text="!color off")
        await until(lambda: not service.changer[twitch.user("me").id].settings.enabled)
        await beating(service)
        findings = await examined(settings_for())
    assert wrong(findings) == []
    assert verdict(findings) == "nothing is wrong: me is switched off by !color off"


async def test_a_held_colour_is_said(
    store: Store, settings_for: SettingsFor, log_in: LogIn, twitch: LocalTwitch
) -> None:
    await log_in("me")
    await store.remember(twitch.user("me").id, Remembered(held="#FF69B4"))
    assert "fine     me: held at hot_pink" in [finding.line() for finding in await examined(settings_for())]


async def test_a_missing_store_and_a_missing_network_are_both_reported(
    tmp_path: Path, settings_for: SettingsFor, twitch: LocalTwitch
) -> None:
    twitch.faults.add("*", faults.drop(), times=None)
    url = f"sqlite:///{(tmp_path / 'none.sqlite3').as_posix()}"
    findings = wrong(await examined(settings_for(storage={"url": url})))
    assert [line.partition(":")[0] for line in findings] == ["network", "network", "store"]
    assert findings[-1] == "store: there is none yet: nobody has logged in; run: colorchanger login"
    assert not (tmp_path / "none.sqlite3").exists()


async def test_a_bot_that_does_not_run_is_reported(store: Store, settings_for: SettingsFor, log_in: LogIn) -> None:
    await log_in("me")
    assert wrong(await examined(settings_for())) == ["bot: not running; run: colorchanger run"]
    await store.beat(SystemClock().now().timestamp() - 300, {})
    (line,) = wrong(await examined(settings_for()))
    assert "gave its last sign of life 5 min ago" in line


async def test_a_wrong_clock_is_reported(settings_for: SettingsFor, store: Store) -> None:
    findings = wrong(await examine(settings_for(), clock=WrongClock()))
    assert "clock: 10 min ahead of Twitch's; set it, and let the system keep it right (NTP)" in findings


async def test_a_proxys_page_is_not_taken_for_twitch(
    twitch: LocalTwitch, settings_for: SettingsFor, store: Store
) -> None:
    twitch.faults.add("GET /helix/users", faults.garbage(), times=None)
    assert any("answers, but not as Twitch" in line for line in wrong(await examined(settings_for())))


async def test_each_problem_of_a_login_is_reported_with_advice(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn, client_id: str
) -> None:
    for login in ("lost", "limited", "ended", "fine"):
        await log_in(login, scopes=SCOPES[:1] if login == "limited" else SCOPES)
    lost, _, ended, _ = await store.logins()
    await store.lose(lost, "Twitch ended the login (400)")
    twitch.expire("ended")
    await store.put_login("ended", client_id, TokenPair(ended.pair.access, ""), ended.user_id)
    asked = len(twitch.requests)
    findings = [line for line in wrong(await examined(settings_for())) if not line.startswith("bot")]
    assert findings == [
        "lost: Twitch ended the login (400); run: colorchanger login",
        "limited: the login lacks user:manage:chat_color (to change your colour); run: colorchanger login",
        "ended: the token has expired, and there is none to renew it with; run: colorchanger login",
    ]
    assert twitch.refreshes == {}
    assert len(twitch.requests) > asked


async def test_a_token_that_the_bot_will_renew_is_not_a_problem(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    twitch.expire("me")
    findings = await examined(settings_for())
    assert "the token has expired; the bot renews it when it starts" in [finding.text for finding in findings]
    assert twitch.refreshes == {}


async def test_a_channel_that_is_not_read_is_reported(
    twitch: LocalTwitch,
    store: Store,
    settings_for: SettingsFor,
    log_in: LogIn,
    beating: Callable[[Service], Awaitable[None]],
) -> None:
    await log_in("me")
    settings = settings_for(accounts=[{"login": "me", "channels": ["me", "nosuchchannel"]}])
    async with Service.running(settings, store) as service:
        await twitch.wait_subscribed("me", "me")
        await until(lambda: any(each.state == "parked" for each in service.standings()[0].channels))
        await beating(service)
        findings = wrong(await examined(settings))
    assert findings[0] == "me: there is no channel #nosuchchannel; correct its name under channels"
    assert findings[1].startswith("me: #nosuchchannel paused: there is no such channel; next try in")


async def test_it_reports_whether_the_tokens_are_encrypted(
    store: Store, store_url: str, settings_for: SettingsFor
) -> None:
    key = new_key()
    await store.put_login("me", "client", TokenPair("access-token-of-me", "refresh-token-of-me"))
    told: list[str] = []
    for keys in ("", key):
        findings = await examined(settings_for(storage={"url": store_url, "key": keys}))
        told += [finding.line() for finding in findings if finding.about == "store"]
    async with Store.open(store_url, [key]) as sealed:
        await sealed.seal()
    for keys in (key, new_key()):
        findings = await examined(settings_for(storage={"url": store_url, "key": keys}))
        told += [finding.line() for finding in findings if finding.about == "store"]
    for line, sign in zip(
        told,
        (
            "plain, 0600; anyone who can read",
            "not all of it encrypted yet",
            "encrypted, 0600",
            "storage.key is not the key",
        ),
        strict=True,
    ):
        assert sign in line


async def test_an_account_with_names_only_is_reported(store: Store, settings_for: SettingsFor, log_in: LogIn) -> None:
    await log_in("me")
    (login,) = await store.logins()
    until_then = SystemClock().now().timestamp() + 60
    await store.remember(str(login.user_id), Remembered(no_hex_until=until_then))
    assert any("names only" in finding.text for finding in await examined(settings_for()))


async def test_in_its_first_seconds_nothing_is_called_fine_that_is_not_known_yet(
    store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    await store.beat(SystemClock().now().timestamp(), {})  # what `run` does before all else
    findings = await examined(settings_for())
    assert [(each.about, each.level) for each in findings if each.level == "waiting"] == [("me", "waiting")] * 2
    assert verdict(findings) == "not settled yet, check again in a moment: me"


async def test_a_channel_that_is_being_joined_is_neither_fine_nor_wrong(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    twitch.faults.add("POST /helix/eventsub/subscriptions", faults.status(500), times=None)
    async with Service.running(settings_for(), store) as service:
        await until(lambda: service.standings()[0].state == "waiting")
        findings = await examine(settings_for(), clock=SystemClock(), reports=service.reports())
    assert wrong(findings) == []
    assert verdict(findings).startswith("not settled yet")
    assert any(each.level == "waiting" and "#me joining" in each.text for each in findings)


async def test_an_old_report_of_the_bot_is_not_taken_for_the_truth(
    store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    await store.beat(SystemClock().now().timestamp() - 20, {})
    (bot,) = [each for each in await examined(settings_for()) if each.about == "bot"]
    assert (bot.level, "20 s old" in bot.text) == ("waiting", True)


async def test_an_account_in_the_settings_that_nobody_is_logged_in_as_is_reported(
    store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("yourname1")
    settings = settings_for(accounts=[{"login": "yuorname1"}])
    (line,) = [line for line in wrong(await examined(settings)) if line.startswith("settings")]
    assert "no account of this name is logged in; did you mean yourname1?" in line


async def test_a_channel_that_was_joined_in_chat_is_left_in_chat(
    store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    (login,) = await store.logins()
    await store.remember(str(login.user_id), Remembered(channels=["me", "nosuchchannel"]))
    assert "me: there is no channel #nosuchchannel; type in chat: !color leave nosuchchannel" in wrong(
        await examined(settings_for())
    )


async def test_tokens_that_cannot_be_renewed_here_are_named(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, client_id: str
) -> None:
    generator = twitch.add_app(client_secret="s" * 30)
    twitch.add_user("me")
    pair = twitch.issue_tokens("me", generator.client_id, SCOPES)
    await store.import_login("me", client_id, TokenPair(pair.access, pair.refresh))
    form = {"client_id": generator.client_id, "client_secret": "s" * 30, "grant_type": "client_credentials"}
    async with open_session() as session:
        made = await send(session, "POST", f"{twitch.id_url}/oauth2/token", data=form)
    await store.import_login("robot", client_id, TokenPair(made.json()["access_token"], "refresh-of-nobody"))
    said = wrong(await examined(settings_for()))
    assert "me: its token is of another application and cannot be renewed here; run: colorchanger login" in said
    assert "robot: this is an application's token, which stands for no account; run: colorchanger login" in said


async def test_a_network_login_page_is_reported_and_proves_nothing(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    twitch.faults.add("GET *", foreign.answer(200), times=None)
    findings = [finding.line() for finding in await examined(settings_for())]
    assert any("answers, but not as Twitch" in line for line in findings)
    assert any("whether the login works is not known" in line and "login page" in line for line in findings)
