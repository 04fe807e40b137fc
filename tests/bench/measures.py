"""The measurements: each returns rows, and the contestants take turns, round by round."""

from __future__ import annotations

import asyncio
import random
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from colorchanger_bot.color import STRATEGIES
from tests.bench import community as of_community
from tests.bench.arena import Arena
from tests.bench.bench_color import of_one
from tests.bench.contestants import BEFORE, FLOOR, OURS, PLAIN, Contestant, each_for_itself, ours, two_sockets
from tests.bench.report import Limit, Row

Say = Callable[[str], None]

CHANGES = 250
PAUSE_SECONDS = 0.015
"""Between a change and the next own message, so that the answer has been read."""
FLOOD = 20_000
PEOPLE, PEOPLE_TURNS = 100, 2
PEOPLE_PAUSE_SECONDS = 0.05
CROWDS = (1, 30, 100, 300)
"""Accounts in one channel."""
MEMBERS = 5_000
RATE = 1000.0
"""Messages of strangers per second, as in the busiest channels."""
PACED_SECONDS = 5.0
SETTLE_SECONDS = 1.0
"""After a start, for work that a bot has put off."""


class Rounds:
    """Rounds in which every contestant has a turn; each round starts with another one."""

    def __init__(self, contestants: Sequence[Contestant], rounds: int, say: Say) -> None:
        self.contestants = list(contestants)
        self.rounds = rounds
        self.say = say

    async def turns(self, what: str, only: Sequence[Contestant] = ()) -> AsyncIterator[Contestant]:
        """Yield each contestant when it is its turn."""
        taking_part = [each for each in self.contestants if not only or each in only]
        for number in range(self.rounds):
            first = number % len(taking_part)
            for each in taking_part[first:] + taking_part[:first]:
                self.say(f"{what}, round {number + 1} of {self.rounds}: {each.name}")
                yield each


async def messages(rounds: Rounds) -> list[Row]:
    """The cost of messages, and the time from an own message to the request."""
    change = Row("CPU per change", "us", [Limit(1.5, PLAIN)])
    middle = Row("own message to PUT, p50", "ms", [Limit(1.25, PLAIN)])
    late = Row("own message to PUT, p99", "ms")
    foreign = Row("CPU per message of others, flood", "us", [Limit(1.0, FLOOR)])
    busy_middle = Row("own message to PUT at 1,000 messages/s, p50", "ms")
    busy_late = Row("own message to PUT at 1,000 messages/s, p99", "ms", [Limit(3.0)])
    paced = Row("CPU at 1,000 messages/s", "% of a core")
    async for each in rounds.turns("messages"):
        async with Arena.open(each) as arena:
            await asyncio.sleep(SETTLE_SECONDS)
            await _changes(arena, 20)
            before = arena.cpu()
            seconds = await _changes(arena, CHANGES)
            one = (arena.cpu() - before) / CHANGES
            change.add(each.name, one * 1e6)
            middle.add(each.name, statistics.median(seconds) * 1e3)
            late.add(each.name, _p99(seconds) * 1e3)
            spent = await arena.costs(lambda arena=arena: arena.chatter(FLOOD))
            foreign.add(each.name, (spent - one) / FLOOD * 1e6)
            begin, before = time.perf_counter(), arena.cpu()
            await arena.chatter(int(RATE * PACED_SECONDS), per_second=RATE)
            paced.add(each.name, (arena.cpu() - before) / (time.perf_counter() - begin) * 100)
            crowd = asyncio.create_task(arena.chatter(10**9, per_second=RATE))
            seconds = await _changes(arena, CHANGES)
            crowd.cancel()
            busy_middle.add(each.name, statistics.median(seconds) * 1e3)
            busy_late.add(each.name, _p99(seconds) * 1e3)
    return [change, foreign, paced, middle, late, busy_middle, busy_late]


async def people(rounds: Rounds) -> list[Row]:
    """The cost of a change when many accounts write now and then, as people do."""
    change = Row(f"CPU per change, {PEOPLE} accounts in turn", "us", [Limit(1.5, PLAIN), Limit(0.6, BEFORE)])
    async for each in rounds.turns("people"):
        async with Arena.open(each, accounts=PEOPLE) as arena:
            await asyncio.sleep(SETTLE_SECONDS)
            await _in_turn(arena)  # an account's first change does more
            before = arena.cpu()
            for _ in range(PEOPLE_TURNS):
                await _in_turn(arena)
            change.add(each.name, (arena.cpu() - before) / PEOPLE / PEOPLE_TURNS * 1e6)
    return [change]


