"""The pace of joins, whenever within a request Twitch counts it."""

from __future__ import annotations

import math
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from colorchanger_bot.clock import SystemClock
from colorchanger_bot.errors import RateLimited, TwitchUnavailable
from colorchanger_bot.eventsub.join_pace import JoinPace
from colorchanger_bot.eventsub.timing import Timing

TWITCH_JOINS, TWITCH_SECONDS = 20, 10.0
Request = tuple[float, float]
"""How long until it is answered, and at which part of that time Twitch counts it."""


class Now(SystemClock):
    """A clock that stands where it is put."""

    at = 0.0

    def monotonic(self) -> float:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.at


def joins_as_fast_as_allowed(requests: list[Request], parallel: int) -> list[float]:
    """Make the requests, so many at a time, and return when Twitch counts each."""
    clock = Now()
    pace = JoinPace(clock, random.Random(7), Timing())
    waiting, under_way, counted = list(requests), list[float](), list[float]()
    while waiting:
        seconds = pace.seconds_to_next() if len(under_way) < parallel else math.inf
        next_answer = min(under_way, default=math.inf)
        if clock.at + seconds < next_answer:
            clock.at += seconds
            answer_after, part = waiting.pop()
            pace.begin()
            under_way.append(clock.at + answer_after)
            counted.append(clock.at + part * answer_after)
        else:
            clock.at = next_answer
            under_way.remove(next_answer)
            pace.end()
    return sorted(counted)


requests = st.lists(st.tuples(st.floats(0.001, 10), st.floats(0, 1)), min_size=1, max_size=80)


@settings(deadline=None)
@given(requests, st.integers(1, 20))
def test_twitch_never_counts_more_than_20_joins_in_10_seconds(requests: list[Request], parallel: int) -> None:
    counted = joins_as_fast_as_allowed(requests, parallel)
    assert all(
        later - earlier >= TWITCH_SECONDS for earlier, later in zip(counted, counted[TWITCH_JOINS:], strict=False)
    )


def test_with_quick_answers_a_burst_is_followed_by_the_next_one_ten_seconds_later() -> None:
    counted = joins_as_fast_as_allowed([(0.1, 0.5)] * 40, parallel=4)
    assert counted[Timing().joins - 1] < 1
    assert 10 <= counted[Timing().joins] < 10.2
    assert counted[-1] < 21


def test_a_rate_limit_holds_all_joins_and_trouble_holds_none() -> None:
    clock = Now()
    pace = JoinPace(clock, random.Random(7), Timing())
    assert pace.seconds_after(TwitchUnavailable("503"), in_session=False) is None
    assert pace.seconds_to_next() == 0
    retry_at = clock.now().timestamp() + 30
    wait = pace.seconds_after(RateLimited("too many", retry_at), in_session=True)
    assert wait is not None
    assert 29 < wait <= 30
    assert pace.seconds_to_next() == pace.seconds_held() == wait
