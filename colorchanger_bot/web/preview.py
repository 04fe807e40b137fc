"""What a strategy would look like: the chat command for it, given to a painter that changes nothing at Twitch."""

from __future__ import annotations

import random

from colorchanger_bot.changer.commands import run_command
from colorchanger_bot.changer.memory import MemoryWriter, ShortMemory
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.changer.replies import page_reply
from colorchanger_bot.changer.results import NotDone
from colorchanger_bot.clock import Clock
from colorchanger_bot.color import STRATEGIES, Color
from colorchanger_bot.color.preview import Row, rows

SHOWN = 12
VERBS = frozenset(STRATEGIES) - {"hold"} | {"set"}
MOST_CHARACTERS = 400


class _NoTwitch:
    """Accepts every colour and changes nothing."""

    async def put_color(self, user_id: str, color: Color) -> None:
        pass

    async def get_color(self, user_id: str) -> Color | None:
        return None

    async def color_of(self, user_id: str, login: str) -> Color | None:
        return None

    def channels(self, user_id: str) -> tuple[str, ...] | None:
        return None

    def counts(self, user_id: str, channel_id: str) -> bool:
        return True

    async def check_channel(self, user_id: str, login: str) -> None:
        pass

    async def set_channels(self, user_id: str, channels: tuple[str, ...]) -> None:
        pass


async def preview(painter: Painter, text: str, clock: Clock) -> tuple[list[Row], str]:
    """Return the next 12 colours after a command, and its answer; no colours if the command is wrong."""
    verb = text.partition(" ")[0].lower()
    if verb not in VERBS or len(text) > MOST_CHARACTERS:
        return [], f"choose one of {', '.join(sorted(VERBS))}"
    nowhere = _NoTwitch()
    double = Painter(
        painter.user_id,
        painter.login,
        painter.settings,
        api=nowhere,
        memory=MemoryWriter(ShortMemory(), clock),
        clock=clock,
        rng=random.Random(),
        on_change=lambda _: None,
    )
    try:
        result = await run_command(double, text, nowhere)
    finally:
        await double.close()
    if isinstance(result, NotDone):
        return [], page_reply(result)
    plan, count = double.settings.plan(), SHOWN
    if double.held is not None:
        plan, count = plan._replace(strategy="hold", base=double.held), 1
    return [*rows(plan, count, random.Random(), clock.now(), painter.names_only)], page_reply(result)
