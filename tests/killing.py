"""Kill a process in the middle of its refreshes, and look at what it left on disk."""

from __future__ import annotations

import asyncio
import random
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.store.store import Store, TokenPair

ROOT = Path(__file__).parent.parent


async def kill_refreshes(twitch: LocalTwitch, url: str, *, rounds: int, seed: int) -> tuple[int, int]:
    """Kill so many processes, each after some refreshes; return how many tokens were used, and how often the disk did
    not hold the newest of them.
    """
    rng = random.Random(seed)
    used = stale = 0
    twitch.add_user("me")
    app = twitch.add_app()
    for _ in range(rounds):
        pair = twitch.issue_tokens("me", app.client_id)
        async with Store.open(url) as store:
            await store.put_login("me", app.client_id, TokenPair(pair.access, pair.refresh), twitch.user("me").id)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.refreshing", url, twitch.id_url), cwd=ROOT, stdout=PIPE
        )
        if process.stdout is None:
            raise RuntimeError("there is no output to read")
        lines = [(await process.stdout.readline()).decode().strip()]
        await asyncio.sleep(rng.uniform(0.0, 0.15))
        process.kill()
        lines += (await process.stdout.read()).decode().split("\n")[:-1]  # a half line was not handed out
        await process.wait()
        async with Store.open(url) as store:
            (login,) = await store.logins()
        used += len(lines)
        number, token = lines[-1].split()
        on_disk = (login.generation, login.pair.access)
        # The disk may be one pair further than what was handed out: on disk first, then in use.
        stale += not (on_disk == (int(number), token) or login.generation == int(number) + 1)
    return used, stale
