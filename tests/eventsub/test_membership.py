"""When an account's channels are joined, tried again and left alone: the real waiting times on a fake clock."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Sequence
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
from colorchanger_bot.eventsub.follows import chosen, follow_live
from colorchanger_bot.eventsub.membership import Membership
from colorchanger_bot.eventsub.timing import Timing
from colorchanger_bot.twitch.helix import Subscribed, User
from tests.fakes import EPOCH, FakeClock, settle

DOWN = TwitchUnavailable("Twitch is in trouble (503)")
REFUSED = ChannelRefused("subscription missing proper authorization")


class FakeHelix:
    """Records who asks for what and when; `answers` holds the next errors of a channel, by its id."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.asked: list[tuple[float, str]] = []
        self.answers: defaultdict[str, deque[ColorChangerError]] = defaultdict(deque)
        self.listed: list[Subscribed] = []
        self.live: list[dict[str, str] | ColorChangerError] = []
        self.ended: list[str] = []
        self.empty_answers = 0
        """So many requests to join are answered with "it exists", although it does not."""
        self.gate = asyncio.Event()
        self.gate.set()
        self.list_gate = asyncio.Event()
        self.list_gate.set()
        self.comparisons = 0

    async def users(self, logins: Sequence[str]) -> list[User]:
        return [User(f"id of {login}", login, login) for login in logins if login != "nobody"]

    async def subscribe_chat(self, session_id: str, *, broadcaster_id: str, user_id: str) -> str:
        self.asked.append((self._clock.monotonic(), broadcaster_id))
        await self.gate.wait()
        if self.answers[broadcaster_id]:
            raise self.answers[broadcaster_id].popleft()
        if self.empty_answers:
            self.empty_answers -= 1
            return ""
        self.listed.append(Subscribed(f"{session_id} {broadcaster_id}", session_id, broadcaster_id, user_id))
        return self.listed[-1].id

    async def subscriptions(self) -> list[Subscribed]:
        self.comparisons += 1
        await self.list_gate.wait()
        return self.listed

    async def unsubscribe(self, subscription_id: str) -> None:
        self.ended.append(subscription_id)

    async def live_followed(self, user_id: str) -> dict[str, str]:
        answer = self.live.pop(0) if len(self.live) > 1 else self.live[0]
        if isinstance(answer, ColorChangerError):
            raise answer
        return answer

    def times(self, channel: str) -> list[float]:
        """When a channel was asked for."""
        return [at for at, id_ in self.asked if id_ == f"id of {channel}"]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def helix(clock: FakeClock) -> FakeHelix:
    return FakeHelix(clock)


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
    task = asyncio.create_task(membership.run())
    yield membership
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def channel(membership: Membership, login: str) -> Channel:
    return next(each for each in membership.channels if each.login == login)


