"""The community: viewers join with a code, get colours in one channel, and leave without a trace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
import sqlalchemy as sql

from colorchanger_bot.changer import results
from colorchanger_bot.changer.commands import Author
from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.clock import Clock, SystemClock
from colorchanger_bot.errors import ConfigError, JoinRefused, StoreError
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.service.community import KEPT_SECONDS, JoinProgress, PendingJoin
from colorchanger_bot.service.service import Service
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.schema import METADATA, logins
from colorchanger_bot.store.store import Login, NotTaken, Store, TokenPair
from colorchanger_bot.vault import new_key
from tests.conftest import SCOPES
from tests.fakes import subscribed_to_all, until

SettingsFor = Callable[..., Settings]
LogIn = Callable[..., Awaitable[None]]
Run = Callable[..., AbstractAsyncContextManager[Service]]
KEY = new_key()
COLOR_SCOPE = "user:manage:chat_color"


@pytest.fixture
async def twitch() -> AsyncIterator[LocalTwitch]:
    async with LocalTwitch(min_keepalive=1.0, device_interval=0, chat_interval=0) as local:
        yield local


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    async with Store.open(store_url, [KEY]) as opened:
        yield opened


class Full(Store):
    """A store that takes no members and loses no logins while it is full."""

    is_full = False

    async def put_member(
        self, login: str, client_id: str, pair: TokenPair, user_id: str, *, at: float, most: int
    ) -> Login | NotTaken:
        self._check()
        return await super().put_member(login, client_id, pair, user_id, at=at, most=most)

    async def forget_login(self, id_: int) -> None:
        self._check()
        await super().forget_login(id_)

    def _check(self) -> None:
        if self.is_full:
            raise StoreError("the disk is full")


@pytest.fixture
def run(store: Store, store_url: str, settings_for: SettingsFor) -> Run:
    """Run a service with a community of #streamer; pass keys of `[community]`, and whole other sections."""

    def make(
        sections: dict[str, Any] | None = None,
        *,
        clock: Clock | None = None,
        kept_in: Store | None = None,
        **community: Any,
    ) -> AbstractAsyncContextManager[Service]:
        settings = settings_for(
            community={"enabled": True, "channel": "streamer", **community},
            storage={"url": store_url, "key": KEY},
            **(sections or {}),
        )
        return Service.running(settings, kept_in or store, clock=clock)

    return make


@pytest.fixture
async def service(run: Run, twitch: LocalTwitch, log_in: LogIn) -> AsyncIterator[Service]:
    """A running service whose streamer reads the channel."""
    await log_in("streamer")
    twitch.add_user("viewer", "#00FF00", turbo=True)
    async with run() as running:
        await twitch.wait_subscribed("streamer", "streamer")
        await subscribed_to_all(twitch)
        yield running


async def begin(service: Service, address: str = "192.0.2.1") -> PendingJoin:
    return await service.community.begin(address=address)


async def ended(service: Service, join: PendingJoin) -> JoinProgress:
    """Wait until a join is no longer waiting."""
    await until(lambda: service.community.progress(join.id).state != "waiting")
    return service.community.progress(join.id)


async def joined(service: Service, twitch: LocalTwitch, login: str = "viewer", address: str = "") -> JoinProgress:
    join = await begin(service, address or login)
    twitch.approve_device(join.user_code, login)
    progress = await ended(service, join)
    await until(lambda: service.community.is_member(twitch.user(login).id))
    return progress


def answers(twitch: LocalTwitch) -> list[str]:
    return [seen.body["message"] for seen in twitch.requests if seen.line == "POST /helix/chat/messages"]


def revocations(twitch: LocalTwitch) -> list[int | None]:
    return [seen.status for seen in twitch.requests if seen.path == "/oauth2/revoke"]


