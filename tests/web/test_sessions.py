"""Sessions, CSRF tokens and counted passwords: what they keep, for how long, and what they forget."""

from __future__ import annotations

import asyncio

import pytest

from colorchanger_bot.settings.passwords import hashed
from colorchanger_bot.web.sessions import (
    MOST_SESSIONS,
    TRIES_OF_ALL,
    TRIES_OF_ONE,
    WINDOW_SECONDS,
    Attempts,
    Sessions,
)
from tests.fakes import FakeClock

PASSWORD = "correct horse battery staple"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sessions(clock: FakeClock) -> Sessions:
    return Sessions(PASSWORD, clock)


@pytest.fixture
def attempts(clock: FakeClock) -> Attempts:
    return Attempts(clock)


async def test_a_session_is_trusted_for_a_week_and_each_time_anew(clock: FakeClock, sessions: Sessions) -> None:
    session = sessions.new_session()
    assert not sessions.trusts(session)
    sessions.trust(session)
    await clock.advance(7 * 86_400 - 1)
    assert sessions.trusts(session)
    assert not sessions.trusts(sessions.new_session())
    sessions.trust(session)
    await clock.advance(86_400)
    assert sessions.trusts(session)


def test_of_many_sessions_the_oldest_is_forgotten(sessions: Sessions) -> None:
    made = [sessions.new_session() for _ in range(MOST_SESSIONS + 1)]
    for session in made:
        sessions.trust(session)
    assert [sessions.trusts(session) for session in made] == [False] + [True] * MOST_SESSIONS


def test_a_session_that_is_forgotten_is_trusted_no_longer_and_others_are(sessions: Sessions) -> None:
    mine, other = sessions.new_session(), sessions.new_session()
    for session in (mine, other):
        sessions.trust(session)
    sessions.forget(mine)
    sessions.forget("never there")
    assert (sessions.trusts(mine), sessions.trusts(other)) == (False, True)


@pytest.mark.parametrize("kept", [PASSWORD, hashed(PASSWORD)], ids=["plain", "hash"])
async def test_only_the_password_is_right(kept: str, clock: FakeClock) -> None:
    sessions = Sessions(kept, clock)
    assert await sessions.check(PASSWORD, "here") == (True, 0.0)
    for place, wrong in enumerate(("", PASSWORD.upper(), PASSWORD + " ", PASSWORD[:-1], "\ud800", kept[:-1])):
        assert await sessions.check(wrong, f"address {place}") == (False, 0.0)


async def test_without_a_password_everybody_is_trusted_and_nothing_is_right(clock: FakeClock) -> None:
    without = Sessions("", clock)
    assert without.is_open
    assert without.trusts("anybody")
    assert await without.check("", "here") == (False, 0.0)


async def test_wrong_passwords_that_come_at_the_same_time_count_like_others(clock: FakeClock) -> None:
    sessions = Sessions(hashed(PASSWORD), clock)
    tries = [sessions.check(f"guess {number}", "one") for number in range(3 * TRIES_OF_ONE)]
    answers = await asyncio.gather(*tries, sessions.check(PASSWORD, "one"))
    assert answers == [(False, 0.0)] * TRIES_OF_ONE + [(False, WINDOW_SECONDS)] * (2 * TRIES_OF_ONE + 1)
    assert await sessions.check(PASSWORD, "another") == (True, 0.0)


async def test_right_passwords_that_come_at_the_same_time_are_no_tries(clock: FakeClock) -> None:
    sessions = Sessions(hashed(PASSWORD), clock)
    answers = await asyncio.gather(*(sessions.check(PASSWORD, "one") for _ in range(2 * TRIES_OF_ALL)))
    assert answers == [(True, 0.0)] * (2 * TRIES_OF_ALL)
    assert sessions.attempts.wait("one") == 0


async def test_who_hangs_up_before_the_answer_has_tried(clock: FakeClock) -> None:
    sessions = Sessions(hashed(PASSWORD), clock)
    for number in range(TRIES_OF_ONE):
        guess = asyncio.create_task(sessions.check(f"guess {number}", "one"))
        await asyncio.sleep(0)  # it is being checked now
        guess.cancel()
        with pytest.raises(asyncio.CancelledError):
            await guess
    assert await sessions.check(PASSWORD, "one") == (False, WINDOW_SECONDS)


async def test_a_password_that_was_changed_during_its_check_is_wrong(clock: FakeClock) -> None:
    sessions = Sessions(hashed(PASSWORD), clock)
    before = asyncio.create_task(sessions.check(PASSWORD, "one"))
    await asyncio.sleep(0)  # it is being checked now
    sessions.use(hashed("another"))
    assert await before == (False, 0.0)
    assert await sessions.check(PASSWORD, "one") == (False, 0.0)
    assert await sessions.check("another", "one") == (True, 0.0)


async def test_the_event_loop_goes_on_while_a_password_is_checked(clock: FakeClock) -> None:
    sessions = Sessions(hashed(PASSWORD), clock)
    checks = asyncio.gather(*(sessions.check(f"guess {number}", str(number)) for number in range(TRIES_OF_ONE)))
    turns = 0
    while not checks.done():
        await asyncio.sleep(0)
        turns += 1
    # On the loop, it is a few turns for each check; beside it, thousands.
    assert turns > 20 * TRIES_OF_ONE


def test_a_csrf_token_belongs_to_one_session_of_one_process(sessions: Sessions, clock: FakeClock) -> None:
    mine, other = sessions.new_session(), sessions.new_session()
    assert sessions.is_csrf(mine, sessions.csrf(mine))
    assert not sessions.is_csrf(other, sessions.csrf(mine))
    assert not Sessions(PASSWORD, clock).is_csrf(mine, sessions.csrf(mine))
    for odd in ("", "é", "\ud800"):
        assert not sessions.is_csrf(mine, odd)


def test_sessions_cannot_be_guessed(sessions: Sessions) -> None:
    made = {sessions.new_session() for _ in range(100)}
    assert len(made) == 100
    assert min(map(len, made)) >= 43  # 32 random bytes


async def test_the_first_wrong_password_is_forgotten_first(attempts: Attempts, clock: FakeClock) -> None:
    for _ in range(TRIES_OF_ONE):
        attempts.failed("one")
        await clock.advance(10)
    assert attempts.wait("one") == WINDOW_SECONDS - 10 * TRIES_OF_ONE
    await clock.advance(attempts.wait("one"))
    assert attempts.wait("one") == 0
    attempts.failed("one")
    assert attempts.wait("one") == 10


async def test_the_wrong_passwords_of_all_addresses_are_forgotten_too(attempts: Attempts, clock: FakeClock) -> None:
    for number in range(TRIES_OF_ALL - 1):
        attempts.failed(f"address {number}")
    assert attempts.wait("a new one") == 0
    attempts.failed("the last")
    assert attempts.wait("a new one") == WINDOW_SECONDS
    await clock.advance(WINDOW_SECONDS)
    assert attempts.wait("a new one") == 0
