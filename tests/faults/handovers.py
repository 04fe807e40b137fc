"""What is missed when a reader fails: one, two or thirty accounts in one channel write all the time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from colorchanger_bot.sandbox import LocalTwitch
from tests.faults.stage import Setup, Stage, launch_ours

CHANNEL = "place"
PER_SECOND = 20.0
Fault = Callable[[LocalTwitch, str], Awaitable[Any]]
"""Does something to a reader, who is given by login."""


class Missed(NamedTuple):
    """What became of the messages that were written while a fault happened."""

    said: int
    seen: int

    @property
    def missed(self) -> int:
        return self.said - self.seen


async def _revoke_subscription(twitch: LocalTwitch, reader: str) -> None:
    await twitch.eventsub.revoke("chat_user_banned", user=twitch.user(reader))


FAULTS: dict[str, Fault] = {
    "banned": lambda twitch, reader: twitch.ban(reader, CHANNEL),
    "a socket drops": lambda twitch, reader: twitch.eventsub.drop_all(login=reader),
    "a socket is closed": lambda twitch, reader: twitch.eventsub.close_all(4000, login=reader),
    "a login ends": lambda twitch, reader: twitch.revoke_login(reader),
    "a socket falls silent": lambda twitch, reader: twitch.eventsub.freeze(login=reader),
    "a subscription is revoked": _revoke_subscription,
    "Twitch moves all sessions": lambda twitch, _: twitch.eventsub.reconnect_all(),
    "all sockets drop": lambda twitch, _: twitch.eventsub.drop_all(),
}


SILENCED = ("banned", "a login ends")
"""After these a reader cannot write either; the others do."""
LASTING = (*SILENCED, "a subscription is revoked")
"""An account that is alone does not recover from these by itself, at least not soon."""


async def play(what: str, *, accounts: int, seconds: float) -> Missed:
    """Let all accounts write in turn while one of those who read their channel fails."""
    logins = tuple(f"viewer{number}" for number in range(accounts))
    setup = Setup(logins=logins, channels=(CHANNEL,))
    async with LocalTwitch(min_keepalive=1.0, chat_interval=0.0) as twitch:
        stage = Stage(twitch, setup, launch_ours)
        async with stage.running(subscribed=False):
            await twitch.wait_for(lambda: len(_readers(twitch, logins)) == min(accounts, 2), timeout=30)
            await stage.until(lambda: sum(1 for _ in stage.ours.service.changer) == accounts, 30)
            reader = _readers(twitch, logins)[0]
            writers = [login for login in logins if login != reader or what not in SILENCED]
            before, said = stage.subject.messages, 0
            happening = asyncio.create_task(_do(FAULTS[what], twitch, reader))
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                await stage.say(writers[said % len(writers)], CHANNEL)
                said += 1
                await asyncio.sleep(1 / PER_SECOND)
            await happening
            # The last word comes after all that will be heard.
            last = stage.subject.messages
            async with asyncio.timeout(30):
                while stage.subject.messages == last:
                    await stage.say(writers[0], CHANNEL, text="the last word")
                    said += 1
                    await asyncio.sleep(0.2)
            return Missed(said, stage.subject.messages - before)


async def _do(fault: Fault, twitch: LocalTwitch, reader: str) -> None:
    await fault(twitch, reader)


def _readers(twitch: LocalTwitch, logins: tuple[str, ...]) -> list[str]:
    """Who reads the channel."""
    channel = twitch.user(CHANNEL).id
    ids = {each.user_id for each in twitch.subscriptions if each.broadcaster_user_id == channel}
    return [login for login in logins if twitch.user(login).id in ids]