async def tables_with(store: Store, *texts: str) -> list[str]:
    """Which tables have a row with one of these texts in it."""

    def look(connection: sql.Connection) -> list[str]:
        return [
            table.name
            for table in METADATA.sorted_tables
            for row in connection.execute(sql.select(table))
            if any(text in str(tuple(row)) for text in texts)
        ]

    return await store.database.read(look)


# Joining


async def test_a_viewer_joins_and_gets_a_colour_after_a_message(service: Service, twitch: LocalTwitch) -> None:
    join = await begin(service)
    assert service.community.progress(join.id).state == "waiting"
    assert join.user_code in join.verification_uri
    assert 1700 < join.expires_at - time.time() <= 1800
    twitch.approve_device(join.user_code, "viewer")
    progress = await ended(service, join)
    viewer = twitch.user("viewer")
    assert (progress.state, progress.login, progress.user_id) == ("joined", "viewer", viewer.id)
    await until(lambda: service.community.is_member(viewer.id))
    await twitch.say("viewer", in_="streamer", text="hello")
    await twitch.wait_for(lambda: twitch.color_changes)
    assert [change.login for change in twitch.color_changes] == ["viewer"]


async def test_members_keep_their_colours_when_the_bot_stops(run: Run, twitch: LocalTwitch, log_in: LogIn) -> None:
    await log_in("streamer")
    twitch.add_user("viewer", "#00FF00", turbo=True)
    async with run({"color": {"delay": 0, "restore": True}}) as service:
        await twitch.wait_subscribed("streamer", "streamer")
        await joined(service, twitch)
        for login in ("viewer", "streamer"):
            await twitch.say(login, in_="streamer", text="hello")
            await twitch.wait_for(lambda login=login: any(each.login == login for each in twitch.color_changes))
        await until(lambda: all(painter.changes for painter in service.changer))
    assert [each.login for each in twitch.color_changes] == ["viewer", "streamer", "streamer"]


async def test_a_member_grants_colours_alone_and_opens_no_session(service: Service, twitch: LocalTwitch) -> None:
    await joined(service, twitch)
    (login,) = (each for each in service.keeper if each.is_member)
    assert login.pair.scopes == {COLOR_SCOPE}
    assert {each.user_id for each in twitch.subscriptions} == {twitch.user("streamer").id}
    assert [each.login for each in service.standings()] == ["streamer"]
    assert service.standings()[0].state == "running"


async def test_a_members_messages_elsewhere_change_nothing(run: Run, twitch: LocalTwitch, log_in: LogIn) -> None:
    await log_in("streamer")
    twitch.add_user("viewer", "#00FF00", turbo=True)
    twitch.add_user("friend")
    accounts = [{"login": "streamer", "channels": ["streamer", "friend"]}]
    async with run({"accounts": accounts}) as service:
        await twitch.wait_subscribed("streamer", "friend")
        await joined(service, twitch)
        await twitch.say("viewer", in_="friend", text="hello")
        await twitch.say("viewer", in_="streamer", text="hello")
        await until(lambda: service.changer[twitch.user("viewer").id].messages)
        assert service.changer[twitch.user("viewer").id].messages == 1


async def test_a_declined_code_stores_nothing(service: Service, twitch: LocalTwitch, store: Store) -> None:
    join = await begin(service)
    twitch.deny_device(join.user_code)
    progress = await ended(service, join)
    assert (progress.state, progress.login) == ("denied", "")
    assert "Nothing is stored" in progress.text
    assert [each.login for each in await store.logins()] == ["streamer"]


async def test_an_expired_code_stores_nothing(run: Run, log_in: LogIn, twitch: LocalTwitch, store: Store) -> None:
    await log_in("streamer")
    async with LocalTwitch(device_interval=0, device_lifetime=1) as impatient:
        app = impatient.add_app()
        sections = {"app": {"client_id": app.client_id}, "twitch": {"id_url": impatient.id_url}}
        async with run(sections) as service:
            join = await begin(service)
            assert (await ended(service, join)).state == "expired"
    assert [each.login for each in await store.logins()] == ["streamer"]


