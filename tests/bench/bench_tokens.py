"""Refreshes at scale: `python -m tests.bench.bench_tokens [EXPIRIES] [KILLS]`, by default 1000 and 200.

Tokens expire while two requests need them, which must lead to one refresh each. Processes are killed as they refresh,
and the store must hold the newest pair that was used. Exits with 1 if either fails.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from colorchanger_bot.auth.applications import Applications
from colorchanger_bot.auth.guard import TokenGuard, handle
from colorchanger_bot.auth.keeper import TokenKeeper
from colorchanger_bot.clock import SystemClock
from colorchanger_bot.color import Color
from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.store.store import Store, TokenPair
from colorchanger_bot.twitch.helix import Helix
from colorchanger_bot.twitch.http import open_session
from tests.killing import kill_refreshes


async def expire(url: str, times: int) -> bool:
    """Let tokens expire so many times under load; return whether each led to exactly one refresh."""
    clock = SystemClock()
    async with LocalTwitch(rate_limit=1e9) as twitch, Store.open(url) as store, open_session() as plain:
        user, app = twitch.add_user("me", turbo=True), twitch.add_app()
        pair = twitch.issue_tokens("me", app.client_id)
        await store.put_login("me", app.client_id, TokenPair(pair.access, pair.refresh), user.id)

        applications = Applications({}, session=plain, id_url=twitch.id_url, clock=clock)

        keeper = TokenKeeper(store, applications, clock=clock, rng=random.Random(1))
        await keeper.load()
        (login,) = list(keeper)
        began = time.perf_counter()
        async with open_session([TokenGuard(keeper, clock)]) as session:
            calls = Helix(session, client_id=app.client_id, handle=handle(login.id), api_url=twitch.api_url)
            for number in range(times):
                twitch.expire("me")
                await asyncio.gather(calls.users(["me"]), calls.put_color(user.id, Color(number)))
        seconds = time.perf_counter() - began
        sys.stdout.write(
            f"{times} expiries, two requests each: {twitch.refreshes['me']} refreshes, "
            f"{len(twitch.spent_twice)} spent twice, {seconds / times * 1000:.1f} ms each\n"
        )
        return twitch.refreshes["me"] == times and not twitch.spent_twice and not keeper[login.id].lost


async def main(expiries: int, kills: int) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        fine = await expire(f"sqlite:///{(Path(folder) / 'a.sqlite3').as_posix()}", expiries)
        async with LocalTwitch() as twitch:
            url = f"sqlite:///{(Path(folder) / 'b.sqlite3').as_posix()}"
            used, stale = await kill_refreshes(twitch, url, rounds=kills, seed=1)
        sys.stdout.write(
            f"{kills} kills in refreshes: {used} tokens used, {stale} times the newest pair was not in the store\n"
        )
    return fine and not stale


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:]] + [1000, 200][len(sys.argv) - 1 :]
    sys.exit(0 if asyncio.run(main(*numbers)) else 1)
