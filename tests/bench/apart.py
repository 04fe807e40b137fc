"""A bot of the fault suite in a process of its own, so that nothing of it can slow the clock that measures it.

    python -m tests.bench.apart BOT

reads a `World` as a line of JSON, runs the bot in it until its input ends, and writes how many own messages the bot has
seen, a number a line.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict
from typing import Any

from colorchanger_bot.eventsub.timing import Timing
from tests.bench.plain_bot import PlainBot, point_at
from tests.faults.stage import Launch, Setup, Stage, Subject, World, ours_in

REPORT_SECONDS = 0.02
START_SECONDS = 30.0


@asynccontextmanager
async def plain_in(world: World) -> AsyncGenerator[PlainBot]:
    """Start the plain TwitchIO bot; one in a process, for TwitchIO keeps Twitch's addresses in class attributes."""
    point_at(world.api_url, world.id_url, world.eventsub_url.partition("?")[0])
    first, *_ = (world.users[login] for login in world.tokens)
    async with PlainBot(world.client_id, world.client_secret, first) as bot:
        running = asyncio.create_task(bot.start(with_adapter=False, load_tokens=False, save_tokens=False))
        await bot.wait_until_ready()
        for login, tokens in world.tokens.items():
            await bot.log_in(world.users[login], *tokens)
            for channel in world.setup.channels or (login,):
                await bot.read(world.users[channel], world.users[login])
        try:
            yield bot
        finally:
            await bot.close()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


BOTS: dict[str, Callable[[World], AbstractAsyncContextManager[Subject]]] = {"ours": ours_in, "plain": plain_in}


class Apart:
    """A bot in another process."""

    def __init__(self, process: Process) -> None:
        self.messages = 0
        self.started = asyncio.Event()
        self._process = process

    async def follow(self) -> None:
        """Take down what it reports, to the end of its output."""
        assert self._process.stdout
        async for line in self._process.stdout:
            self.messages = int(line)
            self.started.set()


def launcher(bot: str) -> Launch:
    """Return what starts a bot on a stage, in a process of its own; RuntimeError if the bot does not start."""

    @asynccontextmanager
    async def launch(stage: Stage) -> AsyncGenerator[Apart]:
        world = World.of(stage, client_secret="hush" if bot == "plain" else "")
        command = (sys.executable, "-m", "tests.bench.apart", bot)
        process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
        assert process.stdin
        process.stdin.write(json.dumps(asdict(world)).encode() + b"\n")
        apart = Apart(process)
        following = asyncio.create_task(apart.follow())
        started = asyncio.create_task(apart.started.wait())
        try:
            await asyncio.wait({started, following}, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if not apart.started.is_set():
                raise RuntimeError("did not start")
            yield apart
        finally:
            started.cancel()
            process.stdin.close()  # which ends it
            try:
                async with asyncio.timeout(START_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
            await following

    return launch


def world_of(data: dict[str, Any]) -> World:
    """Return the world that was written as JSON."""
    setup = data.pop("setup")
    fields: list[Any] = setup.pop("timing")
    timing = Timing._make(tuple(each) if isinstance(each, list) else each for each in fields)  # pyright: ignore[reportUnknownArgumentType]
    logins, channels = tuple(setup.pop("logins")), tuple(setup.pop("channels"))
    return World(**data, setup=Setup(**setup, logins=logins, channels=channels, timing=timing))


async def main(bot: str) -> None:
    """Run a bot until the input ends."""
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    world = world_of(json.loads(await reader.readline()))
    async with BOTS[bot](world) as subject:
        end = asyncio.create_task(reader.read())
        said = -1
        while not end.done():
            if subject.messages != said:
                said = subject.messages
                sys.stdout.write(f"{said}\n")
                sys.stdout.flush()
            await asyncio.sleep(REPORT_SECONDS)


if __name__ == "__main__":
    logging.disable()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(sys.argv[1]))
