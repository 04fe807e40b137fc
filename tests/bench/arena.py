"""The place of the measurements: a local Twitch in this process, and one contestant at a time in another.

Times are taken at Twitch's side. Processor time and memory are what the operating system says about the contestant's
process (/proc, so Linux). Contestants are not asked anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from colorchanger_bot.sandbox import LocalTwitch, faults
from tests.bench.contestants import Contestant, Reader, Task

SCOPES = ("user:read:chat", "user:manage:chat_color", "user:write:chat", "chat:read")
"""The scopes of all contestants. twitch_colorchanger wants the last one, although it reads chat over EventSub."""
STRANGERS = 50
FOREIGN_TEXT = "a long message that somebody else has written " * 10
"""Makes frames of 1.6 kB, as messages with some emotes have."""
STOP_SECONDS = 8.0
FIRST_TRIES = 15


class Arena:
    """One contestant at work for some accounts."""

    def __init__(self, twitch: LocalTwitch, process: Process, logins: list[str], channels: list[str]) -> None:
        self.twitch = twitch
        self.logins = logins
        self.channels = channels
        self.subscribed_after = 0.0
        """Seconds from the start of the process to the last subscription."""
        self._process = process

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        contestant: Contestant,
        *,
        accounts: int = 1,
        channels: int = 1,
        together: bool = False,
        round_trip: float = 0.0,
        within: float = 60.0,
    ) -> AsyncGenerator[Arena]:
        """Start a contestant for so many accounts, and wait until it reads all their channels.

        Each account reads its own channel and `channels - 1` others, or all accounts read one channel `together`. Every
        answer of Twitch takes `round_trip` seconds.

        Raises:
            RuntimeError: it did not get there `within` seconds, or its process ended.
        """
        # Without the limits that only a bench reaches; the limit of joins stays.
        async with LocalTwitch(rate_limit=1e9, chat_interval=0.0) as twitch:
            if round_trip:
                twitch.faults.add("*", _slowly(round_trip), times=None)
            app = twitch.add_app(client_secret="thesecretofthebench")
            logins = [f"account{number}" for number in range(accounts)]
            readers: list[Reader] = []
            for login in logins:
                twitch.add_user(login, "#FF0000", turbo=True)
            for number in range(STRANGERS):
                twitch.add_user(f"stranger{number}", "#00FF7F")
            places: list[str] = []
            for login in logins:
                extra = [f"{login}_{number}" for number in range(1, channels)]
                for place in extra:
                    twitch.add_user(place)
                read = [logins[0]] if together else [login, *extra]
                places.extend(read)
                pair = twitch.issue_tokens(login, app.client_id, SCOPES)
                ids = tuple((place, twitch.user(place).id) for place in read)
                readers.append(Reader(login, twitch.user(login).id, pair.access, pair.refresh, ids))
            task = Task(
                twitch.api_url, twitch.id_url, twitch.eventsub_url, app.client_id, app.client_secret, tuple(readers)
            )
            expected = contestant.subscriptions(accounts, channels, together=together)
            with tempfile.TemporaryDirectory() as folder:
                command, environment = contestant.start(task, Path(folder))
                kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
                began = time.perf_counter()
                process = await asyncio.create_subprocess_exec(
                    *command, env=kept | environment, cwd=folder, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE
                )
                arena = cls(twitch, process, logins, places)
                errors = asyncio.create_task(_last_words(process), name="errors of the contestant")
                try:
                    try:
                        await twitch.wait_for(
                            lambda: len(twitch.subscriptions) == expected,
                            timeout=within,
                        )
                    except TimeoutError:
                        with contextlib.suppress(ProcessLookupError):
                            process.kill()
                        raise RuntimeError(
                            f"{contestant.name} made {len(twitch.subscriptions)} subscriptions in {within:g} s: "
                            f"{await errors}"
                        ) from None
                    arena.subscribed_after = time.perf_counter() - began
                    yield arena
                finally:
                    await _stop(process)
                    await errors

    # Doing

    async def change(self, login: str = "", limit: float = 5.0, *, in_: str = "") -> float:
        """Write an own message and wait for the request that changes the colour; return the seconds in between.

        It is written in the account's own channel, or in another one.

        Raises:
            TimeoutError: none came within `limit` seconds.
        """
        login = login or self.logins[0]
        seen = len(self.twitch.requests)
        began = time.perf_counter()
        await self.twitch.say(login, in_=in_ or login, text="hello")
        await self.twitch.wait_for(
            lambda: any(each.method == "PUT" for each in self.twitch.requests[seen:]), timeout=limit
        )
        return time.perf_counter() - began

    async def first_change(self, login: str, *, in_: str) -> None:
        """Write until a message leads to a change: in a channel that others read an account may not be ready yet.

        Raises:
            TimeoutError: none did.
        """
        for tries_left in range(FIRST_TRIES - 1, -1, -1):
            try:
                await self.change(login, limit=2.0, in_=in_)
            except TimeoutError:
                if not tries_left:
                    raise
            else:
                return

    async def chatter(self, number: int, channel: str = "", *, per_second: float | None = None) -> None:
        """Let strangers write so many messages, at an even pace or as fast as the socket takes them."""
        channel = channel or self.channels[0]
        began = time.perf_counter()
        for index in range(number):
            await self.twitch.say(f"stranger{index % STRANGERS}", in_=channel, text=FOREIGN_TEXT)
            if per_second is None:
                if index % 20 == 0:
                    await asyncio.sleep(0)
            else:
                ahead = (index + 1) / per_second - (time.perf_counter() - began)
                if ahead > 0.002:
                    await asyncio.sleep(ahead)

    async def caught_up(self) -> None:
        """Wait until everything sent so far has been read: an own message comes after it."""
        await self.change(limit=60)
        await asyncio.sleep(0.1)

    # Reading

    def cpu(self) -> float:
        """Processor time so far in seconds, of all threads, including those that have ended."""
        return time.clock_gettime(~self._process.pid << 3 | 2)  # the clock of a process: clock_getcpuclockid(3)

    def memory(self) -> float:
        """Resident memory in MiB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text("ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024

    async def costs(self, work: Callable[[], Awaitable[None]]) -> float:
        """Do something, wait until the contestant has caught up, and return the processor time it took, in seconds."""
        before = self.cpu()
        await work()
        await self.caught_up()
        return self.cpu() - before


def _slowly(seconds: float) -> faults.Action:
    async def answer(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]):
        await asyncio.sleep(seconds)
        return await handler(request)

    return answer


async def _last_words(process: Process) -> str:
    assert process.stderr is not None
    last = b""
    async for line in process.stderr:
        last = line.strip() or last
    return last.decode("utf-8", "replace")


async def _stop(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
    await process.wait()
