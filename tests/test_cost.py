"""What a message costs, in calls, tasks and requests.

Unlike times, these counts do not depend on the machine. `python -m tests.bench` measures times.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import colorchanger_bot
from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.service.service import Service
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Store
from tests.fakes import subscribed_to_all, until

LogIn = Callable[..., Awaitable[None]]
SettingsFor = Callable[..., Settings]
MESSAGES = 500
OURS = str(Path(colorchanger_bot.__file__).parent)
SANDBOX = str(Path(OURS) / "sandbox")


class Count:
    """The Python functions called, by module and name, and the tasks started; without those of the local Twitch."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.tasks: list[str] = []

    def of(self, package: str) -> int:
        """Return the number of calls into a package."""
        return sum(number for name, number in self.calls.items() if name.startswith(package))

    def note_call(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call" and not frame.f_code.co_filename.startswith(SANDBOX):
            self.calls[f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}"] += 1

    def make_task(self, loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        code = work.cr_code
        if "web_protocol" not in code.co_filename and not code.co_filename.startswith(SANDBOX):
            self.tasks.append(code.co_qualname)
        return asyncio.Task(work, loop=loop, **options)


@contextmanager
def counted() -> Generator[Count]:
    """Count what happens in the running loop during the block."""
    count, loop = Count(), asyncio.get_running_loop()
    loop.set_task_factory(count.make_task)  # pyright: ignore[reportArgumentType]
    sys.setprofile(count.note_call)
    try:
        yield count
    finally:
        sys.setprofile(None)
        loop.set_task_factory(None)


async def test_somebody_elses_message_costs_only_a_few_calls(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    twitch.add_user("stranger", "#00FF00")
    async with Service.running(settings_for(), store) as service:
        await twitch.wait_subscribed("me", "me")
        await twitch.say("me", in_="me", text="hello")
        await until(lambda: next(iter(service.changer)).changes == 1)
        await asyncio.sleep(1.2)  # until the colour is saved
        await subscribed_to_all(twitch)
        requests, connections = len(twitch.requests), twitch.connections
        heard = 0

        def heard_all(count: Count) -> bool:
            nonlocal heard
            heard = count.calls["colorchanger_bot.eventsub.session.ChatSession._frame"]
            return heard >= MESSAGES

        with counted() as count:
            for _ in range(MESSAGES):
                await twitch.say("stranger", in_="me", text="what others write")
            await until(lambda: heard_all(count))
        beats = [name for name in count.tasks if "_beat" in name or "to_its_end" in name]
        assert sorted(set(count.tasks) - set(beats) - {"until"}) == []
        assert count.of("twitchio") == 0
        assert count.of("colorchanger_bot") / MESSAGES < 10
        assert (len(twitch.requests), twitch.connections) == (requests, connections)


async def test_a_change_costs_one_request_on_an_open_connection(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    async with Service.running(settings_for(), store) as service:
        await twitch.wait_subscribed("me", "me")
        painter = next(iter(service.changer))
        await twitch.say("me", in_="me", text="the first one also asks for the colour of before")
        await until(lambda: painter.changes == 1)
        await subscribed_to_all(twitch)
        requests, connections = len(twitch.requests), twitch.connections
        with counted() as count:
            for number in range(2, 22):
                await asyncio.sleep(0.01)
                await twitch.say("me", in_="me", text="hello")
                await until(lambda number=number: painter.changes == number)
        assert [each.line for each in twitch.requests[requests:]] == ["PUT /helix/chat/color"] * 20
        assert twitch.connections == connections
        assert count.calls["twitchio.models.eventsub_.ChatMessage.__init__"] == 20
        assert count.tasks.count("PendingChanges._work") == 20
        assert len(count.tasks) / 20 < 10
