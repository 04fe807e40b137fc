"""When a token is renewed ahead of its end, and what a request that worked says of it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.auth.states import Life, State
from colorchanger_bot.auth.tracked_login import TrackedLogin
from colorchanger_bot.store.store import Login, TokenPair
from tests.fakes import FakeClock


def tracked(clock: FakeClock, *, life: float = 4 * 3600.0, issued: bool = True, number: int = 1) -> TrackedLogin:
    now = clock.now().timestamp()
    pair = TokenPair("access-of-a-test", "refresh-of-a-test", now + life, frozenset(), now if issued else None)
    return TrackedLogin.of(Login(number, "1", "me", "app", pair), clock, random.Random(1))


async def ends_soon_from(kept: TrackedLogin, clock: FakeClock, *, step: float) -> float:
    """The seconds that the token has left when its end first counts as near."""
    while not kept.ends_soon():
        await clock.advance(step)
    left = kept.seconds_left()
    assert left is not None
    return left


async def test_a_token_is_renewed_between_five_and_ten_minutes_ahead_differently_for_each_account() -> None:
    ahead: set[float] = set()
    for number in range(1, 30):
        clock = FakeClock()
        kept = tracked(clock, number=number)
        await clock.advance(4 * 3600 - 620)
        assert not kept.ends_soon()
        left = await ends_soon_from(kept, clock, step=10)
        assert 290 <= left <= 600
        ahead.add(left)
    assert len(ahead) > 10


@pytest.mark.parametrize("life", [60.0, 600.0, 3000.0])
async def test_a_token_with_a_short_life_is_renewed_in_its_last_tenth(life: float) -> None:
    clock = FakeClock()
    left = await ends_soon_from(tracked(clock, life=life), clock, step=life / 200)
    assert life / 25 <= left <= life / 10


async def test_a_token_from_elsewhere_is_renewed_ten_minutes_ahead_at_most() -> None:
    clock = FakeClock()
    left = await ends_soon_from(tracked(clock, issued=False), clock, step=60)
    assert 240 <= left <= 600


@given(st.booleans(), st.sampled_from([None, True]), st.integers(0, 3))
def test_a_request_that_worked_ends_the_trial_of_a_new_token(dates: bool, works: bool | None, pauses: int) -> None:
    kept = tracked(FakeClock(), issued=dates)
    kept.life = Life(State.FRESH, works)
    kept.pauses.attempts = pauses
    kept.fresh_until = 1e9
    kept.accepted()
    if works is None or pauses:
        assert (kept.life, kept.pauses.attempts) == (Life(State.GOOD, True), 0)
        assert kept.fresh_until < 0


def test_a_request_that_worked_says_nothing_of_the_refresh_token() -> None:
    kept = tracked(FakeClock())
    kept.life = Life(State.DOUBTFUL)
    kept.pauses.attempts = 2
    kept.accepted()
    assert (kept.life, kept.pauses.attempts) == (Life(State.DOUBTFUL, True), 2)
