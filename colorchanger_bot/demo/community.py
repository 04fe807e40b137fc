"""`colorchanger demo --community`: a chat whose people have joined, each name with colours of its own."""

from __future__ import annotations

import asyncio
import itertools
import random
import statistics
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from colorchanger_bot.changer.pending_changes import Change
from colorchanger_bot.clock import cancel
from colorchanger_bot.color import PRESETS
from colorchanger_bot.console import say
from colorchanger_bot.demo.picture import ChatPicture, save_svg, screen
from colorchanger_bot.demo.setup import DELAY_SECONDS, Demo, opened
from colorchanger_bot.errors import ColorChangerError
from colorchanger_bot.sandbox import Line
from colorchanger_bot.sandbox.script import MINE as TEXTS
from colorchanger_bot.service.service import Service
from colorchanger_bot.service.wording import members_text
from colorchanger_bot.vault import new_key
from colorchanger_bot.words import counted, seconds_range

STREAMER, STREAMERS_COLOR = "streamer", "#9146FF"
MOST_MEMBERS = 1000
AT_ONCE = 20
"""Viewers who hold a code at the same time; the community hands out no more."""
INTERVAL_SECONDS = 0.2
JOIN_SECONDS = 120.0
MESSAGES, PAUSE_SECONDS = 400, 0.03
"""How many messages there are at most, and the time between two."""
QUIET_SECONDS, LAST_SECONDS = 0.5, 5.0
"""The last changes have come when there was none for this long, and are not waited for any longer than that."""
LOOK_SECONDS = 0.05
LISTED = 40
"""Messages that are shown where there is no terminal for a picture."""
MORE = 100
"""Places for those who try the page."""
TURBO_EACH = 5
"""Of so many members, one has Turbo."""
REGULARS = 12
"""Members who write every other message, so that one sees the same name in one colour after another."""
HOW = ("quiet", "brave", "lucky", "tiny", "sunny", "sleepy", "clever", "swift", "gentle", "cosmic", "salty", "fuzzy")
WHO = ("fox", "lynx", "otter", "raven", "panda", "gecko", "koala", "moth", "heron", "badger", "yak", "wombat")
NEXT = """
Next:
  colorchanger demo --community {number} --web    the same in your browser, where you can join it yourself
  docs/community.md{gap}    how to set one up for your own chat
"""


def names(number: int) -> list[str]:
    """Return made-up logins."""
    plain = [f"{how}{who}" for how, who in itertools.product(HOW, WHO)]
    rounds = itertools.count(2)
    found = list(plain)
    while len(found) < number:
        found += [f"{name}{round_}" for round_ in [next(rounds)] for name in plain]
    return found[:number]


@asynccontextmanager
async def running(
    number: int, *, debug: bool, stop: asyncio.Event | None = None, **sections: Any
) -> AsyncGenerator[tuple[Demo, Service, Sequence[str]]]:
    """Run a bot with a community, which so many viewers have joined; yield their names, too.

    `stop` ends the joining early.

    Raises:
        ColorChangerError: somebody could not join.
    """
    sections["community"] = {"enabled": True, "channel": STREAMER, "most": MOST_MEMBERS + MORE}
    async with opened(debug=debug, storage_key=new_key(), interval=INTERVAL_SECONDS, **sections) as demo:
        demo.twitch.add_user(STREAMER, STREAMERS_COLOR, turbo=True)
        await demo.log_in(lambda code: demo.twitch.approve_device(code.user_code, STREAMER))
        async with Service.running(demo.settings, demo.store) as service:
            await demo.twitch.wait_subscribed(STREAMER, STREAMER, timeout=10)
            people = names(number)
            for place, name in enumerate(people):
                demo.twitch.add_user(name, PRESETS[place % len(PRESETS)].hex, turbo=place % TURBO_EACH == 0)
            async with asyncio.timeout(JOIN_SECONDS):
                await _join(demo, service, people, stop or asyncio.Event())
            yield demo, service, people


async def play(number: int, *, debug: bool = False, svg: Path | None = None) -> None:
    """Play a chat with so many members in the terminal. The last picture is saved as `svg`, if given."""
    say(f"{counted(number, 'made-up viewer')} of a local Twitch join, each with a code that the bot gives out ...")
    async with running(number, debug=debug) as (demo, service, people):
        say(f"{members_text(service.community.sums())}. Now they chat.\n")
        picture, summary = await _chat(demo, service, people)
    say(f"\n{summary}")
    if svg is not None:
        save_svg(picture, summary, svg)
    for line in NEXT.format(number=number, gap=" " * (19 + len(str(number)))).splitlines():
        say(line)


def lines(people: Sequence[str], rng: random.Random, *, pause: float = PAUSE_SECONDS) -> Iterator[Line]:
    """Yield a chat in which everybody writes, one after another, and between them a few who write all the time."""
    regulars = rng.sample(people, min(REGULARS, len(people)))
    everybody = rng.sample(people, len(people))
    for place, name in enumerate(everybody[: MESSAGES // 2]):
        for login in (name, regulars[place % len(regulars)]):
            yield Line(login, rng.choice(TEXTS), pause)


async def _join(demo: Demo, service: Service, people: Sequence[str], stop: asyncio.Event) -> None:
    """Let everybody join as viewers do: the bot gives out a code, and it is entered on Twitch's page."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def join(name: str) -> None:
        async with turns:
            pending = await service.community.begin(address=name)
            demo.twitch.approve_device(pending.user_code, name)
            while (progress := service.community.progress(pending.id)).state == "waiting":  # noqa: ASYNC110 - as a page does
                await asyncio.sleep(LOOK_SECONDS)
        if progress.state != "joined":
            raise ColorChangerError(f"{name} could not join: {progress.text}")

    async def everybody() -> None:
        await asyncio.gather(*joins)

    joins = [asyncio.create_task(join(name), name=f"{name} joins") for name in people]
    all_in = asyncio.create_task(everybody(), name="the community joins")
    stopped = asyncio.create_task(stop.wait(), name="end of the demo")
    try:
        await asyncio.wait({all_in, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if all_in.done():
            all_in.result()
    finally:
        await cancel([*joins, all_in, stopped])


async def _chat(demo: Demo, service: Service, people: Sequence[str]) -> tuple[ChatPicture, str]:
    changes: list[Change] = []
    service.changer.on_change(lambda change: changes.append(change) if change.result == "changed" else None)
    picture, said = ChatPicture(), 0
    with screen(picture) as live:
        for line in lines(people, random.Random()):
            await asyncio.sleep(line.pause)
            color = demo.shown_color(line.login)
            await demo.twitch.say(line.login, in_=STREAMER, text=line.text)
            said += 1
            picture.lines.append((line.login, color, line.text))
            if live is not None:
                live.update(picture.render(), refresh=True)
            elif said <= LISTED:
                say(f"{color.hex}  {line.login}: {line.text}")
    for _ in range(int(LAST_SECONDS / QUIET_SECONDS)):
        known = len(changes)
        await asyncio.sleep(QUIET_SECONDS)
        if len(changes) == known:
            break
    return picture, _summary(said, changes)


def _summary(messages: int, changes: Sequence[Change]) -> str:
    names = len({change.user_id for change in changes})
    found = f"{counted(messages, 'message')}, {counted(len(changes), 'colour change')} of {counted(names, 'name')}"
    if not changes:
        return found
    median = statistics.median(change.seconds for change in changes)
    delay = seconds_range(*DELAY_SECONDS)
    return f"{found}, median {median * 1000:.0f} ms from message to colour (with a delay of {delay})"