async def test_three_joins_are_made_at_once_and_then_less_than_two_a_second(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    membership.want([f"place{number}" for number in range(60)])
    membership.session_began("s1")
    await clock.advance(60)
    assert membership.joined == 60
    times = [at for at, _ in helix.asked]
    assert times[2] == 0
    assert max(sum(start <= at < start + 10 for at in times) for start in times) <= 20


async def test_the_pace_is_kept_from_one_session_to_the_next(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    membership.want([f"place{number}" for number in range(30)])
    for number in range(10):
        membership.session_began(f"s{number}")
        await clock.advance(2)
        membership.session_ended()
    times = [at for at, _ in helix.asked]
    assert max(sum(start <= at < start + 10 for at in times) for start in times) <= 20


async def test_a_refusal_is_tried_after_5_s_and_then_left_alone_for_5_minutes_growing_to_an_hour(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.answers["id of place"].extend([REFUSED] * 9)
    membership.want(["me", "place"])
    membership.session_began("s1")
    await clock.advance(5)
    first, second = helix.times("place")
    assert second - first == 5
    assert channel(membership, "place").story.startswith("parked: subscription missing proper authorization (banned")
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
    membership.want(["me", "place"])
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
    membership.want([f"place{number}" for number in range(20)])
    membership.session_began("s1")
    await clock.advance(19)
    early = len(helix.asked)
    assert early <= 3
    await clock.advance(2)
    assert len(helix.asked) > early


@pytest.mark.parametrize("retry_at", [0.0, EPOCH - 5, EPOCH + 1e9])
async def test_a_reset_that_makes_no_sense_is_neither_a_storm_nor_silence(
    retry_at: float, membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.answers["1"].extend([RateLimited("too many requests", retry_at)] * 2)
    membership.want(["me"])
    membership.session_began("s1")
    await clock.advance(300)
    assert membership.joined == 1
    assert helix.asked[1][0] - helix.asked[0][0] >= 1


async def test_trouble_is_tried_again_ever_later_up_to_8_s(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.answers["1"].extend([DOWN] * 30)
    membership.want(["me"])
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
    membership.want(["me"])
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
    membership.want(["me"])
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
    membership.want(["me"])
    membership.session_began("s1")
    await settle()
    assert [str(error) for error in ended] == ["run: colorchanger login"]


async def test_a_session_with_nothing_to_read_is_ended(
    membership: Membership, clock: FakeClock, ended: list[ColorChangerError | None]
) -> None:
    membership.want(["nobody"])
    membership.session_began("s1")
    await settle()
    assert ended[:1] == [None]


async def test_the_comparison_joins_again_what_is_lost_and_ends_what_nobody_wants(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    membership.want(["me", "place"])
    membership.session_began("s1")
    await clock.advance(2)
    theirs = Subscribed("theirs", "another program's session", "id of place", "1")
    left = Subscribed("left over", "s1", "id of left", "1")
    helix.listed = [each for each in helix.listed if each.broadcaster_id == "1"] + [theirs, left]
    await clock.advance(120)
    assert membership.joined == 2
    assert len(helix.times("place")) == 2
    assert helix.ended == ["left over"]


async def test_what_twitch_says_exists_already_is_looked_at_soon(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    membership.want(["me"])
    membership.session_began("s1")
    await clock.advance(1)
    membership.session_ended()
    helix.empty_answers = 1
    membership.session_began("s2")
    await clock.advance(1)
    assert membership.joined == 1  # so it was said ...
    await clock.advance(4)
    assert [each.session_id for each in helix.listed] == ["s1", "s2"]  # ... and so it became


async def test_one_comparison_is_made_at_a_time_and_it_holds_up_no_join(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    helix.list_gate.clear()
    membership.want(["me"])
    membership.session_began("s1")
    await clock.advance(600)
    assert helix.comparisons == 1
    membership.want(["me", "place"])
    await clock.advance(1)
    assert len(helix.times("place")) == 1
    helix.list_gate.set()
    await clock.advance(600)
    assert helix.comparisons >= 4


async def test_without_a_session_nothing_is_compared(
    membership: Membership, helix: FakeHelix, clock: FakeClock
) -> None:
    membership.want(["me"])
    await clock.advance(600)
    assert helix.comparisons == 0


async def test_a_mistake_in_a_comparison_ends_nothing(
    membership: Membership, helix: FakeHelix, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    membership.want(["me"])
    membership.session_began("s1")
    await clock.advance(1)
    helix.listed = [None]  # pyright: ignore[reportAttributeAccessIssue]
    await clock.advance(120)
    assert "could not be compared" in caplog.text
    helix.listed = []
    await clock.advance(120)
    assert membership.joined == 1


def test_at_most_90_live_channels_are_chosen_and_those_that_are_read_stay() -> None:
    live = {f"place{number}": str(number) for number in range(120)}
    first = chosen(live, {})
    assert len(first) == 90
    reading = {login: live[login] for login in list(live)[60:]}
    assert set(reading) <= set(chosen(live, reading))
    assert len(chosen(live, reading)) == 90


async def test_live_channels_are_looked_at_every_two_minutes_and_kept_while_nobody_tells(
    helix: FakeHelix, clock: FakeClock
) -> None:
    helix.live = [{"a": "1"}, DOWN, {"a": "1", "b": "2"}, {}]
    wanted: list[list[str]] = []
    work = follow_live(
        "1",
        "me",
        helix,  # pyright: ignore[reportArgumentType]
        lambda live: wanted.append(list(live)),
        clock=clock,
        rng=random.Random(7),
        timing=Timing(),
    )
    task = asyncio.create_task(work)
    await clock.advance(600)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert wanted == [["a"], ["a", "b"], []]