async def test_somebody_else_who_uses_the_code_joins_and_the_progress_says_who(
    service: Service, twitch: LocalTwitch
) -> None:
    twitch.add_user("other")
    join = await begin(service)
    twitch.approve_device(join.user_code, "other")
    progress = await ended(service, join)
    assert (progress.state, progress.login) == ("joined", "other")
    assert not service.community.is_member(twitch.user("viewer").id)


async def test_who_joins_twice_keeps_the_colours_and_uses_the_newer_login(
    service: Service, twitch: LocalTwitch, store: Store
) -> None:
    await joined(service, twitch)
    (first,) = (each for each in service.keeper if each.is_member)
    painter = service.changer[twitch.user("viewer").id]
    await painter.adjust(strategy="rainbow")
    await joined(service, twitch, address="elsewhere")
    (second,) = (each for each in service.keeper if each.is_member)
    assert (second.id, second.member_since) == (first.id, first.member_since)
    assert second.pair.access != first.pair.access
    assert (await store.recall(twitch.user("viewer").id)).overrides == {"strategy": "rainbow"}
    await twitch.say("viewer", in_="streamer", text="hello")
    await twitch.wait_for(lambda: twitch.color_changes)


async def test_an_own_account_stays_what_it_is(service: Service, twitch: LocalTwitch, store: Store) -> None:
    (before,) = await store.logins()
    join = await begin(service)
    twitch.approve_device(join.user_code, "streamer")
    assert (await ended(service, join)).state == "already here"
    await until(lambda: revocations(twitch) == [200])
    assert await store.logins() == [before]
    await twitch.say("streamer", in_="streamer", text="hello")
    await twitch.wait_for(lambda: twitch.color_changes)


async def test_a_member_who_logs_in_as_an_account_becomes_one(
    service: Service, twitch: LocalTwitch, store: Store, log_in: LogIn, client_id: str
) -> None:
    await joined(service, twitch)
    pair = twitch.issue_tokens("viewer", client_id, SCOPES)
    await store.put_login("viewer", client_id, TokenPair(pair.access, pair.refresh), twitch.user("viewer").id)
    await service.keeper.load()
    await twitch.wait_subscribed("viewer", "viewer")
    assert not service.community.is_member(twitch.user("viewer").id)
    assert sorted(each.login for each in service.standings()) == ["streamer", "viewer"]


@pytest.mark.parametrize(
    ("community", "state"),
    [
        ({"block": ["viewer"]}, "blocked"),
        ({"allow": ["friend"]}, "not allowed"),
        ({"allow": ["viewer"]}, "joined"),
        ({"allow": ["viewer"], "block": ["@Viewer"]}, "blocked"),
    ],
)
async def test_the_lists_decide_who_may_join(
    community: dict[str, Any], state: str, run: Run, twitch: LocalTwitch, log_in: LogIn, store: Store
) -> None:
    await log_in("streamer")
    twitch.add_user("viewer")
    async with run(**community) as service:
        join = await begin(service)
        twitch.approve_device(join.user_code, "viewer")
        assert (await ended(service, join)).state == state
        if state != "joined":
            await until(lambda: revocations(twitch) == [200])
            assert await tables_with(store, "viewer", twitch.user("viewer").id) == []


async def test_there_are_at_most_as_many_members_as_the_settings_say(
    run: Run, twitch: LocalTwitch, log_in: LogIn, store: Store
) -> None:
    await log_in("streamer")
    for login in ("one", "two", "three"):
        twitch.add_user(login)
    async with run(most=2) as service:
        joins = [await begin(service, login) for login in ("one", "two", "three")]
        for join, login in zip(joins, ("one", "two", "three"), strict=True):
            twitch.approve_device(join.user_code, login)
        states = sorted([(await ended(service, join)).state for join in joins])
        assert states == ["full", "joined", "joined"]
        with pytest.raises(JoinRefused, match="full") as refused:
            await begin(service, "four")
        assert refused.value.reason == "full"
        assert len([each for each in await store.logins() if each.is_member]) == 2


