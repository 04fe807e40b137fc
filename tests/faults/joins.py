"""Faults while subscribing again to the channels of a session that is gone."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

from colorchanger_bot.eventsub.timing import Timing
from colorchanger_bot.sandbox import faults
from colorchanger_bot.sandbox.faults import Action
from tests.faults.stage import SUBSCRIBE, Stage, add, is_join, limited_until, scenario


def answered(action: Action, times: int) -> Callable[[Stage], Awaitable[float]]:
    """Joining again meets a fault; measured from the end of the session of before."""

    async def play(stage: Stage) -> float:
        stage.twitch.faults.add(SUBSCRIBE, action, times=times, where=is_join)
        await stage.twitch.eventsub.drop_all()
        return await stage.recovers(10)

    return play


for name, action, times in (
    ("500", faults.status(500), 1),
    ("500 three times", faults.status(500), 3),
    ("502", faults.status(502), 1),
    ("503 twice", faults.status(503), 2),
    ("403 once", faults.status(403, message="subscription missing proper authorization"), 1),
    ("409 for what is there: the first answer was lost", faults.drop_after(), 1),
    ("409 for what is not there", faults.status(409, message="subscription already exists"), 1),
    ("400 for a session that is said to be gone", faults.status(400, message="session does not exist"), 1),
    ("400 for another reason, once", faults.status(400, message="bad luck"), 1),
    ("429 without a reason", faults.status(429), 1),
    ("dropped", faults.drop(), 1),
    ("dropped twice", faults.drop(), 2),
    ("garbage", faults.garbage(), 1),
    ("an answer 15 s late", faults.delay(15), 1),
    ("no answer at all", faults.hang(40), 1),
    ("401, and a refresh helps", faults.status(401, message="Invalid OAuth token"), 1),
):
    add(f"joining again meets: {name}", answered(action, times), promise=10, seconds=8)


@scenario("joining again meets: 429 until a reset in 4 s", promise=10, seconds=8)
async def limited_for_a_while(stage: Stage) -> float:
    reset = math.ceil(time.time() + 4)
    stage.twitch.faults.add(SUBSCRIBE, limited_until(reset), times=None)
    await stage.twitch.eventsub.drop_all()
    await asyncio.sleep(reset - time.time())
    stage.twitch.faults.clear()
    return await stage.recovers(10)


@scenario("joining again with a token that has expired: one refresh", promise=2)
async def expired(stage: Stage) -> float:
    stage.twitch.expire("me")
    await stage.twitch.eventsub.drop_all()
    seconds = await stage.recovers(2)
    assert stage.twitch.refreshes == {"me": 1}
    return seconds


@scenario("subscribing does not work for 20 s", promise=10, seconds=32)
async def outage(stage: Stage) -> float:
    stage.twitch.faults.add(SUBSCRIBE, faults.status(503), times=None)
    await stage.twitch.eventsub.drop_all()
    await asyncio.sleep(20)
    stage.twitch.faults.clear()
    return await stage.recovers(10)


@scenario("a subscription is lost at Twitch's side: one comparison", promise=3, timing=Timing(compare=2.0))
async def lost(stage: Stage) -> float:
    await stage.twitch.eventsub.lose_subscriptions("me")
    return await stage.recovers(3)


@scenario("the comparison gets no answer, and then says what is lost", promise=6, seconds=9, timing=Timing(compare=2.0))
async def lost_and_unanswered(stage: Stage) -> float:
    stage.twitch.faults.add("GET /helix/eventsub/subscriptions", faults.garbage())
    stage.twitch.faults.add("GET /helix/eventsub/subscriptions", faults.status(500))
    (before,) = stage.twitch.subscriptions
    await stage.twitch.wait_for(lambda: stage.asked("GET /helix/eventsub/subscriptions") >= 2, timeout=6)
    assert [each.id for each in stage.twitch.subscriptions] == [before.id]
    await stage.twitch.eventsub.lose_subscriptions("me")
    return await stage.recovers(6)


@scenario("the comparison leaves another program on the same application alone", seconds=6, inside=True,
          timing=Timing(compare=1.0))  # fmt: skip
async def neighbour(stage: Stage) -> float:
    from tests.faults.neighbour import reading

    async with reading(stage, "me") as theirs:
        await stage.twitch.wait_for(lambda: stage.asked("GET /helix/eventsub/subscriptions") >= 2, timeout=6)
        await stage.twitch.wait_for(lambda: stage.asked("GET /helix/eventsub/subscriptions") >= 4, timeout=6)
        assert theirs in [each.id for each in stage.twitch.subscriptions]
        assert len(stage.twitch.subscriptions) == 2
    return 0


CROWD = ("me", *(f"place{number}" for number in range(29)))


@scenario("thirty channels are joined again at Twitch's pace", promise=20, seconds=45, channels=CROWD)
async def pace(stage: Stage) -> float:
    await asyncio.sleep(0.5)
    began = time.monotonic()
    await stage.twitch.eventsub.drop_all()
    await asyncio.sleep(1)
    await stage.twitch.eventsub.drop_all()
    await stage.twitch.wait_for(lambda: len(stage.twitch.subscriptions) == 30, timeout=25)
    joins = sorted(seen.at for seen in stage.twitch.requests if seen.line == SUBSCRIBE)
    assert [seen.status for seen in stage.twitch.requests if seen.line == SUBSCRIBE and seen.status == 403] == []
    assert min(later - earlier for earlier, later in zip(joins, joins[20:], strict=False)) > 9
    return time.monotonic() - began
