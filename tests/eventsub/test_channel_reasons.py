"""What a person is told of a channel that is not read, and how soon what is missing is asked for again."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from itertools import pairwise

import pytest

from colorchanger_bot.errors import ChannelRefused, MissingScope, TwitchUnavailable
from colorchanger_bot.eventsub.channel import ChannelStatus
from colorchanger_bot.eventsub.follows import follow_live
from colorchanger_bot.eventsub.membership import Membership
from colorchanger_bot.eventsub.timing import Timing
from colorchanger_bot.twitch.helix import CHAT_MESSAGE, CHAT_NOTIFICATION, Subscribed
from tests.eventsub.helix import FakeHelix
from tests.fakes import FakeClock, settle

REFUSED = ChannelRefused("subscription missing proper authorization")
DOWN = TwitchUnavailable("Twitch is in trouble (503)")


class Broken(FakeHelix):
    """Has a mistake of ours in its answers."""

    async def subscribe_chat(
        self, session_id: str, *, broadcaster_id: str, user_id: str, type_: str = CHAT_MESSAGE
    ) -> str:
        raise ZeroDivisionError


class Following(FakeHelix):
    """Notes when it was asked which followed channels are live."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.times: list[float] = []  # pyright: ignore[reportIncompatibleMethodOverride]
        self.monotonic = clock.monotonic

    async def live_followed(self, user_id: str) -> dict[str, str]:
        self.times.append(self.monotonic())
        return await super().live_followed(user_id)


async def running(
    helix: FakeHelix, clock: FakeClock, identified: Callable[[], None] = lambda: None
) -> AsyncIterator[Membership]:
    membership = Membership(
        "1",
        "me",
        helix,  # pyright: ignore[reportArgumentType]
        clock=clock,
        rng=random.Random(7),
        end_session=lambda _: None,
        timing=Timing(),
        identified=identified,
    )
    task = asyncio.create_task(membership.run())
    yield membership
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def membership(helix: FakeHelix, clock: FakeClock) -> AsyncIterator[Membership]:
    async for each in running(helix, clock):
        yield each


@pytest.fixture
async def broken(clock: FakeClock) -> AsyncIterator[Membership]:
    async for each in running(Broken(clock), clock):
        yield each


def status(membership: Membership, login: str) -> ChannelStatus:
    return next(each.status for each in membership.channels if each.login == login)


async def test_why_twitch_ended_a_subscription_is_told_while_the_next_try_waits(
    membership: Membership, clock: FakeClock
) -> None:
    membership.set_channels(["me"])
    membership.session_began("s1")
    await settle()
    membership.revoked("1", f"s1 1 {CHAT_MESSAGE}", CHAT_MESSAGE, "because_of_the_weather")
    state, reason, seconds = status(membership, "me")
    assert (state, reason) == ("joining", "Twitch ended the subscription (because_of_the_weather)")
    assert seconds is not None
    assert 0.75 <= seconds <= 1
    await clock.advance(1)
    assert status(membership, "me") == ("joined", "", None)


async def test_a_mistake_of_ours_is_told_as_one(broken: Membership) -> None:
    broken.set_channels(["me"])
    broken.session_began("s1")
    await settle()
    assert status(broken, "me").reason == "an error in ColorChanger: see the log"