# Bounds


async def test_one_person_has_few_codes_at_once_and_an_hour(service: Service, twitch: LocalTwitch) -> None:
    async def fails(address: str) -> str:
        with pytest.raises(JoinRefused) as refused:
            await begin(service, address)
        return refused.value.reason

    for number in range(1, 4):
        await begin(service, f"2001:db8::{number}")
    assert await fails("2001:db8::4") == "too often"
    for number in range(10):
        join = await begin(service, "192.0.2.7")
        twitch.deny_device(join.user_code)
        assert (await ended(service, join)).state == "denied", number
    assert await fails("::ffff:192.0.2.7") == "too often"


async def test_few_codes_wait_at_once(service: Service, twitch: LocalTwitch) -> None:
    joins = [await begin(service, f"192.0.2.{number}") for number in range(20)]
    asked = len(twitch.requests)
    with pytest.raises(JoinRefused) as refused:
        await begin(service, "192.0.2.99")
    assert refused.value.reason == "busy"
    assert not [seen for seen in twitch.requests[asked:] if seen.path == "/oauth2/device"]
    twitch.deny_device(joins[0].user_code)
    await ended(service, joins[0])
    await begin(service, "192.0.2.99")


async def test_without_twitch_there_is_no_code_and_a_plain_sentence(service: Service, twitch: LocalTwitch) -> None:
    twitch.faults.add("POST /oauth2/device", faults.status(503), times=None)
    with pytest.raises(JoinRefused, match="Twitch gives no code") as refused:
        await begin(service)
    assert refused.value.reason == "unavailable"


async def test_a_community_that_is_off_lets_nobody_in(run: Run, twitch: LocalTwitch, log_in: LogIn) -> None:
    await log_in("streamer")
    async with run(enabled=False) as service:
        with pytest.raises(JoinRefused) as refused:
            await begin(service)
        assert (refused.value.reason, service.community.is_open) == ("closed", False)


def test_a_join_that_nobody_began_is_unknown(service: Service) -> None:
    assert service.community.progress("made-up").state == "unknown"


async def test_a_community_needs_a_key(store: Store, settings_for: SettingsFor, log_in: LogIn) -> None:
    await log_in("streamer")
    settings = settings_for(community={"enabled": True, "channel": "streamer"})
    with pytest.raises(ConfigError, match=r"storage\.key is empty.*colorchanger key new"):
        async with Service.running(settings, store):
            pass


async def test_tokens_of_members_are_encrypted(service: Service, twitch: LocalTwitch, store: Store) -> None:
    await joined(service, twitch)
    (login,) = (each for each in service.keeper if each.is_member)
    assert await tables_with(store, login.pair.access, login.pair.refresh) == []


