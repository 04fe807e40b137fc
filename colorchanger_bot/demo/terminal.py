"""`colorchanger demo`: the real bot, logged in by the real device flow, against a local Twitch, in the terminal."""

from __future__ import annotations

import asyncio
import random
import statistics
from pathlib import Path

from colorchanger_bot.changer.pending_changes import Change
from colorchanger_bot.console import say
from colorchanger_bot.demo.picture import ChatPicture, save_svg, screen
from colorchanger_bot.demo.setup import DELAY_SECONDS, ME, Demo, opened
from colorchanger_bot.sandbox import Script
from colorchanger_bot.service.service import Service
from colorchanger_bot.words import counted, seconds_range

WHOLE_SECONDS = 9.0
"""Any number of messages takes about this long at most."""
CHANGE_SECONDS = 3.0
NEXT = """
Next:
  colorchanger demo --web    the same in your browser, to try by hand
  colorchanger preview       the colours of each strategy
  colorchanger login         with your own account (the steps before it: docs/getting-started.md)
"""


async def play(messages: int, *, debug: bool = False, svg: Path | None = None) -> None:
    """Play the demo with this many own messages. The last picture is saved as `svg`, if given."""
    async with opened(debug=debug, auto_approve=ME) as demo:
        made = await demo.log_in(
            lambda code: say(
                f"A local Twitch runs on {demo.twitch.id_url}. Logging in with the code {code.user_code} ..."
            )
        )
        say(f"Logged in as {made.login}, a made-up account that writes and watches its colour change.\n")
        async with Service.running(demo.settings, demo.store) as service:
            picture, summary = await _chat(demo, service, messages)
    say(f"\n{summary}")
    if svg is not None:
        save_svg(picture, summary, svg)
    for line in NEXT.splitlines():
        say(line)


async def _chat(demo: Demo, service: Service, messages: int) -> tuple[ChatPicture, str]:
    changes: list[Change] = []
    changed = asyncio.Event()

    def on_change(change: Change) -> None:
        if change.result == "changed":
            changes.append(change)
            changed.set()

    service.changer.on_change(on_change)
    await demo.twitch.wait_subscribed(ME, ME, timeout=10)
    lines = list(Script(ME, random.Random()).lines(messages))
    pace = min(1.0, WHOLE_SECONDS / (sum(line.pause for line in lines) + messages * DELAY_SECONDS[1]))
    picture = ChatPicture()
    with screen(picture) as live:
        for line in lines:
            await asyncio.sleep(line.pause * pace)
            color = demo.shown_color(line.login)
            changed.clear()
            await demo.twitch.say(line.login, in_=ME, text=line.text)
            picture.lines.append((line.login, color, line.text))
            if live is not None:
                live.update(picture.render(), refresh=True)
            else:
                say(f"{color.hex}  {line.login}: {line.text}")
            if line.login == ME:
                # Wait for the last change too: it follows the last message.
                async with asyncio.timeout(CHANGE_SECONDS):
                    await changed.wait()
    return picture, _summary(messages, changes)


def _summary(messages: int, changes: list[Change]) -> str:
    median = statistics.median(change.seconds for change in changes)
    return (
        f"{counted(messages, 'message')}, {counted(len(changes), 'colour change')}, median {median * 1000:.0f} ms from"
        f" message to colour (with a delay of {seconds_range(*DELAY_SECONDS)})"
    )
