"""How the local Twitch counts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.sandbox.rate_limits import SlidingWindow, TokenBucket

STEPS = st.lists(st.floats(0, 30), max_size=60)


@given(steps=STEPS, limit=st.integers(1, 10), window=st.floats(1, 60))
def test_a_bucket_never_gives_more_than_it_holds_and_refills(steps: list[float], limit: int, window: float) -> None:
    now = [1000.0]
    bucket = TokenBucket(limit, window, lambda: now[0])
    taken = 0
    for step in steps:
        now[0] += step
        taken += bucket.take()
        assert 0 <= int(bucket.headers()["Ratelimit-Remaining"]) < limit
    assert taken <= limit + (now[0] - 1000.0) * limit / window + 1e-6


@given(limit=st.integers(1, 20))
def test_an_empty_bucket_is_full_again_at_its_reset(limit: int) -> None:
    now = [1000.0]
    bucket = TokenBucket(limit, 60, lambda: now[0])
    while bucket.take():
        pass
    now[0] = float(bucket.headers()["Ratelimit-Reset"])
    assert sum(bucket.take() for _ in range(limit + 1)) == limit


@given(steps=STEPS, limit=st.integers(1, 5))
def test_a_window_holds_at_most_its_limit(steps: list[float], limit: int) -> None:
    now = [0.0]
    window = SlidingWindow(limit, 10, lambda: now[0])
    times: list[float] = []
    for step in steps:
        now[0] += step
        recent = sum(time > now[0] - 10 for time in times)
        assert window.full() == (recent >= limit)
        if not window.full():
            window.note()
            times.append(now[0])
