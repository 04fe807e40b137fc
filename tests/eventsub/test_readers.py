"""Who reads which channel: two of those that want it, and somebody else at once when one of them fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from colorchanger_bot.eventsub.candidates import MOST_CHANNELS
from colorchanger_bot.eventsub.shared_channel import EXTRA_TRIES
from colorchanger_bot.eventsub.timing import Timing
from tests.eventsub.chat_model import World

DAY = 24 * 3600.0


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.close()


async def test_two_of_many_accounts_read_a_channel_for_all(world: World) -> None:
    for number in range(30):
        world.add(f"viewer{number}", "place")
    await world.step()
    assert len(world.reading("place")) == 2
    assert world.opened == len(world.sessions) == 2
    assert all(world.readers.counts(f"viewer{number}", "place") for number in range(30))
    assert not world.readers.counts("somebody", "place")


async def test_an_account_alone_in_a_channel_reads_it_over_one_socket_and_with_the_setting_over_two() -> None:
    for has_second_sockets, expected in ((False, ["me"]), (True, ["me", "me"])):
        world = World(has_second_sockets=has_second_sockets)
        world.add("me", "me")
        await world.step()
        assert world.reading("me") == expected
        await world.close()


async def test_a_second_socket_is_given_up_when_another_account_wants_the_channel() -> None:
    world = World(has_second_sockets=True)
    world.add("me", "place")
    await world.step()
    world.add("other", "place")
    await world.step()
    await world.run(2 * Timing().settle)
    assert world.reading("place") == ["me", "other"]
    await world.close()


async def test_with_own_reading_every_account_reads_all_its_channels() -> None:
    world = World(is_shared=False)
    for number in range(3):
        world.add(f"viewer{number}", "place")
    await world.step()
    assert world.reading("place") == ["viewer0", "viewer1", "viewer2"]
    assert world.readers.counts("viewer0", "place")
    await world.close()


@pytest.mark.parametrize("most", [1, 2, 3])
async def test_so_many_read_as_the_setting_says(most: int) -> None:
    world = World(most=most)
    for number in range(5):
        world.add(f"viewer{number}", "place")
    await world.step()
    assert len(world.reading("place")) == most
    await world.close()


async def test_nobodys_account_reads_a_channel_it_does_not_want(world: World) -> None:
    world.add("me", "me", "place")
    world.add("other", "other")
    await world.step()
    assert world.reading("place") == ["me"]
    world.want("me", "me")
    await world.step()
    assert world.reading("place") == []
    assert not world.readers.counts("me", "place")


async def test_a_session_without_channels_is_closed(world: World) -> None:
    world.add("me", "place")
    await world.step()
    assert len(world.sessions) == 1
    world.want("me")
    await world.step()
    assert world.sessions == []


async def test_the_broadcaster_reads_and_then_moderators(world: World) -> None:
    for number in range(3):
        world.add(f"viewer{number}", "place")
    await world.step()
    world.readers.note_moderator("viewer2", "place")
    world.add("place", "place")
    await world.step()
    await world.run(2 * Timing().settle)
    assert "place" in world.reading("place")
    assert len(world.reading("place")) == 2
    (other,) = set(world.reading("place")) - {"place"}
    world.twitch.down.add(other)
    await world.step(1)
    assert "viewer2" in world.reading("place")


async def test_who_has_a_session_already_is_asked_first(world: World) -> None:
    world.add("new", "place")
    world.add("busy", "busy", "place")
    world.add("other", "place")
    world.twitch.down.add("new")
    await world.run(3)
    assert world.reading("place")[0] == "busy"


async def test_an_account_reads_ninety_channels_at_most_and_others_the_rest(world: World) -> None:
    names = [f"place{number}" for number in range(MOST_CHANNELS + 15)]
    world.add("me", *names)
    await world.step()
    await world.run(60)
    assert sum(bool(world.reading(name)) for name in names) == MOST_CHANNELS
    world.add("other", *names[-30:])
    await world.step()
    await world.run(60)
    assert all(world.reading(name) for name in names)
    loads = {each.user_id: each.joined for each in world.sessions}
    assert all(load <= MOST_CHANNELS for load in loads.values()), loads


# One reader fails


@pytest.mark.parametrize("fault", ["banned", "cut off", "login refused", "login lost", "logged out", "left"])
async def test_when_a_reader_fails_another_one_takes_over_at_once(fault: str, world: World) -> None:
    for number in range(4):
        world.add(f"viewer{number}", "place")
    await world.step()
    first, second = world.reading("place")
    match fault:
        case "banned":
            (session,) = [each for each in world.sessions if each.user_id == first]
            world.twitch.banned.add((first, "place"))
            channel = session.channel("place")
            assert channel is not None
            channel.lose()
            channel.park("the account is banned or timed out there")
        case "cut off":
            world.twitch.down.add(first)
        case "login refused":
            world.twitch.refused.add(first)
        case "login lost":
            world.readers.bar(first, "must log in again")
        case "logged out":
            await world.readers.drop(first)
        case _:
            world.want(first)
    await world.step()
    assert second in world.reading("place")
    assert len(world.reading("place")) == 2
    assert first not in world.reading("place")
    assert world.readers.handovers.total() == 1


async def test_who_comes_back_is_not_needed_and_stops_after_a_while(world: World) -> None:
    for number in range(4):
        world.add(f"viewer{number}", "place")
    await world.step()
    first, _ = world.reading("place")
    (session,) = [each for each in world.sessions if each.user_id == first]
    session.cut()
    await world.step()
    assert len(world.reading("place")) == 3
    await world.run(2 * Timing().settle)
    assert len(world.reading("place")) == 2
    assert len(world.sessions) == 2
    assert world.readers.handovers == {"silent": 1}


async def test_an_account_that_may_read_again_is_used_again(world: World) -> None:
    world.add("me", "me")
    world.readers.bar("me", "the login lacks user:read:chat")
    await world.step()
    assert (world.sessions, world.readers.trouble("me")) == ([], "the login lacks user:read:chat")
    assert world.readers.status("me")["me"] == ("parked", "the login lacks user:read:chat", None)
    world.readers.allow("me")
    await world.step()
    assert (world.reading("me"), world.readers.trouble("me")) == (["me"], "")


async def test_who_may_not_read_has_no_trouble_while_others_read_for_him(world: World) -> None:
    world.add("streamer", "streamer")
    world.add("viewer", "streamer")
    world.readers.bar("viewer", "the login lacks user:read:chat")
    await world.step()
    assert world.reading("streamer") == ["streamer"]
    assert world.readers.trouble("viewer") == ""
    assert world.readers.status("viewer")["streamer"].state == "joined"


# All fail


async def test_a_channel_that_bans_everybody_is_left_alone_after_three_refusals(world: World) -> None:
    for number in range(30):
        world.add(f"viewer{number}", "place")
        world.twitch.banned.add((f"viewer{number}", "place"))
    await world.run(25)
    assert world.twitch.requests.total() == 6  # three readers, each of whom tried a second time
    status = world.readers.status("viewer29")["place"]
    assert (status.state, status.reason) == ("parked", "banned")
    assert status.retry_seconds
    await world.run(4 * 3600, step=60)
    assert world.twitch.requests.total() < 60


async def test_after_all_were_banned_the_first_who_is_not_any_more_reads(world: World) -> None:
    for number in range(6):
        world.add(f"viewer{number}", "place")
        world.twitch.banned.add((f"viewer{number}", "place"))
    await world.run(60)
    world.twitch.banned.discard(("viewer5", "place"))
    await world.run(DAY / 4, step=60)
    assert world.reading("place") == ["viewer5"]


async def test_a_channel_that_does_not_exist_is_asked_for_by_one_account(world: World) -> None:
    world.twitch.ids["nowhere"] = ""
    for number in range(30):
        world.add(f"viewer{number}", "nowhere", ids={})
    await world.run(60)
    assert world.opened == 1
    status = world.readers.status("viewer7")["nowhere"]
    assert (status.state, status.reason) == ("parked", "there is no such channel")


async def test_an_outage_does_not_call_up_everybody(world: World) -> None:
    for number in range(30):
        world.add(f"viewer{number}", "place")
        world.twitch.down.add(f"viewer{number}")
    await world.run(120)
    assert world.opened <= 2 + EXTRA_TRIES
    world.twitch.down.clear()
    await world.step(1)
    assert len(world.reading("place")) >= 2
    await world.run(30)
    assert len(world.reading("place")) == 2


async def test_a_channel_that_nobody_is_left_to_read_is_loud_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    world.add("me", "place")
    world.add("other", "place")
    await world.step()
    world.readers.bar("me", "must log in again")
    world.readers.bar("other", "must log in again")
    await world.run(30)
    world.readers.allow("me")
    await world.step()
    lines = [record.message for record in caplog.records if "place" in record.message and "takes" not in record.message]
    assert lines.count("#place: nobody reads it now, for 2 accounts: must log in again") == 1
    assert "#place: read again" in lines


# Names and ids


async def test_two_names_for_one_channel_are_read_once(world: World) -> None:
    world.twitch.ids |= {"old": "7", "new": "7"}
    world.add("me", "old", ids={})
    world.add("other", "new", ids={})
    await world.step()
    await world.run(2 * Timing().settle)
    assert len(list(world.readers.channels)) == 1
    assert world.readers.counts("me", "7")
    assert world.readers.counts("other", "7")
    assert {name: known.id for name, known in world.readers.known("me").items()} == {"old": "7"}


async def test_a_name_that_one_account_has_found_out_is_not_asked_for_again(world: World) -> None:
    world.twitch.ids["place"] = "7"
    world.add("first", "place", ids={})
    world.add("second", "place", ids={})
    await world.step()
    for number in range(10):
        world.add(f"late{number}", "place", ids={})
    await world.step()
    assert (world.opened, len(world.reading("place"))) == (2, 2)
    assert world.readers.counts("late9", "7")


async def test_one_name_may_stand_for_two_channels(world: World) -> None:
    world.add("early", "place", ids={"place": "1"})
    world.add("late", "place", ids={"place": "2"})
    await world.step()
    assert len(list(world.readers.channels)) == 2
    assert world.readers.counts("early", "1")
    assert not world.readers.counts("early", "2")


async def test_accounts_are_told_who_their_channels_are(world: World) -> None:
    told: list[str] = []
    world.readers.on_identified(told.append)
    world.twitch.ids["place"] = "7"
    for user_id in ("me", "other"):
        world.add(user_id, "place", ids={})
    await world.step()
    assert sorted(set(told)) == ["me", "other"]
    assert world.readers.known("other")["place"].id == "7"


# Whatever happens

ACCOUNTS, PLACES = ("a", "b", "c", "d"), ("a", "p", "q")
Event = tuple[str, str, str]
events = st.tuples(
    st.sampled_from(
        ["ban", "unban", "down", "up", "cut", "refuse", "bar", "allow", "want", "leave", "drop", "wait", "wait long"]
    ),
    st.sampled_from(ACCOUNTS),
    st.sampled_from(PLACES),
)


class Play:
    """What may happen, in any order."""

    def __init__(self, *, most: int, has_second_sockets: bool) -> None:
        self.world = World(most=most, has_second_sockets=has_second_sockets)
        self.wants: dict[str, set[str]] = {}

    async def happens(self, what: str, account: str, place: str) -> None:
        """Let something happen; what cannot happen now is left out."""
        twitch = self.world.twitch
        if what in ("bar", "allow", "leave", "drop") and account not in self.wants:
            return
        match what:
            case "unban":
                twitch.banned.discard((account, place))
            case "down":
                twitch.down.add(account)
            case "up":
                twitch.down.discard(account)
            case "refuse":
                twitch.refused.add(account)
            case "wait":
                await self.world.step(3)
            case "wait long":
                await self.world.run(900, step=60)
            case _:
                await getattr(self, what)(account, place)
        await self.world.step()

    async def ban(self, account: str, place: str) -> None:
        self.world.twitch.banned.add((account, place))
        for session in self.world.sessions:
            channel = session.channel(place)
            if session.user_id == account and channel and channel.state == "joined":
                channel.lose()
                channel.park("the account is banned or timed out there")

    async def cut(self, account: str, _: str) -> None:
        for session in self.world.sessions:
            if session.user_id == account:
                session.cut()

    async def bar(self, account: str, _: str) -> None:
        self.world.readers.bar(account, "must log in again")

    async def allow(self, account: str, _: str) -> None:
        self.world.twitch.refused.discard(account)
        self.world.readers.allow(account)

    async def want(self, account: str, place: str) -> None:
        self.wants.setdefault(account, set()).add(place)
        add = self.world.want if account in self.world.readers.ours else self.world.add
        add(account, *sorted(self.wants[account]))

    async def leave(self, account: str, place: str) -> None:
        self.wants[account].discard(place)
        self.world.want(account, *sorted(self.wants[account]))

    async def drop(self, account: str, _: str) -> None:
        del self.wants[account]
        await self.world.readers.drop(account)

    def wanting(self, place: str) -> set[str]:
        """Who wants a channel."""
        return {account for account, places in self.wants.items() if place in places}


async def play(order: list[Event], *, most: int, has_second_sockets: bool) -> None:
    play = Play(most=most, has_second_sockets=has_second_sockets)
    world = play.world
    for account in ACCOUNTS[:2]:
        await play.happens("want", account, "p")
    for event in order:
        await play.happens(*event)
        for place in PLACES:
            assert {*world.reading(place), *world.trying(place)} <= play.wanting(place)
            assert len(world.trying(place)) <= most + EXTRA_TRIES
    # All that was wrong is over but for bans, and so are the waits that it left behind.
    world.twitch.down.clear()
    world.twitch.refused.clear()
    for account in play.wants:
        world.readers.allow(account)
    await world.run(8 * 3600, step=300)
    for place in PLACES:
        willing = {account for account in play.wanting(place) if (account, place) not in world.twitch.banned}
        reading = world.reading(place)
        assert len(set(reading)) == min(most, len(willing)), (place, reading, willing)
        assert len(reading) == min(most, (1 + has_second_sockets) * len(willing)), (place, reading, willing)
    await world.close()


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(events, max_size=14), st.integers(1, 3), st.booleans())
def test_whatever_fails_in_whatever_order_a_channel_with_a_willing_account_is_read_again(
    order: list[Event], most: int, has_second_sockets: bool
) -> None:
    asyncio.run(play(order, most=most, has_second_sockets=has_second_sockets))
