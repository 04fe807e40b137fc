"""Bursts: what a person writes is always answered, what a script writes three times a second."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.changer.burst import MESSAGES, SECONDS, TOGETHER_SECONDS, Burst

NEVER = float("-inf")


def test_messages_that_wait_for_the_colour_before_are_never_held_up() -> None:
    burst = Burst()
    for number in range(1000):
        now = number * TOGETHER_SECONDS * 1.01
        burst.saw(now, busy=False)
        assert burst.earliest(now) == NEVER
        burst.began(now)


def test_messages_at_once_are_answered_three_times_a_second() -> None:
    burst = Burst()
    begun: list[float] = []
    for step in range(4000):
        now = step / 1024  # exact in binary
        burst.saw(now, busy=False)
        if burst.earliest(now) <= now:
            burst.began(now)
            begun.append(now)
    for first, fourth in zip(begun[MESSAGES:], begun[2 * MESSAGES :], strict=False):
        assert fourth - first >= SECONDS
    assert len(begun) >= 4 * MESSAGES


@given(gaps=st.lists(st.floats(0.0, 2.0), max_size=40), busy=st.lists(st.booleans(), min_size=40, max_size=40))
def test_nobody_is_held_up_for_longer_than_a_second(gaps: list[float], busy: list[bool]) -> None:
    burst, now = Burst(), 0.0
    for gap, is_busy in zip(gaps, busy, strict=False):
        now += gap
        burst.saw(now, busy=is_busy)
        assert burst.earliest(now) <= now + SECONDS
        burst.began(max(now, burst.earliest(now)))
        now = max(now, burst.earliest(now))
