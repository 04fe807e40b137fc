"""Kill processes in the middle of their work, and check what is on disk: `python -m tests.killing [ROUNDS]`."""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from asyncio.subprocess import PIPE
from pathlib import Path

from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.store.store import Store, TokenPair

ROOT = Path(__file__).parent.parent


async def kill_refreshes(twitch: LocalTwitch, url: str, *, rounds: int, seed: int) -> tuple[int, int]:
    """Kill `rounds` processes, each after some refreshes.

    Return how many tokens were used, and how often the newest of them was not on disk.
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
        lines += (
            (await process.stdout.read()).decode().split("\n")[:-1]
        )  # the token of an incomplete line was not handed out
        await process.wait()
        async with Store.open(url) as store:
            (login,) = await store.logins()
        used += len(lines)
        number, token = lines[-1].split()
        on_disk = (login.generation, login.pair.access)
        # The disk may be one pair ahead of what was handed out: a pair is saved before it is used.
        stale += not (on_disk == (int(number), token) or login.generation == int(number) + 1)
    return used, stale


async def kill_writes(url: str, *, rounds: int, seed: int) -> tuple[int, int]:
    """Kill `rounds` processes that write logins and colours.

    Return how many writes they confirmed, and how many of those are not in the store.
    """
    rng = random.Random(seed)
    acknowledged = lost = 0
    for number in range(rounds):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.writing", url, str(number)), cwd=ROOT, stdout=PIPE
        )
        if process.stdout is None:
            raise RuntimeError("there is no output to read")
        lines = [(await process.stdout.readline()).decode().strip()]
        await asyncio.sleep(rng.uniform(0.0, 0.15))
        process.kill()
        lines += (await process.stdout.read()).decode().split("\n")[:-1]  # an incomplete line confirms nothing
        await process.wait()
        login, generation = f"user{number}", int(lines[-1])
        async with Store.open(url) as store:
            (stored,) = (each for each in await store.logins() if each.login == login)
            remembered = await store.recall(login)
        acknowledged += len(lines)
        # The store may be one write ahead of what was confirmed.
        lost += not (
            stored.generation in (generation, generation + 1) and stored.pair.access == f"a{stored.generation}"
        )
        lost += remembered.history[:1] not in ([f"#{generation:06X}"], [f"#{generation + 1:06X}"])
    return acknowledged, lost


async def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/store.sqlite3"
        async with LocalTwitch() as twitch:
            refreshes = await kill_refreshes(twitch, url, rounds=rounds, seed=1)
        writes = await kill_writes(f"sqlite:///{folder}/writes.sqlite3", rounds=rounds, seed=1)
    sys.stdout.write(f"{rounds} kills in refreshes: {refreshes[0]} tokens used, {refreshes[1]} of them not on disk\n")
    sys.stdout.write(f"{rounds} kills in writes: {writes[0]} confirmed, {writes[1]} of them not on disk\n")
    sys.exit(1 if refreshes[1] or writes[1] else 0)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else 50))