async def test_a_code_that_is_asked_for_counts_before_twitch_has_answered(
    service: Service, twitch: LocalTwitch
) -> None:
    twitch.faults.add("POST /oauth2/device", faults.delay(0.2), times=None)
    asked = [begin(service, "192.0.2.1") for _ in range(6)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(type(each).__name__ for each in found) == ["JoinRefused"] * 3 + ["PendingJoin"] * 3
    assert len([seen for seen in twitch.requests if seen.path == "/oauth2/device"]) == 3


@pytest.mark.parametrize(
    ("route", "status", "tries"),
    [("GET /oauth2/validate", 503, None), ("GET /oauth2/validate", 401, None)],
)
async def test_a_viewer_of_whom_twitch_does_not_say_who_it_is_is_not_stored(
    route: str, status: int, tries: int | None, service: Service, twitch: LocalTwitch, store: Store
) -> None:
    join = await begin(service)
    twitch.faults.add(route, faults.status(status), times=tries)
    twitch.approve_device(join.user_code, "viewer")
    await until(lambda: service.community.progress(join.id).state == "failed", seconds=10)
    await until(lambda: revocations(twitch) == [200])
    assert [each.login for each in await store.logins()] == ["streamer"]


async def test_a_login_that_cannot_be_renewed_is_not_kept_and_the_log_says_why(
    run: Run, twitch: LocalTwitch, log_in: LogIn, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    await log_in("streamer")
    twitch.add_user("viewer")
    confidential = twitch.add_app(client_secret="the-secret-that-is-not-set")
    async with run({"app": {"client_id": confidential.client_id}}) as service:
        join = await begin(service)
        twitch.approve_device(join.user_code, "viewer")
        progress = await ended(service, join)
    assert (progress.state, "secret" in progress.text) == ("failed", False)
    assert "set app.client_secret" in caplog.text
    assert [each.login for each in await store.logins()] == ["streamer"]


async def test_a_store_that_cannot_be_written_keeps_nobody_and_loses_nobody(
    run: Run, twitch: LocalTwitch, log_in: LogIn, store: Store
) -> None:
    await log_in("streamer")
    twitch.add_user("viewer", "#00FF00", turbo=True)
    twitch.add_user("late")
    full = await Full.on(store.database, [KEY])
    async with run(kept_in=full) as service:
        await twitch.wait_subscribed("streamer", "streamer")
        progress = await joined(service, twitch)
        full.is_full = True
        join = await begin(service)
        twitch.approve_device(join.user_code, "late")
        assert (await ended(service, join)).state == "failed"
        await until(lambda: len(revocations(twitch)) == 2)  # the pair that was granted, and the one it was renewed to
        with pytest.raises(StoreError, match="the disk is full"):
            await service.community.forget(progress.user_id)
        await until(lambda: service.community.is_member(progress.user_id))
        await twitch.say("viewer", in_="streamer", text="hello")
        await twitch.wait_for(lambda: twitch.color_changes)
        full.is_full = False
        assert await service.community.forget(progress.user_id)


# Leaving


async def test_who_leaves_gets_the_old_colour_back_and_leaves_nothing(
    service: Service, twitch: LocalTwitch, store: Store
) -> None:
    progress = await joined(service, twitch)
    viewer = twitch.user("viewer")
    await twitch.say("viewer", in_="streamer", text="hello")
    await twitch.wait_for(lambda: twitch.color_changes)
    await service.changer[viewer.id].adjust(strategy="rainbow")
    assert "colors" in await tables_with(store, viewer.id)
    assert await service.community.forget(progress.user_id)
    assert viewer.color == "#00FF00"
    assert revocations(twitch) == [200]
    await store.beat(time.time(), {"accounts": []})
    assert await tables_with(store, "viewer", viewer.id) == []
    assert (service.changer.get(viewer.id), service.community.is_member(viewer.id)) == (None, False)
    changes = len(twitch.color_changes)
    await twitch.say("viewer", in_="streamer", text="hello")
    await twitch.say("streamer", in_="streamer", text="hello")
    await twitch.wait_for(lambda: len(twitch.color_changes) > changes)
    assert {change.login for change in twitch.color_changes[changes:]} == {"streamer"}
    assert not await service.community.forget(progress.user_id)


async def test_a_join_of_somebody_who_left_is_no_longer_known(service: Service, twitch: LocalTwitch) -> None:
    join = await begin(service)
    twitch.approve_device(join.user_code, "viewer")
    await service.community.forget((await ended(service, join)).user_id)
    assert service.community.progress(join.id) == JoinProgress("unknown", "This code is not known here any more.")


async def test_an_own_account_is_not_forgotten(service: Service, twitch: LocalTwitch, store: Store) -> None:
    assert not await service.community.forget(twitch.user("streamer").id)
    assert [each.login for each in await store.logins()] == ["streamer"]


async def test_twitch_is_told_again_if_it_did_not_listen(service: Service, twitch: LocalTwitch) -> None:
    progress = await joined(service, twitch)
    twitch.faults.add("POST /oauth2/revoke", faults.status(503), times=1)
    assert await service.community.forget(progress.user_id)
    await until(lambda: revocations(twitch) == [503, 200])


async def test_a_member_who_disconnects_at_twitch_must_join_again(
    service: Service, twitch: LocalTwitch, caplog: pytest.LogCaptureFixture
) -> None:
    await joined(service, twitch)
    await twitch.revoke_login("viewer")
    await twitch.say("viewer", in_="streamer", text="hello")
    await until(lambda: service.community.sums().get("needs login"))
    (row,) = (await service.community.members()).rows
    assert (row.state, row.reason) == ("needs login", "Twitch ended the login")
    assert "ERROR" not in [record.levelname for record in caplog.records]
    await twitch.say("streamer", in_="streamer", text="hello")
    await twitch.wait_for(lambda: [change.login for change in twitch.color_changes] == ["streamer"])
    await joined(service, twitch, address="again")
    await until(lambda: service.community.sums() == {"on": 1})


async def test_a_login_that_stays_lost_for_30_days_is_forgotten(
    service: Service, twitch: LocalTwitch, store: Store
) -> None:
    for login in ("early", "late"):
        twitch.add_user(login)
        await joined(service, twitch, login)
    now = time.time()
    for login, days in (("early", 31), ("late", 29)):
        stored = next(each for each in await store.logins() if each.login == login)
        await store.lose(stored, "Twitch ended the login", now - days * 86_400)
    # A restart: the keeper reads how long each has been lost.
    settings = service.settings
    async with Service.running(settings, store) as again:
        await until(lambda: len([each for each in again.keeper if each.is_member]) == 1)
    assert [each.login for each in await store.logins()] == ["streamer", "late"]
    assert await tables_with(store, "early", twitch.user("early").id) == []
    assert KEPT_SECONDS == 30 * 86_400


async def test_a_streamer_who_logs_out_leaves_the_members_logged_in(
    service: Service, twitch: LocalTwitch, store: Store, client_id: str
) -> None:
    await joined(service, twitch)
    (streamer,) = (each for each in service.keeper if not each.is_member)
    await store.forget_login(streamer.id)
    await service.keeper.load()
    await until(lambda: service.community.sums() == {"not read": 1})
    pair = twitch.issue_tokens("streamer", client_id, SCOPES)
    await store.put_login("streamer", client_id, TokenPair(pair.access, pair.refresh), twitch.user("streamer").id)
    await service.keeper.load()
    await until(lambda: service.community.sums() == {"on": 1})
    await twitch.say("viewer", in_="streamer", text="hello")
    await twitch.wait_for(lambda: twitch.color_changes)


@pytest.mark.parametrize(("community", "state"), [({"block": ["viewer"]}, "blocked"), ({"enabled": False}, "closed")])
async def test_a_member_who_is_kept_out_later_keeps_the_login_and_gets_no_colours(
    community: dict[str, Any], state: str, service: Service, run: Run, twitch: LocalTwitch, store: Store
) -> None:
    await joined(service, twitch)
    await service._stop()  # pyright: ignore[reportPrivateUsage]
    async with run(**community) as again:
        await until(lambda: again.standings()[0].state == "running")
        assert again.community.sums() == {state: 1}
        await twitch.say("viewer", in_="streamer", text="hello")
        await twitch.say("streamer", in_="streamer", text="hello")
        await twitch.wait_for(lambda: twitch.color_changes)
        assert {change.login for change in twitch.color_changes} == {"streamer"}


# Chat


async def test_a_viewer_joins_in_chat(service: Service, twitch: LocalTwitch) -> None:
    await twitch.say("viewer", in_="streamer", text="!color me")
    await until(lambda: answers(twitch))
    (device,) = twitch.pending_devices
    assert f"/activate?device-code={device.user_code}" in answers(twitch)[0]
    twitch.approve_device(device.user_code, "viewer")
    await until(lambda: service.community.is_member(twitch.user("viewer").id))
    await twitch.say("viewer", in_="streamer", text="hello")
    await twitch.wait_for(lambda: [change.login for change in twitch.color_changes] == ["viewer"])


async def test_a_member_who_asks_again_is_told_so(service: Service, twitch: LocalTwitch) -> None:
    await joined(service, twitch)
    await twitch.say("viewer", in_="streamer", text="!Color ME")
    await until(lambda: answers(twitch) == ["your colour changes here already"])
    assert (twitch.color_changes, twitch.pending_devices) == ([], [])


class LeapingClock(SystemClock):
    """A clock that a test can put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]
        return time.monotonic() + self.ahead


async def test_a_viewer_who_asks_again_and_again_is_answered_once_in_a_while_with_the_same_code(
    run: Run, twitch: LocalTwitch, log_in: LogIn
) -> None:
    await log_in("streamer")
    clock, viewer = LeapingClock(), Author("77", "viewer")
    async with run(clock=clock) as service:
        first = await service.community.invite(viewer)
        assert isinstance(first, results.Invited)
        assert await service.community.invite(viewer) is None
        assert isinstance(await service.community.invite(Author("78", "other")), results.Invited)
        clock.ahead += 31
        again = await service.community.invite(viewer)
        assert isinstance(again, results.Invited)
        assert (again.code, again.seconds) == (first.code, pytest.approx(first.seconds, abs=40))
        assert len(twitch.pending_devices) == 2


@pytest.mark.parametrize(
    "text", ["!color off", "!color", "!color next", "!color forget me", "!color mee", "!color me too"]
)
async def test_nothing_else_of_a_stranger_is_obeyed(text: str, service: Service, twitch: LocalTwitch) -> None:
    asked = len(twitch.requests)
    await twitch.say("viewer", in_="streamer", text=text)
    await twitch.say("streamer", in_="streamer", text="hello")
    await twitch.wait_for(lambda: twitch.color_changes)
    assert {seen.path for seen in twitch.requests[asked:]} == {"/helix/chat/color"}


async def test_the_streamer_who_asks_is_here_already(service: Service, twitch: LocalTwitch) -> None:
    await twitch.say("streamer", in_="streamer", text="!color me")
    await until(lambda: answers(twitch) == ["your colour changes here already"])
    await twitch.say("streamer", in_="streamer", text="!color forget me")
    await until(lambda: len(answers(twitch)) == 2)
    assert "colorchanger logout" in answers(twitch)[1]
    assert len(list(service.keeper)) == 1


async def test_a_member_commands_his_own_colours_without_a_reply(service: Service, twitch: LocalTwitch) -> None:
    await joined(service, twitch)
    painter = service.changer[twitch.user("viewer").id]
    streamer = service.changer[twitch.user("streamer").id]
    await twitch.say("viewer", in_="streamer", text="!color off")
    await until(lambda: not painter.settings.enabled)
    assert streamer.settings.enabled
    await until(lambda: service.community.sums() == {"off": 1})
    await twitch.say("streamer", in_="streamer", text="!color")
    await until(lambda: answers(twitch))
    assert answers(twitch) == ["on, random"]


async def test_a_member_is_answered_by_the_account_that_reads_where_the_settings_say_so(
    run: Run, twitch: LocalTwitch, log_in: LogIn
) -> None:
    await log_in("helper")
    twitch.add_user("streamer")
    twitch.add_user("viewer")
    sections = {
        "accounts": [{"login": "helper", "channels": ["streamer"]}],
        "commands": {"reply": "always"},
    }
    async with run(sections) as service:
        await until(service.community.speaker)
        await joined(service, twitch)
        for text in ("!color join friend", "!color leave streamer", "!color follow_live"):
            before = len(answers(twitch))
            await twitch.say("viewer", in_="streamer", text=text)
            await until(lambda before=before: len(answers(twitch)) > before, seconds=10)
            assert answers(twitch)[-1] == "not here: your colours change in #streamer only"
        senders = {seen.body["sender_id"] for seen in twitch.requests if seen.line == "POST /helix/chat/messages"}
        assert senders == {twitch.user("helper").id}


async def test_with_replies_off_nobody_gets_a_code_in_chat_but_nothing_breaks(
    run: Run, twitch: LocalTwitch, log_in: LogIn
) -> None:
    await log_in("streamer")
    twitch.add_user("viewer")
    async with run({"commands": {"reply": "never"}}):
        await twitch.wait_subscribed("streamer", "streamer")
        await twitch.say("viewer", in_="streamer", text="!color me")
        await twitch.say("streamer", in_="streamer", text="hello")
        await twitch.wait_for(lambda: twitch.color_changes)
        assert answers(twitch) == []
        assert twitch.pending_devices == []


async def test_a_member_deletes_himself_in_chat(service: Service, twitch: LocalTwitch, store: Store) -> None:
    await joined(service, twitch)
    viewer = twitch.user("viewer")
    await twitch.say("viewer", in_="streamer", text="!color forget me please")
    await twitch.say("viewer", in_="streamer", text="!color forget me")
    await until(lambda: answers(twitch))
    assert answers(twitch) == ["you have left: all that was stored about you is deleted"]
    await store.beat(time.time(), {"accounts": []})
    assert await tables_with(store, "viewer", viewer.id) == []


async def test_a_blocked_viewer_gets_no_answer_in_chat(run: Run, twitch: LocalTwitch, log_in: LogIn) -> None:
    await log_in("streamer")
    twitch.add_user("viewer")
    async with run(block=["viewer"]):
        await twitch.wait_subscribed("streamer", "streamer")
        await twitch.say("viewer", in_="streamer", text="!color me")
        await twitch.say("streamer", in_="streamer", text="!color")
        await until(lambda: answers(twitch))
        assert answers(twitch) == ["on, random"]


# Many


async def test_a_list_of_5000_members_is_paged_quickly(
    run: Run, twitch: LocalTwitch, log_in: LogIn, store: Store, client_id: str
) -> None:
    await log_in("streamer")
    (streamer,) = await store.logins()
    await fill(store, client_id, 5000)
    async with run(enabled=False, most=5000) as service:
        # Closed: this is about the list, not about 5,000 accounts that start.
        seconds: list[float] = []
        for page in (1, 50, 100):
            began = time.thread_time()
            found = await service.community.members(page=page)
            seconds.append(time.thread_time() - began)
            assert (len(found.rows), found.total, found.pages, found.page) == (50, 5000, 100, page)
        assert min(seconds) < 0.05
        found = await service.community.members(query="VIEWER0042")
        assert [row.login for row in found.rows] == ["viewer0042"]
        assert (found.found, found.pages, found.total, found.sums) == (1, 1, 5000, {"closed": 5000})
        assert (await service.community.members(page=1000)).page == 100
        assert [each.login for each in service.standings()] == [streamer.login]


async def fill(store: Store, client_id: str, count: int) -> None:
    """Store members whom Twitch does not know, all in one transaction."""
    row = {"client_id": client_id, "access_token": "made-up", "refresh_token": "made-up", "scopes": COLOR_SCOPE}
    row |= {"lost": "", "generation": 1, "doubt": 0, "channels": "", "revision": 1, "member_since": 1.0}
    rows = [{**row, "id": 10 + n, "login": f"viewer{n:04}", "user_id": f"9{n:06}"} for n in range(count)]
    await store.database.run(lambda connection: connection.execute(sql.insert(logins), rows))


async def test_a_member_remembers_what_was_set_over_a_restart(
    service: Service, run: Run, twitch: LocalTwitch, store: Store
) -> None:
    await joined(service, twitch)
    viewer = twitch.user("viewer")
    await store.remember(viewer.id, Remembered(overrides={"strategy": "rainbow"}))
    await service._stop()  # pyright: ignore[reportPrivateUsage]
    async with run() as again:
        await until(lambda: again.community.sums() == {"on": 1})
        assert again.changer[viewer.id].strategy.name == "rainbow"
