"""Write one login and its colours over and over, until killed: `python -m tests.writing STORE NUMBER`.

It prints the generation of the login once it and its colours are stored.
"""

from __future__ import annotations

import asyncio
import sys

from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.store.store import Store, TokenPair


async def write_for_ever(url: str, number: str) -> None:
    name = f"user{number}"
    async with Store.open(url) as store:
        login = await store.put_login(name, "client", TokenPair("first", "first"), name)
        while True:
            following = login.generation + 1
            newer = await store.replace_pair(login, TokenPair(f"a{following}", f"r{following}"))
            if newer is None:
                sys.exit("somebody else wrote this login")
            login = newer
            await store.remember_all({name: Remembered(history=[f"#{login.generation:06X}"])})
            sys.stdout.write(f"{login.generation}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(write_for_ever(sys.argv[1], sys.argv[2]))