async def memory(rounds: Rounds) -> list[Row]:
    """The memory of one account, and of many."""
    one = Row("memory, 1 account", "MiB", [Limit(75.0)])
    many = Row("memory, 100 accounts, a socket each", "MiB")
    further = Row("memory per further account", "kB", [Limit(50.0)])
    async for each in rounds.turns("memory"):
        async with Arena.open(each) as arena:
            await asyncio.sleep(SETTLE_SECONDS)
            await _changes(arena, 5)
            alone = arena.memory()
        async with Arena.open(each, accounts=100) as arena:
            await asyncio.sleep(SETTLE_SECONDS)
            for login in arena.logins:
                await arena.change(login)
            together = arena.memory()
        one.add(each.name, alone)
        many.add(each.name, together)
        further.add(each.name, (together - alone) * 1024 / 99)
    second = Row("memory per further account, two sockets each", "kB", [Limit(60.0)])
    rounds.say("two sockets an account")
    async with Arena.open(two_sockets) as arena:
        await asyncio.sleep(SETTLE_SECONDS)
        await _changes(arena, 5)
        alone = arena.memory()
    async with Arena.open(two_sockets, accounts=100) as arena:
        await asyncio.sleep(SETTLE_SECONDS)
        for login in arena.logins:
            await arena.change(login)
        second.add(OURS, (arena.memory() - alone) * 1024 / 99)
    return [one, many, further, second]


async def thousand(rounds: Rounds) -> list[Row]:
    """A thousand accounts in one process, each with its own session."""
    start = Row("1,000 accounts: all subscribed after", "s")
    size = Row("1,000 accounts: memory", "MiB")
    further = Row("1,000 accounts: memory per further account", "kB", [Limit(50.0)])
    served = Row("1,000 accounts: own message to PUT, p50", "ms")
    last = Row("1,000 accounts: messages left without a change", "of 1,000", [Limit(0.0)])
    rounds.say("a thousand accounts")
    async with Arena.open(ours) as arena:
        await asyncio.sleep(SETTLE_SECONDS)
        await _changes(arena, 5)
        alone = arena.memory()
    async with Arena.open(ours, accounts=1000, within=180.0) as arena:
        start.add(OURS, arena.subscribed_after)
        seconds: list[float] = []
        for login in arena.logins:
            try:
                seconds.append(await arena.change(login))
            except TimeoutError:
                rounds.say(f"{login} got no change")
        last.add(OURS, float(len(arena.logins) - len(seconds)))
        served.add(OURS, statistics.median(seconds) * 1e3)
        size.add(OURS, arena.memory())
        further.add(OURS, (arena.memory() - alone) * 1024 / 999)
    return [start, size, further, served, last]


async def starting(rounds: Rounds) -> list[Row]:
    """The time from the start of the process to its subscriptions."""
    first = Row("start to first subscription", "s", [Limit(1.6, PLAIN)])
    spent = Row("CPU until subscribed", "s", [Limit(1.15, BEFORE)])
    far = Row("100 accounts x 5 channels subscribed, answers 50 ms away", "s", [Limit(6.0)])
    async for each in rounds.turns("start"):
        async with Arena.open(each) as arena:
            first.add(each.name, arena.subscribed_after)
            spent.add(each.name, arena.cpu())
    only_once = Rounds(rounds.contestants, 1, rounds.say)
    async for each in only_once.turns("100 accounts, far away"):
        async with Arena.open(each, accounts=100, channels=5, round_trip=0.05, within=180.0) as arena:
            far.add(each.name, arena.subscribed_after)
    imported = Row("import colorchanger_bot", "ms", [Limit(50.0)])
    helped = Row("colorchanger --help", "ms", [Limit(300.0)])
    rounds.say("commands")
    empty = _timed("-c", "pass")
    for _ in range(rounds.rounds):
        imported.add(OURS, _timed("-c", "import colorchanger_bot") - empty)
        helped.add(OURS, _timed("-m", "colorchanger_bot", "--help"))
    return [first, spent, far, imported, helped]


