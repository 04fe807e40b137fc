"""The doctor finds each thing that can keep colours from changing, and says what to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.clock import SystemClock
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.service.doctor import Finding, examine, verdict
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
    return [finding.line().removeprefix("wrong  ") for finding in findings if finding.level == "wrong"]


async def examined(settings: Settings) -> list[Finding]:
    return await examine(settings, clock=SystemClock())


@pytest.fixture
async def beating(store: Store, settings_for: SettingsFor) -> Callable[[Service], Awaitable[None]]:
    """Let the running bot give a sign of life now."""

    async def beat(service: Service) -> None:
        await until(lambda: service.report()["accounts"][0]["state"] == "running")
        await store.beat(SystemClock().now().timestamp(), service.report())

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


async def test_if_nothing_is_wrong_but_the_colours_are_off_it_says_exactly_that(
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


async def test_no_store_and_no_network_are_all_said(
    tmp_path: Path, settings_for: SettingsFor, twitch: LocalTwitch
) -> None:
    twitch.faults.add("*", faults.drop(), times=None)
    url = f"sqlite:///{(tmp_path / 'none.sqlite3').as_posix()}"
    findings = wrong(await examined(settings_for(storage={"url": url})))
    assert [line.partition(":")[0] for line in findings] == ["network", "network", "store"]
    assert findings[-1] == "store: there is none yet; log in first: colorchanger login"
    assert not (tmp_path / "none.sqlite3").exists()


async def test_a_bot_that_does_not_run_is_said(store: Store, settings_for: SettingsFor, log_in: LogIn) -> None:
    await log_in("me")
    assert wrong(await examined(settings_for())) == ["bot: does not run; run: colorchanger run"]
    await store.beat(SystemClock().now().timestamp() - 300, {})
    (line,) = wrong(await examined(settings_for()))
    assert "gave its last sign of life 5 min ago" in line


async def test_a_clock_that_is_off_is_said(settings_for: SettingsFor, store: Store) -> None:
    findings = wrong(await examine(settings_for(), clock=WrongClock()))
    assert "clock: 10 min ahead of Twitch's; set it, and let it be set (NTP)" in findings


async def test_a_page_in_between_is_not_taken_for_twitch(
    twitch: LocalTwitch, settings_for: SettingsFor, store: Store
) -> None:
    twitch.faults.add("GET /helix/users", faults.garbage(), times=None)
    assert any("answers, but not as Twitch" in line for line in wrong(await examined(settings_for())))


async def test_each_trouble_of_a_login_is_said_with_its_cure(
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
        "ended: the token has ended, and there is none to renew it with; run: colorchanger login",
    ]
    assert twitch.refreshes == {}
    assert len(twitch.requests) > asked


async def test_a_token_that_the_bot_will_renew_is_no_trouble(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    twitch.expire("me")
    findings = await examined(settings_for())
    assert "the token has ended; the bot renews it when it starts" in [finding.text for finding in findings]
    assert twitch.refreshes == {}


async def test_a_channel_that_is_not_read_is_said(
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
        await until(lambda: "parked" in str(service.report()))
        await beating(service)
        findings = wrong(await examined(settings))
    assert findings[0] == "me: there is no channel #nosuchchannel; correct its name under channels"
    assert "me: #nosuchchannel is not read (parked: there is no such channel" in findings[1]


async def test_how_the_tokens_rest_is_said(store: Store, store_url: str, settings_for: SettingsFor) -> None:
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
        ("plain, 0600; who reads", "not all of it encrypted yet", "encrypted, 0600", "storage.key is not the key"),
        strict=True,
    ):
        assert sign in line


async def test_colours_remembered_as_names_only_are_told(
    store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    (login,) = await store.logins()
    until_then = SystemClock().now().timestamp() + 60
    await store.remember(str(login.user_id), Remembered(no_hex_until=until_then))
    assert any("names only" in finding.text for finding in await examined(settings_for()))


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


async def test_a_login_page_in_between_is_said_and_nothing_is_concluded_from_it(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    twitch.faults.add("GET *", foreign.answer(200), times=None)
    findings = [finding.line() for finding in await examined(settings_for())]
    assert any("answers, but not as Twitch" in line for line in findings)
    assert any("whether the login works is not known" in line and "login page" in line for line in findings)
