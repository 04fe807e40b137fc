"""Faults while changing a colour, and which of two changes wins."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

from colorchanger_bot.sandbox import faults
from colorchanger_bot.sandbox.faults import Action
from tests.faults.stage import PUT_COLOR, SUBSCRIBE, Stage, add, limited_until, scenario

RED = "#FF0000"
BLUE = "#0000FF"


def in_flight(stage: Stage) -> int:
    """Return the number of colour requests that have not been answered."""
    return sum(seen.line == PUT_COLOR and seen.status is None for seen in stage.twitch.requests)


def answered(action: Action, times: int) -> Callable[[Stage], Awaitable[float]]:
    async def play(stage: Stage) -> float:
        stage.twitch.faults.add(PUT_COLOR, action, times=times)
        return await stage.recovers(10)

    return play


for name, action, times in (
    ("500", faults.status(500), 1),
    ("503 three times", faults.status(503), 3),
    ("dropped twice", faults.drop(), 2),
    ("garbage", faults.garbage(), 1),
    ("no answer", faults.hang(40), 1),
    ("401, and a refresh helps", faults.status(401, message="Invalid OAuth token"), 1),
):
    add(f"a change meets: {name}", answered(action, times), promise=5, seconds=5)


@scenario("a change meets: 429 until a reset in 3 s", promise=5, seconds=8)
async def limited_for_a_while(stage: Stage) -> float:
    reset = math.ceil(time.time() + 3)
    stage.twitch.faults.add(PUT_COLOR, limited_until(reset), times=None)
    await stage.say()
    await asyncio.sleep(reset - time.time())
    stage.twitch.faults.clear()
    return await stage.recovers(5)


@scenario("429 with a reset: one change for all messages of the time", seconds=7)
async def limited(stage: Stage) -> float:
    stage.twitch.faults.add(PUT_COLOR, faults.rate_limited(3))
    for _ in range(20):
        await stage.say()
        await asyncio.sleep(0.1)
    await stage.twitch.wait_for(stage.changes, timeout=6)
    await asyncio.sleep(1)
    assert (stage.asked(PUT_COLOR), stage.changes()) == (2, 1)
    return 0


@scenario("a slow change, then a newer command: the newer wins", promise=4, seconds=5, inside=True)
async def slow(stage: Stage) -> float:
    stage.twitch.faults.add(PUT_COLOR, faults.delay(2))
    await stage.say()
    await stage.twitch.wait_for(lambda: in_flight(stage) == 1)
    began = time.monotonic()
    await stage.say(text="!color set blue")
    await stage.twitch.wait_for(lambda: stage.changes() == 2)
    assert stage.twitch.user("me").color == BLUE
    return time.monotonic() - began


@scenario("a command during the wait for a retry acts at once", promise=1, seconds=6, inside=True)
async def command(stage: Stage) -> float:
    stage.twitch.faults.add(PUT_COLOR, faults.status(503), times=4)
    await stage.say()
    await stage.twitch.wait_for(lambda: stage.asked(PUT_COLOR) == 3, timeout=6)
    stage.twitch.faults.clear()
    began = time.monotonic()
    await stage.say(text="!color set blue")
    await stage.twitch.wait_for(lambda: stage.changes() == 1)
    seconds = time.monotonic() - began
    await asyncio.sleep(1)
    assert (stage.twitch.user("me").color, stage.changes()) == (BLUE, 1)
    return seconds


@scenario("a burst of 200 messages: a handful of changes, one at a time", seconds=6)
async def burst(stage: Stage) -> float:
    stage.twitch.faults.add(PUT_COLOR, faults.delay(0.3), times=None)
    most, began = 0, time.monotonic()
    for _ in range(200):
        await stage.say()
        await asyncio.sleep(0.005)
        most = max(most, in_flight(stage))
    await asyncio.sleep(1.5)
    assert most == 1
    assert 1 <= stage.changes() <= (time.monotonic() - began) / 0.3  # one after the other
    return 0


@scenario("200 messages in an instant: a handful of changes", seconds=4)
async def instant(stage: Stage) -> float:
    for _ in range(200):
        await stage.say()
    await asyncio.sleep(1.5)
    assert 1 <= stage.changes() <= 5
    return 0


@scenario("401 for ever although the refresh succeeds: one refresh, few requests, and a reason", seconds=9, inside=True)
async def stubborn(stage: Stage) -> float:
    stage.twitch.faults.add(PUT_COLOR, faults.status(401, message="Invalid OAuth token"), times=None)
    for _ in range(60):
        await stage.say()
        await asyncio.sleep(0.1)
    assert stage.twitch.refreshes == {"me": 1}
    assert stage.asked(PUT_COLOR) <= 4
    assert "refuses" in stage.ours.account()["trouble"]
    return 0


@scenario("401 for ever when joining: one refresh, few requests, the session stays", seconds=8, inside=True,
          channels=("me", "friend"))  # fmt: skip
async def stubborn_joining(stage: Stage) -> float:
    friend = stage.twitch.user("friend").id
    asked = stage.asked(SUBSCRIBE)
    stage.twitch.faults.add(
        SUBSCRIBE,
        faults.status(401, message="Invalid OAuth token"),
        times=None,
        where=lambda seen: seen.body["condition"]["broadcaster_user_id"] == friend,
    )
    await stage.twitch.eventsub.drop_all()
    await stage.twitch.wait_subscribed("me", "me")
    await asyncio.sleep(5)
    assert stage.twitch.refreshes == {"me": 1}
    assert stage.asked(SUBSCRIBE) - asked <= 6
    assert stage.ours.session().reconnects == 1
    return 0


@scenario("a change whose answer is lost is harmless", seconds=4)
async def done_but_unsaid(stage: Stage) -> float:
    stage.twitch.faults.add(PUT_COLOR, faults.drop_after(), times=2)
    await stage.say()
    await stage.twitch.wait_for(lambda: stage.changes() == 1)
    await asyncio.sleep(0.5)
    assert len({change.color for change in stage.twitch.color_changes}) == 1
    return await stage.recovers(3)


@scenario("a message mirrored into another channel counts once", seconds=3, channels=("me", "friend"))
async def mirrored(stage: Stage) -> float:
    await stage.twitch.say_shared("me", in_="me", mirrored_to=["friend"], text="hello")
    await stage.twitch.wait_for(lambda: stage.changes() == 1)
    await asyncio.sleep(0.5)
    assert stage.changes() == 1
    return 0


@scenario("two accounts in one channel: one change, of the one who wrote", seconds=3, inside=True,
          logins=("me", "friend"), channels=("me",))  # fmt: skip
async def together(stage: Stage) -> float:
    await stage.say("me", in_="me")
    await stage.twitch.wait_for(lambda: stage.changes() == 1)
    await stage.say("friend", in_="me")
    await stage.twitch.wait_for(lambda: stage.changes("friend"))
    assert (stage.changes(), stage.changes("friend"), stage.subject.messages) == (1, 1, 2)
    return 0


@scenario("two sessions overlap: a message that both deliver counts once", seconds=5, inside=True)
async def overlapping(stage: Stage) -> float:
    # The old socket still delivers while a new session joins: for a moment each message comes over both.
    stage.twitch.faults.add(SUBSCRIBE, faults.delay(0.5))
    await stage.hears_all(lambda: stage.twitch.eventsub.reconnect_all(url="ws://127.0.0.1:9/", grace=20))
    return 0