async def test_notifications_that_twitch_ended_are_asked_for_again_but_not_at_once(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    membership.set_channels(["me"])
    membership.session_began("s1")
    await settle()
    membership.revoked("1", f"s1 1 {CHAT_NOTIFICATION}", CHAT_NOTIFICATION, "because_of_the_weather")
    await settle()
    assert len(helix.asked_notifications) == 1
    await clock.advance(1)
    assert len(helix.asked_notifications) == 2


async def test_a_channel_that_never_was_is_told_apart_from_one_that_is_gone(
    membership: Membership, helix: FakeHelix
) -> None:
    helix.gone.add("7")
    helix.ids["friend"] = ""
    membership.set_channels(["nobody", "friend"], remembered={"friend": "7"})
    membership.session_began("s1")
    await settle()
    assert status(membership, "nobody").reason == "there is no such channel"
    assert status(membership, "friend").reason == "the channel is suspended or deleted"


async def test_while_the_account_itself_is_gone_no_channel_is_looked_up_by_its_name(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.gone |= {"1", "7"}
    helix.answers["7"].extend([REFUSED] * 2)
    membership.set_channels(["friend"], {"friend": "7"})
    membership.session_began("s1")
    await clock.advance(6)
    assert status(membership, "friend").reason == "Twitch has suspended or deleted this account"
    assert helix.looked_up == ["1", "7"]


async def test_two_names_of_one_channel_leave_other_channels_as_they_are(
    membership: Membership, helix: FakeHelix
) -> None:
    helix.ids |= {"friend": "7", "buddy": "7"}
    membership.set_channels(["other", "friend", "buddy"])
    membership.session_began("s1")
    await settle()
    assert {name: known.id for name, known in membership.known().items()} == {
        "other": "id of other",
        "friend": "7",
        "buddy": "7",
    }


async def test_a_subscription_that_existed_already_is_ended_by_its_id_when_its_channel_is_left(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.empty_answers = 1
    helix.listed = [Subscribed("from before", "s1", "id of place", "1")]
    membership.set_channels(["place"])
    membership.session_began("s1")
    await clock.advance(5)
    membership.set_channels(["me"])
    await settle()
    assert helix.ended == ["from before", f"s1 id of place {CHAT_NOTIFICATION}"]


async def test_what_stands_in_the_way_is_a_warning_once_and_its_end_is_said(
    membership: Membership, helix: FakeHelix, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    helix.answers["1"].extend([DOWN, DOWN, REFUSED, REFUSED, REFUSED, REFUSED])
    membership.set_channels(["me"])
    membership.session_began("s1")
    await clock.advance(3 * 3600)
    said = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert [level for level, _ in said] == ["WARNING", "WARNING", "INFO"]
    assert said[0][1].startswith("#me: not joined yet: Twitch is in trouble (503); next try in ")
    assert said[1][1].startswith("#me: not read: subscription missing proper authorization (banned")
    assert said[2][1] == "#me: reading the chat"
    assert {getattr(record, "account", "") for record in caplog.records} == {"me"}


async def test_the_first_refusal_of_a_channel_that_was_read_may_be_a_hiccup(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.answers["1"].append(REFUSED)
    membership.set_channels(["me"])
    membership.session_began("s1")
    await clock.advance(5)
    assert membership.joined == 1
    membership.session_ended()
    helix.answers["1"].append(REFUSED)
    membership.session_began("s2")
    await settle()
    assert status(membership, "me")[::2] == ("joining", 5.0)


# Who a channel is


async def test_it_is_told_when_twitch_has_said_who_the_channels_are(helix: FakeHelix, clock: FakeClock) -> None:
    told: list[int] = []
    async for membership in running(helix, clock, lambda: told.append(len(told))):
        membership.set_channels(["me", "friend", "other"])
        membership.session_began("s1")
        await settle()
        assert told == [0]


async def test_a_channel_that_is_wanted_under_the_name_it_has_now_is_the_same_one(
    membership: Membership, helix: FakeHelix
) -> None:
    helix.names["7"] = "buddy"
    membership.set_channels(["friend"], remembered={"friend": "7"})
    membership.session_began("s1")
    await settle()
    membership.set_channels(["buddy"])
    await settle()
    assert ([id_ for _, id_ in helix.asked], helix.ended) == (["7"], [])
    assert membership.joined == 1


async def test_two_names_that_are_known_to_be_one_channel_are_joined_once(
    membership: Membership, helix: FakeHelix
) -> None:
    membership.set_channels(["friend", "buddy"], {"friend": "7", "buddy": "7"})
    membership.session_began("s1")
    await settle()
    assert [id_ for _, id_ in helix.asked] == ["7"]
    assert len(membership.channels) == 1


# Live channels


async def follow(helix: FakeHelix, clock: FakeClock, *, seconds: float) -> None:
    task = asyncio.create_task(
        follow_live(
            "1",
            "me",
            helix,  # pyright: ignore[reportArgumentType]
            lambda live: None,
            clock=clock,
            rng=random.Random(7),
            timing=Timing(),
        )
    )
    await clock.advance(seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_live_channels_are_looked_at_every_two_minutes_at_most(clock: FakeClock) -> None:
    helix = Following(clock)
    helix.live = [{"a": "1"}]
    await follow(helix, clock, seconds=3600)
    waits = [later - earlier for earlier, later in pairwise(helix.times)]
    assert 108 <= min(waits) <= max(waits) <= 120


async def test_while_twitch_does_not_tell_it_is_asked_less_and_less_often_up_to_eight_minutes(clock: FakeClock) -> None:
    helix = Following(clock)
    helix.live = [DOWN]
    await follow(helix, clock, seconds=3600)
    waits = [later - earlier for earlier, later in pairwise(helix.times)]
    assert 22 <= waits[0] <= 30
    assert 360 <= min(waits[4:]) <= max(waits[4:]) <= 480


async def test_what_is_in_the_way_is_logged_the_first_time(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    helix = Following(clock)
    helix.live = [MissingScope("the login lacks a permission")]
    await follow(helix, clock, seconds=1)
    assert [record.getMessage() for record in caplog.records] == [
        "cannot see which followed channels are live: the login lacks a permission"
    ]
