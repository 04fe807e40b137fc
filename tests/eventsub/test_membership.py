"""When an account's channels are joined, tried again and left alone: the real waiting times on a fake clock."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from colorchanger_bot.errors import (
    ChannelRefused,
    ColorChangerError,
    NeedsLogin,
    RateLimited,
    SessionGone,
    TwitchUnavailable,
)
from colorchanger_bot.eventsub.channel import Channel
from colorchanger_bot.eventsub.channel_list import Known
from colorchanger_bot.eventsub.membership import PARALLEL_JOINS, Membership
from colorchanger_bot.eventsub.timing import Timing
from colorchanger_bot.twitch.helix import CHAT_MESSAGE, CHAT_NOTIFICATION, Subscribed
from tests.eventsub.helix import FakeHelix
from tests.fakes import EPOCH, FakeClock, settle

DOWN = TwitchUnavailable("Twitch is in trouble (503)")
REFUSED = ChannelRefused("subscription missing proper authorization")


@pytest.fixture
def ended() -> list[ColorChangerError | None]:
    return []


@pytest.fixture
async def membership(
    clock: FakeClock, helix: FakeHelix, ended: list[ColorChangerError | None]
) -> AsyncIterator[Membership]:
    membership = Membership(
        "1",
        "me",
        helix,  # pyright: ignore[reportArgumentType]
        clock=clock,
        rng=random.Random(7),
        end_session=ended.append,
        timing=Timing(),
    )
    task = asyncio.create_task(membership.run(), name="membership")
    yield membership
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def channel(membership: Membership, login: str) -> Channel:
    return next(each for each in membership.channels if each.login == login)


def most_in_ten_seconds(helix: FakeHelix) -> int:
    times = sorted(at for at, _ in (*helix.asked, *helix.asked_notifications))
    return max(sum(start <= at < start + 10 for at in times) for start in times)


async def test_a_few_channels_are_joined_at_once(membership: Membership, helix: FakeHelix, clock: FakeClock) -> None:
    membership.set_channels([f"place{number}" for number in range(5)])
    membership.session_began("s1")
    await settle()
    assert (membership.joined, clock.monotonic()) == (5, 0)


async def test_many_channels_are_joined_in_bursts_that_obey_twitchs_20_in_10_s(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    membership.set_channels([f"place{number}" for number in range(60)])
    membership.session_began("s1")
    await clock.advance(40)
    assert membership.joined == 60
    for _ in range(60):  # each step lets several requests go out, one after the other
        await clock.advance(1)
    assert len(helix.asked_notifications) == 60
    assert most_in_ten_seconds(helix) == Timing().joins


async def test_the_pace_is_kept_from_one_session_to_the_next(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    membership.set_channels([f"place{number}" for number in range(30)])
    for number in range(10):
        membership.session_began(f"s{number}")
        await clock.advance(2)
        membership.session_ended()
    assert most_in_ten_seconds(helix) <= 20


async def test_a_refusal_is_tried_after_5_s_and_then_left_alone_for_5_minutes_growing_to_an_hour(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.answers["id of place"].extend([REFUSED] * 9)
    membership.set_channels(["me", "place"])
    membership.session_began("s1")
    await clock.advance(5)
    first, second = helix.times("place")
    assert second - first == 5
    status = channel(membership, "place").status
    assert status.state == "parked"
    assert status.reason.startswith("subscription missing proper authorization (banned or timed out there")
    assert status.retry_seconds is not None
    assert 225 <= status.retry_seconds <= 300
    await clock.advance(5 * 3600)
    times = helix.times("place")[1:]
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert 225 <= waits[0] <= 300
    assert all(2700 <= wait <= 3600 for wait in waits[4:7])
    assert channel(membership, "place").state == "joined"


async def test_lingering_sessions_are_waited_out_by_all_channels(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.answers["1"].append(RateLimited("number of websocket transports limit exceeded"))
    membership.set_channels(["me", "place"])
    helix.gate.clear()
    membership.session_began("s1")
    await settle()
    helix.gate.set()
    await clock.advance(59)
    assert [at for at, id_ in helix.asked if id_ == "1"] == [0]
    await clock.advance(6)
    assert membership.joined == 2


async def test_the_rate_limit_holds_up_all_channels_until_its_reset(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.answers["id of place0"].append(RateLimited("too many requests", EPOCH + 20))
    membership.set_channels([f"place{number}" for number in range(20)])
    membership.session_began("s1")
    await clock.advance(19)
    assert len(helix.asked) == PARALLEL_JOINS  # which were under way when the answer came
    await clock.advance(2)
    assert len(helix.asked) > PARALLEL_JOINS


@pytest.mark.parametrize("retry_at", [0.0, EPOCH - 5, EPOCH + 1e9])
async def test_a_reset_that_makes_no_sense_is_neither_a_storm_nor_silence(
    retry_at: float, membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.answers["1"].extend([RateLimited("too many requests", retry_at)] * 2)
    membership.set_channels(["me"])
    membership.session_began("s1")
    await clock.advance(300)
    assert membership.joined == 1
    assert helix.asked[1][0] - helix.asked[0][0] >= 1


async def test_trouble_is_tried_again_ever_later_up_to_8_s(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.answers["1"].extend([DOWN] * 30)
    membership.set_channels(["me"])
    membership.session_began("s1")
    await clock.advance(300)
    times = [at for at, _ in helix.asked]
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert 0.75 <= waits[0] <= 1
    assert max(waits) <= 8
    assert min(waits[4:]) >= 6


async def test_an_answer_for_a_past_session_says_nothing_about_the_present_one(
    membership: Membership, helix: FakeHelix, clock: FakeClock, ended: list[ColorChangerError | None]
) -> None:
    membership.set_channels(["me"])
    helix.gate.clear()
    membership.session_began("s1")
    await settle()
    membership.session_ended()
    helix.gate.set()
    await settle()
    assert membership.joined == 0
    membership.session_began("s2")
    await clock.advance(1)
    assert (membership.joined, ended) == (1, [])


async def test_a_session_that_is_gone_is_ended_but_not_one_that_has_moved_meanwhile(
    membership: Membership, helix: FakeHelix, clock: FakeClock, ended: list[ColorChangerError | None]
) -> None:
    helix.answers["1"].append(SessionGone("gone"))
    membership.set_channels(["me"])
    helix.gate.clear()
    membership.session_began("s1")
    await settle()
    membership.session_moved("s2")
    helix.gate.set()
    await settle()
    assert (membership.joined, ended) == (1, [])
    membership.session_ended()
    helix.answers["1"].append(SessionGone("gone"))
    membership.session_began("s3")
    await clock.advance(2)
    assert [type(error) for error in ended] == [SessionGone]


async def test_a_login_that_is_gone_ends_the_session_with_its_reason(
    membership: Membership, helix: FakeHelix, clock: FakeClock, ended: list[ColorChangerError | None]
) -> None:
    helix.answers["1"].append(NeedsLogin("run: colorchanger login"))
    membership.set_channels(["me"])
    membership.session_began("s1")
    await settle()
    assert [str(error) for error in ended] == ["run: colorchanger login"]


async def test_a_session_with_nothing_to_read_is_ended(
    membership: Membership, clock: FakeClock, ended: list[ColorChangerError | None]
) -> None:
    membership.set_channels(["nobody"])
    membership.session_began("s1")
    await settle()
    assert ended[:1] == [None]


async def test_the_comparison_joins_again_what_is_lost_and_ends_what_nobody_wants(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    membership.set_channels(["me", "place"])
    membership.session_began("s1")
    await clock.advance(2)
    theirs = Subscribed("theirs", "another program's session", "id of place", "1")
    left = Subscribed("left over", "s1", "id of left", "1")
    helix.listed = [each for each in helix.listed if each.broadcaster_id == "1"] + [theirs, left]
    await clock.advance(120)
    assert membership.joined == 2
    assert len(helix.times("place")) == 2
    assert [id_ for _, id_ in helix.asked_notifications].count("id of place") == 2
    assert helix.ended == ["left over"]


async def test_what_twitch_says_exists_already_is_looked_at_soon(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    membership.set_channels(["me"])
    membership.session_began("s1")
    await clock.advance(1)
    membership.session_ended()
    helix.empty_answers = 1
    membership.session_began("s2")
    await clock.advance(1)
    assert membership.joined == 1  # so it was said ...
    await clock.advance(4)
    listed = [each.session_id for each in helix.listed if each.type == CHAT_MESSAGE]
    assert listed == ["s1", "s2"]  # ... and so it became


async def test_one_comparison_is_made_at_a_time_and_it_holds_up_no_join(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.list_gate.clear()
    membership.set_channels(["me"])
    membership.session_began("s1")
    await clock.advance(600)
    assert helix.comparisons == 1
    membership.set_channels(["me", "place"])
    await clock.advance(1)
    assert len(helix.times("place")) == 1
    helix.list_gate.set()
    await clock.advance(600)
    assert helix.comparisons >= 4


async def test_without_a_session_nothing_is_compared(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    membership.set_channels(["me"])
    await clock.advance(600)
    assert helix.comparisons == 0


async def test_a_mistake_in_a_comparison_ends_nothing(
    membership: Membership, helix: FakeHelix, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    membership.set_channels(["me"])
    membership.session_began("s1")
    await clock.advance(1)
    helix.listed = [None]  # pyright: ignore[reportAttributeAccessIssue]
    await clock.advance(120)
    assert "could not be compared" in caplog.text
    helix.listed = []
    await clock.advance(120)
    assert membership.joined == 1


# One at a time, and only answers that still count


async def test_four_requests_to_join_are_under_way_at_a_time(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.gate.clear()
    membership.set_channels([f"place{number}" for number in range(12)])
    membership.session_began("s1")
    await clock.advance(30)
    assert len(helix.asked) == PARALLEL_JOINS
    helix.gate.set()
    await clock.advance(30)
    assert membership.joined == 12


async def test_a_join_that_hangs_in_a_past_session_holds_up_nothing(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.gate.clear()
    membership.set_channels([f"place{number}" for number in range(PARALLEL_JOINS)])
    membership.session_began("s1")
    await settle()
    membership.session_ended()
    membership.session_began("s2")
    await settle()
    assert helix.sessions == ["s1"] * PARALLEL_JOINS + ["s2"] * PARALLEL_JOINS


@pytest.mark.parametrize("answer", [None, DOWN, REFUSED, SessionGone("gone"), NeedsLogin("log in")])
async def test_an_answer_that_belongs_to_a_past_session_is_dropped(
    answer: ColorChangerError | None,
    membership: Membership,
    helix: FakeHelix,
    ended: list[ColorChangerError | None],
) -> None:
    helix.answers_when_cancelled = True
    if answer is not None:
        helix.answers["1"].append(answer)
    membership.set_channels(["me"])
    helix.gate.clear()
    membership.session_began("s1")
    await settle()
    membership.session_ended()
    await settle()
    (me,) = membership.channels
    assert (me.state, me.reason, me.refused, ended) == ("joining", "", False, [])
    helix.gate.set()
    membership.session_began("s2")
    await settle()
    assert membership.joined == 1
    assert helix.sessions == ["s1", "s2"]


async def test_joins_go_to_the_session_id_of_the_last_move(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    membership.set_channels(["me"])
    membership.session_began("s1")
    await settle()
    membership.session_moved("s2")
    membership.set_channels(["me", "place"])
    await settle()
    assert helix.sessions == ["s1", "s2"]


async def test_a_429_about_lingering_sessions_holds_all_joins_for_a_minute(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.answers["1"].append(RateLimited("number of websocket transports limit exceeded"))
    membership.set_channels(["me"])
    membership.session_began("s1")
    await settle()
    membership.set_channels(["me", "place", "another place"])
    await clock.advance(59)
    assert len(helix.asked) == 1
    await clock.advance(6)
    assert membership.joined == 3


async def test_a_429_about_sessions_holds_no_other_join_once_a_channel_is_joined(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.answers["id of place"].append(RateLimited("maximum subscriptions with type and condition exceeded"))
    membership.set_channels(["me", "place"])
    membership.session_began("s1")
    await settle()
    membership.set_channels(["me", "place", "another place"])
    await settle()
    assert [each.state for each in membership.channels] == ["joined", "joining", "joined"]


async def test_what_was_joined_after_the_list_was_asked_for_is_not_compared_with_it(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.list_gate.clear()
    membership.set_channels(["me"])
    membership.session_began("s1")
    await clock.advance(120)
    assert helix.comparisons == 1
    membership.set_channels(["me", "place"])
    await clock.advance(1)
    helix.list_gate.set()
    await clock.advance(1)
    assert len(helix.times("place")) == 1


async def test_a_list_that_was_made_around_a_move_is_not_compared(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    membership.set_channels(["me"])
    membership.session_began("s1")
    await settle()
    helix.list_gate.clear()
    helix.listed = [each._replace(session_id="s2") for each in helix.listed]  # at Twitch the move has been made
    await clock.advance(120)
    membership.session_moved("s2")
    helix.list_gate.set()
    await clock.advance(1)
    assert (helix.comparisons, len(helix.asked)) == (1, 1)


# Notifications


async def test_notifications_are_subscribed_to_once_the_messages_are(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.gate.clear()
    membership.set_channels(["me"])
    membership.session_began("s1")
    await clock.advance(10)
    assert helix.asked_notifications == []
    helix.gate.set()
    await settle()
    assert helix.asked_notifications == [(10, "1")]
    membership.session_ended()
    membership.session_began("s2")
    await settle()
    assert len(helix.asked_notifications) == 2


@pytest.mark.parametrize(
    "answer", [REFUSED, SessionGone("no session"), NeedsLogin("log in"), DOWN, RateLimited("too many")]
)
async def test_notifications_that_are_refused_change_nothing_about_the_channel(
    answer: ColorChangerError,
    membership: Membership,
    helix: FakeHelix,
    clock: FakeClock,
    ended: list[ColorChangerError | None],
) -> None:
    helix.notification_answers.extend([answer] * 1000)
    membership.set_channels(["me"])
    membership.session_began("s1")
    await clock.advance(3600)
    assert [channel.status for channel in membership.channels] == [("joined", "", None)]
    assert (len(helix.asked), ended) == (1, [])
    assert 2 <= len(helix.asked_notifications) <= 65
    helix.notification_answers.clear()
    await clock.advance(3600)
    assert [each.type for each in helix.listed] == [CHAT_MESSAGE, CHAT_NOTIFICATION]


async def test_notifications_without_an_answer_hold_up_no_messages(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.notification_gate.clear()
    membership.set_channels([f"place{number}" for number in range(6)])
    membership.session_began("s1")
    await settle()
    membership.set_channels([f"place{number}" for number in range(9)])
    await settle()
    assert (membership.joined, len(helix.asked_notifications)) == (9, 1)
    helix.notification_gate.set()
    await clock.advance(12)
    assert len(helix.asked_notifications) == 9


async def test_refused_notifications_are_asked_for_every_five_minutes_at_most(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.notification_answers.extend([REFUSED] * 1000)
    membership.set_channels(["me"])
    membership.session_began("s1")
    await clock.advance(3600)
    times = [at for at, _ in helix.asked_notifications]
    assert min(later - earlier for earlier, later in pairwise(times)) >= 300


async def test_notifications_leave_room_for_messages_in_the_pace(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    membership.set_channels([f"place{number}" for number in range(12)])
    membership.session_began("s1")
    await settle()
    assert (membership.joined, helix.asked_notifications) == (12, [])
    membership.set_channels([f"place{number}" for number in range(18)])
    await settle()
    assert membership.joined == 18
    await clock.advance(25)
    assert len(helix.asked_notifications) == 18


async def test_the_end_of_a_notification_subscription_is_no_end_of_the_channel(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    membership.set_channels(["me"])
    membership.session_began("s1")
    await settle()
    for status in ("chat_user_banned", "user_removed", "version_removed", "because_of_the_weather"):
        membership.revoked("1", f"s1 1 {CHAT_NOTIFICATION}", CHAT_NOTIFICATION, status)
    assert [channel.state for channel in membership.channels] == ["joined"]
    await clock.advance(10)
    assert len(helix.asked_notifications) == 2


async def test_both_subscriptions_of_a_channel_that_is_left_are_ended(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    membership.set_channels(["me", "place"])
    membership.session_began("s1")
    await settle()
    membership.set_channels(["me"])
    await settle()
    assert helix.ended == [f"s1 id of place {CHAT_MESSAGE}", f"s1 id of place {CHAT_NOTIFICATION}"]


# Who a channel is


async def test_a_refused_channel_that_was_renamed_is_found_by_its_id(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.answers["id of friend"].extend([REFUSED] * 2)
    membership.set_channels(["friend"])
    membership.session_began("s1")
    await settle()
    helix.names["id of friend"], helix.ids["friend"] = "buddy", ""
    await clock.advance(3600)
    (friend,) = membership.channels
    assert (friend.login, friend.renamed_to, friend.id, friend.state) == ("friend", "buddy", "id of friend", "joined")


async def test_a_known_id_is_used_whatever_the_channel_is_called(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    membership.set_channels(["nobody"], {"nobody": "7"})
    membership.session_began("s1")
    await settle()
    assert [id_ for _, id_ in helix.asked] == ["7"]
    assert helix.looked_up == []


async def test_a_channel_of_an_earlier_run_is_looked_up_by_its_id(membership: Membership, helix: FakeHelix) -> None:
    helix.ids["friend"], helix.names["7"] = "8", "buddy"  # somebody else has the name now
    membership.set_channels(["friend"], remembered={"friend": "7"})
    membership.session_began("s1")
    await settle()
    assert ([id_ for _, id_ in helix.asked], helix.looked_up) == (["7"], ["1", "7"])
    assert membership.known() == {"friend": Known("7", "buddy")}


async def test_a_channel_of_an_earlier_run_that_is_gone_gives_its_name_free(
    membership: Membership, helix: FakeHelix
) -> None:
    helix.gone.add("7")
    helix.ids["friend"] = "8"
    for live in ({}, {"star": "9"}):
        membership.set_channels(["friend", *live], live, {"friend": "7"})
        membership.session_began("s1")
        await settle()
        assert membership.known()["friend"] == Known("8", "friend")


async def test_a_channel_that_is_listed_under_its_present_name_is_called_by_it(
    membership: Membership, helix: FakeHelix
) -> None:
    helix.names["7"] = "buddy"
    membership.set_channels(["friend"], remembered={"friend": "7"})
    membership.session_began("s1")
    await settle()
    membership.set_channels(["buddy"], remembered={"buddy": "7"})
    (channel,) = membership.channels
    assert (channel.login, channel.renamed_to, channel.state) == ("buddy", "", "joined")


async def test_the_old_and_the_new_name_of_a_channel_are_one_channel(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.ids |= {"friend": "7", "buddy": "7"}
    membership.set_channels(["friend", "buddy"])
    membership.session_began("s1")
    await settle()
    assert [id_ for _, id_ in helix.asked] == ["7"]
    membership.set_channels(["buddy"])
    await settle()
    assert ([id_ for _, id_ in helix.asked], helix.ended) == (["7"], [])


async def test_a_channel_keeps_its_state_when_it_is_wanted_under_its_new_name(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    membership.set_channels(["friend"])
    membership.session_began("s1")
    await settle()
    membership.set_channels(["buddy"], {"buddy": "id of friend"})
    await settle()
    assert (len(helix.asked), helix.ended, membership.joined) == (1, [], 1)


async def test_a_name_that_somebody_else_has_taken_counts_when_the_id_is_gone(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.answers["7"].extend([REFUSED] * 2)
    helix.gone.add("7")
    helix.ids["friend"] = "8"
    membership.set_channels(["friend"], {"friend": "7"})
    membership.session_began("s1")
    await clock.advance(3600)
    assert [id_ for _, id_ in helix.asked] == ["7", "7", "8"]


async def test_a_removed_channel_and_a_removed_reader_are_told_apart(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    membership.set_channels(["me", "place"])
    membership.session_began("s1")
    await settle()
    helix.gone.add("id of place")
    helix.ids["place"] = ""
    membership.revoked("id of place", f"s1 id of place {CHAT_MESSAGE}", CHAT_MESSAGE, "user_removed")
    await clock.advance(10)
    assert channel(membership, "place").reason == "the channel is suspended or deleted"
    assert channel(membership, "me").state == "joined"
    helix.gone.add("1")
    membership.revoked("1", f"s1 1 {CHAT_MESSAGE}", CHAT_MESSAGE, "user_removed")
    await clock.advance(10)
    assert channel(membership, "me").reason == "Twitch has suspended or deleted this account"
    helix.gone.clear()
    await clock.advance(3600)
    assert membership.joined == 2


async def test_a_refusal_because_the_account_is_suspended_is_named_at_once(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.gone.add("1")
    for id_ in ("1", "id of place"):
        helix.answers[id_].extend([REFUSED] * 2)
    membership.set_channels(["me", "place"])
    membership.session_began("s1")
    await clock.advance(6)
    assert {each.reason for each in membership.channels} == {"Twitch has suspended or deleted this account"}
    assert {each.state for each in membership.channels} == {"parked"}


async def test_a_refused_channel_keeps_its_reason_while_it_cannot_be_looked_up(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.answers["id of place"].extend([REFUSED] * 2)
    membership.set_channels(["me", "place"])
    membership.session_began("s1")
    await clock.advance(1)
    helix.look_ups.extend([DOWN] * 10)
    await clock.advance(100)
    assert channel(membership, "place").state == "parked"
    assert "proper authorization" in channel(membership, "place").reason
    assert len(helix.times("place")) == 2
    assert helix.look_ups == deque()


async def test_a_removal_that_twitch_takes_back_is_joined_again_at_once(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    membership.set_channels(["me"])
    membership.session_began("s1")
    await settle()
    membership.revoked("1", f"s1 1 {CHAT_MESSAGE}", CHAT_MESSAGE, "user_removed")
    await clock.advance(2)
    assert membership.joined == 1


async def test_a_look_up_without_an_answer_holds_up_no_other_channel(
    membership: Membership, helix: FakeHelix, clock: FakeClock, ended: list[ColorChangerError | None]
) -> None:
    helix.look_up_gate.clear()
    membership.set_channels(["me", "place"])
    membership.session_began("s1")
    await clock.advance(10)
    assert (channel(membership, "me").state, ended) == ("joined", [])
    helix.look_up_gate.set()
    await settle()
    assert membership.joined == 2


async def test_a_membership_that_is_started_again_forgets_what_was_under_way(
    helix: FakeHelix, clock: FakeClock, membership: Membership
) -> None:
    membership.set_channels(["me", "place"])
    for gate in (helix.look_up_gate, helix.list_gate):
        gate.clear()
    membership.session_began("s1")
    await clock.advance(120)
    assert (helix.looked_up, helix.comparisons) == (["place"], 1)
    (running,) = (task for task in asyncio.all_tasks() if task.get_name() == "membership")
    running.cancel()
    await settle()
    for gate in (helix.look_up_gate, helix.list_gate):
        gate.set()
    again = asyncio.create_task(membership.run())
    await clock.advance(120)
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)
    assert (membership.joined, helix.comparisons) == (2, 2)


async def test_a_look_up_is_tried_again_while_twitch_is_in_trouble(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.look_ups.extend([DOWN] * 3)
    membership.set_channels(["place"])
    membership.session_began("s1")
    await settle()
    assert "trouble" in channel(membership, "place").reason
    await clock.advance(10)
    assert membership.joined == 1
