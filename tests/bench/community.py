"""A community of thousands in one process: what its start, its messages and its stop cost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from colorchanger_bot.auth.scopes import COLOR_SCOPE
from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.store.store import Store, TokenPair
from colorchanger_bot.vault import new_key
from tests.bench.arena import SCOPES, Arena
from tests.bench.contestants import OURS
from tests.bench.report import Limit, Row

STREAMER = "streamer"
PER_SECOND = 83.0
"""Messages of members: 5,000 who each write one a minute."""
TALK_SECONDS = 60.0
WARM_UP_SECONDS = 10.0
IDLE_SECONDS, IDLE_SHARE = 3.0, 0.05
"""The start is over when the process takes less than this share of a core for so long."""
LAST_SECONDS = 10.0
TOKEN_SECONDS = 4 * 3600.0


async def measure(members: int, rounds: int, say: Callable[[str], None]) -> list[Row]:
    """Measure one community."""
    whose = f"{members:,} members"
    start = Row(f"{whose}: CPU of the start", "s", [Limit(20.0)])
    ready = Row(f"{whose}: start until the chat is read", "s")
    size = Row(f"{whose}: memory", "MiB", [Limit(150.0)])
    middle = Row(f"{whose}, {PER_SECOND:g} messages/s: own message to PUT, p50", "ms")
    late = Row(f"{whose}, {PER_SECOND:g} messages/s: own message to PUT, p99", "ms", [Limit(20.0)])
    latest = Row(f"{whose}, {PER_SECOND:g} messages/s: own message to PUT, longest", "ms", [Limit(50.0)])
    left = Row(f"{whose}: messages left without a change", "", [Limit(0.0)])
    busy = Row(f"{whose}, {PER_SECOND:g} messages/s: CPU", "% of a core")
    idle = Row(f"{whose}, nobody writes: CPU", "% of a core")
    stop = Row(f"{whose}: stop", "s", [Limit(2.0)])
    for number in range(rounds):
        say(f"a community of {members:,}, round {number + 1} of {rounds}")
        async with _community(members) as (arena, process):
            ready.add(OURS, arena.subscribed_after)
            start.add(OURS, await _settled(arena))
            idle.add(OURS, await _share(arena, asyncio.sleep(10.0)))
            await _talk(arena, WARM_UP_SECONDS)  # an account's first change does more
            talk = asyncio.create_task(_talk(arena, TALK_SECONDS))
            busy.add(OURS, await _share(arena, asyncio.wait([talk])))
            seconds = await talk
            done = [each for each in seconds if each is not None]
            left.add(OURS, float(len(seconds) - len(done)))
            middle.add(OURS, statistics.median(done) * 1e3)
            late.add(OURS, sorted(done)[round(len(done) * 0.99) - 1] * 1e3)
            latest.add(OURS, max(done) * 1e3)
            size.add(OURS, arena.memory())
            began = time.perf_counter()
            process.terminate()
            await process.wait()
            stop.add(OURS, time.perf_counter() - began)
    return [start, ready, size, idle, busy, middle, late, latest, left, stop]


@asynccontextmanager
async def _community(members: int) -> AsyncGenerator[tuple[Arena, asyncio.subprocess.Process]]:
    """Start the bot on a store with a streamer and so many members; yield when the streamer's chat is read."""
    async with LocalTwitch(rate_limit=1e9, chat_interval=0.0) as twitch:
        app = twitch.add_app().client_id
        names = [f"member{number}" for number in range(members)]
        with tempfile.TemporaryDirectory() as folder:
            url, key = f"sqlite:///{(Path(folder) / 'store.sqlite3').as_posix()}", new_key()
            async with Store.open(url, [key]) as store:
                for login in [STREAMER, *names]:
                    twitch.add_user(login, "#FF0000", turbo=True)
                    scopes = SCOPES if login == STREAMER else (COLOR_SCOPE,)
                    issued = twitch.issue_tokens(login, app, scopes)
                    expiry = time.time() + TOKEN_SECONDS
                    pair = TokenPair(issued.access, issued.refresh, scopes=frozenset(scopes), expires_at=expiry)
                    if login == STREAMER:
                        await store.put_login(login, app, pair, twitch.user(login).id)
                    else:
                        await store.put_member(login, app, pair, twitch.user(login).id, at=time.time(), most=members)
            environment = {
                "HOME": folder,
                "PATH": os.environ["PATH"],
                "COLORCHANGER_STORAGE__URL": url,
                "COLORCHANGER_STORAGE__KEY": key,
                "COLORCHANGER_APP__CLIENT_ID": app,
                "COLORCHANGER_TWITCH__API_URL": twitch.api_url,
                "COLORCHANGER_TWITCH__ID_URL": twitch.id_url,
                "COLORCHANGER_TWITCH__EVENTSUB_URL": twitch.eventsub_url,
                "COLORCHANGER_COLOR__DELAY": "0",
                "COLORCHANGER_COMMUNITY__ENABLED": "true",
                "COLORCHANGER_COMMUNITY__CHANNEL": STREAMER,
                "COLORCHANGER_COMMUNITY__MOST": str(members),
            }
            began = time.perf_counter()
            command = [sys.executable, "-m", "colorchanger_bot", "run"]
            process = await asyncio.create_subprocess_exec(
                *command, env=environment, cwd=folder, stdout=DEVNULL, stderr=DEVNULL
            )
            arena = Arena(twitch, process, names, [STREAMER])
            try:
                await twitch.wait_for(lambda: len(twitch.subscriptions) == 1, timeout=120)
                arena.subscribed_after = time.perf_counter() - began
                yield arena, process
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()


async def _settled(arena: Arena) -> float:
    """Wait until the process has nothing more to do; return the processor time until then."""
    while True:
        before = arena.cpu()
        if await _share(arena, asyncio.sleep(IDLE_SECONDS)) < IDLE_SHARE * 100:
            return before


async def _share(arena: Arena, work: Awaitable[object]) -> float:
    """Return how busy the process is meanwhile, in percent of a core."""
    began, before = time.perf_counter(), arena.cpu()
    await work
    return (arena.cpu() - before) / (time.perf_counter() - began) * 100


async def _talk(arena: Arena, seconds: float) -> list[float | None]:
    """Let members write; return for each message the seconds until its request, None if there was none."""
    twitch, began = arena.twitch, time.monotonic()
    # Nobody writes twice before everybody has written once.
    authors = random.Random(round(seconds)).sample(arena.logins, min(round(PER_SECOND * seconds), len(arena.logins)))
    said: list[tuple[str, float]] = []
    for number, author in enumerate(authors):
        if (ahead := began + number / PER_SECOND - time.monotonic()) > 0:
            await asyncio.sleep(ahead)
        said.append((author, time.monotonic()))
        await twitch.say(author, in_=STREAMER, text="hello")

    def requested() -> dict[str | None, float]:
        return {each.login: each.at for each in twitch.requests if each.method == "PUT" and each.at >= began}

    with contextlib.suppress(TimeoutError):
        await twitch.wait_for(lambda: len(requested()) == len(said), timeout=LAST_SECONDS)
    answered = requested()
    return [answered[author] - at if author in answered else None for author, at in said]
