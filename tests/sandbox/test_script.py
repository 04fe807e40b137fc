"""The scripted crowd."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.sandbox import CROWD, Line, Script, chatter
from colorchanger_bot.sandbox.state import State


@given(seed=st.integers(), own=st.integers(0, 60))
def test_has_so_many_own_lines_and_ends_with_one(seed: int, own: int) -> None:
    lines = list(Script("me", random.Random(seed)).lines(own))
    assert sum(line.login == "me" for line in lines) == own
    assert [line.login for line in lines[-1:]] == ["me"][:own]


@given(seed=st.integers())
def test_nobody_is_a_bore(seed: int) -> None:
    lines = list(Script("me", random.Random(seed)).lines(40))
    for mine in (True, False):
        texts = [line.text for line in lines if (line.login == "me") is mine]
        assert all(first != second for first, second in pairwise(texts))


@given(seed=st.integers())
def test_lines_are_short_and_pauses_natural(seed: int) -> None:
    for line in Script("me", random.Random(seed)).lines(10):
        assert 0 < len(line.text) <= 60
        assert "{" not in line.text
        assert 0.4 <= line.pause <= 2.0


def test_the_same_rng_gives_the_same_chat() -> None:
    first, second = (list(Script("me", random.Random(7)).lines(20)) for _ in range(2))
    assert first == second


def test_alone_is_possible() -> None:
    assert {line.login for line in Script("me", random.Random(1), crowd=()).lines(5)} == {"me"}


def test_the_crowd_can_be_users() -> None:
    state = State()
    for login, color in CROWD:
        state.add_user(login, color=color)
    assert [user.login for user in state.users] == [login for login, _ in CROWD]


async def test_chatter_sleeps_and_says_each_line(town: Any) -> None:
    twitch = town.twitch
    for login, color in CROWD:
        twitch.add_user(login, color)
    line = await town.peer("alice").read("alice")
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    played = [item async for item in chatter(twitch, "alice", "alice", random.Random(3), own=4, sleep=sleep)]
    seen = [await line.event() for _ in played]
    assert [said.pause for said, _ in played] == slept
    assert [(said.login, said.text, id) for said, id in played] == [
        (event["chatter_user_login"], event["message"]["text"], event["message_id"]) for event in seen
    ]
    assert all(isinstance(said, Line) for said, _ in played)