async def crowds(rounds: Rounds) -> list[Row]:
    """Many accounts in one channel, which two of them read for all."""
    costs = [Row(f"CPU per message in a channel that {accounts} account(s) want", "us") for accounts in CROWDS]
    traffic = Row(f"CPU per message, {CROWDS[-1]} accounts / {CROWDS[1]} accounts", "x", [Limit(1.3)])
    size = Row("memory per further account without a socket", "kB", [Limit(17.0)])
    for _ in range(rounds.rounds):
        for accounts, row in zip(CROWDS, costs, strict=True):
            for each in [ours, each_for_itself] if accounts <= CROWDS[1] else [ours]:
                rounds.say(f"{accounts} account(s) in one channel: {each.name}")
                number = FLOOD // (accounts if each is each_for_itself else 1)
                async with _crowd(each, accounts) as arena:
                    spent = await arena.costs(lambda arena=arena, number=number: arena.chatter(number))
                    row.add(each.name, spent / number * 1e6)
        traffic.add(OURS, costs[-1].values[OURS][-1] / costs[1].values[OURS][-1])
        few, many = CROWDS[-1], 3 * CROWDS[-1]
        rounds.say(f"{many} accounts in one channel")
        async with _crowd(ours, few) as arena:
            before = arena.memory()
        async with _crowd(ours, many) as arena:
            size.add(OURS, (arena.memory() - before) * 1024 / (many - few))
    return [*costs, traffic, size]


@asynccontextmanager
async def _crowd(contestant: Contestant, accounts: int) -> AsyncGenerator[Arena]:
    """Start a contestant for accounts in one channel, and wait until each has changed its colour once."""
    async with Arena.open(contestant, accounts=accounts, together=True, within=120.0) as arena:
        await asyncio.sleep(SETTLE_SECONDS)
        for login in arena.logins:
            await arena.first_change(login, in_=arena.channels[0])
        yield arena


async def community(rounds: Rounds) -> list[Row]:
    """A streamer's community of thousands."""
    return await of_community.measure(MEMBERS, rounds.rounds, rounds.say)


async def lasting(rounds: Rounds) -> list[Row]:
    """Memory over a hundred thousand messages."""
    grown = Row("memory grown over 100,000 messages", "MiB")
    rounds.say("100,000 messages")
    async with Arena.open(ours) as arena:
        await asyncio.sleep(SETTLE_SECONDS)
        await arena.chatter(2000)
        await arena.caught_up()
        before = arena.memory()
        for _ in range(100):
            await arena.chatter(1000)
            await arena.change(limit=60)
        grown.add(OURS, arena.memory() - before)
    return [grown]


async def connections(rounds: Rounds) -> list[Row]:
    """New connections for changes 20 s apart: aiohttp keeps an idle connection for 15 s, ours for 5 minutes."""
    row = Row("new connections for 3 changes 20 s apart", "", [Limit(0.0)])
    only_once = Rounds(rounds.contestants, 1, rounds.say)
    async for each in only_once.turns("connections"):
        async with Arena.open(each) as arena:
            await arena.change()
            before = arena.twitch.connections
            for _ in range(3):
                await asyncio.sleep(20)
                await arena.change()
            row.add(each.name, float(arena.twitch.connections - before))
    return [row]


async def colors(rounds: Rounds) -> list[Row]:
    """The cost of one colour, by strategy."""
    rounds.say("colours")
    rows: list[Row] = []
    for name in STRATEGIES:
        row = Row(f"CPU per colour: {name}", "us")
        for _ in range(rounds.rounds):
            row.add(OURS, of_one(name, "both", presets_only=False, number=2000))
        rows.append(row)
    return rows


MEASURES: dict[str, Callable[[Rounds], Any]] = {
    "messages": messages,
    "people": people,
    "start": starting,
    "memory": memory,
    "thousand": thousand,
    "crowds": crowds,
    "community": community,
    "lasting": lasting,
    "connections": connections,
    "colors": colors,
}


async def _changes(arena: Arena, number: int) -> list[float]:
    """Write own messages one by one; return the time from each to its request, in seconds."""
    rng = random.Random(number)
    seconds: list[float] = []
    for _ in range(number):
        seconds.append(await arena.change())
        await asyncio.sleep(PAUSE_SECONDS * rng.uniform(1.0, 1.5))
    return seconds


async def _in_turn(arena: Arena) -> None:
    """Let each account write one message."""
    for login in arena.logins:
        await arena.change(login)
        await asyncio.sleep(PEOPLE_PAUSE_SECONDS)


def _p99(seconds: Sequence[float]) -> float:
    return sorted(seconds)[max(0, round(len(seconds) * 0.99) - 1)]


def _timed(*arguments: str) -> float:
    """The time of a Python process in milliseconds, the best of five."""
    best = float("inf")
    for _ in range(5):
        begin = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        best = min(best, time.perf_counter() - begin)
    return best * 1000
