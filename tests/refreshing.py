"""Refresh one login over and over, until killed: `python -m tests.refreshing STORE ID_URL`.

It prints the number and the access token of each pair when the keeper hands it out. That counts as its use.
"""

from __future__ import annotations

import asyncio
import random
import sys

from colorchanger_bot.auth.applications import Applications
from colorchanger_bot.auth.keeper import TokenKeeper
from colorchanger_bot.clock import SystemClock
from colorchanger_bot.errors import ColorChangerError
from colorchanger_bot.store.store import Store
from colorchanger_bot.twitch.http import open_session


async def refresh_for_ever(url: str, id_url: str) -> None:
    clock = SystemClock()
    async with Store.open(url) as store, open_session() as session:
        applications = Applications({}, session=session, id_url=id_url, clock=clock)

        keeper = TokenKeeper(store, applications, clock=clock, rng=random.Random(1))
        await keeper.load()
        (login,) = list(keeper)
        token = login.pair.access
        while True:
            try:
                token = await keeper.renew(login.id, refused=token)
            except ColorChangerError as error:
                sys.exit(f"refused: {error}")
            sys.stdout.write(f"{keeper[login.id].generation} {token}\n")
            sys.stdout.flush()
            keeper.worked(login.id, token)


if __name__ == "__main__":
    asyncio.run(refresh_for_ever(sys.argv[1], sys.argv[2]))
