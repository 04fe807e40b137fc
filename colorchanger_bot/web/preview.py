"""What a strategy would look like: the chat command for it, given to a painter that changes nothing at Twitch."""

from __future__ import annotations

import random
from typing import Any

from colorchanger_bot.changer.commands import run_command
from colorchanger_bot.changer.memory import MemoryWriter, ShortMemory
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.changer.replies import page_reply
from colorchanger_bot.changer.results import NotDone
from colorchanger_bot.clock import Clock
from colorchanger_bot.color import STRATEGIES, Color
from colorchanger_bot.color.preview import Row, rows
from colorchanger_bot.settings.model import ColorSettings

SHOWN = 12
"""Colours of a preview."""
VERBS = frozenset(STRATEGIES) - {"hold"} | {"set"}
MOST_CHARACTERS = 400
LEAST_COLORS = {"palette": 1, "gradient": 2}
EXAMPLES = {"palette": "hot pink, orange red, dodger blue", "gradient": "red, blue", "shades": "dodger blue"}
"""For strategies that need colours where the settings have none."""


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
    # The same command shows the same colours each time: what somebody looks at must not change under the eye.
    rng = random.Random(f"{painter.login} {text}")
    return [*rows(plan, count, rng, clock.now(), painter.names_only)], page_reply(result)


async def suggestions(painter: Painter, clock: Clock) -> list[tuple[str, str, list[str]]]:
    """Return each strategy with the words that follow its name, and its next colours.

    The words are those of the settings in force, or an example.
    """
    found: list[tuple[str, str, list[str]]] = []
    for name in (name for name in STRATEGIES if name != "hold"):
        words = _words(painter.settings, name)
        shown, _ = await preview(painter, f"{name} {words}".strip(), clock)
        found.append((name, words, [row.hex for row in shown]))
    return found


def _words(settings: ColorSettings, strategy: str) -> str:
    """The words after the name of a strategy that stand for the settings, or for an example."""
    match strategy:
        case "palette" | "gradient" if len(settings.colors) >= LEAST_COLORS[strategy]:
            return ", ".join(str(color) for color in settings.colors)
        case "shades" if settings.base is not None:
            return str(settings.base)
        case "rainbow":
            step = f"{settings.step:g}" if settings.step is not None else ""
            return f"{step} {'reverse' if settings.reverse else ''}".strip()
        case "daily":
            return settings.period
        case _:
            return EXAMPLES.get(strategy, "")


def row_json(row: Row) -> dict[str, Any]:
    """Return a colour of a preview as JSON values."""
    return {"hex": row.hex, "onDark": round(row.contrast_dark, 1), "onLight": round(row.contrast_light, 1)}
