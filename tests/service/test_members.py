"""How members are doing: one state each, sums of all, and what the doctor says of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.changer.changer import Changer, OwnMessage
from colorchanger_bot.clock import SystemClock
from colorchanger_bot.errors import NeedsLogin
from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.service.doctor import examine
from colorchanger_bot.service.findings import Finding
from colorchanger_bot.service.members import Members, MembersPage, stored_sums
from colorchanger_bot.service.names import unmatched
from colorchanger_bot.service.service import Service
from colorchanger_bot.service.standing import needs_login, own_accounts, wanted_channels
from colorchanger_bot.service.wording import members_text
from colorchanger_bot.settings.load import Account, ColorSettings, CommunitySettings, Settings
from colorchanger_bot.store.store import Login, Store, TokenPair
from colorchanger_bot.vault import new_key
from tests.fakes import EPOCH, FakeClock, FakeColors, until

LogIn = Callable[..., Awaitable[None]]
SettingsFor = Callable[..., Settings]
COLOR_SCOPE = "user:manage:chat_color"
OPEN = CommunitySettings(enabled=True, channel="streamer", block=("blocked",))
PAIR = TokenPair("access", "refresh", scopes=frozenset([COLOR_SCOPE]))


def member(login: str, number: int = 1) -> Login:
    return Login(number, str(number), login, "client", PAIR, member_since=5.0)


def page_of(
    logins: list[Login], changer: Changer, clock: FakeClock, *, is_read: bool = True, **wanted: int
) -> MembersPage:
    shown = {"page": 1, "per_page": 50, **wanted}
    return Members(changer, clock).page(logins, OPEN, is_read=is_read, query="", **shown)


async def test_each_state_of_a_member_has_its_reason() -> None:
    clock, api = FakeClock(), FakeColors()
    changer = Changer(api, clock=clock)
    for number, login in ((1, "on"), (2, "off"), (3, "troubled")):
        await changer.manage(str(number), login, ColorSettings(delay=(0, 0), enabled=login != "off"))
    api.answers.append(NeedsLogin("gone"))
    changer.on_message(OwnMessage("a", "3", "9", "streamer", None))
    await clock.advance(1)
    logins = [
        member("on", 1),
        member("off", 2),
        member("troubled", 3),
        member("new", 4),
        replace(member("lost", 5), lost="Twitch ended the login"),
        replace(member("limited", 6), pair=replace(PAIR, scopes=frozenset(["user:read:chat"]))),
        member("blocked", 7),
    ]
    rows = {row.login: (row.state, row.reason, row.is_on) for row in page_of(logins, changer, clock).rows}
    assert rows == {
        "on": ("on", "", True),
        "off": ("off", "", False),
        "troubled": ("in trouble", "gone", True),
        "new": ("starting", "", False),
        "lost": ("needs login", "Twitch ended the login", False),
        "limited": ("needs login", f"the login lacks {COLOR_SCOPE} (to change your colour)", False),
        "blocked": ("blocked", "on the block list", False),
    }
    unread = page_of(logins, changer, clock, is_read=False)
    assert unread.sums == {"needs login": 2, "not read": 2, "off": 1, "starting": 1, "blocked": 1}
    await changer.close()


async def test_a_member_shows_the_last_change() -> None:
    clock = FakeClock()
    changer = Changer(FakeColors(), clock=clock)
    painter = await changer.manage("1", "viewer", ColorSettings(delay=(0, 0), restore=False))
    (row,) = page_of([member("viewer")], changer, clock).rows
    assert (row.last_change, row.messages, row.changes, row.since) == (None, 0, 0, 5.0)
    changer.on_message(OwnMessage("a", "1", "9", "streamer", None))
    await clock.advance(100)
    (row,) = page_of([member("viewer")], changer, clock).rows
    assert (row.last_change, row.messages, row.changes) == (pytest.approx(EPOCH, abs=1), 1, 1)
    assert row.color == (painter.current and painter.current.hex)
    await changer.close()


@given(st.integers(0, 40), st.integers(-2, 60), st.integers(-2, 12))
def test_the_pages_have_every_member_once(count: int, page: int, per_page: int) -> None:
    changer, clock = Changer(FakeColors()), FakeClock()
    logins = [member(f"viewer{number:02}", number) for number in range(count)]
    found = page_of(logins, changer, clock, page=page, per_page=per_page)
    assert (found.found, found.total, 1 <= found.page <= found.pages) == (count, count, True)
    rows = [
        row.login
        for number in range(1, found.pages + 1)
        for row in page_of(logins, changer, clock, page=number, per_page=per_page).rows
    ]
    assert rows == [login.login for login in logins]


def test_sums_in_words() -> None:
    assert members_text({}) == "0 members"
    assert members_text({"on": 1}) == "1 member: 1 on"
    sums = {"needs login": 2, "off": 30, "on": 4968}
    assert members_text(sums) == "5,000 members: 4,968 on, 30 off, 2 must join again"  # pyright: ignore[reportArgumentType]


def test_a_member_needs_the_permission_for_colours_alone() -> None:
    assert needs_login(member("viewer")) == ""
    assert needs_login(replace(member("viewer"), member_since=None)).startswith("the login lacks user:read:chat")


def test_a_member_wants_the_channel_of_the_community_only() -> None:
    settings = Settings(community=OPEN, accounts=(Account(login="viewer", channels=("elsewhere",)),))
    assert wanted_channels(settings, member("viewer")) == ("streamer",)


def test_members_are_no_accounts_and_their_names_are_not_suggested() -> None:
    own = replace(member("streamer", 2), member_since=None)
    logins = [member("viewer"), own]
    assert own_accounts(logins) == [own]
    settings = Settings(accounts=(Account(login="nobody_at_all"),))
    (line,) = unmatched(settings, logins)
    assert "logged in: streamer." in line
    assert [*unmatched(Settings(accounts=(Account(login="viewer"),)), logins)] == []


def test_sums_of_the_store_alone() -> None:
    logins = [member("one"), replace(member("two", 2), lost="gone"), replace(member("me", 3), member_since=None)]
    assert stored_sums(logins, OPEN, is_read=False) == {"not read": 1, "needs login": 1}
    assert stored_sums(logins, CommunitySettings(), is_read=True) == {"closed": 1, "needs login": 1}


def lines(findings: list[Finding]) -> list[str]:
    return [each.line() for each in findings if each.about == "community"]


async def test_the_doctor_says_who_reads_and_who_must_join_again(
    twitch: LocalTwitch, store_url: str, settings_for: SettingsFor, client_id: str
) -> None:
    key, clock = new_key(), SystemClock()
    twitch.add_user("me")
    pair = twitch.issue_tokens("me", client_id, ("user:read:chat", COLOR_SCOPE))
    community = {"enabled": True, "channel": "streamer"}
    settings = settings_for(community=community, storage={"url": store_url, "key": key})
    async with Store.open(store_url, [key]) as store:
        await store.put_login("me", client_id, TokenPair(pair.access, pair.refresh), twitch.user("me").id)
        for number in range(3):
            made = await store.put_member(f"viewer{number}", client_id, PAIR, f"9{number}", at=1.0, most=9)
            assert isinstance(made, Login)
            await store.lose(made, "Twitch ended the login", clock.now().timestamp())
        async with Service.running(settings, store) as service:
            await until(lambda: service.standings()[0].state == "running")
            found = await examine(settings, clock=clock, reports=service.reports())
    assert lines(found) == [
        "fine     community: 3 members: 3 must join again",
        "wrong    community: nobody reads #streamer now; "
        "log in as streamer, or add streamer to the channels of another account",
        "note     community: 3 members ended the login at Twitch, and must join again to get colours; "
        "nothing to do, they are forgotten after 30 days",
    ]
    assert not [each for each in found if each.about.startswith("viewer")]


async def test_the_doctor_says_that_the_key_is_missing(settings_for: SettingsFor, store: Store, log_in: LogIn) -> None:
    await log_in("me")
    found = await examine(settings_for(community={"enabled": True, "channel": "me"}), clock=SystemClock())
    assert [each.line() for each in found if "storage.key" in each.text] == [
        "wrong    settings: storage.key is empty, and the logins of a community must be encrypted; "
        "run: colorchanger key new"
    ]
