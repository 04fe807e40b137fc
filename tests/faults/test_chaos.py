"""After half a minute of random faults, every wanted channel is read again and nothing is left behind.

Set `CHAOS_SEED` for another run and `CHAOS_SECONDS` for a longer one.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import random
from collections.abc import Callable
from typing import Any

from colorchanger_bot.eventsub.timing import Timing
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.sandbox.faults import Action
from tests.faults.stage import PUT_COLOR, SOCKET, SUBSCRIBE, Setup, Stage, launch_ours

SEED = int(os.environ.get("CHAOS_SEED", "7"))
SECONDS = float(os.environ.get("CHAOS_SECONDS", "30"))
LOGINS = ("me", "friend")
CHANNELS = ("me", "friend", "place")
REFRESH = "POST /oauth2/token"
REQUESTS = (SOCKET, SUBSCRIBE, PUT_COLOR, REFRESH, "GET /helix/eventsub/subscriptions")


class Chaos:
    """Causes one random fault after another on a local Twitch."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage = stage
        self.rng = random.Random(seed)
        self.done: list[str] = []

    async def reign(self, seconds: float) -> None:
        """Cause random faults, with own messages in between."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while loop.time() < end:
            await self._one()
            await self.stage.say(self.rng.choice(LOGINS), in_=self.rng.choice(CHANNELS))
            await asyncio.sleep(self.rng.uniform(0.02, 0.8))

    async def calm(self) -> None:
        """End every fault."""
        twitch = self.stage.twitch
        twitch.faults.clear()
        await twitch.eventsub.refuse(False)
        await twitch.eventsub.silence(False)
        for login in LOGINS:
            for channel in CHANNELS:
                twitch.unban(login, channel)

    async def _one(self) -> None:
        twitch, rng = self.stage.twitch, self.rng
        eventsub = twitch.eventsub
        things: dict[str, Callable[[], object]] = {
            "drop": eventsub.drop_all,
            "close": lambda: eventsub.close_all(rng.choice([1000, 1001, 1011, 1012, *range(4000, 4008)])),
            "move": lambda: eventsub.reconnect_all(rng.choice([0, 0.1, 1.0]), grace=rng.choice([0.3, 2, 30])),
            "send away": lambda: eventsub.reconnect_all(url=rng.choice(["ws://127.0.0.1:9/", "nowhere"]), grace=1),
            "freeze": eventsub.freeze,
            "refuse": lambda: eventsub.refuse(rng.random() < 0.5),
            "lose": lambda: eventsub.lose_subscriptions(rng.choice(LOGINS)),
            "nonsense": lambda: eventsub.send_raw(rng.choice(["{}", "[", '{"metadata": 1}', "\x00"])),
            "expire": lambda: twitch.expire(rng.choice(LOGINS)),
            "ban": lambda: twitch.ban(rng.choice(LOGINS), channel="place"),
            "unban": lambda: [twitch.unban(login, "place") for login in LOGINS],
            "answer": lambda: twitch.faults.add(*self._answer()),
            "answer thrice": lambda: twitch.faults.add(*self._answer(), times=3),
        }
        thing = rng.choice(list(things))
        self.done.append(thing)
        result = things[thing]()
        if inspect.isawaitable(result):
            await result

    def _answer(self) -> tuple[str, Action]:
        """Return a random request and the fault that it meets."""
        line = self.rng.choice(REQUESTS)
        nothing_done = [
            faults.status(500),
            faults.status(503),
            faults.rate_limited(1),
            faults.drop(),
            faults.garbage(),
            faults.delay(1),
        ]
        if line == REFRESH:  # a new pair that is lost on the way ends a login for good
            return line, self.rng.choice(nothing_done)
        refused = faults.status(401, message="Invalid OAuth token")
        return line, self.rng.choice([*nothing_done, faults.status(409), refused, faults.drop_after(), faults.hang(3)])


async def test_after_chaos_everything_wanted_is_read_and_nothing_is_left_behind() -> None:
    loop = asyncio.get_running_loop()
    complaints: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _loop, context: complaints.append(context))
    # A ban is retried, and a lost subscription noticed, after minutes; here it takes seconds.
    said = f"seed {SEED}"
    setup = Setup(logins=LOGINS, channels=CHANNELS, timing=Timing(park=(1, 3), compare=3, linger=3), keepalive=1)
    async with LocalTwitch(min_keepalive=1.0, linger=2.0) as twitch:
        stage = Stage(twitch, setup, launch_ours)
        async with stage.running():
            chaos = Chaos(stage, SEED)
            await chaos.reign(SECONDS)
            await chaos.calm()
            said += f": {', '.join(chaos.done)}"
            for login in LOGINS:
                await stage.recovers(45, login=login)
                for channel in CHANNELS:
                    await twitch.wait_subscribed(login, channel, timeout=20)
                session = stage.ours.session(login)
                await stage.until(lambda session=session: session.joined == len(CHANNELS), 20)
            assert set(twitch.refreshes) <= set(LOGINS), said
            assert twitch.spent_twice == [], said
    await asyncio.sleep(0.1)
    assert complaints == [], said
    assert asyncio.all_tasks() == {asyncio.current_task()}, said
